/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tempfile.c - see tempfile.h */
#include "base/tempfile.h"
#include "base/array.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
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

/* ---- directories ----
 *
 * Where temporary files are, others may write, and put something else in the place of what is ours. So a directory is
 * opened once, and what is in it goes by names in that directory, without a symbolic link being followed. */

static int open_dir(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* All that is in the directory goes; fd is closed. */
static void empty(int fd)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		int inner;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !unlinkat(fd, e->d_name, 0))
			continue;
		inner = open_dir(fd, e->d_name);
		if (inner < 0)
			continue;
		empty(inner);
		unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

/* The directory that is open as fd, in its parent under that name; another one that has the name now stays if there is
 * anything in it. */
static void remove_dir(int parent, const char *name, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own >= 0)
		empty(own);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Opens and locks it: -EWOULDBLOCK, somebody has it; -ENOENT, it is gone, or another one. */
static int lock_dir(int parent, const char *name, int *out)
{
	int fd = open_dir(parent, name), rc = 0;
	struct stat is, there;

	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB))
		rc = -errno;
	else if (fstat(fd, &is) || fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) || is.st_ino != there.st_ino ||
	         is.st_dev != there.st_dev)
		rc = -ENOENT;
	else if (is.st_uid != geteuid())
		rc = -EACCES;
	if (rc)
		close(fd);
	else
		*out = fd;
	return rc;
}

/* "name." and mkdtemp's letters: "name.old" is somebody's own. */
static bool is_ours(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '.' && strlen(entry) == len + strlen(".XXXXXX");
}

/* Whoever made such a directory has it locked until it ends, however it ends. */
static void remove_left_over(const char *tmp, const char *name)
{
	DIR *d = opendir(tmp);
	const struct dirent *e;
	int fd;

	while (d && (e = readdir(d))) {
		if (!is_ours(e->d_name, name) || lock_dir(dirfd(d), e->d_name, &fd))
			continue;
		remove_dir(dirfd(d), e->d_name, fd);
		close(fd);
	}
	if (d)
		closedir(d);
}

/* One may be taken for left over before it is locked: then it is gone, and another is made. */
static int make_dir(const char *tmp, const char *name, struct tempdir *out)
{
	int rc;

	do {
		free(out->path);
		if (asprintf(&out->path, "%s/%s.XXXXXX", tmp, name) < 0) {
			out->path = NULL;
			return -ENOMEM;
		}
		if (!mkdtemp(out->path)) {
			rc = -errno;
			free(out->path);
			out->path = NULL;
			return rc;
		}
		rc = lock_dir(AT_FDCWD, out->path, &out->fd);
	} while (rc == -EWOULDBLOCK || rc == -ENOENT);
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM) {
		rmdir(out->path);
		free(out->path);
		out->path = NULL;
		return rc;
	}
	if (rc) /* without a lock, where the file system has none */
		out->fd = open_dir(AT_FDCWD, out->path);
	return 0;
}

/* "name.HOST": a lock is seen on its own host alone, and the directory may be shared with others. */
static char *name_here(const char *name)
{
	char host[HOST_NAME_MAX + 1] = "", *here;

	gethostname(host, sizeof host - 1);
	host[strcspn(host, "/")] = '\0';
	return asprintf(&here, "%s.%s", name, host) < 0 ? NULL : here;
}

int tempdir_new(const char *name, struct tempdir *out)
{
	const char *tmp = getenv("TMPDIR");
	char *here = name_here(name), *real;
	int rc;

	tmp = tmp && *tmp ? tmp : "/tmp";
	*out = (struct tempdir){.fd = -1};
	if (!here)
		return -ENOMEM;
	remove_left_over(tmp, here);
	rc = make_dir(tmp, here, out);
	free(here);
	real = rc ? NULL : realpath(out->path, NULL);
	if (real) {
		free(out->path);
		out->path = real;
	}
	return rc;
}

void tempdir_done(struct tempdir *d)
{
	int parent = d->path && d->fd >= 0 ? openat(d->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (parent >= 0) {
		remove_dir(parent, strrchr(d->path, '/') + 1, d->fd);
		close(parent);
	}
	if (d->path && d->fd >= 0)
		close(d->fd);
	free(d->path);
	*d = (struct tempdir){0};
}

/* ---- files ---- */

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

void tempfile_done(struct tempfile_in *in)
{
	free(in->buf);
	in->buf = NULL;
	in->from = in->n = in->room = 0;
}
