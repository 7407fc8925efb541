/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function.c - --function of a name that no function has. */
#include "base/arena.h"
#include "base/array.h"
#include "base/sql.h"
#include "query/core/query.h"
#include "query/core/suggest.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>

enum { SHOWN = 12 };

struct names {
	char **v;
	size_t n, room;
};

static void say(struct query *q, const char *function, const char *why, struct names *l)
{
	const char *close = suggest_of(function, l->v, l->n);
	struct text t = {0};

	if (close)
		text_printf(&t, "did you mean %s? There are: ", close);
	else
		text_puts(&t, "there are: ");
	for (size_t i = 0; i < l->n && i < SHOWN; i++)
		text_printf(&t, "%s%s", i ? ", " : "", l->v[i]);
	if (l->n > SHOWN)
		text_printf(&t, " and %zu more", l->n - SHOWN);
	query_fail(q, USAGE, "--function %s: %s; %s", function, why, text_str(&t));
	text_done(&t);
}

void query_no_function(struct query *q, const char *function, const char *why)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT DISTINCT coalesce(function_name, fqdn) FROM invocation_kind WHERE "
	                                    "coalesce(function_name, fqdn) IS NOT NULL AND ?1 IN (0, run) ORDER BY 1");
	struct arena texts = {0};
	struct names l = {0};

	sqlite3_bind_int64(st, 1, query_run(q));
	while (query_next(q, st)) {
		struct slice s = column_slice(st, 0);
		char **to = array_add(l.v, l.n, l.room);

		if (to)
			*to = arena_text(&texts, s.ptr, s.len);
		if (!query_ok(q, to && !texts.failed ? 0 : -ENOMEM, q->command))
			break;
	}
	sqlite3_finalize(st);
	if (!q->status && l.n)
		say(q, function, why, &l);
	free(l.v);
	arena_done(&texts);
}
