/* SPDX-License-Identifier: MIT
 * criu_opts to words of a command line. A field a_b is the option --a-b; rows name the others.
 */
#include "engine/rpc/request.h"

#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "engine/config.h"
#include "engine/cpuinfo.h"
#include "engine/options.h"

#define DEFAULT_LOG "criu.log"

struct request {
	const CriuOpts *opts;
	const struct command *cmd;
	pid_t peer;
	bool guarded; /* the peer is a user who may not ask for everything */
	struct request_words *words;
};

void request_words_fini(struct request_words *words)
{
	for (size_t i = 0; i < words->nr; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct request_words){ 0 };
}

__attribute__((format(printf, 3, 4))) static int add(struct request *r, struct error *err,
						     const char *fmt, ...)
{
	char **slot = array_add(r->words);
	va_list args;
	va_start(args, fmt);
	if (slot && vasprintf(slot, fmt, args) < 0)
		*slot = NULL;
	va_end(args);
	return slot && *slot ? 0 : error_set(err, ENOMEM, "out of memory");
}

static int need(const struct request *r, const char *option, const char *field, struct error *err)
{
	const struct arg_row *row = option_find(option);
	if (!row)
		return error_set(err, ENOTSUP, "request: opts.%s (--%s) is not supported", field,
				 option);
	if (row->kind == ARG_REFUSED)
		return error_set(err, ENOTSUP, "request: opts.%s (--%s): %s", field, option,
				 row->help);
	if (r->guarded && !(row->commands & OPT_ANYBODY))
		return error_set(err, EPERM,
				 "request: opts.%s (--%s): the service takes it from root only",
				 field, option);
	return 0;
}

/* Numbers of descriptors are the peer's. A check needs no directory but to log to. */
static int images_dir_add(struct request *r, struct error *err)
{
	const CriuOpts *o = r->opts;
	if (o->images_dir_fd >= 0)
		return add(r, err, "--images-dir=/proc/%d/fd/%d", r->peer, o->images_dir_fd);
	if (o->images_dir && *o->images_dir)
		return add(r, err, "--images-dir=%s", o->images_dir);
	return r->cmd->mask & OPT_CHECK
		   ? 0
		   : error_set(err, EINVAL,
			       "request: opts.images_dir_fd or opts.images_dir must be given");
}

static int work_dir_add(struct request *r, struct error *err)
{
	const CriuOpts *o = r->opts;
	return !o->has_work_dir_fd || o->work_dir_fd < 0
		   ? 0
		   : add(r, err, "--work-dir=/proc/%d/fd/%d", r->peer, o->work_dir_fd);
}

/* Standard error may be a container's: the log goes to a file unless the peer says otherwise. */
static int log_add(struct request *r, struct error *err)
{
	const CriuOpts *o = r->opts;
	const char *file = o->log_file ? o->log_file : o->log_to_stderr ? NULL : DEFAULT_LOG;
	if (file && (!*file || strchr(file, '/')))
		return error_set(err, EINVAL,
				 "request: opts.log_file %s: want a name without a directory, it "
				 "goes to the work directory",
				 file);
	int rc = file ? add(r, err, "--log-file=%s", file) : 0;
	if (rc == 0 && o->has_log_level)
		rc = add(r, err, "-v%d", o->log_level < 0 ? 0 : o->log_level);
	return rc;
}

static int empty_ns_add(struct request *r, struct error *err)
{
	uint32_t flags = r->opts->empty_ns;
	if (flags & ~(uint32_t)CLONE_NEWNET)
		return error_set(err, EINVAL,
				 "request: opts.empty_ns %#x: only the network namespace "
				 "(CLONE_NEWNET) can be left empty",
				 flags);
	return flags ? add(r, err, "--empty-ns=net") : 0;
}

static int ext_mnt_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_ext_mnt; i++)
		rc = add(r, err, "--external=mnt[%s]:%s", r->opts->ext_mnt[i]->key,
			 r->opts->ext_mnt[i]->val);
	return rc;
}

static int veths_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_veths; i++)
		rc = add(r, err, "--external=veth[%s]:%s", r->opts->veths[i]->if_in,
			 r->opts->veths[i]->if_out);
	return rc;
}

static int inherit_fd_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_inherit_fd; i++)
		rc = add(r, err, "--inherit-fd=fd[%d]:%s", r->opts->inherit_fd[i]->fd,
			 r->opts->inherit_fd[i]->key);
	return rc;
}

static int cg_root_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_cg_root; i++) {
		const CgroupRoot *root = r->opts->cg_root[i];
		bool named = root->ctrl && *root->ctrl;
		rc = add(r, err, "--cgroup-root=%s%s%s", named ? root->ctrl : "", named ? ":" : "",
			 root->path);
	}
	return rc;
}

static int join_ns_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_join_ns; i++) {
		const JoinNamespace *join = r->opts->join_ns[i];
		rc = add(r, err, "--join-ns=%s:%s%s%s", join->ns, join->ns_file,
			 join->extra_opt ? "," : "", join->extra_opt ? join->extra_opt : "");
	}
	return rc;
}

