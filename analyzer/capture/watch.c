/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conditions to capture on (necropsy.h): resident memory, its growth, and memory pressure (PSI,
 * Documentation/accounting/psi.rst), of a process and the cgroup it is in. A condition is met when
 * it begins to hold.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "capture/cgroup.h"
#include "capture/target.h"
#include "necropsy.h"

enum quantity { RSS, RSS_SHARE, PSI, GROWTH };

/* To add one: its word, and what it means without a number. */
static const struct {
	const char *word;
	enum quantity quantity;
	const char *usual;
} words[] = {
	{"rss", RSS, "90%"},
	{"psi", PSI, "10"},
	{"growth", GROWTH, "100MiB"},
};

enum { HISTORY = 64 }; /* looks that growth is measured over, thinned out to cover a minute */

struct nec_watch {
	enum quantity quantity;
	double threshold; /* bytes, percent, or bytes a minute */
	bool held;
	int pid;                                /* that values are of */
	double times[HISTORY], values[HISTORY]; /* of growth, oldest first */
	int count;
};

static bool parse_percent(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && *ret > 0 && *ret <= 100 && (!*end || !strcmp(end, "%"));
}

static bool parse(const char *condition, struct nec_watch *w)
{
	size_t len = strcspn(condition, ">"), i;
	const char *value = condition[len] ? condition + len + 1 : NULL;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(condition, words[i].word, len) != 0 || words[i].word[len])
			continue;
		w->quantity = words[i].quantity;
		if (!value)
			value = words[i].usual;
		if (w->quantity == RSS && strchr(value, '%'))
			w->quantity = RSS_SHARE;
		return w->quantity == RSS_SHARE || w->quantity == PSI
			       ? parse_percent(value, &w->threshold)
			       : nec_bytes_parse(value, &w->threshold, NULL, NULL);
	}
	return false;
}

struct nec_error *nec_watch_create(const char *condition, struct nec_watch **watch_ret)
{
	struct nec_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return &nec_enomem;
	if (parse(condition, w)) {
		*watch_ret = w;
		return NULL;
	}
	free(w);
	return nec_error_create(
		NEC_ERR_USAGE,
		"condition \"%s\": expected rss>90%%, rss>4GiB, psi>20 or growth>100MiB (a minute)",
		condition);
}

void nec_watch_destroy(struct nec_watch *watch)
{
	free(watch);
}

/* ---- what the kernel says -----------------------------------------------------------------------
 */

static bool read_psi(int pid, double *ret)
{
	_cleanup_free_ char *path = nec_cgroup_pressure(pid);
	const char *candidates[] = {path, "/proc/pressure/memory"};
	size_t i;

	for (i = 0; i < 2; i++) {
		_cleanup_fclose_ FILE *f = candidates[i] ? fopen(candidates[i], "re") : NULL;

		if (f && fscanf(f, "some avg10=%lf", ret) == 1)
			return true;
	}
	return false;
}

/* Pages of a process by the number of the column in statm: 0 address space, 1 resident. */
static bool read_pages(int pid, int column, double *ret)
{
	struct nec_target t = {.pid = pid};
	char statm[256];
	size_t n =
		nec_target_lives(&t) ? nec_target_proc(&t, "statm", statm, sizeof(statm) - 1) : 0;
	unsigned long pages[2];

	statm[n] = 0;
	if (sscanf(statm, "%lu %lu", &pages[0], &pages[1]) != 2)
		return false;
	*ret = (double)pages[column] * (double)sysconf(_SC_PAGESIZE);
	return true;
}

static bool read_rss(int pid, double *ret)
{
	return read_pages(pid, 1, ret);
}

/* How much of its memory limit is taken, in percent: of its cgroup's, which is for all that is in
 * it, or of its address space (setrlimit(2)), whichever is nearer. false: there is none. */
static bool read_share(int pid, double *ret)
{
	struct nec_target t = {.pid = pid};
	struct nec_cgroup_memory m;
	char limits[4096], *at;
	double limit, space;
	bool found = nec_cgroup_memory(pid, &m) && m.limit > 0;
	size_t n = nec_target_proc(&t, "limits", limits, sizeof(limits) - 1);

	*ret = found ? m.used / m.limit * 100 : 0;
	limits[n] = 0;
	at = strstr(limits, "Max address space");
	if (at && sscanf(at, "Max address space %lf", &limit) == 1 && limit > 0 &&
	    read_pages(pid, 0, &space)) {
		if (space / limit * 100 > *ret)
			*ret = space / limit * 100;
		found = true;
	}
	return found;
}

/* Bytes a minute over what was seen; 0 until a few seconds have passed. */
static double growth(struct nec_watch *w, double rss)
{
	double now = nec_capture_clock(), span;
	int keep;

	for (keep = 0; keep < w->count && now - w->times[keep] > 60; keep++)
		;
	if (w->count == HISTORY && !keep)
		keep = 1;
	memmove(w->times, w->times + keep, (size_t)(w->count - keep) * sizeof(*w->times));
	memmove(w->values, w->values + keep, (size_t)(w->count - keep) * sizeof(*w->values));
	w->count -= keep;
	w->times[w->count] = now;
	w->values[w->count++] = rss;
	span = now - w->times[0];
	return span < 3 ? 0 : (rss - w->values[0]) / span * 60;
}

static void say(char *why, size_t size, const char *what, double bytes, const char *then)
{
	_cleanup_(nec_text_deinit) struct nec_text text = {0};

	nec_text_size(&text, (int64_t)bytes);
	snprintf(why, size, "%s %s%s", what, nec_text_str(&text), then);
}

struct nec_error *nec_watch_look(struct nec_watch *w, int pid, bool *met_ret, char *why,
				 size_t why_size)
{
	double rss, value;
	bool holds;

	*met_ret = false;
	if (w->pid != pid)
		w->count = 0;
	w->pid = pid;
	if (!read_rss(pid, &rss))
		return nec_error_create(NEC_ERR_NOTFOUND, "process %d ended", pid);
	value = rss;
	switch (w->quantity) {
	case RSS:
		say(why, why_size, "resident", value, "");
		break;
	case RSS_SHARE:
		if (!read_share(pid, &value))
			return nec_error_create(NEC_ERR_USAGE,
						"process %d has no memory limit, neither of a "
						"cgroup nor of its own: give bytes, as in rss>4GiB",
						pid);
		snprintf(why, why_size, "memory %.1f %% of the limit", value);
		break;
	case PSI:
		if (!read_psi(pid, &value))
			return nec_error_create(NEC_ERR_UNSUPPORTED,
						"this kernel does not tell memory pressure (PSI)");
		snprintf(why, why_size, "memory pressure %.1f %%", value);
		break;
	case GROWTH:
		value = growth(w, rss);
		say(why, why_size, "grew by", value, " a minute");
		break;
	}
	holds = value > w->threshold;
	*met_ret = holds && !w->held;
	w->held = holds;
	return NULL;
}

struct nec_error *nec_capture_cgroup(const char *directory, int *pid_ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *path = NULL;
	double rss, most = -1;
	int pid;

	if (asprintf(&path, "%s/cgroup.procs", directory) < 0) {
		path = NULL;
		return &nec_enomem;
	}
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no such cgroup", directory);
	if (!f)
		return nec_error_os(errno, "%s", path);
	while (fscanf(f, "%d", &pid) == 1) {
		if (read_rss(pid, &rss) && rss > most) {
			most = rss;
			*pid_ret = pid;
		}
	}
	return most < 0 ? nec_error_create(NEC_ERR_NOTFOUND, "%s: no process in it", path) : NULL;
}
