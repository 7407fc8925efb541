/* SPDX-License-Identifier: Apache-2.0 */
/* box.h - the black box: the region (region.h) in a file, so that what was logged outlives the process.
 *
 * A box is made at a start and removed at a stop. One that is found without a living owner is of a process that was
 * killed or crashed: what had not been written when it died is in there, and the next process with the same log writes
 * it (recover/). Whether the owner lives is told by a robust mutex in the header, held by the appender's thread: the
 * kernel marks it when that thread is gone, whatever became of descriptors, of pids or of children.
 *
 * Boxes of a log have its name in theirs, as a number: ilulog-UID-LOG-PID-RANDOM.box. They are 0600, and one that is a
 * link, has two names, is somebody else's or open to others is not read. */
#ifndef BOX_H
#define BOX_H

#include "box/region.h"

#include <stdbool.h>
#include <stddef.h>

#define BOX_PATH      384 /* room for a path */
#define BOX_DIRECTORY 256 /* and for that of its directory */
#define BOX_WHY       256
#define BOX_NEW       ".new" /* at the end of a name that is not to be looked at yet */

/* What a box says of its process. */
struct box_of {
	const char *place; /* "auto", or a directory */
	const char *log;   /* absolute path */
	const char *run, *boot_id;
	uint32_t spanning;
	bool list, iluvatar, tsc;
	int32_t offset_s;
};

/* Make one under a name that nobody looks at yet. The locks of the region's areas are held. 0, or a negative errno and
 * the reason in `why`; then the region is plain memory. */
int box_open(const struct box_of *of, char why[BOX_WHY]);

/* By the appender's thread: this one lives, and the box gets its name. 0 or a negative errno: nobody will find it. */
int box_begin(void);
/* By the same thread, at its end: nothing is left to be recovered, the box goes. */
void box_end(void);

/* Plain memory again, and no file is left of a box that has no name yet. With the locks. */
void box_abandon(void);

/* Plain memory again: after the end; in a child, whose parent's the box is. With the locks. */
void box_leave(void);

/* Is there one, and can batches be kept in it? */
bool box_open_now(void);
/* Its name; "": none. */
const char *box_path(void);

/* By the appender's thread: a batch of `text_bytes`, which lie at the region's batch_at, will be written now; what the
 * rings gave for it is in taken[] of each already, at box_note_slot. Then: it was written. */
unsigned box_note_slot(void);
void box_note(const struct region_note *note);
void box_written(void);

/* The texts of spans. By the appender's thread. */
struct box_span {
	uint64_t handle, parent, id, opened;
	uint32_t site, tail_at;
	const char *text;
	size_t len;
};
void box_span_put(const struct box_span *span);
void box_span_close(uint64_t handle);

/* ---- finding ---- */

/* Where boxes may be: the i-th directory, NULL after the last one. `place` as above, or NULL: the usual ones. */
const char *box_directory(const char *place, unsigned i, char out[BOX_DIRECTORY]);

/* The part of a box's name that is the same for all boxes of a log that this user's processes make. */
void box_prefix(const char *log, char out[64]);

/* Open a file that should be a box: -ELOOP, -EPERM (not ours alone), -EINVAL (no regular file), or another errno. */
int box_open_file(const char *path);

/* Is this the name of a box that was being made when its process was killed? It was made a minute ago at least, and
 * there is no such process; nothing was ever in it. `directory` is where it lies. */
bool box_left_over(int directory, const char *name);

/* Does its owner live? `boot_id` is the machine's. */
bool box_lives(const struct region_header *header, const char *boot_id);

void box_read_boot_id(char out[40]);

#endif
