/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input.c - the files beside the logs: what they are, and what the database keeps of traces, metadata and benchmarks.
 *
 * Results are in result.c. */
#include "beside/input.h"
#include "beside/csv.h"
#include "beside/result_set.h"
#include "base/sql.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int input_refuse(char **why, int rc, const char *path, int64_t line, const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	n = line ? asprintf(why, "%s:%lld: %s", path, (long long)line, text ? text : "")
	         : asprintf(why, "%s: %s", path, text ? text : "");
	if (n < 0)
		*why = NULL;
	free(text);
	return rc;
}

/* ---- what a file is ---- */

static bool has_word(struct slice line, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= line.len; i++)
		if ((!i || line.ptr[i - 1] == ',') && !memcmp(line.ptr + i, word, n) &&
		    (i + n == line.len || line.ptr[i + n] == ',' || line.ptr[i + n] == '\r'))
			return true;
	return false;
}

static bool starts(const char **p, const char *end, const char *token)
{
	size_t n = strlen(token);

	while (*p < end && memchr(" \t\r\n", **p, 4))
		(*p)++;
	if ((size_t)(end - *p) < n || memcmp(*p, token, n))
		return false;
	*p += n;
	return true;
}

enum beside_file beside_file_recognise(const char *name, const char *head, size_t n)
{
	const char *p, *end = head + n, *eol;
	struct slice line;

	(void)name; /* what is in a file decides; its name never contradicts it in Ilúvatar's own */
	if (n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3))
		head += 3;
	p = head;
	if (starts(&p, end, "[")) {
		if (starts(&p, end, "{") &&
		    (starts(&p, end, "\"worker_response\"") || starts(&p, end, "\"controller_response\"")))
			return BESIDE_FILE_RESULT_JSON;
		return BESIDE_FILE_NONE;
	}
	p = head;
	if (starts(&p, end, "{"))
		return starts(&p, end, "\"data\"") && memmem(p, (size_t)(end - p), "\"resource_data\"", 15)
		           ? BESIDE_FILE_BENCHMARK
		           : BESIDE_FILE_NONE;
	eol = memchr(head, '\n', (size_t)(end - head));
	line = (struct slice){head, (size_t)((eol ? eol : end) - head)};
	if (has_word(line, "tid") && has_word(line, "success") && has_word(line, "e2e_duration_us"))
		return BESIDE_FILE_RESULT_CSV;
	if (has_word(line, "func_name"))
		return has_word(line, "invoke_time_ms") ? BESIDE_FILE_TRACE : BESIDE_FILE_METADATA;
	return BESIDE_FILE_NONE;
}

const char *beside_file_kind(enum beside_file f)
{
	static const char *const kinds[] = {NULL, "result", "result", "trace", "metadata", "benchmark"};

	return kinds[f];
}

/* ---- CSV files ---- */

int input_column(const struct csv *header, const char *name)
{
	for (unsigned i = 0; i < header->nfields; i++)
		if (slice_is(header->field[i], name))
			return (int)i;
	return -1;
}

bool input_integer(struct slice in, int64_t *out)
{
	char buf[32], *end;

	if (!in.len || in.len >= sizeof buf)
		return false;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	errno = 0;
	*out = strtoll(buf, &end, 10);
	return !*end && !errno;
}

bool input_real(struct slice in, double *out)
{
	char buf[64], *end;

	if (!in.len || in.len >= sizeof buf)
		return false;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	*out = strtod(buf, &end);
	return !*end;
}

int input_csv_open(struct csv *c, const char *path, char **why)
{
	const char *cause = NULL;
	int rc = csv_open(c, path, &cause);

	if (rc)
		return input_refuse(why, rc, path, 0, "%s", cause ? cause : strerror(-rc));
	rc = csv_next(c, &cause);
	if (rc == 1)
		return 0;
	rc = rc ? input_refuse(why, rc, path, c->line, "%s", cause ? cause : strerror(-rc))
	        : input_refuse(why, -EBADMSG, path, 0, "no header line");
	csv_close(c);
	return rc;
}

