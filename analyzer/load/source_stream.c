/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_stream.c - pieces of a file that is unpacked on the way, or of a pipe: what one piece left over stands before
 * the next. */
#include "load/source_job.h"
#include "base/array.h"
#include "base/scan.h"

#include <stdlib.h>

#define PIECES_AHEAD 2 /* large pieces that others have, while one is read: unpacking feeds no more threads */

static void buffer_swap(struct worker *w, char **buf, size_t *room)
{
	char *b = w->buf;
	size_t n = w->room;

	w->buf = *buf;
	w->room = *room;
	*buf = b;
	*room = n;
}

static void buffer_free(char **buf, size_t *room)
{
	free(*buf);
	*buf = NULL;
	*room = 0;
}

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

	j->large = w->ticket + 1;
	for (unsigned i = 0; i < j->nworkers && !rc; i++) {
		if (&j->workers[i] == w)
			continue;
		buffer_free(&j->workers[i].buf, &j->workers[i].room);
	}
	return rc ? rc : lines_room(w, LINE_LIMIT);
}

/* What the piece before left over, as the start of the worker's buffer: copied, or where it is large, taken over. */
static int carry_take(struct worker *w, size_t *have, size_t *want)
{
	struct job *j = w->job;
	size_t piece = j->piece ? j->piece : PIECE_MOST;
	int rc = 0;

	*have = j->carry_len;
	*want = *have + piece < LINE_LIMIT ? *have + piece : LINE_LIMIT;
	j->carry_len = 0;
	if (*have <= LINE_ALONE) {
		rc = lines_room(w, *want);
		if (!rc && *have)
			memcpy(w->buf, j->carry, *have);
		return rc;
	}
	buffer_swap(w, &j->carry, &j->carry_room);
	buffer_free(&j->carry, &j->carry_room);
	*want = LINE_LIMIT;
	return room_for_line(w);
}

/* The end of the last line that a piece may have: what goes on with the line before is no good start of the next. */
static char *piece_end(const struct worker *w, size_t have)
{
	char *last = memrchr(w->buf, '\n', have), *nl = last;

	while (nl && nl + 1 < w->buf + have && piece_continues(nl[1]))
		nl = memrchr(w->buf, '\n', (size_t)(nl - w->buf));
	return nl ? nl : last;
}

/* Whose turn it is writes it; the others look at it, too. */
static void left_set(struct job *j, size_t n)
{
	pthread_mutex_lock(&j->write);
	j->left_len = n;
	pthread_mutex_unlock(&j->write);
}

/* Text before the piece that it has, if there is a record's beginning. It is this worker's turn. */
static int left_take(struct worker *w)
{
	struct job *j = w->job;
	size_t n = j->left_len;

	if (!n)
		return 0;
	if (array_reserve(j->left, j->left_room, n + w->len + SCAN_SLACK))
		return -ENOMEM;
	memcpy(j->left + n, w->buf, w->len);
	w->len += n;
	left_set(j, 0);
	buffer_swap(w, &j->left, &j->left_room);
	if (n > LINE_ALONE)
		buffer_free(&j->left, &j->left_room);
	return 0;
}

/* What the piece left over: copied, or where it is large, the buffer itself. */
static int left_keep(struct worker *w, size_t used)
{
	struct job *j = w->job;
	size_t n = w->len - used;

	if (n > LINE_ALONE) {
		memmove(w->buf, w->buf + used, n);
		buffer_swap(w, &j->left, &j->left_room);
		buffer_free(&w->buf, &w->room);
	} else if (n) {
		if (array_reserve(j->left, j->left_room, n))
			return -ENOMEM;
		memcpy(j->left, w->buf + used, n);
	}
	left_set(j, n);
	return 0;
}

/* Is a long line, or the beginning of a long record, in memory just now? Others take less of the stream meanwhile. */
static bool others_are_long(struct job *j)
{
	bool is;

	pthread_mutex_lock(&j->write);
	is = j->left_len > LINE_ALONE || j->turn < j->large;
	pthread_mutex_unlock(&j->write);
	return is;
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
	w->parser.is_guess = false;
	return lines_of_text(w, w->buf, w->len, w->last, used);
}

static int stream_guess(struct worker *w, size_t *used)
{
	int rc;

	parse_state_enter(&w->parser, &(struct parse_state){0});
	parse_mark_set(&w->parser, &w->mark);
	memset(w->buf + w->len, 0, SCAN_SLACK);
	w->parser.no_more = false;
	w->parser.is_guess = true;
	rc = lines_of_text(w, w->buf, w->len, w->last, used);
	if (!rc)
		rc = turn_take(w);
	if (rc == READ_AGAIN)
		parse_mark_return(&w->parser, &w->mark);
	return rc;
}

int stream_piece(struct worker *w)
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
		rc = left_keep(w, used);
	if (!rc)
		lines_trim(w, 0);
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
			rc = lines_of_text(w, j->left, j->left_len, false, &used);
		}
		left_set(j, 0);
		if (!rc)
			rc = turn_take(w);
		if (!rc)
			parse_state_leave(&w->parser, &j->state);
	}
	return rc ? rc : lines_give_up(w, have);
}

/* As soon as there is enough of the stream to tell how large pieces are: how much of it the first one wants. */
static void piece_settle(struct job *j, const char *text, size_t have, size_t *want)
{
	if (j->piece || have < READER_BLOCK)
		return;
	j->piece = piece_of_text(text, have);
	*want = j->piece < have ? have : j->piece;
}

/* Of a pipe what has come is taken all the same: nobody can read it again. Its reader says when that is done. */
static bool stopped(const struct job *j)
{
	return *j->l->stop && S_ISREG(reader_stat(j->reader)->st_mode);
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
	while (!w->last && !stopped(j)) {
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
		if (have > LINE_ALONE && others_are_long(j) && (rc = turn_take(w)))
			return rc;
		got = lines_stream(j, w->buf + have, want - have < READER_BLOCK ? want - have : READER_BLOCK);
		if (got == -EINTR) {
			j->drained = true;
			break;
		}
		if (got < 0)
			return (int)got;
		w->last = got == 0;
		have += (size_t)got;
		piece_settle(j, w->buf, have, &want);
	}
	if (w->last || !nl)
		nl = w->last ? w->buf + have - 1 : memrchr(w->buf, '\n', have);
	w->len = nl ? (size_t)(nl - w->buf) + 1 : 0;
	return w->last ? 0 : carry_keep(j, w->buf + w->len, have - w->len);
}

/* Large pieces wait for their turn in memory: there are not many at a time, be there ever so many threads. Under the
 * lock. */
static void others_wait(struct worker *w)
{
	struct job *j = w->job;

	pthread_mutex_lock(&j->write);
	while (j->piece > PIECE_MOST / 2 && j->turn + PIECES_AHEAD < w->ticket && !j->rc)
		pthread_cond_wait(&j->turned, &j->write);
	pthread_mutex_unlock(&j->write);
}

bool stream_take(struct worker *w)
{
	struct job *j = w->job;
	bool any;

	pthread_mutex_lock(&j->take);
	any = !j->drained && !j->rc && !stopped(j);
	if (any) {
		int64_t total;

		w->ticket = j->next_ticket++;
		w->guesses = false;
		others_wait(w);
		w->rc = stream_fill(w);
		j->drained |= w->rc || w->last;
		turn_progress(j, reader_file_bytes(j->reader, &total));
	}
	pthread_mutex_unlock(&j->take);
	return any;
}
