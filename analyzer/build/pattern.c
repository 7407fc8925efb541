/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern.c - the table pattern: messages as templates (base/template.h). Span lines have no message of their own and
 * do not count. What was counted elsewhere, a source at a time (patterns_pack), is added as if it had been here. */
#include "build/build.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/template.h"
#include "ingest/line.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
	uint32_t kind; /* level and target */
	uint32_t text; /* masked */
	int64_t count, first_ns, last_ns, example;
	uint32_t order; /* of its kind among all; after merge */
	uint32_t group; /* its template, by number in `templates`; after merge */
};

struct patterns {
	struct store *store;
	struct intern kinds, texts, pairs; /* pairs: kind and text -> number in v */
	struct intern templates;
	struct text *v;
	uint32_t room;
	uint32_t *by_head; /* shape id -> number in v + 1 */
	uint32_t nheads;
	char *buf;
	size_t buf_room;
	/* Of texts that were counted elsewhere their messages, by example - 1; in the order of their sources. */
	struct slice *message;
	size_t nmessages, messages_room;
	struct arena messages;
};

static int reserve(struct patterns *p, size_t n)
{
	return array_reserve(p->buf, p->buf_room, n);
}

/* The masked message; in p->buf, behind the unescaped one. */
static int normalise(struct patterns *p, struct slice message, struct slice *out)
{
	size_t n;

	if (message.len > TEMPLATE_TEXT_MAX) /* no more is looked at, and unescaped it may be three times as long */
		message.len = TEMPLATE_TEXT_MAX;
	if (reserve(p, 3 * message.len + TEMPLATE_ROOM(3 * message.len)))
		return -ENOMEM;
	n = json_unescape(message, p->buf);
	*out = (struct slice){p->buf + 3 * message.len, template_mask(p->buf, n, p->buf + 3 * message.len)};
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
	p->v[*out] = (struct text){pair[0], pair[1], 0, INT64_MAX, INT64_MIN, example, 0, 0};
	return 0;
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

/* The number of a message's text. */
static int number_of(struct patterns *p, const struct shape *head, struct slice message, int64_t example, uint32_t *out)
{
	struct slice text;
	uint32_t kind;
	int rc;

	if ((rc = kind_of(p, head, &kind)) || (rc = normalise(p, message, &text)))
		return rc;
	return number_of_pair(p, kind, text, example, out);
}

bool patterns_may_count(const struct shape *head)
{
	return head->message_slot < 0 && head->id && head->id < 1u << 24;
}

int patterns_count(struct patterns *p, const struct shape *head, int64_t lines, int64_t first_ns, int64_t last_ns,
                   int64_t example)
{
	uint32_t number;
	int rc;

	if (head->id >= p->nheads || !p->by_head[head->id]) {
		rc = number_of(p, head, head->message, example, &number);
		if (!rc)
			rc = array_reserve_zeroed(p->by_head, p->nheads, head->id + 1);
		if (rc)
			return rc;
		p->by_head[head->id] = number + 1;
	}
	text_add(&p->v[p->by_head[head->id] - 1], lines, first_ns, last_ns, example);
	return 0;
}

int patterns_take(struct patterns *p, const struct event *e)
{
	uint32_t number;
	int rc;

	if (patterns_may_count(e->head))
		return patterns_count(p, e->head, 1, e->time_ns, e->time_ns, e->id);
	rc = number_of(p, e->head, event_message(e), e->id, &number);
	if (!rc)
		text_add(&p->v[number], 1, e->time_ns, e->time_ns, e->id);
	return rc;
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

static int compare_texts(const void *pa, const void *pb, void *arg)
{
	const struct patterns *p = arg;
	const struct text *x = pa, *y = pb;
	struct slice a = intern_text(&p->kinds, x->kind), b = intern_text(&p->kinds, y->kind);

	if (x->kind == y->kind) {
		a = intern_text(&p->texts, x->text);
		b = intern_text(&p->texts, y->text);
	}
	return slice_compare(a, b);
}

/* Of texts in the order of their kinds. */
static int merge(struct patterns *p)
{
	uint32_t n = p->pairs.n, *of = malloc(((size_t)n + 1) * sizeof *of);
	struct template_text *v = malloc(((size_t)n + 1) * sizeof *v);
	int rc = of && v ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !rc; i++)
		v[i] = (struct template_text){p->v[i].kind, p->v[i].text};
	if (!rc)
		rc = template_merge(&p->texts, v, n, &p->templates, of);
	for (uint32_t i = 0; i < n && !rc; i++) {
		p->v[i].order = i ? p->v[i - 1].order + (p->v[i].kind != p->v[i - 1].kind) : 0;
		p->v[i].group = of[i];
	}
	free(of);
	free(v);
	return rc;
}

static int compare_groups(const void *pa, const void *pb)
{
	const struct text *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->text > b->text) - (a->text < b->text);
}

