/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base_text_test.c - texts that grow, bytes and numbers written and read, JSON text. */
#include "base/bytes.h"
#include "base/jsontext.h"
#include "base/scan.h"
#include "base/sha256.h"
#include "base/text.h"
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof *(a))

/* Of FIPS 180-4's examples, and of lengths around a block's end as sha256sum has them. */
static void a_text_has_its_sum(void **state)
{
	static const struct {
		const char *text, *base64;
	} rows[] = {
	    {"", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
	    {"abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	     "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE="},
	};
	char out[SHA256_BASE64], text[121];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		sha256_base64(rows[i].text, strlen(rows[i].text), out);
		assert_string_equal(out, rows[i].base64);
	}
	memset(text, 'a', sizeof text);
	sha256_base64(text, 55, out);
	assert_string_equal(out, "n0OQ+NMMLdkuyfCVtl4rmumwqSWlJY4kHJ8ekQ9zQxg=");
	sha256_base64(text, 64, out);
	assert_string_equal(out, "/+BU/nrgy23GXDr5th1SCfQ5hR20PQulmXM33xVGaOs=");
	sha256_base64(text, 119, out);
	assert_string_equal(out, "MeulHDE6XAgiat8Y1KNZz9/Y0ugWsT9K+VL36mWE3Ps=");
}

static void a_text_grows(void **state)
{
	struct text t = {0};

	(void)state;
	assert_string_equal(text_str(&t), "");
	for (int i = 0; i < 1000; i++)
		text_printf(&t, "%03d,", i);
	assert_int_equal(t.len, 4000);
	assert_memory_equal(t.ptr + 4 * 777, "777,", 4);
	assert_int_equal(strlen(t.ptr), 4000);
	text_reset(&t);
	assert_string_equal(text_str(&t), "");
	text_puts(&t, "ab");
	text_add(&t, "c\0d", 3);
	assert_int_equal(t.len, 5);
	assert_memory_equal(t.ptr, "abc\0d", 6);
	text_add(&t, NULL, 0);
	assert_false(t.failed);
	text_done(&t);
}

static void a_text_that_failed_is_empty_and_stays_so(void **state)
{
	struct text t = {0};

	(void)state;
	text_puts(&t, "something");
	text_add(&t, "x", SIZE_MAX - 4);
	assert_true(t.failed);
	assert_string_equal(text_str(&t), "");
	text_puts(&t, "more");
	assert_string_equal(text_str(&t), "");
	text_done(&t);
	assert_false(t.failed);
}

static void numbers_come_back_from_bytes(void **state)
{
	struct bytes b = {0};
	struct peek p;

	(void)state;
	bytes_u8(&b, 0xab);
	bytes_u16(&b, 0xabcd);
	bytes_u32(&b, 0x89abcdef);
	bytes_u64(&b, 0x0123456789abcdef);
	bytes_add(&b, "tail", 4);
	assert_memory_equal(b.ptr, "\xab\xcd\xab\xef\xcd\xab\x89\xef\xcd\xab\x89\x67\x45\x23\x01tail", 19);
	p = (struct peek){(const unsigned char *)b.ptr, (const unsigned char *)b.ptr + b.len, false};
	assert_int_equal(peek_u8(&p), 0xab);
	assert_int_equal(peek_u16(&p), 0xabcd);
	assert_int_equal(peek_u32(&p), 0x89abcdef);
	assert_int_equal(peek_u64(&p), 0x0123456789abcdef);
	assert_memory_equal(peek_bytes(&p, 4), "tail", 4);
	assert_false(p.bad);
	assert_int_equal(peek_u8(&p), 0);
	assert_true(p.bad);
	bytes_free(&b);
}

static void bytes_remember_a_failure(void **state)
{
	struct bytes b = {0};

	(void)state;
	bytes_u8(&b, 1);
	bytes_add(&b, "x", SIZE_MAX - 4);
	assert_true(b.failed);
	bytes_u8(&b, 2);
	assert_int_equal(b.len, 1);
	bytes_free(&b);
}

static void numbers_of_seven_bits_a_byte_come_back(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
	unsigned char buf[VARINT_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(values); i++) {
		unsigned n = varint_put(buf, values[i]);
		struct peek p = {buf, buf + n, false}, cut = {buf, buf + n - 1, false};

		assert_true(peek_varint(&p, 64) == values[i]);
		assert_true(!p.bad && p.p == p.end);
		peek_varint(&cut, 64);
		assert_true(cut.bad);
	}
	/* More bits than asked for. */
	struct peek p = {buf, buf + varint_put(buf, 1u << 21), false};

	peek_varint(&p, 21);
	assert_true(p.bad);
}

/* The slack behind a text may be looked at. */
static struct slice padded(char *buf, const char *text)
{
	size_t n = strlen(text);

	memset(buf, 0, 512);
	memcpy(buf, text, n);
	return (struct slice){buf, n};
}

static void members_are_walked_in_order(void **state)
{
	char buf[512];
	struct slice text = padded(buf, " {\"a\" : 1, \"b\":[1,{\"x\":2}] ,\"c\":\"q\\\"uote\"} "), key;
	static const struct {
		const char *key, *value;
		enum json_kind kind;
	} want[] = {{"a", "1", JSON_TEXT_SCALAR},
	            {"b", "[1,{\"x\":2}]", JSON_TEXT_ARRAY},
	            {"c", "q\\\"uote", JSON_TEXT_STRING}};
	struct json_value v;
	struct json_walk w;

	(void)state;
	assert_int_equal(jsontext_enter(&w, text), 0);
	assert_true(w.object);
	for (size_t i = 0; i < LEN(want); i++) {
		assert_int_equal(jsontext_next(&w, &key, &v), 1);
		assert_true(slice_is(key, want[i].key) && slice_is(v.text, want[i].value));
		assert_int_equal(v.kind, want[i].kind);
	}
	assert_int_equal(jsontext_next(&w, &key, &v), 0);
}

static void what_is_no_json_is_said(void **state)
{
	static const char *const texts[] = {"{\"a\":}",   "{\"a\" 1}",       "{a:1}",   "[1 2]",    "[1,]",
	                                    "{\"a\":1,}", "[\"no end of it", "[truth]", "{\"a\":1", "["};
	char buf[512];

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		struct slice key;
		struct json_value v;
		struct json_walk w;
		int rc = jsontext_enter(&w, padded(buf, texts[i]));

		while (!rc && (rc = jsontext_next(&w, &key, &v)) == 1)
			rc = 0;
		if (rc != -EBADMSG)
			fail_msg("%s: %d", texts[i], rc);
	}
	struct json_walk w;

	assert_int_equal(jsontext_enter(&w, padded(buf, "12")), -EBADMSG);
	assert_int_equal(jsontext_enter(&w, padded(buf, "  ")), -EBADMSG);
}

