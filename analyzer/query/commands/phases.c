/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phases.c - where the time of invocations went: how long each phase took, over all or by function, worker or hour.
 *
 * A phase of an invocation is the sum over its attempts, so that the phases of each row group add up to its end-to-end
 * time; share says how much of it a phase is.
 *
 * What table `phase` is made of is read here without it: its rows are many, and each would be looked up by name, and of
 * rows of `invocation` only what they have of their own. */
#include "tables/phase_read.h"
#include "base/array.h"
#include "model/phase_numbers.h"
#include "query/commands/gathering.h"
#include "query/core/command.h"
#include "base/intern.h"
#include "base/sql.h"
#include "query/core/quantile.h"
#include "query/core/select.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where a phase stands is told by the invocations that needed one attempt. */
struct standing {
	double once, all; /* sums of its place among the phases of an invocation */
	int64_t nonce, nall;
};

struct group {
	const char *key, *phase; /* key NULL: all */
	uint32_t key_number, phase_number;
	double place;
	struct sample times;
};

/* What invocations of one kind (invocation_read.h) have in common. */
struct kind {
	uint32_t key; /* without --by hour */
	int64_t attempts, offset_s;
	bool taken; /* asked for */
};

/* A phase of the invocation that is being read. */
struct part {
	uint32_t phase;
	int64_t ord, ns, first_ns;
};

struct phase_groups {
	struct intern keys;
	struct phase_numbers phases;
	struct sample_file file;   /* of the groups' times */
	struct standing *standing; /* by number of the phase */
	uint32_t nstanding;
	struct group *all;
	size_t n, room, next_room;
	size_t *of_key; /* by number of the key: its first group + 1 */
	size_t *next;   /* by group: the next one of its key + 1 */
	uint32_t nkeys;
	struct part *parts;
	size_t nparts, parts_room;
	struct kind *kinds;
	size_t nkinds, kinds_room;
	bool by_hour, keyed;
	int64_t hour; /* of the last key, by_hour; INT64_MIN: none yet */
	uint32_t hour_key;
};

void phase_groups_free(struct phase_groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		sample_done(&g->all[i].times);
	free(g->all);
	free(g->of_key);
	free(g->next);
	free(g->standing);
	free(g->parts);
	free(g->kinds);
	intern_done(&g->keys);
	phase_numbers_done(&g->phases);
	sample_file_done(&g->file);
	free(g);
}

/* Room for the first group of a key. */
static int keys_grow(struct phase_groups *g, uint32_t key)
{
	return array_reserve_zeroed(g->of_key, g->nkeys, key + 1);
}

static struct group *group_new(struct phase_groups *g, uint32_t key, uint32_t phase)
{
	if (array_reserve(g->next, g->next_room, g->n + 1) || array_reserve(g->all, g->room, g->n + 1))
		return NULL;
	g->all[g->n] = (struct group){.key_number = key, .phase_number = phase, .times.file = &g->file};
	g->next[g->n] = g->of_key[key];
	g->of_key[key] = g->n + 1;
	return &g->all[g->n++];
}

static int add(struct phase_groups *g, uint32_t key, uint32_t phase, int64_t ns)
{
	struct group *x = NULL;
	int rc = keys_grow(g, key);

	for (size_t i = rc ? 0 : g->of_key[key]; i && !x; i = g->next[i - 1])
		x = g->all[i - 1].phase_number == phase ? &g->all[i - 1] : NULL;
	if (!rc && !x && !(x = group_new(g, key, phase)))
		rc = -ENOMEM;
	return rc ? rc : sample_add(&x->times, ns);
}

/* ---- one invocation ---- */

static int put_part(struct phase_groups *g, const struct phase *ph, int64_t ord)
{
	int64_t start = ph->start_ns, ns = ph->end_ns - start;
	uint32_t phase;
	size_t i = 0;
	int rc = phase_number(&g->phases, ph, &phase);

	if (rc)
		return rc;
	while (i < g->nparts && g->parts[i].phase != phase)
		i++;
	if (array_reserve(g->parts, g->parts_room, i + 1))
		return -ENOMEM;
	if (i == g->nparts) {
		g->parts[g->nparts++] = (struct part){phase, ord, ns, start};
		return 0;
	}
	g->parts[i].ns += ns;
	g->parts[i].ord = ord < g->parts[i].ord ? ord : g->parts[i].ord;
	g->parts[i].first_ns = start < g->parts[i].first_ns ? start : g->parts[i].first_ns;
	return 0;
}

static int stand(struct phase_groups *g, const struct part *p, int64_t attempts)
{
	struct standing *s;

	if (array_reserve_zeroed(g->standing, g->nstanding, p->phase + 1))
		return -ENOMEM;
	s = &g->standing[p->phase];
	s->all += (double)p->ord;
	s->nall++;
	if (attempts <= 1) {
		s->once += (double)p->ord;
		s->nonce++;
	}
	return 0;
}

