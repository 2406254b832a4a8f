#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What CRIU 4.2 takes (options.tsv), stasis takes, or refuses by name and says what to do.
bats_require_minimum_version 1.5.0

stasis=${O:-$PWD/build}/stasis

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	export HOME=$PWD
	unset CRIU_CONFIG_FILE
	touch empty.conf props
}

# taken WORD…: there is no such task to dump, and this is all there is to complain of; or the option is
# refused. Prints what is wrong.
taken()
{
	local option=${name#no-} output
	output=$("$stasis" dump "$@" -t 999999999 9</dev/null 2>&1 | grep -v '^Warn')
	# a log that was asked for has it all
	[ -n "$output" ] || output=$(cat x.log)
	case $output in
	*"no process 999999999 here"*) ;;
	"stasis dump: --$option: "*": leave it out"*) [ "${name#no-}" = "$name" ] && [ "$(wc -l <<<"$output")" = 1 ] || echo "$*: $output" ;;
	"stasis dump: --$option $value: "*) ;; # it was looked at
	*) echo "$*: $output" ;;
	esac
}

each_row()
{
	grep -v '^#' "$BATS_TEST_DIRNAME/options.tsv"
}

@test "options: every one of CRIU is taken, or refused with what to do instead" {
	local name letter value no wrong=
	while IFS=$'\t' read -r name letter value no; do
		case $value in
		-) wrong+=$(taken "--$name") ;;
		=*) wrong+=$(taken "--$name") wrong+=$(taken "--$name$value") ;;
		*) wrong+=$(taken "--$name" "$value") wrong+=$(taken "--$name=$value") ;;
		esac
		[ "$letter" = - ] || case $value in
		-) wrong+=$(taken "-$letter") ;;
		=*) wrong+=$(taken "-$letter") wrong+=$(taken "-$letter${value#=}") ;;
		*) wrong+=$(taken "-$letter" "$value") wrong+=$(taken "-$letter$value") ;;
		esac
		[ "$no" = - ] || { name=no-$name && wrong+=$(taken "--$name"); }
	done < <(each_row)
	echo "$wrong"
	[ -z "$wrong" ]
}

@test "options: configuration files know every one of CRIU, too" {
	local name letter value no wrong=
	while IFS=$'\t' read -r name letter value no; do
		value=${value#=}
		[ "$value" != - ] || value=
		echo "$name $value" >one.conf
		[ "$name" = config ] || wrong+=$(taken --config one.conf)
		[ "$no" = - ] || { echo "no-$name" >one.conf && name=no-$name && wrong+=$(taken --config one.conf); }
	done < <(each_row)
	echo "$wrong"
	[ -z "$wrong" ]
}

@test "options: check knows every feature of CRIU" {
	local feature
	for feature in mnt_id mem_dirty_track aio_remap timerfd tun tun_ns userns fdinfo_lock seccomp_suspend \
		seccomp_filters loginuid cgroupns autofs tcp_half_closed compat_cr uffd uffd-noncoop can_map_vdso \
		sk_ns sk_unix_file net_diag_raw nsid link_nsid kcmp_epoll timens external_net_ns clone3_set_tid \
		newifindex nftables has_ipt_legacy pidfd_store ns_pid apparmor_stacking network_lock_nftables \
		sockopt_buf_lock memfd_hugetlb move_mount_set_group openat2 get_rseq_conf ipv6_freebind \
		pagemap_scan timer_cr_ids overlayfs_maps breakpoints pagemap_scan_guard_pages; do
		run "$stasis" check --feature "$feature"
		[[ $output == "$feature is supported" || $output == "stasis check: $feature ("*") is not supported" ]]
	done
}

@test "options: commands of CRIU that are missing say so" {
	local command
	for command in pre-dump page-server lazy-pages dedup; do
		run -1 --separate-stderr "$stasis" "$command" -D .
		[ "${#stderr_lines[@]}" = 1 ]
		[[ $stderr == "stasis: $command: not supported"*": "* ]]
	done
}

@test "options: help lists no option that is refused" {
	run -0 "$stasis" help dump
	[[ $output != *"leave it out"* ]]
}

@test "options: help names every kind of resource that can stay outside, as the man page does" {
	local kind
	"$stasis" dump --help | grep -F -- '--external RESOURCE' >help
	while read -r kind; do
		grep -qF " $kind" help
	done < <(sed -n 's/.*\*--external\* \([a-z]*\[\).*/\1/p' "$BATS_TEST_DIRNAME/../../docs/stasis.1.scd")
}

@test "options: the empty name of an empty variable is refused, and nothing is done" {
	local option
	for option in "-D" "--images-dir=" "-W" "--root" "--log-file"; do
		if [[ $option == *= ]]; then
			run -1 "$stasis" dump -t $$ "$option"
		else
			run -1 "$stasis" dump -t $$ "$option" ""
		fi
		[[ $output =~ ^"stasis dump: --"[a-z-]+": an empty name: want "(DIR|FILE)" (see " ]]
	done
	run -1 "$stasis" service --address ""
	[[ $output == "stasis service: --address: an empty name: want PATH "* ]]
	run -1 "$stasis" dump -t $$ --action-script ""
	[[ $output == "stasis dump: --action-script: an empty name: want FILE "* ]]
	run -1 "$stasis" restore -D ""
	[[ $output == "stasis restore: --images-dir: an empty name: want DIR "* ]]
	run -2 "${stasis%/*}/crit" unpack -C "" x.tar
	[[ $output == "crit unpack: --directory: an empty name: want DIR "* ]]
	run -2 "${stasis%/*}/crit" view --sysroot "" x
	[[ $output == "crit view: --sysroot: an empty name: want DIR "* ]]
	[ ! -e stats-dump ]
	[ ! -e inventory.img ]
}

@test "options: crit refuses those that would change nothing beside the others" {
	local words crit=${stasis%/*}/crit
	cd "$BATS_TEST_TMPDIR"
	mkdir s
	truncate -s 4096 s/pages-1.img
	"$crit" encode -o s/pagemap-1.img <<<'{"magic": "PAGEMAP", "entries": [{"pages_id": 1}]}'
	while read -ra words; do
		run -2 "$crit" "${words[@]}"
		[[ $output == "crit ${words[0]}: "*" (see \`crit help ${words[0]}\`)" ]]
		[ ${#lines[@]} = 1 ]
		[[ $output != *"no checkpoint:"* ]]
	done <<-EOF
		audit --rules -p 1
		audit --rules --sysroot s
		audit --rules --reveal
		audit --rules --min-severity error
		audit --rules --fail-on error
		compat --checks -p 1
		compat --checks --root s
		compat --checks --strict
		decode --all --pretty -o out s
		decode --all --nopl -o out s
		diff --pages --only fds s s
		diff --hexdump --only fds s s
		grep -i -x 61 s
		inspect -p 1 --metadata --mounts s
		mem --format html --sysroot s s
		mem --format html --prot w s
		mem -o out s
		show --nopl -x s/files.img
		show -e 0 s/pages-1.img
		show -x -e 0 s/pages-1.img
		show -x -e 0 s/pagemap-1.img
		view --print keys -p 1
		view --print keys --edit
		view --print keys --size 80x24
		view --size 80x24 s
	EOF
	[ ! -e out ]
}
