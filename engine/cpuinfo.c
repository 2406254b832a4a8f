/* SPDX-License-Identifier: MIT
 * The processor of a set, both directions.
 */
#include "engine/cpuinfo.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/dirs.h"
#include "images/cpu.h"
#include "images/reader.h"
#include "images/writer.h"

static const struct {
	const char *word;
	uint32_t bits;
} words[] = {
	{ "fpu", CPU_CAP_FPU },
	{ "cpu", CPU_CAP_CPU },
	{ "ins", CPU_CAP_INS },
	{ "all", CPU_CAP_ALL },
};

int cpu_cap_parse(const char *text, uint32_t *caps, struct error *err)
{
	if (!text)
		*caps |= CPU_CAP_ALL;
	while (text && *text) {
		bool off = *text == '^';
		text += off;
		size_t len = strcspn(text, ",");
		uint32_t bits = 0;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].word) == len && !strncmp(text, words[i].word, len))
				bits = words[i].bits;
		if (len == 4 && !strncmp(text, "none", 4))
			*caps = off ? CPU_CAP_ALL : 0;
		else if (!bits)
			return error_set(err, EINVAL,
					 "--cpu-cap: %.*s is none of fpu, cpu, ins, all, none",
					 (int)len, text);
		else
			*caps = off ? *caps & ~bits : *caps | bits;
		text += len + (text[len] == ',');
	}
	*caps = *caps & CPU_CAP_ALL ? *caps | CPU_CAP_IMAGE : 0;
	return 0;
}

int cpuinfo_dump(int images_fd, struct error *err)
{
	struct cpu_x86 cpu;
	CpuinfoEntry e = CPUINFO_ENTRY__INIT;
	CpuinfoX86Entry x86 = CPUINFO_X86_ENTRY__INIT, *list = &x86;
	if (!cpu_x86_here(&cpu))
		return error_set(err, ENOTSUP,
				 "cpuinfo.img: the format has no words for this processor");
	e.n_x86_entry = 1;
	e.x86_entry = &list;
	x86.vendor_id = cpu.vendor;
	x86.cpu_family = cpu.family;
	x86.model = cpu.model;
	x86.stepping = cpu.stepping;
	x86.capability_ver = 2;
	x86.n_capability = CPU_X86_WORDS;
	x86.capability = cpu.words;
	x86.model_id = *cpu.model_id ? cpu.model_id : NULL;
	x86.has_xfeatures_mask = x86.has_xsave_size = x86.has_xsave_size_max = true;
	x86.xfeatures_mask = cpu.xfeatures;
	x86.xsave_size = cpu.xsave_size;
	x86.xsave_size_max = cpu.xsave_size_max;
	return image_write_one(images_fd, IMG_CPUINFO, 0, &e.base, err);
}

static int check_fpu(const CpuinfoX86Entry *x86, const struct cpu_x86 *here, struct error *err)
{
	uint64_t missing = x86->has_xfeatures_mask ? x86->xfeatures_mask & ~here->xfeatures : 0;
	if (missing)
		return error_set(err, ENOTSUP,
				 "cpuinfo.img: extended registers %#" PRIx64
				 " (bits of xfeatures_mask) are not here",
				 missing);
	bool same = (!x86->has_xsave_size || x86->xsave_size == here->xsave_size) &&
		    (!x86->has_xsave_size_max || x86->xsave_size_max == here->xsave_size_max);
	if (same)
		return 0;
	return error_set(err, ENOTSUP,
			 "cpuinfo.img: XSAVE took %u bytes (at most %u), here it takes %u (%u): "
			 "programs that have asked for it would write past their buffers",
			 x86->xsave_size, x86->xsave_size_max, here->xsave_size,
			 here->xsave_size_max);
}

static int check_instructions(const CpuinfoX86Entry *x86, const struct cpu_x86 *here,
			      struct error *err)
{
	auto_strbuf missing = { 0 };
	if (cpu_x86_missing(x86, here, &missing) < 0)
		return error_set(err, ENOMEM, "out of memory");
	if (!missing.len)
		return 0;
	return error_set(err, ENOTSUP, "cpuinfo.img: %s had instructions that %s has not:%s",
			 x86->model_id ? x86->model_id : "the processor", here->model_id,
			 missing.data);
}

static int check_all(const CpuinfoX86Entry *x86, const struct cpu_x86 *here, struct error *err)
{
	for (size_t i = 0; i < x86->n_capability; i++)
		if (x86->capability[i] != here->words[i])
			return error_set(err, ENOTSUP,
					 "cpuinfo.img: %s is not the same as %s: word %zu of "
					 "capabilities was %#x, here it is %#x",
					 x86->model_id ? x86->model_id : "the processor",
					 here->model_id, i, x86->capability[i], here->words[i]);
	return 0;
}

static int check_entry(const CpuinfoX86Entry *x86, struct error *err)
{
	size_t want = x86->capability_ver == 1   ? CPU_X86_WORDS_V1
		      : x86->capability_ver == 2 ? CPU_X86_WORDS
						 : 0;
	if (!want)
		return error_set(err, EBADMSG, "cpuinfo.img: capability_ver %u is not known",
				 x86->capability_ver);
	if (x86->n_capability != want)
		return error_set(err, EBADMSG, "cpuinfo.img: %zu words of capabilities, want %zu",
				 x86->n_capability, want);
	return 0;
}

int cpuinfo_check(struct source *images, uint32_t caps, struct error *err)
{
	struct cpu_x86 here;
	auto_message ProtobufCMessage *msg = NULL;
	int rc = image_read_one(images, IMG_CPUINFO, 0, &msg, err);
	if (rc < 0)
		return rc;
	const CpuinfoEntry *e = (const CpuinfoEntry *)msg;
	if (e->n_x86_entry != 1 || !cpu_x86_here(&here))
		return error_set(err, ENOTSUP, "cpuinfo.img: of another kind of processor");
	const CpuinfoX86Entry *x86 = e->x86_entry[0];
	rc = check_entry(x86, err);
	if (rc == 0 && caps & CPU_CAP_FPU)
		rc = check_fpu(x86, &here, err);
	if (rc == 0 && caps & CPU_CAP_INS)
		rc = check_instructions(x86, &here, err);
	return rc < 0 || !(caps & CPU_CAP_CPU) ? rc : check_all(x86, &here, err);
}

int cpuinfo_write_set(const struct options *opts, struct error *err)
{
	auto_fd images_fd = -1;
	auto_fd work_fd = -1;
	int rc = dirs_open(opts, &images_fd, &work_fd, err);
	return rc < 0 ? rc : cpuinfo_dump(images_fd, err);
}

int cpuinfo_check_set(const struct options *opts, struct error *err)
{
	auto_fd images_fd = -1;
	auto_fd work_fd = -1;
	struct source *images;
	int rc = dirs_open(opts, &images_fd, &work_fd, err);
	if (rc == 0)
		rc = source_open_dirfd(images_fd, opts->images_dir ? opts->images_dir : ".",
				       &images, err);
	if (rc < 0)
		return rc;
	rc = cpuinfo_check(images, opts->cpu_cap_given ? opts->cpu_cap : CPU_CAP_DEFAULT, err);
	source_close(images);
	return rc;
}
