/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A keymap is written by hand. */
#define KEYMAP_BYTES_MAX (1 << 20)

const char nec_keys_default[] = "# moving\n"
				"<Down> down\n"
				"j down\n"
				"<Up> up\n"
				"k up\n"
				"<PageDown> page-down\n"
				"<C-f> page-down\n"
				"<C-d> half-down\n"
				"<PageUp> page-up\n"
				"<C-b> page-up\n"
				"<C-u> half-up\n"
				"g top\n"
				"<Home> top\n"
				"G bottom\n"
				"<End> bottom\n"
				"<Tab> pane\n"
				"<S-Tab> pane-back\n"
				"# going\n"
				"<Enter> enter\n"
				"l enter\n"
				"<Right> right\n"
				"<Space> fold\n"
				"<Backspace> back\n"
				"h back\n"
				"<Left> left\n"
				"# this list\n"
				"/ filter\n"
				"n next\n"
				"N previous\n"
				"s sort\n"
				"S reverse\n"
				"e export\n"
				"# this object\n"
				"m mark\n"
				"' marked\n"
				"= compare\n"
				"y copy\n"
				"o show\n"
				"r retainers\n"
				"p paths\n"
				"w whatif\n"
				"d draw\n"
				"# screens\n"
				"1 overview\n"
				"2 types\n"
				"3 objects\n"
				"4 dominators\n"
				"5 threads\n"
				"6 memory\n"
				"7 findings\n"
				"8 roots\n"
				"9 timeline\n"
				"0 census\n"
				"O overview\n"
				"T types\n"
				"M modules\n"
				"D dominators\n"
				"H threads\n"
				"F find\n"
				"Q sql\n"
				"W warnings\n"
				"I info\n"
				"X garbage\n"
				"C refcounts\n"
				"U waste\n"
				"A in A\n"
				"B in B\n"
				"t groups\n"
				"a tasks\n"
				"? help\n"
				"<F1> help\n"
				"# the rest\n"
				": command\n"
				"<C-l> redraw\n"
				"<Esc> stop\n"
				"q quit\n"
				"[types]\n"
				"t modules\n"
				"[modules]\n"
				"t packages\n"
				"[packages]\n"
				"t types\n"
				"[groups]\n"
				"t threads\n"
				"[tasks]\n"
				"t task-groups\n"
				"[task-groups]\n"
				"t tasks\n";

static const struct {
	const char *name;
	uint32_t key;
} names[] = {
	{"Up", NEC_KEY_UP},
	{"Down", NEC_KEY_DOWN},
	{"Left", NEC_KEY_LEFT},
	{"Right", NEC_KEY_RIGHT},
	{"Home", NEC_KEY_HOME},
	{"End", NEC_KEY_END},
	{"PageUp", NEC_KEY_PAGE_UP},
	{"PageDown", NEC_KEY_PAGE_DOWN},
	{"Insert", NEC_KEY_INSERT},
	{"Delete", NEC_KEY_DELETE},
	{"S-Tab", NEC_KEY_SHIFT_TAB},
	{"Tab", NEC_KEY_TAB},
	{"Enter", NEC_KEY_ENTER},
	{"Esc", NEC_KEY_ESC},
	{"Space", NEC_KEY_SPACE},
	{"Backspace", NEC_KEY_BACKSPACE},
	{"Lt", '<'},
	{"Hash", '#'},
};

static uint32_t parse_name(const char *s, size_t len)
{
	char text[16];
	long n;

	if (len >= sizeof(text))
		return 0;
	memcpy(text, s, len);
	text[len] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(names[i].name, text) == 0)
			return names[i].key;
	if (len == 3 && toupper((unsigned char)text[0]) == 'C' && text[1] == '-' &&
	    isalpha((unsigned char)text[2]))
		return (uint32_t)text[2] & 0x1f;
	if (toupper((unsigned char)text[0]) == 'F' && isdigit((unsigned char)text[1])) {
		n = strtol(text + 1, NULL, 10);
		if (n >= 1 && n <= 12)
			return NEC_KEY_F0 + (uint32_t)n;
	}
	return 0;
}

uint32_t nec_key_parse(const char *s, size_t *used_ret)
{
	unsigned char c = (unsigned char)s[0];
	const char *end = c == '<' ? strchr(s, '>') : NULL;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t cp;

	if (end) {
		*used_ret = (size_t)(end - s) + 1;
		return parse_name(s + 1, (size_t)(end - s) - 1);
	}
	if (n == 0 || strnlen(s, n) < n)
		return 0;
	cp = n == 1 ? c : c & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | ((unsigned char)s[i] & 0x3f);
	}
	*used_ret = n;
	return cp;
}

