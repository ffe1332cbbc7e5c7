/* Callbacks: schedule, order, refusals, the endpoint that is gone, dead letters. */
#include "jobs/metrics.h"
#include "world.h"

#define EVENT "gateway.workorder.note_added.v1"

static void on_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct world *w = ctx;

    (void)outcome;
    w->accepted++;
    w->accept_code = err == NULL ? ERR_NONE : err->code;
}

static void once(void *ctx, struct commit *c)
{
    struct world *w = ctx;
    char id[ID_BYTES];

    id_new(id);
    commit_once(c, arena_dup(w->a, str_of(id)));
}

/* An event for the CMMS about @subject. */
static void tell(struct world *w, const char *type, const char *subject, const char *data)
{
    const struct plan_run run = {once, NULL, on_planned, w};
    struct arena *a = arena_new();
    struct plan *p = ARENA_NEW(a, struct plan);
    int before = w->accepted;

    plan_init(p, a, engine_tenant(w->et), wall_now(), STR("in1"));
    plan_event(p, type, str_of(subject), str_of(data), STR_NONE);
    engine_run_plan(w->engine, w->et, p, &run);
    UNTIL(w, "event", w->accepted > before);
    arena_free(&a);
}

static const struct {
    const char *label;
    struct act acts[5];
    size_t posts;
    bool dead;
} rows[] = {
    {"taken",                 {{.status = 204}},                                                  1, false},
    {"5xx, then taken",       {{.status = 500}, {.status = 503}, {.status = 200}},                3, false},
    {"a redirect is no end",  {{.status = 302}, {.status = 200}},                                 2, false},
    {"silence",               {{.how = HANG}, {.status = 200}},                                   2, false},
    {"reset",                 {{.how = RESET}, {.status = 200}},                                  2, false},
    {"a later time",          {{.status = 503, .retry_after_s = 1}, {.status = 200}},             2, false},
    {"never taken",           {{.status = 500}, {.status = 500}, {.status = 500}, {.how = HALF}}, 4, true },
    {"refused",               {{.status = 409, .body = "{\"reason\":\"locked\"}"}},               1, false},
    {"refused without words", {{.status = 422, .body = "no"}},                                    1, false},
};

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        const char *label = rows[i].label;

        for (size_t k = 0; k < ARRAY_LEN(rows[i].acts); k++) {
            if (rows[i].acts[k].status != 0 || rows[i].acts[k].how != ANSWER) {
                w->hooks[w->nhooks++] = rows[i].acts[k];
            }
        }
        tell(w, EVENT, "WO-1", "{\"text\":\"x\"}");
        UNTIL(w, label, w->nhooked == rows[i].posts && idle(w));
        world_run(w, 300);
        CHECK("posts", w->nhooked >= rows[i].posts);
        for (size_t k = 1; k < rows[i].posts; k++) {
            CHECK_STR(label, w->hooked[k].id, w->hooked[0].id);
            CHECK_STR(label, w->hooked[k].body, w->hooked[0].body);
        }
        if (rows[i].acts[0].retry_after_s > 0) {
            CHECK(label, w->hooked[1].at_ms - w->hooked[0].at_ms >= 990);
        }
        CHECK_INT(label, redis_int(w, "ZCARD dl"), rows[i].dead);
        if (rows[i].dead) {
            struct str letter = dead_letter(w, "cb:1");

            CHECK(label, str_find(letter, STR("\"tries\":4")) != SIZE_MAX);
            CHECK(label, str_find(letter, STR("\"lane\":\"3")) != SIZE_MAX);
        }
        CHECK_Z(label, str_of(redis_get(w, "EXISTS cb:1")), "0");
        world_free(&w);
    }
}

/* What is said behind the status is not read to its end; the status counts all the same. */
static void test_wordy(void)
{
    static const struct {
        int status;
        size_t posts;
    } wordy[] = {
        {200, 1},
        {422, 1},
        {500, 2}
    };

    for (size_t i = 0; i < ARRAY_LEN(wordy); i++) {
        struct world *w = world_new(NULL);

        w->hooks[w->nhooks++] = (struct act){.status = wordy[i].status,
                                             .body = arena_printf(w->a, "%*s", 300000, "x").p};
        tell(w, EVENT, "WO-1", "{\"text\":\"x\"}");
        UNTIL(w, "posted", w->nhooked == wordy[i].posts && idle(w));
        world_run(w, 300);
        CHECK_INT("posts", w->nhooked, wordy[i].posts);
        CHECK_INT("no dead letter", redis_int(w, "ZCARD dl"), 0);
        world_free(&w);
    }
}

