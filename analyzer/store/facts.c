/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts as rows, values and packed references: what is called while a dump is read. See store.h. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "store/rows.h"
#include "store/writer.h"

/* Bytes of a value: a preview is that many characters, and a character at most four bytes. */
enum { MAX_VALUE = 4 * NEC_LIMIT_PREVIEW };

static struct nec_error *put_warning(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_text(f->warning.stage),
		nec_cell_addr(f->warning.addr),
		nec_cell_text(f->warning.message ? f->warning.message : ""),
	};

	return nec_rows_put(store, NEC_ROW_WARNING, cells);
}

static struct nec_error *put_mapping(struct nec_store *store, const struct nec_fact *f)
{
	/* As Elf64_Phdr.p_flags has them. */
	const char perms[] = {f->mapping.perms & 4 ? 'r' : '-', f->mapping.perms & 2 ? 'w' : '-',
			      f->mapping.perms & 1 ? 'x' : '-', '\0'};
	const struct nec_cell cells[] = {
		nec_cell_int((int64_t)f->mapping.start),
		nec_cell_int((int64_t)f->mapping.end),
		nec_cell_int((int64_t)(f->mapping.end - f->mapping.start)),
		nec_cell_text(perms),
		nec_cell_text(f->mapping.path),
		nec_cell_text(f->mapping.kind),
		nec_cell_int((int64_t)f->mapping.dumped),
		nec_cell_int((int64_t)f->mapping.missing),
		nec_cell_int((int64_t)f->mapping.into),
	};

	return nec_rows_put(store, NEC_ROW_MAPPING, cells);
}

static struct nec_error *put_type(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_int(f->type.id),
		nec_cell_addr(f->type.addr),
		nec_cell_text(f->type.name ? f->type.name : "?"),
		nec_cell_text(f->type.module),
		nec_cell_known(f->type.basicsize),
		nec_cell_known(f->type.itemsize),
		nec_cell_int((int64_t)f->type.flags),
		nec_cell_addr(f->type.base),
		nec_cell_text(f->type.visitor),
	};

	if (f->type.id >= NEC_LIMIT_TYPES)
		return nec_error_create(NEC_ERR_LIMIT, "type %u: more than %llu types", f->type.id,
					(unsigned long long)NEC_LIMIT_TYPES);
	if (f->type.id >= store->type_count)
		store->type_count = f->type.id + 1;
	return nec_rows_put(store, NEC_ROW_TYPE, cells);
}

static struct nec_error *put_thread(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_int(f->thread.id),
		nec_cell_addr(f->thread.tid),
		nec_cell_addr(f->thread.ident),
		nec_cell_addr(f->thread.addr),
		nec_cell_text(f->thread.name),
		nec_cell_text(f->thread.state),
		nec_cell_text(f->thread.gil),
		nec_cell_known(f->thread.daemon < 0 ? NEC_UNKNOWN : f->thread.daemon),
		nec_cell_int(f->thread.interpreter),
		nec_cell_text(f->thread.exception),
		nec_cell_addr(f->thread.exception_addr),
	};

	return nec_rows_put(store, NEC_ROW_THREAD, cells);
}

static struct nec_error *put_traceback(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_int(f->traceback.thread),
		nec_cell_int(f->traceback.depth),
		nec_cell_text(f->traceback.function),
		nec_cell_text(f->traceback.qualname),
		nec_cell_text(f->traceback.file),
		nec_cell_known(f->traceback.line > 0 ? f->traceback.line : NEC_UNKNOWN),
	};

	return nec_rows_put(store, NEC_ROW_TRACEBACK, cells);
}

static struct nec_error *put_frame(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_int(f->frame.thread),
		nec_cell_int(f->frame.depth),
		nec_cell_text(f->frame.kind),
		nec_cell_text(f->frame.function),
		nec_cell_text(f->frame.qualname),
		nec_cell_text(f->frame.file),
		nec_cell_text(f->frame.library),
		nec_cell_known(f->frame.line > 0 ? f->frame.line : NEC_UNKNOWN),
		nec_cell_known(f->frame.column > 0 ? f->frame.column : NEC_UNKNOWN),
		nec_cell_addr(f->frame.addr),
		nec_cell_addr(f->frame.code),
	};

	return nec_rows_put(store, NEC_ROW_FRAME, cells);
}

static struct nec_error *put_local(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_int(f->local.thread), nec_cell_int(f->local.depth),
		nec_cell_text(f->local.name),  nec_cell_addr(f->local.addr),
		nec_cell_text(f->local.text),
	};

	return nec_rows_put(store, NEC_ROW_LOCAL, cells);
}

