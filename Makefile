# SPDX-License-Identifier: Apache-2.0
# ilulog - make help lists the targets.
#
# B is the build directory; CC, CFLAGS, LDFLAGS are yours. V=1 shows the commands.

B       ?= build
override B := $(patsubst $(CURDIR)/%,%,$(B))
# CROSS_COMPILE=aarch64-linux-gnu- stands before each tool that is not given by itself.
tool = $(if $(filter-out undefined default,$(origin $(1))),$($(1)),$(CROSS_COMPILE)$(2))
CC         := $(call tool,CC,gcc)
CXX        := $(call tool,CXX,g++)
AR         := $(call tool,AR,ar)
LD         := $(call tool,LD,ld)
NM         := $(call tool,NM,nm)
OBJCOPY    := $(call tool,OBJCOPY,objcopy)
PKG_CONFIG := $(call tool,PKG_CONFIG,pkg-config)
# Debian has no pkg-config of that name: the one there is looks into that machine's folder.
ifeq ($(shell command -v $(firstword $(PKG_CONFIG))),)
PKG_CONFIG := env PKG_CONFIG_LIBDIR=/usr/lib/$(CROSS_COMPILE:%-=%)/pkgconfig:/usr/share/pkgconfig pkg-config
endif
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
WARN    ?= -Wall -Wextra
LIBDIR  ?= $(PREFIX)/lib
EXTDIR  ?= $(LIBDIR)
DOCDIR  ?= $(PREFIX)/share/doc/ilulog
VERSION := $(shell awk '/define ILU_VERSION_(MAJOR|MINOR|PATCH) / { v = v dot $$3; dot = "." } END { print v }' liblog/include/ilu/version.h)
SOMAJOR := 0

Q := $(if $(V),,@)
say = @printf '  %-7s %s\n'

# Headers that the build makes from schema/ are under $(B)/gen. Libraries are looked up once, by pkg-config. libcurl is
# loaded when it is wanted: of it there are only the headers.
PKGS         := jansson libzstd sqlite3 zlib readline
PKG_CFLAGS   := $(shell $(PKG_CONFIG) --cflags $(PKGS) libcurl 2>/dev/null)
JANSSON_CFLAGS := $(shell $(PKG_CONFIG) --cflags jansson 2>/dev/null)
JANSSON      := $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null)
LOGQ_LIBS    := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -lm
ALL_CPPFLAGS  = -D_GNU_SOURCE -Iliblog/include $(ROOM) -I$(B)/gen $(CPPFLAGS)
ALL_CFLAGS    = -std=gnu11 -fPIC -fvisibility=hidden -pthread $(WARN) $(CFLAGS) $(PKG_CFLAGS)

# ---- liblog -------------------------------------------------------------------------------------------------------
# Rooms from the ground up: each uses those above it in this list.
LIBLOG_SRC :=
LIBLOG_SRC += $(addprefix liblog/src/base/,dtoa.c duration.c escape.c keep.c lasterror.c lineread.c now.c path.c setting.c stamp.c thread.c tid.c value.c version.c)
LIBLOG_SRC += $(addprefix liblog/src/box/,box.c find.c region.c slab.c)
# Each of these has the row of its kind of sink.
SINK_SRC   := $(addprefix liblog/src/sinks/,file.c fd.c console.c journald.c syslog.c)
LIBLOG_SRC += $(SINK_SRC) $(addprefix liblog/src/sinks/,away.c datagram.c kind.c mail.c open.c pack.c shorten.c sink.c squeeze.c)
LIBLOG_SRC += $(addprefix liblog/src/config/,config.c config_list.c config_value.c directive.c directive_parse.c directive_value.c reload.c)
LIBLOG_SRC += $(addprefix liblog/src/call/,array.c early.c limit.c memory.c ring.c site.c span.c state.c)
LIBLOG_SRC += $(addprefix liblog/src/encode/,encode.c encode_box.c encode_line.c encode_span.c flame.c recorder.c sitetext.c spantext.c spanvalue.c)
LIBLOG_SRC += $(addprefix liblog/src/recover/,dead.c merge.c recover.c replay.c tail.c)
LIBLOG_SRC += $(addprefix liblog/src/appender/,appender.c audit.c current.c flight.c gap.c outlet.c own.c)
LIBLOG_SRC += $(addprefix liblog/src/control/,answer.c caller.c filter.c meant.c reread.c rundir.c server.c)
LIBLOG_SRC += $(addprefix liblog/src/life/,boxed.c crash.c fork.c launch.c life.c present.c)
LIBLOG_SRC += $(addprefix liblog/clock/,actor.c clock.c context.c deadlines.c io.c lock.c overflow.c pin.c pool.c queue.c random.c real.c report.c stack.c timer.c turn.c wait.c)

# ---- analyzer -----------------------------------------------------------------------------------------------------
# Everything but the entry points: linked into ilu-logq, into the tests and into the loadable extension.
BASE_SRC   := $(addprefix analyzer/base/,aggregate.c arena.c array.c bytes.c intern.c jsontext.c keyed.c scan.c sha256.c sql.c table.c template.c text.c)
BASE_SRC   += $(addprefix analyzer/base/,sorter.c sums.c tempfile.c textduration.c threads.c)
INGEST_SRC := $(addprefix analyzer/ingest/,csv.c format.c format_read.c hint.c known.c layer.c level.c line.c members.c open.c pairs.c pattern.c pointed.c reader.c reading.c record.c repair.c role.c spelling.c stamp.c unescape.c zone.c)
INGEST_SRC += $(addprefix analyzer/ingest/,form.c parts.c timeform.c)
COLUMN_SRC := $(addprefix analyzer/column/,column.c narrow.c numbers.c)
STORE_SRC  := $(addprefix analyzer/store/,cat.c check.c chunk_build.c chunk_line.c chunk_open.c chunk_read.c chunk_writer.c cursor.c event.c histogram.c place.c quantiles.c search.c \
              shape.c shape_match.c shape_set.c store.c event_plan.c event_value.c event_where.c vtab_event.c)
