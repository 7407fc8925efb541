/* SPDX-License-Identifier: Apache-2.0 */
/* box.c - making, noting in and leaving the black box; see box.h. */
#include "box/box.h"

#include "base/now.h"
#include "box/slab.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	char path[BOX_PATH]; /* "": none */
	uint64_t cells;      /* so many fit into what is open */
} box;

_Static_assert(sizeof(pthread_mutex_t) <= sizeof((struct region_header *)0)->alive, "no room for the mutex");

static pthread_mutex_t *alive(void)
{
	return (pthread_mutex_t *)(void *)region.shared->alive;
}

/* ---- making ---- */

static bool make_name(const char *directory, const char *log, char out[BOX_PATH])
{
	char prefix[64];
	uint64_t number = 0;

	if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
		number = (uint64_t)now_machine_ns() ^ (uint64_t)getpid() << 40;
	box_prefix(log, prefix);
	return snprintf(out, BOX_PATH, "%s/%s%ld-%08x.box", directory, prefix, (long)getpid(), (uint32_t)number) <
	       BOX_PATH;
}

static void init_alive(struct region_header *h)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init((pthread_mutex_t *)(void *)h->alive, &attr);
	pthread_mutexattr_destroy(&attr);
}

static void describe(struct region_header *h, const struct box_of *of)
{
	*h = *region.header;
	h->pid = (uint64_t)getpid();
	h->tsc = of->tsc;
	h->started_ns = now_wall_ns();
	h->spanning = of->spanning;
	h->list = of->list;
	h->iluvatar = of->iluvatar;
	h->offset_s = of->offset_s;
	snprintf(h->boot_id, sizeof h->boot_id, "%s", of->boot_id);
	snprintf(h->run, sizeof h->run, "%s", of->run);
	snprintf(h->program, sizeof h->program, "%s", program_invocation_short_name);
	snprintf(h->log, sizeof h->log, "%s", of->log);
	h->sum = region_sum(&h->version, offsetof(struct region_header, sum) - offsetof(struct region_header, version));
	init_alive(h);
	for (int i = 0; i < 2; i++) {
		h->note[i].next_seq = 1;
		h->note[i].sum = region_sum(&h->note[i], offsetof(struct region_note, sum));
	}
}

/* A file past the limit is a signal that kills, not an answer. */
static bool may_be_so_large(uint64_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= bytes;
}

static int open_in(const char *directory, const struct box_of *of, char why[BOX_WHY])
{
	struct region_header h;
	char name[BOX_PATH + sizeof BOX_NEW];
	int fd, rc;

	if (!make_name(directory, of->log, box.path)) {
		*box.path = '\0';
		return -ENAMETOOLONG;
	}
	snprintf(name, sizeof name, "%s" BOX_NEW, box.path);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = -errno;
	} else {
		describe(&h, of);
		rc = region_share(fd, &h);
		close(fd);
		if (rc)
			unlink(name);
	}
	if (rc) {
		snprintf(why, BOX_WHY, "%.*s: %s", BOX_WHY / 2, directory, strerror(-rc));
		*box.path = '\0';
	}
	return rc;
}

int box_open(const struct box_of *of, char why[BOX_WHY])
{
	char directory[BOX_DIRECTORY];
	int rc = -ENOENT;

	box.cells = 0;
	snprintf(why, BOX_WHY, "no directory for it");
	if (strlen(of->log) >= sizeof region.header->log) {
		snprintf(why, BOX_WHY, "the log's path is too long");
		return -ENAMETOOLONG;
	}
	if (!may_be_so_large(region.header->bytes)) {
		snprintf(why, BOX_WHY, "RLIMIT_FSIZE is less than its %llu bytes",
		         (unsigned long long)region.header->bytes);
		return -EFBIG;
	}
	for (unsigned i = 0; rc && box_directory(of->place, i, directory); i++)
		rc = open_in(directory, of, why);
	return rc;
}

/* ---- living ---- */

int box_begin(void)
{
	char name[BOX_PATH + sizeof BOX_NEW];
	int rc;

	if (!*box.path)
		return 0;
	pthread_mutex_lock(alive());
	snprintf(name, sizeof name, "%s" BOX_NEW, box.path);
	rc = rename(name, box.path) ? -errno : 0;
	if (rc)
		unlink(name); /* nobody would find it */
	return rc;
}

void box_end(void)
{
	if (!*box.path)
		return;
	if (unlink(box.path))
		memcpy(region.shared->magic, REGION_ENDED, sizeof region.shared->magic);
	pthread_mutex_unlock(alive());
}

void box_abandon(void)
{
	char name[BOX_PATH + sizeof BOX_NEW];

	snprintf(name, sizeof name, "%s" BOX_NEW, box.path);
	unlink(name);
	box_leave();
}

void box_leave(void)
{
	if (region.boxed)
		region_unshare();
	*box.path = '\0';
}

bool box_open_now(void)
{
	return region.boxed;
}

const char *box_path(void)
{
	return box.path;
}

/* ---- notes ---- */

unsigned box_note_slot(void)
{
	return (region.shared->noted + 1) & 1;
}

void box_note(const struct region_note *note)
{
	struct region_header *h = region.shared;
	struct region_note *to = &h->note[box_note_slot()];

	*to = *note;
	to->sum = region_sum(to, offsetof(struct region_note, sum));
	__atomic_store_n(&h->noted, h->noted + 1, __ATOMIC_RELEASE);
}

void box_written(void)
{
	__atomic_store_n(&region.shared->written, region.shared->noted, __ATOMIC_RELEASE);
}

/* ---- spans ---- */

static struct region_cell *cell_of(uint64_t handle)
{
	uint64_t i = SLAB_INDEX(handle);

	if (i >= region.header->slots || !region_reach(REGION_CELLS, (i + 1) * sizeof(struct region_cell)))
		return NULL;
	return (struct region_cell *)(void *)(region.base + region.header->cells_at) + i;
}

static uint64_t cell_sum(const struct region_cell *cell)
{
	return region_sum(&cell->handle,
	                  offsetof(struct region_cell, text) - offsetof(struct region_cell, handle) + cell->len);
}

void box_span_put(const struct box_span *span)
{
	struct region_cell *cell = cell_of(span->handle);

	if (!cell)
		return;
	cell->handle = span->handle;
	cell->parent = span->parent;
	cell->id = span->id;
	cell->opened = span->opened;
	cell->site = span->site;
	cell->open = 1;
	cell->tail_at = span->tail_at;
	cell->len = span->len <= sizeof cell->text ? (uint32_t)span->len : 0;
	memcpy(cell->text, span->text, cell->len);
	cell->sum = cell_sum(cell);
}

void box_span_close(uint64_t handle)
{
	struct region_cell *cell = cell_of(handle);

	if (!cell || cell->handle != handle)
		return;
	cell->open = 0;
	cell->sum = cell_sum(cell);
}
