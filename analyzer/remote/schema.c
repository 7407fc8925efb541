/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.c - see schema.h
 *
 * The columns are those of the tables of the same names in the local database (docs/tables.md); run and source are the
 * paths themselves, as numbers would mean another thing on each host. Rows of one run and day are a partition: a batch
 * is of one, so that a server takes it whole or not at all. Tables of few rows take a row again in the place of the old
 * one (ReplacingMergeTree), by its version.
 *
 * Of a line that a rule of number n speaks of, fact is 2n + 1; of another one 2n, where the rules of this number were
 * looked at. So whoever folds by rules n leaves out what has 2n, and reads what was pushed under other rules whole.
 *
 * What a push sees in all lines of a source (mirror/seen.h) stands in its column seen; '' is nothing.
 *
 * What the fold makes of transactions stands with the day of their first line, as a partition: days are folded afresh,
 * each as a whole. What lies between transactions is a partition for each run. */
#include "remote/schema.h"
#include <stddef.h>
#include <string.h>

const char *const schema_tables[] = {
    "CREATE TABLE IF NOT EXISTS $shard (format UInt32, number UInt32, shards UInt32) ENGINE = MergeTree ORDER BY "
    "number",

    "CREATE TABLE IF NOT EXISTS $event (run String, source String, line UInt64, offset UInt64, time_ns Int64, "
    "level Nullable(String), level_text Nullable(String), kind String, target Nullable(String), "
    "message Nullable(String), tid String, fields Nullable(String), span Nullable(String), spans Nullable(String), "
    "raw String, foreign UInt8, day Date, fact UInt32, "
    "second Int64 ALIAS intDiv(time_ns - if(time_ns < 0, 999999999, 0), 1000000000)) "
    "ENGINE = MergeTree PARTITION BY (run, day) ORDER BY (tid, time_ns, source, line) "
    "SETTINGS index_granularity = 1024",

    "CREATE TABLE IF NOT EXISTS $source (run String, path String, version UInt64, whole UInt8, events UInt64, "
    "head_hash Int64, kind String, worker Nullable(String), bytes UInt64, file_bytes UInt64, lines UInt64, ok UInt64, "
    "blank UInt64, repaired UInt64, rejected UInt64, duplicate UInt64, ok_bytes UInt64, repaired_bytes UInt64, "
    "rejected_bytes UInt64, duplicate_bytes UInt64, offset_s Nullable(Int64), offset_from Nullable(String), "
    "format Nullable(String), first_ns Nullable(Int64), last_ns Nullable(Int64), cluster UInt8, "
    "damage Nullable(String), seen String) ENGINE = ReplacingMergeTree(version) ORDER BY (run, path)",

    "CREATE TABLE IF NOT EXISTS $reject (run String, source String, line UInt64, offset UInt64, length UInt64, "
    "reason String, sample String) ENGINE = ReplacingMergeTree ORDER BY (run, source, line)",

    "CREATE TABLE IF NOT EXISTS $result (run String, tid String, ord Nullable(Int64), success Nullable(Int64), "
    "function_name Nullable(String), was_cold Nullable(Int64), worker_duration_us Nullable(Int64), "
    "code_duration_sec Nullable(Float64), e2e_duration_us Nullable(Int64), compute Nullable(Int64), "
    "container_state Nullable(Int64), sent Nullable(Int64), client_latency_us Nullable(Int64), "
    "body_start Nullable(Float64)) ENGINE = ReplacingMergeTree ORDER BY (tid, run)",

    "CREATE TABLE IF NOT EXISTS $trace (run String, ord UInt64, func_name String, invoke_time_ms Int64) "
    "ENGINE = ReplacingMergeTree ORDER BY (run, ord)",

    "CREATE TABLE IF NOT EXISTS $metadata (run String, func_name String, name String, value String) "
    "ENGINE = ReplacingMergeTree ORDER BY (run, name, func_name)",

    "CREATE TABLE IF NOT EXISTS $fold (run String, day Date, version UInt64, whole UInt8, events UInt64, results "
    "UInt64, digest UInt64, manner UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY (run, day)",

    "CREATE TABLE IF NOT EXISTS $finish (run String, version UInt64, whole UInt8, digest UInt64, manner UInt64, "
    "parts UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY run",
    NULL,
};

const struct schema_later schema_later[] = {
    {"event", "fact", "ALTER TABLE $event ADD COLUMN fact UInt32 AFTER day"},
    {"source", "seen", "ALTER TABLE $source ADD COLUMN seen String AFTER damage"},
    {"finish", "parts", "ALTER TABLE $finish ADD COLUMN parts UInt64"},
    {0},
};

const char schema_event_columns[] = "run, source, line, offset, time_ns, level, level_text, kind, target, message, "
                                    "tid, fields, span, spans, raw, foreign, day, fact";
#define SOURCE_COLUMNS                                                                                                \
	"run, path, version, whole, events, head_hash, kind, worker, bytes, file_bytes, lines, ok, blank, repaired, " \
	"rejected, duplicate, ok_bytes, repaired_bytes, rejected_bytes, duplicate_bytes, offset_s, offset_from, "     \
	"format, first_ns, last_ns, cluster, damage"
