/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_event.h - the table `event` (docs/tables.md) and the functions field() and has(). */
#ifndef STORE_VTAB_EVENT_H
#define STORE_VTAB_EVENT_H

#include "store/store.h"

/* Registers them on db, over s; s must outlive db's use of them. db may be another connection than store_db(s).
 * Returns 0 or -ENOMEM. */
int vtab_event_register(sqlite3 *db, struct store *s);

#endif
