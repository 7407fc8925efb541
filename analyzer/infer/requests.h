/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.h - which transactions of a sample are requests: how they begin and how they end.
 *
 * A kind of request is a message that its transactions begin with, once each, and that others do not have. It ends with
 * messages that come once and after which nothing comes. What repeats its lines for as long as it lives (a connection,
 * a monitor) and does not get on meanwhile, what lasts as long as the log, and what happens a few times beside many
 * others (registrations, start-ups) is no request. */
#ifndef INFER_REQUESTS_H
#define INFER_REQUESTS_H

#include "infer/sample.h"

enum { KINDS_MAX = 8, ENDS_MAX = 4, REQUESTS_LEAST = 10 };

struct request_end {
	uint32_t key, requests; /* how many end so */
};

struct request_kind {
	uint32_t start; /* key */
	struct request_end end[ENDS_MAX];
	unsigned nends;
	uint32_t requests, unfinished;
	int64_t median_ns; /* of those that ended */
	int64_t spread_ns; /* nine in ten begin within this time */
	bool doubtful;     /* they repeat themselves, and could be connections where others are requests */
	/* A span's close that without one of the ends before is a failure; SAMPLE_NONE: there is none. Either so many
	 * requests closed so at once, when the log ended, or (0) nearly all that close have an end before. */
	uint32_t answered, broken;
};

/* What became of a transaction. */
struct request {
	int kind;                      /* -1: none */
	int end;                       /* of the kind's; -1: unfinished */
	uint32_t start_line, end_line; /* lines of the sample */
};

struct requests {
	struct request_kind kind[KINDS_MAX];
	unsigned nkinds;
	struct request *of; /* by transaction of the sample */
};

/* 0 or -ENOMEM; free `of`. */
int requests_find(struct requests *r, const struct sample *s);

#endif
