/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_lines.c - the part of lint that reads all lines.
 *
 * What needs no table: lines that go back in time, foreign span lines, spans opened and closed by transaction, fields
 * that look like secrets, holes in our own sequence numbers.
 *
 * Of most lines their shapes say what there is to look at, and times, transactions and our own numbers stand in
 * columns: these lines are looked at as rows (row_take). A line that was kept whole, may have a secret, or has its time
 * or worker in a text of its own is looked at as an event (event_take). */
#include "findings/lint_lines.h"
#include "findings/lint_seen.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "findings/secret.h"
#include "model/extent.h"
#include "model/fact.h"
#include "model/parts.h"
#include "model/span.h"
#include "store/chunks.h"
#include "render/number.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct balance {
	int64_t run;
	uint32_t opened, closed;
};

/* What the lines of a head need. */
struct head_look {
	enum { HEAD_PLAIN, HEAD_SPAN, HEAD_OPENS, HEAD_CLOSES, HEAD_EVENT, HEAD_NOTHING } what;
	bool moved;    /* their times are of the source's clock */
	bool numbered; /* they have a number as ours in front */
};

enum { PID, SEQ, NUMBERS };

/* The same of a tail. */
struct tail_look {
	bool foreign;                           /* of a span line */
	int slot[NUMBERS];                      /* of our own pid and seq; -1: none */
	const struct segment *segment[NUMBERS]; /* of this group of rows; NULL: not read yet */
	int64_t same[NUMBERS];                  /* the number of all its lines there; SAME_NOT: they differ */
};

#define SAME_NOT INT64_MIN

/* Spans opened and closed in a chunk, by its numbers of transactions. */
struct chunk_balance {
	uint32_t opened, closed;
};

#define TIDS_MORE (1 << 13) /* those that are balanced are dropped when there are so many more */

/* A part of the sources. */
struct scan {
	struct store *store;
	struct log log;   /* that is read */
	struct log *logs; /* those that were, in their order */
	size_t nlogs, logs_room;
	struct head_look *heads; /* by local number in this chunk */
	struct tail_look *tails;
	size_t heads_room, tails_room;
	struct chunk_balance *here;
	uint16_t *met; /* the transactions that have any, in the order of their first */
	uint32_t nmet;
	char *key; /* room for a key */
	size_t key_room;
	struct intern tids;      /* run and tid, as fact keys */
	struct balance *balance; /* by number in tids */
	uint32_t room;
	uint32_t tids_kept; /* when those that are balanced were dropped */
	bool opens, closes; /* the log has new lines, close lines */
	struct secrets secrets;
	uint8_t *head_kind; /* enum secret_kind by shape id */
	uint32_t nheads;
};

static enum secret_kind head_kind(struct scan *s, const struct shape *head)
{
	if (!head->id || head->id > 1u << 24)
		return secret_kind_of(head);
	if (array_reserve_zeroed(s->head_kind, s->nheads, head->id + 1))
		return SECRET_NONE;
	if (s->head_kind[head->id] == SECRET_UNKNOWN)
		s->head_kind[head->id] = (uint8_t)secret_kind_of(head);
	return s->head_kind[head->id];
}

/* A span is opened or closed in a transaction of this chunk. */
static void count_span(struct scan *s, unsigned tid, bool open)
{
	struct chunk_balance *b = &s->here[tid];

	*(open ? &s->opens : &s->closes) = true;
	if (tid == CHUNK_NO_TID)
		return;
	if (!b->opened && !b->closed)
		s->met[s->nmet++] = (uint16_t)tid;
	*(open ? &b->opened : &b->closed) += 1;
}

