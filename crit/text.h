/* SPDX-License-Identifier: MIT
 * Names from images on a terminal.
 */
#pragma once

/** Print to standard output; control characters as \xNN, so that no name can steer a terminal. */
void text_print(const char *text);
