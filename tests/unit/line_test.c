/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is a line and what is none, and why not; what its parts say. After JSONTestSuite's idea, with rows of our own.
 */
#include "ingest/line.h"
#include "base/scan.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define T              "{\"timestamp\":\"2026-11-23 00:51:54.1\""
#define FIELDS(inside) T ",\"fields\":{" inside "}}"

struct parsed {
	struct line l;
	enum line_verdict verdict;
	char *text;
};

/* The line in a buffer of its own size and slack, which a sanitizer watches. */
static void parse(struct parsed *p, const char *text, size_t len)
{
	p->text = malloc(len + SCAN_SLACK);
	memcpy(p->text, text, len);
	memset(p->text + len, 0, SCAN_SLACK);
	line_init(&p->l);
	assert_int_equal(line_parse(&p->l, p->text, len, &p->verdict), 0);
}

static void parsed_done(struct parsed *p)
{
	line_done(&p->l);
	free(p->text);
}

static const char *show(struct slice s)
{
	static char buf[4][200];
	static unsigned next;
	char *b = buf[next++ % 4];

	snprintf(b, sizeof buf[0], s.ptr ? "%.*s" : "(none)", (int)s.len, s.ptr);
	return b;
}

/* ---- values: each as a field, at the top, in a list and in an object ---- */

static const struct {
	const char *text;
	bool good;
} values[] = {
    {"0", true},
    {"-0", true},
    {"1", true},
    {"-1", true},
    {"10", true},
    {"18446744073709551615", true},
    {"9223372036854775807", true},
    {"-9223372036854775808", true},
    {"123456789012345678901234567890", true},
    {"0.0", true},
    {"-0.0", true},
    {"1.5", true},
    {"1e5", true},
    {"1E5", true},
    {"1e+5", true},
    {"1e-5", true},
    {"1.5e5", true},
    {"0e0", true},
    {"1e400", true},
    {"1e-400", true},
    {"0.1000000000000000055511151231257827", true},
    {"2.0", true},
    {"true", true},
    {"false", true},
    {"null", true},
    {"", false},
    {"+1", false},
    {"01", false},
    {"-01", false},
    {"-", false},
    {"--1", false},
    {".5", false},
    {"5.", false},
    {"-.5", false},
    {"1.e5", false},
    {"1e", false},
    {"1e+", false},
    {"1e5.0", false},
    {"1.2.3", false},
    {"0x10", false},
    {"1_000", false},
    {"1,000", false},
    {"NaN", false},
    {"Infinity", false},
    {"-Infinity", false},
    {"nan", false},
    {"inf", false},
    {"1 2", false},
    {"1a", false},
    {"True", false},
    {"tru", false},
    {"truex", false},
    {"nul", false},
    {"nulll", false},
    {"undefined", false},
    {"\xef\xbc\x91", false},
    {"\"\"", true},
    {"\"a\"", true},
    {"\"\\\"\"", true},
    {"\"\\\\\"", true},
    {"\"\\/\"", true},
    {"\"/\"", true},
    {"\"\\b\\f\\n\\r\\t\"", true},
    {"\"\\u0000\"", true},
    {"\"\\u001b\"", true},
    {"\"\\uABCD\"", true},
    {"\"\\uabcd\"", true},
    {"\"\\ud83d\\ude00\"", true},
    {"\"\\ud83d\"", true},
    {"\"\\ude00\"", true},
    {"\"\x7f\"", true},
    {"\"\xc2\xb5s\"", true},
    {"\"\xf0\x9f\x98\x80\"", true},
    {"\"\xe2\x80\xa8\"", true},
    {"\"{}[],:\"", true},
    {"\" \"", true},
    {"\"", false},
    {"\"a", false},
    {"\"\\\"", false},
    {"\"\\a\"", false},
    {"\"\\0\"", false},
    {"\"\\x41\"", false},
    {"\"\\'\"", false},
    {"\"\\u\"", false},
    {"\"\\u00\"", false},
    {"\"\\u000\"", false},
    {"\"\\u00g0\"", false},
    {"\"\\U0041\"", false},
    {"\"\\ u0041\"", false},
    {"\"a\tb\"", false},
    {"\"a\x01z\"", false},
    {"\"a\x1f\"", false},
    {"\"a\rb\"", false},
    {"'a'", false},
    {"a", false},
    {"\"a\"b\"", false},
    {"\"\\", false},
    {"[]", true},
    {"[ ]", true},
    {"[1]", true},
    {"[1,2]", true},
    {"[ 1 , 2 ]", true},
    {"[[]]", true},
    {"[[],{}]", true},
    {"[\"a\",null,1.5]", true},
    {"[", false},
    {"]", false},
    {"[1", false},
    {"[1,", false},
    {"[1,]", false},
    {"[,1]", false},
    {"[,]", false},
    {"[1 2]", false},
    {"[1}", false},
    {"[1,,2]", false},
    {"[1:2]", false},
    {"[]]", false},
    {"[[]", false},
    {"[a]", false},
    {"[\"a]", false},
    {"{}", true},
    {"{ }", true},
    {"{\"a\":1}", true},
    {"{ \"a\" : 1 , \"b\" : 2 }", true},
    {"{\"a\":1,\"a\":2}", true},
    {"{\"\":{}}", true},
    {"{\"a\":{\"b\":[{\"c\":null}]}}", true},
    {"{\"\\u0061\":1}", true},
    {"{", false},
    {"}", false},
    {"{\"a\"}", false},
    {"{\"a\":}", false},
    {"{\"a\":1", false},
    {"{\"a\":1,}", false},
    {"{,}", false},
    {"{:1}", false},
    {"{a:1}", false},
    {"{1:1}", false},
    {"{\"a\" 1}", false},
    {"{\"a\"::1}", false},
    {"{\"a\":1]", false},
    {"{\"a\",1}", false},
    {"{'a':1}", false},
    {"{\"a\":1 \"b\":2}", false},
    {"{\"a\\x\":1}", false},
    {"{\"a\t\":1}", false},
    {"/**/1", false},
    {"1//", false},
    {"1#", false},
};

