/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nec_load: from the path of a dump to the path of its database. Where the database goes, whether
 * there is one already, who reads the dump, and that nothing is left behind when it fails; the
 * stages themselves are in stages.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

#include "ahead.h"
#include "base/mapguard.h"
#include "base/text.h"
#include "formats/format.h"
#include "formats/input.h"
#include "identity.h"
#include "imagefacts.h"
#include "necropsy.h"
#include "python/python.h"
#include "stages.h"
#include "suspects.h"

/* A database takes some 200 KiB when it has nothing in it, and this share of the dump at the very
 * least. */
enum { LEAST_ROOM = 1 << 20, LEAST_SHARE = 64 };

/* ---- where ---- */

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* mkdir -p, mode 0700 where it makes one. */
static struct nec_error *make_directories(const char *path)
{
	_cleanup_free_ char *part = strdup(path);
	char *p;

	if (!part)
		return &nec_enomem;
	for (p = part + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return nec_error_os(errno, "%s", part);
		*p = c;
		if (!c)
			return NULL;
	}
}

/* The place for a dump whose own directory cannot be written. Names collide there, so the hash is
 * part of them. */
static struct nec_error *cache_path(const char *dump, const struct nec_identity *identity,
				    char **ret)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const char *slash = strrchr(dump, '/');
	_cleanup_free_ char *dir = NULL;
	int n;

	/* A relative path there is to be ignored (XDG Base Directory Specification). */
	if (cache && *cache == '/')
		n = asprintf(&dir, "%s/necropsy", cache);
	else if (home && *home == '/')
		n = asprintf(&dir, "%s/.cache/necropsy", home);
	else
		return nec_error_create(NEC_ERR_USAGE,
					"%s: its directory cannot be written, and there is neither "
					"XDG_CACHE_HOME nor HOME: say where the database goes",
					dump);
	if (n < 0) {
		dir = NULL;
		return &nec_enomem;
	}
	NEC_TRY(make_directories(dir));
	if (asprintf(ret, "%s/%s-%.16s.necropsy", dir, slash ? slash + 1 : dump, identity->hash) <
	    0)
		return &nec_enomem;
	return NULL;
}

/* ---- is it there? ---- */

enum found { FOUND_NOTHING, FOUND_SAME, FOUND_STALE, FOUND_OTHER, FOUND_FOREIGN };

static bool meta_is(struct nec_db *db, const char *key, const char *expected)
{
	_cleanup_free_ char *value = nec_db_meta(db, key);

	return value && strcmp(value, expected) == 0;
}

/*
 * What lies at path: nothing, the database of this dump, one of this dump that is to be replaced
 * (another schema, not complete, or the dump was touched since), the database of another dump, or
 * something else altogether.
 */
static enum found look_at(const char *path, const struct nec_identity *identity)
{
	_cleanup_(nec_db_closep) struct nec_db *db = NULL;
	_cleanup_(nec_error_destroyp) struct nec_error *err = NULL;
	char size[24], mtime[24];
	struct stat st;

	if (lstat(path, &st) && errno == ENOENT)
		return FOUND_NOTHING;
	if (!nec_is_database(path))
		return FOUND_FOREIGN;
	err = nec_db_open(path, &db);
	if (err)
		return err->code == NEC_ERR_UNSUPPORTED ? FOUND_STALE : FOUND_OTHER;
	snprintf(size, sizeof(size), "%" PRIu64, identity->size);
	snprintf(mtime, sizeof(mtime), "%" PRId64, identity->mtime);
	if (!meta_is(db, "source_size", size) || !meta_is(db, "source_hash", identity->hash))
		return FOUND_OTHER;
	return meta_is(db, "complete", "1") && meta_is(db, "source_mtime", mtime) ? FOUND_SAME
										  : FOUND_STALE;
}

/* ---- the load ---- */

struct load {
	const char *dump;
	struct nec_load_options options; /* output is where it goes */
	struct nec_identity identity;
	bool has_identity; /* not standard input */
	char *tmpdir;
	struct nec_peak *peak;
	struct nec_image *image;
	struct nec_source *source;
	const struct nec_format *format;
	char *compression;
	struct nec_store *store;
};

static void deinit_load(struct load *load)
{
	nec_store_abandon(load->store);
	if (load->source)
		load->source->close(load->source);
	if (load->image)
		nec_image_destroy(load->image);
	nec_peak_stop(load->peak);
	free(load->tmpdir);
	free(load->compression);
}

