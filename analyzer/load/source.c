/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source.c - one log file into chunks, by several threads.
 *
 * The file is cut into pieces of about 32 MiB at line ends. A worker takes the next piece, parses it into a chunk or
 * two, packs them, and waits for its turn to write: pieces are written in the order of the file, so line numbers and
 * offsets are known then. A plain file is read by each worker itself, half a MiB at a time, so that the text stays in
 * the cache; what must be unpacked first, or comes through a pipe, is handed out in memory.
 *
 * A record of another program may depend on what was before it: text on the record that it follows, a piece of a record
 * on the other pieces, a time without a year. A worker reads its piece as if it was the first, and notes where that
 * mattered. When its turn comes, it is known where the piece before ended and what its parser knew then. Where that
 * makes a difference, the piece is read once more from there; of a stream, with what the piece before left over.
 *
 * A line that is longer than LINE_MAX_BYTES is rejected, and kept all the same, a stretch at a time: memory does not
 * grow with it, and the text can be given back and is known again when it comes under another name. */
#include "load/source.h"
#include "load/parse_state.h"
#include "base/sql.h"
#include "base/array.h"
#include "ingest/line.h"
#include "ingest/reader.h"
#include "base/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef PIECE_BYTES
#define PIECE_BYTES (32u << 20)
#endif
#define LINE_LIMIT  (LINE_MAX_BYTES + 1u) /* bytes that must have a line's end among them, or it is given up */
#define LINE_ALONE  (8u << 20)            /* of a longer line one worker at a time has the text in memory */
#define BUFFER_KEPT (PIECE_BYTES + PIECE_BYTES / 4) /* bytes of one that other lines need as well */

/* Shared by the workers of one file. */
struct job {
	struct source_load *l;
	struct reader *reader;
	int fd;               /* of a plain file, else -1 */
	int64_t size;         /* of a plain file */
	pthread_mutex_t take; /* pieces */
	int64_t next_from;    /* plain: where the next piece begins */
	uint64_t next_ticket;
	bool drained;
	struct worker *workers;
	unsigned nworkers;
	bool alone;     /* one worker has all pieces */
	int64_t end_at; /* plain: where the piece ended that was written last, and what was known then; its writer's */
	struct parse_state state;
	char *carry; /* streams: text that belongs to the next piece */
	size_t carry_len, carry_room;
	char *left; /* streams: the beginning of a record that the piece written last did not end; its writer's */
	size_t left_len, left_room;
	pthread_mutex_t write;
	pthread_cond_t turned;
	uint64_t turn;
	int rc;             /* first failure: everybody stops */
	const char *reason; /* of damage that ended the reading, static or of the reader */
	struct chunk_writer writer;
	sqlite3_stmt *reject_insert;
};

struct worker {
	struct job *job;
	struct parser parser;
	struct bytes packed;
	char *buf;
	size_t room;
	pthread_t thread;
	uint64_t ticket;
	bool has_turn;
	int64_t at, to; /* of a plain file: what of its piece is still to be read */
	int64_t from;   /* where its piece begins */
	size_t len;     /* of a stream: the piece in buf ... */
	bool last;      /* ... which is the last one */
	bool taken;     /* it has a piece already */
	int rc;         /* of taking it */
	bool guesses;   /* it does not know yet what is before its piece */
	struct parse_mark mark;
};

static int room_for(struct worker *w, size_t n)
{
	return array_reserve(w->buf, w->room, n + SCAN_SLACK);
}

/* ---- writing, in the order of the file ---- */

#define READ_AGAIN (-ERESTART) /* the piece must be, from job.end_at and with job.state */

/* Was the piece read as it would have been behind the one before? */
static bool guess_holds(const struct worker *w)
{
	const struct job *j = w->job;

	return j->end_at == w->from && !j->left_len && parse_state_is_clean(&j->state) && w->parser.has_last &&
	       !w->parser.depended && !w->parser.records.depended;
}

/* 0, READ_AGAIN (once) or -ECANCELED. */
static int turn_wait(struct worker *w)
{
	struct job *j = w->job;

	if (w->has_turn)
		return 0;
	pthread_mutex_lock(&j->write);
	while (j->turn != w->ticket && !j->rc)
		pthread_cond_wait(&j->turned, &j->write);
	w->has_turn = j->turn == w->ticket;
	pthread_mutex_unlock(&j->write);
	if (!w->has_turn)
		return -ECANCELED;
	if (!w->guesses)
		return 0;
	w->guesses = false;
	return guess_holds(w) ? 0 : READ_AGAIN;
}