static void value_rows(void **state)
{
	static const char *const places[] = {
	    FIELDS("\"v\":%s"),
	    FIELDS("\"message\":\"m\",\"v\":%s,\"w\":0"),
	    T ",\"v\":%s}",
	    "{\"v\":%s,\"timestamp\":\"2026-11-23T00:00:00Z\"}",
	    FIELDS("\"v\":[0,%s]"),
	    FIELDS("\"v\":{\"w\":%s}"),
	    T ",\"span\":{\"v\":%s}}",
	    T ",\"spans\":[{\"v\":%s}]}",
	    T ",\"threadId\":%s}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
			struct parsed p;
			char text[400];
			size_t len = (size_t)snprintf(text, sizeof text, places[k], values[i].text);

			parse(&p, text, len);
			if (p.verdict != (values[i].good ? LINE_OK : LINE_REJECTED))
				fail_msg("%s: verdict %d (%s)", text, p.verdict, p.l.reason ? p.l.reason : "");
			parsed_done(&p);
		}
}

/* ---- whole lines ---- */

static const struct {
	const char *text;
	enum line_verdict verdict;
	const char *reason;
} lines[] = {
    {T "}", LINE_OK, NULL},
    {T ",\"fields\":{}}", LINE_OK, NULL},
    {T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\"},\"target\":\"a::b\"}", LINE_OK, NULL},
    {" \t{ \"timestamp\" : \"2026-11-23 00:51:54.1\" , \"fields\" : { } } \t", LINE_OK, NULL},
    {T "}\r", LINE_OK, NULL},
    {"\xef\xbb\xbf" T "}", LINE_OK, NULL},
    {"\xef\xbb\xbf\xef\xbb\xbf" T "}", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"{\"timestamp\":\"2026-11-23T00:51:54Z\"}", LINE_OK, NULL},
    {"{\"timestamp\":\"2026-11-23t00:51:54.5+04:00\"}", LINE_OK, NULL},
    {"{\"fields\":{\"message\":\"m\"},\"level\":\"INFO\",\"timestamp\":\"2026-11-23 00:51:54.1\"}", LINE_OK, NULL},
    {FIELDS("\"a\":1,\"a\":2,\"a\":\"x\""), LINE_OK, NULL},
    {T ",\"timestamp\":\"no time\"}", LINE_OK, NULL},
    {T ",\"fields\":{\"a\":1},\"fields\":{\"b\":1},\"fields\":3}", LINE_OK, NULL},
    {T ",\"fields\":\"none\",\"span\":3,\"spans\":null}", LINE_OK, NULL},
    {T ",\"fields\":[],\"span\":[],\"spans\":{}}", LINE_OK, NULL},
    {T ",\"spans\":[]}", LINE_OK, NULL},
    {T ",\"spans\":[ ]}", LINE_OK, NULL},
    {T ",\"spans\":[{},{}]}", LINE_OK, NULL},
    {T ",\"spans\":[null]}", LINE_OK, NULL},
    {T ",\"spans\":[{\"name\":\"a\"},\"b\"]}", LINE_OK, NULL},
    {T ",\"spans\":[[{\"name\":\"a\"}]]}", LINE_OK, NULL},
    {T ",\"spans\":[{},]}", LINE_REJECTED, "not JSON"},
    {T ",\"spans\":[{}}", LINE_REJECTED, "not JSON: a comma is expected"},
    {T ",\"spans\":[", LINE_REJECTED, "cut short"},
    {"", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"{}", LINE_REJECTED, "an empty object"},
    {"[]", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"null", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"hello world", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"2026-11-23 INFO hello", LINE_REJECTED, "not JSON: the line does not start with {"},
    {"\x28\xb5\x2f\xfd", LINE_REJECTED, "not JSON: the line does not start with {"},
    {T "", LINE_REJECTED, "cut short"},
    {T ",", LINE_REJECTED, "cut short"},
    {T ",\"fields\"", LINE_REJECTED, "cut short"},
    {T ",\"fields\":", LINE_REJECTED, "cut short"},
    {T ",\"fields\":{", LINE_REJECTED, "cut short"},
    {T ",\"fields\":{\"a\":1", LINE_REJECTED, "cut short"},
    {T ",\"fields\":{\"a\":1}", LINE_REJECTED, "cut short"},
    {T ",\"fi", LINE_REJECTED, "bad key: no end, a control character or an unknown escape"},
    {T ",\"a\":\"b", LINE_REJECTED, "bad string: no end, a control character or an unknown escape"},
    {T ",\"a\":tru", LINE_REJECTED, "not JSON: a value is expected"},
    {T ",}", LINE_REJECTED, "not JSON: a key is expected"},
    {T ",,\"a\":1}", LINE_REJECTED, "not JSON: a key is expected"},
    {T ";\"a\":1}", LINE_REJECTED, "not JSON: a comma is expected"},
    {T ",\"a\";1}", LINE_REJECTED, "not JSON: a colon is expected"},
    {T "}}", LINE_REJECTED, "text behind the JSON object"},
    {T "} x", LINE_REJECTED, "text behind the JSON object"},
    {T "}" T "}", LINE_REJECTED, "text behind the JSON object"},
    {"{\"level\":\"INFO\",\"fields\":{\"message\":\"m\"}}", LINE_REJECTED, "no timestamp"},
    {"{\"timestamp\":1700000000,\"fields\":{}}", LINE_REJECTED, "no timestamp"},
    {"{\"timestamp\":null}", LINE_REJECTED, "no timestamp"},
    {"{\"Timestamp\":\"2026-11-23 00:51:54.1\"}", LINE_REJECTED, "no timestamp"},
    {"{\"fields\":{\"timestamp\":\"2026-11-23 00:51:54.1\"}}", LINE_REJECTED, "no timestamp"},
    {"{\"timestamp\":\"\"}", LINE_REJECTED, "the timestamp is not understood"},
    {"{\"timestamp\":\"yesterday\"}", LINE_REJECTED, "the timestamp is not understood"},
    {"{\"timestamp\":\"2026-13-23 00:51:54.1\"}", LINE_REJECTED, "the timestamp is not understood"},
    {"{\"timestamp\":\"3026-11-23 00:51:54.1\"}", LINE_REJECTED, "the timestamp is not understood"},
    /* one bracket too many behind fields: tracing#1627 */
    {T ",\"fields\":{\"a\":1}},\"target\":\"t\"}", LINE_REPAIRED, "extra bracket after fields"},
    {T ",\"fields\":{}},\"target\":\"t\",\"span\":{\"name\":\"s\"}}", LINE_REPAIRED, "extra bracket after fields"},
    {T ",\"fields\":{\"a\":1}},\"target\":\"t\"", LINE_REJECTED, "text behind the JSON object"},
    {T ",\"fields\":{\"a\":1}}},\"target\":\"t\"}", LINE_REJECTED, "text behind the JSON object"},
    {FIELDS("\"message\":\"\xff\""), LINE_REPAIRED, "invalid UTF-8"},
    {FIELDS("\"message\":\"\xc3\""), LINE_REPAIRED, "invalid UTF-8"},
    {FIELDS("\"message\":\"\xed\xa0\x80\""), LINE_REPAIRED, "invalid UTF-8"},
    {FIELDS("\"\xc0\xaf\":1"), LINE_REPAIRED, "invalid UTF-8"},
    {FIELDS("\"a\":[{\"b\":\"\xf5\"}]"), LINE_REPAIRED, "invalid UTF-8"},
    {T ",\"spans\":[{\"name\":\"\x80\"}]}", LINE_REPAIRED, "invalid UTF-8"},
    {"\x80" T "}", LINE_REJECTED, "not JSON: the line does not start with {"},
    /* logrus: JSON, and the text form */
    {"{\"level\":\"info\",\"msg\":\"starting\",\"time\":\"2026-11-23T00:51:54.19Z\"}", LINE_OK, NULL},
    /* logfmt is a format like others (record.h), and no event line */
    {"time=\"2026-11-23T00:51:54Z\" level=info msg=\"m\"", LINE_REJECTED, "not JSON: the line does not start with {"},
};

