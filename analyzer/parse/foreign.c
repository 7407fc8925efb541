/* SPDX-License-Identifier: GPL-3.0-or-later */
/* foreign.c - lines that are not tracing's: records of other programs, and the text between records.
 *
 * A record may be less than a line (an array of them in one), or more (printed over several lines, or in pieces). It is
 * kept twice: the bytes as they stood there, and the reading (ingest/record.h), by which everybody reads it. Whatever
 * of a broken line is a whole record is saved. Text is an event of its own, at the time of the record before it. */
#include "parse/recipe.h"
#include "base/array.h"
#include "base/scan.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

#define GROUP_LINES   32768       /* of one record that is printed over several lines */
#define GROUP_BYTES   (64u << 20) /* the same */
#define GROUP_ALLOWED (4 << 20)   /* see group_end */
#define LIST_MAX      32768       /* records of one line */
#define TEXT_MAX      (8u << 20)  /* bytes of a line that is no record: its reading may take six times as many */
#define PEEK_LINES    4096        /* that are looked through for the time of text before the first record */

/* What a line is without what does not belong to its record. */
struct bare {
	struct slice text;
	enum repair repair;
};

static struct slice cut_front(struct slice s, size_t n)
{
	return (struct slice){s.ptr + n, s.len - n};
}

static struct slice colour_cut_back(struct slice s)
{
	size_t n = s.len;

	if (!n || (s.ptr[n - 1] != 'm' && s.ptr[n - 1] != 'K'))
		return s;
	while (n && s.ptr[n - 1] != '\x1b')
		n--;
	return n && repair_colour_len(cut_front(s, n - 1)) == s.len - n + 1 ? (struct slice){s.ptr, n - 1} : s;
}

static bool ends_with(struct slice s, const char *end)
{
	size_t n = strlen(end);

	return s.len >= n && !memcmp(s.ptr + s.len - n, end, n);
}

/* The text without the colours in it, in room; where there is no memory, with them. */
static struct slice without_colours(struct slice text, struct bytes *room)
{
	room->len = 0;
	bytes_add(room, text.ptr, text.len);
	bytes_add(room, (char[SCAN_SLACK]){0}, SCAN_SLACK);
	if (room->failed)
		return text;
	return (struct slice){room->ptr, repair_colours_cut(room->ptr, text.len)};
}

/* room: for a text that does not stand in the line as it is. */
static struct bare bare_line(const struct parser *p, struct slice s, struct bytes *room)
{
	struct bare b = {s, REPAIR_NONE};
	size_t n;

	if (b.text.len >= 3 && !memcmp(b.text.ptr, "\xef\xbb\xbf", 3))
		b.text = cut_front(b.text, 3);
	while (b.text.len && b.text.ptr[b.text.len - 1] == '\r')
		b.text.len--;
	for (n = 0; n < b.text.len && !b.text.ptr[n]; n++)
		;
	if (n) {
		b.text = cut_front(b.text, n);
		b.repair = REPAIR_NULS;
	}
	if (b.text.len && b.text.ptr[0] == '\x1e') /* RFC 7464 */
		b.text = cut_front(b.text, 1);
	while ((n = repair_colour_len(b.text))) {
		b.text = cut_front(b.text, n);
		b.repair = REPAIR_COLOURS;
	}
	for (n = b.text.len + 1; n != b.text.len; b.text = colour_cut_back(b.text))
		n = b.text.len;
	if (b.text.len && b.text.len <= LINE_MAX_BYTES && memchr(b.text.ptr, '\x1b', b.text.len)) {
		n = b.text.len;
		b.text = without_colours(b.text, room);
		if (b.text.len != n)
			b.repair = REPAIR_COLOURS;
	}
	if (b.text.len && b.text.ptr[0] == '[' && p->in_array)
		return b;
	if (p->in_array && ends_with(b.text, "}]"))
		b.text.len--;
	if (ends_with(b.text, "},") && b.text.ptr[0] == '{') {
		b.text.len--;
		if (!p->in_array)
			b.repair = REPAIR_COMMA;
	}
	return b;
}

/* ---- rows ---- */

/* A line that stands there by right and is no event: brackets of an array, a piece of a record. */
static int part_add(struct parser *p, struct slice text, size_t bytes)
{
	p->counts.ok++;
	p->counts.ok_bytes += bytes;
	return chunk_add_raw(p->builder, CHUNK_PART, text, SLICE_NONE, 0, bytes);
}

