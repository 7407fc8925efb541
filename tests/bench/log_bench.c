/* SPDX-License-Identifier: Apache-2.0 */
/* log_bench.c - the logger: what a call costs its caller, and how many lines a second reach the file.
 *
 * The event is an item of a FaaS queue inside a span: 7 keys of 3 types, about 400 bytes a line. Nothing is lost: each run
 * asserts it. Paced calls come every 10 us from a spinning thread; the clock's own cost is a figure of its own and is part
 * of the calls'. "lines" is from the first call until everything is written by write(2), on page cache that an earlier
 * pass left behind; "floor" writes the same bytes without a logger. The peer is snprintf, a mutex and fwrite. */
#define ILU_TARGET "worker::queue"
#include <ilu/log.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define LINES 1000000
#define PACED 100000

static char dir[] = "/tmp/ilu-bench-XXXXXX";

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static uint64_t ticks(void)
{
#ifdef __x86_64__
	return __rdtsc();
#else
	return (uint64_t)(now() * 1e9);
#endif
}

static double ns_per_tick;

static void calibrate(void)
{
	double begin = now();
	uint64_t first = ticks();

	while (now() - begin < 0.05)
		;
	ns_per_tick = (now() - begin) * 1e9 / (double)(ticks() - first);
}

static void figure(const char *bench, double value, const char *unit, const char *peer, double peer_value)
{
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", bench, value, unit);
	if (peer)
		printf(",\"peer\":\"%s\",\"peer_value\":%.6g", peer, peer_value);
	printf("}\n");
	fflush(stdout);
}

static void die(const char *what)
{
	fprintf(stderr, "log_bench: %s\n", what);
	exit(1);
}

static void start(const char *level)
{
	char config[256];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"b\",\"level\":\"%s\",\"include_spans_json\":false}", dir,
		 level);
	if (ilu_log_start(config))
		die("cannot start");
}

static void stop(void)
{
	struct ilu_log_stats stats;

	ilu_log_stats(&stats);
	if (stats.lost)
		die("records were lost");
	if (ilu_log_stop())
		die("cannot stop");
}

/* ---- one call ---- */

__attribute__((noinline)) static void call(const ilu_tid *tid, uint64_t i)
{
	ilu_info(tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25), KV("warm", (bool)(i & 1)));
}

__attribute__((noinline)) static void disabled_call(const ilu_tid *tid, uint64_t i)
{
	ilu_trace(tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25), KV("warm", (bool)(i & 1)));
}

__attribute__((noinline)) static void no_call(const ilu_tid *tid, uint64_t i)
{
	__asm__ volatile("" : : "r"(tid), "r"(i) : "memory");
}

