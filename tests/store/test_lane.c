/* lane: claims, slots, waits, wakes, grants, reaping, pausing, stopping. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "units.h"

#define ITEMS_MAX 256

struct line { /* a worker and what it was given */
    struct world *w;
    struct lane_worker *worker;
    struct lane_item *items[ITEMS_MAX]; /* NULL: done */
    size_t n;
    size_t most; /* the most that were out at once */
    bool idle, free_at_once;
    bool finish; /* settle each at once */
    int64_t last_ms;
};

static void settled(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    struct lane_item *item = ctx;

    CHECK("settled", err == NULL && o->result == COMMIT_OK);
    lane_item_done(&item);
}

static void settle(struct line *l, struct lane_item *item)
{
    struct commit *c = commit_new(T);

    lane_check_lease(c, item);
    lane_finish(c, item);
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

static void on_idle(void *ctx)
{
    struct line *l = ctx;

    l->idle = true;
    loop_stop(l->w->loop);
}

static struct lane_options options(struct line *l)
{
    return (struct lane_options){.tenant = T,
                                 .queue = OUT,
                                 .record = LANE_MESSAGE,
                                 .slots = 8,
                                 .lease_ms = 30000,
                                 .on_item = on_item,
                                 .ctx = l};
}

static void line_start(struct line *l, struct world *w, const struct lane_options *o)
{
    *l = (struct line){.w = w};
    l->worker = lane_worker_new(w->loop, w->store, o);
}

/* Until @n items have come. */
static bool wait_items(struct line *l, size_t n, int64_t ms)
{
    int64_t until = now_ms() + ms;
    bool never = false;

    while (l->n < n && now_ms() < until) {
        world_run(l->w, l->n >= n ? &l->idle : &never, until - now_ms() > 20 ? 20 : 1);
    }
    return l->n >= n;
}

static void finish(struct line *l, size_t i)
{
    settle(l, l->items[i]);
    l->items[i] = NULL;
}

static void drop_all(struct line *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i] != NULL) {
            lane_item_done(&l->items[i]);
        }
    }
}

static void put_messages(struct world *w, size_t from, size_t n)
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

static int64_t calls(struct world *w)
{
    struct store_stats s;

    store_stats(w->store, &s);
    return s.calls;
}

