#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# crit remap: other addresses, ports, paths, ids and names, in every image that carries them.
bats_require_minimum_version 1.5.0
load crit

setup_file()
{
	export made=$BATS_FILE_TMPDIR/made
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/remap.py" "$crit" "$made"
}

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	cp -r "$made" s
}

# value IMAGE PYTHON: an expression over the entries of an image as show prints them
value() { "$crit" show "s/$1" | /usr/bin/python3 -c "import json, sys
d = json.load(sys.stdin)
e = d.get('entries') or d.get('lines')
print($2)"; }

# The 32-bit word of an image at a byte offset.
word() { od -An -tu4 -j "$2" -N 4 "s/$1" | tr -d ' '; }

refused() # WORDS ARGUMENTS…: exit status 1, said so, nothing written
{
	local words=$1
	shift
	run -1 "$crit" remap "$@" --in-place s
	[[ $output == *"$words"* ]] || { echo "$output"; return 1; }
	diff -r "$made" s
}

@test "remap gives sockets another address, in IPv4 and mapped into IPv6" {
	"$crit" remap --in-place --ip 10.0.0.2=10.0.0.77 s
	[ "$(value files.img "[f['isk']['src_addr'][0] for f in e if 'isk' in f and f['id'] in (40, 41, 44, 46)]")" = \
		"['10.0.0.77', '10.0.0.77', '::ffff:10.0.0.77', '10.0.0.77']" ]
	[ "$(value files.img "[f['isk']['dst_addr'][0] for f in e if f['id'] in (41, 42, 43)]")" = \
		"['10.0.0.9', '10.0.0.77', '10.9.9.9']" ]
	run -0 "$crit" remap --in-place --ip 10.0.0.77=10.0.0.2 s
	diff -r "$made" s
}

@test "remap moves a network in addresses, routes, rules, flows and filters" {
	"$crit" remap --in-place --ip 10.0.0.0/24=10.1.0.0/24 --ip fd00::/64=fd01::/64 s
	[ "$(value ifaddr-11.img "[a['address'] for a in e], e[1]['local']")" = \
		"['127.0.0.1/8', '10.1.0.2/24', 'fd01::2/64'] 10.1.0.2" ]
	[ "$(value route-11.img "e[0]['gateway'], e[1]['dst'], [h['gateway'] for h in e[2]['nexthops']]")" = \
		"10.1.0.1 10.1.0.0/24 ['10.1.0.1', '10.1.0.3']" ]
	[ "$(value route-11.img "e[2]['dst']")" = 10.8.0.0/16 ]
	[ "$(value rule-11.img "e[0]['src'], e[0]['uids']")" = "10.1.0.2/32 1000-1000" ]
	[ "$(value netns-ct-11.img "e[0]['original']['ip'], e[1]['original']['ip']['dst']")" = \
		"{'src': '10.1.0.9', 'dst': '10.1.0.2'} 10.9.9.9" ]
	run -0 grep -c 10.0.0 s/iptables-11.img
	[ "$output" = 1 ] # in a comment
	grep -q -- '-s 10.1.0.0/24 .*22,80,90:95' s/iptables-11.img
	grep -q -- '--src-range 10.1.0.1-10.1.0.2 ' s/iptables-11.img
	grep -q 'elements = { 10.9.9.9, 10.1.0.2 }' s/nftables-11.img
	grep -q 'ip6 saddr fd01::2 ' s/nftables-11.img
}

@test "remap moves a network in objects of the kernel, options of sockets, and senders of what waits in them" {
	for build in "own 10.0.0 80" "moved 10.1.0 8080"; do
		# shellcheck disable=SC2086
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/remap_own.py" "$crit" $build
		"$crit" encode -o "${build%% *}/inventory.img" \
			<<<'{"magic": "INVENTORY", "entries": [{"img_version": 2}]}'
	done
	run -0 "$crit" remap --in-place --ip 10.0.0.0/24=10.1.0.0/24 --ip fd00::/64=fd01::/64 --port 80=8080 \
		--path /srv/80=/srv/8080 own
	diff -r own moved
	[[ $output == *"netns-11.img "*" 0  next_hop.gateway "*" 10.0.0.1 "*" 10.1.0.1"* ]]
	[[ $output == *"files.img "*" 0  isk.opts.more[3].value "*" 10.0.0.9 "*" 10.1.0.9"* ]]
	[[ $output == *"sk-queues.img "*" 0  sender "*" 10.0.0.2 "*" 10.1.0.2"* ]]
}

@test "remap refuses a next hop that no network of its interface would have" {
	PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$BATS_TEST_DIRNAME/remap_own.py" "$crit" own 10.0.0 80
	cp own/netns-11.img s
	rm s/route-11.img
	run -1 "$crit" remap --in-place --ip 10.0.0.1=10.7.0.1 s
	[[ $output == *"netns-11.img: the gateway 10.0.0.1 would be in no network of its interface"* ]]
	"$crit" remap --in-place --ip 10.0.0.1=10.0.0.3 s
}

@test "remap refuses messages in a field that are cut" {
	"$crit" encode -o s/netns-11.img <<< '{"magic": "NETNS", "entries": [{"objects": "FAAAABwA"}]}'
	run -1 "$crit" remap --in-place --hostname other s
	[[ $output == *"netns-11.img: objects: no whole message at byte 0"* ]]
}

@test "remap changes a port at the set's own ends only" {
	"$crit" remap --in-place --port 80=8080 --port 83=8083 s
	[ "$(value files.img "[(f['isk']['src_port'], f['isk']['dst_port']) for f in e if f['id'] >= 40]")" = \
		"[(8080, 0), (8080, 4000), (5000, 8080), (5001, 80), (81, 0), (82, 0), (80, 0), (8083, 0), (5002, 8083)]" ]
	[ "$(value netns-ct-11.img "[f['original']['proto']['dport'] for f in e], e[0]['reply']['proto']['sport']")" = "[8080, 80] 8080" ]
	run -0 diff <(echo "--dport 8080 -m comment") <(grep -o -- '--dport .* comment' s/iptables-11.img)
	grep -q -- '--dports 22,8080,90:95' s/iptables-11.img
	grep -q -- '-A OUTPUT .*--dport 80 -m owner' s/iptables-11.img
	grep -q -- '-A OUTPUT .*--sport 8080' s/iptables-11.img
	grep -q -- '--to-destination 10.0.0.2:8080' s/iptables-11.img
	grep -q 'ACCEPT \[80:80\]' s/iptables-11.img
	grep -q 'tcp dport { 8080, 443 } accept' s/nftables-11.img
	grep -q 'tcp sport 80 drop' s/nftables-11.img
}

@test "remap gives processes and threads other ids, in names of images and in memory too" {
	"$crit" remap --in-place --pid 3=33 --pid 2=22 s
	[ "$(value pstree.img "[(p['pid'], p['pgid'], p['threads']) for p in e]")" = \
		"[(1, 1, [1, 22]), (33, 33, [33]), (4, 1, [0])]" ]
	local name
	for name in core ids fs mm pagemap; do
		[ -e "s/$name-33.img" ]
		[ ! -e "s/$name-3.img" ]
	done
	[ -e s/core-22.img ]
	[ ! -e s/core-2.img ]
	[ -e s/fdinfo-3.img ]
	[ "$(word pages-1.img $((4096 + 16)))" = 22 ]
	[ "$(word pages-2.img 32)" = 33 ]
	# locks it holds, also in shared memory: the lower bits, and the owner where it is the same
	[ "$(word pages-2.img $((0x1e0)))" = $((0x80000021)) ]
	[ "$(word pages-2.img $((0x1e8)))" = 33 ]
	[ "$(word pages-3.img $((0x1e0)))" = 33 ]
	[ "$(word pages-3.img $((0x1e8)))" = 7 ]
	[ "$(cmp -l s/pages-2.img "$made/pages-2.img" | wc -l)" = 3 ]
	[ "$(value filelocks.img "e[0]['pid']")" = 33 ]
	[ "$(value files.img "[f['reg']['name'] for f in e if f['id'] == 32], [f['reg']['fown']['pid'] for f in e if f['id'] == 30], [f['pidfd']['nspid'] for f in e if f['id'] == 33]")" = \
		"['/proc/33/task/33/status'] [33] [33]" ]
	[ "$(value core-1.img "e[0]['tc']['timers']['posix'][0]['notify_thread_id']")" = 22 ]
	# senders of kill and of SIGCHLD, not a timer's number, nor the address of a fault
	[ "$(value core-1.img "[__import__('base64').b64decode(s['siginfo'])[16] for s in e[0]['tc']['signals_s']['signals']]")" = "[33, 3, 33, 3]" ]
	"$crit" remap --in-place --pid 33=3 --pid 22=2 s
	diff -r "$made" s
}

@test "remap swaps two ids" {
	"$crit" remap -o out --pid 2=3 --pid 3=2 s
	[ "$("$crit" decode -i out/core-3.img | grep -c second)" = 1 ]
	[ "$("$crit" decode -i out/core-2.img | grep -c child)" = 1 ]
	"$crit" remap --in-place --pid 2=3 --pid 3=2 out
	diff -r "$made" out
}

@test "remap changes users and groups in credentials, owners, senders, options and filters" {
	"$crit" remap --in-place --uid 1000=2000 --gid 50=51 s
	[ "$(value core-3.img "[e[0]['thread_core']['creds'][k] for k in ('uid', 'euid', 'suid', 'gid', 'groups')]")" = "[2000, 2000, 0, 51, [51, 60]]" ]
	[ "$(value files.img "[f['reg']['fown']['uid'] for f in e if f['id'] == 30]")" = "[2000]" ]
	[ "$(value mountpoints-12.img "e[2]['options']")" = "lowerdir=/srv/data/a:/b,uid=2000,gid=51" ]
	[ "$(value rule-11.img "e[0]['uids']")" = 2000-2000 ]
	grep -q -- '--uid-owner 2000' s/iptables-11.img
	grep -q 'skuid != 2000' s/nftables-11.img
}

@test "remap changes owners of message queues and senders of what waits in sockets" {
	"$crit" encode -o s/sk-queues.img <<< '{"magic": "SK_QUEUES", "entries": [
		{"id_for": 1, "length": 0, "uid": 1000, "gid": 50}, {"id_for": 1, "length": 0}]}'
	"$crit" encode -o s/ipcns-var-9.img <<< '{"magic": "IPC_VAR", "entries": [{"sem_ctls": [],
		"msg_ctlmax": 1, "msg_ctlmnb": 1, "msg_ctlmni": 1, "auto_msgmni": 1, "shm_ctlmax": 1, "shm_ctlall": 1,
		"shm_ctlmni": 1, "shm_rmid_forced": 0, "mq_queues_max": 1, "mq_msg_max": 1, "mq_msgsize_max": 1,
		"mqueues": [{"name": "q", "mode": 384, "uid": 1000, "gid": 50, "maxmsg": 1, "msgsize": 1}]}]}'
	"$crit" remap --in-place --uid 1000=2000 --gid 50=51 s
	[ "$(value sk-queues.img "e[0]['uid'], e[0]['gid'], 'uid' in e[1]")" = "2000 51 False" ]
	[ "$(value ipcns-var-9.img "e[0]['mqueues'][0]['uid'], e[0]['mqueues'][0]['gid']")" = "2000 51" ]
}

