/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_tables.c - a comparison as tables, and the words around them. */
#include "query/why/compare.h"
#include "render/number.h"
#include <math.h>
#include <string.h>

const char *compare_table_name(enum compare_table t)
{
	static const char *const names[] = {
	    [TABLE_CLAIMS] = "claims", [TABLE_GROUPS] = "groups", [TABLE_PARTS] = "parts", [TABLE_LINES] = "lines"};

	return names[t];
}

static const char *by_name(const struct comparison *c)
{
	return strcmp(c->by, "function") ? c->by : "function_name";
}

static const char *group_name(const struct comparison *c, uint32_t group)
{
	return group ? c->group[group].name : "(all)";
}

static struct cell ns_cell(bool known, double ns)
{
	return known ? CELL_OF_INT(llround(ns)) : CELL_OF_NULL;
}

static struct cell share_cell(bool known, double share)
{
	return known && isfinite(share) ? CELL_OF_REAL(share) : CELL_OF_NULL;
}

/* ---- what differs ---- */

static size_t claims_table(struct query *q, const struct comparison *c)
{
	const struct column columns[] = {{by_name(c), UNIT_WHOLE},
	                                 {"what", UNIT_WHOLE},
	                                 {"measure", UNIT_WHOLE},
	                                 {"a_ns", UNIT_NS},
	                                 {"b_ns", UNIT_NS},
	                                 {"a_share", LESS(UNIT_SHARE)},
	                                 {"b_share", LESS(UNIT_SHARE)},
	                                 {"change", UNIT_SHARE},
	                                 {"p", UNIT_VALUE}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < c->nclaims; i++) {
		const struct claim *l = &c->claim[i];
		bool share = l->measure == MEASURE_COLD || l->measure == MEASURE_FAILED;
		struct cell cells[] = {cell_of_text(group_name(c, l->group)),
		                       cell_of_text(claim_what(c, l)),
		                       cell_of_text(measure_name(l->measure)),
		                       ns_cell(!share, l->a),
		                       ns_cell(!share, l->b),
		                       share_cell(share, l->a),
		                       share_cell(share, l->b),
		                       share_cell(true, claim_change(l)),
		                       CELL_OF_REAL(c->effect[l->effect].p)};

		if (!query_table_row(q, t, cells))
			break;
	}
	query_table_close(q, t);
	return 0;
}

/* ---- groups ---- */

static bool put_group(struct query *q, struct table *t, const struct comparison *c, uint32_t number)
{
	static const int bands[] = {BAND_P50, BAND_P90, BAND_P99};
	const struct group *g = &c->group[number];
	const struct figures *a = &g->side[A], *b = &g->side[B];
	struct cell cells[23] = {cell_of_text(group_name(c, number)),
	                         cell_of_text(verdict_name(g->verdict)),
	                         CELL_OF_INT(a->n),
	                         CELL_OF_INT(b->n),
	                         CELL_OF_INT(a->failed),
	                         CELL_OF_INT(b->failed)};
	int n = 6;

	for (int i = 0; i < 3; i++) {
		cells[n++] = ns_cell(a->answered, a->quantile[bands[i]]);
		cells[n++] = ns_cell(b->answered, b->quantile[bands[i]]);
	}
	cells[n++] = ns_cell(a->answered, a->mean);
	cells[n++] = ns_cell(b->answered, b->mean);
	cells[n++] = ns_cell(g->enough, g->mean_difference.low);
	cells[n++] = ns_cell(g->enough, g->mean_difference.high);
	for (int i = 0; i < 3; i++) {
		cells[n++] = ns_cell(g->enough, g->difference[bands[i]].low);
		cells[n++] = ns_cell(g->enough, g->difference[bands[i]].high);
	}
	return query_table_row(q, t, cells);
}

