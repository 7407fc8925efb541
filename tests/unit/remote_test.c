/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_test.c - URLs of clusters, answers as tables, rows, and which shard a line is on; the servers themselves are
 * tests/cluster's. */
#include "remote/cluster.h"
#include "remote/rows.h"
#include "remote/statement.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The parts as one text: user database cluster secure hosts. */
static char *parts_of(const char *url)
{
	struct remote_url u;
	struct text t = {0};
	char *why = NULL;

	if (remote_url_parse(url, &u, &why)) {
		text_printf(&t, "! %s", why);
	} else {
		text_printf(&t, "%s %s %s %d%d", u.user ? u.user : "-", u.database, u.cluster ? u.cluster : "-",
		            u.secure, u.gzip);
		for (size_t i = 0; i < u.nhosts; i++)
			text_printf(&t, " %s|%u", u.host[i].name, u.host[i].port);
	}
	free(why);
	remote_url_done(&u);
	return t.ptr;
}

static void urls(void **state)
{
	static const struct {
		const char *url, *parts;
	} rows[] = {
	    {"clickhouse://c1/logs", "- logs - 00 c1|8123"},
	    {"clickhouse://me@c1:9,c2,[::1]:81/l_2", "me l_2 - 00 c1|9 c2|8123 ::1|81"},
	    {"clickhouse://a%40b@[fe80::1]/x?secure=1&cluster=big&gzip=1", "a@b x big 11 fe80::1|8443"},
	    {"clickhouse://c1:1,c1:2/x?", "- x - 00 c1|1 c1|2"},
	    {"http://c1/x", "! http://c1/x: it begins with clickhouse://"},
	    {"clickhouse://", "! a host is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse:///x", "! a host is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse://c1,,c2/x", "! a host is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse://:9/x", "! :9: no host in it"},
	    {"clickhouse://c1:/x", "! c1:: a port is a number from 1 to 65535"},
	    {"clickhouse://c1:70000/x", "! c1:70000: a port is a number from 1 to 65535"},
	    {"clickhouse://c1:8x/x", "! c1:8x: a port is a number from 1 to 65535"},
	    {"clickhouse://[::1]x/x", "! [::1]x: no host in it"},
	    {"clickhouse://c1,c1/x", "! c1:8123 stands there twice; each host is one shard"},
	    {"clickhouse://c1", "! the database is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse://c1/", "! the database is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse://c1?gzip=1", "! the database is missing: clickhouse://HOST[,HOST...]/DATABASE"},
	    {"clickhouse://c1/a;b",
	     "! a;b: behind the hosts stands /DATABASE, a name of letters, digits and underscores"},
	    {"clickhouse://c1/1a",
	     "! 1a: behind the hosts stands /DATABASE, a name of letters, digits and underscores"},
	    {"clickhouse://c1/x?safe=1",
	     "! safe: no parameter of a clickhouse URL; there are cluster, secure and gzip"},
	    {"clickhouse://c1/x?secure=yes", "! secure=yes: it is 0 or 1"},
	    {"clickhouse://c1/x?cluster=", "! cluster=: it is the name of a cluster, as in system.clusters"},
	    {"clickhouse://c1/x?cluster=a&cluster=b", "- x b 00 c1|8123"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *parts = parts_of(rows[i].url);

		if (!parts || strcmp(parts, rows[i].parts))
			fail_msg("%s: %s, not %s", rows[i].url, parts, rows[i].parts);
		free(parts);
	}
}

static void no_password_is_repeated(void **state)
{
	char *parts = parts_of("clickhouse://me:se@cret@c1/x");

	(void)state;
	assert_non_null(strstr(parts, "a password does not belong into the URL"));
	assert_null(strstr(parts, "cret"));
	free(parts);
}

static int gather(void *arg, const struct slice *value)
{
	struct text *t = arg;

	for (int i = 0; i < 2; i++)
		text_printf(t, "[%.*s]", value[i].ptr ? (int)value[i].len : 4, value[i].ptr ? value[i].ptr : "NULL");
	return 0;
}

/* An answer in pieces of any size is the same rows. */
static void tables(void **state)
{
	static const struct {
		const char *answer, *rows;
		int rc;
	} rows[] = {
	    {"a\tb\n", "[a][b]", 0},
	    {"\t\n\\N\tx\n", "[][][NULL][x]", 0},
	    {"a\\tb\\\\N\t\\'q\\'\\n\n", "[a\tb\\N]['q'\n]", 0},
	    {"", "", 0},
	    {"a\n", "", -EBADMSG},
	    {"a\tb\tc\n", "", -EBADMSG},
	    {"a\tb\nc\td", "[a][b]", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t piece = 1; piece < 6; piece++) {
			struct text got = {0};
			struct tsv t = {.columns = 2, .row = gather, .arg = &got};
			size_t n = strlen(rows[i].answer);
			int rc = 0;

			for (size_t at = 0; at < n && !rc; at += piece)
				rc = tsv_take(&t, rows[i].answer + at, n - at < piece ? n - at : piece);
			rc = rc ? rc : tsv_end(&t);
			assert_int_equal(rc, rows[i].rc);
			assert_string_equal(text_str(&got), rows[i].rows);
			tsv_done(&t);
			text_done(&got);
		}
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(tsv_int(SLICE("-12")), -12);
	assert_true(tsv_int(SLICE("9223372036854775807")) == INT64_MAX);
	assert_int_equal(tsv_int(SLICE("")), 0);
	assert_int_equal(tsv_int(SLICE_NONE), 0);
}

static void literals(void **state)
{
	struct text t = {0};

	(void)state;
	cluster_quote(&t, SLICE("it's \\ \0 '); DROP"));
	assert_string_equal(text_str(&t), "'it\\'s \\\\ \\0 \\'); DROP'");
	text_done(&t);
}

/* What was pushed is looked for by this for ever. */
static void shards(void **state)
{
	struct cluster c = {.n = 1000};

	(void)state;
	assert_int_equal(cluster_shard_of(&c, SLICE("7b89524438a5"), SLICE("a.log"), 1), 389);
	assert_int_equal(cluster_shard_of(&c, SLICE("7b89524438a5"), SLICE("b.log"), 2), 389);
	assert_int_equal(cluster_shard_of(&c, SLICE_NONE, SLICE("a.log"), 1), 573);
	assert_int_equal(cluster_shard_of(&c, SLICE(""), SLICE("a.log"), 258), 629);
}

static void rows_as_bytes(void **state)
{
	struct bytes b = {0};
	char long_text[200];

	(void)state;
	memset(long_text, 'x', sizeof long_text);
	row_text(&b, SLICE("ab"));
	row_text_or_null(&b, SLICE_NONE);
	row_text_or_null(&b, SLICE(""));
	row_text(&b, (struct slice){long_text, sizeof long_text});
	assert_int_equal(b.len, 3 + 1 + 2 + 2 + 200);
	assert_memory_equal(b.ptr, "\2ab\1\0\0\xc8\1x", 9);
	bytes_free(&b);
}

/* Two rows: "ab", NULL, 7, -1, 1, day 2 and "", "", 8, 9, 0, day 300. */
static void a_block_as_bytes(void **state)
{
	static const char expected[] = "\7\2"
	                               "\1a\6String\2ab\0"
	                               "\2bb\20Nullable(String)\1\0\0\0"
	                               "\1c\6UInt64\7\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0"
	                               "\1d\5Int64\377\377\377\377\377\377\377\377\11\0\0\0\0\0\0\0"
	                               "\1e\5UInt8\1\0"
	                               "\1f\4Date\2\0\54\1"
	                               "\1g\6UInt32\1\0\0\200\2\0\0\0";
	struct native n;
	struct bytes b;

	(void)state;
	native_init(&n, "a, bb, c, d, e, f, g", "tTnibdw");
	for (int second = 0; second < 2; second++) {
		native_text(&n, 0, second ? SLICE("") : SLICE("ab"));
		native_text(&n, 1, second ? SLICE("") : SLICE_NONE);
		native_number(&n, 2, second ? 8 : 7);
		native_number(&n, 3, second ? 9 : (uint64_t)-1);
		native_number(&n, 4, !second);
		native_number(&n, 5, second ? 300 : 2);
		native_number(&n, 6, second ? 2 : 0x80000001);
		n.rows++;
	}
	assert_int_equal(native_take(&n, &b), 0);
	assert_int_equal(b.len, sizeof expected - 1);
	assert_memory_equal(b.ptr, expected, b.len);
	bytes_free(&b);
	assert_int_equal(native_take(&n, &b), 0);
	assert_memory_equal(b.ptr, "\7\0\1a\6String\2bb", 13);
	bytes_free(&b);
	native_done(&n);
}

void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags)
{
	(void)name;
	(void)flags;
	return NULL;
}

/* It is looked for once in a process. */
static void without_libcurl(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct http_manner m = {0};
		struct cluster c;
		char *why = NULL;

		assert_int_equal(cluster_open("clickhouse://127.0.0.1/logs", &m, &c, &why), -ELIBACC);
		assert_string_equal(
		    why, "a ClickHouse server is asked by libcurl (Debian's package libcurl4), and it is not there");
		free(why);
		cluster_close(&c);
	}
}