# rules FIELD PYTHON: what the kernel had of rules, as an expression of its bytes, is in netns-11.img
rules()
{
	/usr/bin/python3 -c "import base64, json, sys
raw = base64.b64encode($2).decode()
table = {'family': 2, 'name': 'filter', 'valid_hooks': 0, 'num_entries': 1, 'entries': raw}
print(json.dumps({'magic': 'NETNS', 'entries': [{'$1': raw if '$1' == 'nf_tables' else [table, dict(table, family=10)]}]}))" |
		"$crit" encode -o s/netns-11.img
}

@test "remap finds ports and addresses in sets of nftables, with a name or without" {
	cat > s/nftables-11.img <<- 'END'
		table inet filter {
			set ours {
				type inet_service
				elements = { 80, 443,
					     81 }
			}
			set theirs {
				type inet_service
				elements = { 80 }
			}
			map both {
				typeof ip saddr . tcp dport : counter
				elements = { 10.0.0.2 . 80 counter packets 80 bytes 10 : "80" }
			}
			chain in {
				type filter hook input priority filter; policy accept;
				tcp dport @ours meta skuid 1000 accept
				ip saddr . tcp dport { 10.0.0.2 . 80, 10.9.9.9 . 10 } counter name ip saddr . tcp dport map @both
				tcp dport vmap { 80 : accept } ct mark 80
			}
			chain out {
				type filter hook output priority filter; policy accept;
				ip daddr . tcp dport { 10.0.0.2 . 80 } accept
				tcp dport @theirs accept
			}
		}
	END
	sed -e '4s/80/8080/; 13s/10.0.0.2 . 80/10.0.0.77 . 8080/; 17s/1000/2000/; 18s/10.0.0.2 . 80/10.0.0.77 . 8080/' \
		-e '18s/ 10 }/ 11 }/; 19s/{ 80/{ 8080/; 23s/10.0.0.2/10.0.0.77/' s/nftables-11.img > want
	"$crit" remap --in-place --port 80=8080 --port 10=11 --uid 1000=2000 --ip 10.0.0.2=10.0.0.77 s
	diff want s/nftables-11.img
}

