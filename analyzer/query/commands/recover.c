/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recover.c - the records of a black box (docs/black-box-format.md) whose process did not live to write them, as event
 * lines: a part of the log that only the box has. Reading it is libilulog's own work. */
#include "query/core/command.h"

#include <errno.h>
#include <ilu/box.h>
#include <string.h>

/* ---- which there are ---- */

static const struct column columns[] = {{"box", UNIT_PATH},  {"log", UNIT_PATH},  {"program", UNIT_NONE},
                                        {"pid", UNIT_NONE},  {"age_ns", UNIT_NS}, {"bytes", UNIT_BYTES},
                                        {"state", UNIT_NONE}};

enum { COLUMNS = sizeof columns / sizeof *columns };

struct list {
	struct query *q;
	struct table *table;
};

static const char *why(int error)
{
	switch (error) {
	case -EBADMSG:
		return "damaged";
	case -EPROTO:
		return "of another version of libilulog";
	case -EPERM:
		return "open to others, or somebody else's";
	case -ELOOP:
		return "a link";
	case -EBUSY:
		return "its process lives, or somebody else recovers it";
	default:
		return strerror(-error);
	}
}

static int add(void *to, const struct ilu_box *box)
{
	struct list *list = to;
	const char *state = box->error ? why(box->error) : box->alive ? "alive" : "dead";

	return !query_table_row(list->q, list->table,
	                        (struct cell[]){cell_of_text(box->path), cell_of_text(box->log),
	                                        cell_of_text(box->program), CELL_OF_INT(box->pid),
	                                        CELL_OF_INT(box->age_ns), CELL_OF_INT((int64_t)box->bytes),
	                                        cell_of_text(state)});
}

static void list(struct query *q)
{
	struct list list = {q, query_table_open(q, columns, COLUMNS)};

	ilu_box_list(args_value(q->args, "directory"), add, &list);
	query_table_close(q, list.table);
}

/* ---- what one has ---- */

static int put(void *to, const char *bytes, size_t len)
{
	struct query *q = to;

	fwrite(bytes, 1, len, q->out->file);
	return output_status(q->out);
}

static void told(struct query *q, const char *box, int rc, const struct ilu_box_result *was)
{
	enum status status = rc == -EBADMSG || rc == -EPROTO                ? DAMAGED
	                     : rc == -ENOMEM || rc == -EIO || rc == -ENOSPC ? SYSTEM
	                                                                    : USAGE;

	if (rc)
		query_fail(q, status, "%s: %s", box, why(rc));
	else
		query_note(q, "%s: %llu lines, %llu spans that were open", box, (unsigned long long)was->lines,
		           (unsigned long long)was->spans);
	if (!rc && was->damaged)
		query_fail(q, DAMAGED, "%s: damaged: %llu pieces left out", box, (unsigned long long)was->damaged);
}

static void run(struct query *q)
{
	const char *box = q->args->nwords ? q->args->words[0] : NULL, *log = args_value(q->args, "output");
	struct ilu_box_result was = {0, 0, 0};

	if (box && log)
		told(q, box, ilu_box_recover(box, log, &was), &was);
	else if (box)
		told(q, box, ilu_box_read(box, NULL, put, q, &was), &was);
	else
		list(q);
}

static const struct option_spec options[] = {
    {.name = "output", .letter = 'o', .value = "LOG", .help = "append to LOG, and remove the box", .hint = HINT_FILE},
    {.name = "directory", .value = "DIR", .help = "list the boxes in DIR, not in the usual places", .hint = HINT_FILE},
    {0},
};

const struct command command_recover = {
    .name = "recover",
    .group = GROUP_DATABASE,
    .words = "[FILE]",
    .most = 1,
    .help = "what a killed process had logged and not written, from its black box",
    .more = "Without FILE the black boxes of this user: whose they are, how old, and whether their process lives. With "
            "one\n"
            "the lines that are not in its log go to standard output, and the box stays; with -o they are appended to "
            "LOG,\n"
            "a line that was cut there is completed, and the box is removed. A start with the same log does that by "
            "itself\n"
            "unless the key black_box is off, see ilulog.json(5).",
    .examples = "recover\nrecover /dev/shm/ilulog-0-1ca8728c24f310f1-7212-017357ec.box\n"
                "recover /dev/shm/ilulog-0-1ca8728c24f310f1-7212-017357ec.box -o worker.log",
    .options = options,
    .need = NEED_NOTHING,
    .run = run,
};
