/* SPDX-License-Identifier: MIT
 * Locking by iptables, rule by rule as CRIU's: what one of them has set the other finds.
 * Source: iptables-restore(8), iptables-extensions(8).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "engine/net/lock.h"

extern char **environ;

/* Where these programs are when PATH is a user's. */
static const char *const folders[] = { "/usr/sbin", "/sbin", "/usr/local/sbin", NULL };

static bool find_program(const char *name, char out[64])
{
	for (const char *const *folder = folders; *folder; folder++) {
		snprintf(out, 64, "%s/%s", *folder, name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

bool iptables_found(void)
{
	char path[64];
	return find_program("iptables-restore", path);
}

static int spawn(char *const argv[], int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	posix_spawn_file_actions_adddup2(&files, out, 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	int code = posix_spawn(&pid, argv[0], &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (code)
		return -code;
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Run a program on a text. @return 0; -errno with what it complained about */
static int run(const char *name, const char *text, struct strbuf *output, struct error *err)
{
	char path[64], filter[] = "-tfilter", wait[] = "-w", noflush[] = "--noflush";
	if (!find_program(name, path))
		return error_set(err, ENOTSUP,
				 "%s is not installed: use --network-lock nftables, or skip when "
				 "nothing can arrive meanwhile",
				 name);
	char *restore[] = { path, noflush, wait, NULL }, *save[] = { path, filter, NULL };
	auto_fd in = memfd_create("rules", MFD_CLOEXEC), out = memfd_create("output", MFD_CLOEXEC);
	if (in < 0 || out < 0 || fd_write_full(in, text, strlen(text)) < 0 ||
	    lseek(in, 0, SEEK_SET) < 0)
		return error_sys(err, "prepare rules");
	int rc = spawn(text[0] ? restore : save, in, out);
	if (rc < 0)
		return error_code(err, rc, "run %s", path);
	char said[512];
	ssize_t len;
	lseek(out, 0, SEEK_SET);
	while (output && (len = fd_read_full(out, said, sizeof(said))) > 0)
		if (strbuf_add(output, said, (size_t)len) < 0)
			return error_set(err, ENOMEM, "out of memory");
	if (rc == 0)
		return 0;
	len = fd_read_full(out, said, sizeof(said) - 1);
	said[len > 0 ? len : 0] = 0;
	return error_set(err, EIO, "%s: %.*s (status %d)", name, (int)strcspn(said, "\n"), said,
			 rc);
}

static const char *program(int family, const char *what, char out[32])
{
	snprintf(out, 32, "%s-%s", family == AF_INET6 ? "ip6tables" : "iptables", what);
	return out;
}

static int add_rules(struct strbuf *text, char verb, const struct lock_conn *c)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	inet_ntop(c->family, c->src, src, sizeof(src));
	inet_ntop(c->family, c->dst, dst, sizeof(dst));
	static const char form[] = "-%c %s --protocol tcp -m mark ! --mark %#x --source %s "
				   "--sport %u --destination %s --dport %u -j DROP\n";
	int rc = strbuf_printf(text, form, verb, "INPUT", LOCK_MARK, dst, c->there, src, c->here);
	return rc < 0 ? rc
		      : strbuf_printf(text, form, verb, "OUTPUT", LOCK_MARK, src, c->here, dst,
				      c->there);
}

/* All rules of one family in one transaction, or (conn) those of one connection. */
static int change(const struct lock *l, int family, char verb, const struct lock_conn *conn,
		  struct error *err)
{
	char name[32];
	auto_strbuf text = { 0 };
	size_t nr = 0;
	int rc = strbuf_str(&text, "*filter\n");
	for (size_t i = 0; rc == 0 && i < l->nr; i++) {
		const struct lock_conn *c = &l->conns[i];
		if (c->family != family || (conn && c != conn))
			continue;
		rc = add_rules(&text, verb, c);
		nr++;
	}
	if (rc == 0)
		rc = strbuf_str(&text, "COMMIT\n");
	if (rc < 0)
		return error_set(err, ENOMEM, "out of memory");
	return nr ? run(program(family, "restore", name), text.data, NULL, err) : 0;
}

static int both(const char *text, struct error *err)
{
	char name[32];
	int rc = run(program(AF_INET, "restore", name), text, NULL, err);
	int rc6 = run(program(AF_INET6, "restore", name), text, NULL, rc < 0 ? NULL : err);
	return rc < 0 ? rc : rc6;
}

/* A chain that drops all but our own packets; the one of the same name is CRIU's. */
static int lock_whole(struct error *err)
{
	char text[256];
	snprintf(text, sizeof(text),
		 "*filter\n:CRIU - [0:0]\n-I INPUT -j CRIU\n-I OUTPUT -j CRIU\n"
		 "-A CRIU -m mark --mark %#x -j ACCEPT\n-A CRIU -j DROP\nCOMMIT\n",
		 LOCK_MARK);
	return both(text, err);
}

static void drop_whole(void)
{
	/* iptables over nftables does not see in one go that the chain is no longer used */
	both("*filter\n:CRIU - [0:0]\n-D INPUT -j CRIU\n-D OUTPUT -j CRIU\nCOMMIT\n", NULL);
	both("*filter\n:CRIU - [0:0]\n-X CRIU\nCOMMIT\n", NULL);
}

int iptables_lock(struct lock *l, struct error *err)
{
	int rc = l->whole ? lock_whole(err) : change(l, AF_INET, 'I', NULL, err);
	if (rc == 0)
		rc = change(l, AF_INET6, 'I', NULL, err);
	return rc < 0 ? error_wrap(err, rc, "the network cannot be locked") : 0;
}

static bool any_rule(int family)
{
	char name[32];
	auto_strbuf now = { 0 };
	return run(program(family, "save", name), "", &now, NULL) == 0 && now.data &&
	       strstr(now.data, "0xc114");
}

/* Some may be gone, or all of them on another machine: then one by one. */
static void drop_family(struct lock *l, int family)
{
	if (change(l, family, 'D', NULL, NULL) == 0 || !any_rule(family))
		return;
	for (size_t i = 0; i < l->nr; i++)
		if (l->conns[i].family == family)
			change(l, family, 'D', &l->conns[i], NULL);
}

void iptables_drop(struct lock *l)
{
	if (l->whole)
		drop_whole();
	drop_family(l, AF_INET);
	drop_family(l, AF_INET6);
}
