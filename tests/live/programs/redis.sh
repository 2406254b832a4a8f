# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A client in the middle of a transaction, half of its next command sent; another one subscribed.
needs="redis-server"
options=(--tcp-established)

start()
{
	launch redis-server --port 6379 --bind 127.0.0.1 --dir "$dir" --appendonly yes --save "" &&
		connect 6379 || return 1
	exec 5<>/dev/tcp/127.0.0.1/6379
	printf 'SUBSCRIBE news\r\n' >&5
	for _ in 1 2 3 4 5 6; do read -r -t 20 _ <&5 || return 1; done
	say 'INCR count\r\n' && hear ":1"
}
begin()
{
	say 'MULTI\r\n' && hear "+OK" && say 'INCR count\r\n' && hear "+QUEUED" &&
		say 'PUBLISH news round'
}
complete()
{
	say "$1\r\n" && hear "+QUEUED" && say 'EXEC\r\n' && hear "*2" ":$((1 + $1))" ":1" || return 1
	while read -r -t 20 line <&5; do
		[ "$line" != "round$1"$'\r' ] || break
	done
	equal "$line" "round$1"$'\r' || return 1
	# it bears a child, and its threads write
	say 'BGREWRITEAOF\r\n' && hear "+Background append only file rewriting started" || return 1
	until_true grep -q "Background AOF rewrite finished successfully" "$dir/out" && : >"$dir/out"
}
