/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From text to chunks and back: every line byte for byte, and what its row says of it is what the parser says of it
 * alone. */
#include "base/scan.h"
#include "parse/parse.h"
#include "random_lines.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct record_options *records(void)
{
	static struct format_set formats;
	static struct record_options o = {.formats = &formats};

	if (!formats.n)
		assert_int_equal(formats_built_in(&formats), 0);
	return &o;
}

/* Lines, each with its end, and slack behind them. */
struct text {
	char *ptr;
	size_t len, room;
};

static void text_add(struct text *t, const char *p, size_t n)
{
	if (t->room < t->len + n + 1 + SCAN_SLACK) {
		t->room = (t->len + n + 1 + SCAN_SLACK) * 2;
		t->ptr = realloc(t->ptr, t->room);
	}
	memcpy(t->ptr + t->len, p, n);
	t->ptr[t->len + n] = '\n';
	t->len += n + 1;
	memset(t->ptr + t->len, 0, SCAN_SLACK);
}

static struct text random_text(uint64_t seed, unsigned lines, unsigned badness)
{
	struct random_lines r = {seed, (int64_t)seed * 1000003, badness};
	char *line = malloc(RANDOM_LINE_MAX);
	struct text t = {0};

	for (unsigned i = 0; i < lines; i++)
		text_add(&t, line, random_line(&r, line));
	free(line);
	return t;
}

/* ---- a row against its line ---- */

static bool has_form(const struct chunk *c, uint16_t head)
{
	const struct shape *sh = chunk_head(c, head);

	return sh && sh->form;
}

static bool is_foreign(const struct chunk *c, uint16_t head)
{
	return head == CHUNK_READING || head == CHUNK_PART || has_form(c, head);
}

static bool row_is(struct chunk *c, uint32_t i, const char *text, size_t len, struct line *l, enum line_verdict *v)
{
	struct bytes out = {0};
	char *copy = malloc(len + SCAN_SLACK);
	struct chunk_row row;
	struct slice tid;
	bool good;

	memcpy(copy, text, len);
	memset(copy + len, 0, SCAN_SLACK);
	assert_int_equal(line_parse(l, copy, len, v), 0);
	assert_int_equal(chunk_row(c, i, &row), 0);
	assert_int_equal(chunk_line(c, &row, &out, NULL), 0);
	good = out.len == len && (!len || !memcmp(out.ptr, text, len)) &&
	       (*v != LINE_REJECTED || row.head == CHUNK_REJECTED || is_foreign(c, row.head));
	if (has_form(c, row.head)) {
		*v = LINE_OK;
	} else if (is_foreign(c, row.head)) { /* what a line of another program says, format_test knows */
		struct slice at, reading;

		assert_int_equal(chunk_raw_row(c, row.head, row.head_ord, &at, &reading), 0);
		*v = reading.ptr && memmem(reading.ptr, reading.len, ",\"repaired\":", 12) ? LINE_REPAIRED : LINE_OK;
	} else if (good && *v != LINE_REJECTED) {
		assert_int_equal(chunk_tid(c, row.tid, &tid), 0);
		good = row.stamp == l->stamp && slice_same(tid, l->tid) && !tid.ptr == !l->tid.ptr &&
		       (*v != LINE_REPAIRED || row.head == CHUNK_RAW_EVENT);
	}
	if (!good)
		print_error("row %u: %.*s\ncame back as %.*s\nhead %u, tid %u, stamp %lld\n", i, (int)len, text,
		            (int)out.len, out.ptr, row.head, row.tid, (long long)row.stamp);
	bytes_free(&out);
	free(copy);
	return good;
}

/* Rows of c are the lines of text from *at on. */
static void check_rows(struct chunk *c, const struct text *t, size_t *at, const struct parse_counts *counts)
{
	struct parse_counts got = {0};
	struct line l;

	line_init(&l);
	for (uint32_t i = 0; i < chunk_rows(c); i++) {
		const char *start = t->ptr + *at, *end = memchr(start, '\n', t->len - *at);
		enum line_verdict v;

		if (i % SEGMENT_ROWS == 0 && i)
			assert_true(chunk_rows(c) > i);
		if (!row_is(c, i, start, (size_t)(end - start), &l, &v))
			fail();
		if (v == LINE_REJECTED && (end == start || (end == start + 1 && *start == '\r'))) {
			v = LINE_OK; /* an empty line is fine, and no event */
			got.blank++;
		}
		got.ok += v == LINE_OK;
		got.ok_bytes += v == LINE_OK ? (size_t)(end - start) + 1 : 0;
		got.repaired += v == LINE_REPAIRED;
		got.repaired_bytes += v == LINE_REPAIRED ? (size_t)(end - start) + 1 : 0;
		got.rejected += v == LINE_REJECTED;
		got.rejected_bytes += v == LINE_REJECTED ? (size_t)(end - start) + 1 : 0;
		*at += (size_t)(end - start) + 1;
	}
	uint64_t by_name = 0;

	for (size_t i = 0; i < sizeof counts->repairs / sizeof *counts->repairs; i++)
		by_name += counts->repairs[i];
	assert_int_equal(by_name, counts->repaired);
	assert_memory_equal(&got, counts, offsetof(struct parse_counts, repairs));
	line_done(&l);
}

