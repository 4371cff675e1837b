/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader of Python pickles that executes nothing; see pickle.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pickle.h"

enum {
	/* Values and marks on the stack at once: pickle.py works in batches of 1000, tuples of
	   frames are up to 65,535. */
	STACK_LIMIT = 1 << 20,
	MARK_LIMIT = 1 << 16,
};

static nec_pickle_value make(enum nec_pickle_kind kind, uint64_t payload)
{
	return payload << 3 | kind;
}

static struct nec_error *bad(const struct nec_pickle *p, const char *what)
{
	return nec_error_create(NEC_ERR_FORMAT, "pickle at byte %zu: %s", p->c.off, what);
}

/* ---- the stack ---------------------------------------------------------------------- */

static struct nec_error *push(struct nec_pickle *p, nec_pickle_value v)
{
	if (p->depth == p->stack_capacity) {
		size_t capacity = p->stack_capacity ? p->stack_capacity * 2 : 256;
		nec_pickle_value *stack;

		if (capacity > STACK_LIMIT)
			return bad(p, "more values than a stack of them can need");
		stack = realloc(p->stack, capacity * sizeof(*stack));
		if (!stack)
			return &nec_enomem;
		p->stack = stack;
		p->stack_capacity = capacity;
	}
	p->stack[p->depth++] = v;
	return NULL;
}

/* Values above the newest mark can be taken, others not. */
static size_t floor_of(const struct nec_pickle *p)
{
	return p->mark_count ? p->marks[p->mark_count - 1] : 0;
}

static struct nec_error *pop(struct nec_pickle *p, nec_pickle_value *ret)
{
	if (p->depth <= floor_of(p))
		return bad(p, "takes a value from an empty stack");
	*ret = p->stack[--p->depth];
	return NULL;
}

/* Takes the newest mark; *start_ret: the values above it. */
static struct nec_error *pop_mark(struct nec_pickle *p, size_t *start_ret)
{
	if (!p->mark_count)
		return bad(p, "takes a mark where there is none");
	*start_ret = p->marks[--p->mark_count];
	return NULL;
}

/* The value under `above` of them, which stays. */
static struct nec_error *peek(const struct nec_pickle *p, size_t above, enum nec_pickle_kind kind,
			      const char *what)
{
	if (p->depth < floor_of(p) + above + 1 ||
	    nec_pickle_kind(p->stack[p->depth - above - 1]) != kind)
		return bad(p, what);
	return NULL;
}

/* ---- opcodes ------------------------------------------------------------------------ */

static struct nec_error *op_skip(struct nec_pickle *p, unsigned int bytes)
{
	nec_cursor_bytes(&p->c, bytes);
	return NULL;
}

static struct nec_error *op_mark(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	if (p->mark_count == p->mark_capacity) {
		size_t capacity = p->mark_capacity ? p->mark_capacity * 2 : 64, *marks;

		if (capacity > MARK_LIMIT)
			return bad(p, "nested too deeply");
		marks = realloc(p->marks, capacity * sizeof(*marks));
		if (!marks)
			return &nec_enomem;
		p->marks = marks;
		p->mark_capacity = capacity;
	}
	p->marks[p->mark_count++] = p->depth;
	return NULL;
}

static struct nec_error *op_none(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	return push(p, make(NEC_PICKLE_NONE, 0));
}

/* A number of `bytes` bytes, signed when there are four. */
static struct nec_error *op_int(struct nec_pickle *p, unsigned int bytes)
{
	int64_t v = bytes == 1   ? nec_cursor_u8(&p->c)
		    : bytes == 2 ? nec_cursor_u16(&p->c)
				 : (int32_t)nec_cursor_u32(&p->c);

	return push(p, make(NEC_PICKLE_INT, (uint64_t)v));
}

static struct nec_error *op_long1(struct nec_pickle *p, unsigned int arg)
{
	unsigned int n = nec_cursor_u8(&p->c), i;
	const uint8_t *bytes = nec_cursor_bytes(&p->c, n);
	uint64_t v = 0;

	(void)arg;
	if (!bytes)
		return NULL;
	if (n > 8)
		return bad(p, "number of more than 64 bits");
	for (i = 0; i < n; i++)
		v |= (uint64_t)bytes[i] << 8 * i;
	if (n && n < 8 && bytes[n - 1] & 0x80)
		v |= UINT64_MAX << 8 * n;
	if ((int64_t)(v << 3) >> 3 != (int64_t)v)
		return bad(p, "number of more than 61 bits");
	return push(p, make(NEC_PICKLE_INT, v));
}

