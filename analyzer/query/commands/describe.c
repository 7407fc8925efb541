/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe.c - what a message carries: each field's types, how often it is there, how it is spread, an example.
 *
 * Without a message: all messages with their counts. Distinct values are counted up to MOST, which then means "at
 * least". */
#include "base/hash.h"
#include "base/array.h"
#include "query/commands/tables.h"
#include "query/core/command.h"
#include "query/events/event_filter.h"
#include "query/events/fields.h"
#include "query/events/mask.h"
#include "base/intern.h"
#include "ingest/line.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 100000, SLOTS = 1 << 18, EXAMPLE = 200 };

/* A field of one type: a field of two types is two rows. */
struct column_facts {
	char *name;
	enum field_kind kind;
	int64_t count, distinct;
	bool numeric;
	double min, max;
	int64_t imin, imax; /* of integers, exact */
	char *least, *most; /* of strings */
	char *example;
	uint64_t *seen; /* hashes of values; 0: free slot */
};

struct facts {
	struct column_facts *columns;
	size_t n, room;
	int64_t events;
	int failed;
};

static void count_distinct(struct facts *all, struct column_facts *c, struct slice value)
{
	uint64_t h = hash_slice(value, 0) | 1;
	size_t i = (size_t)(h >> 40) & (SLOTS - 1);

	if (c->distinct >= MOST)
		return;
	if (!c->seen)
		c->seen = calloc(SLOTS, sizeof *c->seen);
	if (!c->seen) {
		all->failed = -ENOMEM;
		return;
	}
	while (c->seen[i] && c->seen[i] != h)
		i = (i + 1) & (SLOTS - 1);
	c->distinct += !c->seen[i];
	c->seen[i] = h;
}

static char *plain(struct facts *all, struct slice escaped)
{
	char *p = malloc(3 * escaped.len + 1);

	if (p)
		p[json_unescape(escaped, p)] = 0;
	else
		all->failed = -ENOMEM;
	return p;
}

static void count_number(struct column_facts *c, struct slice v)
{
	char buf[64];
	double x;
	long long i;

	if (v.len >= sizeof buf)
		return;
	memcpy(buf, v.ptr, v.len);
	buf[v.len] = 0;
	x = strtod(buf, NULL);
	i = strtoll(buf, NULL, 10);
	if (!c->numeric || x < c->min) {
		c->min = x;
		c->imin = i;
	}
	if (!c->numeric || x > c->max) {
		c->max = x;
		c->imax = i;
	}
	c->numeric = true;
}

static void count_string(struct facts *all, struct column_facts *c, struct slice value)
{
	struct slice head = {value.ptr, value.len < EXAMPLE ? value.len : EXAMPLE};
	char *p;

	if (c->least && strncmp(c->least, head.ptr, head.len) <= 0 && strncmp(c->most, head.ptr, head.len) >= 0)
		return;
	p = plain(all, head);
	if (!p)
		return;
	if (!c->least) {
		c->least = strdup(p);
		c->most = p;
	} else if (strcmp(p, c->least) < 0) {
		free(c->least);
		c->least = p;
	} else if (strcmp(p, c->most) > 0) {
		free(c->most);
		c->most = p;
	} else {
		free(p);
	}
}

static struct column_facts *find(struct facts *all, const struct field *f)
{
	struct column_facts *c;

	for (size_t i = 0; i < all->n; i++)
		if (all->columns[i].kind == f->kind && slice_is(f->key, all->columns[i].name))
			return &all->columns[i];
	if (array_reserve(all->columns, all->room, all->n + 1))
		return NULL;
	c = &all->columns[all->n];
	*c = (struct column_facts){.name = strndup(f->key.ptr, f->key.len), .kind = f->kind};
	if (!c->name)
		return NULL;
	all->n++;
	return c;
}

static void count_field(struct facts *all, const struct field *f)
{
	struct column_facts *c = find(all, f);

	if (!c) {
		all->failed = -ENOMEM;
		return;
	}
	c->count++;
	if (!c->example)
		c->example = plain(all, (struct slice){f->value.ptr, f->value.len < EXAMPLE ? f->value.len : EXAMPLE});
	count_distinct(all, c, f->value);
	if (f->kind == FIELD_INTEGER || f->kind == FIELD_REAL)
		count_number(c, f->value);
	else if (f->kind == FIELD_STRING)
		count_string(all, c, f->value);
}

static int count_event(void *arg, const struct event *e)
{
	struct facts *all = arg;
	struct slice object = event_part(e, SECTION_FIELDS);
	struct field field;
	size_t at = 0;

	all->events++;
	while (fields_next(object, &at, &field))
		if (!slice_is(field.key, "message"))
			count_field(all, &field);
	return all->failed;
}

static struct cell bound(const struct column_facts *c, bool top)
{
	if (c->kind == FIELD_STRING)
		return cell_of_text(top ? c->most : c->least);
	if (!c->numeric)
		return CELL_OF_NULL;
	if (c->kind == FIELD_INTEGER)
		return CELL_OF_INT(top ? c->imax : c->imin);
	return CELL_OF_REAL(top ? c->max : c->min);
}

static void put(struct query *q, const struct facts *all)
{
	static const struct column columns[] = {
	    {"field", UNIT_WHOLE},    {"type", UNIT_NONE}, {"events", UNIT_COUNT}, {"share", UNIT_SHARE},
	    {"distinct", UNIT_COUNT}, {"min", UNIT_VALUE}, {"max", UNIT_VALUE},    {"example", UNIT_NONE},
	};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < all->n; i++) {
		const struct column_facts *c = &all->columns[i];
		struct cell cells[] = {
		    cell_of_text(c->name),    cell_of_text(field_kind_name(c->kind)),
		    CELL_OF_INT(c->count),    CELL_OF_REAL((double)c->count / (double)all->events),
		    CELL_OF_INT(c->distinct), bound(c, false),
		    bound(c, true),           cell_of_text(c->example),
		};

		if (!query_table_row(q, t, cells))
			break;
	}
	query_table_close(q, t);
}

