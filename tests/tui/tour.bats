#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Real sets in the real program on a terminal (tmux): tree, every tab, help, search in bytes, what
# differs, writing to a file, sizes.

load ../cli/crit
load terminal

podman=$containers

need()
{
	[ -e "$1" ] || skip "no $1 (set CORPUS, CONTAINERS)"
	cd "$(dirname "$1")" || return 1
}

# tabs WORD…: the tabs 1, 2, 3 … show their words
tabs()
{
	local number=0 word
	for word in "$@"; do
		number=$((number + 1))
		keys "$number"
		wait_for "$word"
	done
}

# tour SET NAME: from the tree into a process (NAME is in the tree) and its bytes, and back
tour()
{
	local set=$1 name=$2
	rm -f "$BATS_TEST_TMPDIR/bytes"
	start 120 30 "$set"
	wait_for "PROCESS"
	wait_for "$name"
	keys '?'
	wait_for "WHAT THEY DO"
	keys q
	tabs PROCESS "Checkpoint: $set" TARGET PROTO Mounts FILE SEVERITY
	keys 1
	wait_for PROCESS
	keys Enter
	tabs "Process " START TARGET PROTO "Program and directories" Arguments Registers "- pid " core-
	keys 2
	wait_for START
	keys Enter
	wait_for "memory of"
	keys / Tab Tab Tab # hex
	wait_for hex
	keys '7f 45 4c 46' Enter
	wait_for .ELF
	keys v j w C-u "$BATS_TEST_TMPDIR/bytes" Enter
	wait_for "bytes written to"
	[ "$(head -c 4 "$BATS_TEST_TMPDIR/bytes" | od -An -tx1)" = " 7f 45 4c 46" ]
	tmux -S "$socket" resize-window -x 60 -y 12
	wait_for "bytes written to" 12
	tmux -S "$socket" resize-window -x 200 -y 50
	wait_for .ELF.............. # more bytes in a row
	keys q q q
	wait_for ended=0
}

@test "a3: many kinds of descriptors and a tree" {
	need "$corpus/a3"
	tour a3 sess-leader
}

@test "a4: TCP" {
	need "$corpus/a4"
	tour a4 a4
}

@test "a6: namespaces" {
	need "$corpus/a6"
	tour a6 nsinit
}

@test "a13: threads and timers" {
	need "$corpus/a13"
	tour a13 a13
}

@test "an archive of podman" {
	need "$podman/multi.tar.gz"
	tour multi.tar.gz counter
}

@test "what differs, down to the bytes" {
	need "$corpus/a3"
	cp -r a3 "$BATS_TEST_TMPDIR/b"
	ln -s "$PWD/a3" "$BATS_TEST_TMPDIR/a"
	cd "$BATS_TEST_TMPDIR"
	printf 'CHANGED' | dd of=b/pages-1.img bs=1 seek=100 conv=notrunc status=none
	start 120 30 a --diff b
	wait_for "A → B"
	wait_for pages
	keys Right Right Right Right # the row is long
	wait_for 4348414e
	keys Enter
	wait_for "memory of 4101 in A"
	keys x
	wait_for "memory of 4101 in B"
	wait_for CHANGED
	keys q q q
	wait_for ended=0
}

@test "the mouse: rows, tabs, the wheel" {
	need "$corpus/a3"
	start 120 30 a3
	wait_for sess-leader
	mouse 0 5 6 # the third row
	wait_for " 3/14"
	mouse 65 5 6
	wait_for " 6/14"
	mouse 64 5 6
	wait_for " 3/14"
	mouse 0 5 6 # a second click opens it
	wait_for "Process 4105"
	mouse 0 15 2
	wait_for START
	mouse 0 15 2
	keys j j j Enter
	wait_for "memory of"
	mouse 0 24 4 # the fourth byte of the second row
	wait_for 556e2bcc3013
	mouse 0 67 3 # the first row as text
	wait_for 556e2bcc3002
}
