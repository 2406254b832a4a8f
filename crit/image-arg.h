/* SPDX-License-Identifier: MIT
 * IMAGE on the command line: a path, ARCHIVE:MEMBER, or - for standard input.
 */
#pragma once

#include "images/reader.h"
#include "images/source.h"

struct image_arg {
	const char *text;   /* borrowed; NULL or "-": standard input */
	struct source *src; /* of the member; opened by the first image_arg_open() */
};

/**
 * Open the image; again from its start when called again (-ESPIPE for standard input).
 */
int image_arg_open(struct image_arg *arg, struct image_reader **out, struct error *err);
/**
 * The set an image is in, and its name there.
 * @param name  points into arg->text
 * @return 0; -EINVAL for standard input
 */
int image_arg_set(struct image_arg *arg, const char **name, struct error *err);
/** Is that the file, or the archive, the image is read from? @param text  as image_arg.text */
bool image_arg_is_in(const char *text, const char *path);
void image_arg_fini(struct image_arg *arg);
#define auto_image_arg __attribute__((cleanup(image_arg_fini))) struct image_arg