void nec_key_name(struct nec_text *out, uint32_t key)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].key == key && key != '#' && key != '<') {
			nec_text_printf(out, "<%s>", names[i].name);
			return;
		}
	}
	if (key > NEC_KEY_F0 && key <= NEC_KEY_F12)
		nec_text_printf(out, "<F%u>", key - NEC_KEY_F0);
	else if (key < 32)
		nec_text_printf(out, "<C-%c>", (int)key + 'a' - 1);
	else
		nec_text_put_codepoint(out, key);
}

static struct nec_error *bind(struct nec_keymap *map, const char *screen, uint32_t key,
			      const char *command)
{
	struct nec_binding binding = {.key = key, .command = strdup(command)};

	if (screen)
		binding.screen = strdup(screen);
	if (map->count == map->capacity) {
		size_t capacity = map->capacity ? 2 * map->capacity : 128;
		struct nec_binding *at = realloc(map->at, capacity * sizeof(*at));

		if (at) {
			map->at = at;
			map->capacity = capacity;
		}
	}
	if (!binding.command || (screen && !binding.screen) || map->count == map->capacity) {
		free(binding.command);
		free(binding.screen);
		return &nec_enomem;
	}
	map->at[map->count++] = binding;
	return NULL;
}

/* One line without its newline; *screen follows section headers. */
static struct nec_error *parse_line(struct nec_keymap *map, char *line, char screen[32],
				    bool (*known)(const char *word, bool screen))
{
	size_t len = strlen(line), used, word;
	char *command, first[64];
	uint32_t key;

	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return NULL;
	len = strlen(line);
	if (line[0] == '[' && line[len - 1] == ']' && len > 2 && len < 32) {
		line[len - 1] = '\0';
		strcpy(screen, line + 1);
		if (strcmp(screen, "all") != 0 && !known(screen, true))
			return nec_error_create(NEC_ERR_USAGE, "no screen is called '%s'", screen);
		return NULL;
	}
	key = nec_key_parse(line, &used);
	if (!key || !isspace((unsigned char)line[used]))
		return nec_error_create(NEC_ERR_USAGE, "'%s' does not begin with a key", line);
	for (command = line + used; isspace((unsigned char)*command);)
		command++;
	word = strcspn(command, " \t");
	if (word >= sizeof(first))
		return nec_error_create(NEC_ERR_USAGE, "no command is called '%s'", command);
	memcpy(first, command, word);
	first[word] = '\0';
	if (strcmp(first, "none") != 0 && !known(first, false))
		return nec_error_create(NEC_ERR_USAGE, "no command is called '%s'", first);
	return bind(map, strcmp(screen, "all") == 0 ? NULL : screen, key, command);
}

struct nec_error *nec_keymap_parse(struct nec_keymap *map, const char *text, const char *origin,
				   bool (*known)(const char *word, bool screen))
{
	char screen[32] = "all";

	for (int number = 1; *text; number++) {
		size_t len = strcspn(text, "\n");
		_cleanup_free_ char *line = strndup(text, len);
		struct nec_error *err = line ? parse_line(map, line, screen, known) : &nec_enomem;

		if (err)
			return nec_error_wrap(err, "%s:%d", origin, number);
		text += len + (text[len] == '\n');
	}
	return NULL;
}

struct nec_error *nec_keymap_load(struct nec_keymap *map, const char *path,
				  bool (*known)(const char *word, bool screen))
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_(nec_text_deinit) struct nec_text text = {.limit = KEYMAP_BYTES_MAX};
	char buffer[4096];
	size_t n;

	if (!file)
		return nec_error_os(errno, "%s", path);
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0 && !text.cut)
		nec_text_add(&text, buffer, n);
	if (ferror(file))
		return nec_error_os(errno, "%s", path);
	if (text.failed)
		return &nec_enomem;
	return nec_keymap_parse(map, nec_text_str(&text), path, known);
}

void nec_keymap_deinit(struct nec_keymap *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->at[i].screen);
		free(map->at[i].command);
	}
	free(map->at);
	*map = (struct nec_keymap){0};
}

const char *nec_keymap_find(const struct nec_keymap *map, const char *screen, uint32_t key)
{
	const char *general = NULL;

	for (size_t i = map->count; i-- > 0;) {
		const struct nec_binding *binding = &map->at[i];

		if (binding->key != key)
			continue;
		if (binding->screen && screen && strcmp(binding->screen, screen) == 0)
			return strcmp(binding->command, "none") == 0 ? NULL : binding->command;
		if (!binding->screen && !general)
			general = binding->command;
	}
	return general && strcmp(general, "none") != 0 ? general : NULL;
}

void nec_keymap_keys(const struct nec_keymap *map, const char *command, struct nec_text *out)
{
	const char *join = "";

	for (size_t i = 0; i < map->count; i++) {
		const struct nec_binding *binding = &map->at[i];
		const char *now = nec_keymap_find(map, binding->screen, binding->key);

		if (!now || strcmp(now, command) != 0 || strcmp(binding->command, command) != 0)
			continue;
		nec_text_puts(out, join);
		nec_key_name(out, binding->key);
		join = " ";
	}
}
