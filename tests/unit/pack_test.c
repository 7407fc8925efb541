/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed columns come back as they were, and no change to their bytes is taken for others. */
#include "tables/pack.h"
#include "beside/result_set.h"
#include "tables/write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const int64_t numbers[] = {0,
                                  1,
                                  -1,
                                  63,
                                  64,
                                  -64,
                                  -65,
                                  1795395145000000000,
                                  INT64_MAX,
                                  NO_NS,
                                  INT64_MIN + 1,
                                  -9000000000000000000,
                                  9000000000000000000,
                                  NO_NS,
                                  5};
static const double reals[] = {0, -0.0, 1, 0.1, 1e308, -1e-308, 1795395287.506193, 0.017999887466430664, INFINITY};

#define COUNT(v) ((uint32_t)(sizeof(v) / sizeof *(v)))

static void numbers_come_back(void **state)
{
	(void)state;
	for (int differences = 0; differences < 2; differences++) {
		struct bytes out = {0};
		struct peek in;
		int64_t back[COUNT(numbers)];

		pack_numbers(&out, numbers, sizeof *numbers, COUNT(numbers), differences);
		in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + out.len, false};
		unpack_numbers(&in, back, sizeof *back, COUNT(numbers), differences);
		assert_true(pack_whole(&in));
		assert_memory_equal(back, numbers, sizeof numbers);
		for (size_t cut = 0; cut < out.len; cut++) {
			in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + cut, false};
			unpack_numbers(&in, back, sizeof *back, COUNT(numbers), differences);
			assert_false(pack_whole(&in));
		}
		bytes_free(&out);
	}
}

static void reals_come_back(void **state)
{
	struct bytes out = {0};
	double back[COUNT(reals)];
	struct peek in;

	(void)state;
	pack_reals(&out, reals, sizeof *reals, COUNT(reals));
	in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + out.len, false};
	unpack_reals(&in, back, sizeof *back, COUNT(reals));
	assert_true(pack_whole(&in));
	assert_memory_equal(back, reals, sizeof reals);
	bytes_free(&out);
}

static const char *const texts[] = {"",
                                    "a",
                                    "0123456789abcdef0123456789abcdef",
                                    "0123456789ABCDEF0123456789abcdef",
                                    "0123456789abcdef0123456789abcde",
                                    NULL,
                                    "00000000000000000000000000000000",
                                    "CtrMrgWorker",
                                    "g123456789abcdef0123456789abcdef"};

static int next_text(void *arg, struct slice text)
{
	const char *const **at = arg, *expected = *(*at)++;

	if (expected ? !text.ptr || !slice_is(text, expected) : text.ptr != NULL)
		fail_msg("\"%.*s\" where %s was", (int)text.len, text.ptr ? text.ptr : "",
		         expected ? expected : "nothing");
	return 0;
}

static int any_text(void *arg, struct slice text)
{
	*(size_t *)arg += text.len;
	return 0;
}

static void texts_come_back(void **state)
{
	struct slice v[COUNT(texts)];
	struct bytes out = {0};
	struct peek in;
	const char *const *at = texts;
	size_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i < COUNT(texts); i++)
		v[i] = texts[i] ? (struct slice){texts[i], strlen(texts[i])} : SLICE_NONE;
	pack_texts(&out, v, COUNT(texts));
	in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + out.len, false};
	assert_int_equal(unpack_texts(&in, COUNT(texts), next_text, &at), 0);
	assert_true(pack_whole(&in) && at == texts + COUNT(texts));
	for (size_t cut = 0; cut < out.len; cut++) {
		in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + cut, false};
		assert_true(unpack_texts(&in, COUNT(texts), any_text, &sum) == -EBADMSG || !pack_whole(&in));
	}
	bytes_free(&out);
}

/* ---- in a database ---- */

static struct store *store;

static int open_store(void **state)
{
	char *why = NULL;

	(void)state;
	return store_open(":memory:", STORE_CREATE, &store, &why) ||
	       store_exec(store, "INSERT INTO run(id, path, kind) VALUES(1, 'x', 'other'), (2, 'y', 'other')");
}

static int close_store(void **state)
{
	(void)state;
	store_close(store);
	return 0;
}

enum { ROWS = 300 };

