/* Twilio's buttons: Content made, kept, lost and made anew, or numbered options; and what a detour
 * that takes too long does to the attempt. */
#include "world.h"

#include "outbox_int.h"

static void test_content(void)
{
    struct world *w = world_new(NULL);
    const struct message_options buttons = {.prio = PRIO_NORMAL, .sender = "tw", .buttons = true};
    struct str id = put_message(w, &buttons);

    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK("by content", str_find(w->sent[0].body, STR("ContentSid=HX")) != SIZE_MAX);
    id = put_message(w, &buttons);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("made once", w->ncontent, 1);
    world_stop(w, 1000);
    world_start(w);
    id = put_message(w, &buttons);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("Redis remembers", w->ncontent, 1);
    world_free(&w);
}

/* Two people at once: one resource is made and both go by it; where it cannot be made both are
 * numbered. */
static void test_content_at_once(void)
{
    static const struct {
        const char *label;
        int status;
        size_t made;
        const char *part;
    } rows[] = {
        {"made once",  0,   1, "ContentSid=HX"},
        {"not at all", 500, 2, "Body="        },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        const struct message_options ana = {.prio = PRIO_NORMAL, .sender = "tw", .buttons = true};
        struct message_options ben = ana;
        struct str ids[2];

        ben.user = "u2";
        w->content_status = rows[i].status;
        lane_worker_pause(outbox_find(w->et, STR("out:tw"))->worker, true);
        ids[0] = put_message(w, &ana);
        ids[1] = put_message(w, &ben);
        lane_worker_pause(outbox_find(w->et, STR("out:tw"))->worker, false);
        UNTIL(w, rows[i].label, w->nsent == 2 && idle(w));
        CHECK_INT(rows[i].label, w->ncontent, rows[i].made);
        for (size_t k = 0; k < 2; k++) {
            CHECK(rows[i].label, str_find(w->sent[k].body, str_of(rows[i].part)) != SIZE_MAX);
            CHECK_Z(rows[i].label, message_state(w, ids[k]), "sent");
            CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[k])), 1);
        }
        world_free(&w);
    }
}

/* The field of the only shape in Redis: its sid. */
static struct str kept_sid(struct world *w)
{
    return arena_dup(w->a, str_of(redis_get(w, "HVALS tw:tw")));
}

/* Twilio does not know the Content any more: out of the memory and out of Redis, and made anew. */
static void test_content_lost(void)
{
    static const char *const bodies[] = {"{\"code\":21655,\"message\":\"no such ContentSid\"}",
                                         "{\"code\":92006,\"message\":\"Content not found\"}"};
    const struct message_options buttons = {.prio = PRIO_NORMAL, .sender = "tw", .buttons = true};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct world *w = world_new(NULL);
        struct str id = put_message(w, &buttons), first, second;

        UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
        first = kept_sid(w);
        w->sends[w->nsends++] = (struct act){.status = 400, .body = bodies[i]};
        w->asends = w->nsends - 1;
        id = put_message(w, &buttons);
        UNTIL(w, "out of Redis", redis_int(w, "EXISTS tw:tw") == 0 || w->ncontent == 2);
        UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
        second = kept_sid(w);
        CHECK_INT(bodies[i], w->ncontent, 2);
        CHECK("another one in Redis", second.n == 34 && !str_eq(first, second));
        CHECK("used", str_find(w->sent[w->nsent - 1].body, second) != SIZE_MAX);
        CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);
        world_stop(w, 1000);
        world_start(w);
        id = put_message(w, &buttons);
        UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
        CHECK_INT("no third one, from Redis", w->ncontent, 2);
        world_free(&w);
    }
}

