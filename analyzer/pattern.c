/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user calls references and objects; see pattern.h. */
#include "pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fact.h"

enum { VERDICT_NONE, VERDICT_NO, VERDICT_YES };

enum { MAX_FIXED = 1 << 20 }; /* ids of fixed labels that get a verdict: programs have hundreds */

/* One end of X->Y. */
struct end {
	enum { END_ANY, END_NODE, END_TYPES } kind;
	uint32_t node;
	uint32_t *types; /* sorted */
	uint32_t type_count;
};

struct nec_pattern {
	enum { PATTERN_LABEL, PATTERN_ENDS, PATTERN_CHAIN } kind;
	struct nec_edges *edges; /* borrowed */
	char *label;             /* LABEL */
	/* LABEL: verdicts on fixed labels by their id, and on keys by the id of the object. */
	uint8_t *fixed, *keys;
	uint32_t fixed_count, key_count;
	struct nec_text scratch;
	struct end src, dst; /* ENDS */
	/* CHAIN: objects it leads to, and the last references on the way there, src << 32 | dst,
	 * sorted. */
	uint32_t *objects;
	uint32_t object_count, object_capacity;
	uint64_t *pairs;
	uint32_t pair_count, pair_capacity;
};

static struct nec_error *grow(void *itemsp, uint32_t *capacity, uint32_t count, size_t size)
{
	size_t want = *capacity ? (size_t)*capacity * 2 : 16;
	void *p;

	if (count < *capacity)
		return NULL;
	if (want > UINT32_MAX)
		return nec_error_create(NEC_ERR_LIMIT, "a pattern that means too much");
	p = reallocarray(*(void **)itemsp, want, size);
	if (!p)
		return &nec_enomem;
	*(void **)itemsp = p;
	*capacity = (uint32_t)want;
	return NULL;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct nec_error *bad(const char *text)
{
	return nec_error_create(
		NEC_ERR_USAGE, "'%s': not .name, ['key'], ADDR, CLASS, CLASS().name or X->Y", text);
}

/* Reads 0x.. up to what follows it; false when text does not begin so. */
static bool parse_addr(const char *text, uint64_t *addr_ret, const char **end_ret)
{
	char *end;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X') ||
	    !isxdigit((unsigned char)text[2]))
		return false;
	errno = 0;
	*addr_ret = strtoull(text, &end, 16);
	*end_ret = end;
	return !errno;
}

struct nec_error *nec_find_types(struct nec_db *db, const char *name, uint32_t **types_ret,
				 uint32_t *count_ret)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	_cleanup_free_ uint32_t *types = NULL;
	uint32_t count = 0, capacity = 0;
	uint64_t addr = 0;
	const char *end;
	bool row;

	if (!parse_addr(name, &addr, &end) || *end)
		addr = 0;
	NEC_TRY(nec_query_named(db, "types_by_name", &query));
	NEC_TRY(nec_query_bind_text(query, ":name", name));
	NEC_TRY(nec_query_bind_int(query, ":addr", (int64_t)addr));
	for (;;) {
		NEC_TRY(nec_query_step(query, &row));
		if (!row)
			break;
		NEC_TRY(grow(&types, &capacity, count, sizeof(*types)));
		types[count++] = (uint32_t)nec_query_int(query, 0);
	}
	if (count)
		qsort(types, count, sizeof(*types), compare_u32);
	*types_ret = nec_take(types);
	*count_ret = count;
	return NULL;
}

static struct nec_error *add_object(struct nec_pattern *p, uint32_t id)
{
	NEC_TRY(grow(&p->objects, &p->object_capacity, p->object_count, sizeof(*p->objects)));
	p->objects[p->object_count++] = id;
	return NULL;
}

static struct nec_error *add_pair(struct nec_pattern *p, uint32_t src, uint32_t dst)
{
	NEC_TRY(grow(&p->pairs, &p->pair_capacity, p->pair_count, sizeof(*p->pairs)));
	p->pairs[p->pair_count++] = (uint64_t)src << 32 | dst;
	return NULL;
}

/* One step of a chain. */
struct step {
	struct nec_pattern *pattern;
	const char *label; /* ".name" or "['key']" */
	size_t len;
	char *key;       /* "['name']" for ".name"; NULL: within __dict__, or no name */
	uint32_t *dicts; /* __dict__ of the object */
	uint32_t dict_count, dict_capacity;
};

