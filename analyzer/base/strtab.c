/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interned strings; see strtab.h. */
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"

/* FNV-1a; the table is small and its keys are names. */
static uint32_t hash_bytes(const char *s, size_t len)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

void nec_strtab_deinit(struct nec_strtab *tab)
{
	uint32_t i;

	for (i = 0; i < tab->count; i++)
		free(tab->strings[i]);
	free(tab->strings);
	free(tab->slots);
	*tab = (struct nec_strtab){0};
}

static struct nec_error *grow_slots(struct nec_strtab *tab)
{
	uint32_t count = tab->slot_count ? tab->slot_count * 2 : 64, i, h;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return &nec_enomem;
	for (i = 0; i < tab->count; i++) {
		h = hash_bytes(tab->strings[i], strlen(tab->strings[i]));
		while (slots[h & (count - 1)])
			h++;
		slots[h & (count - 1)] = i + 1;
	}
	free(tab->slots);
	tab->slots = slots;
	tab->slot_count = count;
	return NULL;
}

static struct nec_error *grow_strings(struct nec_strtab *tab)
{
	uint32_t capacity = tab->capacity ? tab->capacity * 2 : 64;
	char **strings = realloc(tab->strings, capacity * sizeof(*strings));

	if (!strings)
		return &nec_enomem;
	tab->strings = strings;
	tab->capacity = capacity;
	return NULL;
}

struct nec_error *nec_strtab_intern(struct nec_strtab *tab, const char *s, size_t len,
				    uint32_t *id_ret)
{
	uint32_t h, id;
	char *copy;

	len = strnlen(s, len); /* a name ends at its NUL, whatever the caller says */
	h = hash_bytes(s, len);
	if (tab->count * 2 >= tab->slot_count)
		NEC_TRY(grow_slots(tab));
	for (;; h++) {
		id = tab->slots[h & (tab->slot_count - 1)];
		if (!id)
			break;
		id--;
		if (!strncmp(tab->strings[id], s, len) && !tab->strings[id][len]) {
			*id_ret = id;
			return NULL;
		}
	}
	if (tab->count == tab->capacity)
		NEC_TRY(grow_strings(tab));
	copy = strndup(s, len);
	if (!copy)
		return &nec_enomem;
	tab->strings[tab->count] = copy;
	tab->slots[h & (tab->slot_count - 1)] = tab->count + 1;
	*id_ret = tab->count++;
	return NULL;
}
