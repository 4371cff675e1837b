/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbols and sections of the ELF files of an image.
 *
 * Each objfile gets one table, made by the first question that needs it: .symtab and .dynsym of the
 * matching file, .symtab of its separate debug file where it was stripped, else of the small one
 * that distributions pack into .gnu_debugdata (MiniDebugInfo), and the .dynsym that the process
 * itself used, as far as the dump has it. Sorted by address, and a permutation of that sorted by
 * name.
 */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>

#include "image/lookup.h"
#include "image/memelf.h"
#include "image/private.h"

enum { MAX_NAME = 1 << 16 }; /* bytes: C++ names reach some KiB */

struct symbol {
	uint64_t addr;    /* in the process */
	uint64_t size;    /* bytes; 0: not known */
	const char *name; /* borrowed from the file or the dump */
	uint8_t rank;     /* of several at an address the greatest is shown */
};

struct nec_symbols {
	struct symbol *symbols; /* by addr, rank */
	uint32_t *by_name;      /* places in symbols */
	uint32_t count, capacity;
	Elf *file, *debug; /* NULL: none */
	int debug_fd;
	Dwfl *mini; /* owns names from .gnu_debugdata; NULL: none */
};

void nec_symbols_destroy(struct nec_symbols *symbols)
{
	if (!symbols)
		return;
	elf_end(symbols->file);
	elf_end(symbols->debug);
	dwfl_end(symbols->mini);
	if (symbols->debug_fd >= 0)
		close(symbols->debug_fd);
	free(symbols->symbols);
	free(symbols->by_name);
	free(symbols);
}

/* Functions and variables before markers, global before weak before local. */
static uint8_t symbol_rank(uint8_t info)
{
	static const uint8_t by_type[16] = {[STT_OBJECT] = 4, [STT_FUNC] = 4, [STT_GNU_IFUNC] = 4};
	static const uint8_t by_bind[16] = {[STB_GLOBAL] = 2, [STB_WEAK] = 1};

	return by_type[info & 15] + by_bind[info >> 4];
}

static struct nec_error *add_symbol(struct nec_symbols *s, const Elf64_Sym *sym, const char *name,
				    uint64_t bias)
{
	uint8_t type = sym->st_info & 15;

	if (!name || !*name || sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS)
		return NULL;
	if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC && type != STT_GNU_IFUNC)
		return NULL;
	NEC_TRY(nec_image_grow((void **)&s->symbols, &s->capacity, s->count, sizeof(*s->symbols)));
	s->symbols[s->count++] = (struct symbol){
		.addr = bias + sym->st_value,
		.size = sym->st_size,
		.name = name,
		.rank = symbol_rank(sym->st_info),
	};
	return NULL;
}

static struct nec_error *add_from_elf(struct nec_symbols *s, Elf *elf, uint64_t bias)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Data *data;
		GElf_Shdr sh;
		GElf_Sym sym;

		if (!gelf_getshdr(scn, &sh) ||
		    (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM))
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 1; data && gelf_getsym(data, i, &sym); i++)
			NEC_TRY(add_symbol(s, &sym, elf_strptr(elf, sh.sh_link, sym.st_name),
					   bias));
	}
	return NULL;
}

static struct nec_error *add_from_memory(struct nec_symbols *s, const struct nec_image *image,
					 const struct nec_elf *elf, uint64_t bias)
{
	struct nec_dynamic dyn;
	uint32_t count;

	if (!nec_memelf_dynamic(image, elf, bias, &dyn) || !dyn.symtab || !dyn.strtab)
		return NULL;
	count = nec_memelf_symbol_count(image, &dyn);
	for (uint32_t i = 1; i < count; i++) {
		const Elf64_Sym *p =
			nec_image_view(image, dyn.symtab + sizeof(*p) * (uint64_t)i, sizeof(*p));
		Elf64_Sym sym;

		if (!p)
			break;
		memcpy(&sym, p, sizeof(sym));
		if (sym.st_name >= dyn.strsz)
			continue;
		NEC_TRY(add_symbol(
			s, &sym, nec_image_cstr(image, dyn.strtab + sym.st_name, MAX_NAME), bias));
	}
	return NULL;
}

