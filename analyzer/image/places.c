/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of native code; see places.h. */
#include "image/places.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "image/lookup.h"
#include "image/private.h"

enum {
	MAX_INLINED = 64,       /* functions in one another; compilers stop far below */
	MAX_NAMESPACES = 16,    /* C++ namespaces in one another */
	MAX_CHILDREN = 1 << 20, /* entries of a unit or a scope that are looked at */
};

/* The debug information of an objfile. */
struct debug {
	bool opened;
	Elf *elf;
	Dwarf *dw; /* NULL: none */
	int fd;
};

/* Places of an address: items[first, first + count). */
struct known {
	uint64_t addr; /* 0: a free slot */
	uint32_t first, count;
};

struct nec_places {
	const struct nec_image *image; /* borrowed */
	struct debug *debug;           /* by objfile */
	char **names;                  /* owned: names without what the compiler added to them */
	uint32_t name_count, name_capacity;
	uint64_t max_unpacked;         /* bytes of compressed debug information that are worth it */
	struct nec_place *items;
	uint32_t count, capacity;
	struct known *known;         /* open addressing */
	uint32_t known_count, slots; /* a power of two */
};

struct nec_error *nec_places_create(const struct nec_image *image, struct nec_places **places_ret)
{
	struct nec_places *p = calloc(1, sizeof(*p));

	if (!p)
		return &nec_enomem;
	p->image = image;
	p->max_unpacked = NEC_LIMIT_DEBUG;
	p->debug = calloc(image->objfile_count + 1, sizeof(*p->debug));
	if (!p->debug) {
		free(p);
		return &nec_enomem;
	}
	*places_ret = p;
	return NULL;
}

void nec_places_destroy(struct nec_places *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->image->objfile_count; i++) {
		if (!p->debug[i].opened)
			continue;
		dwarf_end(p->debug[i].dw);
		elf_end(p->debug[i].elf);
		if (p->debug[i].fd >= 0)
			close(p->debug[i].fd);
	}
	while (p->name_count)
		free(p->names[--p->name_count]);
	free(p->names);
	free(p->debug);
	free(p->items);
	free(p->known);
	free(p);
}

/* ---- debug information
 * ----------------------------------------------------------------------------------------- */

/* Can libdw be let at it? It unpacks all sections in memory. */
static bool is_bearable(Elf *elf, uint64_t most)
{
	Elf_Scn *scn = NULL;
	uint64_t size = 0;
	GElf_Shdr sh;
	GElf_Chdr ch;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_flags & SHF_COMPRESSED &&
		    gelf_getchdr(scn, &ch) && __builtin_add_overflow(size, ch.ch_size, &size))
			return false;
	return size <= most;
}

/* Of the matching file, else of the debug file of its build id. NULL: none. */
static Dwarf *open_debug(struct nec_places *p, uint32_t objfile)
{
	struct debug *d = &p->debug[objfile];
	const struct nec_objfile_data *data = &p->image->objfile_data[objfile];
	_cleanup_free_ char *path = NULL;

	if (d->opened)
		return d->dw;
	d->opened = true;
	d->fd = -1;
	elf_version(EV_CURRENT);
	if (data->map)
		d->elf = elf_memory((char *)(uintptr_t)data->map, data->map_size);
	if (d->elf && is_bearable(d->elf, p->max_unpacked))
		d->dw = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	if (d->dw)
		return d->dw;
	elf_end(d->elf);
	d->elf = NULL;
	path = nec_lookup_debug_file(p->image, objfile);
	d->fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (d->fd >= 0)
		d->elf = elf_begin(d->fd, ELF_C_READ_MMAP, NULL);
	if (d->elf && is_bearable(d->elf, p->max_unpacked))
		d->dw = dwarf_begin_elf(d->elf, DWARF_C_READ, NULL);
	return d->dw;
}

/* The unit that covers an address, by the table of addresses, else (clang writes none) one by one.
 */
static bool find_unit(Dwarf *dw, uint64_t vaddr, Dwarf_Die *ret)
{
	Dwarf_Off off = 0, next;
	size_t head;

	if (dwarf_addrdie(dw, vaddr, ret))
		return true;
	for (; !dwarf_nextcu(dw, off, &next, &head, NULL, NULL, NULL); off = next)
		if (dwarf_offdie(dw, off + head, ret) && dwarf_haspc(ret, vaddr) > 0)
			return true;
	return false;
}

/* The function of a unit that covers an address; those of C++ may lie in namespaces. */
static bool find_function(Dwarf_Die *unit, uint64_t vaddr, Dwarf_Die *ret)
{
	Dwarf_Die spaces[MAX_NAMESPACES] = {*unit}, die;
	unsigned int count = 1, looked = 0;

	while (count > 0) {
		Dwarf_Die space = spaces[--count];

		if (dwarf_child(&space, &die))
			continue;
		do {
			int tag = dwarf_tag(&die);

			if (tag == DW_TAG_subprogram && dwarf_haspc(&die, vaddr) > 0) {
				*ret = die;
				return true;
			}
			if (tag == DW_TAG_namespace && count < MAX_NAMESPACES)
				spaces[count++] = die;
		} while (++looked < MAX_CHILDREN && !dwarf_siblingof(&die, &die));
	}
	return false;
}

/* The scope in a scope that covers an address: a block, or an inlined function. */
static bool find_inner(Dwarf_Die *scope, uint64_t vaddr, Dwarf_Die *ret)
{
	unsigned int looked = 0;

	if (dwarf_child(scope, ret))
		return false;
	do {
		int tag = dwarf_tag(ret);

		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    dwarf_haspc(ret, vaddr) > 0)
			return true;
	} while (++looked < MAX_CHILDREN && !dwarf_siblingof(ret, ret));
	return false;
}

