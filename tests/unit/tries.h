/* SPDX-License-Identifier: Apache-2.0 */
/* tries.h - how often a test that tries at random does so; tests/README.md has the variables. */
#ifndef TRIES_H
#define TRIES_H

#include <stdlib.h>

/* few of `make check`; more where ILU_TEST_MORE is set, as CI does; all where ILU_TEST_ALL is. */
static inline unsigned tries(unsigned few, unsigned more, unsigned all)
{
	const char *most = getenv("ILU_TEST_ALL"), *many = getenv("ILU_TEST_MORE");

	return most && *most ? all : many && *many ? more : few;
}

#endif
