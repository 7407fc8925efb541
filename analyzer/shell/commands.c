/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - see commands.h. Rows of one group stand together. */
#include "shell/commands.h"
#include "query/commands/commands.h"
#include <string.h>

#define RUN_OPTION                                                                         \
	{                                                                                  \
		"run", 0, "RUN", "only this run: its number or path (see runs)", HINT_NONE \
	}
/* Not in this version, but the name is taken. */
#define TAKEN(NAME, GROUP, HELP)                                                              \
	{                                                                                     \
		NAME, GROUP, "", 0, -1, HINT_NONE, HELP, NULL, NULL, NULL, NEED_NOTHING, NULL \
	}
#define LIMIT_OPTION                                                   \
	{                                                              \
		"limit", 'n', "N", "at most N rows; 0: all", HINT_NONE \
	}

const struct option_spec global_options[] = {
    {"db", 'd', "FILE", "the database; default $ILU_LOGQ_DB, then logq.db", HINT_FILE},
    {"format", 0, "FORMAT", "text, csv, json or markdown", HINT_NONE},
    {"width", 0, "N", "columns that text fits into; 0: no limit; default the terminal's", HINT_NONE},
    {"color", 0, "WHEN", "auto, always or never", HINT_NONE},
    {"quiet", 'q', NULL, "no progress, notes and summaries; errors and damage are still told", HINT_NONE},
    {"help", 'h', NULL, "about the program, or the command it stands with", HINT_NONE},
    {"version", 0, NULL, "the version", HINT_NONE},
    {0},
};

static const char data[] = "Getting data in", lines[] = "Lines of the log",
                  answers[] = "Invocations, and where their time went", findings[] = "Findings",
                  documents[] = "Documents", database[] = "The database";

#define TID_OPTION                                                                                            \
	{                                                                                                     \
		"tid", 't', "TID", "of this transaction; as much of its id as tells it from others", HINT_TID \
	}
#define TARGET_OPTION                                                                                                 \
	{                                                                                                             \
		"target", 0, "TARGET", "of this target, or one of its segments: cpu_q_invoke; * stands for anything", \
		    HINT_TARGET                                                                                       \
	}
#define SINCE_OPTION                                                                                                \
	{                                                                                                           \
		"since", 0, "TIME", "not before: as in the log, RFC 3339, or +90s after the run's start", HINT_NONE \
	}
#define UNTIL_OPTION                                              \
	{                                                         \
		"until", 0, "TIME", "before this time", HINT_NONE \
	}
#define FOREIGN_OPTION                                                                                            \
	{                                                                                                         \
		"foreign", 0, NULL, "also the copies of span lines that stand in other workers' files", HINT_NONE \
	}
#define WORKER_OPTION                                            \
	{                                                        \
		"worker", 0, "NAME", "of this worker", HINT_NONE \
	}
#define FUNCTION_OPTION                                                                          \
	{                                                                                        \
		"function", 0, "NAME", "of this function; * and ? stand for anything", HINT_NONE \
	}

static const struct option_spec load_options[] = {
    {"timezone", 0, "[PATH=]ZONE", "the clock of logs that do not name it: America/New_York, UTC, -04:00", HINT_NONE},
    {"benchmark", 0, "FILE", "a file of function benchmarks, for overheads and estimates", HINT_FILE},
    {"rules", 0, "FILE", "what messages mean, instead of the built-in rules", HINT_FILE},
    {"threads", 0, "N", "at most so many; default as many as there are processors", HINT_NONE},
    {"follow", 'f', NULL, "go on reading what is added, until Ctrl-C", HINT_NONE},
    {0},
};

static const struct option_spec events_options[] = {
    TID_OPTION,
    {"level", 'l', "LEVEL", "of this level or a graver one", HINT_LEVEL},
    TARGET_OPTION,
    {"message", 'm', "TEXT", "with this message, all of it; * stands for anything", HINT_MESSAGE},
    SINCE_OPTION,
    UNTIL_OPTION,
    {"grep", 'g', "REGEX", "whose line matches this extended regular expression", HINT_NONE},
    {"ignore-case", 'i', NULL, "for --grep", HINT_NONE},
    {"context", 'C', "N", "with --grep: also N lines before and after, in the merged order", HINT_NONE},
    LIMIT_OPTION,
    RUN_OPTION,
    FOREIGN_OPTION,
    {"raw", 0, NULL, "the lines as they stand in the log", HINT_NONE},
    {"follow", 'f', NULL, "go on with what is loaded meanwhile, until Ctrl-C", HINT_NONE},
    {0},
};

