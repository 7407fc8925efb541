/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat.c - a source as it was loaded, byte for byte: rejected lines, line ends and all. */
#include "query/core/command.h"
#include <errno.h>

static int put(void *arg, const void *p, size_t n)
{
	struct query *q = arg;

	if (query_interrupted)
		return -EINTR;
	fwrite(p, 1, n, q->out->file);
	return output_status(q->out);
}

static void run(struct query *q)
{
	const char *word = q->args->words[0];
	int64_t source = query_source(q, word);
	int rc = q->status ? 0 : store_cat(q->store, source, put, q);

	query_ok(q, rc, output_status(q->out) ? "output" : word);
}

const struct command command_cat = {
    .name = "cat",
    .group = GROUP_DATABASE,
    .words = "SOURCE",
    .least = 1,
    .most = 1,
    .hint = HINT_SOURCE,
    .help = "a source as it was loaded, byte for byte",
    .more = "SOURCE is an id of `sources`, a path, or the end of a path that only one source has.",
    .examples = "cat 2 > worker.log",
    .need = NEED_READ,
    .run = run,
};
