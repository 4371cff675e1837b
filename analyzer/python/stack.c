/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python stacks; see stack.h. */
#include "base/limits.h"
#include "python/frames.h"
#include "python/stack.h"
#include "python/types.h"

/* Variables or value stack of a frame: the compiler's limits are far below. */
enum { MAX_SLOTS = 1 << 20 };

/* _frameowner, FRAME_OWNED_BY_FRAME_OBJECT: those above are the interpreter's own. */
enum { OWNER_LAST = 2 };

enum { CO_OPTIMIZED = 1 };
enum { CO_FAST_CELL = 0x40, CO_FAST_FREE = 0x80 };

void nec_stack_init(struct nec_stack *stack, const struct nec_target *t, uint64_t thread)
{
	*stack = (struct nec_stack){.target = t,
				    .next = thread ? nec_thread_frame(t, thread) : 0,
				    .mark_at = 1,
				    .thread = thread,
				    .cframe =
					    thread ? nec_field(t, thread, NEC_F_THREAD_CFRAME) : 0};
}

void nec_stack_init_at(struct nec_stack *stack, const struct nec_target *t, uint64_t frame)
{
	*stack = (struct nec_stack){.target = t, .next = frame, .mark_at = 1};
}

static bool is_code(const struct nec_target *t, uint64_t code)
{
	uint64_t name = nec_field(t, code, NEC_F_CODE_NAME), flags;

	flags = nec_field(t, nec_type_of(t, name), NEC_F_TYPE_FLAGS);
	return code && flags & (NEC_TYPE_STR_SUBCLASS | NEC_TYPE_BYTES_SUBCLASS);
}

static bool is_behind_cut(const struct nec_target *t, uint64_t addr)
{
	return addr && !(addr & 7) && nec_image_completeness(t->image)->truncated &&
	       nec_image_mapping_at(t->image, addr) && !nec_image_view(t->image, addr, 8);
}

/* Was the dump cut off before this code object, or before its name, which is older? Then the frame
 * is one all the same, and what is below it is to be shown. */
static bool is_cut_off(const struct nec_target *t, uint64_t code)
{
	const char *type;

	if (is_behind_cut(t, code))
		return true;
	if (!is_behind_cut(t, nec_field(t, code, NEC_F_CODE_NAME)))
		return false;
	type = nec_image_cstr(t->image, nec_field(t, nec_type_of(t, code), NEC_F_TYPE_NAME), 8);
	return type && !strcmp(type, "code");
}

static uint64_t capped(uint64_t count)
{
	return count <= MAX_SLOTS ? count : 0;
}

static bool read_object(const struct nec_target *t, uint64_t addr, struct nec_stack_frame *f)
{
	uint64_t bottom = nec_field(t, addr, NEC_F_FRAME_VALUESTACK);

	f->code = nec_field(t, addr, NEC_F_FRAME_CODE);
	if (!is_code(t, f->code) && !is_cut_off(t, f->code))
		return false;
	f->lasti = (int64_t)nec_field32(t, addr, NEC_F_FRAME_LASTI) * t->layout.traits.lasti_unit;
	f->slots = addr + nec_off(t, NEC_F_FRAME_LOCALSPLUS);
	f->slot_count = bottom > f->slots ? capped((bottom - f->slots) / 8) : 0;
	f->globals = nec_field(t, addr, NEC_F_FRAME_GLOBALS);
	f->locals = nec_field(t, addr, NEC_F_FRAME_LOCALS);
	if (nec_field(t, addr, NEC_F_FRAME_TRACE))
		f->traced_line = nec_field32(t, addr, NEC_F_FRAME_LINENO);
	return true;
}

static bool read_iframe(const struct nec_target *t, uint64_t addr, struct nec_stack_frame *f)
{
	uint64_t instr, start;

	if (nec_field8(t, addr, NEC_F_IFRAME_OWNER) > OWNER_LAST)
		return false;
	f->code = nec_iframe_code(t, addr);
	if (!is_code(t, f->code) && !is_cut_off(t, f->code))
		return false;
	instr = nec_field(t, addr, NEC_F_IFRAME_INSTR);
	start = f->code + nec_off(t, NEC_F_CODE_CODE_ADAPTIVE);
	f->lasti = (int64_t)(instr - start);
	f->slots = addr + nec_off(t, NEC_F_IFRAME_LOCALSPLUS);
	f->slot_count = capped((uint32_t)nec_field32(t, f->code, NEC_F_CODE_NLOCALSPLUS));
	f->globals = nec_field(t, addr, NEC_F_IFRAME_GLOBALS);
	f->locals = nec_field(t, addr, NEC_F_IFRAME_LOCALS);
	return true;
}

