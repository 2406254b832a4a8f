#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Damaged images: one line and status 1, and the output file is as it was.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

# decoded IMAGE: status 0, or status 1 with one line and an untouched output
decoded()
{
	local status=0 out=$BATS_TEST_TMPDIR/out err=$BATS_TEST_TMPDIR/err
	echo keep >"$out"
	timeout 10 "$crit" decode -i "$1" -o "$out" 2>"$err" || status=$?
	[ "$status" = 0 ] && [ ! -s "$err" ] && return 0
	[ "$status" = 1 ] && [ "$(wc -l <"$err")" = 1 ] && [ "$(cat "$out")" = keep ] && return 0
	echo "$1: status $status, said: $(cat "$err")"
	return 1
}

@test "decode survives every image cut short" {
	for image in "$set"/*.img; do
		size=$(stat -c %s "$image")
		for len in 9 $((size - 1)); do
			head -c "$len" "$image" >"$BATS_TEST_TMPDIR/${image##*/}"
			decoded "$BATS_TEST_TMPDIR/${image##*/}"
		done
	done
}

@test "decode survives every image with bytes set to 0xff" {
	for image in "$set"/*.img; do
		size=$(stat -c %s "$image")
		for at in 12 $((size / 2)); do
			copy=$BATS_TEST_TMPDIR/${image##*/}
			cp "$image" "$copy"
			printf '\377' | dd of="$copy" bs=1 seek="$at" conv=notrunc status=none
			decoded "$copy"
		done
	done
}

@test "what is no file is refused, not waited for" {
	mkdir "$BATS_TEST_TMPDIR/set"
	mkfifo "$BATS_TEST_TMPDIR/set/pstree.img"
	run -1 timeout 5 "$crit" x "$BATS_TEST_TMPDIR/set" ps
	[[ $output == *"pstree.img: not a regular file"* ]]
	run -1 "$crit" decode -i "$BATS_TEST_TMPDIR/set"
	[[ $output == *"is a directory: name an image in it"* ]]
}
