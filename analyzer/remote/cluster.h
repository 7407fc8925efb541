/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cluster.h - the shards of a ClickHouse cluster, and asking them.
 *
 * Several hosts in the URL are the shards, in that order, each reached by itself. With one host and cluster=NAME the
 * shards are those of system.clusters, all reached through that host by remote(): it knows no HTTP ports. What remote()
 * can't do (tables made, partitions dropped) is asked of each by itself, on the URL's port: cluster_each. Each shard
 * remembers which of how many it is (table shard), so that hosts in another order, or on other ports, are an error.
 *
 * Errors are those of http.h, each with a sentence in *why that names the server. A cluster belongs to one thread, but
 * for gather.h: there each shard that has a host of its own is asked by a thread of its own. */
#ifndef REMOTE_CLUSTER_H
#define REMOTE_CLUSTER_H

#include "base/slice.h"
#include "base/text.h"
#include "remote/http.h"
#include "remote/tsv.h"

struct shard {
	struct http *http; /* of the cluster */
	char *at;          /* "host:port" for remote(); NULL: it is reached by itself */
	char *host;        /* at: its name in system.clusters */
	char *name;        /* for messages */
	char *away;        /* --partial: why it is left out; NULL: it is not */
	bool ruled;        /* a fold was given rules, which the shard has: cluster_ruled */
};

struct cluster {
	struct remote_url url;
	struct http_manner manner;
	struct http **http; /* url.nhosts of them */
	struct shard *shard;
	size_t n;
	bool partial; /* a shard that is away when it is looked at first (cluster_check) has no rows from then on */
};

/* Reads the URL and finds the shards; of several hosts none is asked yet. m is copied. 0 or negative with *why, never
 * NULL then but for -ENOMEM and -EINTR; cluster_close in any case. */
int cluster_open(const char *url, const struct http_manner *m, struct cluster *out, char **why);
void cluster_close(struct cluster *c);

/* From now on each shard is reached by itself. -EINVAL with *why: two of them are on one host. */
int cluster_each(struct cluster *c, char **why);
/* Makes database and tables, where they are not there, and brings older ones up to date. After cluster_each. */
int cluster_create(struct cluster *c, char **why);
/* Whether the shards are those that the tables were made for, in this order, and of this format. One must be there. */
int cluster_check(struct cluster *c, char **why);

/* Remembers that shard i has rules that a fold was given; cluster_check finds it, which looks there anyway. */
int cluster_ruled(struct cluster *c, size_t i, char **why);

/* Which shard has a transaction's lines; those without one go by source and line. The same for ever: FNV-1a of 64 bits,
 * its halves folded, modulo n. */
size_t cluster_shard_of(const struct cluster *c, struct slice tid, struct slice source, int64_t line);

/* FNV-1a of 64 bits, from CLUSTER_HASH on. */
#define CLUSTER_HASH UINT64_C(14695981039346656037)
uint64_t cluster_hash(uint64_t h, struct slice s);

/* Whether it is to end: manner.stop. */
bool cluster_stopped(const struct cluster *c);

/* A table of shard i as it stands in SQL behind FROM (insert: behind INSERT INTO). */
void cluster_table(const struct cluster *c, size_t i, const char *table, bool insert, struct text *sql);

/* Text as a literal of ClickHouse's SQL, quotes included. */
void cluster_quote(struct text *sql, struct slice value);

/* `run IN ('...')` of one or two runs; run NONE: 1, as all are meant; other NONE: there is but one. */
void cluster_of_runs(struct text *sql, struct slice run, struct slice other);

/* ` WHERE run = '...' AND COLUMN = '...'` */
void cluster_where(struct text *sql, const char *run, const char *column, const char *value);

/* Asks shard i; sql has "$TABLE" where one of its tables is meant: `SELECT count() FROM $event`. Each row of t->columns
 * values goes to t->row. */
int cluster_ask(struct cluster *c, size_t i, const char *sql, struct tsv *t, char **why);
/* A row of an answer: 0 to go on. */
typedef int fetch_row(void *arg, const struct slice *value);
/* The same for a statement that is put together, without its format; sql is empty then. */
int cluster_rows(struct cluster *c, size_t i, struct text *sql, unsigned columns, fetch_row *row, void *arg,
                 char **why);
/* The same with the bytes of the answer as they come. */
int cluster_write(struct cluster *c, size_t i, const char *sql, http_take *take, void *arg, char **why);
/* The numbers of the first row, n of them; no row: zeros. */
int cluster_numbers(struct cluster *c, size_t i, const char *sql, int64_t *out, unsigned n, char **why);
/* `INSERT INTO ... FORMAT format` for shard i. */
void cluster_insert(const struct cluster *c, size_t i, const char *table, const char *columns, const char *format,
                    struct text *sql);
/* Rows in RowBinary for it: of a table that takes a row again in the place of the first, so that giving twice is no
 * harm. */
int cluster_give(struct cluster *c, size_t i, const char *table, const char *columns, const struct bytes *data,
                 char **why);
/* A statement without an answer. */
int cluster_do(struct cluster *c, size_t i, const char *sql, char **why);

#endif
