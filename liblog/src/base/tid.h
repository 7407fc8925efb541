/* SPDX-License-Identifier: Apache-2.0 */
/* tid.h - transaction ids inside the library. The public half is <ilu/tid.h>. */
#ifndef TID_H
#define TID_H

#include <ilu/tid.h>

#include <stdbool.h>

#define TID_HEX 32 /* digits of a random id */

/* Write 16 random bytes as 32 lower-case hex digits, in the order they lie in memory. No NUL. */
void tid_hex(const void *bytes, char *out);

/* The text of an id without NUL. A name is raw bytes: escape it. out has room for ILU_TID_MAX. Returns the length. */
size_t tid_text(const ilu_tid *tid, char *out);

#endif
