#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Control groups of a tree: noted at the dump, made and entered at the restore, as the mode says.
# shellcheck disable=SC2016,SC2030,SC2031 # bats runs each test in a subshell
bats_require_minimum_version 1.5.0

setup()
{
	[ "$(id -u)" = 0 ] || skip "dumping needs root"
	stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis
	crit=${O:-$BATS_TEST_DIRNAME/../../build}/crit
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir img v2
	mount -t cgroup2 none v2 2>/dev/null || skip "no cgroup2 file system to be had"
	top=stasis-test-$$
	mkdir -p "v2/$top/inner"
	started=()
}

teardown()
{
	[ "${#started[@]}" = 0 ] || kill -KILL "${started[@]}" 2>/dev/null || true
	local dir
	for _ in 1 2 3 4 5; do
		for dir in "v2/$top/other" "v2/$top/moved" "v2/$top/inner" "v2/$top"; do
			[ ! -d "$dir" ] || rmdir "$dir" 2>/dev/null || true
		done
		[ -d "v2/$top" ] || break
		sleep 0.1
	done
	umount v2 2>/dev/null || true
	umount set 2>/dev/null || true
}

# A shell in $top/inner and its child in $top; both sleep
start_tree()
{
	setsid bash -c 'echo $$ >"$0/inner/cgroup.procs"; sleep 1000 & child=$!; sleep 1000 & wait' \
		"v2/$top" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(wc -w <"/proc/$pid/task/$pid/children")" = 2 ]; do sleep 0.01; done
	read -r child second <<<"$(cat "/proc/$pid/task/$pid/children")"
	started+=("$child" "$second")
	echo "$child" >"v2/$top/cgroup.procs"
}

group_of() { grep '^0::' "/proc/$1/cgroup" | cut -d: -f3; }

remove_groups()
{
	wait "$pid" || true
	until rmdir "v2/$top/inner" 2>/dev/null; do sleep 0.01; done
	until rmdir "v2/$top" 2>/dev/null; do sleep 0.01; done
}

@test "cgroups: members, directories and limits come back where nothing was left" {
	echo 7 >"v2/$top/inner/cgroup.max.depth"
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	[ "$("$crit" show img/cgroup.img | grep -c "\"path\": \"/$top/inner\"")" = 1 ]
	remove_groups
	"$stasis" restore -d -D img -v0
	[ "$(group_of "$pid")" = "/$top/inner" ]
	[ "$(group_of "$child")" = "/$top" ]
	[ "$(group_of "$second")" = "/$top/inner" ]
	[ "$(cat "v2/$top/inner/cgroup.max.depth")" = 7 ]
	[ "$(cat "v2/$top/cgroup.max.depth")" = max ]
}

@test "cgroups: what is there keeps its limits in mode soft, not in full, and is refused in strict" {
	echo 7 >"v2/$top/inner/cgroup.max.depth"
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	echo 5 >"v2/$top/inner/cgroup.max.depth"
	run -1 "$stasis" restore -d -D img -v0 --manage-cgroups=strict
	[[ $output == *"cgroup :/$top is there already"* ]]
	"$stasis" restore -d -D img -v0
	[ "$(cat "v2/$top/inner/cgroup.max.depth")" = 5 ]
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	echo 9 >"v2/$top/inner/cgroup.max.depth"
	"$stasis" restore -d -D img -v0 --manage-cgroups=full
	[ "$(cat "v2/$top/inner/cgroup.max.depth")" = 5 ]
}

@test "cgroups: none wants them there, ignore leaves them alone" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	remove_groups
	run -1 "$stasis" restore -d -D img -v0 --manage-cgroups=none
	[[ $output == *"cgroup :/$top is not there: make it"* ]]
	"$stasis" restore -d -D img -v0 --manage-cgroups=ignore
	[ "$(group_of "$pid")" = "$(group_of $$)" ]
	[ ! -d "v2/$top" ]
}

@test "cgroups: another root" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	"$stasis" restore -d -D img -v0 --cgroup-root ":/$top/moved"
	[ "$(group_of "$pid")" = "/$top/moved/inner" ]
	[ "$(group_of "$child")" = "/$top/moved" ]
	run -1 "$stasis" restore -D img -v0 --cgroup-root nonsense
	[[ $output == *"--cgroup-root: nonsense is neither"* ]]
}

@test "cgroups: a restore that fails removes what it made, and only that" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	remove_groups
	mkdir "v2/$top"
	run -1 "$stasis" restore -d -D img -v0 --action-script 'test $CRTOOLS_SCRIPT_ACTION != post-restore'
	[ -d "v2/$top" ]
	[ ! -d "v2/$top/inner" ]
}

