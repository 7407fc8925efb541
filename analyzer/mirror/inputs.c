/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.c - see inputs.h */
#include "mirror/inputs.h"
#include "beside/result_set.h"
#include "mirror/ledger.h"
#include "remote/push_inputs.h"
#include <errno.h>
#include <stdlib.h>

struct inputs {
	sqlite3 *db;
	int64_t run;
	struct trace_set trace;
	sqlite3_stmt *put; /* of the column `name` */
	char *name;        /* quoted */
};

static int take_trace(void *arg, const struct slice *v)
{
	struct inputs *in = arg;
	int64_t ord = tsv_int(v[0]);

	return ord < 0 || ord > UINT32_MAX - 1 ? -EBADMSG
	                                       : trace_set_put(&in->trace, (uint32_t)ord, v[1], tsv_int(v[2]));
}

/* The statement for a column, which is made where it is not there. */
static int begin_column(struct inputs *in, const char *quoted, struct slice name)
{
	char *plain = strndup(name.ptr, name.len),
	     *add = sqlite3_mprintf("ALTER TABLE function ADD COLUMN %s NUMERIC", quoted),
	     *put = sqlite3_mprintf(
	         "INSERT INTO function(run, func_name, %s) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET "
	         "%s = excluded.%s",
	         quoted, quoted, quoted);
	int rc = plain && add && put ? 0 : -ENOMEM;

	sqlite3_finalize(in->put);
	in->put = NULL;
	if (!rc &&
	    sqlite3_table_column_metadata(in->db, "main", "function", plain, NULL, NULL, NULL, NULL, NULL) != SQLITE_OK)
		rc = sql_exec_all(in->db, add);
	if (!rc)
		rc = sql_prepare(in->db, put, &in->put);
	free(plain);
	sqlite3_free(add);
	sqlite3_free(put);
	return rc;
}

static int take_metadata(void *arg, const struct slice *v)
{
	struct inputs *in = arg;
	char *quoted = sqlite3_mprintf("\"%.*w\"", (int)v[1].len, v[1].ptr);
	int rc = quoted ? 0 : -ENOMEM;

	if (!rc && (!in->name || strcmp(in->name, quoted)))
		rc = begin_column(in, quoted, v[1]);
	sqlite3_free(in->name);
	in->name = quoted;
	if (rc)
		return rc;
	sqlite3_bind_int64(in->put, 1, in->run);
	bind_slice(in->put, 2, v[0]);
	bind_slice(in->put, 3, v[2]); /* the column is NUMERIC: what is a number becomes one */
	return sql_step_reset(in->put);
}

int inputs_metadata(struct cluster *c, struct slice run, sqlite3 *db, char **why)
{
	struct inputs in = {.db = db};
	int rc = ledger_run(db, run, &in.run);

	if (!rc)
		rc = fetch_metadata(c, run, take_metadata, &in, why);
	sqlite3_finalize(in.put);
	sqlite3_free(in.name);
	return rc;
}

int inputs_put(struct cluster *c, struct slice run, sqlite3 *db, char **why)
{
	struct inputs in = {.db = db};
	int rc = ledger_run(db, run, &in.run);

	if (!rc)
		rc = fetch_trace(c, run, take_trace, &in, why);
	if (!rc)
		rc = trace_set_write(&in.trace, db, in.run);
	trace_set_done(&in.trace);
	return rc ? rc : inputs_metadata(c, run, db, why);
}
