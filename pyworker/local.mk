# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
# The only folder that is given the interpreter's include directory.
pyworker_sources = \
	pyworker/pyworker.h

# Named for the distribution also where --disable-wsgi leaves the archive out.
EXTRA_DIST += $(pyworker_sources)

if WITH_WSGI
noinst_LIBRARIES += pyworker/libpyworker.a
pyworker_libpyworker_a_CPPFLAGS = $(YMO_CPPFLAGS) $(PYTHON_CPPFLAGS)
pyworker_libpyworker_a_SOURCES = $(pyworker_sources)
endif