@test "cgroups: a tree where the engine is, is not noted" {
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	sleep 0.2
	"$stasis" dump -t "$pid" -D img -v0
	[ ! -e img/cgroup.img ]
}

@test "cgroups: a set that leads out of its hierarchy, or is not there, is refused" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0
	"$crit" edit "img:cgroup.img" 'entries[0].sets[0].ctls[0].path=/../x' --in-place
	run -1 "$stasis" restore -d -D img -v0
	[[ $output == *"cgroup.img: group /../x leads out of its hierarchy"* ]]
	"$crit" edit "img:cgroup.img" "entries[0].sets[0].ctls[0].path=/$top" 'entries[0].sets[0].id=99' --in-place
	run -1 "$stasis" restore -d -D img -v0
	[[ $output == *"cgroup.img has no set "*", which thread $pid of pid $pid is in"* ]]
	run -1 "$stasis" restore -d -D img -v0 --manage-cgroups=sometimes
	[[ $output == *"--manage-cgroups: sometimes is none of ignore"* ]]
}

@test "--freeze-cgroup: a frozen tree is dumped, and frozen as before where it lives on" {
	[ -e "v2/$top/cgroup.freeze" ] || skip "no freezer in cgroup v2 (before Linux 5.2)"
	start_tree
	echo 1 >"v2/$top/cgroup.freeze"
	"$stasis" dump -t "$pid" -D img -v0 -R --freeze-cgroup "$PWD/v2/$top"
	[ "$(cat "v2/$top/cgroup.freeze")" = 1 ]
	run -1 "$stasis" dump -t 4194303 -D img -v0 --freeze-cgroup "$PWD/v2/$top"
	[ "$(cat "v2/$top/cgroup.freeze")" = 1 ]
	"$stasis" dump -t "$pid" -D img -v0 --freeze-cgroup "$PWD/v2/$top"
	[ "$(cat "v2/$top/cgroup.freeze")" = 0 ]
	run -1 "$stasis" dump -t $$ -D img -v0 --freeze-cgroup "$PWD"
	[[ $output == *"neither freezer.state nor cgroup.freeze"* ]]
}

# inside_view PID: where the process is, as its own cgroup namespace has it
inside_view() { nsenter -t "$1" --cgroup grep '^0::' "/proc/$1/cgroup" | cut -d: -f3; }

@test "cgroups: a cgroup namespace begins where it began, above the tree's own group" {
	unshare --cgroup true || skip "no cgroup namespaces"
	setsid bash -c 'echo $$ >"$0/cgroup.procs"; exec unshare --cgroup bash -c \
		"echo \$\$ >\"\$0/inner/cgroup.procs\"; exec sleep 1000" "$0"' \
		"v2/$top" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(group_of "$pid")" = "/$top/inner" ]; do sleep 0.01; done
	[ "$(inside_view "$pid")" = /inner ]
	"$stasis" dump -t "$pid" -D img -v0
	[ "$("$crit" show img/cgroup.img | grep -c "\"cgns_prefix\": $((${#top} + 1))")" = 1 ]
	remove_groups
	"$stasis" restore -d -D img -v0
	[ "$(group_of "$pid")" = "/$top/inner" ]
	[ "$(inside_view "$pid")" = /inner ]
	[ "$(readlink "/proc/$pid/ns/cgroup")" != "$(readlink /proc/self/ns/cgroup)" ]
	mkdir img2
	"$stasis" dump -t "$pid" -D img2 -v0
	remove_groups
	mkdir "v2/$top"
	"$stasis" restore -d -D img2 -v0 --cgroup-root ":/$top/moved"
	[ "$(inside_view "$pid")" = / ]
	[ "$(group_of "$pid")" = "/$top/moved" ]
}

# A task of version 1's freezer hierarchy, mounted at "set", whose child has ended: $pid, its images
dump_with_a_child_that_is_dead()
{
	mkdir set
	mount -t cgroup -o freezer none set 2>/dev/null || skip "no freezer hierarchy to be had"
	mkdir "set/$top"
	setsid bash -c 'echo $$ >"$0/cgroup.procs"; true & exec sleep 1000' "set/$top" \
		</dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(cat "/proc/$pid/comm")" = sleep ] &&
		grep -q ') Z ' "/proc/$(tr -d " " <"/proc/$pid/task/$pid/children")/stat"; do sleep 0.01; done
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
}

take_away_set()
{
	until rmdir "set/$top" "set/$top.moved"; do sleep 0.1; [ $((tries += 1)) -lt 30 ] || break; done
	umount set
}

