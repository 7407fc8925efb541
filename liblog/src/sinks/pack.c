/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - old log files become zstd's; see pack.h.
 *
 * The appender's thread starts a pass, and looks now and then what came of it; they share `struct pack` by atomics.
 * The thread of the pass has a descriptor of the directory, so it needs no names of the appender's. */
#include "sinks/pack.h"

#include "base/lock.h"
#include "base/now.h"
#include "base/thread.h"
#include "sinks/away.h"
#include "sinks/squeeze.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NANO        1000000000
#define ALONE_S     15 /* since it was written to last */
#define AGAIN_NS    UINT64_C(5000000000)
#define END_NS      2000000000 /* how long the end waits for a pass that does not come back */
#define LOCK_TRIES  1000       /* a millisecond each: somebody moves the log just now */
#define TOLD_MAX    64
#define HELD        256
#define HOUR_NS     UINT64_C(3600000000000)
#define STACK_BYTES (256 * 1024)
#define IDLE_IO     (3 << 13) /* IOPRIO_CLASS_IDLE */

/* Files that could not be packed, by the hash of their names: to find that out is most of the work. Those that share a
 * row wait for each other. */
struct held {
	uint64_t wait_ns; /* 0: none */
	uint64_t until_ns;
};

enum { OPEN_DIR, OPEN_PLAIN, OPEN_PACKED, OPEN };

struct pack {
	pthread_t thread;
	bool started; /* to be joined */
	bool none;    /* no libzstd, or none of our business: a child's */
	bool wanted;
	uint64_t next_ns; /* when to try again what was left; 0: nothing was */
	/* shared */
	uint32_t running; /* atomic, futex */
	char stop;        /* atomic */
	char said;        /* atomic: the next three are there */
	char said_name[NAME_MAX + 1];
	const char *reason;
	int error;
	/* the pass's, or between two passes anybody's */
	DIR *dir;
	char *log;
	struct keep open[OPEN]; /* for a child, which closes them */
	bool left;
	struct held held[HELD];
	uint64_t told[TOLD_MAX]; /* hashes of files and errors that were said */
	unsigned ntold;
	char path[PATH_MAX]; /* of what is said */
};

/* ---- in the thread ---- */

static uint64_t hash_of(const char *name, int error)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)error;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return h;
}

/* Of each file each reason once, as far as one remembers. */
static void tell(struct pack *p, const char *name, const char *reason, int error)
{
	uint64_t hash = hash_of(name, error);

	p->left = true;
	for (unsigned i = 0; i < TOLD_MAX && i < p->ntold; i++)
		if (p->told[i] == hash)
			return;
	if (__atomic_load_n(&p->said, __ATOMIC_ACQUIRE))
		return; /* with the next pass */
	p->told[p->ntold++ % TOLD_MAX] = hash;
	snprintf(p->said_name, sizeof p->said_name, "%s", name);
	p->reason = reason;
	p->error = error;
	__atomic_store_n(&p->said, 1, __ATOMIC_RELEASE);
}

/* Under a name that nobody takes for a log. */
static int make_packed(int dir, const char *temporary)
{
	int fd;

	unlinkat(dir, temporary, 0); /* of one that was interrupted: whoever has the plain one's lock is alone */
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : keep_high(fd);
}

/* What the plain file had: its mode, its owner, its time. */
static int dress(int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(fd, st->st_uid, st->st_gid) && errno != EPERM)
		return -errno;
	if (fchmod(fd, st->st_mode & 0777) || futimens(fd, times) || fdatasync(fd))
		return -errno;
	return 0;
}

static int lock_patiently(int dir, const char *log)
{
	const struct timespec wait = {0, 1000000};
	int lock = away_lock_in(dir, log);

	for (int i = 0; lock == -EWOULDBLOCK && i < LOCK_TRIES; i++) {
		nanosleep(&wait, NULL);
		lock = away_lock_in(dir, log);
	}
	return lock;
}

/* Where a directory cannot be synced, it is as it is. */
static int sync_directory(int dir)
{
	return fsync(dir) && errno != EINVAL ? -errno : 0;
}

/* The packed one gets its name, the plain one goes: while nobody counts old files, or removes them. Where the plain one
 * has to stay, it stays alone. */
