#!/bin/bash
# SPDX-License-Identifier: MIT
# Network namespaces that are not simply made again: left outside and given (--external net,
# --inherit-fd), joined (--join-ns), left empty (--empty-ns), and devices that somebody outside has
# (--external netdev, macvlan, --veth-pair). A failed restore leaves nothing behind. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/networks.sh" "$@"
nft --version >/dev/null 2>&1 || { echo "1..0 # SKIP no nft"; exit 0; }
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch networks) || exit 1
pids=() n=0 why=""

finish()
{
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# sleeps PID: until it has become what it is to be
sleeps()
{
	for _ in {1..1000}; do
		[ "$(cat "/proc/$1/comm")" != sleep ] || return 0
		sleep 0.005
	done
	return 1
}

# network: a namespace with a process in it, $last
network()
{
	unshare --net sleep 300 </dev/null >/dev/null 2>&1 &
	last=$!
	pids+=("$last")
	disown "$last"
	sleeps "$last"
}
net_of() { stat -Lc %i "/proc/$1/ns/net"; }
inside()
{
	local pid=$1
	shift
	nsenter --net="/proc/$pid/ns/net" -- "$@"
}
# tree NETWORK: what is dumped, $tree
tree()
{
	nsenter --net="/proc/$1/ns/net" -- setsid sleep 1000 </dev/null >/dev/null 2>&1 &
	tree=$!
	pids+=("$tree")
	disown "$tree"
	sleeps "$tree"
}
dump()
{
	mkdir -p "$top/$1"
	"$O/stasis" dump -t "$tree" -D "$top/$1" -o dump.log "${@:2}" 2>"$top/said" ||
		{ why="dump: $(cat "$top/said")"; return 1; }
}
restore()
{
	rm -f "$top/$1/pid"
	"$O/stasis" restore -d -D "$top/$1" -o restore.log --pidfile pid "${@:2}" 2>"$top/said" ||
		{ why="restore: $(cat "$top/said")"; return 1; }
	tree=$(cat "$top/$1/pid")
	pids+=("$tree")
}
end_tree()
{
	kill -KILL "$tree"
	while kill -0 "$tree" 2>/dev/null; do sleep 0.01; done
}
is_in() { [ "$(net_of "$tree")" = "$(net_of "$1")" ] || { why="not in that namespace"; return 1; }; }
unlocked()
{
	why="rules: $(inside "$1" nft list ruleset)"
	[ "$why" = "rules: " ]
}
locked() { ! unlocked "$1" || { why="not locked"; return 1; }; }
refused() { ! "$@" || { why="it worked"; return 1; }; }
says() { grep -qF -- "$1" "$top/said" || { why="it said: $(cat "$top/said")"; return 1; }; }
has() { inside "$tree" sh -c "$1" >/dev/null 2>&1 || { why="no: $1"; return 1; }; }

# try NAME FUNCTION
try()
{
	n=$((n + 1)) why=""
	if "$2"; then echo "ok $n $1"; else echo "not ok $n $1"; echo "# $why"; fi
}

network && a=$last
network && b=$last
script=$top/script
# script ACTION COMMAND…
script()
{
	printf '#!/bin/sh\n[ "%s" != %s ] || %s\n' "\$CRTOOLS_SCRIPT_ACTION" "$1" "${*:2}" >"$script"
	chmod +x "$script"
}
outside_given()
{
	tree "$a" && dump given --external "net[$(net_of "$a")]:root" && locked "$a" || return 1
	refused restore given && says "--inherit-fd fd[N]:root" || return 1
	restore given --inherit-fd "fd[9]:root" 9<"/proc/$b/ns/net" && is_in "$b" && unlocked "$b" ||
		return 1
	end_tree
	restore given --inherit-fd "fd[9]:root" 9<"/proc/$a/ns/net" && is_in "$a" && unlocked "$a" || return 1
	end_tree # as runc asks
	restore given --empty-ns net --inherit-fd "fd[9]:root" 9<"/proc/$b/ns/net" && is_in "$b" && unlocked "$b"
}
try "a namespace that is left out is given again" outside_given
failure()
{
	script post-restore exit 1
	refused restore given --inherit-fd "fd[9]:root" --action-script "$script" \
		9<"/proc/$b/ns/net" && unlocked "$b"
}
try "a failed restore leaves no lock in it" failure
joined()
{
	end_tree
	restore given --join-ns "net:/proc/$b/ns/net" && is_in "$b" && unlocked "$b" || return 1
	end_tree
	restore given --join-ns "net:$a" && is_in "$a" && unlocked "$a"
}
try "a namespace is joined, by file and by pid" joined
bad_join()
{
	refused restore given --join-ns "cpu:1" && says "not KIND:FILE" &&
		refused restore given --join-ns "net:/dev/none" && says "/dev/none"
}
try "what cannot be joined is refused" bad_join
by_iptables() { inside "$1" iptables -S | grep -q 'j CRIU'; }
iptables_joined()
{
	end_tree
	network && tree "$last" && dump rules --network-lock iptables || return 1
	by_iptables "$last" || { why="not locked"; return 1; }
	restore rules --join-ns "net:$last" && is_in "$last" || return 1
	! by_iptables "$last" || { why="still locked"; return 1; }
	end_tree
	tree "$last" && dump rules2 --network-lock iptables --external "net[$(net_of "$last")]:root" &&
		restore rules2 --inherit-fd "fd[9]:root" 9<"/proc/$last/ns/net" && is_in "$last" ||
		return 1
	! by_iptables "$last" || { why="still locked, given"; return 1; }
}
if iptables --version >/dev/null 2>&1; then
	try "the lock of iptables that a dump has left goes when its namespace is joined or given" iptables_joined
fi
own_joined()
{
	end_tree
	tree "$$" && dump own && restore own --join-ns "net:$b" && is_in "$b"
}
try "a tree without a namespace apart joins one" own_joined

# held NETWORK: fd 8 of the tree leads to it
held() { [ "$(stat -Lc %i "/proc/$tree/fd/8")" = "$(net_of "$1")" ] || { why="fd 8 is another"; return 1; }; }
other_given()
{
	local key
	end_tree
	network && tree "$last" 8<"/proc/$a/ns/net"
	refused dump other && says "pid $a outside of the tree is in" || return 1
	key="net[$(net_of "$a")]:other"
	dump other --external "$key" --leave-running && unlocked "$a" || return 1
	rm -r "${top:?}/other"
	dump other --external "$key" && locked "$a" && refused restore other &&
		says "--inherit-fd fd[N]:other" || return 1
	restore other --inherit-fd "fd[9]:other" 9<"/proc/$a/ns/net" && held "$a" && unlocked "$a" ||
		return 1
	end_tree
	network && restore other --inherit-fd "fd[9]:other" 9<"/proc/$last/ns/net" && held "$last" &&
		unlocked "$last"
}
try "another one that a descriptor leads to is left out and given again" other_given

empty()
{
	end_tree
	script setup-namespaces "nsenter -t \$CRTOOLS_INIT_PID -n ip link set lo up mtu 4321"
	network && tree "$last" && inside "$last" ip link add v1 type veth peer name v2 &&
		dump empty --empty-ns net && kill "$last" &&
		restore empty --empty-ns net --action-script "$script" &&
		has "ip link show lo | grep -q 'UP.*mtu 4321'" && has "! ip link show v1" &&
		[ "$(net_of "$tree")" != "$(net_of $$)" ] && unlocked "$tree"
}
try "a namespace that is left empty is filled by a script" empty

incomplete()
{
	local image
	end_tree
	network && tree "$last" && dump whole && kill "$last" || return 1
	for image in "$top"/whole/{netdev,ifaddr,route,route6,rule}-*.img; do
		[ -e "$image" ] || continue
		mv "$image" "$top/aside"
		if [[ $image != */rule-* ]]; then # CRIU goes on without
			refused restore whole && says "${image##*/} is missing or empty" || return 1
		fi
		: >"$image"
		refused restore whole && says "${image##*/}" || return 1
		mv "$top/aside" "$image"
	done
	restore whole
}
try "a set that lacks an image of its network is refused" incomplete

ruleless()
{
	end_tree
	network && tree "$last" && dump whole && kill "$last" && rm "$top"/whole/rule-*.img &&
		restore whole && grep -q "there is no rule-" "$top/whole/restore.log" && has "ip rule | grep -q 'lookup main'"
}
try "a set of CRIU without rules, as \`ip rule save\` failed, is restored with a warning" ruleless

# The rest restores from $b, which is the outside.
outside() { inside "$b" "$@"; }
devices()
{
	end_tree
	network && tree "$last" && inside "$last" sh -c "set -e
		ip link add eth0 index 7 mtu 1400 type veth peer name out0 netns $b
		ip link add eth1 index 9 type veth peer name out1 netns $b
		ip link set eth0 up; ip addr add 192.0.2.1/24 dev eth0" &&
		outside ip link add below type ifb && outside ip link add link below name m0 netns "$last" \
			index 12 address 02:00:00:00:00:77 type macvlan mode bridge &&
		inside "$last" ip link set m0 up && dump devices && kill "$last" || return 1
	while outside ip link show out0 >/dev/null 2>&1; do sleep 0.01; done
	refused outside "$O/stasis" restore -d -D "$top/devices" 2>"$top/said" || return 1
	says "--external" || return 1
	outside ip link add given type veth peer name other
	rm -f "$top/devices/pid"
	outside "$O/stasis" restore -d -D "$top/devices" -o restore.log --pidfile pid \
		--external "netdev[eth0]:given" --veth-pair eth1=again1 --external "macvlan[m0]:below" \
		2>"$top/said" || { why="restore: $(cat "$top/said")"; return 1; }
	tree=$(cat "$top/devices/pid")
	pids+=("$tree")
	has "ip -o link show eth0 | grep -q '^7:.*UP.* mtu 1400'" &&
		has "ip addr show eth0 | grep -q 192.0.2.1/24" && has "ip -o link show eth1 | grep -q ^9:" &&
		has "ip -o -d link show m0 | grep -q '^12:.*UP.*02:00:00:00:00:77.*macvlan mode bridge'" &&
		outside ip link show other >/dev/null && outside ip link show again1 >/dev/null
}
try "devices take what the outside has for them" devices
echo "1..$n"
