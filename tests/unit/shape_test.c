/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shapes: what of a line is in the skeleton and what is a value, what a shape knows of its lines, which lines it
 * matches. */
#include "base/scan.h"
#include "random_lines.h"
#include "store/shape.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define T     "{\"timestamp\":\"2026-11-23 00:51:54.1\""
#define Z     "{\"timestamp\":\"2026-11-23T00:51:54.100000000Z\""
#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEXB  "fedcba9876543210fedcba9876543210"

static char text_buf[200000];

static void parse(struct line *l, const char *text)
{
	enum line_verdict v;
	size_t len = strlen(text);

	assert_true(len + SCAN_SLACK <= sizeof text_buf);
	memcpy(text_buf, text, len);
	memset(text_buf + len, 0, SCAN_SLACK);
	assert_int_equal(line_parse(l, text_buf, len, &v), 0);
	if (v == LINE_REJECTED)
		fail_msg("%s: %s", text, l->reason);
}

/* Slots as {1} ... {7}. */
static const char *shown(struct slice s)
{
	static char buf[4][2000];
	static unsigned next;
	char *b = buf[next++ % 4], *o = b;

	for (size_t i = 0; i < s.len && o < b + 1990; i++) {
		if ((unsigned char)s.ptr[i] < SLOT_KINDS)
			o += sprintf(o, "{%d}", s.ptr[i]);
		else
			*o++ = s.ptr[i];
	}
	*o = 0;
	return s.ptr ? b : "(none)";
}

/* ---- skeletons ---- */

static const struct {
	const char *text, *head, *tail;
} skeletons[] = {
    {T "}", "{\"timestamp\":\"{5}\"}", ""},
    {Z "}", "{\"timestamp\":\"{6}\"}", ""},
    /* a stamp that would not be printed like this is text */
    {"{\"timestamp\":\"2026-11-23 00:51:54.10\"}", "{\"timestamp\":\"{2}\"}", ""},
    {"{\"timestamp\":\"2026-11-23T00:51:54Z\"}", "{\"timestamp\":\"{2}\"}", ""},
    {T
     ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"a\":\"s\",\"b\":1.5,\"c\":[1],\"d\":null},\"target\":\"t\"}",
     "{\"timestamp\":\"{5}\",\"level\":\"INFO\",\"fields\":{\"message\":\"m\",\"a\":\"{2}\",\"b\":{3},\"c\":{4},\"d\":{"
     "3}},\"target\":\"t\"}",
     ""},
    {T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\"},\"target\":\"t\"}",
     "{\"timestamp\":\"{5}\",\"fields\":{\"message\":\"m\",\"tid\":\"{1}\"},\"target\":\"t\"}", ""},
    {T ",\"fields\":{\"message\":5}}", "{\"timestamp\":\"{5}\",\"fields\":{\"message\":{3}}}", ""},
    {T ",\"fields\":{\"message\":\"m\"},\"span\":{\"tid\":\"x\",\"id\":\"i\",\"name\":\"n\"}}",
     "{\"timestamp\":\"{5}\",\"fields\":{\"message\":\"m\"}",
     ",\"span\":{\"tid\":\"{1}\",\"id\":\"{2}\",\"name\":\"n\"}}"},
    /* the same transaction everywhere is one value; another one is text, or a value where it looks like an id */
    {T
     ",\"fields\":{\"tid\":\"x\"},\"span\":{\"tid\":\"x\"},\"spans\":[{\"tid\":\"x\"},{\"tid\":\"y\"},{\"tid\":\"" HEX32
     "\"}]}",
     "{\"timestamp\":\"{5}\",\"fields\":{\"tid\":\"{1}\"}",
     ",\"span\":{\"tid\":\"{1}\"},\"spans\":[{\"tid\":\"{1}\"},{\"tid\":\"y\"},{\"tid\":\"{2}\"}]}"},
    {T ",\"span\":{\"name\":\"n\",\"n\":1,\"s\":\"text\"},\"spans\":[{\"parent\":\"p\",\"o\":{}}],\"threadId\":"
       "\"ThreadId(1)\",\"seq\":9}",
     "{\"timestamp\":\"{5}\"",
     ",\"span\":{\"name\":\"n\",\"n\":{3},\"s\":\"text\"},\"spans\":[{\"parent\":\"{2}\",\"o\":{4}}],\"threadId\":"
     "\"ThreadId(1)\",\"seq\":{3}}"},
};

