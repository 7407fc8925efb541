/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.h - one line on a terminal that says how far a load is. */
#ifndef LOAD_PROGRESS_H
#define LOAD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int fd;
	bool on;    /* fd is a terminal and nobody said --quiet */
	bool shown; /* there is a line to erase */
	int64_t start_ns, last_ns;
	int64_t total_bytes; /* of the files; -1: not known */
};

/* fd is where the line goes (2); nothing is ever written where it is not a terminal or quiet is true. */
void progress_init(struct progress *p, int fd, bool quiet, int64_t total_bytes);

/* Shows how far it is, at most ten times a second: file_bytes of total_bytes used, lines so far, the file at work.
 * Costs a look at the clock; call it once a block. One thread only. */
void progress_show(struct progress *p, int64_t file_bytes, int64_t lines, const char *path);

/* Erases the line: at the end, and before anything else is written to the terminal. */
void progress_clear(struct progress *p);

#endif
