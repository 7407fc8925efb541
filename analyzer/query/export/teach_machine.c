/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach_machine.c - functions.csv and settings.csv: memory, cores, workers and policies, as far as a run tells them. */
#include "query/core/outfile.h"
#include "query/export/teach.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions ---- */

static bool has_column(struct query *q, const char *name)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT 1 FROM pragma_table_info('function') WHERE name = ?1");
	bool has;

	bind_word(st, 1, name);
	has = query_next(q, st);
	sqlite3_finalize(st);
	return has;
}

/* Of all containers, by what their manager says of their number and their memory; 0: it says nothing. */
static int64_t mean_memory(const struct teach *t)
{
	sqlite3_stmt *st = query_prepare(
	    t->x->q,
	    "SELECT CAST(round(avg(u.value / n.value)) AS INTEGER) FROM series u JOIN series n ON n.run = u.run AND "
	    "n.worker IS u.worker AND n.time_ns = u.time_ns WHERE u.run = ?1 AND u.name = 'cpu_used_mem' AND "
	    "n.name = 'num_containers' AND n.value > 0");
	int64_t mb;

	sqlite3_bind_int64(st, 1, t->x->run);
	mb = query_next(t->x->q, st) && sqlite3_column_int64(st, 0) > 0 ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_finalize(st);
	return mb;
}

/* Fills by function; 0: the metadata does not say. */
static void read_memory(struct teach *t, int64_t *mb)
{
	sqlite3_stmt *st;

	if (!has_column(t->x->q, "mem_mb"))
		return;
	st = query_prepare(t->x->q,
	                   "SELECT func_name, CAST(mem_mb AS INTEGER) FROM function WHERE run = ?1 AND mem_mb > 0");
	sqlite3_bind_int64(st, 1, t->x->run);
	while (query_next(t->x->q, st)) {
		uint32_t number = intern_find(&t->names, column_slice(st, 0));

		if (number != INTERN_NONE)
			mb[number] = sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
}

static void put_functions(struct teach *t, const int64_t *mb)
{
	int64_t mean = 0;
	uint32_t guessed = 0;
	struct text *line = &t->x->line;

	text_puts(line, "function,memory_mb,from,code_ms,requests,cold\n");
	for (uint32_t i = 0; i < t->names.n && !t->x->q->status; i++) {
		const struct taught *fn = &t->function[i];

		if (!mb[i] && !guessed++)
			mean = mean_memory(t);
		export_add_csv_text(t->x, t->names.text[i]);
		text_printf(line, ",%" PRId64 ",%s,",
		            mb[i]  ? mb[i]
		            : mean ? mean
		                   : 128,
		            mb[i]  ? "metadata of the run"
		            : mean ? "guessed: the mean of all containers"
		                   : "guessed");
		if (fn->coded)
			teach_add_ms(line, llround(fn->code_ns / (double)fn->coded));
		text_printf(line, ",%" PRId64 ",%" PRId64 "\n", fn->requests, fn->cold);
		query_ok(t->x->q, export_put(t->x), t->x->directory);
	}
	if (guessed)
		query_note(t->x->q,
		           "guessed, of %" PRIu32 " of %" PRIu32
		           " functions: the memory of a container (functions.csv)",
		           guessed, t->names.n);
}

void teach_put_functions(struct teach *t)
{
	struct outfile file;
	int64_t *mb;

	if (!export_open_file(t->x, &file, "functions.csv"))
		return;
	mb = calloc((size_t)t->names.n + 1, sizeof *mb);
	query_ok(t->x->q, mb ? 0 : -ENOMEM, t->x->q->command);
	if (mb) {
		read_memory(t, mb);
		put_functions(t, mb);
	}
	free(mb);
	outfile_close(t->x->q, &file);
}

/* ---- settings ---- */

static void put(struct teach *t, const char *name, const char *value, const char *from, const char *why)
{
	text_printf(&t->x->line, "%s,%s,%s,", name, value, from);
	export_add_csv(&t->x->line, (struct slice){why, strlen(why)});
	text_puts(&t->x->line, "\n");
	query_ok(t->x->q, export_put(t->x), t->x->directory);
	if (!strcmp(from, "guessed"))
		query_note(t->x->q, "guessed: %s %s (%s)", name, value, why);
}

static void put_number(struct teach *t, const char *name, int64_t value, const char *from, const char *why)
{
	char number[TEXT_DECIMAL];

	number[text_decimal(value, number)] = '\0';
	put(t, name, number, from, why);
}

/* What one statement about the run says, NO_NS: nothing. */
static int64_t ask(struct teach *t, const char *sql)
{
	sqlite3_stmt *st = query_prepare(t->x->q, sql);
	int64_t n;

	sqlite3_bind_int64(st, 1, t->x->run);
	n = query_next(t->x->q, st) ? column_ns(st, 0) : NO_NS;
	sqlite3_finalize(st);
	return n;
}

static void put_cores(struct teach *t, const struct teach_order *o)
{
	put_number(t, "cores", o->cores > 0 ? o->cores : 1, o->cores_told ? "log" : "guessed",
	           o->cores_told ? "what the worker reports" : "the most that executed at a time");
	if (o->cores_least < o->cores)
		query_note(t->x->q, "guessed: all workers have %" PRId64 " cores; the least had %" PRId64, o->cores,
		           o->cores_least);
}

static void put_memory(struct teach *t)
{
	int64_t mb = ask(t, "SELECT CAST(max(value) AS INTEGER) FROM series WHERE run = ?1 AND name = 'cpu_total_mem'");

	if (mb > 0)
		put_number(t, "memory", mb, "log", "what the container manager reports, in MB");
	else
		put_number(t, "memory", 1048576, "guessed", "no line tells: as good as none");
}

static void put_queue(struct teach *t, const struct teach_order *o)
{
	char why[160];

	snprintf(why, sizeof why,
	         "of %" PRId64 " pairs of a request that was taken and one that waited on, %.1f %% agree", o->pairs,
	         100 * o->share);
	if (o->policy && o->pairs >= 20)
		put(t, "queue", o->policy, "measured", why);
	else
		put(t, "queue", "fcfs", "guessed", o->pairs < 20 ? "hardly anything ever waited" : why);
}

static void put_keep_alive(struct teach *t)
{
	int64_t ns = teach_idle(t);

	if (ns == NO_NS)
		put(t, "keep-alive", "86400000", "measured",
		    "no idle container was removed but to make room: longer than the run, in ms");
	else
		put_number(t, "keep-alive", ns / 1000000, "measured",
		           "the least that those had been idle that were not removed to make room, in ms");
}

/* Which balancer there was, by who speaks: "least-loaded". */
static void put_balancer(struct teach *t)
{
	sqlite3_stmt *st = query_prepare(t->x->q, "SELECT DISTINCT target FROM event WHERE run = ?1 AND target GLOB "
	                                          "'*::load_balance::*'");
	static const char *const known[][2] = {
	    {"round_robin", "round-robin"}, {"least_loaded", "least-loaded"}, {"ch_rlu", "ch-rlu"}};
	const char *found = NULL;

	sqlite3_bind_int64(st, 1, t->x->run);
	while (query_next(t->x->q, st))
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strstr((const char *)sqlite3_column_text(st, 0), known[i][0]))
				found = known[i][1];
	sqlite3_finalize(st);
	put(t, "balance", "recorded", "measured", "each request goes to the worker that it went to");
	if (found)
		put(t, "balancer", found, "log", "who chose then; --workers N asks it again");
	else
		put(t, "balancer", "round-robin", "guessed", "no line names who chose; --workers N asks it");
}

