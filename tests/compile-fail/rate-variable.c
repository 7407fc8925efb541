/* SPDX-License-Identifier: Apache-2.0 */
/* error: constant */
#include <ilu/log.h>

void f(const ilu_tid *tid, const char *text, void *pointer, int *number);
void f(const ilu_tid *tid, const char *text, void *pointer, int *number)
{
	struct pair {
		int a, b;
	} pair = {1, 2};

	(void)tid, (void)text, (void)pointer, (void)number, (void)pair;
#ifndef BAD
	ilu_info_limited(ILU_RATE(0.5, 3), tid, "hello", KV("a", 1));
	ilu_warn_limited(ILU_RATE_BY("a", 10, 3), tid, "hello", KV("a", 1));
#else
	ilu_info_limited(ILU_RATE(*number, 3), tid, "hello", KV("a", 1));
#endif
}
