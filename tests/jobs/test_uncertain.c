/* A send without an answer: what settles it, what the timeline and the list of a provider say. */
#include "world.h"

#include <time.h>

#include "approvals.h"
#include "outbox_int.h"

static const struct message_options by_twilio = {.prio = PRIO_NORMAL, .sender = "tw"};

static int count_of(struct str text, const char *part)
{
    int n = 0;

    for (size_t at; (at = str_find(text, str_of(part))) != SIZE_MAX; n++) {
        text = str_slice(text, at + 1, text.n);
    }
    return n;
}

static const struct {
    const char *label;
    const char *sid, *to, *body, *status; /* in the list; sid NULL: nothing */
    int ago_s;
    const char *state;
    size_t posts;
    const char *timeline;
} looks[] = {
    {"found",            "SMfound", ANA, "hello", "sent",        0,   "sent",   1, "found in"          },
    {"found in the end", "SMfound", ANA, "hello", "undelivered", 0,   "failed", 1, "63024|"            },
    {"nothing there",    NULL,      "",  "",      "",            0,   "sent",   2, "possible_duplicate"},
    {"to somebody else", "SMother", BEN, "hello", "sent",        0,   "sent",   2, "possible_duplicate"},
    {"other words",      "SMother", ANA, "hallo", "sent",        0,   "sent",   2, "possible_duplicate"},
    {"long before",      "SMother", ANA, "hello", "sent",        300, "sent",   2, "possible_duplicate"},
    {"known of another", "SMknown", ANA, "hello", "sent",        0,   "sent",   2, "possible_duplicate"},
};

static void test_lookup(void)
{
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        struct world *w = world_new(NULL);
        const char *label = looks[i].label;
        struct str id, timeline;

        if (looks[i].sid != NULL) {
            w->list = world_listed(w, looks[i].sid, looks[i].to, looks[i].body, looks[i].status,
                                   looks[i].ago_s);
        }
        put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .text = "an earlier one"});
        UNTIL(w, label, w->nsent == 1 && idle(w)); /* its id is the first that is kept: in p:1 */
        redis_get(
            w, "HSET p:1 %.*s another",
            STR_ARG(vault_hash_arena(engine_tenant(w->et)->vault, w->a, "pid", STR("SMknown"))));
        w->sends[w->nsends++] = (struct act){.how = RESET};
        id = put_message(w, &by_twilio);
        UNTIL(w, label, idle(w) && str_eqz(message_state(w, id), looks[i].state));
        timeline = message_timeline(w, id);
        CHECK_INT(label, w->nsent, 1 + looks[i].posts);
        CHECK_INT(label, w->nlists, 1);
        CHECK_INT(label, redis_int(w, "HGET m:%.*s n", STR_ARG(id)), looks[i].posts);
        CHECK(label, str_find(timeline, str_of(looks[i].timeline)) != SIZE_MAX);
        /* A hand-over that was not made stands nowhere. */
        CHECK_INT(label, count_of(timeline, ",attempt "), looks[i].posts);
        CHECK_INT(label, count_of(timeline, "possible_duplicate") > 0, looks[i].posts > 1);
        world_free(&w);
    }
}

/* What was found is known by its sid from then on: its statuses move it. */
static void test_lookup_then_status(void)
{
    struct world *w = world_new(NULL);
    struct inbound in = {.kind = INBOUND_STATUS,
                         .account = STR("AC0123456789abcdef0123456789abcdef"),
                         .number_id = STR("+12025550177"),
                         .provider_id = STR("SMfound"),
                         .phone = STR(ANA),
                         .state = DELIVERY_READ};
    struct str id;

    w->list = world_listed(w, "SMfound", ANA, "hello", "sent", 0);
    w->sends[w->nsends++] = (struct act){.how = HALF};
    id = put_message(w, &by_twilio);
    UNTIL(w, "found", str_eqz(message_state(w, id), "sent"));
    put_inbound(w, &in);
    UNTIL(w, "read", str_eqz(message_state(w, id), "read"));
    CHECK_INT("once", w->nsent, 1);
    world_free(&w);
}

/* The list cannot be had: the message waits for it, and goes on without in the end. */
static void test_list_away(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    w->list = world_listed(w, "SMfound", ANA, "hello", "sent", 0);
    w->list_status = 503;
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &by_twilio);
    UNTIL(w, "asked", w->nlists == 1);
    world_run(w, 50);
    CHECK("says why it waits", str_find(message_timeline(w, id),
                                        STR("put off: the provider does not give")) != SIZE_MAX);
    w->list_status = 0;
    UNTIL(w, "found", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("once", w->nsent, 1);
    CHECK_INT("counted", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);

    w->list_status = 401;
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &by_twilio);
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    redis_get(w, "HSET m:%.*s lu 5", STR_ARG(id));
    UNTIL(w, "without the list", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("again", w->nsent, 3);
    world_free(&w);
}