static void a_member_is_found_by_its_path(void **state)
{
	char buf[512];
	struct slice text = padded(buf, "{\"queues\":{\"CPU\":{\"len\":12},\"GPU\":[]},\"n\":-2.5,\"s\":\"3\"}");
	int64_t n = 99;

	(void)state;
	assert_true(jsontext_integer(jsontext_at(text, "queues.CPU.len"), &n));
	assert_int_equal(n, 12);
	assert_int_equal(jsontext_at(text, "queues.GPU").kind, JSON_TEXT_ARRAY);
	assert_int_equal(jsontext_at(text, "queues.GPU.len").kind, JSON_TEXT_NONE);
	assert_int_equal(jsontext_at(text, "queues.TPU").kind, JSON_TEXT_NONE);
	assert_true(jsontext_real(jsontext_at(text, "n")) == -2.5);
	assert_true(isnan(jsontext_real(jsontext_at(text, "s")))); /* a string is no number */
	assert_false(jsontext_integer(jsontext_at(text, "n"), &n));
	assert_int_equal(n, 12);
}

/* What is read by hand is what strtod makes of it, to the bit. */
static void short_decimals_are_read_exactly(void **state)
{
	static const char *const same[] = {
	    "0", "-0", "7", "-2.5", "0.1", "87.50", "0.000", "0.1234567890", "123456789012345", "-1.10000000000001"};
	static const char *const none[] = {"", "-", ".", ".5", "5.", "1.2.3", "1e3", "+1", "1 ", "1234567890123456"};
	double d;

	(void)state;
	for (size_t i = 0; i < LEN(same); i++) {
		double want = strtod(same[i], NULL);

		assert_true(jsontext_decimal((struct slice){same[i], strlen(same[i])}, &d));
		assert_memory_equal(&d, &want, sizeof d);
	}
	for (int i = 0; i < 100000; i++) {
		char text[32];
		double want;

		snprintf(text, sizeof text, "%d.%06d", (int)(i * INT64_C(7919) % 100003),
		         (int)(i * INT64_C(104729) % 1000000));
		want = strtod(text, NULL);
		assert_true(jsontext_decimal((struct slice){text, strlen(text)}, &d));
		assert_memory_equal(&d, &want, sizeof d);
	}
	for (size_t i = 0; i < LEN(none); i++)
		assert_false(jsontext_decimal((struct slice){none[i], strlen(none[i])}, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_text_grows),
	    cmocka_unit_test(a_text_has_its_sum),
	    cmocka_unit_test(a_text_that_failed_is_empty_and_stays_so),
	    cmocka_unit_test(numbers_come_back_from_bytes),
	    cmocka_unit_test(bytes_remember_a_failure),
	    cmocka_unit_test(numbers_of_seven_bits_a_byte_come_back),
	    cmocka_unit_test(members_are_walked_in_order),
	    cmocka_unit_test(what_is_no_json_is_said),
	    cmocka_unit_test(a_member_is_found_by_its_path),
	    cmocka_unit_test(short_decimals_are_read_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
