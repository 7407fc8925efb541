/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern.c - the table pattern: messages as templates.
 *
 * Words with a digit in them are values. Texts that still differ are one template where at least four of the same
 * target and level have the same number of words and agree in most of them: "popped: <*> top: <*>". Span lines have no
 * message of their own and do not count. */
#include "build/build.h"
#include "base/array.h"
#include "ingest/line.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MERGE_LEAST   4 /* texts that agree, to be one template */
#define WORDS_MAX     64
#define TEMPLATES_MAX 20000 /* of one kind of line: beyond, a new text joins the most similar one */

struct text {
	uint32_t kind; /* level and target */
	uint32_t text; /* template, words with digits as <*> */
	int64_t count, first_ns, last_ns, example;
	uint32_t group; /* its template, by number of its first text; after merge */
};

struct patterns {
	struct store *store;
	struct intern kinds, texts, pairs; /* pairs: kind and text -> number in v */
	struct text *v;
	uint32_t room;
	uint32_t *by_head; /* shape id -> number in v + 1 */
	uint32_t nheads;
	char *buf;
	size_t buf_room;
};

static int reserve(struct patterns *p, size_t n)
{
	return array_reserve(p->buf, p->buf_room, n);
}

/* The message with each word that has a digit as <*>; in p->buf. The text stands behind the unescaped message there. */
static int normalise(struct patterns *p, struct slice message, struct slice *out)
{
	size_t n, w = 0;
	char *in, *to;

	/* Unescaped at most three times, and a word becomes at most "<*>". */
	if (message.len > 512)
		message.len = 512;
	if (reserve(p, message.len * 3 + message.len * 9 + 16))
		return -ENOMEM;
	in = p->buf;
	n = json_unescape(message, in);
	to = in + message.len * 3;
	out->ptr = to;
	for (size_t i = 0; i < n;) {
		size_t end = i;
		bool value = false;

		while (end < n && in[end] != ' ') {
			value |= in[end] >= '0' && in[end] <= '9';
			end++;
		}
		if (value) {
			memcpy(to + w, "<*>", 3);
			w += 3;
		} else {
			memcpy(to + w, in + i, end - i);
			w += end - i;
		}
		if (end < n)
			to[w++] = ' ';
		i = end + 1;
	}
	out->len = w;
	return 0;
}

static int kind_of(struct patterns *p, const struct shape *head, uint32_t *out)
{
	char kind[512];
	int n = snprintf(kind, sizeof kind, "%.*s\n%.*s", (int)head->level.len, head->level.ptr ? head->level.ptr : "",
	                 (int)head->target.len, head->target.ptr ? head->target.ptr : "");

	return intern_add(&p->kinds, (struct slice){kind, (size_t)n < sizeof kind ? (size_t)n : sizeof kind - 1}, out);
}

/* The number of a text of some kind, a new one if need be; example: the event it is first seen in. */
static int number_of_pair(struct patterns *p, uint32_t kind, struct slice text, int64_t example, uint32_t *out)
{
	uint32_t pair[2] = {kind}, before = p->pairs.n;
	int rc;

	if ((rc = intern_add(&p->texts, text, &pair[1])) ||
	    (rc = intern_add(&p->pairs, (struct slice){(const char *)pair, sizeof pair}, out)))
		return rc;
	if (p->pairs.n == before)
		return 0;
	if (array_reserve(p->v, p->room, *out + 1))
		return -ENOMEM;
	p->v[*out] = (struct text){pair[0], pair[1], 0, INT64_MAX, INT64_MIN, example, *out};
	return 0;
}

/* The number of this line's text. */
static int number_of(struct patterns *p, const struct event *e, uint32_t *out)
{
	struct slice text;
	uint32_t kind;
	int rc;

	if ((rc = kind_of(p, e->head, &kind)) || (rc = normalise(p, event_message(e), &text)))
		return rc;
	return number_of_pair(p, kind, text, e->id, out);
}

/* Counts lines: the first of them is the example. */
static void text_add(struct text *t, int64_t count, int64_t first_ns, int64_t last_ns, int64_t example)
{
	t->count += count;
	if (first_ns < t->first_ns || (first_ns == t->first_ns && example < t->example)) {
		t->first_ns = first_ns;
		t->example = example;
	}
	if (last_ns > t->last_ns)
		t->last_ns = last_ns;
}

