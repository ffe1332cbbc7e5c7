/* commit: checks, writes, results, batches, cancelling, a full Redis, a lost reply. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "units.h"

static void test_documents(void)
{
    struct world *w = open_world(NULL);
    struct commit *c = doc("u:1", 1, "one");
    struct got g;

    commit_doc_field(c, "te", STR("a b"));
    commit_doc_field(c, "si", STR(""));
    commit_hset(c, STR("ux"), STR("h"), STR("1"));
    g = run(w, c);
    CHECK_INT("new", g.result, COMMIT_OK);
    CHECK_INT("no results", g.nresults, 0);
    CHECK_REDIS(w, "HGETALL {acme}:u:1", "v\n1\nb\none\nte\na b\nsi\n");
    CHECK_REDIS(w, "HGET {acme}:ux h", "1");
    g = run(w, doc("u:1", 1, "other"));
    CHECK_INT("there already", g.result, COMMIT_CONFLICT);
    CHECK_Z("which", str_of(g.value), "u:1");
    CHECK_INT("next", run(w, doc("u:1", 2, "two")).result, COMMIT_OK);
    CHECK_INT("old version", run(w, doc("u:1", 2, "zwei")).result, COMMIT_CONFLICT);
    CHECK_REDIS(w, "HMGET {acme}:u:1 v b te", "2\ntwo\na b");
    c = doc("u:1", 3, "three");
    commit_delete(c, STR("u:1"));
    CHECK_INT("delete", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "EXISTS {acme}:u:1", "0");
    c = doc("u:2", 1, "given up");
    commit_free(&c);
    commit_free(&c);
    CHECK("cleared", c == NULL);
    world_free(&w);
}

/* As whoever checks it later makes the links again. */
static void test_chain(void)
{
    static const char one[] = "1111111111111111111111111111111111111111111111111111111111111111one";
    static const char two[] = "2222222222222222222222222222222222222222222222222222222222222222two";
    struct world *w = open_world(NULL);
    struct commit *c = doc("o:1", 1, "x");

    commit_chain(c, STR("ot:1"), str_of(one), 3);
    commit_chain(c, STR("ot:1"), str_of(two), 3);
    CHECK_INT("two in one unit", run(w, c).result, COMMIT_OK);
    CHECK_REDIS(w, "LRANGE {acme}:ot:1 0 -1",
                "1|79dc4830b06bb821631fc4c3f67d411d951ada60|one\n"
                "2|fa5272f78bd7387528c0d990ef080fc7c52049f6|two");
    for (int i = 2; i < 4; i++) {
        c = doc("o:1", i, "x");
        commit_chain(c, STR("ot:1"), str_of(one), 3);
        CHECK_INT("another", run(w, c).result, COMMIT_OK);
    }
    CHECK_REDIS(w, "LLEN {acme}:ot:1", "3"); /* the oldest goes, the numbers go on */
    world_free(&w);
}

struct fetched {
    struct world *w;
    bool done;
    size_t n;
    int64_t versions[3];
    char bodies[3][16];
};

static void on_fetched(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct fetched *f = ctx;

    CHECK("fetched", err == NULL);
    f->done = true;
    f->n = n;
    for (size_t i = 0; i < n; i++) {
        f->versions[i] = docs[i].version;
        snprintf(f->bodies[i], sizeof(f->bodies[i]), "%.*s", STR_ARG(docs[i].body));
    }
    loop_stop(f->w->loop);
}

static void test_fetch(void)
{
    struct world *w = open_world(NULL);
    struct str keys[] = {STR("u:1"), STR("u:2"), STR("u:3")};
    struct fetched f = {.w = w}, none = {.w = w};
    struct op *op;

    run(w, doc("u:1", 1, "one"));
    run(w, doc("u:3", 1, ""));
    op = fetch_run(w->store, T, keys, 3, on_fetched, &none);
    op_cancel(&op);
    fetch_run(w->store, T, keys, 3, on_fetched, &f);
    CHECK("answered", world_run(w, &f.done, 3000));
    CHECK_INT("n", f.n, 3);
    CHECK_INT("there", f.versions[0], 1);
    CHECK_Z("body", str_of(f.bodies[0]), "one");
    CHECK_INT("absent", f.versions[1], 0);
    CHECK_INT("empty", f.versions[2], 1);
    CHECK("cancelled", !none.done);
    world_free(&w);
}

