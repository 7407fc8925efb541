/* SPDX-License-Identifier: Apache-2.0 */
/* away.c - a log file gets another name; see away.h. */
#include "sinks/away.h"

#include "base/now.h"

#include <dirent.h>
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

/* `log` may have directories before its name. */
int away_lock_in(int directory, const char *log)
{
	const char *slash = strrchr(log, '/');
	char *lock;
	int fd;

	if (asprintf(&lock, "%.*s.%s.lock", slash ? (int)(slash + 1 - log) : 0, log, slash ? slash + 1 : log) < 0)
		return -ENOMEM;
	fd = openat(directory, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	fd = fd < 0 ? -errno : keep_high(fd);
	free(lock);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int away_lock(const struct place *place)
{
	const char *name;
	int base = place_base(place, &name);

	return away_lock_in(base, name);
}

void away_unlock(int lock)
{
	flock(lock, LOCK_UN);
	close(lock);
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

/* ---- old ones ---- */

/* "worker.log.20261128T183312-123Z", and ".zst" or the like behind it. */
static bool is_old(const char *name, const char *log, bool *packed)
{
	static const char shape[] = "00000000T000000-000Z";
	size_t len = strlen(log);

	if (strncmp(name, log, len) != 0 || name[len] != '.')
		return false;
	name += len + 1;
	for (const char *at = shape; *at; at++, name++)
		if (*at == '0' ? *name < '0' || *name > '9' : *name != *at)
			return false;
	*packed = *name;
	return !*name || (*name == '.' && !strchr(name + 1, '.'));
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct away_old *)b)->name, ((const struct away_old *)a)->name);
}

/* Room for one more behind `count`, which is a power of two or has some. */
static bool list_room(struct away_old **list, size_t count)
{
	struct away_old *grown;

	if (count & (count - 1))
		return true;
	grown = realloc(*list, 2 * (count + 1) * sizeof *grown);
	if (grown)
		*list = grown;
	return grown;
}

static void list_free(struct away_old *list, ssize_t count)
{
	while (count-- > 0)
		free(list[count].name);
	free(list);
}

ssize_t away_list(DIR *dir, const char *log, struct away_old **out)
{
	struct away_old *list = NULL;
	struct dirent *entry;
	ssize_t count = 0;

	*out = NULL;
	while ((entry = readdir(dir))) {
		char *name = NULL;
		struct stat st;
		bool packed;

		if (!is_old(entry->d_name, log, &packed) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (list_room(&list, (size_t)count))
			name = strdup(entry->d_name);
		if (!name) {
			list_free(list, count);
			return -ENOMEM;
		}
		list[count++] = (struct away_old){name, (uint64_t)st.st_size, packed};
	}
	if (count)
		qsort(list, (size_t)count, sizeof *list, newest_first);
	*out = list;
	return count;
}

DIR *away_open(const struct place *place, const char **log)
{
	const char *name, *slash;
	int base = place_base(place, &name), fd;
	char *directory;
	DIR *dir = NULL;

	slash = strrchr(name, '/');
	*log = slash ? slash + 1 : name;
	directory = slash ? strndup(name, (size_t)(slash + 1 - name)) : strdup(".");
	fd = directory ? openat(base, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	free(directory);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static int64_t ms_of(const char *stamp)
{
	struct tm tm = {.tm_isdst = 0};
	int ms = 0;

	if (sscanf(stamp, "%4d%2d%2dT%2d%2d%2d-%3d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
	           &tm.tm_sec, &ms) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm) * INT64_C(1000) + ms;
}

/* When the newest was moved, by its name; 0: there is none. */
static int64_t newest_ms(const struct place *place)
{
	struct away_old *old = NULL;
	const char *log;
	DIR *dir = away_open(place, &log);
	ssize_t count = dir ? away_list(dir, log, &old) : 0;
	int64_t ms = count > 0 ? ms_of(old->name + strlen(log) + 1) : 0;

	list_free(old, count);
	if (dir)
		closedir(dir);
	return ms;
}

int away_move(const struct place *place)
{
	int64_t now_ms = now_wall_ns() / 1000000, newest = newest_ms(place);
	const char *name;
	struct stat st;
	int base = place_base(place, &name), rc = -EEXIST;

	if (fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	if (now_ms <= newest) /* the clock was set back: the newest file still has the last name */
		now_ms = newest + 1;
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

void away_prune(const struct place *place, uint32_t keep, uint64_t total)
{
	uint64_t bytes = 0;
	struct away_old *old;
	const char *log;
	DIR *dir = away_open(place, &log);
	ssize_t count;

	if (!dir)
		return;
	count = away_list(dir, log, &old);
	for (ssize_t i = 0; i < count; i++) {
		bytes += old[i].bytes;
		if ((keep && i >= (ssize_t)keep) || (total && bytes > total))
			unlinkat(dirfd(dir), old[i].name, 0);
	}
	list_free(old, count);
	closedir(dir);
}
