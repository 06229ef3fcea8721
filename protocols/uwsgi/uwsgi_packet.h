/* SPDX-License-Identifier: MIT */
/*
 * The packet that begins a uwsgi connection:
 *
 *   u8 modifier1, u16 size, u8 modifier2, then `size` bytes of { u16 len, name, u16 len, value }
 *
 * with all numbers in little-endian order. The body of the request is not part of it.
 */
#ifndef YMO_PROTOCOLS_UWSGI_UWSGI_PACKET_H
#define YMO_PROTOCOLS_UWSGI_UWSGI_PACKET_H

#include "base/slice.h"

#include <stdint.h>

enum { YMO_UWSGI_PACKET_HEAD = 4 }; /* bytes before the variables */

enum ymo_uwsgi_modifier {
    YMO_UWSGI_REQUEST = 0,
    YMO_UWSGI_REQUEST_FULL = 30, /* a request whose PATH_INFO includes SCRIPT_NAME */
    YMO_UWSGI_PING = 100,
};

struct ymo_uwsgi_packet {
    uint8_t modifier1;
    uint16_t size;
};

/*
 * Read the first YMO_UWSGI_PACKET_HEAD bytes. NULL, or static text that says why the packet is not
 * served: then it may not even be one.
 */
const char *ymo_uwsgi_packet_head(const char *in, struct ymo_uwsgi_packet *p_r);

/*
 * Take the next variable off the front of `vars`; slices into it. 1; 0 at the end; -1 when the
 * lengths do not fit.
 */
int ymo_uwsgi_packet_next(struct ymo_slice *vars, struct ymo_slice *name_r,
                          struct ymo_slice *value_r);

#endif