/* A piece's bytes count, but it is no line. */
static void count(struct parser *p, bool piece, enum repair repair, size_t bytes)
{
	if (repair) {
		p->counts.repaired += !piece;
		p->counts.repairs[repair] += !piece;
		p->counts.repaired_bytes += bytes;
	} else {
		p->counts.ok += !piece;
		p->counts.ok_bytes += bytes;
	}
}

/* The bytes of a line and its reading, which says what had to be repaired. kept: no other reading takes its place
 * before the chunk is sealed. */
static int reading_add(struct parser *p, enum chunk_raw how, struct slice text, struct slice reading,
                       enum repair repair, bool kept, struct slice tid, int64_t stamp, size_t bytes)
{
	const char *what = repair ? repair_what(repair) : "";
	struct slice pieces[] = {text,
	                         SLICE("\n"),
	                         {reading.ptr, reading.len - (repair != REPAIR_NONE)},
	                         SLICE(",\"repaired\":\""),
	                         {what, strlen(what)},
	                         SLICE("\"}")};

	return chunk_add_raw_pieces(p->builder, how, pieces, repair ? 6 : 3, kept, tid, stamp, bytes);
}

static void seen(struct parser *p, const struct record_result *r)
{
	if (!p->saw_event) {
		p->first_stamp = r->time_ns;
		p->first_offset_s = r->offset_s;
	}
	p->saw_event = p->saw_foreign = true;
	p->saw_utc |= !r->local;
	p->saw_local |= r->local;
}

static int record_add(struct parser *p, enum chunk_raw how, struct slice text, const struct record_result *r,
                      enum repair repair, bool kept, size_t bytes)
{
	int rc = reading_add(p, how, text, r->reading, repair, kept, r->tid, r->time_ns, bytes);

	count(p, how == CHUNK_PIECE, repair, bytes);
	seen(p, r);
	if (!rc && !r->text) {
		size_t n = r->tid.len < sizeof p->tid_text ? r->tid.len : sizeof p->tid_text;

		if (n)
			memcpy(p->tid_text, r->tid.ptr, n);
		parse_event_seen(p, r->tid.ptr ? (struct slice){p->tid_text, n} : SLICE_NONE, r->time_ns, r->local);
	}
	return rc;
}

/* ---- text ---- */

static bool begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && !memcmp(s.ptr, with, n);
}

