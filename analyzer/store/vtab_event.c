/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_event.c - the table `event` (contract §3) and the functions field() and has().
 *
 * A query on the table is a cursor of the store with as much of the WHERE clause as it can use. What is the same
 * in all lines of a shape (level, target, most messages, which fields there are) is decided once for the shape; the rest by row, here
 * or, where that costs nothing, by SQLite.
 *
 * The hidden column `event` is the event's id. field() and has() find the event at hand under it, because a query asks for the
 * fields of the row it is at; any other id is read from the store. */
#include "store/vtab_event.h"
#include "store/event_value.h"
#include "store/store_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum event_column {
	COL_ID, COL_RUN, COL_SOURCE, COL_LINE, COL_OFFSET, COL_TIME_NS, COL_LEVEL, COL_TARGET, COL_MESSAGE, COL_TID, COL_FIELDS,
	COL_SPAN, COL_SPANS, COL_RAW, COL_FOREIGN, COL_EVENT
};

/* foreign is an SQL word: queries quote it. */
static const char declaration[] =
	"CREATE TABLE event(id INTEGER, run INTEGER, source INTEGER, line INTEGER, offset INTEGER, time_ns INTEGER, level TEXT, "
	"target TEXT, message TEXT, tid TEXT, fields TEXT, span TEXT, spans TEXT, raw TEXT, \"foreign\" INTEGER, event HIDDEN)";

static const char not_a_test[] = "has() wants 'name=value', 'name<value', 'name>value' or 'name'";

#define HAS_CONSTRAINT SQLITE_INDEX_CONSTRAINT_FUNCTION

struct cursor;

/* Shared by the table and the functions of one connection. */
struct module {
	struct store *store;
	unsigned refs;
	struct cursor *cursors; /* open ones: their events are at hand */
	double events;		/* in the database, for the planner; negative: not counted yet */
};

struct table {
	sqlite3_vtab base;
	struct module *m;
};

/* A condition on a text column, decided by shape where the shape has the text. */
struct text_test {
	enum event_column column;
	unsigned char op; /* SQLITE_INDEX_CONSTRAINT_EQ, _LIKE or _GLOB */
	char *text;	  /* ours */
	size_t len;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct cursor *next;
	struct module *m;
	struct event_cursor *events;
	const struct event *at; /* NULL: the end */
	struct text_test *texts;
	size_t ntexts;
	struct event_test *tests; /* has() */
	size_t ntests;
	struct event_query q;
	char *tid; /* ours: of q */
	bool none; /* a condition that nothing meets */
	int64_t offset_id, offset, offset_next; /* of the event whose offset was asked for last, and of the line behind it */
};

/* ---- planning ----
 *
 * idxStr has two characters for each argument of xFilter: 'A' + column, 'A' + index into ops. */

static const unsigned char ops[] = {
	SQLITE_INDEX_CONSTRAINT_EQ, SQLITE_INDEX_CONSTRAINT_GT, SQLITE_INDEX_CONSTRAINT_GE, SQLITE_INDEX_CONSTRAINT_LT,
	SQLITE_INDEX_CONSTRAINT_LE, SQLITE_INDEX_CONSTRAINT_LIKE, SQLITE_INDEX_CONSTRAINT_GLOB, HAS_CONSTRAINT,
};