/* Told late of the old one, when the new one is there already: the new one stays. */
static void test_content_lost_twice(void)
{
    struct world *w = world_new(&(struct world_options){
        .config = "\"delivery\":{\"send_timeout_ms\":6000,\"lease_ms\":20000},"});
    struct message_options buttons = {.prio = PRIO_NORMAL, .sender = "tw", .buttons = true};
    struct http_reply lost = {.status = 400,
                              .content_type = "application/json",
                              .body = STR("{\"code\":21655,\"message\":\"gone\"}")};
    struct str late = STR_NONE, id = put_message(w, &buttons);

    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    w->asends = w->nsends = 0;
    w->sends[w->nsends++] = (struct act){.how = HANG};
    w->sends[w->nsends++] = (struct act){.status = 400, .body = lost.body.p};
    late = put_message(w, &buttons);
    UNTIL(w, "out", w->nsent == 2);
    buttons.user = "u2";
    id = put_message(w, &buttons);
    UNTIL(w, "sent anew", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("made anew", w->ncontent, 2);
    http_reply(w->hanging[0], &lost);
    UNTIL(w, "sent too", str_eqz(message_state(w, late), "sent"));
    CHECK_INT("by the same", w->ncontent, 2);
    world_free(&w);
}

/*
 * The process stood still between the claim and the first byte. Nothing was handed over, so it goes
 * back and is no attempt: a message that may be sent once only is sent, and nothing was uncertain.
 */
static void test_too_late_to_begin(void)
{
    static const struct {
        const char *label;
        int64_t stall_ms;
    } rows[] = {
        {"within the margin of the lease", 940 },
        {"after its end",                  1300},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(&(struct world_options){
            .config = "\"delivery\":{\"send_timeout_ms\":400,\"lease_ms\":1000,"
                      "\"uncertain_hold_ms\":300},"});
        struct str id;

        w->content_stall_ms = rows[i].stall_ms;
        id = put_message(w,
                         &(struct message_options){
                             .prio = PRIO_NORMAL, .sender = "tw", .buttons = true, .max_sends = 1});
        UNTIL(w, rows[i].label, str_eqz(message_state(w, id), "sent") && idle(w));
        CHECK_INT(rows[i].label, w->nsent, 1);
        CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);
        CHECK("never uncertain", str_find(message_timeline(w, id), STR("uncertain")) == SIZE_MAX);
        CHECK("no duplicate", str_find(message_timeline(w, id), STR("duplicate")) == SIZE_MAX);
        world_free(&w);
    }
}

/* The same, and meanwhile an older one was released behind it: that one goes first. */
static void test_too_late_and_behind(void)
{
    struct world *w = world_new(
        &(struct world_options){.config = "\"delivery\":{\"send_timeout_ms\":400,\"lease_ms\":1000,"
                                          "\"uncertain_hold_ms\":300},"});
    struct str late, older;

    w->content_stall_ms = 1300;
    lane_worker_pause(outbox_find(w->et, STR("out:tw"))->worker, true);
    late = put_message(
        w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw", .buttons = true});
    older = put_message(
        w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw", .text = "older"});
    redis_get(w, "HSET m:%.*s hb %.*s", STR_ARG(late), STR_ARG(older));
    lane_worker_pause(outbox_find(w->et, STR("out:tw"))->worker, false);
    UNTIL(w, "both", w->nsent == 2 && idle(w));
    CHECK_Z("which", w->sent[0].text, "older");
    CHECK_Z("the other one", message_state(w, late), "sent");
    CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(late)), 1);
    CHECK_INT("nobody is behind it", redis_int(w, "HEXISTS m:%.*s hb", STR_ARG(late)), 0);
    world_free(&w);
}

static void test_numbered(void)
{
    struct world *w = world_new(NULL);
    struct inbound in = {.kind = INBOUND_MESSAGE,
                         .account = STR("AC0123456789abcdef0123456789abcdef"),
                         .number_id = STR("+12025550177"),
                         .provider_id = STR("SM1"),
                         .phone = STR(ANA),
                         .type = INBOUND_TEXT,
                         .type_name = STR("text"),
                         .text = STR("1")};
    struct order o;
    struct str id;

    put_event(w, "o1", "cmms.workorder.created.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":"
              "\"open\",\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "told", w->nsent == 1 && idle(w));
    w->content_status = 500;
    id = put_message(
        w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw", .buttons = true});
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK("numbered", str_find(w->sent[1].text, STR("1. Acknowledge")) != SIZE_MAX ||
                          str_find(w->sent[1].text, STR("1) Acknowledge")) != SIZE_MAX);
    put_inbound(w, &in);
    UNTIL(w, "acknowledged", get_order(w, "w1", &o) && o.status == ORDER_ACKNOWLEDGED);
    UNTIL(w, "answered, with numbers too", idle(w));
    /* He goes on to something else: a number is no tap any more. */
    in.provider_id = STR("SM2");
    in.text = STR("STATUS");
    put_inbound(w, &in);
    UNTIL(w, "idle", idle(w));
    CHECK_Z("forgotten", str_of(redis_get(w, "HEXISTS c:u1 op")), "0");
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_content),           TEST(test_content_at_once),
        TEST(test_content_lost),      TEST(test_content_lost_twice),
        TEST(test_too_late_to_begin), TEST(test_too_late_and_behind),
        TEST(test_numbered)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
