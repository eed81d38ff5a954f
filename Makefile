# connectd: one non-recursive build. `make help` lists the targets; HACKING.md explains where things go.
#   BUILD=debug|release|asan|tsan   picks flags and the folder build/$(BUILD)
#   T=name                          narrows unit, fuzz and integration runs

BUILD ?= release
OUT ?= build/$(BUILD)
CC ?= gcc
CLANG ?= clang
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/^\#define CONNECTD_VERSION "\(.*\)"/\1/p' runtime/base/version.h 2>/dev/null)

FLAGS_debug := -O0 -g3
FLAGS_release := -O2 -g -DNDEBUG -fno-plt
FLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan := -O1 -g -fsanitize=thread
LINK_asan := -fsanitize=address,undefined
LINK_tsan := -fsanitize=thread
# A plugin may leave no symbol open; under a sanitizer its runtime's symbols come from the worker.
ifeq ($(filter asan tsan,$(BUILD)),)
NO_UNDEFINED := -Wl,-z,defs
endif

WARN := -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
CPPFLAGS += -D_GNU_SOURCE -I. -Iruntime -Iplugins/api
CFLAGS += -std=gnu11 $(WARN) $(FLAGS_$(BUILD)) -fPIC -fvisibility=hidden -fstack-protector-strong -MMD -MP
LDFLAGS += $(LINK_$(BUILD)) -Wl,-z,relro,-z,now

pkg = $(shell pkg-config --$(1) $(2) 2>/dev/null)
H2O_CFLAGS := $(call pkg,cflags,libh2o libuv openssl)
H2O_LIBS := $(call pkg,libs,libh2o libuv openssl)
WORKER_LIBS := $(H2O_LIBS) $(call pkg,libs,rdkafka jansson libcurl libpcre2-8) -lm -lpthread -ldl

# ---- rooms: one archive per folder ----------------------------------------------------------------------------------
ROOMS := base data config client plugin task store group herder validation main rest converters transforms providers
DIR_rest := rest
DIR_converters := plugins/converters
DIR_transforms := plugins/transforms
DIR_providers := plugins/providers
room_dir = $(or $(DIR_$(1)),runtime/$(1))
room_src = $(wildcard $(call room_dir,$(1))/*.c)
room_obj = $(patsubst %.c,$(OUT)/obj/%.o,$(call room_src,$(1)))
room_lib = $(OUT)/lib/$(1).a

# What a room may use. The unit tests of a room link just this, so an arrow in the wrong direction does not build.
USES_base :=
USES_data := base
USES_config := data base
USES_client := config data base
USES_plugin := client config data base
USES_converters := client data base
USES_transforms := client data base
USES_providers := client data base
USES_task := plugin converters transforms providers client config data base
USES_store := client config data base
USES_group := client base
USES_herder := group store task $(USES_task)
USES_main := rest validation herder $(USES_herder)
USES_validation := herder $(USES_herder)
USES_rest := validation herder $(USES_herder)

ALL_LIBS := $(foreach r,$(ROOMS),$(call room_lib,$(r)))
PLUGIN_NAMES := $(notdir $(patsubst %/,%,$(dir $(wildcard connectors/*/*.c))))
PLUGIN_NAMES := $(sort $(PLUGIN_NAMES))
PLUGINS := $(PLUGIN_NAMES:%=$(OUT)/plugins/%.so)
LIBS_sqlserver := -lsybdb $(call pkg,libs,libpcre2-8 libcrypto) -lm
LIBS_postgres := $(call pkg,libs,libpq) -lm
LIBS_file :=
CFLAGS_postgres := $(call pkg,cflags,libpq)

.PHONY: all plugins demo test unit integration conformance corpus corpus-check lint format check bench fuzz fuzz-seeds \
        install clean help deps test-sim compile_commands.json scripts-test sim-test soak-sim worker tools bench-programs
all: worker plugins tools ## the worker, its plugins and the tools
worker: $(OUT)/connectd
plugins: $(PLUGINS)
tools: $(OUT)/sqlserver-sim

help: ## this list
	@sed -n 's/^\([a-z][a-z -]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(H2O_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) -c $< -o $@

