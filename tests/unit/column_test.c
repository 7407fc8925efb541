/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments: every encoding gives the same values back, and damaged ones are refused or give some, but never crash. */
#include "random_lines.h"
#include "base/textduration.h"
#include "column/column.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static unsigned durations; /* that were told */

enum { ONE = 1, DICT, TEXT, INT, HEX, STAMP, TID, DECIMAL };

/* ---- a row of values and the encoding that it must get ---- */

static const struct {
	int encoding;
	const char *values[12];
} rows[] = {
    {ONE, {"a"}},
    {ONE, {""}},
    {ONE, {"", "", ""}},
    {ONE, {"7", "7"}},
    {ONE, {"x y", "x y", "x y"}},
    {INT, {"0", "1"}},
    {INT, {"-1", "1"}},
    {INT, {"999999999999999999", "-999999999999999999"}},
    {INT, {"1", "2", "3", "4"}},
    {INT, {"5", "5", "5", "6"}},
    {INT, {"123456789", "987654321", "0"}},
    /* would not be printed like this */
    {TEXT, {"-0", "1"}},
    {TEXT, {"0", "01"}},
    {TEXT, {"00", "1"}},
    {TEXT, {"1", "+1"}},
    {TEXT, {"1", ""}},
    {TEXT, {"1", "-"}},
    {TEXT, {"1", " 1"}},
    {TEXT, {"1", "1 "}},
    {TEXT, {"1", "1000000000000000000"}},
    {TEXT, {"-1000000000000000000", "1"}},
    {TEXT, {"1", "0x1"}},
    {TEXT, {"1", "1e5"}},
    {TEXT, {"true", "false"}},
    {TEXT, {"9223372036854775807", "-9223372036854775808"}},
    {DECIMAL, {"1", "1.0"}},
    {DECIMAL, {"0.05", "-0.05", "-0.5", "0.000000000000001", "-999.999999999999999", "999999999999999999", "0.0"}},
    {DECIMAL, {"12.5\xc2\xb5s", "9.99ms", "0ns", "-3s", "1.00s", "17"}},
    {DECIMAL, {"99999999999999999.9", "-1.10"}},
    {DECIMAL,
     {"-0.9ns", "-1.5ns", "0.000000000000001s", "999999999999999999s", "-922337203.685477580s", "1.9\xc2\xb5s"}},
    {TEXT, {"1.5", ".5"}},
    {TEXT, {"1.5", "5."}},
    {TEXT, {"1.5", "-0.0"}},
    {TEXT, {"1.5", "00.5"}},
    {TEXT, {"1.5", "01"}},
    {TEXT, {"1.5", "1.5.5"}},
    {TEXT, {"1.5", "1e5"}},
    {TEXT, {"1.5", "1.5 ms"}},
    {TEXT, {"1.5", "1.5\xc2"}},
    {TEXT, {"1.5", "ms"}},
    {TEXT, {"1.5", "0.0000000000000001"}},
    {TEXT, {"1.5", "9999999999999999999"}},
    {TEXT, {"1.5", "999999999999999999.9"}},
    {TEXT, {"1.5", "-"}},
    {TEXT, {"1.5", ""}},
    {HEX, {"0123456789abcdef", "fedcba9876543210"}},
    {HEX, {"0000000000000000", "ffffffffffffffff"}},
    {HEX, {"1234567890123456", "abcdefabcdefabcd"}},
    {INT, {"1234567890123456", "1234567890123457"}},
    {TEXT, {"0123456789ABCDEF", "0123456789abcdef"}},
    {TEXT, {"0123456789abcdeg", "0123456789abcdef"}},
    {TEXT, {"0123456789abcde", "0123456789abcdef"}},
    {STAMP, {"2026-11-23 00:51:54.1", "1970-01-01 00:00:00.0"}},
    {STAMP, {"1678-01-01 00:00:00.0", "2261-12-31 23:59:59.999999999"}},
    {TEXT, {"2026-11-23 00:51:54.10", "2026-11-23 00:51:54.1"}},
    {TEXT, {"2026-11-23T00:51:54.100000000Z", "2026-11-23 00:51:54.1"}},
    {TID, {"0123456789abcdef0123456789abcdef", "00000000000000000000000000000000"}},
    {TEXT, {"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeF"}},
    {TEXT, {"0123456789abcdef0123456789abcdef", ""}},
    {TID,
     {"0123456789abcdef0123456789abcde0", "0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2",
      "0123456789abcdef0123456789abcde3", "0123456789abcdef0123456789abcde4", "0123456789abcdef0123456789abcde5",
      "0123456789abcdef0123456789abcde6", "0123456789abcdef0123456789abcde7", "CPU_MON_BG"}},
    {TID,
     {"", "0123456789abcdef0123456789abcde0", "0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2",
      "0123456789abcdef0123456789abcde3", "0123456789abcdef0123456789abcde4", "0123456789abcdef0123456789abcde5",
      "0123456789abcdef0123456789abcde6"}},
    {TEXT,
     {"0123456789abcdef0123456789abcde0", "0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2",
      "0123456789abcdef0123456789abcde3", "0123456789abcdef0123456789abcde4", "0123456789abcdef0123456789abcde5",
      "CPU_MON_BG"}},
    {DICT, {"a", "b", "a", "b", "a", "b", "a", "b"}},
    {DICT, {"", "a", "", "a", "", "a", "", "a"}},
    {TEXT, {"a", "b", "c"}},
};

