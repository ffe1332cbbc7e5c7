/* lane: leases that run out, replies that are lost, a Redis that is away or full. */
#include <stdio.h>
#include <stdlib.h>

#include "line.h"

static void test_reaped(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct got fenced;
    struct commit *c;
    struct line l;

    put_messages(w, 0, 1);
    o = line_options(&l);
    o.lease_ms = 300;
    line_start(&l, w, &o);
    CHECK("first", line_wait(&l, 1, 1000));
    CHECK("live", lane_item_live(l.items[0]));
    l.items[0]->begun =
        true; /* its first byte is out: what never began would come back uncounted */
    world_pass(w, 275);
    CHECK("not live shortly before the end", !lane_item_live(l.items[0]));
    CHECK("again", line_wait(&l, 2, 1000));
    CHECK("reaped", l.items[1]->reaped);
    CHECK_INT("the attempt that was lost", l.items[1]->sends, 1);
    CHECK("a new token", l.items[1]->token > l.items[0]->token);
    c = commit_new(T);
    lane_check_lease(c, l.items[0]);
    lane_finish(c, l.items[0]);
    start(w, c, &fenced);
    CHECK("answered", world_run(w, &fenced.done, 1000));
    CHECK_INT("fenced", fenced.result, COMMIT_FENCED);
    line_finish(&l, 1);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p0", "0");
    line_drop(&l);
    lane_worker_free(&l.worker);
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
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 2300);
    redis_fixture_cont(w->redis);
    CHECK("items", line_wait(&l, 5, 3000));
    store_stats(w->store, &stats);
    CHECK("was asked again", stats.reasked > 0);
    for (size_t i = 0; i < 5; i++) {
        CHECK("not an ambiguous attempt", !l.items[i]->reaped && l.items[i]->sends == 1);
    }
    CHECK_REDIS(w, "ZCARD {acme}:f:out:main", "5");
    l.finish = true;
    for (size_t i = 0; i < 5; i++) {
        line_finish(&l, i);
    }
    world_pass(w, 50);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void put_by_hand(struct world *w, const char *id)
{
    char words[128];

    snprintf(words, sizeof(words), "HSET {acme}:m:%s b body s queued", id);
    redis(w, words);
    snprintf(words, sizeof(words), "RPUSH {acme}:l:out:main:3%s %s", id, id);
    redis(w, words);
    snprintf(words, sizeof(words), "ZADD {acme}:r:out:main:3 0 3%s", id);
    redis(w, words);
}

/* What others accepted while we could not hear it is found when either connection is back. */
static void test_outage(void)
{
    for (int subscribed = 0; subscribed < 2; subscribed++) {
        struct world *w = open_world(NULL);
        struct lane_options o;
        struct line l;

        if (subscribed != 0) {
            lane_wake_subscribe(w->store);
        }
        o = line_options(&l);
        line_start(&l, w, &o);
        world_pass(w, 50);
        if (subscribed == 0) {
            redis_fixture_kill(w->redis);
            world_pass(w, 50);
            redis_fixture_start(w->redis);
            redis_fixture_wait(w->redis);
            put_by_hand(w, "x");
        } else { /* only the connection that listens */
            redis(w, "CLIENT KILL TYPE pubsub");
            put_by_hand(w, "x");
        }
        CHECK("found", line_wait(&l, 1, 3000));
        line_drop(&l);
        lane_worker_free(&l.worker);
        world_free(&w);
    }
}

/* A claim that was given up after its deadline is asked again under its number. */
static void test_claim_given_up(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 5);
    redis_fixture_stop(w->redis);
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 3300);
    redis_fixture_cont(w->redis);
    CHECK("items", line_wait(&l, 5, 3000));
    world_pass(w, 50);
    CHECK_INT("each once", l.n, 5);
    for (size_t i = 0; i < l.n; i++) {
        CHECK("not an ambiguous attempt", !l.items[i]->reaped && l.items[i]->sends == 1);
        CHECK("live", lane_item_live(l.items[i]));
    }
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* What was granted to us after we had given up is ours at once, and was not begun: nothing waits
 * for its lease to end. The connection has held, so nothing else says that there is something. */
