/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse.c - lines by guessing: after a line of one shape mostly comes a line of a shape that came after it before.
 *
 * For each head the last few heads that followed it are remembered, and the last few tails it had. A guess is compared
 * with the text (shape_match). Where the sequence is no help, heads are looked up by the text between the time and the
 * end of the message. Where no guess fits, the full parser takes the line apart and the shape is looked up or made.
 * Whatever way a line went, its values were cut out by shape_match: so the shapes and values give it back byte for
 * byte. */
#include "parse/recipe.h"
#include "base/array.h"
#include "base/scan.h"
#include "ingest/stamp.h"
#include "base/intern.h"
#include "base/hash.h"

#include "ingest/parts.h"

#include <errno.h>
#include <stdlib.h>

#define GUESSES    12
#define FOLLOWERS  2 /* of a head that are tried before its key is computed */
#define KEYS       4096
#define KEY_QUOTES 10 /* "level":"INFO","fields":{"message":"..." */

struct guess {
	const struct shape *next[FOLLOWERS]; /* heads that came next, latest first */
	const struct shape *tail[GUESSES];
	struct tid_candidate *named; /* of the shape itself; the first that counts, if any, is the transaction */
	uint32_t nnamed, named_room;
	bool looked; /* named is filled in */
};

/* Heads whose text behind the time begins alike: those of one message, or of all spans' "new". */
struct guess_key {
	const struct shape *head[GUESSES];
};

int parser_init(struct parser *p, struct shape_set *set, const struct record_options *o)
{
	int rc;

	*p = (struct parser){.set = set};
	line_init(&p->line);
	p->second_ns = INT64_MIN;
	p->keys = calloc(KEYS, sizeof *p->keys);
	if (!p->keys)
		return -ENOMEM;
	if ((rc = record_reader_init(&p->records, o)) || (rc = record_reader_init(&p->peeks, o)))
		return rc;
	record_watch(&p->records, true);
	return chunk_builder_new(set, &p->builder);
}

int parser_source(struct parser *p, const struct record_options *o)
{
	int rc;

	record_reader_done(&p->records);
	record_reader_done(&p->peeks);
	recipes_free(p->recipes);
	p->recipes = NULL;
	p->in_array = p->has_last = p->after_record = p->continues = p->peeked = p->no_text = false;
	p->last_tid = SLICE_NONE;
	p->tracing = 0;
	p->group_budget = 0;
	rc = record_reader_init(&p->records, o);
	if (!rc)
		record_watch(&p->records, true);
	return rc ? rc : record_reader_init(&p->peeks, o);
}

/* What a long line has made is no other line's room. */
static void room_return(struct bytes *b)
{
	if (b->room > PARSE_ROOM)
		bytes_free(b);
}

void parser_clear(struct parser *p)
{
	chunk_builder_clear(p->builder);
	room_return(&p->text);
	room_return(&p->joined);
	room_return(&p->plain);
	record_reader_trim(&p->records, PARSE_ROOM);
	record_reader_trim(&p->peeks, PARSE_ROOM);
	recipes_trim(p->recipes, PARSE_ROOM);
	p->counts = (struct parse_counts){0};
	for (size_t i = 0; i < p->nrejects; i++)
		free(p->rejects[i].sample);
	p->nrejects = 0;
	p->saw_local = p->saw_utc = p->saw_event = p->saw_foreign = false;
}

void parser_done(struct parser *p)
{
	if (p->builder)
		parser_clear(p);
	chunk_builder_free(p->builder);
	record_reader_done(&p->records);
	record_reader_done(&p->peeks);
	recipes_free(p->recipes);
	bytes_free(&p->text);
	bytes_free(&p->joined);
	bytes_free(&p->plain);
	line_done(&p->line);
	tid_names_done(&p->names);
	free(p->rejects);
	for (uint32_t i = 0; i < p->nguesses; i++)
		free(p->guesses[i].named);
	free(p->guesses);
	free(p->keys);
	free(p->values[0]);
	free(p->values[1]);
}

/* ---- guesses ---- */

static int guesses_room(struct parser *p, uint32_t id)
{
	return array_reserve_zeroed(p->guesses, p->nguesses, id + 1);
}

static int values_room(struct parser *p, unsigned part, const struct shape *sh)
{
	return array_reserve(p->values[part], p->room[part], sh->nslots + 1);
}

/* To the front, so that the next look finds it first. */
static void guess_note(const struct shape **list, unsigned room, const struct shape *sh)
{
	unsigned i = 0;

	while (i < room - 1 && list[i] && list[i] != sh)
		i++;
	memmove(list + 1, list, i * sizeof *list);
	list[0] = sh;
}

