/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects and references of a stream of facts; see intake.h. */
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/pairs.h"
#include "intake.h"

#include "analyze.h"

enum {
	STEP = 1 << 14, /* facts between two looks at the progress */
	GROW = 1 << 16, /* objects that columns grow by */
	/* Regions of the address set cost 34 KiB each: so many are free, and one more for so many
	   objects. */
	FREE_REGIONS = 2048,
	OBJECTS_A_REGION = 64,
};

static const char objects_stage[] = "reading objects", references_stage[] = "reading references";

/* Columns that every object has a cell in. */
#define COLUMNS(X)                                                                                 \
	X(addr, uint64_t)                                                                          \
	X(type, uint32_t)                                                                          \
	X(size, uint32_t)                                                                          \
	X(native, uint32_t)                                                                        \
	X(refcount, uint32_t)                                                                      \
	X(flags, uint8_t)

void nec_intake_init(struct nec_intake *intake)
{
	const struct nec_tmparray none = NEC_TMPARRAY_INIT;

	memset(intake, 0, sizeof(*intake));
#define X(name, ctype) intake->name = none;
	COLUMNS(X)
#undef X
	intake->large = intake->roots = intake->type_addr = intake->type_object = none;
	intake->type_module = intake->type_package = none;
	intake->root_group = intake->root_thread = intake->threads = none;
	intake->unowned = intake->counted = intake->type_lends = none;
	intake->extra = intake->root_addr = intake->root_doubt = none;
	intake->graph.start_array = intake->graph.to_array = none;
	nec_contents_init(&intake->contents);
}

void nec_intake_deinit(struct nec_intake *intake)
{
#define X(name, ctype) nec_tmparray_deinit(&intake->name);
	COLUMNS(X)
#undef X
	nec_tmparray_deinit(&intake->large);
	nec_tmparray_deinit(&intake->roots);
	nec_tmparray_deinit(&intake->type_addr);
	nec_tmparray_deinit(&intake->type_object);
	nec_tmparray_deinit(&intake->type_module);
	nec_tmparray_deinit(&intake->type_package);
	nec_strtab_deinit(&intake->modules);
	nec_strtab_deinit(&intake->packages);
	nec_tmparray_deinit(&intake->extra);
	nec_tmparray_deinit(&intake->root_addr);
	nec_tmparray_deinit(&intake->root_group);
	nec_tmparray_deinit(&intake->root_thread);
	nec_tmparray_deinit(&intake->threads);
	nec_tmparray_deinit(&intake->unowned);
	nec_tmparray_deinit(&intake->counted);
	nec_tmparray_deinit(&intake->type_lends);
	nec_tmparray_deinit(&intake->root_doubt);
	nec_graph_deinit(&intake->graph);
	nec_contents_deinit(&intake->contents);
	nec_addrset_destroy(nec_take(intake->set));
}

static struct nec_error *init_arrays(struct nec_intake *in)
{
#define X(name, ctype) NEC_TRY(nec_tmparray_init(&in->name, in->tmpdir));
	COLUMNS(X)
#undef X
	NEC_TRY(nec_tmparray_init(&in->large, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->roots, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->type_addr, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->type_object, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->type_module, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->type_package, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->extra, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->root_addr, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->root_group, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->root_thread, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->threads, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->unowned, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->counted, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&in->type_lends, in->tmpdir));
	NEC_TRY(nec_contents_begin(&in->contents, in->tmpdir));
	return nec_tmparray_init(&in->root_doubt, in->tmpdir);
}

/* ---- objects ---- */

/* A 64-bit figure in a 32-bit column: what does not fit goes to large, and what is not known is in
 * neither. */
static struct nec_error *put_figure(struct nec_intake *in, uint32_t *cell, int64_t value,
				    uint32_t column)
{
	struct nec_large large = {in->count, column, value};

	*cell = UINT32_MAX;
	if (value < 0)
		return NULL;
	if (value < UINT32_MAX) {
		*cell = (uint32_t)value;
		return NULL;
	}
	return nec_tmparray_append(&in->large, &large, sizeof(large));
}

