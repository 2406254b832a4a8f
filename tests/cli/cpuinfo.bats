#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# cpuinfo dump and check, --cpu-cap.
bats_require_minimum_version 1.5.0

setup()
{
	stasis=${O:-$BATS_TEST_DIRNAME/../../build}/stasis
	crit=${O:-$BATS_TEST_DIRNAME/../../build}/crit
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir img
	grep -qE 'GenuineIntel|AuthenticAMD|HygonGenuine' /proc/cpuinfo || skip "no processor the format has words for"
}

teardown()
{
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# with_tbm: the image is of a processor with instructions that few have
with_tbm()
{
	"$crit" decode -i img/cpuinfo.img | /usr/bin/python3 -c '
import json, sys
image = json.load(sys.stdin)
image["entries"][0]["x86_entry"][0]["capability"][6] |= 1 << 21
json.dump(image, sys.stdout)' | "$crit" encode -o img/cpuinfo.img
}

@test "cpuinfo: what was written here is here" {
	"$stasis" cpuinfo dump -D img
	for cap in "" fpu ins cpu all none ^fpu; do
		"$stasis" cpuinfo check -D img ${cap:+--cpu-cap=$cap}
	done
	# the kernel may call it by another name than it does itself
	local number
	for number in "cpu family:cpu_family" model:model stepping:stepping; do
		[ "$(awk -F: -v name="${number%:*}" '{ sub(/[ \t]+$/, "", $1) } $1 == name { print $2 + 0; exit }' /proc/cpuinfo)" = \
			"$("$crit" show img/cpuinfo.img | sed -n "s/.*\"${number#*:}\": \([0-9]*\),/\1/p")" ]
	done
	"$crit" show img/cpuinfo.img | grep -q '"model_id": "..*"'
}

@test "cpuinfo: instructions that are not here are named" {
	! grep -qw tbm /proc/cpuinfo || skip "this processor has tbm"
	"$stasis" cpuinfo dump -D img
	with_tbm
	run -1 "$stasis" cpuinfo check -D img
	[[ $output == *'had instructions that '*' has not: tbm' ]]
	run -1 "$stasis" cpuinfo check -D img --cpu-cap=none,cpu
	[[ $output == *'word 6 of capabilities'* ]]
	"$stasis" cpuinfo check -D img --cpu-cap=none,fpu
}

@test "cpuinfo: registers and sizes that differ are named" {
	"$stasis" cpuinfo dump -D img
	"$crit" edit img/cpuinfo.img 'entries[0].x86_entry[0].xsave_size=99' --in-place
	run -1 "$stasis" cpuinfo check -D img
	[[ $output == *'XSAVE took 99 bytes'* ]]
	"$crit" edit img/cpuinfo.img 'entries[0].x86_entry[0].xfeatures_mask=0x4000000000000001' --in-place
	run -1 "$stasis" cpuinfo check -D img
	[[ $output == *'extended registers 0x4000000000000000'* ]]
	"$stasis" cpuinfo check -D img --cpu-cap=none,ins
}

@test "cpuinfo: damaged images and nonsense are one line" {
	run -1 "$stasis" cpuinfo check -D img
	[[ $output == *cpuinfo.img* ]]
	"$stasis" cpuinfo dump -D img
	"$crit" edit img/cpuinfo.img 'entries[0].x86_entry[0].capability_ver=7' --in-place
	run -1 "$stasis" cpuinfo check -D img
	[[ $output == *'capability_ver 7'* ]]
	run -1 "$stasis" cpuinfo
	[[ $output == *'dump, or check?'* ]]
	run -1 "$stasis" cpuinfo check -D img --cpu-cap=mmx
	[[ $output == *'--cpu-cap: mmx is none of'* ]]
}

@test "--cpu-cap: a dump writes the image, a restore looks at it" {
	[ "$(id -u)" = 0 ] || skip "dumping needs root"
	! grep -qw tbm /proc/cpuinfo || skip "this processor has tbm"
	setsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	sleep 0.2
	"$stasis" dump -t "$pid" -D img -v0 -R
	[ ! -e img/cpuinfo.img ]
	"$stasis" dump -t "$pid" -D img -v0 --cpu-cap
	[ -e img/cpuinfo.img ]
	with_tbm
	run -1 "$stasis" restore -d -D img -v0 --cpu-cap=ins
	[[ $output == *'has not: tbm' ]]
	"$stasis" restore -d -D img -v0
}
