/* SPDX-License-Identifier: GPL-3.0-or-later */
/* render.c - numbers, times and bytes of logs as text. */
#include "render/fold.h"
#include "render/number.h"
#include "render/table.h"
#include "render/text.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void shortest(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
	    {0.0, "0.0"},
	    {-0.0, "-0.0"},
	    {2.0, "2.0"},
	    {0.1, "0.1"},
	    {1 / 3.0, "0.3333333333333333"},
	    {0.1 + 0.2, "0.30000000000000004"},
	    {1e300, "1e+300"},
	    {1e22, "1e+22"},
	    {123456789.125, "123456789.125"},
	    /* Its nearest 16 digits are another number, their neighbour is not. */
	    {5.684341886080802e-14, "5.684341886080802e-14"},
	    /* Below the normal ones there are fewer digits to tell. */
	    {5e-324, "5e-324"},
	    {2.2250738585072011e-308, "2.225073858507201e-308"},
	    {DBL_MAX, "1.7976931348623157e+308"},
	    {-1.5, "-1.5"},
	};
	char buf[NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		number_shortest(rows[i].value, buf);
		assert_string_equal(buf, rows[i].text);
	}
}

/* Any double comes back, and no shorter number of digits would have done. */
static void shortest_of_many(void **state)
{
	uint64_t x = 88172645463325252u;
	char buf[NUMBER_MAX], less[NUMBER_MAX];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		double v;
		int digits = 0;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&v, &x, sizeof v);
		if (!isfinite(v))
			continue;
		number_shortest(v, buf);
		assert_true(strtod(buf, NULL) == v);
		for (const char *p = buf; *p && *p != 'e'; p++)
			digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
		if (strlen(buf) > 2 && !strcmp(buf + strlen(buf) - 2, ".0"))
			digits--;
		if (digits < 17 || fabs(v) < DBL_MIN)
			continue;
		snprintf(less, sizeof less, "%.15e", v);
		if (strtod(less, NULL) == v)
			fail_msg("%s has fewer digits: %s", buf, less);
	}
}

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
	    {0, "0 ns"},
	    {999, "999 ns"},
	    {1000, "1.00 us"},
	    {12345, "12.3 us"},
	    {123456, "123 us"},
	    {1234567, "1.23 ms"},
	    {812000000, "812 ms"},
	    {1500000000, "1.50 s"},
	    {45600000000, "45.6 s"},
	    {123000000000, "2 min 03 s"},
	    {3720000000000, "1 h 02 min"},
	    {-1500, "-1.50 us"},
	};
	char buf[NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		number_duration(rows[i].ns, "u", buf);
		assert_string_equal(buf, rows[i].text);
	}
}

static void times(void **state)
{
	static const struct {
		int64_t ns, offset_s;
		const char *log, *rfc;
	} rows[] = {
	    {0, 0, "1970-01-01 00:00:00.0", "1970-01-01T00:00:00.000000000Z"},
	    {1795395791722441000, 18000, "2026-11-22 20:03:11.722441", "2026-11-22T20:03:11.722441000-05:00"},
	    {1795395791722441000, -19800, "2026-11-23 06:33:11.722441", "2026-11-23T06:33:11.722441000+05:30"},
	    {-1, 0, "1969-12-31 23:59:59.999999999", "1969-12-31T23:59:59.999999999Z"},
	    {951782400000000000, 0, "2000-02-29 00:00:00.0", "2000-02-29T00:00:00.000000000Z"},
	};
	char buf[NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		time_of_log(rows[i].ns, rows[i].offset_s, buf);
		assert_string_equal(buf, rows[i].log);
		time_rfc3339(rows[i].ns, rows[i].offset_s, buf);
		assert_string_equal(buf, rows[i].rfc);
	}
}

typedef void add_fn(struct text *t, const char *bytes, size_t len);

