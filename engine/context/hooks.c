/* SPDX-License-Identifier: MIT
 * Scripts and listeners that are told how far a dump or restore has come.
 */
#include "engine/context/hooks.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spawn.h"

static const char *const hook_names[NR_HOOKS] = {
	[HOOK_PRE_DUMP] = "pre-dump",
	[HOOK_NETWORK_LOCK] = "network-lock",
	[HOOK_NETWORK_UNLOCK] = "network-unlock",
	[HOOK_POST_DUMP] = "post-dump",
	[HOOK_PRE_RESTORE] = "pre-restore",
	[HOOK_SETUP_NAMESPACES] = "setup-namespaces",
	[HOOK_POST_SETUP_NAMESPACES] = "post-setup-namespaces",
	[HOOK_ORPHAN_PTS_MASTER] = "orphan-pts-master",
	[HOOK_POST_RESTORE] = "post-restore",
	[HOOK_PRE_RESUME] = "pre-resume",
	[HOOK_POST_RESUME] = "post-resume",
};

#define NR_VARIABLES 3

struct environment {
	char text[NR_VARIABLES][80];
	size_t nr;
	char **all; /* ours, then those of this process */
};

static bool is_ours(const char *variable)
{
	return !strncmp(variable, "CRTOOLS_", strlen("CRTOOLS_"));
}

static int environment_make(struct environment *env, const char *name, int images_fd, pid_t pid)
{
	size_t nr = 0;
	while (environ[nr])
		nr++;
	env->all = calloc(nr + NR_VARIABLES + 1, sizeof(*env->all));
	if (!env->all)
		return -ENOMEM;
	snprintf(env->text[env->nr++], sizeof(env->text[0]), "CRTOOLS_SCRIPT_ACTION=%s", name);
	snprintf(env->text[env->nr++], sizeof(env->text[0]), "CRTOOLS_IMAGE_DIR=/proc/%d/fd/%d",
		 getpid(), images_fd);
	if (pid > 0)
		snprintf(env->text[env->nr++], sizeof(env->text[0]), "CRTOOLS_INIT_PID=%d", pid);
	size_t at = 0;
	for (; at < env->nr; at++)
		env->all[at] = env->text[at];
	for (size_t i = 0; i < nr; i++) {
		if (!is_ours(environ[i]))
			env->all[at++] = environ[i];
	}
	return 0;
}

static int script_run(const char *script, const char *name, char **env, struct error *err)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char *)script, NULL };
	posix_spawn_file_actions_t files;
	int status;
	posix_spawn_file_actions_init(&files);
	/* descriptors of a restore are the tasks' */
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	int rc = spawn_wait("/bin/sh", argv, env, &files, &status);
	posix_spawn_file_actions_destroy(&files);
	if (rc < 0)
		return error_code(err, rc, "--action-script %s", script);
	if (WIFSIGNALED(status))
		return error_set(err, ECANCELED, "--action-script %s was killed by signal %d at %s",
				 script, WTERMSIG(status), name);
	if (WEXITSTATUS(status))
		return error_set(err, ECANCELED,
				 "--action-script %s said no to %s (exit status %d)", script, name,
				 WEXITSTATUS(status));
	return 0;
}

int hook_call(const struct options *opts, enum hook hook, int images_fd, pid_t pid,
	      struct error *err)
{
	const char *name = hook_names[hook];
	struct environment env = { 0 };
	int rc = 0;
	if (opts->action_scripts.nr && opts->owned_only)
		return error_set(err, EPERM,
				 "--action-script %s of the service's configuration would run with "
				 "the service's rights for user %u: it runs for root only",
				 opts->action_scripts.items[0], opts->owner);
	if (opts->action_scripts.nr && environment_make(&env, name, images_fd, pid) < 0)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < opts->action_scripts.nr; i++) {
		log_debug("%s: %s", name, opts->action_scripts.items[i]);
		rc = script_run(opts->action_scripts.items[i], name, env.all, err);
	}
	free(env.all);
	if (rc == 0 && opts->listener)
		rc = opts->listener->call(opts->listener->ctx, name, pid, err);
	return rc;
}

int hook_give(const struct options *opts, enum hook hook, int fd, struct error *err)
{
	if (!opts->listener || !opts->listener->give) {
		log_warn("%s: nobody takes the master of a terminal: it hangs up",
			 hook_names[hook]);
		return 0;
	}
	return opts->listener->give(opts->listener->ctx, hook_names[hook], fd, err);
}
