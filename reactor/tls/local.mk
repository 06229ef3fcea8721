# SPDX-License-Identifier: MIT
# The TLS transport, part of the reactor's archive: the one place that knows wolfSSL and libcrypto.
reactor_libreactor_a_SOURCES += \
	reactor/tls/dername.c \
	reactor/tls/dername.h \
	reactor/tls/tls.h \
	reactor/tls/tlsconn.h \
	reactor/tls/tlspeer.c \
	reactor/tls/tlspeer.h
if WITH_WOLFSSL
reactor_libreactor_a_SOURCES += \
	reactor/tls/tickets.c \
	reactor/tls/tickets.h \
	reactor/tls/tls.c \
	reactor/tls/tlscert.c \
	reactor/tls/tlscert.h \
	reactor/tls/tlsciphers.c \
	reactor/tls/tlsciphers.h \
	reactor/tls/tlsconn.c \
	reactor/tls/tlscrypto.c \
	reactor/tls/tlscrypto.h \
	reactor/tls/tlsfile.c \
	reactor/tls/tlsfile.h \
	reactor/tls/tlshello.c \
	reactor/tls/tlshello.h \
	reactor/tls/tlsinfo.c \
	reactor/tls/tlsinfo.h \
	reactor/tls/tlsnames.c \
	reactor/tls/tlsnames.h \
	reactor/tls/tlsrecord.c \
	reactor/tls/tlsstate.h \
	reactor/tls/tlsstore.h
if WITH_LIBCRYPTO
reactor_libreactor_a_SOURCES += \
	reactor/tls/tlsevp.c \
	reactor/tls/tlsevp.h \
	reactor/tls/tlspkey.c \
	reactor/tls/tlspkey.h
endif
else
reactor_libreactor_a_SOURCES += reactor/tls/notls.c
EXTRA_DIST += reactor/tls/notls.c
endif
