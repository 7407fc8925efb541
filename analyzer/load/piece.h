/* SPDX-License-Identifier: GPL-3.0-or-later */
/* piece.h - into how large pieces a log is cut, for several threads to read.
 *
 * A worker may be ahead of the piece before its own by one chunk, which it holds until its turn to write has come. So
 * a piece has about as many lines as a chunk takes: with more, its worker would wait in the middle of it. */
#ifndef LOAD_PIECE_H
#define LOAD_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIECE_MOST (32u << 20) /* bytes */

/* Whether a line that begins so goes on with the one before, as it seems: no good start of a piece. */
static inline bool piece_continues(char first)
{
	return first == ' ' || first == '\t' || first == '}' || first == ']' || first == '\r' || !first;
}

/* Bytes of a piece, about, as lines of the text have it. */
size_t piece_of_text(const char *text, size_t len);
/* The same as some places of a plain file between two offsets have it. */
size_t piece_of_file(int fd, int64_t from, int64_t to);
/* Whether so many bytes are one piece: a little more than that is not worth another. */
static inline bool piece_is_last(size_t piece, int64_t bytes)
{
	return bytes < (int64_t)(piece + piece / 8);
}

/* Bytes of the next piece of those that are left. The last two are alike: nobody waits long for the last one. */
static inline int64_t piece_next(size_t piece, int64_t left)
{
	return piece_is_last(piece, left) ? left : piece_is_last(2 * piece, left) ? left / 2 : (int64_t)piece;
}

#endif