int input_csv_next(struct csv *c, const char *path, unsigned nfields, char **why)
{
	const char *cause = NULL;
	int rc = csv_next(c, &cause);

	if (rc < 0)
		return input_refuse(why, rc, path, c->line, "%s", cause ? cause : strerror(-rc));
	if (rc == 1 && c->nfields != nfields)
		return input_refuse(why, -EBADMSG, path, c->line, "%u fields where the header has %u", c->nfields,
		                    nfields);
	return rc;
}

static int take_trace(struct trace_set *set, struct csv *c, const char *path, char **why)
{
	int name = input_column(c, "func_name"), time = input_column(c, "invoke_time_ms"), rc = 0;
	unsigned n = c->nfields;
	uint32_t ord = 0;
	int64_t ms;

	while (!rc && (rc = input_csv_next(c, path, n, why)) == 1) {
		if (!input_integer(c->field[time], &ms))
			return input_refuse(why, -EBADMSG, path, c->line, "invoke_time_ms is no whole number: \"%.*s\"",
			                    (int)(c->field[time].len < 40 ? c->field[time].len : 40),
			                    c->field[time].ptr);
		rc = trace_set_put(set, ord++, c->field[name], ms);
	}
	return rc;
}

/* Rows before the damage stay. */
static int load_trace(struct store *s, int64_t run, const char *path, char **why)
{
	struct trace_set set;
	struct csv c;
	int rc = input_csv_open(&c, path, why), kept;

	if (rc)
		return rc;
	if (input_column(&c, "func_name") < 0 || input_column(&c, "invoke_time_ms") < 0) {
		csv_close(&c);
		return input_refuse(why, -EINVAL, path, 1, "not a trace: no columns func_name and invoke_time_ms");
	}
	rc = trace_set_read(&set, store_db(s), run);
	if (!rc) {
		rc = take_trace(&set, &c, path, why);
		kept = rc && rc != -EBADMSG ? 0 : trace_set_write(&set, store_db(s), run);
		rc = kept ? kept : rc;
	}
	trace_set_done(&set);
	csv_close(&c);
	return rc;
}

/* ---- metadata: one column more for each of the file's ---- */

/* A column's name in `function`: the file's, but for those that are ours. Quoted for SQL; yours. */
static char *column_name(struct slice name)
{
	static const char *const ours[] = {"run", "benchmark_name", "avg_iat", "iat_class"};
	char text[128], *out;
	size_t n = name.len < sizeof text - 8 ? name.len : sizeof text - 8, pre = 0;

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (name.len == strlen(ours[i]) && !strncasecmp(name.ptr, ours[i], name.len))
			pre = 5;
	memcpy(text, "meta_", pre);
	memcpy(text + pre, name.ptr, n);
	text[pre + n] = '\0';
	out = sqlite3_mprintf("\"%w\"", text);
	return out;
}

/* Adds what columns are missing and makes the insert statement. */
static int prepare_metadata(sqlite3 *db, const struct csv *header, sqlite3_stmt **out)
{
	char *columns = sqlite3_mprintf(""), *values = sqlite3_mprintf(""), *sets = sqlite3_mprintf("");
	int rc = columns && values && sets ? 0 : -ENOMEM;

	for (unsigned i = 0; !rc && i < header->nfields; i++) {
		char *name = column_name(header->field[i]), *plain, *sql;

		plain = name ? strndup(name + 1, strlen(name) - 2) : NULL;
		if (!plain) {
			rc = -ENOMEM;
		} else if (sqlite3_table_column_metadata(db, "main", "function", plain, NULL, NULL, NULL, NULL, NULL) !=
		           SQLITE_OK) {
			sql = sqlite3_mprintf("ALTER TABLE function ADD COLUMN %s NUMERIC", name);
			rc = sql ? sql_exec_all(db, sql) : -ENOMEM;
			sqlite3_free(sql);
		}
		columns = sqlite3_mprintf("%z,%s", columns, name);
		values = sqlite3_mprintf("%z,nullif(?%u, '')", values, i + 2);
		sets = sqlite3_mprintf("%z%s%s = excluded.%s", sets, *sets ? "," : "", name, name);
		if (!columns || !values || !sets)
			rc = -ENOMEM;
		free(plain);
		sqlite3_free(name);
	}
	if (!rc) {
		char *sql = sqlite3_mprintf("INSERT INTO function(run%s) VALUES(?1%s) ON CONFLICT DO UPDATE SET %s",
		                            columns, values, sets);

		rc = sql ? sql_prepare(db, sql, out) : -ENOMEM;
		sqlite3_free(sql);
	}
	sqlite3_free(columns);
	sqlite3_free(values);
	sqlite3_free(sets);
	return rc;
}