/* ---- one line ---- */

static bool tail_match(struct parser *p, const char *from, struct row *r, const struct shape *sh)
{
	const char *end = r->text.ptr + r->text.len;
	struct slice tid = r->tid;

	if (values_room(p, 1, sh) || shape_match(sh, from, end, p->values[1], &tid, NULL) != end)
		return false;
	r->tid = tid;
	r->tail = sh;
	return true;
}

static bool head_match(struct parser *p, struct row *r, const struct shape *sh, const char **behind)
{
	r->tid = SLICE_NONE;
	if (values_room(p, 0, sh))
		return false;
	*behind = shape_match(sh, r->text.ptr, r->text.ptr + r->text.len, p->values[0], &r->tid, &r->stamp);
	r->head = sh;
	return *behind != NULL;
}

/* ---- transactions under other names ---- */

/* The best of a half's candidates that counts; rank 0: none does. */
static uint64_t named_best(const struct parser *p, const struct shape *sh, struct slice *tid)
{
	const struct guess *g = &p->guesses[sh->id];

	for (uint32_t i = 0; i < g->nnamed; i++) {
		uint32_t slot = g->named[i].slot;

		if (!tid_names_counts(sh->slots[slot].kind, p->values[sh->part][slot]))
			continue;
		*tid = p->values[sh->part][slot];
		return g->named[i].rank;
	}
	return 0;
}

/* Of a line that matches: false where it is none that has such values. */
static bool named_fits(const struct parser *p, struct row *r)
{
	struct slice head = SLICE_NONE, tail = SLICE_NONE;
	uint64_t of_head = named_best(p, r->head, &head), of_tail = named_best(p, r->tail, &tail);

	if (!of_head && !of_tail)
		return true;
	if (of_tail > of_head)
		head = tail;
	if (r->tid.ptr && !slice_same(r->tid, head))
		return false;
	r->tid = head;
	return true;
}

static int by_rank(const void *pa, const void *pb)
{
	const struct tid_candidate *a = pa, *b = pb;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Which slots of a shape may be the transaction, by a line of it that was taken apart and matched. *sure: all that may
 * be are. */
static int named_look(struct parser *p, const struct row *r, const struct shape *sh, bool *sure)
{
	struct guess *g = &p->guesses[sh->id];
	const struct line *l = &p->line;
	unsigned slot = 0;

	if (g->looked)
		return 0;
	g->nnamed = 0;
	for (unsigned i = 0; i < l->ntokens; i++) {
		uint64_t rank;
		struct tid_candidate *c;

		if ((l->tokens[i].off >= l->tail_off) != sh->part || l->tokens[i].kind == SLOT_JSON ||
		    !(rank = tid_names_rank(&p->names, l, &l->tokens[i])))
			continue;
		while (slot < sh->nslots && p->values[sh->part][slot].ptr < r->text.ptr + l->tokens[i].off)
			slot++;
		if (slot == sh->nslots || p->values[sh->part][slot].ptr != r->text.ptr + l->tokens[i].off) {
			*sure = false; /* it is a part of the shape, as a target */
			return 0;
		}
		c = array_add(g->named, g->nnamed, g->named_room);
		if (!c)
			return -ENOMEM;
		*c = (struct tid_candidate){rank, slot};
	}
	if (g->nnamed)
		qsort(g->named, g->nnamed, sizeof *g->named, by_rank);
	g->looked = true;
	p->named |= g->nnamed > 0;
	return 0;
}

/* ---- the time, read once before all guesses ---- */

#define LINE_START "{\"timestamp\":\""
#define SECOND_LEN 19 /* 2026-11-23 00:51:54 */

/* The fraction behind a second that is known: its end, or NULL where it is not canonical. */
static const char *fraction(const char *p, enum slot_kind *kind, int64_t *ns)
{
	int64_t v = 0;
	unsigned n = 0;

	for (; n < 9 && p[n] >= '0' && p[n] <= '9'; n++)
		v = v * 10 + (p[n] - '0');
	for (unsigned i = n; i < 9; i++)
		v *= 10;
	*ns = v;
	*kind = p[n] == 'Z' ? SLOT_STAMP_Z : SLOT_STAMP;
	if (*kind == SLOT_STAMP_Z ? n != 9 : !n || (n > 1 && p[n - 1] == '0'))
		return NULL;
	return p + n + (*kind == SLOT_STAMP_Z);
}

/* The end of the time that a line starts with, and its kind; NULL: the slow way. */
static const char *stamp_read(struct parser *p, struct row *r, enum slot_kind *kind)
{
	const char *text = r->text.ptr + sizeof LINE_START - 1, *end;
	bool canonical;
	int64_t ns, offset;

	if (r->text.len < sizeof LINE_START + SECOND_LEN + 12 || r->text.len > LINE_MAX_BYTES ||
	    memcmp(r->text.ptr, LINE_START, sizeof LINE_START - 1) || text[SECOND_LEN] != '.')
		return NULL;
	end = fraction(text + SECOND_LEN + 1, kind, &ns);
	if (!end || *end != '"' || (*kind == SLOT_STAMP_Z) != (text[10] == 'T'))
		return NULL;
	if (p->second_ns == INT64_MIN || memcmp(p->second, text, SECOND_LEN)) {
		struct slice s = {text, (size_t)(end - text)};
		int rc = *kind == SLOT_STAMP ? stamp_parse_iluvatar(s, &r->stamp, &canonical)
		                             : stamp_parse_rfc3339(s, &r->stamp, &offset, &canonical);

		if (rc || !canonical)
			return NULL;
		memcpy(p->second, text, SECOND_LEN);
		p->second_ns = r->stamp - ns;
	}
	r->stamp = p->second_ns + ns;
	return end;
}

/* Quotes among the 16 bytes at p, a bit for each; there is slack behind a line. */
static inline unsigned quotes_at(const char *p)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8('"')));
#else
	unsigned m = 0;

	for (unsigned i = 0; i < 16; i++)
		m |= (unsigned)(p[i] == '"') << i;
	return m;
