/* commit and claim: the messages of a broadcast, each counted in one place, and its end at once. */
#include <stdio.h>
#include <string.h>

#include "line.h"

#define COUNTS                                                                                  \
    "HMGET {acme}:bc:b1 queued uncertain sent delivered read failed cancelled silent answered " \
    "safe help"

/* @n people are told: messages 1 to @n, each in a lane of its own. */
static struct world *told(size_t n)
{
    struct world *w = open_world(NULL);

    redis(w, "HSET {acme}:b:b1 v 1 st sending");
    for (size_t i = 1; i <= n; i++) {
        struct commit *c = commit_new(T);
        char id[8], lane[16], key[16], person[8];

        snprintf(id, sizeof(id), "%zu", i);
        snprintf(lane, sizeof(lane), "3p%zu", i);
        snprintf(key, sizeof(key), "m:%zu", i);
        snprintf(person, sizeof(person), "p%zu", i);
        commit_doc(c, str_of(key), 1, STR("body"));
        commit_doc_field(c, "s", STR("queued"));
        commit_doc_field(c, "br", STR("b1"));
        commit_enqueue(c, OUT, str_of(lane), str_of(id), AT(0), false, NULL);
        commit_fields(c, STR("bm:b1"));
        commit_field(c, str_of(person), str_of(id));
        commit_hincr(c, STR("bc:b1"), STR("queued"), 1);
        run(w, c);
    }
    return w;
}

static void state(struct world *w, const char *id, const char *to)
{
    struct commit *c = commit_new(T);

    commit_message_state(c, str_of(id), to, AT(7), STR(""));
    run(w, c);
}

static const char *answer(struct world *w, const char *person, const char *word, int64_t at)
{
    static char said[32];
    struct commit *c = commit_new(T);

    commit_broadcast_answer(c, STR("b1"), str_of(person), word, AT(at));
    snprintf(said, sizeof(said), "%s", run(w, c).results[0]);
    return said;
}

static void give_up(struct world *w, const char *id)
{
    struct commit *c = commit_new(T);

    commit_given_up(c, str_of(id));
    run(w, c);
}

static bool cancel(struct world *w)
{
    static const struct str queues[] = {
        {"out:main", 8},
        {"out:none", 8}
    };
    struct commit *c = commit_new(T);

    commit_broadcast_cancel(c, STR("b1"), queues, ARRAY_LEN(queues));
    return run(w, c).results[0][0] == '1';
}

static void test_places(void)
{
    struct world *w = told(6);

    CHECK_REDIS(w, COUNTS, "6\n\n\n\n\n\n\n\n\n\n");
    state(w, "1", "sending"); /* in flight counts as queued */
    state(w, "1", "sent");
    state(w, "2", "sent");
    state(w, "2", "read"); /* swapped statuses */
    state(w, "2", "delivered");
    state(w, "3", "failed");
    state(w, "4", "expired");
    state(w, "5", "uncertain");
    CHECK_REDIS(w, COUNTS, "1\n1\n1\n\n1\n2\n\n2\n\n\n");
    give_up(w, "5");
    give_up(w, "5"); /* asked again */
    CHECK_REDIS(w, COUNTS, "1\n0\n1\n\n1\n3\n\n2\n\n\n");
    state(w, "5", "delivered"); /* evidence came after all */
    state(w, "1", "failed");
    CHECK_REDIS(w, COUNTS, "1\n0\n0\n1\n1\n3\n\n2\n\n\n");
    redis(w, "HSET {acme}:m:9 s sent");
    state(w, "9", "delivered"); /* of no broadcast */
    CHECK_REDIS(w, COUNTS, "1\n0\n0\n1\n1\n3\n\n2\n\n\n");
    world_free(&w);
}

