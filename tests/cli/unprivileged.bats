#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A user who has CAP_CHECKPOINT_RESTORE and nothing else dumps and restores processes of its own.
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "giving a capability away needs root"
	dir=$(mktemp -d /tmp/stasis-unprivileged.XXXXXX) # bats' own folders are root's alone
	stasis=$dir/stasis
	cp "${O:-$BATS_TEST_DIRNAME/../../build}/stasis" "$stasis"
	chmod 755 "$stasis"
	export HOME=$dir
	cd "$dir" || return 1
	mkdir img
	chmod 777 . img
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	local alone="-all,+checkpoint_restore"
	cap=("${as[@]}" --inh-caps="$alone" --ambient-caps="$alone" --bounding-set="$alone")
	"${cap[@]}" true 2>/dev/null || skip "this setpriv knows no CAP_CHECKPOINT_RESTORE"
}

teardown()
{
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

start()
{
	"$@" setsid /usr/bin/python3 -c '
import threading, time
log = open("log", "a", buffering=1)
def count():
    for i in range(1000000):
        log.write("%d\n" % i)
        time.sleep(0.01)
for i in range(3):
    threading.Thread(target=count).start()' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	until [ -s log ]; do sleep 0.02; done
	pid=$(pgrep -n -f 'log = open')
}

@test "unprivileged: a process of several threads is dumped, restored, dumped again" {
	start "${as[@]}"
	"${cap[@]}" "$stasis" dump -t "$pid" -D img -v0 --unprivileged
	local before
	before=$(wc -l <log)
	"${cap[@]}" "$stasis" restore -d -D img -v0 --unprivileged
	[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" = 4 ]
	until [ "$(wc -l <log)" -gt "$before" ]; do sleep 0.02; done
	mkdir img2
	chmod 777 img2
	"${cap[@]}" "$stasis" dump -t "$pid" -D img2 -v0 -R
	kill -0 "$pid"
}

@test "unprivileged: whether capabilities are kept (PR_SET_KEEPCAPS) is the process's own affair" {
	"${as[@]}" setsid /usr/bin/python3 -c '
import ctypes, time
prctl = ctypes.CDLL(None).prctl
prctl(8, 1, 0, 0, 0)
log = open("log", "a", buffering=1)
while True:
    log.write("keep %d\n" % prctl(7, 0, 0, 0, 0))
    time.sleep(0.01)' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	until [ -s log ]; do sleep 0.02; done
	"${cap[@]}" "$stasis" dump -t "$pid" -D img -v0
	: >log
	"${cap[@]}" "$stasis" restore -d -D img -v0
	until [ -s log ]; do sleep 0.02; done
	[ "$(head -n 1 log)" = "keep 1" ]
}

@test "unprivileged: a process of somebody else is refused, and runs on" {
	start env
	run -1 "${cap[@]}" "$stasis" dump -t "$pid" -D img -v0
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$pid"* ]]
	[ ! -e img/inventory.img ]
	kill -0 "$pid"
}

@test "--skip-file-rwx-check: a file may have other rights" {
	start env
	"$stasis" dump -t "$pid" -D img -v0
	chmod 600 log
	run -1 "$stasis" restore -d -D img -v0
	[[ $output == *'log: mode is 0100600, was 0100644'*'--skip-file-rwx-check'* ]]
	"$stasis" restore -d -D img -v0 --skip-file-rwx-check
}
