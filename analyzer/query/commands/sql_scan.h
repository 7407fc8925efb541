/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql_scan.h - statements that ask for columns of all events and nothing else. */
#ifndef QUERY_SQL_SCAN_H
#define QUERY_SQL_SCAN_H

#include "query/core/query.h"
#include "store/event_plan.h"

enum { SQL_SCAN_COLUMNS = 64 };

/* The columns of the table `event` that a statement gives of every event, in the order of the log, where that is all it
 * does, and nothing in it limits or changes them: their number, else 0. only_event: it reads no other table. */
size_t sql_scan_of(sqlite3_stmt *stmt, bool only_event, enum event_column columns[SQL_SCAN_COLUMNS]);

/* The statement's answer as CSV. */
void sql_scan_csv(struct query *q, sqlite3_stmt *stmt, const enum event_column *columns, size_t n);

#endif
