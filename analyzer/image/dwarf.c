/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Struct layouts from DWARF; see dwarf.h.
 *
 * The first question walks the children of every unit once (libdw gives neither a name index for C
 * nor reads .debug_names) and keeps each name in a hash table: types, enumerators and variables.
 * The same struct appears in every unit that includes its header; of those that agree in size the
 * first is kept. Names are borrowed from the mapped string section. A type that a unit only
 * declares is looked up by its name among those that define it.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "image/dwarf.h"

/* Typedefs of typedefs, anonymous members in anonymous members: deeper is damage or a loop. */
enum { MAX_DEPTH = 64 };

/* Bytes of a member path such as "gi_exc_state.exc_value". */
enum { NAME_PATH = 128 };

/* Name spaces. A type is looked for in the order of the first three. */
enum name_kind { NAME_AGGREGATE, NAME_TYPEDEF, NAME_OTHER_TYPE, NAME_ENUMERATOR, NAME_VARIABLE };

struct entry {
	const char *name; /* borrowed from the string section */
	const char *unit; /* DW_AT_name of its unit, borrowed; may be NULL */
	Dwarf_Die die;
	int64_t size;  /* bytes of a type, -1: not known */
	uint32_t next; /* index + 1 of another of the same kind and name, 0: none */
	uint8_t kind;  /* enum name_kind */
	bool external; /* of a variable */
};

struct nec_dwarf {
	Dwfl *dwfl;
	Dwarf *dw; /* owned by dwfl */
	char *path;
	struct nec_dwarf *definitions; /* borrowed; NULL: none */
	bool indexed;
	struct entry *entries;
	uint32_t *slots; /* open addressing: index + 1 of the first entry of a kind and name */
	uint32_t count, capacity;
	uint32_t slot_count, slots_used; /* a power of two */
};

static uint32_t name_hash(enum name_kind kind, const char *name, size_t len)
{
	uint32_t h = 2166136261u ^ (uint32_t)kind;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The slot of a kind and name; it holds 0 when there is no such entry. */
static uint32_t *find_slot(const struct nec_dwarf *d, enum name_kind kind, const char *name,
			   size_t len)
{
	uint32_t mask = d->slot_count - 1, i = name_hash(kind, name, len) & mask;

	for (;; i = (i + 1) & mask) {
		const struct entry *e = d->slots[i] ? &d->entries[d->slots[i] - 1] : NULL;

		if (!e || (e->kind == kind && !strncmp(e->name, name, len) && !e->name[len]))
			return &d->slots[i];
	}
}

static struct nec_error *grow_slots(struct nec_dwarf *d)
{
	uint32_t *old = d->slots, old_count = d->slot_count;

	d->slot_count = old_count ? old_count * 2 : 1 << 12;
	d->slots = calloc(d->slot_count, sizeof(*d->slots));
	if (!d->slots) {
		d->slots = old;
		d->slot_count = old_count;
		return &nec_enomem;
	}
	for (uint32_t i = 0; i < old_count; i++) {
		const struct entry *e = old[i] ? &d->entries[old[i] - 1] : NULL;

		if (e)
			*find_slot(d, e->kind, e->name, strlen(e->name)) = old[i];
	}
	free(old);
	return NULL;
}

/* Adds an entry unless one of its kind, name and size is there. */
static struct nec_error *add_entry(struct nec_dwarf *d, const struct entry *new)
{
	uint32_t *slot;

	if (d->slots_used * 2 >= d->slot_count)
		NEC_TRY(grow_slots(d));
	slot = find_slot(d, new->kind, new->name, strlen(new->name));
	for (uint32_t i = *slot; i; i = d->entries[i - 1].next) {
		const struct entry *e = &d->entries[i - 1];

		if (new->kind != NAME_VARIABLE && e->size == new->size)
			return NULL;
	}
	if (d->count == d->capacity) {
		uint32_t capacity = d->capacity ? d->capacity * 2 : 4096;
		struct entry *entries = reallocarray(d->entries, capacity, sizeof(*entries));

		if (!entries)
			return &nec_enomem;
		d->entries = entries;
		d->capacity = capacity;
	}
	d->entries[d->count] = *new;
	d->entries[d->count].next = *slot;
	d->slots_used += *slot == 0;
	*slot = ++d->count;
	return NULL;
}

static bool has_flag(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	bool flag = false;

	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formflag(&attr, &flag) && flag;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

/* Steps over typedefs and qualifiers. False for void and for a chain without an end. */
static bool peel(Dwarf_Die *type)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		Dwarf_Attribute attr;
		Dwarf_Die next;

		switch (dwarf_tag(type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (!type_of(type, &next))
				return false;
			break;
		default:
			/* A stub that stands for a type unit. */
			if (!dwarf_attr(type, DW_AT_signature, &attr))
				return true;
			if (!dwarf_formref_die(&attr, &next))
				return false;
		}
		*type = next;
	}
	return false;
}

static bool is_aggregate(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

/* The address of a variable whose location is one DW_OP_addr; false for registers, thread-local
 * ones, ... */
static bool static_address(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute attr, addr;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &ops, &n) || n != 1)
		return false;
	if (ops[0].atom == DW_OP_addr) {
		*ret = ops[0].number;
		return true;
	}
	if (ops[0].atom == DW_OP_addrx && !dwarf_getlocation_attr(&attr, &ops[0], &addr))
		return dwarf_formaddr(&addr, ret) == 0;
	return false;
}

