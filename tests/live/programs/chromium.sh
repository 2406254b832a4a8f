# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A browser with its dozen of processes, and a page whose script counts in its title.
needs="chromium curl"
options=(--file-locks)

start()
{
	# what starts it adopts its helpers, which would be children of init
	launch "$O/reaper" chromium --headless --no-sandbox --disable-gpu --user-data-dir="$dir/profile" \
		--remote-debugging-port=9222 \
		'data:text/html,<title>0</title><script>setInterval(() => ++document.title, 20)</script>'
	until_true counts 0
}
title() { curl -s -m 5 http://127.0.0.1:9222/json/list | sed -n 's/^ *"title": "\([0-9]*\)",$/\1/p'; }
# counts FROM: is it further?
counts() { [ "$(title)" -gt "$1" ]; }
# no connection is left of those who asked; port 9222
is_quiet() { ! awk '$2 ~ /:2406$/ && ($4 == "01" || $4 == "08") { found = 1 } END { exit !found }' /proc/net/tcp; }
begin() { count=$(title) && until_true is_quiet; }
complete() { [ "$(title)" -ge "$count" ] && until_true counts "$((count + 50))"; }
