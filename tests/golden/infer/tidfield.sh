#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tidfield.sh SEEDS DIRECTORY - logs of each kind: is the field found that names their transactions, and none where there is none?
seeds=$1 dir=$2
for kind in plain numbers nested parent two three noisy paths tracing span outer pathids urns things shuffled lines constant threads; do
	right=0 claimed=0
	for seed in $(seq "$seeds"); do
		d=$dir/$kind-$seed
		python3 tests/golden/infer/tidfield.py $kind "$seed" "$d"
		ilu-logq -d "$d.db" load --run x "$d"/*.log > "$d.out" 2> "$d.err"
		found=$(sed -n 's/.*as others do, but \([^;]*\) does;.*/\1/p' "$d.err")
		requests=$(ilu-logq -d "$d.db" --format csv sql 'SELECT count(*) FROM invocation' 2> /dev/null | tail -n 1 | tr -d '\r')
		want=$(cat "$d/field")
		if [ "$want" = - ]; then
			[ -z "$found" ] && [ "$requests" = 0 ] && right=$((right + 1))
		else
			case $found in
			"$want" | "${want#*,},${want%,*}") [ "$requests" = "$(cat "$d/requests")" ] && right=$((right + 1)) ;;
			esac
			[ -n "$found" ] && claimed=$((claimed + 1))
		fi
		[ $right = "$seed" ] || echo "$kind $seed: wanted $want, found '$found', requests $requests of $(cat "$d/requests")" >&2
		rm -rf "$d" "$d.db"
	done
	echo "$kind: $right of $seeds"
done
