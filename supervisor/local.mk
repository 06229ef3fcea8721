# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += supervisor/libsupervisor.a
supervisor_libsupervisor_a_CPPFLAGS = $(YMO_CPPFLAGS)
supervisor_libsupervisor_a_SOURCES = \
	supervisor/binding.c \
	supervisor/binding.h \
	supervisor/fate.c \
	supervisor/fate.h \
	supervisor/fleet.c \
	supervisor/fleet.h \
	supervisor/generation.c \
	supervisor/handover.c \
	supervisor/handover.h \
	supervisor/notify.c \
	supervisor/notify.h \
	supervisor/pidfile.c \
	supervisor/pidfile.h \
	supervisor/reload.c \
	supervisor/sockets.c \
	supervisor/sockets.h \
	supervisor/spawn.c \
	supervisor/stdsocket.c \
	supervisor/stdsocket.h \
	supervisor/supervisor.c \
	supervisor/supervisor.h \
	supervisor/upgrade.c
