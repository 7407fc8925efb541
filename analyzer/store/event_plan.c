/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_plan.c - which conditions on the table `event` its cursor takes over.
 *
 * The plan (idxStr) has two characters for each argument of xFilter: 'A' + column, 'A' + index into ops; then, of
 * events that are given group by group, two for each column that the groups are sorted by: 'A' + column, '<' or '>'. */
#include "store/event_plan.h"

#include "base/sql.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char ops[] = {
    SQLITE_INDEX_CONSTRAINT_EQ,
    SQLITE_INDEX_CONSTRAINT_GT,
    SQLITE_INDEX_CONSTRAINT_GE,
    SQLITE_INDEX_CONSTRAINT_LT,
    SQLITE_INDEX_CONSTRAINT_LE,
    SQLITE_INDEX_CONSTRAINT_LIKE,
    SQLITE_INDEX_CONSTRAINT_GLOB,
    SQLITE_INDEX_CONSTRAINT_MATCH,
    EVENT_HAS,
    EVENT_INSTR,
    EVENT_IN,
};

/* Which conditions on a column are of use, which share of the events they leave (a guess), and whether the cursor alone
 * decides: of text, where it is compared with text. */
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
    {COL_SECOND, SQLITE_INDEX_CONSTRAINT_EQ, 0.001, false},
    {COL_SECOND, SQLITE_INDEX_CONSTRAINT_GT, 0.3, false},
    {COL_SECOND, SQLITE_INDEX_CONSTRAINT_GE, 0.3, false},
    {COL_SECOND, SQLITE_INDEX_CONSTRAINT_LT, 0.3, false},
    {COL_SECOND, SQLITE_INDEX_CONSTRAINT_LE, 0.3, false},
    {COL_RUN, SQLITE_INDEX_CONSTRAINT_EQ, 0.5, false},
    {COL_SOURCE, SQLITE_INDEX_CONSTRAINT_EQ, 0.2, false},
    {COL_TID, SQLITE_INDEX_CONSTRAINT_EQ, 0.0001, true},
    {COL_LEVEL, SQLITE_INDEX_CONSTRAINT_EQ, 0.2, true},
    {COL_LEVEL_TEXT, SQLITE_INDEX_CONSTRAINT_EQ, 0.2, true},
    {COL_TARGET, SQLITE_INDEX_CONSTRAINT_EQ, 0.1, true},
    {COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_EQ, 0.02, true},
    {COL_LEVEL, SQLITE_INDEX_CONSTRAINT_LIKE, 0.2, false},
    {COL_LEVEL_TEXT, SQLITE_INDEX_CONSTRAINT_LIKE, 0.2, false},
    {COL_TARGET, SQLITE_INDEX_CONSTRAINT_LIKE, 0.1, false},
    {COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_LIKE, 0.05, false},
    {COL_LEVEL, SQLITE_INDEX_CONSTRAINT_GLOB, 0.2, false},
    {COL_LEVEL_TEXT, SQLITE_INDEX_CONSTRAINT_GLOB, 0.2, false},
    {COL_TARGET, SQLITE_INDEX_CONSTRAINT_GLOB, 0.1, false},
    {COL_MESSAGE, SQLITE_INDEX_CONSTRAINT_GLOB, 0.05, false},
    {COL_EVENT, SQLITE_INDEX_CONSTRAINT_MATCH, 0.02, true},
    {COL_EVENT, EVENT_HAS, 0.02, true},
    {COL_FIELDS, EVENT_INSTR, 0.05, true},
};

static int use_of(const struct sqlite3_index_constraint *c)
{
	size_t i;

	for (i = 0; i < sizeof uses / sizeof *uses; i++)
		if ((int)uses[i].column == c->iColumn && uses[i].op == c->op)
			return (int)i;
	return -1;
}

static bool is_text_equality(const struct sqlite3_index_constraint *c)
{
	return c->op == SQLITE_INDEX_CONSTRAINT_EQ &&
	       (event_column_is_of_shape((enum event_column)c->iColumn) || c->iColumn == COL_TID);
}

/* Is the other side known to be text? With a number, SQLite compares in a way of its own: the cursor leaves it to it.
 */
