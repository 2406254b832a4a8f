# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2154 # top, measure and O are of tests/bench/run, which reads this file
# Every command of crit on a whole set: with 1 GiB of memory, time, bytes a second and peak memory
# beside other tools; and on a minimal one, beside /bin/true.

# dump_load LOAD: a process of tests/bench/load into $top/LOAD; sets pid
dump_load()
{
	mkdir -p "$top/run.$1" "$top/$1"
	start "$top/run.$1" "$1" &
	pid=$!
	disown "$pid"
	wait_file "$top/run.$1/ready" && "$O/stasis" dump -t "$pid" -D "$top/$1" 2>>"$top/noise"
}

# NAME|PAGES|ARGUMENTS: PAGES is how often the command goes over the pages. {S} the set, {P} the
# process, {T} a second set, {J} the set as JSON, {Z} compressed, {A} an archive of it, {O} an
# empty folder. The last four are made on the way.
commands=(
	"inspect|0|inspect --all {S}"
	"report|0|report -o {O}/x.html {S}"
	"mem|0|mem {S}"
	"ls|0|ls {S}"
	"x rss|0|x {S} rss"
	"show|0|show {S}/pstree.img"
	"info|0|info {S}/pstree.img"
	"grep text|1|grep -s no-such-text-anywhere {S}"
	"grep regex|1|grep -r no-such[0-9]+text {S}"
	"strings|1|strings -n 4096 {S}"
	"pages|1|pages -p {P} --kind anon -o {O}/pages {S}"
	"core|1|core -p {P} -o {O} {S}"
	"stack|0|stack {S}"
	"diff pages|2|diff --pages {S} {T}"
	"verify|0|verify {S}"
	"audit|1|audit {S}"
	"compat|0|compat {S}"
	"edit|1|edit -o {O}/edited {S}:core-{P}.img entries[0].tc.comm=other"
	"remap|1|remap --comm load=other -o {O}/remapped {S}"
	"decode all|1|decode --all -o {O}/json {S}"
	"encode all|1|encode --all -o {O}/set {J}"
	"recode|1|recode -o {O}/recoded {S}"
	"convert|1|convert --to 4.2 -o {O}/converted {S}"
	"export|0|export --sqlite {O}/x.db {S}"
	"compress|0|compress -l 1 -o {O}/z {S}"
	"decompress|0|decompress -o {O}/plain {Z}"
	"grep compressed|0|grep -s no-such-text-anywhere {Z}"
	"pack|1|pack -o {O}/x.tar {S}"
	"unpack|1|unpack -C {O} {A}"
	"grep archive|1|grep -s no-such-text-anywhere {A}"
	"squash|1|squash -o {O}/squashed {S}"
)