MODEL_SRC  := $(addprefix analyzer/model/,at_once.c chains.c compose.c condition.c cover.c extent.c fact.c fold.c parts.c phase.c phase_numbers.c rules.c rules_kept.c rules_message.c rules_read.c span.c span_keys.c span_said.c span_times.c spool.c)
STORE_SRC  += analyzer/store/groups.c analyzer/store/clock.c
TABLES_SRC := $(addprefix analyzer/tables/,invocation_read.c kind.c moments.c nested.c pack.c phase_read.c place_parts.c rowtable.c tables.c tids.c vtab_histogram.c vtab_phase.c \
               vtab_quantiles.c vtab_span.c write.c)
BESIDE_SRC := $(addprefix analyzer/beside/,benchmark.c beside.c csv.c energy.c energy_meter.c energy_rows.c input.c jsonfile.c result.c result_order.c result_set.c verify.c vtab_result.c series_read.c vtab_series.c)
BUILD_SRC  := $(addprefix analyzer/build/,batch.c collect.c collect_rows.c container.c function.c model.c overhead.c pattern.c)
INFER_SRC  := $(addprefix analyzer/infer/,answers.c infer.c logs.c naming.c outcomes.c parents.c part.c requests.c retry.c sample.c sample_lines.c steps.c stretch.c tidfield.c)
FINDING_SRC := $(addprefix analyzer/findings/,finding.c found.c hangs.c kept.c leaks.c lint.c lint_lines.c lint_log.c lint_seen.c mount.c secret.c storms.c)
BLAME_SRC  := $(addprefix analyzer/blame/,cold.c heat.c messages.c queue.c read.c rows.c sums.c sweep.c vtab_blame.c)
PARSE_SRC  := $(addprefix analyzer/parse/,foreign.c parse.c parse_reject.c parse_state.c recipe.c tidname.c)
LOAD_SRC   := $(addprefix analyzer/load/,ahead.c append.c aside.c formats.c inputs.c known.c ledger.c load.c lockowner.c maintain.c moved.c passing.c piece.c piped.c retid.c source.c source_lines.c source_stream.c source_turn.c zones.c) \
              analyzer/load/classify.c analyzer/load/discover.c analyzer/load/name.c analyzer/load/progress.c
REMOTE_SRC := $(addprefix analyzer/remote/,answer.c cluster.c drop.c fetch.c gather.c http.c libcurl.c merged.c partial.c push.c push_inputs.c push_sources.c rows.c schema.c senders.c statement.c tsv.c unit.c url.c)
MIRROR_SRC := $(addprefix analyzer/mirror/,ask.c finish.c fold.c folded.c found.c gapped.c inputs.c ledger.c leveled.c marks.c mirror.c needed.c rowsof.c seen.c run_groups.c timed.c)
# query has rooms: a room knows those above it.
QUERY_SRC  := $(addprefix analyzer/query/core/,args.c column.c command.c complain.c function.c match.c outfile.c quantile.c query.c select.c source.c sql_error.c suggest.c tid.c when.c) \
              $(addprefix analyzer/query/events/,counted.c event_csv.c event_fetch.c event_filter.c event_line.c fields.c mask.c) \
              $(addprefix analyzer/query/whole/,gather.c overall.c) \
              $(addprefix analyzer/query/requests/,arrivals.c requests.c) \
              $(addprefix analyzer/query/timelines/,critical_path.c nested.c timeline_make.c transaction.c) \
              $(addprefix analyzer/query/commands/,sql_scan.c summary_findings.c summary_make.c points.c) \
              $(addprefix analyzer/query/why/,attribute.c bands.c causes.c chance.c compare_html.c compare_json.c compare_tables.c compare_text.c comparison.c conditions.c evidence.c excess.c expected.c fields.c given.c lines.c measures.c observed.c parts.c said.c side.c stretches.c typical.c) \
              $(addprefix analyzer/query/report/,measure.c over_time.c report_blame.c report_charts.c report_findings.c report_flames.c report_html.c report_read.c report_sections.c report_timelines.c report_verdict.c report_write.c) \
              $(addprefix analyzer/query/cluster/,blame.c command.c compare.c lines.c need.c report.c slow.c sql.c) \
              $(addprefix analyzer/query/export/,csv.c faas_sim.c filter.c folded.c lanes.c ndjson.c otlp.c perfetto.c speedscope.c stacks.c strict.c teach_idle.c teach_machine.c teach_order.c trace_csv.c)
RENDER_SRC := $(addprefix analyzer/render/,chart_bars.c chart_html.c chart_svg.c flame.c fold.c number.c output.c page.c stream.c table.c table_csv.c table_html.c table_json.c table_lines.c table_markdown.c table_text.c \
              text.c timeline_html.c timeline_text.c)
