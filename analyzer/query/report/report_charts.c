/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_charts.c - the charts of the report: each run by itself, all on one axis of time. */
#include "query/report/measure.h"
#include "query/report/report.h"
#include "render/chart.h"
#include "render/number.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_DRAWN = 8, FUNCTIONS_DRAWN = 12, SERIES_DRAWN = 6 };

struct drawing {
	struct report *r;
	struct measure *m;
	struct text html, says;
	char id[64];
};

static const char *id_of(struct drawing *d, const char *what)
{
	snprintf(d->id, sizeof d->id, "c%lld-%s", (long long)d->m->run, what);
	return d->id;
}

/* A chart over the run's time, with what was said of it. */
static struct chart chart_of(struct drawing *d, const char *what, const char *title)
{
	return (struct chart){.id = id_of(d, what),
	                      .title = title,
	                      .says = d->says.len ? text_str(&d->says) : NULL,
	                      .n = d->m->n,
	                      .start_ns = d->m->start_ns,
	                      .step_ns = d->m->step_ns,
	                      .offset_s = d->m->offset_s};
}

static void draw(struct drawing *d, const struct chart *c)
{
	chart_html(&d->html, c);
	d->html.failed |= d->says.failed;
	text_reset(&d->says);
}

/* Where the largest of a column's values is; n: nowhere. */
static size_t largest(const double *v, size_t n)
{
	size_t at = n;

	for (size_t i = 0; i < n; i++)
		if (!isnan(v[i]) && v[i] > 0 && (at == n || v[i] > v[at]))
			at = i;
	return at;
}

static void say_at(struct drawing *d, size_t column)
{
	text_puts(&d->says, " at ");
	say_time(&d->says, d->m->start_ns + d->m->step_ns * (int64_t)column, d->m->offset_s);
}

/* ---- requests, lines ---- */

static void draw_requests(struct drawing *d)
{
	const struct measure *m = d->m;
	struct chart_series s[] = {
	    {"ok", "ok", m->ok_at}, {"failed", "bad", m->failed_at}, {"unfinished", "open", m->unfinished_at}};
	struct chart c;
	size_t at = largest(m->failed_at, m->n);

	if (!m->invocations)
		return;
	say_several(&d->says, m->invocations, "invocation");
	text_puts(&d->says, ", ");
	say_count(&d->says, m->failed);
	text_puts(&d->says, " failed");
	if (at < m->n) {
		text_puts(&d->says, ", most");
		say_at(d, at);
	}
	if (m->unfinished) {
		text_puts(&d->says, ", ");
		say_count(&d->says, m->unfinished);
		text_puts(&d->says, " unfinished");
	}
	c = chart_of(d, "requests", "Requests over time");
	c.series = s;
	c.nseries = 3;
	draw(d, &c);
}

static void draw_lines(struct drawing *d)
{
	const struct measure *m = d->m;
	double *other = calloc(m->n + 1, sizeof *other);
	struct chart_series s[] = {
	    {"errors", "bad", m->errors_at}, {"warnings", "open", m->warnings_at}, {"other lines", "none", other}};
	struct chart c;
	size_t at = largest(m->errors_at, m->n);

	if (!query_ok(d->r->q, other ? 0 : -ENOMEM, d->r->q->command))
		return;
	for (size_t i = 0; i < m->n; i++)
		other[i] = m->lines_at[i] - m->errors_at[i] - m->warnings_at[i];
	say_several(&d->says, m->errors, "error");
	text_puts(&d->says, " and ");
	say_several(&d->says, m->warnings, "warning");
	if (at < m->n) {
		text_puts(&d->says, ", most errors");
		say_at(d, at);
	}
	c = chart_of(d, "lines", m->errors || m->warnings ? "Errors and warnings over time" : "Lines over time");
	c.series = s;
	c.nseries = m->errors || m->warnings ? 2 : 3;
	draw(d, &c);
	free(other);
}

/* ---- latency ---- */

/* Whether one of the columns before it is known, and lower. */
static bool rose(const double *v, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (v[i] < v[at])
			return true;
	return false;
}

