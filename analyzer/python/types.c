/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The registry of type objects; see types.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/signatures.h"
#include "python/str.h"
#include "python/types.h"
#include "python/visit.h"

/* PyMemberDef.type of a reference: T_OBJECT and T_OBJECT_EX (structmember.h), Py_T_OBJECT_EX. */
enum { MEMBER_OBJECT = 6, MEMBER_OBJECT_EX = 16 };

/* A type's slots and members are a few dozen; SQLAlchemy's largest class has some 60. */
enum { MAX_SLOTS = 4096, MAX_MEMBERS = 512, MAX_METATYPES = 16 };

/* Members that own no reference: those that are shown all the same, and those that may lead
 * anywhere. */
static const struct unowned {
	const char *type, *member;
	bool left_out;
} unowned[] = {
#define NEC_CTYPE(name, types)
#define NEC_BORROWED(type, member) {type, member, false},
#define NEC_LEFT_OUT(type, member) {type, member, true},
#include "python/ctypes.def"
#undef NEC_BORROWED
#undef NEC_LEFT_OUT
};

static const struct {
	const char *type;
	uint16_t blocks;
} native[] = {
#define NEC_NATIVE(type, blocks) {type, blocks},
#include "python/ctypes.def"
#undef NEC_CTYPE
#undef NEC_NATIVE
};

static const struct {
	const char *type, *member, *label;
} member_labels[] = {
#define NEC_MEMBER_LABEL(type, member, label) {type, member, label},
#include "python/labels.def"
#undef NEC_MEMBER_LABEL
};

/* NULL: it owns its reference. */
static const struct unowned *find_unowned(const char *type, const char *member)
{
	size_t i;

	for (i = 0; i < sizeof(unowned) / sizeof(unowned[0]); i++)
		if (!strcmp(unowned[i].type, type) && !strcmp(unowned[i].member, member))
			return &unowned[i];
	return NULL;
}

/* Blocks of a library's memory that an instance leads to at most; 0: none, or not known. */
static uint16_t native_blocks(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (!strcmp(native[i].type, type))
			return native[i].blocks;
	return 0;
}

