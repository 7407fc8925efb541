/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event.c - one line as its readers see it: names, fields, text. */
#include "store/event_room.h"
#include "base/textduration.h"
#include "ingest/members.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

static struct event_room *room_of(const struct event *e)
{
	return (struct event_room *)e; /* the event is its first member */
}

/* Remembers the first failure. After one, SQLite may have rolled back what was written: what is read then may say that
 * there is no such row. Returns rc. */
static int failed(struct event_room *r, int rc)
{
	if (rc && !r->error)
		r->error = rc;
	return rc;
}

static void raw_forget(struct event_room *r)
{
	shape_free(r->raw_shape[0]);
	shape_free(r->raw_shape[1]);
	r->raw_shape[0] = r->raw_shape[1] = NULL;
}

void event_room_free(struct event_room *r)
{
	if (!r)
		return;
	raw_forget(r);
	store_chunk_unpin(r->ev.store, r->ev.chunk);
	bytes_free(&r->line);
	bytes_free(&r->half[0].text);
	bytes_free(&r->half[1].text);
	free(r->tid_text);
	line_done(&r->parsed);
	free(r);
}

int event_room_new(struct store *s, struct event_room **out)
{
	struct event_room *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	line_init(&r->parsed);
	r->ev.store = s;
	*out = r;
	return 0;
}

/* A line kept whole is parsed again, where it stands in the chunk, and gets shapes of its own. */
static int raw_fill(struct event_room *r)
{
	struct slice text, reading;
	enum line_verdict v;
	int rc = chunk_raw_row(r->ev.chunk, r->row.head, r->row.head_ord, &text, &reading);

	raw_forget(r);
	if (rc)
		return rc;
	if (reading.ptr)
		text = reading;
	if (text.len <= SEGMENT_TEXT)
		text.ptr = memcpy(r->raw, text.ptr, text.len);
	rc = reading.ptr ? line_parse_reading(&r->parsed, text.ptr, text.len, &v)
	                 : line_parse(&r->parsed, text.ptr, text.len, &v);
	if (rc || v == LINE_REJECTED)
		return rc ? rc : -EBADMSG;
	rc = shape_of_raw(&r->parsed, 0, &r->raw_shape[0]);
	if (!rc)
		rc = shape_of_raw(&r->parsed, 1, &r->raw_shape[1]);
	if (rc)
		return rc;
	r->ev.head = r->raw_shape[0];
	r->ev.tail = r->raw_shape[1];
	/* the values, in the order of the slots: tokens that became slots */
	r->ev.raw = text.ptr;
	r->ev.raw_len = text.len;
	return 0;
}

/* Where the time of a head's lines stands; nslots: nowhere. */
static unsigned time_slot(const struct shape *h)
{
	unsigned i;

	for (i = 0; i < h->nslots; i++)
		if (h->slots[i].kind == SLOT_STAMP || h->slots[i].kind == SLOT_STAMP_Z ||
		    (h->slots[i].kind == SLOT_STRING && h->slots[i].section == SECTION_TOP &&
		     (slice_is(h->slots[i].key, "timestamp") || slice_is(h->slots[i].key, "time"))))
			break;
	return i;
}

enum event_clock event_head_clock(const struct shape *head)
{
	unsigned slot = time_slot(head);
	enum slot_kind kind = slot < head->nslots ? head->slots[slot].kind : SLOT_STAMP;

	return kind == SLOT_STAMP ? EVENT_CLOCK_SOURCE : kind == SLOT_STAMP_Z ? EVENT_CLOCK_UTC : EVENT_CLOCK_LINE;
}

