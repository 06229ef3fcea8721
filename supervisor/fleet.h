/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's inside, shared by the files of this folder: generations and their workers.
 *
 *   worker:      STARTING ──READY──▶ SERVING ──DRAIN──▶ LEAVING ──▶ reaped, freed
 *   generation:  one load of the configuration: settings, sockets, board, workers. `now` serves,
 *                `next` is being started by a reload; an old one lives until its last worker ended.
 *
 * A worker may have a replacement on the way (recycling): it goes on serving until that is READY.
 */
#ifndef YMO_SUPERVISOR_FLEET_H
#define YMO_SUPERVISOR_FLEET_H

#include "base/list.h"
#include "reactor/link.h"
#include "supervisor/supervisor.h"

#include <ev.h>
#include <sys/types.h>

struct ymo_supervisor;

struct ymo_generation {
    struct ymo_list node; /* in sv->generations */
    struct ymo_supervisor *sv;
    struct ymo_settings settings;
    struct ymo_sockets sockets;  /* may share descriptors with a neighbour generation's */
    struct ymo_tls *tls;         /* NULL: none is asked for, or adopted */
    struct ymo_board *board;     /* NULL: adopted, see upgrade.c */
    struct ymo_worker *template; /* preload: NULL while there is none */
    bool adopted;                /* of the program before SIGUSR2: nothing can be started in it */
    bool template_ready;
    bool proven;       /* a worker has been ready: the application loads */
    int target;        /* workers wanted */
    int n_workers;     /* that refer to it, in any state, the template included */
    unsigned failures; /* for the back-off: deaths soon after the start */
    double failed_at;  /* the last of them, ymo_supervisor_clock */
    double not_before; /* no start before */
};

enum ymo_worker_state { YMO_WORKER_STARTING, YMO_WORKER_SERVING, YMO_WORKER_LEAVING };

struct ymo_worker {
    struct ymo_list node; /* in sv->workers */
    struct ymo_supervisor *sv;
    struct ymo_generation *gen;
    pid_t pid; /* 0: the template has not forked it yet */
    int link;  /* -1: closed */
    int seat;  /* -1: none */
    enum ymo_worker_state state;
    bool template;
    bool served;                    /* has been READY */
    bool killed;                    /* by us: its death is no surprise */
    int wants;                      /* enum ymo_link_reason for which it asked to retire, or -1 */
    struct ymo_worker *replacement; /* that is being started for it */
    struct ymo_worker *replaces;    /* the other way round */
    double started;                 /* monotonic seconds */
    unsigned beat, still;           /* last beat seen, and for how many ticks it has been so */
    ev_io io;                       /* on link */
    ev_timer patience;              /* LEAVING: SIGKILL when it ends */
};

enum ymo_phase { YMO_PHASE_START, YMO_PHASE_RUN, YMO_PHASE_STOP };

struct ymo_supervisor {
    const struct ymo_supervisor_ops *ops;
    int argc;
    char **argv, **environ_;
    char *program; /* what SIGUSR2 executes; NULL: not known */
    struct ev_loop *loop;
    enum ymo_phase phase;
    int status; /* exit status */
    struct ymo_generation *now, *next;
    struct ymo_list workers, generations; /* all that there are */
    ev_timer respawn;                     /* the end of a back-off */
    ev_timer tick;                        /* the watchdog's */
    ev_timer sd_watchdog;                 /* pings the service manager */
    ev_timer retry;                       /* the next try to leave an adopted generation behind */
    pid_t check_pid;                      /* the new program being tried, or 0 */
    ev_timer check_patience;
    ev_signal signals[10];       /* as many as supervisor.c takes */
    char tickets[YMO_TLS_STATE]; /* keys of the program before SIGUSR2, or "" */
    bool reload_wanted;          /* SIGHUP came while it could not be done */
    bool all_ready_logged;
};

/* ---- generation.c ---- */

