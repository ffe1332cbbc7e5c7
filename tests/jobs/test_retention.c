/* What is too old goes, a piece at a time; what waits stays, however old; a clock that jumps drops
 * nothing. */
#include <time.h>

#include "chore.h"
#include "jobs/books.h"
#include "world.h"

#define DAY_MS ((int64_t)86400000)

static int64_t ahead_ms;

static struct wall later(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ahead_ms};
}

static const struct world_options keeping = {
    .config = "\"retention\":{\"days\":10},\"callbacks\":{\"schedule_ms\":[5]},"};

/* A gateway that starts @days from now; by its clock another has looked shortly before, or not. */
static void start_at(struct world *w, int days, bool looked)
{
    world_stop(w, 2000);
    ahead_ms = days * DAY_MS;
    clock_fake(NULL, later);
    redis_get(w, "DEL ch:retention");
    if (looked) {
        redis_get(w, "HSET rt at %lld", (long long)(wall_now().ms - 3600000));
    }
    world_start(w);
}

static void start_in(struct world *w, int days)
{
    start_at(w, days, true);
}

static void done(struct world *w)
{
    world_stop(w, 2000);
    clock_fake(NULL, NULL);
    world_start(w);
    world_free(&w);
}

static void on_found(void *ctx, const char *kind, struct str id, const char *reason)
{
    (void)ctx;
    test_fail(__FILE__, __LINE__, "%s %.*s: %s", kind, STR_ARG(id), reason);
}

static void on_proved(void *ctx, const struct err *err, const struct books_result *result)
{
    *(int64_t *)ctx = err == NULL ? result->unbalanced : -2;
}

/* What went for its age leaves no hole in the books. */
static void balanced(struct world *w)
{
    int64_t unbalanced = -1;

    UNTIL(w, "idle", idle(w));
    books_prove(w->engine, w->et, &(struct books_options){{0}, on_found, on_proved, &unbalanced});
    UNTIL(w, "proved", unbalanced != -1);
    CHECK_INT("balanced", unbalanced, 0);
}

static struct str sent(struct world *w)
{
    struct str id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});

    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    return id;
}

static bool there(struct world *w, struct str id)
{
    return redis_int(w, "EXISTS m:%.*s", STR_ARG(id)) == 1;
}

static void order(struct world *w, const char *id, const char *status, int rev)
{
    put_event(w, arena_printf(w->a, "%s-%d", id, rev).p, "cmms.workorder.created.v1",
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"%s\",\"number\":\"WO-%s\",\"title\":\"T\","
                           "\"status\":\"%s\",\"rev\":%d,\"assignees\":[{\"id\":\"u1\"}]}}",
                           id, id, status, rev)
                  .p);
}

static void test_messages(void)
{
    struct world *w = world_new(&keeping);
    struct str old = sent(w), waiting, young;

    w->sends[w->nsends++] =
        (struct act){.status = 400, .body = "{\"error\":{\"message\":\"m\",\"code\":131026}}"};
    waiting = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "failed", str_eqz(message_state(w, waiting), "failed"));
    CHECK_INT("a dead letter", redis_int(w, "ZCARD dl"), 1);
    waiting = sent(w);
    redis_get(w, "HSET m:%.*s s queued", STR_ARG(waiting)); /* as if it were for a day far ahead */
    start_in(w, 9);
    world_run(w, 300);
    CHECK("nothing before its time", there(w, old));
    start_in(w, 11);
    UNTIL(w, "gone", !there(w, old));
    young = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    world_run(w, 300);
    CHECK("what waits stays", there(w, waiting));
    CHECK("what is young too", there(w, young));
    CHECK_INT("no dead letter", redis_int(w, "ZCARD dl"), 0);
    CHECK_INT("of the list", redis_int(w, "ZCARD mx"), 2);
    CHECK_INT("and of the person's", redis_int(w, "ZCARD mu:u1"), 2);
    CHECK_INT("nor when he wrote last", redis_int(w, "HLEN w:tw"), 0);
    done(w);
}