static struct nec_error *add_object(struct nec_intake *in, const struct nec_fact *f)
{
	uint64_t *addr;
	uint32_t id = in->count;

	/* SQLite's integers have a sign; no user process has memory there. */
	if (f->object.addr >> 63 || !f->object.addr) {
		in->misplaced++;
		return NULL;
	}
	if (id >= NEC_LIMIT_OBJECTS)
		return nec_error_create(NEC_ERR_LIMIT, "more than %llu objects",
					(unsigned long long)NEC_LIMIT_OBJECTS);
	if (id % GROW == 0) {
#define X(name, ctype) NEC_TRY(nec_tmparray_resize(&in->name, ((size_t)id + GROW) * sizeof(ctype)));
		COLUMNS(X)
#undef X
		NEC_TRY(nec_tmparray_resize(&in->contents.digest, ((size_t)id + GROW) * sizeof(uint64_t)));
	}
	addr = in->addr.data;
	if (id && f->object.addr <= addr[id - 1]) {
		if (f->object.addr == addr[id - 1]) {
			in->twice++;
			return NULL;
		}
		in->unsorted = true;
	}
	addr[id] = f->object.addr;
	((uint32_t *)in->type.data)[id] = f->object.type;
	((uint8_t *)in->flags.data)[id] = (uint8_t)f->object.flags;
	NEC_TRY(put_figure(in, &((uint32_t *)in->size.data)[id], f->object.size, NEC_LARGE_SIZE));
	NEC_TRY(put_figure(in, &((uint32_t *)in->native.data)[id], f->object.native,
			   NEC_LARGE_NATIVE));
	NEC_TRY(put_figure(in, &((uint32_t *)in->refcount.data)[id], f->object.refcount,
			   NEC_LARGE_REFCOUNT));
	nec_contents_object(&in->contents, id, f->object.type, f->object.content);
	in->has_native |= f->object.native >= 0;
	in->has_refcount |= f->object.refcount >= 0;
	in->count++;
	return NULL;
}

/* The module of a type, and its package: what comes before the first dot. */
static struct nec_error *add_module(struct nec_intake *in, uint32_t type, const char *name)
{
	size_t need = ((size_t)type + 1) * sizeof(uint32_t);

	if (!name)
		name = "?";
	if (in->type_module.size < need) {
		NEC_TRY(nec_tmparray_resize(&in->type_module, need));
		NEC_TRY(nec_tmparray_resize(&in->type_package, need));
	}
	NEC_TRY(nec_strtab_intern(&in->modules, name, strlen(name),
				  &((uint32_t *)in->type_module.data)[type]));
	return nec_strtab_intern(&in->packages, name, strcspn(name, "."),
				 &((uint32_t *)in->type_package.data)[type]);
}

static struct nec_error *add_type(struct nec_intake *in, const struct nec_fact *f)
{
	size_t need = ((size_t)f->type.id + 1) * sizeof(uint64_t);

	if (f->type.id >= NEC_LIMIT_TYPES)
		return nec_error_create(NEC_ERR_LIMIT, "more than %llu types",
					(unsigned long long)NEC_LIMIT_TYPES);
	if (in->type_addr.size < need)
		NEC_TRY(nec_tmparray_resize(&in->type_addr, need));
	((uint64_t *)in->type_addr.data)[f->type.id] = f->type.addr;
	if (in->type_lends.size <= f->type.id)
		NEC_TRY(nec_tmparray_resize(&in->type_lends, (size_t)f->type.id + 1));
	((uint8_t *)in->type_lends.data)[f->type.id] = f->type.lends;
	NEC_TRY(add_module(in, f->type.id, f->type.module));
	NEC_TRY(nec_contents_type(&in->contents, f->type.id, f->type.name));
	return nec_store_put(in->store, f);
}

static struct nec_error *add_thread(struct nec_intake *in, const struct nec_fact *f)
{
	const struct nec_intake_thread thread = {
		.addr = f->thread.addr, .tid = f->thread.tid, .id = f->thread.id};

	return nec_tmparray_append(&in->threads, &thread, sizeof(thread));
}

