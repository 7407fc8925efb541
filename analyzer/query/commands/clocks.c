/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clocks.c - how far the clocks of hosts are apart, by spans of one that lie inside those of another, and by messages
 * between them.
 *
 * Who calls sends before the other receives, and has the answer after the other is done. So of a parent and a child on
 * two workers the child's clock is ahead by at most what it began later, and by at least what it ended later. All pairs
 * together leave a stretch; where they leave none (a clock that was set, or drifts) the median of the pairs' middles
 * counts. A child that took longer than its parent was not waited for: it says nothing. Nothing is moved by it. */
#include "base/array.h"
#include "base/hash.h"
#include "base/intern.h"
#include "model/span.h"
#include "query/commands/commands.h"
#include "query/core/command.h"
#include "render/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLOCK_NO_LOW  INT64_MIN
#define CLOCK_NO_HIGH INT64_MAX

/* The clock of `of` is ahead of that of `against` by low_ns to high_ns. */
struct clock_pair {
	int64_t run;
	uint32_t of, against; /* of clock_pairs.workers */
	int64_t low_ns, high_ns;
};

struct clock_pairs {
	struct intern workers;
	struct clock_pair *all;
	size_t n, room;
};

/* Messages that one worker sent and another received. */
struct clock_messages {
	int64_t run;                 /* 0: of all */
	const char *sent, *received; /* texts of such lines, besides those that formats name; NULL: none */
	size_t most;                 /* that are looked at */
	/* out */
	bool more;          /* there were more than that */
	uint64_t ambiguous; /* ids with several of them among more than two workers */
};

#define SPANS_MAX    (16u << 20) /* that are looked at; those beyond are left out, and that is said */
#define MESSAGES_MAX (8u << 20)  /* the same */
#define GLANCE_MAX   (1u << 16)  /* of both, where other tables only name what they show */

struct one {
	int64_t run, id, parent, start_ns, end_ns;
	uint32_t worker;
};

struct clocks {
	struct clock_pairs pairs;
	struct one *spans; /* with both ends and a worker */
	size_t nspans, spans_room, most;
	bool more;
	struct clock_messages messages;
};