static void line_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct parsed p;

		parse(&p, lines[i].text, strlen(lines[i].text));
		if (p.verdict != lines[i].verdict)
			fail_msg("%s: verdict %d (%s), not %d", lines[i].text, p.verdict, p.l.reason ? p.l.reason : "",
			         lines[i].verdict);
		if (lines[i].reason && strcmp(p.l.reason, lines[i].reason))
			fail_msg("%s: \"%s\", not \"%s\"", lines[i].text, p.l.reason, lines[i].reason);
		parsed_done(&p);
	}
}

/* Every prefix of a good line is rejected, and no NUL or other control character is overlooked. */
static void damaged_anywhere(void **state)
{
	static const char good[] = T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"n\":-1.5e3,\"o\":{\"l\":[1,"
	                             "\"\\u00e9\",null]}},\"target\":\"t\","
	                             "\"span\":{\"name\":\"s\",\"tid\":\"x\"},\"spans\":[{\"name\":\"r\",\"b\":true},{"
	                             "\"name\":\"s\"}],\"threadId\":\"ThreadId(1)\"}";
	char text[sizeof good];

	(void)state;
	for (size_t len = 0; len <= sizeof good - 1; len++) {
		struct parsed p;

		parse(&p, good, len);
		if (p.verdict != (len == sizeof good - 1 ? LINE_OK : LINE_REJECTED))
			fail_msg("the first %zu bytes: verdict %d", len, p.verdict);
		parsed_done(&p);
	}
	for (size_t at = 0; at < sizeof good - 1; at++)
		for (int c = 0; c < 0x20; c++) {
			struct parsed p;

			if (c == '\t' || c == '\r' || c == '\n')
				continue;
			memcpy(text, good, sizeof good);
			text[at] = (char)c;
			parse(&p, text, sizeof good - 1);
			if (p.verdict != LINE_REJECTED)
				fail_msg("byte %d at %zu: verdict %d", c, at, p.verdict);
			parsed_done(&p);
		}
}