static uint64_t number(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, &value) ? value : 0;
}

/* Where an inlined function was called. */
static void call_site(Dwarf_Die *unit, Dwarf_Die *inlined, struct nec_place *place)
{
	Dwarf_Files *files;
	size_t count;
	uint64_t line = number(inlined, DW_AT_call_line), file = number(inlined, DW_AT_call_file);

	place->line = line <= INT32_MAX ? (int32_t)line : 0;
	if (!dwarf_getsrcfiles(unit, &files, &count) && file < count)
		place->file = dwarf_filesrc(files, file, NULL, NULL);
}

/*
 * Functions, files and lines of an address by the debug information, innermost first; 0: none.
 */
static uint32_t read_debug(struct nec_places *p, uint32_t objfile, uint64_t vaddr,
			   struct nec_place list[MAX_INLINED])
{
	Dwarf *dw = open_debug(p, objfile);
	Dwarf_Die unit, scope, scopes[MAX_INLINED];
	uint32_t count = 0, i;
	Dwarf_Line *line;
	int number_of_line;

	if (!dw || !find_unit(dw, vaddr, &unit) || !find_function(&unit, vaddr, &scope))
		return 0;
	scopes[count++] = scope;
	while (find_inner(&scope, vaddr, &scope)) {
		if (dwarf_tag(&scope) != DW_TAG_inlined_subroutine)
			continue;
		if (count == MAX_INLINED)
			break;
		scopes[count++] = scope;
	}
	for (i = 0; i < count; i++) {
		struct nec_place *place = &list[i];
		Dwarf_Die *own = &scopes[count - 1 - i];

		*place = (struct nec_place){.function = dwarf_diename(own),
					    .inlined = i + 1 < count};
		if (i)
			call_site(&unit, own + 1, place);
	}
	line = dwarf_getsrc_die(&unit, vaddr);
	if (line) {
		list[0].file = dwarf_linesrc(line, NULL, NULL);
		if (!dwarf_lineno(line, &number_of_line))
			list[0].line = number_of_line;
	}
	return count;
}

/* Unpacked in some hundredths of a second. */
enum { HURRY_UNPACKED = 8 << 20 };

void nec_places_hurry(struct nec_places *places, uint32_t objfile)
{
	places->max_unpacked = HURRY_UNPACKED;
	if (objfile < places->image->objfile_count)
		places->debug[objfile] = (struct debug){.opened = true, .fd = -1};
}

/* ---- what is kept
 * ---------------------------------------------------------------------------------------------- */

static struct known *find_slot(const struct nec_places *p, uint64_t addr)
{
	uint32_t mask = p->slots - 1;
	uint32_t i = (uint32_t)(addr * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;

	while (p->known[i].addr && p->known[i].addr != addr)
		i = (i + 1) & mask;
	return &p->known[i];
}

static struct nec_error *grow_slots(struct nec_places *p)
{
	struct nec_places bigger = *p;
	uint32_t i;

	bigger.slots = p->slots ? p->slots * 2 : 256;
	bigger.known = calloc(bigger.slots, sizeof(*bigger.known));
	if (!bigger.known)
		return &nec_enomem;
	for (i = 0; i < p->slots; i++)
		if (p->known[i].addr)
			*find_slot(&bigger, p->known[i].addr) = p->known[i];
	free(p->known);
	*p = bigger;
	return NULL;
}

/* "os_read.lto_priv.0", "f.cold", "f.isra.0": a part or a copy of the function before the dot, and no name of its own in the source. */
static const char *source_name(struct nec_places *p, const char *symbol)
{
	const char *dot = strchr(symbol, '.');

	if (!dot || dot == symbol || nec_image_grow((void **)&p->names, &p->name_capacity, p->name_count, sizeof(*p->names)))
		return symbol;
	p->names[p->name_count] = strndup(symbol, (size_t)(dot - symbol));
	return p->names[p->name_count] ? p->names[p->name_count++] : symbol;
}

static uint32_t look_up(struct nec_places *p, uint64_t addr, struct nec_place list[MAX_INLINED])
{
	uint32_t objfile = nec_image_objfile_at(p->image, addr), count = 0, i;
	const struct nec_objfile *obj;
	uint64_t start;

	if (objfile == UINT32_MAX) {
		list[0] = (struct nec_place){.objfile = UINT32_MAX};
		return 1;
	}
	obj = &p->image->objfiles[objfile];
	count = read_debug(p, objfile, addr - obj->bias, list);
	if (!count) {
		list[count++] = (struct nec_place){0};
		list[0].function = nec_image_symbol_at(p->image, addr, &list[0].function, &start) ? source_name(p, list[0].function) : NULL;
	}
	for (i = 0; i < count; i++) {
		list[i].library = obj->path;
		list[i].objfile = objfile;
	}
	return count;
}

struct nec_error *nec_places_find(struct nec_places *p, uint64_t addr,
				  const struct nec_place **list_ret, uint32_t *count_ret)
{
	struct nec_place list[MAX_INLINED];
	struct known *slot;
	uint32_t count, i;

	if (!p->slots || p->known_count * 2 >= p->slots)
		NEC_TRY(grow_slots(p));
	slot = find_slot(p, addr);
	if (!slot->addr || !addr) {
		count = look_up(p, addr, list);
		*slot = (struct known){addr, p->count, count};
		p->known_count += addr != 0;
		for (i = 0; i < count; i++) {
			NEC_TRY(nec_image_grow((void **)&p->items, &p->capacity, p->count,
					       sizeof(*p->items)));
			p->items[p->count++] = list[i];
		}
	}
	*list_ret = &p->items[slot->first];
	*count_ret = slot->count;
	return NULL;
}
