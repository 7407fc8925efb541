/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ask.c - see ask.h: the database of the lines, and then what stands beside them. */
#include "mirror/ask.h"
#include "mirror/leveled.h"
#include "mirror/found.h"
#include "mirror/gapped.h"
#include "mirror/ledger.h"
#include "model/rules_kept.h"
#include "remote/say.h"
#include "remote/unit.h"
#include "store/vtab_event.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A longer list of sources is all of them: a server takes no statement of more than 256 KiB. */
enum { WHOLE_BYTES = 30000 };

struct asking {
	struct cluster *c;
	const struct mirror_want *want;
	const struct fetch_which *lines; /* NULL: none */
	sqlite3 *db;
	char **why;
	int64_t unfinished;       /* sources */
	struct text whole;        /* those whose lines do not come to the same without others, as a list */
	char *rules, *rules_name; /* that the fold was given; NULL: the built-in ones */
};

/* Rows of the ledger on their way. */
struct passing {
	struct asking *a;
	fetch_row *row;
	void *to;
};

static int give_lines(void *arg, fetch_row *row, void *to, char **why)
{
	const struct asking *a = arg;

	return fetch_lines(a->c, a->lines, row, to, why);
}

static int give_results(void *arg, fetch_row *row, void *to, char **why)
{
	const struct asking *a = arg;

	return fetch_results(a->c, a->lines ? a->lines->tid : SLICE_NONE, row, to, why);
}

static bool is_asked(const struct mirror_want *want, struct slice run)
{
	return !want->run.len || slice_same(want->run, run) || (want->other.len && slice_same(want->other, run));
}

/* A database has one set of rules, and a fold gives all runs the same. */
static int take_rules(struct asking *a, const struct slice *v)
{
	if (a->rules)
		return 0;
	a->rules_name = strndup(v[FETCH_SOURCE_PATH].ptr, v[FETCH_SOURCE_PATH].len);
	a->rules = strndup(v[FETCH_SOURCE_RULES].ptr ? v[FETCH_SOURCE_RULES].ptr : "", v[FETCH_SOURCE_RULES].len);
	return a->rules && a->rules_name ? 0 : -ENOMEM;
}

static int pass_source(void *arg, const struct slice *v)
{
	struct passing *p = arg;

	if (slice_is(v[FETCH_SOURCE_KIND], FETCH_RULES))
		return take_rules(p->a, v);
	if (is_asked(p->a->want, v[FETCH_SOURCE_RUN]))
		p->a->unfinished += !tsv_int(v[FETCH_SOURCE_WHOLE]);
	return p->row(p->to, v);
}

static int give_sources(void *arg, fetch_row *row, void *to, char **why)
{
	struct asking *a = arg;
	struct passing p = {a, row, to};

	return fetch_ledger(a->c, pass_source, &p, why);
}

static int take_reject(void *arg, const struct slice *v)
{
	const struct asking *a = arg;

	return ledger_reject(a->db, v);
}

/* Requests have numbers in the order that they have without lines, and are what the fold's rules say. */
static int prepare(void *arg, sqlite3 *db, char **why)
{
	const struct asking *a = arg;
	int rc = sql_exec_all(db, "BEGIN");

	if (!rc && a->rules)
		rc = rules_keep_text(db, a->rules_name, a->rules);
	if (!rc && a->lines && (a->want->folded & FOLDED_INVOCATION))
		rc = folded_places(a->c, db, a->want->run, a->want->other, why);
	return rc ? rc : sql_exec_all(db, "COMMIT");
}

/* Where there are no gaps, the requests tell why. */
static int put_folded(struct asking *a)
{
	const struct mirror_want *want = a->want;
	unsigned tables = want->folded;
	bool any = true;
	int rc = want->gaps ? gapped_put(a->c, a->db, want->run, &any, a->why) : 0;

	tables |= any ? 0 : FOLDED_INVOCATION;
	return rc ? rc : folded_put(a->c, a->db, tables, want->run, want->other, a->why);
}

static int put_beside(struct asking *a, struct store *s)
{
	const struct mirror_want *want = a->want;
	int rc = store_exec(s, "BEGIN");

	if (!rc && want->rejects)
		rc = fetch_rejects(a->c, take_reject, a, a->why);
	if (!rc && want->folded)
		rc = put_folded(a);
	if (!rc && want->counts)
		rc = leveled_put(a->c, a->db, a->why);
	if (!rc && want->findings)
		rc = vtab_event_register(a->db, s);
	if (!rc && want->findings)
		rc = found_put(a->c, a->db, want->run, a->why);
	return rc ? rc : store_exec(s, "COMMIT");
}

static int make_beside(struct asking *a, const char *path)
{
	struct store *s = NULL;
	int rc = store_open(path, STORE_CREATE, &s, a->why);

	rc = rc ? rc : store_hasten(s);
	if (!rc) {
		a->db = store_db(s);
		rc = put_beside(a, s);
		if (rc == -EBADMSG && !*a->why)
			say(a->why, "what was fetched can't be put together: %s", sqlite3_errmsg(a->db));
	}
	store_close(s);
	return rc;
}

