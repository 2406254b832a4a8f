#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit show: indented JSON, numbers as people read them.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

@test "show prints flags, hex and names, indented by four" {
	run -0 "$crit" show "$set/pagemap-100.img"
	[ "${lines[0]}" = "{" ]
	[ "${lines[1]}" = '    "magic": "PAGEMAP",' ]
	[[ $output == *'"vaddr": "0x400000"'* ]]
	[[ $output == *'"flags": "PE_PRESENT"'* ]]
	run -0 "$crit" show "$set/core-102.img"
	[[ $output == *'"blk_sigset": "0xffffffffffffffff"'* ]]
	[[ $output == *'"task_state": "Stopped"'* ]]
}

@test "show keeps names that are not UTF-8 and escapes the rest" {
	run -0 "$crit" show "$set/files.img"
	[[ $output == *'"name": "/srv/w\u00f6rk"'* ]]
	[[ $output == *'"name": "/tmp/\udcff\"quoted\""'* ]]
	[[ $output == *'"name": "=00abstract"'* ]]
}

@test "show --nopl prints the size of a payload" {
	run -0 "$crit" show --nopl "$set/pipes-data.img"
	[[ $output == *'"extra": "... <5B>"'* ]]
	run -0 "$crit" show --nopl "$set/ghost-file-1f.img"
	[[ $output != *extra* ]]
}

@test "show reads standard input" {
	"$crit" show - <"$set/pstree.img" >"$BATS_TEST_TMPDIR/a"
	"$crit" show "$set/pstree.img" | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" show - < <(cat "$set/pstree.img") | diff - "$BATS_TEST_TMPDIR/a"
}

@test "show reads a member of an archive and of a directory" {
	"$crit" show "$set/pstree.img" >"$BATS_TEST_TMPDIR/a"
	tar -C "$set/.." -czf "$BATS_TEST_TMPDIR/c.tar.gz" set
	"$crit" show "$BATS_TEST_TMPDIR/c.tar.gz:pstree.img" | diff - "$BATS_TEST_TMPDIR/a"
	"$crit" show "$set:pstree.img" | diff - "$BATS_TEST_TMPDIR/a"
	run -1 "$crit" show "$BATS_TEST_TMPDIR/c.tar.gz:nothing.img"
}

@test "show of raw images says what they hold" {
	run -0 "$crit" show "$set/ifaddr-10.img"
	[[ $output == *'"address": "127.0.0.1/8"'*'"address": "2001:db8::5/64"'* ]]
	run -0 "$crit" show "$set/route-10.img"
	[[ $output == *'"dst": "default"'*'"gateway": "192.0.2.1"'*'"dst": "198.51.100.0/24"'* ]]
	[[ $output == *'"nexthops"'*'"weight": 5'* ]]
	run -0 "$crit" show "$set/rule-10.img"
	[[ $output == *'"priority": 5000'*'"src": "192.0.2.7/32"'*'"table": 100'* ]]
	run -0 "$crit" show "$set/nftables-10.img"
	[[ $output == *'"\tchain INPUT {",'* ]]
	run -0 "$crit" show "$set/tmpfs-dev-57.tar.gz.img"
	[[ $output == *'"name": "hello.txt"'*'"mode": "0640"'*'"size": 6'* ]]
	run -0 "$crit" show "$set/pages-1.img"
	[[ $output == *'"pages": 3'*'"bytes": 12288'*'"zero_pages": 3'* ]]
}

