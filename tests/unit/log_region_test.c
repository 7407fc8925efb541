/* SPDX-License-Identifier: Apache-2.0 */
/* The region tells what is in it: a copy of its bytes, mapped elsewhere, is all that the decoder below looks at. What
 * it finds in rings whose records are not in the log yet must be what was logged; and nothing in it may be a pointer.
 */
#define ILU_TARGET "test::region"
#include "log_util.h"

#include "box/region.h"
#include "box/slab.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

/* ---- a log that can be held up: records stay in the rings while a pipe is full ---- */

static int pipe_fd[2];
static pthread_t drainer;
static uint32_t draining;

static void *drain(void *unused)
{
	static char block[65536];
	struct pollfd p = {.fd = pipe_fd[0], .events = POLLIN};

	while (__atomic_load_n(&draining, __ATOMIC_ACQUIRE))
		if (poll(&p, 1, 10) == 1 && read(pipe_fd[0], block, sizeof block) < 0)
			break;
	return unused;
}

static void let_go(void)
{
	__atomic_store_n(&draining, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&drainer, NULL, drain, NULL), 0);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
}

static void hold_up(void)
{
	static char block[4096];

	__atomic_store_n(&draining, 0, __ATOMIC_RELEASE);
	pthread_join(drainer, NULL);
	fcntl(pipe_fd[1], F_SETFL, O_NONBLOCK);
	memset(block, '\n', sizeof block);
	for (size_t n = sizeof block; n; n /= 2)
		while (write(pipe_fd[1], block, n) > 0)
			;
	fcntl(pipe_fd[1], F_SETFL, 0);
}

/* ---- the copy ---- */

/* As another process would take it; pages that were never touched stay so. The rings' records do not change while the
 * log is held up. */
static char *copy_region(void)
{
	static char block[65536];
	static const char zeros[sizeof block];
	size_t bytes = region.header->bytes;
	char *copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = open("/proc/self/mem", O_RDONLY);

	assert_true(copy != MAP_FAILED && fd >= 0);
	assert_ptr_not_equal(copy, region.base);
	for (size_t at = 0; at < bytes; at += sizeof block) {
		size_t n = bytes - at < sizeof block ? bytes - at : sizeof block;

		assert_int_equal(pread(fd, block, n, (off_t)(uintptr_t)(region.base + at)), n);
		if (memcmp(block, zeros, n))
			memcpy(copy + at, block, n);
	}
	close(fd);
	return copy;
}

/* ---- the decoder: nothing but `base` ---- */

static const struct region_header *header_of(const char *base)
{
	return (const struct region_header *)(const void *)base;
}

static const char *after(const char *text)
{
	return text + strlen(text) + 1;
}

static const struct region_site *find_site(const char *base, uint32_t number)
{
	const struct region_header *h = header_of(base);

	for (uint64_t at = h->sites_at; at < h->sites_at + h->sites_bytes;) {
		const struct region_site *site = (const struct region_site *)(const void *)(base + at);

		if (!site->size)
			return NULL;
		if (site->number == number)
			return site;
		at += site->size;
	}
	return NULL;
}

/* Open, or closed and not used again. */
static const struct slot *find_span(const char *base, uint64_t handle)
{
	const struct region_header *h = header_of(base);
	const struct slot *slot =
	    (const struct slot *)(const void *)(base + h->slots_at + (handle & 0xffffff) * h->slot_bytes);

	return slot->state >> 32 == handle >> 32 || slot->state == ((handle >> 32) + 1) << 32 ? slot : NULL;
}

static void tid_out(FILE *out, const void *at, bool named)
{
	ilu_tid tid;
	char text[48];

	memset(&tid, 0, sizeof tid);
	memcpy(&tid, at, named ? sizeof tid : 16);
	fputs(ilu_tid_str(&tid, text), out);
}

static const char *value_out(FILE *out, unsigned type, const char *at)
{
	uint64_t word = 0;
	uint32_t len;
	double real;

	if (type == ILU_T_NULL_ || type == ILU_T_SECRET_) {
		fputs(type == ILU_T_NULL_ ? "null" : "?", out);
		return at;
	}
	if (type == ILU_T_STR_ || type == ILU_T_JSON_) {
		memcpy(&len, at, 4);
		if (len == ILU_NO_TEXT_) {
			fputs("none", out);
			return at + 4;
		}
		assert_false(len & ILU_CUT_);
		fprintf(out, "\"%.*s\"", (int)len, at + 4);
		return at + 4 + len;
	}
	memcpy(&word, at, 8);
	memcpy(&real, at, 8);
	if (type == ILU_T_F64_)
		fprintf(out, "%g", real);
	else
		fprintf(out, type == ILU_T_U64_ ? "%llu" : "%lld", (unsigned long long)word);
	return at + 8;
}