static int take(struct clocks *c, const struct span_row *row)
{
	struct one *to;
	uint32_t worker;
	int rc;

	if (row->start_ns == INT64_MIN || row->end_ns == INT64_MIN || !row->worker.ptr || row->certainty != SPAN_BY_ID)
		return 0;
	if (c->nspans == c->most) {
		c->more = true;
		return 0;
	}
	if ((rc = intern_add(&c->pairs.workers, row->worker, &worker)))
		return rc;
	to = array_add(c->spans, c->nspans, c->spans_room);
	if (!to)
		return -ENOMEM;
	*to = (struct one){row->run, row->id, row->parent, row->start_ns, row->end_ns, worker};
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Turned round where it must be: of two workers the one that was met first is the one to hold against. */
static int clock_pairs_add(struct clock_pairs *c, struct clock_pair p)
{
	struct clock_pair *to = array_add(c->all, c->n, c->room);

	if (!to)
		return -ENOMEM;
	*to = p;
	if (p.of < p.against)
		*to =
		    (struct clock_pair){p.run, p.against, p.of, p.high_ns == CLOCK_NO_HIGH ? CLOCK_NO_LOW : -p.high_ns,
		                        p.low_ns == CLOCK_NO_LOW ? CLOCK_NO_HIGH : -p.low_ns};
	return 0;
}

static int pair_of(struct clocks *c, const struct one *child)
{
	struct one key = {.id = child->parent};
	const struct one *parent =
	    child->parent == INT64_MIN ? NULL : bsearch(&key, c->spans, c->nspans, sizeof key, by_id);

	if (!parent || parent->worker == child->worker || parent->run != child->run ||
	    child->end_ns - child->start_ns > parent->end_ns - parent->start_ns)
		return 0;
	return clock_pairs_add(&c->pairs,
	                       (struct clock_pair){child->run, child->worker, parent->worker,
	                                           child->end_ns - parent->end_ns, child->start_ns - parent->start_ns});
}

/* ---- messages ----
 *
 * Of a message from a to b the clock of b is ahead of that of a by at most what it showed later; one from b to a bounds
 * it from the other side. Which lines are such is said by formats, or by the user. Sending and receiving go together by
 * an id of the message, or by the transaction. Of an id between two workers the first that one sent and the last that
 * the other received hold, however many there are; among more workers only one that was sent once tells. */

#define WORKERS_MAX 64 /* of one id; one that more have is left out */

struct message {
	int64_t run, time_ns;
	uint64_t id;
	uint32_t worker;
	bool received;
};

struct reading {
	struct clock_messages *m;
	struct clock_pairs *c;
	struct message *all;
	size_t n, room;
};

static bool want(const struct shape *head, void *arg)
{
	const struct clock_messages *m = arg;

	return head->as_pair || (m->sent && (head->message_slot >= 0 || slice_is(head->message, m->sent) ||
	                                     slice_is(head->message, m->received)));
}

/* Whether a line is one of them; *received: which. */
static bool is_message(const struct clock_messages *m, const struct event *e, bool *received)
{
	struct slice text = e->head->as_pair ? event_as(e, "as_pair") : event_message(e);

	*received = slice_is(text, e->head->as_pair ? "received" : m->received);
	return *received || slice_is(text, e->head->as_pair ? "sent" : m->sent);
}

static int message_take(struct reading *r, const struct event *e)
{
	struct message *to;
	struct slice id;
	bool received;
	uint32_t worker;
	int rc;

	if (!is_message(r->m, e, &received))
		return event_error(e);
	if (!e->head->as_pair || !event_as_value(e, "as_id", &id))
		id = e->tid;
	if (event_error(e) || !id.len || !e->worker.len)
		return event_error(e);
	if (r->n == r->m->most) {
		r->m->more = true;
		return 0;
	}
	if ((rc = intern_add(&r->c->workers, e->worker, &worker)))
		return rc;
	to = array_add(r->all, r->n, r->room);
	if (!to)
		return -ENOMEM;
	*to = (struct message){e->run, e->time_ns, hash_bytes(id.ptr, id.len, 0), worker, received};
	return 0;
}

static int message_by_id(const void *a, const void *b)
{
	const struct message *x = a, *y = b;

	if (x->run != y->run)
		return (x->run > y->run) - (x->run < y->run);
	return (x->id > y->id) - (x->id < y->id);
}

/* What one worker did with an id. */
struct party {
	uint32_t worker;
	unsigned sent, received;
	int64_t first_sent_ns, last_received_ns;
};

static struct party *party_of(struct party *all, unsigned *n, uint32_t worker)
{
	unsigned i = 0;

	while (i < *n && all[i].worker != worker)
		i++;
	if (i == WORKERS_MAX)
		return NULL;
	if (i == *n)
		all[(*n)++] = (struct party){.worker = worker};
	return &all[i];
}

/* The messages of one id. */
static int parties_hold(struct reading *r, const struct message *m, size_t n)
{
	struct party all[WORKERS_MAX];
	unsigned parties = 0, sent = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct party *p = party_of(all, &parties, m[i].worker);

		if (!p)
			break;
		if (m[i].received && (!p->received++ || m[i].time_ns > p->last_received_ns))
			p->last_received_ns = m[i].time_ns;
		if (!m[i].received && (!p->sent++ || m[i].time_ns < p->first_sent_ns))
			p->first_sent_ns = m[i].time_ns;
		sent += !m[i].received;
	}
	if (parties > 2 && (sent > 1 || parties == WORKERS_MAX)) {
		r->m->ambiguous++;
		return 0;
	}
	for (unsigned a = 0; a < parties && !rc; a++)
		for (unsigned b = 0; b < parties && !rc; b++)
			if (a != b && all[a].sent && all[b].received)
				rc = clock_pairs_add(
				    r->c, (struct clock_pair){m->run, all[b].worker, all[a].worker, CLOCK_NO_LOW,
				                              all[b].last_received_ns - all[a].first_sent_ns});
	return rc;
}

static int clock_messages_read(struct store *s, struct clock_messages *m, struct clock_pairs *c)
{
	struct event_query eq = {.run = m->run, .want = want, .want_arg = m};
	struct reading r = {.m = m, .c = c};
	struct event_cursor *cursor = NULL;
	const struct event *e;
	int rc = event_cursor_open(s, &eq, &cursor);

	while (!rc && !m->more && (rc = event_cursor_next(cursor, &e)) == 1)
		rc = query_interrupted ? -EINTR : message_take(&r, e);
	event_cursor_close(cursor);
	if (!rc && r.n)
		qsort(r.all, r.n, sizeof *r.all, message_by_id);
	for (size_t from = 0, to; !rc && from < r.n; from = to) {
		for (to = from + 1; to < r.n && !message_by_id(&r.all[from], &r.all[to]); to++)
			;
		rc = parties_hold(&r, &r.all[from], to - from);
	}
	free(r.all);
	return rc;
}

