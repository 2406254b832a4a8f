#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sets made from sets: compressed, packed, squashed.
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

@test "compress and decompress in place leave owner and permissions" {
	[ "$(id -u)" = 0 ] || skip "needs another user"
	chown 1234:1235 "$dir/pages-1.img"
	chmod 640 "$dir/pages-1.img"
	"$crit" compress "$dir"
	[ "$(stat -c '%u %g %a' "$dir/pages-1.img.zst")" = "1234 1235 640" ]
	"$crit" decompress "$dir"
	[ "$(stat -c '%u %g %a' "$dir/pages-1.img")" = "1234 1235 640" ]
	# where the directory cannot be exchanged as a whole, as somebody stands in it
	(cd "$dir" && "$crit" compress . && "$crit" decompress --in-place .)
	[ "$(stat -c '%u %g %a' "$dir/pages-1.img")" = "1234 1235 640" ]
	same_memory "$dir"
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
	mkdir -p ctr new
	cp -r "$set" ctr/checkpoint
	ln -s ../../base ctr/checkpoint/parent
	"$crit" compress -o new/ctr ctr
	[ "$(readlink -f new/ctr/checkpoint/parent)" = "$PWD/base" ]
	mv base gone
	run -1 "$crit" pack -o x.tar next
	[[ $output == *"next/parent leads to ../base: No such file or directory" ]]
}

@test "compress, decompress and squash read and write archives, documents and all" {
	mkdir -p ctr/checkpoint ctr/volumes
	cp -r "$set/." ctr/checkpoint
	echo '{}' > ctr/config.dump
	echo volume > ctr/volumes/v.tar
	tar cf ctr.tar -C ctr .
	"$crit" compress -o small.tar.zst ctr.tar
	run -0 tar tf small.tar.zst
	[[ $output == *"./config.dump"* && $output == *"./checkpoint/pages-1.img.zst"* && $output == *"./volumes/v.tar"* ]]
	[[ $output != *"pages-1.img"$'\n'* ]]
	"$crit" diff --pages --only mems,pages "$set" small.tar.zst
	"$crit" decompress -o plain.tar small.tar.zst
	mkdir plain && tar xf plain.tar -C plain
	diff -r ctr plain
	"$crit" compress ctr.tar
	run -0 tar tf ctr.tar
	[[ $output == *"./checkpoint/pages-1.img.zst"* && $output != *"pages-1.img"$'\n'* ]]
	"$crit" decompress ctr.tar
	rm -r plain && mkdir plain && tar xf ctr.tar -C plain
	diff -r ctr plain
	"$crit" compress -o folder ctr.tar
	cmp folder/volumes/v.tar ctr/volumes/v.tar
	"$crit" diff --pages --only mems,pages "$set" folder
}

@test "folders with nothing in them, and what is beside the images, come along" {
	mkdir -p ctr/checkpoint/none ctr/volumes ctr/artifacts ctr/empty
	cp -r "$set/." ctr/checkpoint
	echo '{}' > ctr/config.dump
	echo made > ctr/artifacts/file
	local from
	"$crit" pack -o packed.tar.gz ctr
	"$crit" unpack -C unpacked packed.tar.gz
	diff -r ctr unpacked
	tar cf dotted.tar -C ctr .
	for from in ctr packed.tar.gz dotted.tar; do
		rm -rf json again small large
		"$crit" decode --all -o json $from
		"$crit" encode --all -o again json
		diff -r ctr again
		"$crit" compress -o small $from
		"$crit" decompress -o large small
		diff -r ctr large
	done
	"$crit" encode --all -o again.tar json
	"$crit" compress again.tar
	"$crit" decompress again.tar
	"$crit" unpack -C plain again.tar
	diff -r ctr plain
	mkdir "$dir/none"
	"$crit" compress -o small.tar "$dir"
	"$crit" decompress -o large.tar small.tar
	"$crit" unpack -C set2 large.tar
	diff -r "$dir" set2
}

