/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_faults.c - each allocation of building and asking the model fails once: the tables are the same as ever, or it
 * is an error. */
#include "faults.h"
#include "load/load.h"
#include "beside/energy_meter.h"
#include "findings/finding.h"
#include "infer/infer.h"
#include "model/cover.h"
#include "beside/beside.h"
#include "build/model.h"
#include "tables/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-faults-XXXXXX";
static char log_path[64], csv_path[64], energy_path[64], db_path[64], nested_log[64], nested_db[64];

#define CONTAINER "f-0.0.1-2B9C5138-FBCF-0F2A-57EC-42F974B23095"

static unsigned add(unsigned hash, const char *p)
{
	hash = hash * 31 + (p ? 7 : 3);
	while (p && *p)
		hash = hash * 31 + (unsigned char)*p++;
	return hash;
}

static int ask(struct store *s, const char *sql, unsigned *hash)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(store_db(s), sql, -1, &q, NULL);

	while (!rc && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(q); i++)
			*hash = add(*hash, (const char *)sqlite3_column_text(q, i));
		rc = 0;
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : rc;
}

/* ---- subjects: each builds or asks once ---- */

static int build_with(struct store *s, const struct model_options *o, unsigned *hash)
{
	static const char *const tables[] = {"invocation", "attempt", "container", "lock",
	                                     "batch",      "pattern", "function",  "nested"};
	char *why = NULL, sql[64];
	int rc = store_exec(s, "BEGIN");

	if (rc)
		return rc;
	rc = model_build(s, o, &why);
	free(why);
	/* What is asked of the tables is not the subject. */
	for (size_t i = 0; !rc && i < sizeof tables / sizeof *tables; i++) {
		snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[i]);
		rc = ask(s, sql, hash);
	}
	store_exec(s, "ROLLBACK");
	return rc;
}

static int build(struct store *s, unsigned *hash)
{
	return build_with(s, NULL, hash);
}

/* With so little memory that facts go through a spool. */
static int build_shares(struct store *s, unsigned *hash)
{
	return build_with(s, &(struct model_options){.facts_most = 6}, hash);
}

static int read_results(struct store *s, unsigned *hash)
{
	char *why = NULL;
	int rc = store_exec(s, "BEGIN");

	if (rc)
		return rc;
	rc = beside_file_load(s, 1, csv_path, &why);
	free(why);
	if (!rc)
		rc = ask(s, "SELECT * FROM result", hash);
	store_exec(s, "ROLLBACK");
	return rc;
}

static int virtual_tables(struct store *s, unsigned *hash)
{
	int rc = ask(s, "SELECT * FROM span", hash);

	if (!rc)
		rc = ask(s, "SELECT * FROM phase", hash);
	if (!rc)
		rc = ask(s, "SELECT * FROM span WHERE tid = 'a'", hash);
	return rc ? rc : ask(s, "SELECT * FROM series", hash);
}

static int findings(struct store *s, unsigned *hash)
{
	struct findings f = {0};
	int rc = find_lint(s, 0, &f);

	if (!rc)
		rc = find_hangs(s, 0, &f);
	if (!rc)
		rc = find_storms(s, 0, &f);
	if (!rc)
		rc = find_mount_failures(s, 0, &f);
	for (size_t i = 0; i < f.n; i++)
		*hash = add(add(add(*hash, f.v[i].rule), f.v[i].tid), f.v[i].message);
	findings_done(&f);
	return rc;
}

/* The readings of a meter, and who is given what. */
static int energy(struct store *s, unsigned *hash)
{
	struct energy_meter m = {.kind = ENERGY_RAPL, .range_uj = 210e6};
	struct energy_user users[] = {{.from_ns = 0, .to_ns = INT64_MAX},
	                              {.from_ns = INT64_MAX - 1, .to_ns = INT64_MAX}};
	struct energy_rows *rows;
	struct energy_row row;
	double idle;
	int64_t idle_ns;
	int rc = energy_rows_open(s, 0, &rows);

	if (rc)
		return rc;
	while ((rc = energy_rows_next(rows, &row)) == 1 && !(rc = energy_meter_add(&m, &row)))
		;
	energy_rows_close(rows);
	if (!rc)
		rc = energy_share(&m, users, 2, &idle, &idle_ns);
	*hash = (unsigned)(rc ? 0 : users[0].joules) + 31 * (unsigned)m.n;
	energy_meter_done(&m);
	return rc;
}

