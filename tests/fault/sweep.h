/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - each kind of fault in each of several subjects, a test for each two, so that what is found in one hides
 * nothing of the others. How many of the calls are tried, tests/README.md says. */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#define SWEEP_TITLE 80

struct sweep_of {
	const char *name;
	size_t n; /* subjects */
	void (*title)(size_t subject, char out[SWEEP_TITLE]);
	bool (*takes)(int kind); /* NULL: all that are for commands */
	/* Before the first try of a subject: what it comes to when nothing fails. */
	void (*prepare)(size_t subject);
	/* How many calls of a kind it makes. */
	unsigned (*calls)(size_t subject, int kind);
	/* Call number `at` fails: the test fails where it should not come to what it comes to. */
	void (*one)(size_t subject, int kind, unsigned at);
	unsigned few, more; /* calls that are tried of each: always, with ILU_TEST_MORE */
	int (*setup)(void **state), (*teardown)(void **state);
};

/* Runs them; ILU_FAULT="SUBJECT [KIND [CALL]]", numbers: those alone, and ILU_FAULT_PART="1/4" every fourth call of
 * them, for several processes at a time. The exit status. */
int sweep_run(const struct sweep_of *of);

#endif
