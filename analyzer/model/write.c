/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - one table of columns for both the SQL text and the binding of an invocation. */
#include "model/write.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

enum kind { SLICE_COLUMN, WORD_COLUMN, NS_COLUMN, REAL_COLUMN };

struct column {
	const char *name;
	enum kind kind;
	size_t at;
};

#define C(kind, name)	       {#name, kind, offsetof(struct invocation, name)}
#define C_AS(kind, name, from) {#name, kind, offsetof(struct invocation, from)}

static const struct column invocation_columns[] = {
	C(NS_COLUMN, run), C(SLICE_COLUMN, tid), C(SLICE_COLUMN, worker), C(SLICE_COLUMN, function_name), C(WORD_COLUMN, function_source),
	C(SLICE_COLUMN, fqdn), C(WORD_COLUMN, status), C_AS(NS_COLUMN, attempts, nattempts), C(NS_COLUMN, success), C(NS_COLUMN, was_cold),
	C(WORD_COLUMN, compute), C(WORD_COLUMN, state),
	C(NS_COLUMN, sent_ns), C(NS_COLUMN, controller_ns), C(NS_COLUMN, dispatched_ns), C(NS_COLUMN, arrived_ns), C(NS_COLUMN, insert_ns),
	C(NS_COLUMN, remove_ns), C(NS_COLUMN, start_ns), C(NS_COLUMN, end_ns), C(NS_COLUMN, return_ns),
	C(NS_COLUMN, worker_duration_us), C(NS_COLUMN, e2e_duration_us), C(NS_COLUMN, cache_insertions), C(REAL_COLUMN, code_duration_sec),
	C(REAL_COLUMN, queueing_sec), C(REAL_COLUMN, queue_exec_sec), C(REAL_COLUMN, cpu_est_queue_sec), C(REAL_COLUMN, cpu_est_runtime_sec),
	C(REAL_COLUMN, gpu_est_queue_sec), C(REAL_COLUMN, gpu_est_runtime_sec), C(REAL_COLUMN, cpu_est_sec), C(REAL_COLUMN, gpu_est_sec),
	C(REAL_COLUMN, insert_cpu_load), C(REAL_COLUMN, insert_gpu_load), C(REAL_COLUMN, est_sec_diff),
	C(REAL_COLUMN, e2e_sec), C(REAL_COLUMN, e2e_overhead), C(REAL_COLUMN, exec_overhead), C(REAL_COLUMN, norm_e2e),
	C(REAL_COLUMN, e2e_overhead_portion), C(REAL_COLUMN, queue_portion), C(REAL_COLUMN, exec_overhead_norm), C(REAL_COLUMN, e2e_portion),
	C(REAL_COLUMN, e2e_norm_portion),
};

#define NCOLUMNS (sizeof invocation_columns / sizeof *invocation_columns)

int sql_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_READONLY:
		return -EROFS;
	default:
		return -EIO;
	}
}

