/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds CPython in an image: PyType_Type and the version, then the interpreters. Each search is a row of a table of named
 * strategies, tried in order; the names of those that worked go into the database.
 *
 * Nothing is believed before it was probed: type(type) is type, its name reads "type" where the text is there, its base is
 * `object`, which has none, and the sizes that both give for themselves are those of the layout.
 */
#include <ctype.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/layouts/layouts.h"
#include "python/str.h"
#include "python/target.h"

enum { MAX_CANDIDATES = 64 };

/* A copy of CPython that the image may hold: more than one where a launcher embeds a library. */
struct candidate {
	uint64_t type_type;
	const char *strategy;
};

struct search {
	const struct nec_image *image;
	struct candidate found[MAX_CANDIDATES];
	unsigned int count;
};

static void add_candidate(struct search *s, uint64_t addr, const char *strategy)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		if (s->found[i].type_type == addr)
			return;
	if (s->count < MAX_CANDIDATES)
		s->found[s->count++] = (struct candidate){addr, strategy};
}

static bool word_at(const struct nec_image *image, uint64_t addr, uint64_t value)
{
	uint64_t v;

	return nec_image_u64(image, addr, &v) && v == value;
}

/* Does addr look like a type whose type it is itself? off: of ob_type (debug builds begin with two links). */
static bool is_its_own_type(const struct nec_image *image, uint64_t addr, uint64_t off)
{
	uint64_t v, base, name;
	const char *text;

	if (!word_at(image, addr + off, addr) || !nec_image_u64(image, addr + off + 24, &v) || v < 400 || v > 4096)
		return false; /* tp_basicsize: sizeof PyHeapTypeObject */
	if (!nec_image_u64(image, addr + off + 32, &v) || v != 40)
		return false; /* tp_itemsize: sizeof PyMemberDef */
	if (!nec_image_u64(image, addr + off + 248, &base) || !word_at(image, base + off, addr))
		return false; /* tp_base, whose type it is */
	if (!nec_image_u64(image, addr + off + 16, &name))
		return false;
	text = nec_image_cstr(image, name, 16);
	return !text || !strcmp(text, "type");
}

static void by_symbol(struct search *s)
{
	uint32_t count, i;
	uint64_t addr, size;

	nec_image_objfiles(s->image, &count);
	for (i = 0; i < count; i++) {
		struct nec_error *err = nec_image_symbol(s->image, i, "PyType_Type", &addr, &size);

		if (!err && (is_its_own_type(s->image, addr, 8) || is_its_own_type(s->image, addr, 24)))
			add_candidate(s, addr, "symbol PyType_Type");
		nec_error_destroy(err);
	}
}

/* A word that points at its own object is PyType_Type: it lies in writable memory of a mapped file. */
static void by_memory(struct search *s)
{
	uint32_t count, i;
	const struct nec_segment *segments = nec_image_segments(s->image, &count);

	for (i = 0; i < count && s->count < MAX_CANDIDATES; i++) {
		const struct nec_segment *seg = &segments[i];
		uint64_t addr;

		if (seg->origin == NEC_ORIGIN_NONE || !(seg->perms & NEC_PERM_W))
			continue;
		for (addr = seg->start; addr + 512 <= seg->end; addr += 8) {
			uint64_t v;

			memcpy(&v, seg->data + (addr - seg->start) + 8, 8);
			if (v != addr && v != addr - 16)
				continue;
			if (v == addr && is_its_own_type(s->image, addr, 8))
				add_candidate(s, addr, "memory: a type that is its own type");
			else if (v == addr - 16 && is_its_own_type(s->image, addr - 16, 24))
				add_candidate(s, addr - 16, "memory: a type that is its own type");
		}
	}
}

/* To add one: a row, in the order in which they are to be tried. */
static const struct {
	const char *name;
	void (*find)(struct search *s);
} type_strategies[] = {
	{"symbol", by_symbol},
	{"memory", by_memory},
};

/* ---- the version ---------------------------------------------------------------------------------------------- */

/* "3.11" in "libpython3.11.so.1.0", "/usr/lib/python3.11/lib-dynload/...": one vote for it. */
static bool version_in_path(const char *path, unsigned int *major, unsigned int *minor, bool *debug)
{
	const char *p = path;
	int n;

	while ((p = strstr(p, "python"))) {
		p += 6;
		if (isdigit((unsigned char)*p) && sscanf(p, "%u.%u%n", major, minor, &n) == 2) {
			*debug = p[n] == 'd' || strstr(p, "dm-") || strstr(p, "d-x86_64");
			return true;
		}
	}
	return false;
}