static struct got accept(struct world *w, const char *key, const char *print, const char *value)
{
    struct commit *c = commit_new(T);

    commit_check_new(c, str_of(key), str_of(print));
    commit_remember(c, str_of(key), str_of(print), str_of(value));
    commit_hincr(c, STR("count"), STR("n"), 1);
    return run(w, c);
}

static void test_seen(void)
{
    struct world *w = open_world(NULL);
    struct commit *c;
    struct got g = accept(w, "k1", "p1", "v|1");

    CHECK_INT("new", g.result, COMMIT_OK);
    CHECK_Z("counted", str_of(g.results[0]), "1");
    g = accept(w, "k1", "p1", "v2");
    CHECK_INT("again", g.result, COMMIT_DUPLICATE);
    CHECK_Z("what was", str_of(g.value), "v|1");
    CHECK_INT("other content", accept(w, "k1", "p2", "v").result, COMMIT_DIFFERS);
    CHECK_INT("no fingerprint", accept(w, "k1", "", "v").result, COMMIT_DUPLICATE);
    for (int i = 0; i < 2; i++) {
        c = commit_new(T);
        commit_once(c, STR("unit-7"));
        commit_append(c, STR("log"), STR("line"), 10);
        CHECK_INT("once", run(w, c).result, i == 0 ? COMMIT_OK : COMMIT_DUPLICATE);
    }
    CHECK_REDIS(w, "LLEN {acme}:log", "1");
    CHECK_REDIS(w, "HGET {acme}:count n", "1");
    /* Three hashes of four days: after two turns it is still known, after three it is not. */
    for (int turn = 1; turn <= 3; turn++) {
        char newest[16];

        snprintf(newest, sizeof(newest), "%d 0", turn);
        c = commit_new(T);
        commit_put_for(c, STR("dn"), str_of(newest), 60000);
        commit_remember(c, STR("tick"), STR(""), STR(""));
        run(w, c);
        CHECK_INT("after turns", accept(w, "k1", "p1", "new").result,
                  turn < 3 ? COMMIT_DUPLICATE : COMMIT_OK);
    }
    CHECK_REDIS(w, "EXISTS {acme}:d:1", "0");
    world_free(&w);
}

static void test_marks(void)
{
    static const struct {
        int64_t mark;
        enum commit_result want;
    } rows[] = {
        {5, COMMIT_OK   },
        {5, COMMIT_OK   },
        {4, COMMIT_STALE},
        {9, COMMIT_OK   },
        {8, COMMIT_STALE},
    };
    struct world *w = open_world(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct commit *c = commit_new(T);

        commit_check_mark(c, STR("order"), rows[i].mark);
        commit_mark(c, STR("order"), rows[i].mark);
        CHECK_INT("mark", run(w, c).result, rows[i].want);
    }
    CHECK_REDIS(w, "HGET {acme}:rv order", "9");
    world_free(&w);
}

static void test_plain(void)
{
    struct world *w = open_world(NULL);
    struct commit *c = commit_new(T);
    struct got g;

    commit_hset(c, STR("h"), STR("f"), STR("x"));
    commit_hset(c, STR("h"), STR("g"), STR(""));
    commit_hdel(c, STR("h"), STR("f"));
    commit_hincr(c, STR("h"), STR("n"), 41);
    commit_hincr(c, STR("h"), STR("n"), -1);
    commit_hmax(c, STR("h"), STR("m"), 7);
    commit_hmax(c, STR("h"), STR("m"), 6);
    commit_hmax(c, STR("h"), STR("m"), 8);
    commit_zadd(c, STR("z"), 1763716037123.0, STR("a"));
    commit_zadd(c, STR("z"), -0.5, STR("b"));
    commit_zadd(c, STR("z"), 3, STR("c"));
    commit_zrem(c, STR("z"), STR("c"));
    for (int i = 0; i < 5; i++) {
        commit_append(c, STR("l"), str_make(&"abcde"[i], 1), 3);
    }
    commit_log(c, STR("au"), STR("body"));
    commit_put_for(c, STR("p"), STR("value"), 60000);
    g = run(w, c);
    CHECK_INT("ok", g.result, COMMIT_OK);
    CHECK_INT("results", g.nresults, 2);
    CHECK_Z("first", str_of(g.results[0]), "41");
    CHECK_Z("second", str_of(g.results[1]), "40");
    CHECK_REDIS(w, "HGETALL {acme}:h", "g\n\nn\n40\nm\n8");
    CHECK_REDIS(w, "ZRANGE {acme}:z 0 -1 WITHSCORES", "b\n-0.5\na\n1763716037123");
    CHECK_REDIS(w, "LRANGE {acme}:l 0 -1", "c\nd\ne");
    CHECK_REDIS(w, "XLEN {acme}:au", "1");
    CHECK_REDIS(w, "GET {acme}:p", "value");
    world_free(&w);
}

