/* SPDX-License-Identifier: GPL-3.0-or-later */
/* given.c - what each request has once: what table invocation says of it, the time it came, and what its function is.
 */
#include "base/array.h"
#include "base/sql.h"
#include "query/core/select.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTES_MAX = 240 }; /* longer runs are told by hours alone */
enum { TIMES_KEPT = 64 };

static int name_of(struct attributes *out, const struct requests *r, const char *what, enum attribute_order order,
                   const struct intern *in, size_t at)
{
	struct attribute *a = attribute_add(out, what, order, r->n);
	uint32_t *codes = calloc((size_t)in->n + 1, sizeof *codes);
	int rc = a && codes ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		uint32_t number = *(const uint32_t *)((const char *)request_kind(r, i) + at);

		if (number != INTERN_NONE)
			rc = attribute_put_number(a, i, in, number, codes);
	}
	free(codes);
	return rc;
}

/* The hour or minute in which it began, on the log's clock. */
static int time_of(struct attributes *out, const struct requests *r, const char *what, const char *format,
                   int64_t seconds)
{
	struct attribute *a = attribute_add(out, what, ATTRIBUTE_GIVEN, r->n);
	struct {
		int64_t time;
		uint32_t code; /* 0: none is kept */
	} kept[TIMES_KEPT] = {{0}};
	char buf[64];
	int rc = a ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		time_t t = (time_t)(request_began(r, i) / 1000000000 - request_kind(r, i)->offset_s);
		uint64_t at = (uint64_t)(t / seconds) % TIMES_KEPT;
		struct tm tm;

		if (kept[at].code && kept[at].time == t / seconds) {
			rc = attribute_set(a, i, kept[at].code);
			continue;
		}
		rc = gmtime_r(&t, &tm)
		         ? attribute_put(a, i, (struct slice){buf, strftime(buf, sizeof buf, format, &tm)})
		         : 0;
		kept[at].time = t / seconds;
		kept[at].code = attribute_at(a, i);
	}
	return rc;
}

static int attempts_of(struct attributes *out, const struct requests *r)
{
	struct attribute *a = attribute_add(out, "attempts", ATTRIBUTE_OUTCOME, r->n);
	char buf[TEXT_DECIMAL];
	int rc = a ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n && !rc; i++)
		if (i && request_kind(r, i)->attempts == request_kind(r, i - 1)->attempts)
			rc = attribute_set(a, i, attribute_at(a, i - 1));
		else
			rc = attribute_put(a, i, (struct slice){buf, text_decimal(request_kind(r, i)->attempts, buf)});
	return rc;
}

/* A cold start of one function, or of functions that have one value of another attribute. */
static int cold_of(struct attributes *out, const struct requests *r, size_t of)
{
	uint32_t cold = intern_find(&r->words, SLICE("cold")), *codes;
	struct attribute *a;
	char what[128];
	int rc = 0;

	if (cold == INTERN_NONE)
		return 0;
	snprintf(what, sizeof what, "cold start of %s", out->v[of].what);
	a = attribute_add(out, what, ATTRIBUTE_GIVEN, r->n);
	if (!a)
		return -ENOMEM;
	codes = calloc((size_t)out->v[of].values.n + 1, sizeof *codes);
	if (!codes)
		return -ENOMEM;
	a->cold = true;
	for (uint32_t i = 0; i < r->n && !rc; i++)
		if (request_kind(r, i)->state == cold && attribute_at(&out->v[of], i))
			rc = attribute_put_number(a, i, &out->v[of].values, attribute_at(&out->v[of], i) - 1, codes);
	free(codes);
	return rc;
}

static bool within_minutes(const struct requests *r)
{
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (uint32_t i = 0; i < r->n; i++) {
		int64_t began = request_began(r, i);

		first = began < first ? began : first;
		last = began > last ? began : last;
	}
	return r->n && (last / 1000000000 - first / 1000000000) / 60 < MINUTES_MAX;
}

