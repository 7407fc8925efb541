/* SPDX-License-Identifier: Apache-2.0 */
/* log_bench.c - the logger beside its peers: what a call costs its caller, and how many lines a second reach the file.
 *
 * The event is an item of a FaaS queue inside a span: 7 keys of 3 types, about 450 bytes a line; every logger writes
 * the same line, each measured by the same code (peers/logger.h) in processes of its own, ours too. Nothing is lost:
 * lines in the files are counted. "disabled" is a call that the filter switches off. Paced calls come every 10 us from
 * a spinning thread; "clock" is the same without a call, and is part of the calls' figures. "lines" is from the first
 * call until everything is written by write(2), the best of three, into a new file on page cache that an earlier pass
 * gave back; "floor" writes the same bytes without a logger; "fresh" is one pass of each while the files of earlier
 * passes are kept, so that it gets pages that none of them had.
 *
 * Peers are there when their packages are (each that is left out is named): snprintf with a mutex ("naive"), spdlog by
 * its caller and by its thread (libspdlog-dev), GLib (libglib2.0-dev), Rust tracing (cargo and its registry).
 *
 * "recorded" is a call below the filter that the flight recorder keeps, "written" the same one on a line: what one of
 * 16 in a row takes, a row each 100 us; the median of the rows.
 *
 * "box" is the black box beside none: paced calls, and lines of one thread, the best of three rounds of each in turn;
 * and how long the recovery of a box takes whose 256 rings of a MiB are about full, with its lines in the page cache.
 *
 *   log_bench [disabled|recorded|flush_on|call|lines|count|box]
 *
 * does one part of it. Files are written in ILU_BENCH_DIR, or /tmp. */
#define ILU_TARGET "worker::queue"
#include <ilu/box.h>
#include <ilu/log.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINES       1000000
#define PEER_LINES  250000
#define PACED       100000
#define BURST       500000
#define COUNTED     20000
#define DISABLED    16000000
#define ROUNDS      3
#define FRESH_BYTES (UINT64_C(1) << 30)
#define CHUNK       (128 * 1024)

int bench_ilulog(int argc, char **argv); /* peers/ilulog.c */

static char *dir;  /* files */
static char *here; /* this program's directory, where peers are built */

struct logger {
	const char *name;
	const char *probe; /* is it there? */
	const char *needs;
	const char *build; /* to %1$s/NAME */
	char *program;     /* NULL: not there */
};

#define CC  "cc -O2 -D_GNU_SOURCE -pthread -o %1$s/"
#define CXX "c++ -O2 -std=c++17 -pthread -o %1$s/"

static struct logger loggers[] = {
    {.name = "ilulog"},
    {"naive", "command -v cc", "a C compiler", CC "naive tests/bench/peers/naive.c", NULL},
    {"spdlog", "pkg-config --exists spdlog", "libspdlog-dev and a C++ compiler",
     CXX "spdlog tests/bench/peers/spdlog.cpp $(pkg-config --cflags --libs spdlog)", NULL},
    {"spdlog-async", "pkg-config --exists spdlog", "libspdlog-dev and a C++ compiler",
     CXX "spdlog-async -DASYNC tests/bench/peers/spdlog.cpp $(pkg-config --cflags --libs spdlog)", NULL},
    {"glib", "pkg-config --exists glib-2.0", "libglib2.0-dev",
     CC "glib tests/bench/peers/glib.c $(pkg-config --cflags --libs glib-2.0)", NULL},
    {"tracing", "command -v cargo", "cargo and its registry",
     "cp -r tests/bench/peers/tracing %1$s/tracing.src && cargo build -q --release --manifest-path "
     "%1$s/tracing.src/Cargo.toml "
     "--target-dir %1$s/tracing.out && cp %1$s/tracing.out/release/tracing_lines %1$s/tracing",
     NULL},
};
#define LOGGERS (sizeof loggers / sizeof *loggers)

static void die(const char *what)
{
	fprintf(stderr, "log_bench: %s\n", what);
	exit(1);
}

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	if (vasprintf(&s, format, args) < 0)
		die("no memory");
	va_end(args);
	return s;
}