@test "a set with folders in it, or the working directory, is changed in place too" {
	mkdir "$dir/sub"
	"$crit" compress "$dir"
	[ -d "$dir/sub" ]
	[ ! -e "$dir/pages-1.img" ]
	same_memory "$dir"
	cd "$dir"
	"$crit" decompress .
	[ -e pages-1.img ]
	[ ! -e pages-1.img.zst ]
	rmdir sub
	diff -r "$set" .
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
	[[ $output == *"full exists: want a new or empty directory"* ]]
	run -2 "$crit" compress -l 99 "$set"
	run -2 "$crit" compress -T 0 "$set"
	[ "$(find . -maxdepth 1 -name '*.??????' | wc -l)" = 0 ]
}

# a tar with one member of any kind: odd_tar NAME TYPE LINK
odd_tar()
{
	/usr/bin/python3 - "$@" <<'EOF'
import io, sys, tarfile
name, kind, link = sys.argv[1:4]
with tarfile.open("odd.tar", "w") as tar:
    first = tarfile.TarInfo("inventory.img")
    first.size = 4
    tar.addfile(first, io.BytesIO(b"abcd"))
    odd = tarfile.TarInfo(name)
    odd.type = getattr(tarfile, kind)
    odd.linkname = link
    odd.size = 3 if kind == "REGTYPE" else 0
    tar.addfile(odd, io.BytesIO(b"bad"))
EOF
}

@test "pack and unpack: the same files, whatever the compression" {
	local suffix
	for suffix in tar tar.gz tar.zst; do
		"$crit" pack -o "x.$suffix" "$dir"
		"$crit" diff --pages "$set" "x.$suffix"
		"$crit" unpack -C "out-$suffix" "x.$suffix"
		diff -r "$set" "out-$suffix"
	done
	tar tf x.tar >/dev/null
	"$crit" compress "$dir"
	"$crit" pack -o packed.tar.zst "$dir"
	"$crit" diff --pages "$set" packed.tar.zst
}

@test "unpack refuses an archive with nothing in it, or without its end" {
	tar cf empty.tar -T /dev/null
	run -1 "$crit" unpack -C out empty.tar
	[[ $output == *"empty.tar: an archive with nothing in it" ]]
	local suffix size
	"$crit" pack -o whole.tar "$dir"
	size=$(stat -c %s whole.tar)
	head -c $((size - 1024)) whole.tar >half.tar
	run -1 "$crit" unpack -C out half.tar
	[[ $output == *"half.tar: cut short behind member "*" at byte $((size - 1024)): the end of the archive is missing" ]]
	gzip -k half.tar
	run -1 "$crit" unpack -C out half.tar.gz
	[[ $output == *"the end of the archive is missing" ]]
	[ ! -e out ]
	# a single block of zeros is an end, too
	head -c $((size - 512)) whole.tar >short.tar
	"$crit" unpack -C out short.tar
	diff -r "$set" out
}

@test "pack wants a checkpoint" {
	mkdir none
	touch none/pages-1.img none/notes.txt
	run -1 "$crit" pack -o x.tar none
	[[ $output == *"none: no checkpoint: neither pstree.img nor inventory.img nor a page map is there" ]]
	[ ! -e x.tar ]
	# nor is what a link leads to packed when it is none
	ln -s ../none "$dir/parent"
	run -1 "$crit" pack -o x.tar "$dir"
	[[ $output == *"set/parent: no checkpoint"* ]]
	[ ! -e x.tar ]
}

