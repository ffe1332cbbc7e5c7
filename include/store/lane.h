/*
 * lane: a worker on one lane queue of one tenant: ordered work per lane, many lanes at once, leases. Used
 * three times: inbound items, outbound messages, callbacks.
 *
 * The worker claims when it is woken (by our own commits, by other instances, by the wait time that the
 * last claim told), up to `slots` items at a time, and hands each to `on_item`. Whoever gets an item
 * settles it with a commit of his own that has commit_check_lease() and one of commit_finish(),
 * commit_put_off(), and then calls lane_item_done(). Items whose lease ran out come again, marked
 * `reaped`, with a new token; for an outbound message that means an ambiguous attempt.
 * What a commit granted that was given up at its deadline (Redis was late) is claimed at once, as it was given.
 * A worker does not start what it holds for longer than the lease: lane_item_live() tells. What it holds
 * and has not begun (or knows refused) is no ambiguity when its lease runs out: the worker that claims it again knows that.
 */
#ifndef CREWLINE_STORE_LANE_H
#define CREWLINE_STORE_LANE_H

#include "store/commit.h"

struct lane_worker;

struct lane_item { /* lives until lane_item_done() */
    struct lane_worker *worker;
    struct str lane, id;
    int64_t token;
    bool reaped;
    bool begun;        /* outbound, set by its holder at the first byte, cleared when it is certain that nothing
                          was accepted: between the two a lost lease is ambiguous */
    bool granted;      /* body is what was given to lane_granted(), not what Redis holds */
    struct str body;   /* sealed; STR_NONE: the record is missing (damaged): finish it and report */
    struct str state;  /* outbound: state of the message; "sent" and above: decided, only finish it. Of a cancelled
                          broadcast: "withdrawn" (nothing was handed over: it ends cancelled) or "stopped"
                          (uncertain, and it stays so); neither was counted as an attempt. "behind": given
                          again, and older ones were released behind it: unless reaped it is put off */
    bool counts;       /* outbound: he is in the ledger of people (dp:<portfolio>) for this one only */
    bool more;         /* outbound, claimed anew: others wait behind it in its lane */
    int64_t sends;     /* outbound: attempts counted, this one included (a reaped one's is the one that
                          was lost); else tries before this one, lost ones included */
    int64_t void_sends; /* outbound: attempts before these that were refused for certain (commit_again()) */
    struct wall window; /* outbound: the person's last message to this sender; 0: never */
    struct str via;    /* outbound: the sender it goes by, or went; empty: the one of its queue */
    struct mono until; /* end of the lease on our clock, with a margin */
    void *user;
};
enum lane_record { LANE_MESSAGE = 'm', LANE_INBOUND = 'i', LANE_EVENT = 'e' };

struct lane_way { /* another sender, in whose place this queue's may go */
    struct str sender;
    struct rate rate;
};

struct lane_options {
    struct str tenant, queue;
    enum lane_record record;
    size_t slots;        /* items handled at once */
    int64_t lease_ms;
    struct rate rate;
    /* Outbound: when its sender is paused for longer than ways_after_ms (0: never), its lanes go by the first of
       these that is not; the window is then of that one. Borrowed for the life of the worker. */
    const struct lane_way *ways;
    size_t nways;
    int64_t ways_after_ms;
    void (*on_item)(void *ctx, struct lane_item *item);
    void *ctx;
};
struct lane_worker *lane_worker_new(struct loop *l, struct store *s, const struct lane_options *o);
/** Stops claiming; the items out are still to be done. Calls @on_idle once, when the last is. */
void lane_worker_stop(struct lane_worker *w, loop_fn *on_idle, void *ctx);
/** Before the store. The leases run out by themselves; of the items out only lane_item_done() is allowed. */
void lane_worker_free(struct lane_worker **owner);
void lane_worker_rate(struct lane_worker *w, const struct rate *rate);
/** What @ways holds has changed, or @after_ms. */
void lane_worker_ways(struct lane_worker *w, int64_t after_ms);
void lane_worker_pause(struct lane_worker *w, bool paused);
/** From the next claim or grant on; what is held stays. */
void lane_worker_slots(struct lane_worker *w, size_t slots);

/**
 * A free slot to ask commit_enqueue() for a grant? Then the item of the grant goes through lane_granted().
 * A yes is a promise for some 20 ms, so that a burst does not ask for more grants than there are slots.
 */
bool lane_worker_has_slot(struct lane_worker *w);
/** How often it would say yes now. */
size_t lane_worker_room(struct lane_worker *w);
/** Hands an item that a commit granted (token != 0) to the worker as if it had claimed it; bytes are copied. */
void lane_granted(struct lane_worker *w, struct str lane, struct str id, int64_t token, struct str body,
                  struct wall window);
/** Something may be ready: claim at the end of this turn. Calls within a turn are one claim. */
void lane_worker_wake(struct lane_worker *w);

bool lane_item_live(const struct lane_item *item);
void lane_check_lease(struct commit *c, const struct lane_item *item);
/** commit_check_leased() of the item. */
void lane_check_leased(struct commit *c, const struct lane_item *item);
void lane_finish(struct commit *c, const struct lane_item *item);
void lane_put_off(struct commit *c, const struct lane_item *item, int64_t wait_ms);
/** commit_hold() of the item. */
void lane_hold(struct commit *c, const struct lane_item *item, struct wall over, struct str detail);
/** Settled, or the lease is to run out: the slot is free again; @item is gone. */
void lane_item_done(struct lane_item **item);

/** Routes WAKE_CHANNEL messages to the workers of this process; once per store. */
void lane_wake_subscribe(struct store *s);

struct lane_stats {
    int64_t claimed, granted, reaped, done;
    size_t out; /* items held now */
};
void lane_worker_stats(const struct lane_worker *w, struct lane_stats *out);

#endif
