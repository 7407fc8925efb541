/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reader.c - the text of a file, whatever it is packed in.
 *
 * One buffer holds bytes of the file, which the three formats consume: plain text is copied (or, in a file, read
 * straight into the caller's memory), zstd and gzip decode into the caller's memory. A decoder that stumbles gives what
 * it had. For that zstd is fed block by block: in a call that fails it does not say how much it wrote. */
#include "ingest/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define IN_SIZE    (256 * 1024)
#define WINDOW_LOG 27 /* 128 MiB */
#define FIRST_HINT 5  /* bytes that zstd wants of a new frame */
#define BOMB_RATIO 4000
#define BOMB_BYTES (INT64_C(1) << 30)
#define STOP_MS    100 /* how soon a read that waits hears of *stop */

struct reader {
	int fd;
	enum reader_format format;
	bool filed; /* a regular file: reads do not wait, its size is known */
	struct stat st;
	unsigned char *in; /* bytes of the file: in[pos] to in[end] are not used yet */
	size_t pos, end;
	int64_t base;       /* offset in the file of in[0] */
	bool in_end;        /* the file has no more */
	int64_t text_bytes; /* delivered */
	bool inside;        /* a frame or member has begun and not ended */
	int64_t frame_at;   /* where it began */
	bool pending;       /* the decoder may hold text that did not fit */
	ZSTD_DStream *zstd;
	size_t hint; /* bytes that zstd wants next */
	z_stream gz;
	bool gz_made;
	const volatile sig_atomic_t *stop;
	char head[READER_HEAD]; /* read by reader_peek: head[head_at] to head[head_end] are not given yet */
	size_t head_at, head_end;
	ssize_t rc; /* sticky: 1 as long as all is well */
	char why[256];
};

static int64_t file_pos(const struct reader *r)
{
	return r->base + (int64_t)r->pos;
}

__attribute__((format(printf, 3, 4))) static ssize_t broken(struct reader *r, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof r->why, fmt, ap);
	va_end(ap);
	r->rc = rc;
	return rc;
}

/* Until a read will not wait. The signal may have come to another thread, so that nothing but *stop tells of it. */
static int wait_for(const struct reader *r)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	int n = 0;

	while (!*r->stop && (!n || (n < 0 && errno == EINTR)))
		n = poll(&p, 1, STOP_MS);
	return *r->stop ? -EINTR : 0;
}

/* read() that goes on after signals that are not for us. */
static ssize_t read_some(struct reader *r, void *buf, size_t n)
{
	ssize_t got;

	do {
		if (r->stop && !r->filed && wait_for(r))
			return -EINTR;
		got = read(r->fd, buf, n);
	} while (got < 0 && errno == EINTR);
	return got >= 0 ? got
	                : broken(r, -errno, "reading byte %lld: %s", (long long)(r->base + (int64_t)r->end),
	                         strerror(errno));
}

/* Gets more of the file behind what is not used yet. Number of new bytes, 0 at its end, or negative. */
static ssize_t refill(struct reader *r)
{
	ssize_t got;

	if (r->in_end)
		return 0;
	memmove(r->in, r->in + r->pos, r->end - r->pos);
	r->base += (int64_t)r->pos;
	r->end -= r->pos;
	r->pos = 0;
	got = read_some(r, r->in + r->end, IN_SIZE - r->end);
	if (got > 0)
		r->end += (size_t)got;
	r->in_end = !got;
	return got;
}

/* ---- what it is ---- */

static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
static const unsigned char skip_magic[4] = {0x50, 0x2a, 0x4d, 0x18}; /* the first byte: 0x50 to 0x5f */
static const unsigned char gzip_magic[2] = {0x1f, 0x8b};

/* Do the n bytes begin as magic does? A shorter n decides for what there is. */
static bool begins(const unsigned char *p, size_t n, const unsigned char *magic, size_t len)
{
	return !memcmp(p, magic, n < len ? n : len);
}

static bool begins_zstd(const unsigned char *p, size_t n)
{
	unsigned char first[4] = {0};

	if (begins(p, n, zstd_magic, sizeof zstd_magic))
		return true;
	memcpy(first, p, n < 4 ? n : 4);
	first[0] &= 0xf0;
	return begins(first, n, skip_magic, sizeof skip_magic);
}

