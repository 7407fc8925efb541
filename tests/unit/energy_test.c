/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy logs, line by line: what is measured, and what is refused with which cause. */
#include "ingest/energy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define RAPL	"timestamp,rapl_uj"
#define IPMI	"timestamp,ipmi"
#define PROCESS "timestamp,cpu_pct,cpu_time"
#define PERF	"# started on Mon Aug 29 15:04:17 2022"

static const struct {
	const char *head;
	enum energy_kind kind;
} heads[] = {
	{RAPL, ENERGY_RAPL},
	{RAPL "\r", ENERGY_RAPL},
	{"\xef\xbb\xbf" RAPL, ENERGY_RAPL},
	{"rapl_uj,timestamp", ENERGY_RAPL},
	{IPMI, ENERGY_IPMI},
	{PROCESS, ENERGY_PROCESS},
	{"timestamp,cpu_pct", ENERGY_NONE},
	{"timestamp,watts", ENERGY_NONE},
	{"ipmi", ENERGY_NONE},
	{PERF, ENERGY_PERF},
	{"# started on Thu Feb  9 05:04:07 2023", ENERGY_PERF},
	{"# started on", ENERGY_NONE},
	{"# started on a fine day", ENERGY_NONE},
	{"# started on Mon Ugu 29 15:04:17 2022", ENERGY_NONE},
	{"# started on Mon Feb 30 15:04:17 2022", ENERGY_NONE},
	{"RAM 2448/7860MB (lfb 1x4MB) CPU [1%@102]", ENERGY_NONE},
	{"", ENERGY_NONE},
};

static void recognised(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct energy_format f;
		bool is = energy_recognise((struct slice){heads[i].head, strlen(heads[i].head)}, &f);

		if (is != (heads[i].kind != ENERGY_NONE) || (is && f.kind != heads[i].kind))
			fail_msg("\"%s\": kind %d", heads[i].head, is ? (int)f.kind : -1);
	}
}

#define AT "2026-11-23 01:18:25.5"
#define NS 1795396705500000000
#define PERF_NS 1661785457000000000