# each_command SET FUNCTION PASSES: call FUNCTION NAME PAGES with the command line in $words
each_command()
{
	local set=$1 row name pages args out=$top/out pass
	for row in "${commands[@]}"; do
		IFS='|' read -r name pages args <<<"$row"
		"$O/crit" --rows | grep -q "^${args%% *}"$'\t' || continue
		args=${args//\{S\}/$set}
		args=${args//\{T\}/$set.second}
		args=${args//\{J\}/$set.json}
		args=${args//\{Z\}/$set.z}
		args=${args//\{A\}/$set.tar}
		args=${args//\{P\}/$pid}
		read -r -a words <<<"${args//\{O\}/$out}"
		for ((pass = 0; pass < $3; pass++)); do
			rm -rf "$out"
			mkdir "$out"
			"$2" "$name" "$pages"
		done
	done
	rm -rf "$out"
}

# The other forms of a set.
forms_of()
{
	cp -al "$1" "$1.second" && "$O/crit" decode --all -o "$1.json" "$1" \
		&& "$O/crit" compress -l 1 -o "$1.z" "$1" && "$O/crit" pack -o "$1.tar" "$1"
} >>"$top/sets.out" 2>>"$top/noise"

# timed NAME PAGES: grep and diff say with status 1 that they found nothing, or something
timed()
{
	[ "$group" = small ] && "$measure" "$top/true.$1" /bin/true
	"$measure" "$top/$group.$1" "$O/crit" "${words[@]}" >>"$top/sets.out" 2>"$top/said"
	local status=$?
	[ $status = 0 ] || [[ $status = 1 && $1 =~ ^(grep|diff) && ! -s $top/said ]] \
		|| { echo "crit ${words[*]}: status $status: $(head -n 1 "$top/said")" >&2; touch "$top/sets.failed"; }
}

# peer_timed NAME COMMAND…: in PEER_SECONDS; what did not come to its end has no time
peer_timed()
{
	local name=$1
	shift
	timeout -k 1 "${PEER_SECONDS:-300}" "$measure" "$top/peer.$group.$name" "$@" \
		>>"$top/sets.out" 2>"$top/said" && return
	echo "peer: $*: status $?: $(tail -n 1 "$top/said")" >&2
	rm -f "$top/peer.$group.$name"
}

# What other tools can do with the same set.
sets_peers()
{
	local coredump checkpointctl
	read -r -a coredump <<<"$PEER_COREDUMP"
	read -r -a checkpointctl <<<"$PEER_CHECKPOINTCTL"
	mkdir -p "$top/peer"
	[ ${#coredump[@]} -gt 0 ] && peer_timed core "${coredump[@]}" -i "$1" -p "$pid" -o "$top/peer"
	if [ ${#checkpointctl[@]} -gt 0 ]; then
		mkdir -p "$top/export"
		ln -s "$1" "$top/export/checkpoint"
		ln -s "$1/stats-dump" "$top/export/stats-dump"
		echo '{}' >"$top/export/config.dump"
		echo '{}' >"$top/export/spec.dump"
		tar -chf "$top/export.tar" -C "$top/export" .
		peer_timed "grep archive" "${checkpointctl[@]}" memparse -p "$pid" \
			--search no-such-text-anywhere "$top/export.tar"
		peer_timed inspect "${checkpointctl[@]}" inspect --all "$top/export.tar"
	fi
	rm -rf "$top/peer" "$top/export" "$top/export.tar"
}

# large_row NAME PAGES
large_row()
{
	local ms mib speed=- note=
	ms=$(median "$top/$group.$1" 1) mib=$(median "$top/$group.$1" 2)
	[ "$2" = 0 ] || speed=$(awk -v ms="$ms" -v n="$2" 'BEGIN { printf "%.1f\n", n * 1000 / ms }')
	awk -v mib="$mib" 'BEGIN { exit !(mib > 64) }' && note="over 64 MiB"
	printf '%-26s %10s %10s %10s' "$1" "$ms" "$speed" "$mib"
	peer_columns "$1" "$ms"
	printf '%s\n' "${note:+  $note}"
}

# peer_columns NAME OURS: what another tool took for the same
peer_columns()
{
	local peer=$top/peer.$group.$1
	[ -s "$peer" ] && printf ' %10s %10s %8s' "$(median "$peer" 1)" "$(median "$peer" 2)" \
		"$(ratio "$(median "$peer" 1)" "$2")"
}

peer_titles()
{
	[ -n "$PEER_COREDUMP$PEER_CHECKPOINTCTL" ] && printf ' %10s %10s %8s' "peer ms" "MiB" "faster x"
	echo
}

# beside the runs of /bin/true in between, as the machine is not always equally fast
small_row()
{
	local ms floor
	ms=$(median "$top/$group.$1" 1)
	floor=$(median "$top/true.$1" 1)
	printf '%-26s %10s %10s %10s %10s' "$1" "$ms" "$(median "$top/$group.$1" 2)" "$floor" \
		"$(ratio "$ms" "$floor")"
	peer_columns "$1" "$ms"
	echo
}

bench_sets()
{
	local group words
	if ! { dump_load anon && forms_of "$top/anon"; }; then
		echo "no set of 1 GiB to work on" >&2
		touch "$top/sets.failed"
		return 1
	fi
	group=large
	# what it takes to copy the pages once
	for _ in 1 2 3; do
		"$measure" "$top/large.cp" cp "$top/anon/pages-1.img" "$top/copy"
		rm "$top/copy"
	done
	each_command "$top/anon" timed 3
	sets_peers "$top/anon"
	echo
	echo "crit on a checkpoint with 1 GiB of memory, median of 3; GiB/s of pages where they are gone over"
	printf '%-26s %10s %10s %10s' "" "ms" "GiB/s" "peak MiB"
	peer_titles
	large_row cp 1
	each_command "$top/anon" large_row 1
	rm -rf "$top"/anon*
	bench_small
}

bench_small()
{
	if ! { dump_load minimal && forms_of "$top/minimal"; }; then
		echo "no minimal set to work on" >&2
		touch "$top/sets.failed"
		return 1
	fi
	group=small
	each_command "$top/minimal" timed 20
	sets_peers "$top/minimal"
	echo
	echo "crit on a minimal checkpoint, median of 20, and /bin/true in between"
	printf '%-26s %10s %10s %10s %10s' "" "ms" "peak MiB" "true ms" "x true"
	peer_titles
	each_command "$top/minimal" small_row 1
}