static void skeleton_rows(void **state)
{
	struct line l;

	(void)state;
	line_init(&l);
	for (size_t i = 0; i < sizeof skeletons / sizeof *skeletons; i++)
		for (unsigned part = 0; part < 2; part++) {
			const char *want = part ? skeletons[i].tail : skeletons[i].head;
			char buf[2000];
			size_t n;

			parse(&l, skeletons[i].text);
			n = shape_skeleton(&l, part, SHAPE_EXACT, buf);
			if (strcmp(shown((struct slice){buf, n}), want))
				fail_msg("%s\npart %u is %s\nnot %s", skeletons[i].text, part,
				         shown((struct slice){buf, n}), want);
		}
	line_done(&l);
}

/* Any line that is an event has shapes of its own that know what it says. */
static void raw_shapes(void **state)
{
	struct random_lines r = {2, 0, 60};
	struct line l;

	(void)state;
	line_init(&l);
	for (int i = 0; i < 20000; i++) {
		size_t len = random_line(&r, text_buf);
		struct shape *head = NULL, *tail = NULL;
		enum line_verdict v;

		memset(text_buf + len, 0, SCAN_SLACK);
		assert_int_equal(line_parse(&l, text_buf, len, &v), 0);
		if (v == LINE_REJECTED)
			continue;
		if (shape_of_raw(&l, 0, &head) || shape_of_raw(&l, 1, &tail))
			fail_msg("%.*s: has no shapes", (int)len, text_buf);
		if (!slice_same(head->level_text, l.level) || !slice_same(head->target, l.target) ||
		    tail->depth != l.nspans || (head->message_slot < 0 && !slice_same(head->message, l.message)))
			fail_msg("%.*s: its shapes say something else", (int)len, text_buf);
		shape_free(head);
		shape_free(tail);
	}
	line_done(&l);
}

/* ---- what a shape knows ---- */

static const struct {
	const char *text, *level, *target, *message;
	int message_slot;
	bool span_line;
	const char *worker, *span_name;
	unsigned depth;
} names[] = {
    {T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m\"},\"target\":\"t\"}", "INFO", "t", "m", -1, false, NULL, NULL,
     0},
    {T ",\"level\":\"INFO\",\"fields\":{\"message\":\"new\"},\"target\":\"t\",\"span\":{\"worker\":\"w\",\"name\":"
       "\"s\"},\"spans\":[]}",
     "INFO", "t", "new", -1, true, NULL, "s", 0},
    {T ",\"fields\":{\"message\":\"close\"},\"target\":\"t\",\"span\":{\"worker\":\"w\",\"name\":\"enter_worker\"},"
       "\"spans\":[{\"name\":\"a\"}]}",
     NULL, "t", "close", -1, true, "w", "enter_worker", 1},
    {T ",\"fields\":{\"message\":\"enter\"},\"target\":\"t\",\"span\":{\"worker\":\"w\",\"name\":\"enter_worker\"},"
       "\"spans\":[{\"worker\":\"v\",\"name\":\"enter_worker\"},"
       "{\"name\":\"b\"},{\"name\":\"enter_worker\",\"worker\":\"u\"}]}",
     NULL, "t", "enter", -1, true, "v", "enter_worker", 3},
    {T ",\"fields\":{\"message\":\"enter\"},\"target\":\"t\",\"span\":{\"name\":\"s\"},\"spans\":[{\"worker\":\"v\","
       "\"name\":\"enter_worker\"},{\"worker\":\"u\","
       "\"name\":\"enter_worker\"},{\"worker\":\"x\",\"name\":\"y\"}]}",
     NULL, "t", "enter", -1, true, "u", "s", 3},
    /* the worker of one span is not that of the next */
    {T ",\"span\":{\"worker\":\"w\",\"name\":\"s\"},\"spans\":[{\"name\":\"enter_worker\"}]}", NULL, NULL, NULL, -1,
     false, NULL, "s", 1},
    {T ",\"spans\":[{\"worker\":\"w\",\"name\":\"a\"},{\"name\":\"enter_worker\"}]}", NULL, NULL, NULL, -1, false, NULL,
     NULL, 2},
    {T ",\"spans\":[{},{\"a\":1},{}]}", NULL, NULL, NULL, -1, false, NULL, NULL, 3},
    /* a span line has a target */
    {T ",\"fields\":{\"message\":\"new\"}}", NULL, NULL, "new", -1, false, NULL, NULL, 0},
    {T ",\"fields\":{\"message\":7},\"target\":\"t\"}", NULL, "t", NULL, 1, false, NULL, NULL, 0},
};

