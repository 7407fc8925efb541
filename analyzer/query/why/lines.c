/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.c - which messages, errors and spans are new, gone, more or less frequent.
 *
 * Messages are told apart as `patterns` does: by level, target and template, of the texts of both sides together.
 * Errors are those of level WARN and above with what their field `error` says, as `errors` does. Spans count by target
 * and name, once each. How often is: by request.
 *
 * Lines are read as columns: most need no more than their head, which says what they are counted as, and their time.
 * Of a cluster those that are not looked at one by one come as numbers (counted.h): each where the first of them
 * stands, so that all is met in the same order as in a database that has the lines. */
#include "base/array.h"
#include "base/sql.h"
#include "base/template.h"
#include "base/text.h"
#include "query/events/mask.h"
#include "query/why/comparison.h"
#include "query/events/counted.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of more texts than that only the number is kept, and nothing is claimed of them. */
enum { KEYS_WEIGHED = 20000 };

/* What is counted as a message, and is the text of a line that is no record (counted.h). */
enum { KEY_LINE = 't' };

/* Lines that are kept apart while they are read; SPAN_NEW and SPAN_CLOSE until it is known which of them all have. */
enum key_kind { KEY_MESSAGE = 'm', KEY_ERROR = 'e', KEY_SPAN_NEW = 'n', KEY_SPAN_CLOSE = 'c' };

struct key {
	uint32_t owner, text, error; /* in owners, texts */
	uint32_t kind;
};

struct counts {
	int64_t n[SIDES];
	uint32_t (*cell)[STRETCH_CELLS]; /* by side; NULL: not kept */
};

/* What is done with the lines of a head: nothing, they are counted, or each is looked at. */
enum how { PASS, COUNT, LOOK };

/* A head of the chunk at hand. */
struct head_here {
	const struct shape *head;
	uint8_t how;
	bool timed; /* its lines' times stand in the column ... */
	bool moved; /* ... on the source's clock */
};

struct lines {
	struct intern keys, owners, texts, templates; /* an owner: level, NUL, target */
	struct counts *v;                             /* by key */
	uint32_t room;
	struct key *key; /* by key */
	uint32_t keys_room;
	uint32_t *by_head[SIDES]; /* shape id -> key + 1 of a message that is the same in all its lines */
	uint32_t nheads[SIDES];
	struct head_here *here; /* by local number */
	uint32_t here_room;
	struct text buf;
	uint32_t *first; /* of each line: its first key, which has the cells of all */
	size_t *effect;  /* of each line; SIZE_MAX: not weighed */
};

void lines_done(struct comparison *c)
{
	struct lines *l = c->lines_of;

	for (uint32_t i = 0; l && i < l->keys.n; i++)
		free(l->v ? l->v[i].cell : NULL);
	if (l) {
		intern_done(&l->keys);
		intern_done(&l->owners);
		intern_done(&l->texts);
		intern_done(&l->templates);
		free(l->v);
		free(l->key);
		free(l->by_head[A]);
		free(l->by_head[B]);
		free(l->here);
		text_done(&l->buf);
		free(l->first);
		free(l->effect);
	}
	free(l);
	free(c->line);
	c->lines_of = NULL;
	c->line = NULL;
}

/* One side, while its lines are read. */
struct reading {
	struct lines *lines;
	const struct side *side;
	struct store *store;
	int at; /* A or B */
	bool has_cells;
	int64_t first_ns, last_ns;
	struct counted_reader *counted; /* NULL: all lines are here */
	const struct counted *next;     /* NULL: no more */
};

/* ---- counting ---- */

static int cell_of(const struct reading *r, int64_t ns)
{
	return r->has_cells ? stretch_cell(ns, r->first_ns, r->last_ns) : 0;
}

static int owner_of(struct lines *l, struct slice level, struct slice target, uint32_t *out)
{
	text_reset(&l->buf);
	text_add(&l->buf, level.ptr ? level.ptr : "", level.len);
	text_add(&l->buf, "", 1);
	text_add(&l->buf, target.ptr ? target.ptr : "", target.len);
	return l->buf.failed ? -ENOMEM : intern_add(&l->owners, (struct slice){l->buf.ptr, l->buf.len}, out);
}

/* A text without what varies. */
static int text_of(struct lines *l, struct slice escaped, uint32_t *out)
{
	text_reset(&l->buf);
	mask_escaped(&l->buf, escaped, TEMPLATE_VALUE);
	return l->buf.failed ? -ENOMEM : intern_add(&l->texts, (struct slice){text_str(&l->buf), l->buf.len}, out);
}