/* Text that goes on with what the record before it said (docs/formats.md). */
static bool is_continuation(struct slice s)
{
	static const char *const starts[] = {"at ", "Caused by", "Traceback", "goroutine", "panic: ", "... "};

	if (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		return true;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (begins(s, starts[i]))
			return true;
	return s.len && memmem(s.ptr, s.len, "panicked at", 11);
}

/* The time of the first record after what has none, for that. */
static int look_for_time(struct parser *p, const char *from, const char *end, int64_t *stamp)
{
	struct record_result r;
	const char *stop;
	unsigned n = 0;
	int rc;

	*stamp = p->records.options.file_ns;
	for (const char *at = from; at < end && n < PEEK_LINES; n++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		struct bare b = bare_line(p, (struct slice){at, (size_t)((nl ? nl : end) - at)}, &p->text);

		if (!nl)
			return 0;
		if ((rc = record_read(&p->peeks, b.text, &r)))
			return rc;
		if (r.verdict == RECORD_OPEN && r.lines &&
		    (rc = record_read_lines(&p->peeks, (struct slice){at, (size_t)(end - at)}, r.lines, true, &stop,
		                            &r)))
			return rc;
		if (r.verdict == RECORD_EVENT && r.has_time) {
			*stamp = r.time_ns;
			return 0;
		}
		at = nl + 1;
	}
	return 0;
}

/* The same, looked for once: p->peeked_ns. */
static int peek_time(struct parser *p, const char *behind, const char *end)
{
	int rc = p->peeked ? 0 : look_for_time(p, behind, end, &p->peeked_ns);

	p->depended = true;
	p->peeked |= !rc;
	return rc;
}

/* JSON of a text's reading, in p->text. */
static struct slice text_reading(struct parser *p, struct slice text, struct slice tid, int64_t stamp, bool local)
{
	struct bytes *b = &p->text;
	char buf[STAMP_MAX];

	b->len = 0;
	bytes_str(b, "{\"timestamp\":\"");
	bytes_add(b, buf, local ? stamp_print_iluvatar(stamp, buf) : stamp_print_rfc3339(stamp, buf));
	bytes_str(b, "\",\"message\":\"");
	bytes_escape(b, text.ptr, text.len);
	bytes_str(b, "\"");
	if (tid.ptr) {
		bytes_str(b, ",\"tid\":\"");
		bytes_add(b, tid.ptr, tid.len);
		bytes_str(b, "\"");
	}
	bytes_str(b, ",\"fields\":{},\"kind\":\"text\"}");
	return b->failed ? SLICE_NONE : (struct slice){b->ptr, b->len};
}

static int text_add(struct parser *p, struct slice text, struct slice plain, const char *behind, const char *end,
                    size_t bytes)
{
	struct slice reading, tid = SLICE_NONE;
	int64_t stamp = p->last_stamp;
	bool local = p->last_local;
	int rc;

	if (!p->has_last) {
		if ((rc = peek_time(p, behind, end)))
			return rc;
		local = false;
		stamp = p->peeked_ns;
	}
	p->continues = p->continues || (p->after_record && is_continuation(plain));
	if (p->continues)
		tid = p->last_tid;
	p->after_record = false;
	reading = text_reading(p, plain, tid, stamp, local);
	if (!reading.ptr)
		return -ENOMEM;
	count(p, false, REPAIR_NONE, bytes);
	p->saw_foreign = true;
	p->saw_utc |= !local;
	return reading_add(p, CHUNK_READING, text, reading, REPAIR_NONE, true, tid, stamp, bytes);
}

/* ---- records that are less than a line ---- */

struct objects {
	struct parser *p;
	bool clean; /* each is meant as a record: it needs no time, and one that can't be read is told */
	struct slice *all, wrong;
	const char *reason; /* why the first that can't be read is none; NULL: there is no such one */
	size_t n, room;
};

static int object_note(void *arg, struct slice object)
{
	struct objects *o = arg;
	struct record_result r;
	struct slice *to;
	int rc = record_read(&o->p->peeks, object, &r);

	if (rc)
		return rc;
	if (r.verdict != RECORD_EVENT || (!r.has_time && !o->clean) || o->n == LIST_MAX) {
		if (o->clean && !o->reason) {
			o->reason = o->n == LIST_MAX ? "more than 32768 records in a line"
			            : r.reason       ? r.reason
			                             : "no record";
			o->wrong = object;
		}
		return 0;
	}
	to = array_add(o->all, o->n, o->room);
	if (!to)
		return -ENOMEM;
	*to = object;
	return 0;
}

/* Of the line's bytes those of one piece; the last has the line end, too. */
static size_t bytes_of(struct slice text, const char *from, const char *to, bool last, size_t bytes)
{
	return last ? bytes - (size_t)(from - text.ptr) : (size_t)(to - from);
}

/* One of them, whose bytes reach from `from` to `to`. behind: the line. */
static int object_add(struct parser *p, struct slice object, struct slice text, bool last, enum repair repair,
                      size_t bytes, const char *behind, const char *end)
{
	struct record_result r;
	int rc = record_read(&p->records, object, &r);

	if (!rc && !r.has_time && !p->records.has_near && !(rc = peek_time(p, behind, end)))
		record_date(&p->records, p->peeked_ns, &r);
	return rc ? rc : record_add(p, last ? CHUNK_READING : CHUNK_PIECE, text, &r, repair, false, bytes);
}

/* Each object of the line is a record; the last one has the rest of the line. *found: there was one. One that can't be
 * read is in the bytes of another; it makes the line one that is rejected, of which others are events. */
static int objects_add(struct parser *p, const struct row *row, bool clean, const char *end, bool *found,
                       const char **reason)
{
	struct objects o = {.p = p, .clean = clean};
	struct slice text = row->text;
	const char *from = text.ptr;
	int rc = record_list(text, object_note, &o);

	*found = o.n > 0;
	*reason = o.reason ? o.reason : *reason;
	if (!rc && o.n && o.reason)
		rc = parse_reject_part(p, row, o.wrong, o.reason);
	for (size_t i = 0; i < o.n && !rc; i++) {
		bool last = i == o.n - 1;
		const char *to = last ? text.ptr + text.len : o.all[i].ptr + o.all[i].len;

		rc = object_add(p, o.all[i], (struct slice){from, (size_t)(to - from)}, last,
		                clean ? REPAIR_NONE : REPAIR_PIECES, bytes_of(text, from, to, last, row->bytes),
		                text.ptr + row->bytes, end);
		from = to;
	}
	if (!rc && o.n && o.reason) { /* they have counted as a line that is ok */
		p->counts.ok--;
		p->counts.ok_bytes -= row->bytes;
	}
	free(o.all);
	return rc;
}

/* `[{...}, {...}]` and nothing else. */
static bool is_clean_list(struct slice s)
{
	const char *reason;
	bool high = false;

	return s.len && *s.ptr == '[' && scan_nested(s.ptr, s.ptr + s.len, &high, &reason) == s.ptr + s.len;
}

/* ---- records that are more than a line ---- */

struct depth {
	bool text, escaped, broken;
	long n;
};

static void depth_feed(struct depth *d, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		size_t colour = c == '\x1b' ? repair_colour_len(cut_front(s, i)) : 0;

		if (colour) {
			i += colour - 1;
		} else if (d->text) {
			if (d->escaped)
				d->escaped = false;
			else if (c == '\\')
				d->escaped = true;
			else
				d->text = c != '"';
		} else if (c == '"') {
			d->text = true;
		} else if (c == '{' || c == '[') {
			d->n++;
		} else if (c == '}' || c == ']') {
			d->n--;
		}
	}
	d->broken |= d->text || d->n < 0; /* a text does not go over a line end */
}

