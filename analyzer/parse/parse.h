/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse.h - text in, chunk rows out: what a worker does with its piece of a file. */
#ifndef PARSE_PARSE_H
#define PARSE_PARSE_H

#include "beside/energy.h"
#include "ingest/record.h"
#include "parse/tidname.h"
#include "store/chunk.h"

/* A line that was no event, or of which a part was none. */
struct parse_reject {
	uint32_t line;  /* in the chunk */
	int64_t offset; /* in the chunk's text; of a line that begins in chunks before it below 0 */
	uint64_t length;
	const char *reason; /* static */
	char *sample;       /* its first bytes, escaped; ours until parser_clear */
};

struct parse_counts {
	uint64_t ok, repaired, rejected;
	uint64_t blank; /* of those that are ok: nothing stands in them, and they are no events */
	uint64_t ok_bytes, repaired_bytes, rejected_bytes;
	uint64_t repairs[REPAIRS]; /* of repaired, by what was wrong */
};

struct parser {
	struct shape_set *set;
	struct chunk_builder *builder;
	struct parse_counts counts;
	struct parse_reject *rejects;
	size_t nrejects, rejects_room;
	bool saw_local, saw_utc; /* stamps without and with an offset */
	bool saw_event;
	int64_t first_stamp;
	int64_t first_offset_s;       /* of a foreign record: UTC minus the clock that it was written by */
	bool saw_foreign;             /* records or text that are not tracing's */
	struct energy_format *energy; /* in: the lines are those of an energy log; borrowed. NULL: events */
	/* private */
	struct line line;
	struct guess *guesses; /* by shape id */
	uint32_t nguesses;
	uint32_t last_head;
	struct guess_key *keys; /* heads by what stands behind the time */
	char second[19];        /* the last line's time without its fraction ... */
	int64_t second_ns;      /* ... as a number; INT64_MIN: none */
	struct slice *values[2];
	unsigned room[2];
	struct tid_names names;              /* of transactions; looked up when a line has no "tid" */
	bool named;                          /* a shape has values that may be one's */
	struct record_reader records, peeks; /* peeks: for looking ahead, its counts do not count */
	struct recipes *recipes;             /* of the source, parse/recipe.h; NULL: none yet */
	struct bytes text, joined, plain;    /* plain: a line without its colours */
	bool no_text;    /* in: the file is no log by its beginning: lines that are no records are rejected */
	bool is_guess;   /* in: nothing is known of the lines before. It stops where something depended on them */
	bool depended;   /* a line came out as it did since nothing was known of those before; or records.depended */
	bool wants_more; /* parser_feed stopped since it must see more text than there was */
	const char *gives_up; /* parser_feed stopped at a long line that is rejected for this reason: parser_give_up */
	bool no_more;         /* in: there is more than it may see: what has not ended is broken */
	uint64_t tracing;     /* records of tracing's own shape */
	bool peeked;          /* the time of text before the first record is known: */
	int64_t peeked_ns;
	int64_t group_budget; /* bytes that may still be looked through in vain for a record's end */
	bool in_array;        /* between the brackets of an array that is printed over lines */
	bool has_last, after_record, continues, last_local;
	struct slice last_tid; /* of the record before; in the text, or in tid_text */
	int64_t last_stamp;
	char tid_text[RECORD_MAX_TID];
};

/* o: how the lines of other programs are read; borrowed with what it names. Where a parser gets other sources, they
 * name transactions alike. */
int parser_init(struct parser *p, struct shape_set *set, const struct record_options *o);
void parser_done(struct parser *p);

/* Forgets what the source before left behind; the shapes that were guessed stay. 0 or -ENOMEM. */
int parser_source(struct parser *p, const struct record_options *o);

/* Empties the builder and the counts for the next chunk; buffers of more bytes than PARSE_ROOM, which only a long line
 * needs, are given back. */
#define PARSE_ROOM (16u << 20)
void parser_clear(struct parser *p);

/* Takes lines from text until its end or until the chunk is full; SCAN_SLACK readable bytes follow text. last: text
 * ends with the file, so that a line without line end is whole. *used: bytes taken. 0 or -ENOMEM. */
int parser_feed(struct parser *p, const char *text, size_t len, bool last, size_t *used);

/* Whether what was read may come out otherwise where something is known of the lines before. */
static inline bool parser_depended(const struct parser *p)
{
	return p->depended || p->records.depended;
}

/* A long line that is rejected is kept in stretches: a chunk for each, and one more for its end. The builder is empty
 * each time. bytes: of it in the stretches; first: how it begins; end: bytes of its line end. */
#define PARSE_STRETCH (4u << 20)
int parser_stretch(struct parser *p, struct slice text);
int parser_give_up(struct parser *p, const char *reason, struct slice first, uint64_t bytes, size_t end);

/* At the end of a source: what is still in pieces becomes events. */
int parser_end(struct parser *p);

#endif