@test "links out of a set are not followed where its files go into another one" {
	echo secret >secret
	cp -r "$dir" before
	local link command
	for link in "$PWD/secret" ../secret; do
		for command in "pack -o x.tar" "compress -o out" "compress -o x.tar" "decode --all -o out" \
			"remap --comm child=other -o out"; do
			ln -s "$link" "$dir/notes.txt"
			# shellcheck disable=SC2086 # words
			run -1 "$crit" $command "$dir"
			[[ $output == *"set/notes.txt is a link that leads out of the set: refused; put a copy in its place"* ]] \
				|| { echo "$command: $output"; return 1; }
			[ ! -e out ]
			[ ! -e x.tar ]
			rm "$dir/notes.txt"
		done
	done
	ln -sf ../secret "$dir/pages-1.img"
	run -1 "$crit" compress --in-place "$dir"
	[[ $output == *"pages-1.img is a link that leads out of the set"* ]]
	[ -L "$dir/pages-1.img" ]
	rm -r "$dir"
	cp -r before "$dir"
	# within the set they are what they lead to
	ln -s pages-1.img "$dir/same"
	"$crit" pack -o x.tar "$dir"
	"$crit" unpack -C out x.tar
	cmp out/same "$set/pages-1.img"
	rm "$dir/same"
	# a folder of images that is elsewhere
	mkdir ctr
	ln -s ../set ctr/checkpoint
	run -1 "$crit" pack -o y.tar ctr
	[[ $output == *"ctr/checkpoint is a link that leads out of the set"* ]]
	[ ! -e y.tar ]
	# JSON, and what is beside it
	"$crit" decode --all -o json "$dir"
	ln -s ../secret json/notes.txt
	run -1 "$crit" encode --all -o again json
	[[ $output == *"json/notes.txt is a link that leads out of the set"* ]]
	mkdir json/sub
	rm json/notes.txt
	ln -s ../../secret json/sub/notes.txt
	run -1 "$crit" encode --all -o again json
	[[ $output == *"json/sub/notes.txt is a link that leads out of the set"* ]]
	[ ! -e again ]
	# who only looks may follow them
	cp -r before linked
	mv linked/pages-1.img elsewhere.img
	ln -s ../elsewhere.img linked/pages-1.img
	same_memory linked
	# a parent leads elsewhere: its own files do not
	cp -r before base
	ln -s ../base "$dir/parent"
	"$crit" pack -o chain.tar "$dir"
	ln -s ../secret base/notes.txt
	run -1 "$crit" pack -o y.tar "$dir"
	[[ $output == *"set/parent/notes.txt is a link that leads out of the set"* ]]
}

@test "what a set's copy would lack is named and refused, and nothing is made" {
	local command
	refused() # WHAT: by every command that copies
	{
		for command in "pack -o x.tar" "compress -o out" "compress -o x.tar" "squash -o out" \
			"decode --all -o out" "remap --comm child=other -o out"; do
			# shellcheck disable=SC2086 # words
			run -1 "$crit" $command "$dir"
			[ "$output" = "crit ${command%% *}: $dir/$1, which would be left out: move it away" ] \
				|| { echo "$command: $output"; return 1; }
			[ ! -e out ]
			[ ! -e x.tar ]
		done
	}
	mkfifo "$dir/fifo"
	refused "fifo is a FIFO"
	rm "$dir/fifo"
	/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/sock"
	refused "sock is a socket"
	rm "$dir/sock"
	mkdir "$dir/notes"
	touch "$dir/notes/a"
	refused "notes is a folder"
	"$crit" compress "$dir" # which leaves it where it is
	"$crit" decompress "$dir"
	[ -e "$dir/notes/a" ]
	mv "$dir/notes" away
	ln -s nowhere "$dir/notes"
	refused "notes is a link that leads nowhere"
	ln -sfn ../away "$dir/notes"
	refused "notes is a link to what is no file"
	rm "$dir/notes"
	mkdir "$dir/empty"
	"$crit" pack -o x.tar "$dir" # which goes along
	"$crit" unpack -C back x.tar
	diff -r "$dir" back
	rm -r x.tar back
	mkdir -p "$dir/volumes/deep"
	refused "volumes/deep is a folder"
	rm -r "$dir/volumes"
	# sets that `parent` leads to are no strangers
	mkdir ctr
	cp -r "$set" ctr/checkpoint
	cp -r "$set" ctr/pre-checkpoint
	echo '{}' >ctr/config.dump
	ln -s ../pre-checkpoint ctr/checkpoint/parent
	"$crit" pack -o x.tar ctr
	"$crit" compress -o out ctr
	"$crit" decode --all -o json "$dir"
	mkfifo json/fifo
	run -1 "$crit" encode --all -o again json
	[[ $output == *"json/fifo is a FIFO, which would be left out"* ]]
	[ ! -e again ]
}