/* Adds what a chunk has of a transaction to what others have. */
static int balance_add(struct scan *s, struct chunk *c, int64_t run, uint16_t number)
{
	struct chunk_balance *b = &s->here[number];
	char text[3 * LINE_MAX_TID];
	struct slice tid;
	uint32_t i;
	int rc = chunk_tid(c, number, &tid);

	if (!rc)
		rc = chunk_tid_meaning(c, tid, text, &tid);
	if (!rc)
		rc = array_reserve(s->key, s->key_room, 8 + tid.len);
	if (!rc)
		rc = intern_add(&s->tids, fact_key(run, tid, s->key), &i);
	if (!rc)
		rc = array_reserve_zeroed(s->balance, s->room, i + 1);
	if (rc)
		return rc;
	s->balance[i].run = run;
	s->balance[i].opened += b->opened;
	s->balance[i].closed += b->closed;
	*b = (struct chunk_balance){0};
	return 0;
}

/* Of transactions that have as many spans closed as opened nothing need be known, now or later: what follows of them
 * counts from nothing as well. */
static int drop_balanced(struct scan *s)
{
	struct intern kept;
	uint32_t n = 0, k;
	int rc = 0;

	intern_init(&kept);
	for (uint32_t i = 0; i < s->tids.n && !rc; i++)
		if (s->balance[i].opened != s->balance[i].closed) {
			rc = intern_add(&kept, s->tids.text[i], &k);
			s->balance[n++] = s->balance[i];
		}
	if (!rc && s->room > n)
		memset(s->balance + n, 0, (s->room - n) * sizeof *s->balance);
	intern_done(&s->tids);
	s->tids = kept;
	s->tids_kept = n;
	return rc;
}

static int chunk_end(struct scan *s, const struct event_rows *r)
{
	int rc = 0;

	for (uint32_t i = 0; i < s->nmet && !rc; i++)
		rc = balance_add(s, r->chunk, r->run, s->met[i]);
	s->nmet = 0;
	return rc || s->tids.n < 2 * s->tids_kept + TIDS_MORE ? rc : drop_balanced(s);
}

/* A whole number as text; -1: none. */
static int64_t number_of(struct slice v)
{
	int64_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.ptr[i] < '0' || v.ptr[i] > '9' || n >= INT64_MAX / 10 - 1)
			return -1;
		n = n * 10 + (v.ptr[i] - '0');
	}
	return v.len ? n : -1;
}

static int64_t top_number(const struct event *e, const char *key)
{
	struct slice v;

	return event_top_field(e, key, &v) ? number_of(v) : -1;
}

/* The same of a column. */
static int64_t column_number(const struct segment *s, uint32_t i)
{
	const int64_t *n = segment_integers(s);
	char buf[SEGMENT_TEXT];

	if (!n || i >= s->n)
		return number_of(segment_get(s, i, buf));
	return n[i] < 0 || n[i] / 10 >= INT64_MAX / 10 - 1 ? -1 : n[i];
}

/* What of a process was read so far; NULL: nothing. */
static struct numbered *numbered_find(struct log *l, int64_t pid)
{
	if (l->latest < l->nnumbered && l->numbered[l->latest].pid == pid)
		return &l->numbered[l->latest];
	for (l->latest = l->nnumbered; l->latest-- > 0;)
		if (l->numbered[l->latest].pid == pid)
			return &l->numbered[l->latest];
	return NULL;
}

/* Each process numbers its lines without holes, from 1 in each run: a number that is left out is a line that is
 * missing. The record of lost lines takes the last of their numbers. 1: there is a hole before this line; or a negative
 * errno. */
static int is_behind_hole(struct log *l, int64_t id, int64_t pid, int64_t seq)
{
	struct numbered *n;
	bool hole;

	if (pid < 0 || seq < 0)
		return 0;
	n = numbered_find(l, pid);
	if (!n) {
		l->latest = l->nnumbered;
		n = array_add(l->numbered, l->nnumbered, l->numbered_room);
		if (!n)
			return -ENOMEM;
		*n = (struct numbered){pid, seq, seq, id};
		return 0;
	}
	hole = seq > n->last + 1;
	n->last = seq;
	return hole;
}

static void tell_hole(struct log *l, const struct event *e)
{
	examples_add(slice_is(event_message(e), "Records lost") ? &l->lost : &l->hole, e->id);
}

