/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.h - the tables that SQL sees, by name. */
#ifndef QUERY_TABLES_H
#define QUERY_TABLES_H

#include "query/core/query.h"

/* Is it one of them? */
bool tables_has(const char *name);
/* Is it one of them, and here? Of table nested: is there a row? Older databases lack it. */
bool tables_is_here(struct query *q, const char *name);
/* What a row of it is; "" where it is none. */
const char *tables_what(const char *name);
/* Its name by number, NULL behind the last. */
const char *tables_name(size_t i);
/* Its columns as a table, as `describe NAME` shows them. */
void tables_describe(struct query *q, const char *name);

#endif
