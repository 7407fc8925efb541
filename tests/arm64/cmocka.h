/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h - as much of cmocka as the tests of the escaper ask for, where cmocka is not there for the
 * machine that they are built for. A failed assertion ends the program. */
#ifndef ARM64_CMOCKA_H
#define ARM64_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define cmocka_unit_test(f) \
	{                   \
#f, f       \
	}

#define fail_msg(...)                                  \
	do {                                           \
		printf("%s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__);                   \
		putchar('\n');                         \
		exit(1);                               \
	} while (0)

#define assert_true(c)                ((c) ? (void)0 : failed_(__FILE__, __LINE__, #c))
#define assert_false(c)               assert_true(!(c))
#define assert_non_null(p)            assert_true((p) != NULL)
#define assert_int_equal(a, b)        assert_true((uint64_t)(a) == (uint64_t)(b))
#define assert_in_range(v, low, high) assert_true((uint64_t)(v) >= (uint64_t)(low) && (uint64_t)(v) <= (uint64_t)(high))
#define assert_string_equal(a, b)     assert_true(strcmp(a, b) == 0)
#define assert_memory_equal(a, b, n)  assert_true(memcmp(a, b, n) == 0)

static inline void failed_(const char *file, int line, const char *what)
{
	printf("%s:%d: not so: %s\n", file, line, what);
	exit(1);
}

static inline int run_all_(const struct CMUnitTest *tests, size_t count)
{
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		void *state = NULL;

		tests[i].run(&state);
		printf("ok %zu - %s\n", i + 1, tests[i].name);
	}
	return 0;
}

#define cmocka_run_group_tests(tests, setup, teardown) run_all_(tests, sizeof(tests) / sizeof *(tests))

#endif
