#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit compat: will a checkpoint restore on this machine?
bats_require_minimum_version 1.5.0
load crit

python() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@"; }

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

@test "compat says yes, no or unknown to each question, for a reason" {
	run -0 python "$BATS_TEST_DIRNAME/compat.py" "$crit" "$BATS_TEST_TMPDIR"
	[[ $output =~ ^([0-9]+)\ cases\ right$ ]]
	[ "${BASH_REMATCH[1]}" -ge 35 ]
}

@test "compat --format json has check, answer, object, reason, and the answer as a whole" {
	run -0 "$crit" compat --format json "$whole"
	python -c 'import json, sys
d = json.loads(sys.argv[1])
assert d["answer"] == "unknown", d["answer"]
assert d["checks"][-1] == {"answer": "yes", "check": "set", "object": None,
                          "reason": "whole, version 2 of the format"}
assert {c["answer"] for c in d["checks"]} == {"yes", "unknown"}' "$output"
}

@test "compat --root looks below the root of a container" {
	local root=$BATS_TEST_TMPDIR/root
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	cp -a "$whole.parent" "$BATS_TEST_TMPDIR/"
	"$crit" edit "$BATS_TEST_TMPDIR/set" --in-place 'mountpoints-12.img: entries[1].fstype=0'
	mkdir -p "$root/bin" "$root/srv" "$root/tmp" "$root/dev/pts"
	touch "$root/bin/prog" "$root/tmp/"{fifo,linked,link-remap.16} "$root/dev/pts/1"
	run -0 "$crit" compat --root "$root" "$BATS_TEST_TMPDIR/set"
	[[ $output =~ yes\ +file\ +-\ +the\ same:\ [0-9] ]]
	rm "$root/bin/prog"
	run -1 "$crit" compat --root "$root" "$BATS_TEST_TMPDIR/set"
	[[ $output =~ no\ +file\ +/bin/prog\ +No\ such\ file ]]
	ln -s /bin/sh "$root/bin/prog" # a link that leads out of the root leads nowhere
	run -1 "$crit" compat --root "$root" "$BATS_TEST_TMPDIR/set"
	[[ $output =~ no\ +file\ +/bin/prog ]]
	run -2 --separate-stderr "$crit" compat --root "$BATS_TEST_TMPDIR/none" "$BATS_TEST_TMPDIR/set"
	[ -z "$output" ]
	[[ $stderr == *"$BATS_TEST_TMPDIR/none: No such file or directory" ]]
}

