/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All formats, and which of them a file is; see format.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "formats/format.h"
#include "formats/formats.h"
#include "formats/input.h"

enum {
	HEAD_SIZE = 64 << 10, /* bytes that a bid may look at */
};

#define NEC_FORMAT_ENTRY_(name) &nec_format_##name,
const struct nec_format *const nec_formats[] = {NEC_FORMATS(NEC_FORMAT_ENTRY_) NULL};

/* What people mistake for a dump. To add one: its first bytes and what to call it. */
static const struct {
	const char *magic;
	size_t size;
	const char *name;
} lookalikes[] = {
	{"SQLite format 3", 16, "an SQLite database"},
	{"#!", 2, "a script"},
	{"MDMP", 4, "a minidump of Windows or Breakpad"},
	{"\x7f"
	 "CORE",
	 5, "a core dump that some other tool wrapped"},
	{"!<arch>\n", 8, "an ar archive"},
	{"PK\3\4", 4, "a zip archive"},
	{"BZh", 3, "a file packed by bzip2: unpack it first"},
	{"\xce\xfa\xed\xfe", 4, "a Mach-O file"},
	{"\xcf\xfa\xed\xfe", 4, "a Mach-O file"},
	{"\xca\xfe\xba\xbe", 4, "a Mach-O or Java class file"},
	{"JAVA PROFILE", 12, "a heap dump of Java"},
	{"\x80\x02", 2, "a pickle"},
	{"\x80\x04", 2, "a pickle"},
	{"\x80\x05", 2, "a pickle"},
};

static const char *describe(const uint8_t *head, size_t size)
{
	size_t zeros = 0, text = 0;

	if (!size)
		return "an empty file";
	for (size_t i = 0; i < sizeof(lookalikes) / sizeof(lookalikes[0]); i++) {
		if (size >= lookalikes[i].size &&
		    !memcmp(head, lookalikes[i].magic, lookalikes[i].size))
			return lookalikes[i].name;
	}
	for (size_t i = 0; i < size; i++) {
		zeros += head[i] == 0;
		text += head[i] >= 0x20 || head[i] == '\n' || head[i] == '\t' || head[i] == '\r';
	}
	if (zeros == size)
		return "a file of zeros";
	return text == size ? "text of some kind" : "no file format that is known here";
}

/* Where a packed dump is unpacked: beside the database, in $TMPDIR, beside the dump, or in
 * /var/tmp. To be freed. */
static char *unpack_dir(const char *path, const struct nec_load_options *options)
{
	const char *beside = options && options->output ? options->output : NULL;
	const char *tmpdir = getenv("TMPDIR"), *slash;
	char *dir;

	if (!beside && tmpdir && *tmpdir)
		return strdup(tmpdir);
	if (!beside)
		beside = path;
	slash = strrchr(beside, '/');
	dir = slash ? strndup(beside, slash == beside ? 1 : (size_t)(slash - beside)) : strdup(".");
	if (dir && !access(dir, W_OK))
		return dir;
	free(dir);
	return strdup("/var/tmp");
}

static struct nec_error *unknown_format(const char *path, const uint8_t *head, size_t size)
{
	struct nec_text known = {0};
	struct nec_error *err;

	for (size_t i = 0; nec_formats[i]; i++)
		nec_text_printf(&known, "%s%s", i ? ", " : "", nec_formats[i]->description);
	err = nec_error_create(NEC_ERR_FORMAT, "%s is %s, not a dump; what can be read: %s", path,
			       describe(head, size), nec_text_str(&known));
	nec_text_deinit(&known);
	return err;
}

struct nec_error *nec_format_detect(const char *path, const struct nec_load_options *options,
				    const struct nec_format **format_ret,
				    struct nec_input **input_ret)
{
	_cleanup_free_ char *dir = unpack_dir(path, options);
	const struct nec_format *best = NULL;
	struct nec_input *input;
	const uint8_t *head;
	int highest = 0;
	uint64_t size;

	if (!dir)
		return &nec_enomem;
	NEC_TRY(nec_input_open(path, dir, options ? options->progress : NULL, &input));
	head = nec_input_data(input, &size);
	if (size > HEAD_SIZE)
		size = HEAD_SIZE;
	for (size_t i = 0; nec_formats[i]; i++) {
		int bid = nec_formats[i]->bid(head, size, path);

		if (bid > highest) {
			highest = bid;
			best = nec_formats[i];
		}
	}
	if (!best) {
		struct nec_error *err = unknown_format(path, head, size);

		nec_input_close(input);
		return err;
	}
	*format_ret = best;
	*input_ret = input;
	return NULL;
}
