/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moments.c - see moments.h: of each its number and attempt, and its time as the difference from the one before. */
#include "tables/moments.h"
#include "base/array.h"
#include <errno.h>

static void put(struct bytes *out, uint64_t v)
{
	unsigned char buf[VARINT_MAX];

	bytes_add(out, buf, varint_put(buf, v));
}

void moments_pack(const struct named_moment *v, size_t n, struct bytes *out)
{
	uint64_t before = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t step = (uint64_t)v[i].ns - before;

		put(out, v[i].moment);
		put(out, (uint64_t)v[i].attempt);
		/* small whichever its sign */
		put(out, step << 1 ^ (step >> 63 ? ~UINT64_C(0) : 0));
		before = (uint64_t)v[i].ns;
	}
}

int moments_unpack(const void *p, size_t len, struct moments *out)
{
	struct peek in = {p, (const unsigned char *)p + len, false};
	uint64_t before = 0;

	out->n = 0;
	while (in.p < in.end) {
		struct named_moment *m = array_add(out->v, out->n, out->room);
		uint64_t step;

		if (!m)
			return -ENOMEM;
		m->moment = (unsigned)peek_varint(&in, 32);
		m->attempt = (int)(peek_varint(&in, 32) & INT32_MAX);
		step = peek_varint(&in, 64);
		before += step >> 1 ^ (step & 1 ? ~UINT64_C(0) : 0);
		m->ns = (int64_t)before;
		if (in.bad)
			return -EBADMSG;
	}
	return 0;
}
