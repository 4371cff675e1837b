/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Native stacks; see unwind.h. The search table: Linux Standard Base, Exception Frames,
 * .eh_frame_hdr. libunwind: libunwind(3), the section on remote unwinding.
 */
#include "config.h"

#include <stdlib.h>

#include "base/limits.h"
#include "image/private.h"
#include "image/unwind.h"

void nec_native_stack_deinit(struct nec_native_stack *stack)
{
	free(stack->frames);
	*stack = (struct nec_native_stack){0};
}

#ifdef HAVE_UNWIND

#include <libunwind.h>

#if defined(__x86_64__)
enum { HOST_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { HOST_MACHINE = EM_AARCH64 };
#else
#error "To add a machine: its e_machine, and the numbers of pc and sp below where they are not those of DWARF."
#endif

/*
 * Exported by libunwind for those who look up procedures by themselves, and declared in no header
 * of its.
 */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t as, unw_word_t ip,
					      unw_dyn_info_t *di, unw_proc_info_t *pi,
					      int need_unwind_info, void *arg);

/* The search table of an objfile. */
struct table {
	enum { TABLE_UNKNOWN, TABLE_NONE, TABLE_THERE } state;
	uint64_t base;  /* .eh_frame_hdr: entries are relative to it */
	uint64_t start; /* first entry */
	uint64_t count; /* entries, of two 32-bit words */
};

struct nec_unwind {
	const struct nec_image *image; /* borrowed */
	unw_addr_space_t space;
	struct table *tables; /* by objfile */
	/* Of the stack at hand. */
	uint64_t regs[NEC_REG_MAX];
	uint64_t reads, allowed; /* words read of it, and how many may be */
	uint64_t reads_all;      /* of all stacks before it */
	bool no_table, over;
	uint32_t objfile;
	bool faulted;
	uint64_t fault;
};

/* ---- search tables
 * --------------------------------------------------------------------------------------------- */

enum { DW_EH_PE_UDATA4 = 0x03, DW_EH_PE_DATAREL_SDATA4 = 0x3b, DW_EH_PE_OMIT = 0xff };

/* Bytes that a pointer of this encoding takes; 0: one that no linker writes here. */
static unsigned int encoded_size(uint8_t encoding)
{
	static const uint8_t sizes[16] = {
		[0] = 8, [2] = 2, [3] = 4, [4] = 8, [8] = 8, [10] = 2, [11] = 4, [12] = 8};

	return encoding == DW_EH_PE_OMIT ? 0 : sizes[encoding & 15];
}

static void find_table(const struct nec_unwind *u, uint32_t objfile, struct table *table)
{
	const struct nec_elf *elf = &u->image->objfile_data[objfile].elf;
	uint64_t base = u->image->objfiles[objfile].bias + elf->eh_frame_hdr_vaddr, at;
	const uint8_t *head;
	unsigned int size;
	uint32_t count;

	table->state = TABLE_NONE;
	if (!elf->eh_frame_hdr_size)
		return;
	/* Version, encodings of the address of .eh_frame, of the count and of the entries. */
	head = nec_image_view(u->image, base, 4);
	if (!head || head[0] != 1 || head[2] != DW_EH_PE_UDATA4 ||
	    head[3] != DW_EH_PE_DATAREL_SDATA4)
		return;
	size = encoded_size(head[1]);
	at = base + 4 + size;
	if (!size || !nec_image_u32(u->image, at, &count))
		return;
	if ((uint64_t)count * 8 + at + 4 - base > elf->eh_frame_hdr_size)
		return;
	*table = (struct table){TABLE_THERE, base, at + 4, count};
}

static bool is_code(const struct nec_image *image, uint64_t pc)
{
	const struct nec_mapping *m = nec_image_mapping_at(image, pc);

	return m && m->perms & NEC_PERM_X;
}