@test "compat -p asks for what one process has, and what all have in common" {
	local all one
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	cp -a "$whole.parent" "$BATS_TEST_TMPDIR/"
	"$crit" edit "$BATS_TEST_TMPDIR/set" --in-place 'mountpoints-12.img: entries[1].fstype=0'
	count() { "$crit" compat --format json "$@" | python -c 'import json, sys, re
print(sum(int(n) for c in json.load(sys.stdin)["checks"] if c["check"] == "file"
          for n in re.findall(r": ([0-9]+)$", c["reason"])))'; }
	all=$(count "$BATS_TEST_TMPDIR/set")
	one=$(count -p 3 "$BATS_TEST_TMPDIR/set")
	[ "$one" -ge 1 ]
	[ "$one" -lt "$all" ]
	run -0 "$crit" compat -p 3 "$whole"
	[[ $output =~ yes\ +set && $output =~ yes\ +namespace ]]
	run -2 "$crit" compat -p 77 "$whole"
	[[ $output == *77* ]]
}

@test "compat says no to a set with a broken image, whichever, and names it" {
	cd "$BATS_TEST_TMPDIR"
	run -0 "$crit" squash -o whole "$whole"
	local image
	for image in pages-1.img pagemap-shmem-70.img fs-3.img fdinfo-2.img timens-0.img ids-3.img \
		tcp-stream-1f.img sk-queues.img; do
		rm -rf set
		cp -a whole set
		truncate -s -1 "set/$image"
		run -1 --separate-stderr "$crit" compat set
		[[ $output =~ no\ +set\ +-\ +[^$'\n']*"$image" ]]
		[[ $output =~ (yes|unknown)\ +port ]]
		[[ $stderr == "crit compat: "*"$image"* ]]
	done
	rm -rf set
	cp -a whole set
	: >set/pages-1.img
	run -1 "$crit" compat set
	[[ $output =~ no\ +set\ +-\ +.*pages-1.img ]]
}

@test "compat says no when something beside the images, or of a network, is empty or cut" {
	cd "$BATS_TEST_TMPDIR"
	local name
	mkdir -p c/checkpoint files
	"$crit" squash -o c/checkpoint "$whole"
	tar -cf c/rootfs-diff.tar files
	echo '{"id": "c"}' >c/config.dump
	echo '{"ociVersion": "1.0"}' >c/spec.dump
	echo '{"podman": {}}' >c/network.status
	echo '["/etc/motd"]' >c/deleted.files
	tar -cf c.tar -C c .
	run -0 --separate-stderr "$crit" compat c.tar
	[ -z "$stderr" ]
	for name in config.dump spec.dump network.status deleted.files rootfs-diff.tar \
		checkpoint/ifaddr-11.img checkpoint/route-11.img checkpoint/rule-11.img; do
		rm -rf cut
		cp -a c cut
		: >"cut/$name"
		tar -cf cut.tar -C cut .
		local set
		for set in cut cut.tar; do
			run -1 --separate-stderr "$crit" compat "$set"
			[ "$(grep -cE "^ *no +set +- +(\./)?${name#*/}: is empty$" <<<"$output")" = 1 ]
			[ "$(grep -c . <<<"$stderr")" = 1 ]
			[[ $stderr == "crit compat: "*"${name#*/}: is empty" ]]
		done
	done
	rm -rf cut
	cp -a c cut
	truncate -s -3 cut/config.dump
	truncate -s 1024 cut/rootfs-diff.tar
	tar -cf cut.tar -C cut .
	run -1 --separate-stderr "$crit" compat cut.tar
	grep -E "^ *no +set +- +rootfs-diff.tar: cut after 1024 bytes" <<<"$output"
	grep -E "^ *no +set +- +\./config.dump: " <<<"$output"
	[ "$(grep -c . <<<"$stderr")" = 2 ]
}

@test "compat --strict takes unknown for no" {
	run -0 "$crit" compat "$whole"
	run -1 "$crit" compat --strict "$whole"
}

@test "compat --checks prints the questions; what cannot be opened is trouble" {
	run -0 "$crit" compat --checks
	[[ $output == *architecture* && $output == *port* ]]
	run -2 "$crit" compat
	run -2 "$crit" compat "$BATS_TEST_TMPDIR/none"
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	truncate -s -3 "$BATS_TEST_TMPDIR/set/files.img"
	run -1 "$crit" compat "$BATS_TEST_TMPDIR/set" # it is no trouble to say that it will not
	[[ $output == *files.img* ]]
}

@test "compat takes the engine's word for what it mounts, and misses what the host had" {
	local archive=$containers/volume-tmpfs.tar.gz
	need_containers
	run -1 "$crit" compat "$archive"
	[[ $output =~ yes\ +mount\ +/etc/hosts\ +the\ engine\'s\ own ]]
	[[ $output =~ no\ +mount\ +/host\ +/tmp/lab/containers/out:\ No\ such\ file ]]
	[[ $output =~ yes\ +external\ +extRootNetNS ]]
}

@test "compat looks at every set of the corpus" {
	local dir n=0
	need_corpus
	need_containers
	for dir in "$corpus"/*/ "$corpus"/*/*/ "$containers"/*.tar*; do
		[ -f "$dir/pstree.img" ] || [ -f "$dir" ] || continue
		run "$crit" compat "$dir"
		[ "$status" -le 1 ]
		[[ ${lines[-1]} == "Answer: "* ]]
		n=$((n + 1))
	done
	[ "$n" -ge 30 ]
}
