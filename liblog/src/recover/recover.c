/* SPDX-License-Identifier: Apache-2.0 */
/* recover.c - finding, claiming and emptying the boxes of dead processes; see recover.h. */
#include "recover/recover.h"

#include "base/now.h"
#include "box/box.h"
#include "recover/replay.h"
#include "sinks/open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one box ---- */

/* Nobody else is at it, until the file is closed. Somebody may have emptied and removed it since it was opened. */
static int claim(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;

	if (fcntl(fd, F_SETLK, &lock))
		return -EBUSY;
	return fstat(fd, &st) ? -errno : st.st_nlink ? 0 : -ENOENT;
}

/* Open, claimed, and of a dead process. `log`: of this log alone; NULL: of any. */
static int take_box(struct recover_box *b, const char *path, const char *log)
{
	struct region_header h;
	char boot_id[40];
	int fd = box_open_file(path), rc;

	if (fd < 0)
		return fd;
	box_read_boot_id(boot_id);
	rc = claim(fd);
	if (!rc)
		rc = dead_header(fd, &h);
	if (!rc && box_lives(&h, boot_id))
		rc = -EBUSY;
	if (!rc && log && strcmp(h.log, log) != 0)
		rc = -ESRCH;
	b->path = rc ? NULL : strdup(path);
	if (!rc && !b->path)
		rc = -ENOMEM;
	if (!rc) {
		rc = dead_read(fd, &b->dead);
		if (rc)
			dead_done(&b->dead);
	}
	if (rc) {
		free(b->path);
		b->path = NULL;
		close(fd);
	}
	return rc;
}

static void leave_box(struct recover_box *b)
{
	int fd = b->dead.fd;

	if (!b->path)
		return;
	dead_done(&b->dead);
	tail_done(&b->tail);
	close(fd);
	free(b->path);
	b->path = NULL;
}

/* `r`: where to. `fresh`: nothing of it can be gone on with. */
static int give_box(struct recover_box *b, bool fresh, struct replay *r, struct ilu_box_result *sum)
{
	int rc;

	r->skip = b->tail.lines;
	r->half = fresh ? NULL : b->tail.half;
	r->half_len = b->tail.half_len;
	rc = replay(&b->dead, r);
	sum->lines += r->lines;
	sum->spans += r->spans;
	sum->damaged += b->dead.damaged;
	return rc;
}

/* ---- into a file ---- */

struct file {
	int fd;
	bool borrowed; /* others write with the same descriptor, and have their lock by it */
	const struct replay *replay;
	bool begun;
};

/* The beginning of a line is the end of the file: undo it, if nobody else may be writing there. Where it stays the next
 * recovery goes on with it. */
static bool cut_back(const struct file *f, size_t partial)
{
	int fd = f->fd;
	off_t here = lseek(fd, 0, SEEK_CUR);
	struct stat st;
	bool cut;

	if (f->borrowed || flock(fd, LOCK_EX | LOCK_NB))
		return false;
	cut = here >= (off_t)partial && !fstat(fd, &st) && st.st_size == here && !ftruncate(fd, here - (off_t)partial);
	flock(fd, LOCK_UN);
	return cut;
}

/* Room for all of it first: half a line cannot be undone while others may be writing there. Where a file system cannot
 * tell, it is tried. */
static int make_room(int fd, size_t len)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return -errno;
	do
		rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, (off_t)len) ? -errno : 0;
	while (rc == -EINTR);
	return rc == -ENOSPC || rc == -EDQUOT ? rc : 0;
}

static int write_all(const struct file *f, const char *bytes, size_t len)
{
	size_t done = 0;
	int rc = make_room(f->fd, len);

	if (rc)
		return rc;
	while (done < len) {
		ssize_t n = write(f->fd, bytes + done, len - done);
		const char *last;

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		n = n < 0 ? -errno : -EIO;
		last = done ? memrchr(bytes, '\n', done) : NULL;
		if (done && last != bytes + done - 1)
			cut_back(f, last ? (size_t)(bytes + done - last) - 1 : done);
		return (int)n;
	}
	return 0;
}

