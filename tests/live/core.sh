#!/bin/bash
# SPDX-License-Identifier: MIT
# A debugger sees the same in the core of a dump as in the living process before it: threads,
# backtraces, registers, auxiliary vector, mapped files. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
command -v gdb >/dev/null || { echo "1..0 # SKIP gdb is not installed"; exit 0; }
dir=$(mktemp -d) || exit 1
pid=
trap '[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
exe=$O/live/task_threads
LIVE_DIR=$dir setsid "$exe" </dev/null >"$dir/out" 2>&1 &
pid=$!
disown "$pid"
for _ in $(seq 500); do [ -e "$dir/ready" ] && break; sleep 0.01; done
[ -e "$dir/ready" ] || { echo "not ok 1 - the program is ready"; echo 1..1; exit 1; }

cat >"$dir/commands" <<'END'
set pagination off
set print thread-events off
set print address off
set print frame-arguments none
echo == threads\n
info threads
echo == backtraces\n
thread apply all -s bt
echo == registers\n
thread apply all -q p/x $sp
thread apply all -q p/x $rbx
thread apply all -q p $xmm3.uint128
thread apply all -q p/x $mxcsr
echo == auxv\n
info auxv
END
# view: what gdb says, without what may differ: names of threads, and how a stopped call looks
view()
{
	gdb -q -nx -batch -x "$dir/commands" "$@" 2>"$dir/gdb.err" | sed -n '/^== threads/,$p' \
		| sed -E 's/"[^"]*"\)?//; s/ +/ /g; s/^([#* ]*[0-9]+ .*LWP [0-9]+\)).*/\1/; s/\)?:$//
			/AT_NULL|^\[Inferior/d; s/ at [^ ]*:[0-9]+//; s/^Thread [0-9]+ \(Thread [^ ]* \(LWP ([0-9]+)\)*.*/LWP \1/'
}
# left stopped, the living process is looked at in exactly the state that was dumped
"$O/stasis" dump -s -j -t "$pid" -D "$dir" -o dump.log || { echo "not ok 1 - dump"; echo 1..1; exit 1; }
view -p "$pid" "$exe" >"$dir/living"
kill -KILL "$pid"
"$O/crit" core -p "$pid" -o "$dir" "$dir" >"$dir/core.out" || { echo "not ok 1 - crit core"; echo 1..1; exit 1; }
view "$exe" "$dir/core.$pid" >"$dir/dead"
n=0 failed=0
for part in threads backtraces registers auxv; do
	n=$((n + 1))
	for side in living dead; do
		sed -n "/^== $part/,/^== /p" "$dir/$side" | grep -v '^==' >"$dir/$side.$part"
	done
	if [ -s "$dir/living.$part" ] && cmp -s "$dir/living.$part" "$dir/dead.$part"; then
		echo "ok $n - gdb sees the same $part"
	else
		failed=1
		echo "not ok $n - gdb sees the same $part"
		diff "$dir/living.$part" "$dir/dead.$part" | head -n 20 | sed 's/^/# /'
	fi
done
n=$((n + 1))
if gdb -q -nx -batch -ex 'info proc mappings' "$exe" "$dir/core.$pid" 2>/dev/null | grep -q "$exe"; then
	echo "ok $n - mapped files are named"
else
	failed=1
	echo "not ok $n - mapped files are named"
fi
echo "1..$n"
exit $failed
