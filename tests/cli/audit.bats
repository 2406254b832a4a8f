#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit audit: what a checkpoint says about the security of what was captured.
bats_require_minimum_version 1.5.0
load crit

python() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@"; }

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

setup()
{
	token=glpat; token+=-Zq8yT2mWx5Lk9RbVn3Cd # in one piece nowhere
}

# A copy of the set with a token in the memory of process 1.
leak()
{
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	cp -a "$whole.parent" "$BATS_TEST_TMPDIR/whole.parent"
	printf ' %s ' "$token" | dd of="$BATS_TEST_TMPDIR/set/pages-1.img" bs=1 seek=4096 conv=notrunc status=none
}

@test "audit finds each thing that is put into a quiet set, and nothing else" {
	run -0 python "$BATS_TEST_DIRNAME/audit.py" "$crit" "$BATS_TEST_TMPDIR"
	[[ $output =~ ^([0-9]+)\ cases\ right$ ]]
	[ "${BASH_REMATCH[1]}" -ge 35 ]
}

@test "audit keeps secrets unless told to reveal them" {
	leak
	for format in text json sarif; do
		run -1 "$crit" audit --format $format "$BATS_TEST_TMPDIR/set"
		[[ $output != *"$token"* && $output == *secret-memory* ]]
		run -1 "$crit" audit --format $format --reveal "$BATS_TEST_TMPDIR/set"
		[[ $output == *"$token"* ]]
	done
}

@test "audit -p looks at one process and at what is shared" {
	leak
	run -1 "$crit" audit -p 1 "$BATS_TEST_TMPDIR/set"
	[[ $output == *secret-memory* ]]
	run -0 "$crit" audit -p 3 "$BATS_TEST_TMPDIR/set"
	[[ $output != *secret-memory* ]]
	run -2 --separate-stderr "$crit" audit -p 99 "$BATS_TEST_TMPDIR/set"
	[[ $stderr == *"no process 99; it has 1"* ]]
}

@test "the browser goes from a finding to its bytes, and from an area to its finding" {
	leak
	run -0 "$crit" view --print text --size 170x12 --keys '7<Enter>' "$BATS_TEST_TMPDIR/set"
	[[ $output == *"$token"* && $output == *"memory of 1"* ]]
	run -0 "$crit" view --print text --size 120x12 --keys '<Enter>2jA' "$BATS_TEST_TMPDIR/set"
	[[ $output == *"Findings of process 1"*secret-memory*"the finding for the area at 500000"* ]]
	run -0 "$crit" view --print text --size 120x12 --keys '<Enter>2A' "$BATS_TEST_TMPDIR/set"
	[[ $output == *"no finding is about the area at 400000"* ]]
}

@test "audit --min-severity chooses what is shown, --fail-on what makes it fail" {
	run -0 "$crit" audit "$whole"
	[[ $output == *root-user* ]]
	run -0 "$crit" audit --min-severity warning "$whole"
	[ -z "$output" ]
	run -1 "$crit" audit --min-severity error --fail-on note "$whole"
	[ -z "$output" ]
	leak
	run -1 "$crit" audit --fail-on error "$BATS_TEST_TMPDIR/set"
	run -2 "$crit" audit --fail-on grave "$whole"
	[[ $output == *"want note, warning or error"* ]]
	run -2 "$crit" audit --format xml "$whole"
	run -2 "$crit" audit
	run -2 "$crit" audit "$BATS_TEST_TMPDIR/nothing"
}

@test "audit --format json has rule, process, object, evidence, image and entry" {
	leak
	run -1 "$crit" audit --format json "$BATS_TEST_TMPDIR/set"
	python -c 'import json, sys
d = json.loads(sys.argv[1])
f = d["findings"][0]
assert (f["severity"], f["rule"], f["pid"], f["comm"]) == ("error", "secret-memory", 1, "first"), f
assert f["object"] == "anon 0x500001" and f["evidence"] == "GitLab token: glpat-… (26 bytes)", f
assert (f["places"], f["processes"], f["image"], f["entry"]) == (1, 1, "pagemap-1.img", None), f
assert d["count"] == {"error": 1, "warning": 0, "note": 1, "left_out": 0}, d' "$output"
}

