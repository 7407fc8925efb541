/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql_scan.c - see sql_scan.h
 *
 * SQLite asks a virtual table for one value at a time and copies each. Where a statement is nothing but columns of all
 * events, which its compiled program tells, however it was spelled, CSV of them is written straight from the chunks, by
 * several threads: each writes down a group of rows at a time, and whoever has the next one in the order of the log
 * puts it out. */
#include "query/commands/sql_scan.h"

#include "base/array.h"
#include "base/sql.h"
#include "model/parts.h"
#include "query/events/event_csv.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 16, HELD_MAX = 8 << 20 }; /* bytes that wait for their turn */

/* ---- what a statement does ---- */

enum { REGISTERS = 256 };

/* Its program, as far as it was looked at. */
struct seen {
	bool opened, filtered, given; /* one virtual table, all of it, one kind of row */
	int number[REGISTERS];        /* what Integer put there; -1: nothing */
	int column[REGISTERS];        /* what VColumn put there; -1: nothing */
	int first, n;                 /* registers of the row */
};

static bool in_registers(int r)
{
	return r >= 0 && r < REGISTERS;
}

/* The table is read from its start to its end: plan 0 with no arguments. */
static bool filter_is_empty(struct seen *p, int at)
{
	bool first = !p->filtered;

	p->filtered = true;
	return first && in_registers(at) && in_registers(at + 1) && !p->number[at] && !p->number[at + 1];
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word))
		words++;
	return *words;
}

/* One instruction; false: it is of another kind of statement. */
static bool look(struct seen *p, const struct instruction *i)
{
	static const char *const harmless[] = {"Init", "Explain", "Noop", "VNext", "Halt", "Transaction", NULL};
	bool first;

	if (instruction_is(i, "VOpen")) {
		first = !p->opened;
		p->opened = true;
		return first;
	}
	if (instruction_is(i, "Integer")) {
		if (in_registers(i->p2))
			p->number[i->p2] = i->p1;
		return in_registers(i->p2);
	}
	if (instruction_is(i, "VFilter"))
		return filter_is_empty(p, i->p3);
	if (instruction_is(i, "VColumn")) {
		if (in_registers(i->p3))
			p->column[i->p3] = i->p2;
		return in_registers(i->p3);
	}
	if (instruction_is(i, "ResultRow")) {
		first = !p->given;
		p->given = true;
		p->first = i->p1;
		p->n = i->p2;
		return first;
	}
	if (instruction_is(i, "Goto")) /* back from the prologue; any other leaves out what is always false */
		return p->given && i->p2 == 1;
	return is_one_of(i->op, harmless);
}

static bool program_look(sqlite3 *db, const char *sql, struct seen *p)
{
	struct program program;
	bool fits = !program_read(db, sql, &program);

	if (!fits)
		return false;
	memset(p->number, -1, sizeof p->number);
	memset(p->column, -1, sizeof p->column);
	for (size_t i = 0; fits && i < program.n; i++)
		fits = look(p, &program.v[i]);
	program_done(&program);
	return fits && p->opened && p->filtered && p->given;
}

size_t sql_scan_of(sqlite3_stmt *stmt, bool only_event, enum event_column columns[SQL_SCAN_COLUMNS])
{
	struct seen p = {0};

	if (!only_event || sqlite3_stmt_isexplain(stmt) || sqlite3_bind_parameter_count(stmt) ||
	    !program_look(sqlite3_db_handle(stmt), sqlite3_sql(stmt), &p) || p.n > SQL_SCAN_COLUMNS ||
	    !in_registers(p.first) || !in_registers(p.first + p.n - 1))
		return 0;
	for (int i = 0; i < p.n; i++) {
		if (p.column[p.first + i] < 0 || p.column[p.first + i] > COL_EVENT)
			return 0;
		columns[i] = (enum event_column)p.column[p.first + i];
	}
	return (size_t)p.n;
}

/* ---- its answer ---- */

/* What the threads share. */
struct scan {
	struct query *q;
	const enum event_column *columns;
	size_t ncolumns;
	struct event_csv_part *chunks; /* group 0 of each, in the order of the log */
	size_t nchunks, room;
	pthread_mutex_t lock;
	pthread_cond_t turned;
	size_t turn; /* the part that may be put out; its thread's alone */
	int rc;      /* of the first failure: nothing is put out any more */
	int out_rc;  /* of the output */
	struct writer {
		const struct store *store;
		struct event_csv *csv;
		struct text text;
	} writers[THREADS_MAX];
};

/* A part that is being written down. */
struct part {
	struct scan *scan;
	struct writer *writer;
	size_t i;
};