static int64_t wall_ns(const char *base, uint64_t stamp)
{
	const struct region_header *h = header_of(base);
	const struct region_clock *c = &h->clock[h->clock_now];

	assert_true(h->clock_now < 2);
	return c->wall_ns + (int64_t)((double)(int64_t)(stamp - c->stamp) * c->ns_per_tick);
}

/* LEVEL target function "text" in span: tid key=value ... */
static void record_out(FILE *out, const char *base, const struct ilu_record_ *record)
{
	static const char *const levels[] = {"OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
	const struct region_site *site = find_site(base, record->word >> 8);
	const unsigned char *types;
	const char *target, *text, *file, *function, *key, *at = (const char *)(record + 1);
	const struct slot *span;
	bool named = record->word & ILU_NAMED_;

	assert_non_null(site);
	types = (const unsigned char *)(site + 1);
	target = (const char *)types + site->count;
	text = after(target);
	file = after(text);
	function = after(file);
	key = after(function);
	assert_string_equal(strrchr(file, '/') + 1, "log_region_test.c");
	assert_in_range(site->line, 1, 1000);
	fprintf(out, "%s %s %s \"%s\"", levels[site->level], target, function, text);
	span = record->span ? find_span(base, record->span) : NULL;
	if (span) {
		const struct region_site *of = find_site(base, span->site);

		assert_non_null(of);
		fprintf(out, " in %s ", after((const char *)(of + 1) + of->count));
		tid_out(out, &span->tid, true);
	}
	fputs(": ", out);
	tid_out(out, at, named);
	at += named ? sizeof(ilu_tid) : 16;
	for (unsigned i = 0; i < site->count; i++, key = after(key)) {
		fprintf(out, " %s=", key);
		at = value_out(out, types[i], at);
	}
	fputc('\n', out);
}

/* All events of all rings; threads by name, before their first record. */
static char *decode(const char *base)
{
	const struct region_header *h = header_of(base);
	int64_t now = (int64_t)time(NULL) * 1000000000;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_memory_equal(h->magic, REGION_MAGIC, 8);
	assert_int_equal(h->version, REGION_VERSION);
	assert_int_equal(h->pid, getpid());
	for (uint64_t i = 0; i < h->rings; i++) {
		const char *ring = base + h->rings_at + i * h->ring_stride;
		const struct region_ring *head = (const struct region_ring *)(const void *)ring;
		const char *name = "main";
		bool told = false;

		for (uint64_t position = head->head;;) {
			const struct ilu_record_ *record =
			    (const struct ilu_record_ *)(const void *)(ring + h->ring_head_bytes +
			                                               (position & (h->ring_bytes - 1)));
			unsigned operation = record->word & ILU_OP_MASK_;

			if (!record->size)
				break;
			position += record->size;
			assert_true(position - head->head <= h->ring_bytes);
			if (operation == ILU_OP_OWNER_) {
				name = (const char *)(record + 1) + sizeof(uint32_t);
				told = false;
			} else if (operation == ILU_OP_EVENT_) {
				if (!told)
					fprintf(out, "[%s]\n", name);
				told = true;
				assert_in_range(wall_ns(base, record->stamp) - now + INT64_C(3600000000000), 0,
				                INT64_C(7200000000000));
				record_out(out, base, record);
			}
		}
	}
	fclose(out);
	return text;
}

/* ---- what is logged ---- */

static ilu_tid tid;

static void speak(int i)
{
	const char *none = NULL;
	ILU_SPAN(span, "work", &tid, KV("i", i));

	ilu_info(&tid, "Numbers", KV("u", UINT64_MAX), KV("i", -i), KV("f", 0.25), KV("b", (bool)(i & 1)));
	ilu_warn(&tid, "Texts", KV("s", "a\"b"), KV("none", none), KV("null", NULL), KV_SECRET("password", "hidden"),
	         KV_STR("part", "abcdef", 3));
	ilu_error(&tid, "Nothing");
}

static void expect_speech(FILE *out, int i)
{
	char id[48];
	const char *t = ilu_tid_str(&tid, id);

	fprintf(out, "INFO test::region speak \"Numbers\" in work %s: %s u=18446744073709551615 i=%d f=0.25 b=%d\n", t,
	        t, -i, i & 1);
	fprintf(
	    out,
	    "WARN test::region speak \"Texts\" in work %s: %s s=\"a\"b\" none=none null=null password=? part=\"abc\"\n",
	    t, t);
	fprintf(out, "ERROR test::region speak \"Nothing\" in work %s: %s\n", t, t);
}

static void *other_thread(void *unused)
{
	ilu_tid name = ilu_tid_named("other");

	ilu_log_thread_name("other");
	for (int i = 0; i < 20; i++)
		ilu_info(&name, "From another thread", KV("i", i));
	return unused;
}

static void log_all(int rounds)
{
	pthread_t thread;

	for (int i = 0; i < rounds; i++)
		speak(i);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	pthread_join(thread, NULL);
}

static char *expectation(int rounds)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs("[main]\n", out);
	for (int i = 0; i < rounds; i++)
		expect_speech(out, i);
	fputs("[other]\n", out);
	for (int i = 0; i < 20; i++)
		fprintf(out, "INFO test::region other_thread \"From another thread\": other i=%d\n", i);
	fclose(out);
	return text;
}

