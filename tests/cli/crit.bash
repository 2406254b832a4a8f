# SPDX-License-Identifier: MIT
# What the crit tests share: the program, and a small checkpoint made from tests/fixtures/set.

O=${O:-$PWD/build}
crit=$O/crit
fixtures=$BATS_TEST_DIRNAME/../fixtures/set
# From outside, see tests/run.
export corpus=${CORPUS:-} containers=${CONTAINERS:-}

need_corpus() { [ -n "$corpus" ] || skip "no sets of images to look at (CORPUS=DIR)"; }
need_containers() { [ -n "$containers" ] || skip "no exported containers to look at (CONTAINERS=DIR)"; }

# Once per file: every fixture encoded into $set.
make_set()
{
	export set=$BATS_FILE_TMPDIR/set
	mkdir -p "$set"
	local json
	for json in "$fixtures"/*.json; do
		"$crit" encode -i "$json" -o "$set/$(basename "$json" .json)" || return 1
	done
}

# Equal as JSON values, whatever the layout.
same_json()
{
	/usr/bin/python3 -c 'import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:3])
sys.exit(a != b)' "$1" "$2"
}
