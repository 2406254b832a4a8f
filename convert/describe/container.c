/* SPDX-License-Identifier: MIT
 * Documents that container engines put beside the images.
 */
#include "convert/describe/container.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "images/damage.h"

#define DOCUMENT_MAX (16 * 1024 * 1024)

const struct container_word_name container_word_names[NR_CONTAINER_WORDS] = {
	[CT_NAME] = { "name", "Name" },
	[CT_ID] = { "id", "Id" },
	[CT_IMAGE] = { "image", "Image" },
	[CT_IMAGE_ID] = { "image_id", "Image id" },
	[CT_RUNTIME] = { "runtime", "Runtime" },
	[CT_IP] = { "ip", "IP" },
	[CT_MAC] = { "mac", "MAC" },
	[CT_CREATED] = { "created", "Created" },
	[CT_CHECKPOINTED] = { "checkpointed", "Checkpointed" },
	[CT_RESTORED] = { "restored", "Restored" },
	[CT_HOSTNAME] = { "hostname", "Host name" },
	[CT_POD] = { "pod", "Pod" },
	[CT_POD_NAMESPACE] = { "pod_namespace", "Pod namespace" },
	[CT_POD_ID] = { "pod_id", "Pod id" },
};

enum document { CONFIG, SPEC, NETWORK, STATUS, NR_DOCUMENTS };

static const char *const document_names[NR_DOCUMENTS] = { "config.dump", "spec.dump",
							  "network.status", "status" };

/* Where engines keep each word; the first that is there and not empty is taken. */
static const struct {
	enum container_word word;
	enum document document;
	const char *path;
} places[] = {
	{ CT_NAME, CONFIG, "name" },
	{ CT_NAME, SPEC, "annotations.io.kubernetes.cri-o.Name" },
	{ CT_NAME, SPEC, "annotations.io.kubernetes.cri.container-name" },
	{ CT_NAME, SPEC, "annotations.io.kubernetes.container.name" },
	{ CT_ID, CONFIG, "id" },
	{ CT_ID, SPEC, "annotations.io.kubernetes.cri-o.ContainerID" },
	{ CT_IMAGE, CONFIG, "rootfsImageName" },
	{ CT_IMAGE, SPEC, "annotations.io.kubernetes.cri-o.ImageName" },
	{ CT_IMAGE, SPEC, "annotations.io.kubernetes.cri.image-name" },
	{ CT_IMAGE, CONFIG, "rootfsImage" },
	{ CT_IMAGE_ID, CONFIG, "rootfsImageID" },
	{ CT_IMAGE_ID, CONFIG, "rootfsImageRef" },
	{ CT_IMAGE_ID, SPEC, "annotations.io.kubernetes.cri-o.ImageRef" },
	{ CT_RUNTIME, CONFIG, "runtime" },
	{ CT_CREATED, CONFIG, "createdTime" },
	{ CT_CREATED, SPEC, "annotations.io.kubernetes.cri-o.Created" },
	{ CT_CREATED, STATUS, "CreatedAt" },
	{ CT_CHECKPOINTED, CONFIG, "checkpointedTime" },
	{ CT_RESTORED, CONFIG, "restoredTime" },
	{ CT_HOSTNAME, SPEC, "hostname" },
	{ CT_IP, SPEC, "annotations.io.kubernetes.cri-o.IP.0" },
	{ CT_POD, SPEC, "annotations.io.kubernetes.pod.name" },
	{ CT_POD, SPEC, "annotations.io.kubernetes.cri.sandbox-name" },
	{ CT_POD_NAMESPACE, SPEC, "annotations.io.kubernetes.pod.namespace" },
	{ CT_POD_NAMESPACE, SPEC, "annotations.io.kubernetes.cri.sandbox-namespace" },
	{ CT_POD_ID, SPEC, "annotations.io.kubernetes.cri-o.SandboxID" },
	{ CT_POD_ID, SPEC, "annotations.io.kubernetes.cri.sandbox-id" },
	{ CT_POD_ID, SPEC, "annotations.io.kubernetes.pod.uid" },
	{ CT_POD_ID, CONFIG, "pod" },
};

