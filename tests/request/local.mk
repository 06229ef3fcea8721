# SPDX-License-Identifier: MIT
# The unit tests of request/, one file a line: a file registers its suites itself (YMO_SUITE).
unit_programs += tests/unit-request
tests_unit_request_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_request_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) request/librequest.a base/libbase.a
tests_unit_request_SOURCES = \
	tests/request/test_body.c \
	tests/request/test_exchange.c \
	tests/request/test_mailbox.c \
	tests/request/test_queue.c \
	tests/request/test_request.c \
	tests/request/test_response.c \
	tests/request/test_var.c \
	tests/support/death.c \
	tests/support/death.h
