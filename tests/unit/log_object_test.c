/* SPDX-License-Identifier: Apache-2.0 */
/* Shared objects that log, loaded and unloaded: built here with the compiler of the test, from the text below, against
 * this program's own library. */
#define ILU_TARGET "test::object"
#include "log_util.h"

#include <dlfcn.h>

static const char source[] =
    "#define ILU_TARGET \"plugin::\" NAME\n"
    "#include <ilu/log.h>\n"
    "void speak(const ilu_tid *tid);\n"
    "void speak(const ilu_tid *tid)\n"
    "{\n"
    "	ILU_SPAN(span, \"plugged\", tid, KV(\"name\", NAME));\n"
    "	ilu_info(tid, \"info of plugin\", KV(\"who\", NAME));\n"
    "	ilu_debug(tid, \"debug of plugin\", KV(\"who\", NAME));\n"
    "	ilu_info_limited(ILU_RATE(0.001, 3), tid, \"limited\", KV(\"who\", NAME));\n"
    "	ilu_info_limited(ILU_RATE_BY(\"who\", 0.001, 4), tid, \"limited by key\", KV(\"who\", NAME));\n"
    "}\n";

static char dir[] = "/tmp/ilu-object-XXXXXX";

static void build(const char *name)
{
	const char *cc = getenv("CC") ? getenv("CC") : "cc", *flags = getenv("CFLAGS") ? getenv("CFLAGS") : "";
	char command[1024], path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/plugin.c", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(source, f);
	fclose(f);
	snprintf(command, sizeof command,
	         "%s %s -std=gnu11 -fPIC -shared -Iliblog/include -DNAME='\"%s\"' -o %s/%s.so %s", cc, flags, name, dir,
	         name, path);
	assert_int_equal(system(command), 0);
}

static void *load(const char *name, void (**speak)(const ilu_tid *))
{
	char path[128];
	void *object;

	snprintf(path, sizeof path, "%s/%s.so", dir, name);
	object = dlopen(path, RTLD_NOW);
	if (!object)
		fail_msg("%s", dlerror());
	*(void **)speak = dlsym(object, "speak");
	assert_non_null(*speak);
	return object;
}

static void test_load_and_unload(void **state)
{
	ilu_tid tid = ilu_tid_named("Object");
	void (*speak)(const ilu_tid *);
	json_int_t suppressed = 0;
	json_t *lines;

	(void)state;
	assert_non_null(mkdtemp(dir));
	build("one");
	build("two");
	log_begin("\"level\":\"info,plugin::two=debug\",\"spanning\":\"NEW\"");
	for (int i = 0; i < 10; i++) {
		/* also: the linker takes all that a plugin may call into the program */
		ILU_SPAN_AT(ILU_TRACE, span, "host", &tid);
		ilu_log_array(ILU_TRACE, &tid, "host", NULL, 0);
		void *one = load("one", &speak), *two;

		speak(&tid);
		two = load("two", &speak);
		speak(&tid);
		/* its records are still in the ring when its memory is gone */
		dlclose(one);
		dlclose(two);
		ilu_info(&tid, "here", KV("i", i));
		if (i == 4)
			ilu_log_set_filter("info,plugin::one=debug");
	}
	lines = log_end();
	assert_int_equal(log_count(lines, "info of plugin"), 20);
	assert_int_equal(log_count(lines, "debug of plugin"), 10);
	assert_int_equal(log_count(lines, "new"), 20);
	assert_int_equal(log_count(lines, "here"), 10);
	/* limits outlive the objects: three and four lines of each of the two */
	assert_int_equal(log_count(lines, "limited"), 6);
	assert_int_equal(log_count(lines, "limited by key"), 8);
	for (int i = 0; i < 4; i++)
		suppressed += json_integer_value(log_field(log_find(lines, "Calls suppressed", i), "suppressed"));
	assert_int_equal(suppressed, 40 - 6 - 8);
	for (int i = 0; i < 10; i++)
		assert_string_equal(json_string_value(log_field(log_find(lines, "debug of plugin", i), "who")),
		                    i < 5 ? "two" : "one");
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_load_and_unload)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
