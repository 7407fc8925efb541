/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around the example of ilu_span(3), and then that of ilu_tid(3). */
#define ILU_TARGET "example"
#include <ilu/log.h>

#include <stddef.h>
#include <string.h>

struct item {
	const char *function;
	ilu_span span;
};

struct queue {
	struct item *item;
};

static int queue_push(struct queue *q, struct item *item)
{
	q->item = item;
	return 0;
}

static struct item *queue_pop(struct queue *q)
{
	return q->item;
}

#include "span.inc"

static void accept_request(const char *header)
{
#include "tid.inc"
}

int main(void)
{
	struct item item = {"hello", ILU_SPAN_NONE};
	struct queue q = {NULL};
	ilu_tid tid = ilu_tid_named("Request");

	if (ilu_log_start("{\"level\":\"info\",\"spanning\":\"CLOSE\",\"directory\":\".\",\"basename\":\"span\"}"))
		return 1;
	enqueue(&q, &tid, &item);
	run_next(&q);
	accept_request("0-aes-prewarm");
	return ilu_log_stop() ? 1 : 0;
}
