#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --action-script: when it runs, what it is told, and that its no counts.
# shellcheck disable=SC2016,SC2030,SC2031 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "dumping needs root"
	stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir img
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	until grep -q sleep "/proc/$pid/comm"; do sleep 0.01; done
}

teardown()
{
	kill -KILL "$pid" 2>/dev/null || true
}

# refuse STAGE: a script that says no there
refuse() { echo "test \$CRTOOLS_SCRIPT_ACTION != $1"; }

is_alive() { grep -q '^State:.*[^ZX] (' "/proc/$pid/status" 2>/dev/null; }

@test "action scripts: every stage in order, with the directory and the root process" {
	tell='echo "$CRTOOLS_SCRIPT_ACTION ${CRTOOLS_INIT_PID-none} $(ls $CRTOOLS_IMAGE_DIR/inventory.img 2>/dev/null | wc -l)" >>log'
	"$stasis" dump -t "$pid" -D img -v0 --action-script "$tell" --action-script "echo second >>log"
	wait "$pid" || true
	"$stasis" restore -d -D img -v0 --action-script "$tell"
	is_alive
	diff log - <<-END
		pre-dump $pid 0
		second
		post-dump $pid 1
		second
		pre-restore none 1
		post-restore $pid 1
		pre-resume $pid 1
		post-resume $pid 1
	END
}

@test "action scripts: a no to a dump leaves the process running and no image" {
	for stage in pre-dump post-dump; do
		run -1 "$stasis" dump -t "$pid" -D img -v0 --action-script "$(refuse $stage)"
		[[ $output == *"$(refuse $stage) said no to $stage (exit status 1)"* ]]
		is_alive
		[ -z "$(ls img)" ]
	done
}

@test "a signal that ends a dump while it writes leaves what a failed one leaves" {
	"$stasis" dump -t "$pid" -D img -v0 -R
	cp -r img before
	for signal in INT TERM HUP; do
		run -1 "$stasis" dump -t "$pid" -D img -v0 \
			--action-script "[ \$CRTOOLS_SCRIPT_ACTION != post-dump ] || kill -$signal \$PPID"
		[[ $output == *"interrupted by signal "*"(SIG$signal)"* ]]
		is_alive
		diff -r before img
	done
}

@test "action scripts: a no to a restore leaves no process, but not after it runs" {
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	for stage in pre-restore post-restore pre-resume; do
		run -1 "$stasis" restore -d -D img -v0 --action-script "$(refuse $stage)"
		[[ $output == *"said no to $stage"* ]]
		run ! is_alive
	done
	run -0 "$stasis" restore -d -D img -v2 --action-script "$(refuse post-resume)"
	[[ $output == *"said no to post-resume"*"runs already"* ]]
	is_alive
}

@test "action scripts: one that cannot be run is named" {
	run -1 "$stasis" dump -t "$pid" -D img -v0 --action-script ./nothing-here
	[[ $output == *"--action-script ./nothing-here said no to pre-dump (exit status 127)"* ]]
	run -1 "$stasis" dump -t "$pid" -D img -v0 --action-script 'kill -9 $$'
	[[ $output == *"was killed by signal 9 at pre-dump"* ]]
	is_alive
}
