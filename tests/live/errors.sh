#!/bin/bash
# SPDX-License-Identifier: MIT
# Every refusal is one line, the last on stderr and in the log, that somebody can act on: which
# process, what of it, why, what to do. The refusals are rows of errors/dump.tsv and restore.tsv.
# Prints TAP. tests/live/errors.sh [WORD]…: only rows that begin with it
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
# Ports, pids and whatever is left over are its own.
[ -n "${APART:-}" ] || APART=1 exec unshare --net --pid --fork --kill-child --mount-proc -- \
	"$O/reaper" "tests/live/errors.sh" "$@"
ip link set lo up
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch errors) || exit 1
tables=$PWD/tests/live/errors n=0 why="" pid="" other=""
trap 'rm -rf "$top"' EXIT
wanted=" $* "

wants() { [ "$wanted" = "  " ] || [[ $wanted == *" $1 "* ]]; }

# launch COMMAND…: $pid, that of the process which says "ready PID"; 77 where it says it cannot
launch()
{
	local status
	: >out
	setsid "$@" </dev/null >out 2>said &
	pid=$!
	disown -a
	for _ in {1..2000}; do
		read -r _ status <out && [ -n "$status" ] && { pid=$status; return 0; }
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.01
	done
	why="not ready: $(cat said)"
	return 77
}
# becomes PROGRAM COMMAND…: a shell that says so and becomes that
becomes()
{
	local name=$1
	shift
	# shellcheck disable=SC2016 # that shell's
	launch bash -c 'echo "ready $$"; eval "$1"; exec </dev/null >/dev/null 2>&1; exec "$2" 1000' \
		bash "$*" "$name" || return
	until [ "$(cat "/proc/$pid/comm")" = "${name##*/}" ]; do sleep 0.01; done
}
until_sleeps() { until [ "$(cat "/proc/$1/comm")" = sleep ]; do sleep 0.01; done; }
end_all()
{
	local one
	for one in /proc/[0-9]*; do
		one=${one#/proc/}
		[ "$one" = 1 ] || [ "$one" = $$ ] || kill -KILL "$one" 2>/dev/null
	done
	wait 2>/dev/null
}

# one_line VERB: the same on stderr and in the log, $line
one_line()
{
	local logged
	line=$(tail -n 1 err)
	logged=$(tail -n 1 images/log)
	[ "$(grep -vc 'Warn:' err)" = 1 ] || { why="it says: $(cat err)"; return 1; }
	[[ $line == "stasis $1: "* ]] || { why="it says: $line"; return 1; }
	line=${line#"stasis $1: "}
	[ "${logged#*Error: }" = "$line" ] || { why="stderr has '$line', the log '$logged'"; return 1; }
}
# says PART…: one behind the other
says()
{
	local part rest=$line
	for part in "$@"; do
		[[ $rest == *"$part"* ]] || { why="no '$part' where it should be in: $line"; return 1; }
		rest=${rest#*"$part"}
	done
}
runs()
{
	kill -0 "$1" 2>/dev/null && ! grep -qE '^(State:.[tT]|TracerPid:.[1-9])' "/proc/$1"/task/*/status &&
		return 0
	why="the task does not run: $(grep -hE '^(State|TracerPid):' "/proc/$1"/task/*/status)"
	return 1
}

# refuse_dump STATE OBJECT REASON REMEDY
refuse_dump()
{
	launch "$O/refused" "$1" || return
	if timeout 30 "$O/stasis" dump -t "$pid" -D images -v4 -o log 2>err </dev/null; then
		why="it was dumped"
		return 1
	fi
	one_line dump && says "${@:2}" || return 1
	[[ $line =~ ^pid\ [0-9]+\ \([a-z]+\) ]] || { why="no process in: $line"; return 1; }
	[ ! -e images/inventory.img ] || { why="inventory.img is there"; return 1; }
	[ "$1" = traced ] || runs "$pid"
}

# What restore.tsv dumps.
sleeps() { becomes sleep :; }
job()
{
	# shellcheck disable=SC2016 # that shell's
	launch bash -c 'sleep 1000 & echo "ready $!"; exec >/dev/null 2>&1; wait' || return
	until_sleeps "$pid"
}
copied()
{
	cp /bin/sleep program
	chmod 755 program
	becomes "$PWD/program" :
}
placed()
{
	mkdir place
	becomes sleep cd place
}
opens()
{
	echo text >file
	becomes sleep "exec 5<>file"
}
opens_fifo()
{
	mkfifo fifo
	becomes sleep "exec 5<>fifo"
}
locks()
{
	echo text >file
	becomes sleep "exec 5<>file; flock 5"
}
has_thread() { launch "$O/refused" has-thread; }
links()
{
	echo text >file
	becomes sleep "exec 5<>file; ln file other; rm file"
}
# it is left outside of the dump
leaves()
{
	echo text >file
	becomes sleep "exec 5<>file" || return
	dump_options=(--external "file[$(awk '/^mnt_id/ { printf "%x", $2 }' "/proc/$pid/fdinfo/5"):$(
		stat -c %i file | xargs printf %x)]")
}
listens()
{
	ip address replace 10.9.8.7/32 dev lo
	launch "$O/refused" listens
}
listens_unix()
{
	mkdir place
	launch "$O/refused" listens-unix
}
datagrams()
{
	sysctl -qw net.unix.max_dgram_qlen=10
	launch "$O/refused" datagrams
}

# What happens meanwhile.
nothing() { :; }
take_pid() { take_id "$pid"; }
take_id_of_thread() { take_id "$tid"; }
take_id()
{
	echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
	sleep 1000 >/dev/null 2>&1 &
	other=$!
	until_sleeps "$other"
	[ "$other" = "$1" ]
}
take_port()
{
	local was=$pid
	launch "$O/refused" listens
	other=$pid pid=$was
}
take_lock()
{
	local was=$pid
	becomes sleep "exec 5<>file; flock 5"
	other=$pid pid=$was
}
lose() { rm "images/$1"; }
spoil() { echo nonsense >"images/$1"; }
cut() { truncate -s 100 "images/$1"; }
append() { printf x >>"$1"; }
replace_by_directory() { rm "$1" && mkdir "$1"; }

# refuse_restore PROGRAM OPTIONS MEANWHILE OPTIONS OBJECT REASON REMEDY
refuse_restore()
{
	local as=() dump_options=() options=() object=${5//PID/@} tids tid
	[ "$2" = - ] || dump_options=("$2")
	case $4 in
	-) ;;
	--without-rights) as=(setpriv "--bounding-set=-sys_admin,-checkpoint_restore") ;;
	*) options=("$4") ;;
	esac
	other=""
	"$1" || return
	tids=("/proc/$pid/task"/*)
	tid=${tids[-1]##*/}
	"$O/stasis" dump -t "$pid" -D images -v0 "${dump_options[@]}" 2>err </dev/null ||
		{ why="dump: $(cat err)"; return 1; }
	while kill -0 "$pid" 2>/dev/null; do sleep 0.01; done
	$3 || { why="not to be had: $3"; return 1; }
	if "${as[@]}" timeout 30 "$O/stasis" restore -d -D images -v4 -o log "${options[@]}" 2>err </dev/null; then
		why="it was restored"
		return 1
	fi
	one_line restore && says "${object//@/$pid}" "${@:6}" || return 1
	[ "$other" = "$pid" ] || ! kill -0 "$pid" 2>/dev/null || { why="it is there"; return 1; }
	[ -z "$other" ] || runs "$other"
}

# table VERB: a line of TAP for each row of it
table()
{
	local row status
	while IFS= read -r row; do
		[[ $row != \#* ]] || continue
		IFS=$'\t' read -ra cells <<<"$row"
		wants "${cells[0]}" || continue
		n=$((n + 1)) why=""
		mkdir "$top/$n" "$top/$n/images"
		chmod 777 "$top/$n"
		cd "$top/$n" || exit 1
		"refuse_$1" "${cells[@]}"
		status=$?
		end_all
		case $status in
		0) echo "ok $n $1: ${cells[0]}" ;;
		77) echo "ok $n $1: ${cells[0]} # SKIP $why" ;;
		*)
			echo "not ok $n $1: ${cells[0]}"
			echo "# $why"
			;;
		esac
	done <"$tables/$1.tsv"
}
table dump
table restore
echo "1..$n"
