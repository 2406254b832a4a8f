#!/bin/bash
# SPDX-License-Identifier: MIT
# Real programs, each with something half done while it is dumped: it has to go on exactly where it
# was, and what was restored has to be dumped and restored once more. A file each in programs/:
#   needs=COMMANDS     skipped where one of them is not installed
#   options=(…)        for both dump and restore
#   start              starts it by `launch`, which sets $pid, and waits until it works
#   begin ROUND        leaves something half done, before each dump
#   complete ROUND     goes on with it after the restore, and checks
# `tools/deps programs` installs the small ones. Prints TAP. tests/live/programs.sh [NAME]…; KEEP=1 keeps the folders of what failed.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
# Ports, pids and whatever goes wrong are its own.
[ -n "${APART:-}" ] || APART=1 exec unshare --net --pid --fork --kill-child --mount-proc -- \
	"$O/reaper" "tests/live/programs.sh" "$@"
ip link set lo up
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch programs) || exit 1
chmod 755 "$top"
kept="" n=0
trap '[ -n "$kept" ] || rm -rf "$top"' EXIT

# fail WHY
fail()
{
	echo "# $*" >&2
	return 1
}
has_line() { grep -qxF -- "$2" "$1"; }
equal() { [ "$1" = "$2" ] || fail "it is '$1', not '$2'"; }

# launch COMMAND…: as a daemon would run, $pid
launch()
{
	setsid "$@" </dev/null >>"$dir/out" 2>&1 &
	pid=$!
	disown "$pid"
}
# launch_fed COMMAND…: the same, and it reads what `feed` says
launch_fed()
{
	mkfifo "$dir/input"
	setsid "$@" <>"$dir/input" >>"$dir/out" 2>&1 &
	pid=$!
	disown "$pid"
}
feed() { feed_to "$dir/input" "$*"; }
# feed_to FIFO TEXT: not waiting for a reader that is gone
# shellcheck disable=SC2016 # the inner shell's
feed_to() { timeout 20 sh -c 'printf "%s\n" "$2" >"$1"' sh "$@"; }

# A client of a TCP server here, that stays: connect PORT, say TEXT (with \r\n as printf has them), hear LINE
listens() { (exec 4<>"/dev/tcp/127.0.0.1/$1"); }
connect() { until_true listens "$1" && exec 4<>"/dev/tcp/127.0.0.1/$1"; }
# shellcheck disable=SC2059 # a format is what it takes
say() { printf "$@" >&4; }
hear()
{
	local line wanted
	for wanted in "$@"; do
		IFS= read -r -t 20 line <&4 || { fail "no answer, but '$wanted' was expected"; return 1; }
		equal "${line%$'\r'}" "$wanted" || return 1
	done
}

# engine VERB DIR ARGUMENT…
engine()
{
	local verb=$1 images=$2
	shift 2
	timeout 60 "$O/stasis" "$verb" -D "$images" -v4 -o "$verb.log" "${options[@]}" "$@" 2>"$dir/err" </dev/null ||
		fail "$verb: $(cat "$dir/err")"
}
dump_and_restore()
{
	mkdir "$dir/$1"
	engine dump "$dir/$1" -t "$pid" && until_true gone "$pid" && engine restore "$dir/$1" -d
}

# cycle FILE: in a subshell of its own; 77 where it cannot be
cycle()
{
	local round needs="" options=() reason=""
	# shellcheck source=/dev/null
	source "$1"
	for round in $needs; do
		command -v "$round" >/dev/null || { echo "no $round here" >"$dir/skip"; return 77; }
	done
	start || fail "it does not start${reason:+: $reason}" || return
	for round in 1 2; do
		if ! { begin "$round" && dump_and_restore "$round" && complete "$round"; }; then
			fail "in round $round${reason:+: $reason}"
			return 1
		fi
	done
}

# end_all: what is left of a program, restored or not
end_all()
{
	local one
	for one in /proc/[0-9]*; do
		one=${one#/proc/}
		[ "$one" = 1 ] || [ "$one" = $$ ] || [ "$one" = "$BASHPID" ] || kill -KILL "$one" 2>/dev/null
	done
}

for file in tests/live/programs/*.sh; do
	name=$(basename "$file" .sh)
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	n=$((n + 1)) dir=$top/$name
	mkdir "$dir"
	chmod 777 "$dir"
	(cycle "$PWD/$file") 2>"$dir/why"
	case $? in
	0) echo "ok $n $name" ;;
	77) echo "ok $n $name # SKIP $(cat "$dir/skip")" ;;
	*)
		echo "not ok $n $name"
		grep '^#' "$dir/why"
		tail -n 5 "$dir/out" 2>/dev/null | sed 's/^/# out: /'
		[ -z "${KEEP:-}" ] || { kept=1; echo "# kept $dir"; }
		;;
	esac
	end_all
done
echo "1..$n"
