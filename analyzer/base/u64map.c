/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hash map of 64-bit numbers; see u64map.h. */
#include <string.h>
#include <sys/random.h>

#include "base/u64map.h"

enum { FIRST_SLOTS = 1 << 12 };

static uint64_t slot_of(const struct nec_u64map *map, uint64_t key)
{
	uint64_t h = key * map->secret;

	return (h ^ h >> 32) & (map->slots - 1);
}

/* The slot that has key, or the free one where it belongs. */
static uint64_t probe(const struct nec_u64map *map, uint64_t key)
{
	const uint64_t *keys = map->keys.data;
	uint64_t slot = slot_of(map, key);

	while (keys[slot] && keys[slot] != key)
		slot = (slot + 1) & (map->slots - 1);
	return slot;
}

static struct nec_error *make_table(struct nec_u64map *map, uint64_t slots)
{
	struct nec_error *err;

	map->slots = slots;
	map->count = 0;
	NEC_TRY(nec_tmparray_init(&map->keys, map->dir));
	err = nec_tmparray_init(&map->values, map->dir);
	if (!err)
		err = nec_tmparray_resize(&map->keys, slots * sizeof(uint64_t));
	if (!err)
		err = nec_tmparray_resize(&map->values, slots * sizeof(uint32_t));
	return err;
}

struct nec_error *nec_u64map_init(struct nec_u64map *map, const char *dir)
{
	*map = (struct nec_u64map){.dir = dir};
	if (getrandom(&map->secret, sizeof(map->secret), GRND_NONBLOCK) != sizeof(map->secret))
		map->secret = UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)(uintptr_t)map;
	map->secret |= 1;
	return make_table(map, FIRST_SLOTS);
}

void nec_u64map_deinit(struct nec_u64map *map)
{
	nec_tmparray_deinit(&map->keys);
	nec_tmparray_deinit(&map->values);
	map->slots = map->count = 0;
}

uint32_t *nec_u64map_find(const struct nec_u64map *map, uint64_t key)
{
	uint64_t slot = probe(map, key);

	return ((const uint64_t *)map->keys.data)[slot] ? (uint32_t *)map->values.data + slot
							: NULL;
}

static void put(struct nec_u64map *map, uint64_t slot, uint64_t key, uint32_t value)
{
	((uint64_t *)map->keys.data)[slot] = key;
	((uint32_t *)map->values.data)[slot] = value;
	map->count++;
}

static struct nec_error *grow(struct nec_u64map *map)
{
	struct nec_u64map bigger = {.dir = map->dir, .secret = map->secret};
	struct nec_error *err = make_table(&bigger, map->slots * 2);
	const uint64_t *keys = map->keys.data;
	const uint32_t *values = map->values.data;
	uint64_t i;

	if (err) {
		nec_u64map_deinit(&bigger);
		return err;
	}
	for (i = 0; i < map->slots; i++) {
		if (keys[i])
			put(&bigger, probe(&bigger, keys[i]), keys[i], values[i]);
	}
	nec_u64map_deinit(map);
	*map = bigger;
	return NULL;
}

struct nec_error *nec_u64map_add(struct nec_u64map *map, uint64_t key, uint32_t value,
				 bool *added_ret)
{
	uint64_t slot = probe(map, key);

	*added_ret = !((uint64_t *)map->keys.data)[slot];
	if (!*added_ret)
		return NULL;
	if (map->count + 1 > map->slots / 3 * 2) {
		NEC_TRY(grow(map));
		slot = probe(map, key);
	}
	put(map, slot, key, value);
	return NULL;
}
