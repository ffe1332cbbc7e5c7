/* store: replies, deadlines, cancelling, freeing, subscriptions, policy, logins, with a Redis that
 * is well. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store_int.h"
#include "world.h"

static int64_t now_us(void)
{
    return mono_now().us;
}

static void test_replies(void)
{
    struct world *w = world_new(0, NULL);
    struct asked a;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    ask_wait(w, &a, "SET {t}:v hello");
    CHECK_Z("status", str_of(a.text), "OK");
    ask_wait(w, &a, "GET {t}:v");
    CHECK_INT("string", a.kind, REPLY_STR);
    CHECK_Z("string", str_of(a.text), "hello");
    CHECK_INT("no number", a.number, 0);
    ask_wait(w, &a, "GET nothing");
    CHECK_INT("nil", a.kind, REPLY_NIL);
    ask_wait(w, &a, "INCRBY n 42");
    CHECK_INT("int", a.kind, REPLY_INT);
    CHECK_INT("int", a.number, 42);
    ask_wait(w, &a, "GET n");
    CHECK_INT("a string that is a number", a.number, 42);
    ask_wait(w, &a, "RPUSH l a b c");
    ask_wait(w, &a, "LRANGE l 0 -1");
    CHECK_INT("list", a.kind, REPLY_LIST);
    CHECK_INT("list", a.len, 3);
    ask_wait(w, &a, "LRANGE nothing 0 -1");
    CHECK_INT("empty list", a.kind, REPLY_LIST);
    CHECK_INT("empty list", a.len, 0);
    ask_wait(w, &a, "GET l");
    CHECK_INT("error", a.code, ERR_STORE_REPLY);
    CHECK("error", strstr(a.msg, "WRONGTYPE") != NULL);
    ask_script(w, &a, "t_get", "{t}:", 0);
    world_run(w, &a.done, 1000);
    CHECK_Z("script", str_of(a.text), "hello");
    ask_script(w, &a, "t_error", "{t}:", 0);
    world_run(w, &a.done, 1000);
    CHECK_INT("an error inside a list fails the call", a.code, ERR_STORE_REPLY);
    CHECK("its text", strstr(a.msg, "MINE") != NULL);
    CHECK_INT("NULL", reply_kind(NULL), REPLY_NIL);
    CHECK_INT("NULL", reply_len(NULL), 0);
    CHECK("NULL", reply_at(NULL, 0) == NULL);
    CHECK_INT("ready", store_health(w->store, NULL), STORE_READY);
    world_free(&w);
}

static void on_big(void *ctx, const struct err *err, const struct reply *reply)
{
    struct asked *a = ctx;

    a->code = err == NULL ? ERR_NONE : err->code;
    a->len = reply_str(reply).n;
    a->number = a->len > 0 ? reply_str(reply).p[a->len - 1] : 0;
    a->done = true;
    loop_stop(a->w->loop);
}

static void test_big(void)
{
    struct world *w = world_new(0, NULL);
    struct asked a = {.w = w};
    size_t n = (size_t)20 << 20;
    char *bytes = mem_new(n);
    struct call c;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    bytes[n - 1] = 'z';
    call_init(&c);
    call_str(&c, STR("ECHO"));
    call_str(&c, str_make(bytes, n));
    store_run_for(w->store, &c, 20000, on_big, &a);
    CHECK("20 MiB there and back", world_run(w, &a.done, 20000));
    CHECK_INT("no error", a.code, ERR_NONE);
    CHECK_INT("length", a.len, n);
    CHECK_INT("last byte", a.number, 'z');

    a = (struct asked){.w = w};
    call_init(&c);
    call_str(&c, STR("ECHO"));
    call_str(&c, str_make(bytes, n));
    call_str(&c, str_make(bytes, n));
    store_run(w->store, &c, on_big, &a);
    CHECK("not before it returns", !a.done);
    CHECK("40 MiB", world_run(w, &a.done, 1000));
    CHECK_INT("is refused", a.code, ERR_STORE_REPLY);
    call_fini(&c);
    mem_free(&bytes);
    world_free(&w);
}

static void test_pipeline(void)
{
    struct world *w = world_new(0, NULL);
    struct store_stats stats;
    struct many m = {0};
    struct asked a;
    int64_t from;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    world_health(w, STORE_READY, 3000);
    from = now_ms();
    many_append(w, &m, "{t}:", 100000);
    CHECK("all answered", world_run(w, &m.done, 60000));
    printf("  100,000 script calls in %lld ms\n", (long long)(now_ms() - from));
    CHECK_INT("ok or late", m.ok + m.unavailable, 100000);
    CHECK_INT("each its own reply", m.wrong, 0);
    CHECK_INT("nothing else", m.other + m.full, 0);
    ask_wait(w, &a, "LLEN {t}:list");
    CHECK("all there", a.number == (int64_t)m.ok || m.unavailable > 0);
    store_stats(w->store, &stats);
    CHECK_INT("none pending", stats.pending, 0);
    CHECK_INT("calls", stats.calls, 100001);
    world_free(&w);
}

/* The steps of a deadline: never sent, sent, late reply dropped. */
static void test_deadline(void)
{
    struct world *w = world_new(0, NULL);
    struct asked a, b, c;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    ask_for(w, &a, 5000, "SET x 1");
    CHECK("first", world_run(w, &a.done, 5000));
    redis_fixture_stop(w->redis);
    ask_for(w, &a, 200, "INCR x");
    ask_for(w, &b, 6000, "INCR x");
    CHECK("late", world_run(w, &a.done, 1000));
    CHECK_INT("code", a.code, ERR_STORE_UNAVAILABLE);
    CHECK("not early", a.took_ms >= 200);
    CHECK("not much later", a.took_ms < 350);
    CHECK("says how long", strstr(a.msg, "200 ms") != NULL);
    redis_fixture_cont(w->redis);
    CHECK("the other is answered", world_run(w, &b.done, 1000));
    CHECK_INT("after the late one", b.number, 3);
    ask_wait(w, &c, "GET x");
    CHECK_INT("in step", c.number, 3);
    CHECK_INT("once", a.calls, 1);
    world_free(&w);

    w = world_new_without_redis();
    world_store(w, STR("unix:///nonexistent/redis.sock"), STORE_ALWAYS);
    ask_for(w, &a, 100, "PING");
    CHECK("never sent", world_run(w, &a.done, 1000));
    CHECK_INT("never sent", a.code, ERR_STORE_UNAVAILABLE);
    CHECK("says why", strstr(a.msg, "No such file") != NULL);
    ask_for(w, &a, 10000, "PING"); /* longer than the wheel, dropped with the store */
    world_pass(w, 50);
    world_free(&w);
}

