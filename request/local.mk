# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
noinst_LIBRARIES += request/librequest.a
request_librequest_a_CPPFLAGS = $(YMO_CPPFLAGS)
request_librequest_a_SOURCES = \
	request/body.c \
	request/body.h \
	request/exchange.c \
	request/exchange.h \
	request/executor.h \
	request/mailbox.c \
	request/mailbox.h \
	request/queue.c \
	request/queue.h \
	request/request.c \
	request/request.h \
	request/response.c \
	request/response.h \
	request/var.c \
	request/var.h
