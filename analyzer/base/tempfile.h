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

/* A directory for what must have names. Zero-initialise. */
struct tempdir {
	char *path; /* its real path; NULL: there is none */
	int fd;     /* the directory, locked as long as the process lives where its file system knows locks */
};

/* Makes one among the temporary files; its name is `name`, this host's, and letters, with dots between. Those that a
 * process of this host left over which was killed go meanwhile. tempdir_done takes it away with all that is in it, and
 * nothing that somebody has put in its place. */
int tempdir_new(const char *name, struct tempdir *out);
void tempdir_done(struct tempdir *d);

/* A stretch of a file that is read from its begin to its end: zeroed, then fd, at and end set. */
struct tempfile_in {
	int fd;
	off_t at, end; /* of what is not in buf yet */
	char *buf;
	size_t from, n, room;
};

/* The next n bytes, valid until the next call. -EIO: there are fewer. */
int tempfile_take(struct tempfile_in *in, size_t n, const char **out);
/* Its memory; it may be read again. */
void tempfile_done(struct tempfile_in *in);
static inline int tempfile_at_end(const struct tempfile_in *in)
{
	return in->at == in->end && in->from == in->n;
}

#endif
