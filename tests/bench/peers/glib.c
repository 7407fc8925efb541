/* SPDX-License-Identifier: Apache-2.0 */
/* glib.c - GLib's structured logging with a writer of our own that makes the same line. GLib passes text only, so the
 * caller formats its numbers, and gives their length to tell them from strings. It escapes nothing. */
#include <glib.h>
#include <inttypes.h>

#include "logger.h"

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seq;
static int pid;

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer unused)
{
	char line[1024], time[32];
	struct timespec ts;
	struct tm tm;
	int len;

	(void)level;
	(void)unused;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm);
	len = g_snprintf(line, sizeof line,
	                 "{\"timestamp\":\"%s.%09ldZ\",\"level\":\"INFO\",\"fields\":{\"message\":\"%s\"", time,
	                 ts.tv_nsec, (const char *)fields[0].value);
	for (gsize i = 1; i < n; i++) {
		const char *value = (const char *)fields[i].value;
		const char *quote = fields[i].length < 0 ? "\"" : "";

		len += g_snprintf(line + len, sizeof line - (size_t)len, ",\"%s\":%s%s%s", fields[i].key, quote, value,
		                  quote);
	}
	len += g_snprintf(line + len, sizeof line - (size_t)len,
	                  LOGGER_SPAN ",\"threadName\":\"glib\",\"pid\":%d,\"seq\":%" PRIu64 "}\n", pid,
	                  __atomic_fetch_add(&seq, 1, __ATOMIC_RELAXED));
	pthread_mutex_lock(&lock);
	fwrite(line, 1, (size_t)len, file);
	pthread_mutex_unlock(&lock);
	return G_LOG_WRITER_HANDLED;
}

static void logger_open(const char *path)
{
	unlink(path);
	file = fopen(path, "w");
	if (!file)
		exit(1);
	setvbuf(file, NULL, _IOFBF, 65536);
	pid = getpid();
	g_log_set_writer_func(write_line, NULL, NULL);
}

static void logger_in_span(void (*body)(void *), void *arg)
{
	body(arg);
}

static void logger_line(uint64_t i)
{
	char queue_len[24], est[32];
	int queue_len_len = g_snprintf(queue_len, sizeof queue_len, "%" PRIu64, i % 97);
	int est_len = g_snprintf(est, sizeof est, "%g", (double)(i % 1000) / 1000);
	GLogField fields[] = {
	    {"MESSAGE", "Item starting to execute", -1},
	    {"tid", LOGGER_TID, -1},
	    {"fqdn", "hello-3-0.0.1", -1},
	    {"insert_time", LOGGER_INSERT_TIME, -1},
	    {"queue_len", queue_len, queue_len_len},
	    {"est", est, est_len},
	    {"warm", i & 1 ? "true" : "false", i & 1 ? 4 : 5},
	};

	g_log_structured_array(G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS(fields));
}

static void logger_call(uint64_t i)
{
	char queue_len[24], n[16], est[32];
	int queue_len_len = g_snprintf(queue_len, sizeof queue_len, "%" PRIu64, i);
	int n_len = g_snprintf(n, sizeof n, "%d", 77), est_len = g_snprintf(est, sizeof est, "%g", 0.25);
	GLogField fields[] = {
	    {"MESSAGE", "Item starting to execute", -1},
	    {"tid", LOGGER_TID, -1},
	    {"queue_len", queue_len, queue_len_len},
	    {"n", n, n_len},
	    {"est", est, est_len},
	    {"warm", i & 1 ? "true" : "false", i & 1 ? 4 : 5},
	};

	g_log_structured_array(G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS(fields));
}

static void logger_flush(void)
{
	fflush(file);
}

static void logger_close(void)
{
	fclose(file);
}

int main(int argc, char **argv)
{
	return measure(argc, argv);
}
