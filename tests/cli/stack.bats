#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit stack: backtraces.
bats_require_minimum_version 1.5.0
load crit

setup()
{
	set=$BATS_TEST_TMPDIR/set root=$BATS_TEST_TMPDIR/root
	mkdir -p "$set" "$root"
}

# make_stack MACHINE [PATH SIZE BUILDID]
make_stack() { /usr/bin/python3 "$BATS_TEST_DIRNAME/stack_set.py" "$crit" "$1" "$set" "${@:2}"; }

# A program of three functions with unwind tables, and where to be in them (PCS).
make_program()
{
	mkdir -p "$root/usr/bin"
	cat >"$BATS_TEST_TMPDIR/prog.c" <<-'END'
		#define BODY __asm__ volatile(".rept 64\n nop\n .endr")
		__attribute__((noinline)) void inner(void) { BODY; }
		__attribute__((noinline)) void middle(void) { inner(); BODY; }
		void _start(void) { __asm__(".cfi_undefined rip"); middle(); BODY; }
	END
	(cd "$BATS_TEST_TMPDIR" && gcc -O0 -g -fno-omit-frame-pointer -fasynchronous-unwind-tables -static \
		-fcf-protection=none -nostdlib -Wl,-Ttext-segment=0x400000,-z,noseparate-code,--build-id=sha1 \
		-o "$root/usr/bin/prog" prog.c)
	size=$(stat -c %s "$root/usr/bin/prog")
	id=$(readelf -n "$root/usr/bin/prog" | sed -n 's/.*Build ID: //p')
	PCS=
	local function
	for function in inner middle _start; do
		PCS+=$(printf '%x ' $((0x$(nm "$root/usr/bin/prog" | sed -n "s/ T $function\$//p") - 0x400000 + 32)))
	done
	export PCS
}

on_x86() { [ "$(uname -m)" = x86_64 ] || skip "makes a program for x86-64"; }

@test "stack walks frame pointers where the program is not to be had, and says so" {
	make_stack X86_64 /usr/bin/prog 0 0123456789abcdef
	run -0 "$crit" stack --sysroot "$root" "$set"
	[[ $output == "pid 100 (first)"* ]]
	[[ $output == *"0x0000000000400010 (/usr/bin/prog+0x10, build id 0123456789abcdef)"$'\n'* ]]
	[[ $output == *"0x0000000000401010 (/usr/bin/prog+0x1010, build id 0123456789abcdef), by frame pointer"* ]]
	[[ $output == *"0x0000000000401110 "* ]]
	[[ $output == *"thread 103 (se\\x1bcond)"*"0x0000000000400050"*"0x0000000000401050"*"0x0000000000401150"* ]]
	[[ $output == *"cut short: who called it is not known without /usr/bin/prog"* ]]
	[[ $output == *"/usr/bin/prog: no such file"* ]]
	[[ $output == *"pid 101 (dead)"*"a zombie: it has no stack"* ]]
}

@test "stack knows other machines, and says which it does not" {
	make_stack AARCH64
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *0x0000000000400010*0x0000000000400030*0x0000000000401010*0x0000000000401110* ]]
	[[ $output != *"pid 101"* ]]
	make_stack I386
	run -0 "$crit" stack --sysroot "$root" "$set"
	[[ $output == *0x0000000000400010*0x0000000000401010*0x0000000000401110* ]]
	make_stack MIPS
	run -1 "$crit" stack --sysroot "$root" "$set"
	[[ $output == *"error: no backtraces of mips"* ]]
}

@test "stack names functions and lines from the file that was dumped" {
	on_x86
	make_program
	make_stack X86_64 /usr/bin/prog "$size" "$id"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *"0   0x0000000000400"*" inner+0x20 at "*"prog.c:2 (/usr/bin/prog)"* ]]
	[[ $output == *" middle+0x20 at "*"prog.c:3 (/usr/bin/prog)"* ]]
	[[ $output == *" _start+0x20 at "*"prog.c:4 (/usr/bin/prog)"*"thread 103"* ]]
	[[ ${output%%thread 103*} != *"cut short"* ]]
	[[ ${output%%thread 103*} != *"frame pointer"* ]]
}

@test "stack finds separate debug files by build id and by the name in the file" {
	on_x86
	make_program
	local debug=$root/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug
	mkdir -p "${debug%/*}"
	objcopy --only-keep-debug "$root/usr/bin/prog" "$debug"
	(cd "${debug%/*}" && cp "$debug" "$root/usr/bin/prog.debug" && cd "$root/usr/bin" &&
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog)
	rm "$root/usr/bin/prog.debug"
	size=$(stat -c %s "$root/usr/bin/prog")
	make_stack X86_64 /usr/bin/prog "$size" "$id"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *" inner+0x20 at "*"prog.c:2 "* ]]
	mv "$debug" "$root/usr/bin/prog.debug"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *" inner+0x20 at "*"prog.c:2 "* ]]
	# of another build: not used
	printf 'int x;' | gcc -shared -g -xc -Wl,--build-id=0xabcd -o "$root/usr/bin/prog.debug" -
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output != *prog.c* && $output == *"/usr/bin/prog+0x"* ]]
}

@test "stack reads the packed symbols of a stripped program" {
	on_x86
	make_program
	(cd "$BATS_TEST_TMPDIR" && objcopy --strip-debug "$root/usr/bin/prog" symbols &&
		/usr/bin/python3 -c 'import lzma; lzma.open("symbols.xz", "w").write(open("symbols", "rb").read())' &&
		objcopy --strip-all --add-section .gnu_debugdata=symbols.xz "$root/usr/bin/prog")
	make_stack X86_64 /usr/bin/prog "$(stat -c %s "$root/usr/bin/prog")" "$id"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *" inner+0x20 (/usr/bin/prog)"*" middle+0x20 (/usr/bin/prog)"* ]]
}

