#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit verify: is a checkpoint whole and coherent?
bats_require_minimum_version 1.5.0
load crit

python() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/$1" "${@:2}"; }

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

@test "verify finds nothing in a whole set" {
	run -0 "$crit" verify "$whole"
	[ -z "$output" ]
	run -0 "$crit" verify --format json "$whole"
	/usr/bin/python3 -c 'import json, sys
assert json.loads(sys.argv[1]) == {"findings": [], "count": 0}' "$output"
}

@test "verify finds each of the corruptions, and says where" {
	run -0 python verify.py "$crit" "$BATS_TEST_TMPDIR"
	[[ ${lines[0]} =~ ^([0-9]+)\ corruptions\ found$ ]]
	[ "${BASH_REMATCH[1]}" -ge 150 ]
}

@test "a directory of checkpoints is none, and these are named" {
	mkdir "$BATS_TEST_TMPDIR/some"
	cd "$BATS_TEST_TMPDIR"
	cp -r "$whole" "$BATS_TEST_TMPDIR/some/first"
	local command
	for command in verify compat; do
		run -2 "$crit" $command "$BATS_TEST_TMPDIR/some"
		[[ $output == *"is no checkpoint, but holds some: first" ]]
	done
	for command in inspect mem stack 'squash -o x' 'pack -o x.tar' 'decode --all -o x' recode dedup; do
		# shellcheck disable=SC2086 # a command with its options
		run "$crit" $command "$BATS_TEST_TMPDIR/some"
		[ "$status" -ne 0 ]
		[[ $output == *"is no checkpoint, but holds some: first" ]]
		[ ! -e x ]
		[ ! -e x.tar ]
	done
	rm "$BATS_TEST_TMPDIR/some/first/"{inventory,pstree}.img
	run -1 "$crit" verify "$BATS_TEST_TMPDIR/some"
}

@test "verify has a line for each finding, with image, entry and field" {
	cp -r "$whole" "$BATS_TEST_TMPDIR/set"
	cp -r "$whole.parent" "$BATS_TEST_TMPDIR/whole.parent"
	rm "$BATS_TEST_TMPDIR/set/ghost-file-1.img"
	run -1 "$crit" verify "$BATS_TEST_TMPDIR/set"
	[[ ${lines[1]} =~ ^\ *remap-fpath.img\ +0\ +remap_id\ +no\ ghost-file-1.img$ ]]
	[ "${#lines[@]}" = 2 ]
	run -1 "$crit" verify --format json "$BATS_TEST_TMPDIR/set"
	/usr/bin/python3 -c 'import json, sys
assert json.loads(sys.argv[1]) == {"findings": [{
    "image": "remap-fpath.img", "entry": 0, "field": "remap_id",
    "finding": "no ghost-file-1.img"}], "count": 1}' "$output"
}

@test "verify knows networks that have no images, those of the dumper and the root" {
	cd "$BATS_TEST_TMPDIR"
	cp -a "$whole" set
	cp -a "$whole.parent" .
	rm set/{netns,netdev,ifaddr,route,rule}-11.img
	run -0 "$crit" verify set
	run -0 "$crit" edit --in-place set 'ids-3.img: entries[0].net_ns_id=99'
	run -1 "$crit" verify set
	[[ ${lines[1]} == *"ids-3.img"*"net_ns_id  no net namespace 99" ]]
	[ "${#lines[@]}" = 2 ]
	run -0 "$crit" edit --in-place set 'ids-3.img: entries[0].net_ns_id=11' \
		'files.img: entries[nsf.ns_id=11].nsf.ns_id=98'
	run -1 "$crit" verify set
	[[ ${lines[1]} == *"nsf.ns_id  no net namespace 98" ]]
	[ "${#lines[@]}" = 2 ]
}

@test "verify finds a namespace that has images and nobody in it" {
	cd "$BATS_TEST_TMPDIR"
	cp -a "$whole" set
	cp -a "$whole.parent" .
	run -0 "$crit" edit --in-place set 'ids-1.img: entries[0].uts_ns_id=4' \
		'ids-3.img: entries[0].uts_ns_id=4'
	run -1 "$crit" verify set
	[[ ${lines[1]} =~ ^\ *utsns-10.img\ .*"nothing refers to it"$ ]]
	[ "${#lines[@]}" = 2 ]
}