static struct nec_error *index_enumerators(struct nec_dwarf *d, Dwarf_Die *type, struct entry *e)
{
	Dwarf_Die child;
	int more;

	e->kind = NAME_ENUMERATOR;
	for (more = dwarf_child(type, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
		Dwarf_Attribute attr;
		Dwarf_Sword value;

		e->name = dwarf_diename(&child);
		if (!e->name || !dwarf_attr(&child, DW_AT_const_value, &attr) ||
		    dwarf_formsdata(&attr, &value))
			continue;
		/* The value takes the place of the size: enumerators that differ are kept apart. */
		e->die = child;
		e->size = value;
		NEC_TRY(add_entry(d, e));
	}
	return NULL;
}

static struct nec_error *index_die(struct nec_dwarf *d, Dwarf_Die *die, const char *unit)
{
	struct entry e = {.unit = unit, .die = *die, .size = -1};
	Dwarf_Die type = *die;
	uint64_t addr;

	switch (dwarf_tag(die)) {
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_class_type:
		if (has_flag(die, DW_AT_declaration) || dwarf_hasattr(die, DW_AT_signature))
			return NULL;
		e.kind = NAME_AGGREGATE;
		e.size = dwarf_bytesize(die);
		break;
	case DW_TAG_typedef:
		e.kind = NAME_TYPEDEF;
		/* Of an incomplete type: kept with size -1, completed by name when asked for. */
		if (peel(&type) && is_aggregate(&type))
			e.size = dwarf_bytesize(&type);
		break;
	case DW_TAG_enumeration_type:
		NEC_TRY(index_enumerators(d, die, &e));
		e.die = *die;
		/* fall through */
	case DW_TAG_base_type:
		e.kind = NAME_OTHER_TYPE;
		e.size = dwarf_bytesize(die);
		break;
	case DW_TAG_variable:
		if (!dwarf_hasattr(die, DW_AT_location) || !static_address(die, &addr))
			return NULL;
		e.kind = NAME_VARIABLE;
		e.external = has_flag(die, DW_AT_external);
		break;
	default:
		return NULL;
	}
	e.name = dwarf_diename(die);
	return e.name ? add_entry(d, &e) : NULL;
}

static struct nec_error *index_file(struct nec_dwarf *d, Dwarf *dw)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, sub;
	uint8_t unit_type;

