# SPDX-License-Identifier: MIT
# Fuzz targets (libFuzzer), built by `./dev fuzz` alone. For tests/fuzz/fuzz_x.c add to the list
# and the lines below. Seeds are in tests/fuzz/corpus/x/, a dictionary in tests/fuzz/fuzz_x.dict.
#     fuzz_programs += tests/fuzz/fuzz_x
#     tests_fuzz_fuzz_x_SOURCES = tests/fuzz/fuzz_x.c
#     tests_fuzz_fuzz_x_LDADD = protocols/libprotocols.a … base/libbase.a
#     tests_fuzz_fuzz_x_LDFLAGS = $(FUZZ_LDFLAGS)
fuzz_programs =
fuzz_programs += tests/fuzz/fuzz_fcgi
fuzz_programs += tests/fuzz/fuzz_http1
if WITH_WOLFSSL
fuzz_programs += tests/fuzz/fuzz_tlshello
endif
fuzz_programs += tests/fuzz/fuzz_uwsgi
EXTRA_PROGRAMS += $(fuzz_programs)
FUZZ_LDFLAGS = -fsanitize=fuzzer

tests_fuzz_fuzz_fcgi_SOURCES = \
	tests/fuzz/fuzz_fcgi.c \
	tests/protocols/cgi_names.c \
	tests/protocols/cgi_names.h \
	tests/protocols/codec_run.c \
	tests/protocols/codec_run.h \
	tests/protocols/fcgi_run.c \
	tests/protocols/fcgi_run.h
tests_fuzz_fuzz_fcgi_LDADD = protocols/libprotocols.a request/librequest.a base/libbase.a $(HTTP_PARSER_LIBS)
tests_fuzz_fuzz_fcgi_LDFLAGS = $(FUZZ_LDFLAGS)

tests_fuzz_fuzz_http1_SOURCES = \
	tests/fuzz/fuzz_http1.c \
	tests/protocols/cgi_names.c \
	tests/protocols/cgi_names.h \
	tests/protocols/codec_run.c \
	tests/protocols/codec_run.h
tests_fuzz_fuzz_http1_LDADD = protocols/libprotocols.a request/librequest.a base/libbase.a $(HTTP_PARSER_LIBS)
tests_fuzz_fuzz_http1_LDFLAGS = $(FUZZ_LDFLAGS)

tests_fuzz_fuzz_tlshello_SOURCES = \
	tests/fuzz/fuzz_tlshello.c \
	tests/reactor/tlshello_run.c \
	tests/reactor/tlshello_run.h
tests_fuzz_fuzz_tlshello_LDADD = reactor/libreactor.a base/libbase.a
tests_fuzz_fuzz_tlshello_LDFLAGS = $(FUZZ_LDFLAGS)

tests_fuzz_fuzz_uwsgi_SOURCES = \
	tests/fuzz/fuzz_uwsgi.c \
	tests/protocols/cgi_names.c \
	tests/protocols/cgi_names.h \
	tests/protocols/codec_run.c \
	tests/protocols/codec_run.h
tests_fuzz_fuzz_uwsgi_LDADD = protocols/libprotocols.a request/librequest.a base/libbase.a $(HTTP_PARSER_LIBS)
tests_fuzz_fuzz_uwsgi_LDFLAGS = $(FUZZ_LDFLAGS)

.PHONY: fuzz-programs
fuzz-programs: $(fuzz_programs)

.PHONY: list-fuzz-programs
list-fuzz-programs:
	@echo $(fuzz_programs)
