/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which CPython it is; see version.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/dict.h"
#include "python/layouts/layouts.h"
#include "python/settle.h"
#include "python/str.h"
#include "python/version.h"

/* "3.11" in "libpython3.11.so.1.0", "/usr/lib/python3.11/lib-dynload/...": one vote for it. */
static bool version_in_path(const char *path, unsigned int *major, unsigned int *minor)
{
	const char *p = path;

	while ((p = strstr(p, "python"))) {
		p += 6;
		if (isdigit((unsigned char)*p) && sscanf(p, "%u.%u", major, minor) == 2)
			return true;
	}
	return false;
}

enum { VERSION_TEXT = 32 };

static bool is_version(const char *text)
{
	unsigned int major, minor, micro;

	return sscanf(text, "%u.%u.%u", &major, &minor, &micro) == 3 &&
	       (major == 2 || major == 3) && minor < 64 && micro < 256;
}

/* "3.7.0" in "3.7.0 (default, Jun 27 2018, 04:15:44) ..." that ends before paren, behind a NUL. */
static bool version_before(const uint8_t *data, const uint8_t *paren, char ret[VERSION_TEXT])
{
	const uint8_t *p = paren;

	while (p > data && paren - p < VERSION_TEXT - 1 &&
	       (isalnum(p[-1]) || p[-1] == '.' || p[-1] == '+'))
		p--;
	if (p > data && p[-1])
		return false;
	snprintf(ret, VERSION_TEXT, "%.*s", (int)(paren - p), (const char *)p);
	return is_version(ret);
}

/* What Py_GetVersion() returns lies in a static buffer, as far as the dump has that. */
static bool version_in_data(const struct nec_target *t, char ret[VERSION_TEXT])
{
	static const char mark[] = " (";
	uint32_t count, i;
	const struct nec_segment *segments = nec_image_segments(t->image, &count);

	for (i = 0; i < count; i++) {
		const struct nec_segment *s = &segments[i];
		uint64_t start = s->start < t->data_start ? t->data_start : s->start;
		uint64_t end = s->end > t->data_end ? t->data_end : s->end;
		const uint8_t *data, *p, *behind;

		if (start >= end || s->origin != NEC_ORIGIN_DUMP)
			continue;
		p = data = s->data + (start - s->start);
		behind = data + (end - start);
		while ((p = memmem(p, (size_t)(behind - p), mark, sizeof(mark) - 1))) {
			if (version_before(data, p, ret))
				return true;
			p += sizeof(mark) - 1;
		}
	}
	return false;
}

/* What a source of evidence weighs: the process itself more than any name of a file. */
enum { VOTE_PATH = 1, VOTE_OWN_PATH = 100000, VOTE_PROCESS = 1000000 };

/* Mappings of the file that holds addr vote first, then all others. */
static void vote(const struct nec_target *t, unsigned int votes[2][64])
{
	uint32_t count, i;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	unsigned int major, minor;
	char text[VERSION_TEXT];

	memset(votes, 0, 2 * 64 * sizeof(votes[0][0]));
	if (version_in_data(t, text) && sscanf(text, "%u.%u", &major, &minor) == 2)
		votes[major - 2][minor] += VOTE_PROCESS;
	for (i = 0; i < count; i++) {
		if (!maps[i].path || !version_in_path(maps[i].path, &major, &minor) || major < 2 ||
		    major > 3 || minor >= 64)
			continue;
		votes[major - 2][minor] += own && own->path && !strcmp(own->path, maps[i].path)
						   ? VOTE_OWN_PATH
						   : VOTE_PATH;
	}
}

struct nec_error *nec_version_settle(struct nec_target *t, const struct nec_debug_offsets *offsets)
{
	const struct nec_layout_version *v, *best = NULL;
	unsigned int votes[2][64], best_votes = 0, i;
	int best_score = -1, score;
	char there_are[NEC_LAYOUT_VERSIONS];

	vote(t, votes);
	if (offsets->addr && offsets->minor < 64)
		votes[offsets->major - 2][offsets->minor] += VOTE_PROCESS;
	for (i = 0; (v = nec_layout_at(i)); i++) {
		unsigned int own = votes[v->major - 2][v->minor];

		NEC_TRY(nec_layout_init(&t->layout, v->major, v->minor, v->abi));
		score = nec_probe_types(t);
		nec_layout_deinit(&t->layout);
		if (score >= 0 &&
		    (!best || own > best_votes || (own == best_votes && score > best_score))) {
			best_votes = own;
			best_score = score;
			best = v;
		}
	}
	if (!best) {
		nec_layout_versions(there_are, sizeof(there_are));
		return nec_error_create(
			NEC_ERR_UNSUPPORTED, "CPython%s that no layout fits (there are %s)",
			nec_word(t, t->type_type + 8) == t->type_type /* ob_type */
				? " of a version"
				: " with trace-refs (two links before each object), of a version",
			there_are);
	}
	t->major = best->major;
	t->minor = best->minor;
	return nec_layout_init(&t->layout, best->major, best->minor, best->abi);
}

/* sys.version up to the first blank: "3.11.2". */
static bool version_in_sys(const struct nec_target *t, char ret[VERSION_TEXT])
{
	_cleanup_free_ char *text = NULL;
	uint64_t sysdict;

	if (!t->interpreter_count)
		return false;
	sysdict = nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT);
	text = nec_str_dup(t, nec_dict_find(t, sysdict, "version"), 60);
	if (!text)
		return false;
	snprintf(ret, VERSION_TEXT, "%.*s", (int)strcspn(text, " "), text);
	return isdigit((unsigned char)*ret);
}

void nec_version_read(struct nec_target *t)
{
	char text[VERSION_TEXT];
	unsigned int micro;

	t->micro = NEC_MICRO_UNKNOWN;
	if (!version_in_sys(t, text) && !version_in_data(t, text))
		snprintf(text, sizeof(text), "%u.%u", t->major, t->minor);
	if (sscanf(text, "%*u.%*u.%u", &micro) == 1 && micro < NEC_MICRO_UNKNOWN)
		t->micro = micro;
	snprintf(t->version, sizeof(t->version), "%s", text);
	nec_layout_settle_micro(&t->layout, t->micro);
}