/* The probes of a layout against a candidate: how many hold, -1 when one that must hold does not. */
static int probe(const struct nec_target *t)
{
	const char *name = nec_image_cstr(t->image, nec_field(t, t->type_type, NEC_F_TYPE_NAME), 16);
	uint64_t object = nec_field(t, t->type_type, NEC_F_TYPE_BASE);
	int score = 0;

	if (nec_type_of(t, t->type_type) != t->type_type || (name && strcmp(name, "type")) ||
	    nec_type_of(t, object) != t->type_type || nec_field(t, object, NEC_F_TYPE_BASE))
		return -1;
	name = nec_image_cstr(t->image, nec_field(t, object, NEC_F_TYPE_NAME), 16);
	if (name && strcmp(name, "object"))
		return -1;
	score += nec_field(t, t->type_type, NEC_F_TYPE_BASICSIZE) == nec_off(t, NEC_SIZEOF_HEAPTYPE);
	score += nec_field(t, t->type_type, NEC_F_TYPE_ITEMSIZE) == nec_off(t, NEC_SIZEOF_MEMBERDEF);
	score += nec_field(t, object, NEC_F_TYPE_BASICSIZE) == nec_off(t, NEC_SIZEOF_OBJECT);
	return score;
}

enum { ALL_PROBES = 3 };

/* Mappings of the file that holds addr vote first, then all others. */
static void vote(const struct nec_target *t, unsigned int votes[2][64], bool *debug_ret)
{
	uint32_t count, i;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);

	memset(votes, 0, 2 * 64 * sizeof(votes[0][0]));
	for (i = 0; i < count; i++) {
		unsigned int major, minor;
		bool debug = false;

		if (!maps[i].path || !version_in_path(maps[i].path, &major, &minor, &debug) ||
		    major < 2 || major > 3 || minor >= 64)
			continue;
		votes[major - 2][minor] += own && own->path && !strcmp(own->path, maps[i].path) ? 100000 : 1;
		if (debug)
			*debug_ret = true;
	}
}

/* Settles t->layout for t->type_type: the version with most votes whose probes hold, else the one whose probes hold best. */
static struct nec_error *settle_version(struct nec_target *t)
{
	unsigned int votes[2][64], best_votes = 0, major, minor, best_major = 0, best_minor = 0;
	int best_score = -1, score;
	bool debug = false;

	vote(t, votes, &debug);
	for (major = 2; major <= 3; major++) {
		for (minor = 0; minor < 64; minor++) {
			if (!nec_layout_find(major, minor, ""))
				continue;
			NEC_TRY(nec_layout_init(&t->layout, major, minor, ""));
			score = probe(t);
			nec_layout_deinit(&t->layout);
			if (score < 0)
				continue;
			if (votes[major - 2][minor] > best_votes ||
			    (votes[major - 2][minor] == best_votes && score > best_score)) {
				best_votes = votes[major - 2][minor];
				best_score = score;
				best_major = major;
				best_minor = minor;
			}
		}
	}
	if (best_score < 0)
		return nec_error_create(NEC_ERR_UNSUPPORTED,
					"CPython of a version that no layout fits (there are %s)", nec_layout_versions());
	t->major = best_major;
	t->minor = best_minor;
	return nec_layout_init(&t->layout, best_major, best_minor, "");
}

/* ---- interpreters ---------------------------------------------------------------------------------------------- */

/* Static data of an executable or library: CPython's own with .bss is about a MiB, with all modules built in a few. */
enum { NEAR = 64 << 20 };

/*
 * The static data of the file that holds PyType_Type: its writable mappings, and .bss behind them. Where the dump does not say which
 * file that was (a gcore that was cut loses its notes) all writable memory up to the first gap around the type.
 */
