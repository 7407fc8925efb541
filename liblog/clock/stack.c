/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - stacks of tasks, used again and again.
 *
 * Sizes are powers of two. Stacks are cut from slabs that are only reserved: a page costs memory when it is touched,
 * and a task that does little touches one. The first ones get a guard page below; giving one to each would need more
 * mappings than a process may have. A stack is given back by the task that still runs on it, which is fine: nobody can
 * take it before the task has switched away, see turn.c. The list of free ones is in their own topmost bytes. */
#include "sanitize.h"
#include "virtual.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CLASSES    31
#define LEAST      13
#define SLAB_BYTES ((size_t)4 << 20)
#define GUARDED    1024

struct slab {
	char *at;
	size_t bytes;
	struct slab *next;
};

static struct slab *slabs;
static char *free_stacks[CLASSES];
static size_t guarded;

static char **link_of(char *stack, size_t size)
{
	return (char **)(void *)(stack + size - sizeof(char *));
}

static void add(char *stack, size_t size, unsigned class)
{
	*link_of(stack, size) = free_stacks[class];
	free_stacks[class] = stack;
}

/* The stacks are linked when they are first given out, so that a slab's pages stay untouched until then. */
static struct {
	char *next, *end;
} fresh[CLASSES];

static bool more(unsigned class)
{
	size_t size = (size_t)1 << class, bytes = size < SLAB_BYTES ? SLAB_BYTES : size;
	struct slab *slab = malloc(sizeof *slab);

	if (!slab)
		return false;
	slab->at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slab->at == MAP_FAILED) {
		free(slab);
		return false;
	}
	slab->bytes = bytes;
	slab->next = slabs;
	slabs = slab;
	fresh[class].next = slab->at;
	fresh[class].end = slab->at + bytes;
	return true;
}

static unsigned class_of(size_t size)
{
	unsigned class = LEAST;

	while (class < CLASSES && ((size_t)1 << class) < size)
		class ++;
	return class;
}

char *stack_take(size_t *size)
{
	unsigned class = class_of(*size);
	char *stack;

	if (class >= CLASSES)
		return NULL;
	*size = (size_t)1 << class;
	stack = free_stacks[class];
	if (stack) {
		stack_clean(stack, *size);
		free_stacks[class] = *link_of(stack, *size);
		return stack;
	}
	if (fresh[class].next == fresh[class].end && !more(class))
		return NULL;
	stack = fresh[class].next;
	fresh[class].next += *size;
	stack_clean(stack, *size);
	if (guarded < GUARDED && !mprotect(stack, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE))
		guarded++;
	return stack;
}

void stack_give(char *stack, size_t size)
{
	add(stack, size, class_of(size));
}

void stacks_free(void)
{
	while (slabs) {
		struct slab *slab = slabs;

		slabs = slab->next;
		stack_clean(slab->at, slab->bytes); /* something else may be mapped there */
		munmap(slab->at, slab->bytes);
		free(slab);
	}
	memset(free_stacks, 0, sizeof free_stacks);
	memset(fresh, 0, sizeof fresh);
	guarded = 0;
}
