/* SPDX-License-Identifier: MIT
 * What a checkpoint says about the security of what was captured. docs/audit.md describes the
 * rules.
 */
#pragma once

#include "base/progress.h"
#include "convert/audit/finding.h"
#include "convert/doc/doc.h"
#include "images/checkpoint.h"

struct audit_options {
	const char *sysroot; /* where programs are compared with their files; NULL: nowhere */
	bool reveal;         /* secrets as they are */
	const struct process *only; /* of this process and of what is shared; NULL: of all */
};

/**
 * Apply every rule.
 * @param progress  in bytes searched, or NULL
 * @param out       sorted; release with findings_fini()
 */
int audit_checkpoint(struct checkpoint *cp, const struct audit_options *options,
		     struct progress *progress, struct findings *out, struct error *err);

/** Findings of at least this severity, as members of the open object. */
void audit_write(const struct findings *list, enum severity least, struct doc *doc);
/** The rules themselves. */
void audit_write_rules(struct doc *doc);
/** A whole SARIF 2.1.0 log. @param fd  borrowed; @param name  of the output, for messages */
int audit_write_sarif(const struct findings *list, enum severity least, int fd, const char *name,
		      struct error *err);