#endif
}

/* Where the message ends, by counting quotes. */
static const char *message_end(const char *from, const char *end)
{
	unsigned seen = 0, last = KEY_QUOTES + 1;

	for (const char *p = from; p < end; p += 16)
		for (unsigned m = quotes_at(p); m; m &= m - 1) {
			const char *quote = p + __builtin_ctz(m);

			if (quote >= end)
				return end;
			if (++seen < last)
				continue;
			/* a message without fields, as of spans: the target tells them apart */
			if (last != KEY_QUOTES + 1 || quote + 1 >= end || quote[1] != '}')
				return quote + 1;
			last += 4;
		}
	return end;
}

/* Behind the time: to the end of the message. */
static struct guess_key *key_of(struct parser *p, const char *from, const char *end)
{
	uint64_t h = hash_bytes(from, (size_t)(message_end(from, end) - from), 0);

	return &p->keys[(h ^ h >> 29) % KEYS];
}

/* ---- guessing ---- */

static bool head_fits(struct parser *p, struct row *r, const struct shape *head, const char *behind_stamp,
                      enum slot_kind kind)
{
	const char *end = r->text.ptr + r->text.len, *behind;
	const struct shape **tail = p->guesses[head->id].tail;

	if (head->slots[0].kind != kind || values_room(p, 0, head))
		return false;
	r->tid = SLICE_NONE;
	behind = shape_match_from(head, 1, behind_stamp, end, p->values[0], &r->tid, NULL);
	if (!behind)
		return false;
	for (unsigned k = 0; k < GUESSES && tail[k]; k++) {
		if (!tail_match(p, behind, r, tail[k]))
			continue;
		if (k)
			guess_note(tail, GUESSES, tail[k]);
		r->head = head;
		return !p->named || (r->tid.ptr && !p->names.given) || named_fits(p, r);
	}
	return false;
}

static bool guess_line(struct parser *p, struct row *r, enum slot_kind *kind)
{
	const char *behind = stamp_read(p, r, kind);
	const struct shape **next, **head;

	if (!behind || !p->last_head)
		return false;
	next = p->guesses[p->last_head].next;
	for (unsigned i = 0; i < FOLLOWERS && next[i]; i++)
		if (head_fits(p, r, next[i], behind, *kind))
			return true;
	head = key_of(p, behind, r->text.ptr + r->text.len)->head;
	for (unsigned i = 0; i < GUESSES && head[i]; i++) {
		if (!head_fits(p, r, head[i], behind, *kind))
			continue;
		guess_note(next, FOLLOWERS, head[i]);
		guess_note(head, GUESSES, head[i]);
		return true;
	}
	return false;
}

/* A part of the line that was a list or text: where it is an object, it is more than a value. */
static bool is_whole_part(const struct slot *s)
{
	return s->section == SECTION_TOP && s->kind == SLOT_JSON &&
	       (slice_is(s->key, "fields") || slice_is(s->key, "span") || slice_is(s->key, "spans"));
}

