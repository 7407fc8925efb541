/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - files, and descriptors that somebody else opened.
 *
 * write(2) may be interrupted, may take only a part, or may fail, and then it may have taken a part before. What it
 * took of a line must not be followed by another line. A regular file that nobody else writes to is cut back to its
 * last whole line, and the torn line is lost with the rest of the batch. Where that cannot be, the torn line is kept,
 * counted as written, and its rest goes out before anything else, when the system takes bytes again.
 *
 * Several processes append to one file, each whole batches at once. Each has a shared flock on it; who gets the
 * exclusive one is alone, and may cut. What another, or a run that was killed, left of a line at the file's end gets
 * its newline with the next batch.
 *
 * Before each batch the descriptor is looked at: is it still the file it was? The program may have closed it and opened
 * another under its number. Some times a second the name is looked at, too (file_look): a log that was moved, deleted
 * or replaced is opened anew. */
#include "base/keep.h"
#include "base/now.h"
#include "sinks/away.h"
#include "sinks/kind.h"
#include "sinks/mail.h"
#include "sinks/open.h"
#include "sinks/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NANO    1000000000
#define LOOK_NS 200000000 /* between two looks at the name */

struct sink_file {
	struct sink base;
	struct place place; /* without a path: a descriptor, which cannot be opened anew */
	struct keep kept;
	bool owned;
	bool regular, appends;
	bool shared;       /* another process has the same descriptor, by a fork */
	bool gone;         /* the file has no name any more */
	bool taken;        /* the descriptor was closed by somebody else; not told yet */
	int refusal;       /* of the last try to open it anew; 0: none */
	off_t end;         /* where the last batch ended; -1: not known */
	bool owes_newline; /* a torn line is lost, but its beginning is out */
	char *torn;        /* a line of which torn_done bytes are out; NULL: none */
	size_t torn_len, torn_done;
	uint64_t looked_ns; /* at the name */
	struct sink_rotation rotation;
	uint64_t rotate_ns; /* not before */
	int64_t since_s;    /* wall time of the file's first lines */
	bool inherited;     /* by a fork: somebody else opens files */
	bool suspect;       /* the name was somebody else's when it was looked at last */
	struct mail mail;
	struct pack *pack; /* of those that were moved away; NULL: they stay as they are */
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

/* A pipe takes a whole batch or sleeps: of a slow reader that gets on nothing is seen but from write to write. */
#define PIECE_BYTES ((size_t)16 * 1024)

static int wait_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* Everything, or as much as can be: *done bytes and the error. */
static int write_some(struct sink_file *f, const char *bytes, size_t len, size_t *done)
{
	int rc = 0;

	for (*done = 0; !rc && *done < len;) {
		size_t piece = len - *done;
		ssize_t n;

		if (!f->regular && piece > PIECE_BYTES)
			piece = PIECE_BYTES;
		n = write(f->kept.fd, bytes + *done, piece);

		sink_took(&f->base, n > 0);
		if (n > 0)
			*done += (size_t)n;
		else if (n == 0)
			rc = -EIO; /* nothing is taken and nothing is said: do not spin */
		else if (errno == EAGAIN)
			rc = wait_writable(f->kept.fd);
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
		return write_some(f, bytes, len, done);
	guard_begin(&guard);
	rc = write_some(f, bytes, len, done);
	guard_end(&guard, rc);
	return rc;
}

/* A newline and the bytes in one piece: others append, too. */
static int write_after_newline(struct sink_file *f, const char *bytes, size_t len, size_t *done)
{
	struct iovec parts[2] = {{"\n", 1}, {(void *)(uintptr_t)bytes, len}};
	ssize_t n = writev(f->kept.fd, parts, 2);
	int rc;

	*done = 0;
	if (n <= 0)
		return n ? -errno : -EIO;
	f->owes_newline = false;
	*done = (size_t)n - 1;
	if (*done == len)
		return 0;
	bytes += *done;
	len -= *done;
	rc = write_some(f, bytes, len, &len);
	*done += len;
	return rc;
}

/* ---- torn lines ---- */

/* Nobody else can write to it. */
static bool alone(const struct sink_file *f)
{
	if (f->shared || !f->regular)
		return false;
	return !f->owned || !flock(f->kept.fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK;
}

/* Cut the last `partial` bytes off, if the file ends with them. */
static bool cut_back(const struct sink_file *f, size_t partial)
{
	struct stat st;
	off_t here = lseek(f->kept.fd, 0, SEEK_CUR);

	if (here < (off_t)partial || fstat(f->kept.fd, &st) || st.st_size != here)
		return false;
	if (ftruncate(f->kept.fd, here - (off_t)partial))
		return false;
	lseek(f->kept.fd, -(off_t)partial, SEEK_CUR); /* for descriptors without O_APPEND */
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

/* Undo the beginning of a line, or remember that it is there. Returns how many lines count as written by that. */
static size_t leave_torn(struct sink_file *f, const char *line, size_t len, size_t done)
{
	bool single = alone(f);
	bool cut = single && cut_back(f, done);

	if (f->owned && f->regular) /* also where the other kind was refused: ours is gone then */
		flock(f->kept.fd, LOCK_SH | LOCK_NB);
	if (cut)
		return 0;
	if (single || !f->regular)
		return keep_torn(f, line, len, done);
	f->owes_newline = true; /* others write behind it: its rest would tear theirs */
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
	if (!partial)
		return whole;
	end = memchr(line, '\n', len - whole_bytes);
	end = end ? end + 1 : bytes + len;
	return whole + leave_torn(f, line, (size_t)(end - line), partial);
}

/* ---- a batch ---- */

/* The descriptor is what it was. Standard output and error are whatever has their number. */
static int check_descriptor(struct sink_file *f, struct stat *st)
{
	if (f->kept.fd <= STDERR_FILENO && !f->place.path) {
		st->st_size = 0;
		return 0;
	}
	if (keep_same(&f->kept, st))
		return f->gone && f->refusal ? f->refusal : 0;
	if (!f->place.path)
		return -EBADF;
	f->kept.fd = -1; /* whoever has the number now, it is not ours to close */
	if (sink_reopen(&f->base) || !keep_same(&f->kept, st))
		return -EBADF;
	f->taken = true;
	f->looked_ns = 0; /* to be told with the next batch */
	return 0;
}

static int file_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	struct sink_file *f = (struct sink_file *)sink;
	struct stat st;
	size_t done = 0;
	int rc = check_descriptor(f, &st);

	*written = 0;
	if (rc)
		return rc;
	if (f->appends && st.st_size && st.st_size != f->end && !f->torn)
		f->owes_newline = open_torn(f->kept.fd, st.st_size);
	if (f->appends && f->owes_newline && !f->torn) {
		rc = write_after_newline(f, bytes, len, &done);
		st.st_size++;
	} else {
		rc = finish_torn(f);
		if (rc)
			return rc;
		rc = write_guarded(f, bytes, len, &done);
	}
	*written = rc ? after_failure(f, bytes, len, done) : lines;
	f->end = rc ? -1 : st.st_size + (off_t)len;
	return rc;
}

static int file_sync(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;
	struct stat st;
	int rc = check_descriptor(f, &st);

	if (!rc)
		rc = finish_torn(f);
	while (!rc && fdatasync(f->kept.fd)) {
		if (errno == EINVAL || errno == EROFS) /* a pipe, a terminal */
			break;
		if (errno != EINTR)
			rc = -errno;
	}
	return rc;
}

/* ---- names ---- */

/* From now on lines go there. */
static void use(struct sink_file *f, int fd)
{
	struct stat st;

	f->kept = keep_note(fd);
	f->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
	f->appends = f->regular && (fcntl(fd, F_GETFL) & O_APPEND);
	f->end = -1;
	/* what the file system says is not of virtual time */
	f->since_s = f->regular && st.st_size && !now_replaced() ? st.st_mtime : now_wall_ns() / NANO;
	if (f->owned && f->regular)
		flock(fd, LOCK_SH | LOCK_NB);
}

/* The old descriptor goes, the new one takes its place. A torn line is finished in the old file, or, where that cannot
 * be, comes whole in the new one. */
static void change(struct sink_file *f, int fd)
{
	if (f->torn && finish_torn(f))
		f->torn_done = 0;
	f->owes_newline = false;
	keep_close(&f->kept);
	f->shared = false;
	use(f, fd);
	if (f->mail.in.fd >= 0 && f->regular)
		mail_put(&f->mail, f->kept.fd);
	pack_wake(f->pack);
}

static int file_reopen(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;
	int fd;

	if (!f->place.path) {
		use(f, f->kept.fd); /* what has the number now is what is meant */
		return 0;
	}
	fd = place_open(&f->place);
	if (fd < 0)
		return fd;
	change(f, fd);
	return 0;
}

/* Does the name mean another file than the one that is written to? NULL, or how that came. */
static const char *moved(struct sink_file *f)
{
	struct stat st, named;
	bool here = keep_same(&f->kept, &st);
	int rc = place_stat(&f->place, &named);

	if (!here)
		return "descriptor closed";
	if (!f->regular)
		return NULL;
	if (!rc && named.st_dev == st.st_dev && named.st_ino == st.st_ino)
		return NULL;
	f->gone = !st.st_nlink;
	return f->gone ? "deleted" : rc == -ENOENT || rc == -ENOTDIR ? "renamed" : rc ? NULL : "replaced";
}

/* What could not be done is said once, and each time that it is asked for. */
static bool refused(struct sink_file *f, bool asked, int rc, struct sink_news *news)
{
	bool again = rc == f->refusal && !asked;

	f->refusal = rc;
	f->base.stats.refused += !again;
	f->base.stats.last_errno = -rc;
	news->error = -rc;
	return !again;
}

/* Just now: what is written to it from now on is lost. */
static bool deleted(const struct sink_file *f, const struct stat *st)
{
	return f->regular && !f->gone && !st->st_nlink;
}

/* ---- rotating ---- */

static bool is_due(const struct sink_file *f, const struct stat *st)
{
	const struct sink_rotation *r = &f->rotation;
	int64_t now = now_wall_ns() / NANO;

	if (!f->regular || !st->st_size || !st->st_nlink)
		return false;
	return (r->bytes && (uint64_t)st->st_size >= r->bytes) ||
	       (r->every_s && (uint64_t)now / r->every_s != (uint64_t)f->since_s / r->every_s); /* or set back */
}

/* One process moves it, the others notice. */
static int rotate(struct sink_file *f)
{
	int lock = away_lock(&f->place), rc;
	struct stat named;

	if (lock < 0)
		return lock;
	rc = place_stat(&f->place, &named);
	if (!rc && (named.st_dev != f->kept.device || named.st_ino != f->kept.inode))
		rc = -EWOULDBLOCK; /* somebody has just done it */
	if (!rc)
		rc = away_move(&f->place);
	if (!rc)
		rc = file_reopen(&f->base);
	if (!rc && (f->rotation.keep || f->rotation.total))
		away_prune(&f->place, f->rotation.keep, f->rotation.total);
	away_unlock(lock);
	return rc;
}

/* ---- looking ---- */

/* Anew by its name, where that is another file's now. */
static bool look_at_name(struct sink_file *f, bool asked, struct sink_news *news)
{
	int rc;

	news->reason = f->taken ? "descriptor closed" : moved(f);
	news->loss = f->taken || f->gone || f->kept.fd < 0;
	if (f->taken) {
		f->taken = false;
		return true;
	}
	if (!news->reason && (f->regular || !asked)) {
		f->refusal = 0;
		f->suspect = false;
		return false; /* the name means the file that is open */
	}
	if (f->inherited && !f->suspect && !f->gone && f->kept.fd >= 0) {
		f->suspect = true; /* whoever opens it will send it soon */
		return false;
	}
	if (!news->reason || (asked && f->kept.fd >= 0))
		news->reason = "asked";
	rc = file_reopen(&f->base);
	if (rc)
		return refused(f, asked, rc, news);
	f->refusal = 0;
	f->gone = f->suspect = false;
	return true;
}

/* The new file that the process sent that opens it. */
static bool follow(struct sink_file *f, struct sink_news *news)
{
	int fd = f->inherited ? mail_take(&f->mail, &f->kept) : -1;

	if (fd < 0)
		return false;
	change(f, fd);
	f->gone = f->suspect = false;
	f->refusal = 0;
	f->shared = true;
	news->reason = "rotated";
	return true;
}

/* Those that were moved away. */
static bool look_at_old(struct sink_file *f, struct sink_news *news)
{
	struct pack_news packed;

	if (!f->pack || !pack_look(f->pack, &f->place, &packed))
		return false;
	*news = (struct sink_news){.path = packed.path, .reason = packed.reason, .error = packed.error, .plain = true};
	return true;
}

static bool file_look(struct sink *sink, bool asked, struct sink_news *news)
{
	struct sink_file *f = (struct sink_file *)sink;
	uint64_t now = now_machine_ns();
	struct stat st;
	bool here, due;
	int rc;

	if (!f->place.path) {
		if (asked)
			file_reopen(sink);
		return false;
	}
	here = keep_same(&f->kept, &st);
	due = here && is_due(f, &st) && now >= f->rotate_ns;
	if (!asked && !due && now - f->looked_ns < LOOK_NS && !(here && deleted(f, &st)))
		return false;
	f->looked_ns = now;
	if (asked)
		pack_wake(f->pack);
	else if (look_at_old(f, news))
		return true;
	*news = (struct sink_news){.path = f->place.path};
	if (follow(f, news))
		return true;
	if (!due)
		return look_at_name(f, asked, news);
	news->reason = "rotated";
	rc = rotate(f);
	if (!rc || rc == -EWOULDBLOCK)
		return !rc || look_at_name(f, asked, news);
	f->rotate_ns = now + NANO;
	return !f->inherited && refused(f, asked, rc, news); /* whoever opened it moves it */
}

/* ---- life ---- */

static void file_forked(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	f->shared = f->inherited = true;
	pack_forked(f->pack);
	f->torn = NULL; /* the parent's to finish */
	f->owes_newline = false;
	f->end = -1;
}

static void file_share(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	f->shared = true;
	if (f->place.path && f->regular)
		mail_open(&f->mail);
}

static void file_close(struct sink *sink)
{
	struct sink_file *f = (struct sink_file *)sink;

	if (f->torn || f->owes_newline)
		finish_torn(f);
	if (f->owned)
		keep_close(&f->kept);
	free(f->torn);
	place_done(&f->place);
	mail_close(&f->mail);
	pack_free(f->pack);
	free(f);
}

static const struct sink_ops file_ops = {.write = file_write,
                                         .sync = file_sync,
                                         .reopen = file_reopen,
                                         .look = file_look,
                                         .share = file_share,
                                         .forked = file_forked,
                                         .close = file_close};

static struct sink_file *file_new(int fd, bool owned)
{
	struct sink_file *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->base.ops = &file_ops;
	f->place.directory.fd = -1;
	f->mail = MAIL_NONE;
	f->owned = owned;
	if (fd >= 0)
		use(f, fd);
	return f;
}

/* At the start. Another process that moves it just now has done so soon. */
static int move_away(const struct place *place)
{
	const struct timespec wait = {0, 1000000};
	int lock = away_lock(place), rc;

	for (int i = 0; lock == -EWOULDBLOCK && i < 1000; i++) {
		nanosleep(&wait, NULL);
		lock = away_lock(place);
	}
	if (lock == -ENOENT || lock == -ENOTDIR)
		return 0; /* no directory, no file */
	if (lock < 0)
		return lock;
	rc = away_move(place);
	away_unlock(lock);
	return rc;
}

int sink_file_open(const char *path, enum sink_file_start start, struct sink **out)
{
	struct sink_file *f = file_new(-1, true);
	int rc = f ? place_init(&f->place, path) : -ENOMEM, fd;

	if (!rc && start == SINK_FILE_NEW)
		rc = place_clear(&f->place);
	if (!rc && start == SINK_FILE_ROTATE)
		rc = move_away(&f->place);
	fd = rc ? rc : place_open(&f->place);
	if (fd >= 0) {
		use(f, fd);
		f->looked_ns = now_machine_ns();
		*out = &f->base;
		return 0;
	}
	if (f)
		place_done(&f->place);
	free(f);
	return fd;
}

int sink_file_rotate(struct sink *sink, const struct sink_rotation *rotation)
{
	struct sink_file *f = (struct sink_file *)sink;

	f->rotation = *rotation;
	return rotation->compress && f->regular ? pack_new(&f->pack) : 0;
}

bool sink_rotates(const struct sink *sink)
{
	const struct sink_file *f = (const struct sink_file *)sink;

	return sink->ops == &file_ops && (f->rotation.bytes || f->rotation.every_s || f->pack);
}

int sink_file_descriptor(const struct sink *sink)
{
	const struct sink_file *f = (const struct sink_file *)sink;

	return sink->ops == &file_ops && f->place.path && f->regular ? f->kept.fd : -1;
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
	int rc;

	snprintf(what, cap, "%s", settings->text);
	rc = sink_file_open(settings->text, start, out);
	if (!rc)
		rc = sink_file_rotate(*out, &settings->rotation);
	return rc;
}

const struct sink_kind sink_kind_file = {.name = "file", .parse = parse, .open = open_file, .is_file = true};
