/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as lines of a log: through the parser with its guesses, the shapes and a chunk, and back. Each line must
 * come back byte for byte, and its row say what the parser says of it alone. */
#include "base/scan.h"
#include "load/parse.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void row_check(struct chunk *c, uint32_t i, const char *text, size_t len, struct line *l)
{
	struct bytes out = {0};
	char *copy = malloc(len + SCAN_SLACK);
	struct chunk_row row;
	enum line_verdict v;
	struct slice tid;

	if (len)
		memcpy(copy, text, len);
	memset(copy + len, 0, SCAN_SLACK);
	assert(!line_parse(l, copy, len, &v) && !chunk_row(c, i, &row) && !chunk_line(c, &row, &out, NULL));
	assert(out.len == len && (!len || !memcmp(out.ptr, text, len)));
	assert((v == LINE_REJECTED) == (row.head == CHUNK_REJECTED));
	if (v != LINE_REJECTED) {
		struct shape *head, *tail;

		assert(!chunk_tid(c, row.tid, &tid) && row.stamp == l->stamp && slice_same(tid, l->tid) &&
		       !tid.ptr == !l->tid.ptr);
		assert(!shape_of_raw(l, 0, &head) && !shape_of_raw(l, 1, &tail));
		assert(slice_same(head->level, l->level) && slice_same(head->target, l->target) &&
		       tail->depth == l->nspans);
		shape_free(head);
		shape_free(tail);
	}
	bytes_free(&out);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(2 * size + 1 + SCAN_SLACK), *at = text;
	struct bytes sealed = {0};
	struct shape_set *set;
	struct parser p;
	struct chunk *c;
	struct line l;
	size_t used, len = 0;

	/* twice, so that the second time all shapes are known */
	for (int turn = 0; turn < 2 && size; turn++) {
		memcpy(text + len, data, size);
		len += size;
		if (!turn && text[len - 1] != '\n')
			text[len++] = '\n';
	}
	memset(text + len, 0, SCAN_SLACK);
	assert(!shape_set_new(&set) && !parser_init(&p, set));
	assert(!parser_feed(&p, text, len, true, &used) && used == len);
	if (len) {
		assert(!chunk_seal(p.builder, 1, &sealed) && !chunk_open(set, sealed.ptr, sealed.len, &c) &&
		       !chunk_verify(c));
		line_init(&l);
		for (uint32_t i = 0; i < chunk_rows(c); i++) {
			char *end = memchr(at, '\n', len - (size_t)(at - text));

			end = end ? end : text + len;
			row_check(c, i, at, (size_t)(end - at), &l);
			at = end + (end < text + len);
		}
		assert(at == text + len);
		line_done(&l);
		chunk_close(c);
	}
	bytes_free(&sealed);
	parser_done(&p);
	shape_set_free(set);
	free(text);
	return 0;
}
