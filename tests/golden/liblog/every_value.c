/* SPDX-License-Identifier: Apache-2.0 */
/* every_value.c - log everything the interface can express: for check_events.py. Usage: every_value CONFIG */
#define ILU_TARGET "every::value"
#include <ilu/log.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flags {
	unsigned three : 3;
	signed four : 4;
};

enum colour { RED, GREEN };

static void numbers(const ilu_tid *tid)
{
	struct flags flags = {5, -3};

	ilu_info(tid, "Integers", KV("char", 'c'), KV("schar", (signed char)-128), KV("short", (short)SHRT_MIN),
	         KV("int", INT_MIN), KV("long", LONG_MIN), KV("llong", LLONG_MIN), KV("uchar", (unsigned char)255),
	         KV("ushort", (unsigned short)65535), KV("uint", UINT_MAX), KV("ulong", ULONG_MAX),
	         KV("ullong", ULLONG_MAX), KV("size", sizeof flags), KV("bits", flags.three), KV("sbits", flags.four),
	         KV("enum", GREEN), KV("bool", (bool)1));
	ilu_info(tid, "Doubles", KV("zero", 0.0), KV("minus", -0.0), KV("two", 2.0), KV("tenth", 0.1),
	         KV("float", 0.1f), KV("small", 5e-324), KV("big", DBL_MAX), KV("e21", 1e21), KV("nan", NAN),
	         KV("inf", -INFINITY), KV("third", 1.0 / 3));
	ilu_info(tid, "Others", KV_BOOL("equal", flags.three == 5), KV("null", NULL), KV("nothing", (char *)NULL),
	         KV_ERRNO(2), KV_ERRNO("other", 99999), KV_SECRET("password", "hunter2"),
	         KV_JSON("json", " {\"a\": [1, 2.5e3, \"x\\n\\u202e\xe2\x80\xae\"], \"b\": {}} "),
	         KV_JSON("bad", "{\"a\":"), KV_JSON("deep", "[[[[]]]]"));
}

static void texts(const ilu_tid *tid)
{
	char all[256], *big = malloc(3 << 20);

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	ilu_info(tid, "Texts", KV("empty", ""), KV("plain", "plain"), KV_STR("all", all, sizeof all),
	         KV_STR("none", NULL, 0), KV("bidi", "\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\xa8"),
	         KV("utf8", "gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80"),
	         KV("bad", "\xff\xc0\xaf\xed\xa0\x80\xf0\x9f\x98"), KV("quo\"ted\x1b key", "v"));
	memset(big, 'x', 3 << 20);
	ilu_info(tid, "Cut", KV_STR("big", big, 3 << 20), KV("after", 1));
	free(big);
}

static void arrays(const ilu_tid *tid)
{
	static char keys[300][16];
	struct ilu_kv list[300];

	for (int i = 0; i < 300; i++) {
		struct ilu_kv pair = ILU_PAIR(KV("k", i));

		snprintf(keys[i], sizeof keys[i], i % 50 == 9 ? "same" : "key_%d", i);
		list[i] = pair;
		list[i].key = i == 3 ? "message" : i == 4 ? "tid" : i == 5 ? "" : keys[i];
	}
	ilu_log_array(ILU_WARN, tid, "Array", list, 60);
	ilu_log_array(ILU_WARN, tid, "Too long an array", list, 300);
	ilu_log_array(ILU_WARN, tid, "No array", list, 0);
}

static ilu_span handed_over;

static void *elsewhere(void *arg)
{
	ilu_log_thread_name("work\"er\x1b");
	ILU_ENTER_TAKE(handed_over);
	ilu_info(ilu_span_tid(handed_over), "In another thread");
	return arg;
}

static void spans(const ilu_tid *tid)
{
	pthread_t thread;

	ILU_SPAN(outer, "outer", tid, KV("zebra", 1), KV("apple", "a\nb"), KV("zz", NULL));
	ilu_info(tid, "Inside");
	ILU_SPAN_AT(ILU_DEBUG, inner, "inner", tid);
	ilu_span_record(inner, KV("later", 2.5), KV("zeta", "z"));
	ilu_span_record(inner, KV("later", 3.5));
	ilu_span_follows(inner, outer);
	ilu_debug(tid, "Deeper", KV("x", 1));
	ILU_SPAN_REMOTE(far, "remote", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", KV("n", 1));
	ilu_info(ilu_span_tid(far), "Far");
	ILU_SPAN_FN(here, tid);
	ilu_trace(tid, "Deepest");
	handed_over = ilu_span_share(here);
	pthread_create(&thread, NULL, elsewhere, NULL);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	ilu_tid tid = ilu_tid_generate(), named = ilu_tid_named("Load\x1bMonitor");
	int rc;

	ilu_info(&tid, "Before the start");
	rc = ilu_log_start(argc > 1 ? argv[1] : NULL);
	if (rc) {
		fprintf(stderr, "%s\n", ilu_log_error());
		return 1;
	}
	numbers(&tid);
	texts(&tid);
	arrays(&tid);
	spans(&named);
	for (int i = 0; i < 1000; i++)
		ilu_error(&tid, "Many", KV("i", i));
	rc = ilu_log_flush(ILU_ACK_DISK, -1);
	rc = rc ? rc : ilu_log_stop();
	return rc ? 1 : 0;
}
