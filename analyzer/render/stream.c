/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stream.c - see stream.h */
#include "render/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool tells(int e)
{
	return e == EPIPE || e == ENOSPC || e == EDQUOT || e == EFBIG;
}

static int cause(int fd)
{
	struct rlimit limit;
	struct statvfs fs;
	struct stat st;

	if (write(fd, "", 0) < 0 && tells(errno)) /* a device that is full */
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return -EIO;
	if (!fstatvfs(fd, &fs) && !fs.f_bavail)
		return -ENOSPC;
	return !getrlimit(RLIMIT_FSIZE, &limit) && (rlim_t)st.st_size >= limit.rlim_cur ? -EFBIG : -EIO;
}

int stream_status(FILE *f)
{
	if (!ferror(f))
		return 0;
	return tells(errno) ? -errno : cause(fileno(f));
}

int stream_flush(FILE *f)
{
	int rc = fflush(f) ? -errno : 0;

	return rc ? rc : stream_status(f);
}