SHELL_SRC  := $(addprefix analyzer/shell/,commands.c complete.c dot.c options.c repl.c script.c session.c shown.c statement.c suggest.c words.c)
# Each of these has the row of its command, or of several; the help lists them in this order.
COMMAND_SRC := analyzer/shell/load_command.c analyzer/shell/push_command.c analyzer/shell/fold_command.c analyzer/query/commands/formats.c analyzer/query/commands/rules.c \
               $(addprefix analyzer/query/commands/,events.c errors.c describe.c sql.c) \
               $(addprefix analyzer/query/commands/,invocations.c timeline.c phases.c blame.c gaps.c spans.c tree.c clocks.c functions.c containers.c status.c series.c batches.c patterns.c energy.c) \
               $(addprefix analyzer/query/commands/,summary.c findings.c) \
               $(addprefix analyzer/query/why/,slow.c compare.c) \
               analyzer/query/report/report.c analyzer/query/export/export.c \
               $(addprefix analyzer/query/commands/,tables.c runs.c sources.c check.c cat.c recover.c) analyzer/shell/maintain_command.c analyzer/shell/help.c

ANALYZER_SRC := $(BASE_SRC) $(INGEST_SRC) $(COLUMN_SRC) $(STORE_SRC) $(MODEL_SRC) $(TABLES_SRC) $(BESIDE_SRC) $(BUILD_SRC) $(INFER_SRC) $(FINDING_SRC) $(BLAME_SRC) $(PARSE_SRC) $(LOAD_SRC) $(REMOTE_SRC) $(MIRROR_SRC) $(QUERY_SRC) $(RENDER_SRC) $(SHELL_SRC) $(COMMAND_SRC)

# ---- samples ------------------------------------------------------------------------------------------------------
FAAS_SIM_SRC := $(addprefix samples/faas-sim/,arrival.c benchmark.c call.c ch_rlu.c containerd.c controller.c csv.c dispatch.c estimate.c faults.c function.c \
                held.c idle.c least_loaded.c load.c load_monitor.c main.c options.c own.c pause.c pool.c progress.c queue.c random.c recorded.c replay.c results.c round_robin.c runner.c slowness.c snapshots.c status.c \
                trace.c truth.c worker.c)
KVD_SRC      := $(addprefix samples/kvd/,buffer.c loop.c main.c protocol.c store.c work.c)

# ---- tests --------------------------------------------------------------------------------------------------------
# One program a module: tests/unit/NAME.c, linked with cmocka and what it tests.
LIBLOG_TESTS   :=
LIBLOG_TESTS   += log_cold_test log_event_test log_floor_test log_journald_test log_limit_test log_span_test log_thread_test log_life_test log_recorder_test log_crash_test log_clockset_test log_syslog_test log_control_test log_encode_test log_object_test log_reload_test log_sinks_test log_cxx_test
LIBLOG_TESTS   += clock_deadlines_test clock_test clock_virtual_test clock_pin_test clock_portable_test clock_report_test clock_log_test
LIBLOG_TESTS   += log_region_test log_box_test log_kill_test
LIBLOG_TESTS   += log_disk_test log_files_test log_pack_test log_process_test
LIBLOG_TESTS   += dtoa_test duration_test config_test console_test directive_test escape_test escape_portable_test sink_test tid_test
ANALYZER_TESTS := template_test spool_test base_test base_sql_test base_text_test
ANALYZER_TESTS += finding_test sorter_test linear_test
ANALYZER_TESTS += format_test record_jansson_test spelling_test energy_test model_test pack_test result_test rules_test stamp place_test tables_test zone reader discover line_test shape_test vtab_event chunk_test render questions column_test scan_test store_test runs_test damage_test
ANALYZER_TESTS += slow_test seen_test sample_test passing_test
# Of the analyzer those that the thread sanitizer is to see.
THREAD_TESTS   := recipe_test
ANALYZER_TESTS += textduration_test why_test remote_test

# A fault test fails each allocation or write of its subject once, in turn; a fuzz target is a LLVMFuzzerTestOneInput.
# They wrap the C library's functions, see tests/fault/faults.h.
LIBLOG_FAULTS  := log_faults box_faults fork_faults rotate_faults pack_faults
ANALYZER_FAULTS := model_faults input_faults event_faults record_faults read_faults write_faults
FAULT_TESTS    := $(LIBLOG_FAULTS) $(ANALYZER_FAULTS)
FAULT_WRAPS    := malloc calloc realloc reallocarray aligned_alloc strdup strndup asprintf mmap madvise open openat pread write writev fdatasync fsync ftruncate fallocate posix_fallocate
FAULT_WRAPS    += read unlinkat rename renameat renameat2 fork pthread_create socket connect sendmsg
FUZZ_TARGETS   := reader head lines chunk format_file envelope spelling
FUZZ_TARGETS   += database beside
FUZZ_TARGETS   += directive_fuzz console_fuzz box_fuzz
# Programs of `make bench`, by group: tests/bench/NAME.c.
BENCH_LOG      := log_bench
BENCH_LOAD     := load_bench formats_bench sql_bench day_bench
BENCH_MODEL    := model_bench pattern_bench why_bench
BENCH_CLOCK    := clock_bench
BENCH_SCALE    := scale_bench

# ---- what is built ------------------------------------------------------------------------------------------------
# With -flto, names are made local in what gcc makes of all objects together; clang cannot do that, and makes them without.
LTO    := $(if $(findstring clang,$(CC)),,$(filter -flto%,$(CFLAGS)))
NO_LTO := $(if $(findstring clang,$(CC)),$(if $(filter -flto%,$(CFLAGS)),-fno-lto))

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB_A  := $(B)/lib/libilulog.a
LIB_SO := $(B)/lib/libilulog.so
LOG_A  := $(B)/obj/liblog.a
LOGQ_A := $(B)/obj/analyzer.a
EXT_SO := $(B)/lib/ilulogq.so