/* One subject waits for its first; another does not wait at all. */
static void test_order(void)
{
    struct world *w = world_new(NULL);

    w->hooks[w->nhooks++] = (struct act){.status = 500};
    w->hooks[w->nhooks++] = (struct act){.status = 200};
    tell(w, EVENT, "WO-1", "{\"n\":1}");
    UNTIL(w, "failed", w->nhooked == 1);
    tell(w, EVENT, "WO-1", "{\"n\":2}");
    tell(w, EVENT, "WO-2", "{\"n\":3}");
    UNTIL(w, "all", w->nhooked == 4 && idle(w));
    CHECK("the other at once", str_find(w->hooked[1].body, STR("\"n\":3")) != SIZE_MAX);
    CHECK("the first again", str_find(w->hooked[2].body, STR("\"n\":1")) != SIZE_MAX);
    CHECK("then the second", str_find(w->hooked[3].body, STR("\"n\":2")) != SIZE_MAX);
    CHECK("with its sequence", str_starts(w->hooked[3].body, STR("{\"sequence\":\"2\",")));
    world_free(&w);
}

static void test_gone(void)
{
    struct world *w = world_new(NULL);
    struct str reason;

    w->hooks[w->nhooks++] = (struct act){.status = 410};
    tell(w, EVENT, "WO-1", "{\"n\":1}");
    UNTIL(w, "off", strcmp(engine_callback_health(w->et, &reason), "down") == 0);
    tell(w, EVENT, "WO-2", "{\"n\":2}");
    world_run(w, 1300);
    CHECK_INT("silence", w->nhooked, 1);
    CHECK_INT("told", stream_events(w, "gateway.system.alert.v1", "callbacks"), 1);
    CHECK_Z("to be asked was no try", str_of(redis_get(w, "HEXISTS cb:1 n")), "0");
    engine_reloaded(w->engine);
    UNTIL(w, "all taken", w->nhooked == 3 && idle(w)); /* the first twice */
    CHECK_Z("well", str_of(engine_callback_health(w->et, &reason)), "ok");
    world_free(&w);
}

