#!/bin/bash
# SPDX-License-Identifier: MIT
# Options that no program of live tests is dumped with, and settings from outside: --leave-stopped in both
# directions, --evasive-devices, the core dump filter. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/options.sh" "$@"
base=${TMPDIR:-/tmp}
top=$(mktemp -d "$base/stasis-options.XXXXXX") || exit 1
pid="" n=0 reason=""
finish()
{
	[ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# shellcheck source=tests/live/wait.bash
source tests/live/wait.bash
gone() { ! kill -0 -- "-$pid" 2>/dev/null; }
state() { awk '/^State:/ { print $2 }' "/proc/$pid/status"; }
is_stopped() { [ "$(state)" = T ]; }
grows() { [ "$(stat -c %s "$top/out")" -gt "$size" ]; }
runs() { size=$(stat -c %s "$top/out") && until_true grows; }

# A program that writes a byte now and then; what $1 opens stays open as descriptor 7.
start()
{
	rm -rf "$top/images" && mkdir "$top/images" && : >"$top/out"
	# shellcheck disable=SC2016
	setsid bash -c 'exec 7<"$1"; while :; do printf . >>"$2"; sleep 0.02; done' counter "$1" "$top/out" \
		</dev/null >/dev/null 2>&1 &
	pid=$!
	until_true [ -s "$top/out" ]
}
engine() { timeout 30 "$O/stasis" "$@" -D "$top/images" 2>"$top/err" || { reason="$1: $(tail -n 1 "$top/err")" && return 1; }; }
end() { kill -KILL -- "-$pid" && until_true gone && pid=""; }

dump_leaves_the_tree_stopped()
{
	start /dev/null && engine dump -t "$pid" --leave-stopped && until_true is_stopped && kill -CONT -- "-$pid" && runs && end
}
images_of_a_stopped_tree_restore()
{
	local stopped
	start /dev/null && engine dump -t "$pid" --leave-stopped && stopped=$pid && end && engine restore -d &&
		pid=$stopped && runs && end
}
restore_leaves_the_tree_stopped()
{
	start /dev/null && engine dump -t "$pid" && until_true gone && engine restore -d --leave-stopped &&
		until_true is_stopped && kill -CONT -- "-$pid" && runs && end
}
core_dump_filter_is_kept()
{
	start /dev/null && echo 0x3b >"/proc/$pid/coredump_filter" && engine dump -t "$pid" && until_true gone &&
		engine restore -d && [ "$(cat "/proc/$pid/coredump_filter")" = 0000003b ] && end
}
device_is_opened_by_a_node_made_anew()
{
	mknod "$top/node" c 1 3 || return 1
	start "$top/node" && rm "$top/node" && mknod "$top/node" c 1 3 &&
		engine dump -t "$pid" --evasive-devices && [ ! -e "$top/images/remap-fpath.img" ] && until_true gone &&
		engine restore -d --evasive-devices && [ "/proc/$pid/fd/7" -ef "$top/node" ] && runs && end
}

tests="dump_leaves_the_tree_stopped images_of_a_stopped_tree_restore restore_leaves_the_tree_stopped
	core_dump_filter_is_kept device_is_opened_by_a_node_made_anew"
for test in $tests; do
	n=$((n + 1)) reason=""
	if $test; then
		echo "ok $n $test"
	else
		echo "not ok $n $test"
		echo "# ${reason:-it is not as it should be}"
		[ -z "$pid" ] || end 2>/dev/null
	fi
done
echo "1..$n"