static void test_cancel(void)
{
    struct world *w = world_new(0, NULL);
    struct asked fresh, sent, retry, last, doomed;
    struct store_stats stats;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    ask(w, &fresh, "SET fresh 1");
    ask(w, &last, "SET x 1");
    op_cancel(&fresh.op);
    CHECK("slot cleared", fresh.op == NULL);
    CHECK("others go on", world_run(w, &last.done, 1000));

    redis_fixture_stop(w->redis);
    ask(w, &sent, "SET sent 1");
    ask(w, &retry, "SET retry 1");
    ask(w, &last, "SET last 1");
    world_pass(w, 50); /* written by now */
    op_cancel(&sent.op);
    redis_fixture_kill(w->redis);
    world_pass(w, 50); /* given back by now */
    store_stats(w->store, &stats);
    CHECK_INT("two wait", stats.pending, 2);
    op_cancel(&retry.op);
    redis_fixture_start(w->redis);
    CHECK("after the restart", world_run(w, &last.done, 3000));
    CHECK_INT("no error", last.code, ERR_NONE);

    ask(w, &doomed, "SET doomed 1");
    op_cancel(&doomed.op);
    ask_wait(w, &last, "EXISTS fresh sent retry doomed");
    CHECK_INT("none of them was carried out", last.number, 0);
    CHECK_INT("no callback", fresh.calls + sent.calls + retry.calls + doomed.calls, 0);
    store_stats(w->store, &stats);
    CHECK_INT("none pending", stats.pending, 0);
    world_free(&w);
}

static struct asked ring[3];

static void on_first(void *ctx, const struct err *err, const struct reply *reply)
{
    struct world *w = ctx;

    (void)err;
    (void)reply;
    op_cancel(&ring[1].op);
    ask(w, &ring[2], "GET x");
}

