/* What comes in becomes durable, once: webhooks, events of the CMMS; also when nobody waits for the
 * answer. */
#include "base/mem.h"
#include "world.h"

static struct inbound text_of(const char *id)
{
    return (struct inbound){.kind = INBOUND_MESSAGE,
                            .number_id = STR("106540352242922"),
                            .provider_id = str_of(id),
                            .phone = STR(ANA),
                            .at = wall_now(),
                            .type = INBOUND_TEXT,
                            .type_name = STR("text"),
                            .text = STR("HELP")};
}

/* ---- webhooks ---- */

static const struct {
    const char *label;
    struct inbound in;
    int times;
    int64_t replies, kept; /* to Ana; kept aside */
} rows[] = {
    {"a message",
     {.kind = INBOUND_MESSAGE, .provider_id = {"w1", 2}, .text = {"HELP", 4}},
     1,                                                                                                 1,
     0                                                                                                      },
    {"its repetition",
     {.kind = INBOUND_MESSAGE, .provider_id = {"w2", 2}, .text = {"HELP", 4}},
     3,                                                                                                 1,
     0                                                                                                      },
    {"to a number of nobody's",
     {.kind = INBOUND_MESSAGE,
      .provider_id = {"w3", 2},
      .text = {"HELP", 4},
      .number_id = {"999", 3}},
     2,                                                                                                 0,
     1                                                                                                      },
    {"of an unknown kind",      {.kind = INBOUND_OTHER, .raw = {"{\"a\":1}", 7}},                    2, 0, 1},
    {"about a template",        {.kind = INBOUND_TEMPLATE, .raw = {"{\"b\":1}", 7}},                 1, 0, 1},
    {"without id and raw",      {.kind = INBOUND_ACCOUNT, .event = {"flagged", 7}},                  1, 0, 1},
    {"said in a group",
     {.kind = INBOUND_MESSAGE, .provider_id = {"w4", 2}, .text = {"HELP", 4}, .group_id = {"g", 1}},
     1,                                                                                                 0,
     0                                                                                                      },
    {"a status of nobody's",
     {.kind = INBOUND_STATUS, .provider_id = {"w5", 2}, .state = DELIVERY_READ},
     2,                                                                                                 0,
     0                                                                                                      },
};

static void test_webhooks(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        struct inbound in = rows[i].in;

        in.number_id = in.number_id.n > 0 ? in.number_id : STR("106540352242922");
        in.phone = STR(ANA);
        in.type_name = STR("text");
        in.at = wall_now();
        for (int n = 0; n < rows[i].times; n++) {
            put_inbound(w, &in);
            CHECK_INT(rows[i].label, w->accept_code, ERR_NONE);
        }
        UNTIL(w, rows[i].label, idle(w));
        world_run(w, 30);
        CHECK_INT(rows[i].label, w->nsent, rows[i].replies);
        CHECK_INT(rows[i].label, redis_int(w, "LLEN kept"), rows[i].kept);
        CHECK_Z(rows[i].label, str_of(redis_get(w, "EXISTS dl")), "0");
        world_free(&w);
    }
}

static bool refuse(void *ctx, const struct sender *s)
{
    (void)ctx;
    return s == NULL;
}

static void on_done(void *ctx, const struct err *err)
{
    (void)err;
    ++*(int *)ctx;
}

static void test_wrong_hand(void)
{
    struct world *w = world_new(NULL);
    struct inbound in = text_of("w1");
    const struct inbound_batch batch = {&in, 1}, none = {&in, 0};
    int done = 0;

    accept_webhook(w->engine, PROVIDER_META, &batch, refuse, NULL, on_done, &done);
    accept_webhook(w->engine, PROVIDER_META, &none, refuse, NULL, on_done, &done);
    UNTIL(w, "done", done == 2);
    world_run(w, 50);
    CHECK_INT("nothing said", w->nsent, 0);
    CHECK_Z("kept", str_of(redis_get(w, "LLEN kept")), "1");
    world_free(&w);
}

/* The 24-hour window is the provider's word, but no word from the future keeps it open. */
static void test_time(void)
{
    static const struct {
        const char *label;
        int64_t ago_ms, window_ago_ms;
    } times[] = {
        {"now",         0,         0      },
        {"an hour ago", 3600000,   3600000},
        {"tomorrow",    -86400000, 0      },
        {"no time",     INT64_MAX, 0      },
    };

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct world *w = world_new(NULL);
        struct inbound in = text_of("w1");
        int64_t got;

        redis_get(w, "DEL w:main");
        in.at.ms = times[i].ago_ms == INT64_MAX ? 0 : wall_now().ms - times[i].ago_ms;
        put_inbound(w, &in);
        UNTIL(w, times[i].label, idle(w));
        got = wall_now().ms - redis_int(w, "HGET w:main u1") - times[i].window_ago_ms;
        CHECK(times[i].label, got >= 0 && got < 8000);
        world_free(&w);
    }
}