static int unix_sk_add(struct request *r, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < r->opts->n_unix_sk_ino; i++)
		rc = add(r, err, "--ext-unix-sk=%u", r->opts->unix_sk_ino[i]->inode);
	return rc;
}

static int auto_ext_mnt_add(struct request *r, struct error *err)
{
	return r->opts->auto_ext_mnt ? add(r, err, "--ext-mount-map=auto") : 0;
}

/* The mode says more than the flag. */
static int manage_cgroups_add(struct request *r, struct error *err)
{
	static const char *const words[] = { "ignore", "none",   "props",  "soft",
					     "full",   "strict", "default" };
	const CriuOpts *o = r->opts;
	if (!o->has_manage_cgroups_mode)
		return o->manage_cgroups ? add(r, err, "--manage-cgroups") : 0;
	if ((size_t)o->manage_cgroups_mode >= ARRAY_SIZE(words))
		return error_set(err, EINVAL, "request: opts.manage_cgroups_mode %d is not known",
				 o->manage_cgroups_mode);
	return add(r, err, "--manage-cgroups=%s", words[o->manage_cgroups_mode]);
}

static int network_lock_add(struct request *r, struct error *err)
{
	static const char *const words[] = { NULL, "iptables", "nftables", "skip" };
	size_t method = (size_t)r->opts->network_lock;
	if (method >= ARRAY_SIZE(words) || !words[method])
		return error_set(err, EINVAL, "request: opts.network_lock %zu is not known",
				 method);
	return add(r, err, "--network-lock=%s", words[method]);
}

static int pre_dump_mode_add(struct request *r, struct error *err)
{
	bool splice = r->opts->pre_dump_mode == CRIU_PRE_DUMP_MODE__SPLICE;
	return add(r, err, "--pre-dump-mode=%s", splice ? "splice" : "read");
}

static int exec_cmd_add(struct request *r, struct error *err)
{
	(void)r;
	return error_set(err, ENOTSUP,
			 "request: opts.exec_cmd is for the command line: who asks by RPC is the "
			 "tree's parent with opts.rst_sibling");
}

static int page_server_add(struct request *r, struct error *err)
{
	const CriuPageServerInfo *ps = r->opts->ps;
	int rc = add(r, err, "--page-server");
	if (rc == 0 && ps->address)
		rc = add(r, err, "--address=%s", ps->address);
	if (rc == 0 && ps->has_port)
		rc = add(r, err, "--port=%d", ps->port);
	return rc;
}

struct field_row {
	const char *field;
	const char *option; /* what it needs; NULL: nothing of its own */
	int (*add)(struct request *r, struct error *err); /* NULL: as the field's type says */
};

/* Read elsewhere, or together with another field. */
static int nothing_add(struct request *r, struct error *err)
{
	(void)r, (void)err;
	return 0;
}

static int cpu_cap_add(struct request *r, struct error *err)
{
	uint32_t caps = r->opts->cpu_cap;
	return add(r, err, "--cpu-cap=none%s%s%s", caps & CPU_CAP_FPU ? ",fpu" : "",
		   caps & CPU_CAP_INS ? ",ins" : "", caps & CPU_CAP_CPU ? ",cpu" : "");
}

static const struct field_row field_rows[] = {
	{ "images_dir_fd", NULL, images_dir_add },
	{ "images_dir", NULL, nothing_add },
	{ "log_file", NULL, nothing_add },
	{ "log_level", NULL, nothing_add },
	{ "log_to_stderr", NULL, nothing_add },
	{ "notify_scripts", NULL, nothing_add },
	{ "config_file", "config", nothing_add },
	{ "pid", "tree", NULL },
	{ "work_dir_fd", "work-dir", work_dir_add },
	{ "parent_img", "prev-images-dir", NULL },
	{ "rst_sibling", "restore-sibling", NULL },
	{ "tcp_skip_in_flight", "skip-in-flight", NULL },
	{ "irmap_scan_paths", "irmap-scan-path", NULL },
	{ "ext_sharing", "enable-external-sharing", NULL },
	{ "ext_masters", "enable-external-masters", NULL },
	{ "empty_ns", "empty-ns", empty_ns_add },
	{ "ext_mnt", "external", ext_mnt_add },
	{ "veths", "external", veths_add },
	{ "inherit_fd", "inherit-fd", inherit_fd_add },
	{ "cg_root", "cgroup-root", cg_root_add },
	{ "cpu_cap", "cpu-cap", cpu_cap_add },
	{ "join_ns", "join-ns", join_ns_add },
	{ "unix_sk_ino", "ext-unix-sk", unix_sk_add },
	{ "auto_ext_mnt", "ext-mount-map", auto_ext_mnt_add },
	{ "manage_cgroups", "manage-cgroups", manage_cgroups_add },
	{ "manage_cgroups_mode", "manage-cgroups", nothing_add },
	{ "network_lock", "network-lock", network_lock_add },
	{ "pre_dump_mode", "pre-dump-mode", pre_dump_mode_add },
	{ "exec_cmd", "exec-cmd", exec_cmd_add },
	{ "ps", "page-server", page_server_add },
};

