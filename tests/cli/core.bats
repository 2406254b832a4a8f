#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit core: ELF core files.
bats_require_minimum_version 1.5.0
load crit

# The fixtures have no registers: give them some, counting up.
setup_file()
{
	make_set
	rm "$set"/ghost-file-*.img # no file had this name
	local pid
	for pid in 100 101 103; do
		"$crit" decode -i "$set/core-$pid.img" | /usr/bin/python3 -c 'import json, sys
doc = json.load(sys.stdin)
names = "r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss fs_base gs_base ds es fs gs"
doc["entries"][0]["thread_info"] = {"clear_tid_addr": 0,
    "gpregs": {name: i + 1 for i, name in enumerate(names.split())},
    "fpregs": {name: 0 for name in "cwd swd twd fop rip rdp mxcsr mxcsr_mask".split()}}
json.dump(doc, sys.stdout)' | "$crit" encode -o "$set/core-$pid.img" || return 1
	done
}

setup() { cores=$BATS_TEST_TMPDIR/cores; }

# field FILE OFFSET BYTES: a little-endian number
field() { od -An -v -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '; }

@test "core writes one process, or all but zombies, and says so" {
	run -0 "$crit" core -p 100 -o "$cores" "$set"
	[[ $output =~ "core.100: 2 threads, "[0-9]+" segments" ]]
	rm -r "$cores"
	run -0 "$crit" core --all -o "$cores" "$set"
	[[ $output == *"pid 102 is a zombie"* ]]
	[[ $output == *"core.101: 1 thread, "* ]]
	[ -s "$cores/core.100" ]
	[ -s "$cores/core.101" ]
	[ ! -e "$cores/core.102" ]
	run -1 "$crit" core -p 102 -o "$BATS_TEST_TMPDIR/none" "$set"
	[ "$output" = "crit core: pid 102 is a zombie: it has no memory, no core" ]
	[ ! -e "$BATS_TEST_TMPDIR/none" ]
	run -2 "$crit" core -p 100 --all "$set"
	[[ $output == *"say one of them"* ]]
	run -2 "$crit" core "$set"
	[[ $output == *"whose? Say -p PID or --all"* ]]
}

@test "core is an ELF core of the right machine and length" {
	"$crit" core -p 100 -o "$cores" "$set"
	[ "$(head -c 4 "$cores/core.100")" = "$(printf '\x7fELF')" ]
	[ "$(field "$cores/core.100" 16 2)" = 4 ]  # ET_CORE
	[ "$(field "$cores/core.100" 18 2)" = 62 ] # EM_X86_64
	local nr last
	nr=$(field "$cores/core.100" 56 2)
	last=$((64 + (nr - 1) * 56))
	local offset size
	offset=$(field "$cores/core.100" $((last + 8)) 8)
	size=$(field "$cores/core.100" $((last + 32)) 8)
	[ $((offset + size)) = "$(stat -c %s "$cores/core.100")" ]
}

@test "core holds the memory of the process at the address of its segment" {
	cp -r "$set" "$BATS_TEST_TMPDIR/mem"
	truncate -s 12288 "$BATS_TEST_TMPDIR/mem/pages-1.img"
	printf 'here it is' | dd of="$BATS_TEST_TMPDIR/mem/pages-1.img" bs=1 seek=5000 conv=notrunc status=none
	"$crit" core -p 100 -o "$cores" "$BATS_TEST_TMPDIR/mem"
	# the first PT_LOAD, behind the notes
	[ "$(field "$cores/core.100" $((64 + 56 + 16)) 8)" = $((0x400000)) ]
	local offset
	offset=$(field "$cores/core.100" $((64 + 56 + 8)) 8)
	[ "$(tail -c +$((offset + 5001)) "$cores/core.100" | head -c 10)" = "here it is" ]
}

@test "core --all goes on past a process whose images are broken" {
	cp -r "$set" "$BATS_TEST_TMPDIR/broken"
	truncate -s 20 "$BATS_TEST_TMPDIR/broken/mm-100.img"
	run -1 "$crit" core --all -o "$cores" "$BATS_TEST_TMPDIR/broken"
	[[ $output == *"mm-100.img"*"processes without a core, for what is said above: 1"* ]]
	[ ! -e "$cores/core.100" ]
	[ -s "$cores/core.101" ]
}

@test "core says whose is missing, and leaves nothing half-written" {
	run -2 "$crit" core "$set"
	[[ $output == *"-p PID or --all"* ]]
	run -1 "$crit" core -p 7 -o "$cores" "$set"
	cp -r "$set" "$BATS_TEST_TMPDIR/cut"
	truncate -s 10 "$BATS_TEST_TMPDIR/cut/pages-1.img"
	run -1 "$crit" core -p 100 -o "$cores" "$BATS_TEST_TMPDIR/cut"
	[[ $output == *pages-1.img* ]]
	[ -z "$(ls -A "$cores")" ]
	run -1 "$crit" core -p 100 -o /dev/null/x "$set"
	[[ $output == *"/dev/null/x"* ]]
}

@test "core of a page image with a large hole is done at once, and has the hole" {
	holed_set
	local src
	for src in "${holed[@]}"; do
		run -0 timeout 20 "$crit" core -p 100 -o "$cores" "$src"
		[ "$(stat -c %s "$cores/core.100")" -gt 1099511627776 ]
		[ "$(stat -c %b "$cores/core.100")" -lt 16384 ]
		rm "$cores/core.100"
	done
}
