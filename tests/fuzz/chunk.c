/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as the directory and the blocks of a chunk, before they are packed: what is damaged is told as damage,
 * never followed. (Packed, a checksum would keep nearly everything away from the code behind it.)
 *
 * The input: a byte with the number of blocks; for the directory and each block its length in two bytes, and its bytes.
 * The directory's list of blocks is added here. With ILU_FUZZ_SEEDS=FOLDER seeds are written there, and nothing else is
 * done. */
#include "base/scan.h"
#include "parse/parse.h"
#include "store/chunk_format.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const char lines[] =
    "{\"timestamp\":\"2026-11-23 "
    "00:51:54.1\",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"0123456789abcdef0123456789abcdef\",\"n\":"
    "1,\"s\":\"a\"},\"target\":\"t\"}\n"
    "{\"timestamp\":\"2026-11-23 "
    "00:51:54.2\",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"1123456789abcdef0123456789abcdef\",\"n\":-"
    "7,\"s\":\"b\"},\"target\":\"t\"}\n"
    "{\"timestamp\":\"2026-11-23 "
    "00:51:54.3\",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"1123456789abcdef0123456789abcdef\",\"n\":"
    "99,\"s\":\"2026-11-23 00:51:54.3\"},\"target\":\"t\"}\n"
    "{\"timestamp\":\"2026-11-23T00:51:54.300000000Z\",\"fields\":{\"message\":\"z\",\"h\":\"0123456789abcdef\"},"
    "\"span\":{\"tid\":\"x\",\"id\":\"7\",\"name\":\"s\"},\"spans\":[{\"n\":[1]}]}\n"
    "{\"timestamp\":\"2026-11-23T00:51:54.400000000Z\",\"fields\":{\"message\":\"z\",\"h\":\"fedcba9876543210\"},"
    "\"span\":{\"tid\":\"y\",\"id\":\"8\",\"name\":\"s\"},\"spans\":[{\"n\":[2]}]}\n"
    "no event\n"
    "{\"timestamp\":\"2026-11-23 00:51:54.3\",\"fields\":{\"a\":1}},\"target\":\"t\"}\n";

static struct shape_set *set;
static ZSTD_CCtx *zstd;

static void frame_add(struct bytes *out, const void *p, size_t n)
{
	size_t bound = ZSTD_compressBound(n), got;
	char *packed = malloc(bound);

	got = ZSTD_compressCCtx(zstd, packed, bound, p, n, 1);
	assert(!ZSTD_isError(got));
	bytes_add(out, packed, got);
	free(packed);
}

static struct slice piece(struct peek *in)
{
	size_t n = peek_u16(in);

	n = n <= (size_t)(in->end - in->p) ? n : (size_t)(in->end - in->p);
	return (struct slice){peek_bytes(in, n), n};
}

/* The input as a chunk. */
static void pack(const uint8_t *data, size_t size, struct bytes *out)
{
	struct peek in = {data, data + size, false};
	struct bytes directory = {0}, body = {0}, packed = {0};
	unsigned blocks = peek_u8(&in) % 8;
	struct slice s = piece(&in);

	bytes_add(&directory, s.ptr, s.ptr ? s.len : 0);
	bytes_u32(&directory, blocks);
	for (unsigned i = 0; i < blocks; i++) {
		size_t from = body.len;

		s = piece(&in);
		frame_add(&body, s.ptr ? s.ptr : "", s.ptr ? s.len : 0);
		bytes_u32(&directory, (uint32_t)(body.len - from));
		bytes_u32(&directory, (uint32_t)s.len);
	}
	frame_add(&packed, directory.ptr, directory.len);
	bytes_add(out, CHUNK_MAGIC, 4);
	bytes_u32(out, CHUNK_VERSION);
	bytes_u32(out, (uint32_t)packed.len);
	bytes_u32(out, (uint32_t)directory.len);
	bytes_add(out, packed.ptr, packed.len);
	bytes_add(out, body.ptr, body.len);
	bytes_free(&directory);
	bytes_free(&body);
	bytes_free(&packed);
}

