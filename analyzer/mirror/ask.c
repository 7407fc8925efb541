/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ask.c - see ask.h: the lines' own database, and then what else was asked for. */
#include "mirror/ask.h"
#include "base/array.h"
#include "build/model.h"
#include "mirror/ledger.h"
#include "remote/say.h"
#include <errno.h>
#include <stdlib.h>

struct asking {
	struct cluster *c;
	sqlite3 *db;
	char **why;
	struct arena texts;
	const struct slice **result; /* FETCH_RESULT_COLUMNS values each, in texts */
	size_t n, room;
};

static int take_result(void *arg, const struct slice *v)
{
	struct asking *a = arg;
	const struct slice **o = array_add(a->result, a->n, a->room);
	struct slice *value = o ? arena_take(&a->texts, FETCH_RESULT_COLUMNS * sizeof *value) : NULL;

	if (!value)
		return -ENOMEM;
	*o = value;
	for (int i = 0; i < FETCH_RESULT_COLUMNS; i++)
		if (v[i].ptr)
			value[i] = (struct slice){arena_text(&a->texts, v[i].ptr, v[i].len), v[i].len};
	return a->texts.failed ? -ENOMEM : 0;
}

static int take_reject(void *arg, const struct slice *v)
{
	struct asking *a = arg;

	return ledger_reject(a->db, v);
}

/* The results of all, instead of those that may be there. */
static int put_results(struct asking *a)
{
	int rc = fetch_results(a->c, SLICE_NONE, take_result, a, a->why);

	rc = rc ? rc : sql_exec_all(a->db, "DELETE FROM result_pack");
	return rc ? rc : ledger_results(a->db, a->result, a->n);
}

static int put_more(struct asking *a, struct store *s, const struct mirror_want *want)
{
	int rc = store_exec(s, "BEGIN");

	if (!rc && want->rejects)
		rc = fetch_rejects(a->c, take_reject, a, a->why);
	if (!rc && want->results)
		rc = put_results(a);
	if (!rc && want->results)
		rc = store_refresh(s);
	if (!rc && want->results)
		rc = model_build(s, NULL, a->why);
	return rc ? rc : store_exec(s, "COMMIT");
}

int mirror_ask(struct cluster *c, const struct mirror_want *want, struct mirror *out, char **why)
{
	struct asking a = {.c = c, .why = why};
	struct store *s = NULL;
	int rc = mirror_new(c, want->lines, out, why);

	if (!rc && (want->results || want->rejects))
		rc = store_open(out->path, STORE_CREATE, &s, why);
	if (!rc && s) {
		a.db = store_db(s);
		rc = put_more(&a, s, want);
		if (rc == -EBADMSG && !*why)
			say(why, "what was fetched can't be put together: %s", sqlite3_errmsg(a.db));
	}
	store_close(s);
	free(a.result);
	arena_done(&a.texts);
	return rc;
}