/* Rules found in a log that has none, and how much of it they explain. */
static int inferred(struct store *s, unsigned *hash)
{
	struct inferred found = {0};
	struct rules *r = NULL;
	struct cover c = {0};
	char *why = NULL;
	int rc = infer_rules(s, 0, &found);

	if (!rc)
		rc = rules_parse(found.text ? found.text : "", found.text ? strlen(found.text) : 0, "found", &r, &why);
	if (!rc)
		rc = cover_read(s, r, &c);
	if (!rc)
		*hash = add(*hash, found.text) + (unsigned)(c.known + 31 * c.ended + 977 * c.parents);
	cover_done(&c);
	rules_free(r);
	inferred_done(&found);
	free(why);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct store *s, unsigned *hash);
	const char *db;
} subjects[] = {{"build", build, db_path},          {"build in shares", build_shares, db_path},
                {"results", read_results, db_path}, {"virtual tables", virtual_tables, db_path},
                {"findings", findings, db_path},    {"energy", energy, db_path},
                {"inferred", inferred, nested_db},  {"build of inferred", build, nested_db}};

static int subject(size_t i, unsigned *hash)
{
	struct store *s;
	char *why = NULL;
	int rc = store_open(subjects[i].db, STORE_WRITE, &s, &why);

	*hash = 0;
	if (rc) {
		free(why);
		return rc;
	}
	rc = tables_register(store_db(s), s);
	if (!rc)
		rc = beside_register(store_db(s), s);
	if (!rc)
		rc = subjects[i].run(s, hash);
	store_close(s);
	return rc;
}

static void faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		unsigned want, got, n, calls;

		assert_int_equal(subject(i, &want), 0);
		for (n = 1;; n++) {
			int rc;

			fault_arm(FAULT_MALLOC, n, 1);
			rc = subject(i, &got);
			calls = fault_disarm();
			if (calls < n)
				break;
			if (!rc && got != want)
				fail_msg("%s, allocation %u: no error, but another answer", subjects[i].name, n);
		}
		print_message("%u allocations: %s\n", n - 1, subjects[i].name);
	}
}

static void shares_are_the_whole(void **state)
{
	unsigned whole, shares;

	(void)state;
	assert_int_equal(subject(0, &whole), 0);
	assert_int_equal(subject(1, &shares), 0);
	assert_int_equal(whole, shares);
}

/* ---- a log with something of everything ---- */

static int second;

static void line(FILE *f, const char *fields, const char *rest)
{
	fprintf(f,
	        "{\"timestamp\":\"2026-11-23 00:00:%02d.1\",\"level\":\"INFO\",\"fields\":{%s},\"target\":\"t\"%s}\n",
	        second++ % 60, fields, rest);
}

static void invocation(FILE *f, const char *tid, int ends)
{
	char span[256], fields[512];

	snprintf(span, sizeof span, ",\"span\":{\"tid\":\"%s\",\"name\":\"invoke\"},\"spans\":[]", tid);
	line(f, "\"message\":\"new\"", span);
#define SAY(...) (snprintf(fields, sizeof fields, __VA_ARGS__), line(f, fields, ""))
	SAY("\"message\":\"Handling invocation request\",\"tid\":\"%s\"", tid);
	SAY("\"message\":\"Container acquired\",\"tid\":\"%s\",\"container_id\":\"" CONTAINER "\"", tid);
	SAY("\"message\":\"Inserting container into pool\",\"tid\":\"%s\",\"container_id\":\"" CONTAINER
	    "\",\"pool_type\":\"Running\"",
	    tid);
	SAY("\"message\":\"Item starting to execute\",\"tid\":\"%s\",\"insert_time\":\"2026-11-23 "
	    "00:00:00.1\",\"remove_time\":\"2026-11-23 00:00:01.1\"",
	    tid);
	SAY("\"message\":\"Encountered unknown error while trying to run queued "
	    "invocation\",\"tid\":\"%s\",\"error\":\"a \\\"b\\\"\"",
	    tid);
	SAY("\"message\":\"Create task failed\",\"tid\":\"%s\",\"error\":\"failed to mount {overlay "
	    "[upperdir=/x/snapshots/7/fs]}: no such file or directory: u\"",
	    tid);
	if (ends) {
		SAY("\"message\":\"Invocation "
		    "complete\",\"tid\":\"%s\",\"fqdn\":\"f-0.0.1\",\"e2etime\":\"1\",\"compute\":\"CPU\"",
		    tid);
		line(f, "\"message\":\"close\",\"time.busy\":\"1.00ms\",\"time.idle\":\"2.00ms\"", span);
	}
#undef SAY
}

