/* SPDX-License-Identifier: MIT
 * What files/ says to images of terminals it should not believe.
 */
#include "tests/unit/image_fixture.h"

#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "engine/files/tty.h"
#include "engine/net/net.h"

#define PID      12
#define FILES_ID 2
#define MASTER   0x502  /* 5:2 */
#define SLAVE    0x8800 /* 136:0 and up */

/* A pair, its master on fd 0 and its slave on fd 1: what a case changes is what it is about. */
struct set {
	FownEntry fown;
	RegFileEntry reg[3];
	TtyFileEntry tty[2];
	FileEntry file[5];
	FdinfoEntry fd[2];
	FsEntry fs;
	uint32_t cc[19];
	TermiosEntry termios;
	WinsizeEntry winsize;
	TtyPtyEntry pty[2];
	TtyInfoEntry info[2];
	TtyDataEntry data; /* when its tty_id is not 0 */
	struct error err;
};

static void reg_init(struct set *s, int i, uint32_t id, const char *name)
{
	reg_file_entry__init(&s->reg[i]);
	s->reg[i].id = id;
	s->reg[i].name = (char *)name;
	s->reg[i].fown = &s->fown;
	file_entry__init(&s->file[i]);
	s->file[i].id = id;
	s->file[i].type = FD_TYPES__REG;
	s->file[i].reg = &s->reg[i];
}

static void tty_init(struct set *s, int i)
{
	tty_pty_entry__init(&s->pty[i]);
	s->pty[i].index = 700;
	tty_info_entry__init(&s->info[i]);
	s->info[i] = (TtyInfoEntry){
		.base = s->info[i].base,
		.id = i ? 1400 : 1401,
		.type = TTY_TYPE__PTY,
		.rdev = i ? SLAVE : MASTER,
		.termios = &s->termios,
		.termios_locked = &s->termios,
		.winsize = &s->winsize,
		.pty = &s->pty[i],
	};
	tty_file_entry__init(&s->tty[i]);
	s->tty[i].id = 10 + (uint32_t)i;
	s->tty[i].tty_info_id = s->info[i].id;
	s->tty[i].flags = O_RDWR;
	s->tty[i].fown = &s->fown;
	s->tty[i].has_regf_id = true;
	s->tty[i].regf_id = 2 + (uint32_t)i;
	file_entry__init(&s->file[3 + i]);
	s->file[3 + i].id = s->tty[i].id;
	s->file[3 + i].type = FD_TYPES__TTY;
	s->file[3 + i].tty = &s->tty[i];
	fdinfo_entry__init(&s->fd[i]);
	s->fd[i].fd = (uint32_t)i;
	s->fd[i].id = s->tty[i].id;
	s->fd[i].type = FD_TYPES__TTY;
}

static void set_init(struct set *s)
{
	memset(s, 0, sizeof(*s));
	fown_entry__init(&s->fown);
	termios_entry__init(&s->termios);
	s->termios.c_cc = s->cc;
	s->termios.n_c_cc = ARRAY_SIZE(s->cc);
	winsize_entry__init(&s->winsize);
	reg_init(s, 0, 1, "/");
	reg_init(s, 1, 2, "/dev/ptmx");
	reg_init(s, 2, 3, "/dev/pts/700");
	tty_init(s, 0);
	tty_init(s, 1);
	fs_entry__init(&s->fs);
	s->fs.cwd_id = s->fs.root_id = 1;
	tty_data_entry__init(&s->data);
}

static void write_image(int dirfd, enum image_id type, uint64_t id, ProtobufCMessage *const *items,
			size_t nr)
{
	struct error err;
	auto_image_writer w = NULL;
	assert_int_equal(image_create(dirfd, type, id, &w, &err), 0);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(image_write(w, items[i], &err), 0);
	assert_int_equal(image_finish(w, &err), 0);
}

static void set_write(struct set *s, int dir)
{
	ProtobufCMessage *files[ARRAY_SIZE(s->file)];
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		files[i] = &s->file[i].base;
	write_image(dir, IMG_FILES, 0, files, ARRAY_SIZE(files));
	write_image(dir, IMG_FDINFO, FILES_ID,
		    (ProtobufCMessage *[]){ &s->fd[0].base, &s->fd[1].base }, 2);
	write_image(dir, IMG_FS, PID, (ProtobufCMessage *[]){ &s->fs.base }, 1);
	write_image(dir, IMG_TTY_INFO, 0,
		    (ProtobufCMessage *[]){ &s->info[0].base, &s->info[1].base }, 2);
	if (s->data.tty_id)
		write_image(dir, IMG_TTY_DATA, 0, (ProtobufCMessage *[]){ &s->data.base }, 1);
}

