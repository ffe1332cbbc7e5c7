/* Broadcasts at work: accepting, the rounds chunk by chunk, what ends them, and turns that are lost
 * in the middle. */
#include "broadcast_int.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY   500 /* people: eight chunks */
#define CHUNKS 8

#define MANY_ALLOWED "\"broadcast_confirm_above\":1000,"

struct asked { /* what came of one */
    bool done, kept;
    enum err_code code;
    int64_t recipients, nskipped;
};

static void once(void *ctx, struct commit *c)
{
    char id[ID_BYTES];

    (void)ctx;
    id_new(id);
    commit_once(c, str_of(id));
}

static void write_nothing(void *ctx, struct commit *c, const struct broadcast_result *result)
{
    (void)ctx;
    (void)c;
    (void)result;
}

static void on_asked(void *ctx, const struct err *err, const struct broadcast_result *result,
                     const struct commit_outcome *outcome)
{
    struct asked *x = ctx;

    x->done = true;
    x->code = err != NULL ? err->code : ERR_NONE;
    x->kept = outcome != NULL && outcome->result == COMMIT_OK;
    x->recipients = result->recipients;
    x->nskipped = result->nskipped;
}

static int64_t accepted_ago_ms; /* of the next ones */

static struct asked ask(struct world *w, const char *id, const char *body, bool dry_run)
{
    struct asked x = {0};
    struct broadcast *b = ARENA_NEW(w->a, struct broadcast);
    struct json *j = NULL;
    struct err err = {0};

    CHECK("the test's JSON", json_parse(str_of(body), 1 << 16, &j, &err) &&
                                 broadcast_from_json(
                                     w->a, j, (struct wall){wall_now().ms - accepted_ago_ms}, b,
                                     &err));
    json_free(&j);
    b->id = str_of(id);
    broadcast_accept(
        w->engine, w->et, w->a,
        &(struct broadcast_accept){b, dry_run, false, once, write_nothing, on_asked, &x});
    UNTIL(w, "asked", x.done);
    return x;
}

/* p1 to p<n>, verified, inside the window of main. */
static void crowd(struct world *w, int n)
{
    char event[16];

    for (int i = 1; i <= n; i++) {
        snprintf(event, sizeof(event), "c%d", i);
        put_event(
            w, event, "cmms.person.upserted.v1",
            arena_printf(w->a,
                         "{\"person\":{\"id\":\"p%d\",\"name\":\"P\",\"phone\":\"+1202556%04d\","
                         "\"teams\":[\"crowd\"],\"verified\":true}}",
                         i, i)
                .p);
        redis_get(w, "HSET w:main p%d %lld", i, (long long)wall_now().ms);
    }
    UNTIL(w, "the crowd", redis_int(w, "EXISTS u:p%d", n) == 1 && idle(w));
}

/* Nothing is handed over: what is expanded waits in its lanes. */
static void stand_still(struct world *w)
{
    w->probe_status = 401;
    redis_get(w, "HSET sn:main paused 1");
    redis_get(w, "HSET sn:tw paused 1");
}

static int64_t expanded(struct world *w)
{
    return redis_int(w, "HGET b:b1 cu");
}

static int64_t count(struct world *w, const char *name)
{
    return redis_int(w, "HGET bc:b1 %s", name);
}

#define TO_CROWD "{\"text\":\"Leave hall B\",\"audience\":{\"teams\":[\"crowd\"]}}"

static void begin_many(struct world *w)
{
    crowd(w, MANY);
    stand_still(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "some chunks", expanded(w) >= 2);
    CHECK("in the middle", expanded(w) < CHUNKS);
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
    char later[WALL_TEXT_BYTES];

    crowd(w, 3);
    wall_format((struct wall){wall_now().ms + 1500}, later);
    CHECK("accepted, for later",
          ask(w, "b1",
              arena_printf(
                  w->a, "{\"text\":\"x\",\"send_at\":\"%s\",\"audience\":{\"teams\":[\"crowd\"]}}",
                  later)
                  .p,
              false)
              .kept);
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

static void on_cancelled(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    CHECK("cancelled", err == NULL && outcome->result == COMMIT_OK);
    *(bool *)ctx = true;
}

static void cancel(struct world *w)
{
    struct commit *c = commit_new(STR("acme"));
    bool done = false;

    once(NULL, c);
    broadcast_cancel(w->et, w->a, STR("b1"), c);
    commit_run(w->engine->store, &c, on_cancelled, &done);
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
          stream_events(w, "gateway.broadcast.closed.v1", "\"cancelled\":500") == 1);
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
    t->nsenders = 0;
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "expanded", expanded(w) == 1);
    CHECK_INT("nothing waits", count(w, "queued"), 0);
    CHECK_INT("all of them failed", count(w, "failed"), 2);
    UNTIL(w, "closed", str_eqz(str_of(redis_get(w, "HGET b:b1 st")), "closed"));
    t->nsenders = n;
    world_free(&w);
}

