#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A program that uses libcriu, as a distribution has it, with stasis as its criu.
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "dumping needs root"
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir images
	ln -s "${O:-$BATS_TEST_DIRNAME/../../build}/stasis" criu
	echo '#include <criu/criu.h>' | cc -E - >/dev/null 2>&1 ||
		skip "needs criu/criu.h and libcriu (Debian: criu, or libcriu-dev)"
	cc -D_GNU_SOURCE -o client "$BATS_TEST_DIRNAME/../libcriu-client.c" -lcriu
}

@test "libcriu: version, check, notifications, dump, restore" {
	run -0 timeout 60 ./client "$PWD/criu" images 3>&- 4>&-
	[ "$output" = "version: 40200
check: 0
told of pre-dump
dump of nobody: -52, No such process
told of pre-dump
told of post-dump
dump: 0
told of pre-restore
told of post-restore
told of pre-resume
told of post-resume
restored under the same pid: 1
exit status: 7" ]
}
