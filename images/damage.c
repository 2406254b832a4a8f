/* SPDX-License-Identifier: MIT
 * Damage that is passed over.
 */
#include "images/damage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "images/backend.h"

void damage_list_fini(struct damage_list *list)
{
	for (size_t i = 0; i < list->nr; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct damage_list){ 0 };
}

void source_pass_damage(struct source *src, struct damage_list *list)
{
	src->damage = list;
}

struct damage_list *source_damage(const struct source *src)
{
	return src->damage;
}

/* The same image is read again and again: what was noted last is looked at first. */
static int note(struct damage_list *list, const char *text)
{
	list->times++;
	if (text != list->last.text)
		error_set(&list->last, EBADMSG, "%s", text);
	for (size_t i = list->nr; i-- > 0;) {
		if (!strcmp(list->items[i], text))
			return 0;
	}
	if (list->nr == DAMAGE_MAX) {
		list->more = true;
		return 0;
	}
	char *copy = strdup(text);
	char **slot = copy ? array_add(list) : NULL;
	if (slot)
		*slot = copy;
	else
		free(copy);
	return slot ? 0 : -ENOMEM;
}

bool damage_noted(struct source *src, int rc, const struct error *why)
{
	return rc == -EBADMSG && src->damage && note(src->damage, why->text) == 0;
}

int damage_pass(struct source *src, int rc, const struct error *why, struct error *err)
{
	if (rc >= 0)
		return rc;
	return error_set(err, damage_noted(src, rc, why) ? ENOENT : -rc, "%s", why->text);
}

size_t damage_mark(const struct source *src)
{
	return src->damage ? src->damage->times : 0;
}

const struct error *damage_since(const struct source *src, size_t mark)
{
	return damage_mark(src) == mark ? NULL : &src->damage->last;
}

const char *damage_reason(const char *image, const char *text)
{
	size_t len = strlen(image);
	return strncmp(text, image, len) || strncmp(text + len, ": ", 2) ? text : text + len + 2;
}