int patterns_take(const struct event *e, void *arg)
{
	struct patterns *p = arg;
	const struct shape *head = e->head;
	bool fixed = head->message_slot < 0 && head->id && head->id < 1u << 24;
	uint32_t number;
	int rc;

	if (fixed && head->id < p->nheads && p->by_head[head->id]) {
		number = p->by_head[head->id] - 1;
	} else {
		rc = number_of(p, e, &number);
		if (rc)
			return rc;
		if (fixed && array_reserve_zeroed(p->by_head, p->nheads, head->id + 1))
			return -ENOMEM;
		if (fixed)
			p->by_head[head->id] = number + 1;
	}
	text_add(&p->v[number], 1, e->time_ns, e->time_ns, e->id);
	return 0;
}

int patterns_join(struct patterns *p, const struct patterns *from)
{
	uint32_t kind, number;
	int rc;

	for (uint32_t i = 0; i < from->pairs.n; i++) {
		const struct text *t = &from->v[i];

		if ((rc = intern_add(&p->kinds, intern_text(&from->kinds, t->kind), &kind)) ||
		    (rc = number_of_pair(p, kind, intern_text(&from->texts, t->text), t->example, &number)))
			return rc;
		text_add(&p->v[number], t->count, t->first_ns, t->last_ns, t->example);
	}
	return 0;
}

/* ---- merging ---- */

struct words {
	struct slice v[WORDS_MAX];
	unsigned n;
};

static void split(struct slice text, struct words *w)
{
	const char *p = text.ptr, *end = p + text.len;

	w->n = 0;
	while (p < end && w->n < WORDS_MAX) {
		const char *space = w->n + 1 < WORDS_MAX ? memchr(p, ' ', (size_t)(end - p)) : NULL;

		w->v[w->n++] = (struct slice){p, (size_t)((space ? space : end) - p)};
		p = space ? space + 1 : end;
	}
}

/* Whether most words agree, beginning with the first. */
static bool similar(const struct words *a, const struct words *b)
{
	unsigned same = 0;

	if (a->n != b->n || a->n < 3 || !slice_same(a->v[0], b->v[0]))
		return false;
	for (unsigned i = 0; i < a->n; i++)
		same += slice_same(a->v[i], b->v[i]);
	return same * 10 >= a->n * 6;
}

static int compare_texts(const void *pa, const void *pb, void *arg)
{
	const struct patterns *p = arg;
	const struct text *x = pa, *y = pb;
	struct slice a = intern_text(&p->kinds, x->kind), b = intern_text(&p->kinds, y->kind);
	int c;

	if (x->kind == y->kind) {
		a = intern_text(&p->texts, x->text);
		b = intern_text(&p->texts, y->text);
	}
	c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Gives each text the group of the first one it resembles; groups of too few are taken apart again. */
static int merge(struct patterns *p)
{
	uint32_t n = p->pairs.n, nleaders = 0, *leader = malloc((n + 1) * sizeof *leader),
	         *size = calloc(n + 1, sizeof *size);
	struct words a, b;

	if (!leader || !size) {
		free(leader);
		free(size);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;

		split(intern_text(&p->texts, p->v[i].text), &a);
		for (; k < nleaders; k++) {
			if (p->v[leader[k]].kind != p->v[i].kind)
				continue;
			split(intern_text(&p->texts, p->v[leader[k]].text), &b);
			if (similar(&a, &b))
				break;
		}
		if (k == nleaders && nleaders < TEMPLATES_MAX)
			leader[nleaders++] = i;
		p->v[i].group = k < nleaders ? leader[k] : i;
		size[p->v[i].group]++;
	}
	for (uint32_t i = 0; i < n; i++)
		if (size[p->v[i].group] < MERGE_LEAST)
			p->v[i].group = i;
	free(leader);
	free(size);
	return 0;
}

static int compare_groups(const void *pa, const void *pb)
{
	const struct text *a = pa, *b = pb;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->text > b->text) - (a->text < b->text);
}

