/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline.c - one transaction from beginning to end: phases, spans, lines.
 *
 * For people a drawing; for programs one flat table with everything, a row a phase, request inside it, span or event,
 * which `kind` tells apart. */
#include "query/timelines/timeline.h"
#include "query/core/command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static void put_phases(struct query *q, struct table *t, const struct transaction *tx)
{
	struct cell c[FLAT];

	for (size_t i = 0; i < tx->nphases; i++) {
		begin(c, tx, "phase", tx->phases[i].start_ns, tx->phases[i].end_ns);
		c[8] = cell_of_text(tx->phases[i].name);
		query_table_row(q, t, c);
	}
}

static void put_nested(struct query *q, struct table *t, const struct transaction *tx)
{
	struct cell c[FLAT];

	for (size_t i = 0; i < tx->nnested; i++) {
		const struct tx_nested *n = &tx->nested[i];

		begin(c, tx, "request", n->start_ns, n->end_ns);
		c[2] = cell_of_text(n->tid);
		if (n->open)
			c[5] = c[6] = CELL_OF_NULL;
		c[7] = CELL_OF_INT(n->depth);
		c[8] = cell_of_text(n->function);
		c[11] = cell_of_text(n->worker);
		c[12] = cell_of_text("id");
		query_table_row(q, t, c);
	}
}

static void put_spans(struct query *q, struct table *t, const struct transaction *tx)
{
	struct cell c[FLAT];

	for (size_t i = 0; i < tx->nspans; i++) {
		const struct tx_span *s = &tx->spans[i];

		begin(c, tx, "span", s->start_ns, s->end_ns);
		c[1] = CELL_OF_INT(s->run);
		if (s->open)
			c[5] = c[6] = CELL_OF_NULL;
		c[7] = CELL_OF_INT(s->depth);
		c[8] = cell_of_text(s->name);
		c[9] = cell_of_text(s->level);
		c[10] = cell_of_text(s->target);
		c[11] = cell_of_text(s->worker);
		c[12] = cell_of_text(s->certainty);
		query_table_row(q, t, c);
	}
}

static void put_events(struct query *q, struct table *t, const struct transaction *tx)
{
	struct cell c[FLAT];

	for (size_t i = 0; i < tx->nevents; i++) {
		const struct tx_event *e = &tx->events[i];

		begin(c, tx, "event", e->time_ns, e->time_ns);
		c[1] = CELL_OF_INT(e->run);
		c[8] = cell_of_text(e->message);
		c[9] = cell_of_text(e->level);
		c[10] = cell_of_text(e->target);
		c[11] = cell_of_text(e->worker);
		c[13] = cell_of_text(e->fields);
		query_table_row(q, t, c);
	}
}

/* length_ns: of the ruler, where another one has it too; 0: its own. */
static void draw(struct query *q, const struct transaction *tx, const struct timeline_options *o, int64_t length_ns)
{
	struct arena arena = {0};
	struct timeline t;
	int rc = timeline_make(&arena, tx, o, &t);

	if (!rc && length_ns)
		t.end_ns = t.start_ns + length_ns;
	if (!rc)
		rc = timeline_text(q->out, &t);
	arena_done(&arena);
	query_wrote(q, rc);
}

struct showing {
	struct timeline_options options;
	struct table *table; /* NULL: draw */
	int shown;
	const struct query_tid *beside; /* another one that is set beside it, or NULL */
	const struct transaction *first;
	int64_t lines;
};

static void show_run(struct query *q, const struct transaction *tx, void *arg)
{
	struct showing *s = arg;

	if (!s->table) {
		if (s->shown++)
			fputc('\n', q->out->file);
		draw(q, tx, &s->options, 0);
		return;
	}
	put_phases(q, s->table, tx);
	put_nested(q, s->table, tx);
	put_spans(q, s->table, tx);
	put_events(q, s->table, tx);
}

/* ---- one beside another ---- */

static int64_t phase_ns(const struct transaction *tx, const char *name, bool *any)
{
	int64_t ns = 0;

	*any = false;
	for (size_t i = 0; i < tx->nphases; i++)
		if (!strcmp(tx->phases[i].name, name)) {
			ns += tx->phases[i].end_ns - tx->phases[i].start_ns;
			*any = true;
		}
	return ns;
}

