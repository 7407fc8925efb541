/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zones.c - which clock a log was written by (contract §2), and the times that follow from it. */
#include "ingest/zone.h"
#include "load/pass.h"

#include <errno.h>
#include <stdlib.h>

/* The --timezone argument for a path: PATH=ZONE of the path or its last part, else ZONE alone; NULL: none. */
static const char *zone_for(const struct load_options *o, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *all = NULL;

	for (size_t i = 0; i < o->ntimezones; i++) {
		const char *z = o->timezones[i], *eq = strrchr(z, '=');
		size_t n = eq ? (size_t)(eq - z) : 0, len = strlen(path);

		if (!eq)
			all = z;
		else if ((n == strlen(base) && !strncmp(z, base, n)) || (n <= len && !strncmp(z, path + len - n, n)) ||
			 (n && n < len && !strncmp(z, path, n) && path[n] == '/'))
			return eq + 1;
	}
	return all;
}

static int offset_set(struct pass *p, int64_t source, int64_t offset_s, const char *from)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(store_db(p->store), "UPDATE source SET offset_s = ?, offset_from = ? WHERE id = ?", -1, &q, NULL);

	if (rc)
		return store_rc(rc);
	sqlite3_bind_int64(q, 1, offset_s);
	sqlite3_bind_text(q, 2, from, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, source);
	rc = sqlite3_step(q) == SQLITE_DONE ? 0 : store_rc(sqlite3_errcode(store_db(p->store)));
	sqlite3_finalize(q);
	return rc;
}

struct result_offset {
	bool asked, found;
	int64_t offset_s;
};

static int source_zone(struct pass *p, int64_t run, int64_t source, const char *path, const char *had, int64_t stamp, struct result_offset *res)
{
	const char *zone = zone_for(p->o, path), *why = NULL;
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
	if (!res->asked && (rc = model_offset_from_results(p->store, run, &res->offset_s, &res->found)))
		return rc;
	res->asked = true;
	return res->found ? offset_set(p, source, res->offset_s, "result") : offset_set(p, source, 0, "assumed");
}

int pass_zones(struct pass *p, int64_t run)
{
	struct result_offset res = {0};
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(store_db(p->store),
				    "SELECT s.id, s.path, s.offset_from, (SELECT min_stamp FROM chunk c WHERE c.source = s.id AND min_stamp IS NOT NULL "
				    "ORDER BY first_line LIMIT 1) AS stamp FROM source s WHERE run = ? AND stamp IS NOT NULL",
				    -1, &q, NULL), bad = 0;

	if (rc)
		return store_rc(rc);
	sqlite3_bind_int64(q, 1, run);
	while (!bad && (rc = sqlite3_step(q)) == SQLITE_ROW)
		bad = source_zone(p, run, sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1),
				  (const char *)sqlite3_column_text(q, 2), sqlite3_column_int64(q, 3), &res);
	sqlite3_finalize(q);
	return bad ? bad : rc == SQLITE_DONE ? 0 : store_rc(rc);
}

int pass_run_times(struct pass *p, int64_t run)
{
	char sql[1400];

	snprintf(sql, sizeof sql,
		 "UPDATE source SET first_ns = (SELECT min(min_stamp) FROM chunk c WHERE c.source = source.id) + offset_s * 1000000000, "
		 "last_ns = (SELECT max(max_stamp) FROM chunk c WHERE c.source = source.id) + offset_s * 1000000000 WHERE run = %lld;"
		 "UPDATE run SET first_ns = (SELECT min(first_ns) FROM source s WHERE s.run = run.id), "
		 "last_ns = (SELECT max(last_ns) FROM source s WHERE s.run = run.id), "
		 "offset_s = (SELECT offset_s FROM source s WHERE s.run = run.id AND offset_s IS NOT NULL ORDER BY offset_from = 'stamp', id LIMIT 1), "
		 "kind = CASE WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'ilulog') THEN 'ilulog' "
		 "WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'tracing' AND (s.worker GLOB 'worker_[0-9]*')) "
		 "AND NOT EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'logrus') THEN 'simulation' "
		 "WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'tracing') THEN 'live' ELSE 'other' END "
		 "WHERE id = %lld",
		 (long long)run, (long long)run);
	return store_exec(p->store, sql);
}
