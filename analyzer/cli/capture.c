/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy capture: the core of a living process, now or when its memory comes to a head. */
#include "cli/command.h"
#include "cli/json.h"
#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum {
	DEFAULT_FREE_MIB = 1024,
	LOOK_NSEC = 500 * 1000 * 1000, /* between looks at what is watched */
};

static const struct nec_option options[] = {
	{"output", 'o', NEC_OPTION_TEXT, "FILE",
	 "the core to write (default: core.PID, or core.PID.zst)"},
	{"zstd", 'z', NEC_OPTION_FLAG, NULL, "pack the core, once the process runs again"},
	{"estimate", 0, NEC_OPTION_FLAG, NULL, "only say what it would cost"},
	{"when", 0, NEC_OPTION_TEXT, "CONDITION",
	 "wait for rss>90%, rss>4GiB, psi>20 or growth>100MiB"},
	{"keep", 0, NEC_OPTION_NUMBER, "N", "with --when: go on, and keep the newest N cores"},
	{"min-free", 0, NEC_OPTION_NUMBER, "MIB",
	 "leave so many MiB free on the disk (default: 1024)"},
	{0},
};

static struct nec_error *parse_target(const char *operand, int *pid_ret)
{
	char *end;
	long pid;

	if (*operand == '/')
		return nec_capture_cgroup(operand, pid_ret);
	errno = 0;
	pid = strtol(operand, &end, 10);
	if (end == operand || *end || errno || pid <= 0 || pid > INT_MAX)
		return nec_error_create(NEC_ERR_USAGE,
					"%s is neither a process id nor a cgroup directory",
					operand);
	*pid_ret = (int)pid;
	return NULL;
}

static void put_size(struct nec_text *text, const char *before, uint64_t bytes)
{
	nec_text_puts(text, before);
	nec_text_size(text, (int64_t)bytes);
}

static void print_estimate(struct nec_cli *cli, FILE *out, int pid,
			   const struct nec_capture_estimate *e)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_json json;

	if (cli->output == NEC_OUTPUT_JSON) {
		nec_json_begin(&json, out);
		nec_json_int(&json, "pid", pid);
		nec_json_int(&json, "bytes", (int64_t)e->bytes);
		nec_json_int(&json, "threads", (int64_t)e->threads);
		nec_json_int(&json, "pause_milliseconds", (int64_t)(e->seconds * 1000));
		nec_json_int(&json, "room", (int64_t)e->room);
		nec_error_destroy(nec_json_end(&json));
		return;
	}
	put_size(&text, "", e->bytes);
	nec_text_printf(&text, " to copy, %llu thread%s to stop for about %.2f s",
			(unsigned long long)e->threads, e->threads == 1 ? "" : "s", e->seconds);
	put_size(&text, ", ", e->room);
	nec_text_puts(&text, " free");
	fprintf(out, "process %d: %s\n", pid, nec_text_str(&text));
	fflush(out);
}

static void print_result(struct nec_cli *cli, FILE *out, int pid, const char *path, const char *why,
			 const struct nec_capture_result *r)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct nec_json json;

	if (r->missing || r->died)
		cli->status = NEC_STATUS_WARNINGS;
	if (cli->output == NEC_OUTPUT_JSON) {
		nec_json_begin(&json, out);
		nec_json_int(&json, "pid", pid);
		nec_json_text(&json, "core", path);
		nec_json_text(&json, "reason", why);
		nec_json_int(&json, "bytes", (int64_t)r->bytes);
		nec_json_int(&json, "missing", (int64_t)r->missing);
		nec_json_int(&json, "disk", (int64_t)r->disk);
		nec_json_int(&json, "pause_microseconds", (int64_t)(r->pause * 1e6));
		nec_error_destroy(nec_json_end(&json));
		return;
	}
	nec_text_escape(&text, path, strlen(path));
	put_size(&text, ": ", r->bytes);
	put_size(&text, " of memory in ", r->disk);
	nec_text_printf(&text, " of disk; the process stood still for %.3f s", r->pause);
	if (*why)
		nec_text_printf(&text, " (%s)", why);
	fprintf(out, "%s\n", nec_text_str(&text));
	fflush(out);
	if (r->missing) {
		nec_text_clear(&text);
		put_size(&text, "", r->missing);
		nec_session_say("%s of memory could not be read%s", nec_text_str(&text),
				r->died ? ": the process ended meanwhile" : "");
	}
}

