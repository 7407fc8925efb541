/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table event: what its columns and functions give, held against jansson, and that a condition that was pushed down
 * finds the same rows as one that was not. */
#include "ingest/stamp.h"
#include "load/load.h"
#include "tables/tables.h"
#include "store/event_value.h"
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-event-XXXXXX";
static char log_path[64], db_path[64];
static struct store *store;
static char **lines;
static size_t nlines;

/* ---- the log ---- */

static unsigned random32(void)
{
	static unsigned s = 2463534242u;

	s ^= s << 13;
	s ^= s >> 17;
	s ^= s << 5;
	return s;
}

static void add(const char *line)
{
	lines = realloc(lines, (nlines + 1) * sizeof *lines);
	lines[nlines++] = strdup(line);
}

/* Each once: what is rare. */
static const char *const odd[] = {
    "{\"timestamp\":\"2026-11-23 00:00:00.0\",\"level\":\"INFO\",\"fields\":{\"message\":\"in "
    "ping\",\"message\":\"Ping\",\"tid\":\"odd\"},\"target\":\"t\"}",
    "{\"timestamp\":\"2026-11-23 00:00:00.1\",\"level\":\"WARN\",\"fields\":{\"tid\":\"odd\",\"msg\":\"no "
    "message\"},\"target\":\"t\"}",
    "{\"timestamp\":\"2026-11-23 00:00:00.2\",\"level\":\"ERROR\",\"fields\":{\"message\":\"say "
    "\\\"hi\\\"\\n\\u00b5\xc2\xb5\\ud83d\\ude00\",\"tid\":\"o\\\"d\"},\"target\":\"a\\\\b\"}",
    "{ \"timestamp\" : \"2026-11-23 00:00:00.3\", \"level\" : \"INFO\", \"fields\" : { \"message\" : \"spaced\", "
    "\"tid\" : \"odd\", \"n\" : 3 }, \"target\" : \"t\" }",
    "{\"level\":\"INFO\",\"timestamp\":\"2026-11-23 "
    "00:00:00.4\",\"target\":\"t\",\"fields\":{\"n\":4,\"message\":\"another order\",\"tid\":\"odd\"}}",
    "{\"timestamp\":\"2026-11-23 00:00:00.50\",\"level\":\"INFO\",\"fields\":{\"message\":\"stamp with a "
    "zero\",\"tid\":\"odd\"},\"target\":\"t\"}",
    "{\"timestamp\":\"2026-11-23T00:00:00.600000000Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"ours\",\"tid\":"
    "\"odd\",\"n\":6},\"target\":\"t\",\"pid\":1,\"seq\":2}",
    "{\"timestamp\":\"2026-11-22T19:00:00.7-05:00\",\"level\":\"INFO\",\"fields\":{\"message\":\"offset\",\"tid\":"
    "\"odd\"},\"target\":\"t\"}",
    "{\"timestamp\":\"2026-11-23 "
    "00:00:00.8\",\"level\":\"INFO\",\"message\":\"flat\",\"tid\":\"odd\",\"n\":8,\"target\":\"t\"}",
    ("{\"timestamp\":\"2026-11-23 "
     "00:00:00.9\",\"level\":\"INFO\",\"fields\":{\"message\":\"types\",\"tid\":\"odd\",\"big\":18446744073709551615,"
     "\"max\":9223372036854775807,"
     "\"min\":-9223372036854775808,\"real\":0.1,\"exp\":1e21,\"two\":2.0,\"yes\":true,\"no\":false,\"nothing\":null,"
     "\"list\":[1,{\"a\":\"b\"}],\"obj\":{},\"empty\":\"\",\"quoted\":\"0.25\"},\"target\":\"t\"}"),
    "{\"timestamp\":\"2026-11-23 00:00:01.0\",\"level\":\"INFO\",\"fields\":{\"message\":\"in "
    "span\"},\"target\":\"t\",\"span\":{\"tid\":\"of-span\",\"name\":\"s\"}}",
    "{\"timestamp\":\"2026-11-23 00:00:01.1\",\"level\":\"INFO\",\"fields\":{\"message\":\"in "
    "spans\"},\"target\":\"t\",\"span\":{\"name\":\"s\"},\"spans\":[{\"tid\":\"outer\",\"name\":\"a\"},{\"tid\":"
    "\"inner\",\"name\":\"b\"},{\"name\":\"s\"}]}",
};