static void test_many_in_pieces(void)
{
    struct world *w = world_new(&keeping);
    struct loop_stats stats;
    int looks = 0, held = 0;

    for (int i = 0; i < 1000; i++) {
        char id[ID_BYTES];

        id_new(id);
        redis_get(w, "HSET m:%s s sent tl sent,1,\n u u1", id);
        redis_get(w, "ZADD mx 0 %s", id);
    }
    start_in(w, 11);
    loop_stats(w->loop, &stats, true);
    while (redis_int(w, "ZCARD mx") > 0 && looks < 2000) {
        world_run(w, 3);
        loop_stats(w->loop, &stats, true);
        looks++;
        held += stats.longest_us >= 1000;
    }
    CHECK_INT("all gone", redis_int(w, "ZCARD mx"), 0);
    CHECK("in pieces", looks > 20);
    CHECK("that do not hold the loop for a millisecond", held * 20 < looks); /* others run too */
    done(w);
}

/* Which event was the last, a day from now. */
static bool noted(struct world *w)
{
    return redis_int(w, "ZCOUNT em %lld +inf", (long long)(wall_now().ms - DAY_MS / 2)) == 1;
}

static void test_events(void)
{
    struct world *w = world_new(&keeping);
    int64_t n;

    order(w, "1", "open", 1);
    put_text(w, ANA, "wamid.1", "NOTE WO-1 the first");
    put_text(w, ANA, "wamid.2", "NOTE WO-1 the second");
    UNTIL(w, "taken", w->nhooked >= 2 && idle(w));
    w->hooks[w->nhooks++] = (struct act){.status = 500};
    w->hooks[w->nhooks++] = (struct act){.status = 500};
    put_text(w, ANA, "wamid.3", "NOTE WO-1 never taken");
    UNTIL(w, "dead", redis_int(w, "ZCARD dl") == 1 && idle(w));
    start_in(w, 1); /* notes which event was the last */
    UNTIL(w, "noted", noted(w));
    n = redis_int(w, "XLEN ev");
    start_in(w, 13);
    UNTIL(w, "dead letter gone", redis_int(w, "ZCARD dl") == 0);
    UNTIL(w, "events gone", redis_int(w, "XLEN ev") == 0);
    CHECK_INT("the last that went", redis_int(w, "GET evt"), n);
    put_text(w, ANA, "wamid.4", "NOTE WO-1 goes on");
    UNTIL(w, "the next", redis_int(w, "XLEN ev") > 0);
    balanced(w);
    done(w);
}

static void test_waiting_event_stays(void)
{
    struct world *w = world_new(&(struct world_options){
        .config = "\"retention\":{\"days\":10},\"callbacks\":{\"schedule_ms\":[90000000]},"});

    order(w, "1", "open", 1);
    put_text(w, ANA, "wamid.1", "NOTE WO-1 the first");
    UNTIL(w, "taken", w->nhooked >= 1 && idle(w));
    w->hooks[w->nhooks++] = (struct act){.status = 500};
    put_text(w, ANA, "wamid.2", "NOTE WO-1 not taken yet");
    UNTIL(w, "tried", redis_int(w, "HGET cb:2 n") == 1);
    start_in(w, 1);
    UNTIL(w, "noted", noted(w));
    start_in(w, 13);
    UNTIL(w, "the first is gone", redis_int(w, "XLEN ev") == 1);
    world_run(w, 200);
    CHECK_INT("the other stays", redis_int(w, "XLEN ev"), 1);
    world_stop(w, 2000);
    w->settings->tenants[0].callback_url = STR_NONE;
    redis_get(w, "DEL ch:retention");
    world_start(w);
    UNTIL(w, "where nobody takes it any more it goes", redis_int(w, "XLEN ev") == 0);
    CHECK_INT("with its tries", redis_int(w, "EXISTS cb:2"), 0);
    CHECK_INT("and its place", redis_int(w, "ZCARD r:cb:3"), 0);
    done(w);
}

static void test_orders(void)
{
    struct world *w = world_new(&keeping);

    order(w, "7", "open", 1);
    order(w, "8", "open", 1);
    UNTIL(w, "kept", redis_int(w, "ZCARD ol") == 2);
    order(w, "8", "completed", 2);
    put_event(w, "9", "cmms.workorder.created.v1",
              "{\"workorder\":{\"id\":\"8\",\"number\":\"WO-8\",\"title\":\"T\",\"status\":"
              "\"completed\",\"updated_at\":\"2026-01-01T00:00:00Z\"}}");
    UNTIL(w, "done", redis_int(w, "HGET o:8 v") == 3);
    CHECK_INT("revisions, and times apart", redis_int(w, "HLEN rv"), 3);
    start_in(w, 11);
    UNTIL(w, "the closed one is gone", redis_int(w, "EXISTS o:8") == 0);
    CHECK_INT("with its timeline", redis_int(w, "EXISTS ot:8"), 0);
    CHECK_INT("and its number", redis_int(w, "HLEN on"), 1);
    CHECK_INT("and what was accepted of it", redis_int(w, "HLEN rv"), 1);
    CHECK_INT("and the ending of it", redis_int(w, "ZCARD onr"), 1);
    CHECK_INT("the open one stays", redis_int(w, "EXISTS o:7"), 1);
    balanced(w);
    done(w);
}

