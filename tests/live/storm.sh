#!/bin/bash
# SPDX-License-Identifier: MIT
# A task that gets signals all the time stops at each of DUMPS=80 dumps. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
dir=$(mktemp -d) || exit 1
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
LIVE_DIR=$dir setsid "$O/live/task_timer_storm" </dev/null >"$dir/out" 2>&1 &
pid=$!
disown "$pid"
for _ in $(seq 1000); do [ -e "$dir/ready" ] && break; sleep 0.01; done
[ -e "$dir/ready" ] || { echo "not ok 1 - the program is ready"; echo 1..1; exit 1; }
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
