/* store: the master found through Sentinels, and found again when it changes. */
#include <stdio.h>
#include <string.h>

#include "redis_group.h"
#include "store_int.h"
#include "world.h"

static struct store_stats stats_of(const struct world *w)
{
    struct store_stats stats;

    store_stats(w->store, &stats);
    return stats;
}

static struct world *sentinel_world(struct redis_group *g)
{
    struct world *w = world_new_without_redis();
    char url[200];

    redis_group_sentinel_url(g, url, sizeof(url));
    world_store(w, str_of(url), STORE_ALWAYS);
    return w;
}

/* The role of the server that the store talks to, by its own word. */
static bool master_is(struct world *w, const struct redis_group *g, size_t nth)
{
    char want[40];
    const char *reason;

    snprintf(want, sizeof(want), "127.0.0.1:%d ", redis_fixture_port(g->servers[nth]));
    store_health(w->store, &reason);
    return strstr(reason, want) != NULL;
}

static void test_found(void)
{
    struct redis_group *g = redis_group_new(2, 3);
    struct world *w = sentinel_world(g);
    struct many m = {0};

    CHECK("ready", world_health(w, STORE_READY, 3000));
    CHECK("the master", master_is(w, g, 0));
    many_append(w, &m, "{t}:", 500);
    CHECK("answered", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 500);
    world_free(&w);
    redis_group_free(&g);
}

struct heard {
    struct world *w;
    int times;
};

static void on_heard(void *ctx, struct str channel, struct str payload)
{
    struct heard *h = ctx;

    (void)channel;
    (void)payload;
    h->times++;
    loop_stop(h->w->loop);
}

/* Told by the Sentinel that it chose another one, with the old master alive: nothing is lost, and
 * what the store subscribes to goes along. */
static void test_switched(void)
{
    struct redis_group *g = redis_group_new(2, 3);
    struct world *w = sentinel_world(g);
    struct heard heard = {w, 0};
    struct asked a;

    store_subscribe(w->store, STR("news"), on_heard, &heard);
    CHECK("ready", world_health(w, STORE_READY, 3000));
    for (int round = 0; round < 3; round++) {
        struct many m = {0};
        size_t other = (size_t)(round + 1) % 2;
        int64_t until_ms = now_ms() + 15000;
        char key[16];

        snprintf(key, sizeof(key), "{t%d}:", round);
        redis_group_failover(g);
        while (!master_is(w, g, other) && now_ms() < until_ms) {
            many_append(w, &m, key, 5);
            world_pass(w, 10);
        }
        CHECK("the other one", master_is(w, g, other));
        CHECK("answered", world_run(w, &m.done, 5000));
        CHECK_INT(m.msg, m.ok, m.asked);
        CHECK_INT("own replies", m.wrong, 0);
    }
    CHECK("reconnected", stats_of(w).reconnects >= 3);
    for (int i = 0; i < 100 && heard.times == 0; i++) {
        ask_wait(w, &a, "PUBLISH news here");
        world_pass(w, 20);
    }
    CHECK("still subscribed", heard.times > 0);
    world_free(&w);
    redis_group_free(&g);
}

/* A master that dies: what is asked meanwhile waits and is carried out by the new one. */
static void test_killed(void)
{
    struct redis_group *g = redis_group_new(3, 3);
    struct world *w = sentinel_world(g);
    struct many before = {0}, after = {0};
    int64_t from;

    CHECK("ready", world_health(w, STORE_READY, 3000));
    many_append(w, &before, "{t}:", 200);
    CHECK("answered", world_run(w, &before.done, 3000));
    redis_fixture_kill(g->servers[0]);
    from = now_ms();
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    many_append(w, &after, "{u}:", 200);
    CHECK("up again", world_health(w, STORE_READY, 15000));
    printf("# master killed: %lld ms until the next one is used\n", (long long)(now_ms() - from));
    CHECK("not the dead one", !master_is(w, g, 0));
    CHECK("all answered", world_run(w, &after.done, 4000));
    CHECK_INT("or refused in time", after.ok + after.unavailable, 200);
    CHECK("in time", after.longest_ms < 3300);
    after = (struct many){0};
    many_append(w, &after, "{v}:", 200);
    CHECK("answered", world_run(w, &after.done, 3000));
    CHECK_INT(after.msg, after.ok, 200);
    world_free(&w);
    redis_group_free(&g);
}

/* Dead Sentinels and such that know nothing are passed over; without any there is a reason. */
static void test_sentinels_fail(void)
{
    struct redis_group *g = redis_group_new(1, 3);
    struct world *w;
    const char *reason;
    char url[200];

    redis_fixture_kill(g->sentinels[0]);
    redis_fixture_stop(g->sentinels[1]);
    w = sentinel_world(g);
    CHECK("the third tells", world_health(w, STORE_READY, 3000));
    redis_fixture_kill(g->sentinels[2]);
    world_pass(w, 200);
    CHECK_INT("needed only to find it", store_health(w->store, NULL), STORE_READY);
    redis_fixture_kill(g->servers[0]);
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    world_pass(w, 3000);
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "no Sentinel tells where redis mine is") != NULL);
    redis_fixture_start(g->servers[0]);
    redis_fixture_start(g->sentinels[2]);
    CHECK("and again", world_health(w, STORE_READY, 5000));
    world_free(&w);
    w = world_new_without_redis();
    snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%d/other",
             redis_fixture_port(g->sentinels[2]));
    world_store(w, str_of(url), STORE_ALWAYS);
    CHECK("another name", world_health(w, STORE_DOWN, 2000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "it knows no master of the name: other") != NULL);
    world_free(&w);
    redis_group_free(&g);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_found),
        TEST(test_switched),
        TEST(test_killed),
        TEST(test_sentinels_fail),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
