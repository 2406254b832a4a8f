#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stasis check and --version: words and exit statuses scripts rely on.
# shellcheck disable=SC2030,SC2031 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis

@test "version is that of the format, on the first line" {
	run -0 "$stasis" --version
	[[ ${lines[0]} == "Version: 4.2"* ]]
	run -0 "$stasis" -V
	[[ ${lines[0]} == "Version: 4.2"* ]]
}

@test "version and help are told beside other options" {
	run -0 "$stasis" -v4 --version
	[[ ${lines[0]} == "Version: 4.2"* ]]
	run -0 "$stasis" dump -V
	[[ ${lines[0]} == "Version: 4.2"* ]]
	"$stasis" dump -t 1 -h | diff - <("$stasis" help dump)
	run -1 "$stasis" dump -t -h
	[[ $output == *"--tree"* ]]
}

@test "check says that it looks good" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	run -0 --separate-stderr "$stasis" check
	[ "$output" = "Looks good." ]
	run -0 --separate-stderr "$stasis" check --experimental
	[ "$output" = "Looks good." ]
}

@test "check --feature says what is supported" {
	run -0 "$stasis" check --feature ns_pid
	[ "$output" = "ns_pid is supported" ]
	run -1 "$stasis" check --feature nonsense
	[[ $output == *"unknown feature nonsense"* ]]
}

@test "check --feature list names every row once" {
	run -0 "$stasis" check --feature list
	[ "${#lines[@]}" -ge 20 ]
	[ -z "$(printf '%s\n' "${lines[@]}" | cut -d' ' -f1 | sort | uniq -d)" ]
}

@test "options may stand before the command" {
	run -0 "$stasis" -v4 check --feature ns_pid
	run -1 "$stasis" -o log -D "$BATS_TEST_TMPDIR" dump
	[[ $output == *"stasis dump:"* ]]
}

@test "check takes no operand and no option that is none" {
	run -1 "$stasis" check something
	run -1 "$stasis" check --bogus
}
