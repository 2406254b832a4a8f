#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit info: type and number of entries.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

@test "info prints type and count" {
	run -0 "$crit" info "$set/pstree.img"
	[ "$output" = "$(printf '{\n    "magic": "PSTREE",\n    "count": 3\n}')" ]
}

@test "info does not count a page map's head" {
	run -0 "$crit" info "$set/pagemap-100.img"
	[[ $output == *'"count": 2'* ]]
}

@test "info counts entries, not payloads" {
	run -0 "$crit" info "$set/pipes-data.img"
	[[ $output == *'"count": 1'* ]]
	run -0 "$crit" info "$set/ghost-file-1f.img"
	[[ $output == *'"count": 2'* ]]
}

@test "info of a raw image prints its bytes" {
	run -0 "$crit" info "$set/pages-1.img"
	[[ $output == *'"magic": "PAGES"'*'"bytes": 12288'* ]]
}