static void read_all(const struct bytes *chunk)
{
	struct bytes line = {0};
	struct chunk *c;
	int rc = chunk_open(set, chunk->ptr, chunk->len, &c);

	assert(!rc || rc == -EBADMSG);
	if (rc)
		return;
	for (uint32_t i = 0; i < chunk_rows(c) && i < 300; i++) {
		struct chunk_parts parts;
		struct chunk_row row;
		struct slice tid;

		if (!(rc = chunk_row(c, i, &row)) && !(rc = chunk_tid(c, row.tid, &tid)))
			rc = chunk_line(c, &row, &line, NULL);
		for (unsigned part = 0; part < 2 && !rc && row.head >= CHUNK_FIRST_HEAD; part++)
			rc = chunk_half(c, &row, part, &line, &parts);
		assert(!rc || rc == -EBADMSG);
	}
	rc = chunk_find_tid(c, SLICE("1123456789abcdef0123456789abcdef"), 0);
	assert(rc >= 0 || rc == -EBADMSG);
	rc = chunk_verify(c);
	assert(!rc || rc == -EBADMSG);
	bytes_free(&line);
	chunk_close(c);
}

/* ---- seeds: a chunk, unpacked ---- */

static void piece_put(struct bytes *out, const void *p, size_t n)
{
	bytes_u16(out, (unsigned)n);
	bytes_add(out, p, n);
}

static void seed_write(struct chunk_builder *b, const char *folder)
{
	struct bytes sealed = {0}, out = {0};
	char text[65536], path[500];
	struct peek in;
	const void *packed;
	size_t n, len;
	FILE *f;

	assert(!chunk_seal(b, 1, &sealed));
	in = (struct peek){(unsigned char *)sealed.ptr + 8, (unsigned char *)sealed.ptr + sealed.len, false};
	len = peek_u32(&in);
	peek_u32(&in);
	packed = peek_bytes(&in, len);
	n = ZSTD_decompress(text, sizeof text, packed, len);
	assert(!ZSTD_isError(n));
	bytes_u8(&out, chunk_seal_blocks(b));
	piece_put(&out, text, n - 4 - 8 * (size_t)chunk_seal_blocks(b));
	for (uint32_t i = 0; i < chunk_seal_blocks(b); i++) {
		packed = peek_bytes(&in, chunk_seal_block(b, i));
		n = ZSTD_decompress(text, sizeof text, packed, chunk_seal_block(b, i));
		assert(!ZSTD_isError(n));
		piece_put(&out, text, n);
	}
	snprintf(path, sizeof path, "%s/%u-rows", folder, chunk_builder_summary(b).rows);
	f = fopen(path, "w");
	assert(f && fwrite(out.ptr, 1, out.len, f) == out.len);
	fclose(f);
	bytes_free(&sealed);
	bytes_free(&out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static struct format_set formats;
	struct record_options records = {.formats = &formats};
	const char *folder = getenv("ILU_FUZZ_SEEDS");
	char text[sizeof lines + SCAN_SLACK] = {0};
	struct parser p;
	size_t used;

	(void)argc;
	(void)argv;
	memcpy(text, lines, sizeof lines - 1);
	zstd = ZSTD_createCCtx();
	assert(formats.n || !formats_built_in(&formats));
	assert(zstd && !shape_set_new(&set) && !parser_init(&p, set, &records));
	for (int turn = 0; turn < (folder ? 6 : 1); turn++) {
		assert(!parser_feed(&p, text, sizeof lines - 1, true, &used) && used == sizeof lines - 1);
		if (folder && turn % 5 == 0)
			seed_write(p.builder, folder);
	}
	parser_done(&p);
	if (folder)
		exit(0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes chunk = {0};

	pack(data, size, &chunk);
	read_all(&chunk);
	bytes_free(&chunk);
	return 0;
}
