/* SPDX-License-Identifier: MIT
 * A mixed tree is dumped and restored again and again, while things go wrong. Prints TAP.
 *   rounds MODE STASIS DIR ARGS…    DIR is empty; what ARGS are says the file of each mode
 */
#include "tests/live/rounds/rounds.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RUN_MS  30000
#define MAX_BAD 100 /* enough to see what is wrong */

/* ---- running the engine ---- */

static void make_argv(struct rounds *r)
{
	char *stasis = (char *)r->stasis;
	char *dump[] = {
		stasis,         "dump",           "-t",       r->pid_text,
		"-D",           r->images,        "-W",       r->work,
		"-o",           "dump.log",       "-v4",      "--tcp-established",
		"--file-locks", "--network-lock", "nftables", "--sync",
		NULL,
	};
	char *restore[] = {
		stasis,  "restore", "-d",          "-D",  r->images,           "-W",
		r->work, "-o",      "restore.log", "-v4", "--tcp-established", "--file-locks",
		NULL,
	};
	memcpy(r->dump_argv, dump, sizeof(dump));
	memcpy(r->restore_argv, restore, sizeof(restore));
}

void rounds_run(struct rounds *r, bool dump, struct inject *in)
{
	snprintf(r->pid_text, sizeof(r->pid_text), "%d", r->tree.mixed->pids[MIXED_ROOT]);
	in->argv = dump ? r->dump_argv : r->restore_argv;
	in->timeout_ms = RUN_MS;
	in->output = r->output;
	inject_run(in);
}

bool rounds_succeeded(const struct inject *in)
{
	return WIFEXITED(in->status) && WEXITSTATUS(in->status) == 0;
}

const char *rounds_must_dump(struct rounds *r)
{
	struct inject in = { 0 };
	rounds_run(r, true, &in);
	if (!rounds_succeeded(&in))
		return "a dump in which nothing is made to fail fails";
	return tree_ends(&r->tree, SETTLE_MS) ? NULL : "a dump leaves the tree";
}

const char *rounds_must_restore(struct rounds *r)
{
	struct inject in = { 0 };
	rounds_run(r, false, &in);
	if (!rounds_succeeded(&in))
		return "a restore in which nothing is made to fail fails";
	return tree_check(&r->tree);
}

const char *rounds_clear_images(const struct rounds *r)
{
	char command[PATH_MAX + 32];
	snprintf(command, sizeof(command), "rm -rf '%s'/*", r->images);
	return system(command) == 0 ? NULL : "cannot clear the images directory";
}

const char *rounds_start(struct rounds *r)
{
	tree_kill(&r->tree);
	const char *why = rounds_clear_images(r);
	if (!why && system("nft flush ruleset") != 0)
		why = "cannot flush the rules of nftables";
	return why ? why : tree_start(&r->tree);
}

const char *rounds_start_dumped(struct rounds *r)
{
	const char *why = rounds_start(r);
	return why ? why : rounds_must_dump(r);
}

/* ---- what may be left ---- */

/* @return how many files it has, and the name of one of them */
static int count_files(const char *dir, char name[NAME_MAX + 1])
{
	DIR *d = opendir(dir);
	int nr = 0;
	const struct dirent *de;
	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(name, NAME_MAX + 1, "%s", de->d_name);
		nr++;
	}
	if (d)
		closedir(d);
	return nr;
}

/* @return what it prints, as far as there is room */
static const char *output_of(const char *command)
{
	static char text[AROUND_SIZE];
	FILE *f = popen(command, "re");
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[len] = '\0';
	if (f)
		pclose(f);
	return text;
}

/* The mounts and segments of others may go meanwhile: what has come is looked for.
 * @return a line of `after` that `before` has not, or NULL */
static const char *look_added(const char *before, const char *after)
{
	static char text[600];
	for (const char *end; (end = strchr(after, '\n')); after = end + 1) {
		const char *same = before;
		size_t len = (size_t)(end + 1 - after);
		while (same && strncmp(same, after, len) != 0)
			same = (same = strchr(same, '\n')) ? same + 1 : NULL;
		if (!same) {
			snprintf(text, sizeof(text), "+%.*s", (int)len - 1, after);
			return text;
		}
	}
	return NULL;
}

static const char *look_around(void)
{
	return output_of("cat /proc/self/mountinfo /proc/sysvipc/shm");
}

static const char *look_sockets(void)
{
	return output_of("awk '{ print $2, $3, $4 }' /proc/net/tcp");
}

static const char *look_rules(void)
{
	return output_of("nft list ruleset 2>&1");
}