static const struct option_spec describe_options[] = {TID_OPTION,   TARGET_OPTION, SINCE_OPTION,
                                                      UNTIL_OPTION, RUN_OPTION,    {0}};

static const struct option_spec sql_options[] = {
    {"write", 0, NULL, "let statements change the database", HINT_NONE},
    {0},
};

static const struct option_spec errors_options[] = {
    {"level", 'l', "LEVEL", "of this level or a graver one; default error", HINT_LEVEL},
    TID_OPTION,
    TARGET_OPTION,
    SINCE_OPTION,
    UNTIL_OPTION,
    LIMIT_OPTION,
    RUN_OPTION,
    {0},
};

static const struct option_spec invocations_options[] = {
    FUNCTION_OPTION,
    WORKER_OPTION,
    {"status", 0, "STATUS", "ok, failed or unfinished", HINT_NONE},
    {"state", 0, "STATE", "of the container: cold, prewarm, warm, ...", HINT_NONE},
    {"where", 0, "SQL", "any condition on the columns", HINT_COLUMN},
    {"columns", 'c', "LIST", "these columns, parted by commas; all: every one", HINT_COLUMN},
    {"sort", 's', "COLUMN", "by this column, -COLUMN: the largest first; default by time", HINT_COLUMN},
    LIMIT_OPTION,
    RUN_OPTION,
    {0},
};

static const struct option_spec timeline_options[] = {
    {"verbose", 'v', NULL, "every span and every line", HINT_NONE},
    {"limit", 'n', "N", "read at most N of its lines; 0: all; default 20000", HINT_NONE},
    RUN_OPTION,
    {0},
};

static const struct option_spec phases_options[] = {
    {"by", 0, "WHAT", "a row for each function, worker or hour", HINT_GROUP},
    FUNCTION_OPTION,
    WORKER_OPTION,
    RUN_OPTION,
    {0},
};

static const struct option_spec gaps_options[] = {
    {"limit", 'n', "N", "at most N rows; 0: all; default 20", HINT_NONE},
    RUN_OPTION,
    {0},
};

static const struct option_spec spans_options[] = {
    {"slowest", 0, "N", "the N longest spans, one by one", HINT_NONE},
    {"name", 0, "NAME", "spans of this name; * and ? stand for anything", HINT_NONE},
    {"target", 0, "TARGET", "of this target; * and ? stand for anything", HINT_TARGET},
    LIMIT_OPTION,
    RUN_OPTION,
    {0},
};

static const struct option_spec run_options[] = {RUN_OPTION, {0}};
static const struct option_spec containers_options[] = {
    {"fqdn", 0, "NAME", "of this function; * and ? stand for anything", HINT_NONE},
    WORKER_OPTION,
    LIMIT_OPTION,
    RUN_OPTION,
    {0}};
static const struct option_spec batches_options[] = {FUNCTION_OPTION, WORKER_OPTION, LIMIT_OPTION, RUN_OPTION, {0}};
static const struct option_spec patterns_options[] = {
    {"level", 'l', "LEVEL", "of this level", HINT_LEVEL}, LIMIT_OPTION, {0}};
static const struct option_spec status_options[] = {{"at", 0, "TIME", "as of this instant alone", HINT_NONE},
                                                    {"every", 0, "SECONDS", "a row each so many seconds", HINT_NONE},
                                                    WORKER_OPTION,
                                                    RUN_OPTION,
                                                    {0}};
static const struct option_spec series_options[] = {WORKER_OPTION, LIMIT_OPTION, RUN_OPTION, {0}};

static const struct option_spec energy_options[] = {
    {"by", 0, "WHAT", "a row for each meter (as without it), function or invocation", HINT_NONE},
    {"meter", 0, "NAME", "of this one: rapl, ipmi, energy_pkg, energy_ram, ...", HINT_NONE},
    {"rapl-max", 0, "UJ", "microjoules at which RAPL's counter wraps around: max_energy_range_uj of the machine",
     HINT_NONE},
    LIMIT_OPTION,
    RUN_OPTION,
    {0},
};

