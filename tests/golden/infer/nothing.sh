#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nothing.sh N FOLDER - of the logs of nothing.py with seeds below N those in which requests are found.
found=0
for ((seed = 0; seed < $1; seed++)); do
	python3 tests/golden/infer/nothing.py $seed $2/nothing.log || exit
	rm -f $2/nothing.db
	ilu-logq -d $2/nothing.db load -q $2/nothing.log || exit
	n=$(ilu-logq -d $2/nothing.db --format csv sql "SELECT count(*) FROM invocation" | tail -1)
	[ "$n" = 0 ] || { echo "seed $seed: $n requests"; found=$((found + 1)); }
done
echo "$1 logs, $found with requests"