static void make_lines(void)
{
	static const char *const levels[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
	char line[1000];
	unsigned i;

	for (i = 0; i < sizeof odd / sizeof *odd; i++)
		add(odd[i]);
	for (i = 0; i < 20000; i++) {
		int n = snprintf(line, sizeof line,
		                 "{\"timestamp\":\"2026-11-23 00:%02u:%02u.%u\",\"level\":\"%s\",\"fields\":{",
		                 i / 600 % 60, i / 10 % 60, i % 9 + 1, levels[random32() % 5]);

		if (random32() % 4)
			n += snprintf(line + n, sizeof line - (size_t)n, "\"message\":\"fixed %u\",\"tid\":\"t%u\"",
			              random32() % 7, random32() % 50);
		else
			n +=
			    snprintf(line + n, sizeof line - (size_t)n, "\"message\":\"item %u of it\",\"tid\":\"t%u\"",
			             random32() % 2000, random32() % 50);
		if (random32() % 2)
			n += snprintf(line + n, sizeof line - (size_t)n, ",\"n\":%u", random32() % 100);
		if (random32() % 3 == 0)
			n += snprintf(line + n, sizeof line - (size_t)n, ",\"n\":\"%u.5\"", random32() % 100);
		if (random32() % 3 == 0)
			n += snprintf(line + n, sizeof line - (size_t)n, ",\"word\":\"w%u\"", random32() % 10);
		snprintf(line + n, sizeof line - (size_t)n, "},\"target\":\"crate%u::m\"%s}", random32() % 3,
		         random32() % 2
		             ? ",\"span\":{\"name\":\"s\"},\"spans\":[{\"k\":1,\"name\":\"r\"},{\"name\":\"s\"}]"
		             : "");
		add(line);
	}
}

static int setup(void **state)
{
	char *paths[] = {log_path}, utc[] = "UTC", *zones[] = {utc}, *why;
	struct load_options o = {.db = db_path,
	                         .paths = paths,
	                         .npaths = 1,
	                         .timezones = zones,
	                         .ntimezones = 1,
	                         .quiet = true,
	                         .threads = 2,
	                         .out = stdout,
	                         .err = stderr};
	FILE *f;
	size_t i;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(log_path, sizeof log_path, "%s/worker_0.log", folder);
	snprintf(db_path, sizeof db_path, "%s/logq.db", folder);
	make_lines();
	f = fopen(log_path, "w");
	for (i = 0; i < nlines; i++)
		fprintf(f, "%s\n", lines[i]);
	fclose(f);
	if (load_run(&o) || store_open(db_path, STORE_READ, &store, &why) || tables_register(store_db(store), store))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	while (nlines)
		free(lines[--nlines]);
	free(lines);
	unlink(log_path);
	unlink(db_path);
	return rmdir(folder);
}

/* ---- queries ---- */

/* All of a result in one text: columns with '|', rows with '\n'. Yours. */
static char *answer(const char *sql)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(store_db(store), sql, -1, &q, NULL), i;

	while (!rc && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		for (i = 0; i < sqlite3_column_count(q); i++)
			fprintf(f, "%s%s", i ? "|" : "",
			        sqlite3_column_type(q, i) == SQLITE_NULL ? "NULL"
			                                                 : (const char *)sqlite3_column_text(q, i));
		fputc('\n', f);
		rc = 0;
	}
	if (rc != SQLITE_DONE)
		fprintf(f, "error: %s", sqlite3_errmsg(store_db(store)));
	sqlite3_finalize(q);
	fclose(f);
	return text;
}

