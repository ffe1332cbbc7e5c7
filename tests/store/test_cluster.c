/* store: a cluster: its map, calls for slots that moved or are on their way, masters that die. */
#include <stdio.h>
#include <stdlib.h>
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

static struct world *cluster_world(struct redis_group *g)
{
    struct world *w = world_new_without_redis();
    char url[300];

    redis_group_cluster_url(g, url, sizeof(url));
    world_store(w, str_of(url), STORE_ALWAYS);
    CHECK("ready", world_health(w, STORE_READY, 5000));
    return w;
}

static int slot_of(struct redis_group *g, const char *tenant)
{
    char command[80];

    snprintf(command, sizeof(command), "CLUSTER KEYSLOT {%.40s}:", tenant);
    return (int)strtol(redis_fixture_command(g->servers[0], command), NULL, 10);
}

/* Which third of the slots, so which server at first. */
static size_t owner_of(struct redis_group *g, const char *tenant)
{
    return (size_t)slot_of(g, tenant) * 3 / CLUSTER_SLOTS;
}

/* That the list of @tenant at @server holds 0 to n-1 in order: nothing lost, doubled or overtaken.
 */
static void check_list(struct redis_group *g, size_t server, const char *tenant, size_t n)
{
    char command[80];
    const char *at;
    size_t wrong = 0;

    snprintf(command, sizeof(command), "LRANGE {%s}:list 0 -1", tenant);
    at = redis_fixture_command(g->servers[server], command);
    for (size_t i = 0; i < n; i++) {
        char *end;

        wrong += strtoul(at, &end, 10) == i ? 0 : 1;
        at = *end == '\n' ? end + 1 : end;
    }
    CHECK_INT(tenant, wrong, 0);
    CHECK("no more", *at == '\0');
}

static void test_spread(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m[12] = {0};
    size_t at[3] = {0};
    char tenant[12][16];
    struct asked a;

    for (size_t i = 0; i < 12; i++) {
        char key[24];

        snprintf(tenant[i], sizeof(tenant[i]), "plant-%zu", i);
        snprintf(key, sizeof(key), "{%s}:", tenant[i]);
        at[owner_of(g, tenant[i])]++;
        many_append(w, &m[i], key, 300);
    }
    for (size_t i = 0; i < 12; i++) {
        CHECK("answered", m[i].done || world_run(w, &m[i].done, 5000));
        CHECK_INT(m[i].msg, m[i].ok, 300);
        check_list(g, owner_of(g, tenant[i]), tenant[i], 300);
    }
    CHECK("all three are used", at[0] > 0 && at[1] > 0 && at[2] > 0);
    CHECK_INT("each was known", stats_of(w).redirects, 0);
    ask_wait(w, &a, "PING");
    CHECK_INT("a command without a key", a.code, ERR_NONE);
    world_free(&w);
    redis_group_free(&g);
}

/* A slot that moved while nobody looked: MOVED, once, and what was under way keeps its order. */
static void test_moved(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m = {0};
    int slot = slot_of(g, "t");
    size_t from = owner_of(g, "t"), to = (from + 1) % 3;

    many_append(w, &m, "{t}:", 100);
    CHECK("before", world_run(w, &m.done, 3000));
    redis_group_slot_begin(g, slot, from, to);
    redis_group_slot_keys(g, slot, from, to, 0);
    redis_group_slot_end(g, slot, from, to);
    many_append(w, &m, "{t}:", 400);
    CHECK("after", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 500);
    CHECK("redirected", stats_of(w).redirects > 0);
    check_list(g, to, "t", 500);
    world_free(&w);
    redis_group_free(&g);
}

/*
 * Half of a slot's keys here, half there: a script would see half a tenant, so it waits; a read of
 * one key is answered by whoever has it.
 */
static void test_half_moved(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m = {0};
    int slot = slot_of(g, "t");
    size_t from = owner_of(g, "t"), to = (from + 1) % 3;
    struct asked a;

    many_append(w, &m, "{t}:", 50);
    CHECK("before", world_run(w, &m.done, 3000));
    redis_group_slot_begin(g, slot, from, to);
    many_append(w, &m, "{t}:", 50);
    world_pass(w, 150);
    CHECK("a script waits from the beginning", !m.done);
    redis_group_slot_keys(g, slot, from, to, 1);
    world_pass(w, 150);
    CHECK("and while keys go", !m.done);
    ask_wait(w, &a, "LLEN {t}:list");
    CHECK_INT(a.msg, a.number, 50);
    ask_wait(w, &a, "SCARD {t}:seen");
    CHECK_INT(a.msg, a.number, 50);
    redis_group_slot_keys(g, slot, from, to, 0);
    ask_wait(w, &a, "LLEN {t}:list");
    CHECK_INT("behind ASK", a.number, 50);
    CHECK("still", !m.done);
    redis_group_slot_end(g, slot, from, to);
    CHECK("until it is over", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 100);
    CHECK_INT("own replies", m.wrong, 0);
    check_list(g, to, "t", 100);
    world_free(&w);
    redis_group_free(&g);
}

