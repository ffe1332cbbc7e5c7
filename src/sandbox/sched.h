/*
 * sched: things to do at a moment: statuses, retries, delayed answers. One timer and a heap,
 * because a fast gateway leaves tens of thousands of statuses waiting. Calls run on the loop, in
 * order of time.
 */
#ifndef CREWLINE_SANDBOX_SCHED_H
#define CREWLINE_SANDBOX_SCHED_H

#include "net/loop.h"

struct sched;
typedef void sched_fn(void *ctx, int64_t arg);

struct sched *sched_new(struct loop *l);
void sched_free(struct sched **owner); /* what has not run yet never runs; contexts are borrowed */
void sched_in(struct sched *s, int64_t ms, sched_fn *fn, void *ctx, int64_t arg);
/** Forgets every call with this @ctx. Linear: for rare things only. */
void sched_forget(struct sched *s, const void *ctx);
size_t sched_len(const struct sched *s);

#endif
