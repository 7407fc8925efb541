/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - sinks with filters of their own (key "sinks"): which line goes to which.
 *
 * A route takes from the lines that the main directives let through those its filter wants, asked about the line's
 * site and the spans it was written in; a span's own lines (new, enter, exit, close) count as written in it. Lines of
 * the library itself go to all. Each route numbers its lines and accounts for its losses by itself, so its file is
 * complete in itself: `seq` has no holes but those that a record tells of.
 *
 * Only the appender's thread uses routes, but for routes_request_reopen. */
#ifndef ROUTE_H
#define ROUTE_H

#include "config/config.h"
#include "config/directive.h"
#include "encode/encode.h"
#include "appender/gap.h"
#include "sinks/sink.h"

struct route_span {
	uint64_t handle; /* whose level it is */
	uint8_t level;
};

struct route {
	struct sink *sink;
	struct directive_set *filter; /* NULL: everything */
	struct buf out;
	struct buf sites; /* of each line, uint32_t, where the sink wants to know */
	bool with_sites;
	size_t lines;
	uint64_t seq;
	uint64_t unmade; /* lines there was no memory for, and that have no number yet */
	uint64_t lost;   /* of these, numbered since the last write */
	struct gap gap;
	uint8_t *verdict; /* of each site by number, enum directive_verdict + 1, 0: not asked yet */
	uint32_t verdicts;
	struct route_span *span; /* by slot; NULL: the filter does not look at spans */
};

struct routes {
	struct route *route;
	unsigned count;
};

/* Open what the configuration asks for. On failure `what` says which entry, and nothing is left open. */
int routes_open(struct routes *routes, const struct config *config, enum sink_file_start how, char *what, size_t cap);
void routes_close(struct routes *routes);

/* A record was encoded: its line, if it made one, is at `begin` of the encoder's text. */
void routes_take(struct routes *routes, struct encoder *enc, const struct ilu_record_ *record, size_t begin);

/* The line at `begin` is the library's own. */
void routes_take_own(struct routes *routes, struct encoder *enc, size_t begin);

/* Hand the batches to the sinks. Lines lost are added to *lost. Returns the first error. */
int routes_write(struct routes *routes, struct encoder *enc, uint64_t *lost);

/* To the disk. Returns the first error. */
int routes_sync(struct routes *routes);

/* Has one of them lines to tell of as lost? */
bool routes_owe(const struct routes *routes);

void routes_request_reopen(struct routes *routes);

#endif
