/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which source of the layout is right; see settle.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "python/debugoffsets.h"
#include "python/dict.h"
#include "python/dwarflayout.h"
#include "python/settle.h"
#include "python/stack.h"
#include "python/str.h"

/* Frames and threads that a probe looks at. */
enum { PROBE_FRAMES = 64, PROBE_THREADS = 64 };

/* ---- probes: how much of what is known of a struct holds with the target's layout
 * -------------------------------- */

int nec_probe_types(const struct nec_target *t)
{
	const char *name =
		nec_image_cstr(t->image, nec_field(t, t->type_type, NEC_F_TYPE_NAME), 16);
	uint64_t object = t->object_type;
	int score = 0;

	if (nec_type_of(t, t->type_type) != t->type_type || (name && strcmp(name, "type")) ||
	    nec_type_of(t, object) != t->type_type || nec_field(t, object, NEC_F_TYPE_BASE))
		return -1;
	name = nec_image_cstr(t->image, nec_field(t, object, NEC_F_TYPE_NAME), 16);
	if (name && strcmp(name, "object"))
		return -1;
	score +=
		nec_field(t, t->type_type, NEC_F_TYPE_BASICSIZE) == nec_off(t, NEC_SIZEOF_HEAPTYPE);
	score +=
		nec_field(t, t->type_type, NEC_F_TYPE_ITEMSIZE) == nec_off(t, NEC_SIZEOF_MEMBERDEF);
	score += nec_field(t, object, NEC_F_TYPE_BASICSIZE) == nec_off(t, NEC_SIZEOF_OBJECT);
	return score;
}

static bool has_flag(const struct nec_target *t, uint64_t obj, unsigned int bit)
{
	return obj && !(obj & 7) && nec_field(t, nec_type_of(t, obj), NEC_F_TYPE_FLAGS) >> bit & 1;
}

/* Py_TPFLAGS_*_SUBCLASS */
enum { LIST = 25, TUPLE = 26, BYTES = 27, STR = 28, DICT = 29, TYPE = 31 };

static int probe_types(struct nec_target *t)
{
	int score = nec_probe_types(t);
	uint64_t mro = nec_field(t, t->type_type, NEC_F_TYPE_MRO);

	if (score < 0)
		return score;
	return score + has_flag(t, t->type_type, TYPE) + has_flag(t, mro, TUPLE) +
	       (nec_ob_size(t, mro) == 2);
}

static int probe_interpreters(struct nec_target *t)
{
	uint64_t interp, id;
	int score = 0;

	nec_target_find_interpreters(t);
	if (!t->interpreter_count)
		return -1;
	interp = t->interpreters[0];
	id = nec_field(t, interp, NEC_F_INTERP_ID);
	score += has_flag(t, nec_field(t, interp, NEC_F_INTERP_MODULES), DICT);
	score += has_flag(t, nec_field(t, interp, NEC_F_INTERP_SYSDICT), DICT);
	score += has_flag(t, nec_field(t, interp, NEC_F_INTERP_BUILTINS), DICT);
	score += !nec_has(t, NEC_F_INTERP_ID) || id < 1 << 20;
	score += nec_dict_find(t, nec_field(t, interp, NEC_F_INTERP_SYSDICT), "modules") ==
		 nec_field(t, interp, NEC_F_INTERP_MODULES);
	if (nec_has(t, NEC_F_INTERP_GIL))
		score +=
			nec_image_view(t->image, nec_field(t, interp, NEC_F_INTERP_GIL), 8) != NULL;
	return score;
}

static bool is_thread_of_image(const struct nec_target *t, uint64_t tid)
{
	uint32_t count, i;
	const struct nec_image_thread *threads = nec_image_threads(t->image, &count);

	for (i = 0; i < count && threads[i].tid != tid; i++)
		;
	return i < count;
}

static int probe_threads(struct nec_target *t)
{
	struct nec_stack_frame frame;
	struct nec_stack stack;
	uint64_t thread, ident;
	int score = 0, n = 0;
	uint32_t i;

	for (i = 0; i < t->interpreter_count; i++) {
		thread = nec_first_thread(t, i);
		for (; thread && n < PROBE_THREADS;
		     thread = nec_field(t, thread, NEC_F_THREAD_NEXT), n++) {
			if (nec_field(t, thread, NEC_F_THREAD_INTERP) != t->interpreters[i])
				return score;
			ident = nec_field(
				t, thread,
				NEC_F_THREAD_IDENT); /* of glibc: where its struct pthread lies */
			score += 1 + (nec_image_view(t->image, ident, 8) != NULL);
			if (nec_has(t, NEC_F_THREAD_NATIVE_ID))
				score += is_thread_of_image(
					t, nec_field(t, thread, NEC_F_THREAD_NATIVE_ID));
			nec_stack_init(&stack, t, thread);
			score += nec_stack_next(&stack, &frame);
		}
	}
	return score;
}

