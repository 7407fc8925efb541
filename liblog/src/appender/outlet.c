/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.c - which line goes to which sink; see outlet.h.
 *
 * What a filter says of a site is asked once. Where it depends on spans, what a span enables inside is found once per
 * span, from its text, and again after fields were recorded; the stack of an event is then a walk over its parents.
 *
 * The log's own sinks get the encoder's text as it is. Another port copies the line out of it and puts its own number
 * in the place of the encoder's, which is what every line ends with. */
#include "appender/outlet.h"

#include "base/dtoa.h"
#include "base/now.h"
#include "box/slab.h"
#include "call/site.h"
#include "encode/spanvalue.h"

#include <errno.h>
#include <stdio.h>

#define LINE_END    32 /* room for a number and the end of a line */
#define COMPLAIN_NS 60000000000

/* ---- opening ---- */

static bool place_of(uint32_t number, struct sink_place *out)
{
	const struct site *site = site_get(number);

	if (site)
		*out = (struct sink_place){site->file, site->function, site->line};
	return site != NULL;
}

/* With its sink open: what a port starts from. */
static int prepare_port(struct port *port, const struct config_sink *wanted)
{
	int rc;

	port->seq = 1;
	port->with_sites = wanted->to.kind->wants_sites;
	port->sink->place = place_of;
	if (!wanted->filter)
		return 0;
	rc = directive_parse(wanted->filter, strlen(wanted->filter), &port->filter, NULL);
	if (rc || !directive_has_dynamic(port->filter))
		return rc;
	port->span = calloc(slab_size(), sizeof *port->span);
	return port->span ? 0 : -ENOMEM;
}

static int open_port(struct port *port, const struct config_sink *wanted, enum sink_file_start how, char *what,
                     size_t cap)
{
	int rc = wanted->to.kind->open(&wanted->to, how, &port->sink, what, cap);

	return rc ? rc : prepare_port(port, wanted);
}

int outlet_open(struct outlet *outlet, const struct config_sinks *sinks, enum sink_file_start how, char *what,
                size_t cap)
{
	int rc = 0;

	*outlet = (struct outlet){.port = calloc(sinks->count + 1, sizeof *outlet->port), .own = (unsigned)sinks->own};
	snprintf(what, cap, "sinks");
	if (!outlet->port)
		return -ENOMEM;
	for (size_t i = 0; i < sinks->count && !rc; i++) {
		size_t prefix = i < sinks->own ? 0 : (size_t)snprintf(what, cap, "sinks[%zu]: ", i - sinks->own);

		rc = open_port(&outlet->port[outlet->count++], &sinks->sink[i], how, what + prefix, cap - prefix);
		outlet->port[i].name = strdup(what);
	}
	if (rc)
		outlet_close(outlet);
	return rc;
}

int outlet_inherit(struct outlet *outlet, struct outlet *parent, const struct config_sinks *sinks)
{
	int rc = 0;

	*outlet = (struct outlet){.port = calloc(parent->count + 1, sizeof *outlet->port), .own = parent->own};
	if (!outlet->port)
		return -ENOMEM;
	for (; outlet->count < parent->count; outlet->count++) {
		struct port *port = &outlet->port[outlet->count], *from = &parent->port[outlet->count];
		int error;

		port->sink = from->sink;
		port->name = from->name;
		from->sink = NULL;
		from->name = NULL;
		sink_forked(port->sink);
		error = prepare_port(port, &sinks->sink[outlet->count]);
		rc = rc ? rc : error;
	}
	if (rc)
		outlet_close(outlet);
	return rc;
}

void outlet_share(struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++)
		sink_share(outlet->port[i].sink);
}

void outlet_close(struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++) {
		struct port *port = &outlet->port[i];

		sink_close(port->sink);
		directive_free(port->filter);
		buf_done(&port->out);
		buf_done(&port->sites);
		free(port->name);
		free(port->verdict);
		free(port->span);
	}
	free(outlet->port);
	*outlet = (struct outlet){.port = NULL};
}

/* ---- deciding ---- */

/* What the filter says of lines of a site. A span's are taken as events, so that watching for one span does not bring
 * the lines of all that have its name. */
static enum directive_verdict ask(const struct port *port, const struct site *site)
{
	const char *keys[SITE_KEYS];
	struct directive_site seen;

	site_describe_with_tid(site, keys, &seen);
	seen.is_span = false;
	return directive_site(port->filter, &seen);
}

