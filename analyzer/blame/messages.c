/* SPDX-License-Identifier: GPL-3.0-or-later */
/* messages.c - which lines tell of queues and of containers that were removed: what queue.c and cold.c read. */
#include "blame/blame.h"
#include <stdlib.h>
#include <string.h>

static int take_word(const json_t *message, blame_message *take, void *arg)
{
	const char *word = json_string_value(message);

	return word ? take(arg, (struct slice){word, strlen(word)}) : 0;
}

static int of_queue(const json_t *queue, blame_message *take, void *arg)
{
	const json_t *order = json_object_get(queue, "order"), *refused = json_object_get(queue, "refused");
	int rc = take_word(json_object_get(json_object_get(queue, "cores"), "message"), take, arg);

	for (size_t i = 0; !rc && i < json_array_size(order); i++)
		rc = take_word(json_object_get(json_array_get(order, i), "message"), take, arg);
	for (size_t i = 0; !rc && i < json_array_size(refused); i++)
		rc = take_word(json_array_get(refused, i), take, arg);
	return rc;
}

int blame_messages(blame_message *take, void *arg)
{
	const struct rule *rule;
	struct rules *r = NULL;
	char *why = NULL;
	unsigned next = 0;
	int rc = rules_builtin(&r, &why);

	if (!rc && r->queue)
		rc = of_queue(r->queue, take, arg);
	while (!rc && (rule = rules_of_lines(r, MEANS_REMOVED, &next)))
		rc = take(arg, rule->message);
	rules_free(r);
	free(why);
	return rc;
}
