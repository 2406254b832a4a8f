# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Waiting for what a test expects.

# until_true COMMAND…: true within twenty seconds; else `reason` says what was not
until_true()
{
	local i
	for ((i = 0; i < 1000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.02
	done
	reason="not in time: $*"
	return 1
}