static void test_answers(void)
{
    struct world *w = told(3);

    state(w, "1", "sent");
    state(w, "2", "sent");
    CHECK_Z("first", str_of(answer(w, "p1", "help", 10)), "first");
    CHECK_REDIS(w, COUNTS, "1\n\n2\n\n\n\n\n1\n1\n\n1");
    CHECK_Z("again", str_of(answer(w, "p1", "safe", 12)), "again");
    CHECK_Z("overtaken", str_of(answer(w, "p1", "help", 11)), "again");
    CHECK_REDIS(w, COUNTS, "1\n\n2\n\n\n\n\n1\n1\n1\n0");
    CHECK_REDIS(w, "HGET {acme}:ba:b1 p1", "safe|12");
    /* heard of it from a colleague, before his message went out: he is not silent afterwards */
    CHECK_Z("early", str_of(answer(w, "p3", "safe", 13)), "first");
    state(w, "3", "sent");
    state(w, "1", "read");
    CHECK_REDIS(w, COUNTS, "0\n\n2\n\n1\n\n\n1\n2\n2\n0");
    CHECK_Z("nobody", str_of(answer(w, "p9", "safe", 14)), "none");
    CHECK_REDIS(w, "HLEN {acme}:ba:b1", "2");
    world_free(&w);
}

static void test_recast(void)
{
    struct world *w = told(2);
    struct commit *c = commit_new(T);

    state(w, "1", "delivered");
    state(w, "2", "sent");
    answer(w, "p2", "ack", 10);
    for (int i = 1; i <= 2; i++) {
        char old[8], now[8], key[16], lane[16];

        snprintf(old, sizeof(old), "%d", i);
        snprintf(now, sizeof(now), "1%d", i);
        snprintf(key, sizeof(key), "m:%s", now);
        snprintf(lane, sizeof(lane), "3p%d", i);
        commit_doc(c, str_of(key), 1, STR("body"));
        commit_doc_field(c, "s", STR("queued"));
        commit_doc_field(c, "br", STR("b1"));
        commit_enqueue(c, OUT, str_of(lane), str_of(now), AT(0), false, NULL);
        commit_broadcast_recast(c, STR("b1"), str_of(old), str_of(now));
    }
    run(w, c);
    CHECK_REDIS(w, COUNTS, "2\n\n0\n0\n\n\n\n0\n1\n\n");
    state(w, "1", "read"); /* the old one is of no account any more */
    state(w, "11", "sent");
    state(w, "12", "sent"); /* he had answered: not silent */
    CHECK_REDIS(w, COUNTS, "0\n\n2\n0\n\n\n\n1\n1\n\n");
    world_free(&w);
}

/* Two in flight, one on hold as uncertain, one sent, three waiting: these three are cancelled. */
static void test_cancel(void)
{
    struct world *w = told(7);
    struct lane_options o;
    struct line l, later;

    state(w, "7", "sent");
    state(w, "6", "uncertain");
    redis(w, "DEL {acme}:l:out:main:3p6 {acme}:l:out:main:3p7");
    redis(w, "ZREM {acme}:r:out:main:3 3p6 3p7");
    o = line_options(&l);
    o.slots = 2;
    line_start(&l, w, &o);
    CHECK("two are held", line_wait(&l, 2, 2000));
    CHECK("cancelled", cancel(w));
    CHECK_REDIS(w, COUNTS, "2\n1\n1\n\n\n\n3\n1\n\n\n");
    CHECK_REDIS(w, "HMGET {acme}:b:b1 v st", "2\ncancelled");
    CHECK("once", !cancel(w));
    CHECK_REDIS(w, COUNTS, "2\n1\n1\n\n\n\n3\n1\n\n\n");
    /* One of the two gets through, the other one is put off and does not go again. */
    {
        struct commit *c = commit_new(T);

        lane_check_lease(c, l.items[0]);
        commit_message_state(c, l.items[0]->id, "sent", AT(9), STR(""));
        lane_finish(c, l.items[0]);
        run(w, c);
        c = commit_new(T);
        lane_check_lease(c, l.items[1]);
        lane_put_off(c, l.items[1], 0);
        run(w, c);
    }
    CHECK_REDIS(w, COUNTS, "1\n1\n2\n\n\n\n3\n2\n\n\n");
    redis(w, "RPUSH {acme}:l:out:main:3p6 6");
    redis(w, "ZADD {acme}:r:out:main:3 1 3p6");
    line_drop(&l);
    lane_worker_free(&l.worker);
    o = line_options(&later);
    line_start(&later, w, &o);
    CHECK("they come up", line_wait(&later, 5, 2000));
    for (size_t i = 0; i < later.n; i++) {
        bool held = str_eqz(later.items[i]->id, "6");

        CHECK_Z("not to be handed over", later.items[i]->state, held ? "stopped" : "withdrawn");
        if (held) {
            give_up(w, "6");
        } else {
            char id[8];

            snprintf(id, sizeof(id), "%.*s", STR_ARG(later.items[i]->id));
            state(w, id, "cancelled");
        }
    }
    CHECK_REDIS(w, COUNTS, "0\n0\n2\n\n\n1\n4\n2\n\n\n");
    CHECK_REDIS(w, "HGET {acme}:m:3 n", "");
    line_drop(&later);
    lane_worker_free(&later.worker);
    world_free(&w);
}

