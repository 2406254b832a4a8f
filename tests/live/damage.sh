#!/bin/bash
# SPDX-License-Identifier: MIT
# What goes wrong is one line and status 1: dumps that cannot be written leave the task as it was
# and no image behind; restores of damaged sets leave no task. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/damage.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
dir=$(scratch damage) || exit 1
stasis=$O/stasis crit=$O/crit
n=0 pid=""

finish()
{
	[ "$BASHPID" = $$ ] || return # one that was killed before it became the program
	umount "$dir/small" 2>/dev/null
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

verdict() # verdict NAME REASON: no reason, no failure
{
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		echo "# $2"
	fi
}

state_of()
{
	awk '{ print $1, $2, $6 }' "/proc/$1/maps" && ls "/proc/$1/fd" &&
		grep -hE '^(TracerPid|SigBlk)' "/proc/$1"/task/*/status
}

one_line() # the last command's words, in $dir/err
{
	grep -v Warn: "$dir/err" >"$dir/said"
	[ "$(wc -l <"$dir/said")" = 1 ] && grep -q "^stasis [a-z]*: ." "$dir/said"
}

# dump_fails NAME IMAGES ARG…: nothing is left of the dump, neither there nor in the task
dump_fails()
{
	local name=$1 images=$2 reason=""
	shift 2
	timeout -k 1 20 "$stasis" dump -t "$pid" -D "$images" "$@" 2>"$dir/err" </dev/null
	local status=$?
	[ "$status" = 1 ] || reason="status $status"
	one_line || reason+=" said: $(cat "$dir/err")"
	[ "$(state_of "$pid")" = "$before" ] || reason+=" the task changed"
	find "$images" -name '*.img' -type f 2>/dev/null | grep -q . && reason+=" images are left"
	verdict "dump $name" "$reason"
}

ends() # ends PID: within two seconds
{
	local _
	for _ in {1..100}; do
		[ -d "/proc/$1" ] || return 0
		sleep 0.02
	done
	return 1
}
is_whole() { [ "$(state_of "$1" | grep -c '^TracerPid:.0')" = "$(grep -c '^TracerPid' <<<"$before")" ]; }

# restore_fails NAME WORDS: of $dir/bad; the line has WORDS in it and no task is there after it
restore_fails()
{
	local reason=""
	timeout -k 1 20 "$stasis" restore -d -D "$dir/bad" 2>"$dir/err" </dev/null
	local status=$?
	[ "$status" = 1 ] || reason="status $status"
	one_line || reason+=" said: $(cat "$dir/err")"
	grep -q -- "$2" "$dir/err" || reason+=" does not name $2: $(cat "$dir/err")"
	[ -d "/proc/$pid" ] && reason+=" task $pid is left"
	[ "$(ls "$dir/bad")" = "$(ls "$dir/good")" ] || reason+=" files appeared"
	verdict "restore of $1" "$reason"
	kill -KILL "$pid" 2>/dev/null
}

# with IMAGE SED: the set, one image of it changed as text; SED is sed -z of the JSON
with()
{
	rm -rf "$dir/bad"
	cp -r "$dir/good" "$dir/bad"
	"$crit" decode -i "$dir/good/$1" | sed -zE "$2" >"$dir/json"
	"$crit" decode -i "$dir/good/$1" | cmp -s - "$dir/json" && echo "# nothing changed by $2"
	"$crit" encode -i "$dir/json" -o "$dir/bad/$1" || echo "# no image by $2"
}

mkdir "$dir/work" "$dir/small" "$dir/good"
(cd "$dir/work" && exec env -i LIVE_DIR="$dir/work" setsid "$O/live/task_threads" </dev/null \
	>"$dir/task" 2>&1 3>&-) &
pid=$!
disown "$pid"
for _ in {1..400}; do
	[ -e "$dir/work/ready" ] && break
	sleep 0.02
done
sleep 0.1
before=$(state_of "$pid") || {
	echo "not ok 1 the task to dump did not start"
	echo "# it is gone: $(cat "$dir/task" "$dir/work/verdict" 2>/dev/null) $(ls "$dir/work")"
	exit 1
}

mkdir "$dir/in-the-way"
mkfifo "$dir/in-the-way/files.img"
dump_fails "over a FIFO" "$dir/in-the-way"
dump_fails "to no directory" "$dir/none"
dump_fails "with a log that cannot be" "$dir/work" -o /none/dump.log
if mount -t tmpfs -o size=4k none "$dir/small" 2>/dev/null; then
	umount "$dir/small"
	for size in 4 16 40 80 120; do
		mount -t tmpfs -o size=${size}k none "$dir/small"
		dump_fails "to a disk of $size KiB" "$dir/small"
		umount "$dir/small"
	done
	mount -t tmpfs -o ro none "$dir/small"
	dump_fails "to a read-only disk" "$dir/small"
	umount "$dir/small"
	reason=""
	grep -q "$dir/small: Read-only file system" "$dir/err" || reason=$(cat "$dir/err")
	verdict "which is named" "$reason"
fi
threads=("/proc/$pid/task/"*)
"$stasis" dump -t "${threads[-1]##*/}" -D "$dir/good" 2>"$dir/err"
reason=$(cat "$dir/err")
one_line && grep -q "is a thread, not a task" "$dir/err" && reason=""
verdict "dump of a thread" "$reason"

reason=""
"$stasis" dump -t "$pid" -D "$dir/good" 2>"$dir/err" || reason=$(cat "$dir/err")
verdict "dump" "$reason"
for _ in {1..100}; do
	[ -d "/proc/$pid" ] || break
	sleep 0.02
done

for image in inventory pstree "core-$pid" "mm-$pid" "pagemap-$pid" files "ids-$pid" "fs-$pid"; do
	size=$(stat -c %s "$dir/good/$image.img")
	for len in 11 $((size - 1)); do
		rm -rf "$dir/bad"
		cp -r "$dir/good" "$dir/bad"
		truncate -s "$len" "$dir/bad/$image.img"
		restore_fails "$image cut to $len" "$image.img"
	done
done
with pstree.img 's/"pid": *[0-9]+/"pid": 0/'
restore_fails "pid 0" "pstree.img: entry 0"
with pstree.img 's/("threads": *\[[^]]*)\]/\1, 4194304]/'
restore_fails "an impossible thread" "pstree.img.*4194304"
with "core-$pid.img" 's/"ip": *[0-9]+/"ip": 18446603336221196288/'
restore_fails "a kernel address to run at" "core-$pid.img.*instruction pointer"
with "core-$pid.img" 's/"ss": *[0-9]+/"ss": 16/'
restore_fails "a segment of the kernel" "core-$pid.img.*segment"
with "mm-$pid.img" 's/"end": *[0-9]+/"end": 18446744073709547520/'
restore_fails "a mapping without end" "mm-$pid.img: mapping"
with "pagemap-$pid.img" 's/"nr_pages": *[0-9]+/"nr_pages": 9223372036854775808/'
restore_fails "too many pages" "pagemap-$pid.img"
with files.img 's,"name": *"/,"name": "../../,'
restore_fails "a path that leads up" "files.img: file id .*is not absolute"
with fdinfo-2.img 's/"fd": *[0-9]+/"fd": 2147483648/'
restore_fails "an impossible descriptor" "fdinfo-2.img: fd 2147483648"

reason=""
for ms in 00 02 04 06 08 10 15 20 30 40; do
	"$stasis" restore -d -D "$dir/good" 2>/dev/null </dev/null &
	restorer=$!
	# a shell that ends before it has become stasis would clean up here
	while [ "$(cat "/proc/$restorer/comm" 2>/dev/null)" = damage.sh ]; do :; done
	sleep "0.0$ms"
	kill -TERM "$restorer" 2>/dev/null
	# all or nothing: a signal that came too late finds the tree complete; else it ends soon
	wait "$restorer" || ends "$pid" || is_whole "$pid" || reason+=" a task is left of one ended after 0.0$ms s"
	kill -KILL "$pid" 2>/dev/null
	ends "$pid"
done
verdict "restore ended by a signal" "$reason"

reason=""
"$stasis" restore -d -D "$dir/good" 2>"$dir/err" </dev/null || reason=$(cat "$dir/err")
verdict "restore of the whole set" "$reason"
touch "$dir/work/go"
for _ in {1..400}; do
	[ -e "$dir/work/verdict" ] && break
	sleep 0.02
done
verdict "the task ran on" "$(grep -v '^pass' "$dir/work/verdict" 2>&1)"
echo "1..$n"
