/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - the files that a load generator leaves beside the logs: the trace, the functions, what came back. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text, gathered: a day is half a gigabyte ---- */

struct out {
	FILE *f;
	size_t len;
	char text[64 << 10];
};

static void flush(struct out *o)
{
	fwrite(o->text, 1, o->len, o->f);
	o->len = 0;
}

static inline void put_bytes(struct out *o, const char *text, size_t n)
{
	if (n > sizeof o->text - o->len)
		flush(o);
	if (n > sizeof o->text) {
		fwrite(text, 1, n, o->f);
		return;
	}
	memcpy(o->text + o->len, text, n);
	o->len += n;
}

#define PUT(o, literal) put_bytes(o, "" literal, sizeof(literal) - 1)

static void put(struct out *o, const char *text)
{
	put_bytes(o, text, strlen(text));
}

static void put_bool(struct out *o, bool x)
{
	put(o, x ? "true" : "false");
}

static void put_number(struct out *o, int64_t x)
{
	char digits[24], *at = digits + sizeof digits;
	uint64_t rest = x < 0 ? -(uint64_t)x : (uint64_t)x;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (x < 0)
		*--at = '-';
	put_bytes(o, at, (size_t)(digits + sizeof digits - at));
}

/* ---- the files ---- */

static void write_trace(const struct sim *sim, struct out *o)
{
	PUT(o, "func_name,invoke_time_ms\n");
	for (size_t i = 0; i < sim->nitems; i++) {
		put(o, sim->items[i]->fn->name);
		PUT(o, ",");
		put_number(o, (sim->items[i]->sent_ns - sim->start_ns) / MS);
		PUT(o, "\n");
	}
}

static void write_functions(const struct sim *sim, struct out *o)
{
	PUT(o, "func_name,cold_dur_ms,warm_dur_ms,mem_mb,image_name,compute,isolation,prewarms\n");
	for (int i = 0; i < sim->nfns; i++) {
		const struct function *fn = sim->fns[i];

		put(o, fn->name);
		PUT(o, ",");
		put_number(o, fn->cold_ms);
		PUT(o, ",");
		put_number(o, fn->warm_ms);
		PUT(o, ",");
		put_number(o, fn->mem_mb);
		PUT(o, ",");
		put(o, fn->image);
		PUT(o, ",CPU,CONTAINERD,");
		put_number(o, fn->prewarms);
		PUT(o, "\n");
	}
}

static bool succeeded(const struct item *it)
{
	return it->compute != COMPUTE_NONE && it->own.end != OWN_ERROR;
}

static void put_tid(struct out *o, const struct item *it)
{
	char tid[ILU_TID_MAX];

	put(o, ilu_tid_str(&it->tid, tid));
}

static void write_row(const struct item *it, struct out *o)
{
	char seconds[32];

	put_bool(o, succeeded(it));
	PUT(o, ",");
	put(o, it->fn->name);
	PUT(o, ",");
	put_bool(o, it->body_cold);
	if (succeeded(it)) {
		format_seconds(it->body_end_ns - it->body_start_ns, 9, seconds);
		PUT(o, ",");
		put_number(o, it->duration_ns / 1000);
		PUT(o, ",");
		put(o, seconds);
		PUT(o, ",");
	} else {
		PUT(o, ",0,0,");
	}
	put_number(o, it->latency_ns / 1000);
	PUT(o, ",");
	put_tid(o, it);
	PUT(o, "\n");
}

static void write_table(const struct sim *sim, struct out *o)
{
	PUT(o, "success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\n");
	for (size_t i = 0; i < sim->nitems; i++)
		write_row(sim->items[i], o);
}

struct body {
	const char *cold;
	char start[32], end[32], latency[32];
};

static void format_body(const struct item *it, struct body *b)
{
	b->cold = it->body_cold ? "true" : "false";
	format_seconds(it->body_start_ns, 7, b->start);
	format_seconds(it->body_end_ns, 7, b->end);
	format_seconds(it->body_end_ns - it->body_start_ns, 9, b->latency);
}

