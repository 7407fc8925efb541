/* SPDX-License-Identifier: Apache-2.0 */
/* encode.h - records to event lines.
 *
 * The encoder owns what a line needs beside the record: the site's fixed parts (rendered at its first record), the
 * spans' objects, the ring owner's name, the running number. Lines pile up in `out` until the appender takes them. */
#ifndef ENCODE_H
#define ENCODE_H

#include "base/buf.h"
#include "config/config.h"
#include "encode/flame.h"
#include "encode/recorder.h"
#include "call/ring.h"
#include "encode/spantext.h"
#include "base/stamp.h"

#include <stdbool.h>

#define ENCODE_OWN_FIELDS 1024
#define ENCODE_RECORDED   ",\"recorded\":true" /* at the end of a line from the recorder */
#define ENCODE_DEPTH      256                  /* spans in one list; of a deeper stack the innermost are shown */

struct encoder {
	struct buf out;
	size_t lines;
	uint64_t seq; /* of the next line */
	struct stamp_scale scale;
	struct span_texts spans;
	bool list;        /* write `spans` */
	const char *mark; /* at each line's end, before its brace: `,"recovered":true`; NULL: nothing */
	/* Records of another process: its sites, and no slab. NULL: our own. */
	struct site *(*site_of)(const void *process, uint32_t number);
	const void *process;
	bool boxed;        /* lines are made in the black box, and spans told there */
	bool iluvatar;     /* timestamps as Iluvatar's */
	uint32_t spanning; /* enum config_spanning */
	int32_t offset_s;  /* of local time, fixed at the start, for `iluvatar` */
	int64_t pid;
	uint64_t cut;       /* values that had been cut, strings that were no JSON */
	uint64_t written;   /* lines ever */
	uint64_t orphans;   /* events whose span's text was lost */
	uint64_t unmade;    /* lines there was no memory for, and that have no number yet */
	struct flame flame; /* with a sink when it is wanted */
	size_t begin;       /* where the last record's line begins */
	struct recorder recorder;
	/* An event's line is about to be written that asks the recorder: write before it what that has. NULL: nobody
	 * asks. */
	void (*ask)(void *who, const struct ilu_record_ *event);
	void *who;
	/* caches */
	int64_t second_ns;    /* the second that `second_text` tells, in wall time */
	char second_text[64]; /* {"timestamp":"2026-11-22T20:03:11. */
	uint32_t second_len;
	uint64_t tid_bits[2];
	char tid_hex[32];
};

/* 0 or -ENOMEM. `config` is only read now. */
int encoder_init(struct encoder *enc, const struct config *config, bool tsc);
/* For records of a process of which only the black box is left: nothing is asked of this one. 0 or -ENOMEM. */
int encoder_init_for(struct encoder *enc, const struct region_header *header);
void encoder_done(struct encoder *enc);

/* There is a black box: the lines are made there from now on, and spans that are open (those that a child inherited)
 * are told. After each batch again: one that found no room there is taken back. */
void encoder_use_box(struct encoder *enc);
void encoder_back_to_box(struct encoder *enc);
/* There is none after all: what was made there is kept. 0 or -ENOMEM. */
int encoder_leave_box(struct encoder *enc);
/* Bytes of the lines as the box has them; 0: they are not there. */
uint64_t encoder_in_box(const struct encoder *enc);

/* Write the line of a record, if it makes one, at `begin`; or keep it in the recorder. Gives back the slot of a span
 * that closes. */
void encode_record(struct encoder *enc, struct ring *ring, const struct ilu_record_ *record);

/* Write the line of a record that the recorder has, marked; at `begin`. */
void encode_recorded(struct encoder *enc, struct ring *ring, const struct ilu_record_ *record);

/* A span that a line is about or in, also one that is closed and known to the recorder; or NULL. */
struct span_text *encode_span_of(struct encoder *enc, uint64_t handle);

/* The text of a span as a box has it, checked; of no length: its fields are lost. 0 or -ENOMEM. */
int encode_span_text(struct encoder *enc, struct span_text *span, const char *text, size_t len, uint32_t tail_at);
/* Those whose records they are. */
void encode_owner_of(struct encoder *enc, struct ring *ring, const struct region_taken *owner);
/* A span that was open when its process died, at about `stamp`: its `close`, with how long it was open. */
void encode_left_open(struct encoder *enc, struct ring *ring, struct span_text *span, uint64_t stamp);

/* Is there memory for a line of the library itself? To be asked before encode_own. */
bool encode_own_room(struct encoder *enc);

/* A line of the library itself: target "ilulog"; `fields` is JSON after the tid, beginning with a comma, or "", of at
 * most ENCODE_OWN_FIELDS bytes. */
void encode_own(struct encoder *enc, const char *level, const char *message, const char *tid, const char *fields,
                uint64_t seq);

#endif
