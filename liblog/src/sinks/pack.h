/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - log files that were moved away become zstd's, worker.log.20261128T183312-123Z.zst (squeeze.h).
 *
 * A thread of idle priority does it, which is there only while it has something to do. A file is packed when nobody
 * writes to it any more, that is, when the exclusive flock on it can be had, and not before it has been left alone for
 * a quarter of a minute: whoever looks for what a dead process wrote to it has done so by then. What cannot be packed
 * stays as it is, which is said once, and is tried again, at last each hour.
 *
 * The packed file gets its name when it is whole and on the disk, then the plain one goes. */
#ifndef PACK_H
#define PACK_H

#include "sinks/open.h"

struct pack;

/* A file that stays plain for now. */
struct pack_news {
	const char *path; /* borrowed until the next look; of the log, where it is for all its files */
	const char *reason;
	int error; /* errno; 0: none */
};

/* Before there are threads: looks for libzstd. 0 or -ENOMEM. */
int pack_new(struct pack **out);
/* Ends the thread; what is half packed stays plain. NULL is fine. */
void pack_free(struct pack *p);

/* A file was moved away, perhaps. */
void pack_wake(struct pack *p);

/* Some times a second, by who uses `place`: true: there is news. */
bool pack_look(struct pack *p, const struct place *place, struct pack_news *news);

/* In a forked child: its parent packs. */
void pack_forked(struct pack *p);

#endif
