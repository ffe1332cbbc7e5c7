/*
 * outbox_int: one attempt to hand a message over, shared by outbox.c (the story) and outbox_content.c (the
 * detour of Twilio's buttons).
 */
#ifndef CREWLINE_JOBS_OUTBOX_INT_H
#define CREWLINE_JOBS_OUTBOX_INT_H

#include "jobs_int.h"

#define ATTEMPT_MAGIC 0x0b0c5002u

enum then { THEN_SENT, THEN_LATER, THEN_HOLD, THEN_UNCERTAIN, THEN_FAILED, THEN_EXPIRED, THEN_DROP };

struct attempt {
    uint32_t magic;
    struct outbox *ob;
    struct lane_item *item;
    struct op *pending;
    struct timer *retry;
    struct arena *a;
    struct message m;
    struct outcome o;
    enum then then;
    int64_t wait_ms;
    struct mono began;
    bool late;       /* the lease was lost after the provider accepted: recorded as evidence */
    struct plan plan;
    struct str content_key;
};

/** Builds the request and sends it. */
void outbox_send(struct attempt *at);
/** Finds or makes the Content resource that the options need, then outbox_send(). */
void outbox_content(struct attempt *at);

void outbox_slow_down(struct outbox *ob);
void outbox_pause(struct outbox *ob, struct str reason);

/* Pure, for tests. */
int64_t outbox_backoff_ms(int64_t age_ms);
int64_t outbox_max_sends(const struct settings *s, const struct message *m);

#endif