static void turn_pass(struct worker *w, int rc)
{
	struct job *j = w->job;

	pthread_mutex_lock(&j->write);
	if (rc && rc != -ECANCELED && !j->rc)
		j->rc = rc;
	if (w->has_turn)
		j->turn++;
	w->has_turn = false;
	pthread_cond_broadcast(&j->turned);
	pthread_mutex_unlock(&j->write);
}

static int step(sqlite3_stmt *q)
{
	int rc = sql_errno(sqlite3_step(q));

	sqlite3_reset(q);
	return rc;
}

static int rejects_write(struct job *j, const struct parser *p)
{
	struct source_load *l = j->l;
	int rc = 0;

	for (size_t i = 0; i < p->nrejects && !rc; i++) {
		const struct parse_reject *r = &p->rejects[i];
		int64_t line = l->next_line + r->row, offset = l->skip_bytes + l->bytes + r->offset;

		sqlite3_bind_int64(j->reject_insert, 1, l->id);
		sqlite3_bind_int64(j->reject_insert, 2, line);
		sqlite3_bind_int64(j->reject_insert, 3, offset);
		sqlite3_bind_int64(j->reject_insert, 4, (int64_t)r->length);
		sqlite3_bind_text(j->reject_insert, 5, r->reason, -1, SQLITE_STATIC);
		sqlite3_bind_text(j->reject_insert, 6, r->sample, -1, SQLITE_STATIC);
		rc = step(j->reject_insert);
		if (l->nfirst_rejects < 3) {
			l->first_rejects[l->nfirst_rejects].line = line;
			l->first_rejects[l->nfirst_rejects].offset = offset;
			l->first_rejects[l->nfirst_rejects++].reason = r->reason;
		}
	}
	return rc;
}

struct place_arg {
	struct place_set *places;
	int64_t chunk;
};

static int place_one(void *arg, struct slice tid, uint32_t events, unsigned blocks)
{
	const struct place_arg *a = arg;

	return place_set_add(a->places, tid, a->chunk, events, blocks);
}

/* Which workers the spans name: two are enough to know a cluster. */
static int workers_note(struct source_load *l, const struct chunk_builder *b)
{
	const struct shape *tail;

	for (uint32_t i = 0; !l->workers[1] && (tail = chunk_builder_tail(b, &i));) {
		struct slice w = tail->worker;

		if (!w.ptr || (l->workers[0] && slice_is(w, l->workers[0])))
			continue;
		l->has_workers = true;
		if (!(l->workers[l->workers[0] != NULL] = strndup(w.ptr, w.len)))
			return -ENOMEM;
	}
	return 0;
}

static int summary_add(struct source_load *l, const struct parser *p, const struct chunk_summary *s)
{
	if (s->has_stamp) {
		l->min_stamp = !l->has_stamp || s->min_stamp < l->min_stamp ? s->min_stamp : l->min_stamp;
		l->max_stamp = !l->has_stamp || s->max_stamp > l->max_stamp ? s->max_stamp : l->max_stamp;
		l->has_stamp = true;
	}
	if (p->saw_event && !l->saw_event) {
		l->first_stamp = p->first_stamp;
		l->first_offset_s = p->first_offset_s;
	}
	l->saw_foreign |= p->saw_foreign;
	l->saw_event |= p->saw_event;
	l->saw_local |= p->saw_local;
	l->saw_utc |= p->saw_utc;
	l->counts.ok += p->counts.ok;
	l->counts.ok_bytes += p->counts.ok_bytes;
	l->counts.repaired += p->counts.repaired;
	for (int i = 0; i < REPAIRS; i++)
		l->counts.repairs[i] += p->counts.repairs[i];
	l->counts.repaired_bytes += p->counts.repaired_bytes;
	l->counts.rejected += p->counts.rejected;
	l->counts.blank += p->counts.blank;
	l->counts.rejected_bytes += p->counts.rejected_bytes;
	l->bytes += (int64_t)s->bytes;
	l->lines += s->lines;
	l->next_line += s->lines;
	return workers_note(l, p->builder);
}