static void figure(const char *bench, double value, const char *unit, const char *peer, double peer_value)
{
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", bench, value, unit);
	if (peer)
		printf(",\"peer\":\"%s\",\"peer_value\":%.6g", peer, peer_value);
	printf("}\n");
	fflush(stdout);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- the loggers ---- */

static bool run_quietly(const char *command)
{
	char *quiet = text("{ %s; } >/dev/null 2>&1", command);
	bool ok = !system(quiet);

	free(quiet);
	return ok;
}

static void build_peers(void)
{
	loggers[0].program = text("%s/log_bench --ilulog", here);
	for (size_t i = 1; i < LOGGERS; i++) {
		struct logger *l = &loggers[i];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		char *command = text(l->build, here);
#pragma GCC diagnostic pop

		if (run_quietly(l->probe) && run_quietly(command))
			l->program = text("%s/%s", here, l->name);
		else
			fprintf(stderr, "log_bench: without %s: it needs %s\n", l->name, l->needs);
		free(command);
	}
}

/* The numbers a logger's program prints. 0, or its exit status. */
static int ask(const char *command, double *out, int count)
{
	FILE *f = popen(command, "r");
	int got = 0, status;

	if (!f)
		die("popen");
	while (got < count && fscanf(f, "%lf", &out[got]) == 1)
		got++;
	status = pclose(f);
	return status ? status >> 8 | 128 * !(status >> 8) : got < count;
}

static void measure(const struct logger *l, const char *how, const char *path, const char *rest, double *out, int count)
{
	char *command = text("%s %s %s %s", l->program, how, path, rest);

	if (ask(command, out, count))
		die(text("failed: %s", command));
	free(command);
}

/* ---- a call ---- */

#define SILENT                                                                                       \
	ilu_trace(tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25), \
	          KV("warm", (bool)(i & 1)));
#define SILENT_4 SILENT SILENT SILENT SILENT

/* Calls that are switched off, sixteen in a row, so that the loop around them hardly counts. */
__attribute__((noinline)) static void disabled_calls(const ilu_tid *tid)
{
	for (uint64_t i = 0; i < DISABLED / 16; i++) {
		SILENT_4 SILENT_4 SILENT_4 SILENT_4 __asm__ volatile("" : "+r"(i) : : "memory"); /* each time anew */
	}
}

static void bench_disabled(void)
{
	ilu_tid tid = ilu_tid_generate();
	char *config =
	    text("{\"directory\":\"%s\",\"at_start\":\"new\",\"basename\":\"disabled\",\"level\":\"info\"}", dir);
	double best = 1e9;

	if (ilu_log_start(config))
		die("cannot start");
	for (int round = 0; round < 40; round++) { /* short ones, to find a quiet moment */
		double begin = now(), one;

		disabled_calls(&tid);
		one = (now() - begin) * 1e9 / DISABLED;
		best = one < best ? one : best;
	}
	figure("log.disabled", best, "ns", NULL, 0);
	ilu_log_stop();
	free(config);
}

#define ROW  16
#define ROWS 5000

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define CALL                                                                                         \
	ilu_debug(tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25), \
	          KV("warm", (bool)(i & 1)));
#define CALL_4 CALL CALL CALL CALL

/* Nanoseconds of a call at debug, the median. */
static double median_call(const ilu_tid *tid, const char *level)
{
	static double row[ROWS];
	char *config = text("{\"directory\":\"%s\",\"at_start\":\"new\",\"basename\":\"recorded\",\"level\":\"%s\","
	                    "\"recorder\":{\"level\":\"debug\"}}",
	                    dir, level);
	double next;

	if (ilu_log_start(config))
		die("cannot start");
	next = now();
	for (int i = 0; i < ROWS; i++) {
		double begin;

		while (now() < next)
			;
		next += 1e-4;
		begin = now();
		CALL_4 CALL_4 CALL_4 CALL_4;
		row[i] = (now() - begin) * 1e9 / ROW;
	}
	ilu_log_stop();
	free(config);
	qsort(row, ROWS, sizeof *row, by_value);
	return row[ROWS / 2];
}

static void bench_recorded(void)
{
	ilu_tid tid = ilu_tid_generate();
	double recorded = median_call(&tid, "info");

	figure("log.recorded.p50", recorded, "ns", "written", median_call(&tid, "debug"));
}