static bool with_text(sqlite3_index_info *info, int i)
{
	sqlite3_value *v;

	return !sqlite3_vtab_rhs_value(info, i, &v) && sqlite3_value_type(v) == SQLITE_TEXT;
}

static int op_index(unsigned char op)
{
	return (int)((const unsigned char *)memchr(ops, op, sizeof ops) - ops);
}

/* Whether the condition is an IN, which comes with all its values then. */
static bool takes_in(sqlite3_index_info *info, int i)
{
	return is_text_equality(&info->aConstraint[i]) && sqlite3_vtab_in(info, i, -1) && sqlite3_vtab_in(info, i, 1);
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

/* Where a query asks for columns alone that many events have in common, and wants them in an order of these, events are
 * given group by group: SQLite need not sort them. */
static bool by_groups(const sqlite3_index_info *info)
{
	if (!info->nOrderBy || info->nOrderBy > EVENT_ORDER_MAX || info->colUsed & ~(sqlite3_uint64)EVENT_GROUP_COLUMNS)
		return false;
	for (int i = 0; i < info->nOrderBy; i++)
		if (info->aOrderBy[i].iColumn < 0 || !(EVENT_GROUP_COLUMNS >> info->aOrderBy[i].iColumn & 1))
			return false;
	return true;
}

/* One text at a time can be searched for: best that of MATCH. */
static bool has_match(const sqlite3_index_info *info)
{
	for (int i = 0; i < info->nConstraint; i++)
		if (info->aConstraint[i].usable && info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_MATCH)
			return true;
	return false;
}

/* What SQLite tells the table of by name. It may stand in the ON of a LEFT JOIN of which the table is the left side. */
static bool is_by_name(unsigned char op)
{
	return op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB ||
	       op == SQLITE_INDEX_CONSTRAINT_MATCH || op == EVENT_HAS || op == EVENT_INSTR;
}

int event_plan(sqlite3_index_info *info, double events, bool left_joins)
{
	char *plan = sqlite3_malloc64(2 * (sqlite3_uint64)info->nConstraint + 2 * EVENT_ORDER_MAX + 1), *p = plan;
	double rows = events;
	bool one_source = false, unique = false, searched = has_match(info), matched = false, by_name = false;
	bool several = false; /* transactions, one after the other */
	int i, args = 0;

	if (!plan)
		return SQLITE_NOMEM;
	for (i = 0; i < info->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &info->aConstraint[i];
		int use = c->usable ? use_of(c) : -1;
		bool in;

		/* Text is compared byte by byte here; another collation is SQLite's business. */
		if (use < 0 || (is_text_equality(c) && sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY")))
			continue;
		if ((c->op == EVENT_INSTR && searched) || (c->op == SQLITE_INDEX_CONSTRAINT_MATCH && matched))
			continue;
		searched |= c->op == EVENT_INSTR;
		matched |= c->op == SQLITE_INDEX_CONSTRAINT_MATCH;
		by_name |= is_by_name(c->op);
		info->aConstraintUsage[i].argvIndex = ++args;
		info->aConstraintUsage[i].omit = uses[use].exact && !(left_joins && is_by_name(c->op)) &&
		                                 (!is_text_equality(c) || with_text(info, i));
		*p++ = (char)('A' + uses[use].column);
		in = takes_in(info, i);
		several |= in && uses[use].column == COL_TID;
		*p++ = (char)('A' + op_index(in ? EVENT_IN : uses[use].op));
		rows *= uses[use].share;
		unique |= uses[use].share == 0;
		one_source |= uses[use].column == COL_SOURCE;
	}
	info->idxNum = 0;
	if (by_groups(info)) {
		info->idxNum = (int)(EVENT_GROUPED | (sqlite3_vtab_distinct(info) >= 2 ? EVENT_ONCE : 0) |
		                     (unsigned)info->colUsed);
		for (i = 0; i < info->nOrderBy; i++) {
			*p++ = (char)('A' + info->aOrderBy[i].iColumn);
			*p++ = info->aOrderBy[i].desc ? '>' : '<';
			info->idxNum |= 1 << info->aOrderBy[i].iColumn;
		}
	}
	*p = '\0';
	info->idxStr = plan;
	info->needToFreeIdxStr = 1;
	info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
	info->estimatedCost = 50 + 10 * rows; /* of a search in the chunks; decoding a row is more than SQLite's step */
	info->orderByConsumed = info->idxNum || (!several && in_order(info, one_source));
	info->idxNum |= left_joins && by_name ? EVENT_LEFT_JOINS : 0;
	if (unique) {
		info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
		info->orderByConsumed = info->nOrderBy > 0;
	}
	return SQLITE_OK;
}

bool event_plan_argument(const char *plan, int i, enum event_column *column, unsigned char *op)
{
	*column = (enum event_column)(plan[2 * i] - 'A');
	*op = ops[plan[2 * i + 1] - 'A'];
	return is_by_name(*op);
}

unsigned event_plan_order(const char *plan, int arguments, struct event_order order[EVENT_ORDER_MAX])
{
	unsigned n = 0;

	for (plan += 2 * arguments; *plan; plan += 2)
		order[n++] = (struct event_order){(enum event_column)(plan[0] - 'A'), plan[1] == '>'};
	return n;
}

/* ---- what the program shows ---- */

sqlite3_stmt *event_plan_statement(sqlite3 *db)
{
	sqlite3_stmt *found = NULL;

	for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db, s));)
		if (sqlite3_stmt_busy(s)) {
			if (found)
				return NULL;
			found = s;
		}
	return found;
}

