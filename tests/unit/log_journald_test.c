/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's sink, against a journal of our own: a socket in a temporary directory, read by a thread. */
#define ILU_TARGET "test::journald"
#include "log_util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static ilu_tid tid;
static char run_dir[64], socket_path[80];

/* ---- a journal ---- */

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	json_t *entries; /* of each datagram an object; values are strings, or arrays where a name comes twice */
	int fd, memfds, complaints;
	int slow; /* atomic: so many messages are taken one by one, each after some time */
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void add_field(json_t *entry, const char *name, size_t name_len, const char *text, size_t len)
{
	char key[80];
	json_t *value = json_stringn_nocheck(text, len), *before;

	snprintf(key, sizeof key, "%.*s", (int)name_len, name);
	journal.complaints += name_len > 64 || *key < 'A' || *key > 'Z' ||
	                      strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != name_len;
	before = json_object_get(entry, key);
	if (before) {
		json_t *both = json_pack("[O, o]", before, value);

		value = both;
	}
	json_object_set_new_nocheck(entry, key, value);
}

/* As systemd-journald reads it. */
static json_t *parse(const char *at, size_t len)
{
	const char *end = at + len;
	json_t *entry = json_object();

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)),
		           *equals = newline ? memchr(at, '=', (size_t)(newline - at)) : NULL;
		uint64_t size = 0;

		if (!newline) {
			journal.complaints++;
			break;
		}
		if (equals) {
			add_field(entry, at, (size_t)(equals - at), equals + 1, (size_t)(newline - equals) - 1);
			at = newline + 1;
			continue;
		}
		for (int i = 7; i >= 0; i--)
			size = size << 8 | (unsigned char)newline[1 + i];
		if (size > (size_t)(end - newline) - 10 || newline[9 + size] != '\n') {
			journal.complaints++;
			break;
		}
		add_field(entry, at, (size_t)(newline - at), newline + 9, size);
		at = newline + 9 + size + 1;
	}
	return entry;
}

static json_t *parse_memfd(int fd)
{
	struct stat st;
	char *text;
	json_t *entry;
	int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	journal.memfds++;
	journal.complaints += (fcntl(fd, F_GET_SEALS) & all) != all || fstat(fd, &st);
	text = malloc((size_t)st.st_size + 1);
	journal.complaints += pread(fd, text, (size_t)st.st_size, 0) != st.st_size;
	entry = parse(text, (size_t)st.st_size);
	free(text);
	close(fd);
	return entry;
}

static ssize_t take_message(struct msghdr *message)
{
	if (__atomic_load_n(&journal.slow, __ATOMIC_RELAXED) > 0) {
		__atomic_sub_fetch(&journal.slow, 1, __ATOMIC_RELAXED);
		usleep(25000);
	}
	return recvmsg(journal.fd, message, MSG_CMSG_CLOEXEC);
}

