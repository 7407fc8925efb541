/* SPDX-License-Identifier: Apache-2.0 */
/* The black box: a process is killed, and what it had logged is in the log exactly once. */
#define ILU_TARGET "test::box"
#include "box_util.h"

#include "box/region.h"

#include <ilu/box.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* ---- what a killed process leaves, and who finds it ---- */

static void speak_and_die(int records, bool flushed)
{
	ilu_tid tid = ilu_tid_named("Speaker");
	ILU_SPAN(outer, "outer", &tid, KV("worker", "w1"));
	ILU_SPAN(inner, "inner", &tid, KV("n", 7));

	for (int i = 0; i < records; i++)
		ilu_info(&tid, "spoken", KV("i", i), KV("text", "it's \"quoted\""));
	if (flushed)
		ilu_log_flush(ILU_ACK_KERNEL, -1);
	raise(SIGKILL);
}

static void leave_a_box(int records, bool flushed)
{
	pid_t child = fork();

	if (!child) {
		start_in("\"spanning\":\"FULL\",\"grace_ms\":100");
		speak_and_die(records, flushed);
	}
	expect_killed(child);
	assert_string_not_equal(find_box(), "");
}

/* Lines of `pid`, in order; yours. */
static json_t *lines_of_pid(json_t *lines, pid_t pid)
{
	json_t *own = json_array(), *line;
	size_t i;

	json_array_foreach(lines, i, line) if (json_integer_value(json_object_get(line, "pid")) == pid)
	    json_array_append(own, line);
	return own;
}

static void test_next_start(void **state)
{
	json_t *lines, *dead, *next, *line;
	pid_t child;
	size_t first;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(5000, false);
	child = fork();
	if (!child) {
		start_in("");
		ilu_log_stop();
		_exit(0);
	}
	expect_exit(child);
	assert_string_equal(find_box(), "");
	lines = log_lines();
	next = lines_of_pid(lines, child);
	log_check_numbers(next, "the next run");
	assert_string_equal(log_messages(next), "Logger initialized Records of dead processes recovered");
	first = json_array_size(lines) - 2;
	assert_ptr_equal(json_array_get(lines, first), json_array_get(next, 0)); /* after all that was left */
	line = json_array_get(lines, 0);
	dead = lines_of_pid(lines, (pid_t)json_integer_value(json_object_get(line, "pid")));
	assert_int_equal(json_array_size(dead), first);
	log_check_numbers(dead, "the dead run");
	assert_int_equal(log_count(dead, "spoken"), 5000);
	assert_int_equal(log_count(dead, "close"), 2);
	line = json_array_get(dead, first - 2);
	assert_string_equal(log_message(line), "close");
	assert_true(json_is_true(json_object_get(line, "recovered")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(line, "span"), "name")), "inner");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "span"), "n")), 7);
	assert_string_equal(log_stack(line), "outer");
	line = json_array_get(dead, first - 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(line, "span"), "worker")), "w1");
	json_decref(dead);
	json_decref(next);
	json_decref(lines);
	end();
}

/* One that lives looks by itself. */
static void test_living(void **state)
{
	pid_t child = -1;
	json_t *lines;

	(void)state;
	no_tsan();
	begin();
	child = fork();
	if (!child) {
		pid_t dies;

		start_in("");
		dies = fork();
		if (!dies) {
			ilu_tid tid = ilu_tid_named("Worker");

			for (int i = 0; i < 100; i++)
				ilu_warn(&tid, "from the worker", KV("i", i));
			raise(SIGKILL);
		}
		waitpid(dies, NULL, 0);
		__atomic_store_n(&current_appender()->look_ns, 0, __ATOMIC_RELAXED);
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		lines = log_lines();
		_exit(log_count(lines, "from the worker") == 100 && log_count(lines, APPENDER_RECOVERED) == 1 ? 0 : 1);
	}
	expect_exit(child);
	end();
}