static int key_of(struct lines *l, const struct key *k, uint32_t *out)
{
	uint32_t before = l->keys.n;
	int rc = intern_add(&l->keys, (struct slice){(const char *)k, sizeof *k}, out);

	if (rc || l->keys.n == before)
		return rc;
	if (array_reserve_zeroed(l->v, l->room, *out + 1) || array_reserve(l->key, l->keys_room, *out + 1))
		return -ENOMEM;
	l->v[*out] = (struct counts){0};
	l->key[*out] = *k;
	if (*out >= KEYS_WEIGHED)
		return 0;
	l->v[*out].cell = calloc(SIDES, sizeof *l->v[*out].cell);
	return l->v[*out].cell ? 0 : -ENOMEM;
}

static void count(struct lines *l, uint32_t key, int side, int cell)
{
	l->v[key].n[side]++;
	if (l->v[key].cell)
		l->v[key].cell[side][cell]++;
}

static bool is_of_error(const struct shape *head)
{
	return slice_is(head->level, "ERROR") || slice_is(head->level, "WARN");
}

/* Whether all lines of a head have one message. */
static bool is_fixed(const struct shape *head)
{
	return head->message_slot < 0 && head->id && head->id < 1u << 24;
}

/* The key of a head's message that is the same in all its lines, + 1; 0: it was not met yet. */
static uint32_t key_of_head(const struct lines *l, const struct shape *head, int side)
{
	return head->id < l->nheads[side] ? l->by_head[side][head->id] : 0;
}

static int count_error(struct lines *l, const struct event *e, const struct key *message, int side, int cell)
{
	struct key k = *message;
	struct slice error;
	uint32_t key;
	int rc;

	if (!is_of_error(e->head))
		return 0;
	k.kind = KEY_ERROR;
	k.error = INTERN_NONE;
	if (event_field(e, "error", &error) && (rc = text_of(l, error, &k.error)))
		return rc;
	rc = event_error(e);
	if (!rc)
		rc = key_of(l, &k, &key);
	if (!rc)
		count(l, key, side, cell);
	return rc;
}

static int count_message(struct lines *l, const struct event *e, int side, int cell)
{
	const struct shape *head = e->head;
	bool fixed = is_fixed(head);
	struct key k = {.kind = KEY_MESSAGE};
	uint32_t key;
	int rc;

	if (fixed && key_of_head(l, head, side)) {
		key = key_of_head(l, head, side) - 1;
		k = l->key[key];
	} else {
		if ((rc = owner_of(l, head->level, head->target, &k.owner)) ||
		    (rc = text_of(l, event_message(e), &k.text)) || (rc = event_error(e)) || (rc = key_of(l, &k, &key)))
			return rc;
		if (fixed && array_reserve_zeroed(l->by_head[side], l->nheads[side], head->id + 1))
			return -ENOMEM;
		if (fixed)
			l->by_head[side][head->id] = key + 1;
	}
	count(l, key, side, cell);
	return count_error(l, e, &k, side, cell);
}

static int span_key(struct lines *l, struct slice name, struct slice target, struct key *k, uint32_t *key)
{
	int rc;

	text_reset(&l->buf);
	text_add(&l->buf, name.ptr, name.len);
	rc = l->buf.failed ? -ENOMEM : intern_add(&l->texts, (struct slice){text_str(&l->buf), l->buf.len}, &k->text);
	rc = rc ? rc : owner_of(l, SLICE_NONE, target, &k->owner);
	return rc ? rc : key_of(l, k, key);
}

static int count_span(struct lines *l, const struct event *e, int side, int cell)
{
	struct slice message = event_message(e), name;
	struct key k = {.kind = slice_is(message, "new") ? KEY_SPAN_NEW : KEY_SPAN_CLOSE};
	uint32_t key;
	int rc;

	if (!slice_is(message, "new") && !slice_is(message, "close"))
		return 0;
	rc = event_complete(e);
	if (rc || e->foreign)
		return rc;
	if (!event_span_field(e, "name", &name))
		return event_error(e);
	rc = span_key(l, name, e->head->target, &k, &key);
	if (!rc)
		count(l, key, side, cell);
	return rc;
}

/* ---- lines that are counted already ---- */

