#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit ls: a table of the images of a directory or archive.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

@test "ls lists image, type, entries and bytes" {
	run -0 "$crit" ls "$set"
	[[ ${lines[0]} =~ ^IMAGE\ +TYPE\ +ENTRIES\ +BYTES$ ]]
	[[ $output =~ pstree.img\ +PSTREE\ +3\ +52 ]]
	[[ $output =~ pages-1.img\ +PAGES\ +-\ +12288 ]]
}

@test "ls marks what is broken or no image" {
	cp -r "$set" "$BATS_TEST_TMPDIR/set"
	head -c 20 "$set/files.img" >"$BATS_TEST_TMPDIR/set/files.img"
	echo text >"$BATS_TEST_TMPDIR/set/dump.log"
	run -1 "$crit" ls "$BATS_TEST_TMPDIR/set"
	[[ $output == *"crit ls: files.img: entry "* ]]
	[[ $output =~ files.img\ +FILES\ +broken\ +20 ]]
	[[ $output =~ dump.log\ +-\ +-\ +5 ]]
	rm "$BATS_TEST_TMPDIR"/set/{pstree,mm-100}.img
	: >"$BATS_TEST_TMPDIR/set/pstree.img"
	mkdir "$BATS_TEST_TMPDIR/set/mm-100.img"
	run -1 "$crit" ls "$BATS_TEST_TMPDIR/set"
	[[ $output =~ pstree.img\ +PSTREE\ +broken\ +0 ]]
	[[ $output =~ mm-100.img\ +MM\ +broken\ +0 ]]
}

@test "ls of an archive is that of its directory" {
	tar -C "$set/.." -cf "$BATS_TEST_TMPDIR/c.tar" set
	zstd -q "$BATS_TEST_TMPDIR/c.tar" || skip "no zstd"
	"$crit" ls "$set" >"$BATS_TEST_TMPDIR/a"
	"$crit" ls "$BATS_TEST_TMPDIR/c.tar" | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" ls "$BATS_TEST_TMPDIR/c.tar.zst" | diff - "$BATS_TEST_TMPDIR/a"
}

@test "ls of nothing fails" {
	run -1 "$crit" ls "$BATS_TEST_TMPDIR/nothing"
	run -2 "$crit" ls
}

@test "an archive may come through a pipe" {
	tar -C "$set/.." -czf "$BATS_TEST_TMPDIR/c.tar.gz" set
	"$crit" ls "$set" >"$BATS_TEST_TMPDIR/a"
	# shellcheck disable=SC2002 # a pipe is what this is about
	cat "$BATS_TEST_TMPDIR/c.tar.gz" | "$crit" ls - | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" ls - <"$BATS_TEST_TMPDIR/c.tar.gz" | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" ls <(cat "$BATS_TEST_TMPDIR/c.tar.gz") | diff - "$BATS_TEST_TMPDIR/a"
	# shellcheck disable=SC2002
	cat "$BATS_TEST_TMPDIR/c.tar.gz" | "$crit" x - ps | diff - <("$crit" x "$set" ps)
	run -1 --separate-stderr bash -c "echo no | '$crit' ls -"
	[ "$stderr" = "crit ls: standard input: neither a directory of images nor a tar archive" ]
}

@test "ls of a directory of sets names them" {
	mkdir "$BATS_TEST_TMPDIR/sets"
	cp -r "$set" "$BATS_TEST_TMPDIR/sets/first"
	run -1 "$crit" ls "$BATS_TEST_TMPDIR/sets"
	[[ $output == *"is no checkpoint, but holds some: first" ]]
}

@test "ls says on the terminal how far a large archive has been read" {
	cd "$BATS_TEST_TMPDIR"
	head -c 64M /dev/zero | gzip -1 >zeros.gz
	local nr
	for nr in 1 2 3 4; do # one alone is read in half a second, before which nothing is said
		truncate -s 7G pages-$nr.img
		tar -c pages-$nr.img | head -c 512 | gzip >>large.tar.gz
		yes zeros.gz | head -n 112 | xargs cat >>large.tar.gz
	done
	head -c 1024 /dev/zero | gzip >>large.tar.gz
	script -qec "'$crit' ls large.tar.gz" shown </dev/null
	grep -q $'\rreading: [0-9]* of [0-9]* MiB' shown
	grep -q "pages-4.img .*7516192768" shown
	"$crit" ls large.tar.gz 2>err
	[ ! -s err ]
}
