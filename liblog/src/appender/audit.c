/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - notes of changes of the filter; see audit.h. */
#include "appender/audit.h"

#include "base/escape.h"
#include "base/lock.h"
#include "call/state.h"

#include <stdio.h>
#include <string.h>

#define NOTES    8
#define TEXT_MAX 160 /* of a filter in a line */

struct note {
	struct audit_who who;
	char from[TEXT_MAX], to[TEXT_MAX]; /* safe to print */
	uint64_t for_ms;
	uint64_t changes; /* that it stands for */
};

static struct {
	struct lock lock;
	struct note note[NOTES];
	uint32_t count; /* atomic */
} audit;

/* What does not fit ends in "...". */
static void put_filter(char out[TEXT_MAX], const char *text)
{
	size_t used, len = strlen(text), n = escape_json_part(out, TEXT_MAX - 4, text, len, &used);

	strcpy(out + n, used < len ? "..." : "");
}

void audit_filter(const struct audit_who *who, const char *from, const char *to, uint64_t for_ms)
{
	struct note *note;

	if (lock_take(&audit.lock))
		return;
	note = &audit.note[audit.count < NOTES ? audit.count : NOTES - 1];
	if (audit.count < NOTES) {
		put_filter(note->from, from);
		note->changes = 0;
		__atomic_store_n(&audit.count, audit.count + 1, __ATOMIC_RELEASE);
	}
	put_filter(note->to, to);
	note->who = *who;
	note->for_ms = for_ms;
	note->changes++;
	lock_drop(&audit.lock);
	logger_wake();
}

bool audit_wanted(void)
{
	return __atomic_load_n(&audit.count, __ATOMIC_ACQUIRE) != 0;
}

static void put_fields(char fields[AUDIT_FIELDS], const struct note *note)
{
	static const char *const by[] = {"program", "control", "reload", "revert"};
	char more[96] = "";
	size_t len = 0;

	if (note->who.by == AUDIT_CONTROL)
		len += (size_t)snprintf(more, sizeof more, ",\"by_pid\":%ld,\"by_uid\":%ld", (long)note->who.pid,
		                        (long)note->who.uid);
	if (note->for_ms)
		len += (size_t)snprintf(more + len, sizeof more - len, ",\"for_ms\":%llu",
		                        (unsigned long long)note->for_ms);
	if (note->changes > 1)
		snprintf(more + len, sizeof more - len, ",\"changes\":%llu", (unsigned long long)note->changes);
	snprintf(fields, AUDIT_FIELDS, ",\"from\":\"%s\",\"to\":\"%s\",\"by\":\"%s\"%s", note->from, note->to,
	         by[note->who.by], more);
}

bool audit_take(const char **message, char fields[AUDIT_FIELDS])
{
	if (!audit_wanted() || lock_take(&audit.lock))
		return false;
	*message = audit.note[0].who.by == AUDIT_REVERT ? "Filter reverted" : "Filter changed";
	put_fields(fields, &audit.note[0]);
	memmove(audit.note, audit.note + 1, sizeof audit.note - sizeof *audit.note);
	__atomic_store_n(&audit.count, audit.count - 1, __ATOMIC_RELEASE);
	lock_drop(&audit.lock);
	return true;
}

void audit_reset(void)
{
	lock_reset(&audit.lock);
	audit.count = 0;
}
