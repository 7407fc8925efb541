/* SPDX-License-Identifier: Apache-2.0 */
/* error: MORE_THAN_16 */
#include <ilu/log.h>

void f(const ilu_tid *tid, const char *text, void *pointer, int *number);
void f(const ilu_tid *tid, const char *text, void *pointer, int *number)
{
	struct pair {
		int a, b;
	} pair = {1, 2};

	(void)tid, (void)text, (void)pointer, (void)number, (void)pair;
#ifndef BAD
	ilu_info(tid, "hello", KV("a", 1), KV("b", 1), KV("c", 1), KV("d", 1), KV("e", 1), KV("f", 1), KV("g", 1),
	         KV("h", 1), KV("i", 1), KV("j", 1), KV("k", 1), KV("l", 1), KV("m", 1), KV("n", 1), KV("o", 1),
	         KV("p", 1));
#else
	ilu_info(tid, "hello", KV("a", 1), KV("b", 1), KV("c", 1), KV("d", 1), KV("e", 1), KV("f", 1), KV("g", 1),
	         KV("h", 1), KV("i", 1), KV("j", 1), KV("k", 1), KV("l", 1), KV("m", 1), KV("n", 1), KV("o", 1),
	         KV("p", 1), KV("q", 1));
#endif
}
