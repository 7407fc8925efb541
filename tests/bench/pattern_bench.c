/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pattern_bench.c - how well and how fast messages become templates.
 *
 * With ILU_LOGHUB naming a checkout of Loghub (github.com/logpai/loghub): the sixteen sets of 2,000 lines, each with
 * the group that people gave it. Grouping accuracy is the share of lines whose group is exactly theirs. Without it: how
 * fast alone, on lines of a web server. */
#include "base/template.h"
#include "beside/csv.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 2000, ROUNDS = 50 };

struct lines {
	struct intern texts, events;
	uint32_t text[LINES], event[LINES], n;
};

static void check(int rc)
{
	if (rc < 0)
		bench_die(strerror(-rc));
}

static unsigned column(const struct csv *c, const char *name)
{
	for (unsigned i = 0; i < c->nfields; i++)
		if (slice_is(c->field[i], name))
			return i;
	bench_die(name);
}

static void read_lines(struct lines *l, const char *path)
{
	struct csv c;
	const char *why = NULL;
	unsigned content, event;

	*l = (struct lines){0};
	intern_init(&l->texts);
	intern_init(&l->events);
	if (csv_open(&c, path, &why) || csv_next(&c, &why) != 1)
		bench_die(path);
	content = column(&c, "Content");
	event = column(&c, "EventId");
	for (; l->n < LINES && csv_next(&c, &why) == 1; l->n++) {
		check(intern_add(&l->texts, c.field[content], &l->text[l->n]));
		check(intern_add(&l->events, c.field[event], &l->event[l->n]));
	}
	csv_close(&c);
}

/* The group of each line. */
static void group(const struct lines *l, uint32_t *of)
{
	struct intern masked, templates;
	uint32_t *number = malloc((l->texts.n + 1) * sizeof *number), *template;
	struct template_text *v;

	intern_init(&masked);
	intern_init(&templates);
	if (!number)
		bench_die("memory");
	for (uint32_t i = 0; i < l->texts.n; i++) {
		char buf[TEMPLATE_ROOM(TEMPLATE_TEXT_MAX)];
		struct slice t = l->texts.text[i];

		check(intern_add(&masked, (struct slice){buf, template_mask(t.ptr, t.len, buf)}, &number[i]));
	}
	template = calloc(masked.n + 1, sizeof *template);
	v = calloc(masked.n + 1, sizeof *v);
	if (!template || !v)
		bench_die("memory");
	for (uint32_t i = 0; i < masked.n; i++)
		v[i].text = i;
	check(template_merge(&masked, v, masked.n, &templates, template));
	for (uint32_t i = 0; i < l->n; i++)
		of[i] = template[number[l->text[i]]];
	intern_done(&masked);
	intern_done(&templates);
	free(number);
	free(template);
	free(v);
}

/* Lines whose group has exactly the lines of their event. */
static uint32_t right(const struct lines *l, const uint32_t *of)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		bool same = true;

		for (uint32_t k = 0; k < l->n && same; k++)
			same = (of[i] == of[k]) == (l->event[i] == l->event[k]);
		n += same;
	}
	return n;
}

static double accuracy(const char *dir, const char *name)
{
	char *path = bench_text("%s/%s/%s_2k.log_structured.csv", dir, name, name);
	struct lines l;
	uint32_t of[LINES];
	double share;

	read_lines(&l, path);
	group(&l, of);
	share = 100.0 * right(&l, of) / l.n;
	bench_figure(bench_text("pattern.accuracy.%s", name), share, "%");
	intern_done(&l.texts);
	intern_done(&l.events);
	free(path);
	return share;
}

static void accuracies(const char *dir)
{
	static const char *const sets[] = {"Android", "Apache",  "BGL",       "Hadoop",     "HDFS",      "HealthApp",
	                                   "HPC",     "Linux",   "Mac",       "OpenSSH",    "OpenStack", "Proxifier",
	                                   "Spark",   "Windows", "Zookeeper", "Thunderbird"};
	double sum = 0, least = 100;

	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		double share = accuracy(dir, sets[i]);

		sum += share;
		least = share < least ? share : least;
	}
	bench_figure("pattern.accuracy", sum / (sizeof sets / sizeof *sets), "%");
	bench_figure("pattern.accuracy.least", least, "%");
}

static void speed(void)
{
	char line[LINES][160], out[TEMPLATE_ROOM(TEMPLATE_TEXT_MAX)];
	size_t len[LINES], sum = 0;
	double began;

	for (unsigned i = 0; i < LINES; i++)
		len[i] = (size_t)snprintf(
		    line[i], sizeof line[i],
		    "10.0.%u.%u:%u \"GET /v2/servers/%08x HTTP/1.1\" status: %u len: %u time: %u.%06u", i % 7, i % 251,
		    1024 + i, i * 2654435761u, i % 3 ? 200 : 404, i * 37 % 9999, i % 3, i * 7919 % 1000000);
	began = bench_now();
	for (int r = 0; r < ROUNDS; r++)
		for (unsigned i = 0; i < LINES; i++)
			sum += template_mask(line[i], len[i], out);
	if (!sum)
		bench_die("nothing was masked");
	bench_figure("pattern.mask", LINES * ROUNDS / (bench_now() - began), "1/s");
}

int main(void)
{
	const char *loghub = getenv("ILU_LOGHUB");

	speed();
	if (loghub)
		accuracies(loghub);
	else
		fprintf(stderr, "ILU_LOGHUB is not set: no accuracy\n");
	return 0;
}
