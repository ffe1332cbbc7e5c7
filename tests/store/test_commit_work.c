/* commit: lanes, leases, rates, events, states. */
#include <stdio.h>
#include <string.h>

#include "units.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* By the clock of Redis, whatever ours says. */
static bool waits_an_hour(struct world *w)
{
    int64_t at = 0, seconds = 0;
    struct str first, rest;

    str_to_i64(str_of(redis(w, "ZSCORE {acme}:r:out:main:3 3p")), 0, INT64_MAX, &at);
    str_cut(str_of(redis(w, "TIME")), '\n', &first, &rest);
    str_to_i64(first, 0, INT64_MAX, &seconds);
    return at > seconds * 1000 + HOUR_MS - 20000 && at <= (seconds + 1) * 1000 + HOUR_MS;
}

static void test_lease(void)
{
    struct world *w = open_world(NULL);
    struct commit *c;
    struct got g = run(w, message("1", "3p", 0, true, NULL)), again;

    CHECK_Z("token", str_of(g.results[0]), "1");
    CHECK_REDIS(w, "HMGET {acme}:m:1 s n q l", "sending\n1\nout:main\n3p");
    /* of all that is held by hand the earliest end counts, whoever wrote another */
    redis(w, "ZADD {acme}:f:out:main 9999999999999 *");
    run(w, message("0", "3q", 0, true, NULL));
    CHECK("ours", strcmp(redis(w, "ZSCORE {acme}:f:out:main *"), "9999999999999") < 0);
    redis(w, "HDEL {acme}:k:out:main 3q");
    CHECK_Z("behind it", str_of(run(w, message("2", "3p", 0, true, NULL)).results[0]), "0");
    CHECK_REDIS(w, "EXISTS {acme}:r:out:main:3", "0");
    CHECK_REDIS(w, "ZCARD {acme}:f:out:main", "1");
    /* put off: the lane waits, and what was granted is not granted again */
    c = held("3p", "1", g.results[0]);
    commit_extend(c, OUT, STR("3p"), 60000);
    CHECK_INT("extended", run(w, c).result, COMMIT_OK);
    c = held("3p", "1", g.results[0]);
    commit_message_state(c, STR("1"), "uncertain", AT(5), STR("why"));
    commit_put_off(c, OUT, STR("3p"), HOUR_MS);
    again = run(w, c);
    CHECK_Z("moved", str_of(again.results[0]), "moved");
    CHECK("by the clock of Redis", waits_an_hour(w));
    CHECK_REDIS(w, "EXISTS {acme}:k:out:main", "0");
    CHECK_REDIS(w, "ZRANGE {acme}:f:out:main 0 -1", "*");
    c = held("3p", "1", g.results[0]);
    commit_finish(c, OUT, STR("3p"), STR("1"));
    CHECK_INT("not ours any more", run(w, c).result, COMMIT_FENCED);
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "1\n2");
    /* evidence settles what is put off, and the next is ready */
    c = commit_new(T);
    commit_status(c, STR("1"), STR_NONE, "delivered", AT(6), STR(""));
    CHECK_Z("moved", str_of(run(w, c).results[0]), "moved");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "2");
    CHECK("ready", !waits_an_hour(w));
    world_free(&w);
}