/* Archives keep them beside the images, below any prefix: the one nearest to the top counts. */
static const char *document_path(struct source *src, const char *name, struct error *err)
{
	const struct source_member *members;
	const char *found = NULL;
	if (!source_is_archive(src))
		return name; /* it knows where they would be, without being listed */
	ssize_t nr = source_list(src, &members, err);
	for (ssize_t i = 0; i < nr; i++) {
		const char *base = strrchr(members[i].path, '/');
		if (strcmp(base ? base + 1 : members[i].path, name))
			continue;
		if (!found || strlen(members[i].path) < strlen(found))
			found = members[i].path;
	}
	return found;
}

static int document_text(struct source *src, const char *path, struct strbuf *out,
			 struct error *err)
{
	auto_istream in = NULL;
	char piece[16384];
	int rc = source_open_member(src, path, &in, err);
	if (rc < 0)
		return rc;
	ssize_t n;
	while ((n = istream_read(in, piece, sizeof(piece), err)) > 0) {
		if (out->len + (size_t)n > DOCUMENT_MAX)
			return error_set(err, EBADMSG, "%s: longer than %d MiB", path,
					 DOCUMENT_MAX >> 20);
		if (strbuf_add(out, piece, (size_t)n) < 0)
			return error_set(err, ENOMEM, "%s: out of memory", path);
	}
	return n < 0 ? (int)n : 0;
}

int container_document(struct source *src, const char *name, struct flat *out, struct error *err)
{
	auto_strbuf text = { 0 };
	const char *path = document_path(src, name, err);
	if (!path)
		return 0;
	struct error why;
	int rc = document_text(src, path, &text, &why);
	if (rc == 0 && !text.len)
		rc = error_set(&why, EBADMSG, "%s: is empty", path);
	if (rc == 0)
		rc = flat_from_json(text.data, text.len, path, out, &why);
	rc = rc < 0 ? damage_pass(src, rc, &why, err) : 1;
	return rc == -ENOENT ? 0 : rc;
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);
	return len >= end_len && !strcmp(s + len - end_len, end);
}

/* Addresses stand below names of networks and interfaces: the end of the path tells. */
static int addresses_take(const struct flat *network, const char *const ends[2], char **out)
{
	auto_strbuf text = { 0 };
	for (size_t i = 0; i < network->nr; i++) {
		const struct flat_item *item = &network->items[i];
		if (!ends_with(item->path, ends[0]) && !ends_with(item->path, ends[1]))
			continue;
		if (text.len && strbuf_str(&text, ", ") < 0)
			return -ENOMEM;
		if (strbuf_add(&text, item->value, strcspn(item->value, "/")) < 0)
			return -ENOMEM;
	}
	if (text.len) {
		free(*out);
		*out = take_ptr(text.data);
		text = (struct strbuf){ 0 };
	}
	return 0;
}

const char *time_text(int64_t seconds, char out[TIME_LEN])
{
	time_t when = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&when, &tm) || !strftime(out, TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*out = '\0';
	return out;
}

/* containerd writes nanoseconds since 1970 where the others write RFC 3339. */
static char *dup_created(const char *value)
{
	char *end, text[TIME_LEN], *out;
	unsigned long long ns = strtoull(value, &end, 10);
	if (*end || !*time_text((int64_t)(ns / 1000000000), text))
		return strdup(value);
	return asprintf(&out, "%.*s.%09lluZ", (int)strlen(text) - 1, text, ns % 1000000000) < 0
		   ? NULL
		   : out;
}

/* Go writes its zero time where there is none. */
static bool says_something(const char *value)
{
	return value && *value && strcmp(value, "null") && strncmp(value, "0001-01-01T", 11);
}

