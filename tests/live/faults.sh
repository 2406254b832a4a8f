#!/bin/bash
# SPDX-License-Identifier: MIT
# Every FAULT_STEP-th (71st) system call of a dump, and of a restore, fails with EIO: the target of
# the dump notices nothing, of a failed restore nothing is left.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
for mode in fault-dump fault-restore; do
	tests/live/rounds/run $mode 1 "${FAULT_STEP:-71}" 5 || status=1
done
exit $status
