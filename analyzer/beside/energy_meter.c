/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy_meter.c - see energy_meter.h.
 *
 * RAPL is a counter: a stretch's joules are the difference of two readings. Where it went backwards it wrapped around,
 * and what it counted is (range - left) + right, as Ilúvatar and its scripts have it.
 *
 * IPMI tells watts, which hold until the next reading, as everything of `series` does.
 *
 * perf: each reading is the joules since the one before, the first since perf was started.
 *
 * A reading that is not after the one before is passed over: a counter loses nothing by it. */
#include "beside/energy_meter.h"
#include "base/array.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

bool energy_meter_name(enum energy_kind kind, struct slice series, struct slice *name)
{
	*name = kind == ENERGY_RAPL ? SLICE("rapl") : series;
	return kind == ENERGY_RAPL || kind == ENERGY_IPMI ||
	       (kind == ENERGY_PERF && series.len > 7 && !memcmp(series.ptr, "energy_", 7));
}

static int stretch_add(struct energy_meter *m, int64_t from_ns, int64_t to_ns, double joules)
{
	if (array_reserve(m->v, m->room, m->n + 1))
		return -ENOMEM;
	m->v[m->n++] = (struct energy_stretch){from_ns, to_ns, joules};
	return 0;
}

/* Microjoules between two readings of the counter; NaN: not known. */
static double counted(struct energy_meter *m, double left, double right)
{
	double d = right - left;

	if (d >= 0)
		return d;
	m->wraps++;
	if (!(m->range_uj > 0)) {
		m->unknown++;
		return NAN;
	}
	/* the counters of several packages are in one number: more than one may have wrapped */
	return d + ceil(-d / m->range_uj) * m->range_uj;
}

static int reading(struct energy_meter *m, const struct energy_row *row)
{
	double uj;

	switch (m->kind) {
	case ENERGY_RAPL:
		uj = counted(m, m->last, row->value);
		return isnan(uj) ? 0 : stretch_add(m, m->last_ns, row->time_ns, uj / 1e6);
	case ENERGY_IPMI:
		return stretch_add(m, m->last_ns, row->time_ns, m->last * (double)(row->time_ns - m->last_ns) / 1e9);
	default:
		return stretch_add(m, m->last_ns, row->time_ns, row->value);
	}
}

int energy_meter_add(struct energy_meter *m, const struct energy_row *row)
{
	int rc = 0;

	m->samples++;
	if (m->kind == ENERGY_PERF && (!m->started || row->start_ns != m->start_ns)) {
		if (!m->started)
			m->first_ns = m->last_ns = row->start_ns;
		m->last_ns = row->start_ns > m->last_ns ? row->start_ns : m->last_ns;
		m->start_ns = row->start_ns;
		m->started = true;
	}
	if (m->started && row->time_ns <= m->last_ns) {
		if (!m->skipped++)
			m->skipped_line = row->line;
		return 0;
	}
	if (m->started)
		rc = reading(m, row);
	else
		m->first_ns = row->time_ns;
	m->started = true;
	m->last_ns = row->time_ns;
	m->last = row->value;
	return rc;
}

void energy_meter_done(struct energy_meter *m)
{
	free(m->worker);
	free(m->name);
	free(m->v);
	*m = (struct energy_meter){0};
}

double energy_meter_joules(const struct energy_meter *m)
{
	double sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->v[i].joules;
	return sum;
}

int64_t energy_meter_measured_ns(const struct energy_meter *m)
{
	int64_t sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += m->v[i].to_ns - m->v[i].from_ns;
	return sum;
}

void energy_meter_power(const struct energy_meter *m, double *least, double *largest)
{
	*least = *largest = NAN;
	for (size_t i = 0; i < m->n; i++) {
		double w = m->v[i].joules / ((double)(m->v[i].to_ns - m->v[i].from_ns) / 1e9);

		*least = i && *least < w ? *least : w;
		*largest = i && *largest > w ? *largest : w;
	}
}

/* ---- whose it was ---- */

struct edge {
	int64_t time_ns;
	enum { STOPS, STRETCH_ENDS, STRETCH_BEGINS, STARTS } what;
	size_t i;
};

static int by_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->what > y->what) - (x->what < y->what);
}

static size_t put_edges(const struct energy_meter *m, struct energy_user *users, size_t n, struct edge *out)
{
	size_t k = 0;

	for (size_t i = 0; i < m->n; i++) {
		out[k++] = (struct edge){m->v[i].from_ns, STRETCH_BEGINS, i};
		out[k++] = (struct edge){m->v[i].to_ns, STRETCH_ENDS, i};
	}
	for (size_t i = 0; i < n; i++) {
		users[i].joules = 0;
		users[i].measured_ns = 0;
		if (users[i].to_ns <= users[i].from_ns)
			continue;
		out[k++] = (struct edge){users[i].from_ns, STARTS, i};
		out[k++] = (struct edge){users[i].to_ns, STOPS, i};
	}
	qsort(out, k, sizeof *out, by_time);
	return k;
}

int energy_share(const struct energy_meter *m, struct energy_user *users, size_t n, double *idle_joules,
                 int64_t *idle_ns)
{
	struct edge *edges = malloc((2 * (m->n + n) + 1) * sizeof *edges);
	double watts = 0, share = 0; /* share: of one who had run from the beginning */
	int64_t now_ns = INT64_MIN, measured_ns = 0;
	bool measuring = false;
	size_t running = 0, count;

	*idle_joules = 0;
	*idle_ns = 0;
	if (!edges)
		return -ENOMEM;
	count = put_edges(m, users, n, edges);
	for (size_t k = 0; k < count; k++) {
		const struct edge *e = &edges[k];

		if (measuring) {
			int64_t step_ns = e->time_ns - now_ns;
			double joules = watts * ((double)step_ns / 1e9);

			measured_ns += step_ns;
			share += running ? joules / (double)running : 0;
			*idle_joules += running ? 0 : joules;
			*idle_ns += running ? 0 : step_ns;
		}
		now_ns = e->time_ns;
		if (e->what == STRETCH_BEGINS) {
			measuring = true;
			watts = m->v[e->i].joules / ((double)(m->v[e->i].to_ns - m->v[e->i].from_ns) / 1e9);
		} else if (e->what == STRETCH_ENDS) {
			measuring = false;
		} else if (e->what == STARTS) {
			running++;
			users[e->i].joules = -share;
			users[e->i].measured_ns = -measured_ns;
		} else {
			running--;
			users[e->i].joules += share;
			users[e->i].measured_ns += measured_ns;
		}
	}
	free(edges);
	return 0;
}