static int message_key(struct lines *l, const struct counted *of, struct key *k, uint32_t *key)
{
	int rc = owner_of(l, of->level, of->target, &k->owner);

	text_reset(&l->buf);
	(of->kind == KEY_LINE ? mask_line : mask_plain)(&l->buf, of->text, TEMPLATE_VALUE);
	if (!rc)
		rc = l->buf.failed ? -ENOMEM
		                   : intern_add(&l->texts, (struct slice){text_str(&l->buf), l->buf.len}, &k->text);
	return rc ? rc : key_of(l, k, key);
}

static int count_counted(struct lines *l, const struct counted *of, int side)
{
	struct key k = {.kind = of->kind == KEY_LINE ? KEY_MESSAGE : (uint8_t)of->kind};
	struct slice cells = of->cells, counts = of->counts;
	int64_t cell, n;
	uint32_t key;
	int rc = k.kind == KEY_MESSAGE ? message_key(l, of, &k, &key) : span_key(l, of->text, of->target, &k, &key);

	while (!rc && counted_number(&cells, &cell) && counted_number(&counts, &n)) {
		l->v[key].n[side] += n;
		if (l->v[key].cell && cell < STRETCH_CELLS)
			l->v[key].cell[side][cell] += (uint32_t)n;
	}
	return rc;
}

static int counted_step(struct reading *r)
{
	int rc = counted_next(r->counted, &r->next);

	r->next = rc == 1 ? r->next : NULL;
	return rc < 0 ? rc : 0;
}

/* Those whose first line stands before this one; source INT64_MAX: the rest. */
static int counted_before(struct reading *r, int64_t source, int64_t line)
{
	int rc = 0;

	while (!rc && r->next && (r->next->source < source || (r->next->source == source && r->next->line < line))) {
		rc = count_counted(r->lines, r->next, r->at);
		rc = rc ? rc : counted_step(r);
	}
	return rc;
}

/* ---- lines as columns ---- */

static struct head_here head_here(const struct shape *head)
{
	enum event_clock clock = event_head_clock(head);
	struct head_here h = {
	    .head = head, .how = LOOK, .timed = clock != EVENT_CLOCK_LINE, .moved = clock == EVENT_CLOCK_SOURCE};

	if (head->span_line && head->message_slot < 0)
		h.how = slice_is(head->message, "new") || slice_is(head->message, "close") ? LOOK : PASS;
	else if (!head->span_line && is_fixed(head) && !is_of_error(head) && h.timed)
		h.how = COUNT;
	return h;
}

static int heads_look(struct lines *l, const struct chunk *c)
{
	unsigned n = CHUNK_FIRST_HEAD + chunk_heads(c);

	if (array_reserve(l->here, l->here_room, n))
		return -ENOMEM;
	for (unsigned i = 0; i < CHUNK_FIRST_HEAD; i++)
		l->here[i] = (struct head_here){.how = chunk_is_event(i) ? LOOK : PASS};
	for (unsigned i = CHUNK_FIRST_HEAD; i < n; i++)
		l->here[i] = head_here(chunk_head(c, (uint16_t)i));
	return 0;
}

static bool is_within(const struct side *s, int64_t ns)
{
	return (s->since_ns == NO_NS || ns >= s->since_ns) && (s->until_ns == NO_NS || ns < s->until_ns);
}

/* A line that is not one of many of its kind. */
static int look(struct reading *r, int64_t id)
{
	const struct event *e;
	int rc = event_get(r->store, id, &e), cell;

	if (rc != 1 || !is_within(r->side, e->time_ns))
		return rc < 0 ? rc : 0;
	if (r->next && (rc = counted_before(r, counted_source(r->counted, e->source), e->line)))
		return rc;
	cell = cell_of(r, e->time_ns);
	return e->head->span_line ? count_span(r->lines, e, r->at, cell) : count_message(r->lines, e, r->at, cell);
}

static int rows_take(struct reading *r, const struct event_rows *rows)
{
	const struct chunk_group *g = &rows->columns;
	struct lines *l = r->lines;
	int rc = rows->group ? 0 : heads_look(l, rows->chunk);

	for (uint32_t i = 0; i < g->n && !rc; i++) {
		const struct head_here *h = &l->here[g->head[i]];
		uint32_t key = h->how == COUNT ? key_of_head(l, h->head, r->at) : 0;
		int64_t ns = h->moved ? ns_moved(g->stamp[i], rows->offset_ns) : g->stamp[i];

		if (h->how == PASS || (h->timed && !is_within(r->side, ns)))
			continue;
		if (key)
			count(l, key - 1, r->at, cell_of(r, ns));
		else
			rc = look(r, rows->id + i);
	}
	return rc;
}

