/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base_sql_test.c - SQLite with our errors. */
#include "base/aggregate.h"
#include "base/sql.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof *(a))

static sqlite3 *db;

static int set_up(void **state)
{
	(void)state;
	return sqlite3_open(":memory:", &db);
}

static int tear_down(void **state)
{
	(void)state;
	return sqlite3_close(db); /* fails where a statement was left */
}

static void errors_are_ours(void **state)
{
	static const struct {
		int sqlite, ours;
	} rows[] = {{SQLITE_OK, 0},
	            {SQLITE_ROW, 0},
	            {SQLITE_DONE, 0},
	            {SQLITE_NOMEM, -ENOMEM},
	            {SQLITE_IOERR_NOMEM, -ENOMEM},
	            {SQLITE_FULL, -ENOSPC},
	            {SQLITE_IOERR, -EIO},
	            {SQLITE_IOERR_READ, -EIO},
	            {SQLITE_BUSY, -EBUSY},
	            {SQLITE_BUSY_SNAPSHOT, -EBUSY},
	            {SQLITE_LOCKED, -EBUSY},
	            {SQLITE_INTERRUPT, -EINTR},
	            {SQLITE_READONLY, -EACCES},
	            {SQLITE_PERM, -EACCES},
	            {SQLITE_AUTH, -EACCES},
	            {SQLITE_CANTOPEN, -ENOENT},
	            {SQLITE_NOTADB, -EMEDIUMTYPE},
	            {SQLITE_CORRUPT, -EBADMSG},
	            {SQLITE_CORRUPT_VTAB, -EBADMSG},
	            {SQLITE_ERROR, -EINVAL},
	            {SQLITE_CONSTRAINT, -EBADMSG},
	            {SQLITE_MISUSE, -EINVAL}};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (sql_errno(rows[i].sqlite) != rows[i].ours)
			fail_msg("row %zu: %d is %d", i, rows[i].sqlite, sql_errno(rows[i].sqlite));
}

