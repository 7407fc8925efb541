/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_json.c - a comparison for programs: schema/compare.schema.json. */
#include "query/why/compare.h"
#include "render/number.h"
#include <errno.h>
#include <math.h>
#include <string.h>

/* Text that a log chose: escaped. ptr NULL: null. */
static void add_text(struct text *t, struct slice v)
{
	if (v.ptr)
		text_add_json(t, v.ptr, v.len);
	else
		text_puts(t, "null");
}

static void add_word(struct text *t, const char *key, const char *word)
{
	text_printf(t, "\"%s\":", key);
	text_add_json(t, word, strlen(word));
}

static void add_ns(struct text *t, const char *key, bool known, double ns)
{
	if (known)
		text_printf(t, ",\"%s\":%lld", key, llround(ns));
	else
		text_printf(t, ",\"%s\":null", key);
}

static void add_real(struct text *t, const char *key, double v)
{
	char buf[NUMBER_MAX];

	if (isfinite(v))
		number_shortest(v, buf);
	text_printf(t, ",\"%s\":%s", key, isfinite(v) ? buf : "null");
}

static void add_interval(struct text *t, const char *key, bool known, struct interval i)
{
	if (known)
		text_printf(t, "\"%s\":[%lld,%lld]", key, llround(i.low), llround(i.high));
	else
		text_printf(t, "\"%s\":null", key);
}

static void add_intervals(struct text *t, bool known, struct interval mean, const struct interval band[BANDS])
{
	add_interval(t, "p50_ns", known, band[BAND_P50]);
	text_puts(t, ",");
	add_interval(t, "p90_ns", known, band[BAND_P90]);
	text_puts(t, ",");
	add_interval(t, "p99_ns", known, band[BAND_P99]);
	text_puts(t, ",");
	add_interval(t, "mean_ns", known, mean);
}

static void add_figures(struct text *t, const char *key, const struct figures *f)
{
	bool known = f->answered > 0;

	text_printf(t, "\"%s\":{\"n\":%lld,\"failed\":%lld,\"unfinished\":%lld,\"ok\":%lld,\"cold\":%lld", key,
	            (long long)f->n, (long long)f->failed, (long long)f->unfinished, (long long)f->answered,
	            (long long)f->cold);
	add_ns(t, "p50_ns", known, f->quantile[BAND_P50]);
	add_ns(t, "p90_ns", known, f->quantile[BAND_P90]);
	add_ns(t, "p99_ns", known, f->quantile[BAND_P99]);
	add_ns(t, "mean_ns", known, f->mean);
	text_puts(t, ",\"within\":{");
	add_intervals(t, known, f->mean_within, f->within);
	text_puts(t, "}}");
}

static void add_parts(struct text *t, const struct group *g, bool whole)
{
	text_puts(t, "\"parts\":[");
	for (size_t i = 0; i < g->nparts; i++) {
		const struct part *p = &g->part[i];
		bool known = p->phase && !whole && (p->a > 0 || p->b > 0);

		text_puts(t, i ? ",{" : "{");
		add_word(t, "name", p->name);
		text_printf(t, ",\"mean_ns\":%lld", (long long)p->ns);
		if (!whole) {
			add_ns(t, "a_ns", known, p->a);
			add_ns(t, "b_ns", known, p->b);
			add_real(t, "p", p->p);
		}
		text_puts(t, "}");
	}
	text_puts(t, "]");
}

static void add_group(struct text *t, const struct comparison *c, uint32_t number)
{
	static const char *const failures[] = {"fewer", "no evidence", "more"};
	const struct group *g = &c->group[number];

	text_puts(t, "{");
	if (number) {
		add_word(t, strcmp(c->by, "function") ? "group" : "function_name", g->name);
		text_puts(t, ",");
	}
	add_word(t, "verdict", verdict_name(g->verdict));
	text_puts(t, ",");
	add_word(t, "failures", failures[g->failures + 1]);
	text_puts(t, ",\n ");
	add_figures(t, "a", &g->side[A]);
	text_puts(t, ",\n ");
	add_figures(t, "b", &g->side[B]);
	text_puts(t, ",\n \"difference\":{");
	add_intervals(t, g->enough, g->mean_difference, g->difference);
	text_puts(t, "},\n ");
	add_parts(t, g, !number);
	text_puts(t, "}");
}

