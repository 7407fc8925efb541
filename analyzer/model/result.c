/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.c - what a load generator wrote about each invocation: the table result.
 *
 * The CSV file has the numbers the reference takes; the JSON file has what the CSV lacks (compute, container state, time of sending,
 * the function's own start). Either may be missing, and they may come in any order: a value of the CSV stands, the JSON fills gaps. */
#include "model/input.h"
#include "model/jsontext.h"
#include "ingest/stamp.h"
#include <errno.h>
#include <stdlib.h>

/* ---- CSV ---- */

enum { TID, SUCCESS, FUNCTION, COLD, WORKER_US, CODE_SEC, E2E_US, COLUMNS };

static const char *const columns[COLUMNS] = {
	"tid", "success", "function_name", "was_cold", "worker_duration_us", "code_duration_sec", "e2e_duration_us",
};

static bool parse_bool(struct slice in, int64_t *out)
{
	if (slice_is(in, "true") || slice_is(in, "True") || slice_is(in, "1"))
		*out = 1;
	else if (slice_is(in, "false") || slice_is(in, "False") || slice_is(in, "0"))
		*out = 0;
	else
		return false;
	return true;
}

/* Binds one value of a row; false: it is not of its kind. An absent column and an empty field are NULL. */
static bool bind_value(sqlite3_stmt *st, int at, int column, struct slice v)
{
	int64_t n = NO_NS;
	double d = NAN;
	bool ok = true;

	if (!v.len) {
		sqlite3_bind_null(st, at);
		return column != TID;
	}
	switch (column) {
	case TID:
	case FUNCTION:
		bind_slice(st, at, v);
		return true;
	case SUCCESS:
	case COLD:
		ok = parse_bool(v, &n);
		break;
	case CODE_SEC:
		ok = input_real(v, &d);
		bind_real(st, at, d);
		return ok;
	default:
		ok = input_integer(v, &n);
	}
	bind_ns(st, at, n);
	return ok;
}

static int write_row(sqlite3_stmt *st, int64_t run, int64_t ord, const struct csv *c, const int at[COLUMNS], const char *path, char **why)
{
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, ord);
	for (int i = 0; i < COLUMNS; i++) {
		struct slice v = at[i] < 0 ? SLICE_NONE : c->field[at[i]];

		if (!bind_value(st, 3 + i, i, v))
			return input_refuse(why, -EBADMSG, path, c->line, "%s cannot be \"%.*s\"", columns[i], (int)(v.len < 40 ? v.len : 40), v.ptr ? v.ptr : "");
	}
	return sql_step_reset(st);
}

int result_load_csv(struct store *s, int64_t run, const char *path, char **why)
{
	static const char sql[] =
		"INSERT INTO result(run,ord,tid,success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us)"
		" VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET ord = excluded.ord, success = excluded.success,"
		" function_name = excluded.function_name, was_cold = excluded.was_cold, worker_duration_us = excluded.worker_duration_us,"
		" code_duration_sec = excluded.code_duration_sec, e2e_duration_us = excluded.e2e_duration_us";
	sqlite3_stmt *st = NULL;
	int at[COLUMNS];
	int64_t ord = 0;
	struct csv c;
	int rc = input_csv_open(&c, path, why);

	if (rc)
		return rc;
	unsigned n = c.nfields;

	for (int i = 0; i < COLUMNS; i++)
		at[i] = input_column(&c, columns[i]);
	if (at[TID] < 0 || at[SUCCESS] < 0)
		rc = input_refuse(why, -EINVAL, path, 1, "no results: no columns tid and success");
	if (!rc)
		rc = sql_prepare(store_db(s), sql, &st);
	while (!rc && (rc = input_csv_next(&c, path, n, why)) == 1)
		rc = write_row(st, run, ord++, &c, at, path, why);
	sqlite3_finalize(st);
	csv_close(&c);
	return rc;
}

/* ---- JSON ---- */

/* The members of one element that matter; the rest is passed over. */
struct full {
	struct json_value tid, function, latency, start, success, worker_us, compute, state, cold, body_start, code_sec;
};

static void read_members(struct slice object, const char *const *names, struct json_value **to)
{
	struct json_walk w;
	struct json_value v;
	struct slice key;

	if (jsontext_enter(&w, object))
		return;
	while (jsontext_next(&w, &key, &v) == 1)
		for (int i = 0; names[i]; i++)
			if (slice_is(key, names[i]))
				*to[i] = v;
}

static bool read_full(struct slice element, struct full *f)
{
	static const char *const outer[] = {"worker_response", "controller_response", "function_output", "client_latency_us", "function_name", "tid",
					    "invoke_start", NULL};
	static const char *const response[] = {"success", "duration_us", "compute", "container_state", NULL};
	static const char *const body[] = {"cold", "start", "latency", NULL};
	struct json_value answer = {0}, output = {0}, b;

	*f = (struct full){0};
	read_members(element, outer, (struct json_value *[]){&answer, &answer, &output, &f->latency, &f->function, &f->tid, &f->start});
	if (f->tid.kind != JSON_TEXT_STRING || answer.kind != JSON_TEXT_OBJECT)
		return false;
	read_members(answer.text, response, (struct json_value *[]){&f->success, &f->worker_us, &f->compute, &f->state});
	b = output.kind == JSON_TEXT_OBJECT ? jsontext_at(output.text, "body") : (struct json_value){0};
	if (b.kind == JSON_TEXT_OBJECT)
		read_members(b.text, body, (struct json_value *[]){&f->cold, &f->body_start, &f->code_sec});
	return true;
}

