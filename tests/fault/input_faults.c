/* SPDX-License-Identifier: GPL-3.0-or-later */
/* input_faults.c - each allocation and each open of reading inputs fails once: the answer is the same as ever, or an
 * error. */
#include "faults.h"
#include "ingest/reader.h"
#include "ingest/zone.h"
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
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ilu-faults-XXXXXX";

/* In what a subject answers there is no memory of its own, so that only the subject's calls are counted. */
struct answer {
	char text[4000];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct answer *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	a->len += (size_t)vsnprintf(a->text + a->len, sizeof a->text - a->len, fmt, ap);
	va_end(ap);
}

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int read_file(const char *name, struct answer *a)
{
	static char buf[70000];
	const char *why;
	struct reader *r;
	ssize_t n;
	int rc = reader_open(at(name), &r, &why);

	if (rc) {
		assert_true(*why);
		return rc;
	}
	while ((n = reader_read(r, buf, sizeof buf)) > 0)
		put(a, "%zd %08lx ", n, crc32(0, (unsigned char *)buf, (uInt)n));
	reader_close(r);
	return (int)n;
}

static int read_plain(struct answer *a)
{
	return read_file("run/worker_0.log", a);
}

static int read_zstd(struct answer *a)
{
	return read_file("run/worker_1.log.zst", a);
}

static int read_gzip(struct answer *a)
{
	return read_file("run/worker_2.log.gz", a);
}

static int pass_over(struct answer *a)
{
	const char *why;
	struct reader *r;
	char buf[10];
	int rc = reader_open(at("run/worker_1.log.zst"), &r, &why);

	if (rc)
		return rc;
	rc = reader_skip(r, 1000);
	if (!rc && reader_read(r, buf, sizeof buf) == sizeof buf)
		put(a, "%.10s", buf);
	reader_close(r);
	return rc;
}

static int zone(struct answer *a)
{
	int64_t offset;
	int rc = zone_offset("America/New_York", INT64_C(1795392000000000000), &offset, NULL);

	if (!rc)
		put(a, "%lld", (long long)offset);
	return rc;
}

static int search(struct answer *a)
{
	char run[100], pattern[100], missing[100], *paths[] = {run, pattern, missing};
	struct discovery d;
	size_t i;
	int rc;

	snprintf(run, sizeof run, "%s/run", folder);
	snprintf(pattern, sizeof pattern, "%s/r*/*.log", folder);
	snprintf(missing, sizeof missing, "%s/missing", folder);
	rc = discover(paths, 3, NULL, NULL, &d);
	for (i = 0; i < d.ninputs; i++)
		put(a, "%s %s %s %zu\n", d.inputs[i].path, input_kind_name(d.inputs[i].kind), d.inputs[i].worker,
		    d.inputs[i].run);
	for (i = 0; i < d.nruns; i++)
		put(a, "%s\n", d.runs[i].path);
	for (i = 0; i < d.nnotes; i++)
		put(a, "%s\n", d.notes[i]);
	for (i = 0; i < d.nerrors; i++)
		put(a, "%s\n", d.errors[i]);
	/* The missing path is always an error; more than one: a fault was told. */
	rc = rc == -ENOENT && d.nerrors == 1 ? 0 : -EIO;
	discovery_done(&d);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct answer *a);
} subjects[] = {
    {"plain", read_plain}, {"zstd", read_zstd}, {"gzip", read_gzip},
    {"skip", pass_over},   {"zone", zone},      {"discover", search},
};

static void faults(void **state)
{
	static const enum fault_kind kinds[] = {FAULT_MALLOC, FAULT_OPEN};
	static struct answer want, got;
	size_t s, k;

	(void)state;
	for (s = 0; s < sizeof subjects / sizeof *subjects; s++) {
		want = (struct answer){.len = 0};
		assert_int_equal(subjects[s].run(&want), 0);
		for (k = 0; k < sizeof kinds / sizeof *kinds; k++) {
			unsigned n, calls;

			for (n = 1;; n++) {
				int rc;

				got = (struct answer){.len = 0};
				fault_arm(kinds[k], n, 1);
				rc = subjects[s].run(&got);
				calls = fault_disarm();
				if (calls < n)
					break;
				if (!rc && strcmp(got.text, want.text))
					fail_msg("%s, %s %u: no error, but %s", subjects[s].name, fault_names[kinds[k]],
					         n, got.text);
			}
			print_message("%s: %s failed %u times\n", subjects[s].name, fault_names[kinds[k]], n - 1);
		}
	}
}

static void save(const char *name, const void *p, size_t len)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	fclose(f);
}

static int setup(void **state)
{
	static const char line[] = "{\"timestamp\":\"2026-11-23 "
	                           "00:51:54.1\",\"level\":\"INFO\",\"fields\":{\"message\":\"a\"},\"target\":\"t\"}\n";
	static char text[200000], packed[100000];
	size_t i, len = 0;
	gzFile gz;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	mkdir(at("run"), 0700);
	for (i = 0; len + sizeof line < sizeof text; i++)
		len += (size_t)sprintf(text + len, "%s", line);
	save("run/worker_0.log", text, len);
	save("run/worker_1.log.zst", packed, ZSTD_compress(packed, sizeof packed, text, len, 3));
	gz = gzopen(at("run/worker_2.log.gz"), "w");
	gzwrite(gz, text, (unsigned)len);
	gzclose(gz);
	save("run/notes.txt", "text\n", 5);
	save("run/in.csv", "func_name,invoke_time_ms\n", 25);
	return symlink("worker_0.log", at("run/link.log"));
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(faults)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
