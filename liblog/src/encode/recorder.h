/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - the flight recorder: what the filter leaves out is kept a while, as binary records.
 *
 * The appender hands over each record that is below the filter (ILU_RECORDED_); nothing is encoded. They stay, in the
 * order in which they would have been written, in one stretch of memory that is gone round in; the oldest give way.
 * What is kept thus depends on the records alone. When an event that asks for it is about to be written, those of its
 * transaction are taken out, the latest `lines` of them, and written before it.
 *
 * Records of a transaction are a chain from the latest to the earliest, begun in a bucket. A span that closes and that
 * something was recorded in is kept as text behind those records, so that it is there as long as they are. How many
 * records of a transaction had to give way is counted, for as many transactions as there are buckets at least; one that
 * was forgotten for another one of its bucket is not told of.
 *
 * Only the appender's thread uses it. */
#ifndef RECORDER_H
#define RECORDER_H

#include "call/ring.h"
#include "config/config.h"
#include "encode/spantext.h"

struct recorder_bucket {
	uint64_t last;  /* where its latest record is, plus one; 0: none */
	uint64_t span;  /* the same, of spans by handle */
	uint64_t whose; /* the transaction of which `given_up` is told */
	uint64_t given_up;
};

struct recorder {
	unsigned on; /* events of this level, and graver ones, ask; 0: there is no recorder */
	bool all;    /* they ask for all, not for their transaction's */
	uint32_t lines;
	char *base;
	uint64_t bytes;
	uint64_t oldest, next; /* positions, which only grow */
	struct recorder_bucket *bucket;
	uint64_t *found; /* of those that were asked for, positions, the latest first */
	struct ring ring;
};

/* What is not there of what was asked for. */
struct recorder_missing {
	uint64_t given_up; /* it had to give way */
	uint64_t over;     /* it was more than `lines` */
};

/* 0 or -ENOMEM; without a recorder in the configuration nothing is made. */
int recorder_init(struct recorder *r, const struct config_recorder *config);
void recorder_done(struct recorder *r);

/* Keep one; `ring` tells whose it is. */
void recorder_keep(struct recorder *r, const struct ring *ring, const struct ilu_record_ *record);
/* Keep a span that closes, if something was recorded in it. */
void recorder_keep_span(struct recorder *r, struct span_texts *texts, const struct span_text *span);
/* The span as it was at its close, or NULL. */
struct span_text *recorder_span(struct recorder *r, uint64_t handle);

/* Find what the event asks for: so many, to be read from the earliest, 0, on. They are not found again. */
uint32_t recorder_find(struct recorder *r, const struct ilu_record_ *event, struct recorder_missing *missing);
/* One of them, and its owner in r->ring, until something else is kept. */
const struct ilu_record_ *recorder_read(struct recorder *r, uint32_t i, uint32_t found);

#endif