static bool label_is(const struct nec_text *text, const char *label, size_t len)
{
	return text->len == len && memcmp(nec_text_str(text), label, len) == 0;
}

static struct nec_error *follow_edge(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct step *s = arg;
	struct nec_pattern *p = s->pattern;

	(void)stop;
	if (edge->kind == NEC_REF_TYPE || !nec_ref_holds(edge->kind))
		return NULL;
	nec_text_clear(&p->scratch);
	NEC_TRY(nec_edges_label(p->edges, edge, &p->scratch));
	if (label_is(&p->scratch, s->label, s->len)) {
		NEC_TRY(add_pair(p, edge->src, edge->dst));
		return add_object(p, edge->dst);
	}
	if (s->key && label_is(&p->scratch, ".__dict__", 9)) {
		NEC_TRY(grow(&s->dicts, &s->dict_capacity, s->dict_count, sizeof(*s->dicts)));
		s->dicts[s->dict_count++] = edge->dst;
	}
	return NULL;
}

/* Replaces the pattern's objects by what their label leads to. */
static struct nec_error *follow(struct nec_pattern *p, struct step *s)
{
	struct nec_neighbours *n = nec_edges_neighbours(p->edges);
	_cleanup_free_ uint32_t *from = nec_take(p->objects);
	uint32_t count = p->object_count, i;

	p->object_count = p->object_capacity = 0;
	p->pair_count = 0;
	for (i = 0; i < count; i++)
		NEC_TRY(n->references(n, from[i], follow_edge, s));
	if (!s->key)
		return NULL;
	s->label = s->key;
	s->len = strlen(s->key);
	s->key = NULL;
	for (i = 0; i < s->dict_count; i++)
		NEC_TRY(n->references(n, s->dicts[i], follow_edge, s));
	return NULL;
}

/* Length of the label at the start of text; 0 when there is none. */
static size_t label_length(const char *text)
{
	const char *p = text + 1;
	char quote;

	if (*text == '.') {
		while (*p && !strchr(".[(-", *p))
			p++;
		return p > text + 1 ? (size_t)(p - text) : 0;
	}
	if (*text != '[')
		return 0;
	if (*p == '\'' || *p == '"') {
		quote = *p++;
		while (*p && !(*p == quote && p[1] == ']'))
			p++;
		return *p ? (size_t)(p + 2 - text) : 0;
	}
	p = strchr(p, ']');
	return p ? (size_t)(p + 1 - text) : 0;
}

static struct nec_error *follow_one(struct nec_pattern *p, const char *label, size_t len)
{
	struct step s = {.pattern = p, .label = label, .len = len};
	_cleanup_free_ char *key = NULL;
	struct nec_error *err;

	if (*label == '.' && asprintf(&key, "['%.*s']", (int)len - 1, label + 1) < 0)
		return &nec_enomem;
	s.key = key;
	err = follow(p, &s);
	free(s.dicts);
	return err;
}

static struct nec_error *follow_labels(struct nec_pattern *p, const char *text, const char *labels)
{
	size_t len;

	for (; *labels; labels += len) {
		len = label_length(labels);
		if (!len)
			return bad(text);
		NEC_TRY(follow_one(p, labels, len));
		if (!p->object_count)
			return nec_error_create(NEC_ERR_NOTFOUND, "%s: nothing there has %.*s",
						text, (int)len, labels);
	}
	if (p->pair_count)
		qsort(p->pairs, p->pair_count, sizeof(*p->pairs), compare_u64);
	qsort(p->objects, p->object_count, sizeof(*p->objects), compare_u32);
	return NULL;
}

/* The type objects of types, or their instances. */
static struct nec_error *start_at(struct nec_pattern *p, struct nec_db *db, const uint32_t *types,
				  uint32_t count, bool instances)
{
	_cleanup_(nec_query_closep) struct nec_query *query = NULL;
	uint32_t i, id;
	bool row;

	for (i = 0; i < count; i++) {
		nec_query_close(nec_take(query));
		NEC_TRY(nec_query_named(db, instances ? "instances" : "type_object", &query));
		NEC_TRY(nec_query_bind_int(query, ":type", types[i]));
		for (;;) {
			NEC_TRY(nec_query_step(query, &row));
			if (!row)
				break;
			NEC_TRY(nec_edges_id(p->edges, (uint64_t)nec_query_int(query, 0), &id));
			NEC_TRY(add_object(p, id));
		}
	}
	return NULL;
}