static struct nec_error *put_task(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_addr(f->task.addr),
		nec_cell_text(f->task.kind),
		nec_cell_text(f->task.name),
		nec_cell_text(f->task.state),
		nec_cell_addr(f->task.loop),
		nec_cell_known(f->task.thread == UINT32_MAX ? NEC_UNKNOWN : f->task.thread),
		nec_cell_addr(f->task.coro),
		nec_cell_text(f->task.waits),
		nec_cell_addr(f->task.waits_for),
	};

	return nec_rows_put(store, NEC_ROW_TASK, cells);
}

static struct nec_error *put_task_frame(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_addr(f->task_frame.task),
		nec_cell_int(f->task_frame.depth),
		nec_cell_text(f->task_frame.function),
		nec_cell_text(f->task_frame.qualname),
		nec_cell_text(f->task_frame.file),
		nec_cell_known(f->task_frame.line > 0 ? f->task_frame.line : NEC_UNKNOWN),
		nec_cell_addr(f->task_frame.addr),
		nec_cell_addr(f->task_frame.code),
	};

	return nec_rows_put(store, NEC_ROW_TASK_FRAME, cells);
}

static struct nec_error *put_sample(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_addr(f->sample.pid),  nec_cell_real(f->sample.time),
		nec_cell_text(f->sample.name), nec_cell_known(f->sample.value),
		nec_cell_text(f->sample.unit),
	};

	return nec_rows_put(store, NEC_ROW_SAMPLE, cells);
}

static struct nec_error *put_mark(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_real(f->mark.start),
		nec_cell_real(f->mark.end),
		nec_cell_text(f->mark.name),
		nec_cell_known(f->mark.bytes_start),
		nec_cell_known(f->mark.bytes_end),
		nec_cell_known(f->mark.level < 0 ? NEC_UNKNOWN : f->mark.level),
	};

	return nec_rows_put(store, NEC_ROW_MARK, cells);
}

static struct nec_error *put_arena(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_text(f->arena.kind),
		nec_cell_int(f->arena.number),
		nec_cell_addr(f->arena.start),
		nec_cell_known(f->arena.bytes),
		nec_cell_known(f->arena.used),
		nec_cell_known(f->arena.used_count),
		nec_cell_known(f->arena.free),
		nec_cell_known(f->arena.free_count),
		nec_cell_known(f->arena.cached),
		nec_cell_known(f->arena.cached_count),
		nec_cell_known(f->arena.whole),
		nec_cell_known(f->arena.release),
		nec_cell_addr(f->arena.last),
	};

	return nec_rows_put(store, NEC_ROW_ARENA, cells);
}

static struct nec_error *put_finding(struct nec_store *store, const struct nec_fact *f)
{
	const struct nec_cell cells[] = {
		nec_cell_text(f->finding.rule),   nec_cell_text(f->finding.title),
		nec_cell_text(f->finding.detail), nec_cell_known(f->finding.bytes),
		nec_cell_addr(f->finding.addr),
	};

	return nec_rows_put(store, NEC_ROW_FINDING, cells);
}

/*
 * Values go out in blocks of ascending addresses, for SQLite appends quickly and inserts slowly.
 * What comes out of order is kept in a temporary file and inserted at the end, sorted.
 */
static struct nec_error *put_value(struct nec_store *store, const struct nec_fact *f)
{
	const uint8_t *text = (const uint8_t *)f->value.text;
	uint32_t len = (uint32_t)nec_rows_text_size(text, f->value.len, MAX_VALUE);
	size_t need = 12 + (size_t)len;
	struct nec_block *block = store->current_values;
	uint8_t *p;

	/* Signed, as SQLite compares. */
	if (store->any_value && (int64_t)f->value.addr <= (int64_t)store->last_value) {
		const struct nec_late late = {f->value.addr, store->late.size};

		NEC_TRY(nec_tmparray_append(&store->late_index, &late, sizeof(late)));
		NEC_TRY(nec_tmparray_resize(&store->late, store->late.size + need));
		p = (uint8_t *)store->late.data + late.off;
	} else {
		if (block && need > NEC_BLOCK_SIZE - block->size) {
			store->current_values = NULL;
			NEC_TRY(nec_writer_send(store, block));
			block = NULL;
		}
		if (!block) {
			NEC_TRY(nec_writer_block(store, NEC_BLOCK_VALUES, &block));
			store->current_values = block;
		}
		p = block->data + block->size;
		block->size += need;
		store->any_value = true;
		store->last_value = f->value.addr;
	}
	memcpy(p, &f->value.addr, 8);
	memcpy(p + 8, &len, 4);
	nec_rows_text_copy(p + 12, len, text, f->value.len);
	return NULL;
}

