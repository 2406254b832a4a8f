/* SPDX-License-Identifier: MIT
 * Host and domain name, both directions.
 */
#include "engine/ns/uts.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/files/file.h"
#include "engine/ns/set.h"
#include "engine/procfs/root.h"
#include "images/reader.h"
#include "images/writer.h"
#include "namespaces.pb-c.h"

#define NAME_MAX_LEN 64 /* __NEW_UTS_LEN */

int uts_dump(struct dump *d, const struct ns_seen *ns, struct error *err)
{
	struct utsname names;
	UtsnsEntry e = UTSNS_ENTRY__INIT;
	if (uname(&names) < 0)
		return error_sys(err, "uname");
	e.nodename = names.nodename;
	e.domainname = names.domainname;
	return image_write_one(d->images_fd, IMG_UTSNS, ns->id, &e.base, err);
}

static int read_entry(struct restore *r, uint32_t id, UtsnsEntry **out, struct error *err)
{
	int rc = image_read_one(r->images, IMG_UTSNS, id, (ProtobufCMessage **)out, err);
	if (rc < 0)
		return rc;
	if (strlen((*out)->nodename) > NAME_MAX_LEN || strlen((*out)->domainname) > NAME_MAX_LEN)
		return error_set(err, EBADMSG, "utsns-%u.img: a name of more than %d bytes", id,
				 NAME_MAX_LEN);
	return 0;
}

int uts_load(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	return read_entry(r, id, (UtsnsEntry **)&msg, err);
}

int uts_fill(struct restore *r, uint32_t id, struct error *err)
{
	auto_message ProtobufCMessage *msg = NULL;
	int rc = read_entry(r, id, (UtsnsEntry **)&msg, err);
	if (rc < 0)
		return rc;
	const UtsnsEntry *e = (const UtsnsEntry *)msg;
	if (sethostname(e->nodename, strlen(e->nodename)) < 0 ||
	    setdomainname(e->domainname, strlen(e->domainname)) < 0)
		return error_sys(err, "set the host name %s", e->nodename);
	return 0;
}

/* Those of tasks that are not in the root's. */

static const struct uts_nested *find_nested(const struct restore *r, const struct rtask *t)
{
	uint32_t id = t->ids ? ns_id_of(t->ids, NS_UTS) : 0;
	for (size_t i = 0; id && i < r->ns->uts.nr; i++)
		if (r->ns->uts.items[i].id == id)
			return &r->ns->uts.items[i];
	return NULL;
}

static int make_nested(struct restore *r, uint32_t id, struct error *err)
{
	if (r->users)
		return error_set(err, ENOTSUP,
				 "in a user namespace of the tree: not supported yet");
	if (unshare(CLONE_NEWUTS) < 0)
		return error_sys(err, "make it (needs CAP_SYS_ADMIN)");
	int rc = uts_fill(r, id, err);
	if (rc < 0)
		return rc;
	auto_fd fd = procfs_open("self/ns/uts", O_RDONLY);
	int kept = fd < 0 ? error_sys(err, "open it") : files_keep(r, fd, err);
	if (kept < 0)
		return kept;
	(void)take_fd(fd);
	struct uts_nested *slot = array_add(&r->ns->uts);
	if (!slot)
		return error_set(err, ENOMEM, "out of memory");
	*slot = (struct uts_nested){ .id = id, .fd = kept };
	return 0;
}

int uts_make_nested(struct restore *r, struct error *err)
{
	uint32_t root = r->root->ids ? ns_id_of(r->root->ids, NS_UTS) : 0;
	auto_fd back = procfs_open("self/ns/uts", O_RDONLY);
	if (back < 0)
		return error_sys(err, "open /proc/self/ns/uts");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->nr_tasks; i++) {
		const struct rtask *t = r->tasks[i];
		uint32_t id = rtask_is_living(t) && t->ids ? ns_id_of(t->ids, NS_UTS) : 0;
		if (!id || id == root || find_nested(r, t))
			continue;
		rc = make_nested(r, id, err);
		if (rc < 0)
			rc = error_wrap(err, rc, TASK_FMT ": its UTS namespace", RTASK_ARGS(t));
		if (setns(back, CLONE_NEWUTS) < 0 && rc == 0)
			rc = error_sys(err, "leave a UTS namespace");
	}
	return rc;
}

int uts_join(const struct restore *r, const struct rtask *t, struct error *err)
{
	const struct uts_nested *ns = find_nested(r, t);
	return ns && setns(ns->fd, CLONE_NEWUTS) < 0
		   ? error_sys(err, "pid %d: enter its UTS namespace", t->pid)
		   : 0;
}