static void add_claims(struct text *t, const struct comparison *c)
{
	text_puts(t, ",\n\"claims\":[");
	for (size_t i = 0; i < c->nclaims; i++) {
		const struct claim *l = &c->claim[i];
		bool share = l->measure == MEASURE_COLD || l->measure == MEASURE_FAILED;

		text_puts(t, i ? ",\n{" : "\n{");
		if (!l->group)
			text_printf(t, "\"%s\":null", strcmp(c->by, "function") ? "group" : "function_name");
		else
			add_word(t, strcmp(c->by, "function") ? "group" : "function_name", c->group[l->group].name);
		text_puts(t, ",");
		add_word(t, "what", claim_what(c, l));
		text_puts(t, ",");
		add_word(t, "measure", measure_name(l->measure));
		if (share) {
			add_real(t, "a", l->a);
			add_real(t, "b", l->b);
		} else {
			add_ns(t, "a_ns", true, l->a);
			add_ns(t, "b_ns", true, l->b);
		}
		add_real(t, "change", claim_change(l));
		text_printf(t, ",\"worse\":%s", claim_worse(c, l) ? "true" : "false");
		add_real(t, "p", c->effect[l->effect].p);
		text_puts(t, "}");
	}
	text_puts(t, "]");
}

static void add_lines(struct text *t, const struct comparison *c, enum line_kind kind, const char *key)
{
	bool first = true;

	text_printf(t, ",\n\"%s\":[", key);
	for (size_t i = 0; i < c->nlines; i++) {
		const struct line_seen *l = &c->line[i];

		if (l->kind != kind)
			continue;
		text_puts(t, first ? "\n{" : ",\n{");
		first = false;
		if (kind != LINE_SPAN) {
			text_puts(t, "\"level\":");
			add_text(t, l->level.len ? l->level : SLICE_NONE);
			text_puts(t, ",");
		}
		text_puts(t, "\"target\":");
		add_text(t, l->target.len ? l->target : SLICE_NONE);
		text_printf(t, ",\"%s\":", kind == LINE_SPAN ? "name" : "template");
		add_text(t, l->template);
		if (kind == LINE_ERROR) {
			text_puts(t, ",\"error\":");
			add_text(t, l->error);
		}
		text_printf(t, ",\"a\":%lld,\"b\":%lld,", (long long)l->n[A], (long long)l->n[B]);
		add_word(t, "change", compare_change(c, l));
		text_printf(t, ",\"evidence\":%s}", l->p <= CLAIM_P ? "true" : "false");
	}
	text_puts(t, "]");
}

static void add_side(struct text *t, const struct comparison *c, int s)
{
	char time[NUMBER_MAX];

	text_printf(t, ",\n\"%c\":{", 'a' + s);
	add_word(t, "name", c->side[s].name);
	text_puts(t, ",");
	add_word(t, "database", side_database(&c->side[s]));
	for (int end = 0; end < 2; end++) {
		const char *key = end ? "last" : "first";
		int64_t ns = end ? c->seen.last_ns[s] : c->seen.first_ns[s];

		if (!c->seen.n[s]) {
			text_printf(t, ",\"%s_ns\":null,\"%s\":null", key, key);
			continue;
		}
		time_rfc3339(ns, c->side[s].offset_s, time);
		text_printf(t, ",\"%s_ns\":%lld,\"%s\":\"%s\"", key, (long long)ns, key, time);
	}
	text_puts(t, "}");
}

void compare_json(struct query *q, const struct comparison *c, FILE *to)
{
	struct text t = {0};

	text_puts(&t, "{");
	add_word(&t, "verdict", verdict_name(c->verdict));
	text_printf(&t, ",\"worse\":%s,\"compared\":%zu", c->worse ? "true" : "false", c->compared);
	add_real(&t, "tolerate", c->tolerate);
	text_printf(&t, ",\"seed\":%llu,", (unsigned long long)c->seed);
	add_word(&t, "by", c->by);
	add_side(&t, c, A);
	add_side(&t, c, B);
	text_puts(&t, ",\n\"all\":");
	add_group(&t, c, 0);
	text_printf(&t, ",\n\"%s\":[", strcmp(c->by, "function") ? "groups" : "functions");
	for (uint32_t i = 1; i < c->ngroups; i++) {
		text_puts(&t, i > 1 ? ",\n" : "\n");
		add_group(&t, c, i);
	}
	text_puts(&t, "],\n");
	add_parts(&t, &c->group[0], true);
	add_claims(&t, c);
	add_lines(&t, c, LINE_MESSAGE, "messages");
	add_lines(&t, c, LINE_ERROR, "errors");
	add_lines(&t, c, LINE_SPAN, "spans");
	text_puts(&t, "}\n");
	query_ok(q, t.failed ? -ENOMEM : 0, "memory");
	if (!q->status)
		fwrite(text_str(&t), 1, t.len, to);
	text_done(&t);
}
