/* SPDX-License-Identifier: MIT
 * Host and domain name, both directions.
 */
#include "engine/ns/uts.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

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