/* The message of an example, without escapes; *buf is yours. 1, 0: it is not there, or a negative errno. */
static int message_of(const struct patterns *p, int64_t example, struct slice *out, char **buf)
{
	const struct event *e;
	int rc = p->nmessages ? 0 : event_get(p->store, example, &e);

	if (p->nmessages) {
		*out = p->message[example - 1];
		return 1;
	}
	if (rc <= 0)
		return rc;
	*out = event_message(e);
	if (event_error(e))
		return event_error(e);
	if (!out->ptr) {
		*out = SLICE("");
	} else if (!json_is_plain(*out)) {
		*buf = malloc(out->len * 3 + 1);
		if (!*buf)
			return -ENOMEM;
		*out = (struct slice){*buf, json_unescape(*out, *buf)};
	}
	return 1;
}

static int write_group(struct patterns *p, const struct text *v, uint32_t n, sqlite3_stmt *st)
{
	struct slice kind = intern_text(&p->kinds, v[0].kind), message = SLICE_NONE;
	const char *nl = memchr(kind.ptr, '\n', kind.len);
	int64_t count = 0, first = INT64_MAX, last = INT64_MIN, example = v[0].example;
	char *buf = NULL;
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		count += v[i].count;
		if (v[i].first_ns < first)
			first = v[i].first_ns, example = v[i].example;
		last = v[i].last_ns > last ? v[i].last_ns : last;
	}
	bind_slice(st, 1, (struct slice){kind.ptr, (size_t)(nl - kind.ptr)});
	bind_slice(st, 2, (struct slice){nl + 1, (size_t)(kind.ptr + kind.len - nl - 1)});
	bind_slice(st, 3, intern_text(&p->templates, v[0].group));
	sqlite3_bind_int64(st, 4, count);
	sqlite3_bind_int64(st, 5, first);
	sqlite3_bind_int64(st, 6, last);
	rc = message_of(p, example, &message, &buf);
	bind_slice(st, 7, message);
	rc = rc < 0 ? rc : sql_step_reset(st);
	free(buf);
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
		for (end = i; end < p->pairs.n && p->v[end].order == p->v[i].order && p->v[end].group == p->v[i].group;
		     end++)
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
	intern_init(&p->templates);
	return p;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	intern_done(&p->kinds);
	intern_done(&p->texts);
	intern_done(&p->pairs);
	intern_done(&p->templates);
	free(p->v);
	free(p->by_head);
	free(p->buf);
	free(p->message);
	arena_done(&p->messages);
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

/* ---- what was counted elsewhere ---- */

int patterns_pack(struct patterns *p, struct bytes *out)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->pairs.n && rc >= 0; i++) {
		const struct text *t = &p->v[i];
		struct slice message = SLICE_NONE;
		char *buf = NULL;

		rc = message_of(p, t->example, &message, &buf);
		bytes_slice(out, intern_text(&p->kinds, t->kind));
		bytes_slice(out, intern_text(&p->texts, t->text));
		bytes_u64(out, (uint64_t)t->count);
		bytes_u64(out, (uint64_t)t->first_ns);
		bytes_u64(out, (uint64_t)t->last_ns);
		bytes_slice(out, message);
		free(buf);
	}
	return rc < 0 ? rc : out->failed ? -ENOMEM : 0;
}

static int keep_message(struct patterns *p, struct slice message, int64_t *example)
{
	struct slice *to = array_add(p->message, p->nmessages, p->messages_room);
	char *text = to ? arena_text(&p->messages, message.ptr, message.len) : NULL;

	if (!text)
		return -ENOMEM;
	*to = (struct slice){text, message.len};
	*example = (int64_t)p->nmessages;
	return 0;
}

int patterns_unpack(struct patterns *p, struct peek *in)
{
	int rc = 0;

	while (!rc && !in->bad && in->p < in->end) {
		struct slice kind = peek_slice(in), text = peek_slice(in), message;
		int64_t count = (int64_t)peek_u64(in), first = (int64_t)peek_u64(in), last = (int64_t)peek_u64(in),
		        example;
		uint32_t of, number;

		message = peek_slice(in);
		if (in->bad || !memchr(kind.ptr, '\n', kind.len))
			return -EBADMSG;
		rc = keep_message(p, message, &example);
		if (!rc)
			rc = intern_add(&p->kinds, kind, &of);
		if (!rc)
			rc = number_of_pair(p, of, text, example, &number);
		if (!rc)
			text_add(&p->v[number], count, first, last, example);
	}
	return rc ? rc : in->bad ? -EBADMSG : 0;
}
