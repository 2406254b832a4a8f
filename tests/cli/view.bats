#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit view without a terminal: keys in, screens out; and what it refuses.
bats_require_minimum_version 1.5.0

load crit
load ../tui/screens

setup_file()
{
	make_set
	touch -d 2026-01-02T03:04:05Z "$set/inventory.img" # its screens tell
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$BATS_FILE_TMPDIR/whole"
}

@test "screens of the small set are as committed" {
	screens_of "$BATS_FILE_TMPDIR" set whole
}

@test "screens of real sets are as committed" {
	need_corpus
	screens_of "$corpus" a3 a4 a6 a13 a10/full1
}

@test "screens of container archives are as committed" {
	need_containers
	screens_of "$containers" multi.tar.gz
}

@test "every screen of a directory can be drawn at 20x5 and at 300 columns" {
	local size
	for size in 20x5 40x10 80x24 300x90; do
		# the last tab says that the cores have no registers
		"$crit" view --print text --size "$size" --keys '<Enter>]]]]]]]]]' "$set" >"$BATS_TEST_TMPDIR/out" || [ $? = 1 ]
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
	[ "$status" = 1 ]
	run "$crit" view --print text --pid x "$set"
	[ "$status" = 2 ]
	run "$crit" view --size 80x24 "$set"
	[ "$status" = 2 ]
}

@test "diff: what differs, and why it cannot be told" {
	cp -r "$set" "$BATS_TEST_TMPDIR/b"
	"$crit" edit --in-place "$BATS_TEST_TMPDIR/b:core-100.img" 'tc.comm=other' >/dev/null
	run "$crit" view --print text --size 110x12 --diff "$BATS_TEST_TMPDIR/b" "$set"
	[ "$status" = 0 ]
	[[ $output == *"tc.comm"*"alive → other"* ]]
	run "$crit" view --print text --size 110x12 --diff "$BATS_TEST_TMPDIR/none" "$set"
	[[ $output == *"none: No such file or directory"* ]]
}

@test "diff: x shows the bytes of the other checkpoint; what differs stands out" {
	local whole=$BATS_FILE_TMPDIR/whole b=$BATS_FILE_TMPDIR/b # beside its parent
	shown() { run "$crit" view --print "$3" --size 110x12 --diff "$2" --keys "$1" "$whole"; [ "$status" = 0 ]; }
	cp -r "$whole" "$b"
	printf 'CHANGED' | dd of="$b/pages-1.img" bs=1 seek=256 conv=notrunc status=none
	shown '<Enter>' "$b" text
	[[ $output == *"in A (x: B), "* && $output != *CHANGED* ]]
	shown '<Enter>x' "$b" text
	[[ $output == *"in B (x: A), "*CHANGED* ]]
	shown '<Enter>x' "$b" svg
	[[ $output == *'fill="#87d787">HANGED<'* ]]
	shown '<Enter>xc' "$b" text
	[[ $output == *"crit pages -p 1 --hexdump $b 0x"* ]]
	shown '<Enter>xx' "$b" text
	[[ $output == *"in A (x: B), "* && $output != *CHANGED* ]]
	# an area that only the other has is shown there
	"$crit" edit --in-place --delete 'mm-1.img:vmas[0]' "$b" >/dev/null
	run "$crit" view --print text --size 110x12 --diff "$whole" --keys '/400000-402000<Enter><Enter>' "$b"
	[[ $output == *"in B (x: A), "*"000000400000 10 10"* ]]
	# a process that the other has not
	shown 'q/first<Enter><Enter>2<Enter>' "$set" text
	[[ $output == *"$set has no process 1"* ]]
	run "$crit" view --print text --keys '<Enter>2<Enter>x' "$whole"
	[[ $output == *"nothing to compare with"*"--diff"* ]]
}

@test "w says how much of what it wrote is not in the dump" {
	cd "$BATS_TEST_TMPDIR"
	local whole=$BATS_FILE_TMPDIR/whole
	rm -rf less && cp -r "$whole" less
	"$crit" edit --in-place --delete 'pagemap-1.img:entries[1]' less >/dev/null
	run "$crit" view --print text --size 110x12 --keys '<Enter>2<Enter>w<C-u>bytes<Enter>' less
	[[ $output == *"bytes written to bytes; "*" of them are not in the dump: zeros stand there"* ]]
}

