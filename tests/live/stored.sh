#!/bin/bash
# SPDX-License-Identifier: MIT
# A process comes back from its set compressed, packed and unpacked, through JSON, written again,
# squashed from a chain, and finds all its memory as it was. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/stored.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch stored) || exit 1
stasis=$O/stasis crit=$O/crit
n=0 pid=""

finish()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# The forms: from $1/set make $1/stored.
compressed() { "$crit" compress -l 1 -o "$1/stored" "$1/set"; }
decompressed() { "$crit" compress "$1/set" && "$crit" decompress -o "$1/stored" "$1/set"; }
packed()
{
	"$crit" pack -o "$1/set.tar.zst" "$1/set" && rm -r "$1/set" &&
		"$crit" unpack -C "$1/stored" "$1/set.tar.zst"
}
as_json()
{
	"$crit" decode --all -o "$1/json" "$1/set" && "$crit" encode --all -o "$1/stored" "$1/json" &&
		diff -r "$1/set" "$1/stored"
}
recoded() { "$crit" recode -o "$1/stored" "$1/set"; }
# the set becomes the parent of one that has none of its pages itself
squashed()
{
	local map
	cp -r "$1/set" "$1/child" && ln -s ../set "$1/child/parent" || return 1
	for map in "$1"/child/pagemap-*.img; do
		"$crit" decode "$map" | sed 's/"flags": 4/"flags": 5/g; s/"flags": 6/"flags": 7/g' >"$1/map.json" &&
			"$crit" encode -i "$1/map.json" -o "$map" || return 1
	done
	truncate -s 0 "$1"/child/pages-*.img
	"$crit" squash -o "$1/stored" "$1/child" && rm -r "$1/child" && diff -r "$1/set" "$1/stored"
}

# round PROGRAM FORM: set pid and reason
round()
{
	local dir=$top/$1-$2
	mkdir -p "$dir/set"
	(cd "$dir" && exec env -i LIVE_DIR="$dir" setsid "$O/live/$1" </dev/null >out 2>&1 3>&-) &
	pid=$!
	disown "$pid"
	until_true [ -e "$dir/ready" ] || { reason="not ready"; return; }
	"$stasis" dump -t "$pid" -D "$dir/set" 2>"$dir/err" || { reason="dump: $(cat "$dir/err")"; return; }
	rm -f "$dir/set/"*.log
	until_true gone "$pid" || return
	"$2" "$dir" >"$dir/err" 2>&1 || { reason="$2: $(cat "$dir/err")"; return; }
	"$stasis" restore -d -D "$dir/stored" 2>"$dir/err" || { reason="restore: $(cat "$dir/err")"; return; }
	touch "$dir/go"
	until_true [ -e "$dir/verdict" ] || { reason="no verdict"; return; }
	read -r reason <"$dir/verdict"
	[ "$reason" != pass ] || reason=""
}

for form in compressed decompressed packed as_json recoded squashed; do
	for program in mem_kinds mem_shared; do
		n=$((n + 1)) reason=""
		round $program $form
		if [ -z "$reason" ]; then
			echo "ok $n $program restored from its set $form"
		else
			echo "not ok $n $program restored from its set $form"
			echo "# $reason"
		fi
		kill -KILL "$pid" 2>/dev/null
	done
done
echo "1..$n"