/* Calls fn for the frames of all threads, innermost first; the sum of what it says. */
static int over_frames(struct nec_target *t,
		       int (*fn)(const struct nec_target *t, const struct nec_stack_frame *frame))
{
	int score = 0, n = 0, frames = 0;
	uint32_t i;

	for (i = 0; i < t->interpreter_count; i++) {
		uint64_t thread = nec_first_thread(t, i);

		for (; thread && n < PROBE_THREADS;
		     thread = nec_field(t, thread, NEC_F_THREAD_NEXT), n++) {
			struct nec_stack_frame frame;
			struct nec_stack stack;

			nec_stack_init(&stack, t, thread);
			while (frames++ < PROBE_FRAMES && nec_stack_next(&stack, &frame))
				score += fn(t, &frame);
		}
	}
	return score;
}

static int look_at_frame(const struct nec_target *t, const struct nec_stack_frame *frame)
{
	return 1 + has_flag(t, frame->globals, DICT) +
	       (frame->lasti >= 0 && frame->lasti < 1 << 24) + (frame->slot_count < 1 << 16);
}

static int count_frame(const struct nec_target *t, const struct nec_stack_frame *frame)
{
	(void)t;
	(void)frame;
	return 1;
}

static int probe_frames(struct nec_target *t)
{
	return over_frames(t, look_at_frame);
}

static int look_at_code(const struct nec_target *t, const struct nec_stack_frame *frame)
{
	unsigned int text = t->layout.traits.strs == NEC_STR_BYTES ? BYTES : STR;
	int32_t line = nec_field32(t, frame->code, NEC_F_CODE_FIRSTLINENO);

	return 1 + has_flag(t, nec_field(t, frame->code, NEC_F_CODE_NAME), text) +
	       has_flag(t, nec_field(t, frame->code, NEC_F_CODE_FILENAME), text) +
	       has_flag(t, nec_field(t, frame->code, NEC_F_CODE_LINETABLE), BYTES) +
	       (nec_has(t, NEC_F_CODE_QUALNAME) &&
		has_flag(t, nec_field(t, frame->code, NEC_F_CODE_QUALNAME), text)) +
	       (nec_has(t, NEC_F_CODE_LOCALSPLUSNAMES) &&
		has_flag(t, nec_field(t, frame->code, NEC_F_CODE_LOCALSPLUSNAMES), TUPLE)) +
	       (line >= 0 && line < 1 << 24);
}

static int probe_code(struct nec_target *t)
{
	return over_frames(t, look_at_code);
}

/* Strings that are keys of the dict sys.__dict__ lead to what they should. */
static int probe_dicts(struct nec_target *t)
{
	uint64_t sys =
		t->interpreter_count ? nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT) : 0;
	unsigned int text = t->layout.traits.strs == NEC_STR_BYTES ? BYTES : STR;
	uint64_t path = nec_dict_find(t, sys, "path"), platform = nec_dict_find(t, sys, "platform");
	char *name = nec_str_dup(t, platform, 16);
	int score = has_flag(t, path, LIST) + has_flag(t, platform, text) +
		    (name && !strcmp(name, "linux"));

	free(name);
	return score;
}

static int probe_tuples(struct nec_target *t)
{
	uint64_t mro = nec_field(t, t->type_type, NEC_F_TYPE_MRO),
		 item = mro + nec_off(t, NEC_F_TUPLE_ITEM);

	return (nec_word(t, item) == t->type_type) + (nec_word(t, item + 8) == t->object_type);
}

static int probe_lists(struct nec_target *t)
{
	uint64_t sys =
		t->interpreter_count ? nec_field(t, t->interpreters[0], NEC_F_INTERP_SYSDICT) : 0;
	uint64_t path = nec_dict_find(t, sys, "path"), items = nec_field(t, path, NEC_F_LIST_ITEM);
	int64_t count = nec_ob_size(t, path);
	unsigned int text = t->layout.traits.strs == NEC_STR_BYTES ? BYTES : STR;

	return count > 0 && has_flag(t, nec_word(t, items), text);
}

