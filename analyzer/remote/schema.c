/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.c - see schema.h
 *
 * The columns are those of the tables of the same names in the local database (docs/tables.md); run and source are the
 * paths themselves, as numbers would mean another thing on each host. Rows of one run and day are a partition: a batch
 * is of one, so that a server takes it whole or not at all. Tables of few rows take a row again in the place of the old
 * one (ReplacingMergeTree), by its version. */
#include "remote/schema.h"
#include <stddef.h>

const char *const schema_tables[] = {
    "CREATE TABLE IF NOT EXISTS $shard (format UInt32, number UInt32, shards UInt32) ENGINE = MergeTree ORDER BY "
    "number",

    "CREATE TABLE IF NOT EXISTS $event (run String, source String, line UInt64, offset UInt64, time_ns Int64, "
    "level Nullable(String), level_text Nullable(String), kind String, target Nullable(String), "
    "message Nullable(String), tid String, fields Nullable(String), span Nullable(String), spans Nullable(String), "
    "raw String, foreign UInt8, day Date, "
    "second Int64 ALIAS intDiv(time_ns - if(time_ns < 0, 999999999, 0), 1000000000)) "
    "ENGINE = MergeTree PARTITION BY (run, day) ORDER BY (tid, time_ns, source, line) "
    "SETTINGS index_granularity = 1024",

    "CREATE TABLE IF NOT EXISTS $source (run String, path String, version UInt64, whole UInt8, events UInt64, "
    "head_hash Int64, kind String, worker Nullable(String), bytes UInt64, file_bytes UInt64, lines UInt64, ok UInt64, "
    "blank UInt64, repaired UInt64, rejected UInt64, duplicate UInt64, ok_bytes UInt64, repaired_bytes UInt64, "
    "rejected_bytes UInt64, duplicate_bytes UInt64, offset_s Nullable(Int64), offset_from Nullable(String), "
    "format Nullable(String), first_ns Nullable(Int64), last_ns Nullable(Int64), cluster UInt8, "
    "damage Nullable(String)) ENGINE = ReplacingMergeTree(version) ORDER BY (run, path)",

    "CREATE TABLE IF NOT EXISTS $reject (run String, source String, line UInt64, offset UInt64, length UInt64, "
    "reason String, sample String) ENGINE = ReplacingMergeTree ORDER BY (run, source, line)",

    "CREATE TABLE IF NOT EXISTS $result (run String, tid String, ord Nullable(Int64), success Nullable(Int64), "
    "function_name Nullable(String), was_cold Nullable(Int64), worker_duration_us Nullable(Int64), "
    "code_duration_sec Nullable(Float64), e2e_duration_us Nullable(Int64), compute Nullable(Int64), "
    "container_state Nullable(Int64), sent Nullable(Int64), client_latency_us Nullable(Int64), "
    "body_start Nullable(Float64)) ENGINE = ReplacingMergeTree ORDER BY (tid, run)",
    NULL,
};

const char schema_event_columns[] = "run, source, line, offset, time_ns, level, level_text, kind, target, message, "
                                    "tid, fields, span, spans, raw, foreign, day";
const char schema_source_columns[] =
    "run, path, version, whole, events, head_hash, kind, worker, bytes, file_bytes, lines, ok, blank, repaired, "
    "rejected, duplicate, ok_bytes, repaired_bytes, rejected_bytes, duplicate_bytes, offset_s, offset_from, format, "
    "first_ns, last_ns, cluster, damage";
const char schema_reject_columns[] = "run, source, line, offset, length, reason, sample";
const char schema_result_columns[] = "run, tid, ord, success, function_name, was_cold, worker_duration_us, "
                                     "code_duration_sec, e2e_duration_us, compute, container_state, sent, "
                                     "client_latency_us, body_start";
