# SPDX-License-Identifier: MIT
# The unit tests of base/, one file a line: a file registers its suites itself (YMO_SUITE).
unit_programs += tests/unit-base
tests_unit_base_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_base_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) base/libbase.a
tests_unit_base_SOURCES = \
	tests/base/test_arena.c \
	tests/base/test_bell.c \
	tests/base/test_buf.c \
	tests/base/test_list.c \
	tests/base/test_log.c \
	tests/base/test_nofile.c \
	tests/base/test_parker.c
