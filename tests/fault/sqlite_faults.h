/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_faults.h - make the n-th call of a kind fail, also of SQLite's functions, of its memory and its files.
 *
 * For programs that are linked with the wraps of SQLITE_WRAPS in the Makefile as well. */
#ifndef SQLITE_FAULTS_H
#define SQLITE_FAULTS_H

#include "faults.h"

/* Kinds of faults.h, then those inside SQLite; the last is a file that may not grow beyond n KiB. */
enum {
	SQLITE_MEMORY = FAULT_KINDS,
	FILE_READ,
	FILE_OPEN,
	FILE_WRITE_FULL,
	FILE_WRITE,
	FILE_SYNC,
	FILE_TRUNCATE,
	SQLITE_STEP,
	SQLITE_PREPARE,
	SQLITE_BLOB,
	FILE_SIZE,
	SQL_FAULT_KINDS
};

/* By kind; NULL: it is not for commands. */
extern const char *const sql_fault_names[SQL_FAULT_KINDS];

/* Before SQLite is used. */
void sql_faults_prepare(void);
/* From now on call number `at` of the kind fails; counting begins with 1. */
void sql_fault_arm(int kind, unsigned at);
/* Nothing fails any more. How many calls there were. */
unsigned sql_fault_disarm(int kind);

#endif
