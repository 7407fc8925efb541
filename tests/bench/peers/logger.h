/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - how a logger is measured, the same way for all: C or C++, included once by each program.
 *
 * A program defines the functions declared here and calls measure() from main:
 *
 *   PROGRAM lines PATH THREADS LINES   -> lines/s  CPU us/line  memory in bytes  bytes of the file  lines in the file
 *   PROGRAM paced|burst PATH CALLS     -> ns of a call: p50 p90 p99 p99.9 max; paced: one every 10 us
 *   PROGRAM clock PATH CALLS           -> the same with no call: what reading the clock around it costs
 *   PROGRAM count PATH CALLS           -> instructions a call by the processor's counter; ends with 3 where there is
 * none
 *
 * "lines" ends when all is written by write(2). Memory is the most that was resident. */
#ifndef BENCH_PEERS_LOGGER_H
#define BENCH_PEERS_LOGGER_H

#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define LOGGER_TID         "9f0c0000000000000000000000000001"
#define LOGGER_INSERT_TIME "2026-11-22 20:37:51.809164705"
/* After the fields; then the thread's name, the process, a number that grows. */
#define LOGGER_SPAN                                                                                 \
	"},\"target\":\"worker::queue\",\"span\":{\"fqdn\":\"hello-3-0.0.1\",\"tid\":\"" LOGGER_TID \
	"\",\"name\":\"invoke\",\"id\":\"0000000000000001\"}"

static void logger_open(const char *path);
/* Make calls in a span, if the logger has such a thing. */
static void logger_in_span(void (*body)(void *), void *arg);
/* "Item starting to execute" with two strings, a number, a double, a bool; and with four scalars. */
static void logger_line(uint64_t i);
static void logger_call(uint64_t i);
/* Write everything. */
static void logger_flush(void);
static void logger_close(void);

static double logger_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t logger_ticks(void)
{
#ifdef __x86_64__
	return __rdtsc();
#else
	return (uint64_t)(logger_now() * 1e9);
#endif
}

static double logger_ns_per_tick(void)
{
	double begin = logger_now();
	uint64_t first = logger_ticks();

	while (logger_now() - begin < 0.05)
		;
	return (logger_now() - begin) * 1e9 / (double)(logger_ticks() - first);
}

/* ---- a call ---- */

static int logger_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct logger_calls {
	uint64_t n, pause; /* ticks */
	int with_call;
	uint64_t *ticks;
};

static void logger_time_calls(void *arg)
{
	struct logger_calls *c = (struct logger_calls *)arg;
	uint64_t next;

	for (uint64_t i = 0; i < 1000; i++)
		logger_call(i);
	logger_flush();
	next = logger_ticks();
	for (uint64_t i = 0; i < c->n; i++) {
		uint64_t begin;

		while (c->pause && logger_ticks() < next)
			;
		next += c->pause;
		begin = logger_ticks();
		if (c->with_call)
			logger_call(i);
		c->ticks[i] = logger_ticks() - begin;
	}
}

static void logger_calls(uint64_t n, int paced, int with_call)
{
	static const double share[] = {0.5, 0.9, 0.99, 0.999, 1};
	double ns = logger_ns_per_tick();
	struct logger_calls c = {n, paced ? (uint64_t)(10000 / ns) : 0, with_call,
	                         (uint64_t *)calloc(n, sizeof(uint64_t))};

	for (uint64_t i = 0; i < n; i++)
		c.ticks[i] = i; /* no page fault later */
	logger_in_span(logger_time_calls, &c);
	qsort(c.ticks, n, sizeof *c.ticks, logger_compare);
	for (size_t i = 0; i < sizeof share / sizeof *share; i++)
		printf("%.6g ", (double)c.ticks[(size_t)(share[i] * (double)(n - 1))] * ns);
	free(c.ticks);
}

/* What callgrind is told to count. */
#ifdef __cplusplus
extern "C"
#endif
    __attribute__((noinline)) void
    logger_counted(uint64_t i);
void logger_counted(uint64_t i)
{
	logger_call(i);
}

struct logger_count {
	uint64_t n;
	int fd;
};

static void logger_count_calls(void *arg)
{
	struct logger_count *c = (struct logger_count *)arg;

	for (uint64_t i = 0; i < 1000; i++)
		logger_call(i);
	logger_flush();
	if (c->fd >= 0)
		ioctl(c->fd, PERF_EVENT_IOC_ENABLE, 0);
	for (uint64_t i = 0; i < c->n; i++)
		logger_counted(i);
	if (c->fd >= 0)
		ioctl(c->fd, PERF_EVENT_IOC_DISABLE, 0);
}

static int logger_count(uint64_t n)
{
	struct logger_count c = {n, -1};
	struct perf_event_attr attr;
	uint64_t counted = 0;

	memset(&attr, 0, sizeof attr);
	attr.type = PERF_TYPE_HARDWARE;
	attr.size = sizeof attr;
	attr.config = PERF_COUNT_HW_INSTRUCTIONS;
	attr.exclude_kernel = attr.exclude_hv = attr.disabled = 1;
	c.fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	logger_in_span(logger_count_calls, &c);
	if (c.fd < 0 || read(c.fd, &counted, sizeof counted) != sizeof counted)
		return 3;
	printf("%.6g ", (double)counted / (double)n);
	return 0;
}

/* ---- lines a second ---- */

static uint64_t logger_lines_of_thread;

static void logger_write_lines(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < logger_lines_of_thread; i++)
		logger_line(i);
}

static void *logger_thread(void *unused)
{
	logger_in_span(logger_write_lines, NULL);
	return unused;
}

static double logger_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* ru_maxrss would count the parent's memory too. */
static double logger_memory(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (double)kib * 1024;
}

static void logger_lines(int threads, uint64_t lines)
{
	pthread_t thread[64];
	double begin = logger_now(), used = logger_cpu(), wall;

	logger_lines_of_thread = lines / (uint64_t)threads;
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, logger_thread, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	logger_flush();
	wall = logger_now() - begin;
	printf("%.6g %.6g %.0f ", (double)lines / wall, (logger_cpu() - used) * 1e6 / (double)lines, logger_memory());
}

static void logger_file(const char *path)
{
	static char block[1 << 18];
	uint64_t bytes = 0, lines = 0;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	while (fd >= 0 && (n = read(fd, block, sizeof block)) > 0) {
		bytes += (uint64_t)n;
		for (char *at = block; (at = (char *)memchr(at, '\n', (size_t)(block + n - at))) != NULL; at++)
			lines++;
	}
	printf("%.0f %.0f ", (double)bytes, (double)lines);
}

static int measure(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[1] : "";
	int rc = 0;

	if (argc < 4)
		return 2;
	logger_open(argv[2]);
	if (!strcmp(how, "lines"))
		logger_lines(atoi(argv[3]), strtoull(argv[4], NULL, 10));
	else if (!strcmp(how, "count"))
		rc = logger_count(strtoull(argv[3], NULL, 10));
	else
		logger_calls(strtoull(argv[3], NULL, 10), strcmp(how, "burst") != 0, strcmp(how, "clock") != 0);
	logger_close();
	if (!strcmp(how, "lines"))
		logger_file(argv[2]);
	puts("");
	return rc;
}

#endif
