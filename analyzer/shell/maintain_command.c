/* SPDX-License-Identifier: GPL-3.0-or-later */
/* maintain_command.c - drop-source and compact: the words; load/maintain.h has the work. */
#include "load/maintain.h"
#include "shell/commands.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int outcome(struct query *q, int rc, const char *what, char *why)
{
	int status = DONE;

	if (rc == -EBUSY)
		status = query_fail(q, USAGE, "%s: %s", what, why ? why : "another program is writing to the database");
	else if (rc && why)
		status = query_fail(q, rc == -EBADMSG ? DAMAGED : SYSTEM, "%s: %s", what, why);
	else if (rc)
		status = query_errno(q, rc, what);
	free(why);
	return status;
}

int cmd_drop_source(struct query *q)
{
	const char *word = q->args->words[0];
	char *why = NULL;
	int64_t source;
	int rc, status = query_source(q, word, &source);

	if (status)
		return status;
	rc = maintain_drop_source(q->store, source, &why);
	status = outcome(q, rc, word, why);
	if (!status)
		query_note(q, "%s: dropped; `ilu-logq compact` gives the space back", word);
	return status;
}

int cmd_compact(struct query *q)
{
	int64_t before, after;
	char *why = NULL;
	int rc = maintain_compact(q->store, &before, &after, &why), status = outcome(q, rc, q->path, why);

	if (!status)
		query_note(q, "%s: %lld bytes, %lld before", q->path, (long long)after, (long long)before);
	return status;
}