LOGQ_MAIN := analyzer/shell/main.c
CTL_SRC   := $(wildcard liblog/ctl/*.c)

LIBS     := $(LIB_A) $(LIB_SO) $(EXT_SO)
BINS     := $(B)/bin/ilu-logq $(if $(CTL_SRC),$(B)/bin/ilu-logctl) $(B)/bin/faas-sim $(B)/bin/kvd
UNIT     := $(LIBLOG_TESTS) $(ANALYZER_TESTS) $(THREAD_TESTS)
PROGRAMS := $(addprefix $(B)/tests/,$(UNIT) $(FAULT_TESTS))
HEADERS  := $(wildcard liblog/include/ilu/*.h liblog/include/ilu/*/*.h)
GEN_LIB  := $(B)/gen/sink_list.h
PAGE_GEN := $(foreach n,page_css page_js uPlot_iife_min_js uPlot_min_css,$(B)/gen/page_$(n).h)
GEN      := $(GEN_LIB) $(PAGE_GEN) $(B)/gen/store_sql.h $(B)/gen/command_list.h $(B)/gen/formats.h $(patsubst schema/rules/%.json,$(B)/gen/rules_%.h,$(wildcard schema/rules/*.json))

all: $(LIBS) $(BINS)

# The library by itself: jansson, and nothing of the analyzer.
.PHONY: lib
lib: $(LIB_A) $(LIB_SO) $(filter %/ilu-logctl,$(BINS))

# Which headers a room may see: liblog its own, the analyzer its own, samples and strangers the public ones.
$(B)/obj/liblog/%.o:   private ROOM = -Iliblog/src
$(B)/obj/liblog/%.o:   private PKG_CFLAGS = $(JANSSON_CFLAGS) $(NO_LTO)
$(B)/obj/analyzer/%.o: private ROOM = -Ianalyzer -DILU_VERSION='"$(VERSION)"'
$(B)/obj/tests/%.o:    private ROOM = -Iliblog/src -Ianalyzer
# A damaged database has any number as a time. What reads logs and writes databases looks at each; what only computes
# answers of them wraps around, as the arithmetic is defined then.
$(addprefix $(B)/obj/analyzer/,$(addsuffix /%.o,query blame findings render)): private WRAPS = -fwrapv

# The library alone is built without what is made for the analyzer.
$(call objs,$(ANALYZER_SRC) analyzer/ext.c $(LOGQ_MAIN)): | $(GEN)
$(foreach d,unit fault fuzz bench,$(patsubst tests/$(d)/%.c,$(B)/obj/tests/$(d)/%.o,$(wildcard tests/$(d)/*.c))): | $(GEN)
$(B)/obj/%.o: %.c $(B)/flags | $(GEN_LIB)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(WRAPS) -MMD -MP -c -o $@ $<

# Another compiler or other flags in the same build directory build everything anew.
FLAGS = '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(LDFLAGS))'
$(B)/flags: force
	@mkdir -p $(@D)
	@echo $(FLAGS) | cmp -s - $@ || { PKG_CONFIG='$(PKG_CONFIG)' CC='$(CC)' .ci/packages --check lib && echo $(FLAGS) > $@; }

# What else the analyzer needs is looked for once.
$(call objs,$(ANALYZER_SRC) $(LOGQ_MAIN)): | $(B)/packages
$(B)/packages:
	@mkdir -p $(@D)
	@PKG_CONFIG='$(PKG_CONFIG)' CC='$(CC)' .ci/packages --check build && touch $@

# schema/store.sql -> store_sql[] in store_sql.h; schema/rules/NAME.json -> rules_NAME[] in rules_NAME.h
define embed
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q){ echo '/* Made from $<. */'; echo 'static const char $(basename $(@F))[] ='; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/?/\\?/g; s/.*/\t"&\\n"/' $<; echo ';'; } > $@.tmp && mv $@.tmp $@
endef
$(B)/gen/store_sql.h: schema/store.sql
	$(embed)
$(B)/gen/rules_%.h: schema/rules/%.json
	$(embed)

# schema/formats/*.json -> built_in[] in formats.h, a row of name and text each
FORMATS := $(wildcard schema/formats/*.json)
$(B)/gen/formats.h: $(FORMATS)
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q){ echo '/* Made from schema/formats. */'; \
	echo 'static const struct { const char *name, *text; } built_in[] = {'; \
	for f in $(FORMATS); do echo "{\"$$(basename $$f)\","; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/\t"&\\n"/' $$f; echo '},'; done; echo '};'; } > $@.tmp && mv $@.tmp $@

# The report's page: analyzer/render/page/NAME and analyzer/render/vendor/NAME -> page_NAME[] in page_NAME.h
PAGE_FILES := analyzer/render/page/page.css analyzer/render/page/page.js analyzer/render/vendor/uPlot.iife.min.js analyzer/render/vendor/uPlot.min.css
page_gen    = $(B)/gen/page_$(subst .,_,$(notdir $(1))).h
define page_rule
$(call page_gen,$(1)): $(1)
	$$(embed)
endef
$(foreach f,$(PAGE_FILES),$(eval $(call page_rule,$(f))))

# The rows of the commands' table, in the order of their files: COMMAND(command_NAME) for each.
$(B)/gen/command_list.h: $(COMMAND_SRC) Makefile
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)sed -n 's/^const struct command \(command_[a-z0-9_]*\) = {$$/COMMAND(\1)/p' $(COMMAND_SRC) > $@.tmp && mv $@.tmp $@

# The rows of the kinds of sinks, in the order of their files: SINK(sink_kind_NAME) for each that has a name.
$(B)/gen/sink_list.h: $(SINK_SRC) Makefile
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)sed -n '/\.name = ""/!s/^const struct sink_kind \(sink_kind_[a-z0-9_]*\) = {.*/SINK(\1)/p' $(SINK_SRC) > $@.tmp && mv $@.tmp $@

