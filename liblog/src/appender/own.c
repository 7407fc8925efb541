/* SPDX-License-Identifier: Apache-2.0 */
/* own.c - what the library says by itself; see own.h. */
#include "appender/own.h"

#include "appender/audit.h"
#include "base/escape.h"
#include "base/now.h"
#include "box/slab.h"
#include "call/limit.h"
#include "call/ring.h"
#include "call/site.h"
#include "call/state.h"
#include "encode/sitetext.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TELL_NS       1000000000
#define CLOCK_SAID_NS 1000000000 /* smaller steps are not told: a daemon that keeps the time makes them */

/* A line with a number that is given already. */
static void say_at(struct own *own, const char *level, const char *message, const char *tid, const char *fields,
                   uint64_t seq)
{
	size_t begin = own->enc->out.len;

	encode_own(own->enc, level, message, tid, fields, seq);
	outlet_take_own(own->outlet, own->enc, begin);
}

void own_say(struct own *own, const char *level, const char *message, const char *tid, const char *fields)
{
	say_at(own, level, message, tid, fields, own->enc->seq++);
}

/* Lines that could not be encoded get their numbers, and a line that says so, when there is memory again. */
static void tell_unmade(struct own *own)
{
	uint64_t lost = own->enc->unmade;
	char fields[160];

	if (!lost || !encode_own_room(own->enc))
		return;
	own->enc->unmade = 0;
	own->lost += lost;
	own->enc->seq += lost;
	snprintf(fields, sizeof fields, ",\"lost\":%llu,\"reason\":\"no memory\",\"from_seq\":%llu,\"to_seq\":%llu",
	         (unsigned long long)lost, (unsigned long long)(own->enc->seq - lost),
	         (unsigned long long)(own->enc->seq - 1));
	say_at(own, "WARN", "Records lost", "ilulog", fields, own->enc->seq - 1);
}

static void tell_ring_losses(struct own *own)
{
	for (uint32_t i = 0, n = rings_count(); i < n; i++) {
		struct ring *ring = rings_at(i);
		uint64_t lost = 0, levels[RING_LEVELS];
		char fields[320];

		for (int l = 0; l < RING_LEVELS; l++)
			lost += levels[l] = __atomic_load_n(&ring->lost[l], __ATOMIC_RELAXED);
		if (lost == ring->lost_told || !encode_own_room(own->enc))
			continue;
		lost -= ring->lost_told;
		ring->lost_told += lost;
		own->lost += lost;
		own->enc->seq += lost;
		snprintf(fields, sizeof fields,
		         ",\"lost\":%llu,\"reason\":\"ring "
		         "full\",\"ring\":%u,\"thread_id\":%u,\"from_seq\":%llu,\"to_seq\":%llu"
		         ",\"errors\":%llu,\"warnings\":%llu,\"total\":%llu",
		         (unsigned long long)lost, i, ring->thread_id, (unsigned long long)(own->enc->seq - lost),
		         (unsigned long long)(own->enc->seq - 1), (unsigned long long)levels[ILU_ERROR],
		         (unsigned long long)levels[ILU_WARN], (unsigned long long)own->lost);
		say_at(own, "WARN", "Records lost", "ilulog", fields, own->enc->seq - 1);
	}
}

static uint64_t span_slots(void)
{
	return region.header->slots;
}

static uint64_t left_out(void)
{
	return __atomic_load_n(&region.left_out, __ATOMIC_RELAXED);
}

static uint64_t ring_bytes(void)
{
	return region.header->ring_bytes;
}

static uint64_t ring_limit(void)
{
	return region.header->rings;
}

static size_t misused_fields(char *out, size_t cap);

/* What callers met and only counted; with the limit that they met, if it was one, or an example. */
static const struct trouble {
	uint64_t (*count)(void);
	const char *message;
	const char *limit; /* the key of the configuration */
	uint64_t (*limit_value)(void);
	size_t (*example)(char *fields, size_t cap);
} troubles[OWN_TROUBLES] = {
    {slab_misuse, "Span handles used after their span was closed", NULL, NULL, misused_fields},
    {slab_overflow, "Spans left out of the log: the slab is full", "span_slots", span_slots, NULL},
    {rings_shared, "More threads than rings: records through the shared one", "rings", ring_limit, NULL},
    {left_out, "Bytes left out of the black box: no room in its file system", NULL, NULL, NULL},
    {rings_unrecorded, "Calls not recorded: the ring was full", "ring_bytes", ring_bytes, NULL},
};

void own_begin(struct own *own, struct encoder *enc, struct outlet *outlet)
{
	own->enc = enc;
	own->outlet = outlet;
	for (int i = 0; i < OWN_TROUBLES; i++)
		own->told[i] = troubles[i].count();
}

/* Code as "program+0x12ab", which addr2line(1) reads, and its function where that has a name. */
static void place_of_code(uint64_t address, char *out, size_t cap)
{
	const char *object, *slash;
	Dl_info at;

	*out = '\0';
	if (!address || !dladdr((void *)(uintptr_t)address, &at) || !at.dli_fname)
		return;
	slash = strrchr(at.dli_fname, '/');
	object = slash ? slash + 1 : at.dli_fname;
	snprintf(out, cap, "%.60s+0x%llx%s%.60s%s", object,
	         (unsigned long long)(address - (uint64_t)(uintptr_t)at.dli_fbase), at.dli_sname ? " (" : "",
	         at.dli_sname ? at.dli_sname : "", at.dli_sname ? ")" : "");
}