static void escapes(void **state)
{
	static const struct {
		const char *name;
		add_fn *add;
		const char *in, *out;
	} rows[] = {
	    {"terminal: plain", text_add_terminal, "grüße", "grüße"},
	    {"terminal: escape", text_add_terminal, "a\033[31mb", "a\\u{1b}[31mb"},
	    {"terminal: newline", text_add_terminal, "a\nb\tc", "a\\nb\\tc"},
	    {"terminal: bidi", text_add_terminal, "a\u202eb", "a\\u{202e}b"},
	    {"terminal: C1", text_add_terminal,
	     "a\xc2\x9b"
	     "b",
	     "a\\u{9b}b"},
	    {"terminal: not UTF-8", text_add_terminal, "a\xff\xc3", "a\\xff\\xc3"},
	    {"terminal: surrogate", text_add_terminal, "\xed\xa0\x80", "\\xed\\xa0\\x80"},
	    {"terminal: overlong", text_add_terminal, "\xc0\xaf", "\\xc0\\xaf"},
	    {"json: quotes", text_add_json, "a\"b\\c", "\"a\\\"b\\\\c\""},
	    {"json: control", text_add_json, "\001\n\177", "\"\\u0001\\n\\u007f\""},
	    {"json: not UTF-8", text_add_json, "a\xff", "\"a\xef\xbf\xbd\""},
	    {"json: tag character", text_add_json, "\U000e0041", "\"\\udb40\\udc41\""},
	    {"json value: stays", text_add_json_value, "{\"a\":\"b\\n\u202e\"}", "{\"a\":\"b\\n\\u202e\"}"},
	    {"html: tags", text_add_html, "<a href=\"x\">'&", "&#60;a href=&#34;x&#34;&#62;&#39;&#38;"},
	    {"html: control", text_add_html, "a\033b", "a\\u{1b}b"},
	    {"markdown: pipe", text_add_markdown, "a|b `c` <i>*[x]", "a\\|b \\`c\\` &lt;i>\\*\\[x\\]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text t = {0};

		rows[i].add(&t, rows[i].in, strlen(rows[i].in));
		if (strcmp(text_str(&t), rows[i].out))
			fail_msg("%s: %s", rows[i].name, text_str(&t));
		text_done(&t);
	}
}

static void columns(void **state)
{
	static const struct {
		const char *text;
		int columns, cut_to;
		const char *cut;
	} rows[] = {
	    {"abc", 3, 3, "abc"},    {"abcdef", 6, 4, "abc…"},
	    {"日本語", 6, 4, "日…"}, {"e\u0301a", 2, 2, "e\u0301a"},
	    {"", 0, 5, ""},          {"\033[31mabcdef\033[0m", 6, 4, "\033[31mabc…\033[0m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text t = {0};

		assert_int_equal(text_columns(rows[i].text, strlen(rows[i].text)), rows[i].columns);
		text_add_cut(&t, rows[i].text, strlen(rows[i].text), rows[i].cut_to, true);
		assert_string_equal(text_str(&t), rows[i].cut);
		text_done(&t);
	}
}

/* A thousand rows are held back for their widths; later ones stream past, wider or not. */
static void long_tables(void **state)
{
	static const struct column two[] = {{"n", UNIT_NONE}, {"text", UNIT_NONE}};
	char *written = NULL;
	size_t size = 0, lines = 0;
	struct output out = {.file = open_memstream(&written, &size), .format = FORMAT_TEXT};
	struct table *t;

	(void)state;
	assert_int_equal(table_open(&out, two, 2, &t), 0);
	for (int i = 0; i < 2500; i++) {
		struct cell c[] = {CELL_OF_INT(i * 1000), cell_of_text(i == 2000 ? "wider than all before" : "x")};

		assert_int_equal(table_row(t, c), 0);
	}
	assert_int_equal(table_close(t), 0);
	fclose(out.file);
	for (size_t i = 0; i < size; i++)
		lines += written[i] == '\n';
	assert_int_equal(lines, 2501);
	assert_non_null(strstr(written, "\n2000000  wider than all before\n"));
	free(written);
}

/* Other rows are padded for a cell as wide as screens may be, and no further; rows of large cells are not all held. */
static void wide_cells(void **state)
{
	static const struct column two[] = {{"wide", UNIT_NONE}, {"n", UNIT_NONE}};
	static const struct {
		int width; /* of the output */
		size_t cell;
		int rows;
		size_t first, second; /* lengths of the heading and of the row of a narrow cell */
	} rows[] = {
	    {0, 100, 1, 103, 103},   {0, 500, 1, 503, 503},     {0, 501, 1, 503, 503},       {0, 10000000, 1, 503, 503},
	    {900, 800, 1, 803, 803}, {80, 10000000, 1, 80, 80}, {0, 1000000, 200, 503, 503},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *written = NULL, *large = calloc(1, rows[i].cell + 1), *last;
		size_t size = 0;
		struct output out = {
		    .file = open_memstream(&written, &size), .format = FORMAT_TEXT, .width = rows[i].width};
		struct table *t;

		memset(large, 'x', rows[i].cell);
		assert_int_equal(table_open(&out, two, 2, &t), 0);
		for (int k = 0; k <= rows[i].rows; k++) {
			struct cell c[] = {cell_of_text(k < rows[i].rows ? large : "y"), CELL_OF_INT(7)};

			assert_int_equal(table_row(t, c), 0);
			fflush(out.file);
			if (k == 100 && !size)
				fail_msg("row %zu: %d large cells are held", i, k);
		}
		assert_int_equal(table_close(t), 0);
		fclose(out.file);
		last = memrchr(written, '\n', size - 1);
		if ((size_t)(strchr(written, '\n') - written) != rows[i].first ||
		    strlen(last + 1) - 1 != rows[i].second)
			fail_msg("row %zu: %zu and %zu columns", i, (size_t)(strchr(written, '\n') - written),
			         strlen(last + 1) - 1);
		free(written);
		free(large);
	}
}

static void folds(void **state)
{
	static const struct {
		int width, indent;
		const char *text, *lines;
	} rows[] = {
	    {0, 2, "as  it stands, however long it is", "as  it stands, however long it is"},
	    {12, 2, "a line that is full", "a line that\n  is full"},
	    {11, 2, "a line that is full", "a line that\n  is full"},
	    {10, 2, "a line that is full", "a line\n  that is\n  full"},
	    /* Blanks between words stay, at the beginning too, and go where a line ends. */
	    {12, 4, "  a  b  long word", "  a  b  long\n    word"},
	    {11, 0, "one\n\ntwo words here", "one\n\ntwo words\nhere"},
	    /* A percent sign stays with its number, a colour takes no room, a wide letter takes two columns. */
	    {9, 0, "about 72.9 % of", "about\n72.9 % of"},
	    {9, 0, "\033[31mabout\033[0m the", "\033[31mabout\033[0m the"},
	    {7, 0, "漢字 漢字", "漢字\n漢字"},
	    /* What is longer than a line goes on in the next. */
	    {6, 2, "x 0123456789", "x\n  0123\n  4567\n  89"},
	    {5, 0, "漢字漢", "漢字\n漢"},
	    /* No room for anything: nothing is lost all the same. */
	    {2, 4, "ab cd", "ab\n    cd"},
	    {5, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text t = {0};

		text_add_folded(&t, rows[i].text, strlen(rows[i].text), rows[i].width, rows[i].indent);
		assert_string_equal(text_str(&t), rows[i].lines);
		text_done(&t);
	}
}

/* A damaged database has offsets that no clock has. */
static void offset_of_any_size(void **state)
{
	char text[NUMBER_MAX];

	(void)state;
	time_offset(INT64_MIN, text);
	assert_string_equal(text, "+2562047788015215:30");
	time_offset(INT64_MAX, text);
	assert_string_equal(text, "-2562047788015215:30");
	time_offset(14400, text);
	assert_string_equal(text, "-04:00");
	time_offset(0, text);
	assert_string_equal(text, "+00:00");
	assert_in_range(time_rfc3339(INT64_MAX, INT64_MIN, text), 1, NUMBER_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shortest),    cmocka_unit_test(shortest_of_many),
	    cmocka_unit_test(durations),   cmocka_unit_test(times),
	    cmocka_unit_test(escapes),     cmocka_unit_test(columns),
	    cmocka_unit_test(long_tables), cmocka_unit_test(wide_cells),
	    cmocka_unit_test(folds),       cmocka_unit_test(offset_of_any_size),
	};

	return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
