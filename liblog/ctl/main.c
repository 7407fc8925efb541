/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - ilu-logctl: what a running program logs, from outside. */
#include "ctl.h"

#include <ilu/version.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: ilu-logctl [OPTION]... [PID [DIRECTIVES]]\n"
    "       ilu-logctl [OPTION]... top PID\n"
    "Changes what a running program with libilulog logs, or shows it.\n"
    "\n"
    "  ilu-logctl                                  the processes that can be asked\n"
    "  ilu-logctl 4711                             the filter in force and the logger's counts\n"
    "  ilu-logctl 4711 'info,worker=debug'         another filter, until the next\n"
    "  ilu-logctl 4711 trace --for 60s             another filter, for a while\n"
    "  ilu-logctl 4711 --sites                     every place that logs, and whether it speaks\n"
    "  ilu-logctl top 4711                         lines a second by place, until Ctrl-C\n"
    "\n"
    "  --for TIME             revert the filter after that: 500ms, 60s, 5m, 2h, 1d; a number alone is seconds\n"
    "  --force                set a filter that fits no place in the program, too, or an empty one\n"
    "  --stats                the counts, also after a change\n"
    "  --sites                the places\n"
    "  --every TIME           of top: a table is of that time (2s)\n"
    "  --once                 of top: one table\n"
    "  --json                 the program's answer as it came\n"
    "  -d, --run-directory D  where its socket is, if not in one of the usual directories\n"
    "  --help, --version\n"
    "\n"
    "The program must have been started with the key run_directory in its configuration, or with\n"
    "ILU_LOG__run_directory=auto in its environment: see ilu-logctl(1).\n";

static const struct option names[] = {
    {"for", required_argument, NULL, 'f'},
    {"force", no_argument, NULL, 'F'},
    {"stats", no_argument, NULL, 's'},
    {"sites", no_argument, NULL, 'l'},
    {"every", required_argument, NULL, 'e'},
    {"once", no_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},
    {"run-directory", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "ilu-logctl: %s%s%s%s\n", what, value ? ": \"" : "", value ? value : "", value ? "\"" : "");
	fprintf(stderr, "Try 'ilu-logctl --help'.\n");
	return CTL_USAGE;
}

/* "60s" -> 60000; 0: not a time. */
static long long milliseconds(const char *text)
{
	static const struct {
		const char *unit;
		long long ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *text < '0' || *text > '9' || n > 365ll * 86400000)
		return 0;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (!strcmp(end, units[i].unit) && n * units[i].ms <= 365ll * 86400000)
			return n * units[i].ms;
	}
	return 0;
}

/* 0, or the exit status that was said already plus one. */
static int options(int argc, char **argv, struct ctl *ctl)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":d:", names, NULL)) != -1) {
		switch (c) {
		case 'f':
			ctl->for_ms = milliseconds(optarg);
			if (!ctl->for_ms)
				return 1 + wrong("--for takes a time like 500ms, 60s, 5m, 2h or 1d, at most a year",
				                 optarg);
			break;
		case 'F':
			ctl->force = true;
			break;
		case 'e':
			ctl->every_ms = milliseconds(optarg);
			if (!ctl->every_ms)
				return 1 + wrong("--every takes a time like 500ms, 2s or 1m", optarg);
			break;
		case 'o':
			ctl->once = true;
			break;
		case 's':
			ctl->stats = true;
			break;
		case 'l':
			ctl->sites = true;
			break;
		case 'j':
			ctl->json = true;
			break;
		case 'd':
			ctl->directory = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 1;
		case 'v':
			puts("ilu-logctl " ILU_VERSION);
			return 1;
		case ':':
			return 1 + wrong("a value is missing after", argv[optind - 1]);
		default:
			return 1 + wrong("unknown option", argv[optind - 1]);
		}
	}
	return 0;
}

/* What does not go together, in words; NULL: all is well. */
static const char *misfit(const struct ctl *ctl)
{
	if ((ctl->once || ctl->every_ms) && !ctl->top)
		return "--once and --every are options of top";
	if (ctl->top && (ctl->level || ctl->sites || ctl->stats || ctl->for_ms || ctl->force))
		return "top takes PID, --every, --once, --json and -d alone";
	if (ctl->for_ms && !ctl->level)
		return "--for without a filter";
	if (ctl->force && !ctl->level)
		return "--force without a filter";
	if (ctl->sites && (ctl->level || ctl->stats))
		return "--sites stands alone";
	return NULL;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.pid = 0};
	int rc = options(argc, argv, &ctl);
	const char *why;
	char *end;
	long pid;

	if (rc)
		return fflush(stdout) ? CTL_FAILED : rc - 1;
	ctl.top = optind < argc && !strcmp(argv[optind], "top");
	optind += ctl.top;
	if (optind == argc && (ctl.for_ms || ctl.force || ctl.sites || ctl.top || ctl.once || ctl.every_ms))
		return wrong("which process? PID is missing; ilu-logctl alone lists those that can be asked", NULL);
	if (optind == argc)
		return ctl_list(&ctl);
	pid = strtol(argv[optind], &end, 10);
	if (*end || end == argv[optind] || pid <= 0 || pid > 0x7fffffff)
		return wrong("not the number of a process", argv[optind]);
	ctl.pid = (pid_t)pid;
	if (++optind < argc)
		ctl.level = argv[optind++];
	if (optind < argc)
		return wrong("one filter, with commas and no blanks, or in quotes; this is too much", argv[optind]);
	why = misfit(&ctl);
	if (why)
		return wrong(why, NULL);
	return ctl.top ? ctl_top(&ctl) : ctl_run(&ctl);
}
