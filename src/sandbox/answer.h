/*
 * answer: replies to the gateway, as late, as broken or as silent as the faults ask for. A request
 * that cannot be answered at once is held by a `struct wait`, which forgets it when the client
 * hangs up.
 */
#ifndef CREWLINE_SANDBOX_ANSWER_H
#define CREWLINE_SANDBOX_ANSWER_H

#include "faults.h"
#include "ledger.h"
#include "sandbox.h"

struct wait {
    struct http_req *req;            /* NULL: the client has gone */
    struct list node;                /* the owner's use; in no list after answer_gone() */
    void (*on_gone)(struct wait *w); /* may be NULL; may free @w */
    struct list held;                /* in sandbox.held, see answer_hold() */
    void (*drop)(struct wait *w);
};
void wait_init(struct wait *w, struct http_req *r, void (*on_gone)(struct wait *w));
/** Takes the request out of @w to answer it; NULL when the client has gone. */
struct http_req *wait_take(struct wait *w);
void answer_gone(struct http_req *r); /* the server's on_gone */
/** What waits for a scheduled call: @drop frees it when the sandbox ends first. */
void answer_hold(struct sandbox *sb, struct wait *w, void (*drop)(struct wait *w));
void answer_drop_all(struct sandbox *sb);

#define ANSWER_FIELDS_MAX 8
struct answer {
    int status;
    const char *content_type;
    struct http_field fields[ANSWER_FIELDS_MAX];
    size_t nfields;
    struct str body;
};
/** At once. */
void answer_now(struct http_req *r, const struct answer *a);
/** After the latency that the faults ask for. */
void answer_send(struct sandbox *sb, struct http_req *r, const struct answer *a);

/** @then, after the latency before acceptance that the faults ask for. */
void answer_after_wait(struct sandbox *sb, struct http_req *r, struct number *n,
                       void (*then)(struct sandbox *sb, struct http_req *r, struct number *n));

/** A fault that strikes before anything is looked at: true when it took @r. */
bool answer_fault_before(struct sandbox *sb, struct http_req *r, enum dialect d);
/** Answers an accepted send, or breaks that answer. */
void answer_accepted(struct sandbox *sb, struct http_req *r, enum dialect d, struct entry *e,
                     const struct answer *a);

/** Control and page answers. */
void answer_json(struct http_req *r, int status, struct str body);
void answer_problem(struct http_req *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