/* ---- limits ---- */

static void depth(void **state)
{
	(void)state;
	for (int n = 126; n <= 130; n++)
		for (int object = 0; object < 2; object++) {
			char text[2000] = T ",\"a\":", *o = text + strlen(text);
			struct parsed p;

			for (int i = 0; i < n; i++)
				o = stpcpy(o, object ? "{\"b\":" : "[");
			o = stpcpy(o, "1");
			for (int i = 0; i < n; i++)
				*o++ = object ? '}' : ']';
			*o++ = '}';
			parse(&p, text, (size_t)(o - text));
			assert_int_equal(p.verdict, n <= 128 ? LINE_OK : LINE_REJECTED);
			if (n > 128)
				assert_string_equal(p.l.reason, "nested deeper than 128");
			parsed_done(&p);
		}
}

/* Keys of fields, of the top level, of a span, of the list of spans: 4,096 with the timestamp. */
static void keys(void **state)
{
	static const char *const start[] = {T ",\"fields\":{", T ",", T ",\"span\":{", T ",\"spans\":["},
	                         *const end[] = {"}}", "}", "}}", "]}"};
	char *text = malloc(100000);

	(void)state;
	for (int where = 0; where < 4; where++)
		for (int n = 4095; n <= 4097; n++) {
			char *o = stpcpy(text, start[where]);
			struct parsed p;

			for (int i = 1; i < n; i++)
				o += sprintf(o, where == 3 ? "%s{\"k%d\":%d}" : "%s\"k%d\":%d", i > 1 ? "," : "", i, i);
			o = stpcpy(o, end[where]);
			parse(&p, text, (size_t)(o - text));
			if (p.verdict != (n <= 4096 ? LINE_OK : LINE_REJECTED))
				fail_msg("%d keys, %s: verdict %d", n, start[where], p.verdict);
			if (n > 4096)
				assert_string_equal(p.l.reason, "more than 4096 keys");
			parsed_done(&p);
		}
	free(text);
}

