# SPDX-License-Identifier: MIT
# The unit tests of supervisor/, one file a line: a file registers its suites itself (YMO_SUITE).
unit_programs += tests/unit-supervisor
tests_unit_supervisor_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_supervisor_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) supervisor/libsupervisor.a \
	reactor/libreactor.a protocols/libprotocols.a request/librequest.a config/libconfig.a \
	base/libbase.a $(EV_LIBS) $(TLS_LIBS) $(HTTP_PARSER_LIBS) $(YAML_LIBS)
tests_unit_supervisor_SOURCES = \
	tests/supervisor/test_fate.c \
	tests/supervisor/test_handover.c \
	tests/supervisor/test_notify.c \
	tests/supervisor/test_pidfile.c \
	tests/supervisor/test_reopen.c \
	tests/supervisor/test_sockets.c \
	tests/supervisor/test_supervisor.c
