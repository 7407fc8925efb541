/* SPDX-License-Identifier: GPL-3.0-or-later */
/* array.c - see array.h */
#include "base/array.h"
#include <stdlib.h>

/* The first elements: so many, or so many bytes of them. */
#define FIRST       4
#define FIRST_BYTES 256

void *array_grown(void *v, size_t *room, size_t want, size_t most, size_t size)
{
	size_t first = FIRST * size < FIRST_BYTES ? FIRST_BYTES / size : FIRST;
	size_t n = *room <= most / 2 ? *room * 2 : most;

	if (want > most)
		return NULL;
	n = n > first ? n : first;
	n = n > want ? n : want;
	n = n < most ? n : most;
	v = reallocarray(v, n, size);
	if (v)
		*room = n;
	return v;
}
