#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit view without a terminal: keys in, screens out; and what it refuses.

load crit
load ../tui/screens

setup_file()
{
	make_set
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$BATS_FILE_TMPDIR/whole"
}

@test "screens of the small set are as committed" {
	screens_of "$BATS_FILE_TMPDIR" set whole
}

@test "screens of real sets are as committed" {
	local corpus=${CORPUS:-$BATS_TEST_DIRNAME/../../../shared/corpus}
	[ -d "$corpus/a3" ] || skip "no corpus at $corpus (set CORPUS)"
	screens_of "$corpus" a3 a4 a6 a13
}

@test "screens of container archives are as committed" {
	local containers=${CONTAINERS:-$BATS_TEST_DIRNAME/../../../shared/containers}/podman
	[ -d "$containers" ] || skip "no archives at $containers (set CONTAINERS)"
	screens_of "$containers" multi.tar.gz
}

@test "every screen of a directory can be drawn at 20x5 and at 300 columns" {
	local size
	for size in 20x5 40x10 80x24 300x90; do
		"$crit" view --print text --size "$size" --keys '<Enter>]]]]]]]]]' "$set" >"$BATS_TEST_TMPDIR/out"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = "${size#*x}" ]
		[ "$(LC_ALL=C.UTF-8 wc -L <"$BATS_TEST_TMPDIR/out")" -le "${size%x*}" ]
	done
}

@test "a screen as SVG is well-formed and holds the text" {
	"$crit" view --print svg --size 90x20 "$set" >"$BATS_TEST_TMPDIR/out.svg"
	python3 -c 'import sys, xml.dom.minidom as m
d = m.parse(sys.argv[1])
text = "".join(t.firstChild.data for t in d.getElementsByTagName("text"))
sys.exit("PROCESS" not in text)' "$BATS_TEST_TMPDIR/out.svg"
}

@test "without a terminal it says so and fails" {
	run "$crit" view "$set" </dev/null
	[ "$status" = 1 ]
	[[ $output == *"no terminal"*"--print"* ]]
}

@test "what is no checkpoint, no size, no key, no theme is refused" {
	run "$crit" view --print text /
	[ "$status" = 1 ]
	run "$crit" view --print text --size 5x5 "$set"
	[ "$status" = 2 ]
	[[ $output == *"--size 5x5"* ]]
	run "$crit" view --print text --keys '<Nokey>' "$set"
	[ "$status" = 2 ]
	[[ $output == *"<Nokey> is no key"* ]]
	run "$crit" view --print text --theme pink "$set"
	[ "$status" = 2 ]
	run "$crit" view --print text --pid 7 "$set"
	[ "$status" = 2 ]
	run "$crit" view --size 80x24 "$set"
	[ "$status" = 2 ]
}