@test "remap lets rules go that are no text where their text changes" {
	rules nf_tables "b'x' * 32"
	run -0 "$crit" remap --in-place --ip 10.0.0.2=10.0.0.77 s
	[[ $output == *"netns-11.img "*" 0  nf_tables "*"the words of nftables-11.img"* ]]
	[ "$(value netns-11.img "'nf_tables' in e[0]")" = False ]
	grep -q 'ip daddr 10.0.0.77 tcp' s/nftables-11.img
	rules nf_tables "b'x' * 32"
	run -0 "$crit" remap --in-place --path /srv/data=/srv/other s
	[[ $output != *nf_tables* ]]
	[ "$(value netns-11.img "'nf_tables' in e[0]")" = True ]
	rules xtables "b'x' * 32"
	run -0 "$crit" remap --in-place --ip 10.0.0.77=10.0.0.2 s
	[[ $output == *"netns-11.img "*" 0  xtables "*"with what they counted "*"the words of iptables-11.img"* ]]
	[ "$(value netns-11.img "[t['family'] for t in e[0]['xtables']]")" = "[10]" ]
}

@test "remap refuses rules that are no text where no text can take their place" {
	rules nf_tables "b'x' * 32"
	echo 'xt match "rpfilter"' >> s/nftables-11.img
	cp -r s before
	run -1 "$crit" remap --in-place --ip 10.0.0.2=10.0.0.77 s
	[[ $output == *'netns-11.img: nf_tables has a rule without words in nftables-11.img (xt match "rpfilter")'* ]]
	diff -r before s
	rm s/nftables-11.img
	"$crit" remap --dry-run --ip 10.0.0.2=10.0.0.77 s
	rules nf_tables "b'x' * 30 + bytes([10, 0, 0, 2])"
	run -1 "$crit" remap --in-place --ip 10.0.0.2=10.0.0.77 s
	[[ $output == *'--ip 10.0.0.2=10.0.0.77: netns-11.img: nf_tables may have the old value, and there is no nftables-11.img'* ]]
	rules xtables "b'x' * 30 + (80).to_bytes(2, 'little')"
	run -1 "$crit" remap --in-place --port 80=8080 s
	[[ $output == *'--port 80=8080: netns-11.img: xtables may have the old value, and there is no ip6tables-11.img'* ]]
}

