/*
 * loop: the one event loop (libuv) and what hangs on it: timers, deferred calls, file descriptors,
 * the pool for slow work, signals. Everything runs on the thread that runs the loop, except the
 * function given to loop_work(). Nothing here calls back before the function that started it returned.
 */
#ifndef CREWLINE_NET_LOOP_H
#define CREWLINE_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct loop;

struct loop *loop_new(void);
/** Runs until loop_stop() or until nothing keeps it alive. */
void loop_run(struct loop *l); /* may be called again after it returned */
void loop_stop(struct loop *l);
/**
 * Runs what is deferred, waits for slow work, closes what is left and asserts that the loop is empty.
 * Everything made with this loop is freed before; what its owner forgot stays as a leak.
 */
void loop_free(struct loop **owner);

typedef void loop_fn(void *ctx);

/** Calls @fn once, in this turn of the loop but after the current callback returned. */
void loop_defer(struct loop *l, loop_fn *fn, void *ctx);
/** Forgets every deferred call of this @fn with this @ctx that has not run yet. */
void loop_defer_cancel(struct loop *l, loop_fn *fn, void *ctx);

/*
 * A hook runs at the end of every turn, just before the loop sleeps: the place to write out what the
 * turn gathered (one pipelined write to Redis, one batch of claims). It must not start endless work:
 * a hook that calls loop_defer() makes the loop turn again at once.
 */
struct loop_hook;
struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *ctx);
void loop_hook_free(struct loop_hook **owner);

/** Gives memory that is free back to the system when the loop is quiet after work. */
struct loop_tidy;
struct loop_tidy *loop_tidy_new(struct loop *l);
void loop_tidy_free(struct loop_tidy **owner);

/*
 * A timer. After timer_start() it fires once, never early; _stop and _free never fire it. Does not
 * keep the loop running.
 */
struct timer;
struct timer *timer_new(struct loop *l, loop_fn *fn, void *ctx);
void timer_start(struct timer *t, int64_t ms); /* 0 or less: next turn; starts again if running */
void timer_stop(struct timer *t);
bool timer_running(const struct timer *t);
void timer_free(struct timer **owner);

/*
 * Readiness of a descriptor that somebody else owns (hiredis). An error on it shows as everything
 * wanted being ready, once; the owner's next read or write tells which. NULL: the system refuses it.
 */
struct poller;
#define POLLER_READ  (1u << 0)
#define POLLER_WRITE (1u << 1)
typedef void poller_fn(void *ctx, unsigned ready); /* POLLER_* */
struct poller *poller_new(struct loop *l, int fd, poller_fn *fn, void *ctx);
void poller_want(struct poller *p, unsigned want); /* 0: none */
void poller_free(struct poller **owner); /* call before the descriptor is closed */

/*
 * Slow work in the pool: @work runs on another thread and touches only what @ctx owns; @done runs on
 * the loop afterwards, always, also after loop_stop().
 */
void loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *ctx);

typedef void signal_fn(void *ctx, int signum);
void loop_on_signal(struct loop *l, int signum, signal_fn *fn, void *ctx);

/* How the loop does: the longest single turn (callbacks between two sleeps) since the last reset. */
struct loop_stats {
    int64_t turns, longest_us;
};
void loop_stats(struct loop *l, struct loop_stats *out, bool reset);

/*
 * op: one operation in flight. Each calls back exactly once, or never after op_cancel(). What cannot
 * be recalled is detached and its result dropped. Every start function that returns an op has a
 * deadline of its own.
 */
struct op {
    void (*cancel)(struct op *op);
};
/** Cancels *@slot and clears it; NULL is fine. */
void op_cancel(struct op **slot);

#endif