/* ---- what was said to a person: his index, and what broadcasts name ---- */

struct told {
    bool done;
    struct arena *a;
    struct str place, ids[400];
    size_t n;
    int calls;
};

static void on_told(void *ctx, const struct err *err, const struct reply *reply)
{
    struct told *x = ctx;

    x->done = true;
    CHECK("read", err == NULL && x->n + reply_len(reply) <= ARRAY_LEN(x->ids));
    x->place = arena_dup(x->a, reply_str(reply_at(reply, 0)));
    for (size_t i = 1; i < reply_len(reply); i++) {
        x->ids[x->n++] = arena_dup(x->a, reply_str(reply_at(reply_at(reply, i), 0)));
    }
}

/* All of it, in pages of @page. */
static struct told told(struct world *w, const char *person, int page)
{
    struct told x = {.a = w->a};

    do {
        struct call call;

        call_init_script(&call, "said", STR("{acme}:"));
        call_str(&call, str_of(person));
        call_str(&call, x.place);
        call_int(&call, page);
        x.done = false;
        store_run(w->engine->store, &call, on_told, &x);
        UNTIL(w, "a page", x.done);
        CHECK("a place is an id, as others go on behind it", x.place.n == 0 || id_is(x.place));
    } while (x.place.n > 0 && ++x.calls < 2000);
    return x;
}

static size_t times_told(const struct told *x, struct str id)
{
    size_t times = 0;

    for (size_t i = 0; i < x->n; i++) {
        times += str_eq(x->ids[i], id);
    }
    return times;
}

static struct str id_at(struct world *w, int64_t ms, int nth)
{
    char time[ID_TIME_BYTES];

    id_of_time((struct wall){ms}, time);
    return arena_printf(w->a, "%sABCDEFGHJK%06d", time, nth);
}

static void kept_as(struct world *w, struct str id)
{
    redis_get(w, "HSET m:%.*s s sent u p", STR_ARG(id));
    redis_get(w, "ZADD mx 0 %.*s", STR_ARG(id));
}

#define ACCEPTED  700 /* broadcasts; more of one moment than are looked at in a call: */
#define MOMENT    100
#define MOMENT_TO 450

/* Everything p was told, in no order. */
static size_t tell_history(struct world *w, struct str *ids)
{
    int64_t since = wall_now().ms - 3600000;
    size_t n = 0;

    for (int i = 0; i < ACCEPTED; i++) {
        int64_t ms = since + 10 * (i < MOMENT || i >= MOMENT_TO ? i : MOMENT);
        struct str id = id_at(w, ms, i * 7919 % 1000);

        redis_get(w, "ZADD bx %lld x%d", (long long)ms, i);
        redis_get(w, "HSET bm:x%d q %.*s", i, STR_ARG(id));
        if (i % 7 == 0) {
            redis_get(w, "HSET bm:x%d p %.*s", i, STR_ARG(id));
            kept_as(w, id);
            ids[n++] = id;
        }
        if (i % 35 == 0) { /* an older version wrote it there, too */
            redis_get(w, "ZADD mu:p 0 %.*s", STR_ARG(id));
        }
    }
    for (int i = 0; i < 90; i++) {
        ids[n] = id_at(w, since + 75 * i, 1000 + i);
        redis_get(w, "ZADD mu:p 0 %.*s", STR_ARG(ids[n]));
        kept_as(w, ids[n++]);
    }
    /* Another round's is in his index; one whose record is gone. */
    ids[n] = id_at(w, since + 9000, 1);
    redis_get(w, "HSET bm:x1 p %.*s", STR_ARG(ids[n]));
    redis_get(w, "ZADD mu:p 0 %.*s", STR_ARG(ids[n]));
    kept_as(w, ids[n++]);
    redis_get(w, "HSET bm:x2 p %.*s", STR_ARG(id_at(w, since + 20, 2)));
    return n;
}

static int newest_first(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)b, *(const struct str *)a);
}

static void test_told(void)
{
    static const int pages[] = {1, 7, 50, 1000};
    struct world *w = world_new(NULL);
    struct str ids[400];
    size_t n = tell_history(w, ids);
    struct told none = told(w, "nobody", 50);

    qsort(ids, n, sizeof(ids[0]), newest_first);
    for (size_t k = 0; k < ARRAY_LEN(pages); k++) {
        struct told x = told(w, "p", pages[k]);
        size_t wrong = x.n == n ? 0 : 1;

        for (size_t i = 0; i < n && i < x.n; i++) {
            wrong += !str_eq(x.ids[i], ids[i]);
        }
        CHECK_INT("all, once, the newest first", wrong, 0);
        CHECK("few calls", (size_t)x.calls <= n / (size_t)pages[k] + 4);
    }
    CHECK_INT("nothing to him who was told nothing", none.n, 0);
    CHECK("but not all broadcasts at once", none.calls >= 1);
    world_free(&w);
}

