/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_room.h - an event and the memory that its texts stand in. */
#ifndef STORE_EVENT_ROOM_H
#define STORE_EVENT_ROOM_H

#include "store/store_private.h"
#include "base/scan.h"

#define EVENT_BUFS 64 /* so many printed numbers of one event can be held at a time */

struct event_room {
	struct event ev; /* first */
	const struct source_info *info;
	struct chunk_row row; /* head always; head_ord once has_ord; the rest once complete */
	bool has_ord, complete;
	char tid[64], worker[128];
	uint64_t tid_chunk; /* whose transaction stands in tid; 0: none */
	uint16_t tid_local;
	uint8_t tid_len;
	char *tid_text; /* of one whose spelling is another: 3 * LINE_MAX_TID bytes, once there was one */
	char bufs[EVENT_BUFS][SEGMENT_TEXT];
	unsigned next_buf;
	bool rendered;
	int error; /* of reading a value */
	struct bytes line;
	struct chunk_parts parts; /* of a rendered line, but for raw ones and those whose head has a form */
	struct {                  /* of head and tail alone, where only their parts were asked for */
		bool rendered;
		struct bytes text;
		struct chunk_parts parts;
	} half[2];
	int64_t offset_id; /* the event whose offset in its chunk is known; 0: none */
	uint64_t offset;
	char raw[SEGMENT_TEXT + SCAN_SLACK]; /* a line kept whole that its column printed */
	struct line parsed;
	struct shape *raw_shape[2];
};

int event_room_new(struct store *s, struct event_room **out);
void event_room_free(struct event_room *r);

/* Makes r the event of one row of r->ev.chunk, which the caller pinned. -EBADMSG too where the row is no event. brief:
 * as event_query.brief. */
int event_fill(struct event_room *r, int64_t chunk_id, int64_t source, int64_t first_line, uint32_t row, bool brief);

/* Whether the line has text in its message or a string of its fields, however they spell it; or whether the bytes of
 * its fields have it. event_error() after it. */
bool event_search(const struct event *e, struct slice text, bool fields);

/* Is the event less than its line, and not the last of it? No line end follows. */
bool event_is_piece(const struct event *e);

#endif
