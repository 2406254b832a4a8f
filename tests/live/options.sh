#!/bin/bash
# SPDX-License-Identifier: MIT
# Options that no program of live tests is dumped with, and settings from outside: --leave-stopped in both
# directions, --evasive-devices, the core dump filter, where watched files are looked for, holes of
# deleted files, settings a kernel does not have or nobody may write, contexts of mounts, numbers that
# somebody is about to give up. In a copy of the mounts. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ "${1:-}" = alone ] || exec unshare --mount "$O/reaper" tests/live/options.sh alone
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(mktemp -d "${TMPDIR:-/tmp}/stasis-options.XXXXXX") || exit 1
pid="" reason=""
finish()
{
	[ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null
	umount -l /proc/sys/net "$top"/*/ 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -static -o "$top/holder" tests/live/options/holder.c || exit 1

state() { awk '/^State:/ { print $2 }' "/proc/$pid/status"; }
is_stopped() { [ "$(state)" = T ]; }
grows() { [ "$(stat -c %s "$top/out")" -gt "$size" ]; }
runs() { size=$(stat -c %s "$top/out") && until_true grows; }

# A program that writes a byte now and then; what $1 opens stays open as descriptor 7.
start()
{
	[ -z "$pid" ] || end 2>/dev/null
	rm -rf "$top/images" && mkdir "$top/images" && : >"$top/out"
	# shellcheck disable=SC2016
	# shellcheck disable=SC2086 # a command, or none
	setsid ${start_in:-} bash -c 'exec 7<"$1"; while :; do printf . >>"$2"; sleep 0.02; done' counter "$1" "$top/out" \
		</dev/null >/dev/null 2>&1 &
	pid=$!
	until_true [ -s "$top/out" ]
}
# begin DIRECTORY ARGUMENTS…: the other program, there
begin()
{
	[ -z "$pid" ] || end 2>/dev/null
	rm -rf "$top/images" "$top/out" && mkdir "$top/images"
	setsid env -C "$1" "$top/holder" "${@:2}" </dev/null >/dev/null 2>"$top/err" &
	pid=$!
}
engine() { timeout 30 "$O/stasis" "$@" -D "$top/images" 2>"$top/err" || { reason="$1: $(tail -n 1 "$top/err")" && return 1; }; }
end() { kill -KILL -- "-$pid" && until_true gone "-$pid" && pid=""; }

dump_leaves_the_tree_stopped()
{
	start /dev/null && engine dump -t "$pid" --leave-stopped && until_true is_stopped && kill -CONT -- "-$pid" && runs && end
}
images_of_a_stopped_tree_restore()
{
	local stopped
	start /dev/null && engine dump -t "$pid" --leave-stopped && stopped=$pid && end && engine restore -d &&
		pid=$stopped && runs && end
}
restore_leaves_the_tree_stopped()
{
	start /dev/null && engine dump -t "$pid" && until_true gone "-$pid" && engine restore -d --leave-stopped &&
		until_true is_stopped && kill -CONT -- "-$pid" && runs && end
}
core_dump_filter_is_kept()
{
	start /dev/null && echo 0x3b >"/proc/$pid/coredump_filter" && engine dump -t "$pid" && until_true gone "-$pid" &&
		engine restore -d && [ "$(cat "/proc/$pid/coredump_filter")" = 0000003b ] && end
}
device_is_opened_by_a_node_made_anew()
{
	mknod "$top/node" c 1 3 || return 1
	start "$top/node" && rm "$top/node" && mknod "$top/node" c 1 3 &&
		engine dump -t "$pid" --evasive-devices && [ ! -e "$top/images/remap-fpath.img" ] && until_true gone "-$pid" &&
		engine restore -d --evasive-devices && [ "/proc/$pid/fd/7" -ef "$top/node" ] && runs && end
}

hole_of_a_deleted_file_is_found()
{
	rm -f "$top/sparse" && truncate -s 64M "$top/sparse" && echo end >>"$top/sparse"
	start "$top/sparse" && rm "$top/sparse" && engine dump -t "$pid" --ghost-fiemap && until_true gone "-$pid" &&
		engine restore -d --ghost-fiemap && runs && [ "$(tail -c 4 "/proc/$pid/fd/7")" = end ] &&
		[ "$(stat -Lc '%s %b' "/proc/$pid/fd/7" | awk '$1 == 67108868 && $2 < 1000')" ] && end
}
# An overlay has no handles to find a file by.
watched_file_without_a_handle_is_found_where_told()
{
	mkdir "$top"/{lower,upper,work,merged} "$top/lower/deep" && : >"$top/lower/deep/file"
	mount -t overlay -o "lowerdir=$top/lower,upperdir=$top/upper,workdir=$top/work" none "$top/merged" 2>/dev/null ||
		{ reason="no overlay file system here" && return 77; }
	local file=$top/merged/deep/file
	echo >"$file" # it is in the upper layer from now on
	begin / watch "$file" "$top/out"
	until_true [ -s "$top/out" ] || return 1
	! engine dump -t "$pid" && [[ $reason == *"no path was found"*--irmap-scan-path* ]] &&
		engine dump -t "$pid" --irmap-scan-path /dev --irmap-scan-path "$top/merged" && until_true gone "-$pid" &&
		engine restore -d && size=$(stat -c %s "$top/out") && echo >"$file" && until_true grows && end
}
# Its handle leads to a name that is hidden by another mount; another name of it is in the current
# directory of the one that watches.
watched_file_is_looked_for_though_it_has_a_handle()
{
	local file=$top/open/file
	mkdir "$top"/{hidden,open} && : >"$top/hidden/file" && ln "$top/hidden/file" "$file" || return 1
	begin "$top/open" watch "$top/hidden/file" "$top/out"
	until_true [ -s "$top/out" ] && mount -t tmpfs none "$top/hidden" &&
		engine dump -t "$pid" --force-irmap && until_true gone "-$pid" && cp "$file" "$file.new" && mv "$file.new" "$file" &&
		engine restore -d && size=$(stat -c %s "$top/out") && echo >"$file" && until_true grows && end
}
setting_this_kernel_lacks_is_no_error()
{
	start_in="unshare --net" start /dev/null && engine dump -t "$pid" && until_true gone "-$pid" &&
		mount -t tmpfs none /proc/sys/net && ! engine restore -d && [[ $reason == */proc/sys/net/*"No such file"* ]] &&
		engine restore -d --weak-sysctls && umount /proc/sys/net && runs && end
}
# Without SELinux no mount can have a context: the kernel refuses the one that was asked for.
context_of_a_mount_is_replaced()
{
	[ ! -e /sys/fs/selinux/enforce ] || { reason="SELinux would take it" && return 77; }
	mkdir -p "$top/box/labelled" && cp "$top/holder" "$top/box" && begin / box "$top/box"
	local mounts
	until_true [ "/proc/$pid/exe" -ef "$top/box/holder" ] && engine dump -t "$pid" && until_true gone "-$pid" || return 1
	pid="" mounts=$(basename "$top/images"/mountpoints-*)
	"$O/crit" edit "$top/images:$mounts" --in-place \
		'entries[mountpoint=/labelled].options=fscontext=u:r:x:s0,context="u:r:first:s0"' >/dev/null || return 1
	! engine restore -d --root "$top/box" && [[ $reason == *'"u:r:first:s0"'* ]] &&
		! engine restore -d --root "$top/box" --lsm-mount-context u:r:other:s0 && [[ $reason == *fscontext=u:r:x:s0,context='"u:r:other:s0"'*SELinux* ]]
}
# Pids are chosen without a setting that containers may not write, and that others fork by meanwhile.
peer_is_named_where_settings_are_read_only()
{
	reason=$(unshare --mount sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys &&
		exec tests/live/run -m SS net_unix_cred')
	[[ $reason == "ok 1 "* ]]
}
# Looking at what waits in the socket takes the error.
error_of_a_socket_is_told_of_before_it_is_gone()
{
	[ -z "$pid" ] || end 2>/dev/null
	rm -rf "$top/images" && mkdir "$top/images"
	setsid "$O/refused" datagram-refused </dev/null >"$top/out" 2>"$top/err" &
	pid=$!
	until_true grep -q ready "$top/out" || return 1
	engine dump -t "$pid" && grep -q "is a socket with an error that waits" "$top/err" || return 1
	pid=""
}
# Its holder is dead, and waited for later.
number_of_a_thread_that_is_given_up_soon_is_waited_for()
{
	local tids
	[ -z "$pid" ] || end 2>/dev/null
	rm -rf "$top/images" && mkdir "$top/images"
	setsid "$O/refused" has-thread </dev/null >"$top/out" 2>"$top/err" &
	pid=$!
	until_true grep -q ready "$top/out" || return 1
	tids=("/proc/$pid/task"/*)
	tid=${tids[-1]##*/}
	[ "$tid" != "$pid" ] && engine dump -t "$pid" && until_true gone "-$pid" || return 1
	"$O/live/task_remap_pids" hold-dead "$tid" 500 &
	disown $!
	until_true grep -q '^State:.Z' "/proc/$tid/status" && engine restore -d && [ -d "/proc/$pid/task/$tid" ] && end
}
# In a user namespace, so that it is nobody else's.
limit_of_watches_is_named()
{
	unshare --user true 2>/dev/null || { reason="no user namespaces here" && return 77; }
	: >"$top/watched"
	begin / watch "$top/watched" "$top/out"
	until_true [ -s "$top/out" ] && engine dump -t "$pid" && until_true gone "-$pid" || return 1
	pid="" && : >"$top/err" # which it has open
	# shellcheck disable=SC2016
	reason=$(unshare --user --map-root-user --pid --fork --mount-proc sh -c 'echo 0 >/proc/sys/user/max_inotify_watches
		exec "$0" restore -d -D "$1"' "$O/stasis" "$top/images" 2>&1)
	[[ $reason == *"watch $top/watched (raise the limit of watches: fs.inotify.max_user_watches by sysctl): No space"* ]]
}

run_tests dump_leaves_the_tree_stopped images_of_a_stopped_tree_restore restore_leaves_the_tree_stopped \
	core_dump_filter_is_kept device_is_opened_by_a_node_made_anew \
	hole_of_a_deleted_file_is_found watched_file_without_a_handle_is_found_where_told \
	watched_file_is_looked_for_though_it_has_a_handle setting_this_kernel_lacks_is_no_error \
	context_of_a_mount_is_replaced \
	peer_is_named_where_settings_are_read_only error_of_a_socket_is_told_of_before_it_is_gone \
	number_of_a_thread_that_is_given_up_soon_is_waited_for limit_of_watches_is_named
