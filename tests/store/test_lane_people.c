/* lane: the ledger of people: so many in 24 h who have not written for a day themselves. */
#include <stdio.h>
#include <string.h>

#include "line.h"

static void set(struct world *w, const char *fmt, long long value)
{
    char words[128];

    snprintf(words, sizeof(words), fmt, value);
    redis(w, words);
}

/* Two of five go, and who is inside his window; the others wait, none fails. */
static void test_tier(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    redis(w, "HSET {acme}:sn:main people 2");
    set(w, "HSET {acme}:w:main p4 %lld", (long long)wall_now().ms - 1000);
    set(w, "HSET {acme}:w:main p3 %lld", (long long)wall_now().ms - (long long)25 * 3600 * 1000);
    put_messages(w, 0, 5);
    o = line_options(&l);
    line_start(&l, w, &o);
    l.finish = true;
    CHECK("three go", line_wait(&l, 3, 2000));
    world_pass(w, 150);
    CHECK_INT("no more", (int64_t)l.n, 3);
    CHECK_REDIS(w, "ZCARD {acme}:dp:main", "2");
    CHECK_REDIS(w, "ZCARD {acme}:r:out:main:3", "2");
    CHECK("both wait until they are looked at again",
          strtoll(redis(w, "ZCOUNT {acme}:r:out:main:3 -inf 1"), NULL, 10) == 0);
    line_settled(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* Whom it has already is no new one; a day later there is room. */
static void test_day(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    redis(w, "HSET {acme}:sn:main people 1");
    set(w, "ZADD {acme}:dp:main %lld p0", (long long)wall_now().ms - (long long)23 * 3600 * 1000);
    put_messages(w, 0, 2);
    o = line_options(&l);
    line_start(&l, w, &o);
    CHECK("one goes", line_wait(&l, 1, 2000));
    world_pass(w, 100);
    CHECK_INT("the other waits", (int64_t)l.n, 1);
    CHECK_Z("he is no new one", l.items[0]->lane, "3p0");
    CHECK("and does not count anew", !l.items[0]->counts);
    set(w, "ZADD {acme}:dp:main %lld p0", (long long)wall_now().ms - (long long)25 * 3600 * 1000);
    redis(w, "ZADD {acme}:r:out:main:3 1 3p1"); /* a minute later */
    lane_worker_wake(l.worker);
    CHECK("the other goes", line_wait(&l, 2, 2000));
    CHECK("and counts", l.items[1]->counts);
    CHECK_REDIS(w, "ZRANGE {acme}:dp:main 0 -1", "p1");
    line_finish(&l, 0);
    line_finish(&l, 1);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void told(struct world *w, const char *unit, int64_t people, int64_t at_ms)
{
    struct commit *c = commit_new(T);

    commit_once(c, str_of(unit));
    commit_tier_told(c, STR("p"), people, (struct wall){at_ms});
    run(w, c);
}

static void configured(struct world *w, const char *unit, int64_t people)
{
    struct commit *c = commit_new(T);

    commit_once(c, str_of(unit));
    commit_tier(c, STR("main"), STR("p"), people);
    commit_tier(c, STR("tw"), STR("p"), people);
    run(w, c);
}

/* Senders of a portfolio share the people of a day, and what the provider told of it, last. */
static void test_portfolio(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    set(w, "ZADD {acme}:dp:main %lld p8",
        (long long)wall_now().ms - 60000); /* of an older version */
    configured(w, "1", 2);
    CHECK_REDIS(w, "HGET {acme}:sn:tw people", "2");
    CHECK_REDIS(w, "ZRANGE {acme}:dp:p 0 -1", "p8");
    set(w, "ZADD {acme}:dp:p %lld p9", (long long)wall_now().ms - 30000); /* by the other sender */
    put_messages(w, 0, 3);
    o = line_options(&l);
    lane_wake_subscribe(w->store);
    line_start(&l, w, &o);
    l.finish = true;
    world_pass(w, 150);
    CHECK_INT("nobody new", (int64_t)l.n, 0);
    told(w, "2", 4, 1000);
    CHECK_REDIS(w, "HGET {acme}:sn:main people", "4");
    told(w, "3", 9, 900);
    CHECK_REDIS(w, "HGET {acme}:sn:tw people", "4"); /* what was told last, not what came last */
    configured(w, "4", 2);                           /* a gateway starts */
    CHECK_REDIS(w, "HGET {acme}:sn:main people", "4");
    redis(w, "ZADD {acme}:r:out:main:3 1 3p0 1 3p1 1 3p2"); /* a minute later */
    lane_worker_wake(l.worker);
    CHECK("two of three", line_wait(&l, 2, 2000));
    world_pass(w, 150);
    CHECK_INT("two of three", (int64_t)l.n, 2);
    told(w, "5", -1, 2000);
    redis(w, "ZADD {acme}:r:out:main:3 1 3p0 1 3p1 1 3p2");
    lane_worker_wake(l.worker);
    CHECK("no limit", line_wait(&l, 3, 2000));
    configured(w, "6", 7);
    CHECK_REDIS(w, "HGET {acme}:sn:tw people", "7"); /* changed by the operator */
    line_settled(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* Who waits for the tier alone and writes is looked at at once, and does not count. */
static void test_writes_meanwhile(void)
{
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);
    struct lane_options o;
    struct line l;

    configured(w, "1", 1);
    set(w, "ZADD {acme}:dp:p %lld p9", (long long)wall_now().ms);
    put_messages(w, 0, 2);
    o = line_options(&l);
    lane_wake_subscribe(w->store);
    line_start(&l, w, &o);
    l.finish = true;
    world_pass(w, 150);
    CHECK_INT("both wait", (int64_t)l.n, 0);
    commit_once(c, STR("word"));
    commit_hmax(c, STR("w:main"), STR("p1"), wall_now().ms);
    commit_heard(c, STR("main"), STR("p1"), STR("the person wrote"));
    run(w, c);
    CHECK("at once", line_wait(&l, 1, 2000));
    CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:3 0 -1", "3p0");
    world_pass(w, 100);
    CHECK_INT("the other waits on", (int64_t)l.n, 1);
    CHECK_REDIS(w, "ZRANGE {acme}:dp:p 0 -1", "p9");
    CHECK_REDIS(w, "EXISTS {acme}:dw:p1:main {acme}:dw:p0:main", "1");
    line_settled(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* ---- older ones are released behind one that is leased ---- */

/* The first waits for his word. */
static void put_held(struct world *w, struct line *l)
{
    struct commit *c = commit_new(T);

    run(w, message("first", "3p1", 0, false, NULL));
    CHECK("leased", line_wait(l, 1, 2000));
    lane_check_lease(c, l->items[0]);
    commit_unsend(c, l->items[0]->id);
    commit_hset(c, STR("hg:main"), STR("p1"), STR("asked"));
    lane_hold(c, l->items[0], AT(wall_now().ms + 60000), STR("held"));
    run(w, c);
    CHECK_REDIS(w, "LLEN {acme}:hm:p1:main", "1");
    lane_item_done(&l->items[0]);
}

static void writes(struct world *w)
{
    struct commit *c = commit_new(T);

    commit_once(c, STR("word"));
    commit_hmax(c, STR("w:main"), STR("p1"), wall_now().ms);
    commit_heard(c, STR("main"), STR("p1"), STR("the person wrote"));
    run(w, c);
}

/* Its lease ran out before it began: it does not begin now, though his window is open. */
static void test_behind_again(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct commit *c = commit_new(T);
    struct line l;

    o = line_options(&l);
    o.lease_ms = 300;
    lane_wake_subscribe(w->store);
    line_start(&l, w, &o);
    put_held(w, &l);
    run(w, message("second", "3p1", 0, false, NULL));
    CHECK("leased", line_wait(&l, 2, 2000));
    CHECK_Z("as it is", l.items[1]->state, "sending");
    writes(w);
    CHECK("given again", line_wait(&l, 3, 2000));
    CHECK("nobody sent it", str_eqz(l.items[2]->id, "second") && !l.items[2]->reaped);
    CHECK_Z("not before the first", l.items[2]->state, "behind");
    lane_check_lease(c, l.items[2]);
    commit_unsend(c, l.items[2]->id);
    lane_put_off(c, l.items[2], 0);
    run(w, c);
    lane_item_done(&l.items[2]);
    for (size_t i = 3; i < 5; i++) {
        CHECK("goes", line_wait(&l, i + 1, 2000));
        CHECK_Z("in order", l.items[i]->id, i == 3 ? "first" : "second");
        CHECK_Z("goes", l.items[i]->state, "sending");
        CHECK_INT("for the first time", l.items[i]->sends, 1);
        line_finish(&l, i);
    }
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

static const char *claim_again(struct world *w)
{
    for (size_t i = 0; i < scripts_count(); i++) {
        const struct script *s = scripts_at(i);
        char words[256];

        if (strcmp(s->name, "claim.lua") == 0) {
            snprintf(words, sizeof(words),
                     "EVALSHA %.40s 1 {acme}: gw2 7 out:main 1 30000 m 0 0 0 1 0 0",
                     strstr(s->head, "$40") + strlen("$40\r\n"));
            return redis(w, words);
        }
    }
    return "";
}

/* The reply of the claim was lost, and he wrote before it was asked again. */
static void test_behind_lost_reply(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    o = line_options(&l);
    lane_wake_subscribe(w->store);
    line_start(&l, w, &o);
    put_held(w, &l);
    lane_worker_free(&l.worker);
    run(w, message("second", "3p1", 0, false, NULL));
    CHECK("leased", strstr(claim_again(w), "second\n") != NULL);
    CHECK("as it was", strstr(claim_again(w), "\nsending\n") != NULL);
    writes(w);
    CHECK("not before the first", strstr(claim_again(w), "\nbehind\n") != NULL);
    redis(w, "HSET {acme}:m:second s uncertain");
    CHECK("begun after all", strstr(claim_again(w), "\nuncertain\n") != NULL);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_tier),         TEST(test_day),
        TEST(test_portfolio),    TEST(test_writes_meanwhile),
        TEST(test_behind_again), TEST(test_behind_lost_reply),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
