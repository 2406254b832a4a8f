/* SPDX-License-Identifier: MIT
 * Locking by iptables, rule by rule as CRIU's: what one of them has set the other finds.
 * Source: iptables-restore(8), iptables-extensions(8).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/strbuf.h"
#include "engine/net/lock.h"
#include "engine/net/program.h"

bool iptables_found(void)
{
	return program_found("iptables-restore");
}

/* Change rules. @return 0; -errno with what was complained about */
static int run(const char *name, const char *text, struct error *err)
{
	static const char *const args[] = { "--noflush", "-w", NULL };
	int rc = program_run(name, args, text, NULL, err);
	return rc == -ENOTSUP ? error_wrap(err, rc,
					   "the network cannot be locked with iptables (there is "
					   "--network-lock nftables, or skip when nothing can "
					   "arrive meanwhile)")
			      : rc;
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
	return nr ? run(program(family, "restore", name), text.data, err) : 0;
}

static int both(const char *text, struct error *err)
{
	char name[32];
	int rc = run(program(AF_INET, "restore", name), text, err);
	int rc6 = run(program(AF_INET6, "restore", name), text, rc < 0 ? NULL : err);
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
	return rc;
}

/* Do the rules of this family say that? */
static bool any_rule(int family, const char *words)
{
	char name[32];
	auto_strbuf now = { 0 };
	static const char *const args[] = { "-t", "filter", NULL };
	return program_run(program(family, "save", name), args, "", &now, NULL) == 0 && now.data &&
	       strstr(now.data, words);
}

static bool any_marked(int family)
{
	char mark[16];
	snprintf(mark, sizeof(mark), "%#x", LOCK_MARK);
	return any_rule(family, mark);
}

int iptables_lock_again(struct lock *l, struct error *err)
{
	l->found = l->whole && any_rule(AF_INET, "-A INPUT -j CRIU");
	return l->found ? 0 : iptables_lock(l, err);
}

bool iptables_are_kept(void)
{
	return any_marked(AF_INET) || any_marked(AF_INET6);
}

/* Some may be gone, or all of them on another machine: then one by one. */
static void drop_family(struct lock *l, int family)
{
	if (change(l, family, 'D', NULL, NULL) == 0 || !any_marked(family))
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
