#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit view on a real terminal (tmux): keys, sizes, signals, and what is left behind.

load ../cli/crit
load terminal

setup_file()
{
	make_set
}

@test "the tree is shown, keys move in it, q leaves the terminal as it was" {
	start 80 24 "$set"
	wait_for PROCESS
	keys j j
	wait_for "3/3"
	keys '?'
	wait_for "WHAT THEY DO"
	keys Escape
	wait_for "3/3"
	keys q
	wait_for ended=0
	# rmcup: the screen from before, and the modes of the terminal
	not_seen PROCESS
	seen | grep -qw echo
	seen | grep -qw icanon
}

@test "it follows the size of the terminal" {
	start 80 24 "$set"
	wait_for PROCESS
	tmux -S "$socket" resize-window -x 200 -y 50
	wait_for "find in memory"
	tmux -S "$socket" resize-window -x 40 -y 8
	wait_for "PROCESS"
	tmux -S "$socket" resize-window -x 300 -y 60
	wait_for "c command"
}

# The browser's own process: the one child of the shell in the pane.
browser_pid()
{
	pgrep -P "$(tmux -S "$socket" display-message -p '#{pane_pid}')" -x crit
}

@test "signals that end it leave the terminal as it was" {
	local signal
	for signal in TERM HUP INT QUIT SEGV ABRT; do
		start 80 24 "$set"
		wait_for PROCESS
		kill -"$signal" "$(browser_pid)"
		wait_for "ended="
		not_seen PROCESS
		seen | grep -q "ended=$((128 + $(kill -l "$signal")))"
		seen | grep -qw echo
		seen | grep -qw icanon
		tmux -S "$socket" kill-server
		sleep 0.2
	done
}

@test "no colours with NO_COLOR, in monochrome terminals and by the theme" {
	with NO_COLOR=1
	start 80 24 "$set"
	wait_for PROCESS
	if tmux -S "$socket" capture-pane -p -e | grep -qE $'\033\\[([0-9]+;)*([34][0-8]|9[0-7])(;|m)'; then
		return 1
	fi
	keys q
	wait_for ended=0
	tmux -S "$socket" kill-server
	socket+=2 # the old one is still going
	with TERM=vt100
	start 80 24 "$set"
	wait_for PROCESS
	keys q
	wait_for ended=0
}

@test "^Z gives the terminal back, fg draws the screen again" {
	tmux -S "$socket" -f /dev/null new-session -d -x 80 -y 24 "bash --norc --noprofile -i"
	keys "$(printf '%q ' "$crit" view "$set")" Enter
	wait_for PROCESS
	keys j
	wait_for 2/3
	keys C-z
	wait_for Stopped
	not_seen PROCESS
	keys "stty -a" Enter
	wait_for " icanon"
	keys fg Enter
	wait_for 2/3
	keys k
	wait_for 1/3
}

@test "a terminal that is not known is an error, not a mess" {
	with TERM=no-such-terminal
	start 120 24 "$set"
	wait_for "ended=1"
	wait_for "TERM=no-such-terminal"
	wait_for "TERM=xterm-256color"
}

@test "the command line goes to the clipboard" {
	start 120 24 "$set"
	wait_for PROCESS
	tmux -S "$socket" set -s set-clipboard on
	keys y
	wait_for "copied: crit inspect --ps-tree-cmd"
	[[ $(tmux -S "$socket" show-buffer) == "crit inspect --ps-tree-cmd"* ]]
}

@test "without UTF-8 lines are drawn in ASCII" {
	with LC_ALL=C
	start 80 24 "$set"
	wait_for PROCESS
	wait_for '`-'
}
