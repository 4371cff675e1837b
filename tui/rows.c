/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/rows.h"

#include <stdlib.h>
#include <string.h>

struct nec_error *nec_row_copy(const struct nec_query *query, struct nec_row **row_ret)
{
	int count = nec_query_column_count(query);
	size_t size = sizeof(struct nec_row) + (size_t)count * sizeof(struct nec_value), len;
	struct nec_row *row;
	char *text;

	for (int i = 0; i < count; i++) {
		enum nec_column_type type = nec_query_column_type(query, i);

		if (type == NEC_COLUMN_TEXT || type == NEC_COLUMN_BLOB) {
			nec_query_text(query, i, &len);
			size += (len < NEC_ROW_TEXT_MAX ? len : NEC_ROW_TEXT_MAX) + 1;
		}
	}
	row = malloc(size);
	if (!row)
		return &nec_enomem;
	*row = (struct nec_row){.count = count};
	text = (char *)&row->values[count];
	for (int i = 0; i < count; i++) {
		struct nec_value *value = &row->values[i];

		*value = (struct nec_value){.type = nec_query_column_type(query, i)};
		switch (value->type) {
		case NEC_COLUMN_INT:
			value->i = nec_query_int(query, i);
			break;
		case NEC_COLUMN_REAL:
			value->r = nec_query_real(query, i);
			break;
		case NEC_COLUMN_TEXT:
		case NEC_COLUMN_BLOB: {
			const char *from = nec_query_text(query, i, &len);

			value->s = text;
			value->len = len < NEC_ROW_TEXT_MAX ? len : NEC_ROW_TEXT_MAX;
			memcpy(text, from, value->len);
			text[value->len] = '\0';
			text += value->len + 1;
			break;
		}
		case NEC_COLUMN_NULL:
			break;
		}
	}
	*row_ret = row;
	return NULL;
}

struct nec_error *nec_row_texts(int count, const char *const *texts, struct nec_row **row_ret)
{
	size_t size = sizeof(struct nec_row) + (size_t)count * sizeof(struct nec_value);
	struct nec_row *row;
	char *to;

	for (int i = 0; i < count; i++)
		size += texts[i] ? strlen(texts[i]) + 1 : 0;
	row = malloc(size);
	if (!row)
		return &nec_enomem;
	*row = (struct nec_row){.count = count};
	to = (char *)&row->values[count];
	for (int i = 0; i < count; i++) {
		row->values[i] = (struct nec_value){.type = NEC_COLUMN_NULL};
		if (!texts[i])
			continue;
		row->values[i].type = NEC_COLUMN_TEXT;
		row->values[i].len = strlen(texts[i]);
		row->values[i].s = strcpy(to, texts[i]);
		to += row->values[i].len + 1;
	}
	*row_ret = row;
	return NULL;
}

static struct nec_error *reserve(struct nec_rowlist *rows, size_t more)
{
	size_t capacity = rows->capacity ? rows->capacity : 64;
	struct nec_row **at;

	while (capacity < rows->count + more)
		capacity *= 2;
	if (capacity == rows->capacity)
		return NULL;
	at = realloc(rows->at, capacity * sizeof(struct nec_row *));
	if (!at)
		return &nec_enomem;
	rows->at = at;
	rows->capacity = capacity;
	return NULL;
}

struct nec_error *nec_rowlist_add(struct nec_rowlist *rows, struct nec_row *row)
{
	struct nec_error *err = reserve(rows, 1);

	if (err)
		free(row);
	else
		rows->at[rows->count++] = row;
	return err;
}

void nec_rowlist_deinit(struct nec_rowlist *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->at[i]);
	free(rows->at);
	*rows = (struct nec_rowlist){0};
}

struct nec_error *nec_rowlist_insert(struct nec_rowlist *rows, size_t at, struct nec_rowlist *other)
{
	size_t n = other->count;

	if (n == 0)
		return NULL;
	NEC_TRY(reserve(rows, n));
	memmove(rows->at + at + n, rows->at + at, (rows->count - at) * sizeof(struct nec_row *));
	memcpy(rows->at + at, other->at, n * sizeof(struct nec_row *));
	rows->count += n;
	other->count = 0;
	return NULL;
}

struct nec_error *nec_rowlist_append(struct nec_rowlist *rows, struct nec_rowlist *other)
{
	return nec_rowlist_insert(rows, rows->count, other);
}

struct nec_error *nec_rowlist_prepend_reversed(struct nec_rowlist *rows, struct nec_rowlist *other)
{
	size_t n = other->count;

	if (n == 0)
		return NULL;
	NEC_TRY(reserve(rows, n));
	memmove(rows->at + n, rows->at, rows->count * sizeof(struct nec_row *));
	for (size_t i = 0; i < n; i++)
		rows->at[n - 1 - i] = other->at[i];
	rows->count += n;
	other->count = 0;
	return NULL;
}

void nec_rowlist_drop(struct nec_rowlist *rows, size_t at, size_t n)
{
	for (size_t i = at; i < at + n; i++)
		free(rows->at[i]);
	rows->count -= n;
	memmove(rows->at + at, rows->at + at + n, (rows->count - at) * sizeof(struct nec_row *));
}

struct nec_error *nec_params_set(struct nec_params *params, const char *name,
				 const struct nec_value *value)
{
	struct nec_param *param = params->at;
	char *s = NULL;

	while (param < params->at + params->count && strcmp(param->name, name) != 0)
		param++;
	if (param == params->at + NEC_PARAMS_MAX)
		return nec_error_create(NEC_ERR_LIMIT, "a view with too many parameters");
	if (value->s) {
		s = strdup(value->s);
		if (!s)
			return &nec_enomem;
	}
	if (param == params->at + params->count)
		params->count++;
	else
		free((char *)param->value.s);
	param->name = name;
	param->value = *value;
	param->value.s = s;
	return NULL;
}

struct nec_error *nec_params_copy(struct nec_params *params, const struct nec_params *from)
{
	for (int i = 0; i < from->count; i++)
		NEC_TRY(nec_params_set(params, from->at[i].name, &from->at[i].value));
	return NULL;
}

const struct nec_value *nec_params_find(const struct nec_params *params, const char *name)
{
	for (int i = 0; i < params->count; i++)
		if (strcmp(params->at[i].name, name) == 0)
			return &params->at[i].value;
	return NULL;
}

bool nec_params_equal(const struct nec_params *a, const struct nec_params *b)
{
	if (a->count != b->count)
		return false;
	for (int i = 0; i < a->count; i++) {
		const struct nec_value *x = &a->at[i].value;
		const struct nec_value *y = nec_params_find(b, a->at[i].name);

		if (!y || x->type != y->type || x->i != y->i || !x->s != !y->s ||
		    (x->s && strcmp(x->s, y->s) != 0))
			return false;
	}
	return true;
}

void nec_params_deinit(struct nec_params *params)
{
	for (int i = 0; i < params->count; i++)
		free((char *)params->at[i].value.s);
	params->count = 0;
}
