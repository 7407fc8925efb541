/* SPDX-License-Identifier: Apache-2.0 */
/* flight.c - writes what the recorder has of an event's transaction; see flight.h and recorder.h. */
#include "appender/flight.h"

#include "base/escape.h"

#include <ilu/tid.h>

#include <stdio.h>
#include <string.h>

/* What had to give way, or was more than is wanted, as a line of the same transaction. */
static void tell_missing(struct appender *a, const struct ilu_record_ *event, const struct recorder_missing *missing)
{
	char fields[160], text[ILU_TID_MAX], tid[6 * ILU_TID_MAX];
	ilu_tid id = {{0, 0}, "", 0};

	if (!(missing->given_up || missing->over) || !encode_own_room(&a->enc))
		return;
	memcpy(&id, event + 1, event->word & ILU_NAMED_ ? sizeof id : sizeof id.bits_);
	ilu_tid_str(&id, text);
	tid[escape_json(tid, text, strlen(text))] = '\0';
	snprintf(fields, sizeof fields, ",\"given_up\":%llu,\"over_lines\":%llu", (unsigned long long)missing->given_up,
	         (unsigned long long)missing->over);
	own_say(&a->own, "WARN", "Recorded lines left out", tid, fields);
}

static void write_recorded(void *who, const struct ilu_record_ *event)
{
	struct appender *a = who;
	struct recorder *r = &a->enc.recorder;
	struct recorder_missing missing;
	uint32_t n = recorder_find(r, event, &missing);

	tell_missing(a, event, &missing);
	for (uint32_t i = 0; i < n; i++) {
		const struct ilu_record_ *record = recorder_read(r, i, n);

		appender_empty(a);
		encode_recorded(&a->enc, &r->ring, record);
		if (outlet_picks(&a->outlet))
			outlet_take(&a->outlet, &a->enc, record, a->enc.begin);
	}
}

int flight_begin(struct appender *a, const struct config_recorder *config)
{
	a->enc.who = a;
	a->enc.ask = write_recorded;
	return recorder_init(&a->enc.recorder, config);
}