static void a_million_brackets(void **state)
{
	char *text = malloc(1000000);
	struct parsed p;

	(void)state;
	memset(text, '[', 1000000);
	parse(&p, text, 1000000);
	assert_int_equal(p.verdict, LINE_REJECTED);
	parsed_done(&p);
	memcpy(text, T ",\"a\":", sizeof T + 5);
	memset(text + sizeof T + 4, '[', 1000000 - sizeof T - 4);
	parse(&p, text, 1000000);
	assert_int_equal(p.verdict, LINE_REJECTED);
	assert_string_equal(p.l.reason, "nested deeper than 128");
	parsed_done(&p);
	free(text);
}

static void too_long(void **state)
{
	size_t len = LINE_MAX_BYTES + 1, head = sizeof T ",\"a\":\"" - 1;
	char *text = malloc(len);
	struct parsed p;

	(void)state;
	memset(text, 'x', len);
	memcpy(text, T ",\"a\":\"", head);
	memcpy(text + len - 2, "\"}", 2);
	parse(&p, text, len);
	assert_int_equal(p.verdict, LINE_REJECTED);
	assert_string_equal(p.l.reason, "line longer than 64 MiB");
	parsed_done(&p);
	memcpy(text + len - 3, "\"}", 2);
	parse(&p, text, len - 1);
	assert_int_equal(p.verdict, LINE_OK);
	parsed_done(&p);
	free(text);
}

/* ---- what a line says ---- */

