/* SPDX-License-Identifier: MIT
 * Descriptors of /dev/net/tun: attached to nothing; to a device that nobody keeps, which has an
 * address, a route and settings of its own; to one that somebody keeps; two queues, one detached.
 * live-modes: SS RR 2S
 * live-net: ip tuntap add dev kept mode tun && ip link set kept up mtu 1400
 * live-skip: [ -c /dev/net/tun ]
 */
#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/live/live.h"

static int attach(const char *name, int flags, int o_flags)
{
	struct ifreq req = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR | o_flags);
	strcpy(req.ifr_name, name);
	live_must(fd >= 0 && ioctl(fd, TUNSETIFF, &req) == 0);
	return fd;
}

static struct ifreq device_of(int fd)
{
	struct ifreq req = { 0 };
	live_check(ioctl(fd, TUNGETIFF, &req) == 0, "fd %d is attached to nothing: %s", fd,
		   strerror(errno));
	return req;
}

static void check_device(int fd, const char *name, int flags)
{
	struct ifreq req = device_of(fd);
	/* the bit of IFF_NO_PI says here that there is no filter */
	int now = (unsigned short)req.ifr_flags & ~IFF_NO_PI;
	live_check(!strcmp(req.ifr_name, name) && now == flags,
		   "attached to %s, flags %#x, not %#x", req.ifr_name, now, flags);
}

static void run(const char *command)
{
	live_must(system(command) == 0);
}

/* A packet to an address behind the device comes out of the descriptor. */
static void check_packet(int fd, const char *to)
{
	struct sockaddr_in addr = { AF_INET, htons(9), { inet_addr(to) }, { 0 } };
	int sk = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned char packet[2048];
	live_check(sendto(sk, "hello", 5, 0, (struct sockaddr *)&addr, sizeof(addr)) == 5,
		   "cannot send to %s: %s", to, strerror(errno));
	for (int i = 0; i < 200; i++) {
		ssize_t n = read(fd, packet, sizeof(packet));
		if (n == 33 && !memcmp(packet + 28, "hello", 5))
			return;
		if (n < 0)
			live_sleep_ms(10);
	}
	live_fail("no packet to %s comes out", to);
}

int main(void)
{
	int bare = open("/dev/net/tun", O_RDWR);
	int own = attach("own", IFF_TUN | IFF_NO_PI, O_NONBLOCK);
	run("ip link set own up mtu 1300 && ip addr add 192.0.2.1/24 dev own && "
	    "ip addr add 2001:db8::1/64 dev own nodad && "
	    "ip route add 198.51.100.0/24 via 192.0.2.7 dev own");
	int kept = attach("kept", IFF_TUN, 0);
	int queues[2];
	for (int i = 0; i < 2; i++)
		queues[i] = attach("tap", IFF_TAP | IFF_MULTI_QUEUE | IFF_VNET_HDR, 0);
	int header = 12, buffer = 100000, index = (int)if_nametoindex("own");
	live_must(ioctl(queues[0], TUNSETVNETHDRSZ, &header) == 0 &&
		  ioctl(queues[0], TUNSETSNDBUF, &buffer) == 0 &&
		  ioctl(queues[0], TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0);
	struct ifreq detach = { .ifr_flags = IFF_DETACH_QUEUE };
	live_must(ioctl(queues[1], TUNSETQUEUE, &detach) == 0);
	run("ip link set tap address 02:00:00:00:00:77 up");

	live_ready();

	struct ifreq req;
	live_check(ioctl(bare, TUNGETIFF, &req) < 0 && errno == EBADFD, "the bare one is attached");
	check_device(own, "own", IFF_TUN);
	check_device(kept, "kept", IFF_TUN | 0x800 /* IFF_PERSIST */);
	check_device(queues[0], "tap", IFF_TAP | IFF_MULTI_QUEUE | IFF_VNET_HDR);
	check_device(queues[1], "tap", IFF_TAP | IFF_MULTI_QUEUE | IFF_VNET_HDR | IFF_DETACH_QUEUE);
	live_check((int)if_nametoindex("own") == index, "own was number %d, is %d", index,
		   if_nametoindex("own"));
	header = buffer = 0;
	live_must(ioctl(queues[0], TUNGETVNETHDRSZ, &header) == 0 &&
		  ioctl(queues[0], TUNGETSNDBUF, &buffer) == 0);
	live_check(header == 12 && buffer == 100000, "header of %d bytes, buffer of %d", header,
		   buffer);
	live_check(system("ip link show own | grep -q 'UP.*mtu 1300'") == 0,
		   "own is not as it was");
	live_check(system("ip link show tap | grep -q 02:00:00:00:00:77") == 0, "tap's address");
	live_check(system("ip -6 addr show own | grep -q 2001:db8::1/64") == 0,
		   "own's IPv6 address");
	check_packet(own, "192.0.2.9");
	check_packet(own, "198.51.100.5");
	close(own);
	close(queues[0]);
	close(queues[1]);
	close(kept);
	live_check(if_nametoindex("own") == 0 && if_nametoindex("tap") == 0,
		   "a device stays that nobody keeps");
	live_check(if_nametoindex("kept") != 0, "the device that somebody keeps is gone");
	live_pass();
}