	while (dwarf_get_units(dw, cu, &cu, NULL, &unit_type, &unit, &sub) == 0) {
		const char *name = dwarf_diename(&unit);
		Dwarf_Die die;
		int more;

		for (more = dwarf_child(&unit, &die); more == 0; more = dwarf_siblingof(&die, &die))
			NEC_TRY(index_die(d, &die, name));
	}
	return NULL;
}

/* Walks the file and, where dwz moved shared parts into another one, that too. */
static struct nec_error *ensure_index(struct nec_dwarf *d)
{
	Dwarf *alt;

	if (d->indexed)
		return NULL;
	if (!d->slots)
		NEC_TRY(grow_slots(d));
	NEC_TRY(index_file(d, d->dw));
	alt = dwarf_getalt(d->dw);
	if (alt)
		NEC_TRY(index_file(d, alt));
	d->indexed = true;
	return NULL;
}

static bool unit_is(const char *unit, const char *file, size_t len)
{
	const char *base;

	if (!unit)
		return false;
	base = strrchr(unit, '/');
	base = base ? base + 1 : unit;
	return !strncmp(base, file, len) && !base[len];
}

/* "a.c, b.c, ...": the units of a chain of entries, at most max of them, into buf. */
static void list_units(const struct nec_dwarf *d, uint32_t i, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (; i && len + 4 < size; i = d->entries[i - 1].next) {
		const char *unit = d->entries[i - 1].unit ? d->entries[i - 1].unit : "?";
		const char *base = strrchr(unit, '/');
		int n = snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
				 base ? base + 1 : unit);

		len += n > 0 ? (size_t)n : 0;
	}
	if (i || len >= size)
		memcpy(buf + size - 4, "...", 4);
}

/*
 * The entry of a kind for "NAME" or "FILE.c:NAME". NULL in *ret when there is none; an error when
 * several differ and nothing says which is meant.
 */
static struct nec_error *find_entry(struct nec_dwarf *d, enum name_kind kind, const char *name,
				    struct entry **ret)
{
	const char *colon = strrchr(name, ':');
	const char *bare = colon ? colon + 1 : name;
	uint32_t first = *find_slot(d, kind, bare, strlen(bare));
	struct entry *best = NULL;
	unsigned count = 0;
	char units[256];

	*ret = NULL;
	for (uint32_t i = first; i; i = d->entries[i - 1].next) {
		struct entry *e = &d->entries[i - 1];

		if (colon && !unit_is(e->unit, name, (size_t)(colon - name)))
			continue;
		/* Types without a size are declarations; they give way. */
		if (kind <= NAME_OTHER_TYPE && e->size < 0 && best)
			continue;
		if (kind <= NAME_OTHER_TYPE && best && best->size < 0)
			count = 0;
		if (kind == NAME_VARIABLE && e->external) {
			*ret = e;
			return NULL;
		}
		best = e;
		count++;
	}
	if (count > 1) {
		list_units(d, first, units, sizeof(units));
		return nec_error_create(NEC_ERR_USAGE,
					"%s: \"%s\" is several things: say \"FILE:%s\", FILE of %s",
					d->path, name, bare, units);
	}
	*ret = best;
	return NULL;
}

/* Replaces a declaration by the definition of that name, where there is one. */
static struct nec_error *complete(struct nec_dwarf *d, Dwarf_Die *type)
{
	const char *name;
	struct entry *e;

	if (!is_aggregate(type) || !has_flag(type, DW_AT_declaration))
		return NULL;
	name = dwarf_diename(type);
	if (!name)
		return NULL;
	NEC_TRY(find_entry(d, NAME_AGGREGATE, name, &e));
	if (!e)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: type %s is only declared", d->path,
					name);
	*type = e->die;
	return NULL;
}

static struct nec_error *find_type(struct nec_dwarf *d, const char *name, Dwarf_Die *ret)
{
	for (int kind = NAME_AGGREGATE; kind <= NAME_OTHER_TYPE; kind++) {
		struct entry *e;

		NEC_TRY(find_entry(d, kind, name, &e));
		if (!e)
			continue;
		*ret = e->die;
		if (!peel(ret))
			break;
		return complete(d, ret);
	}
	return nec_error_create(NEC_ERR_NOTFOUND, "%s: no type %s", d->path, name);
}

