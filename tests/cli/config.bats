#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Configuration files of stasis.
bats_require_minimum_version 1.5.0

stasis=${O:-$PWD/build}/stasis

# What an option did shows in the log it names; the dump itself fails, as there is no such task.
setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	export HOME=$PWD
	unset CRIU_CONFIG_FILE
}

@test "config files: later ones win, the command line last" {
	mkdir .criu
	echo 'log-file home.log' >.criu/default.conf
	run -1 "$stasis" dump -t 999999999
	[ -s home.log ]
	echo 'log-file environment.log' >environment.conf
	CRIU_CONFIG_FILE=environment.conf run -1 "$stasis" dump -t 999999999
	[ -s environment.log ]
	printf '  # a comment\n\nlog-file "with blanks.log" # and one more\n' >given.conf
	CRIU_CONFIG_FILE=environment.conf run -1 "$stasis" dump -t 999999999 --config given.conf
	[ -s "with blanks.log" ]
	run -1 "$stasis" dump -t 999999999 --config=given.conf -o line.log
	[ -s line.log ]
}

@test "config files: --no-default-config leaves them alone" {
	mkdir .criu
	echo 'log-file home.log' >.criu/default.conf
	run -1 "$stasis" dump -t 999999999 --no-default-config
	[ ! -e home.log ]
}

@test "config files: those of another user's home are passed over" {
	[ "$(id -u)" = 0 ] || skip "needs another user"
	mkdir -m 700 .criu
	echo 'log-file home.log' >.criu/default.conf
	run -1 setpriv --reuid=65534 --regid=65534 --clear-groups "$stasis" check
	[[ $output == *"run it as root"* ]]
	run -1 setpriv --reuid=65534 --regid=65534 --clear-groups "$stasis" check --config .criu/default.conf
	[[ $output == *"default.conf: Permission denied"* ]]
}

@test "config files: mistakes are named by file and line" {
	printf 'leave-running\nbogus 3\n' >bad.conf
	run -1 "$stasis" dump -t 1 --config bad.conf
	[[ $output == *"bad.conf:2: unknown option bogus"* ]]
	run -1 "$stasis" dump -t 1 --config missing.conf
	[[ $output == *"missing.conf: No such file or directory"* ]]
}

@test "options of other commands are taken by all, as scripts pass them" {
	run -1 "$stasis" dump -t 999999999 --pidfile x --restore-detached
	[[ $output == *"no process 999999999 here"* ]]
	[ ! -e x ]
}