/* A callback cancels what is answered in the same read, and asks anew. */
static void test_cancel_in_callback(void)
{
    struct world *w = world_new(0, NULL);
    struct call c;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    world_health(w, STORE_READY, 3000);
    memset(ring, 0, sizeof(ring));
    call_init(&c);
    call_str(&c, STR("SET"));
    call_str(&c, STR("x"));
    call_int(&c, 7);
    store_run(w->store, &c, on_first, w);
    ask(w, &ring[1], "GET x");
    CHECK("asked in the callback", world_run(w, &ring[2].done, 1000));
    CHECK_INT("answered", ring[2].number, 7);
    CHECK_INT("cancelled", ring[1].calls, 0);

    /* The same when the deadline calls back. */
    redis_fixture_stop(w->redis);
    memset(ring, 0, sizeof(ring));
    call_init(&c);
    call_str(&c, STR("PING"));
    store_run_for(w->store, &c, 100, on_first, w);
    ask_for(w, &ring[1], 100, "GET x");
    world_pass(w, 300);
    redis_fixture_cont(w->redis);
    CHECK("asked in the callback", world_run(w, &ring[2].done, 1000));
    CHECK_INT("cancelled", ring[1].calls, 0);
    world_free(&w);
}

static void on_free(void *ctx, const struct err *err, const struct reply *reply)
{
    struct world *w = ctx;

    (void)err;
    (void)reply;
    store_free(&w->store);
    loop_stop(w->loop);
}

static void free_in_callback(const char *word, int64_t deadline_ms, bool stopped)
{
    struct world *w = world_new(0, NULL);
    struct asked others[50];
    bool done = false;
    struct call c;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    world_health(w, STORE_READY, 3000);
    if (stopped) {
        redis_fixture_stop(w->redis);
    }
    call_init(&c);
    call_str(&c, str_of(word));
    store_run_for(w->store, &c, deadline_ms, on_free, w);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ask_for(w, &others[i], deadline_ms, "PING");
    }
    world_run(w, &done, 300);
    CHECK(word, w->store == NULL);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        CHECK_INT("no callback", others[i].calls, 0);
    }
    world_free(&w);
}

static void test_free_in_callback(void)
{
    free_in_callback("PING", 3000, false); /* inside hiredis */
    free_in_callback("PING", 100, true);   /* in a tick, replies are due */
    free_in_callback("NONSENSE", 3000, false);
}

struct heard {
    struct world *w;
    int n, wanted;
    bool done;
    char last[64];
};

static void on_message(void *ctx, struct str channel, struct str payload)
{
    struct heard *h = ctx;

    CHECK_Z("channel", channel, "crewline:wake");
    snprintf(h->last, sizeof(h->last), "%.*s", STR_ARG(payload));
    if (++h->n == h->wanted) {
        h->done = true;
        loop_stop(h->w->loop);
    }
}

static bool publish(struct world *w, struct heard *h, const char *command)
{
    h->done = false;
    h->wanted = h->n + 1;
    for (int i = 0; i < 100; i++) { /* until somebody listens */
        if (strcmp(redis_fixture_command(w->redis, command), "0") != 0) {
            return world_run(w, &h->done, 1000);
        }
        world_pass(w, 20);
    }
    return false;
}

static void test_subscribe(void)
{
    struct world *w = world_new(0, NULL);
    struct heard h = {.w = w}, other = {.w = w};
    struct asked a;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    store_subscribe(w->store, STR("crewline:wake"), on_message, &h);
    store_subscribe(w->store, STR("crewline:other"), on_message, &other);
    CHECK("first", publish(w, &h, "PUBLISH crewline:wake {acme}:in"));
    CHECK_Z("payload", str_of(h.last), "{acme}:in");
    redis_fixture_kill(w->redis);
    CHECK("down", world_health(w, STORE_DOWN, 1000));
    redis_fixture_start(w->redis);
    CHECK("again", world_health(w, STORE_READY, 3000));
    CHECK("after the restart", publish(w, &h, "PUBLISH crewline:wake two"));
    CHECK_Z("payload", str_of(h.last), "two");
    ask_wait(w, &a, "PUBLISH crewline:wake own");
    h.wanted = h.n;
    CHECK_INT("the other channel is silent", other.n, 0);
    world_free(&w);
}

