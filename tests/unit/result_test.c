/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_test.c - the files beside the logs: what they are, what is read from them, and what is said of damaged ones.
 */
#include "beside/csv.h"
#include "beside/jsonfile.h"
#include "beside/beside.h"
#include "base/scan.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/result-test-XXXXXX";
static char input[64], database[64];
static struct store *store;

static void write_file(const char *text)
{
	FILE *f = fopen(input, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* All rows of a query, columns joined by commas, rows by semicolons. */
static void rows_of(const char *sql, char *out, size_t size)
{
	sqlite3_stmt *st;
	size_t n = 0;

	out[0] = '\0';
	assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const char *v = (const char *)sqlite3_column_text(st, i);

			n += (size_t)snprintf(out + n, size - n, "%s%s", i ? "," : "", v ? v : "-");
		}
		n += (size_t)snprintf(out + n, size - n, ";");
	}
	sqlite3_finalize(st);
}

/* ---- what a file is ---- */

static const struct {
	const char *head;
	enum beside_file file;
} heads[] = {
    {"success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\ntrue,f",
     BESIDE_FILE_RESULT_CSV},
    {"\xef\xbb\xbfsuccess,tid,e2e_duration_us\r\n", BESIDE_FILE_RESULT_CSV},
    {"[{\"worker_response\":{", BESIDE_FILE_RESULT_JSON},
    {"[\n {\"controller_response\":{", BESIDE_FILE_RESULT_JSON},
    {"func_name,invoke_time_ms\nf,1\n", BESIDE_FILE_TRACE},
    {"func_name,cold_dur_ms,warm_dur_ms\n", BESIDE_FILE_METADATA},
    {"{\"data\":{\"f\":{\"resource_data\":{", BESIDE_FILE_BENCHMARK},
    {"{\"timestamp\":\"2026-11-23 00:00:00.1\",\"level\":\"INFO\"}", BESIDE_FILE_NONE},
    {"[1,2]", BESIDE_FILE_NONE},
    {"tid,fault\n0,hang\n", BESIDE_FILE_NONE},
    {"", BESIDE_FILE_NONE},
};

static void recognises_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (beside_file_recognise("x", heads[i].head, strlen(heads[i].head)) != heads[i].file)
			fail_msg("%s", heads[i].head);
}

/* ---- what is read ---- */

#define CSV_HEAD "success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\n"
#define JSON_ROW(tid)                                                                                                 \
	"{\"worker_response\":{\"json_result\":\"{\\\"a\\\":[1]}\",\"success\":true,\"duration_us\":7,\"compute\":1," \
	"\"container_state\":4},"                                                                                     \
	"\"function_output\":{\"body\":{\"cold\":false,\"start\":14400.5,\"end\":0.6,\"latency\":0.5}},\"client_"     \
	"latency_us\":9,"                                                                                             \
	"\"function_name\":\"f\",\"function_version\":\"1\",\"tid\":\"" tid                                           \
	"\",\"invoke_start\":\"1970-01-01 00:00:00.5\"}"

static const struct {
	const char *text;
	int rc;
	const char *why; /* behind the file's name; NULL: none */
	const char *sql, *rows;
} files[] = {
    {CSV_HEAD "true,f,false,1,0.25,3,a\nfalse,g,true,0,0,4,b\n", 0, NULL,
     "SELECT tid,success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us FROM result",
     "a,1,f,0,1,0.25,3;b,0,g,1,0,0.0,4;"},
    {CSV_HEAD "true,\"f,\"\"x\",false,1,0.25,3,a\r\n", 0, NULL, "SELECT tid,function_name FROM result", "a,f,\"x;"},
    {CSV_HEAD "true,f,false,1,0.25,3,a", 0, NULL, "SELECT count(*) FROM result", "1;"},
    {CSV_HEAD, 0, NULL, "SELECT count(*) FROM result", "0;"},
    {CSV_HEAD "true,f,false,1,0.25,3,a\ntrue,f,false,1,0.2", -EBADMSG, ":3: 5 fields where the header has 7",
     "SELECT count(*) FROM result", "1;"},
    {CSV_HEAD "true,f,false,1,0.25,3,a\ntrue,f,maybe,1,0.25,3,b\n", -EBADMSG, ":3: was_cold cannot be \"maybe\"",
     "SELECT count(*) FROM result", "1;"},
    {CSV_HEAD "true,f,false,x,0.25,3,a\n", -EBADMSG, ":2: worker_duration_us cannot be \"x\"",
     "SELECT count(*) FROM result", "0;"},
    {CSV_HEAD "true,f,false,1,0.25,3,\n", -EBADMSG, ":2: tid cannot be \"\"", "SELECT count(*) FROM result", "0;"},
    {"[" JSON_ROW("a") "," JSON_ROW("b\\\"c") "]\n", 0, NULL,
     "SELECT "
     "tid,success,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,compute,container_state,sent,body_"
     "start FROM result",
     "a,1,0,7,0.5,9,1,4,500000000,14400.5;b\"c,1,0,7,0.5,9,1,4,500000000,14400.5;"},
    {"[" JSON_ROW("a") ",", -EBADMSG, ":1: result 2: the element is cut off or not JSON", "SELECT count(*) FROM result",
     "1;"},
    {"[" JSON_ROW("a") "\n" JSON_ROW("b") "]", -EBADMSG,
     ":2: result 2: neither a comma nor the end of the array after an element", "SELECT count(*) FROM result", "1;"},
    {"[" JSON_ROW("a") ",{\"worker_response\":{}}]", -EBADMSG, ":1: result 2: not a result: no tid or no response",
     "SELECT count(*) FROM result", "1;"},
    {"func_name,invoke_time_ms\nf,1\ng,2\n", 0, NULL, "SELECT ord,func_name,invoke_time_ms FROM trace", "0,f,1;1,g,2;"},
    {"func_name,invoke_time_ms\nf,1\ng,x\n", -EBADMSG, ":3: invoke_time_ms is no whole number: \"x\"",
     "SELECT count(*) FROM trace", "1;"},
    {"func_name,mem_mb,Run,note\nf,128,7,\n", 0, NULL, "SELECT func_name,mem_mb,meta_Run,note FROM function",
     "f,128,7,-;"},
    {"{\"data\":{\"f\":{\"resource_data\":{\"CPU\":{\"cold_results_sec\":[1,2],\"warm_results_sec\":[],\"warm_worker_"
     "duration_us\":[3]}}}}}",
     0, NULL, "SELECT name,compute,cold_results_sec,warm_results_sec,warm_worker_duration_us FROM benchmark",
     "f,CPU,1.5,-,3.0;"},
    {"{\"data\":{\"f\":{\"resource_data\":\n", -EBADMSG, ":2: unexpected token near end of file",
     "SELECT count(*) FROM benchmark", "0;"},
    {"hello\n", -EINVAL, ": neither results nor trace, metadata or benchmark", "SELECT count(*) FROM result", "0;"},
};

