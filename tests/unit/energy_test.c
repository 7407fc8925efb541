/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Energy logs: what a line measures or why it is refused; what readings come to; who is given how much. */
#include "beside/energy.h"
#include "beside/energy_meter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define RAPL    "timestamp,rapl_uj"
#define IPMI    "timestamp,ipmi"
#define PROCESS "timestamp,cpu_pct,cpu_time"
#define PERF    "# started on Mon Aug 29 15:04:17 2022"

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

#define AT      "2026-11-23 01:18:25.5"
#define NS      1795396705500000000
#define PERF_NS 1661785457000000000

static const struct {
	const char *head, *line;
	const char *why; /* a part of it; NULL: the line is fine */
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
    {PERF,
     "     1.000123456,12.34,Joules,power/energy-pkg/,1000123456,100.00,,",
     NULL,
     1,
     PERF_NS + 1000123456,
     {"energy_pkg"},
     {12.34}},
    {PERF, "2.5,1,Joules,power/energy-ram/,1,100.00", NULL, 1, PERF_NS + 2500000000, {"energy_ram"}, {1}},
    {PERF,
     "2.5,1234567,,instructions:u,1,100.00,,",
     NULL,
     1,
     PERF_NS + 2500000000,
     {"retired_instructions"},
     {1234567}},
    {PERF,
     "2.5,12,,mem_load_retired.l3_hit,1,100.00,,",
     NULL,
     1,
     PERF_NS + 2500000000,
     {"mem_load_retired.l3_hit"},
     {12}},
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
			if (!slice_is(got.v[v].name, lines[i].name[v]) ||
			    fabs(got.v[v].value - lines[i].value[v]) > 1e-9 * lines[i].value[v])
				fail_msg("\"%s\": %.*s is %.17g", lines[i].line, (int)got.v[v].name.len,
				         got.v[v].name.ptr, got.v[v].value);
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

#define RANGE 262143328850.0

/* Readings at whole seconds, and what they come to. */
static const struct {
	const char *what;
	enum energy_kind kind;
	double range;
	size_t n;
	int64_t second[6];
	double value[6];
	double joules;
	int64_t measured, wraps, unknown, skipped;
} meters[] = {
    {"no reading", ENERGY_RAPL, RANGE, 0, {0}, {0}, 0, 0, 0, 0, 0},
    {"one reading", ENERGY_RAPL, RANGE, 1, {5}, {7e6}, 0, 0, 0, 0, 0},
    {"a counter", ENERGY_RAPL, 0, 3, {5, 6, 8}, {1e6, 3e6, 9e6}, 8, 3, 0, 0, 0},
    {"it stands still", ENERGY_RAPL, 0, 2, {5, 6}, {1e6, 1e6}, 0, 1, 0, 0, 0},
    {"it wraps around", ENERGY_RAPL, RANGE, 3, {5, 6, 7}, {RANGE - 1e6, 2e6, 3e6}, 4, 2, 1, 0, 0},
    {"from its last value to 0", ENERGY_RAPL, RANGE, 2, {5, 6}, {RANGE, 0}, 0, 1, 1, 0, 0},
    {"twice",
     ENERGY_RAPL,
     RANGE,
     5,
     {1, 2, 3, 4, 5},
     {RANGE - 1e6, 1e6, RANGE - 5e6, RANGE - 2e6, 1e6},
     (RANGE - 6e6) / 1e6 + 2 + 3 + 3,
     4,
     2,
     0,
     0},
    {"two packages in one number",
     ENERGY_RAPL,
     RANGE,
     2,
     {5, 6},
     {1.75 * RANGE, 0.25 * RANGE + 4e6},
     0.5 * RANGE / 1e6 + 4,
     1,
     1,
     0,
     0},
    {"both of them at once", ENERGY_RAPL, RANGE, 2, {5, 6}, {1.99 * RANGE, 5e6}, 0.01 * RANGE / 1e6 + 5, 1, 1, 0, 0},
    {"its range is not known", ENERGY_RAPL, 0, 4, {5, 6, 7, 8}, {9e6, 1e6, 3e6, 4e6}, 3, 2, 1, 1, 0},
    {"a line twice", ENERGY_RAPL, RANGE, 3, {5, 5, 6}, {1e6, 1e6, 3e6}, 2, 1, 0, 0, 1},
    {"the clock goes back, the counter does not",
     ENERGY_RAPL,
     RANGE,
     5,
     {5, 6, 4, 5, 7},
     {1e6, 2e6, 3e6, 4e6, 5e6},
     4,
     2,
     0,
     0,
     2},
    {"watts", ENERGY_IPMI, 0, 3, {10, 12, 13}, {100, 50, 999}, 250, 3, 0, 0, 0},
    {"watts that fall are no wrap", ENERGY_IPMI, 0, 2, {1, 2}, {9, 0}, 9, 1, 0, 0, 0},
    {"watts twice", ENERGY_IPMI, 0, 3, {1, 1, 2}, {9, 8, 0}, 9, 1, 0, 0, 1},
    {"perf", ENERGY_PERF, 0, 3, {1, 2, 4}, {10, 20, 30}, 60, 4, 0, 0, 0},
};

static int reading(struct energy_meter *m, int64_t second, double value, int64_t line)
{
	struct energy_row row = {.kind = m->kind, .time_ns = second * 1000000000, .value = value, .line = line};

	return energy_meter_add(m, &row);
}

static void metered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof meters / sizeof *meters; i++) {
		struct energy_meter m = {.kind = meters[i].kind, .range_uj = meters[i].range};

		for (size_t k = 0; k < meters[i].n; k++)
			assert_int_equal(reading(&m, meters[i].second[k], meters[i].value[k], (int64_t)k + 2), 0);
		if (fabs(energy_meter_joules(&m) - meters[i].joules) > 1e-6 ||
		    energy_meter_measured_ns(&m) != meters[i].measured * 1000000000 || m.wraps != meters[i].wraps ||
		    m.unknown != meters[i].unknown || m.skipped != meters[i].skipped)
			fail_msg("%s: %.9g joules in %lld ns, %lld wraps, %lld unknown, %lld skipped", meters[i].what,
			         energy_meter_joules(&m), (long long)energy_meter_measured_ns(&m), (long long)m.wraps,
			         (long long)m.unknown, (long long)m.skipped);
		energy_meter_done(&m);
	}
}