static const struct {
	const char *sql, *want;
} rows[] = {
    {"select line, message from event where tid = 'odd' order by line",
     "1|in ping\n2|NULL\n4|spaced\n5|another order\n6|stamp with a zero\n7|ours\n8|offset\n9|flat\n10|types\n"},
    {"select line, time_ns % 1000000000 from event where tid = 'odd' order by line",
     "1|0\n2|100000000\n4|300000000\n5|400000000\n6|500000000\n7|600000000\n8|700000000\n9|800000000\n10|900000000\n"},
    {"select distinct time_ns / 1000000000 from event where tid = 'odd'", "1795392000\n"},
    {"select level, target, message, tid from event where line = 3",
     "ERROR|a\\b|say \"hi\"\n\xc2\xb5\xc2\xb5\xf0\x9f\x98\x80|o\"d\n"},
    {"select line from event where tid = 'o\"d'", "3\n"},
    {"select line from event where target = 'a\\b'", "3\n"},
    {"select line from event where message = 'say \"hi\"' || char(10) || char(0xb5, 0xb5, 0x1f600)", "3\n"},
    {"select tid from event where line in (11, 12) order by line", "of-span\ninner\n"},
    {"select line, field(event, 'n'), typeof(field(event, 'n')) from event where tid = 'odd' and has(event, 'n') order "
     "by line",
     "4|3|integer\n5|4|integer\n7|6|integer\n9|8|integer\n"},
    {"select field(event, 'big'), typeof(field(event, 'big')), field(event, 'max'), field(event, 'min'), "
     "typeof(field(event, 'min')) from event where message = 'types'",
     "18446744073709551615|text|9223372036854775807|-9223372036854775808|integer\n"},
    {"select field(event, 'real'), typeof(field(event, 'real')), typeof(field(event, 'exp')), field(event, 'two'), "
     "typeof(field(event, 'two')) from event where message = 'types'",
     "0.1|real|real|2.0|real\n"},
    {"select field(event, 'yes'), field(event, 'no'), field(event, 'nothing'), field(event, 'none'), field(event, "
     "'empty') from event where message = 'types'",
     "1|0|NULL|NULL|\n"},
    {"select field(event, 'list'), field(event, 'obj'), field(event, 'message'), field(event, 'tid') from event where "
     "message = 'types'",
     "[1,{\"a\":\"b\"}]|{}|types|odd\n"},
    {"select has(event, 'nothing'), has(event, 'none'), has(event, 'yes=true'), has(event, 'two=2'), has(event, "
     "'quoted>0.2'), has(event, 'quoted=0.250'), "
     "has(event, 'max>9223372036854775806'), has(event, 'real<=0.1'), has(event, 'real!=0.1'), has(event, 'tid>=odd') "
     "from event where message = 'types'",
     "1|0|1|1|1|0|1|1|0|1\n"},
    {"select fields, span, spans from event where line = 11",
     "{\"message\":\"in span\"}|{\"tid\":\"of-span\",\"name\":\"s\"}|NULL\n"},
    {"select message from event where tid = 'odd' and message like '%ORDER%'", "another order\n"},
    {"select message from event where tid = 'odd' and message glob 's*'", "spaced\nstamp with a zero\n"},
    {"select count(*) from event where message = null", "0\n"},
    {"select count(*) from event where message like null", "0\n"},
    {"select count(*) from event where tid = x'6f6464'", "0\n"},
    {"select count(*) from event where tid = 'ODD'", "0\n"},
    {"select count(*) from event where tid = 'ODD' collate nocase", "9\n"},
    {"select count(*) from event where tid = 'nobody'", "0\n"},
    {"select count(*) from event where tid = 'odd' and tid = 't1'", "0\n"},
    {"select count(*) from event where run = 99", "0\n"},
    {"select count(*) from event where source = 0", "0\n"},
    {"select count(*) from event where id = -1", "0\n"},
    {"select count(*) from event where id <= 0", "0\n"},
    {"select count(*), min(line), max(line) from event where id = (select id from event where line = 7)", "1|7|7\n"},
    {"select count(*) from event where run = 1 and source = '1' and time_ns > 'text'", "0\n"},
    {"select count(*) > 20000 from event where time_ns < 'text'", "1\n"},
    {"select count(*) from event where time_ns between 1795392000100000000 and 1795392000300000000 and tid like 'o%'",
     "3\n"},
    {"select count(*) from event where time_ns > 1795392000.5e9 and time_ns < 1795392000.7e9 and tid = 'odd'", "1\n"},
    {"select count(*) from (select event e from event where line < 4) where field(e, 'tid') is not null", "3\n"},
    {"select field(1, 'x'), field(100000, 'x'), field('no', 'x'), field(null, 'x'), has(-5, 'a'), has(null, 'a')",
     "NULL|NULL|NULL|NULL|NULL|NULL\n"},
    {"select a.line, b.line from event a join event b on b.tid = a.tid and b.line > a.line where a.message = 'spaced' "
     "order by 2 limit 2",
     "4|5\n4|6\n"},
    {"select count(*) from event a, event b where a.line = 10 and b.line = 11 and field(a.event, 'real') = 0.1 and "
     "field(b.event, 'message') = 'in span'",
     "1\n"},
    {"select has(event, '=1') from event limit 1",
     "error: has() wants 'name=value', 'name<value', 'name>value' or 'name'"},
    {"select 1 from event where has(event, '!x')",
     "error: has() wants 'name=value', 'name<value', 'name>value' or 'name'"},
    {"select line from event where source = 1 order by line limit 3", "1\n2\n3\n"},
    {"select line from event order by source desc, line desc limit 1", "20012\n"},
    {"select count(*) from event where \"foreign\"", "0\n"},
    {"insert into event(id) values (1)", "error: table event may not be modified"},
};

