/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's first program on the installed library. argv[1]: the directory of its log. */
#define ILU_TARGET "shop::orders"
#include <ilu/log.h>
#include <stdio.h>

static void take_order(const ilu_tid *tid)
{
	ILU_SPAN(span, "order", tid, KV("items", 3));

	ilu_info(tid, "Order taken", KV("total", 12.5));
}

int main(int argc, char **argv)
{
	char config[512];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"app\"}", argv[argc - 1]);
	if (ilu_log_start(config))
		return 1;
	const ilu_tid tid = ilu_tid_named("first");
	take_order(&tid);
	return ilu_log_stop();
}
