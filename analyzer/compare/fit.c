/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes of series; see fit.h. */
#include <math.h>

#include "compare/fit.h"

const char *const nec_shape_names[NEC_SHAPES] = {
	[NEC_SHAPE_UNKNOWN] = "one point",    [NEC_SHAPE_FLAT] = "flat",
	[NEC_SHAPE_VARIES] = "varies",        [NEC_SHAPE_LINEAR] = "grows",
	[NEC_SHAPE_STEPS] = "grows in steps", [NEC_SHAPE_SATURATING] = "levels off",
	[NEC_SHAPE_STEP] = "grew once",       [NEC_SHAPE_FALLING] = "falls",
};

/* Quantiles of Student's t for 97.5 %, by degrees of freedom from 1. */
static const double student[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23,
				 2.20,  2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09};

static double quantile(size_t degrees)
{
	size_t count = sizeof(student) / sizeof(student[0]);

	return degrees < 1        ? NAN
	       : degrees <= count ? student[degrees - 1]
				  : 1.96 + 2.6 / (double)degrees;
}

enum model { CONSTANT, LINE, RAMP_FLAT, FLAT_RAMP, SATURATION, ONE_STEP, MODELS };

/* A model is a line over another variable than the time, with one parameter for the bend. */
static double variable(enum model model, double t, double p)
{
	switch (model) {
	case LINE:
		return t;
	case RAMP_FLAT:
		return fmin(t, p);
	case FLAT_RAMP:
		return fmax(t - p, 0);
	case SATURATION:
		return -expm1(-t / p);
	case ONE_STEP:
		return t >= p;
	case CONSTANT:
	case MODELS:
		break;
	}
	return 0;
}

struct line {
	double slope, mean_x, mean_y, sxx, rss;
};

/* Times are scaled to 0 .. 1. */
struct data {
	const double *times, *values;
	size_t count;
	double start, span;
	double noise;
};

static double scaled(const struct data *d, size_t i)
{
	return (d->times[i] - d->start) / d->span;
}

static struct line regress(const struct data *d, enum model model, double p)
{
	struct line l = {0};
	double sxy = 0;
	size_t i;

	for (i = 0; i < d->count; i++) {
		l.mean_x += variable(model, scaled(d, i), p) / (double)d->count;
		l.mean_y += d->values[i] / (double)d->count;
	}
	for (i = 0; i < d->count; i++) {
		double x = variable(model, scaled(d, i), p) - l.mean_x;

		l.sxx += x * x;
		sxy += x * (d->values[i] - l.mean_y);
	}
	l.slope = l.sxx > 0 ? sxy / l.sxx : 0;
	for (i = 0; i < d->count; i++) {
		double x = variable(model, scaled(d, i), p) - l.mean_x;
		double r = d->values[i] - l.mean_y - l.slope * x;

		l.rss += r * r;
	}
	return l;
}

static double criterion(const struct data *d, const struct line *l, int parameters)
{
	double n = (double)d->count;

	return n * log(l->rss / n + d->noise * d->noise) + parameters * log(n);
}

/* Points behind a scaled time. */
static size_t points_after(const struct data *d, double t)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += scaled(d, i) >= t;
	return n;
}

struct choice {
	enum model model;
	double parameter, criterion;
	struct line line;
};

static void consider(const struct data *d, enum model model, double p, int parameters,
		     double handicap, struct choice *best)
{
	struct choice c = {model, p, 0, regress(d, model, p)};

	c.criterion = criterion(d, &c.line, parameters) + handicap;
	if (best->model == MODELS || c.criterion < best->criterion)
		*best = c;
}

static struct choice choose(const struct data *d)
{
	static const double decays[] = {0.06, 0.1, 0.15, 0.22, 0.33, 0.5};
	struct choice best = {.model = MODELS};
	size_t i;

	consider(d, CONSTANT, 0, 1, 0, &best);
	consider(d, LINE, 0, 2, 0, &best);
	/* Of four points a bend is two and two: no more than chance. */
	if (d->count < 5)
		return best;
	for (i = 1; i < d->count; i++) {
		double here = scaled(d, i), middle = (here + scaled(d, i - 1)) / 2;

		if (points_after(d, here) >= 2 && i > 1) {
			consider(d, RAMP_FLAT, here, 3, 2, &best);
			consider(d, RAMP_FLAT, middle, 3, 2, &best);
		}
		if (points_after(d, here) >= 3)
			consider(d, FLAT_RAMP, here, 3, 4, &best);
		if (points_after(d, here) >= 2)
			consider(d, ONE_STEP, middle, 3, 2, &best);
	}
	for (i = 0; i < sizeof(decays) / sizeof(decays[0]); i++)
		consider(d, SATURATION, decays[i], 3, 2, &best);
	return best;
}

/*
 * Steps: at most two in five of the intervals make nine tenths of the change, at least two of them,
 * and one of these is in the second half.
 */
static bool is_stairs(const struct data *d)
{
	double total = d->values[d->count - 1] - d->values[0], sum = 0, limit = INFINITY;
	size_t intervals = d->count - 1, m = 0;
	bool late = false;

	if (intervals < 5 || total <= d->noise)
		return false;
	while (sum < 0.9 * total) {
		double next = 0;
		size_t i, at = 0, ties = 0;

		/* The next largest; increments of one size are taken together. */
		for (i = 0; i < intervals; i++) {
			double change = d->values[i + 1] - d->values[i];

			if (change < limit && change > next) {
				next = change;
				at = i;
				ties = 0;
			}
			if (change == next && next > 0) {
				ties++;
				at = i;
			}
		}
		if (next <= 0)
			return false;
		sum += next * (double)ties;
		m += ties;
		late |= at >= intervals / 2;
		limit = next;
	}
	return m >= 2 && m * 5 <= intervals * 2 && late;
}

