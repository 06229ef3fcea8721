/* SPDX-License-Identifier: MIT */
/*
 * What a wire protocol is to the rest of the server: bytes in, events out; a response in, bytes
 * out. A codec does no I/O, reads no clock, keeps no globals and knows no thread; every function
 * runs on the thread that owns the connection, and none blocks.
 */
#ifndef YMO_PROTOCOLS_CODEC_H
#define YMO_PROTOCOLS_CODEC_H

#include "base/buf.h"
#include "base/slice.h"
#include "request/request.h"
#include "request/response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shared by all connections; from the settings. */
struct ymo_codec_limits {
    size_t request_line; /* bytes, without its CRLF → 414 */
    size_t header_bytes; /* request line and header section together → 431 */
    size_t headers;      /* fields → 431 */
    uint64_t max_body;   /* bytes → 413; 0 = no limit */
    int connections;     /* that the server accepts, for those who ask */
};

/*
 * What a connection lends its codec. Constant while the connection lives; the slices are NUL-free
 * and outlive the codec's state and every request it opens.
 */
struct ymo_codec_env {
    const struct ymo_codec_limits *limits;
    struct ymo_slice remote_addr, remote_port; /* "127.0.0.1", "50412"; empty for unix sockets */
    struct ymo_slice server_name, server_port; /* the listener's; empty for unix sockets */
    bool https;                                /* the transport is TLS */

    /*
     * A request to fill for exchange number `id` (unique among the connection's open ones). Called
     * inside feed, before the event that reports it, which may be BAD. NULL: no memory, answer 503.
     */
    struct ymo_request *(*open)(void *open_arg, uint32_t id);
    void *open_arg;
};

enum ymo_codec_what {
    YMO_CODEC_MORE,  /* everything usable was used: come back with more bytes */
    YMO_CODEC_HEAD,  /* request `id` is complete up to its body */
    YMO_CODEC_BODY,  /* `data` is the next piece of the body of `id` */
    YMO_CODEC_DONE,  /* the body of `id` ended without a further piece */
    YMO_CODEC_ABORT, /* nobody waits for `id` any more: forget it; `data`, if any, is sent now */
    YMO_CODEC_REPLY, /* `data` is protocol-level output to be sent now */
    YMO_CODEC_BAD,   /* unusable input: answer `status` (0: just close), then close */
};

struct ymo_codec_event {
    enum ymo_codec_what what;
    uint32_t id;
    /* HEAD, BODY: the request's body ends here; no DONE follows. ABORT, REPLY: so does the
     * connection, once `data` is sent. */
    bool last;
    struct ymo_slice
        data;        /* BODY: inside the input; ABORT, REPLY: the codec's, until the next feed */
    int status;      /* BAD */
    const char *why; /* BAD, ABORT: static text for the log ("bare LF in the head"), or NULL */
};

/* What the caller knows at the moment a head is written. */
struct ymo_codec_out {
    struct ymo_slice date;   /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    struct ymo_slice server; /* value of the Server header; empty = do not send it */
    /* Value of Strict-Transport-Security for responses over TLS; empty = do not send it. */
    struct ymo_slice hsts;
    bool close; /* the connection will not be used again: say so */
};

struct ymo_codec_ops {
    const char *name;  /* "http" */
    size_t state_size; /* bytes of per-connection state, part of the connection */
    unsigned max_open; /* exchanges a connection may have open at once; UINT_MAX: feed sees to it */
    /*
     * Once a request was received whole and nothing of its answer was written, a fresh state that
     * is fed the bytes of its HEAD event and then its body comes to where this one is. Promised for
     * bodies of an announced length. max_open is 1.
     */
    bool portable;
    /*
     * Peers are front ends. None of them closes one direction alone: the end of what one sends
     * means that it is gone, and that nobody waits for the answers that are due. And what is known
     * of the connection, such as its TLS, says nothing about the client.
     */
    bool front_end;

    /* `env` outlives the state. fini frees what the state owns (also mid-request). */
    void (*init)(void *state, const struct ymo_codec_env *env);
    void (*fini)(void *state);

    /*
     * Look at `in` (everything received and not yet consumed), return how many bytes of it are
     * done with, and one event. Bytes not consumed are offered again, at any address, followed by
     * newer ones; the codec remembers what it has already scanned. After BAD it is not called
     * again. With max_open == 1 it is not called between an event with `last` (or DONE) and
     * ops->next.
     */
    size_t (*feed)(void *state, struct ymo_slice in, struct ymo_codec_event *event_r);

    /* Nothing more will come from the peer. BAD when that cuts something short, else MORE. */
    void (*eof)(void *state, struct ymo_codec_event *event_r);

    /* True between the first byte of a request and its HEAD event: the head deadline applies. */
    bool (*in_head)(const void *state);

    /* Append the response head. 0 or YMO_ENOMEM. */
    int (*head)(void *state, uint32_t id, const struct ymo_response *resp,
                const struct ymo_codec_out *out, struct ymo_buf *dst);
    /*
     * Append what precedes a piece of body of at most `len` > 0 bytes and return in *take_r how
     * many of them this frame covers (all, unless the protocol bounds it). Then the caller sends
     * those bytes, then what `unframe` appends. 0 or YMO_ENOMEM.
     */
    int (*frame)(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r);
    int (*unframe)(void *state, uint32_t id, struct ymo_buf *dst);
    /* Append what ends a complete response. 0 or YMO_ENOMEM. */
    int (*end)(void *state, uint32_t id, struct ymo_buf *dst);
    /*
     * Append a whole response that the server itself gives: `status` with a short text. For an
     * exchange whose head was not sent, or for a BAD event (id 0). Says that the connection will
     * close when out->close is set or the request was not read whole. 0 or YMO_ENOMEM.
     */
    int (*fail)(void *state, uint32_t id, int status, const struct ymo_codec_out *out,
                struct ymo_buf *dst);
    /*
     * Append `text` about exchange `id` for the log of the front end: before its head (when it may
     * be kept back until then) or after, never after its end. 0 or YMO_ENOMEM. NULL where the
     * protocol has no place for it.
     */
    int (*note)(void *state, uint32_t id, struct ymo_slice text, struct ymo_buf *dst);
    /* Append "go on, send the body" (100 Continue); nothing where the protocol has no such thing.
     */
    int (*proceed)(void *state, uint32_t id, struct ymo_buf *dst);

    /*
     * The exchange's request has been read and its response written whole: forget it. True when
     * the connection may carry another one.
     */
    bool (*next)(void *state, uint32_t id);
    /* Would `next` say true, as things stand? Asked before the head is written. */
    bool (*may_persist)(const void *state, uint32_t id);
    /*
     * Once the head is written: does the protocol show that a response broke off? If not, only a
     * reset of the connection can.
     */
    bool (*framed)(const void *state, uint32_t id);
    /*
     * Append, in place of the end of a response that broke off and is not framed, what shows the
     * peer that something is wrong: for unix sockets, which know no reset. The connection ends
     * after it. 0 or YMO_ENOMEM. NULL: the protocol has no such thing.
     */
    int (*cut)(void *state, struct ymo_buf *dst);
};

/* The codec for "http", "fastcgi" or "uwsgi"; NULL when this build has none of that name. */
const struct ymo_codec_ops *ymo_codec_find(const char *name);

#endif
