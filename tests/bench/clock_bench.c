/* SPDX-License-Identifier: Apache-2.0 */
/* clock_bench.c - how fast virtual time goes: wakeups of tasks, calls of timers, the turn between threads, and simulated
 * seconds per second where little happens.
 *
 * Sleepers sleep for random times around their mean and count. Each figure is the best of three, in a process of its own.
 * Peers run the same on the same machine, in the same minute, where they are there: SimPy (python3-simpy3), SimGrid
 * (libsimgrid-dev, which needs a compiler) and tokio with paused time (cargo, with the registry at hand); see peers/. */
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
	bool simulated;	 /* the figure is simulated seconds a second */
};

static const struct bench benches[] = {
	{ "clock.tasks.1k", TASKS, 1000, 6000000, 500 * MS, false },
	{ "clock.tasks.100k", TASKS, 100000, 2000000, 500 * MS, false },
	{ "clock.callbacks.100k", CALLBACKS, 100000, 5000000, 500 * MS, false },
	{ "clock.threads.1k", THREADS, 1000, 200000, 500 * MS, false },
	{ "clock.sparse", TASKS, 100, 3000000, 300 * S, true },
};

static struct {
	const struct bench *b;
	long left;
	ilu_random random;
	ilu_timer **timer;
	ilu_sem begin;
	double begun;
	int64_t begun_ns;
} run;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t draw(void)
{
	return 1 + (int64_t)ilu_random_below(&run.random, (uint64_t)(2 * run.b->mean_ns));
}

static _Noreturn void finish(void)
{
	double took = seconds() - run.begun;
	double simulated = (double)(ilu_clock_now() - run.begun_ns) / 1e9;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	fprintf(stderr, "%s: %ld wakeups in %.3f s, %.0f simulated s, %ld MiB\n", run.b->name, run.b->wakeups, took, simulated,
		use.ru_maxrss / 1024);
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
	struct ilu_clock_options o = { .kind = ILU_CLOCK_VIRTUAL, .seed = 1, .thread_stack = 64 << 10 };

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

int main(int argc, char **argv)
{
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
		printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"1/s\"}\n", b->name, best);
		fflush(stdout);
	}
	return 0;
}
