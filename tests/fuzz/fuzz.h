/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzing a reader of facts. A target is a file of two lines: FUZZ_FORMAT names the reader, and
 * this header makes LLVMFuzzerTestOneInput of it. Built with clang -fsanitize=fuzzer it fuzzes;
 * linked with fuzz_main.c it runs over given files and over damaged copies of them, which is what
 * `make check` does.
 */
#ifndef NEC_TESTS_FUZZ_H
#define NEC_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "fact.h"
#include "formats/format.h"
#include "formats/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a fact promises whatever the file says; a broken promise is a crash. */
static inline void fuzz_check_text(const char *s)
{
	if (s && strlen(s) > 1 << 20)
		abort();
}

static inline void fuzz_check_fact(const struct nec_fact *fact, uint32_t *types, uint32_t *strings)
{
	uint32_t i;

	switch (fact->kind) {
	case NEC_FACT_TYPE:
		if (fact->type.id != (*types)++ || !fact->type.name)
			abort();
		fuzz_check_text(fact->type.name);
		break;
	case NEC_FACT_STRING:
		if (fact->string.id != (*strings)++)
			abort();
		fuzz_check_text(fact->string.text);
		break;
	case NEC_FACT_OBJECT:
		if (fact->object.type >= *types || !fact->object.addr || fact->object.size < 0)
			abort();
		break;
	case NEC_FACT_VALUE:
		if (strlen(fact->value.text) != fact->value.len)
			abort();
		break;
	case NEC_FACT_REFERENCES:
		for (i = 0; i < fact->references.count; i++) {
			const struct nec_ref *ref = &fact->references.refs[i];

			if (ref->label_kind == NEC_LABEL_STRING && ref->label >= *strings)
				abort();
		}
		break;
	case NEC_FACT_CENSUS:
		fuzz_check_text(fact->census.name);
		fuzz_check_text(fact->census.kind);
		break;
	case NEC_FACT_META:
		fuzz_check_text(fact->meta.key);
		fuzz_check_text(fact->meta.value);
		break;
	case NEC_FACT_WARNING:
		fuzz_check_text(fact->warning.message);
		break;
	default:
		break;
	}
}

static inline int fuzz_format(const struct nec_format *format, const uint8_t *data, size_t size)
{
	struct nec_load_options options = {.output = "/tmp/fuzz.db"};
	struct nec_source *source = NULL;
	struct nec_input *input = NULL;
	struct nec_error *err;
	struct nec_fact fact = {.kind = NEC_FACT_END};
	uint32_t types = 0, strings = 0;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	format->bid(data, size, "fuzz.dat");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = nec_input_open(path, "/tmp", NULL, &input);
	if (!err)
		err = format->open(input, &options, &source);
	while (!err && !(err = source->next(source, &fact)) && fact.kind != NEC_FACT_END)
		fuzz_check_fact(&fact, &types, &strings);
	if (source)
		source->close(source);
	nec_error_destroy(err);
	close(fd);
	return 0;
}

#define FUZZ_TARGET(format)                                                                        \
	extern const struct nec_format format;                                                     \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                               \
	{                                                                                          \
		return fuzz_format(&format, data, size);                                           \
	}

#endif