@test "a set in an archive has its own images alone, not those of the set it leads to" {
	cd "$BATS_TEST_TMPDIR"
	mkdir first
	run -0 "$crit" pack -o whole.tar "$whole"
	tar -xf whole.tar -C first
	run -0 "$crit" verify whole.tar
	local gone of_dir
	for gone in pages-1.img pagemap-1.img; do
		rm -rf set
		cp -a first set
		rm "set/parent-1/$gone"
		tar -cf set.tar -C set .
		run -1 "$crit" verify set
		of_dir=${#lines[@]}
		run -1 "$crit" verify set.tar
		[ "${#lines[@]}" = "$of_dir" ]
		[[ $output == *"set.tar:parent-1/"*"$gone"* ]]
		run -1 "$crit" squash -o x set.tar
		[ ! -e x ]
	done
}

# A container's archive, as an engine has it, made of the set.
make_container()
{
	mkdir -p "$1/volumes" files
	"$crit" squash -o "$1/checkpoint" "$whole"
	echo one >files/one
	tar -cf "$1/rootfs-diff.tar" files
	cp "$1/rootfs-diff.tar" "$1/devshm-checkpoint.tar"
	cp "$1/rootfs-diff.tar" "$1/volumes/v1.tar"
	cp "$1/rootfs-diff.tar" "$1/volumes/v2.tar"
	echo '{"id": "c", "namedVolumes": [{"volumeName": "v1"}, {"volumeName": "v2"}]}' >"$1/config.dump"
	echo '{"ociVersion": "1.0", "hostname": "c"}' >"$1/spec.dump"
	echo '{"podman": {}}' >"$1/network.status"
	echo '["/etc/motd"]' >"$1/deleted.files"
}

@test "verify reads what a container's engine put beside the images" {
	cd "$BATS_TEST_TMPDIR"
	mkdir c
	make_container c
	tar -cf c.tar -C c .
	run -0 "$crit" verify c
	run -0 "$crit" verify c.tar
	local name
	for name in config.dump spec.dump network.status deleted.files rootfs-diff.tar \
		devshm-checkpoint.tar volumes/v1.tar; do
		rm -rf cut
		cp -a c cut
		truncate -s -6 "cut/$name"
		[[ $name != *.tar ]] || truncate -s 1024 "cut/$name"
		run -1 "$crit" verify cut
		[[ ${lines[1]} == *"$name "* ]]
		[ "${#lines[@]}" = 2 ]
		tar -cf cut.tar -C cut .
		run -1 "$crit" verify cut.tar
		[[ ${lines[1]} == *"$name "* ]]
		: >"cut/$name"
		run -1 "$crit" verify cut
		[[ $output == *"$name "*"empty" ]]
	done
	for name in config.dump spec.dump volumes/v2.tar; do
		rm -rf cut
		cp -a c cut
		rm "cut/$name"
		run -1 "$crit" verify cut
		[[ $output == *"$name"* ]]
		[ "${#lines[@]}" = 2 ]
	done
	# a hole behind the end of a tar is as good as zeros there, however long it is
	truncate -s 1T c/rootfs-diff.tar
	tar -Sczf c.tar.gz -C c .
	run -0 timeout 5 "$crit" verify c
	run -0 timeout 5 "$crit" verify c.tar.gz
}

@test "verify reads the statistics that an engine puts beside the set" {
	cd "$BATS_TEST_TMPDIR"
	mkdir s
	make_container s
	printf '{"magic": "STATS", "entries": [{"dump": {"freezing_time": 1, "frozen_time": 2, "memdump_time": 3, "memwrite_time": 4, "pages_scanned": 5, "pages_skipped_parent": 6, "pages_written": 7, "irmap_resolve": 8, "pages_lazy": 0}}]}' |
		"$crit" encode -o s/stats-dump
	mkdir below
	tar -cf stats.tar -C s .
	cp -a s below/a
	tar -cf below.tar below
	run -0 "$crit" verify s
	run -0 "$crit" verify stats.tar
	run -0 "$crit" verify below.tar
	truncate -s -3 s/stats-dump below/a/stats-dump
	tar -cf stats.tar -C s .
	tar -cf below.tar below
	local set
	for set in s stats.tar below.tar; do
		run -1 "$crit" verify "$set"
		[[ ${lines[1]} == *"stats-dump "*"entry"*"wanted a message of"* ]]
		[ "${#lines[@]}" = 2 ]
	done
	# a file of this name that is elsewhere is somebody else's
	mv below/a/stats-dump below/stats-dump
	tar -cf below.tar below
	run -0 "$crit" verify below.tar
}

@test "verify finds what an archive has twice" {
	cd "$BATS_TEST_TMPDIR"
	tar -cf twice.tar -C "$whole.parent" .
	tar -rf twice.tar -C "$whole.parent" ./pages-1.img
	run -1 "$crit" verify twice.tar
	[[ $output == *"pages-1.img"*"is in the archive twice, the last one counts" ]]
	[ "${#lines[@]}" = 2 ]
}

@test "verify reads archives" {
	tar -C "$whole" -czf "$BATS_TEST_TMPDIR/set.tar.gz" --exclude=parent .
	run -1 "$crit" verify "$BATS_TEST_TMPDIR/set.tar.gz"
	[[ ${lines[1]} == *"pages are in a parent set, and there is none" ]]
	[ "${#lines[@]}" = 2 ]
}

@test "verify decompresses page data" {
	cp -r "$whole" "$BATS_TEST_TMPDIR/plain"
	cp -r "$whole.parent" "$BATS_TEST_TMPDIR/whole.parent"
	head -c 16384 /dev/urandom >"$BATS_TEST_TMPDIR/plain/pages-1.img" # does not compress
	"$crit" compress "$BATS_TEST_TMPDIR/plain"
	run -0 "$crit" verify "$BATS_TEST_TMPDIR/plain"
	[ -z "$output" ]
	printf broken | dd of="$BATS_TEST_TMPDIR/plain/pages-1.img.zst" bs=1 seek=2 conv=notrunc status=none
	run -1 "$crit" verify "$BATS_TEST_TMPDIR/plain"
	[[ ${lines[1]} =~ ^\ *pages-1.img ]]
	[ "${#lines[@]}" = 2 ]
}

@test "verify: what cannot be opened is trouble" {
	run -2 "$crit" verify "$BATS_TEST_TMPDIR/nothing"
	run -2 "$crit" verify
	run -1 "$crit" verify "$BATS_TEST_TMPDIR"
	[[ $output == *"inventory.img"*"missing: the dump did not come to its end"* ]]
}

@test "verify finds nothing in any set of the corpus" {
	local dir n=0
	need_corpus
	need_containers
	for dir in "$corpus"/*/ "$corpus"/*/*/ "$containers"/*.tar*; do
		[ -f "$dir/inventory.img" ] || [ -f "$dir" ] || continue
		run -0 "$crit" verify "$dir"
		[ -z "$output" ]
		n=$((n + 1))
	done
	[ "$n" -ge 30 ]
}
