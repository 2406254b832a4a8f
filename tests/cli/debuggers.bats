#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit core and crit stack beside gdb and eu-stack, on real image sets: all see the same.
# CORPUS says where the sets are, REDIS where the redis-check-rdb of a13 is (redis-server 7.0.15-1~deb12u10).
bats_require_minimum_version 1.5.0
load crit

setup()
{
	root=$BATS_TEST_TMPDIR/root
	need_corpus
	command -v gdb >/dev/null || skip "gdb is not installed"
	command -v eu-stack >/dev/null || skip "eu-stack is not installed"
	mkdir -p "$root/usr/lib" "$root/lib64"
	ln -s usr/lib "$root/lib"
	ln -s /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/lib64"
	unset DEBUGINFOD_URLS
}

# program SET: the set's own program into the root, built from its source
program()
{
	mkdir -p "$root/tmp/lab/fixtures/bin"
	gcc -O1 -w -pthread -o "$root/tmp/lab/fixtures/bin/$1" "$corpus/src/$1.c" || skip "no source of $1"
}

# modules SET PID [missing]: paths of mapped files, or of those that cannot be used
modules()
{
	"$crit" stack --sysroot "$root" -p "$2" --format json "$corpus/$1" | /usr/bin/python3 -c 'import json, sys
for m in json.load(sys.stdin)["processes"][0]["modules"]:
    if m["path"][0] == "/" and (len(sys.argv) == 1 or m["missing"]):
        print(m["path"])' "${@:3}"
}

# compare SET PID EXE
compare()
{
	local path missing
	modules "$1" "$2" | while read -r path; do
		[ -e "$root$path" ] || [ ! -e "$path" ] || cp -L --parents "$path" "$root"
	done
	missing=$(modules "$1" "$2" missing)
	[ -z "$missing" ] || skip "not as in the set: ${missing//$'\n'/, }"
	"$crit" core -p "$2" -o "$BATS_TEST_TMPDIR" "$corpus/$1"
	/usr/bin/python3 "$BATS_TEST_DIRNAME/debuggers.py" "$crit" "$corpus/$1" "$2" "$root" "$root$3" \
		"$BATS_TEST_TMPDIR/core.$2"
}

@test "debuggers see the threads of a2 as its images have them" {
	program a2
	compare a2 3401 /tmp/lab/fixtures/bin/a2
}

@test "debuggers see every process of the tree a3 as its images have it" {
	local pid nr=0
	program a3
	for pid in $("$crit" x "$corpus/a3" ps | awk '$1 ~ /^[0-9]+$/ { print $1 }'); do
		[ -e "$corpus/a3/mm-$pid.img" ] || continue
		compare a3 "$pid" /tmp/lab/fixtures/bin/a3
		nr=$((nr + 1))
	done
	[ $nr -ge 8 ]
}

@test "debuggers see redis of a13 as its images have it" {
	local redis=${REDIS:-/usr/bin/redis-check-rdb}
	[ -e "$redis" ] || skip "no redis-check-rdb at $redis (set REDIS)"
	mkdir -p "$root/usr/bin"
	cp -L "$redis" "$root/usr/bin/redis-check-rdb"
	compare a13 14601 /usr/bin/redis-check-rdb
}
