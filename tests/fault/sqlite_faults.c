/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_faults.c - see sqlite_faults.h */
#include "sqlite_faults.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

const char *const sql_fault_names[SQL_FAULT_KINDS] = {[FAULT_MALLOC] = "an allocation",
                                                      [FAULT_OPEN] = "open",
                                                      [FAULT_WRITE] = "write: full",
                                                      [FAULT_WRITE_EIO] = "write",
                                                      [FAULT_SYNC] = "fsync",
                                                      [FAULT_MMAP] = "mmap",
                                                      [FAULT_THREAD] = "a thread",
                                                      [FAULT_TRUNCATE] = "ftruncate",
                                                      [FAULT_ALLOCATE] = "fallocate",
                                                      [FAULT_RENAME] = "rename",
                                                      [FAULT_READ] = "pread",
                                                      [SQLITE_MEMORY] = "an allocation of SQLite's",
                                                      [FILE_READ] = "SQLite's read",
                                                      [FILE_OPEN] = "SQLite's open",
                                                      [FILE_WRITE_FULL] = "SQLite's write: full",
                                                      [FILE_WRITE] = "SQLite's write",
                                                      [FILE_SYNC] = "SQLite's sync",
                                                      [FILE_TRUNCATE] = "SQLite's truncate",
                                                      [SQLITE_STEP] = "a step",
                                                      [SQLITE_PREPARE] = "a statement",
                                                      [SQLITE_BLOB] = "a blob",
                                                      [FILE_SIZE] = "files may not grow"};

static struct {
	int kind;
	unsigned armed, calls, at;
} plan;

static bool fails(int kind)
{
	return __atomic_load_n(&plan.armed, __ATOMIC_ACQUIRE) && plan.kind == kind &&
	       __atomic_add_fetch(&plan.calls, 1, __ATOMIC_RELAXED) == plan.at;
}

/* ---- SQLite's functions, whatever it is that they fail of ---- */

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st,
                              const char **rest);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st,
                              const char **rest);

int __wrap_sqlite3_step(sqlite3_stmt *st)
{
	return fails(SQLITE_STEP) ? SQLITE_IOERR : __real_sqlite3_step(st);
}

int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **st, const char **rest)
{
	if (!fails(SQLITE_PREPARE))
		return __real_sqlite3_prepare_v2(db, sql, n, st, rest);
	*st = NULL;
	return SQLITE_NOMEM;
}

int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned flags, sqlite3_stmt **st, const char **rest)
{
	if (!fails(SQLITE_PREPARE))
		return __real_sqlite3_prepare_v3(db, sql, n, flags, st, rest);
	*st = NULL;
	return SQLITE_NOMEM;
}

int __real_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table, const char *column, sqlite3_int64 row,
                             int flags, sqlite3_blob **out);
int __wrap_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table, const char *column, sqlite3_int64 row,
                             int flags, sqlite3_blob **out);
int __real_sqlite3_blob_read(sqlite3_blob *blob, void *to, int n, int at);
int __wrap_sqlite3_blob_read(sqlite3_blob *blob, void *to, int n, int at);
int __real_sqlite3_blob_write(sqlite3_blob *blob, const void *from, int n, int at);
int __wrap_sqlite3_blob_write(sqlite3_blob *blob, const void *from, int n, int at);

int __wrap_sqlite3_blob_open(sqlite3 *db, const char *schema, const char *table, const char *column, sqlite3_int64 row,
                             int flags, sqlite3_blob **out)
{
	if (!fails(SQLITE_BLOB))
		return __real_sqlite3_blob_open(db, schema, table, column, row, flags, out);
	*out = NULL;
	return SQLITE_IOERR;
}

int __wrap_sqlite3_blob_read(sqlite3_blob *blob, void *to, int n, int at)
{
	return fails(SQLITE_BLOB) ? SQLITE_IOERR : __real_sqlite3_blob_read(blob, to, n, at);
}

int __wrap_sqlite3_blob_write(sqlite3_blob *blob, const void *from, int n, int at)
{
	return fails(SQLITE_BLOB) ? SQLITE_FULL : __real_sqlite3_blob_write(blob, from, n, at);
}

/* ---- its memory and files ---- */

static sqlite3_mem_methods memory;

static void *memory_get(int n)
{
	return fails(SQLITE_MEMORY) ? NULL : memory.xMalloc(n);
}

static void *memory_more(void *old, int n)
{
	return fails(SQLITE_MEMORY) ? NULL : memory.xRealloc(old, n);
}

static sqlite3_io_methods real_io, io;

static int io_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fails(FILE_WRITE_FULL) ? SQLITE_FULL
	       : fails(FILE_WRITE)    ? SQLITE_IOERR_WRITE
	                              : real_io.xWrite(f, p, n, at);
}

static int io_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return fails(FILE_READ) ? SQLITE_IOERR_READ : real_io.xRead(f, p, n, at);
}

static int io_sync(sqlite3_file *f, int flags)
{
	return fails(FILE_SYNC) ? SQLITE_IOERR_FSYNC : real_io.xSync(f, flags);
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails(FILE_TRUNCATE) ? SQLITE_IOERR_TRUNCATE : real_io.xTruncate(f, size);
}

static sqlite3_vfs *unix_vfs, vfs;

/* All files of a VFS that have locks have the same methods, those without have others: only the first kind is ours. */
static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
	int rc = fails(FILE_OPEN) ? SQLITE_CANTOPEN : unix_vfs->xOpen(v, name, f, flags, out);

	if (rc || !f->pMethods)
		return rc;
	if (!io.iVersion) {
		real_io = io = *f->pMethods;
		io.xRead = io_read;
		io.xWrite = io_write;
		io.xSync = io_sync;
		io.xTruncate = io_truncate;
	}
	if (f->pMethods->xWrite == real_io.xWrite && f->pMethods->xLock == real_io.xLock)
		f->pMethods = &io;
	return rc;
}

void sql_faults_prepare(void)
{
	sqlite3_mem_methods ours;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
	ours = memory;
	ours.xMalloc = memory_get;
	ours.xRealloc = memory_more;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	sqlite3_initialize();
	unix_vfs = sqlite3_vfs_find(NULL);
	vfs = *unix_vfs;
	vfs.zName = "faults";
	vfs.pNext = NULL;
	vfs.xOpen = vfs_open;
	sqlite3_vfs_register(&vfs, 1);
}

static void size_limit(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &r);
}

void sql_fault_arm(int kind, unsigned at)
{
	if (kind < SQLITE_MEMORY) {
		fault_arm((enum fault_kind)kind, at, kind == (int)FAULT_WRITE ? 2 : 1);
	} else if (kind == FILE_SIZE) {
		size_limit(at * 1024);
	} else {
		plan.kind = kind;
		plan.at = at;
		plan.calls = 0;
		__atomic_store_n(&plan.armed, 1, __ATOMIC_RELEASE);
	}
}

unsigned sql_fault_disarm(int kind)
{
	if (kind < SQLITE_MEMORY)
		return fault_disarm();
	if (kind == FILE_SIZE)
		size_limit(RLIM_INFINITY);
	__atomic_store_n(&plan.armed, 0, __ATOMIC_RELEASE);
	return plan.calls;
}
