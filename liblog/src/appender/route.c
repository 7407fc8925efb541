/* SPDX-License-Identifier: Apache-2.0 */
/* route.c - which line goes to which sink; see route.h.
 *
 * What a filter says of a site is asked once. Where it depends on spans, what a span enables inside is found once per
 * span, from its text, and again after fields were recorded; the stack of an event is then a walk over its parents.
 *
 * A route copies the line out of the encoder's text and puts its own number in the place of the encoder's, which is
 * what every line ends with. */
#include "appender/route.h"

#include "base/dtoa.h"
#include "call/site.h"
#include "box/slab.h"
#include "encode/spanvalue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_END 32 /* room for a number and the end of a line */

/* ---- opening ---- */

static int open_sink(const struct config *config, const struct config_sink *wanted, enum sink_file_start how,
                     struct sink **out, char *what, size_t cap)
{
	char *path = NULL;
	int rc;

	if (wanted->kind == CONFIG_SINK_STDOUT) {
		snprintf(what, cap, "standard output");
		return sink_console_open(STDOUT_FILENO, SINK_COLOUR_AUTO, out);
	}
	if (wanted->kind == CONFIG_SINK_FD) {
		snprintf(what, cap, "fd %d", wanted->fd);
		return fcntl(wanted->fd, F_GETFD) < 0 ? -errno : sink_fd_open(wanted->fd, false, out);
	}
	if (wanted->kind == CONFIG_SINK_JOURNALD) {
		snprintf(what, cap, "journald");
		return sink_journald_open(wanted->file ? wanted->file : SINK_JOURNALD_SOCKET, out);
	}
	rc = config_sink_path(config, wanted, &path);
	if (rc)
		return rc;
	snprintf(what, cap, "%s", path);
	rc = sink_file_open(path, how, out);
	free(path);
	return rc;
}

static int open_route(struct route *route, const struct config *config, const struct config_sink *wanted,
                      enum sink_file_start how, char *what, size_t cap)
{
	int rc = open_sink(config, wanted, how, &route->sink, what, cap);

	route->seq = 1;
	route->with_sites = wanted->kind == CONFIG_SINK_JOURNALD;
	if (rc || !wanted->filter)
		return rc;
	rc = directive_parse(wanted->filter, strlen(wanted->filter), &route->filter, NULL);
	if (rc || !directive_has_dynamic(route->filter))
		return rc;
	route->span = calloc(slab_size(), sizeof *route->span);
	return route->span ? 0 : -ENOMEM;
}

int routes_open(struct routes *routes, const struct config *config, enum sink_file_start how, char *what, size_t cap)
{
	size_t prefix;
	int rc = 0;

	routes->count = 0;
	routes->route = config->sinks.count ? calloc(config->sinks.count, sizeof *routes->route) : NULL;
	snprintf(what, cap, "sinks");
	if (config->sinks.count && !routes->route)
		return -ENOMEM;
	for (size_t i = 0; i < config->sinks.count && !rc; i++) {
		prefix = (size_t)snprintf(what, cap, "sinks[%zu]: ", i);
		rc = open_route(&routes->route[routes->count++], config, &config->sinks.sink[i], how, what + prefix,
		                cap - prefix);
	}
	if (rc)
		routes_close(routes);
	return rc;
}

void routes_close(struct routes *routes)
{
	for (unsigned i = 0; i < routes->count; i++) {
		struct route *route = &routes->route[i];

		sink_close(route->sink);
		directive_free(route->filter);
		buf_done(&route->out);
		buf_done(&route->sites);
		free(route->verdict);
		free(route->span);
	}
	free(routes->route);
	*routes = (struct routes){NULL, 0};
}

/* ---- deciding ---- */

/* What the filter says of lines of a site. A span's are taken as events, so that watching for one span does not bring
 * the lines of all that have its name. */
static enum directive_verdict ask(const struct route *route, const struct site *site)
{
	const char *keys[SITE_KEYS];
	struct directive_site seen;

	site_describe_with_tid(site, keys, &seen);
	seen.is_span = false;
	return directive_site(route->filter, &seen);
}

static enum directive_verdict verdict(struct route *route, const struct site *site)
{
	if (site->number >= route->verdicts) {
		uint32_t count = (site->number | 255) + 1;
		uint8_t *grown = realloc(route->verdict, count);

		if (!grown)
			return ask(route, site);
		memset(grown + route->verdicts, 0, count - route->verdicts);
		route->verdict = grown;
		route->verdicts = count;
	}
	if (!route->verdict[site->number])
		route->verdict[site->number] = (uint8_t)(1 + ask(route, site));
	return (enum directive_verdict)(route->verdict[site->number] - 1);
}

/* The level enabled inside the span, whatever is around it. */
static unsigned span_level(const struct route *route, const struct span_text *span)
{
	struct span_values values;
	struct site *site = site_get(span->site);
	struct directive_site seen;
	unsigned level = 0;

	if (!site)
		return 0;
	values.text = (struct buf){NULL, 0, 0};
	if (span_values_read(&values, span)) {
		site_describe(site, &seen);
		seen.keys = values.key;
		seen.key_count = values.count;
		level = directive_span_level(route->filter, &seen, values.value, values.count);
	}
	buf_done(&values.text);
	return level;
}

static bool inside(struct route *route, struct encoder *enc, uint64_t handle, unsigned level)
{
	struct span_text *span;

	for (int n = 0; n < ENCODE_DEPTH && (span = span_texts_get(&enc->spans, handle)); n++) {
		struct route_span *known = &route->span[SLAB_INDEX(handle)];

		if (known->handle != handle)
			*known = (struct route_span){handle, (uint8_t)span_level(route, span)};
		if (known->level >= level)
			return true;
		handle = span->parent;
	}
	return false;
}