/* DW_AT_data_member_location as a number; a union's members have none, and begin at 0. */
static int64_t member_location(Dwarf_Die *member)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(member, DW_AT_data_member_location, &attr))
		return 0;
	if (!dwarf_formudata(&attr, &value))
		return (int64_t)value;
	/* DWARF 2 and 3: an expression that adds to the address of the struct. */
	if (!dwarf_getlocation(&attr, &ops, &n) && n == 1 && ops[0].atom == DW_OP_plus_uconst)
		return (int64_t)ops[0].number;
	return 0;
}

static bool attr_udata(Dwarf_Die *die, unsigned name, Dwarf_Word *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, ret);
}

/* Where a path has led so far. */
struct place {
	Dwarf_Die type; /* peeled and complete */
	int64_t off;    /* bytes from the start of the outermost type */
	uint64_t size;  /* bytes, or bits of a bit field */
	int64_t bit;    /* of a bit field, otherwise -1 */
	int indexed;    /* dimensions of an array type that are settled */
};

/* The direct or anonymous-nested member of p->type with this name; steps p into it. */
static struct nec_error *step_member(struct nec_dwarf *d, struct place *p, const char *name,
				     size_t len)
{
	struct {
		Dwarf_Die type;
		int64_t off;
	} todo[MAX_DEPTH];
	int n = 0;

	todo[n].type = p->type;
	todo[n++].off = p->off;
	while (n > 0) {
		Dwarf_Die outer = todo[--n].type, child;
		int64_t base = todo[n].off;
		int more;

		for (more = dwarf_child(&outer, &child); more == 0;
		     more = dwarf_siblingof(&child, &child)) {
			const char *child_name;
			Dwarf_Word bits, bit_off, storage;
			int64_t loc;
			Dwarf_Die type;

			if (dwarf_tag(&child) != DW_TAG_member || !type_of(&child, &type) ||
			    !peel(&type))
				continue;
			loc = member_location(&child);
			child_name = dwarf_diename(&child);
			if (!child_name) {
				if (is_aggregate(&type) && n < MAX_DEPTH) {
					todo[n].type = type;
					todo[n++].off = base + loc;
				}
				continue;
			}
			if (strncmp(child_name, name, len) || child_name[len])
				continue;
			NEC_TRY(complete(d, &type));
			p->type = type;
			p->off = base + loc;
			p->bit = -1;
			p->indexed = 0;
			if (dwarf_aggregate_size(&type, &p->size))
				p->size = 0; /* a flexible array */
			if (!attr_udata(&child, DW_AT_bit_size, &bits))
				return NULL;
			p->size = bits;
			if (attr_udata(&child, DW_AT_data_bit_offset, &bit_off)) {
				p->bit = p->off * 8 + (int64_t)bit_off;
			} else if (attr_udata(&child, DW_AT_bit_offset, &bit_off)) {
				/* DWARF 4: counted from the most significant bit of the storage
				 * unit. */
				int bytes = dwarf_bytesize(&type);

				storage = bytes > 0 ? (Dwarf_Word)bytes : 0;
				attr_udata(&child, DW_AT_byte_size, &storage);
				p->bit =
					(p->off + (int64_t)storage) * 8 - (int64_t)(bit_off + bits);
			} else {
				p->bit = p->off * 8;
			}
			p->off = p->bit / 8;
			return NULL;
		}
	}
	return nec_error_create(NEC_ERR_NOTFOUND, "%s: no member %.*s", d->path, (int)len, name);
}

/* Elements of the dimensions of an array after the first `skip`; 0 when one of them has no bound.
 */
