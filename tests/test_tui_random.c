/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The browser under random hands: keys, clicks, typed lines and changes of size, as fast as it
 * takes them, with queries running or settled. Every screen that it draws must be whole: each line
 * as wide as the screen, and no character that a terminal would obey. TUI_RANDOM_SECONDS says how
 * long (60), TUI_RANDOM_SEED repeats a run. It looks at an invented database, or at those of
 * TUI_RANDOM_DB, separated by colons; A+B is the difference of two.
 */
#include <dirent.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tui/app.h"
#include "unit.h"

struct random_terminal {
	struct nec_terminal terminal;
	time_t until;
	unsigned int seed;
	uint64_t events, screens;
	const char *line; /* rest of what is being typed */
};

static unsigned int number(struct random_terminal *random, unsigned int below)
{
	return (unsigned int)rand_r(&random->seed) % below;
}

static const uint32_t keys[] = {
	NEC_KEY_UP,  NEC_KEY_DOWN,  NEC_KEY_LEFT,      NEC_KEY_RIGHT,     NEC_KEY_HOME,
	NEC_KEY_END, NEC_KEY_TAB,   NEC_KEY_PAGE_UP,   NEC_KEY_PAGE_DOWN, NEC_KEY_SHIFT_TAB,
	NEC_KEY_ESC, NEC_KEY_ENTER, NEC_KEY_BACKSPACE, NEC_KEY_ENTER,     NEC_KEY_DELETE,
};

static const char *const lines[] = {
	"/app.",
	"/\xe4\xbe\x8b",
	"/%_\\",
	":find e",
	":find \x7f",
	":objects builtins.str",
	":sql SELECT * FROM reference",
	":sql SELECT addr, text FROM value",
	":sql nonsense",
	":show 0x7f3a10000040",
	":show 0",
	":retainers 0x7f3a10004000",
	":types builtins",
	":sort bytes",
	":sort nonsense",
	":export /dev/null/no",
	"::::",
	":paths 1",
	":draw held.dot",
	":export list.csv",
	":tasks",
	":task-groups",
	":difference",
	":resize 80x24",
	":sql SELECT a.addr FROM object a, object b, object c WHERE a.size + b.size + c.size < 0",
};

static void random_key(struct random_terminal *random, struct nec_event *event)
{
	event->kind = NEC_EVENT_KEY;
	if (*random->line) {
		size_t used = 1;

		event->key = nec_key_parse(random->line, &used);
		random->line += used;
		event->key = event->key ? event->key : '?';
		if (!*random->line && number(random, 2))
			random->line = "<Enter>";
		return;
	}
	if (number(random, 3)) {
		event->key = keys[number(random, sizeof(keys) / sizeof(keys[0]))];
	} else {
		event->key = 33 + number(random, 94);
		/* neither leaves nor asks for the name of a file */
		if (strchr("qed", (int)event->key))
			event->key = 0x1f4a3;
	}
}

static struct nec_error *random_read(struct nec_terminal *terminal, int timeout_ms, int wake_fd,
				     struct nec_event *event)
{
	struct random_terminal *random = (struct random_terminal *)terminal;

	(void)timeout_ms, (void)wake_fd;
	*event = (struct nec_event){.kind = NEC_EVENT_NONE};
	random->events++;
	if (random->events % 64 == 0 && time(NULL) >= random->until) {
		event->kind = NEC_EVENT_CLOSED;
		return NULL;
	}
	switch (number(random, 40)) {
	case 0:
		event->kind = NEC_EVENT_RESIZE;
		event->x = (int)number(random, number(random, 8) ? 120 : 310);
		event->y = (int)number(random, number(random, 8) ? 40 : 110);
		break;
	case 1:
	case 2:
		event->kind = NEC_EVENT_MOUSE;
		event->mouse = (enum nec_mouse)number(random, NEC_MOUSE_DOWN + 1);
		event->x = (int)number(random, 310) - 2;
		event->y = (int)number(random, 110) - 2;
		break;
	case 3:
		if (!*random->line)
			random->line = lines[number(random, sizeof(lines) / sizeof(lines[0]))];
		random_key(random, event);
		break;
	default:
		random_key(random, event);
	}
	return NULL;
}

/* What is wrong with a line; NULL: nothing. */
static const char *look_at(const struct nec_screen *screen, int y)
{
	int x = 0;

	while (x < screen->width) {
		const struct nec_cell *cell = nec_screen_cell(screen, x, y);

		if (cell->width != 1 && cell->width != 2)
			return "half a character";
		if (cell->style >= NEC_STYLE_COUNT)
			return "no style";
		for (const unsigned char *s = (const unsigned char *)cell->text; *s; s++)
			if (*s < 0x20 || *s == 0x7f)
				return "a control character";
		x += cell->width;
	}
	return x == screen->width ? NULL : "a character over the edge";
}

