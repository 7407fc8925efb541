/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - who changed the filter, from what to what and for how long: for the log, whatever the filter says.
 *
 * Whoever changes it leaves a note here, and the appender writes the line "Filter changed" or "Filter reverted". There
 * is room for a few notes; of more changes between two passes only the last ones' ends are known, and how many they
 * were. */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Who asks for a change. */
struct audit_who {
	enum { AUDIT_PROGRAM, AUDIT_CONTROL, AUDIT_RELOAD, AUDIT_REVERT } by;
	pid_t pid; /* of AUDIT_CONTROL: the caller's, 0 when it is out of sight */
	uid_t uid;
};

/* Note a change, and wake the appender. */
void audit_filter(const struct audit_who *who, const char *from, const char *to, uint64_t for_ms);

/* Is there a note? */
bool audit_wanted(void);
/* Take the oldest: the line's message, and its fields, with a comma in front, of at most 500 bytes. false: none. */
#define AUDIT_FIELDS 504
bool audit_take(const char **message, char fields[AUDIT_FIELDS]);

/* In the child of a fork: what the parent has not written yet it will write itself. */
void audit_reset(void);

#endif
