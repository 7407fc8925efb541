/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runs.c - the runs that are loaded. */
#include "query/core/command.h"

static void run(struct query *q)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_NONE},     {"path", UNIT_WHOLE},       {"kind", UNIT_NONE},
	    {"first_ns", UNIT_TIME},   {"last_ns", UNIT_TIME}, {"duration_ns", UNIT_NS},   {"sources", UNIT_NONE},
	    {"lines", UNIT_NONE},      {"bytes", UNIT_BYTES},  {"invocations", UNIT_NONE}, {"failed", UNIT_NONE},
	    {"unfinished", UNIT_NONE},
	};

	query_sql_table(
	    q,
	    "SELECT coalesce(r.offset_s, 0), r.id, r.path, r.kind, r.first_ns, r.last_ns, r.last_ns - r.first_ns,"
	    " count(s.id), CAST(total(s.lines) AS INTEGER), CAST(total(s.bytes) AS INTEGER),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id AND i.status = 'failed'),"
	    " (SELECT count(*) FROM invocation i WHERE i.run = r.id AND i.status = 'unfinished')"
	    " FROM run r LEFT JOIN source s ON s.run = r.id GROUP BY r.id ORDER BY r.id",
	    columns);
}

const struct command command_runs = {
    .name = "runs",
    .group = GROUP_DATABASE,
    .help = "the runs that are loaded",
    .need = NEED_READ,
    .run = run,
};
