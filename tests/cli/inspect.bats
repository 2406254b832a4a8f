#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit inspect: what a checkpoint is and holds.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
	archive_of podman "$BATS_FILE_TMPDIR/ctr.tar.gz" z
}

# archive_of ENGINE FILE [TARFLAG]: an archive as that engine makes it, below a prefix of its own
archive_of()
{
	local dir=$BATS_FILE_TMPDIR/archive-$1
	mkdir -p "$dir"
	cp -r "$whole" "$dir/checkpoint"
	case $1 in
	podman)
		cat > "$dir/config.dump" <<-'END'
			{"id": "c0ffee", "name": "web", "rootfsImageName": "docker.io/web:1", "runtime": "crun", "ratio": 1.5,
			 "createdTime": "2026-01-02T03:04:05Z", "restoredTime": "0001-01-01T00:00:00Z"}
		END
		cat > "$dir/spec.dump" <<-'END'
			{"hostname": "box", "annotations": {"io.container.manager": "libpod", "odd": "\u001b[31mred"},
			 "mounts": [{"destination": "/data", "type": "bind", "source": "/srv/data"}]}
		END
		echo '{"podman": {"interfaces": {"eth0": {"subnets": [{"ipnet": "10.88.0.9/16"}], "mac_address": "aa:bb:cc:00:11:22"}}}}' \
			> "$dir/network.status"
		echo '["/etc/motd"]' > "$dir/deleted.files"
		;;
	cri-o)
		echo '{"id": "beef", "name": "k8s_web", "rootfsImageName": "quay.io/web:2", "runtime": "runc"}' > "$dir/config.dump"
		cat > "$dir/spec.dump" <<-'END'
			{"annotations": {"io.container.manager": "cri-o", "io.kubernetes.cri-o.IP.0": "10.1.2.3",
			 "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "prod", "io.kubernetes.cri-o.SandboxID": "5a5a"}}
		END
		;;
	containerd)
		echo '{"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "api",
			"io.kubernetes.cri.image-name": "ghcr.io/api:3", "io.kubernetes.cri.sandbox-name": "api-1"}}' > "$dir/spec.dump"
		echo '{"CreatedAt": 1767323045123456789}' > "$dir/status"
		;;
	esac
	tar -c"${3-}"f "$2" -C "$dir" .
}

# field FILE EXPRESSION: of the JSON document d
field()
{
	/usr/bin/python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$1" "$2"
}

@test "inspect: a bare directory has processes, no container" {
	run -0 "$crit" inspect "$whole"
	[[ $output != *Container* ]]
	[[ $output == *"prog --serve"* ]]
	[[ $output == *zombie* ]]
}

@test "inspect: a podman archive" {
	ctr=$BATS_FILE_TMPDIR/ctr.tar.gz json=$BATS_TEST_TMPDIR/j
	run -0 "$crit" inspect --metadata "$ctr"
	for line in "Engine: podman" "Name: web" "IP: 10.88.0.9" "MAC: aa:bb:cc:00:11:22" "Runtime: crun" "/etc/motd"; do
		[[ $output == *"$line"* ]]
	done
	[[ $output != *Restored* ]]
	[[ $output == *'\x1b[31mred'* ]]
	"$crit" inspect --all --format json "$ctr" > "$json"
	[ "$(field "$json" 'd["container"]["image"], d["container"]["pod"], d["deleted_files"]')" \
		= "('docker.io/web:1', None, [{'path': '/etc/motd'}])" ]
	[ "$(field "$json" 'd["container_mounts"]')" = "[{'destination': '/data', 'type': 'bind', 'source': '/srv/data'}]" ]
	[ "$(field "$json" '[p["pid"] for p in d["processes"]]')" = "[1, 3, 4]" ]
}

