/* Executing what was accepted: conflicts, damage, items that end the gateway, refusals, statuses,
 * windows. */
#include "inbox_int.h"
#include "world.h"

#define ORDER(id, more)                                     \
    "{\"workorder\":{\"id\":\"" id "\",\"number\":\"WO-" id \
    "\",\"title\":\"T\",\"status\":\"open\"" more "}}"
#define TO_ANA ",\"assignees\":[{\"id\":\"u1\"}]"

static void order(struct world *w, const char *id)
{
    put_event(w, id, "cmms.workorder.created.v1",
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"%s\",\"number\":\"WO-%s\",\"title\":\"T\","
                           "\"status\":\"open\","
                           "\"assignees\":[{\"id\":\"u1\"}]}}",
                           id, id)
                  .p);
    UNTIL(w, "order", idle(w));
}

/* ---- conflicts ---- */

/* Ten orders at once name the same new person: he is created once and welcomed once. */
static void test_conflicts(void)
{
    struct world *w = world_new(NULL);
    int64_t before = metric_get(METRIC_CONFLICTS);
    struct user u;

    for (int i = 0; i < 10; i++) {
        put_event(
            w, arena_printf(w->a, "o%d", i).p, "cmms.workorder.created.v1",
            arena_printf(
                w->a,
                "{\"workorder\":{\"id\":\"w%d\",\"number\":\"N-%d\",\"title\":\"T\",\"status\":"
                "\"open\","
                "\"assignees\":[{\"id\":\"u7\",\"name\":\"New\",\"phone\":\"+1 202 555 0190\"}]}}",
                i, i)
                .p);
    }
    UNTIL(w, "idle", idle(w));
    CHECK("known", get_user(w, "u7", &u) && !u.verified && u.welcomed);
    CHECK_Z("phone in the form that is called", u.phone, "+12025550190");
    CHECK_INT("all orders", redis_int(w, "ZCARD oa:u7"), 10);
    CHECK_INT("one welcome, which is outside his window", redis_int(w, "ZCARD mu:u7"), 1);
    (void)before;
    world_free(&w);
}

/* One person's words are executed in the order in which they were accepted, also all at once. */
static void test_order_of_words(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    order(w, "w1");
    for (int i = 0; i < 12; i++) {
        put_text(w, ANA, arena_printf(w->a, "m%d", i).p,
                 arena_printf(w->a, "NOTE w1 number %d.", i).p);
    }
    put_text(w, ANA, "ms", "START w1");
    put_text(w, ANA, "mc", "COMPLETE w1");
    UNTIL(w, "idle", idle(w));
    CHECK("completed", get_order(w, "w1", &o) && o.status == ORDER_COMPLETED);
    for (int64_t i = 0; i < 12; i++) {
        struct str want = arena_printf(w->a, "number %lld.", (long long)i);

        CHECK("in order", str_find(stream_event(w, i + 1), want) != SIZE_MAX);
    }
    world_free(&w);
}

/* ---- what cannot be carried out ---- */

static void make_damage(struct world *w, const char *what, struct str id)
{
    if (strcmp(what, "item") == 0) {
        redis_get(w, "HSET i:%.*s b x", STR_ARG(id));
    } else if (strcmp(what, "item gone") == 0) {
        redis_get(w, "DEL i:%.*s", STR_ARG(id));
    } else if (strcmp(what, "forged") == 0) {
        redis_get(w, "HSET i:%.*s b R{\"reason\":\"x\"}", STR_ARG(id));
    } else {
        redis_get(w, "HSET %s b x", what);
    }
}

static const struct {
    const char *label, *damage, *text;
    bool dead;
    const char *says; /* to Ana; NULL: nothing */
} damages[] = {
    {"the item",          "item",      "STATUS",  true,  NULL      },
    {"the item is gone",  "item gone", "STATUS",  true,  NULL      },
    {"the item is plain", "forged",    "STATUS",  true,  NULL      },
    {"the person",        "u:u1",      "STATUS",  true,  NULL      },
    {"the conversation",  "c:u1",      "STATUS",  false, "Assigned"},
    {"one order of two",  "o:w1",      "MY WORK", false, "WO-w2"   },
};