@test "what an archive has besides files and folders stays in archives, and is refused for a directory" {
	mkdir x
	mkfifo x/fifo
	ln -s core-101.img x/link
	local what
	for what in fifo link; do
		tar cf a.tar -C "$dir" . -C "$PWD/x" $what
		run -1 "$crit" compress -o out a.tar
		[[ $output == "crit compress: a.tar: member $what is "*" would be left out" ]]
		run -1 "$crit" decode --all -o out a.tar
		[[ $output == "crit decode: a.tar: member $what is "*" would be left out" ]]
		[ ! -e out ]
		"$crit" compress -o out.tar a.tar
		tar tf out.tar $what
		"$crit" edit --in-place a.tar core-101.img:tc.comm=x
		tar tf a.tar $what
	done
}

@test "a directory that is no set is left alone, as is one in which nothing changes" {
	local command before
	local -A change=(["edit --in-place"]=core-1.img:tc.comm=x ["edit -o out"]=core-1.img:tc.comm=x)
	mkdir home
	touch home/file
	before=$(stat -c '%i %Y' home home/file)
	for command in "compress" "decompress" "squash" "convert --to legacy" "recode --in-place" \
		"remap --in-place --comm child=other" "edit --in-place" "compress -o out" "edit -o out"; do
		# shellcheck disable=SC2086 # words
		run "$crit" $command home ${change[$command]:-}
		[[ $status = [12] ]]
		[[ $output == *" home: no checkpoint: neither "* ]] || { echo "$command: $output"; return 1; }
	done
	for command in "recode" "dedup" "pack -o out.tar"; do
		# shellcheck disable=SC2086 # words
		run "$crit" $command home
		[[ $status = [12] ]]
		[[ $output == *" home: no checkpoint: neither "* ]] || { echo "$command: $output"; return 1; }
	done
	tar cf set.tar -C "$dir" .
	run -1 "$crit" dedup set.tar
	[ "$output" = "crit dedup: set.tar is an archive: \`crit unpack\` it first" ]
	[ "$(stat -c '%i %Y' home home/file)" = "$before" ]
	[ ! -e out ]
	"$crit" recode --in-place "$dir" # as this program writes it
	tar cf a.tar -C "$dir" .
	before=$(stat -c '%i %z' "$dir" a.tar)
	for command in "decompress" "recode --in-place"; do
		# shellcheck disable=SC2086 # words
		"$crit" $command "$dir"
		# shellcheck disable=SC2086 # words
		"$crit" $command a.tar
	done
	[ "$(stat -c '%i' "$dir" a.tar)" = "$(cut -d' ' -f1 <<<"$before")" ]
}

# stored FILE: how many bytes of it are on the disk, as it is larger
stored() { echo $(($(stat -c '%b * %B' "$1"))); }

