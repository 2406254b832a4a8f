#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Documents as JSON have the members that docs/json.md describes.
bats_require_minimum_version 1.5.0
load crit

python() { PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@"; }

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	python "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
	make_set
}

# documented COMMAND ARGUMENT…: what it prints, whatever its status says of it, is as described
documented()
{
	"$crit" "$@" --format json >"$BATS_TEST_TMPDIR/document" 2>/dev/null || true
	python "$BATS_TEST_DIRNAME/json_members.py" "$1" "$BATS_TEST_TMPDIR/document"
}

# documented_all SOURCE: every command that needs no more than that
documented_all()
{
	local words command
	for words in inspect "inspect --all" mem "grep -m 9 -r ." "strings -m 9" stack verify audit compat; do
		read -ra command <<<"$words"
		documented "${command[@]}" "$1"
	done
}

@test "json: every command prints the members that docs/json.md has, in its order" {
	documented_all "$set"
	documented_all "$whole"
	documented inspect "$set" "$whole"
	documented inspect --all "$set" "$whole"
	documented diff --pages "$set" "$whole"
	documented remap --dry-run --hostname elsewhere "$whole"
	documented dedup --dry-run "$whole"
	documented audit --rules
	documented compat --checks
}

@test "json: members of what is broken are described, too" {
	cd "$BATS_TEST_TMPDIR"
	cp -r "$set" broken
	rm broken/fdinfo-1.img broken/mm-101.img
	truncate -s 50 broken/core-102.img
	documented_all broken
}

@test "json: so are those of every set and archive" {
	need_corpus
	need_containers
	local source
	for source in "$corpus"/a{1,3,5,9,13} "$containers"/{multi,tcp-established,rootfsdiff-ports}.tar.gz; do
		documented_all "$source"
	done
	documented remap --dry-run --ip 10.88.0.0/16=10.99.0.0/16 "$containers/tcp-established.tar.gz"
}

@test "json: docs/json.md has a section for every command with --format json" {
	local command
	for command in $("$crit" --rows | awk -F'\t' '$2 == "--format" { print $1 }'); do
		grep -qE "^## (.*, )?$command(,|\$)" "$BATS_TEST_DIRNAME/../../docs/json.md" ||
			{ echo "$command"; return 1; }
	done
}
