/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.h - the only way from the appender to sinks.
 *
 * Each sink has a port. The log's own (keys "basename" and "stdout", or standard error) take all lines as they are,
 * with the log's numbers. A port of the list "sinks" takes from them those its filter wants, asked about the line's
 * site and the spans it was written in; a span's own lines (new, enter, exit, close) count as written in it. Lines of
 * the library itself go to all. It numbers its lines by itself, so its file is complete in itself.
 *
 * Every port accounts for its losses: `seq` has no holes but those that a record tells of, in the same file.
 *
 * Only the appender's thread uses the outlet, but for outlet_request_reopen. */
#ifndef OUTLET_H
#define OUTLET_H

#include "appender/gap.h"
#include "config/config.h"
#include "config/directive.h"
#include "encode/encode.h"
#include "sinks/sink.h"

struct port_span {
	uint64_t handle; /* whose level it is */
	uint8_t level;
};

struct port {
	struct sink *sink;
	char *name; /* for people: a path, "sinks[1]: fd 7" */
	uint64_t complained_ns;
	uint64_t took_seen; /* by outlet_moves */
	struct gap gap;
	uint64_t lost; /* since the last write */
	/* what follows is not for the log's own */
	struct directive_set *filter; /* NULL: everything */
	struct buf out;
	struct buf sites; /* of each line, uint32_t, where the sink wants to know */
	bool with_sites;
	size_t lines;
	uint64_t seq;
	uint64_t unmade;  /* lines there was no memory for, and that have no number yet */
	uint8_t *verdict; /* of each site by number, enum directive_verdict + 1, 0: not asked yet */
	uint32_t verdicts;
	struct port_span *span; /* by slot; NULL: the filter does not look at spans */
};

struct outlet {
	struct port *port;
	unsigned count;
	unsigned own; /* the first ones are the log's own */
	unsigned at;  /* while batches are written: the port whose turn it is */
	bool writing;
};

/* Open what the configuration asks for. On failure `what` says which entry, and nothing is left open. */
int outlet_open(struct outlet *outlet, const struct config_sinks *sinks, enum sink_file_start how, char *what,
                size_t cap);
void outlet_close(struct outlet *outlet);

/* In the child of a fork: the sinks that the parent had open go on, without opening anything. What else is the
 * parent's may be in any state. `sinks`: what it was opened for. 0, or -ENOMEM and nothing is left open. */
int outlet_inherit(struct outlet *outlet, struct outlet *parent, const struct config_sinks *sinks);
/* In the parent. */
void outlet_share(struct outlet *outlet);

/* A record was encoded: its line, if it made one, is at `begin` of the encoder's text. */
void outlet_take(struct outlet *outlet, struct encoder *enc, const struct ilu_record_ *record, size_t begin);

/* Does anybody want to be told of each line? */
static inline bool outlet_picks(const struct outlet *outlet)
{
	return outlet->count > outlet->own;
}

/* The line at `begin` is the library's own. */
void outlet_take_own(struct outlet *outlet, struct encoder *enc, size_t begin);

/* A line of the library's about this port, for it alone (the log's own are one). There is room (encode_own_room). */
void outlet_tell(struct outlet *outlet, struct encoder *enc, struct port *port, const char *level, const char *message,
                 const char *fields);

/* For who looks at standard error: at once, and then each minute that it goes on. `last_ns`: when it was said last, 0:
 * never. */
void outlet_complain(const struct sink *sink, const char *name, int rc, uint64_t *last_ns);

/* Hand the batches to the sinks, and the encoder an empty text. Lines lost, on whichever sink, are added to *lost.
 * Returns the first error. */
int outlet_write(struct outlet *outlet, struct encoder *enc, uint64_t *lost);

/* How often a sink has written or synced something, or has failed to: whether the appender gets on. Any thread. */
uint64_t outlet_got_on(const struct outlet *outlet);
/* false: the appender's thread is in a sink that has taken nothing since this was asked last. Any one thread. */
bool outlet_moves(struct outlet *outlet);

/* The appender's thread hangs in a sink: give that one up. Another thread may go on: what the hanging one was writing
 * stays as it is, and the next outlet_write goes on with the other sinks. 0, -EAGAIN (it is in none now) or -ENOMEM. */
int outlet_give_up(struct outlet *outlet, struct encoder *enc);

/* To the disk. Returns the first error. */
int outlet_sync(struct outlet *outlet);

/* The descriptor of the log's own file, where that is a regular one; else -1. */
int outlet_file(const struct outlet *outlet);

/* Has one of them lines to tell of as lost? */
bool outlet_owes(const struct outlet *outlet);

/* Between two batches: has the file of a port been opened anew (sink_look)? Begin with *port NULL; true: there is news
 * of *port, and there may be more. */
bool outlet_look(struct outlet *outlet, struct port **port, struct sink_news *news);

/* Do others write to a file that is to be rotated? Then it is to be looked at without lines, too. */
bool outlet_rotates(const struct outlet *outlet);

/* Lines in the first sink: the log file, where there is one. */
uint64_t outlet_lines(const struct outlet *outlet);
/* Files that could not be opened anew. */
uint64_t outlet_refused(const struct outlet *outlet);

void outlet_request_reopen(struct outlet *outlet);
bool outlet_reopen_requested(const struct outlet *outlet);

#endif
