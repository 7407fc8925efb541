/* SPDX-License-Identifier: Apache-2.0 */
/* flame.c - folded stacks; see flame.h. */
#include "encode/flame.h"

#include "base/dtoa.h"

#include <errno.h>

#define BATCH_BYTES 65536

int flame_open(struct flame *flame, const char *path, size_t rings)
{
	int rc;

	memset(flame, 0, sizeof *flame);
	flame->last = calloc(rings, sizeof *flame->last);
	rc = flame->last ? sink_file_open(path, SINK_FILE_NEW, &flame->sink) : -ENOMEM;
	if (rc)
		flame_close(flame);
	return rc;
}

void flame_forget(struct flame *flame)
{
	flame->out.len = flame->lines = 0;
}

void flame_close(struct flame *flame)
{
	if (flame->sink)
		flame_flush(flame);
	sink_close(flame->sink);
	buf_done(&flame->out);
	free(flame->last);
	memset(flame, 0, sizeof *flame);
}

uint64_t flame_step(struct flame *flame, uint32_t ring, uint64_t stamp)
{
	uint64_t last = flame->last[ring];

	flame->last[ring] = stamp;
	return last && stamp > last ? stamp - last : 0;
}

void flame_owner(struct flame *flame, uint32_t ring)
{
	flame->last[ring] = 0;
}

static void add(struct flame *flame, const char *text, size_t len)
{
	if (!buf_room(&flame->out, len + 64))
		return;
	for (size_t i = 0; i < len; i++)
		flame->out.text[flame->out.len + i] = text[i] == ';' ? ':' : text[i];
	flame->out.len += len;
}

void flame_begin(struct flame *flame, const char *thread, size_t len)
{
	add(flame, thread, len);
}

void flame_frame(struct flame *flame, const char *text, size_t len)
{
	if (!buf_room(&flame->out, 2))
		return;
	memcpy(flame->out.text + flame->out.len, "; ", 2);
	flame->out.len += 2;
	add(flame, text, len);
}

void flame_end(struct flame *flame, uint64_t ns)
{
	char *at;

	if (!buf_room(&flame->out, ITOA_MAX + 2))
		return;
	at = flame->out.text + flame->out.len;
	*at++ = ' ';
	at += itoa_u64(ns, at);
	*at++ = '\n';
	flame->out.len = (size_t)(at - flame->out.text);
	flame->lines++;
	if (flame->out.len >= BATCH_BYTES)
		flame_flush(flame);
}

void flame_flush(struct flame *flame)
{
	int rc = 0;

	if (flame->sink && flame->out.len)
		rc = sink_write(flame->sink, flame->out.text, flame->out.len, flame->lines, NULL);
	flame->error = flame->error ? flame->error : rc;
	flame->out.len = flame->lines = 0;
}
