/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: binds, forks, watches, replaces, reloads, and otherwise sleeps. It never runs
 * Python: what a worker does is given to it as functions. Main thread, the process's only one.
 */
#ifndef YMO_SUPERVISOR_SUPERVISOR_H
#define YMO_SUPERVISOR_SUPERVISOR_H

#include "base/err.h"
#include "config/settings.h"
#include "reactor/board.h"
#include "reactor/tls/tls.h"
#include "supervisor/sockets.h"

struct ymo_supervisor_ops {
    /* Supervisor: can this build do what the settings ask for? 0, or < 0 after one line a reason.
     */
    int (*check)(const struct ymo_settings *s);
    /*
     * Supervisor: read the certificates that the settings name; *tls_r NULL when they name none.
     * `state`: ticket keys to go on with (ymo_tls_save), or NULL. < 0 after the reason was logged.
     */
    int (*load_tls)(const struct ymo_settings *s, const char *state, struct ymo_tls **tls_r);
    /* Worker or template: load the application; < 0 after the reason was logged. */
    int (*load)(const struct ymo_settings *s, void **app_r);
    /* Template: fork. 0 in the new process, whose parent is the supervisor; 1 in the template; < 0.
     */
    int (*fork)(void *app);
    /*
     * Worker: serve until asked to stop, and end the interpreter. The exit status. `socks`, `tls`
     * and `place` are the process's own.
     */
    int (*serve)(const struct ymo_settings *s, struct ymo_sockets *socks, struct ymo_tls *tls,
                 const struct ymo_place *place, void *app);
};

/*
 * Run until told to stop; the exit status. `s` is taken over (settings of later reloads replace
 * it). argc, argv and environ_ are those of the process, to load the settings again.
 */
int ymo_supervisor_run(const struct ymo_supervisor_ops *ops, struct ymo_settings *s, int argc,
                       char **argv, char **environ_);

#endif
