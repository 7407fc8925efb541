/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart_html.c - see chart.h: title, legend, axes and numbers of a chart over time; chart_svg.c draws. */
#include "render/chart_draw.h"
#include "render/number.h"
#include <math.h>
#include <string.h>

const char *chart_colour(size_t i)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

	return names[i % (sizeof names / sizeof *names)];
}

void chart_value(struct text *out, const struct chart *c, double v)
{
	char buf[NUMBER_MAX];

	switch (c->unit) {
	case CHART_NS:
		number_duration((int64_t)v, "µ", buf);
		break;
	case CHART_MEGABYTES:
		number_bytes((int64_t)(v * 1e6), buf);
		break;
	case CHART_PERCENT:
		snprintf(buf, sizeof buf, "%.3g %%", v);
		break;
	default:
		if (fabs(v) >= 1000 && fabs(v) < 1e15)
			number_count((int64_t)llround(v), buf);
		else
			snprintf(buf, sizeof buf, "%.4g", v);
	}
	text_puts(out, buf);
	if (c->unit == CHART_VALUE && c->unit_name)
		text_printf(out, " %s", c->unit_name);
}

static void add_html(struct text *out, const char *s)
{
	if (s)
		text_add_html(out, s, strlen(s));
}

static void add_number(struct text *out, double v)
{
	if (isnan(v))
		text_puts(out, "null");
	else if (v == floor(v) && fabs(v) < 1e15)
		text_add_int(out, (int64_t)v);
	else
		text_printf(out, "%.4g", v);
}

static void add_numbers(struct text *out, const double *v, size_t n)
{
	text_puts(out, "[");
	for (size_t i = 0; i < n; i++) {
		text_puts(out, i ? "," : "");
		add_number(out, v[i]);
	}
	text_puts(out, "]");
}

/* JSON in a page: no "<" of a text may end the element. */
static void add_json_text(struct text *out, const char *s)
{
	struct text t = {0};

	text_add_json(&t, s ? s : "", s ? strlen(s) : 0);
	for (const char *p = text_str(&t); *p; p++)
		if (*p == '<')
			text_puts(out, "\\u003c");
		else
			text_add(out, p, 1);
	out->failed |= t.failed;
	text_done(&t);
}

/* Cells that have something: [column, row, count, ...]. */
static void add_heat(struct text *out, const struct chart *c)
{
	const struct chart_heat *h = &c->heat;
	bool any = false;

	text_printf(out, ",\"heat\":{\"low\":%.6g,\"factor\":%.6g,\"cells\":[", h->low, h->factor);
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < h->rows; k++)
			if (h->v[i * h->rows + k] > 0) {
				text_printf(out, "%s%zu,%zu,%.0f", any ? "," : "", i, k, h->v[i * h->rows + k]);
				any = true;
			}
	text_puts(out, "]}");
}

static void add_data(struct text *out, const struct chart *c)
{
	static const char *const units[] = {"count", "ns", "value", "percent", "megabytes"};

	text_printf(out, "<script type=\"application/json\">{\"kind\":\"%s\",\"unit\":\"%s\",\"unitName\":",
	            c->kind == CHART_STACK ? "stack" : "lines", units[c->unit]);
	add_json_text(out, c->unit_name);
	text_printf(out, ",\"log\":%s,\"start\":\"%lld\",\"step\":%lld,\"offset\":%lld,\"n\":%zu,\"series\":[",
	            c->log ? "true" : "false", (long long)c->start_ns, (long long)c->step_ns, (long long)c->offset_s,
	            c->n);
	for (size_t i = 0; i < c->nseries; i++) {
		text_puts(out, i ? ",{\"name\":" : "{\"name\":");
		add_json_text(out, c->series[i].name);
		text_printf(out, ",\"colour\":\"%s\",\"v\":", c->series[i].colour);
		add_numbers(out, c->series[i].v, c->n);
		text_puts(out, "}");
	}
	text_puts(out, "]");
	if (c->heat.v)
		add_heat(out, c);
	text_puts(out, "}</script>\n");
}

/* The clock at a column: with the day where the chart has more than one. */
static void add_clock(struct text *out, const struct chart *c, size_t column)
{
	int64_t first = c->start_ns, last = c->start_ns + c->step_ns * (int64_t)c->n;
	char at[NUMBER_MAX], from[NUMBER_MAX], to[NUMBER_MAX];

	time_of_log(first, c->offset_s, from);
	time_of_log(last, c->offset_s, to);
	time_of_log(c->start_ns + c->step_ns * (int64_t)column, c->offset_s, at);
	if (strncmp(from, to, 10))
		text_printf(out, "%.5s %.5s", at + 5, at + 11);
	else
		text_printf(out, "%.*s", last - first < 10000000000 ? 12 : 8, at + 11);
}

static void add_axes(struct text *out, const struct chart *c, const struct chart_scale *s)
{
	char zone[NUMBER_MAX];

	time_offset(c->offset_s, zone);
	text_puts(out, "<div class=\"y\" aria-hidden=\"true\">");
	for (int i = 0; i < 3; i++) {
		double share = 1 - i / 2.0;

		text_puts(out, "<span>");
		chart_value(out, c, s->log ? s->low * pow(s->high / s->low, share) : s->high * share);
		text_puts(out, "</span>");
	}
	text_puts(out, "</div><div class=\"x\" aria-hidden=\"true\"><span>");
	add_clock(out, c, 0);
	text_puts(out, "</span><span>");
	add_clock(out, c, c->n / 2);
	text_puts(out, "</span><span>");
	add_clock(out, c, c->n);
	text_printf(out, " %s</span></div>", zone);
}

void chart_caption(struct text *out, const char *title, const char *says)
{
	text_puts(out, "<figcaption><b>");
	add_html(out, title);
	text_puts(out, "</b>");
	if (says) {
		text_puts(out, " <span>");
		add_html(out, says);
		text_puts(out, "</span>");
	}
	text_puts(out, "</figcaption>\n");
}

void chart_legend(struct text *out, const struct chart_series *s, size_t n, const char *more)
{
	text_puts(out, "<ul class=\"legend\">");
	for (size_t i = 0; i < n; i++) {
		text_printf(out, "<li><i class=\"k-%s\"></i>", s[i].colour);
		add_html(out, s[i].name);
		text_puts(out, "</li>");
	}
	if (more)
		text_printf(out, "<li class=\"more\">%s</li>", more);
	text_puts(out, "</ul>\n");
}

static bool any_value(const struct chart *c)
{
	for (size_t i = 0; i < c->nseries; i++)
		for (size_t k = 0; k < c->n; k++)
			if (!isnan(c->series[i].v[k]) && (c->kind == CHART_LINES || c->series[i].v[k] > 0))
				return true;
	return false;
}

void chart_html(struct text *out, const struct chart *c)
{
	struct chart_scale scale;
	char step[NUMBER_MAX], more[NUMBER_MAX + 40];

	if (!c->n || !any_value(c))
		return;
	scale = chart_scale_of(c);
	number_duration(c->step_ns, "µ", step);
	snprintf(more, sizeof more, "%sa column is %s", c->heat.v ? "darker: more invocations; " : "", step);
	text_printf(out, "<figure class=\"chart\" id=\"%s\">", c->id);
	chart_caption(out, c->title, c->says);
	text_puts(out, "<div class=\"plot\">");
	chart_svg(out, c, &scale);
	add_axes(out, c, &scale);
	text_puts(out, "</div>\n");
	chart_legend(out, c->series, c->nseries, more);
	add_data(out, c);
	text_puts(out, "</figure>\n");
}
