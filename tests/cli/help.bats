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

# What the examples of the manual name: process 412 of a set, alone, in archives and in a chain.
example_scene()
{
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" whole
	"$crit" squash -o alone whole
	"$crit" edit --in-place alone 'files.img: entries[reg.name=/tmp/gone].reg.name=/srv/old.db' \
		'files.img: entries[reg.name=/tmp/linked].reg.name=/srv/a"]b'
	"$crit" remap --pid 3=412 --ip 127.0.0.1=10.88.0.7 -o checkpoint alone
	local archive set
	for archive in checkpoint.tar checkpoint.tar.gz web.tar.gz; do
		"$crit" pack -o $archive checkpoint
	done
	mkdir images
	for set in 1 2 3; do
		cp -r checkpoint images/$set
		[ $set = 1 ] || ln -s ../$((set - 1)) images/$set/parent
	done
	cp checkpoint/files.img .
	cp checkpoint/utsns-10.img utsns-11.img
}

@test "every example of the man page does what it says" {
	cd "$BATS_TEST_TMPDIR"
	example_scene
	PATH=$O:$PATH
	local line nr=0 status
	while IFS= read -r line; do
		status=0
		bash -c "$line" >out 2>err </dev/null || status=$?
		[ $status = 0 ] || { [ $status = 1 ] && [ ! -s err ]; } ||
			{ echo "$line: $status, $(cat err)"; return 1; }
		nr=$((nr + 1))
	done < <(sed -n '/^# EXAMPLES/,/^# NOTES/s/^\$ crit /crit /p' "$BATS_TEST_DIRNAME/../../docs/crit.1.scd" |
		# the addresses and the memory of these processes, and what is no example of crit
		sed -e 's/5581c2a3b2a0-5581c2a3b2e0/500000-500040/; s/14601/412/; s/-k heap/-k anon/; s/ | jq .*//' \
			-e 's/-o \/tmp/-o ./; s/--prot wx/--prot rw/' -e '/^crit view [a-z]/d')
	[ $nr -gt 30 ]
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