/* Workers give up their user, which their master's log is not: what a dead one leaves the next one writes, or one that
 * lives, through the descriptor it has. */
static void be_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(9);
}

static void die_as_nobody(void)
{
	pid_t pid = fork();
	ilu_tid tid = ilu_tid_named("Worker");

	if (!pid) {
		be_nobody();
		for (int i = 0; i < 100; i++)
			ilu_warn(&tid, "from the worker", KV("i", i));
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void expect_success(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		_exit(8);
}

/* Its box is root's, as it was at its first call: it cannot remove it, and nobody has to be told: neither the next
 * worker of root's, which finds it, nor the master. */
static void end_as_nobody(bool root_finds_it)
{
	pid_t pid = fork();
	ilu_tid tid = ilu_tid_named("Worker");

	if (!pid) {
		ilu_info(&tid, "as root");
		be_nobody();
		_exit(ilu_log_stop() != 0);
	}
	expect_success(pid);
	if (root_finds_it && !(pid = fork())) {
		ilu_info(&tid, "as root");
		_exit(ilu_log_stop() != 0);
	}
	if (root_finds_it)
		expect_success(pid);
	look_now();
}

static void live_as_nobody(int before)
{
	ilu_tid tid = ilu_tid_named("Worker");

	be_nobody();
	ilu_info(&tid, "lives");
	__atomic_store_n(&shared->started, 1, __ATOMIC_RELEASE);
	while (before && __atomic_load_n(&shared->started, __ATOMIC_ACQUIRE) == 1)
		usleep(1000);
	look_now();
	_exit(ilu_log_stop() != 0);
}

/* Does the one that lives come first? */
static void be_master_of_nobodies(int before)
{
	pid_t pid;
	int status;

	start_in("\"grace_ms\":1000");
	if (before) {
		end_as_nobody(false);
		end_as_nobody(true);
	} else
		die_as_nobody();
	pid = fork();
	if (!pid)
		live_as_nobody(before);
	while (before && !__atomic_load_n(&shared->started, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (before) {
		die_as_nobody();
		__atomic_store_n(&shared->started, 2, __ATOMIC_RELEASE);
	}
	_exit(waitpid(pid, &status, 0) != pid || status || ilu_log_stop());
}

static void test_other_user(void **state)
{
	(void)state;
	no_tsan();
	if (geteuid()) {
		print_message("skipped: needs root\n");
		skip();
	}
	for (int before = 0; before < 2; before++) {
		json_t *lines;
		pid_t child;

		begin();
		assert_int_equal(chmod(log_dir, 0755) || chmod(box_dir, 01777), 0);
		child = fork();
		if (!child)
			be_master_of_nobodies(before);
		expect_exit(child);
		assert_string_equal(find_box(), "");
		lines = log_lines();
		assert_int_equal(log_count(lines, "from the worker"), 100);
		assert_int_equal(log_count(lines, "lives"), 1);
		assert_int_equal(log_count(lines, APPENDER_RECOVERED), 1);
		json_decref(lines);
		end();
	}
}

/* clone(2) runs no handlers: the child's calls must not touch what its parent's box has. */
static void test_raw_fork(void **state)
{
	pid_t parent, child;
	json_t *lines, *of;

	(void)state;
	no_tsan();
	begin();
	parent = fork();
	if (!parent) {
		ilu_tid tid = ilu_tid_named("Forks");
		long raw;

		start_in("");
		for (int i = 0; i < 100; i++)
			ilu_info(&tid, "parent", KV("i", i));
		raw = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
		for (int i = 0; i < 200; i++)
			if (raw)
				ilu_info(&tid, "parent", KV("i", i));
			else
				ilu_info(&tid, "child", KV("i", i));
		if (!raw) {
			ilu_log_stop();
			_exit(0);
		}
		shared->said[0] = (uint64_t)raw;
		waitpid((pid_t)raw, NULL, 0);
		raise(SIGKILL);
	}
	expect_killed(parent);
	child = (pid_t)shared->said[0];
	assert_int_equal(ilu_box_recover(find_box(), NULL, NULL), 0);
	lines = log_lines();
	of = lines_of_pid(lines, parent);
	log_check_numbers(of, "the parent");
	assert_int_equal(log_count(of, "parent"), 300);
	assert_int_equal(log_count(of, "child"), 0);
	json_decref(of);
	of = lines_of_pid(lines, child);
	log_check_numbers(of, "the child");
	assert_int_equal(log_count(of, "child"), 200);
	json_decref(of);
	json_decref(lines);
	end();
}

/* ---- a batch that was cut ---- */

static char *read_whole(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	struct stat st;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len + 1);
	assert_int_equal(fread(bytes, 1, *len, f), *len);
	bytes[*len] = '\0';
	fclose(f);
	return bytes;
}

/* Lines without the mark. */
static char *unmarked(char *text)
{
	static const char mark[] = ",\"recovered\":true";
	char *out = text;

	for (const char *at = text; *at;) {
		if (!strncmp(at, mark, sizeof mark - 1))
			at += sizeof mark - 1;
		else
			*out++ = *at++;
	}
	*out = '\0';
	return text;
}

/* The log as it was, cut at any place of the last batch: what comes out is always the same. */
static void test_cut_batch(void **state)
{
	struct region_header h;
	const struct region_note *note;
	char *whole, *wanted = NULL, *got, kept[512];
	size_t len, got_len;
	FILE *f;
	int box;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(300, true);
	box = open(find_box(), O_RDWR);
	assert_int_equal(pread(box, &h, sizeof h, 0), sizeof h);
	note = &h.note[h.noted & 1];
	assert_true(note->text_bytes > 1000);
	h.written = h.noted - 1; /* it might have been */
	assert_int_equal(pwrite(box, &h.written, 8, offsetof(struct region_header, written)), 8);
	close(box);
	snprintf(kept, sizeof kept, "%s/kept", box_dir);
	assert_int_equal(rename(find_box(), kept), 0);
	whole = read_whole(log_file(), &len);
	for (int i = 0; i < 60; i++) {
		char copy[2048], box_name[512];
		/* some at the beginning, some just before the end of a line */
		const char *newline =
		    i < 40 ? NULL : memchr(whole + note->size + any(note->text_bytes / 2), '\n', 4096);
		size_t cut = newline  ? (size_t)(newline - whole) - note->size
		             : i < 20 ? (size_t)i
		                      : any(note->text_bytes);

		snprintf(box_name, sizeof box_name, "%s/x.box", box_dir);
		snprintf(copy, sizeof copy, "cp --sparse=always %s %s && chmod 600 %s", kept, box_name, box_name);
		assert_int_equal(system(copy), 0);
		f = fopen(log_file(), "w");
		assert_int_equal(fwrite(whole, 1, i ? note->size + cut : len, f), i ? note->size + cut : len);
		fclose(f);
		assert_int_equal(ilu_box_recover(box_name, log_file(), NULL), 0);
		got = unmarked(read_whole(log_file(), &got_len));
		if (!wanted)
			wanted = strdup(got);
		if (strcmp(got, wanted) != 0)
			fail_msg("cut after %d bytes of %d: another log", (int)cut, (int)note->text_bytes);
		free(got);
	}
	free(wanted);
	free(whole);
	end();
}

/* ---- damage ---- */

static int count_bytes(void *to, const char *bytes, size_t len)
{
	(void)bytes;
	*(size_t *)to += len;
	return 0;
}

/* Bytes that somebody threw about: whatever comes out, it ends, and says what it left out or that it is no box. */
static void test_damage(void **state)
{
	int tries = getenv("ILU_TEST_DAMAGES") ? atoi(getenv("ILU_TEST_DAMAGES")) : 300, good = 0, refused = 0;
	char name[512];
	struct stat st;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(300, false);
	snprintf(name, sizeof name, "%s", find_box());
	assert_int_equal(stat(name, &st), 0);
	for (int i = 0; i < tries; i++) {
		struct region_header h;
		struct ilu_box_result was;
		uint64_t places[4] = {0}, bytes = 0;
		char old[4];
		size_t len = 0;
		int fd = open(name, O_RDWR), n = 1 + (int)any(4), rc;

		assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
		for (int k = 0; k < n; k++) {
			uint64_t parts[] = {0, h.sites_at, h.cells_at, h.rings_at + h.ring_stride,
			                    h.rings_at + 2 * h.ring_stride};
			char byte = (char)any(256);

			places[k] = parts[any(5)] + any(k ? 4096 : 512);
			assert_int_equal(pread(fd, &old[k], 1, (off_t)places[k]), 1);
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)places[k]), 1);
		}
		rc = ilu_box_read(name, "/nowhere/x.log", count_bytes, &len, &was);
		good += !rc;
		refused += rc != 0;
		while (n-- > 0)
			assert_int_equal(pwrite(fd, &old[n], 1, (off_t)places[n]), 1);
		close(fd);
		bytes += len;
		assert_true(bytes < 100u << 20);
	}
	for (off_t at = st.st_size; at > 0; at = at * 3 / 4 - 1) { /* shorter and shorter */
		size_t len = 0;

		assert_int_equal(truncate(name, at), 0);
		ilu_box_read(name, "/nowhere/x.log", count_bytes, &len, NULL);
	}
	printf("%d damaged boxes: %d read, %d refused\n", tries, good, refused);
	assert_true(good > 0 && refused > 0);
	end();
}

