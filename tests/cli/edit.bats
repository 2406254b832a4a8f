#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit edit: fields of images by path.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	cp -r "$set" s
}

# value IMAGE PYTHON: an expression over the decoded image
value() { "$crit" decode -i "s/$1" | /usr/bin/python3 -c "import json, sys
e = json.load(sys.stdin)['entries']
print($2)"; }

@test "edit sets a field, says what changed, and touches nothing else" {
	run -0 "$crit" edit --in-place s 'core-101.img: tc.comm=renamed'
	[ "$output" = 'core-101.img: entries[0].tc.comm: "child" -> "renamed"' ]
	[ "$(value core-101.img "e[0]['tc']['comm']")" = renamed ]
	run -1 diff -rq "$set" s
	[ ${#lines[@]} = 1 ]
	run -0 "$crit" edit --in-place s 'core-101.img: tc.comm=child'
	diff -r "$set" s
}

@test "edit chooses entries by the value of a field" {
	"$crit" edit --in-place s 'files.img: entries[reg.name=/usr/bin/prog].reg.name=/new/place'
	[ "$(value files.img "[f['reg']['name'] for f in e if 'reg' in f].count('/new/place')")" = 1 ]
	"$crit" edit --in-place s 'pstree.img: entries[*].sid=7'
	[ "$(value pstree.img "{p['sid'] for p in e}")" = '{7}' ]
}

@test "edit chooses by a value in every form, in quotes where it has brackets" {
	local name quoted
	for name in '/a]b' '/a[0]=1' '/"q"' '/b"]"' '/\n' '/ü]' 'ü'; do
		"$crit" edit --in-place s "files.img: entries[reg.name=/usr/bin/prog].reg.name=$name"
		[ "$(NAME=$name value files.img "sum(f['reg']['name'] == __import__('os').environ['NAME'] for f in e if 'reg' in f)")" = 1 ]
		quoted=$(/usr/bin/python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$name")
		"$crit" edit --in-place s "files.img: entries[reg.name=$quoted].reg.name=/usr/bin/prog"
		diff -r "$set" s
	done
	"$crit" edit --in-place s 'files.img: entries[reg.name=/usr/bin/prog].reg.name=/ü'
	"$crit" edit --in-place s 'files.img: entries[reg.name=/ü].reg.name=/usr/bin/prog'
	diff -r "$set" s
	"$crit" edit --in-place s 'mm-100.img: vmas[start=0x400000].pgoff=7'
	[ "$(value mm-100.img "[v['pgoff'] for v in e[0]['vmas'] if v['start'] == 0x400000]")" = "[7]" ]
	run -0 "$crit" edit --in-place s 'pstree.img: entries[pid=0x64].sid=0x65'
	[ "$output" = "pstree.img: entries[0].sid: 100 -> 101" ]
	"$crit" edit --in-place s 'mm-100.img: vmas[1].prot=PROT_READ | PROT_WRITE'
	run -0 "$crit" edit --in-place s 'mm-100.img: vmas[prot=PROT_WRITE | PROT_READ].prot=0'
	[[ $output == *'vmas[1].prot: "PROT_READ | PROT_WRITE" -> ""'* ]]
	run -2 "$crit" edit --in-place s 'files.img: entries[reg.name="/a].reg.name=x'
	[[ $output == *"values that have brackets in quotes"* ]]
	run -2 "$crit" edit --in-place s 'files.img: entries[reg.name="/a"b].reg.name=x'
	run -1 "$crit" edit --in-place s 'pstree.img: entries[pid=abc].sid=1'
	[[ $output == *"nothing is at entries[pid=abc].sid"* ]]
}

@test "edit takes numbers in hexadecimal, and text in either kind of quotes" {
	run -0 "$crit" edit --in-place s "files.img: entries[0x0].reg.name='/a \"]=\\b'"
	[ "$(value files.img "e[0]['reg']['name']")" = '/a "]=\b' ]
	run -0 "$crit" edit --in-place s 'files.img: entries[reg.name="/a \"]=\\b"].reg.name="/q\u00fc\"'"'"'"'
	[ "$(value files.img "e[0]['reg']['name']")" = "/qü\"'" ]
	run -0 "$crit" edit --in-place s 'files.img: entries[reg.name="/qü\"'"'"'"].reg.name=/it'"'s"
	run -0 "$crit" edit --in-place s "files.img: entries[reg.name=/it's].reg.name='/b]'"
	run -0 "$crit" edit --in-place s "files.img: entries[reg.name='/b]'].reg.name=''"
	[ "$(value files.img "e[0]['reg']['name']")" = "" ]
	run -0 "$crit" edit --in-place s 'pstree.img: pid="0x65"' 'core-101.img: mtype="X86_64"'
	[ "$(value pstree.img "e[0]['pid']")" = 101 ]
	run -0 "$crit" edit --in-place s --append 'mm-100.img: mm_saved_auxv="0x10"'
	[ "$(value mm-100.img "e[0]['mm_saved_auxv'][-1]")" = 16 ]
	cp -r s before
	for value in "'/a" '"/a' '"/a"b' '"' '"\q"'; do
		run -2 "$crit" edit --in-place s "files.img: reg.name=$value"
		run -2 "$crit" edit --in-place s "files.img: entries[reg.name=$value].reg.name=x"
	done
	run -1 "$crit" edit --in-place s 'core-101.img: tc.comm="a\u0000b"'
	run -1 "$crit" edit --in-place s 'files.img: entries[reg.nome=/x].reg.name=/y'
	[[ $output == *"nothing is at entries[reg.nome=/x].reg.name: reg_file_entry has no field nome" ]]
	diff -r before s
}

@test "edit says which element it changed, and what it appended" {
	run -0 "$crit" edit --in-place s:mm-100.img 'vmas[1].prot=0' 'vmas[*].pgoff=3'
	[[ ${lines[0]} == 'mm-100.img: entries[0].vmas[1].prot: '* ]]
	[[ $output == *'mm-100.img: entries[0].vmas[0].pgoff: '*' -> 3'* ]]
	[[ $output == *'mm-100.img: entries[0].vmas[2].pgoff: '*' -> 3'* ]]
	run -0 "$crit" edit --in-place s:pstree.img --append 'entries[0].threads=300' --delete 'entries[0].threads[1]'
	[ "${lines[0]}" = 'pstree.img: entries[0].threads[1]: 103 -> nothing' ]
	[ "${lines[1]}" = 'pstree.img: entries[0].threads[1]: nothing -> 300' ]
	run -0 "$crit" edit --in-place s:pstree.img 'threads=[]'
	[ "$output" = 'pstree.img: entries[0].threads: [ 100, 300 ] -> nothing' ]
	run -0 "$crit" edit --in-place s:inventory.img 'tcp_close=true'
	[ "$output" = 'inventory.img: entries[0].tcp_close: nothing -> true' ]
	run -2 "$crit" edit --in-place s ':tcp_close=true'
	[[ $output == *":tcp_close=true: in which image? Say IMAGE:tcp_close=true "* ]]
}

@test "edit takes values in every form encode takes" {
	"$crit" edit --in-place s:mm-100.img 'vmas[0].prot=PROT_READ' 'vmas[1].start=0x402000' \
		'vmas[2].pgoff=18446744073709551615' 'vmas[3].flags=MAP_SHARED | MAP_ANON'
	[ "$(value mm-100.img "e[0]['vmas'][0]['prot'], e[0]['vmas'][1]['start']")" = "1 4202496" ]
	[ "$(value mm-100.img "e[0]['vmas'][2]['pgoff']")" = 18446744073709551615 ]
	[ "$(value mm-100.img "e[0]['vmas'][3]['flags']")" = 33 ]
}

@test "edit appends and deletes elements, lists and entries" {
	"$crit" edit --in-place s:pstree.img --append 'entries[0].threads=300' \
		--delete 'entries[pid=102]' \
		--append 'entries={"pid":9,"ppid":100,"pgid":100,"sid":100,"threads":[9]}'
	[ "$(value pstree.img "[p['pid'] for p in e], e[0]['threads']")" = "[100, 101, 9] [100, 103, 300]" ]
	"$crit" edit --in-place s:pstree.img 'entries[0].threads=[1, 2]' --delete 'entries[1].threads'
	[ "$(value pstree.img "e[0]['threads'], 'threads' in e[1]")" = "[1, 2] False" ]
	"$crit" edit --in-place s:pstree.img --delete 'entries[0].threads[0]'
	[ "$(value pstree.img "e[0]['threads']")" = "[2]" ]
}

@test "edit changes several images, or none" {
	run -1 "$crit" edit --in-place s 'core-101.img: tc.comm=x' 'mm-100.img: vmas[99].prot=1'
	[[ $output == *"mm-100.img: nothing is at vmas[99].prot"* ]]
	diff -r "$set" s
	run -1 "$crit" edit --in-place s 'core-101.img: tc.comm=x' 'core-999.img: tc.comm=y'
	diff -r "$set" s
	[ -z "$(find . -name '*stasis*')" ]
}

@test "edit checks types, names and what has to be there" {
	run -1 "$crit" edit --in-place s 'core-101.img: tc.flags=99999999999'
	[[ $output == *"core-101.img: entries[0]: flags:"*"does not fit 32 bits"* ]]
	run -1 "$crit" edit --in-place s 'core-101.img: tc.nope=1'
	[[ $output == *"task_core_entry has no field nope"* ]]
	run -1 "$crit" edit --in-place s 'core-101.img: mtype=VAX'
	[[ $output == *'"VAX" is not one of'* ]]
	run -1 "$crit" edit --in-place s --delete 'core-101.img: tc.comm'
	[[ $output == *"comm has to be there"* ]]
	run -1 "$crit" edit --in-place s 'pages-1.img: x=1'
	run -2 "$crit" edit --in-place s 'tc.comm=x'
	[[ $output == *"in which image"* ]]
	run -2 "$crit" edit --in-place s:core-101.img 'tc.comm'
	run -2 "$crit" edit s:core-101.img 'tc.comm=x'
	run -2 "$crit" edit --in-place s:core-101.img 'tc[.comm=x'
	run -1 "$crit" edit --in-place s --append 'pstree.img: entries[0].threads='
	[[ $output == *'"" is not'* ]]
	run -1 "$crit" edit --in-place s --append 'pstree.img: entries[0].threads=[1, 2]'
	run -1 "$crit" edit --in-place s --append 'mm-100.img: mm_saved_auxv=1, 2'
	run -1 "$crit" edit --in-place s 'mm-100.img: vmas[entries=1].prot=1'
	[[ $output == *"vma_entry has no field entries"* ]]
	diff -r "$set" s
}

@test "edit writes to a new place, and into archives" {
	"$crit" edit -o new s/core-101.img tc.comm=other
	diff -r "$set" s
	[ "$("$crit" decode -i new/core-101.img | grep -c other)" = 1 ]
	"$crit" pack -o a.tar.gz s
	"$crit" edit --in-place a.tar.gz:core-101.img tc.comm=other
	run -0 "$crit" diff new a.tar.gz
}

@test "edit -i opens the editor, and writes back only what encodes" {
	VISUAL='' EDITOR="sed -i s/child/edited/" run -0 "$crit" edit -i --in-place s:core-101.img
	[ "$output" = "core-101.img: written back" ]
	[ "$(value core-101.img "e[0]['tc']['comm']")" = edited ]
	EDITOR="sed -i 's/edited/broken/;s/{/[/'" TMPDIR=$PWD run -1 "$crit" edit -i --in-place s:core-101.img
	[ "$(value core-101.img "e[0]['tc']['comm']")" = edited ]
	[[ $output =~ "; the edited text is kept in "($PWD/crit-edit-[^ ]+\.json)$ ]]
	grep -q broken "${BASH_REMATCH[1]}"
	EDITOR=false run -1 "$crit" edit -i --in-place s:core-101.img
	[[ $output == *"false ended with status 1: nothing is changed"* ]]
	EDITOR=true run -2 "$crit" edit -i --in-place s:core-101.img tc.comm=x
	[[ $output == *"-i takes no other changes"* ]]
	EDITOR="touch edited; true" run -1 "$crit" edit -i --in-place s:pages-1.img
	[[ $output == "crit edit: pages-1.img is neither a sequence of messages nor the text"* ]]
	[ ! -e edited ]
	printf '*filter\nCOMMIT\n' >s/iptables-9.img
	EDITOR="sed -i s/filter/mangle/" "$crit" edit -i --in-place s:iptables-9.img
	[ "$(cat s/iptables-9.img)" = $'*mangle\nCOMMIT' ]
}

@test "edit -i outlives what ^C does to its editor" {
	# of the whole foreground, as a terminal does it; the editor takes it as it likes
	cat >editor <<-'EOF'
		trap 'sed -i s/child/edited/ "$1"; exit 0' INT
		kill -INT 0
		sleep 5
	EOF
	EDITOR="sh $PWD/editor" setsid -w "$crit" edit -i --in-place s:core-101.img
	[ "$(value core-101.img "e[0]['tc']['comm']")" = edited ]
	EDITOR='kill -KILL $$; true' run -1 "$crit" edit -i --in-place s:core-101.img
	[[ $output == *"was ended by signal 9: nothing is changed" ]]
}

# digest DIRECTORY: of all files but what a killed command leaves
digest()
{
	(cd "$1" && find . -name '.stasis-*' -prune -o -type f -exec sha256sum {} + | sort -k2) | sha256sum
}

@test "edit in place of a container directory, killed at any moment, has changed all files or none" {
	local before after now i killed=0 changes=('core-101.img: tc.comm=renamed' 'core-100.img: tc.comm=other'
		'pstree.img: entries[*].sid=7' 'files.img: entries[reg.name=/usr/bin/prog].reg.name=/new')
	mkdir ctr
	mv s ctr/checkpoint
	echo '{}' >ctr/config.dump
	cp -a ctr new
	"$crit" edit --in-place new "${changes[@]}" >/dev/null
	before=$(digest ctr) after=$(digest new)
	[ "$before" != "$after" ]
	for ((i = 1; i <= 60; i++)); do
		rm -rf try*
		cp -a ctr try
		timeout -s KILL "$(printf '0.%06d' $((500 + i * 80)))" \
			"$crit" edit --in-place try "${changes[@]}" >/dev/null || killed=$((killed + 1))
		now=$(digest try)
		[ "$now" = "$before" ] || [ "$now" = "$after" ]
	done
	echo "# killed $killed of 60" >&3
}

@test "a member of an archive is found by its stored path, with ./ in front or without" {
	mkdir -p ctr/checkpoint
	cp -r "$set/." ctr/checkpoint
	tar cf dotted.tar -C ctr .
	tar cf plain.tar -C ctr checkpoint
	tar cf mixed.tar -C ctr checkpoint/core-100.img ./checkpoint/core-101.img
	tar rf mixed.tar -C ctr ./checkpoint/core-100.img checkpoint/{inventory,pstree}.img
	local archive name before
	for archive in dotted plain mixed; do
		for name in core-101.img checkpoint/core-101.img ./checkpoint/core-101.img; do
			"$crit" decode "$archive.tar:$name" | cmp - <("$crit" decode "$set/core-101.img")
			before=$(tar tf $archive.tar | sed 's|^\./||' | sort)
			"$crit" edit --in-place "$archive.tar:$name" "tc.comm=$name"
			run -0 "$crit" decode "$archive.tar:core-101.img"
			[[ $output == *"\"comm\": \"$name\""* ]]
			[ "$(tar tf $archive.tar | sed 's|^\./||' | sort)" = "$before" ]
			"$crit" edit --in-place "$archive.tar:core-101.img" tc.comm=child
		done
		run -1 "$crit" decode "$archive.tar:checkpoint/core-7.img"
		[[ $output == *"$archive.tar has no member checkpoint/core-7.img"* ]]
		run -1 "$crit" decode "$archive.tar:core-7.img"
		[[ $output == *"$archive.tar has no member checkpoint/core-7.img"* ]]
	done
	"$crit" edit --in-place dotted.tar 'core-100.img: tc.comm=one' 'checkpoint/core-100.img: tc.flags=0'
	run -0 "$crit" decode dotted.tar:./checkpoint/core-100.img
	[[ $output == *'"comm": "one"'* && $output == *'"flags": 0'* ]]
}

@test "edit takes an image of any name by its magic, and nothing else" {
	mkdir alone
	cp s/core-101.img alone/odd
	run -0 "$crit" edit --in-place alone/odd 'tc.comm=renamed'
	[ "$output" = 'odd: entries[0].tc.comm: "child" -> "renamed"' ]
	run -0 "$crit" edit --in-place alone/odd 'tc.comm=child'
	cmp alone/odd s/core-101.img
	echo text >alone/text
	run -2 "$crit" edit --in-place alone/text 'tc.comm=renamed'
	[ "$(cat alone/text)" = text ]
}

@test "edit changes a single image whatever its folder holds, and leaves that as it is" {
	mkdir -p odd/below odd/full
	cp s/core-101.img odd/f.img
	cp -r s odd/a1
	touch odd/full/x
	mkfifo odd/fifo
	ln -s nowhere odd/link
	stat -c '%n %i' odd/* >before
	run -0 "$crit" edit --in-place odd/f.img tc.comm=renamed
	[ "$output" = 'f.img: entries[0].tc.comm: "child" -> "renamed"' ]
	run -1 diff before <(stat -c '%n %i' odd/*)
	[ ${#lines[@]} = 4 ] # the inode of one file
	run -0 "$crit" edit --in-place odd/f.img tc.comm=child
	cmp odd/f.img s/core-101.img
	run -0 find odd -name '*stasis*'
	[ -z "$output" ]
	run -1 "$crit" edit -o new odd/f.img tc.comm=x
	[[ $output == *"odd is no checkpoint, but holds some: a1" ]]
	run -1 "$crit" edit --in-place odd 'f.img: tc.comm=x'
	[[ $output == *"odd is no checkpoint, but holds some: a1" ]]
}

@test "edit in place of a link within the set makes a file like others of it" {
	mv s/core-101.img s/elsewhere.img
	ln -s elsewhere.img s/core-101.img
	umask 027
	"$crit" edit --in-place s:core-101.img tc.comm=renamed
	[ "$(stat -c '%F %a' s/core-101.img)" = "regular file 640" ]
	cmp s/elsewhere.img "$set/core-101.img"
}

@test "edit says that it takes no set from standard input" {
	tar -cf s.tar -C s .
	run -1 "$crit" edit -o out - 'core-101.img: tc.comm=renamed' <s.tar
	[[ $output == "crit edit: a set is not taken from standard input here: "* ]]
	[ ! -e out ]
}
