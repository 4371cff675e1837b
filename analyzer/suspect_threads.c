/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rule "thread": a thread whose frames alone keep a large share of the heap alive, and no single
 * local variable does: a recursion that carries something along, a worker that is stuck in the
 * middle of its work. Where one object holds most of it, the rule about holders has named that.
 */
#include "suspects.h"

enum { MAX_CLIMB = 1000 }; /* dominators above the subject of a finding */

/* The object that alone holds addr and has no such holder itself; 0: there is none in reach. */
static struct nec_error *find_top(struct nec_suspects *s, uint64_t addr, uint64_t *top_ret)
{
	uint64_t idom;
	bool row;
	int i;

	*top_ret = 0;
	for (i = 0; i < MAX_CLIMB; i++) {
		nec_query_reset(s->object);
		NEC_TRY(nec_query_bind_int(s->object, ":addr", (int64_t)addr));
		NEC_TRY(nec_query_step(s->object, &row));
		idom = row ? (uint64_t)nec_query_int(s->object, 0) : 0;
		nec_query_reset(s->object);
		if (!idom) {
			*top_ret = addr;
			return NULL;
		}
		addr = idom;
	}
	return NULL;
}

static struct nec_error *is_of_thread(struct nec_suspects *s, int64_t thread, uint64_t addr,
				      bool *ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	uint64_t top;
	bool row;

	NEC_TRY(find_top(s, addr, &top));
	NEC_TRY(nec_query_named(s->db, "suspect_of_thread", &query));
	NEC_TRY(nec_query_bind_int(query, ":id", thread));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)top));
	NEC_TRY(nec_query_step(query, &row));
	*ret = row && nec_query_int(query, 0);
	return NULL;
}

/* What other findings say about what the thread retains. */
static struct nec_error *count_said(struct nec_suspects *s, int64_t thread, int64_t *bytes_ret)
{
	const struct nec_findings *found = s->found;
	bool of_thread;
	uint32_t i;

	*bytes_ret = 0;
	for (i = 0; i < found->count; i++) {
		if (!found->items[i].addr)
			continue;
		NEC_TRY(is_of_thread(s, thread, found->items[i].addr, &of_thread));
		if (of_thread && found->items[i].bytes > *bytes_ret)
			*bytes_ret = found->items[i].bytes;
	}
	return NULL;
}

static struct nec_error *add_thread(struct nec_suspects *s, const struct nec_query *row)
{
	_cleanup_(nec_text_deinit) struct nec_text title = {0}, detail = {0}, name = {0};
	int64_t retained = nec_query_int(row, 2), frames = nec_query_int(row, 3);
	uint64_t addr = (uint64_t)nec_query_int(row, 4);

	nec_text_printf(&title, "thread %s alone keeps ", nec_query_text(row, 1, NULL));
	nec_suspects_share(s, &title, retained);
	nec_text_puts(&title, " of the heap alive, in the locals of ");
	nec_text_count(&title, frames);
	nec_text_puts(&title, frames == 1 ? " frame" : " frames");
	if (addr) {
		NEC_TRY(nec_suspects_name(s, addr, &name, &detail));
		nec_text_printf(&detail, " That is %s, the largest of them; ", nec_text_str(&name));
	}
	nec_text_size(&detail, retained);
	nec_text_puts(&detail,
		      " would go when the thread ends. The command threads shows where it is, and "
		      "what each local keeps alive.");
	return nec_suspects_add(s, "thread", &title, &detail, retained, addr);
}

struct nec_error *nec_suspects_threads(struct nec_suspects *s)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	int64_t said;
	bool row;

	NEC_TRY(nec_query_named(s->db, "suspect_threads", &query));
	NEC_TRY(nec_query_bind_int(query, ":least", s->large));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			return NULL;
		NEC_TRY(count_said(s, nec_query_int(query, 0), &said));
		if (nec_query_int(query, 2) / 2 > said)
			NEC_TRY(add_thread(s, query));
	}
}