/* Units of one call see what those before them did, though it is written at its end. */
static void test_one_call(void)
{
    struct world *w = open_world(NULL);
    struct got first = run(w, message("1", "3p", 0, true, NULL)), g[8];
    struct store_stats before, after;
    struct commit *c[8];

    run(w, message("2", "3p", 0, false, NULL));
    store_stats(w->store, &before);
    c[0] = held("3p", "1", first.results[0]);
    commit_finish(c[0], OUT, STR("3p"), STR("1"));
    c[1] = held("3p", "1", first.results[0]); /* finished by the one before */
    commit_finish(c[1], OUT, STR("3p"), STR("1"));
    c[2] = commit_new(T); /* nobody holds the lane: evidence settles its head */
    commit_status(c[2], STR("2"), STR_NONE, "sent", AT(6), STR(""));
    c[3] = message("3", "3p", 0, true, NULL); /* the lane is free again */
    c[4] = commit_new(T);
    commit_withdraw(c[4], OUT, STR("3p"), STR("3")); /* a worker has it */
    for (int i = 5; i < 7; i++) {
        c[i] = commit_new(T);
        commit_check_new(c[i], STR("key"), STR("print"));
        commit_remember(c[i], STR("key"), STR("print"), STR("value"));
        commit_zadd(c[i], STR("mx"), 0, STR("a"));
    }
    c[7] = commit_new(T);
    commit_zrem(c[7], STR("mx"), STR("a"));
    commit_hset(c[7], STR("i:9"), STR("b"), STR("x"));
    commit_delete(c[7], STR("i:9"));
    commit_ended(c[7], STR("in"), STR("9"));
    commit_ended(c[7], STR("in"), STR("8"));
    commit_ended(c[7], STR("cb"), STR("65538"));
    for (int i = 0; i < 8; i++) {
        start(w, c[i], &g[i]);
    }
    CHECK("answered", world_run(w, &g[7].done, 3000));
    store_stats(w->store, &after);
    CHECK_INT("one call", after.calls - before.calls, 1);
    CHECK_INT("finished", g[0].result, COMMIT_OK);
    CHECK_INT("once", g[1].result, COMMIT_FENCED);
    CHECK_Z("settled", str_of(g[2].results[0]), "moved");
    CHECK("granted", strcmp(g[3].results[0], "0") != 0);
    CHECK_REDIS(w, "HMGET {acme}:m:3 s n q l", "sending\n1\nout:main\n3p");
    CHECK_REDIS(w, "HKEYS {acme}:k:out:main", "3p");
    CHECK_REDIS(w, "ZRANGE {acme}:f:out:main 0 -1", "*");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p", "0");
    CHECK_Z("not withdrawn", str_of(g[4].results[0]), "0");
    CHECK_INT("new", g[5].result, COMMIT_OK);
    CHECK_INT("seen in this call", g[6].result, COMMIT_DUPLICATE);
    CHECK_Z("what was remembered", str_of(g[6].value), "value");
    CHECK_REDIS(w, "EXISTS {acme}:mx {acme}:i:9", "0");
    CHECK_REDIS(w, "GET {acme}:ei:1", "9\n8\n");
    CHECK_REDIS(w, "BITPOS {acme}:es:1 1", "2");
    world_free(&w);
}

/* A lane whose last item is done is deleted at the end of the call; who comes before finds it
 * empty. */
static void test_one_call_empties(void)
{
    struct world *w = open_world(NULL);
    struct got first[3], g[7];
    struct commit *c[7];

    for (int i = 0; i < 3; i++) {
        const char *const lanes[] = {"3p", "3q", "3r"}, *const ids[] = {"1", "2", "3"};

        first[i] = run(w, message(ids[i], lanes[i], 0, true, NULL));
        c[i] = held(lanes[i], ids[i], first[i].results[0]);
        commit_finish(c[i], OUT, str_of(lanes[i]), str_of(ids[i]));
    }
    c[3] = message("4", "3p", 0, true, NULL); /* granted, as in an empty lane */
    c[4] = commit_new(T);
    commit_withdraw(c[4], OUT, STR("3q"), STR("2")); /* done: there is nothing to take out */
    c[5] = message("5", "3q", 0, false, NULL);
    c[6] = message("6", "3q", 0, true, NULL); /* behind it */
    for (int i = 0; i < 7; i++) {
        start(w, c[i], &g[i]);
    }
    CHECK("answered", world_run(w, &g[6].done, 3000));
    CHECK("granted", strcmp(g[3].results[0], "0") != 0);
    CHECK_Z("not withdrawn", str_of(g[4].results[0]), "0");
    CHECK_Z("not granted", str_of(g[6].results[0]), "0");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p", "0");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3q 0 -1", "5\n6");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3r", "0");
    CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:3 0 -1", "3q");
    CHECK_REDIS(w, "HKEYS {acme}:k:out:main", "3p");
    world_free(&w);
}