static int chunk_write(struct worker *w, const struct chunk_summary *s)
{
	struct job *j = w->job;
	struct source_load *l = j->l;
	struct place_arg arg = {l->places, (*l->next_chunk)++};
	int rc = rejects_write(j, &w->parser);

	if (rc ||
	    (rc = chunk_writer_put(l->store, &j->writer, arg.chunk, l->id, l->next_line, l->skip_bytes + l->bytes,
	                           w->parser.builder, &w->packed)) ||
	    (rc = chunk_builder_tids(w->parser.builder, place_one, &arg)))
		return rc;
	return summary_add(l, &w->parser, s);
}

/* Packs what the parser has and writes it when it is this piece's turn. */
static int chunk_finish(struct worker *w)
{
	struct chunk_summary s = chunk_builder_summary(w->parser.builder);
	int rc = 0;

	if (s.rows) {
		w->packed.len = 0;
		rc = chunk_seal_apart(w->parser.builder, CHUNK_LEVEL, &w->packed);
		if (!rc)
			rc = turn_wait(w);
		if (!rc)
			rc = chunk_write(w, &s);
	}
	parser_clear(&w->parser);
	return rc;
}

/* The text of a long line that is rejected, or a part of it: a chunk for each stretch. */
static int stretches_write(struct worker *w, const char *text, size_t len, uint64_t *bytes)
{
	int rc = 0;

	for (size_t at = 0, n; at < len && !rc; at += n) {
		n = len - at < PARSE_STRETCH ? len - at : PARSE_STRETCH;
		rc = parser_stretch(&w->parser, (struct slice){text + at, n});
		if (!rc)
			rc = chunk_finish(w);
		*bytes += n;
	}
	return rc;
}

/* The line that text begins with, which the parser gave up. *used: its bytes. */
static int long_line(struct worker *w, const char *text, size_t len, size_t *used)
{
	const char *nl = memchr(text, '\n', len);
	size_t n = nl ? (size_t)(nl - text) : len;
	uint64_t bytes = 0;
	int rc = chunk_finish(w);

	*used = n + (nl != NULL);
	if (!rc)
		rc = stretches_write(w, text, n, &bytes);
	if (!rc)
		rc = parser_give_up(&w->parser, w->parser.gives_up, (struct slice){text, n}, bytes, nl != NULL);
	return rc ? rc : chunk_finish(w);
}

/* A buffer that a long line has made is no other worker's room. */
static void buffer_trim(struct worker *w, size_t keep)
{
	size_t room = keep + READER_BLOCK + SCAN_SLACK;
	char *smaller = w->room > BUFFER_KEPT && room < w->room / 2 ? realloc(w->buf, room) : NULL;

	if (smaller) {
		w->buf = smaller;
		w->room = room;
	}
}

/* What stands behind the first *used of *have bytes of the buffer moves to its front. */
static void buffer_front(struct worker *w, size_t *used, size_t *have)
{
	*have -= *used;
	memmove(w->buf, w->buf + *used, *have + SCAN_SLACK);
	*used = 0;
	buffer_trim(w, *have);
}

/* Takes lines from text up to where more of it is needed, or the chunk is full. *more: it is. */
static int lines_feed(struct worker *w, const char *text, size_t len, bool last, size_t *used, bool *more)
{
	size_t n = 0;
	int rc = parser_feed(&w->parser, text, len, last, used);

	if (!rc && w->parser.gives_up) {
		rc = long_line(w, text + *used, len - *used, &n);
		*used += n;
		return rc;
	}
	*more = w->parser.wants_more || (*used < len && !memchr(text + *used, '\n', len - *used) && !last);
	return rc;
}

/* Lines of text into chunks. *used as parser_feed. */
static int text_parse(struct worker *w, const char *text, size_t len, bool last, size_t *used)
{
	size_t n;
	bool more = false;
	int rc = 0;

	for (*used = 0; *used < len && !rc && !more; *used += n) {
		rc = lines_feed(w, text + *used, len - *used, last, &n, &more);
		if (rc)
			return rc;
		if (!more && *used + n < len)
			rc = chunk_finish(w);
	}
	return rc;
}

/* Lines of the first *have bytes of the buffer into chunks; what is left of them is at its front then. Where there was
 * a long line, its text goes before its chunk is packed: it would be there twice. */
static int buffer_parse(struct worker *w, size_t *have, bool last)
{
	size_t at = 0, n;
	bool more = false;
	int rc = 0;

	while (at < *have && !rc && !more) {
		rc = lines_feed(w, w->buf + at, *have - at, last, &n, &more);
		at += rc ? 0 : n;
		if (!rc && w->room > BUFFER_KEPT)
			buffer_front(w, &at, have);
		if (!rc && !more && at < *have)
			rc = chunk_finish(w);
	}
	if (!rc)
		buffer_front(w, &at, have);
	return rc;
}

