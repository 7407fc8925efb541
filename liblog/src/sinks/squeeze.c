/* SPDX-License-Identifier: Apache-2.0 */
/* squeeze.c - files packed by zstd; see squeeze.h. */
#include "sinks/squeeze.h"

#include "base/buf.h"

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#define FRAME_BYTES (1 << 20)

/* As zstd.h has them. */
#define LEVEL    100
#define CHECKSUM 201

static struct {
	void *library;
	void *(*new_context)(void);
	size_t (*free_context)(void *context);
	size_t (*set)(void *context, int parameter, int value);
	size_t (*compress)(void *context, void *to, size_t room, const void *from, size_t len);
	size_t (*bound)(size_t len);
	unsigned (*is_error)(size_t code);
} zstd;

static bool find(const char *name, void *slot)
{
	void *function = dlsym(zstd.library, name);

	memcpy(slot, &function, sizeof function);
	return function != NULL;
}

bool squeeze_ready(void)
{
	if (!zstd.library)
		zstd.library = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
	return zstd.library && find("ZSTD_createCCtx", &zstd.new_context) &&
	       find("ZSTD_freeCCtx", &zstd.free_context) && find("ZSTD_CCtx_setParameter", &zstd.set) &&
	       find("ZSTD_compress2", &zstd.compress) && find("ZSTD_compressBound", &zstd.bound) &&
	       find("ZSTD_isError", &zstd.is_error);
}

struct squeezing {
	void *context;
	char *in, *out;
	size_t room; /* of out */
	const struct keep *to;
	const char *stop;
	struct buf table; /* of each frame its sizes, packed and not */
	uint32_t frames;
};

static int write_all(const struct squeezing *s, const char *bytes, size_t len)
{
	struct stat st;

	while (len) {
		ssize_t n;

		if (__atomic_load_n(s->stop, __ATOMIC_RELAXED))
			return -ECANCELED;
		if (!keep_same(s->to, &st))
			return -EBADF;
		n = write(s->to->fd, bytes, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void put_u32(struct buf *b, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		b->text[b->len++] = (char)(n >> 8 * i);
}

static int put_frame(struct squeezing *s, size_t len)
{
	size_t n = zstd.compress(s->context, s->out, s->room, s->in, len);

	if (zstd.is_error(n) || !buf_room(&s->table, 8))
		return -ENOMEM;
	put_u32(&s->table, (uint32_t)n);
	put_u32(&s->table, (uint32_t)len);
	s->frames++;
	return write_all(s, s->out, n);
}

static int put_table(struct squeezing *s)
{
	struct buf head = {.text = NULL};
	int rc = -ENOMEM;

	if (buf_room(&head, 8) && buf_room(&s->table, 9)) {
		put_u32(&head, 0x184d2a5e);
		put_u32(&head, (uint32_t)s->table.len + 9);
		put_u32(&s->table, s->frames);
		s->table.text[s->table.len++] = 0; /* the frames have their checksums themselves */
		put_u32(&s->table, 0x8f92eab1);
		rc = write_all(s, head.text, head.len);
	}
	if (!rc)
		rc = write_all(s, s->table.text, s->table.len);
	buf_done(&head);
	return rc;
}

/* Fill the buffer, which has *len bytes. 1: it is full, 0: the file ends, or a negative errno. */
static int fill(const struct squeezing *s, int from, size_t *len)
{
	while (*len < FRAME_BYTES) {
		ssize_t n = read(from, s->in + *len, FRAME_BYTES - *len);

		if (!n)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		*len += n > 0 ? (size_t)n : 0;
	}
	return 1;
}

static int put_frames(struct squeezing *s, int from)
{
	size_t len = 0;
	int more, rc = 0;

	do {
		const char *last;
		size_t now;

		more = fill(s, from, &len);
		if (more < 0)
			return more;
		last = more ? memrchr(s->in, '\n', len) : NULL;
		now = last ? (size_t)(last + 1 - s->in) : len;
		if (now)
			rc = put_frame(s, now);
		len -= now;
		memmove(s->in, s->in + now, len);
	} while (more && !rc);
	return rc;
}

int squeeze(int from, const struct keep *to, const char *stop)
{
	struct squeezing s = {.to = to, .stop = stop, .room = zstd.bound(FRAME_BYTES)};
	int rc = -ENOMEM;

	s.context = zstd.new_context();
	s.in = malloc(FRAME_BYTES);
	s.out = malloc(s.room);
	if (s.context && s.in && s.out) {
		zstd.set(s.context, LEVEL, 3);
		zstd.set(s.context, CHECKSUM, 1);
		rc = put_frames(&s, from);
	}
	if (!rc)
		rc = put_table(&s);
	if (s.context)
		zstd.free_context(s.context);
	free(s.in);
	free(s.out);
	buf_done(&s.table);
	return rc;
}
