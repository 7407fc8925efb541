/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_html.c - a comparison as one HTML file that needs nothing else: the tables, and of the groups that matter
 * most the quantiles of both sides with their bands, and the phases side by side. */
#include "query/why/compare.h"
#include "render/number.h"
#include "render/page.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 1000, LEFT = 70, HEIGHT = 220, TOP = 12, BOTTOM = 24, DRAWN = 8, BAR = 22 };

static void put(struct query *q, FILE *to, struct text *t)
{
	query_ok(q, t->failed ? -ENOMEM : 0, "memory");
	fwrite(text_str(t), 1, t->len, to);
	text_reset(t);
}

static const char *group_name(const struct comparison *c, uint32_t group)
{
	return group ? c->group[group].name : "all requests";
}

/* ---- quantiles: how long (upwards, in logarithms) up to which share of the requests took ---- */

struct scale {
	double low, high; /* logarithms */
};

static double x_of(int band)
{
	return LEFT + (WIDTH - LEFT - 10) * band_at[band];
}

static double y_of(const struct scale *s, double ns)
{
	double at = s->high > s->low ? (log(fmax(ns, 1)) - s->low) / (s->high - s->low) : 0.5;

	return TOP + (HEIGHT - TOP - BOTTOM) * (1 - fmin(fmax(at, 0), 1));
}

static struct scale scale_of(const struct group *g)
{
	struct scale s = {INFINITY, -INFINITY};

	for (int side = 0; side < SIDES; side++)
		for (int k = 0; k < BANDS && g->side[side].answered; k++) {
			s.low = fmin(s.low, log(fmax(g->side[side].within[k].low, 1)));
			s.high = fmax(s.high, log(fmax(g->side[side].within[k].high, 1)));
		}
	return s;
}

static void add_band(struct text *t, const struct scale *s, const struct figures *f, char side)
{
	text_printf(t, "<polygon class=\"k-%c\" opacity=\".25\" points=\"", side);
	for (int k = 0; k < BANDS; k++)
		text_printf(t, "%.1f,%.1f ", x_of(k), y_of(s, f->within[k].high));
	for (int k = BANDS; k-- > 0;)
		text_printf(t, "%.1f,%.1f ", x_of(k), y_of(s, f->within[k].low));
	text_printf(t, "\"/><polyline class=\"line s-%c\" points=\"", side);
	for (int k = 0; k < BANDS; k++)
		text_printf(t, "%.1f,%.1f ", x_of(k), y_of(s, f->quantile[k]));
	text_puts(t, "\"/>\n");
}

static void add_grid(struct text *t, const struct scale *s)
{
	static const int ticks[] = {0, BAND_P50, 15, BAND_P90, BAND_P99};
	char buf[NUMBER_MAX];

	for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++)
		text_printf(t,
		            "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/><text "
		            "fill=\"currentColor\" font-size=\"12\" text-anchor=\"middle\" "
		            "x=\"%.1f\" y=\"%d\">%g %%</text>",
		            x_of(ticks[i]), x_of(ticks[i]), TOP, HEIGHT - BOTTOM, x_of(ticks[i]), HEIGHT - 8,
		            100 * band_at[ticks[i]]);
	for (int i = 0; i <= 4; i++) {
		double ns = exp(s->low + (s->high - s->low) * i / 4);

		number_duration(llround(ns), "µ", buf);
		text_printf(
		    t, "<text fill=\"currentColor\" font-size=\"12\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>",
		    LEFT - 8, y_of(s, ns) + 4, buf);
	}
}

static void add_quantiles(struct text *t, const struct comparison *c, uint32_t number)
{
	const struct group *g = &c->group[number];
	struct scale s = scale_of(g);
	const char *name = group_name(c, number);

	text_puts(t, "<figure><figcaption>");
	text_add_html(t, name, strlen(name));
	text_printf(
	    t, ": %s</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Quantiles of both sides\">",
	    verdict_name(g->verdict), WIDTH, HEIGHT);
	add_grid(t, &s);
	for (int side = 0; side < SIDES; side++)
		if (g->side[side].answered)
			add_band(t, &s, &g->side[side], (char)('a' + side));
	text_puts(t, "</svg></figure>\n");
}

/* ---- phases ---- */

static double longest_of(const struct group *g)
{
	double most = 0;

	for (size_t i = 0; i < g->nparts; i++)
		if (g->part[i].phase)
			most = fmax(most, fmax(g->part[i].a, g->part[i].b));
	return most;
}

static void add_bar(struct text *t, double ns, double most, int y, char side)
{
	double width = most > 0 ? (WIDTH - 400) * ns / most : 0;
	char buf[NUMBER_MAX];

	number_duration(llround(ns), "µ", buf);
	text_printf(t,
	            "<rect class=\"k-%c\" x=\"290\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/><text "
	            "fill=\"currentColor\" font-size=\"11\" x=\"%.1f\" "
	            "y=\"%d\">%s</text>",
	            side, y, fmax(width, 1), BAR / 2 - 1, 296 + width, y + BAR / 2 - 1, buf);
}

