/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named series of points; see course.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/course.h"

static uint64_t hash_text(uint64_t h, const char *s)
{
	do
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	while (*s++);
	return h;
}

static uint64_t hash_key(const char *kind, const char *name, const char *unit)
{
	return hash_text(hash_text(hash_text(UINT64_C(0xcbf29ce484222325), kind), name), unit);
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *find_slot(const struct nec_courses *c, const char *kind, const char *name,
			   const char *unit)
{
	uint64_t h = hash_key(kind, name, unit);

	for (;; h++) {
		uint32_t *slot = &c->slots[h & (c->slot_count - 1)];
		const struct nec_course *course = *slot ? &c->list[*slot - 1] : NULL;

		if (!course || (!strcmp(course->name, name) && !strcmp(course->kind, kind) &&
				!strcmp(course->unit, unit)))
			return slot;
	}
}

struct nec_course *nec_courses_find(const struct nec_courses *c, const char *kind, const char *name,
				    const char *unit)
{
	uint32_t *slot = c->slot_count ? find_slot(c, kind, name, unit) : NULL;

	return slot && *slot ? &c->list[*slot - 1] : NULL;
}

static struct nec_error *grow(struct nec_courses *c)
{
	uint32_t want = c->slot_count ? c->slot_count * 2 : 256, i;
	struct nec_course *list = reallocarray(c->list, want / 2, sizeof(*list));
	uint32_t *slots;

	if (!list)
		return &nec_enomem;
	c->list = list;
	c->capacity = want / 2;
	slots = calloc(want, sizeof(*slots));
	if (!slots)
		return &nec_enomem;
	free(c->slots);
	c->slots = slots;
	c->slot_count = want;
	for (i = 0; i < c->count; i++)
		*find_slot(c, list[i].kind, list[i].name, list[i].unit) = i + 1;
	return NULL;
}

static void deinit_course(struct nec_course *course)
{
	free(course->kind);
	free(course->name);
	free(course->unit);
	free(course->times);
	free(course->values);
}

void nec_courses_deinit(struct nec_courses *c)
{
	while (c->count)
		deinit_course(&c->list[--c->count]);
	free(c->list);
	free(c->slots);
	*c = (struct nec_courses){0};
}

static struct nec_error *find_or_add(struct nec_courses *c, const char *kind, const char *name,
				     const char *unit, struct nec_course **ret)
{
	struct nec_course course = {0};
	uint32_t *slot;

	*ret = nec_courses_find(c, kind, name, unit);
	if (*ret)
		return NULL;
	if (c->count == c->capacity)
		NEC_TRY(grow(c));
	course.kind = strdup(kind);
	course.name = strdup(name);
	course.unit = strdup(unit);
	if (!course.kind || !course.name || !course.unit) {
		deinit_course(&course);
		return &nec_enomem;
	}
	slot = find_slot(c, kind, name, unit);
	c->list[c->count] = course;
	*ret = &c->list[c->count++];
	*slot = c->count;
	return NULL;
}

struct nec_error *nec_courses_add(struct nec_courses *c, const char *kind, const char *name,
				  const char *unit, uint64_t addr, double time, double value)
{
	struct nec_course *course;

	NEC_TRY(find_or_add(c, kind, name, unit, &course));
	if (course->count == course->capacity) {
		uint32_t want = course->capacity ? course->capacity * 2 : 16;
		double *p = want > course->capacity ? reallocarray(course->times, want, sizeof(*p))
						    : NULL;

		if (!p)
			return &nec_enomem;
		course->times = p;
		p = reallocarray(course->values, want, sizeof(*p));
		if (!p)
			return &nec_enomem;
		course->values = p;
		course->capacity = want;
	}
	course->addr = addr;
	course->times[course->count] = time;
	course->values[course->count++] = value;
	return NULL;
}

struct pair {
	double time, value;
	uint32_t order;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort_points(struct nec_course *c)
{
	struct pair *pairs;
	uint32_t i, n = 0;

	for (i = 1; i < c->count && c->times[i - 1] < c->times[i]; i++)
		;
	if (i >= c->count)
		return;
	pairs = calloc(c->count, sizeof(*pairs));
	if (!pairs) {
		c->count = 1; /* what cannot be put in order says nothing */
		return;
	}
	for (i = 0; i < c->count; i++)
		pairs[i] = (struct pair){c->times[i], c->values[i], i};
	qsort(pairs, c->count, sizeof(*pairs), compare_pairs);
	for (i = 0; i < c->count; i++) {
		if (n && c->times[n - 1] == pairs[i].time)
			n--;
		c->times[n] = pairs[i].time;
		c->values[n++] = pairs[i].value;
	}
	c->count = n;
	free(pairs);
}

void nec_course_settle(struct nec_course *c)
{
	uint32_t bucket, i, j, n = 0;

	sort_points(c);
	if (c->count <= NEC_COURSE_POINTS)
		return;
	bucket = (c->count + NEC_COURSE_POINTS - 1) / NEC_COURSE_POINTS;
	for (i = 0; i < c->count; i = j) {
		double time = 0, value = 0;

		for (j = i; j < c->count && j < i + bucket; j++) {
			time += c->times[j];
			value += c->values[j];
		}
		c->times[n] = time / (j - i);
		c->values[n++] = value / (j - i);
	}
	c->count = n;
}

double nec_course_at(const struct nec_course *c, double time)
{
	uint32_t i;

	for (i = 0; i < c->count && c->times[i] < time; i++)
		;
	if (i < c->count && c->times[i] == time)
		return c->values[i];
	if (!i || i == c->count)
		return NAN;
	return c->values[i - 1] + (c->values[i] - c->values[i - 1]) * (time - c->times[i - 1]) /
					  (c->times[i] - c->times[i - 1]);
}
