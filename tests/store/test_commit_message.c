/* commit: messages as one operation, and their ends under a lease. */
#include <stdio.h>
#include <string.h>

#include "units.h"

/* A message as one operation, and its acceptance. */
static void test_message(void)
{
    static const struct rate rate = {.pair_interval_ms = 1000, .pair_burst = 1};
    struct world *w = open_world(NULL);
    struct commit_message m = {.id = STR("1"),
                               .body = STR("body"),
                               .user = STR("p"),
                               .order = STR("wo1"),
                               .broadcast = STR("b1"),
                               .matter = STR("mt1"),
                               .line = STR("queued,5,why\n"),
                               .queue = OUT,
                               .lane = STR("1p"),
                               .first = true,
                               .grant = GRANT_ANSWER,
                               .rate = &rate};
    struct commit *c = commit_new(T);
    struct got g;
    int64_t token;

    commit_message(c, &m);
    g = run(w, c);
    token = strtol(g.results[0], NULL, 10);
    CHECK("granted", token > 0);
    CHECK_REDIS(w, "HMGET {acme}:m:1 b s u o br mt q l n",
                "body\nsending\n\nwo1\nb1\nmt1\nout:main\n1p\n1");
    CHECK("its timeline",
          strncmp(redis(w, "HGET {acme}:m:1 tl"), "queued,5,why\nsending,", 21) == 0);
    CHECK_REDIS(w, "ZRANGE {acme}:mu:p 0 -1", "1");
    CHECK_REDIS(w, "HGETALL {acme}:bm:b1", "p\n1");
    CHECK_REDIS(w, "ZRANGE {acme}:mo:wo1 0 -1", "1");
    CHECK_REDIS(w, "ZRANGE {acme}:mx 0 -1", "1");
    m.id = STR("2");
    m.first = false;
    m.lane = STR("2p"); /* the pair's rate has no room: it waits */
    m.order = m.broadcast = m.matter = STR_NONE;
    c = commit_new(T);
    commit_message(c, &m);
    CHECK_Z("not granted", str_of(run(w, c).results[0]), "0");
    CHECK_REDIS(w, "HMGET {acme}:m:2 s br mt n tl", "queued\n\n\n\nqueued,5,why\n");
    CHECK_REDIS(w, "ZRANGE {acme}:r:out:main:2 0 -1", "2p");

    c = commit_new(T);
    commit_check_leased(c, OUT, STR("1p"), STR("1"), token);
    commit_sent(c, AT(9), STR("how"), STR("hash"));
    CHECK_INT("sent", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "HGET {acme}:m:1 s", "sent");
    CHECK("its end", strstr(redis(w, "HGET {acme}:m:1 tl"), "\nsent,9,how") != NULL);
    CHECK_REDIS(w, "HGET {acme}:p:1 hash", "1");
    CHECK_REDIS(w, "EXISTS {acme}:l:out:main:1p {acme}:k:out:main", "0");
    c = commit_new(T);
    commit_check_leased(c, OUT, STR("1p"), STR("1"), token);
    commit_sent(c, AT(9), STR("how"), STR("hash"));
    CHECK_INT("not twice", run(w, c).result, COMMIT_FENCED);
    world_free(&w);
}

/* Messages that were handed over, told together: each stands for itself, and the others keep their
 * places. */
