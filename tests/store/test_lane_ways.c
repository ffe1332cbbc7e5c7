/* lane: a paused sender's lanes go by the next sender that is not, from where they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

static const struct lane_way ways[] = {
    {{"tw", 2},    {0, 1, 0, 1, 0}},
    {{"third", 5}, {0, 1, 0, 1, 0}},
};

static struct lane_options options(struct line *l)
{
    struct lane_options o = line_options(l);

    o.ways = ways;
    o.nways = ARRAY_LEN(ways);
    o.ways_after_ms = 200;
    return o;
}

static void pause_for(struct world *w, const char *sender, int64_t ms)
{
    char words[128];

    snprintf(words, sizeof(words), "HSET {acme}:sn:%s paused %lld", sender,
             (long long)(wall_now().ms - ms));
    redis(w, words);
}

static void resume(struct world *w, const char *sender)
{
    struct commit *c = commit_new(T);

    commit_once(c, str_of(sender));
    commit_sender(c, str_of(sender), "resume", 100, 0, STR_NONE, STR_NONE);
    run(w, c);
}

/* Not at once; then by the next, with his window there, and the attempt says so. */
static void test_after_a_while(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;
    int64_t from;

    redis(w, "HSET {acme}:w:main p0 1000");
    redis(w, "HSET {acme}:w:tw p0 2000");
    put_messages(w, 0, 2);
    pause_for(w, "main", 0);
    o = options(&l);
    from = now_ms();
    line_start(&l, w, &o);
    CHECK("items", line_wait(&l, 2, 2000));
    CHECK("not before its time", l.last_ms - from >= 180);
    CHECK_Z("by the next", l.items[0]->via, "tw");
    CHECK_INT("his window there", l.items[0]->window.ms, 2000);
    CHECK_REDIS(w, "HGET {acme}:sn:main via", "tw");
    CHECK("since then", strtoll(redis(w, "HGET {acme}:sn:main via_at"), NULL, 10) >= from + 180);
    CHECK("the attempt says so", strstr(redis(w, "HGET {acme}:m:0 tl"),
                                        "attempt 1 by tw, because main is paused") != NULL);
    CHECK_REDIS(w, "HLEN {acme}:k:out:main", "2");
    CHECK_REDIS(w, "EXISTS {acme}:k:out:tw", "0");
    line_finish(&l, 0);
    line_finish(&l, 1);
    world_pass(w, 30);
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p0 {acme}:k:out:main", "0");
    lane_worker_free(&l.worker);
    world_free(&w);
}

static void test_which(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 1);
    pause_for(w, "main", 1000);
    pause_for(w, "tw", 1000);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("items", line_wait(&l, 1, 1000));
    CHECK_Z("the first that is not paused", l.items[0]->via, "third");
    line_finish(&l, 0);
    lane_worker_free(&l.worker);
    pause_for(w, "third", 1000);
    put_messages(w, 1, 1);
    line_start(&l, w, &o);
    world_pass(w, 300);
    CHECK_INT("all paused", l.n, 0);
    CHECK_REDIS(w, "HEXISTS {acme}:sn:main via", "0");
    lane_worker_free(&l.worker);
    o.ways_after_ms = 0;
    redis(w, "DEL {acme}:sn:third");
    line_start(&l, w, &o);
    world_pass(w, 300);
    CHECK_INT("0: never", l.n, 0);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* Nine messages of one person: some by the next sender, the rest by his own again, none before
 * another. */
static void test_order(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;
    char id[8];

    lane_wake_subscribe(w->store);
    pause_for(w, "main", 1000);
    for (int i = 0; i < 9; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        run(w, message(id, "3p", 0, true, NULL));
    }
    o = options(&l);
    line_start(&l, w, &o);
    for (size_t i = 0; i < 9; i++) {
        CHECK("item", line_wait(&l, i + 1, 2000));
        snprintf(id, sizeof(id), "m%zu", i);
        CHECK_Z("in order", l.items[i]->id, id);
        CHECK_Z("by", l.items[i]->via, i < 4 ? "tw" : "");
        if (i == 3) { /* the next is claimed when its own goes on */
            resume(w, "main");
        }
        line_finish(&l, i);
        world_pass(w, 5);
    }
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* The pace is the other's: its rate, its people, shared with what it sends for itself. */
static void test_pace(void)
{
    static const struct lane_way slow[] = {
        {{"tw", 2}, {100000, 2, 60000, 1, 0}}
    };
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 6);
    redis(w, "HSET {acme}:pr:out:tw p0 99999999999999999");
    pause_for(w, "main", 1000);
    o = options(&l);
    o.ways = slow;
    o.nways = 1;
    line_start(&l, w, &o);
    CHECK("its burst", line_wait(&l, 2, 1000));
    world_pass(w, 50);
    CHECK_INT("no more", l.n, 2);
    CHECK_Z("p0 has had enough of it", l.items[0]->lane, "3p1");
    CHECK("its rate", strtoll(redis(w, "HGET {acme}:sn:tw tat"), NULL, 10) > 0);
    CHECK_REDIS(w, "HEXISTS {acme}:sn:main tat", "0");
    CHECK_REDIS(w, "HLEN {acme}:pr:out:tw", "3");
    CHECK_REDIS(w, "EXISTS {acme}:pr:out:main", "0");
    redis(w, "HSET {acme}:sn:tw rest 99999999999999");
    world_pass(w, 150);
    CHECK_INT("it rests", l.n, 2);
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* What no other can say waits for its own; others go on. */
static void test_stays(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 2);
    redis(w, "HSET {acme}:m:0 st 1");
    pause_for(w, "main", 1000);
    o = options(&l);
    line_start(&l, w, &o);
    CHECK("the other", line_wait(&l, 1, 1000));
    CHECK_Z("which", l.items[0]->id, "1");
    world_pass(w, 100);
    CHECK_INT("it stays", l.n, 1);
    CHECK_REDIS(w, "HGET {acme}:m:0 s", "queued");
    line_drop(&l);
    lane_worker_free(&l.worker);
    redis(w, "DEL {acme}:sn:main");
    redis(w, "ZADD {acme}:r:out:main:3 0 3p0");
    line_start(&l, w, &o);
    CHECK("its own", line_wait(&l, 1, 1000));
    CHECK_Z("which", l.items[0]->id, "0");
    CHECK_INT("by its own", (int64_t)l.items[0]->via.n, 0);
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* A lost attempt is told with the sender that made it, whoever is paused now. */
static void test_reaped(void)
{
    struct world *w = open_world(NULL);
    struct lane_options o;
    struct line l;

    put_messages(w, 0, 1);
    pause_for(w, "main", 1000);
    o = options(&l);
    o.lease_ms = 300;
    line_start(&l, w, &o);
    CHECK("first", line_wait(&l, 1, 1000));
    l.items[0]->begun = true;
    redis(w, "DEL {acme}:sn:main");
    CHECK("again", line_wait(&l, 2, 2000));
    CHECK("reaped", l.items[1]->reaped);
    CHECK_Z("by whom", l.items[1]->via, "tw");
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_after_a_while), TEST(test_which), TEST(test_order),
        TEST(test_pace),          TEST(test_stays), TEST(test_reaped),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