static const struct {
    const char *set;
    enum store_durability durability;
    enum store_health health;
    const char *says;
} policies[] = {
    {"appendonly yes",               STORE_ALWAYS,  STORE_READY, "answers"                                 },
    {"appendfsync everysec",         STORE_ALWAYS,  STORE_WEAK,
     "appendfsync is \"everysec\" and must be \"always\""                                                  },
    {"appendfsync everysec",         STORE_RELAXED, STORE_READY, "answers"                                 },
    {"appendonly no",                STORE_ALWAYS,  STORE_WEAK,  "appendonly is \"no\" and must be \"yes\""},
    {"maxmemory-policy allkeys-lru", STORE_ALWAYS,  STORE_WEAK,  "must be \"noeviction\""                  },
    {"maxmemory-policy allkeys-lru", STORE_RELAXED, STORE_WEAK,  "must be \"noeviction\""                  },
};

static void test_policy(void)
{
    struct world *w = world_new(0, NULL);
    const char *reason;
    struct asked a;

    for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
        char set[80];

        redis_fixture_command(w->redis, "CONFIG SET appendonly yes appendfsync always "
                                        "maxmemory-policy noeviction");
        snprintf(set, sizeof(set), "CONFIG SET %s", policies[i].set);
        CHECK_Z("set", str_of(redis_fixture_command(w->redis, set)), "OK");
        world_store(w, redis_fixture_url(w->redis), policies[i].durability);
        CHECK_INT("connecting", store_health(w->store, &reason), STORE_CONNECTING);
        CHECK(policies[i].set, world_health(w, policies[i].health, 3000));
        store_health(w->store, &reason);
        CHECK(reason, strstr(reason, policies[i].says) != NULL);
        ask_wait(w, &a, "PING");
        CHECK_Z("calls work all the same", str_of(a.text), "PONG");
        store_free(&w->store);
    }
    world_free(&w);
}

static void login(struct world *w, const char *login_text, const char *tail,
                  enum store_durability d)
{
    char url[256];
    struct str plain = redis_fixture_url(w->redis);

    store_free(&w->store);
    snprintf(url, sizeof(url), "unix://%s%.*s%s", login_text, (int)plain.n - 7, plain.p + 7, tail);
    world_store(w, str_of(url), d);
}

static void test_login(void)
{
    struct world *w = world_new(0, "user ann on >s3cret/word ~* &* +@all -config\n"
                                   "user bob on >bobword ~* &* +@all -script");
    const char *reason;
    struct asked a;

    login(w, "ann:s3cret%2fword@", "?db=3", STORE_ALWAYS);
    CHECK("CONFIG is forbidden", world_health(w, STORE_WEAK, 3000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "+config|get") != NULL);
    ask_wait(w, &a, "SET in3 1");
    CHECK_Z("database", str_of(redis_fixture_command(w->redis, "EXISTS in3")), "0");
    login(w, "ann:s3cret%2Fword@", "", STORE_RELAXED);
    CHECK("relaxed does not need it", world_health(w, STORE_READY, 3000));
    login(w, "ann:wr0ng@", "", STORE_ALWAYS);
    CHECK("wrong", world_health(w, STORE_DOWN, 3000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "WRONGPASS") != NULL && strstr(reason, "wr0ng") == NULL);
    login(w, "bob:bobword@", "", STORE_ALWAYS);
    CHECK("scripts are forbidden", world_health(w, STORE_DOWN, 3000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "NOPERM") != NULL);
    redis_fixture_command(w->redis, "ACL SETUSER default resetpass >dp");
    login(w, "", "", STORE_ALWAYS);
    CHECK("no password", world_health(w, STORE_DOWN, 3000));
    store_health(w->store, &reason);
    CHECK(reason, strstr(reason, "NOAUTH") != NULL);
    login(w, ":dp@", "", STORE_ALWAYS);
    CHECK("password alone", world_health(w, STORE_READY, 3000));
    world_free(&w);
}

static void test_tcp(void)
{
    struct world *w = world_new(REDIS_FIXTURE_TCP, NULL);
    struct str url = redis_fixture_tcp_url(w->redis);
    char named[64];
    struct asked a;

    world_store(w, url, STORE_ALWAYS);
    ask_wait(w, &a, "PING");
    CHECK_Z("address", str_of(a.text), "PONG");
    store_free(&w->store);
    snprintf(named, sizeof(named), "redis://localhost:%.*s", (int)url.n - 18, url.p + 18);
    world_store(w, str_of(named), STORE_ALWAYS);
    ask_wait(w, &a, "PING");
    CHECK_Z("name", str_of(a.text), "PONG");
    store_free(&w->store);
    world_store(w, str_of(named), STORE_ALWAYS); /* freed while it looks the name up */
    loop_stop(w->loop);
    loop_run(w->loop);
    world_free(&w);
}