static void test_damage(void)
{
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct world *w = world_new(NULL);
        const char *label = damages[i].label;
        struct str id, letter;
        char lane[100];

        order(w, "w1");
        order(w, "w2");
        put_text(w, ANA, "m0", "MY WORK"); /* so that there is a conversation */
        UNTIL(w, label, idle(w));
        world_kill(w);
        world_start(w);
        lane_worker_pause(w->et->in, true);
        put_text(w, ANA, "m1", damages[i].text);
        snprintf(lane, sizeof(lane), "%s", redis_get(w, "ZRANGE r:in:1 0 0"));
        id = arena_dup(w->a, str_of(redis_get(w, "LINDEX l:in:%s 0", lane)));
        CHECK(label, id.n > 0);
        make_damage(w, damages[i].damage, id);
        w->nsent = 0;
        lane_worker_pause(w->et->in, false);
        UNTIL(w, label, idle(w));
        CHECK_INT(label, redis_int(w, "ZCARD dl"), damages[i].dead);
        if (damages[i].dead) {
            letter = dead_letter(w, NULL);
            CHECK(label, str_find(letter, STR("\"kind\":\"inbound\"")) != SIZE_MAX);
            CHECK(label,
                  str_find(letter, id) != SIZE_MAX && str_find(letter, str_of(lane)) != SIZE_MAX);
            CHECK_INT(label, redis_int(w, "EXISTS i:%.*s", STR_ARG(id)),
                      strcmp(damages[i].damage, "item gone") != 0);
        } else {
            CHECK_INT(label, sent_to(w, ANA, damages[i].says), 1);
            CHECK_Z(label, str_of(redis_get(w, "EXISTS i:%.*s", STR_ARG(id))), "0");
        }
        world_free(&w);
    }
}

