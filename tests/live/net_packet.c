/* SPDX-License-Identifier: MIT
 * Packet sockets: bound to an interface and a protocol, memberships, fanout, auxiliary data, rings;
 * a ring that is mapped is mapped again and gets packets.
 *
 * live-modes: SS SC CS RR 2S
 * live-net: ip addr add 127.0.0.9/8 dev lo
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/live/live.h"

#define BLOCK 4096
#define FRAME 2048

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	live_check(getsockopt(fd, SOL_PACKET, name, &value, &len) == 0, "option %d: %s", name,
		   strerror(errno));
	return value;
}

static void set(int fd, int name, const void *value, socklen_t len)
{
	live_must(setsockopt(fd, SOL_PACKET, name, value, len) == 0);
}

static int bound_to(int type, int protocol, unsigned int ifindex)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_protocol = htons((uint16_t)protocol),
				    .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, type, 0);
	live_must(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	return fd;
}

static void check_name(int fd, int protocol, unsigned int ifindex)
{
	struct sockaddr_ll addr = { 0 };
	socklen_t len = sizeof(addr);
	live_check(getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
		       addr.sll_protocol == htons((uint16_t)protocol) &&
		       addr.sll_ifindex == (int)ifindex,
		   "protocol %#x on %d", ntohs(addr.sll_protocol), addr.sll_ifindex);
}

static void send_something(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	live_check(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1, "send: %s",
		   strerror(errno));
	close(fd);
}

int main(void)
{
	unsigned int lo = if_nametoindex("lo");
	int on = 1, version = TPACKET_V2, fanout[2];
	struct packet_mreq member = { .mr_ifindex = (int)lo, .mr_type = PACKET_MR_PROMISC };
	struct tpacket_req ring = { BLOCK, 2, FRAME, 2 * BLOCK / FRAME };
	int plain = bound_to(SOCK_DGRAM, ETH_P_IP, lo);
	set(plain, PACKET_AUXDATA, &on, sizeof(on));
	set(plain, PACKET_ADD_MEMBERSHIP, &member, sizeof(member));
	for (int i = 0; i < 2; i++) {
		int group = 77 | PACKET_FANOUT_CPU << 16;
		fanout[i] = bound_to(SOCK_RAW, ETH_P_ALL, lo);
		set(fanout[i], PACKET_FANOUT, &group, sizeof(group));
	}
	int ringed = bound_to(SOCK_RAW, ETH_P_IP, lo);
	set(ringed, PACKET_VERSION, &version, sizeof(version));
	set(ringed, PACKET_RX_RING, &ring, sizeof(ring));
	char *map = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, ringed, 0);
	live_must(map != MAP_FAILED);

	live_ready();

	check_name(plain, ETH_P_IP, lo);
	live_check(option(plain, PACKET_AUXDATA) == 1, "PACKET_AUXDATA is off");
	live_check(setsockopt(plain, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &member, sizeof(member)) ==
		       0,
		   "it was no member: %s", strerror(errno));
	for (int i = 0; i < 2; i++)
		live_check(option(fanout[i], PACKET_FANOUT) == (77 | PACKET_FANOUT_CPU << 16),
			   "fanout %#x", option(fanout[i], PACKET_FANOUT));
	live_check(option(ringed, PACKET_VERSION) == TPACKET_V2, "version differs");
	send_something();
	struct pollfd p = { .fd = ringed, .events = POLLIN };
	live_check(poll(&p, 1, 5000) == 1, "nothing arrives in the ring");
	volatile struct tpacket2_hdr *frame = (void *)map;
	live_check(frame->tp_status & TP_STATUS_USER, "status %#x", frame->tp_status);
	live_pass();
}
