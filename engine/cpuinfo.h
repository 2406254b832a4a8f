/* SPDX-License-Identifier: MIT
 * cpuinfo.img: the processor a set was written on, and whether this one will do.
 */
#pragma once

#include "base/error.h"
#include "engine/context/options.h"
#include "images/source.h"

enum {                    /* bits of options.cpu_cap, as in requests */
       CPU_CAP_FPU = 1,   /* what XSAVE saves, and its size */
       CPU_CAP_CPU = 2,   /* every capability: the same processor */
       CPU_CAP_INS = 4,   /* instructions programs may use */
       CPU_CAP_IMAGE = 8, /* a dump writes the image, a restore checks it */
       CPU_CAP_ALL = CPU_CAP_FPU | CPU_CAP_CPU | CPU_CAP_INS,
       CPU_CAP_DEFAULT = CPU_CAP_FPU | CPU_CAP_INS,
};

/** Parse the value of --cpu-cap, "fpu,^ins"; NULL: all. @return -EINVAL naming what is none */
int cpu_cap_parse(const char *text, uint32_t *caps, struct error *err);
int cpuinfo_dump(int images_fd, struct error *err);
/** The commands: write it to opts->images_dir, or compare what is there. */
int cpuinfo_write_set(const struct options *opts, struct error *err);
int cpuinfo_check_set(const struct options *opts, struct error *err);
/** @param caps  what is compared @return 0; -ENOTSUP naming what is missing here */
int cpuinfo_check(struct source *images, uint32_t caps, struct error *err);
