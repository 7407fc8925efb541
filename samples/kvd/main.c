/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the command line of kvd. */
#define ILU_TARGET "kvd"
#include "kvd.h"

#include <errno.h>
#include <getopt.h>
#include <ilu/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "Usage: kvd [OPTION]...\n"
    "Keeps values by key in memory, and speaks memcached's text protocol: get, set, delete.\n"
    "\n"
    "  --address A       where to listen (127.0.0.1)\n"
    "  --port N          0: any that is free; the first line of output tells which (11211)\n"
    "  --workers N       threads that serve requests (4)\n"
    "  --connections N   at a time (1000)\n"
    "  --memory MB       for keys and values (64)\n"
    "  --sweep MS        between looks for values that have expired (1000)\n"
    "  --status MS       between lines that tell how things stand (1000)\n"
    "  --config FILE     of the log, see ilulog.json(5) (kvd.log in the current directory, with a black box)\n"
    "  --help, --version\n"
    "\n"
    "SIGTERM and Ctrl-C end it when what was asked is answered, SIGHUP opens the log anew.\n"
    "Exit status: 0, 2 wrong options, 4 the system failed, 130 after a second Ctrl-C.\n";

static const char config[] = "{\"basename\":\"kvd\",\"spanning\":\"NEW+CLOSE\",\"black_box\":\"auto\"}";

static int wrong(const char *name, const char *text)
{
	fprintf(stderr, "kvd: --%s %s: not a number that it takes; see kvd --help\n", name, text);
	return 2;
}

static int number(const char *name, const char *text, long least, long most, int *out)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < least || v > most)
		return wrong(name, text);
	*out = (int)v;
	return 0;
}

static const struct option longopts[] = {
    {"address", required_argument, NULL, 'a'},
    {"port", required_argument, NULL, 'p'},
    {"workers", required_argument, NULL, 'w'},
    {"connections", required_argument, NULL, 'c'},
    {"memory", required_argument, NULL, 'm'},
    {"sweep", required_argument, NULL, 's'},
    {"status", required_argument, NULL, 't'},
    {"config", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* -1: go on; else an exit status. */
static int option(struct options *o, int c, const char *name)
{
	int mb = 0, rc = 0;

	switch (c) {
	case 'a':
		o->address = optarg;
		break;
	case 'f':
		o->config = optarg;
		break;
	case 'p':
		rc = number(name, optarg, 0, 65535, &o->port);
		break;
	case 'w':
		rc = number(name, optarg, 1, 64, &o->workers);
		break;
	case 'c':
		rc = number(name, optarg, 1, OPEN_MOST, &o->connections);
		break;
	case 'm':
		rc = number(name, optarg, 1, 1 << 20, &mb);
		o->memory = (size_t)mb << 20;
		break;
	case 's':
		rc = number(name, optarg, 1, 3600000, &o->sweep_ms);
		break;
	case 't':
		rc = number(name, optarg, 1, 3600000, &o->status_ms);
		break;
	case 'h':
		fputs(usage, stdout);
		return 0;
	case 'V':
		puts("kvd " ILU_VERSION);
		return 0;
	default:
		fputs("kvd: see kvd --help\n", stderr);
		return 2;
	}
	return rc ? rc : -1;
}

int main(int argc, char **argv)
{
	struct options o = {.address = "127.0.0.1",
	                    .port = 11211,
	                    .workers = 4,
	                    .connections = 1000,
	                    .memory = (size_t)64 << 20,
	                    .sweep_ms = 1000,
	                    .status_ms = 1000};
	int c, at = 0, rc = -1;

	while (rc < 0 && (c = getopt_long(argc, argv, "", longopts, &at)) >= 0)
		rc = option(&o, c, longopts[at].name);
	if (rc >= 0)
		return rc;
	if (optind < argc) {
		fprintf(stderr, "kvd: %s: takes no arguments; see kvd --help\n", argv[optind]);
		return 2;
	}
	rc = o.config ? ilu_log_start_file(o.config) : ilu_log_start(config);
	if (rc)
		return rc == -EINVAL ? 2 : 4; /* it has said why */
	rc = loop_run(&o);
	return ilu_log_stop() && !rc ? 4 : rc;
}
