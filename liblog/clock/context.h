/* SPDX-License-Identifier: Apache-2.0 */
/* context.h - stacks that one pthread can change between: a few instructions where we know the machine, ucontext(3)
 * elsewhere (which asks the kernel for the signal mask each time, and is some twenty times slower).
 *
 * Kept over a switch: what the calling convention says a function keeps. Not kept: the floating-point modes and the
 * signal mask, which all stacks of a pthread share. */
#ifndef ILU_CONTEXT_H
#define ILU_CONTEXT_H

#include <stddef.h>

#if !defined(CLOCK_UCONTEXT) && !defined(__x86_64__) && !defined(__aarch64__)
#define CLOCK_UCONTEXT
#endif

/* A context that begins in `entry` (which never returns) on that stack. Needs context_drop. NULL: no memory. */
void *context_make(char *stack, size_t size, void (*entry)(void));
void context_drop(void *context);

/* Leave the running context, which can be resumed by *from afterwards, and resume `to`. */
void context_swap(void **from, void *to);

/* A context for the stack the caller is on, to be the first `from`. */
void *context_here(void);

#endif
