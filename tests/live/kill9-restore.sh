#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL of the engine at random moments of a restore (KILLS=12): the tree runs, whole, or nothing
# of it is left, and the images still restore.
exec "$(dirname "$0")/rounds/run" kill-restore "${KILLS:-12}"
