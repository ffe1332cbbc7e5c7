/* lane: claims, slots, waits, wakes, grants, rates, pausing, stopping. */
#include <stdio.h>
#include <string.h>

#include "line.h"

static void test_claim(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct lane_item *item;
    struct line l;

    redis(w, "HSET {acme}:w:main p1 1763716037123");
    put_messages(w, 0, 2);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("items", line_wait(&l, 2, 2000));
    item = l.items[1];
    CHECK_Z("lane", item->lane, "3p1");
    CHECK_Z("id", item->id, "1");
    CHECK_Z("body", item->body, "body");
    CHECK_Z("state", item->state, "sending");
    CHECK_INT("sends", item->sends, 1);
    CHECK("not reaped", !item->reaped);
    CHECK_INT("window", item->window.ms, 1763716037123);
    CHECK("live", lane_item_live(item));
    line_finish(&l, 0);
    line_finish(&l, 1);
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
    o = line_options(&in);
    o.queue = STR("in");
    o.record = LANE_INBOUND;
    line_start(&in, w, &o);
    CHECK("in", line_wait(&in, 2, 2000));
    CHECK_Z("body", in.items[0]->body, "sealed");
    CHECK_INT("tries", in.items[0]->sends, 3);
    CHECK("no state", in.items[0]->state.p == NULL);
    CHECK("missing", in.items[1]->body.p == NULL);
    o = line_options(&cb);
    o.queue = STR("cb");
    o.record = LANE_EVENT;
    line_start(&cb, w, &o);
    CHECK("cb", line_wait(&cb, 1, 2000));
    CHECK_Z("body", cb.items[0]->body, "event");
    CHECK_Z("id is the sequence", cb.items[0]->id, "1");
    redis(w, "DEL {acme}:ev"); /* a record that is gone does not cut the row short */
    line_drop(&cb);
    lane_worker_free(&cb.worker);
    c = commit_new(T);
    commit_event(c, STR("3t"), STR("x"), true);
    run(w, c);
    redis(w, "XTRIM {acme}:ev MAXLEN 0");
    line_start(&cb, w, &o);
    CHECK("trimmed", line_wait(&cb, 1, 2000));
    CHECK_Z("its lane", cb.items[0]->lane, "3t");
    CHECK("its body", cb.items[0]->body.p == NULL);
    line_drop(&in);
    line_drop(&cb);
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
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("eight", line_wait(&l, 8, 2000));
    world_pass(w, 50);
    CHECK_INT("not more than slots", l.n, 8);
    line_finish(&l, 0);
    line_finish(&l, 5);
    CHECK("two more", line_wait(&l, 10, 2000));
    world_pass(w, 30);
    CHECK_INT("two only", l.n, 10);
    lane_worker_slots(l.worker, 7);
    line_finish(&l, 1);
    world_pass(w, 30);
    CHECK_INT("one too many is held already", l.n, 10);
    line_finish(&l, 2);
    CHECK("but from then on", line_wait(&l, 11, 2000));
    lane_worker_slots(l.worker, 8);
    l.finish = true;
    for (size_t i = 0; i < 11; i++) {
        if (l.items[i] != NULL) {
            line_finish(&l, i);
        }
    }
    CHECK("all", line_wait(&l, 100, 5000));
    world_pass(w, 50);
    CHECK_INT("each once", l.n, 100);
    CHECK("never above", l.most <= 8);
    CHECK_REDIS(w, "ZCARD {acme}:f:out:main", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

/*
 * With more waiting than it can take, a worker claims when a quarter of its slots is free, so that
 * one claim brings several; fewer are not left idle for long either.
 */
static void test_quarter(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;
    int64_t calls;

    put_messages(w, 0, 100);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("eight", line_wait(&l, 8, 2000));
    world_pass(w, 50);
    calls = store_calls(w);
    line_finish(&l, 0);
    CHECK("one slot alone is filled too", line_wait(&l, 9, 2000));
    CHECK_INT("by one claim", store_calls(w) - calls, 2);
    world_pass(w, 50);
    calls = store_calls(w);
    line_finish(&l, 1);
    line_finish(&l, 2);
    CHECK("two at once", line_wait(&l, 11, 2000));
    CHECK("by one claim again", store_calls(w) - calls <= 3);
    line_drop(&l);
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
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 50);
    before = store_calls(w);
    world_pass(w, 1500);
    CHECK_INT("an idle worker asks nothing", store_calls(w), before);
    /* by another process: through the channel */
    g = run(w, message("1", "3p", 0, false, NULL));
    CHECK("came, long before the look twice a minute", line_wait(&l, 1, 10000));
    /* the wait that the script told: put off for 300 ms, for later in 500 ms */
    c = commit_new(T);
    lane_check_lease(c, l.items[0]);
    lane_put_off(c, l.items[0], 300);
    before = now_ms();
    run(w, c);
    lane_item_done(&l.items[0]);
    run(w, message("2", "3q", wall_now().ms + 500, true, NULL));
    /* Each by the wait that was told: before the other, and long before the look twice a minute. */
    CHECK("again", line_wait(&l, 2, 10000));
    CHECK("not before its time", l.last_ms - before >= 299);
    CHECK_Z("before the scheduled", l.items[1]->id, "1");
    CHECK_INT("second attempt", l.items[1]->sends, 2);
    CHECK("later", line_wait(&l, 3, 10000));
    CHECK("not before its time", l.last_ms - before >= 495);
    CHECK_Z("the scheduled", l.items[2]->id, "2");
    /* many wakes in a turn are one claim */
    world_pass(w, 30);
    before = store_calls(w);
    for (int i = 0; i < 10; i++) {
        lane_worker_wake(l.worker);
    }
    world_pass(w, 30);
    CHECK_INT("one claim", store_calls(w), before + 1);
    CHECK_INT("enqueued", g.result, COMMIT_OK);
    line_drop(&l);
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

    o = line_options(&l);
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
    CHECK("item", line_wait(&l, 1, 2000));
    CHECK("not inside the callback", g.done && g.n_at_grant == 0);
    CHECK_Z("body", l.items[0]->body, "text");
    CHECK_Z("state", l.items[0]->state, "sending");
    CHECK_INT("sends", l.items[0]->sends, 1);
    CHECK_INT("window", l.items[0]->window.ms, 7);
    CHECK("live", lane_item_live(l.items[0]));
    line_finish(&l, 0);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:k:out:main {acme}:l:out:main:3p", "0");
    lane_worker_pause(l.worker, true);
    CHECK("paused", !lane_worker_has_slot(l.worker));
    put_messages(w, 10, 1);
    world_pass(w, 50);
    CHECK_INT("paused", l.n, 1);
    lane_worker_pause(l.worker, false);
    CHECK("resumed", line_wait(&l, 2, 1000));
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_rate(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct rate faster = {5000, 2, 0, 0, 0};
    struct line l;
    int64_t from;

    put_messages(w, 0, 60);
    o = line_options(&l);
    o.slots = 64;
    o.rate = (struct rate){20000, 2, 0, 0, 0}; /* 50/s */
    from = now_ms();
    line_start(&l, w, &o);
    l.finish = true;
    CHECK("ten", line_wait(&l, 10, 2000));
    CHECK("not too soon", l.last_ms - from >= 155 && l.last_ms - from < 600);
    lane_worker_rate(l.worker, &faster);
    from = now_ms();
    CHECK("all", line_wait(&l, 60, 2000));
    CHECK("faster", l.last_ms - from >= 200 && l.last_ms - from < 950);
    line_settled(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void put_in(struct world *w, int prio, int n)
{
    struct got got[40];

    for (int i = 0; i < n; i++) {
        char id[16], lane[16];

        snprintf(id, sizeof(id), "%d-%d", prio, i);
        snprintf(lane, sizeof(lane), "%dp%d", prio, i);
        start(w, message(id, lane, 0, false, NULL), &got[i]);
    }
    while (!got[n - 1].done) {
        world_pass(w, 1);
    }
}

/* By turns of 16: nine replies, four high, two normal, one low; so none stands still. Critical goes
 * before all. */
static void test_weights(void)
{
    static const int want[] = {0, 18, 8, 4, 2};
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;
    int got[5] = {0};

    for (int prio = 1; prio <= 4; prio++) {
        put_in(w, prio, 30);
    }
    o = line_options(&l);
    o.slots = 1;
    line_start(&l, w, &o);
    for (size_t i = 0; i < 32; i++) {
        CHECK("one more", line_wait(&l, i + 1, 2000));
        got[l.items[i]->lane.p[0] - '0']++;
        line_finish(&l, i);
    }
    for (int prio = 1; prio <= 4; prio++) {
        CHECK("its share", got[prio] >= want[prio] - 1 && got[prio] <= want[prio] + 1);
    }
    CHECK("one is out", line_wait(&l, 33, 2000));
    put_in(w, 0, 3);
    for (size_t i = 32; i < 36; i++) {
        CHECK("next", line_wait(&l, i + 1, 2000));
        CHECK_INT("the critical at once", l.items[i]->lane.p[0] == '0', i > 32);
        line_finish(&l, i);
    }
    line_settled(&l);
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_stop(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 20);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("eight", line_wait(&l, 8, 1000));
    lane_worker_stop(l.worker, line_on_idle, &l);
    for (size_t i = 0; i < 8; i++) {
        CHECK("not yet", !l.idle);
        line_finish(&l, i);
    }
    CHECK("idle", world_run(w, &l.idle, 1000));
    CHECK_INT("claimed no more", l.n, 8);
    lane_worker_free(&l.worker);
    /* stopped while a claim is under way: what it brings is handed out and settled first */
    o = line_options(&l);
    line_start(&l, w, &o);
    l.finish = true;
    redis_fixture_stop(w->redis);
    world_pass(w, 20);
    lane_worker_stop(l.worker, line_on_idle, &l);
    world_pass(w, 20);
    CHECK("waits for it", !l.idle);
    redis_fixture_cont(w->redis);
    CHECK("idle", world_run(w, &l.idle, 1000) || world_run(w, &l.idle, 1000));
    CHECK_INT("its items", l.n, 8);
    lane_worker_free(&l.worker);
    /* stopped when there is nothing */
    redis(w, "FLUSHALL");
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 30);
    lane_worker_stop(l.worker, line_on_idle, &l);
    CHECK("not at once", !l.idle);
    CHECK("idle", world_run(w, &l.idle, 1000));
    lane_worker_free(&l.worker);
    /* while a claim that will find nothing is under way */
    line_start(&l, w, &o);
    redis_fixture_stop(w->redis);
    world_pass(w, 20);
    lane_worker_stop(l.worker, line_on_idle, &l);
    world_pass(w, 20);
    CHECK("waits for it", !l.idle);
    redis_fixture_cont(w->redis);
    CHECK("idle", world_run(w, &l.idle, 1000));
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* A wake that comes while a claim is under way is not lost with that claim's answer. */
static void test_wake_meanwhile(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;
    int64_t before = store_calls(w);

    o = line_options(&l);
    redis_fixture_stop(w->redis);
    line_start(&l, w, &o);
    world_pass(w, 20);
    lane_worker_wake(l.worker);
    world_pass(w, 20);
    CHECK_INT("one at a time", store_calls(w), before + 1);
    redis_fixture_cont(w->redis);
    for (int i = 0; i < 40 && store_calls(w) < before + 2; i++) {
        world_pass(w, 50);
    }
    CHECK_INT("and then another", store_calls(w), before + 2);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_free(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 20);
    o = line_options(&l);
    line_start(&l, w, &o);
    l.free_at_once = true;
    CHECK("first", line_wait(&l, 1, 1000));
    world_pass(w, 30);
    CHECK_INT("freed by the first: no more", l.n, 1);
    CHECK("no worker", l.items[0]->worker == NULL);
    line_drop(&l);
    lane_worker_free(&l.worker);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("items", line_wait(&l, 8, 1000));
    lane_worker_free(&l.worker); /* while all are out */
    line_drop(&l);
    line_start(&l, w, &o);
    redis_fixture_stop(w->redis);
    world_pass(w, 20);
    lane_worker_free(&l.worker); /* while a claim is under way */
    redis_fixture_cont(w->redis);
    world_pass(w, 30);
    CHECK_INT("nothing", l.n, 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_claim),          TEST(test_records),        TEST(test_slots), TEST(test_quarter),
        TEST(test_idle_and_wakes), TEST(test_grant),          TEST(test_rate),  TEST(test_weights),
        TEST(test_stop),           TEST(test_wake_meanwhile), TEST(test_free),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
