#!/bin/bash
# SPDX-License-Identifier: MIT
# SIGKILL of the engine at random moments (KILLS=40) of dumps of a task with TCP connections: they go
# on, or the set is whole and restores; no rule of a lock stays behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-$PWD/build}
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
if ! { command -v nft && command -v iptables-save && command -v ip; } >/dev/null; then
	echo "ok 1 kill9-tcp # SKIP no nft, iptables or ip"
	exit 0
fi
dir=$(scratch kill9-tcp) || exit 1
trap 'rm -rf "$dir"' EXIT
read -r -a cc <<<"${CC:-gcc}"
"${cc[@]}" -std=gnu11 -D_GNU_SOURCE -O2 -I. -o "$dir/kill9-tcp" tests/live/kill9-tcp/*.c || exit 1
cp "$O/stasis" "$dir/stasis" || exit 1 # a build meanwhile must not change it
unshare --net sh -c 'ip link set lo up && exec "$@"' - "$dir/kill9-tcp" "$dir/stasis" "$dir/images" "${KILLS:-40}"
