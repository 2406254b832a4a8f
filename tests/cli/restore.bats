#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stasis restore: exit status, what it writes, and that a failure leaves nothing behind.
# shellcheck disable=SC2016,SC2030,SC2031,SC2217 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "restoring needs root"
	stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir img
	tree=()
}

teardown()
{
	[ "${#tree[@]}" = 0 ] || kill -KILL "${tree[@]}" 2>/dev/null || true
}

# is_alive PID: there, and no zombie
is_alive() { grep -q '^State:.*[^ZX] (' "/proc/$1/status" 2>/dev/null; }

wait_dead()
{
	local _ pid
	for pid in "$@"; do
		for _ in $(seq 500); do
			is_alive "$pid" || break
			sleep 0.01
		done
		is_alive "$pid" && return 1
	done
	return 0
}

# start COMMAND…: sets pid
start()
{
	setsid "$@" </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	tree=("$pid")
	sleep 0.3
}

# dump_sleep [OPTION…]: a set of one task in img
dump_sleep()
{
	start sleep 1000
	"$stasis" dump -t "$pid" -D img -v0 "$@"
}

# dump_tree: a shell and its children in img
dump_tree()
{
	start bash -c 'for i in $(seq 12); do sleep 1000 & done; wait'
	local children end=$((SECONDS + 10))
	until [ "$(pgrep -c -x -P "$pid" sleep)" = 12 ]; do
		[ $SECONDS -lt $end ]
		sleep 0.02
	done
	read -ra children <<<"$(cat "/proc/$pid/task/$pid/children")"
	tree+=("${children[@]}")
	[ "${#tree[@]}" = 13 ]
	"$stasis" dump -t "$pid" -D img -v0
	wait_dead "${tree[@]}"
}

@test "restore -d leaves the tree running, writes pidfile, log and statistics" {
	dump_sleep
	mkdir work
	run -0 "$stasis" restore -d -D img -W work -o restore.log -v4 --pidfile pid
	[ -z "$output" ]
	is_alive "$pid"
	[ "$(cat work/pid)" = "$pid" ]
	[ -s work/restore.log ]
	[ -s work/stats-restore ]
	[ "$(cat "/proc/$pid/comm")" = sleep ]
}

# stat FILE NAME: one figure of a statistics image
stat_of()
{
	"${stasis%/*}/crit" decode "$1" | grep -o "\"$2\": [0-9]*" | cut -d' ' -f2
}

@test "statistics count the pages put back, and those a fork still shares" {
	dump_sleep
	run -0 "$stasis" restore -d -D img
	# all but those of the vdso, which is there already
	local restored
	restored=$(stat_of img/stats-restore pages_restored)
	[ "$restored" -gt 10 ]
	[ "$restored" -le "$(stat_of img/stats-dump pages_written)" ]
	[ "$(stat_of img/stats-restore pages_compared)" = 0 ]
	kill -KILL "$pid"
	rm -r img
	mkdir img
	start bash -c 'sleep 1000 & (while :; do sleep 1000; done)'
	sleep 0.3
	local leader=$pid
	read -ra tree <<<"$(pgrep -s "$leader" | tr '\n' ' ')"
	"$stasis" dump -t "$leader" -D img -v0
	wait_dead "${tree[@]}"
	run -0 "$stasis" restore -d -D img
	[ "$(stat_of img/stats-restore pages_compared)" -gt 0 ]
	[ "$(stat_of img/stats-restore pages_skipped_cow)" -gt 0 ]
}

@test "restore leaves no mapping and no descriptor of its own" {
	start sleep 1000
	local maps fds
	maps=$(cut -d' ' -f1-3 "/proc/$pid/maps")
	fds=$(ls "/proc/$pid/fd")
	"$stasis" dump -t "$pid" -D img -v0
	"$stasis" restore -d -D img -v0
	diff <(echo "$maps") <(cut -d' ' -f1-3 "/proc/$pid/maps")
	diff <(echo "$fds") <(ls "/proc/$pid/fd")
}

@test "restore without -d waits for the tree and succeeds however it ends" {
	dump_sleep
	(
		sleep 0.5
		kill -KILL "$pid"
	) 3>&- &
	run -0 timeout 20 "$stasis" restore -D img
}