const char schema_source_columns[] = SOURCE_COLUMNS;
const char schema_source_given[] = SOURCE_COLUMNS ", seen";
const char schema_reject_columns[] = "run, source, line, offset, length, reason, sample";
const char schema_result_columns[] = "run, tid, ord, success, function_name, was_cold, worker_duration_us, "
                                     "code_duration_sec, e2e_duration_us, compute, container_state, sent, "
                                     "client_latency_us, body_start";

/* ---- what the fold makes ---- */

const struct schema_folded schema_folded[] = {
    {.name = "invocation",
     .by_day = true,
     .key = "run, tid",
     .columns =
         "tid:t worker:T function_name:T function_source:T fqdn:T status:T attempts:N success:N was_cold:N compute:T "
         "state:T sent_ns:N controller_ns:N dispatched_ns:N arrived_ns:N insert_ns:N remove_ns:N start_ns:N end_ns:N "
         "return_ns:N worker_duration_us:N code_duration_sec:D e2e_duration_us:N queueing_sec:D queue_exec_sec:D "
         "cpu_est_queue_sec:D cpu_est_runtime_sec:D gpu_est_queue_sec:D gpu_est_runtime_sec:D cpu_est_sec:D "
         "gpu_est_sec:D insert_cpu_load:D insert_gpu_load:D est_sec_diff:D cache_insertions:N e2e_sec:D "
         "e2e_overhead:D exec_overhead:D norm_e2e:D e2e_overhead_portion:D queue_portion:D exec_overhead_norm:D "
         "e2e_portion:D e2e_norm_portion:D warm_sec:D base_sec:D share:D moments:T"},
    {.name = "attempt",
     .by_day = true,
     .key = "run, tid, n",
     .columns = "tid:t n:n worker:T insert_ns:N remove_ns:N start_ns:N end_ns:N container_id:T state:T outcome:T "
                "error:T"},
    {.name = "phase",
     .by_day = true,
     .key = "run, tid, ord",
     .columns = "tid:t attempt:N ord:n name:t start_ns:n end_ns:n"},
    {.name = "lock",
     .by_day = true,
     .key = "run, tid, n",
     .columns = "tid:t n:n container_id:T worker:T from_ns:N to_ns:N"},
    {.name = "container",
     .key = "run, container_id",
     .columns = "container_id:t fqdn:T worker:T compute:T created_ns:N removed_ns:N created_by:T invocations:N"},
    {.name = "function", .key = "run, func_name", .columns = "func_name:t benchmark_name:T avg_iat:D iat_class:D"},
    {.name = "batch", .key = "run, n", .columns = "n:n worker:T start_ns:N function_name:T batch_len:n"},
    {.name = "series", .key = "run, name, time_ns, n", .columns = "n:n worker:T name:t time_ns:n whole:N real:D"},
    {.name = "pattern",
     .key = "run, n",
     .columns = "n:n level:T target:T template:T count:n first_ns:N last_ns:N example:T"},
    {.name = "finding",
     .key = "run, command, n",
     .columns = "command:t n:n rule:t level:t tid:T cause:T count:n message:T first_ns:N last_ns:N"},
    {.name = "detail", .key = "run, command, finding, n", .columns = "command:t finding:n n:n name:t value:T"},
    {.name = "evidence",
     .key = "run, command, finding, n",
     .columns = "command:t finding:n n:n source:T line:N time_ns:N remark:T"},
    {.name = NULL},
};

const struct schema_folded *schema_folded_named(const char *name)
{
	const struct schema_folded *f = schema_folded;

	while (f->name && strcmp(f->name, name))
		f++;
	return f->name ? f : NULL;
}

static const char *type_of(char kind)
{
	switch (kind) {
	case 't':
		return "String";
	case 'T':
		return "Nullable(String)";
	case 'N':
		return "Nullable(Int64)";
	case 'D':
		return "Nullable(Float64)";
	default:
		return "Int64";
	}
}

/* The columns of a table behind run, day and version, with their types or without. */
static void put_columns(const struct schema_folded *f, bool types, struct text *sql)
{
	for (const char *p = f->columns; *p;) {
		size_t n = strcspn(p, ":");

		text_puts(sql, ", ");
		text_add(sql, p, n);
		if (types)
			text_printf(sql, " %s", type_of(p[n + 1]));
		p += n + 2;
		p += strspn(p, " ");
	}
}

void schema_folded_create(const struct schema_folded *f, struct text *sql)
{
	text_printf(sql, "CREATE TABLE IF NOT EXISTS $%s (run String, day Date, version UInt64", f->name);
	put_columns(f, true, sql);
	text_printf(sql, ") ENGINE = ReplacingMergeTree(version) PARTITION BY %s ORDER BY (%s)",
	            f->by_day ? "(run, day)" : "run", f->key);
}

void schema_folded_columns(const struct schema_folded *f, struct text *sql)
{
	text_puts(sql, "run, day, version");
	put_columns(f, false, sql);
}

void schema_folded_kinds(const struct schema_folded *f, char kinds[SCHEMA_COLUMNS])
{
	size_t n = 0;

	for (const char *p = strchr(f->columns, ':'); p && n + 1 < SCHEMA_COLUMNS; p = strchr(p + 1, ':'))
		kinds[n++] = p[1];
	kinds[n] = '\0';
}