define room_rule
$(call room_lib,$(1)): $(call room_obj,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $(call room_obj,$(1))
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(OUT)/connectd: $(ALL_LIBS)
	$(CC) $(LDFLAGS) -rdynamic -o $@ -Wl,--whole-archive $(call room_lib,main) -Wl,--no-whole-archive \
		-Wl,--start-group $(ALL_LIBS) -Wl,--end-group $(WORKER_LIBS)

define plugin_rule
$(OUT)/plugins/$(1).so: $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard connectors/$(1)/*.c))
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -shared $(NO_UNDEFINED) -o $$@ $$^ $(LIBS_$(1)) -lpthread
$(patsubst %.c,$(OUT)/obj/%.o,$(wildcard connectors/$(1)/*.c)): EXTRA_CFLAGS := $(CFLAGS_$(1))
endef
$(foreach p,$(PLUGIN_NAMES),$(eval $(call plugin_rule,$(p))))

# ---- the SQL Server stand-in: a house of its own --------------------------------------------------------------------
SIM_SRC := $(wildcard tools/sqlserver-sim/*.c tools/sqlserver-sim/*/*.c)
SIM_OBJ := $(SIM_SRC:%.c=$(OUT)/obj/%.o)
$(SIM_OBJ): EXTRA_CFLAGS := -Itools/sqlserver-sim
$(OUT)/sqlserver-sim: $(SIM_OBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(call pkg,libs,sqlite3 openssl) -lm -lpthread

# ---- unit tests: test/unit/<room>/test_<file>.c ---------------------------------------------------------------------
UNIT_SRC := $(wildcard test/unit/*/test_*.c test/unit/*/*/test_*.c)
UNIT_BIN := $(UNIT_SRC:test/unit/%.c=$(OUT)/test/%)
unit_room = $(firstword $(subst /, ,$(1:test/unit/%=%)))
unit_sub = $(word 2,$(subst /, ,$(1:test/unit/%=%)))
TEST_SUPPORT := $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/unit/support/*.c))
TEST_LIBS := $(call pkg,libs,cmocka)

# room tests link the room and what it uses; connector tests link the connector's own objects plus base and data
# (the test host needs them); the stand-in's link its objects without main.
define unit_rule
$(OUT)/test/$(1:test/unit/%.c=%): $(OUT)/obj/$(1:.c=.o) $(TEST_SUPPORT) $(2)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $(OUT)/obj/$(1:.c=.o) $(TEST_SUPPORT) -Wl,--start-group $(2) $(3) -Wl,--end-group $(4) \
		$(TEST_LIBS) $(WORKER_LIBS)
endef
libs_of = $(foreach r,$(sort $(1) $(USES_$(1)) base data config),$(call room_lib,$(r)))
unit_deps = $(strip \
  $(if $(filter connectors,$(call unit_room,$(1))),$(patsubst %.c,$(OUT)/obj/%.o,$(wildcard connectors/$(call unit_sub,$(1))/*.c)) $(call libs_of,data) $(call room_lib,config),\
  $(if $(filter sqlserver-sim,$(call unit_room,$(1))),$(filter-out $(OUT)/obj/tools/sqlserver-sim/main.o,$(SIM_OBJ)),\
  $(if $(filter plugins,$(call unit_room,$(1))),$(call libs_of,$(call unit_sub,$(1))),\
  $(call libs_of,$(call unit_room,$(1)))))))
unit_libs = $(if $(filter connectors,$(call unit_room,$(1))),$(LIBS_$(call unit_sub,$(1))),$(if $(filter sqlserver-sim,$(call unit_room,$(1))),$(call pkg,libs,sqlite3)))
$(foreach t,$(UNIT_SRC),$(eval $(call unit_rule,$(t),$(call unit_deps,$(t)),,$(call unit_libs,$(t)))))
$(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/unit/sqlserver-sim/*.c)): EXTRA_CFLAGS := -Itools/sqlserver-sim

# modules that misbehave on purpose: each test/plugins/<name>.c is one, loaded by the tests of the plugin room
BAD_PLUGINS := $(patsubst test/plugins/%.c,$(OUT)/test/plugins/%.so,$(wildcard test/plugins/*.c))
$(BAD_PLUGINS): $(OUT)/test/plugins/%.so: $(OUT)/obj/test/plugins/%.o
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -shared -o $@ $<
$(OUT)/test/plugin/test_plugins: | $(BAD_PLUGINS)

unit: $(if $(T),$(filter $(OUT)/test/$(T)% ,$(UNIT_BIN)) $(filter %/test_$(T),$(UNIT_BIN)),$(UNIT_BIN)) ## unit tests (T=room or T=file)
	@python3 test/unit/run.py $(sort $^)

# ---- integration: real Kafka, PostgreSQL, registry; the stand-in for SQL Server ----------------------------------------
STACK := tools/local-stack/stack
deps: ## what make test needs: Debian packages, pinned artefacts (re-runnable, offline once set up)
	@tools/install-deps.sh test
	@$(STACK) fetch

# Programs that drive a plugin without a worker around it.
TEST_PROGRAMS := $(patsubst test/integration/programs/%.c,$(OUT)/test/programs/%,$(wildcard test/integration/programs/*.c))
$(OUT)/test/programs/%: $(OUT)/obj/test/integration/programs/%.o $(foreach r,client plugin converters transforms providers config data base,$(call room_lib,$(r)))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(WORKER_LIBS)

integration: all $(TEST_PROGRAMS) $(BAD_PLUGINS) ## integration tests (T=name narrows, JOBS=2 runs two side by side)
	@OUT=$(OUT) test/integration/run.py $(if $(JOBS),-j $(JOBS)) $(T)

TRUTH := test/conformance/debezium/run.py
conformance: all ## the source held against recorded Debezium records (T=case narrows)
	@OUT=$(OUT) $(TRUTH) check $(T)
corpus: tools ## record those records anew with the unmodified Debezium connector (T=case narrows)
	@OUT=$(OUT) $(TRUTH) build $(T)
corpus-check: tools ## does Debezium still give the recorded records?
	@OUT=$(OUT) $(TRUTH) verify $(T)

scripts-test: all ## tests of tools/*.sh
	@OUT=$(OUT) test/scripts/run.py

# The stand-in under clients that nobody here wrote.
SIM_QUICK := wire. checks. tls.certificate tls.freetds tls.integrated tls.plain sql. sql_ freetds hostile. faults. generator. transcripts cdc. cdc_crash. clients.*pymssql
sim-test: tools ## the stand-in under FreeTDS and pymssql, hostile input, faults, transcripts of all clients
	@OUT=$(OUT) test/sim/run.py $(SIM_QUICK)
soak-sim: tools ## the stand-in under all clients at once for SECONDS=600: no growth, and rows per second of each
	@OUT=$(OUT) test/sim/soak.py $(or $(SECONDS),600)
test-sim: tools ## the stand-in under every client, and the unmodified Debezium connector; T=debezium selects
	@tools/install-deps.sh clients
	@OUT=$(OUT) test/sim/run.py $(T)

# pkg-config's answers are read when make starts, so what needs the packages runs in a second make.
test: ## everything: packages, unit tests under ASan and UBSan, fuzz seeds, scripts, integration
	@tools/install-deps.sh test
	@$(STACK) fetch
	@python3 test/run.py

demo: ## the main job: SQL Server rows become PostgreSQL rows (KEEP=1 leaves it running)
	@tools/install-deps.sh test
	@$(STACK) fetch
	@$(MAKE) --no-print-directory -s -j$$(nproc) BUILD=release all
	@KEEP=$(KEEP) tools/demo/demo

bench: ## measured ratios against the bare libraries, into build/bench/
	@tools/install-deps.sh test
	@$(STACK) fetch
	@$(MAKE) --no-print-directory -s -j$$(nproc) BUILD=release all bench-programs
	@test/bench/run.py

BENCH_NAMES := $(patsubst test/bench/bench_%.c,%,$(wildcard test/bench/bench_*.c))
BENCH_BIN := $(BENCH_NAMES:%=$(OUT)/bench/%)
bench-programs: $(BENCH_BIN)
BENCH_ROOMS := client plugin converters transforms providers config data base
define bench_rule
$(OUT)/bench/$(1): $(OUT)/obj/test/bench/bench_$(1).o $(patsubst %.c,$(OUT)/obj/%.o,$(shell sed -n 's|^/\* links: \(.*\) \*/|\1|p' test/bench/bench_$(1).c)) \
		$(foreach r,$(BENCH_ROOMS),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(WORKER_LIBS) \
		$(call pkg,libs,libpq) -lsybdb
endef
$(foreach b,$(BENCH_NAMES),$(eval $(call bench_rule,$(b))))
$(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/bench/bench_postgres_*.c test/unit/connectors/postgres/*.c)): EXTRA_CFLAGS := $(CFLAGS_postgres)

# ---- fuzz targets: test/fuzz/fuzz_<name>.c, seeds in test/fuzz/<name>/ ------------------------------------------------
FUZZ_NAMES := $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))
FUZZ_SEED_BIN := $(FUZZ_NAMES:%=$(OUT)/fuzz/%)
FUZZ_DEPS = $(patsubst %.c,$(OUT)/obj/%.o,$(shell sed -n 's|^/\* links: \(.*\) \*/|\1|p' test/fuzz/fuzz_$(1).c))
# The stand-in's targets link the stand-in, all others the worker's rooms and what their first line names.
FUZZ_SIM := $(filter tds% tsql%,$(FUZZ_NAMES))
define fuzz_rule
$(OUT)/fuzz/$(1): $(OUT)/obj/test/fuzz/fuzz_$(1).o $(OUT)/obj/test/fuzz/main.o $(2)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(WORKER_LIBS) \
		$(call pkg,libs,libpq sqlite3) -lsybdb
endef
fuzz_deps = $(if $(filter $(FUZZ_SIM),$(1)),$(filter-out $(OUT)/obj/tools/sqlserver-sim/main.o,$(SIM_OBJ)),\
  $(TEST_SUPPORT) $(call FUZZ_DEPS,$(1)) $(foreach r,client plugin converters transforms providers store config data base,$(call room_lib,$(r))))
$(foreach f,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(f),$(call fuzz_deps,$(f)))))
$(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/fuzz/fuzz_tds*.c test/fuzz/fuzz_tsql*.c)): EXTRA_CFLAGS := -Itools/sqlserver-sim

