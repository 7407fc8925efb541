/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runs.c - what is in the database: runs, and the files they came from with their ledger. */
#include "query/commands/commands.h"

int cmd_runs(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_NONE},     {"path", UNIT_WHOLE},       {"kind", UNIT_NONE},
	    {"first_ns", UNIT_TIME},   {"last_ns", UNIT_TIME}, {"duration_ns", UNIT_NS},   {"sources", UNIT_NONE},
	    {"lines", UNIT_NONE},      {"bytes", UNIT_BYTES},  {"invocations", UNIT_NONE}, {"failed", UNIT_NONE},
	    {"unfinished", UNIT_NONE},
	};

	return query_sql_table(
	    q,
	    "SELECT coalesce(r.offset_s, 0), r.id, r.path, r.kind, r.first_ns, r.last_ns, r.last_ns - r.first_ns,"
	    " count(s.id), CAST(total(s.lines) AS INTEGER), CAST(total(s.bytes) AS INTEGER),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id AND i.status = 'failed'),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id AND i.status = 'unfinished')"
	    " FROM run r LEFT JOIN source s ON s.run = r.id GROUP BY r.id ORDER BY r.id",
	    columns);
}

int cmd_sources(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"id", UNIT_NONE},          {"run", UNIT_RUN},       {"path", UNIT_WHOLE},
	    {"kind", UNIT_NONE},       {"worker", UNIT_NONE},      {"bytes", UNIT_BYTES},   {"file_bytes", UNIT_BYTES},
	    {"lines", UNIT_NONE},      {"ok", UNIT_NONE},          {"repaired", UNIT_NONE}, {"rejected", UNIT_NONE},
	    {"duplicate", UNIT_NONE},  {"offset_from", UNIT_NONE}, {"first_ns", UNIT_TIME}, {"last_ns", UNIT_TIME},
	    {"damage", UNIT_NONE},
	};

	return query_sql_table(q,
	                       "SELECT coalesce(offset_s, 0), id, run, path, kind, worker, bytes, file_bytes, lines, "
	                       "ok, repaired, rejected,"
	                       " duplicate, offset_from, first_ns, last_ns, damage FROM source ORDER BY run, id",
	                       columns);
}