/* ---- what libunwind asks
 * -------------------------------------------------------------------------------------- */

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *pi, int need,
			  void *arg)
{
	struct nec_unwind *u = arg;
	const struct nec_objfile *obj;
	struct table *table;
	unw_dyn_info_t di = {0};
	int ret;

	u->no_table = true;
	u->objfile = nec_image_objfile_at(u->image, ip);
	if (u->objfile == UINT32_MAX)
		return -UNW_ENOINFO;
	table = &u->tables[u->objfile];
	if (table->state == TABLE_UNKNOWN)
		find_table(u, u->objfile, table);
	if (table->state == TABLE_NONE)
		return -UNW_ENOINFO;
	obj = &u->image->objfiles[u->objfile];
	di.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	di.start_ip = obj->start;
	di.end_ip = obj->end;
	di.u.rti.segbase = table->base;
	di.u.rti.table_data = table->start;
	di.u.rti.table_len = table->count * 8 / sizeof(unw_word_t);
	ret = UNW_OBJ(dwarf_search_unwind_table)(space, ip, &di, pi, need, arg);
	u->no_table = ret < 0;
	return ret;
}

/* What find_proc_info gave lies in a pool of libunwind, which takes it back itself. */
static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *pi, void *arg)
{
	(void)space;
	(void)pi;
	(void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *addr, void *arg)
{
	(void)space;
	(void)addr;
	(void)arg;
	return -UNW_ENOINFO;
}

static int access_mem(unw_addr_space_t space, unw_word_t addr, unw_word_t *value, int write,
		      void *arg)
{
	struct nec_unwind *u = arg;
	struct nec_error *err;

	(void)space;
	if (write)
		return -UNW_EINVAL;
	if (++u->reads > u->allowed) {
		u->over = true;
		return -UNW_EINVAL;
	}
	if (nec_image_u64(u->image, addr, value))
		return 0;
	err = nec_image_read(u->image, addr, value, sizeof(*value));
	if (!err)
		return 0;
	nec_error_destroy(err);
	u->faulted = true;
	u->fault = addr;
	return -UNW_EINVAL;
}

/* libunwind's numbers of the registers are those of DWARF on both machines. */
static int access_reg(unw_addr_space_t space, unw_regnum_t reg, unw_word_t *value, int write,
		      void *arg)
{
	const struct nec_unwind *u = arg;

	(void)space;
	if (write || reg < 0 || reg >= NEC_REG_MAX)
		return -UNW_EBADREG;
	*value = u->regs[reg];
	return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t reg, unw_fpreg_t *value, int write,
			void *arg)
{
	(void)space;
	(void)reg;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
	(void)space;
	(void)cursor;
	(void)arg;
	return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t ip, char *buf, size_t size,
			 unw_word_t *off, void *arg)
{
	(void)space;
	(void)ip;
	(void)buf;
	(void)size;
	(void)off;
	(void)arg;
	return -UNW_ENOINFO;
}

/* ---- a stack
 * ---------------------------------------------------------------------------------------------------
 */

void nec_unwind_destroy(struct nec_unwind *u)
{
	if (!u)
		return;
	if (u->space)
		unw_destroy_addr_space(u->space);
	free(u->tables);
	free(u);
}

struct nec_error *nec_unwind_create(const struct nec_image *image, struct nec_unwind **unwind_ret)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = get_dyn_info_list_addr,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = resume,
		.get_proc_name = get_proc_name,
	};
	struct nec_unwind *u;

	if (image->process.machine != HOST_MACHINE)
		return nec_error_create(NEC_ERR_UNSUPPORTED,
					"native stacks are those of another machine than this");
	u = calloc(1, sizeof(*u));
	if (!u)
		return &nec_enomem;
	u->image = image;
	u->tables = calloc(image->objfile_count + 1, sizeof(*u->tables));
	u->space = unw_create_addr_space(&accessors, 0);
	if (!u->tables || !u->space) {
		nec_unwind_destroy(u);
		return &nec_enomem;
	}
	unw_set_caching_policy(u->space, UNW_CACHE_GLOBAL);
	*unwind_ret = u;
	return NULL;
}

static struct nec_error *add_frame(struct nec_native_stack *stack, uint64_t pc, uint64_t sp,
				   bool call)
{
	NEC_TRY(nec_image_grow((void **)&stack->frames, &stack->capacity, stack->count,
			       sizeof(*stack->frames)));
	stack->frames[stack->count++] = (struct nec_native_frame){.pc = pc, .sp = sp, .call = call};
	return NULL;
}

/*
 * A call of something that is no code, such as a NULL pointer to a function: the frame has nothing
 * but the return address, which lies where the call put it.
 */
