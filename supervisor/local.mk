# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += supervisor/libsupervisor.a
supervisor_libsupervisor_a_CPPFLAGS = $(YMO_CPPFLAGS)
supervisor_libsupervisor_a_SOURCES = \
	supervisor/sockets.c \
	supervisor/sockets.h
