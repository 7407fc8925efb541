/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load.c - a load: find the files, read them, build the model, let the new database be seen at once.
 *
 * A new database grows in a file beside its place, is synced and renamed; one that exists is changed in one
 * transaction. So what stands under the database's name is always whole: before the load or after it. The file beside
 * it is locked while it grows, so that of two loads that find no database the second waits, and adds to what the first
 * has made. */
#include "load/lockowner.h"
#include "base/sql.h"
#include "load/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

volatile int load_stopped;

void load_interrupt(void)
{
	load_stopped = 1;
}

/* ---- the database's place ---- */

struct place_of_db {
	const char *path;
	char *tmp; /* where a new one grows; NULL: it exists */
	int lock;  /* open and locked as long as tmp is ours */
};

/* How long another load is waited for (a large one takes minutes), and when that is told. */
enum { WAIT_MS = 600000, WAIT_STEP_MS = 20, WAIT_SAY_MS = 1000 };

static bool exists(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (!S_ISREG(st.st_mode) || st.st_size > 0);
}

/* Is fd the file that stands at path? A lock that was waited for may be that of a database which has got its name by
 * now. */
static bool stands_at(int fd, const char *path)
{
	struct stat mine, there;

	return !fstat(fd, &mine) && !stat(path, &there) && mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* The n-th step of waiting for another load; false: no longer. Also SQLite's busy handler. */
static int wait_step(void *arg, int n)
{
	struct timespec step = {0, WAIT_STEP_MS * 1000000};
	struct pass *p = arg;
	char who[96];

	if (load_stopped || n >= WAIT_MS / WAIT_STEP_MS)
		return false;
	if (n == WAIT_SAY_MS / WAIT_STEP_MS)
		say_note(p, "%s: %s is writing to it; waiting up to %d s", p->o->db,
		         lock_owner(p->locked, who, sizeof who), WAIT_MS / 1000);
	nanosleep(&step, NULL);
	return true;
}

/* What went wrong, in p->cause. */
static const char *cause(struct pass *p, int rc)
{
	free(p->cause);
	p->cause = store_cause(p->store ? store_db(p->store) : NULL, rc);
	return p->cause ? p->cause : store_error(rc);
}

static int lock_wait(struct pass *p, int fd)
{
	for (int n = 0; flock(fd, LOCK_EX | LOCK_NB); n++) {
		if (errno != EWOULDBLOCK)
			return 0; /* a file system without locks */
		if (!wait_step(p, n))
			return load_stopped ? -EINTR : -EBUSY;
	}
	return 0;
}

/* Makes d->tmp ours, and empty: a killed load may have left one. */
static int tmp_lock(struct pass *p, struct place_of_db *d)
{
	int fd, rc;

	p->locked = d->tmp;
	for (;;) {
		fd = open(d->tmp, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return errno == ENOENT ? 0
			                       : -errno; /* the store says it better of a directory that is not there */
		rc = lock_wait(p, fd);
		if (!rc && stands_at(fd, d->tmp))
			break;
		close(fd);
		if (rc)
			return rc;
	}
	d->lock = fd;
	return ftruncate(fd, 0) ? -errno : 0;
}

/* The database is at its place, or the file is given up. */
static void tmp_forget(struct place_of_db *d, bool remove)
{
	if (d->lock >= 0 && remove)
		unlink(d->tmp);
	if (d->lock >= 0)
		close(d->lock);
	d->lock = -1;
	free(d->tmp);
	d->tmp = NULL;
}

static int tmp_make(struct pass *p, struct place_of_db *d)
{
	int rc;

	if (asprintf(&d->tmp, "%s.ilu-new", d->path) < 0) {
		d->tmp = NULL;
		return -ENOMEM;
	}
	rc = tmp_lock(p, d);
	if (!rc && exists(d->path)) /* made while we waited */
		tmp_forget(d, true);
	return rc;
}

/* The database, and the right to write in it. What was read before we had that may be old: read again. */
static int db_take(struct pass *p, struct place_of_db *d, const struct store_wait *wait, char **why)
{
	int rc;

	p->locked = d->tmp ? d->tmp : d->path;
	rc = store_open_waiting(p->locked, d->tmp ? STORE_CREATE : STORE_WRITE, wait, &p->store, why);
	if (!rc && (d->tmp || p->o->passing))
		rc = store_hasten(p->store);
	if (!rc)
		rc = store_exec(p->store, "BEGIN IMMEDIATE");
	if (!rc)
		rc = store_refresh(p->store);
	return rc;
}

static int db_open(struct pass *p, struct place_of_db *d)
{
	struct store_wait wait = {wait_step, p};
	char *why = NULL, who[96];
	int rc = 0;

	d->path = p->o->db;
	if (!exists(d->path))
		rc = tmp_make(p, d);
	if (!rc)
		rc = db_take(p, d, &wait, &why);
	if (rc == -EBUSY && load_stopped)
		rc = -EINTR;
	if (rc == -EBUSY)
		say_error(p, "%s: %s is writing to it", d->path, lock_owner(p->locked, who, sizeof who));
	else if (rc && rc != -EINTR)
		say_error(p, "%s: %s", d->path, why ? why : cause(p, rc));
	free(why);
	return rc;
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags), rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd))
		rc = -errno;
	close(fd);
	return rc;
}