static int key_of_hour(struct phase_groups *g, int64_t ns, int64_t offset_s, uint32_t *key)
{
	time_t t = (time_t)(ns / 1000000000 - offset_s);
	int64_t hour = t / 3600 - (t % 3600 < 0);
	char buf[64];
	struct tm tm;
	size_t n;
	int rc = 0;

	if (hour != g->hour) {
		n = gmtime_r(&t, &tm) ? strftime(buf, sizeof buf, "%Y-%m-%d %H:00", &tm) : 0;
		rc = intern_add(&g->keys, (struct slice){buf, n}, &g->hour_key);
		g->hour = rc ? INT64_MIN : hour;
	}
	*key = g->hour_key;
	return rc;
}

int phase_groups_take(void *groups, const struct invocation_read *of, const struct phases *phases)
{
	struct phase_groups *g = groups;
	const struct kind *k = of->kind < g->nkinds ? &g->kinds[of->kind] : NULL;
	int64_t began = of->sent_ns != NO_NS ? of->sent_ns : of->arrived_ns;
	uint32_t key = k ? k->key : 0;
	int rc = k ? 0 : -EBADMSG;

	g->nparts = 0;
	for (int i = 0; i < phases->n && !rc; i++)
		rc = put_part(g, &phases->v[i], i + 1);
	for (size_t i = 0; i < g->nparts && !rc; i++) {
		const struct part *p = &g->parts[i];

		rc = stand(g, p, k->attempts);
		if (!rc && k->taken && g->by_hour)
			rc = key_of_hour(g, began != NO_NS ? began : p->first_ns, k->offset_s, &key);
		if (!rc && k->taken)
			rc = add(g, key, p->phase, p->ns);
	}
	return rc;
}

/* ---- all of them ---- */

static const char *key_sql(struct query *q, struct phase_groups *g)
{
	const char *by = args_value(q->args, "by");

	g->keyed = by;
	if (!by)
		return "NULL";
	if (!strcmp(by, "function"))
		return "coalesce(i.function_name, i.fqdn, '?')";
	if (!strcmp(by, "worker"))
		return "coalesce(i.worker, '?')";
	g->by_hour = !strcmp(by, "hour");
	if (!g->by_hour)
		query_fail(q, USAGE, "--by %s: it is one of function, worker, hour", by);
	return "NULL";
}

static int read_kind(struct phase_groups *g, sqlite3_stmt *st)
{
	bool known = sqlite3_column_type(st, 0) != SQLITE_NULL;
	struct kind *k = array_add(g->kinds, g->nkinds, g->kinds_room);

	if (!k)
		return -ENOMEM;
	*k = (struct kind){0, sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2), sqlite3_column_int(st, 3)};
	return intern_add(&g->keys, known ? column_slice(st, 0) : SLICE(""), &k->key);
}

/* Where a phase stands is the same whichever invocations are asked for: so the conditions are a column. */
static void read_kinds(struct query *q, struct phase_groups *g)
{
	struct select s = {0};
	sqlite3_stmt *st;

	text_printf(&s.sql, "SELECT %s, i.attempts, coalesce(r.offset_s, 0), (1", key_sql(q, g));
	s.where = true;
	select_run(q, &s, "i.run");
	select_like(&s, "i.function_name", args_value(q->args, "function"));
	select_like(&s, "i.worker", args_value(q->args, "worker"));
	select_add(&s, ") FROM invocation_kind i LEFT JOIN run r ON r.id = i.run ORDER BY i.id");
	st = select_prepare(q, &s);
	while (query_next(q, st))
		query_ok(q, read_kind(g, st), q->command);
	sqlite3_finalize(st);
	select_done(&s);
}

static int by_key_and_place(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	bool p = !strcmp(x->phase, "unexplained"), r = !strcmp(y->phase, "unexplained");
	int c = strcmp(x->key ? x->key : "", y->key ? y->key : "");

	if (c || p != r)
		return c ? c : p - r;
	return x->place != y->place ? (x->place > y->place) - (x->place < y->place) : strcmp(x->phase, y->phase);
}

static void order(struct phase_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct group *x = &g->all[i];
		const struct standing *s = &g->standing[x->phase_number];

		x->key = g->keyed ? g->keys.text[x->key_number].ptr : NULL;
		x->phase = g->phases.names.text[x->phase_number].ptr;
		x->place = s->nonce ? s->once / (double)s->nonce : 1e6 + s->all / (double)s->nall;
	}
	if (g->n)
		qsort(g->all, g->n, sizeof *g->all, by_key_and_place);
}

