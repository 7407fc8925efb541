/* SPDX-License-Identifier: Apache-2.0 */
/* top.c - lines a second by call site: the process is asked twice which lines its sites made, and what has come
 * meanwhile is shown, the most first. A terminal shows one table after the other in the same place. */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 2000 };

struct row {
	const json_t *site;
	json_int_t lines; /* made meanwhile */
};

struct sample {
	json_t *answer; /* NULL: none */
	double s;       /* when it came */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Asks once. 0 or an exit status, which was said. */
static int ask(const struct ctl *ctl, struct sample *out)
{
	json_t *request = json_pack("{s:s}", "do", "sites");
	int fd = ctl_connect(ctl), rc = CTL_OK;

	*out = (struct sample){NULL, 0};
	if (fd >= 0 && request)
		out->answer = ctl_ask(fd, request);
	out->s = now_s();
	if (!out->answer)
		rc = CTL_UNREACHABLE;
	else if (ctl_refused(out->answer))
		rc = CTL_FAILED;
	json_decref(request);
	if (fd >= 0)
		close(fd);
	return rc;
}

static json_int_t lines_of(const struct sample *s, size_t i)
{
	return json_integer_value(json_object_get(json_array_get(json_object_get(s->answer, "sites"), i), "lines"));
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->lines != y->lines)
		return x->lines < y->lines ? 1 : -1;
	return (int)strcmp(ctl_text(x->site, "target"), ctl_text(y->site, "target"));
}

/* The sites that made lines; yours. Sites keep their numbers: those that are new stand behind the others. */
static struct row *rows_of(const struct sample *from, const struct sample *to, size_t *n)
{
	const json_t *sites = json_object_get(to->answer, "sites");
	size_t before = json_array_size(json_object_get(from->answer, "sites"));
	struct row *rows = calloc(json_array_size(sites) + 1, sizeof *rows);

	*n = 0;
	for (size_t i = 0; rows && i < json_array_size(sites); i++) {
		json_int_t lines = lines_of(to, i) - (i < before ? lines_of(from, i) : 0);

		if (lines > 0)
			rows[(*n)++] = (struct row){json_array_get(sites, i), lines};
	}
	if (rows)
		qsort(rows, *n, sizeof *rows, compare);
	return rows;
}

/* ---- showing ---- */

static void put_json(const struct row *rows, size_t n, double s)
{
	printf("{\"seconds\":%.3f,\"sites\":[", s);
	for (size_t i = 0; i < n; i++) {
		json_t *site = json_copy((json_t *)rows[i].site);

		json_object_set_new(site, "made", json_integer(rows[i].lines));
		fputs(i ? "," : "", stdout);
		json_dumpf(site, stdout, JSON_COMPACT);
		json_decref(site);
	}
	puts("]}");
}

static const char *behind_last(const char *text, const char *of)
{
	for (const char *p; (p = strstr(text, of)) != NULL;)
		text = p + strlen(of);
	return text;
}