static const struct field_row *row_find(const char *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(field_rows); i++) {
		if (!strcmp(field_rows[i].field, field))
			return &field_rows[i];
	}
	return NULL;
}

/* Given, and more than what a field left out means. */
static bool is_asked(const CriuOpts *opts, const ProtobufCFieldDescriptor *field)
{
	const char *at = (const char *)opts + field->offset;
	const char *quantifier = (const char *)opts + field->quantifier_offset;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)quantifier > 0;
	if (field->label == PROTOBUF_C_LABEL_REQUIRED)
		return true;
	if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)at != NULL;
	if (!*(const protobuf_c_boolean *)quantifier)
		return false;
	return field->type != PROTOBUF_C_TYPE_BOOL || *(const protobuf_c_boolean *)at;
}

static int value_add(struct request *r, const ProtobufCFieldDescriptor *field, const char *option,
		     struct error *err)
{
	const char *at = (const char *)r->opts + field->offset;
	if (field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_STRING) {
		size_t nr = *(const size_t *)((const char *)r->opts + field->quantifier_offset);
		char **strings = *(char **const *)at;
		int rc = 0;
		for (size_t i = 0; rc == 0 && i < nr; i++)
			rc = add(r, err, "--%s=%s", option, strings[i]);
		return rc;
	}
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return add(r, err, "--%s", option);
	case PROTOBUF_C_TYPE_STRING:
		return add(r, err, "--%s=%s", option, *(char *const *)at);
	case PROTOBUF_C_TYPE_INT32:
		return add(r, err, "--%s=%d", option, *(const int32_t *)at);
	case PROTOBUF_C_TYPE_UINT32:
		return add(r, err, "--%s=%u", option, *(const uint32_t *)at);
	default:
		return error_set(err, ENOTSUP, "request: opts.%s is not supported", field->name);
	}
}

static int field_add(struct request *r, const ProtobufCFieldDescriptor *field, struct error *err)
{
	char dashed[64];
	const struct field_row *row = row_find(field->name);
	const char *option = row ? row->option : dashed;
	if (!is_asked(r->opts, field))
		return 0;
	snprintf(dashed, sizeof(dashed), "%s", field->name);
	for (char *c = dashed; *c; c++)
		*c = *c == '_' ? '-' : *c;
	int rc = option ? need(r, option, field->name, err) : 0;
	if (rc < 0)
		return rc;
	return row && row->add ? row->add(r, err) : value_add(r, field, option, err);
}

static int words_make(struct request *r, struct error *err)
{
	int rc = add(r, err, "%s", r->cmd->name);
	for (unsigned i = 0; rc == 0 && i < criu_opts__descriptor.n_fields; i++)
		rc = field_add(r, &criu_opts__descriptor.fields[i], err);
	if (rc == 0)
		rc = log_add(r, err);
	for (unsigned i = 0; rc == 0 && i < r->opts->base.n_unknown_fields; i++)
		log_warn("request: opts has a field %u that is not known here",
			 r->opts->base.unknown_fields[i].tag);
	return rc;
}

/* Takes argv, the array; options borrow the words themselves. */
static int words_parse(const struct command *cmd, int argc, char **argv, struct options *out,
		       struct error *err)
{
	int operand;
	int rc = args_parse(cmd->rows, cmd->nr_rows, out, argc, argv, &operand, err);
	free(argv);
	return rc < 0 ? error_wrap(err, rc, "request") : 0;
}

int options_of_log(const struct command *cmd, const CriuOpts *req, pid_t peer,
		   struct request_words *words, struct options *out, struct error *err)
{
	struct request r = { req, cmd, peer, out->owned_only, words };
	int rc = add(&r, err, "%s", cmd->name);
	if (rc == 0)
		rc = images_dir_add(&r, err);
	if (rc == 0)
		rc = work_dir_add(&r, err);
	if (rc == 0)
		rc = log_add(&r, err);
	if (rc < 0)
		return rc;
	int operand;
	return args_parse(cmd->rows, cmd->nr_rows, out, (int)words->nr, words->items, &operand,
			  err);
}

int options_from_request(const struct command *cmd, const CriuOpts *req, pid_t peer,
			 struct request_words *words, struct options *out, struct error *err)
{
	struct request r = { req, cmd, peer, out->owned_only, words };
	int rc = words_make(&r, err);
	if (rc < 0)
		return rc;
	int argc = (int)words->nr;
	char **argv = words->items;
	rc = config_expand(cmd, &argc, &argv, err);
	if (rc == 0)
		rc = words_parse(cmd, argc, argv, out, err);
	if (rc < 0 || !req->config_file)
		return rc;
	/* who runs the container has the last word: it changes what a runtime always sends */
	rc = config_read(cmd, req->config_file, &argc, &argv, err);
	return rc < 0 ? rc : words_parse(cmd, argc, argv, out, err);
}