@test "pack, unpack, compress and decompress keep holes" {
	local file folder format suffix to
	truncate -s 8M "$dir/pages-1.img" # nothing behind what it had
	truncate -s 4M "$dir/other.bin"
	truncate -s 4M "$dir/none.txt"
	printf x | dd of="$dir/other.bin" bs=1 seek=2M conv=notrunc status=none
	[ "$(stored "$dir/pages-1.img")" -lt 65536 ] || skip "the file system has no holes"
	for suffix in tar tar.gz tar.zst; do
		to=${suffix//./}
		"$crit" pack -o "x.$suffix" "$dir"
		[ "$(stat -c %s "x.$suffix")" -lt 262144 ]
		"$crit" unpack -C "out-$to" "x.$suffix"
		diff -r "$dir" "out-$to"
		"$crit" compress -o "small-$to" "x.$suffix"
		"$crit" decompress -o "large-$to" "small-$to"
		diff -r "$dir" "large-$to"
		"$crit" compress -o "small.$suffix" "x.$suffix"
		"$crit" decompress -o "large.$suffix" "small.$suffix"
		[ "$(stat -c %s "large.$suffix")" -lt 262144 ]
		"$crit" unpack -C "all-$to" "large.$suffix"
		diff -r "$dir" "all-$to"
		for file in pages-1.img other.bin none.txt; do
			for folder in out large all; do
				[ "$(stored "$folder-$to/$file")" -lt 65536 ] \
					|| { ls -ls "$folder-$to"; return 1; }
			done
			[ $file = pages-1.img ] || [ "$(stored "small-$to/$file")" -lt 65536 ]
		done
	done
	# in a plain archive it is read where it lies, at any offset
	"$crit" compress -o direct x.tar
	cmp direct/pages-1.img.zst small-targz/pages-1.img.zst
	"$crit" diff --pages "$dir" x.tar
	# others' archives: what GNU tar and Python know of holes
	for format in gnu "pax --sparse-version=0.0" "pax --sparse-version=0.1" "pax --sparse-version=1.0"; do
		# shellcheck disable=SC2086 # words
		tar -S --format=$format -cf gnu.tar -C "$dir" .
		"$crit" diff --pages "$dir" gnu.tar
		gzip -kf gnu.tar
		run -0 "$crit" diff --pages "$dir" gnu.tar.gz
		"$crit" decode --all -o json gnu.tar.gz
		cmp json/other.bin "$dir/other.bin"
		rm -r json
		rm -rf gnu again
		"$crit" unpack -C gnu gnu.tar
		diff -r "$dir" gnu
		"$crit" decompress -o again gnu.tar
		diff -r "$dir" again
		[ "$(stored gnu/other.bin)" -lt 65536 ]
		[ "$(stored again/other.bin)" -lt 65536 ]
	done
	mkdir plain
	tar xf x.tar -C plain
	diff -r "$dir" plain
	/usr/bin/python3 - <<-'EOF'
		import tarfile
		with tarfile.open("x.tar") as tar:
		    for member in tar:
		        assert not member.isfile() or tar.extractfile(member).read() == open("set/" + member.name, "rb").read()
	EOF
	# zeros that an archive has as bytes become holes, too
	tar cf zeros.tar -C "$dir" .
	"$crit" unpack -C zeros zeros.tar
	[ "$(stored zeros/pages-1.img)" -lt 65536 ]
}

@test "a file with more holes than a header may list is packed whole" {
	/usr/bin/python3 - "$dir/pages-1.img" <<-'EOF'
		import sys
		with open(sys.argv[1], "wb") as file:
		    for i in range(33000):
		        file.seek(i * 8192)
		        file.write(b"x" * 4096)
		    file.truncate(320 << 20)
	EOF
	"$crit" pack -o x.tar "$dir"
	[ "$(stat -c %s x.tar)" -lt $((300 << 20)) ] # the long hole at the end is none of them
	"$crit" unpack -C out x.tar
	cmp "$dir/pages-1.img" out/pages-1.img
	[ "$(stored out/pages-1.img)" -le "$(stored "$dir/pages-1.img")" ]
}

@test "a set is not written to what looks like another kind of archive" {
	local name
	for name in x.zip x.tar.xz x.TBZ2 x.zst; do
		run -2 "$crit" compress -o "$name" "$dir"
		[[ $output == *"$name: archives of this kind are not written: want a name that ends in .tar, .tar.gz or .tar.zst, or that of a directory"* ]]
		run -2 "$crit" remap --comm a=b -o "$name" "$dir"
		run -2 "$crit" decode --all -o "$name" "$dir"
		[ ! -e "$name" ]
	done
}

@test "a pre-dump is told from what is no checkpoint" {
	rm "$dir"/core-* "$dir/pstree.img"
	local command
	for command in inspect compat mem; do
		run ! "$crit" $command "$dir"
		[[ $output == *"set: a pre-dump, so no checkpoint: it has memory alone"*"crit squash"* ]] \
			|| { echo "$command: $output"; return 1; }
	done
	run -1 "$crit" pages -p 100 "$dir" 0x400000
	[[ $output == *"set: a pre-dump, so no checkpoint"* ]]
	rm "$dir"/pagemap-*
	run -1 "$crit" inspect "$dir"
	[[ $output == *"no pstree.img, so no checkpoint" ]]
}

@test "what does not fit says so, and which file it is" {
	unshare --user --map-root-user --mount true || skip "no user namespaces"
	head -c 3000000 /dev/urandom >"$dir/notes.bin"
	"$crit" pack -o x.tar "$dir"
	head -c 3000000 /dev/urandom >"$dir/pages-1.img"
	"$crit" compress -o packed "$dir"
	mkdir full
	# shellcheck disable=SC2016 # the other shell has the variables
	run -0 unshare --user --map-root-user --mount bash -c '
		mount -t tmpfs -o size=1m none full
		"$0" pack -o full/new.tar "$1"
		"$0" edit -o full/edited.tar x.tar "pstree.img: entries[0].sid=7"
		"$0" decompress -o full/plain packed
		ls full' "$crit" "$dir"
	[ "${lines[0]}" = "crit pack: write full/new.tar: No space left on device" ]
	[ "${lines[1]}" = "crit edit: write full/edited.tar: No space left on device" ]
	[ "${lines[2]}" = "crit decompress: write pages-1.img: No space left on device" ]
	[ "${#lines[@]}" = 3 ]
}

@test "pack takes the sets before it along" {
	cp -r "$set" base
	ln -s ../base "$dir/parent"
	"$crit" pack -o chain.tar "$dir"
	"$crit" unpack -C out chain.tar
	[ "$(readlink out/parent)" = parent-1 ]
	diff -r base out/parent-1
	"$crit" diff --pages out chain.tar
}

@test "unpack refuses what leads outside, links and devices, and then makes nothing" {
	local row
	while read -r row; do
		local words=${row#*:}
		# shellcheck disable=SC2086 # words
		odd_tar ${row%%:*}
		run -1 "$crit" unpack -C out odd.tar
		[ "$output" = "crit unpack: odd.tar: member ${row%% *} $words: refused" ]
		[ ! -e out ]
		[ ! -e ../evil ]
		[ ! -e evil ]
	done <<-'EOF'
		../evil REGTYPE -:leads out of its folder
		a/../../evil REGTYPE -:leads out of its folder
		/tmp/evil REGTYPE -:has an absolute name
		a SYMTYPE /etc:is a link
		parent SYMTYPE /etc:is a link out of the archive
		parent SYMTYPE ../evil:is a link out of the archive
		a/parent SYMTYPE ../../evil:is a link out of the archive
		a LNKTYPE inventory.img:is a hard link
		a CHRTYPE -:is neither a file nor a folder
		a FIFOTYPE -:is neither a file nor a folder
	EOF
	odd_tar inventory.img REGTYPE -
	run -1 "$crit" unpack -C out odd.tar
	[[ $output == *"member inventory.img is in it twice: refused"* ]]
	odd_tar a/b/c REGTYPE -
	"$crit" unpack -C out odd.tar
	[ "$(cat out/a/b/c)" = bad ]
	run -1 "$crit" unpack -C out odd.tar
	[[ $output == *"out exists already"* ]]
	[ "$(find . -maxdepth 1 -name 'out.*' | wc -l)" = 0 ]
}

@test "unpack names archive and member, whole, and tells before it writes where it cannot" {
	unshare --user --map-root-user --mount true || skip "no user namespaces"
	mkdir -p in/deep/er out
	head -c 300000 /dev/urandom >in/deep/er/file
	tar cf a.tar -C in deep
	run -1 unshare --user --map-root-user --mount sh -c \
		"mount -t tmpfs -o size=100k none out; exec '$crit' unpack -C out/x a.tar"
	[ "$output" = "crit unpack: a.tar: write deep/er/file: No space left on device" ]
	gzip -k a.tar
	head -c 200000 a.tar.gz >cut.tar.gz
	run -1 "$crit" unpack -C x cut.tar.gz
	[[ $output == "crit unpack: cut.tar.gz: member deep/er/file: "* ]]
	ln -s nowhere link
	run -1 "$crit" unpack -C link a.tar
	[ "$output" = "crit unpack: create link: it is a link that leads nowhere" ]
	run -1 "$crit" unpack -C . cut.tar.gz
	[[ $output == "crit unpack: . exists already, and is not empty" ]]
	[ ! -e x ]
	[ -z "$(find . -name 'x.*' -o -name 'link.*')" ]
}

@test "unpack takes an archive from standard input, too" {
	"$crit" pack -o a.tar.gz "$dir"
	"$crit" unpack -C piped - < <(cat a.tar.gz)
	diff -r "$dir" piped
	"$crit" unpack -C file - <a.tar.gz
	diff -r "$dir" file
	head -c 300 a.tar.gz >cut.tar.gz
	run -1 "$crit" unpack -C cut - <cut.tar.gz
	[[ $output == "crit unpack: standard input: "* ]]
	[ ! -e cut ]
}

@test "unpack writes nothing through a link of the archive" {
	mkdir target
	/usr/bin/python3 - <<'EOF'
import io, tarfile
with tarfile.open("odd.tar", "w") as tar:
    link = tarfile.TarInfo("parent")
    link.type, link.linkname = tarfile.SYMTYPE, "sub"
    tar.addfile(link)
    for name in "sub/x", "parent/y":
        info = tarfile.TarInfo(name)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"z"))
EOF
	run -1 "$crit" unpack -C out odd.tar
	[[ $output == *"symbolic link"* ]]
	[ ! -e out ]
}