/* Where the name of a class ends: the longest part of text that names one. */
static struct nec_error *find_start(struct nec_pattern *p, struct nec_db *db, const char *text,
				    const char **labels_ret)
{
	_cleanup_free_ char *name = strdup(text);
	_cleanup_free_ uint32_t *types = NULL;
	const char *call = strstr(text, "()");
	uint32_t count = 0;
	char *end;

	if (!name)
		return &nec_enomem;
	name[call ? (size_t)(call - text) : strcspn(text, "[")] = '\0';
	for (;;) {
		NEC_TRY(nec_find_types(db, name, &types, &count));
		if (count || call)
			break;
		free(nec_take(types));
		end = strrchr(name, '.');
		if (!end)
			break;
		*end = '\0';
	}
	if (!count)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no class of that name in this dump",
					text);
	*labels_ret = text + strlen(name) + (call ? 2 : 0);
	NEC_TRY(start_at(p, db, types, count, call));
	if (!p->object_count)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: %s in this dump", text,
					call ? "no instance" : "the class is no object");
	return NULL;
}

static struct nec_error *parse_chain(struct nec_pattern *p, struct nec_db *db, const char *text)
{
	const char *labels;
	uint64_t addr;
	uint32_t id;

	p->kind = PATTERN_CHAIN;
	if (parse_addr(text, &addr, &labels)) {
		NEC_TRY(nec_edges_id(p->edges, addr, &id));
		NEC_TRY(add_object(p, id));
	} else {
		NEC_TRY(find_start(p, db, text, &labels));
	}
	return follow_labels(p, text, labels);
}

static struct nec_error *parse_end(struct nec_pattern *p, struct nec_db *db, const char *text,
				   struct end *end)
{
	const char *rest;
	uint64_t addr;

	if (!strcmp(text, "*"))
		return NULL;
	if (parse_addr(text, &addr, &rest)) {
		end->kind = END_NODE;
		return *rest ? bad(text) : nec_edges_id(p->edges, addr, &end->node);
	}
	end->kind = END_TYPES;
	NEC_TRY(nec_find_types(db, text, &end->types, &end->type_count));
	if (!end->type_count)
		return nec_error_create(NEC_ERR_NOTFOUND, "%s: no class of that name in this dump",
					text);
	return NULL;
}

static struct nec_error *parse_ends(struct nec_pattern *p, struct nec_db *db, const char *text,
				    const char *arrow)
{
	_cleanup_free_ char *src = strndup(text, (size_t)(arrow - text));

	if (!src)
		return &nec_enomem;
	p->kind = PATTERN_ENDS;
	NEC_TRY(parse_end(p, db, src, &p->src));
	return parse_end(p, db, arrow + 2, &p->dst);
}

static struct nec_error *parse(struct nec_pattern *p, struct nec_db *db, const char *text)
{
	const char *arrow = strstr(text, "->");

	if (arrow && *text != '[')
		return parse_ends(p, db, text, arrow);
	if (*text != '.' && *text != '[')
		return parse_chain(p, db, text);
	if (label_length(text) != strlen(text))
		return bad(text);
	p->kind = PATTERN_LABEL;
	p->label = strdup(text);
	return p->label ? NULL : &nec_enomem;
}

struct nec_error *nec_pattern_create(struct nec_db *db, struct nec_edges *edges, const char *text,
				     struct nec_pattern **pattern_ret)
{
	struct nec_pattern *p = calloc(1, sizeof(*p));
	struct nec_error *err;

	if (!p)
		return &nec_enomem;
	p->edges = edges;
	err = parse(p, db, text);
	if (err) {
		nec_pattern_destroy(p);
		return err;
	}
	*pattern_ret = p;
	return NULL;
}

void nec_pattern_destroy(struct nec_pattern *pattern)
{
	if (!pattern)
		return;
	nec_text_deinit(&pattern->scratch);
	free(pattern->label);
	free(pattern->fixed);
	free(pattern->keys);
	free(pattern->src.types);
	free(pattern->dst.types);
	free(pattern->objects);
	free(pattern->pairs);
	free(pattern);
}

