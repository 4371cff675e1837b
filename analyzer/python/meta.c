/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told of the process as a whole; see meta.h. */
#include "python/meta.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native/glibc.h"
#include "python/collector.h"

static void add(struct nec_python_meta *m, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct nec_python_meta *m, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *value;
	int n;

	if (m->count == NEC_PYTHON_META_ROWS)
		return;
	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	m->rows[m->count].key = key;
	m->rows[m->count++].value = value;
}

/* NUL-separated words as a person types them. */
static void add_cmdline(struct nec_python_meta *m, const struct nec_process *p)
{
	struct nec_text text = {.limit = 65536};
	size_t i;

	if (!p->cmdline) {
		if (p->psargs)
			add(m, "cmdline", "%s", p->psargs);
		return;
	}
	for (i = 0; i < p->cmdline_size; i++)
		nec_text_putc(&text, p->cmdline[i] ? p->cmdline[i] : i + 1 < p->cmdline_size ? ' ' : '\0');
	add(m, "cmdline", "%s", nec_text_str(&text));
	nec_text_deinit(&text);
}

static void add_collector(struct nec_python_meta *m, const struct nec_target *t)
{
	struct nec_collector c;

	nec_collector_read(t, &c);
	if (!c.found)
		return;
	add(m, "gc_enabled", "%d", c.enabled);
	add(m, "gc_collecting", "%d", c.collecting);
	if (c.generational) {
		add(m, "gc_thresholds", "%d %d %d", c.threshold[0], c.threshold[1], c.threshold[2]);
		add(m, "gc_counts", "%d %d %d", c.count[0], c.count[1], c.count[2]);
	}
	if (c.frozen >= 0)
		add(m, "gc_frozen", "%lld", (long long)c.frozen);
	add(m, "gc_keeps_finalizers", "%d", c.keeps);
	if (c.garbage)
		add(m, "gc_garbage", "%llu", (unsigned long long)c.garbage);
}

/* What the environment says of allocators; nothing else of it is kept. To add a variable: a line. */
static const struct {
	const char *variable, *key;
} settings[] = {
	{"MALLOC_ARENA_MAX", "malloc_arena_max"},
	{"MALLOC_TRIM_THRESHOLD_", "malloc_trim_threshold"},
	{"MALLOC_MMAP_THRESHOLD_", "malloc_mmap_threshold"},
	{"GLIBC_TUNABLES", "glibc_tunables"},
	{"PYTHONMALLOC", "pythonmalloc"},
};

static void add_settings(struct nec_python_meta *m, const struct nec_process *p)
{
	const char *at = p->environ_, *end = at ? at + p->environ_size : NULL, *next;
	size_t i, len;

	for (; at && at < end; at = next) {
		next = memchr(at, '\0', (size_t)(end - at));
		if (!next)
			return;
		for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
			len = strlen(settings[i].variable);
			if ((size_t)(next - at) > len && at[len] == '=' && memcmp(at, settings[i].variable, len) == 0)
				add(m, settings[i].key, "%.200s", at + len + 1);
		}
		next++;
	}
}

const char *nec_python_allocator(const struct nec_ledger *ledger)
{
	const struct nec_ledger_sum *sums = ledger->sums;

	if (ledger->heap->arena_count)
		return "pymalloc";
	if (ledger->heap->mi.segment_count)
		return "mimalloc";
	return sums[NEC_LEDGER_OBJECTS_MALLOC].count > ledger->walk->objects->count / 2 ? "malloc" : "";
}