/* ---- what they say ---- */

static int64_t middle(const struct clock_pair *p)
{
	return p->low_ns == CLOCK_NO_LOW     ? p->high_ns
	       : p->high_ns == CLOCK_NO_HIGH ? p->low_ns
	                                     : p->low_ns + (p->high_ns - p->low_ns) / 2;
}

static int by_hosts(const void *a, const void *b)
{
	const struct clock_pair *x = a, *y = b;

	if (x->run != y->run)
		return (x->run > y->run) - (x->run < y->run);
	if (x->against != y->against)
		return (x->against > y->against) - (x->against < y->against);
	if (x->of != y->of)
		return (x->of > y->of) - (x->of < y->of);
	return (middle(x) > middle(y)) - (middle(x) < middle(y));
}

static const struct column columns[] = {
    {"run", UNIT_RUN},     {"worker", UNIT_WHOLE}, {"against", UNIT_WHOLE}, {"pairs", UNIT_COUNT},
    {"ahead_ns", UNIT_NS}, {"within_ns", UNIT_NS}, {"known_by", UNIT_NONE},
};

/* What n pairs of the same hosts, sorted by their middles, say together. */
struct offset {
	int64_t ahead_ns, within_ns; /* within_ns -1: not known */
	const char *known_by;
};

static struct offset offset_of(const struct clock_pair *p, size_t n)
{
	int64_t low = CLOCK_NO_LOW, high = CLOCK_NO_HIGH;

	for (size_t i = 0; i < n; i++) {
		low = p[i].low_ns > low ? p[i].low_ns : low;
		high = p[i].high_ns < high ? p[i].high_ns : high;
	}
	if (low == CLOCK_NO_LOW || high == CLOCK_NO_HIGH)
		return (struct offset){low == CLOCK_NO_LOW ? high : low, -1,
		                       low == CLOCK_NO_LOW ? "at most" : "at least"};
	return low <= high ? (struct offset){low + (high - low) / 2, (high - low + 1) / 2, "bounds"}
	                   : (struct offset){middle(&p[n / 2]), -1, "median"};
}

static bool put_hosts(struct query *q, struct table *t, const struct clocks *c, const struct clock_pair *p, size_t n)
{
	struct slice of = intern_text(&c->pairs.workers, p->of), against = intern_text(&c->pairs.workers, p->against);
	struct offset o = offset_of(p, n);

	return query_table_row(q, t,
	                       (struct cell[]){
	                           CELL_OF_INT(p->run),
	                           cell_of_bytes(of.ptr, of.len),
	                           cell_of_bytes(against.ptr, against.len),
	                           CELL_OF_INT((int64_t)n),
	                           CELL_OF_INT(o.ahead_ns),
	                           o.within_ns < 0 ? CELL_OF_NULL : CELL_OF_INT(o.within_ns),
	                           cell_of_text(o.known_by),
	                       });
}

static size_t same_hosts(const struct clock_pairs *c, size_t from)
{
	size_t to = from + 1;

	while (to < c->n && c->all[to].run == c->all[from].run && c->all[to].of == c->all[from].of &&
	       c->all[to].against == c->all[from].against)
		to++;
	return to;
}

static void put(struct query *q, const struct clocks *c)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	bool more = true;

	for (size_t from = 0, to; more && from < c->pairs.n; from = to) {
		to = same_hosts(&c->pairs, from);
		more = put_hosts(q, t, c, &c->pairs.all[from], to - from);
	}
	query_table_close(q, t);
}

static int gather(struct query *q, struct clocks *c)
{
	struct span_query sq = {.run = query_run(q)};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc = q->status ? 0 : span_reader_open(q->store, &sq, &reader);

	while (reader && !rc && !c->more && (rc = span_reader_next(reader, &row)) == 1)
		rc = query_interrupted ? -EINTR : take(c, &row);
	span_reader_close(reader);
	if (!rc && c->nspans)
		qsort(c->spans, c->nspans, sizeof *c->spans, by_id);
	for (size_t i = 0; i < c->nspans && !rc; i++)
		rc = pair_of(c, &c->spans[i]);
	if (!rc && !q->status)
		rc = clock_messages_read(q->store, &c->messages, &c->pairs);
	if (c->pairs.n)
		qsort(c->pairs.all, c->pairs.n, sizeof *c->pairs.all, by_hosts);
	return rc;
}