/* Both clocks in seconds, one look after the other. */
static void test_jump(void)
{
    static const struct {
        const char *label;
        int64_t mono_s, wall_s;
        bool frozen;
    } rows[] = {
        {"the first look",          100,   1000,    false},
        {"an hour later",           3700,  4600,    false},
        {"set by half a minute",    3800,  4730,    false},
        {"set by two minutes",      3900,  4950,    true },
        {"still",                   80000, 81050,   true },
        {"a day later",             90301, 91351,   false},
        {"set back",                90400, 50000,   false},
        {"eleven days in a moment", 90401, 1000401, true },
    };
    struct jump_watch clocks = {0};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].label,
                  jump_frozen(&clocks, (struct mono){rows[i].mono_s * 1000000},
                              (struct wall){rows[i].wall_s * 1000}, RETENTION_FROZEN_MS, ""),
                  rows[i].frozen);
    }
}

/* A gateway that is started, or started again, while the clock is wrong drops nothing for a day either. */
static void test_started_amid_jump(void)
{
    struct world *w = world_new(&keeping);
    struct str old = sent(w);

    UNTIL(w, "looked", redis_int(w, "EXISTS rt") == 1);
    start_at(w, 100, false);
    world_run(w, 500);
    CHECK("nothing dropped", there(w, old));
    start_at(w, 100, false);
    world_run(w, 500);
    CHECK("nor by the next", there(w, old));
    start_at(w, 0, false); /* it is set right: what has waited for that day waits no more */
    UNTIL(w, "it looked", redis_int(w, "HGET rt free") == 0);
    start_at(w, 100, false);
    UNTIL(w, "it looked again", redis_int(w, "HGET rt free") > 0);
    start_in(w, 101);
    UNTIL(w, "a day later it is believed", !there(w, old));
    done(w);
}

/* What is over goes with its audience and its answers; what is not stays, however old. */
static void test_broadcasts(void)
{
    struct world *w = world_new(&keeping);
    const char *list, *id, *cell;

    sent(w); /* the first of all is no usual one: ends.lua */
    put_event(w, "b", "cmms.broadcast.requested.v1",
              "{\"broadcast\":{\"id\":\"b1\",\"text\":\"x\",\"audience\":{\"users\":[\"u1\"]}}}");
    UNTIL(w, "sent", w->nsent == 2);
    put_status(w, w->sent[1].id, w->sent[1].correlation, DELIVERY_DELIVERED, 0);
    UNTIL(w, "its end", redis_int(w, "HGET b:b1 cl") == 1);
    list = arena_printf(w->a, "bl:%s", redis_get(w, "HGET b:b1 ls")).p;
    CHECK_INT("its audience", redis_int(w, "EXISTS %s", list), 1);
    id = arena_printf(w->a, "%s", redis_get(w, "HGET bm:b1 u1")).p;
    cell = arena_printf(w->a, "mf:%.15s", id).p;
    CHECK_INT("its message is folded", redis_int(w, "HLEN %s", cell), 2);
    CHECK_INT("and no record apart", redis_int(w, "EXISTS m:%s", id), 0);
    redis_get(w, "HSET b:open v 1 ra 1");
    redis_get(w, "ZADD bx 1 open");
    start_in(w, 9);
    world_run(w, 500);
    CHECK_INT("too young", redis_int(w, "EXISTS b:b1"), 1);
    CHECK_INT("its message as well", redis_int(w, "HLEN %s", cell), 2);
    start_in(w, 13);
    UNTIL(w, "gone", redis_int(w, "EXISTS b:b1") == 0);
    CHECK_INT("with all of it", redis_int(w, "EXISTS bc:b1") + redis_int(w, "EXISTS bm:b1"), 0);
    CHECK_INT("with its audience", redis_int(w, "EXISTS %s", list), 0);
    CHECK_INT("what is not over stays", redis_int(w, "EXISTS b:open"), 1);
    CHECK_INT("and nothing else", redis_int(w, "ZCARD bx"), 1);
    UNTIL(w, "its message too", redis_int(w, "ZCARD mx") == 0);
    CHECK_INT("with its place", redis_int(w, "EXISTS %s", cell), 0);
    balanced(w);
    done(w);
}