static void queries(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *got = answer(rows[i].sql);

		if (strcmp(got, rows[i].want))
			fail_msg("%s\ngave %s\nnot  %s", rows[i].sql, got, rows[i].want);
		free(got);
	}
}

/* Conditions with and without a + that keeps them from the table. */
static const char *const conditions[] = {
    "%stid = 't7'",
    "%slevel = 'WARN'",
    "%starget = 'crate1::m'",
    "%smessage = 'fixed 3'",
    "%smessage = 'item 77 of it'",
    "%smessage like '%%7 of%%'",
    "%smessage like 'fixed _'",
    "%smessage glob 'item 1?? of it'",
    "%slevel like 'w%%'",
    "%starget glob '*2*'",
    "%sid > 70000",
    "%sid >= 70000",
    "%sid < 70000",
    "%sid <= 70000",
    "%sid = 70000",
    "%sid > 69999.5 and %1$sid < 70010.5",
    "%stime_ns >= 1795392600000000000",
    "%stime_ns < 1795392600000000000",
    "%stime_ns > 1795392600500000000 and %1$stime_ns <= 1795392700500000000",
    "%srun = 1",
    "%ssource = 1",
    "%ssource = 2",
    "%slevel in ('WARN', 'ERROR') and %1$starget = 'crate0::m'",
    "%slevel = 'WARN' and %1$smessage like 'item%%' and %1$stid = 't3'",
    "%slevel = 'WARN' or %1$stid = 't3'",
    "%slevel is null",
    "%smessage is null",
};

static void pushed_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		char where[2][300], sql[500], *got[2];
		int k;

		for (k = 0; k < 2; k++) {
			snprintf(where[k], sizeof where[k], conditions[i], k ? "+" : "", k ? "+" : "");
			snprintf(sql, sizeof sql,
			         "select count(*), sum(line), group_concat(id) from (select id, line from event where "
			         "%.299s order by id)",
			         where[k]);
			got[k] = answer(sql);
		}
		if (strcmp(got[0], got[1]))
			fail_msg("%s: %.60s, not %.60s", where[0], got[0], got[1]);
		free(got[0]);
		free(got[1]);
	}
}

static const char *const tests[] = {"n=5",    "n>50",    "n<50",    "n>=99",           "n!=5",
                                    "n",      "word=w3", "word>w5", "message=fixed 3", "message",
                                    "tid=t9", "nosuch",  "n=5.5",   "word<w1"};

/* has() as a condition and as a value. */
static void has_pushed_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof tests / sizeof *tests; i++) {
		char sql[400], *a, *b;

		snprintf(sql, sizeof sql,
		         "select count(*), group_concat(id) from event where has(event, '%s') and level = 'INFO'",
		         tests[i]);
		a = answer(sql);
		snprintf(sql, sizeof sql,
		         "select count(*), group_concat(id) from event where (has(event, '%s') and level = 'INFO') = 1",
		         tests[i]);
		b = answer(sql);
		if (strcmp(a, b))
			fail_msg("%s: %.60s, not %.60s", tests[i], a, b);
		free(a);
		free(b);
	}
}

