/* SPDX-License-Identifier: MIT
 * Settings of prctl(2) and arch_prctl(2) that the format has no fields for; the rows are in
 * pie/settings.h.
 */
#include "engine/pie/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "engine/task/parts.h"
#include "images/message.h"

/* Arguments that make a value again. @return false when there is nothing to do */
static bool args_of(const struct setting *s, int64_t value, uint64_t *arg2, uint64_t *arg3)
{
	*arg2 = (uint64_t)value;
	*arg3 = 0;
	if (value < 0 || value == s->usual) /* negative: this kernel, or this task, has it not */
		return false;
	switch (s->form) {
	case SETTING_SECOND:
		*arg2 = s->which;
		*arg3 = (uint64_t)value;
		return true;
	case SETTING_SPECULATION:
		*arg2 = s->which;
		*arg3 = (uint64_t)value & SPECULATION_CHOICE;
		return (value & SPECULATION_PER_TASK) && *arg3;
	case SETTING_FLAGS:
		*arg2 = s->which;
		*arg3 = (uint64_t)value & ~UINT64_C(1);
		return *arg3;
	default:
		return value || s->usual <= 1; /* a slack of 0 would mean: the usual one */
	}
}

int settings_dump(const struct thread *th, bool leader, ThreadCoreEntry *tc, struct error *err)
{
	tc->settings = calloc(NR_SETTINGS, sizeof(*tc->settings));
	if (!tc->settings)
		return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
	for (size_t i = 0; i < NR_SETTINGS; i++) {
		uint64_t arg2, arg3;
		if ((prctl_settings[i].whole_task && !leader) ||
		    !args_of(&prctl_settings[i], th->inside.settings[i], &arg2, &arg3))
			continue;
		PrctlEntry *e = message_new(&prctl_entry__descriptor);
		if (!e)
			return error_set(err, ENOMEM, "thread %d: out of memory", th->tid);
		e->option = prctl_settings[i].set;
		e->arg2 = arg2;
		e->has_arg3 = arg3 != 0;
		e->arg3 = arg3;
		tc->settings[tc->n_settings++] = e;
	}
	return 0;
}

/* Nothing but what a dump of ours may have written gets as far as prctl(2). */
static bool is_known(const PrctlEntry *e)
{
	for (size_t i = 0; i < NR_SETTINGS; i++) {
		const struct setting *s = &prctl_settings[i];
		bool fixed = s->form != SETTING_PLAIN && s->form != SETTING_STORED &&
			     s->form != SETTING_PROCESSOR;
		if (s->set == e->option && (!fixed || s->which == e->arg2))
			return true;
	}
	return false;
}

int settings_check(const ThreadCoreEntry *tc, struct error *err)
{
	if (tc->n_settings > NR_SETTINGS)
		return error_set(err, EBADMSG, "settings: %zu, at most %zu", tc->n_settings,
				 NR_SETTINGS);
	for (size_t i = 0; i < tc->n_settings; i++)
		if (!is_known(tc->settings[i]))
			return error_set(err, EBADMSG,
					 "settings: prctl(%u, %#" PRIx64 ") is none of a dump",
					 tc->settings[i]->option, tc->settings[i]->arg2);
	return 0;
}

void settings_fill(const ThreadCoreEntry *tc, struct restorer_thread *out)
{
	for (size_t i = 0; i < tc->n_settings; i++) {
		const PrctlEntry *e = tc->settings[i];
		out->settings[out->nr_settings++] =
		    (struct restorer_setting){ e->option, e->arg2, e->has_arg3 ? e->arg3 : 0 };
	}
}
