/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.c - a synthetic log in the shape of tracing-subscriber's lines. */
#include "lines.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define LIVE  64
#define STEPS 40

static const char *const spans[] = {"invoke",
                                    "sync_invocation",
                                    "enqueue_new_invocation",
                                    "invocation_worker_thread",
                                    "acquire_container",
                                    "try_launch_container",
                                    "run_container",
                                    "invoke_on_container"};
static const char *const targets[] = {
    "iluvatar_worker_library::services::invocation", "iluvatar_worker_library::services::invocation::cpu_q_invoke",
    "iluvatar_worker_library::services::containers::containermanager",
    "iluvatar_worker_library::worker_api::iluvatar_worker", "iluvatar_worker_library::services::registration"};
static const char *const messages[] = {
    "Enqueueing invocation",         "CPU queue item",      "checking resources",
    "Internal invocation starting",  "Container acquired",  "Item starting to execute",
    "Dropping container lock",       "returning container", "queued invocation completed successfully",
    "Sending invocation to invoker", "Container updated"};

struct transaction {
	char tid[33];
	int function, step;
};

struct writer {
	FILE *out;
	uint64_t random;
	int64_t now;
	long lines;
	char stamp[48];
};

static uint64_t rnd(struct writer *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	return w->random ^= w->random << 17;
}

static const char *stamp(struct writer *w)
{
	time_t s = w->now / 1000000000;
	struct tm tm;
	size_t n;

	gmtime_r(&s, &tm);
	n = strftime(w->stamp, sizeof w->stamp, "%Y-%m-%d %H:%M:%S", &tm);
	n += (size_t)snprintf(w->stamp + n, sizeof w->stamp - n, ".%09d", (int)(w->now % 1000000000));
	while (w->stamp[n - 1] == '0' && w->stamp[n - 2] != '.')
		w->stamp[--n] = 0;
	return w->stamp;
}

static void begin(struct writer *w, struct transaction *t)
{
	snprintf(t->tid, sizeof t->tid, "%016" PRIx64 "%016" PRIx64, rnd(w), rnd(w));
	t->function = (int)(rnd(w) % 50);
	t->step = 0;
}

static void background(struct writer *w)
{
	switch (rnd(w) % 3) {
	case 0:
		fprintf(w->out,
		        "{\"timestamp\":\"%s\",\"level\":\"INFO\",\"fields\":{\"message\":\"CPU "
		        "utilization\",\"tid\":\"CPU_MON_BG\",\"cpu_util\":"
		        "\"{\\\"cpu_us\\\":%.4f,\\\"cpu_sy\\\":%.4f,\\\"cpu_id\\\":%.4f,\\\"cpu_wa\\\":0.0,\\\"load_"
		        "avg_1minute\\\":%.3f,"
		        "\\\"num_system_cores\\\":48}\"},\"target\":\"iluvatar_worker_library::services::resources::"
		        "cpu\"}\n",
		        stamp(w), (double)(rnd(w) % 100000) / 1000, (double)(rnd(w) % 20000) / 1000,
		        (double)(rnd(w) % 100000) / 1000, (double)(rnd(w) % 64000) / 1000);
		break;
	case 1:
		fprintf(w->out,
		        "{\"timestamp\":\"%s\",\"level\":\"DEBUG\",\"fields\":{\"message\":\"queue "
		        "length\",\"tid\":\"InvokerCPUQueue\",\"queue_len\":%d,"
		        "\"est_time\":%.6f},\"target\":\"iluvatar_worker_library::services::invocation::queueing\"}\n",
		        stamp(w), (int)(rnd(w) % 300), (double)(rnd(w) % 1000000) / 1e5);
		break;
	default:
		fprintf(w->out,
		        "{\"timestamp\":\"%s\",\"level\":\"DEBUG\",\"fields\":{\"message\":\"Container manager "
		        "info\",\"tid\":\"CtrMrgWorker\","
		        "\"used_mem\":%d,\"total_mem\":128000,\"num_containers\":%d},"
		        "\"target\":\"iluvatar_worker_library::services::containers::containermanager\"}\n",
		        stamp(w), (int)(rnd(w) % 128000), (int)(rnd(w) % 48));
	}
	w->lines++;
}

