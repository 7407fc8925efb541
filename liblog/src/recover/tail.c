/* SPDX-License-Identifier: Apache-2.0 */
/* tail.c - what a log has of a dead process; see tail.h.
 *
 * Of the batch lines are compared byte for byte: a pid or a number may be another process's, too. It was written in one
 * piece, or as much of it as the kernel took, perhaps after and before lines of others. Recovered lines, of a recovery
 * that was killed, are known by their end. */
#include "recover/tail.h"

#include "recover/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KNOWN_BY 64 /* bytes of a line that are its own: there is a time in them */

static bool is_it(int fd, const struct region_note *note, struct stat *st)
{
	return !fstat(fd, st) && S_ISREG(st->st_mode) &&
	       (!note->ino || (st->st_dev == note->dev && st->st_ino == note->ino));
}

/* The file beside `path` that is the one of the note: it was given another name. */
static int open_sibling(const char *path, const struct region_note *note, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char *name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	DIR *directory = name ? opendir(name) : NULL;
	int fd = -1;

	for (struct dirent *e; directory && fd < 0 && (e = readdir(directory));) {
		if (e->d_ino != note->ino)
			continue;
		fd = openat(dirfd(directory), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 && !is_it(fd, note, st)) {
			close(fd);
			fd = -1;
		}
	}
	if (directory)
		closedir(directory);
	free(name);
	return fd;
}

static size_t read_from(int fd, uint64_t at, char *out, size_t len)
{
	size_t have = 0;
	ssize_t n;

	while (have < len && (n = pread(fd, out + have, len - have, (off_t)(at + have))) != 0) {
		if (n > 0)
			have += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	return have;
}

/* Where most of the batch is: how many bytes of it, from *at on. */
static size_t find_batch(const struct dead *d, const char *bytes, size_t len, size_t *at)
{
	size_t wanted = d->batch ? d->note.text_bytes : 0, known = wanted < KNOWN_BY ? wanted : KNOWN_BY, best = 0;

	for (const char *p = bytes; known && (p = memmem(p, (size_t)(bytes + len - p), d->batch, known)); p++) {
		size_t n = known, left = (size_t)(bytes + len - p);

		if (p > bytes && p[-1] != '\n')
			continue;
		while (n < wanted && n < left && p[n] == d->batch[n])
			n++;
		if (n > best) {
			best = n;
			*at = (size_t)(p - bytes);
		}
	}
	return best;
}

static uint64_t count_lines(const char *at, size_t len)
{
	const char *end = at + len;
	uint64_t n = 0;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		n++;
	return n;
}

/* Lines that end with ,"pid":PID,"seq":N,"recovered":true} */
static uint64_t count_marked(const struct dead *d, const char *bytes, size_t len)
{
	static const char mark[] = REPLAY_MARK "}\n";
	const char *end = bytes + len;
	char pid[48];
	size_t pid_len = (size_t)snprintf(pid, sizeof pid, ",\"pid\":%lld,\"seq\":", (long long)d->h.pid);
	uint64_t n = 0;

	for (const char *p = bytes; (p = memmem(p, (size_t)(end - p), mark, sizeof mark - 1)); p++) {
		const char *digit = p;

		while (digit > bytes && digit[-1] >= '0' && digit[-1] <= '9')
			digit--;
		n += digit < p && (size_t)(digit - bytes) >= pid_len && !memcmp(digit - pid_len, pid, pid_len);
	}
	return n;
}

static void look(const struct dead *d, struct tail *t, size_t len)
{
	size_t at = 0, matched = find_batch(d, t->bytes, len, &at);
	const char *newline = len ? memrchr(t->bytes, '\n', len) : NULL;

	t->lines = count_lines(t->bytes + at, matched) + count_marked(d, t->bytes, len);
	t->half = newline ? newline + 1 : t->bytes;
	t->half_len = (size_t)(t->bytes + len - t->half);
	if (!t->half_len || t->elsewhere)
		t->half = NULL;
}

int tail_read(const struct dead *d, const char *path, struct tail *t)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = fd < 0 ? -errno : 0;
	uint64_t from;
	size_t len;

	memset(t, 0, sizeof *t);
	if (fd < 0 && rc != -ENOENT)
		return rc;
	if (fd < 0 || !is_it(fd, &d->note, &st)) {
		if (fd >= 0)
			close(fd);
		fd = open_sibling(path, &d->note, &st);
		t->elsewhere = true;
	}
	if (fd < 0)
		return 0;
	from = d->note.size <= (uint64_t)st.st_size ? d->note.size : 0; /* cut by somebody who copied it */
	len = (uint64_t)st.st_size - from < TAIL_MAX ? (size_t)((uint64_t)st.st_size - from) : TAIL_MAX;
	t->bytes = malloc(len + 1);
	if (t->bytes)
		look(d, t, read_from(fd, from, t->bytes, len));
	close(fd);
	return t->bytes ? 0 : -ENOMEM;
}

void tail_done(struct tail *t)
{
	free(t->bytes);
	memset(t, 0, sizeof *t);
}