static void test_grant_given_up(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct got got[12];
    struct line l;

    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 50); /* there was nothing */
    w->store->deadline_ms = 200;
    redis_fixture_stop(w->redis);
    for (size_t i = 0; i < ARRAY_LEN(got); i++) {
        char id[8], lane[8];

        snprintf(id, sizeof(id), "g%zu", i);
        snprintf(lane, sizeof(lane), "3p%zu", i);
        start(w, message(id, lane, 0, GRANT_ANSWER, NULL), &got[i]);
        world_pass(w, i % 4 == 0 ? 10 : 0); /* several commits */
    }
    for (size_t i = 0; i < ARRAY_LEN(got); i++) {
        CHECK("given up", world_run(w, &got[i].done, 1000));
        CHECK_INT("given up", got[i].code, ERR_STORE_UNAVAILABLE);
    }
    w->store->deadline_ms = 3000;
    redis_fixture_cont(w->redis);
    CHECK("as many as there are slots", line_wait(&l, 8, 1500));
    l.finish = true;
    for (size_t i = 0; i < 8 && i < l.n; i++) {
        CHECK("not an ambiguous attempt", !l.items[i]->reaped && l.items[i]->sends == 1);
        CHECK("live", lane_item_live(l.items[i]));
        line_finish(&l, i);
    }
    CHECK("the others", line_wait(&l, ARRAY_LEN(got), 1500));
    line_settled(&l);
    world_pass(w, 50);
    CHECK_INT("each once", l.n, ARRAY_LEN(got));
    CHECK_REDIS(w, "HGET {acme}:m:g0 n", "1");
    CHECK_REDIS(w, "HGET {acme}:m:g11 n", "1");
    CHECK_REDIS(w, "EXISTS {acme}:k:out:main {acme}:r:out:main:3", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* An end that an older lease of the lane has left ends nothing: what is held by hand says itself
 * until when. */
static void test_left_end(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct got granted = run(w, message("1", "3p", 0, GRANT_ANSWER, NULL)), sent;
    struct commit *c = commit_new(T);
    struct line l;

    redis(w, "ZADD {acme}:f:out:main 1000 3p");
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 50);
    CHECK_INT("nothing to claim", l.n, 0);
    CHECK_REDIS(w, "ZRANGE {acme}:f:out:main 0 -1", "*");
    commit_check_leased(c, OUT, STR("3p"), STR("1"), strtol(granted.results[0], NULL, 10));
    commit_sent(c, AT(5), STR(""), STR_NONE);
    start(w, c, &sent);
    CHECK("answered", world_run(w, &sent.done, 1000));
    CHECK_INT("still ours", sent.result, COMMIT_OK);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void put_leased(struct world *w, const char *id, int64_t ends_in_ms)
{
    char words[128];

    put_by_hand(w, id);
    snprintf(words, sizeof(words), "ZREM {acme}:r:out:main:3 3%s", id);
    redis(w, words);
    snprintf(words, sizeof(words), "HSET {acme}:k:out:main 3%s 1|%s|somebody.1", id, id);
    redis(w, words);
    snprintf(words, sizeof(words), "ZADD {acme}:f:out:main %lld 3%s", (long long)(wall_now().ms + ends_in_ms), id);
    redis(w, words);
}

/* Leases that end one shortly after another: none waits for a new lease of the one before to end. */
static void test_ends(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_leased(w, "x", 300);
    put_leased(w, "y", 350);
    put_leased(w, "z", 400);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("all of them", line_wait(&l, 3, 2000));
    line_drop(&l);
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
    o = line_options(&l);
    line_start(&l, w, &o);
    l.finish = true;
    CHECK("a full Redis drains", line_wait(&l, 20, 3000));
    world_pass(w, 50);
    CHECK_REDIS(w, "EXISTS {acme}:f:out:main {acme}:r:out:main:3", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* A Redis that answers, and refuses, is asked again. */
static void test_refused(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 1);
    redis(w, "CONFIG SET min-replicas-to-write 1");
    o = line_options(&l);
    line_start(&l, w, &o);
    world_pass(w, 200);
    CHECK_INT("nothing yet", l.n, 0);
    redis(w, "CONFIG SET min-replicas-to-write 0");
    CHECK("asked again", line_wait(&l, 1, 3000));
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_reaped),         TEST(test_lost_reply),     TEST(test_outage),
        TEST(test_claim_given_up), TEST(test_grant_given_up), TEST(test_full),
        TEST(test_left_end),       TEST(test_ends),           TEST(test_refused),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
