/* SPDX-License-Identifier: Apache-2.0 */
/* away.h - a log file gets another name, so that a new one can have its own.
 *
 * worker.log becomes worker.log.20261128T183312-123Z, the time it was moved, UTC; where the clock was set back since
 * the newest old file got its name, a millisecond after that one's, so that names tell the order. Of processes that log
 * into one file one moves it at a time: who has the flock on .worker.log.lock beside it. */
#ifndef AWAY_H
#define AWAY_H

#include "sinks/open.h"

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

/* Wait for nobody: a descriptor, for away_unlock at the end, or -EWOULDBLOCK or another negative errno. */
int away_lock(const struct place *place);
/* The same for the log of this name in a directory that is open. */
int away_lock_in(int directory, const char *log);
/* Also where a child of a fork just now has the descriptor, too: it would hold the lock as long as it lives. */
void away_unlock(int lock);

/* Move what has the name, if it is a regular file with something in it. With the lock. 0, also where there was nothing
 * to move, or a negative errno. */
int away_move(const struct place *place);

/* Of the files that were moved away, also those that others have packed since, keep the newest `keep` (0: all), and no
 * more of them than have `total` bytes together (0: all). With the lock. */
void away_prune(const struct place *place, uint32_t keep, uint64_t total);

/* A file that was moved away. */
struct away_old {
	char *name;
	uint64_t bytes;
	bool packed; /* it has ".zst" or the like behind its name */
};

/* The log's directory, to be closed, and its name there, borrowed. NULL, and errno: cannot be opened. */
DIR *away_open(const struct place *place, const char **log);

/* Those in the directory, the newest first: how many, or a negative errno; the array and the names are yours. */
ssize_t away_list(DIR *dir, const char *log, struct away_old **out);

#endif
