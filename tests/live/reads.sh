#!/bin/bash
# SPDX-License-Identifier: MIT
# How often a dump reads: what it is told of many descriptors at once it does not ask for each.
# Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/reads.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch reads) || exit 1
mkdir "$top/img"
pid="" only=${1:-}

finish()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# where it cannot be told of all, each is asked for: 77 and `reason`
needs()
{
	[ -r /proc/self/io ] || reason="this kernel does not count system calls (CONFIG_TASK_IO_ACCOUNTING)"
	[ "$(stat -L -c %i /proc/self/ns/pid)" = 4026531836 ] || reason="not in the first pid namespace"
	[ "$(wc -c </proc/locks)" -lt 3800 ] || reason="too many file locks are held on this machine"
	[ "$(ulimit -Hn)" -gt 12000 ] || reason="too few descriptors are allowed here"
	case $(stat -f -c %T "$top") in
	tmpfs | ext2/ext3 | xfs) ;;
	*) reason="$top is on a file system whose locks are asked for one by one" ;;
	esac
	[ -z "$reason" ] || return 77
}

# nr_reads COMMAND…: how many it takes
nr_reads()
(
	"$@" >"$top/said" 2>&1 || exit 1
	awk '$1 == "syscr:" { print $2 }' "/proc/$BASHPID/io" # with those it has waited for
)

descriptors_are_told_not_read()
{
	needs || return
	LIVE_DIR=$top setsid "$O/live/files_many" </dev/null >/dev/null 2>&1 &
	disown $!
	until_true [ -s "$top/ready" ] || return 1
	pid=$(cat "$top/ready")
	local reads descriptors=("/proc/$pid/fd"/*)
	reads=$(nr_reads "$O/stasis" dump -R -t "$pid" -D "$top/img" -o dump.log) ||
		{ reason="dump: $(tail -n 1 "$top/said")"; return 1; }
	# one of each file itself, for its build id
	[ "$reads" -lt ${#descriptors[@]} ] ||
		{ reason="$reads reads for ${#descriptors[@]} descriptors"; return 1; }
}
run_tests descriptors_are_told_not_read