static struct nec_error *check_room(const struct load *load)
{
	uint64_t need = LEAST_ROOM + load->identity.size / LEAST_SHARE, room;
	_cleanup_(nec_text_deinit) struct nec_text text = {0};
	struct statvfs st;

	if (statvfs(load->tmpdir, &st))
		return nec_error_os(errno, "%s", load->tmpdir);
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if (room >= need)
		return NULL;
	nec_text_puts(&text, "at least ");
	nec_text_size(&text, (int64_t)need);
	nec_text_puts(&text, " are needed for the database, ");
	nec_text_size(&text, (int64_t)room);
	nec_text_puts(&text, " are free");
	return nec_error_create(NEC_ERR_NOSPACE, "%s: %s", load->tmpdir, nec_text_str(&text));
}

/* No Python: what is it the core of? */
static struct nec_error *explain(const struct load *load, struct nec_error *err)
{
	_cleanup_free_ char *what = NULL;

	if (err->code != NEC_ERR_NOTFOUND)
		return nec_error_wrap(err, "%s", load->dump);
	what = nec_imagefacts_describe(load->image);
	if (!what)
		return nec_error_wrap(err, "%s", load->dump);
	return nec_error_wrap(err, "%s: the core of \"%s\"", load->dump, what);
}

static struct nec_error *open_dump(struct load *load)
{
	struct nec_input *input;
	struct nec_error *err;

	NEC_TRY(nec_format_detect(load->dump, &load->options, &load->format, &input));
	load->compression = strdup(nec_input_compression(input));
	if (!load->compression) {
		nec_input_close(input);
		return &nec_enomem;
	}
	if (!load->format->map)
		return nec_error_wrap(load->format->open(input, &load->options, &load->source),
				      "%s", load->dump);
	err = load->format->map(input, &load->options, &load->image);
	if (err)
		return nec_error_wrap(err, "%s", load->dump);
	err = nec_python_open(load->image, &load->options, load->tmpdir, &load->source);
	if (err)
		return explain(load, err);
	return nec_ahead_open(nec_take(load->source), &load->source);
}

static struct nec_error *put_time(struct nec_store *store, const char *key, time_t t, uint32_t ms)
{
	char clock[32], text[48];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(clock, sizeof(clock), "%Y-%m-%dT%H:%M:%S", &tm))
		return NULL;
	if (ms)
		snprintf(text, sizeof(text), "%s.%03uZ", clock, ms);
	else
		snprintf(text, sizeof(text), "%sZ", clock);
	return nec_stages_meta(store, key, text);
}

static struct nec_error *put_meta(struct load *load)
{
	_cleanup_free_ char *source = realpath(load->dump, NULL);

	NEC_TRY(nec_stages_meta_int(load->store, "schema_version", NEC_SCHEMA_VERSION));
	NEC_TRY(nec_stages_meta(load->store, "tool_version", PACKAGE_VERSION));
	NEC_TRY(nec_stages_meta(load->store, "format", load->format->name));
	NEC_TRY(nec_stages_meta(load->store, "compression", load->compression));
	NEC_TRY(nec_stages_meta(load->store, "source", source ? source : load->dump));
	NEC_TRY(put_time(load->store, "loaded_at", time(NULL), 0));
	if (load->has_identity) {
		NEC_TRY(nec_stages_meta_int(load->store, "source_size",
					    (int64_t)load->identity.size));
		NEC_TRY(nec_stages_meta_int(load->store, "source_mtime", load->identity.mtime));
		NEC_TRY(nec_stages_meta(load->store, "source_hash", load->identity.hash));
		/* Until a source knows better: a dump is written when its process is stopped. */
		NEC_TRY(put_time(load->store, "captured_at", load->identity.mtime,
				 load->identity.mtime_ms));
	}
	return load->image ? nec_imagefacts_put(load->image, load->store,
						load->options.no_values)
			   : NULL;
}

static struct nec_error *put_findings(struct nec_store *store, const struct nec_findings *findings)
{
	uint32_t i;

	for (i = 0; i < findings->count; i++) {
		const struct nec_finding *f = &findings->items[i];
		const struct nec_fact fact = {
			.kind = NEC_FACT_FINDING,
			.finding = {f->rule, f->title, f->detail, f->bytes, f->addr},
		};

		NEC_TRY(nec_store_put(store, &fact));
	}
	return NULL;
}

/* The rules ask the database; what they cannot make of it is a warning and no end of the load. */
static struct nec_error *find_suspects(struct load *load, struct nec_stages *stages)
{
	_cleanup_(nec_findings_deinit) struct nec_findings findings = {0};
	struct nec_fact warning = {.kind = NEC_FACT_WARNING, .warning.stage = "findings"};
	struct nec_db *db = NULL;
	struct nec_error *err;
	const char *path;