/* Statements as they are parted: each in brackets. */
static void statements(void **state)
{
	static const struct {
		const char *sql, *parts;
	} rows[] = {
	    {"", ""},
	    {" ;; -- nothing\n ; /* a; b */", ""},
	    {"SELECT 1", "[SELECT 1]"},
	    {"SELECT 1; SELECT 2 ;\n", "[SELECT 1][SELECT 2]"},
	    {"-- a;\nSELECT ';', 'it\\';s', \"x;\", `y;` -- end", "[SELECT ';', 'it\\';s', \"x;\", `y;`]"},
	    {"SELECT 'open; SELECT 2", "[SELECT 'open; SELECT 2]"},
	    {"SELECT /* ; */ 1 /* open; ", "[SELECT /* ; */ 1]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *rest = rows[i].sql;
		struct text got = {0};

		while (*rest) {
			struct slice one = statement_first(rest, &rest);

			if (one.ptr)
				text_printf(&got, "[%.*s]", (int)one.len, one.ptr);
		}
		assert_string_equal(text_str(&got), rows[i].parts);
		text_done(&got);
	}
	assert_true(statement_has_format(SLICE("SELECT 1 format /* as */ CSV")));
	assert_false(statement_has_format(SLICE("SELECT 'FORMAT CSV'")));
	assert_false(statement_has_format(SLICE("SELECT format FROM x")));
}

/* Tables of ours behind FROM and JOIN are those of all shards, and nothing else is. */
static void tables_of_all(void **state)
{
	static const struct {
		const char *sql, *all;
	} rows[] = {
	    {"SELECT 1", "SELECT 1"},
	    {"SELECT * FROM event", "SELECT * FROM cluster('c\\'1', logs, event)"},
	    {"select event from event e join logs.source USING run",
	     "select event from cluster('c\\'1', logs, event) e join cluster('c\\'1', logs, source) USING run"},
	    {"SELECT 'FROM event' FROM (SELECT * FROM /* all */ event) WHERE x = 'event'",
	     "SELECT 'FROM event' FROM (SELECT * FROM cluster('c\\'1', logs, event)) WHERE x = 'event'"},
	    {"SELECT * FROM other.event, events", "SELECT * FROM other.event, events"},
	    {"SELECT * FROM event(1) JOIN event.x", "SELECT * FROM event(1) JOIN event.x"},
	    {"SELECT 1 -- FROM event", "SELECT 1 -- FROM event"},
	    {"SELECT 1 FROM", "SELECT 1 FROM"},
	    {"SELECT 1 FROM logs.`event`", "SELECT 1 FROM cluster('c\\'1', logs, event)"},
	    {"SELECT 1 FROM \"logs\" . event JOIN `logs`.\"result\" USING tid",
	     "SELECT 1 FROM cluster('c\\'1', logs, event) JOIN cluster('c\\'1', logs, result) USING tid"},
	    {"SELECT 'logs'.event, logs.mine, cluster FROM event",
	     "SELECT 'logs'.event, logs.mine, cluster FROM cluster('c\\'1', logs, event)"},
	    {"SELECT 1 FROM cluster('x', (logs.event)) JOIN event",
	     "SELECT 1 FROM cluster('x', (logs.event)) JOIN cluster('c\\'1', logs, event)"},
	    {"DESCRIBE TABLE logs.event", "DESCRIBE TABLE logs.event"},
	    {"SELECT 1 FROM event e, logs.invocation i", NULL},
	    {"SELECT 1 FROM event WHERE tid IN logs . `invocation`", NULL},
	    {"ALTER TABLE \"logs\".event DELETE WHERE 1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text got = {0};

		bool all = statement_of_all((struct slice){rows[i].sql, strlen(rows[i].sql)}, "logs", "c'1", &got);

		assert_int_equal(all, rows[i].all != NULL);
		if (all)
			assert_string_equal(text_str(&got), rows[i].all);
		text_done(&got);
	}
}

static int count_columns(void *arg, const struct slice *value)
{
	(void)value;
	++*(int *)arg;
	return 0;
}

/* As many columns as the first row has. */
static void columns_of_the_first(void **state)
{
	int n = 0;
	struct tsv t = {.row = count_columns, .arg = &n};

	(void)state;
	assert_int_equal(tsv_take(&t, "a\tb\tc\nd\te\tf\n", 12), 0);
	assert_int_equal(t.columns, 3);
	assert_int_equal(n, 2);
	assert_int_equal(tsv_take(&t, "a\tb\n", 4), -EBADMSG);
	tsv_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(urls),
	    cmocka_unit_test(no_password_is_repeated),
	    cmocka_unit_test(tables),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(literals),
	    cmocka_unit_test(shards),
	    cmocka_unit_test(rows_as_bytes),
	    cmocka_unit_test(a_block_as_bytes),
	    cmocka_unit_test(without_libcurl),
	    cmocka_unit_test(statements),
	    cmocka_unit_test(tables_of_all),
	    cmocka_unit_test(columns_of_the_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
