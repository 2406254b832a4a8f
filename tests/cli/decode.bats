#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit decode: JSON on one line or indented, to standard output or a file.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

@test "decode prints one line with plain numbers" {
	run -0 "$crit" decode -i "$set/pstree.img"
	[ "${#lines[@]}" = 1 ]
	[[ $output == '{"magic": "PSTREE", "entries": [{"pid": 100, "ppid": 0, '* ]]
	run -0 "$crit" decode -i "$set/core-100.img"
	[[ $output == *'"mtype": "X86_64"'*'"blk_sigset": 18446744073709551615'* ]]
}

@test "decode --pretty is what show prints" {
	"$crit" show "$set/files.img" >"$BATS_TEST_TMPDIR/a"
	"$crit" decode --pretty <"$set/files.img" | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" decode --pretty "$set/files.img" | diff - "$BATS_TEST_TMPDIR/a"
}

@test "decode -o has no line end, standard output has one" {
	"$crit" decode -i "$set/pstree.img" -o "$BATS_TEST_TMPDIR/a"
	[ "$(tail -c 1 "$BATS_TEST_TMPDIR/a")" = "}" ]
	"$crit" decode -i "$set/pstree.img" | head -c -1 | cmp - "$BATS_TEST_TMPDIR/a"
}

@test "decode -o leaves its target alone when it fails" {
	echo before >"$BATS_TEST_TMPDIR/a"
	run -1 "$crit" decode -i "$fixtures/pstree.img.json" -o "$BATS_TEST_TMPDIR/a"
	[ "$(cat "$BATS_TEST_TMPDIR/a")" = before ]
	[ "$(ls "$BATS_TEST_TMPDIR")" = a ]
}

@test "decode writes no JSON over what it reads" {
	cd "$BATS_TEST_TMPDIR"
	cp -r "$set" s
	tar cf a.tar -C s .
	cp a.tar before.tar
	ln -s s/pstree.img link
	run -1 "$crit" decode -o s/pstree.img s/pstree.img
	[ "$output" = "crit decode: s/pstree.img is what is read: want another name for the JSON" ]
	run -1 "$crit" decode -o link s:pstree.img
	run -1 "$crit" decode -o a.tar a.tar:pstree.img
	diff -r "$set" s
	cmp a.tar before.tar
	"$crit" decode -o s/pstree.img.json s/pstree.img
}

@test "decode --nopl leaves payloads out" {
	run -0 "$crit" decode --nopl -i "$set/pipes-data.img"
	[[ $output == *'"extra": "... <5B>"'* ]]
}

@test "decode then encode gives every fixture back" {
	local img
	for img in "$set"/*; do
		"$crit" decode -i "$img" | "$crit" encode | cmp - "$img"
		[[ $img == *pages-* ]] || "$crit" show "$img" | "$crit" encode | cmp - "$img"
	done
}
