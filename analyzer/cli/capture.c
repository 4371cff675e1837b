/* SPDX-License-Identifier: GPL-3.0-or-later */
/* necropsy capture: the core of a living process, now or when its memory comes to a head. */
#include "cli/command.h"
#include "cli/json.h"
#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum {
	DEFAULT_FREE_MIB = 1024,
	CORES_MAX = 1024,              /* of a series */
	STAMP = 17,                    /* characters of the time in a name, with its dot */
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

	if (r->missing || r->died || r->unpacked)
		cli->status = NEC_STATUS_WARNINGS;
	if (cli->output == NEC_OUTPUT_JSON) {
		nec_json_begin(&json, out);
		nec_json_int(&json, "pid", pid);
		nec_json_text(&json, "core", path);
		nec_json_text(&json, "reason", why);
		nec_json_int(&json, "bytes", (int64_t)r->bytes);
		nec_json_int(&json, "missing", (int64_t)r->missing);
		nec_json_int(&json, "disk", (int64_t)r->disk);
		nec_json_int(&json, "packed", nec_cli_has(cli, "zstd") && !r->unpacked);
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
	if (r->unpacked)
		nec_session_say("there is no room to pack it: it is left as it is");
	if (r->missing) {
		nec_text_clear(&text);
		put_size(&text, "", r->missing);
		nec_session_say("%s of memory could not be read%s", nec_text_str(&text),
				r->died ? ": the process ended meanwhile" : "");
	}
}

static uint64_t min_free(struct nec_cli *cli)
{
	const struct nec_option_value *mib = nec_cli_value(cli, "min-free");

	return (uint64_t)(mib && mib->number < 1 << 30 ? mib->number : DEFAULT_FREE_MIB) << 20;
}

static struct nec_error *capture_once(struct nec_cli *cli, FILE *out, int pid, const char *path,
				      const char *why)
{
	struct nec_capture_options o = {
		.output = path,
		.zstd = nec_cli_has(cli, "zstd"),
		.min_free = min_free(cli),
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

/* ---- cores of a series ----
 *
 * PREFIX.20261120T234756Z, with .zst or without, and .partial (.partial.zst) while it is written.
 */

struct series {
	DIR *dir;
	struct core {
		char *name;
		uint64_t disk; /* bytes */
		bool partial;
	} cores[CORES_MAX]; /* newest first */
	size_t count;
};

static bool parse_name(const char *name, const char *base, bool *partial_ret)
{
	static const char *const ends[] = {
		"", ".zst", ".partial", ".zst.partial", ".partial.zst", ".zst.partial.zst"};
	const char *rest = name + strlen(base);

	if (strncmp(name, base, strlen(base)) != 0 || strlen(rest) < STAMP || rest[0] != '.' ||
	    rest[9] != 'T' || rest[16] != 'Z')
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(rest + STAMP, ends[i]) != 0)
			continue;
		*partial_ret = i >= 2;
		return true;
	}
	return false;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct core *)b)->name, ((const struct core *)a)->name);
}

