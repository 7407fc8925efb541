/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model's tables: what is written as differences and kinds comes back from the views as it was, and columns that
 * follow from others are computed as the reference does. */
#include "beside/beside.h"
#include "build/model.h"
#include "tables/write.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define BASE 1795395145000000000
#define NONE NO_NS

static struct store *store;
static struct writer writer;

static int open_store(void **state)
{
	char *why = NULL;

	(void)state;
	if (store_open(":memory:", STORE_CREATE, &store, &why) || writer_open(&writer, store_db(store), true))
		fail_msg("%s", why ? why : "no writer");
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	writer_close(&writer);
	store_close(store);
	return 0;
}

static sqlite3_stmt *ask(const char *sql)
{
	sqlite3_stmt *st;

	if (sql_prepare(store_db(store), sql, &st))
		fail_msg("%s: %s", sql, sqlite3_errmsg(store_db(store)));
	return st;
}

static struct invocation blank(int64_t run, struct slice tid)
{
	static struct attempt none;
	struct invocation o = {
	    .run = run, .tid = tid, .status = "ok", .success = NO_NS, .was_cold = NO_NS, .attempt = &none};

	o.sent_ns = o.controller_ns = o.dispatched_ns = o.arrived_ns = o.insert_ns = o.remove_ns = NO_NS;
	o.start_ns = o.end_ns = o.return_ns = o.worker_duration_us = o.e2e_duration_us = NO_NS;
	o.code_duration_sec = o.cpu_est_queue_sec = o.cpu_est_runtime_sec = o.gpu_est_queue_sec =
	    o.gpu_est_runtime_sec = NAN;
	o.cpu_est_sec = o.gpu_est_sec = o.insert_cpu_load = o.insert_gpu_load = NAN;
	o.warm_sec = o.base_sec = o.share = NAN;
	return o;
}

static void put(struct invocation *o)
{
	assert_int_equal(writer_place(&writer, o->run, o->tid, &o->place), 0);
	assert_int_equal(write_invocation(&writer, o), 0);
}

/* ---- times ---- */

static const struct {
	const char *tid;
	int64_t time[9]; /* sent, controller, dispatched, arrived, insert, remove, start, end, return */
} times[] = {
    {"all",
     {BASE, BASE + 1, BASE + 2, BASE + 30, BASE + 31, BASE + 5000000000, BASE + 5000000001, BASE + 6000000000,
      BASE + 6100000000}},
    {"none", {NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE}},
    {"one", {NONE, NONE, NONE, NONE, NONE, NONE, NONE, BASE + 7, NONE}},
    {"gaps", {BASE + 9, NONE, NONE, BASE + 10, NONE, BASE + 12, NONE, BASE + 13, NONE}},
    {"backwards", {BASE + 9, BASE + 8, BASE + 7, BASE + 6, BASE + 5, BASE + 4, BASE + 3, BASE + 2, BASE + 1}},
    {"early", {0, NONE, NONE, 1, -1, -5, 0, 2, NONE}},
};

static void times_come_back(void **state)
{
	sqlite3_stmt *st;

	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct invocation o = blank(1, (struct slice){times[i].tid, strlen(times[i].tid)});

		o.sent_ns = times[i].time[0];
		o.controller_ns = times[i].time[1];
		o.dispatched_ns = times[i].time[2];
		o.arrived_ns = times[i].time[3];
		o.insert_ns = times[i].time[4];
		o.remove_ns = times[i].time[5];
		o.start_ns = times[i].time[6];
		o.end_ns = times[i].time[7];
		o.return_ns = times[i].time[8];
		put(&o);
	}
	assert_int_equal(writer_finish(&writer), 0);
	st = ask("SELECT sent_ns, controller_ns, dispatched_ns, arrived_ns, insert_ns, remove_ns, start_ns, end_ns, "
	         "return_ns FROM invocation WHERE tid = ? AND run = 1");
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		bind_word(st, 1, times[i].tid);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		for (int k = 0; k < 9; k++)
			if (column_ns(st, k) != times[i].time[k])
				fail_msg("%s: column %d is %lld, not %lld", times[i].tid, k,
				         (long long)column_ns(st, k), (long long)times[i].time[k]);
		assert_int_equal(sqlite3_step(st), SQLITE_DONE);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
}

