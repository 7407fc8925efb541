/* SPDX-License-Identifier: GPL-3.0-or-later */
/* groups.c - the events of a query by what they have in common.
 *
 * A level, a target and most messages belong to the shape, so that a chunk's directory tells how many events have them:
 * no row is looked at. Of messages that are values the dictionary's entries are counted; seconds come from the heads
 * and times of the rows. Lines that were kept whole, and whatever a condition must look at row by row, go the long way.
 */
#include "store/groups.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/intern.h"
#include "store/event_room.h"
#include "store/shape.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND 1000000000

/* What a head's events have in common. */
struct head_texts {
	bool known, varies; /* varies: the message is a value */
	uint32_t text[GROUP_TEXTS];
};

struct event_groups {
	struct store *store;
	struct event_where *where;
	unsigned columns;
	struct event_group *v;
	size_t n, room;
	struct table at;
	struct intern texts;
	struct slice *kept; /* by number of a text: where a shape has it; NONE: the interned copy counts */
	size_t nkept;
	struct head_texts *heads; /* by shape id */
	size_t nheads;
	struct event_order order[EVENT_ORDER_MAX];
	unsigned norder;
	size_t last; /* the group that was found last */
	char *plain; /* room for a text without escapes */
	size_t plain_room;
	uint32_t messages[SEGMENT_ROWS], entries[SEGMENT_ROWS];
	/* the ids of all events, group by group */
	int64_t *ids;
	size_t *first;
};

static const enum event_column text_columns[GROUP_TEXTS] = {COL_LEVEL, COL_LEVEL_TEXT, COL_TARGET, COL_MESSAGE};

static bool has(const struct event_groups *g, enum event_column column)
{
	return g->columns >> column & 1;
}

/* ---- texts ---- */

/* The number of a text that stands in a line. lasting: where it stands outlives the groups. */
static int text_number(struct event_groups *g, struct slice spelled, bool lasting, uint32_t *out)
{
	struct slice v = spelled;
	int rc;

	if (!spelled.ptr) {
		*out = EVENT_GROUP_NONE;
		return 0;
	}
	if (!json_is_plain(spelled)) {
		if (array_reserve(g->plain, g->plain_room, 3 * spelled.len + 1))
			return -ENOMEM;
		v = json_text(spelled, g->plain);
		lasting = false;
	}
	rc = intern_add(&g->texts, v, out);
	if (!rc)
		rc = array_reserve_zeroed(g->kept, g->nkept, *out + (size_t)1);
	if (!rc && lasting)
		g->kept[*out] = v;
	return rc;
}

struct slice event_groups_text(const struct event_groups *g, uint32_t number, bool *lasting)
{
	*lasting = number != EVENT_GROUP_NONE && g->kept[number].ptr;
	return *lasting ? g->kept[number] : intern_text(&g->texts, number);
}

/* ---- groups ---- */

static bool same(const struct event_group *a, const struct event_group *b)
{
	return a->run == b->run && a->source == b->source && a->second == b->second && a->is_text == b->is_text &&
	       !memcmp(a->text, b->text, sizeof a->text);
}

static uint64_t hash_of(const struct event_group *k)
{
	const uint64_t v[] = {(uint64_t)k->run,
	                      (uint64_t)k->source,
	                      (uint64_t)k->second,
	                      (uint64_t)k->text[GROUP_LEVEL] << 32 | k->text[GROUP_TARGET],
	                      (uint64_t)k->text[GROUP_LEVEL_TEXT] << 32 | k->text[GROUP_MESSAGE],
	                      k->is_text};

	return hash_bytes(v, sizeof v, 0);
}

