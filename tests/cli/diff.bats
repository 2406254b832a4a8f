#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit diff: what changed between two checkpoints.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

setup()
{
	other=$BATS_TEST_TMPDIR/other
	cp -r "$set" "$other"
}

# change IMAGE SED-SCRIPT: rewrite one image of the copy through its JSON
change()
{
	"$crit" decode --pretty -i "$set/$1" | sed "$2" > "$BATS_TEST_TMPDIR/json"
	"$crit" encode -i "$BATS_TEST_TMPDIR/json" -o "$other/$1"
	! cmp -s "$set/$1" "$other/$1"
}

@test "diff of a set with itself prints nothing" {
	run -0 "$crit" diff --pages "$set" "$set"
	[ -z "$output" ]
	run -0 "$crit" diff --format json "$set" "$set"
	/usr/bin/python3 -c 'import json, sys
doc = json.loads(sys.argv[1])
assert doc["changes"] == [] and doc["different"] is False and doc["count"] == 0' "$output"
}

@test "diff names the field of a process that changed" {
	change core-101.img 's/"comm": "child"/"comm": "grown"/'
	run -1 "$crit" diff "$set" "$other"
	[[ ${lines[1]} =~ ^\ *changed\ +task\ +101\ +thread\ 101\ +tc.comm\ +child\ +grown$ ]]
	[ "${#lines[@]}" = 2 ]
}

@test "diff matches processes by pid, and those that are gone are named" {
	"$crit" decode -i "$set/pstree.img" | /usr/bin/python3 -c 'import json, sys
doc = json.load(sys.stdin)
doc["entries"] = [e for e in doc["entries"] if e["pid"] != 102]
json.dump(doc, sys.stdout)' | "$crit" encode -o "$other/pstree.img"
	run -1 "$crit" diff --only ps "$set" "$other"
	[[ ${lines[1]} =~ ^\ *removed\ +ps\ +102\ +process\ +-\ +gone\ +-$ ]]
	run -1 "$crit" diff --only ps "$other" "$set"
	[[ ${lines[1]} =~ ^\ *added\ +ps\ +102\ +process\ +-\ +-\ +gone$ ]]
}

@test "diff shows an area that came, by address" {
	change mm-100.img '0,/"prot": "[^"]*"/s//"prot": "PROT_READ"/'
	run -1 "$crit" diff --only mems "$set" "$other"
	[[ ${lines[1]} =~ changed\ +mems\ +100\ +400000-402000\ +prot\ +.*PROT_EXEC\ +PROT_READ$ ]]
}

@test "diff --pages counts changed pages, --hexdump shows the bytes" {
	printf X | dd of="$other/pages-1.img" bs=1 seek=5 conv=notrunc status=none
	run -0 "$crit" diff "$set" "$other"
	run -1 "$crit" diff --pages "$set" "$other"
	[[ $output == *"pages changed"* ]]
	[[ $output == *"1 of "* ]]
	run -1 "$crit" diff --hexdump --format json "$set" "$other"
	/usr/bin/python3 -c 'import json, sys
rows = [c for c in json.loads(sys.argv[1])["changes"] if c["field"] == "bytes"]
assert [r["pid"] for r in rows] == [100, 101], rows
a, b = (bytes.fromhex(rows[0][k]) for k in "ab")
assert a[5] != b[5] and b[5] == ord("X") and a[:5] == b[:5] and a[6:] == b[6:]' "$output"
}

@test "diff compares payloads and names the first byte that differs" {
	"$crit" decode -i "$set/pipes-data.img" | /usr/bin/python3 -c 'import base64, json, sys
doc = json.load(sys.stdin)
entry = doc["entries"][0]
data = bytearray(base64.b64decode(entry["extra"]))
data[2] ^= 1
entry["extra"] = base64.b64encode(bytes(data)).decode()
json.dump(doc, sys.stdout)' | "$crit" encode -o "$other/pipes-data.img"
	run -1 "$crit" diff "$set" "$other"
	[[ ${lines[1]} =~ "pipes-data.img[0]"\ +payload.0.\ +.*"differs from byte 2 on" ]]
}

@test "diff shows fields of raw images" {
	change nftables-10.img 's/table/chain/'
	run -1 "$crit" diff "$set" "$other"
	[[ ${lines[1]} =~ changed\ +net\ +-\ +nftables-10.img\ +lines ]]
}

# control_file SET MODE VALUE
control_file()
{
	echo '{"magic": "CGROUP", "entries": [{"controllers": [{"cnames": ["freezer"], "dirs": [{
		"dir_name": "/a", "children": [{"dir_name": "b", "properties": [{"name": "freezer.state",
		"value": "'"$3"'", "perms": {"mode": '"$2"', "uid": 21848, "gid": '"$2"'}}]}]}]}]}]}' |
		"$crit" encode -o "$1/cgroup.img"
}