@test "w writes rows, marked bytes and entries; it asks before it writes over a file" {
	cd "$BATS_TEST_TMPDIR"
	run "$crit" view --print text --keys 'w<C-u>rows<Enter>' "$set"
	[[ $output == *"bytes written to rows"* ]]
	[ "$(wc -l <rows)" = 3 ]
	grep -q '101 .*child' rows
	local whole=$BATS_FILE_TMPDIR/whole
	# a mark ends with Esc, and is no wider than what is there
	run "$crit" view --print text --keys '<Enter>2<Enter>jv<PgDn><Esc>' "$whole"
	[[ $output == *"the mark is gone"* && $output != *"  marked "* ]]
	run "$crit" view --print text --size 120x24 --keys '<Enter>2<Enter>vGw<C-u>hole<Enter>' "$whole"
	[[ $output == *"nothing is at 0x"*"mark inside of one area"* ]]
	[ ! -e hole ]
	"$crit" view --print text --keys '<Enter>2<Enter>v<PgDn>w<C-u>bytes<Enter>' "$whole" >out
	"$crit" pages -p 1 -o all "$whole" 400000
	[ -s bytes ]
	cmp -n "$(stat -c %s bytes)" bytes all
	# then the mark is gone
	run ! grep -q marked out
	"$crit" view --print text --keys '<Enter>2<Enter>v<PgDn>' "$whole" | grep -q marked
	"$crit" view --print text --keys '6/core-1.img<Enter><Enter>w<C-u>rows<Enter>n<Enter>' "$whole" >out
	grep -q 'nothing written' out
	grep -q '101 .*child' rows
	"$crit" view --print text --keys '6/core-1.img<Enter><Enter>w<C-u>rows<Enter>y<Enter>' "$whole" >out
	python3 -c 'import json; assert json.load(open("rows"))["tc"]["comm"] == "first"'
	# of what cannot be read there is nothing to write
	cp -r "$set" broken && truncate -s 30 broken/core-100.img
	run "$crit" view --print text --keys '6/core-100<Enter><Enter>w' broken
	[[ $output == *"there is nothing to write"* ]]
	# a folder that is not there
	run "$crit" view --print text --keys 'w<C-u>no/such/file<Enter>' "$set"
	[[ $output == *"no/such/file"*"No such file"* ]]
}

