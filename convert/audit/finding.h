/* SPDX-License-Identifier: MIT
 * What an audit found: rules, severities, and findings of which equal ones are counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "images/image-type.h"

enum severity { SEV_NOTE, SEV_WARNING, SEV_ERROR, NR_SEVERITIES };
extern const char *const severity_names[NR_SEVERITIES]; /* also SARIF's words */
/** @return 0 or -EINVAL saying which there are. */
int severity_parse(const char *name, enum severity *out, struct error *err);

enum rule_id {
#define RULE(id, ...) RULE_##id,
#include "convert/audit/rules.def"
#undef RULE
	NR_RULES
};
extern const struct rule {
	const char *name;
	enum severity severity; /* of most of its findings */
	const char *title, *help;
} audit_rules[NR_RULES];

/* Where something was found. */
struct finding_place {
	uint32_t pid; /* 0: not of one process */
	const char *comm;
	enum image_id image;
	uint64_t number; /* in the image's name */
	uint64_t entry;  /* in the image; NO_ENTRY: it has none, or the whole */
};
#define NO_ENTRY UINT64_MAX

struct finding {
	enum rule_id rule;
	enum severity severity;
	uint32_t pid; /* of the first place */
	char *comm, *object, *evidence;
	enum image_id image;
	uint64_t number, entry;
	uint64_t places;
	uint32_t processes, last_pid;
	bool alone; /* equal ones are others */
};

/* Findings of one rule, object and evidence are one, with several places. */
struct findings {
	struct finding *items;
	size_t nr, cap;
	uint32_t *slots; /* index + 1 of items by hash; 0: free */
	size_t nr_slots;
	uint64_t left_out; /* more than FINDINGS_MAX */
};
#define FINDINGS_MAX 16384

/** Add a finding, or a place to one that is there. */
int finding_add(struct findings *list, enum rule_id rule, enum severity severity,
		const struct finding_place *at, const char *object, const char *evidence,
		struct error *err);
/** The same, but never a place of one that is there: two secrets may look alike. It is the last of
 * the list then, unless the list was full. */
int finding_add_alone(struct findings *list, enum rule_id rule, enum severity severity,
		      const struct finding_place *at, const char *object, const char *evidence,
		      struct error *err);
/** One more place of it. */
void finding_again(struct finding *f, uint32_t pid);
/** Another place is the one to show. */
int finding_move(struct finding *f, enum rule_id rule, const struct finding_place *at,
		 const char *object, struct error *err);
/** Gravest first, then by rule, process and image; no more is added then. */
void findings_sort(struct findings *list);
/** "mm-12.img" @return out */
const char *finding_image(const struct finding *f, char *out, size_t len);
void findings_fini(struct findings *list);
#define auto_findings __attribute__((cleanup(findings_fini))) struct findings