static uint64_t dimensions_after(Dwarf_Die *array, int skip, int *total_ret)
{
	uint64_t product = 1;
	Dwarf_Die child;
	int n = 0, more;

	for (more = dwarf_child(array, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
		Dwarf_Word count = 0, upper;

		if (dwarf_tag(&child) != DW_TAG_subrange_type)
			continue;
		if (n++ < skip)
			continue;
		if (!attr_udata(&child, DW_AT_count, &count) &&
		    attr_udata(&child, DW_AT_upper_bound, &upper))
			count = upper + 1;
		if (__builtin_mul_overflow(product, count, &product))
			product = 0;
	}
	*total_ret = n;
	return product;
}

static struct nec_error *step_index(struct nec_dwarf *d, struct place *p, uint32_t index)
{
	Dwarf_Die elem;
	Dwarf_Word elem_size;
	uint64_t stride;
	int total;

	if (dwarf_tag(&p->type) != DW_TAG_array_type || !type_of(&p->type, &elem) || !peel(&elem))
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: [%u] of what is no array", d->path,
					index);
	NEC_TRY(complete(d, &elem));
	if (dwarf_aggregate_size(&elem, &elem_size))
		return nec_error_create(NEC_ERR_NOTFOUND,
					"%s: [%u] of an array of unknown elements", d->path, index);
	stride = dimensions_after(&p->type, p->indexed + 1, &total) * elem_size;
	if (stride > INT32_MAX)
		return nec_error_create(NEC_ERR_LIMIT, "%s: array elements of %llu bytes", d->path,
					(unsigned long long)stride);
	p->off += (int64_t)(stride * index);
	p->size = stride;
	if (++p->indexed >= total) {
		p->type = elem;
		p->indexed = 0;
	}
	return NULL;
}

static struct nec_error *walk_path(struct nec_dwarf *d, struct place *p, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, ".[");

		if (*path == '[') {
			char *end;
			unsigned long index = strtoul(path + 1, &end, 10);

			if (end == path + 1 || *end != ']' || index > INT32_MAX)
				return nec_error_create(NEC_ERR_USAGE, "bad index in \"%s\"", path);
			NEC_TRY(step_index(d, p, (uint32_t)index));
			path = end + 1;
		} else {
			NEC_TRY(step_member(d, p, path, len));
			path += len;
		}
		if (*path == '.')
			path++;
	}
	return NULL;
}

struct nec_error *nec_dwarf_member(struct nec_dwarf *dwarf, const char *type, const char *member,
				   int64_t *off_ret, uint64_t *size_ret, int64_t *bit_ret)
{
	struct place p = {.bit = -1};

	NEC_TRY(ensure_index(dwarf));
	NEC_TRY(find_type(dwarf, type, &p.type));
	if (dwarf_aggregate_size(&p.type, &p.size))
		p.size = 0;
	NEC_TRY(nec_error_wrap(walk_path(dwarf, &p, member), "%s.%s", type, member));
	*off_ret = p.off;
	*size_ret = p.size;
	if (bit_ret)
		*bit_ret = p.bit;
	return NULL;
}

/* The name of the first named member of an aggregate, looking into a first member that is one itself; NULL for none. */
static const char *first_member(struct nec_dwarf *d, Dwarf_Die type, const char *stop_at)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		Dwarf_Die child, inner;
		const char *name;
		int more;

		if (!is_aggregate(&type))
			return NULL;
		nec_error_destroy(complete(d, &type));
		for (more = dwarf_child(&type, &child); more == 0; more = dwarf_siblingof(&child, &child))
			if (dwarf_tag(&child) == DW_TAG_member)
				break;
		if (more || member_location(&child) || !type_of(&child, &inner) || !peel(&inner))
			return NULL;
		name = dwarf_diename(&child);
		if (name && stop_at && !strcmp(name, stop_at))
			return name;
		if (!is_aggregate(&inner))
			return name;
		type = inner;
	}
	return NULL;
}

