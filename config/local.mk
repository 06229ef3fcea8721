# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += config/libconfig.a
config_libconfig_a_CPPFLAGS = $(YMO_CPPFLAGS) $(YAML_CFLAGS)
config_libconfig_a_SOURCES = \
	config/settings.h