@test "unpack stops at --max-size, and at the end of half an archive" {
	head -c 8M /dev/urandom >"$dir/pages-1.img"
	"$crit" pack -o bomb.tar.zst "$dir"
	run -1 "$crit" unpack --max-size 4M -C out bomb.tar.zst
	[[ $output == *"more than 4194304 bytes"* ]]
	[ ! -e out ]
	head -c 3000 bomb.tar.zst >half.tar.zst
	run -1 "$crit" unpack -C out half.tar.zst
	[ ! -e out ]
	run -1 "$crit" unpack -C out "$set/inventory.img"
	[[ $output == *"inventory.img: not a tar archive" ]]
	[ ! -e out ]
	run -2 "$crit" pack -o x.zip "$dir"
	run -2 "$crit" pack "$dir"
	run -2 "$crit" unpack bomb.tar.zst
}

# a chain of three in $dir/1, 2 and 3: process 100 wrote one page between 1 and 2
make_chain()
{
	mkdir chain
	cp -r "$set" chain/1
	# the other process has a page image of its own, as in every real set
	cp chain/1/pages-1.img chain/1/pages-2.img
	"$crit" decode chain/1/pagemap-101.img | sed 's/"pages_id": 1/"pages_id": 2/' >map.json
	"$crit" encode -i map.json -o chain/1/pagemap-101.img
	cp -r chain/1 chain/2
	ln -s ../1 chain/2/parent
	edit_map chain/2 '[(0x400000, 1, 4), (0x401000, 1, 1), (0x402000, 1, 1)]'
	head -c 4096 /dev/zero | tr '\0' N >chain/2/pages-1.img
	cp -r chain/2 chain/3
	ln -sfn ../2 chain/3/parent
	edit_map chain/3 '[(0x400000, 1, 1), (0x401000, 1, 4), (0x402000, 1, 1)]'
	head -c 4096 /dev/zero | tr '\0' M >chain/3/pages-1.img
}

