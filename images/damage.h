/* SPDX-License-Identifier: MIT
 * What could not be read of a set, for who goes on with the rest.
 */
#pragma once

#include "images/source.h"

/* Sentences, each once, in the order they were found. */
struct damage_list {
	char **items;
	size_t nr, cap;    /* nr: at most DAMAGE_MAX */
	bool more;         /* than that */
	size_t times;      /* how often anything was noted, what stands there already, too */
	struct error last; /* what that was */
};
enum { DAMAGE_MAX = 1000 };
void damage_list_fini(struct damage_list *list);
#define auto_damage_list __attribute__((cleanup(damage_list_fini))) struct damage_list

/**
 * From here on, what of the set's images is broken is noted and passed over: image_each() goes
 * on behind such an entry if it can, image_read_one() and the calls of checkpoint.h say that there
 * is none. Other readers ask damage_pass().
 * @param list  borrowed
 */
void source_pass_damage(struct source *src, struct damage_list *list);
/** That list; NULL: nothing is passed over. */
struct damage_list *source_damage(const struct source *src);

/** After reading something of a set: was it broken, noted, and so can be passed over? */
bool damage_noted(struct source *src, int rc, const struct error *why);
/**
 * The same for what need not be there.
 * @param rc   what that returned; @param why  its error, when rc is negative
 * @return rc, with *err set when it is negative; -ENOENT when what is broken was noted
 */
int damage_pass(struct source *src, int rc, const struct error *why, struct error *err);

/** For who says of one thing what was passed over while it was read: a place in that time. */
size_t damage_mark(const struct source *src);
/** What was noted last behind it. Borrowed, until more is noted. NULL: nothing was */
const struct error *damage_since(const struct source *src, size_t mark);

/** What an error says of an image, without the name in front: for who says it himself. Borrowed. */
const char *damage_reason(const char *image, const char *text);
