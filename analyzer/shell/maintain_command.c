/* SPDX-License-Identifier: GPL-3.0-or-later */
/* maintain_command.c - drop-source and compact: the words; load/maintain.h has the work. */
#include "load/maintain.h"
#include "render/number.h"
#include "shell/commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void outcome(struct query *q, int rc, const char *what, char *why)
{
	if (rc == -EBUSY)
		query_fail(q, USAGE, "%s: %s", what, why ? why : "another program is writing to the database");
	else if (rc && why)
		query_fail(q, rc == -EBADMSG ? DAMAGED : SYSTEM, "%s: %s", what, why);
	else
		query_ok(q, rc, what);
	free(why);
}

static void run_drop_source(struct query *q)
{
	const char *word = q->args->words[0];
	int64_t source = query_source(q, word);
	char *why = NULL;
	int rc;

	if (args_has(q->args, "run"))
		query_fail(q, USAGE, "--run is for ClickHouse; here a source has a number, see `ilu-logq sources`");
	if (q->status)
		return;
	rc = maintain_drop_source(q->store, source, &why);
	outcome(q, rc, word, why);
	if (!q->status)
		query_note(q, "%s: dropped; `ilu-logq compact` gives the space back", word);
}

static void run_compact(struct query *q)
{
	int64_t before, after;
	char *why = NULL;
	int rc = maintain_compact(q->store, &before, &after, &why);

	outcome(q, rc, q->path, why);
	if (!q->status)
		query_note(q, "%s: %s bytes, %s before", q->path, number_count_text(after).text,
		           number_count_text(before).text);
}

const struct command command_compact = {
    .name = "compact",
    .group = GROUP_DATABASE,
    .help = "make the database smaller: small chunks joined, free pages given back",
    .more = "Worth it after many small appends, --follow, or drop-source. Answers stay the same.",
    .need = NEED_WRITE,
    .run = run_compact,
};

static const struct option_spec drop_options[] = {
    {.name = "run", .value = "RUN", .help = "of this run; on ClickHouse, where several may have one of that path"},
    {0},
};

const struct command command_drop_source = {
    .name = "drop-source",
    .group = GROUP_DATABASE,
    .words = "SOURCE",
    .least = 1,
    .most = 1,
    .hint = HINT_SOURCE,
    .help = "take a source out, with its lines and all that only it told",
    .more = "SOURCE is an id of `sources`, a path, or the end of a path that only one source has. What was concluded "
            "from its "
            "lines is\n"
            "concluded again from the others.",
    .examples = "drop-source worker_1.log",
    .options = drop_options,
    .need = NEED_WRITE,
    .run = run_drop_source,
};
