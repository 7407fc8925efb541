/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold_command.c - the command `fold`: the model's rows on a cluster. */
#include "mirror/fold.h"
#include "query/cluster/command.h"
#include "query/core/complain.h"
#include "shell/commands.h"
#include "shell/shown.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tell_lost(void *arg, const char *path, int64_t lines, int64_t all)
{
	struct shown *s = arg;

	progress_clear(&s->line);
	if (lines)
		complain(-1,
		         "%s: %" PRId64 " of %" PRId64 " lines can't be read again here: what they say is in no row",
		         path, lines, all);
	else
		complain(-1,
		         "%s: of %" PRId64
		         " lines some can't be read again here as they were: rows have other times, or "
		         "miss what they say",
		         path, all);
}

/* Of --shard k/n; 0: of all. */
static void read_shard(struct query *q, const char *word, unsigned long *k, unsigned long *n)
{
	char *end = NULL;

	*k = *n = 0;
	if (!word)
		return;
	*k = strtoul(word, &end, 10);
	if (*end == '/')
		*n = strtoul(end + 1, &end, 10);
	if (*end || !*k || *k > *n || *n > 100000)
		query_fail(q, USAGE, "--shard %s: it is a number of how many, from 1: 2/3", word);
}

static void fold(struct query *q, struct cluster *c, const struct fold_options *o, unsigned long k, bool finish)
{
	struct fold_sum sum = {0};
	struct shown *shown = o->arg;
	char *why = NULL;
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc && !finish; i++)
		if (!k || i + 1 == k)
			rc = fold_shard(c, i, o, &sum, &why);
	if (!rc && !k)
		rc = fold_finish(c, o, &sum, &why);
	progress_clear(&shown->line);
	remote_failed(q, rc, why);
	free(why);
	if (!q->status && sum.lost)
		query_stop(q, DAMAGED);
	if ((q->status && q->status != DAMAGED) || q->quiet)
		return;
	if (!finish)
		fprintf(q->out->file, "%" PRId64 " %s of runs folded, %" PRId64 " invocations\n", sum.units_made,
		        sum.units_made == 1 ? "day" : "days", sum.invocations);
	if (!k)
		fprintf(q->out->file, "%" PRId64 " of %" PRId64 " runs finished, %" PRId64 " findings\n", sum.runs_made,
		        sum.runs, sum.findings);
	if (sum.unfinished)
		query_note(q, "%" PRId64 " sources are not whole: their push is under way, or was broken off",
		           sum.unfinished);
}

static void run(struct query *q)
{
	const char *shard = args_value(q->args, "shard");
	bool finish = args_has(q->args, "finish");
	struct http_manner m;
	struct shown shown;
	struct fold_options o = {.rules = args_value(q->args, "rules"),
	                         .benchmark = args_value(q->args, "benchmark"),
	                         .progress = shown_progress,
	                         .lost = tell_lost,
	                         .arg = &shown};
	struct cluster c = {0};
	unsigned long k, n;

	shown_init(&shown, q, &m);
	read_shard(q, shard, &k, &n);
	if (shard && finish)
		query_fail(q, USAGE, "--shard and --finish are two steps: one after the other");
	if (!q->status)
		remote_open(q, q->args->words[0], &m, REMOTE_CHANGE, &c);
	if (!q->status && k && n != c.n)
		query_fail(q, USAGE, "--shard %s: the URL names %zu %s", shard, c.n, c.n == 1 ? "shard" : "shards");
	if (!q->status)
		fold(q, &c, &o, k, finish);
	cluster_close(&c);
}

static const struct option_spec options[] = {
    {.name = "shard",
     .value = "K/N",
     .help = "only the transactions of shard K of N, from 1; others may be folded side by side"},
    {.name = "finish", .help = "only what lies between transactions, once those of all shards are folded"},
    {.name = "rules",
     .value = "FILE|none",
     .help = "what messages mean, instead of the built-in rules",
     .hint = HINT_FILE},
    {.name = "benchmark",
     .value = "FILE",
     .help = "a file of function benchmarks, for overheads and estimates",
     .hint = HINT_FILE},
    {.name = "retry", .value = "SECONDS", .help = "how long a server that is away is tried again; default 60"},
    {0},
};

const struct command command_fold = {
    .name = "fold",
    .group = GROUP_DATA,
    .words = "URL",
    .least = 1,
    .most = 1,
    .help = "make invocations, phases, containers and findings of the lines on a ClickHouse cluster",
    .more = "In two steps: the transactions of each shard, then what lies between them. Without --shard and --finish "
            "both are done. Only what\n"
            "is new is folded: runs and days to which lines have come, in whatever order. A fold that was broken off "
            "is done again.",
    .examples = "fold clickhouse://c1,c2,c3/logs\nfold clickhouse://c1,c2,c3/logs --shard 2/3\n"
                "fold clickhouse://c1,c2,c3/logs --finish",
    .options = options,
    .gives_back = true,
    .run = run,
};