static size_t groups_table(struct query *q, const struct comparison *c)
{
	const struct column columns[] = {
	    {by_name(c), UNIT_WHOLE},
	    {"verdict", UNIT_WHOLE},
	    {"n_a", UNIT_COUNT},
	    {"n_b", UNIT_COUNT},
	    {"failed_a", UNIT_COUNT},
	    {"failed_b", UNIT_COUNT},
	    {"p50_a_ns", UNIT_NS},
	    {"p50_b_ns", UNIT_NS},
	    {"p90_a_ns", LESS(UNIT_NS)},
	    {"p90_b_ns", LESS(UNIT_NS)},
	    {"p99_a_ns", UNIT_NS},
	    {"p99_b_ns", UNIT_NS},
	    {"mean_a_ns", UNIT_NS},
	    {"mean_b_ns", UNIT_NS},
	    {"mean_from_ns", UNIT_NS},
	    {"mean_to_ns", UNIT_NS},
	    {"p50_from_ns", LESS(UNIT_NS)},
	    {"p50_to_ns", LESS(UNIT_NS)},
	    {"p90_from_ns", LESS(UNIT_NS)},
	    {"p90_to_ns", LESS(UNIT_NS)},
	    {"p99_from_ns", LESS(UNIT_NS)},
	    {"p99_to_ns", LESS(UNIT_NS)},
	};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	for (uint32_t i = 0; i < c->ngroups && put_group(q, t, c, i); i++)
		;
	query_table_close(q, t);
	return 0;
}

/* ---- parts ---- */

static bool claimed(const struct comparison *c, uint32_t group)
{
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claim[i].group == group)
			return true;
	return false;
}

static size_t parts_table(struct query *q, const struct comparison *c, bool all)
{
	const struct column columns[] = {{by_name(c), UNIT_WHOLE}, {"part", UNIT_WHOLE}, {"mean_ns", UNIT_NS},
	                                 {"a_ns", UNIT_NS},        {"b_ns", UNIT_NS},    {"p", UNIT_VALUE}};
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	size_t left = 0;

	for (uint32_t i = 0; i < c->ngroups; i++) {
		const struct group *g = &c->group[i];

		if (!all && i && !claimed(c, i)) {
			left++;
			continue;
		}
		for (size_t k = 0; k < g->nparts; k++) {
			const struct part *p = &g->part[k];
			struct cell cells[] = {cell_of_text(group_name(c, i)),
			                       cell_of_text(p->name),
			                       CELL_OF_INT(p->ns),
			                       ns_cell(p->phase && i && (p->a > 0 || p->b > 0), p->a),
			                       ns_cell(p->phase && i && (p->a > 0 || p->b > 0), p->b),
			                       share_cell(p->p <= CLAIM_P, p->p)};

			if (!query_table_row(q, t, cells))
				break;
		}
	}
	query_table_close(q, t);
	return left;
}

/* ---- lines ---- */

const char *compare_change(const struct comparison *c, const struct line_seen *l)
{
	double a = (double)l->n[A], b = (double)l->n[B], na = (double)c->group[0].side[A].n,
	       nb = (double)c->group[0].side[B].n;

	if (!l->n[A] || !l->n[B])
		return l->n[B] ? "new" : "gone";
	if (l->p <= CLAIM_P)
		return l->z > 0 ? "more" : "less";
	if (na > 0 && nb > 0) {
		a /= na;
		b /= nb;
	}
	return b > a ? "more" : b < a ? "less" : "same";
}

static size_t lines_table(struct query *q, const struct comparison *c, bool all)
{
	static const char *const kinds[] = {[LINE_MESSAGE] = "message", [LINE_ERROR] = "error", [LINE_SPAN] = "span"};
	static const struct column columns[] = {
	    {"kind", UNIT_WHOLE},    {"level", UNIT_LEVEL},  {"a", UNIT_COUNT},
	    {"b", UNIT_COUNT},       {"change", UNIT_WHOLE}, {"p", UNIT_VALUE},
	    {"template", UNIT_NONE}, {"error", UNIT_NONE},   {"target", LESS(UNIT_TARGET)},
	};
	enum { MOST = 20 };
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	size_t left = 0, shown = 0;

	for (size_t i = 0; i < c->nlines; i++) {
		const struct line_seen *l = &c->line[i];
		bool wanted = all || ((l->p <= CLAIM_P || !l->n[A] || !l->n[B]) && shown < MOST);
		struct cell cells[] = {cell_of_text(kinds[l->kind]),
		                       cell_of_bytes(l->level.len ? l->level.ptr : NULL, l->level.len),
		                       CELL_OF_INT(l->n[A]),
		                       CELL_OF_INT(l->n[B]),
		                       cell_of_text(compare_change(c, l)),
		                       share_cell(l->p <= CLAIM_P, l->p),
		                       cell_of_bytes(l->template.ptr, l->template.len),
		                       cell_of_bytes(l->error.ptr, l->error.len),
		                       cell_of_bytes(l->target.ptr, l->target.len)};

		left += !wanted;
		shown += wanted;
		if (wanted && !query_table_row(q, t, cells))
			break;
	}
	query_table_close(q, t);
	return left;
}

