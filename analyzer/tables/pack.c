/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.c - numbers seven bits a byte, reals by planes of bytes, texts with their lengths; zstd finds what repeats. */
#include "tables/pack.h"
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#define MAGIC      "ILUP"
#define HEAD       12 /* magic, rows, length */
#define LENGTH_MAX (1u << 30)

/* ---- numbers: 0 NO_NS, 1 all 64 bits follow, else 2 + the zigzag number ---- */

static void add_varint(struct bytes *out, uint64_t v)
{
	unsigned char buf[VARINT_MAX];

	bytes_add(out, buf, varint_put(buf, v));
}

void pack_numbers(struct bytes *out, const int64_t *v, size_t stride, uint32_t n, bool differences)
{
	uint64_t before = 0;

	for (uint32_t i = 0; i < n; i++, v = (const int64_t *)((const char *)v + stride)) {
		uint64_t d = (uint64_t)*v - before, zigzag = d << 1 ^ (d >> 63 ? UINT64_MAX : 0);

		if (*v == NO_NS) {
			bytes_u8(out, 0);
			continue;
		}
		if (zigzag > UINT64_MAX - 2) {
			bytes_u8(out, 1);
			bytes_u64(out, d);
		} else {
			add_varint(out, zigzag + 2);
		}
		before = differences ? (uint64_t)*v : 0;
	}
}

void unpack_numbers(struct peek *in, int64_t *v, size_t stride, uint32_t n, bool differences)
{
	uint64_t before = 0;

	for (uint32_t i = 0; i < n; i++, v = (int64_t *)((char *)v + stride)) {
		uint64_t code = peek_varint(in, 64), d;

		if (!code) {
			*v = NO_NS;
			continue;
		}
		d = code == 1 ? peek_u64(in) : (code - 2) >> 1 ^ (0 - ((code - 2) & 1));
		*v = (int64_t)(before + d);
		before = differences ? (uint64_t)*v : 0;
	}
}

/* ---- reals: all lowest bytes first ---- */

void pack_reals(struct bytes *out, const double *v, size_t stride, uint32_t n)
{
	unsigned char *planes = malloc((size_t)n * 8 + 1);

	out->failed |= !planes;
	for (uint32_t i = 0; planes && i < n; i++) {
		uint64_t bits;

		memcpy(&bits, (const char *)v + i * stride, 8);
		for (unsigned plane = 0; plane < 8; plane++)
			planes[(size_t)plane * n + i] = (unsigned char)(bits >> (8 * plane));
	}
	bytes_add(out, planes, (size_t)n * 8);
	free(planes);
}

void unpack_reals(struct peek *in, double *v, size_t stride, uint32_t n)
{
	const unsigned char *p = peek_bytes(in, (size_t)n * 8);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t bits = 0;

		for (unsigned plane = 0; p && plane < 8; plane++)
			bits |= (uint64_t)p[(size_t)plane * n + i] << (8 * plane);
		memcpy((char *)v + i * stride, &bits, 8);
	}
}

/* ---- texts: of each 0 NONE, 1 an id of 32 digits, else 2 + its length; then all ids, then all texts ---- */

enum { ID = 16 };

static int digit(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool id_of(struct slice text, unsigned char out[ID])
{
	if (text.len != 2 * ID)
		return false;
	for (unsigned i = 0; i < ID; i++) {
		int high = digit((unsigned char)text.ptr[2 * i]), low = digit((unsigned char)text.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void pack_texts(struct bytes *out, const struct slice *v, uint32_t n)
{
	struct bytes ids = {0}, others = {0};
	unsigned char id[ID];

	for (uint32_t i = 0; i < n; i++) {
		if (!v[i].ptr) {
			bytes_u8(out, 0);
		} else if (id_of(v[i], id)) {
			bytes_u8(out, 1);
			bytes_add(&ids, id, ID);
		} else {
			add_varint(out, v[i].len + 2);
			bytes_add(&others, v[i].ptr, v[i].len);
		}
	}
	bytes_add(out, ids.ptr, ids.len);
	bytes_add(out, others.ptr, others.len);
	out->failed |= ids.failed || others.failed;
	bytes_free(&ids);
	bytes_free(&others);
}

/* How long the first n codes are, and how many of them are ids'. */
static struct peek skip_codes(struct peek in, uint32_t n, uint32_t *ids)
{
	*ids = 0;
	for (uint32_t i = 0; i < n && !in.bad; i++)
		*ids += peek_varint(&in, 64) == 1;
	return in;
}

static int put_id(struct peek *ids, int (*put)(void *, struct slice), void *arg)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *id = peek_bytes(ids, ID);
	char text[2 * ID];

	for (unsigned k = 0; id && k < ID; k++) {
		text[2 * k] = digits[id[k] >> 4];
		text[2 * k + 1] = digits[id[k] & 15];
	}
	return id ? put(arg, (struct slice){text, sizeof text}) : -EBADMSG;
}

int unpack_texts(struct peek *in, uint32_t n, int (*put)(void *arg, struct slice text), void *arg)
{
	uint32_t nids;
	struct peek codes = *in, ids = skip_codes(*in, n, &nids), texts = ids;
	int rc = 0;

	peek_bytes(&texts, (size_t)nids * ID);
	for (uint32_t i = 0; !rc && i < n; i++) {
		uint64_t code = peek_varint(&codes, 64);
		const char *p;

		if (code == 1) {
			rc = put_id(&ids, put, arg);
		} else if (!code) {
			rc = put(arg, SLICE_NONE);
		} else {
			p = code - 2 <= LENGTH_MAX ? peek_bytes(&texts, (size_t)(code - 2)) : NULL;
			rc = p ? put(arg, (struct slice){p, (size_t)(code - 2)}) : -EBADMSG;
		}
		if (codes.bad || texts.bad)
			rc = -EBADMSG;
	}
	*in = texts;
	return rc;
}

/* ---- the whole ---- */

int pack_seal(const struct bytes *columns, uint32_t rows, struct bytes *out)
{
	size_t bound = ZSTD_compressBound(columns->len), got;
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char *packed = malloc(bound);
	bool sealed = false;

	if (zstd && packed && !columns->failed) {
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
		got = ZSTD_compress2(zstd, packed, bound, columns->ptr, columns->len);
		sealed = !ZSTD_isError(got);
		if (sealed) {
			bytes_add(out, MAGIC, 4);
			bytes_u32(out, rows);
			bytes_u32(out, (uint32_t)columns->len);
			bytes_add(out, packed, got);
		}
	}
	ZSTD_freeCCtx(zstd);
	free(packed);
	return sealed && !out->failed && columns->len <= LENGTH_MAX ? 0 : -ENOMEM;
}

int pack_open(const void *p, size_t n, char **text, struct peek *in, uint32_t *rows)
{
	struct peek head = {p, (const unsigned char *)p + n, false};
	const char *magic;
	uint32_t len;
	size_t got;

	*text = NULL;
	if (!p || n < HEAD)
		return -EBADMSG;
	magic = peek_bytes(&head, 4);
	*rows = peek_u32(&head);
	len = peek_u32(&head);
	if (memcmp(magic, MAGIC, 4) || len > LENGTH_MAX || *rows > len)
		return -EBADMSG;
	*text = malloc((size_t)len + 1);
	if (!*text)
		return -ENOMEM;
	got = ZSTD_decompress(*text, len, head.p, (size_t)(head.end - head.p));
	if (ZSTD_isError(got) || got != len) {
		free(*text);
		*text = NULL;
		return -EBADMSG;
	}
	*in = (struct peek){(const unsigned char *)*text, (const unsigned char *)*text + len, false};
	return 0;
}