/* ---- batches ---- */

static void test_batches(void)
{
    static struct got got[200];
    struct world *w = open_world(NULL);
    struct store_stats before, after;
    bool all = false;

    store_stats(w->store, &before);
    for (size_t i = 0; i < 200; i++) {
        struct commit *c = commit_new(i % 2 == 0 ? T : STR("other"));
        char n[8];

        snprintf(n, sizeof(n), "%zu", i);
        commit_check_version(c, i == 77 ? STR("there") : STR("none"), i == 77 ? 1 : 0);
        commit_hset(c, STR("h"), str_of(n), str_of(n));
        commit_hincr(c, STR("n"), str_of(n), (int64_t)i);
        start(w, c, &got[i]);
    }
    for (int ms = 0; ms < 5000 && !all; ms += 10) {
        world_pass(w, 10);
        all = true;
        for (size_t i = 0; i < 200; i++) {
            all = all && got[i].done;
        }
    }
    store_stats(w->store, &after);
    CHECK("all answered", all);
    CHECK_INT("two tenants, 100 units each: a call for each 64", after.calls - before.calls, 4);
    for (size_t i = 0; i < 200; i++) {
        CHECK_INT("result", got[i].result, i == 77 ? COMMIT_CONFLICT : COMMIT_OK);
        CHECK_INT("own result", strtol(got[i].results[0], NULL, 10), i == 77 ? 0 : (long)i);
        CHECK_INT("once", got[i].calls, 1);
    }
    CHECK_REDIS(w, "HLEN {acme}:h", "100");
    CHECK_REDIS(w, "HLEN {other}:h", "99");
    world_free(&w);
}

static struct mono stands;

static struct mono still(void)
{
    return stands;
}

static int64_t calls_made(struct world *w)
{
    struct store_stats stats;

    store_stats(w->store, &stats);
    return stats.calls;
}

/*
 * Behind two calls that are out, a tenant's units gather for the next one; another tenant's do not
 * wait for them, and behind a call that has stuck nobody does. The clock stands still, so that what
 * counts is what was sent and not how busy the machine is.
 */
static void test_gathering(void)
{
    static struct got got[30];
    struct world *w = open_world(NULL);
    int64_t before = calls_made(w);
    struct commit *other;
    char key[16];
    size_t n = 0;

    stands = mono_now();
    clock_fake(still, NULL);
    redis_fixture_stop(w->redis);
    for (size_t i = 0; i < 22; i++) {
        snprintf(key, sizeof(key), "g:%zu", i);
        start(w, doc(key, 1, "x"), &got[n++]);
        world_pass(w, 2);
    }
    CHECK_INT("two are out, twenty gather", calls_made(w) - before, 2);
    other = commit_new(STR("other"));
    commit_check_version(other, STR("none"), 0);
    commit_hset(other, STR("h"), STR("f"), STR("v"));
    start(w, other, &got[n++]);
    world_pass(w, 2);
    CHECK_INT("another tenant's goes at once", calls_made(w) - before, 3);
    stands.us += 21000;
    start(w, doc("g:stuck", 1, "x"), &got[n++]);
    world_pass(w, 2);
    CHECK_INT("stuck: what gathered goes", calls_made(w) - before, 4);
    start(w, doc("g:after", 1, "x"), &got[n++]);
    world_pass(w, 2);
    CHECK_INT("and so does the next, by itself", calls_made(w) - before, 5);
    redis_fixture_cont(w->redis);
    clock_fake(NULL, NULL);
    for (size_t i = 0; i < n; i++) {
        CHECK("answered", world_run(w, &got[i].done, 3000));
        CHECK_INT("done", got[i].result, COMMIT_OK);
    }
    CHECK_INT("no more calls", calls_made(w) - before, 5);
    world_free(&w);
}