static void check_slice(const char *text, const char *what, struct slice got, const char *want)
{
	if (want ? !slice_is(got, want) : got.ptr != NULL)
		fail_msg("%s: %s is %s, not %s", text, what, shown(got), want ? want : "(none)");
}

static void check_names(size_t i, const struct shape *head, const struct shape *tail)
{
	const char *text = names[i].text;

	check_slice(text, "level", head->level_text, names[i].level);
	check_slice(text, "target", head->target, names[i].target);
	check_slice(text, "message", head->message, names[i].message);
	if (head->message_slot != names[i].message_slot)
		fail_msg("%s: message_slot %d", text, head->message_slot);
	if (head->span_line != names[i].span_line)
		fail_msg("%s: span_line %d", text, head->span_line);
	check_slice(text, "worker", tail->worker, names[i].worker);
	check_slice(text, "span_name", tail->span_name, names[i].span_name);
	if (tail->depth != names[i].depth)
		fail_msg("%s: depth %u", text, tail->depth);
}

static void name_rows(void **state)
{
	struct shape_set *set;
	struct line l;

	(void)state;
	line_init(&l);
	assert_int_equal(shape_set_new(&set), 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct shape *sh[2], *again[2];
		struct shape *raw[2];

		parse(&l, names[i].text);
		for (unsigned part = 0; part < 2; part++) {
			assert_int_equal(shape_set_find(set, &l, part, &sh[part]), 0);
			assert_int_equal(shape_set_find(set, &l, part, &again[part]), 0);
			if (!sh[part] || again[part] != sh[part] || shape_set_get(set, sh[part]->id) != sh[part])
				fail_msg("%s: part %u is not found again", names[i].text, part);
			assert_int_equal(sh[part]->part, part);
			assert_int_equal(shape_of_raw(&l, part, &raw[part]), 0);
		}
		check_names(i, sh[0], sh[1]);
		check_names(i, raw[0], raw[1]);
		shape_free(raw[0]);
		shape_free(raw[1]);
	}
	shape_set_free(set);
	line_done(&l);
}