int attributes_of_requests(const struct requests *r, struct attributes *out)
{
	size_t function = out->n;
	int rc = name_of(out, r, "function", ATTRIBUTE_GIVEN, &r->functions, offsetof(struct request_kind, function));

	if (!rc) {
		out->v[function].of_function = true;
		rc = name_of(out, r, "worker", ATTRIBUTE_GIVEN, &r->workers, offsetof(struct request_kind, worker));
	}
	if (!rc)
		rc = name_of(out, r, "run", ATTRIBUTE_GIVEN, &r->runs, offsetof(struct request_kind, run));
	if (!rc)
		rc = time_of(out, r, "hour", "%Y-%m-%d %H:00", 3600);
	if (!rc && within_minutes(r))
		rc = time_of(out, r, "minute", "%Y-%m-%d %H:%M", 60);
	if (!rc)
		rc = name_of(out, r, "state", ATTRIBUTE_OUTCOME, &r->words, offsetof(struct request_kind, state));
	if (!rc)
		rc = name_of(out, r, "status", ATTRIBUTE_OUTCOME, &r->words, offsetof(struct request_kind, status));
	if (!rc)
		rc = name_of(out, r, "compute", ATTRIBUTE_OUTCOME, &r->words, offsetof(struct request_kind, compute));
	if (!rc)
		rc = attempts_of(out, r);
	if (!rc)
		rc = cold_of(out, r, function);
	return rc;
}

/* ---- of the function's metadata ---- */

/* The value that each function of each run has in one column, by number of run and function. */
struct column_values {
	struct intern texts;
	uint32_t *of; /* run * functions + function: number of the text + 1 */
};

static int read_column(struct query *q, sqlite3_stmt *stmt, const struct requests *r, int column,
                       struct column_values *out)
{
	char run[TEXT_DECIMAL];
	int rc = 0;

	out->of = calloc((size_t)r->runs.n * r->functions.n + 1, sizeof *out->of);
	if (!out->of)
		return -ENOMEM;
	sqlite3_reset(stmt);
	while (!rc && query_next(q, stmt)) {
		uint32_t f = intern_find(&r->functions, column_slice(stmt, 1)), text,
		         k = intern_find(&r->runs,
		                         (struct slice){run, text_decimal(sqlite3_column_int64(stmt, 0), run)});
		struct slice value = column_slice(stmt, column);

		if (f == INTERN_NONE || k == INTERN_NONE || !value.ptr || !value.len)
			continue;
		rc = intern_add(&out->texts, value, &text);
		if (!rc)
			out->of[(size_t)k * r->functions.n + f] = text + 1;
	}
	return rc;
}

/* Whether values are names, not numbers. */
static bool named(const struct intern *values)
{
	for (uint32_t i = 0; i < values->n; i++)
		if (strspn(values->text[i].ptr, "0123456789.+-eE") < values->text[i].len)
			return true;
	return false;
}

/* Columns that say the same of all functions, or of each something else, tell nothing that the function does not. */
static int add_column(struct attributes *out, const struct requests *r, const char *what, const struct column_values *c)
{
	struct attribute *a;
	size_t at = out->n;
	uint32_t *codes;
	int rc = 0;

	if (c->texts.n < 2)
		return 0;
	a = attribute_add(out, what, ATTRIBUTE_GIVEN, r->n);
	codes = a ? calloc((size_t)c->texts.n + 1, sizeof *codes) : NULL;
	if (!codes)
		return -ENOMEM;
	a->of_function = true;
	for (uint32_t i = 0; i < r->n && !rc; i++) {
		uint32_t text = c->of[(size_t)request_kind(r, i)->run * r->functions.n + request_function(r, i)];

		if (text)
			rc = attribute_put_number(a, i, &c->texts, text - 1, codes);
	}
	free(codes);
	return rc || !named(&c->texts) ? rc : cold_of(out, r, at);
}

void attributes_of_functions(struct query *q, const struct requests *r, struct attributes *out)
{
	/* What the metadata says comes before what was made of it. */
	sqlite3_stmt *stmt = query_prepare(q, "SELECT f.*, f.benchmark_name, f.avg_iat, f.iat_class FROM function f");
	int rc = 0;

	for (int c = 5; c < sqlite3_column_count(stmt) && !rc && !q->status; c++) {
		struct column_values values = {0};
		char what[96];

		snprintf(what, sizeof what, "%s", sqlite3_column_name(stmt, c));
		rc = read_column(q, stmt, r, c, &values);
		if (!rc && values.texts.n < r->functions.n)
			rc = add_column(out, r, what, &values);
		intern_done(&values.texts);
		free(values.of);
	}
	sqlite3_finalize(stmt);
	query_ok(q, rc, q->command);
}