/* A stamp that is stored as text may name its offset or not. */
static bool stamp_is_local(struct event_room *r)
{
	enum event_clock clock = r->ev.raw ? EVENT_CLOCK_LINE : event_head_clock(r->ev.head);
	struct slice v;
	char buf[SEGMENT_TEXT];
	bool canonical;
	int64_t ns;

	if (r->ev.raw)
		return !r->parsed.stamp_is_utc;
	if (clock != EVENT_CLOCK_LINE)
		return clock == EVENT_CLOCK_SOURCE;
	if (!r->has_ord && chunk_row_ord(r->ev.chunk, r->ev.row, &r->row.head_ord))
		return false;
	r->has_ord = true;
	if (chunk_value(r->ev.chunk, 0, r->row.head, time_slot(r->ev.head), r->row.head_ord, buf, &v))
		return false;
	return !stamp_parse_iluvatar(v, &ns, &canonical);
}

/* The worker that the line itself names, where that is a short text. Its bytes are copied, as those of the transaction
 * are. */
static struct slice worker_said(struct event *e)
{
	struct event_room *r = room_of(e);
	struct slice v;

	if (event_as_value(e, "as_worker", &v) != SLOT_STRING || !v.len || v.len > sizeof r->worker / 3)
		return SLICE_NONE;
	return (struct slice){r->worker, json_unescape(v, r->worker)};
}

/* The worker of a line where it names none itself. */
static struct slice worker_unsaid(const struct shape *tail, bool span_line, const struct source_info *info)
{
	if (span_line && info->cluster && shape_part_range(tail, SECTION_SPANS).there)
		return SLICE("controller");
	return (struct slice){info->worker, info->worker_len};
}

static bool is_foreign(struct slice worker, const struct source_info *info)
{
	struct slice owner = {info->worker, info->worker_len};

	return info->owned && worker.ptr && !slice_same(worker, owner) && (info->cluster || !slice_is(owner, "worker"));
}

int event_tail_is_foreign(struct store *s, int64_t source, const struct shape *tail)
{
	const struct source_info *info;
	int rc = store_source(s, source, &info);

	return rc ? rc : is_foreign(tail->worker.ptr ? tail->worker : worker_unsaid(tail, true, info), info);
}

static void worker_fill(struct event *e, const struct source_info *info)
{
	e->source_worker = (struct slice){info->worker, info->worker_len};
	e->worker = e->head->as_worker ? worker_said(e) : e->tail->worker;
	if (!e->worker.ptr)
		e->worker = worker_unsaid(e->tail, e->head->span_line, info);
	e->foreign = e->head->span_line && is_foreign(e->worker, info);
}

static void time_fill(struct event_room *r, int64_t stamp)
{
	r->ev.stamp = stamp;
	r->ev.time_ns = r->info->offset_ns && stamp_is_local(r) ? ns_moved(stamp, r->info->offset_ns) : stamp;
}

int chunk_tid_meaning(const struct chunk *c, struct slice spelled, char *buf, struct slice *out)
{
	*out = spelled;
	if (!spelled.ptr || chunk_tid_is_plain(c, spelled))
		return 0;
	if (spelled.len > LINE_MAX_TID)
		return -EBADMSG;
	*out = (struct slice){buf, json_unescape(spelled, buf)};
	return 0;
}

/* The transaction is what its spelling means. Its bytes are copied: others of the chunk are read while it is at hand.
 */
static int tid_fill(struct event_room *r, struct slice spelled)
{
	struct slice *tid = &r->ev.tid;

	*tid = spelled;
	if (spelled.ptr && !chunk_tid_is_plain(r->ev.chunk, spelled)) {
		if (!r->tid_text && !(r->tid_text = malloc(3 * LINE_MAX_TID)))
			return -ENOMEM;
		return chunk_tid_meaning(r->ev.chunk, spelled, r->tid_text, tid);
	} else if (spelled.ptr && spelled.len <= sizeof r->tid) {
		tid->ptr = memcpy(r->tid, spelled.ptr, spelled.len);
		r->tid_chunk = chunk_serial(r->ev.chunk);
		r->tid_local = r->row.tid;
		r->tid_len = (uint8_t)spelled.len;
	}
	return 0;
}

