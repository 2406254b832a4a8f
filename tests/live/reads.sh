#!/bin/bash
# SPDX-License-Identifier: MIT
# How often a dump reads: what it is told of many descriptors at once it does not ask for each.
# Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/reads.sh" "$@"
skip()
{
	echo "1..0 # SKIP $*"
	exit 0
}
[ -r /proc/self/io ] || skip "this kernel does not count system calls (CONFIG_TASK_IO_ACCOUNTING)"
[ "$(stat -L -c %i /proc/self/ns/pid)" = 4026531836 ] || skip "not in the first pid namespace"
[ "$(wc -c </proc/locks)" -lt 3800 ] || skip "too many file locks are held on this machine"
[ "$(ulimit -Hn)" -gt 12000 ] || skip "too few descriptors are allowed here"
base=${TMPDIR:-/tmp}
[ -w /dev/shm ] && base=/dev/shm
top=$(mktemp -d "$base/stasis-reads.XXXXXX") || exit 1
mkdir "$top/img"
pid=""

finish()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

case $(stat -f -c %T "$top") in
tmpfs | ext2/ext3 | xfs) ;;
*) skip "$base is on a file system whose locks are asked for one by one" ;;
esac
LIVE_DIR=$top setsid "$O/live/files_many" </dev/null >/dev/null 2>&1 &
disown $!
until [ -e "$top/ready" ]; do sleep 0.01; done
pid=$(cat "$top/ready")
nr=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)

# reads: of this shell, and of those it has waited for
reads()
{
	awk '$1 == "syscr:" { print $2 }' "/proc/$BASHPID/io"
}

count()
(
	"$O/stasis" dump -R -t "$pid" -D "$top/img" -o dump.log || exit 1
	reads
)
# one of each file itself, for its build id
nr_reads=$(count)
if [ "${nr_reads:-$nr}" -lt "$nr" ]; then
	echo "ok 1 descriptors are told, not read"
else
	echo "not ok 1 descriptors are told, not read"
	echo "# ${nr_reads:-no dump, no} reads for $nr descriptors"
fi
echo 1..1
