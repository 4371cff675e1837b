/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stages of a load, drawn while a thread of its own loads. A load that is over before one could
 * read anything is not drawn at all.
 */
#include <errno.h>
#include <langinfo.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>

#include "tui/terminal.h"
#include "tui/tui.h"

#define STAGES_MAX 32
#define TICK_MS    100
/* Loads that take less are not worth a screen. */
#define DELAY_MS 300

struct stage {
	char name[64];
	uint64_t done, total; /* total 0: not known */
	double began, ended;  /* seconds; ended 0: goes on */
};

struct load {
	const char *dump;
	const struct nec_load_options *options;
	int fd;               /* readable when it is over */
	pthread_mutex_t lock; /* of all below */
	struct stage stages[STAGES_MAX];
	int stage_count;
	bool over;
	struct nec_error *error;
	char *path;
	bool loaded;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report(void *arg, const char *name, uint64_t done, uint64_t total)
{
	struct load *load = arg;
	struct stage *stage;

	pthread_mutex_lock(&load->lock);
	for (stage = load->stages; stage < load->stages + load->stage_count; stage++)
		if (strncmp(stage->name, name, sizeof(stage->name) - 1) == 0)
			break;
	if (stage == load->stages + load->stage_count && load->stage_count < STAGES_MAX) {
		snprintf(stage->name, sizeof(stage->name), "%s", name);
		stage->began = now();
		if (load->stage_count > 0 && stage[-1].ended == 0)
			stage[-1].ended = stage->began;
		load->stage_count++;
	}
	if (stage < load->stages + STAGES_MAX) {
		stage->done = done;
		stage->total = total;
	}
	pthread_mutex_unlock(&load->lock);
}

static void *work(void *arg)
{
	struct load *load = arg;
	struct nec_error *err = nec_load(load->dump, load->options, &load->path, &load->loaded);

	pthread_mutex_lock(&load->lock);
	load->error = err;
	load->over = true;
	pthread_mutex_unlock(&load->lock);
	eventfd_write(load->fd, 1);
	return NULL;
}

static void draw_stage(const struct stage *stage, struct nec_screen *screen, int y, bool last)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	double seconds = (stage->ended > 0 ? stage->ended : now()) - stage->began;

	nec_screen_puts(screen, 2, y, 26, last ? NEC_STYLE_LABEL : NEC_STYLE_NORMAL, stage->name);
	nec_text_printf(&text, "%.1f s", seconds);
	nec_screen_puts_right(screen, 28, y, 9, NEC_STYLE_NUMBER, nec_text_str(&text));
	nec_text_clear(&text);
	nec_text_count(&text, (int64_t)stage->done);
	nec_screen_puts_right(screen, 38, y, 15, NEC_STYLE_NUMBER, nec_text_str(&text));
	if (stage->total && last)
		nec_screen_bar(screen, 55, y, screen->width - 57, NEC_STYLE_BAR,
			       (int64_t)(stage->done / 2), (int64_t)(stage->total / 2 + 1));
}

static void draw(struct load *load, struct nec_screen *screen)
{
	int first;

	nec_screen_clear(screen);
	nec_screen_fill(screen, 0, 0, screen->width, NEC_STYLE_TITLE);
	nec_screen_puts(screen, 1, 0, 8, NEC_STYLE_TITLE, "loading ");
	nec_screen_puts(screen, 9, 0, screen->width - 10, NEC_STYLE_TITLE, load->dump);
	pthread_mutex_lock(&load->lock);
	first = load->stage_count > screen->height - 4 ? load->stage_count - (screen->height - 4)
						       : 0;
	for (int i = first < 0 ? 0 : first; i < load->stage_count; i++)
		draw_stage(&load->stages[i], screen, 2 + i - first, i == load->stage_count - 1);
	pthread_mutex_unlock(&load->lock);
	nec_screen_fill(screen, 0, screen->height - 1, screen->width, NEC_STYLE_STATUS);
	nec_screen_puts(screen, 1, screen->height - 1, screen->width - 2, NEC_STYLE_STATUS,
			load->options->progress->cancel ? "leaving ..."
							: "Esc leaves; nothing is left behind");
}

static bool is_over(struct load *load)
{
	bool over;

	pthread_mutex_lock(&load->lock);
	over = load->over;
	pthread_mutex_unlock(&load->lock);
	return over;
}

static struct nec_error *watch(struct load *load, struct nec_terminal *terminal,
			       struct nec_screen *screen)
{
	while (!is_over(load)) {
		struct nec_event event;

		draw(load, screen);
		terminal->draw(terminal, screen);
		NEC_TRY(terminal->read(terminal, TICK_MS, load->fd, &event));
		if (event.kind == NEC_EVENT_RESIZE)
			NEC_TRY(nec_screen_resize(screen, event.x, event.y));
		if (event.kind == NEC_EVENT_CLOSED ||
		    (event.kind == NEC_EVENT_KEY &&
		     (event.key == NEC_KEY_ESC || event.key == 'q' || event.key == ('c' & 0x1f))))
			load->options->progress->cancel = 1;
	}
	return NULL;
}

static struct nec_error *show(struct load *load)
{
	bool ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	const char *no_color = getenv("NO_COLOR");
	struct nec_terminal *terminal;
	struct nec_screen screen;
	struct nec_error *err;

	for (int ms = 0; ms < DELAY_MS && !is_over(load); ms += 10)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	if (is_over(load))
		return NULL;
	NEC_TRY(nec_curses_open(ascii, !(no_color && *no_color), &terminal));
	err = nec_screen_init(&screen, terminal->width, terminal->height, ascii);
	if (!err)
		err = watch(load, terminal, &screen);
	nec_screen_deinit(&screen);
	terminal->close(terminal);
	return err;
}

struct nec_error *nec_tui_load(const char *dump, const struct nec_load_options *options,
			       char **path_ret, bool *loaded_ret)
{
	struct load load = {.dump = dump, .options = options};
	struct nec_error *err;
	pthread_t thread;
	int errnum;

	load.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (load.fd < 0)
		return nec_error_os(errno, "eventfd");
	pthread_mutex_init(&load.lock, NULL);
	options->progress->report = report;
	options->progress->arg = &load;
	errnum = pthread_create(&thread, NULL, work, &load);
	if (errnum) {
		close(load.fd);
		return nec_error_os(errnum, "cannot start a thread");
	}
	err = show(&load);
	if (err)
		options->progress->cancel = 1;
	pthread_join(thread, NULL);
	options->progress->report = NULL;
	pthread_mutex_destroy(&load.lock);
	close(load.fd);
	if (load.error) {
		nec_error_destroy(err);
		return load.error;
	}
	if (err) {
		free(load.path);
		return err;
	}
	*path_ret = load.path;
	*loaded_ret = load.loaded;
	return NULL;
}
