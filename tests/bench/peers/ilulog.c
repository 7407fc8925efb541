/* SPDX-License-Identifier: Apache-2.0 */
/* ilulog.c - our own side of log_bench, measured as its peers are; a call is also counted out of line, as theirs. */
#define ILU_TARGET "worker::queue"
#include <ilu/log.h>

#include "logger.h"

static __thread ilu_tid tid;

static void logger_open(const char *path)
{
	const char *slash = strrchr(path, '/');
	char config[512];

	/* PATH is DIRECTORY/NAME.log */
	snprintf(config, sizeof config,
	         "{\"directory\":\"%.*s\",\"at_start\":\"new\",\"basename\":\"%.*s\",\"level\":\"info\",\"include_"
	         "spans_json\":false}",
	         (int)(slash - path), path, (int)strlen(slash + 1) - 4, slash + 1);
	if (ilu_log_start(config))
		exit(1);
}

static void logger_in_span(void (*body)(void *), void *arg)
{
	tid = ilu_tid_generate();
	ILU_SPAN(span, "invoke", &tid, KV("fqdn", "hello-3-0.0.1"));

	body(arg);
}

static void logger_line(uint64_t i)
{
	ilu_info(&tid, "Item starting to execute", KV("fqdn", "hello-3-0.0.1"), KV("insert_time", LOGGER_INSERT_TIME),
	         KV("queue_len", i % 97), KV("est", (double)(i % 1000) / 1000), KV("warm", (bool)(i & 1)));
}

static void logger_call(uint64_t i)
{
	ilu_info(&tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25),
	         KV("warm", (bool)(i & 1)));
}

static void logger_flush(void)
{
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		exit(1);
}

static void logger_close(void)
{
	struct ilu_log_stats stats = {.size = sizeof stats};

	ilu_log_stats(&stats);
	if (stats.lost || ilu_log_stop())
		exit(1);
}

int bench_ilulog(int argc, char **argv);
int bench_ilulog(int argc, char **argv)
{
	return measure(argc, argv);
}