/* From the line before to this one, whichever way. */
static uint64_t jumped_ns(const struct log *l, int64_t time_ns)
{
	if (l->last_ns == INT64_MIN)
		return 0;
	return time_ns < l->last_ns ? (uint64_t)l->last_ns - (uint64_t)time_ns
	                            : (uint64_t)time_ns - (uint64_t)l->last_ns;
}

static void check_time(struct log *l, int64_t id, int64_t time_ns)
{
	uint64_t jumped = jumped_ns(l, time_ns);

	if (jumped > CLOCK_JUMP_NS) {
		examples_add(&l->jump, id);
		if (jumped > l->jump_ns)
			l->jump_ns = jumped;
	} else if (time_ns < l->last_ns) {
		examples_add(&l->back, id);
		if (l->last_ns - time_ns > l->back_ns)
			l->back_ns = l->last_ns - time_ns;
	}
	l->last_ns = time_ns;
}

/* ---- a line as an event ---- */

static int span_take(struct scan *s, const struct event *e)
{
	struct slice m = event_message(e);
	bool open = slice_is(m, "new");
	int tid;

	if (!open && !slice_is(m, "close"))
		return 0;
	tid = event_tid_number(e);
	if (tid < 0)
		return tid;
	count_span(s, (unsigned)tid, open);
	return 0;
}

/* The name of the first is kept for the finding. */
static void look_for_secret(struct scan *s, const struct event *e)
{
	enum secret_kind kind = head_kind(s, e->head);
	char name[SECRET_NAME] = "environment";
	bool secret = false;

	if (kind == SECRET_ENVIRONMENT && secret_environment(e, &secret)) {
		if (!secret)
			examples_add(&s->secrets.environment, e->id);
	} else if (kind == SECRET_NAMED && secret_field(e, name)) {
		secret = true;
	} else {
		return;
	}
	s->secrets.run = e->run;
	if (!secret)
		return;
	examples_add(&s->secrets.secret, e->id);
	if (!s->secrets.name[0])
		strcpy(s->secrets.name, name);
}

static int event_look(struct scan *s, const struct event *e)
{
	struct log *l = &s->log;
	int rc;

	if (e->foreign) {
		examples_add(&l->foreign, e->id);
		return 0;
	}
	if (slice_is(event_as(e, "no_time"), "true")) /* else its format has none */
		examples_add(&l->timeless, e->id);
	check_time(l, e->id, e->time_ns);
	rc = l->is_ours ? is_behind_hole(l, e->id, top_number(e, "pid"), top_number(e, "seq")) : 0;
	if (rc < 0)
		return rc;
	if (rc)
		tell_hole(l, e);
	if (e->head->span_line)
		return span_take(s, e);
	look_for_secret(s, e);
	return 0;
}

static int event_take(struct scan *s, int64_t id)
{
	const struct event *e;
	int rc = event_get(s->store, id, &e);

	if (rc <= 0)
		return rc;
	rc = event_look(s, e);
	return rc ? rc : event_error(e);
}

/* ---- a line as a row ---- */

static struct head_look look_of_head(struct scan *s, const struct event_rows *r, const struct shape *head)
{
	enum event_clock clock = event_head_clock(head);
	struct head_look l = {.what = HEAD_PLAIN, .moved = clock == EVENT_CLOCK_SOURCE};

	for (unsigned i = 0; i < head->nslots; i++)
		l.numbered |= head->slots[i].section == SECTION_TOP &&
		              (slice_is(head->slots[i].key, "pid") || slice_is(head->slots[i].key, "seq"));
	if (head->span_line)
		l.what = slice_is(head->message, "new")     ? HEAD_OPENS
		         : slice_is(head->message, "close") ? HEAD_CLOSES
		                                            : HEAD_SPAN;
	if ((clock == EVENT_CLOCK_LINE && r->offset_ns) ||
	    (head->span_line ? head->as_worker : head_kind(s, head) != SECRET_NONE))
		l.what = HEAD_EVENT;
	return l;
}

