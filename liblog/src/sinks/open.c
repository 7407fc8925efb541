/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - files by their names; see open.h. */
#include "sinks/open.h"

#include "base/keep.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TORN_TRIES 20 /* looks at a file's end, a millisecond apart, before half a line there is taken for one */
#define TRIES      10 /* something else has the name each time one looks */
#define FLAGS      (O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* ---- places ---- */

/* The directory that the file is in now. Without it the file is open all the same. */
static void open_directory(struct place *place)
{
	char *copy = strdup(place->path), *slash = copy ? strrchr(copy, '/') : NULL;
	int fd = -1, saved = errno;

	if (slash) {
		slash[slash == copy] = '\0';
		fd = open(copy, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	free(copy);
	if (fd >= 0) {
		keep_close(&place->directory);
		place->directory = keep_note(keep_high(fd));
	}
	errno = saved;
}

int place_init(struct place *place, const char *path)
{
	struct stat root;
	int rc;

	*place = (struct place){.directory.fd = -1};
	rc = path_absolute(path, &place->path);
	if (!rc && !stat("/", &root)) {
		place->root_device = root.st_dev;
		place->root_inode = root.st_ino;
	}
	return rc;
}

void place_done(struct place *place)
{
	keep_close(&place->directory);
	free(place->path);
	*place = (struct place){.directory.fd = -1};
}

/* Names mean something else since a chroot: then they are looked up from the directory that is open. */
static bool elsewhere(const struct place *place)
{
	struct stat root;

	return stat("/", &root) || root.st_dev != place->root_device || root.st_ino != place->root_inode;
}

int place_base(const struct place *place, const char **name)
{
	struct stat st;

	if (!elsewhere(place)) {
		*name = place->path;
		return AT_FDCWD;
	}
	*name = strrchr(place->path, '/') + 1;
	return keep_same(&place->directory, &st) ? place->directory.fd : -1;
}

/* The directories above a path. */
static int make_parents(const char *path)
{
	char *copy = strdup(path);
	int rc = copy ? 0 : -ENOMEM;

	for (char *at = copy ? strchr(copy + 1, '/') : NULL; at && !rc; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(copy, 0755) && errno != EEXIST)
			rc = -errno;
		*at = '/';
	}
	free(copy);
	return rc;
}

/* ---- opening ---- */

/* What is open is a file that the process may write its lines to. */
static int check(int fd, const struct place *place)
{
	uid_t self = geteuid();
	struct stat st, above;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISBLK(st.st_mode) || S_ISDIR(st.st_mode))
		return -EPERM;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_nlink > 1)
		return -EMLINK;
	if ((st.st_mode & S_IWOTH))
		return -EPERM;
	if (st.st_uid == self || !st.st_uid)
		return 0;
	return !self && keep_same(&place->directory, &above) && above.st_uid == st.st_uid ? 0 : -EPERM;
}

/* "/dev/stdout", "/proc/self/fd/7": the descriptor's number, else -1. They cannot be opened anew when they are sockets,
 * or after the user changed. */
static int named_descriptor(const char *target)
{
	static const char *const before[] = {"/dev/fd/", "/proc/self/fd/"};

	if (!strcmp(target, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(target, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		size_t len = strlen(before[i]);

		if (!strncmp(target, before[i], len) && isdigit((unsigned char)target[len]) && strlen(target + len) < 7)
			return atoi(target + len);
	}
	return -1;
}

static bool to_device(int base, const char *name, char target[PATH_MAX])
{
	ssize_t n = readlinkat(base, name, target, PATH_MAX - 1);
	struct stat st;

	target[n > 0 ? n : 0] = '\0';
	return named_descriptor(target) >= 0 ||
	       (!fstatat(base, name, &st, 0) && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)));
}

static int open_link(int base, const char *name, const struct stat *link)
{
	char target[PATH_MAX];
	int fd;

	if ((link->st_uid && link->st_uid != geteuid()) || !to_device(base, name, target))
		return -ELOOP;
	fd = named_descriptor(target);
	fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, KEEP_FROM) : openat(base, name, O_WRONLY | FLAGS);
	return fd < 0 ? -errno : fd;
}

/* Once; -EAGAIN: another file has the name now. */
static int open_once(int base, const char *name)
{
	struct stat st, now;
	int fd;

	if (fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			return -errno;
		fd = openat(base, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | FLAGS, 0640);
		return fd >= 0 ? fd : errno == EEXIST ? -EAGAIN : -errno;
	}
	if (S_ISLNK(st.st_mode))
		return open_link(base, name, &st);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	fd = openat(base, name, (S_ISREG(st.st_mode) ? O_RDWR : O_WRONLY) | O_NOFOLLOW | FLAGS);
	if (fd < 0 && errno == EACCES && S_ISREG(st.st_mode))
		fd = openat(base, name, O_WRONLY | O_NOFOLLOW | FLAGS);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (!fstat(fd, &now) && now.st_dev == st.st_dev && now.st_ino == st.st_ino)
		return fd;
	close(fd);
	return -EAGAIN;
}

/* Directories that are missing are made; who starts at the same time may be first, with them or with the file. */
static int open_tries(const struct place *place)
{
	const char *name;
	int base = place_base(place, &name), fd = -EAGAIN, rc;
	bool made = base != AT_FDCWD;

	for (int i = 0; i < TRIES && fd == -EAGAIN; i++) {
		fd = open_once(base, name);
		if (fd != -ENOENT || made)
			continue;
		made = true;
		rc = make_parents(name);
		fd = rc ? rc : -EAGAIN;
	}
	return fd;
}

int place_open(struct place *place)
{
	int fd = open_tries(place), rc;

	if (fd < 0)
		return fd;
	if (!elsewhere(place))
		open_directory(place);
	rc = check(fd, place);
	if (rc)
		close(fd);
	return rc ? rc : keep_high(fd);
}

int place_stat(const struct place *place, struct stat *st)
{
	const char *name;
	int base = place_base(place, &name);

	return fstatat(base, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int place_clear(const struct place *place)
{
	char target[PATH_MAX];
	const char *name;
	struct stat st;
	int base = place_base(place, &name);

	if (fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (!S_ISREG(st.st_mode) && !(S_ISLNK(st.st_mode) && !to_device(base, name, target)))
		return 0;
	return unlinkat(base, name, 0) && errno != ENOENT ? -errno : 0;
}

/* Until the write that is under way, if there is one, has ended: room is made under the same lock. */
static void wait_for_writer(int fd, off_t size)
{
	while (fallocate(fd, FALLOC_FL_KEEP_SIZE, size, 1) && errno == EINTR)
		;
}

bool open_torn(int fd, off_t size)
{
	const struct timespec wait = {0, 1000000};
	struct stat st;
	char last;

	for (int i = 0; i < TORN_TRIES; i++) {
		if (pread(fd, &last, 1, size - 1) != 1 || last == '\n')
			return false;
		nanosleep(&wait, NULL);
		if (i == TORN_TRIES - 1)
			wait_for_writer(fd, size);
		if (fstat(fd, &st))
			return false;
		if (st.st_size != size)
			i = -1;
		size = st.st_size;
		if (!size)
			return false;
	}
	return true;
}
