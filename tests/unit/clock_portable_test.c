/* SPDX-License-Identifier: Apache-2.0 */
/* clock_portable_test.c - virtual time on ucontext(3), as machines get it whose stacks we cannot switch ourselves. */
#define CLOCK_UCONTEXT
#include "../../liblog/clock/context.c"
#include "clock_virtual_test.c"
