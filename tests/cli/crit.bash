# SPDX-License-Identifier: MIT
# What the crit tests share: the program, and a small checkpoint made from tests/fixtures/set.

O=${O:-$PWD/build}
crit=$O/crit
fixtures=$BATS_TEST_DIRNAME/../fixtures/set

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
