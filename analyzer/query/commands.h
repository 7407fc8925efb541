/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.h - the questions: one function a command, each in the file of its name. */
#ifndef QUERY_COMMANDS_H
#define QUERY_COMMANDS_H

#include "query/query.h"

command_fn cmd_sql, cmd_runs, cmd_sources;

#endif