/* A box that is a link, or that others may write to, is not read. */
static void test_whose(void **state)
{
	char name[512], link_name[256], beside[256];
	size_t len = 0;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(10, false);
	snprintf(name, sizeof name, "%s", find_box());
	snprintf(link_name, sizeof link_name, "%s/link.box", log_dir);
	assert_int_equal(symlink(name, link_name), 0);
	assert_int_equal(ilu_box_read(link_name, NULL, count_bytes, &len, NULL), -ELOOP);
	assert_int_equal(chmod(name, 0620), 0);
	assert_int_equal(ilu_box_read(name, NULL, count_bytes, &len, NULL), -EPERM);
	assert_int_equal(chmod(name, 0600), 0);
	assert_int_equal(unlink(link_name), 0);
	snprintf(beside, sizeof beside, "%s/link", box_dir);
	assert_int_equal(link(name, beside), 0);
	assert_int_equal(ilu_box_read(name, NULL, count_bytes, &len, NULL), -EPERM);
	assert_int_equal(unlink(beside), 0);
	assert_int_equal(len, 0);
	assert_int_equal(ilu_box_read(name, NULL, count_bytes, &len, NULL), 0);
	assert_true(len > 0);
	end();
}

/* ---- no room ---- */

static void *speak_once(void *argument)
{
	ilu_tid tid = ilu_tid_named("Room");

	for (int i = 0; i < 2000; i++)
		ilu_info(&tid, "said", KV("i", i));
	pthread_barrier_wait(argument);
	return NULL;
}

