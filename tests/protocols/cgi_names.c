/* SPDX-License-Identifier: MIT */
#include "tests/protocols/cgi_names.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOK_AT = 64 }; /* names of a request: they are compared with one another */

enum { OUT, HEADER, PLAIN, N_PATTERNS };

static bool
matches(int which, const char *text)
{
    static const char *const patterns[N_PATTERNS] = {
        [OUT] = ("^((uwsgi_|fcgi_|ld_|dyld_|python).*|(lib|shlib_)?path|raw_uri|server_software|"
                 "http_(proxy|content_type|content_length|transfer_encoding))$"),
        /* printable, in capitals, without '-', '=' and ':' */
        [HEADER] = "^HTTP_[!-,./0-9;<>-`{-~]+$",
        [PLAIN] = "^[A-Za-z][A-Za-z0-9_]*$",
    };
    static regex_t compiled[N_PATTERNS];
    static bool ready[N_PATTERNS];
    int flags = REG_EXTENDED | REG_NOSUB | (which == OUT ? REG_ICASE : 0);
    if (!ready[which] && regcomp(&compiled[which], patterns[which], flags) != 0)
        abort();
    ready[which] = true;
    return regexec(&compiled[which], text, 0, NULL, 0) == 0;
}

static const char *
name_wrong(const char *name)
{
    if (matches(OUT, name))
        return "a name that is to be kept out";
    if (strncasecmp(name, "HTTP_", 5) == 0)
        return matches(HEADER, name) ? NULL : "no header's name";
    return matches(PLAIN, name) ? NULL : "no plain name";
}

const char *
ymo_cgi_names_wrong(const struct ymo_request *req)
{
    const char *wrong = NULL;
    uint32_t n = req->n_vars < LOOK_AT ? req->n_vars : LOOK_AT;
    for (uint32_t i = 0; i < n && !wrong; i++) {
        const struct ymo_pair *a = &req->vars[i];
        struct ymo_slice s = a->id == YMO_VAR_OTHER ? a->name : ymo_var_name(a->id);
        char *name = strndup(s.data, s.len);
        if (!name)
            abort();
        wrong = strlen(name) == s.len ? name_wrong(name) : "NUL in a name";
        free(name);
        for (uint32_t k = 0; k < i && !wrong; k++) {
            const struct ymo_pair *b = &req->vars[k];
            if (a->id == b->id && (a->id != YMO_VAR_OTHER || ymo_slice_eq(a->name, b->name)))
                wrong = "a name that is there twice";
        }
    }
    return wrong;
}
