/* SPDX-License-Identifier: Apache-2.0 */
/* ilu/tid.h - transaction ids: what ties the events of one request together.
 *
 * An id is 128 random bits, written as 32 lower-case hex digits (so also a W3C or OpenTelemetry trace id), or a
 * short fixed name for background work ("LoadMonitor"). It is a plain value of 48 bytes: copy it, compare it with
 * ilu_tid_equal, keep it where you like. Every function that takes one takes a `const ilu_tid *`. */
#ifndef ILU_TID_H
#define ILU_TID_H

#include <stddef.h>
#include <stdint.h>

#include "detail/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Longest text of an id, with its NUL. */
#define ILU_TID_MAX 48

typedef struct ilu_tid {
	uint64_t bits_[2];            /* the random bits, in the order they are written; or where the name begins */
	char more_[ILU_TID_MAX - 17]; /* the rest of the name */
	uint8_t length_;              /* of the name; 0: random bits */
} ilu_tid;

/* A new random id. Never fails. */
ILU_API ilu_tid ilu_tid_generate(void);

/* A named id; a longer name is cut at 47 bytes, NULL or "" gives "unnamed". */
ILU_API ilu_tid ilu_tid_named(const char *name);

/* Read an id back: 32 lower-case hex digits are random bits, any other text of 1 to 47 bytes is a name.
 * *out is untouched on error: -EINVAL (empty, too long, or a NUL inside). */
ILU_API int ilu_tid_parse(const char *text, size_t len, ilu_tid *out);

/* Write an id with its NUL. Returns `out`. */
ILU_API char *ilu_tid_str(const ilu_tid *tid, char out[ILU_TID_MAX]);

/* 1 when both are the same id, else 0. */
ILU_API int ilu_tid_equal(const ilu_tid *a, const ilu_tid *b);

#ifdef __cplusplus
}
#endif
#endif