#define AT_ONCE 101

/* Nanoseconds from an error to its line in the file, the median. */
static double median_at_once(const ilu_tid *tid, const char *flush_on)
{
	static double took[AT_ONCE];
	char *path = text("%s/once.log", dir);
	char *config = text("{\"directory\":\"%s\",\"at_start\":\"new\",\"basename\":\"once\",\"flush_on\":\"%s\"}",
	                    dir, flush_on);

	if (ilu_log_start(config))
		die("cannot start");
	for (int i = 0; i < AT_ONCE; i++) {
		struct stat before, st;
		double begin;

		usleep(i % 2 ? 2000 : 30000); /* it naps, or it sleeps */
		if (ilu_log_flush(ILU_ACK_KERNEL, -1) || stat(path, &before))
			die("cannot write");
		begin = now();
		ilu_error(tid, "Something broke", KV("i", i));
		do {
			if (stat(path, &st))
				die("the log is gone");
		} while (st.st_size == before.st_size);
		took[i] = (now() - begin) * 1e9;
	}
	ilu_log_stop();
	free(config);
	free(path);
	qsort(took, AT_ONCE, sizeof *took, by_value);
	return took[AT_ONCE / 2];
}

static void bench_at_once(void)
{
	ilu_tid tid = ilu_tid_generate();
	double once = median_at_once(&tid, "error");

	figure("log.flush_on.p50", once, "ns", "off", median_at_once(&tid, "off"));
}

static void bench_calls(const char *how, int calls, const char *path)
{
	static const char *const point[] = {"p50", "p90", "p99", "p999", "max"};
	double t[LOGGERS][5];
	char *rest = text("%d", calls);
	bool clock = !strcmp(how, "clock");

	for (size_t i = 0; i < (clock ? 1 : LOGGERS); i++)
		if (loggers[i].program)
			measure(&loggers[i], how, path, rest, t[i], 5);
	for (int p = 0; p < 5; p++) {
		char *bench = text("log.%s.%s", how, point[p]);
		bool alone = true;

		for (size_t i = 1; i < LOGGERS && !clock; i++) {
			if (!loggers[i].program)
				continue;
			figure(bench, t[0][p], "ns", loggers[i].name, t[i][p]);
			alone = false;
		}
		if (alone)
			figure(bench, t[0][p], "ns", NULL, 0);
		free(bench);
	}
	free(rest);
}

/* By the processor's counter if that may be read, else by callgrind. 0: neither. */
static double count_call(const struct logger *l, const char *path, const char **by)
{
	double n = 0;
	char *command = text("%s count %s %d 2>/dev/null", l->program, path, COUNTED);
	int rc = ask(command, &n, 1);

	free(command);
	*by = "the processor's counter";
	if (!rc || !run_quietly("command -v valgrind"))
		return n;
	*by = "callgrind";
	command = text("valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=logger_counted %s "
	               "count %s %d 2>&1 | "
	               "sed -n 's/.*Collected : //p'",
	               l->program, path, COUNTED);
	rc = ask(command, &n, 1);
	free(command);
	return rc ? 0 : n / COUNTED;
}

/* Instructions have no unit among figures: they are told on the side. */
static void bench_count(const char *path)
{
	const char *by = "";

	for (size_t i = 0; i < LOGGERS; i++) {
		double n = loggers[i].program ? count_call(&loggers[i], path, &by) : 0;

		if (n > 0)
			fprintf(stderr, "log.call: %.0f instructions in %s's caller, by %s\n", n, loggers[i].name, by);
		else if (loggers[i].program)
			fprintf(stderr, "log.call: instructions of %s are not known: no counter and no valgrind\n",
			        loggers[i].name);
	}
}

/* ---- lines a second ---- */

struct lines {
	double rate, cpu_us, memory, bytes, lines;
};

/* The best of some rounds, each complete. */
static struct lines best_lines(size_t which, int threads, const char *path, int rounds)
{
	int lines = which ? PEER_LINES : LINES;
	char *rest = text("%d %d", threads, lines);
	struct lines best = {0};

