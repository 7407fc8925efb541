/* SPDX-License-Identifier: Apache-2.0 */
/* dead.h - a black box as its reader sees it: checked, in memory of our own.
 *
 * Nothing in a box is believed: the file is read, not mapped, so that it may shrink; every number is compared with what
 * it must be, every site, span and record is looked through before it is used. What is damaged is left out and counted.
 * The format is docs/black-box-format.md. */
#ifndef DEAD_H
#define DEAD_H

#include "box/region.h"
#include "call/ring.h"
#include "call/site.h"

struct dead_ring {
	struct ring ring; /* for the encoder: base, bytes, whose records they are */
	char *bytes;      /* NULL: nothing is left in it */
	uint64_t at, end; /* positions of the next record, and of where the round is over */
};

struct dead {
	int fd;
	struct region_header h;
	struct region_note note; /* the last one */
	bool begun;              /* to be written to a log: it may have lines of a recovery */
	bool pending;            /* its batch may not be in the file */
	char *batch;             /* its lines, text_bytes; NULL: it has none, or they are not whole lines */
	struct site **site;      /* by number */
	uint32_t sites;
	struct region_cell *cell; /* spans that were open, or closed just now */
	size_t cells;
	struct dead_ring *ring; /* those with records */
	size_t rings;
	uint64_t damaged; /* pieces left out */
};

/* The header alone: 0, -EBADMSG (no box, or a damaged one), -EPROTO (another version), -ENODATA (its process ended
 * properly). */
int dead_header(int fd, struct region_header *out);

/* Remember in the file that what is in it is written to a log from now on. */
void dead_begin(int fd);

/* All of it; the descriptor stays the caller's. 0, -ENOMEM, or as above. dead_done in any case. */
int dead_read(int fd, struct dead *out);
void dead_done(struct dead *dead);

struct site *dead_site(const void *dead, uint32_t number);

/* Is a stamp of this process's time? Within thirty years of its clock. */
bool dead_stamp(const struct dead *dead, uint64_t stamp);

/* The next record of a ring, NULL after the last one; `dead` counts a damaged end. */
const struct ilu_record_ *dead_peek(struct dead *dead, struct dead_ring *ring);
void dead_take(struct dead_ring *ring, const struct ilu_record_ *record);

#endif