@test "cgroups: who is dead, of whom version 1 says that it is in the root, goes where its parent goes" {
	dump_with_a_child_that_is_dead
	run ! grep -q '"path": "/"' <("$crit" show img/cgroup.img | grep -A 1 '"name": "freezer"')
	run "$stasis" restore -d -D img -v0 --cgroup-root "freezer:/$top.moved"
	where=$(grep :freezer: "/proc/$pid/cgroup") || true
	dead=$(cat "/proc/$pid/task/$pid/children") || true
	kill -KILL "$pid" || true
	take_away_set
	[ "$status" = 0 ]
	[ -n "$dead" ]
	[ "$where" = "${where%%:*}:freezer:/$top.moved" ]
}

@test "cgroups: a set of the dead alone, in the root of a hierarchy as CRIU stores it, moves nobody" {
	dump_with_a_child_that_is_dead
	dead=$("$crit" show img/pstree.img | grep -oE '"pid": [0-9]+' | tail -n 1 | tr -dc 0-9)
	"$crit" edit --in-place img \
		--append 'cgroup.img: entries[0].sets={"id": 77, "ctls": [{"name": "freezer", "path": "/"}]}' \
		--append 'cgroup.img: entries[0].controllers[cnames[0]=freezer].dirs={"dir_name": "", "children": [{"dir_name": "'"$top.alien"'"}]}' \
		"core-$dead.img: entries[0].tc.cg_set=77"
	run "$stasis" restore -d -D img -v0 --cgroup-root "freezer:/$top.moved"
	where=$(grep :freezer: "/proc/$pid/cgroup") || true
	inside=$(find "set/$top.moved" -mindepth 1 -type d) || true
	kill -KILL "$pid" || true
	[ -z "$inside" ] || rmdir "$inside" || true
	take_away_set
	[ "$status" = 0 ]
	[ "$where" = "${where%%:*}:freezer:/$top.moved" ]
	[ -z "$inside" ]
}

@test "cgroups: the root of a cpuset hierarchy comes back below it, beside other groups" {
	mkdir set
	mount -t cgroup -o cpuset none set 2>/dev/null || skip "no cpuset hierarchy to be had"
	mkdir "set/$top"
	cat set/cpuset.cpus >"set/$top/cpuset.cpus"
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.01; done
	echo "$pid" >"v2/$top/cgroup.procs" # else there is nothing to note
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	run "$stasis" restore -d -D img -v0 --cgroup-root "cpuset:/$top.moved"
	where=$(grep :cpuset: "/proc/$pid/cgroup") || true
	kill -KILL "$pid" || true
	sleep 0.1
	rmdir "set/$top" "set/$top.moved" || true
	umount set
	[ "$status" = 0 ]
	[ "$where" = "${where%%:*}:cpuset:/$top.moved" ]
}

@test "cgroups: a group with threaded ones below, who may kill it, and what is watched" {
	echo threaded >"v2/$top/inner/cgroup.type"
	echo 0 >"v2/$top/inner/cgroup.pressure"
	chown 5:6 "v2/$top/inner/cgroup.kill"
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.01; done
	echo "$pid" >"v2/$top/cgroup.procs"
	"$stasis" dump -t "$pid" -D img -v0
	remove_groups
	"$stasis" restore -d -D img -v0
	[ "$(group_of "$pid")" = "/$top" ]
	[ "$(cat "v2/$top/cgroup.type")" = "domain threaded" ]
	[ "$(cat "v2/$top/inner/cgroup.type")" = threaded ]
	[ "$(cat "v2/$top/inner/cgroup.pressure")" = 0 ]
	[ "$(stat -c %u:%g "v2/$top/inner/cgroup.kill")" = 5:6 ]
}

@test "cgroups: bursts and idleness of cpu, and bytes per second of a device" {
	mkdir cpu blkio
	mount -t cgroup -o cpu none cpu 2>/dev/null || skip "no cpu hierarchy to be had"
	mount -t cgroup -o blkio none blkio 2>/dev/null || { umount cpu; skip "no blkio hierarchy"; }
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	started+=("$pid")
	until [ "$(cat "/proc/$pid/comm")" = sleep ]; do sleep 0.01; done
	mkdir "cpu/$top" "blkio/$top"
	echo 50000 >"cpu/$top/cpu.cfs_quota_us"
	echo 20000 >"cpu/$top/cpu.cfs_burst_us"
	echo 1 >"cpu/$top/cpu.idle"
	device=$(lsblk -dnro MAJ:MIN 2>/dev/null | head -n 1)
	[ -z "$device" ] || echo "$device 1048576" >"blkio/$top/blkio.throttle.read_bps_device"
	limit=$(cat "blkio/$top/blkio.throttle.read_bps_device")
	echo "$pid" >"cpu/$top/cgroup.procs"
	echo "$pid" >"blkio/$top/cgroup.procs"
	echo "$pid" >"v2/$top/cgroup.procs"
	"$stasis" dump -t "$pid" -D img -v0
	wait "$pid" || true
	rmdir "cpu/$top" "blkio/$top"
	run "$stasis" restore -d -D img -v0
	found=$(cat "cpu/$top/cpu.cfs_burst_us" "cpu/$top/cpu.idle" \
		"blkio/$top/blkio.throttle.read_bps_device" | tr '\n' ' ')
	kill -KILL "$pid" || true
	until rmdir "cpu/$top" && rmdir "blkio/$top"; do sleep 0.1; done 2>/dev/null
	umount cpu blkio
	[ "$status" = 0 ]
	[ "$found" = "20000 1 ${limit:+$limit }" ]
}

