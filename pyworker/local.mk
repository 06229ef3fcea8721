# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
# The only folder that is given the interpreter's include directory.
pyworker_sources = \
	pyworker/apploader.c \
	pyworker/apploader.h \
	pyworker/call.c \
	pyworker/call.h \
	pyworker/environ.c \
	pyworker/environ.h \
	pyworker/errors.c \
	pyworker/errors.h \
	pyworker/file_wrapper.c \
	pyworker/file_wrapper.h \
	pyworker/greens.c \
	pyworker/greens.h \
	pyworker/input.c \
	pyworker/input.h \
	pyworker/interp.c \
	pyworker/interp.h \
	pyworker/invoke.c \
	pyworker/invoke.h \
	pyworker/monkey.c \
	pyworker/monkey.h \
	pyworker/nogil.c \
	pyworker/nogil.h \
	pyworker/notes.c \
	pyworker/notes.h \
	pyworker/output.c \
	pyworker/output.h \
	pyworker/pyarena.c \
	pyworker/pyarena.h \
	pyworker/pycompat.h \
	pyworker/pyfork.c \
	pyworker/pyfork.h \
	pyworker/pylog.c \
	pyworker/pylog.h \
	pyworker/pysignal.c \
	pyworker/pysignal.h \
	pyworker/pystate.c \
	pyworker/pystate.h \
	pyworker/pyworker.c \
	pyworker/pyworker.h \
	pyworker/report.c \
	pyworker/report.h \
	pyworker/stacks.c \
	pyworker/stacks.h \
	pyworker/start_response.c \
	pyworker/start_response.h \
	pyworker/watch.c \
	pyworker/watch.h \
	pyworker/wsgi_headers.c \
	pyworker/wsgi_headers.h

# Named for the distribution also where --disable-wsgi leaves the archive out.
EXTRA_DIST += $(pyworker_sources)

if WITH_WSGI
noinst_LIBRARIES += pyworker/libpyworker.a
# config.h names the interpreter: another one means that every file is compiled again.
pyworker_libpyworker_a_CPPFLAGS = $(YMO_CPPFLAGS) $(PYTHON_CPPFLAGS) -include config.h
pyworker_libpyworker_a_SOURCES = $(pyworker_sources)
endif