@test "remap moves a file and what is below it, not what only begins alike" {
	"$crit" remap --in-place --path /srv/data=/mnt/d --path /srv/data/log=/var/log/x s
	[ "$(value files.img "[f['reg']['name'] for f in e if f['id'] in (30, 31)], [f['usk']['name'] for f in e if f['id'] == 8]")" = \
		"['/var/log/x', '/srv/database'] ['/mnt/d/sock']" ]
	[ "$(value mountpoints-12.img "e[2]['mountpoint'], e[2]['options']")" = "/mnt/d lowerdir=/mnt/d/a:/b,uid=1000,gid=50" ]
}

@test "remap changes the host name and names of tasks" {
	"$crit" remap --in-place --hostname other --comm child=kid s
	[ "$(value utsns-10.img "e[0]['nodename']")" = other ]
	[ "$(value core-3.img "e[0]['tc']['comm'], e[0]['thread_core']['comm']")" = "kid kid" ]
	[ "$(value core-1.img "e[0]['tc']['comm']")" = first ]
}

@test "remap says what changes, as text and as JSON, and writes nothing when it is asked to" {
	run -0 "$crit" remap --dry-run --hostname other s
	[ "${lines[0]}" = "Would change" ]
	[ "${lines[2]}" = "  utsns-10.img      0  nodename  node  other" ]
	diff -r "$made" s
	run -0 "$crit" remap --format json --in-place --hostname other s
	[ "$(/usr/bin/python3 -c 'import json, sys; d = json.loads(sys.argv[1]); print(d["dry_run"], d["changes"])' "$output")" = \
		"False [{'image': 'utsns-10.img', 'entry': 0, 'field': 'nodename', 'old': 'node', 'new': 'other'}]" ]
}