static void test_sent_together(void)
{
    static const struct {
        const char *queue, *lane, *id, *hash;
        int64_t ahead; /* of its token */
        bool more;     /* the unit says something else as well */
        enum commit_result result;
    } rows[] = {
        {"out:main",  "3a", "1", "h1", 0, false, COMMIT_OK      },
        {"out:main",  "3b", "2", "",   0, false, COMMIT_OK      },
        {"out:main",  "3c", "3", "h3", 1, false, COMMIT_FENCED  },
        {"out:main",  "3d", "4", "h4", 0, false, COMMIT_CONFLICT}, /* its record is gone */
        {"out:main",  "3a", "1", "h1", 0, false, COMMIT_FENCED  }, /* by the first of them */
        {"out:other", "3a", "5", "h5", 0, false, COMMIT_OK      },
        {"out:other", "3b", "6", "h6", 0, true,  COMMIT_OK      },
        {"out:other", "3c", "7", "h7", 0, false, COMMIT_OK      },
        {"out:main",  "3e", "8", "h8", 0, false, COMMIT_OK      },
    };
    struct world *w = open_world(NULL);
    struct got g[ARRAY_LEN(rows)];
    struct commit *c[ARRAY_LEN(rows)], *gone;
    int64_t tokens[10] = {0};
    struct store_stats before, after;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct commit_message m = {.id = str_of(rows[i].id),
                                   .lane = str_of(rows[i].lane),
                                   .user = STR("p"),
                                   .body = STR("body"),
                                   .line = STR("queued,5,\n"),
                                   .queue = str_of(rows[i].queue),
                                   .broadcast = STR("b"),
                                   .grant = GRANT_ANSWER,
                                   .rate = &(struct rate){0}};
        int64_t *token = &tokens[strtol(rows[i].id, NULL, 10)];

        if (*token == 0) {
            c[i] = commit_new(T);
            commit_message(c[i], &m);
            *token = strtol(run(w, c[i]).results[0], NULL, 10);
        }
        c[i] = commit_new(T);
        commit_check_leased(c[i], m.queue, m.lane, m.id, *token + rows[i].ahead);
        if (rows[i].more) {
            commit_hset(c[i], STR("m:6"), STR("f"), STR("form"));
        }
        commit_sent(c[i], AT(9), i == 0 ? STR("how, and why") : STR(""), str_of(rows[i].hash));
    }
    gone = commit_new(T);
    commit_delete(gone, STR("m:4"));
    CHECK_INT("removed with its person", run(w, gone).result, COMMIT_OK);
    redis(w, "HSET {acme}:bc:b queued 8");
    redis(w, "RPUSH {acme}:ps:h5 delivered|10|early");
    redis(w, "PEXPIRE {acme}:ps:h5 60000");
    redis(w, "SET {acme}:ps x");
    store_stats(w->store, &before);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        start(w, c[i], &g[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK("answered", world_run(w, &g[i].done, 3000));
    }
    store_stats(w->store, &after);
    /* Ends of two queues, the unit that says more, and all of those ends, which are left alone. */
    CHECK_INT("calls", after.calls - before.calls, 4);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].id, g[i].result, rows[i].result);
        CHECK_INT("but what refuses it", g[i].nresults, rows[i].result == COMMIT_CONFLICT);
    }
    CHECK_Z("which", str_of(g[3].value), "m:4");
    CHECK("its line", strstr(redis(w, "HGET {acme}:m:1 tl"), "\nsent,9,how, and why") != NULL);
    CHECK("its line", strstr(redis(w, "HGET {acme}:m:8 tl"), "\nsent,9,") != NULL);
    CHECK_REDIS(w, "HGET {acme}:m:3 s", "sending");
    CHECK_REDIS(w, "HMGET {acme}:m:6 s f", "sent\nform");
    CHECK_REDIS(w, "HGET {acme}:m:5 s", "delivered");
    CHECK_REDIS(w, "EXISTS {acme}:m:4 {acme}:ps:h5 {acme}:bm:b", "0");
    CHECK_REDIS(w, "HMGET {acme}:bc:b queued sent delivered", "2\n5\n1");
    CHECK_REDIS(w, "HMGET {acme}:p:1 h1 h3 h4 h5 h6 h7 h8", "1\n\n\n5\n6\n7\n8");
    CHECK_REDIS(w, "HLEN {acme}:p:1", "5");
    CHECK_REDIS(w, "HLEN {acme}:k:out:main", "2");
    CHECK_REDIS(w, "EXISTS {acme}:k:out:other", "0");
    world_free(&w);
}

/* What somebody else writes to a message that is being handed over. */
static void note_it(struct commit *c)
{
    commit_message_note(c, STR("1"), AT(8), STR("a note"));
}

static void delivered_it(struct commit *c)
{
    commit_status(c, STR("1"), STR_NONE, "delivered", AT(8), STR(""));
}

static void answered_it(struct commit *c)
{
    commit_broadcast_answer(c, STR("b"), STR("p"), "safe", AT(8));
}

static void cancelled_it(struct commit *c)
{
    commit_broadcast_cancel(c, STR("b"), (struct str[]){STR("out:main")}, 1);
}