static enum directive_verdict verdict(struct port *port, const struct site *site)
{
	if (site->number >= port->verdicts) {
		uint32_t count = (site->number | 255) + 1;
		uint8_t *grown = realloc(port->verdict, count);

		if (!grown)
			return ask(port, site);
		memset(grown + port->verdicts, 0, count - port->verdicts);
		port->verdict = grown;
		port->verdicts = count;
	}
	if (!port->verdict[site->number])
		port->verdict[site->number] = (uint8_t)(1 + ask(port, site));
	return (enum directive_verdict)(port->verdict[site->number] - 1);
}

/* The level enabled inside the span, whatever is around it. */
static unsigned span_level(const struct port *port, const struct span_text *span)
{
	struct span_values values;
	struct site *site = site_get(span->site);
	struct directive_site seen;
	unsigned level = 0;

	if (!site)
		return 0;
	values.text = (struct buf){.text = NULL};
	if (span_values_read(&values, span)) {
		site_describe(site, &seen);
		seen.keys = values.key;
		seen.key_count = values.count;
		level = directive_span_level(port->filter, &seen, values.value, values.count);
	}
	buf_done(&values.text);
	return level;
}

static bool inside(struct port *port, struct encoder *enc, uint64_t handle, unsigned level)
{
	struct span_text *span;

	for (int n = 0; n < ENCODE_DEPTH && (span = encode_span_of(enc, handle)); n++) {
		struct port_span *known = &port->span[SLAB_INDEX(handle)];

		if (known->handle != handle)
			*known = (struct port_span){handle, (uint8_t)span_level(port, span)};
		if (known->level >= level)
			return true;
		handle = span->parent;
	}
	return false;
}

static bool wants(struct port *port, struct encoder *enc, const struct site *site, uint64_t handle)
{
	enum directive_verdict says;

	if (!port->filter)
		return true;
	says = verdict(port, site);
	return says == DIRECTIVE_ON || (says == DIRECTIVE_MAYBE && inside(port, enc, handle, site->level));
}

/* ---- lines ---- */

/* Copy the encoder's line with the port's number, and the mark behind it. false: no memory. */
static bool copy(struct port *port, const struct encoder *enc, size_t begin, size_t len, uint32_t site,
                 const char *mark)
{
	const char *line = enc->out.text + begin;
	size_t mark_len = strlen(mark);
	const char *number = memrchr(line, ':', len - mark_len);
	char *at;

	if (!buf_room(&port->out, len + mark_len + LINE_END) ||
	    (port->with_sites && !buf_room(&port->sites, sizeof site)))
		return false;
	at = put(port->out.text + port->out.len, line, (size_t)(number - line) + 1);
	at += itoa_u64(port->seq++, at);
	at = put(at, mark, mark_len);
	at = PUT(at, "}\n");
	port->out.len = (size_t)(at - port->out.text);
	port->lines++;
	if (port->with_sites) {
		memcpy(port->sites.text + port->sites.len, &site, sizeof site);
		port->sites.len += sizeof site;
	}
	return true;
}

/* A line of the library's for one port, in room that the encoder lends: after its text. Returns its length, 0 without
 * memory. */
static size_t lent_line(struct encoder *enc, const char *level, const char *message, const char *fields,
                        uint64_t number)
{
	size_t begin = enc->out.len, len;

	if (!encode_own_room(enc))
		return 0;
	encode_own(enc, level, message, "ilulog", fields, number);
	len = enc->out.len - begin;
	enc->out.len = begin;
	enc->lines--;
	enc->written--;
	return len;
}

/* About lost ones, with the number of the last of them. */
static size_t lost_line(struct encoder *enc, const char *fields, uint64_t number)
{
	return lent_line(enc, "WARN", "Records lost", fields, number);
}

static void tell_unmade(struct port *port, struct encoder *enc)
{
	uint64_t next = port->seq, last = next + port->unmade - 1;
	char fields[GAP_FIELDS];
	size_t len;

	if (!port->unmade)
		return;
	snprintf(fields, sizeof fields, ",\"lost\":%llu,\"reason\":\"no memory\",\"from_seq\":%llu,\"to_seq\":%llu",
	         (unsigned long long)port->unmade, (unsigned long long)next, (unsigned long long)last);
	len = lost_line(enc, fields, last);
	port->seq = last;
	if (!len || !copy(port, enc, enc->out.len, len, 0, "")) {
		port->seq = next;
		return;
	}
	port->lost += port->unmade;
	port->unmade = 0;
}

