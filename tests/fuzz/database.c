/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole database with changed values, and the commands over it: they answer, or say that it is damaged; a load that
 * fails leaves it as it was.
 *
 * The database is made of the sample logs when the target starts. Input: a byte that chooses the command, then changes
 * of 12 bytes each: what is changed, which table, column and row, and how. */
#include "base/sql.h"
#include "room.h"

#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define CHANGE_BYTES 12
#define CHANGES_MAX  16

static char *seed, *more; /* the database, and a log to load into it */
static size_t nseed, nmore;
static char tid[64];

static const char *const tables[] = {"run",      "source",          "reject",      "shape",          "chunk",
                                     "block",    "place",           "result_pack", "trace_pack",     "benchmark",
                                     "rules",    "invocation_kind", "work_kind",   "invocation_row", "attempt_row",
                                     "lock_row", "batch_row",       "function",    "container",      "pattern",
                                     "nested",   "sqlite_sequence"};
#define NTABLES (sizeof tables / sizeof *tables)

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	FILE *log = fopen("samples/logs/iluvatar/worker.log", "r");
	char line[8192];
	sqlite3 *db;
	sqlite3_stmt *q;

	room_make(argc, argv);
	assert(log); /* started elsewhere than in the top of the checkout? */
	assert(!command_run("load", "samples/logs/iluvatar", NULL) && !command_run("check", NULL));
	assert(!sqlite3_open(in_room("db"), &db) &&
	       !sql_prepare(db, "SELECT tid FROM place ORDER BY events DESC LIMIT 1", &q) && sql_next(q) == 1);
	snprintf(tid, sizeof tid, "%s", sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(db);
	seed = file_get(in_room("db"), &nseed);
	/* the sample again, ten years later */
	more = malloc(1 << 20);
	while (nmore < (1 << 19) && fgets(line, sizeof line, log)) {
		char *year = strstr(line, "\"2026-");

		if (year)
			year[3] = '3';
		memcpy(more + nmore, line, strlen(line));
		nmore += strlen(line);
	}
	fclose(log);
	return 0;
}

/* ---- changes ---- */

static const int64_t odd[] = {INT64_MIN,
                              INT64_MIN + 1,
                              INT64_MAX,
                              INT64_MAX - 1,
                              -1,
                              0,
                              1,
                              2,
                              65535,
                              65536,
                              INT32_MAX,
                              UINT32_MAX,
                              INT32_MIN,
                              INT64_C(1) << 46,
                              INT64_C(1) << 47,
                              INT64_C(1) << 61,
                              INT64_C(1) << 62,
                              -(INT64_C(1) << 62),
                              31622400,
                              31622401};

static void value_bind(sqlite3_stmt *st, const uint8_t *c)
{
	int64_t v;
	double real;

	memcpy(&v, c + 4, sizeof v);
	memcpy(&real, c + 4, sizeof real);
	switch (c[3] % 8) {
	case 0:
	case 1:
	case 2:
		sqlite3_bind_int64(st, 1, odd[c[4] % (sizeof odd / sizeof *odd)]);
		break;
	case 3:
		sqlite3_bind_int64(st, 1, v);
		break;
	case 4:
		sqlite3_bind_double(st, 1, c[4] & 1 ? real : 1e300);
		break;
	case 5:
		sqlite3_bind_null(st, 1);
		break;
	case 6:
		sqlite3_bind_text(st, 1, (const char *)c + 4, c[4] % 9, SQLITE_STATIC);
		break;
	default:
		sqlite3_bind_blob(st, 1, c + 4, c[4] % 9, SQLITE_STATIC);
	}
}

/* A byte of a BLOB; of one that is packed, a byte of what it packs. */
static void blob_change(sqlite3_stmt *st, const char *blob, size_t n, const uint8_t *c)
{
	size_t at = (size_t)(c[4] | c[5] << 8), from = 0, got;
	char *text = malloc(1 << 20), *out = malloc((1 << 20) + 4096);

	assert(text && out);
	while (from + 4 <= n && from < 32 && memcmp(blob + from, "\x28\xb5\x2f\xfd", 4))
		from++;
	if (from + 4 > n || from == 32)
		from = n;
	got = from < n ? ZSTD_decompress(text, 1 << 20, blob + from, n - from) : 0;
	if (n)
		memcpy(out, blob, n < 1 << 20 ? n : 1 << 20);
	if (from < n && !ZSTD_isError(got) && got) {
		text[at % got] = (char)c[6];
		if (c[7] & 1)
			text[(at + 1) % got] = text[(at + 2) % got] = text[(at + 3) % got] = (char)c[6];
		if (c[7] & 2)
			got = at % got;
		n = from + ZSTD_compress(out + from, (1 << 20) - from, text, got, 1);
		for (unsigned i = 0; i < 4 && from == 16; i++) { /* the directory of a chunk names both lengths */
			out[8 + i] = (char)((n - from) >> 8 * i);
			out[12 + i] = (char)(got >> 8 * i);
		}
	} else if (n) {
		out[at % n] = (char)c[6];
	}
	sqlite3_bind_blob64(st, 1, out, n, SQLITE_TRANSIENT);
	free(text);
	free(out);
}