/*
 * Structs that are tried out together, in the order in which one needs the other. A struct that is
 * in no group cannot be tried. To add one: a row.
 */
static const struct {
	const char *types;
	int (*probe)(struct nec_target *t);
} groups[] = {
	{"_object|PyVarObject|_typeobject|_heaptypeobject|PyMemberDef", probe_types},
	{"pyruntimestate|_is", probe_interpreters},
	{"_ts|_PyCFrame", probe_threads},
	{"_frame|_PyInterpreterFrame", probe_frames},
	{"PyCodeObject", probe_code},
	{"PyASCIIObject|PyCompactUnicodeObject|PyUnicodeObject", probe_dicts},
	{"PyDictObject|_dictobject|_dictkeysobject|PyDictKeyEntry|PyDictEntry|PyDictUnicodeEntry",
	 probe_dicts},
	{"PyTupleObject", probe_tuples},
	{"PyListObject", probe_lists},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

/* ---- sources
 * -----------------------------------------------------------------------------------------------------
 */

/* Extension modules of the standard library; others may have structs of the same names. */
static bool is_standard_module(const char *path)
{
	return strstr(path, "/lib-dynload/") != NULL;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp((*(const struct nec_objfile *const *)a)->path,
		      (*(const struct nec_objfile *const *)b)->path);
}

static void add_file(struct nec_dwarf_layout *dwarf, const struct nec_image *image,
		     const struct nec_objfile *file)
{
	uint32_t count;
	_cleanup_free_ char *path =
		nec_image_debug_file(image, (uint32_t)(file - nec_image_objfiles(image, &count)));

	if (path)
		nec_error_destroy(nec_dwarf_layout_add(
			dwarf, path)); /* without debug information: nothing to hear */
}

/*
 * The debug information of the file that holds PyType_Type, then of its extension modules by name:
 * the order in which `necropsy layout` was given them, which matters where two have a struct of the
 * same name.
 */
static struct nec_error *open_dwarf(const struct nec_target *t, struct nec_dwarf_layout *dwarf)
{
	const struct nec_mapping *own = nec_image_mapping_at(t->image, t->type_type);
	_cleanup_free_ const struct nec_objfile **modules = NULL;
	const struct nec_objfile *files;
	uint32_t count, i, n = 0;

	files = nec_image_objfiles(t->image, &count);
	if (!own || own->objfile >= count)
		return NULL;
	add_file(dwarf, t->image, &files[own->objfile]);
	if (!dwarf->count) /* without the interpreter's own the modules' would be half a truth */
		return NULL;
	modules = calloc(count, sizeof(const struct nec_objfile *));
	if (!modules)
		return &nec_enomem;
	for (i = 0; i < count; i++)
		if (i != own->objfile && is_standard_module(files[i].path))
			modules[n++] = &files[i];
	qsort(modules, n, sizeof(const struct nec_objfile *), compare_paths);
	for (i = 0; i < n; i++)
		add_file(dwarf, t->image, modules[i]);
	return NULL;
}

/* Bytes of any struct, bits of any bit field: no real one comes near. */
enum { MAX_CLAIM = 16 << 20 };

static struct nec_error *hear_dwarf(struct nec_target *t)
{
	struct nec_dwarf_layout dwarf = {.count = 0};
	struct nec_error *err = open_dwarf(t, &dwarf);
	uint32_t i;

	for (i = 0; dwarf.count && i < NEC_FIELD_COUNT; i++) {
		int32_t off = nec_dwarf_layout_offset(&dwarf, i);

		if ((off >= 0 && off < MAX_CLAIM) ||
		    (off == NEC_NO_FIELD && nec_dwarf_layout_knows(&dwarf, i)))
			t->layout.claims[NEC_FIELD_DWARF][i] = off;
	}
	if (!err && dwarf.count)
		err = nec_dwarf_layout_ctypes(&dwarf, &t->layout);
	nec_dwarf_layout_deinit(&dwarf);
	return err;
}

static void hear_debug_offsets(struct nec_target *t, struct nec_debug_offsets *offsets)
{
	if (!nec_has(t, NEC_F_SAYS_COOKIE))
		return;
	if (!(t->runtime && nec_debug_offsets_read(t->image, t->runtime, offsets)) &&
	    !nec_debug_offsets_find(t->image, t->data_start, t->data_end, offsets))
		return;
	t->runtime = offsets->addr;
	if (offsets->major == t->major && offsets->minor == t->minor)
		nec_debug_offsets_claim(t, offsets, &t->layout);
	else
		snprintf(offsets->damage, sizeof(offsets->damage), "version %u.%u.%u",
			 offsets->major, offsets->minor, offsets->micro);
}

/* ---- settling
 * ----------------------------------------------------------------------------------------------------
 */

/* Puts what a source says of the fields of a group into the layout; what it does not say stays. */
static void apply(struct nec_layout *layout, const bool *in_group, enum nec_field_source source)
{
	int32_t off;
	uint32_t i;

	for (i = 0; i < NEC_FIELD_COUNT; i++) {
		off = layout->claims[source][i];
		if (in_group[i] && off != NEC_NO_CLAIM)
			layout->off[i] = off;
	}
}

/* How a source stands to the table about a group. */
enum stance { SILENT, AGREES, DIFFERS };

static enum stance stance_of(const struct nec_layout *layout, const bool *in_group,
			     enum nec_field_source source)
{
	enum stance stance = SILENT;
	uint32_t i;

	for (i = 0; i < NEC_FIELD_COUNT; i++) {
		if (!in_group[i] || layout->claims[source][i] == NEC_NO_CLAIM)
			continue;
		if (layout->claims[source][i] != layout->claims[NEC_FIELD_TABLE][i])
			return DIFFERS;
		stance = AGREES;
	}
	return stance;
}

/* The source that each field of a group has in the end: the strongest that says what is believed.
 */
static void note_sources(struct nec_layout *layout, const bool *in_group, bool by_probe)
{
	uint32_t i;

	for (i = 0; i < NEC_FIELD_COUNT; i++) {
		int32_t off = layout->off[i];
		bool disputed = false;
		unsigned int s;

		if (!in_group[i])
			continue;
		layout->source[i] = NEC_FIELD_ABSENT;
		for (s = NEC_FIELD_TABLE; s < NEC_FIELD_PROBE; s++) {
			if (layout->claims[s][i] == off && off != NEC_NO_FIELD)
				layout->source[i] = (uint8_t)s;
			disputed |=
				layout->claims[s][i] != NEC_NO_CLAIM && layout->claims[s][i] != off;
		}
		if (by_probe && disputed && off != NEC_NO_FIELD)
			layout->source[i] = NEC_FIELD_PROBE;
	}
}

/*
 * Settles the fields of a group. probe NULL: nothing can be tried, the strongest source is
 * believed. *refuted_ret is set for the sources that a probe spoke against.
 */
static void settle(struct nec_target *t, const bool *in_group, int (*probe)(struct nec_target *t),
		   bool *refuted_ret)
{
	int score[NEC_FIELD_PROBE], best = INT32_MIN;
	enum stance stance[NEC_FIELD_PROBE];
	bool disputed = false, by_probe = false;
	unsigned int s;

	for (s = NEC_FIELD_TABLE; s < NEC_FIELD_PROBE; s++) {
		stance[s] = s == NEC_FIELD_TABLE ? AGREES : stance_of(&t->layout, in_group, s);
		disputed |= stance[s] == DIFFERS;
	}
	for (s = NEC_FIELD_TABLE; disputed && s < NEC_FIELD_PROBE; s++) {
		struct nec_target trial = *t;

		score[s] = score[NEC_FIELD_TABLE];
		if (probe && (s == NEC_FIELD_TABLE || stance[s] == DIFFERS)) {
			apply(&trial.layout, in_group, s);
			score[s] = probe(&trial);
		} else if (!probe) {
			score[s] = 0;
		}
		best = score[s] > best ? score[s] : best;
	}
	for (s = NEC_FIELD_TABLE; disputed && s < NEC_FIELD_PROBE; s++) {
		if (stance[s] == SILENT || (!probe && refuted_ret[s]))
			continue;
		if (score[s] == best)
			apply(&t->layout, in_group, s);
		else
			refuted_ret[s] = by_probe = true;
	}
	note_sources(&t->layout, in_group, by_probe);
}

/* Namespaces of an interpreter whose neighbours in their collector list point back at them when its
 * header has that size. */
static unsigned int count_linked(const struct nec_target *t, uint64_t size)
{
	static const enum nec_field dicts[] = {NEC_F_INTERP_MODULES, NEC_F_INTERP_SYSDICT,
					       NEC_F_INTERP_BUILTINS};
	uint64_t mask = ~(uint64_t)t->layout.traits.gc_mask;
	unsigned int i, n = 0;

	for (i = 0; i < sizeof(dicts) / sizeof(dicts[0]); i++) {
		uint64_t head = nec_field(t, t->interpreters[0], dicts[i]) - size;
		uint64_t next = nec_field(t, head, NEC_F_GC_NEXT) & mask,
			 prev = nec_field(t, head, NEC_F_GC_PREV) & mask;

		n += next && prev && (nec_field(t, next, NEC_F_GC_PREV) & mask) == head &&
		     (nec_field(t, prev, NEC_F_GC_NEXT) & mask) == head;
	}
	return n;
}

/*
 * Until 3.7 the collector's header was aligned as a long double, or from some micro release on as a
 * double: 32 bytes or 24. The lists say which.
 */
static void settle_gc_head(struct nec_target *t)
{
	static const int32_t sizes[] = {24, 32};
	struct nec_layout *layout = &t->layout;
	unsigned int i;

	if (!nec_has(t, NEC_F_GC_REFS) || !t->interpreter_count ||
	    count_linked(t, nec_off(t, NEC_SIZEOF_GC_HEAD)))
		return;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (count_linked(t, (uint64_t)sizes[i]) < 2)
			continue;
		layout->off[NEC_SIZEOF_GC_HEAD] = sizes[i];
		layout->source[NEC_SIZEOF_GC_HEAD] = NEC_FIELD_PROBE;
		return;
	}
}