/* The first bytes go on with the line that was cut, or that was another's: then it is ended. */
static int to_file(void *to, const char *bytes, size_t len, size_t lines)
{
	struct file *f = to;
	struct stat st;
	int rc = 0;

	(void)lines;
	if (!f->begun && f->replay->half && !f->replay->completed && !fstat(f->fd, &st) && open_torn(f->fd, st.st_size))
		rc = write_all(f, "\n", 1);
	f->begun = true;
	return rc ? rc : write_all(f, bytes, len);
}

/* As a sink opens it: never another's file. */
static int open_log(const char *path)
{
	struct place place;
	struct stat st;
	int fd = place_init(&place, path), rc;

	if (!fd)
		fd = place_open(&place);
	rc = fd < 0 ? fd : fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	place_done(&place);
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

int recovery_write(struct recovery *r, const char *path, bool fresh)
{
	int fd = r->count ? open_log(path) : -1, rc = r->count && fd < 0 ? fd : 0;
	bool borrowed = rc == -EACCES && tail_is_log(r->open_fd, path);

	if (borrowed) {
		fd = r->open_fd;
		rc = 0;
	}
	for (size_t i = 0; i < r->count && fd >= 0; i++) {
		struct recover_box *b = &r->box[i];
		struct file f = {.fd = fd, .borrowed = borrowed};
		struct replay to = {.write = to_file, .to = &f};
		int error;

		if (i) { /* what the one before wrote stands there now */
			tail_done(&b->tail);
			if (tail_read(&b->dead, path, r->open_fd, &b->tail))
				continue;
		}
		f.replay = &to;
		dead_begin(b->dead.fd);
		error = give_box(b, i == 0 && fresh, &to, &r->sum);
		if (!error)
			unlink(b->path);
		rc = rc ? rc : error;
		leave_box(b);
	}
	if (fd >= 0 && !borrowed)
		close(fd);
	return rc;
}

/* ---- all boxes of a log ---- */

static bool is_box(const char *name, const char *prefix)
{
	size_t len = strlen(name);

	return !strncmp(name, prefix, strlen(prefix)) && len > 4 && !strcmp(name + len - 4, ".box");
}

static void add_box(struct recovery *r, const char *path, const char *log)
{
	struct recover_box *grown = realloc(r->box, (r->count + 1) * sizeof *grown), *b;
	int rc;

	if (!grown)
		return;
	r->box = grown;
	b = &grown[r->count];
	memset(b, 0, sizeof *b);
	rc = take_box(b, path, log);
	if (rc == -ENODATA) /* nobody has to be told */
		unlink(path);
	if (rc)
		return;
	if (tail_read(&b->dead, log, r->open_fd, &b->tail)) {
		leave_box(b); /* who can read the log will do it */
		return;
	}
	if (!r->count)
		r->first_pid = b->dead.h.pid;
	r->count++;
}

static int by_start(const void *a, const void *b)
{
	const struct recover_box *x = a, *y = b;

	return (x->dead.h.started_ns > y->dead.h.started_ns) - (x->dead.h.started_ns < y->dead.h.started_ns);
}

void recovery_find(struct recovery *r, const char *place, const char *log, int open_fd)
{
	char directory[BOX_DIRECTORY], prefix[64], path[BOX_PATH + 256];

	memset(r, 0, sizeof *r);
	r->open_fd = open_fd;
	box_prefix(log, prefix);
	for (unsigned i = 0; box_directory(place, i, directory); i++) {
		DIR *d = opendir(directory);

		for (struct dirent *e; d && (e = readdir(d));) {
			snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
			if (is_box(e->d_name, prefix) && strcmp(path, box_path()) != 0)
				add_box(r, path, log);
			else if (box_left_over(dirfd(d), e->d_name))
				unlinkat(dirfd(d), e->d_name, 0);
		}
		if (d)
			closedir(d);
	}
	if (r->count > 1)
		qsort(r->box, r->count, sizeof *r->box, by_start);
}

void recovery_done(struct recovery *r)
{
	for (size_t i = 0; i < r->count; i++)
		leave_box(&r->box[i]);
	free(r->box);
	memset(r, 0, sizeof *r);
}

/* ---- by hand ---- */

static void describe(struct ilu_box *out, struct region_header *h, const char *path)
{
	struct stat st;
	char boot_id[40];
	int fd = box_open_file(path);

	*out = (struct ilu_box){.path = path, .log = "", .program = "", .error = fd < 0 ? fd : dead_header(fd, h)};
	if (fd >= 0 && !fstat(fd, &st)) {
		out->bytes = (uint64_t)st.st_blocks * 512;
		out->age_ns = now_wall_ns() - (st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec);
	}
	if (!out->error) {
		box_read_boot_id(boot_id);
		out->log = h->log;
		out->program = h->program;
		out->pid = (int64_t)h->pid;
		out->alive = box_lives(h, boot_id);
	}
	if (fd >= 0)
		close(fd);
}

int ilu_box_list(const char *directory, int (*each)(void *, const struct ilu_box *), void *to)
{
	char place[BOX_DIRECTORY], prefix[32], path[BOX_PATH + 256];
	struct region_header h;
	struct ilu_box box;
	int rc = 0;

	snprintf(prefix, sizeof prefix, "ilulog-%ld-", (long)geteuid());
	for (unsigned i = 0; !rc && box_directory(directory, i, place); i++) {
		DIR *d = opendir(place);

		for (struct dirent *e; d && !rc && (e = readdir(d));) {
			if (!is_box(e->d_name, prefix))
				continue;
			snprintf(path, sizeof path, "%s/%s", place, e->d_name);
			describe(&box, &h, path);
			rc = each(to, &box);
		}
		if (d)
			closedir(d);
	}
	return rc;
}

/* Claimed, with what the log has of it. */
static int take_by_hand(struct recovery *r, const char *path, const char *log)
{
	int rc;

	memset(r, 0, sizeof *r);
	r->open_fd = -1;
	r->box = calloc(1, sizeof *r->box);
	if (!r->box)
		return -ENOMEM;
	rc = take_box(r->box, path, NULL);
	if (rc)
		return rc;
	r->count = 1;
	return tail_read(&r->box->dead, log ? log : r->box->dead.h.log, -1, &r->box->tail);
}

struct reader {
	int (*write)(void *to, const char *bytes, size_t len);
	void *to;
};

static int to_reader(void *to, const char *bytes, size_t len, size_t lines)
{
	struct reader *r = to;

	(void)lines;
	return r->write(r->to, bytes, len);
}

int ilu_box_read(const char *path, const char *log, int (*write)(void *to, const char *bytes, size_t len), void *to,
                 struct ilu_box_result *out)
{
	struct reader reader = {write, to};
	struct replay replay = {.write = to_reader, .to = &reader};
	struct recovery r;
	int rc = take_by_hand(&r, path, log);

	if (!rc)
		rc = give_box(r.box, true, &replay, &r.sum);
	if (out)
		*out = r.sum;
	recovery_done(&r);
	return rc;
}

int ilu_box_recover(const char *path, const char *log, struct ilu_box_result *out)
{
	struct recovery r;
	int rc = take_by_hand(&r, path, log);
	char *name = NULL;

	if (!rc && !(name = strdup(log ? log : r.box->dead.h.log)))
		rc = -ENOMEM;
	if (!rc)
		rc = recovery_write(&r, name, false); /* a log that is gone is begun again */
	if (rc == -ENODATA)
		rc = unlink(path) ? -errno : 0;
	if (out)
		*out = r.sum;
	free(name);
	recovery_done(&r);
	return rc;
}