/* Does what this file only declares begin with head where it is defined? */
static bool begins_elsewhere(struct nec_dwarf *d, Dwarf_Die *declared, const char *head)
{
	struct nec_dwarf *other = d->definitions;
	const char *type = dwarf_diename(declared), *name;
	struct entry *e;
	struct nec_error *err;

	if (!other || !type || !has_flag(declared, DW_AT_declaration))
		return false;
	err = ensure_index(other);
	if (!err)
		err = find_entry(other, NAME_AGGREGATE, type, &e);
	if (err) {
		nec_error_destroy(err);
		return false;
	}
	name = e ? first_member(other, e->die, head) : NULL;
	return name && !strcmp(name, head);
}

void nec_dwarf_define_in(struct nec_dwarf *dwarf, struct nec_dwarf *definitions)
{
	dwarf->definitions = definitions;
}

static bool points_to_head(struct nec_dwarf *d, Dwarf_Die *pointer, const char *head)
{
	Dwarf_Die pointee;
	const char *name;

	if (dwarf_tag(pointer) != DW_TAG_pointer_type || !type_of(pointer, &pointee) ||
	    !peel(&pointee) || !is_aggregate(&pointee))
		return false;
	name = first_member(d, pointee, head);
	return name ? !strcmp(name, head) : begins_elsewhere(d, &pointee, head);
}

struct nec_error *nec_dwarf_pointers(struct nec_dwarf *dwarf, const char *type, const char *head_type,
				     nec_dwarf_pointer_fn *fn, void *arg)
{
	struct {
		Dwarf_Die type;
		int64_t off;
		char name[NAME_PATH];
	} todo[MAX_DEPTH];
	Dwarf_Die head;
	const char *head_name;
	int n = 0;

	NEC_TRY(ensure_index(dwarf));
	NEC_TRY(find_type(dwarf, head_type, &head));
	head_name = first_member(dwarf, head, NULL);
	if (!head_name)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: %s has no members", dwarf->path, head_type);
	NEC_TRY(find_type(dwarf, type, &todo[n].type));
	todo[n].off = 0;
	todo[n++].name[0] = 0;
	while (n > 0) {
		Dwarf_Die outer = todo[--n].type, child;
		int64_t base = todo[n].off;
		char prefix[NAME_PATH], name[NAME_PATH];
		int more;

		memcpy(prefix, todo[n].name, sizeof(prefix));
		for (more = dwarf_child(&outer, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
			const char *child_name = dwarf_diename(&child);
			int64_t off = base + member_location(&child);
			Dwarf_Die inner;

			if (dwarf_tag(&child) != DW_TAG_member || !type_of(&child, &inner) || !peel(&inner))
				continue;
			if (snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix && child_name ? "." : "",
				     child_name ? child_name : "") >= (int)sizeof(name))
				continue;
			if (is_aggregate(&inner)) {
				nec_error_destroy(complete(dwarf, &inner));
				if (n < MAX_DEPTH) {
					todo[n].type = inner;
					todo[n].off = off;
					memcpy(todo[n++].name, name, sizeof(name));
				}
			} else if (points_to_head(dwarf, &inner, head_name)) {
				NEC_TRY(fn(arg, name, off));
			}
		}
	}
	return NULL;
}

static unsigned int count_members(Dwarf_Die *type)
{
	unsigned int n = 0;
	Dwarf_Die child;
	int more;

	for (more = dwarf_child(type, &child); more == 0; more = dwarf_siblingof(&child, &child))
		n += dwarf_tag(&child) == DW_TAG_member;
	return n;
}