/* Another round: what it takes the place of is in his index then. */
static void test_told_rounds(void)
{
    struct world *w = world_new(NULL);
    struct broadcast_state state = {.round = 1};
    struct commit *c = commit_new(STR("acme"));
    struct str first, second;
    struct told before, x;
    int64_t indexed;
    bool done = false;

    crowd(w, 2);
    before = told(w, "p1", 50);
    indexed = redis_int(w, "ZCARD mu:p1");
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "sent", count(w, "sent") == 2);
    first = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")));
    CHECK_INT("the broadcast alone names it", redis_int(w, "ZCARD mu:p1"), indexed);
    x = told(w, "p1", 50);
    CHECK_INT("it is told", times_told(&x, first), 1);
    CHECK_INT("beside the rest", x.n, before.n + 1);
    state.version = redis_int(w, "HGET b:b1 v");
    once(NULL, c);
    broadcast_resend(w->et, w->a, STR("b1"), &state, PRIO_NORMAL, c);
    commit_run(w->engine->store, &c, on_cancelled, &done);
    UNTIL(w, "again", done);
    broadcast_wake(w->et);
    UNTIL(w, "sent again", w->nsent == 4);
    second = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")));
    CHECK("another", !str_eq(first, second));
    x = told(w, "p1", 1);
    CHECK_INT("the first", times_told(&x, first), 1);
    CHECK_INT("and the second", times_told(&x, second), 1);
    CHECK_INT("beside the rest", x.n, before.n + 2);
    world_free(&w);
}

/* He goes: so does what was said to him; what others were told stays. */
static void test_told_removed(void)
{
    struct world *w = world_new(NULL);
    struct str his, other;

    crowd(w, 2);
    stand_still(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "expanded", expanded(w) == 1);
    his = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")));
    other = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p2")));
    for (int i = 0; i < 400; i++) { /* it stands behind more than one call looks at */
        redis_get(w, "ZADD bx %lld x%d", (long long)wall_now().ms + 1000 + i, i);
    }
    put_event(w, "gone", "cmms.person.removed.v1", "{\"person\":{\"id\":\"p1\"}}");
    UNTIL(w, "gone", redis_int(w, "EXISTS m:%.*s", STR_ARG(his)) == 0);
    CHECK_INT("nor does it wait", redis_int(w, "EXISTS l:out:main:3p1"), 0);
    CHECK_INT("the other one's does", redis_int(w, "EXISTS m:%.*s", STR_ARG(other)), 1);
    UNTIL(w, "the end of it", redis_int(w, "EXISTS mu:p1 u:p1") == 0);
    CHECK_INT("nothing is told", (int64_t)told(w, "p1", 50).n, 0);
    world_free(&w);
}

/* He stops such messages while it waits. */
static void test_told_stopped(void)
{
    struct world *w = world_new(NULL);
    struct str his;

    crowd(w, 1);
    stand_still(w);
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    UNTIL(w, "expanded", expanded(w) == 1);
    his = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")));
    put_text(w, "+12025560001", "m1", "STOP ALL");
    UNTIL(w, "it waits no more", str_eqz(message_state(w, his), "cancelled"));
    world_free(&w);
}

/* Also when it was accepted weeks ago, and he was told much since. */
static void test_told_stopped_late(void)
{
    const int64_t day_ms = 86400000;
    struct world *w = world_new(NULL);
    struct str his;

    crowd(w, 1);
    stand_still(w);
    accepted_ago_ms = 20 * day_ms;
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    accepted_ago_ms = 0;
    UNTIL(w, "expanded", expanded(w) == 1);
    his = arena_dup(w->a, str_of(redis_get(w, "HGET bm:b1 p1")));
    for (int i = 0; i < 60; i++) {
        struct str id = id_at(w, wall_now().ms - 10 * day_ms, i);

        redis_get(w, "ZADD mu:p1 0 %.*s", STR_ARG(id));
        kept_as(w, id);
    }
    put_text(w, "+12025560001", "m1", "STOP ALL");
    UNTIL(w, "it waits no more", str_eqz(message_state(w, his), "cancelled"));
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_accept),      TEST(test_asked_again),  TEST(test_lease_lost),
        TEST(test_killed),      TEST(test_turns_lost),   TEST(test_cancelled_in_the_middle),
        TEST(test_closed),      TEST(test_answered),     TEST(test_told),
        TEST(test_told_rounds), TEST(test_told_removed), TEST(test_told_stopped),
        TEST(test_progress),    TEST(test_no_sender),    TEST(test_told_stopped_late),
        TEST(test_cancelled_file),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
