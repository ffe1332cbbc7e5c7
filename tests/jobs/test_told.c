/* What was said to a person: his index, and what broadcasts name (store/lua/told.lua). */
#include <stdlib.h>

#include "broadcast_int.h"
#include "crowd.h"

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
    crowd_once(NULL, c);
    broadcast_resend(w->et, w->a, STR("b1"), &state, PRIO_NORMAL, c);
    commit_run(w->engine->store, &c, crowd_kept, &done);
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
    crowd_ago_ms = 20 * day_ms;
    CHECK("accepted", ask(w, "b1", TO_CROWD, false).kept);
    crowd_ago_ms = 0;
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
        TEST(test_told),         TEST(test_told_rounds),       TEST(test_told_removed),
        TEST(test_told_stopped), TEST(test_told_stopped_late),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