static void begin(void)
{
	char keys[128];

	assert_int_equal(pipe(pipe_fd), 0);
	snprintf(keys, sizeof keys,
	         "{\"ring_bytes\":65536,\"rings\":4,\"span_slots\":1024,\"spanning\":\"NONE\",\"sinks\":[{\"fd\":%d}]}",
	         pipe_fd[1]);
	assert_int_equal(ilu_log_start(keys), 0);
	ilu_log_thread_name("main");
	tid = ilu_tid_generate();
	let_go();
}

static void end(void)
{
	let_go();
	assert_int_equal(ilu_log_stop(), 0);
	__atomic_store_n(&draining, 0, __ATOMIC_RELEASE);
	pthread_join(drainer, NULL);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void test_decode(void **state)
{
	(void)state;
	begin();
	/* so many that the ring's end is passed in some round */
	for (int round = 0; round < 6; round++) {
		char *copy, *found, *wanted = expectation(30);

		hold_up();
		log_all(30);
		copy = copy_region();
		found = decode(copy);
		assert_string_equal(found, wanted);
		munmap(copy, header_of(copy)->bytes);
		free(found);
		free(wanted);
		let_go();
	}
	hold_up();
	end();
}

/* Every word that could be an address in the region, the program or its stack is none. */
static void test_no_pointers(void **state)
{
	extern const char __executable_start[], _end[];
	uintptr_t low = (uintptr_t)region.base, bytes = region.header->bytes, program = (uintptr_t)__executable_start;
	char *copy;

	(void)state;
	begin();
	hold_up();
	log_all(30);
	copy = copy_region();
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t word;

		memcpy(&word, copy + i, 8);
		if (word - low < bytes || word - program < (uintptr_t)_end - program ||
		    word - (uintptr_t)&copy + 65536 < 131072)
			fail_msg("a pointer at %#zx: %#llx", i, (unsigned long long)word);
	}
	munmap(copy, bytes);
	end();
}

/* The header's sections follow each other, each in whole pages, and a damaged size cannot lead out of the sites. */
static void test_layout(void **state)
{
	const struct region_header *h = region.header;
	uint64_t at = h->sites_at;

	(void)state;
	assert_true(h->header_bytes <= h->sites_at);
	assert_int_equal(h->sites_at + h->sites_bytes, h->slots_at);
	assert_true(h->slots_at + h->slots * h->slot_bytes <= h->rings_at);
	assert_int_equal(h->rings_at + h->rings * h->ring_stride, h->bytes);
	assert_int_equal((h->sites_at | h->slots_at | h->rings_at | h->ring_stride) % 4096, 0);
	assert_int_equal(h->ring_bytes, 65536);
	assert_int_equal(h->rings, 4);
	assert_int_equal(h->slots, 1024);
	for (uint32_t number = 1;; number++) {
		const struct region_site *site = (const struct region_site *)(const void *)(region.base + at);

		if (!site->size)
			break;
		assert_int_equal(site->number, number);
		at += site->size;
		assert_true(at < h->slots_at);
	}
	assert_int_equal(h->sites_left_out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_no_pointers),
	    cmocka_unit_test(test_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