static int exchange(struct pack *p, const char *name, const char *temporary, const struct stat *plain)
{
	int dir = dirfd(p->dir), lock = lock_patiently(dir, p->log), rc = 0;
	char packed[NAME_MAX + 1];
	struct stat now;

	if (lock < 0)
		return lock;
	snprintf(packed, sizeof packed, "%s.zst", name);
	if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) || now.st_ino != plain->st_ino || now.st_dev != plain->st_dev)
		rc = -ENOENT;
	if (!rc && renameat(dir, temporary, dir, packed)) {
		rc = -errno;
	} else if (!rc) {
		rc = sync_directory(dir);
		if (!rc && unlinkat(dir, name, 0) && errno != ENOENT) /* somebody was first */
			rc = -errno;
		if (rc)
			unlinkat(dir, packed, 0);
	}
	away_unlock(lock);
	return rc;
}

static int pack_file(struct pack *p, const char *name, int plain, const struct stat *st)
{
	char temporary[NAME_MAX + 1];
	int dir = dirfd(p->dir), fd, rc;
	struct keep *to = &p->open[OPEN_PACKED];

	if (snprintf(temporary, sizeof temporary, ".%s.zst", name) >= (int)sizeof temporary)
		return -ENAMETOOLONG;
	fd = make_packed(dir, temporary);
	if (fd < 0)
		return fd;
	*to = keep_note(fd);
	rc = squeeze(plain, to, &p->stop);
	if (!rc)
		rc = dress(fd, st);
	keep_close(to);
	if (!rc)
		rc = exchange(p, name, temporary, st);
	if (rc)
		unlinkat(dir, temporary, 0);
	return rc;
}

/* Once more with the next pass, then half as often each time, at last each hour. */
static void hold(struct held *held, bool failed)
{
	uint64_t wait_ns = !held->wait_ns ? 1 : held->wait_ns == 1 ? 2 * AGAIN_NS : 2 * held->wait_ns;

	held->wait_ns = !failed ? 0 : wait_ns < HOUR_NS ? wait_ns : HOUR_NS;
	held->until_ns = now_machine_ns() + held->wait_ns;
}

static bool left_alone(const struct stat *st)
{
	int64_t age_s = now_wall_ns() / NANO - st->st_mtim.tv_sec;

	return age_s < 0 || age_s >= ALONE_S;
}

static void try_file(struct pack *p, const char *name)
{
	struct held *held = &p->held[hash_of(name, 0) % HELD];
	struct stat st;
	int fd, rc;

	if (now_machine_ns() < held->until_ns) {
		p->left = true;
		return;
	}
	fd = openat(dirfd(p->dir), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno != ENOENT)
			tell(p, name, "cannot be read", errno);
		return;
	}
	fd = keep_high(fd);
	p->open[OPEN_PLAIN] = keep_note(fd);
	if (fstat(fd, &st) || !left_alone(&st)) {
		p->left = true;
	} else if (flock(fd, LOCK_EX | LOCK_NB)) {
		tell(p, name, "somebody writes to it", errno == EWOULDBLOCK ? 0 : errno);
	} else {
		rc = pack_file(p, name, fd, &st);
		hold(held, rc && rc != -ECANCELED && rc != -ENOENT);
		if (rc == -ECANCELED)
			p->left = true;
		else if (rc && rc != -ENOENT)
			tell(p, name, "cannot be packed", -rc);
	}
	if (keep_same(&p->open[OPEN_PLAIN], &st)) /* a child that was forked meanwhile has it, too */
		flock(fd, LOCK_UN);
	keep_close(&p->open[OPEN_PLAIN]);
}

/* Nobody is to wait for it. */
static void stand_back(void)
{
	const struct sched_param none = {.sched_priority = 0};

	prctl(PR_SET_NAME, "ilu-packer");
	sched_setscheduler(0, SCHED_IDLE, &none);
	syscall(SYS_ioprio_set, 1, 0, IDLE_IO);
}