static void reads_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char *why = NULL, rows[512];
		int rc;

		write_file(files[i].text);
		assert_int_equal(store_exec(store, "BEGIN"), 0);
		rc = beside_file_load(store, 1, input, &why);
		if (rc != files[i].rc || !why != !files[i].why || (why && strcmp(why + strlen(input), files[i].why)))
			fail_msg("%s\n  gave %d %s", files[i].text, rc, why ? why : "");
		rows_of(files[i].sql, rows, sizeof rows);
		if (strcmp(rows, files[i].rows))
			fail_msg("%s\n  gave %s\n  expected %s", files[i].text, rows, files[i].rows);
		assert_int_equal(store_exec(store, "ROLLBACK"), 0);
		free(why);
	}
}

/* The CSV's values stand, whichever comes first. */
static void joins_in_any_order(void **state)
{
	static const char csv[] = CSV_HEAD "false,f,true,1,0.25,3,a\n", json[] = "[" JSON_ROW("a") "]";

	(void)state;
	for (int csv_first = 0; csv_first < 2; csv_first++) {
		char *why = NULL, rows[256];

		assert_int_equal(store_exec(store, "BEGIN"), 0);
		for (int i = 0; i < 2; i++) {
			write_file((i == 0) == (csv_first == 1) ? csv : json);
			assert_int_equal(beside_result_load(store, 1, input, &why), 0);
		}
		rows_of("SELECT "
		        "success,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,compute,client_latency_"
		        "us FROM result",
		        rows, sizeof rows);
		assert_string_equal(rows, "0,1,1,0.25,3,1,9;");
		int64_t offset = 1;
		bool found = false;

		assert_int_equal(beside_offset_from_results(store, 1, &offset, &found), 0);
		assert_true(found && offset == 14400);
		assert_int_equal(beside_offset_from_results(store, 2, &offset, &found), 0);
		assert_false(found);
		assert_int_equal(store_exec(store, "ROLLBACK"), 0);
	}
}

/* ---- JSON text ---- */

static const struct {
	const char *object, *path, *value; /* NULL: none */
} members[] = {
    {"{\"a\":{\"b\":1,\"c\":\"x\"}}", "a.b", "1"},
    {"{\"a\":{\"b\":1,\"c\":\"x\"}}", "a.c", "x"},
    {"{ \"a\" : [1, {\"b\":2}] , \"d\" : null }", "a", "[1, {\"b\":2}]"},
    {"{ \"a\" : [1, {\"b\":2}] , \"d\" : null }", "d", "null"},
    {"{\"a\":1}", "b", NULL},
    {"{\"a\":1}", "a.b", NULL},
    {"{\"a\":", "a", NULL},
    {"[1]", "a", NULL},
    {"", "a", NULL},
};

static void finds_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		char text[256 + SCAN_SLACK] = "";
		struct json_value v;

		strcpy(text, members[i].object);
		v = jsontext_at((struct slice){text, strlen(text)}, members[i].path);
		if (members[i].value ? !slice_is(v.text, members[i].value) : v.kind != JSON_TEXT_NONE)
			fail_msg("%s %s: %.*s", members[i].object, members[i].path, (int)v.text.len,
			         v.text.ptr ? v.text.ptr : "");
	}
}

static int set_up(void **state)
{
	char *why = NULL;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(input, sizeof input, "%s/input", dir);
	snprintf(database, sizeof database, "%s/db", dir);
	return store_open(database, STORE_CREATE, &store, &why) || beside_register(store_db(store), store) ||
	       store_exec(store, "INSERT INTO run(id, path, kind) VALUES(1, 'x', 'other')");
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	unlink(input);
	unlink(database);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recognises_files),
	    cmocka_unit_test(reads_files),
	    cmocka_unit_test(joins_in_any_order),
	    cmocka_unit_test(finds_members),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
