/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary.c - the verdict on what is loaded: for people ten lines, for programs a row a sentence. */
#include "query/commands/summary.h"
#include "query/core/command.h"
#include "render/fold.h"
#include "render/text.h"
#include <errno.h>
#include <string.h>

enum { LINES = 10, INDENT = 2 };

/* ---- for programs ---- */

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET}, {"level", UNIT_LEVEL},  {"message", UNIT_NONE},
    {"first_ns", UNIT_TIME},   {"command", UNIT_NONE},
};

static void put_table(struct query *q, const struct summary *s)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	for (size_t i = 0; i < s->n; i++) {
		const struct verdict *v = &s->v[i];
		struct cell c[] = {
		    CELL_OF_INT(v->offset_s),
		    cell_of_text(verdict_level_name(v->level)),
		    cell_of_bytes(text_str(&v->message), v->message.len),
		    v->first_ns == INT64_MIN ? CELL_OF_NULL : CELL_OF_INT(v->first_ns),
		    cell_of_text(v->command),
		};

		if (!query_table_row(q, t, c))
			break;
	}
	query_table_close(q, t);
}

/* ---- for people ---- */

static void put_words(struct fold *f, const struct text *words, const char *ink, const char *end)
{
	struct text safe = {0};

	text_add_terminal(&safe, text_str(words), words->len);
	fold_words(f, text_str(&safe), safe.len, ink, end);
	f->out->failed |= safe.failed;
	text_done(&safe);
}

/* Writes a verdict to t; how many lines it takes. */
static int lay_out(const struct output *out, const struct verdict *v, struct text *t)
{
	static const struct {
		const char *sign, *ascii;
		enum ink ink;
	} looks[] = {[VERDICT_ERROR] = {"✗", "x", INK_ERROR},
	             [VERDICT_WARNING] = {"▲", "!", INK_WARN},
	             [VERDICT_FINE] = {"●", "o", INK_INFO},
	             [VERDICT_NOTE] = {"·", "-", INK_NONE}};
	struct fold f = {.out = t, .width = out->width, .indent = INDENT, .column = INDENT, .lines = 1};
	struct text command = {0};
	const char *none = output_ink(out, INK_NONE), *ink = output_ink(out, looks[v->level].ink);

	text_printf(t, "%s%s%s ", ink, out->utf8 ? looks[v->level].sign : looks[v->level].ascii, none);
	put_words(&f, &v->message, v->level == VERDICT_ERROR ? output_ink(out, INK_HEAD) : "",
	          v->level == VERDICT_ERROR ? none : "");
	text_printf(&command, "%s %s", out->utf8 ? "→" : "->", v->command);
	fold_word(&f, text_str(&command), command.len, 1, output_ink(out, INK_DIM), none);
	text_puts(t, "\n");
	t->failed |= command.failed;
	text_done(&command);
	return f.lines;
}

struct page {
	struct query *q;
	int lines; /* that are written or spoken for */
	size_t left_out;
	bool all;
};

static void put_verdict(struct page *p, const struct verdict *v, bool first)
{
	struct text t = {0};
	int lines = lay_out(p->q->out, v, &t);

	query_wrote(p->q, t.failed ? -ENOMEM : 0);
	if (p->all || first || v->kept || (!p->left_out && p->lines + lines <= LINES)) {
		fwrite(text_str(&t), 1, t.len, p->q->out->file);
		p->lines += v->kept ? 0 : lines;
	} else {
		p->left_out++;
	}
	text_done(&t);
}

/* Room for what is kept, and for the line that says how much is left out. */
static void reserve(struct page *p, const struct summary *s)
{
	int lines = p->lines;

	for (size_t i = 0; i < s->n; i++) {
		struct text t = {0};
		int n = lay_out(p->q->out, &s->v[i], &t);

		query_wrote(p->q, t.failed ? -ENOMEM : 0);
		lines += n;
		p->lines += s->v[i].kept ? n : 0;
		text_done(&t);
	}
	p->lines += lines > LINES;
}

static void put_text(struct query *q, const struct summary *s)
{
	struct text t = {0};
	struct fold head = {.out = &t, .width = q->out->width, .indent = INDENT, .lines = 1};
	struct page p = {.q = q, .all = args_has(q->args, "all")};

	put_words(&head, &s->head, output_ink(q->out, INK_HEAD), output_ink(q->out, INK_NONE));
	query_wrote(q, t.failed ? -ENOMEM : 0);
	p.lines = head.lines;
	reserve(&p, s);
	if (!q->status)
		fprintf(q->out->file, "%s\n", text_str(&t));
	for (size_t i = 0; i < s->n && !q->status; i++)
		put_verdict(&p, &s->v[i], !i);
	if (p.left_out && !q->status)
		fprintf(q->out->file, "%s  and %zu more: summary --all%s\n", output_ink(q->out, INK_DIM), p.left_out,
		        output_ink(q->out, INK_NONE));
	text_done(&t);
	query_wrote(q, output_status(q->out));
}

static void run(struct query *q)
{
	struct summary s;

	summary_make(q, &s);
	if (!q->status && q->out->format == FORMAT_TEXT)
		put_text(q, &s);
	else if (!q->status)
		put_table(q, &s);
	summary_done(&s);
}

static const struct option_spec options[] = {
    {.name = "all", .letter = 'a', .help = "more than ten lines, where there is more to say"},
    OPTION_RUN,
    {0},
};

const struct command command_summary = {
    .name = "summary",
    .group = GROUP_FINDINGS,
    .help = "the verdict in ten lines: what is wrong, the worst first, and where the time went",
    .more = "Each sentence names the command that shows more. What lint calls a note is left to lint. The exit status "
            "is 0 whatever is found.",
    .examples = "summary\nsummary --all --width 80",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(columns),
};