/* Neighbours have mostly the same. */
static int tid_read(struct event_room *r)
{
	struct slice spelled;
	int rc;

	if (r->row.tid == r->tid_local && r->row.tid != CHUNK_NO_TID && chunk_serial(r->ev.chunk) == r->tid_chunk) {
		r->ev.tid = (struct slice){r->tid, r->tid_len};
		return 0;
	}
	r->tid_chunk = 0;
	rc = chunk_tid(r->ev.chunk, r->row.tid, &spelled);
	return rc ? rc : tid_fill(r, spelled);
}

/* Tail, transaction and time. */
static int event_rest(struct event_room *r)
{
	struct event *e = &r->ev;
	int rc = chunk_row(e->chunk, e->row, &r->row);

	if (rc)
		return rc;
	r->has_ord = true;
	if (!e->raw)
		e->tail = chunk_tail(e->chunk, r->row.tail);
	rc = tid_read(r);
	if (rc)
		return rc;
	time_fill(r, r->row.stamp);
	r->complete = true;
	worker_fill(e, r->info);
	return 0;
}

int event_complete(const struct event *e)
{
	struct event_room *r = room_of(e);
	int rc = r->complete ? 0 : event_rest(r);

	return failed(r, rc);
}

int event_time(const struct event *e)
{
	struct event_room *r = room_of(e);
	int64_t stamp;
	int rc = r->complete ? 0 : chunk_row_stamp(e->chunk, e->row, &stamp);

	if (!failed(r, rc) && !r->complete)
		time_fill(r, stamp);
	return rc;
}

int event_tid_number(const struct event *e)
{
	struct event_room *r = room_of(e);
	uint16_t number = r->row.tid;
	int rc = r->complete ? 0 : chunk_row_tid(e->chunk, e->row, &number);

	return failed(r, rc) ? rc : number;
}

int event_fill(struct event_room *r, int64_t chunk_id, int64_t source, int64_t first_line, uint32_t row, bool brief)
{
	struct event *e = &r->ev;
	int rc, pieces;

	rc = store_source(e->store, source, &r->info);
	if (rc)
		return rc;
	e->id = chunk_id << 16 | row;
	e->run = r->info->run;
	e->source = source;
	pieces = chunk_pieces_before(e->chunk, row);
	if (pieces < 0)
		return pieces;
	if (first_line < 0 || first_line > INT64_MAX - CHUNK_ROWS)
		return -EBADMSG; /* nobody has so many lines */
	e->line = first_line + row - pieces;
	e->row = row;
	e->raw = NULL;
	r->rendered = r->has_ord = r->complete = r->half[0].rendered = r->half[1].rendered = false;
	r->error = 0;
	r->next_buf = 0;
	rc = chunk_row_head(e->chunk, row, &r->row.head);
	if (rc)
		return rc;
	e->head = chunk_head(e->chunk, r->row.head);
	if (!e->head && ((rc = chunk_row_ord(e->chunk, row, &r->row.head_ord)) || (rc = raw_fill(r))))
		return rc;
	return brief ? 0 : event_rest(r);
}

/* ---- values ---- */

static enum slot_kind slot_value(const struct event *e, unsigned part, unsigned slot, struct slice *out)
{
	struct event_room *r = room_of(e);
	const struct shape *sh = part ? e->tail : e->head;
	char *buf = r->bufs[r->next_buf++ % EVENT_BUFS];
	int rc = 0;

	if (part || !slot_is_stored(sh->slots[slot].kind))
		rc = event_complete(e);
	else if (!r->has_ord)
		rc = chunk_row_ord(e->chunk, e->row, &r->row.head_ord);
	if (failed(r, rc))
		return 0;
	r->has_ord = true;
	switch (sh->slots[slot].kind) {
	case SLOT_TID: /* as it is spelled */
		rc = chunk_tid(e->chunk, r->row.tid, out);
		if (!failed(r, rc) && out->ptr && out->len <= SEGMENT_TEXT)
			out->ptr = memcpy(buf, out->ptr, out->len);
		return rc ? 0 : SLOT_STRING;
	case SLOT_STAMP:
		*out = (struct slice){buf, stamp_print_iluvatar(e->stamp, buf)};
		return SLOT_STRING;
	case SLOT_STAMP_Z:
		*out = (struct slice){buf, stamp_print_rfc3339(e->stamp, buf)};
		return SLOT_STRING;
	default:
		rc = chunk_value(e->chunk, part, part ? r->row.tail : r->row.head, slot,
		                 part ? r->row.tail_ord : r->row.head_ord, buf, out);
		if (failed(r, rc))
			return 0;
		return sh->slots[slot].kind;
	}
}

