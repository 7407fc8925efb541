/* SPDX-License-Identifier: Apache-2.0 */
/* sanitize.h - telling the address and the thread sanitizer that stacks are switched. Nothing without them. */
#ifndef ILU_SANITIZE_H
#define ILU_SANITIZE_H

#include "virtual.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CLOCK_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define CLOCK_TSAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CLOCK_ASAN)
#define CLOCK_ASAN
#endif
#if defined(__SANITIZE_THREAD__) && !defined(CLOCK_TSAN)
#define CLOCK_TSAN
#endif

/* Instrumented code needs larger frames. */
#if defined(CLOCK_ASAN) || defined(CLOCK_TSAN)
#define STACK_FACTOR 8
#else
#define STACK_FACTOR 1
#endif

#ifdef CLOCK_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CLOCK_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#endif

/* a->fiber: [0] the sanitizer's handle, [1] and [2] bounds of main's own stack. */

/* What frames of an earlier life forbade of this memory is forgotten: a task's, or those of a thread whose stack was
 * here. */
static inline void stack_clean(char *stack, size_t size)
{
#ifdef CLOCK_ASAN
	ASAN_UNPOISON_MEMORY_REGION(stack, size);
#endif
	(void)stack;
	(void)size;
}

/* Read what another actor left at the end of its stack: a prefetch alone does not bring in the address of the page. */
static inline void stack_look(const char *sp)
{
#if !defined(CLOCK_ASAN) && !defined(CLOCK_TSAN)
	(void)*(const volatile char *)sp;
#endif
	(void)sp;
}

/* The stack begins a new life with a. */
static inline void fiber_begin(struct actor *a)
{
#ifdef CLOCK_ASAN
	ASAN_UNPOISON_MEMORY_REGION(a->stack, a->stack_size);
#endif
#ifdef CLOCK_TSAN
	a->fiber[0] = __tsan_create_fiber(0);
#endif
	(void)a;
}

static inline void fiber_end(struct actor *a)
{
#ifdef CLOCK_TSAN
	if (a->fiber[0])
		__tsan_destroy_fiber(a->fiber[0]);
	a->fiber[0] = NULL;
#endif
	(void)a;
}

static inline void fiber_is_here(struct actor *main_actor)
{
#ifdef CLOCK_TSAN
	main_actor->fiber[0] = __tsan_get_current_fiber();
#endif
	(void)main_actor;
}

/* Around a switch; `for_good`: from will not run again. */
static inline void fiber_leave(struct actor *from, struct actor *to, bool for_good)
{
#ifdef CLOCK_ASAN
	void *bottom = to->stack ? to->stack : to->fiber[1];
	size_t size = to->stack ? to->stack_size : (size_t)(uintptr_t)to->fiber[2];

	__sanitizer_start_switch_fiber(for_good ? NULL : &from->fiber[0], bottom, size);
#endif
#ifdef CLOCK_TSAN
	__tsan_switch_to_fiber(to->fiber[0], 0);
#endif
	(void)from;
	(void)to;
	(void)for_good;
}

/* `me` is here (again); it came from main: so learn main's bounds. */
static inline void fiber_enter(struct actor *me, struct actor *main_actor, bool first)
{
#ifdef CLOCK_ASAN
	const void *bottom = NULL;
	size_t size = 0;

	__sanitizer_finish_switch_fiber(first ? NULL : me->fiber[0], &bottom, &size);
	if (!main_actor->fiber[1]) {
		main_actor->fiber[1] = (void *)(uintptr_t)bottom;
		main_actor->fiber[2] = (void *)(uintptr_t)size;
	}
#endif
	(void)me;
	(void)main_actor;
	(void)first;
}

#endif