/* The group of a key, a new one if need be. */
static int group_find(struct event_groups *g, const struct event_group *key, size_t *out)
{
	struct table_walk w;
	struct event_group *new;
	uint64_t hash;
	uint32_t i;
	int rc;

	if (g->last < g->n && same(&g->v[g->last], key)) {
		*out = g->last;
		return 0;
	}
	hash = hash_of(key);
	for (i = table_first(&w, &g->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (same(&g->v[i], key)) {
			*out = g->last = i;
			return 0;
		}
	if (g->n >= TABLE_NONE - 1)
		return -ENOMEM;
	rc = table_add(&g->at, hash, (uint32_t)g->n);
	if (rc)
		return rc;
	new = array_add(g->v, g->n, g->room);
	if (!new)
		return -ENOMEM;
	*new = *key;
	new->n = 0;
	*out = g->last = g->n - 1;
	return 0;
}

static int group_add(struct event_groups *g, const struct event_group *key, uint64_t n)
{
	size_t i;
	int rc = group_find(g, key, &i);

	if (!rc)
		g->v[i].n += n;
	return rc;
}

static int64_t second_of(int64_t ns)
{
	return ns / SECOND - (ns % SECOND < 0);
}

/* ---- events ---- */

static int event_key(struct event_groups *g, const struct event *e, struct event_group *key)
{
	int rc = has(g, COL_SECOND) ? event_time(e) : 0;

	*key = (struct event_group){.run = has(g, COL_RUN) ? e->run : 0, .source = has(g, COL_SOURCE) ? e->source : 0};
	if (has(g, COL_SECOND))
		key->second = second_of(e->time_ns);
	key->is_text = has(g, COL_KIND) && event_is_text(e);
	for (unsigned i = 0; i < GROUP_TEXTS; i++) {
		key->text[i] = EVENT_GROUP_NONE;
		if (!rc && has(g, text_columns[i]))
			rc = text_number(g, event_text(e, text_columns[i]), false, &key->text[i]);
	}
	return rc ? rc : event_error(e);
}

/* All events that pass, one by one. fn gets their group. */
static int events_read(struct event_groups *g, int (*fn)(struct event_groups *g, size_t group, int64_t id))
{
	struct event_cursor *c;
	const struct event *e;
	int rc = event_cursor_open(g->store, &g->where->q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_next(c, &e)) == 1) {
		struct event_group key;
		size_t i;

		if (!event_where_row(g->where, e))
			continue;
		if ((rc = event_key(g, e, &key)) || (rc = group_find(g, &key, &i)) || (rc = fn(g, i, e->id)))
			break;
	}
	event_cursor_close(c);
	return rc ? rc : g->where->error;
}

static int event_count(struct event_groups *g, size_t group, int64_t id)
{
	(void)id;
	g->v[group].n++;
	return 0;
}

/* ---- columns ---- */

static int head_texts(struct event_groups *g, const struct shape *sh, const struct head_texts **out)
{
	struct head_texts *t;
	int rc = 0;

	if (array_reserve_zeroed(g->heads, g->nheads, sh->id + (size_t)1))
		return -ENOMEM;
	t = &g->heads[sh->id];
	if (!t->known) {
		const struct slice texts[GROUP_TEXTS] = {sh->level, sh->level_text, sh->target, sh->message};

		t->varies = has(g, COL_MESSAGE) && sh->message_slot >= 0;
		for (unsigned i = 0; i < GROUP_TEXTS; i++) {
			t->text[i] = EVENT_GROUP_NONE;
			if (!rc && has(g, text_columns[i]) && !(i == GROUP_MESSAGE && t->varies))
				rc = text_number(g, texts[i], true, &t->text[i]);
		}
		t->known = !rc;
	}
	*out = t;
	return rc;
}

/* The messages of a head's lines in a group of rows: g->messages by their number among them. */
static int messages_read(struct event_groups *g, struct chunk *c, uint16_t head, unsigned group)
{
	const struct shape *sh = chunk_head(c, head);
	const struct segment *s;
	struct segment_text t;
	char buf[SEGMENT_TEXT];
	int rc = chunk_segment(c, head, (unsigned)sh->message_slot, group, &s);

	if (rc)
		return rc;
	if (!segment_texts(s, &t) || t.entries > SEGMENT_ROWS) {
		for (uint32_t i = 0; i < s->n && !rc; i++)
			rc = text_number(g, segment_get(s, i, buf), false, &g->messages[i]);
		return rc;
	}
	for (uint32_t i = 0; i < t.entries && !rc; i++) {
		uint32_t start = i ? t.ends[i - 1] : 0;

		rc = text_number(g, (struct slice){t.text + start, t.ends[i] - start}, false, &g->entries[i]);
	}
	for (uint32_t i = 0; i < s->n && !rc; i++)
		g->messages[i] = g->entries[t.codes ? t.codes[i] : t.entries == s->n ? i : 0];
	return rc;
}

static int head_count(struct event_groups *g, struct chunk *c, uint16_t head, struct event_group *key)
{
	const struct head_texts *t;
	int rc = head_texts(g, chunk_head(c, head), &t);

	for (unsigned group = 0; !rc && group * SEGMENT_ROWS < chunk_rows(c); group++) {
		uint32_t lines = chunk_head_lines(c, head, group);

		memcpy(key->text, t->text, sizeof key->text);
		if (!lines)
			continue;
		if (!t->varies) {
			rc = group_add(g, key, lines);
			continue;
		}
		rc = messages_read(g, c, head, group);
		for (uint32_t i = 0; i < lines && !rc; i++) {
			key->text[GROUP_MESSAGE] = g->messages[i];
			rc = group_add(g, key, 1);
		}
	}
	return rc;
}

/* With seconds: row by row, from heads and times. Messages that vary are read in the order of their head's lines. */
static int rows_count(struct event_groups *g, struct chunk *c, unsigned group, const struct head_texts *const *texts,
                      const uint8_t *wanted, uint32_t *const *messages, int64_t offset_ns, struct event_group *key)
{
	struct chunk_group rows;
	uint32_t *seen = calloc(chunk_heads(c) + CHUNK_FIRST_HEAD, sizeof *seen);
	int rc = seen ? chunk_group(c, group, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_STAMP, &rows) : -ENOMEM;
	int64_t from = 0, second = 0;
	size_t at = SIZE_MAX;
	unsigned last = 0;

	for (uint32_t i = 0; !rc && i < rows.n; i++) {
		unsigned h = rows.head[i];
		int64_t ns;

		if (!wanted[h])
			continue;
		ns = ns_moved(rows.stamp[i], offset_ns);
		/* most lines are of the second of the one before */
		if ((uint64_t)ns - (uint64_t)from >= SECOND || at == SIZE_MAX) {
			second = second_of(ns);
			from = second * SECOND;
			at = SIZE_MAX;
		}
		if (at == SIZE_MAX || h != last || messages[h]) {
			memcpy(key->text, texts[h]->text, sizeof key->text);
			if (messages[h])
				key->text[GROUP_MESSAGE] = messages[h][seen[h]++];
			key->second = second;
			rc = group_find(g, key, &at);
			last = h;
		}
		if (!rc)
			g->v[at].n++;
	}
	free(seen);
	return rc;
}

/* What is kept of a chunk while its rows are counted. */
struct heads {
	const struct head_texts **texts;
	uint8_t *wanted;
	uint32_t **messages;
	unsigned n;
};

static void heads_done(struct heads *h)
{
	for (unsigned i = 0; h->messages && i < h->n; i++)
		free(h->messages[i]);
	free(h->messages);
	free(h->texts);
	free(h->wanted);
}

static bool is_wanted(const struct event_groups *g, const struct shape *sh)
{
	return !g->where->q.want || g->where->q.want(sh, g->where->q.want_arg);
}

static int seconds_count(struct event_groups *g, struct chunk *c, int64_t offset_ns, struct event_group *key)
{
	struct heads h = {.n = chunk_heads(c) + CHUNK_FIRST_HEAD};
	int rc;

	h.texts = calloc(h.n, sizeof *h.texts);
	h.wanted = calloc(h.n, 1);
	h.messages = calloc(h.n, sizeof *h.messages);
	rc = h.texts && h.wanted && h.messages ? 0 : -ENOMEM;
	/* first all shapes, then their addresses: the array of them grows */
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = CHUNK_FIRST_HEAD; !rc && i < h.n; i++) {
			const struct shape *sh = chunk_head(c, (uint16_t)i);

			h.wanted[i] = is_wanted(g, sh);
			if (h.wanted[i])
				rc = head_texts(g, sh, &h.texts[i]);
		}
	for (unsigned group = 0; !rc && group * SEGMENT_ROWS < chunk_rows(c); group++) {
		for (unsigned i = CHUNK_FIRST_HEAD; !rc && i < h.n; i++) {
			uint32_t lines = chunk_head_lines(c, (uint16_t)i, group);

			free(h.messages[i]);
			h.messages[i] = NULL;
			if (!lines || !h.wanted[i] || !h.texts[i]->varies)
				continue;
			rc = messages_read(g, c, (uint16_t)i, group);
			h.messages[i] = malloc(lines * sizeof **h.messages);
			if (!rc && !h.messages[i])
				rc = -ENOMEM;
			if (!rc)
				memcpy(h.messages[i], g->messages, lines * sizeof **h.messages);
		}
		if (!rc)
			rc = rows_count(g, c, group, h.texts, h.wanted, h.messages, offset_ns, key);
	}
	heads_done(&h);
	return rc;
}

