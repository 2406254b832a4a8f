#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit without a command, help and version.
bats_require_minimum_version 1.5.0
load crit

@test "help lists every command" {
	run -0 "$crit" help
	local cmd
	for cmd in show decode encode info x ls; do
		[[ $output == *"  $cmd "* ]]
	done
	"$crit" --help | diff - <("$crit" help)
}

@test "help COMMAND and COMMAND --help agree and name every option" {
	local cmd
	for cmd in show decode encode info x ls; do
		run -0 "$crit" help "$cmd"
		[[ $output == *"Usage: crit $cmd"* ]]
		"$crit" "$cmd" --help | diff - <("$crit" help "$cmd")
		"$crit" "$cmd" -h | diff - <("$crit" help "$cmd")
	done
	run -0 "$crit" help decode
	[[ $output == *"-i, --in IMAGE"*"-o, --out FILE"*"--pretty"*"--nopl"* ]]
}

@test "the man page has every command in its synopsis and an example of it" {
	local page="$BATS_TEST_DIRNAME/../../docs/crit.1.scd" cmd
	for cmd in $("$crit" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
		sed -n '/^# SYNOPSIS/,/^# DESCRIPTION/p' "$page" | grep -q "^\*crit\* $cmd " ||
			{ echo "$cmd is not in SYNOPSIS"; return 1; }
		[ "$cmd" = help ] || sed -n '/^# EXAMPLES/,/^# NOTES/p' "$page" | grep -q "^\$ crit $cmd " ||
			{ echo "$cmd has no example"; return 1; }
	done
}

@test "--version prints the version" {
	run -0 "$crit" --version
	[[ $output == "Version: "* ]]
	"$crit" show --version | diff - <("$crit" --version)
}

@test "help of what is no command names it" {
	run -2 --separate-stderr "$crit" help nope
	[[ $stderr == "crit: nope: no such command"* ]]
	"$crit" help help | diff - <("$crit" help)
}

@test "no command and an unknown one are usage errors" {
	run -2 "$crit"
	run -2 --separate-stderr "$crit" nope
	[[ $stderr == "crit: nope: no such command"* ]]
}

@test "crit loads little" {
	[ "$(ldd "$crit" | grep -vcE 'linux-vdso|ld-linux|libc\.so|libprotobuf-c|san\.so|libm\.so')" = 0 ] ||
		[ -n "${SAN:-}" ]
}

@test "crit asks the processor nothing before it begins" {
	nm "$crit" >"$BATS_TEST_TMPDIR/symbols"
	grep -q ' T main$' "$BATS_TEST_TMPDIR/symbols"
	run ! grep __cpu_model "$BATS_TEST_TMPDIR/symbols"
}

@test "help is found behind a letter that takes a value elsewhere" {
	run -0 "$crit" edit -i --help
	[[ ${lines[0]} == "crit edit - "* ]]
	run -2 "$crit" show --no x
	[[ $output == *"option --no is the beginning of several: --nopl, --no-nopl"* ]]
}
