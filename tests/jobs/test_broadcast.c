/* Broadcasts at work: accepting, the rounds chunk by chunk, what ends them, and turns that are lost
 * in the middle. */
#include "broadcast_int.h"
#include "crowd.h"

#define MANY   700 /* people: eleven chunks */
#define CHUNKS 11

#define MANY_ALLOWED "\"broadcast_confirm_above\":1000,"

static void begin_many(struct world *w)
{
    crowd(w, MANY);
    stand_still(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    for (int turns = 0; turns < 100000 && expanded(w) < 2; turns++) {
        world_run(w, 0);
    }
    CHECK("in the middle", expanded(w) >= 2 && expanded(w) < CHUNKS);
}

/* Accepted for later, so that there is time to change what it will read. */
static void ask_for_later(struct world *w)
{
    char later[WALL_TEXT_BYTES];

    wall_format((struct wall){wall_now().ms + 1500}, later);
    CHECK("accepted, for later",
          ask(w, "b1",
              arena_printf(
                  w->a, "{\"text\":\"x\",\"send_at\":\"%s\",\"audience\":{\"teams\":[\"crowd\"]}}",
                  later)
                  .p,
              false)
              .kept);
}

/* ---- accepting ---- */

static void test_accept(void)
{
    const struct world_options above = {.tenant = "\"broadcast_confirm_above\":2,"};
    struct world *w = world_new(&above);
    struct asked x;

    crowd(w, 3);
    put_event(w, "g", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"ghost\",\"name\":\"G\",\"phone\":\"+12025569999\",\"teams\":["
              "\"crowd\"]}}");
    UNTIL(w, "ghost", redis_int(w, "EXISTS u:ghost") == 1);
    x = ask(w, "b1", TO_CROWD, true);
    CHECK("a dry run keeps nothing", x.code == ERR_NONE && !x.kept);
    CHECK_INT("recipients", x.recipients, 3);
    CHECK_INT("skipped", x.nskipped, 1);
    CHECK_INT("to be confirmed", ask(w, "b1", TO_CROWD, false).code, ERR_CONFIRM);
    CHECK_INT("nor does a refusal", redis_int(w, "EXISTS b:b1") + redis_int(w, "ZCARD bx"), 0);
    CHECK_INT("its audience goes by itself",
              redis_int(w, "PTTL %s", redis_get(w, "KEYS bl:*") + strlen("{acme}:")) > 0, 1);
    x = ask(w, "b1", "{\"text\":\"x\",\"confirm\":3,\"audience\":{\"teams\":[\"crowd\"]}}", false);
    CHECK("confirmed", x.kept);
    CHECK_INT("and stays then", redis_int(w, "PTTL bl:%s", redis_get(w, "HGET b:b1 ls")), -1);
    x = ask(w, "b1", "{\"text\":\"y\",\"confirm\":3,\"audience\":{\"teams\":[\"crowd\"]}}", false);
    CHECK("one of an id", x.code == ERR_NONE && !x.kept);
    UNTIL(w, "sent", w->nsent == 3);
    CHECK_INT("told", sent_to(w, "+12025560002", "x"), 1);
    CHECK_INT("skipped as such", count(w, "skipped"), 1);
    world_free(&w);
}

/* Another event asks for one of an id that there is: who is meant by that one does not change, and
 * is not forgotten. */
static void test_asked_again(void)
{
    struct world *w = world_new(&(struct world_options){0});

    crowd(w, 3);
    ask_for_later(w);
    CHECK("one of an id",
          !ask(w, "b1", "{\"text\":\"y\",\"audience\":{\"users\":[\"p2\"]}}", false).kept);
    CHECK_INT("its own audience stays", redis_int(w, "PTTL bl:%s", redis_get(w, "HGET b:b1 ls")),
              -1);
    UNTIL(w, "its end", expanded(w) == 1);
    UNTIL(w, "sent", w->nsent == 3);
    CHECK_INT("each is told once", sent_to(w, "+12025560001", "x"), 1);
    CHECK_INT("total", count(w, "total"), redis_int(w, "HLEN bm:b1"));
    world_free(&w);
}

/* ---- rounds ---- */

/* The item of the round, which we hold by hand since we accepted it. */
static struct str item_of_round(struct world *w)
{
    struct str held = str_of(redis_get(w, "HGET k:in 3br:b1:1")), token, id = STR_NONE, by;

    if (str_cut(held, '|', &token, &by)) {
        str_cut(by, '|', &id, &by);
    }
    CHECK("held by us", id.n > 0 && held.p[held.n - 1] == 'h');
    return arena_dup(w->a, id);
}

static void check_each_once(struct world *w)
{
    int64_t one = 0;

    for (int i = 1; i <= MANY; i++) {
        one += redis_int(w, "LLEN l:out:main:3p%d", i) == 1;
    }
    CHECK_INT("one message waits for each", one, MANY);
    CHECK_INT("and is known as his", redis_int(w, "HLEN bm:b1"), MANY);
    CHECK_INT("total", count(w, "total"), MANY);
    CHECK_INT("queued", count(w, "queued"), MANY);
}

/* Somebody else has the lease, in the middle: the chunk under way comes to nothing, and the next
 * turn goes on. */
static void test_lease_lost(void)
{
    const struct world_options brief = {.config = "\"delivery\":{\"lease_ms\":1000},",
                                        .tenant = MANY_ALLOWED};
    struct world *w = world_new(&brief);
    const char *item;
    int64_t at;

    begin_many(w);
    item = item_of_round(w).p;
    redis_get(w, "LPUSH l:in:3br:b1:1 %s", item);
    redis_get(w, "HSET k:in 3br:b1:1 999999|%s|another", item);
    redis_get(w, "ZADD f:in %lld 3br:b1:1", (long long)wall_now().ms + 1000);
    world_run(w, 60);
    at = expanded(w);
    CHECK("stopped", at < CHUNKS);
    world_run(w, 100);
    CHECK_INT("and stays so", expanded(w), at);
    world_run(w, 1000);
    broadcast_wake(w->et); /* as any news does; without it somebody looks every 30 s */
    UNTIL(w, "its end, by another turn", expanded(w) == CHUNKS);
    check_each_once(w);
    world_free(&w);
}

static void test_killed(void)
{
    const struct world_options brief = {.config = "\"delivery\":{\"lease_ms\":1000},",
                                        .tenant = MANY_ALLOWED};
    struct world *w = world_new(&brief);

    begin_many(w);
    world_kill(w);
    world_start(w);
    UNTIL(w, "its end", expanded(w) == CHUNKS);
    check_each_once(w);
    world_free(&w);
}

/* Several commits are out when the record changes under them: none of them takes effect, and the
 * round goes on from what Redis says. */
static void test_record_changes(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = MANY_ALLOWED});
    int64_t conflicts = metric_get(METRIC_CONFLICTS);

    begin_many(w);
    for (int i = 0; i < 200 && expanded(w) < CHUNKS; i++) {
        redis_get(w, "HINCRBY b:b1 v 1");
        for (int turns = 0; turns < i; turns++) {
            world_run(w, 0);
        }
    }
    UNTIL(w, "its end", expanded(w) == CHUNKS);
    CHECK("it was seen", metric_get(METRIC_CONFLICTS) > conflicts);
    check_each_once(w);
    world_free(&w);
}

