/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - see sql.h
 *
 * Statements are parted here, as a server takes one at a time; what they mean is the server's business. The answer is a
 * table like any other. */
#include "query/cluster/sql.h"
#include "query/cluster/command.h"
#include "remote/answer.h"
#include "remote/statement.h"
#include "render/stream.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One statement's answer. */
struct shown {
	struct query *q;
	struct table *table;
	struct cell *cells;
	bool full;   /* the table takes no more */
	int *tables; /* how many there were before */
};

static int begin(struct answer *a)
{
	struct shown *s = a->arg;
	struct column *columns = calloc(a->columns, sizeof *columns);

	s->cells = calloc(a->columns, sizeof *s->cells);
	if (!columns || !s->cells) {
		free(columns);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < a->columns; i++)
		columns[i].name = a->name[i];
	if ((*s->tables)++)
		fputc('\n', s->q->out->file);
	s->table = query_table_open(s->q, columns, a->columns);
	free(columns);
	return s->q->status ? -ECANCELED : 0;
}

static struct cell cell_of(struct slice v, enum answer_kind kind)
{
	char text[64], *end = text;
	struct cell c = cell_of_bytes(v.ptr, v.len);

	if (!v.ptr)
		return CELL_OF_NULL;
	if (kind == ANSWER_TEXT || !v.len || v.len >= sizeof text)
		return c;
	memcpy(text, v.ptr, v.len);
	text[v.len] = '\0';
	errno = 0;
	if (kind == ANSWER_INT) {
		c = CELL_OF_INT(strtoll(text, &end, 10));
	} else if (strspn(text, "+-0123456789.eE") == v.len) { /* neither nan nor inf */
		c = CELL_OF_REAL(strtod(text, &end));
	}
	return errno || *end || end == text ? cell_of_bytes(v.ptr, v.len) : c;
}

static int row(struct answer *a, const struct slice *value)
{
	struct shown *s = a->arg;

	if (s->full)
		return 0;
	for (unsigned i = 0; i < a->columns; i++)
		s->cells[i] = cell_of(value[i], a->kind[i]);
	s->full = !query_table_row(s->q, s->table, s->cells);
	return s->q->status ? -ECANCELED : 0;
}

/* What the server finds wrong with a statement is the user's, but for what it has too little of. */
static bool is_lack(int code)
{
	static const int codes[] = {241 /* memory */, 243 /* disk */, 158, 159, 160 /* limits */, 307, 396};

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static void failed(struct query *q, struct cluster *c, int rc, const char *why)
{
	int code = http_code(c->http[0]);

	if (rc == -EREMOTEIO && code == CODE_READONLY && !args_has(q->args, "write"))
		query_fail(q, USAGE, "%s (--write allows what the user may)", why ? why : "it is read only");
	else if (rc == -EREMOTEIO && !is_lack(code))
		query_fail(q, USAGE, "%s", why ? why : "the server refuses the statement");
	else
		remote_failed(q, rc, why);
}

static void run_one(struct query *q, struct cluster *c, struct slice sql, int *tables)
{
	struct shown s = {.q = q, .tables = tables};
	struct answer a = {.begin = begin, .row = row, .arg = &s};
	char *why = NULL;
	int rc;

	if (statement_has_format(sql)) {
		query_fail(q, USAGE, "FORMAT stands in the SQL: how the answer is written --format says");
		return;
	}
	rc = answer_ask(c, sql, args_has(q->args, "write"), &a, &why);
	if (!q->status)
		failed(q, c, rc, why);
	query_table_close(q, s.table);
	free(s.cells);
	free(why);
	answer_done(&a);
}

void remote_sql(struct query *q, struct cluster *c)
{
	struct text sql = {0};
	const char *rest;
	int tables = 0;

	if (c->partial)
		query_fail(q, USAGE, "--partial: a server knows no part of an answer; ask a URL of single hosts");
	for (size_t i = 0; i < q->args->nwords; i++)
		text_printf(&sql, "%s;\n", q->args->words[i]);
	if (!q->args->nwords && !q->status)
		query_ok(q, text_add_stream(&sql, stdin, SIZE_MAX), "standard input");
	query_ok(q, sql.failed ? -ENOMEM : 0, q->command);
	rest = text_str(&sql);
	while (!q->status && *rest) {
		struct slice one = statement_first(rest, &rest);

		if (one.ptr)
			run_one(q, c, one, &tables);
	}
	if (!q->status)
		query_wrote(q, stream_flush(q->out->file));
	text_done(&sql);
}