static const struct {
	const char *text, *level, *target, *message, *tid;
} meanings[] = {
    {T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"a\"},\"target\":\"t::u\"}", "INFO", "t::u", "m",
     "a"},
    {T ",\"level\":\"WARN\",\"fields\":{\"msg\":\"no message\",\"tid\":\"a\"},\"target\":\"t\"}", "WARN", "t", NULL,
     "a"},
    {FIELDS("\"message\":\"first\",\"message\":\"second\",\"tid\":\"a\",\"tid\":\"b\""), NULL, NULL, "first", "a"},
    {FIELDS("\"message\":5"), NULL, NULL, "5", NULL},
    {FIELDS("\"message\":\"say \\\"hi\\\"\""), NULL, NULL, "say \\\"hi\\\"", NULL},
    /* flattened: fields at the top, which may repeat what stands there */
    {T ",\"level\":\"INFO\",\"message\":\"flat\",\"tid\":\"x\",\"level\":\"shadow\",\"target\":\"t\"}", "INFO", "t",
     "flat", "x"},
    {T ",\"level\":\"INFO\",\"message\":\"flat\",\"tid\":\"x\",\"target\":\"t\",\"span\":{\"tid\":\"y\"},\"spans\":[{"
       "\"tid\":\"z\"}]}",
     "INFO", "t", "flat", "x"},
    /* tid: of fields, of span, of the innermost of spans */
    {T ",\"fields\":{\"tid\":\"f\"},\"span\":{\"tid\":\"s\"},\"spans\":[{\"tid\":\"r\"}]}", NULL, NULL, NULL, "f"},
    {T ",\"fields\":{\"a\":1},\"span\":{\"tid\":\"s\"},\"spans\":[{\"tid\":\"r\"}]}", NULL, NULL, NULL, "s"},
    {T ",\"fields\":{},\"span\":{\"name\":\"s\"},\"spans\":[{\"tid\":\"r\"},{\"tid\":\"q\"}]}", NULL, NULL, NULL, "q"},
    {T ",\"fields\":{},\"span\":{\"name\":\"s\"},\"spans\":[{\"tid\":\"r\"},{\"name\":\"s\"}]}", NULL, NULL, NULL, "r"},
    {T ",\"fields\":{},\"spans\":[{\"tid\":\"r\"},{\"tid\":\"q\"}],\"span\":{\"tid\":\"s\"}}", NULL, NULL, NULL, "s"},
    {T ",\"span\":{\"tid\":\"s\"},\"fields\":{\"tid\":\"f\"}}", NULL, NULL, NULL, "f"},
    /* an empty id is none */
    {T ",\"fields\":{\"tid\":\"\"}}", NULL, NULL, NULL, NULL},
    {T ",\"fields\":{\"tid\":\"\"},\"span\":{\"tid\":\"s\"}}", NULL, NULL, NULL, "s"},
    {T ",\"fields\":{},\"span\":{\"tid\":\"\"},\"spans\":[{\"tid\":\"r\"},{\"tid\":\"\"}]}", NULL, NULL, NULL, "r"},
    {T ",\"fields\":{\"tid\":7},\"span\":{\"tid\":null},\"spans\":[{\"tid\":{\"tid\":\"x\"}}]}", NULL, NULL, NULL,
     NULL},
    {T ",\"fields\":{\"o\":{\"tid\":\"x\"}}}", NULL, NULL, NULL, NULL},
    /* any order of keys */
    {"{\"fields\":{\"message\":\"m\",\"tid\":\"a\"},\"level\":\"INFO\",\"span\":{\"name\":\"s\"},\"target\":\"t\","
     "\"timestamp\":\"2026-11-23 00:51:54.1\"}",
     "INFO", "t", "m", "a"},
    {"{\"level\":\"info\",\"msg\":\"starting\",\"time\":\"2026-11-23T00:51:54.1Z\",\"n\":1}", "info", NULL, "starting",
     NULL},
};

static void check_slice(const char *text, const char *what, struct slice got, const char *want)
{
	if (want ? !slice_is(got, want) : got.ptr != NULL)
		fail_msg("%s: %s is %s, not %s", text, what, show(got), want ? want : "(none)");
}

