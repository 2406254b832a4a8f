#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Real image sets: equal to the reference tool's output, and back to the same bytes.
# CORPUS and CONTAINERS say where they are; without them the tests are skipped.
bats_require_minimum_version 1.5.0
load crit

setup()
{
	need_corpus
}

check() { /usr/bin/python3 "$BATS_TEST_DIRNAME/corpus.py" "$1" "$crit" "$corpus"; }

@test "corpus: decode equals the reference, encode gives the image back" { check decode; }

@test "corpus: show equals the reference, encode gives the image back" { check show; }

@test "corpus: show --nopl equals the reference" { check nopl; }

@test "corpus: info equals the reference" { check info; }

@test "corpus: x equals the reference" { check x; }

@test "container archives: every member as in its directory" {
	need_containers
	cd "$BATS_TEST_TMPDIR" || return 1
	local archive image what name nr=0
	for archive in "$containers"/*.tar*; do
		rm -rf d
		mkdir d
		tar -C d -xf "$archive" --wildcards '*.img' 'checkpoint/*'
		for image in d/checkpoint/*.img; do
			name=$(basename "$image")
			"$crit" decode -i "$archive:$name" -o json
			"$crit" encode -i json | cmp - "$image"
			nr=$((nr + 1))
		done
		for what in ps fds mems rss; do
			diff <("$crit" x d/checkpoint $what) <("$crit" x "$archive" $what)
		done
	done
	[ "$nr" -gt 0 ]
}
