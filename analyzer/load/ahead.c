/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ahead.c - a file has grown by what another source has: a copy was made of it meanwhile, and loaded before it.
 *
 * Only the first lines of a source can be another's. So where the copy's own begin with those of the file, it is the
 * copy that gives up the lines that it has of its own, and the file has them; where the copy has come further than the
 * file, the file stays as it was loaded until it has come as far. A file whose own lines nobody rests on, such as one
 * that was met with half a line in it, becomes a copy itself. A copy that goes on where its original has a line without
 * its end takes over all that the original has. Nothing rests on what has no lines of its own: what did rests on the
 * source that has them. What is taken out here is read again from the file in the same transaction, and where that does
 * not come as far, because it is stopped or the file was cut meanwhile, the transaction is given up. */
#include "base/sql.h"
#include "load/pass.h"
#include "store/place.h"

#include <errno.h>

/* 1: the first lines of a source are, by however many copies, those of another one; 0, or negative. */
static int rests_on(struct pass *p, int64_t source, int64_t other)
{
	sqlite3_stmt *q;
	int rc =
	    sql_prepare(store_db(p->store),
	                "WITH RECURSIVE r(id) AS (SELECT ?1 UNION SELECT same_as FROM r JOIN source USING (id) WHERE "
	                "same_as IS NOT NULL) SELECT 1 FROM r WHERE id = ?2",
	                &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, source);
	sqlite3_bind_int64(q, 2, other);
	rc = sql_next(q);
	sqlite3_finalize(q);
	return rc;
}

/* Its lines out of the database, and out of its row; what is of another source stays. */
static int emptied(struct pass *p, int64_t source)
{
	sqlite3_stmt *q;
	int rc = place_set_write(p->places, p->store); /* it may have been loaded just now */

	if (!rc)
		rc = source_take_out(p, source);
	if (!rc)
		rc = sql_prepare(store_db(p->store),
		                 "UPDATE source SET ok = 0, blank = 0, repaired = 0, rejected = 0, ok_bytes = 0, "
		                 "repaired_bytes = 0, rejected_bytes = 0 WHERE id = ?",
		                 &q);
	if (rc)
		return rc;
	p->changed = true;
	sqlite3_bind_int64(q, 1, source);
	return sql_finish(q);
}

static int run_of(struct pass *p, int64_t source, int64_t *run)
{
	return sql_number_of(store_db(p->store), "SELECT run FROM source WHERE id = ?", source, run);
}

/* What rests on a source rests on another one from now on, which has its whole text. */
static int lean_on(struct pass *p, int64_t source, int64_t of)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store), "UPDATE source SET same_as = ?2 WHERE same_as = ?1 AND id <> ?2", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, source);
	sqlite3_bind_int64(q, 2, of);
	return sql_finish(q);
}

/* The copy has nothing of its own any more: its whole text, also a last line that has no end, is that of source `of`.
 */
static int give_up(struct pass *p, const struct known_source *copy, int64_t of)
{
	struct known_source now = *copy;
	sqlite3_stmt *q;
	int64_t run;
	int rc = emptied(p, copy->id);

	if (!rc)
		rc = lean_on(p, copy->id, of);
	if (!rc)
		rc = sql_prepare(
		    store_db(p->store),
		    "UPDATE source SET same_as = ?2, duplicate_bytes = bytes, duplicate = lines WHERE id = ?1", &q);
	if (rc)
		return rc;
	now.copy = true;
	sqlite3_bind_int64(q, 1, copy->id);
	sqlite3_bind_int64(q, 2, of);
	if ((rc = sql_finish(q)) || (rc = run_of(p, copy->id, &run)) || (rc = pass_run_times(p, run)))
		return rc;
	say_note(p, "%s: its lines are those of source %lld now, and counted as duplicate", copy->path.ptr,
	         (long long)of);
	return known_note(&p->known, &now);
}

int source_take_over(struct pass *p, const struct resume *r)
{
	struct known_source from;
	sqlite3_stmt *q;
	int rc = emptied(p, r->source);

	if (rc || !known_id(&p->known, r->takes, &from))
		return rc ? rc : -EBADMSG;
	rc = sql_prepare(
	    store_db(p->store),
	    "UPDATE source SET same_as = nullif(?2, 0), duplicate_bytes = ?3, duplicate = ?4 WHERE id = ?1", &q);
	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, r->source);
	sqlite3_bind_int64(q, 2, r->same_as);
	sqlite3_bind_int64(q, 3, r->skip_bytes);
	sqlite3_bind_int64(q, 4, r->next_line - 1);
	rc = sql_finish(q);
	return rc ? rc : give_up(p, &from, r->source);
}

/* One that is ahead. 1: that settles it, 0: it has given up its lines, or negative. */
static int settle(struct pass *p, const struct input *in, const struct known_source *known,
                  const struct known_source *ahead, const struct overlap *found, struct resume *out)
{
	int rc = rests_on(p, ahead->id, known->id);

	if (rc < 0)
		return rc;
	if (!rc) {
		if (!known->copy && !found->source_open && !(rc = emptied(p, known->id)))
			rc = lean_on(p, known->id, ahead->id);
		if (!rc)
			rc = resume_copy(p, out, ahead->id, found);
		return rc ? rc : 1;
	}
	if (found->source_ends) {
		if (out->had < ahead->bytes)
			out->had = ahead->bytes;
		return give_up(p, ahead, known->id);
	}
	say_note(p, "%s: what is new are lines of source %lld", in->path, (long long)ahead->id);
	out->unchanged = true;
	return 1;
}

int resume_ahead(struct pass *p, const struct input *in, const struct known_source *known, bool compared,
                 const char *head, size_t len, struct resume *out)
{
	struct known_source ahead;
	struct overlap found;
	int rc;

	while ((rc = text_find(p, in->path, head, len, known, &ahead, &found)) == 1) {
		struct overlap own;

		if (!found.lines && !found.source_open)
			return 0;
		/* it may be another file, of which that is the copy */
		if (!compared && (rc = text_compare(p, in->path, known->id, &own)) != 1)
			return rc < 0 ? rc : 0;
		compared = true;
		if ((rc = settle(p, in, known, &ahead, &found, out)))
			return rc;
	}
	return rc;
}
