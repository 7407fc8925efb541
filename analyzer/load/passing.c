/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passing.c - see passing.h
 *
 * A mapping tells what is in memory, and is never touched. (RWF_DONTCACHE, of Linux 6.14, took more of the processor
 * for reads of our size than giving back what was read.) */
#include "load/passing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SHARE = 8, /* so much of the machine's memory may be left full of text: one part in ... */
	LOOKED_AT = 64 * PASSING_STRETCH
};

bool passing_is_worth(int64_t bytes)
{
	int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	return memory > 0 && bytes > memory / SHARE;
}

/* Which stretches of [from, from + len) are in memory; from is a stretch's. false: it can't be told. */
static bool look(const struct passing *p, int64_t from, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (len + page - 1) / page;
	unsigned char *there = malloc(pages);
	void *map = there ? mmap(NULL, len, PROT_READ, MAP_SHARED, p->fd, from) : MAP_FAILED;
	bool told = map != MAP_FAILED && !mincore(map, len, there);

	for (size_t at = 0; told && at < len; at += PASSING_STRETCH) {
		size_t first = at / page, last = (at + PASSING_STRETCH) / page;

		for (size_t i = first; i < last && i < pages; i++)
			p->in_memory[(from + (int64_t)at) / PASSING_STRETCH] |= there[i] & 1;
	}
	if (map != MAP_FAILED)
		munmap(map, len);
	free(there);
	return told;
}

void passing_begin(struct passing *p, int fd, int64_t from, int64_t size)
{
	int64_t first = from / PASSING_STRETCH * PASSING_STRETCH;
	bool told;

	*p = (struct passing){.fd = fd, .size = size, .at = first};
	p->in_memory = calloc((size_t)(size / PASSING_STRETCH) + 1, sizeof *p->in_memory);
	told = p->in_memory != NULL;
	for (int64_t at = first; told && at < size; at += LOOKED_AT)
		told = look(p, at, size - at < LOOKED_AT ? (size_t)(size - at) : LOOKED_AT);
	if (!told)
		passing_done(p);
}

void passing_done(struct passing *p)
{
	free(p->in_memory);
	p->in_memory = NULL;
}

void passing_behind(struct passing *p, int64_t to)
{
	/* of a stretch that is read in part the rest is still to come */
	int64_t end = to < p->size ? to / PASSING_STRETCH * PASSING_STRETCH : p->size;

	while (p->in_memory && p->at < end) {
		int64_t from = p->at;

		while (p->at < end && !p->in_memory[p->at / PASSING_STRETCH])
			p->at += PASSING_STRETCH;
		if (p->at > from)
			posix_fadvise(p->fd, from, p->at - from, POSIX_FADV_DONTNEED);
		while (p->at < end && p->in_memory[p->at / PASSING_STRETCH])
			p->at += PASSING_STRETCH;
	}
}
