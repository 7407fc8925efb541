/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random_lines.h - log lines of every sort, good and bad, from a seed. */
#ifndef RANDOM_LINES_H
#define RANDOM_LINES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct random_lines {
	uint64_t seed;
	int64_t ns;       /* of the day */
	unsigned badness; /* of 100 lines so many are odd or bad */
};

#define RANDOM_LINE_MAX 16384

static uint64_t random_next(struct random_lines *r)
{
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return r->seed;
}

static unsigned random_below(struct random_lines *r, unsigned n)
{
	return (unsigned)(random_next(r) >> 20) % n;
}

#define PICK(r, list) (list)[random_below(r, sizeof(list) / sizeof *(list))]

static char *random_hex(struct random_lines *r, char *o, unsigned n, unsigned of)
{
	uint64_t v = random_below(r, of) * 0x9e3779b97f4a7c15u;

	for (unsigned i = 0; i < n; i++, v = v >> 4 | v << 60)
		*o++ = "0123456789abcdef"[(v ^ i) & 15];
	return o;
}

static char *random_tid(struct random_lines *r, char *o)
{
	static const char *const names[] = {"Startup", "CtrMrgWorker", "a\\\"b", "\xc3\xa9t\xc3\xa9", ""};

	if (random_below(r, 400) == 0)
		return o + sprintf(o, "%0*d", 1020 + (int)random_below(r, 10), 7);
	if (random_below(r, 6) == 0)
		return stpcpy(o, PICK(r, names));
	return random_hex(r, o, 32, 40);
}

static char *random_stamp(struct random_lines *r, char *o, unsigned kind)
{
	char fraction[16];
	int64_t s = r->ns / 1000000000;
	int len;

	r->ns += (int64_t)random_below(r, 3000) * (random_below(r, 20) ? 1000 : 1000003);
	snprintf(fraction, sizeof fraction, "%09d", (int)(r->ns % 1000000000));
	if (kind == 0) /* as Ilúvatar does */
		for (len = 9; len > 1 && fraction[len - 1] == '0'; len--)
			fraction[len - 1] = 0;
	return o + sprintf(o,
	                   kind == 0   ? "2026-11-%02d %02d:%02d:%02d.%s"
	                   : kind == 1 ? "2026-11-%02dT%02d:%02d:%02d.%sZ"
	                               : "2026-11-%02dT%02d:%02d:%02d.%.6s+02:00",
	                   1 + (int)(s / 86400 % 28), (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60),
	                   fraction);
}

static char *random_value(struct random_lines *r, char *o)
{
	static const char *const odd[] = {"0",
	                                  "-0",
	                                  "-1",
	                                  "1.0",
	                                  "2.5e-7",
	                                  "1e21",
	                                  "18446744073709551615",
	                                  "9223372036854775807",
	                                  "-9223372036854775808",
	                                  "999999999999999999",
	                                  "1000000000000000000",
	                                  "-999999999999999999",
	                                  "true",
	                                  "false",
	                                  "null",
	                                  "{}",
	                                  "[]",
	                                  "{\"a\":[1,{\"b\":\"x y\"}], \"c\":null}",
	                                  "\"\"",
	                                  "\"007\"",
	                                  "\"-12\"",
	                                  "\"0x1f\"",
	                                  "\"a\\nb\\u00e9\\\\\"",
	                                  "\"5.25ms\"",
	                                  "\"11.3\xc2\xb5s\"",
	                                  "\"{\\\"queue_len\\\":{\\\"cpu\\\":3}}\""};

	switch (random_below(r, 8)) {
	case 0:
		return o + sprintf(o, "%d", (int)random_below(r, 1000000) - 1000);
	case 1:
		return o + sprintf(o, "%u.%u", random_below(r, 100), 1 + random_below(r, 9));
	case 2:
		*o++ = '"';
		o = random_hex(r, o, 16, 5000);
		return stpcpy(o, "\"");
	case 3:
		*o++ = '"';
		o = random_stamp(r, o, random_below(r, 3));
		return stpcpy(o, "\"");
	case 4:
		return o + sprintf(o, "\"f-%u-0.0.1\"", random_below(r, 50));
	case 5:
		*o++ = '"';
		o = random_hex(r, o, 32, 100000);
		return stpcpy(o, "\"");
	default:
		return stpcpy(o, PICK(r, odd));
	}
}

