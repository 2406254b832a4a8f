/* SPDX-License-Identifier: MIT
 * Network namespaces, dumped and filled again: what ip(8) and others say of the new one must be
 * what they said of the old one.
 */
#include "tests/unit/image_fixture.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "engine/net/net.h"
#include "engine/net/ns-objects.h"
#include "engine/net/ns-set.h"
#include "engine/net/ns.h"
#include "engine/net/unix.h"
#include "network.pb-c.h"

#define NS_ID 10

struct netns_case {
	const char *setup;       /* a shell script, in a namespace of its own */
	const char *show;        /* what to compare; NULL: links, addresses, routes and rules */
	const char *external[4]; /* options of dump and restore */
};

static const char show_all[] = "ip -d link; ip addr; ip route show table all | sort; ip -6 route "
			       "show table all | sort; ip rule;"
			       "ip -6 rule";

/* Some devices get their state from each other, after a moment. */
static const char settle[] =
    "for i in $(seq 50); do ip -6 addr | grep -q tentative || break; sleep 0.2; done;";

static int run(const char *script, char **output)
{
	auto_strbuf text = { 0 };
	auto_strbuf command = { 0 };
	char buf[4096];
	size_t n;
	strbuf_printf(&command, "set -e; exec 2>&1; %s", script);
	FILE *f = popen(command.data, "r");
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&text, buf, n);
	strbuf_add(&text, "", 1);
	*output = take_ptr(text.data);
	return pclose(f);
}

static void show(const struct netns_case *c, const struct temp_dir *dir)
{
	auto_strbuf script = { 0 };
	char *said;
	strbuf_printf(&script, "%s(%s) > %s/before", settle, c->show ? c->show : show_all,
		      dir->path);
	if (run(script.data, &said) != 0)
		fprintf(stderr, "show: %s\n", said);
	free(said);
}

/* The kernel tells some states of devices up to a second late: looks again and again. */
static int differ(const struct netns_case *c, const struct temp_dir *dir)
{
	auto_strbuf script = { 0 };
	char *said;
	strbuf_printf(
	    &script,
	    "cd %s; %s for i in $(seq 25); do (%s) > after; "
	    "diff -U0 before after > differs && exit 0; sleep 0.2; done; cat differs; exit 1",
	    dir->path, settle, c->show ? c->show : show_all);
	int rc = run(script.data, &said);
	if (rc != 0)
		fprintf(stderr, "%s\n", said);
	free(said);
	return rc != 0;
}

static void set_options(const struct netns_case *c, struct options *opts)
{
	opts->external.items = (const char **)c->external;
	while (opts->external.nr < ARRAY_SIZE(c->external) && c->external[opts->external.nr])
		opts->external.nr++;
}

static int dump_to(const struct netns_case *c, const struct temp_dir *dir, struct error *err)
{
	struct options opts = { 0 };
	struct dump d = { .opts = &opts, .images_fd = dir->fd };
	const struct ns_seen seen = { .kind = NS_NET, .id = NS_ID };
	set_options(c, &opts);
	struct net_filters filters = { .id = NS_ID };
	int rc = net_table_new(&d, err);
	if (rc == 0)
		rc = net_filters_read(&filters, err);
	if (rc == 0)
		*array_add(&d.net->filters) = filters;
	if (rc == 0)
		rc = netns_dump(&d, &seen, err);
	net_table_free(d.net);
	return rc;
}

static int fill_from(const struct netns_case *c, const struct temp_dir *dir, struct error *err)
{
	struct options opts = { 0 };
	struct restore r = { .opts = &opts, .images_fd = dir->fd, .images = open_dir(dir) };
	set_options(c, &opts);
	int rc = netns_load(&r, NS_ID, err);
	if (rc == 0)
		rc = netns_fill(&r, NS_ID, err);
	if (rc == 0)
		rc = netns_filter_one(&r, netns_find(&r, NS_ID), err);
	netns_set_free(r.netns);
	source_close(r.images);
	return rc;
}