# dirs: directories of the tree that the image has
dirs() { "$crit" show img/cgroup.img | grep -c "\"dir_name\": \"$top"; }

@test "--cgroup-dump-controller: groups of other hierarchies are not stored" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0 -R --cgroup-dump-controller none-such --cgroup-dump-controller ""
	[ "$(dirs)" = 1 ]
	"$stasis" dump -t "$pid" -D img -v0 --cgroup-dump-controller none-such
	[ "$(dirs)" = 0 ]
}

# Mere directories stand for mounts here: whoever clears them away must not get at groups of the host.
@test "--cgroup-yard: hierarchies are where it says" {
	start_tree
	mkdir -p "yard/unified/$top/inner"
	echo 77 >"yard/unified/$top/inner/cgroup.max.depth"
	touch yard/unified/cgroup.procs "yard/unified/$top/cgroup.procs" "yard/unified/$top/inner/cgroup.procs"
	"$stasis" dump -t "$pid" -D img -v0 --cgroup-yard "$PWD/yard" --cgroup-dump-controller ""
	"$crit" show img/cgroup.img | grep -A 1 '"name": "cgroup.max.depth"' | grep -q '"value": "77"'
	wait "$pid" || true
	"$stasis" restore -d -D img -v0 --cgroup-yard "$PWD/yard"
	[ -s "yard/unified/$top/inner/cgroup.procs" ]
	[ "$(group_of "$pid")" = "$(group_of $$)" ]
	kill -KILL "$pid" "$child" "$second"
	mv yard/unified yard/other
	run -1 "$stasis" restore -d -D img -v0 --cgroup-yard "$PWD/yard"
	[[ $output == *"--cgroup-yard: unified: No such file or directory"* ]]
}

# stored: control files that the image has of $top/inner
stored() { "$crit" show img/cgroup.img | grep -oE '"name": "cgroup.(max|stat)[a-z.]*"' | sort -u; }

@test "--cgroup-props: control files are stored beside those known, or instead of them" {
	start_tree
	"$stasis" dump -t "$pid" -D img -v0 -R
	[[ $(stored) == *cgroup.max.depth* && $(stored) != *cgroup.stat* ]]
	"$stasis" dump -t "$pid" -D img -v0 -R \
		--cgroup-props '"cgroup": - "strategy": "merge" - "properties": ["cgroup.stat"]'
	[[ $(stored) == *cgroup.max.depth* && $(stored) == *cgroup.stat* ]]
	printf '"cgroup":\n - "strategy": "replace"\n - "properties": ["cgroup.max.descendants"]\n' >spec
	"$stasis" dump -t "$pid" -D img -v0 -R --cgroup-props-file spec
	[ "$(stored)" = '"name": "cgroup.max.descendants"' ]
	echo 8 >"v2/$top/inner/cgroup.max.descendants"
	"$stasis" dump -t "$pid" -D img -v0 --cgroup-props-file spec
	remove_groups
	"$stasis" restore -d -D img -v0
	[ "$(cat "v2/$top/inner/cgroup.max.descendants")" = 8 ]
}

@test "--cgroup-props: what is no specification names the line" {
	start_tree
	local bad
	for bad in cpu '"cpu": - "strategy": "join"' '"cpu": - "properties": ["a" "b"]' \
		'"cpu": - "properties": ["../a"]' '"cpu' '"cpu": - "colour": "red"'; do
		run -1 "$stasis" dump -t "$pid" -D img -v0 --cgroup-props "$bad"
		[ "${#lines[@]}" = 1 ]
		[[ $output == *--cgroup-props:* ]]
	done
	printf '\n\ncpu = 1\n' >spec
	run -1 "$stasis" dump -t "$pid" -D img -v0 --cgroup-props-file spec
	[[ $output == *"spec: line 3: ':' expected before"* ]]
	run -1 "$stasis" dump -t "$pid" -D img -v0 --cgroup-props-file none
	[[ $output == *'--cgroup-props-file'*none* ]]
	kill -0 "$pid"
}
