/* SPDX-License-Identifier: GPL-3.0-or-later */
/* side.c - see side.h */
#include "query/why/side.h"
#include "base/sql.h"
#include "base/text.h"
#include "beside/beside.h"
#include "store/store.h"
#include "store/vtab_event.h"
#include "tables/tables.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void side_told(struct query *q, struct side *s)
{
	if (s->q.status && s->q.error && !q->status)
		query_fail(q, s->q.status, "%s", s->q.error);
	query_stop(q, s->q.status);
}

void side_done(struct side *s)
{
	if (s->own)
		sqlite3_exec(s->q.db, "COMMIT", NULL, NULL, NULL);
	store_close(s->own);
	free(s->path);
	free(s->name);
	free(s->q.error);
	free(s->q.detail);
	*s = (struct side){0};
}

/* ---- databases ---- */

static enum status status_of_open(int rc)
{
	if (rc == -EBADMSG || rc == -EPROTONOSUPPORT || rc == -EMEDIUMTYPE)
		return DAMAGED;
	return rc == -ENOMEM || rc == -EIO || rc == -ENOSPC ? SYSTEM : USAGE;
}

static int open_store(struct side *s)
{
	char *why = NULL;
	int rc = store_open(s->path, STORE_READ, &s->own, &why);

	if (rc) {
		query_fail(&s->q, status_of_open(rc), "%s: %s", s->path, why ? why : strerror(-rc));
		free(why);
		return rc;
	}
	s->q.store = s->own;
	s->q.db = store_db(s->own);
	rc = vtab_event_register(s->q.db, s->own);
	if (!rc)
		rc = tables_register(s->q.db, s->own);
	if (!rc)
		rc = beside_register(s->q.db, s->own);
	query_ok(&s->q, rc, s->path);
	/* All that is read of it is of one state, whatever is loaded meanwhile. */
	if (!rc)
		sqlite3_exec(s->q.db, "BEGIN", NULL, NULL, NULL);
	return rc;
}

static void open_database(struct side *s, const char *path, size_t len, const struct side *first)
{
	s->path = strndup(path, len);
	if (!query_ok(&s->q, s->path ? 0 : -ENOMEM, "memory"))
		return;
	if (first && first->q.db && !strcmp(first->path, s->path)) {
		s->q.store = first->q.store;
		s->q.db = first->q.db;
		return;
	}
	s->q.path = s->path;
	open_store(s);
}

static bool is_file(const char *word, size_t len)
{
	char *path = strndup(word, len);
	struct stat st;
	bool there = path && !stat(path, &st) && S_ISREG(st.st_mode);

	free(path);
	return there;
}

/* ---- runs ---- */

static int64_t find_run(struct side *s, const char *word, size_t len)
{
	sqlite3_stmt *stmt =
	    query_prepare(&s->q, "SELECT id FROM run WHERE CAST(id AS TEXT) = ?1 OR path = ?1 OR substr(path, "
	                         "-length(?1) - 1) = '/' || ?1 ORDER BY id");
	int64_t run = 0;

	sqlite3_bind_text(stmt, 1, word, (int)len, SQLITE_STATIC);
	if (query_next(&s->q, stmt))
		run = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return run;
}

/* "1 (logs/a), 2 (logs/b)" */
static void list_runs(struct side *s, struct text *out)
{
	sqlite3_stmt *stmt = query_prepare(&s->q, "SELECT id, path FROM run ORDER BY id");
	int n = 0;

	for (; query_next(&s->q, stmt); n++)
		if (n < 12)
			text_printf(out, "%s%lld (%s)", n ? ", " : "", (long long)sqlite3_column_int64(stmt, 0),
			            (const char *)sqlite3_column_text(stmt, 1));
	sqlite3_finalize(stmt);
	if (n > 12)
		text_printf(out, ", and %d more", n - 12);
	if (!n)
		text_puts(out, "none");
}

const char *side_database(const struct side *s)
{
	return s->q.cluster && !strcmp(s->path, s->given) ? s->q.cluster : s->path;
}

static void no_such_run(struct side *s, const char *word)
{
	struct text runs = {0};

	list_runs(s, &runs);
	query_fail(&s->q, USAGE, "%s: no run of %s, no file, and no stretch of time like +0s..+60s; runs there are: %s",
	           word, side_database(s), text_str(&runs));
	text_done(&runs);
}

/* ---- words ---- */

/* FILE or FILE:RUN in the first len bytes of word. Whether it is one; what goes wrong behind it is told. */
static bool take_database(struct side *s, const char *word, size_t len, const struct side *first)
{
	if (is_file(word, len)) {
		open_database(s, word, len, first);
		return true;
	}
	for (size_t i = 1; i + 1 < len; i++) {
		if (word[i] != ':' || !is_file(word, i))
			continue;
		open_database(s, word, i, first);
		if (!s->q.status)
			s->run = find_run(s, word + i + 1, len - i - 1);
		if (!s->q.status && !s->run && memchr(word, '@', len))
			return false; /* a stretch of it */
		if (!s->q.status && !s->run)
			no_such_run(s, word);
		return true;
	}
	return false;
}