fuzz-seeds: $(FUZZ_SEED_BIN) ## run every fuzz target over its seeds
	@python3 test/fuzz/run_seeds.py $(OUT)/fuzz $(FUZZ_NAMES)

fuzz: ## libFuzzer: make fuzz T=avro_decode [SECONDS=60]
	@tools/install-deps.sh fuzz
	@python3 test/fuzz/fuzz.py $(or $(SECONDS),60) $(T)

# ---- style ---------------------------------------------------------------------------------------------------------
C_FILES = $(shell git ls-files '*.c' '*.h')
format: ## clang-format every C file in place
	clang-format -i $(C_FILES)
lint: compile_commands.json ## clang-format and clang-tidy, shellcheck, house rules
	@tools/check/lint.sh
compile_commands.json:
	@python3 tools/check/compile_commands.py "$(CC) $(CPPFLAGS) $(H2O_CFLAGS) $(CFLAGS)" > $@

# ---- installation -----------------------------------------------------------------------------------------------------
install: all ## install the worker, its plugins and the scripts (PREFIX, DESTDIR)
	install -D -m 755 $(OUT)/connectd $(DESTDIR)$(PREFIX)/bin/connectd
	ln -sf connectd $(DESTDIR)$(PREFIX)/bin/connect-distributed
	ln -sf connectd $(DESTDIR)$(PREFIX)/bin/connect-standalone
	install -d $(DESTDIR)$(PREFIX)/lib/connectd/plugins $(DESTDIR)$(PREFIX)/include
	install -m 755 $(PLUGINS) $(DESTDIR)$(PREFIX)/lib/connectd/plugins/
	install -m 644 plugins/api/connectd_plugin.h $(DESTDIR)$(PREFIX)/include/

clean: ## remove everything that was built
	rm -rf build compile_commands.json

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
