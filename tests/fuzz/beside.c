/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what lies beside a log: results, a trace, metadata, a benchmark, rules. They are loaded with it, or
 * refused with a message, and what is asked of the database then is answered.
 *
 * Input: a digit for the kind of file, then the file. */
#include "room.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char log_text[1 << 16];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	FILE *log = fopen("samples/logs/iluvatar/worker.log", "r");
	char line[8192];

	room_make(argc, argv);
	assert(log); /* started elsewhere than in the top of the checkout? */
	for (int i = 0; i < 60 && fgets(line, sizeof line, log); i++)
		if (strlen(log_text) + strlen(line) < sizeof log_text)
			strcat(log_text, line);
	fclose(log);
	return 0;
}

static const struct {
	const char *name, *ask;
} kinds[] = {{"output-full-in.json", "invocations"},
             {"output-in.csv", "invocations"},
             {"in.csv", "functions"},
             {"meta.csv", "functions"},
             {"benchmark.json", "phases"},
             {"rules.json", "phases"}};
#define NKINDS (sizeof kinds / sizeof *kinds)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t kind = size ? data[0] % NKINDS : 0;
	const char *file = in_room(kinds[kind].name);
	int status;

	if (!size)
		return 0;
	room_empty();
	file_put(in_room("worker.log"), log_text, strlen(log_text));
	file_put(file, data + 1, size - 1);
	status = kind == 5   ? command_run("load", "--rules", file, in_room("worker.log"), NULL)
	         : kind == 4 ? command_run("load", "--benchmark", file, in_room("worker.log"), NULL)
	                     : command_run("load", room, NULL);
	assert(status != 4);
	if (access(in_room("db"), F_OK))
		return 0;
	status = command_run("check", NULL);
	assert(!status); /* what a load has made is whole */
	command_run(kinds[kind].ask, NULL);
	command_run(
	    "sql", "SELECT * FROM result; SELECT * FROM trace; SELECT * FROM function; SELECT * FROM invocation", NULL);
	return 0;
}