@test "show -e prints some entries, -x the bytes an image carries" {
	run -0 "$crit" show -e 1 "$set/pstree.img"
	[ "$(grep -c '"pid"' <<<"$output")" = 1 ]
	[[ $output == *'"pid": 101'* ]]
	run -1 --separate-stderr "$crit" show -e 9 "$set/pstree.img"
	[[ $stderr == *"pstree.img: no entry 9, it has 3 from 0 on" ]]
	# nothing but the error, whatever else was asked for and wherever it comes from
	[ -z "$output" ]
	run -1 --separate-stderr "$crit" show -e 1 -e 9 - <"$set/pstree.img"
	[ -z "$output" ]
	[[ $stderr == *"no entry 9, it has 3 from 0 on" ]]
	run -0 --separate-stderr "$crit" show -e 1 - <"$set/pstree.img"
	[ "$output" = "$("$crit" show -e 1 "$set/pstree.img")" ]
	run -2 "$crit" show -e nine "$set/pstree.img"
	run -1 --separate-stderr "$crit" show -x "$set/pstree.img"
	[[ $stderr == *"pstree.img: no bytes follow its entries" ]]
	# a part stands at each multiple of 4 GiB, chunks of a file where they are
	local queue='{"magic":"SK_QUEUES","entries":[{"id_for":1,"length":17,"extra":"MDEyMzQ1Njc4OWFiY2RlZmc="},
		{"id_for":1,"length":0,"extra":""},{"id_for":2,"length":2,"extra":"aGk="}]}'
	"$crit" encode -o "$BATS_TEST_TMPDIR/sk-queues.img" <<<"$queue"
	run -0 "$crit" show -x "$BATS_TEST_TMPDIR/sk-queues.img"
	[ "${lines[0]}" = "0000000000000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|" ]
	[[ ${lines[1]} == "0000000000000010  67 "*"|g|" ]]
	[ "${lines[2]}" = 0000000000000011 ]
	[[ ${lines[3]} == "0000000100000000  68 69 "*"|hi|" ]]
	run -0 "$crit" show -x -e 2 "$BATS_TEST_TMPDIR/sk-queues.img"
	[[ ${lines[0]} == "0000000000000000  68 69 "*"|hi|" ]]
	run -1 --separate-stderr "$crit" show -x -e 2 -e 99 "$BATS_TEST_TMPDIR/sk-queues.img"
	[ -z "$output" ]
	[[ $stderr == *"no entry 99"* ]]
	run -1 "$crit" show -x -e 1 "$BATS_TEST_TMPDIR/sk-queues.img"
	# they wait in a file; where that does not fit is said
	local option
	for option in --nopl -x; do
		# shellcheck disable=SC2016 # they are of that shell
		run -1 bash -c '(trap "" XFSZ; ulimit -f 0; TMPDIR=$1 "${@:2}") 2>&1 | cat; exit "${PIPESTATUS[0]}"' \
			- "$BATS_TEST_TMPDIR" "$crit" show -e 0 "$option" "$BATS_TEST_TMPDIR/sk-queues.img"
		[[ $output == "crit show: "*"a temporary file in $BATS_TEST_TMPDIR: File too large" ]]
	done
	# raw images, and page maps with their pages
	run -0 "$crit" show -x "$set/pages-1.img"
	[ "${lines[-1]}" = 0000000000003000 ]
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$BATS_TEST_TMPDIR/whole"
	run -0 "$crit" show -x "$BATS_TEST_TMPDIR/whole/pagemap-1.img"
	[[ ${lines[0]} == "0000000000400000 "* ]]
	"$crit" pack -o "$BATS_TEST_TMPDIR/whole.tar" "$BATS_TEST_TMPDIR/whole"
	[ "$("$crit" show -x "$BATS_TEST_TMPDIR/whole.tar:pagemap-1.img")" = "$output" ]
	cd "$BATS_TEST_TMPDIR/whole"
	[ "$("$crit" show -x pagemap-1.img)" = "$output" ]
	run -1 --separate-stderr "$crit" show -x - <pagemap-1.img
	[[ $stderr == *"standard input"* ]]
}

@test "show refuses broken images with one line and status 1" {
	head -c 20 "$set/pstree.img" >"$BATS_TEST_TMPDIR/pstree.img"
	run -1 --separate-stderr "$crit" show "$BATS_TEST_TMPDIR/pstree.img"
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"pstree.img: entry 0 at byte 8: wanted a message of "*", found 8" ]]
	echo nonsense >"$BATS_TEST_TMPDIR/x.img"
	run -1 --separate-stderr "$crit" show "$BATS_TEST_TMPDIR/x.img"
	[[ $stderr == *"unknown magic"* ]]
	head -c 30 "$set/route-10.img" >"$BATS_TEST_TMPDIR/route-1.img"
	run -1 "$crit" show "$BATS_TEST_TMPDIR/route-1.img"
	head -c 40 "$set/tmpfs-dev-57.tar.gz.img" >"$BATS_TEST_TMPDIR/tmpfs-dev-1.tar.gz.img"
	run -1 "$crit" show "$BATS_TEST_TMPDIR/tmpfs-dev-1.tar.gz.img"
}

@test "show reports a full disk" {
	run -1 --separate-stderr bash -c "'$crit' show '$set/pstree.img' >/dev/full"
	[[ $stderr == *"write standard output: No space left on device" ]]
}

@test "show without an image is a usage error" {
	run -2 "$crit" show
	run -2 "$crit" show --nope "$set/pstree.img"
}

@test "show of what has no magic says what it may be" {
	tar -C "$set" -czf "$BATS_TEST_TMPDIR/c.tar.gz" pstree.img
	run -1 "$crit" show "$BATS_TEST_TMPDIR/c.tar.gz"
	[[ $output == *"c.tar.gz is an archive: name an image in it, "*"c.tar.gz:pstree.img (\`crit ls "* ]]
	run -1 bash -c "echo '*filter' | '$crit' show -"
	[[ $output == *"are known by their names)" ]]
}

@test "show -x says on the terminal how far it is, while its output goes elsewhere" {
	cp -r "$set" "$BATS_TEST_TMPDIR/many"
	cd "$BATS_TEST_TMPDIR"
	head -c 1M /dev/urandom >>many/pages-1.img
	script -qec "'$crit' show -x many/pages-1.img | { sleep 1; cat >/dev/null; }" shown </dev/null
	grep -q $'\rprinting: [01] MiB' shown
}