/* MATCH, and the same by looking at each string. */
static void matches(void **state)
{
	static const char *const texts[] = {"fixed", "fixed 3", "item 7",  "w3", "t7",     "t", "5",
	                                    ".5",    "9.5",     "7 of it", "T",  "nosuch", "e"};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char sql[400], *got, *want;

		snprintf(
		    sql, sizeof sql,
		    "SELECT count(*), group_concat(id) FROM event WHERE target LIKE 'crate%%' AND event MATCH '%s'",
		    texts[i]);
		got = answer(sql);
		snprintf(sql, sizeof sql,
		         "SELECT count(*), group_concat(id) FROM event WHERE target LIKE 'crate%%' AND (instr(message, "
		         "'%s') OR "
		         "EXISTS (SELECT 1 FROM json_each(fields) WHERE type = 'text' AND instr(value, '%s')))",
		         texts[i], texts[i]);
		want = answer(sql);
		if (strcmp(got, want))
			fail_msg("%s: %.60s, not %.60s", texts[i], got, want);
		free(got);
		free(want);
	}
}

/* So many texts, each looked for in every line: what is found is what one text finds by itself, and the work is that of
 * so many searches however they take turns. */
static uint64_t matched_in_turns(unsigned texts, int64_t *found)
{
	struct event_matcher m = {0};
	struct event_query all = {.brief = true};
	struct event_cursor *c;
	const struct event *e;
	uint64_t searched;
	int rc;

	assert_int_equal(event_cursor_open(store, &all, &c), 0);
	while ((rc = event_cursor_next(c, &e)) == 1)
		for (unsigned i = 0; i < texts; i++) {
			char text[20];
			int n = snprintf(text, sizeof text, "%u", i),
			    hit = event_matches(&m, e, (struct slice){text, (size_t)n});

			assert_true(hit >= 0);
			found[i] += hit;
		}
	assert_int_equal(rc, 0);
	event_cursor_close(c);
	searched = m.searched;
	event_matcher_done(&m);
	return searched;
}

static void many_matches(void **state)
{
	static const unsigned texts[] = {1, 8, 9, EVENT_MATCHES, EVENT_MATCHES + 1, 2 * EVENT_MATCHES};
	enum { MOST = 2 * EVENT_MATCHES };
	uint64_t one = 0;

	(void)state;
	for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
		int64_t found[MOST] = {0};
		uint64_t searched = matched_in_turns(texts[k], found);

		one = one ? one : searched;
		if (searched > 2 * one * texts[k])
			fail_msg("%u texts: %llu lines searched, %llu for one", texts[k], (unsigned long long)searched,
			         (unsigned long long)one);
		for (unsigned i = 0; i < texts[k]; i++) {
			char sql[100], *a, *b;

			snprintf(sql, sizeof sql, "SELECT count(*) FROM event WHERE event MATCH '%u'", i);
			a = answer(sql);
			snprintf(sql, sizeof sql, "SELECT %lld", (long long)found[i]);
			b = answer(sql);
			if (strcmp(a, b))
				fail_msg("%u of %u texts: %s lines, not %s", i, texts[k], b, a);
			free(a);
			free(b);
		}
	}
}

