/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records come back in order and whole, those that compare the same as they were added, whether they fitted in memory
 * or went through a file. */
#include "base/sorter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RECORDS = 5000, KEYS = 700, LONGEST = 300 };

static uint32_t random32(void)
{
	static uint32_t s = 2463534242u;

	s ^= s << 13;
	s ^= s >> 17;
	s ^= s << 5;
	return s;
}

struct head {
	uint32_t key, number; /* in the order of adding */
};

static struct head head_of(struct slice x)
{
	struct head h;

	memcpy(&h, x.ptr, sizeof h);
	return h;
}

static int by_key(struct slice a, struct slice b)
{
	uint32_t x = head_of(a).key, y = head_of(b).key;

	return (x > y) - (x < y);
}

/* A record's length and bytes follow from its head. */
static struct slice make(struct head h, char *buf)
{
	size_t len = sizeof h + (h.key * 7 + h.number * 13) % (LONGEST - sizeof h);

	memset(buf, (int)(h.number & 0xff), len);
	memcpy(buf, &h, sizeof h);
	return (struct slice){buf, len};
}

static void read_all(struct sorter *s, uint32_t records)
{
	struct head last = {0, 0};
	struct slice x;
	char buf[LONGEST];

	for (uint32_t i = 0; i < records; i++) {
		assert_int_equal(sorter_next(s, &x), 1);
		struct head h = head_of(x);

		assert_true(slice_same(x, make(h, buf)));
		assert_true(!i || h.key > last.key || (h.key == last.key && h.number > last.number));
		last = h;
	}
	assert_int_equal(sorter_next(s, &x), 0);
	assert_int_equal(sorter_next(s, &x), 0);
}

static uint64_t whole_key(struct slice x)
{
	return head_of(x).key;
}

static uint64_t part_of_key(struct slice x)
{
	return head_of(x).key / 16;
}

static void comes_back(size_t memory, sorter_key *key, uint32_t records)
{
	struct sorter *s;
	char buf[LONGEST];

	assert_int_equal(sorter_new(NULL, memory, by_key, &s), 0);
	sorter_by_key(s, key);
	for (uint32_t i = 0; i < records; i++)
		assert_int_equal(sorter_add(s, make((struct head){random32() % KEYS, i}, buf)), 0);
	for (int times = 0; times < 2; times++) {
		assert_int_equal(sorter_rewind(s), 0);
		read_all(s, records);
	}
	sorter_free(s);
}

static void in_memory_or_not(void **state)
{
	static const size_t memory[] = {1, 1000, 100000, 0};
	static sorter_key *const keys[] = {NULL, whole_key, part_of_key};

	(void)state;
	for (unsigned i = 0; i < sizeof memory / sizeof *memory; i++)
		for (unsigned k = 0; k < sizeof keys / sizeof *keys; k++) {
			comes_back(memory[i], keys[k], 0);
			comes_back(memory[i], keys[k], 1);
			comes_back(memory[i], keys[k], RECORDS);
		}
}

/* The keys of texts are in the order of the texts, whatever bytes they have. */
static void text_keys(void **state)
{
	static const struct slice texts[] = {SLICE(""),         SLICE("\0"),        SLICE("a"),        SLICE("a\0"),
	                                     SLICE("abcdefgh"), SLICE("abcdefghi"), SLICE("abcdefgi"), SLICE("\xff")};

	(void)state;
	for (unsigned i = 0; i + 1 < sizeof texts / sizeof *texts; i++) {
		assert_true(slice_compare(texts[i], texts[i + 1]) < 0);
		assert_true(sorter_text_key(texts[i]) <= sorter_text_key(texts[i + 1]));
	}
	assert_true(sorter_text_key(texts[5]) < sorter_text_key(texts[6]));
}

/* A directory that cannot be written to is told when memory is full, not before. */
static void no_place(void **state)
{
	struct sorter *s;
	char buf[LONGEST];

	(void)state;
	assert_int_equal(sorter_new("/no/such/directory/db", 1, by_key, &s), 0);
	assert_int_equal(sorter_add(s, make((struct head){1, 1}, buf)), 0);
	assert_int_equal(sorter_add(s, make((struct head){1, 2}, buf)), -ENOENT);
	sorter_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(in_memory_or_not), cmocka_unit_test(text_keys),
	                                   cmocka_unit_test(no_place)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