static void progress(struct job *j, int64_t file_bytes)
{
	struct source_load *l = j->l;

	if (l->progress)
		progress_show(l->progress, l->progress_base + file_bytes, l->next_line - 1, l->path);
}

/* ---- pieces of a plain file ---- */

/* Its lines are read by one worker: where a file is no log. */
static bool in_one(const struct job *j)
{
	return j->l->no_text;
}

static bool plain_take(struct worker *w, int64_t *from, int64_t *to)
{
	struct job *j = w->job;
	bool any;

	pthread_mutex_lock(&j->take);
	any = j->next_from < j->size && !j->rc && !*j->l->stop;
	if (any) {
		*from = j->next_from;
		*to = in_one(j) || j->size - *from < (int64_t)PIECE_BYTES + PIECE_BYTES / 4 ? j->size
		                                                                            : *from + PIECE_BYTES;
		j->next_from = *to;
		w->ticket = j->next_ticket++;
		progress(j, *from);
	}
	pthread_mutex_unlock(&j->take);
	return any;
}

static ssize_t read_at(int fd, char *buf, size_t n, int64_t off)
{
	ssize_t got;

	do
		got = pread(fd, buf, n, off);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* ---- lines that are too long ---- */

static ssize_t stream_read(struct job *j, char *buf, size_t n)
{
	ssize_t got = reader_read(j->reader, buf, n);

	if (got != -EBADMSG && got != -E2BIG)
		return got;
	j->reason = reader_why(j->reader);
	return 0;
}

/* Text behind what the worker has; 0: there is no more. */
static ssize_t text_more(struct worker *w, char *buf, size_t n)
{
	ssize_t got = 0;

	if (*w->job->l->stop)
		return 0;
	if (w->job->fd < 0)
		return stream_read(w->job, buf, n);
	if (w->to - w->at < (int64_t)n)
		n = (size_t)(w->to - w->at);
	if (n)
		got = read_at(w->job->fd, buf, n, w->at);
	w->at += got > 0 ? got : 0;
	return got;
}

/* What was parsed is written, and it is this worker's turn. */
static int turn_take(struct worker *w)
{
	int rc = chunk_finish(w);

	return rc ? rc : turn_wait(w);
}

/* The buffer has *have bytes of a line, more than a line may have: they and the rest of it go into chunks of their own.
 * *have: bytes behind it, which have moved to the front. */
static int line_give_up(struct worker *w, size_t *have)
{
	char first[256], *nl = NULL;
	size_t n = *have, len;
	uint64_t bytes = 0;
	bool end = false;
	int rc = turn_take(w);

	memcpy(first, w->buf, sizeof first);
	while (!rc && !nl && !end) {
		rc = stretches_write(w, w->buf, n, &bytes);
		for (n = 0; !rc && !nl && !end && n < PARSE_STRETCH;) {
			ssize_t got = text_more(w, w->buf + n, PARSE_STRETCH - n);

			rc = got < 0 ? (int)got : 0;
			end = got <= 0;
			nl = got > 0 ? memchr(w->buf + n, '\n', (size_t)got) : NULL;
			n += got > 0 ? (size_t)got : 0;
		}
	}
	len = nl ? (size_t)(nl - w->buf) : n;
	if (!rc)
		rc = stretches_write(w, w->buf, len, &bytes);
	if (!rc)
		rc = parser_give_up(&w->parser, "line longer than 64 MiB", (struct slice){first, sizeof first}, bytes,
		                    nl != NULL);
	if (!rc)
		rc = chunk_finish(w);
	*have = nl ? n - len - 1 : 0;
	memmove(w->buf, w->buf + (n - *have), *have);
	buffer_trim(w, *have);
	return rc;
}

/* ---- pieces of a plain file: their lines ---- */

/* Where the line begins that contains the byte before `at`: pieces start behind a line end. It is not looked for behind
 * `limit`, which is said then. */
static int line_start(struct worker *w, int64_t at, int64_t limit, int64_t *out)
{
	struct job *j = w->job;
	int rc = room_for(w, READER_BLOCK);

	for (int64_t off = at - 1; !rc;) {
		ssize_t got = off < limit ? read_at(j->fd, w->buf, READER_BLOCK, off) : 0;
		char *nl, *more;

		if (got <= 0) {
			*out = limit;
			return got < 0 ? (int)got : 0;
		}
		nl = memchr(w->buf, '\n', (size_t)got);
		/* one that goes on with the line before is no good start */
		for (more = nl; more && more + 1 < w->buf + got && strchr(" \t}]\r", more[1]);)
			more = memchr(more + 1, '\n', (size_t)(w->buf + got - more - 1));
		nl = more && more + 1 < w->buf + got ? more : nl;
		if (nl) {
			*out = off + (nl - w->buf) + 1;
			return 0;
		}
		off += got;
	}
	return rc;
}

/* The lines that begin in [w->at, w->to), which are starts of lines. A record that does not end there is read to its
 * end: w->at is then behind it. */
static int plain_lines(struct worker *w)
{
	int64_t size = w->job->size;
	size_t have = 0;
	bool end = false;
	int rc = 0;

	while (!rc && !end && (w->at < w->to || have)) {
		/* of a long line as much again as there is: it is looked through from its start each time */
		size_t want = have > READER_BLOCK ? have : READER_BLOCK;
		ssize_t got = 0;

		if (have > LINE_ALONE && (rc = turn_take(w)))
			return rc;
		if (have >= LINE_LIMIT && !memchr(w->buf, '\n', have)) {
			rc = line_give_up(w, &have);
			continue;
		}
		w->parser.no_more = have >= LINE_LIMIT;
		want = have + want > LINE_LIMIT ? LINE_LIMIT - have : want;
		if ((rc = room_for(w, have + want)))
			return rc;
		if (want && (got = text_more(w, w->buf + have, want)) < 0)
			return (int)got;
		have += (size_t)got;
		end = (want && !got) || w->at == w->to;
		memset(w->buf + have, 0, SCAN_SLACK);
		rc = buffer_parse(w, &have, end && w->to == size);
		if (!rc && end && have && w->parser.wants_more && w->to < size) {
			w->to = size - w->to < READER_BLOCK ? size : w->to + READER_BLOCK;
			end = false;
		}
	}
	w->at -= (int64_t)have;
	return rc;
}

/* What a piece has, parsed as if nothing was before it, until it is this worker's turn. */
static int piece_guess(struct worker *w)
{
	int rc;

	parse_state_enter(&w->parser, &(struct parse_state){0});
	parse_mark_set(&w->parser, &w->mark);
	rc = w->from < w->to ? plain_lines(w) : 0;
	if (!rc)
		rc = turn_take(w);
	if (rc == READ_AGAIN)
		parse_mark_return(&w->parser, &w->mark);
	return rc;
}

static int plain_piece(struct worker *w, int64_t from, int64_t to)
{
	struct job *j = w->job;
	int rc = from <= j->l->skip_bytes ? 0 : line_start(w, from, to, &from);

	if (!rc && from < to && to < j->size)
		rc = line_start(w, to, j->size, &to);
	if (rc)
		return rc;
	w->at = w->from = from < to ? from : to;
	w->to = to;
	w->guesses = !j->alone && from > j->l->skip_bytes;
	rc = w->guesses ? piece_guess(w) : READ_AGAIN;
	if (rc == READ_AGAIN) {
		parse_state_enter(&w->parser, &j->state);
		w->at = j->end_at;
		w->to = to > w->at ? to : w->at;
		rc = w->at < w->to ? plain_lines(w) : 0;
	}
	if (!rc && w->at >= j->size)
		rc = parser_end(&w->parser);
	if (!rc)
		rc = turn_take(w);
	if (!rc) {
		parse_state_leave(&w->parser, &j->state);
		j->end_at = w->at;
	}
	return rc;
}

/* ---- pieces of a stream ---- */

static int carry_keep(struct job *j, const char *p, size_t len)
{
	if (len && array_reserve(j->carry, j->carry_room, len))
		return -ENOMEM;
	if (len)
		memcpy(j->carry, p, len);
	j->carry_len = len;
	return 0;
}

/* A line needs more room than a piece has. The other workers wait for pieces: what they had room for before is free. */
static int room_for_line(struct worker *w)
{
	struct job *j = w->job;
	int rc = turn_take(w);

	for (unsigned i = 0; i < j->nworkers && !rc; i++) {
		if (&j->workers[i] == w)
			continue;
		free(j->workers[i].buf);
		j->workers[i].buf = NULL;
		j->workers[i].room = 0;
	}
	return rc ? rc : room_for(w, LINE_LIMIT);
}

/* What the piece before left over, as the start of the worker's buffer: copied, or where it is large, taken over. */
static int carry_take(struct worker *w, size_t *have, size_t *want)
{
	struct job *j = w->job;
	int rc = 0;

	*have = j->carry_len;
	*want = *have + PIECE_BYTES < LINE_LIMIT ? *have + PIECE_BYTES : LINE_LIMIT;
	j->carry_len = 0;
	if (*have <= LINE_ALONE) {
		rc = room_for(w, *want);
		if (!rc && *have)
			memcpy(w->buf, j->carry, *have);
		return rc;
	}
	free(w->buf);
	w->buf = j->carry;
	w->room = j->carry_room;
	j->carry = NULL;
	j->carry_room = 0;
	*want = LINE_LIMIT;
	return room_for_line(w);
}

/* The end of the last line that a piece may have: what goes on with the line before is no good start of the next. */
static char *piece_end(const struct worker *w, size_t have)
{
	char *last = memrchr(w->buf, '\n', have), *nl = last;

	while (nl && nl + 1 < w->buf + have && strchr(" \t}]\r", nl[1]))
		nl = memrchr(w->buf, '\n', (size_t)(nl - w->buf));
	return nl ? nl : last;
}

/* Text before the piece that it has, if there is a record's beginning. It is this worker's turn. */
static int left_take(struct worker *w)
{
	struct job *j = w->job;
	int rc = j->left_len ? room_for(w, j->left_len + w->len) : 0;

	if (rc || !j->left_len)
		return rc;
	memmove(w->buf + j->left_len, w->buf, w->len);
	memcpy(w->buf, j->left, j->left_len);
	w->len += j->left_len;
	j->left_len = 0;
	return 0;
}

static int left_keep(struct job *j, const char *p, size_t len)
{
	if (len && array_reserve(j->left, j->left_room, len))
		return -ENOMEM;
	if (len)
		memcpy(j->left, p, len);
	j->left_len = len;
	return 0;
}

/* The lines in the worker's buffer, from what was known at the end of the piece before, to what is left for the next.
 */
static int stream_known(struct worker *w, size_t *used)
{
	int rc = left_take(w);

	parse_state_enter(&w->parser, &w->job->state);
	if (rc)
		return rc;
	memset(w->buf + w->len, 0, SCAN_SLACK);
	w->parser.no_more = w->len >= LINE_LIMIT;
	return text_parse(w, w->buf, w->len, w->last, used);
}

static int stream_guess(struct worker *w, size_t *used)
{
	int rc;

	parse_state_enter(&w->parser, &(struct parse_state){0});
	parse_mark_set(&w->parser, &w->mark);
	memset(w->buf + w->len, 0, SCAN_SLACK);
	w->parser.no_more = false;
	rc = text_parse(w, w->buf, w->len, w->last, used);
	if (!rc)
		rc = turn_take(w);
	if (rc == READ_AGAIN)
		parse_mark_return(&w->parser, &w->mark);
	return rc;
}

static int stream_piece(struct worker *w)
{
	struct job *j = w->job;
	size_t used = 0;
	int rc = READ_AGAIN;

	w->guesses = !j->alone && w->ticket && !w->has_turn;
	if (w->guesses)
		rc = stream_guess(w, &used);
	if (rc == READ_AGAIN)
		rc = stream_known(w, &used);
	if (!rc && w->last)
		rc = parser_end(&w->parser);
	if (!rc)
		rc = turn_take(w);
	if (!rc)
		rc = left_keep(j, w->buf + used, w->len - used);
	if (!rc)
		buffer_trim(w, 0);
	if (!rc)
		parse_state_leave(&w->parser, &j->state);
	return rc;
}

/* A line of the stream is too long: what was left before it can't go on, then it is given up. */
static int stream_line_give_up(struct worker *w, size_t *have)
{
	struct job *j = w->job;
	size_t used = 0;
	int rc = turn_take(w);

	if (!rc && j->left_len) {
		parse_state_enter(&w->parser, &j->state);
		w->parser.no_more = true;
		rc = array_reserve(j->left, j->left_room, j->left_len + SCAN_SLACK);
		if (!rc) {
			memset(j->left + j->left_len, 0, SCAN_SLACK);
			rc = text_parse(w, j->left, j->left_len, false, &used);
		}
		j->left_len = 0;
		if (!rc)
			rc = turn_take(w);
		if (!rc)
			parse_state_leave(&w->parser, &j->state);
	}
	return rc ? rc : line_give_up(w, have);
}

/* Reads until there is a piece with a line end, or no more. Under the lock. */
static int stream_fill(struct worker *w)
{
	struct job *j = w->job;
	size_t have, want;
	int rc = carry_take(w, &have, &want);
	char *nl = NULL;

	if (rc)
		return rc;
	w->last = false;
	while (!w->last && !*j->l->stop) {
		ssize_t got;

		if (have == want) {
			nl = piece_end(w, have);
			if (nl)
				break;
			if (want == LINE_LIMIT) {
				w->len = 0;
				rc = stream_line_give_up(w, &have);
				return rc ? rc : carry_keep(j, w->buf, have);
			}
			want = LINE_LIMIT;
			if ((rc = room_for_line(w)))
				return rc;
		}
		got = stream_read(j, w->buf + have, want - have < READER_BLOCK ? want - have : READER_BLOCK);
		if (got < 0)
			return (int)got;
		w->last = got == 0;
		have += (size_t)got;
	}
	if (w->last || !nl)
		nl = w->last ? w->buf + have - 1 : memrchr(w->buf, '\n', have);
	w->len = nl ? (size_t)(nl - w->buf) + 1 : 0;
	return w->last ? 0 : carry_keep(j, w->buf + w->len, have - w->len);
}

static bool stream_take(struct worker *w)
{
	struct job *j = w->job;
	bool any;

	pthread_mutex_lock(&j->take);
	any = !j->drained && !j->rc && !*j->l->stop;
	if (any) {
		int64_t total;

		w->ticket = j->next_ticket++;
		w->guesses = false;
		w->rc = stream_fill(w);
		j->drained = w->rc || w->last;
		progress(j, reader_file_bytes(j->reader, &total));
	}
	pthread_mutex_unlock(&j->take);
	return any;
}

/* ---- workers ---- */

static void *work(void *arg)
{
	struct worker *w = arg;
	struct job *j = w->job;
	int64_t from = 0, to = 0;
	int rc;

	for (;;) {
		if (!w->taken && (j->fd >= 0 ? !plain_take(w, &from, &to) : !stream_take(w)))
			return NULL;
		w->taken = false;
		if (j->fd >= 0)
			rc = plain_piece(w, from, to);
		else
			rc = w->rc ? w->rc : stream_piece(w);
		if (!rc)
			rc = chunk_finish(w);
		if (!rc)
			rc = turn_wait(w);
		turn_pass(w, rc);
		if (rc)
			return NULL;
	}
}

/* The first worker's parser goes on to the next file: making one costs as much as a few thousand lines. */
static int spare_take(struct source_load *l, struct parser *p)
{
	int rc = l->spare->builder ? parser_source(l->spare, l->record)
	                           : parser_init(l->spare, store_shapes(l->store), l->record);

	*p = *l->spare;
	*l->spare = (struct parser){0};
	return rc;
}

static void spare_give(struct source_load *l, struct parser *p)
{
	if (p->builder)
		parser_clear(p);
	p->energy = NULL;
	*l->spare = *p;
}

/* What a worker read, and what it had to guess. */
static void uses_add(struct source_load *l, const struct parser *p)
{
	const struct record_reader *r = &p->records;

	for (unsigned i = 0; i < r->nuses; i++) {
		unsigned k = 0;

		while (k < l->nuses && (l->uses[k].inner != r->uses[i].inner || l->uses[k].outer != r->uses[i].outer))
			k++;
		if (k == RECORD_USES)
			continue;
		if (k == l->nuses)
			l->uses[l->nuses++] = (struct record_use){r->uses[i].inner, r->uses[i].outer, 0};
		l->uses[k].records += r->uses[i].records;
	}
	l->tracing += p->tracing;
	hints_add(&l->hints, &r->hints);
	l->no_time += r->no_time;
	l->odd_time += r->odd_time;
	l->assumed_zone += r->assumed_zone;
	l->assumed_year += r->assumed_year;
	l->either_day += r->either_day;
}

static int worker_init(struct worker *w, struct job *j, bool first)
{
	int rc;

	w->job = j;
	rc = first && j->l->spare ? spare_take(j->l, &w->parser)
	                          : parser_init(&w->parser, store_shapes(j->l->store), j->l->record);
	w->parser.energy = j->l->energy;
	w->parser.no_text = j->l->no_text;
	return rc;
}

static void worker_done(struct worker *w, bool first)
{
	if (first && w->job->l->spare)
		spare_give(w->job->l, &w->parser);
	else
		parser_done(&w->parser);
	bytes_free(&w->packed);
	free(w->buf);
}

/* Is there one piece only? Of a stream it is read for that. */
static bool is_small(struct job *j)
{
	if (j->fd >= 0)
		return j->size - j->next_from <= (int64_t)PIECE_BYTES + PIECE_BYTES / 4;
	j->workers[0].taken = stream_take(&j->workers[0]);
	return j->drained;
}

static int workers_run(struct job *j)
{
	unsigned n = j->l->energy || in_one(j) ? 1 : j->l->threads, made = 0, started = 0;
	struct worker *w = calloc(n, sizeof *w);
	int rc = w ? worker_init(&w[made++], j, true) : -ENOMEM;

	j->workers = w;
	j->nworkers = 1;
	/* a small file is not worth threads */
	if (!rc && n > 1 && is_small(j))
		n = 1;
	for (; made < n && !rc; made++)
		rc = worker_init(&w[made], j, false);
	j->nworkers = made;
	j->alone = n == 1;
	for (unsigned i = 1; i < n && !rc; i++, started++)
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			break;
	if (!rc)
		work(&w[0]);
	for (unsigned i = 1; i <= started; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned i = 0; i < made; i++) {
		if (!rc)
			uses_add(j->l, &w[i].parser);
		worker_done(&w[i], !i);
	}
	free(w);
	return rc ? rc : j->rc;
}

static int statements(struct job *j)
{
	int rc = chunk_writer_open(j->l->store, &j->writer);

	if (rc)
		return rc;
	return sql_prepare(
	    store_db(j->l->store),
	    "INSERT INTO reject (source, line, offset, length, reason, sample) VALUES (?, ?, ?, ?, ?, ?)",
	    &j->reject_insert);
}

static int last_byte(struct job *j)
{
	char c = '\n';

	if (j->fd >= 0 && j->size > j->l->skip_bytes && read_at(j->fd, &c, 1, j->size - 1) == 1)
		j->l->unterminated = c != '\n';
	return 0;
}

static int start(struct job *j, const char **why)
{
	struct source_load *l = j->l;
	int rc = l->reader ? 0 : reader_open(l->path, &j->reader, why);

	if (rc)
		return rc;
	*why = NULL;
	j->reader = l->reader ? l->reader : j->reader;
	l->reader = NULL;
	if (reader_format(j->reader) == READER_PLAIN && S_ISREG(reader_stat(j->reader)->st_mode) &&
	    strcmp(l->path, "-")) {
		j->fd = open(l->path, O_RDONLY | O_CLOEXEC);
		if (j->fd < 0)
			return -errno;
		j->size = reader_stat(j->reader)->st_size;
		j->next_from = j->end_at = l->skip_bytes;
		posix_fadvise(j->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		last_byte(j);
		return 0;
	}
	rc = l->skip_bytes ? reader_skip(j->reader, l->skip_bytes) : 0;
	return rc == -EPIPE ? 0 : rc;
}

int source_load(struct source_load *l, const char **why)
{
	struct job j = {.l = l, .fd = -1};
	int64_t total;
	int rc;

	*why = NULL;
	pthread_mutex_init(&j.take, NULL);
	pthread_mutex_init(&j.write, NULL);
	pthread_cond_init(&j.turned, NULL);
	rc = start(&j, why);
	if (!rc)
		rc = statements(&j);
	if (!rc)
		rc = workers_run(&j);
	if (!rc && j.reason && *j.reason && !(l->damage = strdup(j.reason)))
		rc = -ENOMEM;
	if (!rc)
		l->file_bytes = j.fd >= 0 ? l->skip_bytes + l->bytes : reader_file_bytes(j.reader, &total);
	chunk_writer_close(&j.writer);
	sqlite3_finalize(j.reject_insert);
	if (j.fd >= 0)
		close(j.fd);
	reader_close(j.reader);
	free(j.carry);
	free(j.left);
	parse_state_done(&j.state);
	pthread_cond_destroy(&j.turned);
	pthread_mutex_destroy(&j.write);
	pthread_mutex_destroy(&j.take);
	return rc;
}

void source_load_done(struct source_load *l)
{
	free(l->workers[0]);
	free(l->workers[1]);
	free(l->damage);
	l->workers[0] = l->workers[1] = l->damage = NULL;
}
