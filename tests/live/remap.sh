#!/bin/bash
# SPDX-License-Identifier: MIT
# A server and its client, each dumped by itself in a network namespace of its own, get addresses of
# another network and are restored in namespaces that have these: what is listened at and the
# connection between them go on there. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/remap.sh" "$@"
PEER=${PEER:-}
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch remap) || exit 1
holders=() pids=()

finish()
{
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	[ ${#holders[@]} = 0 ] || kill "${holders[@]}" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# network NAME ADDRESS: a namespace; its holder's pid goes to holder[NAME]
declare -A holder
network()
{
	unshare --net sleep 300 </dev/null >/dev/null 2>&1 &
	holder[$1]=$!
	holders+=("$!")
	disown "$!"
	until [ "$(readlink "/proc/${holder[$1]}/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do
		kill -0 "${holder[$1]}" 2>/dev/null || return 1
		sleep 0.005
	done
	inside "$1" ip link set lo up
}
inside()
{
	local name=$1
	shift
	nsenter --net="/proc/${holder[$name]}/ns/net" -- "$@"
}
# cable A B NETWORK: .2 in A, .3 in B
cable()
{
	inside "$1" ip link add eth0 type veth peer name eth0 netns "${holder[$2]}" &&
		inside "$1" ip addr add "$3.2/24" dev eth0 && inside "$2" ip addr add "$3.3/24" dev eth0 &&
		inside "$1" ip link set eth0 up && inside "$2" ip link set eth0 up
}

start() # ROLE
{
	mkdir -p "$top/$1/set"
	(cd "$top/$1" && exec env -i LIVE_DIR="$top/$1" setsid nsenter \
		--net="/proc/${holder[old-$1]}/ns/net" -- "$O/live/net_remap" "$1" </dev/null >out 2>&1) &
	pid[$1]=$!
	pids+=("$!")
	disown "$!"
}

# step WHAT COMMAND…: on failure the reason is its last words
step()
{
	local what=$1
	shift
	"$@" >"$top/step" 2>&1 && return 0
	reason="$what: $(tail -n 1 "$top/step")"
	return 1
}

declare -A pid
move() # RESTORER
{
	local role
	command -v iptables >/dev/null || { reason="no iptables"; return 77; }
	network old-server && network old-client && cable old-server old-client 10.55.0 || return 1
	start server
	step "no server" until_true [ -e "$top/server/listens" ] || return 1
	start client
	step "no client" until_true [ -e "$top/client/client-ready" ] || return 1
	step "no connection" until_true [ -e "$top/server/ready" ] || return 1
	for role in client server; do
		step dump inside "old-$role" timeout 30 "$O/stasis" dump --tcp-established \
			-t "${pid[$role]}" -D "$top/$role/set" || return 1
	done
	network new-server && network new-client && cable new-server new-client 10.66.0 || return 1
	# as long as one end is not there, its kernel would give the connection up
	for role in client server; do
		step iptables inside "new-$role" iptables -A INPUT -i eth0 -j DROP || return 1
	done
	for role in client server; do
		step remap "$O/crit" remap -o "$top/$role/moved" --ip 10.55.0.0/24=10.66.0.0/24 \
			"$top/$role/set" || return 1
		step verify "$O/crit" verify "$top/$role/moved" || return 1
		step restore inside "new-$role" timeout 30 "$1" restore -d -v4 -o restore.log --tcp-established \
			-D "$top/$role/moved" || return 1
	done
	for role in client server; do
		inside "new-$role" iptables -F
		touch "$top/$role/go"
	done
	for role in client server; do
		step "$role: no verdict" until_true [ -e "$top/$role/verdict" ] || return 1
		read -r reason <"$top/$role/verdict"
		[ "$reason" = pass ] || return 1
	done
}

n=0
for restorer in "$O/stasis" ${PEER:+"$PEER"}; do
	n=$((n + 1)) reason="no network namespace"
	move "$restorer"
	rc=$?
	if [ $rc = 77 ]; then
		echo "ok $n a connection goes on at other addresses # SKIP $reason"
	elif [ $rc = 0 ]; then
		echo "ok $n a connection goes on at other addresses, restored by ${restorer##*/}"
	else
		echo "not ok $n a connection goes on at other addresses, restored by ${restorer##*/}"
		echo "# $reason"
	fi
	rm -rf "$top/server" "$top/client"
done
echo "1..$n"
