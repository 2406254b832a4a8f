/* SPDX-License-Identifier: MIT
 * TUN and TAP devices of users and groups, in a user namespace: one that stays, one that goes with
 * its descriptor.
 * live-user: mapped
 * live-unshare: --pid --net
 * live-skip: unshare --user true && [ -c /dev/net/tun ] && ip link show lo
 */
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "tests/live/live.h"

static int make(const char *name, int flags, int user, int group)
{
	struct ifreq req = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR);
	strcpy(req.ifr_name, name);
	live_must(fd >= 0 && ioctl(fd, TUNSETIFF, &req) == 0);
	live_must(ioctl(fd, TUNSETOWNER, user) == 0 && ioctl(fd, TUNSETGROUP, group) == 0);
	return fd;
}

/* As ip(8) has it: "… tun type tun pi off … user 777 group 888 …" */
static void check(const char *name, const char *owner)
{
	char command[64], text[4096];
	snprintf(command, sizeof(command), "ip -d link show %s", name);
	FILE *ip = popen(command, "r");
	size_t n = ip ? fread(text, 1, sizeof(text) - 1, ip) : 0;
	text[n] = 0;
	live_must(ip && pclose(ip) == 0);
	live_check(strstr(text, owner), "%s is not of %s: %s", name, owner, text);
}

int main(void)
{
	int stays = make("stays", IFF_TUN | IFF_NO_PI, 777, 888);
	live_must(ioctl(stays, TUNSETPERSIST, 1) == 0 && close(stays) == 0);
	int goes = make("goes", IFF_TAP | IFF_NO_PI, 779, 881);
	check("stays", "user 777 group 888");
	check("goes", "user 779 group 881");

	live_ready();

	check("stays", "user 777 group 888");
	check("goes", "user 779 group 881");
	struct ifreq req = { 0 };
	live_check(ioctl(goes, TUNGETIFF, &req) == 0 && !strcmp(req.ifr_name, "goes"), "detached");
	live_pass();
}
