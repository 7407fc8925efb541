/* SPDX-License-Identifier: Apache-2.0 */
/* clock_bench.c - how fast virtual time goes: wakeups of tasks, calls of timers, the turn between threads, and
 * simulated seconds per second where little happens.
 *
 * Sleepers sleep for random times around their mean and count. Each figure is the best of three, in a process of its
 * own. Peers run the same on the same machine, in the same minute, the best of three too, where they are there: SimPy
 * (python3-simpy3), SimGrid (libsimgrid-dev, with a C++ compiler) and tokio with paused time (cargo, which fetches it);
 * see peers/. stderr says who is skipped, and why.
 *
 * "faas-sim.day" is the sample daemon for 24 hours of a million invocations without logs, "faas-sim.day.logged" at info
 * with spans (about 19 million lines, 12 GB in ILU_BENCH_DIR, default /tmp; only with ILU_BENCH_LARGE=1),
 * "faas-sim.paper" the real run paper-info below ILU_TEST_RUNS with debug logs and spans; the real simulation took 5.2
 * s for that on its machine. */
#include <ilu/clock.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define S  INT64_C(1000000000)
#define MS INT64_C(1000000)

enum sleepers { TASKS, THREADS, CALLBACKS };

struct bench {
	const char *name;
	enum sleepers kind;
	long sleepers, wakeups;
	int64_t mean_ns; /* of a sleep */
	bool simulated;  /* the figure is simulated seconds a second */
	long peer_wakeups;
};

static const struct bench benches[] = {
    {"clock.tasks.1k", TASKS, 1000, 6000000, 500 * MS, false, 600000},
    {"clock.tasks.100k", TASKS, 100000, 2000000, 500 * MS, false, 200000},
    {"clock.callbacks.100k", CALLBACKS, 100000, 5000000, 500 * MS, false, 0},
    {"clock.threads.1k", THREADS, 1000, 200000, 500 * MS, false, 100000},
    {"clock.sparse", TASKS, 100, 3000000, 300 * S, true, 300000},
};

static struct {
	const struct bench *b;
	long left;
	ilu_random random;
	ilu_timer **timer;
	ilu_sem begin;
	double begun, begun_cpu;
	int64_t begun_ns;
} run;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process: what would have been, had it been alone on its processor. */
static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t draw(void)
{
	return 1 + (int64_t)ilu_random_below(&run.random, (uint64_t)(2 * run.b->mean_ns));
}

static _Noreturn void finish(void)
{
	double took = seconds() - run.begun, cpu = cpu_seconds() - run.begun_cpu;
	double simulated = (double)(ilu_clock_now() - run.begun_ns) / 1e9;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	fprintf(stderr, "%s: %ld wakeups in %.3f s, %.3f s of a processor, %.0f simulated s, %ld MiB\n", run.b->name,
	        run.b->wakeups, took, cpu, simulated, use.ru_maxrss / 1024);
	printf("%.9g\n", (run.b->simulated ? simulated : (double)run.b->wakeups) / took);
	fflush(stdout);
	_exit(0);
}

static int sleeper(void *unused)
{
	(void)unused;
	for (;;) {
		ilu_clock_sleep(draw());
		if (!--run.left)
			finish();
	}
}

static void called(void *arg)
{
	if (!--run.left)
		finish();
	ilu_timer_set(*(ilu_timer **)arg, ilu_clock_after(draw()));
}

static void check(int rc)
{
	if (rc) {
		fprintf(stderr, "clock_bench: %s\n", strerror(-rc));
		_exit(1);
	}
}

/* Starts everybody, and begins to measure when all have slept once. */
static _Noreturn void measure(const struct bench *b)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = 1, .thread_stack = 64 << 10};

	check(ilu_clock_start(&o));
	run.b = b;
	run.left = b->wakeups + b->sleepers;
	ilu_random_init(&run.random, "sleeps");
	run.timer = calloc((size_t)b->sleepers, sizeof *run.timer);
	for (long i = 0; i < b->sleepers; i++) {
		if (b->kind == TASKS) {
			check(ilu_task_start(NULL, "sleeper", 0, 0, sleeper, NULL));
		} else if (b->kind == THREADS) {
			check(ilu_thread_start(NULL, "sleeper", 0, sleeper, NULL));
		} else {
			check(ilu_timer_new(&run.timer[i], "call", 0, called, &run.timer[i]));
			check(ilu_timer_set(run.timer[i], draw()));
		}
	}
	check(ilu_clock_sleep(2 * b->mean_ns));
	run.left = b->wakeups;
	run.begun_ns = ilu_clock_now();
	run.begun_cpu = cpu_seconds();
	run.begun = seconds();
	ilu_clock_run(ILU_FOREVER);
	abort();
}

