# SPDX-License-Identifier: MIT
# The unit tests of config/, one file a line: a file registers its suites itself (YMO_SUITE). With the
# first file here, add the program: unit_programs += tests/unit-config
tests_unit_config_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_config_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) config/libconfig.a base/libbase.a $(YAML_LIBS)
tests_unit_config_SOURCES =