static void describe_one(struct query *q)
{
	struct event_filter f;
	struct facts all = {0};

	event_filter_init(q, &f);
	f.message = q->args->words[0];
	event_filter_each(q, &f, count_event, &all);
	if (!all.events)
		query_fail(q, USAGE,
		           "no event has the message %s; `ilu-logq describe` lists them, * stands for anything",
		           f.message);
	put(q, &all);
	for (size_t i = 0; i < all.n; i++) {
		free(all.columns[i].name);
		free(all.columns[i].least);
		free(all.columns[i].most);
		free(all.columns[i].example);
		free(all.columns[i].seen);
	}
	free(all.columns);
	event_filter_done(&f);
}

/* ---- all messages ---- */

struct message {
	int64_t events;
	const char *level, *target, *message; /* as they stand in its key; message with * for its numbers */
};

struct messages {
	struct intern keys;
	struct message *all; /* by number of the key */
	uint32_t room;
	uint32_t *of_head; /* by id of a shape whose message is part of it: the number + 1 */
	uint32_t nheads;
	struct text key;
};

static int remember(struct messages *m, uint32_t head, uint32_t number)
{
	if (array_reserve_zeroed(m->of_head, m->nheads, head + 1))
		return -ENOMEM;
	m->of_head[head] = number + 1;
	return 0;
}

static int count_message(void *arg, const struct event *e)
{
	struct messages *m = arg;
	struct text *key = &m->key;
	struct slice message = event_message(e), level = e->head->level, target = e->head->target;
	uint32_t i, head = e->head->message_slot < 0 && e->head->id < 1u << 24 ? e->head->id : 0;
	int rc;

	if (head < m->nheads && m->of_head[head]) {
		m->all[m->of_head[head] - 1].events++;
		return 0;
	}
	text_reset(key);
	text_add(key, level.ptr ? level.ptr : "", level.len);
	text_add(key, "", 1);
	text_add(key, target.ptr ? target.ptr : "", target.len);
	text_add(key, "", 1);
	mask_escaped(key, message, "*");
	rc = key->failed ? -ENOMEM : intern_add(&m->keys, (struct slice){text_str(key), key->len}, &i);
	if (rc)
		return rc;
	if (array_reserve_zeroed(m->all, m->room, i + 1))
		return -ENOMEM;
	m->all[i].events++;
	return head ? remember(m, head, i) : 0;
}

static int by_events(const void *a, const void *b)
{
	const struct message *x = a, *y = b;

	if (x->events != y->events)
		return x->events < y->events ? 1 : -1;
	return strcmp(x->message, y->message) ? strcmp(x->message, y->message) : strcmp(x->target, y->target);
}

/* A key is the three of them, parted by newlines. */
static void part_keys(struct messages *m)
{
	for (uint32_t i = 0; i < m->keys.n; i++) {
		m->all[i].level = m->keys.text[i].ptr;
		m->all[i].target = m->all[i].level + strlen(m->all[i].level) + 1;
		m->all[i].message = m->all[i].target + strlen(m->all[i].target) + 1;
	}
}

static void put_messages(struct query *q, struct messages *m)
{
	static const struct column columns[] = {
	    {"events", UNIT_COUNT}, {"level", UNIT_LEVEL}, {"target", UNIT_TARGET}, {"message", UNIT_NONE}};
	struct table *t = query_table_open(q, columns, 4);

	part_keys(m);
	if (m->keys.n)
		qsort(m->all, m->keys.n, sizeof *m->all, by_events);
	for (uint32_t i = 0; i < m->keys.n; i++) {
		struct cell c[] = {CELL_OF_INT(m->all[i].events), cell_of_text(m->all[i].level),
		                   cell_of_text(m->all[i].target), cell_of_text(m->all[i].message)};

		if (!query_table_row(q, t, c))
			break;
	}
	query_table_close(q, t);
}

static void describe_all(struct query *q)
{
	struct event_filter f;
	struct messages m = {0};

	event_filter_init(q, &f);
	event_filter_each(q, &f, count_message, &m);
	if (!q->status)
		put_messages(q, &m);
	intern_done(&m.keys);
	text_done(&m.key);
	free(m.all);
	free(m.of_head);
	event_filter_done(&f);
}

static void run(struct query *q)
{
	if (q->args->nwords && tables_has(q->args->words[0]))
		tables_describe(q, q->args->words[0]);
	else if (q->args->nwords)
		describe_one(q);
	else
		describe_all(q);
}

static const struct option_spec options[] = {OPTION_TID, OPTION_TARGET, OPTION_SINCE, OPTION_UNTIL, OPTION_RUN, {0}};

const struct command command_describe = {
    .name = "describe",
    .group = GROUP_LINES,
    .words = "[MESSAGE|TABLE]",
    .most = 1,
    .hint = HINT_MESSAGE,
    .help = "the fields of a message: types, how often, how spread; without one, all messages",
    .more = "A field that occurs with two types has two rows. distinct stops counting at 100000. Of a name in "
            "`tables`, its "
            "columns.",
    .examples = "describe\ndescribe 'Item starting to execute'\ndescribe 'Popped item*'",
    .options = options,
    .need = NEED_READ,
    .run = run,
};
