/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Static types by their signature; see signatures.h. The hash is FNV-1a (G. Fowler, L. C. Noll, P.
 * Vo). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "python/dict.h"
#include "python/signatures.h"
#include "python/str.h"

/* Characters of a docstring, keys of a type's dict: what is longer is no static type's. */
enum { MAX_DOC = 1 << 16, MAX_KEYS = 1024 };

/* Py_TPFLAGS_BASETYPE, _HAVE_GC, and the built-in it derives from */
#define SIGNATURE_FLAGS (UINT64_C(1) << 10 | UINT64_C(1) << 14 | UINT64_C(0xff) << 24)

static const struct {
	uint64_t hash;
	const char *name;
} signatures[] = {
#include "python/layouts/signatures.inc"
};

struct keys {
	char *names[MAX_KEYS]; /* owned */
	uint32_t count;
};

static uint64_t add(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static const uint64_t start = UINT64_C(0xcbf29ce484222325);

static const char *look_up(uint64_t hash)
{
	size_t lo = 0, hi = sizeof(signatures) / sizeof(signatures[0]);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (signatures[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < sizeof(signatures) / sizeof(signatures[0]) && signatures[lo].hash == hash
		       ? signatures[lo].name
		       : NULL;
}

/* By the signature alone, or by that of this version where it means something else in another. */
static const char *find(const struct nec_target *t, uint64_t hash)
{
	const char *name = look_up(hash);
	char text[48];

	if (name)
		return name;
	snprintf(text, sizeof(text), "%u.%u:%016llx", t->major, t->minor, (unsigned long long)hash);
	return look_up(add(start, text));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted keys of the dict, "-" alone where there is none; and its docstring, "" for none. False
 * when memory is short or odd. */
static bool read_dict(const struct nec_target *t, uint64_t addr, struct keys *keys, char **doc_ret)
{
	uint64_t key, value;
	struct nec_dict dict;

	*doc_ret = NULL;
	if (!addr) {
		keys->names[keys->count++] = strdup("-");
		*doc_ret = strdup("");
		return keys->names[0] && *doc_ret;
	}
	if (!nec_dict_read(t, addr, &dict))
		return false;
	while (nec_dict_next(&dict, &key, &value)) {
		char *name = keys->count < MAX_KEYS ? nec_str_dup(t, key, NEC_LIMIT_NAME) : NULL;

		if (!name)
			return false;
		keys->names[keys->count++] = name;
		if (strcmp(name, "__doc__"))
			continue;
		free(*doc_ret);
		*doc_ret = nec_str_dup(t, value, MAX_DOC);
		if (!*doc_ret)
			*doc_ret = strdup("-"); /* None */
	}
	if (!*doc_ret)
		*doc_ret = strdup("");
	qsort(keys->names, keys->count, sizeof(keys->names[0]), compare);
	return *doc_ret;
}

static uint64_t add_keys(uint64_t hash, const struct keys *keys)
{
	uint32_t i;

	for (i = 0; i < keys->count; i++) {
		hash = add(hash, i ? "," : "");
		hash = add(hash, keys->names[i]);
	}
	return hash;
}

/* Are there enough keys, and any that not every type has? */
static bool has_own_keys(const struct keys *keys)
{
	uint32_t i;

	for (i = 0; i < keys->count; i++)
		if (strncmp(keys->names[i], "__", 2))
			return keys->count > 3;
	return false;
}

/* An offset into instances, from behind their head: a debug build's head is longer. */
static int64_t without_head(int64_t off, int64_t head)
{
	return off > 0 ? off - head : off;
}

const char *nec_signature_name(const struct nec_target *t, uint64_t addr, bool *alike_ret)
{
	int64_t head = (int64_t)nec_off(t, NEC_SIZEOF_OBJECT),
		itemsize = (int64_t)nec_field(t, addr, NEC_F_TYPE_ITEMSIZE);
	struct keys *keys = calloc(1, sizeof(*keys));
	_cleanup_free_ char *doc = NULL;
	const char *name = NULL;
	char numbers[128];

	if (keys && read_dict(t, nec_type_dict(t, addr), keys, &doc)) {
		uint64_t hash;

		snprintf(numbers, sizeof(numbers), "%lld,%lld,%lld,%lld,%llu;",
			 (long long)nec_field(t, addr, NEC_F_TYPE_BASICSIZE) - (long long)head,
			 (long long)itemsize,
			 (long long)without_head((int64_t)nec_field(t, addr, NEC_F_TYPE_DICTOFFSET),
						 head),
			 (long long)without_head(
				 (int64_t)nec_field(t, addr, NEC_F_TYPE_WEAKLISTOFFSET), head),
			 (unsigned long long)(nec_field(t, addr, NEC_F_TYPE_FLAGS) &
					      SIGNATURE_FLAGS));
		hash = add(add_keys(add(start, numbers), keys), ";");
		name = find(t, add(hash, doc));
		if (!name && has_own_keys(keys)) {
			snprintf(numbers, sizeof(numbers), "k%lld;", (long long)itemsize);
			name = find(t, add_keys(add(start, numbers), keys));
		}
	}
	while (keys && keys->count)
		free(keys->names[--keys->count]);
	free(keys);
	*alike_ret = name && strstr(name, " or ");
	return name;
}
