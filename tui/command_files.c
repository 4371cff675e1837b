/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that write files: the list, a graph of who holds an object, the screen. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/command_files.h"

struct nec_error *nec_tui_run_export(struct nec_app *app, const char *argument)
{
	struct nec_pane *pane = nec_app_pane(app);
	const struct nec_view *view = pane->view;
	struct nec_job *job;

	if (view->fill || view->maker) {
		nec_app_say(app, "this list is not of a query");
		return NULL;
	}
	if (!*argument) {
		char line[128];

		snprintf(line, sizeof(line), "export %s.csv", nec_app_place(app)->def->name);
		nec_prompt_open(&app->prompt, ':', line);
		return NULL;
	}
	job = nec_job_create(NEC_JOB_EXPORT);
	if (!job)
		return &nec_enomem;
	job->owner = app;
	job->db = pane->db;
	job->name = view->query;
	job->path = strdup(argument);
	job->filter = pane->filter ? strdup(pane->filter) : NULL;
	if (view->query) {
		job->page = (struct nec_page){
			.key = view->key,
			.sort = pane->sort >= 0 ? pane->columns[pane->sort].name : NULL,
			.descending = pane->descending,
			.limit = -1,
			.filter = job->filter,
			.filter_columns = view->filter,
		};
	} else {
		const struct nec_value *sql = nec_params_find(&pane->params, "sql");

		job->sql = strdup(sql ? sql->s : "");
	}
	if (!job->path || (pane->filter && !job->filter) || (!view->query && !job->sql) ||
	    (view->query && nec_params_copy(&job->params, &pane->params))) {
		nec_job_destroy(job);
		return &nec_enomem;
	}
	nec_worker_submit(app->worker, job);
	nec_app_say(app, "writing %s", argument);
	return NULL;
}

struct nec_error *nec_tui_run_draw(struct nec_app *app, const char *argument)
{
	struct nec_value value;
	struct nec_job *job;
	int64_t addr;

	if (!nec_app_object(app, &addr)) {
		nec_app_say(app, "no object is on this line");
		return NULL;
	}
	if (!*argument) {
		char line[64];

		snprintf(line, sizeof(line), "draw 0x%" PRIx64 ".dot", (uint64_t)addr);
		nec_prompt_open(&app->prompt, ':', line);
		return NULL;
	}
	job = nec_job_create(NEC_JOB_DRAW);
	if (!job)
		return &nec_enomem;
	value = nec_value_int(addr);
	job->owner = app;
	job->db = nec_app_pane(app)->db;
	job->path = strdup(argument);
	if (!job->path || nec_params_set(&job->params, "addr", &value)) {
		nec_job_destroy(job);
		return &nec_enomem;
	}
	nec_worker_submit(app->worker, job);
	nec_app_say(app, "writing %s", argument);
	return NULL;
}

static struct nec_error *write_file(const char *path, const struct nec_text *text)
{
	_cleanup_fclose_ FILE *file = NULL;
	int fd;

	if (text->failed)
		return &nec_enomem;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return nec_error_os(errno, "%s", path);
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return &nec_enomem;
	}
	if (fwrite(nec_text_str(text), 1, text->len, file) != text->len || fflush(file) != 0)
		return nec_error_os(errno, "%s", path);
	return NULL;
}

static struct nec_error *save(struct nec_app *app, const char *path,
			      void (*put)(const struct nec_screen *screen, struct nec_text *out))
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	if (!*path)
		return nec_error_create(NEC_ERR_USAGE, "a file name is missing");
	NEC_TRY(nec_app_settle(app));
	nec_app_draw(app);
	put(&app->screen, &text);
	return write_file(path, &text);
}

struct nec_error *nec_tui_run_save_display(struct nec_app *app, const char *argument)
{
	return save(app, argument, nec_screen_text);
}

struct nec_error *nec_tui_run_save_picture(struct nec_app *app, const char *argument)
{
	return save(app, argument, nec_screen_svg);
}
