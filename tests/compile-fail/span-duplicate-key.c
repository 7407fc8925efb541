/* SPDX-License-Identifier: Apache-2.0 */
/* error: duplicate */
#include <ilu/log.h>

void f(const ilu_tid *tid, const char *text, void *pointer, int *number);
void f(const ilu_tid *tid, const char *text, void *pointer, int *number)
{
	struct pair {
		int a, b;
	} pair = {1, 2};

	(void)tid, (void)text, (void)pointer, (void)number, (void)pair;
#ifndef BAD
	ILU_SPAN(span, "name", tid, KV("a", 1), KV("b", 2));
#else
	ILU_SPAN(span, "name", tid, KV("a", 1), KV("a", 2));
#endif
}