static void said_again(struct commit *c)
{
    commit_message(c, &(struct commit_message){.id = STR("2"),
                                               .lane = STR("3p:sms"),
                                               .user = STR("p"),
                                               .body = STR("body"),
                                               .line = STR("queued,8,\n"),
                                               .queue = STR("out:main"),
                                               .broadcast = STR("b")});
    commit_broadcast_copy(c, STR("1"), STR("2"));
    commit_status(c, STR("2"), STR_NONE, "delivered", AT(8), STR(""));
}

static void extended_it(struct commit *c)
{
    commit_extend(c, STR("out:main"), STR("3p"), 90000);
}

/* Its end finds what was written meanwhile; without that it reads nothing of it. */
static void test_rewritten(void)
{
    static const struct {
        const char *label;
        void (*write)(struct commit *c);
        const char *line, *record,
            *counts; /* in its timeline; HMGET s bf; HMGET queued sent delivered silent */
        bool leased; /* by its holder */
    } rows[] = {
        {"nothing",   NULL,         "\nsent,9,\n",                   "sent\n",      "0\n1\n\n1", false},
        {"a note",    note_it,      "\nsending,8,a note\nsent,9,\n", "sent\n",      "0\n1\n\n1", false},
        {"delivered", delivered_it, "\ndelivered,8,\n",              "delivered\n", "0\n\n1\n1", false},
        {"answered",  answered_it,  "\nsent,9,\n",                   "sent\na",     "0\n1\n\n",  false},
        {"cancelled", cancelled_it, "\nsent,9,\n",                   "sent\nf",     "0\n1\n\n1", false},
        {"a copy",    said_again,   "\nsent,9,\n",                   "sent\nm",     "0\n\n1\n1", false},
        {"extended",  extended_it,  "\nsent,9,\n",                   "sent\n",      "0\n1\n\n1", true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = open_world(NULL);
        struct commit *c = commit_new(T);
        char timeline[256];
        int64_t token;

        redis(w, "HSET {acme}:b:b v 1 st sending");
        redis(w, "HSET {acme}:bc:b queued 1");
        commit_message(c, &(struct commit_message){.id = STR("1"),
                                                   .lane = STR("3p"),
                                                   .user = STR("p"),
                                                   .body = STR("body"),
                                                   .line = STR("queued,5,\n"),
                                                   .queue = STR("out:main"),
                                                   .broadcast = STR("b"),
                                                   .first = true,
                                                   .grant = GRANT_ANSWER,
                                                   .rate = &(struct rate){0}});
        token = strtol(run(w, c).results[0], NULL, 10);
        snprintf(timeline, sizeof(timeline), "%s", redis(w, "HGET {acme}:m:1 tl"));
        if (rows[i].write != NULL) {
            c = commit_new(T);
            if (rows[i].leased) {
                commit_check_lease(c, STR("out:main"), STR("3p"), STR("1"), token);
            }
            rows[i].write(c);
            CHECK_INT(rows[i].label, run(w, c).result, COMMIT_OK);
        }
        c = commit_new(T);
        commit_check_leased(c, STR("out:main"), STR("3p"), STR("1"), token);
        commit_sent(c, AT(9), STR(""), STR("hash"));
        CHECK_INT(rows[i].label, run(w, c).result, COMMIT_OK);
        CHECK(rows[i].label, str_starts(str_of(redis(w, "HGET {acme}:m:1 tl")), str_of(timeline)));
        CHECK(rows[i].label, strstr(redis(w, "HGET {acme}:m:1 tl"), rows[i].line) != NULL);
        CHECK_REDIS(w, "HMGET {acme}:m:1 s bf", rows[i].record);
        CHECK_REDIS(w, "HMGET {acme}:bc:b queued sent delivered silent", rows[i].counts);
        CHECK_REDIS(w, "HGET {acme}:p:1 hash", "1");
        CHECK_REDIS(w, "EXISTS {acme}:k:out:main {acme}:f:out:main",
                    "1"); /* "*" stays until it is looked at */
        world_free(&w);
    }
}

/* He has answered, and is told again: he is not silent when that is sent. */
static void test_recast(void)
{
    struct world *w = open_world(NULL);
    struct commit_message m = {.lane = STR("3p"),
                               .user = STR("p"),
                               .body = STR("body"),
                               .line = STR("queued,5,\n"),
                               .queue = STR("out:main"),
                               .broadcast = STR("b"),
                               .first = true,
                               .grant = GRANT_ANSWER,
                               .rate = &(struct rate){0}};
    struct commit *c;
    int64_t token;

    redis(w, "HSET {acme}:b:b v 1 st sending");
    redis(w, "HSET {acme}:bc:b queued 1");
    for (int round = 1; round <= 2; round++) {
        c = commit_new(T);
        m.id = round == 1 ? STR("1") : STR("2");
        commit_message(c, &m);
        if (round == 2) {
            commit_broadcast_recast(c, STR("b"), STR("1"), STR("2"));
        }
        token = strtol(run(w, c).results[0], NULL, 10);
        c = commit_new(T);
        commit_check_leased(c, m.queue, m.lane, m.id, token);
        commit_sent(c, AT(9), STR(""), STR_NONE);
        CHECK_INT("sent", run(w, c).result, COMMIT_OK);
        CHECK_REDIS(w, "HMGET {acme}:bc:b queued sent silent", round == 1 ? "0\n1\n1" : "0\n1\n0");
        c = commit_new(T);
        answered_it(c);
        run(w, c);
    }
    CHECK_REDIS(w, "HMGET {acme}:m:2 s bf", "sent\na");
    world_free(&w);
}

/* The record went with its person; and an inbound item goes with its end. */
static void test_leased(void)
{
    struct world *w = open_world(NULL);
    struct got g = run(w, message("1", "3p", 0, GRANT_ANSWER, NULL));
    struct commit *c = commit_new(T);
    int64_t token = strtol(g.results[0], NULL, 10);

    redis(w, "DEL {acme}:m:1");
    commit_check_leased(c, OUT, STR("3p"), STR("1"), token);
    commit_sent(c, AT(9), STR(""), STR_NONE);
    g = run(w, c);
    CHECK_INT("gone", g.result, COMMIT_CONFLICT);
    CHECK_Z("gone", str_of(g.value), "m:1");
    CHECK_REDIS(w, "EXISTS {acme}:m:1", "0");
    c = commit_new(T);
    commit_item(c, STR("1u"), STR("7"), STR("body"), GRANT_ANSWER);
    commit_item(c, STR("1u"), STR("8"), STR("other"), GRANT_ANSWER); /* waits behind it */
    g = run(w, c);
    token = strtol(g.results[0], NULL, 10);
    CHECK_Z("one at a time", str_of(g.results[1]), "0");
    CHECK_REDIS(w, "LRANGE {acme}:l:in:1u 0 -1", "8");
    CHECK_REDIS(w, "HGET {acme}:i:8 b", "other");
    c = commit_new(T);
    commit_check_lease(c, STR("in"), STR("1u"), STR("7"), token);
    commit_done(c);
    CHECK_INT("done", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "EXISTS {acme}:i:7 {acme}:k:in", "0");
    CHECK_REDIS(w, "LRANGE {acme}:l:in:1u 0 -1", "8");
    CHECK_REDIS(w, "ZRANGE {acme}:r:in:1 0 -1", "1u");
    CHECK_REDIS(w, "GET {acme}:ei:1", "7\n");
    world_free(&w);
}

/* Whoever would take a message out may first make sure that nobody is at it. */
static void test_untaken(void)
{
    static const char *const states[] = {"queued",    "sending", "uncertain", "sent",
                                         "delivered", "failed",  "cancelled", NULL};
    struct world *w = open_world(NULL);

    run(w, message("1", "3p", 0, true, NULL)); /* a worker has it */
    run(w, message("2", "3p", 0, false, NULL));
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        for (int in_hand = 0; in_hand < 2; in_hand++) {
            const char *id = in_hand ? "1" : "2";
            struct commit *c = commit_new(T);
            char set[64];

            snprintf(set, sizeof(set),
                     states[i] != NULL ? "HSET {acme}:m:%s s %s" : "DEL {acme}:m:%s", id,
                     states[i]);
            redis(w, set);
            commit_check_untaken(c, OUT, STR("3p"), str_of(id));
            commit_hset(c, STR("x"), STR("f"), STR("1"));
            CHECK_INT(set, run(w, c).result, i < 2 && !in_hand ? COMMIT_OK : COMMIT_CONFLICT);
        }
    }
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_message), TEST(test_sent_together), TEST(test_rewritten),
        TEST(test_recast),  TEST(test_leased),        TEST(test_untaken),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
