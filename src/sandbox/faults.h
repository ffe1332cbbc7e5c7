/*
 * faults: what goes wrong, on request and repeatably. PUT /_sandbox/faults replaces all of it:
 *
 *   {"seed": 7,
 *    "accept_latency_ms": 40,                every send is looked at, and accepted, that much later
 *    "latency_ms": 40, "jitter_ms": 20,      every answer to a send comes that much later, behind its
 *                                            acceptance: its statuses may overtake it
 *    "webhook_delay_ms": 500,                every webhook leaves that much later
 *    "media_delay_ms": 3000,                 media downloads stall before the first byte
 *    "media_bytes_per_second": 10000,        and then trickle
 *    "error": T, "reset": T, "close_reused": T,
 *    "accept_then_timeout": T, "accept_then_reset": T, "half_answer": T, "accept_then_5xx": T,
 *    "accept_then_empty": T (200 with nothing in it), "accept_then_close_reused": T (closed without a
 *    byte, unless it is the first request of its connection),
 *    "swap_statuses": T, "double_statuses": T, "no_statuses": T, "fail_later": T,
 *    "double_webhooks": T, "media_404": T, "expired_token": T}
 *
 * T is a trigger or a list of triggers, each true (always) or an object of
 *   next: the next n that match (then it is spent)    after: let n pass first
 *   probability: 0 to 1, drawn from the seed          provider: "meta" | "twilio"     to: a phone
 *   code: the provider's error code (error, fail_later); status: its HTTP status; retry_after: s
 *   body: "html" | "empty" | "cut" instead of the provider's error (error, accept_then_5xx)
 *   statuses: false keeps statuses of an accepted message back (accept_*, half_answer)
 * An error without a code is the provider's 5xx (Meta 131000, Twilio 20500).
 */
#ifndef CREWLINE_SANDBOX_FAULTS_H
#define CREWLINE_SANDBOX_FAULTS_H

#include "base/json.h"
#include "sandbox.h"

enum fault {
    FAULT_ERROR,
    FAULT_RESET,
    FAULT_CLOSE_REUSED,
    FAULT_ACCEPT_TIMEOUT,
    FAULT_ACCEPT_RESET,
    FAULT_HALF_ANSWER,
    FAULT_ACCEPT_5XX,
    FAULT_ACCEPT_EMPTY,
    FAULT_ACCEPT_CLOSE_REUSED,
    FAULT_SWAP_STATUSES,
    FAULT_DOUBLE_STATUSES,
    FAULT_NO_STATUSES,
    FAULT_FAIL_LATER,
    FAULT_DOUBLE_WEBHOOKS,
    FAULT_MEDIA_404,
    FAULT_EXPIRED_TOKEN,
    FAULT_COUNT
};
enum fault_body { BODY_JSON, BODY_HTML, BODY_EMPTY, BODY_CUT };

struct trigger {
    enum fault fault;
    int64_t next;  /* how many are left; below 0: no end */
    int64_t after; /* how many still pass */
    double probability;
    int provider; /* enum dialect, or -1: both */
    char to[64];
    int64_t code, status, retry_after;
    enum fault_body body;
    bool statuses;
    int64_t hits;
};

struct faults *faults_new(void);
void faults_free(struct faults **owner);
void faults_clear(struct faults *f);
/** All or nothing: ERR_INVALID names the member. */
bool faults_load(struct faults *f, const struct json *j, struct err *err);
void faults_json(const struct faults *f, struct jw *w);
/** The trigger of @kind that fires for this one, or NULL. Counts it. @to may be STR_NONE. */
const struct trigger *fault_hit(struct sandbox *sb, enum fault kind, enum dialect d, struct str to);

int64_t fault_accept_latency_ms(const struct faults *f);
int64_t fault_latency_ms(struct faults *f);
int64_t fault_webhook_delay_ms(const struct faults *f);
int64_t fault_media_delay_ms(const struct faults *f);
int64_t fault_media_rate(const struct faults *f); /* bytes a second; 0: at once */

#endif
