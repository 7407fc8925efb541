/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantiles.c - the numbers of one field, gathered by another.
 *
 * The values of two slots of a shape stand side by side in their columns, so the rows that they belong to are not
 * looked at: a group of 8,192 lines costs the blocks of two columns. Keys are looked up once for each entry of a
 * dictionary. What stands in no column (transactions, times), messages that differ within a shape, and lines kept whole
 * go the long way, event by event. */
#include "store/quantiles.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/scan.h"
#include "base/sql.h"
#include "base/table.h"
#include "store/event_value.h"
#include "store/shape.h"
#include "store/store_private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct gather {
	struct store *store;
	const struct quantile_query *q;
	int64_t run;
	struct quantile_group *groups;
	size_t n, room;
	struct table at; /* by hash of run and key */
	double numbers[SEGMENT_ROWS];
	uint32_t keys[SEGMENT_ROWS];
	char *plain; /* a key without escapes */
	size_t plain_room;
};

/* ---- groups ---- */

static bool group_is(const struct quantile_group *g, int64_t run, struct slice key)
{
	return g->run == run && !g->key == !key.ptr &&
	       (!key.ptr || slice_same((struct slice){g->key, g->key_len}, key));
}

static uint64_t group_hash(int64_t run, struct slice key)
{
	return hash_slice(key, (uint64_t)run << 1 | !key.ptr);
}

static int group_add(struct gather *g, struct slice key)
{
	struct quantile_group *new;

	if (array_reserve(g->groups, g->room, g->n + 1))
		return -ENOMEM;
	new = &g->groups[g->n];
	*new = (struct quantile_group){.run = g->run, .key_len = key.len};
	if (key.ptr) {
		new->key = malloc(key.len + 1);
		if (!new->key)
			return -ENOMEM;
		memcpy(new->key, key.ptr, key.len);
		new->key[key.len] = '\0';
	}
	g->n++;
	return 0;
}

/* A string as it stands in a line, without its escapes and invalid bytes. */
static int plain_key(struct gather *g, struct slice v, struct slice *out)
{
	*out = v;
	if (!v.ptr || json_is_plain(v))
		return 0;
	if (g->plain_room < 3 * v.len + 1) {
		free(g->plain);
		g->plain_room = 3 * v.len + 1;
		g->plain = malloc(g->plain_room);
	}
	if (!g->plain) {
		g->plain_room = 0;
		return -ENOMEM;
	}
	*out = (struct slice){g->plain, json_unescape(v, g->plain)};
	return 0;
}

