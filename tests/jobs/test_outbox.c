/* DESIGN section 5's table, row by row: what an attempt's end does to the message, and how often it
 * is handed over. */
#include "world.h"

#include "outbox_int.h"

#define E(code) "{\"error\":{\"message\":\"m\",\"code\":" #code "}}"

static const struct {
    const char *label;
    struct act acts[4];
    struct message_options m;
    const char *state;
    size_t posts;
    int64_t counted;      /* attempts that stand in the record */
    const char *timeline; /* has this; NULL: any */
    const char *told;     /* state in the event for the CMMS; NULL: no event */
} rows[] = {
    {"accepted",                              {{0}},            {.prio = PRIO_NORMAL}, "sent", 1, 1, NULL,                                NULL},
    {"refused",
     {{.status = 400, .body = E(131026)}},
     {.prio = PRIO_NORMAL},
     "failed",                                                                                 1,
     1,                                                                                              "131026|WhatsApp could not deliver",
     "failed"                                                                                                                                 },
    {"opted out",
     {{.status = 400, .body = E(131050)}},
     {.prio = PRIO_NORMAL},
     "failed",                                                                                 1,
     1,                                                                                              "131050",
     "failed"                                                                                                                                 },
    {"outside the window, says the provider",
     {{.status = 400, .body = E(131047)}},
     {.prio = PRIO_NORMAL},
     "failed",                                                                                 1,
     0,                                                                                              "24-hour window",
     "failed"                                                                                                                                 },
    {"sender too fast",
     {{.status = 400, .body = E(130429)}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     1,                                                                                              NULL,
     NULL                                                                                                                                     },
    {"too fast, Retry-After",
     {{.status = 429, .retry_after_s = 1}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     1,                                                                                              NULL,
     NULL                                                                                                                                     },
    {"pair too fast",
     {{.status = 400, .body = E(131056), .retry_after_s = 1}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     1,                                                                                              NULL,
     NULL                                                                                                                                     },
    {"service down",
     {{.status = 500, .body = E(2)}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     1,                                                                                              NULL,
     NULL                                                                                                                                     },
    {"refused for the moment, too often",
     {{.status = 400, .body = E(131053)},
      {.status = 400, .body = E(131053)},
      {.status = 400, .body = E(131053)}},
     {.prio = PRIO_NORMAL},
     "failed",                                                                                 3,
     1,                                                                                              "131053",
     "failed"                                                                                                                                 },
    {"timeout",                               {{.how = HANG}},  {.prio = PRIO_NORMAL}, "sent", 2, 2, "possible_duplicate",                NULL},
    {"reset",                                 {{.how = RESET}}, {.prio = PRIO_NORMAL}, "sent", 2, 2, "possible_duplicate",                NULL},
    {"half an answer",
     {{.how = HALF}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     2,                                                                                              "possible_duplicate",
     NULL                                                                                                                                     },
    {"no id",
     {{.status = 200, .body = "{}"}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     2,                                                                                              "possible_duplicate",
     NULL                                                                                                                                     },
    {"5xx without an error",
     {{.status = 502, .body = "<html>"}},
     {.prio = PRIO_NORMAL},
     "sent",                                                                                   2,
     2,                                                                                              "possible_duplicate",
     NULL                                                                                                                                     },
    {"never an answer",
     {{.how = HANG}, {.how = RESET}},
     {.prio = PRIO_NORMAL},
     "uncertain",                                                                              2,
     2,                                                                                              "possible_duplicate",
     "uncertain"                                                                                                                              },
    {"a code, without an answer",
     {{.how = HANG}},
     {.prio = PRIO_NORMAL, .max_sends = 1},
     "uncertain",                                                                              1,
     1,                                                                                              NULL,
     "uncertain"                                                                                                                              },
    {"critical, never an answer",
     {{.how = RESET}, {.how = HANG}, {.how = RESET}},
     {.prio = PRIO_CRITICAL},
     "uncertain",                                                                              3,
     3,                                                                                              "attempt 3",
     "uncertain"                                                                                                                              },
    {"critical, at last",
     {{.how = RESET}, {.how = RESET}},
     {.prio = PRIO_CRITICAL},
     "sent",                                                                                   3,
     3,                                                                                              "possible_duplicate",
     NULL                                                                                                                                     },
    {"ambiguous, then refused",
     {{.how = RESET}, {.status = 400, .body = E(131026)}},
     {.prio = PRIO_NORMAL},
     "failed",                                                                                 2,
     2,                                                                                              "131026",
     "failed"                                                                                                                                 },
    {"expired",
     {{0}},
     {.prio = PRIO_NORMAL, .expires_in_ms = -1000},
     "expired",                                                                                0,
     0,                                                                                              "expired",
     "expired"                                                                                                                                },
    {"expired while uncertain",
     {{.how = RESET}},
     {.prio = PRIO_NORMAL, .expires_in_ms = 150},
     "uncertain",                                                                              1,
     1,                                                                                              "a status settles it",
     "uncertain"                                                                                                                              },
    {"outside the window",
     {{0}},
     {.prio = PRIO_NORMAL, .strange = true},
     "failed",                                                                                 0,
     0,                                                                                              "24-hour window",
     "failed"                                                                                                                                 },
    {"against the limits",
     {{0}},
     {.prio = PRIO_NORMAL, .text = ""},
     "failed",                                                                                 0,
     0,                                                                                              "text",
     "failed"                                                                                                                                 },
};

static void run_row(size_t i)
{
    struct world *w = world_new(NULL);
    const char *label = rows[i].label;
    struct str id, timeline;

    for (size_t k = 0; k < ARRAY_LEN(rows[i].acts); k++) {
        if (rows[i].acts[k].status != 0 || rows[i].acts[k].how != ANSWER) {
            w->sends[w->nsends++] = rows[i].acts[k];
        }
    }
    id = put_message(w, &rows[i].m);
    UNTIL(w, label, idle(w) && str_eqz(message_state(w, id), rows[i].state));
    world_run(w, 30);
    timeline = message_timeline(w, id);
    CHECK_Z(label, message_state(w, id), rows[i].state);
    CHECK_INT(label, w->nsent, rows[i].posts);
    CHECK_INT(label, redis_int(w, "HGET m:%.*s n", STR_ARG(id)), rows[i].counted);
    if (rows[i].timeline != NULL && str_find(timeline, str_of(rows[i].timeline)) == SIZE_MAX) {
        test_fail(__FILE__, __LINE__, "%s: \"%s\" is not in \"%.*s\"", label, rows[i].timeline,
                  STR_ARG(timeline));
    }
    if (rows[i].timeline == NULL && str_find(timeline, STR("possible_duplicate")) != SIZE_MAX) {
        test_fail(__FILE__, __LINE__, "%s: marked without a reason: \"%.*s\"", label,
                  STR_ARG(timeline));
    }
    CHECK_INT(label, stream_events(w, "gateway.message.status_changed.v1", ""),
              rows[i].told != NULL);
    if (rows[i].told != NULL) {
        CHECK_INT(label,
                  stream_events(w, "gateway.message.status_changed.v1",
                                arena_printf(w->a, "\"state\":\"%s\"", rows[i].told).p),
                  1);
    }
    /* A second hand-over carries another number of attempt in its correlation. */
    for (size_t k = 1; k < w->nsent; k++) {
        CHECK(label,
              rows[i].counted == 1 || !str_eq(w->sent[k].correlation, w->sent[k - 1].correlation));
    }
    world_free(&w);
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run_row(i);
    }
}

/* ---- evidence ---- */

static const struct {
    const char *label;
    bool before; /* the status comes before the attempt has ended */
    bool by_correlation;
    enum delivery_state status;
    const char *state;
    const char *told;
} proofs[] = {
    {"delivered before the answer", true,  true, DELIVERY_DELIVERED, "delivered", NULL    },
    {"sent while it waits",         false, true, DELIVERY_SENT,      "sent",      NULL    },
    {"read while it waits",         false, true, DELIVERY_READ,      "read",      NULL    },
    {"an unknown word about it",    false, true, DELIVERY_NONE,      "sent",      NULL    },
    {"failed while it waits",       false, true, DELIVERY_FAILED,    "failed",    "failed"},
    {"failed before the answer",    true,  true, DELIVERY_FAILED,    "failed",    "failed"},
};

static void test_evidence(void)
{
    for (size_t i = 0; i < ARRAY_LEN(proofs); i++) {
        struct world *w = world_new(NULL);
        struct str id;

        w->sends[w->nsends++] = (struct act){.how = HANG};
        id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
        UNTIL(w, proofs[i].label, w->nsent == 1);
        if (!proofs[i].before) {
            UNTIL(w, proofs[i].label, str_eqz(message_state(w, id), "uncertain"));
        }
        put_status(w, STR("wamid.unknown"), w->sent[0].correlation, proofs[i].status, 131026);
        UNTIL(w, proofs[i].label, str_eqz(message_state(w, id), proofs[i].state));
        UNTIL(w, proofs[i].label, idle(w));
        world_run(w, 500);
        CHECK_Z(proofs[i].label, message_state(w, id), proofs[i].state);
        CHECK_INT(proofs[i].label, w->nsent, 1);
        CHECK_INT(proofs[i].label, stream_events(w, "gateway.message.status_changed.v1", ""),
                  proofs[i].told != NULL);
        world_free(&w);
    }
}

/* A status that nobody signed for: its correlation does not fit, its id is unknown. */
static void test_forged(void)
{
    struct world *w = world_new(NULL);
    struct str id, forged;
    char *p;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "posted", w->nsent == 1);
    forged = arena_dup(w->a, w->sent[0].correlation);
    p = (char *)(uintptr_t)forged.p;
    p[forged.n - 1] = p[forged.n - 1] == '0' ? '1' : '0';
    put_status(w, STR("wamid.x"), forged, DELIVERY_READ, 0);
    UNTIL(w, "sent again", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("twice", w->nsent, 2);
    world_free(&w);
}

/* Of two hand-overs the later counts: that the first failed says nothing about the second. */
static void test_first_failed(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    put_status(w, STR("wamid.first"), w->sent[0].correlation, DELIVERY_FAILED, 131026);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("still out", message_state(w, id), "sent");
    put_status(w, w->sent[1].id, w->sent[1].correlation, DELIVERY_FAILED, 131026);
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed"));
    CHECK_INT("told once", stream_events(w, "gateway.message.status_changed.v1", ""), 1);
    world_free(&w);
}

/* ---- a gateway that ends in the middle ---- */

static const char short_lease[] =
    "\"delivery\":{\"send_timeout_ms\":5000,\"lease_ms\":1000,\"uncertain_hold_ms\":200,"
    "\"uncertain_hold_critical_ms\":150},\"callbacks\":{\"schedule_ms\":[80],\"timeout_ms\":400},";

static void test_crash(void)
{
    struct world *w = world_new(&(struct world_options){.config = short_lease});
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "posted", w->nsent == 1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    UNTIL(w, "sent again", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("twice", w->nsent, 2);
    CHECK("marked", str_find(message_timeline(w, id), STR("possible_duplicate")) != SIZE_MAX);
    world_free(&w);
}

/* The lease runs out while the provider thinks; its answer is evidence, like a status. */
static void test_late_answer(void)
{
    struct world *w = world_new(&(struct world_options){.config = short_lease});
    struct str id;
    struct http_reply late = {.status = 200,
                              .content_type = "application/json",
                              .body = STR("{\"messages\":[{\"id\":\"wamid.LATE\"}]}")};

    redis_get(w, "SET x 1");
    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .max_sends = 1});
    UNTIL(w, "posted", w->nsent == 1);
    UNTIL(w, "given up by whoever reaped it", str_eqz(message_state(w, id), "uncertain"));
    http_reply(w->hanging[0], &late);
    UNTIL(w, "settled", str_eqz(message_state(w, id), "sent"));
    put_status(w, STR("wamid.LATE"), STR_NONE, DELIVERY_DELIVERED, 0);
    UNTIL(w, "the id is known", str_eqz(message_state(w, id), "delivered"));
    CHECK_INT("once", w->nsent, 1);
    world_free(&w);
}

/* Redis is away when the answer comes: it is recorded when it is back, also when somebody else has
 * the lease. */
static void test_record_later(void)
{
    struct world *w = world_new(&(struct world_options){.config = short_lease});
    struct http_reply good = {.status = 200,
                              .content_type = "application/json",
                              .body = STR("{\"messages\":[{\"id\":\"wamid.L\"}]}")};
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "posted", w->nsent == 1);
    redis_fixture_kill(w->redis);
    http_reply(w->hanging[0], &good);
    world_run(w, 1500);
    redis_fixture_start(w->redis);
    redis_fixture_wait(w->redis);
    UNTIL(w, "recorded", str_eqz(message_state(w, id), "sent"));
    UNTIL(w, "idle", idle(w));
    CHECK_INT("once", w->nsent, 1);
    world_free(&w);
}

/* ---- other ends ---- */

static void test_decided(void)
{
    struct world *w = world_new(NULL);
    struct str first, second;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    second = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "first is out", w->nsent == 1);
    CHECK_Z("second waits for it", message_state(w, second), "queued");
    redis_get(w, "HSET m:%.*s s cancelled", STR_ARG(second));
    put_status(w, STR("wamid.a"), w->sent[0].correlation, DELIVERY_DELIVERED, 0);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("first", message_state(w, first), "delivered");
    CHECK_Z("second", message_state(w, second), "cancelled");
    CHECK_INT("never sent", w->nsent, 1);
    world_free(&w);
}

/* A record that is damaged ends, with a report; one that is gone leaves nothing behind. */
static void test_damaged(void)
{
    struct world *w = world_new(&(struct world_options){.no_work = true});
    struct str damaged = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    struct str gone = put_message(w, &(struct message_options){.prio = PRIO_HIGH});
    struct str plain = put_message(w, &(struct message_options){.prio = PRIO_CRITICAL});
    int64_t before = metric_get(METRIC_DAMAGED);

    redis_get(w, "HSET m:%.*s b x", STR_ARG(damaged));
    redis_get(w, "DEL m:%.*s", STR_ARG(gone));
    /* Words that nobody sealed are not believed, however well they look. */
    redis_get(w,
              "HSET m:%.*s b {\"kind\":\"text\",\"user\":\"u1\",\"phone\":\"" ANA
              "\",\"text\":\"forged\"}",
              STR_ARG(plain));
    world_kill(w);
    world_start(w);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("failed", message_state(w, damaged), "failed");
    CHECK_Z("forged", message_state(w, plain), "failed");
    CHECK_Z("gone", str_of(redis_get(w, "EXISTS m:%.*s", STR_ARG(gone))), "0");
    CHECK_INT("reported", metric_get(METRIC_DAMAGED) - before, 3);
    CHECK_INT("told", stream_events(w, "gateway.message.status_changed.v1", "damaged"), 2);
    CHECK_INT("nothing went out", w->nsent, 0);
    world_free(&w);
}

static void test_gone_while_sending(void)
{
    struct world *w = world_new(NULL);
    struct http_reply good = {.status = 200,
                              .content_type = "application/json",
                              .body = STR("{\"messages\":[{\"id\":\"wamid.L\"}]}")};
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "posted", w->nsent == 1);
    redis_get(w, "DEL m:%.*s", STR_ARG(id));
    http_reply(w->hanging[0], &good);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("not brought back", str_of(redis_get(w, "EXISTS m:%.*s", STR_ARG(id))), "0");
    world_free(&w);
}

/* Redis is away when it is certain that nothing was accepted: it is said when Redis is back. */
static void test_not_sent_recorded_later(void)
{
    struct world *w = world_new(&(struct world_options){.config = short_lease});
    struct http_reply refused = {
        .status = 500, .content_type = "application/json", .body = STR(E(2))};
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .max_sends = 1});
    UNTIL(w, "posted", w->nsent == 1);
    redis_fixture_kill(w->redis);
    http_reply(w->hanging[0], &refused);
    world_run(w, 1500); /* longer than its lease */
    redis_fixture_start(w->redis);
    redis_fixture_wait(w->redis);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
    CHECK_INT("sent again", w->nsent, 2);
    CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);
    world_free(&w);
}

