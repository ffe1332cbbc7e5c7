/* lane: the ledger of people: so many in 24 h who have not written for a day themselves. */
#include <stdio.h>

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

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_tier), TEST(test_day)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
