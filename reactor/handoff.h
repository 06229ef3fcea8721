/* SPDX-License-Identifier: MIT */
/*
 * Between the processes of a generation: a request that waits here while a sibling has nothing to
 * do goes there, together with its connection.
 *
 *   needy A                          sibling B
 *     POKE ────────────────────────▶   no room: FULL
 *          ◀──────────────────────── OFFER of room for n
 *     CONN × 1…n (or NONE) ────────▶   a connection as if just accepted, its bytes as if just read
 *
 * B asks for what it gets, so that a process which is stopped or dying is sent nothing. A takes the
 * request out of its queue before it sends it, so that it runs once. Messages come from our own
 * processes, but one of them may have died in the middle, or be a former owner of its seat: each
 * is checked, and each makes sense alone.
 * Reactor thread only.
 */
#ifndef YMO_REACTOR_HANDOFF_H
#define YMO_REACTOR_HANDOFF_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>

struct ymo_reactor;
struct ymo_conn;
struct ymo_exchange;
struct ymo_handoff;

/*
 * The reactor's, from its `place`. NULL in *h_r (and 0) where there is nobody to exchange requests
 * with. YMO_ENOMEM. Listens to the inbox from the loop's first turn on.
 */
int ymo_handoff_create(struct ymo_reactor *r, struct ymo_handoff **h_r) YMO_MUST_CHECK;
void ymo_handoff_free(struct ymo_handoff *h);

/*
 * The head of a request was received: `ex` is about to be submitted, or its body is to come. Keeps
 * the head's bytes when the request may have to wait. Does nothing for one that could not go
 * elsewhere.
 */
void ymo_handoff_keep(struct ymo_handoff *h, struct ymo_conn *c, struct ymo_exchange *ex,
                      struct ymo_slice head);
/* `ex` is being released. */
void ymo_handoff_forget(struct ymo_exchange *ex);

/* A batch went to the executor. */
void ymo_handoff_submitted(struct ymo_handoff *h);

/* A request has ended. */
void ymo_handoff_ended(struct ymo_handoff *h);

/*
 * The end of a nap: ask a sibling when a request has waited. True when something waits that could
 * go elsewhere: call again after another nap. *asked_r: a sibling with nothing to do was asked just
 * now, so that it is not yet worth while to wake a second worker here.
 */
bool ymo_handoff_look(struct ymo_handoff *h, bool *asked_r) YMO_MUST_CHECK;

/* A sibling was offered room and has not answered: do not stop yet. Ends by itself, soon. */
bool ymo_handoff_expecting(const struct ymo_handoff *h);

/* Had somebody else better accept the next connection? */
bool ymo_handoff_should_yield(const struct ymo_handoff *h);

#endif
