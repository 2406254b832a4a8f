#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stasis dump: options, refusals and what it leaves behind.
# shellcheck disable=SC2016,SC2030,SC2031,SC2217 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis

setup()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
	dir=$(mktemp -d "${TMPDIR:-/tmp}/stasis-cli.XXXXXX")
	setsid sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	pid=$!
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do :; done
}

teardown()
{
	[ -n "${pid:-}" ] || return 0
	kill -KILL "$pid"
	rm -rf "$dir"
}

runs() { grep -q '^State:.S' "/proc/$pid/status" && grep -q '^TracerPid:.0' "/proc/$pid/status"; }

@test "dump needs a pid" {
	run -1 "$stasis" dump -D "$dir"
	run -1 "$stasis" dump -t nonsense -D "$dir"
}

@test "dump -R writes a whole set and lets the task run" {
	mkdir "$dir/work"
	run -0 "$stasis" dump -t "$pid" -D "$dir" -W "$dir/work" -o dump.log -v4 -R
	[ -s "$dir/inventory.img" ]
	[ -s "$dir/pstree.img" ]
	[ -s "$dir/core-$pid.img" ]
	[ -s "$dir/work/dump.log" ]
	[ -s "$dir/work/stats-dump" ]
	runs
}

@test "dump -s leaves the task stopped" {
	run -0 "$stasis" dump -t "$pid" -D "$dir" -s
	grep -q '^State:.T' "/proc/$pid/status"
}

@test "a tree that does not stop in time names the option that gives it more" {
	mkfifo "$dir/fifo" # its child is one of vfork until that can be opened
	setsid /usr/bin/python3 -c "import os; os.posix_spawn('/bin/true', ['true'], {},
		file_actions=[(os.POSIX_SPAWN_OPEN, 9, '$dir/fifo', os.O_RDONLY, 0)])" </dev/null >/dev/null 2>&1 3>&- &
	local parent=$!
	until grep -q '^State:.D' "/proc/$parent/status" && pgrep -P "$parent" >/dev/null; do :; done
	mkdir "$dir/images"
	run -1 "$stasis" dump -t "$parent" -D "$dir/images" --timeout 1
	[[ $output == *"pid $parent ("*"): thread $parent "*'--timeout SECONDS'* ]]
	[ -z "$(ls "$dir/images")" ]
	: >"$dir/fifo"
	wait "$parent"
}

@test "dump ends the task" {
	run -0 "$stasis" dump -t "$pid" -D "$dir"
	until ! grep -q '^State:.[RS]' "/proc/$pid/status" 2>/dev/null; do :; done
	pid=
	rm -rf "$dir"
}

@test "dump comes back when the tree has ended, so that its ports and files are free" {
	setsid /usr/bin/python3 -c "
import fcntl, time
lock = open('$dir/lock', 'w')
fcntl.flock(lock, fcntl.LOCK_EX)
held = b'x' * (400 << 20)
open('$dir/ready', 'w')
time.sleep(1000)" >/dev/null 2>&1 </dev/null 3>&- &
	local large=$!
	until [ -e "$dir/ready" ]; do :; done
	mkdir "$dir/img"
	"$stasis" dump -t "$large" -D "$dir/img" --file-locks
	flock -n "$dir/lock" true
}

@test "a signal that comes when the set is whole is too late: the dump has succeeded" {
	local large dump round status
	for round in {1..4}; do
		setsid /usr/bin/python3 -c "
import time
held = b'x' * (200 << 20)
open('$dir/ready', 'w')
time.sleep(1000)" >/dev/null 2>&1 </dev/null 3>&- &
		large=$!
		until [ -e "$dir/ready" ]; do :; done
		mkdir "$dir/img"
		"$stasis" dump -t "$large" -D "$dir/img" 3>&- &
		dump=$!
		until [ -e "$dir/img/inventory.img" ]; do :; done
		sleep "0.00$round"
		kill -TERM "$dump" 2>/dev/null || true
		status=0
		wait "$dump" || status=$?
		[ "$status" = 0 ]
		until ! kill -0 "$large" 2>/dev/null; do wait "$large" || true; done
		rm -r "$dir/img" "$dir/ready"
	done
}

@test "a name with control characters is shown, and obeyed by nobody" {
	setsid /usr/bin/python3 -c "
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b'a\\x1b[31m\\nb\xc3\xa4', 0, 0, 0)
held = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) # not supported
open('$dir/ready', 'w')
time.sleep(1000)" >/dev/null 2>&1 </dev/null 3>&- &
	local odd=$!
	until [ -e "$dir/ready" ]; do :; done
	mkdir "$dir/img"
	run -1 "$stasis" dump -t "$odd" -D "$dir/img" -v4 -o log
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"pid $odd (a\\x1b[31m\\x0abä)"* ]]
	grep -qF 'a\x1b[31m\x0ab' "$dir/img/log"
	run ! grep -q $'\033' "$dir/img/log"
	kill "$odd"
}