/* All in one transaction, as a worker does it. */
static void removals(FILE *f)
{
	char fields[256];

	for (int i = 0; i < 10; i++) {
		snprintf(fields, sizeof fields,
		         "\"message\":\"Removing container\",\"tid\":\"CtrMrgWorker\",\"container_id\":\"%.*s%d\"",
		         (int)sizeof CONTAINER - 2, CONTAINER, i);
		line(f, fields, "");
	}
}

/* Requests and others inside them. */
static int nested(void)
{
	char *paths[] = {nested_log};
	struct load_options o = {
	    .db = nested_db, .paths = paths, .npaths = 1, .quiet = true, .threads = 1, .out = stdout, .err = stderr};
	FILE *f = fopen(nested_log, "w");

	if (!f)
		return -1;
	for (int i = 0; i < 72; i++) {
		static const char *const says[] = {"in", "call in", "read", "call out", "found", "out"};
		bool inner = i % 6 && i % 6 < 4;

		fprintf(f,
		        "{\"time\":\"2026-11-28T10:%02d:%02d.%dZ\",\"msg\":\"%s\",\"request_id\":\"%c%03d\"%s%03d%s}\n",
		        i / 6, i % 6 * 9, i % 3, says[i % 6], inner ? 'c' : 'r', i / 6,
		        i % 6 == 1 ? ",\"up\":\"r" : ",\"n\":\"", i / 6, "\"");
	}
	fclose(f);
	return load_run(&o);
}

static int setup(void **state)
{
	char *paths[] = {log_path, energy_path}, utc[] = "UTC", *zones[] = {utc};
	struct load_options o = {.db = db_path,
	                         .paths = paths,
	                         .npaths = 2,
	                         .timezones = zones,
	                         .ntimezones = 1,
	                         .quiet = true,
	                         .threads = 1,
	                         .out = stdout,
	                         .err = stderr};
	FILE *f;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(log_path, sizeof log_path, "%s/worker_0.log", folder);
	snprintf(csv_path, sizeof csv_path, "%s/output-in.csv", folder);
	snprintf(energy_path, sizeof energy_path, "%s/energy-rapl.log", folder);
	snprintf(db_path, sizeof db_path, "%s/logq.db", folder);
	snprintf(nested_log, sizeof nested_log, "%s/nested.log", folder);
	snprintf(nested_db, sizeof nested_db, "%s/nested.db", folder);
	f = fopen(energy_path, "w");
	if (!f)
		return -1;
	fputs("timestamp,rapl_uj\n", f);
	for (int i = 0; i < 100; i++)
		fprintf(f, "2026-11-23 00:00:%02d.%02d,%d000000\n", i / 2, i % 2 * 50 + 1, i % 70 * 3);
	fclose(f);
	f = fopen(log_path, "w");
	if (!f)
		return -1;
	line(f,
	     "\"message\":\"Container manager "
	     "info\",\"tid\":\"CtrMrgWorker\",\"used_mem\":1,\"total_mem\":2,\"num_containers\":3",
	     "");
	line(f,
	     "\"message\":\"CPU "
	     "utilization\",\"tid\":\"CPU_MON_BG\",\"cpu_util\":\"{\\\"cpu_us\\\":1.0,\\\"cpu_sy\\\":2}\"",
	     "");
	line(f, "\"message\":\"logged in\",\"password\":\"x\"", "");
	invocation(f, "a", 1);
	invocation(f, "b", 0);
	removals(f);
	for (int i = 0; i < 1005; i++) {
		line(f, "\"message\":\"checking resources\",\"tid\":\"s\"", "");
		line(f, "\"message\":\"Insufficient resources to run item\",\"tid\":\"s\"", "");
	}
	fclose(f);
	f = fopen(csv_path, "w");
	if (!f)
		return -1;
	fputs("success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\ntrue,f,false,1,"
	      "0.5,3,a\n",
	      f);
	fclose(f);
	return load_run(&o) ? -1 : nested();
}

static int teardown(void **state)
{
	(void)state;
	unlink(log_path);
	unlink(energy_path);
	unlink(csv_path);
	unlink(db_path);
	unlink(nested_log);
	unlink(nested_db);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares_are_the_whole), cmocka_unit_test(faults)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