static struct nec_error *capture_once(struct nec_cli *cli, FILE *out, int pid, const char *path,
				      const char *why)
{
	const struct nec_option_value *free_mib = nec_cli_value(cli, "min-free");
	struct nec_capture_options o = {
		.output = path,
		.zstd = nec_cli_has(cli, "zstd"),
		.min_free = (uint64_t)(free_mib && free_mib->number < 1 << 30 ? free_mib->number
									      : DEFAULT_FREE_MIB)
			    << 20,
		.progress = nec_session_progress(),
	};
	struct nec_capture_estimate estimate;
	struct nec_capture_result result;

	NEC_TRY(nec_capture_estimate(pid, &o, &estimate));
	if (nec_cli_has(cli, "estimate") || cli->output == NEC_OUTPUT_TEXT)
		print_estimate(cli, out, pid, &estimate);
	if (nec_cli_has(cli, "estimate"))
		return NULL;
	NEC_TRY(nec_capture(pid, &o, &result));
	print_result(cli, out, pid, path, why, &result);
	return NULL;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* Removes all but the newest of the cores that begin with prefix; the time is in their names. */
static void forget_old(const char *prefix, int64_t keep)
{
	const char *slash = strrchr(prefix, '/'), *base = slash ? slash + 1 : prefix;
	_cleanup_free_ char *dir_name =
		slash ? strndup(prefix, (size_t)(slash - prefix) + 1) : strdup(".");
	char *names[1024];
	struct dirent *entry;
	DIR *dir = dir_name ? opendir(dir_name) : NULL;
	size_t count = 0, i;

	while (dir && count < 1024 && (entry = readdir(dir))) {
		const char *rest = entry->d_name + strlen(base);

		/* PREFIX.20261120T234756Z, with .zst or without */
		if (!strncmp(entry->d_name, base, strlen(base)) && strlen(rest) >= 17 &&
		    rest[0] == '.' && rest[9] == 'T' && rest[16] == 'Z' &&
		    (!rest[17] || !strcmp(rest + 17, ".zst")) &&
		    (names[count] = strdup(entry->d_name)))
			count++;
	}
	qsort(names, count, sizeof(*names), newest_first);
	for (i = 0; i < count; i++) {
		if ((int64_t)i >= keep)
			unlinkat(dirfd(dir), names[i], 0);
		free(names[i]);
	}
	if (dir)
		closedir(dir);
}

static struct nec_error *output_path(struct nec_cli *cli, int pid, bool stamped, char **path_ret,
				     char **prefix_ret)
{
	const char *given = nec_cli_text(cli, "output"),
		   *suffix = !given && nec_cli_has(cli, "zstd") ? ".zst" : "";
	char stamp[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (stamped && gmtime_r(&now, &tm)) {
		strftime(stamp, sizeof(stamp), ".%Y%m%dT%H%M%SZ", &tm);
		suffix = nec_cli_has(cli, "zstd") ? ".zst" : "";
	}
	if ((given ? asprintf(prefix_ret, "%s", given) : asprintf(prefix_ret, "core.%d", pid)) <
	    0) {
		*prefix_ret = NULL;
		return &nec_enomem;
	}
	if (asprintf(path_ret, "%s%s%s", *prefix_ret, stamp, suffix) < 0) {
		*path_ret = NULL;
		return &nec_enomem;
	}
	return NULL;
}

/* Captures now, to a name of its own when several are kept. */
static struct nec_error *capture_named(struct nec_cli *cli, FILE *out, int pid, const char *why)
{
	const struct nec_option_value *keep = nec_cli_value(cli, "keep");
	_cleanup_free_ char *path = NULL, *prefix = NULL;

	NEC_TRY(output_path(cli, pid, keep != NULL, &path, &prefix));
	NEC_TRY(capture_once(cli, out, pid, path, why));
	if (keep)
		forget_old(prefix, keep->number);
	return NULL;
}

static struct nec_error *watch(struct nec_cli *cli, FILE *out, const char *condition)
{
	struct timespec nap = {.tv_nsec = LOOK_NSEC};
	struct nec_watch *w;
	struct nec_error *err;
	bool met, captured = false;
	char why[128];
	int pid;

	NEC_TRY(nec_watch_create(condition, &w));
	for (;;) {
		err = parse_target(cli->operands[0], &pid);
		if (!err)
			err = nec_watch_look(w, pid, &met, why, sizeof(why));
		if (!err && met) {
			err = capture_named(cli, out, pid, why);
			captured = captured || !err;
			if (err || !nec_cli_has(cli, "keep"))
				break;
		}
		if (err)
			break;
		nanosleep(&nap, NULL);
		err = nec_progress_step(nec_session_progress(), "watch", 0, 0);
		if (err)
			break;
	}
	nec_watch_destroy(w);
	/* That what was watched ended is the end of watching, and no failure once there is a core.
	 */
	if (err && err->code == NEC_ERR_NOTFOUND && captured) {
		nec_error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct nec_error *run(struct nec_cli *cli, FILE *out)
{
	const struct nec_option_value *keep = nec_cli_value(cli, "keep");
	const char *condition = nec_cli_text(cli, "when");
	int pid;

	if (keep && (!condition || keep->number < 1))
		return nec_error_create(NEC_ERR_USAGE,
					"--keep takes a number from 1 up, and --when");
	if (condition)
		return watch(cli, out, condition);
	NEC_TRY(parse_target(cli->operands[0], &pid));
	return capture_named(cli, out, pid, "");
}

const struct nec_command nec_command_capture = {
	.name = "capture",
	.operands = "PID|CGROUP",
	.summary = "write the core of a living process",
	.help = "Stops the process PID, copies its memory into an ELF core that necropsy, gdb and\n"
		"others open, and lets it go on. What it never touched, and what is as its file\n"
		"has it, is left out. Of a CGROUP (a directory below /sys/fs/cgroup) the process\n"
		"with the most resident memory is taken.\n"
		"\n"
		"With --when it waits until the memory of the process exceeds a size or a share\n"
		"of its cgroup's limit (rss), until somebody in its cgroup waits for memory for\n"
		"that percentage of the time (psi), or until it grows by so much a minute\n"
		"(growth). With --keep the names of cores have the time in them, and it goes on\n"
		"watching until the process ends.",
	.sets = NEC_OPTIONS_JSON,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
