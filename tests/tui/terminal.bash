# SPDX-License-Identifier: MIT
# What the tests in tmux share.

setup()
{
	command -v tmux >/dev/null || skip "no tmux"
	socket=$BATS_TEST_TMPDIR/tmux
	export LC_ALL=C.UTF-8
}

teardown()
{
	[ -z "${socket:-}" ] || tmux -S "$socket" kill-server 2>/dev/null || true
}

# with NAME=VALUE…: environment of the next ones
with()
{
	env=("$@")
}

# start WIDTH HEIGHT ARGUMENT…: the browser in a shell that says how it ended
start()
{
	local width=$1 height=$2
	shift 2
	tmux -S "$socket" -f /dev/null new-session -d -x "$width" -y "$height" \
		"${env[*]} $(printf '%q ' "$crit" view "$@"); echo ended=\$?; stty -a; sleep 60"
}

seen()
{
	tmux -S "$socket" capture-pane -p
}

not_seen()
{
	if seen | grep -qF -- "$1"; then
		return 1
	fi
}

# wait_for TEXT [ROW]: until it is on the screen
wait_for()
{
	local end=$((SECONDS + 20))
	until seen | sed -n "${2:-1,$}p" | grep -qF -- "$1"; do
		[ $SECONDS -lt $end ] || { seen; return 1; }
		sleep 0.05
	done
}

keys()
{
	tmux -S "$socket" send-keys "$@"
}

# mouse BUTTON COLUMN ROW: as a terminal that tmux is tells it; buttons: 0 left, 64 and 65 the wheel
mouse()
{
	local at
	at=$(printf '%x %x' $((32 + $2)) $((32 + $3)))
	# pressed, and button 0 let go
	# shellcheck disable=SC2086 # words
	tmux -S "$socket" send-keys -H 1b 5b 4d "$(printf %x $((32 + $1)))" $at
	# shellcheck disable=SC2086 # words
	[ "$1" != 0 ] || tmux -S "$socket" send-keys -H 1b 5b 4d 23 $at
}
