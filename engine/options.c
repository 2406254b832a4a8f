/* SPDX-License-Identifier: MIT
 * The engine's options: one table for all commands; help and completion read it too.
 */
#include "engine/options.h"

#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "engine/cpuinfo.h"

#define MAX_LOG_LEVEL 4

/* -v is -v1 more than silence, -vvv counts, -v4 says it at once. */
static int parse_verbosity(void *opts, const char *value, struct error *err)
{
	static const char rest[] = "erbosity="; /* -verbosity=N, as some scripts write */
	struct options *o = opts;
	int level = 1;
	if (value && !strncmp(value, rest, strlen(rest)))
		value += strlen(rest);
	if (!value) {
		level = o->log_level_given ? o->log_level + 1 : 1;
	} else if (strspn(value, "v") == strlen(value)) {
		level = (int)strlen(value) + 1;
	} else if (parse_int(value, &level) < 0 || level < 0) {
		return error_set(err, EINVAL, "--verbosity: %s is not a level from 0 to 4", value);
	}
	o->log_level = level > MAX_LOG_LEVEL ? MAX_LOG_LEVEL : level;
	o->log_level_given = true;
	return 0;
}

static int parse_validation(void *opts, const char *value, struct error *err)
{
	struct options *o = opts;
	if (strcmp(value, "filesize") && strcmp(value, "buildid"))
		return error_set(err, EINVAL,
				 "--file-validation: %s is neither filesize nor buildid", value);
	o->file_validation = value;
	return 0;
}

static int parse_network_lock(void *opts, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum network_lock method;
	} methods[] = { { "iptables", NETWORK_LOCK_IPTABLES },
			{ "nftables", NETWORK_LOCK_NFTABLES },
			{ "skip", NETWORK_LOCK_SKIP },
			{ "none", NETWORK_LOCK_SKIP } };
	struct options *o = opts;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(value, methods[i].name)) {
			o->network_lock = methods[i].method;
			o->network_lock_given = true;
			return 0;
		}
	return error_set(err, EINVAL, "--network-lock: %s is not iptables, nftables or skip",
			 value);
}

/* CRIU's choice between two ways to read memory; pages are copied out of the task in either. */
static int parse_pre_dump_mode(void *opts, const char *value, struct error *err)
{
	(void)opts;
	if (strcmp(value, "splice") && strcmp(value, "read"))
		return error_set(err, EINVAL, "--pre-dump-mode: %s is neither splice nor read",
				 value);
	return 0;
}

/* --manage-cgroups alone is the default mode, said aloud. */
static int parse_cgroups(void *opts, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum manage_cgroups mode;
	} modes[] = { { "ignore", CGROUPS_IGNORE }, { "none", CGROUPS_NONE },
		      { "props", CGROUPS_PROPS },   { "soft", CGROUPS_SOFT },
		      { "full", CGROUPS_FULL },     { "strict", CGROUPS_STRICT },
		      { "default", CGROUPS_SOFT } };
	struct options *o = opts;
	o->manage_cgroups = CGROUPS_SOFT;
	for (size_t i = 0; value && i < ARRAY_SIZE(modes); i++) {
		o->manage_cgroups = modes[i].mode;
		if (!strcmp(value, modes[i].name))
			return 0;
	}
	return value ? error_set(err, EINVAL,
				 "--manage-cgroups: %s is none of ignore, none, props, soft, full, "
				 "strict and default",
				 value)
		     : 0;
}

static int parse_remap_pids(void *opts, const char *value, struct error *err)
{
	struct options *o = opts;
	if (value && strcmp(value, "force"))
		return error_set(err, EINVAL, "--remap-pids: %s is not force", value);
	o->remap_pids = value ? REMAP_PIDS_FORCE : REMAP_PIDS_SAFE;
	return 0;
}

static int parse_cpu_cap(void *opts, const char *value, struct error *err)
{
	struct options *o = opts;
	if (!o->cpu_cap_given)
		o->cpu_cap = CPU_CAP_DEFAULT;
	o->cpu_cap_given = true;
	return cpu_cap_parse(value, &o->cpu_cap, err);
}

static int parse_empty_ns(void *opts, const char *value, struct error *err)
{
	if (strcmp(value, "net"))
		return error_set(err, EINVAL, "--empty-ns: %s is not net", value);
	((struct options *)opts)->empty_net = true;
	return 0;
}

/* One that a script has left open for nobody. */
static int parse_close(void *opts, const char *value, struct error *err)
{
	int fd;
	(void)opts;
	if (parse_int(value, &fd) < 0 || fd < 0)
		return error_set(err, EINVAL, "--close: %s is not a descriptor", value);
	return close(fd) < 0 ? error_sys(err, "--close: descriptor %d", fd) : 0;
}

static int parse_nothing(void *opts, const char *value, struct error *err)
{
	(void)opts, (void)value, (void)err;
	return 0;
}

#define AT(member) offsetof(struct options, member)
#define BOTH       (OPT_DUMP | OPT_RESTORE)

const struct arg_row option_rows[NR_OPTION_ROWS] = {
#define OPTION(...) { __VA_ARGS__ },
#include "engine/options.def"
#undef OPTION
};

const struct arg_row *option_find(const char *name)
{
	for (size_t i = 0; i < NR_OPTION_ROWS; i++) {
		if (option_rows[i].name && !strcmp(option_rows[i].name, name))
			return &option_rows[i];
	}
	return NULL;
}

int options_log_level(const struct options *opts)
{
	return opts->log_level_given ? opts->log_level : LOG_WARN;
}
