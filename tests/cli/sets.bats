#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Whole sets: decode --all, encode --all, recode, convert.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

setup() { cd "$BATS_TEST_TMPDIR" || return; }

@test "decode --all and encode --all give back the same set" {
	"$crit" decode --all -o json "$set"
	[ -s json/pstree.img.json ]
	[ -s json/stats-dump.json ]
	cmp json/pages-1.img "$set/pages-1.img"
	"$crit" encode --all -o back json
	diff -r "$set" back
	"$crit" encode --all -o back.tar.gz json
	mkdir unpacked && tar -C unpacked -xzf back.tar.gz
	diff -r "$set" unpacked
}

# shellcheck disable=SC2016,SC2154 # the backquotes are of the message; stderr is of run
@test "an archive with several sets: which was taken, and how to get at the others" {
	local archive
	mkdir -p many/a many/b/checkpoint many/c
	cp -r "$set/." many/a
	cp -r "$set/." many/b/checkpoint
	cp -r "$set/." many/c
	ln -s ../c many/a/parent
	tar cf one.tar -C many/a --exclude parent .
	tar cf chain.tar -C many a c
	for archive in one.tar chain.tar many/b; do
		run -0 --separate-stderr "$crit" show "$archive:pstree.img"
		[ -z "$stderr" ]
	done
	tar czf two.tar.gz -C many .
	run -0 --separate-stderr "$crit" inspect two.tar.gz
	[ "$stderr" = 'crit: two.tar.gz holds several sets: this is a/, not b/checkpoint/ (`crit unpack` makes a directory of each)' ]
	run -0 --separate-stderr "$crit" show two.tar.gz:pstree.img
	[[ $stderr == *"this is a/"* ]]
	run -0 "$crit" view --print text two.tar.gz
	[[ ${lines[-1]} == *"several sets are in two.tar.gz: this is a/, not b/checkpoint/"* ]]
	run -0 "$crit" view --print text one.tar
	[[ $output != *"several sets"* ]]
	run -0 --separate-stderr "$crit" show two.tar.gz:b/checkpoint/pstree.img
	[ -z "$stderr" ]
	mkdir -p many/d many/e many/f many/g
	for archive in d e f g; do cp "$set/inventory.img" "$set/pstree.img" many/$archive; done
	tar cf six.tar -C many .
	run -0 --separate-stderr "$crit" ls six.tar
	[[ $stderr == *"this is a/, not b/checkpoint/, d/, e/, f/ and 1 more ("* ]]
	"$crit" unpack -C out six.tar
	run -0 --separate-stderr "$crit" ls out/b
	[ -z "$stderr" ]
}

@test "decode --all wants room, and leaves none half full" {
	run -2 "$crit" decode --all "$set"
	mkdir busy && touch busy/x
	run -1 "$crit" decode --all -o busy "$set"
	[[ $output == *"busy exists"* ]]
	cp -r "$set" cut && truncate -s 30 cut/mm-100.img
	run -1 "$crit" decode --all -o json "$PWD/cut"
	[[ $output == *mm-100.img* ]]
	[ ! -e json ]
}

@test "decode --all of an archive keeps its folders, documents and volumes" {
	mkdir -p ctr/checkpoint ctr/volumes
	cp -r "$set/." ctr/checkpoint
	echo '{}' >ctr/config.dump
	echo volume >ctr/volumes/v.tar
	tar cf ctr.tar -C ctr .
	"$crit" decode --all -o json ctr.tar
	[ -s json/checkpoint/pstree.img.json ]
	cmp json/volumes/v.tar ctr/volumes/v.tar
	"$crit" encode --all -o back json
	diff -r ctr back
	"$crit" encode --all -o back.tar.zst json
	mkdir unpacked && tar -C unpacked -xf back.tar.zst
	diff -r ctr unpacked
	ln -s /etc json/volumes/out # what a link leads to is none of its folders
	run -1 "$crit" encode --all -o again json
	[[ $output == *"json/volumes/out is a link to what is no file, which would be left out"* ]]
	[ ! -e again ]
}

