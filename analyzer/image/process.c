/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel left on the initial stack: command line and environment.
 *
 * At exec the kernel puts there, upwards: argc, the argv pointers, 0, the environment's pointers,
 * 0, the auxiliary vector, then the 16 bytes of AT_RANDOM and the strings themselves
 * (fs/binfmt_elf.c, create_elf_tables). The auxiliary vector is in a note as well, so its copy on
 * the stack is found by its bytes, below AT_RANDOM; the pointers below it are walked downwards. The
 * strings lie in one piece, arguments first, as /proc/PID/cmdline shows them.
 */
#include <elf.h>
#include <string.h>

#include "base/cursor.h"
#include "image/private.h"

enum {
	MAX_AUXV_DISTANCE =
		1 << 16, /* bytes from AT_RANDOM down to the vector: a few hundred in fact */
	MAX_POINTERS =
		1 << 20, /* arguments or environment strings: the kernel allows 6 MiB in all */
};

void nec_process_read_auxv(struct nec_image *image)
{
	struct nec_process *p = &image->process;
	struct nec_cursor c = nec_cursor_init(image->auxv, image->auxv_size);

	while (nec_cursor_left(&c) >= 16) {
		uint64_t type = nec_cursor_u64(&c), value = nec_cursor_u64(&c);

		switch (type) {
		case AT_NULL:
			return;
		case AT_PHDR:
			p->at_phdr = value;
			break;
		case AT_PAGESZ:
			/* 4 KiB, 16 KiB and 64 KiB exist. */
			if (value >= 4096 && value <= 1 << 20 && !(value & (value - 1)))
				p->page_size = value;
			break;
		case AT_BASE:
			p->at_base = value;
			break;
		case AT_ENTRY:
			p->at_entry = value;
			break;
		case AT_RANDOM:
			p->at_random = value;
			break;
		case AT_EXECFN:
			p->at_execfn = value;
			break;
		case AT_SYSINFO_EHDR:
			p->at_sysinfo_ehdr = value;
			break;
		}
	}
}

/* The address of the auxiliary vector on the stack, 0 when it is not there. */
static uint64_t find_auxv(const struct nec_image *image)
{
	const struct nec_segment *s = nec_image_segment_at(image, image->process.at_random);
	uint64_t top = image->process.at_random & ~UINT64_C(7), low;

	if (!s || image->auxv_size < 32)
		return 0;
	low = top - s->start > MAX_AUXV_DISTANCE ? top - MAX_AUXV_DISTANCE : (s->start + 7) & ~7ull;
	for (uint64_t addr = top; addr >= low && addr <= top; addr -= 8) {
		if (s->end - addr >= image->auxv_size &&
		    !memcmp(s->data + (addr - s->start), image->auxv, image->auxv_size))
			return addr;
	}
	return 0;
}

/* Pointers to strings, as they lie on the stack. */
struct pointers {
	uint64_t count;
	uint64_t lowest, highest; /* of those into the strings that the kernel wrote; 0: none */
	bool moved; /* one leads elsewhere: the process has put another string there */
};

/*
 * Walks down over pointers to strings above `above`, from the 0 that ends them at *addr; sets *addr
 * to the word below the first of them. More zeros may follow that one: unsetenv moves the pointers
 * together.
 */
static struct pointers walk_pointers(const struct nec_image *image, uint64_t *addr, uint64_t above)
{
	struct pointers p = {0};
	uint64_t v;

	for (int i = 0; i < MAX_POINTERS && nec_image_u64(image, *addr, &v) && !v; i++)
		*addr -= 8;
	/* Below them are 0 or argc, which are no addresses. */
	for (; p.count < MAX_POINTERS; *addr -= 8, p.count++) {
		if (!nec_image_u64(image, *addr, &v) || v <= MAX_POINTERS)
			break;
		if (v <= above) {
			p.moved = true;
			continue;
		}
		if (!p.lowest || v < p.lowest)
			p.lowest = v;
		if (v > p.highest)
			p.highest = v;
	}
	return p;
}

/* Finds the pointers to arguments and environment; none of either where it is empty. */
static bool find_strings(const struct nec_image *image, uint64_t auxv, struct pointers *args_ret,
			 struct pointers *env_ret)
{
	uint64_t addr = auxv - 8, v;
	struct pointers first;

	if (!nec_image_u64(image, addr, &v) || v)
		return false;
	first = walk_pointers(image, &addr, auxv);
	if (!nec_image_u64(image, addr, &v))
		return false;
	if (v) {
		/* argc: those were the arguments, and the environment was empty. */
		*args_ret = first;
		*env_ret = (struct pointers){0};
		return v == first.count;
	}
	*env_ret = first;
	*args_ret = walk_pointers(image, &addr, auxv);
	return nec_image_u64(image, addr, &v) && v == args_ret->count;
}

/* Where the arguments end: where the environment begins, or, when a string of that has moved,
 * behind the last one. */
static uint64_t arguments_end(const struct nec_image *image, const struct pointers *args,
			      const struct pointers *env, uint64_t end)
{
	const char *last;

	if (!env->moved)
		return env->lowest ? env->lowest : end;
	last = nec_image_cstr(image, args->highest, 1 << 17); /* MAX_ARG_STRLEN of the kernel */
	return last ? args->highest + strlen(last) + 1 : 0;
}

void nec_process_read_stack(struct nec_image *image)
{
	struct nec_process *p = &image->process;
	struct pointers args, env;
	uint64_t auxv, end, args_end;

	/* For a script AT_EXECFN is the script: the file that the entry point lies in knows better.
	 */
	for (uint32_t i = 0; i < image->objfile_count && !p->exe; i++) {
		if (image->objfiles[i].is_exe)
			p->exe = image->objfiles[i].path;
	}
	if (!p->exe && p->at_execfn)
		p->exe = nec_image_cstr(image, p->at_execfn, 4096);
	auxv = find_auxv(image);
	if (!auxv || !find_strings(image, auxv, &args, &env))
		return;
	end = p->at_execfn > auxv ? p->at_execfn : env.lowest;
	args_end = arguments_end(image, &args, &env, end);
	if (args.lowest && args_end > args.lowest) {
		p->cmdline_size = args_end - args.lowest;
		p->cmdline = nec_image_view(image, args.lowest, p->cmdline_size);
		p->cmdline_size = p->cmdline ? p->cmdline_size : 0;
	}
	if (env.lowest && end > env.lowest) {
		p->environ_size = end - env.lowest;
		p->environ_ = nec_image_view(image, env.lowest, p->environ_size);
		p->environ_size = p->environ_ ? p->environ_size : 0;
	}
}