	for (int round = 0; round < rounds; round++) {
		double n[5];
		struct lines got;

		measure(&loggers[which], "lines", path, rest, n, 5);
		got = (struct lines){n[0], n[1], n[2], n[3], n[4]};
		if (got.lines < lines / threads * threads)
			die(text("%s lost lines: %.0f of %d", loggers[which].name, got.lines, lines));
		if (got.rate > best.rate)
			best = got;
	}
	free(rest);
	return best;
}

static double write_file(const char *path, uint64_t bytes)
{
	static char chunk[CHUNK];
	double begin;
	int fd;

	memset(chunk, 'x', sizeof chunk);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	begin = now();
	for (uint64_t done = 0; done < bytes; done += CHUNK) {
		if (write(fd, chunk, CHUNK) != CHUNK)
			die("write");
	}
	begin = now() - begin;
	close(fd);
	return begin;
}

/* ---- the black box ---- */

/* Rounds of both, one after the other, and of each the best. */
static void bench_box_calls(const char *path)
{
	static const char *const box[] = {"off", "auto"};
	double p50[2] = {1e9, 1e9}, p99[2] = {1e9, 1e9}, rate[2] = {0, 0}, cpu[2] = {1e9, 1e9};
	char *calls = text("%d", PACED), *lines = text("1 %d", LINES);

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 2; i++) {
			double t[5], n[5];

			setenv("ILU_LOG__black_box", box[i], 1);
			measure(&loggers[0], "paced", path, calls, t, 5);
			measure(&loggers[0], "lines", path, lines, n, 5);
			p50[i] = t[0] < p50[i] ? t[0] : p50[i];
			p99[i] = t[2] < p99[i] ? t[2] : p99[i];
			rate[i] = n[0] > rate[i] ? n[0] : rate[i];
			cpu[i] = n[1] < cpu[i] ? n[1] : cpu[i];
		}
	}
	unsetenv("ILU_LOG__black_box");
	figure("box.paced.p50", p50[1], "ns", "off", p50[0]);
	figure("box.paced.p99", p99[1], "ns", "off", p99[0]);
	figure("box.lines.1", rate[1], "1/s", "off", rate[0]);
	figure("box.cpu.1", cpu[1], "us", "off", cpu[0]);
	free(calls);
	free(lines);
}

#define BOX_RINGS 256
#define BOX_FILL  30000 /* more records than a ring of a MiB holds */

static pthread_barrier_t filled;

static void *fill_ring(void *arg)
{
	ilu_tid tid = ilu_tid_generate();

	for (int i = 0; i < BOX_FILL; i++)
		ilu_info(&tid, "Item starting to execute", KV("queue_len", i), KV("n", 77), KV("est", 0.25));
	pthread_barrier_wait(&filled);
	pause();
	return arg;
}

/* A process whose rings, 256 MiB of them, are as full as they get before the appender has read them, and that is
 * killed. */
static int fill_and_die(const char *directory)
{
	char *config = text("{\"directory\":\"%s\",\"at_start\":\"new\",\"basename\":\"box\",\"black_box\":\"auto\","
	                    "\"ring_bytes\":1048576,\"rings\":%d,\"full_ring\":{\"info\":\"drop\"}}",
	                    directory, BOX_RINGS + 2);
	pthread_attr_t small;
	pthread_t thread;

	if (ilu_log_start(config))
		return 1;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_barrier_init(&filled, NULL, BOX_RINGS + 1);
	for (int i = 0; i < BOX_RINGS; i++)
		if (pthread_create(&thread, &small, fill_ring, NULL))
			return 1;
	pthread_barrier_wait(&filled);
	return raise(SIGKILL);
}

static int find_box(void *to, const struct ilu_box *box)
{
	char **found = to;
	size_t len = strlen(dir);

	if (!strncmp(box->log, dir, len) && box->log[len] == '/' && !box->alive)
		*found = text("%s", box->path);
	return 0;
}

static void bench_box_recover(void)
{
	struct ilu_box_result got;
	char *command = text("%s/log_bench --fill %s", here, dir), *box = NULL, *log = text("%s/box.log", dir);
	double begin;

	run_quietly(command); /* it dies */
	if (ilu_box_list(NULL, find_box, &box) || !box) {
		fprintf(stderr, "log_bench: without box.recover: no black box of 256 MiB could be made\n");
		return;
	}
	begin = now();
	if (ilu_box_recover(box, NULL, &got))
		die("cannot recover");
	begin = now() - begin;
	figure("box.recover", begin, "s", NULL, 0);
	fprintf(stderr, "box.recover: %llu lines\n", (unsigned long long)got.lines);
	unlink(log);
	free(box);
	free(log);
	free(command);
}

