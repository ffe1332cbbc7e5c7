/*
 * loop_int: what the net room alone knows of the loop: libuv's own loop, and the mark that starts
 * the clock of a turn. Every callback that libuv makes to us outside loop.c begins with
 * loop_mark().
 */
#ifndef CREWLINE_NET_LOOP_INT_H
#define CREWLINE_NET_LOOP_INT_H

#include <uv.h>

#include "base/list.h"
#include "net/loop.h"

uv_loop_t *loop_uv(struct loop *l);

/** The loop is awake: the turn that loop_stats() measures begins here, if it has not begun yet. */
void loop_mark(struct loop *l);

/** Counts the turns; never reset. */
int64_t loop_turn(const struct loop *l);

/* A call in the next turn that can be taken back by list_del(). For timers of 0 ms. */
struct loop_soon {
    struct list node;
    loop_fn *fn;
    void *ctx;
};
void loop_soon_add(struct loop *l, struct loop_soon *one);

/* The signal handles belong to the loop. */
struct list *loop_signals(struct loop *l);
void loop_signals_close(struct loop *l);

#endif
