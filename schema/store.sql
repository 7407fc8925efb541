-- SPDX-License-Identifier: Apache-2.0
-- The database of ilu-logq, format 4. docs/store-format.md explains chunks, shapes and places;
-- the virtual tables event, span and phase are made by the program over these tables.
PRAGMA application_id = 0x494C5551;	-- "ILUQ"
PRAGMA user_version = 4;

CREATE TABLE run (
	id       INTEGER PRIMARY KEY,
	path     TEXT NOT NULL,		-- directory of the logs, or the file itself; '-' for standard input
	kind     TEXT NOT NULL,		-- 'simulation', 'live', 'ilulog' or 'other'
	offset_s INTEGER,		-- UTC minus the logs' clock, of its first source that has one
	first_ns INTEGER,
	last_ns  INTEGER,
	rules    TEXT			-- by which its requests were found: 'iluvatar', a file's name, 'inferred'; NULL: there are none
);

CREATE TABLE source (
	id          INTEGER PRIMARY KEY,
	run         INTEGER NOT NULL REFERENCES run(id),
	path        TEXT NOT NULL,
	kind        TEXT NOT NULL,	-- 'tracing', 'ilulog', 'logrus', 'records', 'text', 'empty', 'binary', 'energy'
	worker      TEXT,		-- the process that owns the file, by its name
	bytes       INTEGER NOT NULL DEFAULT 0,	-- of decompressed text, all accounted for:
	file_bytes  INTEGER NOT NULL DEFAULT 0,	-- on disk
	lines       INTEGER NOT NULL DEFAULT 0,
	ok          INTEGER NOT NULL DEFAULT 0,	-- lines
	blank       INTEGER NOT NULL DEFAULT 0,	-- of those that are ok: nothing stands in them
	repaired    INTEGER NOT NULL DEFAULT 0,
	rejected    INTEGER NOT NULL DEFAULT 0,
	duplicate   INTEGER NOT NULL DEFAULT 0,
	ok_bytes        INTEGER NOT NULL DEFAULT 0,	-- with their line ends
	repaired_bytes  INTEGER NOT NULL DEFAULT 0,
	rejected_bytes  INTEGER NOT NULL DEFAULT 0,
	duplicate_bytes INTEGER NOT NULL DEFAULT 0,
	bytes_done  INTEGER NOT NULL DEFAULT 0,	-- of the file, up to where the next load goes on
	offset_s    INTEGER,		-- UTC minus the log's clock
	offset_from TEXT,		-- 'stamp', 'option', 'result', 'assumed', or of other programs' logs the zone
	first_ns    INTEGER,		-- UTC
	last_ns     INTEGER,
	cluster     INTEGER NOT NULL DEFAULT 0,	-- 1: spans of several workers are in it
	damage      TEXT,		-- what was wrong with the file as a whole; NULL: nothing
	format      TEXT,		-- how its records were read: 'tracing', 'zap', 'cri: zap', several with commas
	head_hash   INTEGER,		-- of its first bytes, to know it again
	same_as     INTEGER		-- source whose text the first duplicate lines of this one are
);

CREATE INDEX run_path ON run(path);
CREATE INDEX source_run ON source(run);

CREATE TABLE reject (
	source INTEGER NOT NULL REFERENCES source(id),
	line   INTEGER NOT NULL,	-- from 1
	offset INTEGER NOT NULL,	-- of its first byte in the decompressed text
	length INTEGER NOT NULL,	-- bytes, without line end
	reason TEXT NOT NULL,
	sample TEXT NOT NULL,		-- its first bytes, escaped
	PRIMARY KEY (source, line)
) WITHOUT ROWID;

-- Half a line with its values taken out: part 0 reaches to the span, part 1 is the rest.
CREATE TABLE shape (
	id       INTEGER PRIMARY KEY,
	part     INTEGER NOT NULL,
	skeleton BLOB NOT NULL
);