/* A source other than the table that was proved wrong is worth a warning: the dump, or the file, is
 * not what it seems. */
static void warn(struct nec_target *t, const struct nec_debug_offsets *offsets, const bool *refuted)
{
	if (offsets->addr && *offsets->damage)
		snprintf(t->warning, sizeof(t->warning),
			 "_Py_DebugOffsets at 0x%llx are damaged (%s): not believed",
			 (unsigned long long)offsets->addr, offsets->damage);
	else if (refuted[NEC_FIELD_OFFSETS])
		snprintf(
			t->warning, sizeof(t->warning),
			"_Py_DebugOffsets at 0x%llx do not fit the memory: see disagrees in the table layout",
			(unsigned long long)offsets->addr);
	else if (refuted[NEC_FIELD_DWARF])
		snprintf(
			t->warning, sizeof(t->warning),
			"the debug information does not fit the memory: see disagrees in the table layout");
}

/* What the table says where the memory was tried with it: is it so all over? */
static bool fits(struct nec_target *t)
{
	unsigned int code = 5u + nec_has(t, NEC_F_CODE_QUALNAME) + nec_has(t, NEC_F_CODE_LOCALSPLUSNAMES);
	int frames = over_frames(t, count_frame);

	/* A frame may be in the making. */
	return frames > 0 && probe_dicts(t) == 3 && probe_lists(t) && probe_tuples(t) == 2 &&
	       probe_frames(t) >= 4 * frames - 4 && probe_code(t) >= (int)code * (frames - 1);
}

