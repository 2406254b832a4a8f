/* SPDX-License-Identifier: MIT
 * What each kind of request does and what is answered.
 */
#include "engine/rpc/serve.h"

#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/version.h"
#include "engine/commands.h"
#include "engine/context/hooks.h"
#include "engine/cpuinfo.h"
#include "engine/dirs.h"
#include "engine/dump.h"
#include "engine/kernel/feature.h"
#include "engine/options.h"
#include "engine/restore.h"
#include "engine/rpc/request.h"
#include "engine/rpc/wire.h"

#define REFUSAL_MS 20 /* the request of one who is not served comes late, or never */

struct session {
	int sock;
	struct ucred peer;
	bool guarded;
	const CriuReq *req;
	CriuResp resp; /* to be filled by the request's row; success is set for it */
	/* what resp points to */
	CriuDumpResp dump;
	CriuRestoreResp restore;
	CriuFeatures features;
	CriuVersion version;
};

/* Tell the peer how far it has come; the tree waits until it has answered. */
static int notify_with(struct session *s, const char *name, pid_t pid, int fd, struct error *err)
{
	CriuNotify note = CRIU_NOTIFY__INIT;
	CriuResp resp = CRIU_RESP__INIT;
	note.script = (char *)name;
	note.has_pid = pid > 0;
	note.pid = pid;
	resp.type = CRIU_REQ_TYPE__NOTIFY;
	resp.success = true;
	resp.notify = &note;
	auto_rpc_request answer = NULL;
	int rc = rpc_send(s->sock, &resp, fd, err);
	if (rc == 0)
		rc = rpc_receive(s->sock, &answer, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return error_set(err, EPIPE, "the peer hung up when it was told of %s", name);
	if (answer->type != CRIU_REQ_TYPE__NOTIFY)
		return error_set(err, EBADMSG, "the peer answered %s with a request of type %d",
				 name, answer->type);
	if (!answer->has_notify_success || !answer->notify_success)
		return error_set(err, ECANCELED, "the peer said no to %s", name);
	return 0;
}

static int notify(void *ctx, const char *name, pid_t pid, struct error *err)
{
	return notify_with(ctx, name, pid, -1, err);
}

static int give(void *ctx, const char *name, int fd, struct error *err)
{
	return notify_with(ctx, name, 0, fd, err);
}

/* As the peer, where files are made; what is a task's is looked at with the service's rights. */
static int become_peer(const struct session *s, struct error *err)
{
	const uid_t none = (uid_t)-1; /* fails, and tells what it is */
	if (setgroups(0, NULL) < 0)
		return error_sys(err, "drop the service's groups");
	setfsgid(s->peer.gid);
	setfsuid(s->peer.uid);
	if ((gid_t)setfsgid(none) != s->peer.gid || (uid_t)setfsuid(none) != s->peer.uid)
		return error_set(err, EPERM, "the service may not make files as user %u",
				 s->peer.uid);
	return 0;
}

/* Runtimes look for the reason in the log, and do not show what is answered. */
static void log_refusal(const struct session *s, const struct command *cmd, const struct error *why)
{
	struct request_words words = { 0 };
	struct options opts = { 0 };
	auto_fd images_fd = -1;
	auto_fd work_fd = -1;
	if (options_of_log(cmd, s->req->opts, s->peer.pid, &words, &opts, NULL) == 0 &&
	    dirs_open(&opts, &images_fd, &work_fd, NULL) == 0)
		dirs_log_failure(&opts, why);
	args_release(cmd->rows, cmd->nr_rows, &opts);
	request_words_fini(&words);
}

static int run_request(struct session *s, const struct command *cmd, struct options *opts,
		       int (*run)(const struct options *opts, struct error *err), struct error *err)
{
	struct request_words words = { 0 };
	const struct hook_listener listener = { notify, give, s };
	if (!s->req->opts)
		return error_set(err, EINVAL, "request: opts must be given");
	opts->owned_only = s->guarded && s->peer.uid != 0;
	opts->owner = s->peer.uid;
	int rc = options_from_request(cmd, s->req->opts, s->peer.pid, &words, opts, err);
	if (rc < 0 && !opts->owned_only)
		log_refusal(s, cmd, err);
	if (rc == -EINVAL)
		rc = -EBADRQC; /* clients know a request that asks for nonsense by it */
	if (rc == 0 && opts->owned_only)
		rc = become_peer(s, err);
	if (s->req->opts->notify_scripts)
		opts->listener = &listener;
	if (rc == 0)
		rc = run(opts, err);
	opts->listener = NULL;
	args_release(cmd->rows, cmd->nr_rows, opts);
	request_words_fini(&words);
	return rc;
}

/* Without a pid the peer asks to be dumped itself. What it reads when it is restored: */
static size_t pack_restored(uint8_t *out)
{
	CriuDumpResp dump = CRIU_DUMP_RESP__INIT;
	CriuResp resp = CRIU_RESP__INIT;
	dump.has_restored = true;
	dump.restored = true;
	resp.type = CRIU_REQ_TYPE__DUMP;
	resp.success = true;
	resp.dump = &dump;
	return criu_resp__pack(&resp, out);
}

static int answer_dump(struct session *s, struct error *err)
{
	struct stat st;
	uint8_t answer[32];
	const size_t len = pack_restored(answer);
	struct options opts = { .pid = s->peer.pid };
	s->dump = (CriuDumpResp)CRIU_DUMP_RESP__INIT;
	s->dump.has_restored = true;
	s->resp.dump = &s->dump;
	if (fstat(s->sock, &st) < 0)
		return error_sys(err, "stat the socket of the request");
	const struct self_dump self = { (uint32_t)st.st_ino, answer, len };
	opts.self_dump = &self;
	return run_request(s, &cmd_dump, &opts, dump_tree, err);
}

static int answer_restore(struct session *s, struct error *err)
{
	struct options opts = { .restore_detached = true };
	if (s->guarded && s->peer.uid != 0)
		return error_set(err, EPERM,
				 "a restore makes processes of any user: the service does it for "
				 "root only, not for user %u",
				 s->peer.uid);
	int pid = run_request(s, &cmd_restore, &opts, restore_tree, err);
	if (pid < 0)
		return pid;
	s->restore = (CriuRestoreResp)CRIU_RESTORE_RESP__INIT;
	s->restore.pid = pid;
	s->resp.restore = &s->restore;
	return 0;
}

static int check(const struct options *opts, struct error *err)
{
	auto_fd images_fd = -1;
	auto_fd work_fd = -1;
	int rc = opts->images_dir ? dirs_open(opts, &images_fd, &work_fd, err) : 0;
	return rc < 0 ? rc : feature_check_basic(err);
}

static int answer_check(struct session *s, struct error *err)
{
	struct options opts = { 0 };
	return s->req->opts ? run_request(s, &cmd_check, &opts, check, err)
			    : feature_check_basic(err);
}

/* The kernel has it, and so have we: an option to use it. */
static bool is_usable(const char *feature, const char *option)
{
	const struct arg_row *row = option_find(option);
	return row && row->kind != ARG_REFUSED && feature_find(feature)->probe();
}

static int answer_features(struct session *s, struct error *err)
{
	if (!s->req->features)
		return error_set(err, EINVAL, "request: features must be given");
	s->features = (CriuFeatures)CRIU_FEATURES__INIT;
	s->features.has_mem_track = s->features.has_lazy_pages = true;
	s->features.has_pidfd_store = true;
	s->features.mem_track =
	    s->req->features->mem_track && is_usable("mem_dirty_track", "track-mem");
	s->features.lazy_pages =
	    s->req->features->lazy_pages && is_usable("uffd-noncoop", "lazy-pages");
	s->features.pidfd_store =
	    s->req->features->pidfd_store && is_usable("pidfd_store", "pidfd-store-sk");
	s->resp.features = &s->features;
	return 0;
}

static int answer_version(struct session *s, struct error *err)
{
	(void)err;
	s->version = (CriuVersion)CRIU_VERSION__INIT;
	s->version.major_number = FORMAT_MAJOR;
	s->version.minor_number = FORMAT_MINOR;
	s->version.name = (char *)"stasis"; /* nobody writes to it */
	s->resp.version = &s->version;
	return 0;
}

static int answer_wait_pid(struct session *s, struct error *err)
{
	int status;
	if (!s->req->has_pid || s->req->pid == 0)
		return error_set(err, EINVAL, "request: pid must be given");
	if (waitpid((pid_t)s->req->pid, &status, 0) < 0)
		return error_sys(err, "wait for pid %u", s->req->pid);
	s->resp.has_status = true;
	s->resp.status = status;
	return 0;
}

static int answer_cpuinfo_dump(struct session *s, struct error *err)
{
	struct options opts = { 0 };
	return run_request(s, &cmd_cpuinfo, &opts, cpuinfo_write_set, err);
}

static int answer_cpuinfo_check(struct session *s, struct error *err)
{
	struct options opts = { 0 };
	return run_request(s, &cmd_cpuinfo, &opts, cpuinfo_check_set, err);
}

static const struct request_row {
	CriuReqType type;
	int (*answer)(struct session *s, struct error *err);
} request_rows[] = {
	{ CRIU_REQ_TYPE__DUMP, answer_dump },
	{ CRIU_REQ_TYPE__RESTORE, answer_restore },
	{ CRIU_REQ_TYPE__CHECK, answer_check },
	{ CRIU_REQ_TYPE__FEATURE_CHECK, answer_features },
	{ CRIU_REQ_TYPE__VERSION, answer_version },
	{ CRIU_REQ_TYPE__WAIT_PID, answer_wait_pid },
	{ CRIU_REQ_TYPE__CPUINFO_DUMP, answer_cpuinfo_dump },
	{ CRIU_REQ_TYPE__CPUINFO_CHECK, answer_cpuinfo_check },
};

/* A kind that is not served is answered as EMPTY: that is how clients tell it from a failure. */
static int answer(struct session *s, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(request_rows); i++) {
		if (request_rows[i].type != s->req->type)
			continue;
		s->resp.type = s->req->type;
		return request_rows[i].answer(s, err);
	}
	const ProtobufCEnumValue *name =
	    protobuf_c_enum_descriptor_get_value(&criu_req_type__descriptor, (int)s->req->type);
	return error_set(err, ENOTSUP, "requests of type %s (%d) are not supported",
			 name ? name->name : "unknown", s->req->type);
}