static bool has_type(const struct end *end, uint32_t type)
{
	return bsearch(&type, end->types, end->type_count, sizeof(type), compare_u32);
}

static enum nec_match match_ends(const struct nec_pattern *p, const struct nec_edge *edge,
				 uint32_t src_type)
{
	if (p->src.kind == END_NODE && edge->src != p->src.node)
		return NEC_MATCH_NO;
	if (p->src.kind == END_TYPES && !has_type(&p->src, src_type))
		return NEC_MATCH_NO;
	if (p->dst.kind == END_NODE && edge->dst != p->dst.node)
		return NEC_MATCH_NO;
	return p->dst.kind == END_TYPES ? NEC_MATCH_BY_TYPE : NEC_MATCH_YES;
}

static bool match_chain(const struct nec_pattern *p, const struct nec_edge *edge)
{
	uint64_t pair = (uint64_t)edge->src << 32 | edge->dst;

	if (p->pair_count)
		return bsearch(&pair, p->pairs, p->pair_count, sizeof(pair), compare_u64);
	/* No label: all that the objects refer to. */
	return bsearch(&edge->src, p->objects, p->object_count, sizeof(edge->src), compare_u32);
}

/* Has a label its own verdict already? The labels of a heap are few, or keys; *slot_ret NULL:
 * neither. */
static struct nec_error *find_verdict(struct nec_pattern *p, const struct nec_edge *edge,
				      uint8_t **slot_ret)
{
	bool fixed = edge->label_kind == NEC_LABEL_STRING;
	uint32_t *count = fixed ? &p->fixed_count : &p->key_count;
	uint8_t **verdicts = fixed ? &p->fixed : &p->keys, *grown;
	uint64_t want;

	*slot_ret = NULL;
	/* Labels of other kinds are numbers; a hostile number has no slot. */
	if ((!fixed && edge->label_kind != NEC_LABEL_KEY && edge->label_kind != NEC_LABEL_ATTR) ||
	    edge->label >= (fixed ? MAX_FIXED : nec_edges_count(p->edges)))
		return NULL;
	if (edge->label >= *count) {
		want = fixed ? (edge->label | 1023) + 1 : nec_edges_count(p->edges);
		grown = realloc(*verdicts, want);
		if (!grown)
			return &nec_enomem;
		memset(grown + *count, 0, want - *count);
		*verdicts = grown;
		*count = (uint32_t)want;
	}
	*slot_ret = &(*verdicts)[edge->label];
	return NULL;
}

static char first_digit(uint64_t n)
{
	while (n >= 10)
		n /= 10;
	return (char)n;
}

static struct nec_error *match_label(struct nec_pattern *p, const struct nec_edge *edge,
				     enum nec_match *match_ret)
{
	bool named = edge->label_kind == NEC_LABEL_STRING || edge->label_kind == NEC_LABEL_ATTR;
	bool item = edge->label_kind == NEC_LABEL_KEY || edge->label_kind == NEC_LABEL_INDEX;
	uint8_t *slot;

	if (*p->label == '.' ? !named : !item)
		return NULL;
	/* There are millions of indexes, and most patterns are of keys. */
	if (edge->label_kind == NEC_LABEL_INDEX && p->label[1] != '0' + first_digit(edge->label))
		return NULL;
	NEC_TRY(find_verdict(p, edge, &slot));
	if (!slot || *slot == VERDICT_NONE) {
		nec_text_clear(&p->scratch);
		NEC_TRY(nec_edges_label(p->edges, edge, &p->scratch));
		if (p->scratch.failed)
			return &nec_enomem;
		if (label_is(&p->scratch, p->label, strlen(p->label)))
			*match_ret = NEC_MATCH_YES;
		if (slot)
			*slot = *match_ret == NEC_MATCH_YES ? VERDICT_YES : VERDICT_NO;
	} else if (*slot == VERDICT_YES) {
		*match_ret = NEC_MATCH_YES;
	}
	return NULL;
}

struct nec_error *nec_pattern_match(struct nec_pattern *p, const struct nec_edge *edge,
				    uint32_t src_type, enum nec_match *match_ret)
{
	*match_ret = NEC_MATCH_NO;
	if (p->kind == PATTERN_ENDS) {
		*match_ret = match_ends(p, edge, src_type);
		return NULL;
	}
	if (p->kind == PATTERN_CHAIN) {
		if (edge->kind != NEC_REF_TYPE && match_chain(p, edge))
			*match_ret = NEC_MATCH_YES;
		return NULL;
	}
	return match_label(p, edge, match_ret);
}

