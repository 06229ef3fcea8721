/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the codec's events: requests that are opened, filled, submitted, answered with a
 * refusal or taken back. Reactor thread only.
 */
#ifndef YMO_REACTOR_INTAKE_H
#define YMO_REACTOR_INTAKE_H

#include "reactor/conn.h"

struct ymo_exchange;

/* The codec's env->open; `arg` is the connection. */
struct ymo_request *ymo_intake_open(void *arg, uint32_t id);

/* The exchange that the codec means by `id`, or NULL. */
struct ymo_exchange *ymo_intake_find(const struct ymo_conn *c, uint32_t id);

/* Act on an event that is not MORE. `more`: bytes that arrived with it are still to be looked at.
 * May close the connection. */
void ymo_intake_event(struct ymo_conn *c, const struct ymo_codec_event *ev, bool more);

/* Nothing more of the body of `ex` will be taken. */
void ymo_intake_received(struct ymo_conn *c, struct ymo_exchange *ex);

/* The peer waits for a word before it sends the body of `ex`: say it. */
void ymo_intake_continue(struct ymo_conn *c, struct ymo_exchange *ex);

/* Nobody waits for its answer: what still comes of it is dropped. `ex` may be gone afterwards. */
void ymo_intake_withdraw(struct ymo_conn *c, struct ymo_exchange *ex);

#endif