@test "diff passes over permissions of a control file that are none" {
	control_file "$set" 135827440 THAWED
	control_file "$other" 3911578544 THAWED
	run -0 "$crit" diff "$set" "$other"
	[ -z "$output" ]
	control_file "$other" 3911578544 FROZEN
	run -1 "$crit" diff "$set" "$other"
	[[ ${lines[1]} == *"properties[freezer.state].value"*THAWED*FROZEN ]]
	[ "${#lines[@]}" = 2 ]
	control_file "$set" $((0100644)) THAWED
	control_file "$other" $((0100600)) THAWED
	run -1 "$crit" diff "$set" "$other"
	[[ $output == *"perms.mode"* ]]
	rm "$set/cgroup.img"
}

@test "diff --only takes sections and names them when one is wrong" {
	change core-101.img 's/"comm": "child"/"comm": "grown"/'
	run -0 "$crit" diff --only ps,mems,fds "$set" "$other"
	run -2 "$crit" diff --only ps,memory "$set" "$other"
	[[ $output == *"--only memory: there are ps task regs mems"* ]]
}

@test "diff of what is no checkpoint is trouble, not a difference" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	run -2 "$crit" diff "$set" "$BATS_TEST_TMPDIR/empty"
	[[ $output == *"no pstree.img, so no checkpoint"* ]]
	run -2 "$crit" diff "$set"
}

