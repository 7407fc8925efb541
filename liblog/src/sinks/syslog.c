/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.c - lines to syslog: each a datagram of RFC 5424, whose message is the line itself after the cookie "@cee:".
 *
 *   <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID - - @cee:{"timestamp":...}
 *
 * The facility is "user". The line's own time stamp is cut to the six digits that the format has; local time without
 * its offset is none that it knows, so then it is "-". Of a line that is too long for a datagram the long texts are
 * cut, each with a mark that says so (shorten.h). Lines for somebody who is not there are lost and counted like those
 * on a full disk (datagram.h). */
#include "base/lineread.h"
#include "sinks/datagram.h"
#include "sinks/kind.h"
#include "sinks/shorten.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSLOG_SOCKET "/dev/log"
#define FACILITY_USER 8
#define APP_MAX       48
#define STAMP         26          /* of the line's time stamp: up to its sixth digit */
#define LONGEST       (64 * 1024) /* texts in a line that is too long, at the first try and at the last */
#define SHORTEST      64

struct sink_syslog {
	struct sink base;
	struct datagram to;
	char host[256], app[APP_MAX + 1];
	struct buf shorter; /* a line that was too long */
};

static int severity_of(struct slice level)
{
	static const struct {
		const char *name;
		int severity;
	} known[] = {{"\"ERROR\"", 3}, {"\"WARN\"", 4}, {"\"INFO\"", 6}};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (line_is(level, known[i].name))
			return known[i].severity;
	return 7;
}

/* Printable, as the header's words are; "-" where nothing is left. */
static void put_word(char *out, const char *text, size_t max)
{
	size_t n = 0;

	for (; *text && n < max; text++)
		if (*text > ' ' && *text < 127)
			out[n++] = *text;
	if (!n)
		out[n++] = '-';
	out[n] = '\0';
}

static bool too_long(int rc)
{
	return rc == -EMSGSIZE || rc == -ENOBUFS;
}

/* The header, and the line as much of it as goes. */
static int send_parts(struct sink_syslog *s, struct iovec parts[2], struct slice text)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	int rc = datagram_send(&s->to, &message);

	for (size_t max = LONGEST; too_long(rc) && max >= SHORTEST; max /= 4) {
		if (!shorten(&s->shorter, text, max))
			return -ENOMEM;
		parts[1] = (struct iovec){s->shorter.text, s->shorter.len};
		rc = datagram_send(&s->to, &message);
	}
	if (too_long(rc) && shorten_all(&s->shorter, text, SHORTEST)) {
		parts[1] = (struct iovec){s->shorter.text, s->shorter.len};
		rc = datagram_send(&s->to, &message);
	}
	return rc;
}

static int send_line(struct sink *sink, struct slice text, size_t i)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;
	struct line line;
	char header[512], stamp[STAMP + 2] = "-";
	struct iovec parts[2] = {{header, 0}, {(char *)(uintptr_t)text.at, text.len}};
	int severity = 7;

	(void)i;
	if (line_read(text, &line)) {
		struct slice time = line_text(line.timestamp);

		severity = severity_of(line.level);
		if (time.len > STAMP && time.at[10] == 'T')
			snprintf(stamp, sizeof stamp, "%.*sZ", STAMP, time.at);
	}
	parts[0].iov_len =
	    (size_t)snprintf(header, sizeof header, "<%d>1 %s %s %s %d - - @cee:", FACILITY_USER + severity, stamp,
	                     s->host, s->app, (int)getpid());
	return send_parts(s, parts, text);
}

static int syslog_write(struct sink *sink, const char *bytes, size_t len, size_t lines, size_t *written)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;

	return datagram_lines(&s->to, sink, (struct slice){bytes, len}, lines, written, send_line);
}

static void syslog_close(struct sink *sink)
{
	struct sink_syslog *s = (struct sink_syslog *)sink;

	datagram_done(&s->to);
	buf_done(&s->shorter);
	free(s);
}

static const struct sink_ops syslog_ops = {.write = syslog_write, .close = syslog_close};

/* ---- in the configuration ---- */

static int parse(const struct setting_source *source, const char *key, const json_t *value, struct sink_settings *out)
{
	return datagram_parse(source, key, value, &out->text);
}

static int open_syslog(const struct sink_settings *settings, enum sink_file_start start, struct sink **out, char *what,
                       size_t cap)
{
	struct sink_syslog *s = calloc(1, sizeof *s);
	char host[sizeof s->host] = "";
	int rc = s ? datagram_init(&s->to, settings->text ? settings->text : SYSLOG_SOCKET) : -ENOMEM;

	(void)start;
	snprintf(what, cap, "syslog");
	if (rc) {
		free(s);
		return rc;
	}
	gethostname(host, sizeof host - 1);
	put_word(s->host, host, sizeof s->host - 1);
	put_word(s->app, program_invocation_short_name, APP_MAX);
	s->base.ops = &syslog_ops;
	*out = &s->base;
	return 0;
}

const struct sink_kind sink_kind_syslog = {.name = "syslog", .parse = parse, .open = open_syslog};
