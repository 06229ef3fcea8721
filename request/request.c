/* SPDX-License-Identifier: MIT */
#include "request/request.h"

#include <string.h>

enum { FIRST_VARS = 32 };

static uint64_t
known_bit(enum ymo_var id)
{
    return UINT64_C(1) << ((unsigned)id < 63 ? (unsigned)id : 63);
}

void
ymo_request_init(struct ymo_request *req, struct ymo_arena *arena)
{
    *req = (struct ymo_request){.arena = arena};
}

int
ymo_request_add(struct ymo_request *req, enum ymo_var id, struct ymo_slice name,
                struct ymo_slice value)
{
    if (YMO_UNLIKELY(req->n_vars == req->cap_vars)) {
        uint32_t cap = req->cap_vars ? req->cap_vars * 2 : FIRST_VARS;
        struct ymo_pair *vars = ymo_arena_alloc(req->arena, cap * sizeof(*vars));
        if (!vars)
            return YMO_ENOMEM;
        if (req->n_vars)
            memcpy(vars, req->vars, req->n_vars * sizeof(*vars));
        req->vars = vars;
        req->cap_vars = cap;
    }
    if (id != YMO_VAR_OTHER) {
        req->known |= known_bit(id);
        name = ymo_slice_of("", 0);
    }
    req->vars[req->n_vars++] = (struct ymo_pair){.id = id, .name = name, .value = value};
    return YMO_OK;
}

/* The value is replaced, never grown in place: others may hold the old slice. */
static int
join(struct ymo_request *req, struct ymo_pair *pair, struct ymo_slice value)
{
    struct ymo_slice sep = pair->id == YMO_VAR_HTTP_COOKIE ? YMO_SLICE("; ") : YMO_SLICE(", ");
    size_t old = pair->value.len;
    if (value.len > UINT32_MAX / 4 || old > UINT32_MAX / 4)
        return YMO_ENOMEM;
    size_t len = old + sep.len + value.len;
    char *mem;
    if (len <= pair->room) {
        mem = (char *)(uintptr_t)pair->value.data; /* our own allocation of an earlier join */
    } else {
        /* Doubling: a header repeated n times costs linear, not quadratic, memory and time. */
        size_t room = len < 64 ? 128 : len * 2;
        mem = ymo_arena_alloc(req->arena, room);
        if (!mem)
            return YMO_ENOMEM;
        if (old)
            memcpy(mem, pair->value.data, old);
        pair->room = (uint32_t)room;
    }
    memcpy(mem + old, sep.data, sep.len);
    if (value.len)
        memcpy(mem + old + sep.len, value.data, value.len);
    pair->value = ymo_slice_of(mem, len);
    return YMO_OK;
}

/* Whoever passes YMO_VAR_OTHER has looked the name up: no need to compare it with known ones. */
static struct ymo_pair *
find_other(const struct ymo_request *req, struct ymo_slice name)
{
    for (uint32_t i = 0; i < req->n_vars; i++) {
        const struct ymo_pair *pair = &req->vars[i];
        if (pair->id == YMO_VAR_OTHER && ymo_slice_eq(pair->name, name))
            return &req->vars[i];
    }
    return NULL;
}

int
ymo_request_add_header(struct ymo_request *req, enum ymo_var id, struct ymo_slice name,
                       struct ymo_slice value)
{
    struct ymo_pair *pair = id == YMO_VAR_OTHER ? find_other(req, name) : ymo_request_find(req, id);
    return pair ? join(req, pair, value) : ymo_request_add(req, id, name, value);
}

struct ymo_pair *
ymo_request_find(const struct ymo_request *req, enum ymo_var id)
{
    if (id == YMO_VAR_OTHER || !(req->known & known_bit(id)))
        return NULL;
    for (uint32_t i = 0; i < req->n_vars; i++) {
        if (req->vars[i].id == id)
            return &req->vars[i];
    }
    return NULL;
}

struct ymo_pair *
ymo_request_find_name(const struct ymo_request *req, struct ymo_slice cgi_name)
{
    for (uint32_t i = 0; i < req->n_vars; i++) {
        const struct ymo_pair *pair = &req->vars[i];
        struct ymo_slice name = pair->id == YMO_VAR_OTHER ? pair->name : ymo_var_name(pair->id);
        if (name.len == cgi_name.len && ymo_slice_eq(name, cgi_name))
            return &req->vars[i];
    }
    return NULL;
}

struct ymo_slice
ymo_request_get(const struct ymo_request *req, enum ymo_var id)
{
    const struct ymo_pair *pair = ymo_request_find(req, id);
    return pair ? pair->value : ymo_slice_of("", 0);
}

/* `path` as one run of bytes with what a front end has split off. data NULL: no memory. */
static struct ymo_slice
whole_path(struct ymo_request *req, const struct ymo_pair *script, const struct ymo_pair *path)
{
    struct ymo_slice info = path && path->value.len ? path->value : ymo_slice_of("", 0);
    if (!script || script->value.len == 0)
        return info;
    char *mem = ymo_arena_alloc(req->arena, script->value.len + info.len);
    if (!mem)
        return ymo_slice_of(NULL, 0);
    memcpy(mem, script->value.data, script->value.len);
    if (info.len)
        memcpy(mem + script->value.len, info.data, info.len);
    return ymo_slice_of(mem, script->value.len + info.len);
}

int
ymo_request_mount(struct ymo_request *req, struct ymo_slice prefix)
{
    struct ymo_pair *path = ymo_request_find(req, YMO_VAR_PATH_INFO);
    struct ymo_pair *script = ymo_request_find(req, YMO_VAR_SCRIPT_NAME);

    if (prefix.len == 0) /* what a front end said about itself stands */
        return script ? YMO_OK
                      : ymo_request_add(req, YMO_VAR_SCRIPT_NAME, ymo_slice_of("", 0),
                                        ymo_slice_of("", 0));

    struct ymo_slice full = whole_path(req, script, path);
    if (!full.data)
        return YMO_ENOMEM;
    /* "OPTIONS *" asks about the server as a whole: it has no path to be outside with. */
    bool whole_server = ymo_slice_eq(ymo_request_get(req, YMO_VAR_REQUEST_URI), YMO_SLICE("*"));
    if (!whole_server || full.len) {
        if (full.len < prefix.len || memcmp(full.data, prefix.data, prefix.len) != 0)
            return YMO_EINVAL;
        if (full.len > prefix.len && full.data[prefix.len] != '/')
            return YMO_EINVAL;
        full = ymo_slice_of(full.data + prefix.len, full.len - prefix.len);
        if (path)
            path->value = full;
        else if (ymo_request_add(req, YMO_VAR_PATH_INFO, ymo_slice_of("", 0), full) < 0)
            return YMO_ENOMEM;
    }
    script = ymo_request_find(req, YMO_VAR_SCRIPT_NAME); /* an added variable moves the others */
    if (script) {
        script->value = prefix;
        return YMO_OK;
    }
    return ymo_request_add(req, YMO_VAR_SCRIPT_NAME, ymo_slice_of("", 0), prefix);
}