/* Is a text in quotes open behind s? In it quotes are doubled. */
static void quotes_feed(struct depth *d, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		d->n ^= s.ptr[i] == '"';
}

static bool begins_object(struct slice s)
{
	for (size_t n; (n = repair_colour_len(s));)
		s = cut_front(s, n);
	return s.len && *s.ptr == '{';
}

/* Where the record that begins at text ends: behind its last line's end; NULL: it has none. *more: there is not enough
 * text to tell. */
static const char *group_end(struct parser *p, const char *text, const char *end, bool last, bool quoted, bool *more)
{
	struct depth d = {0};
	const char *at = text;

	*more = false;
	if (p->group_budget < 0)
		return NULL;
	for (unsigned n = 0; n < GROUP_LINES && (size_t)(at - text) < GROUP_BYTES; n++) {
		const char *nl = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		struct slice line = {at, (size_t)((nl ? nl : end) - at)};

		if (!nl && !last) {
			if (p->no_more)
				break;
			*more = true;
			return NULL;
		}
		if (!quoted && n && begins_object(line)) { /* whole by itself: the one before was cut */
			struct depth own = {0};

			depth_feed(&own, line);
			if (!own.broken && !own.n)
				break;
		}
		if (quoted)
			quotes_feed(&d, line);
		else
			depth_feed(&d, line);
		if (d.broken)
			break;
		if (!d.n)
			return nl ? nl + 1 : end;
		if (!nl)
			break;
		at = nl + 1;
	}
	/* what is looked through in vain again and again must not make a load quadratic */
	p->group_budget -= at - text;
	return NULL;
}

/* The text of a record's lines, without colours, for which it is copied to p->joined, and what stands behind it. */
static int lines_join(struct parser *p, struct slice all, bool quoted, struct slice *text, enum repair *repair)
{
	*text = all;
	*repair = REPAIR_NONE;
	if (memchr(all.ptr, '\x1b', all.len)) {
		*text = without_colours(all, &p->joined);
		*repair = text->len != all.len ? REPAIR_COLOURS : REPAIR_NONE;
		if (p->joined.failed)
			return -ENOMEM;
	}
	while (text->len && strchr(quoted ? "\r\n" : "\r\n ,", text->ptr[text->len - 1]))
		text->len--;
	return 0;
}

static bool is_too_much(const char *reason)
{
	return reason && !strncmp(reason, "more than", 9);
}

/* Lines that belong to the one before them. */
static int parts_add(struct parser *p, const char *from, const char *stop)
{
	int rc = 0;

	for (const char *at = from; at < stop && !rc;) {
		const char *end = memchr(at, '\n', (size_t)(stop - at)), *to = end ? end : stop;

		rc = part_add(p, (struct slice){at, (size_t)(to - at)}, (size_t)(to - at) + (end != NULL));
		at = to + (end != NULL);
	}
	return rc;
}