static double in_a_process(const struct bench *b)
{
	int fd[2], status;
	char text[64] = "";
	ssize_t n;
	pid_t pid;

	fflush(stdout);
	if (pipe(fd))
		return 0;
	pid = fork();
	if (!pid) {
		dup2(fd[1], STDOUT_FILENO);
		measure(b);
	}
	close(fd[1]);
	n = read(fd[0], text, sizeof text - 1);
	close(fd[0]);
	waitpid(pid, &status, 0);
	return n > 0 ? atof(text) : 0;
}

/* ---- peers ---- */

static char *here; /* this program's directory */

/* Commands of a shell that knows H, here; N, how many sleep; W, wakeups; and MEAN, seconds. */
static struct peer {
	const char *name, *there, *package, *build, *run;
	unsigned kinds;        /* of sleepers it can be compared with */
	const char *option[2]; /* OPTION of the shell, by kind */
	enum { UNKNOWN, READY, SKIPPED } state;
} peers[] = {
    {
        .name = "simpy",
        .there = "/usr/bin/python3 -c 'import simpy' || python3 -c 'import simpy'",
        .package = "no simpy for python3 (python3-simpy3)",
        .run = "p=/usr/bin/python3; $p -c 'import simpy' || p=python3; $p tests/bench/peers/sleepers.py $N $W $MEAN",
        .kinds = 1 << TASKS,
    },
    {
        .name = "simgrid",
        .there = "pkg-config --exists simgrid",
        .package = "no simgrid for pkg-config (libsimgrid-dev)",
        .build = "c++ -O2 -std=c++17 -o \"$H/simgrid_sleepers\" tests/bench/peers/sleepers.cpp $(pkg-config --cflags "
                 "--libs simgrid)",
        .run = "\"$H/simgrid_sleepers\" $N $W $MEAN --log=root.thres:critical --cfg=contexts/factory:$OPTION "
               "--cfg=contexts/stack-size:16 --cfg=contexts/guard-size:0",
        .kinds = 1 << TASKS | 1 << THREADS,
        .option = {[TASKS] = "raw", [THREADS] = "thread"},
    },
    {
        .name = "tokio",
        .there = "command -v cargo",
        .package = "no cargo",
        .build = "mkdir -p \"$H/tokio\" && cp tests/bench/peers/sleepers.rs tests/bench/peers/Cargo.toml \"$H/tokio\" "
                 "&& cargo build --quiet --release --manifest-path \"$H/tokio/Cargo.toml\"",
        .run = "\"$H/tokio/target/release/sleepers\" $N $W $MEAN",
        .kinds = 1 << TASKS,
    },
};

/* Its first two numbers; false: it fails. */
static bool ask(const char *command, double out[2])
{
	char quiet[1024];
	FILE *f;
	bool ok;

	snprintf(quiet, sizeof quiet, "{ %s; } 2>/dev/null", command);
	f = popen(quiet, "r");
	ok = f && fscanf(f, "%lf %lf", &out[0], &out[1]) == 2;
	return f && !pclose(f) && ok;
}

static bool succeeds(const char *command)
{
	char quiet[1024];

	snprintf(quiet, sizeof quiet, "{ %s; } >/dev/null 2>&1", command);
	return !system(quiet);
}

static bool ready(struct peer *p)
{
	const char *why = NULL;

	if (p->state == UNKNOWN) {
		if (!succeeds(p->there))
			why = p->package;
		else if (p->build && !succeeds(p->build))
			why = "it cannot be built here";
		p->state = why ? SKIPPED : READY;
		if (why)
			fprintf(stderr, "%s skipped: %s\n", p->name, why);
	}
	return p->state == READY;
}

static void figure(const struct bench *b, double value, const char *peer, double peer_value)
{
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"1/s\"", b->name, value);
	if (peer)
		printf(",\"peer\":\"%s\",\"peer_value\":%.6g", peer, peer_value);
	puts("}");
	fflush(stdout);
}

static void set_numbers(const struct bench *b)
{
	char text[32];

	setenv("H", here, 1);
	snprintf(text, sizeof text, "%ld", b->sleepers);
	setenv("N", text, 1);
	snprintf(text, sizeof text, "%ld", b->peer_wakeups);
	setenv("W", text, 1);
	snprintf(text, sizeof text, "%g", (double)b->mean_ns / 1e9);
	setenv("MEAN", text, 1);
}