/* Damaged documents do not stop the CMMS: what it tells now mends them. */
static void test_mend(void)
{
    struct world *w = world_new(NULL);
    struct order o;
    struct user u;

    order(w, "w1");
    redis_get(w, "HSET o:w1 b x");
    redis_get(w, "HSET u:u1 b x");
    put_event(w, "e1", "cmms.workorder.updated.v1", ORDER("w1", ",\"priority\":\"high\"" TO_ANA));
    put_event(w, "e2", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"" ANA
              "\",\"verified\":true}}");
    UNTIL(w, "idle", idle(w));
    CHECK("order", get_order(w, "w1", &o) && o.priority == ORDER_PRIO_HIGH);
    CHECK("person", get_user(w, "u1", &u) && str_eqz(u.name, "Ana"));
    CHECK_INT("no dead letter", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* An item that has ended the gateway (or lost its lease) five times is not begun a sixth time. */
static void test_reaped(void)
{
    static const struct {
        const char *label;
        int lost;
        bool dead;
    } cases[] = {
        {"once",  0, false},
        {"often", 3, false},
        {"again", 4, true },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world *w = world_new(NULL);
        char lane[100], id[64];

        lane_worker_pause(w->et->in, true);
        put_text(w, ANA, "m1", "STATUS");
        snprintf(lane, sizeof(lane), "%s", redis_get(w, "ZRANGE r:in:1 0 0"));
        snprintf(id, sizeof(id), "%s", redis_get(w, "LINDEX l:in:%s 0", lane));
        redis_get(w, "ZREM r:in:1 %s", lane);
        redis_get(w, "HSET k:in %s 1|%s|ghost.1", lane, id);
        redis_get(w, "ZADD f:in 1 %s", lane);
        redis_get(w, "HSET i:%s n %d", id, cases[i].lost);
        lane_worker_pause(w->et->in, false);
        UNTIL(w, cases[i].label, idle(w));
        CHECK_INT(cases[i].label, redis_int(w, "ZCARD dl"), cases[i].dead);
        CHECK_INT(cases[i].label, w->nsent, !cases[i].dead);
        if (cases[i].dead) {
            CHECK_Z("a replay counts anew", str_of(redis_get(w, "HGET i:%s n", id)), "0");
        }
        world_free(&w);
    }
}

/* ---- refusals of the CMMS ---- */

static void test_refused(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    order(w, "w1");
    w->hooks[w->nhooks++] =
        (struct act){.status = 409, .body = "{\"reason\":\"locked by planning\"}"};
    put_text(w, ANA, "m1", "START w1");
    UNTIL(w, "told", sent_to(w, ANA, "locked by planning") == 1);
    UNTIL(w, "idle", idle(w));
    CHECK("back", get_order(w, "w1", &o) && o.status == ORDER_OPEN && o.refused_back_to.n == 0);
    CHECK("traced", has_entry(w, "w1", "refused", "locked by planning"));
    CHECK_INT("asked once", w->nhooked, 1);
    world_free(&w);
}

/* Nothing goes back where a fault was reported: that it is not booked has to be said all the more.
 */
static void test_report_refused(void)
{
    struct world *w = world_new(NULL);

    w->hooks[w->nhooks++] = (struct act){.status = 422, .body = "{\"reason\":\"no such machine\"}"};
    put_text(w, ANA, "m1", "REPORT the lamp over gate 3 is out");
    UNTIL(w, "told", sent_to(w, ANA, "no such machine") == 1);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("of what", sent_to(w, ANA, "refused: the lamp over gate 3 is out"), 1);
    CHECK_INT("asked once", w->nhooked, 1);
    world_free(&w);
}

/* The first request is refused while a later one is on its way: what the later one shows stays. */
static void test_refused_first(void)
{
    struct world *w = world_new(NULL);
    struct http_reply no = {
        .status = 409, .content_type = "application/json", .body = STR("{\"reason\":\"no\"}")};
    struct order o;

    order(w, "w1");
    w->hooks[w->nhooks++] = (struct act){.how = HANG};
    put_text(w, ANA, "m1", "ACK w1");
    UNTIL(w, "asked", w->nhooked == 1);
    put_text(w, ANA, "m2", "START w1");
    UNTIL(w, "started", get_order(w, "w1", &o) && o.status == ORDER_IN_PROGRESS);
    http_reply(w->hanging[0], &no);
    UNTIL(w, "told", sent_to(w, ANA, "refused") == 1 && idle(w));
    CHECK("stays", get_order(w, "w1", &o) && o.status == ORDER_IN_PROGRESS);
    world_free(&w);
}

/* Both are refused: it is again what it was before the first. */
static void test_refused_both(void)
{
    struct world *w = world_new(NULL);
    struct http_reply no = {
        .status = 409, .content_type = "application/json", .body = STR("{\"reason\":\"no\"}")};
    struct order o;

    order(w, "w1");
    w->hooks[w->nhooks++] = (struct act){.how = HANG};
    w->hooks[w->nhooks++] = (struct act){.status = 409, .body = "{\"reason\":\"neither\"}"};
    put_text(w, ANA, "m1", "START w1");
    UNTIL(w, "asked", w->nhooked == 1);
    put_text(w, ANA, "m2", "COMPLETE w1");
    UNTIL(w, "completed", get_order(w, "w1", &o) && o.status == ORDER_COMPLETED);
    http_reply(w->hanging[0], &no);
    UNTIL(w, "told of both", sent_to(w, ANA, "neither") == 1 && idle(w));
    CHECK("as it was", get_order(w, "w1", &o) && o.status == ORDER_OPEN);
    world_free(&w);
}

/* ---- statuses ---- */

static const struct {
    const char *label, *tenant;
    enum delivery_state states[3];
    int events;
    const char *state;
} statuses[] = {
    {"failures only: all well",  "",                                    {DELIVERY_SENT, DELIVERY_DELIVERED, DELIVERY_READ}, 0, "read"     },
    {"failures only: failed",    "",                                    {DELIVERY_FAILED},                                  1, "failed"   },
    {"failed twice",             "",                                    {DELIVERY_FAILED, DELIVERY_FAILED},                 1, "failed"   },
    {"failed after delivered",   "",                                    {DELIVERY_DELIVERED, DELIVERY_FAILED},              0, "delivered"},
    {"all",
     "\"message_status_events\":\"all\",",                              {DELIVERY_SENT, DELIVERY_DELIVERED, DELIVERY_READ},
     2,                                                                                                                        "read"     },
    {"all, swapped and doubled",
     "\"message_status_events\":\"all\",",                              {DELIVERY_READ, DELIVERY_DELIVERED, DELIVERY_READ},
     1,                                                                                                                        "read"     },
    {"none",                     "\"message_status_events\":\"none\",", {DELIVERY_FAILED},                                  0, "failed"   },
};

static void test_statuses(void)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct world *w = world_new(&(struct world_options){.tenant = statuses[i].tenant});
        struct str id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});

        UNTIL(w, statuses[i].label, str_eqz(message_state(w, id), "sent"));
        for (size_t k = 0; k < 3 && statuses[i].states[k] != DELIVERY_NONE; k++) {
            put_status(w, w->sent[0].id, STR_NONE, statuses[i].states[k], 131026);
            UNTIL(w, statuses[i].label, idle(w));
        }
        CHECK_Z(statuses[i].label, message_state(w, id), statuses[i].state);
        CHECK_INT(statuses[i].label, stream_events(w, "gateway.message.status_changed.v1", ""),
                  statuses[i].events);
        world_free(&w);
    }
}