bool nec_pattern_match_type(const struct nec_pattern *pattern, uint32_t dst_type)
{
	return has_type(&pattern->dst, dst_type);
}

const uint32_t *nec_pattern_objects(const struct nec_pattern *pattern, uint32_t *count_ret)
{
	*count_ret = pattern->object_count;
	return pattern->objects;
}

static struct nec_error *add_item(void *arg, const struct nec_edge *edge, bool *stop)
{
	(void)stop;
	if (edge->label_kind != NEC_LABEL_KEY && edge->label_kind != NEC_LABEL_INDEX &&
	    edge->label_kind != NEC_LABEL_ATTR)
		return NULL;
	return add_pair(arg, edge->src, edge->dst);
}

struct nec_error *nec_pattern_weaken(struct nec_pattern *p)
{
	struct nec_neighbours *n = nec_edges_neighbours(p->edges);
	uint32_t i;

	if (p->kind != PATTERN_CHAIN)
		return NULL;
	p->pair_count = 0;
	for (i = 0; i < p->object_count; i++)
		NEC_TRY(n->references(n, p->objects[i], add_item, p));
	if (!p->pair_count)
		return nec_error_create(NEC_ERR_NOTFOUND, "what is to be weakened has no items");
	qsort(p->pairs, p->pair_count, sizeof(*p->pairs), compare_u64);
	return NULL;
}

/* ---- lru_cache=N ---- */

/* References of a cache, with the entry each belongs to: 0 is the oldest. */
struct cached {
	uint64_t pair; /* src << 32 | dst */
	uint64_t entry;
};

struct cache {
	struct nec_pattern *pattern;
	uint32_t dict; /* UINT32_MAX: it has none */
	struct cached *refs;
	uint32_t count, capacity;
	uint64_t entries;
	uint32_t first, last; /* pairs of the pattern that are of this cache's list: what its dict
				 loses, too */
};

static struct nec_error *add_cached(struct cache *c, const struct nec_edge *edge, uint64_t entry)
{
	NEC_TRY(grow(&c->refs, &c->capacity, c->count, sizeof(*c->refs)));
	c->refs[c->count++] = (struct cached){(uint64_t)edge->src << 32 | edge->dst, entry};
	return NULL;
}

/* References of the wrapper: the dict, and the links of a bounded cache, each with its key and its
 * result behind it. */
static struct nec_error *read_wrapper(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct cache *c = arg;
	struct nec_text *label = &c->pattern->scratch;

	(void)stop;
	if (edge->label_kind != NEC_LABEL_STRING)
		return NULL;
	nec_text_clear(label);
	NEC_TRY(nec_edges_label(c->pattern->edges, edge, label));
	if (label_is(label, ".cache", 6))
		c->dict = edge->dst;
	else if (label_is(label, " lru_cache link", 15))
		return add_cached(c, edge, c->entries++);
	else if (c->entries && (label_is(label, " lru_cache key", 14) ||
				label_is(label, " lru_cache result", 17)))
		return add_cached(c, edge, c->entries - 1);
	return NULL;
}

/* References of the dict of a cache without a bound: keys and values by turns, as they came. */
static struct nec_error *read_dict(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct cache *c = arg;

	(void)stop;
	if (edge->kind == NEC_REF_TYPE)
		return NULL;
	NEC_TRY(add_cached(c, edge, c->entries));
	c->entries += edge->label_kind == NEC_LABEL_KEY || edge->label_kind == NEC_LABEL_INDEX;
	return NULL;
}

/* References of the dict of a bounded cache: an entry goes with its link. */
static struct nec_error *cut_dict(void *arg, const struct nec_edge *edge, bool *stop)
{
	struct cache *c = arg;
	uint32_t i = c->first, end = c->last, middle;

	(void)stop;
	while (i < end) {
		middle = i + (end - i) / 2;
		if ((uint32_t)c->pattern->pairs[middle] < edge->dst)
			i = middle + 1;
		else
			end = middle;
	}
	if (i == c->last || (uint32_t)c->pattern->pairs[i] != edge->dst)
		return NULL;
	return add_pair(c->pattern, edge->src, edge->dst);
}