/* What a claim had leased is done, and in the same call the lane's next item is granted: it is held
 * by hand, and the end of the lease before must not end it. */
static void test_one_call_grants_again(void)
{
    struct world *w = open_world(NULL);
    struct got g[2];
    struct commit *c[2];

    redis(w, "RPUSH {acme}:l:out:main:3p 1");
    redis(w, "HSET {acme}:k:out:main 3p 7|1|other.1");
    redis(w, "ZADD {acme}:f:out:main 1000 3p");
    c[0] = held("3p", "1", "7");
    commit_finish(c[0], OUT, STR("3p"), STR("1"));
    c[1] = message("2", "3p", 0, true, NULL);
    for (int i = 0; i < 2; i++) {
        start(w, c[i], &g[i]);
    }
    CHECK("answered", world_run(w, &g[1].done, 3000));
    CHECK_INT("finished", g[0].result, COMMIT_OK);
    CHECK("granted", strcmp(g[1].results[0], "0") != 0);
    CHECK_REDIS(w, "ZRANGE {acme}:f:out:main 0 -1", "*");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p", "0");
    world_free(&w);
}

/* His word lets a message go on in the lane of one that is held by hand: behind that one, and found
 * when it is done. */
static void test_heard_behind_a_hand(void)
{
    struct world *w = open_world(NULL);
    struct got granted = run(w, message("2", "3p", 0, true, NULL));
    struct commit *c = commit_new(T);

    redis(w, "HSET {acme}:m:1 s queued q out:main l 3p b body");
    redis(w, "RPUSH {acme}:hm:p:main 1");
    redis(w, "HSET {acme}:hg:main p asked");
    commit_heard(c, STR("main"), STR("p"), STR("the person wrote"));
    CHECK_INT("heard", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "2\n1");
    CHECK("its lease has an end", strcmp(redis(w, "ZSCORE {acme}:f:out:main 3p"), "") != 0);
    c = held("3p", "2", granted.results[0]);
    commit_finish(c, OUT, STR("3p"), STR("2"));
    CHECK_INT("finished", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "1");
    CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:3 0 -1", "3p");
    world_free(&w);
}

/* An event for a subject whose last callback is done in the same call waits for its own. */
static void test_one_call_event(void)
{
    static const struct rate none = {0};
    struct world *w = open_world(NULL);
    struct got first, g[2];
    struct commit *c[2];

    c[0] = commit_new(T);
    commit_enqueue(c[0], STR("cb"), STR("3s"), STR("7"), (struct wall){0}, true, &none);
    first = run(w, c[0]);
    c[0] = commit_new(T);
    commit_check_lease(c[0], STR("cb"), STR("3s"), STR("7"), strtol(first.results[0], NULL, 10));
    commit_finish(c[0], STR("cb"), STR("3s"), STR("7"));
    c[1] = commit_new(T);
    commit_event(c[1], STR("3s"), STR("next"), true);
    for (int i = 0; i < 2; i++) {
        start(w, c[i], &g[i]);
    }
    CHECK("answered", world_run(w, &g[1].done, 3000));
    CHECK_REDIS(w, "LRANGE {acme}:l:cb:3s 0 -1", "1");
    CHECK_REDIS(w, "ZRANGE {acme}:r:cb:3 0 -1", "3s");
    world_free(&w);
}

static void test_evidence_under_lease(void)
{
    struct world *w = open_world(NULL);
    struct got g = run(w, message("1", "3p", 0, true, NULL));
    struct commit *c = commit_new(T);

    run(w, message("2", "3p", 0, false, NULL));
    commit_status(c, STR("1"), STR_NONE, "delivered", AT(6), STR(""));
    CHECK_Z("moved", str_of(run(w, c).results[0]), "moved");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "2");
    c = held("3p", "1", g.results[0]);
    commit_message_state(c, STR("1"), "uncertain", AT(7), STR("timeout"));
    commit_put_off(c, OUT, STR("3p"), HOUR_MS);
    g = run(w, c);
    CHECK_Z("kept", str_of(g.results[0]), "kept");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "2");
    CHECK("not held up", !waits_an_hour(w));
    world_free(&w);
}

