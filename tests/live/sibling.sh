#!/bin/bash
# SPDX-License-Identifier: MIT
# A restore of siblings (--restore-sibling, as runc asks for) into a pid namespace of the tree's own,
# and a user namespace, killed while its tasks wait for it: they see that they are alone, and end. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/sibling.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch sibling) || exit 1
pid="" reason=""
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$top"' EXIT

cat >"$top/hook" <<'END'
#!/bin/sh
[ "$CRTOOLS_SCRIPT_ACTION" != "$WANTED" ] || { touch "$TOP/reached"; exec sleep 4; }
END
chmod +x "$top/hook"

stands() { pid=$(pgrep -P "$1" -x sh) && [ -n "$(pgrep -P "$pid" -x sleep)" ]; }
# dump_it OPTION…: in a pid namespace, and such others: pid 1, which has a child
dump_it()
{
	local outer
	[ -z "$pid" ] || { kill -KILL "$pid" && until_true gone "$pid"; }
	rm -rf "$top/images"
	mkdir "$top/images"
	setsid unshare "$@" --pid --fork setsid sh -c 'sleep 1000 & wait' </dev/null >/dev/null 2>&1 &
	outer=$!
	until_true stands "$outer" || return 1
	timeout 30 "$O/stasis" dump -t "$pid" -D "$top/images" 2>"$top/err" || { reason=$(tail -n 1 "$top/err") && return 1; }
	pid=""
}

restore() { TOP=$top WANTED=${1:-} exec "$O/stasis" restore -d -S -D "$top/images" --action-script "$top/hook" 2>"$top/err"; }

# Its tasks are children of this shell, as stasis is.
ours() { pgrep -a -P $$ -x "$1"; }
without() { [ -z "$(ours "$1")" ]; }
killed() { kill -KILL "$1" 2>/dev/null; wait "$1" 2>/dev/null; }

tree_in_a_pid_namespace_is_dumped() { dump_it; }
tree_in_a_user_namespace_is_dumped()
{
	unshare --user true 2>/dev/null || { reason="no user namespaces here" && return 77; }
	dump_it --user --map-root-user
}
# Its root is borne by another process, which ends.
tasks_in_a_user_namespace_end_at_any_moment() { tasks_end_when_killed_at_any_moment; }
tree_in_a_user_namespace_comes_back_as_siblings() { tree_comes_back_as_siblings; }
tasks_end_when_killed_before_they_are_let_go()
{
	restore post-restore &
	until_true [ -e "$top/reached" ] || { reason="not reached: $(tail -n 1 "$top/err")" && return 1; }
	killed $!
	until_true without 'stasis|sh' || { reason="left: $(ours 'stasis|sh')" && return 1; }
}
# Those that are whole by then have their names.
tasks_end_when_killed_at_any_moment()
{
	local delay
	for delay in 0 .003 .006 .009 .012 .015 .02 .03; do
		restore &
		sleep $delay
		killed $!
		until_true without stasis || { reason="left after $delay s: $(ours stasis)" && return 1; }
		pkill -KILL -P $$ -x sh
		until_true without sh || return 1
	done
}
tree_comes_back_as_siblings()
{
	rm -f "$top/pid"
	"$O/stasis" restore -d -S -D "$top/images" --pidfile "$top/pid" 2>"$top/err" || { reason=$(tail -n 1 "$top/err") && return 1; }
	pid=$(cat "$top/pid")
	[ "$(pgrep -P $$ -x sh)" = "$pid" ]
}

run_tests tree_in_a_pid_namespace_is_dumped tasks_end_when_killed_before_they_are_let_go \
	tasks_end_when_killed_at_any_moment tree_comes_back_as_siblings \
	tree_in_a_user_namespace_is_dumped tasks_in_a_user_namespace_end_at_any_moment \
	tree_in_a_user_namespace_comes_back_as_siblings
