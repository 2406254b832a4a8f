# SPDX-License-Identifier: MIT
# Golden screens: each file of tests/tui/screens is a screen of the browser. Its first line says
# which: "SET WIDTHxHEIGHT KEYS". SCREENS=update writes what there is now.

# screens_of DIR SET…: compare the screens of sets below DIR
screens_of()
{
	local dir=$1 file set size keys bad=0
	shift
	cd "$dir" || return 1
	for file in "$BATS_TEST_DIRNAME"/../tui/screens/*.txt; do
		read -r set size keys <"$file"
		[[ " $* " == *" $set "* ]] || continue
		if [ -n "${SCREENS:-}" ]; then
			{ head -n1 "$file"; screen "$set" "$size" "$keys"; } >"$BATS_TEST_TMPDIR/new" || return 1
			cp "$BATS_TEST_TMPDIR/new" "$file"
		fi
		screen "$set" "$size" "$keys" | diff -u <(tail -n +2 "$file") - >"$BATS_TEST_TMPDIR/diff" || {
			echo "${file##*/} ($set $size $keys):"
			cat "$BATS_TEST_TMPDIR/diff"
			bad=1
		}
	done
	return $bad
}

screen()
{
	"$crit" view --print text --size "$2" --keys "$3" "$1"
}
