/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tempfile.c - see tempfile.h */
#include "base/tempfile.h"
#include "base/array.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { IN = 1 << 15 }; /* bytes read at once */

static int open_at(const char *dir, const char *name)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s%s.ilu-temp-XXXXXX", dir, name) < 0)
		return -ENOMEM;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		unlink(path);
	free(path);
	return fd;
}

int tempfile_open(const char *beside)
{
	const char *dir = getenv("TMPDIR");
	int fd = beside && *beside ? open_at(beside, "") : -EACCES;

	return fd == -EACCES || fd == -EROFS ? open_at(dir ? dir : "/tmp", "/") : fd;
}

int tempdir_new(const char *name, char **dir)
{
	const char *tmp = getenv("TMPDIR");
	char *made, *real;
	int rc;

	*dir = NULL;
	if (asprintf(&made, "%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", name) < 0)
		return -ENOMEM;
	if (!mkdtemp(made)) {
		rc = -errno;
		free(made);
		return rc;
	}
	real = realpath(made, NULL);
	if (real)
		free(made);
	*dir = real ? real : made;
	return 0;
}

static int take_away(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)at;
	return flag == FTW_DP ? rmdir(path) : unlink(path);
}

void tempdir_done(char *dir)
{
	if (dir)
		nftw(dir, take_away, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

int tempfile_write(int fd, off_t *end, const char *p, size_t n)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, *end);

		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0)
			p += k, n -= (size_t)k, *end += k;
	}
	return 0;
}

int tempfile_take(struct tempfile_in *in, size_t n, const char **out)
{
	while (in->n - in->from < n) {
		size_t want = n > IN ? n : IN, left = (size_t)(in->end - in->at);
		ssize_t k;

		if (in->n > in->from && in->from)
			memmove(in->buf, in->buf + in->from, in->n - in->from);
		in->n -= in->from;
		in->from = 0;
		if (array_reserve(in->buf, in->room, want))
			return -ENOMEM;
		want = in->room - in->n < left ? in->room - in->n : left;
		k = want ? pread(in->fd, in->buf + in->n, want, in->at) : 0;
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? -errno : -EIO;
		in->n += (size_t)k;
		in->at += k;
	}
	*out = in->buf + in->from;
	in->from += n;
	return 0;
}