/* Looks at the first bytes; reads no further than it takes to tell, so that a pipe's first line is not held up. */
static int recognise(struct reader *r)
{
	ssize_t got;

	do {
		got = refill(r);
		if (got < 0)
			return (int)got;
		if (r->end >= 2 && begins(r->in, r->end, gzip_magic, sizeof gzip_magic))
			r->format = READER_GZIP;
		else if (r->end >= 4 && begins_zstd(r->in, r->end))
			r->format = READER_ZSTD;
		else if (!r->end ||
		         (!begins_zstd(r->in, r->end) && !begins(r->in, r->end, gzip_magic, sizeof gzip_magic)))
			return 0;
	} while (got && r->format == READER_PLAIN && r->end < 4);
	return 0;
}

static int decoder_new(struct reader *r)
{
	if (r->format == READER_ZSTD) {
		r->zstd = ZSTD_createDStream();
		if (!r->zstd)
			return -ENOMEM;
		r->hint = FIRST_HINT;
		ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	} else if (r->format == READER_GZIP) {
		if (inflateInit2(&r->gz, 15 + 16) != Z_OK)
			return -ENOMEM;
		r->gz_made = true;
	}
	return 0;
}

/* Where we may be told to stop, a pipe that nobody writes to yet is waited for by the first read. */
static int open_path(const char *path, bool waits)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (waits ? 0 : O_NONBLOCK));

	if (fd >= 0 && !waits)
		fcntl(fd, F_SETFL, O_RDONLY);
	return fd;
}

static int open_fd(struct reader *r, const char *path, const char **why)
{
	r->fd = strcmp(path, "-") ? open_path(path, !r->stop) : STDIN_FILENO;
	if (r->fd < 0 || fstat(r->fd, &r->st)) {
		*why = strerror(errno);
		return -errno;
	}
	if (S_ISDIR(r->st.st_mode)) {
		*why = "is a directory";
		return -EISDIR;
	}
	if (S_ISBLK(r->st.st_mode)) {
		*why = "is a block device";
		return -EINVAL;
	}
	r->filed = S_ISREG(r->st.st_mode);
	if (r->filed) {
		off_t at = lseek(r->fd, 0, SEEK_CUR); /* standard input may be a file that is partly read */

		r->base = at > 0 ? at : 0;
		posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	return 0;
}

int reader_open(const char *path, struct reader **out, const char **why)
{
	return reader_open_until(path, NULL, out, why);
}

int reader_open_until(const char *path, const volatile sig_atomic_t *stop, struct reader **out, const char **why)
{
	struct reader *r = calloc(1, sizeof *r);
	int rc;

	*why = "out of memory";
	if (!r)
		return -ENOMEM;
	r->rc = 1;
	r->stop = stop;
	rc = open_fd(r, path, why);
	if (rc)
		goto fail;
	*why = "out of memory";
	rc = -ENOMEM;
	r->in = malloc(IN_SIZE);
	if (!r->in)
		goto fail;
	rc = recognise(r);
	if (rc < 0) {
		*why = strerror(-rc);
		goto fail;
	}
	rc = decoder_new(r);
	if (rc)
		goto fail;
	*out = r;
	return 0;
fail:
	reader_close(r);
	return rc;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	ZSTD_freeDStream(r->zstd);
	if (r->gz_made)
		inflateEnd(&r->gz);
	free(r->in);
	free(r);
}

/* ---- the three formats ----
 *
 * Each puts text into buf and adds to *len, at most to n. 1: there may be more; 0: the end; negative: sticky error
 * (what is in buf counts). */

static ssize_t plain_step(struct reader *r, char *buf, size_t n, size_t *len)
{
	size_t have = r->end - r->pos;
	ssize_t got;

	if (have) {
		have = have < n - *len ? have : n - *len;
		memcpy(buf + *len, r->in + r->pos, have);
		r->pos += have;
		*len += have;
		return 1;
	}
	if (r->in_end)
		return 0;
	got = read_some(r, buf + *len, n - *len);
	if (got <= 0)
		return got;
	r->base += got;
	*len += (size_t)got;
	return 1;
}

static ssize_t zstd_broken(struct reader *r, size_t code)
{
	long long at = file_pos(r), from = r->frame_at;

	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return broken(r, -E2BIG,
		              "the zstd frame at byte %lld needs a window above the limit of 128 MiB (--long=%d)", from,
		              WINDOW_LOG);
	case ZSTD_error_memory_allocation:
		return broken(r, -ENOMEM, "out of memory for the window of the zstd frame at byte %lld", from);
	case ZSTD_error_prefix_unknown:
		return broken(r, -EBADMSG, "no zstd frame at byte %lld, where one should begin", from);
	default:
		return broken(r, -EBADMSG, "broken zstd frame at byte %lld (it begins at byte %lld): %s", at, from,
		              ZSTD_getErrorName(code));
	}
}