static bool is_of_thread(const struct nec_fact *f, const struct nec_intake_thread *thread)
{
	return (f->root.thread && f->root.thread == thread->addr) ||
	       (f->root.tid && f->root.tid == thread->tid);
}

/* The thread of a root; roots of one come one after the other. */
static uint32_t find_thread(struct nec_intake *in, const struct nec_fact *f)
{
	const struct nec_intake_thread *threads = in->threads.data;
	uint32_t count = (uint32_t)(in->threads.size / sizeof(*threads)), i;

	if (!f->root.thread && !f->root.tid)
		return NEC_NODE_NONE;
	if (in->last_thread < count && is_of_thread(f, &threads[in->last_thread]))
		return in->last_thread;
	for (i = 0; i < count && !is_of_thread(f, &threads[i]);)
		i++;
	if (i == count)
		return NEC_NODE_NONE;
	in->last_thread = i;
	return i;
}

static struct nec_error *add_root(struct nec_intake *in, const struct nec_fact *f)
{
	uint8_t doubt = (uint8_t)f->root.doubt;
	uint32_t thread = find_thread(in, f);

	NEC_TRY(nec_tmparray_append(&in->root_addr, &f->root.addr, sizeof(f->root.addr)));
	NEC_TRY(nec_tmparray_append(&in->root_thread, &thread, sizeof(thread)));
	if (f->root.counted)
		NEC_TRY(nec_tmparray_append(&in->counted, &f->root.addr, sizeof(f->root.addr)));
	return nec_tmparray_append(&in->root_doubt, &doubt, sizeof(doubt));
}

/* A value comes right after its object. */
static void add_value(struct nec_intake *in, const struct nec_fact *f)
{
	uint32_t last = in->count - 1;

	if (in->count && !in->set && ((const uint64_t *)in->addr.data)[last] == f->value.addr)
		nec_contents_value(&in->contents, last, ((const uint32_t *)in->type.data)[last],
				   f->value.text, f->value.len);
}

/* A fact of any kind but OBJECT and REFERENCES. */
static struct nec_error *keep(struct nec_intake *in, struct nec_fact *f)
{
	switch (f->kind) {
	case NEC_FACT_TYPE:
		return add_type(in, f);
	case NEC_FACT_VALUE:
		add_value(in, f);
		if (in->no_values)
			return NULL;
		in->value_count++;
		break;
	case NEC_FACT_THREAD:
		if (in->no_values)
			f->thread.exception = NULL;
		NEC_TRY(add_thread(in, f));
		break;
	case NEC_FACT_LOCAL:
		if (in->no_values)
			f->local.text = NULL;
		break;
	case NEC_FACT_ROOT:
		NEC_TRY(add_root(in, f));
		break;
	default:
		break;
	}
	return nec_store_put(in->store, f);
}

/* ---- order ---- */

static int compare_large(const void *pa, const void *pb)
{
	const struct nec_large *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->column < b->column ? -1 : a->column > b->column;
}

/* One column in the order that pairs say. */
static struct nec_error *reorder(struct nec_intake *in, struct nec_tmparray *column, size_t cell,
				 const struct nec_pair *pairs)
{
	struct nec_tmparray to = NEC_TMPARRAY_INIT;
	struct nec_error *err = nec_tmparray_init(&to, in->tmpdir);
	uint32_t i;

	if (!err)
		err = nec_tmparray_resize(&to, in->count * cell);
	if (err) {
		nec_tmparray_deinit(&to);
		return err;
	}
	for (i = 0; i < in->count; i++)
		memcpy((char *)to.data + i * cell, (char *)column->data + pairs[i].value * cell,
		       cell);
	nec_tmparray_deinit(column);
	*column = to;
	return NULL;
}

/* Sorts all columns by address; of two objects at one address the first is kept. */
static struct nec_error *sort_objects(struct nec_intake *in)
{
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray array = NEC_TMPARRAY_INIT;
	_cleanup_(nec_tmparray_deinit) struct nec_tmparray ids = NEC_TMPARRAY_INIT;
	struct nec_large *large = in->large.data;
	uint64_t large_count = in->large.size / sizeof(*large), l, kept_large = 0;
	struct nec_pair *pairs;
	uint32_t i, kept = 0, *new_id;

