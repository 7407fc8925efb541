/* SPDX-License-Identifier: GPL-3.0-or-later */
/* foreign.c - one stream of events, spelled as zap, pino, ECS, CRI and logfmt spell them. */
#include "foreign.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define LIVE  64
#define STEPS 20

const char *const foreign_formats[] = {"zap", "pino", "ecs", "cri", "logfmt", NULL};

struct kind {
	const char *level, *message, *logger, *caller;
	int pino;
	const char *keys[5]; /* "#": a number, "$": a text of few, "%": a duration in ms, "!": a path */
};

static const struct kind kinds[] = {
    {"info", "request received", "http", "server/handler.go:88", 30, {"$method", "!path", "#bytes_in"}},
    {"debug", "cache lookup", "cache", "cache/lru.go:141", 20, {"$region", "#entries", "%elapsed_ms"}},
    {"debug", "query planned", "db", "db/plan.go:57", 20, {"$table", "#rows_estimated"}},
    {"debug", "query done", "db", "db/exec.go:203", 20, {"$table", "#rows", "%elapsed_ms", "#conn"}},
    {"info", "calling upstream", "proxy", "proxy/call.go:19", 30, {"$upstream", "#attempt"}},
    {"info", "upstream answered", "proxy", "proxy/call.go:61", 30, {"$upstream", "#status", "%elapsed_ms"}},
    {"warn", "upstream slow, trying the next one", "proxy", "proxy/call.go:74", 40, {"$upstream", "%elapsed_ms"}},
    {"debug", "response encoded", "http", "server/encode.go:33", 20, {"#bytes_out", "$encoding"}},
    {"info",
     "request completed",
     "http",
     "server/handler.go:131",
     30,
     {"$method", "!path", "#status", "%elapsed_ms", "#bytes_out"}},
    {"error", "request failed", "http", "server/handler.go:140", 50, {"$method", "!path", "$reason"}},
};
static const struct kind background[] = {
    {"info", "garbage collected", "runtime", "runtime/gc.go:12", 30, {"#heap", "%elapsed_ms"}},
    {"debug", "queue length", "queue", "queue/queue.go:71", 20, {"#queue_len", "#workers"}},
};
#define KINDS 10

static const char *const words[] = {"GET",          "POST",       "eu-west-1", "orders",   "customers", "inventory",
                                    "billing:8080", "stock:8080", "gzip",      "identity", "timeout",   "refused"};

struct writer {
	FILE *out;
	uint64_t random;
	int64_t now;
};

struct request {
	char id[33];
	int step;
};

static uint64_t rnd(struct writer *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	return w->random ^= w->random << 17;
}

