/* SPDX-License-Identifier: Apache-2.0 */
/* early.c - calls while no logger runs: before the start, after the stop, or when it could not start.
 *
 * Warnings and errors go to standard error, one line each, written by the caller; all else is counted, and the next
 * start tells the count. Nothing here allocates or looks at the time zone: it may be a signal handler that calls. */
#include "base/buf.h"
#include "base/dtoa.h"
#include "base/escape.h"
#include "base/lock.h"
#include "call/early.h"
#include "call/state.h"
#include "base/now.h"
#include "call/ring.h"
#include "call/site.h"
#include "base/tid.h"
#include "base/value.h"

#include <string.h>

#define RECORD_MAX 16384

static struct {
	struct lock lock;
	struct ilu_producer_ producer;
	_Alignas(8) char record[RECORD_MAX + 128];
	char text[8 * RECORD_MAX];
} early;

static const uint32_t always = ILU_BELL_SLOW_ | ILU_BELL_RING_;

static struct ilu_writing_ count_only(void)
{
	__atomic_fetch_add(&logger.early, 1, __ATOMIC_RELAXED);
	return (struct ilu_writing_){NULL, NULL};
}

struct ilu_writing_ early_begin(uint32_t word, uint64_t span, const ilu_tid *tid, size_t size)
{
	struct ilu_writing_ w;
	unsigned operation = word & ILU_OP_MASK_;

	if ((operation != ILU_OP_EVENT_ && operation != ILU_OP_ARRAY_) || site_level(word >> 8) > ILU_WARN ||
	    size + RING_OVERHEAD > RECORD_MAX || lock_take(&early.lock))
		return count_only();
	early.producer.at = early.record;
	early.producer.bell = &always;
	w.at = ilu_head_(early.record, word, (uint64_t)now_wall_ns(), span, tid);
	w.producer = &early.producer;
	return w;
}

/* Days since 1970 to year, month, day (Howard Hinnant's civil_from_days). */
static char *put_date(char *at, int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	uint32_t doe = (uint32_t)(z - era * 146097);
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	uint32_t month = mp < 10 ? mp + 3 : mp - 9;

	at += itoa_i64((int64_t)yoe + era * 400 + (month <= 2), at);
	*at++ = '-';
	itoa_2(month, at);
	at[2] = '-';
	itoa_2(doy - (153 * mp + 2) / 5 + 1, at + 3);
	return at + 5;
}

static char *put_time(char *at, int64_t wall_ns)
{
	int64_t seconds = wall_ns / 1000000000, days = seconds / 86400;
	uint32_t rest = (uint32_t)(seconds % 86400);

	at = put_date(at, days);
	*at++ = 'T';
	itoa_2(rest / 3600, at);
	at[2] = ':';
	itoa_2(rest / 60 % 60, at + 3);
	at[5] = ':';
	itoa_2(rest % 60, at + 6);
	at[8] = '.';
	itoa_9((uint32_t)(wall_ns % 1000000000), at + 9);
	at[18] = 'Z';
	return at + 19;
}

static char *put_pair(char *at, const char *key, size_t key_len, unsigned type, const char **payload, const char *end)
{
	bool cut = false;

	*at++ = ' ';
	at += escape_json(at, key, key_len);
	*at++ = '=';
	return value_put(at, type, payload, end, &cut);
}

static char *put_pairs(char *at, const struct site *site, const struct ilu_record_ *record, const char *values)
{
	const char *end = (const char *)record + record->size;
	uint64_t count;

	if ((record->word & ILU_OP_MASK_) == ILU_OP_EVENT_) {
		for (unsigned i = 0; i < site->count; i++)
			at = put_pair(at, site->keys[i], site->key_lens[i], site->types[i], &values, end);
		return at;
	}
	memcpy(&count, values, 8);
	values += 8;
	while (count-- > 0 && end - values >= 2 && at < early.text + 7 * RECORD_MAX) {
		unsigned type = (unsigned char)values[0], len = (unsigned char)values[1];
		const char *key = values + 2;

		values = key + len;
		at = put_pair(at, key, len, type, &values, end);
	}
	return at;
}

static void write_line(const struct ilu_record_ *record)
{
	const struct site *site = site_get(record->word >> 8);
	const char *values = (const char *)(record + 1), *level, *out = early.text;
	char *at = early.text;
	ilu_tid tid;

	if (!site)
		return;
	level = site_level_name(site->level);
	memset(&tid, 0, sizeof tid);
	memcpy(&tid, values, record->word & ILU_NAMED_ ? sizeof tid : 16);
	values += record->word & ILU_NAMED_ ? sizeof tid : 16;
	at = put_time(at, (int64_t)record->stamp);
	at = PUT(at, "  ");
	at = put(at, level, strlen(level));
	*at++ = ' ';
	at += escape_json(at, site->target, site->target_len);
	at = PUT(at, ": ");
	at += escape_json(at, site->text, site->text_len);
	at = PUT(at, " tid=");
	char text[ILU_TID_MAX];
	size_t len = tid_text(&tid, text);

	at += escape_json(at, text, len);
	at = put_pairs(at, site, record, values);
	*at++ = '\n';
	while (out < at) {
		ssize_t n = write(STDERR_FILENO, out, (size_t)(at - out));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out += n;
	}
}

bool early_commit(struct ilu_producer_ *producer)
{
	if (producer != &early.producer)
		return false;
	write_line((const struct ilu_record_ *)(const void *)early.record);
	lock_drop(&early.lock);
	return true;
}

void early_reset(void)
{
	lock_reset(&early.lock);
}