static void test_claim(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct lane_item *item;
    struct line l;

    redis(w, "HSET {acme}:w:main p1 1763716037123");
    put_messages(w, 0, 2);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("items", wait_items(&l, 2, 2000));
    item = l.items[1];
    CHECK_Z("lane", item->lane, "3p1");
    CHECK_Z("id", item->id, "1");
    CHECK_Z("body", item->body, "body");
    CHECK_Z("state", item->state, "sending");
    CHECK_INT("sends", item->sends, 1);
    CHECK("not reaped", !item->reaped);
    CHECK_INT("window", item->window.ms, 1763716037123);
    CHECK("live", lane_item_live(item));
    finish(&l, 0);
    finish(&l, 1);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:f:out:main {acme}:k:out:main {acme}:r:out:main:3", "0");
    CHECK_REDIS(w, "HGET {acme}:m:1 n", "1");
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* Records of the other two queues, and what is damaged. */
static void test_records(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct commit *c = commit_new(T);
    struct line in, cb;

    commit_enqueue(c, STR("in"), STR("1u"), STR("a"), (struct wall){0}, false, NULL);
    commit_enqueue(c, STR("in"), STR("1v"), STR("gone"), (struct wall){0}, false, NULL);
    commit_hset(c, STR("i:a"), STR("b"), STR("sealed"));
    commit_hset(c, STR("i:a"), STR("n"), STR("3"));
    commit_event(c, STR("3s"), STR("event"), true);
    run(w, c);
    o = options(&in);
    o.queue = STR("in");
    o.record = LANE_INBOUND;
    line_start(&in, w, &o);
    CHECK("in", wait_items(&in, 2, 2000));
    CHECK_Z("body", in.items[0]->body, "sealed");
    CHECK_INT("tries", in.items[0]->sends, 3);
    CHECK("no state", in.items[0]->state.p == NULL);
    CHECK("missing", in.items[1]->body.p == NULL);
    o = options(&cb);
    o.queue = STR("cb");
    o.record = LANE_EVENT;
    line_start(&cb, w, &o);
    CHECK("cb", wait_items(&cb, 1, 2000));
    CHECK_Z("body", cb.items[0]->body, "event");
    CHECK_Z("id is the sequence", cb.items[0]->id, "1");
    redis(w, "DEL {acme}:ev"); /* a record that is gone does not cut the row short */
    drop_all(&cb);
    lane_worker_free(&cb.worker);
    c = commit_new(T);
    commit_event(c, STR("3t"), STR("x"), true);
    run(w, c);
    redis(w, "XTRIM {acme}:ev MAXLEN 0");
    line_start(&cb, w, &o);
    CHECK("trimmed", wait_items(&cb, 1, 2000));
    CHECK_Z("its lane", cb.items[0]->lane, "3t");
    CHECK("its body", cb.items[0]->body.p == NULL);
    drop_all(&in);
    drop_all(&cb);
    lane_worker_free(&in.worker);
    lane_worker_free(&cb.worker);
    world_free(&w);
}

static void test_slots(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 100);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("eight", wait_items(&l, 8, 2000));
    world_pass(w, 50);
    CHECK_INT("not more than slots", l.n, 8);
    finish(&l, 0);
    finish(&l, 5);
    CHECK("two more", wait_items(&l, 10, 2000));
    world_pass(w, 30);
    CHECK_INT("two only", l.n, 10);
    l.finish = true;
    for (size_t i = 0; i < 10; i++) {
        if (l.items[i] != NULL) {
            finish(&l, i);
        }
    }
    CHECK("all", wait_items(&l, 100, 5000));
    world_pass(w, 50);
    CHECK_INT("each once", l.n, 100);
    CHECK("never above", l.most <= 8);
    CHECK_REDIS(w, "ZCARD {acme}:f:out:main", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_idle_and_wakes(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct commit *c;
    struct line l;
    struct got g;
    int64_t before;

    lane_wake_subscribe(w->store);
    o = options(&l);
    line_start(&l, w, &o);
    world_pass(w, 50);
    before = calls(w);
    world_pass(w, 1500);
    CHECK_INT("an idle worker asks nothing", calls(w), before);
    /* by another process: through the channel */
    before = now_ms();
    g = run(w, message("1", "3p", 0, false, NULL));
    CHECK("came", wait_items(&l, 1, 1000));
    CHECK("at once", l.last_ms - before < 50);
    /* the wait that the script told: put off for 300 ms, for later in 500 ms */
    c = commit_new(T);
    lane_check_lease(c, l.items[0]);
    lane_put_off(c, l.items[0], (struct wall){wall_now().ms + 300});
    before = now_ms();
    run(w, c);
    lane_item_done(&l.items[0]);
    run(w, message("2", "3q", wall_now().ms + 500, true, NULL));
    CHECK("again", wait_items(&l, 2, 2000));
    CHECK("in time", l.last_ms - before >= 299 && l.last_ms - before < 400);
    CHECK_INT("second attempt", l.items[1]->sends, 2);
    CHECK("later", wait_items(&l, 3, 2000));
    CHECK("in time", l.last_ms - before >= 495 && l.last_ms - before < 620);
    CHECK_Z("the scheduled", l.items[2]->id, "2");
    /* many wakes in a turn are one claim */
    world_pass(w, 30);
    before = calls(w);
    for (int i = 0; i < 10; i++) {
        lane_worker_wake(l.worker);
    }
    world_pass(w, 30);
    CHECK_INT("one claim", calls(w), before + 1);
    CHECK_INT("enqueued", g.result, COMMIT_OK);
    drop_all(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

struct grant {
    struct line *l;
    struct lane_item *seen;
    size_t n_at_grant;
    bool done;
};

static void on_granted(void *ctx, const struct err *err, const struct commit_outcome *o)
{
    struct grant *g = ctx;
    int64_t token = commit_result_int(o, 0);

    CHECK("granted", err == NULL && token != 0);
    lane_granted(g->l->worker, STR("3p"), STR("1"), token, STR("text"), (struct wall){7});
    g->n_at_grant = g->l->n;
    g->done = true;
}

static void test_grant(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct grant g = {0};
    struct commit *c;
    struct line l;
    size_t hoped = 0;

    o = options(&l);
    o.slots = 4;
    line_start(&l, w, &o);
    world_pass(w, 30);
    for (int i = 0; i < 100; i++) {
        hoped += lane_worker_has_slot(l.worker) ? 1 : 0;
    }
    CHECK_INT("promised", hoped, 4);
    world_pass(w, 40);
    CHECK("free again", lane_worker_has_slot(l.worker));
    g.l = &l;
    c = message("1", "3p", 0, true, NULL);
    commit_run(w->store, &c, on_granted, &g);
    CHECK("item", wait_items(&l, 1, 2000));
    CHECK("not inside the callback", g.done && g.n_at_grant == 0);
    CHECK_Z("body", l.items[0]->body, "text");
    CHECK_Z("state", l.items[0]->state, "sending");
    CHECK_INT("sends", l.items[0]->sends, 1);
    CHECK_INT("window", l.items[0]->window.ms, 7);
    CHECK("live", lane_item_live(l.items[0]));
    finish(&l, 0);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:f:out:main {acme}:l:out:main:3p", "0");
    lane_worker_pause(l.worker, true);
    CHECK("paused", !lane_worker_has_slot(l.worker));
    put_messages(w, 10, 1);
    world_pass(w, 50);
    CHECK_INT("paused", l.n, 1);
    lane_worker_pause(l.worker, false);
    CHECK("resumed", wait_items(&l, 2, 1000));
    drop_all(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_reaped(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct got fenced;
    struct commit *c;
    struct line l;

    put_messages(w, 0, 1);
    o = options(&l);
    o.lease_ms = 300;
    line_start(&l, w, &o);
    CHECK("first", wait_items(&l, 1, 1000));
    CHECK("live", lane_item_live(l.items[0]));
    world_pass(w, 275);
    CHECK("not live shortly before the end", !lane_item_live(l.items[0]));
    CHECK("again", wait_items(&l, 2, 1000));
    CHECK("reaped", l.items[1]->reaped);
    CHECK_INT("the attempt that was lost", l.items[1]->sends, 1);
    CHECK("a new token", l.items[1]->token > l.items[0]->token);
    c = commit_new(T);
    lane_check_lease(c, l.items[0]);
    lane_finish(c, l.items[0]);
    start(w, c, &fenced);
    CHECK("answered", world_run(w, &fenced.done, 1000));
    CHECK_INT("fenced", fenced.result, COMMIT_FENCED);
    finish(&l, 1);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p0", "0");
    drop_all(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_rate(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct rate faster = {5000, 2, 0, 0};
    struct line l;
    int64_t from;

    put_messages(w, 0, 60);
    o = options(&l);
    o.slots = 64;
    o.rate = (struct rate){20000, 2, 0, 0}; /* 50/s */
    from = now_ms();
    line_start(&l, w, &o);
    l.finish = true;
    CHECK("ten", wait_items(&l, 10, 2000));
    CHECK("not too soon", l.last_ms - from >= 155 && l.last_ms - from < 260);
    lane_worker_rate(l.worker, &faster);
    from = now_ms();
    CHECK("all", wait_items(&l, 60, 2000));
    CHECK("faster", l.last_ms - from >= 200 && l.last_ms - from < 500);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_stop(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 20);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("eight", wait_items(&l, 8, 1000));
    lane_worker_stop(l.worker, on_idle, &l);
    for (size_t i = 0; i < 8; i++) {
        CHECK("not yet", !l.idle);
        finish(&l, i);
    }
    CHECK("idle", world_run(w, &l.idle, 1000));
    CHECK_INT("claimed no more", l.n, 8);
    lane_worker_free(&l.worker);
    /* stopped while a claim is under way: what it brings is handed out and settled first */
    o = options(&l);
    line_start(&l, w, &o);
    l.finish = true;
    redis_fixture_stop(w->redis);
    world_pass(w, 20);
    lane_worker_stop(l.worker, on_idle, &l);
    world_pass(w, 20);
    CHECK("waits for it", !l.idle);
    redis_fixture_cont(w->redis);
    CHECK("idle", world_run(w, &l.idle, 1000) || world_run(w, &l.idle, 1000));
    CHECK_INT("its items", l.n, 8);
    lane_worker_free(&l.worker);
    /* stopped when there is nothing */
    redis(w, "FLUSHALL");
    o = options(&l);
    line_start(&l, w, &o);
    world_pass(w, 30);
    lane_worker_stop(l.worker, on_idle, &l);
    CHECK("not at once", !l.idle);
    CHECK("idle", world_run(w, &l.idle, 1000));
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_free(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 20);
    o = options(&l);
    line_start(&l, w, &o);
    l.free_at_once = true;
    CHECK("first", wait_items(&l, 1, 1000));
    world_pass(w, 30);
    CHECK_INT("freed by the first: no more", l.n, 1);
    CHECK("no worker", l.items[0]->worker == NULL);
    drop_all(&l);
    lane_worker_free(&l.worker);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("items", wait_items(&l, 8, 1000));
    lane_worker_free(&l.worker); /* while all are out */
    drop_all(&l);
    line_start(&l, w, &o);
    redis_fixture_stop(w->redis);
    world_pass(w, 20);
    lane_worker_free(&l.worker); /* while a claim is under way */
    redis_fixture_cont(w->redis);
    world_pass(w, 30);
    CHECK_INT("nothing", l.n, 0);
    world_free(&w);
}

/* A Redis that stands still and is asked again gives what it leased; nothing waits for a lease to
 * end. */
static void test_lost_reply(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct store_stats stats;
    struct line l;

    lane_wake_subscribe(w->store);
    put_messages(w, 0, 5);
    redis_fixture_stop(w->redis);
    o = options(&l);
    line_start(&l, w, &o);
    world_pass(w, 2300);
    redis_fixture_cont(w->redis);
    CHECK("items", wait_items(&l, 5, 3000));
    store_stats(w->store, &stats);
    CHECK("was asked again", stats.reasked > 0);
    for (size_t i = 0; i < 5; i++) {
        CHECK("not an ambiguous attempt", !l.items[i]->reaped && l.items[i]->sends == 1);
    }
    CHECK_REDIS(w, "ZCARD {acme}:f:out:main", "5");
    l.finish = true;
    for (size_t i = 0; i < 5; i++) {
        finish(&l, i);
    }
    world_pass(w, 50);
    /* Redis dies and comes back: work that was accepted by others meanwhile is found at once */
    redis_fixture_kill(w->redis);
    world_pass(w, 50);
    redis_fixture_start(w->redis);
    redis_fixture_wait(w->redis);
    redis(w, "HSET {acme}:m:x b body s queued");
    redis(w, "RPUSH {acme}:l:out:main:3x x");
    redis(w, "ZADD {acme}:r:out:main:3 0 3x");
    CHECK("found", wait_items(&l, 6, 3000));
    CHECK_INT("each once", l.n, 6);
    world_pass(w, 30);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_full(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 20);
    redis(w, "CONFIG SET maxmemory 1");
    o = options(&l);
    line_start(&l, w, &o);
    l.finish = true;
    CHECK("a full Redis drains", wait_items(&l, 20, 3000));
    world_pass(w, 50);
    CHECK_REDIS(w, "EXISTS {acme}:f:out:main {acme}:r:out:main:3", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_claim), TEST(test_records), TEST(test_slots),      TEST(test_idle_and_wakes),
        TEST(test_grant), TEST(test_reaped),  TEST(test_rate),       TEST(test_stop),
        TEST(test_free),  TEST(test_full),    TEST(test_lost_reply),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
