#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit x: tasks, descriptors, memory areas, stored pages.
bats_require_minimum_version 1.5.0
load crit

setup_file() { make_set; }

@test "x ps prints the tree" {
	run -0 "$crit" x "$set" ps
	[ "$output" = "$(printf '%s\n' \
		"    PID   PGID    SID   COMM" \
		"    100    100    100   alive" \
		"    101    100    100       child" \
		"    102    102    100       gone")" ]
}

@test "x fds prints descriptors, and zombies as such" {
	run -0 "$crit" x "$set" fds
	[ "${lines[0]}" = 100 ]
	[ "${lines[2]}" = "$(printf '\t      1: pipe[4711]')" ]
	[ "${lines[3]}" = "$(printf '\t      2: unix[8 (0) =00abstract]')" ]
	[ "${lines[4]}" = "$(printf '\t     10: EVENTFD.7')" ]
	[ "${lines[5]}" = "$(printf '\t    cwd: /srv/w\303\266rk')" ]
	[ "${lines[6]}" = "$(printf '\t   root: /')" ]
	[ "${lines[-2]}" = 102 ]
	[ "${lines[-1]}" = "$(printf '\tzombie')" ]
}

@test "x mems prints areas and what they map" {
	run -0 "$crit" x "$set" mems
	[ "${lines[1]}" = "$(printf '\t%-36s    /usr/bin/prog' exe)" ]
	[ "${lines[2]}" = "$(printf '\t%-36sr-x /usr/bin/prog + 0x1000' 00400000-00402000)" ]
	[[ ${lines[3]} == *' (s)' ]]
	[[ ${lines[4]} == *'rw- shmem[1]' ]]
	[[ ${lines[5]} == *'rw- [stack]' ]]
}

@test "x rss prints stored pages beside areas, both page counts" {
	run -0 "$crit" x "$set" rss
	[ "${lines[1]}" = "$(printf '\t400000 / 1              00400000 / 2        /usr/bin/prog')" ]
	[ "${lines[3]}" = "$(printf '\t401000 / 2              ~')" ]
}

@test "x reads archives" {
	tar -C "$set/.." -czf "$BATS_TEST_TMPDIR/c.tar.gz" set
	local what
	for what in ps fds mems rss; do
		"$crit" x "$set" $what | diff - <("$crit" x "$BATS_TEST_TMPDIR/c.tar.gz" $what)
	done
}

@test "x shows control characters instead of sending them" {
	mkdir "$BATS_TEST_TMPDIR/s"
	cp "$set"/* "$BATS_TEST_TMPDIR/s"
	"$crit" decode -i "$set/core-100.img" | sed 's/alive/\\u001b[2J/' |
		"$crit" encode -o "$BATS_TEST_TMPDIR/s/core-100.img"
	run -0 "$crit" x "$BATS_TEST_TMPDIR/s" ps
	[[ ${lines[1]} == *'\x1b[2J' ]]
}

@test "x with a wrong report is a usage error, an incomplete set a failure" {
	run -2 "$crit" x "$set" nope
	run -2 "$crit" x "$set"
	run -1 "$crit" x "$BATS_TEST_TMPDIR" ps
}