-- Up to 65,536 successive lines of one source, as columns.
CREATE TABLE chunk (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,	-- never used twice: table place may still name it
	source       INTEGER NOT NULL REFERENCES source(id),
	first_line   INTEGER NOT NULL,	-- from 1
	first_offset INTEGER NOT NULL,
	lines        INTEGER NOT NULL,
	bytes        INTEGER NOT NULL,	-- of text, with line ends
	min_stamp    INTEGER,		-- as written, without offset_s
	max_stamp    INTEGER,
	data         BLOB NOT NULL	-- its directory
);
CREATE TABLE block (
	id   INTEGER PRIMARY KEY,	-- chunk id << 16 | number of the block
	data BLOB NOT NULL
);
CREATE INDEX chunk_source ON chunk(source, first_line);

-- Where each transaction's lines are.
CREATE TABLE place (
	tid    TEXT NOT NULL,
	id     INTEGER NOT NULL,	-- from 1: the tables below name the transaction by it
	events INTEGER NOT NULL,	-- 0: no line is of it, or the row is there for its id in another run, and the first one has the lines
	places BLOB NOT NULL,		-- (chunk id, bits of its 8,192-row blocks) pairs
	PRIMARY KEY (tid, id)
) WITHOUT ROWID;

-- What a load generator wrote about each invocation, and its input: the virtual tables result and trace.
CREATE TABLE result_pack (
	run  INTEGER NOT NULL REFERENCES run(id),
	part INTEGER NOT NULL,	-- from 0: of at most 8,192 rows
	data BLOB NOT NULL,
	PRIMARY KEY (run, part)
);
CREATE TABLE trace_pack (
	run  INTEGER PRIMARY KEY REFERENCES run(id),
	data BLOB NOT NULL
);

-- Mean times of a benchmark file, which the columns about overhead compare with. run 0: for every run.
CREATE TABLE benchmark (
	run                    INTEGER NOT NULL,
	name                   TEXT NOT NULL,
	compute                TEXT NOT NULL,	-- as in the file: 'CPU', 'GPU'
	cold_results_sec       REAL,
	warm_results_sec       REAL,
	warm_worker_duration_us REAL,
	PRIMARY KEY (run, name, compute)
) WITHOUT ROWID;

-- A rules file of the user's own, which the model is built with instead of the built-in one.
CREATE TABLE rules (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	path TEXT NOT NULL,
	text TEXT NOT NULL
);

-- What the model makes of the events (docs/tables.md). Written afresh whenever the events change. The tables that are spoken of elsewhere are
-- views: what many rows have in common stands in a kind; a time is the ns since the one before it in its row, the first since the kind's base_ns.
CREATE TABLE invocation_kind (
	id INTEGER PRIMARY KEY, run INTEGER NOT NULL, base_ns INTEGER NOT NULL, worker TEXT,
	function_name TEXT, function_source TEXT, fqdn TEXT,
	status TEXT NOT NULL, attempts INTEGER NOT NULL, success INTEGER, was_cold INTEGER,
	compute TEXT, state TEXT, cache_insertions INTEGER,
	warm_sec REAL, base_sec REAL, share REAL	-- docs/tables.md: W; m, or B; the share
);
CREATE TABLE invocation_row (
	id INTEGER PRIMARY KEY,		-- place.id
	kind INTEGER NOT NULL REFERENCES invocation_kind(id),
	sent INTEGER, controller INTEGER, dispatched INTEGER, arrived INTEGER, inserted INTEGER, removed INTEGER,
	started INTEGER, ended INTEGER, returned INTEGER,
	worker_duration_us INTEGER, code_duration_sec REAL, e2e_duration_us INTEGER,
	cpu_est_queue_sec REAL, cpu_est_runtime_sec REAL, gpu_est_queue_sec REAL, gpu_est_runtime_sec REAL,
	cpu_est_sec REAL, gpu_est_sec REAL, insert_cpu_load REAL, insert_gpu_load REAL
);

-- When an invocation came to the moments that its rules name; absent where they name none.
CREATE TABLE moment_row (
	place INTEGER PRIMARY KEY,	-- place.id
	times BLOB NOT NULL		-- docs/store-format.md
);

-- Requests that are inside others, where rules say so.
CREATE TABLE nested (
	run INTEGER NOT NULL, tid TEXT NOT NULL,
	parent TEXT NOT NULL,		-- tid of the request around it, whether there are lines of it or not
	PRIMARY KEY (run, tid)
) WITHOUT ROWID;
CREATE INDEX nested_parent ON nested(parent, run);

