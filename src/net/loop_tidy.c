/*
 * loop_tidy: a peak of work leaves a heap in which every page holds something that lives on, so
 * nothing of it goes back by itself. When the loop has worked and then been quiet, what is free is
 * given back.
 */
#include "base/mem.h"
#include "net/loop.h"

#define WORKED_TURNS 2000
#define LOOK_MS      250
#define QUIET_TURNS  25 /* in that time */

struct loop_tidy {
    struct loop *l;
    struct loop_hook *hook;
    struct timer *timer;
    int64_t turns, seen; /* since the last time */
    bool working, gone;
};

static void on_turn(void *ctx)
{
    struct loop_tidy *t = ctx;

    if (++t->turns >= WORKED_TURNS && !timer_running(t->timer)) {
        t->seen = t->turns;
        timer_start(t->timer, LOOK_MS);
    }
}

/* Apart, since it takes some ms; whoever needs more heap meanwhile waits for the rest of it. */
static void work(void *ctx)
{
    (void)ctx;
    mem_trim();
}

static void on_worked(void *ctx)
{
    struct loop_tidy *t = ctx;

    t->working = false;
    t->turns = 0;
    if (t->gone) {
        mem_free(&t);
    }
}

static void on_look(void *ctx)
{
    struct loop_tidy *t = ctx;

    if (t->turns - t->seen <= QUIET_TURNS && !t->working) {
        t->working = true;
        loop_work(t->l, work, on_worked, t);
    }
}

struct loop_tidy *loop_tidy_new(struct loop *l)
{
    struct loop_tidy *t = MEM_NEW(struct loop_tidy);

    t->l = l;
    t->hook = loop_hook_new(l, on_turn, t);
    t->timer = timer_new(l, on_look, t);
    return t;
}

void loop_tidy_free(struct loop_tidy **owner)
{
    struct loop_tidy *t = *owner;

    if (t != NULL) {
        loop_hook_free(&t->hook);
        timer_free(&t->timer);
        t->gone = true;
        *owner = NULL;
        if (!t->working) {
            mem_free(&t);
        }
    }
}