@test "stack does not use a file that is another one by now" {
	on_x86
	make_program
	make_stack X86_64 /usr/bin/prog "$size" 0123456789abcdef
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output != *inner* ]]
	[[ $output == *"/usr/bin/prog: another file: it had build id 0123456789abcdef, now $id"* ]]
	make_stack X86_64 /usr/bin/prog $((size + 1)) "$id"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *"another file: it had $((size + 1)) bytes, now $size"* ]]
	# links do not lead out of the sysroot
	mv "$root/usr/bin/prog" "$BATS_TEST_TMPDIR/prog"
	ln -s ../../../prog "$root/usr/bin/prog"
	make_stack X86_64 /usr/bin/prog "$size" "$id"
	run -0 "$crit" stack --sysroot "$root" -p 100 "$set"
	[[ $output == *"/usr/bin/prog: no such file"* ]]
}

@test "stack takes what an archive carries of the root file system" {
	on_x86
	make_program
	make_stack X86_64 /usr/bin/prog "$size" "$id"
	cd "$BATS_TEST_TMPDIR"
	mkdir -p export/checkpoint
	cp "$set"/* export/checkpoint
	tar -C "$root" -cf export/rootfs-diff.tar ./usr/bin/prog
	echo '{}' >export/config.dump
	for archive in x.tar x.tar.gz; do
		tar -C export -caf "$archive" .
		run -0 "$crit" stack --sysroot "$BATS_TEST_TMPDIR/set" -p 100 "$archive"
		[[ $output == *" inner+0x20 at "*"prog.c:2 (/usr/bin/prog)"* ]]
	done
	# another build there: said, and not used
	strip "$root/usr/bin/prog"
	truncate -s "$size" "$root/usr/bin/prog"
	objcopy --update-section .note.gnu.build-id=/dev/null "$root/usr/bin/prog" 2>/dev/null || true
	truncate -s "$size" "$root/usr/bin/prog"
	tar -C "$root" -cf export/rootfs-diff.tar usr/bin/prog
	tar -C export -cf x.tar .
	run -0 "$crit" stack --sysroot "$BATS_TEST_TMPDIR/set" -p 100 x.tar
	[[ $output != *inner* && $output == *"/usr/bin/prog: another file: it had build id $id"* ]]
	# broken
	head -c 700 export/rootfs-diff.tar >export/cut
	mv export/cut export/rootfs-diff.tar
	tar -C export -cf x.tar .
	run -0 "$crit" stack --sysroot "$BATS_TEST_TMPDIR/set" -p 100 x.tar
	[[ $output == *"/usr/bin/prog: "*rootfs-diff.tar* ]]
}

@test "stack never asks the network" {
	on_x86
	command -v strace >/dev/null || skip "strace is not installed"
	make_program
	strip "$root/usr/bin/prog"
	make_stack X86_64 /usr/bin/prog "$(stat -c %s "$root/usr/bin/prog")" "$id"
	DEBUGINFOD_URLS=http://127.0.0.1:9/ strace -f -qq -e trace=socket,connect -o "$BATS_TEST_TMPDIR/calls" \
		"$crit" stack --sysroot "$root" "$set"
	[ ! -s "$BATS_TEST_TMPDIR/calls" ]
}

@test "stack prints what it can of broken images" {
	make_stack X86_64
	head -c 30 "$set/core-103.img" >"$set/x" && mv "$set/x" "$set/core-103.img"
	run -1 "$crit" stack --sysroot "$root" "$set"
	[[ $output == *"0x0000000000401110"*"thread 103 (?)"*"error: core-103.img"*"pid 101"* ]]
	make_stack X86_64
	truncate -s 100 "$set/pages-1.img"
	run -1 "$crit" stack --sysroot "$root" "$set"
	[[ $output == *"0x0000000000400010"*"error: "*"pages-1.img"*"thread 103"*"error: "*"pages-1.img"*"pid 101"* ]]
	make_stack X86_64
	rm "$set/mm-100.img"
	run -1 "$crit" stack --sysroot "$root" "$set"
	[[ $output == "pid 100 (first)"*"error: "*mm-100.img*"pid 101"* ]]
}

@test "stack gives JSON with the same frames" {
	make_stack X86_64
	"$crit" stack --sysroot "$root" --format json "$set" | /usr/bin/python3 -c 'import json, sys
processes = json.load(sys.stdin)["processes"]
assert [p["pid"] for p in processes] == [100, 101], processes
first, second = processes[0]["threads"]
assert [f["pc"] for f in first["frames"]] == ["0x400010", "0x401010", "0x401110"], first
assert first["frames"][0]["exact"] and not first["frames"][0]["guessed"], first
assert first["frames"][1]["guessed"] and first["frames"][1]["module_offset"] == "0x1010", first
nothing = dict.fromkeys(["symbol", "symbol_offset", "file", "line"])
assert all(f.items() >= nothing.items() for f in first["frames"]), first
assert second["name"] == "se\x1bcond" and "cut" in second, second
assert processes[0]["modules"][0]["missing"] == "no such file", processes
assert processes[1]["zombie"] and "threads" not in processes[1], processes'
}

@test "stack refuses what it cannot open" {
	make_stack X86_64
	run -2 "$crit" stack
	run -2 "$crit" stack --format xml "$set"
	run -1 "$crit" stack -p 7 "$set"
	[[ $output == *"100"* ]]
	run -1 "$crit" stack --sysroot "$root/none" "$set"
	[[ $output == *"open $root/none"* ]]
}