static int look_of_tail(struct scan *s, int64_t source, const struct shape *tail, struct tail_look *out)
{
	int foreign = event_tail_is_foreign(s->store, source, tail);

	*out = (struct tail_look){.foreign = foreign > 0, .slot = {-1, -1}};
	for (unsigned i = 0; i < tail->nslots; i++)
		if (tail->slots[i].section == SECTION_TOP && slot_is_stored(tail->slots[i].kind)) {
			if (slice_is(tail->slots[i].key, "pid"))
				out->slot[PID] = (int)i;
			if (slice_is(tail->slots[i].key, "seq"))
				out->slot[SEQ] = (int)i;
		}
	return foreign < 0 ? foreign : 0;
}

static int chunk_begin(struct scan *s, const struct event_rows *r)
{
	unsigned heads = chunk_heads(r->chunk) + CHUNK_FIRST_HEAD, tails = chunk_tails(r->chunk);
	int rc = 0;

	if (array_reserve(s->heads, s->heads_room, heads) || array_reserve(s->tails, s->tails_room, tails + 1))
		return -ENOMEM;
	for (unsigned i = 0; i < CHUNK_FIRST_HEAD; i++)
		s->heads[i] = (struct head_look){.what = chunk_is_event(i) ? HEAD_EVENT : HEAD_NOTHING};
	for (unsigned i = CHUNK_FIRST_HEAD; i < heads; i++)
		s->heads[i] = look_of_head(s, r, chunk_head(r->chunk, (uint16_t)i));
	for (unsigned i = 0; i < tails && !rc; i++)
		rc = look_of_tail(s, r->source, chunk_tail(r->chunk, (uint16_t)i), &s->tails[i]);
	return rc;
}

static int number_column(struct tail_look *t, int which, const struct event_rows *r, uint16_t tail)
{
	struct segment_text text;
	int rc = chunk_tail_segment(r->chunk, tail, (unsigned)t->slot[which], r->group, &t->segment[which]);

	if (rc)
		return rc;
	t->same[which] = segment_texts(t->segment[which], &text) && text.entries == 1
	                     ? column_number(t->segment[which], 0)
	                     : SAME_NOT;
	return 0;
}

/* A number of row i; its tail has it. */
static inline int row_number(struct tail_look *t, int which, const struct event_rows *r, uint32_t i, int64_t *out)
{
	int rc = t->segment[which] ? 0 : number_column(t, which, r, r->columns.tail[i]);

	if (!rc)
		*out = t->same[which] != SAME_NOT ? t->same[which]
		                                  : column_number(t->segment[which], r->columns.tail_ord[i]);
	return rc;
}

static int row_sequence(struct scan *s, struct tail_look *t, const struct event_rows *r, uint32_t i)
{
	int64_t pid, seq;
	const struct event *e;
	int rc = row_number(t, PID, r, i, &pid);

	if (!rc)
		rc = row_number(t, SEQ, r, i, &seq);
	if (rc || (rc = is_behind_hole(&s->log, r->id + i, pid, seq)) <= 0)
		return rc;
	rc = event_get(s->store, r->id + i, &e);
	if (rc <= 0)
		return rc;
	tell_hole(&s->log, e);
	return event_error(e);
}

static int row_take(struct scan *s, const struct event_rows *r, uint32_t i)
{
	const struct head_look *h = &s->heads[r->columns.head[i]];
	struct tail_look *t;
	bool numbers;
	int rc = 0;

	if (h->what == HEAD_NOTHING)
		return 0;
	if (h->what == HEAD_EVENT)
		return event_take(s, r->id + i);
	t = &s->tails[r->columns.tail[i]];
	numbers = s->log.is_ours && t->slot[PID] >= 0 && t->slot[SEQ] >= 0;
	if (s->log.is_ours && !numbers && h->numbered)
		return event_take(s, r->id + i);
	if (h->what != HEAD_PLAIN && t->foreign) {
		examples_add(&s->log.foreign, r->id + i);
		return 0;
	}
	check_time(&s->log, r->id + i, h->moved ? ns_moved(r->columns.stamp[i], r->offset_ns) : r->columns.stamp[i]);
	if (numbers)
		rc = row_sequence(s, t, r, i);
	if (h->what == HEAD_OPENS || h->what == HEAD_CLOSES)
		count_span(s, r->columns.tid[i], h->what == HEAD_OPENS);
	return rc;
}

