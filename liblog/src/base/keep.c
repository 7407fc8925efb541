/* SPDX-License-Identifier: Apache-2.0 */
/* keep.c - descriptors in a process whose descriptors are not the library's own; see keep.h. */
#include "base/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int keep_high(int fd)
{
	int saved = errno, high;

	if (fd < 0 || fd >= KEEP_FROM)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, KEEP_FROM);
	if (high >= 0)
		close(fd);
	errno = saved;
	return high >= 0 ? high : fd;
}

struct keep keep_note(int fd)
{
	struct keep kept = {.fd = fd};
	struct stat st;

	if (!fstat(fd, &st)) {
		kept.device = st.st_dev;
		kept.inode = st.st_ino;
	}
	return kept;
}

bool keep_same(const struct keep *kept, struct stat *st)
{
	int saved = errno;
	bool same = kept->fd >= 0 && !fstat(kept->fd, st) && st->st_dev == kept->device && st->st_ino == kept->inode;

	errno = saved;
	return same;
}

void keep_close(struct keep *kept)
{
	struct stat st;

	if (keep_same(kept, &st))
		close(kept->fd);
	kept->fd = -1;
}