/* What happened to a message beside its states: lines that move nothing, attempts taken back. */
static void test_notes(void)
{
    struct world *w = open_world(NULL);
    struct got g = run(w, message("1", "3p", 0, true, NULL));
    struct commit *c = held("3p", "1", g.results[0]);

    CHECK("begun", strstr(redis(w, "HGET {acme}:m:1 tl"), ",attempt 1\n") != NULL);
    commit_unsend(c, STR("1"));
    commit_message_note(c, STR("1"), AT(7), STR("put off: too fast"));
    run(w, c);
    CHECK_REDIS(w, "HGET {acme}:m:1 n", "0");
    CHECK("not begun", strstr(redis(w, "HGET {acme}:m:1 tl"), "attempt") == NULL);
    for (int i = 0; i < 3; i++) {
        c = commit_new(T);
        commit_message_note(c, STR("1"), AT(8 + i), STR("put off: too fast"));
        commit_message_note(c, STR("9"), AT(8), STR("of nobody"));
        run(w, c);
    }
    c = commit_new(T);
    commit_message_note(c, STR("1"), AT(12), STR("fast"));
    run(w, c);
    CHECK("one line for one reason, its last time; another has its own",
          strstr(redis(w, "HGET {acme}:m:1 tl"),
                 "sending,10,put off: too fast\nsending,12,fast\n") != NULL &&
              strstr(redis(w, "HGET {acme}:m:1 tl"), "sending,9,") == NULL);
    CHECK_REDIS(w, "EXISTS {acme}:m:9", "0");
    world_free(&w);
}

/* By the clock of Redis; what is later stays. */
static void test_ahead(void)
{
    static const int64_t steps[] = {5, 60, 7};
    struct world *w = open_world(NULL);
    int64_t now = strtoll(redis(w, "TIME"), NULL, 10);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct commit *c = commit_new(STR("acme"));
        int64_t want = steps[i == 2 ? 1 : i], got;

        commit_ahead(c, STR("pr:out:main"), STR("u1"), steps[i] * 1000000);
        run(w, c);
        got = strtoll(redis(w, "HGET {acme}:pr:out:main u1"), NULL, 10) / 1000000 - now;
        CHECK("ahead", got >= want - 1 && got <= want + 4);
    }
    world_free(&w);
}

static void test_rates(void)
{
    static const struct rate rate = {1000000000, 2, 0, 0, 0}, pair = {0, 0, 1000000, 1, 0};
    struct world *w = open_world(NULL);
    struct got got[4];
    const bool want[] = {true, true, false};

    for (int i = 0; i < 3; i++) {
        char id[16], lane[16];

        snprintf(id, sizeof(id), "%d", i);
        snprintf(lane, sizeof(lane), "3p%d", i);
        CHECK_INT("rate", strcmp(run(w, message(id, lane, 0, true, &rate)).results[0], "0") != 0,
                  want[i]);
    }
    CHECK_REDIS(w, "ZCARD {acme}:r:out:main:3", "1");
    CHECK("pair", strcmp(run(w, message("a", "0q", 0, true, &pair)).results[0], "0") != 0);
    CHECK_Z("same person", str_of(run(w, message("b", "1q", 0, true, &pair)).results[0]), "0");
    CHECK_REDIS(w, "HGET {acme}:m:b s", "queued");
    redis(w, "DEL {acme}:sn:main");
    for (int i = 0; i < 4; i++) { /* in one call they share what is left */
        char id[16], lane[16];

        snprintf(id, sizeof(id), "s%d", i);
        snprintf(lane, sizeof(lane), "3s%d", i);
        start(w, message(id, lane, 0, true, &rate), &got[i]);
    }
    CHECK("answered", world_run(w, &got[3].done, 2000));
    for (int i = 0; i < 4; i++) {
        CHECK_INT("shared", strcmp(got[i].results[0], "0") != 0, i < 2);
    }
    CHECK("their own tokens", strcmp(got[0].results[0], got[1].results[0]) != 0);
    world_free(&w);
}