/* A line whose parts stand in another order is kept raw; its shapes say the same. */
static void any_order(void **state)
{
	static const char *const lines[] = {
	    "{\"fields\":{\"message\":\"new\",\"tid\":\"x\"},\"level\":\"INFO\",\"span\":{\"name\":\"s\"},\"spans\":[{"
	    "\"worker\":\"w\",\"name\":\"enter_worker\"}],\"target\":\"t\","
	    "\"timestamp\":\"2026-11-23 00:51:54.1\"}",
	    "{\"spans\":[{\"worker\":\"w\",\"name\":\"enter_worker\"}],\"timestamp\":\"2026-11-23 "
	    "00:51:54.1\",\"span\":{\"name\":\"s\"},\"target\":\"t\",\"level\":\"INFO\","
	    "\"fields\":{\"message\":\"new\",\"tid\":\"x\"}}",
	    "{\"span\":{\"name\":\"s\"},\"spans\":[{\"worker\":\"w\",\"name\":\"enter_worker\"}],\"timestamp\":\"2026-"
	    "11-23T00:51:54Z\",\"target\":\"t\",\"level\":\"INFO\","
	    "\"tid\":\"x\",\"message\":\"new\"}",
	    T ",\"seq\":7,\"level\":\"INFO\",\"message\":\"new\",\"target\":\"t\",\"spans\":[{\"worker\":\"w\","
	      "\"name\":\"enter_worker\"}],\"span\":{\"name\":\"s\"},\"x\":1}",
	};
	struct shape_set *set;
	struct line l;

	(void)state;
	line_init(&l);
	assert_int_equal(shape_set_new(&set), 0);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		const struct shape *sh;
		struct shape *raw[2];

		parse(&l, lines[i]);
		for (unsigned part = 0; part < 2; part++) {
			assert_int_equal(shape_set_find(set, &l, part, &sh), 0);
			if (sh)
				fail_msg("%s: part %u has a shape", lines[i], part);
			if (shape_of_raw(&l, part, &raw[part]))
				fail_msg("%s: part %u has no shape of its own", lines[i], part);
		}
		check_slice(lines[i], "level", raw[0]->level, "INFO");
		check_slice(lines[i], "target", raw[0]->target, "t");
		check_slice(lines[i], "message", raw[0]->message, "new");
		assert_true(raw[0]->span_line);
		check_slice(lines[i], "worker", raw[1]->worker, "w");
		check_slice(lines[i], "span_name", raw[1]->span_name, "s");
		assert_int_equal(raw[1]->depth, 1);
		assert_true(shape_part_range(raw[1], SECTION_SPANS).there);
		shape_free(raw[0]);
		shape_free(raw[1]);
	}
	assert_int_equal(shape_set_count(set), 0);
	shape_set_free(set);
	line_done(&l);
}

/* ---- matching ---- */

static const struct shape *find(struct shape_set *set, const char *text, unsigned part)
{
	const struct shape *sh;
	struct line l;

	line_init(&l);
	parse(&l, text);
	assert_int_equal(shape_set_find(set, &l, part, &sh), 0);
	if (!sh)
		fail_msg("%s: kept raw", text);
	line_done(&l);
	return sh;
}

static bool matches(const struct shape *sh, const char *text, struct slice *values, struct slice *tid, int64_t *stamp)
{
	size_t len = strlen(text);
	char *copy = malloc(len + SCAN_SLACK);
	bool all;

	memcpy(copy, text, len);
	memset(copy + len, 0, SCAN_SLACK);
	all = shape_match(sh, copy, copy + len, values, tid, stamp) == copy + len;
	free(copy);
	return all;
}

#define M T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}"

static const struct {
	const char *model, *text;
	bool match;
} match_rows[] = {
    {M, M, true},
    {M,
     "{\"timestamp\":\"1999-01-01 "
     "23:59:59.0\",\"fields\":{\"message\":\"m\",\"tid\":\"yy\",\"s\":\"\",\"n\":null,\"o\":[]},\"target\":\"t\"}",
     true},
    {M,
     T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"\\\"\\u00e9\xc3\xa9\",\"n\":-1e5,\"o\":[\"\xc3\xa9\"]},"
       "\"target\":\"t\"}",
     true},
    /* what the parser would not take, or not like this */
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}", false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"\xff\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\x01\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"\\x\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":01,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":\"1\",\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":2},\"target\":\"t\"}", false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":}},\"target\":\"t\"}", false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":\"\xff\"}},\"target\":\"t\"}",
     false},
    {M, T ",\"fields\":{\"message\":\"n\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}", false},
    {M, T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"u\"}", false},
    {M, M " ", false},
    {M,
     "{\"timestamp\":\"2026-11-23 "
     "00:51:54.10\",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M,
     "{\"timestamp\":\"2026-13-23 "
     "00:51:54.1\",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {M,
     "{\"timestamp\":\"2026-11-23T00:51:54.100000000Z\",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"s\":\"a\",\"n\":"
     "1,\"o\":{\"p\":1}},\"target\":\"t\"}",
     false},
    {Z "}", "{\"timestamp\":\"2026-11-23T00:51:54.100000000Z\"}", true},
    {Z "}", "{\"timestamp\":\"2026-11-23T00:51:54.10000000Z\"}", false},
    {Z "}", "{\"timestamp\":\"2026-11-23T00:51:54.100000000+00:00\"}", false},
};

