/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample_test.c - lines of a sample are found by their message as a walk through all of them finds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/sample.h"

enum { TIDS = 40, KEYS = 9, LINES = 600 };

/* Lines by transaction; one has none, and one message nobody has. */
static void fill(struct sample *s, struct sample_line *line, uint32_t *first)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < TIDS; t++) {
		first[t] = n;
		for (uint32_t i = t == 7 ? 15 : 0; i < 15; i++, n++)
			line[n] = (struct sample_line){.tid = t, .key = (uint32_t)rand() % (KEYS - 1), .id = n};
	}
	first[TIDS] = n;
	*s = (struct sample){.line = line, .nlines = n, .first = first, .nkeys = KEYS, .tids.n = TIDS};
}

static void assert_as_walked(const struct sample *s, uint32_t tid, uint32_t key, uint32_t end)
{
	uint32_t n = 0, where = SAMPLE_NONE, found = SAMPLE_NONE;

	for (uint32_t i = s->first[tid]; i < end; i++)
		if (s->line[i].key == key && !n++)
			where = i;
	assert_int_equal(lines_before(s, tid, key, end, &found), n);
	assert_int_equal(found, where);
	if (end == s->first[tid + 1])
		assert_int_equal(lines_of_key(s, tid, key, &found), n);
}

static void finds_lines_by_their_message(void **state)
{
	struct sample_line line[LINES];
	uint32_t first[TIDS + 1];
	struct sample s;

	(void)state;
	srand(3);
	fill(&s, line, first);
	assert_int_equal(sample_index_keys(&s), 0);
	for (uint32_t t = 0; t < TIDS; t++)
		for (uint32_t k = 0; k < KEYS; k++)
			for (uint32_t end = first[t]; end <= first[t + 1]; end++)
				assert_as_walked(&s, t, k, end);
	free(s.by_key);
	free(s.of_key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_lines_by_their_message)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