static int compare_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int compare_name(const void *a, const void *b, void *arg)
{
	const struct symbol *symbols = arg;
	const struct symbol *x = &symbols[*(const uint32_t *)a],
			    *y = &symbols[*(const uint32_t *)b];
	int order = strcmp(x->name, y->name);

	/* Of several of a name the global one first. */
	return order ? order : (int)y->rank - (int)x->rank;
}

static struct nec_error *sort_symbols(struct nec_symbols *s)
{
	uint32_t n = 0;

	if (!s->count)
		return NULL;
	qsort(s->symbols, s->count, sizeof(*s->symbols), compare_addr);
	/* The same one is in .symtab and in .dynsym. */
	for (uint32_t i = 0; i < s->count; i++) {
		struct symbol *last = n ? &s->symbols[n - 1] : NULL;

		if (last && last->addr == s->symbols[i].addr &&
		    !strcmp(last->name, s->symbols[i].name))
			last->size = last->size ? last->size : s->symbols[i].size;
		else
			s->symbols[n++] = s->symbols[i];
	}
	s->count = n;
	s->by_name = calloc(n, sizeof(*s->by_name));
	if (!s->by_name)
		return &nec_enomem;
	for (uint32_t i = 0; i < n; i++)
		s->by_name[i] = i;
	qsort_r(s->by_name, n, sizeof(*s->by_name), compare_name, s->symbols);
	return NULL;
}

static bool has_symtab(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

static bool has_section(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *have = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name)
							  : NULL;

		if (have && !strcmp(have, name))
			return true;
	}
	return false;
}

/* .gnu_debugdata is an ELF file, packed by xz: libdwfl unpacks it. */
static struct nec_error *add_from_mini(struct nec_symbols *s, const char *path, uint64_t bias)
{
	static char *no_path = NULL;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_build_id_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &no_path,
	};
	Dwfl_Module *module;
	GElf_Addr base = 0;
	int count, i;

	s->mini = dwfl_begin(&callbacks);
	module = s->mini ? dwfl_report_elf(s->mini, "", path, -1, 0, true) : NULL;
	if (!module || dwfl_report_end(s->mini, NULL, NULL) || !dwfl_module_getelf(module, &base))
		return NULL;
	count = dwfl_module_getsymtab(module);
	for (i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(module, i, &sym, &addr, &section, NULL,
							   NULL);

		if (!name)
			continue;
		sym.st_value = addr - base;
		NEC_TRY(add_symbol(s, &sym, name, bias));
	}
	return NULL;
}

static struct nec_error *fill(struct nec_symbols *s, const struct nec_image *image, uint32_t i)
{
	const struct nec_objfile_data *data = &image->objfile_data[i];
	uint64_t bias = image->objfiles[i].bias;

	elf_version(EV_CURRENT);
	if (data->map) {
		s->file = elf_memory((char *)(uintptr_t)data->map, data->map_size);
		if (s->file)
			NEC_TRY(add_from_elf(s, s->file, bias));
	} else {
		NEC_TRY(add_from_memory(s, image, &data->elf, bias));
	}
	/* A debug file has the build id of its program, so it is as good where the program itself
	 * is gone. */
	if (!s->file || !has_symtab(s->file)) {
		_cleanup_free_ char *path = nec_lookup_debug_file(image, i);

		s->debug_fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		if (s->debug_fd >= 0)
			s->debug = elf_begin(s->debug_fd, ELF_C_READ_MMAP, NULL);
		if (s->debug)
			NEC_TRY(add_from_elf(s, s->debug, bias));
		else if (s->file && has_section(s->file, ".gnu_debugdata"))
			NEC_TRY(add_from_mini(s, image->objfiles[i].found, bias));
	}
	return sort_symbols(s);
}

