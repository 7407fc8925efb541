/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue.h - of each lane its cores and its order, of each wait its place and whether memory was refused. For the files
 * of this room alone. */
#ifndef BLAME_QUEUE_H
#define BLAME_QUEUE_H

#include "blame/blame.h"

/* After waits and holds are there. cores 0: as the log says. 0 or a negative errno. */
int blame_queue_read(sqlite3 *db, struct blame_run *b, int64_t cores);

#endif