/* A string behind its length of `bytes` bytes. */
static struct nec_error *op_str(struct nec_pickle *p, unsigned int bytes)
{
	uint64_t len = bytes == 1   ? nec_cursor_u8(&p->c)
		       : bytes == 4 ? nec_cursor_u32(&p->c)
				    : nec_cursor_u64(&p->c);
	const char *s = len <= SIZE_MAX ? nec_cursor_bytes(&p->c, (size_t)len) : NULL;
	uint32_t id;

	if (!s) {
		p->c.failed = true;
		return NULL;
	}
	NEC_TRY(nec_strtab_intern(&p->strings, s, (size_t)len, &id));
	return push(p, make(NEC_PICKLE_STR, id));
}

static struct nec_error *make_tuple(struct nec_pickle *p, size_t start)
{
	uint64_t count = p->depth - start, off = p->tuples.size / sizeof(uint64_t);

	NEC_TRY(nec_tmparray_append(&p->tuples, &count, sizeof(count)));
	if (count)
		NEC_TRY(nec_tmparray_append(&p->tuples, p->stack + start,
					    count * sizeof(*p->stack)));
	p->depth = start;
	return push(p, make(NEC_PICKLE_TUPLE, off));
}

static struct nec_error *op_tuple(struct nec_pickle *p, unsigned int arg)
{
	size_t start;

	(void)arg;
	NEC_TRY(pop_mark(p, &start));
	return make_tuple(p, start);
}

static struct nec_error *op_tuple_n(struct nec_pickle *p, unsigned int count)
{
	if (p->depth < floor_of(p) + count)
		return bad(p, "tuple of more values than there are");
	return make_tuple(p, p->depth - count);
}

static struct nec_error *op_list(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	return push(p, make(NEC_PICKLE_LIST, p->lists++));
}

static struct nec_error *op_dict(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	return push(p, make(NEC_PICKLE_DICT, p->dicts++));
}

static struct nec_error *append_from(struct nec_pickle *p, size_t start)
{
	size_t i;

	NEC_TRY(peek(p, p->depth - start, NEC_PICKLE_LIST, "appends to what is no list"));
	for (i = start; i < p->depth; i++)
		NEC_TRY(p->item(p->arg, p->stack[i]));
	p->depth = start;
	return NULL;
}

static struct nec_error *op_append(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	if (p->depth < floor_of(p) + 1)
		return bad(p, "appends nothing");
	return append_from(p, p->depth - 1);
}

static struct nec_error *op_appends(struct nec_pickle *p, unsigned int arg)
{
	size_t start;

	(void)arg;
	NEC_TRY(pop_mark(p, &start));
	return append_from(p, start);
}

static struct nec_error *set_from(struct nec_pickle *p, size_t start)
{
	size_t i;

	if ((p->depth - start) % 2)
		return bad(p, "key without a value");
	NEC_TRY(peek(p, p->depth - start, NEC_PICKLE_DICT, "sets items of what is no dict"));
	for (i = start; i < p->depth; i += 2)
		NEC_TRY(p->pair(p->arg, p->stack[i], p->stack[i + 1]));
	p->depth = start;
	return NULL;
}

static struct nec_error *op_setitem(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	if (p->depth < floor_of(p) + 2)
		return bad(p, "sets nothing");
	return set_from(p, p->depth - 2);
}

static struct nec_error *op_setitems(struct nec_pickle *p, unsigned int arg)
{
	size_t start;

	(void)arg;
	NEC_TRY(pop_mark(p, &start));
	return set_from(p, start);
}

static struct nec_error *push_class(struct nec_pickle *p, const char *module, size_t module_len,
				    const char *name, size_t name_len)
{
	size_t i;

	for (i = 0; p->classes[i]; i++) {
		if (strlen(p->classes[i]) == module_len + 1 + name_len &&
		    !memcmp(p->classes[i], module, module_len) &&
		    p->classes[i][module_len] == ' ' &&
		    !memcmp(p->classes[i] + module_len + 1, name, name_len))
			return push(p, make(NEC_PICKLE_CLASS, i));
	}
	return nec_error_create(NEC_ERR_FORMAT,
				"pickle at byte %zu: class %.*s.%.*s has no place in it", p->c.off,
				module_len < 200 ? (int)module_len : 200, module,
				name_len < 200 ? (int)name_len : 200, name);
}

