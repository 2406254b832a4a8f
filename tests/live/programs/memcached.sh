# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A client has sent half of a value.
needs="memcached"
options=(--tcp-established)

start()
{
	launch memcached -u nobody -l 127.0.0.1 -p 11211 -t 4 && connect 11211 &&
		say 'set kept 7 0 5\r\nfirst\r\n' && hear "STORED"
}
begin() { say 'set half 0 0 10\r\nround'; }
complete()
{
	say -- '-%d---\r\n' "$1" && hear "STORED" && say 'get half kept\r\n' &&
		hear "VALUE half 0 10" "round-$1---" "VALUE kept 7 5" "first" "END" || return 1
	# a new connection goes to another of its threads
	(connect 11211 && say 'incr none 1\r\n' && hear "NOT_FOUND")
}