struct tid_sum {
	struct chunk *chunk;
	uint32_t n;
};

static int tid_one(void *arg, struct slice tid, uint32_t events, unsigned groups)
{
	struct tid_sum *s = arg;
	unsigned seen = 0;
	uint32_t n = 0;
	struct chunk_row row;
	int number;

	if (s->n++ % (chunk_rows(s->chunk) / 500 + 1))
		return 0; /* the same for the others, but slow */
	number = chunk_find_tid(s->chunk, tid, 0);
	assert_true(number > 0);
	for (uint32_t i = 0; i < chunk_rows(s->chunk); i++) {
		assert_int_equal(chunk_row(s->chunk, i, &row), 0);
		n += row.tid == number;
		seen |= row.tid == number ? 1u << i / SEGMENT_ROWS : 0;
	}
	assert_int_equal(n, events);
	assert_int_equal(seen, groups);
	return 0;
}

/* Text into one parser until its chunk is full; the chunk, sealed and opened again. */
static void round_trip(struct parser *p, const struct text *t, size_t *at, int level)
{
	struct bytes sealed = {0};
	struct chunk_summary s;
	struct chunk *c;
	size_t used, start = *at;

	assert_int_equal(parser_feed(p, t->ptr + *at, t->len - *at, true, &used), 0);
	s = chunk_builder_summary(p->builder);
	assert_true(used > 0 && s.bytes == used);
	assert_int_equal(chunk_seal(p->builder, level, &sealed), 0);
	assert_int_equal(chunk_open(p->set, sealed.ptr, sealed.len, &c), 0);
	assert_int_equal(chunk_verify(c), 0);
	assert_int_equal(chunk_rows(c), s.rows);
	check_rows(c, t, at, &p->counts);
	assert_int_equal(*at - start, used);
	assert_int_equal(chunk_find_tid(c, SLICE("no such transaction"), 0), CHUNK_NO_TID);
	assert_int_equal(chunk_builder_tids(p->builder, tid_one, &(struct tid_sum){c, 0}), 0);
	chunk_close(c);
	bytes_free(&sealed);
	parser_clear(p);
}

static void random_chunks(void **state)
{
	struct shape_set *set;
	struct parser p;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	for (unsigned i = 0; i < 60; i++) {
		struct text t = random_text(i + 1, 1 + i * 20, i % 3 * 20);
		size_t at = 0;

		while (at < t.len)
			round_trip(&p, &t, &at, 1 + i % 3);
		free(t.ptr);
	}
	parser_done(&p);
	shape_set_free(set);
}

/* A chunk of as many rows as there can be, and what begins the next. */
static void full_chunk(void **state)
{
	struct text t = random_text(4711, CHUNK_ROWS + 100, 6);
	struct shape_set *set;
	struct parser p;
	size_t at = 0;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	round_trip(&p, &t, &at, 1);
	assert_true(at < t.len);
	round_trip(&p, &t, &at, 1);
	assert_int_equal(at, t.len);
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
}

/* Every line has an id of its own: the dictionary of a chunk is full before its rows are. */
static void many_tids(void **state)
{
	struct shape_set *set;
	struct text t = {0};
	struct parser p;
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < CHUNK_ROWS + 10; i++) {
		char line[200];

		text_add(&t, line,
		         (size_t)sprintf(
		             line,
		             "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"message\":\"m\",\"tid\":\"%x\"}}",
		             i));
	}
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	while (at < t.len)
		round_trip(&p, &t, &at, 1);
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
}

