#!/bin/bash
# SPDX-License-Identifier: MIT
# What migration of containers is about, by podman and runc with stasis installed as `criu`: a counting
# server is checkpointed, exported, restored, restored under other names, keeps a connection, is
# checkpointed once more. Its own storage, no network but that of the containers. Prints TAP.
# PEER=/path/to/criu runs the same with that, RUNTIME=/path/to/crun with another runtime than runc.
set -u
cd "$(dirname "$0")/../.." || exit 1
export O=${O:-$PWD/build}
[ -n "${REAPED:-}" ] || REAPED=1 exec "$O/reaper" "tests/live/podman.sh" "$@"
skip_all()
{
	echo "ok 1 podman # SKIP $1"
	exit 0
}
for program in podman "${RUNTIME:-runc}" conmon nsenter; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done
dir=$(mktemp -d /var/tmp/stasis-podman.XXXXXX) || exit 1
n=0 out=""
chmod 711 "$dir" # those who are root in a user namespace only pass through
mkdir "$dir/bin" "$dir/rootfs" "$dir/rootfs/tmp"
ln -s "${PEER:-$O/stasis}" "$dir/bin/criu"
cp "$O/counter" "$dir/rootfs/counter"
export PATH=$dir/bin:$PATH
port=8088
here=$((20000 + $$ % 12000)) # and the two behind it: of this host

p()
{
	timeout -k 5 120 podman --root "$dir/root" --runroot "$dir/run" --cgroup-manager=cgroupfs \
		--runtime "${RUNTIME:-runc}" --events-backend=file "$@"
}

finish()
{
	p rm -fat0 >/dev/null 2>&1
	umount -R "$dir/root/overlay" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

# verdict NAME STATUS: with what the last command said
verdict()
{
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n $1"
	else
		echo "not ok $n $1"
		printf '# %s\n' "${out//$'\n'/$'\n# '}"
		# the engine's own words, where they are left
		find "$dir/root" \( -name dump.log -o -name restore.log \) -exec tail -qn 2 {} + | sed 's/^/# /'
	fi
}

try() { out=$("$@" 2>&1 </dev/null); }

# Lower limits for every container, those of pods as well, which have no option for it.
use_limits()
{
	export CONTAINERS_CONF=$dir/containers.conf
	echo '[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' >"$CONTAINERS_CONF"
}
# CRIU has to raise hard limits to what they are already, which takes CAP_SYS_RESOURCE
[ -z "${PEER:-}" ] || use_limits

# start NAME OPTION…
start()
{
	local name=$1
	shift
	try p run -d --name "$name" --network none "$@" counter /counter "$port"
}

pid_of() { p inspect -f '{{.State.Pid}}' "$1"; }

# ask NAME: the count
ask()
{
	local pid
	pid=$(pid_of "$1")
	for _ in $(seq 40); do
		out=$(nsenter -t "$pid" -n timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port && echo >&3 && head -n1 <&3" 2>&1) &&
			break
		sleep 0.05
	done
	echo "$out"
}

# counts NAME FIRST SECOND: it answers so
counts()
{
	local a b
	a=$(ask "$1") b=$(ask "$1")
	out="$1 answered $a, $b, want $2, $3"
	[ "$a $b" = "$2 $3" ]
}

tar -C "$dir/rootfs" -c . | p import - counter >/dev/null 2>"$dir/err" || skip_all "podman cannot import: $(tail -n1 "$dir/err")"
# podman's own limits may be above those of this shell
start first || { [[ $out == *rlimit* ]] && use_limits && p rm -ft0 first >/dev/null 2>&1 && start first; } ||
	skip_all "no container runs here: $(tail -n1 <<<"$out")"
[ "$(ask first)" = 0 ] || skip_all "no server in a container is reached here: $out"

checkpointed() { try p container checkpoint "$@"; }
restored() { try p container restore "$@"; }

counts first 1 2
checkpointed first && restored first && counts first 3 4
verdict "checkpoint and restore in place" $?

checkpointed --leave-running --export "$dir/running.tar.gz" first && counts first 5 6
verdict "checkpoint --leave-running --export: it runs on" $?

for how in none gzip zstd; do
	checkpointed --leave-running --compress "$how" --export "$dir/$how.tar" first &&
		try "$O/crit" inspect "$dir/$how.tar" && try "$O/crit" verify "$dir/$how.tar"
	verdict "checkpoint --export --compress=$how is a set crit reads, and whole" $?
done

checkpointed --export "$dir/first.tar.gz" first && try p rm first &&
	restored --import "$dir/first.tar.gz" && counts first 7 8
verdict "checkpoint --export, rm, restore --import" $?

p rm -ft0 first >/dev/null 2>&1
restored --import "$dir/first.tar.gz" --name one && restored --import "$dir/first.tar.gz" --name two &&
	counts one 7 8 && counts two 7 8
verdict "two copies under other names go on from the same count" $?

checkpointed --export "$dir/second.tar.gz" one && try p rm -ft0 one two &&
	restored --import "$dir/second.tar.gz" --name three && counts three 9 10
verdict "a second generation" $?
checkpointed --print-stats --keep three && restored --print-stats --keep three && counts three 11 12
verdict "statistics, and logs that are kept" $?
p rm -ft0 three >/dev/null 2>&1

start user --user 1000 && counts user 0 1 && checkpointed --export "$dir/user.tar.gz" user && try p rm user &&
	restored --import "$dir/user.tar.gz" && counts user 2 3 &&
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of user)/status")" = 1000 ]
verdict "a container of another user (--user 1000)" $?
p rm -ft0 user >/dev/null 2>&1

