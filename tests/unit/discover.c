/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discovery: what files are, by content and name, and what becomes of trees of them. */
#include "load/discover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define TRACING                        \
	"{\"timestamp\":\"2026-11-23 " \
	"00:51:54.1\",\"level\":\"INFO\",\"fields\":{\"message\":\"a\"},\"target\":\"t\"}\n"
#define OURS                                                                                                           \
	"{\"timestamp\":\"2026-11-23T00:51:54.190692880Z\",\"level\":\"INFO\",\"fields\":{},\"target\":\"t\",\"pid\":" \
	"1,\"seq\":2}\n"
#define LOGRUS "{\"level\":\"info\",\"msg\":\"starting\",\"time\":\"2026-11-23T01:24:55.391143141Z\"}\n"
#define LOGFMT "time=\"2026-11-23T01:25:02.993087429Z\" level=info msg=\"loading\"\n"
#define RESULT "success,function_name,was_cold,worker_duration_us,code_duration_sec,e2e_duration_us,tid\n"
#define TRACE  "func_name,invoke_time_ms\na,1\n"

static const struct {
	const char *name, *text;
	enum input_kind kind;
} contents[] = {
    {"a.log", "", INPUT_EMPTY},
    {"a.log", TRACING, INPUT_TRACING},
    {"a.log", "\xef\xbb\xbf" TRACING, INPUT_TRACING},
    {"a.log", "{\"timestamp\":\"x\",\"level\":\"INFO\",\"message\":\"flat\",\"target\":\"t\"}\r\n", INPUT_TRACING},
    {"a.log", "garbage\n" TRACING TRACING, INPUT_TRACING},
    {"a.log", OURS, INPUT_ILULOG},
    {"a.log", OURS "{\"cut", INPUT_ILULOG},
    {"a.log", LOGRUS, INPUT_LOGRUS},
    {"a.log", LOGFMT LOGRUS, INPUT_LOGRUS},
    {"cli.log", "=== ping\nrc=0\n=== register\n" LOGFMT, INPUT_TEXT},
    {"a.log", "hello\nworld\n", INPUT_TEXT},
    {"a.log", "[[[[[[[", INPUT_TEXT},
    {"a.log", "a\x01\x02\x03z", INPUT_BINARY},
    {"a.log", "\x1b[2m2026-11-23\x1b[0m INFO\n", INPUT_TEXT},
    {"output-in.csv", RESULT, INPUT_RESULT_CSV},
    {"other.csv", RESULT "true,a,false,1,0.5,2,x\n", INPUT_RESULT_CSV},
    {"output-full-in.json", "[]", INPUT_RESULT_JSON},
    {"x.json", "[{\"worker_response\":{}}]", INPUT_RESULT_JSON},
    {"x.json", " [{\"controller_response\":{}}]", INPUT_RESULT_JSON},
    {"x.json", "[]", INPUT_OTHER},
    {"x.json", "{\"a\":1}", INPUT_OTHER},
    {"b.json", "{\"data\": {\"f\": {\"resource_data\": {}}}}", INPUT_BENCHMARK},
    {"in.csv", TRACE, INPUT_TRACE},
    {"in.csv", "func_name,invoke_time_ms\r\na,1\r\n", INPUT_TRACE},
    {"meta.csv", "func_name,cold_dur_ms,warm_dur_ms,mem_mb\n", INPUT_METADATA},
    {"meta.csv", "mem_mb,func_name", INPUT_METADATA},
    {"injected.csv", "tid,fault\n", INPUT_OTHER},
    {"energy-rapl.log", "timestamp,rapl_uj\n", INPUT_ENERGY},
    {"energy-ipmi.log", "timestamp,ipmi\n", INPUT_ENERGY},
    {"process.log", "timestamp,cpu_pct,cpu_time\n", INPUT_ENERGY},
    {"energy-perf.log", "# started on Mon Aug 29 15:04:17 2022\n\n", INPUT_ENERGY},
    {"tegrastats.log", "RAM 1/2MB\n", INPUT_ENERGY},
};