static void add_phases(struct text *t, const struct comparison *c, uint32_t number)
{
	const struct group *g = &c->group[number];
	double most = longest_of(g);
	int rows = 0, y = 4;

	for (size_t i = 0; i < g->nparts; i++)
		rows += g->part[i].phase && (g->part[i].a > 0 || g->part[i].b > 0);
	if (!rows)
		return;
	text_puts(t, "<figure><figcaption>");
	text_add_html(t, group_name(c, number), strlen(group_name(c, number)));
	text_printf(t, "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Mean of each phase\">",
	            WIDTH, rows * (BAR + 10) + 8);
	for (size_t i = 0; i < g->nparts; i++) {
		const struct part *p = &g->part[i];

		if (!p->phase || !(p->a > 0 || p->b > 0))
			continue;
		text_printf(t, "<text fill=\"currentColor\" font-size=\"13\" x=\"0\" y=\"%d\">", y + BAR / 2 + 4);
		text_add_html(t, p->name, strlen(p->name));
		text_printf(t, "%s</text>", p->p <= CLAIM_P ? " *" : "");
		add_bar(t, p->a, most, y, 'a');
		add_bar(t, p->b, most, y + BAR / 2, 'b');
		text_puts(t, "\n");
		y += BAR + 10;
	}
	text_puts(t, "</svg></figure>\n");
}

/* ---- the page ---- */

/* Groups to be drawn: those with claims, the surest first; then those with most requests. */
static size_t choose(const struct comparison *c, uint32_t chosen[DRAWN])
{
	size_t n = 0;

	for (size_t pass = 0; pass < c->nclaims + DRAWN && n < DRAWN; pass++) {
		uint32_t best = pass < c->nclaims ? c->claim[pass].group : 0;

		for (uint32_t i = 1; i < c->ngroups && pass >= c->nclaims; i++) {
			bool taken = !c->group[i].enough;

			for (size_t k = 0; k < n; k++)
				taken |= chosen[k] == i;
			if (!taken && (!best || c->group[i].side[A].n > c->group[best].side[A].n))
				best = i;
		}
		for (size_t k = 0; k < n; k++)
			best = chosen[k] == best ? 0 : best;
		if (best)
			chosen[n++] = best;
	}
	return n;
}

static void put_head(struct query *q, const struct comparison *c, FILE *to, struct text *t)
{
	struct text line = {0};

	query_wrote(q, page_head(to, "ilu-logq " ILU_VERSION, "Comparison of ilu-logq"));
	fputs("<header>\n<h1>Comparison of ilu-logq</h1>\n", to);
	for (int s = 0; s < SIDES; s++) {
		compare_side(c, s, "µ", &line);
		text_printf(t, "<p><span class=\"k-%c\">&#160;&#160;&#160;</span> %c: ", 'a' + s, 'A' + s);
		text_add_html(t, text_str(&line), line.len);
		text_puts(t, "</p>\n");
		text_reset(&line);
	}
	compare_sentence(c, "µ", &line);
	text_puts(t, "<p><strong>");
	text_add_html(t, text_str(&line), line.len);
	text_puts(t, "</strong></p>\n</header>\n<main>\n");
	query_ok(q, line.failed ? -ENOMEM : 0, "memory");
	put(q, to, t);
	text_done(&line);
}

static void put_section(struct query *q, const struct comparison *c, FILE *to, enum compare_table table,
                        const char *title, const char *intro)
{
	fprintf(to, "<section id=\"%s\"><h2>%s</h2>\n<p>%s</p>\n", compare_table_name(table), title, intro);
	compare_table(q, c, table, true);
	fputs("</section>\n", to);
}

static void put_pictures(struct query *q, const struct comparison *c, FILE *to, struct text *t)
{
	uint32_t chosen[DRAWN];
	size_t n = choose(c, chosen);

	fputs("<section id=\"quantiles\"><h2>Quantiles</h2>\n<p>How long requests took, by share of them; the bands "
	      "are 95 % "
	      "intervals from resampled stretches of time. Upwards in logarithms.</p>\n",
	      to);
	if (c->group[0].side[A].answered || c->group[0].side[B].answered)
		add_quantiles(t, c, 0);
	for (size_t i = 0; i < n; i++)
		add_quantiles(t, c, chosen[i]);
	put(q, to, t);
	fputs("</section>\n<section id=\"phases\"><h2>Phases side by side</h2>\n<p>The mean of each phase in the same "
	      "mix of "
	      "functions and containers on both sides; * marks evidence.</p>\n",
	      to);
	for (size_t i = 0; i < n; i++)
		add_phases(t, c, chosen[i]);
	put(q, to, t);
	fputs("</section>\n", to);
}

void compare_html(struct query *q, const struct comparison *c, FILE *to)
{
	struct output out = {.file = to, .format = FORMAT_HTML, .utf8 = true, .quiet = true}, *before = q->out;
	struct text t = {0};

	q->out = &out;
	put_head(q, c, to, &t);
	put_section(q, c, to, TABLE_CLAIMS, "What differs", "With evidence, the surest first.");
	put_section(q, c, to, TABLE_GROUPS, "Side by side",
	            "Requests that ended well; from and to are the 95 % interval of the difference.");
	put_pictures(q, c, to, &t);
	put_section(q, c, to, TABLE_PARTS, "What the difference of means is made of",
	            "The parts of a group add up to the difference of its means.");
	put_section(q, c, to, TABLE_LINES, "Lines", "Messages, errors and spans of both sides.");
	fputs("</main>\n", to);
	query_wrote(q, page_foot(to));
	query_wrote(q, output_status(&out));
	q->out = before;
	text_done(&t);
}
