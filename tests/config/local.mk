# SPDX-License-Identifier: MIT
# The unit tests of config/, one file a line: a file registers its suites itself (YMO_SUITE).
unit_programs += tests/unit-config
tests_unit_config_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_config_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) config/libconfig.a base/libbase.a $(YAML_LIBS)
tests_unit_config_SOURCES = \
	tests/config/config_run.c \
	tests/config/config_run.h \
	tests/config/test_addr.c \
	tests/config/test_cli.c \
	tests/config/test_env.c \
	tests/config/test_settings.c \
	tests/config/test_tls_settings.c \
	tests/config/test_yaml.c

# Writes what is generated from the settings table into the source tree; a test tells when to.
EXTRA_PROGRAMS += tests/gen-docs
CLEANFILES += tests/gen-docs$(EXEEXT)
tests_gen_docs_CPPFLAGS = $(YMO_CPPFLAGS)
tests_gen_docs_LDADD = config/libconfig.a base/libbase.a $(YAML_LIBS)
tests_gen_docs_SOURCES = tests/config/gen_docs.c
.PHONY: docs
docs: tests/gen-docs$(EXEEXT)
	tests/gen-docs$(EXEEXT) $(top_srcdir)
