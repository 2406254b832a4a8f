#!/bin/bash
# SPDX-License-Identifier: MIT
# A task that gets signals all the time stops at each of DUMPS=80 dumps. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-$PWD/build}
dir=$(mktemp -d) || exit 1
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -o "$dir/storm" tests/live/storm/*.c || exit 1
setsid "$dir/storm" </dev/null >/dev/null 2>&1 &
pid=$!
disown "$pid"
mkdir "$dir/images"
for i in $(seq "${DUMPS:-80}"); do
	"$O/stasis" dump -t "$pid" -D "$dir/images" -R -o dump.log 2>"$dir/err" && continue
	sed 's/^/# /' "$dir/err"
	echo "not ok 1 - a task with many signals stops (dump $i)"
	echo 1..1
	exit 1
done
echo "ok 1 - a task with many signals stops"
echo 1..1
