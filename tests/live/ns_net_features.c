/* SPDX-License-Identifier: MIT
 * What ethtool switches on and off at a network device is as it was: one feature that new devices
 * have is off, one that they do not have is on.
 *
 * live-unshare: --pid --net
 * live-modes: SS RR 2S
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/live/live.h"

static uint32_t ask(const char *device, uint32_t command, uint32_t data)
{
	struct ethtool_value value = { command, data };
	struct ifreq ifr = { .ifr_data = (void *)&value };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	live_check(fd >= 0 && ioctl(fd, SIOCETHTOOL, &ifr) == 0, "%s: command %u: %s", device,
		   command, strerror(errno));
	close(fd);
	return value.data;
}

int main(void)
{
	live_must(system("ip link set lo up && ip link add v1 type veth peer name v2 && "
			 "ip link add br0 type bridge && ip link set v1 master br0 && "
			 "ip link set v1 up && ip link set v2 up") == 0);
	uint32_t gro = ask("v1", ETHTOOL_GGRO, 0);
	live_must(ask("v2", ETHTOOL_GTSO, 0) && ask("lo", ETHTOOL_GGSO, 0));
	ask("v2", ETHTOOL_STSO, 0);
	ask("lo", ETHTOOL_SGSO, 0);
	ask("v1", ETHTOOL_SGRO, !gro);

	live_ready();

	live_check(!ask("v2", ETHTOOL_GTSO, 0), "v2: TSO is on");
	live_check(!ask("lo", ETHTOOL_GGSO, 0), "lo: GSO is on");
	live_check(ask("v1", ETHTOOL_GGRO, 0) == !gro, "v1: GRO is %s", gro ? "on" : "off");
	live_check(ask("v1", ETHTOOL_GTSO, 0), "v1: TSO is off");
	live_pass();
}