static void append(struct port *port, struct encoder *enc, size_t begin, size_t len, uint32_t site, const char *mark)
{
	tell_unmade(port, enc);
	if (port->unmade || !copy(port, enc, begin, len, site, mark))
		port->unmade++;
}

void outlet_take(struct outlet *outlet, struct encoder *enc, const struct ilu_record_ *record, size_t begin)
{
	const char *mark = record->word & ILU_RECORDED_ ? ENCODE_RECORDED : "";
	struct site *site = site_get(record->word >> 8);
	size_t len = enc->out.len - begin;

	for (unsigned i = outlet->own; i < outlet->count; i++) {
		struct port *port = &outlet->port[i];

		if ((record->word & ILU_OP_MASK_) == ILU_OP_RECORD_ && port->span)
			port->span[SLAB_INDEX(record->span)].handle = 0;
		if (len && site && wants(port, enc, site, record->span))
			append(port, enc, begin, len, site->number, mark);
	}
}

void outlet_take_own(struct outlet *outlet, struct encoder *enc, size_t begin)
{
	size_t len = enc->out.len - begin;

	for (unsigned i = outlet->own; i < outlet->count; i++)
		append(&outlet->port[i], enc, begin, len, 0, "");
}

void outlet_tell(struct outlet *outlet, struct encoder *enc, struct port *port, const char *level, const char *message,
                 const char *fields)
{
	size_t len;

	if (port < outlet->port + outlet->own) {
		encode_own(enc, level, message, "ilulog", fields, enc->seq++);
		return;
	}
	tell_unmade(port, enc);
	len = port->unmade ? 0 : lent_line(enc, level, message, fields, port->seq);
	if (!len || !copy(port, enc, enc->out.len, len, 0, ""))
		port->unmade++;
}

/* ---- writing ---- */

/* First of all, what was lost before. 0, or the error: nothing can be written. */
static int write_gap(struct port *port, struct encoder *enc)
{
	char fields[GAP_FIELDS];
	size_t len, written = 0;
	int rc;

	if (!port->gap.lost)
		return 0;
	gap_fields(&port->gap, fields);
	len = lost_line(enc, fields, port->gap.to);
	if (!len)
		return -ENOMEM;
	port->sink->sites = NULL;
	rc = sink_write(port->sink, enc->out.text + enc->out.len, len, 1, &written);
	if (!written)
		return rc ? rc : -EIO;
	port->gap = (struct gap){0};
	enc->written++;
	return rc;
}

/* The batch of a port. */
struct batch {
	const char *text; /* NULL: the encoder's */
	size_t len, lines;
	const uint32_t *sites;
	uint64_t next; /* number of the line after it */
};

static int write_batch(struct port *port, struct encoder *enc, const struct batch *batch)
{
	size_t written = 0;
	int rc = write_gap(port, enc);

	if (!rc && batch->len) {
		port->sink->sites = batch->sites;
		rc = sink_write(port->sink, batch->text ? batch->text : enc->out.text, batch->len, batch->lines,
		                &written);
	}
	gap_add(&port->gap, batch->lines - written, batch->next, rc);
	port->lost += batch->lines - written;
	return rc;
}

/* One of the log's own. */
static int write_own(struct port *port, struct encoder *enc)
{
	return write_batch(port, enc, &(struct batch){NULL, enc->out.len, enc->lines, NULL, enc->seq});
}

static int write_copied(struct port *port, struct encoder *enc)
{
	int rc;

	tell_unmade(port, enc);
	rc = write_batch(port, enc,
	                 &(struct batch){port->out.text, port->out.len, port->lines,
	                                 port->with_sites ? (const uint32_t *)(void *)port->sites.text : NULL,
	                                 port->seq});
	port->out.len = port->sites.len = 0;
	port->lines = 0;
	return rc;
}

void outlet_complain(const struct sink *sink, const char *name, int rc, uint64_t *last_ns)
{
	uint64_t now = rc ? now_machine_ns() : 0;

	if (!rc || (*last_ns && now - *last_ns < COMPLAIN_NS))
		return;
	*last_ns = now;
	fprintf(stderr, "ilulog: %s: %s; %llu lines lost so far\n", name ? name : "a sink", strerror(-rc),
	        (unsigned long long)sink->stats.lost_lines);
}