/* Two times that no difference of 64 bits lies between: the later one is as good as not known. */
static void too_far_apart(void **state)
{
	struct invocation o = blank(1, SLICE("x"));
	sqlite3_stmt *st;

	(void)state;
	o.sent_ns = -9000000000000000000;
	o.end_ns = 9000000000000000000;
	o.return_ns = -9000000000000000000 + 5;
	put(&o);
	assert_int_equal(writer_finish(&writer), 0);
	st = ask("SELECT sent_ns, end_ns, return_ns FROM invocation");
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_true(column_ns(st, 0) == o.sent_ns && column_ns(st, 1) == NO_NS && column_ns(st, 2) == o.return_ns);
	sqlite3_finalize(st);
}

/* ---- columns that follow ---- */

static const struct {
	const char *tid;
	int64_t insert, remove;
	double queueing;
} queueing[] = {
    {"a", 0, 12840900000, 12.0 + 0.8409}, /* ns / 10^9 alone would be 1.0000000000000002 times this */
    {"b", 0, 56415, 5.6415e-05},
    {"c", 10, 0, -1.0 + 0.99999999},
    {"d", 3000000000, 0, -3.0},
    {"e", BASE, BASE, 0.0},
    {"f", NONE, BASE, NAN},
    {"g", BASE, NONE, NAN},
};

static void queueing_is_the_references(void **state)
{
	sqlite3_stmt *st;

	(void)state;
	for (size_t i = 0; i < sizeof queueing / sizeof *queueing; i++) {
		struct invocation o = blank(1, (struct slice){queueing[i].tid, 1});

		o.insert_ns = queueing[i].insert;
		o.remove_ns = queueing[i].remove;
		o.code_duration_sec = 0.1;
		o.compute = i % 2 ? "cpu" : "gpu";
		o.cpu_est_sec = 7.7;
		o.gpu_est_sec = 8.8;
		put(&o);
	}
	assert_int_equal(writer_finish(&writer), 0);
	st = ask("SELECT tid, queueing_sec, queue_exec_sec, est_sec_diff FROM invocation ORDER BY tid");
	for (size_t i = 0; i < sizeof queueing / sizeof *queueing; i++) {
		double q = queueing[i].queueing;

		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		if (isnan(q) ? sqlite3_column_type(st, 1) != SQLITE_NULL || sqlite3_column_type(st, 2) != SQLITE_NULL ||
		                   sqlite3_column_type(st, 3) != SQLITE_NULL
		             : sqlite3_column_type(st, 1) != SQLITE_FLOAT || sqlite3_column_double(st, 1) != q ||
		                   sqlite3_column_double(st, 2) != q + 0.1 ||
		                   sqlite3_column_double(st, 3) != (i % 2 ? 7.7 : 8.8) - (q + 0.1))
			fail_msg("%s: %.17g", queueing[i].tid, sqlite3_column_double(st, 1));
	}
	sqlite3_finalize(st);
}

static const struct {
	const char *tid;
	int64_t e2e; /* µs */
	double code, queueing;
} overheads[] = {
    {"a", 1234567, 0.37, 0.25},
    {"b", 37545000, 0.017999887466430664, 37.5249},
    {"c", 100, 0.1, 0.0},
    {"d", 1234567, NAN, 0.25},
};

static void overheads_are_the_references(void **state)
{
	const double warm = 0.123, base = 0.11, share = 17.0 / 93;
	sqlite3_stmt *st;

	(void)state;
	for (size_t i = 0; i < sizeof overheads / sizeof *overheads; i++) {
		struct invocation o = blank(1, (struct slice){overheads[i].tid, 1});

		o.insert_ns = 0;
		o.remove_ns = (int64_t)round(overheads[i].queueing * 1e9);
		o.e2e_duration_us = overheads[i].e2e;
		o.code_duration_sec = overheads[i].code;
		o.warm_sec = warm;
		o.base_sec = base;
		o.share = share;
		put(&o);
	}
	assert_int_equal(writer_finish(&writer), 0);
	st = ask("SELECT e2e_sec, e2e_overhead, norm_e2e, exec_overhead, exec_overhead_norm, e2e_overhead_portion, "
	         "e2e_norm_portion, e2e_portion, queue_portion"
	         " FROM invocation ORDER BY tid");
	for (size_t i = 0; i < sizeof overheads / sizeof *overheads; i++) {
		double e2e = (double)overheads[i].e2e / 1000000.0, norm = (e2e - warm) / warm, code = overheads[i].code;
		double exec = isnan(code) ? NAN : (code > base ? code - base : 0) / base, q = overheads[i].queueing;
		double expected[] = {e2e,
		                     e2e - warm,
		                     norm,
		                     exec,
		                     exec * share,
		                     norm * share,
		                     e2e / warm * share,
		                     e2e * share,
		                     (floor(q) + (q - floor(q))) * share};

		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		for (int k = 0; k < 8; k++)
			if (isnan(expected[k]) ? sqlite3_column_type(st, k) != SQLITE_NULL
			                       : sqlite3_column_double(st, k) != expected[k])
				fail_msg("%s: column %d is %.17g, not %.17g", overheads[i].tid, k,
				         sqlite3_column_double(st, k), expected[k]);
		assert_true(fabs(sqlite3_column_double(st, 8) - expected[8]) < 1e-12);
	}
	sqlite3_finalize(st);
}

