#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# stasis swrk and service: requests as runtimes send them, their answers, who is served what.
# shellcheck disable=SC2016,SC2030,SC2031 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "dumping needs root"
	build=${O:-$BATS_TEST_DIRNAME/../../build}
	dir=$(mktemp -d) # another user must get there, too
	chmod 755 "$dir"
	cd "$dir" || return 1
	mkdir img work
	started=()
	unset HOME CRIU_CONFIG_FILE
}

teardown()
{
	[ "${#started[@]}" = 0 ] || kill -KILL "${started[@]}" 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

start_sleep()
{
	setsid "$@" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until grep -q sleep "/proc/$pid/comm"; do sleep 0.01; done
}

is_alive() { grep -q '^State:.*[^ZX] (' "/proc/$pid/status" 2>/dev/null; }

# swrk [--refuse NAME] REQUEST…: descriptor 7 is img, 8 is work
swrk()
{
	local refuse=()
	[ "$1" != --refuse ] || { refuse=("$1" "$2"); shift 2; }
	"$build/rpc-client" "${refuse[@]}" swrk "$build/stasis" "$@" 7<img 8<work
}

start_service()
{
	"$build/stasis" service --address "$PWD/sock" -o service.log -W work 3>&- &
	started+=("$!")
	until [ -S sock ]; do sleep 0.01; done
}

@test "rpc: version, check, features" {
	run -0 swrk '{"type":"VERSION"}'
	[[ $output == *'"success": true, "version": {"major_number": 4, "minor_number": 2'* ]]
	run -0 swrk '{"type":"CHECK"}'
	[ "$output" = '{"type": "CHECK", "success": true}' ]
	run -0 swrk '{"type":"FEATURE_CHECK","features":{"mem_track":true,"lazy_pages":true}}'
	[[ $output == *'"success": true, "features": {"mem_track": '*'"lazy_pages": '* ]]
}

@test "rpc: options of a check are looked at, and tell where to log" {
	run -0 swrk '{"type":"CHECK","opts":{"images_dir_fd":-1}}'
	[ "$output" = '{"type": "CHECK", "success": true}' ]
	run -0 swrk '{"type":"CHECK","opts":{"images_dir_fd":7,"log_file":"check.log"}}'
	[ -e img/check.log ]
	run -0 swrk '{"type":"CHECK","opts":{"images_dir_fd":-1,"log_file":"/a/check.log"}}'
	[[ $output == '{"type": "CHECK", "success": false'*'"cr_errno": 56'*'log_file /a/check.log'* ]]
}

@test "rpc: several requests on one connection, only while they ask for it" {
	run -0 swrk '{"type":"VERSION","keep_open":true}' '{"type":"CHECK","keep_open":true}' '{"type":"VERSION"}'
	[ "${#lines[@]}" = 3 ]
	run -1 swrk '{"type":"VERSION"}' '{"type":"VERSION"}'
	[ "$(grep -c VERSION <<<"$output")" = 1 ]
}

@test "rpc: dump and restore with notifications in order" {
	start_sleep
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"work_dir_fd\":8,\"pid\":$pid,
		\"log_file\":\"d.log\",\"log_level\":4,\"notify_scripts\":true,\"orphan_pts_master\":true,
		\"tcp_established\":false,\"config_file\":\"/nowhere/runc.conf\"}}"
	[ "$(grep -o '"script": "[a-z-]*"' <<<"$output" | cut -d'"' -f4 | xargs)" = "pre-dump post-dump" ]
	[ "${lines[-1]}" = '{"type": "DUMP", "success": true, "dump": {"restored": false}}' ]
	[ -e img/inventory.img ]
	[ -e work/stats-dump ]
	grep -q 'the dump is complete' work/d.log
	wait "$pid" || true
	run -0 swrk '{"type":"RESTORE","opts":{"images_dir_fd":7,"work_dir_fd":8,"notify_scripts":true,"rst_sibling":true}}'
	[ "$(grep -o '"script": "[a-z-]*"' <<<"$output" | cut -d'"' -f4 | xargs)" = \
		"pre-restore post-restore pre-resume post-resume" ]
	[ "${lines[-1]}" = "{\"type\": \"RESTORE\", \"success\": true, \"restore\": {\"pid\": $pid}}" ]
	[ -e work/criu.log ]
	is_alive
}

@test "rpc: a peer that says no ends the dump, and the process runs on" {
	start_sleep
	run -0 swrk --refuse post-dump "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"notify_scripts\":true}}"
	[[ ${lines[-1]} == *'"success": false'*'"cr_errmsg": "the peer said no to post-dump"}' ]]
	is_alive
	[ ! -e img/inventory.img ]
}

@test "rpc: why it failed is in the answer, with the number of the error" {
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"pid":4194303}}'
	[[ $output == *'"success": false'*'"cr_errno": 3, "cr_errmsg": '*4194303* ]]
	run -0 swrk '{"type":"RESTORE","opts":{"images_dir_fd":7}}'
	[[ $output == *'"cr_errno": 2, "cr_errmsg": '*inventory.img* ]]
	[[ $(cat img/criu.log) == *inventory.img* ]]
	run -0 swrk '{"type":"RESTORE","opts":{"images_dir_fd":99}}'
	[[ $output == *'"cr_errmsg": "open directory /proc/'*'/fd/99: No such file or directory"'* ]]
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"pid":1,"log_file":"../x"}}'
	[[ $output == *'opts.log_file ../x: want a name without a directory'* ]]
	run -0 swrk '{"type":"RESTORE"}'
	[[ $output == *'request: opts must be given'* ]]
	run -0 swrk 'raw:no request at all'
	[[ $output == '{"type": "EMPTY", "success": false, '*'is no request"}' ]]
	run -0 swrk '{"type":99}'
	[[ $output == '{"type": "EMPTY", "success": false, '*'requests of type unknown (99) are not supported'* ]]
}