@test "a caller that ignores SIGCHLD may restore, and run scripts" {
	start sleep 1000
	export stasis
	run -0 bash -c 'trap "" CHLD; exec "$stasis" dump -t "$0" -D img -v0 --action-script true' "$pid"
	run -0 bash -c 'trap "" CHLD; exec "$stasis" restore -d -D img -v0 --action-script true'
	is_alive "$pid"
}

@test "restore --exec-cmd: who adopted orphans before does so afterwards" {
	dump_sleep
	export stasis
	run -0 /usr/bin/python3 -c '
import ctypes, os
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
os.execv(os.environ["stasis"], ["stasis", "restore", "-D", "img", "-v0", "--exec-cmd", "--", "/usr/bin/python3", "-c", """
import ctypes
adopts = ctypes.c_int()
ctypes.CDLL(None).prctl(37, ctypes.byref(adopts))  # PR_GET_CHILD_SUBREAPER
print("adopts", adopts.value)"""])'
	[ "$output" = "adopts 1" ]
}

@test "restore -S makes the root a child of the caller" {
	dump_sleep
	# the shell that waits for its child is the caller
	run -0 bash -c '"$0" restore -d -S -D img -v0; grep PPid "/proc/$1/status"; echo "me $$"' \
		"$stasis" "$pid"
	[ "$(awk '/PPid/ { print $2 }' <<<"$output")" = "$(awk '/me/ { print $2 }' <<<"$output")" ]
	run -1 "$stasis" restore -S -D img
}

@test "restore -j takes the session of the caller" {
	sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	tree=("$pid")
	sleep 0.2
	"$stasis" dump -j -t "$pid" -D img -v0
	run -1 "$stasis" restore -d -D img
	[[ $output == *"pid $pid"*--shell-job* ]]
	run -0 "$stasis" restore -d -j -D img
	[ "$(ps -o sid= -p "$pid")" = "$(ps -o sid= -p $$)" ]
}

@test "restore -j knows a session led from outside of the pid namespace" {
	export stasis
	run -0 unshare --pid --fork --mount-proc bash -c '
		sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
		sleep 0.2
		"$stasis" dump -j -t $! -D img -v0 && "$stasis" restore -d -j -D img && ps -o sid= -p $!'
	[ "${lines[-1]//[[:space:]]/}" = 0 ]
}

# restore_few NR: where no more than so many tasks may be
restore_few()
{
	local group=/sys/fs/cgroup/pids/stasis-test-$$
	mkdir "$group" && echo "$1" >"$group/pids.max"
	run -1 bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" restore -d -D img --manage-cgroups=ignore' - "$group" "$stasis"
	until rmdir "$group"; do sleep 0.01; done 2>/dev/null
}

@test "where there is no room for another task or thread, the limits are named" {
	[ -w /sys/fs/cgroup/pids/cgroup.procs ] || skip "no hierarchy of cgroups for pids alone"
	start bash -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait'
	until [ "$(wc -w <"/proc/$pid/task/$pid/children")" = 8 ]; do sleep 0.01; done
	"$stasis" dump -t "$pid" -D img
	wait_dead "$pid"
	restore_few 6
	[[ $output == *"create task "*"pids.max of the control group"*"Resource temporarily unavailable" ]]
	start /usr/bin/python3 -c 'import threading, time
for i in range(8): threading.Thread(target=time.sleep, args=(1000,)).start()'
	until [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 9 ]; do sleep 0.01; done
	"$stasis" dump -t "$pid" -D img
	wait_dead "$pid"
	restore_few 6
	[[ $output == *"create thread "*"pids.max of the control group"*"Resource temporarily unavailable" ]]
}

