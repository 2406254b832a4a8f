#!/bin/bash
# SPDX-License-Identifier: MIT
# A task in a user namespace inside of the tree's, whose pid another process chooses: when that pid is
# taken, and when who takes part in its birth dies. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
if [ "$(id -u)" != 0 ] || ! unshare --user true 2>/dev/null; then
	echo "1..0 # SKIP needs root, and user namespaces"
	exit 0
fi
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/user-pids.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch user-pids) || exit 1
pids=() n=0 only=${1:-}

finish()
{
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# dumped: $tree of two, the second of which, $inner, was in namespaces of its own; nobody has their pids
dumped()
{
	dir=$top/$((n += 1))
	mkdir -p "$dir/img"
	setsid unshare --user --map-root-user --pid --fork --kill-child sleep 1000 </dev/null >/dev/null 2>&1 &
	tree=$!
	pids+=("$tree")
	disown "$tree"
	until_true pgrep -x -P "$tree" sleep || return 1
	inner=$(pgrep -x -P "$tree" sleep)
	"$O/stasis" dump -t "$tree" -D "$dir/img" -v4 -o dump.log >"$dir/said" 2>&1 ||
		{ reason="dump: $(tail -n 1 "$dir/said")"; return 1; }
	until_true gone "$tree" && until_true gone "$inner"
}
# restores: within the seconds that a wait for anybody takes at most
restores() { timeout -s KILL 9 "$O/stasis" restore -d -D "$dir/img" -v4 -o restore.log "$@" >"$dir/said" 2>&1; }
says() { grep -qF -- "$1" "$dir/said" || { reason="it said: $(cat "$dir/said")"; return 1; }; }
nothing_is_left() { until_true gone "$tree" || return 1; }
hold() { (cd "$dir/img" && "$O/live/task_remap_pids" hold "$@"); }

taken()
{
	dumped && hold "$inner" && pids+=("$inner") || return 1
	local start=${EPOCHREALTIME/./}
	restores && { reason="it worked"; return 1; }
	local ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	kill -KILL "$inner"
	[ "$ms" -lt 4000 ] || { reason="it took $ms ms"; return 1; }
	says "pid $inner is taken by the running task \"task_remap_pids\": end it" && nothing_is_left
}
# The number of a thread
thread_taken()
{
	dir=$top/$((n += 1))
	mkdir -p "$dir/img"
	LIVE_DIR=$dir setsid "$O/live/ns_user_nested_threads" </dev/null >"$dir/out" 2>&1 &
	tree=$!
	pids+=("$tree")
	disown "$tree"
	until_true [ -e "$dir/ready" ] || return 1
	local start ms thread
	inner=$(pgrep -P "$tree")
	thread=$(find "/proc/$inner/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1)
	"$O/stasis" dump -t "$tree" -D "$dir/img" -v4 -o dump.log >"$dir/said" 2>&1 ||
		{ reason="dump: $(tail -n 1 "$dir/said")"; return 1; }
	until_true gone "$tree" && hold "$thread" && pids+=("$thread") || return 1
	start=${EPOCHREALTIME/./}
	restores && { reason="it worked"; return 1; }
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	kill -KILL "$thread"
	[ "$ms" -lt 4000 ] || { reason="it took $ms ms"; return 1; }
	says "pid $thread is taken by the running task \"task_remap_pids\": end it" && nothing_is_left
}
# who had it ends soon: its parent is slow
zombie()
{
	"$O/live/task_remap_pids" hold-dead "$@" &
	disown $!
	until_true grep -q '^State:.Z' "/proc/$1/status"
}
ending()
{
	dumped && zombie "$inner" 300 || return 1
	restores || { reason=$(cat "$dir/said"); return 1; }
	[ "$(cat "/proc/$inner/comm")" = sleep ] && kill -KILL "$tree" && until_true gone "$inner"
}
# A process of the restore, while that waits for the pid
is_giver() { find "/proc/$1/fd" -lname "*/ns_last_pid" 2>/dev/null | grep -q .; }
find_engine() { engine=$(pgrep -o -x -f "$O/stasis restore -d -D $dir/img.*"); }
find_giver() { for victim in $(pgrep -P "$engine"); do is_giver "$victim" && return; done; return 1; }
find_bearer() { victim=$(pgrep -P "$tree") && [ -n "$victim" ]; }
at_once()
{
	for _ in {1..50}; do
		"$@" && return
		sleep 0.01
	done
	return 1
}
# victim FIND TEXT OPTION…
victim()
{
	restores "${@:3}" &
	local waiter=$!
	until_true find_engine && at_once "$1" && kill -KILL "$victim"
	wait "$waiter"
	says "$2" && nothing_is_left
}
# meets FIND TEXT: who is looked for may be gone on a busy machine, as a dead one is waited for a second
meets()
{
	for _ in {1..5}; do
		dumped && zombie "$inner" 5000 && victim "$@" && return
	done
	return 1
}
giver_dies() { meets find_giver "the process that chooses pids in pid namespace"; }
bearer_dies() { meets find_bearer "who was to bear it has died of signal 9"; }
# The root's, in namespaces that are joined: its children are born into another pid namespace.
find_root_bearer()
{
	for victim in $(pgrep -P "$engine"); do
		[ "$(readlink "/proc/$victim/ns/pid_for_children")" != "$(readlink "/proc/$box/ns/pid_for_children")" ] ||
			return 0
	done
	return 1
}
root_bearer_dies()
{
	dumped || return 1
	unshare --user --map-root-user --pid --fork --kill-child "$O/reaper" sleep 600 </dev/null >/dev/null 2>&1 &
	disown $!
	until_true pgrep -x -P $! reaper && box=$(pgrep -x -P $! reaper) && pids+=("$box") || return 1
	nsenter --user --pid --target "$box" "$O/live/task_remap_pids" hold-dead "$tree" 5000 &
	disown $!
	sleep 0.2
	victim find_root_bearer "task $tree: who was to bear it has died" --join-ns "user:$box" --join-ns "pid:$box"
}

run_tests taken thread_taken ending giver_dies bearer_dies root_bearer_dies