size_t compare_table(struct query *q, const struct comparison *c, enum compare_table t, bool all)
{
	switch (t) {
	case TABLE_CLAIMS:
		return claims_table(q, c);
	case TABLE_GROUPS:
		return groups_table(q, c);
	case TABLE_PARTS:
		return parts_table(q, c, all);
	default:
		return lines_table(q, c, all);
	}
}

/* ---- words ---- */

void compare_side(const struct comparison *c, int side, const char *micro, struct text *out)
{
	char n[NUMBER_MAX], took[NUMBER_MAX];
	int64_t length;

	number_count(c->group[0].side[side].n, n);
	text_printf(out, "%s: %s requests", c->side[side].name, n);
	if (c->seen.n[side]) {
		if (__builtin_sub_overflow(c->seen.last_ns[side], c->seen.first_ns[side], &length))
			length = INT64_MAX;
		number_duration(length, micro, took);
		text_printf(out, " in %s", took);
	}
}

static void add_value(struct text *out, const struct claim *l, double v, const char *micro)
{
	char buf[NUMBER_MAX];

	if (l->measure == MEASURE_COLD || l->measure == MEASURE_FAILED) {
		text_printf(out, "%.3g %%", 100 * v);
		return;
	}
	number_duration(llround(v), micro, buf);
	text_puts(out, buf);
}

/* "execution of gzip, as a rule: 110 ms, then 121 ms (+10.0 %)" */
static void add_claim(const struct comparison *c, const struct claim *l, const char *micro, struct text *out)
{
	text_printf(out, "%s of %s%s: ", claim_what(c, l), l->group ? c->group[l->group].name : "all requests",
	            l->measure == MEASURE_TYPICAL ? ", as a rule"
	            : l->measure == MEASURE_MEAN  ? ", on average"
	                                          : "");
	add_value(out, l, l->a, micro);
	text_puts(out, " before, ");
	add_value(out, l, l->b, micro);
	text_puts(out, " after");
	if (isfinite(claim_change(l)))
		text_printf(out, " (%+.1f %%)", 100 * claim_change(l));
}

static const char *capital(enum verdict v)
{
	static const char *const names[] = {[VERDICT_NONE] = "No evidence of a difference in time",
	                                    [VERDICT_SLOWER] = "Slower",
	                                    [VERDICT_FASTER] = "Faster",
	                                    [VERDICT_MIXED] = "Mixed: some is slower, some is faster or fails more",
	                                    [VERDICT_FEW] = "Too few requests to say anything"};

	return names[v];
}

/* Means that are far apart, of which nothing can be claimed: what they differ in lasts as long as the runs. */
static void add_doubt(const struct comparison *c, const char *micro, struct text *out)
{
	const struct group *all = &c->group[0];
	double a = all->side[A].mean, b = all->side[B].mean;
	char from[NUMBER_MAX], to[NUMBER_MAX];

	if (c->verdict != VERDICT_NONE || (b <= 2 * a && a <= 2 * b))
		return;
	number_duration(llround(a), micro, from);
	number_duration(llround(b), micro, to);
	text_printf(
	    out,
	    " And yet the means are far apart, %s and %s: what they differ in lasts so long that these runs are too "
	    "short to tell it from chance.",
	    from, to);
}

void compare_sentence(const struct comparison *c, const char *micro, struct text *out)
{
	size_t lines = 0;

	for (size_t i = 0; i < c->nlines; i++)
		lines += c->line[i].p <= CLAIM_P;
	text_printf(out, "%s. ", capital(c->verdict));
	if (c->verdict == VERDICT_FEW)
		text_printf(out, "Of fewer than %d that ended well on each side nothing is claimed. ", REQUESTS_ENOUGH);
	text_printf(out, "Of %zu comparisons %zu show%s more than chance (at 5 %% for all of them together).",
	            c->compared, c->nclaims + lines, c->nclaims + lines == 1 ? "s" : "");
	if (c->nclaims) {
		text_puts(out, " The surest: ");
		add_claim(c, &c->claim[0], micro, out);
		text_puts(out, ".");
	}
	add_doubt(c, micro, out);
	if (c->worse)
		text_printf(out, " Something is worse by more than %g %%.", 100 * c->tolerate);
}
