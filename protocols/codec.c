/* SPDX-License-Identifier: MIT */
#include "protocols/codec.h"

#include "protocols/fastcgi/fcgi.h"
#include "protocols/http1/http1.h"
#include "protocols/uwsgi/uwsgi.h"

static const struct ymo_codec_ops *const codecs[] = {
    &ymo_fcgi_ops,
    &ymo_http1_ops,
    &ymo_uwsgi_ops,
};

const struct ymo_codec_ops *
ymo_codec_find(const char *name)
{
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    }
    return NULL;
}