# edit_map SET [(address, pages, flags)…]: the page map of process 100
edit_map()
{
	"$crit" decode "$1/pagemap-100.img" >map.json
	/usr/bin/python3 - "$2" <<'EOF'
import json, sys
image = json.load(open("map.json"))
image["entries"] = image["entries"][:1] + [
    {"vaddr": at, "compat_nr_pages": 0, "flags": flags, "nr_pages": nr} for at, nr, flags in eval(sys.argv[1])]
json.dump(image, open("map.json", "w"))
EOF
	"$crit" encode -i map.json -o "$1/pagemap-100.img"
}

@test "squash makes one set of a chain, with the same memory" {
	make_chain
	"$crit" squash -o one chain/3
	[ ! -e one/parent ]
	"$crit" diff --pages chain/3 one
	rm -r chain/1 chain/2
	[ "$("$crit" pages -p 100 one 400000 | head -c 3)" = NNN ]
	[ "$("$crit" pages -p 100 one 401000 | head -c 3)" = MMM ]
	"$crit" pages -p 100 one 402000 | cmp - <(tail -c 4096 "$set/pages-1.img")
	[[ $("$crit" decode one/pagemap-100.img) != *'"flags": "PE_PARENT'* ]]
	run -1 "$crit" squash -o two chain/3
	[ ! -e two ]
}

@test "squash of an archive takes the sets before out of it" {
	make_chain
	"$crit" pack -o chain.tar.zst chain/3
	cp chain.tar.zst new.tar.zst
	"$crit" squash new.tar.zst
	run -0 tar tf new.tar.zst
	[[ $output == *pages-1.img* && $output != *parent* ]]
	"$crit" diff --pages chain/3 new.tar.zst
	"$crit" squash -o one chain.tar.zst
	[ ! -e one/parent ]
	[ ! -e one/parent-1 ]
	"$crit" squash -o same chain/3
	diff -r same one
}

