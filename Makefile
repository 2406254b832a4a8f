# SPDX-License-Identifier: MIT
# The only build file. `make help` lists the targets, and what O=, SAN= and V= do.
O ?= build
# one spelling, as dependency files name targets by it
override O := $(patsubst $(CURDIR)/%,%,$(abspath $(O)))
PREFIX ?= /usr/local
CC ?= gcc
PIE_CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
FUZZ_SECONDS ?= 60
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)';)
ARCH := $(subst x86_64,x86-64,$(shell uname -m))

# What a fresh Debian lacks is installed first; make then reads this file again.
goals := $(or $(MAKECMDGOALS),all)
deps_sets := $(if $(filter demo bench,$(goals)),build) $(if $(filter check check-%,$(goals)),check) \
	     $(if $(filter lint format fuzz deps,$(goals)),lint) $(if $(filter deb,$(goals)),deb)
include $(deps_sets:%=$(O)/deps-%.ok)
$(O)/deps-%.ok: tools/deps
	$(Q)mkdir -p $(@D) && tools/deps $* && touch $@
ifneq ($(filter-out clean deps help check% lint format fuzz bench demo deb,$(goals)),)
ifneq ($(shell pkg-config --exists libprotobuf-c libarchive libzstd libmnl sqlite3 || echo missing),)
$(error libraries are missing: run `sudo make deps` first)
endif
endif

LIBS_CRIT := libprotobuf-c libarchive libzstd sqlite3
LIBS_STASIS := libprotobuf-c libmnl
# Linked in where the archives are installed: to load libarchive, with what it takes for formats that are
# not used here (libxml2, ICU), costs more time than most commands run. What is not called stays out.
linked_in := protobuf-c archive z acl zstd
ifeq ($(filter-out /%,$(foreach l,$(linked_in),$(shell $(CC) -print-file-name=lib$(l).a))),)
libs_images := -Wl,--gc-sections -Wl,-Bstatic $(linked_in:%=-l%) -Wl,-Bdynamic
else
libs_images := $(shell pkg-config --libs $(LIBS_CRIT))
endif
# Elfutils, too, for backtraces; its five libraries are half of what one takes of a small process.
ifeq ($(filter-out /%,$(foreach l,dw elf z,$(shell $(CC) -print-file-name=lib$(l).a))),)
libs_dw := -Wl,-Bstatic -ldw -lelf -lz -Wl,-Bdynamic
LIBS_CRIT += libdw
dw_linked_in := -DLIBDW_LINKED_IN
endif
# And SQLite, which takes as long to load as to write a small database.
libs_sqlite := $(if $(filter /%,$(shell $(CC) -print-file-name=libsqlite3.a)),-l:libsqlite3.a,-lsqlite3)
san := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
warn := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
	-Wwrite-strings -Wno-unknown-warning-option -Wno-format-truncation \
	-Wno-missing-field-initializers
cflags := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -I$(O) -MMD -MP -fno-common \
	  $(warn) $(CFLAGS) $(san) $(shell pkg-config --cflags $(LIBS_CRIT) 2>/dev/null)
ldflags := $(LDFLAGS) $(san) -Wl,--as-needed
# A program has thousands of pointers to bring into place; a bit for each takes less reading than 24 bytes.
ifneq ($(shell grep -l GLIBC_ABI_DT_RELR "$$($(CC) -print-file-name=libc.so.6)" 2>/dev/null),)
ldflags += -Wl,-z,pack-relative-relocs
endif

