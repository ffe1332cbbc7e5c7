/*
 * books: what was accepted against what became of it. Every input accepted in the last 8 days is
 * done, waits or is a dead letter; every message has a state, and waits in one lane as long as that
 * is no end; every event is taken (or refused) by the CMMS, polled, waits or is a dead letter;
 * nothing is in two places, and nothing that is listed is gone.
 *
 * It goes through all keys of a tenant in short pieces while work goes on, in an order in which
 * nothing that moves meanwhile looks lost: where a thing comes from is read before where it goes
 * to, and what does not balance is looked at once more at the end.
 */
#ifndef CREWLINE_JOBS_BOOKS_H
#define CREWLINE_JOBS_BOOKS_H

#include "jobs/engine.h"

/* kind, state, and what it says for people */
#define BOOKS_LIST(X)                                                                             \
    X(IN_DONE, "inputs", "done")                                                                  \
    X(IN_WAITING, "inputs", "waiting") X(IN_DEAD, "inputs", "dead")                               \
        X(OUT_QUEUED, "messages", "queued") X(OUT_SENDING, "messages", "sending")                 \
            X(OUT_HELD, "messages", "held") X(OUT_SENT, "messages", "sent")                       \
                X(OUT_DELIVERED, "messages", "delivered") X(OUT_READ, "messages", "read")         \
                    X(OUT_FAILED, "messages", "failed") X(OUT_UNCERTAIN, "messages", "uncertain") \
                        X(OUT_EXPIRED, "messages", "expired")                                     \
                            X(OUT_CANCELLED, "messages", "cancelled")                             \
                                X(EV_TAKEN, "events", "taken") X(EV_POLLED, "events", "polled")   \
                                    X(EV_WAITING, "events", "waiting")                            \
                                        X(EV_DEAD, "events", "dead")
enum books_state {
#define X(name, kind, state) BOOKS_##name,
    BOOKS_LIST(X)
#undef X
        BOOKS_STATES
};
const char *books_kind(enum books_state s);
const char *books_word(enum books_state s);

struct books_result {
    int64_t counts[BOOKS_STATES];
    int64_t unbalanced;
};
struct books_options {
    struct wall since; /* what was accepted before is left out; 0: all that is kept */
    /** What does not balance: "input", "message" or "event", its id, why. May be NULL. */
    void (*found)(void *ctx, const char *kind, struct str id, const char *reason);
    void (*done)(void *ctx, const struct err *err, const struct books_result *result);
    void *ctx;
};
/** Calls done() once; never after op_cancel(). Fails as store_run(). */
struct op *books_prove(struct engine *e, struct engine_tenant *et, const struct books_options *o);

#endif
