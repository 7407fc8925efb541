/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the rows of commands that others ask too: the report. */
#ifndef QUERY_COMMANDS_H
#define QUERY_COMMANDS_H

#include "query/core/command.h"

extern const struct command command_runs, command_functions, command_phases, command_invocations, command_errors,
    command_sources, command_timeline, command_summary, command_patterns, command_spans, command_blame;

/* clocks.c: a note on each pair of workers whose clocks are seen to be apart, by the first spans and messages alone. */
void clocks_glance(struct query *q);

/* All findings: lint, hangs, storms and diagnose in one; the report's own. */
extern const struct command findings_of_report;

#endif
