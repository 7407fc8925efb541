/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - files, and descriptors that somebody else opened.
 *
 * write(2) may be interrupted, may take only a part, or may fail, and then it may have taken a part before. What it
 * took of a line must not be followed by another line. A regular file that ends where we wrote last is cut back to its
 * last whole line, and the torn line is lost with the rest of the batch. Where that cannot be, the torn line is kept,
 * counted as written, and its rest goes out before anything else, when the system takes bytes again. */
#include "sinks/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct sink_file {
	struct sink base;
	char *path; /* NULL: a descriptor, which cannot be opened anew */
	int fd;
	bool owned;
	bool regular;
	bool owes_newline; /* a torn line is lost, but its beginning is out */
	char *torn;        /* a line of which torn_done bytes are out; NULL: none */
	size_t torn_len, torn_done;
};

/* ---- SIGPIPE: a reader that goes away is an error to count, not the end of the program ---- */

struct pipe_guard {
	sigset_t old;
	bool was_pending;
};

static void guard_begin(struct pipe_guard *guard)
{
	sigset_t pipe, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe, &guard->old);
}

static void guard_end(struct pipe_guard *guard, int rc)
{
	const struct timespec now = {0, 0};
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (rc == -EPIPE && !guard->was_pending)
		while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}

/* ---- writing ---- */

static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* Everything, or as much as can be: *done bytes and the error. */
static int write_some(int fd, const char *bytes, size_t len, size_t *done)
{
	int rc = 0;

	for (*done = 0; !rc && *done < len;) {
		ssize_t n = write(fd, bytes + *done, len - *done);

		if (n > 0)
			*done += (size_t)n;
		else if (n == 0)
			rc = -EIO; /* nothing is taken and nothing is said: do not spin */
		else if (errno == EAGAIN)
			rc = wait_writable(fd);
		else if (errno != EINTR)
			rc = -errno;
	}
	return rc;
}

static int write_guarded(struct sink_file *f, const char *bytes, size_t len, size_t *done)
{
	struct pipe_guard guard;
	int rc;

	if (f->regular)
		return write_some(f->fd, bytes, len, done);
	guard_begin(&guard);
	rc = write_some(f->fd, bytes, len, done);
	guard_end(&guard, rc);
	return rc;
}

/* ---- torn lines ---- */

/* Cut the last `partial` bytes off, if the file ends with them. */
static bool cut_back(const struct sink_file *f, size_t partial)
{
	struct stat st;
	off_t here;

	if (!f->regular)
		return false;
	here = lseek(f->fd, 0, SEEK_CUR);
	if (here < (off_t)partial || fstat(f->fd, &st) || st.st_size != here)
		return false;
	if (ftruncate(f->fd, here - (off_t)partial))
		return false;
	lseek(f->fd, -(off_t)partial, SEEK_CUR); /* for descriptors without O_APPEND */
	return true;
}

/* Remember a line of which `done` bytes are out. Without memory for it the rest is lost, and only the line's end is
 * owed. */
static bool keep_torn(struct sink_file *f, const char *line, size_t len, size_t done)
{
	f->torn = malloc(len);
	if (!f->torn) {
		f->owes_newline = true;
		return false;
	}
	memcpy(f->torn, line, len);
	f->torn_len = len;
	f->torn_done = done;
	return true;
}

static int finish_torn(struct sink_file *f)
{
	size_t done;
	int rc = 0;

	if (f->owes_newline)
		rc = write_guarded(f, "\n", 1, &done);
	f->owes_newline &= rc != 0;
	if (rc || !f->torn)
		return rc;
	rc = write_guarded(f, f->torn + f->torn_done, f->torn_len - f->torn_done, &done);
	f->torn_done += done;
	if (rc)
		return rc;
	free(f->torn);
	f->torn = NULL;
	return 0;
}

