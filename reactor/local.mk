# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += reactor/libreactor.a
reactor_libreactor_a_CPPFLAGS = $(YMO_CPPFLAGS) $(WOLFSSL_CPPFLAGS)
reactor_libreactor_a_SOURCES = \
	reactor/board.c \
	reactor/board.h \
	reactor/conn.c \
	reactor/conn.h \
	reactor/deadline.c \
	reactor/deadline.h \
	reactor/dispatch.c \
	reactor/forkguard.c \
	reactor/forkguard.h \
	reactor/handmsg.c \
	reactor/handmsg.h \
	reactor/handoff.c \
	reactor/handoff.h \
	reactor/intake.c \
	reactor/intake.h \
	reactor/latewatch.c \
	reactor/latewatch.h \
	reactor/lifeline.c \
	reactor/lifeline.h \
	reactor/link.c \
	reactor/link.h \
	reactor/listener.c \
	reactor/loop.h \
	reactor/outq.c \
	reactor/outq.h \
	reactor/overdue.c \
	reactor/overdue.h \
	reactor/passfd.c \
	reactor/passfd.h \
	reactor/peername.c \
	reactor/peername.h \
	reactor/plain.c \
	reactor/pollset.c \
	reactor/pollset.h \
	reactor/reactor.c \
	reactor/reactor.h \
	reactor/recycle.c \
	reactor/recycle.h \
	reactor/redirect.c \
	reactor/redirect.h \
	reactor/signals.c \
	reactor/siblings.c \
	reactor/siblings.h \
	reactor/transport.h \
	reactor/webaddrs.c \
	reactor/webaddrs.h \
	reactor/writer.c