/* Which conditions on a column are of use, which share of the events they leave (a guess), and whether the cursor alone decides. */
static const struct {
	enum event_column column;
	unsigned char op;
	double share;
	bool exact;
} uses[] = {
	{COL_ID, SQLITE_INDEX_CONSTRAINT_EQ, 0, false},
	{COL_ID, SQLITE_INDEX_CONSTRAINT_GT, 0.3, false},
	{COL_ID, SQLITE_INDEX_CONSTRAINT_GE, 0.3, false},
	{COL_ID, SQLITE_INDEX_CONSTRAINT_LT, 0.3, false},
	{COL_ID, SQLITE_INDEX_CONSTRAINT_LE, 0.3, false},
	{COL_EVENT, SQLITE_INDEX_CONSTRAINT_EQ, 0, false},
	{COL_TIME_NS, SQLITE_INDEX_CONSTRAINT_EQ, 0.001, false},
	{COL_TIME_NS, SQLITE_INDEX_CONSTRAINT_GT, 0.3, false},
	{COL_TIME_NS, SQLITE_INDEX_CONSTRAINT_GE, 0.3, false},
	{COL_TIME_NS, SQLITE_INDEX_CONSTRAINT_LT, 0.3, false},
	{COL_TIME_NS, SQLITE_INDEX_CONSTRAINT_LE, 0.3, false},
	{COL_RUN, SQLITE_INDEX_CONSTRAINT_EQ, 0.5, false},
	{COL_SOURCE, SQLITE_INDEX_CONSTRAINT_EQ, 0.2, false},
	{COL_TID, SQLITE_INDEX_CONSTRAINT_EQ, 0.0001, true},
	{COL_LEVEL, SQLITE_INDEX_CONSTRAINT_EQ, 0.2, true},
	{COL_TARGET, SQLITE_INDEX_CONSTRAINT_EQ, 0.1, true},
	{COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_EQ, 0.02, true},
	{COL_LEVEL, SQLITE_INDEX_CONSTRAINT_LIKE, 0.2, false},
	{COL_TARGET, SQLITE_INDEX_CONSTRAINT_LIKE, 0.1, false},
	{COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_LIKE, 0.05, false},
	{COL_LEVEL, SQLITE_INDEX_CONSTRAINT_GLOB, 0.2, false},
	{COL_TARGET, SQLITE_INDEX_CONSTRAINT_GLOB, 0.1, false},
	{COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_GLOB, 0.05, false},
	{COL_EVENT, HAS_CONSTRAINT, 0.02, true},
};

static int use_of(const struct sqlite3_index_constraint *c)
{
	size_t i;

	for (i = 0; i < sizeof uses / sizeof *uses; i++)
		if ((int)uses[i].column == c->iColumn && uses[i].op == c->op)
			return (int)i;
	return -1;
}

static double events_counted(struct module *m)
{
	sqlite3_stmt *q;

	if (m->events >= 0)
		return m->events;
	m->events = 1e6;
	if (!sqlite3_prepare_v2(store_db(m->store), "SELECT sum(lines) FROM chunk", -1, &q, NULL)) {
		if (sqlite3_step(q) == SQLITE_ROW)
			m->events = sqlite3_column_double(q, 0);
		sqlite3_finalize(q);
	}
	return m->events;
}

