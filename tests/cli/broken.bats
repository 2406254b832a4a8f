#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Of a set with broken images, what can be read is shown, the rest named, with exit status 1 (2 of
# an audit, where 1 is a finding).
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
	cp -r "$whole.parent" "$BATS_FILE_TMPDIR/bad.parent"
}

setup()
{
	bad=$BATS_FILE_TMPDIR/bad
	rm -rf "$bad"
	cp -r "$whole" "$bad"
}

# both [2] COMMAND…: of the whole set into $good, of the other into $output and $stderr, without names
both()
{
	local status=1
	[[ $1 != 2 ]] || { status=2; shift; }
	good=$("$crit" "$@" "$whole" 2>"$BATS_TEST_TMPDIR/errors") || [ $? = 1 ]
	[ ! -s "$BATS_TEST_TMPDIR/errors" ]
	run "-$status" --separate-stderr "$crit" "$@" "$bad"
	good=${good//"$whole"/SET} output=${output//"$bad"/SET}
}

# same WORD: lines with this are in both, and there are some
same()
{
	[ "$(grep -c -- "$1" <<<"$good")" -gt 0 ]
	diff -b <(grep -- "$1" <<<"$good") <(grep -- "$1" <<<"$output")
}

@test "broken images: a core or an address space that was cut stops nobody" {
	local image
	for image in core-3 mm-3; do
		truncate -s -3 "$bad/$image.img"
		local said="$image.img: entry 0 at byte 8: wanted a message of [0-9]+ bytes, found [0-9]+"
		both inspect --ps-tree-cmd
		[[ $stderr =~ ^"crit inspect: "$said$ ]]
		same "^ *1 "
		same "^ *4 "
		[[ $output == *$'\n'*"  3 "* ]]
		both inspect
		[[ $stderr =~ ^"crit inspect: "$said$ ]]
		both inspect --all
		[[ $stderr =~ ^"crit inspect: "$said$ ]]
		same "8080"
		same "/proc"
		both export --ndjson
		[[ $stderr =~ ^"crit export: "$said$ ]]
		same '"pid": 1,'
		same '"table": "sockets"'
		same '"table": "mounts"'
		run -1 --separate-stderr "$crit" export --sqlite "$BATS_TEST_TMPDIR/$image.db" "$bad"
		[ "$(/usr/bin/python3 -c 'import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("select count(*) from processes").fetchone())' \
			"$BATS_TEST_TMPDIR/$image.db")" = 3 ]
		both compat
		[[ $stderr =~ ^"crit compat: "$said$ ]]
		same " mount "
		[[ $output =~ "no "\ +"set "\ +"- "\ +$said ]]
		[[ $output == *"Answer: no" ]]
		cp "$whole/$image.img" "$bad"
	done
}

@test "broken images: an audit goes on, and says nothing of what it does not know" {
	truncate -s -3 "$bad/core-3.img"
	both 2 audit --format json
	[[ $stderr == "crit audit: core-3.img: entry 0 at byte 8: "* ]]
	same '"rule":'
	same '"pid":'
	cp "$whole/core-3.img" "$bad"
	truncate -s -3 "$bad/pagemap-1.img"
	both 2 audit --fail-on error
	[[ $stderr == "crit audit: pagemap-1.img: entry 4 at byte "* ]]
	same root-user
}

@test "broken images: entries behind a broken one of files.img are there" {
	# entry 4 is the pipe: the length of its message is right, the message is none
	/usr/bin/python3 - "$bad/files.img" <<-'END'
		import struct, sys
		data = bytearray(open(sys.argv[1], "rb").read())
		at = 8
		for _ in range(4):
		    at += 4 + struct.unpack_from("<I", data, at)[0]
		size = struct.unpack_from("<I", data, at)[0]
		data[at + 4:at + 4 + size] = b"\xff" * size
		open(sys.argv[1], "wb").write(data)
	END
	both inspect --files
	[[ $stderr =~ ^"crit inspect: files.img: entry 4 at byte "[0-9]+": "[^$'\n']+$ ]]
	same fifo
	same memfd
	same epoll
	[[ $output =~ "  1  "[^$'\n']+"files.img: entry 4 at byte " ]]
	both export --ndjson
	same '"type": "EVENTPOLL"'
	[ "$(grep -c '"table": "files"' <<<"$output")" = $(($(grep -c '"table": "files"' <<<"$good") - 1)) ]
	both compat
	[[ $output =~ "no "\ +"set "\ +"- "\ +"files.img: entry 4 " ]]
}

@test "broken images: of noise not every entry is told" {
	/usr/bin/python3 -c 'import struct, sys
sys.stdout.buffer.write(open(sys.argv[1], "rb").read() + (struct.pack("<I", 4) + b"\xff" * 4) * 100000)' \
		"$whole/files.img" >"$bad/files.img"
	both inspect --files
	same epoll
	[ "$(grep -c "crit inspect: files.img: entry" <<<"$stderr")" = 16 ]
}

@test "broken images: more of them than anybody reads" {
	/usr/bin/python3 - "$crit" "$bad" "$BATS_TEST_DIRNAME" <<-'END'
		import sys
		sys.dont_write_bytecode = True
		sys.path.insert(0, sys.argv[3])
		import whole_set
		tree = whole_set.images()["pstree.img"]
		tree += [{"pid": p, "ppid": 1, "pgid": 1, "sid": 1, "threads": [p]} for p in range(100, 1300)]
		whole_set.encode(sys.argv[1], sys.argv[2], "pstree.img", tree)
	END
	both inspect --ps-tree
	[ "$(grep -c . <<<"$stderr")" = 1001 ]
	[[ $stderr == *"crit inspect: more is broken than these 1000" ]]
	same "^ *3 "
}

@test "broken images: descriptors before the damage are there, and whose they are is said" {
	truncate -s -3 "$bad/fdinfo-2.img"
	both inspect --files
	[[ $stderr == "crit inspect: pid 1: fdinfo-2.img: entry 9 at byte "* ]]
	same memfd
	[[ $good == *epoll* && $output != *epoll* ]]
}

@test "broken images: several images are a line each; a core that is missing is one, too" {
	rm "$bad/core-3.img"
	truncate -s -3 "$bad/fs-1.img" "$bad/pagemap-1.img" "$bad/mountpoints-12.img"
	both inspect --all
	[ "$(grep -c . <<<"$stderr")" = 4 ]
	[[ $stderr == *"core-3.img"*"fs-1.img"* || $stderr == *"fs-1.img"*"core-3.img"* ]]
	same 8080
}

@test "broken images: without a tree there is no checkpoint; of one that was cut what comes before is there" {
	truncate -s -3 "$bad/pstree.img"
	both inspect --ps-tree
	[[ $stderr == "crit inspect: pstree.img: entry 2 at byte "* ]]
	same "^ *3 "
	rm "$bad/pstree.img"
	run -1 "$crit" inspect "$bad"
	[ "$output" = "crit inspect: $bad: no pstree.img, so no checkpoint" ]
}

@test "broken images: what namespaces and machine it is of is not guessed" {
	# pids and ports of the whole set are in namespaces of their own: nothing here is in their way
	local image
	for image in ids inventory; do
		truncate -s -3 "$bad/$image"*.img
		both compat
		[[ $output =~ "unknown "\ +"port "\ +"- "\ +"whether the network namespace is its own is not known" ]]
		[[ $output =~ "unknown "\ +"pid "\ +"- "\ +"whether the pid namespace is its own is not known" ]]
		[[ $output =~ "unknown "\ +"mount "\ +"- "\ +"whether the mount namespace is its own is not known" ]]
		[[ $output =~ "unknown "\ +"file "\ +"- "\ +"below a root nobody knows" ]]
		run ! grep -E "^ *no +(pid|port|address|file) " <<<"$output"
		cp "$whole"/*.img "$bad"
	done
	truncate -s -3 "$bad"/core-*.img
	both compat
	[[ $output =~ "unknown "\ +"architecture "\ +"- "\ +"no core image says what it was" ]]
	run ! grep -E "^ *no +architecture " <<<"$output"
}

@test "broken images: an audit grades nothing by namespaces it does not know" {
	"$crit" edit --in-place "$bad/core-1.img" 'thread_core.creds.cap_eff[0]=0xffffffff' \
		'thread_core.seccomp_mode=disabled'
	run -1 "$crit" audit "$bad"
	grep -E "^ *warning +capabilities .*in a container" <<<"$output"
	grep -E "^ *warning +no-seccomp .*in a container" <<<"$output"
	# mounts that cannot be read are mounts
	truncate -s 3 "$bad"/mountpoints-*.img
	run -2 --separate-stderr "$crit" audit "$bad"
	grep -E "^ *warning +capabilities .*in a container" <<<"$output"
	truncate -s -3 "$bad"/ids-*.img
	run -2 --separate-stderr "$crit" audit "$bad"
	run ! grep -E "^ *warning +(capabilities|no-seccomp) " <<<"$output"
	run -2 --separate-stderr "$crit" audit "$bad"
	grep -E "^ *note +capabilities .*in namespaces that are not known" <<<"$output"
	grep -E "^ *note +no-seccomp .*in namespaces that are not known" <<<"$output"
}

@test "broken images: a document of the engine that was cut stops nobody" {
	local document
	for document in spec.dump config.dump network.status; do
		echo '{"annotations": {"io.container.manager": "libpod"}, "na' >"$bad/$document"
		both inspect --all
		[[ $stderr == "crit inspect: $document: "* ]]
		same "8080 "
		both 2 audit
		[[ $stderr == "crit audit: $document: "* ]]
		same root-user
		both compat
		[[ $stderr == "crit compat: $document: "* ]]
		same " mount "
		rm "$bad/$document"
	done
}

# broke: cut the core of process 3 and the address space of 1; what is said of them into $core $mm
broke()
{
	truncate -s -3 "$bad/core-3.img" "$bad/mm-1.img"
	core='core-3.img: entry 0 at byte 8: wanted a message of [0-9]+ bytes, found [0-9]+'
	mm='mm-1.img: entry 0 at byte 8: wanted a message of [0-9]+ bytes, found [0-9]+'
}

@test "broken images: searches of memory go on, and name each" {
	broke
	local command words
	for command in "mem" "mem --format json" "strings" "report" "mem --format html"; do
		read -ra words <<<"$command"
		run -1 --separate-stderr "$crit" "${words[@]}" "$bad"
		[[ $output == *3* ]]
		[[ $stderr =~ "crit ${command%% *}: "$mm && $stderr =~ "crit ${command%% *}: "$core && ${#stderr_lines[@]} = 2 ]]
	done
	run -2 --separate-stderr "$crit" grep -x 20202020 "$bad"
	[[ $output == *" 0x500000 "* && ${#stderr_lines[@]} = 2 ]]
	run -1 --separate-stderr "$crit" pages -p 1 -x "$bad"
	[[ -z $output && $stderr =~ ^"crit pages: "$mm$ ]]
	run -1 --separate-stderr "$crit" pages -p 3 --vma 0 -x "$bad"
	[[ $output == *"0000000000500000  "* && $stderr =~ ^"crit pages: "$core$ ]]
}

@test "broken images: without files.img memory is there, but for that of memfds" {
	truncate -s 20 "$bad/files.img"
	local said='files.img: entry 0 at byte 8: wanted a message of 32 bytes, found 8'
	both strings
	[ "$stderr" = "crit strings: $said" ]
	same " shmem "
	same " stack "
	run ! grep " memfd " <<<"$output"
	both mem
	[ "$stderr" = "crit mem: $said" ]
	[[ $output =~ " memfd "\ +"4.0 KiB "\ +"- "\ +- ]]
	run -1 --separate-stderr "$crit" core --all -o "$BATS_TEST_TMPDIR/cores" "$bad"
	[ "$stderr" = "crit core: pid 4 is a zombie: it has no memory, no core"$'\n'"crit core: $said" ]
	[ -s "$BATS_TEST_TMPDIR/cores/core.1" ]
	[ -s "$BATS_TEST_TMPDIR/cores/core.3" ]
	both stack
	[ "$stderr" = "crit stack: $said" ]
	[[ $output == *"error: $said"*"thread 1 "*"#0 "*"pid 3"* && $output != *"the set does not say"* ]]
}

@test "broken images: a memfd whose image cannot be read has no pages anybody knows" {
	truncate -s -1 "$bad/memfd.img"
	both mem --format json
	[[ $stderr == "crit mem: memfd.img: entry "* && ${#stderr_lines[@]} = 1 ]]
	/usr/bin/python3 -c 'import json, sys
memfd, = [a for a in json.loads(sys.argv[1])["areas"] if a["kind"] == "memfd"]
assert memfd["stored_pages"] is None and "memfd.img" in memfd["error"], memfd' "$output"
}

@test "broken images: a page map that ends early ends one area, not the search" {
	# what lies behind its last good run is not known: shared segments have page maps of their own
	truncate -s -3 "$bad/pagemap-1.img"
	both strings
	[[ $stderr == "crit strings: pagemap-1.img: entry 4 at byte "* && ${#stderr_lines[@]} = 1 ]]
	same " shmem "
	same " memfd "
	same "^ *3 "
}

@test "broken images: cores of the others are written" {
	truncate -s -3 "$bad/core-3.img"
	run -1 --separate-stderr "$crit" core --all -o "$BATS_TEST_TMPDIR/cores" "$bad"
	[[ $output == *"/core.1: "* && ${#lines[@]} = 1 ]]
	[[ ${stderr_lines[1]} == "crit core: core-3.img: entry 0 at byte 8: "* ]]
	[ "${stderr_lines[2]}" = "crit core: processes without a core, for what is said above: 1" ]
	[ "$(ls "$BATS_TEST_TMPDIR/cores")" = core.1 ]
	cp "$whole/core-3.img" "$bad"
	truncate -s -1 "$bad/inventory.img"
	run -1 --separate-stderr "$crit" core -p 1 -o "$BATS_TEST_TMPDIR/more" "$bad"
	[ -s "$BATS_TEST_TMPDIR/more/core.1" ]
	[[ $stderr == "crit core: inventory.img: "* && ${#stderr_lines[@]} = 1 ]]
}

@test "broken images: stacks of the others are there, and what is not says why" {
	broke
	both stack
	[[ $output =~ "pid 1 (first)"$'\n'"  error: "$mm$'\n'"pid 3 (?)"$'\n'"  error: "$core$'\n'"pid 4" ]]
	[[ $stderr =~ ^"crit stack: "$mm$'\n'"crit stack: "$core$ ]]
}

@test "broken images: a comparison goes on, makes up no difference, and is trouble" {
	local other=$BATS_TEST_TMPDIR/other
	cp -r "$whole" "$other"
	cp -r "$whole.parent" "$BATS_TEST_TMPDIR"
	"$crit" edit --in-place "$other/core-1.img" tc.comm=another
	run -1 "$crit" diff "$whole" "$other"
	local row=${lines[1]}
	[[ $row == *another* ]]
	broke
	run -2 --separate-stderr "$crit" diff --pages "$bad" "$other"
	[[ ${lines[1]} == "$row" && ${#lines[@]} = 2 ]]
	[[ $stderr =~ ^"crit diff: $bad: "$mm$'\n'"crit diff: $bad: "$core$ ]]
	# the other way round, and others
	cp "$whole"/*.img "$bad"
	truncate -s 20 "$bad/files.img" "$bad/pstree.img"
	truncate -s -3 "$bad/mountpoints-12.img" "$bad/fdinfo-2.img" "$bad/pagemap-1.img"
	run -2 --separate-stderr "$crit" diff --pages "$whole" "$bad"
	local image
	for image in pstree mountpoints-12; do
		[[ $stderr == *"crit diff: $bad: $image.img: "* ]]
	done
	cp "$whole/pstree.img" "$bad"
	run -2 --separate-stderr "$crit" diff --pages "$other" "$bad"
	[[ ${lines[1]} == *another* && ${#lines[@]} = 2 ]]
	for image in files mountpoints-12 fdinfo-2 pagemap-1; do
		[[ $stderr == *"crit diff: $bad: $image.img: "* || $stderr == *"crit diff: $bad: pid 1: $image.img: "* ]]
	done
	[ "${#stderr_lines[@]}" = 4 ]
}

@test "broken images: recode names each before it gives up" {
	broke
	run -2 --separate-stderr "$crit" recode -o "$BATS_TEST_TMPDIR/out" "$bad"
	[[ $output =~ ^$core$'\n'$mm$ ]]
	[ "$stderr" = "crit recode: images that cannot be decoded, as said above: 2; nothing is written" ]
	[ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "broken images: what a process has and is missing is named, too" {
	local image
	for image in mm-1 fs-1 ids-1 fdinfo-2; do
		rm "$bad/$image.img"
		both inspect --all
		[[ $stderr == "crit inspect: "*"$image.img: No such file or directory" && ${#stderr_lines[@]} = 1 ]]
		cp "$whole/$image.img" "$bad"
	done
	rm "$bad/mm-1.img"
	both mem
	[[ $stderr == "crit mem: "*"mm-1.img: No such file or directory" ]]
}

@test "broken images: of several checkpoints it is told whose they are" {
	broke
	run -1 --separate-stderr "$crit" inspect --tasks "$whole" "$bad"
	[[ ${stderr_lines[0]} =~ ^"crit inspect: $bad: "(core-3|mm-1).img: ]]
	run -1 --separate-stderr "$crit" export --ndjson "$whole" "$bad"
	[[ ${stderr_lines[0]} =~ ^"crit export: $bad: "(core-3|mm-1).img: ]]
}

@test "broken images: the queue of a connection that cannot be read is not known" {
	truncate -s 20 "$bad"/tcp-stream-*.img
	both inspect --sockets
	[[ $stderr == "crit inspect: tcp-stream-"*".img: entry 0 "* && ${#stderr_lines[@]} = 1 ]]
	[ "$(grep -c . <<<"$output")" = "$(grep -c . <<<"$good")" ]
}

@test "broken images: view shows the rest, names what is not there, and exits 1 of a screen it prints" {
	broke
	shown() { run -1 --separate-stderr "$crit" view --print text --size 160x40 --keys "$1" "$bad"; }
	shown ''
	[[ $output =~ "1 alive "[^$'\n']+" - first  "$mm ]]
	[[ $output =~ "3 ? "[^$'\n']+" ?  "$core ]]
	[[ $stderr =~ ^"crit view: "$mm$'\n'"crit view: "$core$ ]]
	# the summary of a process
	shown '<Enter>1'
	[[ $output == *"Process 1"*"Name: first"* && $output =~ $mm ]]
	shown '<Down><Enter>1'
	[[ $output == *"Process 3"* && $output != *"Tasks: none"* && $output =~ $core ]]
	# an audit
	shown '7'
	[[ $output == *" root-user "*" 1 "* && $output =~ $mm", and 1 more" ]]
	[[ $stderr =~ "crit view: "$mm && $stderr =~ "crit view: "$core && ${#stderr_lines[@]} = 2 ]]
	# an image, a whole screen
	shown '6/core-3.img<Enter><Enter>'
	[[ $output =~ $core ]]
	run -0 --separate-stderr "$crit" view --print text --size 160x40 --keys '7' "$whole"
	[ -z "$stderr" ]
}

@test "broken images: a parent set that is missing is told, and the rest is there" {
	mkdir "$BATS_TEST_TMPDIR/alone"
	mv "$bad" "$BATS_TEST_TMPDIR/alone"
	bad=$BATS_TEST_TMPDIR/alone/bad
	both strings
	[[ $stderr == "crit strings: "*"/parent leads to ../whole.parent: No such file or directory" ]]
	same " shmem "
	both 2 diff --pages "$whole"
	[[ $stderr == "crit diff: $bad: "*"/parent leads to ../whole.parent: No such file or directory" ]]
	run -1 --separate-stderr "$crit" core --all -o "$BATS_TEST_TMPDIR/cores" "$bad"
	[[ $stderr == *"/parent leads to "*"without a core, for what is said above: 1" ]]
	[ -s "$BATS_TEST_TMPDIR/cores/core.3" ]
}

@test "broken images: a page map or files.img that is missing is no empty one" {
	rm "$bad/pagemap-3.img"
	both mem
	[[ $stderr == "crit mem: "*"pagemap-3.img: No such file or directory" && ${#stderr_lines[@]} = 1 ]]
	same "^ *1 "
	[[ $output =~ " 3 "\ +"0x500000 "[^$'\n']+" anon "\ +"16.0 KiB "\ +"- " ]]
	rm "$bad/files.img"
	both inspect --files
	[[ $stderr == "crit inspect: "*"files.img: No such file or directory" && ${#stderr_lines[@]} = 1 ]]
}

@test "broken images: one of a namespace that is missing is named, though nothing of it can be read" {
	local gone command words
	for gone in netns-11 ipcns-var-13 mountpoints-12 utsns-10; do
		rm "$bad/$gone.img"
		for command in "inspect --all" "export --ndjson" compat "audit --fail-on error" "view --print text"; do
			read -ra words <<<"$command"
			case $command in audit*) both 2 "${words[@]}";; *) both "${words[@]}";; esac
			[ "$stderr" = "crit ${command%% *}: $gone.img: missing, and a process is in that namespace" ]
		done
		run -1 --separate-stderr "$crit" compat "$bad"
		grep -E "^ *no +set +- +$gone.img: missing" <<<"$output"
		[[ $output == *"Answer: no" ]]
		run -2 --separate-stderr "$crit" diff "$whole" "$bad"
		[ "$stderr" = "crit diff: $bad: $gone.img: missing, and a process is in that namespace" ]
		# nothing of memory leads there
		run -0 --separate-stderr "$crit" mem "$bad"
		[ -z "$stderr" ]
		cp "$whole/$gone.img" "$bad"
	done
	# one that comes back empty has no images at all
	rm "$bad/"{netns,netdev,ifaddr,route,rule}-11.img
	run -0 --separate-stderr "$crit" inspect --all "$bad"
	[ -z "$stderr" ]
}

@test "broken images: ghost files and a tree lead to the names and the inventory that are missing" {
	local command words
	rm "$bad/remap-fpath.img"
	for command in "inspect --files" "export --ndjson" compat "core -p 1 -o $BATS_TEST_TMPDIR/cores"; do
		read -ra words <<<"$command"
		both "${words[@]}"
		[ "$stderr" = "crit ${command%% *}: remap-fpath.img: missing, and there are ghost files" ]
	done
	rm "$bad/ghost-file-1.img"
	run -0 --separate-stderr "$crit" inspect --files "$bad"
	[ -z "$stderr" ]
	cp "$whole/"*.img "$bad"
	rm "$bad/inventory.img"
	for command in inspect mem compat stack "view --print text" "grep -s a"; do
		read -ra words <<<"$command"
		run --separate-stderr "$crit" "${words[@]}" "$bad"
		[ "$status" != 0 ]
		[ "$stderr" = "crit ${command%% *}: inventory.img: missing: the dump did not come to its end" ]
	done
}