static void draw_latency(struct drawing *d)
{
	const struct measure *m = d->m;
	struct chart_series s[] = {{"p50", "a", m->p50}, {"p90", "c", m->p90}, {"p99", "d", m->p99}};
	size_t at = largest(m->p99, m->n);
	struct chart c;

	if (!m->all.n)
		return;
	text_puts(&d->says, "half took up to ");
	say_duration(d->r->q, &d->says, m->all.spread.p50);
	if (at < m->n) {
		text_puts(&d->says, rose(m->p99, at) ? "; p99 rose to " : "; p99 was highest, ");
		say_duration(d->r->q, &d->says, (int64_t)m->p99[at]);
		say_at(d, at);
	}
	c = chart_of(d, "latency", "Latency over time");
	c.unit = CHART_NS;
	c.log = true;
	c.kind = CHART_LINES;
	c.series = s;
	c.nseries = 3;
	c.heat = (struct chart_heat){m->heat, MEASURE_BINS, MEASURE_LOW_NS, MEASURE_FACTOR};
	draw(d, &c);
}

/* ---- phases ---- */

static const char *phase_colour(const char *name, size_t i)
{
	static const struct {
		const char *part, *colour;
	} known[] = {{"unexplained", "none"}, {"never left", "bad"},  {"(cold)", "cold"},   {"(prewarm)", "prewarm"},
	             {"container", "cont"},   {"controller", "ctrl"}, {"dispatch", "disp"}, {"queue", "wait"},
	             {"execution", "ok"},     {"return", "ret"}};

	for (size_t k = 0; k < sizeof known / sizeof *known; k++)
		if (strstr(name, known[k].part))
			return known[k].colour;
	return chart_colour(i);
}

static void phase_series(const struct measure *m, struct chart_series *s)
{
	for (size_t i = 0; i < m->nphases; i++)
		s[i] = (struct chart_series){m->phases[i], phase_colour(m->phases[i], i), m->phase_ns + i * m->n};
}

static void draw_phases(struct drawing *d)
{
	struct chart_series s[MEASURE_PHASES];
	struct chart c;

	if (!d->m->nphases)
		return;
	phase_series(d->m, s);
	text_puts(&d->says, "mean of an invocation, by when it was sent");
	c = chart_of(d, "phases", "Where the time went, over time");
	c.unit = CHART_NS;
	c.series = s;
	c.nseries = d->m->nphases;
	draw(d, &c);
}

static void sum_phases(const struct measure *m, const struct measured_function *f, double *sum)
{
	memset(sum, 0, MEASURE_PHASES * sizeof *sum);
	for (size_t k = 0; f->phase_ns && k < m->n; k++)
		for (size_t i = 0; i < m->nphases; i++)
			sum[i] += f->phase_ns[k * MEASURE_PHASES + i];
}

static size_t drawn(const struct measure *m)
{
	return m->nfunctions < FUNCTIONS_DRAWN ? m->nfunctions : FUNCTIONS_DRAWN;
}

static void draw_by_function(struct drawing *d)
{
	const struct measure *m = d->m;
	double sums[FUNCTIONS_DRAWN][MEASURE_PHASES];
	char said[FUNCTIONS_DRAWN][2 * NUMBER_MAX + 8], count[NUMBER_MAX], mean[NUMBER_MAX];
	struct chart_series parts[MEASURE_PHASES];
	struct chart_bar bars[FUNCTIONS_DRAWN];
	struct chart_bars c = {.parts = parts, .nparts = m->nphases, .bars = bars, .nbars = drawn(m)};
	char more[64];

	phase_series(m, parts);
	for (size_t i = 0; i < c.nbars; i++) {
		const struct measured_function *f = &m->functions[i];

		sum_phases(m, f, sums[i]);
		number_count(f->n, count);
		number_duration((int64_t)(f->durations.n ? f->total_ns / (double)f->durations.n : 0), "µ", mean);
		snprintf(said[i], sizeof said[i], "%s × %s", count, mean);
		bars[i] = (struct chart_bar){f->name, said[i], sums[i]};
	}
	snprintf(more, sizeof more, "%zu of %zu functions, by total time", c.nbars, m->nfunctions);
	c.id = id_of(d, "functions");
	c.title = "Where the time went, by function";
	c.says = more;
	if (m->nphases)
		chart_bars_html(&d->html, &c);
}

static void draw_ranges(struct drawing *d)
{
	const struct measure *m = d->m;
	struct chart_range ranges[FUNCTIONS_DRAWN];
	size_t n = 0;

	for (size_t i = 0; i < drawn(m); i++) {
		const struct measured_function *f = &m->functions[i];
		const struct spread *s = &f->durations.spread;

		if (f->durations.n)
			ranges[n++] = (struct chart_range){f->name,        (double)s->least, (double)s->p50,
			                                   (double)s->p90, (double)s->p99,   (double)s->most};
	}
	chart_ranges_html(&d->html, id_of(d, "ranges"), "Latency by function", "p50 – p99 of each", ranges, n);
}

