# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A program whose binary was deleted, and so was the script it runs; another binary is in its place.
options=(--ghost-limit 4M)

start()
{
	cp "$(readlink -f /bin/bash)" "$dir/shell"
	cat >"$dir/script" <<-'END'
		while read -r word; do
			n=$((n + 1))
			echo "$n: $word $(exec echo inner)"
		done
	END
	launch_fed "$dir/shell" "$dir/script" && feed first && until_true has_line "$dir/out" "1: first inner" &&
		rm "$dir/shell" "$dir/script" && cp /bin/true "$dir/shell"
}
begin()
{
	[[ $(readlink "/proc/$pid/exe") == *" (deleted)" ]] && printf 'half' >"$dir/input"
}
complete()
{
	[[ $(readlink "/proc/$pid/exe") == *" (deleted)" ]] || { fail "its binary is another"; return 1; }
	feed "-$1" && until_true has_line "$dir/out" "$(($1 + 1)): half-$1 inner"
}
