/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_stored.h - a chunk as it was read, private to chunk_open.c and chunk_read.c. */
#ifndef STORE_CHUNK_STORED_H
#define STORE_CHUNK_STORED_H

#include "store/chunk.h"

#include <zstd.h>

#define CHUNK_MAX_RAW (1u << 30) /* of a directory or block */

/* Where something stands: in which block, and where in that when it is unpacked. */
struct place {
	uint32_t block, off;
};

struct stored_shape {
	const struct shape *shape;
	uint16_t n[CHUNK_GROUPS];           /* lines in each group */
	unsigned nstored;                   /* slots with values in columns */
	struct place *places[CHUNK_GROUPS]; /* by stored slot; into chunk.places */
	struct segment **segments;          /* decoded ones, group * nstored + stored slot */
};

struct stored_block {
	uint64_t off; /* in body, where there is one */
	uint32_t packed, len;
	char *text; /* decompressed */
};

enum row_column { ROW_HEAD, ROW_TAIL, ROW_TID, ROW_STAMP, ROW_COLUMNS };

/* The row columns of a group; each is decoded when it is asked for. */
struct group {
	struct place places[ROW_COLUMNS];
	unsigned have;    /* CHUNK_COLUMN_..., also ..._ORD */
	unsigned counted; /* rows whose rank was counted for them alone */
	uint16_t *head, *head_ord, *tail, *tail_ord, *tid;
	int64_t *stamp;
	uint16_t raw; /* lines kept whole */
	struct place raw_place;
	struct segment *raw_segment;
	uint32_t first_tid, tids; /* the transactions that are met here first: number - 1 of the first, and how many */
	struct place tid_place;
	struct segment *tid_segment;
};

struct chunk {
	uint32_t rows;
	unsigned ngroups;
	uint64_t group_offset[CHUNK_GROUPS];
	struct group groups[CHUNK_GROUPS];
	struct stored_shape *heads, *tails;
	uint32_t nheads, ntails;
	uint32_t ntids;
	struct place *places;
	struct stored_block *blocks;
	uint32_t nblocks;
	chunk_fetch_fn *fetch;
	void *fetch_arg;
	char *body;
	size_t body_len;
	struct chunk_room *room;
	bool own_room;
	bool raw;                    /* there are lines kept whole */
	uint32_t pieces_row, pieces; /* so many pieces of lines are before that row */
	size_t memory;
	char tid_buf[SEGMENT_TEXT];
	uint64_t serial;
};

struct chunk_room {
	ZSTD_DCtx *zstd;
	uint16_t counter[CHUNK_ROWS + CHUNK_FIRST_HEAD]; /* for ranks */
	struct bytes block;                              /* a block that is not kept */
};

#endif