static struct nec_error *list_members(struct nec_dwarf *d, Dwarf_Die *type, int64_t base, const char *prefix,
				      nec_dwarf_pointer_fn *fn, void *arg)
{
	char name[NAME_PATH];
	Dwarf_Die child, inner;
	int more;

	for (more = dwarf_child(type, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
		const char *child_name = dwarf_diename(&child);
		int64_t off = base + member_location(&child);

		if (dwarf_tag(&child) != DW_TAG_member || !child_name || !type_of(&child, &inner) || !peel(&inner) ||
		    snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", child_name) >= (int)sizeof(name))
			continue;
		if (dwarf_tag(&inner) == DW_TAG_base_type || dwarf_tag(&inner) == DW_TAG_enumeration_type)
			continue;
		if (is_aggregate(&inner))
			nec_error_destroy(complete(d, &inner));
		/* One level is enough for a name. */
		if (!*prefix && dwarf_tag(&inner) == DW_TAG_structure_type && count_members(&inner) <= NEC_DWARF_FLAT)
			NEC_TRY(list_members(d, &inner, off, name, fn, arg));
		else
			NEC_TRY(fn(arg, name, off));
	}
	return NULL;
}

struct nec_error *nec_dwarf_members(struct nec_dwarf *dwarf, const char *type, nec_dwarf_pointer_fn *fn, void *arg)
{
	Dwarf_Die die;

	NEC_TRY(ensure_index(dwarf));
	NEC_TRY(find_type(dwarf, type, &die));
	return list_members(dwarf, &die, 0, "", fn, arg);
}

struct nec_error *nec_dwarf_enumerator(struct nec_dwarf *dwarf, const char *name,
				       int64_t *value_ret)
{
	struct entry *e;

	NEC_TRY(ensure_index(dwarf));
	NEC_TRY(find_entry(dwarf, NAME_ENUMERATOR, name, &e));
	if (!e)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no enumerator %s", dwarf->path,
					name);
	*value_ret = e->size;
	return NULL;
}

struct nec_error *nec_dwarf_variable(struct nec_dwarf *dwarf, const char *name, uint64_t *vaddr_ret,
				     uint64_t *size_ret)
{
	Dwarf_Die type;
	struct entry *e;

	NEC_TRY(ensure_index(dwarf));
	NEC_TRY(find_entry(dwarf, NAME_VARIABLE, name, &e));
	if (!e || !static_address(&e->die, vaddr_ret))
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no variable %s", dwarf->path, name);
	*size_ret = 0;
	if (!type_of(&e->die, &type) || !peel(&type))
		return NULL;
	NEC_TRY(complete(dwarf, &type));
	if (dwarf_aggregate_size(&type, size_ret))
		*size_ret = 0;
	return NULL;
}

struct nec_error *nec_dwarf_open(const char *path, struct nec_dwarf **dwarf_ret)
{
	/* NULL debuginfo_path: beside the file, in .debug/, under /usr/lib/debug, by build id and
	 * debuginfod. */
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	struct nec_dwarf *d;
	Dwfl_Module *module;
	Dwarf_Addr bias;

	if (access(path, R_OK))
		return nec_error_os(errno, "%s", path);
	d = calloc(1, sizeof(*d));
	if (!d)
		return &nec_enomem;
	d->path = strdup(path);
	d->dwfl = dwfl_begin(&callbacks);
	if (!d->path || !d->dwfl) {
		nec_dwarf_close(d);
		return &nec_enomem;
	}
	dwfl_report_begin(d->dwfl);
	module = dwfl_report_offline(d->dwfl, "", path, -1);
	dwfl_report_end(d->dwfl, NULL, NULL);
	if (!module) {
		struct nec_error *err =
			nec_error_create(NEC_ERR_FORMAT, "%s: %s", path, dwfl_errmsg(-1));

		nec_dwarf_close(d);
		return err;
	}
	d->dw = dwfl_module_getdwarf(module, &bias);
	if (!d->dw) {
		nec_dwarf_close(d);
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no debug information", path);
	}
	*dwarf_ret = d;
	return NULL;
}

void nec_dwarf_close(struct nec_dwarf *dwarf)
{
	if (!dwarf)
		return;
	if (dwarf->dwfl)
		dwfl_end(dwarf->dwfl);
	free(dwarf->entries);
	free(dwarf->slots);
	free(dwarf->path);
	free(dwarf);
}
