#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs on terminals: a job of a shell that goes on in another terminal (--shell-job), a terminal
# handed over by name (--external, --inherit-fd), a tmux server with its shells, script(1),
# expect(1). Each is restored, restored again, and used. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/terminals.sh" "$@"
command -v tmux >/dev/null || { echo "1..0 # SKIP no tmux"; exit 0; }
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch terminals) || exit 1
stasis=$O/stasis
only=${1:-} reason="" pid=""
unset TMUX
export TERM=xterm SHELL=/bin/sh

# seat: the tmux that stands for whoever sits in front of a terminal
seat() { tmux -S "$top/seat" -f /dev/null "$@"; }
# job: the tmux that is dumped
job() { tmux -S "$top/job" -f /dev/null "$@"; }

finish()
{
	seat kill-server 2>/dev/null
	job kill-server 2>/dev/null
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

shows() { "$1" capture-pane -p -t "$2" | grep -qF -- "$3"; }

# dump DIR ARGUMENT…, restore DIR ARGUMENT…
dump()
{
	local dir=$1
	shift
	mkdir -p "$dir"
	timeout 30 "$stasis" dump -D "$dir" -v4 -o dump.log "$@" 2>"$top/err" </dev/null ||
		{ reason="dump: $(tail -n 1 "$top/err")"; return 1; }
	until_true gone "$pid"
}
restore()
{
	local dir=$1
	shift
	timeout 30 "$stasis" restore -d -D "$dir" -v4 -o restore.log "$@" 2>"$top/err" </dev/null ||
		{ reason="restore: $(tail -n 1 "$top/err")"; return 1; }
}

# A job of a shell, typed at; it ends when it reads "end".
# shellcheck disable=SC2016 # the job expands it
reader='while read -r line; do echo "got $line"; [ "$line" = end ] && exit; done'

start_reader()
{
	rm -f "$top/pid"
	seat new-session -d -x 80 -y 24 -s "$1" "exec /bin/sh" || return 1
	seat send-keys -t "$1" "sh -c 'echo \$\$ >$top/pid; $reader'" Enter
	until_true test -s "$top/pid" || return 1
	pid=$(cat "$top/pid")
	seat send-keys -t "$1" "one" Enter
	until_true shows seat "$1" "got one"
}

shell_job()
{
	start_reader first || return 1
	seat send-keys -t first "ha"
	dump "$top/j1" -t "$pid" -j || return 1
	seat new-session -d -x 100 -y 30 -s second "exec /bin/sh" || return 1
	seat send-keys -t second "$stasis restore -D $top/j1 -j" Enter
	until_true kill -0 "$pid" || return 1
	until_true in_foreground || return 1
	seat send-keys -t second "two" Enter
	until_true shows seat second "got two" || return 1
	seat send-keys -t second -l "end"
	seat send-keys -t second Enter
	until_true gone "$pid" && until_true shows seat second "got end"
}

# Keys reach it: its group is that of the foreground.
in_foreground()
{
	local stat
	read -r stat <"/proc/$pid/stat" || return 1
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	[ "$3" = "$6" ]
}

shell_job_without_terminal()
{
	start_reader third || return 1
	dump "$top/j2" -t "$pid" -j || return 1
	if restore "$top/j2" -j; then
		reason="it was restored without a terminal"
		return 1
	fi
	[[ $reason == *"standard input is none"* ]] || return 1
	if restore "$top/j2"; then
		reason="it was restored without --shell-job"
		return 1
	fi
	[[ $reason == *"--shell-job"* ]] && reason=""
}

external()
{
	local name tty
	start_reader fourth || return 1
	if dump "$top/e0" -t "$pid"; then
		reason="the dump did not refuse a terminal from outside"
		return 1
	fi
	rm "$top/pid"
	setsid sh -c "echo \$\$ >$top/pid; $reader" <"/proc/$pid/fd/0" >"/proc/$pid/fd/1" 2>&1 &
	until_true test -s "$top/pid" || return 1
	kill -KILL "$pid"
	pid=$(cat "$top/pid")
	tty=$(readlink "/proc/$pid/fd/0")
	name="tty[$(stat -c %t%02T "$tty"):$(printf %x "$(stat -c %d "$tty")")]"
	dump "$top/e1" -t "$pid" --external "$name" || return 1
	seat new-session -d -x 90 -y 20 -s fifth "exec sleep 1000" || return 1
	if restore "$top/e1"; then
		reason="it was restored without its external terminal"
		return 1
	fi
	[[ $reason == *"--inherit-fd 'fd[N]:$name'"* ]] || return 1
	tty=$(seat display-message -p -t fifth '#{pane_tty}')
	restore "$top/e1" --inherit-fd "fd[7]:$name" 7<>"$tty" || return 1
	seat send-keys -t fifth "five" Enter
	until_true shows seat fifth "got five"
}

# A server and two shells in it: used, dumped, restored, twice; a window made by what was restored.
tmux_server()
{
	local round
	job new-session -d -x 80 -y 24 -s a "exec /bin/sh" || return 1
	job set-option -g exit-empty off
	job new-window -t a "exec /bin/sh"
	pid=$(job display-message -p '#{pid}')
	job send-keys -t a:0 "x=first; cd /tmp" Enter
	job send-keys -t a:1 "x=second" Enter
	for round in 1 2; do
		job send-keys -t a:0 "echo half"
		until_true shows job a:0 "half" || return 1
		dump "$top/t$round" -t "$pid" || return 1
		restore "$top/t$round" || return 1
		job send-keys -t a:0 -- "-\$x-$round" Enter
		job send-keys -t a:1 "sleep 100" Enter
		until_true runs_sleep a:1 || return 1
		job send-keys -t a:1 "C-c" Enter
		job send-keys -t a:1 "echo \"\$x-\$PWD-$round\"" Enter
		until_true shows job a:0 "half-first-$round" || return 1
		until_true shows job a:1 "second-$PWD-$round" || return 1
		job resize-window -t a:1 -x "$((60 + round))" -y 20
		until_true has_size a:1 "20 $((60 + round))" || return 1
		job new-window -t a "echo new-$round; exec sleep 1000" || return 1
		until_true shows job "a:$((1 + round))" "new-$round" || return 1
	done
	job kill-server
}

runs_sleep() { [ "$(job display-message -p -t "$1" '#{pane_current_command}')" = sleep ]; }

# tmux tells the terminal a little later than it says.
has_size()
{
	job send-keys -t "$1" "stty size" Enter
	sleep 0.1
	shows job "$1" "$2"
}

# What script(1) records goes on being recorded.
script_records()
{
	command -v script >/dev/null || return 77
	rm -f "$top/pid"
	mkfifo "$top/keys"
	setsid sh -c "echo \$\$ >$top/pid; exec script -q -f -c /bin/sh $top/record" <>"$top/keys" \
		>/dev/null 2>&1 &
	until_true test -s "$top/pid" || return 1
	pid=$(cat "$top/pid")
	echo 'y=kept' >"$top/keys"
	until_true grep -q kept "$top/record" || return 1
	dump "$top/s1" -t "$pid" || return 1
	restore "$top/s1" || return 1
	# shellcheck disable=SC2016
	echo 'echo "<$y>"' >"$top/keys"
	until_true grep -q '<kept>' "$top/record" || return 1
	echo 'exit' >"$top/keys"
	until_true gone "$pid"
}

expect_waits()
{
	command -v expect >/dev/null || return 77
	cat >"$top/talk.exp" <<-END
		set f [open $top/pid w]; puts \$f [pid]; close \$f
		spawn -noecho sh -c {echo ready; read -r a; echo "heard \$a"; read -r b; echo "and \$b"}
		expect ready
		send "one\r"
		expect "heard one"
		set f [open $top/talk w]; puts \$f waiting; close \$f
		while {![file exists $top/goon]} { after 20 }
		send "two\r"
		expect "and two"
		set f [open $top/talk w]; puts \$f finished; close \$f
		expect eof
	END
	setsid expect "$top/talk.exp" </dev/null >"$top/talk.out" 2>&1 &
	until_true grep -q waiting "$top/talk" || return 1
	pid=$(cat "$top/pid")
	dump "$top/x1" -t "$pid" || return 1
	restore "$top/x1" || return 1
	touch "$top/goon"
	until_true grep -q finished "$top/talk" && until_true gone "$pid"
}

run_tests shell_job shell_job_without_terminal external tmux_server script_records expect_waits