/* What a person books meanwhile is kept, and he hears why the office does not have it yet. */
static void test_told_late(void)
{
    struct world *w = world_new(NULL);
    struct str reason;

    put_event(
        w, "e1", "cmms.workorder.created.v1",
        "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":\"open\","
        "\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "told of the order", sent_to(w, ANA, "WO-1") == 1);
    w->hooks[w->nhooks++] = (struct act){.status = 410};
    tell(w, EVENT, "WO-9", "{}");
    UNTIL(w, "off", strcmp(engine_callback_health(w->et, &reason), "down") == 0);
    put_text(w, ANA, "m1", "NOTE WO-1 new seal");
    UNTIL(w, "answered", sent_to(w, ANA, "Note added") == 1);
    CHECK_INT("why it is late", sent_to(w, ANA, "unreachable"), 1);
    engine_reloaded(w->engine);
    UNTIL(w, "booked", w->nhooked >= 3 && idle(w));
    put_text(w, ANA, "m2", "NOTE WO-1 new bolts");
    UNTIL(w, "answered again", sent_to(w, ANA, "Note added") == 2);
    CHECK_INT("nothing is late now", sent_to(w, ANA, "unreachable"), 1);
    world_free(&w);
}

static void test_failing(void)
{
    struct world *w = world_new(NULL);
    struct str reason;
    char subject[16];

    for (int i = 0; i < 3; i++) {
        w->hooks[w->nhooks++] = (struct act){.status = 500};
    }
    for (int i = 0; i < 3; i++) {
        snprintf(subject, sizeof(subject), "WO-%d", i);
        tell(w, EVENT, subject, "{}");
    }
    UNTIL(w, "all taken at last", w->nhooked == 6 && w->nalerts == 1 && idle(w));
    CHECK_INT("told", stream_events(w, "gateway.system.alert.v1", "callbacks"), 1);
    CHECK_Z("well again", str_of(engine_callback_health(w->et, &reason)), "ok");
    world_free(&w);
}

/* Records that do not open, and events that end the gateway: dead letters, and the lane goes on. */
static void test_damaged(void)
{
    struct world *w = world_new(&(struct world_options){.no_work = true});

    tell(w, EVENT, "WO-1", "{\"n\":1}");
    tell(w, EVENT, "WO-1", "{\"n\":2}");
    redis_get(w, "DEL ev");
    redis_get(w, "XADD ev 1-0 b garbage");
    redis_get(w, "XADD ev 3-0 b {\"id\":\"forged\"}");
    redis_get(w, "SET seq 3");
    world_kill(w);
    world_start(w);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("nothing posted", w->nhooked, 0);
    CHECK_INT("two dead letters", redis_int(w, "ZCARD dl"), 2);
    CHECK("why", str_find(dead_letter(w, "cb:2"), STR("missing")) != SIZE_MAX);
    tell(w, EVENT, "WO-1", "{\"n\":4}");
    UNTIL(w, "the lane goes on", w->nhooked == 1);
    world_free(&w);
}

static void test_reaped(void)
{
    struct world *w = world_new(&(struct world_options){.no_work = true});
    char lane[64];

    tell(w, EVENT, "WO-1", "{\"n\":1}");
    snprintf(lane, sizeof(lane), "%s", redis_get(w, "ZRANGE r:cb:3 0 0"));
    redis_get(w, "ZREM r:cb:3 %s", lane);
    redis_get(w, "HSET k:cb %s 1|1|ghost.1", lane);
    redis_get(w, "ZADD f:cb 1 %s", lane);
    redis_get(w, "HSET cb:1 n 3");
    world_kill(w);
    world_start(w);
    UNTIL(w, "dead", redis_int(w, "ZCARD dl") == 1);
    CHECK_INT("not tried again", w->nhooked, 0);
    world_free(&w);
}

static void test_redis_away(void)
{
    struct world *w = world_new(NULL);

    w->hooks[w->nhooks++] = (struct act){.how = HANG};
    tell(w, EVENT, "WO-1", "{\"n\":1}");
    UNTIL(w, "posted", w->nhooked == 1);
    redis_fixture_kill(w->redis);
    world_run(w, 900);
    redis_fixture_start(w->redis);
    redis_fixture_wait(w->redis);
    UNTIL(w, "posted again and taken", w->nhooked >= 2 && idle(w));
    CHECK_STR("the same", w->hooked[1].body, w->hooked[0].body);
    world_free(&w);
}

/* An answer is waited for as long as the settings say, also where a lease is shorter: one post, one try. */
static void test_slow(void)
{
    struct world *w = world_new(&(struct world_options){
        .config = "\"delivery\":{\"lease_ms\":1000},"
                  "\"callbacks\":{\"schedule_ms\":[5,5,5],\"timeout_ms\":1600},"});
    int64_t retried;


    w->hooks[w->nhooks++] = (struct act){.how = HANG};
    tell(w, EVENT, "WO-1", "{\"n\":1}");
    UNTIL(w, "posted", w->nhooked == 1);
    world_run(w, 1250);
    CHECK_INT("not posted beside that", w->nhooked, 1);
    http_reply(w->hanging[0], &(struct http_reply){.status = 200});
    UNTIL(w, "taken", idle(w));
    CHECK_INT("once", w->nhooked, 1);
    CHECK_INT("that was its only try", redis_int(w, "EXISTS cb:1"), 0);
    CHECK_INT("settled", redis_int(w, "GETBIT es:0 1"), 1);
    retried = metric_get(METRIC_CALLBACKS_RETRIED);
    w->settings->callback_timeout_ms = 60000; /* read anew: the lease is what it was */
    w->hooks[w->nhooks++] = (struct act){.how = HANG};
    tell(w, EVENT, "WO-1", "{\"n\":2}");
    UNTIL(w, "posted again", w->nhooked == 3);
    CHECK_INT("since silence ended as a try, before the lease did",
              metric_get(METRIC_CALLBACKS_RETRIED) - retried, 1);
    UNTIL(w, "taken", idle(w));
    CHECK_INT("by the second", w->nhooked, 3);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),    TEST(test_wordy),     TEST(test_order),
        TEST(test_gone),    TEST(test_failing),   TEST(test_told_late),
        TEST(test_damaged), TEST(test_reaped),    TEST(test_redis_away),
        TEST(test_slow)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