define archive
	$(say) AR $@
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) qcs $@ $^
endef
$(LOG_A): $(call objs,$(LIBLOG_SRC))
	$(archive)
$(LOGQ_A): $(call objs,$(ANALYZER_SRC))
	$(archive)

# What we link into ourselves is LOG_A. A stranger's archive is one object whose hidden names are local to it, so that a
# program may have a `report` or `config_init` of its own. ilu_object_ is each program's: hidden, and yet one with ours.
# .llvm_addrsig speaks of symbols by their number, which changes. Names that begin with two underscores are a sanitizer's.
RELOCATABLE = $(if $(LTO),$(CC) $(CFLAGS) -r -nostdlib -flinker-output=nolto-rel,$(LD) -r)
$(LIB_A): $(call objs,$(LIBLOG_SRC))
	$(say) AR $@
	@mkdir -p $(@D)
	$(Q)$(RELOCATABLE) -o $(B)/obj/libilulog.o $^
	$(Q)for pass in '--localize-hidden -R .llvm_addrsig' --globalize-symbol=ilu_object_ --weaken-symbol=ilu_object_; do \
	$(OBJCOPY) $$pass $(B)/obj/libilulog.o || exit 1; done
	$(Q)names=$$($(NM) -g --defined-only $(B)/obj/libilulog.o | awk '{ print $$NF }') && echo "$$names" | grep -qx ilu_log_start && \
	! echo "$$names" | grep -v -e '^ilu_' -e '^__' || { echo '$@ would export these, or nothing: compile without -flto?' >&2; false; }
	$(Q)rm -f $@ && $(AR) qcs $@ $(B)/obj/libilulog.o

# The sanitizers' runtime is in the program, so a library built with them has symbols open.
$(LIB_SO): $(call objs,$(LIBLOG_SRC))
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) $(if $(findstring -fsanitize,$(CFLAGS)),,-Wl,-z,defs) \
	-Wl,-soname,libilulog.so.$(SOMAJOR) -o $@.$(VERSION) $^ $(JANSSON)
	$(Q)ln -sf $(@F).$(VERSION) $@.$(SOMAJOR) && ln -sf $(@F).$(SOMAJOR) $@

# The loadable extension for SQLite: the same objects behind one symbol, with the system's libsqlite3.
$(EXT_SO): $(call objs,analyzer/ext.c) $(LOGQ_A)
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) $(if $(findstring -fsanitize,$(CFLAGS)),,-Wl,-z,defs) \
	-Wl,--exclude-libs,ALL -o $@ $^ $(shell $(PKG_CONFIG) --libs sqlite3 libzstd zlib jansson 2>/dev/null) -lm

define link
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(or $(LINKER),$(CC)) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LINK_LIBS)
endef
$(B)/bin/ilu-logq: LINK_LIBS = $(LOGQ_LIBS)
$(B)/bin/ilu-logq: $(call objs,$(LOGQ_MAIN)) $(LOGQ_A) $(LOG_A)
	$(link)
$(B)/bin/ilu-logctl: LINK_LIBS = $(JANSSON)
$(B)/bin/ilu-logctl: $(call objs,$(CTL_SRC)) $(LOG_A)
	$(link)
$(B)/bin/faas-sim: LINK_LIBS = $(JANSSON) -lm
$(B)/bin/faas-sim: $(call objs,$(FAAS_SIM_SRC)) $(LIB_A)
	@tests/raw-calls $(FAAS_SIM_SRC)
	$(link)
$(B)/bin/kvd: LINK_LIBS = $(JANSSON) -lm
$(B)/bin/kvd: $(call objs,$(KVD_SRC)) $(LIB_A)
	$(link)

$(B)/tests/%: LINK_LIBS = -lcmocka $(LOGQ_LIBS)
$(addprefix $(B)/tests/,$(LIBLOG_TESTS)): LINK_LIBS = -lcmocka $(JANSSON) -lm
$(addprefix $(B)/tests/,$(LIBLOG_TESTS)): $(B)/tests/%: $(B)/obj/tests/unit/%.o $(LOG_A)
	$(link)
$(B)/tests/every_value: LINK_LIBS = $(JANSSON) -lm
$(B)/tests/every_value: $(B)/obj/tests/golden/liblog/every_value.o $(LOG_A)
	$(link)
# These unpack what the library packed; the first one takes zstd away from it.
ZSTD := $(shell $(PKG_CONFIG) --libs libzstd 2>/dev/null)
$(B)/tests/log_pack_test: LINK_LIBS += $(ZSTD) -Wl,--wrap=dlopen
# To this one libcurl is missing.
$(B)/tests/remote_test: LINK_LIBS += -Wl,--wrap=dlopen
# This one is the disk.
$(B)/tests/log_disk_test: LINK_LIBS += -Wl,--wrap=write -Wl,--wrap=writev -Wl,--wrap=fdatasync
# A plugin of this test finds the library in the program; the other one is in C++.
$(B)/tests/log_object_test: private override LDFLAGS += -rdynamic
$(B)/tests/log_cxx_test: private LINKER = $(CXX)
$(B)/obj/tests/unit/%.o: tests/unit/%.cc $(B)/flags
	$(say) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_CPPFLAGS) -Iliblog/src -std=gnu++17 -fPIC -pthread $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<