/* Events come by source and line: is that the order asked for? */
static bool in_order(const sqlite3_index_info *info, bool one_source)
{
	static const int columns[] = {COL_SOURCE, COL_LINE};
	int first = one_source && info->nOrderBy && info->aOrderBy[0].iColumn == COL_LINE, i;

	if (!info->nOrderBy || info->nOrderBy > 2 - first)
		return false;
	for (i = 0; i < info->nOrderBy; i++)
		if (info->aOrderBy[i].desc || info->aOrderBy[i].iColumn != columns[first + i])
			return false;
	return true;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	struct module *m = ((struct table *)base)->m;
	char *plan = sqlite3_malloc64(2 * (sqlite3_uint64)info->nConstraint + 1), *p = plan;
	double rows = events_counted(m);
	bool one_source = false, unique = false;
	int i, args = 0;

	if (!plan)
		return SQLITE_NOMEM;
	for (i = 0; i < info->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &info->aConstraint[i];
		int use = c->usable ? use_of(c) : -1;

		/* Text is compared byte by byte here; another collation is SQLite's business. */
		if (use < 0 || (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn >= COL_LEVEL && c->iColumn <= COL_TID &&
				sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY")))
			continue;
		info->aConstraintUsage[i].argvIndex = ++args;
		info->aConstraintUsage[i].omit = uses[use].exact;
		*p++ = (char)('A' + uses[use].column);
		*p++ = (char)('A' + (int)((const unsigned char *)memchr(ops, uses[use].op, sizeof ops) - ops));
		rows *= uses[use].share;
		unique |= uses[use].share == 0;
		one_source |= uses[use].column == COL_SOURCE;
	}
	*p = '\0';
	info->idxStr = plan;
	info->needToFreeIdxStr = 1;
	info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
	info->estimatedCost = 50 + 10 * rows; /* of a search in the chunks; decoding a row is more than SQLite's step */
	info->orderByConsumed = in_order(info, one_source);
	if (unique) {
		info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
		info->orderByConsumed = info->nOrderBy > 0;
	}
	return SQLITE_OK;
}

/* ---- conditions ---- */

/* The text a shape has in this column; *varies where its lines differ in it. */
static struct slice shape_text(const struct shape *head, enum event_column column, bool *varies)
{
	*varies = column == COL_MESSAGE && head->message_slot >= 0;
	return column == COL_LEVEL ? head->level : column == COL_TARGET ? head->target : head->message;
}

static struct slice event_text(const struct event *e, enum event_column column)
{
	return column == COL_LEVEL ? e->head->level : column == COL_TARGET ? e->head->target : event_message(e);
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
	fits = t->op == SQLITE_INDEX_CONSTRAINT_LIKE ? !sqlite3_strlike(t->text, plain, 0) : !sqlite3_strglob(t->text, plain);
	free(plain);
	return fits;
}

static bool text_passes(const struct text_test *t, struct slice escaped)
{
	if (t->op == SQLITE_INDEX_CONSTRAINT_EQ)
		return event_text_is(escaped, t->text, t->len);
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
	const struct cursor *c = arg;
	size_t i;

	if (!head->id) /* of a line that is kept whole: its row decides */
		return true;
	for (i = 0; i < c->ntexts; i++) {
		bool varies;
		struct slice text = shape_text(head, c->texts[i].column, &varies);

		if (!varies && !text_passes(&c->texts[i], text))
			return false;
	}
	for (i = 0; i < c->ntests; i++)
		if (!shape_has(head, c->tests[i].name))
			return false;
	return true;
}

/* What the shape did not decide. */
static bool row_wanted(const struct cursor *c, const struct event *e)
{
	size_t i;

	for (i = 0; i < c->ntexts; i++) {
		const struct text_test *t = &c->texts[i];
		bool varies;

		shape_text(e->head, t->column, &varies);
		if ((varies || !e->head->id) && !text_passes(t, event_text(e, t->column)))
			return false;
	}
	for (i = 0; i < c->ntests; i++)
		if (!event_test_passes(&c->tests[i], e))
			return false;
	return true;
}

/* ---- a query's arguments ---- */

/* [low, high] that holds all integers which `op v` allows; false: v is no number, so the planner's condition says nothing to us. */
static bool integer_range(unsigned char op, sqlite3_value *v, int64_t *low, int64_t *high)
{
	int64_t below, above;

	switch (sqlite3_value_numeric_type(v)) {
	case SQLITE_INTEGER:
		below = above = sqlite3_value_int64(v);
		break;
	case SQLITE_FLOAT: {
		double d = sqlite3_value_double(v);

		below = d <= -9.2e18 ? INT64_MIN : d >= 9.2e18 ? INT64_MAX : (int64_t)floor(d);
		above = d <= -9.2e18 ? INT64_MIN : d >= 9.2e18 ? INT64_MAX : (int64_t)ceil(d);
		break;
	}
	default:
		return false;
	}
	*low = op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE ? below : INT64_MIN;
	*high = op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE ? above : INT64_MAX;
	return true;
}

/* 0 means "any" in the store's query, and nothing has the run or source 0. */
static void only(struct cursor *c, int64_t *which, int64_t low, int64_t high)
{
	if (low != high || low <= 0 || (*which && *which != low))
		c->none = true;
	else
		*which = low;
}

static void integer_argument(struct cursor *c, enum event_column column, unsigned char op, sqlite3_value *v)
{
	struct event_query *q = &c->q;
	int64_t low, high;

	if (!integer_range(op, v, &low, &high))
		return;
	switch (column) {
	case COL_RUN:
		only(c, &q->run, low, high);
		break;
	case COL_SOURCE:
		only(c, &q->source, low, high);
		break;
	case COL_TIME_NS:
		if (low > INT64_MIN && (!q->since_ns || low > q->since_ns))
			q->since_ns = low;
		if (high < INT64_MAX && (!q->until_ns || high + 1 < q->until_ns))
			q->until_ns = high + 1;
		break;
	default:
		if (high <= 0)
			c->none = true;
		if (low > q->first_id)
			q->first_id = low;
		if (high < INT64_MAX && (!q->last_id || high < q->last_id))
			q->last_id = high;
		break;
	}
}

/* A copy of a text argument: numbers as text, as the column's affinity makes them. false: nothing can be equal to it. */
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

static int tid_argument(struct cursor *c, sqlite3_value *v)
{
	char *text;
	size_t len;

	if (!text_argument(v, &text, &len)) {
		c->none = true;
		return SQLITE_OK;
	}
	if (!text)
		return SQLITE_NOMEM;
	if (c->tid && (c->q.tid.len != len || memcmp(c->tid, text, len)))
		c->none = true;
	free(c->tid);
	c->tid = text;
	c->q.tid = (struct slice){text, len};
	return SQLITE_OK;
}

static int shape_argument(struct cursor *c, enum event_column column, unsigned char op, sqlite3_value *v)
{
	struct text_test *more = realloc(c->texts, (c->ntexts + 1) * sizeof *more);
	struct text_test t = {.column = column, .op = op};

	if (!more)
		return SQLITE_NOMEM;
	c->texts = more;
	if (!text_argument(v, &t.text, &t.len)) {
		c->none |= op == SQLITE_INDEX_CONSTRAINT_EQ || sqlite3_value_type(v) == SQLITE_NULL;
		return SQLITE_OK;
	}
	if (!t.text)
		return SQLITE_NOMEM;
	more[c->ntexts++] = t;
	return SQLITE_OK;
}

static int has_argument(struct cursor *c, sqlite3_value *v)
{
	struct event_test *more = realloc(c->tests, (c->ntests + 1) * sizeof *more);
	const char *text = (const char *)sqlite3_value_text(v);
	int rc;

	if (!more)
		return SQLITE_NOMEM;
	c->tests = more;
	if (!text) {
		c->none = true;
		return SQLITE_OK;
	}
	rc = event_test_parse(text, &more[c->ntests]);
	if (rc == -EINVAL) {
		sqlite3_free(c->base.pVtab->zErrMsg);
		c->base.pVtab->zErrMsg = sqlite3_mprintf("%s", not_a_test);
		return SQLITE_ERROR;
	}
	c->ntests += !rc;
	return rc ? SQLITE_NOMEM : SQLITE_OK;
}

static int argument(struct cursor *c, enum event_column column, unsigned char op, sqlite3_value *v)
{
	if (op == HAS_CONSTRAINT)
		return has_argument(c, v);
	if (column == COL_TID)
		return tid_argument(c, v);
	if (column == COL_LEVEL || column == COL_TARGET || column == COL_MESSAGE)
		return shape_argument(c, column, op, v);
	if (sqlite3_value_type(v) == SQLITE_NULL)
		c->none = true;
	else
		integer_argument(c, column, op, v);
	return SQLITE_OK;
}

/* ---- the cursor ---- */

static void cursor_clear(struct cursor *c)
{
	c->at = NULL;
	event_cursor_close(c->events);
	c->events = NULL;
	while (c->ntexts)
		free(c->texts[--c->ntexts].text);
	while (c->ntests)
		event_test_done(&c->tests[--c->ntests]);
	free(c->texts);
	free(c->tests);
	free(c->tid);
	c->texts = NULL;
	c->tests = NULL;
	c->tid = NULL;
	c->q = (struct event_query){.want = NULL};
	c->none = false;
	c->offset_id = -1;
}

/* Turns a store's error into SQLite's, with its text. */
static int failed(sqlite3_vtab *v, int rc)
{
	sqlite3_free(v->zErrMsg);
	v->zErrMsg = sqlite3_mprintf("%s", store_error(rc));
	switch (rc) {
	case -ENOMEM:
		return SQLITE_NOMEM;
	case -EBADMSG:
		return SQLITE_CORRUPT;
	case -EINTR:
		return SQLITE_INTERRUPT;
	case -EBUSY:
		return SQLITE_BUSY;
	case -EIO:
		return SQLITE_IOERR;
	default:
		return SQLITE_ERROR;
	}
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	int rc;

	do {
		c->at = NULL;
		rc = event_cursor_next(c->events, &c->at);
		if (rc < 0)
			return failed(base->pVtab, rc);
		if (!rc)
			c->at = NULL;
	} while (c->at && !row_wanted(c, c->at));
	return SQLITE_OK;
}

static int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	int i, rc = SQLITE_OK;

	(void)number;
	cursor_clear(c);
	for (i = 0; i < argc && !rc; i++)
		rc = argument(c, (enum event_column)(plan[2 * i] - 'A'), ops[plan[2 * i + 1] - 'A'], argv[i]);
	if (rc || c->none)
		return rc;
	if (c->ntexts || c->ntests) {
		c->q.want = shape_wanted;
		c->q.want_arg = c;
	}
	rc = event_cursor_open(c->m->store, &c->q, &c->events);
	return rc ? failed(base->pVtab, rc) : cursor_next(base);
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
	return !((struct cursor *)base)->at;
}

/* Lines follow each other, so that the offset of the next one is known from the one before. */
static int offset_of(struct cursor *c, int64_t *offset)
{
	const struct event *e = c->at;
	bool follows = c->offset_id + 1 == e->id && e->id & 0xffff;
	struct slice line;
	int rc = 0;

	if (c->offset_id != e->id) {
		if (follows)
			c->offset = c->offset_next;
		else
			rc = event_offset(e, &c->offset);
		if (!rc)
			rc = event_line(e, &line);
		if (rc)
			return rc;
		c->offset_next = c->offset + (int64_t)line.len + 1;
		c->offset_id = e->id;
	}
	*offset = c->offset;
	return 0;
}

static void json_result(sqlite3_context *ctx, struct slice v)
{
	if (v.ptr)
		sqlite3_result_text64(ctx, v.ptr, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		sqlite3_result_null(ctx);
}

static int text_column(struct cursor *c, sqlite3_context *ctx, int column)
{
	const struct event *e = c->at;
	struct slice line;
	int rc = 0;

	switch (column) {
	case COL_LEVEL:
	case COL_TARGET:
	case COL_MESSAGE:
		event_text_result(ctx, event_text(e, (enum event_column)column));
		break;
	case COL_TID:
		event_text_result(ctx, e->tid);
		break;
	case COL_FIELDS:
	case COL_SPAN:
	case COL_SPANS:
		json_result(ctx, event_part(e, SECTION_FIELDS + (enum section)(column - COL_FIELDS)));
		break;
	default:
		rc = event_line(e, &line);
		if (!rc)
			json_result(ctx, line);
		break;
	}
	return rc;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
	struct cursor *c = (struct cursor *)base;
	const struct event *e = c->at;
	int64_t value = 0;
	int rc = 0;

	switch (column) {
	case COL_ID:
	case COL_EVENT:
		value = e->id;
		break;
	case COL_RUN:
		value = e->run;
		break;
	case COL_SOURCE:
		value = e->source;
		break;
	case COL_LINE:
		value = e->line;
		break;
	case COL_TIME_NS:
		value = e->time_ns;
		break;
	case COL_FOREIGN:
		value = e->foreign;
		break;
	case COL_OFFSET:
		rc = offset_of(c, &value);
		break;
	default:
		rc = text_column(c, ctx, column);
		return rc ? failed(base->pVtab, rc) : SQLITE_OK;
	}
	if (rc)
		return failed(base->pVtab, rc);
	sqlite3_result_int64(ctx, value);
	return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct cursor *)base)->at->id;
	return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct module *m = ((struct table *)base)->m;
	struct cursor *c = calloc(1, sizeof *c);

	if (!c)
		return SQLITE_NOMEM;
	c->m = m;
	c->next = m->cursors;
	m->cursors = c;
	*out = &c->base;
	return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base, **link = &c->m->cursors;

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	cursor_clear(c);
	free(c);
	return SQLITE_OK;
}