/* By a template, without an answer: Twilio's list has it in the template's words. */
static void test_found_as_template(void)
{
    const struct template_state good = {.status = TEMPLATE_APPROVED,
                                        .id = STR("HX0123456789abcdef0123456789abcdef"),
                                        .at = wall_now()};
    struct world *w = world_new(NULL);
    struct str id;

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    approvals_know(w->et, STR(TWILIO_ACCOUNT),
                   approval_key(w->a, STR(TEMPLATE_UPDATED), STR("en_US")), &good);
    redis_get(w, "HDEL w:tw u1");
    w->list = world_listed(w, "SMfound", ANA, "Order WO-1 has changed", "sent", 0);
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &(struct message_options){
                            .prio = PRIO_NORMAL, .sender = "tw", .form = TEMPLATE_UPDATED});
    UNTIL(w, "decided", str_eqz(message_state(w, id), "sent"));
    CHECK("found", str_find(message_timeline(w, id), STR("found in")) != SIZE_MAX);
    CHECK_INT("said once", w->nsent, 1);
    world_free(&w);
}

/* Found, but Redis does not say whose it is: that is no reason to hand it over once more. */
static void test_whose_is_not_known(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    w->list = world_listed(w, "SMfound", ANA, "hello", "sent", 0);
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &by_twilio);
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    redis_get(w, "HSET pn x 1"); /* as a Redis that answers with an error */
    UNTIL(w, "asked", w->nlists == 1);
    world_run(w, 300);
    redis_get(w, "DEL pn");
    UNTIL(w, "found", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("once", w->nsent, 1);
    world_free(&w);
}

/* The last hand-over is held too: evidence that comes meanwhile decides it, and nothing is told. */
static void test_last_is_held(void)
{
    struct world *w = world_new(NULL);
    struct str id, timeline;

    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .max_sends = 1});
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    CHECK_INT("nothing is told yet", stream_events(w, "gateway.message.status_changed.v1", ""), 0);
    put_status(w, STR("wamid.a"), w->sent[0].correlation, DELIVERY_DELIVERED, 0);
    UNTIL(w, "delivered", idle(w) && str_eqz(message_state(w, id), "delivered"));
    world_run(w, 400);
    CHECK_INT("nor later", stream_events(w, "gateway.message.status_changed.v1", ""), 0);

    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .max_sends = 1});
    UNTIL(w, "told", stream_events(w, "gateway.message.status_changed.v1", "uncertain") == 1);
    UNTIL(w, "idle", idle(w));
    timeline = message_timeline(w, id);
    CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);
    CHECK_INT("one in the timeline", count_of(timeline, ",attempt "), 1);
    CHECK("no mark", str_find(timeline, STR("possible_duplicate")) == SIZE_MAX);
    CHECK_INT("the reason once", count_of(timeline, "0|it is not known"), 1);
    CHECK_STR("a dead letter", str_of(redis_get(w, "ZRANGE dl 0 -1")),
              arena_printf(w->a, "out:%.*s", STR_ARG(id)));
    /* Late evidence still counts. */
    put_status(w, STR("wamid.b"), w->sent[1].correlation, DELIVERY_READ, 0);
    UNTIL(w, "read", str_eqz(message_state(w, id), "read"));
    CHECK_INT("and no dead letter any more", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* ---- statuses that are odd ---- */

static const struct {
    const char *label;
    enum delivery_state said[3];
    const char *state;
} odd[] = {
    {"twice",          {DELIVERY_DELIVERED, DELIVERY_DELIVERED, DELIVERY_DELIVERED}, "delivered"},
    {"reversed",       {DELIVERY_READ, DELIVERY_DELIVERED, DELIVERY_SENT},           "read"     },
    {"failed at last", {DELIVERY_READ, DELIVERY_FAILED, DELIVERY_FAILED},            "read"     },
    {"failed first",   {DELIVERY_FAILED, DELIVERY_DELIVERED, DELIVERY_READ},         "failed"   },
};

static void test_odd_statuses(void)
{
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct world *w = world_new(NULL);
        const char *label = odd[i].label;
        struct str id;

        w->sends[w->nsends++] = (struct act){.how = HANG};
        id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
        UNTIL(w, label, w->nsent == 1);
        for (size_t k = 0; k < ARRAY_LEN(odd[i].said); k++) {
            put_status(w, STR("wamid.odd"), w->sent[0].correlation, odd[i].said[k], 131026);
            world_run(w, 20);
        }
        UNTIL(w, label, idle(w));
        world_run(w, 500);
        CHECK_Z(label, message_state(w, id), odd[i].state);
        CHECK_INT(label, w->nsent, 1);
        CHECK_INT(label, count_of(message_timeline(w, id), odd[i].state), 1);
        world_free(&w);
    }
}

/* To be put off again and again for one reason is one line, and no attempt. */
static void test_put_off(void)
{
    struct world *w = world_new(NULL);
    struct str id, timeline;

    for (int i = 0; i < 3; i++) {
        w->sends[w->nsends++] =
            (struct act){.status = 500, .body = "{\"error\":{\"message\":\"m\",\"code\":2}}"};
    }
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "put off", w->nsent == 2);
    world_run(w, 50);
    timeline = message_timeline(w, id);
    CHECK_INT("one reason", count_of(timeline, "put off: "), 1);
    CHECK("with its code", str_find(timeline, STR("(2)\n")) != SIZE_MAX);
    CHECK_INT("no attempt", count_of(timeline, ",attempt "), 0);
    CHECK_INT("not counted", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 0);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("one attempt", count_of(message_timeline(w, id), ",attempt 1\n"), 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_lookup),       TEST(test_lookup_then_status),
                                        TEST(test_list_away),    TEST(test_whose_is_not_known),
                                        TEST(test_found_as_template),
                                        TEST(test_last_is_held),
                                        TEST(test_odd_statuses), TEST(test_put_off)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