static char *random_fields(struct random_lines *r, char *o)
{
	static const char *const messages[] = {"Item enqueued", "Invocation complete", "new", "close",
	                                       "enter",         "current queue info",  "",    "50% \\\"done\\\""};
	static const char *const keys[] = {"fqdn", "n", "len", "e", "val.start", "name", "level", "tid", "message"};
	unsigned message = random_below(r, 20);

	o = stpcpy(o, "{");
	if (message == 0)
		o += sprintf(o, "\"message\":\"took %u ms\"", random_below(r, 100000));
	else if (message == 1)
		o = random_value(r, stpcpy(o, "\"message\":"));
	else if (message > 2)
		o += sprintf(o, "\"message\":\"%s\"", PICK(r, messages));
	else
		o = stpcpy(o, "\"msg\":\"none\"");
	if (random_below(r, 3)) {
		o = random_tid(r, stpcpy(o, ",\"tid\":\""));
		o = stpcpy(o, "\"");
	}
	for (unsigned n = random_below(r, 4), at = random_below(r, 40); n; n--, at++) {
		o += sprintf(o, ",\"%s\":", keys[at % 40 < 34 ? at % 6 : 6 + at % 3]);
		o = random_value(r, o);
	}
	return stpcpy(o, "}");
}

static char *random_span(struct random_lines *r, char *o)
{
	static const char *const spans[] = {"\"name\":\"invoke\"",
	                                    "\"worker\":\"worker_1\",\"name\":\"enter_worker\"",
	                                    "\"worker\":\"worker_0\",\"name\":\"enter_worker\"",
	                                    "\"id\":\"7\",\"name\":\"s\"",
	                                    "\"n\":3,\"name\":\"s\"",
	                                    "\"fqdn\":\"f-1\",\"name\":\"run\"",
	                                    "\"name\":\"run\""};

	*o++ = '{';
	if (random_below(r, 3)) {
		o = random_tid(r, stpcpy(o, "\"tid\":\""));
		o = stpcpy(o, "\",");
	}
	return o + sprintf(o, "%s}", PICK(r, spans));
}

static char *random_tail(struct random_lines *r, char *o)
{
	if (random_below(r, 3))
		o = random_span(r, stpcpy(o, ",\"span\":"));
	if (random_below(r, 2)) {
		o = stpcpy(o, ",\"spans\":[");
		for (unsigned n = random_below(r, 4); n; n--) {
			o = random_span(r, o);
			if (n > 1)
				*o++ = ',';
		}
		*o++ = ']';
	}
	if (random_below(r, 4) == 0)
		o += sprintf(o, ",\"threadName\":\"t%u\",\"seq\":%u", random_below(r, 3), random_below(r, 100000));
	return o;
}

static char *random_good(struct random_lines *r, char *o, unsigned stamp)
{
	static const char *const levels[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};
	static const char *const targets[] = {"iluvatar_library::logging", "worker::queue", "worker::containers", "t"};

	o = random_stamp(r, stpcpy(o, "{\"timestamp\":\""), stamp);
	o += sprintf(o, "\",\"level\":\"%s\",\"fields\":", PICK(r, levels));
	o = random_fields(r, o);
	o += sprintf(o, ",\"target\":\"%s\"", PICK(r, targets));
	o = random_tail(r, o);
	return stpcpy(o, "}");
}

