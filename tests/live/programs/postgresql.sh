# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A cluster of its own user, a client inside of a transaction, another one that waits for its lock.
needs="setpriv"
options=(--tcp-established)

as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
sql() { as "$bin/psql" -h 127.0.0.1 -U postgres -d postgres -qAt "$@"; }
works() { [ "$(sql -c 'select 1')" = 1 ]; }
start()
{
	bin=$(echo /usr/lib/postgresql/*/bin)
	bin=${bin##* }
	if ! [ -x "$bin/initdb" ] || ! id postgres >/dev/null 2>&1; then
		echo "no PostgreSQL here" >"$dir/skip"
		return 77
	fi
	mkdir "$dir/data" && chown postgres "$dir/data" &&
		as "$bin/initdb" -D "$dir/data" -A trust --no-sync >/dev/null &&
		launch setpriv --reuid postgres --regid postgres --clear-groups -- "$bin/postgres" -D "$dir/data" \
			-k "$dir" -c listen_addresses=127.0.0.1 -c fsync=off &&
		until_true works && sql -c "create table t (n int); insert into t values (0)" || return 1
	mkfifo "$dir/psql"
	sql <>"$dir/psql" >"$dir/answers" 2>&1 &
}
ask() { feed_to "$dir/psql" "$1"; }
begin()
{
	ask "begin; update t set n = n + 1; select 'begun $1';" &&
		until_true has_line "$dir/answers" "begun $1" || return 1
	sql -c "update t set n = n * 10; select 'waited $1'" >"$dir/waiter$1" 2>&1 &
	until_true waits
}
waits() { [ "$(sql -c "select count(*) from pg_locks where not granted")" -gt 0 ]; }
complete()
{
	waits || { fail "nobody waits for the lock"; return 1; }
	equal "$(sql -c 'select n from t')" "$((($1 - 1) * 10))" || return 1
	ask "select 'inside $1:' || n from t; commit; select 'committed $1';"
	until_true has_line "$dir/answers" "committed $1" &&
		has_line "$dir/answers" "inside $1:$((($1 - 1) * 10 + 1))" &&
		until_true has_line "$dir/waiter$1" "waited $1" || return 1
	equal "$(sql -c 'select n from t')" "$(((($1 - 1) * 10 + 1) * 10))" || return 1
	sql -c "update t set n = $1 * 10" -c "checkpoint" -c "vacuum t" &&
		sql -c "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0;
			set force_parallel_mode = on; select count(*) from t" >/dev/null
}