static void stamp(char *to, size_t n, int64_t ns, int digits)
{
	time_t s = ns / 1000000000;
	struct tm tm;
	size_t len;
	char fraction[12];

	gmtime_r(&s, &tm);
	len = strftime(to, n, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(fraction, sizeof fraction, "%09d", (int)(ns % 1000000000));
	snprintf(to + len, n - len, ".%.*sZ", digits, fraction);
}

static void value(struct writer *w, const char *key, char *to, size_t n, bool *text)
{
	*text = key[0] == '$' || key[0] == '!';
	if (key[0] == '#')
		snprintf(to, n, "%d", (int)(rnd(w) % 5000));
	else if (key[0] == '%')
		snprintf(to, n, "%.3f", (double)(rnd(w) % 900000) / 1000);
	else if (key[0] == '!')
		snprintf(to, n, "/api/v2/%s/%d", words[3 + rnd(w) % 3], (int)(rnd(w) % 2000));
	else
		snprintf(to, n, "%s", words[((unsigned char)key[1] * 7 + rnd(w) % 3) % 12]);
}

static void fields(struct writer *w, const struct kind *k, bool logfmt)
{
	for (int i = 0; i < 5 && k->keys[i]; i++) {
		char v[64];
		bool text;

		value(w, k->keys[i], v, sizeof v, &text);
		if (logfmt)
			fprintf(w->out, " %s=%s", k->keys[i] + 1, v);
		else
			fprintf(w->out, text ? ",\"%s\":\"%s\"" : ",\"%s\":%s", k->keys[i] + 1, v);
	}
}

static void zap(struct writer *w, const struct kind *k, const char *id)
{
	char ts[40];
	size_t n =
	    (size_t)snprintf(ts, sizeof ts, "%" PRId64 ".%07d", w->now / 1000000000, (int)(w->now % 1000000000 / 100));

	while (ts[n - 1] == '0' && ts[n - 2] != '.')
		ts[--n] = 0;
	fprintf(w->out, "{\"level\":\"%s\",\"ts\":%s,\"logger\":\"%s\",\"caller\":\"%s\",\"msg\":\"%s\"", k->level, ts,
	        k->logger, k->caller, k->message);
	if (id)
		fprintf(w->out, ",\"trace_id\":\"%s\"", id);
	fields(w, k, false);
	fputs("}\n", w->out);
}

static void one(struct writer *w, const char *format, const struct kind *k, const char *id)
{
	char t[48];

	switch (format[0]) {
	case 'z':
		zap(w, k, id);
		break;
	case 'p':
		fprintf(w->out,
		        "{\"level\":%d,\"time\":%" PRId64 ",\"pid\":4217,\"hostname\":\"web-7f9c\",\"name\":\"shop\"",
		        k->pino, w->now / 1000000);
		if (id)
			fprintf(w->out, ",\"reqId\":\"%s\"", id);
		fields(w, k, false);
		fprintf(w->out, ",\"msg\":\"%s\"}\n", k->message);
		break;
	case 'e':
		stamp(t, sizeof t, w->now, 3);
		fprintf(
		    w->out,
		    "{\"@timestamp\":\"%s\",\"log.level\":\"%s\",\"message\":\"%s\",\"ecs.version\":\"1.6.0\","
		    "\"service.name\":\"shop\",\"event.dataset\":\"shop.log\",\"process.thread.name\":\"worker-%d\","
		    "\"log.logger\":\"%s\"",
		    t, k->level, k->message, (int)(rnd(w) % 8), k->logger);
		if (id)
			fprintf(w->out, ",\"trace.id\":\"%s\"", id);
		fields(w, k, false);
		fputs("}\n", w->out);
		break;
	case 'c':
		stamp(t, sizeof t, w->now + 20000 + (int64_t)(rnd(w) % 300000), 9);
		fprintf(w->out, "%s std%s F ", t, k->pino >= 50 ? "err" : "out");
		zap(w, k, id);
		break;
	default:
		stamp(t, sizeof t, w->now, 6);
		fprintf(w->out, "time=%s level=%s caller=%s msg=\"%s\" component=%s", t, k->level, k->caller,
		        k->message, k->logger);
		if (id)
			fprintf(w->out, " trace_id=%s", id);
		fields(w, k, true);
		fputs("\n", w->out);
	}
}

int foreign_write(FILE *out, const char *format, long lines)
{
	struct writer w = {.out = out, .random = 88172645463325252u, .now = 1795395145000000000};
	struct request live[LIVE] = {0};

	for (long i = 0; i < lines; i++) {
		struct request *r = &live[rnd(&w) % LIVE];

		w.now += 500 + (int64_t)(rnd(&w) % 40000);
		if (rnd(&w) % 8 == 0) {
			one(&w, format, &background[rnd(&w) % 2], NULL);
			continue;
		}
		if (r->step % STEPS == 0)
			snprintf(r->id, sizeof r->id, "%016" PRIx64 "%016" PRIx64, rnd(&w), rnd(&w));
		one(&w, format,
		    &kinds[r->step % STEPS == STEPS - 1 ? 8 + rnd(&w) % 20 / 19
		           : r->step % STEPS            ? 1 + rnd(&w) % 7
		                                        : 0],
		    r->id);
		r->step++;
	}
	return fflush(out) || ferror(out) ? -1 : 0;
}