@test "remap refuses a process id that is in use, or that no process can have" {
	refused '4 is in use' --pid 3=4
	refused '3 is in use' --pid 2=3
	refused 'in use' --pid 2=7 --pid 3=7
	touch s/core-44.img
	run -1 "$crit" remap --in-place --pid 3=44 s
	[[ $output == *"core-44.img"* ]]
	run -2 "$crit" remap --in-place --pid 1=9 s
	run -2 "$crit" remap --in-place --pid 3=1 s
	run -2 "$crit" remap --in-place --pid 3=4194305 s
}

@test "remap refuses another pid for a set with a parent" {
	ln -s "$made" s/parent
	run -1 "$crit" remap --in-place --pid 3=33 s
	[[ $output == *parent* ]]
}

@test "remap refuses another pid for a set with pid namespaces inside of another" {
	"$crit" show s/pstree.img | /usr/bin/python3 -c "import json, sys
d = json.load(sys.stdin)
e = d['entries'][-1]
e['levels'] = [{'ns_id': 9, 'pgid': 0, 'sid': 0, 'threads': e['threads']}]
json.dump(d, sys.stdout)" > with.json
	"$crit" encode -i with.json -o s/pstree.img
	run -1 "$crit" remap --in-place --pid 3=33 s
	[[ $output == *"in a pid namespace inside of another"* ]]
}

