/* SPDX-License-Identifier: GPL-3.0-or-later */
/* commands.c - see commands.h. Rows of one group stand together. */
#include "shell/commands.h"
#include "query/commands.h"
#include <string.h>

#define RUN_OPTION   {"run", 0, "RUN", "only this run: its number or path (see runs)", HINT_NONE}
/* Not in this version, but the name is taken. */
#define TAKEN(NAME, GROUP, HELP) {NAME, GROUP, "", 0, -1, HINT_NONE, HELP, NULL, NULL, NULL, NEED_NOTHING, NULL}
#define LIMIT_OPTION {"limit", 'n', "N", "at most N rows; 0: all", HINT_NONE}

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

static const struct option_spec sql_options[] = {
	{"write", 0, NULL, "let statements change the database", HINT_NONE},
	{0},
};

static const struct option_spec help_options[] = {
	{"mdoc", 0, NULL, "the commands as a section of the manual page", HINT_NONE},
	{0},
};

static const char data[] = "Getting data in", events[] = "Events", answers[] = "Invocations and time", findings[] = "Findings",
		  documents[] = "Documents", database[] = "The database";

const struct command commands[] = {
	TAKEN("load", data, "load logs"),
	TAKEN("events", events, "events, merged by time"),
	TAKEN("describe", events, "the fields of a message"),
	{"sql", events, "'SELECT ...'", 0, -1, HINT_SQL, "run SQL; values as they are",
	 "Any SQLite. Several statements may follow each other, parted by ';'. Without a word, reads them from standard input. The\n"
	 "tables and their columns: invocation, attempt, phase, span, event, run, source, reject, function, container, lock, batch,\n"
	 "pattern, series. field(event, 'NAME') reads a field of an event's line.",
	 "sql 'SELECT status, count(*) FROM invocation GROUP BY 1'\n"
	 "--format csv sql \"SELECT time_ns, field(event, 'queue_len') FROM event WHERE message = 'Item enqueued'\"",
	 sql_options, NEED_READ, cmd_sql},
	TAKEN("invocations", answers, "invocations"),
	TAKEN("timeline", answers, "one transaction from beginning to end"),
	TAKEN("phases", answers, "where the time went"),
	TAKEN("gaps", answers, "the largest unexplained stretches"),
	TAKEN("spans", answers, "spans by name"),
	TAKEN("tree", answers, "the span tree of a transaction"),
	TAKEN("critical-path", answers, "what a transaction waited for"),
	TAKEN("functions", answers, "functions"),
	TAKEN("containers", answers, "containers"),
	TAKEN("status", answers, "the state of the workers"),
	TAKEN("series", answers, "measured values over time"),
	TAKEN("batches", answers, "runs of one function"),
	TAKEN("patterns", answers, "messages as templates"),
	TAKEN("errors", answers, "errors by message"),
	TAKEN("energy", answers, "energy by function"),
	TAKEN("lint", findings, "what cannot be right"),
	TAKEN("hangs", findings, "what never completed, and why"),
	TAKEN("storms", findings, "cycles without progress"),
	TAKEN("diagnose", findings, "why something failed"),
	TAKEN("report", documents, "the report of a run"),
	TAKEN("compare", documents, "two runs"),
	TAKEN("export", documents, "other formats"),
	TAKEN("recover", documents, "records of a black box"),
	{"runs", database, "", 0, 0, HINT_NONE, "the runs that are loaded", NULL, NULL, NULL, NEED_READ, cmd_runs},
	{"sources", database, "", 0, 0, HINT_NONE, "the files that are loaded, and what became of each of their lines",
	 "bytes is the size of the decompressed text; every line of it is ok, repaired, rejected or duplicate (already loaded from\n"
	 "this or another file). `sql 'SELECT * FROM reject'` shows the rejected ones.",
	 NULL, NULL, NEED_READ, cmd_sources},
	TAKEN("check", database, "verify the database"),
	TAKEN("cat", database, "a source byte for byte"),
	TAKEN("compact", database, "make the file smaller"),
	TAKEN("drop-source", database, "forget a source"),
	{"help", database, "[COMMAND]", 0, 1, HINT_COMMAND, "this list, or more about one command", NULL, NULL, help_options,
	 NEED_NOTHING, cmd_help},
	{0},
};

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}
