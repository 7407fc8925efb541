/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source_lines.c - lines of a worker's buffer into chunks. One that is too long is given up, and its text kept a
 * stretch at a time. */
#include "load/source_job.h"
#include "base/array.h"
#include "base/scan.h"

#include <stdlib.h>
#include <unistd.h>

int lines_room(struct worker *w, size_t n)
{
	return array_reserve(w->buf, w->room, n + SCAN_SLACK);
}

/* The text of a long line that is rejected, or a part of it: a chunk for each stretch. */
static int stretches_write(struct worker *w, const char *text, size_t len, uint64_t *bytes)
{
	int rc = 0;

	for (size_t at = 0, n; at < len && !rc; at += n) {
		n = len - at < PARSE_STRETCH ? len - at : PARSE_STRETCH;
		rc = parser_stretch(&w->parser, (struct slice){text + at, n});
		if (!rc)
			rc = turn_chunk(w);
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
	int rc = turn_chunk(w);

	*used = n + (nl != NULL);
	if (!rc)
		rc = stretches_write(w, text, n, &bytes);
	if (!rc)
		rc = parser_give_up(&w->parser, w->parser.gives_up, (struct slice){text, n}, bytes, nl != NULL);
	return rc ? rc : turn_chunk(w);
}

void lines_trim(struct worker *w, size_t keep)
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
	lines_trim(w, *have);
}

/* Takes lines from text up to where more of it is needed, or the chunk is full. *more: it is. */
static int lines_feed(struct worker *w, const char *text, size_t len, bool last, size_t *used, bool *more)
{
	size_t n = 0;
	int rc = parser_feed(&w->parser, text, len, last, used);

	if (!rc && w->guesses && parser_depended(&w->parser)) /* in vain: it will be read again */
		return turn_wait(w);
	if (!rc && w->parser.gives_up) {
		rc = long_line(w, text + *used, len - *used, &n);
		*used += n;
		return rc;
	}
	if (!rc && chunk_builder_lends(w->parser.builder))
		rc = turn_chunk(w);
	*more = w->parser.wants_more || (*used < len && !memchr(text + *used, '\n', len - *used) && !last);
	return rc;
}

int lines_of_text(struct worker *w, const char *text, size_t len, bool last, size_t *used)
{
	size_t n;
	bool more = false;
	int rc = 0;

	for (*used = 0; *used < len && !rc && !more; *used += n) {
		rc = lines_feed(w, text + *used, len - *used, last, &n, &more);
		if (rc)
			return rc;
		if (!more && *used + n < len)
			rc = turn_chunk(w);
	}
	return rc;
}

int lines_of_buffer(struct worker *w, size_t *have, bool last)
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
			rc = turn_chunk(w);
	}
	if (!rc)
		buffer_front(w, &at, have);
	return rc;
}

ssize_t lines_at(int fd, char *buf, size_t n, int64_t off)
{
	ssize_t got;

	do
		got = pread(fd, buf, n, off);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

ssize_t lines_stream(struct job *j, char *buf, size_t n)
{
	ssize_t got = reader_read(j->reader, buf, n);

	if (got != -EBADMSG && got != -E2BIG)
		return got;
	j->reason = reader_why(j->reader);
	return 0;
}

ssize_t lines_more(struct worker *w, char *buf, size_t n)
{
	ssize_t got = 0;

	if (*w->job->l->stop)
		return 0;
	if (w->job->fd < 0) {
		got = lines_stream(w->job, buf, n);
		return got == -EINTR ? 0 : got;
	}
	if (w->to - w->at < (int64_t)n)
		n = (size_t)(w->to - w->at);
	if (n)
		got = lines_at(w->job->fd, buf, n, w->at);
	w->at += got > 0 ? got : 0;
	if (w->job->alone) /* its piece may be the whole file, and is read once */
		passing_behind(&w->job->passing, w->at);
	return got;
}

int lines_give_up(struct worker *w, size_t *have)
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
			ssize_t got = lines_more(w, w->buf + n, PARSE_STRETCH - n);

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
		rc = turn_chunk(w);
	*have = nl ? n - len - 1 : 0;
	memmove(w->buf, w->buf + (n - *have), *have);
	lines_trim(w, *have);
	return rc;
}