	NEC_TRY(nec_store_readable(load->store, &path));
	NEC_TRY(nec_stages_end(stages, "indexes", NEC_UNKNOWN));
	err = nec_db_open(path, &db);
	if (!err)
		err = nec_suspects_find(db, load->options.progress, &findings);
	nec_db_close(db);
	if (err && (err->code == NEC_ERR_CANCELLED || err->code == NEC_ERR_NOMEM))
		return err;
	if (err) {
		struct nec_error *put;

		warning.warning.message = err->message;
		put = nec_store_put(load->store, &warning);
		nec_error_destroy(err);
		NEC_TRY(put);
	}
	NEC_TRY(put_findings(load->store, &findings));
	return nec_stages_end(stages, "findings", findings.count);
}

static struct nec_error *run(struct load *load)
{
	struct nec_stages stages = {
		.tmpdir = load->tmpdir,
		.progress = load->options.progress,
		.peak = load->peak,
		.no_values = load->options.no_values,
	};

	nec_stages_begin(&stages);
	NEC_TRY(open_dump(load));
	NEC_TRY(nec_store_create(load->options.output, &load->store));
	stages.store = load->store;
	NEC_TRY(put_meta(load));
	NEC_TRY(nec_stages_end(&stages, "opening", NEC_UNKNOWN));
	NEC_TRY(nec_stages_run(&stages, load->source));
	NEC_TRY(find_suspects(load, &stages));
	NEC_TRY(nec_mapguard_check());
	return nec_store_finish(nec_take(load->store));
}

static struct nec_error *load_to(const char *dump, const char *path,
				 const struct nec_load_options *options,
				 const struct nec_identity *identity)
{
	_cleanup_(deinit_load) struct load load = {
		.dump = dump,
		.options = *options,
		.has_identity = identity,
		.tmpdir = directory_of(path),
	};

	load.options.output = path;
	if (identity)
		load.identity = *identity;
	if (!load.tmpdir)
		return &nec_enomem;
	NEC_TRY(check_room(&load));
	load.peak = nec_peak_start();
	return run(&load);
}

/* The path of the database, and what is there. */
static struct nec_error *choose_path(const char *dump, const struct nec_load_options *options,
				     const struct nec_identity *identity, char **path_ret,
				     enum found *found_ret)
{
	_cleanup_free_ char *path = NULL, *dir = NULL;

	if (options->output)
		path = strdup(options->output);
	else if (asprintf(&path, "%s.necropsy", dump) < 0)
		path = NULL;
	dir = path ? directory_of(path) : NULL;
	if (!dir)
		return &nec_enomem;
	*found_ret = look_at(path, identity);
	if (!options->output && (*found_ret != FOUND_SAME || options->force) && access(dir, W_OK)) {
		free(nec_take(path));
		NEC_TRY(cache_path(dump, identity, &path));
		*found_ret = look_at(path, identity);
	}
	*path_ret = nec_take(path);
	return NULL;
}

struct nec_error *nec_load(const char *dump, const struct nec_load_options *options,
			   char **path_ret, bool *loaded_ret)
{
	static const struct nec_load_options no_options;
	_cleanup_free_ char *path = NULL;
	struct nec_identity identity;
	enum found found = FOUND_NOTHING;
	bool is_stdin = strcmp(dump, "-") == 0;

	if (!options)
		options = &no_options;
	if (options->output && !*options->output)
		return nec_error_create(NEC_ERR_USAGE, "the database needs a name: --output is empty");
	if (is_stdin && !options->output)
		return nec_error_create(
			NEC_ERR_USAGE, "a dump from standard input needs a place for its database");
	if (!is_stdin)
		NEC_TRY(nec_identity_read(dump, &identity));
	else
		identity = (struct nec_identity){0};
	NEC_TRY(choose_path(dump, options, &identity, &path, &found));
	if (found == FOUND_FOREIGN)
		return nec_error_create(
			NEC_ERR_STORE,
			"%s: there already, and not a database of necropsy: it is left alone",
			path);
	if (found == FOUND_OTHER && !options->force)
		return nec_error_create(NEC_ERR_STORE,
					"%s: the database of another dump: it is left alone", path);
	*loaded_ret = found != FOUND_SAME || options->force;
	if (*loaded_ret)
		NEC_TRY(load_to(dump, path, options, is_stdin ? NULL : &identity));
	*path_ret = nec_take(path);
	return NULL;
}
