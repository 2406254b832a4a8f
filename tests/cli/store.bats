#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sets made from sets: crit compress, decompress.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	make_set
	# more than one frame, and a hole
	truncate -s 12288 "$set/pages-1.img"
	seq 1 2000 | head -c 8000 | dd of="$set/pages-1.img" conv=notrunc status=none
}

setup()
{
	dir=$BATS_TEST_TMPDIR/set
	cp -r "$set" "$dir"
	cd "$BATS_TEST_TMPDIR" || return 1
}

same_memory()
{
	"$crit" diff --pages "$set" "$1"
}

@test "compress and decompress: the same bytes, in place" {
	"$crit" compress "$dir"
	[ ! -e "$dir/pages-1.img" ]
	same_memory "$dir"
	"$crit" pages -p 100 "$dir" 0x400000-0x403000 | cmp - "$set/pages-1.img"
	run "$crit" verify "$set"
	local before=$output
	run "$crit" verify "$dir"
	[ "$output" = "$before" ]
	"$crit" decompress "$dir"
	diff -r "$set" "$dir"
	[ "$(find . -maxdepth 1 | wc -l)" = 2 ] # nothing is left beside it
}

@test "compress -o leaves the source, and any zstd reads it" {
	"$crit" compress -l 9 -T 2 -o small "$dir"
	diff -r "$set" "$dir"
	if command -v zstd; then
		zstd -qdc small/pages-1.img.zst | cmp - "$set/pages-1.img"
	fi
	"$crit" decompress -o large small
	diff -r "$set" large
	tar cf small.tar small
	"$crit" diff --pages "$set" small.tar
	gzip -k small.tar
	"$crit" diff --pages "$set" small.tar.gz
	"$crit" decompress -o again small.tar
	diff -r "$set" again
}

@test "compress keeps a parent link, also from another folder" {
	mv "$dir" base
	cp -r base next
	ln -s ../base next/parent
	mkdir deep
	"$crit" compress -o deep/next next
	[ "$(readlink -f deep/next/parent)" = "$PWD/base" ]
	"$crit" compress next
	[ "$(readlink next/parent)" = ../base ]
}

@test "a failure leaves nothing behind and the source as it was" {
	"$crit" compress "$dir"
	cp -r "$dir" before
	run -1 "$crit" decompress --max-size 4K "$dir"
	[[ $output == *"pages-1.img.zst: 12288 bytes, more than --max-size"* ]]
	diff -r before "$dir"
	printf x | dd of="$dir/pages-1.img.zst" bs=1 seek=20 conv=notrunc status=none
	run -1 "$crit" decompress -o out "$dir"
	[[ $output == *"pages-1.img.zst: frame 0"* ]]
	[ ! -e out ]
	mkdir full && touch full/x
	run -1 "$crit" compress -o full "$set"
	[[ $output == *"full exists already"* ]]
	mkdir before/sub
	run -1 "$crit" compress before
	[[ $output == *"before/sub is no file"* ]]
	run -2 "$crit" compress -l 99 "$set"
	run -2 "$crit" compress -T 0 "$set"
	[ "$(find . -maxdepth 1 -name '*.??????' | wc -l)" = 0 ]
}
