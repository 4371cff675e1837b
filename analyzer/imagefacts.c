/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts of an image; see imagefacts.h. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "imagefacts.h"

#include "memlimits.h"
#include "stages.h"

/* To add a machine: its e_machine and its name by uname -m. */
static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{EM_X86_64, "x86_64"},
	{EM_AARCH64, "aarch64"},
};

static struct nec_error *put_arch(struct nec_store *store, uint16_t machine)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			return nec_stages_meta(store, "arch", machines[i].name);
	return nec_stages_meta_int(store, "arch", machine);
}

/* NUL-separated arguments as a shell would show them, as far as that is simple: with spaces
 * between. */
static void join(struct nec_text *text, const char *args, size_t size)
{
	size_t i;

	while (size && !args[size - 1])
		size--;
	for (i = 0; i < size; i++)
		nec_text_putc(text, args[i] ? args[i] : ' ');
}

char *nec_imagefacts_describe(const struct nec_image *image)
{
	const struct nec_process *p = nec_image_process(image);
	struct nec_text text = {0};

	if (p->cmdline)
		join(&text, p->cmdline, p->cmdline_size);
	if (!text.len && p->psargs)
		nec_text_puts(&text, p->psargs);
	if (!text.len && p->fname)
		nec_text_puts(&text, p->fname);
	if (!text.len && p->exe)
		nec_text_puts(&text, p->exe);
	if (text.len && !text.failed)
		return text.data;
	nec_text_deinit(&text);
	return NULL;
}

static struct nec_error *put_process(struct nec_store *store, const struct nec_image *image,
				     bool no_values)
{
	const struct nec_process *p = nec_image_process(image);
	_cleanup_free_ char *cmdline = nec_imagefacts_describe(image);

	NEC_TRY(put_arch(store, p->machine));
	if (p->pid)
		NEC_TRY(nec_stages_meta_int(store, "pid", p->pid));
	if (p->ppid)
		NEC_TRY(nec_stages_meta_int(store, "ppid", p->ppid));
	if (p->pid)
		NEC_TRY(nec_stages_meta_int(store, "uid", p->uid));
	if (p->exe)
		NEC_TRY(nec_stages_meta(store, "exe", p->exe));
	if (cmdline && !no_values)
		NEC_TRY(nec_stages_meta(store, "cmdline", cmdline));
	if (p->writer)
		NEC_TRY(nec_stages_meta(store, "writer", p->writer));
	if (p->page_size)
		NEC_TRY(nec_stages_meta_int(store, "page_size", (int64_t)p->page_size));
	NEC_TRY(nec_stages_meta_int(store, "signal", p->signo));
	if (!p->signo)
		return NULL;
	NEC_TRY(nec_stages_meta_int(store, "signal_code", p->sigcode));
	if (p->sigaddr)
		NEC_TRY(nec_stages_meta_int(store, "signal_addr", (int64_t)p->sigaddr));
	return p->sigpid ? nec_stages_meta_int(store, "signal_pid", p->sigpid) : NULL;
}

/* Lines "NAME NUMBER"; the first is the time. What else is there are figures of that time. */
static struct nec_error *put_account(struct nec_store *store, const struct nec_process *p)
{
	static const char *const names[] = {"rss", "swap", "size", "cgroup", "cgroup_limit", "as_limit"};
	const char *line = p->account;
	double time = 0, value;
	char name[32], text[32];
	int n;

	if (!line || sscanf(line, "time %lf", &time) != 1 || !(time > 0) || !(time < 1e11))
		return NULL;
	snprintf(text, sizeof(text), "%.6f", time);
	NEC_TRY(nec_stages_meta(store, "captured_at", text));
	for (; sscanf(line, "%31s %lf%n", name, &value, &n) == 2; line += n) {
		struct nec_fact fact = {.kind = NEC_FACT_SAMPLE};

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!strcmp(name, names[i]) && value >= 0 && value < 0x1p62)
				fact.sample.name = names[i];
		if (!fact.sample.name)
			continue;
		fact.sample.time = time;
		fact.sample.value = (int64_t)value;
		fact.sample.unit = "bytes";
		NEC_TRY(nec_store_put(store, &fact));
	}
	return NULL;
}

static struct nec_error *put_completeness(struct nec_store *store, const struct nec_image *image)
{
	const struct nec_completeness *c = nec_image_completeness(image);

	NEC_TRY(nec_stages_meta_int(store, "mapped", (int64_t)c->mapped));
	NEC_TRY(nec_stages_meta_int(store, "dumped", (int64_t)c->dumped));
	NEC_TRY(nec_stages_meta_int(store, "from_files", (int64_t)c->from_files));
	NEC_TRY(nec_stages_meta_int(store, "missing", (int64_t)c->missing));
	return nec_stages_meta_int(store, "truncated", (int64_t)c->truncated);
}

struct nec_error *nec_imagefacts_put(const struct nec_image *image, struct nec_store *store,
				     bool no_values)
{
	NEC_TRY(put_process(store, image, no_values));
	NEC_TRY(put_account(store, nec_image_process(image)));
	NEC_TRY(nec_memlimits_put(image, store));
	return put_completeness(store, image);
}
