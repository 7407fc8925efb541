-- SPDX-License-Identifier: Apache-2.0
-- The database of ilu-logq, format 1. docs/store-format.md explains chunks, shapes and places;
-- the virtual tables event, span and phase are made by the program over these tables.
PRAGMA application_id = 0x494C5551;	-- "ILUQ"
PRAGMA user_version = 1;

CREATE TABLE run (
	id       INTEGER PRIMARY KEY,
	path     TEXT NOT NULL,		-- directory of the logs, or the file itself; '-' for standard input
	kind     TEXT NOT NULL,		-- 'simulation', 'live', 'ilulog' or 'other'
	offset_s INTEGER,		-- UTC minus the logs' clock, of its first source that has one
	first_ns INTEGER,
	last_ns  INTEGER
);

CREATE TABLE source (
	id          INTEGER PRIMARY KEY,
	run         INTEGER NOT NULL REFERENCES run(id),
	path        TEXT NOT NULL,
	kind        TEXT NOT NULL,	-- 'tracing', 'ilulog', 'logrus', 'text', 'empty', 'binary', 'energy'
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
	offset_from TEXT,		-- 'stamp', 'option', 'result' or 'assumed'
	first_ns    INTEGER,		-- UTC
	last_ns     INTEGER,
	cluster     INTEGER NOT NULL DEFAULT 0,	-- 1: spans of several workers are in it
	damage      TEXT,		-- what was wrong with the file as a whole; NULL: nothing
	head_hash   INTEGER,		-- of its first bytes, to know it again
	same_as     INTEGER		-- source with the same content, whose chunks stand for this one's
);

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
	tid    TEXT PRIMARY KEY,
	events INTEGER NOT NULL,
	places BLOB NOT NULL		-- (chunk id, bits of its 8,192-row blocks) pairs
) WITHOUT ROWID;

-- What a load generator wrote about each invocation.
CREATE TABLE result (
	run                INTEGER NOT NULL REFERENCES run(id),
	tid                TEXT NOT NULL,
	ord                INTEGER NOT NULL,	-- row of the result file, from 0
	success            INTEGER,
	function_name      TEXT,
	was_cold           INTEGER,
	worker_duration_us INTEGER,
	code_duration_sec  REAL,
	e2e_duration_us    INTEGER,
	compute            INTEGER,	-- bits: 1 CPU, 2 GPU
	container_state    INTEGER,
	sent               INTEGER,	-- ns, on the log's clock
	client_latency_us  INTEGER,
	body_start         REAL,	-- Unix seconds
	PRIMARY KEY (run, tid)
) WITHOUT ROWID;

-- The input of a load generator: func_name,invoke_time_ms.
CREATE TABLE trace (
	run            INTEGER NOT NULL REFERENCES run(id),
	ord            INTEGER NOT NULL,	-- from 0
	func_name      TEXT NOT NULL,
	invoke_time_ms INTEGER NOT NULL,	-- from the start of the load
	PRIMARY KEY (run, ord)
) WITHOUT ROWID;

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

-- What the model makes of the events (docs/tables.md). Written afresh whenever the events change.
CREATE TABLE invocation (
	run INTEGER NOT NULL, tid TEXT NOT NULL, worker TEXT,
	function_name TEXT, function_source TEXT, fqdn TEXT,
	status TEXT NOT NULL, attempts INTEGER NOT NULL, success INTEGER, was_cold INTEGER,
	compute TEXT, state TEXT,
	sent_ns INTEGER, controller_ns INTEGER, dispatched_ns INTEGER, arrived_ns INTEGER, insert_ns INTEGER, remove_ns INTEGER,
	start_ns INTEGER, end_ns INTEGER, return_ns INTEGER,
	worker_duration_us INTEGER, code_duration_sec REAL, e2e_duration_us INTEGER,
	queueing_sec REAL, queue_exec_sec REAL,
	cpu_est_queue_sec REAL, cpu_est_runtime_sec REAL, gpu_est_queue_sec REAL, gpu_est_runtime_sec REAL,
	cpu_est_sec REAL, gpu_est_sec REAL, insert_cpu_load REAL, insert_gpu_load REAL, est_sec_diff REAL,
	cache_insertions INTEGER,
	e2e_sec REAL, e2e_overhead REAL, exec_overhead REAL, norm_e2e REAL,
	e2e_overhead_portion REAL, queue_portion REAL, exec_overhead_norm REAL, e2e_portion REAL, e2e_norm_portion REAL,
	PRIMARY KEY (run, tid)
) WITHOUT ROWID;

CREATE TABLE attempt (
	run INTEGER NOT NULL, tid TEXT NOT NULL, n INTEGER NOT NULL, worker TEXT,
	insert_ns INTEGER, remove_ns INTEGER, start_ns INTEGER, end_ns INTEGER,
	container_id TEXT, state TEXT, outcome TEXT, error TEXT,
	PRIMARY KEY (run, tid, n)
) WITHOUT ROWID;

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

CREATE TABLE lock (
	run INTEGER NOT NULL, container_id TEXT NOT NULL, tid TEXT, worker TEXT, from_ns INTEGER, to_ns INTEGER
);

CREATE TABLE batch (
	run INTEGER NOT NULL, worker TEXT, start_ns INTEGER NOT NULL, function_name TEXT, batch_len INTEGER NOT NULL
);

CREATE TABLE pattern (
	id INTEGER PRIMARY KEY, level TEXT, target TEXT, template TEXT, count INTEGER, first_ns INTEGER, last_ns INTEGER, example TEXT
);
