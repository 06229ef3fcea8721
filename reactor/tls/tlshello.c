/* SPDX-License-Identifier: MIT */
#include "reactor/tls/tlshello.h"

enum ymo_tlshello_what
ymo_tlshello_look(struct ymo_slice in, struct ymo_tlshello *hello_r)
{
    (void)in;
    *hello_r = (struct ymo_tlshello){.rsa = true, .ecdsa = true};
    return YMO_TLSHELLO_WHOLE;
}
