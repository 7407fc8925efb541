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

/* Keeps the text of a user's rules file in the database, for this and later builds. */
int rules_keep(sqlite3 *db, const char *path, char **why);

#endif
