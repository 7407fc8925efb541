/* SPDX-License-Identifier: Apache-2.0 */
/* naive.c - what one writes without a library: snprintf, a mutex, fwrite. It escapes nothing and keeps no thread's
 * name. */
#include <inttypes.h>
#include <stdbool.h>

#include "logger.h"

#define MESSAGE                                                                                       \
	"{\"timestamp\":\"%s.%09ldZ\",\"level\":\"INFO\",\"fields\":{\"message\":\"Item starting to " \
	"execute\",\"tid\":\"" LOGGER_TID "\","
#define REST LOGGER_SPAN ",\"threadName\":\"naive\",\"pid\":%d,\"seq\":%" PRIu64 "}\n"

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t seq;
static int pid;

static void logger_open(const char *path)
{
	unlink(path);
	file = fopen(path, "w");
	if (!file)
		exit(1);
	setvbuf(file, NULL, _IOFBF, 65536);
	pid = getpid();
}

static void logger_in_span(void (*body)(void *), void *arg)
{
	body(arg);
}

static void stamp(char out[32], long *ns)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	*ns = ts.tv_nsec;
}

static void put(const char *line, int n)
{
	pthread_mutex_lock(&lock);
	fwrite(line, 1, (size_t)n, file);
	pthread_mutex_unlock(&lock);
}

static void logger_line(uint64_t i)
{
	char line[1024], time[32];
	long ns;

	stamp(time, &ns);
	put(line, snprintf(line, sizeof line,
	                   MESSAGE "\"fqdn\":\"%s\",\"insert_time\":\"%s\",\"queue_len\":%" PRIu64
	                           ",\"est\":%g,\"warm\":%s" REST,
	                   time, ns, "hello-3-0.0.1", LOGGER_INSERT_TIME, i % 97, (double)(i % 1000) / 1000,
	                   i & 1 ? "true" : "false", pid, __atomic_fetch_add(&seq, 1, __ATOMIC_RELAXED)));
}

static void logger_call(uint64_t i)
{
	char line[1024], time[32];
	long ns;

	stamp(time, &ns);
	put(line,
	    snprintf(line, sizeof line, MESSAGE "\"queue_len\":%" PRIu64 ",\"n\":%d,\"est\":%g,\"warm\":%s" REST, time,
	             ns, i, 77, 0.25, i & 1 ? "true" : "false", pid, __atomic_fetch_add(&seq, 1, __ATOMIC_RELAXED)));
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
