/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every line of every log of the real runs that ILU_TEST_RUNS names: what the store gives back is the line, and its
 * values are what jansson reads, with their types. Of each file the first 120,000 lines: two of the runs have millions
 * that repeat. Those are given back and compared byte for byte all the same, but not under a sanitizer: it takes 10,000
 * lines, and leaves the two out. */
#include "ingest/reader.h"
#include "base/scan.h"
#include "load/load.h"
#include "store/store.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
#define MOST_LINES 10000
#else
#define MOST_LINES 120000
#endif

static char dir[64] = "/tmp/ilu-runs-XXXXXX";

static struct store *load(const char *run)
{
	char db[100], path[600], *paths[] = {path}, *why = NULL;
	FILE *null = fopen("/dev/null", "w");
	struct load_options o = {.db = db, .paths = paths, .npaths = 1, .quiet = true, .out = null, .err = stderr};
	struct store *s;

	snprintf(db, sizeof db, "%s/run.db", dir);
	snprintf(path, sizeof path, "%s/%s", getenv("ILU_TEST_RUNS"), run);
	unlink(db);
	assert_int_equal(load_run(&o), 0);
	fclose(null);
	if (store_open(db, STORE_READ, &s, &why))
		fail_msg("%s: %s", run, why);
	return s;
}

/* ---- the same bytes ---- */

struct beside {
	struct reader *file;
	const char *path;
	char buf[65536];
	int64_t at;
};

static int same_bytes(void *arg, const void *p, size_t n)
{
	struct beside *b = arg;

	for (const char *at = p; n;) {
		size_t want = n < sizeof b->buf ? n : sizeof b->buf;
		ssize_t got = reader_read(b->file, b->buf, want);

		if (got <= 0 || memcmp(b->buf, at, (size_t)got))
			fail_msg("%s: other bytes from %lld on", b->path, (long long)b->at);
		at += got;
		n -= (size_t)got;
		b->at += got;
	}
	return 0;
}

static void cat_is_file(struct store *s, int64_t source, const char *path)
{
	struct beside b = {.path = path};
	const char *why;

	assert_int_equal(reader_open(path, &b.file, &why), 0);
	assert_int_equal(store_cat(s, source, same_bytes, &b), 0);
	assert_int_equal(reader_read(b.file, b.buf, 1), 0);
	reader_close(b.file);
}

/* ---- the same values ---- */

/* Integers as integers, beyond 64 bits and fractions by their text; strings unescaped; nested values by jansson. */
static bool same_value(enum slot_kind kind, struct slice v, json_t *want)
{
	static char buf[3 << 20];
	char number[40];
	json_t *got;
	bool same;
	size_t n;

	switch (json_typeof(want)) {
	case JSON_STRING:
		n = 3 * v.len <= sizeof buf ? json_unescape(v, buf) : 0;
		return (kind == SLOT_STRING || kind == SLOT_TID) && n == json_string_length(want) &&
		       !memcmp(buf, json_string_value(want), n);
	case JSON_INTEGER:
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(want));
		return kind == SLOT_SCALAR && slice_is(v, number);
	case JSON_REAL:
		snprintf(number, sizeof number, "%.*s", (int)(v.len < 39 ? v.len : 39), v.ptr);
		return kind == SLOT_SCALAR && strpbrk(number, ".eE") && strtod(number, NULL) == json_real_value(want);
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		return kind == SLOT_SCALAR && slice_is(v, json_is_true(want)    ? "true"
		                                          : json_is_false(want) ? "false"
		                                                                : "null");
	default:
		got = kind == SLOT_JSON ? json_loadb(v.ptr, v.len, 0, NULL) : NULL;
		same = got && json_equal(got, want);
		json_decref(got);
		return same;
	}
}

/* The n-th of two with one name is not to be had from jansson: it keeps the last. */
static bool is_repeated(struct slice line, const char *name)
{
	char pattern[200];
	int n = snprintf(pattern, sizeof pattern, "\"%s\":", name);
	const char *first = memmem(line.ptr, line.len, pattern, (size_t)n);

	return first && memmem(first + 1, line.len - (size_t)(first + 1 - line.ptr), pattern, (size_t)n);
}

static unsigned check_object(const struct event *e, struct slice line, json_t *object,
                             enum slot_kind (*get)(const struct event *, const char *, struct slice *))
{
	unsigned checked = 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		struct slice v;
		enum slot_kind kind = get(e, key, &v);

		if (!same_value(kind, v, value) && !is_repeated(line, key))
			fail_msg("%.*s\n%s: kind %d, %.*s", (int)line.len, line.ptr, key, kind, kind ? (int)v.len : 0,
			         kind ? v.ptr : "");
		checked++;
	}
	return checked;
}

