/* SPDX-License-Identifier: MIT */
/* What we send: records (3.3), heads, ends (5.5). */
#include "protocols/cgi/cgi.h"
#include "protocols/fastcgi/fcgi_state.h"

static const char zeros[8];

static FCGI_Header
header(uint8_t type, uint16_t id, size_t len)
{
    YMO_ASSERT(len <= FCGI_MAX_LENGTH);
    return (FCGI_Header){
        .version = FCGI_VERSION_1,
        .type = type,
        .requestIdB1 = (unsigned char)(id >> 8),
        .requestIdB0 = (unsigned char)id,
        .contentLengthB1 = (unsigned char)(len >> 8),
        .contentLengthB0 = (unsigned char)len,
        .paddingLength = (unsigned char)(-len & 7),
    };
}

int
ymo_fcgi_write_record(struct ymo_buf *dst, uint8_t type, uint16_t id, struct ymo_slice content)
{
    FCGI_Header h = header(type, id, content.len);
    int rc = ymo_buf_reserve(dst, sizeof(h) + content.len + h.paddingLength);
    if (rc == YMO_OK)
        rc = ymo_buf_append(dst, &h, sizeof(h));
    if (rc == YMO_OK)
        rc = ymo_buf_append_slice(dst, content);
    return rc < 0 ? rc : ymo_buf_append(dst, zeros, h.paddingLength);
}

int
ymo_fcgi_write_end_request(struct ymo_buf *dst, uint16_t id, uint8_t protocol_status)
{
    const FCGI_EndRequestBody body = {.protocolStatus = protocol_status};
    return ymo_fcgi_write_record(dst, FCGI_END_REQUEST, id,
                                 ymo_slice_of((const char *)&body, sizeof(body)));
}

/* A stream's next bytes, in as many records as it takes. */
static int
write_stream(struct ymo_buf *dst, uint8_t type, uint16_t id, struct ymo_slice text)
{
    int rc = YMO_OK;
    while (text.len > 0 && rc == YMO_OK) {
        size_t n = text.len < YMO_FCGI_RECORD ? text.len : YMO_FCGI_RECORD;
        rc = ymo_fcgi_write_record(dst, type, id, ymo_slice_of(text.data, n));
        text = ymo_slice_of(text.data + n, text.len - n);
    }
    return rc;
}

/* END_REQUEST is the last thing that is sent: nginx keeps no connection with more behind it. */
static int
write_end(struct ymo_buf *dst, uint16_t id)
{
    int rc = ymo_fcgi_write_record(dst, FCGI_STDOUT, id, ymo_slice_of("", 0));
    return rc < 0 ? rc : ymo_fcgi_write_end_request(dst, id, FCGI_REQUEST_COMPLETE);
}

/*
 * Text from before the head waits for it: nginx reads all that precedes the end of the head into
 * one buffer of 4 KiB, and takes what does not fit for a broken answer. A stream with no text has
 * no end either (6.2).
 */
int
ymo_fcgi_write_note(void *state, uint32_t id, struct ymo_slice text, struct ymo_buf *dst)
{
    struct ymo_fcgi_request *r = ymo_fcgi_find(state, id);
    if (!r)
        return YMO_OK;
    return write_stream(r->answering ? dst : &r->notes, FCGI_STDERR, r->id, text);
}

/* What has waited. */
static int
write_notes(struct ymo_buf *dst, struct ymo_fcgi_request *r)
{
    int rc = ymo_buf_append_slice(dst, ymo_buf_slice(&r->notes));
    ymo_buf_free(&r->notes);
    return rc;
}

/* A whole answer of the server's own, but for its end. */
static int
write_own(struct ymo_buf *dst, uint16_t id, int status, bool head_only,
          const struct ymo_codec_out *out)
{
    struct ymo_buf text = {0};
    int rc = ymo_cgi_head_fail(YMO_CGI_STATUS_FIELD, status, head_only, out, &text);
    if (rc == YMO_OK)
        rc = write_stream(dst, FCGI_STDOUT, id, ymo_buf_slice(&text));
    ymo_buf_free(&text);
    return rc;
}

int
ymo_fcgi_write_refusal(struct ymo_buf *dst, uint16_t id, int status, bool head_only,
                       const struct ymo_codec_out *out)
{
    int rc = write_own(dst, id, status, head_only, out);
    return rc < 0 ? rc : write_end(dst, id);
}