static int load_metadata(struct store *s, int64_t run, const char *path, char **why)
{
	sqlite3_stmt *st = NULL;
	struct csv c;
	int rc = input_csv_open(&c, path, why);

	if (rc)
		return rc;
	int name = input_column(&c, "func_name");
	unsigned n = c.nfields;

	rc = name < 0 ? input_refuse(why, -EINVAL, path, 1, "not metadata of functions: no column func_name")
	              : prepare_metadata(store_db(s), &c, &st);
	while (!rc && (rc = input_csv_next(&c, path, n, why)) == 1) {
		if (!c.field[name].len) {
			rc = input_refuse(why, -EBADMSG, path, c.line, "func_name is empty");
			break;
		}
		sqlite3_bind_int64(st, 1, run);
		for (unsigned i = 0; i < n; i++)
			bind_slice(st, (int)i + 2, c.field[i]);
		rc = sql_step_reset(st);
	}
	sqlite3_finalize(st);
	csv_close(&c);
	return rc;
}

/* ---- any of them ---- */

static int recognise_file(const char *path, enum beside_file *out, char **why)
{
	struct reader *r;
	const char *cause = NULL;
	char head[4096];
	ssize_t n;
	int rc = reader_open(path, &r, &cause);

	if (rc)
		return input_refuse(why, rc, path, 0, "%s", cause ? cause : strerror(-rc));
	n = reader_read(r, head, sizeof head);
	if (n < 0)
		rc = input_refuse(why, n == -E2BIG ? -EBADMSG : (int)n, path, 0, "%s", reader_why(r));
	else
		*out = beside_file_recognise(path, head, (size_t)n);
	reader_close(r);
	return rc;
}

int beside_file_load(struct store *s, int64_t run, const char *path, char **why)
{
	enum beside_file kind = BESIDE_FILE_NONE;
	int rc;

	*why = NULL;
	rc = recognise_file(path, &kind, why);
	if (rc)
		return rc;
	switch (kind) {
	case BESIDE_FILE_RESULT_CSV:
		return result_load_csv(s, run, path, why);
	case BESIDE_FILE_RESULT_JSON:
		return result_load_json(s, run, path, why);
	case BESIDE_FILE_TRACE:
		return load_trace(s, run, path, why);
	case BESIDE_FILE_METADATA:
		return load_metadata(s, run, path, why);
	case BESIDE_FILE_BENCHMARK:
		return beside_benchmark_load(s, run, path, NULL, why);
	default:
		return input_refuse(why, -EINVAL, path, 0, "neither results nor trace, metadata or benchmark");
	}
}

int beside_result_load(struct store *s, int64_t run, const char *path, char **why)
{
	enum beside_file kind = BESIDE_FILE_NONE;
	int rc;

	*why = NULL;
	rc = recognise_file(path, &kind, why);
	if (rc)
		return rc;
	if (kind != BESIDE_FILE_RESULT_CSV && kind != BESIDE_FILE_RESULT_JSON)
		return input_refuse(why, -EINVAL, path, 0, "no results of a load generator");
	return beside_file_load(s, run, path, why);
}
