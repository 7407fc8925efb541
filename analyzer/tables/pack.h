/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.h - columns of numbers and texts as one compressed string of bytes (docs/store-format.md).
 *
 * Writing: columns one after the other into bytes, then pack_seal. Reading: pack_open, then the same columns in the
 * same order; after all of them pack_whole says whether they were there. Readers give 0, NULL and NO_NS where the bytes
 * end early. */
#ifndef TABLES_PACK_H
#define TABLES_PACK_H

#include "model/fold.h"
#include "column/column.h"

/* Numbers v[0], v[stride bytes further], ...; NO_NS is kept. differences: each counted from the one before. */
void pack_numbers(struct bytes *out, const int64_t *v, size_t stride, uint32_t n, bool differences);
void pack_reals(struct bytes *out, const double *v, size_t stride, uint32_t n);
/* Texts, or NONE. Ids of 32 hexadecimal digits take half their length. */
void pack_texts(struct bytes *out, const struct slice *v, uint32_t n);

void unpack_numbers(struct peek *in, int64_t *v, size_t stride, uint32_t n, bool differences);
void unpack_reals(struct peek *in, double *v, size_t stride, uint32_t n);
/* Calls put for each text, which lives as long as the call. 0, what put returned, or -EBADMSG. */
int unpack_texts(struct peek *in, uint32_t n, int (*put)(void *arg, struct slice text), void *arg);

/* rows and the columns, compressed, at the end of out. 0 or -ENOMEM. */
int pack_seal(const struct bytes *columns, uint32_t rows, struct bytes *out);
/* *text is yours to free, and what *in reads. 0, -ENOMEM, or -EBADMSG: not such bytes, or damaged. */
int pack_open(const void *p, size_t n, char **text, struct peek *in, uint32_t *rows);
static inline bool pack_whole(const struct peek *in)
{
	return !in->bad && in->p == in->end;
}

#endif