/* An operator who leaves a slot half way: refused in time, and carried on when he ends it. */
static void test_left_half_moved(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m = {0}, other = {0};
    int slot = slot_of(g, "t");
    size_t from = owner_of(g, "t"), to = (from + 1) % 3;

    redis_group_slot_begin(g, slot, from, to);
    many_append(w, &m, "{t}:", 20);
    many_append(w, &other, "{plant-1}:", 20);
    CHECK("another tenant", world_run(w, &other.done, 1000));
    CHECK_INT(other.msg, other.ok, 20);
    CHECK("refused", world_run(w, &m.done, 4000));
    CHECK_INT(m.msg, m.unavailable, 20);
    CHECK(m.msg, strstr(m.msg, "on its way") != NULL);
    CHECK("in time", m.longest_ms < 3300);
    redis_group_slot_end(g, slot, from, to);
    m = (struct many){0};
    many_append(w, &m, "{t}:", 20);
    CHECK("again", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 20);
    world_free(&w);
    redis_group_free(&g);
}

/* Slots go round the cluster while calls keep coming. */
static void test_resharding(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m[4] = {0};
    char tenant[4][16], key[24];
    size_t at[4], calls = 0;
    int64_t from_ms = now_ms();

    for (size_t i = 0; i < 4; i++) {
        snprintf(tenant[i], sizeof(tenant[i]), "r%zu", i);
        at[i] = owner_of(g, tenant[i]);
    }
    for (size_t round = 0; round < 24; round++) {
        size_t which = round % 4, to = (at[which] + 1) % 3;
        int slot = slot_of(g, tenant[which]);

        for (int step = 0; step < 6; step++) {
            for (size_t i = 0; i < 4; i++) {
                snprintf(key, sizeof(key), "{%.15s}:", tenant[i]);
                many_append(w, &m[i], key, 25);
                calls += 25;
            }
            if (step == 1) {
                redis_group_slot_begin(g, slot, at[which], to);
            } else if (step == 2) {
                redis_group_slot_keys(g, slot, at[which], to, 1);
            } else if (step == 3) {
                redis_group_slot_keys(g, slot, at[which], to, 0);
            } else if (step == 4) {
                redis_group_slot_end(g, slot, at[which], to);
                at[which] = to;
            }
            world_pass(w, 8);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK("answered", m[i].done || world_run(w, &m[i].done, 5000));
        CHECK_INT(m[i].msg, m[i].ok, m[i].asked);
        CHECK_INT("own replies", m[i].wrong, 0);
        check_list(g, at[i], tenant[i], m[i].asked);
    }
    printf("# 24 slots moved in %lld ms: %zu calls, %lld redirects, none lost\n",
           (long long)(now_ms() - from_ms), calls, (long long)stats_of(w).redirects);
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

static void publish_until_heard(struct world *w, struct heard *heard, const char *command)
{
    struct asked a;

    for (int i = 0; i < 200 && heard->times == 0; i++) {
        ask_wait(w, &a, command);
        world_pass(w, 20);
    }
    CHECK(command, heard->times > 0);
}

/* A master dies: its replica takes over, the tenants of the others do not notice. */
static void test_killed(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 3);
    struct world *w = cluster_world(g);
    struct many dead = {0}, living = {0}, after = {0};
    struct heard heard = {w, 0};
    size_t victim = owner_of(g, "t");
    const char *other = owner_of(g, "plant-1") != victim ? "{plant-1}:" : "{plant-2}:";
    int64_t from;

    store_subscribe(w->store, STR("news"), on_heard, &heard);
    publish_until_heard(w, &heard, "PUBLISH news here");
    CHECK("another one", owner_of(g, "plant-1") != victim || owner_of(g, "plant-2") != victim);
    many_append(w, &dead, "{t}:", 200);
    CHECK("before", world_run(w, &dead.done, 3000));
    redis_fixture_kill(g->servers[victim]);
    from = now_ms();
    CHECK("told", world_health(w, STORE_PARTLY, 1500));
    many_append(w, &after, "{t}:", 200);
    many_append(w, &living, other, 200);
    CHECK("the others", world_run(w, &living.done, 3000));
    CHECK_INT(living.msg, living.ok, 200);
    CHECK("all answered", after.done || world_run(w, &after.done, 4000));
    CHECK_INT("or refused in time", after.ok + after.unavailable, 200);
    CHECK("up again", world_health(w, STORE_READY, 15000));
    printf("# master killed: %lld ms until its replica is used\n", (long long)(now_ms() - from));
    after = (struct many){0};
    many_append(w, &after, "{v}:", 200);
    CHECK("answered", world_run(w, &after.done, 3000));
    CHECK_INT(after.msg, after.ok, 200);
    heard.times = 0;
    publish_until_heard(w, &heard, "PUBLISH news again");
    world_free(&w);
    redis_group_free(&g);
}

/* With cluster-require-full-coverage the others refuse as well, by their own word. */
static void test_whole_or_nothing(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w = cluster_world(g);
    struct many m = {0};
    size_t victim = (owner_of(g, "t") + 1) % 3;
    const char *reason;

    for (size_t i = 0; i < 3; i++) {
        redis_fixture_command(g->servers[i], "CONFIG SET cluster-require-full-coverage yes");
    }
    redis_fixture_kill(g->servers[victim]);
    CHECK("told", world_health(w, STORE_PARTLY, 1500));
    for (int i = 0; i < 100 && store_health(w->store, NULL) != STORE_DOWN; i++) {
        many_append(w, &m, "{t}:", 1);
        many_append(w, &m, i % 2 == 0 ? "{plant-1}:" : "{plant-2}:", 1);
        many_append(w, &m, i % 2 == 0 ? "{plant-3}:" : "{plant-4}:", 1);
        world_pass(w, 50);
    }
    store_health(w->store, &reason);
    CHECK(reason, store_health(w->store, NULL) == STORE_DOWN);
    CHECK("answered", m.done || world_run(w, &m.done, 4000));
    CHECK_INT("or refused in time", m.ok + m.unavailable, m.asked);
    redis_fixture_start(g->servers[victim]);
    CHECK("by itself", world_health(w, STORE_READY, 15000));
    m = (struct many){0};
    many_append(w, &m, "{t}:", 20);
    CHECK("again", world_run(w, &m.done, 3000));
    CHECK_INT(m.msg, m.ok, 20);
    world_free(&w);
    redis_group_free(&g);
}

/* Dead nodes in the address are passed over; slots without a server are told. */
static void test_nodes_fail(void)
{
    struct redis_group *g = redis_group_new_cluster(3, 0);
    struct world *w;
    const char *reason;
    struct asked a;
    char url[100];

    redis_fixture_stop(g->servers[0]);
    w = world_new_without_redis();
    snprintf(url, sizeof(url), "redis+cluster://127.0.0.1:%d,127.0.0.1:%d",
             redis_fixture_port(g->servers[0]), redis_fixture_port(g->servers[1]));
    world_store(w, str_of(url), STORE_ALWAYS);
    world_pass(w, 1200);
    CHECK("not ready", store_health(w->store, NULL) != STORE_READY);
    redis_fixture_cont(g->servers[0]);
    CHECK("ready", world_health(w, STORE_READY, 5000));
    world_free(&w);
    w = world_new_without_redis();
    world_store(w, redis_fixture_tcp_url(g->servers[(owner_of(g, "t") + 1) % 3]), STORE_ALWAYS);
    ask_wait(w, &a, "GET {t}:v");
    CHECK(a.msg, strstr(a.msg, "must begin with redis+cluster://") != NULL);
    world_free(&w);
    w = world_new_without_redis();
    snprintf(url, sizeof(url), "redis+cluster://127.0.0.1:1");
    world_store(w, str_of(url), STORE_ALWAYS);
    CHECK("nobody there", world_health(w, STORE_DOWN, 3000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "cluster 127.0.0.1:1 is not available") != NULL);
    world_free(&w);
    redis_group_free(&g);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_spread),           TEST(test_moved),      TEST(test_half_moved),
        TEST(test_left_half_moved),  TEST(test_resharding), TEST(test_killed),
        TEST(test_whole_or_nothing), TEST(test_nodes_fail),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