	NEC_TRY(nec_tmparray_init(&array, in->tmpdir));
	NEC_TRY(nec_tmparray_resize(&array, in->count * sizeof(*pairs)));
	pairs = array.data;
	for (i = 0; i < in->count; i++)
		pairs[i] = (struct nec_pair){((uint64_t *)in->addr.data)[i], i};
	NEC_TRY(nec_pairs_sort(&array, in->tmpdir));
	NEC_TRY(nec_tmparray_init(&ids, in->tmpdir));
	NEC_TRY(nec_tmparray_resize(&ids, in->count * sizeof(*new_id)));
	pairs = array.data;
	new_id = ids.data;
	for (i = 0; i < in->count; i++) {
		if (kept && pairs[kept - 1].key == pairs[i].key) {
			new_id[pairs[i].value] = UINT32_MAX;
			in->twice++;
			continue;
		}
		new_id[pairs[i].value] = kept;
		pairs[kept++] = pairs[i];
	}
	in->count = kept;
#define X(name, ctype) NEC_TRY(reorder(in, &in->name, sizeof(ctype), pairs));
	COLUMNS(X)
#undef X
	NEC_TRY(reorder(in, &in->contents.digest, sizeof(uint64_t), pairs));
	for (l = 0; l < large_count; l++) {
		large[l].id = new_id[large[l].id];
		if (large[l].id != UINT32_MAX)
			large[kept_large++] = large[l];
	}
	in->large.size = kept_large * sizeof(*large);
	if (kept_large)
		qsort(large, kept_large, sizeof(*large), compare_large);
	return NULL;
}

/* The address set, where addresses are such that it is small; otherwise addresses are searched. */
static struct nec_error *index_objects(struct nec_intake *in)
{
	const uint64_t *addr = in->addr.data;
	uint64_t region, last = UINT64_MAX, regions = 0;
	struct nec_addrset *set;
	struct nec_error *err;
	uint32_t i;

	for (i = 0; i < in->count; i++) {
		if (addr[i] & 7 || addr[i] >> 48)
			return NULL;
		region = addr[i] >> NEC_ADDRSET_REGION_SHIFT;
		regions += region != last;
		last = region;
	}
	if (regions > FREE_REGIONS + in->count / OBJECTS_A_REGION)
		return NULL;
	set = in->set = nec_addrset_create();
	if (!set)
		return &nec_enomem;
	for (i = 0, last = UINT64_MAX; i < in->count; i++) {
		region = addr[i] >> NEC_ADDRSET_REGION_SHIFT;
		if (region != last) {
			err = nec_addrset_cover(set, addr[i], addr[i] + 1);
			if (err)
				return err;
			last = region;
		}
		nec_addrset_add(set, addr[i]);
	}
	return nec_addrset_index(set);
}

