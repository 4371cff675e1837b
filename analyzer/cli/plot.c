/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An SVG of two panels over one axis of time: memory with its limit and the line that leads there,
 * and below it what grows. Each is drawn in bytes from zero, so that heights compare. Colours are
 * Okabe and Ito's, which nobody's eyes take for each other.
 */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WIDTH = 960,
	LEFT = 90,
	RIGHT = 250, /* for the legend */
	TOP = 40,
	PANEL = 220,
	GAP = 60,
	LINES = 6, /* in a panel */
	TICKS = 5,
};

static const char *const colours[LINES] = {"#0072b2", "#d55e00", "#009e73",
					   "#cc79a7", "#e69f00", "#56b4e9"};

struct curve {
	int64_t id;
	char *name;
	double per_hour, last, last_time;
	bool grows;
};

struct plot {
	struct nec_db *db;
	struct nec_text *svg;
	double from, to; /* time */
	bool has_forecast;
	double limit, at;
	int64_t limited;
};

struct panel {
	const char *title;
	struct curve curves[LINES];
	int count, top; /* top: pixels */
	double high;
};

static void put_text(struct plot *p, double x, double y, const char *anchor, const char *class,
		     const char *text)
{
	_cleanup_free_ char *escaped = nec_escape(text);

	nec_text_printf(p->svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x,
			y, anchor, class);
	for (const char *s = escaped ? escaped : ""; *s; s++)
		nec_text_puts(p->svg, *s == '<'   ? "&lt;"
				      : *s == '>' ? "&gt;"
				      : *s == '&' ? "&amp;"
						  : (char[]){*s, '\0'});
	nec_text_puts(p->svg, "</text>\n");
}

static double x_of(const struct plot *p, double time)
{
	return LEFT + (time - p->from) / (p->to - p->from) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct panel *panel, double value)
{
	return panel->top + PANEL * (1 - value / panel->high);
}

static void clock_text(double time, bool date, char *text, size_t size)
{
	time_t seconds = (time_t)time;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, size, date ? "%Y-%m-%d %H:%M:%S UTC" : "%H:%M:%S", &tm))
		snprintf(text, size, "?");
}

static struct nec_error *put_curve(struct plot *p, const struct panel *panel, int i)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	const struct curve *c = &panel->curves[i];
	const char *colour = colours[i];
	bool row;
	int n;

	NEC_TRY(nec_query_named(p->db, "trend_points", &query));
	NEC_TRY(nec_query_bind_int(query, ":series", c->id));
	nec_text_printf(p->svg,
			"<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
			colour);
	for (n = 0;; n++) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		nec_text_printf(p->svg, "%.1f,%.1f ", x_of(p, nec_query_real(query, 0)),
				y_of(panel, fmax(0, nec_query_real(query, 1))));
	}
	nec_text_puts(p->svg, "\"/>\n");
	if (p->has_forecast && c->id == p->limited && isfinite(p->at))
		nec_text_printf(
			p->svg,
			"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
			"stroke-width=\"2\" stroke-dasharray=\"6 4\"/>\n",
			x_of(p, c->last_time), y_of(panel, c->last), x_of(p, p->at),
			y_of(panel, p->limit), colour);
	nec_text_printf(p->svg, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>\n",
			WIDTH - RIGHT + 16, panel->top + 14 + 20 * i, colour);
	put_text(p, WIDTH - RIGHT + 36, panel->top + 20 + 20 * i, "start", "legend", c->name);
	return NULL;
}

static void put_axes(struct plot *p, const struct panel *panel)
{
	_cleanup_(nec_text_deinit) struct nec_text label = {0};
	char clock[40];

	put_text(p, LEFT, panel->top - 12, "start", "title", panel->title);
	for (int i = 0; i <= 4; i++) {
		double v = panel->high * i / 4;

		nec_text_printf(
			p->svg,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n",
			LEFT, y_of(panel, v), WIDTH - RIGHT, y_of(panel, v));
		nec_text_clear(&label);
		nec_text_size(&label, (int64_t)v);
		put_text(p, LEFT - 8, y_of(panel, v) + 4, "end", "tick", nec_text_str(&label));
	}
	for (int i = 0; i < TICKS; i++) {
		double t = p->from + (p->to - p->from) * i / (TICKS - 1);

		clock_text(t, false, clock, sizeof(clock));
		put_text(p, x_of(p, t), panel->top + PANEL + 18, "middle", "tick", clock);
	}
}

static struct nec_error *put_panel(struct plot *p, struct panel *panel)
{
	put_axes(p, panel);
	for (int i = 0; i < panel->count; i++)
		NEC_TRY(put_curve(p, panel, i));
	return NULL;
}