int outlet_write(struct outlet *outlet, struct encoder *enc, uint64_t *lost)
{
	int first = 0;

	if (!outlet->writing)
		outlet->at = 0;
	outlet->writing = true;
	for (; outlet->at < outlet->count; outlet->at++) {
		struct port *port = &outlet->port[outlet->at];
		int rc = outlet->at < outlet->own ? write_own(port, enc) : write_copied(port, enc);

		*lost += port->lost;
		port->lost = 0;
		first = first ? first : rc;
		outlet_complain(port->sink, port->name, rc, &port->complained_ns);
	}
	outlet->writing = false;
	enc->out.len = 0;
	enc->lines = 0;
	return first;
}

/* The batch of all the log's own sinks, in memory of its own; the old one is left to a sink. */
static int move_text(struct encoder *enc, struct sink *sink)
{
	struct buf fresh = {.text = NULL};

	if (!buf_room(&fresh, enc->out.len + 1))
		return -ENOMEM;
	memcpy(fresh.text, enc->out.text, enc->out.len);
	fresh.len = enc->out.len;
	sink->left[0] = enc->out.text;
	enc->out = fresh;
	enc->boxed = false; /* the old text may be there */
	return 0;
}

uint64_t outlet_got_on(const struct outlet *outlet)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < outlet->count; i++) {
		const struct sink *sink = outlet->port[i].sink;

		n += __atomic_load_n(&sink->took, __ATOMIC_RELAXED) + __atomic_load_n(&sink->failed, __ATOMIC_RELAXED);
	}
	return n;
}

/* What the other sinks take between two batches that one refuses after a while does not count. */
bool outlet_moves(struct outlet *outlet)
{
	bool hangs = false;

	for (unsigned i = 0; i < outlet->count; i++) {
		struct port *port = &outlet->port[i];
		uint64_t took = __atomic_load_n(&port->sink->took, __ATOMIC_RELAXED);

		if (__atomic_load_n(&port->sink->hold, __ATOMIC_ACQUIRE) == SINK_HELD)
			hangs |= took == port->took_seen;
		port->took_seen = took;
	}
	return !hangs;
}

int outlet_give_up(struct outlet *outlet, struct encoder *enc)
{
	for (unsigned i = 0; i < outlet->count; i++) {
		struct port *port = &outlet->port[i];
		int rc;

		if (!sink_give_up(port->sink))
			continue;
		rc = move_text(enc, port->sink);
		if (rc)
			return rc;
		port->sink->left[1] = port->out.text;
		port->sink->left[2] = port->sites.text;
		port->out = port->sites = (struct buf){.text = NULL};
		return 0;
	}
	return -EAGAIN;
}

int outlet_sync(struct outlet *outlet)
{
	int first = 0;

	outlet->writing = true;
	for (outlet->at = 0; outlet->at < outlet->count; outlet->at++) {
		int rc = sink_sync(outlet->port[outlet->at].sink);

		first = first ? first : rc;
	}
	outlet->writing = false;
	return first;
}

int outlet_file(const struct outlet *outlet)
{
	return outlet->own ? sink_file_descriptor(outlet->port[0].sink) : -1;
}

bool outlet_owes(const struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++)
		if (outlet->port[i].gap.lost)
			return true;
	return false;
}

void outlet_request_reopen(struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++)
		sink_request_reopen(outlet->port[i].sink);
}

bool outlet_reopen_requested(const struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++)
		if (sink_reopen_requested(outlet->port[i].sink))
			return true;
	return false;
}

bool outlet_look(struct outlet *outlet, struct port **port, struct sink_news *news)
{
	struct port *end = outlet->port + outlet->count;

	for (*port = *port ? *port + 1 : outlet->port; *port < end; ++*port)
		if (sink_look((*port)->sink, news))
			return true;
	return false;
}

uint64_t outlet_lines(const struct outlet *outlet)
{
	return outlet->count ? outlet->port[0].sink->stats.lines : 0;
}

uint64_t outlet_refused(const struct outlet *outlet)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < outlet->count; i++)
		n += outlet->port[i].sink->stats.refused;
	return n;
}

bool outlet_rotates(const struct outlet *outlet)
{
	for (unsigned i = 0; i < outlet->count; i++)
		if (sink_rotates(outlet->port[i].sink))
			return true;
	return false;
}