@test "inspect: archives of CRI-O and containerd, and a table of several" {
	archive_of cri-o "$BATS_TEST_TMPDIR/crio.tar"
	archive_of containerd "$BATS_TEST_TMPDIR/cd.tar"
	"$crit" inspect --format json "$BATS_TEST_TMPDIR/crio.tar" "$BATS_TEST_TMPDIR/cd.tar" "$whole" > "$BATS_TEST_TMPDIR/j"
	[ "$(field "$BATS_TEST_TMPDIR/j" '[(c["engine"], c["name"], c["image"], c["ip"], c["processes"]) for c in d["checkpoints"]]')" \
		= "[('CRI-O', 'k8s_web', 'quay.io/web:2', '10.1.2.3', 3), ('containerd', 'api', 'ghcr.io/api:3', None, 3), (None, None, None, None, 3)]" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" 'd["checkpoints"][1]["created"]')" = 2026-01-02T03:04:05.123456789Z ]
	echo no archive > "$BATS_TEST_TMPDIR/text"
	run -1 --separate-stderr "$crit" inspect "$BATS_TEST_TMPDIR/crio.tar" "$BATS_TEST_TMPDIR/text" "$whole"
	[ "$stderr" = "crit inspect: $BATS_TEST_TMPDIR/text: neither a directory of images nor a tar archive" ]
	[ ${#lines[@]} = 3 ]
	touch -d 2026-03-04T05:06:07Z "$BATS_FILE_TMPDIR/archive-cri-o/checkpoint/inventory.img"
	tar cf "$BATS_TEST_TMPDIR/crio.tar" -C "$BATS_FILE_TMPDIR/archive-cri-o" .
	run -0 "$crit" inspect --metadata "$BATS_TEST_TMPDIR/crio.tar"
	[[ $output == *"Checkpointed: 2026-03-04T05:06:07Z"*"Images written: 2026-03-04T05:06:07Z"* ]]
	"$crit" inspect --metadata --format json "$BATS_TEST_TMPDIR/crio.tar" > "$BATS_TEST_TMPDIR/j"
	[ "$(field "$BATS_TEST_TMPDIR/j" 'd["container"]["checkpointed"]')" = 2026-03-04T05:06:07Z ]
	"$crit" report -o "$BATS_TEST_TMPDIR/report.html" "$BATS_TEST_TMPDIR/crio.tar"
	grep -q '<dt>Checkpointed</dt><dd>2026-03-04T05:06:07Z</dd>' "$BATS_TEST_TMPDIR/report.html"
	[[ $output == *"Pod: web-0"*"Pod namespace: prod"*"Pod id: 5a5a"* ]]
}

@test "inspect: sections of several checkpoints, one after the other" {
	archive_of containerd "$BATS_TEST_TMPDIR/cd.tar"
	local section
	for section in files mounts all; do
		"$crit" inspect --$section "$whole" >"$BATS_TEST_TMPDIR/text"
		"$crit" inspect --$section "$BATS_TEST_TMPDIR/cd.tar" >>"$BATS_TEST_TMPDIR/text"
		run -0 --separate-stderr "$crit" inspect --$section "$whole" "$BATS_TEST_TMPDIR/cd.tar"
		diff "$BATS_TEST_TMPDIR/text" - <<<"$output"
	done
	"$crit" inspect --files --format json "$whole" "$BATS_TEST_TMPDIR/cd.tar" >"$BATS_TEST_TMPDIR/j"
	"$crit" inspect --files --format json "$whole" >"$BATS_TEST_TMPDIR/one"
	[ "$(field "$BATS_TEST_TMPDIR/j" 'd["checkpoints"][0]')" = "$(field "$BATS_TEST_TMPDIR/one" 'd')" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" '[list(c) for c in d["checkpoints"]]')" \
		= "[['source', 'files'], ['source', 'files']]" ]
	echo no archive > "$BATS_TEST_TMPDIR/text"
	run -1 --separate-stderr "$crit" inspect --files "$BATS_TEST_TMPDIR/text" "$whole"
	[ "$stderr" = "crit inspect: $BATS_TEST_TMPDIR/text: neither a directory of images nor a tar archive" ]
	[[ $output == "Checkpoint: $whole"*"Files"*epoll* ]]
}

@test "inspect: files, sockets, environment and mounts of a process" {
	"$crit" inspect --files --sockets --ps-tree-env --mounts -p 1 --format json "$whole" > "$BATS_TEST_TMPDIR/j"
	[ "$(field "$BATS_TEST_TMPDIR/j" '[(f["fd"], f["kind"], f["target"], f["detail"]) for f in d["files"]][:4]')" \
		= "[('cwd', 'file', '/srv', None), ('root', 'file', '/', None), (0, 'file', '/tmp/gone', 'deleted, kept as a ghost file'), (1, 'pipe', 'pipe:[55]', '5 bytes in it')]" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" '[(s["state"], s["local"]) for s in d["sockets"] if s["protocol"] == "tcp"]')" \
		= "[('ESTABLISHED', '127.0.0.1:8080'), ('LISTEN', '127.0.0.1:8080')]" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" '[e["variable"] for e in d["environment"]]')" = "['PATH=/bin', 'A=1']" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" '[m["mountpoint"] for m in d["mounts"]]')" = "['/proc', '/']" ]
	[ "$(field "$BATS_TEST_TMPDIR/j" '"container" in d')" = False ]
	run -0 "$crit" inspect --ps-tree -p 3 "$whole"
	[[ $output == *child* && $output != *first* ]]
}

@test "inspect: what is wrong is said in one line" {
	mkdir "$BATS_TEST_TMPDIR/bad"
	cp -r "$whole/." "$BATS_TEST_TMPDIR/bad"
	echo '{"id": ' > "$BATS_TEST_TMPDIR/bad/config.dump"
	run -1 --separate-stderr "$crit" inspect "$BATS_TEST_TMPDIR/bad"
	[[ $stderr == *config.dump* ]]
	run -1 "$crit" inspect -p 99 "$whole"
	run -2 "$crit" inspect
	run -2 "$crit" inspect -p 1 "$whole" "$whole"
}

@test "inspect --all of every set and archive at hand" {
	local source
	need_corpus
	need_containers
	for source in "$containers"/*.tar* "$corpus"/a[1-9] "$corpus"/a1[1-5]; do
		"$crit" inspect --all --format json "$source" | /usr/bin/python3 -c 'import json, sys; assert json.load(sys.stdin)["processes"]'
	done
	[ "$("$crit" inspect "$containers"/*.tar* | grep -c podman)" -ge 13 ]
}

@test "inspect finds statistics that an engine put beside the set" {
	mkdir -p "$BATS_TEST_TMPDIR/c"
	cp -r "$whole" "$BATS_TEST_TMPDIR/c/checkpoint"
	cd "$BATS_TEST_TMPDIR/c"
	printf '{"magic": "STATS", "entries": [{"dump": {"freezing_time": 7, "frozen_time": 8, "memdump_time": 1,
		"memwrite_time": 1, "pages_scanned": 1, "pages_skipped_parent": 0, "pages_written": 1, "irmap_resolve": 0, "pages_lazy": 0}}]}' |
		"$crit" encode -o stats-dump
	printf '{"id": "x"}' >config.dump
	tar cf ../c.tar .
	run -0 "$crit" inspect --stats ../c.tar
	[[ $output == *"Freezing in us: 7"* ]]
}