/* Redis stands still until a third of the lease is over: the next chunk gives the item back, with
 * those before it still out, and another turn goes on. */
static void test_yields(void)
{
    const struct world_options brief = {.config = "\"delivery\":{\"lease_ms\":1500},",
                                        .tenant = MANY_ALLOWED};
    struct world *w = world_new(&brief);
    int64_t fenced = metric_get(METRIC_FENCED);
    const char *item, *lease;

    begin_many(w);
    item = item_of_round(w).p;
    lease = arena_dup(w->a, str_of(redis_get(w, "HGET k:in 3br:b1:1"))).p;
    redis_fixture_stop(w->redis);
    world_run(w, 600);
    redis_fixture_cont(w->redis);
    for (int i = 0; i < 100000 && strcmp(lease, redis_get(w, "HGET k:in 3br:b1:1")) == 0; i++) {
        world_run(w, 0);
    }
    CHECK("given back in the middle", expanded(w) < CHUNKS);
    UNTIL(w, "its end, by another turn", expanded(w) == CHUNKS);
    check_each_once(w);
    CHECK_INT("no lease was lost", metric_get(METRIC_FENCED), fenced);
    CHECK_INT("and no turn", redis_int(w, "HGET i:%s n", item), 0);
    world_free(&w);
}

/* Chunks of one person each. */
static void spread(struct world *w, int n)
{
    const char *list = arena_dup(w->a, str_of(redis_get(w, "HGET b:b1 ls"))).p;

    for (int i = 0; i < n; i++) {
        redis_get(w, "HSET bl:%s %d p%d", list, i, i + 1);
    }
    redis_get(w, "HSET b:b1 nc %d", n);
}