/* Good JSON in an unusual shape. */
static char *random_odd(struct random_lines *r, char *o)
{
	switch (random_below(r, 8)) {
	case 0: /* span before target and time */
		o = random_fields(r, stpcpy(o, "{\"fields\":"));
		o = random_span(r, stpcpy(o, ",\"level\":\"INFO\",\"span\":"));
		o = random_stamp(r, stpcpy(o, ",\"target\":\"t\",\"timestamp\":\""), random_below(r, 3));
		return stpcpy(o, "\"}");
	case 1: /* flattened */
		o = random_stamp(r, stpcpy(o, "{\"timestamp\":\""), 0);
		o = random_tid(r, stpcpy(o, "\",\"level\":\"INFO\",\"message\":\"flat\",\"tid\":\""));
		o = random_value(r, stpcpy(o, "\",\"level\":\"shadow\",\"n\":"));
		o = random_tail(r, stpcpy(o, ",\"target\":\"t\""));
		return stpcpy(o, "}");
	case 2: /* logrus */
		o = random_stamp(r, stpcpy(o, "{\"level\":\"info\",\"msg\":\"m\",\"time\":\""), 1 + random_below(r, 2));
		return stpcpy(o, "\"}");
	case 3:
		o = random_stamp(r, stpcpy(o, "time=\""), 1 + random_below(r, 2));
		return o + sprintf(o, "\" level=info msg=\"pull \\\"x\\\" %u\" n=%u w=a/b", random_below(r, 9),
		                   random_below(r, 9));
	case 7: /* a time without quotes */
		o = random_stamp(r, stpcpy(o, "time="), 1 + random_below(r, 2));
		return o + sprintf(o, " level=INFO msg=m%u n=%u", random_below(r, 9), random_below(r, 9));
	case 4: /* spaces, CRLF, a list of other things */
		o = random_stamp(r, stpcpy(o, " { \"timestamp\" : \""), 0);
		o = random_value(r, stpcpy(o, "\" , \"spans\" : [ 1 , "));
		return stpcpy(o, " ] }\r");
	case 5:
		o = random_good(r, o, random_below(r, 3));
		return stpcpy(o, "\r");
	default: /* more values than a shape has */
		o = random_stamp(r, stpcpy(o, "{\"timestamp\":\""), 0);
		o = stpcpy(o, "\",\"fields\":{\"message\":\"many\"");
		for (unsigned i = 0, n = 500 + random_below(r, 30); i < n; i++)
			o += sprintf(o, ",\"k%u\":%u", i, i);
		return stpcpy(o, "}}");
	}
}

static char *random_bad(struct random_lines *r, char *o)
{
	static const char *const bad[] = {
	    "",
	    "\r",
	    "{}",
	    "hello",
	    "[]",
	    "null",
	    "\"",
	    "{\"timestamp\":\"2026-11-23 00:51:54.1\"",
	    "{\"a\":1}",
	    "{\"timestamp\":\"2026-11-23 00:51:54.1\",\"fields\":{\"a\":1}},\"target\":\"t\"}",
	    "panicked at src/main.rs:1",
	    "\x80\x81"};
	char *start = o;

	switch (random_below(r, 4)) {
	case 0:
		return stpcpy(o, PICK(r, bad));
	case 1: /* cut short */
		o = random_good(r, o, random_below(r, 3));
		return start + random_below(r, (unsigned)(o - start));
	case 2: /* one byte is another */
		o = random_good(r, o, random_below(r, 3));
		start[random_below(r, (unsigned)(o - start))] =
		    random_below(r, 2) ? (char)(0x80 + random_below(r, 128)) : "{}[]\",:\\x0 \t\1"[random_below(r, 14)];
		return o;
	default: /* a byte is missing */
		o = random_good(r, o, random_below(r, 3));
		start += random_below(r, (unsigned)(o - start));
		memmove(start, start + 1, (size_t)(o - start - 1));
		return o - 1;
	}
}

/* A line without its end into buf of RANDOM_LINE_MAX; its length. */
static inline size_t random_line(struct random_lines *r, char *buf)
{
	if (random_below(r, 100) >= r->badness)
		return (size_t)(random_good(r, buf, random_below(r, 12) ? 0 : random_below(r, 3)) - buf);
	return (size_t)((random_below(r, 2) ? random_odd(r, buf) : random_bad(r, buf)) - buf);
}

#endif
