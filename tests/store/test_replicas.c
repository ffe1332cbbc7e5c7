/* store: what is answered only when replicas have it (WAIT). */
#include <stdio.h>
#include <string.h>

#include "redis_group.h"
#include "store_int.h"
#include "world.h"

static struct world *replicas_world(struct str url, int64_t replicas)
{
    struct world *w = world_new_without_redis();

    w->replicas = replicas;
    world_store(w, url, STORE_ALWAYS);
    return w;
}

static size_t length_at(struct redis_group *g, size_t server, const char *key)
{
    char command[80];
    int64_t n = -1;

    snprintf(command, sizeof(command), "LLEN %s", key);
    str_to_i64(str_of(redis_fixture_command(g->servers[server], command)), 0, INT64_MAX, &n);
    return (size_t)n;
}

/* At the moment of each answer the replica has it: its master dies then, and nothing is missing. */
static void test_confirmed(void)
{
    struct redis_group *g = redis_group_new(2, 0);
    struct world *w = replicas_world(redis_fixture_tcp_url(g->servers[0]), 1);
    struct many m = {0};
    int64_t from;

    CHECK("ready", world_health(w, STORE_READY, 3000));
    from = now_ms();
    for (int i = 0; i < 40; i++) {
        many_append(w, &m, "{t}:", 250);
        world_pass(w, 1);
    }
    CHECK("answered", world_run(w, &m.done, 5000));
    printf("# %zu calls confirmed by a replica in %lld ms\n", m.ok, (long long)(now_ms() - from));
    CHECK_INT(m.msg, m.ok, 10000);
    CHECK_INT("own replies", m.wrong, 0);
    redis_fixture_kill(g->servers[0]);
    CHECK_INT("at the replica", length_at(g, 1, "{t}:list"), 10000);
    world_free(&w);
    redis_group_free(&g);
}

/* Too few: refused in time, told, and the same calls asked again are done once. */
static void test_too_few(void)
{
    struct redis_group *g = redis_group_new(3, 0);
    struct world *w = replicas_world(redis_fixture_tcp_url(g->servers[0]), 2);
    struct many m = {0}, again = {0};
    const char *reason;
    struct asked a;

    CHECK("ready", world_health(w, STORE_READY, 3000));
    many_append(w, &m, "{t}:", 100);
    CHECK("two are there", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 100);
    redis_fixture_stop(g->servers[2]);
    many_append(w, &m, "{t}:", 100);
    CHECK("told", world_health(w, STORE_DOWN, 2500));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "1 of 2 replicas") != NULL);
    CHECK("refused", world_run(w, &m.done, 4000));
    CHECK_INT(m.msg, m.unavailable, 100);
    CHECK(m.msg, strstr(m.msg, "fewer than 2 replicas") != NULL);
    CHECK("in time", m.longest_ms < 3300);
    CHECK_INT("no other error", m.other + m.full, 0);
    ask_for(w, &a, 5000, "LLEN {t}:list");
    world_pass(w, 300);
    CHECK("reads wait too", !a.done);
    redis_fixture_cont(g->servers[2]);
    CHECK("the one that waited", world_run(w, &a.done, 3000));
    CHECK_INT(a.msg, a.number, 200);
    CHECK("ready again", world_health(w, STORE_READY, 3000));
    many_append(w, &again, "{t}:", 200);
    CHECK("the same again", world_run(w, &again.done, 3000));
    CHECK_INT(again.msg, again.ok, 200);
    CHECK_INT("once", length_at(g, 0, "{t}:list"), 200);
    world_free(&w);
    redis_group_free(&g);
}