static int rows_take(struct scan *s, const struct event_rows *r)
{
	int rc = r->group ? 0 : chunk_begin(s, r);

	if (rc)
		return rc;
	for (unsigned i = 0; i < chunk_tails(r->chunk); i++)
		s->tails[i].segment[PID] = s->tails[i].segment[SEQ] = NULL;
	for (uint32_t i = 0; i < r->columns.n && !rc; i++)
		rc = row_take(s, r, i);
	return rc || !r->ends ? rc : chunk_end(s, r);
}

/* ---- spans that were never closed ---- */

/* 1, 0 or a negative errno. */
static int completed(sqlite3_stmt *st, int64_t run, struct slice tid)
{
	int rc;

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, tid);
	rc = sql_next(st);
	sqlite3_reset(st);
	return rc;
}

static int tell_open_spans(struct store *store, int64_t run, struct slice tid, struct findings *out)
{
	struct span_query q = {.tid = tid, .run = run, .open_only = true};
	struct finding *f = NULL;
	struct span_reader *r = NULL;
	struct span_row row;
	int rc = span_reader_open(store, &q, &r);

	while (!rc && (rc = span_reader_next(r, &row)) == 1) {
		rc = 0;
		if (!f) {
			f = finding_add(out, "span-never-closed", FINDING_WARNING, run);
			finding_tid(f, tid);
			finding_cause(f, "%.*s", (int)row.name.len, row.name.ptr ? row.name.ptr : "");
		}
		f->count++;
		if (f->count <= EXAMPLES)
			finding_evidence(f, row.id, "opened here");
	}
	if (!rc && f)
		finding_message(f, "a completed transaction left %s span%s open", number_count_text(f->count).text,
		                f->count == 1 ? "" : "s");
	span_reader_close(r);
	return rc;
}

#define COMPLETED_SQL "SELECT 1 FROM invocation WHERE run = ? AND tid = ? AND end_ns IS NOT NULL"

/* recalled: some transactions have a part of their lines here. */
static int tell_balance(const struct scan *s, bool recalled, struct findings *out)
{
	sqlite3_stmt *st;
	int rc = 0;

	if (!s->opens || !s->closes)
		return 0;
	rc = sql_prepare(store_db(s->store),
	                 recalled ? COMPLETED_SQL " AND tid IN (SELECT tid FROM lint_open)" : COMPLETED_SQL, &st);
	for (uint32_t i = 0; !rc && i < s->tids.n; i++) {
		struct slice key = s->tids.text[i], tid = {key.ptr + 8, key.len - 8};

		if (s->balance[i].opened > s->balance[i].closed && (rc = completed(st, s->balance[i].run, tid)) == 1)
			rc = tell_open_spans(s->store, s->balance[i].run, tid, out);
	}
	sqlite3_finalize(st);
	return rc;
}

/* The next log: what the table says of its source. 0 or a negative errno. */
static int log_begin(struct scan *s, const struct event_rows *r)
{
	struct log *l = &s->log;
	sqlite3_stmt *st;
	int rc;

	log_done(l);
	*l = (struct log){.run = r->run, .source = r->source, .last_ns = INT64_MIN};
	if ((rc = sql_prepare(store_db(s->store), "SELECT path, kind = 'ilulog' FROM source WHERE id = ?", &st)))
		return rc;
	sqlite3_bind_int64(st, 1, r->source);
	if ((rc = sql_next(st)) == 1) {
		const char *path = (const char *)sqlite3_column_text(st, 0);

		l->path = path ? strdup(path) : NULL;
		l->is_ours = sqlite3_column_int(st, 1);
		rc = l->path ? 0 : -ENOMEM;
	}
	sqlite3_finalize(st);
	return rc;
}

