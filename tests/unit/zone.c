/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones: offsets in figures, names, folds and gaps; and every zone of tzdata as libc sees it. */
#include "ingest/zone.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define ZONES "/usr/share/zoneinfo"

static const struct {
	const char *zone, *local;
	int rc;
	int64_t offset_s;
	bool tzdata;
} rows[] = {
    {"UTC", "2026-11-23 00:51:54.0", 0, 0, false},
    {"Z", "2026-11-23 00:51:54.0", 0, 0, false},
    {"+02:00", "2026-11-23 00:51:54.0", 0, -7200, false},
    {"-04:00", "2026-11-23 00:51:54.0", 0, 14400, false},
    {"-0430", "2026-11-23 00:51:54.0", 0, 16200, false},
    {"-4", "2026-11-23 00:51:54.0", 0, 14400, false},
    {"+5:30", "2026-11-23 00:51:54.0", 0, -19800, false},
    {"+", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+1:", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+123", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+1:5", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+24:00", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+01:60", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"+01:00x", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"Mars/Olympus", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"../../../etc/passwd", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"/etc/passwd", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"America", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"tzdata.zi", "2026-11-23 00:51:54.0", -ENOENT, 0, false},
    {"America/New_York", "2026-07-01 12:00:00.0", 0, 14400, true},
    {"America/New_York", "2026-12-01 12:00:00.0", 0, 18000, true},
    /* The fold: 01:30 twice, the earlier one is still summer time. */
    {"America/New_York", "2026-11-01 00:59:59.999999999", 0, 14400, true},
    {"America/New_York", "2026-11-01 01:30:00.0", 0, 14400, true},
    {"America/New_York", "2026-11-01 01:59:59.999999999", 0, 14400, true},
    {"America/New_York", "2026-11-01 02:00:00.0", 0, 18000, true},
    /* The gap: 02:30 never was. */
    {"America/New_York", "2026-03-08 01:59:59.999999999", 0, 18000, true},
    {"America/New_York", "2026-03-08 02:30:00.0", 0, 18000, true},
    {"America/New_York", "2026-03-08 03:00:00.0", 0, 14400, true},
    /* Beyond the list in the file: the rule. */
    {"America/New_York", "2150-07-01 12:00:00.0", 0, 14400, true},
    {"America/New_York", "2150-12-31 23:00:00.0", 0, 18000, true},
    {"Australia/Sydney", "2150-12-31 23:00:00.0", 0, -39600, true},
    {"Australia/Lord_Howe", "2150-12-31 23:00:00.0", 0, -39600, true},
    {"Australia/Lord_Howe", "2150-07-01 23:00:00.0", 0, -37800, true},
    {"Europe/Dublin", "2150-07-01 12:00:00.0", 0, -3600, true},
    {"Europe/Dublin", "2150-12-31 12:00:00.0", 0, 0, true},
    {"Asia/Kolkata", "2026-07-01 12:00:00.0", 0, -19800, true},
    {"Asia/Kolkata", "2200-07-01 12:00:00.0", 0, -19800, true},
    /* Before the list. */
    {"America/New_York", "1800-01-01 12:00:00.0", 0, 17762, true},
};

static bool has_tzdata(void)
{
	return !access(ZONES "/America/New_York", R_OK);
}

static void table(void **state)
{
	size_t i;

	(void)state;
	unsetenv("TZDIR");
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice local = {rows[i].local, strlen(rows[i].local)};
		int64_t ns, offset = 42;
		bool canonical;
		const char *why = "";
		int rc;

		if (rows[i].tzdata && !has_tzdata())
			continue;
		assert_int_equal(stamp_parse_iluvatar(local, &ns, &canonical), 0);
		rc = zone_offset(rows[i].zone, ns, &offset, &why);
		if (rc != rows[i].rc || offset != (rc ? 42 : rows[i].offset_s) || (rc && !*why))
			fail_msg("%s at %s: %d, %lld, %s", rows[i].zone, rows[i].local, rc, (long long)offset, why);
	}
}

/* Whether libc agrees that the zone's clock shows local at local + offset, and did not before. */
static bool agrees(int64_t local, int64_t offset)
{
	time_t t = local + offset;
	struct tm tm;

	localtime_r(&t, &tm);
	return t + tm.tm_gmtoff == local;
}

static void all_zones(void **state)
{
	FILE *f = fopen(ZONES "/zone1970.tab", "r");
	char line[512], zone[128];
	unsigned checked = 0, seed = 1;

	(void)state;
	if (!f) {
		print_message("skipped: no tzdata\n");
		skip();
	}
	while (fgets(line, sizeof line, f)) {
		int i;

		if (*line == '#' || sscanf(line, "%*s %*s %127s", zone) != 1)
			continue;
		setenv("TZ", zone, 1);
		tzset();
		for (i = 0; i < 40; i++) {
			int64_t local = (int64_t)((double)rand_r(&seed) / RAND_MAX * 7.0e9) - 2000000000, offset;
			struct tm tm;

			/* at a moment of UTC libc knows no other answer */
			localtime_r(&(time_t){local}, &tm);
			assert_int_equal(zone_offset_utc(zone, local * 1000000000, &offset, NULL), 0);
			if (offset != -tm.tm_gmtoff)
				fail_msg("%s at %lld UTC: %lld, not %ld", zone, (long long)local, (long long)offset,
				         -tm.tm_gmtoff);
			assert_int_equal(zone_offset(zone, local * 1000000000, &offset, NULL), 0);
			if (!agrees(local, offset)) {
				int64_t later = 0; /* in a gap: then no hour before or after shows it either */

				for (later = -26 * 3600; later <= 26 * 3600; later += 900)
					if (agrees(local, later))
						fail_msg("%s at %lld: %lld, libc finds %lld", zone, (long long)local,
						         (long long)offset, (long long)later);
			}
			checked++;
		}
	}
	fclose(f);
	unsetenv("TZ");
	tzset();
	assert_true(checked > 1000);
}

/* Files that are not zones: cut at every byte, and with every byte of the head changed. */
static void damaged(void **state)
{
	char folder[] = "/tmp/ilu-zone-XXXXXX", path[64], buf[4096];
	const char *why;
	int64_t offset;
	ssize_t len, i;
	int fd;

	(void)state;
	if (!has_tzdata()) {
		print_message("skipped: no tzdata\n");
		skip();
	}
	fd = open(ZONES "/Europe/Berlin", O_RDONLY);
	len = read(fd, buf, sizeof buf);
	close(fd);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/Broken", folder);
	setenv("TZDIR", folder, 1);
	for (i = 0; i < len; i += i < 200 ? 1 : 37) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, buf, (size_t)i), i);
		close(fd);
		assert_int_equal(zone_offset("Broken", 0, &offset, &why), -EBADMSG);
	}
	for (i = 0; i < len; i++) {
		buf[i] = (char)(buf[i] ^ (1 << i % 8));
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(write(fd, buf, (size_t)len), len);
		close(fd);
		zone_offset("Broken", INT64_C(3000000000000000000), &offset, &why);
		buf[i] = (char)(buf[i] ^ (1 << i % 8));
	}
	unsetenv("TZDIR");
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table),
	    cmocka_unit_test(all_zones),
	    cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