/* The same while calls for the next chunk are out: its lines were asked for beside the commit, so
 * its people are when the answer comes that somebody else has the lease. */
static void test_lease_lost_while_it_reads(void)
{
    const struct world_options brief = {.config = "\"delivery\":{\"lease_ms\":1000},"};
    const int n = BROADCAST_LINES_AHEAD + 4;
    struct world *w = world_new(&brief);
    struct str held, token, item;
    int64_t at;
    int one = 0;

    crowd(w, n);
    stand_still(w);
    ask_for_later(w);
    spread(w, n);
    UNTIL(w, "its time", redis_int(w, "HEXISTS k:in 3br:b1:1") == 1);
    for (int i = 0; i < 100000 && expanded(w) < BROADCAST_LINES_AHEAD - 1; i++) {
        world_run(w, 0);
    }
    held = arena_dup(w->a, str_of(redis_get(w, "HGET k:in 3br:b1:1")));
    str_cut(held, '|', &token, &held);
    str_cut(held, '|', &item, &held);
    redis_get(w, "HSET k:in 3br:b1:1 999999|%.*s|another", STR_ARG(item));
    redis_get(w, "ZADD f:in %lld 3br:b1:1", (long long)wall_now().ms + 1000);
    at = expanded(w);
    CHECK("in the middle", at < n);
    world_run(w, 100);
    CHECK_INT("stopped", expanded(w), at);
    world_run(w, 1000);
    broadcast_wake(w->et);
    UNTIL(w, "its end, by another turn", expanded(w) == n);
    for (int i = 1; i <= n; i++) {
        one += redis_int(w, "LLEN l:out:main:3p%d", i) == 1;
    }
    CHECK_INT("one message waits for each", one, n);
    world_free(&w);
}

/* More chunks than are read ahead, and just as many. */
static void test_many_chunks(void)
{
    static const int rows[] = {16, 17, 32};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        int64_t conflicts = metric_get(METRIC_CONFLICTS);
        int told = 0;

        crowd(w, rows[i]);
        ask_for_later(w);
        spread(w, rows[i]);
        UNTIL(w, "its end", expanded(w) == rows[i]);
        UNTIL(w, "sent", w->nsent == (size_t)rows[i]);
        for (int k = 1; k <= rows[i]; k++) {
            told += sent_to(w, arena_printf(w->a, "+1202556%04d", k).p, "x") == 1;
        }
        CHECK_INT("each is told once", told, rows[i]);
        CHECK_INT("nobody is left out", count(w, "skipped"), 0);
        CHECK_INT("none stood in another's way", metric_get(METRIC_CONFLICTS), conflicts);
        world_free(&w);
    }
}

