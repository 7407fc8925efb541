/* SPDX-License-Identifier: Apache-2.0 */
/* error: reserved */
#include <ilu/log.h>

void f(const ilu_tid *tid, const char *text, void *pointer, int *number);
void f(const ilu_tid *tid, const char *text, void *pointer, int *number)
{
	struct pair {
		int a, b;
	} pair = {1, 2};

	(void)tid, (void)text, (void)pointer, (void)number, (void)pair;
#ifndef BAD
	ilu_info(tid, "hello", KV("tids", 1));
#else
	ilu_info(tid, "hello", KV("tid", 1));
#endif
}
