# SPDX-License-Identifier: MIT
# The only build file. `make help` lists the targets; O=DIR builds elsewhere, SAN=address,undefined
# adds sanitizers, V=1 shows commands.
O ?= build
PREFIX ?= /usr/local
CC ?= gcc
CFLAGS ?= -O2 -g
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)';)
ARCH := $(subst x86_64,x86-64,$(shell uname -m))

LIBS_BASE := libprotobuf-c
LIBS_CRIT := libprotobuf-c jansson libarchive libzstd
san := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
warn := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
	-Wwrite-strings -Wno-format-truncation -Wno-missing-field-initializers
cflags := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(O) -MMD -MP -fno-common \
	  $(warn) $(CFLAGS) $(san) $(shell pkg-config --cflags $(LIBS_CRIT))
ldflags := $(LDFLAGS) $(san) -Wl,--as-needed

schema := $(wildcard images/schema/*.proto)
schema_c := $(schema:images/schema/%.proto=$(O)/schema/%.pb-c.c)
objs = $(patsubst %.c,$(O)/obj/%.o,$(1))
base_o := $(call objs,$(wildcard base/*.c))
images_o := $(call objs,$(wildcard images/*.c)) $(schema_c:.c=.o)
convert_o := $(call objs,$(wildcard convert/*.c convert/*/*.c))
crit_o := $(call objs,$(wildcard crit/*.c))
engine_c := $(wildcard engine/*.c engine/procfs/*.c engine/kernel/*.c engine/trace/*.c \
	    engine/task/*.c engine/task/arch/$(ARCH)/*.c engine/mem/*.c engine/files/*.c)
engine_o := $(call objs,$(engine_c)) $(O)/pie/blobs.o
lib_of = $(filter-out $(O)/obj/crit/main.o $(O)/obj/engine/main.o,$(1))

.SECONDARY:
.PHONY: all check check-live lint format fuzz bench demo install uninstall deps clean
all: $(O)/stasis $(O)/crit

$(O)/stasis: $(engine_o) $(images_o) $(base_o)
	$(call say,LINK,$@) $(CC) $(ldflags) -o $@ $^ $(shell pkg-config --libs libprotobuf-c)
$(O)/crit: $(crit_o) $(convert_o) $(images_o) $(base_o)
	$(call say,LINK,$@) $(CC) $(ldflags) -o $@ $^ $(shell pkg-config --libs $(LIBS_CRIT)) -lm -ldl

# The format: generated once per schema change, before anything that includes it.
$(O)/schema/%.pb-c.c $(O)/schema/%.pb-c.h: images/schema/%.proto
	$(call say,PROTO,$<) mkdir -p $(@D) && protoc-c -I images/schema --c_out=$(O)/schema $<
$(O)/schema/%.pb-c.o: $(O)/schema/%.pb-c.c | $(schema_c)
	$(call say,CC,$@) $(CC) $(cflags) -I$(O)/schema -w -c -o $@ $<
$(O)/obj/%.o: %.c | $(schema_c)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(cflags) -I$(O)/schema -c -o $@ $<

# Parasite and restorer: flat, position-independent, no libc, no relocations left.
pie_cflags := -std=gnu11 -D_GNU_SOURCE -I. -O2 -MMD -MP $(warn) -ffreestanding -fpie -fno-stack-protector \
	      -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -fno-common \
	      -fvisibility=hidden -mgeneral-regs-only -fno-builtin -fno-tree-loop-distribute-patterns
pie_common := $(patsubst engine/pie/%.c,$(O)/pie/%.pie.o,$(wildcard engine/pie/common/*.c))
$(O)/pie/%.pie.o: engine/pie/%.c
	$(call say,PIE,$@) mkdir -p $(@D) && $(CC) $(pie_cflags) -c -o $@ $<
$(O)/pie/%.elf: $(O)/pie/%.pie.o $(pie_common) engine/pie/pie.lds
	$(call say,PIELD,$@) $(CC) -nostdlib -static-pie -Wl,-T,engine/pie/pie.lds -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@ $(filter %.o,$^) \
		&& ! readelf -rW $@ | grep -q R_X86
$(O)/pie/%.bin: $(O)/pie/%.elf
	$(call say,OBJCOPY,$@) objcopy -O binary $< $@
$(O)/pie/blobs.o: engine/pie/blobs.S $(O)/pie/parasite.bin $(O)/pie/restorer.bin
	$(call say,AS,$@) $(CC) -I$(O)/pie -c -o $@ $<

clean:
	$(Q)rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