static int chunks_read(struct scan *s)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(s->q->store),
	                     "SELECT c.id, s.run, c.source, coalesce(s.offset_s, 0), c.first_line, c.first_offset FROM "
	                     "chunk c JOIN source s ON s.id = c.source ORDER BY c.source, c.first_line, c.id",
	                     &q);

	if (rc)
		return rc;
	while ((rc = sql_next(q)) == 1) {
		struct event_csv_part *p = array_add(s->chunks, s->nchunks, s->room);

		rc = p ? store_offset_ns(sqlite3_column_int64(q, 3), &p->offset_ns) : -ENOMEM;
		if (rc)
			break;
		p->chunk = sqlite3_column_int64(q, 0);
		p->run = sqlite3_column_int64(q, 1);
		p->source = sqlite3_column_int64(q, 2);
		p->first_line = sqlite3_column_int64(q, 4);
		p->first_offset = sqlite3_column_int64(q, 5);
		p->group = 0;
	}
	sqlite3_finalize(q);
	return rc;
}

/* The calling thread's, which it knows by its store. NULL: no memory. */
static struct writer *writer_of(struct scan *s, struct store *store)
{
	struct writer *w = s->writers;

	pthread_mutex_lock(&s->lock);
	while (w < s->writers + THREADS_MAX - 1 && w->store && w->store != store)
		w++;
	w->store = store;
	pthread_mutex_unlock(&s->lock);
	if (!w->csv && event_csv_new(store, s->columns, s->ncolumns, &w->csv))
		return NULL;
	return w;
}

/* Is it this part's turn? wait: until it is. */
static bool has_turn(struct part *p, bool wait)
{
	struct scan *s = p->scan;
	bool turn;

	pthread_mutex_lock(&s->lock);
	while (wait && s->turn != p->i)
		pthread_cond_wait(&s->turned, &s->lock);
	turn = s->turn == p->i;
	pthread_mutex_unlock(&s->lock);
	return turn;
}

/* Puts out what is there; the turn is this part's. */
static int put_out(struct part *p)
{
	struct scan *s = p->scan;
	struct text *t = &p->writer->text;
	int rc = query_interrupted ? -EINTR : t->failed ? -ENOMEM : 0;

	pthread_mutex_lock(&s->lock);
	rc = s->rc ? s->rc : rc;
	pthread_mutex_unlock(&s->lock);
	if (!rc && t->len && fwrite(t->ptr, 1, t->len, s->q->out->file) != t->len)
		rc = s->out_rc = output_status(s->q->out);
	t->len = 0;
	return rc;
}

static int part_full(void *arg, struct text *text)
{
	struct part *p = arg;

	return has_turn(p, text->len >= HELD_MAX) ? put_out(p) : 0;
}

static void turn_pass(struct scan *s, int rc)
{
	pthread_mutex_lock(&s->lock);
	if (!s->rc)
		s->rc = rc;
	s->turn++;
	pthread_cond_broadcast(&s->turned);
	pthread_mutex_unlock(&s->lock);
}

static int part_write(void *arg, struct store *store, size_t i)
{
	struct scan *s = arg;
	struct part p = {s, writer_of(s, store), i};
	struct event_csv_part at = s->chunks[i / EVENT_CSV_GROUPS];
	int rc = p.writer ? 0 : -ENOMEM, out;

	at.group = i % EVENT_CSV_GROUPS;
	if (!rc)
		rc = event_csv_write(p.writer->csv, &at, &p.writer->text, part_full, &p);
	has_turn(&p, true);
	out = p.writer ? put_out(&p) : 0; /* also what stands before a failure */
	turn_pass(s, rc ? rc : out);
	return rc ? rc : out;
}

static void scan_done(struct scan *s)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		event_csv_free(s->writers[i].csv);
		text_done(&s->writers[i].text);
	}
	free(s->chunks);
	pthread_cond_destroy(&s->turned);
	pthread_mutex_destroy(&s->lock);
}

/* The names of the statement's columns as the heading of a table, whose rows others write. */
static struct table *heading(struct query *q, sqlite3_stmt *stmt, size_t n)
{
	struct column *names = calloc(n + 1, sizeof *names);
	struct table *t = NULL;

	for (size_t i = 0; i < n && names; i++)
		names[i].name = sqlite3_column_name(stmt, (int)i);
	if (query_wrote(q, names ? 0 : -ENOMEM))
		t = query_table_open(q, names, n);
	free(names);
	return t;
}

void sql_scan_csv(struct query *q, sqlite3_stmt *stmt, const enum event_column *columns, size_t n)
{
	struct scan s = {.q = q,
	                 .columns = columns,
	                 .ncolumns = n,
	                 .lock = PTHREAD_MUTEX_INITIALIZER,
	                 .turned = PTHREAD_COND_INITIALIZER};
	struct table *t = heading(q, stmt, n);

	if (!q->status)
		query_ok(q, chunks_read(&s), q->path);
	if (!q->status) {
		int rc = parts_read(q->store, s.nchunks * EVENT_CSV_GROUPS, part_write, &s);

		query_wrote(q, s.out_rc);
		query_ok(q, rc, q->path);
	}
	query_table_close(q, t);
	scan_done(&s);
}
