/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_faults.c - each allocation of asking the table event fails once: the answer is the same as ever, or an error.
 */
#include "faults.h"
#include "load/load.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-faults-XXXXXX";
static char log_path[64], db_path[64];

static const char *const questions[] = {
    "select count(*), sum(line), sum(offset) from event",
    ("select id, run, source, line, time_ns, level, target, message, tid, fields, span, spans, raw, \"foreign\" from "
     "event where tid = 't3'"),
    "select count(*) from event where message = 'say \"\xc2\xb5\"' and level = 'INFO'",
    "select sum(line) from event where message like '%3 of%' and has(event, 'n>5')",
    "select field(event, 'n'), field(event, 'text'), has(event, 'text=\xc3\xa4') from event where line < 30",
    "select sum(field(e, 'n')) from (select event e from event where line < 30 limit 100)",
    "select count(*) from event where tid = '\xc3\xa4'",
    "select count(*) from event a join event b on a.tid = b.tid where a.line = 7",
};

/* All of a question's answer, hashed; 0, or an SQLite error. Text is looked at without memory of our own. */
static int ask(struct store *s, const char *sql, unsigned *hash)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(store_db(s), sql, -1, &q, NULL), i;
	const unsigned char *p;

	while (!rc && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		for (i = 0; i < sqlite3_column_count(q); i++) {
			p = sqlite3_column_text(q, i);
			*hash = *hash * 31 + (p ? 7 : 3);
			while (p && *p)
				*hash = *hash * 31 + *p++;
		}
		rc = 0;
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : rc;
}

static int subject(const char *sql, unsigned *hash)
{
	struct store *s;
	char *why;
	int rc = store_open(db_path, STORE_READ, &s, &why);

	*hash = 0;
	if (rc) {
		free(why);
		return rc;
	}
	rc = ask(s, sql, hash);
	store_close(s);
	return rc;
}

static void faults(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof questions / sizeof *questions; i++) {
		unsigned want, got, n, calls;

		assert_int_equal(subject(questions[i], &want), 0);
		for (n = 1;; n++) {
			int rc;

			fault_arm(FAULT_MALLOC, n, 1);
			rc = subject(questions[i], &got);
			calls = fault_disarm();
			if (calls < n)
				break;
			if (!rc && got != want)
				fail_msg("%s, allocation %u: no error, but another answer", questions[i], n);
		}
		print_message("%u allocations: %s\n", n - 1, questions[i]);
	}
}

static int setup(void **state)
{
	char *paths[] = {log_path}, utc[] = "UTC", *zones[] = {utc};
	struct load_options o = {.db = db_path,
	                         .paths = paths,
	                         .npaths = 1,
	                         .timezones = zones,
	                         .ntimezones = 1,
	                         .quiet = true,
	                         .threads = 1,
	                         .out = stdout,
	                         .err = stderr};
	FILE *f;
	int i;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(log_path, sizeof log_path, "%s/worker_0.log", folder);
	snprintf(db_path, sizeof db_path, "%s/logq.db", folder);
	f = fopen(log_path, "w");
	for (i = 0; i < 400; i++) {
		fprintf(f,
		        "{\"timestamp\":\"2026-11-23 00:00:%02d.1\",\"level\":\"INFO\",\"fields\":{\"message\":\"item "
		        "%d of it\",\"tid\":\"t%d\",\"n\":%d},\"target\":\"t\"}\n",
		        i / 10, i, i % 9, i % 11);
		fprintf(f,
		        "{\"timestamp\":\"2026-11-23 00:00:%02d.2\",\"level\":\"INFO\",\"fields\":{\"message\":\"say "
		        "\\\"\xc2\xb5\\\"\",\"tid\":\"\xc3\xa4\",\"text\":\"\xc3\xa4\"},\"target\":\"t\","
		        "\"span\":{\"name\":\"s\"},\"spans\":[{\"name\":\"s\"}]}\n",
		        i / 10);
	}
	fclose(f);
	return load_run(&o);
}

static int teardown(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(db_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(faults)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