@test "rpc: every kind of request has an answer, which is EMPTY when it is not served" {
	local kind
	for kind in EMPTY NOTIFY PRE_DUMP SINGLE_PRE_DUMP PAGE_SERVER PAGE_SERVER_CHLD; do
		start_sleep
		run -0 swrk "{\"type\":\"$kind\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid}}"
		[[ $output == '{"type": "EMPTY", "success": false, '*"requests of type $kind ("*') are not supported"}' ]]
		is_alive
		[ -z "$(ls img)" ]
	done
	for kind in DUMP RESTORE CPUINFO_DUMP CPUINFO_CHECK FEATURE_CHECK WAIT_PID; do
		run -0 swrk "{\"type\":\"$kind\"}"
		[[ $output == "{\"type\": \"$kind\", \"success\": false, "*'"cr_errmsg": "request: '*' must be given"}' ]]
	done
}

@test "rpc: WAIT_PID tells how a task ended that the same connection has restored" {
	setsid sh -c 'until [ -e leave ]; do sleep 0.05; done; exit 7' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ]; do sleep 0.01; done
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid}}"
	[[ $output == *'"success": true'* ]]
	wait "$pid" || true
	touch leave
	run -0 swrk '{"type":"RESTORE","keep_open":true,"opts":{"images_dir_fd":7}}' "{\"type\":\"WAIT_PID\",\"pid\":$pid}"
	[ "${lines[1]}" = "{\"type\": \"WAIT_PID\", \"success\": true, \"status\": $((7 << 8))}" ]
}

# descriptors LINES: how many the process has that answers, when it has given so many answers
descriptors()
{
	until [ "$(wc -l <answers)" = "$1" ]; do sleep 0.01; done
	find "/proc/$(pgrep -P "$client")/fd" -type l | wc -l
}

@test "rpc: a session of many restores holds no more descriptors than after the first" {
	command -v nft >/dev/null || skip "no nft"
	start_sleep unshare --net --ipc --uts
	local restore='{"type":"RESTORE","keep_open":true,"opts":{"images_dir_fd":7,"log_file":"restore.log"}}' i
	local await="{\"type\":\"WAIT_PID\",\"keep_open\":true,\"pid\":$pid}"
	swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid}}"
	wait "$pid" || true
	"$build/rpc-client" swrk "$build/stasis" "$restore" "$await" "$restore" "$await" "$restore" "$await" \
		7<img >answers 3>&- 4>&- &
	client=$!
	for i in 1 3 5; do
		descriptors $i >>counts
		kill -KILL "$pid"
	done
	wait "$client" || true
	[ "$(sort -u counts | wc -l)" = 1 ]
}

@test "rpc: what an option could not do either is refused by its name" {
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"pid":1,"tls_cacert":"x"}}'
	[[ $output == *'opts.tls_cacert'* ]]
	[ "$(ls img)" = criu.log ] # which says so, too
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"pid":1,"empty_ns":2}}'
	[[ $output == *'opts.empty_ns'* ]]
}

