#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit inspect --tasks, --threads: one process in full.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export whole=$BATS_FILE_TMPDIR/whole
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/whole_set.py" "$crit" "$whole"
}

@test "inspect --tasks: each process, as text and as JSON" {
	run -0 "$crit" inspect --tasks "$whole"
	[[ $output == *"Process 1"*"Pid: 1"*"Process 3"*"Process 4"*"State: zombie"* ]]
	"$crit" inspect --tasks --format json "$whole" | /usr/bin/python3 -c 'import json, sys
tasks = json.load(sys.stdin)["tasks"]
assert [t["pid"] for t in tasks] == [1, 3, 4], tasks'
	run -0 "$crit" inspect --tasks --alone -p 1 "$whole"
	[[ $output == *"Process 1"* && $output != *"Process 3"* ]]
	run -2 "$crit" inspect --tasks --alone "$whole"
}

@test "inspect --tasks and --threads: capabilities, signals, timers, limits, registers of a real set" {
	need_corpus
	run -0 "$crit" inspect --tasks --threads --alone -p 4101 "$corpus/a3"
	[[ $output == *"Umask: 027"*"Effective: CAP_CHOWN, "*"Inheritable: none"* ]]
	[[ $output == *"Signals that wait: SIGRTMIN+4, SIGRTMIN+4, SIGUSR1"* ]]
	[[ $output == *"SIGRTMIN+2  ignored  SA_RESTORER, SA_RESTART  SIGRTMIN+2"* ]]
	[[ $output == *"199999.104464 s  100000.000005 s"* ]]
	[[ $output =~ "open files"\ +20000\ +20000 ]]
	[[ $output == *"Thread 4101"*"ip: 0x7f147be01dce"* ]]
}

@test "inspect --tasks --threads of every set at hand" {
	local source
	need_corpus
	need_containers
	for source in "$containers"/*.tar* "$corpus"/a[1-9] "$corpus"/a1[1-5]; do
		"$crit" inspect --tasks --threads --format json "$source" | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
assert d["tasks"] and any("registers" in t for t in d["threads"])'
	done
}