/* ---- attempts, locks, batches ---- */

static char *rows(const char *sql)
{
	static char out[1024];
	sqlite3_stmt *st = ask(sql);
	size_t n = 0;

	out[0] = '\0';
	while (sqlite3_step(st) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const char *v = (const char *)sqlite3_column_text(st, i);

			n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", v ? v : "-",
			                      i + 1 < sqlite3_column_count(st) ? "," : ";");
		}
	sqlite3_finalize(st);
	return out;
}

static void attempts_locks_batches(void **state)
{
	struct attempt attempts[] = {
	    {.insert_ns = 5,
	     .remove_ns = 8,
	     .start_ns = 9,
	     .end_ns = 20,
	     .container_id = SLICE("f-1"),
	     .outcome = "error",
	     .error = SLICE("broke")},
	    {.insert_ns = 20,
	     .remove_ns = NONE,
	     .start_ns = NONE,
	     .end_ns = 30,
	     .worker = SLICE("w2"),
	     .outcome = "ok",
	     .state = "cold"},
	};
	struct invocation o = blank(2, SLICE("t"));
	struct lock l = {.run = 2, .from_ns = 9, .to_ns = NONE, .container_id = SLICE("f-1"), .worker = SLICE("w1")};

	(void)state;
	o.worker = SLICE("w1");
	o.attempt = attempts;
	o.nattempts = 2;
	put(&o);
	assert_int_equal(write_lock(&writer, &l), 0); /* nobody's */
	l.place = o.place;
	assert_int_equal(write_lock(&writer, &l), 0);
	l.n = 1;
	l.from_ns = 3;
	l.to_ns = 12;
	assert_int_equal(write_lock(&writer, &l), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_batch(&writer, 2, SLICE("w1"), i == 1 ? SLICE("g") : SLICE("f"), 100 - i, i + 1),
		                 0);
	assert_int_equal(writer_finish(&writer), 0);
	assert_string_equal(rows("SELECT run, tid, attempts, worker FROM invocation"), "2,t,2,w1;");
	assert_string_equal(rows("SELECT * FROM attempt ORDER BY n"),
	                    "2,t,1,w1,5,8,9,20,f-1,-,error,broke;2,t,2,w2,20,-,-,30,-,cold,ok,-;");
	assert_string_equal(rows("SELECT * FROM lock ORDER BY tid, from_ns"),
	                    "2,f-1,-,w1,9,-;2,f-1,t,w1,3,12;2,f-1,t,w1,9,-;");
	assert_string_equal(rows("SELECT * FROM lock WHERE tid = 't' AND to_ns IS NULL"), "2,f-1,t,w1,9,-;");
	assert_string_equal(rows("SELECT * FROM batch"), "2,w1,100,f,1;2,w1,99,g,2;2,w1,98,f,3;");
}

/* ---- transactions and runs ---- */

static int64_t place_of(int64_t run, struct slice tid)
{
	int64_t place = -1;

	assert_int_equal(writer_place(&writer, run, tid, &place), 0);
	return place;
}

static void same_transaction_in_two_runs(void **state)
{
	struct invocation a = blank(1, SLICE("t")), b = blank(2, SLICE("t"));

	(void)state;
	assert_int_equal(place_of(1, SLICE_NONE), 0);
	assert_int_equal(place_of(1, SLICE("u")), 1);
	assert_int_equal(place_of(1, SLICE("u")), 1);
	a.sent_ns = 1;
	b.sent_ns = 2;
	put(&a);
	put(&b);
	assert_int_equal(a.place, 2);
	assert_int_equal(b.place, 3);
	assert_int_equal(place_of(2, SLICE("u")), 4);
	assert_int_equal(writer_finish(&writer), 0);
	assert_string_equal(rows("SELECT run, sent_ns FROM invocation WHERE tid = 't' ORDER BY run"), "1,1;2,2;");
	/* the next build finds the same rows, whatever run comes first */
	assert_int_equal(sql_exec_all(store_db(store), "DELETE FROM invocation_row; DELETE FROM invocation_kind"), 0);
	writer_close(&writer);
	assert_int_equal(writer_open(&writer, store_db(store), true), 0);
	put(&b);
	put(&a);
	assert_int_equal(a.place + b.place, 5);
	assert_string_equal(rows("SELECT count(*) FROM place"), "4;");
}