/* The lines of a record that is too much for an event: the first says so, the others are parts of it. Of one whose
 * first line is given up they are lines like any. */
static int group_reject(struct parser *p, const struct row *first, const char *stop, const char *reason)
{
	int rc = parse_reject_row(p, first, reason);

	return rc || p->gives_up ? rc : parts_add(p, first->text.ptr + first->bytes, stop);
}

/* The lines of one record: the first has the event, the others are parts of it. Not *taken: *reason may say why. */
static int group_add(struct parser *p, const char *text, const char *stop, bool quoted, bool *taken,
                     const char **reason)
{
	const char *nl = memchr(text, '\n', (size_t)(stop - text));
	struct slice first = {text, (size_t)(nl - text)}, all;
	struct record_result r;
	enum repair repair;
	int rc = lines_join(p, (struct slice){text, (size_t)(stop - text)}, quoted, &all, &repair);

	*taken = false;
	if (rc || (rc = record_read(&p->records, all, &r)))
		return rc;
	if (is_too_much(r.reason))
		*reason = r.reason;
	if (r.verdict != RECORD_EVENT)
		return 0;
	if (parse_may_not(p, repair, r.no_repair)) {
		*reason = repair_is_off(repair);
		return 0;
	}
	*taken = true;
	rc = record_add(p, CHUNK_READING, first, &r, repair, true, first.len + 1);
	return rc ? rc : parts_add(p, nl + 1, stop);
}

/* ---- one line, or more ---- */

/* A line that is an opening or closing bracket of an array, and what it opens. */
static bool bracket(struct parser *p, struct slice s)
{
	while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
		s = cut_front(s, 1);
	while (s.len && strchr(" \t", s.ptr[s.len - 1]))
		s.len--;
	if (slice_is(s, "[")) {
		p->in_array = true;
		return true;
	}
	if (p->in_array && (slice_is(s, "]") || slice_is(s, "],") || slice_is(s, ","))) {
		p->in_array = slice_is(s, ",");
		return true;
	}
	return false;
}

static int broken(struct parser *p, const struct row *r, struct slice bare, const char *reason, const char *end,
                  size_t *used)
{
	bool found, clean = is_clean_list(bare);
	int rc;

	if (!chunk_builder_takes(p->builder, LIST_MAX)) {
		*used = 0;
		return 0;
	}
	if (!clean && parse_may_not(p, REPAIR_PIECES, 0))
		return parse_reject_row(p, r, reason ? reason : repair_is_off(REPAIR_PIECES));
	rc = objects_add(p, r, clean, end, &found, &reason);

	return rc || found ? rc : parse_reject_row(p, r, reason ? reason : "a list without records");
}

/* A line that is its record and nothing else, but for carriage returns. */
static bool is_bare(const struct parser *p, struct slice line, const struct bare *b)
{
	bool same = !b->repair && !p->in_array && b->text.ptr == line.ptr;

	for (size_t i = b->text.len; same && i < line.len; i++)
		same = line.ptr[i] == '\r';
	return same;
}

/* A line that is no record. */
static int no_record(struct parser *p, const struct row *row, struct slice bare, const char *end)
{
	if (row->text.len > TEXT_MAX)
		return parse_reject_row(p, row, "text longer than 8 MiB");
	if (p->no_text)
		return parse_reject_row(p, row, "no record: neither JSON nor logfmt nor a format that is known");
	return text_add(p, row->text, bare, row->text.ptr + row->bytes, end, row->bytes);
}

/* A line that may be the first of a pattern's. */
static int lines_begun(struct parser *p, const struct row *row, const struct bare *b, unsigned lines, const char *end,
                       bool last, size_t *used)
{
	const char *text = row->text.ptr, *behind = text + row->bytes, *stop;
	struct record_result r;
	int rc;

	if (!chunk_builder_takes(p->builder, lines)) {
		*used = 0;
		return 0;
	}
	rc = record_read_lines(&p->records, (struct slice){text, (size_t)(end - text)}, lines, last || p->no_more,
	                       &stop, &r);
	if (rc)
		return rc;
	if (r.verdict == RECORD_OPEN) {
		p->wants_more = true;
		*used = 0;
		return 0;
	}
	if (r.verdict != RECORD_EVENT)
		return no_record(p, row, b->text, end);
	if (parse_may_not(p, b->repair, r.no_repair))
		return parse_reject_row(p, row, repair_is_off(b->repair));
	*used = (size_t)(stop - text);
	if (!r.has_time && !p->records.has_near && !(rc = peek_time(p, stop, end)))
		record_date(&p->records, p->peeked_ns, &r);
	if (!rc)
		rc = record_add(p, CHUNK_READING, row->text, &r, b->repair, true, row->bytes);
	return rc ? rc : parts_add(p, behind, stop);
}

