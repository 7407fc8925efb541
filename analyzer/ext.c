/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext.c - the same tables in any program that has SQLite: the loadable extension ilulogq.so.
 *
 *     sqlite3 logq.db '.load ilulogq' 'SELECT message, count(*) FROM event GROUP BY 1'
 *
 * It is the analyzer's own objects, linked with the system's libsqlite3, and so not written against the table of
 * functions that SQLite hands to extensions. A program that carries another copy of SQLite inside itself must not call
 * into ours with its connection: the two are told apart by the addresses in that table, and the extension refuses. */
#define SQLITE_CORE 1 /* names stay what they are */
#include "beside/beside.h"
#include "base/sql.h"
#include "blame/blame.h"
#include "store/store.h"
#include "store/vtab_event.h"
#include "tables/tables.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stdlib.h>

/* As schema/store.sql sets it: "ILUQ". */
#define APPLICATION_ID 0x494C5551

__attribute__((visibility("default"))) int sqlite3_ilulogq_init(sqlite3 *db, char **error,
                                                                const sqlite3_api_routines *api);

static int64_t pragma(sqlite3 *db, const char *sql)
{
	int64_t value = -1;

	sql_number(db, sql, &value);
	return value;
}

static int refuse(char **error, const char *why)
{
	*error = sqlite3_mprintf("ilulogq: %s", why);
	return SQLITE_ERROR;
}

/* ilulogq_version(): what is loaded. Its end is the connection's end, and the store's. */
static void call_version(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_text(ctx, ILU_VERSION, -1, SQLITE_STATIC);
}

/* ilulogq_left_joins(0): no statement has a LEFT JOIN, and conditions on events need not be looked at twice. */
static void call_left_joins(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	store_left_joins(sqlite3_user_data(ctx), sqlite3_value_int(argv[0]));
}

static void release(void *store)
{
	store_close(store);
}

int sqlite3_ilulogq_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
	struct store *s;
	char *why = NULL;
	int rc;

	if (api->prepare_v2 != sqlite3_prepare_v2 || api->create_module_v2 != sqlite3_create_module_v2) {
		/* Memory for the message must be the host's. */
		*error =
		    api->mprintf("ilulogq: this program has an SQLite of its own inside, not the system's libsqlite3");
		return SQLITE_ERROR;
	}
	if (pragma(db, "PRAGMA application_id") != APPLICATION_ID)
		return refuse(error, "not an ilu-logq database (open one first, then load the extension)");
	rc = store_format_check(pragma(db, "PRAGMA user_version"), &why);
	if (!rc)
		rc = store_attach(db, &s, &why);
	if (rc) {
		rc = refuse(error, why ? why : store_error(rc));
		free(why);
		return rc;
	}
	store_left_joins(s, true); /* what is asked is not known here */
	rc = sqlite3_create_function_v2(db, "ilulogq_version", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, s, call_version, NULL,
	                                NULL, release);
	if (rc) /* it has released the store */
		return rc;
	rc = sqlite3_create_function_v2(db, "ilulogq_left_joins", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, s,
	                                call_left_joins, NULL, NULL, NULL);
	if (rc || vtab_event_register(db, s) || tables_register(db, s) || beside_register(db, s) ||
	    blame_register(db, s))
		return refuse(error, "out of memory");
	return SQLITE_OK;
}
