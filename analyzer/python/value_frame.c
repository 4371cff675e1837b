/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previews of what runs or is suspended: generators, coroutines, frames. */
#include "base/limits.h"
#include "python/frames.h"
#include "python/linetable.h"
#include "python/stack.h"
#include "python/str.h"
#include "python/suspended.h"
#include "python/value_private.h"

static void put_str(const struct nec_target *t, uint64_t str, const char *otherwise,
		    struct nec_text *out)
{
	_cleanup_free_ char *text = nec_str_dup(t, str, NEC_LIMIT_PREVIEW);

	nec_text_puts(out, text ? text : otherwise);
}

static int line_of(const struct nec_target *t, const struct nec_stack_frame *frame)
{
	struct nec_position position;

	if (frame->traced_line > 0)
		return frame->traced_line;
	nec_code_position(t, frame->code, frame->lasti, &position);
	return position.line;
}

/* The code object of a generator: its own member, or that of the frame in it. */
static uint64_t generator_code(const struct nec_target *t, uint64_t obj)
{
	uint64_t code = nec_field(t, obj, NEC_F_GEN_CODE);

	if (!code && nec_has(t, NEC_F_GEN_IFRAME))
		code = nec_iframe_code(t, obj + nec_off(t, NEC_F_GEN_IFRAME));
	return code;
}

/* Where a generator is suspended. */
static void put_suspended(const struct nec_target *t, uint64_t obj, struct nec_text *out)
{
	static const char *const words[] = {
		[NEC_SUSPENDED_ENDED] = "ended",
		[NEC_SUSPENDED_CREATED] = "not begun",
		[NEC_SUSPENDED] = "suspended",
		[NEC_SUSPENDED_RUNNING] = "running",
	};
	struct nec_stack_frame frame;
	enum nec_suspended_state state = nec_suspended_frame(t, obj, &frame);

	nec_text_printf(out, ", %s", words[state]);
	if (state >= NEC_SUSPENDED)
		nec_text_printf(out, " at line %d", line_of(t, &frame));
}

void nec_text_generator(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
			struct nec_text *out)
{
	uint64_t qualname = nec_field(t, obj, NEC_F_GEN_QUALNAME), code = generator_code(t, obj);

	if (!qualname) /* 2.7 */
		qualname = nec_field(t, code, NEC_F_CODE_NAME);
	if (!qualname)
		return;
	nec_text_printf(out, "<%s ", type->tp_name);
	put_str(t, qualname, "?", out);
	if (nec_field(t, code, NEC_F_CODE_FILENAME)) {
		nec_text_puts(out, " (");
		put_str(t, nec_field(t, code, NEC_F_CODE_FILENAME), "?", out);
		nec_text_printf(out, ":%d)", (int)nec_field32(t, code, NEC_F_CODE_FIRSTLINENO));
	}
	put_suspended(t, obj, out);
	nec_text_putc(out, '>');
}

void nec_text_frame(const struct nec_target *t, uint64_t obj, const struct nec_type *type,
		    struct nec_text *out)
{
	uint64_t addr = nec_has(t, NEC_F_FRAME_FRAME) ? nec_field(t, obj, NEC_F_FRAME_FRAME) : obj;
	struct nec_stack_frame frame;
	uint64_t name;

	(void)type;
	if (!nec_stack_frame_read(t, addr, &frame))
		return;
	name = nec_field(t, frame.code, NEC_F_CODE_NAME);
	nec_text_puts(out, "<frame ");
	put_str(t, name, "?", out);
	nec_text_puts(out, " (");
	put_str(t, nec_field(t, frame.code, NEC_F_CODE_FILENAME), "?", out);
	nec_text_printf(out, ":%d)>", line_of(t, &frame));
}