# warned WORDS PYTHON: a dump of what does that says so, once, without a log on standard error
warned()
{
	setsid /usr/bin/python3 -c "
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
$2
open('$dir/ready', 'w')
time.sleep(1000)" >/dev/null 2>&1 </dev/null 3>&- &
	local odd=$!
	until [ -e "$dir/ready" ]; do kill -0 "$odd" || return 1; done
	mkdir "$dir/img"
	run -0 "$stasis" dump -t "$odd" -D "$dir/img" -R -v2
	kill "$odd"
	[ "$(grep -cF "$1" <<<"$output")" = 1 ] || { echo "$output"; return 1; }
	[[ $output == *"Warn: pid $odd (python3): "*"$1"* ]]
}

@test "a seccomp filter that asks a supervisor is warned of" {
	warned "SECCOMP_RET_USER_NOTIF" "
import os, struct
libc.prctl(38, 1, 0, 0, 0)
code = struct.pack('HBBI' * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 110, 6, 0, 0, 0x7fc00000, 6, 0, 0, 0x7fff0000)
insns = ctypes.create_string_buffer(code)
os.close(libc.syscall(317, 1, 8, struct.pack('HxxxxxxQ', 4, ctypes.addressof(insns))))"
}

@test "semaphores taken with SEM_UNDO are warned of" {
	warned "SEM_UNDO" "
import struct
sem = libc.semget(0, 1, 0o1600)
libc.semop(sem, struct.pack('Hhh', 0, 1, 0x1000), 1)
print(sem, file=open('$dir/sem', 'w'))" || { ipcrm -s "$(cat "$dir/sem")" && return 1; }
	ipcrm -s "$(cat "$dir/sem")"
}

# whose is the user namespace of a process, and may it call setgroups(2)?
owner_and_groups()
{
	/usr/bin/python3 -c 'import array, fcntl, os, sys
owner = array.array("I", [0])
fcntl.ioctl(os.open("/proc/%s/ns/user" % sys.argv[1], os.O_RDONLY), 0xb704, owner)
print(owner[0], open("/proc/%s/setgroups" % sys.argv[1]).read().strip())' "$1"
}

@test "a user namespace belongs to the same user afterwards, and still denies setgroups" {
	setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user --pid --fork \
		setsid sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	local outside=$! inside=
	until [ -n "$inside" ] && [ "$(cat "/proc/$inside/comm")" = sleep ]; do
		inside=$(tr -d ' ' 2>/dev/null <"/proc/$outside/task/$outside/children") || :
	done
	[ "$(owner_and_groups "$inside")" = "1000 deny" ]
	"$stasis" dump -t "$inside" -D "$dir" --shell-job
	"$stasis" restore -d -D "$dir" --pidfile "$dir/pid" --shell-job
	run owner_and_groups "$(cat "$dir/pid")"
	kill -KILL "$(cat "$dir/pid")"
	[ "$output" = "1000 deny" ]
}

@test "who entered the pid namespace of the tree from outside is left out with a warning" {
	setsid unshare --pid --fork --kill-child sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	local unshare=$! box other
	until box=$(cat "/proc/$unshare/task/$unshare/children") && box=${box% } && [ -n "$box" ] &&
		[ "$(cat "/proc/$box/comm")" = sleep ]; do :; done
	nsenter --target "$box" --pid sleep 1001 >/dev/null 2>&1 </dev/null 3>&- &
	disown
	until other=$(pgrep -x -f "sleep 1001" --nslist pid --ns "$box") && [ -n "$other" ]; do :; done
	run -0 --separate-stderr "$stasis" dump -R -j -t "$box" -D "$dir"
	kill -KILL "$box"
	[[ $stderr == *"pid $other (sleep) is in the pid namespace of the tree, but not below its root"* ]]
	[ "$(grep -c "not below its root" <<<"$stderr")" = 1 ]
}

@test "overlays that no restore could mount again are refused" {
	export stasis dir
	local options
	for options in volatile,lowerdir=$dir/l lowerdir=l index=on,lowerdir=$dir/l; do
		export options
		run -1 unshare --mount bash -c '
			cd "$dir" && mkdir -p l over tmp img && mount -t tmpfs none tmp && mkdir tmp/u tmp/w
			setsid unshare --mount bash -c '\''mount -t overlay none over \
				-o "$options,upperdir=$dir/tmp/u,workdir=$dir/tmp/w" &&
				exec sleep 1000'\'' >/dev/null 2>&1 </dev/null 3>&- &
			until [ "$(cat /proc/$!/comm)" = sleep ]; do kill -0 $! || exit 7; done
			"$stasis" dump -t $! -D img
			rc=$?
			kill $! && exit $rc'
		[[ $output == *"mount $dir/over (overlay) "*"--external mnt[$dir/over]:NAME"* ]]
	done
}

@test "a tmpfs of the tree cannot hold the images it is written to" {
	export stasis dir
	run -1 unshare --mount bash -c '
		mkdir "$dir/t"
		mount -t tmpfs none "$dir/t"
		mkdir "$dir/t/img"
		setsid unshare --mount sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
		until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done
		"$stasis" dump -t $! -D "$dir/t/img"
		rc=$?
		kill $! && exit $rc'
	[[ $output == *"mount $dir/t (tmpfs): its files are to be in the images"* ]]
}