/* Cancelled while it is held, and a store that goes with calls held. */
static void test_cancelled(void)
{
    struct redis_group *g = redis_group_new(2, 0);
    struct world *w = replicas_world(redis_fixture_tcp_url(g->servers[0]), 1);
    struct asked a, b;
    struct store_stats stats;

    CHECK("ready", world_health(w, STORE_READY, 3000));
    redis_fixture_stop(g->servers[1]);
    ask(w, &a, "SET {t}:a 1");
    ask(w, &b, "SET {t}:b 1");
    world_pass(w, 200);
    CHECK("held", !a.done && !b.done);
    op_cancel(&a.op);
    redis_fixture_cont(g->servers[1]);
    CHECK("the other one", world_run(w, &b.done, 3000));
    CHECK_INT("never", a.calls, 0);
    store_stats(w->store, &stats);
    CHECK_INT("none pending", stats.pending, 0);
    redis_fixture_stop(g->servers[1]);
    ask(w, &a, "SET {t}:a 2");
    world_pass(w, 100);
    world_free(&w);
    CHECK_INT("never", a.calls, 0);
    redis_group_free(&g);
}

/*
 * The master dies while its replicas are behind: what was answered is there, the rest was not
 * answered and is asked again at the new one.
 */
static void test_failover(void)
{
    struct redis_group *g = redis_group_new(3, 3);
    struct world *w;
    struct many m = {0};
    char url[200];
    size_t acknowledged, left, both;

    redis_group_sentinel_url(g, url, sizeof(url));
    w = replicas_world(str_of(url), 1);
    CHECK("ready", world_health(w, STORE_READY, 3000));
    for (int i = 0; i < 100; i++) {
        many_append(w, &m, "{t}:", 20);
        world_pass(w, 3);
    }
    CHECK("answered", m.done || world_run(w, &m.done, 3000));
    redis_fixture_stop(g->servers[1]);
    redis_fixture_stop(g->servers[2]);
    many_append(w, &m, "{t}:", 300);
    world_pass(w, 100);
    acknowledged = m.ok;
    CHECK_INT("the master has them", length_at(g, 0, "{t}:list"), 2300);
    CHECK_INT("alone", acknowledged, 2000);
    redis_fixture_kill(g->servers[0]);
    redis_fixture_cont(g->servers[1]);
    redis_fixture_cont(g->servers[2]);
    CHECK("down", world_health(w, STORE_DOWN, 1500));
    CHECK("up again", world_health(w, STORE_READY, 15000));
    CHECK("all answered", m.done || world_run(w, &m.done, 4000));
    CHECK_INT("or refused", m.ok + m.unavailable, m.asked);
    left = length_at(g, 1, "{t}:list");
    both = length_at(g, 2, "{t}:list");
    CHECK_INT("what was answered is there", left >= m.ok || both >= m.ok, 1);
    printf("# %zu answered before the kill, %zu in all, %zu refused\n", acknowledged, m.ok,
           m.unavailable);
    world_free(&w);
    redis_group_free(&g);
}

/* Each master of a cluster has its own. */
static void test_cluster(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 3);
    struct world *w;
    struct many m[6] = {0};
    char url[300], key[24];

    redis_group_cluster_url(g, url, sizeof(url));
    w = replicas_world(str_of(url), 1);
    CHECK("ready", world_health(w, STORE_READY, 5000));
    for (size_t i = 0; i < 6; i++) {
        snprintf(key, sizeof(key), "{plant-%zu}:", i);
        many_append(w, &m[i], key, 200);
    }
    for (size_t i = 0; i < 6; i++) {
        CHECK("answered", m[i].done || world_run(w, &m[i].done, 5000));
        CHECK_INT(m[i].msg, m[i].ok, 200);
    }
    for (size_t i = 0; i < 3; i++) {
        redis_fixture_stop(g->servers[3 + i]);
    }
    many_append(w, &m[0], "{plant-0}:", 10);
    CHECK("told", world_health(w, STORE_PARTLY, 2500));
    CHECK("refused", world_run(w, &m[0].done, 4000));
    CHECK_INT(m[0].msg, m[0].unavailable, 10);
    world_free(&w);
    redis_group_free(&g);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_confirmed), TEST(test_too_few), TEST(test_cancelled),
        TEST(test_failover),  TEST(test_cluster),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
