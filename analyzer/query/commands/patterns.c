/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patterns.c - messages as templates, with counts. */
#include "ingest/level.h"
#include "query/core/command.h"
#include "query/core/select.h"
#include "query/events/event_filter.h"

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},     {"id", UNIT_NONE},       {"level", UNIT_LEVEL},         {"count", UNIT_COUNT},
    {"target", LESS(UNIT_TARGET)}, {"template", UNIT_NONE}, {"first_ns", LESS(UNIT_TIME)}, {"last_ns", LESS(UNIT_TIME)},
    {"example", UNIT_NONE},
};

static void run(struct query *q)
{
	struct select s = {0};
	int level = event_filter_level(q);
	bool people = q->out->format != FORMAT_CSV && q->out->format != FORMAT_JSON;

	/* A pattern is of all runs: its times stand on their clock where they have the same. */
	text_printf(&s.sql,
	            "SELECT (SELECT CASE WHEN count(DISTINCT coalesce(offset_s, 0)) = 1 THEN max(coalesce(offset_s, "
	            "0)) ELSE 0 END FROM run),"
	            " id, level, count, target, template, first_ns, last_ns%s FROM pattern",
	            people ? "" : ", example");
	if (level >= 0)
		select_where(&s, "level = ?", level_name((enum level)(LEVEL_ERROR + level)).ptr);
	select_add(&s, " ORDER BY count DESC, id");
	select_table(q, &s, columns);
}

static const struct option_spec options[] = {
    {.name = "level", .letter = 'l', .value = "LEVEL", .help = "of this level", .hint = HINT_LEVEL},
    OPTION_LIMIT,
    {0},
};

const struct command command_patterns = {
    .name = "patterns",
    .group = GROUP_ANSWERS,
    .help = "messages as templates, with counts",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