$(addprefix $(B)/tests/,$(ANALYZER_TESTS) $(THREAD_TESTS)): $(B)/tests/%: $(B)/obj/tests/unit/%.o $(LOGQ_A) $(LOG_A)
	$(link)
$(addprefix $(B)/tests/,$(ANALYZER_FAULTS)): LINK_LIBS = -lcmocka $(LOGQ_LIBS) $(FAULT_WRAPS:%=-Wl,--wrap=%)
$(addprefix $(B)/tests/,$(ANALYZER_FAULTS)): $(B)/tests/%: $(B)/obj/tests/fault/%.o $(B)/obj/tests/fault/faults.o $(LOGQ_A) $(LOG_A)
	$(link)
SQLITE_WRAPS := step prepare_v2 prepare_v3 blob_open blob_read blob_write
COMMAND_FAULTS := read_faults write_faults
$(addprefix $(B)/tests/,$(COMMAND_FAULTS)): LINK_LIBS += $(SQLITE_WRAPS:%=-Wl,--wrap=sqlite3_%)
$(addprefix $(B)/tests/,$(COMMAND_FAULTS)): $(addprefix $(B)/obj/tests/fault/,run_command.o sqlite_faults.o sweep.o)
$(addprefix $(B)/tests/,$(LIBLOG_FAULTS)): LINK_LIBS = -lcmocka $(JANSSON) -lm $(FAULT_WRAPS:%=-Wl,--wrap=%)
$(B)/tests/pack_faults: LINK_LIBS += $(ZSTD)
$(addprefix $(B)/tests/,$(LIBLOG_FAULTS)): $(B)/tests/%: $(B)/obj/tests/fault/%.o $(B)/obj/tests/fault/faults.o $(LOG_A)
	$(link)

# ---- checks -------------------------------------------------------------------------------------------------------
# Packages that are there are not asked for: with all of them, nothing here needs a network.
RUN = CC='$(CC)' CXX='$(CXX)' CFLAGS='$(CFLAGS)' WARN='$(WARN)' CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)' tests/run -B $(B)

# On all processors, unless make was told how many jobs to run.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

check:
	@.ci/packages build test
	@$(MAKE) --no-print-directory $(PARALLEL) check-built

check-built: all programs
	@tests/layers -B $(B)
	@$(RUN) --unit '$(UNIT)' --fault '$(FAULT_TESTS)' unit fault compile-fail golden

soak: export ILU_SLOW_SEEDS = 200
soak: export ILU_SLOW_SCENARIOS =