static void test_cancel(void)
{
    struct world *w = open_world(NULL);
    struct got g[6];

    /* cancelled before it is sent: not carried out; also the first, which names the tenant */
    for (size_t i = 0; i < 3; i++) {
        struct commit *c = commit_new(T);

        commit_hincr(c, STR("n"), STR("n"), 1);
        start(w, c, &g[i]);
    }
    op_cancel(&g[0].op);
    op_cancel(&g[2].op);
    CHECK("the one left", world_run(w, &g[1].done, 3000));
    CHECK_Z("alone", str_of(g[1].results[0]), "1");
    CHECK_INT("nothing", g[0].calls + g[2].calls, 0);
    /* a whole batch cancelled */
    start(w, doc("x", 1, ""), &g[0]);
    op_cancel(&g[0].op);
    world_pass(w, 20);
    CHECK_REDIS(w, "EXISTS {acme}:x", "0");
    /* by the callback of its neighbour, when both are answered */
    for (size_t i = 3; i < 6; i++) {
        struct commit *c = commit_new(T);

        commit_hincr(c, STR("m"), STR("n"), 1);
        start(w, c, &g[i]);
    }
    g[3].cancel = &g[4].op;
    CHECK("first", world_run(w, &g[5].done, 3000));
    CHECK_INT("cancelled in time", g[4].calls, 0);
    CHECK_Z("but carried out", str_of(g[5].results[0]), "3");
    world_free(&w);
}

static void test_sent_and_cancelled(void)
{
    struct world *w = open_world(NULL);
    struct got a, b;

    redis_fixture_stop(w->redis);
    start(w, doc("x", 1, ""), &a);
    world_pass(w, 50);
    op_cancel(&a.op);
    redis_fixture_cont(w->redis);
    start(w, doc("y", 1, ""), &b);
    CHECK("next", world_run(w, &b.done, 3000));
    CHECK_INT("nothing", a.calls, 0);
    CHECK_REDIS(w, "EXISTS {acme}:x", "1");
    /* the store goes while one is under way */
    redis_fixture_stop(w->redis);
    start(w, doc("z", 1, ""), &a);
    start(w, doc("z", 2, ""), &b);
    world_pass(w, 20);
    redis_fixture_cont(w->redis);
    store_free(&w->store);
    world_pass(w, 20);
    CHECK_INT("no callback after the store", a.calls + b.calls, 0);
    world_free(&w);
}

static void test_unavailable(void)
{
    struct world *w = open_world(NULL);
    struct got a, b, big;
    struct commit *c = commit_new(T);
    char *bytes = mem_new(COMMIT_BYTES_MAX);

    commit_hset(c, STR("h"), STR("f"), str_make(bytes, COMMIT_BYTES_MAX));
    commit_doc(c, STR("h"), 1, STR(""));
    commit_doc_field(c, "x", STR("y"));
    start(w, c, &big);
    CHECK("too long", world_run(w, &big.done, 1000));
    CHECK_INT("code", big.code, ERR_TOO_LONG);
    mem_free(&bytes);
    redis_fixture_kill(w->redis);
    start(w, doc("x", 1, ""), &a);
    start(w, doc("y", 1, ""), &b);
    CHECK("both", world_run(w, &a.done, 5000) && world_run(w, &b.done, 100));
    CHECK_INT("code", a.code, ERR_STORE_UNAVAILABLE);
    CHECK_INT("code", b.code, ERR_STORE_UNAVAILABLE);
    world_free(&w);
}

static void test_full(void)
{
    struct world *w = open_world(NULL);
    struct got g = run(w, message("1", "3p", 0, true, NULL)), refused, drained;
    struct commit *c = held("3p", "1", g.results[0]);

    redis(w, "CONFIG SET maxmemory 1");
    commit_message_state(c, STR("1"), "sent", AT(1), STR(""));
    commit_finish(c, OUT, STR("3p"), STR("1"));
    start(w, message("2", "3q", 0, true, NULL), &refused); /* both in one call */
    start(w, c, &drained);
    CHECK("answered", world_run(w, &drained.done, 3000));
    CHECK_INT("refused", refused.code, ERR_STORE_FULL);
    CHECK_INT("drained", drained.code, ERR_NONE);
    CHECK_INT("drained", drained.result, COMMIT_OK);
    CHECK_REDIS(w, "EXISTS {acme}:m:2 {acme}:l:out:main:3q", "0");
    CHECK_REDIS(w, "HGET {acme}:m:1 s", "sent");
    c = commit_new(T);
    commit_hset(c, STR("h"), STR("f"), STR("v"));
    CHECK_INT("alone", run(w, c).code, ERR_STORE_FULL);
    redis(w, "CONFIG SET maxmemory 0");
    CHECK_INT("again", run(w, message("2", "3q", 0, true, NULL)).result, COMMIT_OK);
    world_free(&w);
}

