#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit pages, grep and strings: the memory of captured processes.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

setup()
{
	mem=$BATS_TEST_TMPDIR/mem
	cp -r "$set" "$mem"
	truncate -s 12288 "$mem/pages-1.img"
	poke 16 'a secret word'
	poke 8189 'ACROSS' # over the border of two areas
	printf '\xde\xad\xbe\xef' | dd of="$mem/pages-1.img" bs=1 seek=12284 conv=notrunc status=none
}

# poke OFFSET TEXT: into the pages of process 100, which begin at 0x400000
poke()
{
	printf %s "$2" | dd of="$mem/pages-1.img" bs=1 seek="$1" conv=notrunc status=none
}

@test "grep finds text, and says where" {
	run -0 "$crit" grep -p 100 -s 'secret w' "$mem"
	[[ ${lines[0]} =~ PID\ +PROCESS\ +ADDRESS\ +MEMORY\ +FILE\ +BYTES ]]
	[[ ${lines[1]} =~ 100\ +alive\ +0x400012\ +file\ +/usr/bin/prog\ +"secret w" ]]
	[ ${#lines[@]} = 2 ]
}

@test "grep finds what lies over the border of areas, once" {
	run -0 "$crit" grep -p 100 -s ACROSS "$mem"
	[ ${#lines[@]} = 2 ]
	[[ ${lines[1]} == *0x401ffd* ]]
	run -0 "$crit" grep -p 100 -r 'A[C-S]{4}S' "$mem"
	[ ${#lines[@]} = 2 ]
}

@test "grep takes hexadecimal, ignores case, stops when told" {
	run -0 "$crit" grep -p 100 -x 'de ad BEEF' "$mem"
	[[ ${lines[1]} == *0x402ffc*'\xbe\xef' ]]
	run -0 "$crit" grep -i -s 'SECRET' "$mem"
	run -0 "$crit" grep -m 1 -r '[a-z]+' "$mem"
	[ ${#lines[@]} = 2 ]
}

@test "grep --format json names bytes that are no text" {
	run -0 "$crit" grep -p 100 -x deadbeef --format json "$mem"
	/usr/bin/python3 -c 'import json, sys
(m,) = json.loads(sys.argv[1])["matches"]
assert m["pid"] == 100 and m["address"] == "0x402ffc" and m["kind"] == "file-shared", m' "$output"
}

@test "grep exits 1 when nothing is found, 2 on trouble" {
	run -1 "$crit" grep -s 'not there' "$mem"
	run -2 "$crit" grep -r '(' "$mem"
	[[ $output == *"missing closing parenthesis"* ]]
	run -2 "$crit" grep secret "$mem"
	[[ $output == *"-s TEXT, -r REGEX"* ]]
	run -2 "$crit" grep -x abc "$mem"
	[[ $output == *"pairs of hexadecimal digits"* ]]
	run -2 "$crit" grep -s a -x bb "$mem"
	run -2 "$crit" grep -p 102 -s a "$mem"
	[[ $output == *"pid 102 is a zombie"* ]]
	truncate -s 100 "$mem/pages-1.img"
	run -2 "$crit" grep -p 100 -s a "$mem"
	[[ $output == *pages-1.img* ]]
}

@test "strings prints text of a given length, by address" {
	run -0 "$crit" strings -p 100 -n 10 "$mem"
	[ ${#lines[@]} = 2 ]
	[[ ${lines[1]} == *0x400010*"a secret word" ]]
	run -0 "$crit" strings -p 100 "$mem"
	[ ${#lines[@]} -ge 3 ]
}

@test "pages prints a page, or a range over areas" {
	run -0 "$crit" pages -p 100 -x "$mem" 400010
	[[ ${lines[1]} == "0000000000400010  61 20 73 65 63 72 65 74  20 77 6f 72 64 "* ]]
	[[ ${lines[-1]} == 0000000000401000 ]]
	"$crit" pages -p 100 "$mem" 0x400000-0x403000 | cmp - "$mem/pages-1.img"
	run -0 "$crit" pages -p 100 "$mem" 400010-40001d
	[ "$output" = "a secret word" ]
}

@test "pages -o leaves holes, and has the right length" {
	run -0 "$crit" pages -p 100 --kind stack -o "$BATS_TEST_TMPDIR/stack" "$mem"
	[ "$(stat -c '%s %b' "$BATS_TEST_TMPDIR/stack")" = "135168 0" ]
}

@test "pages says what is wrong with a query" {
	run -2 "$crit" pages "$mem"
	[[ $output == *"say which with -p PID"* ]]
	run -2 "$crit" pages -p 100 "$mem" xyz
	[[ $output == *"xyz: want an address or START-END"* ]]
	run -1 "$crit" pages -p 100 "$mem" 1000
	[[ $output == *"nothing"* ]]
	run -2 "$crit" pages -p 100 --kind hoop "$mem"
	[[ $output == *"no kind of memory is called hoop: there are anon heap"* ]]
	run -1 "$crit" pages -p 100 --vma 99 "$mem"
	[[ $output == *"counted from 0"* ]]
	run -2 "$crit" pages -p 100 --vma -1 "$mem"
	run -1 "$crit" pages -p 7 "$mem"
	run -2 "$crit" pages -p x "$mem"
	[[ $output == *'"x" is no process id'* ]]
	run -2 "$crit" strings -n 0 "$mem"
	[[ $output == *"--bytes: 0: want a number from 1"* ]]
	run -1 "$crit" pages -p 100 -o /nowhere/file "$mem" 400000
	[[ $output == *"/nowhere/file"* ]]
}

@test "a single area is not called several" {
	"$crit" edit --in-place "$mem/mm-100.img" --delete 'vmas[3]' --delete 'vmas[2]' --delete 'vmas[1]'
	run -1 "$crit" pages -p 100 --vma 1 "$mem"
	[[ $output == *"--vma 1: there is 1 area, counted from 0"* ]]
	truncate -s $(($(stat -c %s "$mem/pagemap-100.img") - 3)) "$mem/pagemap-100.img"
	run -1 --separate-stderr "$crit" mem -p 100 "$mem"
	[[ $stderr == *"pagemap-100.img: entry "* && ${#stderr_lines[@]} = 1 ]]
}

@test "mem shows what is not damaged, marks what is, and fails" {
	run -0 "$crit" mem "$mem"
	local whole=${#lines[@]} size
	size=$(stat -c %s "$mem/pagemap-100.img")
	truncate -s $((size - 3)) "$mem/pagemap-100.img"
	run -1 --separate-stderr "$crit" mem "$mem"
	[ ${#lines[@]} = "$whole" ]
	[[ $stderr == "crit mem: pagemap-100.img: entry "* && ${#stderr_lines[@]} = 1 ]]
	run -1 --separate-stderr "$crit" mem --format json "$mem"
	/usr/bin/python3 -c 'import json, sys
bad = [a for a in json.loads(sys.argv[1])["areas"] if a["error"]]
assert bad and all(a["pid"] == 100 and a["stored_pages"] is None and a["size_bytes"] for a in bad)
assert all("pagemap-100.img" in a["error"] for a in bad)' "$output"
	cp "$set/pagemap-100.img" "$mem"
	truncate -s 20 "$mem/files.img"
	run -1 --separate-stderr "$crit" mem "$mem"
	[ ${#lines[@]} -ge $((whole / 2)) ]
	[[ $stderr == *"files.img: entry 0"* ]]
	cp "$set/files.img" "$mem"
	truncate -s 20 "$mem/mm-100.img"
	run -1 --separate-stderr "$crit" mem "$mem"
	[[ $output == *" 101 "* && $output != *" 100 "* && $stderr == "crit mem: mm-100.img: entry 0 "* ]]
}

@test "mem of nothing says so once" {
	local format
	for format in text json; do
		run -1 --separate-stderr "$crit" mem --format $format --prot wx --file '*nope*' "$mem"
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" = 1 ]
		run -1 --separate-stderr "$crit" mem --format $format -k sysv "$mem"
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" = 1 ]
	done
}

@test "grep and strings take the areas that mem takes" {
	run -0 "$crit" grep -p 100 -s 'secret w' --range 400000-400fff --file prog "$mem"
	[ ${#lines[@]} = 2 ]
	run -0 "$crit" strings -p 100 --range 0x400010 "$mem"
	[[ $output == *"a secret word"* ]]
	run -1 --separate-stderr "$crit" grep -p 100 -s 'secret w' --range 401000-402000 "$mem"
	run -1 --separate-stderr "$crit" strings -p 100 --file '*nope*' "$mem"
	[[ $stderr == *"nothing is selected"* ]]
	run -2 --separate-stderr "$crit" strings --prot q "$mem"
	[[ $stderr == *"protection q: want letters of rwx"* ]]
}

@test "a large hole of a page image costs nothing: what is before, in and behind it is there" {
	holed_set
	local src
	for src in "${holed[@]}"; do
		run -0 --separate-stderr timeout 20 "$crit" grep -p 100 -r 'in the [a-z]+ [a-z ]*it' "$src"
		[ "${#lines[@]}" = 3 ]
		[[ ${lines[1]} == *" 0x100000000000 "*"in the first page of it" ]]
		[[ ${lines[2]} == *" 0x108000000000 "*"in the middle of it" ]]
		# across its beginning, too
		run -0 timeout 20 "$crit" grep -p 100 -x 6974"$(printf '00%.0s' {1..5000})" "$src"
		run -0 --separate-stderr timeout 20 "$crit" strings -p 100 -n 15 --range 100000000000-110000000000 "$src"
		[ "${#lines[@]}" = 3 ]
		timeout 20 "$crit" pages -p 100 -o "$BATS_TEST_TMPDIR/out" "$src" 100000000000-110000000000
		[ "$(stat -c %s "$BATS_TEST_TMPDIR/out")" = 1099511627776 ]
		[ "$(stat -c %b "$BATS_TEST_TMPDIR/out")" -lt 16384 ]
		[ "$(dd if="$BATS_TEST_TMPDIR/out" bs=1M skip=512K count=1 status=none | head -c 19)" = "in the middle of it" ]
		rm "$BATS_TEST_TMPDIR/out"
		run timeout 20 "$crit" audit "$src"
		[ "$status" -le 2 ]
		run -0 timeout 20 "$crit" recode -o "$BATS_TEST_TMPDIR/copy" "$src"
		[ "$(stat -c %b "$BATS_TEST_TMPDIR/copy/pages-1.img")" -lt 16384 ]
		cmp -n 1048576 "$BATS_TEST_TMPDIR/copy/pages-1.img" "$BATS_TEST_TMPDIR/holed/pages-1.img"
		rm -r "$BATS_TEST_TMPDIR/copy"
		run -1 timeout 20 "$crit" compress --max-size 16G -o "$BATS_TEST_TMPDIR/copy" "$src"
		[[ $output =~ "pages-1.img: "[0-9]+" bytes, more than --max-size"$ ]]
		[ ! -e "$BATS_TEST_TMPDIR/copy" ]
	done
}
