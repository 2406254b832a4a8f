#!/bin/bash
# SPDX-License-Identifier: MIT
# soak.sh [ROUNDS]: dump and restore one mixed tree 500 times (or ROUNDS); its state stays exact and
# nothing grows.
exec "$(dirname "$0")/rounds/run" soak "${1:-${ROUNDS:-500}}"
