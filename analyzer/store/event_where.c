/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_where.c - the conditions of one query on the table `event`.
 *
 * Numbers and the transaction go to the store's cursor. Of text and fields, what is the same in all lines of a shape
 * is decided once for the shape; what varies is looked at row by row. Where a condition is only narrowed down here
 * (numbers, patterns), SQLite looks again; equal text and has() are decided here alone. */
#include "store/event_where.h"
#include "base/array.h"
#include "store/event_room.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000

/* ---- texts of an IN ---- */

/* Sorted byte by byte, each once. */
struct text_set {
	struct slice *v; /* ours, with their bytes */
	size_t n, room;
};

static void text_set_free(struct text_set *s)
{
	while (s && s->n)
		free((char *)s->v[--s->n].ptr);
	free(s ? s->v : NULL);
	free(s);
}

static int text_set_add(struct text_set *s, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	size_t len = (size_t)sqlite3_value_bytes(v);
	char *copy = text ? malloc(len + 1) : NULL;
	struct slice *to = copy ? array_add(s->v, s->n, s->room) : NULL;

	if (!to) {
		free(copy);
		return SQLITE_NOMEM;
	}
	*to = (struct slice){memcpy(copy, text, len), len};
	return SQLITE_OK;
}

/* The values of an IN, as SQLite has them sorted. *out NULL: a number is among them, and SQLite decides. What is
 * neither is equal to no text. */
static int text_set_read(sqlite3_value *in, struct text_set **out)
{
	struct text_set *s = calloc(1, sizeof *s);
	sqlite3_value *v;
	bool number = false;
	int rc = s ? sqlite3_vtab_in_first(in, &v) : SQLITE_NOMEM;

	for (; rc == SQLITE_OK && !number; rc = sqlite3_vtab_in_next(in, &v)) {
		int type = sqlite3_value_type(v);

		number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
		if (type == SQLITE_TEXT && (rc = text_set_add(s, v)))
			break;
	}
	rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
	if (rc || number) {
		text_set_free(s);
		s = NULL;
	}
	*out = s;
	return rc;
}

