/* SPDX-License-Identifier: MIT */
/* DER, one element at a time, and distinguished names as text (RFC 4514). Pure. */
#ifndef YMO_REACTOR_TLS_DERNAME_H
#define YMO_REACTOR_TLS_DERNAME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

enum {
    YMO_DER_BOOLEAN = 0x01,
    YMO_DER_INTEGER = 0x02,
    YMO_DER_OCTETS = 0x04,
    YMO_DER_OID = 0x06,
    YMO_DER_UTF8 = 0x0c,
    YMO_DER_NUMERIC = 0x12,
    YMO_DER_PRINTABLE = 0x13,
    YMO_DER_T61 = 0x14,
    YMO_DER_IA5 = 0x16,
    YMO_DER_UTC_TIME = 0x17,
    YMO_DER_TIME = 0x18,
    YMO_DER_VISIBLE = 0x1a,
    YMO_DER_UNIVERSAL = 0x1c,
    YMO_DER_BMP = 0x1e,
    YMO_DER_SEQUENCE = 0x30,
    YMO_DER_SET = 0x31,
};
#define YMO_DER_IMPLICIT(n) (0x80u + (n)) /* context-specific, primitive */
#define YMO_DER_CONTEXT(n)  (0xa0u + (n)) /* context-specific, constructed */

/* Take one element off the front of *in. False when it is not whole, or not DER. */
bool ymo_dername_next(struct ymo_slice *in, unsigned *tag_r, struct ymo_slice *value_r);
/* The same, of that tag. */
bool ymo_dername_get(struct ymo_slice *in, unsigned tag, struct ymo_slice *value_r);

/* One attribute of a distinguished name; slices into the input. */
struct ymo_dername_attr {
    struct ymo_slice oid;   /* contents */
    struct ymo_slice whole; /* the value with its tag and length */
    struct ymo_slice value; /* contents */
    unsigned tag;
    size_t rdn; /* the number of the RDN it is in */
};

/*
 * Take apart the contents of a Name, in its order. False when it is malformed, or has more than
 * `max` attributes.
 */
bool ymo_dername_attrs(struct ymo_slice name, struct ymo_dername_attr *attrs, size_t max,
                       size_t *n_r);

/*
 * Append the RFC 4514 text of them all, last RDN first, in ASCII: what is beyond is escaped as
 * \C3\A4. Attributes that no short name is known for, or whose value is no valid string, are
 * written as 1.2.3=#0c0178. 0 or YMO_ENOMEM.
 */
int ymo_dername_text(const struct ymo_dername_attr *attrs, size_t n, struct ymo_buf *dst);

/*
 * The value alone, in UTF-8, control bytes as \0A and the backslash doubled. 0; YMO_EINVAL when it
 * is no valid string; YMO_ENOMEM. Then *dst may hold a part of it.
 */
int ymo_dername_value(const struct ymo_dername_attr *attr, struct ymo_buf *dst);

/*
 * What mod_ssl calls an attribute in names of variables ("CN", "Email"), and a number for it below
 * YMO_DERNAME_PARTS; -1 for those that it has no name for.
 */
enum { YMO_DERNAME_PARTS = 32 };
int ymo_dername_part(const struct ymo_dername_attr *attr, const char **name_r);

#endif