/* Lines that were kept whole, as events. */
static int raw_count(struct event_groups *g, struct chunk *c, int64_t id)
{
	int rc = 0;

	if (!chunk_has_raw_events(c))
		return 0;
	for (uint32_t i = 0; i < chunk_rows(c) && !rc; i++) {
		const struct event *e;
		struct event_group key;
		uint16_t head;

		if ((rc = chunk_row_head(c, i, &head)) || head >= CHUNK_FIRST_HEAD || !chunk_is_event(head))
			continue;
		rc = event_get(g->store, id << 16 | i, &e);
		if (rc <= 0)
			continue;
		rc = 0;
		if (is_wanted(g, e->head) && event_where_row(g->where, e) && !(rc = event_key(g, e, &key)))
			rc = group_add(g, &key, 1);
	}
	return rc;
}

/* Whether the heads tell the local time of their lines, or none of them is local: a chunk's times are its stamps and
 * the source's offset. Text stamps must be looked at one by one. */
static bool stamps_are_plain(const struct chunk *c, int64_t *offset_ns)
{
	bool local = false, utc = false;

	if (!*offset_ns)
		return true;
	for (unsigned h = 0; h < chunk_heads(c); h++) {
		enum event_clock clock = event_head_clock(chunk_head(c, (uint16_t)(h + CHUNK_FIRST_HEAD)));

		local |= clock == EVENT_CLOCK_SOURCE;
		utc |= clock == EVENT_CLOCK_UTC;
		if (clock == EVENT_CLOCK_LINE)
			return false;
	}
	if (local && utc)
		return false;
	*offset_ns = local ? *offset_ns : 0;
	return true;
}

