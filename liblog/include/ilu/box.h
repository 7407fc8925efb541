/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/box.h - black boxes of processes that died, by hand.
 *
 * Where a log file is written, what was logged, and not written yet, is kept in a file that outlives the process (the
 * key "black_box" of the configuration). The next process that starts with the same log writes it there by itself;
 * these functions are for a box whose program does not come back. `ilu-logq recover` is made of them. They may be
 * called by any thread, also while the logger runs. */
#ifndef ILU_BOX_H
#define ILU_BOX_H

#include "detail/api.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of one box. Texts are borrowed for the call. */
struct ilu_box {
	const char *path;
	const char *log;     /* the log of its process; "" when the box is damaged */
	const char *program; /* its name */
	int64_t pid;
	int64_t age_ns; /* since it was last changed */
	uint64_t bytes; /* of memory or disk */
	int alive;      /* 1: its process lives */
	int error; /* 0, or why it cannot be read: -EBADMSG damaged, -EPROTO another version, -EPERM not ours alone */
};

struct ilu_box_result {
	uint64_t lines;   /* written */
	uint64_t spans;   /* of which so many were open; they have been closed */
	uint64_t damaged; /* pieces of the box that were left out */
};

/* Tell `each` of all boxes of this user in `directory`, or in the usual places (NULL). Returns 0, or what `each`
 * returned when it was not 0. */
ILU_API int ilu_box_list(const char *directory, int (*each)(void *to, const struct ilu_box *box), void *to);

/* Hand the lines of a box that are not in the log to `write`, in pieces of whole lines; the box stays as it is.
 *
 * log     path of the log to compare with; NULL: the process's own
 * write   0, or a negative errno that ends it
 * out     may be NULL
 *
 * Returns 0, -EBUSY (its process lives, or somebody else is at it), -EBADMSG, -EPROTO, -EPERM as above, -ELOOP (a
 * link), -ENOMEM, another negative errno, or what `write` said. */
ILU_API int ilu_box_read(const char *path, const char *log, int (*write)(void *to, const char *bytes, size_t len),
                         void *to, struct ilu_box_result *out);

/* The same into the log itself: lines that are missing are appended, one that was cut is completed, and the box goes.
 * log NULL: the process's own. */
ILU_API int ilu_box_recover(const char *path, const char *log, struct ilu_box_result *out);

#ifdef __cplusplus
}
#endif
#endif