/* A duration that is told from a number is the one that its text is. */
static void duration_check(const struct segment *s, uint32_t i, struct slice text)
{
	int64_t from_text = 0, ns;

	if (!segment_duration(s, i, &ns))
		return;
	if (duration_parse(text, &from_text) || ns != from_text)
		fail_msg("%.*s: %lld ns, not %lld", (int)text.len, text.ptr, (long long)ns, (long long)from_text);
	durations++;
}

/* A segment in one piece. */
static void write_whole(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out)
{
	struct slice lent;

	column_write(c, from, n, out, &lent);
	bytes_add(out, lent.ptr, lent.len);
}

static void column_check(const struct slot_values *c, uint32_t from, uint32_t n, int encoding)
{
	struct bytes out = {0};
	struct segment s;
	struct peek in;
	char buf[SEGMENT_TEXT];

	write_whole(c, from, n, &out);
	assert_false(out.failed);
	in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + out.len, false};
	assert_int_equal(segment_read(&in, &s), 0);
	assert_true(in.p == in.end);
	assert_int_equal(s.n, n);
	if (encoding && s.encoding != encoding)
		fail_msg("%.*s ...: encoding %d, not %d", (int)c->ends[0], c->text.ptr, s.encoding, encoding);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t start = from + i ? c->ends[from + i - 1] : 0;
		struct slice want = {c->text.ptr + start, c->ends[from + i] - start}, got = segment_get(&s, i, buf);

		if (!got.ptr || !slice_same(got, want))
			fail_msg("value %u: %.*s came back as %.*s", from + i, (int)want.len, want.ptr, (int)got.len,
			         got.ptr);
		duration_check(&s, i, want);
	}
	assert_null(segment_get(&s, n, buf).ptr);
	segment_free(&s);
	bytes_free(&out);
}

static void encodings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slot_values c = {0};

		for (unsigned k = 0; k < 12 && rows[i].values[k]; k++)
			assert_int_equal(column_add(&c, rows[i].values[k], strlen(rows[i].values[k])), 0);
		column_check(&c, 0, c.n, rows[i].encoding);
		if (c.n > 1)
			column_check(&c, 1, c.n - 1, 0);
		column_free(&c);
	}
	assert_true(durations > 10);
}

/* Full segments of every sort of value, and the parts of a column that is longer than one. */
static char *one_value(struct random_lines *r, unsigned sort, unsigned i, char *o)
{
	switch (sort) {
	case 0:
		return o + sprintf(o, "%u", 100000 + i * 17); /* rising: differences */
	case 1:
		return o + sprintf(o, "%d", (int)random_below(r, 2000000) - 1000000);
	case 2:
		return o + sprintf(o, "%lld", (long long)(random_next(r) % 2000000000000000000u) - 999999999999999999);
	case 3:
		return random_hex(r, o, 16, 1u << 30);
	case 4:
		return random_hex(r, o, 32, 1u << 30);
	case 5:
		return random_stamp(r, o, 0);
	case 6:
		return o + sprintf(o, "f-%u", random_below(r, 1024)); /* as many as a dictionary holds */
	case 7:
		return o + sprintf(o, "f-%u", random_below(r, 1200));
	case 8:
		return o + sprintf(o, "%u.%u%s", random_below(r, 1000), i, i % 3 ? "ms" : "\xc2\xb5s");
	case 9:
		return o + random_below(r, 300); /* lengths beyond a byte */
	case 10:
		return i == 8000 ? o + 70000 : o + i % 3; /* ... and beyond two */
	case 11:
		return random_below(r, 9) ? random_hex(r, o, 32, 1u << 30) : o + sprintf(o, "InvokerCPUQueue-%u", i);
	default:
		return random_value(r, o);
	}
}

static void full_segments(void **state)
{
	static char value[80000];
	struct random_lines r = {3, 0, 0};

	(void)state;
	memset(value, 'v', sizeof value);
	for (unsigned sort = 0; sort < 13; sort++) {
		struct slot_values c = {0};

		for (unsigned i = 0; i < 2 * SEGMENT_ROWS + 5; i++)
			assert_int_equal(column_add(&c, value, (size_t)(one_value(&r, sort, i, value) - value)), 0);
		column_check(&c, 0, SEGMENT_ROWS, 0);
		column_check(&c, SEGMENT_ROWS, SEGMENT_ROWS, 0);
		column_check(&c, 2 * SEGMENT_ROWS, 5, 0);
		column_check(&c, 77, SEGMENT_ROWS - 1, 0);
		column_clear(&c);
		assert_int_equal(column_add(&c, "again", 5), 0);
		column_check(&c, 0, 1, ONE);
		column_free(&c);
	}
}

