/* SPDX-License-Identifier: MIT */
/* The codec's state, shared by its files. */
#ifndef YMO_PROTOCOLS_FASTCGI_FCGI_STATE_H
#define YMO_PROTOCOLS_FASTCGI_FCGI_STATE_H

#include "base/buf.h"
#include "protocols/codec.h"

#include <fastcgi.h>

enum {
    YMO_FCGI_MAX_OPEN = 64,           /* requests at once on a connection */
    YMO_FCGI_MAX_PARAMS = 256 * 1024, /* bytes of a request's variables */
    YMO_FCGI_MAX_VALUES = 4096,       /* bytes of a GET_VALUES record that are looked at */
    YMO_FCGI_RECORD = 32 * 1024,      /* most content in a record of ours: fair to the others */
};

enum ymo_fcgi_phase {
    YMO_FCGI_PARAMS, /* its variables are arriving */
    YMO_FCGI_READY,  /* they are all there; what comes first of STDIN says whether it has a body */
    YMO_FCGI_BODY,
    YMO_FCGI_READ, /* all of it is here */
};

struct ymo_fcgi_request {
    struct ymo_fcgi_request *next;
    uint16_t id;
    enum ymo_fcgi_phase phase;
    bool keep;      /* FCGI_KEEP_CONN */
    bool answering; /* its head has been written */
    bool announced; /* `length` says how long the body is */
    bool head_only;
    uint64_t length, got;
    struct ymo_buf params;
    struct ymo_buf notes; /* STDERR records that wait for the head */
};

struct ymo_fcgi {
    const struct ymo_codec_env *env;
    struct ymo_fcgi_request *requests;
    unsigned n_requests, n_heads; /* n_heads: PARAMS or READY */
    uint16_t bad_id;              /* whom a BAD event is about, 0 = nobody */
    bool closing;                 /* a request without KEEP_CONN has ended */
    bool over;

    /* the record being read */
    bool in_content;   /* its end has not been seen to */
    unsigned n_header; /* bytes of `header` that are here */
    FCGI_Header header;
    uint8_t type;
    uint16_t id;
    uint32_t content, padding; /* bytes still to come */
    struct ymo_fcgi_request *to;

    uint8_t pad;          /* what unframe appends */
    struct ymo_buf small; /* the content of a BEGIN or management record */
    struct ymo_buf reply;
};

/* ---- fcgi_params.c: name-value pairs (3.4) ---------------------------------------------- */

/*
 * The next pair of `in` from *at_r on, which is moved. 1; 0 at the end; -1: a length is cut short
 * or larger than what is left.
 */
int ymo_fcgi_params_next(struct ymo_slice in, size_t *at_r, struct ymo_slice *name_r,
                         struct ymo_slice *value_r) YMO_MUST_CHECK;

/* Append a pair. 0 or YMO_ENOMEM. */
int ymo_fcgi_params_put(struct ymo_buf *dst, struct ymo_slice name,
                        struct ymo_slice value) YMO_MUST_CHECK;

/* ---- fcgi_write.c: records and responses ------------------------------------------------ */

/* Append a record with `content`, padded to 8 bytes. Any length below 64 KiB. 0 or YMO_ENOMEM. */
int ymo_fcgi_write_record(struct ymo_buf *dst, uint8_t type, uint16_t id,
                          struct ymo_slice content) YMO_MUST_CHECK;
int ymo_fcgi_write_end_request(struct ymo_buf *dst, uint16_t id,
                               uint8_t protocol_status) YMO_MUST_CHECK;
/* A whole answer of the server's own and its end. */
int ymo_fcgi_write_refusal(struct ymo_buf *dst, uint16_t id, int status, bool head_only,
                           const struct ymo_codec_out *out) YMO_MUST_CHECK;

int ymo_fcgi_write_head(void *state, uint32_t id, const struct ymo_response *resp,
                        const struct ymo_codec_out *out, struct ymo_buf *dst);
int ymo_fcgi_write_frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r);
int ymo_fcgi_write_unframe(void *state, uint32_t id, struct ymo_buf *dst);
int ymo_fcgi_write_note(void *state, uint32_t id, struct ymo_slice text, struct ymo_buf *dst);
int ymo_fcgi_write_end(void *state, uint32_t id, struct ymo_buf *dst);
int ymo_fcgi_write_cut(void *state, struct ymo_buf *dst);
int ymo_fcgi_write_fail(void *state, uint32_t id, int status, const struct ymo_codec_out *out,
                        struct ymo_buf *dst);

/* ---- fcgi.c ----------------------------------------------------------------------------- */

struct ymo_fcgi_request *ymo_fcgi_find(const struct ymo_fcgi *f, uint32_t id);
/* It has its end, or none is due. */
void ymo_fcgi_forget(struct ymo_fcgi *f, struct ymo_fcgi_request *r);

#endif