static int read_side(struct comparison *c, struct lines *l, int s)
{
	const struct side *side = &c->side[s];
	struct reading r = {
	    l,    side, side->q.store, s, c->seen.first_ns[s] != NO_NS, c->seen.first_ns[s], c->seen.last_ns[s],
	    NULL, NULL};
	struct event_query want = {.run = side->run};
	struct event_cursor *cursor = NULL;
	struct event_rows rows;
	int rc;

	if (side->since_ns != NO_NS)
		want.since_ns = side->since_ns;
	if (side->until_ns != NO_NS)
		want.until_ns = side->until_ns;
	rc = counted_open(side->q.db, s, &r.counted);
	if (!rc && r.counted)
		rc = counted_step(&r);
	if (!rc)
		rc = event_cursor_open(side->q.store, &want, &cursor);
	while (!rc && (rc = event_cursor_rows(cursor, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_STAMP, &rows)) == 1)
		rc = query_interrupted ? -EINTR : rows_take(&r, &rows);
	event_cursor_close(cursor);
	if (!rc)
		rc = counted_before(&r, INT64_MAX, 0);
	counted_close(r.counted);
	return rc;
}

/* ---- templates ---- */

/* Which lines tell of spans: their beginnings, if both sides have some, else their ends. */
static enum key_kind kind_of_spans(const struct lines *l)
{
	int64_t n[SIDES] = {0};

	for (uint32_t i = 0; i < l->keys.n; i++)
		for (int s = 0; s < SIDES; s++)
			if (l->key[i].kind == KEY_SPAN_NEW)
				n[s] += l->v[i].n[s];
	return n[A] && n[B] ? KEY_SPAN_NEW : KEY_SPAN_CLOSE;
}

static struct line_seen line_of(const struct lines *l, const struct key *k, struct slice template)
{
	struct slice owner = intern_text(&l->owners, k->owner);
	size_t level = strlen(owner.ptr);

	return (struct line_seen){.kind = k->kind == KEY_MESSAGE ? LINE_MESSAGE
	                                  : k->kind == KEY_ERROR ? LINE_ERROR
	                                                         : LINE_SPAN,
	                          .level = {owner.ptr, level},
	                          .target = {owner.ptr + level + 1, owner.len - level - 1},
	                          .template = template,
	                          .error = k->kind == KEY_ERROR ? intern_text(&l->texts, k->error) : SLICE_NONE,
	                          .p = 1};
}

/* The template of each key: of messages the merged one. */
static int merge(struct lines *l, uint32_t *template_of)
{
	struct template_text *v = malloc((l->keys.n + 1) * sizeof *v);
	uint32_t *of = malloc((l->keys.n + 1) * sizeof *of), n = 0;
	int rc = v && of ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < l->keys.n && !rc; i++)
		if (l->key[i].kind == KEY_MESSAGE)
			v[n++] = (struct template_text){l->key[i].owner, l->key[i].text};
	if (!rc)
		rc = template_merge(&l->texts, v, n, &l->templates, of);
	n = 0;
	for (uint32_t i = 0; i < l->keys.n && !rc; i++)
		if (l->key[i].kind == KEY_MESSAGE)
			template_of[i] = of[n++];
		else
			rc = intern_add(&l->templates, intern_text(&l->texts, l->key[i].text), &template_of[i]);
	free(v);
	free(of);
	return rc;
}

static void add_cells(struct counts *to, const struct counts *from)
{
	for (int s = 0; s < SIDES && to->cell && from->cell; s++)
		for (int k = 0; k < STRETCH_CELLS; k++)
			to->cell[s][k] += from->cell[s][k];
}

/* One more key, whose text is template's, becomes a line or is added to one. */
static int put_key(struct comparison *c, struct lines *l, struct intern *seen, uint32_t key, uint32_t template)
{
	struct key k = l->key[key];
	uint32_t line;
	int rc;

	k.text = template;
	rc = intern_add(seen, (struct slice){(const char *)&k, sizeof k}, &line);
	if (rc)
		return rc;
	if (line == c->nlines) {
		l->first[line] = key;
		c->line[c->nlines++] = line_of(l, &l->key[key], intern_text(&l->templates, template));
	} else {
		add_cells(&l->v[l->first[line]], &l->v[key]);
	}
	for (int s = 0; s < SIDES; s++)
		c->line[line].n[s] += l->v[key].n[s];
	return 0;
}

