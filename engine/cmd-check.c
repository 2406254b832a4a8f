/* SPDX-License-Identifier: MIT
 * stasis check: can this kernel do what we need?
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "engine/commands.h"
#include "engine/context/options.h"
#include "engine/kernel/feature.h"
#include "engine/options.h"

static int list_features(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		printf("%-26s %s\n", features[i].name, features[i].what);
	return 0;
}

static int check_one(const char *name, struct error *err)
{
	if (!strcmp(name, "list"))
		return list_features();
	const struct feature *f = feature_find(name);
	if (!f)
		return error_set(err, EINVAL, "unknown feature %s: --feature list names all", name);
	if (!f->probe())
		return error_set(err, ENOTSUP, "%s (%s) is not supported", name, f->what);
	printf("%s is supported\n", name);
	return 0;
}

/* The last words scripts look for stand alone on the last line. */
static int check_up_to(enum feature_need need, struct error *err)
{
	size_t missing = 0;
	int rc = feature_check_basic(err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];
		if (f->need == FEATURE_BASIC || f->need > need || f->probe())
			continue;
		fprintf(stderr, "Warn: %s (%s) is missing\n", f->name, f->what);
		missing++;
	}
	if (!missing) {
		printf("Looks good.\n");
		return 0;
	}
	printf("Looks good but some kernel features are missing\n");
	return 1;
}

static int check_run(void *opts, int nr_operands, char **operands, struct error *err)
{
	const struct options *o = opts;
	if (nr_operands > 0)
		return error_set(err, EUSAGE, "unexpected argument %s", operands[0]);
	if (o->feature)
		return check_one(o->feature, err);
	if (geteuid() != 0)
		return error_set(
		    err, EPERM,
		    "run it as root: what the kernel lets another user do is not what root can do");
	return check_up_to(o->check_all     ? FEATURE_ALL
			   : o->check_extra ? FEATURE_EXTRA
					    : FEATURE_BASIC,
			   err);
}

const struct command cmd_check = {
	.name = "check",
	.args = "[--extra|--all|--feature NAME]",
	.summary = "tell whether this kernel can do what is needed",
	.detail = "Exit status 0: all that was asked for is there.",
	.rows = option_rows,
	.nr_rows = NR_OPTION_ROWS,
	.mask = OPT_CHECK,
	.opts_size = sizeof(struct options),
	.run = check_run,
};