/* The log that was read is kept, to be told of. */
static int log_end(struct scan *s)
{
	struct log *to = s->log.source ? array_add(s->logs, s->nlogs, s->logs_room) : NULL;

	if (!s->log.source)
		return 0;
	if (!to)
		return -ENOMEM;
	*to = s->log;
	s->log = (struct log){0};
	return 0;
}

static int scan_lines(struct scan *s, struct event_cursor *c)
{
	const unsigned columns =
	    CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP | CHUNK_COLUMN_TAIL_ORD;
	struct event_rows r;
	int rc;

	while ((rc = event_cursor_rows(c, columns, &r)) == 1) {
		if (r.source != s->log.source && ((rc = log_end(s)) || (rc = log_begin(s, &r))))
			return rc;
		if ((rc = rows_take(s, &r)))
			return rc;
	}
	return rc ? rc : log_end(s);
}

/* What is needed while lines are read alone. */
static void scan_rest(struct scan *s)
{
	free(s->head_kind);
	free(s->heads);
	free(s->tails);
	free(s->here);
	free(s->met);
	s->head_kind = NULL;
	s->heads = NULL;
	s->tails = NULL;
	s->here = NULL;
	s->met = NULL;
}

static void scan_done(struct scan *s)
{
	scan_rest(s);
	for (size_t i = 0; i < s->nlogs; i++)
		log_done(&s->logs[i]);
	log_done(&s->log);
	free(s->logs);
	intern_done(&s->tids);
	free(s->balance);
	free(s->key);
}

struct parts {
	struct source_part of[PARTS_OF_SOURCES];
	struct scan scans[PARTS_OF_SOURCES];
};

static int scan_part(struct scan *s, struct store *store, const struct source_part *of)
{
	struct event_query q = {.run = of->run, .source = of->first, .last_source = of->last};
	struct event_cursor *c = NULL;
	int rc;

	s->store = store;
	s->here = calloc(CHUNK_ROWS, sizeof *s->here);
	s->met = malloc(CHUNK_ROWS * sizeof *s->met);
	rc = s->here && s->met ? event_cursor_open(store, &q, &c) : -ENOMEM;
	if (!rc)
		rc = scan_lines(s, c);
	event_cursor_close(c);
	scan_rest(s);
	return rc ? rc : drop_balanced(s);
}

static int read_part(void *arg, struct store *store, size_t i)
{
	struct parts *p = arg;

	return scan_part(&p->scans[i], store, &p->of[i]);
}

/* As if all's sources had been followed by the part's. */
static int scan_join(struct scan *all, const struct scan *part)
{
	int rc = 0;

	all->opens |= part->opens;
	all->closes |= part->closes;
	secrets_join(&all->secrets, &part->secrets);
	for (uint32_t i = 0, k; i < part->tids.n && !rc; i++) {
		rc = intern_add(&all->tids, part->tids.text[i], &k);
		if (!rc)
			rc = array_reserve_zeroed(all->balance, all->room, k + 1);
		if (rc)
			break;
		all->balance[k].run = part->balance[i].run;
		all->balance[k].opened += part->balance[i].opened;
		all->balance[k].closed += part->balance[i].closed;
	}
	return rc;
}

/* ---- logs that were rotated ---- */

static struct log *log_of(struct parts *p, int n, int64_t source)
{
	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < p->scans[i].nlogs; k++)
			if (p->scans[i].logs[k].source == source)
				return &p->scans[i].logs[k];
	return NULL;
}