/* A cancel writes the leases in the middle of a call: what was held by hand before, and is let go
 * behind it, leaves no end of a lease. */
static void test_cancel_between(void)
{
    struct world *w = open_world(NULL);
    struct got first = run(w, message("1", "3p", 0, GRANT_ANSWER, NULL)), g[3];
    struct commit *c[3] = {commit_new(T), commit_new(T), held("3p", "1", first.results[0])};

    run(w, message("2", "3p", 0, GRANT_NONE, NULL));
    redis(w, "HSET {acme}:b:b1 v 1 st sending");
    commit_withdraw(c[0], OUT, STR("3p"), STR("2"));
    commit_broadcast_cancel(c[1], STR("b1"), &(struct str){"out:main", 8}, 1);
    commit_put_off(c[2], OUT, STR("3p"), 60000);
    for (int i = 0; i < 3; i++) {
        start(w, c[i], &g[i]);
    }
    CHECK("answered", world_run(w, &g[2].done, 3000));
    CHECK_Z("withdrawn", str_of(g[0].results[0]), "1");
    CHECK_Z("cancelled", str_of(g[1].results[0]), "1");
    CHECK_INT("put off", g[2].result, COMMIT_OK);
    CHECK_REDIS(w, "ZRANGE {acme}:f:out:main 0 -1", "*");
    CHECK_REDIS(w, "EXISTS {acme}:k:out:main", "0");
    CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:3 0 -1", "3p");
    world_free(&w);
}

/* Counted as cancelled, then swept out, or deleted with its person; and evidence against it. */
static void test_swept(void)
{
    struct world *w = told(4);
    struct commit *c = commit_new(T);

    CHECK("cancelled", cancel(w));
    CHECK_REDIS(w, COUNTS, "0\n\n\n\n\n\n4\n\n\n\n");
    commit_withdraw(c, OUT, STR("3p1"), STR("1"));
    commit_withdraw(c, OUT, STR("3p2"), STR("2"));
    commit_delete(c, STR("m:3"));
    CHECK_Z("taken out", str_of(run(w, c).results[0]), "1");
    CHECK_REDIS(w, "HGET {acme}:m:1 s", "cancelled");
    CHECK_REDIS(w, COUNTS, "0\n\n\n\n\n\n4\n\n\n\n");
    state(w, "4", "sent"); /* it had been handed over, and nobody knew */
    CHECK_REDIS(w, COUNTS, "0\n\n1\n\n\n\n3\n1\n\n\n");
    world_free(&w);
    w = told(2);
    c = commit_new(T);
    commit_delete(c, STR("m:1"));
    run(w, c);
    CHECK_REDIS(w, COUNTS, "1\n\n\n\n\n\n1\n\n\n\n");
    world_free(&w);
}

/* Message @now says @old again, in a lane of its own. */
static void copy(struct world *w, const char *old, const char *now)
{
    struct commit *c = commit_new(T);
    char key[16], lane[16];

    snprintf(key, sizeof(key), "m:%s", now);
    snprintf(lane, sizeof(lane), "0p%s", now);
    commit_doc(c, str_of(key), 1, STR("body"));
    commit_doc_field(c, "s", STR("queued"));
    commit_doc_field(c, "br", STR("b1"));
    commit_enqueue(c, OUT, str_of(lane), str_of(now), AT(0), false, NULL);
    commit_broadcast_copy(c, str_of(old), str_of(now));
    run(w, c);
}

