/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe_test.c - lines of other programs read by several threads at once, which share the shapes and nothing else:
 * each gets what one alone gets. The thread sanitizer watches. */
#include "base/scan.h"
#include "parse/recipe.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define THREADS 4
#define LINES   1200

static struct format_set formats;
static char text[LINES * 400 + SCAN_SLACK];
static size_t len;

static void lines_make(void)
{
	for (int i = 0; i < LINES; i++) {
		char *to = text + len;
		size_t room = sizeof text - SCAN_SLACK - len;
		int n, s = i / 20, f = i % 20;

		switch (i % 5) {
		case 0:
			n = snprintf(to, room,
			             "{\"level\":\"info\",\"ts\":17803080%02d.%02d,\"msg\":\"m%d\",\"trace_id\":\"t%"
			             "d\",\"k%d\":%d}\n",
			             s, f, i % 50, i % 9, i % 30, i);
			break;
		case 1:
			n = snprintf(to, room,
			             "time=2026-06-01T10:00:%02d.%02dZ level=warn msg=\"m %d\" trace_id=t%d k%d=w%d\n",
			             s, f, i % 50, i % 9, i % 30, i);
			break;
		case 2:
			n = snprintf(to, room,
			             "2026-06-01T10:00:%02d.%02dZ stdout F "
			             "{\"time\":\"2026-06-01T10:00:%02dZ\",\"msg\":\"m%d\",\"k%d\":\"v%d\"}\n",
			             s, f, s, i % 50, i % 30, i);
			break;
		case 3:
			n = snprintf(to, room,
			             "{\"log\":\"{\\\"level\\\":\\\"info\\\",\\\"msg\\\":\\\"m%d\\\",\\\"k%d\\\":%d}"
			             "\\n\",\"stream\":\"stderr\","
			             "\"time\":\"2026-06-01T10:00:%02d.%02dZ\"}\n",
			             i % 50, i % 30, i, s, f);
			break;
		default:
			n = snprintf(to, room, "between records %d\n", i);
		}
		len += (size_t)n;
	}
}

/* What came of all lines. */
struct outcome {
	struct shape_set *set;
	struct chunk_summary chunk;
	uint64_t ok, records;
	uint32_t of_t3;
	int rc;
};

static int tid_note(void *arg, struct slice tid, uint32_t events, unsigned blocks)
{
	(void)blocks;
	if (slice_is(tid, "t3"))
		((struct outcome *)arg)->of_t3 = events;
	return 0;
}

static void *read_all(void *arg)
{
	struct record_options o = {.formats = &formats};
	struct outcome *out = arg;
	struct bytes packed = {0};
	struct parser p;
	size_t used = 0;

	out->rc = parser_init(&p, out->set, &o);
	if (!out->rc)
		out->rc = parser_feed(&p, text, len, true, &used);
	if (!out->rc && used != len)
		out->rc = -1;
	if (!out->rc)
		out->rc = chunk_seal(p.builder, 1, &packed);
	out->chunk = chunk_builder_summary(p.builder);
	chunk_builder_tids(p.builder, tid_note, out);
	out->ok = p.counts.ok;
	for (unsigned i = 0; i < p.records.nuses; i++)
		out->records += p.records.uses[i].records;
	bytes_free(&packed);
	parser_done(&p);
	return NULL;
}

static void threads(void **state)
{
	struct outcome one = {.rc = 0}, all[THREADS];
	pthread_t t[THREADS];

	(void)state;
	assert_int_equal(shape_set_new(&one.set), 0);
	read_all(&one);
	assert_int_equal(one.rc, 0);
	assert_int_equal(one.chunk.rows, LINES);
	assert_int_equal(one.ok, LINES);
	assert_int_equal(one.records, LINES / 5 * 4);
	assert_true(one.of_t3 > 0);
	shape_set_free(one.set);
	assert_int_equal(shape_set_new(&one.set), 0);
	for (int i = 0; i < THREADS; i++) {
		all[i] = (struct outcome){.set = one.set};
		assert_int_equal(pthread_create(&t[i], NULL, read_all, &all[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(all[i].rc, 0);
		assert_int_equal(all[i].chunk.rows, LINES);
		assert_int_equal(all[i].ok, one.ok);
		assert_int_equal(all[i].records, one.records);
		assert_int_equal(all[i].of_t3, one.of_t3);
		assert_true(all[i].chunk.bytes == one.chunk.bytes && all[i].chunk.min_stamp == one.chunk.min_stamp &&
		            all[i].chunk.max_stamp == one.chunk.max_stamp);
	}
	shape_set_free(one.set);
}

static int set_up(void **state)
{
	(void)state;
	lines_make();
	return formats_built_in(&formats);
}

static int tear_down(void **state)
{
	(void)state;
	formats_done(&formats);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(threads)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