/* ---- what a daemon measures of itself ---- */

static const struct {
	const char *chart, *title, *unit_name;
	enum chart_unit unit;
	const char *names[6];
} known_series[] = {
    {"queue",
     "Queue length, and what runs",
     NULL,
     CHART_VALUE,
     {"cpu_len", "gpu_len", "num_running", "num_containers"}},
    {"load", "Load", NULL, CHART_VALUE, {"load_avg_1minute", "cpu_load", "cpu_load_avg", "gpu_load"}},
    {"cpu",
     "Processors and memory in use",
     NULL,
     CHART_PERCENT,
     {"cpu_util", "memory_util_pct", "gpu_util", "gpu_mem"}},
    {"memory", "Memory of containers", NULL, CHART_MEGABYTES, {"cpu_used_mem", "cpu_total_mem"}},
};

enum { KNOWN_SERIES = sizeof known_series / sizeof *known_series };

static bool constant_zero(const struct measure *m, const struct measured_series *s)
{
	for (size_t i = 0; i < m->n; i++)
		if (!isnan(s->v[i]) && s->v[i] != 0)
			return false;
	return true;
}

static void draw_known(struct drawing *d, size_t i, bool *told)
{
	const struct measure *m = d->m;
	struct chart_series s[6];
	struct chart c;
	size_t n = 0;

	for (size_t k = 0; k < 6 && known_series[i].names[k]; k++)
		for (size_t j = 0; j < m->nseries; j++) {
			if (strcmp(m->series[j].name, known_series[i].names[k]))
				continue;
			told[j] = true;
			if (!constant_zero(m, &m->series[j])) {
				s[n] = (struct chart_series){m->series[j].name, chart_colour(n), m->series[j].v};
				n++;
			}
		}
	if (!n)
		return;
	text_puts(&d->says, "mean of each column over all workers");
	c = chart_of(d, known_series[i].chart, known_series[i].title);
	c.kind = CHART_LINES;
	c.unit = known_series[i].unit;
	c.unit_name = known_series[i].unit_name;
	c.series = s;
	c.nseries = n;
	draw(d, &c);
}

/* Series of other programs: each by itself. */
static void draw_other_series(struct drawing *d, const bool *told)
{
	const struct measure *m = d->m;
	char what[32];
	size_t n = 0;

	for (size_t j = 0; j < m->nseries && n < SERIES_DRAWN; j++) {
		struct chart_series s = {m->series[j].name, chart_colour(n), m->series[j].v};
		struct chart c;

		if (told[j] || constant_zero(m, &m->series[j]))
			continue;
		snprintf(what, sizeof what, "series%zu", ++n);
		c = chart_of(d, what, m->series[j].name);
		c.kind = CHART_LINES;
		c.unit = CHART_VALUE;
		c.series = &s;
		c.nseries = 1;
		draw(d, &c);
	}
}

static void draw_series(struct drawing *d)
{
	bool *told = calloc(d->m->nseries + 1, sizeof *told);

	if (!query_ok(d->r->q, told ? 0 : -ENOMEM, d->r->q->command))
		return;
	for (size_t i = 0; i < KNOWN_SERIES; i++)
		draw_known(d, i, told);
	draw_other_series(d, told);
	free(told);
}

static void draw_cold(struct drawing *d)
{
	struct chart_series s = {"cold starts", "cold", d->m->cold_at};
	struct chart c;

	if (!d->m->cold)
		return;
	say_several(&d->says, d->m->cold, "cold start");
	c = chart_of(d, "cold", "Cold starts over time");
	c.series = &s;
	c.nseries = 1;
	draw(d, &c);
}

/* ---- numbers for a chosen range ---- */

static void add_name(struct text *t, const char *name)
{
	struct text json = {0};

	text_add_json(&json, name, strlen(name));
	for (const char *p = text_str(&json); *p; p++)
		if (*p == '<')
			text_puts(t, "\\u003c");
		else
			text_add(t, p, 1);
	t->failed |= json.failed;
	text_done(&json);
}