/* A chunk whose rows must be looked at as events. */
static int chunk_by_events(struct event_groups *g, int64_t id)
{
	struct event_query all = g->where->q;
	int64_t first = id << 16, last = first | (CHUNK_ROWS - 1);
	int rc;

	g->where->q.first_id = first;
	g->where->q.last_id = last;
	rc = events_read(g, event_count);
	g->where->q.first_id = all.first_id;
	g->where->q.last_id = all.last_id;
	return rc;
}

static int chunk_count(struct event_groups *g, int64_t id, int64_t source)
{
	const struct source_info *info;
	struct event_group key = {0};
	struct chunk *c;
	int64_t offset_ns;
	int rc = store_source(g->store, source, &info);

	if (rc || (rc = store_chunk_pin(g->store, id, &c)))
		return rc;
	key.run = has(g, COL_RUN) ? info->run : 0;
	key.source = has(g, COL_SOURCE) ? source : 0;
	offset_ns = info->offset_ns;
	if (has(g, COL_SECOND) && !stamps_are_plain(c, &offset_ns)) {
		store_chunk_unpin(g->store, c);
		return chunk_by_events(g, id);
	}
	if (has(g, COL_SECOND))
		rc = seconds_count(g, c, offset_ns, &key);
	else
		for (unsigned h = 0; h < chunk_heads(c) && !rc; h++)
			if (is_wanted(g, chunk_head(c, (uint16_t)(h + CHUNK_FIRST_HEAD))))
				rc = head_count(g, c, (uint16_t)(h + CHUNK_FIRST_HEAD), &key);
	if (!rc)
		rc = raw_count(g, c, id);
	store_chunk_unpin(g->store, c);
	return rc ? rc : g->where->error;
}

static int chunks_count(struct event_groups *g)
{
	const struct event_query *q = &g->where->q;
	sqlite3_stmt *chunks;
	int step = SQLITE_DONE, rc = sql_prepare(g->store->db,
	                                         "SELECT c.id, c.source FROM chunk c JOIN source s ON s.id = c.source "
	                                         "WHERE (?1 = 0 OR s.run = ?1) AND (?2 = 0 OR s.id = ?2) ORDER BY c.id",
	                                         &chunks);

	if (rc)
		return rc;
	sqlite3_bind_int64(chunks, 1, q->run);
	sqlite3_bind_int64(chunks, 2, q->source);
	while (!rc && (step = sqlite3_step(chunks)) == SQLITE_ROW)
		rc = chunk_count(g, sqlite3_column_int64(chunks, 0), sqlite3_column_int64(chunks, 1));
	sqlite3_finalize(chunks);
	return rc || step == SQLITE_DONE ? rc : sql_errno(step);
}