/*
 * Redis is stopped until the connection counts as dead, then it carries out what lies in the dead
 * socket and what is asked again. The second answer must be the first one, or a lease is lost.
 */
static void test_lost_reply(void)
{
    struct world *w = open_world(NULL);
    struct store_stats stats;
    struct got g, plain;

    redis_fixture_stop(w->redis);
    start(w, message("1", "3p", 0, true, NULL), &g);
    world_pass(w, 2300);
    start(w, doc("u:1", 1, "x"), &plain);
    redis_fixture_cont(w->redis);
    CHECK("answered", world_run(w, &g.done, 5000) && world_run(w, &plain.done, 3000));
    store_stats(w->store, &stats);
    CHECK("was asked again", stats.reasked > 0);
    CHECK_INT("ok", g.result, COMMIT_OK);
    CHECK_Z("the token", str_of(g.results[0]), "1");
    CHECK_REDIS(w, "GET {acme}:fence", "12") /* one grant */;
    CHECK_INT("new", plain.result, COMMIT_OK);
    world_free(&w);
}

/* ---- our own bugs ---- */

static void bad_tenant(void)
{
    commit_new(STR("Acme"));
}

static void bad_order(void)
{
    struct commit *c = commit_new(T);

    commit_hset(c, STR("h"), STR("f"), STR("v"));
    commit_check_new(c, STR("k"), STR(""));
}

static void bad_finish(void)
{
    commit_finish(commit_new(T), OUT, STR("3p"), STR("1"));
}

static void bad_lane(void)
{
    commit_enqueue(commit_new(T), OUT, STR("p3"), STR("1"), AT(0), false, NULL);
}

static void bad_id(void)
{
    commit_enqueue(commit_new(T), OUT, STR("3p"), STR("a|b"), AT(0), false, NULL);
}

static void bad_state(void)
{
    commit_status(commit_new(T), STR("1"), STR_NONE, "uncertain", AT(0), STR(""));
}

static void bad_field(void)
{
    struct commit *c = commit_new(T);

    commit_doc(c, STR("u:1"), 1, STR(""));
    commit_hset(c, STR("h"), STR("f"), STR("v"));
    commit_doc_field(c, "f", STR("v"));
}

static void test_asserts(void)
{
    static const struct {
        const char *label;
        void (*fn)(void);
    } rows[] = {
        {"tenant",            bad_tenant},
        {"check after write", bad_order },
        {"finish unleased",   bad_finish},
        {"lane",              bad_lane  },
        {"id",                bad_id    },
        {"state",             bad_state },
        {"field",             bad_field },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
            signal(SIGABRT, SIG_DFL);
            if (freopen("/dev/null", "w", stderr) != NULL) {
                rows[i].fn();
            }
            _exit(0);
        }
        waitpid(pid, &status, 0);
        CHECK(rows[i].label, WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* ---- speed: printed, not checked ---- */

static int64_t cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void test_speed(void)
{
    enum { ROUNDS = 200, EACH = 128 };
    static struct got got[EACH];
    struct world *w = open_world(NULL);
    int64_t from_ms, cpu;

    run(w, message("1", "3p", 0, false, NULL));
    from_ms = now_ms();
    cpu = cpu_us();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < EACH; i++) {
            struct commit *c = commit_new(T);

            commit_status(c, STR("1"), STR_NONE, "delivered", AT(1763716037123), STR("by webhook"));
            start(w, c, &got[i]);
        }
        CHECK("round", world_run(w, &got[EACH - 1].done, 5000));
    }
    printf("  %d units in %lld ms, %.2f us of our CPU each\n", ROUNDS * EACH,
           (long long)(now_ms() - from_ms), (double)(cpu_us() - cpu) / (ROUNDS * EACH));
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_documents), TEST(test_chain),   TEST(test_fetch),  TEST(test_seen),
        TEST(test_marks),       TEST(test_plain),  TEST(test_batches),
        TEST(test_gathering),   TEST(test_cancel), TEST(test_sent_and_cancelled),
        TEST(test_unavailable), TEST(test_full),   TEST(test_lost_reply),
        TEST(test_asserts),     TEST(test_speed),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
