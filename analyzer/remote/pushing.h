/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pushing.h - a push at work, for the files that do it: push.c has the lines, push_sources.c what is asked and told
 * about their sources. */
#ifndef REMOTE_PUSHING_H
#define REMOTE_PUSHING_H

#include "remote/push.h"
#include "remote/rows.h"
#include "remote/senders.h"
#include <string.h>

/* Sources of a run that are pushed together: so many, and names of so many bytes, before they are quoted. */
enum { GROUP_MOST = 64, GROUP_BYTES = 60000 };

/* A source. */
struct source {
	int64_t id;
	char *run, *path;
	uint64_t head;   /* of its first line; 0: it has none */
	bool known;      /* the ledger there has it */
	int64_t last;    /* line of it that a shard has; 0: none */
	int64_t events;  /* here */
	int64_t *wanted; /* of them by shard */
};

/* Where a line is. */
struct spot {
	const struct source *source;
	int64_t line;
};

/* Lines of a run, of one shard and day: the next batch. */
struct bucket {
	size_t shard;
	unsigned day;
	struct native rows;
	size_t bytes;
	struct spot first, last;
};

/* What a shard has of a source and day. */
struct there {
	const struct source *source;
	size_t shard;
	unsigned day;
	int64_t last; /* line */
};

struct push {
	struct cluster *c;
	const struct push_options *o;
	struct push_sum *sum;
	char **why;
	struct senders *senders;
	struct source *source; /* all */
	size_t n, room;
	struct source *from, *to; /* the group at hand, of one run */
	bool broken;              /* a push of one of them was broken off */
	struct there *there;      /* of the group, in the order of there_order */
	size_t nthere, there_room;
	struct bucket *bucket;
	size_t nbuckets, buckets_room, held;
	int64_t total;
};

static inline struct slice text_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

/* The source of the group that has this name; NULL: none has. */
struct source *group_named(const struct push *p, struct slice path);

/* By source, shard and day, for qsort. */
int there_order(const void *a, const void *b);

/* What the ledger knows of the group's sources, and the shards have of them: known, and there. -EEXIST with *why:
 * another source of this name is there. */
int group_ask(struct push *p);
/* Its rows in the ledger; whole: all events are there. */
int group_give(struct push *p, bool whole);
/* Has each shard of each source what it should have? -EBADMSG with *why: it has not. */
int group_check(struct push *p);
/* The lines that are no events. */
int group_rejects(struct push *p);

#endif