/* After `done` bytes of the batch the system had enough. Returns how many lines count as written. */
static size_t after_failure(struct sink_file *f, const char *bytes, size_t len, size_t done)
{
	const char *last = done ? memrchr(bytes, '\n', done) : NULL;
	size_t whole_bytes = last ? (size_t)(last - bytes) + 1 : 0, partial = done - whole_bytes, whole = 0;
	const char *line = bytes + whole_bytes, *end;

	for (const char *at = bytes; at < line; whole++)
		at = (const char *)memchr(at, '\n', (size_t)(line - at)) + 1;
	if (!partial || cut_back(f, partial))
		return whole;
	end = memchr(line, '\n', len - whole_bytes);
	end = end ? end + 1 : bytes + len;
	return whole + keep_torn(f, line, (size_t)(end - line), partial);
}

static int file_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	struct sink_file *f = (struct sink_file *)sink;
	size_t done;
	int rc = finish_torn(f);

	*written = 0;
	if (rc)
		return rc;
	rc = write_guarded(f, bytes, len, &done);
	*written = rc ? after_failure(f, bytes, len, done) : lines;
	return rc;
}

static int file_sync(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;
	int rc = finish_torn(f);

	while (!rc && fdatasync(f->fd)) {
		if (errno == EINVAL || errno == EROFS) /* a pipe, a terminal */
			break;
		if (errno != EINTR)
			rc = -errno;
	}
	return rc;
}

/* ---- opening ---- */

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

/* O_NONBLOCK: a FIFO without a reader is an error now, not a wait without end. */
static int open_log(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags, 0640), rc;

	if (fd >= 0 || errno != ENOENT)
		return fd >= 0 ? fd : -errno;
	rc = make_parents(path);
	if (rc)
		return rc;
	fd = open(path, flags, 0640);
	return fd >= 0 ? fd : -errno;
}

/* Files and links go; a device or a pipe that somebody put there stays. */
static int remove_old(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if ((S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) && unlink(path) && errno != ENOENT)
		return -errno;
	return 0;
}

static void use(struct sink_file *f, int fd)
{
	struct stat st;

	f->fd = fd;
	f->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int file_reopen(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;
	int fd;

	if (!f->path)
		return 0;
	fd = open_log(f->path);
	if (fd < 0)
		return fd;
	if (finish_torn(f))
		f->torn_done = 0; /* the new file gets the whole line */
	f->owes_newline = false;
	close(f->fd);
	use(f, fd);
	return 0;
}

static void file_close(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	finish_torn(f);
	if (f->owned)
		close(f->fd);
	free(f->torn);
	free(f->path);
	free(f);
}

static const struct sink_ops file_ops = {file_write, file_sync, file_reopen, file_close};

static struct sink_file *file_new(int fd, bool owned)
{
	struct sink_file *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->base.ops = &file_ops;
	f->owned = owned;
	use(f, fd);
	return f;
}

int sink_file_open(const char *path, enum sink_file_start start, struct sink **out)
{
	struct sink_file *f;
	int rc = start == SINK_FILE_FRESH ? remove_old(path) : 0;
	int fd = rc ? rc : open_log(path);

	if (fd < 0)
		return fd;
	f = file_new(fd, true);
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	f->path = strdup(path);
	if (!f->path) {
		file_close(&f->base);
		return -ENOMEM;
	}
	*out = &f->base;
	return 0;
}

int sink_file_descriptor(const struct sink *sink)
{
	const struct sink_file *f = (const struct sink_file *)sink;

	return sink->ops == &file_ops && f->path && f->regular ? f->fd : -1;
}

int sink_fd_open(int fd, bool owned, struct sink **out)
{
	struct sink_file *f = file_new(fd, owned);

	if (!f)
		return -ENOMEM;
	*out = &f->base;
	return 0;
}

/* ---- in the configuration ---- */

static int parse(const struct setting_source *source, const char *key, const json_t *value, struct sink_settings *out)
{
	if (!json_is_string(value))
		return setting_wrong_type(source, key, "a string", value);
	if (!json_string_length(value))
		return setting_fail(source, "key \"%s\": empty", key);
	return setting_string(&out->text, json_string_value(value));
}

static int open_file(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
                     size_t cap)
{
	snprintf(what, cap, "%s", settings->text);
	return sink_file_open(settings->text, start, out);
}

const struct sink_kind sink_kind_file = {.name = "file", .parse = parse, .open = open_file, .is_file = true};
