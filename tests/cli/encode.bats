#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit encode: JSON, as it came or edited, to an image.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "encode reads standard input and writes standard output" {
	"$crit" encode <"$fixtures/pstree.img.json" | cmp - "$set/pstree.img"
	"$crit" encode -i "$fixtures/pstree.img.json" | cmp - "$set/pstree.img"
}

@test "encode replaces its target and keeps its permissions" {
	echo before >a
	chmod 600 a
	ln -s a link
	"$crit" encode -i "$fixtures/pstree.img.json" -o link
	cmp a "$set/pstree.img"
	[ "$(stat -c %a a)" = 600 ]
	[ -L link ]
}

@test "encode that fails leaves its target as it was" {
	echo before >a
	echo '{"magic": "PSTREE", "entries": [{"pid": 1}]}' >bad
	run -1 --separate-stderr "$crit" encode -i bad -o a
	[ "$stderr" = "crit encode: bad: line 1, byte 42: entries[0]: pstree_entry is missing its ppid" ]
	[ "$(cat a)" = before ]
	[ -z "$(find . -name 'a.*')" ]
	run -1 "$crit" encode -i bad -o new
	[ ! -e new ]
}

@test "encode names the entry and the member" {
	sed 's/"name": "\/usr.bin.prog"/"name": 5/' "$fixtures/files.img.json" >bad
	run -1 --separate-stderr "$crit" encode -i bad -o a
	[[ $stderr == "crit encode: bad: line 3, byte "*": entries[2].reg.name: want a string, found a number" ]]
}

@test "encode takes edits made by people" {
	"$crit" show "$set/pagemap-100.img" | sed 's/"0x400000"/4194304/; s/PE_PRESENT/0x4/' |
		"$crit" encode | cmp - "$set/pagemap-100.img"
}

@test "encode writes into a pipe and a device" {
	mkfifo p
	cat p >a &
	"$crit" encode -i "$fixtures/pstree.img.json" -o p
	wait
	cmp a "$set/pstree.img"
	"$crit" encode -i "$fixtures/pstree.img.json" -o /dev/null
	[ -c /dev/null ]
}

@test "encode reports a full disk" {
	run -1 --separate-stderr bash -c "'$crit' encode -i '$fixtures/pstree.img.json' >/dev/full"
	[[ $stderr == *"No space left on device" ]]
}

@test "encode holds no large payload in memory" {
	printf '{"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": 50000000, "size": 1, "extra": "' >big
	head -c 50000000 /dev/zero | base64 -w0 >>big
	printf '"}]}' >>big
	(ulimit -v 65536 && "$crit" encode -i big -o a)
	[ "$(stat -c %s a)" -gt 50000000 ]
	(ulimit -v 65536 && "$crit" decode -i a) | cmp -n 1000 - <("$crit" decode -i a)
}

# lines_of WIDTH: standard input in base64, with line ends as JSON writes them
lines_of()
{
	base64 -w "$1" | awk '{ printf "%s\\n", $0 }'
}

@test "encode takes long payloads in lines of any length, decode prints lines of 76" {
	local head='{"magic": "GHOST_FILE", "entries": [{"uid": 0, "gid": 0, "mode": 33188, "extra": "' lines
	head -c 9000001 /dev/urandom >bytes
	for lines in 76 64 0; do
		{ printf '%s' "$head" && lines_of $lines <bytes && printf '"}]}'; } >"in.$lines"
		"$crit" encode -i "in.$lines" -o "a.$lines"
		tail -c 9000001 "a.$lines" | cmp - bytes
	done
	"$crit" decode -i a.76 -o back
	cmp back in.76
	# from and into pipes, whose pieces end anywhere
	dd if=in.76 bs=1009 2>/dev/null | "$crit" encode | cmp - a.76
	"$crit" decode <a.76 | head -c -1 | cmp - in.76
}

@test "encode names what is wrong deep inside a long payload" {
	printf '{"magic": "GHOST_FILE", "entries": [{"uid": 0, "gid": 0, "mode": 33188, "extra": "' >bad
	head -c 3000000 /dev/urandom | lines_of 76 >>bad
	printf 'AA*A\\n"}]}' >>bad
	run -1 --separate-stderr "$crit" encode -i bad -o a
	[ "$stderr" = "crit encode: bad: line 1, byte $(($(stat -c %s bad) - 4)): entries[0].extra: not base64" ]
	[ ! -e a ]
}

@test "encode takes the output of show of a name with any bytes" {
	printf 'a\377\200\n"b\001' >want
	/usr/bin/python3 -c 'import json, os
name = open("want", "rb").read().decode("utf-8", "surrogateescape")
reg = {"id": 1, "flags": 0, "pos": 0, "name": name,
       "fown": {"uid": 0, "euid": 0, "signum": 0, "pid_type": 0, "pid": 0}}
json.dump({"magic": "REG_FILES", "entries": [reg]}, open("in", "w"))'
	"$crit" encode -i in -o a
	grep -qaF "$(cat want)" a
	"$crit" show a | "$crit" encode | cmp - a
}

@test "encode takes members in any order, also from a pipe" {
	sort_keys() { /usr/bin/python3 -c 'import json, sys; json.dump(json.load(sys.stdin), sys.stdout, sort_keys=True)'; }
	local name
	for name in files.img pagemap-100.img; do
		"$crit" decode -i "$set/$name" | sort_keys >sorted
		[[ $(head -c 12 sorted) == '{"entries": '* ]]
		"$crit" encode -i sorted | cmp - "$set/$name"
		"$crit" encode <sorted | cmp - "$set/$name"
		# shellcheck disable=SC2002 # a pipe is what this is about
		cat sorted | "$crit" encode | cmp - "$set/$name"
	done
	# larger than what is read at once; and the way an image begins comes before its magic
	head -c 300000 /dev/zero | base64 -w0 >zeros
	printf '{"entries": [{"pipe_id": 1, "bytes": 300000, "size": 1, "extra": "%s"}], "head": "magic", "magic": "PIPES_DATA"}' \
		"$(cat zeros)" >large
	# shellcheck disable=SC2002
	cat large | "$crit" encode >a
	printf '{"magic": "PIPES_DATA", "head": "magic", "entries": [{"pipe_id": 1, "bytes": 300000, "size": 1, "extra": "%s"}]}' \
		"$(cat zeros)" | "$crit" encode | cmp - a
	# written in pieces
	{ head -c 1 sorted && sleep 0.2 && tail -c +2 sorted; } | "$crit" encode | cmp - "$set/pagemap-100.img"
	echo '{"entries": [], "head": "magic"}' >bad
	run -1 --separate-stderr "$crit" encode -i bad -o b
	[[ $stderr == *'"magic" is missing' ]]
	echo '{"magic": "PIPES_DATA", "entries": [], "head": "magic"}' >bad
	run -1 --separate-stderr "$crit" encode -i bad -o b
	[[ $stderr == *'head: has to come before the contents' ]]
	[ ! -e b ]
}

@test "a limit of the size of files is an error of the write" {
	run -1 bash -c "ulimit -f 0; '$crit' decode -i '$set/files.img' -o b.json" # messages by a pipe
	[ "$output" = "crit decode: write b.json: File too large" ]
	[ -z "$(find . -name 'b*')" ]
}

@test "encode prints no image on a terminal" {
	command -v script >/dev/null || skip "no script(1)"
	run script -qec "'$crit' encode -i '$fixtures/pstree.img.json'" /dev/null
	[[ $output == *"say -o IMAGE"* ]]
}
