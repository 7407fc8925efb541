/* SPDX-License-Identifier: Apache-2.0 */
/* context.c - see context.h. In assembly a context is its stack pointer: all else is pushed there. */
#include "context.h"

#include <stdint.h>
#include <string.h>

#ifdef CLOCK_UCONTEXT

#include <stdlib.h>
#include <ucontext.h>

void *context_make(char *stack, size_t size, void (*entry)(void))
{
	ucontext_t *volatile kept = calloc(1, sizeof *kept); /* getcontext returns once only, which gcc cannot know */
	ucontext_t *c = kept;

	if (!c)
		return NULL;
	if (getcontext(c)) {
		free(kept);
		return NULL;
	}
	c = kept;
	c->uc_stack.ss_sp = stack;
	c->uc_stack.ss_size = size;
	makecontext(c, entry, 0);
	return c;
}

void context_drop(void *context)
{
	free(context);
}

void context_swap(void **from, void *to)
{
	swapcontext(*from, to);
}

void *context_here(void)
{
	return calloc(1, sizeof(ucontext_t));
}

#else

#if defined(__x86_64__)

#define SAVED 6 /* rbp rbx r12-r15 */

__asm__(".pushsection .text\n"
        ".globl ilu_context_switch_\n"
        ".hidden ilu_context_switch_\n"
        ".type ilu_context_switch_, @function\n"
        "ilu_context_switch_:\n"
        "	pushq %rbp\n"
        "	pushq %rbx\n"
        "	pushq %r12\n"
        "	pushq %r13\n"
        "	pushq %r14\n"
        "	pushq %r15\n"
        "	movq %rsp, (%rdi)\n"
        "	movq %rsi, %rsp\n"
        "	popq %r15\n"
        "	popq %r14\n"
        "	popq %r13\n"
        "	popq %r12\n"
        "	popq %rbx\n"
        "	popq %rbp\n"
        "	ret\n"
        ".size ilu_context_switch_, .-ilu_context_switch_\n"
        ".popsection\n");

/* On entry the stack must be as after a call: 8 bytes off a multiple of 16, with a return address (none) on it. */
static void **first_frame(char *top, void (*entry)(void))
{
	void **sp = (void **)(void *)top - SAVED - 2;

	memset(sp, 0, (SAVED + 2) * sizeof *sp);
	sp[SAVED] = (void *)(uintptr_t)entry;
	return sp;
}

#elif defined(__aarch64__)

#define SAVED 20 /* d8-d15, x19-x28, x29, x30 */

__asm__(".pushsection .text\n"
        ".globl ilu_context_switch_\n"
        ".hidden ilu_context_switch_\n"
        ".type ilu_context_switch_, %function\n"
        "ilu_context_switch_:\n"
        "	sub sp, sp, #160\n"
        "	stp d8, d9, [sp, #0]\n"
        "	stp d10, d11, [sp, #16]\n"
        "	stp d12, d13, [sp, #32]\n"
        "	stp d14, d15, [sp, #48]\n"
        "	stp x19, x20, [sp, #64]\n"
        "	stp x21, x22, [sp, #80]\n"
        "	stp x23, x24, [sp, #96]\n"
        "	stp x25, x26, [sp, #112]\n"
        "	stp x27, x28, [sp, #128]\n"
        "	stp x29, x30, [sp, #144]\n"
        "	mov x9, sp\n"
        "	str x9, [x0]\n"
        "	mov sp, x1\n"
        "	ldp d8, d9, [sp, #0]\n"
        "	ldp d10, d11, [sp, #16]\n"
        "	ldp d12, d13, [sp, #32]\n"
        "	ldp d14, d15, [sp, #48]\n"
        "	ldp x19, x20, [sp, #64]\n"
        "	ldp x21, x22, [sp, #80]\n"
        "	ldp x23, x24, [sp, #96]\n"
        "	ldp x25, x26, [sp, #112]\n"
        "	ldp x27, x28, [sp, #128]\n"
        "	ldp x29, x30, [sp, #144]\n"
        "	add sp, sp, #160\n"
        "	ret\n"
        ".size ilu_context_switch_, .-ilu_context_switch_\n"
        ".popsection\n");

static void **first_frame(char *top, void (*entry)(void))
{
	void **sp = (void **)(void *)top - SAVED;

	memset(sp, 0, SAVED * sizeof *sp);
	sp[SAVED - 1] = (void *)(uintptr_t)entry; /* x30 */
	return sp;
}

#endif

void ilu_context_switch_(void **from, void *to) __attribute__((visibility("hidden")));

void *context_make(char *stack, size_t size, void (*entry)(void))
{
	char *top = (char *)((uintptr_t)(stack + size) & ~(uintptr_t)15);
	return first_frame(top, entry);
}

void context_drop(void *context)
{
	(void)context;
}

void context_swap(void **from, void *to)
{
	ilu_context_switch_(from, to);
}

void *context_here(void)
{
	return NULL;
}

#endif
