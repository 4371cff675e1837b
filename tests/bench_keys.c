/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a key takes: bench_keys DATABASE...
 *
 * Opens each database and goes through the browser by keys. Of every key two times are printed:
 * until a screen is drawn that answers it (what was asked for, or that it is being worked on), and
 * until everything on that screen is there. What takes longer than ten seconds is ended by Esc,
 * which is a key like any other. The interface waits for its queries as it does on a terminal.
 * Exits with 1 when a key was not answered within 50 ms, or opening took more than 200.
 */
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/app.h"

#define KEY_MS  50.0
#define OPEN_MS 200.0
#define LONG_MS 10000.0

/* As curses.c waits for an answer before it draws. */
#define PATIENCE_MS 20

/* Keys in the order they are pressed; a word names the step. */
static const struct step {
	const char *name, *keys;
} steps[] = {
	{"lines", "jjjkk"},
	{"panes", "<Tab><Tab>"},
	{"types", "T"},
	{"next sort, other way", "sS"},
	{"types by module", "t"},
	{"types by package", "t"},
	{"types", "T"},
	{"filter as typed", "/Record<Enter>"},
	{"objects of a type", "<Enter>"},
	{"pages", "<PageDown><PageDown><PageDown><PageUp>"},
	{"last and first", "Gg"},
	{"sort by size", "s"},
	{"object", "<Backspace><Enter><Enter>"},
	{"what it refers to", "jj<Enter>"},
	{"back", "<Backspace>"},
	{"retainers, unfolded", "r<Right><Down><Right>"},
	{"back", "<Backspace>"},
	{"paths", "p"},
	{"back", "<Backspace>"},
	{"largest objects", "3"},
	{"pages", "<PageDown><PageDown>G"},
	{"dominators, unfolded", "D<Right><Down><Right><Down>"},
	{"threads", "Hj<Tab>jj<Tab>"},
	{"groups", "tj"},
	{"tasks", "a"},
	{"memory", "6j<Tab>j"},
	{"arenas", ":arenas<Enter>jj"},
	{"findings", "7j"},
	{"roots, sorted", "8sss"},
	{"find", ":find 4711<Enter>"},
	{"SQL", ":sql SELECT sum(size) FROM object<Enter>"},
	{"warnings", "W"},
	{"about", "I"},
	{"help", "?"},
	{"mark, return, compare", "3mj='"},
};

struct bench_terminal {
	struct nec_terminal terminal;
	size_t step;
	const char *at;  /* rest of the keys of the step */
	double began;    /* when the key under way was pressed; at first, the program started */
	double answered; /* ms that it took; < 0: not yet */
	bool ended;      /* the key under way is the Esc for the one before */
	bool opening;
	double open_ms, answer_ms, complete_ms, worst_ms; /* slowest keys: of the step, of all */
	bool too_long;                                    /* one of the step was ended by Esc */
	int keys, over;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void raise_to(double *most, double value)
{
	if (value > *most)
		*most = value;
}

static void press(struct bench_terminal *bench, uint32_t key, struct nec_event *event)
{
	event->kind = NEC_EVENT_KEY;
	event->key = key;
	bench->began = now_ms();
	bench->answered = -1;
	bench->keys++;
}

static void end_step(struct bench_terminal *bench)
{
	if (bench->opening) {
		bench->open_ms = bench->answered;
		printf("  %-24s %8.1f %10.1f\n", "open", bench->answered, bench->complete_ms);
		bench->opening = false;
	} else {
		printf("  %-24s %8.1f %10.1f%s\n", steps[bench->step].name, bench->answer_ms,
		       bench->complete_ms, bench->too_long ? "  ended by Esc" : "");
		bench->step++;
	}
	fflush(stdout);
	bench->answer_ms = bench->complete_ms = 0;
	bench->too_long = false;
	bench->at = bench->step < sizeof(steps) / sizeof(steps[0]) ? steps[bench->step].keys : "";
}

static struct nec_error *bench_read(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				    struct nec_event *event)
{
	struct bench_terminal *bench = (struct bench_terminal *)terminal;
	struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
	double elapsed = now_ms() - bench->began;
	size_t used = 1;

	*event = (struct nec_event){.kind = NEC_EVENT_NONE};
	if (timeout_ms >= 0 && (elapsed < LONG_MS || bench->ended)) {
		poll(&wake, 1, timeout_ms);
		return NULL;
	}
	raise_to(&bench->complete_ms, elapsed);
	if (!bench->opening) {
		raise_to(&bench->answer_ms, bench->answered);
		raise_to(&bench->worst_ms, bench->answered);
		bench->over += bench->answered > KEY_MS;
	}
	bench->ended = timeout_ms >= 0;
	if (bench->ended) {
		bench->too_long = true;
		press(bench, NEC_KEY_ESC, event);
		return NULL;
	}
	if (!*bench->at)
		end_step(bench);
	if (!*bench->at) {
		event->kind = NEC_EVENT_CLOSED;
		return NULL;
	}
	press(bench, nec_key_parse(bench->at, &used), event);
	bench->at += used;
	return NULL;
}

static void bench_draw(struct nec_terminal *terminal, const struct nec_screen *screen)
{
	struct bench_terminal *bench = (struct bench_terminal *)terminal;

	(void)screen;
	if (bench->answered < 0)
		bench->answered = now_ms() - bench->began;
}

static void bench_close(struct nec_terminal *terminal)
{
	(void)terminal;
}

static struct nec_error *measure(const char *path, bool *good)
{
	struct bench_terminal bench = {
		.terminal = {.read = bench_read,
			     .draw = bench_draw,
			     .close = bench_close,
			     .patience_ms = PATIENCE_MS,
			     .width = 160,
			     .height = 50},
		.at = "",
		.began = now_ms(),
		.answered = -1,
		.opening = true,
	};
	const struct nec_tui_options options = {.no_keymap = true};
	_cleanup_(nec_db_closep) struct nec_db *db = NULL;
	_cleanup_free_ char *objects = NULL;
	struct nec_app *app;
	struct nec_error *err;

	NEC_TRY(nec_db_open(path, &db));
	objects = nec_db_meta(db, "objects");
	printf("%s, %s objects\n  %-24s %8s %10s\n", path, objects ? objects : "no",
	       "milliseconds until", "answered", "complete");
	NEC_TRY(nec_app_create(db, &bench.terminal, &options, &app));
	err = nec_app_run(app);
	nec_app_destroy(app);
	if (err)
		return err;
	printf("  opened in %.0f ms; the slowest of %d keys was answered after %.1f ms, %d after "
	       "more than %.0f\n",
	       bench.open_ms, bench.keys, bench.worst_ms, bench.over, KEY_MS);
	*good = *good && bench.open_ms <= OPEN_MS && !bench.over;
	return NULL;
}

int main(int argc, char **argv)
{
	bool good = true;

	setlocale(LC_ALL, "C.UTF-8");
	if (argc < 2) {
		fprintf(stderr, "usage: bench_keys DATABASE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		struct nec_error *err = measure(argv[i], &good);

		if (err) {
			fprintf(stderr, "bench_keys: %s\n", err->message);
			nec_error_destroy(err);
			return 2;
		}
	}
	return !good;
}
