# SPDX-License-Identifier: MIT
# The unit tests of reactor/, one file a line: a file registers its suites itself (YMO_SUITE). With the
# first file here, add the program: unit_programs += tests/unit-reactor
tests_unit_reactor_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_reactor_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) reactor/libreactor.a protocols/libprotocols.a \
	request/librequest.a base/libbase.a $(EV_LIBS) $(HTTP_PARSER_LIBS)
tests_unit_reactor_SOURCES =
