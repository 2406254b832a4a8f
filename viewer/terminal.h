/* SPDX-License-Identifier: MIT
 * The terminal: keys come from it, canvases are painted on it. Its library is loaded when it is
 * opened.
 */
#pragma once

#include "viewer/canvas.h"
#include "viewer/key.h"

struct terminal;

/**
 * Take over standard input and output.
 * @return 0; -ENOTTY: they are no terminal; -ENOTSUP: no library, or it does not know the terminal
 */
int terminal_open(struct terminal **out, struct error *err);
/** Put everything back as it was. NULL is fine. */
void terminal_close(struct terminal *t);

/** What the terminal looks best in: light, dark, or without colours (NO_COLOR, or it has none). */
enum theme terminal_theme(const struct terminal *t);
void terminal_size(const struct terminal *t, int *width, int *height);
/** @param anew  everything, not only what changed */
void terminal_paint(struct terminal *t, const struct canvas *c, enum theme theme, bool anew);

enum terminal_event { TERMINAL_NOTHING, TERMINAL_KEY, TERMINAL_RESIZED, TERMINAL_END };
/** @param ms  wait so long, -1: for ever; @return TERMINAL_END: a signal asks to end, or no input
 */
enum terminal_event terminal_wait(struct terminal *t, int ms, struct key_event *event);
/** The signal that asked to end, 0: none. */
int terminal_signal(const struct terminal *t);
/** Stop as ^Z does; returns when continued. */
void terminal_suspend(struct terminal *t);
/** Hand a text to the clipboard (OSC 52): terminals that do not know it ignore it. */
void terminal_copy(struct terminal *t, const char *text);