void rounds_note_tree(struct rounds *r)
{
	/* a mask that a thread has for a moment (in ppoll) would not be there later */
	tree_look(&r->tree, true, r->after);
	do {
		memcpy(r->before, r->after, sizeof(r->before));
		sleep_us(1000);
		tree_look(&r->tree, true, r->after);
	} while (look_differs(r->before, r->after));
}

static const char *tree_differs(struct rounds *r)
{
	const char *why;
	int64_t end = now_ms() + SETTLE_MS;
	do {
		tree_look(&r->tree, true, r->after);
		why = look_differs(r->before, r->after);
		if (why)
			sleep_us(5000);
	} while (why && now_ms() < end);
	return why;
}

const char *rounds_dump_left(struct rounds *r)
{
	static char text[NAME_MAX + 64];
	char name[NAME_MAX + 1];
	const char *why = tree_differs(r);
	if (!why)
		why = tree_check(&r->tree);
	if (!why && count_files(r->images, name)) {
		snprintf(text, sizeof(text), "%s is left in the images directory", name);
		why = text;
	}
	if (!why && *look_rules())
		why = "a rule of the lock is left";
	return why;
}

void rounds_note_around(struct rounds *r)
{
	char name[NAME_MAX + 1];
	r->nr_images = count_files(r->images, name);
	r->nr_files = count_files(r->files, name);
	snprintf(r->around, sizeof(r->around), "%s", look_around());
	snprintf(r->sockets, sizeof(r->sockets), "%s", look_sockets());
	snprintf(r->rules, sizeof(r->rules), "%s", look_rules());
}

const char *rounds_around_differs(struct rounds *r)
{
	char name[NAME_MAX + 1];
	if (count_files(r->images, name) != r->nr_images)
		return "the images directory has changed";
	if (count_files(r->files, name) != r->nr_files)
		return FILE_LEFT;
	const char *why = look_added(r->around, look_around());
	if (why)
		return why;
	const char *now = look_rules();
	if (*r->rules && !*now)
		return CONNECTIONS_GONE;
	why = look_differs(r->rules, now);
	return why ? why : look_differs(r->sockets, look_sockets());
}

const char *rounds_restore_left(struct rounds *r)
{
	if (!tree_ends(&r->tree, SETTLE_MS))
		return "a task is left";
	return rounds_around_differs(r);
}

/* ---- telling ---- */

const char *rounds_last_words(const struct rounds *r)
{
	static char line[1024];
	FILE *f = fopen(r->output, "re");
	line[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	return line;
}

bool rounds_report(struct rounds *r, const char *what, const char *why)
{
	printf("not ok %ld %s: %s\n# %s\n", ++r->bad, what, why, rounds_last_words(r));
	fflush(stdout);
	return r->bad < MAX_BAD;
}

int rounds_summary(const struct rounds *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (!r->bad) {
		printf("ok 1 ");
		vprintf(fmt, ap);
		putchar('\n');
	}
	va_end(ap);
	printf("1..%ld\n", r->bad ? r->bad : 1);
	return r->bad != 0;
}

/* ---- modes ---- */

static const struct {
	const char *name;
	int (*run)(struct rounds *r, int argc, char **argv);
} modes[] = {
	{ "fault-dump", fault_dump },
	{ "fault-restore", fault_restore },
	{ "kill-restore", kill_restore },
	{ "kill-restore-end", kill_restore_end },
	{ "full", disk_full },
	{ "soak", soak },
};

static int init(struct rounds *r, const char *stasis, const char *dir)
{
	r->stasis = stasis;
	snprintf(r->images, sizeof(r->images), "%s/images", dir);
	snprintf(r->work, sizeof(r->work), "%s/work", dir);
	snprintf(r->files, sizeof(r->files), "%s/files", dir);
	snprintf(r->output, sizeof(r->output), "%s/output", dir);
	r->tree.dir = r->files;
	mkdir(r->images, 0700);
	mkdir(r->work, 0700);
	mkdir(r->files, 0700);
	make_argv(r);
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int main(int argc, char **argv)
{
	static struct rounds r;
	if (argc == 4 && !strcmp(argv[1], "tree"))
		mixed_run(argv[2], atoi(argv[3]));
	if (argc < 4 || init(&r, argv[2], argv[3]) < 0)
		return 2;
	int failed = 2;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(modes[i].name, argv[1]))
			failed = modes[i].run(&r, argc - 4, argv + 4);
	}
	tree_fini(&r.tree);
	return failed;
}