@test "remap refuses another address family, and addresses of no host" {
	run -2 "$crit" remap --dry-run --ip 10.0.0.2=fd00::1 s
	[[ $output == *family* ]]
	run -2 "$crit" remap --dry-run --ip 10.0.0.0/24=10.0.0.0/25 s
	run -2 "$crit" remap --dry-run --ip 10.0.0.2/24=10.1.0.0/24 s
	run -2 "$crit" remap --dry-run --ip 0.0.0.0=10.0.0.1 s
	run -2 "$crit" remap --dry-run --ip 10.0.0.2=224.0.0.1 s
	run -2 "$crit" remap --dry-run --ip 10.0.0=10.0.0.1 s
}

@test "remap refuses an address outside of the network of its interface" {
	refused 'outside of the network 10.0.0.0/24' --ip 10.0.0.2=10.7.0.2
	refused 'gateway 10.0.0.1 would be in no network' --ip 10.0.0.1=10.7.0.1
}

# status ADDRESS GATEWAY: an archive as podman exports it
status()
{
	rm -rf a
	mkdir a
	cp -r s a/checkpoint
	rm a/checkpoint/{ifaddr,route}-11.img
	echo '{"podman": {"interfaces": {"eth0": {"subnets": [{"ipnet": "'"$1"'", "gateway": "'"$2"'"}]}},
	"dns_server_ips": ["10.89.0.1"]}}' > a/network.status
	tar -C a -cf a.tar network.status checkpoint
}

@test "remap refuses the first and the last address of an interface's network" {
	refused 'would become 10.0.0.0, which is the number of' --ip 10.0.0.2=10.0.0.0
	refused 'would become 10.0.0.255, which is the broadcast address of' --ip 10.0.0.2=10.0.0.255
	"$crit" remap --dry-run --ip fd00::2=fd00:: --ip 10.0.0.2=10.0.0.254 s
}

@test "remap refuses what podman would not find in the network of network.status" {
	status 10.89.0.2/24 10.89.0.1
	cp a.tar before.tar
	run -1 "$crit" remap --in-place --ip 10.89.0.2=10.7.0.9 a.tar
	[[ $output == *": network.status: address 10.89.0.2 would become 10.7.0.9, outside of the network 10.89.0.0/24 its interface is in: move the network, as --ip 10.89.0.0/24=10.7.0.0/24" ]]
	run -1 "$crit" remap --in-place --ip 10.89.0.1=10.7.0.1 a.tar
	[[ $output == *": network.status: the gateway 10.89.0.1 would be in no network of its interface: move the network, as --ip 10.89.0.0/24=10.7.0.0/24" ]]
	run -1 "$crit" remap --in-place --ip 10.89.0.2=10.89.0.1 a.tar
	[[ $output == *": network.status: address 10.89.0.2 would become 10.89.0.1, which its gateway has" ]]
	run -1 "$crit" remap --dry-run --ip 10.89.0.2=10.7.0.9 a
	[[ $output == *"network.status: address 10.89.0.2 would become"* ]]
	cmp a.tar before.tar
	# what the message says helps; a host inside of the network that moves may go elsewhere in it
	"$crit" remap --in-place --ip 10.89.0.0/24=10.7.0.0/24 --ip 10.89.0.2=10.7.0.9 a.tar
	[ "$(tar -xOf a.tar network.status)" = "$(sed 's/10.89.0.2/10.7.0.9/; s/10.89.0.1/10.7.0.1/g' a/network.status)" ]
	"$crit" remap --in-place --ip 10.7.0.9=10.7.0.77 a.tar
	status fd89::2/64 fd89::1
	run -1 "$crit" remap --in-place --ip fd89::2=fd90::2 a.tar
	[[ $output == *"outside of the network fd89::/64"*"--ip fd89::/64=fd90::/64" ]]
	# as CNI wrote it
	mkdir b
	cp -r a/checkpoint b
	echo '[{"ips": [{"version": "4", "address": "10.89.0.2/24", "gateway": "10.89.0.1"}]}]' > b/network.status
	run -1 "$crit" remap --dry-run --ip 10.89.0.2=10.7.0.9 b
	[[ $output == *"network.status: address 10.89.0.2 would become"* ]]
}

