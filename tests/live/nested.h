/* SPDX-License-Identifier: MIT
 * A tree in several network namespaces: one of a child, one that only a descriptor leads to, one
 * that only a socket is of; a pair of devices between two of them, and a macvlan over a device of
 * another.
 */
#pragma once

#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "tests/live/tcp.h"

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

static const char nested_setup[] =
    "set -e; held=/proc/self/fd/$HELD; eval \"ip link add h0 index 31 type $KIND\";"
    "ip link add h1 index 33 type veth peer name c1 netns $held;"
    "ip link add link h1 name m0 netns $held index 35 type macvlan mode bridge;"
    "ip link set h0 up; ip addr add 198.51.100.2/24 dev h1; ip link set h1 up;"
    "nft add table ip mine; nft add chain ip mine c; echo 77 >/proc/sys/net/ipv4/ip_default_ttl";
static const char nested_setup_held[] =
    "set -e; ip addr add 198.51.100.3/24 dev c1; ip link set c1 up; ip link set m0 up;"
    "ip addr add 203.0.113.1/24 dev m0; echo 1 >/proc/sys/net/ipv4/ip_forward";
static const char nested_show[] =
    "ip -d link | sed 's/ numrxqueues.*//'; ip addr | sed 's/ tentative//'; ip route; ip rule;"
    "ip netns list-id; nft list ruleset; cd /proc/sys/net/ipv4; grep . ip_forward ip_default_ttl";

static inline int nested_here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY);
	live_must(fd >= 0);
	return fd;
}

static inline void nested_enter(int ns)
{
	live_must(setns(ns, CLONE_NEWNET) == 0);
}

static inline ino_t nested_inode(int fd)
{
	struct stat st;
	live_must(fstat(fd, &st) == 0);
	return st.st_ino;
}

static inline int nested_make(void)
{
	live_must(unshare(CLONE_NEWNET) == 0 && system("ip link set lo up") == 0);
	return nested_here();
}

static inline char *nested_output(int ns)
{
	char *text = calloc(1, 32768);
	nested_enter(ns);
	FILE *f = popen(nested_show, "r");
	live_must(text && f);
	fread(text, 1, 32767, f);
	pclose(f);
	return text;
}

/* What is on a device hears of that one's carrier a moment later. */
static inline void nested_same(const char *before, int ns)
{
	char *after = nested_output(ns);
	for (int i = 0; i < 100 && strcmp(before, after); i++) {
		live_sleep_ms(50);
		free(after);
		after = nested_output(ns);
	}
	while (*before && *before == *after)
		before++, after++;
	live_check(*before == *after, "it was … %.400s, is … %.400s", before, after);
}

static inline int nested_udp(const char *address, int port)
{
	union tcp_addr addr;
	socklen_t len = tcp_addr(&addr, address, port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	live_must(fd >= 0 && bind(fd, &addr.any, len) == 0);
	return fd;
}

static inline void nested_send(int from, int to, const char *address, int port, const char *text)
{
	union tcp_addr addr;
	char got[64] = "";
	socklen_t len = tcp_addr(&addr, address, port);
	struct timeval patience = { .tv_sec = 10 };
	live_must(setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	live_check(sendto(from, text, strlen(text), 0, &addr.any, len) == (ssize_t)strlen(text),
		   "send \"%s\": %s", text, strerror(errno));
	live_check(recv(to, got, sizeof(got) - 1, 0) >= 0, "\"%s\" does not come: %s", text,
		   strerror(errno));
	live_check(!strcmp(got, text), "\"%s\" came as \"%s\"", text, got);
}

/* Names without a file are of a network namespace. */
static inline int nested_unix(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0nested" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	live_must(fd >= 0 &&
		  bind(fd, (void *)&name, offsetof(struct sockaddr_un, sun_path) + 7) == 0);
	return fd;
}

static inline void nested_check_socket(int fd, ino_t want, const char *what)
{
	int ns = ioctl(fd, SIOCGSKNS);
	live_must(ns >= 0);
	live_check(nested_inode(ns) == want, "%s is of another network namespace", what);
	close(ns);
}

/* In its own: answers who connects, and tells where it is. */
static inline void nested_child(int listener)
{
	char text[32];
	int fd = accept(listener, NULL, NULL);
	live_must(fd >= 0);
	tcp_put(fd, "before", "child");
	live_wait();
	tcp_expect(fd, "after", "child");
	int ns = nested_here();
	snprintf(text, sizeof(text), "%010lu", (unsigned long)nested_inode(ns));
	tcp_put(fd, text, "child");
	for (;;)
		pause();
}

/* @param kind  of a device of the child's namespace: what `ip link add` takes */
static inline void nested_run(const char *kind)
{
	char text[32];
	int home = nested_here(), lone = nested_make();
	ino_t lone_ino = nested_inode(lone);
	int alone = nested_udp("127.0.0.1", 7005);
	close(lone);
	int held = nested_make(), of_child = nested_make();
	snprintf(text, sizeof(text), "%d", held);
	setenv("HELD", text, 1);
	snprintf(text, sizeof(text), "%d", home);
	setenv("HOME_NS", text, 1);
	setenv("KIND", kind, 1);
	live_must(system(nested_setup) == 0);
	int unix_child = nested_unix(), udp_child = nested_udp("198.51.100.2", 7003);
	int listener = tcp_listen("198.51.100.2", 7001);
	nested_enter(held);
	live_must(system(nested_setup_held) == 0);
	int udp_held = nested_udp("198.51.100.3", 7004);
	int fd = tcp_connect("198.51.100.2", 7001);
	nested_enter(of_child);
	pid_t pid = fork();
	live_must(pid >= 0);
	if (pid == 0)
		nested_child(listener);
	nested_enter(home);
	int unix_home = nested_unix();
	tcp_expect(fd, "before", "connection");
	char *before[] = { nested_output(held), nested_output(of_child), nested_output(home) };
	nested_enter(home);

	live_ready();

	ino_t home_ino = nested_inode(home), held_ino = nested_inode(held);
	ino_t child_ino = nested_inode(of_child);
	int here = nested_here();
	live_check(nested_inode(here) == home_ino, "the root is in another network namespace");
	live_check(home_ino != held_ino && held_ino != child_ino && home_ino != child_ino,
		   "network namespaces are one");
	const int namespaces[] = { held, of_child, home };
	for (int i = 0; i < 3; i++)
		nested_same(before[i], namespaces[i]);
	nested_enter(home);
	tcp_put(fd, "after", "connection");
	snprintf(text, sizeof(text), "%010lu", (unsigned long)child_ino);
	tcp_expect(fd, text, "the child's network namespace");
	nested_check_socket(udp_held, held_ino, "the socket of the held one");
	nested_check_socket(udp_child, child_ino, "the socket of the child's");
	nested_check_socket(unix_child, child_ino, "the unix socket of the child's");
	nested_check_socket(unix_home, home_ino, "the unix socket here");
	nested_send(udp_child, udp_held, "198.51.100.3", 7004, "to the held one");
	nested_send(udp_held, udp_child, "198.51.100.2", 7003, "to the child's");
	lone = ioctl(alone, SIOCGSKNS);
	live_must(lone >= 0);
	lone_ino = nested_inode(lone);
	live_check(lone_ino != home_ino && lone_ino != held_ino && lone_ino != child_ino,
		   "the lone socket has come to another network namespace");
	nested_send(alone, alone, "127.0.0.1", 7005, "alone");
	live_pass();
}
