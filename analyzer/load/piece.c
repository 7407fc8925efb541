/* SPDX-License-Identifier: GPL-3.0-or-later */
/* piece.c - see piece.h */
#include "load/piece.h"
#include "store/chunk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LEAST = 2 << 20,
	LINES = CHUNK_ROWS / 8 * 7, /* as far as can be told: a few more still fit */
	LOOKED_AT = 64 << 10,       /* bytes of each place of a file */
	PLACES = 4
};

static size_t lines_count(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		n++;
	}
	return n;
}

static size_t piece_of(size_t bytes, size_t lines)
{
	uint64_t piece = lines ? (uint64_t)bytes * LINES / lines : PIECE_MOST;

	return piece < LEAST ? LEAST : piece > PIECE_MOST ? PIECE_MOST : (size_t)piece;
}

size_t piece_of_text(const char *text, size_t len)
{
	return piece_of(len, lines_count(text, len));
}

size_t piece_of_file(int fd, int64_t from, int64_t to)
{
	char *text = malloc(LOOKED_AT);
	size_t bytes = 0, lines = 0;

	for (int i = 0; text && i < PLACES; i++) {
		ssize_t got = pread(fd, text, LOOKED_AT, from + (to - from) / PLACES * i);

		bytes += got > 0 ? (size_t)got : 0;
		lines += got > 0 ? lines_count(text, (size_t)got) : 0;
	}
	free(text);
	return piece_of(bytes, lines);
}