bool nec_stack_frame_read(const struct nec_target *t, uint64_t addr, struct nec_stack_frame *ret)
{
	bool objects = t->layout.traits.frames == NEC_FRAME_OBJECTS;

	*ret = (struct nec_stack_frame){.addr = addr};
	if (!(objects ? read_object(t, addr, ret) : read_iframe(t, addr, ret)))
		return false;
	ret->stack_count = capped((uint32_t)nec_field32(t, ret->code, NEC_F_CODE_STACKSIZE));
	if (nec_field32(t, ret->code, NEC_F_CODE_FLAGS) & CO_OPTIMIZED)
		ret->locals = 0;
	return true;
}

static uint64_t previous(const struct nec_target *t, uint64_t frame)
{
	return nec_field(t, frame,
			 t->layout.traits.frames == NEC_FRAME_OBJECTS ? NEC_F_FRAME_BACK
								      : NEC_F_IFRAME_PREVIOUS);
}

/* ---- the data stack
 * ------------------------------------------------------------------------------------------ */

/* Chunks of a data stack: each is 16 KiB and twice as large where a frame needs that. */
enum { MAX_CHUNKS = 1 << 20 };

/* The words of [start, end) that a chunk gives to frames. */
static bool read_chunk(const struct nec_target *t, uint64_t chunk, uint64_t *start_ret,
		       uint64_t *end_ret)
{
	uint64_t size = nec_field(t, chunk, NEC_F_STACKCHUNK_SIZE),
		 start = chunk + nec_off(t, NEC_F_STACKCHUNK_DATA);

	/* The first chunk leaves its first word free. */
	*start_ret = nec_field(t, chunk, NEC_F_STACKCHUNK_PREVIOUS) ? start : start + 8;
	*end_ret = chunk + size;
	return nec_image_view(t->image, *start_ret, 8) && *end_ret > *start_ret;
}

/* The last frame of [start, end) before it, 0: none. */
static uint64_t last_frame(const struct nec_target *t, uint64_t start, uint64_t end)
{
	uint64_t addr = start, last = 0, words;
	struct nec_stack_frame frame;

	while (addr < end && nec_stack_frame_read(t, addr, &frame)) {
		words = (uint32_t)nec_field32(t, frame.code, NEC_F_CODE_FRAMESIZE);
		if (!words || words > MAX_SLOTS)
			break;
		last = addr;
		addr += words * 8;
	}
	return addr == end ? last : 0;
}

/* The frame below the lowest one met; 0: that was the first of all (*first_ret), or it cannot be
 * told. */
static uint64_t below(const struct nec_stack *stack, bool *first_ret)
{
	const struct nec_target *t = stack->target;
	uint64_t chunk = stack->thread ? nec_field(t, stack->thread, NEC_F_THREAD_DATASTACK_CHUNK)
				       : 0,
		 start, end;
	uint64_t top = nec_field(t, stack->thread, NEC_F_THREAD_DATASTACK_TOP);
	unsigned int n;

	if (!nec_has(t, NEC_F_CODE_FRAMESIZE) || !nec_has(t, NEC_F_THREAD_DATASTACK_TOP))
		return 0;
	for (n = 0; chunk && n < MAX_CHUNKS && read_chunk(t, chunk, &start, &end); n++) {
		uint64_t previous = nec_field(t, chunk, NEC_F_STACKCHUNK_PREVIOUS);

		if (!stack->last) /* of the chunk in use the thread state knows the top */
			return last_frame(t, start, top);
		if (stack->last > start && stack->last < end)
			return last_frame(t, start, stack->last);
		if (stack->last == start) {
			*first_ret = !previous;
			if (!previous || !read_chunk(t, previous, &start, &end))
				return 0;
			top = nec_field(t, previous, NEC_F_STACKCHUNK_TOP); /* in words */
			return last_frame(t, start,
					  previous + nec_off(t, NEC_F_STACKCHUNK_DATA) + top * 8);
		}
		chunk = previous;
	}
	return 0;
}

/* ---- frame by frame
 * ------------------------------------------------------------------------------------------- */

enum step { STEP_FRAME, STEP_OWN, STEP_BROKEN };

/* What the frame at addr is: one to show, one of the interpreter's own, or none. */
static enum step look(const struct nec_stack *stack, uint64_t addr, struct nec_stack_frame *ret)
{
	const struct nec_target *t = stack->target;