/* Table quantiles, and the same asked event by event. */
static void quantiles_are_aggregates(void **state)
{
	static const char *const messages[] = {NULL, "fixed 3", "item 77 of it", "nosuch"},
	                         *const fields[] = {"n", "word", "tid", "message", "nosuch"},
	                         *const by[] = {NULL, "word", "n", "tid", "message", "level", "nosuch"};

	(void)state;
	for (size_t i = 0; i < 4 * 5 * 7; i++) {
		const char *m = messages[i % 4], *f = fields[i / 4 % 5], *b = by[i / 20];
		char where[80] = "", key[80] = "NULL", hidden[160] = "", sql[800], *got, *want;

		if (m) {
			snprintf(where, sizeof where, "WHERE message = '%s'", m);
			snprintf(hidden, sizeof hidden, " AND message = '%s'", m);
		}
		if (b) {
			snprintf(key, sizeof key, "CAST(field(event, '%s') AS TEXT)", b);
			snprintf(hidden + strlen(hidden), sizeof hidden - strlen(hidden), " AND per = '%s'", b);
		}
		snprintf(sql, sizeof sql,
		         "SELECT run, key, lines, min, p50, p90, p95, p99, max, round(mean, 6) FROM quantiles WHERE "
		         "field = '%s'%s",
		         f, hidden);
		got = answer(sql);
		snprintf(sql, sizeof sql,
		         "SELECT run, k, count(n), min(n), p50(n), p90(n), p95(n), p99(n), max(n), round(avg(n), 6) "
		         "FROM (SELECT run, %s AS k, "
		         "CASE WHEN CAST(field(event, '%s') AS TEXT) GLOB '[0-9]*' THEN CAST(field(event, '%s') AS "
		         "REAL) END AS n FROM event %s) "
		         "GROUP BY run, k HAVING count(n) > 0 ORDER BY run, k",
		         key, f, f, where);
		want = answer(sql);
		if (strcmp(got, want))
			fail_msg("message %s, field %s, by %s:\n%.300s\nnot\n%.300s", m, f, b, got, want);
		free(got);
		free(want);
	}
}

/* ---- against jansson ---- */

static void same_text(size_t line, const char *what, const unsigned char *got, json_t *want)
{
	const char *text = json_string_value(want);

	if (!got != !text || (got && strcmp((const char *)got, text)))
		fail_msg("line %zu: %s is %s, not %s", line, what, got ? (const char *)got : "NULL",
		         text ? text : "NULL");
}

static void same_value(size_t line, const char *key, sqlite3_value *got, json_t *want)
{
	bool same;

	switch (json_typeof(want)) {
	case JSON_INTEGER:
		same =
		    sqlite3_value_type(got) == SQLITE_INTEGER && sqlite3_value_int64(got) == json_integer_value(want);
		break;
	case JSON_REAL:
		same = sqlite3_value_type(got) == SQLITE_FLOAT && sqlite3_value_double(got) == json_real_value(want);
		break;
	case JSON_STRING:
		same = sqlite3_value_type(got) == SQLITE_TEXT &&
		       !strcmp((const char *)sqlite3_value_text(got), json_string_value(want));
		break;
	default:
		same = sqlite3_value_type(got) == SQLITE_NULL;
		break;
	}
	if (!same)
		fail_msg("line %zu: field %s is %s", line, key, (const char *)sqlite3_value_text(got));
}

static void as_jansson(void **state)
{
	static const char *const keys[] = {"n", "word"};
	sqlite3_stmt *q;
	int64_t offset = 0;
	size_t i, k, at = sizeof odd / sizeof *odd;

	(void)state;
	for (i = 0; i < at; i++)
		offset += (int64_t)strlen(lines[i]) + 1;
	assert_int_equal(sqlite3_prepare_v2(
	                     store_db(store),
	                     "select line, offset, level, target, message, tid, fields, spans, raw, field(event, 'n'), "
	                     "field(event, 'word'), time_ns from event where line > ?",
	                     -1, &q, NULL),
	                 SQLITE_OK);
	sqlite3_bind_int64(q, 1, (int64_t)at);
	for (; sqlite3_step(q) == SQLITE_ROW; at++) {
		json_t *line = json_loads(lines[at], 0, NULL), *fields = json_object_get(line, "fields"), *other;
		struct slice stamp = {json_string_value(json_object_get(line, "timestamp")),
		                      json_string_length(json_object_get(line, "timestamp"))};
		bool canonical;
		int64_t ns;

		assert_int_equal(sqlite3_column_int64(q, 0), at + 1);
		assert_int_equal(sqlite3_column_int64(q, 1), offset);
		same_text(at, "level", sqlite3_column_text(q, 2), json_object_get(line, "level"));
		same_text(at, "target", sqlite3_column_text(q, 3), json_object_get(line, "target"));
		same_text(at, "message", sqlite3_column_text(q, 4), json_object_get(fields, "message"));
		same_text(at, "tid", sqlite3_column_text(q, 5), json_object_get(fields, "tid"));
		other = json_loads((const char *)sqlite3_column_text(q, 6), 0, NULL);
		assert_true(json_equal(other, fields));
		json_decref(other);
		other = json_object_get(line, "spans");
		assert_int_equal(sqlite3_column_type(q, 7) == SQLITE_NULL, !other);
		assert_string_equal((const char *)sqlite3_column_text(q, 8), lines[at]);
		for (k = 0; k < 2; k++) {
			/* The first of two keys counts here, the last in jansson: those lines are left out. */
			const char *first = strstr(lines[at], "\"n\":");

			if (k || !first || !strstr(first + 1, "\"n\":"))
				if (json_object_get(fields, keys[k]))
					same_value(at, keys[k], sqlite3_column_value(q, 9 + (int)k),
					           json_object_get(fields, keys[k]));
		}
		assert_int_equal(stamp_parse_iluvatar(stamp, &ns, &canonical), 0);
		assert_int_equal(sqlite3_column_int64(q, 11), ns);
		offset += (int64_t)strlen(lines[at]) + 1;
		json_decref(line);
	}
	assert_int_equal(at, nlines);
	sqlite3_finalize(q);
}

