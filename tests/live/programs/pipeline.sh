# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A pipeline with full pipes: no line is lost, doubled or torn.
needs="awk tee"

start()
{
	# shellcheck disable=SC2016 # those of the shell that runs it
	launch sh -c 'i=0; while [ ! -e "$1/stop" ]; do i=$((i + 1)); echo "line $i of many"; done |
		tee "$1/copy" | awk "\$2 != NR { print \"torn at \" NR; exit } END { print NR }" >"$1/count"
		wait' sh "$dir"
}
grows() { [ "$(stat -c %s "$dir/copy")" -gt "$size" ]; }
begin()
{
	size=0
	until_true grows
}
complete()
{
	size=$(stat -c %s "$dir/copy")
	until_true grows || return 1
	[ "$1" = 2 ] || return 0
	touch "$dir/stop"
	until_true gone "$pid" && equal "$(cat "$dir/count")" "$(wc -l <"$dir/copy")"
}
