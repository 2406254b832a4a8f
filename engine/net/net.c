/* SPDX-License-Identifier: MIT
 * Sockets of a dump and a restore as a whole.
 */
#include "engine/net/net.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/set.h"
#include "engine/net/inet.h"
#include "engine/net/netlink.h"
#include "engine/net/ns.h"
#include "engine/net/packet.h"
#include "engine/net/unix.h"
#include "engine/ns/ns.h"
#include "engine/ns/user.h"

int net_table_new(struct dump *d, struct error *err)
{
	if (!d->net)
		d->net = calloc(1, sizeof(*d->net));
	return d->net ? 0 : error_set(err, ENOMEM, "out of memory");
}

int net_table_ask(struct dump *d, enum net_list list, struct error *err)
{
	uint32_t here = d->ns ? d->ns->net_here : 0;
	struct net_asked *asked = NULL;
	int rc = net_table_new(d, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d->net->asked.nr && !asked; i++)
		if (d->net->asked.items[i].ns == here)
			asked = &d->net->asked.items[i];
	if (!asked && !(asked = array_add(&d->net->asked)))
		return error_set(err, ENOMEM, "out of memory");
	bool first = !(asked->lists >> list & 1);
	*asked = (struct net_asked){ here, asked->lists | 1u << list };
	return first;
}

int net_dump_begin(struct dump *d, struct error *err)
{
	return net_lock_begin(d, err);
}

int net_dump_early(struct dump *d, struct error *err)
{
	int rc = d->again ? net_table_ask(d, NET_LIST_UNIX, err) : 0;
	return rc > 0 ? unix_list_read(&d->net->unix_list, err) : rc;
}

int net_dump_check(struct dump *d, struct error *err)
{
	if (!d->net)
		return 0;
	int rc = d->net->inet ? inet_dump_listeners(d, err) : 0;
	if (rc == 0)
		rc = unix_dump_check(d, err);
	return rc == 0 && d->net->inet ? inet_dump_connections(d, err) : rc;
}

int net_dump_finish(struct dump *d, struct error *err)
{
	int rc = d->net && d->net->queues ? image_finish(d->net->queues, err) : 0;
	if (rc == 0 && d->net)
		rc = net_lock_keep(d, err);
	return rc == 0 && d->net && d->net->inet ? inet_dump_keep(d, err) : rc;
}

int net_dump_commit(struct dump *d, struct error *err)
{
	int rc = d->net && d->net->inet ? inet_dump_hold(d, err) : 0;
	if (rc == 0 && d->net)
		d->net->ns_locks.held = !d->opts->leave_running;
	return rc;
}

void net_dump_end(struct dump *d)
{
	if (d->net)
		net_lock_end(d);
	if (d->net && d->net->inet)
		inet_dump_end(d);
}

void net_table_free(struct net_table *t)
{
	if (!t)
		return;
	unix_list_fini(&t->unix_list);
	image_writer_close(t->queues);
	inet_table_free(t->inet);
	for (size_t i = 0; i < t->filters.nr; i++)
		net_filters_fini(&t->filters.items[i]);
	free(t->filters.items);
	free(t->asked.items);
	net_locks_fini(&t->ns_locks);
	netlink_list_free(t->netlink);
	packet_list_free(t->packet);
	free(t->seen.items);
	for (size_t i = 0; i < t->late.nr; i++)
		if (t->late.items[i])
			file_entry__free_unpacked(t->late.items[i], NULL);
	free(t->late.items);
	free(t);
}

static int compare_ino(const void *left, const void *right)
{
	const struct unix_item *a = left, *b = right;
	return a->entry->ino < b->entry->ino ? -1 : a->entry->ino > b->entry->ino;
}

struct unix_item *unix_find(struct net_set *set, uint32_t ino)
{
	const UnixSkEntry entry = { .ino = ino };
	const struct unix_item key = { .entry = &entry };
	return set && set->nr && ino ? bsearch(&key, set->items, set->nr, sizeof(key), compare_ino)
				     : NULL;
}

static int collect(struct restore *r, struct error *err)
{
	struct net_set *set = r->net;
	for (size_t i = 0; i < r->files->nr_items; i++) {
		const struct file_item *file = &r->files->items[i];
		if (file->entry->type != FD_TYPES__UNIXSK || !file->entry->usk)
			continue;
		struct unix_item *item = array_add(set);
		if (!item)
			return error_set(err, ENOMEM, "out of memory");
		FilePermsEntry *perms = file->entry->usk->file_perms;
		if (perms) { /* of the file that is made here */
			perms->uid = id_outside(r->users, ID_USER, perms->uid);
			perms->gid = id_outside(r->users, ID_GROUP, perms->gid);
		}
		*item = (struct unix_item){
			.entry = file->entry->usk, .id = file->id, .fd = -1, .temp = -1
		};
	}
	if (set->nr)
		qsort(set->items, set->nr, sizeof(*set->items), compare_ino);
	for (size_t i = 1; i < set->nr; i++)
		if (set->items[i].entry->ino == set->items[i - 1].entry->ino)
			return error_set(
			    err, EBADMSG, "files.img: file ids %u and %u are one unix socket, %u",
			    set->items[i - 1].id, set->items[i].id, set->items[i].entry->ino);
	return 0;
}

int net_load(struct restore *r, struct error *err)
{
	r->net = calloc(1, sizeof(*r->net));
	if (!r->net)
		return error_set(err, ENOMEM, "out of memory");
	int rc = collect(r, err);
	if (rc == 0)
		rc = queue_load(r, &r->net->queues, err);
	return rc < 0 ? rc : inet_load(r, err);
}

int net_open_finish(struct restore *r, struct error *err)
{
	int rc = r->net ? unix_finish(r, err) : 0;
	return rc == 0 && r->net ? inet_finish(r, err) : rc;
}

bool net_carries(const struct restore *r, uint32_t id)
{
	return r->net && queue_carries(&r->net->queues, id);
}

int net_finish_late(struct restore *r, struct error *err)
{
	return r->net ? unix_finish_late(r, err) : 0;
}

static int release_inside(struct restore *r, struct error *err)
{
	int rc = netns_unlock(r, err);
	return rc == 0 && r->net ? inet_release(r, err) : rc;
}

int net_release(struct restore *r, struct error *err)
{
	struct ns_visit visit;
	if (!ns_restores(r, NS_NET))
		return release_inside(r, err);
	int rc = ns_net_visit(r, &visit, err);
	if (rc < 0)
		return rc;
	rc = release_inside(r, err);
	int back = ns_visit_end(&visit, rc < 0 ? NULL : err);
	return rc < 0 ? rc : back;
}

void net_warn_locked(const struct restore *r)
{
	if (r->net && r->net->inet)
		lock_warn_left(&r->net->inet->lock);
}

void net_set_free(struct net_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->nr; i++) {
		fd_close(set->items[i].fd);
		fd_close(set->items[i].temp);
	}
	free(set->items);
	queue_list_fini(&set->queues);
	inet_set_free(set->inet);
	free(set);
}
