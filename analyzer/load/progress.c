/* SPDX-License-Identifier: GPL-3.0-or-later */
/* progress.c - one line on a terminal that says how far a load is.
 *
 * The line is written over itself and never longer than the terminal is wide, so that erasing it leaves nothing. */
#include "load/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define EVERY_NS (100 * INT64_C(1000000))

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void progress_init(struct progress *p, int fd, bool quiet, int64_t total_bytes)
{
	*p = (struct progress){
	    .fd = fd,
	    .on = !quiet && isatty(fd),
	    .start_ns = now_ns(),
	    .total_bytes = total_bytes,
	};
	p->last_ns = p->start_ns;
}

static void say(const struct progress *p, const char *text, size_t len)
{
	/* What a terminal does not take is not worth an error. */
	if (write(p->fd, text, len) < 0)
		return;
}

/* "521 MB", "1.9 GB" */
static void put_bytes(char *buf, size_t size, int64_t bytes)
{
	if (bytes >= 1000000000)
		snprintf(buf, size, "%.1f GB", (double)bytes / 1e9);
	else if (bytes >= 10000000)
		snprintf(buf, size, "%.0f MB", (double)bytes / 1e6);
	else
		snprintf(buf, size, "%.1f MB", (double)bytes / 1e6);
}

/* "1.8 M lines/s" */
static void put_rate(char *buf, size_t size, double per_s)
{
	if (per_s >= 1e6)
		snprintf(buf, size, "%.1f M lines/s", per_s / 1e6);
	else
		snprintf(buf, size, "%.0f k lines/s", per_s / 1e3);
}

/* "12 s left" from the bytes so far; nothing in the first second, when it would only be a guess. */
static void put_left(char *buf, size_t size, const struct progress *p, int64_t bytes, double elapsed_s)
{
	double left;

	*buf = '\0';
	if (p->total_bytes <= bytes || !bytes || elapsed_s < 1)
		return;
	left = elapsed_s * ((double)p->total_bytes / (double)bytes - 1);
	if (left < 100)
		snprintf(buf, size, ", %d s left", (int)left + 1);
	else
		snprintf(buf, size, ", %.0f min left", left / 60);
}

static size_t terminal_width(int fd)
{
	struct winsize w;

	return !ioctl(fd, TIOCGWINSZ, &w) && w.ws_col > 20 ? w.ws_col : 80;
}

/* The end of the path that fits into width columns; bytes that would move the cursor or split a character become '?'.
 */
static size_t put_path(char *buf, size_t width, const char *path)
{
	size_t len = strlen(path), i;

	if (len > width) {
		path += len - width;
		len = width;
	}
	for (i = 0; i < len; i++)
		buf[i] = path[i] >= 0x20 && path[i] < 0x7f ? path[i] : '?';
	return len;
}

void progress_show(struct progress *p, int64_t file_bytes, int64_t lines, const char *path)
{
	char line[512], done[32], total[40] = "", rate[32], left[32];
	int64_t now;
	double elapsed_s;
	size_t len, width;

	if (!p->on)
		return;
	now = now_ns();
	if (now - p->last_ns < EVERY_NS)
		return;
	p->last_ns = now;
	elapsed_s = (double)(now - p->start_ns) / 1e9;
	put_bytes(done, sizeof done, file_bytes);
	if (p->total_bytes > 0) {
		memcpy(total, " of ", 4);
		put_bytes(total + 4, sizeof total - 4, p->total_bytes);
	}
	put_rate(rate, sizeof rate, (double)lines / elapsed_s);
	put_left(left, sizeof left, p, file_bytes, elapsed_s);
	len = (size_t)snprintf(line, sizeof line, "\r%s%s, %s%s  ", done, total, rate, left);
	width = terminal_width(p->fd) < 200 ? terminal_width(p->fd) : 200;
	if (len < width)
		len += put_path(line + len, width - len, path);
	memcpy(line + len, "\x1b[K", 3);
	say(p, line, len + 3);
	p->shown = true;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		say(p, "\r\x1b[K", 4);
	p->shown = false;
}