/* Said again, and again: he counts once, where the one is that got furthest, whichever that is. */
static void test_copies(void)
{
    struct world *w = told(4);

    state(w, "1", "failed");
    copy(w, "1", "11"); /* somebody sees to it again */
    CHECK_REDIS(w, COUNTS, "4\n\n\n\n\n0\n\n\n\n\n");
    state(w, "11", "failed");
    copy(w, "11", "12");
    state(w, "12", "delivered");
    CHECK_REDIS(w, COUNTS, "3\n\n\n1\n\n0\n\n1\n\n\n");
    state(w, "2", "sent");
    copy(w, "2", "21"); /* critical, and nobody knows whether it arrived */
    CHECK_REDIS(w, COUNTS, "2\n\n1\n1\n\n0\n\n2\n\n\n");
    state(w, "21", "delivered");
    state(w, "2", "delivered");
    state(w, "2", "read");
    state(w, "21", "read");
    CHECK_REDIS(w, COUNTS, "2\n\n0\n1\n1\n0\n\n2\n\n\n");
    state(w, "3", "uncertain");
    copy(w, "3", "31");
    give_up(w, "3");
    CHECK_REDIS(w, COUNTS, "2\n0\n0\n1\n1\n0\n\n2\n\n\n");
    state(w, "31", "failed"); /* neither */
    CHECK_REDIS(w, COUNTS, "1\n0\n0\n1\n1\n1\n\n2\n\n\n");
    state(w, "3", "delivered"); /* evidence */
    CHECK_REDIS(w, COUNTS, "1\n0\n0\n2\n1\n0\n\n3\n\n\n");
    CHECK_REDIS(w, "HMGET {acme}:m:1 bo bg", "1\n1 11 12");
    CHECK_REDIS(w, "HMGET {acme}:m:12 bo bg", "1\n");
    world_free(&w);
}

static void test_copies_answered(void)
{
    struct world *w = told(3);
    struct commit *c;

    state(w, "1", "failed");
    copy(w, "1", "11");
    state(w, "11", "sent");
    CHECK_REDIS(w, COUNTS, "2\n\n1\n\n\n0\n\n1\n\n\n");
    CHECK_Z("to the copy", str_of(answer(w, "p1", "safe", 10)), "first");
    CHECK_REDIS(w, COUNTS, "2\n\n1\n\n\n0\n\n0\n1\n1\n");
    state(w, "11", "delivered");
    state(w, "1", "delivered"); /* never after failed */
    CHECK_Z("before it", str_of(answer(w, "p2", "safe", 10)), "first");
    copy(w, "2", "21");
    state(w, "21", "sent");
    CHECK_REDIS(w, COUNTS, "1\n\n1\n1\n\n0\n\n0\n2\n2\n");
    /* Another round: what was said before counts no more, nor does what says that again. */
    copy(w, "3", "31");
    state(w, "31", "delivered");
    c = commit_new(T);
    commit_doc(c, STR("m:39"), 1, STR("body"));
    commit_doc_field(c, "s", STR("queued"));
    commit_doc_field(c, "br", STR("b1"));
    commit_enqueue(c, OUT, STR("3p3"), STR("39"), AT(0), false, NULL);
    commit_broadcast_recast(c, STR("b1"), STR("31"), STR("39"));
    run(w, c);
    CHECK_REDIS(w, COUNTS, "1\n\n1\n1\n\n0\n\n0\n2\n2\n");
    copy(w, "3", "32");
    state(w, "32", "read");
    state(w, "3", "read");
    CHECK_REDIS(w, COUNTS, "1\n\n1\n1\n\n0\n\n0\n2\n2\n");
    state(w, "39", "read");
    CHECK_REDIS(w, COUNTS, "0\n\n1\n1\n1\n0\n\n1\n2\n2\n");
    world_free(&w);
}

/*
 * Cancelled while copies wait: 1 reached already, 2 and 3 failed before, 3's copy in flight, 4 in
 * flight with a copy that waits behind it.
 */
static void test_copies_cancelled(void)
{
    struct world *w = told(4);
    struct lane_options o;
    struct line l;

    state(w, "1", "sent");
    state(w, "2", "failed");
    state(w, "3", "failed");
    redis(w, "DEL {acme}:l:out:main:3p1 {acme}:l:out:main:3p2 {acme}:l:out:main:3p3");
    redis(w, "ZREM {acme}:r:out:main:3 3p1 3p2 3p3");
    copy(w, "3", "31");
    o = line_options(&l);
    o.slots = 2;
    line_start(&l, w, &o);
    CHECK("4 and 31 are held", line_wait(&l, 2, 2000));
    copy(w, "1", "11");
    copy(w, "2", "21");
    copy(w, "4", "41");
    CHECK_REDIS(w, COUNTS, "3\n\n1\n\n\n0\n\n1\n\n\n");
    CHECK("cancelled", cancel(w));
    CHECK_REDIS(w, COUNTS, "2\n\n1\n\n\n0\n1\n1\n\n\n");
    state(w, "41", "cancelled");
    state(w, "11", "cancelled");
    state(w, "21", "cancelled");
    CHECK_REDIS(w, COUNTS, "2\n\n1\n\n\n0\n1\n1\n\n\n");
    state(w, "31", "sent");
    state(w, "4", "failed"); /* and its copy was stopped */
    CHECK_REDIS(w, COUNTS, "0\n\n2\n\n\n0\n2\n2\n\n\n");
    line_drop(&l);
    lane_worker_free(&l.worker);
    world_free(&w);
}