@test "a container's directory is read, changed and packed with its layout" {
	mkdir -p ctr/checkpoint ctr/volumes
	cp -r "$set/." ctr/checkpoint
	echo '{"name": "box", "spec": {"hostname": "node"}}' >ctr/config.dump
	echo '{}' >ctr/spec.dump
	echo volume >ctr/volumes/v.tar
	cp -r ctr before
	run -0 "$crit" inspect ctr
	[[ $output == *"Name: box"* ]]
	run -0 "$crit" ls ctr
	[[ $output == *volumes/v.tar* && $output == *core-100.img* ]]
	"$crit" edit --in-place ctr 'core-100.img: entries[0].tc.comm=other'
	"$crit" compress ctr
	[ -e ctr/checkpoint/pages-1.img.zst ]
	[ ! -e ctr/checkpoint/pages-1.img ]
	"$crit" pack -o ctr.tar.gz ctr
	"$crit" diff --pages ctr ctr.tar.gz
	"$crit" decompress ctr
	"$crit" edit --in-place ctr 'core-100.img: entries[0].tc.comm=alive'
	diff -r before ctr
	"$crit" unpack -C out ctr.tar.gz
	[ -s out/config.dump ]
	[ -s out/volumes/v.tar ]
	[ -s out/checkpoint/core-100.img ]
	cp -r ctr/checkpoint ctr/parents-base
	mv ctr/parents-base base
	ln -s ../../base ctr/checkpoint/parent
	"$crit" pack -o chain.tar ctr
	run -0 tar tf chain.tar
	[[ $output == *checkpoint/parent-1/pages-1.img* ]]
	"$crit" diff --pages chain.tar ctr
}

@test "decode --all and encode --all of an incremental set lead to the same parent" {
	cp -r "$set" first
	cp -r "$set" second
	ln -s ../first second/parent
	mkdir deep
	"$crit" decode --all -o deep/json second
	[ "$(readlink -f deep/json/parent)" = "$PWD/first" ]
	"$crit" encode --all -o third deep/json
	[ "$(readlink -f third/parent)" = "$PWD/first" ]
	rm third/parent second/parent
	diff -r second third
	ln -s ../first second/parent
	"$crit" pack -o chain.tar second
	run -1 "$crit" decode --all -o json chain.tar
	[[ $output == *"its parent sets are in the archive too"* ]]
	[ ! -e json ]
}

@test "recode says that nothing changes, or what does" {
	run -0 "$crit" recode "$set"
	[ -z "$output" ]
	cp -r "$set" padded
	# the same message with the fields of pstree in another order
	/usr/bin/python3 - <<'END'
import struct
data = open("padded/pstree.img", "rb").read()
size, = struct.unpack_from("<I", data, 8)
entry = data[12:12 + size]
assert entry[0] == 8 and entry[2] == 16
swapped = entry[2:4] + entry[0:2] + entry[4:]
open("padded/pstree.img", "wb").write(data[:12] + swapped + data[12 + size:])
END
	run -1 "$crit" recode padded
	[ "$output" = "pstree.img: comes out different" ]
	run -0 "$crit" recode --in-place padded
	diff -r "$set" padded
}

@test "recode names every image that cannot be decoded" {
	cd "$BATS_TEST_TMPDIR"
	cp -r "$set" broken
	: >broken/core-100.img
	truncate -s -3 broken/files.img
	rm broken/mm-100.img
	mkdir broken/mm-100.img
	run -1 "$crit" recode broken
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} == "core-100.img: "* ]]
	[[ ${lines[1]} == "files.img: "* ]]
	[[ ${lines[2]} == "mm-100.img: "*"not a regular file" ]]
	run -2 "$crit" recode -o new broken
	[ ! -e new ]
}

