#!/bin/bash
# SPDX-License-Identifier: MIT
# The fallbacks for older kernels carry what the new ways carry: dump and restore without
# PAGEMAP_SCAN, userfaultfd, chosen timer ids and pidfds of threads. Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cat >"$dir/stasis" <<END
#!/bin/sh
exec "$O/old-kernel" "$O/stasis" "\$@"
END
chmod 755 "$dir" "$dir/stasis"
PEER="$dir/stasis" tests/live/run -m CC tests/live/minimal_static.c \
	tests/live/mem_shared.c tests/live/mem_grow.c tests/live/mem_many.c \
	tests/live/task_posix_timers.c tests/live/task_threads.c