static int compare_slices(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* 1, 0 or -ENOMEM. */
static int text_set_has(const struct text_set *s, struct slice escaped)
{
	struct slice plain = escaped;
	char *buf = NULL;
	bool has;

	if (!escaped.ptr)
		return 0;
	if (!json_is_plain(escaped)) {
		buf = malloc(3 * escaped.len);
		if (!buf)
			return -ENOMEM;
		plain = (struct slice){buf, json_unescape(escaped, buf)};
	}
	has = s->n && bsearch(&plain, s->v, s->n, sizeof *s->v, compare_slices);
	free(buf);
	return has;
}

/* ---- conditions ---- */

/* The text a shape has in this column; *varies where its lines differ in it. */
static struct slice shape_text(const struct shape *head, enum event_column column, bool *varies)
{
	*varies = column == COL_MESSAGE && head->message_slot >= 0;
	return column == COL_LEVEL        ? head->level
	       : column == COL_LEVEL_TEXT ? head->level_text
	       : column == COL_TARGET     ? head->target
	                                  : head->message;
}

struct slice event_text(const struct event *e, enum event_column column)
{
	switch (column) {
	case COL_LEVEL:
		return e->head->level;
	case COL_LEVEL_TEXT:
		return event_level_text(e);
	case COL_TARGET:
		return e->head->target;
	default:
		return event_message(e);
	}
}

static bool pattern_fits(const struct text_test *t, struct slice escaped)
{
	char *plain;
	bool fits;

	if (!escaped.ptr)
		return false;
	plain = malloc(3 * escaped.len + 1);
	if (!plain)
		return true; /* SQLite looks again */
	plain[json_unescape(escaped, plain)] = '\0';
	fits = t->op == SQLITE_INDEX_CONSTRAINT_LIKE ? !sqlite3_strlike(t->text, plain, 0)
	                                             : !sqlite3_strglob(t->text, plain);
	free(plain);
	return fits;
}

/* rc of a test; what could not be looked at passes, and is remembered. */
static bool passes(struct event_where *w, int rc)
{
	if (rc < 0)
		w->error = rc;
	return rc != 0;
}

static bool text_passes(struct event_where *w, const struct text_test *t, struct slice escaped)
{
	if (t->op == SQLITE_INDEX_CONSTRAINT_EQ)
		return passes(w, event_text_is(escaped, t->text, t->len));
	if (t->op == EVENT_IN)
		return passes(w, text_set_has(t->set, escaped));
	return pattern_fits(t, escaped);
}

/* Whether a line of this shape can have such a field. */
static bool shape_has(const struct shape *head, const char *name)
{
	unsigned i;

	if (!strcmp(name, "message") && (head->message.ptr || head->message_slot >= 0))
		return true;
	for (i = 0; i < head->nslots; i++)
		if (slice_is(head->slots[i].key, name))
			return true;
	return false;
}

static bool shape_wanted(const struct shape *head, void *arg)
{
	struct event_where *w = arg;
	size_t i;

	if (!head->id) /* of a line that is kept whole: its row decides */
		return true;
	for (i = 0; i < w->ntexts; i++) {
		bool varies;
		struct slice text = shape_text(head, w->texts[i].column, &varies);

		if (!varies && !text_passes(w, &w->texts[i], text))
			return false;
	}
	for (i = 0; i < w->ntests; i++)
		if (!shape_has(head, w->tests[i].name))
			return false;
	return true;
}

static bool row_text_passes(struct event_where *w, const struct text_test *t, const struct event *e)
{
	struct slice text = event_text(e, t->column);

	return event_error(e) ? passes(w, event_error(e)) : text_passes(w, t, text);
}

/* What the shape did not decide. */
bool event_where_row(struct event_where *w, const struct event *e)
{
	size_t i;

	for (i = 0; i < w->ntexts; i++) {
		const struct text_test *t = &w->texts[i];
		bool varies;

		shape_text(e->head, t->column, &varies);
		if ((varies || !e->head->id) && !row_text_passes(w, t, e))
			return false;
	}
	for (i = 0; i < w->ntests; i++)
		if (!passes(w, event_test_passes(&w->tests[i], e)))
			return false;
	return true;
}

bool event_where_is_of_shapes(const struct event_where *w)
{
	const struct event_query *q = &w->q;

	for (size_t i = 0; i < w->ntexts; i++)
		if (w->texts[i].column == COL_MESSAGE)
			return false;
	return !w->ntests && !q->tid.ptr && !q->search.ptr && !q->since_ns && !q->until_ns && !q->first_id &&
	       !q->last_id;
}

/* ---- a query's arguments ---- */

/* [low, high] that holds all integers which `op v` allows; false: v is no number, so the planner's condition says
 * nothing to us. */
static bool integer_range(unsigned char op, sqlite3_value *v, int64_t *low, int64_t *high)
{
	int64_t below, above;

	switch (sqlite3_value_numeric_type(v)) {
	case SQLITE_INTEGER:
		below = above = sqlite3_value_int64(v);
		break;
	case SQLITE_FLOAT: {
		double d = sqlite3_value_double(v);

		below = d <= -9.2e18 ? INT64_MIN : d >= 9.2e18 ? (int64_t)9.2e18 : (int64_t)floor(d);
		above = d <= -9.2e18 ? (int64_t)-9.2e18 : d >= 9.2e18 ? INT64_MAX : (int64_t)ceil(d);
		break;
	}
	default:
		return false;
	}
	*low = op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE
	           ? below
	           : INT64_MIN;
	*high = op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE
	            ? above
	            : INT64_MAX;
	return true;
}

/* 0 means "any" in the store's query, and nothing has the run or source 0. */
static void only(struct event_where *w, int64_t *which, int64_t low, int64_t high)
{
	if (low != high || low <= 0 || (*which && *which != low))
		w->none = true;
	else
		*which = low;
}

/* Of a second; INT64_MIN or _MAX where it is beyond the range. */
static int64_t first_ns_of(int64_t second)
{
	return second < INT64_MIN / SECOND ? INT64_MIN : second > INT64_MAX / SECOND ? INT64_MAX : second * SECOND;
}

static void integer_argument(struct event_where *w, enum event_column column, unsigned char op, sqlite3_value *v)
{
	struct event_query *q = &w->q;
	int64_t low, high;

	if (!integer_range(op, v, &low, &high))
		return;
	switch (column) {
	case COL_RUN:
		only(w, &q->run, low, high);
		break;
	case COL_SOURCE:
		only(w, &q->source, low, high);
		break;
	case COL_SECOND:
		low = first_ns_of(low);
		high = high < INT64_MAX ? first_ns_of(high + 1) : high;
		high -= high > INT64_MIN && high < INT64_MAX;
		/* fall through */
	case COL_TIME_NS:
		if (low > INT64_MIN && (!q->since_ns || low > q->since_ns))
			q->since_ns = low;
		if (high < INT64_MAX && (!q->until_ns || high + 1 < q->until_ns))
			q->until_ns = high + 1;
		break;
	default:
		if (high <= 0)
			w->none = true;
		if (low > q->first_id)
			q->first_id = low;
		if (high < INT64_MAX && (!q->last_id || high < q->last_id))
			q->last_id = high;
		break;
	}
}

/* A copy of a text argument: numbers as text, as the column's affinity makes them. false: nothing can be equal to it.
 */
static bool text_argument(sqlite3_value *v, char **text, size_t *len)
{
	int type = sqlite3_value_type(v);
	const unsigned char *p;

	*text = NULL;
	if (type == SQLITE_NULL || type == SQLITE_BLOB)
		return false;
	p = sqlite3_value_text(v);
	*len = (size_t)sqlite3_value_bytes(v);
	*text = p ? malloc(*len + 1) : NULL;
	if (*text) {
		memcpy(*text, p, *len);
		(*text)[*len] = '\0';
	}
	return true;
}

/* Whether SQLite may compare v and text as numbers ('05' = 5, where v comes from an INTEGER column): it decides then.
 */
static bool is_number(sqlite3_value *v)
{
	int type = sqlite3_value_type(v);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

static int shape_argument(struct event_where *w, enum event_column column, unsigned char op, sqlite3_value *v)
{
	struct text_test t = {.column = column, .op = op};

	if (op == SQLITE_INDEX_CONSTRAINT_EQ && is_number(v))
		return SQLITE_OK;
	if (array_reserve(w->texts, w->texts_room, w->ntexts + 1))
		return SQLITE_NOMEM;
	if (!text_argument(v, &t.text, &t.len)) {
		w->none |= op == SQLITE_INDEX_CONSTRAINT_EQ || sqlite3_value_type(v) == SQLITE_NULL;
		return SQLITE_OK;
	}
	if (!t.text)
		return SQLITE_NOMEM;
	w->texts[w->ntexts++] = t;
	return SQLITE_OK;
}

static int in_argument(struct event_where *w, enum event_column column, sqlite3_value *v)
{
	struct text_set *set;
	int rc = text_set_read(v, &set);

	if (rc || !set)
		return rc;
	w->none |= !set->n;
	if (column == COL_TID && !w->tids) {
		w->tids = set;
		return SQLITE_OK;
	}
	if (column == COL_TID || array_reserve(w->texts, w->texts_room, w->ntexts + 1)) {
		text_set_free(set);
		return column == COL_TID ? SQLITE_OK : SQLITE_NOMEM; /* SQLite looks at a second one */
	}
	w->texts[w->ntexts++] = (struct text_test){.column = column, .op = EVENT_IN, .set = set};
	return SQLITE_OK;
}

bool event_where_next_tid(struct event_where *w)
{
	if (!w->tids || w->tid || w->tid_at == w->tids->n)
		return false;
	w->q.tid = w->tids->v[w->tid_at++];
	return true;
}

static int tid_argument(struct event_where *w, sqlite3_value *v)
{
	char *text;
	size_t len;

	if (is_number(v))
		return SQLITE_OK;
	if (!text_argument(v, &text, &len)) {
		w->none = true;
		return SQLITE_OK;
	}
	if (!text)
		return SQLITE_NOMEM;
	if (w->tid && (w->q.tid.len != len || memcmp(w->tid, text, len)))
		w->none = true;
	free(w->tid);
	w->tid = text;
	w->q.tid = (struct slice){text, len};
	return SQLITE_OK;
}

static int has_argument(struct event_where *w, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	int rc;

	if (array_reserve(w->tests, w->tests_room, w->ntests + 1))
		return SQLITE_NOMEM;
	if (!text) {
		w->none = true;
		return SQLITE_OK;
	}
	rc = event_test_parse(text, &w->tests[w->ntests]);
	w->ntests += !rc;
	return !rc ? SQLITE_OK : rc == -EINVAL ? SQLITE_MISUSE : SQLITE_NOMEM;
}

/* A second text can't be searched for at the same time. */
static int match_argument(struct event_where *w, sqlite3_value *v)
{
	size_t len;

	if (sqlite3_value_type(v) == SQLITE_NULL) {
		w->none = true;
		return SQLITE_OK;
	}
	if (w->search)
		return SQLITE_MISUSE;
	if (!text_argument(v, &w->search, &len)) {
		w->none = true;
		return SQLITE_OK;
	}
	if (!w->search)
		return SQLITE_NOMEM;
	if (len)
		w->q.search = (struct slice){w->search, len};
	return SQLITE_OK;
}

int event_where_contains(struct event_where *w, const char *text, size_t len)
{
	w->search = malloc(len + 1);
	if (!w->search)
		return -ENOMEM;
	w->q.search = (struct slice){memcpy(w->search, text, len), len};
	w->q.search_fields = true;
	return 0;
}

/* instr(fields, v): anything but NULL is text to it. */
static int instr_argument(struct event_where *w, sqlite3_value *v)
{
	const unsigned char *text = sqlite3_value_text(v);

	if (sqlite3_value_type(v) == SQLITE_NULL) {
		w->none = true;
		return SQLITE_OK;
	}
	if (!text || event_where_contains(w, (const char *)text, (size_t)sqlite3_value_bytes(v)))
		return SQLITE_NOMEM;
	return SQLITE_OK;
}

int event_where_add(struct event_where *w, enum event_column column, unsigned char op, sqlite3_value *v)
{
	if (op == EVENT_HAS || event_column_is_of_shape(column)) {
		w->q.want = shape_wanted;
		w->q.want_arg = w;
	}
	if (op == EVENT_HAS)
		return has_argument(w, v);
	if (op == EVENT_INSTR)
		return instr_argument(w, v);
	if (op == EVENT_IN)
		return in_argument(w, column, v);
	if (op == SQLITE_INDEX_CONSTRAINT_MATCH)
		return match_argument(w, v);
	if (column == COL_TID)
		return tid_argument(w, v);
	if (event_column_is_of_shape(column))
		return shape_argument(w, column, op, v);
	if (sqlite3_value_type(v) == SQLITE_NULL)
		w->none = true;
	else
		integer_argument(w, column, op, v);
	return SQLITE_OK;
}

void event_where_done(struct event_where *w)
{
	while (w->ntexts) {
		free(w->texts[--w->ntexts].text);
		text_set_free(w->texts[w->ntexts].set);
	}
	while (w->ntests)
		event_test_done(&w->tests[--w->ntests]);
	free(w->texts);
	free(w->tests);
	free(w->tid);
	text_set_free(w->tids);
	free(w->search);
	*w = (struct event_where){.none = false};
}