static struct nec_error *op_stack_global(struct nec_pickle *p, unsigned int arg)
{
	const char *module_name, *class_name;
	nec_pickle_value module, name;

	(void)arg;
	NEC_TRY(pop(p, &name));
	NEC_TRY(pop(p, &module));
	if (nec_pickle_kind(name) != NEC_PICKLE_STR || nec_pickle_kind(module) != NEC_PICKLE_STR)
		return bad(p, "class whose name is no string");
	module_name = nec_pickle_str(p, module);
	class_name = nec_pickle_str(p, name);
	return push_class(p, module_name, strlen(module_name), class_name, strlen(class_name));
}

/* A line of text, without its end; NULL when it has none. */
static const char *take_line(struct nec_pickle *p, size_t *len_ret)
{
	const char *s = (const char *)p->c.data + p->c.off;
	const char *end = memchr(s, '\n', nec_cursor_left(&p->c));

	*len_ret = end ? (size_t)(end - s) : 0;
	nec_cursor_bytes(&p->c, end ? *len_ret + 1 : SIZE_MAX);
	return end ? s : NULL;
}

static struct nec_error *op_global(struct nec_pickle *p, unsigned int arg)
{
	size_t module_len, name_len;
	const char *module = take_line(p, &module_len),
		   *name = module ? take_line(p, &name_len) : NULL;

	(void)arg;
	return name ? push_class(p, module, module_len, name, name_len) : NULL;
}

static struct nec_error *op_newobj(struct nec_pickle *p, unsigned int arg)
{
	nec_pickle_value args;

	(void)arg;
	NEC_TRY(peek(p, 0, NEC_PICKLE_TUPLE, "arguments of a new object that are no tuple"));
	NEC_TRY(peek(p, 1, NEC_PICKLE_CLASS, "new object of what is no class"));
	NEC_TRY(pop(p, &args));
	p->stack[p->depth - 1] = make(NEC_PICKLE_OBJECT, p->stack[p->depth - 1] >> 3);
	return NULL;
}

static struct nec_error *op_build(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	NEC_TRY(peek(p, 0, NEC_PICKLE_DICT, "state that is no dict"));
	NEC_TRY(peek(p, 1, NEC_PICKLE_OBJECT, "state for what is no object"));
	p->depth--;
	return NULL;
}

static struct nec_error *memo_put(struct nec_pickle *p, uint64_t index)
{
	nec_pickle_value *memo;
	uint64_t count = p->memo.size / sizeof(*memo);

	if (p->depth <= floor_of(p))
		return bad(p, "remembers nothing");
	/* Picklers count from 0, so there are never more than bytes read. */
	if (index > p->c.off)
		return bad(p, "remembers under a number too large");
	if (index >= count)
		NEC_TRY(nec_tmparray_resize(&p->memo, (size_t)(index + 1) * sizeof(*memo)));
	memo = p->memo.data;
	memo[index] = p->stack[p->depth - 1];
	return NULL;
}

static struct nec_error *op_memoize(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	return memo_put(p, p->memo.size / sizeof(nec_pickle_value));
}

static struct nec_error *op_put(struct nec_pickle *p, unsigned int bytes)
{
	return memo_put(p, bytes == 1 ? nec_cursor_u8(&p->c) : nec_cursor_u32(&p->c));
}

static struct nec_error *op_get(struct nec_pickle *p, unsigned int bytes)
{
	uint64_t index = bytes == 1 ? nec_cursor_u8(&p->c) : nec_cursor_u32(&p->c);

	if (index >= p->memo.size / sizeof(nec_pickle_value))
		return bad(p, "refers to what was not remembered");
	return push(p, ((const nec_pickle_value *)p->memo.data)[index]);
}

static struct nec_error *op_stop(struct nec_pickle *p, unsigned int arg)
{
	(void)arg;
	NEC_TRY(pop(p, &p->result));
	p->stopped = true;
	return NULL;
}

/* To add one: its byte (Lib/pickletools.py), who does it, and how long its argument is where
 * several share a function. */