@test "of a chain in an archive the last set is the checkpoint" {
	make_chain
	tar cf chain.tar -C chain 1 2 3
	"$crit" diff --pages chain/3 chain.tar
	"$crit" squash -o one chain.tar
	"$crit" squash -o same chain/3
	diff -r same one
}

@test "squash takes the place of the set, and reads compressed sets" {
	make_chain
	cp -r chain before
	"$crit" compress chain/1
	"$crit" compress chain/3
	"$crit" squash chain/3
	[ ! -e chain/3/parent ]
	[ ! -e chain/3/pages-1.img.zst ]
	"$crit" diff --pages before/3 chain/3
	"$crit" squash chain/2
	"$crit" diff --pages before/2 chain/2
}

@test "dedup frees what later sets have, and no memory changes" {
	make_chain
	cp -r chain before
	run -0 "$crit" dedup --dry-run chain/3
	[[ ${lines[2]} =~ chain/3/parent/parent\ +5\ +20.0\ KiB ]]
	diff -r before chain
	run -0 "$crit" dedup chain/3
	[[ ${lines[1]} =~ chain/3/parent\ +3\ +12.0\ KiB ]]
	[[ ${lines[2]} =~ chain/3/parent/parent\ +5\ +20.0\ KiB ]]
	# what is free already is not freed again
	local again
	for again in "" --dry-run; do
		# shellcheck disable=SC2086 # none or one word
		run -0 "$crit" dedup $again chain/3
		[[ ${lines[1]} =~ chain/3/parent\ +0\ +0\ B ]]
		[[ ${lines[2]} =~ chain/3/parent/parent\ +0\ +0\ B ]]
	done
	printf x | dd of=chain/1/pages-1.img bs=1 seek=5000 conv=notrunc status=none
	run -0 "$crit" dedup --dry-run chain/3
	[[ ${lines[2]} =~ chain/3/parent/parent\ +1\ +4.0\ KiB ]]
	run -0 "$crit" dedup chain/3
	"$crit" diff --pages before/3 chain/3
	cmp -n 8192 chain/1/pages-1.img /dev/zero
	cmp <(tail -c 4096 chain/1/pages-1.img) <(tail -c 4096 before/1/pages-1.img)
	run -0 "$crit" dedup --format json chain/1
	/usr/bin/python3 -c 'import json, sys; assert json.loads(sys.argv[1]) == {"sets": []}' "$output"
	"$crit" compress chain/1
	run -1 "$crit" dedup chain/3
	[[ $output == *"pages-1.img is compressed"* ]]
}

@test "dedup changes nothing at all when one page image is read-only" {
	mkdir chain
	for i in 1 2 3; do
		cp -r "$dir" "chain/$i"
		[ $i = 1 ] || ln -s "../$((i - 1))" "chain/$i/parent"
	done
	chmod a-w chain/1/pages-1.img
	cp -a chain before
	run -1 "$crit" dedup chain/3
	[[ $output == *"chain/3/parent/parent/pages-1.img is read-only"* ]]
	diff -r before chain
	run -1 "$crit" dedup --dry-run chain/3
	[[ $output == *"chain/3/parent/parent/pages-1.img is read-only"* ]]
	chmod u+w chain/1/pages-1.img
	"$crit" dedup chain/3
	run ! diff -r before chain
}

@test "chains of the corpus: squashed, packed and freed of old pages, the memory stays" {
	local chain
	need_corpus
	for chain in a10/full2 a10k/final; do
		local name=${chain%/*}
		cp -r "$corpus/$name" "$name" && chmod -R u+w "$name"
		"$crit" squash -o "$name.one" "$chain"
		"$crit" diff --pages "$chain" "$name.one"
		"$crit" pack -o "$name.tar.zst" "$chain"
		"$crit" diff --pages "$chain" "$name.tar.zst"
		"$crit" dedup "$chain"
		"$crit" diff --pages "$corpus/$chain" "$chain"
		"$crit" compress "$chain"
		"$crit" diff --pages "$corpus/$chain" "$chain"
		"$crit" decompress "$chain"
		diff -r "$corpus/$chain" "$chain"
	done
}
