/* SPDX-License-Identifier: GPL-3.0-or-later */
/* seen_test.c - what a push sees in all lines of a source is enough to tell it elsewhere, and never believed blindly.
 */
#include "mirror/seen.h"
#include "base/sql.h"
#include "build/build.h"
#include "findings/finding.h"
#include "findings/lint_seen.h"
#include "load/load.h"
#include "own_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

/* A log of ours with a hole in its numbers, a line that goes back in time, one with a secret, and two of one pattern.
 */
static const char *const lines[] = {
    "{\"timestamp\":\"2026-01-01T00:00:01.000000000Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"took 5 "
    "ms\",\"tid\":\"a\"},\"target\":\"t\",\"pid\":7,\"seq\":1}\n",
    "{\"timestamp\":\"2026-01-01T00:00:02.000000000Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"took 6 "
    "ms\",\"tid\":\"a\"},\"target\":\"t\",\"pid\":7,\"seq\":2}\n",
    "{\"timestamp\":\"2026-01-01T00:00:00.500000000Z\",\"level\":\"WARN\",\"fields\":{\"message\":\"say "
    "\\\"no\\\"\",\"tid\":\"a\"},\"target\":\"t\",\"pid\":7,\"seq\":3}\n",
    "{\"timestamp\":\"2026-01-01T00:00:03.000000000Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"login\",\"tid\":"
    "\"a\",\"password\":\"x\"},\"target\":\"t\",\"pid\":7,\"seq\":9}\n",
};

static struct store *load(const char *name, unsigned n)
{
	char path[220], db[230], *paths[] = {path}, *why = NULL;
	FILE *f, *null = fopen("/dev/null", "w");
	struct load_options o = {.db = db, .paths = paths, .npaths = 1, .quiet = true, .out = null, .err = stderr};
	struct store *s = NULL;

	snprintf(path, sizeof path, "%s", in_dir(name));
	snprintf(db, sizeof db, "%s.db", path);
	f = fopen(path, "w");
	for (unsigned i = 0; i < n; i++)
		fputs(lines[i], f);
	fclose(f);
	assert_int_equal(load_run(&o), 0);
	fclose(null);
	assert_int_equal(store_open(db, STORE_WRITE, &s, &why), 0);
	return s;
}

static struct slice see(struct store *s, struct bytes *b)
{
	assert_int_equal(seen_of_source(s, 1, b), 0);
	return (struct slice){b->ptr, b->len};
}

static int count_line(void *arg, int64_t line)
{
	assert_in_range(line, 1, 4);
	++*(int *)arg;
	return 0;
}

static bool is_found(const struct findings *f, const char *rule, int64_t count)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i].rule, rule))
			return f->v[i].count == count && f->v[i].nevidence == (size_t)count &&
			       f->v[i].evidence[0].event;
	return false;
}

/* Lint does not look at numbers of the log there, and tells what was seen of them elsewhere. */
static void lint_tells_what_was_seen(void **state)
{
	struct store *all = load("all.log", 4), *one = load("one.log", 4);
	struct findings f = {0};
	struct bytes b = {0};
	struct peek patterns;
	struct slice lint;
	int n = 0;

	(void)state;
	assert_int_equal(seen_parts(see(all, &b), &lint, &patterns), 0);
	assert_int_equal(lint_seen_lines(lint, count_line, &n), 0);
	assert_int_equal(n, 4); /* back, hole, secret, and the first of its process */
	assert_false(lint_seen_spans(lint));
	store_exec(one, "UPDATE source SET kind = 'tracing'"); /* what numbers say is not looked at here */
	assert_int_equal(lint_seen_begin(store_db(one)), 0);
	assert_int_equal(lint_seen_put(store_db(one), 1, lint), 0);
	assert_int_equal(store_refresh(one), 0);
	assert_int_equal(find_lint(one, 0, &f), 0);
	assert_true(is_found(&f, "time-backwards", 1) && is_found(&f, "sequence-gap", 1) && is_found(&f, "secret", 1));
	findings_done(&f);
	bytes_free(&b);
	store_close(all);
	store_close(one);
}

static void patterns_are_those_of_the_lines(void **state)
{
	static const char same[] = "SELECT count(*) FROM temp.pattern t JOIN main.pattern p ON p.level = t.level AND "
	                           "p.target = t.target AND p.template = t.template AND p.count = t.count AND "
	                           "p.first_ns = t.first_ns AND p.last_ns = t.last_ns AND p.example = t.example";
	struct store *s = load("patterns.log", 4);
	struct patterns *p = patterns_new(NULL);
	struct bytes b = {0};
	struct peek patterns;
	struct slice lint;
	int64_t n = 0;

	(void)state;
	assert_int_equal(seen_parts(see(s, &b), &lint, &patterns), 0);
	assert_int_equal(patterns_unpack(p, &patterns), 0);
	assert_int_equal(sql_exec_all(store_db(s), "CREATE TEMP TABLE pattern(id INTEGER PRIMARY KEY, level, target, "
	                                           "template, count, first_ns, last_ns, example)"),
	                 0);
	assert_int_equal(patterns_write(p, store_db(s)), 0);
	assert_int_equal(sql_number(store_db(s), same, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(sql_number(store_db(s), "SELECT count(*) FROM temp.pattern", &n), 0);
	assert_int_equal(n, 3);
	patterns_free(p);
	bytes_free(&b);
	store_close(s);
}

/* Bytes that were cut off, or changed, are refused or read as something else; never beyond their end. */
static void what_is_damaged_is_not_believed(void **state)
{
	struct store *s = load("damaged.log", 4);
	struct bytes b = {0};
	struct slice whole = see(s, &b), lint;
	struct peek k;
	int n = 0;

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		char *cut = malloc(len ? len : 1);
		struct patterns *p = patterns_new(NULL);
		int rc;

		memcpy(cut, whole.ptr, len);
		rc = seen_parts((struct slice){cut, len}, &lint, &k);
		assert_true(rc == -EBADMSG || !lint_seen_lines(lint, count_line, &n));
		rc = rc ? rc : patterns_unpack(p, &k);
		assert_true(!rc || rc == -EBADMSG);
		patterns_free(p);
		free(cut);
	}
	assert_int_equal(seen_parts(whole, &lint, &k), 0);
	for (size_t len = 0; len < lint.len; len++) {
		char *cut = malloc(len ? len : 1);

		memcpy(cut, lint.ptr, len);
		assert_int_equal(lint_seen_lines((struct slice){cut, len}, count_line, &n), -EBADMSG);
		free(cut);
	}
	b.ptr[0]++;
	assert_int_equal(seen_parts(whole, &lint, &k), -EBADMSG); /* of another version */
	bytes_free(&b);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lint_tells_what_was_seen),
	    cmocka_unit_test(patterns_are_those_of_the_lines),
	    cmocka_unit_test(what_is_damaged_is_not_believed),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