/* Expanded and cancelled in one call: what is granted there is in flight. */
static void test_granted(void)
{
    struct world *w = told(1);
    struct commit *granted = message("2", "3p2", 0, GRANT_BULK, NULL), *c = commit_new(T);
    struct got g[2];

    commit_hset(granted, STR("m:2"), STR("br"), STR("b1"));
    commit_hincr(granted, STR("bc:b1"), STR("queued"), 1);
    commit_broadcast_cancel(c, STR("b1"), &(struct str){"out:main", 8}, 1);
    start(w, granted, &g[0]);
    start(w, c, &g[1]);
    CHECK("answered", world_run(w, &g[1].done, 5000));
    CHECK("granted", g[0].results[0][0] > '0');
    CHECK_REDIS(w, COUNTS, "1\n\n\n\n\n\n1\n\n\n\n");
    CHECK_REDIS(w, "HMGET {acme}:m:2 s bf", "sending\nf");
    CHECK_REDIS(w, "HKEYS {acme}:k:out:main", "3p2");
    state(w, "2", "sent");
    CHECK_REDIS(w, COUNTS, "0\n\n1\n\n\n\n1\n1\n\n\n");
    world_free(&w);
}

/* One of many is granted where there is neither a rate nor a tier that others may be waiting for.
 */
static void test_bulk_grants(void)
{
    static const struct {
        const char *before;
        enum commit_grant grant;
        int64_t interval_us;
        bool granted;
    } rows[] = {
        {"PING",                                    GRANT_BULK,    0,    true },
        {"PING",                                    GRANT_OUTSIDE, 0,    true },
        {"PING",                                    GRANT_BULK,    1000, false},
        {"PING",                                    GRANT_ANSWER,  1000, true },
        {"HSET {acme}:sn:main people 250",          GRANT_OUTSIDE, 0,    false},
        {"HSET {acme}:sn:main people 250",          GRANT_BULK,    0,    true },
        {"HSET {acme}:sn:main people 0",            GRANT_OUTSIDE, 0,    true },
        {"HSET {acme}:sn:main pct 50 since 99",     GRANT_BULK,    0,    true },
        {"HSET {acme}:sn:main rest 99999999999999", GRANT_BULK,    0,    false},
        {"HSET {acme}:sn:main paused 1",            GRANT_BULK,    0,    false},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct rate rate = {.interval_us = rows[i].interval_us, .burst = 50};
        char id[8], lane[8];
        struct got g;

        snprintf(id, sizeof(id), "%zu", i);
        snprintf(lane, sizeof(lane), "3p%zu", i);
        redis(w, rows[i].before);
        g = run(w, message(id, lane, 0, rows[i].grant, &rate));
        CHECK_INT(id, strcmp(g.results[0], "0") != 0, rows[i].granted);
    }
    world_free(&w);
}

/* Kept for a while, until the unit that makes it part of a broadcast. */
static void test_persist(void)
{
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);

    redis(w, "HSET {acme}:bl:b1 0 a");
    redis(w, "PEXPIRE {acme}:bl:b1 60000");
    commit_persist(c, STR("bl:b1"));
    run(w, c);
    CHECK_REDIS(w, "PTTL {acme}:bl:b1", "-1");
    world_free(&w);
}