static void tell_lines(const char *what, int threads, const char *unit, const double *value)
{
	char *bench = text("log.%s.%d", what, threads);
	bool alone = true;

	for (size_t i = 1; i < LOGGERS; i++) {
		if (!loggers[i].program)
			continue;
		figure(bench, value[0], unit, loggers[i].name, value[i]);
		alone = false;
	}
	if (alone)
		figure(bench, value[0], unit, NULL, 0);
	free(bench);
}

static double bench_threads(int threads, const char *path)
{
	double rate[LOGGERS], cpu[LOGGERS], memory[LOGGERS], bytes = 0;

	for (size_t i = 0; i < LOGGERS; i++) {
		struct lines best;

		if (!loggers[i].program)
			continue;
		best = best_lines(i, threads, path, ROUNDS);
		rate[i] = best.rate;
		cpu[i] = best.cpu_us;
		memory[i] = best.memory;
		bytes = i ? bytes : best.bytes;
	}
	tell_lines("lines", threads, "1/s", rate);
	tell_lines("cpu", threads, "us", cpu);
	if (threads == 1)
		tell_lines("memory", threads, "B", memory);
	return bytes;
}

static void bench_floor(const char *bench, uint64_t bytes, const char *path, int rounds)
{
	double best = 1e9;

	for (int round = 0; round < rounds; round++) {
		double took = write_file(path, bytes);

		best = took < best ? took : best;
	}
	figure(bench, LINES / best, "1/s", NULL, 0);
}

static void bench_lines(const char *path)
{
	static const int threads[] = {1, 2, 4, 16};
	char *ballast = text("%s/ballast", dir), *floor = text("%s/floor", dir), *fresh = text("%s/fresh.log", dir);
	double bytes = 0, got;

	write_file(floor, FRESH_BYTES / 2); /* pages for those that come */
	unlink(floor);
	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		got = bench_threads(threads[i], path);
		bytes = i ? bytes : got;
	}
	figure("log.line.bytes", bytes / LINES, "B", NULL, 0);
	bench_floor("log.floor", (uint64_t)bytes, floor, ROUNDS);
	write_file(ballast, FRESH_BYTES);
	sync(); /* that is memory, not the disk, that is measured */
	figure("log.fresh.lines.1", best_lines(0, 1, fresh, 1).rate, "1/s", NULL, 0);
	bench_floor("log.fresh.floor", (uint64_t)bytes, ballast, 1);
	unlink(ballast);
	unlink(floor);
	unlink(fresh);
	sync();
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "", *base = getenv("ILU_BENCH_DIR");
	char *slash, *path, *clean;

	if (!strcmp(only, "--ilulog"))
		return bench_ilulog(argc - 1, argv + 1);
	if (!strcmp(only, "--fill"))
		return fill_and_die(argv[2]);
	here = text("%s", argv[0]);
	slash = strrchr(here, '/');
	strcpy(slash ? slash : here, slash ? "" : ".");
	dir = text("%s/ilu-log-bench-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir))
		die("no directory to work in");
	path = text("%s/lines.log", dir);
	build_peers();
	if (!*only || !strcmp(only, "disabled"))
		bench_disabled();
	if (!*only || !strcmp(only, "recorded"))
		bench_recorded();
	if (!*only || !strcmp(only, "flush_on"))
		bench_at_once();
	if (!*only || !strcmp(only, "call")) {
		bench_calls("clock", PACED, path);
		bench_calls("paced", PACED, path);
		bench_calls("burst", BURST, path);
	}
	if (!*only || !strcmp(only, "count"))
		bench_count(path);
	if (!*only || !strcmp(only, "lines"))
		bench_lines(path);
	if (!*only || !strcmp(only, "box")) {
		bench_box_calls(path);
		bench_box_recover();
	}
	clean = text("rm -rf %s", dir);
	return system(clean) ? 1 : 0;
}