/* ---- field() and has() ---- */

/* The event of a function's first argument: 1, 0 (none) or negative. */
static int event_of(struct module *m, sqlite3_value *v, const struct event **out)
{
	const struct cursor *c;
	int64_t id;

	if (sqlite3_value_type(v) != SQLITE_INTEGER)
		return 0;
	id = sqlite3_value_int64(v);
	for (c = m->cursors; c; c = c->next)
		if (c->at && c->at->id == id) {
			*out = c->at;
			return 1;
		}
	return event_get(m->store, id, out);
}

static void call_field(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *name = (const char *)sqlite3_value_text(argv[1]);
	const struct event *e;
	struct slice v;
	int rc;

	(void)argc;
	if (!name)
		return;
	rc = event_of(sqlite3_user_data(ctx), argv[0], &e);
	if (rc < 0)
		sqlite3_result_error(ctx, store_error(rc), -1);
	else if (rc)
		event_value_result(ctx, event_field(e, name, &v), v);
}

static void call_has(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[1]);
	const struct event *e;
	struct event_test t;
	int rc;

	(void)argc;
	if (!text)
		return;
	rc = event_of(sqlite3_user_data(ctx), argv[0], &e);
	if (!rc)
		return;
	if (rc > 0)
		rc = event_test_parse(text, &t);
	if (rc == -EINVAL) {
		sqlite3_result_error(ctx, not_a_test, -1);
	} else if (rc) {
		sqlite3_result_error(ctx, store_error(rc), -1);
	} else {
		sqlite3_result_int(ctx, event_test_passes(&t, e));
		event_test_done(&t);
	}
}

