/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h - the black boxes of dead processes: finding those of a log, and writing what they have into it.
 *
 * In two steps, since a log may be removed or moved in between: `find` claims the boxes (a lock on the file, so that
 * one process at a time does it) and looks what the log has already; `write` puts the rest in, and removes them. A box
 * whose lines could not be written stays. The public half is <ilu/box.h>. */
#ifndef RECOVER_H
#define RECOVER_H

#include "recover/dead.h"
#include "recover/tail.h"

#include <ilu/box.h>

struct recover_box {
	char *path;
	struct dead dead;
	struct tail tail;
};

struct recovery {
	struct recover_box *box;
	size_t count;
	int open_fd;               /* of the log, for who may not open it by its name; -1: none */
	struct ilu_box_result sum; /* of all that were written */
	uint64_t first_pid;
};

/* `place` as the configuration has it, `log` absolute; `open_fd`: the process has it open, perhaps, and may have given
 * up the right to open it; borrowed until recovery_done, -1: none. What is claimed is held until recovery_done. What a
 * kill in the middle of making a box left there is removed. */
void recovery_find(struct recovery *r, const char *place, const char *log, int open_fd);
/* Append it all to the file `path`, which is there; `fresh`: it is not the one that `find` looked at. 0 or the first
 * error. */
int recovery_write(struct recovery *r, const char *path, bool fresh);
void recovery_done(struct recovery *r);

#endif
