/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file descriptor is; see descriptor.h. */
#include <string.h>

#include "python/descriptor.h"

/* Functions from the innermost, variables of each, and attributes of attributes that are looked at. */
enum { FRAMES = 6, VARIABLES = 64, DEPTH = 4 };

struct search {
	struct nec_threads *threads;
	int32_t fd;
};

static const struct nec_type *kind_of(const struct nec_type *type, const char *tp_name)
{
	while (type && strcmp(type->tp_name, tp_name))
		type = type->base;
	return type;
}

/* Domain and type as socket(2) numbers them on Linux. */
static const char *socket_name(int32_t family, int32_t type)
{
	enum { UNIX = 1, INET = 2, INET6 = 10, STREAM = 1, DGRAM = 2, TYPE_MASK = 15 };
	bool ip = family == INET || family == INET6;

	type &= TYPE_MASK;
	if (ip && type == STREAM)
		return "a TCP socket";
	if (ip && type == DGRAM)
		return "a UDP socket";
	return family == UNIX ? "a Unix socket" : "a socket";
}

/* Is obj the socket or file? Adds what it is. */
static bool describe(const struct search *s, uint64_t obj, const struct nec_type *type, struct nec_text *out)
{
	const struct nec_target *t = s->threads->target;
	_cleanup_(nec_text_deinit) struct nec_text name = {0};
	uint64_t path;

	if (kind_of(type, "_socket.socket") && nec_has(t, NEC_F_SOCKET_FD) && nec_field32(t, obj, NEC_F_SOCKET_FD) == s->fd) {
		nec_text_printf(out, ", %s", socket_name(nec_field32(t, obj, NEC_F_SOCKET_FAMILY), nec_field32(t, obj, NEC_F_SOCKET_TYPE)));
		return true;
	}
	if (!kind_of(type, "_io.FileIO") || !nec_has(t, NEC_F_FILEIO_FD) || nec_field32(t, obj, NEC_F_FILEIO_FD) != s->fd)
		return false;
	path = nec_value_attr(&s->threads->values, obj, "name");
	if (path && !s->threads->no_values)
		nec_values_text(&s->threads->values, path, nec_object_type(s->threads->values.types, path), &name);
	nec_text_printf(out, ", the file %s", name.len ? nec_text_str(&name) : "of that number");
	return true;
}

/* obj, and what it keeps. */
static bool search(const struct search *s, uint64_t obj, struct nec_text *out)
{
	static const char *const attributes[] = {"__self__", "_sock", "sock", "_socket", "socket", "raw", "buffer", "fp", "_fp"};
	uint64_t at[DEPTH * (sizeof(attributes) / sizeof(attributes[0])) + 1], next;
	size_t count = 1, i, a;

	at[0] = obj;
	for (i = 0; i < count; i++) {
		const struct nec_type *type = nec_object_type(s->threads->values.types, at[i]);

		if (!type)
			continue;
		if (describe(s, at[i], type, out))
			return true;
		for (a = 0; a < sizeof(attributes) / sizeof(attributes[0]) && count < sizeof(at) / sizeof(at[0]); a++) {
			next = nec_value_attr(&s->threads->values, at[i], attributes[a]);
			if (next)
				at[count++] = next;
		}
	}
	return false;
}

void nec_descriptor_describe(struct nec_threads *threads, const struct nec_thread *thread, int32_t fd, struct nec_text *out)
{
	const struct search s = {.threads = threads, .fd = fd};
	struct nec_stack_frame frame;
	struct nec_stack stack;
	unsigned int n;
	uint64_t i, obj;

	if (!thread->state_addr)
		return;
	nec_stack_init(&stack, threads->target, thread->state_addr);
	for (n = 0; n < FRAMES && nec_stack_next(&stack, &frame); n++) {
		for (i = 0; i < frame.slot_count && i < VARIABLES; i++) {
			obj = nec_stack_variable(threads->target, &frame, i);
			if (obj && search(&s, obj, out))
				return;
		}
		/* What it calls a method of. */
		for (i = 0; i < frame.stack_count && i < VARIABLES; i++) {
			obj = nec_stack_word(threads->target, &frame, i);
			if (obj && search(&s, obj, out))
				return;
		}
	}
}