struct nec_error *nec_store_put(struct nec_store *store, const struct nec_fact *f)
{
	switch (f->kind) {
	case NEC_FACT_END:
	case NEC_FACT_EXTENT:
	case NEC_FACT_OBJECT:
	case NEC_FACT_REFERENCES:
		return NULL;
	case NEC_FACT_META:
		return nec_rows_put(store, NEC_ROW_META,
				    (const struct nec_cell[]){nec_cell_text(f->meta.key),
							      nec_cell_text(f->meta.value)});
	case NEC_FACT_WARNING:
		return put_warning(store, f);
	case NEC_FACT_MAPPING:
		return put_mapping(store, f);
	case NEC_FACT_MEMORY:
		return nec_rows_put(store, NEC_ROW_MEMORY,
				    (const struct nec_cell[]){nec_cell_text(f->memory.category),
							      nec_cell_text(f->memory.area),
							      nec_cell_known(f->memory.bytes),
							      nec_cell_known(f->memory.count)});
	case NEC_FACT_STRING:
		return nec_rows_put(store, NEC_ROW_LABEL,
				    (const struct nec_cell[]){nec_cell_int(f->string.id),
							      nec_cell_text(f->string.text)});
	case NEC_FACT_TYPE:
		return put_type(store, f);
	case NEC_FACT_VALUE:
		return put_value(store, f);
	case NEC_FACT_ROOT:
		return nec_rows_put(store, NEC_ROW_ROOT,
				    (const struct nec_cell[]){nec_cell_addr(f->root.addr),
							      nec_cell_text(f->root.kind),
							      nec_cell_text(f->root.label),
							      nec_cell_int(f->root.doubt)});
	case NEC_FACT_THREAD:
		return put_thread(store, f);
	case NEC_FACT_TRACEBACK:
		return put_traceback(store, f);
	case NEC_FACT_FRAME:
		return put_frame(store, f);
	case NEC_FACT_LOCAL:
		return put_local(store, f);
	case NEC_FACT_TASK:
		return put_task(store, f);
	case NEC_FACT_TASK_FRAME:
		return put_task_frame(store, f);
	case NEC_FACT_TASK_WAIT:
		return nec_rows_put(store, NEC_ROW_TASK_WAIT,
				    (const struct nec_cell[]){nec_cell_addr(f->task_wait.task),
							      nec_cell_addr(f->task_wait.awaited)});
	case NEC_FACT_CENSUS:
		return nec_rows_put(store, NEC_ROW_CENSUS,
				    (const struct nec_cell[]){nec_cell_int(f->census.series),
							      nec_cell_text(f->census.kind),
							      nec_cell_text(f->census.name),
							      nec_cell_known(f->census.count),
							      nec_cell_known(f->census.bytes)});
	case NEC_FACT_SAMPLE:
		return put_sample(store, f);
	case NEC_FACT_MARK:
		return put_mark(store, f);
	case NEC_FACT_FINDING:
		return put_finding(store, f);
	case NEC_FACT_LAYOUT:
		return nec_rows_put(store, NEC_ROW_LAYOUT,
				    (const struct nec_cell[]){nec_cell_text(f->layout.field),
							      nec_cell_known(f->layout.offset),
							      nec_cell_text(f->layout.source),
							      nec_cell_text(f->layout.disagrees)});
	case NEC_FACT_SPACE:
		return nec_rows_put(store, NEC_ROW_SPACE,
				    (const struct nec_cell[]){nec_cell_text(f->space.kind),
							      nec_cell_known(f->space.size),
							      nec_cell_known(f->space.count),
							      nec_cell_known(f->space.used),
							      nec_cell_known(f->space.bytes)});
	case NEC_FACT_ARENA:
		return put_arena(store, f);
	case NEC_FACT_PART:
		return nec_rows_put(store, NEC_ROW_PART,
				    (const struct nec_cell[]){nec_cell_addr(f->part.addr),
							      nec_cell_known(f->part.bytes),
							      nec_cell_addr(f->part.owner)});
	case NEC_FACT_LIMIT:
		return nec_rows_put(store, NEC_ROW_LIMIT,
				    (const struct nec_cell[]){nec_cell_text(f->limit.source),
							      nec_cell_text(f->limit.name),
							      nec_cell_text(f->limit.of),
							      nec_cell_known(f->limit.bytes),
							      nec_cell_text(f->limit.text)});
	}
	return NULL;
}

struct nec_error *nec_store_references(struct nec_store *store, uint32_t id, uint64_t addr,
				       uint32_t type, const struct nec_packed_ref *refs,
				       uint32_t count)
{
	if (!store->any_object || id != store->last_object)
		NEC_TRY(nec_pack_out_object(store->out, id, addr, type));
	store->any_object = true;
	store->last_object = id;
	return nec_pack_out_refs(store->out, refs, count);
}

struct nec_error *nec_store_stage(struct nec_store *store, const char *name, int64_t rows,
				  double seconds, int64_t peak_bytes)
{
	const struct nec_cell cells[] = {
		nec_cell_text(name),
		nec_cell_known(rows),
		nec_cell_real(seconds),
		nec_cell_known(peak_bytes),
	};

	return nec_rows_put(store, NEC_ROW_STAGE, cells);
}