static void put_settings(struct teach *t, const struct teach_order *o)
{
	int64_t workers =
	    ask(t, "SELECT count(DISTINCT worker) FROM invocation WHERE run = ?1 AND start_ns IS NOT NULL");

	text_puts(&t->x->line, "setting,value,from,why\n");
	put_number(t, "workers", workers > 0 ? workers : 1, "log", "those that executed anything");
	if (t->controller || workers > 1)
		put_balancer(t);
	put_cores(t, o);
	put_memory(t);
	put_queue(t, o);
	put_keep_alive(t);
	put(t, "eviction", "lru", "guessed", "no line tells who makes room");
	put_number(t, "retries", t->retries, "measured", "the most that one request had");
	query_ok(t->x->q, sample_sort(&t->network), t->x->q->command);
	put_number(t, "network", t->network.n ? sample_quantile(&t->network, 0.5) / 1000 : 0, "measured",
	           "the median way to a worker, in us; for requests that do not tell theirs");
}

void teach_put_settings(struct teach *t)
{
	struct teach_order order;
	struct outfile file;

	if (t->x->q->status || !query_ok(t->x->q, teach_order(t->x->q->store, t->x->run, &order), t->x->q->path))
		return;
	if (!export_open_file(t->x, &file, "settings.csv"))
		return;
	put_settings(t, &order);
	outfile_close(t->x->q, &file);
}