static void values_go_in_and_come_back(void **state)
{
	sqlite3_stmt *st;

	(void)state;
	assert_int_equal(sql_exec_all(db, "CREATE TABLE t(a, b, c, d, e)"), 0);
	assert_int_equal(sql_prepare(db, "INSERT INTO t VALUES(?, ?, ?, ?, ?)", &st), 0);
	for (int known = 0; known < 2; known++) {
		bind_slice(st, 1, known ? SLICE("a\0b") : SLICE_NONE);
		bind_word(st, 2, known ? "word" : NULL);
		bind_ns(st, 3, known ? -5 : NO_NS);
		bind_real(st, 4, known ? 2.5 : __builtin_nan(""));
		bind_slice(st, 5, SLICE(""));
		assert_int_equal(sql_step_reset(st), 0);
	}
	sqlite3_finalize(st);
	assert_int_equal(sql_prepare(db, "SELECT a, b, c, d, e FROM t ORDER BY rowid DESC", &st), 0);
	assert_int_equal(sql_next(st), 1);
	assert_int_equal(column_slice(st, 0).len, 3);
	assert_memory_equal(column_slice(st, 0).ptr, "a\0b", 3);
	assert_true(slice_is(column_slice(st, 1), "word"));
	assert_int_equal(column_ns(st, 2), -5);
	assert_true(sqlite3_column_double(st, 3) == 2.5);
	assert_int_equal(sql_next(st), 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(sqlite3_column_type(st, i), SQLITE_NULL);
	assert_null(column_slice(st, 0).ptr);
	assert_int_equal(column_ns(st, 2), NO_NS);
	assert_true(slice_is(column_slice(st, 4), "")); /* empty is not absent */
	assert_int_equal(sql_next(st), 0);
	sqlite3_finalize(st);
}

static void a_number_is_asked_for(void **state)
{
	int64_t n = 77;

	(void)state;
	assert_int_equal(sql_exec_all(db, "CREATE TABLE n(x); INSERT INTO n VALUES(3),(4)"), 0);
	assert_int_equal(sql_number(db, "SELECT x FROM n WHERE x > 9", &n), -ENOENT);
	assert_int_equal(sql_number(db, "SELECT x FROM nowhere", &n), -EBADMSG);
	assert_int_equal(n, 77);
	assert_int_equal(sql_number(db, "SELECT sum(x) FROM n", &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(sql_number_of(db, "SELECT x * 10 FROM n WHERE x = ?", 4, &n), 0);
	assert_int_equal(n, 40);
	assert_int_equal(sql_number_of(db, "SELECT x FROM n WHERE x = ?", 5, &n), -ENOENT);
	assert_int_equal(n, 40);
}

static void a_script_is_taken_statement_by_statement(void **state)
{
	const char *rest = " -- nothing\n; SELECT 1; SELECT 2";
	sqlite3_stmt *st;
	int numbers = 0;

	(void)state;
	while (*rest) {
		assert_int_equal(sql_prepare_first(db, rest, &st, &rest), 0);
		if (st) {
			assert_int_equal(sql_next(st), 1);
			numbers = numbers * 10 + sqlite3_column_int(st, 0);
		}
		assert_int_equal(sqlite3_finalize(st), 0);
	}
	assert_int_equal(numbers, 12);
	assert_int_equal(sql_prepare_first(db, "SELECT nothing; SELECT 1", &st, &rest), -EINVAL);
}

/* The last step of a statement tells what the row was refused for; the statement is gone, or the database would not
 * close. */
static void a_last_step_ends_a_statement(void **state)
{
	sqlite3_stmt *st;

	(void)state;
	assert_int_equal(sql_exec_all(db, "CREATE TABLE k(x INTEGER PRIMARY KEY)"), 0);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(sql_prepare_kept(db, "INSERT INTO k VALUES(1)", &st), 0);
		assert_int_equal(sql_finish(st), again ? -EBADMSG : 0);
	}
}

static double asked(const char *sql)
{
	sqlite3_stmt *st;
	double v;

	assert_int_equal(sql_prepare(db, sql, &st), 0);
	assert_int_equal(sql_next(st), 1);
	v = sqlite3_column_type(st, 0) == SQLITE_NULL ? -1 : sqlite3_column_double(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* Between two values in proportion: numpy.quantile([4, 1, 3, 2], q). */
static void quantiles_are_those_of_numpy(void **state)
{
	static const struct {
		const char *sql;
		double value;
	} rows[] = {{"SELECT quantile(x, 0) FROM q", 1},     {"SELECT quantile(x, 0.25) FROM q", 1.75},
	            {"SELECT p50(x) FROM q", 2.5},           {"SELECT p90(x) FROM q", 3.7},
	            {"SELECT quantile(x, 1) FROM q", 4},     {"SELECT p50(x) FROM q WHERE x = 3", 3},
	            {"SELECT p50(x) FROM q WHERE x > 9", -1}};
	double v[] = {4, 1, 3, 2};
	sqlite3_stmt *st;

	(void)state;
	assert_int_equal(aggregate_register(db), SQLITE_OK);
	/* What is no number is passed over. */
	assert_int_equal(sql_exec_all(db, "CREATE TABLE q(x); INSERT INTO q VALUES(4),(1),(NULL),(3),('word'),(2)"), 0);
	for (size_t i = 0; i < LEN(rows); i++)
		if (asked(rows[i].sql) < rows[i].value - 1e-12 || asked(rows[i].sql) > rows[i].value + 1e-12)
			fail_msg("%s: %g", rows[i].sql, asked(rows[i].sql));
	assert_true(quantile_of(v, 4, 0.5) == 2.5);
	assert_int_equal(sql_prepare(db, "SELECT quantile(x, 1.5) FROM q", &st), 0);
	assert_int_equal(sql_next(st), -EINVAL);
	sqlite3_finalize(st);
}

/* A statement that failed is ready for the next row. */
static void a_refused_row_does_not_stop_the_next(void **state)
{
	sqlite3_stmt *st;

	(void)state;
	assert_int_equal(sql_exec_all(db, "CREATE TABLE u(x INTEGER PRIMARY KEY)"), 0);
	assert_int_equal(sql_prepare(db, "INSERT INTO u VALUES(?)", &st), 0);
	sqlite3_bind_int64(st, 1, 1);
	assert_int_equal(sql_step_reset(st), 0);
	assert_int_equal(sql_step_reset(st), -EBADMSG);
	sqlite3_bind_int64(st, 1, 2);
	assert_int_equal(sql_step_reset(st), 0);
	sqlite3_finalize(st);
	assert_int_equal(sql_prepare(db, "SELECT nothing", &st), -EBADMSG);
	assert_null(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_are_ours),
	    cmocka_unit_test_setup_teardown(values_go_in_and_come_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_number_is_asked_for, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_script_is_taken_statement_by_statement, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_last_step_ends_a_statement, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(quantiles_are_those_of_numpy, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_refused_row_does_not_stop_the_next, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