/* By pair, and the newest entry first: what a kept one refers to, too, is found before its older
 * twin. */
static int compare_cached(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	if (x->pair != y->pair)
		return x->pair > y->pair ? 1 : -1;
	return (x->entry < y->entry) - (x->entry > y->entry);
}

static struct nec_error *cap_cache(struct cache *c, uint32_t wrapper, uint64_t keep)
{
	struct nec_neighbours *n = nec_edges_neighbours(c->pattern->edges);
	bool bounded;
	uint32_t i;

	NEC_TRY(n->references(n, wrapper, read_wrapper, c));
	bounded = c->entries;
	if (!bounded && c->dict != UINT32_MAX)
		NEC_TRY(n->references(n, c->dict, read_dict, c));
	if (c->entries <= keep)
		return NULL;
	qsort(c->refs, c->count, sizeof(*c->refs), compare_cached);
	c->first = c->pattern->pair_count;
	for (i = 0; i < c->count; i++)
		if ((!i || c->refs[i].pair != c->refs[i - 1].pair) &&
		    c->refs[i].entry < c->entries - keep)
			NEC_TRY(add_pair(c->pattern, (uint32_t)(c->refs[i].pair >> 32),
					 (uint32_t)c->refs[i].pair));
	c->last = c->pattern->pair_count;
	if (!bounded || c->dict == UINT32_MAX)
		return NULL;
	return n->references(n, c->dict, cut_dict, c);
}

static struct nec_error *cap_caches(struct nec_pattern *p, struct nec_db *db, uint64_t keep)
{
	_cleanup_free_ uint32_t *types = NULL;
	uint32_t count, i;

	p->kind = PATTERN_CHAIN;
	NEC_TRY(nec_find_types(db, "functools._lru_cache_wrapper", &types, &count));
	NEC_TRY(start_at(p, db, types, count, true));
	if (!p->object_count)
		return nec_error_create(NEC_ERR_NOTFOUND, "lru_cache: none in this dump");
	for (i = 0; i < p->object_count; i++) {
		struct cache c = {.pattern = p, .dict = UINT32_MAX};
		struct nec_error *err = cap_cache(&c, p->objects[i], keep);

		free(c.refs);
		NEC_TRY(err);
	}
	/* The references of the caches are meant, not the caches. */
	p->object_count = 0;
	if (p->pair_count)
		qsort(p->pairs, p->pair_count, sizeof(*p->pairs), compare_u64);
	return NULL;
}

struct nec_error *nec_pattern_create_cap(struct nec_db *db, struct nec_edges *edges,
					 const char *text, struct nec_pattern **pattern_ret)
{
	static const char prefix[] = "lru_cache=";
	const char *digits = text + sizeof(prefix) - 1;
	struct nec_pattern *p;
	struct nec_error *err;
	uint64_t keep;
	char *end;

	if (strncmp(text, prefix, sizeof(prefix) - 1) || !isdigit((unsigned char)*digits))
		return nec_error_create(NEC_ERR_USAGE, "'%s': not lru_cache=N", text);
	errno = 0;
	keep = strtoull(digits, &end, 10);
	if (errno || *end)
		return nec_error_create(NEC_ERR_USAGE, "'%s': not lru_cache=N", text);
	p = calloc(1, sizeof(*p));
	if (!p)
		return &nec_enomem;
	p->edges = edges;
	err = cap_caches(p, db, keep);
	if (err)
		nec_pattern_destroy(p);
	else
		*pattern_ret = p;
	return err;
}

struct nec_error *nec_patterns_init(struct nec_patterns *list, struct nec_db *db,
				    struct nec_edges *edges, const char *const *texts)
{
	struct nec_error *err;
	uint32_t count = 0;

	*list = (struct nec_patterns){0};
	while (texts && texts[count])
		count++;
	list->items = calloc((size_t)count + 1, sizeof(struct nec_pattern *));
	if (!list->items)
		return &nec_enomem;
	for (; list->count < count; list->count++) {
		err = nec_pattern_create(db, edges, texts[list->count], &list->items[list->count]);
		if (err) {
			nec_patterns_deinit(list);
			return err;
		}
	}
	return NULL;
}

void nec_patterns_deinit(struct nec_patterns *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++)
		nec_pattern_destroy(list->items[i]);
	free(list->items);
	*list = (struct nec_patterns){0};
}
