/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runkind.h - what kind of a run is (run.kind), by its sources: an expression inside an UPDATE of table run. */
#ifndef LOAD_RUNKIND_H
#define LOAD_RUNKIND_H

#define RUN_KIND                                                                                                     \
	"CASE WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'ilulog') THEN 'ilulog' "        \
	"WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'tracing' AND (s.worker GLOB "        \
	"'worker_[0-9]*')) AND NOT EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'logrus') THEN " \
	"'simulation' WHEN EXISTS (SELECT 1 FROM source s WHERE s.run = run.id AND s.kind = 'tracing') THEN 'live' " \
	"ELSE 'other' END"

#endif