static void test_schedule_and_withdraw(void)
{
    struct world *w = open_world(NULL);
    struct commit *c;
    struct got g;

    g = run(w, message("1", "3p", 4000000000000, true, NULL));
    CHECK_Z("for later", str_of(g.results[0]), "0");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:3p", "0");
    CHECK_REDIS(w, "ZCARD {acme}:s:out:main", "1");
    g = run(w, message("2", "3p", 0, true, NULL));
    CHECK_Z("not held up by it", str_of(g.results[0]), "1");
    run(w, message("3", "3p", 0, false, NULL));
    for (int i = 1; i <= 4; i++) {
        char id[4];

        snprintf(id, sizeof(id), "%d", i);
        c = commit_new(T);
        commit_withdraw(c, OUT, STR("3p"), str_of(id));
        /* 2 is leased, 4 is unknown */
        CHECK_Z(id, str_of(run(w, c).results[0]), i == 1 || i == 3 ? "1" : "0");
    }
    CHECK_REDIS(w, "EXISTS {acme}:s:out:main", "0");
    CHECK_REDIS(w, "LRANGE {acme}:l:out:main:3p 0 -1", "2");
    c = held("3p", "2", "1");
    commit_put_off(c, OUT, STR("3p"), HOUR_MS);
    run(w, c);
    run(w, message("5", "3p", 0, true, NULL));
    c = commit_new(T);
    commit_withdraw(c, OUT, STR("3p"), STR("2"));
    run(w, c);
    CHECK("the next need not wait", !waits_an_hour(w));
    c = commit_new(T);
    commit_withdraw(c, OUT, STR("3p"), STR("5"));
    run(w, c);
    CHECK_REDIS(w, "EXISTS {acme}:r:out:main:3 {acme}:l:out:main:3p", "0");
    world_free(&w);
}

static void test_events(void)
{
    struct world *w = open_world(NULL);

    for (int i = 1; i <= 3; i++) {
        struct commit *c = commit_new(T);
        struct got g;

        commit_event(c, STR("3s"), STR("a"), i != 2);
        commit_event(c, STR("3t"), STR("b"), false);
        g = run(w, c);
        CHECK_INT("sequence", strtol(g.results[0], NULL, 10), 2 * i - 1);
        CHECK_INT("sequence", strtol(g.results[1], NULL, 10), 2 * i);
    }
    CHECK_REDIS(w, "XLEN {acme}:ev", "6");
    CHECK_REDIS(w, "XRANGE {acme}:ev 5-0 5-0", "5-0\nb\na\nc\n1");
    CHECK_REDIS(w, "LRANGE {acme}:l:cb:3s 0 -1", "1\n5");
    CHECK_REDIS(w, "ZCARD {acme}:r:cb:3", "1");
    world_free(&w);
}

/* ---- states ---- */

static void test_states(void)
{
    static const struct {
        const char *from, *to, *want;
    } rows[] = {
        {"queued",    "sending",   "moved"},
        {"sending",   "uncertain", "moved"},
        {"sending",   "queued",    "kept" },
        {"uncertain", "sent",      "moved"},
        {"sent",      "uncertain", "kept" },
        {"sent",      "delivered", "moved"},
        {"sent",      "sent",      "kept" },
        {"delivered", "sent",      "kept" },
        {"delivered", "read",      "moved"},
        {"delivered", "failed",    "kept" },
        {"read",      "failed",    "kept" },
        {"read",      "delivered", "kept" },
        {"sent",      "failed",    "moved"},
        {"queued",    "expired",   "moved"},
        {"failed",    "delivered", "kept" },
        {"expired",   "sent",      "kept" },
        {"cancelled", "read",      "kept" },
        {"queued",    "cancelled", "moved"},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct commit *c = commit_new(T);
        char label[64];

        commit_hset(c, STR("m:1"), STR("s"), str_of(rows[i].from));
        commit_message_state(c, STR("1"), rows[i].to, AT(1), STR("d"));
        snprintf(label, sizeof(label), "%s to %s", rows[i].from, rows[i].to);
        CHECK_Z(label, str_of(run(w, c).results[0]), rows[i].want);
    }
    CHECK_REDIS(w, "HGET {acme}:m:1 s", "cancelled");
    world_free(&w);
}

