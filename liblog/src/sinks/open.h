/* SPDX-License-Identifier: Apache-2.0 */
/* open.h - files by their names, opened so that nobody can put another's in their place.
 *
 * What is made anew is made with O_EXCL and O_NOFOLLOW, 0640 and umask. What is there must be a regular file with one
 * name, of the process's own user or root (for root: or of the directory's owner), that not everybody may write to; or
 * a device or a pipe. A link is followed to a device or a pipe alone, and if it is ours or root's: the pattern of
 * containers, t.log -> /dev/stdout. */
#ifndef OPEN_H
#define OPEN_H

#include "base/keep.h"

#include <stdbool.h>
#include <sys/stat.h>

/* The directory of a file, by a descriptor that is good when the process has another root, and by its name. */
struct place {
	char *path;            /* of the file, from the root */
	struct keep directory; /* none: not to be had */
	dev_t root_device;
	ino_t root_inode;
};

/* `path` may be relative: then it is of the present directory. 0 or a negative errno. */
int place_init(struct place *place, const char *path);
void place_done(struct place *place);

/* To write at the end of it, without waiting; directories that are missing are made. It may be read, too, if it is a
 * regular file. A descriptor, or a negative errno: also -ELOOP (a link that is not followed), -EPERM (somebody else's,
 * or everybody's), -EMLINK (it has two names). */
int place_open(struct place *place);

/* For the calls that end in -at: a directory (borrowed; -1: not to be had), and the file's name from there. */
int place_base(const struct place *place, const char **name);

/* What has the name, without following a link. 0 or a negative errno. */
int place_stat(const struct place *place, struct stat *st);

/* Make room for a new file: regular files and links go, but for links to devices. 0 or a negative errno. */
int place_clear(const struct place *place);

/* Does a regular file of this size, open for reading, end in the middle of a line? Another process may be writing just
 * now: then its end moves on, which is waited for. */
bool open_torn(int fd, off_t size);

#endif
