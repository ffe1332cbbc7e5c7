/* The sender: pause and its probe, rest, slow-down; none of it costs a message an attempt. */
#include "world.h"

#include "outbox_int.h"

#define TOKEN "{\"error\":{\"message\":\"m\",\"code\":190}}"

static bool health(struct world *w, size_t i, struct sender_health *out)
{
    struct sender_health all[4];
    size_t n = engine_senders(w->et, all, 4);

    *out = all[i];
    return n == 2;
}

/* Ten people; the first answer says that the token is dead. */
static void test_pause(void)
{
    struct world *w = world_new(NULL);
    struct sender_health h;
    struct str ids[10];
    char user[8];

    for (int i = 0; i < 10; i++) {
        w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    }
    for (int i = 0; i < 10; i++) {
        snprintf(user, sizeof(user), "p%d", i);
        redis_get(w, "HSET w:main %s %lld", user, (long long)wall_now().ms);
        ids[i] = put_message(w, &(struct message_options){.prio = PRIO_NORMAL,
                                                          .user = arena_dup(w->a, str_of(user)).p});
    }
    UNTIL(w, "paused", health(w, 0, &h) && h.paused);
    UNTIL(w, "all back", redis_int(w, "HLEN k:out:main") == 0);
    world_run(w, 1300);
    CHECK("paused it asks nothing", w->nsent <= 10);
    CHECK_Z("why", h.reason, "The access token has expired or is invalid");
    CHECK("the other goes on", health(w, 1, &h) && !h.paused);
    for (int i = 0; i < 10; i++) {
        CHECK_INT("no attempt is burnt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[i])), 0);
    }
    CHECK_INT("the CMMS hears of it, once",
              stream_events(w, "gateway.system.alert.v1", "sender:main"), 1);
    w->asends = w->nsends;
    CHECK("no such sender", !engine_sender_resume(w->et, STR("nobody")));
    CHECK("resumed", engine_sender_resume(w->et, STR("main")));
    for (int i = 0; i < 10; i++) {
        UNTIL(w, "sent", str_eqz(message_state(w, ids[i]), "sent"));
        CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[i])), 1);
    }
    world_free(&w);
}

static void test_reload_resumes(void)
{
    struct world *w = world_new(NULL);
    struct sender_health h;
    struct str id;

    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "paused", health(w, 0, &h) && h.paused);
    engine_reloaded(w->engine);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    world_free(&w);
}

/* The probe is called by hand: a minute is too long for a test. */
static void test_probe(void)
{
    struct world *w = world_new(NULL);
    struct outbox *ob;
    struct sender_health h;

    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "paused", health(w, 0, &h) && h.paused);
    ob = outbox_find(w->et, STR("out:main"));
    w->probe_status = 401;
    timer_start(ob->probe, 0);
    UNTIL(w, "probed", w->nprobes == 1 && ob->probing == NULL);
    CHECK("still paused", ob->paused && timer_running(ob->probe));
    w->probe_status = 0;
    timer_start(ob->probe, 0);
    UNTIL(w, "resumed", !ob->paused);
    CHECK("begins with a few", ob->factor_pct < 50);
    UNTIL(w, "sent", w->nsent == 2 && idle(w));
    world_free(&w);
}

/* Fifty refusals at once are one sign, not fifty. */
static void test_slow_down(void)
{
    struct world *w = world_new(NULL);
    struct outbox *main_ = outbox_find(w->et, STR("out:main")),
                  *tw = outbox_find(w->et, STR("out:tw"));

    for (int i = 0; i < 50; i++) {
        outbox_slow_down(main_, SCOPE_SENDER);
    }
    CHECK_INT("halved once", main_->factor_pct, 50);
    CHECK_INT("the other is another's", tw->factor_pct, 100);
    CHECK("no grants meanwhile", !outbox_grants(main_));
    CHECK("the other grants", outbox_grants(tw));
    engine_reloaded(w->engine);
    CHECK_INT("a reload does not forget it", main_->factor_pct, 50);
    main_->slowed.us -= 2000000;
    outbox_slow_down(main_, SCOPE_ACCOUNT);
    CHECK_INT("and again", main_->factor_pct, 25);
    for (int i = 0; i < 10; i++) {
        main_->slowed.us -= 2000000;
        outbox_slow_down(main_, SCOPE_SENDER);
    }
    CHECK_INT("never to nothing", main_->factor_pct, 5);
    UNTIL(w, "it grows", main_->factor_pct > 5);
    world_free(&w);
}