@test "recode of long and short images, one after the other" {
	local i
	cp -r "$set" long
	{
		printf '{"magic":"PAGEMAP","entries":[{"pages_id":1}'
		for ((i = 0; i < 9000; i++)); do printf ',{"vaddr":%d,"compat_nr_pages":0,"nr_pages":1,"flags":4}' $((i * 8192)); done
		printf ']}'
	} | "$crit" encode >long/pagemap-100.img
	[ "$(stat -c %s long/pagemap-100.img)" -gt 65536 ]
	run -0 "$crit" recode long
	[ -z "$output" ]
	cp -r long padded
	# a field of the last entry once more: the same message, not the same bytes
	/usr/bin/python3 - <<'END'
import struct
for name, field in ("pagemap-100", slice(-2, None)), ("pstree", slice(0, 2)):
    data = open(f"padded/{name}.img", "rb").read()
    at = 8
    while at < len(data):
        last, size = at, struct.unpack_from("<I", data, at)[0]
        at += 4 + size
    entry = data[last + 4:]
    open(f"padded/{name}.img", "wb").write(
        data[:last] + struct.pack("<I", len(entry) + 2) + entry + entry[field])
END
	run -1 "$crit" recode padded
	[ "$output" = "pagemap-100.img: comes out different
pstree.img: comes out different" ]
	run -0 "$crit" recode -o whole padded
	diff -r long whole
	"$crit" recode --in-place padded
	diff -r long padded
}

@test "what commands did to a set is said when all of it has happened" {
	cp -r "$set" s
	ln -s /etc/hostname s/notes.txt
	run -1 "$crit" convert --to legacy -o old s
	[ ${#lines[@]} = 1 ]
	[[ $output == *"s/notes.txt is a link that leads out of the set"* ]]
	rm s/notes.txt
	# an image that comes out different, and then one that cannot be read
	/usr/bin/python3 - s <<-'EOF'
		import struct, sys
		path = sys.argv[1] + "/core-100.img"
		data = open(path, "rb").read()
		size = struct.unpack("<I", data[8:12])[0]
		entry = data[12:12 + size] + data[12:14] # the first field once more
		open(path, "wb").write(data[:8] + struct.pack("<I", len(entry)) + entry + data[12 + size:])
	EOF
	run -1 "$crit" recode s
	[[ $output == "core-100.img: "* ]]
	truncate -s -3 s/pstree.img
	run -2 --separate-stderr "$crit" recode -o out s
	[[ ${#lines[@]} = 1 && ${#stderr_lines[@]} = 1 ]]
	[[ $output == "pstree.img: "* ]]
	[[ $stderr == *"nothing is written" ]]
	[ ! -e out ]
}

@test "convert changes how pages are counted, and back" {
	run -0 "$crit" convert --to legacy -o old "$set"
	[[ $output == *"pagemap-100.img: converted"* ]]
	run -0 "$crit" decode -i old/pagemap-100.img
	[[ $output != *'"nr_pages"'* ]]
	run -0 "$crit" diff --pages "$set" old
	cp -r old in-place
	"$crit" convert --to 4.2 --in-place in-place
	"$crit" convert --to 4.2 old
	diff -r in-place old
	run -0 "$crit" convert --to 4.2 old
	[ -z "$output" ] # there is nothing left to convert
	diff -r in-place old
	run -2 "$crit" convert --to 4.2 -o x --in-place old
	[[ $output == *"-o OUT is a new set, --in-place the old one"* ]]
	run -0 "$crit" decode -i old/pagemap-100.img
	[[ $output == *'"compat_nr_pages": 0, "flags": 4, "nr_pages": 2'* ]]
	run -2 "$crit" convert --to 5 -o x "$set"
	run -2 "$crit" convert "$set"
	[[ $output == *"--to wants 4.2 or legacy"* ]]
}

@test "a changed copy of an incremental set leads to the same parent, link or file" {
	cp -r "$set" first
	cp -r "$set" second
	ln -s ../first second/parent
	cp -r "$set" third
	echo ../first >third/parent
	local kind
	for kind in second third; do
		"$crit" edit -o "new-$kind" $kind/core-101.img tc.comm=other
		[ "$(readlink "new-$kind/parent")" = ../first ]
		mkdir -p elsewhere
		"$crit" edit -o "elsewhere/new-$kind" $kind/core-101.img tc.comm=other
		[ "$(readlink "elsewhere/new-$kind/parent")" = "$PWD/first" ]
	done
	run -1 "$crit" edit -o new.tar second/core-101.img tc.comm=other
	[[ $output == *"second: its parent sets would not be in the archive"* ]]
	"$crit" pack -o chain.tar second
	run -1 "$crit" edit -o new chain.tar:core-101.img tc.comm=other
	[[ $output == *"chain.tar: its parent sets are in the archive too"* ]]
	[ ! -e new ]
	[ ! -e new.tar ]
	"$crit" edit -o new.tar chain.tar:core-101.img tc.comm=other
	"$crit" diff --only mems,pages --pages chain.tar new.tar
}

@test "members of an archive keep their holes; a hard link to what changes is refused" {
	cp -r "$set" holes
	truncate -s 640K holes/stats-dump
	printf x | dd of=holes/stats-dump bs=1 seek=400000 conv=notrunc status=none
	local format
	for format in gnu posix; do
		tar --format="$format" -S -cf "$format.tar" -C holes .
		"$crit" compress -o "z-$format.tar" "$format.tar"
		[ "$(stat -c %s "z-$format.tar")" -lt 98304 ]
		run -0 tar xOf "z-$format.tar" ./stats-dump
		tar xOf "z-$format.tar" ./stats-dump | cmp - holes/stats-dump
	done
	cp -r "$set" linked
	ln linked/core-101.img linked/other
	tar cf linked.tar -C linked inventory.img pstree.img core-101.img other
	cp linked.tar before.tar
	run -1 "$crit" edit --in-place linked.tar:core-101.img entries[0].tc.comm=other
	[[ $output == *"other is a hard link to core-101.img, which changes"* ]]
	cmp linked.tar before.tar
}

@test "a large hole of a page image is passed over, from and to archives of every kind" {
	holed_set
	local src out
	for src in "${holed[@]}"; do
		for out in out out.tar out.tar.gz out.tar.zst; do
			timeout 5 "$crit" convert --to legacy -o "$out" "$src"
			timeout 5 "$crit" edit --in-place "$out:core-101.img" tc.comm=other
			[ "$(du -k "$out" | cut -f1)" -lt 1024 ]
			run -1 timeout 5 "$crit" diff --pages "${holed[0]}" "$out"
			[ "${#lines[@]}" = 2 ]
			[[ $output == *" other"* ]]
			rm -r "$out"
		done
		timeout 5 "$crit" edit -o one "$src:core-101.img" tc.comm=other
		rm one/pagemap-101.img # which shares the page image
		timeout 5 "$crit" squash -o squashed one
		[ "$(stat -c %s squashed/pages-1.img)" = "$(stat -c %s one/pages-1.img)" ]
		[ "$(stat -c %b squashed/pages-1.img)" -lt 16384 ]
		run -0 timeout 5 "$crit" pages -p 100 -o bytes squashed 100000000000-110000000000
		[ "$(dd if=bytes bs=1M skip=512K count=1 status=none | head -c 19)" = "in the middle of it" ]
		rm -r one squashed bytes
		[ "$src" = "${holed[0]}" ] || timeout 5 "$crit" unpack --max-size 2000G -C all "$src"
		[ ! -d all ] || { timeout 5 "$crit" diff --pages "${holed[0]}" all && rm -r all; }
	done
}

@test "a map of holes that is not that of the bytes is refused" {
	local map
	for map in 0,512,256,512,1024,512 512,512,0,512 0,512,512,4096; do
		/usr/bin/python3 - "$map" <<-'EOF'
			import io, sys, tarfile
			numbers = sys.argv[1].split(",")
			with tarfile.open("map.tar", "w", format=tarfile.PAX_FORMAT) as tar:
			    info = tarfile.TarInfo("inventory.img")
			    info.size = sum(int(n) for n in numbers[1::2])
			    info.pax_headers = {"GNU.sparse.size": "2048", "GNU.sparse.map": sys.argv[1],
			                        "GNU.sparse.numblocks": str(len(numbers) // 2)}
			    tar.addfile(info, io.BytesIO(b"x" * info.size))
		EOF
		run -1 "$crit" ls map.tar
		[[ $output == *"map.tar: inventory.img: its map says "*" bytes, stored are "* ]]
		gzip -f map.tar
		run -1 "$crit" ls map.tar.gz
		[[ $output == *"map.tar.gz: inventory.img: "*" not where its map says"* ]]
	done
}

@test "a folder that may not be looked into is no set that is not there" {
	[ "$(id -u)" = 0 ] || skip "being somebody else needs root"
	local dir as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	dir=$(mktemp -d /tmp/crit-sets.XXXXXX) # bats' own folders are root's alone
	cp "$crit" "$dir/crit"
	mkdir "$dir/list" "$dir/outer" "$dir/outer/checkpoint"
	touch "$dir/list/pstree.img" "$dir/outer/checkpoint/pstree.img"
	chmod 755 "$dir" "$dir/outer" "$dir/crit"
	chmod 744 "$dir/list"
	chmod 700 "$dir/outer/checkpoint"
	local command
	for command in inspect verify "pack -o $dir/out.tar" ls; do
		# shellcheck disable=SC2086 # a command with its options
		run "${as[@]}" "$dir/crit" $command "$dir/list"
		[ "$status" -ne 0 ]
		[[ $output == *"$dir/list: "*"pstree.img: Permission denied" ]]
		# shellcheck disable=SC2086
		run "${as[@]}" "$dir/crit" $command "$dir/outer"
		[ "$status" -ne 0 ]
		[[ $output == *"$dir/outer: "*"checkpoint/pstree.img: Permission denied" ]]
	done
	rm -rf "$dir"
}