schema := $(wildcard images/schema/*.proto)
schema_c := $(schema:images/schema/%.proto=$(O)/schema/%.pb-c.c)
objs = $(patsubst %.c,$(O)/obj/%.o,$(1))
base_o := $(call objs,$(wildcard base/*.c))
images_o := $(call objs,$(wildcard images/*.c)) $(schema_c:.c=.o)
convert_o := $(call objs,$(wildcard convert/*.c convert/*/*.c))
crit_o := $(call objs,$(wildcard crit/*.c))
viewer_o := $(call objs,$(wildcard viewer/*.c))
engine_c := $(filter-out engine/pie/%,$(wildcard engine/*.c engine/*/*.c engine/arch/$(ARCH)/*.c))
engine_S := $(wildcard engine/arch/$(ARCH)/*.S)
engine_o := $(call objs,$(engine_c)) $(engine_S:%.S=$(O)/obj/%-asm.o) $(O)/pie/blobs.o

test_bins := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
replay_bins := $(patsubst tests/fuzz/%.c,$(O)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_bins := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
live_bins := $(patsubst tests/live/%.c,$(O)/live/%,$(wildcard tests/live/*.c))
bench_bins := $(patsubst tests/bench/%.c,$(O)/bench/%,$(wildcard tests/bench/*.c))
live_static := $(shell grep -ls '^ \* live-link: static' tests/live/*.c tests/bench/*.c)
env = O=$(abspath $(O)) PEER=$(PEER) CORPUS=$(CORPUS) CONTAINERS=$(CONTAINERS)

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all check check-live check-fault check-vm lint format fuzz bench demo deb install install-criu-compat uninstall deps clean help
all: $(O)/stasis $(O)/crit

# Bound at the start: tasks of a restore would each do it again.
$(O)/stasis: $(engine_o) $(O)/lib/images.a $(O)/lib/base.a
	$(call say,LINK,$@) $(CC) $(ldflags) -Wl,-z,now -o $@ $^ $(libs_images) $(shell pkg-config --libs libmnl)
$(O)/crit: $(crit_o) $(viewer_o) $(convert_o) $(images_o) $(base_o)
	$(call say,LINK,$@) $(CC) $(ldflags) -o $@ $^ $(libs_dw) $(libs_sqlite) $(libs_images) -lm -ldl
$(O)/obj/convert/stack/%.o: cflags += $(dw_linked_in)

# The format: generated once per schema change, before anything that includes it.
$(O)/schema/%.pb-c.c $(O)/schema/%.pb-c.h: images/schema/%.proto
	$(call say,PROTO,$<) mkdir -p $(@D) && protoc-c -I images/schema --c_out=$(O)/schema $<
$(O)/schema/%.pb-c.o: $(O)/schema/%.pb-c.c | $(schema_c)
	$(call say,CC,$@) $(CC) $(cflags) -I$(O)/schema -w -c -o $@ $<
$(O)/obj/%.o: %.c | $(schema_c)
	$(call say,CC,$@) mkdir -p $(@D) && $(CC) $(cflags) -I$(O)/schema -c -o $@ $<

# Taken in by the assembler, which tells make nothing of it.
$(O)/obj/convert/report/assets.o: $(wildcard convert/report/page.*)
$(O)/obj/convert/export/sqlite.o $(O)/fuzz/obj/convert/export/sqlite.o: $(O)/export-template.db
$(O)/export-template: $(call objs,tools/export-template.c convert/export/tables.c) $(O)/lib/base.a
	$(call say,TOOL,$@) $(CC) $(ldflags) -o $@ $^ $(libs_sqlite) -lm -ldl
$(O)/export-template.db: $(O)/export-template
	$(call say,DB,$@) rm -f $@ && $< $@

$(O)/obj/%-asm.o: %.S
	$(call say,AS,$@) mkdir -p $(@D) && $(CC) -I. -MMD -MP -c -o $@ $<

# Parasite and restorer: flat, position-independent, no libc, no relocations left.
pie_cflags := -std=gnu11 -D_GNU_SOURCE -I. -O2 -MMD -MP $(warn) -ffreestanding -fpie -fno-stack-protector \
	      -fno-asynchronous-unwind-tables -fcf-protection=none -mno-red-zone -fno-common \
	      -fvisibility=hidden -mgeneral-regs-only -fno-builtin -fno-tree-loop-distribute-patterns
pie_common := $(patsubst engine/pie/%.c,$(O)/pie/%.pie.o,$(wildcard engine/pie/common/*.c))
$(O)/pie/%.pie.o: engine/pie/%.c
	$(call say,PIE,$@) mkdir -p $(@D) && $(PIE_CC) $(pie_cflags) -c -o $@ $<
pie_parts = $(patsubst engine/pie/%.c,$(O)/pie/%.pie.o,$(wildcard engine/pie/$(1)/*.c))
.SECONDEXPANSION:
$(O)/pie/%.elf: $(O)/pie/%.pie.o $(pie_common) $$(call pie_parts,$$*) engine/pie/pie.lds
	$(call say,PIELD,$@) $(PIE_CC) -nostdlib -static-pie -Wl,-T,engine/pie/pie.lds -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -o $@ $(filter %.o,$^) \
		&& readelf -rW $@ >$@.relocations && ! grep 'R_[A-Z0-9]*_' $@.relocations
$(O)/pie/%.bin: $(O)/pie/%.elf
	$(call say,OBJCOPY,$@) objcopy -O binary $< $@
$(O)/pie/blobs.o: engine/pie/blobs.S $(O)/pie/parasite.bin $(O)/pie/restorer.bin
	$(call say,AS,$@) $(CC) -I$(O)/pie -c -o $@ $<

# Tests: each links the rooms as archives and so pulls in what it needs.
$(O)/lib/%.a:
	$(call say,AR,$@) mkdir -p $(@D) && rm -f $@ && ar rcs $@ $^
$(O)/lib/base.a: $(base_o)
$(O)/lib/images.a: $(images_o)
$(O)/lib/convert.a: $(convert_o)
$(O)/lib/crit.a: $(filter-out %/main.o,$(crit_o)) $(viewer_o)
$(O)/lib/engine.a: $(filter-out %/main.o,$(engine_o))
test_libs := $(O)/lib/crit.a $(O)/lib/convert.a $(O)/lib/engine.a $(O)/lib/images.a $(O)/lib/base.a
link_test = $(ldflags) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
	    $(shell pkg-config --libs $(LIBS_CRIT) $(LIBS_STASIS)) -lm -ldl -pthread
$(O)/tests/test_%: $(O)/obj/tests/unit/test_%.o $(test_libs)
	$(call say,TEST,$@) mkdir -p $(@D) && $(CC) $(link_test) -lcmocka
$(O)/tests/fuzz_%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/replay.o $(test_libs)
	$(call say,REPLAY,$@) mkdir -p $(@D) && $(CC) $(link_test)
$(O)/reaper $(O)/old-kernel $(O)/refused: $(O)/%: tests/%.c
	$(call say,TOOL,$@) mkdir -p $(@D) && $(CC) $(live_cflags) -o $@ $<
$(O)/counter: tests/counter.c
	$(call say,TOOL,$@) mkdir -p $(@D) && $(CC) $(live_cflags) -static -o $@ $<
$(O)/rpc-client: $(O)/obj/tests/rpc-client.o $(test_libs)
	$(call say,TOOL,$@) $(CC) $(link_test)
$(O)/live/%: tests/live/%.c
	$(call say,LIVE,$@) mkdir -p $(@D) && $(CC) $(live_cflags) -o $@ $< $(live_libs)
$(O)/bench/%: tests/bench/%.c
	$(call say,BENCH,$@) mkdir -p $(@D) && $(CC) $(live_cflags) -o $@ $< $(live_libs)
live_cflags = -std=gnu11 -D_GNU_SOURCE -I. -MMD -MP $(warn) -O2 -g -pthread $(if $(filter $<,$(live_static)),-static)
live_libs = -lrt

# Fuzzers are clang's, with objects of their own.
fuzz_san := -fno-sanitize-recover=undefined -fsanitize=address,undefined
fuzz_o := $(patsubst $(O)/%,$(O)/fuzz/%,$(base_o) $(images_o) $(convert_o) $(viewer_o) \
	  $(call objs,$(filter-out engine/main.c,$(engine_c))))
fuzz_o := $(filter-out %/base/program.o,$(fuzz_o))
$(O)/fuzz/schema/%.o: $(O)/schema/%.c | $(schema_c)
	$(call say,CLANG,$@) mkdir -p $(@D) && $(CLANG) $(cflags) $(fuzz_san),fuzzer-no-link -w -c -o $@ $<
$(O)/fuzz/obj/%.o: %.c | $(schema_c)
	$(call say,CLANG,$@) mkdir -p $(@D) && $(CLANG) $(cflags) -I$(O)/schema $(fuzz_san),fuzzer-no-link -c -o $@ $<
$(O)/fuzz/all.a: $(fuzz_o)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^
$(O)/fuzz/fuzz_%: $(O)/fuzz/obj/tests/fuzz/fuzz_%.o $(O)/fuzz/all.a $(engine_S:%.S=$(O)/obj/%-asm.o) $(O)/pie/blobs.o
	$(call say,FUZZER,$@) $(CLANG) $(fuzz_san),fuzzer -o $@ $^ $(shell pkg-config --libs $(LIBS_CRIT) $(LIBS_STASIS)) -lm -ldl
# The browser's tour of every key goes with the fuzzers, as it is built like them.
fuzz: $(O)/fuzz/crit
$(O)/fuzz/crit: $(patsubst $(O)/%,$(O)/fuzz/%,$(crit_o) $(viewer_o) $(convert_o) $(images_o) $(base_o))
	$(call say,CLANG,$@) $(CLANG) $(fuzz_san) -o $@ $^ $(shell pkg-config --libs $(LIBS_CRIT)) -lm -ldl

check: all $(test_bins) $(replay_bins) $(live_bins) $(O)/reaper $(O)/old-kernel $(O)/refused $(O)/counter $(O)/rpc-client
	$(Q)$(env) tests/run
check-live: all $(live_bins) $(O)/reaper $(O)/old-kernel $(O)/refused $(O)/counter
	$(Q)$(env) tests/run live
check-fault: all ; $(Q)$(env) tests/run fault
check-vm: all $(live_bins) $(O)/reaper
	$(Q)$(env) VM_KERNEL="$(VM_KERNEL)" $(if $(VM_TESTS),tests/vm/run $(VM_TESTS) || [ $$? = 77 ],tests/run vm)
fuzz: $(fuzz_bins)
	$(Q)$(env) tests/fuzz/run $(FUZZ_SECONDS)
bench: all $(bench_bins) $(O)/reaper $(O)/counter
	$(Q)$(env) PEER_CRIT="$(PEER_CRIT)" PEER_COREDUMP="$(PEER_COREDUMP)" \
		PEER_CHECKPOINTCTL="$(PEER_CHECKPOINTCTL)" tests/bench/run
demo: all
	$(Q)$(env) CC="$(CC)" demo/run
lint: ; $(Q)$(env) MAKE="$(MAKE)" CLANG="$(CLANG)" tools/lint
format: ; $(Q)git ls-files '*.c' '*.h' | xargs clang-format -i
deps: ;

bin := $(DESTDIR)$(PREFIX)/bin
man := $(DESTDIR)$(PREFIX)/share/man
share := $(DESTDIR)$(PREFIX)/share
man_pages := $(patsubst docs/%.scd,$(O)/man/%,$(wildcard docs/*.[1-8].scd))
completions := $(foreach p,stasis crit,$(O)/completion/$(p).bash $(O)/completion/$(p).fish $(O)/completion/_$(p))
all: $(if $(shell command -v scdoc),$(man_pages))
# the keys of the browser come from its own table
$(O)/man/%: docs/%.scd $(O)/crit
	$(call say,MAN,$@) mkdir -p $(@D) && awk -v keys='$(O)/crit view --print keys' '$$0 == "@keys@" { \
		while ((keys | getline line) > 0) print line; next } 1' $< | scdoc > $@
$(O)/completion/%.bash $(O)/completion/%.fish $(O)/completion/_%: tools/completion $(O)/%
	$(call say,COMPL,$*) mkdir -p $(O)/completion && tools/completion $(O)/$* $(O)/completion
install: all $(completions)
	$(Q)install -d $(bin) $(share)/bash-completion/completions $(share)/zsh/site-functions \
		$(share)/fish/vendor_completions.d $(man)/man1
	$(Q)install -m755 $(O)/stasis $(O)/crit $(bin)
	$(Q)install -m644 $(wildcard $(man_pages)) $(man)/man1
	$(Q)for p in stasis crit; do \
		install -m644 $(O)/completion/$$p.bash $(share)/bash-completion/completions/$$p && \
		install -m644 $(O)/completion/$$p.fish $(share)/fish/vendor_completions.d && \
		install -m644 $(O)/completion/_$$p $(share)/zsh/site-functions || exit 1; done
# Container runtimes and libcriu look for a program of this name.
install-criu-compat:
	$(Q)install -d $(bin) && ln -sfn stasis $(bin)/criu
# Compiled anew, with Debian's flags.
deb:
	$(Q)tools/deb $(O)/deb
uninstall:
	$(Q)[ "$$(readlink $(bin)/criu)" != stasis ] || rm -f $(bin)/criu
	$(Q)rm -f $(bin)/stasis $(bin)/crit $(patsubst $(O)/man/%,$(man)/man1/%,$(man_pages))
	$(Q)cd $(share) && rm -f $(foreach p,stasis crit,bash-completion/completions/$(p) \
		fish/vendor_completions.d/$(p).fish zsh/site-functions/_$(p))

help:
	@sed -n 's/^#: //p' Makefile
#: all         build/stasis and build/crit (the default)
#: check       every test; live tests need root, PEER=/path/to/criu adds comparison with it,
#:             CORPUS=DIR sets of images, CONTAINERS=DIR exports of podman
#: check-live  only the live tests
#: check-fault every system call fails once, kill -9 and full disks at every moment: an hour
#: check-vm    live tests in virtual machines: security labels, and Debian's Linux 6.1 and 6.12, which it
#:             downloads; or VM_TESTS alone, on the kernel VM_KERNEL
#: lint        format, warnings, sizes, floors, shell scripts, spelling
#: format      run clang-format over the tree
#: fuzz        each fuzz target for FUZZ_SECONDS (60) under clang's sanitizers
#: bench       time dump, restore and crit; PEER=/path/to/criu PEER_CRIT="python3 -m crit"
#:             PEER_COREDUMP=/path/to/coredump PEER_CHECKPOINTCTL=checkpointctl compare
#: demo        dump and restore a counting process and look into its images (root)
#: install     to DESTDIR PREFIX (/usr/local); uninstall takes it away again
#: install-criu-compat  the name `criu`, for runtimes and libcriu
#: deb         Debian packages in build/deb: stasis, crit, stasis-criu-compat
#: deps        install the Debian packages that are missing (root)
#: clean       remove build/
#: O=DIR builds elsewhere, SAN=address,undefined adds sanitizers, V=1 shows the commands

clean: ; $(Q)rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