/* Who was deleted meanwhile is left out; that is no damage. */
static void test_gone_meanwhile(void)
{
    struct world *w = world_new(NULL);
    int64_t damaged;

    crowd(w, 3);
    ask_for_later(w);
    redis_get(w, "DEL u:p2");
    damaged = metric_get(METRIC_DAMAGED);
    UNTIL(w, "its end", expanded(w) == 1);
    UNTIL(w, "sent", w->nsent == 2);
    CHECK_INT("the first is told", sent_to(w, "+12025560001", "x"), 1);
    CHECK_INT("and the third", sent_to(w, "+12025560003", "x"), 1);
    CHECK_INT("he is skipped", count(w, "skipped"), 1);
    CHECK_INT("and no more counted", count(w, "total"), 2);
    CHECK_INT("and has no message", redis_int(w, "HSTRLEN bm:b1 p2"), 0);
    CHECK_INT("nothing is damaged", metric_get(METRIC_DAMAGED), damaged);
    world_free(&w);
}

/* An item that lives on is not given up for turns that it lost long ago: getting on makes them
 * good. */
static void test_turns_lost(void)
{
    const struct world_options brief = {.config = "\"delivery\":{\"lease_ms\":1000},",
                                        .tenant = MANY_ALLOWED};
    struct world *w = world_new(&brief);
    const char *item;

    crowd(w, 1);
    stand_still(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "watched", expanded(w) == 1);
    item = redis_int(w, "LLEN l:in:3br:b1:1") == 0
               ? item_of_round(w).p
               : arena_dup(w->a, str_of(redis_get(w, "LINDEX l:in:3br:b1:1 0"))).p;
    for (int turn = 0; turn < 3; turn++) {
        redis_get(w, "HSET i:%s n 4", item);
        UNTIL(w, "the next look", redis_int(w, "HGET i:%s n", item) == 0);
    }
    CHECK_INT("not given up", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* ---- cancelling ---- */

static void cancel(struct world *w)
{
    struct commit *c = commit_new(STR("acme"));
    bool done = false;

    crowd_once(NULL, c);
    broadcast_cancel(w->et, w->a, STR("b1"), c);
    commit_run(w->engine->store, &c, crowd_kept, &done);
    UNTIL(w, "cancelled", done);
    broadcast_wake(w->et);
}

static void test_cancelled_in_the_middle(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = MANY_ALLOWED});
    int64_t at;

    begin_many(w);
    cancel(w);
    CHECK_INT("at once", count(w, "cancelled"), MANY);
    CHECK_INT("nothing waits by the counts", count(w, "queued"), 0);
    UNTIL(w, "the sweep", redis_int(w, "ZCARD r:out:main:3") == 0);
    at = expanded(w);
    UNTIL(w, "its end is told",
          stream_events(w, "gateway.broadcast.closed.v1", "\"cancelled\":700") == 1);
    CHECK_INT("no more is expanded", expanded(w), at);
    CHECK_INT("the split stays", count(w, "cancelled"), MANY);
    CHECK_Z("state", str_of(redis_get(w, "HGET b:b1 st")), "cancelled");
    CHECK_Z("of one", message_state(w, arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")))),
            "cancelled");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("nobody got it", w->nsent, 0);
    world_free(&w);
}

/* Of training the file goes with the question about it, which alone is counted. */
static void test_cancelled_file(void)
{
    struct world *w = world_new(NULL);
    struct str file;

    crowd(w, 2);
    stand_still(w);
    put_event(w, "t", "cmms.training.published.v1",
              "{\"training\":{\"id\":\"t1\",\"title\":\"Pump\",\"ask_read\":true,\"media\":{"
              "\"url\":\"https://files.example/t.pdf\",\"mime\":\"application/pdf\"},"
              "\"audience\":{\"teams\":[\"crowd\"]}}}");
    UNTIL(w, "expanded", redis_int(w, "HGET b:training-t1 cu") == 1);
    file = arena_dup(w->a, str_of(redis_get(w, "ZREVRANGE mu:p1 0 0")));
    CHECK_Z("the file waits", message_state(w, file), "queued");
    put_event(w, "c", "cmms.broadcast.cancelled.v1",
              "{\"broadcast\":{\"id\":\"training-t1\"}}");
    UNTIL(w, "the end", redis_int(w, "HGET b:training-t1 cl") == 1);
    CHECK_Z("it waits no more", message_state(w, file), "cancelled");
    CHECK_INT("cancelled", redis_int(w, "HGET bc:training-t1 cancelled"), 2);
    UNTIL(w, "idle", idle(w));
    world_free(&w);
}

/* ---- the end ---- */

static void delivered(struct world *w, size_t nth)
{
    put_status(w, w->sent[nth].id, w->sent[nth].correlation, DELIVERY_DELIVERED, 0);
}

static void test_closed(void)
{
    struct world *w = world_new(NULL);

    crowd(w, 2);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "sent", count(w, "sent") == 2);
    delivered(w, 0);
    world_run(w, 700);
    CHECK_Z("one has not got it yet", str_of(redis_get(w, "HGET b:b1 st")), "sending");
    delivered(w, 1);
    UNTIL(w, "closed", str_eqz(str_of(redis_get(w, "HGET b:b1 st")), "closed"));
    CHECK_INT("told once", stream_events(w, "gateway.broadcast.closed.v1", "\"delivered\":2"), 1);
    UNTIL(w, "nothing is left of it in the queue", idle(w));
    world_free(&w);
}