static void take_lost(void *arg, const char *path, int64_t lines, int64_t all)
{
	struct asking *a = arg;

	(void)lines;
	(void)all;
	text_puts(&a->whole, a->whole.len ? ", " : "source IN (");
	cluster_quote(&a->whole, (struct slice){path, strlen(path)});
}

/* again: what was lost is asked for. */
static int make_lines_once(struct asking *a, bool again, struct mirror *out)
{
	bool of_one = a->lines && a->lines->tid.len, many = a->want->results || (a->lines && a->lines->spans);
	const struct mirror_from from = {.lost = again ? NULL : take_lost,
	                                 .before = prepare,
	                                 .lines = a->lines ? give_lines : NULL,
	                                 .results = a->want->results || of_one ? give_results : NULL,
	                                 .sources = give_sources,
	                                 .arg = a,
	                                 .settled = a->want->folded != 0,
	                                 .no_model = a->want->no_model,
	                                 .threads = many ? 0 : 1};

	return mirror_of(&from, out, a->why);
}

/* A line without a time of its own has that of the line before it: where that is not here, the lines of its source come
 * once more, and all of them. */
static int make_lines(struct asking *a, struct mirror *out)
{
	int rc = make_lines_once(a, false, out);
	const struct fetch_which *narrow = a->lines;
	struct fetch_which lines;
	char *whole;

	if (rc || !a->whole.len)
		return rc;
	text_puts(&a->whole, ")");
	whole = a->whole.failed ? NULL : strdup(a->whole.len > WHOLE_BYTES ? "1" : text_str(&a->whole));
	if (!whole)
		return -ENOMEM;
	mirror_done(out);
	lines = *narrow;
	lines.whole = whole;
	lines.either |= lines.nplaces > 0;
	a->lines = &lines;
	a->unfinished = 0;
	rc = make_lines_once(a, true, out);
	a->lines = narrow;
	out->whole = whole;
	return rc;
}

/* ---- shards that are away ---- */

static int take_run(void *arg, const struct slice *v)
{
	uint32_t i;

	return intern_add(arg, v[0], &i);
}

/* What lies between the transactions of a run is on one shard: where that is away, nothing of it is as good as some. */
static int check_homes(struct cluster *c, const struct mirror_want *want, char **why)
{
	struct intern runs;
	int rc = 0;

	intern_init(&runs);
	for (size_t i = 0; i < c->n && !rc; i++) {
		struct tsv t = {.columns = 1, .row = take_run, .arg = &runs};

		rc = cluster_ask(c, i, "SELECT DISTINCT run FROM $event FORMAT TabSeparated", &t, why);
		tsv_done(&t);
	}
	for (uint32_t i = 0; i < runs.n && !rc; i++) {
		const char *away = c->shard[run_home(c, runs.text[i])].away;

		if (!away || !is_asked(want, runs.text[i]))
			continue;
		say(why, "%s; there is what fold found of run %s as a whole", away, runs.text[i].ptr);
		rc = -EHOSTDOWN;
	}
	intern_done(&runs);
	return rc;
}

static int units_are_current(struct cluster *c, const struct mirror_want *want, char **why)
{
	int rc = units_current(c, want->run, why);

	return rc || !want->other.len ? rc : units_current(c, want->other, why);
}

/* Whether the tables of the fold say what the lines do. With a shard away that can't be told. */
static int check_folded(struct cluster *c, const struct mirror_want *want, char **why)
{
	bool whole = want->findings ||
	             (want->folded & ~(unsigned)(FOLDED_NONE | FOLDED_INVOCATION | FOLDED_BRIEF | FOLDED_LOCK));
	bool away = false;

	for (size_t i = 0; i < c->n; i++)
		away |= c->shard[i].away != NULL;
	if (!away)
		return units_are_current(c, want, why);
	return whole ? check_homes(c, want, why) : 0;
}

/* Whether the tables of the fold are still those that check_folded saw. */
static int check_unchanged(struct cluster *c, uint64_t before, char **why)
{
	uint64_t now = 0;
	int rc = units_state(c, &now, why);

	if (!rc && now != before) {
		say(why, "this cluster was folded while it was asked: what came is of before and after; ask again");
		rc = -ESTALE;
	}
	return rc;
}

int mirror_ask(struct cluster *c, const struct mirror_want *want, struct mirror *out, char **why)
{
	struct found_places places = {0};
	struct fetch_which lines = want->lines ? *want->lines : (struct fetch_which){0};
	struct asking a = {.c = c, .want = want, .lines = want->lines, .why = why};
	uint64_t folds = 0;
	int rc = want->folded ? units_state(c, &folds, why) : 0;

	if (!rc && want->folded)
		rc = check_folded(c, want, why);
	if (!rc && want->evidence) {
		rc = found_places(c, want->run, &places, why);
		lines.places = places.v;
		lines.nplaces = places.n;
		a.lines = want->lines || places.n ? &lines : NULL;
	}
	if (!rc)
		rc = make_lines(&a, out);
	if (!rc && (want->rejects || want->folded || want->findings || want->counts))
		rc = make_beside(&a, out->path);
	if (!rc && want->folded)
		rc = check_unchanged(c, folds, why);
	out->unfinished = a.unfinished;
	found_places_done(&places);
	text_done(&a.whole);
	free(a.rules);
	free(a.rules_name);
	return rc;
}