static void test_too_large(void)
{
    static const struct {
        const char *label;
        bool elsewhere; /* in members that nobody expects to be long */
    } sizes[] = {
        {"as it came", false},
        {"elsewhere",  true }
    };
    char *raw = mem_new(4 << 20);

    memset(raw, 1, 4 << 20); /* each byte is six when it is escaped */
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct world *w = world_new(NULL);
        struct inbound got,
            in = {.kind = INBOUND_OTHER, .number_id = STR("106540352242922"), .at = wall_now()};
        struct err err = {0};

        in.raw = str_make(raw, 4 << 20);
        if (sizes[i].elsewhere) {
            in.detail = in.subject = in.raw;
        }
        put_inbound(w, &in);
        CHECK_INT(sizes[i].label, w->accept_code, ERR_NONE);
        UNTIL(w, sizes[i].label, idle(w));
        CHECK_INT(sizes[i].label, redis_int(w, "LLEN kept"), 1);
        CHECK_INT("no dead letter", redis_int(w, "EXISTS dl"), 0);
        CHECK("what is kept opens", inbound_decode(w->a, kept(w), &got, &err));
        CHECK_Z("and is its", got.number_id, "106540352242922");
        CHECK("the beginning of each", got.raw.n > 0 && (got.subject.n > 0) == sizes[i].elsewhere);
        world_free(&w);
    }
    mem_free(&raw);
}

/* ---- events ---- */

#define ORDER(more)                                                                              \
    "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":\"open\"" more \
    "}}"
static const struct {
    const char *label, *id, *source, *data;
    enum accept_result result;
} events[] = {
    {"first",                    "a",   "/x",  ORDER(",\"rev\":5"),                               ACCEPT_OK       },
    {"the same again",           "a",   "/x",  ORDER(",\"rev\":5"),                               ACCEPT_DUPLICATE},
    {"the id with another body", "a",   "/x",  ORDER(",\"rev\":6"),                               ACCEPT_CONFLICT },
    {"the id of another source", "a",   "/y",  ORDER(",\"rev\":5"),                               ACCEPT_OK       },
    {"an older revision",        "b",   "/x",  ORDER(",\"rev\":4"),                               ACCEPT_DUPLICATE},
    {"a newer one",              "c",   "/x",  ORDER(",\"rev\":6"),                               ACCEPT_OK       },
    {"by time",                  "d",   "/x",  ORDER(",\"updated_at\":\"2026-01-02T00:00:00Z\""), ACCEPT_OK       },
    {"an older time",            "e",   "/x",  ORDER(",\"updated_at\":\"2026-01-01T00:00:00Z\""),
     ACCEPT_DUPLICATE                                                                                             },
    {"a revision after a time",  "f",   "/x",  ORDER(",\"rev\":7"),                               ACCEPT_OK       },
    {"neither",                  "g",   "/x",  ORDER(""),                                         ACCEPT_OK       },
    {"a bar in the source",      "c",   "a|b", ORDER(",\"rev\":7"),                               ACCEPT_OK       },
    {"the same bar in the id",   "b|c", "a",   ORDER(",\"rev\":7,\"x\":1"),                       ACCEPT_OK       },
};

static void test_events(void)
{
    struct world *w = world_new(NULL);

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        put_event_text(w, arena_printf(w->a,
                                       "{\"id\":\"%s\",\"source\":\"%s\",\"type\":\"cmms.workorder."
                                       "updated.v1\",\"data\":%s}",
                                       events[i].id, events[i].source, events[i].data)
                              .p);
        CHECK_INT(events[i].label, w->accept_code, ERR_NONE);
        CHECK_INT(events[i].label, w->accept_result, events[i].result);
    }
    UNTIL(w, "idle", idle(w));
    world_free(&w);
}

/* ---- nobody waits ---- */

static void ignore_webhook(void *ctx, const struct err *err)
{
    (void)ctx;
    (void)err;
    test_fail(__FILE__, __LINE__, "called back after op_cancel()");
}

static void ignore_event(void *ctx, const struct err *err, enum accept_result result)
{
    (void)ctx;
    (void)err;
    (void)result;
    test_fail(__FILE__, __LINE__, "called back after op_cancel()");
}

static bool allow(void *ctx, const struct sender *s)
{
    (void)ctx;
    return s != NULL;
}

/* The client hangs up before the answer: what was granted to us meanwhile is done at once, not
 * after its lease. */