/* "Failed" comes before the answer that tells us the id it is about. */
static void test_early_failure(void)
{
    struct world *w = world_new(NULL);
    struct http_reply good = {.status = 200,
                              .content_type = "application/json",
                              .body = STR("{\"messages\":[{\"id\":\"wamid.EARLY\"}]}")};
    struct str id;

    w->sends[w->nsends++] = (struct act){.how = HANG};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "posted", w->nsent == 1);
    put_status(w, STR("wamid.EARLY"), STR_NONE, DELIVERY_FAILED, 131026);
    world_run(w, 100);
    http_reply(w->hanging[0], &good);
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed"));
    UNTIL(w, "told", stream_events(w, "gateway.message.status_changed.v1", "failed") == 1);
    UNTIL(w, "idle", idle(w));
    world_free(&w);
}

/* ---- windows ---- */

static void test_group_window(void)
{
    struct world *w = world_new(NULL);
    struct inbound in = {.kind = INBOUND_MESSAGE,
                         .number_id = STR("106540352242922"),
                         .provider_id = STR("g1"),
                         .phone = STR(ANA),
                         .group_id = STR("g"),
                         .at = wall_now(),
                         .type = INBOUND_TEXT,
                         .type_name = STR("text"),
                         .text = STR("HELP")};

    redis_get(w, "DEL w:main");
    put_inbound(w, &in);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("closed", str_of(redis_get(w, "HEXISTS w:main u1")), "0");
    in.group_id = STR_NONE;
    in.provider_id = STR("g2");
    put_inbound(w, &in);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("open", str_of(redis_get(w, "HEXISTS w:main u1")), "1");
    CHECK_INT("answered", w->nsent, 1);
    world_free(&w);
}