CREATE VIEW invocation AS SELECT
	run, tid, worker, function_name, function_source, fqdn, status, attempts, success, was_cold, compute, state,
	sent_ns, controller_ns, dispatched_ns, arrived_ns, insert_ns, remove_ns, start_ns, end_ns, return_ns,
	worker_duration_us, code_duration_sec, e2e_duration_us,
	queueing_sec, queueing_sec + code_duration_sec AS queue_exec_sec,
	cpu_est_queue_sec, cpu_est_runtime_sec, gpu_est_queue_sec, gpu_est_runtime_sec,
	cpu_est_sec, gpu_est_sec, insert_cpu_load, insert_gpu_load,
	CASE compute WHEN 'cpu' THEN cpu_est_sec WHEN 'gpu' THEN gpu_est_sec END - (queueing_sec + code_duration_sec) AS est_sec_diff,
	cache_insertions,
	e2e AS e2e_sec, e2e - warm_sec AS e2e_overhead, overhead AS exec_overhead, (e2e - warm_sec) / warm_sec AS norm_e2e,
	(e2e - warm_sec) / warm_sec * share AS e2e_overhead_portion, queueing_sec * share AS queue_portion,
	overhead * share AS exec_overhead_norm, e2e * share AS e2e_portion, e2e / warm_sec * share AS e2e_norm_portion
FROM (SELECT
	k.run AS run, p.tid AS tid, k.worker AS worker, k.function_name AS function_name, k.function_source AS function_source, k.fqdn AS fqdn,
	k.status AS status, k.attempts AS attempts, k.success AS success, k.was_cold AS was_cold, k.compute AS compute, k.state AS state,
	k.base_ns + i.sent AS sent_ns,
	k.base_ns + ifnull(i.sent, 0) + i.controller AS controller_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + i.dispatched AS dispatched_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + i.arrived AS arrived_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + ifnull(i.arrived, 0) + i.inserted AS insert_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + ifnull(i.arrived, 0) + ifnull(i.inserted, 0)
		+ i.removed AS remove_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + ifnull(i.arrived, 0) + ifnull(i.inserted, 0)
		+ ifnull(i.removed, 0) + i.started AS start_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + ifnull(i.arrived, 0) + ifnull(i.inserted, 0)
		+ ifnull(i.removed, 0) + ifnull(i.started, 0) + i.ended AS end_ns,
	k.base_ns + ifnull(i.sent, 0) + ifnull(i.controller, 0) + ifnull(i.dispatched, 0) + ifnull(i.arrived, 0) + ifnull(i.inserted, 0)
		+ ifnull(i.removed, 0) + ifnull(i.started, 0) + ifnull(i.ended, 0) + i.returned AS return_ns,
	i.worker_duration_us AS worker_duration_us, i.code_duration_sec AS code_duration_sec, i.e2e_duration_us AS e2e_duration_us,
	-- whole seconds, rounded down, and what is left in ns / 10^9, added as two doubles
	CASE WHEN i.inserted IS NOT NULL THEN (i.removed - (i.removed % 1000000000 + 1000000000) % 1000000000) / 1000000000
		+ (i.removed % 1000000000 + 1000000000) % 1000000000 / 1e9 END AS queueing_sec,
	i.cpu_est_queue_sec AS cpu_est_queue_sec, i.cpu_est_runtime_sec AS cpu_est_runtime_sec,
	i.gpu_est_queue_sec AS gpu_est_queue_sec, i.gpu_est_runtime_sec AS gpu_est_runtime_sec,
	i.cpu_est_sec AS cpu_est_sec, i.gpu_est_sec AS gpu_est_sec, i.insert_cpu_load AS insert_cpu_load, i.insert_gpu_load AS insert_gpu_load,
	k.cache_insertions AS cache_insertions, k.warm_sec AS warm_sec, k.share AS share,
	CASE WHEN k.warm_sec IS NOT NULL THEN i.e2e_duration_us / 1000000.0 END AS e2e,
	CASE WHEN i.code_duration_sec > k.base_sec THEN i.code_duration_sec - k.base_sec
		WHEN i.code_duration_sec IS NOT NULL THEN 0.0 END / k.base_sec AS overhead
	FROM place p JOIN invocation_row i ON i.id = p.id JOIN invocation_kind k ON k.id = i.kind
);