/* The template of texts v[0..n): words that are not the same in all are <*>. */
static int template_of(struct patterns *p, const struct text *v, uint32_t n, struct slice *out)
{
	struct words a, b;
	bool same[WORDS_MAX];
	size_t at = 0;

	split(intern_text(&p->texts, v[0].text), &a);
	for (unsigned w = 0; w < a.n; w++)
		same[w] = true;
	for (uint32_t i = 1; i < n; i++) {
		split(intern_text(&p->texts, v[i].text), &b);
		for (unsigned w = 0; w < a.n && w < b.n; w++)
			same[w] &= slice_same(a.v[w], b.v[w]);
	}
	if (reserve(p, intern_text(&p->texts, v[0].text).len + 4 * WORDS_MAX + 16))
		return -ENOMEM;
	for (unsigned w = 0; w < a.n; w++) {
		struct slice word = same[w] ? a.v[w] : SLICE("<*>");

		if (w)
			p->buf[at++] = ' ';
		memcpy(p->buf + at, word.ptr, word.len);
		at += word.len;
	}
	*out = (struct slice){p->buf, at};
	return 0;
}

static int write_group(struct patterns *p, const struct text *v, uint32_t n, sqlite3_stmt *st)
{
	struct slice kind = intern_text(&p->kinds, v[0].kind), template = SLICE_NONE;
	const char *nl = memchr(kind.ptr, '\n', kind.len);
	int64_t count = 0, first = INT64_MAX, last = INT64_MIN, example = v[0].example;
	const struct event *e;
	char *text = NULL;
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		count += v[i].count;
		if (v[i].first_ns < first)
			first = v[i].first_ns, example = v[i].example;
		last = v[i].last_ns > last ? v[i].last_ns : last;
	}
	rc = template_of(p, v, n, &template);
	if (rc)
		return rc;
	bind_slice(st, 1, (struct slice){kind.ptr, (size_t)(nl - kind.ptr)});
	bind_slice(st, 2, (struct slice){nl + 1, (size_t)(kind.ptr + kind.len - nl - 1)});
	bind_slice(st, 3, template);
	sqlite3_bind_int64(st, 4, count);
	sqlite3_bind_int64(st, 5, first);
	sqlite3_bind_int64(st, 6, last);
	rc = event_get(p->store, example, &e);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		struct slice m = event_message(e);

		if (event_error(e))
			return event_error(e);
		text = malloc(m.len * 3 + 1);
		if (!text)
			return -ENOMEM;
		bind_slice(st, 7, (struct slice){text, m.ptr ? json_unescape(m, text) : 0});
	} else {
		sqlite3_bind_null(st, 7);
	}
	rc = sql_step_reset(st);
	free(text);
	return rc;
}

static int write_patterns(struct patterns *p, sqlite3 *db)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    db, "INSERT INTO pattern(level,target,template,count,first_ns,last_ns,example) VALUES(?,?,?,?,?,?,?)", &st);

	if (rc)
		return rc;
	if (p->pairs.n)
		qsort(p->v, p->pairs.n, sizeof *p->v, compare_groups);
	for (uint32_t i = 0, end; !rc && i < p->pairs.n; i = end) {
		for (end = i; end < p->pairs.n && p->v[end].group == p->v[i].group; end++)
			;
		rc = write_group(p, p->v + i, end - i, st);
	}
	sqlite3_finalize(st);
	return rc;
}

struct patterns *patterns_new(struct store *s)
{
	struct patterns *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->store = s;
	intern_init(&p->kinds);
	intern_init(&p->texts);
	intern_init(&p->pairs);
	return p;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	intern_done(&p->kinds);
	intern_done(&p->texts);
	intern_done(&p->pairs);
	free(p->v);
	free(p->by_head);
	free(p->buf);
	free(p);
}

int patterns_write(struct patterns *p, sqlite3 *db)
{
	int rc;

	/* In an order that has nothing to do with that of the files; numbers by head are of no use from here on. */
	if (p->pairs.n)
		qsort_r(p->v, p->pairs.n, sizeof *p->v, compare_texts, p);
	rc = merge(p);
	return rc ? rc : write_patterns(p, db);
}
