/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person calls an object; see objectname.h. */
#include <stdlib.h>
#include <string.h>

#include "objectname.h"

/* Roots that say nothing to a person as long as there is a way through a module. */
static const char *const nameless_roots[] = {
	"frame",  "native stack", "register", "C global",    "thread state", "native memory",
	"static", "immortal",     "implied",  "value stack", NULL,
};

/* Every function leads to the names of its module, and many roots to some function. */
static const char *const nameless_edges[] = {".__globals__", NULL};

/* sys.modules['a.b'].C.d as a.b.C.d */
static void add_short(struct nec_text *name, const char *path)
{
	static const char prefix[] = "sys.modules['";
	const char *start = path + sizeof(prefix) - 1, *end;

	end = strncmp(path, prefix, sizeof(prefix) - 1) ? NULL : strstr(start, "']");
	if (!end) {
		nec_text_puts(name, path);
		return;
	}
	nec_text_add(name, start, (size_t)(end - start));
	nec_text_puts(name, end + 2);
}

static bool by_module(const struct nec_paths *paths)
{
	return paths && paths->line_count &&
	       !strncmp(paths->lines[0].text, "sys.modules['", strlen("sys.modules['"));
}

struct nec_error *nec_object_name(struct nec_db *db, uint64_t addr, struct nec_progress *progress,
				  struct nec_text *name, struct nec_text *detail)
{
	_cleanup_(nec_paths_destroyp) struct nec_paths *first = NULL, *named = NULL;
	struct nec_path_options options = {.max_paths = 1, .progress = progress};
	const struct nec_paths *paths;

	NEC_TRY(nec_paths_find(db, addr, &options, &first));
	if (first->line_count && !by_module(first)) {
		options.not_roots = nameless_roots;
		options.not_edges = nameless_edges;
		NEC_TRY(nec_paths_find(db, addr, &options, &named));
	}
	paths = by_module(named) ? named : first;
	if (!paths->line_count) {
		nec_text_printf(name, "0x%llx", (unsigned long long)addr);
		return name->failed ? &nec_enomem : NULL;
	}
	add_short(name, paths->lines[0].text);
	nec_text_printf(detail, "Path: %s", paths->lines[0].text);
	if (paths->lines[0].root_kind)
		nec_text_printf(detail, " (root: %s%s%s)", paths->lines[0].root_kind,
				paths->lines[0].root_label ? ", " : "",
				paths->lines[0].root_label ? paths->lines[0].root_label : "");
	nec_text_puts(detail, ".");
	return name->failed || detail->failed ? &nec_enomem : NULL;
}