/*
 * Takes over `s`, `socks` and `tls`. `adopted`: without seats, as nothing will be started in it.
 * NULL after the reason was logged: they are still the caller's.
 */
struct ymo_generation *ymo_generation_new(struct ymo_supervisor *sv, struct ymo_settings *s,
                                          struct ymo_sockets *socks, struct ymo_tls *tls,
                                          bool adopted);
/* Its last reference may have gone: free it if so. */
void ymo_generation_release(struct ymo_generation *g);
/* Start what is missing: the template, workers, replacements. As far as the back-off allows. */
void ymo_generation_fill(struct ymo_generation *g);
/* A worker of it has died, `served` if it had been ready: no new start before some time has passed,
 * longer each time. */
void ymo_generation_failed(struct ymo_generation *g, bool served);
/* Workers of this generation that serve. */
int ymo_generation_serving(const struct ymo_generation *g);

/* ---- spawn.c ---- */

/* Start a worker (or the template), STARTING. NULL after the reason was logged. */
struct ymo_worker *ymo_spawn_worker(struct ymo_generation *g);
struct ymo_worker *ymo_spawn_template(struct ymo_generation *g);
/* fork; the child is no supervisor any more, see ymo_supervisor_leave. */
pid_t ymo_spawn_fork(struct ymo_supervisor *sv, const struct ymo_generation *keep);

/* ---- fleet.c ---- */

/* A new entry, linked and counted; `link` is watched when it is not -1. Aborts on out of memory. */
struct ymo_worker *ymo_fleet_add(struct ymo_generation *g, pid_t pid, int link, int seat);
/* It is gone: unlink and free. */
void ymo_fleet_remove(struct ymo_worker *w);
struct ymo_worker *ymo_fleet_find(struct ymo_supervisor *sv, pid_t pid);
/* Have it leave, gracefully; one that is still loading has nothing to finish. */
void ymo_fleet_drain(struct ymo_worker *w, enum ymo_link_reason reason);
/* SIGKILL. */
void ymo_fleet_kill(struct ymo_worker *w);
/* Take all messages of all workers. */
void ymo_fleet_hear(struct ymo_supervisor *sv);
/* Start or stop the watchdog as the settings in force say. */
void ymo_fleet_watch(struct ymo_supervisor *sv);

/* ---- reload.c ---- */

/* SIGHUP: start `next`. */
void ymo_reload_begin(struct ymo_supervisor *sv);
/* A worker of `next` is ready: commit when all are. */
void ymo_reload_progress(struct ymo_supervisor *sv);
/* `next` does not come up: drop it and keep what serves. */
void ymo_reload_abort(struct ymo_supervisor *sv, const char *why);

/* ---- upgrade.c ---- */

/* At the start, before anything changes the directory: which program this is. */
void ymo_upgrade_remember(struct ymo_supervisor *sv);
/* SIGUSR2: try the new program. */
void ymo_upgrade_begin(struct ymo_supervisor *sv);
/* It ended with this wait status: execute it in our place if it is good. */
void ymo_upgrade_checked(struct ymo_supervisor *sv, int status);
/*
 * Is this the new program? Then sv->now is what the old one left, with `s` (taken over) as its
 * settings, and the result 1; else 0. YMO_ENOMEM.
 */
int ymo_upgrade_adopt(struct ymo_supervisor *sv, struct ymo_settings *s);

/* ---- supervisor.c ---- */

double ymo_supervisor_clock(void); /* monotonic seconds */
/* A worker says it serves; the template, that the application is loaded. */
void ymo_supervisor_ready(struct ymo_worker *w);
/* It has ended; frees `w`. */
void ymo_supervisor_ended(struct ymo_worker *w, int wait_status);
/* In a forked child: give up everything that is the supervisor's, except `keep`'s descriptors. */
void ymo_supervisor_leave(struct ymo_supervisor *sv, const struct ymo_generation *keep);

#endif