/* A line that begins a record of several lines, or is cut short. */
static int opened(struct parser *p, const struct row *row, const struct bare *b, const struct record_result *r,
                  const char *end, bool last, size_t *used)
{
	const char *reason = r->reason;
	bool quoted = r->quoted;
	const char *text = row->text.ptr, *stop;
	bool more, taken = false, ended = row->bytes > row->text.len;
	int rc;

	if (r->lines)
		return lines_begun(p, row, b, r->lines, end, last, used);
	stop = group_end(p, text, end, last, quoted, &more);
	if (more || (stop && !chunk_builder_takes(p->builder, GROUP_LINES))) {
		p->wants_more = more;
		*used = 0;
		return 0;
	}
	if (stop && (rc = group_add(p, text, stop, quoted, &taken, &reason)))
		return rc;
	if (taken || (stop && is_too_much(reason))) {
		*used = (size_t)(stop - text);
		return taken ? 0 : group_reject(p, row, stop, reason);
	}
	if (!reason || !strncmp(reason, "not JSON", 8) || !strcmp(reason, "cut short"))
		reason = ended || !last ? "cut short" : "cut short at the end of the file";
	return broken(p, row, b->text, reason, end, used);
}

int foreign_take(struct parser *p, const char *text, const char *end, bool last, size_t *used)
{
	const char *nl = memchr(text, '\n', (size_t)(end - text)), *stop = nl ? nl : end;
	struct row row = {.text = {text, (size_t)(stop - text)}, .bytes = (size_t)(stop - text) + (nl != NULL)};
	struct bare b = bare_line(p, row.text, &p->plain);
	struct record_result r;
	bool taken = false;
	int rc;

	*used = row.bytes;
	if (p->plain.failed)
		return -ENOMEM;
	p->group_budget = p->group_budget + 16 * (int64_t)row.bytes < GROUP_ALLOWED
	                      ? p->group_budget + 16 * (int64_t)row.bytes
	                      : GROUP_ALLOWED;
	if (row.text.len > LINE_MAX_BYTES)
		return parse_reject_row(p, &row, "line longer than 64 MiB");
	if (!b.text.len || bracket(p, b.text))
		return part_add(p, row.text, row.bytes);
	rc = record_read(&p->records, b.text, &r);
	if (rc)
		return rc;
	if (r.reading.ptr && parse_may_not(p, b.repair, r.no_repair))
		return parse_reject_row(p, &row, repair_is_off(b.repair));
	switch (r.verdict) {
	case RECORD_EVENT:
		if (!r.has_time && !p->records.has_near) {
			if ((rc = peek_time(p, stop + (nl != NULL), end)))
				return rc;
			record_date(&p->records, p->peeked_ns, &r);
		} else if (is_bare(p, row.text, &b) && ((rc = recipe_learn(p, &row, &r, &taken)) || taken)) {
			return rc;
		}
		return record_add(p, CHUNK_READING, row.text, &r, b.repair, true, row.bytes);
	case RECORD_PARTIAL:
		return part_add(p, row.text, row.bytes);
	case RECORD_TEXT:
		if (r.reading.ptr)
			return record_add(p, CHUNK_READING, row.text, &r, b.repair, true, row.bytes);
		return no_record(p, &row, b.text, end);
	case RECORD_OPEN:
		return opened(p, &row, &b, &r, end, last, used);
	default:
		return broken(p, &row, b.text, !nl && last ? "cut short at the end of the file" : r.reason, end, used);
	}
}

int foreign_end(struct parser *p)
{
	struct record_result r;
	int rc;

	while (!(rc = record_flush(&p->records, &r)) && r.verdict != RECORD_PARTIAL) {
		rc = record_add(p, CHUNK_PIECE, SLICE(""), &r, REPAIR_NONE, false, 0);
		if (rc)
			return rc;
	}
	return rc;
}
