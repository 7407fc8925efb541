/* SPDX-License-Identifier: GPL-3.0-or-later */
/* complain.c - see complain.h */
#include "query/core/complain.h"
#include "query/core/args.h"
#include "render/fold.h"
#include "render/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int64_t n;

	if (!isatty(fd))
		return 0;
	if (columns && !args_number(columns, &n) && n > 0 && n < 100000)
		return (int)n;
	return !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static void put(const char *message, int width)
{
	int columns = terminal_width(STDERR_FILENO);
	struct text safe = {0}, lines = {0};

	text_puts(&safe, "ilu-logq: ");
	text_add_terminal(&safe, message, strlen(message));
	text_add_folded(&lines, text_str(&safe), safe.len, columns && width >= 0 ? width : columns, 2);
	fprintf(stderr, "%s\n", text_str(&lines));
	text_done(&lines);
	text_done(&safe);
}

void complain(int width, const char *format, ...)
{
	char *message;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) >= 0) {
		put(message, width);
		free(message);
	}
	va_end(args);
}

void complain_of_load(void *width, const char *message)
{
	put(message, *(const int *)width);
}