static void settle_all(struct nec_target *t, struct nec_debug_offsets *offsets)
{
	bool refuted[NEC_FIELD_SOURCES] = {false}, grouped[NEC_FIELD_COUNT] = {false},
	     rest[NEC_FIELD_COUNT];
	unsigned int g, i;

	for (g = 0; g < GROUPS; g++) {
		bool in_group[NEC_FIELD_COUNT];

		for (i = 0; i < NEC_FIELD_COUNT; i++) {
			in_group[i] = nec_field_in(i, groups[g].types);
			grouped[i] |= in_group[i];
		}
		settle(t, in_group, groups[g].probe, refuted);
		if (groups[g].probe == probe_interpreters)
			nec_target_find_interpreters(t);
	}
	/* Who was wrong about one thing is not believed about what cannot be tried. */
	if (*offsets->damage)
		refuted[NEC_FIELD_OFFSETS] = true;
	for (i = 0; i < NEC_FIELD_COUNT; i++)
		rest[i] = !grouped[i];
	settle(t, rest, NULL, refuted);
	settle_gc_head(t);
	warn(t, offsets, refuted);
}

struct nec_error *nec_settle_layout(struct nec_target *t)
{
	struct nec_debug_offsets offsets = {.addr = 0};

	if (!t->quick)
		NEC_TRY(hear_dwarf(t));
	hear_debug_offsets(t, &offsets);
	settle_all(t, &offsets);
	if (!t->quick || fits(t))
		return NULL;
	NEC_TRY(hear_dwarf(t));
	settle_all(t, &offsets);
	return NULL;
}