/* Eight threads at a time, so that each has a ring. */
static void speak_in_threads(void)
{
	pthread_barrier_t all;
	pthread_t thread[THREADS];

	pthread_barrier_init(&all, NULL, THREADS);
	for (int t = 0; t < THREADS; t++)
		if (pthread_create(&thread[t], NULL, speak_once, &all))
			_exit(5);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	_exit(ilu_log_stop() ? 6 : 0);
}

/* In a mount namespace of its own, with a file system of `size` for boxes; 7: it may not. */
/* A file system of its own there, for this process. */
static void mount_at(const char *directory, const char *size)
{
	char options[64];

	snprintf(options, sizeof options, "size=%s", size);
	if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
		_exit(7);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("box", directory, "tmpfs", 0, options))
		_exit(7);
}

static void speak_in(const char *size)
{
	mount_at(box_dir, size);
	start_in("\"rings\":16");
	speak_in_threads();
}

/* A file system that is full, at the start or later, is said, and kills nobody. */
static void test_no_room(void **state)
{
	static const struct {
		const char *size, *message;
	} rows[] = {
	    {"64k", "No black box"},
	    {"1m", "No black box"},
	    {"2500k", "Bytes left out of the black box: no room in its file system"},
	    {"5m", "Bytes left out of the black box: no room in its file system"},
	    {"64m", NULL},
	};

	(void)state;
	no_tsan();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *lines;
		pid_t child;
		int status;

		begin();
		child = fork();
		if (!child)
			speak_in(rows[i].size);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
			end();
			print_message("skipped: no file systems may be mounted here\n");
			skip();
		}
		if (status)
			fail_msg("%s: status %x", rows[i].size, status);
		lines = log_lines();
		assert_int_equal(log_count(lines, "said"), THREADS * 2000);
		assert_int_equal(log_check_numbers(lines, rows[i].size), 0);
		assert_int_equal(log_count(lines, "No black box"),
		                 rows[i].message && !strcmp(rows[i].message, "No black box"));
		if (rows[i].message && !log_count(lines, rows[i].message))
			fail_msg("%s: does not say %s", rows[i].size, rows[i].message);
		json_decref(lines);
		end();
	}
}

