/* SPDX-License-Identifier: Apache-2.0 */
/* array.c - calls that the macros do not write out in line: values that are too long, code that is to be small, and
 * lists of pairs. */
#include "call/state.h"
#include "call/ring.h"

#include <ilu/log.h>
#include <string.h>

#define PAIRS_MAX 256
#define KEY_MAX   255
#define EARLY_MAX 8192 /* values of one call while no logger runs */

/* What texts may have: as much as fits when the long ones share what the others leave. */
static size_t fair_share(const struct ilu_arg_ *args, size_t count, size_t room)
{
	size_t share = room, last = 0;

	while (share != last) {
		size_t left = room, longer = 0;

		last = share;
		for (size_t i = 0; i < count; i++) {
			if (args[i].size > share)
				longer++;
			else
				left -= args[i].size < left ? args[i].size : left;
		}
		if (!longer)
			break;
		share = left / longer;
		if (share > last)
			share = last;
	}
	return share;
}

/* Not in the middle of a character. */
static uint32_t whole(const char *text, uint32_t len)
{
	uint32_t at = len;

	while (at && len - at < 4 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static void cut_text(struct ilu_arg_ *a, size_t share)
{
	const char *text = (const char *)(uintptr_t)a->word;
	uint32_t len = share > 8 ? whole(text, (uint32_t)(share - 8)) : 0;

	a->original = a->head;
	a->head = len | ILU_CUT_;
	a->size = len + 8;
}

static size_t fit(struct ilu_arg_ *args, size_t count, size_t room)
{
	size_t total = 0, share;

	for (size_t i = 0; i < count; i++)
		total += args[i].size;
	if (total <= room)
		return total;
	share = fair_share(args, count, room);
	total = 0;
	for (size_t i = 0; i < count; i++) {
		if (args[i].size > share && args[i].size > 8)
			cut_text(&args[i], share);
		total += args[i].size;
	}
	return total;
}

static size_t values_max(void)
{
	size_t max = ring_values_max() - 64; /* a span's own words */

	return logger_state() == LOGGER_OFF && max > EARLY_MAX ? EARLY_MAX : max;
}

size_t ilu_fit_(struct ilu_arg_ *args, size_t count)
{
	return fit(args, count, values_max());
}

void ilu_event_(uint32_t gate, const struct ilu_site_ *site, const ilu_tid *tid, struct ilu_arg_ *args)
{
	struct ilu_writing_ w;
	size_t size = 0;
	char *at;

	for (unsigned i = 0; i < site->count; i++)
		size += args[i].size;
	if (size > ILU_FIT_)
		size = ilu_fit_(args, site->count);
	w = ilu_begin_(ilu_word_(gate, ILU_OP_EVENT_), ilu_producer_.span, tid, size);
	if (!w.at)
		return;
	at = w.at;
	for (unsigned i = 0; i < site->count; i++)
		at = ilu_put_(at, site->types[i], args[i]);
	ilu_commit_(w.producer, at);
}

/* ---- lists ---- */

static size_t key_len(const char *key)
{
	return key ? strnlen(key, KEY_MAX) : 0;
}

void ilu_log_array_(uint32_t gate, const ilu_tid *tid, const struct ilu_kv *list, size_t count)
{
	struct ilu_arg_ args[PAIRS_MAX];
	struct ilu_writing_ w;
	size_t keys = 8, size;
	uint64_t n = count < PAIRS_MAX ? count : PAIRS_MAX;
	char *at;

	for (size_t i = 0; i < n; i++) {
		args[i] = list[i].value_;
		keys += 2 + key_len(list[i].key);
	}
	size = fit(args, n, values_max() > keys ? values_max() - keys : 0);
	w = ilu_begin_(ilu_word_(gate, ILU_OP_ARRAY_), ilu_producer_.span, tid, keys + size);
	if (!w.at)
		return;
	at = w.at;
	memcpy(at, &n, 8);
	at += 8;
	for (size_t i = 0; i < n; i++) {
		size_t len = key_len(list[i].key);

		*at++ = (char)list[i].type_;
		*at++ = (char)len;
		if (len)
			memcpy(at, list[i].key, len);
		at = ilu_put_(at + len, list[i].type_, args[i]);
	}
	ilu_commit_(w.producer, at);
}