@test "audit --format sarif is a SARIF 2.1.0 log" {
	leak
	run -1 "$crit" audit --format sarif "$BATS_TEST_TMPDIR/set"
	python -c 'import json, sys
log = json.loads(sys.argv[1])
assert log["version"] == "2.1.0" and log["\x24schema"].endswith("sarif-2.1.0.json")
(run,) = log["runs"]
driver = run["tool"]["driver"]
assert driver["name"] == "crit audit" and driver["version"], driver
rules = driver["rules"]
assert len({r["id"] for r in rules}) == len(rules) > 15
for rule in rules:
    assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
    assert rule["defaultConfiguration"]["level"] in ("note", "warning", "error")
assert [r["level"] for r in run["results"]] == ["error", "note"]
for r in run["results"]:
    assert rules[r["ruleIndex"]]["id"] == r["ruleId"] and r["message"]["text"]
    (place,) = r["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith(".img")
    (process,) = place["logicalLocations"]
    assert process["kind"] == "process" and r["occurrenceCount"] >= 1
    assert process["fullyQualifiedName"] == "%d/%s" % (r["properties"]["pid"], process["name"])' "$output"
}

@test "audit --rules prints every rule, and the manual describes each" {
	run -0 "$crit" audit --rules --format json
	for rule in $(python -c 'import json, sys
print(*(r["rule"] for r in json.loads(sys.argv[1])["rules"]))' "$output"); do
		grep -q "^| \`$rule\` |" "$BATS_TEST_DIRNAME/../../docs/audit.md" || { echo "$rule"; false; }
	done
	run -2 "$crit" audit --rules --format sarif
}

@test "audit --rules takes no checkpoint, and compat --checks neither" {
	run -2 "$crit" audit --rules "$BATS_TEST_TMPDIR"
	[[ ${lines[0]} == "crit audit: --rules takes no checkpoint"* ]]
	run -2 "$crit" compat --checks "$BATS_TEST_TMPDIR"
	[[ ${lines[0]} == "crit compat: --checks takes no checkpoint"* ]]
}

@test "audit --sysroot finds programs that are others, and code that was changed" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/bin"
	head -c 8192 /dev/zero | tr '\0' '\20' >"$root/bin/prog"
	run -0 "$crit" audit --sysroot "$root" --min-severity warning "$whole"
	[ -z "$output" ]
	printf x | dd of="$root/bin/prog" bs=1 seek=100 conv=notrunc status=none
	run -1 "$crit" audit --sysroot "$root" --min-severity warning "$whole"
	[[ $output =~ error\ +code-changed\ +1\ +first\ +/bin/prog\ +1\ bytes,\ the\ first\ at\ 0x400064 ]]
	run -0 "$crit" audit --sysroot "$BATS_TEST_TMPDIR" "$whole"
	[[ $output =~ note\ +exe-changed\ +1\ +first\ +/bin/prog\ +below\ the\ sysroot:\ no\ such\ file ]]
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	cp -a "$whole.parent" "$BATS_TEST_TMPDIR/whole.parent"
	"$crit" edit "$BATS_TEST_TMPDIR/set" --in-place 'files.img: entries[2].reg.size=8193'
	run -1 "$crit" audit --sysroot "$root" --min-severity warning "$BATS_TEST_TMPDIR/set"
	[[ $output == *"exe-changed"*"another file: it had 8193 bytes, now 8192"* ]]
	run -2 "$crit" audit --sysroot "$BATS_TEST_TMPDIR/none" "$whole"
}

@test "audit looks into the changed files of a container, and at how it was started" {
	local dir=$BATS_TEST_TMPDIR/archive
	mkdir -p "$dir/diff/bin"
	cp -a "$whole" "$dir/checkpoint"
	rm "$dir/checkpoint/parent"
	"$crit" edit "$dir/checkpoint" --in-place 'pagemap-1.img: entries[3].flags=0'
	echo other >"$dir/diff/bin/prog"
	tar -C "$dir/diff" -cf "$dir/rootfs-diff.tar" bin/prog
	echo '{"annotations": {"io.podman.annotations.privileged": "TRUE"}}' >"$dir/spec.dump"
	tar -C "$dir" -czf "$BATS_TEST_TMPDIR/a.tar.gz" checkpoint rootfs-diff.tar spec.dump
	run -1 "$crit" audit "$BATS_TEST_TMPDIR/a.tar.gz"
	[[ $output =~ warning\ +exe-changed\ +1\ +first\ +/bin/prog\ +written\ in\ the\ container\ \(rootfs-diff\):\ 6\ bytes ]]
	[[ $output =~ error\ +privileged ]]
}

@test "audit looks into the files of a tmpfs" {
	leak
	mkdir "$BATS_TEST_TMPDIR/files"
	echo "token=$token" >"$BATS_TEST_TMPDIR/files/config"
	tar -C "$BATS_TEST_TMPDIR/files" -czf "$BATS_TEST_TMPDIR/set/tmpfs-dev-57.tar.gz.img" ./config
	run -1 "$crit" audit "$BATS_TEST_TMPDIR/set"
	[[ $output =~ error\ +secret-file\ +-\ +-\ +"config in a tmpfs, byte 6"\ +GitLab\ token ]]
	head -c 100 /dev/urandom >"$BATS_TEST_TMPDIR/set/tmpfs-dev-57.tar.gz.img"
	run -2 "$crit" audit "$BATS_TEST_TMPDIR/set"
	[[ $output == *"tmpfs-dev-57.tar.gz.img: not a tar"* ]]
}

@test "audit: a page image that is too short is trouble, named" {
	cp -a "$whole" "$BATS_TEST_TMPDIR/set"
	cp -a "$whole.parent" "$BATS_TEST_TMPDIR/whole.parent"
	truncate -s 100 "$BATS_TEST_TMPDIR/set/pages-1.img"
	run -2 "$crit" audit "$BATS_TEST_TMPDIR/set"
	[[ $output == *"crit audit: "*pages-1.img* ]]
	[[ $output == *root-user* ]] # what can be looked at is
}

# Everything graver than a note that the corpus has, and all of it is so: containers without
# seccomp, with all capabilities; sockets on all addresses; a parasite that was left behind.
@test "audit raises no false alarm on the corpus" {
	local dir n=0
	need_corpus
	need_containers
	for dir in "$corpus"/*/ "$corpus"/*/*/ "$containers"/*.tar*; do
		[ -f "$dir/pstree.img" ] || [ -f "$dir" ] || continue
		local name=${dir%/}
		name=${name##*/}
		run "$crit" audit --min-severity warning "$dir"
		[ "$status" -le 1 ]
		local found
		found=$(tail -n +2 <<<"$output" | awk '{ print $2 }' | sort -u | xargs)
		case $name in
		a14 | a4t | a6 | a6l | a6m | a6n | a6x) [ "$found" = "capabilities no-seccomp" ] ;;
		a7 | a7b) [ "$found" = no-seccomp ] ;;
		a4 | nethost*) [ "$found" = listen-all ] ;;
		full1 | full2) [ "$found" = exe-memfd ] ;;
		*) [ -z "$found" ] || { echo "$name: $found"; false; } ;;
		esac
		n=$((n + 1))
	done
	[ "$n" -ge 30 ]
}