static void fill_results(struct result_set *set)
{
	for (int i = 0; i < ROWS; i++) {
		struct result_row *row;
		char tid[40];
		bool is_new;

		snprintf(tid, sizeof tid, i % 3 ? "%032x" : "t%d", i * 7919);
		assert_int_equal(result_set_row(set, (struct slice){tid, strlen(tid)}, &row, &is_new), 0);
		assert_true(is_new && row->sent == NO_NS && isnan(row->body_start) &&
		            row->function_name == INTERN_NONE);
		row->ord = i;
		row->sent = i % 5 ? 1795395145000000000 + i * 1000003 : NO_NS;
		row->worker_duration_us = i * i;
		row->code_duration_sec = i / 7.0;
		if (i % 2)
			assert_int_equal(
			    intern_add(&set->names, i % 4 == 1 ? SLICE("f") : SLICE("g"), &row->function_name), 0);
	}
}

static bool same_results(const struct result_set *a, const struct result_set *b)
{
	for (uint32_t i = 0; i < ROWS; i++)
		if (!slice_same(a->tids.text[i], b->tids.text[i]) || a->v[i].function_name != b->v[i].function_name ||
		    memcmp(&a->v[i], &b->v[i], offsetof(struct result_row, function_name)) != 0)
			return false;
	return a->tids.n == ROWS && b->tids.n == ROWS;
}

static void results_come_back(void **state)
{
	struct result_set set, back;

	(void)state;
	assert_int_equal(result_set_read(&set, store_db(store), 1, 0), 0);
	assert_int_equal(set.tids.n, 0);
	fill_results(&set);
	assert_int_equal(result_set_write(&set, store_db(store), 1, 0), 0);
	assert_int_equal(result_set_read(&back, store_db(store), 1, 0), 0);
	assert_int_equal(back.tids.n, ROWS);
	assert_true(same_results(&set, &back));
	result_set_done(&back);
	assert_int_equal(result_set_read(&back, store_db(store), 2, 0), 0);
	assert_int_equal(back.tids.n, 0);
	result_set_done(&back);
	result_set_done(&set);
}

static void traces_come_back(void **state)
{
	struct trace_set set, back;

	(void)state;
	assert_int_equal(trace_set_read(&set, store_db(store), 1), 0);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_int_equal(trace_set_put(&set, i, i % 3 ? SLICE("f") : SLICE(""), (int64_t)i * 17), 0);
	assert_int_equal(trace_set_put(&set, 5, SLICE("g"), 1), 0); /* instead of the row that is there */
	assert_int_equal(trace_set_write(&set, store_db(store), 1), 0);
	assert_int_equal(trace_set_read(&back, store_db(store), 1), 0);
	assert_int_equal(back.n, ROWS);
	for (uint32_t i = 0; i < ROWS; i++)
		assert_true(back.v[i].invoke_time_ms == set.v[i].invoke_time_ms &&
		            slice_same(back.names.text[back.v[i].func_name], set.names.text[set.v[i].func_name]));
	trace_set_done(&back);
	trace_set_done(&set);
}

/* Each byte changed, and each end cut off: damage is told, never other values. (One bit of zstd's is nobody's.) */
static void damage_is_told(void **state)
{
	struct result_set set, back;
	sqlite3_stmt *read, *write;
	unsigned char *good;
	int len;

	(void)state;
	assert_int_equal(result_set_read(&set, store_db(store), 1, 0), 0);
	fill_results(&set);
	assert_int_equal(result_set_write(&set, store_db(store), 1, 0), 0);
	assert_int_equal(sql_prepare(store_db(store), "SELECT data FROM result_pack WHERE run = 1", &read), 0);
	assert_int_equal(sql_prepare(store_db(store), "UPDATE result_pack SET data = ? WHERE run = 1", &write), 0);
	assert_int_equal(sqlite3_step(read), SQLITE_ROW);
	len = sqlite3_column_bytes(read, 0);
	good = malloc((size_t)len);
	memcpy(good, sqlite3_column_blob(read, 0), (size_t)len);
	sqlite3_finalize(read);
	for (int i = 0; i < 2 * len; i++) {
		if (i < len)
			good[i] ^= 0x10;
		sqlite3_bind_blob(write, 1, good, i < len ? len : i - len, SQLITE_STATIC);
		assert_int_equal(sql_step_reset(write), 0);
		if (i < len)
			good[i] ^= 0x10;
		if (result_set_read(&back, store_db(store), 1, 0) != -EBADMSG &&
		    (i >= len || !same_results(&set, &back)))
			fail_msg("byte %d of %d: not found", i, len);
		result_set_done(&back);
	}
	sqlite3_finalize(write);
	result_set_done(&set);
	free(good);
}

int main(void)
{
#define IN_STORE(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_come_back), cmocka_unit_test(reals_come_back), cmocka_unit_test(texts_come_back),
	    IN_STORE(results_come_back),         IN_STORE(traces_come_back),        IN_STORE(damage_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