void nec_python_meta_collect(struct nec_python_meta *m, const struct nec_ledger *ledger, const struct nec_threads *seen,
			     bool no_values)
{
	const struct nec_target *t = ledger->target;
	const struct nec_process *p = nec_image_process(t->image);
	const struct nec_completeness *c = nec_image_completeness(t->image);
	const struct nec_walk *w = ledger->walk;
	const struct nec_heap *heap = ledger->heap;
	const struct nec_malloc *malloc = ledger->malloc;
	static const struct {
		const char *count_key, *bytes_key;
	} uses[NEC_USES] = {
		[NEC_USE_OBJECT] = {"blocks_objects", "bytes_objects"},
		[NEC_USE_PART] = {"blocks_parts", "bytes_parts"},
		[NEC_USE_KEPT] = {"blocks_kept", "bytes_kept"},
		[NEC_USE_STATIC] = {"blocks_static", "bytes_static"},
		[NEC_USE_UNEXPLAINED] = {"blocks_unexplained", "bytes_unexplained"},
	};
	uint32_t threads, mappings, i;
	uint64_t missing = 0;

	nec_image_threads(t->image, &threads);
	nec_image_mappings(t->image, &mappings);
	for (i = 0; i < mappings; i++)
		missing += w->missing[i];
	add(m, "kinds", "objects,references,values,roots,types,mappings,threads");
	add(m, "arch", "%s", p->machine == EM_AARCH64 ? "aarch64" : "x86_64");
	if (p->pid) /* 0: the notes are behind the cut */
		add(m, "pid", "%u", p->pid);
	if (p->exe)
		add(m, "exe", "%s", p->exe);
	if (!no_values) /* arguments are payload: passwords are given so */
		add_cmdline(m, p);
	add_settings(m, p);
	if (p->writer)
		add(m, "writer", "%s", p->writer);
	if (p->pid || threads)
		add(m, "signal", "%d", p->signo);
	if (p->signo) {
		add(m, "signal_code", "%d", p->sigcode);
		add(m, "signal_address", "0x%llx", (unsigned long long)p->sigaddr);
		add(m, "signal_pid", "%u", p->sigpid);
	}
	if (seen->culprit)
		add(m, "died_in", "%s", seen->culprit);
	if (seen->culprit && *seen->culprit_caller)
		add(m, "died_called_by", "%s", seen->culprit_caller);
	add(m, "threads", "%u", threads);
	add(m, "python_version", "%s", t->version);
	add(m, "python_layout", "%s%s", t->layout.version, t->layout.abi);
	add(m, "abi", "%s", t->layout.abi);
	add(m, "python_strategy", "%s", t->strategy);
	add(m, "interpreters", "%u", t->interpreter_count);
	add_collector(m, t);
	add(m, "dump_expected_size", "%llu", (unsigned long long)c->expected_size);
	add(m, "memory_mapped", "%llu", (unsigned long long)c->mapped);
	add(m, "memory_dumped", "%llu", (unsigned long long)c->dumped);
	add(m, "memory_from_files", "%llu", (unsigned long long)c->from_files);
	add(m, "memory_missing", "%llu", (unsigned long long)c->missing);
	add(m, "missing_references", "%llu", (unsigned long long)missing);
	add(m, "memory_truncated", "%llu", (unsigned long long)c->truncated);
	if (*nec_python_allocator(ledger))
		add(m, "python_allocator", "%s", nec_python_allocator(ledger));
	add(m, "pymalloc_arenas", "%u", heap->arena_count);
	if (heap->mi.segment_count)
		add(m, "mimalloc_segments", "%u", heap->mi.segment_count);
	if (malloc->arena_count) {
		if (malloc->glibc)
			add(m, "malloc_layout", "glibc %s", malloc->glibc->releases);
		add(m, "malloc_arenas", "%u", malloc->arena_count);
	}
	if (malloc->said_mapped >= 0) {
		add(m, "malloc_mapped", "%lld", (long long)malloc->said_mapped);
		add(m, "malloc_mapped_bytes", "%lld", (long long)malloc->said_mapped_bytes);
	}
	add(m, "pymalloc_blocks", "%llu", (unsigned long long)heap->blocks_used);
	add(m, "pymalloc_bytes", "%llu", (unsigned long long)heap->bytes_used);
	for (i = 0; i < NEC_USES; i++) {
		add(m, uses[i].count_key, "%llu", (unsigned long long)ledger->blocks->count[i]);
		add(m, uses[i].bytes_key, "%llu", (unsigned long long)ledger->blocks->bytes[i]);
	}
	add(m, "freed_targets", "%llu", (unsigned long long)w->freed_targets);
}

void nec_python_meta_deinit(struct nec_python_meta *m)
{
	while (m->count)
		free(m->rows[--m->count].value);
}
