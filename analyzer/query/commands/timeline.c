/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline.c - one transaction from beginning to end: phases, spans, lines, in each run it occurs in.
 *
 * For people a drawing; for programs one flat table with everything, a row a phase, span or event, which `kind` tells
 * apart. */
#include "query/timelines/timeline.h"
#include "query/commands/commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENTS = 20000 };

static const struct column flat[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},     {"tid", UNIT_ID},         {"kind", UNIT_WHOLE},
    {"start_ns", UNIT_TIME},   {"end_ns", UNIT_TIME}, {"duration_ns", UNIT_NS}, {"depth", UNIT_NONE},
    {"name", UNIT_NONE},       {"level", UNIT_LEVEL}, {"target", UNIT_TARGET},  {"worker", UNIT_NONE},
    {"certainty", UNIT_NONE},  {"fields", UNIT_JSON},
};

enum { FLAT = sizeof flat / sizeof *flat };

static void begin(struct cell *c, const struct transaction *tx, const char *kind, int64_t start, int64_t end)
{
	for (int i = 0; i < FLAT; i++)
		c[i] = CELL_OF_NULL;
	c[0] = CELL_OF_INT(tx->offset_s);
	c[1] = CELL_OF_INT(tx->run);
	c[2] = cell_of_text(tx->tid);
	c[3] = cell_of_text(kind);
	c[4] = CELL_OF_INT(start);
	c[5] = CELL_OF_INT(end);
	c[6] = CELL_OF_INT(end - start);
}

static int put_flat(struct table *t, const struct transaction *tx)
{
	struct cell c[FLAT];
	int rc = 0;

	for (size_t i = 0; i < tx->nphases && !rc; i++) {
		begin(c, tx, "phase", tx->phases[i].start_ns, tx->phases[i].end_ns);
		c[8] = cell_of_text(tx->phases[i].name);
		rc = table_row(t, c);
	}
	for (size_t i = 0; i < tx->nspans && !rc; i++) {
		const struct tx_span *s = &tx->spans[i];

		begin(c, tx, "span", s->start_ns, s->end_ns);
		if (s->open)
			c[5] = c[6] = CELL_OF_NULL;
		c[7] = CELL_OF_INT(s->depth);
		c[8] = cell_of_text(s->name);
		c[9] = cell_of_text(s->level);
		c[10] = cell_of_text(s->target);
		c[11] = cell_of_text(s->worker);
		c[12] = cell_of_text(s->certainty);
		rc = table_row(t, c);
	}
	for (size_t i = 0; i < tx->nevents && !rc; i++) {
		const struct tx_event *e = &tx->events[i];

		begin(c, tx, "event", e->time_ns, e->time_ns);
		c[8] = cell_of_text(e->message);
		c[9] = cell_of_text(e->level);
		c[10] = cell_of_text(e->target);
		c[11] = cell_of_text(e->worker);
		c[13] = cell_of_text(e->fields);
		rc = table_row(t, c);
	}
	return rc;
}

static int draw(struct query *q, const struct transaction *tx)
{
	struct timeline_options o = {.all = args_has(q->args, "verbose"), .utf8 = q->out->utf8};
	struct arena arena = {0};
	struct timeline t;
	int rc = timeline_make(&arena, tx, &o, &t);

	if (!rc)
		rc = timeline_text(q->out, &t);
	arena_done(&arena);
	return rc;
}

struct showing {
	const char *tid;
	struct table *table; /* NULL: draw */
	int shown;
};

static int show_run(struct query *q, int64_t run, void *arg)
{
	struct showing *s = arg;
	struct transaction tx;
	int64_t most = s->table ? INT64_MAX : MAX_EVENTS;
	int status = query_limit(q, most, &most), rc = 0;

	if (status)
		return status;
	if (!most)
		most = INT64_MAX;
	status = transaction_read(q, run, s->tid, most, &tx);
	if (!status && s->shown++ && !s->table)
		fputc('\n', q->out->file);
	if (!status)
		rc = s->table ? put_flat(s->table, &tx) : draw(q, &tx);
	transaction_done(&tx);
	return status ? status : query_errno(q, rc, "output");
}

int cmd_timeline(struct query *q)
{
	struct showing s = {0};
	char *tid = NULL;
	int status = query_tid(q, q->args->words[0], &tid), rc = 0;

	if (!status && q->out->format != FORMAT_TEXT)
		rc = table_open(q->out, flat, FLAT, &s.table);
	s.tid = tid;
	if (!status && !rc)
		status = transaction_runs(q, tid, show_run, &s);
	if (rc || (rc = table_close(s.table)))
		status = status ? status : query_errno(q, rc, "output");
	free(tid);
	return status;
}
