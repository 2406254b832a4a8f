#!/bin/bash
# SPDX-License-Identifier: MIT
# Files, and a current directory, of a tree that shares the mounts of the host, hidden by what was mounted
# over them. In a copy of the mounts that ends with it. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ "${1:-}" = alone ] || exec unshare --mount "$O/reaper" tests/live/covered.sh alone
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(mktemp -d) && mount -t tmpfs none "$top" && mkdir "$top/images" "$top/under" || exit 1
pid="" reason=""
finish()
{
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	cd / && umount -l "$top" && rmdir "$top"
}
trap finish EXIT

# Reads on where it was, and by a relative name, once it is told.
# shellcheck disable=SC2016
reader='top=$1; cd "$top/under" && exec 7<file && read -r _ <&7 && touch "$top/ready"
	for round in 1 2; do
		until [ -e "$top/go$round" ]; do sleep 0.02; done
		read -r line <&7; echo "$line" "$(stat -c %i file)" >"$top/out.new"; mv "$top/out.new" "$top/out$round"
	done
	sleep 1000'

start()
{
	printf 'first\nsecond\nthird\n' >"$top/under/file"
	setsid bash -c "$reader" reader "$top" </dev/null >/dev/null 2>&1 &
	pid=$!
	until_true [ -e "$top/ready" ] || return 1
	inode=$(stat -c %i "$top/under/file")
	mount -t tmpfs over "$top/under" && [ ! -e "$top/under/file" ]
}

dump_it()
{
	rm -rf "$top/images" && mkdir "$top/images"
	timeout 30 "$O/stasis" dump -t "$pid" -D "$top/images" 2>"$top/err" || { reason=$(tail -n 1 "$top/err") && return 1; }
	until_true gone "$pid"
}

# again ROUND: dump, restore, and let it read
again()
{
	dump_it || return 1
	timeout 30 "$O/stasis" restore -d -D "$top/images" 2>"$top/err" || { reason=$(tail -n 1 "$top/err") && return 1; }
	touch "$top/go$1"
	until_true [ -e "$top/out$1" ]
}

covered_files_are_found_below() { start && again 1 && [ "$(cat "$top/out1")" = "second $inode" ]; }
covered_files_are_found_below_again() { again 2 && [ "$(cat "$top/out2")" = "third $inode" ]; }
covered_mount_that_is_gone_is_named()
{
	dump_it || return 1
	mount --move "$top" /mnt || { reason="it cannot be moved away" && return 1; }
	timeout 30 "$O/stasis" restore -d -D /mnt/images 2>/mnt/err
	local status=$?
	mount --move /mnt "$top"
	reason=$(tail -n 1 "$top/err")
	[ $status = 1 ] && [[ $reason == *"$top/under"*", on the mount of $top and below another one"* ]]
}

run_tests covered_files_are_found_below covered_files_are_found_below_again covered_mount_that_is_gone_is_named
