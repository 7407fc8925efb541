/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_csv.c - the input of Ilúvatar's load generator: which function was invoked, and when. */
#include "query/export/export.h"

/* When it was sent; where no result file says so, when its worker heard of it. */
#define SENT "coalesce(sent_ns, arrived_ns, insert_ns)"

void export_trace_csv(struct export *x)
{
	struct select s = {0};
	sqlite3_stmt *stmt;
	int64_t first = 0, at = 0;

	select_add(&s, "SELECT function_name, " SENT " AS t FROM invocation");
	export_select(x, &s,
	              &(struct export_columns){
	                  .run = "run", .tid = "tid", .function = "function_name", .from = SENT, .to = SENT});
	select_where_number(&s, "function_name IS NOT NULL AND " SENT " > ?", INT64_MIN);
	select_add(&s, " ORDER BY t, tid");
	stmt = select_prepare(x->q, &s);
	text_puts(&x->line, "func_name,invoke_time_ms\n");
	while (query_next(x->q, stmt)) {
		at = sqlite3_column_int64(stmt, 1);
		first = x->records ? first : at;
		export_add_csv_text(x, column_slice(stmt, 0));
		text_puts(&x->line, ",");
		text_add_int(&x->line, (at - first) / 1000000);
		text_puts(&x->line, "\n");
		if (!query_wrote(x->q, export_put(x)))
			break;
	}
	sqlite3_finalize(stmt);
	select_done(&s);
	if (!x->records)
		query_note(x->q, "no invocations");
}