static void find_static_data(struct nec_target *t)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint32_t count, i, k;
	const struct nec_mapping *maps = nec_image_mappings(t->image, &count);

	if (!own)
		return;
	t->data_start = own->start;
	t->data_end = own->end;
	for (i = 0; i < count; i++) {
		if (&maps[i] == own || maps[i].start + NEAR < own->start || maps[i].start > own->start + NEAR)
			continue;
		if (own->path && maps[i].path && !strcmp(maps[i].path, own->path) && maps[i].perms & NEC_PERM_W) {
			t->data_start = maps[i].start < t->data_start ? maps[i].start : t->data_start;
			t->data_end = maps[i].end > t->data_end ? maps[i].end : t->data_end;
		}
	}
	/* Mappings are sorted: walk outwards from the type's own. */
	for (i = 0; i < count && &maps[i] != own; i++)
		;
	for (k = i + 1; k < count && maps[k].start == t->data_end && !maps[k].path && maps[k].perms & NEC_PERM_W &&
			t->data_end - t->data_start < NEAR;
	     k++)
		t->data_end = maps[k].end;
	for (k = i; !own->path && k-- > 0 && maps[k].end == t->data_start && !maps[k].path && maps[k].perms & NEC_PERM_W;)
		t->data_start = maps[k].start;
}

static bool is_dict(const struct nec_target *t, uint64_t obj)
{
	enum { DICT_SUBCLASS = 1 << 29 }; /* Py_TPFLAGS_DICT_SUBCLASS */

	return obj && nec_field(t, nec_type_of(t, obj), NEC_F_TYPE_FLAGS) & DICT_SUBCLASS;
}

/*
 * Is there an interpreter at addr? Its first thread state points back at it; so do neighbours in many a list, so that one of its
 * namespaces must be a dict as well.
 */
static bool is_interpreter(const struct nec_target *t, uint64_t addr)
{
	uint64_t thread;

	if (addr & 7 || !nec_image_view(t->image, addr, nec_off(t, NEC_F_INTERP_THREADS_HEAD) + 8))
		return false;
	thread = nec_field(t, addr, NEC_F_INTERP_THREADS_HEAD);
	return thread && !(thread & 7) && nec_field(t, thread, NEC_F_THREAD_INTERP) == addr &&
	       (is_dict(t, nec_field(t, addr, NEC_F_INTERP_MODULES)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_SYSDICT)) ||
		is_dict(t, nec_field(t, addr, NEC_F_INTERP_BUILTINS)));
}

static uint64_t interpreter_by_runtime(struct nec_target *t)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	uint64_t addr, size, head;
	struct nec_error *err;

	if (!nec_has(t, NEC_F_RUNTIME_INTERP_HEAD))
		return 0;
	err = nec_image_symbol(t->image, own ? own->objfile : UINT32_MAX, "_PyRuntime", &addr, &size);
	if (err) {
		nec_error_destroy(err);
		err = nec_image_section(t->image, own ? own->objfile : UINT32_MAX, ".PyRuntime", &addr, &size);
	}
	if (err) {
		nec_error_destroy(err);
		return 0;
	}
	t->runtime = addr;
	head = nec_field(t, addr, NEC_F_RUNTIME_INTERP_HEAD);
	/* The head may be a sub-interpreter that no thread runs just now. */
	return is_interpreter(t, head) || is_interpreter(t, nec_field(t, addr, NEC_F_RUNTIME_INTERP_MAIN)) ? head : 0;
}

/* Static data holds a pointer to an interpreter, or (3.12 on) the main one itself. */
static uint64_t interpreter_by_memory(struct nec_target *t)
{
	uint64_t addr, v;

	for (addr = t->data_start; addr + 8 <= t->data_end; addr += 8) {
		if (!nec_image_u64(t->image, addr, &v)) {
			addr = (addr | 4095) - 7;
			continue;
		}
		if (v > 4096 && is_interpreter(t, v)) {
			/* interpreters.head, and right behind it .main: the head comes first. */
			if (nec_has(t, NEC_F_RUNTIME_INTERP_HEAD) && !t->runtime)
				t->runtime = addr - nec_off(t, NEC_F_RUNTIME_INTERP_HEAD);
			return v;
		}
	}
	return 0;
}

static const struct {
	const char *name;
	uint64_t (*find)(struct nec_target *t);
} interpreter_strategies[] = {
	{"_PyRuntime", interpreter_by_runtime},
	{"memory: a thread state that points back", interpreter_by_memory},
};