/* In a line that was kept whole the parser's tokens are at hand. */
static enum slot_kind raw_value(const struct event *e, enum section section, const char *name, struct slice *out)
{
	const struct line *l = &room_of(e)->parsed;
	size_t len = strlen(name);

	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];

		if (t->section != section || t->key_len != len || memcmp(l->text + t->key_off, name, len))
			continue;
		*out = (struct slice){l->text + t->off, t->len};
		return t->kind == SLOT_SCALAR || t->kind == SLOT_JSON ? t->kind : SLOT_STRING;
	}
	return 0;
}

static bool bytes_have(struct slice in, struct slice text)
{
	return in.ptr && memmem(in.ptr, in.len, text.ptr, text.len);
}

static bool row_search(const struct event *e, struct slice text)
{
	struct event_room *r = room_of(e);
	int rc = event_complete(e);

	if (!rc)
		rc = chunk_search_row(e->chunk, &r->row, text);
	return !failed(r, rc < 0 ? rc : 0) && rc == 1;
}

bool event_search(const struct event *e, struct slice text, bool fields)
{
	struct event_room *r = room_of(e);
	const struct line *l = &r->parsed;
	struct slice v = l->message;
	char *buf;
	bool found = false;

	if (fields)
		return bytes_have(event_part(e, SECTION_FIELDS), text);
	if (!e->raw)
		return row_search(e, text);
	buf = malloc(3 * e->raw_len + 1);
	if (!buf) {
		failed(r, -ENOMEM);
		return false;
	}
	for (unsigned i = 0; !found && i <= l->ntokens; i++) {
		const struct token *t = &l->tokens[i];

		v = v.ptr ? json_text(v, buf) : v;
		found = bytes_have(v, text);
		if (i < l->ntokens)
			v = t->section == SECTION_FIELDS && t->kind != SLOT_SCALAR && t->kind != SLOT_JSON
			        ? (struct slice){l->text + t->off, t->len}
			        : SLICE_NONE;
	}
	free(buf);
	return found;
}

static enum slot_kind value(const struct event *e, enum section section, const char *name, struct slice *out)
{
	unsigned part = section == SECTION_SPAN;
	const struct shape *sh;

	if (e->raw)
		return raw_value(e, section, name, out);
	if (part && event_complete(e))
		return 0;
	sh = part ? e->tail : e->head;
	for (unsigned i = 0; i < sh->nslots; i++)
		if (sh->slots[i].section == section && slice_is(sh->slots[i].key, name))
			return slot_value(e, part, i, out);
	if (!part && (section != SECTION_TOP || (shape_part_range(sh, SECTION_FIELDS).there && !sh->form)))
		return 0; /* where there are fields, level and target are none */
	*out = shape_constant(sh, section, name);
	return out->ptr ? SLOT_STRING : 0;
}

/* "a.b" where there is no key with a dot: into the object that is a. */
static enum slot_kind nested_field(const struct event *e, const char *name, struct slice *out)
{
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		char outer[256];
		struct slice object;
		struct member m;
		enum slot_kind kind;

		if ((size_t)(dot - name) >= sizeof outer)
			return 0;
		memcpy(outer, name, (size_t)(dot - name));
		outer[dot - name] = '\0';
		kind = value(e, SECTION_FIELDS, outer, &object);
		if (!kind)
			kind = value(e, SECTION_TOP, outer, &object);
		if (kind == SLOT_JSON && member_at(object, dot + 1, &m)) {
			*out = m.value;
			return m.kind;
		}
	}
	return 0;
}

