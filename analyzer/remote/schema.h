/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.h - the tables on each shard, one text for ClickHouse 18.16 and the current one. */
#ifndef REMOTE_SCHEMA_H
#define REMOTE_SCHEMA_H

enum { SCHEMA_FORMAT = 1 };

/* Statements with $TABLE for a table; ends with NULL. */
extern const char *const schema_tables[];

/* The columns of each in the order in which they are given: that of the table. */
extern const char schema_event_columns[], schema_source_columns[], schema_reject_columns[], schema_result_columns[];

#endif
