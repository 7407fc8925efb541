/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sources.c - the files that are loaded, with their ledger. */
#include "query/commands/commands.h"
#include "query/core/command.h"

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},   {"id", UNIT_NONE},
    {"run", UNIT_RUN},           {"path", UNIT_PATH},
    {"kind", LESS(UNIT_NONE)},   {"worker", LESS(UNIT_NONE)},
    {"bytes", LESS(UNIT_BYTES)}, {"file_bytes", LESS(UNIT_BYTES)},
    {"lines", UNIT_COUNT},       {"ok", UNIT_COUNT},
    {"repaired", UNIT_COUNT},    {"rejected", UNIT_COUNT},
    {"duplicate", UNIT_COUNT},   {"offset_from", UNIT_NONE},
    {"first_ns", UNIT_TIME},     {"last_ns", UNIT_TIME},
    {"damage", UNIT_NONE},
};

static void run(struct query *q)
{
	query_sql_table(q,
	                "SELECT coalesce(offset_s, 0), id, run, path, kind, worker, bytes, file_bytes, lines, "
	                "ok, repaired, rejected,"
	                " duplicate, offset_from, first_ns, last_ns, damage FROM source ORDER BY run, id",
	                columns);
	clocks_glance(q);
}

const struct command command_sources = {
    .name = "sources",
    .group = GROUP_DATABASE,
    .help = "the files that are loaded, and what became of each of their lines",
    .more =
        "bytes is the size of the decompressed text; every line of it is ok, repaired, rejected or duplicate (already "
        "loaded from\n"
        "this or another file). `sql 'SELECT * FROM reject'` shows the rejected ones. An empty line is ok; column "
        "blank "
        "of\n"
        "table source counts them.",
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