enum slot_kind event_field(const struct event *e, const char *name, struct slice *out)
{
	enum slot_kind kind;

	if (!strcmp(name, "message") && !e->raw &&
	    !e->head->form) { /* another one of that name may follow: the first counts */
		if (e->head->message_slot >= 0)
			return slot_value(e, 0, (unsigned)e->head->message_slot, out);
		*out = e->head->message;
		if (out->ptr)
			return SLOT_STRING;
	}
	kind = value(e, SECTION_FIELDS, name, out);
	if (!kind)
		kind = value(e, SECTION_TOP, name, out);
	if (!kind)
		kind = nested_field(e, name, out);
	if (kind || strcmp(name, "message"))
		return kind;
	*out = event_message(e); /* "msg" */
	return out->ptr ? SLOT_STRING : 0;
}

/* Its text is read only where its column has not got it as a number. */
static int stored_duration(const struct event *e, const char *name, int64_t *ns)
{
	struct event_room *r = room_of(e);
	int rc = 0;

	for (unsigned i = 0; i < e->head->nslots && !e->raw; i++) {
		const struct slot *s = &e->head->slots[i];

		if (s->section != SECTION_FIELDS || !slice_is(s->key, name))
			continue;
		if (!slot_is_stored(s->kind))
			return 0;
		if (!r->has_ord)
			rc = chunk_row_ord(e->chunk, e->row, &r->row.head_ord);
		r->has_ord |= !rc;
		return rc ? rc : chunk_duration(e->chunk, r->row.head, i, r->row.head_ord, ns);
	}
	return 0;
}

bool event_duration(const struct event *e, const char *name, int64_t *ns)
{
	int rc = stored_duration(e, name, ns);
	char buf[3 * 64];
	struct slice v;

	if (rc)
		return (rc < 0 ? failed(room_of(e), rc) : rc) == 1;
	return event_field(e, name, &v) && v.len < sizeof buf / 3 && !duration_parse(json_text(v, buf), ns);
}

enum slot_kind event_span_field(const struct event *e, const char *name, struct slice *out)
{
	return value(e, SECTION_SPAN, name, out);
}

static unsigned top_slot(const struct shape *sh, const char *name)
{
	unsigned i = sh->nslots;

	while (i > 0 && (sh->slots[i - 1].section != SECTION_TOP || !slice_is(sh->slots[i - 1].key, name)))
		i--;
	return i;
}

enum slot_kind event_top_field(const struct event *e, const char *name, struct slice *out)
{
	unsigned i;

	if (e->raw)
		return raw_value(e, SECTION_TOP, name, out);
	if (event_complete(e))
		return 0;
	i = top_slot(e->tail, name);
	if (i)
		return slot_value(e, 1, i - 1, out);
	i = top_slot(e->head, name);
	return i ? slot_value(e, 0, i - 1, out) : 0;
}

struct slice event_message(const struct event *e)
{
	struct slice s = SLICE_NONE;

	if (e->raw)
		return room_of(e)->parsed.message;
	if (e->head->message_slot < 0)
		return e->head->message;
	slot_value(e, 0, (unsigned)e->head->message_slot, &s);
	return s;
}

struct slice event_level_text(const struct event *e)
{
	struct slice text;

	if (!e->raw || !room_of(e)->parsed.reading)
		return e->head->level_text;
	return raw_value(e, SECTION_TOP, "level_text", &text) ? text : SLICE_NONE;
}

bool event_is_text(const struct event *e)
{
	struct slice kind;

	return e->raw && room_of(e)->parsed.reading && raw_value(e, SECTION_TOP, "kind", &kind) &&
	       slice_is(kind, "text");
}

bool event_is_timeless(const struct event *e)
{
	struct slice v;

	return e->raw && room_of(e)->parsed.reading && raw_value(e, SECTION_TOP, "no_time", &v);
}

struct slice event_as(const struct event *e, const char *key)
{
	struct slice v;