static int make_lines(struct comparison *c, struct lines *l)
{
	uint32_t *template_of = malloc((l->keys.n + 1) * sizeof *template_of);
	enum key_kind spans = kind_of_spans(l);
	struct intern seen = {0};
	int rc = template_of ? merge(l, template_of) : -ENOMEM;

	c->line = calloc(l->keys.n + 1, sizeof *c->line);
	l->first = calloc(l->keys.n + 1, sizeof *l->first);
	l->effect = malloc((l->keys.n + 1) * sizeof *l->effect);
	rc = c->line && l->first && l->effect ? rc : -ENOMEM;
	for (uint32_t i = 0; i < l->keys.n && !rc; i++) {
		bool span = l->key[i].kind == KEY_SPAN_NEW || l->key[i].kind == KEY_SPAN_CLOSE;

		if (!span || l->key[i].kind == spans)
			rc = put_key(c, l, &seen, i, template_of[i]);
	}
	intern_done(&seen);
	free(template_of);
	return rc;
}

/* ---- weighing ---- */

/* Requests by cell; false: too few of them. */
static bool find_measures(const struct comparison *c, double by[SIDES][STRETCH_CELLS])
{
	for (int s = 0; s < SIDES; s++)
		for (size_t i = 0; i < c->seen.n[s]; i++)
			by[s][c->seen.v[s][i].cell]++;
	return c->seen.n[A] >= REQUESTS_ENOUGH && c->seen.n[B] >= REQUESTS_ENOUGH;
}

static int weigh_line(struct comparison *c, struct lines *l, uint32_t line, double by[SIDES][STRETCH_CELLS])
{
	struct claim claim = {.measure = MEASURE_LINE, .phase = UINT32_MAX};
	double sum[SIDES][STRETCH_CELLS] = {{0}}, all[SIDES] = {0};
	struct effect *e;

	for (int s = 0; s < SIDES; s++)
		for (int i = 0; i < STRETCH_CELLS; i++) {
			sum[s][i] = l->v[l->first[line]].cell[s][i];
			all[s] += by[s][i];
		}
	claim.a = (double)c->line[line].n[A] / all[A];
	claim.b = (double)c->line[line].n[B] / all[B];
	l->effect[line] = c->neffects;
	e = measure_add(c, claim);
	if (!e)
		return -ENOMEM;
	e->difference = claim.b - claim.a;
	for (int s = 0; s < SIDES; s++)
		effect_add_mean(e, s, sum[s], by[s], 1);
	return 0;
}

int lines_read(struct comparison *c)
{
	struct lines *l = calloc(1, sizeof *l);
	int rc = l ? 0 : -ENOMEM;

	c->lines_of = l;
	for (int s = 0; s < SIDES && !rc; s++)
		rc = read_side(c, l, s);
	return rc ? rc : make_lines(c, l);
}

int lines_measure(struct comparison *c)
{
	double by[SIDES][STRETCH_CELLS] = {{0}};
	struct lines *l = c->lines_of;
	bool weighed = l->keys.n <= KEYS_WEIGHED && find_measures(c, by);
	int rc = 0;

	for (uint32_t i = 0; i < c->nlines && !rc; i++) {
		l->effect[i] = SIZE_MAX;
		if (weighed && (c->line[i].n[A] >= REQUESTS_ENOUGH || c->line[i].n[B] >= REQUESTS_ENOUGH))
			rc = weigh_line(c, l, i, by);
	}
	return rc;
}

static int surest_first(const void *pa, const void *pb)
{
	const struct line_seen *a = pa, *b = pb;
	double x = a->p <= CLAIM_P ? (a->z < 0 ? -a->z : a->z) : 0, y = b->p <= CLAIM_P ? (b->z < 0 ? -b->z : b->z) : 0;
	int64_t m = a->n[A] + a->n[B], n = b->n[A] + b->n[B];
	int c;

	if (x != y)
		return x > y ? -1 : 1;
	if (m != n)
		return m > n ? -1 : 1;
	c = memcmp(a->template.ptr, b->template.ptr,
	           a->template.len < b->template.len ? a->template.len : b->template.len);
	return c ? c : (a->template.len > b->template.len) - (a->template.len < b->template.len);
}

void lines_weighed(struct comparison *c)
{
	struct lines *l = c->lines_of;

	for (uint32_t i = 0; i < c->nlines; i++)
		if (l->effect[i] != SIZE_MAX) {
			c->line[i].z = c->effect[l->effect[i]].z;
			c->line[i].p = c->effect[l->effect[i]].p;
		}
	if (c->nlines)
		qsort(c->line, c->nlines, sizeof *c->line, surest_first);
}
