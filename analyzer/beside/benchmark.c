/* SPDX-License-Identifier: GPL-3.0-or-later */
/* benchmark.c - a benchmark file's means: {"data": {NAME: {"resource_data": {"CPU": {"warm_results_sec": [...],
 * ...}}}}}.
 *
 * The files are small (kilobytes), so a tree is fine here. */
#include "beside/input.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>
#include <jansson.h>
#include <math.h>

static int read_text(const char *path, const volatile sig_atomic_t *stop, char **out, size_t *len, char **why)
{
	const char *cause = NULL;
	struct reader *r;
	char *buf = NULL;
	size_t n = 0, room = 0;
	ssize_t got = 1;
	int rc = reader_open_until(path, stop, &r, &cause);

	if (rc)
		return input_refuse(why, rc, path, 0, "%s", cause ? cause : strerror(-rc));
	reader_pass_mark(r);
	while (!rc && got > 0) {
		if (n >= BESIDE_BENCHMARK_MAX)
			rc = input_refuse(why, -EBADMSG, path, 0, "larger than %u MiB, no benchmark",
			                  BESIDE_BENCHMARK_MAX >> 20);
		else if (array_reserve(buf, room, n + 1))
			rc = -ENOMEM;
		if (rc)
			break;
		got = reader_read(r, buf + n, room - n);
		if (got < 0)
			rc = input_refuse(why, got == -E2BIG ? -EBADMSG : (int)got, path, 0, "%s",
			                  got == -EINTR ? "interrupted" : reader_why(r));
		else
			n += (size_t)got;
	}
	reader_close(r);
	if (rc)
		free(buf);
	else
		*out = buf, *len = n;
	return rc;
}

/* The mean of a list of numbers; NaN where there are none. Summed in their order, as numpy does below eight values. */
static double mean(const json_t *list)
{
	double sum = 0;
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		sum += json_number_value(json_array_get(list, i));
	return n ? sum / (double)n : NAN;
}

static int write_means(sqlite3_stmt *st, int64_t run, const char *name, json_t *resources)
{
	const char *compute;
	json_t *times;
	int rc = 0;

	json_object_foreach(resources, compute, times)
	{
		sqlite3_bind_int64(st, 1, run);
		bind_word(st, 2, name);
		bind_word(st, 3, compute);
		bind_real(st, 4, mean(json_object_get(times, "cold_results_sec")));
		bind_real(st, 5, mean(json_object_get(times, "warm_results_sec")));
		bind_real(st, 6, mean(json_object_get(times, "warm_worker_duration_us")));
		rc = sql_step_reset(st);
		if (rc)
			break;
	}
	return rc;
}

int beside_benchmark_load(struct store *s, int64_t run, const char *path, const volatile sig_atomic_t *stop, char **why)
{
	json_t *root = NULL, *data, *entry;
	sqlite3_stmt *st = NULL;
	json_error_t e;
	const char *name;
	char *text = NULL;
	size_t len = 0;
	int rc = read_text(path, stop, &text, &len, why);

	if (rc)
		return rc;
	root = json_loadb(text, len, 0, &e);
	free(text);
	if (!root)
		return input_refuse(why, -EBADMSG, path, e.line, "%s", e.text);
	data = json_object_get(root, "data");
	if (!json_is_object(data))
		rc = input_refuse(why, -EINVAL, path, 0, "no benchmark: no object \"data\"");
	if (!rc)
		rc = sql_prepare(store_db(s), "INSERT OR REPLACE INTO benchmark VALUES(?,?,?,?,?,?)", &st);
	json_object_foreach(data, name, entry)
	{
		if (rc)
			break;
		rc = write_means(st, run, name, json_object_get(entry, "resource_data"));
	}
	sqlite3_finalize(st);
	json_decref(root);
	return rc;
}
