/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lockowner.h - who has locked a file. */
#ifndef LOAD_LOCKOWNER_H
#define LOAD_LOCKOWNER_H

#include <stddef.h>

/* Who holds the file at path for writing, for a message: "ilu-logq (process 1234)" in buf of room bytes, or "another
 * process" where it can't be told. */
const char *lock_owner(const char *path, char *buf, size_t room);

#endif