/* What went wrong on our side, the peer hears; a peer that is gone only the caller. */
static int reply(struct session *s, int rc, struct error *why, struct error *err)
{
	s->resp.success = rc == 0;
	if (rc < 0) {
		s->resp.has_cr_errno = true;
		s->resp.cr_errno = -rc;
		s->resp.cr_errmsg = why->text;
	}
	int sent = rpc_send(s->sock, &s->resp, -1, err);
	if (sent < 0)
		return sent;
	return rc < 0 ? error_set(err, -rc, "%s", why->text) : 0;
}

static int serve_one(struct session *s, bool *more, struct error *err)
{
	struct error why = { 0 };
	auto_rpc_request req = NULL;
	int rc = rpc_receive(s->sock, &req, &why);
	*more = false;
	s->req = req;
	s->resp = (CriuResp)CRIU_RESP__INIT;
	if (rc == 0)
		return 0;
	if (rc > 0) {
		rc = answer(s, &why);
		*more = req->has_keep_open && req->keep_open;
	}
	return reply(s, rc, &why, err);
}

int rpc_serve(int sock, bool guarded, struct error *err)
{
	struct session s = { .sock = sock, .guarded = guarded };
	int rc = rpc_peer(sock, &s.peer, err);
	if (rc < 0)
		return rc;
	for (bool more = true; more;)
		rc = serve_one(&s, &more, err);
	return rc;
}

void rpc_refuse(int sock, struct error *why)
{
	struct session s = { .sock = sock, .resp = CRIU_RESP__INIT };
	struct pollfd request = { .fd = sock, .events = POLLIN };
	auto_rpc_request req = NULL;
	s.resp.type = CRIU_REQ_TYPE__EMPTY;
	if (poll(&request, 1, REFUSAL_MS) == 1 && rpc_receive(sock, &req, NULL) > 0)
		s.resp.type = req->type;
	reply(&s, why->code, why, NULL);
}