static void check_text(struct slice line, const char *what, struct slice got, json_t *want)
{
	if (json_is_string(want) ? !same_value(SLOT_STRING, got, want) : got.ptr != NULL)
		fail_msg("%.*s\n%s is %.*s", (int)line.len, line.ptr, what, (int)got.len, got.ptr);
}

static void check_part(struct slice line, const char *what, struct slice got, json_t *want)
{
	json_t *part = got.ptr ? json_loadb(got.ptr, got.len, 0, NULL) : NULL;

	if (!part != !want || (part && !json_equal(part, want)))
		fail_msg("%.*s\n%s is %.*s", (int)line.len, line.ptr, what, (int)got.len, got.ptr);
	json_decref(part);
}

/* contract: of fields, of span, of the innermost of spans. */
static json_t *tid_of(json_t *line)
{
	json_t *tid = json_object_get(json_object_get(line, "fields"), "tid"), *spans = json_object_get(line, "spans");

	if (!json_is_string(tid))
		tid = json_object_get(json_object_get(line, "span"), "tid");
	for (size_t i = json_array_size(spans); i-- && !json_is_string(tid);)
		tid = json_object_get(json_array_get(spans, i), "tid");
	return json_is_string(tid) && json_string_length(tid) ? tid : NULL;
}

/* containerd's JSON: what has a role is no field. */
static unsigned check_logrus(const struct event *e, struct slice line, json_t *j)
{
	static const char *const roles[] = {"time", "level", "msg", "component"};

	check_text(line, "level", event_level_text(e), json_object_get(j, "level"));
	check_text(line, "msg", event_message(e), json_object_get(j, "msg"));
	check_text(line, "component", e->head->target, json_object_get(j, "component"));
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		json_object_del(j, roles[i]);
	return 3 + check_object(e, line, j, event_field);
}

static unsigned check_line(const struct event *e)
{
	struct slice line;
	unsigned checked;
	json_t *j;

	assert_int_equal(event_line(e, &line), 0);
	j = json_loadb(line.ptr, line.len, 0, NULL);
	if (!j)
		return 0; /* containerd's logfmt */
	if (!json_object_get(j, "fields")) {
		checked = check_logrus(e, line, j);
	} else {
		checked = check_object(e, line, json_object_get(j, "fields"), event_field);
		checked += check_object(e, line, json_object_get(j, "span"), event_span_field);
		check_text(line, "level", e->head->level, json_object_get(j, "level"));
		check_text(line, "target", e->head->target, json_object_get(j, "target"));
		check_text(line, "tid", e->tid, tid_of(j));
		check_part(line, "fields", event_part(e, SECTION_FIELDS), json_object_get(j, "fields"));
		check_part(line, "span", event_part(e, SECTION_SPAN), json_object_get(j, "span"));
		check_part(line, "spans", event_part(e, SECTION_SPANS), json_object_get(j, "spans"));
		assert_int_equal(e->tail->depth, json_array_size(json_object_get(j, "spans")));
	}
	json_decref(j);
	return checked;
}

static void check_source(struct store *s, int64_t source, const char *path, uint64_t *lines, uint64_t *values)
{
	struct event_query q = {.source = source};
	struct event_cursor *c;
	const struct event *e;
	unsigned n = 0;

	cat_is_file(s, source, path);
	assert_int_equal(event_cursor_open(s, &q, &c), 0);
	for (; n < MOST_LINES && event_cursor_next(c, &e) == 1; n++)
		*values += check_line(e);
	event_cursor_close(c);
	*lines += n;
}

static void check_run(const char *run)
{
	struct store *s = load(run);
	uint64_t lines = 0, values = 0;
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_prepare_v2(store_db(s), "SELECT id, path FROM source ORDER BY id", -1, &q, NULL), 0);
	while (sqlite3_step(q) == SQLITE_ROW)
		check_source(s, sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1), &lines, &values);
	sqlite3_finalize(q);
	store_close(s);
	print_message("# %s: %llu lines, %llu values\n", run, (unsigned long long)lines, (unsigned long long)values);
	assert_true(lines > 0 && values > lines);
}

static void all_runs(void **state)
{
	const char *runs = getenv("ILU_TEST_RUNS");
	struct dirent **names;
	int n;

	(void)state;
	if (!runs || !*runs) {
		print_message("skipped: ILU_TEST_RUNS is not set\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	n = scandir(runs, &names, NULL, alphasort);
	assert_true(n > 2);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char path[600];

		snprintf(path, sizeof path, "%s/%s/in.csv", runs, name);
		if (*name == '.' || access(path, R_OK))
			; /* no run */
		else if (MOST_LINES < 100000 && (!strcmp(name, "paper-debug-spans") || !strcmp(name, "memory-storm")))
			print_message("# %s: left out under a sanitizer\n", name);
		else
			check_run(name);
		free(names[i]);
	}
	free(names);
	unlink(strcat(strcpy((char[100]){0}, dir), "/run.db"));
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_runs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