/* A run of the database of -d. A database of -d that is not there has none. */
static bool take_run(struct side *s, const char *word, size_t len, const struct side *first)
{
	if (!is_file(s->q.path, strlen(s->q.path)))
		return false;
	open_database(s, s->q.path, strlen(s->q.path), first);
	if (!s->q.status)
		s->run = find_run(s, word, len);
	return s->run || s->q.status;
}

/* What was opened for a run that is not there. */
static void forget(struct side *s, const char *path)
{
	if (s->own)
		sqlite3_exec(s->q.db, "COMMIT", NULL, NULL, NULL);
	store_close(s->own);
	free(s->path);
	s->own = NULL;
	s->path = NULL;
	s->q.store = NULL;
	s->q.db = NULL;
	s->q.path = path;
}

/* A whole word, or what stands before the @ of a stretch. */
static bool take_place(struct side *s, const char *word, size_t len, const struct side *first)
{
	const char *path = s->q.path;

	if (take_run(s, word, len, first))
		return true;
	forget(s, path);
	return take_database(s, word, len, first);
}

static int64_t take_end(struct side *s, const char *word, const char *text, size_t len)
{
	char *end = strndup(text, len);
	int64_t ns = NO_NS;

	if (query_ok(&s->q, end ? 0 : -ENOMEM, "memory") && len) {
		ns = query_instant(&s->q, s->run, "since", end);
		if (s->q.status == USAGE) {
			free(s->q.error);
			s->q.error = NULL;
			s->q.status = DONE;
			no_such_run(s, word);
		}
	}
	free(end);
	return ns;
}

static bool take_stretch(struct side *s, const char *word, const struct side *first)
{
	const char *at = strchr(word, '@'), *times = at ? at + 1 : word, *dots = strstr(times, "..");

	if (!dots)
		return false;
	if (at) {
		if (!take_place(s, word, (size_t)(at - word), first))
			return false;
	} else if (is_file(s->q.path, strlen(s->q.path))) {
		open_database(s, s->q.path, strlen(s->q.path), first);
	} else {
		return false;
	}
	s->since_ns = take_end(s, word, times, (size_t)(dots - times));
	s->until_ns = take_end(s, word, dots + 2, strlen(dots + 2));
	if (!s->q.status && s->since_ns != NO_NS && s->until_ns != NO_NS && s->since_ns >= s->until_ns)
		query_fail(&s->q, USAGE, "%s: ends before it begins", word);
	return true;
}

/* Nothing fits: the runs of the database of -d, if it is there, are named. */
static void nothing_fits(struct side *s, const char *word, const struct side *first)
{
	const char *path = s->q.path;

	if (is_file(path, strlen(path))) {
		open_database(s, path, strlen(path), first);
		if (!s->q.status)
			no_such_run(s, word);
	} else {
		query_fail(&s->q, USAGE, "%s: no such file; and without a database (-d, %s is not there) no run", word,
		           path);
	}
}

/* "paper-info of new.db" */
static void name_side(struct side *s, const char *word)
{
	struct text t = {0};

	text_puts(&t, word);
	if (s->run && !strcmp(s->path, s->q.path) && strspn(word, "0123456789") == strlen(word)) {
		sqlite3_stmt *stmt = query_prepare(&s->q, "SELECT path FROM run WHERE id = ?1");

		sqlite3_bind_int64(stmt, 1, s->run);
		if (query_next(&s->q, stmt))
			text_printf(&t, " (%s)", (const char *)sqlite3_column_text(stmt, 0));
		sqlite3_finalize(stmt);
	}
	s->name = t.failed ? NULL : strdup(text_str(&t));
	query_ok(&s->q, s->name ? 0 : -ENOMEM, "memory");
	text_done(&t);
}

void side_open(struct query *q, const char *word, const struct side *first, struct side *out)
{
	*out = (struct side){.q = *q, .given = q->path, .since_ns = NO_NS, .until_ns = NO_NS};
	out->q.error = out->q.detail = NULL;
	if (q->status)
		return;
	if (!take_place(out, word, strlen(word), first)) {
		forget(out, q->path);
		if (!out->q.status && !take_stretch(out, word, first)) {
			forget(out, q->path);
			nothing_fits(out, word, first);
		}
	}
	if (!out->q.status) {
		sqlite3_stmt *stmt =
		    query_prepare(&out->q, "SELECT coalesce(offset_s, 0) FROM run WHERE ?1 IN (0, id) ORDER BY id");

		sqlite3_bind_int64(stmt, 1, out->run);
		out->offset_s = query_next(&out->q, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
		sqlite3_finalize(stmt);
		name_side(out, word);
	}
	side_told(q, out);
}
