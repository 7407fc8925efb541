/* SPDX-License-Identifier: Apache-2.0 */
/* clock_pin_test.c - in virtual time threads that pass the turn run on one processor; nobody else does, and afterwards
 * nobody is bound who was not before. With one processor, or none to choose, nothing of the kind is done. */
#define ILU_TARGET "pin"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <ilu/clock.h>
#include <ilu/log.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define S INT64_C(1000000000)

enum { TURNS = 1000 }; /* more than it takes */

static cpu_set_t whole; /* what this process may use */

static cpu_set_t mask_of(pid_t tid)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(tid, sizeof set, &set), 0);
	return set;
}

static bool is_whole(pid_t tid)
{
	cpu_set_t set = mask_of(tid);

	return CPU_EQUAL(&set, &whole);
}

static bool is_bound(pid_t tid)
{
	cpu_set_t set = mask_of(tid);

	return CPU_COUNT(&set) == 1;
}

static int setup(void **state)
{
	(void)state;
	whole = mask_of(0);
	return 0;
}

static void begin(void)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = 5};

	if (CPU_COUNT(&whole) < 2)
		skip();
	assert_int_equal(ilu_clock_start(&o), 0);
}

static int walk(void *turns)
{
	for (intptr_t i = 0; i < (intptr_t)turns; i++)
		ilu_clock_sleep(1);
	return 0;
}

/* Two threads pass the turn that often. */
static void pass(int turns)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(ilu_thread_start(NULL, "walker", 0, walk, (void *)(intptr_t)turns), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
}

/* Calls look for each thread of this process; the number of those for which it is true. */
static int threads(bool (*look)(pid_t tid))
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			n += look((pid_t)atoi(e->d_name));
	closedir(d);
	return n;
}

static bool is_not_whole(pid_t tid)
{
	cpu_set_t set;

	return !sched_getaffinity(tid, sizeof set, &set) && !CPU_EQUAL(&set, &whole);
}

static void end(void)
{
	assert_int_equal(ilu_clock_stop(), 0);
	assert_int_equal(threads(is_not_whole), 0);
}

static void few_turns_bind_nobody(void **state)
{
	(void)state;
	begin();
	pass(20);
	assert_true(is_whole(0));
	end();
}

static int see_bound(void *unused)
{
	(void)unused;
	assert_true(is_bound(0));
	return 0;
}

static void walkers_are_bound(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) { /* each run of the clock begins anew */
		begin();
		pass(TURNS);
		assert_true(is_bound(0));
		assert_int_equal(ilu_thread_start(NULL, "late", 0, see_bound, NULL), 0);
		assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
		end();
	}
}

static sem_t done;

static void *stranger(void *unused)
{
	(void)unused;
	while (sem_wait(&done))
		;
	return NULL;
}

static int wait_for_ever(void *mutex)
{
	ilu_mutex_lock(mutex);
	return 0;
}

/* Threads that a bound one made, and one of ours that never ends. */
static void all_are_free_in_the_end(void **state)
{
	static ilu_mutex never;
	pthread_t thread[3];

	(void)state;
	begin();
	assert_int_equal(sem_init(&done, 0, 0), 0);
	assert_int_equal(pthread_create(&thread[0], NULL, stranger, NULL), 0);
	pass(TURNS);
	assert_int_equal(ilu_mutex_init(&never, "never"), 0);
	assert_int_equal(ilu_mutex_lock(&never), 0);
	for (int i = 1; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, stranger, NULL), 0);
	assert_int_equal(ilu_thread_start(NULL, "stays", ILU_DAEMON, wait_for_ever, &never), 0);
	pass(TURNS);
	end();
	for (int i = 0; i < 3; i++)
		sem_post(&done);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static int go_outside(void *free_outside)
{
	assert_true(is_bound(0));
	assert_int_equal(ilu_clock_io_begin("a pipe"), 0);
	*(bool *)free_outside = is_whole(0);
	assert_int_equal(ilu_clock_io_end(), 0);
	assert_true(is_bound(0));
	return 0;
}