/* Offsets of lines that do not follow each other. */
static void offsets(void **state)
{
	sqlite3_stmt *q;
	int64_t offset = 0;
	size_t at = 0;

	(void)state;
	assert_int_equal(
	    sqlite3_prepare_v2(store_db(store), "select line, offset from event where tid = 't7'", -1, &q, NULL),
	    SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW) {
		for (; at + 1 < (size_t)sqlite3_column_int64(q, 0); at++)
			offset += (int64_t)strlen(lines[at]) + 1;
		assert_int_equal(sqlite3_column_int64(q, 1), offset);
	}
	assert_true(at > 10000);
	sqlite3_finalize(q);
}

/* %s is instr(fields, 'w3'), or the same of what is no column. */
static const char *const contains[] = {
    "SELECT count(*) FROM event WHERE %s > 0",
    "SELECT count(*) FROM event WHERE 0 < %s",
    "SELECT count(*) FROM event WHERE %s >= 1 AND time_ns > 5 AND level = 'INFO'",
    "SELECT count(*) FROM event WHERE %s <> 0 AND length(fields) > 60",
    "SELECT count(*) FROM event WHERE length(fields) > 60 AND %s > 30",
    "SELECT count(*) FROM event WHERE +%s",
    "SELECT id, fields FROM event WHERE %s > 0 ORDER BY time_ns, id LIMIT 9",
    "SELECT message, count(*) FROM event WHERE %s > 0 GROUP BY 1 ORDER BY 1",
    "SELECT target, (SELECT count(*) FROM event f WHERE f.id < e.id AND %s > 0) FROM event e WHERE id %% 997 = 3",
    "SELECT count(*), sum(n) FROM (SELECT 1 AS n UNION ALL SELECT 2) LEFT JOIN event ON %s > 0 AND n = 2",
    "SELECT count(*), sum(n) FROM (SELECT 1 AS n UNION ALL SELECT 2) LEFT JOIN event ON n = 2 WHERE %s > 0",
    "SELECT count(*), max(%s > 0) FROM event WHERE time_ns > 5",
    "SELECT count(*) FILTER (WHERE %s > 0) FROM event",
    "SELECT count(*) FILTER (WHERE %s > 0), count(*) FROM event",
    "SELECT count(*), count(*) FILTER (WHERE %s > 0) FROM event",
    "SELECT level, count(*) FILTER (WHERE %s > 0) FROM event GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM (SELECT fields FROM event LIMIT 40) WHERE %s > 0",
    "SELECT count(*) FROM (SELECT fields, id FROM event WHERE %s > 0 LIMIT 40) WHERE id > 9",
    /* rows without it count here */
    "SELECT count(*) FROM event WHERE %s = 0",
    "SELECT count(*) FROM event WHERE %s < 1",
    "SELECT count(*) FROM event WHERE %s >= 0",
    "SELECT count(*) FROM event WHERE %s > -1",
    "SELECT count(*) FROM event WHERE NOT %s",
    "SELECT count(*) FROM event WHERE NOT (%s > 0)",
    "SELECT count(*) FROM event WHERE %s > 0 OR level = 'WARN'",
    "SELECT count(*) FROM event WHERE (%s > 0) IS NOT 1",
    "SELECT count(*) FROM event WHERE %s > 0 UNION ALL SELECT count(*) FROM event",
    "SELECT count(*) FROM event WHERE CASE WHEN level = 'INFO' THEN 1 ELSE %s > 0 END",
    "SELECT count(*) FROM event WHERE coalesce(%s > 0, 1)",
};