static void classified(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof contents / sizeof *contents; i++) {
		enum input_kind kind =
		    input_classify(contents[i].name, contents[i].text, strlen(contents[i].text), NULL);

		if (kind != contents[i].kind)
			fail_msg("%s \"%.40s\": %s", contents[i].name, contents[i].text, input_kind_name(kind));
	}
	assert_int_equal(input_classify("a.log", "a\0b", 3, NULL), INPUT_BINARY);
}

static const struct {
	const char *name, *stem, *worker;
	bool process, log;
} names[] = {
    {"worker.log", "worker.log", "worker", true, true},
    {"worker_0.log", "worker_0.log", "worker_0", true, true},
    {"worker1.log", "worker1.log", "worker1", true, true},
    {"worker_10.log.zst", "worker_10.log", "worker_10", true, true},
    {"worker_10.log.2", "worker_10.log", "worker_10", true, true},
    {"worker_10.log.2.gz", "worker_10.log", "worker_10", true, true},
    {"worker_10.log-20261123", "worker_10.log", "worker_10", true, true},
    {"app.log.20261123T101500Z.zst", "app.log", "app", false, true},
    {"app.log.2026-11-23", "app.log", "app", false, true},
    {"app-2026-06-01.log", "app-2026-06-01.log", "app", false, true},
    {"app.2026-06-01T10-30.log.gz", "app.2026-06-01T10-30.log", "app", false, true},
    {"app_20260601-2.log", "app_20260601-2.log", "app", false, true},
    {"2026.06.01-node-3.log", "2026.06.01-node-3.log", "node-3", false, true},
    {"app-2026-06-01-host2.log", "app-2026-06-01-host2.log", "app-host2", false, true},
    {"2026-06-01.log", "2026-06-01.log", "2026-06-01", false, true},
    {"app.1.log", "app.1.log", "app", false, true},
    {"app.2026-06-01.12.log.gz", "app.2026-06-01.12.log", "app", false, true},
    {"node-7.3.log", "node-7.3.log", "node-7", false, true},
    {"10.0.0.1.log", "10.0.0.1.log", "10.0.0.1", false, true},
    {"host.10.0.0.1.log", "host.10.0.0.1.log", "host.10.0.0.1", false, true},
    {"1.log", "1.log", "1", false, true},
    {"app-202606010.log", "app-202606010.log", "app-202606010", false, true},
    {"app-20261301.log", "app-20261301.log", "app-20261301", false, true},
    {"controller.log", "controller.log", "controller", true, true},
    {"load_gen.log", "load_gen.log", "load_gen", true, true},
    {"workers.log", "workers.log", "workers", false, true},
    {"a.ndjson", "a.ndjson", "a", false, true},
    {"10.0.0.1", "10.0.0.1", "10.0.0.1", false, false},
    {"notes.txt", "notes.txt", "notes", false, false},
    {".log", ".log", ".log", false, false},
    {"output-full-in.json.zst", "output-full-in.json", "output-full-in", false, false},
};

static void named(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof names / sizeof *names; i++) {
		char *worker = input_worker(names[i].name);

		if (input_stem(names[i].name) != strlen(names[i].stem) || strcmp(worker, names[i].worker) ||
		    input_is_process(names[i].name) != names[i].process ||
		    input_named_log(names[i].name) != names[i].log)
			fail_msg("%s: %zu, %s, %d, %d", names[i].name, input_stem(names[i].name), worker,
			         input_is_process(names[i].name), input_named_log(names[i].name));
		free(worker);
	}
}

static void natural(void **state)
{
	static const char *const sorted[] = {"",
	                                     "a",
	                                     "a1",
	                                     "a2",
	                                     "a02b",
	                                     "a2c",
	                                     "a10",
	                                     "a10b",
	                                     "aa",
	                                     "b9999999999999999999999",
	                                     "b10000000000000000000000"};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof sorted / sizeof *sorted; i++)
		for (j = 0; j < sizeof sorted / sizeof *sorted; j++) {
			int c = natural_compare(sorted[i], sorted[j]);

			if ((c < 0) != (i < j) || (c > 0) != (i > j))
				fail_msg("\"%s\" \"%s\": %d", sorted[i], sorted[j], c);
		}
}

/* ---- trees ---- */

