/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record_faults.c - each allocation of reading a format, and lines of other programs, fails once: what comes out is the
 * same as ever, or an error. */
#include "faults.h"
#include "base/hash.h"
#include "base/scan.h"
#include "parse/recipe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct format_set formats; /* with tests/data/formats/till.json before ours */
static char *till;
static size_t till_len;

static const char lines[] =
    "{\"date\":\"03.04.2026\",\"clock\":\"10:00:00.5\",\"lvl\":10,\"status\":503,\"app\":\"till\",\"desk\":7,"
    "\"request\":\"GET /\\\"pay\\\" HTTP/1.1\",\"note\":\"no, order=4711\"}\n"
    "{\"level\":\"info\",\"ts\":1780308000.5,\"msg\":\"one\",\"trace_id\":\"t1\",\"n\":1}\n"
    "{\"level\":\"info\",\"ts\":1780308000.6,\"msg\":\"two\",\"trace_id\":\"t2\",\"n\":2}\n"
    "{\"log\":\"{\\\"level\\\":\\\"info\\\",\\\"msg\\\":\\\"one\\\",\\\"n\\\":1}\\n\",\"stream\":\"stdout\","
    "\"time\":\"2026-06-01T10:00:01.25Z\"}\n"
    "{\"log\":\"{\\\"level\\\":\\\"info\\\",\\\"msg\\\":\\\"two\\\",\\\"n\\\":2}\\n\",\"stream\":\"stdout\","
    "\"time\":\"2026-06-01T10:00:02.25Z\"}\n"
    "2026-06-01T10:00:03.1Z stdout P {\"level\":\"info\",\"msg\":\n"
    "2026-06-01T10:00:03.2Z stdout F \"joined\"}\n"
    "Caused by: text\n"
    "{\n \"time\": \"2026-06-01T10:00:04Z\",\n \"msg\": \"printed\"\n}\n"
    "{\"time\":\"2026-06-01T10:00:05Z\",\"msg\":\"a\"}{\"time\":\"2026-06-01T10:00:05Z\",\"msg\":\"b\"}\n"
    "Jun 01, 2026 10:00:05 AM com.example.A b\nINFO: two lines\n"
    "time=2026-06-01T10:00:06Z level=warn msg=\"c\" k=v\n"
    "{\"time\":\"2026-06-01T10:00:07Z\",\"msg\":\"cut";

static int format_of_ones_own(uint64_t *out)
{
	struct log_format f = {0};
	char *why;
	int rc = format_read("till.json", till, till_len, &f, &why);

	*out = rc ? 0 : f.npatterns + 10 * f.nsplits + 100 * f.nlevel_of + 1000 * f.levels.n + 10000 * f.time_formats.n;
	free(why);
	format_done(&f);
	return rc;
}

/* All readings, as a number. */
static int readings(uint64_t *out)
{
	struct record_options o = {.formats = &formats, .file = "till-1.json"};
	char copy[sizeof lines + SCAN_SLACK] = "";
	struct record_reader r;
	struct record_result res;
	int rc = record_reader_init(&r, &o);

	*out = 0;
	for (const char *at = lines, *nl; !rc && *at; at = nl + (*nl == '\n')) {
		nl = at + strcspn(at, "\n");
		memset(copy, 0, sizeof copy);
		memcpy(copy, at, (size_t)(nl - at));
		rc = record_read(&r, (struct slice){copy, (size_t)(nl - at)}, &res);
		*out = *out * 31 + (uint64_t)res.verdict;
		if (!rc && res.reading.ptr)
			*out = hash_bytes(res.reading.ptr, res.reading.len, *out);
	}
	record_reader_done(&r);
	return rc;
}

/* The chunk that they come to. */
static int chunk(uint64_t *out)
{
	struct record_options o = {.formats = &formats, .file = "till-1.json"};
	char copy[sizeof lines + SCAN_SLACK] = "";
	struct shape_set *set = NULL;
	struct bytes packed = {0};
	struct parser p = {0};
	size_t used = 0, len = sizeof lines - 1;
	int rc = shape_set_new(&set);

	memcpy(copy, lines, len);
	if (!rc)
		rc = parser_init(&p, set, &o);
	if (!rc)
		rc = parser_feed(&p, copy, len, true, &used);
	if (!rc)
		rc = parser_end(&p);
	if (!rc)
		rc = chunk_seal(p.builder, 1, &packed);
	*out = rc ? 0 : hash_bytes(packed.ptr, packed.len, used) + p.counts.ok * 100 + p.counts.rejected;
	bytes_free(&packed);
	if (set)
		parser_done(&p);
	shape_set_free(set);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(uint64_t *out);
} subjects[] = {{"a format", format_of_ones_own}, {"readings", readings}, {"a chunk", chunk}};

static void faults(void **state)
{
	(void)state;
	for (size_t s = 0; s < sizeof subjects / sizeof *subjects; s++) {
		uint64_t want, got;
		unsigned n, calls;

		assert_int_equal(subjects[s].run(&want), 0);
		for (n = 1;; n++) {
			int rc;

			fault_arm(FAULT_MALLOC, n, 1);
			rc = subjects[s].run(&got);
			calls = fault_disarm();
			if (calls < n)
				break;
			if (rc && rc != -ENOMEM)
				fail_msg("%s, allocation %u: error %d", subjects[s].name, n, rc);
			if (!rc && got != want)
				fail_msg("%s, allocation %u: no error, but another answer", subjects[s].name, n);
		}
		print_message("%s: %u allocations failed\n", subjects[s].name, n - 1);
	}
}

static int set_up(void **state)
{
	FILE *f = fopen("tests/data/formats/till.json", "r");
	char *why = NULL;

	(void)state;
	till = calloc(1, 8192);
	if (!f || !till || formats_built_in(&formats))
		return -1;
	till_len = fread(till, 1, 8191, f);
	fclose(f);
	return formats_add(&formats, "till.json", till, till_len, &why);
}

static int tear_down(void **state)
{
	(void)state;
	formats_done(&formats);
	free(till);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(faults)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