@test "where there is no room for memory, the limits are named" {
	start /usr/bin/python3 -c 'import mmap, time
held = mmap.mmap(-1, 512 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
open("ready", "w")
time.sleep(1000)'
	until [ -e ready ]; do sleep 0.01; done
	"$stasis" dump -t "$pid" -D img
	wait_dead "$pid"
	run -1 bash -c 'ulimit -v 400000 && exec "$0" restore -d -D img' "$stasis"
	[[ $output == *"pid $pid (python3): "*"ulimit -v"*"vm.max_map_count"*"Cannot allocate memory" ]]
}

@test "a taken pid is named with its holder, who stays untouched" {
	dump_sleep -R
	run -1 "$stasis" restore -d -D img
	[[ $output == *"pid $pid is taken"*'"sleep"'* ]]
	is_alive "$pid"
}

@test "--remap-pids: a taken pid becomes another, and is named with its holder" {
	dump_sleep -R
	run -0 "$stasis" restore -d -D img --remap-pids --pidfile pid -o log
	new=$(cat img/pid)
	tree+=("$new")
	[ "$new" != "$pid" ]
	[[ $output == "pid $pid (sleep) becomes $new: $pid is taken by the running task \"sleep\""* ]]
	grep -qF "$output" img/log
	is_alive "$pid"
	is_alive "$new"
	[ "$(ps -o sid= -p "$new" | tr -d ' ')" = "$new" ]
}

@test "--remap-pids: nothing is said or changed where all pids are free" {
	dump_sleep
	run -0 "$stasis" restore -d -D img --remap-pids
	[ -z "$output" ]
	is_alive "$pid"
	run -1 "$stasis" restore -d -D img --remap-pids=some
	[[ $output == *"--remap-pids: some is not force"* ]]
}

@test "--remap-pids: a process that knows another by its pid is in the way, unless forced" {
	start sh -c 'sleep 1000; :'
	until child=$(ps -o pid= --ppid "$pid" | tr -d ' ') && [ -n "$child" ] &&
		[ "$(cat "/proc/$child/comm")" = sleep ]; do sleep 0.01; done
	tree+=("$child")
	"$stasis" dump -t "$pid" -D img -v0 -R
	run -1 "$stasis" restore -d -D img --remap-pids
	[[ $output == *"pid $child (sleep) is taken by the running task \"sleep\", and cannot become another: pid $pid (sh) has this number in its memory at 0x"* ]]
	[ "${#lines[@]}" = 1 ]
	run -0 "$stasis" restore -d -D img --remap-pids=force --pidfile pid
	new=$(cat img/pid)
	tree+=("$new" "$(ps -o pid= --ppid "$new" | tr -d ' ')")
	[ "${#lines[@]}" = 2 ]
	[[ $output == *"pid $pid still knows the old number"* ]]
	is_alive "$pid"
	is_alive "$new"
}

@test "a directory without inventory.img is no set" {
	run -1 "$stasis" restore -d -D img
	[[ $output == *inventory.img* ]]
	run -1 "$stasis" restore -d -D nowhere
	[[ $output == *nowhere* ]]
}

@test "a missing or shortened image is named, and nothing is left" {
	dump_sleep
	local image
	for image in core-"$pid" mm-"$pid" pstree files pagemap-"$pid" ids-"$pid" fs-"$pid"; do
		rm -rf bad
		cp -r img bad
		truncate -s -1 "bad/$image.img"
		run -1 "$stasis" restore -d -D bad
		[[ $output == *"$image.img"* ]]
		rm "bad/$image.img"
		run -1 "$stasis" restore -d -D bad
		[[ $output == *"$image.img"* ]]
		run ! is_alive "$pid"
	done
}

@test "a shortened image of network devices is named, once" {
	start unshare --net sleep 600
	until [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.01; done
	"$stasis" dump -t "$pid" -D img
	wait "$pid" || true
	truncate -s -1 img/netdev-*.img
	run -1 "$stasis" restore -d -D img
	[[ $output == "stasis restore: netdev-"*.img": entry 0 at byte 8: "* ]]
}

@test "pages that are missing are an error in the task, and nothing is left" {
	dump_tree
	local pages
	for pages in img/pages-*.img; do truncate -s 4096 "$pages"; done
	run -1 "$stasis" restore -d -D img
	[[ $output == *pages-* ]]
	wait_dead "${tree[@]}"
}

@test "a missing file is named with its descriptor" {
	start bash -c 'exec 7>gone; exec sleep 1000'
	"$stasis" dump -t "$pid" -D img -v0
	rm gone
	run -1 "$stasis" restore -d -D img
	[[ $output == *"fd 7"*/gone* ]]
	run ! is_alive "$pid"
}

@test "a pidfile that exists fails the restore, and nothing is left" {
	dump_tree
	echo mine >img/pid
	run -1 "$stasis" restore -d -D img --pidfile pid
	[[ $output == *pid*exists* ]]
	[ "$(cat img/pid)" = mine ]
	wait_dead "${tree[@]}"
}

@test "a task killed during the restore fails it, and nothing is left" {
	dump_tree
	local _ rc victim failed=0
	for _ in {1..40}; do
		[ $failed -lt 6 ] || break
		"$stasis" restore -d -D img -v0 2>err 3>&- &
		local restore=$!
		victim=${tree[RANDOM % 13]}
		while kill -0 $restore 2>/dev/null; do
			kill -KILL "$victim" 2>/dev/null && break
		done
		rc=0
		wait $restore || rc=$?
		if [ $rc = 0 ]; then # it came too late
			kill -KILL "${tree[@]}" 2>/dev/null || true
		else
			grep -Eq "task|thread|pid" err
			failed=$((failed + 1))
		fi
		wait_dead "${tree[@]}"
	done
	[ $failed -gt 0 ] # or every kill came too late
}

# all of the tree runs, traced by nobody, or nothing of it is there
whole_or_none() {
	local pid alive=0 free=0
	for pid in "${tree[@]}"; do
		is_alive "$pid" && alive=$((alive + 1))
		grep -q "^TracerPid:[[:space:]]*0$" "/proc/$pid/status" 2>/dev/null && free=$((free + 1))
	done
	[ $alive = 0 ] || { [ $alive = ${#tree[@]} ] && [ $free -ge $alive ]; }
}

@test "a restore that is killed leaves nothing behind" {
	dump_tree
	local _
	for _ in 1 2 3 4 5 6 7 8; do
		"$stasis" restore -D img -v0 2>/dev/null 3>&- &
		local restore=$!
		sleep "0.0$((RANDOM % 10))"
		# once all runs, its end is no business of the tree any more
		if kill -KILL $restore 2>/dev/null; then wait $restore || true; fi
		local end=$((SECONDS + 10))
		until whole_or_none && sleep 0.1 && whole_or_none; do # not while it still ends
			[ $SECONDS -lt $end ]
			sleep 0.02
		done
		kill -KILL "${tree[@]}" 2>/dev/null || true
		wait_dead "${tree[@]}"
	done
}

@test "restore --exec-cmd becomes the tree's parent" {
	dump_sleep
	wait_dead "$pid"
	run -0 "$stasis" restore -D img -v0 --exec-cmd -- sh -c 'echo "$$ $(ps -o ppid= -p '"$pid"')"'
	read -r parent ppid <<<"$output"
	[ "$parent" = "$ppid" ]
	run -1 "$stasis" restore -D img --exec-cmd
	[[ $output == *"which command"* ]]
}

@test "--display-stats tells at any level" {
	start sleep 1000
	run -0 "$stasis" dump -t "$pid" -D img -v0 --display-stats --sync
	[[ $output == *"time frozen: "*" us"*"pages written: "* ]]
	wait_dead "$pid"
	run -0 "$stasis" restore -d -D img -v0 --display-stats
	[[ $output == *"time restoring: "*" us"*"pages restored: "* ]]
}

@test "the root's death signal is left out, with a warning, where its parent is a restore that ends" {
	start setpriv --pdeathsig USR1 sleep 1000
	"$stasis" dump -t "$pid" -D img -v0
	run -0 "$stasis" restore -d -D img -v2
	[[ $output == *"pid $pid (sleep): its death signal 10 (PR_SET_PDEATHSIG) is not set"*"without -d"* ]]
	sleep 0.2
	is_alive "$pid"
}

@test "a pid whose dead holder waits for a slow reaper is waited for" {
	setsid /usr/bin/python3 -c "
import os, subprocess, time
task = subprocess.Popen(['setsid', 'sleep', '1000'])
open('task', 'w').write(str(task.pid))
os.waitid(os.P_PID, task.pid, os.WEXITED | os.WNOWAIT)
time.sleep(0.6)
task.wait()" </dev/null >/dev/null 2>&1 3>&- &
	tree=("$!")
	until [ -s task ] && pid=$(cat task) && [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.02; done
	tree+=("$pid")
	"$stasis" dump -t "$pid" -D img -v0
	"$stasis" restore -d -D img -v0
	is_alive "$pid"
}
