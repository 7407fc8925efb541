/* SPDX-License-Identifier: Apache-2.0 */
/* box_util.h - for tests of the black box: a log and a place of boxes of their own, children that die. */
#ifndef BOX_UTIL_H
#define BOX_UTIL_H

#include "log_util.h"

#include "appender/current.h"

#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { THREADS = 8 };

/* What the killed process was told to be safe: it counts on after each call that came back. */
static struct shared {
	uint64_t said[THREADS];
	uint32_t started;
} * shared;

static uint64_t seed = 1;

static inline uint64_t any(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static char box_dir[64];

static inline void start_in(const char *keys)
{
	char config[1024];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"black_box\":\"%s\"%s%s}", log_dir,
	         box_dir, *keys ? "," : "", keys);
	if (ilu_log_start(config))
		_exit(3);
}

/* The box that is there; "" when there is none. */
static inline const char *find_box(void)
{
	static char path[512];
	DIR *d = opendir(box_dir);

	*path = '\0';
	for (struct dirent *e; d && (e = readdir(d));) {
		size_t len = strlen(e->d_name);

		if (len > 4 && !strcmp(e->d_name + len - 4, ".box"))
			snprintf(path, sizeof path, "%s/%s", box_dir, e->d_name);
	}
	closedir(d);
	return path;
}

static inline void clean(const char *directory)
{
	DIR *d = opendir(directory);
	char path[512];

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(directory);
}

static inline void begin(void)
{
	log_make_dir();
	strcpy(box_dir, access("/dev/shm", W_OK) ? "/tmp/ilu-box-XXXXXX" : "/dev/shm/ilu-box-XXXXXX");
	assert_non_null(mkdtemp(box_dir));
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
}

static inline void end(void)
{
	munmap(shared, sizeof *shared);
	clean(log_dir);
	clean(box_dir);
}

/* All of them start the logger in forked children. */
static inline void no_tsan(void)
{
	if (LOG_TSAN) {
		print_message("skipped: the thread sanitizer allows no threads after a fork\n");
		skip();
	}
}

static inline void expect_killed(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static inline void expect_exit(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The appender looks for dead processes every ten seconds, and now. */
static inline void look_now(void)
{
	__atomic_store_n(&current_appender()->look_ns, 0, __ATOMIC_RELAXED);
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_flush(ILU_ACK_KERNEL, -1);
}

#endif