static struct nec_error *read_forecast(struct plot *p)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	NEC_TRY(nec_query_named(p->db, "trend_limited", &query));
	NEC_TRY(nec_query_step(query, &row));
	p->at = NAN;
	if (!row)
		return NULL;
	p->has_forecast = true;
	p->limited = nec_query_int(query, 0);
	p->limit = nec_query_real(query, 1);
	if (nec_query_column_type(query, 2) != NEC_COLUMN_NULL)
		p->at = nec_query_real(query, 2);
	return NULL;
}

/* Series for the two panels: memory in the first, and what holds it, or types where nothing is
 * known of that. */
static struct nec_error *read_curves(struct plot *p, struct panel panels[2])
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	bool row;

	p->from = INFINITY;
	p->to = -INFINITY;
	NEC_TRY(nec_query_named(p->db, "trend_series", &query));
	for (;;) {
		const char *kind, *unit;
		struct panel *panel;
		struct curve *c;

		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		kind = nec_query_text(query, 1, NULL);
		unit = nec_query_text(query, 3, NULL);
		panel = &panels[strcmp(kind, "memory") != 0];
		if (strcmp(unit, "bytes") != 0 || panel->count == LINES ||
		    (nec_query_int(query, 5) < 2 && panel->count))
			continue;
		c = &panel->curves[panel->count++];
		*c = (struct curve){
			.id = nec_query_int(query, 0),
			.name = strdup(nec_query_text(query, 2, NULL)),
			.last = nec_query_real(query, 7),
			.last_time = nec_query_real(query, 10),
		};
		if (!c->name)
			return &nec_enomem;
		panel->high = fmax(panel->high, fmax(nec_query_real(query, 6), c->last) * 1.1);
		p->from = fmin(p->from, nec_query_real(query, 9));
		p->to = fmax(p->to, c->last_time);
	}
	return NULL;
}

static struct nec_error *draw(struct plot *p, struct panel panels[2])
{
	int height;
	char clock[48], text[80];

	panels[0].top = TOP;
	panels[1].top = TOP + PANEL + GAP;
	height = panels[1].count ? panels[1].top + PANEL + GAP : TOP + PANEL + GAP;
	/* The axis reaches to the limit, unless that is so far that the series would be a dot. */
	if (isfinite(p->at) && p->at > p->to && p->at - p->from < 20 * (p->to - p->from))
		p->to = p->at;
	if (!(p->to > p->from))
		p->to = p->from + 1;
	if (p->has_forecast)
		panels[0].high = fmax(panels[0].high, p->limit * 1.1);
	for (int i = 0; i < 2; i++)
		panels[i].high = fmax(panels[i].high, 1);
	nec_text_printf(
		p->svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
		"<style>text{font-size:12px;fill:#222}.title{font-weight:bold;font-size:14px}"
		".grid{stroke:#ddd}.limit{stroke:#b00;stroke-width:1.5}</style>\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, height, WIDTH, height, WIDTH, height);
	NEC_TRY(put_panel(p, &panels[0]));
	if (p->has_forecast) {
		nec_text_printf(
			p->svg,
			"<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"limit\"/>\n",
			LEFT, y_of(&panels[0], p->limit), WIDTH - RIGHT,
			y_of(&panels[0], p->limit));
		snprintf(text, sizeof(text), "limit");
		if (isfinite(p->at)) {
			clock_text(p->at, true, clock, sizeof(clock));
			snprintf(text, sizeof(text), "limit: %s", clock);
		}
		put_text(p, LEFT + 6, y_of(&panels[0], p->limit) - 5, "start", "tick", text);
	}
	if (panels[1].count)
		NEC_TRY(put_panel(p, &panels[1]));
	nec_text_puts(p->svg, "</svg>\n");
	return p->svg->failed ? &nec_enomem : NULL;
}

struct nec_error *nec_plot_trend(struct nec_db *trend, struct nec_text *svg)
{
	struct plot p = {.db = trend, .svg = svg};
	struct panel panels[2] = {{.title = "Memory"}, {.title = "What it is"}};
	struct nec_error *err = read_forecast(&p);

	if (!err)
		err = read_curves(&p, panels);
	if (!err && !panels[0].count && !panels[1].count)
		err = nec_error_create(NEC_ERR_NOTFOUND, "nothing to draw: no figures over time");
	if (!err)
		err = draw(&p, panels);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < panels[i].count; j++)
			free(panels[i].curves[j].name);
	return err;
}