/* The function's own answer; in the worker's response it stands as a string. */
#define PUT_BODY(o, b, quote)                                                                                          \
	(PUT(o, "{" quote "body" quote ":{" quote "cold" quote ":"), put(o, (b)->cold),                                \
	 PUT(o, "," quote "start" quote ":"), put(o, (b)->start), PUT(o, "," quote "end" quote ":"), put(o, (b)->end), \
	 PUT(o, "," quote "latency" quote ":"), put(o, (b)->latency), PUT(o, "}}"))

static void put_why(struct out *o, const struct item *it)
{
	PUT(o, "{ \\\"Error\\\": \\\"");
	put(o, it->why.text);
	PUT(o, "\\\" }");
}

/* The order differs with who answered. */
static void put_sent(const struct item *it, struct out *o, bool by_controller)
{
	char sent[32];

	format_time(it->sent_ns, sent);
	if (!by_controller) {
		PUT(o, "\",\"tid\":\"");
		put_tid(o, it);
	}
	PUT(o, "\",\"invoke_start\":\"");
	put(o, sent);
	if (by_controller) {
		PUT(o, "\",\"tid\":\"");
		put_tid(o, it);
	}
	PUT(o, "\"}");
}

static void write_answer(const struct item *it, struct out *o, bool by_controller)
{
	struct body body;

	format_body(it, &body);
	put(o, by_controller ? "{\"controller" : "{\"worker");
	PUT(o, "_response\":{\"json_result\":\"");
	if (succeeded(it))
		PUT_BODY(o, &body, "\\\"");
	else
		put_why(o, it);
	PUT(o, "\",\"success\":");
	put_bool(o, succeeded(it));
	PUT(o, ",\"duration_us\":");
	put_number(o, succeeded(it) ? it->duration_ns / 1000 : 0);
	PUT(o, ",\"compute\":");
	put_number(o, it->compute);
	PUT(o, ",\"container_state\":");
	put_number(o, succeeded(it) ? (int)it->state : STATE_ERROR);
	PUT(o, "},\"function_output\":");
	PUT_BODY(o, &body, "\"");
	PUT(o, ",\"client_latency_us\":");
	put_number(o, it->latency_ns / 1000);
	PUT(o, ",\"function_name\":\"");
	put(o, it->fn->name);
	PUT(o, "\",\"function_version\":\"" FUNCTION_VERSION);
	put_sent(it, o, by_controller);
}

static void write_answers(const struct sim *sim, struct out *o)
{
	PUT(o, "[");
	for (size_t i = 0; i < sim->nitems; i++) {
		if (i)
			PUT(o, ",");
		write_answer(sim->items[i], o, sim->controller);
	}
	PUT(o, "]\n");
}

static int write_file(const struct sim *sim, const char *path, void (*write)(const struct sim *sim, struct out *o))
{
	struct out *o = malloc(sizeof *o);
	int rc = 0;
	bool bad;

	if (!o)
		return -ENOMEM;
	o->len = 0;
	o->f = fopen(path, "w");
	if (!o->f) {
		rc = -errno;
		free(o);
		return rc;
	}
	setvbuf(o->f, NULL, _IONBF, 0);
	write(sim, o);
	flush(o);
	bad = ferror(o->f);
	if (fclose(o->f) || bad)
		rc = errno ? -errno : -EIO;
	free(o);
	return rc;
}

int results_write(const struct sim *sim, char *path, size_t size)
{
	static const struct {
		const char *name;
		void (*write)(const struct sim *sim, struct out *o);
	} files[] = {
	    {"in.csv", write_trace},
	    {"meta.csv", write_functions},
	    {"output-in.csv", write_table},
	    {"output-full-in.json", write_answers},
	};

	/* the load generator writes what came back when all of it is there: of a run that hangs there is nothing */
	for (size_t i = 0; i < (sim->unanswered ? 2 : sizeof files / sizeof *files); i++) {
		snprintf(path, size, "%s/%s", sim->opt.directory, files[i].name);
		int rc = write_file(sim, path, files[i].write);
		if (rc)
			return rc;
	}
	return 0;
}
