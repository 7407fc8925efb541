/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.c - opening a database, and what is kept of it in memory. */
#include "store/store_private.h"
#include "base/array.h"
#include "store/vtab_event.h"
#include "store_sql.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define APPLICATION_ID 0x494C5551u
#define FORMAT_VERSION 4

#define ROOM_LEFT (64 << 10) /* bytes that a file may still grow by where it cannot take what is written */

static const char no_space[] = "no space left on the device";

const char *store_error(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return "the database is damaged";
	case -EPROTONOSUPPORT:
		return "the database was made by another version";
	case -EMEDIUMTYPE:
		return "not an ilu-logq database";
	case -ENOSPC:
		return no_space;
	default:
		return strerror(-rc);
	}
}

sqlite3 *store_db(struct store *s)
{
	return s->db;
}

bool store_sums_texts(struct store *s, int64_t *n, const char **function, const char **first)
{
	*n = s->texts.n;
	*function = s->texts.function;
	*first = s->texts.first;
	s->texts.n = 0;
	return *n > 0;
}

void store_left_joins(struct store *s, bool may)
{
	s->left_joins = may;
}

struct shape_set *store_shapes(struct store *s)
{
	return s->shapes;
}

void store_read_once(struct store *s, bool on)
{
	s->forgets = on;
}

static atomic_bool many_stopped;

void store_stop_many(bool on)
{
	many_stopped = on;
}

static int is_stopped(void *arg)
{
	(void)arg;
	return many_stopped;
}

void store_is_one_of_many(struct store *s)
{
	enum { STEPS = 100 }; /* of SQLite's, between looks */

	s->one_of_many = true;
	sqlite3_progress_handler(s->db, STEPS, is_stopped, NULL);
}

static size_t idle_most(const struct store *s)
{
	return s->forgets ? 0 : s->one_of_many ? CHUNK_IDLE_BYTES / 4 : CHUNK_IDLE_BYTES;
}

int store_exec(struct store *s, const char *sql)
{
	return sql_exec_all(s->db, sql);
}

/* A write has failed: was there no room? SQLite does not always remember the error by which it could be known. */
static bool is_full(sqlite3 *db, int e)
{
	const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
	struct rlimit limit;
	struct statvfs fs;
	struct stat st;

	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return true;
	if (e || !path || stat(path, &st))
		return false;
	return (!statvfs(path, &fs) && !fs.f_bavail) ||
	       (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	        (rlim_t)st.st_size + ROOM_LEFT >= limit.rlim_cur);
}

char *store_cause(sqlite3 *db, int rc)
{
	int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_OK, e = db ? sqlite3_system_errno(db) : 0;
	char *why;

	if (code == SQLITE_FULL || rc == -ENOSPC)
		return strdup(no_space);
	if ((code == SQLITE_IOERR || (code == SQLITE_OK && rc == -EIO)) && is_full(db, e))
		return asprintf(&why, "%s (%s)", no_space, strerror(e ? e : EFBIG)) < 0 ? NULL : why;
	if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
		return rc ? strdup(store_error(rc)) : NULL;
	if ((code != SQLITE_IOERR && code != SQLITE_CANTOPEN) || !e)
		return strdup(sqlite3_errmsg(db));
	return asprintf(&why, "%s: %s", sqlite3_errmsg(db), strerror(e)) < 0 ? NULL : why;
}

int store_format_check(int64_t format, char **why)
{
	static const char newer[] = "its format is %lld, this version reads %d: use a newer ilu-logq";
	static const char older[] = "its format is %lld, written by an earlier build, and this one reads %d: load its "
	                            "logs again, into a new database";

	if (format == FORMAT_VERSION)
		return 0;
	if (asprintf(why, format > FORMAT_VERSION ? newer : older, (long long)format, FORMAT_VERSION) < 0)
		*why = NULL;
	return -EPROTONOSUPPORT;
}

/* Texts are read as the bytes that stand in the file. */
static int encoding_check(sqlite3 *db, char **why)
{
	int64_t other;
	int rc = sql_number(db, "SELECT encoding <> 'UTF-8' FROM pragma_encoding", &other);

	if (rc || !other)
		return rc;
	*why = strdup("an SQLite database with texts in UTF-16, which ilu-logq does not write; it was not touched");
	return -EMEDIUMTYPE;
}

