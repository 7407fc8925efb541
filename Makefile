# ilulog - make help lists the targets.
#
# B is the build directory; CC, CFLAGS, LDFLAGS are yours. V=1 shows the commands.

B       ?= build
CC      ?= gcc
CXX     ?= g++
PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
WARN    ?= -Wall -Wextra
LIBDIR  ?= $(PREFIX)/lib
VERSION := 0.1.0
SOMAJOR := 0

Q := $(if $(V),,@)
say = @printf '  %-7s %s\n'

# Headers that the build makes from schema/ are under $(B)/gen. PKGS is looked up once, by pkg-config.
PKGS         := jansson libzstd sqlite3 zlib
PKG_CFLAGS    = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
ALL_CPPFLAGS  = -D_GNU_SOURCE -Iliblog/include -Iliblog/src -Ianalyzer -I$(B)/gen -DILU_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS    = -std=gnu11 -fPIC -fvisibility=hidden -pthread $(WARN) $(CFLAGS) $(PKG_CFLAGS)
JANSSON       = $(shell pkg-config --libs jansson)
LOGQ_LIBS     = $(shell pkg-config --libs jansson libzstd sqlite3 zlib readline) -lm

# ---- liblog -------------------------------------------------------------------------------------------------------
LIBLOG_SRC :=

# ---- analyzer -----------------------------------------------------------------------------------------------------
# Everything but the entry points: linked into ilu-logq, into the tests and into the loadable extension.
INGEST_SRC :=
STORE_SRC  :=
MODEL_SRC  :=
LOAD_SRC   :=
QUERY_SRC  :=
RENDER_SRC :=
SHELL_SRC  :=

ANALYZER_SRC := $(INGEST_SRC) $(STORE_SRC) $(MODEL_SRC) $(LOAD_SRC) $(QUERY_SRC) $(RENDER_SRC) $(SHELL_SRC)

# ---- samples ------------------------------------------------------------------------------------------------------
FAAS_SIM_SRC :=

# ---- tests --------------------------------------------------------------------------------------------------------
# One program a module: tests/unit/NAME.c, linked with cmocka and what it tests.
LIBLOG_TESTS   :=
ANALYZER_TESTS :=

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

all:

$(B)/obj/%.o: %.c | deps-built
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

.PHONY: all deps-built
deps-built:

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
