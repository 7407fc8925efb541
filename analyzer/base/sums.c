/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sums.c - sum(), avg() and total() that remember the texts they could not add, and duration_ns().
 *
 * SQLite takes "830ms" for 830 and says nothing. These take it so too, since a query may mean it, and let whoever runs
 * the query say so. Doubles are added with Neumaier's compensation, as SQLite does from 3.43 on. */
#include "base/sums.h"
#include "base/textduration.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum which { SUM, AVG, TOTAL };

static const char *const names[] = {"sum", "avg", "total"};

struct function {
	struct sums_texts *texts;
	enum which which;
};

struct sum {
	double sum, lost; /* of what is finite; lost: what rounding took away */
	int64_t integer, n;
	int64_t above, below; /* how many are infinite: a window may leave them behind */
	bool real, overflow;
	bool scaled; /* sum and lost are to be multiplied by 1 / SCALE: from the first sum on that no double holds */
};

#define SCALE 0x1p-64 /* as many values as can be counted have a sum then */

/* A window may leave behind what made a sum too great. */
static double scale(struct sum *s, double v)
{
	s->scaled = true;
	s->sum *= SCALE;
	s->lost *= SCALE;
	return v * SCALE;
}

static void add_real(struct sum *s, double v)
{
	double t;

	v *= s->scaled ? SCALE : 1;
	if (!isfinite(s->sum + v))
		v = scale(s, v);
	t = s->sum + v;
	s->lost += fabs(s->sum) > fabs(v) ? (s->sum - t) + v : (v - t) + s->sum;
	s->sum = t;
}

static void change_real(struct sum *s, double v, int by)
{
	if (isinf(v))
		*(v > 0 ? &s->above : &s->below) += by;
	else
		add_real(s, by * v);
}

static double sum_of(const struct sum *s)
{
	if (s->above || s->below)
		return s->above && s->below ? NAN : s->above ? INFINITY : -INFINITY;
	return (s->sum + s->lost) / (s->scaled ? SCALE : 1);
}

static void note_text(const struct function *f, sqlite3_value *v)
{
	struct sums_texts *t = f->texts;
	const unsigned char *text = sqlite3_value_text(v);

	if (!t->n++) {
		t->function = names[f->which];
		snprintf(t->first, sizeof t->first, "%s", text ? (const char *)text : "");
		sqlite3_log(SQLITE_WARNING, "ilulogq: %s() of a text that is no number: %s", t->function, t->first);
	}
}

static void change(sqlite3_context *c, sqlite3_value *v, int by)
{
	const struct function *f = sqlite3_user_data(c);
	struct sum *s = sqlite3_aggregate_context(c, sizeof *s);
	int type = sqlite3_value_numeric_type(v);

	if (!s || type == SQLITE_NULL)
		return;
	s->n += by;
	if (type == SQLITE_INTEGER) {
		int64_t i = sqlite3_value_int64(v);

		add_real(s, by * (double)i);
		if (by > 0 ? __builtin_add_overflow(s->integer, i, &s->integer)
		           : __builtin_sub_overflow(s->integer, i, &s->integer))
			s->overflow = true;
		return;
	}
	s->real = true;
	change_real(s, sqlite3_value_double(v), by);
	if (type != SQLITE_FLOAT && by > 0)
		note_text(f, v);
}

static void step(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	change(c, v[0], 1);
}

static void inverse(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	change(c, v[0], -1);
}

static void value(sqlite3_context *c)
{
	const struct function *f = sqlite3_user_data(c);
	const struct sum *s = sqlite3_aggregate_context(c, 0);
	double sum = s ? sum_of(s) : 0;

	if (f->which == TOTAL)
		sqlite3_result_double(c, sum);
	else if (!s || !s->n)
		sqlite3_result_null(c);
	else if (f->which == AVG)
		sqlite3_result_double(c, sum / (double)s->n);
	else if (s->real)
		sqlite3_result_double(c, sum);
	else if (s->overflow)
		sqlite3_result_error(c, "integer overflow", -1);
	else
		sqlite3_result_int64(c, s->integer);
}

static void duration_ns(sqlite3_context *c, int n, sqlite3_value **v)
{
	int64_t ns;

	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_TEXT &&
	    !duration_parse((struct slice){(const char *)sqlite3_value_text(v[0]), (size_t)sqlite3_value_bytes(v[0])},
	                    &ns))
		sqlite3_result_int64(c, ns);
}

int sums_register(sqlite3 *db, struct sums_texts *texts)
{
	int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
	int rc = sqlite3_create_function_v2(db, "duration_ns", 1, flags, NULL, duration_ns, NULL, NULL, NULL);

	for (unsigned i = 0; !rc && i < sizeof names / sizeof *names; i++) {
		struct function *f = sqlite3_malloc(sizeof *f);

		if (!f)
			return SQLITE_NOMEM;
		*f = (struct function){texts, i};
		rc = sqlite3_create_window_function(db, names[i], 1, flags, f, step, value, value, inverse,
		                                    sqlite3_free);
	}
	return rc;
}