/* The first span of those: which, where it was opened and closed, and who uses it still. Threads have other numbers in
 * each run, so they are left out in virtual time. */
static size_t misused_fields(char *out, size_t cap)
{
	char text[160], tid[ILU_TID_MAX];
	struct slab_misused m;
	struct site *site;
	size_t len = 0;

	if (!slab_misused(&m))
		return 0;
	if (!now_replaced())
		len += (size_t)snprintf(out, cap, ",\"thread_id\":%u", m.thread_id);
	site = m.known ? site_get(m.site) : NULL;
	if (!site)
		return len; /* its slot is another span's by now */
	len += own_field(out + len, 80, "of_span", site->text);
	len += own_field(out + len, 80, "of_target", site->target);
	ilu_tid_str(&m.tid, tid);
	len += own_field(out + len, 80, "of_tid", tid);
	if (m.id)
		len += (size_t)snprintf(out + len, cap - len, ",\"of_id\":\"%016llx\"", (unsigned long long)m.id);
	snprintf(text, sizeof text, "%.*s:%u", 60, site->file, site->line);
	len += own_field(out + len, 80, "opened_at", text);
	place_of_code(m.closed_at, text, sizeof text);
	if (*text)
		len += own_field(out + len, 160, "closed_at", text);
	if (m.closer && !now_replaced())
		len += (size_t)snprintf(out + len, cap - len, ",\"closed_by\":%u", m.closer);
	return len;
}

/* Once a second, but at a flush. */
static void tell_troubles(struct own *own, uint64_t ns, bool now)
{
	bool soon = !now && ns - own->told_ns < TELL_NS;
	char fields[ENCODE_OWN_FIELDS];

	for (int i = 0; i < OWN_TROUBLES; i++) {
		const struct trouble *t = &troubles[i];
		uint64_t count = t->count();
		size_t len;

		if (soon || count == own->told[i] || !encode_own_room(own->enc))
			continue;
		len = (size_t)snprintf(fields, sizeof fields, ",\"count\":%llu,\"total\":%llu",
		                       (unsigned long long)(count - own->told[i]), (unsigned long long)count);
		if (t->limit)
			snprintf(fields + len, sizeof fields - len, ",\"%s\":%llu", t->limit,
			         (unsigned long long)t->limit_value());
		if (t->example)
			t->example(fields + len, sizeof fields - len);
		own_say(own, "WARN", t->message, "ilulog", fields);
		own->told[i] = count;
		own->told_ns = ns;
	}
}

size_t own_field(char *out, size_t cap, const char *key, const char *text)
{
	size_t len = (size_t)snprintf(out, cap, ",\"%s\":\"", key), used;

	len += escape_json_part(out + len, cap - len - 2, text, strlen(text), &used);
	strcpy(out + len, "\"");
	return len + 1;
}

/* What limits withheld and no line of the site has told: at the end all of it. */
static void tell_suppressed(struct own *own, bool all)
{
	char fields[ENCODE_OWN_FIELDS];
	struct limit *at = NULL;
	struct limit_news news;
	size_t len;

	while (encode_own_room(own->enc) && limits_next(&at, all, &news)) {
		len = (size_t)snprintf(fields, sizeof fields, ",\"suppressed\":%llu",
		                       (unsigned long long)news.suppressed);
		if (news.values)
			len += (size_t)snprintf(fields + len, sizeof fields - len, ",\"values\":%llu",
			                        (unsigned long long)news.values);
		len += own_field(fields + len, 24, "of_level", site_level_name(news.site->level));
		len += own_field(fields + len, 140, "of_target", news.site->target);
		own_field(fields + len, sizeof fields - len, "of_message", news.site->text);
		own_say(own, "WARN", "Calls suppressed", "ilulog", fields);
	}
}

/* Who changed the filter. */
static void tell_changes(struct own *own)
{
	char fields[AUDIT_FIELDS];
	const char *message;

	while (audit_wanted() && encode_own_room(own->enc) && audit_take(&message, fields))
		own_say(own, "INFO", message, "ilulog", fields);
}

void own_tell(struct own *own, const char *level, const char *message, const char *key, const char *text)
{
	char fields[ENCODE_OWN_FIELDS];

	own_field(fields, sizeof fields, key, text);
	own_say(own, level, message, "ilulog", fields);
}

/* A new file begins with this: whose lines follow, and from which number on. */
static void tell_opened(struct own *own, struct port *port, const struct sink_news *news)
{
	bool own_port = port < own->outlet->port + own->outlet->own;
	uint64_t next = (own_port ? own->enc->seq : port->seq) + 1;
	char fields[ENCODE_OWN_FIELDS];
	size_t len = (size_t)snprintf(fields, sizeof fields, "%s,\"next_seq\":%llu,\"reason\":\"%s\"", own->who,
	                              (unsigned long long)next, news->reason);

	own_field(fields + len, sizeof fields - len, "path", news->path);
	outlet_tell(own->outlet, own->enc, port, news->loss ? "WARN" : "INFO", "Log file opened", fields);
}