static void matching(void **state)
{
	struct shape_set *set;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	for (size_t i = 0; i < sizeof match_rows / sizeof *match_rows; i++) {
		const struct shape *sh = find(set, match_rows[i].model, 0);
		struct slice values[16], tid = SLICE_NONE;
		int64_t stamp;

		if (matches(sh, match_rows[i].text, values, &tid, &stamp) != match_rows[i].match)
			fail_msg("%s\nand %s: %s", match_rows[i].model, match_rows[i].text,
			         match_rows[i].match ? "no match" : "a match");
	}
	shape_set_free(set);
}

/* A transaction id is as long as the parser lets it be. */
static void match_tid_length(void **state)
{
	const char *model = T ",\"fields\":{\"tid\":\"x\"}}";
	struct shape_set *set;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	for (int n = LINE_MAX_TID - 1; n <= LINE_MAX_TID + 1; n++) {
		struct slice values[4], tid = SLICE_NONE;
		char text[LINE_MAX_TID + 100];
		int64_t stamp;

		snprintf(text, sizeof text, T ",\"fields\":{\"tid\":\"%0*d\"}}", n, 7);
		assert_int_equal(matches(find(set, model, 0), text, values, &tid, &stamp), n <= LINE_MAX_TID);
	}
	shape_set_free(set);
}

/* One transaction in all places of a tail, and the one of the head. */
static void match_tids(void **state)
{
	const char *line = T ",\"fields\":{},\"span\":{\"tid\":\"ab\"},\"spans\":[{\"tid\":\"ab\"}]}";
	struct shape_set *set;
	const struct shape *sh;
	struct slice values[4], tid = SLICE_NONE;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	sh = find(set, line, 1);
	assert_true(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"cd\"}]}", values, &tid, NULL));
	assert_int_equal(tid.len, 2);
	tid = SLICE_NONE;
	assert_false(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"ce\"}]}", values, &tid, NULL));
	tid = SLICE_NONE;
	assert_false(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"cde\"}]}", values, &tid, NULL));
	tid = SLICE("cd");
	assert_true(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"cd\"}]}", values, &tid, NULL));
	tid = SLICE("ce");
	assert_false(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"cd\"}]}", values, &tid, NULL));
	tid = SLICE("cd\"},\"spans\":[{\"tid\":\"cd");
	assert_false(matches(sh, ",\"span\":{\"tid\":\"cd\"},\"spans\":[{\"tid\":\"cd\"}]}", values, &tid, NULL));
	shape_set_free(set);
}

/* ---- slots ---- */

