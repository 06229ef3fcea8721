/* SPDX-License-Identifier: MIT */
#include "protocols/uwsgi/uwsgi_packet.h"

static unsigned
u8(const char *p)
{
    return (unsigned char)*p;
}

static unsigned
u16(const char *p)
{
    return u8(p) | u8(p + 1) << 8;
}

/* A method begins with four of these: "GET ", "POST", "PUT ". */
static bool
is_http(const char *in)
{
    for (int i = 0; i < YMO_UWSGI_PACKET_HEAD; i++) {
        if ((in[i] < 'A' || in[i] > 'Z') && (i == 0 || in[i] != ' '))
            return false;
    }
    return true;
}

/* Modifiers are a whole menu of services, some of which run code that the packet brings along. */
static const char *
unserved(unsigned modifier1)
{
    switch (modifier1) {
    case 17:
        return "uwsgi modifier 17 (a job for a spooler) is not served";
    case 22:
        return "uwsgi modifier 22 (code to be run) is not served";
    case 110:
        return "uwsgi modifier 110 (a signal) is not served";
    case 111:
        return "uwsgi modifier 111 (a cache) is not served";
    case 173:
        return "uwsgi modifier 173 (a remote procedure call) is not served";
    default:
        return "uwsgi modifier1 is none of 0, 30 and 100: no request";
    }
}

const char *
ymo_uwsgi_packet_head(const char *in, struct ymo_uwsgi_packet *p_r)
{
    *p_r = (struct ymo_uwsgi_packet){(uint8_t)u8(in), (uint16_t)u16(in + 1)};
    switch (p_r->modifier1) {
    case YMO_UWSGI_REQUEST:
    case YMO_UWSGI_REQUEST_FULL:
    case YMO_UWSGI_PING:
        return NULL;
    default:
        if (is_http(in))
            return "HTTP where uwsgi is spoken: use uwsgi_pass, not proxy_pass, or --protocol http";
        if (in[0] == 0x16 && in[1] == 3)
            return "TLS where uwsgi is spoken in the clear";
        return unserved(p_r->modifier1);
    }
}

/* One length and as many bytes. */
static bool
take(struct ymo_slice *vars, struct ymo_slice *s_r)
{
    if (vars->len < 2)
        return false;
    size_t len = u16(vars->data);
    if (len > vars->len - 2)
        return false;
    *s_r = ymo_slice_of(vars->data + 2, len);
    *vars = ymo_slice_of(vars->data + 2 + len, vars->len - 2 - len);
    return true;
}

int
ymo_uwsgi_packet_next(struct ymo_slice *vars, struct ymo_slice *name_r, struct ymo_slice *value_r)
{
    if (vars->len == 0)
        return 0;
    return take(vars, name_r) && take(vars, value_r) ? 1 : -1;
}