@test "edit: nothing without --edit, nothing before the review, all of it after" {
	cp -r "$set" "$BATS_TEST_TMPDIR/e"
	cd "$BATS_TEST_TMPDIR"
	local to_comm='6/core-100<Enter><Enter>/tc<Enter><Right>/comm<Enter>'
	run "$crit" view --print text --keys "${to_comm}e" e
	[[ $output == *"without --edit"* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>R" e
	[[ $output == *'core-100.img'*'entries[0].tc.comm=renamed'*'"alive" -> "renamed"'* ]]
	[ "$("$crit" decode e/core-100.img | grep -c renamed)" = 0 ]
	# what waits stands at its field, until it is dropped
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter><Down>" e
	[[ $output == *'comm: "alive"  waits: "alive" -> "renamed"'*'Enter open  e change'* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>Rdq" e
	[[ $output == *'comm: "alive"'* && $output != *waits:* ]]
	run -0 find e -mindepth 1 ! -name '*.img' ! -name stats-dump
	[ -z "$output" ]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>RWn<Enter>" e
	[[ $output == *"nothing written"* ]]
	# leaving would lose it
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>Q" e
	[[ $output == *"lose the changes that wait"* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>Qn<Enter>R" e
	[[ $output == *'"alive" -> "renamed"'* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>renamed<Enter>RWy<Enter>" e
	[[ $output == *"1 change written"* ]]
	[[ $output == *"renamed"* ]]
	"$crit" decode e/core-100.img | grep -q renamed
	# one is where one was: at the field, and below that among the images
	[[ $output == *"entries[0].tc.comm"* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>again<Enter>RWy<Enter>q<Down>" e
	[[ $output == *'core-100.img'*'Enter: entries'* ]]
	# who looks may follow a link out of the set; what is behind it is not taken into the set
	mv e/core-100.img elsewhere.img
	ln -s ../elsewhere.img e/core-100.img
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>other<Enter>" e
	[[ $output == *"core-100.img is a link that leads out of the set"* ]]
	run "$crit" view --edit --print text --keys "${to_comm}e<C-u>other<Enter>R" e
	[[ $output != *'-> "other"'* ]]
	[ -L e/core-100.img ]
	rm e/core-100.img
	mv elsewhere.img e/core-100.img
	# a value that does not fit is refused when it is typed
	run "$crit" view --edit --print text --keys '6/core-100<Enter><Enter>/tc<Enter><Right>/state<Enter>e<C-u>nonsense<Enter>' e
	[[ $output == *nonsense* && $output != *"R reviews"* ]]
}

@test "edit: changes are tried together, and written so that paths mean what was on the screen" {
	cd "$BATS_TEST_TMPDIR"
	local set=e before first
	rm -rf e && cp -r "$BATS_FILE_TMPDIR/whole" e
	shown() { run "$crit" view --edit --print text --size 140x30 --keys "6/mm-1.img<Enter><Enter>/vmas<Enter><Right>$1" e; [ "$status" = 0 ]; }
	json() { "$crit" show e/mm-1.img | python3 -c "import json, sys; e = json.load(sys.stdin)['entries'][0]; print($1)"; }
	before=$(json 'len(e["vmas"]), e["vmas"][2]["start"], e["vmas"][3:]')
	# the first two areas go, and a number of the third is another
	shown '<Down>d<Down>d<Down><Right>/pgoff<Enter>e<C-u>77<Enter>RWy<Enter>'
	[[ $output == *"3 changes written"* ]]
	[ "$(json 'len(e["vmas"]) + 2, e["vmas"][0]["start"], e["vmas"][1:]')" = "$before" ]
	[ "$(json 'e["vmas"][0]["pgoff"]')" = 77 ]
	# the same from a shell
	rm -rf e && cp -r "$BATS_FILE_TMPDIR/whole" e
	shown '<Down>d<Down>d<Down><Right>/pgoff<Enter>e<C-u>77<Enter>Rc'
	first=$(grep -oE 'crit edit .* e .*' <<<"$output")
	[[ $first == *'vmas[1]'*'vmas[0]'*'pgoff=77'* ]]
	# the last value typed for a field is the one that waits
	shown '<Down><Right>/pgoff<Enter>e<C-u>77<Enter>e<C-u>78<Enter>R'
	[[ $output == *"pgoff=78"*"0 -> 78"* && $output != *"pgoff=77"* ]]
	# what does not fit is refused, what waits goes on to
	shown '<Down>d<Right>/pgoff<Enter>e<C-u>nonsense<Enter>'
	[[ $output == *nonsense* && $output != *"R reviews"* ]]
	run -0 find . -name '*.stasis-*'
	[ -z "$output" ]
}

@test "an entry with very many areas is read in pieces: whole, or up to the damage; a change among them" {
	cd "$BATS_TEST_TMPDIR"
	python3 "$BATS_TEST_DIRNAME/../tui/large.py" many 2 5000 1 >/dev/null
	local to_area='6/mm-1001<Enter><Enter>/vmas<Enter><Right>G'
	run -0 "$crit" view --print text --keys "$to_area" many
	[[ $output == *"[4999]"*"1 entry  entries[0].vmas[4999]"* ]]
	run -0 "$crit" view --edit --print text --keys "$to_area<Right>/pgoff<Enter>e<C-u>77<Enter>RWy<Enter>" many
	[[ $output == *"1 change written"* ]]
	run -0 "$crit" view --edit --print text --keys "$to_area<Right>/pgoff<Enter>e<C-u>78<Enter>RWy<Enter><Up><Down>" many
	[[ $output == *"pgoff: 78"*"entries[0].vmas[4999].pgoff"* ]]
	# the type of a field in the middle is another
	python3 - many/mm-1001.img <<-'END'
		import sys
		data = bytearray(open(sys.argv[1], "rb").read())
		at = data.rindex(b"\x72", 0, len(data) * 3 // 4) # an area
		data[at + 2] = 0x0f
		open(sys.argv[1], "wb").write(data)
	END
	run -1 "$crit" view --print text --keys '6/mm-1001<Enter><Enter>/vmas<Enter>' many
	[[ $output == *"vmas "[23]* && $output == *"mm-1001.img: entry 0"* ]]
}

@test "/ without a text goes to the next match of the last one" {
	run -0 "$crit" view --print text --keys '?/screen<Enter>/<Enter>' "$set"
	[[ $output == *"half a screen down"* && $output != *"no row holds"* ]]
	run -0 "$crit" view --print text --keys '?/<Enter>' "$set"
	[[ $output == *"? help"* ]]
}

@test "edit: text may be typed with its quotes, and with what JSON escapes" {
	cd "$BATS_TEST_TMPDIR"
	local to_comm='6/core-100<Enter><Enter>/tc<Enter><Right>/comm<Enter>e<C-u>'
	rm -rf e && cp -r "$set" e
	run "$crit" view --edit --print text --keys "$to_comm\"a\\\"b\"<Enter>RWy<Enter>" e
	[[ $output == *"1 change written"* ]]
	"$crit" show e/core-100.img | python3 -c 'import json, sys
assert json.load(sys.stdin)["entries"][0]["tc"]["comm"] == "a\"b"'
	# Enter alone changes nothing of it
	run "$crit" view --edit --print text --size 120x20 --keys "${to_comm%<C-u>}<Enter>R" e
	[[ $output == *'"a\"b" -> "a\"b"'* ]]
	run "$crit" view --edit --print text --keys "$to_comm\"a\"b\"<Enter>R" e
	[[ $output == *"no changes wait"* ]]
}

@test "bad images: what can be read is shown, what cannot is marked" {
	local bad=$BATS_TEST_TMPDIR/bad whole=$BATS_FILE_TMPDIR/whole
	cp -r "$whole" "$bad"
	truncate -s 30 "$bad/core-3.img"
	run -1 --separate-stderr "$crit" view --print text --size 140x20 "$bad"
	[[ $output == *"first"*"prog --serve"* ]]
	[[ $output == *"core-3.img: entry 0 at byte 8"* ]]
	[[ $stderr == "crit view: core-3.img: entry 0 at byte 8"* && ${#stderr_lines[@]} = 1 ]]
	truncate -s 40 "$bad/mm-1.img"
	run -1 "$crit" view --print text --size 140x20 --keys '<Enter>2' "$bad"
	[[ $output == *"mm-1.img: entry 0"* ]]
	run "$crit" view --print text --size 140x20 --keys '<Enter>1' "$bad"
	[[ $output == *"mm-1.img"* ]]
	# the first entries of a cut image are there
	truncate -s -5 "$bad/files.img"
	run "$crit" view --print text --size 140x30 --keys '6/files.img<Enter><Enter>' "$bad"
	[[ $output == *"[0]"* && $output == *"files.img: entry"* ]]
	# every byte of an image wrong, one after the other: never a crash
	local i
	for i in 9 13 17 21 25 29; do
		cp "$whole/core-1.img" "$bad/core-1.img"
		printf '\xff' | dd of="$bad/core-1.img" bs=1 seek="$i" conv=notrunc status=none
		"$crit" view --print text --keys '<Enter>]]]]]]]]]q6<Enter>*' "$bad" >/dev/null || [ $? = 1 ]
	done
}

@test "a damaged tree, tables and archives: what comes before the damage is there" {
	local bad=$BATS_TEST_TMPDIR/bad whole=$BATS_FILE_TMPDIR/whole
	shown() { run -1 "$crit" view --print text --size 140x20 --keys "$1" "${2:-$bad}"; }
	again() { rm -rf "$bad"; cp -r "$whole" "$bad"; rm -f "$bad/parent"; }
	again
	truncate -s -3 "$bad/pstree.img"
	shown ''
	[[ $output == *"first"*"pstree.img: entry "*"wanted a message of"* ]]
	rm "$bad/pstree.img"
	shown ''
	[[ $output == *"0 processes"*"no pstree.img"* ]]
	shown '6/core-1.img<Enter><Enter>**/comm<Enter>'
	[[ $output == *'comm: "first"'* ]]
	again
	truncate -s 9 "$bad/inventory.img"
	shown ''
	[[ $output == *"first"*"inventory.img: "* ]]
	again
	truncate -s 200 "$bad/files.img"
	shown '<Enter>3'
	[[ $output == *"/tmp/gone"*"?"*"files.img: entry "* ]]
	shown '<Enter>4'
	[[ $output == *"files.img: entry "* ]]
	again
	truncate -s -3 "$bad/fdinfo-2.img"
	shown '<Enter>3'
	[[ $output == *"/tmp/gone"*"fdinfo-2.img: entry "* ]]
	rm "$bad/fdinfo-2.img"
	shown '<Enter>3'
	[[ $output == *"fdinfo-2.img: No such file"* ]]
	again
	truncate -s -3 "$bad/sk-queues.img"
	shown '<Enter>4'
	[[ $output == *"unix"*"sk-queues.img: "* ]]
	shown '<Enter>4<Enter>'
	[[ $output == *"sk-queues.img: entry 0 at byte 8: part 0: wanted 6 bytes of payload, found 3"* ]]
	"$crit" pack -o "$BATS_TEST_TMPDIR/whole.tar" "$whole"
	head -c "$(($(stat -c %s "$BATS_TEST_TMPDIR/whole.tar") * 3 / 4))" "$BATS_TEST_TMPDIR/whole.tar" >"$BATS_TEST_TMPDIR/cut.tar"
	shown '' "$BATS_TEST_TMPDIR/cut.tar"
	[[ $output == *"the archive is cut short"* ]]
	mkdir "$BATS_TEST_TMPDIR/empty"
	run "$crit" view --print text "$BATS_TEST_TMPDIR/empty"
	[ "$status" = 1 ]
}

@test "damaged page maps and tables: what is not known is a question mark, never 0, and says why" {
	local bad=$BATS_TEST_TMPDIR/bad
	shown() { run -1 "$crit" view --print text --size 140x16 --keys "$1" "$bad"; }
	again() { rm -rf "$bad"; cp -r "$BATS_FILE_TMPDIR/whole" "$bad"; rm -f "$bad/parent"; }
	again
	truncate -s -3 "$bad/pagemap-1.img"
	shown ''
	[[ $output == *$'\n      1 alive        0    2      ?    10 - first  pagemap-1.img: entry '* ]]
	[[ $output == *$'\n      3 alive        0    1   4.0K '* ]]
	shown '<Enter>2'
	[[ $output == *"400000  8.0K r-xp file        ███████·······   4.0K /bin/prog"* ]]
	[[ $output == *"500000   16K rw-p anon        "*"█"*"????"*" ? [anon]  pagemap-1.img: entry "* ]]
	[[ $output == *" 44K, 2 not wholly known, █ stored 28K,"* ]]
	again
	truncate -s 200 "$bad/files.img"
	shown '<Enter>2'
	[[ $output == *"690000  4.0K rw-s memfd       ??????????????      ? ?  files.img: entry "* ]]
	[[ $output == *"500000   16K rw-p anon "*" 8.0K [anon]"* ]]
	truncate -s 10 "$bad/fdinfo-2.img"
	shown ''
	[[ $output == *"  16K     ? - first  prog --serve  fdinfo-2.img: entry "* || $output == *"     ? - first "*"fdinfo-2.img: entry "* ]]
}

@test "a search says when it could not look everywhere" {
	local bad=$BATS_TEST_TMPDIR/bad
	cp -r "$BATS_FILE_TMPDIR/whole" "$bad"
	cp -r "$BATS_FILE_TMPDIR/whole.parent" "$bad.parent" 2>/dev/null || rm -f "$bad/parent"
	truncate -s 100 "$bad/pages-1.img"
	run "$crit" view --print text --size 140x12 --keys '<Enter>2<Enter>/nowhere<Enter>' "$bad"
	[[ $output == *'not found as text: "nowhere", but some cannot be read: pagemap-1.img'*"pages-1.img"* ]]
	run "$crit" view --print text --size 140x12 --keys '<Enter>"' "$bad"
	[[ $output == *"found, but some cannot be read: pagemap-1.img"* ]]
	run "$crit" view --print text --size 140x12 --keys 'Fnowhere<Enter>' "$bad"
	[[ $output == *"0 found, but some cannot be read"* ]]
}

@test "a search looks at rows that are folded or were never on the screen, and unfolds on the way" {
	local whole=$BATS_FILE_TMPDIR/whole large=$BATS_TEST_TMPDIR/large
	shown() { run "$crit" view --print text --size 100x12 --keys "$1" "${2:-$whole}"; [ "$status" = 0 ]; }
	at() { tail -n 2 <<<"$output" | head -n 1; }
	# entries of an image
	shown '6/core-1.img<Enter><Enter>Zg/prog_never<Enter>'
	[[ $output == *'no row holds "prog_never"'* ]]
	shown '6/core-1.img<Enter><Enter>Zg/comm<Enter>'
	[[ $(at) == *"entries[0].tc.comm" ]]
	shown '6/mm-1.img<Enter><Enter>Zg/prot:<Enter>n'
	[[ $(at) == *"entries[0].vmas[1].prot" ]]
	shown '6/mm-1.img<Enter><Enter>Zg/prot:<Enter>nN'
	[[ $(at) == *"entries[0].vmas[0].prot" ]]
	shown '6/mm-1.img<Enter><Enter>Zg/nowhere<Enter>/prot:<Enter>N'
	[[ $(at) == *"entries[0].vmas[5].prot" ]]
	# a document
	shown '<Enter>1Z/Root<Enter>'
	[[ $output == *"Root: /"* ]]
	shown '<Enter>1Z/core file<Enter>'
	[[ $output == *"core file "* && $output != *"no row holds"* ]]
	# processes
	shown 'Z/child<Enter>'
	[[ $output == *"- first"*"child"* && $(at) == " 2/3,"* ]]
	python3 "$BATS_TEST_DIRNAME/../tui/large.py" "$large" 300 10 1 >/dev/null
	shown 'Z/worker-66<Enter>' "$large"
	[[ $output == *"worker-66"* && $output != *"no row holds"* ]]
	shown '/worker-66<Enter>nN' "$large"
	[[ $output == *"worker-66"* ]]
	cd "$BATS_TEST_TMPDIR"
	shown 'w<C-u>rows<Enter>' "$large"
	[ "$(grep -c worker- rows)" = 300 ]
	run ! grep -q … rows
}

@test "what a key did is told: the order, where else it works, how one leaves" {
	local keys want
	while IFS='|' read -r keys want; do
		run -0 "$crit" view --print text --size 80x24 --keys "$keys" "$set"
		[[ $output == *"$want"* ]] || { echo "$keys: $output"; return 1; }
	done <<-END
		v|v does nothing here, but in bytes; ? lists the keys
		0|0 does nothing here; ? lists the keys
		r|a tree, in their order in the image, turned round
		t|a flat list, in their order in the image
		sI|a tree, sorted by pid, turned round
		|? help  q quit
		<Enter>|? help  q back
	END
	run -0 "$crit" view --print text --keys '\child<Enter>' "$set"
	[[ $output == *"2 of 3 processes are shown"* ]]
}

@test "what a key did is said: going round, filters, marks, keys that lead nowhere" {
	local whole=$BATS_FILE_TMPDIR/whole
	shown() { run "$crit" view --print text --size 110x12 --keys "$1" "$whole"; [ "$status" = 0 ]; }
	shown '/first<Enter>'
	[[ $output == *"this is the only row that holds it"* ]]
	shown '/alive<Enter>'
	[[ $output != *"going round"* ]]
	shown '/alive<Enter>n'
	[[ $output == *"found after going round"* ]]
	shown '/alive<Enter>GN'
	[[ $output != *"going round"* ]]
	# a filter stays in sight
	shown '<Enter>3&pipe<Enter>j'
	[[ $output == *'  only "pipe"'* ]]
	shown '<Enter>1&Umask<Enter>j'
	[[ $output == *'  only "Umask"'* ]]
	shown '<Enter>3&nowhere<Enter>j'
	[[ $output == *"no row holds that; Esc shows all"* ]]
	shown '<Enter>3&nowhere<Enter><Esc>'
	[[ $output != *"no row holds"* && $output != *'only "'* ]]
	# Esc drops the mark, then goes back
	shown '<Enter>2<Enter>vj'
	[[ $output == *marked* ]]
	shown '<Enter>2<Enter>vj<Esc>'
	[[ $output == *"memory of 1"* && $output != *marked* ]]
	shown '<Enter>2<Enter>vj<Esc><Esc>'
	[[ $output == *"2 memory"* ]]
	shown '<Enter>1<Down><Down><Down><Down><Enter>'
	[[ $output == *"there is nothing to open here"* ]]
	shown '<Enter>2<Enter><Tab>'
	[[ $output == *"there are no tabs here"* ]]
	shown '<Enter>2<Enter>}'
	[[ $output == *"q goes back to them"* ]]
}

@test "Enter alone answers nothing, whatever memory held before" {
	local keys
	for keys in '/' '&' 'F' '<Enter>:' '<Enter>2<Enter>/'; do
		run env MALLOC_PERTURB_=90 "$crit" view --print text --keys "$keys<Enter>" "$set"
		[ "$status" = 0 ]
		[[ $output != *"no row"* && $output != *Found:* && $output != *"is no"* && $output != *"not found"* ]]
	done
}

@test "n and N go from match to match, and round" {
	local keys row want
	while read -r keys want; do
		"$crit" view --print text --size 100x12 --keys "<Enter>2<Enter>/<Tab><Tab>prog|serv<Enter>$keys" \
			"$BATS_FILE_TMPDIR/whole" >"$BATS_TEST_TMPDIR/out"
		row=$(tail -n 2 "$BATS_TEST_TMPDIR/out" | head -n 1)
		[[ $row == " $want "* ]] || { echo "$keys: $row, want $want"; return 1; }
	done <<-END
		j<Up> 7ff000
		n 7ff007
		nn 7ff000
		N 7ff007
		NN 7ff000
		NNN 7ff007
	END
	"$crit" view --print text --keys '<Enter>2<Enter>/<Tab><Tab>prog|serv<Enter>N' "$BATS_FILE_TMPDIR/whole" |
		grep -q 'found after going round'
}

@test ": takes the same in every tab of a process and in bytes" {
	local place
	for place in '<Enter>1' '<Enter>2' '<Enter>2<Enter>'; do
		run "$crit" view --print text --size 100x12 --keys "$place:400000+10<Enter>" "$BATS_FILE_TMPDIR/whole"
		[[ $output == *$'\n 400010  u32 '* ]]
		run "$crit" view --print text --size 100x12 --keys "$place:0x10<Enter>" "$BATS_FILE_TMPDIR/whole"
		[[ $output == *"nothing is at 0x10"* ]]
		run "$crit" view --print text --size 100x12 --keys "$place:-400000<Enter>" "$BATS_FILE_TMPDIR/whole"
		[[ $output == *'"-400000" is no hexadecimal address'* ]]
	done
	run "$crit" view --print text --size 100x12 --keys '<Enter>:' "$BATS_FILE_TMPDIR/whole"
	[[ $output == *"Go to (hex"* ]]
}

@test "names cannot steer the terminal; names that are no UTF-8 are shown" {
	cp -r "$set" "$BATS_TEST_TMPDIR/odd"
	"$crit" show "$set/core-100.img" | sed 's/"alive"/"a\\u001b[2Jb\\udcff\\u00e4\\u65e5"/' |
		"$crit" encode -o "$BATS_TEST_TMPDIR/odd/core-100.img"
	run "$crit" view --print text "$BATS_TEST_TMPDIR/odd"
	[[ $output == *'a\x1b[2Jb\xffä日'* ]]
	[[ $output != *$'\033'* ]]
}

@test "every key, and every place: no error and no leak under valgrind" {
	command -v valgrind >/dev/null || skip "no valgrind"
	local whole=$BATS_TEST_TMPDIR/whole
	cp -r "$BATS_FILE_TMPDIR/whole" "$whole"
	cp -r "$BATS_FILE_TMPDIR/whole.parent" "$BATS_TEST_TMPDIR"
	cp -r "$whole" "$whole.other"
	"$crit" edit --in-place "$whole.other:core-1.img" 'tc.comm=other' >/dev/null
	BRIEF=1 "$BATS_TEST_DIRNAME/../tui/every-key" "$whole" valgrind -q --error-exitcode=99 \
		--leak-check=full --errors-for-leak-kinds=definite "$crit"
}

@test "descriptors lead to their entries, in files.img and in the images CRIU had before it" {
	cd "$BATS_TEST_TMPDIR"
	rm -rf old && cp -r "$BATS_FILE_TMPDIR/whole" old
	run "$crit" view --print text --keys '<Enter>3i' old
	[[ $output == *"files.img (FILES)"*"id: 4"* ]]
	"$crit" show old/files.img | /usr/bin/python3 -c 'import json, sys
entries = [e["reg"] for e in json.load(sys.stdin)["entries"] if e["type"] == "REG"]
json.dump({"magic": "REG_FILES", "entries": entries}, sys.stdout)' >reg.json
	rm old/files.img
	"$crit" encode -i reg.json -o old/reg-files.img
	run "$crit" view --print text --keys '<Enter>3i' old
	[[ $output == *"reg-files.img (REG_FILES)"*'"/tmp/gone"'* ]]
	run "$crit" view --print text --keys '<Enter>3ji' old
	[[ $output == *"this set has no entry of file "* ]]
}
