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