static void clocks_done(struct clocks *c)
{
	free(c->spans);
	free(c->pairs.all);
	intern_done(&c->pairs.workers);
}

static void notes(const struct query *q, const struct clocks *c)
{
	if (c->more)
		query_note(q, "the first %u spans alone", SPANS_MAX);
	if (c->messages.more)
		query_note(q, "the first %u messages alone", MESSAGES_MAX);
	if (c->messages.ambiguous)
		query_note(
		    q,
		    "left out: %llu ids of several messages among more than two workers (\"pair\" of a format names "
		    "an id for each)",
		    (unsigned long long)c->messages.ambiguous);
	else if (!q->status && !c->pairs.n)
		query_note(q,
		           "no span of one worker lies in one of another, and no message is known to go between them: "
		           "nothing tells their clocks");
}

static void run(struct query *q)
{
	struct clocks c = {.most = SPANS_MAX,
	                   .messages = {.run = query_run(q),
	                                .sent = args_value(q->args, "sent"),
	                                .received = args_value(q->args, "received"),
	                                .most = MESSAGES_MAX}};

	if (!c.messages.sent != !c.messages.received) {
		query_fail(q, USAGE, "clocks: --sent and --received go together");
		return;
	}
	intern_init(&c.pairs.workers);
	if (query_ok(q, gather(q, &c), q->path)) {
		put(q, &c);
		notes(q, &c);
	}
	clocks_done(&c);
}

/* Does a log of other programs name several workers? Only there calls go from one to another. */
static bool has_hosts(struct query *q)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT 1 FROM source WHERE format IS NOT NULL AND format <> 'tracing' "
	                                      "LIMIT 1");
	bool is = query_next(q, stmt);

	sqlite3_finalize(stmt);
	return is;
}

void clocks_glance(struct query *q)
{
	struct clocks c = {.most = GLANCE_MAX, .messages = {.most = GLANCE_MAX}};

	if (q->status || !has_hosts(q))
		return;
	intern_init(&c.pairs.workers);
	if (query_ok(q, gather(q, &c), q->path))
		for (size_t from = 0, to; from < c.pairs.n; from = to) {
			const struct clock_pair *p = &c.pairs.all[from];
			struct offset o;
			struct slice of = intern_text(&c.pairs.workers, p->of),
			             against = intern_text(&c.pairs.workers, p->against);
			char text[NUMBER_MAX];
			size_t len;

			to = same_hosts(&c.pairs, from);
			o = offset_of(p, to - from);
			if (o.within_ns < 0 || (o.ahead_ns >= 0 ? o.ahead_ns : -o.ahead_ns) <= o.within_ns)
				continue;
			len =
			    number_duration(o.ahead_ns >= 0 ? o.ahead_ns : -o.ahead_ns, q->out->utf8 ? "µ" : "u", text);
			query_note(q,
			           "run %lld: the clock of %.*s is %.*s %s that of %.*s (ilu-logq clocks); no time is "
			           "moved by it",
			           (long long)p->run, (int)of.len, of.ptr, (int)len, text,
			           o.ahead_ns >= 0 ? "ahead of" : "behind", (int)against.len, against.ptr);
		}
	clocks_done(&c);
}

static const struct option_spec options[] = {
    {.name = "sent", .value = "MESSAGE", .help = "lines where a message leaves a worker, ..."},
    {.name = "received", .value = "MESSAGE", .help = "... and where it comes to another, of the same transaction"},
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_clocks = {
    .name = "clocks",
    .group = GROUP_ANSWERS,
    .help = "how far the clocks of workers are apart, by calls and messages between them",
    .more =
        "A span in another worker's begins after that one and ends before it: ahead_ns is how far the clock of worker "
        "is before that of against, within_ns how sure that is. Where the calls contradict each other (a clock was "
        "set), it is their median. Messages that one sends and another receives tell the same, one way alone an end of "
        "it (at most, at least): their lines are named by a format (\"sent\", \"received\") or by options. No time is "
        "moved by it.",
    .examples = "clocks\nclocks --run prod\nclocks --sent 'calling pay' --received 'request in'",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
