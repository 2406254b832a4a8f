/* SPDX-License-Identifier: MIT
 * Inside files/: terminals. Descriptions of them are in tty.c, what a terminal is in tty-info.c,
 * how pairs are made again in pty.c, bytes that wait in tty-data.c, sessions in tty-session.c.
 */
#pragma once

#include "engine/files/set.h"
#include "engine/files/table.h"
#include "tty.pb-c.h"

struct tty_kind { /* a range of device numbers */
	uint32_t major, first, last;
	TtyType type;
	bool master;   /* of a pseudo terminal */
	uint32_t slot; /* where its ids begin, when it is no pseudo terminal */
};

/* What holds the output of a slave back, in images, too; ^Q starts one, tcflow(3) the other. */
enum tty_stop { TTY_RUNS, TTY_STOPPED_BY_KEY, TTY_STOPPED_BY_CALL };

/* Dump. */

struct tty_seen { /* a terminal, or one side of a pair; however many descriptions lead to it */
	const struct tty_kind *kind;
	uint32_t id;    /* tty_info_entry.id */
	uint32_t index; /* of a pair */
	dev_t rdev, dev;
	uint32_t uid, gid;
	int fd;          /* a duplicate; of a description that reads and writes, if there is one */
	int access;      /* how that one is open: O_ACCMODE */
	bool hungup;     /* the master is gone: nothing can be asked or read any more */
	pid_t sid, pgrp; /* the session it controls, the foreground group; 0: none */
	bool foreign;    /* that session's leader is outside of the tree */
	char holder[96]; /* the first that held it, and its path: for messages */
	char path[64];
};

/** The row of a device; NULL: no terminal, or one that nobody can carry. */
const struct tty_kind *tty_kind_of(dev_t rdev);
/** A terminal's name in --external and --inherit-fd: "tty[8800:19]". @return out. */
const char *tty_external_name(dev_t rdev, dev_t dev, char *out, size_t len);
/** A side of a pair that was met, by index; NULL: it was not. */
struct tty_seen *tty_seen_side(const struct tty_table *t, uint32_t index, bool master);

/** Which session each terminal controls; refuses those that cannot be given back. */
int tty_sessions_collect(struct dump *d, struct error *err);
/** tty-info.img, once all descriptors are seen. */
int tty_info_dump(struct dump *d, struct error *err);

/* Restore. */

struct tty {                  /* a terminal: both sides of a pair, or one device */
	TtyInfoEntry *master; /* of a pair, when the tree had it */
	TtyInfoEntry *slave;  /* of a pair, or the device */
	uint32_t index;       /* of a pair */
	TtyType type;
	const TtyFileEntry *master_file, *slave_file; /* a description of each; NULL: none */
	struct strbuf data[2]; /* what waits to be read: [0] from the slave, [1] from the master */
	bool has_data[2];
	uint8_t event; /* what packet mode has to tell */
	enum tty_stop stopped;
	bool settled;  /* it has its settings */
	bool outside;  /* the restorer's own terminal takes its place */
	int master_fd; /* in the window, or -1 */
	int control;   /* a slave of our own, or a duplicate of the device; in the window, or -1 */
};

/** The terminal of an info id. @param master  which side it is; may be NULL */
struct tty *tty_set_find(const struct tty_set *set, uint32_t info_id, bool *master);
/** What it says about both sides: the session, the foreground group. */
const TtyInfoEntry *tty_info(const struct tty *t);
/** "/dev/pts/3" or a device's path, for messages. @return out. */
const char *tty_name(struct restore *r, const struct tty *t, char *out, size_t len);
const RegFileEntry *tty_reg(struct restore *r, const TtyFileEntry *file);
bool tty_is_hung(const struct tty *t);

/** Make every pair, with its index, unlocked. */
int pty_make_all(struct restore *r, struct error *err);
/** Another description of a slave. @param flags  open(2)'s; @return descriptor or -errno */
int pty_open_slave(const struct tty *t, int flags);

/** Settings of a side, after what needs other settings. @param info  may be NULL */
int tty_set_termios(int fd, const TtyInfoEntry *info, struct error *err);
/** The rest: locked settings, window size, packet mode, exclusive, lock. */
int tty_set_modes(struct restore *r, struct tty *t, struct error *err);
/** Put back what waits in a pair; settings are changed meanwhile. */
int tty_data_restore(struct tty *t, struct error *err);
/** What the holder of a file id calls /dev/tty. */
int tty_open_current(struct restore *r, const FileEntry *e, struct error *err);