static void meaning_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		const char *text = meanings[i].text;
		struct parsed p;

		parse(&p, text, strlen(text));
		if (p.verdict != LINE_OK)
			fail_msg("%s: %s", text, p.l.reason);
		check_slice(text, "level", p.l.level, meanings[i].level);
		check_slice(text, "target", p.l.target, meanings[i].target);
		check_slice(text, "message", p.l.message, meanings[i].message);
		check_slice(text, "tid", p.l.tid, meanings[i].tid);
		assert_int_equal(p.l.stamp_is_utc, strstr(text, "Z\"") != NULL);
		assert_true(p.l.stamp == 1795395114100000000);
		parsed_done(&p);
	}
}

/* A tid beyond the limit is a field like others. */
static void long_tid(void **state)
{
	(void)state;
	for (int n = LINE_MAX_TID - 1; n <= LINE_MAX_TID + 1; n++) {
		char text[LINE_MAX_TID + 200];
		struct parsed p;

		snprintf(text, sizeof text, T ",\"fields\":{\"tid\":\"%0*d\"},\"span\":{\"tid\":\"s\"}}", n, 7);
		parse(&p, text, strlen(text));
		assert_int_equal(p.verdict, LINE_OK);
		assert_int_equal(p.l.tid.len, n <= LINE_MAX_TID ? n : 1);
		parsed_done(&p);
	}
}

static void parts(void **state)
{
	static const char text[] = T ",\"fields\":{\"a\": 1},\"target\":\"t\" ,\"span\":{\"name\":\"s\"},\"spans\":[ "
	                             "{\"name\":\"r\"} ,{\"x\":1}],\"threadId\":3}";
	struct parsed p;

	(void)state;
	parse(&p, text, sizeof text - 1);
	check_slice(text, "fields", p.l.fields, "{\"a\": 1}");
	check_slice(text, "span", p.l.span, "{\"name\":\"s\"}");
	check_slice(text, "spans", p.l.spans, "[ {\"name\":\"r\"} ,{\"x\":1}]");
	assert_int_equal(p.l.ntokens, 7);
	assert_int_equal(p.l.tokens[4].section, SECTION_SPANS);
	assert_int_equal(p.l.tokens[4].element, 0);
	assert_int_equal(p.l.tokens[5].element, 1);
	assert_int_equal(p.l.tokens[6].section, SECTION_TOP);
	assert_memory_equal(p.text + p.l.tail_off, " ,\"span\"", 1);
	parsed_done(&p);
}

/* ---- unescape ---- */