@test "rpc: why a request is refused is in its log, too" {
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"work_dir_fd":8,"pid":1,"log_file":"d.log","auto_dedup":true}}'
	[[ $output == *'"success": false'*auto_dedup* ]]
	grep -q 'Error: .*auto_dedup' work/d.log
	# without a work directory it is beside the images
	run -0 swrk '{"type":"DUMP","opts":{"images_dir_fd":7,"pid":1,"log_file":"d.log","auto_dedup":true}}'
	grep -q 'Error: .*auto_dedup' img/d.log
}

@test "rpc: who asks gets the master of a terminal that was held outside" {
	# who holds the other end leaves with the program
	/usr/bin/python3 -c '
import os, pty
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "while read -r word; do echo got $word; done"])
with open("pid.new", "w") as f:
    f.write(str(pid))
os.rename("pid.new", "pid")
try:
    while os.read(fd, 100):
        pass
except OSError:
    pass
os.waitpid(pid, 0)' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	started+=("$!")
	until [ -s pid ]; do sleep 0.02; done
	pid=$(cat pid)
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid}}"
	[[ $output == *'"success": false'*'is held outside'* || $output == *'held outside of the tree'* ]]
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"orphan_pts_master\":true}}"
	[[ $output == *'"success": true'* ]]
	wait "${started[0]}" || true
	run -0 swrk '{"type":"RESTORE","opts":{"images_dir_fd":7,"orphan_pts_master":true,"notify_scripts":true}}'
	started+=("$pid")
	[[ $output == *'"script": "orphan-pts-master"'*'"script": "post-restore"'*'terminal: '*'got typed'* ]]
}

@test "rpc: cpuinfo" {
	grep -qE 'GenuineIntel|AuthenticAMD|HygonGenuine' /proc/cpuinfo || skip "no processor the format has words for"
	run -0 swrk '{"type":"CPUINFO_DUMP","opts":{"images_dir_fd":7}}'
	[[ $output == *'"success": true'* ]]
	[ -s img/cpuinfo.img ]
	run -0 swrk '{"type":"CPUINFO_CHECK","opts":{"images_dir_fd":7,"cpu_cap":7}}'
	[[ $output == *'"success": true'* ]]
}

@test "rpc: the configuration file of a request has the last word" {
	start_sleep
	echo 'leave-running' >run.conf
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"config_file\":\"$PWD/run.conf\"}}"
	[[ $output == *'"success": true'* ]]
	is_alive
	printf '%s\n' "log-file=$PWD/elsewhere.log" verbosity=4 >run.conf
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"leave_running\":true,\"config_file\":\"$PWD/run.conf\"}}"
	[ -s elsewhere.log ]
	echo 'no-such-option' >run.conf
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"config_file\":\"$PWD/run.conf\"}}"
	[[ $output == *'run.conf:1: unknown option no-such-option'* ]]
}

# start_box OPTION…: $box is the first process of a new pid namespace
start_box()
{
	setsid unshare --pid --fork "$@" sleep 2000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	local outer=$!
	until box=$(pgrep -P "$outer" -x sleep); do sleep 0.01; done
	started+=("$box")
}
is_in_box()
{
	[ "$(stat -Lc %i "/proc/$pid/ns/pid")" = "$(stat -Lc %i "/proc/$box/ns/pid")" ]
	[ "$(awk '/^NSpid/ { print $NF }' "/proc/$pid/status")" = "$1" ]
}

@test "rpc: a pid namespace that is left out is given again, or joined" {
	unshare --pid --fork true || skip "no pid namespaces"
	start_box
	setsid nsenter --pid="/proc/$box/ns/pid" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	local outer=$!
	until pid=$(pgrep -P "$outer" -x sleep); do sleep 0.01; done
	started+=("$pid")
	local inner key request
	inner=$(awk '/^NSpid/ { print $NF }' "/proc/$pid/status")
	key="pid[$(stat -Lc %i "/proc/$box/ns/pid")]:shared"
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"shell_job\":true}}"
	[[ $output == *'"success": false'*"--external pid["* ]]
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"shell_job\":true,\"external\":[\"$key\"]}}"
	[[ $output == *'"success": true'* ]]
	request='{"type":"RESTORE","opts":{"images_dir_fd":7,"shell_job":true'
	run -0 swrk "$request}}"
	[[ $output == *'"success": false'*"give one with --inherit-fd fd[N]:shared"* ]]
	start_box
	exec 9<"/proc/$box/ns/pid"
	run -0 swrk "$request,\"inherit_fd\":[{\"key\":\"shared\",\"fd\":9}]}}"
	exec 9<&-
	pid=$(sed -n 's/.*"restore": {"pid": \([0-9]*\)}}$/\1/p' <<<"$output")
	started+=("$pid")
	is_alive
	is_in_box "$inner"
	start_box
	run -0 swrk "$request,\"join_ns\":[{\"ns\":\"pid\",\"ns_file\":\"/proc/$box/ns/pid\"}]}}"
	pid=$(sed -n 's/.*"restore": {"pid": \([0-9]*\)}}$/\1/p' <<<"$output")
	started+=("$pid")
	is_in_box "$inner"
}