static ssize_t zstd_step(struct reader *r, char *buf, size_t n, size_t *len)
{
	ZSTD_outBuffer out = {buf, n, *len};
	ZSTD_inBuffer in;
	size_t rc;

	if (r->pos == r->end && !r->pending) {
		ssize_t got = refill(r);

		if (got < 0)
			return got;
		if (!got && r->inside)
			return broken(r, -EBADMSG,
			              "the file is cut off at byte %lld, inside the zstd frame at byte %lld",
			              (long long)file_pos(r), (long long)r->frame_at);
		if (!got)
			return 0;
	}
	if (!r->inside)
		r->frame_at = file_pos(r);
	in = (ZSTD_inBuffer){r->in + r->pos, r->end - r->pos, 0};
	if (in.size > r->hint)
		in.size = r->hint;
	rc = ZSTD_decompressStream(r->zstd, &out, &in);
	if (ZSTD_isError(rc))
		return zstd_broken(r, rc);
	r->pos += in.pos;
	r->inside = rc != 0;
	r->hint = rc ? rc : FIRST_HINT;
	r->pending = out.pos == out.size && rc;
	*len = out.pos;
	return 1;
}

/* Between members: the next one, zeros up to the end (tapes pad so), or garbage. 1, 0 or negative, as a step. */
static ssize_t gzip_next(struct reader *r)
{
	ssize_t got = 1;

	while (r->end - r->pos < 2 && got > 0)
		got = refill(r);
	if (got < 0)
		return got;
	if (r->pos == r->end)
		return 0;
	r->frame_at = file_pos(r);
	if (r->end - r->pos >= 2 && begins(r->in + r->pos, 2, gzip_magic, sizeof gzip_magic)) {
		inflateReset(&r->gz);
		r->inside = true;
		return 1;
	}
	for (; r->pos < r->end; r->pos++)
		if (r->in[r->pos])
			return broken(r, -EBADMSG, "no gzip member at byte %lld, where one should begin",
			              (long long)r->frame_at);
	return 1;
}

static ssize_t gzip_step(struct reader *r, char *buf, size_t n, size_t *len)
{
	ssize_t got = 1;
	int rc;

	if (!r->inside)
		return gzip_next(r);
	if (r->pos == r->end && !r->pending)
		got = refill(r);
	if (got < 0)
		return got;
	if (!got)
		return broken(r, -EBADMSG, "the file is cut off at byte %lld, inside the gzip member at byte %lld",
		              (long long)file_pos(r), (long long)r->frame_at);
	r->gz.next_in = r->in + r->pos;
	r->gz.avail_in = (uInt)(r->end - r->pos);
	r->gz.next_out = (unsigned char *)buf + *len;
	r->gz.avail_out = (uInt)(n - *len);
	rc = inflate(&r->gz, Z_NO_FLUSH);
	r->pos = r->end - r->gz.avail_in;
	*len = n - r->gz.avail_out;
	r->pending = !r->gz.avail_out && rc == Z_OK;
	r->inside = rc != Z_STREAM_END;
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return 1;
	if (rc == Z_MEM_ERROR)
		return broken(r, -ENOMEM, "out of memory");
	return broken(r, -EBADMSG, "broken gzip member at byte %lld (it begins at byte %lld): %s",
	              (long long)file_pos(r), (long long)r->frame_at, r->gz.msg ? r->gz.msg : "bad data");
}