@test "remap refuses two sockets, or two interfaces, at one address" {
	refused 'would both be at' --port 83=80
	refused 'would both be at' --port 5000=5001 --ip 10.9.9.9=10.0.0.2
	refused 'interfaces would have the address 10.0.0.2' --ip 127.0.0.1=10.0.0.2
}

@test "remap refuses ids that the user namespace has not" {
	"$crit" encode -o s/userns-7.img <<< '{"magic": "USERNS", "entries": [{
		"uid_map": [{"first": 0, "lower_first": 100000, "count": 1500}],
		"gid_map": [{"first": 0, "lower_first": 100000, "count": 55}]}]}'
	# its owner is outside; that of one inside of it, where nobody is, is not
	"$crit" edit s --in-place 'userns-7.img: entries[0].owner=1000'
	"$crit" encode -o s/userns-12.img <<< '{"magic": "USERNS", "entries": [{
		"uid_map": [{"first": 1500, "lower_first": 0, "count": 10}], "parent_ns": 7, "owner": 1000}]}'
	run -1 "$crit" remap --in-place --uid 1000=1500 s
	[[ $output == *"maps no 1500"* ]]
	run -1 "$crit" remap --in-place --gid 50=55 s
	"$crit" remap --in-place --uid 1000=1499 --gid 50=54 s
	[[ $("$crit" show s/userns-12.img) == *'"owner": 1499'* ]]
	[[ $("$crit" show s/userns-7.img) == *'"owner": 1000'* ]]
}

@test "remap refuses other ids where tasks are in user namespaces inside of another" {
	"$crit" encode -o s/userns-9.img <<< '{"magic": "USERNS", "entries": [{
		"uid_map": [{"first": 0, "lower_first": 1000, "count": 1}],
		"parent_ns": 7, "owner": 1000}]}'
	"$crit" edit s --in-place 'ids-3.img: entries[0].user_ns_id=9'
	run -1 "$crit" remap --in-place --uid 1000=1500 s
	[[ $output == *"--uid"*"inside of another"* ]]
	"$crit" remap --in-place --ip 10.0.0.2=10.0.0.3 s
}

@test "remap wants something to change, and a value that is there" {
	run -2 "$crit" remap --dry-run s
	run -2 "$crit" remap --ip 10.0.0.2=10.0.0.3 s
	[[ $output == *"-o OUT"* ]]
	run -2 "$crit" remap --in-place --dry-run --ip 10.0.0.2=10.0.0.3 s
	refused 'nothing has the old value' --ip 10.0.0.55=10.0.0.56
	refused 'nothing has the old value' --hostname other --path /nowhere=/else
	run -2 "$crit" remap --dry-run --port 80=81 --port 80=82 s
	run -2 "$crit" remap --dry-run --comm child=a-name-of-sixteen s
	run -2 "$crit" remap --dry-run --path srv=/mnt s
}

@test "remap rewrites archives and what podman wrote beside the images" {
	mkdir a
	cp -r s a/checkpoint
	cat > a/network.status <<- 'EOF'
	{ "podman": { "interfaces": { "eth0": { "subnets": [
	  { "ipnet": "10.0.0.2/24", "gateway": "10.0.0.1" } ], "mac_address": "aa:bb:cc:00:11:22" } } } }
	EOF
	echo '{"spec": {"hostname": "node", "process": {"user": {"uid": 1000}, "args": ["a\u003cb", 1.50]},
	"mounts": [{"destination": "/srv/data"}]}, "newPortMappings": [{"container_port": 80, "host_port": 80}]}' > a/config.dump
	tar -C a -cf a.tar network.status config.dump checkpoint
	run -0 "$crit" remap --in-place --ip 10.0.0.0/24=10.1.0.0/24 --hostname other --uid 1000=2000 \
		--port 80=8088 --path /srv/data=/mnt/d --pid 3=33 a.tar
	[[ $output == *"network.status"*"10.0.0.2/24"*"10.1.0.2/24"* ]]
	mkdir b
	tar -C b -xf a.tar
	diff <(sed 's/10\.0\.0/10.1.0/g' a/network.status) b/network.status
	diff <(sed 's/"node"/"other"/; s/1000/2000/; s/"container_port": 80/"container_port": 8088/; s:/srv/data:/mnt/d:' a/config.dump) b/config.dump
	[ -e b/checkpoint/core-33.img ]
	[ ! -e b/checkpoint/core-3.img ]
	"$crit" remap -o c.tar.gz --ip 10.1.0.0/24=10.0.0.0/24 --hostname node --uid 2000=1000 \
		--port 8088=80 --path /mnt/d=/srv/data --pid 33=3 a.tar
	mkdir c
	tar -C c -xzf c.tar.gz
	diff -r a c
}

