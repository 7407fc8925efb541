/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy.h - the energy and process logs that stand beside Ilúvatar's: one line, and what was measured.
 *
 *   energy-rapl.log  timestamp,rapl_uj          a counter of microjoules, all packages together, which wraps around
 *   energy-ipmi.log  timestamp,ipmi             watts at that instant
 *   process.log      timestamp,cpu_pct,cpu_time the worker's own, by ps: percent of a processor, and
 * [[days-]hours:]minutes:seconds energy-perf.log  `perf stat -I MS -x ,`     seconds since its first line, value, unit,
 * event, ...; each value is that of its interval
 *
 * Times are on the log's clock. perf knows its start to the second. */
#ifndef BESIDE_ENERGY_H
#define BESIDE_ENERGY_H

#include "base/slice.h"

enum energy_kind { ENERGY_NONE, ENERGY_RAPL, ENERGY_IPMI, ENERGY_PROCESS, ENERGY_PERF };

#define ENERGY_VALUES 2

/* How a file is read; made from its first line. */
struct energy_format {
	enum energy_kind kind;
	unsigned columns;              /* of a table */
	unsigned time;                 /* which of them is the time */
	unsigned value[ENERGY_VALUES]; /* and which the values; as many as energy_names gives */
	int64_t start_ns;              /* perf: of its last "# started on" line */
};

/* What a line says. n is 0 in headers, remarks, empty lines, and where perf counted nothing. */
struct energy_line {
	int64_t time_ns; /* as if the log's clock were UTC */
	unsigned n;
	struct {
		struct slice name; /* of the series; static, or of the line */
		double value;
	} v[ENERGY_VALUES];
};

/* By the file's first line: false where it is no such file, or one without times (tegrastats). */
bool energy_recognise(struct slice first_line, struct energy_format *out);

/* Takes a line apart; f is changed by perf's "# started on". NULL, or why the line is none of its file (static). */
const char *energy_parse(struct energy_format *f, struct slice line, struct energy_line *out);

#endif