static void contained(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof contains / sizeof *contains; i++) {
		char sql[400], *got, *want;

		snprintf(sql, sizeof sql, contains[i], "instr(fields, 'w3')");
		got = answer(sql);
		snprintf(sql, sizeof sql, contains[i], "instr(fields || '', 'w3')");
		want = answer(sql);
		if (strcmp(got, want))
			fail_msg("%s: %.60s, not %.60s", contains[i], got, want);
		if (strstr(got, "error: "))
			fail_msg("%s: %s", contains[i], got);
		free(got);
		free(want);
	}
}

/* Steps of SQLite's machine. */
static int steps_of(const char *sql)
{
	sqlite3_stmt *q;
	int n;

	assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW)
		;
	n = sqlite3_stmt_status(q, SQLITE_STMTSTATUS_VM_STEP, 0);
	assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	return n;
}

/* What the statement shows keeps rows away from SQLite: of the first six kinds of it no row comes. */
static void contained_is_handed_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		char sql[400];
		int n;

		snprintf(sql, sizeof sql, contains[i], "instr(fields, 'nosuch text')");
		n = steps_of(sql);
		if (n > 50)
			fail_msg("%s: %d steps", sql, n);
	}
	assert_true(steps_of("SELECT count(*) FROM event WHERE instr(fields || '', 'nosuch text') > 0") > 10000);
}

static int count_look(void *arg, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	(void)database, (void)trigger;
	*(int *)arg += action == SQLITE_READ && !strcmp(a, "event") && !strcmp(b, "tid");
	return SQLITE_OK;
}

/* What a statement's program shows is read once, however often it opens the table; of the next one anew. */
static void program_is_read_once(void **state)
{
	static const char *const of_rows[] = {"has(e.event, 'word')", "instr(e.fields, 'w3') > 0",
	                                      "e.message LIKE 'item%' AND instr(e.fields, 'w3') > 0"};

	(void)state;
	store_left_joins(store, true);
	for (size_t i = 0; i < 2 * sizeof of_rows / sizeof *of_rows; i++) {
		char sql[400];
		sqlite3_stmt *q;
		int looks = 0;

		snprintf(sql, sizeof sql,
		         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50) SELECT sum((SELECT "
		         "count(*) FROM event e WHERE e.tid = 't' || i AND %s)) FROM n",
		         of_rows[i / 2]);
		sqlite3_set_authorizer(store_db(store), count_look, &looks);
		assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &q, NULL), SQLITE_OK);
		looks = 0;
		assert_int_equal(sqlite3_step(q), SQLITE_ROW);
		assert_true(sqlite3_column_int(q, 0) > 0);
		assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
		sqlite3_set_authorizer(store_db(store), NULL, NULL);
		if (looks < 1 || looks > 3)
			fail_msg("%s: prepared %d times while it ran", sql, looks);
	}
	store_left_joins(store, false);
}

int main(void)
{
	const struct CMUnitTest all[] = {
	    cmocka_unit_test(queries),
	    cmocka_unit_test(pushed_down),
	    cmocka_unit_test(has_pushed_down),
	    cmocka_unit_test(as_jansson),
	    cmocka_unit_test(offsets),
	    cmocka_unit_test(quantiles_are_aggregates),
	    cmocka_unit_test(matches),
	    cmocka_unit_test(contained),
	    cmocka_unit_test(contained_is_handed_down),
	    cmocka_unit_test(many_matches),
	    cmocka_unit_test(program_is_read_once),
	};

	return cmocka_run_group_tests(all, setup, teardown);
}