/* The numbers of a part go on where those of the parts before it end. `before`: all of those, each process once. */
static int check_part(struct store *store, struct log *l, struct log *before)
{
	for (size_t i = 0; i < l->nnumbered; i++) {
		const struct numbered *n = &l->numbered[i];
		struct numbered *known = numbered_find(before, n->pid);
		const struct event *e;
		int rc;

		if (!known) {
			known = array_add(before->numbered, before->nnumbered, before->numbered_room);
			if (!known)
				return -ENOMEM;
		} else if (n->first > known->last + 1) {
			rc = event_get(store, n->first_id, &e);
			if (rc < 0)
				return rc;
			if (rc)
				tell_hole(l, e);
		}
		*known = *n;
	}
	return 0;
}

#define BEGAN          "(SELECT c.min_stamp FROM chunk c WHERE c.source = source.id ORDER BY c.first_line LIMIT 1)"
#define BEGAN_RECALLED "(SELECT l.began FROM lint_seen l WHERE l.source = source.id)"
#define PARTS_SQL(began)                                                                              \
	"SELECT id, min(id) OVER (PARTITION BY run, worker) AS chain, " began " AS began FROM source" \
	" WHERE kind = 'ilulog' AND (?1 = 0 OR run = ?1) ORDER BY chain, began, id"

/* recalled: the first lines of a part need not be here. */
static int check_parts(struct store *store, int64_t run, bool recalled, struct parts *p, int n)
{
	struct log before = {.nnumbered = 0};
	int64_t chain = 0;
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(store), recalled ? PARTS_SQL(BEGAN_RECALLED) : PARTS_SQL(BEGAN), &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, run);
	while ((rc = sql_next(q)) == 1) {
		struct log *l = log_of(p, n, sqlite3_column_int64(q, 0));

		if (sqlite3_column_int64(q, 1) != chain)
			before.nnumbered = 0;
		chain = sqlite3_column_int64(q, 1);
		rc = l ? check_part(store, l, &before) : 0;
		if (rc)
			break;
	}
	sqlite3_finalize(q);
	free(before.numbered);
	return rc;
}

/* Where the lines here are some of their logs', what was seen of all of them stands for what was seen of these. */
static int recall_parts(struct store *store, struct parts *p, int n)
{
	int rc = 0;

	for (int i = 0; i < n; i++) {
		struct scan *s = &p->scans[i];

		s->secrets = (struct secrets){0};
		for (size_t k = 0; k < s->nlogs && !rc; k++)
			rc = seen_recall(store, &s->logs[k], &s->secrets);
	}
	return rc;
}

int lint_lines(struct store *store, int64_t run, struct findings *out)
{
	struct parts *p = calloc(1, sizeof *p);
	struct scan all = {.store = store};
	bool recalled = false;
	int n = p ? parts_of_sources(store, run, p->of) : -ENOMEM, rc = n < 0 ? n : seen_there(store, &recalled);

	if (!rc)
		rc = parts_read(store, (size_t)n, read_part, p);
	if (!rc && recalled)
		rc = recall_parts(store, p, n);
	if (!rc)
		rc = check_parts(store, run, recalled, p, n);
	for (int i = 0; i < n; i++) {
		for (size_t k = 0; k < p->scans[i].nlogs && !rc; k++)
			log_tell(&p->scans[i].logs[k], out);
		rc = rc ? rc : scan_join(&all, &p->scans[i]);
		scan_done(&p->scans[i]);
	}
	free(p);
	if (!rc && recalled)
		rc = seen_spans(store, &all.opens, &all.closes);
	if (!rc) {
		secrets_tell(&all.secrets, out);
		rc = tell_balance(&all, recalled, out);
	}
	scan_done(&all);
	return rc;
}

int lint_seen(struct store *store, int64_t source, struct bytes *out)
{
	struct source_part of = {.first = source};
	struct scan s = {0};
	int rc = scan_part(&s, store, &of);

	if (!rc && s.nlogs && s.logs[0].timeless.count)
		rc = -ENODATA;
	if (!rc && s.nlogs)
		rc = seen_pack(
		    store, &(struct seen){.log = s.logs[0], .secrets = s.secrets, .opens = s.opens, .closes = s.closes},
		    out);
	scan_done(&s);
	return rc;
}