/* Several in one unit: those that differ in their person alone, and others. */
static void test_messages(void)
{
    static const struct rate rate = {.pair_interval_ms = 1000, .pair_burst = 1};
    struct world *w = open_world(NULL);
    struct commit_message m = {.id = STR("1"),
                               .body = STR("b1"),
                               .user = STR("p"),
                               .broadcast = STR("bc"),
                               .line = STR("queued,5,\n"),
                               .queue = OUT,
                               .lane = STR("2p"),
                               .grant = GRANT_BULK,
                               .rate = &rate};
    struct commit *c = commit_new(T);
    struct got g;

    commit_message(c, &m);
    m.id = STR("2");
    m.body = STR("b2");
    m.user = STR("q");
    m.lane = STR("2q:sms");
    commit_message(c, &m);
    m.id = STR("3"); /* waits behind the first */
    m.user = STR("p");
    m.lane = STR("2p");
    commit_message(c, &m);
    m.id = STR("4");
    m.broadcast = STR("bd");
    m.user = STR("r");
    m.lane = STR("2r");
    commit_message(c, &m);
    commit_hincr(c, STR("n"), STR("n"), 7);
    m.id = STR("5");
    m.order = STR("wo1");
    m.user = STR("s");
    m.lane = STR("2s");
    commit_message(c, &m);
    g = run(w, c);
    CHECK("granted", strtol(g.results[0], NULL, 10) > 0 && strtol(g.results[1], NULL, 10) > 0);
    CHECK_Z("behind another", str_of(g.results[2]), "0");
    CHECK("of another broadcast", strtol(g.results[3], NULL, 10) > 0);
    CHECK_Z("what stands between", str_of(g.results[4]), "7");
    CHECK("the one behind that", strtol(g.results[5], NULL, 10) > 0);
    CHECK_REDIS(w, "HMGET {acme}:m:1 b s u br o l n", "b1\nsending\n\nbc\n\n2p\n1");
    CHECK_REDIS(w, "HMGET {acme}:m:2 b s u br o l n", "b2\nsending\nq\nbc\n\n2q:sms\n1");
    CHECK_REDIS(w, "HMGET {acme}:m:3 b s u br o l n tl", "b2\nqueued\n\nbc\n\n2p\n\nqueued,5,\n");
    CHECK_REDIS(w, "HMGET {acme}:m:4 b s u br o l n", "b2\nsending\n\nbd\n\n2r\n1");
    CHECK_REDIS(w, "HMGET {acme}:m:5 s u o", "sending\n\nwo1");
    CHECK_REDIS(w, "ZRANGE {acme}:mu:p 0 -1", "1\n3");
    CHECK_REDIS(w, "ZRANGE {acme}:mu:q 0 -1", "2");
    CHECK_REDIS(w, "ZRANGE {acme}:mo:wo1 0 -1", "5");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:2p 0 -1", "3");
    CHECK_REDIS(w, "ZCARD {acme}:mx", "5");
    world_free(&w);
}

/* A broadcast that tells how the ids of its first round begin (fs) is their index: a person's own
 * has them from when another takes their place. */
static void test_named(void)
{
    static const char *const ids[] = {"01HF7YAT00AAAAAA", "01HF7YAT00AAAAAB", "01HF7YAT01AAAAAC"};
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);

    redis(w, "HSET {acme}:b:b1 v 1 st sending fs 01HF7YAT00");
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        commit_message(c, &(struct commit_message){.id = str_of(ids[i]),
                                                   .body = STR("b"),
                                                   .user = STR("p"),
                                                   .broadcast = STR("b1"),
                                                   .first = true,
                                                   .line = STR("queued,5,\n"),
                                                   .queue = OUT,
                                                   .lane = STR("2p")});
    }
    run(w, c);
    CHECK_REDIS(w, "ZRANGE {acme}:mu:p 0 -1", "01HF7YAT01AAAAAC");
    CHECK_REDIS(w, "ZCARD {acme}:mx", "3");
    c = commit_new(T);
    commit_broadcast_copy(c, str_of(ids[0]), str_of(ids[2]));
    run(w, c);
    c = commit_new(T);
    commit_broadcast_recast(c, STR("b1"), str_of(ids[2]), str_of(ids[1]));
    run(w, c);
    CHECK_REDIS(w, "ZRANGE {acme}:mu:p 0 -1", "01HF7YAT00AAAAAA\n01HF7YAT01AAAAAC");
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_places),  TEST(test_answers),         TEST(test_recast),
        TEST(test_cancel),  TEST(test_swept),           TEST(test_persist),
        TEST(test_copies),  TEST(test_copies_answered), TEST(test_copies_cancelled),
        TEST(test_granted), TEST(test_bulk_grants),     TEST(test_messages),
        TEST(test_named),   TEST(test_cancel_between),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