/* What is long is not copied: it belongs behind what is written. */
static void long_values(void **state)
{
	struct slot_values c = {0};
	char *value = malloc(COLUMN_LENT);
	struct bytes out = {0};
	struct slice lent;

	(void)state;
	memset(value, 'x', COLUMN_LENT);
	assert_int_equal(column_add(&c, value, COLUMN_LENT), 0);
	assert_int_equal(column_add(&c, "y", 1), 0);
	assert_int_equal(column_add(&c, "z", 1), 0);
	column_write(&c, 0, 1, &out, &lent);
	assert_ptr_equal(lent.ptr, c.text.ptr);
	assert_int_equal(lent.len, COLUMN_LENT);
	assert_true(out.len < 16);
	column_write(&c, 0, 3, &out, &lent);
	assert_int_equal(lent.len, COLUMN_LENT + 2);
	column_write(&c, 1, 2, &out, &lent);
	assert_null(lent.ptr);
	column_check(&c, 0, 1, ONE);
	column_check(&c, 0, 3, TEXT);
	column_check(&c, 1, 2, TEXT);
	column_free(&c);
	bytes_free(&out);
	free(value);
}

/* ---- numbers of rows ---- */

static void numbers(void **state)
{
	static const int64_t edges[] = {0,         1,         -1,        255,       256,           65535,        65536,
	                                INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1};
	int64_t v[64], back[64];
	uint16_t w[64], small_back[64];
	struct random_lines r = {9, 0, 0};

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t n = 1 + random_below(&r, 64);
		unsigned kind = random_below(&r, 4), shift = random_below(&r, 64);
		struct bytes out = {0};
		struct peek in;

		for (uint32_t i = 0; i < n; i++) {
			v[i] = kind == 0   ? PICK(&r, edges)
			       : kind == 1 ? (int64_t)(random_next(&r) >> shift)
			       : kind == 2 ? (int64_t)i * 1000
			                   : 5;
			w[i] = (uint16_t)(kind == 0   ? (unsigned)v[i]
			                  : kind == 1 ? random_below(&r, 256)
			                  : kind == 2 ? 0xffff
			                              : i * 300);
		}
		numbers_write(v, n, &out);
		small_write(w, n, &out);
		in = (struct peek){(unsigned char *)out.ptr, (unsigned char *)out.ptr + out.len, false};
		assert_int_equal(numbers_read(&in, n, back), 0);
		assert_int_equal(small_read(&in, n, small_back), 0);
		assert_true(in.p == in.end);
		assert_memory_equal(v, back, n * sizeof *v);
		assert_memory_equal(w, small_back, n * sizeof *w);
		bytes_free(&out);
	}
}

/* ---- damage ---- */

static void damaged(void **state)
{
	struct random_lines r = {21, 0, 0};

	(void)state;
	for (unsigned round = 0; round < 6000; round++) {
		char value[200], buf[SEGMENT_TEXT];
		struct slot_values c = {0};
		struct bytes out = {0};
		unsigned sort = round % 9, n = 1 + random_below(&r, 60);
		unsigned char *copy;
		struct segment s;
		struct peek in;
		size_t len;
		int rc;

		for (unsigned i = 0; i < n; i++)
			column_add(&c, value, (size_t)(one_value(&r, sort, sort == 6 ? i % 4 : i, value) - value));
		write_whole(&c, 0, n, &out);
		len = round % 2 ? out.len : random_below(&r, (unsigned)out.len);
		copy = malloc(len + !len); /* of its own size: a sanitizer sees what is read behind it */
		memcpy(copy, out.ptr, len);
		for (unsigned k = random_below(&r, 4); len && k; k--)
			copy[random_below(&r, (unsigned)len) % (round % 3 ? len : 12)] =
			    (unsigned char)random_below(&r, 256);
		in = (struct peek){copy, copy + len, false};
		rc = segment_read(&in, &s);
		assert_true(rc == 0 || rc == -EBADMSG);
		for (uint32_t i = 0; !rc && i < s.n; i++) {
			struct slice got = segment_get(&s, i, buf);
			unsigned sum = 0;

			for (size_t k = 0; k < got.len; k++)
				sum += (unsigned char)got.ptr[k];
			assert_true(sum < 1u << 30);
		}
		if (!rc)
			segment_free(&s);
		free(copy);
		bytes_free(&out);
		column_free(&c);
	}
}

static void peeking(void **state)
{
	const unsigned char data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct peek k = {data, data + sizeof data, false};

	(void)state;
	assert_int_equal(peek_u8(&k), 1);
	assert_int_equal(peek_u16(&k), 0x0302);
	assert_int_equal(peek_u32(&k), 0x07060504);
	assert_int_equal(peek_u32(&k), 0);
	assert_true(k.bad);
	assert_int_equal(peek_u8(&k), 0);
	assert_null(peek_bytes(&k, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(encodings), cmocka_unit_test(full_segments), cmocka_unit_test(numbers),
	    cmocka_unit_test(damaged),   cmocka_unit_test(peeking),       cmocka_unit_test(long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
