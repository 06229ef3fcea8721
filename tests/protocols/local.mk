# SPDX-License-Identifier: MIT
# The unit tests of protocols/, one file a line: a file registers its suites itself (YMO_SUITE). With the
# first file here, add the program: unit_programs += tests/unit-protocols
tests_unit_protocols_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_protocols_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) protocols/libprotocols.a request/librequest.a base/libbase.a \
	$(HTTP_PARSER_LIBS)
tests_unit_protocols_SOURCES = \
	tests/protocols/cgi_names.c \
	tests/protocols/cgi_names.h \
	tests/protocols/codec_run.c \
	tests/protocols/codec_run.h \
	tests/protocols/codec_vector.c \
	tests/protocols/codec_vector.h \
	tests/protocols/fcgi_make.c \
	tests/protocols/fcgi_make.h \
	tests/protocols/fcgi_run.c \
	tests/protocols/fcgi_run.h \
	tests/protocols/test_cgi_head.c \
	tests/protocols/test_cgi_path.c \
	tests/protocols/test_cgi_vars.c \
	tests/protocols/test_codec_corpus.c \
	tests/protocols/test_fcgi.c \
	tests/protocols/test_fcgi_limits.c \
	tests/protocols/test_fcgi_write.c \
	tests/protocols/test_http1_body.c \
	tests/protocols/test_http1_head.c \
	tests/protocols/test_http1_limits.c \
	tests/protocols/test_http1_vars.c \
	tests/protocols/test_http1_write.c \
	tests/protocols/test_uwsgi.c \
	tests/protocols/uwsgi_make.c \
	tests/protocols/uwsgi_make.h
unit_programs += tests/unit-protocols