/* Text that comes in pieces is not another text. */
static void in_pieces(void **state)
{
	struct text t = random_text(99, 3000, 20);
	struct random_lines r = {5, 0, 0};
	struct shape_set *set;
	struct bytes sealed = {0};
	struct parser p;
	struct chunk *c;
	size_t from = 0, at = 0;
	unsigned i = 0;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	while (from < t.len) {
		size_t n = 1 + random_below(&r, i++ % 50 ? 3000 : 40000), used;
		char *piece;

		n = n < t.len - from ? n : t.len - from;
		piece = calloc(1, n + SCAN_SLACK);
		memcpy(piece, t.ptr + from, n);
		assert_int_equal(parser_feed(&p, piece, n, false, &used), 0);
		assert_true(used == 0 || piece[used - 1] == '\n');
		if (!used && !memchr(piece, '\n', n) && n < t.len - from) {
			free(piece);
			continue; /* a longer piece next time */
		}
		from += used;
		free(piece);
	}
	assert_int_equal(chunk_seal(p.builder, 1, &sealed), 0);
	assert_int_equal(chunk_open(set, sealed.ptr, sealed.len, &c), 0);
	check_rows(c, &t, &at, &p.counts);
	assert_int_equal(at, t.len);
	chunk_close(c);
	bytes_free(&sealed);
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
}

/* A line as the one before it, but for what a guess must not overlook. */
static const char *const pairs[][2] = {
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"\"}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"a\"}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"\"},\"span\":{\"tid\":\"s\"}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"a\"},\"span\":{\"tid\":\"s\"}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"a\",\"tid\":\"b\"}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"\",\"tid\":\"b\"}}"},
    {"{\"timestamp\":\"2026-11-23 "
     "00:51:54.1\",\"fields\":{},\"spans\":[{\"tid\":\"0123456789abcdef0123456789abcdef\"},{\"tid\":\"x\"}]}",
     "{\"timestamp\":\"2026-11-23 "
     "00:51:54.1\",\"fields\":{},\"spans\":[{\"tid\":\"1123456789abcdef0123456789abcdef\"},{\"tid\":\"y\"}]}"},
    {"{\"timestamp\":\"2026-11-23 "
     "00:51:54.1\",\"fields\":{},\"span\":{\"tid\":\"\"},\"spans\":[{\"tid\":\"x\"},{\"tid\":\"\"}]}",
     "{\"timestamp\":\"2026-11-23 "
     "00:51:54.1\",\"fields\":{},\"span\":{\"tid\":\"\"},\"spans\":[{\"tid\":\"x\"},{\"tid\":\"y\"}]}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":[1]}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"tid\":\"x\"}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"a\":1,\"spans\":[1]}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"a\":1,\"spans\":[{\"tid\":\"x\"}]}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\"}", "{\"timestamp\":\"2026-11-23T00:51:54.100000000Z\"}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"n\":1}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.99\",\"fields\":{\"n\":1}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"n\":1}}",
     "{\"timestamp\":\"2026-11-23 00:51:60.1\",\"fields\":{\"n\":1}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"n\":1}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1Z\",\"fields\":{\"n\":1}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"n\":1}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.\",\"fields\":{\"n\":1}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"n\":1}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1000000000\",\"fields\":{\"n\":1}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"message\":\"new\"},\"target\":\"t\"}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"message\":\"new\"},\"target\":\"t\"},"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":\"b\"}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":\"\xff\"}}"},
    {"{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":\"b\"}}",
     "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":\"b\"}}\r"},
};

static void pairs_of_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		for (int turn = 0; turn < 2; turn++) {
			struct shape_set *set;
			struct text t = {0};
			struct parser p;
			size_t at = 0;

			/* twice the first line, so that it is expected again */
			text_add(&t, pairs[i][turn], strlen(pairs[i][turn]));
			text_add(&t, pairs[i][turn], strlen(pairs[i][turn]));
			text_add(&t, pairs[i][!turn], strlen(pairs[i][!turn]));
			text_add(&t, pairs[i][turn], strlen(pairs[i][turn]));
			assert_int_equal(shape_set_new(&set), 0);
			assert_int_equal(parser_init(&p, set, records()), 0);
			round_trip(&p, &t, &at, 1);
			parser_done(&p);
			shape_set_free(set);
			free(t.ptr);
		}
}

/* A line that is as another was, but for a text of 65 MB. */
static void long_line(void **state)
{
	static const char start[] = "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"message\":\"m\",\"a\":\"";
	size_t n = LINE_MAX_BYTES + 10;
	char *line = malloc(n);
	struct shape_set *set;
	struct text t = {0};
	struct parser p;
	size_t at = 0, used;

	(void)state;
	memset(line, 'x', n);
	memcpy(line, start, sizeof start - 1);
	memcpy(line + 100, "\"}}", 3);
	text_add(&t, line, 103);
	text_add(&t, line, 103);
	memset(line + 100, 'x', 3);
	memcpy(line + n - 3, "\"}}", 3);
	text_add(&t, line, n);
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	while (at < 2 * 103)
		round_trip(&p, &t, &at, 1);
	/* it does not fit into one chunk: whoever reads the source stores it in stretches */
	assert_int_equal(parser_feed(&p, t.ptr + at, t.len - at, true, &used), 0);
	assert_int_equal(used, 0);
	assert_string_equal(p.gives_up, "line longer than 64 MiB");
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
	free(line);
}

