/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - starts the rooms of a machine, and ends them in reverse. */
#include "sim.h"

int worker_start(struct worker *w)
{
	int rc = queue_start(w);

	if (!rc)
		rc = pool_start(w);
	if (!rc)
		rc = runners_start(w);
	return rc ? rc : status_start(w);
}

void worker_stop(struct worker *w)
{
	queue_stop(w);
	runners_join(w);
	status_join(w);
	pool_stop(w);
}
