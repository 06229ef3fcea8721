# SPDX-License-Identifier: MIT
# A file of this folder is named in the list below, one a line, and nowhere else.
# The codecs live in folders of their own (http1/, uwsgi/) but share one archive.
noinst_LIBRARIES += protocols/libprotocols.a
protocols_libprotocols_a_CPPFLAGS = $(YMO_CPPFLAGS)
protocols_libprotocols_a_SOURCES = \
	protocols/cgi/cgi.h \
	protocols/cgi/cgi_finish.c \
	protocols/cgi/cgi_head.c \
	protocols/cgi/cgi_path.c \
	protocols/cgi/cgi_vars.c \
	protocols/codec.c \
	protocols/codec.h \
	protocols/fastcgi/fcgi.c \
	protocols/fastcgi/fcgi.h \
	protocols/fastcgi/fcgi_params.c \
	protocols/fastcgi/fcgi_state.h \
	protocols/fastcgi/fcgi_write.c \
	protocols/headtext.c \
	protocols/headtext.h \
	protocols/http1/http1.c \
	protocols/http1/http1.h \
	protocols/http1/http1_chunk.c \
	protocols/http1/http1_chunk.h \
	protocols/http1/http1_class.h \
	protocols/http1/http1_head.c \
	protocols/http1/http1_parse.c \
	protocols/http1/http1_state.h \
	protocols/http1/http1_target.c \
	protocols/http1/http1_write.c \
	protocols/uwsgi/uwsgi.c \
	protocols/uwsgi/uwsgi.h \
	protocols/uwsgi/uwsgi_packet.c \
	protocols/uwsgi/uwsgi_packet.h