/* Whether the flag of a LEFT JOIN, that a row was found, is set back here. */
static bool is_left_join(const struct program *p, size_t at)
{
	const struct instruction *reset = &p->v[at];

	if (!instruction_is(reset, "Integer") || reset->p1)
		return false;
	for (size_t i = at + 1; i < p->n; i++)
		if (instruction_is(&p->v[i], "IfPos") && p->v[i].p1 == reset->p2)
			return true;
	return false;
}

static bool is_call_by_name(const struct instruction *i)
{
	static const char *const names[] = {"like(2)", "glob(2)", "match(2)", "has(2)", "instr(2)"};

	for (size_t k = 0; instruction_is(i, "Function") && i->text && k < sizeof names / sizeof *names; k++)
		if (!strcmp(i->text, names[k]))
			return true;
	return false;
}

/* A condition of the WHERE is tested as soon as its row is there, one of an ON where the rows of the right side are. */
bool event_plan_means_on(sqlite3_stmt *stmt)
{
	const char *sql = sqlite3_stmt_isexplain(stmt) ? NULL : sqlite3_sql(stmt);
	struct program p = {0};
	bool joined = false, found = false;

	if (!sql || program_read(sqlite3_db_handle(stmt), sql, &p))
		return true;
	for (size_t i = 0; i < p.n && !found; i++) {
		joined = joined || is_left_join(&p, i);
		found = joined && is_call_by_name(&p.v[i]);
	}
	program_done(&p);
	return found;
}

/* instr(fields, 'x') as a condition comes to the table as a constraint; instr(fields, 'x') > 0 does not, and each row's
 * fields would have to be made into text to be looked at. But the compiled statement shows it: the loop over the table
 * begins with tests that go on to the next row. Where one of these fails for instr() = 0, rows without the text have no
 * effect, and the cursor may leave them out. SQLite looks at all others again, so that only this must be sure: what is
 * not known for certain is left alone. */

enum { JUMP_IF_NULL = 0x10 }; /* of p5 of a comparison */

/* The one loop over a virtual table. */
struct loop {
	const struct program *p;
	size_t constants; /* behind it are the constants' instructions */
	int cursor, first, next;
	int fields, found; /* registers: of the column, of what instr() said of it; -1: none */
	const char *text;  /* that it was asked for */
};

/* The only one with this name, -1: there is none, or there are more. */
static int only(const struct program *p, const char *op)
{
	int at = -1;

	for (size_t i = 0; i < p->n; i++)
		if (instruction_is(&p->v[i], op)) {
			if (at >= 0)
				return -1;
			at = (int)i;
		}
	return at;
}

static bool loop_find(const struct program *p, struct loop *l)
{
	int open = only(p, "VOpen"), filter = only(p, "VFilter"), next = only(p, "VNext");
	int constants = only(p, "Transaction");

	if (open < 0 || filter < 0 || next <= filter || constants < 0)
		return false;
	*l = (struct loop){.p = p,
	                   .constants = (size_t)constants,
	                   .cursor = p->v[filter].p1,
	                   .first = filter + 1,
	                   .next = next,
	                   .fields = -1,
	                   .found = -1};
	return p->v[open].p1 == l->cursor && p->v[next].p1 == l->cursor && p->v[next].p2 == l->first;
}

