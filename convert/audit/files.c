/* SPDX-License-Identifier: MIT
 * What processes hold open: files anybody may write, sockets that anybody can reach.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "convert/audit/check.h"

#define TCP_LISTENING 10 /* enum of include/net/tcp_states.h */
#define STREAM        1  /* SOCK_STREAM, SOCK_DGRAM */
#define DATAGRAM      2

static int check_regular(struct audit *audit, const struct finding_place *at,
			 const RegFileEntry *reg, struct error *err)
{
	bool shared_directory = S_ISDIR(reg->mode) && reg->mode & S_ISVTX;
	if (!reg->has_mode || !(reg->mode & S_IWOTH) || shared_directory ||
	    !(S_ISREG(reg->mode) || S_ISDIR(reg->mode)))
		return 0;
	return audit_add(audit, RULE_FILE_WRITABLE, SEV_WARNING, at, reg->name, err, "mode %#o",
			 reg->mode & 07777);
}

static bool is_any_address(const InetSkEntry *sk)
{
	for (size_t i = 0; i < sk->n_src_addr; i++) {
		if (sk->src_addr[i])
			return false;
	}
	return true;
}

/* Another than the one the dump was made in, or one that was dumped. */
static bool own_network(struct audit *audit, const struct audit_process *p, const InetSkEntry *sk)
{
	const InventoryEntry *inventory = checkpoint_inventory(audit->cp);
	const TaskKobjIdsEntry *root = inventory ? inventory->root_ids : NULL;
	uint32_t ns = sk->has_ns_id ? sk->ns_id : p->ids ? p->ids->net_ns_id : 0;
	if (root && root->has_net_ns_id && ns)
		return root->net_ns_id != ns;
	return has_image(audit, IMG_NETNS, ns) || has_image(audit, IMG_NETDEV, ns);
}

static int check_socket(struct audit *audit, const struct audit_process *p,
			const struct finding_place *at, const InetSkEntry *sk, struct error *err)
{
	auto_file_facts facts = { 0 };
	bool tcp = sk->type == STREAM && sk->state == TCP_LISTENING;
	bool udp = sk->type == DATAGRAM && sk->src_port && !sk->dst_port;
	if ((!tcp && !udp) || !is_any_address(sk))
		return 0;
	bool own = own_network(audit, p, sk);
	int rc = file_describe(audit->files, FD_TYPES__INETSK, sk->id, &facts, err);
	if (rc < 0)
		return rc;
	return audit_add(audit, RULE_LISTEN_ALL, own ? SEV_NOTE : SEV_WARNING, at,
			 facts.socket.local, err, "%s%s%s", facts.kind, tcp ? " listening" : "",
			 own ? ", in a network namespace of its own" : "");
}

int check_files(struct audit *audit, const struct audit_process *p, struct error *err)
{
	auto_fd_list fds = { 0 };
	int rc = process_fds(audit->cp, p->process, &fds, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (size_t i = 0; rc == 0 && i < fds.nr; i++) {
		const FdinfoEntry *fd = fds.items[i];
		const FileEntry *file = NULL;
		rc = checkpoint_file(audit->cp, fd->type, fd->id, &file, err);
		if (rc <= 0)
			continue;
		struct finding_place at = place_of_file(audit, p, fd->type, fd->id);
		rc = file->reg   ? check_regular(audit, &at, file->reg, err)
		     : file->isk ? check_socket(audit, p, &at, file->isk, err)
				 : 0;
	}
	return rc;
}