static int group_number(struct gather *g, struct slice value, enum slot_kind kind, uint32_t *out)
{
	struct slice key = value;
	struct table_walk w;
	uint64_t hash;
	int rc = kind == SLOT_JSON ? 0 : plain_key(g, value, &key);

	if (rc)
		return rc;
	hash = group_hash(g->run, key);
	for (uint32_t i = table_first(&w, &g->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (group_is(&g->groups[i], g->run, key)) {
			*out = i;
			return 0;
		}
	*out = (uint32_t)g->n;
	rc = group_add(g, key);
	return rc ? rc : table_add(&g->at, hash, *out);
}

static int number_add(struct quantile_group *g, double v)
{
	double *p = array_add(g->values, g->n, g->room);

	if (!p)
		return -ENOMEM;
	*p = v;
	return 0;
}

/* ---- columns ---- */

static struct slice entry_of(const struct segment_text *t, uint32_t i)
{
	uint32_t start = i ? t->ends[i - 1] : 0;

	return (struct slice){t->text + start, t->ends[i] - start};
}

/* Which entry of its text value i is. */
static uint32_t entry_number(const struct segment_text *t, uint32_t n, uint32_t i)
{
	return t->codes ? t->codes[i] : t->entries == n ? i : 0;
}

static double number_of(struct slice text)
{
	double v;

	return event_number(text, &v) ? v : NAN;
}

/* The numbers of a column; NAN where a value is none. */
static void column_numbers(const struct segment *s, double *out)
{
	double entries[SEGMENT_ROWS];
	struct segment_text t;
	char buf[SEGMENT_TEXT];

	if (segment_texts(s, &t)) {
		for (uint32_t i = 0; i < t.entries && i < SEGMENT_ROWS; i++)
			entries[i] = number_of(entry_of(&t, i));
		for (uint32_t i = 0; i < s->n; i++)
			out[i] = entries[entry_number(&t, s->n, i)];
		return;
	}
	for (uint32_t i = 0; i < s->n; i++)
		if (!segment_number(s, i, &out[i]))
			out[i] = number_of(segment_get(s, i, buf));
}

static int column_keys(struct gather *g, const struct segment *s, enum slot_kind kind)
{
	uint32_t entries[SEGMENT_ROWS];
	struct segment_text t;
	char buf[SEGMENT_TEXT];
	int rc = 0;

	if (segment_texts(s, &t)) {
		for (uint32_t i = 0; i < t.entries && i < SEGMENT_ROWS && !rc; i++)
			rc = group_number(g, entry_of(&t, i), kind, &entries[i]);
		for (uint32_t i = 0; i < s->n && !rc; i++)
			g->keys[i] = entries[entry_number(&t, s->n, i)];
		return rc;
	}
	for (uint32_t i = 0; i < s->n && !rc; i++)
		rc = group_number(g, segment_get(s, i, buf), kind, &g->keys[i]);
	return rc;
}

/* ---- shapes ---- */

enum way { NOT_AT_ALL, BY_COLUMNS, BY_EVENTS };

/* Where a head has a field: *slot (-1: nowhere). As event_field does. */
static enum way field_way(const struct shape *sh, const char *name, int *slot)
{
	*slot = -1;
	if (!strcmp(name, "message"))
		return BY_EVENTS;
	for (unsigned k = 0; k < 2 && *slot < 0; k++)
		for (unsigned i = 0; i < sh->nslots && *slot < 0; i++)
			if (sh->slots[i].section == (k ? SECTION_TOP : SECTION_FIELDS) &&
			    slice_is(sh->slots[i].key, name))
				*slot = (int)i;
	if (*slot >= 0)
		return slot_is_stored(sh->slots[*slot].kind) ? BY_COLUMNS : BY_EVENTS;
	if (strchr(name, '.')) /* perhaps inside an object */
		return BY_EVENTS;
	return (sh->form || !shape_part_range(sh, SECTION_FIELDS).there) && shape_constant(sh, SECTION_TOP, name).ptr
	           ? BY_EVENTS
	           : NOT_AT_ALL;
}

static enum way head_way(const struct gather *g, const struct shape *sh, int *field, int *by)
{
	const char *message = g->q->message;
	enum way way = field_way(sh, g->q->field, field), by_way;

	*by = -1;
	if (message && sh->message_slot < 0 && event_text_is(sh->message, message, strlen(message)) == 0)
		return NOT_AT_ALL;
	if (message && sh->message_slot >= 0 && way)
		return BY_EVENTS;
	by_way = g->q->by && way ? field_way(sh, g->q->by, by) : NOT_AT_ALL;
	return by_way == BY_EVENTS ? BY_EVENTS : way;
}

static int head_gather(struct gather *g, struct chunk *c, uint16_t local, unsigned group, int field, int by)
{
	uint32_t lines = chunk_head_lines(c, local, group), key;
	const struct segment *s;
	int rc = chunk_segment(c, local, (unsigned)field, group, &s);

	if (rc)
		return rc;
	column_numbers(s, g->numbers);
	if (by >= 0) {
		rc = chunk_segment(c, local, (unsigned)by, group, &s);
		if (!rc)
			rc = column_keys(g, s, chunk_head(c, local)->slots[by].kind);
	} else if (!(rc = group_number(g, SLICE_NONE, 0, &key))) {
		for (uint32_t i = 0; i < lines; i++)
			g->keys[i] = key;
	}
	for (uint32_t i = 0; i < lines && !rc; i++)
		if (!isnan(g->numbers[i]))
			rc = number_add(&g->groups[g->keys[i]], g->numbers[i]);
	return rc;
}

static int chunk_gather(struct gather *g, int64_t id)
{
	struct chunk *c;
	int rc = store_chunk_pin(g->store, id, &c);

	if (rc)
		return rc;
	for (unsigned h = 0; h < chunk_heads(c) && !rc; h++) {
		uint16_t local = (uint16_t)(h + CHUNK_FIRST_HEAD);
		int field, by;

		if (head_way(g, chunk_head(c, local), &field, &by) != BY_COLUMNS)
			continue;
		for (unsigned group = 0; group * SEGMENT_ROWS < chunk_rows(c) && !rc; group++)
			if (chunk_head_lines(c, local, group))
				rc = head_gather(g, c, local, group, field, by);
	}
	store_chunk_unpin(g->store, c);
	return rc;
}

static int chunks_gather(struct gather *g)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(g->store->db,
	                     "SELECT c.id, s.run FROM chunk c JOIN source s ON s.id = c.source "
	                     "WHERE ?1 = 0 OR s.run = ?1 ORDER BY c.id",
	                     &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, g->q->run);
	while (!rc && (rc = sql_next(q)) == 1) {
		g->run = sqlite3_column_int64(q, 1);
		rc = chunk_gather(g, sqlite3_column_int64(q, 0));
	}
	sqlite3_finalize(q);
	return rc;
}

/* ---- events ---- */

static bool wanted(const struct shape *head, void *arg)
{
	int field, by;

	return !head->id || head_way(arg, head, &field, &by) == BY_EVENTS;
}

static int event_gather(struct gather *g, const struct event *e)
{
	const char *message = g->q->message;
	struct slice v, key = SLICE_NONE;
	enum slot_kind kind;
	uint32_t number;
	double x;
	int rc = message ? event_text_is(event_message(e), message, strlen(message)) : 1;

	if (rc <= 0)
		return rc ? rc : event_error(e);
	kind = event_field(e, g->q->field, &v);
	if (!kind || kind == SLOT_JSON || !event_number(v, &x))
		return event_error(e);
	kind = g->q->by ? event_field(e, g->q->by, &key) : 0;
	g->run = e->run;
	rc = event_error(e) ? event_error(e) : group_number(g, kind ? key : SLICE_NONE, kind, &number);
	return rc ? rc : number_add(&g->groups[number], x);
}

static int events_gather(struct gather *g)
{
	struct event_query q = {.run = g->q->run, .want = wanted, .want_arg = g};
	struct event_cursor *c;
	const struct event *e;
	int rc = event_cursor_open(g->store, &q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_next(c, &e)) == 1 && !(rc = event_gather(g, e)))
		;
	event_cursor_close(c);
	return rc;
}

/* ---- all ---- */

void quantile_groups_free(struct quantile_group *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(groups[i].key);
		free(groups[i].values);
	}
	free(groups);
}

static int by_key(const void *a, const void *b)
{
	const struct quantile_group *x = a, *y = b;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (!x->key || !y->key)
		return (x->key != NULL) - (y->key != NULL);
	c = memcmp(x->key, y->key, n);
	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

/* Those without a number go. */
static size_t groups_clean(struct quantile_group *groups, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (groups[i].n)
			groups[k++] = groups[i];
		else
			free(groups[i].key);
	}
	if (k)
		qsort(groups, k, sizeof *groups, by_key);
	return k;
}

int store_quantiles(struct store *s, const struct quantile_query *q, struct quantile_group **groups, size_t *n)
{
	struct gather *g = calloc(1, sizeof *g);
	int rc;

	if (!g)
		return -ENOMEM;
	g->store = s;
	g->q = q;
	rc = chunks_gather(g);
	if (!rc)
		rc = events_gather(g);
	if (rc) {
		quantile_groups_free(g->groups, g->n);
	} else {
		*n = groups_clean(g->groups, g->n);
		*groups = g->groups;
	}
	table_done(&g->at);
	free(g->plain);
	free(g);
	return rc;
}