/* Ours, or nobody's yet (*empty)? Nothing is written. */
static int identify(struct store *s, bool *empty, char **why)
{
	int64_t id = 0, version = 0, tables = 0;
	int rc;

	if ((rc = sql_number(s->db, "PRAGMA application_id", &id)) ||
	    (rc = sql_number(s->db, "PRAGMA user_version", &version)) ||
	    (rc = sql_number(s->db, "SELECT count(*) FROM sqlite_schema", &tables))) {
		*why =
		    rc == -EMEDIUMTYPE ? strdup("not an SQLite database; it was not touched") : store_cause(s->db, rc);
		return rc;
	}
	*empty = !id && !version && !tables;
	if (!*empty && id != APPLICATION_ID) {
		*why = strdup("an SQLite database of something else than ilu-logq; it was not touched");
		return -EMEDIUMTYPE;
	}
	rc = *empty ? 0 : store_format_check(version, why);
	return rc ? rc : encoding_check(s->db, why);
}

int store_hasten(struct store *s)
{
	return store_exec(s, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
}

static int settle(struct store *s, enum store_mode mode, char **why)
{
	bool empty = false;
	int rc = identify(s, &empty, why);

	if (rc)
		return rc;
	if (empty && mode != STORE_CREATE) {
		*why = strdup("the database is empty: load some logs first");
		return -ENOENT;
	}
	if (empty) {
		/* there is nothing to lose yet: no journal, and no waiting for the disk */
		rc = store_exec(s, "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
		if (!rc)
			rc = store_exec(s, store_sql);
		if (!rc)
			rc = store_exec(s, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL");
	}
	if (!rc)
		rc = store_exec(s, "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY");
	if (rc && !*why)
		*why = store_cause(s->db, rc);
	return rc;
}

static int start(struct store *s, enum store_mode mode, const struct store_wait *wait, char **why)
{
	int rc;

	if (wait)
		sqlite3_busy_handler(s->db, wait->step, wait->arg);
	else
		sqlite3_busy_timeout(s->db, 10000);
	rc = settle(s, mode, why);
	if (!rc)
		rc = shape_set_new(&s->shapes);
	if (!rc)
		rc = store_shapes_read(s);
	if (!rc)
		rc = vtab_event_register(s->db, s);
	if (rc && !*why)
		*why = strdup(store_error(rc));
	return rc;
}

/* Is there a directory that path can be made in? */
static bool directory_of(const char *path, struct stat *st)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
	bool is = dir && !stat(dir, st) && S_ISDIR(st->st_mode);

	free(dir);
	return is;
}

/* SQLite says "unable to open database file" of everything; we can do better. */
static int path_check(const char *path, enum store_mode mode, char **why)
{
	struct stat st;

	if (!strcmp(path, ":memory:"))
		return 0;
	if (stat(path, &st)) {
		if (errno == ENOENT && mode == STORE_CREATE) {
			if (directory_of(path, &st))
				return 0;
			*why = strdup("the directory it should be in does not exist");
			return -ENOENT;
		}
		*why = strdup(errno == ENOENT ? "no such database; make one with: ilu-logq load PATH..."
		                              : strerror(errno));
		return -ENOENT;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = strdup("not a file");
		return -EMEDIUMTYPE;
	}
	return 0;
}

static bool is_ours(const char *path)
{
	unsigned char id[4];
	FILE *f = fopen(path, "re");
	bool ours = f && !fseek(f, 68, SEEK_SET) && fread(id, 1, 4, f) == 4 &&
	            ((uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3]) == APPLICATION_ID;

	if (f)
		fclose(f);
	return ours;
}

/* A load that was killed leaves a journal, and the database is whole again once it was rolled back: a connection that
 * only reads can't. */
static int roll_back(struct store *s, const char *path, char **why)
{
	static const char look[] = "SELECT count(*) FROM sqlite_schema";
	sqlite3 *db = NULL;
	int rc;

	if (!sqlite3_exec(s->db, look, NULL, NULL, NULL) ||
	    sqlite3_extended_errcode(s->db) != SQLITE_READONLY_ROLLBACK || !is_ours(path))
		return 0; /* other errors are told by whoever meets them */
	rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (!rc) {
		sqlite3_busy_timeout(db, 10000);
		rc = sqlite3_exec(db, look, NULL, NULL, NULL);
	}
	sqlite3_close(db);
	if (rc && (rc & 0xff) != SQLITE_BUSY)
		*why =
		    strdup("a load was interrupted, and what it left can't be rolled back without permission to write");
	return *why ? sql_errno(rc) : 0;
}

int store_open(const char *path, enum store_mode mode, struct store **out, char **why)
{
	return store_open_waiting(path, mode, NULL, out, why);
}

int store_open_waiting(const char *path, enum store_mode mode, const struct store_wait *wait, struct store **out,
                       char **why)
{
	static const int flags[] = {
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
	};
	struct store *s = calloc(1, sizeof *s);
	int rc;

	*why = NULL;
	if (!s)
		return -ENOMEM;
	rc = path_check(path, mode, why);
	if (!rc && (rc = sql_errno(sqlite3_open_v2(path, &s->db, flags[mode], NULL))))
		*why = store_cause(s->db, rc);
	if (!rc && mode == STORE_READ)
		rc = roll_back(s, path, why);
	if (!rc)
		rc = start(s, mode, wait, why);
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

int store_attach(sqlite3 *db, struct store **out, char **why)
{
	struct store *s = calloc(1, sizeof *s);
	int rc;

	*why = NULL;
	if (!s)
		return -ENOMEM;
	s->db = db;
	s->borrowed = true;
	rc = shape_set_new(&s->shapes);
	if (!rc)
		rc = store_shapes_read(s);
	if (rc) {
		*why = strdup(store_error(rc));
		store_close(s);
	} else {
		*out = s;
	}
	return rc;
}

static void sources_forget(struct store *s)
{
	for (size_t i = 0; i < s->nsources; i++)
		free(s->sources[i].worker);
	free(s->sources);
	s->sources = NULL;
	s->nsources = 0;
	s->sources_read = false;
}

static void cache_forget(struct store *s)
{
	for (unsigned i = 0; i < CHUNK_CACHE; i++) {
		if (s->cache[i].pins)
			continue;
		chunk_close(s->cache[i].chunk);
		free(s->cache[i].home);
		s->cache[i] = (struct cached_chunk){0};
	}
}

void event_room_free(struct event_room *r);

void store_close(struct store *s)
{
	if (!s)
		return;
	event_room_free(s->got); /* it pins a chunk */
	cache_forget(s);
	sources_forget(s);
	store_clocks_forget(s);
	chunk_room_free(s->room);
	sqlite3_finalize(s->chunk_read);
	sqlite3_finalize(s->block_read);
	sqlite3_finalize(s->refs_read[0]);
	sqlite3_finalize(s->refs_read[1]);
	bytes_free(&s->block);
	if (!s->borrowed)
		sqlite3_close_v2(s->db);
	shape_set_free(s->shapes);
	free(s);
}

int store_refresh(struct store *s)
{
	cache_forget(s);
	sources_forget(s);
	store_clocks_forget(s);
	return store_shapes_read(s);
}

/* ---- shapes ---- */

int store_shapes_read(struct store *s)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(s->db, "SELECT id, part, skeleton FROM shape WHERE id > ? ORDER BY id", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, s->shapes_saved);
	while ((rc = sql_next(q)) == 1) {
		int64_t id = sqlite3_column_int64(q, 0), part = sqlite3_column_int64(q, 1);
		const void *p = sqlite3_column_blob(q, 2);
		int bad = -EBADMSG;

		if (id > 0 && id <= SHAPE_MAX && (part == 0 || part == 1))
			bad = shape_set_load(s->shapes, (uint32_t)id, (unsigned)part, p ? p : "",
			                     (size_t)sqlite3_column_bytes(q, 2));
		if (bad) {
			sqlite3_finalize(q);
			return bad;
		}
		s->shapes_saved = (uint32_t)id;
	}
	sqlite3_finalize(q);
	return rc;
}

int store_shapes_write(struct store *s)
{
	uint32_t count = shape_set_count(s->shapes);
	sqlite3_stmt *q;
	int rc;

	if (count == s->shapes_saved)
		return 0;
	rc = sql_prepare(s->db, "INSERT INTO shape (id, part, skeleton) VALUES (?, ?, ?)", &q);
	for (uint32_t id = s->shapes_saved + 1; !rc && id <= count; id++) {
		const struct shape *sh = shape_set_get(s->shapes, id);

		sqlite3_bind_int64(q, 1, id);
		sqlite3_bind_int(q, 2, sh->part);
		sqlite3_bind_blob(q, 3, sh->skeleton.ptr, (int)sh->skeleton.len, SQLITE_STATIC);
		rc = sql_step_reset(q);
	}
	sqlite3_finalize(q);
	if (!rc)
		s->shapes_saved = count;
	return rc;
}

/* ---- sources ---- */

bool worker_is_owner(const char *worker)
{
	const char *slash = worker ? strrchr(worker, '/') : NULL;

	if (!worker)
		return false;
	worker = slash ? slash + 1 : worker; /* of a host: "host_b/worker" */
	return !strcmp(worker, "controller") || !strcmp(worker, "load_gen") || !strcmp(worker, "worker") ||
	       !strncmp(worker, "worker_", 7);
}

#define SOURCES_MAX (1 << 24)

int store_offset_ns(int64_t offset_s, int64_t *out)
{
	if (offset_s < -OFFSET_MAX_S || offset_s > OFFSET_MAX_S)
		return -EBADMSG;
	*out = offset_s * 1000000000;
	return 0;
}

static int source_add(struct store *s, sqlite3_stmt *q)
{
	int64_t id = sqlite3_column_int64(q, 0);
	const char *worker = (const char *)sqlite3_column_text(q, 2);
	struct source_info *i;
	int64_t offset_ns;

	if (id < 1 || id > SOURCES_MAX || store_offset_ns(sqlite3_column_int64(q, 3), &offset_ns))
		return -EBADMSG;
	if (array_reserve_zeroed(s->sources, s->nsources, id + 1))
		return -ENOMEM;
	i = &s->sources[id];
	*i = (struct source_info){.run = sqlite3_column_int64(q, 1),
	                          .offset_ns = offset_ns,
	                          .known = true,
	                          .cluster = sqlite3_column_int(q, 4),
	                          .owned = worker_is_owner(worker)};
	i->worker_len = worker ? strlen(worker) : 0;
	if (worker && !(i->worker = strdup(worker)))
		return -ENOMEM;
	return 0;
}

static int sources_read(struct store *s)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(s->db, "SELECT id, run, worker, offset_s, cluster FROM source", &q), bad = 0;

	if (rc)
		return rc;
	sources_forget(s);
	store_clocks_forget(s);
	while (!bad && (rc = sql_next(q)) == 1)
		bad = source_add(s, q);
	sqlite3_finalize(q);
	s->sources_read = !bad && !rc;
	return bad ? bad : rc;
}

int store_source(struct store *s, int64_t id, const struct source_info **out)
{
	int rc = s->sources_read ? 0 : sources_read(s);

	if (!rc && (id <= 0 || (size_t)id >= s->nsources || !s->sources[id].known))
		rc = -EBADMSG;
	if (!rc)
		*out = &s->sources[id];
	return rc;
}

/* ---- chunks ---- */

int store_statement(struct store *s, sqlite3_stmt **q, const char *sql)
{
	return *q ? sql_errno(sqlite3_reset(*q)) : sql_prepare_kept(s->db, sql, q);
}

static int statement(struct store *s, sqlite3_stmt **q, const char *sql, int64_t id)
{
	int rc = store_statement(s, q, sql);

	return rc ? rc : sql_errno(sqlite3_bind_int64(*q, 1, id));
}

/* A statement that is not at rest holds the database open for reading, against every writer; and a connection that is
 * somebody else's cannot be closed while it has one of ours. */
void store_statement_rest(struct store *s, sqlite3_stmt **q)
{
	if (!s->borrowed) {
		sqlite3_reset(*q);
		return;
	}
	sqlite3_finalize(*q);
	*q = NULL;
}

#define BLOCK_LONG (1 << 20) /* bytes of a block that are not to be in memory twice */

/* SQLite makes a value of its own of what it gives: a long block is read past it. */
static int block_read_long(struct store *s, int64_t id, size_t n)
{
	sqlite3_blob *blob = NULL;
	int rc = sql_errno(sqlite3_blob_open(s->db, "main", "block", "data", id, false, &blob));

	s->block.len = 0;
	s->block.failed = false;
	if (!rc && (size_t)sqlite3_blob_bytes(blob) < n)
		rc = -EBADMSG;
	if (!rc && array_reserve(s->block.ptr, s->block.room, n))
		rc = -ENOMEM;
	if (!rc)
		rc = sql_errno(sqlite3_blob_read(blob, s->block.ptr, (int)n, 0));
	sqlite3_blob_close(blob);
	s->block.len = rc ? 0 : n;
	return rc == -EINVAL ? -EBADMSG : rc; /* there is no such row */
}

static int block_keep(struct store *s, const void *p, size_t n)
{
	s->block.len = 0;
	s->block.failed = false;
	bytes_add(&s->block, p, p ? n : 0);
	return s->block.failed ? -ENOMEM : p ? 0 : -EBADMSG;
}

static int block_read_short(struct store *s, int64_t id)
{
	int rc = statement(s, &s->block_read, "SELECT data FROM block WHERE id = ?", id);

	if (rc)
		return rc;
	rc = sql_next(s->block_read);
	if (rc == 1)
		rc = block_keep(s, sqlite3_column_blob(s->block_read, 0),
		                (size_t)sqlite3_column_bytes(s->block_read, 0));
	else
		rc = rc ? rc : -EBADMSG;
	store_statement_rest(s, &s->block_read);
	return rc;
}

static int block_fetch(void *arg, uint32_t block, const void **p, size_t *n)
{
	const struct chunk_home *home = arg;
	struct store *s = home->store;
	int64_t id = home->id << 16 | block;
	int rc;

	if (block == CHUNK_FETCH_DONE) {
		bytes_free(&s->block);
		return 0;
	}
	rc = block > 0xffff ? -EBADMSG : *n > BLOCK_LONG ? block_read_long(s, id, *n) : block_read_short(s, id);

	if (rc)
		return rc;
	*p = s->block.ptr;
	*n = s->block.len;
	return 0;
}

static int chunk_fetch(struct store *s, int64_t id, struct chunk_home **home, struct chunk **out)
{
	const void *p;
	int rc;

	if (!s->room && (rc = chunk_room_new(&s->room)))
		return rc;
	rc = statement(s, &s->chunk_read, "SELECT data, source, first_line FROM chunk WHERE id = ?", id);

	if (rc)
		return rc;
	*home = malloc(sizeof **home);
	if (!*home)
		return -ENOMEM;
	**home = (struct chunk_home){.store = s, .id = id};
	rc = sql_next(s->chunk_read);
	if (rc == 1) {
		p = sqlite3_column_blob(s->chunk_read, 0);
		(*home)->source = sqlite3_column_int64(s->chunk_read, 1);
		(*home)->first_line = sqlite3_column_int64(s->chunk_read, 2);
		rc = p ? chunk_open_stored(s->shapes, p, (size_t)sqlite3_column_bytes(s->chunk_read, 0), block_fetch,
		                           *home, s->room, out)
		       : -EBADMSG;
	} else {
		rc = rc ? rc : -ENOENT;
	}
	store_statement_rest(s, &s->chunk_read);
	if (rc)
		free(*home);
	return rc;
}

int store_chunk_pin(struct store *s, int64_t id, struct chunk **out)
{
	struct cached_chunk *victim = NULL, *e;
	struct chunk_home *home;
	int rc;

	if (id < 0 || id > CHUNK_ID_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < CHUNK_CACHE; i++) {
		e = &s->cache[i];
		if (e->chunk && e->id == id) {
			e->pins++;
			e->used = ++s->tick;
			*out = e->chunk;
			return 0;
		}
		if (!e->pins && (!victim || e->used < victim->used))
			victim = e;
	}
	if (!victim)
		return -EMFILE; /* more cursors at a time than anybody should have */
	rc = chunk_fetch(s, id, &home, out);
	if (rc)
		return rc;
	chunk_close(victim->chunk);
	free(victim->home);
	*victim = (struct cached_chunk){id, *out, home, 1, ++s->tick};
	return 0;
}

const struct chunk_home *store_chunk_home(struct store *s, const struct chunk *c)
{
	for (unsigned i = 0; i < CHUNK_CACHE; i++)
		if (s->cache[i].chunk == c)
			return s->cache[i].home;
	return NULL;
}

/* Closes the chunks that were longest not read, while more is unpacked of such than should be. */
static void cache_trim(struct store *s)
{
	for (;;) {
		struct cached_chunk *oldest = NULL;
		size_t bytes = 0;

		for (unsigned i = 0; i < CHUNK_CACHE; i++) {
			struct cached_chunk *e = &s->cache[i];

			if (!e->chunk || e->pins)
				continue;
			bytes += chunk_memory(e->chunk);
			if (!oldest || e->used < oldest->used)
				oldest = e;
		}
		if (bytes <= idle_most(s))
			return;
		chunk_close(oldest->chunk);
		free(oldest->home);
		*oldest = (struct cached_chunk){0};
	}
}

void store_chunk_unpin(struct store *s, struct chunk *c)
{
	for (unsigned i = 0; c && i < CHUNK_CACHE; i++) {
		if (s->cache[i].chunk != c)
			continue;
		s->cache[i].pins--;
		s->cache[i].used = ++s->tick;
		cache_trim(s);
		return;
	}
}
