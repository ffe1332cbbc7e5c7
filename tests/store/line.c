#include "line.h"

#include <stdio.h>

#include "base/mem.h"

/* Being settled: a commit that dies with its store tells nobody, and their next line frees them. */
static struct {
    struct world *w;
    struct lane_item *item;
} settling[ITEMS_MAX];

static void settling_note(struct world *w, struct lane_item *was, struct lane_item *is)
{
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        if (settling[i].item == was) {
            settling[i].w = w;
            settling[i].item = is;
            return;
        }
    }
}

static void settling_end(const struct world *now)
{
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        if (settling[i].w != now) {
            lane_item_done(&settling[i].item);
        }
    }
}

static void settled(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    struct lane_item *item = ctx;

    CHECK("settled", err == NULL && o->result == COMMIT_OK);
    settling_note(NULL, item, NULL);
    lane_item_done(&item);
}

static void settle(struct line *l, struct lane_item *item)
{
    struct commit *c = commit_new(T);

    lane_check_lease(c, item);
    lane_finish(c, item);
    settling_note(l->w, NULL, item);
    commit_run(l->w->store, &c, settled, item);
}

static void on_item(void *ctx, struct lane_item *item)
{
    struct line *l = ctx;
    struct lane_stats stats;

    lane_worker_stats(l->worker, &stats);
    l->most = stats.out > l->most ? stats.out : l->most;
    l->last_ms = now_ms();
    CHECK("room in the test", l->n < ITEMS_MAX);
    l->items[l->n++] = item;
    if (l->free_at_once) {
        lane_worker_free(&l->worker);
    } else if (l->finish) {
        settle(l, item);
    }
    loop_stop(l->w->loop);
}

void line_on_idle(void *ctx)
{
    struct line *l = ctx;

    l->idle = true;
    loop_stop(l->w->loop);
}

struct lane_options line_options(struct line *l)
{
    return (struct lane_options){.tenant = T,
                                 .queue = OUT,
                                 .record = LANE_MESSAGE,
                                 .slots = 8,
                                 .lease_ms = 30000,
                                 .on_item = on_item,
                                 .ctx = l};
}

void line_start(struct line *l, struct world *w, const struct lane_options *o)
{
    *l = (struct line){.w = w};
    settling_end(w);
    l->worker = lane_worker_new(w->loop, w->store, o);
}

bool line_wait(struct line *l, size_t n, int64_t ms)
{
    int64_t until = now_ms() + ms;
    bool never = false;

    while (l->n < n && now_ms() < until) {
        world_run(l->w, l->n >= n ? &l->idle : &never, until - now_ms() > 20 ? 20 : 1);
    }
    return l->n >= n;
}

void line_finish(struct line *l, size_t i)
{
    settle(l, l->items[i]);
    l->items[i] = NULL;
}

void line_settled(struct line *l)
{
    struct lane_stats stats;

    for (int64_t end = now_ms() + 5000; now_ms() < end;) {
        lane_worker_stats(l->worker, &stats);
        if (stats.out == 0) {
            return;
        }
        world_pass(l->w, 1);
    }
}

void line_drop(struct line *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i] != NULL) {
            lane_item_done(&l->items[i]);
        }
    }
}

void put_messages(struct world *w, size_t from, size_t n)
{
    struct got *got = mem_array(n, sizeof(*got));

    for (size_t i = 0; i < n; i++) {
        char id[16], lane[16];

        snprintf(id, sizeof(id), "%zu", from + i);
        snprintf(lane, sizeof(lane), "3p%zu", from + i);
        start(w, message(id, lane, 0, false, NULL), &got[i]);
    }
    while (!got[n - 1].done) {
        world_pass(w, 1);
    }
    mem_free(&got);
}

int64_t store_calls(struct world *w)
{
    struct store_stats s;

    store_stats(w->store, &s);
    return s.calls;
}
