/* SPDX-License-Identifier: Apache-2.0 */
/* keep.h - descriptors that the library keeps in a process whose descriptors are not its own.
 *
 * Daemons close all descriptors from 3 on and open their own: the numbers of the library's must not be among those that
 * come next, and before it writes to one it looks whether it still is what it was. */
#ifndef KEEP_H
#define KEEP_H

#include <stdbool.h>
#include <sys/stat.h>

#define KEEP_FROM 100 /* numbers, where the limit allows */

struct keep {
	int fd; /* -1: none */
	dev_t device;
	ino_t inode;
};

/* The same open file under a number from KEEP_FROM on, close-on-exec; the old number is closed. Where none is to be had
 * it keeps the one it has. */
int keep_high(int fd);

/* Note what `fd` is now. */
struct keep keep_note(int fd);

/* Is it that still? What it is now stands in *st then. errno is kept. */
bool keep_same(const struct keep *kept, struct stat *st);

/* Close it, if it still is what it was; then there is none. */
void keep_close(struct keep *kept);

#endif
