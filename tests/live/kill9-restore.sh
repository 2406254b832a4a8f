#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL of the engine at random moments of a restore (KILLS=12), and before the last of its system
# calls (every STEP=9th of 130): the tree runs, whole, or nothing of it is left, and the images still
# restore.
run=$(dirname "$0")/rounds/run
status=0
"$run" kill-restore "${KILLS:-12}" || status=1
"$run" kill-restore-end 130 "${STEP:-9}" || status=1
exit $status