/* Where a line is made. brief: 1: of the target the last segment, 2: of the file the name alone. */
static void write_place(const json_t *site, int brief, FILE *to)
{
	const char *target = ctl_text(site, "target"), *file = ctl_text(site, "file");

	ctl_put_safe(brief > 0 ? behind_last(target, "::") : target, to);
	fputs(strcmp(ctl_text(site, "kind"), "span") ? " \"" : " span \"", to);
	ctl_put_safe(ctl_text(site, "text"), to);
	fputs("\" ", to);
	ctl_put_safe(brief > 1 ? behind_last(file, "/") : file, to);
	fprintf(to, ":%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(site, "line")));
}

/* Bytes of the first so many characters. */
static size_t bytes_of(const char *text, size_t characters)
{
	size_t n = 0;

	for (; text[n] && (characters || (text[n] & 0xc0) == 0x80); n++)
		characters -= (text[n] & 0xc0) != 0x80;
	return n;
}

/* Within room columns, as much of it as there is room for; 0: all. */
static void put_place(const json_t *site, size_t room)
{
	for (int brief = 0; brief <= 2; brief++) {
		char *text = NULL;
		size_t len, fits;
		FILE *to = open_memstream(&text, &len);

		if (!to)
			return;
		write_place(site, brief, to);
		fclose(to);
		fits = text && room ? bytes_of(text, room) : len;
		if (text && (fits == len || brief == 2)) {
			printf("%.*s\n", (int)fits, text);
			free(text);
			return;
		}
		free(text);
	}
}

static void put_row(const struct row *row, double s, size_t columns)
{
	const json_t *site = row->site;
	int n = printf("%12.1f %12" JSON_INTEGER_FORMAT "  %-5s ", (double)row->lines / s,
	               json_integer_value(json_object_get(site, "lines")), ctl_text(site, "level"));

	put_place(site, columns > (size_t)n + 8 ? columns - (size_t)n : 0);
}

/* On a terminal as many as have a line each; long ones are shortened there, not wrapped. */
static void put_table(const struct ctl *ctl, const struct row *rows, size_t n, double s)
{
	bool terminal = isatty(STDOUT_FILENO) && !ctl->once;
	struct winsize size = {.ws_row = 0, .ws_col = 0};
	json_int_t lines = 0;
	size_t most = n;
	char name[64];

	for (size_t i = 0; i < n; i++)
		lines += rows[i].lines;
	if (terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row > 4)
		most = n < size.ws_row - 4u ? n : size.ws_row - 4u;
	ctl_name(ctl->pid, name, sizeof name);
	if (terminal)
		fputs("\033[H\033[J\033[?7l", stdout);
	printf("%s (%ld): %.1f lines/s of %zu places in %.1f s\n\n%12s %12s  %-5s %s\n", name, (long)ctl->pid,
	       (double)lines / s, n, s, "lines/s", "lines", "level", "place");
	for (size_t i = 0; i < most; i++)
		put_row(&rows[i], s, size.ws_col);
	if (terminal)
		fputs("\033[?7h", stdout);
	else if (!ctl->once)
		putchar('\n');
}

static int show(const struct ctl *ctl, const struct sample *from, const struct sample *to)
{
	double s = to->s - from->s > 1e-9 ? to->s - from->s : 1e-9;
	size_t n;
	struct row *rows = rows_of(from, to, &n);

	if (!rows) {
		fprintf(stderr, "ilu-logctl: out of memory\n");
		return CTL_FAILED;
	}
	if (ctl->json)
		put_json(rows, n, s);
	else
		put_table(ctl, rows, n, s);
	free(rows);
	if (!fflush(stdout) && !ferror(stdout))
		return CTL_OK;
	perror("ilu-logctl: standard output");
	return CTL_FAILED;
}

static void wait_ms(long long ms)
{
	struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* The library that runs there may be older than this program. */
static bool counts(const struct ctl *ctl, const struct sample *s)
{
	const json_t *first = json_array_get(json_object_get(s->answer, "sites"), 0);

	if (!first || json_object_get(first, "lines"))
		return true;
	fprintf(stderr, "ilu-logctl: process %ld has a libilulog that does not count lines by place\n", (long)ctl->pid);
	return false;
}

int ctl_top(const struct ctl *ctl)
{
	struct sample from, to = {NULL, 0};
	int rc = ask(ctl, &from);

	if (!rc && !counts(ctl, &from))
		rc = CTL_FAILED;
	while (!rc) {
		wait_ms(ctl->every_ms ? ctl->every_ms : EVERY_MS);
		rc = ask(ctl, &to);
		if (!rc)
			rc = show(ctl, &from, &to);
		json_decref(from.answer);
		from = to;
		if (ctl->once)
			break;
	}
	json_decref(from.answer);
	return rc;
}
