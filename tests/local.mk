# SPDX-License-Identifier: MIT
# A folder's unit tests are one program; its sources are in tests/<folder>/local.mk. Programs that
# the integration tests start, and every file that only travels with the source, are named here.
unit_programs =
EXTRA_PROGRAMS =
check_LIBRARIES =
if HAVE_CUNIT
unit_tests = $(unit_programs)
check_PROGRAMS = $(unit_programs) $(stub_programs)
check_LIBRARIES += tests/libtestsupport.a
else
check-local:
	@echo "The unit tests need CUnit, which configure did not find." >&2
	@echo "Install it (Debian: apt-get install libcunit1-dev), then configure again." >&2
	@exit 1
endif
tests_libtestsupport_a_CPPFLAGS = $(YMO_CPPFLAGS) $(CUNIT_CFLAGS)
tests_libtestsupport_a_SOURCES = \
	tests/support/capture.c \
	tests/support/capture.h \
	tests/support/test.c \
	tests/support/test.h

TESTS = $(unit_tests) tests/check-layers.sh tests/check-tree.sh
TESTS_ENVIRONMENT = CC='$(CC)' NM='$(NM)' YMO_SRC='$(srcdir)'

# The server as it is where configure found no wolfSSL: the stub is linked before the archive.
stub_programs =
if WITH_WSGI
stub_programs += tests/without-tls
tests_without_tls_SOURCES = main.c reactor/tls/notls.c
tests_without_tls_CPPFLAGS = $(yimmo_wsgi_CPPFLAGS)
tests_without_tls_LDFLAGS = $(yimmo_wsgi_LDFLAGS)
tests_without_tls_LDADD = $(yimmo_wsgi_LDADD)
TESTS += tests/check-without-tls.sh
endif

EXTRA_DIST += \
	tests/check-layers.sh \
	tests/check-tree.sh \
	tests/check-without-tls.sh \
	tests/support/lsan.supp \
	tests/support/tsan.supp

# pytest collects whatever is there, so the folder is taken whole (dist-hook in Makefile.am).
include tests/base/local.mk
include tests/config/local.mk
include tests/request/local.mk
include tests/protocols/local.mk
include tests/reactor/local.mk
include tests/supervisor/local.mk
include tests/fuzz/local.mk