static void test_long_words(void)
{
    struct world *w = world_new(NULL);
    static char words[70000];

    order(w, "w1");
    memset(words, 'x', sizeof(words) - 1);
    memcpy(words, "NOTE w1 ", 8);
    put_text(w, ANA, "m1", words);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("whole to the CMMS", stream_events(w, "gateway.workorder.note_added.v1", words + 8),
              1);
    CHECK_INT("no dead letter", redis_int(w, "ZCARD dl"), 0);
    memcpy(words, "what is ", 8);
    put_text(w, ANA, "m2", words);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("no dead letter either", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* Redis goes in the middle of an item: it is executed once, when it is back. */
static void test_redis_away(void)
{
    struct world *w = world_new(NULL);

    order(w, "w1");
    put_text(w, ANA, "m1", "NOTE w1 once only.");
    redis_fixture_kill(w->redis);
    world_run(w, 700);
    redis_fixture_start(w->redis);
    redis_fixture_wait(w->redis);
    UNTIL(w, "idle", idle(w) && stream_events(w, "gateway.workorder.note_added.v1", "") > 0);
    world_run(w, 50);
    CHECK_INT("once", stream_events(w, "gateway.workorder.note_added.v1", "once only"), 1);
    world_free(&w);
}

/* ---- blue ticks ---- */

static const struct {
    const char *label;
    enum inbound_type type;
    const char *group, *account, *number;
    bool marked;
} marks[] = {
    {"words",   INBOUND_TEXT,     "",   "",                                   "106540352242922", true },
    {"a thumb", INBOUND_REACTION, "",   "",                                   "106540352242922", false},
    {"a group", INBOUND_TEXT,     "g1", "",                                   "106540352242922", false},
    {"Twilio",  INBOUND_TEXT,     "",   "AC0123456789abcdef0123456789abcdef", "+12025550177",    false},
};

static void test_marks(void)
{
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        struct world *w = world_new(NULL);
        const struct inbound in = {.kind = INBOUND_MESSAGE,
                                   .number_id = str_of(marks[i].number),
                                   .account = str_of(marks[i].account),
                                   .provider_id = STR("wamid.said"),
                                   .group_id = str_of(marks[i].group),
                                   .phone = STR(ANA),
                                   .at = wall_now(),
                                   .type = marks[i].type,
                                   .text = STR("STATUS")};

        put_inbound(w, &in);
        UNTIL(w, marks[i].label, idle(w));
        world_run(w, 200);
        CHECK_INT(marks[i].label, w->nmarked, marks[i].marked);
        CHECK_Z(marks[i].label, w->marked, marks[i].marked ? "wamid.said" : "");
        world_free(&w);
    }
}

/* No answer to them, and a bad one, delay nothing, are tried once and pause nobody. */
static void test_marks_fail(void)
{
    struct world *w = world_new(NULL);
    int64_t refused = metric_get(METRIC_SEND_FAILED);

    w->mark = (struct act){.how = HANG};
    put_text(w, ANA, "m1", "STATUS");
    UNTIL(w, "marked", w->nmarked == 1);
    put_text(w, ANA, "m2", "STATUS");
    UNTIL(w, "the next is answered all the same", w->nsent == 2);
    w->mark = (struct act){.status = 401, .body = "{\"error\":{\"message\":\"m\",\"code\":190}}"};
    put_text(w, ANA, "m3", "STATUS");
    UNTIL(w, "answered", w->nsent == 3 && w->nmarked == 3 && idle(w));
    world_run(w, 300);
    CHECK_INT("tried once", w->nmarked, 3);
    CHECK_INT("no failure", metric_get(METRIC_SEND_FAILED), refused);
    put_text(w, ANA, "m4", "STATUS");
    UNTIL(w, "nobody is paused", w->nsent == 4);
    CHECK_INT("nor told", w->nalerts, 0);
    CHECK_INT("nor is it a message", redis_int(w, "ZCARD mu:u1"), 4);
    world_free(&w);
}

/* With people waiting there is something better to do. */
static void test_marks_busy(void)
{
    struct world *w = world_new(NULL);

    lane_worker_pause(w->et->in, true);
    for (int i = 0; i < 60; i++) {
        put_text(w, arena_printf(w->a, "+1202556%04d", i).p, arena_printf(w->a, "m%d", i).p, "Hi");
    }
    lane_worker_pause(w->et->in, false);
    UNTIL(w, "all answered", w->nsent == 60 && idle(w));
    world_run(w, 300);
    CHECK("some are left out", w->nmarked < 60);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_conflicts),      TEST(test_order_of_words), TEST(test_damage),
        TEST(test_mend),           TEST(test_reaped),         TEST(test_refused),
        TEST(test_report_refused), TEST(test_refused_first),  TEST(test_statuses),
        TEST(test_early_failure),  TEST(test_group_window),   TEST(test_long_words),
        TEST(test_redis_away),     TEST(test_marks),          TEST(test_marks_fail),
        TEST(test_marks_busy),     TEST(test_refused_both)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