static int words_take(const struct flat documents[NR_DOCUMENTS], struct container_facts *out)
{
	static const char *const ip[2] = { ".ipnet", ".address" };
	static const char *const mac[2] = { ".mac_address", ".mac" };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *value = flat_find(&documents[places[i].document], places[i].path);
		char **word = &out->words[places[i].word];
		if (*word || !says_something(value))
			continue;
		*word = places[i].word == CT_CREATED ? dup_created(value) : strdup(value);
		if (!*word)
			return -ENOMEM;
	}
	if (addresses_take(&documents[NETWORK], ip, &out->words[CT_IP]) < 0 ||
	    addresses_take(&documents[NETWORK], mac, &out->words[CT_MAC]) < 0)
		return -ENOMEM;
	return 0;
}

static const char *engine_of(const struct flat documents[NR_DOCUMENTS])
{
	const char *manager = flat_find(&documents[SPEC], "annotations.io.container.manager");
	if (manager && !strcmp(manager, "libpod"))
		return "podman";
	if (manager && !strcmp(manager, "cri-o"))
		return "CRI-O";
	if (flat_find(&documents[SPEC], "annotations.io.kubernetes.cri.container-type") ||
	    documents[STATUS].nr)
		return "containerd";
	return documents[SPEC].nr || documents[CONFIG].nr ? "?" : NULL;
}

/* Few engines say it: then, when the last image was written. */
static int checkpointed_find(struct source *src, char **out, struct error *err)
{
	const struct source_member *members;
	char text[TIME_LEN];
	ssize_t nr = *out ? 0 : source_list(src, &members, err);
	for (ssize_t i = 0; i < nr && !*out; i++) {
		if (strcmp(members[i].name, "inventory.img") || members[i].mtime_s <= 0)
			continue;
		*out = strdup(time_text(members[i].mtime_s, text));
		if (!*out)
			return error_set(err, ENOMEM, "out of memory");
	}
	return nr < 0 ? (int)nr : 0;
}

int container_describe(struct source *src, struct container_facts *out, struct error *err)
{
	struct flat documents[NR_DOCUMENTS] = { 0 };
	int rc = 0;
	*out = (struct container_facts){ 0 };
	for (size_t i = 0; rc >= 0 && i < NR_DOCUMENTS; i++)
		rc = container_document(src, document_names[i], &documents[i], err);
	if (rc >= 0)
		rc = container_document(src, "deleted.files", &out->deleted, err);
	if (rc >= 0) {
		out->engine = engine_of(documents);
		rc = words_take(documents, out);
		if (rc < 0)
			error_set(err, ENOMEM, "config.dump: out of memory");
	}
	if (rc >= 0)
		rc = checkpointed_find(src, &out->words[CT_CHECKPOINTED], err);
	out->spec = documents[SPEC];
	documents[SPEC] = (struct flat){ 0 };
	for (size_t i = 0; i < NR_DOCUMENTS; i++)
		flat_fini(&documents[i]);
	if (rc < 0)
		container_facts_fini(out);
	return rc < 0 ? rc : 0;
}

/* Below a directory named by a container's id: the name is known, or has 64 digits and "userdata"
 * in it. */
bool container_owns(const struct container_facts *facts, const char *path)
{
	const char *id = facts->words[CT_ID];
	if (id && strlen(id) >= 12 && strstr(path, id))
		return true;
	for (const char *at = path; (at = strchr(at, '/')); at++) {
		if (strspn(at + 1, "0123456789abcdef") == 64 &&
		    !strncmp(at + 65, "/userdata", strlen("/userdata")))
			return true;
	}
	return false;
}

bool container_volume(const char *path)
{
	const char *volumes = strstr(path, "/volumes/");
	return volumes && (strstr(volumes, "/_data") || strstr(path, "/kubelet/pods/"));
}

void container_facts_fini(struct container_facts *facts)
{
	for (size_t i = 0; i < NR_CONTAINER_WORDS; i++)
		free(facts->words[i]);
	flat_fini(&facts->spec);
	flat_fini(&facts->deleted);
	*facts = (struct container_facts){ 0 };
}