static const struct {
	const char *head, *line;
	const char *why;	/* a part of it; NULL: the line is fine */
	unsigned n;
	int64_t time_ns;
	const char *name[2];
	double value[2];
} lines[] = {
	{RAPL, RAPL, NULL, 0, 0, {0}, {0}},
	{RAPL, "", NULL, 0, 0, {0}, {0}},
	{RAPL, "\r", NULL, 0, 0, {0}, {0}},
	{RAPL, AT ",262143328850", NULL, 1, NS, {"rapl_uj"}, {262143328850.0}},
	{RAPL, AT ",262143328850\r", NULL, 1, NS, {"rapl_uj"}, {262143328850.0}},
	{RAPL, AT ", 7", NULL, 1, NS, {"rapl_uj"}, {7}},
	{"rapl_uj,host,timestamp", "7,a," AT, NULL, 1, NS, {"rapl_uj"}, {7}},
	{RAPL, AT ",18446744073709551616", NULL, 1, NS, {"rapl_uj"}, {18446744073709551616.0}},
	{RAPL, AT, "number of fields", 0, 0, {0}, {0}},
	{RAPL, AT ",1,2", "number of fields", 0, 0, {0}, {0}},
	{RAPL, AT ",", "rapl_uj", 0, 0, {0}, {0}},
	{RAPL, AT ",-1", "rapl_uj", 0, 0, {0}, {0}},
	{RAPL, AT ",1.5", "rapl_uj", 0, 0, {0}, {0}},
	{RAPL, AT ",nan", "rapl_uj", 0, 0, {0}, {0}},
	{RAPL, AT ",0x10", "rapl_uj", 0, 0, {0}, {0}},
	{RAPL, "2026-11-23,7", "timestamp", 0, 0, {0}, {0}},
	{RAPL, "2026-11-31 01:18:25.5,7", "no such time", 0, 0, {0}, {0}},
	{RAPL, ",7", "timestamp", 0, 0, {0}, {0}},
	{IPMI, AT ",212", NULL, 1, NS, {"ipmi"}, {212}},
	{IPMI, AT ",212.5", NULL, 1, NS, {"ipmi"}, {212.5}},
	{IPMI, AT ",watts", "ipmi", 0, 0, {0}, {0}},
	{IPMI, AT ",inf", "ipmi", 0, 0, {0}, {0}},
	{PROCESS, AT ",12.5,00:01:02", NULL, 2, NS, {"cpu_pct", "cpu_time"}, {12.5, 62}},
	{PROCESS, AT ", 0.0,  2-03:04:05", NULL, 2, NS, {"cpu_pct", "cpu_time"}, {0, 183845}},
	{PROCESS, AT ",1,59:59", NULL, 2, NS, {"cpu_pct", "cpu_time"}, {1, 3599}},
	{PROCESS, AT ",1,100:00:00", NULL, 2, NS, {"cpu_pct", "cpu_time"}, {1, 360000}},
	{PROCESS, AT ",1,00:60:00", "cpu_time", 0, 0, {0}, {0}},
	{PROCESS, AT ",1,1-00:00", "cpu_time", 0, 0, {0}, {0}},
	{PROCESS, AT ",1,5", "cpu_time", 0, 0, {0}, {0}},
	{PROCESS, AT ",1,1:2:3:4", "cpu_time", 0, 0, {0}, {0}},
	{PROCESS, AT ",1,1:2:", "cpu_time", 0, 0, {0}, {0}},
	{PROCESS, AT ",%,00:01:02", "cpu_pct", 0, 0, {0}, {0}},
	{PERF, "     1.000123456,12.34,Joules,power/energy-pkg/,1000123456,100.00,,", NULL, 1, PERF_NS + 1000123456, {"energy_pkg"}, {12.34}},
	{PERF, "2.5,1,Joules,power/energy-ram/,1,100.00", NULL, 1, PERF_NS + 2500000000, {"energy_ram"}, {1}},
	{PERF, "2.5,1234567,,instructions:u,1,100.00,,", NULL, 1, PERF_NS + 2500000000, {"retired_instructions"}, {1234567}},
	{PERF, "2.5,12,,mem_load_retired.l3_hit,1,100.00,,", NULL, 1, PERF_NS + 2500000000, {"mem_load_retired.l3_hit"}, {12}},
	{PERF, "2.5,<not counted>,,cpu/cache-misses/,0,0.00,,", NULL, 0, 0, {0}, {0}},
	{PERF, "# a remark", NULL, 0, 0, {0}, {0}},
	{PERF, "2.5,1,Joules", "four fields", 0, 0, {0}, {0}},
	{PERF, "soon,1,Joules,power/energy-pkg/", "seconds", 0, 0, {0}, {0}},
	{PERF, "2.5,much,Joules,power/energy-pkg/", "value", 0, 0, {0}, {0}},
	{PERF, "2.5,1,Joules,", "event", 0, 0, {0}, {0}},
	{PERF, "# started on no day", "start", 0, 0, {0}, {0}},
};

static void taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct energy_format f;
		struct energy_line got;
		const char *why;

		assert_true(energy_recognise((struct slice){lines[i].head, strlen(lines[i].head)}, &f));
		why = energy_parse(&f, (struct slice){lines[i].line, strlen(lines[i].line)}, &got);
		if (lines[i].why ? !why || !strstr(why, lines[i].why) : why != NULL)
			fail_msg("\"%s\": %s", lines[i].line, why ? why : "accepted");
		if (got.n != lines[i].n || (got.n && got.time_ns != lines[i].time_ns))
			fail_msg("\"%s\": %u values at %lld", lines[i].line, got.n, (long long)got.time_ns);
		for (unsigned v = 0; v < got.n; v++)
			if (!slice_is(got.v[v].name, lines[i].name[v]) || fabs(got.v[v].value - lines[i].value[v]) > 1e-9 * lines[i].value[v])
				fail_msg("\"%s\": %.*s is %.17g", lines[i].line, (int)got.v[v].name.len, got.v[v].name.ptr, got.v[v].value);
	}
}

/* A second start in one file: times count from it. */
static void started_again(void **state)
{
	struct energy_format f;
	struct energy_line got;

	(void)state;
	assert_true(energy_recognise(SLICE(PERF), &f));
	assert_null(energy_parse(&f, SLICE("# started on Mon Aug 29 15:05:17 2022"), &got));
	assert_null(energy_parse(&f, SLICE("1.5,3,Joules,power/energy-pkg/,1,100"), &got));
	assert_int_equal(got.time_ns, PERF_NS + 61500000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(recognised), cmocka_unit_test(taken_apart), cmocka_unit_test(started_again)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