/* Whether all lines that match have the transaction that the parser would find: an id that is a string like others
 * (it was empty here, or too long, or another one counted) must not be one that counts. */
static bool tid_is_sure(const struct shape *head, const struct shape *tail)
{
	bool in_head = false, in_span = false, in_spans = true;

	for (unsigned i = 0; i < head->nslots; i++) {
		if (is_whole_part(&head->slots[i]) ||
		    (head->slots[i].kind == SLOT_STRING && slice_is(head->slots[i].key, "tid")))
			return false;
		in_head |= head->slots[i].kind == SLOT_TID;
	}
	for (unsigned i = 0; i < tail->nslots; i++) {
		const struct slot *s = &tail->slots[i];

		if (is_whole_part(s))
			return false;
		if (!slice_is(s->key, "tid") || (s->kind != SLOT_TID && s->kind != SLOT_STRING))
			continue;
		if (s->section == SECTION_SPAN && s->kind == SLOT_STRING && !in_head)
			return false;
		in_span |= s->section == SECTION_SPAN;
		in_spans = s->section == SECTION_SPANS ? s->kind == SLOT_TID : in_spans;
	}
	return in_head || in_span || in_spans;
}

/* Remembers a head that the full parser found. named: as of shape_line. */
static int head_note(struct parser *p, struct row *r, const struct shape *head, const struct shape *tail, bool named)
{
	enum slot_kind kind;
	const char *behind = stamp_read(p, r, &kind);
	bool sure = true;
	int rc;

	if (!behind || !head->nslots || head->slots[0].kind != kind || head->literals[0].len != sizeof LINE_START - 1 ||
	    !tid_is_sure(head, tail))
		return 0;
	/* where "tid" says it, nobody asks */
	if ((named || !r->tid.ptr || p->names.given) &&
	    ((rc = named_look(p, r, head, &sure)) || (rc = named_look(p, r, tail, &sure)) || !sure || p->names.vague))
		return rc;
	if (p->last_head)
		guess_note(p->guesses[p->last_head].next, FOLLOWERS, head);
	guess_note(key_of(p, behind, r->text.ptr + r->text.len)->head, GUESSES, head);
	guess_note(p->guesses[head->id].tail, GUESSES, tail);
	return 0;
}

/* The shapes of a line that the full parser understood. named: its transaction has another name than "tid". */
static int shape_line(struct parser *p, struct row *r, bool named, bool *found)
{
	const struct shape *head, *tail;
	const char *behind;
	int rc;

	*found = false;
	if ((rc = shape_set_find(p->set, &p->line, 0, &head)) || !head ||
	    (rc = shape_set_find(p->set, &p->line, 1, &tail)) || !tail)
		return rc;
	r->stamp = p->line.stamp;
	if (!head_match(p, r, head, &behind) || !tail_match(p, behind, r, tail))
		return 0;
	if (named && !r->tid.ptr)
		r->tid = p->line.tid;
	if (!slice_same(r->tid, p->line.tid))
		return 0;
	if (guesses_room(p, head->id > tail->id ? head->id : tail->id))
		return -ENOMEM;
	*found = true;
	return head_note(p, r, head, tail, named);
}

/* A line that is right and no event. */
static int no_event(struct parser *p, const struct row *r)
{
	p->counts.ok++;
	p->counts.ok_bytes += r->bytes;
	return chunk_add_raw(p->builder, CHUNK_REJECTED, r->text, SLICE_NONE, 0, r->bytes);
}

static bool is_blank(struct slice text)
{
	return !text.len || (text.len == 1 && text.ptr[0] == '\r');
}

static int blank(struct parser *p, const struct row *r)
{
	p->counts.blank++;
	return no_event(p, r);
}

/* A line of an energy log: kept as it is, and read again when its values are asked for. */
static int energy_line_take(struct parser *p, struct row *r, bool cut)
{
	struct energy_line got;
	const char *why = energy_parse(p->energy, r->text, &got);

	if (why)
		return parse_reject_row(p, r, cut ? "cut short at the end of the file" : why);
	if (got.n)
		chunk_note_time(p->builder, got.time_ns);
	return is_blank(r->text) ? blank(p, r) : no_event(p, r);
}

static void event_seen(struct parser *p, const struct row *r, bool utc)
{
	if (!p->saw_event)
		p->first_stamp = r->stamp;
	p->saw_event = true;
	p->saw_utc |= utc;
	p->saw_local |= !utc;
}

