#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stasis dump: options, refusals and what it leaves behind.
# shellcheck disable=SC2030,SC2031,SC2217 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	dir=$(mktemp -d "${TMPDIR:-/tmp}/stasis-cli.XXXXXX")
	setsid sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	pid=$!
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do :; done
}

teardown()
{
	[ -n "${pid:-}" ] || return 0
	kill -KILL "$pid"
	rm -rf "$dir"
}

runs() { grep -q '^State:.S' "/proc/$pid/status" && grep -q '^TracerPid:.0' "/proc/$pid/status"; }

@test "dump needs a pid" {
	run -1 "$stasis" dump -D "$dir"
	run -1 "$stasis" dump -t nonsense -D "$dir"
}

@test "dump -R writes a whole set and lets the task run" {
	mkdir "$dir/work"
	run -0 "$stasis" dump -t "$pid" -D "$dir" -W "$dir/work" -o dump.log -v4 -R
	[ -s "$dir/inventory.img" ] && [ -s "$dir/pstree.img" ] && [ -s "$dir/core-$pid.img" ]
	[ -s "$dir/work/dump.log" ] && [ -s "$dir/work/stats-dump" ]
	runs
}

@test "dump -s leaves the task stopped" {
	run -0 "$stasis" dump -t "$pid" -D "$dir" -s
	grep -q '^State:.T' "/proc/$pid/status"
}

@test "dump ends the task" {
	run -0 "$stasis" dump -t "$pid" -D "$dir"
	until ! grep -q '^State:.[RS]' "/proc/$pid/status" 2>/dev/null; do :; done
	pid=
	rm -rf "$dir"
}

@test "a directory that cannot be opened is one clear error" {
	run -1 "$stasis" dump -t "$pid" -D "$dir/none"
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$dir/none"*"No such file"* ]]
	runs
}

@test "the last line of the log is the reason" {
	run -1 "$stasis" dump -t 2 -D "$dir" -o dump.log
	[[ $(tail -n 1 "$dir/dump.log") == *"Error: task 2 is a kernel thread" ]]
}

@test "a failed dump removes its images, and only those" {
	touch "$dir/other.img" "$dir/core-1.img"
	mkdir "$dir/fdinfo-2.img" # in the way
	run -1 "$stasis" dump -t "$pid" -D "$dir" -o dump.log
	[ "$(cd "$dir" && echo *)" = "core-1.img dump.log fdinfo-2.img other.img" ]
	runs
}

@test "a task of a foreign session needs --shell-job" {
	sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	local job=$!
	run -1 "$stasis" dump -t "$job" -D "$dir"
	[[ $output == *"--shell-job"* ]]
	kill "$job"
}

@test "the engine does not freeze itself" {
	run -1 setsid sh -c "exec 3>&-; $stasis dump -t \$\$ -D $dir; exit 1"
	[[ $output == *"contains stasis itself"* ]]
}