static void *run(void *argument)
{
	struct pack *p = argument;
	struct away_old *old;
	ssize_t count;

	now_own_thread();
	stand_back();
	count = away_list(p->dir, p->log, &old);
	if (count < 0)
		tell(p, "", "its directory cannot be read", (int)-count);
	while (count-- > 0) { /* the oldest first */
		if (!old[count].packed && !__atomic_load_n(&p->stop, __ATOMIC_RELAXED))
			try_file(p, old[count].name);
		free(old[count].name);
	}
	free(old);
	p->open[OPEN_DIR].fd = -1;
	closedir(p->dir);
	free(p->log);
	__atomic_store_n(&p->running, 0, __ATOMIC_RELEASE);
	futex_wake(&p->running, 1);
	return NULL;
}

/* ---- outside ---- */

int pack_new(struct pack **out)
{
	struct pack *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->wanted = true;
	for (int i = 0; i < OPEN; i++)
		p->open[i].fd = -1;
	if (!squeeze_ready()) {
		p->none = true;
		p->said = 1;
		p->reason = "there is no libzstd.so.1";
	}
	*out = p;
	return 0;
}

void pack_wake(struct pack *p)
{
	if (p)
		p->wanted = true;
}

static void join(struct pack *p)
{
	if (p->started)
		pthread_join(p->thread, NULL);
	p->started = false;
}

/* The log's directory, and its name there. */
static int set_out(struct pack *p, const struct place *place)
{
	const char *log;

	p->log = NULL;
	p->dir = away_open(place, &log);
	if (!p->dir)
		return -errno;
	p->open[OPEN_DIR] = keep_note(dirfd(p->dir));
	p->log = strdup(log);
	p->left = false;
	return p->log ? 0 : -ENOMEM;
}

static void start(struct pack *p, const struct place *place)
{
	int rc;

	join(p);
	p->wanted = false;
	p->next_ns = 0;
	rc = set_out(p, place);
	if (!rc) {
		p->running = 1;
		rc = thread_start(&p->thread, STACK_BYTES, run, p);
		p->started = !rc;
	}
	if (!rc)
		return;
	p->running = 0;
	if (p->dir)
		closedir(p->dir);
	p->open[OPEN_DIR].fd = -1;
	free(p->log);
	tell(p, "", p->dir ? "there is no thread to pack it" : "its directory cannot be read", -rc);
	p->next_ns = now_machine_ns() + AGAIN_NS;
}

static bool take_news(struct pack *p, const struct place *place, struct pack_news *news)
{
	const char *slash = strrchr(place->path, '/');

	if (!__atomic_load_n(&p->said, __ATOMIC_ACQUIRE))
		return false;
	if (*p->said_name)
		snprintf(p->path, sizeof p->path, "%.*s%s", slash ? (int)(slash + 1 - place->path) : 0, place->path,
		         p->said_name);
	*news = (struct pack_news){*p->said_name ? p->path : place->path, p->reason, p->error};
	__atomic_store_n(&p->said, 0, __ATOMIC_RELEASE);
	return true;
}

bool pack_look(struct pack *p, const struct place *place, struct pack_news *news)
{
	bool ready = !p->none && !now_replaced() && !__atomic_load_n(&p->running, __ATOMIC_ACQUIRE);

	if (ready && p->started) { /* a pass has ended */
		join(p);
		if (p->left)
			p->next_ns = now_machine_ns() + AGAIN_NS;
	}
	if (ready && (p->wanted || (p->next_ns && now_machine_ns() >= p->next_ns)))
		start(p, place);
	return take_news(p, place, news);
}

void pack_forked(struct pack *p)
{
	if (!p)
		return;
	for (int i = 0; i < OPEN; i++)
		keep_close(&p->open[i]);
	p->none = true;
	p->started = false;
	p->running = 0;
	p->said = 0;
}

/* One that hangs in a dead disk keeps what it uses. */
void pack_free(struct pack *p)
{
	const struct sched_param none = {.sched_priority = 0};
	uint64_t deadline = now_machine_ns() + END_NS;

	if (!p)
		return;
	__atomic_store_n(&p->stop, 1, __ATOMIC_RELAXED);
	if (p->started)
		pthread_setschedparam(p->thread, SCHED_OTHER, &none);
	while (__atomic_load_n(&p->running, __ATOMIC_ACQUIRE)) {
		if (now_machine_ns() >= deadline) {
			pthread_detach(p->thread);
			return;
		}
		futex_wait(&p->running, 1, NANO / 10);
	}
	join(p);
	free(p);
}