static bool put_pair(struct query *q, struct table *t, const char *name, int64_t a, int64_t b)
{
	struct cell c[] = {cell_of_text(name), CELL_OF_INT(a), CELL_OF_INT(b), CELL_OF_INT(a - b)};

	return query_table_row(q, t, c);
}

/* Each phase once, of both; then what they add up to. */
static void put_pairs(struct query *q, const struct transaction *a, const struct transaction *b)
{
	static const struct column columns[] = {
	    {"phase", UNIT_WHOLE}, {"this_ns", UNIT_NS}, {"beside_ns", UNIT_NS}, {"more_ns", UNIT_NS}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	const struct transaction *const both[] = {a, b};
	int64_t sum[2] = {0, 0};
	bool any, before;

	for (int k = 0; k < 2; k++)
		for (size_t i = 0; i < both[k]->nphases; i++) {
			const struct tx_phase *p = &both[k]->phases[i];

			before = false;
			for (size_t j = 0; j < i && !before; j++)
				before = !strcmp(both[k]->phases[j].name, p->name);
			if (k && !before)
				phase_ns(a, p->name, &before);
			sum[k] += p->end_ns - p->start_ns;
			if (!before)
				put_pair(q, t, p->name, phase_ns(a, p->name, &any), phase_ns(b, p->name, &any));
		}
	put_pair(q, t, "end to end", sum[0], sum[1]);
	query_table_close(q, t);
}

/* The phases side by side, then both drawings on one scale. */
static void show_pair(struct query *q, const struct transaction *b, void *arg)
{
	struct showing *s = arg;
	const struct transaction *a = s->first;
	int64_t length = a->end_ns - a->start_ns;

	if (s->shown++)
		fputc('\n', q->out->file);
	length = b->end_ns - b->start_ns > length ? b->end_ns - b->start_ns : length;
	put_pairs(q, a, b);
	fputc('\n', q->out->file);
	draw(q, a, &s->options, length);
	fputc('\n', q->out->file);
	draw(q, b, &s->options, length);
}

static void show_beside(struct query *q, const struct transaction *a, void *arg)
{
	struct showing *s = arg;

	s->first = a;
	transaction_each(q, s->beside, s->lines, show_pair, s);
}

static void run(struct query *q)
{
	struct showing s = {.options = {.all = args_has(q->args, "verbose"), .utf8 = q->out->utf8}};
	bool people = q->out->format == FORMAT_TEXT;
	int64_t lines = people && !args_has(q->args, "limit") ? TRANSACTION_EVENTS : q->limit;
	const char *beside = args_value(q->args, "beside");
	struct query_tid of = query_tid(q, q->args->words[0]), other = {0};

	if (beside)
		other = query_tid(q, beside);
	s.beside = &other;
	s.lines = lines;
	if (!people)
		s.table = query_table_open(q, flat, FLAT);
	transaction_each(q, &of, lines, people && beside ? show_beside : show_run, &s);
	if (!people && beside)
		transaction_each(q, &other, lines, show_run, &s);
	query_table_close(q, s.table);
	query_tid_done(&of);
	query_tid_done(&other);
}

static const struct option_spec options[] = {
    {.name = "verbose", .letter = 'v', .help = "every span and every line"},
    {.name = "beside",
     .value = "TID",
     .hint = HINT_TID,
     .help = "with another one: their phases side by side, and both on one scale"},
    {.name = "limit", .letter = 'n', .value = "N", .help = "read at most N of its lines; 0: all; default 20000"},
    OPTION_RUN,
    {0},
};

const struct command command_timeline = {
    .name = "timeline",
    .group = GROUP_ANSWERS,
    .words = "TID",
    .least = 1,
    .most = 1,
    .hint = HINT_TID,
    .help = "one transaction from beginning to end: phases, spans, lines, silences",
    .more =
        "TID may be as much of the id as tells it from others. Repeated and short things are folded; -v shows all. CSV "
        "and JSON have\n"
        "every phase, request inside it, span and event as one flat table. A request that several runs have lines of "
        "is shown as one; "
        "where it\n"
        "is an invocation in more than one of them, each for itself.",
    .examples =
        "timeline 3a294129\ntimeline 3a294129 -v\ntimeline 3a294129 --beside 7b895244\n--format json timeline 3a294129",
    .options = options,
    .own_limit = true,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(flat),
};
