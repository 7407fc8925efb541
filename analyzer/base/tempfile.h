/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tempfile.h - a file without a name, for what is too much for memory: it goes with its descriptor, however the process
 * ends; and a directory for what must have names.
 *
 * Its bytes are ours alone and live as long as the process, so that there is no version and no byte order to them. All
 * functions return 0 or a negative errno, such as -ENOSPC. */
#ifndef BASE_TEMPFILE_H
#define BASE_TEMPFILE_H

#include <stddef.h>
#include <sys/types.h>

/* Opens one in the directory of the file `beside`, or, NULL or "" or where nobody may write, of temporary files.
 * Returns the descriptor. */
int tempfile_open(const char *beside);
/* Writes n bytes at *end, which moves behind them. */
int tempfile_write(int fd, off_t *end, const char *p, size_t n);

/* Makes a directory of temporary files whose name begins with `name`. *dir is its real path, yours: tempdir_done, which
 * takes it away with all that is in it; NULL: there is none. */
int tempdir_new(const char *name, char **dir);
void tempdir_done(char *dir);

/* A stretch of a file that is read from its begin to its end: zeroed, then fd, at and end set. */
struct tempfile_in {
	int fd;
	off_t at, end; /* of what is not in buf yet */
	char *buf;
	size_t from, n, room;
};

/* The next n bytes, valid until the next call. -EIO: there are fewer. */
int tempfile_take(struct tempfile_in *in, size_t n, const char **out);
static inline int tempfile_at_end(const struct tempfile_in *in)
{
	return in->at == in->end && in->from == in->n;
}

#endif
