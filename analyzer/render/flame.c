/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame.c - see flame.h: a drawing of rectangles, and their names over it as text that does not stretch. */
#include "render/flame.h"
#include "render/chart.h"
#include "render/number.h"
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1000, ROW = 22, ROWS = 24 };

struct drawing {
	struct text *out;
	const struct flame_node *nodes;
	int rows;
};

static void add_label(struct text *out, const struct flame_node *node, double share)
{
	char ns[NUMBER_MAX], count[NUMBER_MAX];

	number_duration(node->ns, "µ", ns);
	number_count(node->spans, count);
	text_add_html(out, node->name, strlen(node->name));
	text_printf(out, ": %s, %s span%s, %.1f %%", ns, count, node->spans == 1 ? "" : "s", share * 100);
}

static int by_ns(const void *a, const void *b)
{
	const struct flame_node *const *x = a, *const *y = b;

	if ((*x)->ns != (*y)->ns)
		return (*x)->ns < (*y)->ns ? 1 : -1;
	return strcmp((*x)->name, (*y)->name);
}

static void draw(struct drawing *d, const struct flame_node *node, double x, double width, int row);

static void draw_below(struct drawing *d, const struct flame_node *node, double x, double width, int row)
{
	const struct flame_node **below;
	size_t n = 0, k = 0;
	double sum = 0, scale;

	for (uint32_t i = node->child; i; i = d->nodes[i].next)
		n++;
	below = malloc((n + 1) * sizeof *below);
	for (uint32_t i = below ? node->child : 0; i; i = d->nodes[i].next) {
		below[k++] = &d->nodes[i];
		sum += (double)d->nodes[i].ns;
	}
	d->out->failed |= !below;
	if (k)
		qsort(below, k, sizeof *below, by_ns);
	scale = sum > 0 ? width / (sum > (double)node->ns ? sum : (double)node->ns) : 0;
	for (size_t i = 0; i < k && row < ROWS; i++) {
		double w = (double)below[i]->ns * scale;

		if (w >= 1)
			draw(d, below[i], x, w, row);
		x += w;
	}
	free(below);
}

static void draw(struct drawing *d, const struct flame_node *node, double x, double width, int row)
{
	double share = d->nodes[0].ns > 0 ? (double)node->ns / (double)d->nodes[0].ns : 0;

	d->rows = row + 1 > d->rows ? row + 1 : d->rows;
	text_printf(d->out,
	            "<g data-x=\"%.3f\" data-w=\"%.3f\" data-row=\"%d\"><rect class=\"k-%s\" x=\"%.3f\" y=\"%d\" "
	            "width=\"%.3f\" height=\"%d\"/><title>",
	            x, width, row, node == d->nodes ? "none" : chart_colour(node->number), x, row * ROW, width,
	            ROW - 1);
	add_label(d->out, node, share);
	text_puts(d->out, "</title></g>\n");
	draw_below(d, node, x, width, row + 1);
}

/* The widest as a list: what the drawing says, in words. */
static void add_list(struct text *out, const struct flame_node *nodes, size_t n)
{
	enum { SAID = 8 };
	const struct flame_node **all = malloc((n + 1) * sizeof *all);

	out->failed |= !all;
	for (size_t i = 1; all && i < n; i++)
		all[i - 1] = &nodes[i];
	if (all && n > 1)
		qsort(all, n - 1, sizeof *all, by_ns);
	text_puts(out, "<ol class=\"flames\">");
	for (size_t i = 0; all && i + 1 < n && i < SAID; i++) {
		text_puts(out, "<li>");
		add_label(out, all[i], nodes[0].ns > 0 ? (double)all[i]->ns / (double)nodes[0].ns : 0);
		text_puts(out, "</li>");
	}
	text_puts(out, "</ol>\n");
	out->failed |= !all;
	free(all);
}

void flame_html(struct text *out, const struct flame_node *nodes, size_t n)
{
	struct text inner = {0};
	struct drawing d = {.out = &inner, .nodes = nodes};

	if (!n || nodes[0].ns <= 0)
		return;
	draw(&d, nodes, 0, WIDTH, 0);
	text_printf(out,
	            "<figure class=\"flame\"><div class=\"flame-box\"><svg viewBox=\"0 0 %d %d\" height=\"%d\" "
	            "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"flame graph of spans\">\n",
	            WIDTH, d.rows * ROW, d.rows * ROW);
	text_add(out, text_str(&inner), inner.len);
	text_puts(out, "</svg></div>\n");
	add_list(out, nodes, n);
	text_puts(out, "</figure>\n");
	out->failed |= inner.failed;
	text_done(&inner);
}
