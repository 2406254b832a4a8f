# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What scripts of live tests have in common; sourced in the top folder.

# scratch NAME: makes a folder, in memory where there is a place for it, and prints its name
scratch()
{
	local base=${TMPDIR:-/tmp}
	[ -w /dev/shm ] && base=/dev/shm
	mktemp -d "$base/stasis-$1.XXXXXX"
}

# until_true COMMAND…: true within twenty seconds; else `reason` says what was not
until_true()
{
	local i
	for ((i = 0; i < 1000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	reason="not in time: $*"
	return 1
}
# gone PID, gone -GROUP
gone() { ! kill -0 -- "$1" 2>/dev/null; }

# run_tests FUNCTION…: one after the other, or that in $only alone; prints TAP. A function says in
# `reason` what was wrong, or with 77 what it lacks. KEEP=1 keeps $top of one that failed.
run_tests()
{
	local test nr=0
	for test in "$@"; do
		[ -z "${only:-}" ] || [ "$only" = "$test" ] || continue
		nr=$((nr + 1)) reason=""
		"$test"
		case $? in
		0) echo "ok $nr $test" ;;
		77) echo "ok $nr $test # SKIP ${reason:-no such program here}" ;;
		*)
			echo "not ok $nr $test"
			echo "# ${reason:-it is not as it should be}"
			# shellcheck disable=SC2154 # whoever sources this has it
			[ -z "${KEEP:-}" ] || { trap - EXIT; echo "# kept $top"; }
			;;
		esac
	done
	echo "1..$nr"
}