static void ask_peers(const struct bench *b, double value)
{
	int asked = 0;

	set_numbers(b);
	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		struct peer *p = &peers[i];
		double answer[2], best = 0;

		if (!(p->kinds >> b->kind & 1) || !ready(p))
			continue;
		setenv("OPTION", p->option[b->kind] ? p->option[b->kind] : "", 1);
		for (int k = 0; k < 3; k++)
			if (ask(p->run, answer) && answer[b->simulated] > best)
				best = answer[b->simulated];
		if (!best) {
			fprintf(stderr, "%s: %s failed\n", b->name, p->name);
			continue;
		}
		figure(b, value, p->name, best);
		asked++;
	}
	if (!asked)
		figure(b, value, NULL, 0);
}

/* ---- the sample daemon ---- */

static void remove_run(const char *dir)
{
	char command[1024];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command))
		fprintf(stderr, "clock_bench: %s cannot be removed\n", dir);
}

/* All its children's, so far. */
static double children_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_CHILDREN, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double gigabytes_in(const char *dir)
{
	char command[1024];
	double bytes = 0;
	FILE *f;

	snprintf(command, sizeof command, "du -sb %s", dir);
	f = popen(command, "r");
	if (!f || fscanf(f, "%lf", &bytes) != 1)
		bytes = 0;
	if (f)
		pclose(f);
	return bytes / 1e9;
}

/* Seconds of the best of n runs; and the largest memory of any. A run that writes more than memory takes is as slow as
 * the disk below its directory: so its size is told, and what processors did. */
static void daemon_takes(const char *name, const char *arguments, int n)
{
	const char *base = getenv("ILU_BENCH_DIR");
	char command[2048], dir[512];
	double best = 0;
	struct rusage use;

	snprintf(dir, sizeof dir, "%s/ilu-clock-bench-%ld", base ? base : "/tmp", (long)getpid());
	snprintf(command, sizeof command,
	         "%s/../bin/faas-sim --time virtual --seed 1 --fail-rate 0 --directory %s %s >/dev/null", here, dir,
	         arguments);
	for (int i = 0; i < n; i++) {
		double begun = seconds(), cpu = children_seconds(), took;

		if (system(command)) {
			fprintf(stderr, "clock_bench: failed: %s\n", command);
			exit(1);
		}
		took = seconds() - begun;
		fprintf(stderr, "%s: %.2f s, %.2f s of processors, %.2f GB written\n", name, took,
		        children_seconds() - cpu, gigabytes_in(dir));
		if (!best || took < best)
			best = took;
	}
	getrusage(RUSAGE_CHILDREN, &use);
	remove_run(dir);
	fprintf(stderr, "%s: %ld MiB at most so far\n", name, use.ru_maxrss / 1024);
	printf("{\"bench\":\"%s\",\"value\":%.4g,\"unit\":\"s\"}\n", name, best);
	fflush(stdout);
}

static bool wanted(const char *only, const char *name)
{
	return !only || !strcmp(only, name);
}

static void bench_daemon(const char *only)
{
	static const char day[] = "--seconds 86400 --rate 11.58 --keep-alive 600000 --cores 16 --memory 8192";
	const char *runs = getenv("ILU_TEST_RUNS");
	char arguments[2048];

	snprintf(arguments, sizeof arguments, "%s --level off --spanning NONE", day);
	if (wanted(only, "faas-sim.day"))
		daemon_takes("faas-sim.day", arguments, 1);
	snprintf(arguments, sizeof arguments, "%s --level info --spanning NEW+CLOSE", day);
	if (getenv("ILU_BENCH_LARGE") && wanted(only, "faas-sim.day.logged"))
		daemon_takes("faas-sim.day.logged", arguments, 1);
	if (!runs || !wanted(only, "faas-sim.paper"))
		return;
	snprintf(arguments, sizeof arguments,
	         "--trace %s/paper-info/in.csv --metadata %s/paper-info/meta.csv --cores 12 --memory 10240 "
	         "--keep-alive 600000 --level debug",
	         runs, runs);
	daemon_takes("faas-sim.paper", arguments, 3);
}

int main(int argc, char **argv)
{
	char *slash;

	here = strdup(argv[0]);
	slash = strrchr(here, '/');
	strcpy(slash ? slash : here, slash ? "" : ".");
	for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
		const struct bench *b = &benches[i];
		double best = 0;

		if (argc > 1 && strcmp(argv[1], b->name))
			continue;
		for (int k = 0; k < 3; k++) {
			double value = in_a_process(b);

			if (value > best)
				best = value;
		}
		ask_peers(b, best);
	}
	bench_daemon(argc > 1 ? argv[1] : NULL);
	return 0;
}