static char top[] = "/tmp/ilu-discover-XXXXXX";

static const char *at(const char *path)
{
	static char buf[8][256];
	static unsigned next;

	next = (next + 1) % 8;
	snprintf(buf[next], sizeof buf[next], "%s/%s", top, path);
	return buf[next];
}

static void file(const char *path, const char *text)
{
	FILE *f = fopen(at(path), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int tree(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	mkdir(at("run"), 0700);
	mkdir(at("run/expected"), 0700);
	file("run/worker_10.log", TRACING);
	file("run/worker_2.log", TRACING);
	file("run/controller.log", "damaged\n");
	file("run/empty.log", "");
	file("run/cli.log", "hello\n");
	file("run/odd.name", OURS);
	file("run/output-in.csv", RESULT);
	file("run/in.csv", TRACE);
	file("run/injected.csv", "tid,fault\n");
	file("run/broken.log.zst", "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
	file("run/.hidden.log", TRACING);
	file("run/expected/worker_0.log", TRACING);
	assert_int_equal(symlink("worker_2.log", at("run/again.log")), 0);
	assert_int_equal(symlink("nowhere", at("run/dangling.log")), 0);
	assert_int_equal(mkfifo(at("run/pipe.log"), 0600), 0);
	mkdir(at("many"), 0700);
	mkdir(at("many/b"), 0700);
	mkdir(at("many/a"), 0700);
	mkdir(at("many/none"), 0700);
	file("many/README", "text\n");
	file("many/a/x.log", TRACING);
	file("many/b/y.log", LOGRUS);
	file("many/none/in.csv", TRACE);
	assert_int_equal(symlink("..", at("many/none/loop")), 0);
	assert_int_equal(symlink("../run", at("many/linked")), 0);
	mkdir(at("bare"), 0700);
	file("bare/output-in.csv", RESULT);
	assert_int_equal(symlink(".", at("bare/self")), 0);
	mkdir(at("flat"), 0700);
	file("flat/app.log", OURS);
	file("flat/app.log.1", OURS);
	file("flat/other.log", OURS);
	file("flat/text.log", "text\n");
	file("flat/a[1].log", OURS);
	return 0;
}

static int cut(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", top);
	return system(command);
}

/* "run:worker kind,..." of what was found, with paths relative to top. */
static const char *found(const struct discovery *d)
{
	static char text[2000];
	size_t i, len = 0;

	*text = '\0';
	for (i = 0; i < d->ninputs; i++) {
		const struct input *in = &d->inputs[i];
		const struct input_run *run = &d->runs[in->run];

		if (!i || in->run != d->inputs[i - 1].run)
			len += (size_t)snprintf(text + len, sizeof text - len, "%s%s:", i ? " " : "",
			                        strncmp(run->path, top, strlen(top)) ? run->path
			                                                             : run->path + strlen(top) + 1);
		len += (size_t)snprintf(text + len, sizeof text - len, " %s=%s", strrchr(in->path, '/') + 1,
		                        input_kind_name(in->kind));
	}
	return text;
}

static const struct {
	const char *paths[3];
	int rc;
	const char *found, *error; /* the first error's end */
} searches[] = {
    {{"run"},
     0,
     "run: broken.log.zst=binary controller.log=text empty.log=empty in.csv=trace odd.name=ilulog "
     "output-in.csv=result worker_2.log=tracing worker_10.log=tracing",
     NULL},
    {{"many"},
     0,
     "many/a: x.log=tracing many/b: y.log=logrus many/linked: broken.log.zst=binary controller.log=text "
     "empty.log=empty in.csv=trace odd.name=ilulog output-in.csv=result worker_2.log=tracing worker_10.log=tracing",
     NULL},
    {{"many/a", "many/a"}, 0, "many/a: x.log=tracing", NULL},
    {{"many/a", "many/a/x.log"}, 0, "many/a: x.log=tracing", NULL},
    {{"bare"}, -ENOENT, "", "bare: no logs in this directory or below it"},
    {{"many/none"},
     0,
     "many/none/loop/a: x.log=tracing many/none/loop/b: y.log=logrus many/none/loop/linked: broken.log.zst=binary "
     "controller.log=text empty.log=empty in.csv=trace odd.name=ilulog output-in.csv=result worker_2.log=tracing "
     "worker_10.log=tracing",
     NULL},
    {{"missing"}, -ENOENT, "", "missing: No such file or directory"},
    {{"missing", "many/b"}, -ENOENT, "many/b: y.log=logrus", "missing: No such file or directory"},
    {{"run/worker_2.log"}, 0, "run: worker_2.log=tracing", NULL},
    {{"run/worker_2.log", "run/again.log"}, 0, "run: worker_2.log=tracing", NULL},
    {{"run/again.log"}, 0, "run/again.log: again.log=tracing", NULL},
    {{"run/cli.log"}, 0, "run/cli.log: cli.log=text", NULL},
    {{"run/cli.log", "run/in.csv"}, 0, "run: cli.log=text in.csv=trace", NULL},
    {{"run/pipe.log"}, 0, "run/pipe.log: pipe.log=stream", NULL},
    {{"flat/app.log", "flat/app.log.1", "flat/other.log"},
     0,
     "flat/app.log: app.log=ilulog app.log.1=ilulog flat/other.log: other.log=ilulog",
     NULL},
    {{"flat/*.log"},
     0,
     "flat/a[1].log: a[1].log=ilulog flat/app.log: app.log=ilulog flat/other.log: other.log=ilulog flat/text.log: "
     "text.log=text",
     NULL},
    {{"flat/a[1].log"}, 0, "flat/a[1].log: a[1].log=ilulog", NULL},
    {{"flat/{app,other}.log*"},
     0,
     "flat/app.log: app.log=ilulog app.log.1=ilulog flat/other.log: other.log=ilulog",
     NULL},
    {{"m*/?"}, 0, "many/a: x.log=tracing many/b: y.log=logrus", NULL},
    {{"m*/z*"}, -ENOENT, "", "m*/z*: nothing matches this pattern"},
};

static void trees(void **state)
{
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof searches / sizeof *searches; i++) {
		char *paths[3];
		struct discovery d;
		const char *error;
		int rc;

		for (n = 0; n < 3 && searches[i].paths[n]; n++)
			paths[n] = strdup(at(searches[i].paths[n]));
		rc = discover(paths, n, NULL, NULL, &d);
		error = d.nerrors ? d.errors[0] + strlen(top) + 1 : NULL;
		if (rc != searches[i].rc || strcmp(found(&d), searches[i].found) || !error != !searches[i].error ||
		    (error && strcmp(error, searches[i].error)))
			fail_msg("%s: %d %s | %s", searches[i].paths[0], rc, found(&d), error ? error : "");
		while (n)
			free(paths[--n]);
		discovery_done(&d);
	}
}

static void notes(void **state)
{
	char *paths[] = {strdup(at("run"))};
	struct discovery d;

	(void)state;
	assert_int_equal(discover(paths, 1, NULL, NULL, &d), 0);
	assert_int_equal(d.nnotes, 2);
	assert_non_null(strstr(d.notes[0], "run/again.log: the same file as"));
	assert_non_null(strstr(d.notes[1], "run: passed over cli.log (text), injected.csv (neither log nor result), "
	                                   "pipe.log (neither file nor directory), dangling.log (broken link)"));
	discovery_done(&d);
	free(paths[0]);
}

static void standard_input(void **state)
{
	char dash[] = "-", *paths[] = {dash, dash};
	struct discovery d;

	(void)state;
	assert_int_equal(discover(paths, 2, NULL, NULL, &d), 0);
	assert_int_equal(d.ninputs, 1);
	assert_int_equal(d.inputs[0].kind, INPUT_STREAM);
	assert_string_equal(d.inputs[0].worker, "stdin");
	assert_string_equal(d.inputs[0].real, "-");
	assert_string_equal(d.runs[0].path, "-");
	discovery_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(classified), cmocka_unit_test(named), cmocka_unit_test(natural),
	    cmocka_unit_test(trees),      cmocka_unit_test(notes), cmocka_unit_test(standard_input),
	};

	return cmocka_run_group_tests(tests, tree, cut);
}
