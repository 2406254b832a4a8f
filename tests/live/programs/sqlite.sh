# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154 # programs.sh has the other half
# A writer inside of a transaction: nobody else may write, before and after.
needs="sqlite3"
options=(--file-locks)

start()
{
	launch_fed sqlite3 "$dir/db" &&
		feed "create table t (n int); select 'created';" && until_true has_line "$dir/out" created
}
locked()
{
	local said
	said=$(sqlite3 "$dir/db" "insert into t values (100)" 2>&1)
	[[ $said == *"database is locked"* ]] || fail "another writer got: $said"
}
begin()
{
	feed "begin immediate; insert into t values ($1); select 'begun $1';" &&
		until_true has_line "$dir/out" "begun $1" && locked
}
complete()
{
	locked && equal "$(sqlite3 "$dir/db" "select count(*) from t")" "$(($1 - 1))" || return 1
	feed "insert into t values ($1); commit; delete from t where rowid % 2 = 0; select 'done $1';"
	until_true has_line "$dir/out" "done $1" && equal "$(sqlite3 "$dir/db" "select count(*) from t")" "$1" &&
		equal "$(sqlite3 "$dir/db" "pragma integrity_check")" ok
}