/* The instruction that puts a constant into a register, before the statement begins. */
static const struct instruction *constant_of(const struct loop *l, const char *op, int reg)
{
	const struct instruction *found = NULL;

	for (size_t i = l->constants; i < l->p->n; i++)
		if (instruction_is(&l->p->v[i], op) && l->p->v[i].p2 == reg) {
			if (found)
				return NULL;
			found = &l->p->v[i];
		}
	return found;
}

/* A column or a function's value goes into a register. */
static void register_set(struct loop *l, int reg)
{
	l->fields = l->fields == reg ? -1 : l->fields;
	l->found = l->found == reg ? -1 : l->found;
}

static void column_read(struct loop *l, const struct instruction *i)
{
	register_set(l, i->p3);
	if (i->p1 == l->cursor && i->p2 == COL_FIELDS)
		l->fields = i->p3;
}

static void function_called(struct loop *l, const struct instruction *i)
{
	const struct instruction *text = NULL;

	if (l->fields >= 0 && i->p2 == l->fields && i->text && !strcmp(i->text, "instr(2)") && i->p1 & 2)
		text = constant_of(l, "String8", i->p2 + 1);
	register_set(l, i->p3);
	if (text && text->text && *text->text) {
		l->found = i->p3;
		l->text = text->text;
	}
}

/* Whether `a op b` is true. */
static bool compares(const struct instruction *i, int a, int b)
{
	return instruction_is(i, "Le")   ? a <= b
	       : instruction_is(i, "Lt") ? a < b
	       : instruction_is(i, "Ge") ? a >= b
	       : instruction_is(i, "Gt") ? a > b
	       : instruction_is(i, "Eq") ? a == b
	                                 : a != b;
}

static bool is_comparison(const struct instruction *i)
{
	static const char *const ops[] = {"Le", "Lt", "Ge", "Gt", "Eq", "Ne"};

	for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
		if (instruction_is(i, ops[k]))
			return true;
	return false;
}

/* A test that goes on to the next row: does it where instr() said 0, or NULL? */
static bool leaves_out(const struct loop *l, const struct instruction *i)
{
	const struct instruction *with;

	if (l->found < 0)
		return false;
	if (instruction_is(i, "IfNot"))
		return i->p1 == l->found && i->p3;
	if (!is_comparison(i) || !(i->p5 & JUMP_IF_NULL) || (i->p1 == l->found) == (i->p3 == l->found))
		return false;
	with = constant_of(l, "Integer", i->p1 == l->found ? i->p3 : i->p1);
	return with && (i->p1 == l->found ? compares(i, with->p1, 0) : compares(i, 0, with->p1));
}

static bool is_test(const struct instruction *i)
{
	return is_comparison(i) || instruction_is(i, "If") || instruction_is(i, "IfNot") ||
	       instruction_is(i, "IsNull") || instruction_is(i, "NotNull");
}

/* Reads the loop up to the first instruction that may have an effect. */
static const char *loop_text(struct loop *l)
{
	for (int at = l->first; at < l->next; at++) {
		const struct instruction *i = &l->p->v[at];

		if (instruction_is(i, "VColumn"))
			column_read(l, i);
		else if (instruction_is(i, "Function"))
			function_called(l, i);
		else if (!is_test(i) || i->p2 != l->next)
			return NULL;
		else if (leaves_out(l, i))
			return l->text;
	}
	return NULL;
}

char *event_implied_text(sqlite3_stmt *stmt)
{
	const char *text = NULL, *sql = sqlite3_stmt_isexplain(stmt) ? NULL : sqlite3_sql(stmt);
	struct program p = {0};
	struct loop l;
	char *copy;

	if (!sql || program_read(sqlite3_db_handle(stmt), sql, &p))
		return NULL;
	if (loop_find(&p, &l))
		text = loop_text(&l);
	copy = text ? strdup(text) : NULL;
	program_done(&p);
	return copy;
}