static bool grow_table(struct nec_types *types)
{
	uint32_t count = types->slot_count ? types->slot_count * 2 : 4096, i, h;
	struct nec_type **slots = calloc(count, sizeof(struct nec_type *));

	if (!slots)
		return false;
	for (i = 0; i < types->slot_count; i++) {
		if (!types->slots[i])
			continue;
		h = (uint32_t)((types->slots[i]->addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
		while (slots[h & (count - 1)])
			h++;
		slots[h & (count - 1)] = types->slots[i];
	}
	free(types->slots);
	types->slots = slots;
	types->slot_count = count;
	return true;
}

/* A new record for addr in the hash table; NULL when out of memory. */
static struct nec_type *new_record(struct nec_types *types, uint64_t addr)
{
	struct nec_type *type;
	uint32_t h;

	if (types->used * 2 >= types->slot_count && !grow_table(types))
		goto nomem;
	type = calloc(1, sizeof(*type));
	if (!type)
		goto nomem;
	type->addr = addr;
	type->id = UINT32_MAX;
	h = (uint32_t)((addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
	while (types->slots[h & (types->slot_count - 1)])
		h++;
	types->slots[h & (types->slot_count - 1)] = type;
	types->used++;
	return type;
nomem:
	if (!types->failed)
		types->failed = &nec_enomem;
	return NULL;
}

static struct nec_type *find_record(const struct nec_types *types, uint64_t addr)
{
	uint32_t h = (uint32_t)((addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
	struct nec_type *type;

	while ((type = types->slots[h++ & (types->slot_count - 1)]))
		if (type->addr == addr)
			return type;
	return NULL;
}

/* Words that are asked about and are no types are many (every collector's header in a block), so few are remembered. */
enum { NO_TYPES_BITS = 14 };

static uint32_t no_type_slot(uint64_t addr)
{
	return (uint32_t)((addr >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - NO_TYPES_BITS));
}

struct nec_error *nec_types_init(struct nec_types *types, struct nec_target *target)
{
	*types = (struct nec_types){.target = target};
	types->no_types = calloc(1u << NO_TYPES_BITS, sizeof(*types->no_types));
	if (!types->no_types || !grow_table(types))
		return &nec_enomem;
	NEC_TRY(nec_typenames_init(&types->names, target));
	types->label_dict = nec_types_label(types, ".__dict__");
	types->label_weakref = nec_types_label(types, ".__weakref__");
	types->label_wr_object = nec_types_label(types, "()");
	types->label_key = nec_types_label(types, " key");
	types->label_shared_key = nec_types_label(types, " shared key");
	types->label_item = nec_types_label(types, "{}");
	types->label_native = nec_types_label(types, ".native");
	return NULL;
}

void nec_types_deinit(struct nec_types *types)
{
	uint32_t i;

	for (i = 0; i < types->slot_count; i++) {
		struct nec_type *type = types->slots[i];

		if (!type)
			continue;
		free((char *)type->name);
		free((char *)type->tp_name);
		free((char *)type->module);
		free(type->slots);
		free(type);
	}
	free(types->slots);
	free(types->by_id);
	free(types->no_types);
	nec_typenames_deinit(&types->names);
	nec_strtab_deinit(&types->labels);
	*types = (struct nec_types){0};
}

uint32_t nec_types_label(struct nec_types *types, const char *fmt, ...)
{
	char buf[NEC_LIMIT_NAME];
	struct nec_error *err;
	uint32_t id = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	err = nec_strtab_intern(&types->labels, buf, strlen(buf), &id);
	if (err && !types->failed)
		types->failed = err;
	return id;
}

/* Is type among the bases of addr? A class may be made its own metatype (h11: each sentinel is its
 * own type). */
static bool derives_from_type(const struct nec_target *t, uint64_t addr)
{
	int depth;

	for (depth = 0; addr && !(addr & 7) && depth < MAX_METATYPES; depth++) {
		addr = nec_field(t, addr, NEC_F_TYPE_BASE);
		if (addr == t->type_type)
			return true;
	}
	return false;
}

/* The start of a static type, where what PyType_Ready made of it was cut off: it has a name and no metatype yet. */
static bool is_not_ready(const struct nec_target *t, uint64_t addr)
{
	const struct nec_segment *s = nec_image_segment_at(t->image, addr);
	const char *name;

	if (!s || s->origin != NEC_ORIGIN_INITIAL || nec_ob_size(t, addr))
		return false;
	name = nec_image_cstr(t->image, nec_field(t, addr, NEC_F_TYPE_NAME), NEC_LIMIT_NAME);
	return name && (*name == '_' || (*name >= 'A' && *name <= 'Z') || (*name >= 'a' && *name <= 'z'));
}

/* Does the chain of metatypes from addr end at PyType_Type? */
static bool is_type_object(const struct nec_target *t, uint64_t addr)
{
	uint64_t meta = nec_type_of(t, addr), next;
	int depth;

	if (!meta)
		return is_not_ready(t, addr);
	for (depth = 0; depth < MAX_METATYPES; depth++) {
		if (meta == t->type_type)
			return true;
		if (!meta || meta & 7 || !(nec_field(t, meta, NEC_F_TYPE_FLAGS) & NEC_TYPE_TYPE_SUBCLASS))
			return false;
		next = nec_type_of(t, meta);
		if (next == meta)
			return derives_from_type(t, meta);
		meta = next;
	}
	return false;
}

/* Some static types have instances and were never made ready (until 3.9: lru_list_elem, arrayiterator). */
static bool is_static(const struct nec_target *t, uint64_t addr)
{
	const struct nec_mapping *map = nec_image_mapping_at(t->image, addr);

	return nec_field(t, addr, NEC_F_TYPE_BASICSIZE) >= nec_off(t, NEC_SIZEOF_OBJECT) &&
	       !(nec_field(t, addr, NEC_F_TYPE_FLAGS) >> 32) &&
	       ((map && map->objfile != UINT32_MAX) || (addr >= t->data_start && addr < t->data_end));
}

static bool plausible(const struct nec_target *t, uint64_t addr)
{
	int64_t basicsize, itemsize;

	if (addr & 7 || !nec_image_view(t->image, addr, nec_off(t, NEC_SIZEOF_TYPE)) || !is_type_object(t, addr))
		return false;
	basicsize = (int64_t)nec_field(t, addr, NEC_F_TYPE_BASICSIZE);
	itemsize = (int64_t)nec_field(t, addr, NEC_F_TYPE_ITEMSIZE);
	return basicsize >= 0 && basicsize < 1 << 24 && itemsize >= 0 && itemsize < 1 << 20 &&
	       (nec_field(t, addr, NEC_F_TYPE_FLAGS) & NEC_TYPE_READY || is_static(t, addr));
}

/* A class statement lets tp_name point into the str of ht_name; a C type brings its own text. */
static bool is_python_made(const struct nec_target *t, uint64_t addr, uint64_t flags)
{
	uint64_t tp_name = nec_field(t, addr, NEC_F_TYPE_NAME), ht_name, text;

	if (!(flags & NEC_TYPE_HEAPTYPE))
		return false;
	ht_name = nec_field(t, addr, NEC_F_HEAPTYPE_NAME);
	/* The text of the str itself: what lies behind it may be another's. */
	text = t->layout.traits.strs == NEC_STR_FLEXIBLE ? nec_off(t, NEC_SIZEOF_STR_ASCII)
							  : nec_off(t, NEC_F_BYTES_DATA);
	if (tp_name == ht_name + text)
		return true;
	return t->layout.traits.strs == NEC_STR_FLEXIBLE && ht_name &&
	       nec_field(t, ht_name, NEC_F_STR_UTF8) == tp_name;
}

/* The name of a static type whose text is gone: its signature's, unless several types have that and something else is known. */
static const char *static_name(const struct nec_types *types, const struct nec_type *type)
{
	const char *name = NULL, *other;
	bool alike = false;

	if (!(type->flags & NEC_TYPE_HEAPTYPE))
		name = nec_signature_name(types->target, type->addr, &alike);
	other = name && !alike ? NULL : nec_typenames_get(&types->names, type->addr);
	return other ? other : name;
}

/* What a C type that was made on the heap calls itself, by its parts: until 3.10 the text lies in a file. */
static char *full_name(const char *module, const char *qualname, const char *builtins)
{
	char *name;

	if (!module || !*module || !strcmp(module, builtins))
		return strdup(qualname);
	return asprintf(&name, "%s.%s", module, qualname) < 0 ? NULL : name;
}

/*
 * Has another library a type of this name? Cython's generators are called as CPython's (until 3.0
 * without a module), and are laid out otherwise. To add one: a line.
 */
static bool is_imitation(const struct nec_target *t, const struct nec_type *type)
{
	static const char *const imitated[] = {
		"generator",
		"coroutine",
		"coroutine_wrapper",
		"async_generator",
		"async_generator_asend",
		"async_generator_athrow",
		"async_generator_wrapped_value",
	};
	size_t i;

	if (type->flags & NEC_TYPE_HEAPTYPE || !t->data_end ||
	    (type->addr >= t->data_start && type->addr < t->data_end))
		return false;
	for (i = 0; i < sizeof(imitated) / sizeof(imitated[0]); i++)
		if (!strcmp(imitated[i], type->tp_name))
			return true;
	return false;
}

/* One is dispatched by its tp_name: this is in no table. */
static void set_apart(struct nec_types *types, struct nec_type *type)
{
	char *name;

	if (!type->tp_name || !is_imitation(types->target, type))
		return;
	if (asprintf(&name, "%s of a library", type->tp_name) < 0) {
		types->failed = &nec_enomem;
		return;
	}
	free((char *)type->tp_name);
	type->tp_name = name;
}

static void read_names(struct nec_types *types, struct nec_type *type)
{
	const struct nec_target *t = types->target;
	_cleanup_free_ char *qualname = NULL, *module = NULL;
	const char *raw, *dot, *builtins = t->layout.traits.old_classes ? "__builtin__" : "builtins";
	char *name = NULL;

	raw = nec_image_cstr(t->image, nec_field(t, type->addr, NEC_F_TYPE_NAME), NEC_LIMIT_NAME);
	if (!raw)
		raw = static_name(types, type);
	if (type->flags & NEC_TYPE_HEAPTYPE) {
		qualname = nec_str_dup(t, nec_field(t, type->addr, NEC_F_HEAPTYPE_QUALNAME), NEC_LIMIT_NAME);
		if (!qualname)
			qualname = nec_str_dup(t, nec_field(t, type->addr, NEC_F_HEAPTYPE_NAME), NEC_LIMIT_NAME);
		module = nec_str_dup(t, nec_dict_find(t, nec_type_dict(t, type->addr), "__module__"), NEC_LIMIT_NAME);
	}
	if (!qualname && raw) {
		dot = strrchr(raw, '.');
		free(module);
		module = dot ? strndup(raw, (size_t)(dot - raw)) : strdup(builtins);
		qualname = strdup(dot ? dot + 1 : raw);
	}
	type->tp_name = raw ? strdup(raw) : qualname ? full_name(module, qualname, builtins) : strdup("");
	if (!qualname)
		name = asprintf(&name, "type at 0x%llx", (unsigned long long)type->addr) < 0 ? NULL : name;
	else if (module && *module)
		name = asprintf(&name, "%s.%s", module, qualname) < 0 ? NULL : name;
	else
		name = strdup(qualname);
	type->name = name;
	type->module = module ? nec_take(module) : strdup("");
	if ((!type->name || !type->tp_name || !type->module) && !types->failed)
		types->failed = &nec_enomem;
}

/* Adds a reference at a fixed offset; one that is there already is replaced. */
static void add_slot(struct nec_types *types, struct nec_type *type, int64_t off, uint32_t label,
		     enum nec_ref_kind kind)
{
	struct nec_slot *slots;
	uint32_t i, j;

	if (off <= 0 || off > 1 << 24 || type->slot_count >= MAX_SLOTS)
		return;
	for (i = 0; i < type->slot_count && type->slots[i].off < off; i++)
		;
	if (i == type->slot_count || type->slots[i].off != off) {
		slots = realloc(type->slots, (type->slot_count + 1) * sizeof(*slots));
		if (!slots) {
			types->failed = &nec_enomem;
			return;
		}
		type->slots = slots;
		for (j = type->slot_count++; j > i; j--)
			slots[j] = slots[j - 1];
	}
	type->slots[i] = (struct nec_slot){.off = (uint32_t)off, .label = label, .kind = (uint8_t)kind};
}

static bool is_kind_of(const struct nec_type *type, const char *tp_name)
{
	for (; type; type = type->base)
		if (!strcmp(type->tp_name, tp_name))
			return true;
	return false;
}

/* What a person calls a member of a C struct; see labels.def. */
static uint32_t member_label(struct nec_types *types, const struct nec_type *type, const char *member)
{
	size_t i;

	for (i = 0; i < sizeof(member_labels) / sizeof(member_labels[0]); i++)
		if (!strcmp(member_labels[i].member, member) &&
		    (!*member_labels[i].type || is_kind_of(type, member_labels[i].type)))
			return nec_types_label(types, "%s", member_labels[i].label);
	return nec_types_label(types, ".%s", member);
}

/* The references among the PyMemberDefs at addr, up to count or a NULL name. */
static void add_members(struct nec_types *types, struct nec_type *type, uint64_t addr, uint64_t count)
{
	const struct nec_target *t = types->target;
	uint64_t size = nec_off(t, NEC_SIZEOF_MEMBERDEF), i, name;

	for (i = 0; i < count && i < MAX_MEMBERS; i++, addr += size) {
		int32_t kind = nec_field32(t, addr, NEC_F_MEMBERDEF_TYPE);
		const char *text;

		name = nec_field(t, addr, NEC_F_MEMBERDEF_NAME);
		if (!name)
			break;
		if (kind != MEMBER_OBJECT && kind != MEMBER_OBJECT_EX)
			continue;
		text = nec_image_cstr(t->image, name, 256);
		add_slot(types, type, (int64_t)nec_field(t, addr, NEC_F_MEMBERDEF_OFFSET),
			 text ? nec_types_label(types, ".%s", text)
			      : nec_types_label(types, ".+0x%llx",
						(unsigned long long)nec_field(t, addr, NEC_F_MEMBERDEF_OFFSET)),
			 NEC_REF_STRONG);
	}
}

static void add_member(struct nec_types *types, struct nec_type *type,
		       const struct nec_member *member)
{
	const struct unowned *found = find_unowned(type->tp_name, member->name);

	if (!found || !found->left_out)
		add_slot(types, type, member->off, member_label(types, type, member->name),
			 found ? NEC_REF_BORROWED : NEC_REF_STRONG);
}

static void inherit(struct nec_types *types, struct nec_type *type)
{
	const struct nec_type *base = type->base;

	type->tier = "members";
	if (!base)
		return;
	type->tier = base->tier;
	type->visitor = base->visitor;
	type->scan_start = base->scan_start;
	type->scan_end = base->scan_end;
	type->scan_items = base->scan_items;
	type->native_blocks = base->native_blocks;
	if (!base->slot_count)
		return;
	type->slots = malloc(base->slot_count * sizeof(*type->slots));
	if (!type->slots) {
		types->failed = &nec_enomem;
		return;
	}
	memcpy(type->slots, base->slots, base->slot_count * sizeof(*type->slots));
	type->slot_count = base->slot_count;
}

static void describe_python_class(struct nec_types *types, struct nec_type *type)
{
	const struct nec_target *t = types->target;
	uint64_t meta = nec_type_of(t, type->addr);
	int64_t count = nec_ob_size(t, type->addr);

	if (count > 0)
		add_members(types, type, type->addr + nec_field(t, meta, NEC_F_TYPE_BASICSIZE), (uint64_t)count);
}

/* Is it laid out as a tuple? In 2.7 a structseq is one without having it as a base. */
static bool is_sequence(const struct nec_target *t, const struct nec_type *type)
{
	if (!type->base)
		return t->layout.traits.strs == NEC_STR_BYTES;
	return type->base->visitor && !strcmp(type->base->visitor->name, "tuple");
}

static void describe_c_type(struct nec_types *types, struct nec_type *type)
{
	const struct nec_target *t = types->target;
	const struct nec_visitor *visitor = nec_visitor_find(t, type->tp_name);
	/* 2.7 has its exceptions in a module. */
	const char *name = strncmp(type->tp_name, "exceptions.", 11) ? type->tp_name : type->tp_name + 11;
	const struct nec_ctype *ctype = nec_layout_ctype(&t->layout, name);
	int64_t base_size = type->base ? type->base->basicsize : (int64_t)nec_off(t, NEC_SIZEOF_OBJECT);
	uint32_t i;

	if (!visitor && is_sequence(t, type) && nec_dict_find(t, nec_type_dict(t, type->addr), "n_sequence_fields"))
		visitor = &nec_visitor_structseq;
	if (visitor) {
		type->visitor = visitor;
		type->tier = "visitor";
		if (visitor->own_items) {
			type->slot_count = 0;
			type->scan_start = type->scan_end = 0;
			return;
		}
	}
	if (ctype && !type->itemsize && type->basicsize != ctype->size && (!type->base || type->basicsize > type->base->basicsize))
		ctype = nec_layout_adopt(&types->target->layout, type->tp_name, type->basicsize);
	if (ctype) {
		if (!visitor)
			type->tier = "members";
		type->scan_start = type->scan_end = 0;
		type->native_blocks = native_blocks(type->tp_name);
		if (type->native_blocks) {
			type->scan_start = (uint32_t)base_size;
			type->scan_end = (uint32_t)type->basicsize;
		}
		for (i = 0; i < ctype->count; i++)
			add_member(types, type, &ctype->members[i]);
		return;
	}
	if (type->basicsize <= base_size && !type->itemsize)
		return;
	if (type->base && type->basicsize == base_size && type->itemsize == type->base->itemsize)
		return;
	/* Nobody described it: what its own PyMemberDefs say, and its words. */
	if (type->basicsize > base_size) {
		type->tier = visitor ? "visitor" : "conservative";
		type->native_blocks = 0;
		if (type->scan_start == type->scan_end)
			type->scan_start = (uint32_t)base_size;
		type->scan_end = (uint32_t)type->basicsize;
	}
	if (type->itemsize >= 8 && (!type->base || !type->base->itemsize)) {
		type->tier = "conservative";
		type->scan_items = true;
	}
	add_members(types, type, nec_field(t, type->addr, NEC_F_TYPE_MEMBERS), MAX_MEMBERS);
}

static void describe(struct nec_types *types, struct nec_type *type)
{
	const struct nec_target *t = types->target;

	type->flags = nec_field(t, type->addr, NEC_F_TYPE_FLAGS);
	type->basicsize = (int64_t)nec_field(t, type->addr, NEC_F_TYPE_BASICSIZE);
	type->itemsize = (int64_t)nec_field(t, type->addr, NEC_F_TYPE_ITEMSIZE);
	type->dictoffset = (int64_t)nec_field(t, type->addr, NEC_F_TYPE_DICTOFFSET);
	type->weaklistoffset = (int64_t)nec_field(t, type->addr, NEC_F_TYPE_WEAKLISTOFFSET);
	type->gc = type->flags & NEC_TYPE_HAVE_GC;
	type->is_type = type->flags & NEC_TYPE_TYPE_SUBCLASS;
	type->python_made = is_python_made(t, type->addr, type->flags);
	if (t->layout.traits.values != NEC_VALUES_NONE) {
		type->managed_dict = type->flags & NEC_TYPE_MANAGED_DICT;
		type->inline_values = t->layout.traits.values != NEC_VALUES_INLINE
					      ? type->managed_dict
					      : type->flags & NEC_TYPE_INLINE_VALUES;
		type->managed_weakref = t->layout.traits.values != NEC_VALUES_TWO_POINTERS &&
					type->flags & NEC_TYPE_MANAGED_WEAKREF;
	}
	read_names(types, type);
	set_apart(types, type);
	type->is_greenlet = (type->base && type->base->is_greenlet) ||
			    (!type->python_made && !strcmp(type->tp_name, "greenlet.greenlet"));
	inherit(types, type);
	if (types->failed)
		return;
	if (type->python_made)
		describe_python_class(types, type);
	else
		describe_c_type(types, type);
	/* What a visitor of a built-in container emits as parts, __sizeof__ counts. */
	type->has_native = !type->visitor || !type->visitor->own_items || type->managed_dict || type->scan_items ||
			   type->scan_end > type->scan_start;
	if (type->visitor && type->visitor->own_items && !type->python_made)
		return;
	if (type->dictoffset > 0 &&
	    !type->is_type) /* tp_dict is a class's __dict__, see visit_type */
		add_slot(types, type, type->dictoffset, types->label_dict, NEC_REF_STRONG);
	if (type->weaklistoffset > 0)
		add_slot(types, type, type->weaklistoffset, types->label_weakref, NEC_REF_WEAK);
}

static bool give_id(struct nec_types *types, struct nec_type *type)
{
	struct nec_type **by_id;
	uint32_t capacity;

	if (types->count == types->capacity) {
		capacity = types->capacity ? types->capacity * 2 : 1024;
		by_id = realloc(types->by_id, capacity * sizeof(struct nec_type *));
		if (!by_id) {
			types->failed = &nec_enomem;
			return false;
		}
		types->by_id = by_id;
		types->capacity = capacity;
	}
	types->by_id[types->count] = type;
	type->id = types->count++;
	return true;
}

const struct nec_type *nec_types_slow(struct nec_types *types, uint64_t addr)
{
	const struct nec_target *t = types->target;
	_cleanup_free_ uint64_t *chain = NULL;
	const struct nec_type *base = NULL;
	struct nec_type *type = NULL, *known;
	uint32_t n = 0, capacity = 0;
	uint64_t a;

	if (types->failed || types->no_types[no_type_slot(addr)] == addr)
		return NULL;
	/* The bases that are new, nearest first; they are described from the far end. */
	for (a = addr; a && n < NEC_LIMIT_BASES; a = nec_field(t, a, NEC_F_TYPE_BASE)) {
		known = find_record(types, a);
		if (known) {
			base = known;
			break;
		}
		if (!plausible(t, a))
			break;
		if (n == capacity) {
			uint64_t *grown = realloc(chain, (capacity = capacity * 2 + 16) * sizeof(*chain));

			if (!grown) {
				types->failed = &nec_enomem;
				return NULL;
			}
			chain = grown;
		}
		chain[n++] = a;
	}
	if (!n) {
		types->no_types[no_type_slot(addr)] = addr;
		return NULL;
	}
	while (n) {
		if (find_record(types, chain[n - 1])) { /* bases in a circle */
			n--;
			continue;
		}
		type = new_record(types, chain[--n]);
		if (!type)
			return NULL;
		type->base = base;
		describe(types, type);
		if (types->failed || !give_id(types, type))
			return NULL;
		base = type;
	}
	return type && type->addr == addr ? type : NULL;
}

const struct nec_type *nec_object_type(struct nec_types *types, uint64_t obj)
{
	const struct nec_target *t = types->target;
	const uint8_t *head;
	uint64_t refcnt, type_addr;

	if (obj & 7)
		return NULL;
	head = nec_image_view(t->image, obj, nec_off(t, NEC_SIZEOF_OBJECT));
	if (!head)
		return NULL;
	memcpy(&refcnt, head + nec_off(t, NEC_F_OBJECT_REFCNT), 8);
	memcpy(&type_addr, head + nec_off(t, NEC_F_OBJECT_TYPE), 8);
	if (!refcnt || type_addr & 7 || type_addr < 4096)
		return NULL;
	return nec_types_get(types, type_addr);
}

/* A count above this is no count: 2^40 references need 8 TiB. Immortal ones have their own rule. */
#define MAX_REFCOUNT (INT64_C(1) << 40)

const struct nec_type *nec_object_plausible(struct nec_types *types, uint64_t obj)
{
	const struct nec_type *type = nec_object_type(types, obj);
	bool immortal;
	int64_t refcount;

	if (!type)
		return NULL;
	refcount = nec_object_refcount(types->target, obj, &immortal);
	return immortal || (refcount > 0 && refcount < MAX_REFCOUNT) ? type : NULL;
}

bool nec_type_is(const struct nec_type *type, const char *tp_name)
{
	for (; type; type = type->base)
		if (!type->python_made && !strcmp(type->tp_name, tp_name))
			return true;
	return false;
}