int
ymo_fcgi_write_head(void *state, uint32_t id, const struct ymo_response *resp,
                    const struct ymo_codec_out *out, struct ymo_buf *dst)
{
    struct ymo_fcgi_request *r = ymo_fcgi_find(state, id);
    FCGI_Header h = {0};
    size_t before = dst->len;
    YMO_ASSERT(r);
    r->answering = true;
    int rc = ymo_buf_append(dst, &h, sizeof(h));
    if (rc == YMO_OK)
        rc = ymo_cgi_head_write(YMO_CGI_STATUS_FIELD, resp, out, dst);
    if (rc < 0)
        return rc;
    size_t len = dst->len - before - sizeof(h);
    if (len <= YMO_FCGI_RECORD) {
        h = header(FCGI_STDOUT, r->id, len);
        memcpy(ymo_buf_data(dst) + before, &h, sizeof(h));
        rc = ymo_buf_append(dst, zeros, h.paddingLength);
        return rc < 0 || r->notes.len == 0 ? rc : write_notes(dst, r);
    }
    /* Hundreds of cookies: more than a record should have, or can. */
    struct ymo_buf text = {0};
    rc = ymo_buf_append(&text, ymo_buf_data(dst) + before + sizeof(h), len);
    dst->len = before;
    if (rc == YMO_OK)
        rc = write_stream(dst, FCGI_STDOUT, r->id, ymo_buf_slice(&text));
    ymo_buf_free(&text);
    return rc < 0 || r->notes.len == 0 ? rc : write_notes(dst, r);
}

int
ymo_fcgi_write_frame(void *state, uint32_t id, size_t len, struct ymo_buf *dst, size_t *take_r)
{
    struct ymo_fcgi *f = state;
    size_t n = len < YMO_FCGI_RECORD ? len : YMO_FCGI_RECORD;
    FCGI_Header h = header(FCGI_STDOUT, (uint16_t)id, n);
    f->pad = h.paddingLength;
    *take_r = n;
    return ymo_buf_append(dst, &h, sizeof(h));
}

int
ymo_fcgi_write_unframe(void *state, uint32_t id, struct ymo_buf *dst)
{
    struct ymo_fcgi *f = state;
    (void)id;
    return ymo_buf_append(dst, zeros, f->pad);
}

int
ymo_fcgi_write_end(void *state, uint32_t id, struct ymo_buf *dst)
{
    struct ymo_fcgi_request *r = ymo_fcgi_find(state, id);
    int rc = write_end(dst, (uint16_t)id);
    if (r)
        ymo_fcgi_forget(state, r);
    return rc;
}

/*
 * nginx takes the end of a connection for that of the response, END_REQUEST or not, and a record
 * that it has not asked for as an error. This one tells no values (4.1), and is empty because Caddy
 * passes on what is in any record but STDERR.
 */
int
ymo_fcgi_write_cut(void *state, struct ymo_buf *dst)
{
    (void)state;
    return ymo_fcgi_write_record(dst, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID,
                                 ymo_slice_of("", 0));
}

int
ymo_fcgi_write_fail(void *state, uint32_t id, int status, const struct ymo_codec_out *out,
                    struct ymo_buf *dst)
{
    struct ymo_fcgi *f = state;
    struct ymo_fcgi_request *r = ymo_fcgi_find(f, id ? id : f->bad_id), *next;
    int rc = YMO_OK;
    if (r) {
        rc = write_own(dst, r->id, status, r->head_only, out);
        if (rc == YMO_OK)
            rc = write_notes(dst, r);
        if (rc == YMO_OK)
            rc = write_end(dst, r->id);
        ymo_fcgi_forget(f, r);
        return rc;
    }
    /* Nobody in particular: whoever has not got as far as to have an exchange. */
    for (r = f->requests; r && rc == YMO_OK && id == 0; r = next) {
        next = r->next;
        if (r->phase != YMO_FCGI_PARAMS && r->phase != YMO_FCGI_READY)
            continue;
        rc = ymo_fcgi_write_refusal(dst, r->id, status, r->head_only, out);
        ymo_fcgi_forget(f, r);
    }
    return rc;
}