static void tell_refused(struct own *own, const struct sink_news *news)
{
	char fields[ENCODE_OWN_FIELDS], error[64];
	size_t len =
	    (size_t)snprintf(fields, sizeof fields, ",\"reason\":\"%s\",\"errno\":%d", news->reason, news->error);

	len += own_field(fields + len, 80, "error", strerror_r(news->error, error, sizeof error));
	own_field(fields + len, sizeof fields - len, "path", news->path);
	own_say(own, "WARN", "Log file not opened anew", "ilulog", fields);
}

static void tell_plain(struct own *own, const struct sink_news *news)
{
	char fields[ENCODE_OWN_FIELDS], error[64];
	size_t len = (size_t)snprintf(fields, sizeof fields, ",\"reason\":\"%s\"", news->reason);

	if (news->error) {
		len += (size_t)snprintf(fields + len, sizeof fields - len, ",\"errno\":%d", news->error);
		len += own_field(fields + len, 80, "error", strerror_r(news->error, error, sizeof error));
	}
	own_field(fields + len, sizeof fields - len, "path", news->path);
	own_say(own, "WARN", "Log file not packed", "ilulog", fields);
}

bool own_files(struct own *own)
{
	struct sink_news news;
	struct port *port = NULL;
	bool refused = false;

	while (outlet_look(own->outlet, &port, &news)) {
		if (news.plain) {
			if (encode_own_room(own->enc))
				tell_plain(own, &news);
			continue;
		}
		refused |= news.error != 0;
		if (news.error)
			fprintf(stderr, "ilulog: %s: %s, and cannot be opened anew: %s\n", news.path, news.reason,
			        strerror(news.error));
		if (!encode_own_room(own->enc))
			continue;
		if (news.error)
			tell_refused(own, &news);
		else
			tell_opened(own, port, &news);
	}
	return !refused;
}

/* A signal kills the process: its thread waits for this. The recorder has perhaps what led to it. */
static void tell_crash(struct own *own)
{
	static const struct {
		int number;
		const char *name;
	} known[] = {
	    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};
	struct {
		struct ilu_record_ record;
		ilu_tid tid;
	} event = {{.size = sizeof event, .word = ILU_OP_EVENT_}, logger.crash.tid};
	const struct logger_crash *c = &logger.crash;
	char fields[200], text[ILU_TID_MAX], tid[6 * ILU_TID_MAX];
	const char *name = "?";

	if (!own->crashed || !encode_own_room(own->enc))
		return;
	if (c->tid.length_)
		event.record.word |= ILU_NAMED_;
	if (own->enc->recorder.on && own->enc->ask)
		own->enc->ask(own->enc->who, &event.record);
	if (!encode_own_room(own->enc))
		return;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].number == c->signal)
			name = known[i].name;
	ilu_tid_str(&c->tid, text);
	tid[escape_json(tid, text, strlen(text))] = '\0';
	snprintf(fields, sizeof fields, ",\"signal\":\"%s\",\"code\":%d,\"address\":\"0x%llx\",\"thread_id\":%u", name,
	         c->code, (unsigned long long)c->address, c->thread_id);
	own_say(own, "ERROR", "Process killed by a signal", tid, fields);
	__atomic_store_n(&logger.crash.state, LOGGER_CRASH_TOLD, __ATOMIC_RELAXED);
	own->crashed = false;
}

bool own_clock_set(struct own *own, uint64_t *stamp)
{
	const struct stamp_scale *scale = &own->enc->scale;
	int64_t by_ns = scale->stepped_ns - own->stepped_told_ns;

	if (scale->steps == own->steps_told)
		return false;
	*stamp = scale->breaks[0].stamp;
	if (by_ns <= -CLOCK_SAID_NS || by_ns >= CLOCK_SAID_NS)
		return true;
	own->steps_told = scale->steps;
	own->stepped_told_ns = scale->stepped_ns;
	return false;
}

/* Who looks at time stamps wants to know that they go back, or leap. */
void own_tell_clock_set(struct own *own)
{
	const struct stamp_scale *scale = &own->enc->scale;
	int64_t by_ns = scale->stepped_ns - own->stepped_told_ns;
	char fields[64];

	if (!encode_own_room(own->enc))
		return;
	own->steps_told = scale->steps;
	own->stepped_told_ns = scale->stepped_ns;
	snprintf(fields, sizeof fields, ",\"by_ns\":%lld", (long long)by_ns);
	own_say(own, "WARN", by_ns < 0 ? "Clock set back" : "Clock set forward", "ilulog", fields);
}

void own_news(struct own *own, uint64_t ns, bool now, bool last)
{
	tell_crash(own);
	tell_changes(own);
	tell_ring_losses(own);
	tell_troubles(own, ns, now);
	if (limits_wait_ns() >= 0 || last)
		tell_suppressed(own, last);
	tell_unmade(own);
}
