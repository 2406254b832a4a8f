#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL of the engine at random moments (KILLS=200) and before chosen calls (every STEP=5th): the
# target must run on, nothing left in it.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-$PWD/build}
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
dir=$(scratch kill9) || exit 1
trap 'rm -rf "$dir"' EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -pthread -I. -o "$dir/kill9" tests/live/kill9/*.c tests/live/jobs/*.c || exit 1
mkdir "$dir/images"
cp "$O/stasis" "$dir/stasis" || exit 1 # a build meanwhile must not change it
"$dir/kill9" "$dir/stasis" "$dir/images" "${KILLS:-200}" "${STEP:-5}"
status=$?
[ $status = 0 ] || tail -n 3 "$dir/images/dump.log" | sed 's/^/# /'
exit $status