static bool leave_no_code(struct nec_unwind *u, const struct nec_image_thread *thread)
{
#if defined(__x86_64__)
	uint64_t back;

	if (!nec_image_u64(u->image, thread->sp, &back))
		return false;
	u->regs[UNW_REG_SP] += 8;
#else
	uint64_t back = thread->regs[30];
#endif
	u->regs[UNW_REG_IP] = back;
	return is_code(u->image, back);
}

/* Why a step failed, or was not believed. */
static enum nec_unwind_end explain(const struct nec_unwind *u)
{
	if (u->over)
		return NEC_UNWIND_LIMIT;
	if (u->no_table) /* what it tried instead does not count */
		return NEC_UNWIND_NO_TABLE;
	return u->faulted ? NEC_UNWIND_FAULT : NEC_UNWIND_DAMAGED;
}

static struct nec_error *walk(struct nec_unwind *u, unw_cursor_t *cursor,
			      struct nec_native_stack *stack)
{
	bool call = stack->count > 0, signal;
	unw_word_t pc = 0, sp = 0, last_sp = 0;
	int step;

	for (;;) {
		if (unw_get_reg(cursor, UNW_REG_IP, &pc) || unw_get_reg(cursor, UNW_REG_SP, &sp)) {
			stack->end = NEC_UNWIND_DAMAGED;
			return NULL;
		}
		stack->addr = pc;
		if (!is_code(u->image, pc)) {
			stack->end = pc ? NEC_UNWIND_NO_CODE : NEC_UNWIND_COMPLETE;
			return NULL;
		}
		if (stack->count >= NEC_LIMIT_NATIVE_FRAMES) {
			stack->end = NEC_UNWIND_LIMIT;
			return NULL;
		}
		NEC_TRY(add_frame(stack, pc, sp, call));
		signal = unw_is_signal_frame(cursor) > 0;
		u->no_table = u->faulted = false;
		u->allowed += NEC_LIMIT_UNWIND_FRAME;
		step = unw_step(cursor);
		/* Without a table libunwind follows frame pointers, which are seldom there. */
		if (step < 0 || u->over || (u->no_table && !signal)) {
			stack->end = explain(u);
			stack->objfile = u->objfile;
			if (stack->end == NEC_UNWIND_FAULT)
				stack->addr = u->fault;
			return NULL;
		}
		if (!step) {
			stack->end = NEC_UNWIND_COMPLETE;
			return NULL;
		}
		last_sp = sp;
		if (unw_get_reg(cursor, UNW_REG_SP, &sp) || (sp <= last_sp && !signal)) {
			stack->end = NEC_UNWIND_LOOP;
			return NULL;
		}
		stack->frames[stack->count - 1].cfa = sp;
		call = !signal;
	}
}

struct nec_error *nec_unwind_stack(struct nec_unwind *u, const struct nec_image_thread *thread,
				   struct nec_native_stack *stack)
{
	unw_cursor_t cursor;

	stack->count = 0;
	stack->objfile = UINT32_MAX;
	u->reads_all += u->reads;
	u->reads = 0;
	u->over = u->reads_all > NEC_LIMIT_UNWIND_ALL;
	u->allowed = NEC_LIMIT_UNWIND_STACK;
	memcpy(u->regs, thread->regs, sizeof(u->regs));
	if (!is_code(u->image, thread->pc)) {
		NEC_TRY(add_frame(stack, thread->pc, thread->sp, false));
		stack->addr = thread->pc;
		stack->end = NEC_UNWIND_NO_CODE;
		if (!leave_no_code(u, thread))
			return NULL;
		stack->frames[0].cfa = u->regs[UNW_REG_SP];
	}
	if (u->over || unw_init_remote(&cursor, u->space, u)) {
		stack->end = u->over ? NEC_UNWIND_LIMIT : NEC_UNWIND_DAMAGED;
		return NULL;
	}
	return walk(u, &cursor, stack);
}

#else /* HAVE_UNWIND */

struct nec_error *nec_unwind_create(const struct nec_image *image, struct nec_unwind **unwind_ret)
{
	(void)image;
	(void)unwind_ret;
	return nec_error_create(NEC_ERR_UNSUPPORTED,
				"no native stacks: this build is without libunwind");
}

void nec_unwind_destroy(struct nec_unwind *u)
{
	(void)u;
}

struct nec_error *nec_unwind_stack(struct nec_unwind *u, const struct nec_image_thread *thread,
				   struct nec_native_stack *stack)
{
	(void)u;
	(void)thread;
	(void)stack;
	return NULL;
}

#endif