static const struct {
	struct nec_error *(*run)(struct nec_pickle *p, unsigned int arg);
	unsigned int arg;
} opcodes[256] = {
	[0x80] = {op_skip, 1},         /* PROTO */
	[0x95] = {op_skip, 8},         /* FRAME */
	['('] = {op_mark, 0},          /* MARK */
	['.'] = {op_stop, 0},          /* STOP */
	['N'] = {op_none, 0},          /* NONE */
	['K'] = {op_int, 1},           /* BININT1 */
	['M'] = {op_int, 2},           /* BININT2 */
	['J'] = {op_int, 4},           /* BININT */
	[0x8a] = {op_long1, 0},        /* LONG1 */
	[0x8c] = {op_str, 1},          /* SHORT_BINUNICODE */
	['X'] = {op_str, 4},           /* BINUNICODE */
	[0x8d] = {op_str, 8},          /* BINUNICODE8 */
	[')'] = {op_tuple_n, 0},       /* EMPTY_TUPLE */
	[0x85] = {op_tuple_n, 1},      /* TUPLE1 */
	[0x86] = {op_tuple_n, 2},      /* TUPLE2 */
	[0x87] = {op_tuple_n, 3},      /* TUPLE3 */
	['t'] = {op_tuple, 0},         /* TUPLE */
	[']'] = {op_list, 0},          /* EMPTY_LIST */
	['a'] = {op_append, 0},        /* APPEND */
	['e'] = {op_appends, 0},       /* APPENDS */
	['}'] = {op_dict, 0},          /* EMPTY_DICT */
	['s'] = {op_setitem, 0},       /* SETITEM */
	['u'] = {op_setitems, 0},      /* SETITEMS */
	['c'] = {op_global, 0},        /* GLOBAL */
	[0x93] = {op_stack_global, 0}, /* STACK_GLOBAL */
	[0x81] = {op_newobj, 0},       /* NEWOBJ */
	['b'] = {op_build, 0},         /* BUILD */
	[0x94] = {op_memoize, 0},      /* MEMOIZE */
	['q'] = {op_put, 1},           /* BINPUT */
	['r'] = {op_put, 4},           /* LONG_BINPUT */
	['h'] = {op_get, 1},           /* BINGET */
	['j'] = {op_get, 4},           /* LONG_BINGET */
};

struct nec_error *nec_pickle_run(struct nec_pickle *p, unsigned int steps, bool *more_ret)
{
	uint8_t op;

	*more_ret = true;
	while (steps-- && !p->stopped) {
		op = nec_cursor_u8(&p->c);
		if (p->c.failed)
			return bad(p, "the file ends within it");
		if (!opcodes[op].run)
			return nec_error_create(
				NEC_ERR_FORMAT,
				"pickle at byte %zu: opcode 0x%02x has no place in it",
				p->c.off - 1, op);
		NEC_TRY(opcodes[op].run(p, opcodes[op].arg));
		if (p->c.failed)
			return bad(p, "the file ends within it");
	}
	*more_ret = !p->stopped;
	return NULL;
}

struct nec_error *nec_pickle_init(struct nec_pickle *p, const void *data, size_t size,
				  const char *dir)
{
	p->c = nec_cursor_init(data, size);
	p->memo = p->tuples = (struct nec_tmparray)NEC_TMPARRAY_INIT;
	NEC_TRY(nec_tmparray_init(&p->memo, dir));
	return nec_tmparray_init(&p->tuples, dir);
}

void nec_pickle_deinit(struct nec_pickle *p)
{
	nec_strtab_deinit(&p->strings);
	nec_tmparray_deinit(&p->memo);
	nec_tmparray_deinit(&p->tuples);
	free(p->stack);
	free(p->marks);
	p->stack = NULL;
	p->marks = NULL;
}

const nec_pickle_value *nec_pickle_tuple(const struct nec_pickle *p, nec_pickle_value tuple,
					 uint64_t *count_ret)
{
	const uint64_t *run = (const uint64_t *)p->tuples.data + (tuple >> 3);

	*count_ret = run[0];
	return run + 1;
}

const char *nec_pickle_str(const struct nec_pickle *p, nec_pickle_value value)
{
	return nec_pickle_kind(value) == NEC_PICKLE_STR
		       ? nec_strtab_get(&p->strings, (uint32_t)(value >> 3))
		       : "";
}
