/* SPDX-License-Identifier: Apache-2.0 */
/* own.h - lines that the library says by itself: that it began, what was lost or withheld, who changed the filter.
 *
 * They go to every sink, whatever its filter. What is to be said is counted where it happens, and looked at here in
 * each pass of the appender, whose thread alone uses this. */
#ifndef OWN_H
#define OWN_H

#include "appender/outlet.h"
#include "encode/encode.h"

#define OWN_TROUBLES 5
#define OWN_WHO      192

struct own {
	struct encoder *enc; /* borrowed, as the next one */
	struct outlet *outlet;
	uint64_t lost;               /* ever, by rings, without memory, and on every sink */
	uint64_t told[OWN_TROUBLES]; /* of each kind so many */
	uint64_t told_ns;            /* when */
	uint64_t steps_told;         /* of the wall clock */
	int64_t stepped_told_ns;
	bool crashed;      /* before this pass looked at the rings, so that all is written that led to it */
	char who[OWN_WHO]; /* fields that tell the process and its run */
};

/* What went wrong before does not concern it. */
void own_begin(struct own *own, struct encoder *enc, struct outlet *outlet);

/* One line, for which there is room (encode_own_room). `fields` as encode_own has them. */
void own_say(struct own *own, const char *level, const char *message, const char *tid, const char *fields);

/* One with a text of any length, made safe and shortened. There is room. */
void own_tell(struct own *own, const char *level, const char *message, const char *key, const char *text);

/* Write `,"key":"text"`, made safe and shortened, and a NUL into `cap` bytes. Returns its length. */
size_t own_field(char *out, size_t cap, const char *key, const char *text);

/* Between two batches: which files were opened anew, or could not be. false: some could not. */
bool own_files(struct own *own);

/* Was the wall clock set, and is that to be said? Then from which stamp on time is another: records from before stand
 * before that line. Small steps are passed over. */
bool own_clock_set(struct own *own, uint64_t *stamp);
/* All from before are written: say it, if there is room. */
void own_tell_clock_set(struct own *own);

/* What there is to say, at about `ns` (now_machine_ns). `now`: all of it, else some once a second; `last`: and then
 * nothing more. */
void own_news(struct own *own, uint64_t ns, bool now, bool last);

#endif