/* An empty datagram without a descriptor ends it. */
static void *read_journal(void *unused)
{
	static char bytes[1 << 20];

	for (;;) {
		union {
			struct cmsghdr header;
			char room[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec iov = {bytes, sizeof bytes};
		struct msghdr message = {
		    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		ssize_t n = take_message(&message);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		json_t *entry;
		int fd;

		if (n < 0 || (!n && !rights))
			return unused;
		if (rights)
			memcpy(&fd, CMSG_DATA(rights), sizeof fd);
		pthread_mutex_lock(&journal.lock);
		entry = rights ? parse_memfd(fd) : parse(bytes, (size_t)n);
		json_array_append_new(journal.entries, entry);
		pthread_mutex_unlock(&journal.lock);
	}
}

static void listen_again(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(journal.fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void journal_begin(void)
{
	listen_again();
	pthread_create(&journal.thread, NULL, read_journal, NULL);
}

static void journal_end(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(sendto(fd, "", 0, 0, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	pthread_join(journal.thread, NULL);
	close(journal.fd);
	unlink(socket_path);
}

/* ---- asking it ---- */

static const char *text_of(json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "(none)";
}

static json_t *entry_of(const char *message)
{
	json_t *entry;
	size_t i;

	json_array_foreach(journal.entries, i, entry)
	{
		if (!strcmp(text_of(entry, "MESSAGE"), message))
			return entry;
	}
	fail_msg("no entry \"%s\"", message);
	return NULL;
}

/* Entries with the message, and what gap records tell of. SEQ has no hole that nobody tells of. */
static void count(const char *message, int *entries, long *lost)
{
	json_t *entry;
	size_t i;
	long seq = 0;

	*entries = 0;
	*lost = 0;
	json_array_foreach(journal.entries, i, entry)
	{
		long n = json_object_get(entry, "LOST") ? atol(text_of(entry, "LOST")) : 0;

		*lost += n;
		*entries += !strcmp(text_of(entry, "MESSAGE"), message);
		if (atol(text_of(entry, "SEQ")) != seq + (n ? n : 1))
			fail_msg("after %ld comes %s, %s, which tells of %ld", seq, text_of(entry, "SEQ"),
			         text_of(entry, "MESSAGE"), n);
		seq = atol(text_of(entry, "SEQ"));
	}
}

static void begin(const char *filter, const char *more)
{
	char keys[400];

	snprintf(keys, sizeof keys, "%s\"level\":\"trace\",\"sinks\":[{\"journald\":\"%s\"%s%s%s}]", more, socket_path,
	         filter ? ",\"filter\":\"" : "", filter ? filter : "", filter ? "\"" : "");
	log_begin(keys);
}

static void end(void)
{
	json_decref(log_end());
}

/* ---- tests ---- */

static void test_fields(void **state)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
	    {"MESSAGE", "all kinds"},
	    {"PRIORITY", "4"},
	    {"TARGET", "test::journald"},
	    {"TRANSACTION_ID", "Journal"},
	    {"CODE_FILE", __FILE__},
	    {"CODE_FUNC", "test_fields"},
	    {"SYSLOG_IDENTIFIER", "log_journald_test"},
	    {"SEQ", "2"},
	    {"N", "-7"},
	    {"BIG", "9223372036854775807"},
	    {"REAL", "0.5"},
	    {"FLAG", "true"},
	    {"NOTHING", "null"},
	    {"LINES", "one\ntwo\x1b"},
	    {"JSON", "{\"a\":[1,\"b\"]}"},
	    {"ERRNO", "2"},
	    {"ERRNO_NAME", "ENOENT"},
	    {"PASSWORD", "[redacted]"},
	    {"EMPTY", ""},
	    {"QUEUE_LEN_X", "1"},
	    {"F___LEADING", "2"},
	    {"F_9LIVES", "3"},
	    {"F_PRIORITY", "4"},
	    {"QUOTED", "\"\\\xc3\xa9\xe2\x80\xae"},
	    {"F_SYSLOG_PID", "5"},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKL", "6"},
	    {"F_SPAN_NAME", "7"},
	    {"SPAN_NAME", "invoke"},
	    {"SPAN_FQDN", "hello-1"},
	    {"SPAN_TID", "Journal"},
	};
	char line[16];
	json_t *entry;

	(void)state;
	journal_begin();
	begin("debug", "");
	{
		ILU_SPAN(span, "invoke", &tid, KV("fqdn", "hello-1"));
		ilu_warn(&tid, "all kinds", KV("n", -7), KV("big", INT64_MAX), KV("real", 0.5), KV_BOOL("flag", true),
		         KV("nothing", NULL), KV("lines", "one\ntwo\x1b"), KV_JSON("json", "{\"a\": [1, \"b\"]}"),
		         KV_ERRNO(ENOENT), KV_SECRET("password", "x"), KV("empty", ""));
		snprintf(line, sizeof line, "%d", __LINE__ - 3);
		ilu_error(&tid, "names", KV("queue-len x", 1), KV("__leading", 2), KV("9lives", 3), KV("priority", 4),
		          KV("quoted", "\"\\\xc3\xa9\xe2\x80\xae"), KV("syslog_pid", 5), KV("span_name", 7),
		          KV("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", 6));
		ilu_debug(&tid, "seventh");
		ilu_trace(&tid, "filtered out");
	}
	end();
	journal_end();
	assert_int_equal(journal.complaints, 0);
	entry = entry_of("all kinds");
	assert_int_equal(abs(atoi(text_of(entry, "CODE_LINE")) - atoi(line)) <= 3, 1);
	assert_string_equal(text_of(entry_of("names"), "PRIORITY"), "3");
	assert_string_equal(text_of(entry_of("seventh"), "PRIORITY"), "7");
	json_object_update_missing(entry, entry_of("names"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(text_of(entry, rows[i].name), rows[i].value) != 0)
			fail_msg("%s: %s, expected %s", rows[i].name, text_of(entry, rows[i].name), rows[i].value);
	}
	assert_int_equal(json_array_size(journal.entries), 4);
	assert_string_equal(text_of(json_array_get(journal.entries, 0), "MESSAGE"), "Logger initialized");
}

/* Too long for a datagram: by a sealed file. */
static void test_big(void **state)
{
	static char text[900000];
	json_t *value;

	(void)state;
	memset(text, 'y', sizeof text);
	text[0] = '\n';
	journal_begin();
	begin(NULL, "\"ring_bytes\":16777216,");
	ilu_info(&tid, "big", KV_STR("text", text, sizeof text));
	ilu_info(&tid, "small");
	end();
	journal_end();
	assert_int_equal(journal.complaints, 0);
	assert_int_equal(journal.memfds, 1);
	value = json_object_get(entry_of("big"), "TEXT");
	assert_int_equal(json_string_length(value), sizeof text);
	assert_memory_equal(json_string_value(value), text, sizeof text);
	entry_of("small");
}

static void call(int from, int to)
{
	for (int i = from; i < to; i++)
		ilu_info(&tid, "call", KV("i", i));
}

/* Nobody is there at the start; then somebody comes, goes, and comes again. */
static void test_absent_and_restarted(void **state)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	int entries;
	long lost;

	(void)state;
	begin(NULL, "");
	call(0, 30);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), -ENOENT);
	journal_begin();
	call(30, 60);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	journal_end();
	call(60, 70);
	assert_int_not_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	journal_begin();
	call(70, 100);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	/* at once: the lines after it find a new socket, and none is lost */
	journal_end();
	journal_begin();
	call(100, 200);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_log_stats(&stats);
	end();
	journal_end();
	count("call", &entries, &lost);
	assert_int_equal(entries, 160);
	assert_int_equal(lost, 41); /* and "Logger initialized" */
	assert_int_equal(stats.lost, 41);
	assert_int_equal(journal.complaints, 0);
}

/* A journal that takes longer than that for a batch, and takes something all the time. */
static void test_slow(void **state)
{
	struct ilu_log_stats before = {.size = sizeof before}, stats = before;
	int entries;
	long lost;

	(void)state;
	listen_again();
	begin(NULL, "");
	ilu_log_stats(&before);
	call(0, 200);
	journal.slow = 60;
	pthread_create(&journal.thread, NULL, read_journal, NULL);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_log_stats(&stats);
	end();
	journal_end();
	count("call", &entries, &lost);
	assert_int_equal(entries, 200);
	assert_int_equal(stats.lost - before.lost, 0);
}

/* One that would take a minute for a batch: it is not waited for so long, as callers would, nor by a stop. What is lost
 * is told. */
static void test_slow_for_long(void **state)
{
	int entries;
	long lost;

	(void)state;
	listen_again();
	begin(NULL, "");
	call(0, 2400);
	journal.slow = 2400;
	pthread_create(&journal.thread, NULL, read_journal, NULL);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), -EAGAIN);
	__atomic_store_n(&journal.slow, 0, __ATOMIC_RELAXED);
	call(2400, 2500);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	end();
	journal_end();
	count("call", &entries, &lost);
	assert_true(lost > 0 && entries > 100);
	assert_int_equal(entries + lost, 2500);
}

/* A journal that does not read: a batch waits a while, then its lines are lost, and told when it reads again. */
static void test_stuck(void **state)
{
	int entries;
	long lost;

	(void)state;
	listen_again();
	begin(NULL, "");
	call(0, 2000);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), -EAGAIN);
	pthread_create(&journal.thread, NULL, read_journal, NULL);
	call(2000, 3000);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	end();
	journal_end();
	count("call", &entries, &lost);
	assert_true(lost > 0);
	assert_int_equal(entries + lost, 3000);
}

static int setup(void **state)
{
	(void)state;
	journal.entries = json_array();
	journal.memfds = journal.complaints = 0;
	strcpy(run_dir, "/tmp/ilu-journal-XXXXXX");
	if (!mkdtemp(run_dir))
		return -1;
	snprintf(socket_path, sizeof socket_path, "%s/socket", run_dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(journal.entries);
	unlink(socket_path);
	return rmdir(run_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_big, setup, teardown), /* first: rings are made once */
	    cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_absent_and_restarted, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_slow_for_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
	};

	tid = ilu_tid_named("Journal");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
