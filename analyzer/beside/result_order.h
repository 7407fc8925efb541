/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_order.h - the results of a run by their transactions, however many there are; and new ones among them.
 *
 * Memory is what sorter.h says, and the names of functions. All functions return 0 or a negative errno. */
#ifndef BESIDE_RESULT_ORDER_H
#define BESIDE_RESULT_ORDER_H

#include "base/bytes.h"
#include "base/sorter.h"
#include "beside/result_set.h"

/* Where a row is from. Of a transaction's rows a value of the CSV stands, and the JSON file fills gaps. */
enum result_from { RESULT_KEPT, RESULT_CSV, RESULT_JSON };

struct result_order {
	sqlite3 *db;
	int64_t run;
	struct sorter *by_tid;
	struct intern names;
	struct bytes record;
};

/* With all rows that the run has in the database. Done also after an error. */
int result_order_new(struct result_order *o, sqlite3 *db, int64_t run);
void result_order_done(struct result_order *o);
int result_order_add(struct result_order *o, const struct result_entry *e, enum result_from from);
int result_order_rewind(struct result_order *o);
/* 1: the next row, whose texts live until the call after it; 0: no more. A transaction may have several, in the order
 * of adding. */
int result_order_next(struct result_order *o, struct result_entry *out, enum result_from *from);

/* Makes the rows of a transaction one and writes them as the run's, in the order of their files. */
int result_order_write(struct result_order *o);

#endif
