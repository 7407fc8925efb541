/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result.c - what a load generator wrote about each invocation.
 *
 * The CSV file has the numbers the reference takes; the JSON file has what the CSV lacks (compute, container state,
 * time of sending, the function's own start). Either may be missing, and they may come in any order: a value of the CSV
 * stands, the JSON fills gaps. */
#include "beside/input.h"
#include "beside/jsonfile.h"
#include "beside/result_order.h"
#include "ingest/stamp.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>
#include <math.h>

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

/* Takes one value of a row; false: it is not of its kind. An absent column and an empty field are nothing. */
static bool take_value(struct result_entry *r, int column, struct slice v)
{
	int64_t *const to[COLUMNS] = {[SUCCESS] = &r->v.success,
	                              [COLD] = &r->v.was_cold,
	                              [WORKER_US] = &r->v.worker_duration_us,
	                              [E2E_US] = &r->v.e2e_duration_us};

	switch (column) {
	case TID:
		r->tid = v;
		return v.len;
	case FUNCTION:
		r->function = v.len ? v : SLICE_NONE;
		return true;
	case CODE_SEC:
		r->v.code_duration_sec = NAN;
		return !v.len || input_real(v, &r->v.code_duration_sec);
	case SUCCESS:
	case COLD:
		*to[column] = NO_NS;
		return !v.len || parse_bool(v, to[column]);
	default:
		*to[column] = NO_NS;
		return !v.len || input_integer(v, to[column]);
	}
}

static struct result_row nothing(int64_t ord)
{
	return (struct result_row){ord, NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, NO_NS, NAN, NAN, INTERN_NONE};
}

static int take_row(struct result_order *to, int64_t ord, const struct csv *c, const int at[COLUMNS], const char *path,
                    char **why)
{
	struct result_entry r = {.v = nothing(ord)};

	for (int i = 0; i < COLUMNS; i++) {
		struct slice v = at[i] < 0 ? SLICE_NONE : c->field[at[i]];

		if (!take_value(&r, i, v))
			return input_refuse(why, -EBADMSG, path, c->line, "%s cannot be \"%.*s\"", columns[i],
			                    (int)(v.len < 40 ? v.len : 40), v.ptr ? v.ptr : "");
	}
	return result_order_add(to, &r, RESULT_CSV);
}

/* Rows before the damage stay. */
static int keep_rows(struct result_order *o, int rc)
{
	int kept = rc && rc != -EBADMSG ? 0 : result_order_write(o);

	result_order_done(o);
	return kept ? kept : rc;
}

int result_load_csv(struct store *s, int64_t run, const char *path, char **why)
{
	struct result_order set;
	int at[COLUMNS];
	int64_t ord = 0;
	struct csv c;
	int rc = input_csv_open(&c, path, why);

	if (rc)
		return rc;
	unsigned n = c.nfields;

	for (int i = 0; i < COLUMNS; i++)
		at[i] = input_column(&c, columns[i]);
	if (at[TID] < 0 || at[SUCCESS] < 0) {
		csv_close(&c);
		return input_refuse(why, -EINVAL, path, 1, "no results: no columns tid and success");
	}
	rc = result_order_new(&set, store_db(s), run);
	if (rc) {
		result_order_done(&set);
		csv_close(&c);
		return rc;
	}
	while (!rc && (rc = input_csv_next(&c, path, n, why)) == 1)
		rc = take_row(&set, ord++, &c, at, path, why);
	csv_close(&c);
	return keep_rows(&set, rc);
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
	static const char *const outer[] = {"worker_response", "controller_response",
	                                    "function_output", "client_latency_us",
	                                    "function_name",   "tid",
	                                    "invoke_start",    NULL};
	static const char *const response[] = {"success", "duration_us", "compute", "container_state", NULL};
	static const char *const body[] = {"cold", "start", "latency", NULL};
	struct json_value answer = {0}, output = {0}, b;

	*f = (struct full){0};
	read_members(element, outer,
	             (struct json_value *[]){&answer, &answer, &output, &f->latency, &f->function, &f->tid, &f->start});
	if (f->tid.kind != JSON_TEXT_STRING || answer.kind != JSON_TEXT_OBJECT)
		return false;
	read_members(answer.text, response,
	             (struct json_value *[]){&f->success, &f->worker_us, &f->compute, &f->state});
	b = output.kind == JSON_TEXT_OBJECT ? jsontext_at(output.text, "body") : (struct json_value){0};
	if (b.kind == JSON_TEXT_OBJECT)
		read_members(b.text, body, (struct json_value *[]){&f->cold, &f->body_start, &f->code_sec});
	return true;
}

static int64_t integer_of(struct json_value v)
{
	int64_t n;

	return jsontext_integer(v, &n) ? n : NO_NS;
}

static int64_t bool_of(struct json_value v)
{
	return v.kind != JSON_TEXT_SCALAR  ? NO_NS
	       : slice_is(v.text, "true")  ? 1
	       : slice_is(v.text, "false") ? 0
	                                   : NO_NS;
}

/* The text of a string, or NONE; *buf is yours where escapes had to be resolved. */
static int text_of(struct json_value v, struct slice *out, char **buf)
{
	*out = SLICE_NONE;
	*buf = NULL;
	if (v.kind != JSON_TEXT_STRING)
		return 0;
	*out = v.text;
	if (!memchr(v.text.ptr, '\\', v.text.len))
		return 0;
	*buf = malloc(v.text.len * 3);
	if (!*buf)
		return -ENOMEM;
	*out = (struct slice){*buf, json_unescape(v.text, *buf)};
	return 0;
}

static struct result_row row_of(const struct full *f, int64_t ord)
{
	struct result_row v = nothing(ord);
	bool canonical;

	v.success = bool_of(f->success);
	v.was_cold = bool_of(f->cold);
	v.worker_duration_us = integer_of(f->worker_us);
	v.e2e_duration_us = v.client_latency_us = integer_of(f->latency);
	v.code_duration_sec = jsontext_real(f->code_sec);
	v.compute = integer_of(f->compute);
	v.container_state = integer_of(f->state);
	if (f->start.kind != JSON_TEXT_STRING || stamp_parse_iluvatar(f->start.text, &v.sent, &canonical))
		v.sent = NO_NS;
	v.body_start = jsontext_real(f->body_start);
	return v;
}

static int take_full(struct result_order *to, int64_t ord, const struct full *f)
{
	char *tid_buf, *name_buf = NULL;
	struct result_entry e = {.v = row_of(f, ord)};
	int rc = text_of(f->tid, &e.tid, &tid_buf);

	if (!rc)
		rc = text_of(f->function, &e.function, &name_buf);
	if (!rc)
		rc = result_order_add(to, &e, RESULT_JSON);
	free(tid_buf);
	free(name_buf);
	return rc;
}

int result_load_json(struct store *s, int64_t run, const char *path, char **why)
{
	const char *cause = NULL;
	struct json_value element;
	struct result_order set;
	struct json_file f;
	struct full full;
	int64_t ord = 0;
	int rc = jsonfile_open(&f, path, &cause);

	if (rc)
		return input_refuse(why, rc, path, 0, "%s", cause ? cause : strerror(-rc));
	rc = result_order_new(&set, store_db(s), run);
	if (rc) {
		result_order_done(&set);
		jsonfile_close(&f);
		return rc;
	}
	while (!rc && (rc = jsonfile_next(&f, &element, &cause)) == 1) {
		if (element.kind != JSON_TEXT_OBJECT || !read_full(element.text, &full)) {
			cause = "not a result: no tid or no response";
			rc = -EBADMSG;
			break;
		}
		rc = take_full(&set, ord++, &full);
	}
	if (rc < 0 && cause)
		input_refuse(why, rc, path, f.line, "result %lld: %s", (long long)ord + 1, cause);
	jsonfile_close(&f);
	return keep_rows(&set, rc);
}

/* ---- the log's offset ---- */

static int compare_reals(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int beside_offset_from_results(struct store *s, int64_t run, int64_t *offset_s, bool *found)
{
	struct result_reader r = {.db = store_db(s), .run = run};
	struct result_entry e;
	double *v = NULL, median;
	size_t n = 0, room = 0;
	int rc = 0;

	while (!rc && (rc = result_reader_next(&r, &e)) == 1) {
		rc = array_reserve(v, room, n + 1);
		if (!rc && e.v.body_start > 0 && e.v.sent != NO_NS)
			v[n++] = e.v.body_start - (double)e.v.sent / 1e9;
	}
	if (!rc)
		*found = false;
	if (n && !rc) {
		qsort(v, n, sizeof *v, compare_reals);
		median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
		*found = fabs(median) <= OFFSET_MAX_S;
		if (*found)
			*offset_s = (int64_t)round(median / 900) * 900;
	}
	free(v);
	result_reader_done(&r);
	return rc;
}
