/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Labels of references as text; see label.h. */
#include <stdlib.h>
#include <string.h>

#include "store/label.h"

enum statement { LABEL_TEXT, VALUE_TEXT, TYPE_NAME, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[LABEL_TEXT] = "SELECT text FROM label WHERE id = ?1",
	[VALUE_TEXT] = "SELECT text FROM value WHERE addr = ?1",
	[TYPE_NAME] = "SELECT name FROM type WHERE id = ?1",
};

struct nec_labels {
	sqlite3 *db;
	struct nec_pages *pages;
	sqlite3_stmt *statements[STATEMENTS];
};

struct nec_labels *nec_labels_create(sqlite3 *db, struct nec_pages *pages)
{
	struct nec_labels *labels = calloc(1, sizeof(*labels));

	if (labels) {
		labels->db = db;
		labels->pages = pages;
	}
	return labels;
}

void nec_labels_destroy(struct nec_labels *labels)
{
	unsigned int i;

	if (!labels)
		return;
	for (i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(labels->statements[i]);
	free(labels);
}

/* One text, to be freed with sqlite3_free; SQLITE_NOTFOUND when there is none. */
static int lookup(struct nec_labels *labels, enum statement which, int64_t value, char **ret)
{
	sqlite3_stmt *s = labels->statements[which];
	int rc = SQLITE_OK;

	if (!s) {
		rc = sqlite3_prepare_v3(labels->db, statement_sql[which], -1,
					SQLITE_PREPARE_PERSISTENT, &s, NULL);
		if (rc != SQLITE_OK)
			return rc;
		labels->statements[which] = s;
	}
	sqlite3_bind_int64(s, 1, value);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_TEXT) {
		*ret = sqlite3_mprintf("%s", sqlite3_column_text(s, 0));
		rc = *ret ? SQLITE_OK : SQLITE_NOMEM;
	} else if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		rc = SQLITE_NOTFOUND;
	}
	sqlite3_reset(s);
	return rc;
}

/* "<str at 0x7f..>" for an object without a value. */
static int describe(struct nec_labels *labels, int64_t addr, uint32_t type, char **ret)
{
	const char *shown;
	char *name;
	int rc = lookup(labels, TYPE_NAME, type, &name);

	if (rc == SQLITE_NOTFOUND)
		*ret = sqlite3_mprintf("<object at 0x%llx>", (unsigned long long)addr);
	if (rc != SQLITE_OK)
		return rc == SQLITE_NOTFOUND ? (*ret ? SQLITE_OK : SQLITE_NOMEM) : rc;
	shown = name;
	if (strncmp(shown, "builtins.", 9) == 0)
		shown += 9;
	else if (strncmp(shown, "__builtin__.", 12) == 0)
		shown += 12;
	*ret = sqlite3_mprintf("<%s at 0x%llx>", shown, (unsigned long long)addr);
	sqlite3_free(name);
	return *ret ? SQLITE_OK : SQLITE_NOMEM;
}

/* What the key object of a label reads: its value, or a description. *known_ret: it is the value.
 */
static int key_text(struct nec_labels *labels, uint64_t label, bool *known_ret, char **ret)
{
	int64_t addr;
	uint32_t type;
	int rc;

	*known_ret = false;
	if (label >= NEC_PACK_NONE) {
		*ret = sqlite3_mprintf("?");
		return *ret ? SQLITE_OK : SQLITE_NOMEM;
	}
	rc = nec_pages_object(labels->pages, (uint32_t)label, &addr, &type);
	if (rc != SQLITE_OK)
		return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
	rc = lookup(labels, VALUE_TEXT, addr, ret);
	*known_ret = rc == SQLITE_OK;
	return rc == SQLITE_NOTFOUND ? describe(labels, addr, type, ret) : rc;
}

/* "'name'" without its quotes, in place; a preview that was cut has no closing one. */
static char *unquote(char *text)
{
	size_t len = strlen(text);
	char quote;

	if (*text == 'u' && (text[1] == '\'' || text[1] == '"')) {
		text++;
		len--;
	}
	quote = *text;
	if (quote != '\'' && quote != '"')
		return text;
	if (len > 1 && text[len - 1] == quote)
		text[len - 1] = '\0';
	return text + 1;
}

int nec_labels_text(struct nec_labels *labels, const struct nec_packed_ref *ref, char **text_ret)
{
	char *text = NULL;
	bool known;
	int rc = SQLITE_OK;

	*text_ret = NULL;
	switch ((enum nec_label_kind)ref->label_kind) {
	case NEC_LABEL_NONE:
		*text_ret = sqlite3_mprintf("%s", "");
		break;
	case NEC_LABEL_STRING:
		rc = lookup(labels, LABEL_TEXT, (int64_t)ref->label, text_ret);
		return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc;
	case NEC_LABEL_INDEX:
		*text_ret = sqlite3_mprintf("[%llu]", (unsigned long long)ref->label);
		break;
	case NEC_LABEL_KEY:
		rc = key_text(labels, ref->label, &known, &text);
		if (rc == SQLITE_OK)
			*text_ret = sqlite3_mprintf("[%s]", text);
		break;
	case NEC_LABEL_ATTR:
		rc = key_text(labels, ref->label, &known, &text);
		if (rc == SQLITE_OK)
			*text_ret = sqlite3_mprintf(".%s", known ? unquote(text) : text);
		break;
	case NEC_LABEL_WORD:
		*text_ret = sqlite3_mprintf("+0x%llx", (unsigned long long)ref->label);
		break;
	}
	sqlite3_free(text);
	if (rc == SQLITE_OK && !*text_ret)
		rc = SQLITE_NOMEM;
	return rc;
}