@test "rpc: a user namespace is joined as somebody of it" {
	unshare --user true || skip "no user namespaces"
	start_box --user
	echo "1000 100000 1" >"/proc/$box/uid_map"
	echo "1000 100000 1" >"/proc/$box/gid_map"
	start_sleep setpriv --reuid 1000 --regid 1000 --clear-groups
	run -0 swrk "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid}}"
	local joined="{\"ns\":\"pid\",\"ns_file\":\"$box\"},{\"ns\":\"user\",\"ns_file\":\"$box\",\"extra_opt\":"
	run -0 swrk "{\"type\":\"RESTORE\",\"opts\":{\"images_dir_fd\":7,\"join_ns\":[$joined\"0,0\"}]}}"
	[[ $output == *"user id 0 is not mapped there"* ]]
	run -0 swrk "{\"type\":\"RESTORE\",\"opts\":{\"images_dir_fd\":7,\"join_ns\":[$joined\"1000,1000\"}]}}"
	local number=$pid
	pid=$(sed -n 's/.*"restore": {"pid": \([0-9]*\)}}$/\1/p' <<<"$output")
	started+=("$pid")
	is_in_box "$number"
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" = 100000 ]
}

@test "rpc: a program that asks for its own dump goes on, and reads that it was restored" {
	setsid "$build/rpc-client" swrk "$build/stasis" \
		'{"type":"DUMP","opts":{"images_dir_fd":7,"leave_running":true}}' \
		7<img </dev/null >>out 2>&1 3>&- 4>&- &
	wait $!
	[ "$(cat out)" = '{"type": "DUMP", "success": true, "dump": {"restored": false}}' ]
	: >out
	"$build/stasis" restore -D img -v0
	[ "$(cat out)" = '{"type": "DUMP", "success": true, "dump": {"restored": true}}' ]
}

@test "swrk: a descriptor that is no socket, or no number" {
	run -1 "$build/stasis" swrk 0 </dev/null
	[ -z "$output" ]
	run -1 "$build/stasis" swrk x
	[[ $output == *'want one number'* ]]
}

@test "service: requests over its socket, side by side" {
	start_service
	start_sleep
	run -0 "$build/rpc-client" connect "$PWD/sock" "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"leave_running\":true}}" 7<img
	[[ $output == *'"success": true'* ]]
	is_alive
	local clients=() i
	for i in 1 2 3 4; do
		"$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}' >"out.$i" 3>&- &
		clients+=("$!")
	done
	wait "${clients[@]}"
	[ "$(cat out.? | grep -c '"success": true')" = 4 ]
	run -1 "$build/stasis" service --address "$PWD/sock"
	[[ $output == *'a service listens there already'* ]]
}

@test "service: --status-fd tells when requests can be sent" {
	"$build/stasis" service --address "$PWD/sock" -v0 --status-fd 5 5>ready 3>&- 4>&- &
	started+=("$!")
	until [ -s ready ]; do sleep 0.01; done
	[ "$(od -An -tu1 ready | tr -d ' ')" = 0 ]
	[ -S sock ]
}

@test "service: a socket left behind is replaced, a file is not" {
	start_service
	kill -KILL "${started[0]}"
	wait "${started[0]}" || true
	[ -S sock ]
	"$build/stasis" service --address "$PWD/sock" -d --pidfile service.pid -W work
	started+=("$(cat work/service.pid)")
	run -0 "$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}'
	touch file
	run -1 "$build/stasis" service --address "$PWD/file"
	[[ $output == *'there is a file of that name'* ]]
}