@test "remap leaves everything as it was when it fails half way" {
	truncate -s -3 s/files.img
	cp -r s before
	run -1 "$crit" remap --in-place --pid 3=33 s
	diff -r before s
	cp "$made/files.img" s/
	printf '\1' >> s/rule-11.img
	run -1 "$crit" remap --in-place --uid 1000=2000 s
	[[ $output == *"rule-11.img: no netlink message"* ]]
	run -1 "$crit" remap -o out --uid 1000=2000 s
	[ ! -e out ]
}

@test "remap reads compressed sets, and leaves no two forms of a page image" {
	"$crit" compress s
	"$crit" remap -o out --pid 3=33 s
	"$crit" remap --in-place --pid 3=33 s
	diff -r out s
	"$crit" remap -o back --pid 33=3 out
	"$crit" decompress back
	diff -r "$made" back
}

@test "corpus: remap there and back gives the same bytes" {
	need_corpus
	"$crit" remap -o a4 --ip 127.0.0.1=127.0.0.5 --port 15001=15009 --pid 2001=2999 "$corpus/a4"
	run -0 "$crit" verify a4
	"$crit" remap --in-place --ip 127.0.0.5=127.0.0.1 --port 15009=15001 --pid 2999=2001 a4
	diff -r "$corpus/a4" a4
	"$crit" remap -o a6 --ip 10.77.0.0/24=10.99.0.0/24 --ip fd77::/64=fd99::/64 "$corpus/a6"
	run -0 "$crit" verify a6
	"$crit" remap --in-place --ip 10.99.0.0/24=10.77.0.0/24 --ip fd99::/64=fd77::/64 a6
	diff -r "$corpus/a6" a6
}

@test "container archives: remap there and back gives the same members" {
	need_containers
	local archive there back nr=0
	for archive in "$containers"/*.tar*; do
		there=(--hostname elsewhere) back=()
		if "$crit" remap --dry-run --ip 10.88.0.0/16=10.99.0.0/16 "$archive" > /dev/null 2>&1; then
			there+=(--ip 10.88.0.0/16=10.99.0.0/16) back=(--ip 10.99.0.0/16=10.88.0.0/16)
		fi
		"$crit" remap -o there.tar "${there[@]}" "$archive" > said
		back+=(--hostname "$(awk '$3 == "nodename" { print $4 }' said)")
		run -0 "$crit" verify there.tar
		"$crit" remap -o back.tar "${back[@]}" there.tar
		mkdir a b
		"$crit" unpack -C a/x "$archive"
		"$crit" unpack -C b/x back.tar
		diff -r a b
		rm -r a b there.tar back.tar
		nr=$((nr + 1))
	done
	[ $nr -gt 0 ]
}

@test "remap reports a full disk, and leaves the set as it was" {
	run -1 bash -c "ulimit -f 8; trap '' XFSZ; exec '$crit' remap --in-place --pid 2=22 s"
	[[ $output == *"File too large"* ]]
	diff -r "$made" s
}
