#!/bin/bash
# SPDX-License-Identifier: MIT
# Dumps onto a disk that is full, FULL_STEP (100) KiB later each time: the tree runs on, and no
# image is left.
exec "$(dirname "$0")/rounds/run" full 4 "${FULL_STEP:-100}"