static void slots_know_their_keys(void **state)
{
	static const struct {
		enum slot_kind kind;
		int section;
		const char *key;
	} head[] = {{SLOT_STAMP, SECTION_TOP, "timestamp"},
	            {SLOT_TID, SECTION_FIELDS, "tid"},
	            {SLOT_SCALAR, SECTION_FIELDS, "n"},
	            {SLOT_STRING, SECTION_TOP, "extra"}},
	  tail[] = {
	      {SLOT_STRING, SECTION_SPAN, "id"}, {SLOT_SCALAR, SECTION_SPANS, "n"}, {SLOT_SCALAR, SECTION_TOP, "seq"}};
	const char *line = T ",\"fields\":{\"message\":\"m\",\"tid\":\"x\",\"n\":1},\"extra\":\"e\",\"span\":{\"id\":"
	                     "\"7\",\"name\":\"s\"},\"spans\":[{\"n\":1}],\"seq\":5}";
	struct shape_set *set;
	const struct shape *sh;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	sh = find(set, line, 0);
	assert_int_equal(sh->nslots, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(sh->slots[i].kind == head[i].kind && sh->slots[i].section == head[i].section &&
		            slice_is(sh->slots[i].key, head[i].key));
	sh = find(set, line, 1);
	assert_int_equal(sh->nslots, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(sh->slots[i].kind == tail[i].kind && sh->slots[i].section == tail[i].section &&
		            slice_is(sh->slots[i].key, tail[i].key));
	assert_true(slice_is(shape_constant(sh, SECTION_SPAN, "name"), "s"));
	assert_null(shape_constant(sh, SECTION_SPAN, "id").ptr);
	assert_null(shape_constant(sh, SECTION_SPANS, "name").ptr);
	sh = find(set, T ",\"threadName\":\"main\"}", 1);
	assert_true(slice_is(shape_constant(sh, SECTION_TOP, "threadName"), "main"));
	assert_null(shape_constant(sh, SECTION_SPAN, "threadName").ptr);
	sh = find(set, "{\"time\":\"2026-11-23T00:51:54.100000000Z\",\"level\":\"info\",\"msg\":\"m\"}", 0);
	assert_true(slice_is(shape_constant(sh, SECTION_TOP, "msg"), "m") &&
	            slice_is(shape_constant(sh, SECTION_TOP, "level"), "info"));
	shape_set_free(set);
}

/* ---- families ---- */

static void message_families(void **state)
{
	struct shape_set *set;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	for (int i = 0; i < 400; i++) {
		const struct shape *sh;
		char text[300];

		snprintf(text, sizeof text,
		         T ",\"level\":\"INFO\",\"fields\":{\"message\":\"took %d ms\",\"n\":%d},\"target\":\"t\"}", i,
		         i);
		sh = find(set, text, 0);
		assert_int_equal(sh->id, i < SHAPE_VARIANTS ? i + 1 : SHAPE_VARIANTS + 1);
		if (sh->message_slot != (i < SHAPE_VARIANTS ? -1 : 1) || !sh->message.ptr != (i >= SHAPE_VARIANTS))
			fail_msg("message %d: slot %d", i, sh->message_slot);
	}
	/* the first ones are still there; another level, target or list of keys is another family */
	assert_int_equal(
	    find(set, T ",\"level\":\"INFO\",\"fields\":{\"message\":\"took 7 ms\",\"n\":1},\"target\":\"t\"}", 0)->id,
	    8);
	assert_int_equal(
	    find(set, T ",\"level\":\"WARN\",\"fields\":{\"message\":\"took 1000 ms\",\"n\":1},\"target\":\"t\"}", 0)
	        ->message_slot,
	    -1);
	assert_int_equal(
	    find(set, T ",\"level\":\"INFO\",\"fields\":{\"message\":\"took 1000 ms\",\"n\":1},\"target\":\"u\"}", 0)
	        ->message_slot,
	    -1);
	assert_int_equal(
	    find(set, T ",\"level\":\"INFO\",\"fields\":{\"message\":\"took 1000 ms\",\"m\":1},\"target\":\"t\"}", 0)
	        ->message_slot,
	    -1);
	assert_int_equal(
	    find(set, T ",\"level\":\"INFO\",\"fields\":{\"message\":\"took 1000 ms\",\"n\":\"1\"},\"target\":\"t\"}",
	         0)
	        ->message_slot,
	    -1);
	shape_set_free(set);
}

static void tail_families(void **state)
{
	struct shape_set *set;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	for (int i = 0; i < 400; i++) {
		const struct shape *sh;
		char text[300];

		snprintf(text, sizeof text,
		         T ",\"span\":{\"fqdn\":\"f-%d\",\"tid\":\"x\",\"name\":\"s\"},\"spans\":[{\"worker\":\"w\","
		           "\"name\":\"enter_worker\"}]}",
		         i);
		sh = find(set, text, 1);
		if (sh->nslots != (i < TAIL_VARIANTS ? 1 : 2))
			fail_msg("span %d: %s", i, shown(sh->skeleton));
		assert_true(slice_is(sh->worker, "w") && slice_is(sh->span_name, "s"));
		assert_int_equal(sh->depth, 1);
		assert_int_equal(shape_constant(sh, SECTION_SPAN, "fqdn").ptr != NULL, i < TAIL_VARIANTS);
	}
	assert_int_equal(shape_set_count(set), TAIL_VARIANTS + 1);
	shape_set_free(set);
}

/* ---- limits ---- */

static void beyond_limits(void **state)
{
	static char text[200000];
	struct shape_set *set;
	const struct shape *sh;
	struct shape *raw;
	struct line l;

	(void)state;
	line_init(&l);
	assert_int_equal(shape_set_new(&set), 0);
	for (int n = SHAPE_MAX_SLOTS - 1; n <= SHAPE_MAX_SLOTS + 1; n++) { /* with the timestamp */
		char *o = stpcpy(text, T ",\"level\":\"INFO\",\"target\":\"t\",\"fields\":{\"message\":\"m\"");

		for (int i = 1; i < n; i++)
			o += sprintf(o, ",\"k%d\":%d", i, i);
		strcpy(o, "},\"span\":{\"name\":\"s\"}}");
		parse(&l, text);
		assert_int_equal(shape_set_find(set, &l, 0, &sh), 0);
		assert_int_equal(sh != NULL, n <= SHAPE_MAX_SLOTS);
		assert_int_equal(shape_of_raw(&l, 0, &raw), 0);
		assert_true(slice_is(raw->message, "m") && slice_is(raw->target, "t"));
		shape_free(raw);
	}
	for (int n = 65000; n <= 66000; n += 1000) { /* a long message; a short skeleton where it is a value */
		int len = sprintf(text, T ",\"fields\":{\"message\":\"%0*d\"}}", n, 1);

		parse(&l, text);
		assert_int_equal(shape_set_find(set, &l, 0, &sh), 0);
		assert_int_equal(sh != NULL && sh->message_slot < 0, (unsigned)len - 20 <= SHAPE_MAX_BYTES);
		assert_int_equal(shape_of_raw(&l, 0, &raw), 0);
		assert_int_equal(raw->message.len, n);
		shape_free(raw);
	}
	shape_set_free(set);
	line_done(&l);
}

/* ---- where the parts are ---- */

static void check_range(const struct shape *sh, enum section section, const char *want)
{
	struct shape_range r = shape_part_range(sh, section);
	char got[1000], *o = got;

	if (r.there != (want != NULL))
		fail_msg("section %d: there: %d", section, r.there);
	if (!want)
		return;
	for (uint32_t i = r.from.literal; i <= r.to.literal; i++) {
		struct slice lit = sh->literals[i];
		size_t from = i == r.from.literal ? r.from.offset : 0, to = i == r.to.literal ? r.to.offset : lit.len;

		assert_true(from <= to && to <= lit.len);
		o += sprintf(o, "%s%.*s", i > r.from.literal ? "_" : "", (int)(to - from), lit.ptr + from);
	}
	assert_string_equal(got, want);
}

static void part_ranges(void **state)
{
	struct shape_set *set;
	const struct shape *sh;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	sh = find(set,
	          T ",\"fields\":{\"message\":\"m\",\"n\":1,\"s\":\"x\"},\"target\":\"t\",\"span\":{\"name\":\"s\","
	            "\"id\":\"1\"},\"spans\":[]}",
	          0);
	check_range(sh, SECTION_FIELDS, "{\"message\":\"m\",\"n\":_,\"s\":\"_\"}");
	sh = find(set, T ",\"fields\":{},\"target\":\"t\",\"span\":{\"name\":\"s\",\"id\":\"1\"},\"spans\":[]}", 1);
	check_range(sh, SECTION_FIELDS, NULL);
	check_range(sh, SECTION_SPAN, "{\"name\":\"s\",\"id\":\"_\"}");
	check_range(sh, SECTION_SPANS, "[]");
	sh = find(set, T ",\"spans\":[ {\"n\":1} , {\"id\":\"3\"}],\"seq\":1}", 1);
	check_range(sh, SECTION_SPAN, NULL);
	check_range(sh, SECTION_SPANS, "[ {\"n\":_} , {\"id\":\"_\"}]");
	sh = find(set, T ",\"fields\":{}}", 0);
	check_range(sh, SECTION_FIELDS, "{}");
	sh = find(set, T ",\"fields\":5}", 0);
	check_range(sh, SECTION_FIELDS, NULL);
	shape_set_free(set);
}

/* ---- sets that are read back ---- */

static void loading(void **state)
{
	struct shape_set *set, *copy;
	static const char *const bad[] = {"",
	                                  "x",
	                                  "{\"a\":\"\x02\"}",
	                                  "{\"timestamp\":\"\x05\",",
	                                  "{\"timestamp\":\"\x07\"}x",
	                                  "\x05",
	                                  "{\"timestamp\":\x05}"};

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	assert_int_equal(shape_set_new(&copy), 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (unsigned part = 0; part < 2; part++)
			find(set, names[i].text, part);
	for (uint32_t id = 1; id <= shape_set_count(set); id++) {
		const struct shape *a = shape_set_get(set, id), *b;

		assert_int_equal(shape_set_load(copy, id + 1, a->part, a->skeleton.ptr, a->skeleton.len), -EBADMSG);
		assert_int_equal(shape_set_load(copy, id, 2, a->skeleton.ptr, a->skeleton.len), -EBADMSG);
		assert_int_equal(shape_set_load(copy, id, a->part, a->skeleton.ptr, a->skeleton.len), 0);
		assert_int_equal(shape_set_load(copy, id + 1, a->part, a->skeleton.ptr, a->skeleton.len), -EBADMSG);
		b = shape_set_get(copy, id);
		assert_true(slice_same(a->skeleton, b->skeleton) && a->nslots == b->nslots && a->depth == b->depth &&
		            a->span_line == b->span_line && slice_same(a->message, b->message) &&
		            slice_same(a->worker, b->worker));
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (unsigned part = 0; part < 2; part++)
			assert_int_equal(find(copy, names[i].text, part)->id, find(set, names[i].text, part)->id);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (shape_set_load(copy, shape_set_count(copy) + 1, 0, bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("\"%s\" was taken", shown((struct slice){bad[i], strlen(bad[i])}));
	assert_int_equal(shape_set_load(copy, shape_set_count(copy) + 1, 0, "{\"timestamp\":\"\0\"}", 17), -EBADMSG);
	assert_null(shape_set_get(copy, 0));
	assert_null(shape_set_get(copy, shape_set_count(copy) + 1));
	shape_set_free(copy);
	shape_set_free(set);
}

/* ---- many threads, one set ---- */

#define THREADS 4
#define SHAPES  3000

struct finder {
	struct shape_set *set;
	unsigned seed;
	const struct shape *seen[SHAPES];
};

static void *find_many(void *arg)
{
	struct finder *f = arg;
	struct line l;

	line_init(&l);
	for (unsigned i = 0; i < SHAPES; i++) {
		unsigned k = (i * 7 + f->seed * 911) % SHAPES;
		char text[400] = {0};
		enum line_verdict v;
		int len =
		    snprintf(text, sizeof text - SCAN_SLACK,
		             T ",\"level\":\"INFO\",\"fields\":{\"message\":\"m%u\",\"k%u\":1},\"target\":\"t%u\"}",
		             k % 50, k / 50, k % 3);

		if (line_parse(&l, text, (size_t)len, &v) || shape_set_find(f->set, &l, 0, &f->seen[k]) ||
		    !f->seen[k] || shape_set_get(f->set, f->seen[k]->id) != f->seen[k])
			f->seen[k] = NULL;
	}
	line_done(&l);
	return NULL;
}

static void from_many_threads(void **state)
{
	static struct finder f[THREADS];
	pthread_t threads[THREADS];
	struct shape_set *set;

	(void)state;
	assert_int_equal(shape_set_new(&set), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		f[i] = (struct finder){.set = set, .seed = i};
		assert_int_equal(pthread_create(&threads[i], NULL, find_many, &f[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned k = 0; k < SHAPES; k++)
		for (unsigned i = 0; i < THREADS; i++)
			if (!f[i].seen[k] || f[i].seen[k] != f[0].seen[k])
				fail_msg("thread %u has another shape %u", i, k);
	assert_int_equal(shape_set_count(set), SHAPES);
	shape_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(skeleton_rows),    cmocka_unit_test(raw_shapes),
	    cmocka_unit_test(name_rows),        cmocka_unit_test(any_order),
	    cmocka_unit_test(matching),         cmocka_unit_test(match_tid_length),
	    cmocka_unit_test(match_tids),       cmocka_unit_test(slots_know_their_keys),
	    cmocka_unit_test(message_families), cmocka_unit_test(tail_families),
	    cmocka_unit_test(beyond_limits),    cmocka_unit_test(part_ranges),
	    cmocka_unit_test(loading),          cmocka_unit_test(from_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