static void test_gone_client(void)
{
    struct world *w = world_new(NULL);
    struct inbound in = text_of("w1");
    const struct inbound_batch batch = {&in, 1}, none = {&in, 0};
    struct json *j = NULL;
    struct cmms_event event;
    struct err err = {0};
    struct str text = STR("{\"id\":\"a\",\"source\":\"/"
                          "x\",\"type\":\"cmms.workorder.created.v1\",\"data\":{\"workorder\":{"
                          "\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":\"open\","
                          "\"assignees\":[{\"id\":\"u2\"}]}}}");
    int64_t began = mono_now().us;
    struct op *op;

    op = accept_webhook(w->engine, PROVIDER_META, &batch, allow, NULL, ignore_webhook, w);
    world_run(w, 0);
    op_cancel(&op);
    op = accept_webhook(w->engine, PROVIDER_META, &none, allow, NULL, ignore_webhook, w);
    op_cancel(&op);
    json_parse(text, 1 << 20, &j, &err);
    CHECK("event", cmms_event_parse(w->a, j, &event, &err));
    op = accept_event(w->engine, w->et, &event, text, ignore_event, w);
    op_cancel(&op);
    op = accept_event(w->engine, w->et, &event, text, ignore_event, w);
    world_run(w, 0);
    op_cancel(&op);
    json_free(&j);
    UNTIL(w, "both are done", sent_to(w, ANA, "") == 1 && sent_to(w, BEN, "") == 1);
    CHECK("at once", mono_now().us - began < 3000000);
    UNTIL(w, "idle", idle(w));
    world_free(&w);
}

static void never_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    (void)ctx;
    (void)err;
    (void)outcome;
    test_fail(__FILE__, __LINE__, "called back after op_cancel()");
}

static void once(void *ctx, struct commit *c)
{
    (void)ctx;
    commit_once(c, STR("gone"));
}

static void test_gone_sender(void)
{
    struct world *w = world_new(NULL);
    const struct plan_run run = {once, NULL, never_planned, w};
    struct user to = {.id = STR("u1"), .phone = STR(ANA)};
    struct arena *a = arena_new();
    struct plan *p = ARENA_NEW(a, struct plan);
    int64_t began = mono_now().us;
    struct str id;
    struct op *op;

    plan_init(p, a, engine_tenant(w->et), wall_now(), STR("x"));
    p->speaker = to.id;
    p->spoken_to = STR("main");
    p->spoken_at = wall_now();
    plan_message(p, &to, MESSAGE_TEXT)->text = STR("granted");
    id = arena_dup(w->a, p->messages[0].m.id);
    op = engine_run_plan(w->engine, w->et, p, &run);
    op_cancel(&op);
    arena_free(&a); /* the plan goes with its request */
    UNTIL(w, "sent", sent_to(w, ANA, "granted") == 1);
    CHECK("at once", mono_now().us - began < 3000000);
    UNTIL(w, "recorded", str_eqz(message_state(w, id), "sent"));
    CHECK("one attempt", str_find(message_timeline(w, id), STR("attempt 2")) == SIZE_MAX);
    world_free(&w);
}

/* ---- Redis is not there, or full ---- */

static void test_no_redis(void)
{
    struct world *w = world_new(NULL);
    int64_t began;

    redis_fixture_stop(w->redis);
    began = mono_now().us;
    put_text(w, ANA, "w1", "HELP");
    CHECK_INT("webhook", w->accept_code, ERR_STORE_UNAVAILABLE);
    CHECK("within 3 s", mono_now().us - began < 4000000);
    redis_fixture_cont(w->redis);
    put_text(w, ANA, "w1", "HELP");
    CHECK_INT("again", w->accept_code, ERR_NONE);
    UNTIL(w, "answered", sent_to(w, ANA, "") == 1);
    UNTIL(w, "idle", idle(w));
    world_run(w, 100);
    CHECK_INT("once", w->nsent, 1);
    world_free(&w);
}

static void test_full(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "on its way", w->nsent == 1);
    redis_fixture_command(w->redis, "CONFIG SET maxmemory 1");
    put_text(w, ANA, "w1", "HELP");
    CHECK_INT("refused", w->accept_code, ERR_STORE_FULL);
    /* What is under way drains: its outcome is recorded, and it is sent again. */
    UNTIL(w, "drained", str_eqz(message_state(w, id), "sent"));
    redis_fixture_command(w->redis, "CONFIG SET maxmemory 0");
    put_text(w, ANA, "w1", "HELP");
    CHECK_INT("taken again", w->accept_code, ERR_NONE);
    UNTIL(w, "idle", idle(w));
    world_free(&w);
}

/* A tenant without senders: what it cannot send is a dead letter from the start. */
static void test_no_sender(void)
{
    struct world *w = world_new(NULL);
    struct tenant_settings *t = &w->settings->tenants[0];
    size_t n = t->nsenders;
    struct str id;

    t->nsenders = 0;
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    t->nsenders = n;
    CHECK_Z("failed", message_state(w, id), "failed");
    CHECK("why", str_find(message_timeline(w, id), STR("no sender is configured")) != SIZE_MAX);
    CHECK_INT("listed", redis_int(w, "ZCARD dl"), 1);
    CHECK("by its time", redis_int(w, "ZSCORE dl out:%.*s", STR_ARG(id)) > 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_webhooks), TEST(test_wrong_hand),  TEST(test_time),        TEST(test_too_large),
        TEST(test_events),   TEST(test_gone_client), TEST(test_gone_sender), TEST(test_no_redis),
        TEST(test_full),     TEST(test_no_sender)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