int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return sql_errno(sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

int sql_step_reset(sqlite3_stmt *st)
{
	int rc = sql_errno(sqlite3_step(st));

	sqlite3_reset(st);
	return rc;
}

int sql_exec_all(sqlite3 *db, const char *sql)
{
	return sql_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

void bind_slice(sqlite3_stmt *st, int i, struct slice v)
{
	if (v.ptr)
		sqlite3_bind_text64(st, i, v.ptr, v.len, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(st, i);
}

void bind_word(sqlite3_stmt *st, int i, const char *v)
{
	if (v)
		sqlite3_bind_text(st, i, v, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

void bind_ns(sqlite3_stmt *st, int i, int64_t v)
{
	if (v != NO_NS)
		sqlite3_bind_int64(st, i, v);
	else
		sqlite3_bind_null(st, i);
}

void bind_real(sqlite3_stmt *st, int i, double v)
{
	sqlite3_bind_double(st, i, v); /* NaN becomes NULL */
}

struct slice column_slice(sqlite3_stmt *st, int i)
{
	const char *p = (const char *)sqlite3_column_text(st, i);

	return p ? (struct slice){p, (size_t)sqlite3_column_bytes(st, i)} : SLICE_NONE;
}

int64_t column_ns(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NO_NS : sqlite3_column_int64(st, i);
}

int rules_keep(sqlite3 *db, const char *path, char **why)
{
	sqlite3_stmt *st;
	char *text = NULL;
	size_t len = 0;
	int rc = rules_read_file(path, &text, &len, why);

	if (rc)
		return rc;
	rc = sql_prepare(db, "INSERT OR REPLACE INTO rules(id, path, text) VALUES(1, ?, ?)", &st);
	if (!rc) {
		bind_word(st, 1, path);
		bind_slice(st, 2, (struct slice){text, len});
		rc = sql_step_reset(st);
		sqlite3_finalize(st);
	}
	free(text);
	return rc;
}

int rules_of_database(sqlite3 *db, struct rules **out, char **why)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT path, text FROM rules WHERE id = 1", &st);

	*why = NULL;
	if (rc)
		return rc;
	if (sqlite3_step(st) == SQLITE_ROW) {
		struct slice text = column_slice(st, 1);

		rc = rules_parse(text.ptr ? text.ptr : "", text.len, (const char *)sqlite3_column_text(st, 0), out, why);
	} else {
		rc = rules_builtin(out, why);
	}
	sqlite3_finalize(st);
	return rc;
}

static int prepare_invocation(struct writer *w)
{
	char sql[2048];
	size_t n = (size_t)snprintf(sql, sizeof sql, "INSERT INTO invocation(");

	for (size_t i = 0; i < NCOLUMNS; i++)
		n += (size_t)snprintf(sql + n, sizeof sql - n, "%s%s", i ? "," : "", invocation_columns[i].name);
	n += (size_t)snprintf(sql + n, sizeof sql - n, ") VALUES(");
	for (size_t i = 0; i < NCOLUMNS; i++)
		n += (size_t)snprintf(sql + n, sizeof sql - n, "%s?", i ? "," : "");
	snprintf(sql + n, sizeof sql - n, ")");
	return sql_prepare(w->db, sql, &w->invocation);
}

int writer_open(struct writer *w, sqlite3 *db)
{
	int rc;

	*w = (struct writer){.db = db};
	rc = prepare_invocation(w);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO attempt(run,tid,n,worker,insert_ns,remove_ns,start_ns,end_ns,container_id,state,outcome,error)"
				     " VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", &w->attempt);
	if (rc)
		writer_close(w);
	return rc;
}

void writer_close(struct writer *w)
{
	sqlite3_finalize(w->invocation);
	sqlite3_finalize(w->attempt);
	*w = (struct writer){0};
}

static void bind_column(sqlite3_stmt *st, int i, const struct column *c, const struct invocation *o)
{
	const void *p = (const char *)o + c->at;

	switch (c->kind) {
	case SLICE_COLUMN:
		bind_slice(st, i, *(const struct slice *)p);
		break;
	case WORD_COLUMN:
		bind_word(st, i, *(const char *const *)p);
		break;
	case NS_COLUMN:
		bind_ns(st, i, *(const int64_t *)p);
		break;
	case REAL_COLUMN:
		bind_real(st, i, *(const double *)p);
		break;
	}
}

static int write_attempt(struct writer *w, const struct invocation *o, int64_t n)
{
	const struct attempt *a = &o->attempt[n];
	sqlite3_stmt *st = w->attempt;

	sqlite3_bind_int64(st, 1, o->run);
	bind_slice(st, 2, o->tid);
	sqlite3_bind_int64(st, 3, n + 1);
	bind_slice(st, 4, a->worker.ptr ? a->worker : o->worker);
	bind_ns(st, 5, a->insert_ns);
	bind_ns(st, 6, a->remove_ns);
	bind_ns(st, 7, a->start_ns);
	bind_ns(st, 8, a->end_ns);
	bind_slice(st, 9, a->container_id);
	bind_word(st, 10, a->state);
	bind_word(st, 11, a->outcome);
	bind_slice(st, 12, a->error);
	return sql_step_reset(st);
}

int write_invocation(struct writer *w, const struct invocation *o)
{
	int rc;

	for (size_t i = 0; i < NCOLUMNS; i++)
		bind_column(w->invocation, (int)i + 1, &invocation_columns[i], o);
	rc = sql_step_reset(w->invocation);
	for (int64_t n = 0; !rc && n < o->nattempts; n++)
		rc = write_attempt(w, o, n);
	return rc;
}