static void find_interpreters(struct nec_target *t)
{
	uint64_t interp = 0;
	size_t i;

	find_static_data(t);
	for (i = 0; !interp && i < sizeof(interpreter_strategies) / sizeof(interpreter_strategies[0]); i++) {
		interp = interpreter_strategies[i].find(t);
		if (interp) {
			size_t len = strlen(t->strategy);

			snprintf(t->strategy + len, sizeof(t->strategy) - len, "; %s", interpreter_strategies[i].name);
		}
	}
	for (; interp && t->interpreter_count < NEC_TARGET_INTERPRETERS; interp = nec_field(t, interp, NEC_F_INTERP_NEXT)) {
		uint32_t k;

		for (k = 0; k < t->interpreter_count && t->interpreters[k] != interp; k++)
			;
		if (k < t->interpreter_count ||
		    !nec_image_view(t->image, interp, nec_off(t, NEC_F_INTERP_THREADS_HEAD) + 8))
			break;
		t->interpreters[t->interpreter_count++] = interp;
	}
}

/* The main interpreter is the last of the list, and the one whose id is 0. */
static void sort_interpreters(struct nec_target *t)
{
	uint32_t i;

	for (i = 0; i + 1 < t->interpreter_count; i++) {
		uint64_t last = t->interpreters[t->interpreter_count - 1];

		if (nec_field(t, t->interpreters[0], NEC_F_INTERP_ID) == 0)
			return;
		memmove(t->interpreters + 1, t->interpreters, (t->interpreter_count - 1) * sizeof(uint64_t));
		t->interpreters[0] = last;
	}
}

/* sys.version up to the first blank: "3.11.2". */
static void read_version(struct nec_target *t)
{
	uint64_t sysdict, version;
	char *text, *blank;

	snprintf(t->version, sizeof(t->version), "%u.%u", t->major, t->minor);
	if (!t->interpreter_count)
		return;
	sysdict = nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT);
	version = nec_dict_find(t, sysdict, "version");
	text = nec_str_dup(t, version, 60);
	if (!text)
		return;
	blank = strchr(text, ' ');
	if (blank)
		*blank = 0;
	if (isdigit((unsigned char)*text))
		snprintf(t->version, sizeof(t->version), "%s", text);
	free(text);
}

/* A PyPy process has its own marks; 32-bit cores never come this far. */
static bool looks_like_pypy(const struct nec_image *image)
{
	uint32_t count, i;
	const struct nec_mapping *maps = nec_image_mappings(image, &count);

	for (i = 0; i < count; i++)
		if (maps[i].path && (strstr(maps[i].path, "libpypy") || strstr(maps[i].path, "/pypy")))
			return true;
	return false;
}

static struct nec_error *try_candidate(struct nec_target *t, const struct nec_image *image,
				       const struct candidate *candidate)
{
	struct nec_target fresh = {.image = image, .type_type = candidate->type_type};
	struct nec_error *err;

	snprintf(fresh.strategy, sizeof(fresh.strategy), "%s", candidate->strategy);
	err = settle_version(&fresh);
	if (err)
		return err;
	fresh.object_type = nec_field(&fresh, fresh.type_type, NEC_F_TYPE_BASE);
	find_interpreters(&fresh);
	sort_interpreters(&fresh);
	read_version(&fresh);
	*t = fresh;
	return NULL;
}

struct nec_error *nec_target_init(struct nec_target *t, const struct nec_image *image)
{
	struct search s = {.image = image};
	struct nec_error *err = NULL;
	struct nec_target first = {0};
	bool have_first = false;
	size_t i;

	for (i = 0; !s.count && i < sizeof(type_strategies) / sizeof(type_strategies[0]); i++)
		type_strategies[i].find(&s);
	if (!s.count) {
		if (looks_like_pypy(image))
			return nec_error_create(NEC_ERR_UNSUPPORTED, "this is PyPy, not CPython: its heap is not read");
		return nec_error_create(NEC_ERR_NOTFOUND, "no CPython in it: no type that is its own type");
	}
	/* Of several copies the one that runs: a launcher's own library has no interpreter. */
	for (i = 0; i < s.count; i++) {
		nec_error_destroy(err);
		err = try_candidate(t, image, &s.found[i]);
		if (err)
			continue;
		if (t->interpreter_count)
			break;
		if (!have_first) {
			first = *t;
			have_first = true;
		} else {
			nec_target_deinit(t);
		}
	}
	if (i < s.count) {
		if (have_first)
			nec_target_deinit(&first);
		return NULL;
	}
	if (!have_first)
		return err;
	nec_error_destroy(err);
	*t = first;
	return NULL;
}

void nec_target_deinit(struct nec_target *t)
{
	nec_layout_deinit(&t->layout);
}