static void pm(struct world *w, const char *id)
{
    put_event(w, id, "cmms.pm.due.v1",
              arena_printf(w->a,
                           "{\"pm\":{\"id\":\"%s\",\"task\":\"Grease\",\"asset\":\"Fan 2\","
                           "\"due_at\":\"2031-05-06T09:00:00Z\",\"assignees\":[\"u1\"]}}",
                           id)
                  .p);
    UNTIL(w, id, idle(w));
}

static void order_with_list(struct world *w, const char *id, const char *status, int rev)
{
    put_event(w, arena_printf(w->a, "%s-%d", id, rev).p, "cmms.workorder.created.v1",
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"%s\",\"number\":\"WO-%s\",\"title\":\"T\","
                           "\"status\":\"%s\",\"rev\":%d,\"assignees\":[{\"id\":\"u1\"}],"
                           "\"checklist\":[{\"id\":\"i1\",\"label\":\"Isolate\","
                           "\"kind\":\"check\",\"required\":true}]}}",
                           id, id, status, rev)
                  .p);
    UNTIL(w, id, idle(w));
}

static void hot(struct world *w, const char *id)
{
    char at[WALL_TEXT_BYTES];

    put_event(w, id, "cmms.condition.reading.v1",
              arena_printf(w->a,
                           "{\"reading\":{\"asset\":{\"id\":\"P-01\"},\"metric\":\"Temperature\","
                           "\"value\":99,\"at\":\"%s\"}}",
                           wall_format(wall_now(), at))
                  .p);
    UNTIL(w, id, idle(w));
}

/* What people are asked about stays while it waits, and the list of an order as long as the order. */
static void test_matters(void)
{
    struct world *w = world_new(&(struct world_options){
        .config = keeping.config,
        .tenant = "\"thresholds\":[{\"id\":\"hot\",\"metric\":\"Temperature\",\"above\":95,"
                  "\"ladder\":[{\"to\":{\"users\":[\"u1\"]},\"wait_s\":600}]}],"});
    const char *alert;

    pm(w, "PM-1");
    pm(w, "PM-2");
    put_tap(w, ANA, "t1", "y:p:done:PM-2");
    UNTIL(w, "over", idle(w));
    order_with_list(w, "7", "open", 1);
    order_with_list(w, "8", "open", 1);
    order_with_list(w, "8", "completed", 2);
    put_text(w, ANA, "t2", "START WO-7");
    UNTIL(w, "started", idle(w));
    put_tap(w, ANA, "t3", "y:o:go,1:7");
    UNTIL(w, "asked", idle(w));
    put_tap(w, ANA, "t4", "y:o:a,1,0,0:7");
    UNTIL(w, "answered", idle(w));
    CHECK_INT("its list is done", stream_events(w, "gateway.checklist.submitted.v1", ""), 1);
    hot(w, "r1");
    alert = arena_dup(w->a, str_of(redis_get(w, "ZRANGE ya 0 0"))).p;
    CHECK("raised", alert[0] != '\0');
    put_text(w, ANA, "t5", "RESPONDING");
    UNTIL(w, "responded", idle(w));
    start_in(w, 11);
    UNTIL(w, "what is done is gone", redis_int(w, "EXISTS y:p:PM-2") == 0);
    UNTIL(w, "and the list of an order that is gone", redis_int(w, "EXISTS y:o:8") == 0);
    world_run(w, 300);
    CHECK_INT("what is not due yet stays", redis_int(w, "EXISTS y:p:PM-1"), 1);
    CHECK_INT("the list of an open order too", redis_int(w, "EXISTS y:o:7"), 1);
    CHECK_INT("and an alert that is not over", redis_int(w, "ZCARD ya"), 1);
    hot(w, "r2");
    CHECK_Z("still hot is no other alert", str_of(redis_get(w, "ZRANGE ya 0 -1")), alert);
    put_text(w, ANA, "t6", "COMPLETE WO-7");
    UNTIL(w, "completed", idle(w));
    CHECK_INT("what was answered is not missing", sent_to(w, ANA, "required item"), 0);
    balanced(w);
    done(w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_messages),   TEST(test_many_in_pieces),      TEST(test_events),
        TEST(test_orders),     TEST(test_waiting_event_stays), TEST(test_jump),
        TEST(test_broadcasts), TEST(test_matters),              TEST(test_started_amid_jump),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