/* 10 W from 0 to 10 s, 20 W from 10 to 20 s. */
static const struct {
	const char *what;
	int64_t from[3], to[3]; /* to 0: nobody; -1: not yet ended */
	double joules[3], idle;
} shares[] = {
    {"nobody", {0}, {0}, {0}, 300},
    {"one alone", {2}, {4}, {20}, 280},
    {"over a reading", {8}, {12}, {60}, 240},
    {"two at a time", {0, 5}, {10, 10}, {75, 25}, 200},
    {"one after the other", {0, 10}, {10, 20}, {100, 200}, 0},
    {"before it was measured", {-5}, {1}, {10}, 290},
    {"still running", {15}, {-1}, {100}, 200},
    {"outside of it", {30}, {40}, {0}, 300},
    {"for no time", {5, 4}, {5, 6}, {0, 20}, 280},
    {"three", {0, 0, 0}, {20, 20, 20}, {100, 100, 100}, 0},
};

static void shared_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		struct energy_meter m = {.kind = ENERGY_IPMI};
		struct energy_user u[3] = {{0}};
		double idle;
		int64_t idle_ns;

		assert_int_equal(reading(&m, 0, 10, 2) | reading(&m, 10, 20, 3) | reading(&m, 20, 0, 4), 0);
		for (size_t k = 0; k < 3; k++)
			u[k] = (struct energy_user){.from_ns = shares[i].from[k] * 1000000000,
			                            .to_ns =
			                                shares[i].to[k] < 0 ? INT64_MAX : shares[i].to[k] * 1000000000};
		assert_int_equal(energy_share(&m, u, 3, &idle, &idle_ns), 0);
		for (size_t k = 0; k < 3; k++)
			if (fabs(u[k].joules - shares[i].joules[k]) > 1e-9)
				fail_msg("%s: user %zu has %.9g", shares[i].what, k, u[k].joules);
		if (fabs(idle - shares[i].idle) > 1e-9)
			fail_msg("%s: idle has %.9g", shares[i].what, idle);
		energy_meter_done(&m);
	}
}

/* Whatever runs when: nothing is lost or given twice. */
static void adds_up(void **state)
{
	(void)state;
	srand(6);
	for (int round = 0; round < 300; round++) {
		struct energy_meter m = {.kind = ENERGY_RAPL, .range_uj = 5e8};
		struct energy_user u[40];
		double idle, sum;
		int64_t idle_ns, at = 0;
		size_t n = (size_t)rand() % 40;

		for (int k = 0; k < 60; k++)
			assert_int_equal(reading(&m, at += rand() % 7 - 1, rand() % 500000000, k), 0);
		for (size_t k = 0; k < n; k++) {
			u[k].from_ns = (rand() % 150) * 1000000000L + rand() % 1000;
			u[k].to_ns = u[k].from_ns + (rand() % 30) * 1000000000L + rand() % 1000;
		}
		assert_int_equal(energy_share(&m, u, n, &idle, &idle_ns), 0);
		sum = idle;
		for (size_t k = 0; k < n; k++) {
			assert_true(u[k].joules > -1e-6 && u[k].measured_ns >= 0 &&
			            u[k].measured_ns <= u[k].to_ns - u[k].from_ns);
			sum += u[k].joules;
		}
		if (fabs(sum - energy_meter_joules(&m)) > 1e-6)
			fail_msg("round %d: %.9g of %.9g joules", round, sum, energy_meter_joules(&m));
		energy_meter_done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(recognised),    cmocka_unit_test(taken_apart),
	                                   cmocka_unit_test(started_again), cmocka_unit_test(metered),
	                                   cmocka_unit_test(shared_out),    cmocka_unit_test(adds_up)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
