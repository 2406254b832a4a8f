#!/bin/bash
# SPDX-License-Identifier: MIT
# A tree that is only a part of its pid namespace: that stays outside (--external pid) and is given
# at the restore (--inherit-fd). Namespaces of pids, mounts and users that are joined (--join-ns). Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build} PEER=${PEER:-}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/given.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch given) && chmod 711 "$top" || exit 1
pids=() n=0 only=${1:-}

finish()
{
	[ ${#pids[@]} = 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# container OPTION…: namespaces of their own with a process in them that reaps, $last
container()
{
	unshare --fork "$@" setsid "$O/reaper" sleep 600 </dev/null >/dev/null 2>&1 &
	disown $!
	until_true pgrep -P $! -x reaper || return 1
	last=$(pgrep -P $! -x reaper)
	pids+=("$last")
}
kind_of() { stat -Lc %i "/proc/$1/ns/$2"; }
is_in() { [ "$(kind_of "$tree" "$2")" = "$(kind_of "$1" "$2")" ] || { reason="in another $2 namespace"; return 1; }; }
inner() { awk '/^NSpid/ { print $NF }' "/proc/$1/status"; }
# become NAME: the process whose environment has this LIVE_DIR, the first of it, $tree
become()
{
	tree=$(grep -lza "^LIVE_DIR=$dir\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 | while read -r p; do
		[ "$(readlink "/proc/$p/exe")" != "$O/live/$1" ] || echo "$p"
	done | sort -n | head -n 1)
	[ -n "$tree" ] && pids+=("$tree")
}
# program NAME COMMAND…: start a live test with it, in $dir
program()
{
	dir=$top/$((n += 1))
	mkdir "$dir"
	env -i PATH="$PATH" LIVE_DIR="$dir" "${@:2}" setsid "$O/live/$1" </dev/null >"$dir/out" 2>&1 &
	disown $!
	until_true [ -e "$dir/ready" ] && become "$1"
}
# dump OPTION…, restore OPTION…: with $dumper, $restorer
dumper=$O/stasis restorer=$O/stasis
dump()
{
	mkdir -p "$dir/img"
	"$dumper" dump -t "$tree" -D "$dir/img" -v4 -o dump.log "$@" >"$top/said" 2>&1 ||
		{ reason="dump: $(tail -n 1 "$top/said")"; return 1; }
	[[ " $* " == *" --leave-running "* ]] || until_true gone "$tree"
}
restore()
{
	rm -f "$dir/img/pid"
	"$restorer" restore -d -D "$dir/img" -v4 -o restore.log --pidfile pid "$@" >"$top/said" 2>&1 ||
		{ reason="restore: $(tail -n 1 "$top/said")"; return 1; }
	tree=$(cat "$dir/img/pid")
	pids+=("$tree")
}
refused() { ! "$@" || { reason="it worked"; return 1; }; }
says() { grep -qF -- "$1" "$top/said" || { reason="it said: $(cat "$top/said")"; return 1; }; }
# passes: what the program says of itself
passes()
{
	touch "$dir/go"
	until_true [ -e "$dir/verdict" ] || return 1
	read -r reason <"$dir/verdict"
	[ "$reason" = pass ]
}

container --pid && a=$last && container --pid --mount-proc && b=$last || exit 1
outside() { echo "pid[$(kind_of "$tree" pid)]:shared"; }

# moved NAME: from $a to $b, and once more
moved()
{
	program "$1" nsenter --pid="/proc/$a/ns/pid" -- || { reason="not ready: $(cat "$dir/verdict" "$dir/out")"; return 1; }
	local number
	number=$(inner "$tree")
	[ "$number" != 1 ] && dump --external "$(outside)" &&
		restore --inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/pid" && is_in "$b" pid || return 1
	[ "$(inner "$tree")" = "$number" ] || { reason="it is $(inner "$tree"), was $number"; return 1; }
	rm -r "$dir/img"
	dump --external "$(outside)" && restore --inherit-fd "fd[9]:shared" 9<"/proc/$a/ns/pid" &&
		is_in "$a" pid && passes
}
for name in task_threads task_zombie tree_sessions tree_deep files_pidfd files_pty_session files_scm \
	ns_uts_nested; do
	eval "moved_$name() { moved $name; }"
	tests+=("moved_$name")
done

# sleeper COMMAND…: a tree of one
sleeper()
{
	dir=$top/$((n += 1))
	mkdir "$dir"
	"$@" setsid sleep "1000.$$" </dev/null >/dev/null 2>&1 &
	disown $!
	until_true pgrep -x -f "sleep 1000.$$" && tree=$(pgrep -x -f "sleep 1000.$$") && pids+=("$tree")
}
end_tree()
{
	kill -KILL "$tree" && until_true gone "$tree"
}
enter_a=(nsenter --pid="/proc/$a/ns/pid")

not_said()
{
	sleeper "${enter_a[@]}" && refused dump && says "or leave it outside: --external pid[$(kind_of "$a" pid)]:NAME" &&
		dump --external "$(outside)" && refused restore && says "give one with --inherit-fd fd[N]:shared" &&
		refused restore --inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/net" && says "is no pid namespace" &&
		refused restore --inherit-fd "fd[9]:other" 9<"/proc/$b/ns/pid" && says "give one with" &&
		refused nsenter --pid="/proc/$b/ns/pid" "$O/stasis" restore -D "$dir/img" --inherit-fd "fd[9]:shared" \
			9<"/proc/$a/ns/pid" 2>"$top/said" && says "is not inside of the pid namespace of this program"
}
whole()
{
	dir=$top/$((n += 1)) tree=$a
	refused dump --external "$(outside)" && says "its pid 1 is in the tree"
}
taken()
{
	sleeper "${enter_a[@]}" && dump --external "$(outside)" --leave-running && local number
	number=$(inner "$tree")
	refused restore --inherit-fd "fd[9]:shared" 9<"/proc/$a/ns/pid" &&
		says "pid $number of the pid namespace that is given is taken by the running task \"sleep\"" &&
		end_tree
}
ended()
{
	sleeper "${enter_a[@]}" && dump --external "$(outside)" && container --pid || return 1
	exec 9<"/proc/$last/ns/pid"
	kill -KILL "$last" && until_true gone "$last" &&
		refused restore --inherit-fd "fd[9]:shared" && says "its pid 1 has ended"
	local rc=$?
	exec 9<&-
	return $rc
}
own()
{
	sleeper && dump --external "$(outside)" && local number=$tree &&
		restore --inherit-fd "fd[9]:shared" 9</proc/self/ns/pid && [ "$tree" = "$number" ] &&
		end_tree && restore --inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/pid" && is_in "$b" pid &&
		[ "$(inner "$tree")" = "$number" ] && end_tree
}
inwards()
{
	sleeper "${enter_a[@]}" && dump --external "$(outside)" && local number
	number=$(awk '/"pid"/ { print $2 + 0; exit }' <("$O/crit" show "$dir/img/pstree.img"))
	nsenter --pid="/proc/$b/ns/pid" --mount="/proc/$b/ns/mnt" "$O/stasis" restore -d -D "$dir/img" \
		--inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/pid" >"$top/said" 2>&1 || { reason=$(cat "$top/said"); return 1; }
	tree=$(pgrep -x -f "sleep 1000.$$")
	is_in "$b" pid && [ "$(inner "$tree")" = "$number" ] && end_tree
}
# hold BOX PID…: processes with these pids there
hold() { (cd "$dir/img" && nsenter --pid="/proc/$1/ns/pid" "$O/live/task_remap_pids" hold "${@:2}"); }
remapped()
{
	nsenter --pid="/proc/$a/ns/pid" sh -c 'echo 500 >/proc/sys/kernel/ns_last_pid' || return 1
	program task_threads nsenter --pid="/proc/$a/ns/pid" -- || { reason="not ready: $(cat "$dir/verdict" "$dir/out")"; return 1; }
	local number
	number=$(inner "$tree")
	dump --external "$(outside)" && hold "$b" "$number" || return 1
	refused restore --inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/pid" && says "(or use --remap-pids)" &&
		restore --remap-pids --inherit-fd "fd[9]:shared" 9<"/proc/$b/ns/pid" && is_in "$b" pid &&
		says "becomes" && says ": $number is taken by the running task \"task_remap_pids\"" || return 1
	[ "$(inner "$tree")" != "$number" ] || { reason="it has its old pid"; return 1; }
	passes
}
# What is taken on the host does not matter
remapped_joined()
{
	sleeper && dump --leave-running && local number=$tree first &&
		restore --remap-pids --join-ns "pid:$a" && is_in "$a" pid && [ "$(inner "$tree")" = "$number" ] && first=$tree &&
		restore --remap-pids --join-ns "pid:$a" && [ "$(inner "$tree")" != "$number" ] &&
		says "becomes $(inner "$tree"): $number is taken by the running task \"sleep\"" && end_tree &&
		restore --remap-pids --join-ns "pid:$$" && [ "$tree" != "$number" ] && is_in "$$" pid && end_tree &&
		container --pid && exec 9<"/proc/$last/ns/pid" && kill -KILL "$last" && until_true gone "$last" &&
		refused restore --remap-pids --join-ns "pid:/proc/$$/fd/9" && says "its pid 1 has ended"
	local rc=$?
	exec 9<&-
	kill -KILL "$number" "$first" && until_true gone "$number" && until_true gone "$first" && return "$rc"
}
# A tree of the host, and one of another container, among the pids of a container; by pid and by file
joined_pid()
{
	sleeper && dump && local number=$tree &&
		restore --join-ns "pid:$a" && is_in "$a" pid && [ "$(inner "$tree")" = "$number" ] || return 1
	rm -r "$dir/img"
	dump --external "$(outside)" && restore --join-ns "pid:/proc/$b/ns/pid" && is_in "$b" pid &&
		[ "$(inner "$tree")" = "$number" ] && refused restore --join-ns "pid:$b" &&
		says "pid $number of the pid namespace that is given is taken by" && end_tree &&
		restore --join-ns "pid:$$" && is_in "$$" pid && [ "$tree" = "$number" ] && end_tree
}
joined_program()
{
	program task_threads && dump && restore --join-ns "pid:$a" && is_in "$a" pid && passes
}
joined_badly()
{
	sleeper && dump && refused restore --join-ns "pid:/proc/$b/ns/net" && says "--join-ns pid is no pid namespace" &&
		refused restore --join-ns "mnt:/proc/$b/ns/net" && says "enter the mnt namespace that is given" &&
		refused restore --join-ns "mnt:$b" --root "$top" && says "give one of them" || return 1
	container --pid && tree=$last && local whole=$last
	dir=$top/$((n += 1))
	dump --leave-running && refused restore --join-ns "pid:$a" && says "pid 1 is in the tree" && tree=$whole && end_tree
}
# Its file is another one in the mounts of the container
joined_mounts()
{
	container --pid --mount || return 1
	local box=$last there=$top/there
	mkdir "$there" && echo 1 >"$there/data" && echo 2 >"$there/other" || return 1
	nsenter --mount="/proc/$box/ns/mnt" mount --bind "$there/other" "$there/data" || { reason="no bind mounts"; return 77; }
	sleeper env -C "$there" bash -c 'exec "$@" 8<data' - && dump &&
		restore --join-ns "mnt:$box" --join-ns "pid:$box" && is_in "$box" mnt && is_in "$box" pid || return 1
	[ "$(stat -Lc %i "/proc/$tree/fd/8")" = "$(stat -c %i "$there/other")" ] || { reason="it has the file of the host"; return 1; }
	[ "$(nsenter --mount="/proc/$tree/ns/mnt" cat "/proc/$tree/cwd/data")" = 2 ] || { reason="its directory is another"; return 1; }
	rm -r "$dir/img"
	dump --external "$(outside)" --external "mnt[/dev/shm]:shm" && restore --join-ns "mnt:/proc/$box/ns/mnt" --join-ns "pid:/proc/$box/ns/pid" &&
		is_in "$box" mnt && [ "$(cat "/proc/$tree/fd/8")" = 2 ] && end_tree
}
joined_mounts_many()
{
	sleeper unshare --mount bash -c 'unshare --mount sleep 2000 & exec "$@"' - &&
		until_true pgrep -P "$tree" -x sleep && pids+=("$(pgrep -P "$tree" -x sleep)") &&
		dump --external "mnt[/dev/shm]:shm" && refused restore --join-ns "mnt:$a" && says "lived in another mount namespace than"
}
# users MAP [deny] OPTION…: a container with ids of its own, $last
users()
{
	container --user --pid "${@:3}" || { reason="no user namespaces"; return 77; }
	[ -z "${2:-}" ] || echo deny >"/proc/$last/setgroups"
	echo "$1" >"/proc/$last/uid_map" && echo "$1" >"/proc/$last/gid_map"
}
ids_are() { [ "$(awk "/^$1:/ { print \$2, \$3 }" "/proc/$tree/status")" = "$2" ] || { reason="$1: $(grep "^$1" "/proc/$tree/status")"; return 1; }; }
joined_users()
{
	users "0 100000 1000" || return
	sleeper && dump && local number=$tree box=$last &&
		restore --join-ns "user:$box" --join-ns "pid:$box" && is_in "$box" user && is_in "$box" pid &&
		[ "$(inner "$tree")" = "$number" ] && ids_are Uid "100000 100000" && ids_are Gid "100000 100000" &&
		end_tree && restore --join-ns "user:/proc/$box/ns/user,7,8" --join-ns "pid:$box" && is_in "$box" user &&
		ids_are Uid "100000 100000" && end_tree && restore --join-ns "user:$$" && is_in "$$" user && end_tree || return 1
	program task_threads && chmod 777 "$dir" && dump && restore --join-ns "user:$box" --join-ns "pid:$box" &&
		is_in "$box" user && passes
}
# With its whole pid namespace and other namespaces, which are of the user namespace then
joined_users_whole()
{
	users "0 100000 65536" || return
	local box=$last
	dir=$top/$((n += 1))
	container --pid --uts --ipc --net && tree=$last && dump && restore --join-ns "user:$box" && is_in "$box" user &&
		[ "$(inner "$tree")" = 1 ] && ids_are Uid "100000 100000" &&
		nsenter --target "$tree" --user --uts hostname joined && end_tree
}
joined_all()
{
	local kinds=(user pid mnt net uts ipc cgroup time) kind joins=()
	users "0 100000 1000" "" --mount --net --uts --ipc --cgroup --time || return
	local box=$last
	program task_threads && chmod 777 "$dir" && dump || return 1
	for kind in "${kinds[@]}"; do joins+=(--join-ns "$kind:$box"); done
	restore "${joins[@]}" || return 1
	for kind in "${kinds[@]}"; do is_in "$box" "$kind" || return 1; done
	passes
}
joined_users_without_groups()
{
	users "0 100000 1000" deny || return
	local box=$last
	sleeper setpriv --groups 3,4 && dump && restore --join-ns "user:$box" --join-ns "pid:$box" && is_in "$box" user &&
		ids_are Groups "100003 100004" && [ "$(cat "/proc/$tree/setgroups")" = deny ] && end_tree &&
		sleeper bash -c 'setpriv --groups 5 sleep 2000 & exec "$@"' - && until_true pgrep -P "$tree" -x sleep &&
		dump && refused restore --join-ns "user:$box" --join-ns "pid:$box" && says "this task has others than"
}
joined_users_badly()
{
	users "1000 100000 1" || return
	local box=$last
	sleeper setpriv --reuid 1000 --regid 1000 --clear-groups && dump &&
		refused restore --join-ns "user:$box" && says "join a pid namespace of it, too" &&
		refused restore --join-ns "user:$box" --join-ns "pid:$a" && says "is not of that user namespace" &&
		refused restore --join-ns "user:$box" --join-ns "pid:$box" && says "--join-ns user: user id 0 is not mapped there" &&
		refused restore --join-ns "user:$box,1000" --join-ns "pid:$box" && says "is not user:FILE,UID,GID" &&
		refused restore --join-ns "user:/proc/$box/ns/pid" --join-ns "pid:$box" && says "it is no user namespace" &&
		restore --join-ns "user:$box,1000,1000" --join-ns "pid:$box" && is_in "$box" user &&
		ids_are Uid "100000 100000" && end_tree &&
		sleeper && dump && refused restore --join-ns "user:$box,1000,1000" --join-ns "pid:$box" &&
		says "(sleep): --join-ns user: user id 0 is not mapped there"
}
peer()
{
	[ -n "$PEER" ] || { reason="no PEER"; return 77; }
	dumper=$PEER && moved task_threads && dumper=$O/stasis restorer=$PEER && moved task_threads
	local rc=$?
	dumper=$O/stasis restorer=$O/stasis
	return $rc
}
run_tests "${tests[@]}" not_said whole taken ended own inwards remapped remapped_joined joined_pid joined_program joined_badly joined_mounts \
	joined_mounts_many joined_users joined_users_whole joined_all joined_users_without_groups joined_users_badly peer