	if (nec_stack_frame_read(t, addr, ret))
		return STEP_FRAME;
	if (t->layout.traits.frames == NEC_FRAME_INTERPRETER &&
	    nec_field8(t, addr, NEC_F_IFRAME_OWNER) > OWNER_LAST)
		return STEP_OWN;
	return STEP_BROKEN;
}

/*
 * Where one C call of the interpreter's loop ends and who called it begins. Until 3.10 each frame
 * has its own; 3.11 marks the frame; later the call pushes a frame of the interpreter's own.
 */
static void find_entry(struct nec_stack *stack, struct nec_stack_frame *frame)
{
	const struct nec_target *t = stack->target;
	struct nec_stack_frame other;

	if (t->layout.traits.frames == NEC_FRAME_OBJECTS) {
		frame->entry = true;
	} else if (nec_has(t, NEC_F_IFRAME_IS_ENTRY)) {
		frame->entry = nec_field8(t, frame->addr, NEC_F_IFRAME_IS_ENTRY);
	} else {
		frame->entry = !stack->next || look(stack, stack->next, &other) == STEP_OWN;
		frame->entry_addr = frame->entry ? stack->next : 0;
		return;
	}
	if (!frame->entry || !stack->cframe || !nec_has(t, NEC_F_CFRAME_PREVIOUS))
		return;
	frame->entry_addr = stack->cframe;
	stack->cframe = nec_field(t, stack->cframe, NEC_F_CFRAME_PREVIOUS);
}

bool nec_stack_next(struct nec_stack *stack, struct nec_stack_frame *ret)
{
	const struct nec_target *t = stack->target;

	while (stack->next) {
		uint64_t addr = stack->next;
		bool first = false;
		enum step step;

		if (addr == stack->mark || stack->count >= NEC_LIMIT_FRAMES) {
			stack->looped = true;
			return false;
		}
		if (++stack->count == stack->mark_at) {
			stack->mark = addr;
			stack->mark_at *= 2;
		}
		step = look(stack, addr, ret);
		if (step == STEP_BROKEN) {
			stack->pieced = true;
			addr = below(stack, &first);
			if (!addr || look(stack, addr, ret) != STEP_FRAME) {
				stack->damaged = !first;
				return false;
			}
			step = STEP_FRAME;
		}
		stack->next = previous(t, addr);
		if (step != STEP_FRAME)
			continue;
		if (t->layout.traits.frames == NEC_FRAME_INTERPRETER &&
		    !nec_field8(t, addr, NEC_F_IFRAME_OWNER))
			stack->last = addr;
		find_entry(stack, ret);
		return true;
	}
	return false;
}

/* May variable i be a cell, to be looked into? */
static bool is_cell(const struct nec_target *t, const struct nec_stack_frame *f, uint64_t i)
{
	uint64_t kinds;

	if (!nec_has(t, NEC_F_CODE_LOCALSPLUSKINDS))
		return i >= (uint32_t)nec_field32(t, f->code, NEC_F_CODE_NLOCALS);
	kinds = nec_field(t, f->code, NEC_F_CODE_LOCALSPLUSKINDS);
	return nec_byte(t, kinds + nec_off(t, NEC_F_BYTES_DATA) + i) &
	       (CO_FAST_CELL | CO_FAST_FREE);
}

/* A cell is the one object whose type has its own size and whose variable may not have become one
 * yet: by what its code says of it. */
static bool type_is_cell(const struct nec_target *t, uint64_t obj)
{
	uint64_t type = nec_type_of(t, obj);
	const char *name = nec_image_cstr(t->image, nec_field(t, type, NEC_F_TYPE_NAME), 16);

	if (name)
		return !strcmp(name, "cell");
	return nec_field(t, type, NEC_F_TYPE_BASICSIZE) == nec_off(t, NEC_F_CELL_REF) + 8;
}

uint64_t nec_stack_variable(const struct nec_target *t, const struct nec_stack_frame *frame,
			    uint64_t i)
{
	uint64_t value;

	if (i >= frame->slot_count)
		return 0;
	value = nec_stackref(t, nec_word(t, frame->slots + i * 8));
	/* An argument becomes a cell in the function's first instructions. */
	if (value && is_cell(t, frame, i) && type_is_cell(t, value))
		return nec_field(t, value, NEC_F_CELL_REF);
	return value;
}

uint64_t nec_stack_word(const struct nec_target *t, const struct nec_stack_frame *frame, uint64_t i)
{
	if (i >= frame->stack_count)
		return 0;
	return nec_stackref(t, nec_word(t, frame->slots + (frame->slot_count + i) * 8));
}
