/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.h - a line of any program as an event line of ours.
 *
 * The reader opens envelopes from the outside to the record inside, looks for the roles in each layer by the formats
 * (format.h), and writes what it found as one line in the form of schema/event.schema.json: the *reading*. Whoever
 * reads such a line later needs no format. Roles are the inner record's where that has them complete, else those of the
 * envelope around it. */
#ifndef INGEST_RECORD_H
#define INGEST_RECORD_H

#include "base/bytes.h"
#include "ingest/format.h"
#include "ingest/hint.h"

#define RECORD_LAYERS   8    /* envelopes in one another; deeper is text */
#define RECORD_MAX_KEYS 4096 /* of one layer */
#define RECORD_MAX_TID  1024 /* a longer id is a field like others */

enum record_verdict {
	RECORD_EVENT,   /* the reading is an event's */
	RECORD_TEXT,    /* no record: with an envelope a reading of kind text, without one none at all */
	RECORD_PARTIAL, /* a piece of a record that goes on in a later line: it is kept until then */
	RECORD_OPEN,    /* an object or array that does not end with the line, or the first line of a pattern's */
	RECORD_LIST,    /* an array of records, or several behind one another */
	RECORD_BROKEN,  /* JSON, and wrong: reason */
};

/* What --time, --level, --message, --target and --tid name; NULL: not said. Borrowed. */
struct record_options {
	struct format_set *formats;
	const struct log_format *only; /* --format; NULL: whichever fits */
	const struct paths *roles[ROLES];
	unsigned no_repair; /* bits of enum repair: those that are off for all lines */
	const char *zone;   /* of times without offset; NULL: UTC */
	const char *file;   /* its name, for formats that are for some files; NULL: not known */
	int64_t file_ns;    /* when the file was written last: the year of times that have none. 0: not known */
};

/* What a record was read with, for source.format and the load's summary; one for each way. */
struct record_use {
	const struct log_format *inner, *outer; /* NULL: none, by the role lists alone; outer NULL: no envelope */
	uint64_t records;
};

#define RECORD_USES     32
#define RECORD_PENDING  8           /* streams in which a record may be in pieces at a time */
#define RECORD_JOIN_MAX (64u << 20) /* a record in pieces is given up beyond; what came so far is one */

/* Pieces of a record, by the stream that they came in. */
struct record_pending {
	char stream[64];
	struct bytes text;
	uint64_t order; /* the lowest is the oldest */
};

struct record_reader {
	struct record_options options;
	int64_t near_ns; /* the time of the record before */
	bool has_near;
	bool near_local; /* it is a clock's that the source has the offset of */
	bool depended;   /* a record came out as it did since nothing was known of those before */
	/* counts, for what is said after a load */
	struct record_use uses[RECORD_USES];
	unsigned nuses;
	uint64_t no_time, odd_time; /* without a time; with one that was not understood */
	uint64_t assumed_zone, assumed_year, either_day;
	struct record_hints hints;
	/* private */
	struct record *r;
	struct bytes reading, joined;
	bool began;
	bool usable[FORMATS_MAX];                       /* of options.formats those that are for this file */
	const struct log_format *of_lines[FORMATS_MAX]; /* of these, those with patterns of several lines */
	unsigned nof_lines;
	struct record_pending pending[RECORD_PENDING];
	uint64_t pieces;
	int64_t zone_bucket, zone_offset, zone_prev;
	bool zone_known;
};

/* What came of a line. Slices are borrowed until the next call. */
struct record_result {
	enum record_verdict verdict;
	struct slice reading; /* of RECORD_EVENT, and of a text in an envelope */
	struct slice tid;     /* unescaped as in the reading */
	bool quoted;          /* of RECORD_OPEN: it goes on up to the end of a text in quotes, not of brackets */
	unsigned lines; /* of RECORD_OPEN: it is a pattern's of at most so many lines: record_read_lines; 0: none */
	bool text;      /* the reading is of kind text */
	bool has_time;  /* else time_ns is near_ns, or 0 where there was none yet */
	bool local;     /* time_ns is near_ns, and that near_local */
	int64_t time_ns;
	int64_t offset_s; /* UTC minus the clock that the time was written by */
	const char *reason;
	unsigned no_repair; /* bits of enum repair: those that the formats it was read by switch off */
};

int record_reader_init(struct record_reader *r, const struct record_options *o);
void record_reader_done(struct record_reader *r);
/* Gives back the memory of a reading longer than so many bytes; what was read last is no more. */
void record_reader_trim(struct record_reader *r, size_t bytes);

/* Reads one record: a line, or lines joined by the caller; SCAN_SLACK readable bytes follow text. 0 or -ENOMEM. */
int record_read(struct record_reader *r, struct slice text, struct record_result *out);

/* Reads what began with a line that was RECORD_OPEN with so many `lines`: text goes on behind it, and last: ends where
 * the log does. RECORD_EVENT: *stop is behind its last line; RECORD_OPEN: more text is needed; RECORD_TEXT: the line is
 * none of a record. 0 or -ENOMEM. */
int record_read_lines(struct record_reader *r, struct slice text, unsigned lines, bool last, const char **stop,
                      struct record_result *out);

/* Dates the record that was just read, which has no time, and before which none had one. */
void record_date(struct record_reader *r, int64_t ns, struct record_result *out);

/* What is still in pieces at the end of a file: RECORD_EVENT or RECORD_TEXT for one of them, RECORD_PARTIAL: there is
 * none any more. 0 or -ENOMEM. */
int record_flush(struct record_reader *r, struct record_result *out);

/* Calls each for every whole object of a list, or of a line with several; stops at what each returns, if not 0. */
int record_list(struct slice text, int (*each)(void *arg, struct slice object), void *arg);

#endif
