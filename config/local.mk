# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += config/libconfig.a
config_libconfig_a_CPPFLAGS = $(YMO_CPPFLAGS) $(YAML_CFLAGS)
config_libconfig_a_SOURCES = \
	config/addr.c \
	config/addr.h \
	config/check.c \
	config/check.h \
	config/cli.c \
	config/env.c \
	config/loader.c \
	config/loader.h \
	config/quote.c \
	config/quote.h \
	config/settings.c \
	config/settings.h \
	config/settings_docs.c \
	config/settings_docs.h \
	config/settings_print.c \
	config/settings_print.h \
	config/suggest.c \
	config/suggest.h \
	config/table.c \
	config/table.h \
	config/value.c \
	config/value.h \
	config/yaml.c
