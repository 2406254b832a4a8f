#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree whose clocks are ahead of those here (dumped before a restart, or on another machine) gets
# clocks of its own; one whose clocks are behind goes on with those of the machine. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/clocks.sh" "$@"
unshare -T true 2>/dev/null || { echo "1..0 # SKIP no time namespaces here"; exit 0; }
top=$(mktemp -d) || exit 1
pid=""

finish()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# clock PID: seconds of its CLOCK_MONOTONIC
clock()
{
	local offset uptime
	offset=$(awk '$1 == "monotonic" { print $2 }' "/proc/$1/timens_offsets")
	read -r uptime _ </proc/uptime # CLOCK_BOOTTIME, the same on a machine that never slept
	echo $((${uptime%.*} + offset))
}

# round DIR SECONDS: with that added to the clocks in the images
round()
{
	local sec clock
	rm -f "$top/started"
	setsid sh -c "touch $top/started; exec sleep 1000" </dev/null >/dev/null 2>&1 &
	pid=$!
	until [ -e "$top/started" ]; do sleep 0.01; done
	mkdir "$1"
	"$O/stasis" dump -t "$pid" -D "$1" -o dump.log || return 1
	for clock in monotonic boottime; do
		sec=$("$O/crit" decode "$1/timens-0.img" |
			sed "s/.*\"$clock\": {\"tv_sec\": \([0-9]*\).*/\1/")
		"$O/crit" edit --in-place "$1:timens-0.img" "$clock.tv_sec=$((sec + $2))" >/dev/null ||
			return 1
	done
	"$O/stasis" restore -d -D "$1" -o restore.log
}

n=0
# expect NAME DIFFERENCE: of the restored process to this shell
expect()
{
	local difference
	n=$((n + 1))
	[ -d "/proc/$pid" ] || { echo "not ok $n $1"; return; }
	difference=$(($(clock "$pid") - $(clock $$)))
	if [ $difference -ge $(($2 - 5)) ] && [ $difference -le $(($2 + 5)) ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		echo "# its clock is $difference s ahead, want $2"
	fi
	kill -KILL "$pid"
}

round "$top/ahead" 5000
expect "clocks that are ahead go on" 5000
round "$top/behind" -100
expect "clocks that are behind follow the machine" 0
unshare -T --monotonic 7000 --boottime 7000 setsid sh -c "echo \$\$ >$top/other; exec sleep 1000" &
until [ -s "$top/other" ]; do sleep 0.01; done
other=$(cat "$top/other")
until [ ! -d "/proc/$pid" ]; do sleep 0.01; done
"$O/stasis" restore -d -D "$top/behind" -o join.log --join-ns "time:/proc/$other/ns/time"
expect "a time namespace is joined" 7000
kill -KILL "$other"
echo "1..$n"
