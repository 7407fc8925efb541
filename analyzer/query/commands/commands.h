/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the questions: one function a command, each in the file of its name. */
#ifndef QUERY_COMMANDS_H
#define QUERY_COMMANDS_H

#include "query/core/query.h"

command_fn cmd_events, cmd_describe, cmd_sql;
command_fn cmd_invocations, cmd_timeline, cmd_phases, cmd_gaps, cmd_spans, cmd_tree, cmd_critical_path, cmd_functions,
    cmd_errors;
command_fn cmd_containers, cmd_batches, cmd_patterns, cmd_series, cmd_status, cmd_energy;
command_fn cmd_runs, cmd_sources, cmd_check, cmd_cat;
command_fn cmd_report;
command_fn cmd_findings; /* of the report alone */
command_fn cmd_lint, cmd_hangs, cmd_storms, cmd_diagnose;

#endif