@test "diff of every set of the corpus with itself finds nothing" {
	local dir n=0
	need_corpus
	need_containers
	for dir in "$corpus"/*/ "$corpus"/*/*/ "$containers"/*.tar*; do
		[ -f "$dir/pstree.img" ] || [ -f "$dir" ] || continue
		run -0 "$crit" diff --pages "$dir" "$dir"
		[ -z "$output" ]
		n=$((n + 1))
	done
	[ "$n" -ge 30 ]
}

@test "diff shows of long values where they differ, and no half characters" {
	local long
	long=$(printf 'é%.0s' {1..80}) # two bytes each
	"$crit" decode -i "$set/core-101.img" >"$BATS_TEST_TMPDIR/json"
	cp -r "$set" "$BATS_TEST_TMPDIR/one"
	sed "s/\"comm\": \"child\"/\"comm\": \"${long}left$long\"/" "$BATS_TEST_TMPDIR/json" |
		"$crit" encode -o "$BATS_TEST_TMPDIR/one/core-101.img"
	sed "s/\"comm\": \"child\"/\"comm\": \"${long}right\"/" "$BATS_TEST_TMPDIR/json" |
		"$crit" encode -o "$other/core-101.img"
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/one" "$other"
	[[ ${lines[1]} =~ tc.comm\ +…éééééééééélefté+…\ +…ééééééééééright$ ]]
	/usr/bin/python3 -c 'import sys; sys.argv[1].encode("utf-8", "strict")' "$output"
	# in JSON they are whole
	run -1 "$crit" diff --format json "$BATS_TEST_TMPDIR/one" "$other"
	/usr/bin/python3 -c 'import json, sys
change = json.loads(sys.argv[1])["changes"][0]
assert (change["a"], change["b"]) == tuple(sys.argv[2:]), change' "$output" "${long}left$long" "${long}right"
	# what differs early is shown from the beginning
	sed "s/\"comm\": \"child\"/\"comm\": \"left$long\"/" "$BATS_TEST_TMPDIR/json" |
		"$crit" encode -o "$BATS_TEST_TMPDIR/one/core-101.img"
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/one" "$other"
	[[ ${lines[1]} =~ tc.comm\ +lefté{28}…\ +é{30}…$ ]]
}

# archive NAME TAR-OPTION…: an exported checkpoint with a /dev/shm of the files in shm/
archive()
{
	local dir=$BATS_TEST_TMPDIR/$1
	mkdir -p "$dir"
	cp -r "$set" "$dir/checkpoint"
	echo '{}' >"$dir/config.dump"
	tar -C "$BATS_TEST_TMPDIR/shm" -cf "$dir/devshm-checkpoint.tar" "${@:2}"
	tar -C "$dir" -cf "$dir.tar" checkpoint config.dump devshm-checkpoint.tar
}

@test "diff looks into tars: their members, not their order or how they are made" {
	local shm=$BATS_TEST_TMPDIR/shm
	mkdir -p "$shm/dir"
	echo one >"$shm/first"
	echo two >"$shm/dir/second"
	head -c 100000 /dev/zero >"$shm/third"
	ln -s first "$shm/link"
	archive a first dir third link
	touch -d 2001-01-01 "$shm/first"
	archive b --format=posix ./link ./third ./dir/ ./first
	run -0 "$crit" diff "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/b.tar"
	[ -z "$output" ]
	printf X | dd of="$shm/third" bs=1 seek=99999 conv=notrunc status=none
	echo 2wo >"$shm/dir/second"
	echo longer >"$shm/first"
	chmod 600 "$shm/first"
	ln -sf dir "$shm/link"
	echo new >"$shm/new"
	archive c --owner=7 link new dir third first
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/c.tar"
	local tar=devshm-checkpoint.tar
	[[ $output =~ changed\ +metadata\ +-\ +"${tar}[dir/second]"\ +contents\ +"differs from byte 0 on" ]]
	[[ $output =~ changed\ +metadata\ +-\ +"${tar}[third]"\ +contents\ +"differs from byte 99999 on" ]]
	[[ $output =~ changed\ +metadata\ +-\ +"${tar}[first]"\ +mode\ +0[0-7]+\ +0600 ]]
	[[ $output =~ "${tar}[first]"\ +size\ +4\ +7 ]]
	[[ $output =~ "${tar}[first]"\ +uid\ +[0-9]+\ +7 ]]
	[[ $output =~ "${tar}[link]"\ +link\ +first\ +dir ]]
	[[ $output =~ added\ +metadata\ +-\ +"${tar}[new]"\ +-\ +-\ +present ]]
	run -1 grep -E "first\] .*contents" <<<"$output"
	# the place is looked for once: not of what stands in another order
	archive d link third dir first
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/d.tar"
	[[ $output =~ changed\ +metadata\ +-\ +"${tar}[dir/second]"\ +contents\ +"differs from byte 0 on" ]]
	[[ $output =~ changed\ +metadata\ +-\ +"${tar}[third]"\ +contents\ +differs(\ *$|\ *$'\n') ]]
	# one that is called so, and is none, is bytes
	local name
	for name in a b; do
		echo "no tar $name" >"$BATS_TEST_TMPDIR/$name/rootfs-diff.tar"
		tar -C "$BATS_TEST_TMPDIR/$name" -rf "$BATS_TEST_TMPDIR/$name.tar" rootfs-diff.tar
	done
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/b.tar"
	[[ $output =~ changed\ +metadata\ +-\ +rootfs-diff.tar\ +-\ +"differs from byte 7 on" ]]
}

@test "diff looks into the files of a tmpfs" {
	mkdir "$BATS_TEST_TMPDIR/files"
	echo one >"$BATS_TEST_TMPDIR/files/f"
	cp -r "$set" "$BATS_TEST_TMPDIR/one"
	tar -C "$BATS_TEST_TMPDIR/files" -czf "$BATS_TEST_TMPDIR/one/tmpfs-dev-57.tar.gz.img" .
	echo two >"$BATS_TEST_TMPDIR/files/f"
	tar -C "$BATS_TEST_TMPDIR/files" -czf "$other/tmpfs-dev-57.tar.gz.img" .
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/one" "$other"
	[[ ${lines[1]} =~ changed\ +mounts\ +-\ +"tmpfs-dev-57.tar.gz.img[f]"\ +contents\ +"differs from byte 0 on" ]]
	[ "${#lines[@]}" = 2 ]
	# what it says of long holes is believed, not read, before and behind what differs
	truncate -s 1T "$BATS_TEST_TMPDIR/files/long"
	echo -n end | dd of="$BATS_TEST_TMPDIR/files/long" bs=1M seek=1048570 conv=notrunc status=none
	tar -C "$BATS_TEST_TMPDIR/files" -Sczf "$BATS_TEST_TMPDIR/one/tmpfs-dev-57.tar.gz.img" .
	echo -n And | dd of="$BATS_TEST_TMPDIR/files/long" bs=1M seek=1048570 conv=notrunc status=none
	tar -C "$BATS_TEST_TMPDIR/files" -Sczf "$other/tmpfs-dev-57.tar.gz.img" .
	run -1 timeout 5 "$crit" diff "$BATS_TEST_TMPDIR/one" "$other"
	[ "${#lines[@]}" = 2 ]
	[[ $output == *"[long]"*"contents"*"differs from byte 1099505336320 on" ]]
	timeout 5 "$crit" audit "$other" || [ $? != 124 ]
	# a broken one is bytes, and the comparison goes on
	truncate -s -20 "$other/tmpfs-dev-57.tar.gz.img"
	run -1 "$crit" diff "$BATS_TEST_TMPDIR/one" "$other"
	[[ ${lines[1]} =~ changed\ +mounts\ +-\ +tmpfs-dev-57.tar.gz.img\ +-\ +"differs from byte " ]]
	[ "${#lines[@]}" = 2 ]
}