/* ---- reading ---- */

static ssize_t step(struct reader *r, char *buf, size_t n, size_t *len)
{
	switch (r->format) {
	case READER_ZSTD:
		return zstd_step(r, buf, n, len);
	case READER_GZIP:
		return gzip_step(r, buf, n, len);
	default:
		return plain_step(r, buf, n, len);
	}
}

static bool is_bomb(const struct reader *r)
{
	return r->format != READER_PLAIN && r->text_bytes > BOMB_BYTES && r->text_bytes / BOMB_RATIO > file_pos(r);
}

static ssize_t text_read(struct reader *r, void *buf, size_t n)
{
	size_t len = 0;
	ssize_t rc = r->rc;

	if (n > INT32_MAX) /* zlib counts in 32 bits */
		n = INT32_MAX;
	while (rc > 0 && len < n && (r->filed || !len))
		rc = step(r, buf, n, &len);
	if (rc <= 0 && rc != -EINTR)
		r->rc = rc;
	r->text_bytes += (int64_t)len;
	if (r->rc > 0 && is_bomb(r))
		broken(r, -E2BIG,
		       "%lld bytes of text from the first %lld bytes of the file: more than the limit of %d to 1",
		       (long long)r->text_bytes, (long long)file_pos(r), BOMB_RATIO);
	return len ? (ssize_t)len : rc;
}

size_t reader_peek(struct reader *r, void *buf, size_t n)
{
	ssize_t got = 1;

	n = n < READER_HEAD ? n : READER_HEAD;
	while (r->head_end < n && (got = text_read(r, r->head + r->head_end, n - r->head_end)) > 0)
		r->head_end += (size_t)got;
	n = n < r->head_end ? n : r->head_end;
	memcpy(buf, r->head, n);
	return n;
}

void reader_pass_mark(struct reader *r)
{
	char mark[3];

	if (reader_peek(r, mark, sizeof mark) == sizeof mark && !memcmp(mark, "\xef\xbb\xbf", sizeof mark))
		r->head_at = sizeof mark;
}

ssize_t reader_read(struct reader *r, void *buf, size_t n)
{
	size_t ahead = r->head_end - r->head_at;
	ssize_t more;

	if (!ahead)
		return text_read(r, buf, n);
	ahead = ahead < n ? ahead : n;
	memcpy(buf, r->head + r->head_at, ahead);
	r->head_at += ahead;
	if (ahead == n || !r->filed)
		return (ssize_t)ahead;
	more = text_read(r, (char *)buf + ahead, n - ahead);
	return (ssize_t)ahead + (more > 0 ? more : 0);
}

/* In a plain file: by its offset. */
static bool seek_over(struct reader *r, int64_t n)
{
	int64_t to = file_pos(r) + n;

	if (r->format != READER_PLAIN || !r->filed || to > r->st.st_size || lseek(r->fd, to, SEEK_SET) != to)
		return false;
	r->pos = r->end = 0;
	r->base = to;
	r->text_bytes += n;
	return true;
}

int reader_skip(struct reader *r, int64_t n)
{
	char *buf;
	ssize_t got = 1;

	if (r->rc > 0 && !r->head_end && seek_over(r, n))
		return 0;
	buf = malloc(READER_BLOCK);
	if (!buf)
		return -ENOMEM;
	for (; n > 0 && got > 0; n -= got)
		got = reader_read(r, buf, n < READER_BLOCK ? (size_t)n : READER_BLOCK);
	free(buf);
	return got > 0 ? 0 : got ? (int)got : -EPIPE;
}

const char *reader_why(const struct reader *r)
{
	return r->why;
}

enum reader_format reader_format(const struct reader *r)
{
	return r->format;
}

int64_t reader_file_bytes(const struct reader *r, int64_t *total)
{
	*total = r->filed ? r->st.st_size : -1;
	return file_pos(r);
}

const struct stat *reader_stat(const struct reader *r)
{
	return &r->st;
}