struct slow {
    struct world *w;
    int64_t ns;
    int answered, wanted, next;
    int64_t turn;      /* of the loop, seen last */
    int in_turn, most; /* answers in it; most in any */
    struct op *ops[3000];
    bool done, wrong;
};
static struct slow slow;

static void on_slow(void *ctx, const struct err *err, const struct reply *reply)
{
    int64_t until = now_us() + slow.ns / 1000, i = (int64_t)(intptr_t)ctx;
    struct loop_stats stats;

    loop_stats(slow.w->loop, &stats, false);
    slow.in_turn = stats.turns == slow.turn ? slow.in_turn + 1 : 1;
    slow.turn = stats.turns;
    slow.most = slow.in_turn > slow.most ? slow.in_turn : slow.most;
    slow.wrong = slow.wrong || err != NULL || i != slow.next || reply_int(reply) != i + 1;
    slow.next = (int)i + 1;
    slow.ops[i] = NULL;
    if (i % 10 == 8) {
        op_cancel(&slow.ops[i + 1]); /* answered as well, and waiting for its turn */
        slow.next++;
    }
    while (now_us() < until) {
    }
    if (++slow.answered == slow.wanted) {
        slow.done = true;
        loop_stop(slow.w->loop);
    }
}

/* Replies come by the thousand; their callbacks together must not hold the loop. */
static void test_stall(void)
{
    struct world *w = world_new(0, NULL);

    slow = (struct slow){.w = w, .ns = 100000, .wanted = 2700};
    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    world_health(w, STORE_READY, 3000);
    for (int i = 0; i < 3000; i++) {
        struct call c;

        call_init(&c);
        call_str(&c, STR("INCR"));
        call_str(&c, STR("n"));
        slow.ops[i] = store_run(w->store, &c, on_slow, (void *)(intptr_t)i);
    }
    world_pass(w, 1);
    CHECK("all answered", world_run(w, &slow.done, 20000));
    CHECK("in order, each its own", !slow.wrong);
    /* Counted, not timed: others may take the processor from us in the middle of a turn. */
    CHECK("one or two lots of 2 ms, at 100 us each", slow.most >= 1 && slow.most <= 60);
    world_free(&w);
}

/* Freed while replies wait for their turn. */
static void test_free_while_waiting(void)
{
    struct world *w = world_new(0, NULL);

    slow = (struct slow){.w = w, .ns = 3000000, .wanted = 2};
    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    world_health(w, STORE_READY, 3000);
    for (int i = 0; i < 100; i++) {
        struct call c;

        call_init(&c);
        call_str(&c, STR("INCR"));
        call_str(&c, STR("n"));
        slow.ops[i] = store_run(w->store, &c, on_slow, (void *)(intptr_t)i);
    }
    CHECK("two answered", world_run(w, &slow.done, 1000));
    redis_fixture_kill(w->redis);
    world_free(&w);
}

/* An idle process sleeps: no tick runs while nothing is due. */
static void test_idle(void)
{
    struct world *w = world_new(0, NULL);
    struct loop_stats stats;
    struct asked a;

    world_store(w, redis_fixture_url(w->redis), STORE_ALWAYS);
    ask_wait(w, &a, "PING");
    world_pass(w, 100);
    loop_stats(w->loop, &stats, true);
    world_pass(w, 500);
    loop_stats(w->loop, &stats, true);
    CHECK("few turns", stats.turns <= 3);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_replies),
        TEST(test_big),
        TEST(test_pipeline),
        TEST(test_deadline),
        TEST(test_cancel),
        TEST(test_cancel_in_callback),
        TEST(test_free_in_callback),
        TEST(test_subscribe),
        TEST(test_policy),
        TEST(test_login),
        TEST(test_tcp),
        TEST(test_idle),
        TEST(test_stall),
        TEST(test_free_while_waiting),
    };

    world_scripts();
    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
