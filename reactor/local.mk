# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += reactor/libreactor.a
reactor_libreactor_a_CPPFLAGS = $(YMO_CPPFLAGS)
reactor_libreactor_a_SOURCES = \
	reactor/reactor.h