static void outside_they_are_free(void **state)
{
	bool free_outside = false;

	(void)state;
	begin();
	pass(TURNS);
	assert_int_equal(ilu_thread_start(NULL, "outside", 0, go_outside, &free_outside), 0);
	assert_int_equal(ilu_thread_start(NULL, "other", 0, walk, (void *)1), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_true(free_outside);
	end();
}

static bool is_library_thread(pid_t tid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%d/comm", (int)tid);
	f = fopen(path, "re");
	if (f && !fgets(name, sizeof name, f))
		*name = '\0';
	if (f)
		fclose(f);
	return !strcmp(name, "ilu-appender\n") && is_whole(tid);
}

/* Also where they are made by one that is bound. A child is on its own. */
static void the_log_and_children_are_free(void **state)
{
	char directory[] = "/tmp/ilu-pin-XXXXXX", config[128], log[64];
	int status;
	pid_t pid;

	(void)state;
	begin();
	pass(TURNS);
	assert_non_null(mkdtemp(directory));
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"pin\",\"black_box\":\"off\"}", directory);
	assert_int_equal(ilu_log_start(config), 0);
	ilu_error(&(ilu_tid){0}, "Bound");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, 10 * S), 0);
	assert_true(is_bound(0));
	assert_int_equal(threads(is_library_thread), 1);
	pid = fork();
	if (!pid)
		_exit(is_whole(0) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	end();
	snprintf(log, sizeof log, "%s/pin.log", directory);
	assert_int_equal(unlink(log), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void bind_self(int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
}

static int a_processor(void)
{
	int i = 0;

	while (!CPU_ISSET(i, &whole))
		i++;
	return i;
}

static sem_t bound;

static void *bind_and_wait(void *unused)
{
	bind_self(a_processor());
	sem_post(&bound);
	return stranger(unused);
}

/* Who binds threads by hand has his reasons. */
static void threads_bound_by_hand_stay(void **state)
{
	pthread_t thread;

	(void)state;
	begin();
	assert_int_equal(sem_init(&done, 0, 0), 0);
	assert_int_equal(sem_init(&bound, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, bind_and_wait, NULL), 0);
	while (sem_wait(&bound))
		;
	pass(TURNS);
	assert_true(is_whole(0));
	assert_int_equal(ilu_clock_stop(), 0);
	assert_int_equal(threads(is_not_whole), 1);
	sem_post(&done);
	pthread_join(thread, NULL);
}

static int choose_another(void *unused)
{
	cpu_set_t set = whole;

	(void)unused;
	CPU_CLR(a_processor(), &set);
	assert_int_equal(sched_setaffinity(0, sizeof set, &set), 0);
	ilu_clock_sleep(1);
	set = mask_of(0);
	assert_int_equal(CPU_ISSET(a_processor(), &set), 0);
	return 0;
}

/* Whom the program gave other processors meanwhile keeps them. */
static void what_the_program_sets_stays(void **state)
{
	(void)state;
	begin();
	pass(TURNS);
	assert_int_equal(ilu_thread_start(NULL, "chooser", 0, choose_another, NULL), 0);
	pass(TURNS);
	end();
}

static void one_processor_is_no_choice(void **state)
{
	cpu_set_t before = mask_of(0), now;

	(void)state;
	begin();
	bind_self(a_processor());
	pass(TURNS);
	now = mask_of(0);
	assert_true(CPU_COUNT(&now) == 1 && CPU_ISSET(a_processor(), &now));
	assert_int_equal(ilu_clock_stop(), 0);
	now = mask_of(0);
	assert_true(CPU_COUNT(&now) == 1 && CPU_ISSET(a_processor(), &now));
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

/* A kernel without lists for each process says so. */
static int lists_of_waiters(void)
{
	return prctl(78 /* PR_FUTEX_HASH */, 2 /* PR_FUTEX_HASH_GET_SLOTS */, 0, 0, 0);
}

static void many_wait_in_many_lists(void **state)
{
	enum { MANY = 200 };

	(void)state;
	begin();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(ilu_thread_start(NULL, "walker", 0, walk, (void *)(intptr_t)10), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	if (lists_of_waiters() > 0)
		assert_true(lists_of_waiters() >= 4 * MANY);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(few_turns_bind_nobody),      cmocka_unit_test(walkers_are_bound),
	    cmocka_unit_test(outside_they_are_free),      cmocka_unit_test(the_log_and_children_are_free),
	    cmocka_unit_test(threads_bound_by_hand_stay), cmocka_unit_test(what_the_program_sets_stays),
	    cmocka_unit_test(one_processor_is_no_choice), cmocka_unit_test(many_wait_in_many_lists),
	    cmocka_unit_test(all_are_free_in_the_end), /* leaves a thread behind */
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