-- Who did what where, for the rows of attempt, lock and batch.
CREATE TABLE work_kind (
	id INTEGER PRIMARY KEY, run INTEGER NOT NULL, base_ns INTEGER NOT NULL, worker TEXT,
	function_name TEXT, container_id TEXT, state TEXT, outcome TEXT
);
CREATE TABLE attempt_row (
	place INTEGER NOT NULL,		-- place.id
	n INTEGER NOT NULL,
	kind INTEGER NOT NULL REFERENCES work_kind(id),
	inserted INTEGER, removed INTEGER, started INTEGER, ended INTEGER,
	error TEXT,
	PRIMARY KEY (place, n)
) WITHOUT ROWID;
CREATE VIEW attempt AS SELECT
	k.run AS run, p.tid AS tid, a.n AS n, k.worker AS worker,
	k.base_ns + a.inserted AS insert_ns,
	k.base_ns + ifnull(a.inserted, 0) + a.removed AS remove_ns,
	k.base_ns + ifnull(a.inserted, 0) + ifnull(a.removed, 0) + a.started AS start_ns,
	k.base_ns + ifnull(a.inserted, 0) + ifnull(a.removed, 0) + ifnull(a.started, 0) + a.ended AS end_ns,
	k.container_id AS container_id, k.state AS state, k.outcome AS outcome, a.error AS error
	FROM place p JOIN attempt_row a ON a.place = p.id JOIN work_kind k ON k.id = a.kind;

CREATE TABLE lock_row (
	place INTEGER NOT NULL,		-- 0: no transaction's
	n INTEGER NOT NULL,
	kind INTEGER NOT NULL REFERENCES work_kind(id),
	since INTEGER, until INTEGER,
	PRIMARY KEY (place, n)
) WITHOUT ROWID;
CREATE VIEW lock AS SELECT
	k.run AS run, k.container_id AS container_id, p.tid AS tid, k.worker AS worker,
	k.base_ns + l.since AS from_ns, k.base_ns + ifnull(l.since, 0) + l.until AS to_ns
	FROM place p JOIN lock_row l ON l.place = p.id JOIN work_kind k ON k.id = l.kind
UNION ALL SELECT
	k.run, k.container_id, NULL, k.worker, k.base_ns + l.since, k.base_ns + ifnull(l.since, 0) + l.until
	FROM lock_row l JOIN work_kind k ON k.id = l.kind WHERE l.place = 0;

CREATE TABLE batch_row (
	id INTEGER PRIMARY KEY,		-- in the order of the log
	kind INTEGER NOT NULL REFERENCES work_kind(id), since INTEGER NOT NULL, batch_len INTEGER NOT NULL
);
CREATE VIEW batch AS SELECT	-- CROSS JOIN: in the order of the log, as long as nobody asks for another
	k.run AS run, k.worker AS worker, k.base_ns + b.since AS start_ns, k.function_name AS function_name, b.batch_len AS batch_len
	FROM batch_row b CROSS JOIN work_kind k ON k.id = b.kind;

-- One column more for each column of the metadata file.
CREATE TABLE function (
	run INTEGER NOT NULL, func_name TEXT NOT NULL, benchmark_name TEXT, avg_iat REAL, iat_class REAL,
	PRIMARY KEY (run, func_name)
) WITHOUT ROWID;

CREATE TABLE container (
	run INTEGER NOT NULL, container_id TEXT NOT NULL, fqdn TEXT, worker TEXT, compute TEXT,
	created_ns INTEGER, removed_ns INTEGER, created_by TEXT, invocations INTEGER,
	PRIMARY KEY (run, container_id)
) WITHOUT ROWID;

CREATE TABLE pattern (
	id INTEGER PRIMARY KEY, level TEXT, target TEXT, template TEXT, count INTEGER, first_ns INTEGER, last_ns INTEGER, example TEXT
);