static void test_pure(void)
{
    struct settings s = {.max_sends_normal = 2, .max_sends_critical = 3};
    struct message normal = {.prio = PRIO_NORMAL}, critical = {.prio = PRIO_CRITICAL},
                   code = {.prio = PRIO_REPLY, .max_sends = 1};

    CHECK_INT("few: what is on its way, and a little", (int64_t)outbox_slots(0, false), 72);
    CHECK_INT("what goes out in 50 ms", (int64_t)outbox_slots(1000, false), 122);
    CHECK_INT("never more", (int64_t)outbox_slots(20000, false), OUTBOX_SLOTS);
    CHECK_INT("HTTP/2: all of it is on its way", (int64_t)outbox_slots(0, true), OUTBOX_STREAMS);
    CHECK_INT("normal", outbox_max_sends(&s, &normal), 2);
    CHECK_INT("critical", outbox_max_sends(&s, &critical), 3);
    CHECK_INT("code", outbox_max_sends(&s, &code), 1);
    for (int64_t tries = 0; tries < 40; tries++) {
        int64_t ms = outbox_backoff_ms(tries), least = tries < 6 ? (int64_t)1000 << tries : 60000;

        CHECK("back-off", ms >= (least < 60000 ? least : 60000) && ms <= 75000);
    }
}

/* A provider that was down for a while used up none of the tries that another trouble has. */
static void test_tries_of_its_own(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    redis_get(w, "HSET sn:main paused 1");
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    redis_get(w, "HSET m:%.*s r 5", STR_ARG(id)); /* connections that failed */
    redis_get(w, "HSET m:%.*s rf %lld", STR_ARG(id), (long long)wall_now().ms - 60000);
    w->sends[w->nsends++] = (struct act){.status = 400, .body = E(131053)};
    put_resume(w);
    UNTIL(w, "refused", w->nsent == 1 && redis_int(w, "HLEN k:out:main") == 0);
    CHECK_Z("it is tried again", message_state(w, id), "sending");
    CHECK_INT("the first of them", redis_int(w, "HGET m:%.*s rl", STR_ARG(id)), 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_pure),
                                        TEST(test_rows),
                                        TEST(test_evidence),
                                        TEST(test_forged),
                                        TEST(test_first_failed),
                                        TEST(test_tries_of_its_own),
                                        TEST(test_crash),
                                        TEST(test_late_answer),
                                        TEST(test_record_later),
                                        TEST(test_decided),
                                        TEST(test_damaged),
                                        TEST(test_gone_while_sending),
                                        TEST(test_not_sent_recorded_later)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
