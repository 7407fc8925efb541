/* SPDX-License-Identifier: Apache-2.0 */
/* adopt.c - boxes of children that gave up their user; see box.h.
 *
 * Nobody else may tell a process whose box it is to read: what is sent comes over a socket that children inherit. The
 * child keeps its mapping, so what is in the box, and its header, stay a stranger's words; the file itself, its name
 * and its mode are the new owner's from then on. */
#include "box/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADOPTED S_ISVTX /* a mode that means nothing else for a file, and that its old owner cannot change */

/* The same name with our user in it, and this log. false: it is no box's name. */
static bool new_name(const char *name, const char *log, char out[BOX_PATH])
{
	char prefix[64], random[9];
	int past = 0;
	long pid;

	if (sscanf(name, "ilulog-%*d-%*16[0-9a-f]-%ld-%8[0-9a-f].box%n", &pid, random, &past) != 2 || !past ||
	    name[past])
		return false;
	box_prefix(log, prefix);
	snprintf(out, BOX_PATH, "%s%ld-%s.box", prefix, pid, random);
	return true;
}

static int take(int directory, int fd, const char *name, const char *to)
{
	int rc;

	if (renameat2(directory, name, directory, to, RENAME_NOREPLACE))
		return -errno;
	if (!fchmod(fd, 0600 | ADOPTED) && !fchown(fd, geteuid(), getegid()))
		return 0;
	rc = -errno;
	renameat(directory, to, directory, name);
	return rc;
}

static int take_in(const char *where, int fd, const struct stat *st, const char *name, const char *to)
{
	int directory = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -ENOENT;
	struct stat named;

	if (directory < 0)
		return -errno;
	if (!fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) && named.st_dev == st->st_dev &&
	    named.st_ino == st->st_ino)
		rc = take(directory, fd, name, to);
	close(directory);
	return rc;
}

int box_adopt(int fd, const char *name, const char *place, const char *log)
{
	char to[BOX_PATH], directory[BOX_DIRECTORY];
	struct stat st;
	int rc = -ENOENT;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_mode & 077 || !new_name(name, log, to))
		return -EPERM;
	for (unsigned i = 0; rc == -ENOENT && box_directory(place, i, directory); i++)
		rc = take_in(directory, fd, &st, name, to);
	return rc;
}

bool box_adopted(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_mode & ADOPTED;
}