/* All but `left` bytes of the log's file system are something else's. */
static void fill_disk(off_t left)
{
	static const char some[4096];
	int fd = open(log_path("filler"), O_WRONLY | O_CREAT, 0600);
	struct stat st;

	while (write(fd, some, sizeof some) > 0)
		;
	if (fstat(fd, &st) || ftruncate(fd, st.st_size - left))
		_exit(6);
	close(fd);
}

/* Of a worker that died there are so many in the log, in order. */
static bool has_spoken(int n)
{
	json_t *lines = log_lines();
	bool good = log_count(lines, "spoken") == n;

	for (int i = 0; i < n && good; i++)
		good = json_integer_value(log_field(log_find(lines, "spoken", i), "i")) == i;
	json_decref(lines);
	return good;
}

/* Somebody who lives finds a dead worker's box, and no room for what is in it: there is no half line, and when there is
 * room all of it comes. */
static void recover_on_a_full_disk(void)
{
	enum { LINES = 1000 };
	json_t *lines;
	pid_t dies;

	mount_at(log_dir, "2m");
	start_in("\"grace_ms\":1000");
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	dies = fork();
	if (!dies)
		speak_and_die(LINES, false);
	waitpid(dies, NULL, 0);
	fill_disk(64 << 10);
	look_now();
	look_now();
	lines = log_lines();
	if (log_count(lines, "spoken") == LINES || log_count(lines, APPENDER_RECOVERED) != 1 ||
	    json_integer_value(log_field(log_find(lines, APPENDER_RECOVERED, 0), "errno")) != ENOSPC)
		_exit(5);
	json_decref(lines);
	unlink(log_path("filler"));
	look_now();
	_exit(!has_spoken(LINES) || *find_box() == '\0' ? 4 : ilu_log_stop() != 0);
}