start mapped --uidmap 0:100000:65536 --gidmap 0:100000:65536 --tmpfs /scratch && counts mapped 0 1 &&
	checkpointed mapped && restored mapped && counts mapped 2 3 &&
	checkpointed --export "$dir/mapped.tar.gz" mapped && try p rm mapped &&
	restored --import "$dir/mapped.tar.gz" && counts mapped 4 5 &&
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$(pid_of mapped)/status")" = 100000 ]
verdict "a container with a user namespace (--uidmap)" $?
p rm -ft0 mapped >/dev/null 2>&1

start places --read-only --tmpfs /scratch --tmpfs /tmp && counts places 0 1 && checkpointed places &&
	restored places && counts places 2 3
verdict "--read-only with tmpfs" $?
p rm -ft0 places >/dev/null 2>&1

mkdir "$dir/volume" && echo data >"$dir/volume/file"
start volume -v "$dir/volume:/data" -v named:/named && counts volume 0 1 &&
	checkpointed --export "$dir/volume.tar.gz" volume && try p rm -ft0 volume && try p volume rm named &&
	restored --import "$dir/volume.tar.gz" && counts volume 2 3
verdict "volumes" $?
p rm -ft0 volume >/dev/null 2>&1

start console -t && counts console 0 1 && checkpointed console && restored console && counts console 2 3
verdict "a terminal (-t)" $?
p rm -ft0 console >/dev/null 2>&1

# answers PORT COUNT: of this host
answers()
{
	for _ in $(seq 40); do
		out=$(timeout 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1 && echo >&3 && head -n1 <&3" 2>&1) && break
		sleep 0.05
	done
	[ "$out" = "$2" ] || ! out="port $1 answered $out, want $2"
}
# networked OPTION…: a server that this host reaches
networked() { try p run -d --name net "$@"; }

if networked -p "$here:$port" counter /counter "$port"; then
	answers "$here" 0 && checkpointed --export "$dir/net.tar.gz" net && try p rm -ft0 net &&
		restored --import "$dir/net.tar.gz" && answers "$here" 1 &&
		restored --import "$dir/net.tar.gz" --name other --publish "$((here + 1)):$port" && answers "$((here + 1))" 1 &&
		checkpointed net && restored net && answers "$here" 2
	verdict "a published port (-p), also of a copy" $?
else
	n=$((n + 1))
	echo "ok $n a published port (-p) # SKIP $(tail -n1 <<<"$out")"
fi
p rm -ft0 net other >/dev/null 2>&1

networked --network host counter /counter "$((here + 2))" && answers "$((here + 2))" 0 && checkpointed net && restored net &&
	answers "$((here + 2))" 1
verdict "the network of the host (--network host)" $?
p rm -ft0 net >/dev/null 2>&1

in_pod()
{
	try p pod create --network none --infra-image counter --infra-command "/counter 1" || return 1
	local pod=$out
	try p run -d --pod "$pod" --name net counter /counter "$port" && counts net 0 1 &&
		checkpointed --export "$dir/pod.tar.gz" net && try p rm -ft0 net &&
		restored --pod "$pod" --import "$dir/pod.tar.gz" && counts net 2 3
}
in_pod
verdict "a pod" $?
p pod rm -fat0 >/dev/null 2>&1

# shellcheck disable=SC2016 # of the inner shell
# A client in the container's network that asks all the time and stops at the first wrong answer.
client='exec 3<>/dev/tcp/127.0.0.1/'$port' || exit 1
want=0
while [ ! -e "$0" ]; do
	echo >&3 && read -r -t 20 got <&3 && [ "$got" = $want ] || exit 2
	want=$((want + 1))
done'
busy()
{
	start busy || return 1
	local net=$dir/net client_pid
	touch "$net"
	mount --bind "/proc/$(pid_of busy)/ns/net" "$net" || return 1
	nsenter --net="$net" bash -c "$client" "$dir/enough" 2>"$dir/client.err" &
	client_pid=$!
	sleep 0.3
	checkpointed --tcp-established --leave-running busy || return 1
	sleep 0.3
	out="the client stopped after the checkpoint: $(cat "$dir/client.err")"
	kill -0 "$client_pid" 2>/dev/null || return 1
	touch "$dir/enough"
	wait "$client_pid"
}
busy
verdict "--tcp-established with a busy client, --leave-running" $?
umount "$dir/net" 2>/dev/null
p rm -ft0 busy >/dev/null 2>&1
echo "1..$n"