# The numbers of tries that CI has no time for: an hour.
soak:
	@ILU_TEST_ALL=1 ILU_TEST_KILLS=10000 ILU_TEST_DAMAGES=20000 ILU_SEEDS=200 ILU_CLEAN_RUNS=200 ILU_INFER_LOGS=200 ILU_INFER_SEEDS=50 ILU_TID_SEEDS=50 ILU_COMPARE_PAIRS=1000 $(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory KILLS=50 SERVER_KILLS=10 check-cluster

programs: $(PROGRAMS)

check-unit: programs
	@$(RUN) --unit '$(UNIT)' unit

# What the thread sanitizer is asked about: the library, alone and in a daemon with many threads, and a load by several.
check-threads: programs $(filter %/faas-sim %/ilu-logq,$(BINS))
	@$(RUN) --unit '$(LIBLOG_TESTS) $(THREAD_TESTS)' unit golden:threads golden:load/parts

# The public headers under this compiler: what must compile, and what must not.
check-headers:
	@$(RUN) compile-fail

# `make check-golden CASE='load*' UPDATE=1` writes the expectations of the cases that match.
check-golden: all
	@$(RUN) $(if $(UPDATE),--update$(filter -status,$(UPDATE:%=-%))) golden $(CASE)

# What a line costs in a log four times as large: a minute or two, 4.4 GB in the temporary directory.
check-scale: programs $(filter %/faas-sim %/ilu-logq,$(BINS))
	@tests/scale/run -B $(B)

# What is pushed onto a cluster of three ClickHouse servers, compared with the database here; KILLS and SERVER_KILLS: so many.
KILLS        ?= 4
SERVER_KILLS ?= 1
check-cluster: $(filter %/faas-sim %/ilu-logq,$(BINS))
	@tests/cluster/run -B $(B) --kills $(KILLS) --server-kills $(SERVER_KILLS)

# The report's page in a headless Chromium; playwright-core and axe-core come from npm, into $(B)/browser.
check-browser: $(B)/bin/ilu-logq
	@tests/browser/run -B $(B)

# What is exported, read by those it is for; their packages come from PyPI, into $(B)/consumers.
check-consumers: $(filter %/faas-sim %/ilu-logq,$(BINS))
	@tests/consumers/run -B $(B)

# Longer than in `make check`, over the real runs too where ILU_TEST_RUNS names them; PYTHON: one that may have DuckDB.
DIFFERENTIAL_SECONDS ?= 300
PYTHON ?= /usr/bin/python3
check-differential: all
	@$(PYTHON) tests/differential/run --build $(B) --seconds $(DIFFERENTIAL_SECONDS)

# Files of others stand in folders named vendor, as they came.
C_FILES = find . \( -path './build*' -o -path './$(B)' -o -name vendor -o -name .git \) -prune -o -name '*.[ch]' -print -o -name '*.cc' -print

# Each version of clang-format has a mind of its own: Debian 12's counts.
format:
	@$(C_FILES) | xargs clang-format -i --
check-format:
	@clang-format --version | grep -q 'version 14\.' || { echo "check-format: wants clang-format 14, this is $$(clang-format --version)" >&2; exit 1; }
	@$(C_FILES) | xargs -P $(shell nproc) -n 40 clang-format --dry-run -Werror --

ASAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
FUZZ := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DILU_FUZZING

check-asan:
	@$(MAKE) --no-print-directory B=$(B)-asan CFLAGS='$(ASAN)' check

check-tsan:
	@.ci/packages build test
	@$(MAKE) --no-print-directory B=$(B)-tsan CFLAGS='$(TSAN)' ANALYZER_TESTS= FAULT_TESTS= check-threads

# The library for another machine: its tests of encoder and escaping, run by an emulator.
.PHONY: check-arm64
check-arm64:
	@.ci/packages build test ci
	@tests/arm64/run -B $(B)

# A short run of every fuzz target, or FUZZ_SECONDS of each; FUZZ_RUNS=0 runs on until Ctrl-C. FUZZ_SEED: the same
# inputs again, of which a slower machine tries fewer; 0: others each time.
FUZZ_RUNS ?= 20000
FUZZ_SECONDS ?= 0
FUZZ_SEED ?= 0
check-fuzz:
	@.ci/packages build test ci
	@$(MAKE) --no-print-directory B=$(B)-fuzz CC=clang CFLAGS='$(FUZZ)' fuzz-built
fuzz-built: $(addprefix $(B)/fuzz/,$(FUZZ_TARGETS))
	@$(RUN) --fuzz '$(FUZZ_TARGETS)' --fuzz-runs '$(FUZZ_RUNS)' --fuzz-seconds '$(FUZZ_SECONDS)' --fuzz-seed '$(FUZZ_SEED)' fuzz
$(addprefix $(B)/fuzz/,$(FUZZ_TARGETS)): $(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LOGQ_A) $(LOG_A)
	$(link)
$(B)/fuzz/%: LINK_LIBS = -fsanitize=fuzzer $(LOGQ_LIBS)

# ---- benchmarks ---------------------------------------------------------------------------------------------------
BENCH_GROUPS := log load model clock scale
BENCH_log    := $(BENCH_LOG)
BENCH_load   := $(BENCH_LOAD)
BENCH_model  := $(BENCH_MODEL)
BENCH_clock  := $(BENCH_CLOCK)
BENCH_scale  := $(BENCH_SCALE)
BENCH_NAMES   = $(foreach g,$(or $(BENCH),$(BENCH_GROUPS)),$(or $(BENCH_$(g)),$(if $(filter $(g),$(BENCH_GROUPS)),,\
                $(error no benchmark group $(g): $(BENCH_GROUPS)))))

.PHONY: benches
benches: $(foreach g,$(BENCH_GROUPS),$(addprefix $(B)/bench/,$(BENCH_$(g))))

bench: all
	@$(MAKE) --no-print-directory $(addprefix $(B)/bench/,$(BENCH_NAMES))
	@tests/bench/run -B $(B) $(BENCH_NAMES)
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(LOGQ_A) $(LOG_A)
	$(link)
$(B)/bench/%: LINK_LIBS = $(LOGQ_LIBS)
# It speaks to servers, so it is a script.
$(B)/bench/scale_bench: tests/bench/scale_bench.py
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@
$(B)/bench/log_bench: $(B)/obj/tests/bench/peers/ilulog.o
$(B)/bench/load_bench: $(B)/obj/tests/bench/lines.o $(B)/obj/tests/bench/bench.o
$(B)/bench/formats_bench: $(addprefix $(B)/obj/tests/bench/,foreign.o lines.o bench.o)
$(B)/bench/sql_bench $(B)/bench/day_bench: $(B)/obj/tests/bench/bench.o
$(B)/bench/model_bench $(B)/bench/pattern_bench $(B)/bench/why_bench: $(B)/obj/tests/bench/bench.o

# ---- demo, install, clean, help -----------------------------------------------------------------------------------
demo:
	@.ci/packages build
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@samples/demo $(B)

.PHONY: demo-kvd
demo-kvd:
	@.ci/packages build test
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@samples/kvd/demo $(B)

# Below DESTDIR; the files name the places without it. LIBDIR, EXTDIR (the extension of SQLite) and DOCDIR are yours, too.
put    = install -d $(DESTDIR)$(3) && install -m $(1) $(2) $(DESTDIR)$(3)
fill   = sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|; s|@SOMAJOR@|$(SOMAJOR)|; s|@INCLUDE@|$(INCLUDE)|' \
         liblog/$(1).in > $(DESTDIR)$(2)/$(1) && chmod 644 $(DESTDIR)$(2)/$(1)
mandir = $(PREFIX)/share/man/man$(subst .,,$(suffix $(1)))
INCLUDE  = $(shell realpath -m --relative-to=$(LIBDIR) $(PREFIX)/include)
CMAKE    = $(LIBDIR)/cmake/ilulog
MAN     := $(wildcard docs/*.[1-9])
LIB_MAN := $(filter docs/ilu_% docs/ilulog% docs/ilu-logctl%,$(MAN))
GUIDES  := $(addprefix docs/,tables.md rules.md formats.md exports.md store-format.md differences.md slow.md compare.md scale.md what-if.md)
SCHEMA  := $(patsubst %/,%,$(sort $(dir $(wildcard schema/*.* schema/*/*.*))))