/* ---- order ---- */

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_texts(const struct event_groups *g, uint32_t a, uint32_t b)
{
	struct slice x = intern_text(&g->texts, a), y = intern_text(&g->texts, b);

	if (a == b || !x.ptr || !y.ptr)
		return (x.ptr != NULL) - (y.ptr != NULL);
	return slice_compare(x, y);
}

static int compare_groups(const void *pa, const void *pb, void *arg)
{
	const struct event_group *a = pa, *b = pb;
	const struct event_groups *g = arg;

	for (unsigned i = 0; i < g->norder; i++) {
		int c = 0;

		switch (g->order[i].column) {
		case COL_RUN:
			c = compare_numbers(a->run, b->run);
			break;
		case COL_SOURCE:
			c = compare_numbers(a->source, b->source);
			break;
		case COL_SECOND:
			c = compare_numbers(a->second, b->second);
			break;
		case COL_KIND: /* "record" < "text" */
			c = compare_numbers(a->is_text, b->is_text);
			break;
		default: {
			enum group_text k = group_text_of(g->order[i].column);

			c = compare_texts(g, a->text[k], b->text[k]);
			break;
		}
		}
		if (c)
			return g->order[i].desc ? -c : c;
	}
	return 0;
}

/* ---- all ---- */

void event_groups_close(struct event_groups *g)
{
	if (!g)
		return;
	free(g->v);
	table_done(&g->at);
	intern_done(&g->texts);
	free(g->kept);
	free(g->heads);
	free(g->plain);
	free(g->ids);
	free(g->first);
	free(g);
}

int event_groups_open(struct store *s, struct event_where *w, unsigned columns, const struct event_order *order,
                      unsigned norder, struct event_groups **out)
{
	struct event_groups *g = calloc(1, sizeof *g);
	int rc;

	if (!g)
		return -ENOMEM;
	g->store = s;
	g->where = w;
	g->columns = columns;
	intern_init(&g->texts);
	for (; g->norder < norder && g->norder < EVENT_ORDER_MAX; g->norder++)
		g->order[g->norder] = order[g->norder];
	rc = event_where_is_of_shapes(w) ? chunks_count(g) : events_read(g, event_count);
	if (rc) {
		event_groups_close(g);
		return rc;
	}
	if (g->n)
		qsort_r(g->v, g->n, sizeof *g->v, compare_groups, g);
	*out = g;
	return 0;
}

size_t event_groups_count(const struct event_groups *g)
{
	return g->n;
}

const struct event_group *event_groups_at(const struct event_groups *g, size_t i)
{
	return &g->v[i];
}

/* ---- ids ---- */

static int id_put(struct event_groups *g, size_t group, int64_t id)
{
	if (group >= g->n || g->first[group] == g->first[g->n + 1 + group])
		return -EBADMSG; /* another event than were counted */
	g->ids[g->first[group]++] = id;
	return 0;
}

/* first[i] goes from the start of group i to its end, which first[n + 1 + i] knows, while they are filled. */
static int ids_read(struct event_groups *g)
{
	size_t all = 0, n = g->n;
	int rc;

	for (size_t i = 0; i < n; i++)
		all += g->v[i].n;
	g->ids = malloc((all + 1) * sizeof *g->ids);
	g->first = malloc(2 * (n + 1) * sizeof *g->first);
	if (!g->ids || !g->first)
		return -ENOMEM;
	table_clear(&g->at); /* the groups were sorted */
	g->last = SIZE_MAX;
	rc = 0;
	for (size_t i = 0, at = 0; i < n && !rc; i++) {
		g->first[i] = at;
		at += g->v[i].n;
		g->first[n + 1 + i] = at;
		rc = table_add(&g->at, hash_of(&g->v[i]), (uint32_t)i);
	}
	if (!rc)
		rc = events_read(g, id_put);
	return rc;
}

int event_groups_id(struct event_groups *g, size_t i, uint64_t k, int64_t *id)
{
	int rc = g->first ? 0 : ids_read(g);

	if (rc)
		return rc;
	if (k >= g->v[i].n)
		return 0;
	*id = g->ids[g->first[g->n + 1 + i] - g->v[i].n + k];
	return 1;
}
