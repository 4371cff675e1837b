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

enum { HISTORY = 64 }; /* looks that growth is measured over, thinned out to cover a minute */

struct nec_watch {
	enum quantity quantity;
	double threshold; /* bytes, percent, or bytes a minute */
	bool held;
	double times[HISTORY], values[HISTORY]; /* of growth, oldest first */
	int count;
};

static bool parse_percent(const char *text, bool sign, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && *ret > 0 && *ret <= 100 && (!strcmp(end, "%") || (!sign && !*end));
}

struct nec_error *nec_watch_create(const char *condition, struct nec_watch **watch_ret)
{
	struct nec_watch *w = calloc(1, sizeof(*w));
	bool ok = false;

	if (!w)
		return &nec_enomem;
	if (!strncmp(condition, "rss>", 4) && parse_percent(condition + 4, true, &w->threshold)) {
		w->quantity = RSS_SHARE;
		ok = true;
	} else if (!strncmp(condition, "rss>", 4)) {
		w->quantity = RSS;
		ok = nec_bytes_parse(condition + 4, &w->threshold, NULL, NULL);
	} else if (!strncmp(condition, "psi>", 4)) {
		w->quantity = PSI;
		ok = parse_percent(condition + 4, false, &w->threshold);
	} else if (!strncmp(condition, "growth>", 7)) {
		w->quantity = GROWTH;
		ok = nec_bytes_parse(condition + 7, &w->threshold, NULL, NULL);
	}
	if (ok) {
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
	_cleanup_free_ char *dir = nec_cgroup_of(pid), *path = NULL;
	const char *candidates[] = {NULL, "/proc/pressure/memory"};
	size_t i;

	if (dir && asprintf(&path, "%s/memory.pressure", dir) < 0)
		path = NULL;
	candidates[0] = path;
	for (i = 0; i < 2; i++) {
		_cleanup_fclose_ FILE *f = candidates[i] ? fopen(candidates[i], "re") : NULL;

		if (f && fscanf(f, "some avg10=%lf", ret) == 1)
			return true;
	}
	return false;
}

static bool read_rss(int pid, double *ret)
{
	struct nec_target t = {.pid = pid};
	char statm[256];
	size_t n =
		nec_target_lives(&t) ? nec_target_proc(&t, "statm", statm, sizeof(statm) - 1) : 0;
	unsigned long pages;

	statm[n] = 0;
	if (sscanf(statm, "%*u %lu", &pages) != 1)
		return false;
	*ret = (double)pages * (double)sysconf(_SC_PAGESIZE);
	return true;
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
	double rss, value, limit;
	bool holds;

	*met_ret = false;
	if (!read_rss(pid, &rss))
		return nec_error_create(NEC_ERR_NOTFOUND, "process %d ended", pid);
	value = rss;
	switch (w->quantity) {
	case RSS:
		say(why, why_size, "resident", value, "");
		break;
	case RSS_SHARE:
		if (!nec_cgroup_limit(pid, &limit))
			return nec_error_create(NEC_ERR_NOTFOUND,
						"process %d is in no cgroup with a memory limit: "
						"give bytes, as in rss>4GiB",
						pid);
		value = rss / limit * 100;
		snprintf(why, why_size, "resident %.1f %% of the limit", value);
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