/* has(event, ...) as a condition comes to best_index. */
static int find_function(sqlite3_vtab *base, int argc, const char *name, void (**f)(sqlite3_context *, int, sqlite3_value **),
			 void **arg)
{
	if (argc != 2 || sqlite3_stricmp(name, "has"))
		return 0;
	*f = call_has;
	*arg = ((struct table *)base)->m;
	return HAS_CONSTRAINT;
}

/* ---- the module ---- */

static void module_release(void *arg)
{
	struct module *m = arg;

	if (!--m->refs)
		free(m);
}

static int table_connect(sqlite3 *db, void *arg, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	struct table *t;
	int rc = sqlite3_declare_vtab(db, declaration);

	(void)argc;
	(void)argv;
	(void)why;
	if (rc)
		return rc;
	sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	t = calloc(1, sizeof *t);
	if (!t)
		return SQLITE_NOMEM;
	t->m = arg;
	*out = &t->base;
	return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static const sqlite3_module methods = {
	.xConnect = table_connect, /* and no xCreate: the table is there by itself */
	.xDisconnect = table_disconnect,
	.xBestIndex = best_index,
	.xOpen = cursor_open,
	.xClose = cursor_close,
	.xFilter = cursor_filter,
	.xNext = cursor_next,
	.xEof = cursor_eof,
	.xColumn = cursor_column,
	.xRowid = cursor_rowid,
	.xFindFunction = find_function,
};

int vtab_event_register(sqlite3 *db, struct store *s)
{
	struct module *m = calloc(1, sizeof *m);
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, rc;

	if (!m)
		return -ENOMEM;
	m->store = s;
	m->events = -1;
	m->refs = 3; /* each call below releases its own, also when it fails */
	rc = sqlite3_create_module_v2(db, "event", &methods, m, module_release);
	if (!sqlite3_create_function_v2(db, "field", 2, flags, m, call_field, NULL, NULL, module_release))
		rc |= sqlite3_create_function_v2(db, "has", 2, flags, m, call_has, NULL, NULL, module_release);
	else
		module_release(m);
	return rc ? -ENOMEM : 0;
}