struct phase_groups *phase_groups_new(struct query *q)
{
	struct phase_groups *g = calloc(1, sizeof *g);

	if (!query_ok(q, g ? 0 : -ENOMEM, q->command)) {
		free(g);
		return NULL;
	}
	g->file.beside = q->path;
	g->hour = INT64_MIN;
	read_kinds(q, g);
	return g;
}

/* What was read already, or all of it now; *own is to be freed. NULL: failed. */
static struct phase_groups *gather(struct query *q, struct phase_groups **own)
{
	bool plain = q->gathered && q->gathered->phases && !args_has(q->args, "by");
	struct phase_groups *g = plain ? q->gathered->phases : phase_groups_new(q);
	struct gather_part part = {phase_groups_take, g};

	*own = plain ? NULL : g;
	if (*own)
		gather_invocations(q, &part, 1);
	if (q->status || !g)
		return NULL;
	order(g);
	return g;
}

/* What the phases of the group that begins at i add up to; *end is the first of the next. */
static double total_of(const struct phase_groups *g, size_t i, size_t *end)
{
	double sum = 0;
	size_t j = i;

	for (; j < g->n && !strcmp(g->all[j].key ? g->all[j].key : "", g->all[i].key ? g->all[i].key : ""); j++)
		sum += sample_sum(&g->all[j].times);
	*end = j;
	return sum;
}

static bool put_phase(struct query *q, struct table *t, size_t first, struct group *g, double total)
{
	struct sample *s = &g->times;
	double sum = sample_sum(s);
	const struct spread *times = &s->spread;

	if (!query_ok(q, sample_spread(s), q->path))
		return false;

	struct cell c[] = {
	    cell_of_text(g->key),
	    cell_of_text(g->phase),
	    CELL_OF_INT((int64_t)s->n),
	    CELL_OF_INT(sample_total(s)),
	    total > 0 ? CELL_OF_REAL(sum / total) : CELL_OF_NULL,
	    CELL_OF_INT((int64_t)(sum / (double)s->n)),
	    CELL_OF_INT(times->p50),
	    CELL_OF_INT(times->p90),
	    CELL_OF_INT(times->p99),
	    CELL_OF_INT(times->most),
	};

	return query_table_row(q, t, c + first);
}

static void put(struct query *q, struct phase_groups *g)
{
	const char *by = args_value(q->args, "by");
	struct column columns[] = {
	    {by ? by : "", UNIT_WHOLE}, {"phase", UNIT_WHOLE}, {"invocations", UNIT_COUNT}, {"total_ns", UNIT_NS},
	    {"share", UNIT_SHARE},      {"mean_ns", UNIT_NS},  {"p50_ns", UNIT_NS},         {"p90_ns", UNIT_NS},
	    {"p99_ns", UNIT_NS},        {"max_ns", UNIT_NS},
	};
	size_t first = by ? 0 : 1, n = sizeof columns / sizeof *columns;
	struct table *t = query_table_open(q, columns + first, n - first);

	for (size_t i = 0, end; i < g->n; i = end) {
		double total = total_of(g, i, &end);

		for (size_t j = i; j < end; j++)
			put_phase(q, t, first, &g->all[j], total);
	}
	query_table_close(q, t);
}

void phases_sums(struct query *q, phase_sum_fn *each, void *arg)
{
	struct phase_groups *own, *g = gather(q, &own);
	size_t end;
	double total = g && g->n ? total_of(g, 0, &end) : 0;

	for (size_t i = 0; g && i < g->n; i++) {
		struct phase_sum sum = {g->all[i].phase, (int64_t)g->all[i].times.n, sample_total(&g->all[i].times), 0};

		sum.share = total > 0 ? (double)sum.total_ns / total : 0;
		each(arg, &sum);
	}
	phase_groups_free(own);
}

static void run(struct query *q)
{
	struct phase_groups *own, *g = gather(q, &own);

	if (g)
		put(q, g);
	phase_groups_free(own);
}

static const struct option_spec options[] = {
    {.name = "by", .value = "WHAT", .help = "a row for each function, worker or hour", .hint = HINT_GROUP},
    OPTION_FUNCTION,
    OPTION_WORKER,
    OPTION_RUN,
    {0},
};

const struct command command_phases = {
    .name = "phases",
    .group = GROUP_ANSWERS,
    .help = "how long each phase of the invocations took, with quantiles",
    .more = "The phases of an invocation add up to its end-to-end time; what no rule explains is named `unexplained`,\n"
            "and what began and never ended `worker queue, never left`. Quantiles are\n"
            "interpolated linearly, as pandas and numpy do by default.",
    .examples = "phases\nphases --by function",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
};