static void span_line(struct writer *w, const struct transaction *t)
{
	int s = t->step, close = s & 1, name = s / 2 % 8, depth = 1 + s % 4;

	fprintf(w->out, "{\"timestamp\":\"%s\",\"level\":\"%s\",\"fields\":{\"message\":\"%s\"", stamp(w),
	        s % 4 < 2 ? "INFO" : "DEBUG", close ? "close" : "new");
	if (close)
		fprintf(w->out, ",\"time.busy\":\"%.1fµs\",\"time.idle\":\"%.2fms\"", (double)(rnd(w) % 9000) / 10,
		        (double)(rnd(w) % 90000) / 100);
	fprintf(w->out,
	        "},\"target\":\"%s\",\"span\":{\"fqdn\":\"f%02d-0.0.1\",\"tid\":\"%s\",\"name\":\"%s\"},\"spans\":[",
	        targets[name % 5], t->function, t->tid, spans[name]);
	for (int k = 0; k < depth; k++)
		fprintf(w->out, "%s{\"tid\":\"%s\",\"name\":\"%s\"}", k ? "," : "", t->tid, spans[k]);
	fputs("]}\n", w->out);
}

static void event_line(struct writer *w, const struct transaction *t)
{
	int m = (int)(rnd(w) % (sizeof messages / sizeof *messages));
	char now[48];

	strcpy(now, stamp(w));
	fprintf(w->out,
	        "{\"timestamp\":\"%s\",\"level\":\"%s\",\"fields\":{\"message\":\"%s\",\"tid\":\"%s\",\"fqdn\":\"f%02d-"
	        "0.0.1\",\"insert_time\":\"%s\","
	        "\"queue_len\":%d,\"est\":%.9g,\"warm\":%s},\"target\":\"%s\"}\n",
	        now, m % 3 ? "DEBUG" : "INFO", messages[m], t->tid, t->function, now, (int)(rnd(w) % 300),
	        (double)(rnd(w) % 1000000) / 77777.0, rnd(w) & 1 ? "true" : "false", targets[m % 5]);
}

static void last_line(struct writer *w, const struct transaction *t)
{
	fprintf(w->out,
	        "{\"timestamp\":\"%s\",\"level\":\"INFO\",\"fields\":{\"message\":\"Invocation "
	        "complete\",\"tid\":\"%s\",\"fqdn\":\"f%02d-0.0.1\","
	        "\"duration_us\":%.3f,\"compute\":\"CPU\",\"result\":\"{\\\"body\\\":{\\\"cold\\\":%s,\\\"latency\\\":%"
	        ".6f}}\"},\"target\":\"%s\"}\n",
	        stamp(w), t->tid, t->function, (double)(rnd(w) % 5000000) / 7.0 * (1 + t->function % 7),
	        rnd(w) & 1 ? "true" : "false", (double)(rnd(w) % 5000000) / 1e6, targets[0]);
}

static void transaction_line(struct writer *w, struct transaction *t)
{
	if (t->step == STEPS - 1)
		last_line(w, t);
	else if (t->step % 20 < 11)
		span_line(w, t);
	else
		event_line(w, t);
	t->step++;
	w->lines++;
}

long lines_write(FILE *out, long transactions)
{
	struct writer w = {.out = out, .random = 88172645463325252u, .now = 1795395145000000000};
	struct transaction live[LIVE] = {0};
	long begun = 0;
	int n = 0;

	for (; n < LIVE && begun < transactions; n++, begun++)
		begin(&w, &live[n]);
	while (n) {
		struct transaction *t = &live[rnd(&w) % (unsigned)n];

		w.now += 500 + (int64_t)(rnd(&w) % 40000);
		if (rnd(&w) % 5 == 0) {
			background(&w);
			continue;
		}
		transaction_line(&w, t);
		if (t->step < STEPS)
			continue;
		if (begun < transactions) {
			begin(&w, t);
			begun++;
		} else {
			*t = live[--n];
		}
	}
	return fflush(out) || ferror(out) ? -1 : w.lines;
}
