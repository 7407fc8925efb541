/* SPDX-License-Identifier: Apache-2.0 */
/* tail.c - what a log has of a dead process; see tail.h.
 *
 * Of the batch lines are compared byte for byte: a pid or a number may be another process's, too. It was written in one
 * piece, or as much of it as the kernel took, perhaps after and before lines of others. Recovered lines, of a recovery
 * that was killed, are known by their end: they may be anywhere behind the batch. Where no recovery has begun, only
 * the beginning and the end of that are looked at, however much others have written. */
#include "recover/tail.h"

#include "recover/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ELSEWHERE_MAX (UINT64_C(4) << 30) /* bytes at the end of a file that only a recovery can have written to */
#define EARLY_S       60                  /* a record may be so much older than its box */
#define KNOWN_BY      64                  /* bytes of a line that are its own: there is a time in them */

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

/* What a recovered line of this process looks like. */
struct marked {
	char pid[48];   /* ,"pid":PID,"seq":, before its number and the mark */
	char since[24]; /* its second, as lines have it: it is not of an earlier process with that pid */
	size_t pid_len;
};

static struct marked marked_of(const struct dead *d)
{
	time_t since = (time_t)(d->h.started_ns / 1000000000) - EARLY_S + (d->h.iluvatar ? d->h.offset_s : 0);
	struct marked m;
	struct tm tm;

	m.pid_len = (size_t)snprintf(m.pid, sizeof m.pid, ",\"pid\":%lld,\"seq\":", (long long)d->h.pid);
	if (!gmtime_r(&since, &tm) ||
	    !strftime(m.since, sizeof m.since, d->h.iluvatar ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &tm))
		*m.since = '\0';
	return m;
}

/* `mark` is where it ends; `bytes` where the piece begins. */
static bool is_marked(const struct marked *m, const char *bytes, const char *mark)
{
	static const char begin[] = "{\"timestamp\":\"";
	const char *digit = mark, *line = memrchr(bytes, '\n', (size_t)(mark - bytes));

	line = line ? line + 1 : bytes;
	while (digit > line && digit[-1] >= '0' && digit[-1] <= '9')
		digit--;
	return (size_t)(digit - line) >= m->pid_len && !memcmp(digit - m->pid_len, m->pid, m->pid_len) &&
	       !strncmp(line, begin, sizeof begin - 1) &&
	       strncmp(line + sizeof begin - 1, m->since, strlen(m->since)) >= 0;
}

/* Lines that end with ,"pid":PID,"seq":N,"recovered":true} */
static uint64_t count_marked(const struct dead *d, const char *bytes, size_t len)
{
	static const char mark[] = REPLAY_MARK "}\n";
	const struct marked m = marked_of(d);
	const char *end = bytes + len;
	uint64_t n = 0;

	for (const char *p = bytes; (p = memmem(p, (size_t)(end - p), mark, sizeof mark - 1)); p++)
		n += is_marked(&m, bytes, p);
	return n;
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Look through a file, whole lines at a time, where no recovery has begun only its last ones behind the batch; what
 * t->bytes begins with at the end is the beginning of a line. The batch is in the first piece, if it is there. */
static int look(const struct dead *d, struct tail *t, int fd, uint64_t at, uint64_t end, bool batch)
{
	size_t room = least(end - at, TAIL_MAX), have = 0, n;

	free(t->bytes);
	t->bytes = malloc(room + 1);
	if (!t->bytes)
		return -ENOMEM;
	while (have < room && at < end && (n = read_from(fd, at, t->bytes + have, least(end - at, room - have)))) {
		size_t found = 0, matched = batch ? find_batch(d, t->bytes, have + n, &found) : 0;
		const char *newline = memrchr(t->bytes, '\n', have + n);
		size_t whole = newline ? (size_t)(newline + 1 - t->bytes) : 0;

		t->lines += count_lines(t->bytes + found, matched) + count_marked(d, t->bytes, whole);
		batch = false;
		at += n;
		have += n - whole;
		memmove(t->bytes, t->bytes + whole, have);
		if (!d->begun && end - at > TAIL_MAX) {
			at = end - TAIL_MAX;
			have = 0;
		}
	}
	t->half_len = have;
	return 0;
}

/* From where it was before the batch; where it is shorter now somebody copied it, and cut it. Of a process that has
 * never written anything nothing is far from the end. */
static uint64_t begin_of(const struct region_note *note, uint64_t size)
{
	if (!note->ino)
		return size > TAIL_MAX ? size - TAIL_MAX : 0;
	return note->size <= size ? note->size : 0;
}

/* The log as it is called now is another file than the one that was being written to: a recovery that was not ended may
 * have begun in it. */
static int look_elsewhere(const struct dead *d, struct tail *t, int fd, const char *path)
{
	struct stat st;
	int old = open_sibling(path, &d->note, &st), rc = 0;
	uint64_t size, most = d->begun ? ELSEWHERE_MAX : TAIL_MAX;

	if (old >= 0) {
		rc = look(d, t, old, begin_of(&d->note, (uint64_t)st.st_size), (uint64_t)st.st_size, true);
		close(old);
	}
	t->half_len = 0;
	if (rc || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return rc;
	size = (uint64_t)st.st_size;
	return look(d, t, fd, size > most ? size - most : 0, size, false);
}

bool tail_is_log(int fd, const char *path)
{
	struct stat named, st;

	return fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       !stat(path, &named) && named.st_dev == st.st_dev && named.st_ino == st.st_ino;
}

/* The file that the batch went to. */
static int look_there(const struct dead *d, struct tail *t, int fd, const struct stat *st)
{
	return look(d, t, fd, begin_of(&d->note, (uint64_t)st->st_size), (uint64_t)st->st_size, true);
}

int tail_read(const struct dead *d, const char *path, int open_fd, struct tail *t)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = fd < 0 ? -errno : 0;
	struct stat st;

	memset(t, 0, sizeof *t);
	if (fd < 0 && rc != -ENOENT) {
		/* a file that was moved cannot be looked at then */
		if (rc == -EACCES && tail_is_log(open_fd, path) && is_it(open_fd, &d->note, &st))
			rc = look_there(d, t, open_fd, &st);
	} else if (fd >= 0 && is_it(fd, &d->note, &st)) {
		rc = look_there(d, t, fd, &st);
	} else {
		rc = look_elsewhere(d, t, fd, path);
	}
	if (fd >= 0)
		close(fd);
	t->half = t->half_len ? t->bytes : NULL;
	return rc;
}

void tail_done(struct tail *t)
{
	free(t->bytes);
	memset(t, 0, sizeof *t);
}