static const struct option_spec findings_options[] = {
    {"verbose", 'v', NULL, "all lines of evidence", HINT_NONE},
    RUN_OPTION,
    {0},
};
#define FINDINGS_MORE                                                                                                  \
	"The exit status is 1 where there is a finding of level warning or above. JSON has the evidence of each: its " \
	"lines, and why they matter."

static const struct option_spec report_options[] = {
    {"output", 'o', "FILE", "a name that ends with .html, .md or .json, or a directory for CSV", HINT_FILE},
    RUN_OPTION,
    {0},
};

static const struct option_spec help_options[] = {
    {"mdoc", 0, NULL, "the commands as a section of the manual page", HINT_NONE},
    {0},
};

const struct command commands[] = {
    {"load", data, "PATH...", 1, -1, HINT_FILE, "load logs: files, directories, globs, - for standard input",
     "A directory is a run: its logs and result files, found by name and content. Plain, .zst and .gz. The same "
     "command again loads only\n"
     "what is new, and a text that is loaded already counts as duplicate, from a pipe too. Prints what became of each "
     "file; a line\n"
     "that is no event is kept, and told.",
     "load run1/\nload --timezone America/New_York worker.log\nload --timezone UTC --timezone old/=Europe/Berlin old/ "
     "new/\n-d other.db load - < app.log",
     load_options, NEED_NOTHING, cmd_load},

    {"events", lines, "", 0, 0, HINT_NONE, "the lines of all files, merged by time",
     "Times stand on the log's own clock. CSV and JSON have the fields of each line as JSON.",
     "events --level warn\n"
     "events --tid 3a294129\n"
     "events --grep 'queue_len\":[1-9]' -C 3\n"
     "events --since 01:18:20 --until +30s --target containermanager",
     events_options, NEED_READ, cmd_events},
    {"errors", lines, "", 0, 0, HINT_NONE, "what went wrong: errors by message, with counts and an example",
     "Lines are one group when level and target agree and message and field `error` differ only in what varies: "
     "numbers, ids, paths, names (table pattern).\n"
     "transactions counts changes of the transaction from one line of the group to the next.",
     "errors\nerrors --level warn", errors_options, NEED_READ, cmd_errors},
    {"describe", lines, "[MESSAGE]", 0, 1, HINT_MESSAGE,
     "the fields of a message: types, how often, how spread; without one, all messages",
     "A field that occurs with two types has two rows. distinct stops counting at 100000.",
     "describe\ndescribe 'Item starting to execute'\ndescribe 'Popped item*'", describe_options, NEED_READ,
     cmd_describe},
    {"sql", lines, "'SELECT ...'", 0, -1, HINT_SQL, "run SQL; values as they are",
     "Any SQLite. Several statements may follow each other, parted by ';'. Without a word, reads them from standard "
     "input. The\n"
     "tables and their columns: invocation, attempt, phase, span, event, run, source, reject, function, container, "
     "lock, batch,\n"
     "pattern, series, histogram, quantiles. field(event, 'NAME') reads a field of an event's line; WHERE has(event, "
     "'NAME=VALUE') and WHERE event\n"
     "MATCH 'TEXT' choose lines without reading the others; p50, p90, p95, p99 and quantile(x, q) are aggregates.",
     "sql 'SELECT status, count(*) FROM invocation GROUP BY 1'\n"
     "--format csv sql \"SELECT time_ns, field(event, 'queue_len') FROM event WHERE message = 'Item enqueued'\"\n"
     "sql \"SELECT level, start_ns, lines FROM histogram\"",
     sql_options, NEED_READ, cmd_sql},

    {"invocations", answers, "", 0, 0, HINT_NONE, "the invocations: chosen, sorted, with the columns that matter",
     "Text and Markdown have the useful columns, CSV and JSON all of them; --columns chooses. duration_ns is "
     "e2e_duration_us where a\n"
     "result file gave it, else from the first to the last line of the log.",
     "invocations --status failed\n"
     "invocations --sort -queueing_sec --limit 20\n"
     "invocations --where 'was_cold AND queueing_sec > 1' --columns tid,function_name,queueing_sec",
     invocations_options, NEED_READ, cmd_invocations},
    {"timeline", answers, "TID", 1, 1, HINT_TID,
     "one transaction from beginning to end: phases, spans, lines, silences",
     "TID may be as much of the id as tells it from others. Repeated and short things are folded; -v shows all. CSV "
     "and JSON have\n"
     "every phase, span and event as one flat table.",
     "timeline 3a294129\ntimeline 3a294129 -v\n--format json timeline 3a294129", timeline_options, NEED_READ,
     cmd_timeline},
    {"phases", answers, "", 0, 0, HINT_NONE, "how long each phase of the invocations took, with quantiles",
     "The phases of an invocation add up to its end-to-end time; what no rule explains is named `unexplained`,\n"
     "and what began and never ended `worker queue, never left`. Quantiles are\n"
     "interpolated linearly, as pandas and numpy do by default.",
     "phases\nphases --by function", phases_options, NEED_READ, cmd_phases},
    {"gaps", answers, "", 0, 0, HINT_NONE, "the largest stretches without a line, by the messages around them",
     "Of all invocations: each pair of neighbouring lines is a gap; what varies in messages is <*> (table pattern).",
     "gaps --limit 10", gaps_options, NEED_READ, cmd_gaps},
    {"spans", answers, "", 0, 0, HINT_NONE, "spans by name, with quantiles; or the slowest ones", NULL,
     "spans\nspans --slowest 10 --name acquire_container", spans_options, NEED_READ, cmd_spans},
    {"tree", answers, "TID", 1, 1, HINT_TID,
     "the span tree of a transaction, with own times and how each edge is known", NULL, "tree 3a294129", run_options,
     NEED_READ, cmd_tree},
    {"critical-path", answers, "TID", 1, 1, HINT_TID, "the chain of spans that a transaction's end waited for",
     "From the end backwards: at each instant the child that ended last is what its parent waited for.",
     "critical-path 3a294129", run_options, NEED_READ, cmd_critical_path},
    {"functions", answers, "", 0, 0, HINT_NONE, "invocations by function: outcomes and latency quantiles",
     "cold counts calls that the function itself calls its first in a container, also in a prewarmed one; cold_starts "
     "the containers that were\n"
     "made while an invocation waited, also where that failed, as the phase \"container acquisition (cold)\" does.",
     NULL, run_options, NEED_READ, cmd_functions},
    {"containers", answers, "", 0, 0, HINT_NONE, "containers: when made, for whom, how often used", NULL, NULL,
     containers_options, NEED_READ, cmd_containers},
    {"status", answers, "", 0, 0, HINT_NONE, "the state of each worker over time: queues, load, memory, containers",
     "The last value of every series as of each instant; none is taken from the future. Text shows the series that "
     "change at some two dozen\n"
     "instants, CSV and JSON all of them whenever one was measured.",
     "status\nstatus --at 01:18:25 --format json\nstatus --every 10", status_options, NEED_READ, cmd_status},
    {"series", answers, "[NAME]", 0, 1, HINT_NONE, "values measured over time; without a name, which there are", NULL,
     "series\nseries cpu_len", series_options, NEED_READ, cmd_series},
    {"batches", answers, "", 0, 0, HINT_NONE, "runs of consecutive starts of one function", NULL, NULL, batches_options,
     NEED_READ, cmd_batches},
    {"patterns", answers, "", 0, 0, HINT_NONE, "messages as templates, with counts", NULL, NULL, patterns_options,
     NEED_READ, cmd_patterns},
    {"energy", answers, "", 0, 0, HINT_NONE,
     "the energy that was measured, by meter; and for whom, by function or invocation",
     "Of energy-rapl.log, energy-ipmi.log and energy-perf.log beside the run's logs: each is a meter, and they measure "
     "the same machine, so\n"
     "they are not to be added. RAPL is a counter, IPMI's watts hold until the next reading, perf tells joules. --by "
     "function and --by\n"
     "invocation give each instant's power in equal parts to the executions that run then; what was used while none "
     "ran is (idle).\n"
     "RAPL's counter wraps around: its range is taken from the worker's log where it tells it (level debug), else "
     "--rapl-max says it, else\n"
     "those stretches are left out, and counted as unknown. skipped counts readings that are not later than the one "
     "before.",
     "energy\nenergy --by function --meter rapl\nenergy --by invocation --limit 20\nenergy --rapl-max 262143328850",
     energy_options, NEED_READ, cmd_energy},

    {"lint", findings, "", 0, 0, HINT_NONE,
     "what cannot be right: spans never closed, leaked locks, time backwards, secrets in the log",
     "Rules: completed-without-start, unfinished, double-lock, leaked-lock, leaked-container (needs level debug), "
     "span-never-closed, time-backwards,\n"
     "sequence-gap, records-lost, foreign-span-lines, environment, secret.\n" FINDINGS_MORE,
     "lint\n--format json lint", findings_options, NEED_READ, cmd_lint},
    {"hangs", findings, "", 0, 0, HINT_NONE,
     "what never completed and why: which few hold what, and how many wait behind each",
     "Rules: hang (executes without end), cut-off (the log ended), never-started, given-up (the load generator's "
     "result says failed: it never arrived,\n"
     "never began, was never completed or too late), silence (a log that ends long before its run).\n" FINDINGS_MORE,
     NULL, findings_options, NEED_READ, cmd_hangs},
    {"storms", findings, "", 0, 0, HINT_NONE, "cycles of messages repeated without progress", FINDINGS_MORE, NULL,
     findings_options, NEED_READ, cmd_storms},
    {"diagnose", findings, "mount", 1, 1, HINT_NONE,
     "why containers could not be created: mount failures, with their cause", FINDINGS_MORE, "diagnose mount",
     findings_options, NEED_READ, cmd_diagnose},

    {"report", documents, "", 0, 0, HINT_NONE,
     "the report: latency, phases, slowest invocations with timelines, errors, ledger",
     "One self-contained HTML file, Markdown, JSON, or a directory of CSV, by the name after -o; without -o Markdown "
     "or, with --format json, JSON on\n"
     "standard output. The same database gives the same bytes.",
     "report -o report.html\nreport -o report.md --run 2\nreport -o tables/", report_options, NEED_READ, cmd_report},
    TAKEN("compare", documents, "two runs side by side"),
    TAKEN("export", documents, "other tools' formats"),
    TAKEN("recover", documents, "records of a black box"),

    {"runs", database, "", 0, 0, HINT_NONE, "the runs that are loaded", NULL, NULL, NULL, NEED_READ, cmd_runs},
    {"sources", database, "", 0, 0, HINT_NONE, "the files that are loaded, and what became of each of their lines",
     "bytes is the size of the decompressed text; every line of it is ok, repaired, rejected or duplicate (already "
     "loaded from\n"
     "this or another file). `sql 'SELECT * FROM reject'` shows the rejected ones. An empty line is ok; column blank "
     "of\n"
     "table source counts them.",
     NULL, NULL, NEED_READ, cmd_sources},
    {"check", database, "", 0, 0, HINT_NONE, "verify the database: its structure, checksums, every line, the ledger",
     "Prints a line for each fault; exit status 3 where there is one.", NULL, NULL, NEED_READ, cmd_check},
    {"cat", database, "SOURCE", 1, 1, HINT_NONE, "a source as it was loaded, byte for byte",
     "SOURCE is an id of `sources`, a path, or the end of a path that only one source has.", "cat 2 > worker.log", NULL,
     NEED_READ, cmd_cat},
    {"compact", database, "", 0, 0, HINT_NONE, "make the database smaller: small chunks joined, free pages given back",
     "Worth it after many small appends, --follow, or drop-source. Answers stay the same.", NULL, NULL, NEED_WRITE,
     cmd_compact},
    {"drop-source", database, "SOURCE", 1, 1, HINT_NONE, "take a source out, with its lines and all that only it told",
     "SOURCE is an id of `sources`, a path, or the end of a path that only one source has. What was concluded from its "
     "lines is\n"
     "concluded again from the others.",
     "drop-source worker_1.log", NULL, NEED_WRITE, cmd_drop_source},
    {"help", database, "[COMMAND]", 0, 1, HINT_COMMAND, "this list, or more about one command", NULL, NULL,
     help_options, NEED_NOTHING, cmd_help},
    {0},
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