/* A clock that ran ahead for a moment does not make it silent until that time has come. */
static void test_progress(void)
{
    struct world *w = world_new(NULL);

    crowd(w, 2);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "sent", count(w, "sent") == 2);
    UNTIL(w, "watched", redis_int(w, "HGET b:b1 pt") > 0);
    redis_get(w, "HSET b:b1 pt %lld", (long long)wall_now().ms + 3600000);
    delivered(w, 0);
    UNTIL(w, "progress", stream_events(w, "gateway.broadcast.progress.v1", "\"delivered\":1") == 1);
    world_free(&w);
}

static void test_answered(void)
{
    struct world *w = world_new(NULL);

    CHECK("accepted",
          ask(w, "b1",
              "{\"text\":\"x\",\"ask\":\"safety\",\"audience\":{\"users\":[\"u1\",\"u2\"]}}", false)
              .kept);
    UNTIL(w, "sent", count(w, "silent") == 2);
    delivered(w, 0);
    delivered(w, 1);
    put_text(w, ANA, "wamid.1", "SAFE");
    UNTIL(w, "one answer", count(w, "answered") == 1);
    world_run(w, 700);
    CHECK_Z("the other one is silent", str_of(redis_get(w, "HGET b:b1 st")), "sending");
    put_text(w, BEN, "wamid.2", "help me");
    UNTIL(w, "closed", str_eqz(str_of(redis_get(w, "HGET b:b1 st")), "closed"));
    CHECK_INT("safe", count(w, "safe"), 1);
    CHECK_INT("help", count(w, "help"), 1);
    CHECK_INT("silent", count(w, "silent"), 0);
    CHECK_INT("each answer is told", stream_events(w, "gateway.broadcast.answered.v1", ""), 2);
    world_free(&w);
}

/* A tenant without senders: it has failed to reach everybody, and is over. */
static void test_no_sender(void)
{
    struct world *w = world_new(NULL);
    struct tenant_settings *t = &w->settings->tenants[0];
    size_t n = t->nsenders;

    crowd(w, 2);
    world_stop(w, 2000); /* at work nobody expects another number of them */
    t->nsenders = 0;
    world_start(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "expanded", expanded(w) == 1);
    CHECK_INT("nothing waits", count(w, "queued"), 0);
    CHECK_INT("all of them failed", count(w, "failed"), 2);
    UNTIL(w, "closed", str_eqz(str_of(redis_get(w, "HGET b:b1 st")), "closed"));
    world_stop(w, 2000);
    t->nsenders = n;
    world_start(w);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_accept),   TEST(test_asked_again),    TEST(test_lease_lost),
        TEST(test_killed),   TEST(test_turns_lost),     TEST(test_cancelled_in_the_middle),
        TEST(test_closed),   TEST(test_answered),       TEST(test_progress),
        TEST(test_no_sender), TEST(test_cancelled_file), TEST(test_many_chunks),
        TEST(test_gone_meanwhile), TEST(test_lease_lost_while_it_reads),
        TEST(test_record_changes), TEST(test_yields),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