static void fit_line(const struct data *d, const struct line *l, struct nec_fit *fit)
{
	double n = (double)d->count, variance;

	fit->slope = l->slope / d->span;
	fit->time = d->start + l->mean_x * d->span;
	fit->value = l->mean_y;
	if (d->count < 3) {
		fit->error = fit->value_error = NAN;
		return;
	}
	variance = fmax(l->rss / (n - 2), d->noise * d->noise / 4);
	fit->error = quantile(d->count - 2) * sqrt(variance / l->sxx) / d->span;
	fit->value_error = quantile(d->count - 2) * sqrt(variance / n);
}

static enum nec_shape direction(const struct nec_fit *fit)
{
	return fit->slope < 0 ? NEC_SHAPE_FALLING : NEC_SHAPE_LINEAR;
}

/* Only the points behind the bend tell how fast it grows now. */
static void fit_rest(const struct data *d, double bend, struct nec_fit *fit)
{
	size_t skip = d->count - points_after(d, bend - 1e-9);
	const struct data rest = {
		.times = d->times + skip,
		.values = d->values + skip,
		.count = d->count - skip,
		.start = d->start,
		.span = d->span,
		.noise = d->noise,
	};
	const struct line l = regress(&rest, LINE, 0);

	fit_line(&rest, &l, fit);
}

static void apply(const struct data *d, const struct choice *c, struct nec_fit *fit)
{
	const struct line straight = regress(d, LINE, 0);
	double last = variable(c->model, 1, c->parameter), range = 0;

	fit_line(d, &straight, fit);
	switch (c->model) {
	case CONSTANT:
		for (size_t i = 0; i < d->count; i++)
			range = fmax(range, fabs(d->values[i] - c->line.mean_y));
		fit->shape = range > 4 * d->noise ? NEC_SHAPE_VARIES : NEC_SHAPE_FLAT;
		fit->slope = 0;
		return;
	case LINE:
		fit->shape = direction(fit);
		return;
	case FLAT_RAMP:
		fit_rest(d, c->parameter, fit);
		fit->shape = direction(fit);
		return;
	case RAMP_FLAT:
	case SATURATION:
	case ONE_STEP:
		fit->level = c->line.mean_y + c->line.slope * (last - c->line.mean_x);
		if (c->model == SATURATION)
			fit->level = c->line.mean_y + c->line.slope * (1 - c->line.mean_x);
		fit->shape = c->line.slope < 0      ? NEC_SHAPE_FALLING
			     : c->model == ONE_STEP ? NEC_SHAPE_STEP
						    : NEC_SHAPE_SATURATING;
		if (fit->shape != NEC_SHAPE_FALLING)
			fit->slope = 0;
		return;
	case MODELS:
		break;
	}
}

/* Three or four points: no more than whether the last stretch still goes on. */
static void fit_few(const struct data *d, struct nec_fit *fit)
{
	size_t n = d->count;
	double before = (d->values[n - 2] - d->values[0]) / (d->times[n - 2] - d->times[0]);
	double last = (d->values[n - 1] - d->values[n - 2]) / (d->times[n - 1] - d->times[n - 2]);

	if (before > 0 && last >= 0 && last < before / 10 && fit->shape != NEC_SHAPE_FLAT) {
		fit->shape = NEC_SHAPE_SATURATING;
		fit->level = d->values[n - 1];
		fit->slope = 0;
	}
}

void nec_fit_series(const double *times, const double *values, size_t count, double noise,
		    struct nec_fit *fit)
{
	struct data d = {
		.times = times, .values = values, .count = count, .noise = fmax(noise, 1e-9)};
	struct choice choice;

	*fit = (struct nec_fit){.error = NAN, .level = NAN, .value_error = NAN};
	if (!count)
		return;
	d.start = times[0];
	d.span = times[count - 1] - times[0];
	fit->time = times[count - 1];
	fit->value = values[count - 1];
	if (count < 2 || !(d.span > 0))
		return;
	if (count == 2) {
		struct line l = regress(&d, LINE, 0);

		fit_line(&d, &l, fit);
		fit->shape = fabs(values[1] - values[0]) <= noise ? NEC_SHAPE_FLAT : direction(fit);
		return;
	}
	if (is_stairs(&d)) {
		const struct line l = regress(&d, LINE, 0);

		fit_line(&d, &l, fit);
		fit->shape = NEC_SHAPE_STEPS;
		return;
	}
	choice = choose(&d);
	apply(&d, &choice, fit);
	if (count < 5)
		fit_few(&d, fit);
}

/* How far the rate to come may be from the one that was seen, which no error of a fit covers: load
 * changes, and a process that is dumped stands still meanwhile. */
static const double drift = 0.1;

bool nec_fit_reaches(const struct nec_fit *fit, double limit, double *at_ret, double *earliest_ret,
		     double *latest_ret)
{
	double error = hypot(isnan(fit->error) ? 0 : fit->error, fit->slope * drift);
	double offset = isnan(fit->value_error) ? 0 : fit->value_error;

	if (!nec_shape_grows(fit->shape) || !(fit->slope > 0))
		return false;
	*at_ret = fit->time + (limit - fit->value) / fit->slope;
	*earliest_ret = fit->time + (limit - fit->value - offset) / (fit->slope + error);
	*latest_ret = fit->slope > error
			      ? fit->time + (limit - fit->value + offset) / (fit->slope - error)
			      : NAN;
	return isfinite(*at_ret);
}
