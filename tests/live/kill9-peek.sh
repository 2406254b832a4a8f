#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL of the engine before each call of a dump that moves the peek offset of a socket with
# messages: the offset comes back.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-$PWD/build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -I. -o "$dir/kill9-peek" tests/live/kill9-peek/*.c \
	tests/live/kill9/at-call.c || exit 1
mkdir "$dir/images"
"$dir/kill9-peek" "$O/stasis" "$dir/images"