/* The number-th column of a table; false: it has none. */
static bool column_name(sqlite3 *db, const char *table, unsigned number, char name[64])
{
	char sql[160];
	sqlite3_stmt *q;
	bool found;

	snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s') LIMIT 1 OFFSET %u", table, number);
	found = !sql_prepare(db, sql, &q) && sql_next(q) == 1;
	if (found)
		snprintf(name, 64, "%s", sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return found;
}

/* A value of a row, and of those that have the same; or these rows go. */
static void change(sqlite3 *db, const uint8_t *c)
{
	const char *table = tables[c[1] % NTABLES];
	bool go = c[0] % 8 == 7;
	sqlite3_stmt *row, *set;
	char sql[256], column[64];

	if (!column_name(db, table, c[2] & 15, column))
		return;
	snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"%s\" LIMIT 1 OFFSET %u", column, table, (unsigned)c[2] >> 4);
	if (sql_prepare(db, sql, &row) || sql_next(row) != 1) {
		sqlite3_finalize(row);
		return;
	}
	if (go)
		snprintf(sql, sizeof sql, "DELETE FROM \"%s\" WHERE \"%s\" IS ?2", table, column);
	else
		snprintf(sql, sizeof sql, "UPDATE \"%s\" SET \"%s\" = ?1 WHERE \"%s\" IS ?2", table, column, column);
	if (!sql_prepare(db, sql, &set)) {
		sqlite3_bind_value(set, 2, sqlite3_column_value(row, 0));
		if (!go && sqlite3_column_type(row, 0) == SQLITE_BLOB && c[0] & 1)
			blob_change(set, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0), c);
		else if (!go)
			value_bind(set, c);
		sqlite3_step(set);
	}
	sqlite3_finalize(set);
	sqlite3_finalize(row);
}

/* The seed with the changes of the input: most by SQL, some of its bytes. */
static void database_make(const uint8_t *data, size_t size)
{
	char *copy;
	sqlite3 *db;
	size_t n;

	room_empty();
	file_put(in_room("db"), seed, nseed);
	assert(!sqlite3_open(in_room("db"), &db));
	sqlite3_exec(db,
	             "PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA ignore_check_constraints = on; BEGIN",
	             NULL, NULL, NULL);
	for (size_t at = 0; at + CHANGE_BYTES <= size && at < CHANGES_MAX * CHANGE_BYTES; at += CHANGE_BYTES)
		if (data[at] % 16 != 15)
			change(db, data + at);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	copy = file_get(in_room("db"), &n);
	for (size_t at = 0; at + CHANGE_BYTES <= size && at < CHANGES_MAX * CHANGE_BYTES; at += CHANGE_BYTES)
		if (data[at] % 16 == 15)
			copy[(data[at + 1] | data[at + 2] << 8 | data[at + 3] << 16) % n] = (char)data[at + 4];
	file_put(in_room("db"), copy, n);
	free(copy);
}

/* ---- questions ---- */

static const char *const statements[] = {
    "SELECT count(*), sum(length(raw)), max(time_ns), min(line), max(offset) FROM event",
    "SELECT second, count(*) FROM event GROUP BY 1 ORDER BY 1",
    "SELECT message, level, count(*), min(field(event, 'fqdn')) FROM event GROUP BY 1, 2",
    "SELECT id FROM event WHERE event MATCH 'a' OR tid = 'x' OR time_ns > 5",
    "SELECT * FROM span ORDER BY start_ns, busy_ns",
    "SELECT * FROM phase ORDER BY end_ns - start_ns",
    "SELECT * FROM series; SELECT * FROM result; SELECT * FROM trace",
    "SELECT * FROM invocation; SELECT * FROM attempt; SELECT * FROM lock; SELECT * FROM batch",
    "SELECT * FROM run, source, reject; SELECT * FROM function; SELECT * FROM container; SELECT * FROM pattern"};

/* The load, and what else writes: where it fails, it has changed nothing. */
static void write_run(unsigned which)
{
	size_t before, after;
	char *old = file_get(in_room("db"), &before), *now;
	int status;

	file_put(in_room("more.log"), more, nmore);
	status = which == 0   ? command_run("load", in_room("more.log"), NULL)
	         : which == 1 ? command_run("load", "samples/logs/iluvatar", NULL)
	         : which == 2 ? command_run("drop-source", "1", NULL)
	                      : command_run("compact", NULL);
	now = file_get(in_room("db"), &after);
	assert(!status || (before == after && !memcmp(old, now, after)));
	free(old);
	free(now);
}

static void question_run(unsigned which)
{
	static const char *const plain[] = {"spans", "phases",  "invocations", "functions", "gaps",       "errors",
	                                    "lint",  "hangs",   "storms",      "patterns",  "containers", "batches",
	                                    "runs",  "sources", "status",      "events",    "energy"};

	if (which < sizeof plain / sizeof *plain)
		command_run(plain[which], NULL);
	else if (which & 1)
		command_run("report", "-o", in_room("report.html"), NULL);
	else
		command_run("cat", "1", NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned which = size ? data[0] : 0;

	if (!size)
		return 0;
	database_make(data + 1, size - 1);
	switch (which % 8) {
	case 0:
		command_run("check", NULL);
		break;
	case 1:
	case 2:
	case 3:
		command_run("sql", statements[which / 8 % (sizeof statements / sizeof *statements)], NULL);
		break;
	case 4:
		write_run(which / 8 % 4);
		break;
	case 5:
		command_run("timeline", tid, NULL);
		break;
	default:
		question_run(which / 8 % 19);
	}
	return 0;
}