static const struct {
	const char *in, *out;
} escapes[] = {
    {"", ""},
    {"abc", "abc"},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
    {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac"},
    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
    {"\\uD83D\\uDE00!", "\xf0\x9f\x98\x80!"},
    {"\\ud83d", "\xef\xbf\xbd"},
    {"\\ude00", "\xef\xbf\xbd"},
    {"\\ud83dx", "\xef\xbf\xbdx"},
    {"\\ud83d\\u0041", "\xef\xbf\xbd"
                       "A"},
    {"\\ud83d\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
    {"\\ud83d\\n", "\xef\xbf\xbd\n"},
    {"\\uffff", "\xef\xbf\xbf"},
    {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
    {"\\u001b[0m", "\x1b[0m"},
    {"\xc2\xb5s", "\xc2\xb5s"},
    {"\xff", "\xef\xbf\xbd"},
    {"a\x80z", "a\xef\xbf\xbdz"},
    {"\xc2", "\xef\xbf\xbd"},
    {"\xc2"
     "A",
     "\xef\xbf\xbd"
     "A"},
    {"\xe2\x82", "\xef\xbf\xbd"},
    {"\xe2\x82"
     "A",
     "\xef\xbf\xbd"
     "A"},
    {"\xe2\x82\xac", "\xe2\x82\xac"},
    {"\xf0\x9f\x98", "\xef\xbf\xbd"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"\xf0\x9f"
     "A",
     "\xef\xbf\xbd"
     "A"},
    {"\xf0"
     "A",
     "\xef\xbf\xbd"
     "A"},
    /* Unicode 15, tables 3-8 to 3-11 */
    {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "A"},
    {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "A"},
    {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                             "A\xef\xbf\xbd\xef\xbf\xbd"
                                             "B"},
    {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                             "A"},
    /* no JSON string, but shown all the same */
    {"\\", "\\"},
    {"\\u12", "\xef\xbf\xbd"
              "12"},
    {"\\q", "q"},
};

static void escape_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		size_t n = strlen(escapes[i].in), got;
		char *buf = malloc(3 * n + 1), *in = memcpy(malloc(n + SCAN_SLACK), escapes[i].in, n);

		memset(in + n, 0, SCAN_SLACK);
		got = json_unescape((struct slice){in, n}, buf);
		if (got != strlen(escapes[i].out) || memcmp(buf, escapes[i].out, got))
			fail_msg("%s: gave %s", escapes[i].in, show((struct slice){buf, got}));
		free(buf);
		free(in);
	}
	assert_int_equal(json_unescape(SLICE_NONE, NULL), 0);
}

static uint64_t random64(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* A string that jansson understands, too: no half pairs, no \u0000, valid UTF-8. */
static size_t random_string(char *o)
{
	static const char *const pieces[] = {"\\\"",
	                                     "\\\\",
	                                     "\\/",
	                                     "\\b",
	                                     "\\f",
	                                     "\\n",
	                                     "\\r",
	                                     "\\t",
	                                     "\\u00e9",
	                                     "\\uFFFD",
	                                     "\\ud83d\\ude00",
	                                     "\\udbFF\\udfff",
	                                     "\xc2\xb5",
	                                     "\xe2\x82\xac",
	                                     "\xf0\x9f\x98\x80",
	                                     "\xf4\x8f\xbf\xbf",
	                                     "\xdf\xbf",
	                                     "\xe0\xa0\x80",
	                                     "\x7f",
	                                     "a",
	                                     "{",
	                                     "\\u001b"};
	char *start = o;

	for (unsigned n = random64() % 12; n; n--)
		o = stpcpy(o, pieces[random64() % (sizeof pieces / sizeof *pieces)]);
	return (size_t)(o - start);
}

static void escapes_as_jansson(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		char text[300], buf[900];
		size_t n, got;
		json_t *j;

		text[0] = '"';
		n = random_string(text + 1);
		strcpy(text + 1 + n, "\"");
		j = json_loads(text, JSON_DECODE_ANY, NULL);
		if (!j)
			fail_msg("jansson refuses %s", text);
		got = json_unescape((struct slice){text + 1, n}, buf);
		if (got != json_string_length(j) || memcmp(buf, json_string_value(j), got))
			fail_msg("%s: gave %s", text, show((struct slice){buf, got}));
		json_decref(j);
	}
}

/* One struct for many lines: nothing of one is left in the next. */
static void used_again(void **state)
{
	static const char rich[] = T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"tid\":\"a\"},\"target\":"
	                             "\"t\",\"span\":{},\"spans\":[]}",
	                  poor[] = T "}\0";
	char text[400] = {0};
	enum line_verdict v;
	struct line l;

	(void)state;
	line_init(&l);
	strcpy(text, rich);
	assert_int_equal(line_parse(&l, text, strlen(text), &v), 0);
	memset(text, 0, sizeof text);
	strcpy(text, poor);
	assert_int_equal(line_parse(&l, text, strlen(text), &v), 0);
	assert_int_equal(v, LINE_OK);
	assert_true(!l.level.ptr && !l.target.ptr && !l.message.ptr && !l.tid.ptr && !l.fields.ptr && !l.span.ptr &&
	            !l.spans.ptr);
	assert_int_equal(l.ntokens, 1);
	line_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(value_rows), cmocka_unit_test(line_rows),    cmocka_unit_test(damaged_anywhere),
	    cmocka_unit_test(depth),      cmocka_unit_test(keys),         cmocka_unit_test(a_million_brackets),
	    cmocka_unit_test(too_long),   cmocka_unit_test(meaning_rows), cmocka_unit_test(long_tid),
	    cmocka_unit_test(parts),      cmocka_unit_test(escape_rows),  cmocka_unit_test(escapes_as_jansson),
	    cmocka_unit_test(used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
