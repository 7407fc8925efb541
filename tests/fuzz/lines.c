/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as lines of a log: through the parser with its guesses, the shapes and a chunk, and back. Each line must
 * come back byte for byte, and its row say what the parser says of it alone. */
#include "base/scan.h"
#include "parse/parse.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line of ours: its row and its shapes say what the parser says of it alone. */
static void our_row(struct chunk *c, const struct chunk_row *row, const char *copy, size_t len, struct line *l)
{
	struct shape *head, *tail;
	enum line_verdict v;
	struct slice tid;

	assert(!line_parse(l, copy, len, &v) && v != LINE_REJECTED);
	assert(!chunk_tid(c, row->tid, &tid) && row->stamp == l->stamp && slice_same(tid, l->tid) &&
	       !tid.ptr == !l->tid.ptr);
	assert(!shape_of_raw(l, 0, &head) && !shape_of_raw(l, 1, &tail));
	assert(slice_same(head->level_text, l->level) && slice_same(head->target, l->target) &&
	       tail->depth == l->nspans);
	shape_free(head);
	shape_free(tail);
}

/* A line of another program: its reading is an event line, at the row's time and in its transaction. */
static void reading_check(struct chunk *c, const struct chunk_row *row, struct line *l)
{
	struct slice line, reading, tid;
	enum line_verdict v;
	char *copy;

	assert(!chunk_raw_row(c, row->head, row->head_ord, &line, &reading) && reading.ptr);
	copy = malloc(reading.len + SCAN_SLACK);
	memset((char *)memcpy(copy, reading.ptr, reading.len) + reading.len, 0, SCAN_SLACK);
	assert(!line_parse_reading(l, copy, reading.len, &v) && v != LINE_REJECTED && row->stamp == l->stamp);
	assert(!chunk_tid(c, row->tid, &tid) && slice_same(tid, l->tid));
	free(copy);
}

/* A line that was told by a recipe, or made one: its reading is, byte for byte, the one that its format gives, read
 * anew. */
static void form_row(struct chunk *c, const struct chunk_row *row, const char *copy, size_t len,
                     const struct record_options *o)
{
	struct bytes reading = {0}, tail = {0};
	struct chunk_parts parts;
	struct record_reader reader;
	struct record_result r;
	struct slice tid, bare = {copy, len};

	while (bare.len && bare.ptr[bare.len - 1] == '\r')
		bare.len--;
	assert(!record_reader_init(&reader, o) && !record_read(&reader, bare, &r));
	assert(r.verdict == RECORD_EVENT && r.has_time && r.time_ns == row->stamp);
	assert(!chunk_half(c, row, 0, &reading, &parts) && !chunk_half(c, row, 1, &tail, &parts));
	bytes_add(&reading, tail.ptr, tail.len);
	assert(slice_same((struct slice){reading.ptr, reading.len}, r.reading));
	assert(!chunk_tid(c, row->tid, &tid) && !tid.ptr == !r.tid.ptr && slice_same(tid, r.tid));
	bytes_free(&reading);
	bytes_free(&tail);
	record_reader_done(&reader);
}

/* Row i stands at text; returns where the next one does. */
static const char *row_check(struct chunk *c, uint32_t i, const char *text, const char *end, struct line *l,
                             const struct record_options *o)
{
	struct bytes out = {0};
	struct chunk_row row;
	char *copy;

	assert(!chunk_row(c, i, &row) && !chunk_line(c, &row, &out, NULL));
	assert(out.len <= (size_t)(end - text) && (!out.len || !memcmp(out.ptr, text, out.len)));
	copy = malloc(out.len + SCAN_SLACK);
	if (out.len)
		memcpy(copy, text, out.len);
	memset(copy + out.len, 0, SCAN_SLACK);
	if (row.head == CHUNK_READING || row.head == CHUNK_PIECE)
		reading_check(c, &row, l);
	else if (chunk_is_event(row.head) && chunk_head(c, row.head) && chunk_head(c, row.head)->form)
		form_row(c, &row, copy, out.len, o);
	else if (chunk_is_event(row.head))
		our_row(c, &row, copy, out.len, l);
	text += out.len;
	if (row.head != CHUNK_PIECE) {
		assert(text == end || *text == '\n');
		text += text < end;
	}
	bytes_free(&out);
	free(copy);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(2 * size + 1 + SCAN_SLACK);
	const char *at = text;
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
	static struct format_set formats;
	struct record_options records = {.formats = &formats};

	assert(formats.n || !formats_built_in(&formats));
	assert(!shape_set_new(&set) && !parser_init(&p, set, &records));
	assert(!parser_feed(&p, text, len, true, &used) && used == len && !parser_end(&p));
	if (len) {
		assert(!chunk_seal(p.builder, 1, &sealed) && !chunk_open(set, sealed.ptr, sealed.len, &c) &&
		       !chunk_verify(c));
		line_init(&l);
		for (uint32_t i = 0; i < chunk_rows(c); i++)
			at = row_check(c, i, at, text + len, &l, &records);
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
