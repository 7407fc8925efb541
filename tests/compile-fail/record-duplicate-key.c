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
	ilu_span_record(ILU_SPAN_NONE, KV("a", 1), KV("b", 2));
#else
	ilu_span_record(ILU_SPAN_NONE, KV("a", 1), KV("a", 2));
#endif
}
