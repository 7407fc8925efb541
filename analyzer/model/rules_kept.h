/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_kept.h - the rules that a database was made with. */
#ifndef MODEL_RULES_KEPT_H
#define MODEL_RULES_KEPT_H

#include "model/rules.h"
#include <sqlite3.h>

/* The rules that the database was made with: those kept in it, else the built-in ones. *why as in rules_load. */
int rules_of_database(sqlite3 *db, struct rules **out, char **why);
/* --rules with this word: rules that say nothing. A file of that name is ./none. */
#define RULES_NONE "none"

/* Where the rules kept in a database are from. */
enum rules_from {
	RULES_FROM_PROGRAM,  /* none are kept: the built-in ones */
	RULES_FROM_FILE,     /* the user's */
	RULES_FROM_NOWHERE,  /* RULES_NONE */
	RULES_FROM_LOG,      /* found in the log, as the built-in ones say nothing of it */
	RULES_FROM_LOG_ALONE /* found in the log, after RULES_NONE */
};
int rules_kept_from(sqlite3 *db, enum rules_from *out);
/* Keeps rules that were found in the log, where from is FROM_LOG or FROM_LOG_ALONE; text NULL: none were, and what is
 * kept is as from says without them. */
int rules_keep_inferred(sqlite3 *db, enum rules_from from, const char *text);
/* Writes for each run by which rules its requests were found (run.rules). After the model's tables. */
int rules_name_runs(sqlite3 *db, const struct rules *r);

/* Keeps the text of a user's rules file in the database, for this and later builds. */
int rules_keep(sqlite3 *db, const char *path, char **why);
/* The same of rules that were kept elsewhere, under their name there. */
int rules_keep_text(sqlite3 *db, const char *name, const char *text);

#endif