static void test_early_status(void)
{
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);

    commit_status(c, STR_NONE, STR("hash"), "read", AT(3), STR("x|y"));
    CHECK_Z("unknown", str_of(run(w, c).results[0]), "none");
    c = commit_new(T);
    commit_status(c, STR_NONE, STR("hash"), "delivered", AT(2), STR("")); /* out of order */
    run(w, c);
    c = message("1", "3p", 0, true, NULL);
    commit_message_state(c, STR("1"), "sent", AT(1), STR(""));
    commit_provider_id(c, STR("hash"), STR("1"));
    run(w, c);
    CHECK_REDIS(w, "HGET {acme}:m:1 s", "read");
    CHECK_REDIS(w, "EXISTS {acme}:ps:hash", "0");
    CHECK("detail", strstr(redis(w, "HGET {acme}:m:1 tl"), "read,3,x|y") != NULL);
    c = commit_new(T);
    commit_status(c, STR_NONE, STR("hash"), "failed", AT(4), STR(""));
    CHECK_Z("known", str_of(run(w, c).results[0]), "kept");
    c = commit_new(T);
    commit_status(c, STR("gone"), STR("hash2"), "failed", AT(4), STR(""));
    CHECK_Z("no such message", str_of(run(w, c).results[0]), "none");
    world_free(&w);
}

/* What a unit learns, those behind it in the call know; and it is kept for 90 days, not for ever.
 */
static void test_provider_ids(void)
{
    struct world *w = open_world(NULL);
    struct commit *c;
    struct got g[2];

    run(w, message("1", "3p", 0, true, NULL));
    c = commit_new(T);
    commit_provider_id(c, STR("hash"), STR("1"));
    start(w, c, &g[0]);
    c = commit_new(T);
    commit_status(c, STR_NONE, STR("hash"), "sent", AT(4), STR(""));
    start(w, c, &g[1]);
    CHECK("answered", world_run(w, &g[1].done, 3000));
    CHECK_Z("known at once", str_of(g[1].results[0]), "moved");
    CHECK_REDIS(w, "HGET {acme}:p:1 hash", "1");
    for (int turn = 2; turn <= 5; turn++) {
        char name[8], key[16];

        snprintf(name, sizeof(name), "h%d", turn);
        snprintf(key, sizeof(key), "%d 5", turn - 1);
        c = commit_new(T);
        commit_put_for(c, STR("pn"), str_of(key), 3600000); /* as if the newest were old */
        run(w, c);
        c = commit_new(T);
        commit_provider_id(c, str_of(name), STR("1"));
        run(w, c);
        c = commit_new(T);
        commit_status(c, STR_NONE, STR("hash"), "delivered", AT(4 + turn), STR(""));
        CHECK_Z(name, str_of(run(w, c).results[0]),
                turn == 2   ? "moved"
                : turn <= 4 ? "kept"
                            : "none");
    }
    CHECK_REDIS(w, "EXISTS {acme}:p:1", "0");
    CHECK_REDIS(w, "EXISTS {acme}:p:2 {acme}:p:3 {acme}:p:4 {acme}:p:5", "4");
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_lease),
        TEST(test_one_call),
        TEST(test_one_call_empties),
        TEST(test_one_call_event),
        TEST(test_one_call_grants_again),
        TEST(test_heard_behind_a_hand),
        TEST(test_evidence_under_lease),
        TEST(test_notes),
        TEST(test_ahead),
        TEST(test_rates),
        TEST(test_schedule_and_withdraw),
        TEST(test_events),
        TEST(test_states),
        TEST(test_early_status),
        TEST(test_provider_ids),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
