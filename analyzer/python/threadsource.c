/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads alone as a source of facts: for who asks what they were doing and nothing else. */
#include <stdlib.h>

#include "python/python.h"
#include "python/threads.h"

struct thread_source {
	struct nec_source source;
	struct nec_target target;
	struct nec_types types;
	struct nec_threads threads;
};

static struct nec_error *next(struct nec_source *source, struct nec_fact *f)
{
	struct thread_source *s = (struct thread_source *)source;

	if (nec_threads_next(&s->threads, f))
		return NULL;
	f->kind = NEC_FACT_END;
	return s->types.failed || s->threads.failed || s->threads.text.failed ? &nec_enomem : NULL;
}

static void close_source(struct nec_source *source)
{
	struct thread_source *s = (struct thread_source *)source;

	nec_threads_deinit(&s->threads);
	nec_types_deinit(&s->types);
	nec_target_deinit(&s->target);
	free(s);
}

static struct nec_error *prepare(struct thread_source *s, const struct nec_image *image,
				 bool no_native, bool all_native)
{
	NEC_TRY(nec_target_init(&s->target, image, !all_native));
	NEC_TRY(nec_types_init(&s->types, &s->target));
	return nec_threads_init(&s->threads, &s->types, no_native);
}

struct nec_error *nec_python_open_threads(const struct nec_image *image,
					  const struct nec_load_options *options,
					  struct nec_source **source_ret)
{
	struct thread_source *s = calloc(1, sizeof(*s));
	struct nec_error *err;

	if (!s)
		return &nec_enomem;
	s->source = (struct nec_source){.next = next, .close = close_source};
	err = prepare(s, image, options && options->no_native, options && options->all_native);
	if (err) {
		close_source(&s->source);
		return err;
	}
	*source_ret = &s->source;
	return NULL;
}