static int db_settle(struct pass *p, struct place_of_db *d)
{
	char *copy = NULL;
	int rc = 0;

	store_close(p->store);
	p->store = NULL;
	if (!d->tmp)
		return 0;
	if (!p->o->passing && (rc = sync_path(d->tmp, 0)))
		return rc;
	if (rename(d->tmp, d->path))
		return -errno;
	tmp_forget(d, false);
	copy = p->o->passing ? NULL : strdup(d->path);
	if (copy)
		sync_path(dirname(copy), O_DIRECTORY);
	free(copy);
	return 0;
}

static void db_abandon(struct pass *p, struct place_of_db *d)
{
	if (p->store)
		store_exec(p->store, "ROLLBACK");
	store_close(p->store);
	p->store = NULL;
	tmp_forget(d, true);
}

/* ---- a pass ---- */

static int chunk_id_next(struct pass *p)
{
	int rc =
	    sql_number(store_db(p->store), "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunk'), 0)",
	               &p->next_chunk);

	if (!rc && (p->next_chunk < 0 || p->next_chunk > CHUNK_ID_MAX / 2))
		rc = -EBADMSG; /* nobody has loaded so much */
	p->next_chunk += !rc;
	return rc;
}

/* Which transactions are in which chunks. */
static int places_write(void *arg)
{
	struct pass *p = arg;

	p->places_rc = place_set_write(p->places, p->store);
	return p->places_rc;
}

static int model(struct pass *p)
{
	struct model_options mo = {.benchmark = p->o->benchmark,
	                           .rules = p->o->rules,
	                           .threads = p->o->threads,
	                           .stop = &load_stopped,
	                           .meanwhile = places_write,
	                           .meanwhile_arg = p};
	char *why = NULL;
	int rc = store_refresh(p->store);

	for (size_t i = 0; i < p->found.nruns && !rc; i++)
		if (p->run_ids[i] && !(rc = pass_zones(p, p->run_ids[i])))
			rc = pass_run_times(p, p->run_ids[i]);
	if (!rc)
		rc = store_refresh(p->store);
	if (!rc && !p->o->no_model && (p->changed || p->o->benchmark || p->o->rules || p->o->ntimezones)) {
		rc = model_build(p->store, &mo, &why);
		if (rc && !p->places_rc) {
			say_error(p, "%s", why ? why : strerror(-rc));
			p->failed = true;
		}
	}
	free(why);
	return rc;
}

/* Runs that are known already, so that a time zone given later reaches them. */
static int runs_known(struct pass *p)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store), "SELECT id FROM run WHERE path = ?", &q);

	for (size_t i = 0; !rc && i < p->found.nruns; i++) {
		bind_word(q, 1, p->found.runs[i].real);
		rc = sql_next(q);
		if (rc == 1)
			p->run_ids[i] = sqlite3_column_int64(q, 0);
		rc = rc < 0 ? rc : 0;
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return rc;
}

static int inputs_read(struct pass *p, char **tid)
{
	int64_t total = 0;
	int rc;

	p->run_ids = calloc(p->found.nruns + 1, sizeof *p->run_ids);
	if (!p->run_ids)
		return -ENOMEM;
	for (size_t i = 0; i < p->found.ninputs; i++)
		total = p->found.inputs[i].file_bytes < 0 || total < 0 ? -1 : total + p->found.inputs[i].file_bytes;
	progress_init(&p->progress, fileno(p->o->err), p->o->quiet, total);
	if ((rc = known_read(&p->known, p->store)) ||
	    (rc = place_set_new(sqlite3_db_filename(store_db(p->store), "main"), &p->places)) ||
	    (rc = aside_new(p->store, p->found.ninputs, p->o->threads, &load_stopped, &p->aside)) ||
	    (rc = chunk_id_next(p)) || (rc = runs_known(p)) || (rc = pass_tid_kept(p, tid)))
		return rc;
	for (size_t i = 0; i < p->found.ninputs && !rc && !load_stopped; i++)
		rc = pass_input(p, &p->found.inputs[i]);
	if (!rc)
		rc = pass_beside(p);
	progress_clear(&p->progress);
	return rc;
}

/* The disk takes what is there of a new database while the model is built, so that less is left to wait for at the end.
 */
static int write_ahead(struct pass *p)
{
	int rc = p->file >= 0 && !p->o->passing ? sql_errno(sqlite3_db_cacheflush(store_db(p->store))) : 0;

	if (!rc && p->file >= 0 && !p->o->passing)
		sync_file_range(p->file, 0, 0, SYNC_FILE_RANGE_WRITE);
	return rc == -EBUSY ? 0 : rc;
}