static double each(void (*f)(const ilu_tid *, uint64_t), const ilu_tid *tid, uint64_t n)
{
	double best = 1e9;

	for (int round = 0; round < 5; round++) {
		double begin = now();

		for (uint64_t i = 0; i < n; i++)
			f(tid, i);
		double one = (now() - begin) * 1e9 / (double)n;

		best = one < best ? one : best;
	}
	return best;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles(const char *name, uint64_t *t, size_t n)
{
	static const struct {
		const char *name;
		double share;
	} p[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p999", 0.999 }, { "max", 1 } };

	qsort(t, n, sizeof *t, compare);
	for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
		size_t at = (size_t)(p[i].share * (double)(n - 1));
		char bench[64];

		snprintf(bench, sizeof bench, "log.%s.%s", name, p[i].name);
		figure(bench, (double)t[at] * ns_per_tick, "ns", NULL, 0);
	}
}

static void latency(const char *name, uint64_t pause_ns, size_t n, bool with_call)
{
	uint64_t *t = calloc(n, sizeof *t), next, pause = (uint64_t)((double)pause_ns / ns_per_tick);
	ilu_tid tid = ilu_tid_generate();

	start("info");
	{
		ILU_SPAN(span, "invoke", &tid, KV("fqdn", "hello-3-0.0.1"));

		for (int i = 0; i < 1000; i++)
			call(&tid, 0);
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		next = ticks();
		for (size_t i = 0; i < n; i++) {
			while (pause && ticks() < next)
				;
			next += pause;
			uint64_t begin = ticks();

			if (with_call)
				call(&tid, i);
			t[i] = ticks() - begin;
		}
	}
	stop();
	percentiles(name, t, n);
	free(t);
}

/* ---- lines a second ---- */

static uint64_t lines_of_thread;

static void *many_lines(void *unused)
{
	ilu_tid tid = ilu_tid_generate();
	ILU_SPAN(span, "invoke", &tid, KV("fqdn", "hello-3-0.0.1"));

	for (uint64_t i = 0; i < lines_of_thread; i++)
		ilu_info(&tid, "Item starting to execute", KV("fqdn", "hello-3-0.0.1"), KV("insert_time", "2026-11-22 20:37:51.809164705"),
			 KV("queue_len", i % 97), KV("est", (double)(i % 1000) / 1000), KV("warm", (bool)(i & 1)));
	return unused;
}

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double run_threads(int threads, double *cpu_us)
{
	pthread_t thread[16];
	double begin, used, wall;

	lines_of_thread = LINES / (uint64_t)threads;
	start("info");
	begin = now();
	used = cpu();
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, many_lines, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		die("flush");
	wall = now() - begin;
	*cpu_us = (cpu() - used) * 1e6 / LINES;
	stop();
	return LINES / wall;
}

static FILE *naive_file;
static pthread_mutex_t naive_lock = PTHREAD_MUTEX_INITIALIZER;

static void *naive_lines(void *unused)
{
	char line[1024], stamp[32];

	for (uint64_t i = 0; i < lines_of_thread; i++) {
		struct timespec ts;
		struct tm tm;
		int n;

		clock_gettime(CLOCK_REALTIME, &ts);
		gmtime_r(&ts.tv_sec, &tm);
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
		n = snprintf(line, sizeof line,
			     "{\"timestamp\":\"%s.%09ldZ\",\"level\":\"INFO\",\"fields\":{\"message\":\"Item starting to execute\",\"tid\":\"%s\","
			     "\"fqdn\":\"%s\",\"insert_time\":\"%s\",\"queue_len\":%" PRIu64 ",\"est\":%.17g,\"warm\":%s},\"target\":\"worker::queue\","
			     "\"span\":{\"fqdn\":\"hello-3-0.0.1\",\"tid\":\"%s\",\"name\":\"invoke\",\"id\":\"0000000000000001\"}}\n",
			     stamp, ts.tv_nsec, "9f0c0000000000000000000000000001", "hello-3-0.0.1", "2026-11-22 20:37:51.809164705", i % 97,
			     (double)(i % 1000) / 1000, i & 1 ? "true" : "false", "9f0c0000000000000000000000000001");
		pthread_mutex_lock(&naive_lock);
		fwrite(line, 1, (size_t)n, naive_file);
		pthread_mutex_unlock(&naive_lock);
	}
	return unused;
}

static double run_naive(int threads)
{
	pthread_t thread[16];
	char path[64];
	double begin;

	snprintf(path, sizeof path, "%s/naive", dir);
	unlink(path);
	naive_file = fopen(path, "w");
	setvbuf(naive_file, NULL, _IOFBF, 65536);
	lines_of_thread = LINES / (uint64_t)threads;
	begin = now();
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, naive_lines, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	fclose(naive_file);
	begin = LINES / (now() - begin);
	unlink(path);
	return begin;
}

static double run_floor(size_t bytes)
{
	char path[64], *text = malloc(1 << 18);
	double begin;
	int fd;

	snprintf(path, sizeof path, "%s/floor", dir);
	memset(text, 'x', 1 << 18);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	begin = now();
	for (size_t done = 0; done < bytes; done += 1 << 18) {
		if (write(fd, text, 1 << 18) != 1 << 18)
			die("write");
	}
	begin = LINES / (now() - begin);
	close(fd);
	unlink(path);
	free(text);
	return begin;
}

static void throughput(void)
{
	static const int threads[] = { 1, 2, 4, 16 };
	struct stat st;
	char path[64], bench[64];

	snprintf(path, sizeof path, "%s/b.log", dir);
	for (size_t i = 0; i < 4; i++) {
		double best = 0, best_cpu = 0, rate, cpu_us, naive = run_naive(threads[i]);

		for (int round = 0; round < 3; round++) {
			rate = run_threads(threads[i], &cpu_us);
			if (rate > best) {
				best = rate;
				best_cpu = cpu_us;
			}
		}
		snprintf(bench, sizeof bench, "log.lines.%d", threads[i]);
		figure(bench, best, "1/s", "naive", naive);
		snprintf(bench, sizeof bench, "log.cpu.%d", threads[i]);
		figure(bench, best_cpu, "us", NULL, 0);
	}
	if (!stat(path, &st)) {
		figure("log.line.bytes", (double)st.st_size / LINES, "B", NULL, 0);
		run_floor((size_t)st.st_size);
		figure("log.floor", run_floor((size_t)st.st_size), "1/s", NULL, 0);
	}
	unlink(path);
}

int main(int argc, char **argv)
{
	ilu_tid tid = ilu_tid_generate();
	const char *only = argc > 1 ? argv[1] : "";

	if (!mkdtemp(dir))
		die("no directory");
	calibrate();
	if (!*only || !strcmp(only, "call")) {
		start("info");
		figure("log.disabled", each(disabled_call, &tid, 50000000) - each(no_call, &tid, 50000000), "ns", NULL, 0);
		stop();
		latency("clock", 0, PACED, false);
		latency("paced", 10000, PACED, true);
		latency("burst", 0, 500000, true);
	}
	if (!*only || !strcmp(only, "lines"))
		throughput();
	rmdir(dir);
	return 0;
}