uint32_t nec_intake_find(const struct nec_intake *in, uint64_t addr)
{
	const uint64_t *column = in->addr.data;
	uint32_t low = 0, high = in->count, middle;
	uint64_t rank;

	if (in->set) {
		rank = nec_addrset_rank(in->set, addr);
		return rank == NEC_ADDRSET_NONE ? NEC_NODE_NONE : (uint32_t)rank;
	}
	while (low < high) {
		middle = low + (high - low) / 2;
		if (column[middle] < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < in->count && column[low] == addr ? low : NEC_NODE_NONE;
}

/* Which object each type is. */
static struct nec_error *find_types(struct nec_intake *in)
{
	const uint64_t *addr = in->type_addr.data;
	uint32_t count = (uint32_t)(in->type_addr.size / sizeof(*addr)), i, *object;

	NEC_TRY(nec_tmparray_resize(&in->type_object, count * sizeof(*object)));
	object = in->type_object.data;
	for (i = 0; i < count; i++)
		object[i] = addr[i] ? nec_intake_find(in, addr[i]) : NEC_NODE_NONE;
	return NULL;
}

struct nec_error *nec_intake_objects(struct nec_intake *in)
{
	struct nec_fact *f = &in->fact;

	NEC_TRY(init_arrays(in));
	for (;;) {
		if (in->facts++ % STEP == 0)
			NEC_TRY(nec_progress_step(in->progress, objects_stage, in->count,
						  in->source->expected));
		NEC_TRY(in->source->next(in->source, f));
		if (f->kind == NEC_FACT_END || f->kind == NEC_FACT_REFERENCES)
			break;
		if (f->kind == NEC_FACT_OBJECT)
			NEC_TRY(add_object(in, f));
		else
			NEC_TRY(keep(in, f));
	}
	in->pending = f->kind == NEC_FACT_REFERENCES;
	if (in->unsorted)
		NEC_TRY(sort_objects(in));
	NEC_TRY(index_objects(in));
	return find_types(in);
}

/* ---- references ---- */

/* What the second half works with. */
struct references {
	struct nec_intake *in;
	uint32_t next;               /* id of the first object that the store has not seen */
	struct nec_packed_ref *refs; /* of one fact */
	uint32_t *to;
	uint32_t capacity;
	/* Lists of an unsorted source, until all are there. */
	struct nec_tmparray spool;  /* struct nec_packed_ref */
	struct nec_tmparray starts; /* uint64_t by id: index in spool */
	struct nec_tmparray counts; /* uint32_t by id */
	uint32_t spooled;           /* id of the last list */
};

static struct nec_error *grow(struct references *r, uint32_t count)
{
	struct nec_packed_ref *refs;
	uint32_t *to;

	if (r->to && count <= r->capacity)
		return NULL;
	/* One more than the list, for the class of the object. */
	refs = realloc(r->refs, ((size_t)count + 1) * sizeof(*refs));
	if (refs)
		r->refs = refs;
	to = realloc(r->to, ((size_t)count + 1) * sizeof(*to));
	if (to)
		r->to = to;
	if (!refs || !to)
		return &nec_enomem;
	r->capacity = count;
	return NULL;
}

static uint32_t own_type(const struct nec_intake *in, uint32_t id)
{
	uint32_t type = ((const uint32_t *)in->type.data)[id];

	if (type >= in->type_object.size / sizeof(uint32_t))
		return NEC_NODE_NONE;
	return ((const uint32_t *)in->type_object.data)[type];
}

/* Addresses to ids; returns how many of refs[] are to be kept in *kept_ret. */
static void translate(struct nec_intake *in, const struct nec_ref *from, uint32_t count,
		      struct nec_packed_ref *refs, uint32_t *kept_ret)
{
	uint32_t kept = 0, i;

	for (i = 0; i < count; i++) {
		struct nec_packed_ref *to = &refs[kept];

		to->dst = nec_intake_find(in, from[i].dst);
		if (to->dst == NEC_NODE_NONE || from[i].kind >= NEC_REF_KINDS ||
		    from[i].label_kind > NEC_LABEL_WORD) {
			in->dangling++;
			continue;
		}
		to->kind = from[i].kind;
		to->label_kind = from[i].label_kind;
		to->label = from[i].label;
		if (to->label_kind == NEC_LABEL_KEY || to->label_kind == NEC_LABEL_ATTR)
			to->label = nec_intake_find(in, from[i].label);
		kept++;
	}
	*kept_ret = kept;
}

/* Does an instance keep its class alive? One that nobody frees needs no edge from each of its
 * instances. */
static bool keeps_type(const struct nec_intake *in, uint32_t type)
{
	const uint8_t *flags = in->flags.data;

	return type != NEC_NODE_NONE && !(flags[type] & NEC_OBJECT_STATIC);
}

/* Notes an instance, id, that the count of its class need not have. */
static struct nec_error *note_lent(struct nec_intake *in, uint32_t type, uint32_t object,
				   uint32_t id)
{
	uint64_t edge = (uint64_t)object << 32 | id;

	if (!in->has_refcount || type >= in->type_lends.size ||
	    !((const uint8_t *)in->type_lends.data)[type])
		return NULL;
	return nec_tmparray_append(&in->unowned, &edge, sizeof(edge));
}

/* Objects without references of their own, up to id. */
static struct nec_error *keep_bare(struct references *r, uint32_t id)
{
	struct nec_intake *in = r->in;
	const uint64_t *addr = in->addr.data;
	const uint32_t *types = in->type.data;
	uint32_t type;

	for (; r->next < id; r->next++) {
		type = own_type(in, r->next);
		if (keeps_type(in, type)) {
			NEC_TRY(nec_graph_add(&in->graph, r->next, &type, 1));
			NEC_TRY(note_lent(in, types[r->next], type, r->next));
		}
		NEC_TRY(nec_store_references(in->store, r->next, addr[r->next], types[r->next],
					     NULL, 0));
	}
	return NULL;
}

/*
 * One list, ids ascending: edges to the graph, the rest of it to the store. The reference to an
 * object's own class is in the graph whether the source has it or not, and in the store never:
 * there it follows from the type.
 */
static struct nec_error *keep_list(struct references *r, uint32_t id, struct nec_packed_ref *refs,
				   uint32_t count)
{
	struct nec_intake *in = r->in;
	uint32_t type = own_type(in, id), kept = 0, edges = 0, i;
	const uint64_t *addr = in->addr.data;
	const uint32_t *types = in->type.data;
	/* Once, however many facts the list comes in. */
	bool by_type = keeps_type(in, type), again = r->next == id + 1;

	NEC_TRY(keep_bare(r, id));
	for (i = 0; i < count; i++) {
		uint64_t edge = (uint64_t)refs[i].dst << 32 | id;
		bool to_type = refs[i].dst == type;

		if (to_type && refs[i].kind == NEC_REF_TYPE) {
			if (!by_type)
				r->to[edges++] = type;
			continue;
		}
		if (nec_ref_holds(refs[i].kind))
			r->to[edges++] = refs[i].dst;
		else
			in->weak++;
		if (in->has_refcount && refs[i].kind == NEC_REF_CONSERVATIVE)
			NEC_TRY(nec_tmparray_append(&in->unowned, &edge, sizeof(edge)));
		if (to_type || !nec_ref_holds(refs[i].kind))
			NEC_TRY(nec_tmparray_append(&in->extra, &edge, sizeof(edge)));
		refs[kept++] = refs[i];
	}
	if (by_type && !again) {
		r->to[edges++] = type;
		NEC_TRY(note_lent(in, types[id], type, id));
	}
	NEC_TRY(nec_graph_add(&in->graph, id, r->to, edges));
	NEC_TRY(nec_store_references(in->store, id, addr[id], types[id], refs, kept));
	in->references += kept;
	r->next = id + 1;
	return NULL;
}

static struct nec_error *spool_list(struct references *r, uint32_t id, uint32_t count)
{
	uint64_t *starts = r->starts.data;
	uint32_t *counts = r->counts.data;

	if (counts[id] && r->spooled != id) {
		r->in->stray++;
		return NULL;
	}
	if (!counts[id])
		starts[id] = r->spool.size / sizeof(struct nec_packed_ref);
	if (count > UINT32_MAX - counts[id])
		return nec_error_create(NEC_ERR_LIMIT, "an object with more than %u references",
					UINT32_MAX);
	counts[id] += count;
	r->spooled = id;
	return nec_tmparray_append(&r->spool, r->refs, (size_t)count * sizeof(*r->refs));
}

static struct nec_error *add_references(struct references *r, const struct nec_fact *f)
{
	struct nec_intake *in = r->in;
	uint32_t id = nec_intake_find(in, f->references.src), kept;
	/* The same object again goes on with its list. */
	bool late = !in->unsorted && id != NEC_NODE_NONE && id + 1 < r->next;

	if (id == NEC_NODE_NONE || late) {
		in->stray++;
		return NULL;
	}
	NEC_TRY(grow(r, f->references.count));
	translate(in, f->references.refs, f->references.count, r->refs, &kept);
	nec_contents_references(&in->contents, id, ((const uint32_t *)in->type.data)[id], r->refs,
				kept, kept == f->references.count);
	return in->unsorted ? spool_list(r, id, kept) : keep_list(r, id, r->refs, kept);
}

/* The lists that waited, by id. */
static struct nec_error *keep_spool(struct references *r)
{
	const uint64_t *starts = r->starts.data;
	const uint32_t *counts = r->counts.data;
	uint32_t id;

	for (id = 0; id < r->in->count; id++) {
		if (id % STEP == 0)
			NEC_TRY(nec_progress_step(r->in->progress, references_stage, id,
						  r->in->count));
		NEC_TRY(grow(r, counts[id]));
		if (counts[id])
			NEC_TRY(keep_list(r, id,
					  (struct nec_packed_ref *)r->spool.data + starts[id],
					  counts[id]));
	}
	return NULL;
}

static struct nec_error *read_references(struct references *r)
{
	struct nec_intake *in = r->in;
	struct nec_fact *f = &in->fact;

	if (in->unsorted) {
		NEC_TRY(nec_tmparray_init(&r->spool, in->tmpdir));
		NEC_TRY(nec_tmparray_init(&r->starts, in->tmpdir));
		NEC_TRY(nec_tmparray_init(&r->counts, in->tmpdir));
		NEC_TRY(nec_tmparray_resize(&r->starts, in->count * sizeof(uint64_t)));
		NEC_TRY(nec_tmparray_resize(&r->counts, in->count * sizeof(uint32_t)));
	}
	while (in->pending) {
		if (f->kind == NEC_FACT_REFERENCES)
			NEC_TRY(add_references(r, f));
		else if (f->kind == NEC_FACT_OBJECT)
			in->stray++;
		else
			NEC_TRY(keep(in, f));
		if (in->facts++ % STEP == 0)
			NEC_TRY(nec_progress_step(in->progress, references_stage, r->next,
						  in->unsorted ? 0 : in->count));
		NEC_TRY(in->source->next(in->source, f));
		in->pending = f->kind != NEC_FACT_END;
	}
	if (in->unsorted)
		NEC_TRY(keep_spool(r));
	NEC_TRY(keep_bare(r, in->count));
	return nec_graph_finish(&in->graph);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Roots as ids; and the references that the table reference makes up count too. */
static struct nec_error *settle(struct nec_intake *in)
{
	const uint64_t *addr = in->root_addr.data;
	const uint8_t *doubt = in->root_doubt.data;
	const uint32_t *thread = in->root_thread.data;
	uint64_t roots = in->root_addr.size / sizeof(*addr), i;
	struct nec_analysis_root root;
	uint32_t id;

	for (i = 0; i < roots; i++) {
		root.id = nec_intake_find(in, addr[i]);
		root.doubt = doubt[i];
		if (root.id == NEC_NODE_NONE)
			continue;
		NEC_TRY(nec_tmparray_append(&in->roots, &root, sizeof(root)));
		NEC_TRY(nec_tmparray_append(&in->root_group, &thread[i], sizeof(thread[i])));
	}
	for (id = 0; id < in->count; id++)
		in->references += own_type(in, id) != NEC_NODE_NONE;
	if (in->extra.size)
		qsort(in->extra.data, in->extra.size / sizeof(uint64_t), sizeof(uint64_t),
		      compare_u64);
	return NULL;
}

struct nec_error *nec_intake_references(struct nec_intake *in)
{
	struct references r = {
		.in = in,
		.spool = NEC_TMPARRAY_INIT,
		.starts = NEC_TMPARRAY_INIT,
		.counts = NEC_TMPARRAY_INIT,
	};
	struct nec_error *err = nec_graph_init(&in->graph, in->tmpdir, in->count);

	if (!err)
		err = read_references(&r);
	if (!err)
		err = settle(in);
	free(r.refs);
	free(r.to);
	nec_tmparray_deinit(&r.spool);
	nec_tmparray_deinit(&r.starts);
	nec_tmparray_deinit(&r.counts);
	return err;
}