static void series_find(struct series *s, const char *prefix)
{
	const char *slash = strrchr(prefix, '/'), *base = slash ? slash + 1 : prefix;
	_cleanup_free_ char *dir_name =
		slash ? strndup(prefix, (size_t)(slash - prefix) + 1) : strdup(".");
	struct dirent *entry;
	struct stat st;
	bool partial;

	s->count = 0;
	s->dir = dir_name ? opendir(dir_name) : NULL;
	while (s->dir && s->count < CORES_MAX && (entry = readdir(s->dir))) {
		if (!parse_name(entry->d_name, base, &partial) ||
		    fstatat(dirfd(s->dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		s->cores[s->count] = (struct core){.name = strdup(entry->d_name),
						   .disk = (uint64_t)st.st_blocks * 512,
						   .partial = partial};
		if (s->cores[s->count].name)
			s->count++;
	}
	qsort(s->cores, s->count, sizeof(s->cores[0]), newest_first);
}

static void series_forget(struct series *s, size_t i)
{
	unlinkat(dirfd(s->dir), s->cores[i].name, 0);
}

static void series_deinit(struct series *s)
{
	while (s->count)
		free(s->cores[--s->count].name);
	if (s->dir)
		closedir(s->dir);
}

/* Removes all but the newest cores, and what captures left behind that were killed before those. */
static void forget_old(const char *prefix, int64_t keep)
{
	struct series s;
	int64_t kept = 0;

	series_find(&s, prefix);
	for (size_t i = 0; i < s.count; i++) {
		if (kept == keep || (s.cores[i].partial && kept))
			series_forget(&s, i);
		else if (!s.cores[i].partial)
			kept++;
	}
	series_deinit(&s);
}

/* Where the disk has no room for one more, the oldest make room, if that is enough. */
static struct nec_error *make_room(struct nec_cli *cli, int pid, const char *path,
				   const char *prefix)
{
	struct nec_capture_options o = {.output = path, .min_free = min_free(cli)};
	struct nec_capture_estimate e;
	struct series s;
	uint64_t need, room;

	NEC_TRY(nec_capture_estimate(pid, &o, &e));
	need = e.bytes + e.bytes / 16 + o.min_free; /* it may grow meanwhile */
	room = e.room;
	series_find(&s, prefix);
	for (size_t i = 0; i < s.count; i++)
		room += s.cores[i].disk;
	if (e.room < need && room >= need) {
		room = e.room;
		for (size_t i = s.count; i-- && room < need;) {
			room += s.cores[i].disk;
			series_forget(&s, i);
		}
	}
	series_deinit(&s);
	return NULL;
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
	if (keep)
		NEC_TRY(make_room(cli, pid, path, prefix));
	NEC_TRY(capture_once(cli, out, pid, path, why));
	if (keep)
		forget_old(prefix, keep->number);
	return NULL;
}

/* May watching go on after this? Consumes the error when it may. */
static bool goes_on(struct nec_cli *cli, struct nec_error **errp)
{
	struct nec_error *err = *errp;

	if (!err)
		return true;
	/* There may be room the next time. */
	if (err->code == NEC_ERR_NOSPACE && nec_cli_has(cli, "keep")) {
		nec_session_say("%s", err->message);
		cli->status = NEC_STATUS_WARNINGS;
	} else if (err->code != NEC_ERR_NOTFOUND || *cli->operands[0] != '/' ||
		   access(cli->operands[0], F_OK)) {
		return false;
	}
	/* Processes come and go while their cgroup is there. */
	*errp = NULL;
	nec_error_destroy(err);
	return true;
}

static struct nec_error *watch(struct nec_cli *cli, FILE *out, const char *condition)
{
	struct timespec nap = {.tv_nsec = LOOK_NSEC};
	struct nec_watch *w;
	struct nec_error *err;
	bool captured = false;
	char why[128];
	int pid;

	NEC_TRY(nec_watch_create(condition, &w));
	do {
		bool met = false;

		err = parse_target(cli->operands[0], &pid);
		if (!err)
			err = nec_watch_look(w, pid, &met, why, sizeof(why));
		if (!err && met) {
			err = capture_named(cli, out, pid, why);
			captured = captured || !err;
			if (!err && !nec_cli_has(cli, "keep"))
				break;
		}
		if (!goes_on(cli, &err))
			break;
		nanosleep(&nap, NULL);
		err = nec_progress_step(nec_session_progress(), "watch", 0, 0);
	} while (!err);
	nec_watch_destroy(w);
	/* That what was watched ended is the end of watching, and no failure once there is a core.
	 */
	if (err && captured && err->code == NEC_ERR_NOTFOUND) {
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
		"With --when it waits until the memory of the process exceeds a size (rss>4GiB),\n"
		"or that of its cgroup, or its address space, a share of its limit (rss>90%),\n"
		"until somebody in its cgroup waits for memory for that percentage of the time\n"
		"(psi), or until it grows by so much a minute (growth). With --keep the names of\n"
		"cores have the time in them, and it goes on watching until the process ends;\n"
		"where the disk has no room for one more the oldest makes room.",
	.sets = NEC_OPTIONS_JSON,
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