/* Kinds of work that are too many to be held are written before the others, and rows still name their own. */
static void kinds_not_held(void **state)
{
	static const char *const containers[] = {"c1", "c2", "c2", "c3", "c1"};

	(void)state;
	writer.kinds.held = 2;
	for (int i = 0; i < 5; i++) {
		const char tid[] = {(char)('a' + i)}, *id = containers[i];
		struct attempt a = {.container_id = {id, strlen(id)}, .state = "cold", .insert_ns = BASE + i};
		struct invocation o = blank(1, (struct slice){tid, 1});

		a.remove_ns = a.start_ns = a.end_ns = NO_NS;
		o.attempt = &a;
		o.nattempts = 1;
		put(&o);
	}
	assert_int_equal(writer_finish(&writer), 0);
	assert_string_equal(rows("SELECT tid || container_id, insert_ns - 1795395145000000000 FROM attempt ORDER BY 1"),
	                    "ac1,0;bc2,1;cc2,2;dc3,3;ec1,4;");
	assert_string_equal(rows("SELECT max(id), count(*) FROM work_kind"), "4,4;");
}

/* Names of functions that the trace knows come after the rows. */
static void function_from_the_trace(void **state)
{
	struct invocation o[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		o[i] = blank(1, i == 0 ? SLICE("a") : i == 1 ? SLICE("b") : SLICE("c"));
		o[i].sent_ns = BASE + i;
		put(&o[i]);
	}
	assert_int_equal(write_function(&writer, o[1].place, o[1].kind, SLICE("f")), 0);
	assert_int_equal(write_function(&writer, o[2].place, o[2].kind, SLICE("g")), 0);
	assert_int_equal(writer_finish(&writer), 0);
	assert_string_equal(rows("SELECT tid, function_name, function_source, sent_ns - 1795395145000000000 FROM "
	                         "invocation ORDER BY tid"),
	                    "a,-,-,0;b,f,trace,1;c,g,trace,2;");
}

/* ---- damage that check must find ---- */

static const struct {
	const char *sql;
	int faults;
} damages[] = {
    {"SELECT 1", 0},
    {"DELETE FROM invocation_kind", 1},
    {"DELETE FROM work_kind WHERE container_id IS NOT NULL", 2},
    {"UPDATE invocation_row SET kind = kind + 1", 1},
    {"DELETE FROM place", 3},
    {"UPDATE batch_row SET kind = 99 WHERE id = 1", 1},
    {"INSERT INTO result_pack VALUES(1, 0, x'494c5550')", 1},
    {"INSERT INTO trace_pack VALUES(1, x'')", 1},
};

static void say(void *arg, const char *text)
{
	assert_non_null(text);
	++*(int *)arg;
}

static void finds_damage(void **state)
{
	struct attempt attempts[] = {{.insert_ns = 5,
	                              .remove_ns = 8,
	                              .start_ns = 9,
	                              .end_ns = 20,
	                              .container_id = SLICE("f-1"),
	                              .outcome = "ok"}};
	struct invocation o = blank(1, SLICE("t"));
	struct lock l = {.run = 1, .from_ns = 9, .to_ns = 10, .container_id = SLICE("f-1")};

	(void)state;
	o.attempt = attempts;
	o.nattempts = 1;
	put(&o);
	l.place = o.place;
	assert_int_equal(write_lock(&writer, &l), 0);
	assert_int_equal(write_batch(&writer, 1, SLICE("w1"), SLICE("f"), 100, 1), 0);
	assert_int_equal(writer_finish(&writer), 0);
	assert_int_equal(sql_exec_all(store_db(store), "PRAGMA journal_mode = MEMORY"),
	                 0); /* a new database has none, and rolls nothing back */
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		int said = 0, found;

		assert_int_equal(sql_exec_all(store_db(store), "SAVEPOINT whole"), 0);
		assert_int_equal(sql_exec_all(store_db(store), damages[i].sql), 0);
		found = beside_verify(store, say, &said);
		if (found != damages[i].faults || said != found)
			fail_msg("%s: %d faults, %d said", damages[i].sql, found, said);
		assert_int_equal(sql_exec_all(store_db(store), "ROLLBACK TO whole; RELEASE whole"), 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
	    TEST(times_come_back),
	    TEST(too_far_apart),
	    TEST(queueing_is_the_references),
	    TEST(overheads_are_the_references),
	    TEST(attempts_locks_batches),
	    TEST(same_transaction_in_two_runs),
	    TEST(kinds_not_held),
	    TEST(function_from_the_trace),
	    TEST(finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
