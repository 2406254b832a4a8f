#!/bin/bash
# SPDX-License-Identifier: MIT
# A debugger sees the same in the core of a dump as in the living process before it: threads,
# backtraces, registers, auxiliary vector, mappings. So does crit stack. Prints TAP.
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
gdb -q -nx -batch -ex 'info proc mappings' -p "$pid" "$exe" 2>/dev/null >"$dir/mappings"
unset DEBUGINFOD_URLS
command -v eu-stack >/dev/null && eu-stack -p "$pid" >"$dir/living.eu" 2>/dev/null
kill -KILL "$pid"
"$O/crit" core -p "$pid" -o "$dir" "$dir" >"$dir/core.out" || { echo "not ok 1 - crit core"; echo 1..1; exit 1; }
view "$exe" "$dir/core.$pid" >"$dir/dead"
n=0 failed=0
# part NAME: files living.NAME and dead.NAME are the same
part()
{
	n=$((n + 1))
	if [ -s "$dir/living.$1" ] && cmp -s "$dir/living.$1" "$dir/dead.$1"; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		diff "$dir/living.$1" "$dir/dead.$1" | head -n 20 | sed 's/^/# /'
	fi
}
for name in threads backtraces registers auxv; do
	for side in living dead; do
		sed -n "/^== $name/,/^== /p" "$dir/$side" | grep -v '^==' >"$dir/$side.$name"
	done
	part $name "gdb sees the same $name"
done
# mapped files: of a core gdb lists only these, and no protection
files() { sed -En 's|^ +(0x[0-9a-f]+) +(0x[0-9a-f]+) +(0x[0-9a-f]+) +(0x[0-9a-f]+) (.* )?(/.*)|\1 \2 \3 \4 \6|p'; }
files <"$dir/mappings" >"$dir/living.files"
gdb -q -nx -batch -ex 'info proc mappings' "$exe" "$dir/core.$pid" 2>/dev/null | files >"$dir/dead.files"
part files "gdb sees the same mapped files"
# all of memory, neighbours joined
ranges()
{
	/usr/bin/python3 -c 'import sys
end = None
for a, b in sorted((int(a, 16), int(b, 16)) for a, b in (line.split() for line in sys.stdin)):
    if a != end:
        print("" if end is None else "-%x\n" % end, end="")
        print("%x" % a, end="")
    end = b
print("-%x" % end)'
}
sed -En '/vsyscall/d; s/^ +(0x[0-9a-f]+) +(0x[0-9a-f]+) .*/\1 \2/p' "$dir/mappings" | ranges >"$dir/living.memory"
readelf -lW "$dir/core.$pid" | awk '$1 == "LOAD" && $3 !~ /^0xf/ { print $3, $6 }' | while read -r start len; do
	printf '0x%x 0x%x\n' "$start" $((start + len))
done | ranges >"$dir/dead.memory"
part memory "every mapping is a segment"
# thread, number, address, function; of the innermost not the address: a call that was interrupted is
# stored as about to start
frames()
{
	awk '$1 == "TID" || $1 == "thread" { thread = $2; sub(":", "", thread) }
		/^ *#/ { name = $3; sub(/[+@].*/, "", name); print thread, $1, $1 == "#0" ? "" : $2, name }' | sort
}
if [ -s "$dir/living.eu" ]; then
	frames <"$dir/living.eu" >"$dir/living.stack"
	"$O/crit" stack "$dir" | frames >"$dir/dead.stack"
	part stack "crit stack says what eu-stack says of the living"
	eu-stack --core="$dir/core.$pid" -e "$exe" 2>/dev/null | frames >"$dir/dead.stack"
	part stack "eu-stack says of the core what it says of the living"
else
	n=$((n + 2))
	echo "ok $((n - 1)) - crit stack # SKIP eu-stack is not installed"
	echo "ok $n - eu-stack of the core # SKIP eu-stack is not installed"
fi
# names PROGRAM: the files of its mappings as /proc had them, and as the core has them
names()
{
	local run=$dir/$1 range offset path
	mkdir "$run"
	LIVE_DIR=$run setsid "$O/live/$1" </dev/null >"$run/out" 2>&1 &
	pid=$!
	disown "$pid"
	for _ in $(seq 500); do [ -e "$run/ready" ] && break; sleep 0.01; done
	while read -r range _ offset _ _ path; do
		[[ $path == /* ]] || continue
		printf '0x%x 0x%x 0x%x 0x%x %s\n' "0x${range%-*}" "0x${range#*-}" \
			$((0x${range#*-} - 0x${range%-*})) "0x$offset" "$path"
	done <"/proc/$pid/maps" >"$dir/living.$1"
	"$O/stasis" dump -j -t "$pid" -D "$run" -o dump.log && "$O/crit" core -p "$pid" -o "$run" "$run" >"$run/core.out"
	gdb -q -nx -batch -ex 'info proc mappings' -c "$run/core.$pid" 2>/dev/null | files >"$dir/dead.$1"
}
for program in mem_sysv files_ghost_exe; do
	names $program
	grep -q ' (deleted)$' "$dir/living.$program" || : >"$dir/living.$program"
	part $program "a core names the mapped files of $program as the kernel does"
done
echo "1..$n"
exit $failed