static void text_puts(struct text *t, const char *line)
{
	text_add(t, line, strlen(line));
}

/* A record over 20,000 lines, of some groups of a chunk, whose texts are lent to it; behind rows of its column, and
 * before lines that are not in the chunk any more. */
static void lent_record(void **state)
{
	enum { LINES = 20000, LINE = 600 };
	char line[LINE + 1];
	struct shape_set *set;
	struct text t = {0};
	struct parser p;
	size_t at = 0, behind;

	(void)state;
	for (int i = 0; i < 10; i++)
		text_puts(&t, "a text before it");
	text_puts(&t, "{\"time\":\"2026-11-23T00:00:00Z\",\"list\":[");
	for (int i = 0; i < LINES; i++) {
		memset(line, 'a' + i % 26, LINE);
		snprintf(line, sizeof line, "  \"%d", i);
		line[strlen(line)] = '.';
		memcpy(line + LINE - 2, "\",", 2);
		text_add(&t, line, LINE);
	}
	text_puts(&t, "0]}");
	behind = t.len;
	text_puts(&t, "{\"time\":\"2026-11-23T00:00:01Z\",\"msg\":\"m\"}");
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	chunk_builder_borrow(p.builder);
	round_trip(&p, &t, &at, 1);
	assert_int_equal(at, behind);
	assert_false(chunk_builder_lends(p.builder));
	round_trip(&p, &t, &at, 1);
	assert_int_equal(at, t.len);
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
}

/* ---- damage ---- */

/* Bytes of a chunk changed: -EBADMSG, or lines that are right; nothing else, and no crash. */
static void damaged(struct shape_set *set, const char *data, size_t len, const struct text *t)
{
	struct chunk *c;
	int rc = chunk_open(set, data, len, &c);
	struct bytes out = {0};
	size_t at = 0;

	assert_true(rc == 0 || rc == -EBADMSG);
	if (rc)
		return;
	rc = chunk_verify(c);
	assert_true(rc == 0 || rc == -EBADMSG);
	for (uint32_t i = 0; i < chunk_rows(c) && at < t->len; i++) {
		size_t want = (size_t)((char *)memchr(t->ptr + at, '\n', t->len - at) - (t->ptr + at));
		struct chunk_row row;
		struct slice tid;

		rc = chunk_row(c, i, &row);
		if (!rc)
			rc = chunk_tid(c, row.tid, &tid);
		if (!rc)
			rc = chunk_line(c, &row, &out, NULL);
		assert_true(rc == 0 || rc == -EBADMSG);
		if (!rc && (out.len != want || memcmp(out.ptr, t->ptr + at, want)))
			fail_msg("row %u came back wrong", i);
		at += want + 1;
	}
	rc = chunk_find_tid(c, SLICE("x"), 0);
	assert_true(rc >= 0 || rc == -EBADMSG);
	bytes_free(&out);
	chunk_close(c);
}

static void damaged_chunks(void **state)
{
	struct text t = random_text(31, 300, 10);
	struct random_lines r = {77, 0, 0};
	struct bytes sealed = {0};
	struct shape_set *set;
	struct parser p;
	size_t used;
	char *copy;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(parser_init(&p, set, records()), 0);
	assert_int_equal(parser_feed(&p, t.ptr, t.len, true, &used), 0);
	assert_int_equal(chunk_seal(p.builder, 1, &sealed), 0);
	for (size_t n = 0; n < sealed.len; n += 1 + n / 60) { /* cut short */
		copy = memcpy(malloc(n + !n), sealed.ptr, n);
		damaged(set, copy, n, &t);
		free(copy);
	}
	copy = malloc(sealed.len);
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(copy, sealed.ptr, sealed.len);
		for (unsigned k = 1 + random_below(&r, 3); k; k--)
			copy[random_below(&r, (unsigned)sealed.len) % (i % 2 ? sealed.len : 200)] =
			    (char)random_below(&r, 256);
		damaged(set, copy, sealed.len, &t);
	}
	free(copy);
	bytes_free(&sealed);
	parser_done(&p);
	shape_set_free(set);
	free(t.ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pairs_of_lines), cmocka_unit_test(random_chunks),  cmocka_unit_test(in_pieces),
	    cmocka_unit_test(full_chunk),     cmocka_unit_test(many_tids),      cmocka_unit_test(long_line),
	    cmocka_unit_test(lent_record),    cmocka_unit_test(damaged_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
