#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faas-sim-arrivals.py RATE SECONDS IN.CSV - what kind of load that is.

mean          arrivals of RATE * SECONDS
dispersion    variance of the counts in windows of a second over their mean: 1 of a Poisson process
top fifth     share of the arrivals that are for the fifth of the functions with the most
day to night  arrivals from 12 to 18 h over those from 0 to 6 h
"""
import collections
import csv
import sys

rate, seconds = float(sys.argv[1]), int(sys.argv[2])
rows = [(r["func_name"], int(r["invoke_time_ms"])) for r in csv.DictReader(open(sys.argv[3]))]
counts = [0] * seconds
for _, ms in rows:
    counts[min(ms // 1000, seconds - 1)] += 1
mean = len(rows) / seconds
dispersion = sum((n - mean) ** 2 for n in counts) / seconds / mean
names = sorted(collections.Counter(name for name, _ in rows).values(), reverse=True)
total = int(sys.argv[4]) if len(sys.argv) > 4 else len(names)
top = sum(names[: max(1, total // 5)]) / len(rows)
day, night = (sum(counts[a * 3600 : (a + 6) * 3600]) for a in (12, 0))
print(f"mean {mean / rate:.2f}, dispersion {dispersion:.1f}, top fifth {top:.2f}, day to night {day / night if night and day else 0:.1f}")