@test "a directory that cannot be opened is one clear error" {
	run -1 "$stasis" dump -t "$pid" -D "$dir/none"
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"$dir/none"*"No such file"* ]]
	runs
}

@test "the last line of the log is the reason" {
	[ "$(cat /proc/2/comm)" = kthreadd ] || skip "no kernel threads in this pid namespace"
	run -1 "$stasis" dump -t 2 -D "$dir" -o dump.log
	[[ $(tail -n 1 "$dir/dump.log") == *"Error: pid 2 ("*") is a kernel thread: only processes can be dumped" ]]
}

@test "the log is not written through a link that somebody else left where everybody may" {
	mkdir -m 1777 "$dir/public"
	echo precious >"$dir/victim"
	ln -s "$dir/victim" "$dir/public/log"
	chown -h nobody "$dir/public/log"
	run -1 "$stasis" dump -t "$pid" -D "$dir" -W "$dir/public" -o log -R
	[[ $output == *"log file log is a link that another user has made"* ]]
	run -1 "$stasis" dump -t "$pid" -D "$dir" -o "$dir/public/log" -R
	[ "$(cat "$dir/victim")" = precious ]
	chown -h root "$dir/public/log"
	"$stasis" dump -t "$pid" -D "$dir" -W "$dir/public" -o log -R
	[ "$(head -n 1 "$dir/victim")" != precious ]
	"$stasis" dump -t "$pid" -D "$dir" -o /dev/stdout -R | cat
}

@test "a failed dump leaves no images, and nothing else is touched" {
	touch "$dir/other.img" "$dir/cpuinfo.img"
	mkdir "$dir/pstree.img" # in the way
	run -1 "$stasis" dump -t "$pid" -D "$dir" -o dump.log
	[[ $output == *pstree.img* ]]
	[ "$(cd "$dir" && echo *)" = "cpuinfo.img dump.log other.img pstree.img" ]
	runs
}

@test "images of another set do not become part of this one" {
	local first=$pid
	setsid bash -c 'exec 7<>'"$dir"'/real; rm '"$dir"'/real; exec sleep 1000' >/dev/null 2>&1 </dev/null 3>&- &
	pid=$!
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do :; done
	mkdir "$dir/img"
	"$stasis" dump -t "$pid" -D "$dir/img"
	[ -e "$dir/img/remap-fpath.img" ]
	pid=$first
	"$stasis" dump -t "$pid" -D "$dir/img" -R
	[ ! -e "$dir/img/remap-fpath.img" ]
	[ -z "$(find "$dir/img" -name 'ghost-file-*')" ]
	[ ! -e "$dir/img/.before" ]
	runs
}

@test "a dump that fails late leaves the set that was there, whole, or none" {
	local fails='[ $CRTOOLS_SCRIPT_ACTION != post-dump ]'
	mkdir "$dir/img"
	run -1 "$stasis" dump -t "$pid" -D "$dir/img" -R --action-script "$fails"
	[ -z "$(find "$dir/img" -name '*.img')" ]
	"$stasis" dump -t "$pid" -D "$dir/img" -R
	cp -a "$dir/img" "$dir/good"
	rm "$dir/good/stats-dump"
	run -1 "$stasis" dump -t "$pid" -D "$dir/img" -R --action-script "$fails"
	rm "$dir/img/stats-dump"
	diff -r "$dir/good" "$dir/img"
	# of a dump that was killed in between: no part of the next set, and not lost
	mkdir "$dir/img/.before"
	mv "$dir/img/"*.img "$dir/img/.before"
	touch "$dir/img/pages-77.img"
	run -1 "$stasis" restore -D "$dir/img"
	[[ $output == *"no inventory.img in "*"; the set before it is in "*/.before ]]
	run -1 "$stasis" dump -t "$pid" -D "$dir/img" -R --action-script "$fails"
	rm -f "$dir/img/stats-dump"
	diff -r "$dir/good" "$dir/img"
	# and of one that was killed while it moved the set
	mkdir "$dir/img/.before.moving"
	mv "$dir/img/"{inventory,pstree}.img "$dir/img/.before.moving"
	run -1 "$stasis" dump -t "$pid" -D "$dir/img" -R --action-script "$fails"
	rm -f "$dir/img/stats-dump"
	diff -r "$dir/good" "$dir/img"
	runs
}

@test "images are for their owner alone" {
	"$stasis" dump -t "$pid" -D "$dir" -R
	[ -z "$(find "$dir" -name '*.img' -perm /077)" ]
}

@test "a task of a foreign session needs --shell-job" {
	sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	local job=$!
	run -1 "$stasis" dump -t "$job" -D "$dir"
	[[ $output == *"--shell-job"* ]]
	kill "$job"
}

@test "the engine does not freeze itself" {
	run -1 setsid sh -c "exec 3>&-; $stasis dump -t \$\$ -D $dir; exit 1"
	[[ $output == *"contains stasis itself"* ]]
}
