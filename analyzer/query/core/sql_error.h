/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql_error.h - what is wrong with a statement: the place, and what was perhaps meant. */
#ifndef QUERY_SQL_ERROR_H
#define QUERY_SQL_ERROR_H

#include "query/core/query.h"

/* Where the connection's last error is a statement's that could not be prepared, latched in q: adds to the error which
 * column, table or function was perhaps meant, and to the detail the line with a mark below the place. sql: the
 * statement; offset: sqlite3_error_offset, -1: none. */
void sql_error_explain(struct query *q, const char *sql, int offset);

#endif
