/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Table place, written bit by bit as a large load does, has the same rows as if it was written at once. */
#include "store/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint32_t random32(void)
{
	static uint32_t s = 2463534242u;

	s ^= s << 13;
	s ^= s >> 17;
	s ^= s << 5;
	return s;
}

/* Many transactions in one or two chunks, a few in all of them. */
static void add_chunk(struct place_set *all, struct place_set *some, int64_t chunk)
{
	char tid[64];

	for (unsigned i = 0; i < 60; i++) {
		unsigned number = i < 3 ? i : (unsigned)(chunk * 40) + random32() % 90;
		int n = snprintf(tid, sizeof tid, "%08x-transaction-%u", number * 2654435761u, number);
		uint32_t events = 1 + random32() % 9;
		unsigned blocks = 1 + random32() % 255;

		assert_int_equal(place_set_add(all, (struct slice){tid, (size_t)n}, chunk * 3, events, blocks), 0);
		assert_int_equal(place_set_add(some, (struct slice){tid, (size_t)n}, chunk * 3, events, blocks), 0);
	}
}

static void written_bit_by_bit(void **state)
{
	static const size_t most[] = {1, 70, 1000, 1u << 30};

	(void)state;
	for (unsigned i = 0; i < sizeof most / sizeof *most; i++) {
		struct place_set *all, *some;
		struct store *s;
		char *why = NULL;
		int64_t wrong = -1;

		assert_int_equal(store_open(":memory:", STORE_CREATE, &s, &why), 0);
		assert_int_equal(place_set_new(NULL, &all), 0);
		assert_int_equal(place_set_new("", &some), 0);
		place_set_most(some, most[i]);
		for (int64_t chunk = 1; chunk < 200; chunk++) {
			add_chunk(all, some, chunk);
			if (i % 2 && chunk == 100) /* the others join them */
				assert_int_equal(place_set_write(some, s), 0);
		}
		assert_int_equal(place_set_write(some, s), 0);
		assert_int_equal(place_set_write(some, s), 0); /* it is empty now */
		assert_int_equal(place_set_compare(all, s, &wrong), 0);
		assert_int_equal(wrong, 0);
		place_set_free(all);
		place_set_free(some);
		store_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(written_bit_by_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
