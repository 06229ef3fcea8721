# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += base/libbase.a
base_libbase_a_CPPFLAGS = $(YMO_CPPFLAGS)
base_libbase_a_SOURCES = \
	base/arena.c \
	base/arena.h \
	base/bell.c \
	base/bell.h \
	base/buf.c \
	base/buf.h \
	base/clock.c \
	base/clock.h \
	base/err.c \
	base/err.h \
	base/list.h \
	base/log.c \
	base/log.h \
	base/nofile.c \
	base/nofile.h \
	base/parker.c \
	base/parker.h \
	base/slice.h