static int set_try(struct set *s, struct temp_dir *dir, bool open)
{
	struct options opts = { 0 };
	TaskKobjIdsEntry ids;
	task_kobj_ids_entry__init(&ids);
	ids.files_id = ids.fs_id = FILES_ID;
	uint32_t tid = PID;
	struct rtask task = { .pid = PID, .state = TASK_ALIVE, .ids = &ids, .tids = &tid };
	struct rtask *tasks[] = { &task };
	struct restore r = { .opts = &opts, .tasks = tasks, .nr_tasks = 1 };

	set_write(s, dir->fd);
	int rc = source_open(dir->path, &r.images, &s->err);
	if (rc == 0)
		rc = files_load(&r, &s->err);
	if (rc == 0 && open)
		rc = net_load(&r, &s->err);
	if (rc == 0 && open)
		rc = files_open_all(&r, &s->err);
	file_set_free(r.files);
	pool_fini(&r.messages[0]);
	net_set_free(r.net);
	source_close(r.images);
	return rc;
}

static void no_info(struct set *s)
{
	s->tty[1].tty_info_id = 5;
}
static void no_path(struct set *s)
{
	s->tty[1].regf_id = 99;
}
static void no_fields(struct set *s)
{
	s->file[3].tty = NULL;
}
static void inner_id(struct set *s)
{
	s->tty[0].id = 9;
}
static void info_twice(struct set *s)
{
	s->info[1].id = s->info[0].id;
}
static void side_twice(struct set *s)
{
	s->info[1].rdev = MASTER;
}
static void master_twice(struct set *s)
{
	s->tty[1].tty_info_id = s->info[0].id;
}
static void half_settings(struct set *s)
{
	s->info[1].winsize = NULL;
}
static void few_characters(struct set *s)
{
	s->termios.n_c_cc = 4;
}
static void no_index(struct set *s)
{
	s->info[1].pty = NULL;
}
static void huge_index(struct set *s)
{
	s->pty[0].index = s->pty[1].index = 1u << 20;
}
static void hung_master(struct set *s)
{
	s->info[0].termios = s->info[0].termios_locked = NULL;
	s->info[0].winsize = NULL;
}
static void no_master(struct set *s)
{
	s->info[0].pty->index = 701;
	s->tty[0].tty_info_id = 1401;
}
static void data_of_nobody(struct set *s)
{
	s->data.tty_id = 77;
}

static void terminals_are_checked_before_anything_is_opened(void **state)
{
	static const struct {
		void (*change)(struct set *s);
		int code;
		const char *words;
	} cases[] = {
		{ no_info, -EBADMSG, "file id 11: terminal 5 is missing from tty-info.img" },
		{ no_path, -EBADMSG, "file id 11: terminal without its path" },
		{ no_fields, -EBADMSG, "file id 10: terminal without its fields" },
		{ inner_id, -EBADMSG, "id 10 inside says 9" },
		{ info_twice, -EBADMSG, "terminal 1401 stands twice" },
		{ side_twice, -EBADMSG, "terminals 1401 and 1400 are one side of pair 700" },
		{ master_twice, -EBADMSG, "file ids 10 and 11 are one master of terminal 700" },
		{ half_settings, -EBADMSG, "terminal 1400: only a part of its settings" },
		{ few_characters, -EBADMSG, "4 numbers of control characters" },
		{ no_index, -EBADMSG, "terminal 1400: type 1 without an index" },
		{ huge_index, -EBADMSG, "index 1048576" },
		{ hung_master, -EBADMSG, "master 1401 has no settings" },
		{ no_master, -EINVAL, "pid 12 (?): fd 1: the master of terminal /dev/pts/700" },
		{ data_of_nobody, -EBADMSG, "tty-data.img: terminal 77 is missing" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct set s;
		set_init(&s);
		cases[i].change(&s);
		int rc = set_try(&s, *state, false);
		if (rc != cases[i].code || !strstr(s.err.text, cases[i].words))
			fail_msg("case %zu: want %d \"%s\", got %d: %s", i, cases[i].code,
				 cases[i].words, rc, rc < 0 ? s.err.text : "");
	}
}

static void pair_with_taken_index_names_its_holder(void **state)
{
	struct set s;
	char words[64];
	int index, one = 0;
	set_init(&s);
	auto_fd master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCGPTN, &index) < 0 ||
	    ioctl(master, TIOCSPTLCK, &one) < 0)
		skip();
	/* a child of ours holds it: of this process itself nobody has to be told */
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[1]);
		_exit(read(ready[0], words, 1) < 0);
	}
	close(ready[0]);
	s.pty[0].index = s.pty[1].index = (uint32_t)index;
	int rc = set_try(&s, *state, true);
	close(ready[1]);
	waitpid(pid, NULL, 0);
	snprintf(words, sizeof(words), "/dev/pts/%d is taken by pid %d (", index, pid);
	assert_int_equal(rc, -EBUSY);
	if (!strstr(s.err.text, words))
		fail_msg("want \"%s\", got %s", words, s.err.text);
}

static void pair_is_opened_with_its_index(void **state)
{
	struct set s;
	int index = 0;
	set_init(&s);
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCGPTN, &index) < 0)
		skip();
	close(master);
	s.pty[0].index = s.pty[1].index = (uint32_t)index + 3; /* not the first that is free */
	int rc = set_try(&s, *state, true);
	if (rc < 0)
		fail_msg("%s", s.err.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMP_TEST(terminals_are_checked_before_anything_is_opened),
		TEMP_TEST(pair_with_taken_index_names_its_holder),
		TEMP_TEST(pair_is_opened_with_its_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
