/* SPDX-License-Identifier: Apache-2.0 */
/* away.c - a log file gets another name; see away.h. */
#include "sinks/away.h"

#include "base/now.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define TRIES 1000 /* names of the same second */

int away_lock(const struct place *place)
{
	const char *name, *slash;
	int base = place_base(place, &name), fd = -ENOMEM;
	char *lock;

	slash = strrchr(name, '/');
	if (asprintf(&lock, "%.*s.%s.lock", slash ? (int)(slash + 1 - name) : 0, name, slash ? slash + 1 : name) < 0)
		return -ENOMEM;
	fd = openat(base, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	fd = fd < 0 ? -errno : keep_high(fd);
	free(lock);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* Never over another file. */
static int rename_new(int base, const char *from, const char *to)
{
	struct stat st;

	if (!renameat2(base, from, base, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (!fstatat(base, to, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(base, from, base, to) ? -errno : 0;
}

int away_move(const struct place *place)
{
	int64_t now_ms = now_wall_ns() / 1000000;
	const char *name;
	struct stat st;
	int base = place_base(place, &name), rc = -EEXIST;

	if (fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	for (int i = 0; i < TRIES && rc == -EEXIST; i++, now_ms++) {
		time_t second = now_ms / 1000;
		char text[32], *to;
		struct tm tm;

		strftime(text, sizeof text, "%Y%m%dT%H%M%S", gmtime_r(&second, &tm));
		if (asprintf(&to, "%s.%s-%03dZ", name, text, (int)(now_ms % 1000)) < 0)
			return -ENOMEM;
		rc = rename_new(base, name, to);
		free(to);
	}
	return rc;
}
