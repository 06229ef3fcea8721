# SPDX-License-Identifier: MIT
# The unit tests of reactor/, one file a line: a file registers its suites itself (YMO_SUITE).
unit_programs += tests/unit-reactor
tests_unit_reactor_CPPFLAGS = $(YMO_CPPFLAGS) $(WOLFSSL_CPPFLAGS) $(CUNIT_CFLAGS)
tests_unit_reactor_LDADD = tests/libtestsupport.a $(CUNIT_LIBS) reactor/libreactor.a protocols/libprotocols.a \
	request/librequest.a base/libbase.a $(EV_LIBS) $(TLS_LIBS) $(HTTP_PARSER_LIBS)
tests_unit_reactor_SOURCES = \
	tests/protocols/fcgi_make.c \
	tests/protocols/fcgi_make.h \
	tests/protocols/uwsgi_make.c \
	tests/protocols/uwsgi_make.h \
	tests/reactor/test_board.c \
	tests/reactor/test_deadline.c \
	tests/reactor/test_dername.c \
	tests/reactor/test_fairness.c \
	tests/reactor/test_fastcgi.c \
	tests/reactor/test_fastcgi_ends.c \
	tests/reactor/test_front_end.c \
	tests/reactor/test_handoff.c \
	tests/reactor/test_lifeline.c \
	tests/reactor/test_link.c \
	tests/reactor/test_notes.c \
	tests/reactor/test_outq.c \
	tests/reactor/test_overdue.c \
	tests/reactor/test_passfd.c \
	tests/reactor/test_recycle.c \
	tests/reactor/test_redirect.c \
	tests/reactor/test_serving.c \
	tests/reactor/test_siblings.c \
	tests/reactor/test_signals.c \
	tests/reactor/test_stopping.c \
	tests/reactor/test_tlspeer.c \
	tests/reactor/test_trouble.c \
	tests/reactor/test_peername.c \
	tests/reactor/test_webaddrs.c \
	tests/support/clock_step.c \
	tests/support/clock_step.h \
	tests/support/death.c \
	tests/support/death.h \
	tests/support/echo_executor.c \
	tests/support/echo_executor.h \
	tests/support/fail_accept.c \
	tests/support/fail_accept.h \
	tests/support/fake_clock.c \
	tests/support/fake_clock.h \
	tests/support/fcgi_client.c \
	tests/support/fcgi_client.h \
	tests/support/http_client.c \
	tests/support/http_client.h \
	tests/support/test_place.c \
	tests/support/test_place.h \
	tests/support/test_server.c \
	tests/support/test_server.h
if WITH_WOLFSSL
tests_unit_reactor_SOURCES += \
	tests/reactor/test_tickets.c \
	tests/reactor/test_tlscert.c \
	tests/reactor/test_tlscrypto.c \
	tests/reactor/test_tlshello.c \
	tests/reactor/test_tlsnames.c \
	tests/reactor/test_tlsshake.c \
	tests/reactor/tlshello_run.c \
	tests/reactor/tlshello_run.h
endif
if WITH_LIBCRYPTO
# The client is OpenSSL's: another implementation than the server's.
tests_unit_reactor_LDADD += -lssl $(TLS_LIBS)
tests_unit_reactor_SOURCES += \
	tests/reactor/test_tlsconn.c \
	tests/reactor/test_tlsmutants.c \
	tests/reactor/test_tlsrecord.c \
	tests/reactor/test_tlspkey.c \
	tests/reactor/tls_keys.c \
	tests/reactor/tls_keys.h \
	tests/support/tls_client.c \
	tests/support/tls_client.h \
	tests/support/tls_site.c \
	tests/support/tls_site.h
# What TLS costs the processor: make tests/bench-crypto && tests/bench-crypto
EXTRA_PROGRAMS += tests/bench-crypto
CLEANFILES += tests/bench-crypto$(EXEEXT)
tests_bench_crypto_CPPFLAGS = $(YMO_CPPFLAGS) $(WOLFSSL_CPPFLAGS)
tests_bench_crypto_LDADD = reactor/libreactor.a base/libbase.a $(TLS_LIBS)
tests_bench_crypto_SOURCES = \
	tests/bench/crypto.c \
	tests/reactor/tls_keys.c
endif