	if (!e->raw)
		return e->head->form ? shape_constant(e->head, SECTION_TOP, key) : SLICE_NONE;
	return room_of(e)->parsed.reading && raw_value(e, SECTION_TOP, key, &v) ? v : SLICE_NONE;
}

enum slot_kind event_as_value(const struct event *e, const char *key, struct slice *out)
{
	struct slice as = event_as(e, key);
	char name[256];

	*out = SLICE_NONE;
	if (!as.ptr || as.len >= sizeof name / 3)
		return 0;
	if (*as.ptr != ':') {
		name[json_unescape(as, name)] = '\0';
		return event_field(e, name, out);
	}
	*out = slice_is(as, ":tid") ? e->tid : slice_is(as, ":message") ? event_message(e) : e->head->target;
	return out->ptr ? SLOT_STRING : 0;
}

bool event_is_piece(const struct event *e)
{
	return room_of(e)->row.head == CHUNK_PIECE;
}

int event_error(const struct event *e)
{
	return room_of(e)->error;
}

/* ---- text ---- */

static int render_half(struct event_room *r, unsigned part)
{
	int rc = r->half[part].rendered ? 0 : event_complete(&r->ev);

	if (rc || r->half[part].rendered)
		return rc;
	rc = part ? chunk_half(r->ev.chunk, &r->row, part, &r->half[part].text, &r->half[part].parts)
	          : chunk_fields(r->ev.chunk, &r->row, &r->half[0].text, &r->half[0].parts.part[SECTION_FIELDS]);
	r->half[part].rendered = !rc;
	return failed(r, rc);
}

static int render(struct event_room *r)
{
	int rc;

	if (r->rendered)
		return 0;
	rc = event_complete(&r->ev);
	if (rc)
		return rc;
	rc = chunk_line(r->ev.chunk, &r->row, &r->line, &r->parts);
	r->rendered = !rc;
	return failed(r, rc);
}

int event_line(const struct event *e, struct slice *out)
{
	struct event_room *r = room_of(e);
	int rc = render(r);

	if (!rc)
		*out = (struct slice){r->line.ptr ? r->line.ptr : "", r->line.len};
	return rc;
}

struct slice event_part(const struct event *e, enum section section)
{
	struct event_room *r = room_of(e);
	unsigned part = section != SECTION_FIELDS;

	if (section == SECTION_TOP)
		return SLICE_NONE;
	if (e->raw)
		return section == SECTION_FIELDS ? r->parsed.fields
		       : section == SECTION_SPAN ? r->parsed.span
		                                 : r->parsed.spans;
	if (r->rendered && !e->head->form)
		return r->parts.part[section];
	return render_half(r, part) ? SLICE_NONE : r->half[part].parts.part[section];
}

int event_offset(const struct event *e, int64_t *out)
{
	struct event_room *r = room_of(e);
	struct bytes text = {0};
	int64_t first = e->id - e->row % SEGMENT_ROWS;
	uint64_t off = chunk_group_offset(e->chunk, e->row / SEGMENT_ROWS);
	int rc = 0;

	if (r->offset_id >= first && r->offset_id <= e->id) { /* go on from the one that was asked for last */
		first = r->offset_id;
		off = r->offset;
	}
	for (int64_t i = first; i < e->id && !rc; i++) {
		struct chunk_row row;

		if (!(rc = chunk_row(e->chunk, (uint32_t)(i & 0xffff), &row)) &&
		    !(rc = chunk_line(e->chunk, &row, &text, NULL)))
			off += text.len + (row.head != CHUNK_PIECE);
	}
	if (!rc) {
		r->offset_id = e->id;
		r->offset = off;
	}
	bytes_free(&text);
	if (!rc)
		rc = sql_number_of(e->store->db, "SELECT first_offset FROM chunk WHERE id = ?", r->ev.id >> 16, &first);
	if (!rc)
		*out = first + (int64_t)off;
	return rc == -ENOENT ? -EBADMSG : rc;
}