/* In a process of its own. @return 0; else it has said what is wrong */
static int there_and_back(const struct netns_case *c, const struct temp_dir *dir)
{
	struct error err = { 0 };
	char *said = NULL;
	if (unshare(CLONE_NEWNET) < 0 || run(c->setup, &said) != 0) {
		fprintf(stderr, "setup: %s\n", said ? said : "unshare");
		return 1;
	}
	show(c, dir);
	if (dump_to(c, dir, &err) < 0) {
		fprintf(stderr, "dump: %s\n", err.text);
		return 1;
	}
	if (unshare(CLONE_NEWNET) < 0 || fill_from(c, dir, &err) < 0) {
		fprintf(stderr, "fill: %s\n", err.text);
		return 1;
	}
	return differ(c, dir);
}

static void carries(void **state, const struct netns_case *c)
{
	char *said;
	if (geteuid() != 0 || run("ip -V", &said) != 0)
		skip();
	pid_t pid = fork();
	if (pid == 0)
		_exit(there_and_back(c, *state));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CARRIES(name, ...)                                                                         \
	static void name(void **state)                                                             \
	{                                                                                          \
		static const struct netns_case c = { __VA_ARGS__ };                                \
		carries(state, &c);                                                                \
	}

CARRIES(netns_carries_fresh, "true")
CARRIES(netns_carries_loopback, "ip link set lo up mtu 16436; ip addr add 10.9.8.7/32 dev lo")
CARRIES(netns_carries_pair,
	"ip link add v1 index 7 type veth peer name v2 index 4; ip link set lo up;"
	"ip link set v1 mtu 1400 address 02:00:00:00:00:11 txqueuelen 123 alias 'to the other' up;"
	"ip link set v2 up; ip addr add 192.0.2.1/24 brd + dev v1;"
	"ip addr add 192.0.2.2/24 dev v1; ip addr add 192.0.2.3/25 dev v1 label v1:x;"
	"ip addr add 2001:db8::1/64 dev v1 nodad; ip addr add 2001:db8::2/64 dev v2 noprefixroute")
CARRIES(
    netns_carries_bridge,
    "ip link add br0 type bridge stp_state 0 ageing_time 12300 "
    "forward_delay 400 mcast_snooping 0; ip link add p1 type veth peer name p2;"
    "ip link set p1 master br0; ip link set p1 type bridge_slave hairpin on isolated on;"
    "ip link set br0 up; ip link set p1 up; ip link set p2 up promisc on;"
    "ip addr add 198.51.100.1/24 dev br0",
    /* no timers */
    "ip -d link | sed -E "
    "'s/(gc_timer|hello_timer|tcn_timer|topology_change_timer|forward_delay_timer) +[0-9.]+ //g;"
    "s/(bridge_id|designated_root|designated_bridge) [0-9a-f.:]+ //g;"
    "s/forwarding|disabled|blocking/STATE/'; ip addr; ip route")
CARRIES(netns_carries_macvlan,
	"ip link add v1 index 9 type veth peer name v2; ip link add link v1 name m1 index 5 "
	"type macvlan mode bridge; ip link set v1 up; ip link set v2 up; ip link set m1 up;"
	"ip addr add 192.0.2.9/24 dev m1")
CARRIES(netns_carries_tun,
	"ip tuntap add dev tap5 mode tap user 1000 group 100; ip tuntap add dev tun6 mode tun pi;"
	"ip link set tap5 up; ip link set tun6 mtu 1300; ip addr add 192.0.2.77/24 dev tap5",
	"sleep 1.2; ip -d tuntap; ip -d link; ip addr; ip route show table all")
CARRIES(netns_carries_settings_of_devices,
	"ip link add v1 type veth peer name v2; ip link set v1 group 5 gso_max_size 30000; "
	"ip link set v2 gso_max_segs 100; ip link property add dev v1 altname other-name "
	"altname third-name; ip link set v1 alias text",
	"ip -d link")
CARRIES(netns_carries_vxlan,
	"ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up; ip link set "
	"v2 up; ip addr add 192.0.2.1/24 dev v1;"
	"ip link add x0 index 3000 type vxlan id 7 local 192.0.2.1 remote 192.0.2.9 dstport 4789 "
	"dev v1 ttl 5 learning; ip link add x1 index 2000 type vxlan id 8 dstport 4790 nolearning "
	"group 239.1.1.1 dev v1 ttl inherit; ip link set x0 up; ip link set x1 up;"
	"bridge fdb append 00:00:00:00:00:00 dev x0 dst 192.0.2.10;"
	"bridge fdb append 02:00:00:00:00:05 dev x1 dst 192.0.2.11 port 99 vni 6",
	"ip -d link; bridge fdb | grep -v 33:33: | sort")
CARRIES(netns_carries_ifb, "ip link add ifb7 type ifb; ip link set ifb7 up")
CARRIES(
    netns_carries_routes,
    "ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up;"
    "ip link set v2 up; ip addr add 192.0.2.1/24 dev v1; ip addr add 2001:db8::1/64 dev v1 nodad;"
    "ip route add default via 192.0.2.254; ip route add 203.0.113.0/24 via 192.0.2.3 metric 7 mtu "
    "1300;"
    "ip route add 203.0.113.0/24 via 192.0.2.4 metric 9;"
    "ip route add 198.51.100.0/24 nexthop via 192.0.2.5 weight 2 nexthop via 192.0.2.6;"
    "ip route add blackhole 10.1.0.0/16; ip route add prohibit 10.2.0.0/16 table 77;"
    "ip route add local 10.3.0.0/16 dev lo; ip route add 10.4.0.1 dev v1 onlink via 1.2.3.4 table "
    "500;"
    "ip route del 192.0.2.0/24; ip route add 192.0.2.0/24 dev v1 proto static src 192.0.2.1;"
    "ip -6 route add default via fe80::1 dev v1; ip -6 route add 2001:db8:1::/48 via 2001:db8::9 "
    "metric 50; ip -6 route add unreachable 2001:db8:2::/48;"
    "ip -6 route add 2001:db8:3::/48 nexthop via 2001:db8::5 nexthop via 2001:db8::6;"
    "ip rule add from 10.0.0.0/8 lookup 77 priority 100; ip rule add fwmark 0x5/0xff lookup 500;"
    "ip rule add iif v1 prohibit priority 200; ip rule del lookup default;"
    "ip -6 rule add to 2001:db8:9::/48 lookup 99 priority 300")
CARRIES(netns_carries_nftables,
	"nft 'table inet t { set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, "
	"192.0.2.1 }; };"
	" map m { type inet_service : verdict; elements = { 22 : accept, 80 : jump other }; };"
	" set d { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 1h; size 99; };"
	" counter c { packets 5 bytes 6; }; chain other { meta mark set 5; };"
	" chain in { type filter hook input priority 5; policy drop; ip saddr @s counter packets 3 "
	"bytes 4 accept;"
	" tcp dport { 22, 80 } ct state new counter name c accept comment \"some, words\"; tcp "
	"dport vmap @m;"
	" update @d { ip saddr . tcp dport }; log prefix \"x\" limit rate 5/second; }; };"
	"table ip6 x { chain y { ip6 daddr 2001:db8::/32 limit rate 5/second drop; }; };"
	"table netdev n { chain i { type filter hook ingress device lo priority 1; }; }'",
	"nft list ruleset")
CARRIES(
    netns_carries_iptables_over_nftables,
    "iptables-nft -N mine; iptables-nft -A INPUT -p tcp -m multiport --dports 80,443 -m recent "
    "--set "
    "--name r -j mine; iptables-nft -A mine -p tcp -m comment --comment 'a b' -j REJECT "
    "--reject-with tcp-reset;"
    "iptables-nft -A INPUT ! -p udp -m statistic --mode random --probability 0.5 -j LOG "
    "--log-prefix x;"
    "iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE;"
    "ip6tables-nft -A OUTPUT -d 2001:db8::/32 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS "
    "--clamp-mss-to-pmtu; iptables-nft -P FORWARD DROP; ip link set lo up; ping -qc1 127.0.0.1 || "
    "true",
    "for p in iptables ip6tables; do $p-nft-save -c | grep -v '^# [CG]'; done; nft list ruleset")
CARRIES(netns_carries_iptables,
	"iptables-legacy -N mine; iptables-legacy -A INPUT -p tcp -m multiport --dports 80,443 -m "
	"conntrack "
	"--ctstate NEW -m limit --limit 5/min -j mine; iptables-legacy -A mine -p tcp -m comment "
	"--comment 'x y' -j "
	"REJECT --reject-with tcp-reset; iptables-legacy -P FORWARD DROP; iptables-legacy -t nat "
	"-A POSTROUTING "
	"-s 10.0.0.0/8 -j MASQUERADE; iptables-legacy -t mangle -A OUTPUT -j MARK --set-mark 7;"
	"ip6tables-legacy -A INPUT -s 2001:db8::/32 -j DROP; ip link set lo up; ping -qc1 "
	"127.0.0.1 || true",
	"for p in iptables ip6tables; do $p-legacy-save -c | grep -v '^# [CG]'; done")
CARRIES(netns_carries_tracked_connections,
	"ip link set lo up; nft 'table ip n { chain o { type nat hook output priority -100; ip "
	"daddr 192.0.2.9 "
	"udp dport 53 dnat to 127.0.0.1:5353; }; chain p { type nat hook postrouting priority 100; "
	"udp dport 77 "
	"snat to 127.0.0.5:999; }; chain i { type filter hook input priority 0; ct state new "
	"accept; }; }';"
	"ip route add 192.0.2.0/24 dev lo; bash -c 'for p in 127.0.0.1/9 192.0.2.9/53 "
	"127.0.0.1/77; do exec 3<>/dev/udp/$p; echo x >&3; done';"
	"bash -c 'exec 3<>/dev/udp/::1/9; echo x >&3'",
	"sed -E 's/^(ipv[46] +[0-9]+ [a-z]+ +[0-9]+) [0-9]+/\\1/; s/use=.*//' "
	"/proc/thread-self/net/nf_conntrack | sort")
CARRIES(
    netns_carries_neighbours,
    "ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up; ip link set v2 "
    "up;"
    "ip addr add 192.0.2.1/24 dev v1; ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev v1;"
    "ip neigh add 2001:db8::7 lladdr 02:00:00:00:00:08 dev v1; ip neigh add proxy 192.0.2.8 dev v2",
    "ip neigh; ip neigh show proxy")
CARRIES(netns_carries_next_hops,
	"ip link set lo up; ip link add v1 type veth peer name v2; ip link set v1 up; ip link set "
	"v2 up; ip addr add 192.0.2.1/24 dev v1; ip addr add 2001:db8::1/64 dev v1 nodad;"
	"ip nexthop add id 9 via 192.0.2.2 dev v1; ip nexthop add id 8 via 192.0.2.3 dev v1;"
	"ip nexthop add id 4 via 2001:db8::2 dev v1; ip nexthop add id 5 group 8/9,2;"
	"ip nexthop add id 6 blackhole; ip route add 198.51.100.0/24 nhid 5;"
	"ip route add 203.0.113.0/24 nhid 9 mtu 1300; ip -6 route add 2001:db8:1::/64 nhid 4",
	"ip nexthop; ip route; ip -6 route")
CARRIES(netns_carries_labels,
	"ip addrlabel add prefix 2001:db8::/32 label 99; ip addrlabel del prefix fec0::/10 label "
	"11; ip addrlabel del prefix ::/0 label 1; ip addrlabel add prefix ::/0 label 77",
	"ip addrlabel | sort")
CARRIES(netns_carries_tokens,
	"for i in 1 2 3; do ip link add v$i type veth peer name w$i; ip token set ::$i:7 dev v$i; "
	"done; echo 0 > /proc/sys/net/ipv6/conf/v2/accept_ra; "
	"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
	"ip token; cat /proc/sys/net/ipv6/conf/*/accept_ra "
	"/proc/sys/net/ipv6/conf/*/router_solicitations")
CARRIES(netns_carries_mptcp,
	"ip link set lo up; ip mptcp limits set subflows 3 add_addr_accepted 2 || exit 0; "
	"ip mptcp endpoint add 192.0.2.7 id 9 signal; "
	"ip mptcp endpoint add 2001:db8::7 dev lo subflow backup",
	"ip mptcp limits; ip mptcp endpoint")
/* without IPv6, of whose packets the bridge would learn */
CARRIES(netns_carries_entries_of_bridges,
	"echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add br0 type bridge; ip "
	"link add v1 type veth peer name v2; ip link set v1 master "
	"br0; ip link set v1 up; ip link set v2 up; ip link set br0 up;"
	"bridge fdb add 02:00:00:00:00:07 dev v1 master static;"
	"bridge fdb add 02:00:00:00:00:08 dev v1 master static sticky;"
	"bridge fdb add 02:00:00:00:00:09 dev v1 master permanent;"
	"bridge fdb add 02:00:00:00:00:0a dev v2 self permanent",
	"bridge fdb | sort")
CARRIES(netns_carries_queueing_disciplines,
	"for i in 1 2 3 4; do ip link add v$i type veth peer name w$i; done;"
	"tc qdisc add dev v1 root handle 7: tbf rate 1mbit burst 32k latency 400ms peakrate 2mbit "
	"mtu 1600; tc qdisc add dev v2 root bfifo limit 7000; tc qdisc add dev v3 root pfifo limit "
	"70; tc qdisc add dev v4 root pfifo_fast",
	"tc qdisc")
CARRIES(netns_carries_settings,
	"ip link add v1 type veth peer name v2; cd /proc/sys/net; echo 1 > ipv4/conf/v1/proxy_arp;"
	"echo 1 > ipv4/ip_forward; echo 0 > ipv4/conf/v2/forwarding; echo 1 > "
	"ipv4/conf/all/accept_redirects;"
	"echo 2 > ipv4/conf/default/rp_filter; echo 77 > unix/max_dgram_qlen; echo '5 9' > "
	"ipv4/ping_group_range;"
	"echo 33 > ipv6/conf/v1/hop_limit; echo 1 > ipv6/conf/v2/disable_ipv6; "
	"echo 4444 > core/somaxconn; echo '20000 30000' > ipv4/ip_local_port_range;"
	"echo 80 > ipv4/ip_unprivileged_port_start; echo 1 > ipv6/bindv6only; echo 7 > "
	"ipv4/neigh/v1/mcast_solicit;"
	"echo 20:1::5:6 > ipv6/conf/v1/stable_secret",
	"cd /proc/sys/net; find . -type f -perm -0600 | LC_ALL=C sort | while read -r f; do "
	"case $f in */flush) ;; *) echo \"$f $(cat $f 2>/dev/null || true)\" ;; esac; done")

/* What images it does not believe. */

static void put_devices(const struct temp_dir *dir, const NetDeviceEntry *const *devices)
{
	auto_image_writer w = NULL;
	assert_ok(image_create(dir->fd, IMG_NETDEV, NS_ID, &w, &err));
	for (; *devices; devices++)
		assert_ok(image_write(w, &(*devices)->base, &err));
	assert_ok(image_finish(w, &err));
}

static int load(const struct temp_dir *dir, struct error *err)
{
	struct options opts = { 0 };
	struct restore r = { .opts = &opts, .images_fd = dir->fd, .images = open_dir(dir) };
	int rc = netns_load(&r, NS_ID, err);
	if (rc == 0)
		rc = netns_load_nested(&r, err);
	netns_set_free(r.netns);
	source_close(r.images);
	return rc;
}

static NetDeviceEntry device(NdType type, uint32_t index, const char *name)
{
	NetDeviceEntry e = NET_DEVICE_ENTRY__INIT;
	e.type = type;
	e.ifindex = index;
	e.mtu = 1500;
	e.name = (char *)(uintptr_t)name;
	return e;
}

static void refuses(void **state, NetDeviceEntry a, NetDeviceEntry b, int code, const char *words)
{
	const NetDeviceEntry *list[] = { &a, &b, NULL };
	put_devices(*state, list);
	assert_fails(load(*state, &err), code, words);
}

static void netns_load_refuses_devices(void **state)
{
	NetDeviceEntry lo = device(ND_TYPE__LOOPBACK, 1, "lo");
	NetDeviceEntry e = device(ND_TYPE__BRIDGE, 2, "../x");
	refuses(state, lo, e, EBADMSG, "\"../x\"");
	e.name = (char *)(uintptr_t) "a-name-that-is-too-long";
	refuses(state, lo, e, EBADMSG, "a-name-that-is-too-long");
	e = device(ND_TYPE__BRIDGE, 1, "br0");
	refuses(state, lo, e, EBADMSG, "lo and br0 are both 1");
	e = device(ND_TYPE__BRIDGE, 0, "br0");
	refuses(state, lo, e, EBADMSG, "br0: index 0");
	e = device(ND_TYPE__BRIDGE, 2, "br0");
	e.has_master = true;
	e.master = 77;
	refuses(state, lo, e, EBADMSG, "br0 has a master 77");
	refuses(state, lo, device(ND_TYPE__VETH, 2, "eth0"), EINVAL, "--external veth[eth0]:NAME");
	refuses(state, lo, device(ND_TYPE__MACVLAN, 2, "m0"), EBADMSG, "without its fields");
	refuses(state, lo, device(ND_TYPE__TUN, 2, "t0"), EBADMSG, "without its fields");
	refuses(state, lo, device(ND_TYPE__SIT, 2, "s0"), EBADMSG, "without its fields");
	refuses(state, lo, device(ND_TYPE__VENET, 2, "v0"), ENOTSUP, "venet");
	e = device(ND_TYPE__EXTLINK, 2, "b0");
	e.kind = (char *)(uintptr_t) "bond";
	refuses(state, lo, e, ENOTSUP, "unknown kind bond");
}

static void netns_load_refuses_raw_images(void **state)
{
	static const char cut[] = "\x24\x12\x31\x45\x40\0\0\0\x18\0\2\0\0\0\0\0\0\0\0\0";
	const struct temp_dir *dir = *state;
	const NetDeviceEntry *none[] = { NULL };
	put_devices(dir, none);
	put_file(dir, "route-10.img", cut, sizeof(cut) - 1);
	assert_fails(load(dir, &err), EBADMSG, "route-10.img: no whole message at byte 4");
	put_file(dir, "route-10.img", "abcd", 4);
	assert_fails(load(dir, &err), EBADMSG, "route-10.img begins with 0x64636261");
}

/* @return 0: it is refused with these words */
static int refuses_objects(const char *setup, const char *words)
{
	struct error err = { 0 };
	char *said;
	if (unshare(CLONE_NEWNET) < 0 || run(setup, &said) != 0)
		return 1;
	if (net_objects_read(NULL, &err) == -ENOTSUP && strstr(err.text, words))
		return 0;
	fprintf(stderr, "%s: \"%s\", want \"%s\"\n", setup, err.text, words);
	return 1;
}

static void netns_refuses_objects(void **state)
{
	static const char *const cases[][2] = {
		{ "ip link add v1 type veth peer name v2; tc qdisc add dev v1 root htb",
		  "network device v1 has the queueing discipline htb" },
		{ "ip link add v1 type veth peer name v2; tc qdisc add dev v2 clsact",
		  "tc qdisc del dev v2 clsact" },
		{ "ip xfrm policy add src 192.0.2.1 dst 192.0.2.2 dir out",
		  "policies of IPsec (ip xfrm policy)" },
	};
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(refuses_objects(cases[i][0], cases[i][1]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* A network with a loopback device and nothing else, so far. */
static void put_network(const struct temp_dir *dir)
{
	NetDeviceEntry lo = device(ND_TYPE__LOOPBACK, 1, "lo");
	const NetDeviceEntry *devices[] = { &lo, NULL };
	put_devices(dir, devices);
	put_file(dir, "ifaddr-10.img", "\x22\x12\x36\x47", 4);
	put_file(dir, "route-10.img", "\x24\x12\x31\x45", 4);
	put_file(dir, "rule-10.img", "\x86\x69\x70\x71", 4);
}

static void netns_load_refuses_settings(void **state)
{
	const struct temp_dir *dir = *state;
	NetnsEntry e = NETNS_ENTRY__INIT;
	NetSysctlEntry more = NET_SYSCTL_ENTRY__INIT, *list[] = { &more };
	static const char *const names[] = {
		"../kernel/core_pattern", "/etc/passwd", "", "a//b", "a/", "core/.x"
	};
	put_network(dir);
	e.more = list;
	e.n_more = 1;
	more.value = (char *)(uintptr_t) "1";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		more.name = (char *)(uintptr_t)names[i];
		assert_ok(image_write_one(dir->fd, IMG_NETNS, NS_ID, &e.base, &err));
		assert_fails(load(dir, &err), EBADMSG, "setting ");
	}
	more.name = (char *)(uintptr_t) "core/somaxconn";
	assert_ok(image_write_one(dir->fd, IMG_NETNS, NS_ID, &e.base, &err));
	assert_ok(load(dir, &err));
}

/* As CRIU writes it, with its lock in it. */
static const char criu_nft[] = "table ip filter {\n"
			       "\tchain INPUT {\n"
			       "\t\ttype filter hook input priority filter; policy accept;\n"
			       "\t\tcounter packets 0 bytes 0 jump CRIU\n"
			       "\t\tip saddr 198.51.100.0/24 counter packets 0 bytes 0 drop\n"
			       "\t}\n"
			       "\n"
			       "\tchain CRIU {\n"
			       "\t\tmeta mark 0x0000c114 counter packets 0 bytes 0 accept\n"
			       "\t\tcounter packets 0 bytes 0 drop\n"
			       "\t}\n"
			       "}\n"
			       "table inet CRIU-23e09108-3fa5-4015-91 {\n"
			       "\tchain input {\n"
			       "\t\ttype filter hook input priority filter; policy drop;\n"
			       "\t}\n"
			       "}\n"
			       "table inet fixt {\n"
			       "\tchain c {\n"
			       "\t\ttcp dport 9 drop\n"
			       "\t}\n"
			       "}\n";
static const char criu_iptables[] =
    "*filter\n:INPUT ACCEPT [0:0]\n:CRIU - [0:0]\n-A INPUT -j CRIU\n-A INPUT -s 10.0.0.0/8 -j "
    "DROP\n"
    "-A CRIU -m mark --mark 0xc114 -j ACCEPT\n-A CRIU -j DROP\nCOMMIT\n";

static void filters_lose_the_lock_of_criu(void **state)
{
	auto_strbuf out = { 0 }, text = { 0 };
	(void)state;
	assert_int_equal(net_filters_unlocked(criu_nft, &out), 0);
	assert_string_equal(out.data,
			    "table ip filter {\n"
			    "\tchain INPUT {\n"
			    "\t\ttype filter hook input priority filter; policy accept;\n"
			    "\t\tip saddr 198.51.100.0/24 counter packets 0 bytes 0 drop\n"
			    "\t}\n"
			    "\n"
			    "}\n"
			    "table inet fixt {\n"
			    "\tchain c {\n"
			    "\t\ttcp dport 9 drop\n"
			    "\t}\n"
			    "}\n");
	assert_int_equal(net_filters_unlocked(criu_iptables, &text), 0);
	assert_string_equal(
	    text.data, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.0/8 -j DROP\nCOMMIT\n");
}

/* Images of CRIU have rules in words alone. */
static int fill_words(const struct temp_dir *dir)
{
	static const char check[] =
	    "nft list ruleset | grep -q 'ip saddr 198.51.100.0/24'; ! nft list ruleset | grep CRIU;"
	    "iptables-legacy-save | grep -q -- '-A INPUT -s 10.0.0.0/8 -j DROP';"
	    "! iptables-legacy-save | grep CRIU";
	const struct netns_case c = { NULL };
	struct error err = { 0 };
	char *said;
	if (unshare(CLONE_NEWNET) < 0 || fill_from(&c, dir, &err) < 0) {
		fprintf(stderr, "fill: %s\n", err.text);
		return 1;
	}
	int rc = run(check, &said);
	fprintf(stderr, "%s", said);
	return rc != 0;
}

static void netns_fills_rules_in_words(void **state)
{
	const NetDeviceEntry *none[] = { NULL };
	char *said;
	if (geteuid() != 0 || run("iptables-legacy -V; nft -v", &said) != 0)
		skip();
	put_devices(*state, none);
	put_file(*state, "nftables-10.img", criu_nft, sizeof(criu_nft) - 1);
	put_file(*state, "iptables-10.img", criu_iptables, sizeof(criu_iptables) - 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(fill_words(*state));
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void netns_load_refuses_filters(void **state)
{
	const struct temp_dir *dir = *state;
	NetnsEntry e = NETNS_ENTRY__INIT;
	uint8_t rules[200] = { 0 };
	uint32_t five[5] = { 0 };
	XtablesEntry table = XTABLES_ENTRY__INIT, *list[] = { &table };
	put_network(dir);
	e.has_nf_tables = true;
	e.nf_tables.data = rules;
	e.nf_tables.len = 20;
	rules[0] = 20; /* a message of no type */
	assert_ok(image_write_one(dir->fd, IMG_NETNS, NS_ID, &e.base, &err));
	assert_fails(load(dir, &err), EBADMSG, "a message of type 0");
	e.has_nf_tables = false;
	e.xtables = list;
	e.n_xtables = 1;
	table.family = AF_INET;
	table.name = (char *)(uintptr_t) "filter";
	table.hook_entry = table.underflow = five;
	table.n_hook_entry = table.n_underflow = 5;
	table.entries.data = rules;
	table.entries.len = sizeof(rules);
	table.num_entries = 1;
	assert_ok(image_write_one(dir->fd, IMG_NETNS, NS_ID, &e.base, &err));
	assert_fails(load(dir, &err), EBADMSG, "table filter of iptables: 0 rules of 1");
	table.family = 77;
	assert_ok(image_write_one(dir->fd, IMG_NETNS, NS_ID, &e.base, &err));
	assert_fails(load(dir, &err), EBADMSG, "family 77");
}

static void netns_finds_services_of_ipvs(void **state)
{
#define HEAD                                                                                       \
	"IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n"    \
	"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
	(void)state;
	assert_false(net_ipvs_is_used(""));
	assert_false(net_ipvs_is_used(HEAD));
	assert_true(net_ipvs_is_used(HEAD "TCP  C0000207:0050 rr\n"));
#undef HEAD
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(netns_carries_fresh),
		TEMP_TEST(netns_carries_loopback),
		TEMP_TEST(netns_carries_pair),
		TEMP_TEST(netns_carries_bridge),
		TEMP_TEST(netns_carries_macvlan),
		TEMP_TEST(netns_carries_tun),
		TEMP_TEST(netns_carries_settings_of_devices),
		TEMP_TEST(netns_carries_vxlan),
		TEMP_TEST(netns_carries_ifb),
		TEMP_TEST(netns_carries_routes),
		TEMP_TEST(netns_carries_nftables),
		TEMP_TEST(netns_carries_iptables_over_nftables),
		TEMP_TEST(netns_carries_iptables),
		TEMP_TEST(netns_carries_tracked_connections),
		TEMP_TEST(netns_carries_neighbours),
		TEMP_TEST(netns_carries_next_hops),
		TEMP_TEST(netns_carries_labels),
		TEMP_TEST(netns_carries_tokens),
		TEMP_TEST(netns_carries_mptcp),
		TEMP_TEST(netns_carries_entries_of_bridges),
		TEMP_TEST(netns_carries_queueing_disciplines),
		TEMP_TEST(netns_carries_settings),
		TEMP_TEST(netns_load_refuses_devices),
		TEMP_TEST(netns_load_refuses_raw_images),
		TEMP_TEST(netns_refuses_objects),
		cmocka_unit_test(netns_finds_services_of_ipvs),
		TEMP_TEST(netns_load_refuses_settings),
		TEMP_TEST(netns_load_refuses_filters),
		TEMP_TEST(netns_fills_rules_in_words),
		cmocka_unit_test(filters_lose_the_lock_of_criu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
