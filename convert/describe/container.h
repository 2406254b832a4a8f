/* SPDX-License-Identifier: MIT
 * What a container engine says about the container in an archive of podman, CRI-O or containerd.
 */
#pragma once

#include <stdbool.h>

#include "convert/codec/flat.h"
#include "images/source.h"

enum container_word {
	CT_NAME,
	CT_ID,
	CT_IMAGE,
	CT_IMAGE_ID,
	CT_RUNTIME,
	CT_IP,      /* several are separated by ", " */
	CT_MAC,     /* as CT_IP */
	CT_CREATED, /* times as RFC 3339 */
	CT_CHECKPOINTED,
	CT_RESTORED,
	CT_HOSTNAME,
	CT_POD,
	CT_POD_NAMESPACE,
	CT_POD_ID,
	NR_CONTAINER_WORDS
};

struct container_facts {
	const char *engine; /* "podman", "CRI-O", "containerd", "?"; NULL: no container's archive */
	char *words[NR_CONTAINER_WORDS]; /* NULL: not said */
	struct flat spec;    /* the OCI spec: "annotations.KEY", "mounts[/proc].type", … */
	struct flat deleted; /* files of the image the container has deleted, one leaf each */
};

/** @return 0, also for what no engine wrote; -EBADMSG naming the document that is no JSON */
int container_describe(struct source *src, struct container_facts *out, struct error *err);
/** One of these documents, by its file name. @return 1; 0: there is none, or an empty one; -EBADMSG
 */
int container_document(struct source *src, const char *name, struct flat *out, struct error *err);
void container_facts_fini(struct container_facts *facts);
#define auto_container_facts __attribute__((cleanup(container_facts_fini))) struct container_facts

#define TIME_LEN 32
/** Seconds since 1970 as RFC 3339, "" for what is no time. @return out */
const char *time_text(int64_t seconds, char out[TIME_LEN]);

/** Does a path of the host lie in a directory the engine keeps for a container, or in a volume? */
bool container_owns(const struct container_facts *facts, const char *path);
bool container_volume(const char *path);

/** Keys and titles of the words in documents. */
extern const struct container_word_name {
	const char *key, *title;
} container_word_names[NR_CONTAINER_WORDS];
