#!/bin/bash
# SPDX-License-Identifier: MIT
# What a restore is handed over: pipes, a socket, a file in the place of one with a path, and one
# that was left out of the images (--external, --inherit-fd). Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/inherit.sh" "$@"
# shellcheck source=tests/live/live.bash
source tests/live/live.bash
top=$(scratch inherit) || exit 1
export stasis=$O/stasis
only=${1:-} reason="" pid=""

finish()
{
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$top"
}
trap finish EXIT

# dump DIR ARGUMENT…, restore DIR ARGUMENT…: with the descriptors this shell has
dump()
{
	local dir=$1
	shift
	mkdir -p "$dir"
	timeout 30 "$stasis" dump -D "$dir" -t "$pid" -v4 -o dump.log "$@" 2>"$top/err" </dev/null ||
		{ reason="dump: $(tail -n 1 "$top/err")"; return 1; }
	until_true gone "$pid"
}
restore()
{
	local dir=$1
	shift
	timeout 30 "$stasis" restore -d -D "$dir" -v4 -o restore.log "$@" 2>"$top/err" </dev/null ||
		{ reason="restore: $(tail -n 1 "$top/err")"; return 1; }
}
link_of() { readlink "/proc/$pid/fd/$1"; }

# answers WORD: the program at the pipes $in and $out is there
answers()
{
	local line
	echo "$1" >&"$in"
	read -r -t 10 line <&"$out" && [ "$line" = "got $1" ] && return 0
	reason="asked $1, got '${line:-nothing}'"
	return 1
}

pipes()
{
	# shellcheck disable=SC2016 # the program expands it
	coproc echoes { exec setsid sh -c 'while read -r line; do echo "got $line"; done' 2>/dev/null; }
	# shellcheck disable=SC2154 # coproc sets it
	pid=$echoes_PID
	exec {in}>&"${echoes[1]}" {out}<&"${echoes[0]}"
	answers one || return 1
	local from to
	from=$(link_of 0) to=$(link_of 1)
	echo "two" >&"$in" # waits in the pipe, perhaps
	read -r -t 10 <&"$out"
	dump "$top/p1" || return 1
	# other ends of the same pipes, as their holder would make them
	exec 7<"/proc/self/fd/$in" 8>"/proc/self/fd/$out"
	restore "$top/p1" --inherit-fd "fd[7]:$from" --inherit-fd "fd[8]:$to" || return 1
	exec 7<&- 8>&-
	answers three || return 1
	exec {in}>&-
	until_true gone "$pid"
}

path()
{
	# shellcheck disable=SC2016
	setsid sh -c 'n=0; while :; do n=$((n + 1)); echo "$n"; sleep 0.02; done' \
		</dev/null >"$top/old.log" 2>/dev/null &
	pid=$!
	until_true test -s "$top/old.log" || return 1
	dump "$top/f1" || return 1
	local written
	written=$(wc -c <"$top/old.log")
	restore "$top/f1" --inherit-fd "fd[9]:${top#/}/old.log" 9>"$top/new.log" || return 1
	until_true test -s "$top/new.log" || return 1
	kill "$pid"
	[ "$(wc -c <"$top/old.log")" = "$written" ] && return 0
	reason="the old log grows still"
	return 1
}

external()
{
	printf 'first\nsecond\n' >"$top/here"
	printf 'FIRST\nSECOND\n' >"$top/there"
	# shellcheck disable=SC2016
	setsid sh -c 'read -r a <&5; touch "$0/is-read"; until [ -e "$0/goon" ]; do sleep 0.02; done
		read -r b <&5; echo "$a $b" >"$0/heard"' "$top" 5<"$top/here" </dev/null >/dev/null 2>&1 &
	pid=$!
	until_true test -e "$top/is-read" || return 1
	local mount name
	mount=$(sed -n 's/^mnt_id:[[:space:]]*//p' "/proc/$pid/fdinfo/5")
	name=$(printf 'file[%x:%x]' "$mount" "$(stat -c %i "$top/here")")
	dump "$top/e1" --external "$name" || return 1
	if restore "$top/e1"; then
		reason="it was restored without the file"
		return 1
	fi
	grep -qF "fd[N]:$name" "$top/err" || { reason="the file is not asked for: $reason"; return 1; }
	restore "$top/e1" --inherit-fd "fd[6]:$name" 6<"$top/there" || return 1
	touch "$top/goon"
	until_true grep -qx "first SECOND" "$top/heard"
}

socket()
{
	command -v perl >/dev/null || return 77
	cat >"$top/pair.pl" <<-'END'
		use Socket;
		my ($top, $stasis) = @ARGV;
		sub pair { socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die; return ($a, $b); }
		sub ask { my ($s, $word) = @_; syswrite $s, $word; sysread $s, my $got, 100; return $got; }
		my ($ours, $theirs) = pair();
		my $pid = fork;
		if (!$pid) {
			close $ours;
			open STDOUT, ">", "/dev/null";
			open STDERR, ">", "/dev/null";
			fcntl($theirs, 2, 0);
			exec "setsid", "perl", "-e", 'open S, "+<&=", $ARGV[0];
				while (sysread S, $w, 100) { syswrite S, "got $w" }', fileno($theirs);
		}
		close $theirs;
		ask($ours, "one") eq "got one" or die "no answer";
		opendir D, "/proc/$pid/fd";
		my ($ino) = map { (readlink("/proc/$pid/fd/$_") // "") =~ /^socket:\[(\d+)\]/ } readdir D;
		mkdir "$top/s1";
		system("$stasis dump -D $top/s1 -t $pid --external 'unix[$ino]' 2>$top/err") and die;
		waitpid $pid, 0;
		my ($new, $handed) = pair();
		fcntl($handed, 2, 0); # not closed by exec
		my $fd = fileno $handed;
		system("$stasis restore -d -D $top/s1 --inherit-fd 'fd[$fd]:socket:[$ino]' 2>$top/err") and die;
		close $handed;
		ask($new, "two") eq "got two" or die "no answer after the restore";
	END
	perl "$top/pair.pl" "$top" "$stasis" </dev/null 2>"$top/perl" ||
		{ reason="$(tail -n 1 "$top/perl") $(tail -n 1 "$top/err")"; return 1; }
}

run_tests pipes path external socket
