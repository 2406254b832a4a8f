#!/bin/bash
# SPDX-License-Identifier: MIT
# podman container checkpoint and restore with stasis as its criu, beside PEER, in turns: what podman
# says it took, and for how long the container stood still. Prints a table; nothing without podman.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/bench/podman.sh" "$@"
PASSES=${PASSES:-5}
for program in podman runc conmon; do
	command -v "$program" >/dev/null || { echo "(containers: $program is not installed)"; exit 0; }
done
dir=$(mktemp -d /var/tmp/stasis-bench.XXXXXX) || exit 1
mkdir "$dir/bin" "$dir/rootfs" "$dir/rootfs/tmp"
cp "$O/counter" "$dir/rootfs/counter"
export PATH=$dir/bin:$PATH

p()
{
	timeout -k 5 120 podman --root "$dir/root" --runroot "$dir/run" --cgroup-manager=cgroupfs \
		--runtime runc --events-backend=file "$@"
}

finish()
{
	p rm -fat0 >/dev/null 2>&1
	umount -R "$dir/root/overlay" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

# note WHO FILE: microseconds of "NAME": N lines of podman's statistics
note()
{
	sed -n 's/^ *"\([a-z_]*\)": *\([0-9]*\),\{0,1\}$/\1 \2/p' "$2" | while read -r name value; do
		echo "$value" >>"$dir/$1.$name"
	done
}

# pass WHO TOOL
pass()
{
	ln -sfn "$2" "$dir/bin/criu"
	p container checkpoint --print-stats bench >"$dir/out" 2>"$dir/err" && note "$1" "$dir/out" &&
		p container restore --print-stats bench >"$dir/out" 2>"$dir/err" && note "$1" "$dir/out" && return
	echo "containers: $1 failed: $(tail -n 1 "$dir/err")"
	exit 1
}

# median WHO NAME: in milliseconds
median()
{
	sort -n "$dir/$1.$2" | awk '{ v[NR] = $1 } END { printf "%.1f\n", v[int((NR + 1) / 2)] / 1000 }'
}

row()
{
	local what=$1 name=$2 ours peer
	ours=$(median ours "$name") peer=-
	[ -z "${PEER:-}" ] || peer=$(median peer "$name")
	printf '%-34s %10s %10s %8s\n' "$what" "$ours" "$peer" \
		"$(awk -v a="$peer" -v b="$ours" 'BEGIN { if (a == "-" || !b) print "-"; else printf "%.1f", a / b }')"
}

if ! { tar -C "$dir/rootfs" -c . | p import - counter &&
	p run -d --name bench --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
		counter /counter 8088; } >/dev/null 2>"$dir/err"; then
	echo "(containers: none runs here: $(tail -n 1 "$dir/err"))"
	exit 0
fi
for ((i = 1; i <= PASSES; i++)); do
	pass ours "$O/stasis"
	[ -z "${PEER:-}" ] || pass peer "$PEER"
done
echo "Checkpoint and restore of a container by podman, median ms of $PASSES passes, in turns"
printf '%-34s %10s %10s %8s\n' "" ours peer x
row "podman checkpoint" podman_checkpoint_duration
row "  of which runc and the engine" runtime_checkpoint_duration
row "  the container stands still" frozen_time
row "podman restore" podman_restore_duration
row "  of which runc and the engine" runtime_restore_duration
row "  the engine alone" restore_time
