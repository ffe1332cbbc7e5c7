/*
 * lane_int: a worker, as the files of lanes see it.
 *
 *   lane.c       claims, grants, items
 *   lane_lost.c  grants whose answer came too late
 *   lane_wake.c  what wakes workers: the wake channel, a connection that is back
 */
#ifndef CREWLINE_STORE_LANE_INT_H
#define CREWLINE_STORE_LANE_INT_H

#include "store/lane.h"

#include "commit_int.h"

#define WORKER_MAGIC 0x4c574b52u
#define LOST_MOST    16

/*
 * Commits with grants that were given up at their deadline, by serial, neighbours as one. Redis may
 * have carried them out, or may do so yet: what they leased is ours and nobody's, and a claim that
 * names them gets it as it was given.
 */
struct lost {
    size_t n;
    struct {
        uint64_t first, last;
    } of[LOST_MOST];
    int64_t until_us; /* named until then */
};
void lost_add(struct lost *lost, uint64_t serial);
/** The argument of a claim. */
void lost_put(const struct lost *lost, struct call *call);
/** A claim made at @asked was answered, and there is no more than it brought. True: none is named
 * again. */
bool lost_over(struct lost *lost, struct mono asked);

struct lane_worker {
    uint32_t magic;
    struct list node, due;
    struct store *s;
    struct lane_options o; /* tenant and queue are ours */
    char *prefix, *queue, *tenant, *name;
    struct op *claiming;
    struct mono asked;
    uint64_t serial; /* of the claim under way, or of the next */
    struct timer *timer;
    bool wanted; /* claim at the end of this turn */
    bool hungry; /* there was more than we had slots for */
    bool more;   /* the last claim could have brought more: the next waits for a good many slots */
    bool paused, stopping;
    bool *gone;        /* set while items are handed out, should the worker be freed meanwhile */
    struct list fresh; /* to be handed out at the end of this turn */
    struct list out;
    struct lost lost;
    size_t nfresh, nout;
    size_t hoped;
    int64_t hoped_until_us;
    loop_fn *on_idle;
    void *idle_ctx;
    struct lane_stats stats;
};

#endif
