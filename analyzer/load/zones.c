/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zones.c - which clock a log was written by (ilu-logq(1)), and the times that follow from it. */
#include "ingest/zone.h"
#include "base/sql.h"
#include "load/pass.h"
#include "load/runkind.h"
#include "beside/beside.h"

#include <errno.h>
#include <stdlib.h>

/* Is path what the n bytes at word name: the end of it, by whole names, or a file or directory that is there? */
static bool names_path(const char *word, size_t n, const char *path)
{
	size_t len = strlen(path), start;
	char *name, *real;
	bool is;

	while (n > 1 && word[n - 1] == '/')
		n--;
	start = n <= len ? len - n : 0;
	if (n && n <= len && !strncmp(word, path + start, n) && (!start || path[start - 1] == '/'))
		return true;
	name = strndup(word, n);
	real = name ? realpath(name, NULL) : NULL;
	n = real ? strlen(real) : 0;
	is = n && n <= len && !strncmp(real, path, n) && (!path[n] || path[n] == '/' || n == 1);
	free(real);
	free(name);
	return is;
}

/* The --timezone argument for a path: the ZONE of the first PATH=ZONE that names it, else the last ZONE alone; NULL:
 * none. */
const char *pass_zone_of(struct pass *p, const char *path)
{
	const char *all = NULL;

	for (size_t i = 0; i < p->o->ntimezones; i++) {
		const char *z = p->o->timezones[i], *eq = strrchr(z, '=');

		if (!eq) {
			all = z;
		} else if (names_path(z, (size_t)(eq - z), path)) {
			p->zones_used |= i < 64 ? UINT64_C(1) << i : 0;
			return eq + 1;
		}
	}
	return all;
}

/* Before anything is read: times that take a wrong zone for none are wrong, and nobody sees it. */
bool pass_zones_known(struct pass *p)
{
	for (size_t i = 0; i < p->o->ntimezones; i++) {
		const char *z = p->o->timezones[i], *eq = strrchr(z, '='), *why = NULL;
		int64_t offset_s;
		int rc = zone_offset(eq ? eq + 1 : z, 0, &offset_s, &why);

		if (rc) {
			say_error(p, "--timezone %s: %s", z, why ? why : strerror(-rc));
			return false;
		}
	}
	return true;
}

void pass_zones_unused(struct pass *p)
{
	for (size_t i = 0; i < p->o->ntimezones && i < 64; i++) {
		if (!strchr(p->o->timezones[i], '=') || p->zones_used & UINT64_C(1) << i)
			continue;
		say_error(p, "--timezone %s: names no log here whose times lack an offset", p->o->timezones[i]);
		p->unopened = true;
	}
}

static int offset_set(struct pass *p, int64_t source, int64_t offset_s, const char *from)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store), "UPDATE source SET offset_s = ?, offset_from = ? WHERE id = ?", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, offset_s);
	sqlite3_bind_text(q, 2, from, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, source);
	return sql_finish(q);
}

struct result_offset {
	bool asked, found;
	int64_t offset_s;
};

static int source_zone(struct pass *p, int64_t run, int64_t source, const char *path, const char *had, int64_t stamp,
                       struct result_offset *res)
{
	const char *zone = pass_zone_of(p, path), *why = NULL;
	int64_t offset;
	int rc;

	if (had && !strcmp(had, "stamp"))
		return 0;
	if (zone) {
		rc = zone_offset(zone, stamp, &offset, &why);
		if (rc) {
			say_error(p, "--timezone %s: %s", zone, why ? why : strerror(-rc));
			p->failed = true;
			return -EINVAL;
		}
		return offset_set(p, source, offset, "option");
	}
	if (had && !strcmp(had, "option"))
		return 0;
	if (!res->asked && (rc = beside_offset_from_results(p->store, run, &res->offset_s, &res->found)))
		return rc;
	res->asked = true;
	return res->found ? offset_set(p, source, res->offset_s, "result") : offset_set(p, source, 0, "assumed");
}

int pass_zones(struct pass *p, int64_t run)
{
	struct result_offset res = {0};
	sqlite3_stmt *q;
	int rc = sql_prepare(
	        store_db(p->store),
	        "SELECT s.id, s.path, s.offset_from, (SELECT min_stamp FROM chunk c WHERE c.source = s.id AND "
	        "min_stamp IS NOT NULL "
	        "ORDER BY first_line LIMIT 1) AS stamp FROM source s WHERE run = ? AND stamp IS NOT NULL AND "
	        "coalesce(format, 'tracing') LIKE '%tracing%'",
	        &q),
	    bad = 0;

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, run);
	while (!bad && (rc = sql_next(q)) == 1)
		bad = source_zone(p, run, sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1),
		                  (const char *)sqlite3_column_text(q, 2), sqlite3_column_int64(q, 3), &res);
	sqlite3_finalize(q);
	return bad ? bad : rc;
}

int pass_run_times(struct pass *p, int64_t run)
{
	/* times of other programs' records are UTC already */
	static const char shift[] =
	    "CASE WHEN coalesce(format, 'tracing') LIKE '%tracing%' THEN offset_s * 1000000000 ELSE 0 END";
	char sql[2000];

	snprintf(
	    sql, sizeof sql,
	    "UPDATE source SET first_ns = (SELECT min(min_stamp) FROM chunk c WHERE c.source = source.id) + %s, "
	    "last_ns = (SELECT max(max_stamp) FROM chunk c WHERE c.source = source.id) + %s WHERE "
	    "run = %lld;"
	    "UPDATE run SET first_ns = (SELECT min(first_ns) FROM source s WHERE s.run = run.id AND s.kind <> "
	    "'energy'), "
	    "last_ns = (SELECT max(last_ns) FROM source s WHERE s.run = run.id AND s.kind <> 'energy'), "
	    "offset_s = (SELECT offset_s FROM source s WHERE s.run = run.id AND offset_s IS NOT NULL ORDER BY kind = "
	    "'energy', offset_from = 'stamp', path LIMIT 1), "
	    "kind = " RUN_KIND " "
	    "WHERE id = %lld",
	    shift, shift, (long long)run, (long long)run);
	return store_exec(p->store, sql);
}
