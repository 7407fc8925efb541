/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - the files that a load generator leaves beside the logs: the trace, the functions, what came back. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>

static void write_trace(const struct sim *sim, FILE *f)
{
	fputs("func_name,invoke_time_ms\n", f);
	for (size_t i = 0; i < sim->nitems; i++)
		fprintf(f, "%s,%lld\n", sim->items[i]->fn->name, (long long)((sim->items[i]->sent_ns - sim->start_ns) / MS));
}

static void write_functions(const struct sim *sim, FILE *f)
{
	fputs("func_name,cold_dur_ms,warm_dur_ms,mem_mb,image_name,compute,isolation,prewarms\n", f);
	for (int i = 0; i < sim->nfns; i++) {
		const struct function *fn = sim->fns[i];

		fprintf(f, "%s,%d,%d,%d,%s,CPU,CONTAINERD,%d\n", fn->name, fn->cold_ms, fn->warm_ms, fn->mem_mb, fn->image, fn->prewarms);
	}
}

static bool succeeded(const struct item *it)
{
	return it->compute != COMPUTE_NONE;
}

static void write_table(const struct sim *sim, FILE *f)
{
	fputs("success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\n", f);
	for (size_t i = 0; i < sim->nitems; i++) {
		const struct item *it = sim->items[i];
		char tid[48], seconds[32];

		fprintf(f, "%s,%s,%s,", succeeded(it) ? "true" : "false", it->fn->name, it->body_cold ? "true" : "false");
		format_seconds(it->body_end_ns - it->body_start_ns, 9, seconds);
		if (succeeded(it))
			fprintf(f, "%lld,%s,", (long long)(it->duration_ns / 1000), seconds);
		else
			fputs("0,0,", f);
		fprintf(f, "%lld,%s\n", (long long)(it->latency_ns / 1000), ilu_tid_str(&it->tid, tid));
	}
}

/* The function's own answer; in the worker's response it stands as a string. */
static void format_body(const struct item *it, char *out, size_t size, const char *quote)
{
	char start[32], end[32], latency[32];

	format_seconds(it->body_start_ns, 7, start);
	format_seconds(it->body_end_ns, 7, end);
	format_seconds(it->body_end_ns - it->body_start_ns, 9, latency);
	snprintf(out, size, "{%sbody%s:{%scold%s:%s,%sstart%s:%s,%send%s:%s,%slatency%s:%s}}", quote, quote, quote, quote, it->body_cold ? "true" : "false", quote, quote,
		 start, quote, quote, end, quote, quote, latency);
}

static void write_answer(const struct item *it, FILE *f)
{
	char body[256], quoted[320], sent[32], tid[48];

	format_body(it, body, sizeof body, "\"");
	if (succeeded(it))
		format_body(it, quoted, sizeof quoted, "\\\"");
	else
		snprintf(quoted, sizeof quoted, "{ \\\"Error\\\": \\\"%.200s\\\" }", it->why.text);
	format_time(it->sent_ns, sent);
	fprintf(f,
		"{\"worker_response\":{\"json_result\":\"%s\",\"success\":%s,\"duration_us\":%lld,\"compute\":%d,\"container_state\":%d},"
		"\"function_output\":%s,\"client_latency_us\":%lld,\"function_name\":\"%s\",\"function_version\":\"%s\",\"tid\":\"%s\",\"invoke_start\":\"%s\"}",
		quoted, succeeded(it) ? "true" : "false", succeeded(it) ? (long long)(it->duration_ns / 1000) : 0, it->compute,
		succeeded(it) ? (int)it->state : STATE_ERROR, body, (long long)(it->latency_ns / 1000), it->fn->name, FUNCTION_VERSION, ilu_tid_str(&it->tid, tid), sent);
}

static void write_answers(const struct sim *sim, FILE *f)
{
	fputc('[', f);
	for (size_t i = 0; i < sim->nitems; i++) {
		if (i)
			fputc(',', f);
		write_answer(sim->items[i], f);
	}
	fputs("]\n", f);
}

int results_write(const struct sim *sim, char *path, size_t size)
{
	static const struct {
		const char *name;
		void (*write)(const struct sim *sim, FILE *f);
	} files[] = {
		{"in.csv", write_trace},
		{"meta.csv", write_functions},
		{"output-in.csv", write_table},
		{"output-full-in.json", write_answers},
	};

	/* the load generator writes what came back when all of it is there: of a run that hangs there is nothing */
	for (size_t i = 0; i < (sim->unanswered ? 2 : sizeof files / sizeof *files); i++) {
		snprintf(path, size, "%s/%s", sim->opt.directory, files[i].name);
		FILE *f = fopen(path, "w");
		if (!f)
			return -errno;
		files[i].write(sim, f);
		bool bad = ferror(f);
		if (fclose(f) || bad)
			return errno ? -errno : -EIO;
	}
	return 0;
}
