#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""report-schema.py REPORT... - holds reports against schema/report.schema.json, and the schema against broken reports."""
import copy
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    sys.exit("report-schema.py: the Debian package python3-jsonschema is missing")

schema = json.load(open('schema/report.schema.json', encoding='utf-8'))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def broken(report):
    yield {**report, 'more': []}
    yield {**report, 'summary': {}}
    for section, key in (('summary', 'level'), ('findings', 'evidence'), ('timelines', 'rows')):
        if report.get(section):
            r = copy.deepcopy(report)
            del r[section][0][key]
            yield r


for path in sys.argv[1:]:
    report = json.load(open(path, encoding='utf-8'))
    wrong = [f"{list(e.path)}: {e.message}"[:200] for e in validator.iter_errors(report)]
    missed = sum(validator.is_valid(r) for r in broken(report))
    said = wrong[0] if wrong else f"{missed} broken ones pass" if missed else 'as the schema says'
    print(f"{os.path.basename(path)}: {len(report) - 1} sections, {said}")
