#!/bin/bash
# SPDX-License-Identifier: MIT
# What is said about the rules that hold TCP connections still: to who may set none, and after a
# restore that failed how to take away those of the dump. Prints TAP.
# tests/live/tcp-locked.sh [TEST]
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
if [ "$(id -u)" != 0 ] || ! { command -v nft && command -v iptables-save; } >/dev/null; then
	echo "1..0 # SKIP needs root, nft and iptables"
	exit 0
fi
[ -n "${APART:-}" ] || APART=1 exec unshare --net --pid --fork --kill-child --mount-proc -- \
	"$O/reaper" "tests/live/tcp-locked.sh" "$@"
ip link set lo up
ip address add 10.9.8.7/32 dev lo
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
only=${1:-}
top=$(scratch tcp-locked) || exit 1
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1

setsid "$O/refused" listens >out 2>&1 </dev/null &
until_true grep -q ready out || exit 1

# connected: $pid, that of a program with a connection
connected()
{
	rm -rf images
	mkdir images
	setsid bash -c 'exec 5<>/dev/tcp/10.9.8.7/7000; exec sleep 1000' </dev/null >/dev/null 2>&1 &
	pid=$!
	disown $pid
	until_true grep -qx sleep "/proc/$pid/comm"
}
says() { grep -qF -- "$1" err || { reason="no '$1' in: $(cat err)"; return 1; }; }
dump() { "$O/stasis" dump -t "$pid" -D images --tcp-established "$@" 2>err </dev/null; }

without_rights()
{
	local status=0 method
	for method in iptables nftables; do
		connected || return 1
		setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$O/stasis" dump -t "$pid" \
			-D images --tcp-established --network-lock $method 2>err </dev/null &&
			{ reason="it was dumped with $method"; return 1; }
		says "the network cannot be locked (to keep connections needs CAP_NET_ADMIN, --tcp-close" ||
			status=1
		kill -KILL "$pid"
	done
	return $status
}

# restore_fails: the pid is not to be had
restore_fails()
{
	! "$O/stasis" restore -d -D images --tcp-established 2>err </dev/null || { reason="it was restored"; return 1; }
}
# stays METHOD LIST: a restore fails; the command it names takes away what LIST prints, and the next
# one that fails speaks of nothing that is left
stays()
{
	local command status=0
	connected || return 1
	dump --network-lock "$1" || { reason="dump: $(cat err)"; return 1; }
	until_true gone "$pid"
	echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
	sleep 1000 >/dev/null 2>&1 &
	disown
	named_rules_are_all "$2" || status=1
	kill -KILL "$pid"
	return $status
}
named_rules_are_all()
{
	restore_fails && says "the rules that the dump set for 1 TCP connections stay" || return 1
	$1 | grep -q 10.9.8.7 || { reason="no rules: $($1)"; return 1; }
	command=$(sed -n 's/.*to give them up: //p' err)
	eval "${command%, and so with ip6tables}"
	! $1 | grep -q 10.9.8.7 || { reason="'$command' leaves: $($1)"; return 1; }
	restore_fails || return 1
	! says "the rules that the dump set" || { reason="it speaks of rules that are gone"; return 1; }
}
nftables_stay() { stays nftables "nft list ruleset"; }
iptables_stay() { stays iptables iptables-save; }

run_tests without_rights nftables_stay iptables_stay
