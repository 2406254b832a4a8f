# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# The same browser as a user starts it: its processes are in user, pid and network namespaces of the
# sandbox, one in the other, with a directory of a dead process as root, and under seccomp.
# shellcheck source=tests/live/programs/chromium.sh
source tests/live/programs/chromium.sh

as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups)

start()
{
	if ! "${as_user[@]}" unshare --user --map-current-user true 2>/dev/null; then
		echo "users may not make user namespaces here" >"$dir/skip"
		exit 77
	fi
	launch "$O/reaper" "${as_user[@]}" env HOME="$dir" chromium --headless --disable-gpu \
		--user-data-dir="$dir/profile" --remote-debugging-port=9222 \
		'data:text/html,<title>0</title><script>setInterval(() => ++document.title, 20)</script>'
	until_true counts 0
}
