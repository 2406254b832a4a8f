#!/bin/bash
# SPDX-License-Identifier: MIT
# What is in the way of a dump for a moment only: connections that wait to be accepted, a tracer. The
# tree goes on for that moment, and is dumped after it; what does not pass is refused. Prints TAP.
# tests/live/busy.sh [TEST]    CYCLES=10 dumps and restores under load
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
if [ "$(id -u)" != 0 ] || ! { command -v nft && command -v ip; } >/dev/null; then
	echo "1..0 # SKIP needs root, nft and ip"
	exit 0
fi
[ -n "${APART:-}" ] || APART=1 exec unshare --net --pid --fork --kill-child --mount-proc -- \
	"$O/reaper" "tests/live/busy.sh" "$@"
ip link set lo up
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
only=${1:-}
cycles=${CYCLES:-10}
top=$(scratch busy) || exit 1
trap 'rm -rf "$top"' EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -o "$top/busy" tests/live/busy/*.c || exit 1
cd "$top" || exit 1

# run PROGRAM…: in a session of its own, as $pid
run()
{
	setsid "$@" </dev/null >/dev/null 2>&1 &
	pid=$!
	disown $pid
	until_true grep -qx busy "/proc/$pid/comm"
}
listens() { "$top/busy" ask "$1" probe 1 & local p=$!; disown $p; until_true test -s probe; kill -KILL $p; rm -f probe; }
dump() { rm -rf images; mkdir images; "$O/stasis" dump -t "$pid" -D images -v4 -o dump.log "$@" 2>err </dev/null; }
restore() { "$O/stasis" restore -d -D images "$@" 2>err </dev/null; }
tried_again() { grep -c "that may pass" images/dump.log; }
said() { reason="$1: $(cat err)"; return 1; }
answers() { stat -c %s count; }
more_than() { [ "$(answers)" -gt "$1" ]; }

# under_load ADDRESS CLIENTS OPTION…: dumped and restored many times, and the clients go on
under_load()
{
	local address=$1 clients=$2 server again=0 i status=0
	shift 2
	run "$top/busy" serve "$address" || return 1
	server=$pid
	rm -f count
	setsid "$top/busy" ask "$address" count "$clients" </dev/null >/dev/null 2>&1 &
	local asking=$!
	disown $asking
	until_true test -s count || return 1
	pid=$server
	for ((i = 1; i <= cycles || (again == 0 && i <= 5 * cycles); i++)); do
		dump "$@" || { said "dump $i"; status=1; break; }
		until_true gone "$pid" || { status=1; break; }
		again=$((again + $(tried_again)))
		restore "$@" || { said "restore $i"; status=1; break; }
		until_true more_than $(($(answers) + 5)) || { status=1; break; }
	done
	kill -KILL -- "$pid" -$asking
	[ $status = 0 ] || return 1
	[ $again -gt 0 ] || { reason="nothing was in the way in $i dumps"; return 1; }
}
tcp() { under_load 7410 4 --tcp-established; }
unix_sockets() { under_load "$top/socket" 2; }

# waiting: $pid, with a connection that nobody will accept
waiting()
{
	rm -f count
	run "$top/busy" idle 7411 || return 1
	until_true connects && exec 5<>/dev/tcp/127.0.0.1/7411
}
# connects [SECONDS]
connects() { timeout "${1:-0.5}" bash -c 'exec 5<>/dev/tcp/127.0.0.1/7411'; }
refused()
{
	local from to status=1
	waiting || return 1
	from=$(date +%s%3N)
	if dump; then
		reason="it was dumped"
	elif ! grep -q "^stasis dump: pid $pid (busy): fd 3 is a listening TCP socket with connections that wait" err; then
		said "dump"
	elif to=$(date +%s%3N) && [ $((to - from)) -lt 630 ] || [ $((to - from)) -gt 5000 ]; then
		reason="it took $((to - from)) ms"
	elif [ "$(tried_again)" != 6 ]; then
		reason="it was tried again $(tried_again) times"
	elif [ "$(ls -A images)" != dump.log ]; then
		reason="left: $(ls images)"
	elif ! connects; then
		reason="it takes no connection any more"
	else
		status=0
	fi
	kill -KILL "$pid"
	exec 5>&-
	return $status
}
in_time()
{
	local from to status=0
	waiting || return 1
	from=$(date +%s%3N)
	dump --timeout 1 && { reason="it was dumped"; status=1; }
	to=$(date +%s%3N)
	[ $((to - from)) -lt 1500 ] || { reason="it took $((to - from)) ms"; status=1; }
	kill -KILL "$pid"
	exec 5>&-
	return $status
}
# The engine is killed while the tree goes on: the socket takes connections again.
killed()
{
	local engine status=0
	waiting || return 1
	rm -rf images
	mkdir images
	"$O/stasis" dump -t "$pid" -D images -v4 -o dump.log 2>err </dev/null &
	engine=$!
	until_true grep -q "goes on for 320 ms" images/dump.log
	connects 0.1 && { reason="connections were taken meanwhile"; status=1; }
	kill -KILL $engine || { reason="it ended before it was killed"; status=1; }
	wait $engine 2>/dev/null
	until_true connects || status=1
	kill -KILL "$pid"
	exec 5>&-
	return $status
}
# Scripts hear of the beginning once, of the lock and its end in turn.
scripts()
{
	local heard
	run unshare --net sh -c 'ip link set lo up; exec "$@"' - "$top/busy" idle 7411 || return 1
	nsenter --net --target "$pid" bash -c \
		'until exec 5<>/dev/tcp/127.0.0.1/7411; do sleep 0.02; done 2>/dev/null; exec sleep 100' &
	local client=$!
	until_true grep -qx sleep "/proc/$client/comm" || return 1
	rm -f heard
	dump --timeout 1 --action-script "echo \$CRTOOLS_SCRIPT_ACTION >>$top/heard"
	kill -KILL "$pid" $client
	wait $client 2>/dev/null
	heard=$(tr '\n' ' ' <heard)
	[[ $heard =~ ^"pre-dump "("network-lock network-unlock "){3,7}$ ]] || { reason="heard: $heard"; return 1; }
}
# Who froze the tree before wants it to run no longer than it must: it is refused at once.
frozen()
{
	local group=/sys/fs/cgroup/freezer/busy-$$ status=0
	mkdir "$group" 2>/dev/null || { reason="no freezer of cgroup v1"; return 77; }
	waiting && echo "$pid" >"$group/cgroup.procs" && echo FROZEN >"$group/freezer.state" || status=1
	dump --freeze-cgroup "$group" && { reason="it was dumped"; status=1; }
	[ "$(tried_again)" = 0 ] || { reason="it was tried again"; status=1; }
	[ "$(cat "$group/freezer.state")" = FROZEN ] || { reason="it was not frozen again"; status=1; }
	echo THAWED >"$group/freezer.state"
	kill -KILL "$pid"
	exec 5>&-
	until_true rmdir "$group"
	return $status
}
traced()
{
	local tracer
	run "$top/busy" idle 7411 || return 1
	"$top/busy" trace "$pid" 100 >traced &
	tracer=$!
	until_true grep -q traced traced
	dump || { said dump; kill -KILL "$pid"; return 1; }
	wait $tracer
	until_true gone "$pid" || return 1
	[ "$(tried_again)" -gt 0 ] || { reason="nothing was in the way"; return 1; }
}

run_tests tcp unix_sockets refused in_time killed scripts frozen traced
