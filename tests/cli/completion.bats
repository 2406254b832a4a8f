#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Completion scripts, generated from what the programs print: each shell reads them.
bats_require_minimum_version 1.5.0
load crit

setup()
{
	local program
	for program in crit stasis; do
		"$BATS_TEST_DIRNAME/../../tools/completion" "$O/$program" "$BATS_TEST_TMPDIR"
	done
	cd "$BATS_TEST_TMPDIR" || return 1
}

# complete_bash WORD…: what bash offers for the last word
complete_bash()
{
	bash -c '. "./$1.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

@test "completion: bash offers commands and options" {
	run -0 complete_bash crit decod
	[ "$output" = decode ]
	run -0 complete_bash stasis dump --leave
	[ "$output" = $'--leave-running\n--leave-stopped' ]
	run -0 complete_bash crit help enc
	[ "$output" = encode ]
}

@test "completion: every shell offers help, of commands and in them" {
	run -0 complete_bash crit --
	[ "$output" = $'--help\n--version' ]
	run -0 complete_bash crit core --h
	[ "$output" = --help ]
	grep -q -F -- "__fish_use_subcommand -f -a help -d" crit.fish
	grep -q -F -- "'__fish_seen_subcommand_from help' -f -a stack -d" crit.fish
	grep -q -F -- "complete -c crit -l help -d" crit.fish
	grep -q -F -- "__fish_use_subcommand -l version -d" crit.fish
	grep -q -F -- "_describe -o option options" _crit
	[ "$(grep -c -F -- "'--help[what a command does and its options]'" _crit)" = \
		"$("$crit" --rows | awk -F'\t' '$2 == ""' | wc -l)" ]
}

@test "completion: every shell offers the words an operand is one of" {
	run -0 complete_bash crit x set ""
	[ "$output" = $'ps\nfds\nmems\nrss' ]
	run -0 complete_bash crit x p # a file
	[ "$output" = "" ]
	run -0 complete_bash stasis cpuinfo d
	[ "$output" = dump ]
	grep -q -F "'3:what:(ps fds mems rss)'" _crit
	grep -q -F "'2:what:(dump check)'" _stasis
	grep -q -F "'__fish_seen_subcommand_from x; and test (count (commandline -opc)) = 3' -f -a 'ps fds mems rss'" crit.fish
	run -1 grep -E "'[0-9]:what:" <(grep -vE '\((ps|dump)' _crit _stasis)
}

@test "completion: every shell offers the words a value is one of" {
	run -0 complete_bash crit audit --format ""
	[ "$output" = $'text\njson\nsarif' ]
	run -0 complete_bash stasis dump --network-lock = n
	[ "$output" = nftables ]
	run -0 complete_bash stasis restore --manage-cgroups =
	[ "${lines[*]}" = "ignore none props soft full strict" ]
	run -0 complete_bash stasis restore --manage-cgroups s # optional: the next word is another
	[ "$output" = "" ]
	run -0 complete_bash crit decode -i p # a file
	[ "$output" = "" ]
	grep -q -F -- "'--format=[how to print it; default\: text]:value:(text json sarif)'" _crit
	grep -q -F -- "'--manage-cgroups=-[how far control groups are restored; default\: soft]::value:(ignore none props soft full strict)'" _stasis
	grep -q -F -- "-l to -r -f -a '4.2 legacy' -d" crit.fish
	grep -q -F -- "-l remap-pids -f -a 'force' -d" stasis.fish
}

@test "completion: the words offered are taken" {
	local program command option value word bad=0
	while IFS=$'\t' read -r program command option value; do
		for word in ${value//|/ }; do
			run "$O/$program" "$command" "$option=$word" /nowhere
			[[ $output != *"$option"* && $output != *"$word: want"* ]] \
				|| { echo "$command: $output"; bad=1; }
		done
	done < <(for program in crit stasis; do
		"$O/$program" --rows | awk -F'\t' -v p="$program" \
			'{ gsub(/[][]/, "", $3) } $3 ~ /\|/ && $3 !~ /[A-Z]/ { print p "\t" $1 "\t" $2 "\t" $3 }'
	done)
	[ $bad = 0 ]
}

@test "completion: zsh and fish scripts have a line per option and no stray escapes" {
	[ "$(grep -c -- "^	*'--pretty\[" _crit)" = 1 ]
	grep -q -F "default\: current directory" _stasis
	run -1 grep -n -F '\n' _crit _stasis crit.fish stasis.fish
	grep -q -F "__fish_seen_subcommand_from dump' -l leave-running" stasis.fish
}

@test "completion: apostrophes of the help stay" {
	# shellcheck disable=SC2016
	run -0 zsh -f -c 'f() { eval "$(sed -n "/^local/,/^)/p" _crit)"; print -l $commands; }; f'
	[[ $output == *"pages:the exact bytes of a process's memory"* ]]
	grep -q -F "of a page map'\\''s pages]" _crit
	grep -q -F -- "-l hexdump -d 'the bytes behind entries, of a raw image, or of a page map\\'s pages'" crit.fish
}

@test "completion: zsh loads its functions" {
	local program
	for program in crit stasis; do
		zsh -f -c "fpath=(. \$fpath); autoload -Uz _$program; autoload +X _$program"
		zsh -n "_$program"
	done
}