/* An hour of silence, for the whole sender: others do not run into the same answer. */
static void test_rest(void)
{
    struct world *w = world_new(NULL);
    struct sender_health h;
    struct str first, second;

    w->sends[w->nsends++] =
        (struct act){.status = 400, .body = "{\"error\":{\"message\":\"m\",\"code\":131048}}"};
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "rests", health(w, 0, &h) && h.paused);
    second = put_message(w, &(struct message_options){.prio = PRIO_CRITICAL, .user = "u2"});
    world_run(w, 300);
    CHECK_INT("silence", w->nsent, 1);
    CHECK_Z("first", message_state(w, first), "sending");
    CHECK_Z("second", message_state(w, second), "queued");
    CHECK_INT("told", stream_events(w, "gateway.system.alert.v1", "sender:main"), 1);
    engine_sender_resume(w->et, STR("main"));
    UNTIL(w, "sent",
          str_eqz(message_state(w, first), "sent") && str_eqz(message_state(w, second), "sent"));
    CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(first)), 1);
    world_free(&w);
}

static void test_retry_after(void)
{
    struct world *w = world_new(NULL);
    struct str first, second;

    w->sends[w->nsends++] = (struct act){.status = 429, .retry_after_s = 1};
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "asked", w->nsent == 1);
    second = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .user = "u2"});
    UNTIL(w, "both",
          str_eqz(message_state(w, first), "sent") && str_eqz(message_state(w, second), "sent"));
    CHECK("honoured", w->sent[1].at_ms - w->sent[0].at_ms >= 990);
    world_free(&w);
}

/* Too fast for one person: all his lanes wait, nobody else's. */
static void test_pair(void)
{
    struct world *w = world_new(NULL);
    struct outbox *ob = outbox_find(w->et, STR("out:main"));
    struct sender *s = (struct sender *)(uintptr_t)ob->sender;
    struct str first, reply, other;

    s->pair_interval_ms = 100;
    s->pair_burst = 45;
    outbox_apply_rate(ob);
    w->sends[w->nsends++] = (struct act){.status = 400,
                                         .body = "{\"error\":{\"message\":\"m\",\"code\":131056}}",
                                         .retry_after_s = 1};
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "refused", w->nsent == 1 && redis_int(w, "HLEN k:out:main") == 0);
    reply = put_message(w, &(struct message_options){.prio = PRIO_REPLY});
    other = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .user = "u2"});
    UNTIL(w, "other", str_eqz(message_state(w, other), "sent"));
    CHECK_Z("his reply waits too", message_state(w, reply), "queued");
    UNTIL(w, "both",
          str_eqz(message_state(w, first), "sent") && str_eqz(message_state(w, reply), "sent"));
    CHECK("after a second", w->sent[2].at_ms - w->sent[0].at_ms >= 950);
    CHECK_INT("no more of it", w->nsent, 4);
    CHECK_INT("whole speed", ob->factor_pct, 100);
    world_free(&w);
}

/* A queue of one person and class: the next starts when the previous is decided. */
static void test_order(void)
{
    struct world *w = world_new(NULL);
    const char *const words[] = {"one", "two", "three", "four"};

    w->sends[w->nsends++] =
        (struct act){.status = 500, .body = "{\"error\":{\"message\":\"m\",\"code\":2}}"};
    w->sends[w->nsends++] = (struct act){.how = RESET};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .text = words[i]});
    }
    put_message(w, &(struct message_options){.prio = PRIO_CRITICAL, .text = "urgent"});
    UNTIL(w, "sent", w->nsent == 7 && idle(w));
    CHECK("an emergency does not queue", str_eqz(w->sent[1].text, "urgent"));
    for (size_t i = 0, at = 0; i < w->nsent; i++) {
        while (at < ARRAY_LEN(words) && !str_eqz(w->sent[i].text, words[at])) {
            if (str_eqz(w->sent[i].text, "urgent")) {
                break;
            }
            at++;
        }
        CHECK("in order", at < ARRAY_LEN(words));
    }
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_pause), TEST(test_reload_resumes), TEST(test_probe), TEST(test_slow_down),
        TEST(test_rest),  TEST(test_retry_after),    TEST(test_pair),  TEST(test_order)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