@test "service: a relative address is in the work directory" {
	"$build/stasis" service --address here -d --pidfile service.pid -W work
	started+=("$(cat work/service.pid)")
	run -0 "$build/rpc-client" connect "$PWD/work"/here '{"type":"VERSION"}'
	[[ $output == *'"success": true'* ]]
}

@test "service: without a free descriptor it waits for one" {
	start_service
	local service=${started[-1]} client
	prlimit --pid "$service" --nofile=3:
	"$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}' >out 3>&- &
	client=$!
	until grep -q 'Too many open files' work/service.log; do sleep 0.01; done
	prlimit --pid "$service" --nofile=1024:
	wait "$client"
	grep -q '"success": true' out
}

as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }

# ask REQUEST: of the service, as a user who is not root
ask() { as_user "$build/rpc-client" connect "$PWD/sock" "$1"; }

user_can_run()
{
	as_user "$build/rpc-client" 2>/dev/null || [ $? = 2 ] || skip "user 1000 cannot run programs here"
}

@test "service: a user's request runs no program and reads no file with the service's rights" {
	user_can_run
	mkdir theirs
	chown 1000:1000 theirs
	start_sleep setpriv --reuid 1000 --regid 1000 --clear-groups
	printf '#!/bin/sh\nid -u >>%s/ran\n' "$PWD" >script
	chmod 755 script
	echo "action-script $PWD/script" >script.conf
	start_service
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"config_file\":\"$PWD/script.conf\"}}" 7<theirs
	[[ $output == *'"success": false'*'opts.config_file (--config): the service takes it from root only'* ]]
	echo 'of-root-alone' >secret
	chmod 600 secret
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"config_file\":\"$PWD/secret\"}}" 7<theirs
	[[ $output != *of-root-alone* ]]
	rm sock
	CRIU_CONFIG_FILE=$PWD/script.conf start_service # what root has configured
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"leave_running\":true}}" 7<theirs
	[[ $output == *'"success": false'*"--action-script $PWD/script"*'for user 1000'* ]]
	[ ! -e ran ]
	is_alive
}

@test "service: a user has sixteen requests at a time, and root's are answered nevertheless" {
	user_can_run
	start_service
	touch work/full
	chmod 666 work/full
	setpriv --reuid 1000 --regid 1000 --clear-groups /usr/bin/python3 -c 'import select, socket, sys, time
poll, all = select.poll(), []
for i in range(20):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    all.append(s)
    poll.register(s, 0)
while len(poll.poll()) < 4: time.sleep(0.01)
open(sys.argv[2], "w").write("full")
time.sleep(1000)' "$PWD/sock" "$PWD/work"/full 3>&- 4>&- &
	started+=("$!")
	until [ -s work/full ]; do sleep 0.01; done
	run -0 "$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}'
	[[ $output == *'"success": true'* ]]
	grep -q '16 requests of user 1000 are being answered' work/service.log
	run as_user "$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}'
	[[ $output == *'"type": "VERSION", "success": false'*'16 requests of user 1000 are being answered'* ]]
	kill -KILL "${started[-1]}"
	wait "${started[-1]}" || true
	until run -0 as_user "$build/rpc-client" connect "$PWD/sock" '{"type":"VERSION"}' &&
		[[ $output == *'"success": true'* ]]; do sleep 0.01; done
	[ "$(pgrep -c -P "${started[0]}")" -le 1 ]
}

@test "service: users other than root get what is theirs, and no more" {
	user_can_run
	start_service
	mkdir theirs
	chown 1000:1000 theirs
	start_sleep setpriv --reuid 1000 --regid 1000 --clear-groups
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"leave_running\":true}}" 7<theirs
	[[ $output == *'"success": true'* ]]
	[ "$(stat -c %u:%g theirs/inventory.img)" = 1000:1000 ]
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"leave_running\":true}}" 7<img
	[[ $output == *'"success": false'*'Permission denied'* ]]
	[ -z "$(ls img)" ]
	is_alive
	start_sleep
	run -0 ask "{\"type\":\"DUMP\",\"opts\":{\"images_dir_fd\":7,\"pid\":$pid,\"log_file\":\"second.log\"}}" 7<theirs
	[[ $output == *'"success": false'*"is not user 1000's own"* ]]
	is_alive
	run -0 ask '{"type":"RESTORE","opts":{"images_dir_fd":7}}' 7<theirs
	[[ $output == *'for root only, not for user 1000'* ]]
}