/* Sparse: index, value, ...; the index counts through columns and within them. */
static void add_bins(struct text *t, const uint32_t *bins, size_t n)
{
	const char *comma = "";

	for (size_t i = 0; bins && i < n; i++)
		if (bins[i]) {
			text_printf(t, "%s%zu,%u", comma, i, bins[i]);
			comma = ",";
		}
}

static void add_phases(struct text *t, const struct measure *m, const struct measured_function *f)
{
	const char *comma = "";

	for (size_t k = 0; f->phase_ns && k < m->n; k++)
		for (size_t i = 0; i < m->nphases; i++)
			if (f->phase_ns[k * MEASURE_PHASES + i] >= 500) {
				text_printf(t, "%s%zu,%.0f", comma, k * m->nphases + i,
				            f->phase_ns[k * MEASURE_PHASES + i] / 1000);
				comma = ",";
			}
}

static void add_counts(struct text *t, const double *v, size_t n)
{
	const char *comma = "";

	for (size_t k = 0; v && k < n; k++)
		if (v[k] > 0) {
			text_printf(t, "%s%zu,%.0f", comma, k, v[k]);
			comma = ",";
		}
}

/* What the script sums up when a range of time is chosen: by function and column. */
static void put_cube(struct drawing *d)
{
	const struct measure *m = d->m;
	struct text *t = &d->html;

	text_printf(t,
	            "<script type=\"application/json\" class=\"cube\">{\"run\":%lld,\"start\":\"%lld\",\"step\":%lld,"
	            "\"n\":%zu,\"offset\":%lld,\"bins\":%d,\"low\":%g,\"factor\":%.10g,\"phases\":[",
	            (long long)m->run, (long long)m->start_ns, (long long)m->step_ns, m->n, (long long)m->offset_s,
	            MEASURE_BINS, MEASURE_LOW_NS, MEASURE_FACTOR);
	for (size_t i = 0; i < m->nphases; i++) {
		text_puts(t, i ? "," : "");
		add_name(t, phase_colour(m->phases[i], i));
	}
	text_puts(t, "],\"functions\":[");
	for (size_t i = 0; i < drawn(m); i++) {
		const struct measured_function *f = &m->functions[i];

		text_puts(t, i ? ",\n{\"name\":" : "\n{\"name\":");
		add_name(t, f->name);
		text_puts(t, ",\"n\":[");
		add_counts(t, f->n_at, m->n);
		text_puts(t, "],\"bins\":[");
		add_bins(t, f->bins, m->n * MEASURE_BINS);
		text_puts(t, "],\"phases\":[");
		add_phases(t, m, f);
		text_puts(t, "]}");
	}
	text_puts(t, "]}</script>\n");
}

static void put_run(struct report *r, const struct report_run *run, struct measure *m, bool first)
{
	struct drawing d = {.r = r, .m = m};

	if (r->nruns > 1) {
		text_printf(&d.html, "<details class=\"run\"%s><summary><h3>", first ? " open" : "");
		text_add_html(&d.html, run->name, strlen(run->name));
		text_puts(&d.html, "</h3></summary>\n");
	}
	if (!r->q->status && m->n) {
		text_printf(&d.html, "<div class=\"charts\" data-run=\"%lld\">\n", (long long)run->id);
		draw_requests(&d);
		draw_lines(&d);
		draw_latency(&d);
		draw_phases(&d);
		draw_by_function(&d);
		draw_ranges(&d);
		draw_series(&d);
		draw_cold(&d);
		put_cube(&d);
		text_puts(&d.html, "</div>\n");
	}
	if (r->nruns > 1)
		text_puts(&d.html, "</details>\n");
	report_put(r, &d.html);
	text_done(&d.html);
	text_done(&d.says);
}

static void measure_and_put(struct report *r, const struct report_run *run, bool first)
{
	struct measure m;

	measure_run(r->q, run->id, &m);
	put_run(r, run, &m, first);
	measure_done(&m);
}

void report_charts(struct report *r)
{
	size_t n = r->nruns < RUNS_DRAWN ? r->nruns : RUNS_DRAWN;

	if (r->measured)
		put_run(r, &r->runs[0], &r->measure, true);
	for (size_t i = 0; i < n && !r->measured && !r->q->status; i++)
		measure_and_put(r, &r->runs[i], !i);
	if (n < r->nruns)
		fprintf(r->out->file,
		        "<p>Of %zu runs the first %zu are drawn; <code>report --run RUN</code> draws "
		        "another.</p>\n",
		        r->nruns, n);
}