static void bind_json_integer(sqlite3_stmt *st, int i, struct json_value v)
{
	int64_t n;

	bind_ns(st, i, jsontext_integer(v, &n) ? n : NO_NS);
}

static void bind_json_bool(sqlite3_stmt *st, int i, struct json_value v)
{
	bind_ns(st, i, v.kind != JSON_TEXT_SCALAR ? NO_NS : slice_is(v.text, "true") ? 1 : slice_is(v.text, "false") ? 0 : NO_NS);
}

static int bind_json_text(sqlite3_stmt *st, int i, struct json_value v)
{
	char *buf;
	int rc;

	if (v.kind != JSON_TEXT_STRING) {
		sqlite3_bind_null(st, i);
		return 0;
	}
	if (!memchr(v.text.ptr, '\\', v.text.len)) {
		bind_slice(st, i, v.text);
		return 0;
	}
	buf = malloc(v.text.len * 3);
	if (!buf)
		return -ENOMEM;
	rc = sqlite3_bind_text64(st, i, buf, json_unescape(v.text, buf), free, SQLITE_UTF8);
	return sql_errno(rc);
}

static int write_full(sqlite3_stmt *st, int64_t run, int64_t ord, const struct full *f)
{
	int64_t sent = NO_NS;
	bool canonical;
	int rc;

	if (f->start.kind == JSON_TEXT_STRING && stamp_parse_iluvatar(f->start.text, &sent, &canonical))
		sent = NO_NS;
	sqlite3_bind_int64(st, 1, run);
	rc = bind_json_text(st, 2, f->tid);
	sqlite3_bind_int64(st, 3, ord);
	bind_json_bool(st, 4, f->success);
	if (!rc)
		rc = bind_json_text(st, 5, f->function);
	bind_json_bool(st, 6, f->cold);
	bind_json_integer(st, 7, f->worker_us);
	bind_real(st, 8, jsontext_real(f->code_sec));
	bind_json_integer(st, 9, f->latency);
	bind_json_integer(st, 10, f->compute);
	bind_json_integer(st, 11, f->state);
	bind_ns(st, 12, sent);
	bind_json_integer(st, 13, f->latency);
	bind_real(st, 14, jsontext_real(f->body_start));
	return rc ? rc : sql_step_reset(st);
}

int result_load_json(struct store *s, int64_t run, const char *path, char **why)
{
	static const char sql[] =
		"INSERT INTO result(run,tid,ord,success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,compute,"
		"container_state,sent,client_latency_us,body_start) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
		"success = coalesce(success, excluded.success), function_name = coalesce(function_name, excluded.function_name),"
		"was_cold = coalesce(was_cold, excluded.was_cold), worker_duration_us = coalesce(worker_duration_us, excluded.worker_duration_us),"
		"code_duration_sec = coalesce(code_duration_sec, excluded.code_duration_sec),"
		"e2e_duration_us = coalesce(e2e_duration_us, excluded.e2e_duration_us), compute = excluded.compute,"
		"container_state = excluded.container_state, sent = excluded.sent, client_latency_us = excluded.client_latency_us,"
		"body_start = excluded.body_start";
	const char *cause = NULL;
	struct json_value element;
	sqlite3_stmt *st = NULL;
	struct json_file f;
	struct full full;
	int64_t ord = 0;
	int rc = jsontext_file_open(&f, path, &cause);

	if (rc)
		return input_refuse(why, rc, path, 0, "%s", cause ? cause : strerror(-rc));
	rc = sql_prepare(store_db(s), sql, &st);
	while (!rc && (rc = jsontext_file_next(&f, &element, &cause)) == 1) {
		if (element.kind != JSON_TEXT_OBJECT || !read_full(element.text, &full)) {
			cause = "not a result: no tid or no response";
			rc = -EBADMSG;
			break;
		}
		rc = write_full(st, run, ord++, &full);
	}
	if (rc < 0 && cause)
		input_refuse(why, rc, path, f.line, "result %lld: %s", (long long)ord + 1, cause);
	sqlite3_finalize(st);
	jsontext_file_close(&f);
	return rc;
}

/* ---- the log's offset ---- */

static int compare_reals(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int model_offset_from_results(struct store *s, int64_t run, int64_t *offset_s, bool *found)
{
	sqlite3_stmt *st;
	double *v = NULL, median;
	size_t n = 0, room = 0;
	int rc = sql_prepare(store_db(s), "SELECT body_start - sent / 1e9 FROM result WHERE run = ? AND body_start > 0 AND sent IS NOT NULL", &st),
	    step = SQLITE_DONE;

	sqlite3_bind_int64(st, 1, run);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		if (n == room) {
			double *p = realloc(v, (room = room ? room * 2 : 1024) * sizeof *p);

			if (!p) {
				rc = -ENOMEM;
				break;
			}
			v = p;
		}
		v[n++] = sqlite3_column_double(st, 0);
	}
	sqlite3_finalize(st);
	if (!rc)
		rc = sql_errno(step);
	if (!rc) {
		*found = n;
		if (n) {
			qsort(v, n, sizeof *v, compare_reals);
			median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
			*offset_s = (int64_t)round(median / 900) * 900;
		}
	}
	free(v);
	return rc;
}