static bool wants(struct route *route, struct encoder *enc, const struct site *site, uint64_t handle)
{
	enum directive_verdict says;

	if (!route->filter)
		return true;
	says = verdict(route, site);
	return says == DIRECTIVE_ON || (says == DIRECTIVE_MAYBE && inside(route, enc, handle, site->level));
}

/* ---- lines ---- */

/* Copy the encoder's line with the route's number. false: no memory. */
static bool copy(struct route *route, const struct encoder *enc, size_t begin, size_t len, uint32_t site)
{
	const char *line = enc->out.text + begin, *number = memrchr(line, ':', len);
	char *at;

	if (!buf_room(&route->out, len + LINE_END) || (route->with_sites && !buf_room(&route->sites, sizeof site)))
		return false;
	at = put(route->out.text + route->out.len, line, (size_t)(number - line) + 1);
	at += itoa_u64(route->seq++, at);
	at = PUT(at, "}\n");
	route->out.len = (size_t)(at - route->out.text);
	route->lines++;
	if (route->with_sites) {
		memcpy(route->sites.text + route->sites.len, &site, sizeof site);
		route->sites.len += sizeof site;
	}
	return true;
}

/* A line about lost ones, which has the number of the last of them. The encoder's text is lent for it. */
static bool tell(struct route *route, struct encoder *enc, const char *fields, uint64_t number)
{
	size_t begin = enc->out.len, len;
	uint64_t next = route->seq;
	bool done;

	if (!encode_own_room(enc))
		return false;
	encode_own(enc, "WARN", "Records lost", "ilulog", fields, number);
	len = enc->out.len - begin;
	enc->out.len = begin;
	enc->lines--;
	enc->written--;
	route->seq = number;
	done = copy(route, enc, begin, len, 0);
	route->seq = next;
	return done;
}

static void tell_gap(struct route *route, struct encoder *enc)
{
	char fields[GAP_FIELDS];

	if (!route->gap.lost || route->out.len)
		return;
	gap_fields(&route->gap, fields);
	route->gap.in_batch = tell(route, enc, fields, route->gap.to);
}

static void tell_unmade(struct route *route, struct encoder *enc)
{
	uint64_t last = route->seq + route->unmade - 1;
	char fields[GAP_FIELDS];

	if (!route->unmade)
		return;
	snprintf(fields, sizeof fields, ",\"lost\":%llu,\"reason\":\"no memory\",\"from_seq\":%llu,\"to_seq\":%llu",
	         (unsigned long long)route->unmade, (unsigned long long)route->seq, (unsigned long long)last);
	if (!tell(route, enc, fields, last))
		return;
	route->seq = last + 1;
	route->lost += route->unmade;
	route->unmade = 0;
}

static void append(struct route *route, struct encoder *enc, size_t begin, size_t len, uint32_t site)
{
	tell_gap(route, enc);
	tell_unmade(route, enc);
	if (route->unmade || !copy(route, enc, begin, len, site))
		route->unmade++;
}

void routes_take(struct routes *routes, struct encoder *enc, const struct ilu_record_ *record, size_t begin)
{
	struct site *site = site_get(record->word >> 8);
	size_t len = enc->out.len - begin;

	for (unsigned i = 0; i < routes->count; i++) {
		struct route *route = &routes->route[i];

		if ((record->word & ILU_OP_MASK_) == ILU_OP_RECORD_ && route->span)
			route->span[SLAB_INDEX(record->span)].handle = 0;
		if (len && site && wants(route, enc, site, record->span))
			append(route, enc, begin, len, site->number);
	}
}

void routes_take_own(struct routes *routes, struct encoder *enc, size_t begin)
{
	size_t len = enc->out.len - begin;

	for (unsigned i = 0; i < routes->count; i++)
		append(&routes->route[i], enc, begin, len, 0);
}

/* ---- writing ---- */

static int write_route(struct route *route, struct encoder *enc, uint64_t *lost)
{
	size_t written = 0;
	int rc;

	tell_gap(route, enc);
	tell_unmade(route, enc);
	*lost += route->lost;
	route->lost = 0;
	if (!route->out.len)
		return 0;
	route->sink->sites = route->with_sites ? (const uint32_t *)(void *)route->sites.text : NULL;
	rc = sink_write(route->sink, route->out.text, route->out.len, route->lines, &written);
	*lost += gap_count(&route->gap, route->lines, written, route->seq, rc);
	route->out.len = route->sites.len = 0;
	route->lines = 0;
	return rc;
}

int routes_write(struct routes *routes, struct encoder *enc, uint64_t *lost)
{
	int first = 0;

	for (unsigned i = 0; i < routes->count; i++) {
		int rc = write_route(&routes->route[i], enc, lost);

		first = first ? first : rc;
	}
	return first;
}

int routes_sync(struct routes *routes)
{
	int first = 0;

	for (unsigned i = 0; i < routes->count; i++) {
		int rc = sink_sync(routes->route[i].sink);

		first = first ? first : rc;
	}
	return first;
}

bool routes_owe(const struct routes *routes)
{
	for (unsigned i = 0; i < routes->count; i++)
		if (routes->route[i].gap.lost)
			return true;
	return false;
}

void routes_request_reopen(struct routes *routes)
{
	for (unsigned i = 0; i < routes->count; i++)
		sink_request_reopen(routes->route[i].sink);
}