static void random_draw(struct nec_terminal *terminal, const struct nec_screen *screen)
{
	struct random_terminal *random = (struct random_terminal *)terminal;

	random->screens++;
	for (int y = 0; y < screen->height; y++) {
		const char *wrong = look_at(screen, y);

		if (wrong)
			ck_abort_msg("line %d: %s", y, wrong);
	}
	if (screen->cursor_x >= screen->width || screen->cursor_y >= screen->height)
		ck_abort_msg("the cursor is outside");
}

static void random_close(struct nec_terminal *terminal)
{
	(void)terminal;
}

static void make_sample(char *path)
{
	char command[4096];
	const char *necropsy = getenv("NECROPSY");

	ck_assert_msg(necropsy != NULL, "NECROPSY says where the program is");
	snprintf(command, sizeof(command), "\"$(dirname '%s')\"/tests/tui_sample '%s'", necropsy,
		 path);
	ck_assert_int_eq(system(command), 0);
}

/* Looks at one database, or at the difference of two, for some seconds. */
static void look(struct random_terminal *random, const char *paths, int seconds)
{
	const struct nec_diff_options diff = {0};
	struct nec_tui_document documents[3] = {{"A", NULL}, {"B", NULL}, {NULL, NULL}};
	struct nec_tui_options options = {.no_keymap = true};
	char path[4096], *second;
	struct nec_db *db = NULL;
	struct nec_app *app;
	struct nec_error *err;

	snprintf(path, sizeof(path), "%s", paths);
	second = strchr(path, '+');
	if (second)
		*second++ = '\0';
	random->until = time(NULL) + seconds;
	random->line = "";
	err = nec_db_open(path, &documents[0].db);
	if (!err && second)
		err = nec_db_open(second, &documents[1].db);
	if (!err && second)
		err = nec_diff(documents[0].db, documents[1].db, &diff, &db);
	if (err) {
		/* a damaged one may be refused */
		printf("# %s: %s\n", paths, err->message);
		nec_error_destroy(err);
	} else {
		options.documents = second ? documents : NULL;
		ck_assert_no_error(nec_app_create(second ? db : documents[0].db, &random->terminal,
						  &options, &app));
		ck_assert_no_error(nec_app_run(app));
		nec_app_destroy(app);
		printf("# %s: %llu events, %llu screens\n", paths,
		       (unsigned long long)random->events, (unsigned long long)random->screens);
		ck_assert_uint_gt(random->screens, 100);
	}
	fflush(stdout);
	random->events = random->screens = 0;
	nec_db_close(db);
	nec_db_close(documents[0].db);
	nec_db_close(documents[1].db);
}

/* Removes the files of a directory: what was typed may be any name. */
static void clear(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_REG)
			ck_assert_int_eq(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
}

/* What is looked at is written nowhere but into a directory of its own. */
static void run(bool ascii)
{
	const char *seconds = getenv("TUI_RANDOM_SECONDS"), *seed = getenv("TUI_RANDOM_SEED");
	const char *given = getenv("TUI_RANDOM_DB");
	struct random_terminal random = {
		.terminal = {.read = random_read,
			     .draw = random_draw,
			     .close = random_close,
			     .patience_ms = 2,
			     .width = 80,
			     .height = 24,
			     .ascii = ascii},
		.line = "",
	};
	char dir[] = "/tmp/necropsy-random-XXXXXX", sample[64], *list, *path, *rest;
	int total = (seconds ? atoi(seconds) : 60) / 2, count = 1;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	snprintf(sample, sizeof(sample), "%s/sample.db", dir);
	if (!given)
		make_sample(sample);
	random.seed = seed ? (unsigned int)atoi(seed) : (unsigned int)time(NULL);
	printf("# seed %u\n", random.seed);
	list = strdup(given ? given : sample);
	for (const char *s = list; *s; s++)
		count += *s == ':';
	for (path = strtok_r(list, ":", &rest); path; path = strtok_r(NULL, ":", &rest))
		look(&random, path, total / count);
	free(list);
	clear(dir);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(test_random_hands_utf8)
{
	ck_assert_msg(strcmp(nl_langinfo(CODESET), "UTF-8") == 0, "no C.UTF-8 here");
	run(false);
}
END_TEST

START_TEST(test_random_hands_ascii)
{
	run(true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tui_random");
	TCase *tcase = tcase_create("random");

	setlocale(LC_ALL, "C.UTF-8");
	tcase_set_timeout(tcase, 4000);
	tcase_add_test(tcase, test_random_hands_utf8);
	tcase_add_test(tcase, test_random_hands_ascii);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