/* The table of an objfile, made when it is not there yet. */
static struct nec_error *get_symbols(const struct nec_image *image, uint32_t i,
				     const struct nec_symbols **ret)
{
	struct nec_objfile_data *data = &image->objfile_data[i];
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&image->lock;
	struct nec_symbols *s = __atomic_load_n(&data->symbols, __ATOMIC_ACQUIRE);
	struct nec_error *err = NULL;

	if (s) {
		*ret = s;
		return NULL;
	}
	pthread_mutex_lock(lock);
	s = data->symbols;
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (s)
			s->debug_fd = -1;
		err = s ? fill(s, image, i) : &nec_enomem;
		if (err) {
			nec_symbols_destroy(s);
			s = NULL;
		}
		__atomic_store_n(&data->symbols, s, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(lock);
	*ret = s;
	return err;
}

static const struct symbol *find_by_name(const struct nec_symbols *s, const char *name)
{
	uint32_t lo = 0, hi = s->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->symbols[s->by_name[mid]].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < s->count && !strcmp(s->symbols[s->by_name[lo]].name, name))
		return &s->symbols[s->by_name[lo]];
	return NULL;
}

struct nec_error *nec_image_symbol(const struct nec_image *image, uint32_t objfile,
				   const char *name, uint64_t *addr_ret, uint64_t *size_ret)
{
	uint32_t first = objfile == UINT32_MAX ? 0 : objfile;
	uint32_t last = objfile == UINT32_MAX ? image->objfile_count : objfile + 1;

	for (uint32_t i = first; i < last && i < image->objfile_count; i++) {
		const struct nec_symbols *s;
		const struct symbol *found;

		NEC_TRY(get_symbols(image, i, &s));
		found = find_by_name(s, name);
		if (!found)
			continue;
		*addr_ret = found->addr;
		if (size_ret)
			*size_ret = found->size;
		return NULL;
	}
	return nec_error_create(NEC_ERR_NOTFOUND, "no symbol %s", name);
}

bool nec_image_symbol_at(const struct nec_image *image, uint64_t addr, const char **name_ret,
			 uint64_t *start_ret)
{
	uint32_t i = nec_image_objfile_at(image, addr), lo = 0, hi;
	const struct nec_symbols *s;
	struct nec_error *err;

	if (i == UINT32_MAX)
		return false;
	err = get_symbols(image, i, &s);
	if (err) {
		nec_error_destroy(err);
		return false;
	}
	hi = s->count;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Small symbols may lie inside a large one: look back over some that end too early. */
	for (int back = 0; lo > 0 && back < 16; back++, lo--) {
		const struct symbol *symbol = &s->symbols[lo - 1];

		/* Assembler leaves the size out: such a one reaches as far as the next. */
		if (symbol->size ? addr - symbol->addr < symbol->size : back == 0) {
			*name_ret = symbol->name;
			*start_ret = symbol->addr;
			return true;
		}
	}
	return false;
}

/* Under the lock: libelf fills in what it reads. */
static bool find_section(Elf *elf, const char *name, GElf_Shdr *ret)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *have;

		if (!gelf_getshdr(scn, ret) || !(ret->sh_flags & SHF_ALLOC))
			continue;
		have = elf_strptr(elf, names, ret->sh_name);
		if (have && !strcmp(have, name))
			return true;
	}
	return false;
}

struct nec_error *nec_image_section(const struct nec_image *image, uint32_t objfile,
				    const char *name, uint64_t *addr_ret, uint64_t *size_ret)
{
	uint32_t first = objfile == UINT32_MAX ? 0 : objfile;
	uint32_t last = objfile == UINT32_MAX ? image->objfile_count : objfile + 1;
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&image->lock;

	for (uint32_t i = first; i < last && i < image->objfile_count; i++) {
		const struct nec_symbols *s;
		GElf_Shdr sh;
		bool found;

		NEC_TRY(get_symbols(image, i, &s));
		pthread_mutex_lock(lock);
		found = find_section(s->file, name, &sh) || find_section(s->debug, name, &sh);
		pthread_mutex_unlock(lock);
		if (!found)
			continue;
		*addr_ret = image->objfiles[i].bias + sh.sh_addr;
		*size_ret = sh.sh_size;
		return NULL;
	}
	return nec_error_create(NEC_ERR_NOTFOUND, "no section %s", name);
}