static void test_recovery_without_room(void **state)
{
	pid_t child;
	int status;

	(void)state;
	no_tsan();
	begin();
	child = fork();
	if (!child)
		recover_on_a_full_disk();
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 7) {
		end();
		print_message("skipped: no file systems may be mounted here\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_string_equal(find_box(), "");
	end();
}

static int append(void *to, const char *bytes, size_t len)
{
	fwrite(bytes, 1, len, to);
	return 0;
}

/* A recovery was killed far behind where it began: others have written more than is looked at in one piece. */
static void test_long_way(void **state)
{
	enum { LINES = 3000, GIVEN = 1000, PIECE = 1 << 20 };
	char *recovered = NULL, *line = NULL, *other = malloc(PIECE), *at;
	size_t len = 0, cap = 0, n = 0;
	FILE *f;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(LINES, false);
	f = open_memstream(&recovered, &len);
	assert_int_equal(ilu_box_read(find_box(), NULL, append, f, NULL), 0);
	fclose(f);
	assert_int_equal(chmod(find_box(), 0700), 0); /* as a recovery does that begins */
	at = recovered;
	for (int i = 0; i < GIVEN; i++)
		at = strchr(at, '\n') + 1;
	f = fopen(log_file(), "a");
	memset(other, 'x', PIECE);
	other[PIECE - 1] = '\n';
	for (int i = 0; i < 66; i++)
		fwrite(other, 1, PIECE, f);
	fwrite(recovered, 1, (size_t)(at - recovered) + 50, f); /* and half a line */
	fclose(f);
	assert_int_equal(ilu_box_recover(find_box(), NULL, NULL), 0);
	f = fopen(log_file(), "r");
	while (getline(&line, &cap, f) > 0)
		if (strstr(line, "\"spoken\""))
			assert_int_equal(strtoul(strstr(line, "\"i\":") + 4, NULL, 10), n++);
	fclose(f);
	assert_int_equal(n, LINES);
	free(line);
	free(other);
	free(recovered);
	end();
}

/* Bytes that this process has read, of files and all else; -1: not known. */
static long long bytes_read(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	long long n = -1;

	if (f && fscanf(f, "rchar: %lld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

/* Lines that were spoken, from a place in the log on. */
static size_t spoken_from(off_t at)
{
	FILE *f = fopen(log_file(), "r");
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;

	assert_int_equal(fseeko(f, at, SEEK_SET), 0);
	while ((len = getline(&line, &cap, f)) > 0 && len < 1 << 20)
		n += strstr(line, "\"spoken\"") != NULL;
	free(line);
	fclose(f);
	return n;
}

/* Others have written very much since the process died: of a box that nobody has begun to empty that is not read. */
static void test_much_by_others(void **state)
{
	enum { LINES = 3000, PIECES = 64 };
	static const off_t piece = 32 << 20;
	long long before;
	struct stat st;
	int fd;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(LINES, true);
	fd = open(log_file(), O_WRONLY);
	assert_int_equal(fstat(fd, &st), 0);
	for (int i = 1; i <= PIECES; i++)
		assert_int_equal(pwrite(fd, "\n", 1, st.st_size + i * piece - 1), 1);
	close(fd);
	before = bytes_read();
	assert_int_equal(ilu_box_recover(find_box(), NULL, NULL), 0);
	assert_true(bytes_read() - before < 8 * piece);
	assert_int_equal(spoken_from(0) + spoken_from(st.st_size + PIECES * piece), LINES);
	end();
}

/* A file larger than the process may have would be a signal. */
static void test_file_limit(void **state)
{
	struct rlimit limit = {64 << 20, 64 << 20};
	json_t *lines;
	pid_t child;

	(void)state;
	no_tsan();
	begin();
	child = fork();
	if (!child) {
		setrlimit(RLIMIT_FSIZE, &limit);
		start_in("");
		speak_in_threads();
	}
	expect_exit(child);
	lines = log_lines();
	assert_int_equal(log_count(lines, "said"), THREADS * 2000);
	assert_int_equal(log_count(lines, "No black box"), 1);
	json_decref(lines);
	end();
}

/* ---- boxes that are nobody's ---- */

static void start_other(void)
{
	char config[512];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"other\",\"black_box\":\"%s\"}", log_dir,
	         box_dir);
	if (ilu_log_start(config))
		_exit(3);
	ilu_log_stop();
	_exit(0);
}

/* Of a process with another log: it stays, and a start says which it is. */
static void test_unclaimed(void **state)
{
	static const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
	char name[512], damaged[256];
	json_t *lines, *line;
	pid_t child;
	int fd;

	(void)state;
	no_tsan();
	begin();
	leave_a_box(10, false);
	snprintf(name, sizeof name, "%s", find_box());
	snprintf(damaged, sizeof damaged, "%s/ilulog-%ld-x.box", box_dir, (long)geteuid());
	fd = open(damaged, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "none", 4), 4);
	close(fd);
	child = fork(); /* they are new: somebody may be about to claim them */
	if (!child)
		start_other();
	expect_exit(child);
	lines = log_lines_of(log_path("other.log"));
	assert_int_equal(log_count(lines, "Black box nobody has claimed"), 0);
	json_decref(lines);
	assert_int_equal(utimensat(AT_FDCWD, name, long_ago, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, damaged, long_ago, 0), 0);
	child = fork();
	if (!child)
		start_other();
	expect_exit(child);
	lines = log_lines_of(log_path("other.log"));
	assert_int_equal(log_count(lines, "Black box nobody has claimed"), 2);
	for (int i = 0; i < 2; i++) {
		line = log_find(lines, "Black box nobody has claimed", i);
		assert_true(json_integer_value(log_field(line, "age_s")) > 1000000);
		if (log_field(line, "error")) {
			assert_string_equal(json_string_value(log_field(line, "error")), "damaged");
			assert_string_equal(json_string_value(log_field(line, "box")), damaged);
		} else {
			assert_string_equal(json_string_value(log_field(line, "box")), name);
			assert_string_equal(json_string_value(log_field(line, "of_log")), log_file());
			assert_true(json_integer_value(log_field(line, "dead_pid")) > 0);
		}
	}
	json_decref(lines);
	assert_int_equal(access(name, F_OK), 0);
	assert_int_equal(access(damaged, F_OK), 0);
	end();
}

static void make_new(char out[256], long pid, const char *rest, int age_s)
{
	struct timespec then[2];
	int fd;

	snprintf(out, 256, "%s/ilulog-%ld-0123456789abcdef-%ld-89abcdef.%s", box_dir, (long)geteuid(), pid, rest);
	fd = open(out, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	clock_gettime(CLOCK_REALTIME, &then[0]);
	then[0].tv_sec -= age_s;
	then[1] = then[0];
	assert_int_equal(futimens(fd, then), 0);
	close(fd);
}

/* A kill between making a box and giving it its name leaves a file that nobody looks at. */
static void test_left_over(void **state)
{
	char old[256], fresh[256], lives[256], named[256];
	pid_t gone, child;

	(void)state;
	no_tsan();
	begin();
	gone = fork();
	if (!gone)
		_exit(0);
	expect_exit(gone);
	make_new(old, gone, "box.new", 3600);
	make_new(fresh, gone + 1, "box.new", 0);
	make_new(lives, getpid(), "box.new", 3600);
	make_new(named, gone, "box.newer", 3600);
	child = fork();
	if (!child)
		start_other();
	expect_exit(child);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(access(fresh, F_OK), 0);
	assert_int_equal(access(lives, F_OK), 0);
	assert_int_equal(access(named, F_OK), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_next_start),     cmocka_unit_test(test_living),
	    cmocka_unit_test(test_other_user),     cmocka_unit_test(test_raw_fork),
	    cmocka_unit_test(test_cut_batch),      cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_whose),          cmocka_unit_test(test_unclaimed),
	    cmocka_unit_test(test_left_over),      cmocka_unit_test(test_no_room),
	    cmocka_unit_test(test_file_limit),     cmocka_unit_test(test_long_way),
	    cmocka_unit_test(test_much_by_others), cmocka_unit_test(test_recovery_without_room),
	};

	unsetenv("ILU_LOG__black_box"); /* the tests say where */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