static int pass_fill(struct pass *p, char **tid)
{
	int rc = inputs_read(p, tid);

	p->told = false;

	parser_done(&p->parser);
	p->parser = (struct parser){0};
	malloc_trim(0);       /* what the parsers had is of no use to the model */
	aside_free(p->aside); /* whatever happened, nobody else uses the connection from here on */
	p->aside = NULL;
	if (!rc)
		rc = pass_tid_find(p, tid);
	if (!rc)
		rc = pass_tid_keep(p);
	if (!rc)
		rc = write_ahead(p);
	if (!rc)
		rc = model(p);
	if (!rc)
		rc = places_write(p); /* the model has done it, if it was built: nothing is left then */
	if (!rc)
		rc = store_exec(p->store, "COMMIT");
	return rc;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int status_of(int rc)
{
	switch (rc) {
	case -EBADMSG:
	case -EMEDIUMTYPE:
	case -EPROTONOSUPPORT:
	case -ESTALE: /* a log was cut or went away while it was read */
		return 3;
	case -EINVAL:
	case -ENOENT:
	case -EISDIR:
		return 2;
	case -EINTR:
		return 130;
	default:
		return 4;
	}
}

static int pass_outcome(struct pass *p, struct place_of_db *d, int rc)
{
	if (rc) {
		if (p->failed)
			say_error(p, "%s is as it was before", d->path);
		else
			say_error(p, "%s: %s; it is as it was before", d->path, cause(p, rc));
		db_abandon(p, d);
		return status_of(rc);
	}
	pass_levels_say(p);
	pass_ledger(p);
	rc = db_settle(p, d);
	if (rc) {
		say_error(p, "%s: %s", d->path, cause(p, rc));
		db_abandon(p, d);
		return 4;
	}
	return load_stopped ? 130 : p->unopened ? 2 : p->damaged ? 3 : 0;
}

/* Of a load: TURN_TID reads the same anew, since a field was found that names transactions. */
enum turn { TURN_FIRST, TURN_TID, TURN_FOLLOW };

/* The exit status; negative, and *tid, where it is to be done anew with that field: -1 nothing was read yet, -2 it was.
 */
static int pass_run(const struct load_options *o, enum turn turn, char **tid)
{
	bool first = turn == TURN_FIRST;
	struct pass p = {.o = o, .again = turn == TURN_FOLLOW, .tid_found = *tid != NULL, .told = turn == TURN_TID};
	struct place_of_db d = {.lock = -1};
	double start = now();
	int rc, status = 4;

	progress_init(&p.progress, fileno(o->err), o->quiet, -1);
	if (first && !pass_zones_known(&p))
		return 2;
	if ((rc = pass_formats(&p))) {
		pass_formats_done(&p);
		if (rc != -EINVAL)
			say_error(&p, "%s", strerror(-rc));
		return rc == -EINVAL ? 2 : 4;
	}
	rc = discover(o->paths, o->npaths, o->run, &p.record, &p.found);
	for (size_t i = 0; first && i < p.found.nerrors; i++)
		say_error(&p, "%s", p.found.errors[i]);
	for (size_t i = 0; first && i < p.found.nnotes; i++)
		say_note(&p, "%s", p.found.notes[i]);
	p.unopened = rc == -ENOENT;
	if (rc && rc != -ENOENT) {
		say_error(&p, "%s", strerror(-rc));
	} else if (!p.found.ninputs) {
		status = p.unopened ? 2 : 0;
	} else if ((rc = db_open(&p, &d))) {
		db_abandon(&p, &d);
		status = status_of(rc);
	} else {
		p.file = d.lock;
		rc = pass_fill(&p, tid);
		if (turn != TURN_FOLLOW && !rc && !load_stopped)
			pass_zones_unused(&p);
		p.seconds = now() - start;
		status = rc != -ERESTART ? pass_outcome(&p, &d, rc) : p.files ? -2 : -1;
		if (rc == -ERESTART)
			db_abandon(&p, &d);
	}
	place_set_free(p.places);
	known_done(&p.known);
	free(p.cause);
	free(p.run_ids);
	discovery_done(&p.found);
	pass_formats_done(&p);
	return status;
}

static int load_follow(struct load_options *o, char **tid)
{
	struct timespec half = {0, 500000000};
	int status;

	o->quiet = true;
	while (!load_stopped) {
		nanosleep(&half, NULL);
		status = load_stopped ? 0 : pass_run(o, TURN_FOLLOW, tid);
		if (status == 4)
			return status;
	}
	return 130;
}

int load_run(const struct load_options *options)
{
	struct load_options o = *options;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char *tid = NULL;
	int status;

	if (!o.threads)
		o.threads = cpus < 1 ? 1 : cpus > 16 ? 16 : (unsigned)cpus;
	status = pass_run(&o, TURN_FIRST, &tid);
	if (status < 0) {
		o.roles[ROLE_TID] = tid;
		status = pass_run(&o, status == -1 ? TURN_FIRST : TURN_TID, &tid);
	}
	status = o.follow && (!status || status == 3) ? load_follow(&o, &tid) : status;
	free(tid);
	return status;
}