.PHONY: install-lib
install-lib: lib
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(LIBDIR)/pkgconfig $(CMAKE))
	$(foreach h,$(HEADERS),install -D -m 644 $(h) $(DESTDIR)$(PREFIX)/$(h:liblog/%=%) &&) true
	$(call put,644,$(LIB_A),$(LIBDIR))
	$(call put,755,$(LIB_SO).$(VERSION),$(LIBDIR))
	ln -sf libilulog.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libilulog.so.$(SOMAJOR)
	ln -sf libilulog.so.$(SOMAJOR) $(DESTDIR)$(LIBDIR)/libilulog.so
	$(call fill,ilulog.pc,$(LIBDIR)/pkgconfig)
	$(call fill,ilulog-config.cmake,$(CMAKE))
	$(call fill,ilulog-config-version.cmake,$(CMAKE))
	$(call put,755,$(filter %/ilu-logctl,$(BINS)),$(PREFIX)/bin)
	$(foreach m,$(LIB_MAN),$(call put,644,$(m),$(call mandir,$(m))) &&) true
	$(call put,644,docs/instrument-your-daemon.md,$(DOCDIR))

install: all install-lib
	$(call put,755,$(EXT_SO),$(EXTDIR))
	$(call put,755,$(filter %/ilu-logq,$(BINS)),$(PREFIX)/bin)
	$(foreach m,$(filter-out $(LIB_MAN),$(MAN)),$(call put,644,$(m),$(call mandir,$(m))) &&) true
	$(call put,644,$(GUIDES),$(DOCDIR))
	install -D -m 644 docs/completion/ilu-logq.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ilu-logq
	install -D -m 644 docs/completion/_ilu-logq $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ilu-logq
	$(foreach d,$(SCHEMA),$(call put,644,$(wildcard $(d)/*.*),$(PREFIX)/share/ilulog/$(d)) &&) true

# The packages of docs/debian from what is built, into $(B)/deb.
deb: export ILU_MAKE = env -u MAKEFLAGS -u MFLAGS $(MAKE) -s -C $(CURDIR) B='$(abspath $(B))' CC='$(CC)' CXX='$(CXX)' \
                       CFLAGS='$(CFLAGS)' WARN='$(WARN)' CPPFLAGS='$(CPPFLAGS)' LDFLAGS='$(LDFLAGS)'
deb: export DEB_BUILD_OPTIONS = noautodbgsym
.PHONY: deb
deb: all
	@rm -rf $(B)/deb && mkdir -p $(B)/deb/ilulog && cp -r docs/debian $(B)/deb/ilulog
	@cd $(B)/deb/ilulog && dpkg-buildpackage -b -us -uc
	@ls $(B)/deb/*.deb

# Manual pages as a terminal shows them: what the formatter warns of.
.PHONY: man
man:
	@for m in $(MAN); do \
		LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l -Tutf8 $$m 2>&1 > /dev/null | sed "s|^|$$m: |"; \
		! command -v mandoc > /dev/null || mandoc -T lint -W error $$m; \
	done | { ! grep .; }

clean:
	rm -rf $(B) $(B)-asan $(B)-tsan $(B)-fuzz $(B)-arm64 $(B)-arm64-bare

help:
	@echo 'make               build $(B)/bin and $(B)/lib'
	@echo 'make demo          build, run the sample daemon, load its logs, show what the analyzer answers'
	@echo 'make demo-kvd      build, kill a sample server under load, show that its log has all that it acknowledged'
	@echo 'make check         build and run every test (installs missing packages, and says so)'
	@echo 'make soak          check and check-cluster, with all the tries at random that they leave out: an hour'
	@echo 'make check-unit    the unit tests alone'
	@echo 'make check-golden  the golden tests alone; CASE="load*" some of them, UPDATE=1 rewrites what they expect'
	@echo 'make check-scale   what a line costs in a log four times as large (4.4 GB in the temporary directory)'
	@echo 'make check-cluster a push onto three ClickHouse servers on loopback, compared (clickhouse-server; skipped where it is missing)'
	@echo 'make check-consumers  exports read by OpenTelemetry, Perfetto, pandas and DuckDB (pip; skipped where it is missing)'
	@echo 'make check-browser the page of a report in a headless Chromium (node, npm, chromium; skipped where they are missing)'
	@echo 'make check-asan    the same as check under the address and undefined-behaviour sanitizers'
	@echo 'make check-tsan    the tests of the library, a daemon on it and a load, under the thread sanitizer'
	@echo 'make check-fuzz    a short run of every fuzz target (clang)'
	@echo 'make format        lay out the C files as .clang-format says (clang-format 14); check-format only looks'
	@echo 'make check-arm64   the library built for arm64, encoder and escaping tested there (qemu-user)'
	@echo 'make bench         measure; BENCH=log|load|model|clock|scale for one group; figures also in $(B)/bench.jsonl'
	@echo 'make lib           the library alone: needs jansson, and nothing of the analyzer'
	@echo 'make install       into PREFIX ($(PREFIX)), below DESTDIR'
	@echo 'make install-lib   the same for the library alone'
	@echo 'make deb           Debian packages of what is built, in $(B)/deb'
	@echo 'make man           the manual pages: what the formatter warns of'
	@echo 'make clean         remove $(B) and the sanitizers'"'"' build directories'
	@echo 'Yours to set: B (build directory), CC, CXX, CFLAGS, LDFLAGS, WARN, PREFIX, LIBDIR, EXTDIR, DOCDIR, DESTDIR,'
	@echo 'CROSS_COMPILE, AR, LD, NM, OBJCOPY, PKG_CONFIG; V=1 shows the commands.'

print-%:
	@echo '$($*)'

force:
.PHONY: all programs check check-built soak check-unit check-threads check-headers check-golden check-scale check-differential check-browser check-asan check-tsan check-fuzz fuzz-built format check-format bench demo install clean help force
.PHONY: check-cluster check-consumers
.DELETE_ON_ERROR:
.SECONDARY:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