static int row_add(struct parser *p, const struct row *r)
{
	p->counts.ok++;
	p->counts.ok_bytes += r->bytes;
	p->last_head = r->head->id;
	p->tracing++;
	return chunk_add_line(p->builder, r->head, p->values[0], r->tail, p->values[1], r->tid, r->stamp, r->bytes);
}

/* The text goes: what is remembered of it is copied. */
static void tid_keep(struct parser *p)
{
	size_t n = p->last_tid.len;

	if (!p->last_tid.ptr || p->last_tid.ptr == p->tid_text)
		return;
	n = n < sizeof p->tid_text ? n : 0;
	p->last_tid = n ? (struct slice){memcpy(p->tid_text, p->last_tid.ptr, n), n} : SLICE_NONE;
}

/* May it be a line of tracing or of libilulog? The others have no "fields". */
static bool may_be_ours(struct slice text)
{
	return text.len && memmem(text.ptr, text.len, "\"fields\"", 8);
}

static bool is_ours(const struct line *l, enum line_verdict v)
{
	return v != LINE_REJECTED && l->fields.ptr;
}

/* A transaction under another name. */
static int names_take(struct parser *p, bool *named, bool *made)
{
	int rc = 0;

	*named = *made = false;
	if (!p->names.ready)
		rc = tid_names_init(&p->names, &p->records.options);
	if (rc)
		return rc;
	*named = tid_names_take(&p->names, &p->line, made);
	return p->names.made.failed ? -ENOMEM : 0;
}

/* An event that the parser understood. */
static int event_take(struct parser *p, struct row *r, enum line_verdict v)
{
	bool found = false, named, made;
	int rc = names_take(p, &named, &made);

	if (!rc && v == LINE_OK)
		rc = shape_line(p, r, named, &found);
	if (rc)
		return rc;
	if (v == LINE_REPAIRED && parse_may_not(p, p->line.repair, 0))
		return parse_reject_row(p, r, repair_is_off(p->line.repair));
	r->stamp = p->line.stamp;
	event_seen(p, r, p->line.stamp_is_utc);
	parse_event_seen(p, p->line.tid, p->line.stamp, !p->line.stamp_is_utc);
	if (made)
		tid_keep(p);
	if (found)
		return row_add(p, r);
	if (v == LINE_REPAIRED) {
		p->counts.repaired++;
		p->counts.repairs[p->line.repair]++;
		p->counts.repaired_bytes += r->bytes;
	} else {
		p->counts.ok++;
		p->counts.ok_bytes += r->bytes;
	}
	p->tracing++;
	return chunk_add_raw(p->builder, CHUNK_RAW_EVENT, r->text, p->line.tid, r->stamp, r->bytes);
}

/* *used: bytes taken, of text that ends at end; 0: there must be more of it. */
static int parse_slowly(struct parser *p, struct row *r, const char *end, bool last, size_t *used)
{
	enum line_verdict v = LINE_REJECTED;
	bool taken;
	int rc;

	*used = r->bytes;
	if ((rc = recipe_take(p, r, &taken)) || taken)
		return rc;
	if (is_blank(r->text))
		return blank(p, r);
	if (may_be_ours(r->text) && (rc = line_parse(&p->line, r->text.ptr, r->text.len, &v)))
		return rc;
	if (is_ours(&p->line, v))
		return event_take(p, r, v);
	return foreign_take(p, r->text.ptr, end, last, used);
}

int parser_feed(struct parser *p, const char *text, size_t len, bool last, size_t *used)
{
	const char *at = text, *end = text + len;
	int rc = 0;

	p->wants_more = false;
	while (at < end && !rc) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;
		enum slot_kind kind;
		struct row r = {.text = {at, (size_t)(stop - at)}, .bytes = (size_t)(stop - at) + (nl != NULL)};
		size_t taken = r.bytes;

		if ((!nl && !last) || chunk_builder_full(p->builder, r.bytes))
			break;
		if (p->energy) {
			rc = energy_line_take(p, &r, !nl);
		} else if (guess_line(p, &r, &kind)) {
			event_seen(p, &r, kind == SLOT_STAMP_Z);
			parse_event_seen(p, r.tid, r.stamp, kind == SLOT_STAMP);
			rc = row_add(p, &r);
		} else {
			rc = parse_slowly(p, &r, end, last, &taken);
		}
		if (!taken || p->gives_up || (p->is_guess && parser_depended(p)))
			break;
		at += taken;
	}
	tid_keep(p);
	*used = (size_t)(at - text);
	return rc;
}

int parser_end(struct parser *p)
{
	return p->energy ? 0 : foreign_end(p);
}
