/* SPDX-License-Identifier: MIT */
/*
 * What outlives execve when the supervisor replaces its own program (SIGUSR2): the listening
 * sockets, and the workers with their links. They are listed in a file without a name, whose
 * descriptor is named by an environment variable. Main thread.
 */
#ifndef YMO_SUPERVISOR_HANDOVER_H
#define YMO_SUPERVISOR_HANDOVER_H

#include "base/err.h"
#include "reactor/tls/tls.h"
#include "supervisor/sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Not YIMMO_…: those are settings. */
#define YMO_HANDOVER_ENV "YMO_HANDOVER"

struct ymo_handover_worker {
    pid_t pid;
    int link;
    bool leaving; /* told to stop */
};

/*
 * Write it down and let all these descriptors survive execve. env_r becomes "YMO_HANDOVER=…", for
 * putenv. `tickets`: keys (ymo_tls_save), or "". 0; YMO_EIO with errno set, YMO_EINVAL (env_r is
 * too small) or YMO_ENOMEM: nothing has changed then.
 */
int ymo_handover_write(const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
                       size_t n_workers, const char *tickets, char *env_r,
                       size_t len) YMO_MUST_CHECK;

/* After ymo_handover_write, when execve failed: as before it. errno is preserved. */
void ymo_handover_undo(const struct ymo_sockets *socks, const struct ymo_handover_worker *workers,
                       size_t n_workers);

/*
 * In the new program. 1: *socks_r and *workers_r (to be freed) are what the old one had, all
 * close-on-exec again. 0: there is nothing to take over; if something in it was not as it should
 * be, it was closed and one warning logged. The variable is gone afterwards.
 */
int ymo_handover_read(struct ymo_sockets *socks_r, struct ymo_handover_worker **workers_r,
                      size_t *n_r, char tickets_r[YMO_TLS_STATE]) YMO_MUST_CHECK;

#endif
