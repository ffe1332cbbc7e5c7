/* The sender: pause and its probe, rest, slow-down; none of it costs a message an attempt. */
#include "world.h"

#include "base/mem.h"
#include "outbox_int.h"

#include <time.h>

#define TOKEN "{\"error\":{\"message\":\"m\",\"code\":190}}"

static bool stands(struct world *w, const char *sender, const char *field)
{
    return redis_int(w, "HGET sn:%s %s", sender, field) > 0;
}

static int64_t pct(struct world *w, const char *sender)
{
    return redis_int(w, "HGET sn:%s pct", sender);
}

static int resumed;
static void on_resumed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    (void)ctx;
    (void)outcome;
    CHECK("resumed", err == NULL);
    resumed++;
}

static void resume_of(struct world *w, const char *sender)
{
    int before = resumed;

    CHECK("there is such a sender",
          engine_sender_resume(w->et, str_of(sender), on_resumed, NULL) != NULL);
    UNTIL(w, "resumed", resumed > before);
}

static void resume(struct world *w)
{
    resume_of(w, "main");
}

/* Ten people; the first answer says that the token is dead. */
static void test_pause(void)
{
    struct world *w = world_new(NULL);
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
    UNTIL(w, "paused", stands(w, "main", "paused"));
    UNTIL(w, "all back", redis_int(w, "HLEN k:out:main") == 0);
    world_run(w, 1300);
    CHECK("paused it asks nothing", w->nsent <= 10);
    CHECK_Z("why", str_of(redis_get(w, "HGET sn:main why")),
            "The access token has expired or is invalid");
    CHECK("and what to do", strlen(redis_get(w, "HGET sn:main advice")) > 0);
    CHECK("the other goes on", !stands(w, "tw", "paused"));
    for (int i = 0; i < 10; i++) {
        CHECK_INT("no attempt is burnt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[i])), 0);
    }
    CHECK_INT("the CMMS hears of it, once",
              stream_events(w, "gateway.system.alert.v1", "sender:main"), 1);
    w->asends = w->nsends;
    CHECK("no such sender", engine_sender_resume(w->et, STR("nobody"), on_resumed, NULL) == NULL);
    resume(w);
    for (int i = 0; i < 10; i++) {
        UNTIL(w, "sent", str_eqz(message_state(w, ids[i]), "sent"));
        CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[i])), 1);
    }
    world_free(&w);
}

static void test_reload_resumes(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "paused", stands(w, "main", "paused"));
    engine_reloaded(w->engine);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    world_free(&w);
}

/* A gateway that starts tries the paused senders; after that the chore comes each minute. */
static void test_probe(void)
{
    struct world *w = world_new(NULL);

    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "paused", stands(w, "main", "paused"));
    world_stop(w, 2000);
    w->probe_status = 401;
    w->nprobes = 0;
    world_start(w);
    UNTIL(w, "probed", w->nprobes == 1);
    world_run(w, 200);
    CHECK("still paused", stands(w, "main", "paused"));
    CHECK_INT("it asks nothing", w->nsent, 1);
    world_stop(w, 2000);
    w->probe_status = 0;
    world_start(w);
    UNTIL(w, "resumed", !stands(w, "main", "paused"));
    CHECK_INT("begins with a few", pct(w, "main"), 5);
    UNTIL(w, "sent", w->nsent == 2 && idle(w));
    world_free(&w);
}

/* What was begun before a resume says nothing about what is now. */
static void test_late_answer(void)
{
    struct world *w = world_new(NULL);

    w->sends[w->nsends++] = (struct act){.how = HANG};
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "asked", w->nsent == 1);
    resume(w);
    http_reply(w->hanging[0], &(struct http_reply){.status = 401, .body = STR(TOKEN)});
    w->hanging[0] = NULL;
    UNTIL(w, "sent", w->nsent == 2 && idle(w));
    CHECK("not paused", !stands(w, "main", "paused"));
    world_free(&w);
}

/* Two gateways: what one hears both obey, and one resumes for both. */
static void test_two_gateways(void)
{
    struct world *w = world_new(NULL), *second;
    struct str id;

    second = world_new(&(struct world_options){.keep_data = true});
    world_run(second, 100); /* it has looked whom to probe */
    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "paused", stands(w, "main", "paused"));
    id = put_message(second, &(struct message_options){.prio = PRIO_CRITICAL, .user = "u2"});
    world_run(second, 300);
    CHECK_INT("the other asks nothing", second->nsent, 0);
    CHECK_Z("it waits", message_state(second, id), "queued");
    resume(w);
    for (int i = 0; i < 100 && w->nsent + second->nsent < 3; i++) {
        world_run(w, 10);
        world_run(second, 10);
    }
    CHECK_INT("both go on", w->nsent + second->nsent, 3);
    UNTIL(second, "sent", str_eqz(message_state(second, id), "sent"));
    world_free(&second);
    world_free(&w);
}

#define TOO_FAST "{\"error\":{\"message\":\"m\",\"code\":130429}}"

/* Many refusals at once are one sign, not many; the account's other number hears it too. */
static void test_slow_down(void)
{
    struct world *w = world_new(NULL);
    char user[8];

    for (int i = 0; i < 12; i++) {
        w->sends[w->nsends++] = (struct act){.status = 400, .body = TOO_FAST};
        snprintf(user, sizeof(user), "p%d", i);
        redis_get(w, "HSET w:main %s %lld", user, (long long)wall_now().ms);
    }
    for (int i = 0; i < 12; i++) {
        snprintf(user, sizeof(user), "p%d", i);
        put_message(w, &(struct message_options){.prio = PRIO_NORMAL,
                                                 .user = arena_dup(w->a, str_of(user)).p});
    }
    UNTIL(w, "told", stands(w, "main", "since"));
    world_run(w, 300);
    CHECK_INT("halved once", pct(w, "main"), 50);
    CHECK("the other is another's", !stands(w, "tw", "since"));
    engine_reloaded(w->engine);
    world_run(w, 50);
    CHECK_INT("a reload does not forget it", pct(w, "main"), 50);
    UNTIL(w, "sent", w->nsent == 24 && idle(w));
    world_free(&w);
}

/*
 * Accepted, and refused by a status, as most of Twilio's refusals come: a limit fails no message,
 * and of what stops the sender the rest of the queue is no part.
 */
static const struct {
    const char *label, *sender;
    int64_t code;
    const char *field; /* of the sender; NULL: it is the pair's alone */
    int times;
} told_late[] = {
    {"Meta's pace",      "main", 130429, "since",  1},
    {"Twilio's pace",    "tw",   63018,  "since",  3},
    {"an hour's rest",   "main", 131048, "rest",   1},
    {"the pair's pace",  "main", 131056, NULL,     2},
    {"payment",          "main", 131042, "paused", 1},
    {"Meta's rejection", "tw",   63020,  "paused", 2},
};

static void test_told_late(void)
{
    for (size_t i = 0; i < ARRAY_LEN(told_late); i++) {
        const char *label = told_late[i].label, *sender = told_late[i].sender;
        struct world *w = world_new(NULL);
        struct outbox *ob = outbox_of_sender(w->et, str_of(sender));
        struct str id;

        w->probe_status = 401; /* of itself it does not go on */
        ((struct sender *)(uintptr_t)ob->sender)->pair_interval_ms = 6000;
        ((struct sender *)(uintptr_t)ob->sender)->pair_burst = 45;
        outbox_apply_rate(ob);
        redis_get(w, "HSET w:%s u1 %lld", sender, (long long)wall_now().ms);
        id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .sender = sender});
        UNTIL(w, label, str_eqz(message_state(w, id), "sent") && idle(w));
        for (int n = 1; n <= told_late[i].times; n++) {
            const struct post *p = &w->sent[w->nsent - 1];
            size_t before = w->nsent;

            put_status_of(w, sender, p->id, p->correlation, DELIVERY_FAILED, told_late[i].code);
            UNTIL(w, label, str_eqz(message_state(w, id), "queued"));
            CHECK(label, told_late[i].field == NULL || stands(w, sender, told_late[i].field));
            world_run(w, 100);
            CHECK_INT("it waits", w->nsent, before);
            redis_get(w, "DEL pr:out:%s", sender);
            resume_of(w, sender);
            UNTIL(w, label, w->nsent == before + 1 && idle(w));
            CHECK_Z(label, message_state(w, id), "sent");
        }
        CHECK_INT("no failure told", stream_events(w, "gateway.message.status_changed.v1", ""), 0);
        world_free(&w);
    }
}

/* "Sent" of the attempt that was refused after all comes late: it says nothing of the one that is out. */
static void test_sent_told_late(void)
{
    struct world *w = world_new(NULL);
    struct http_reply busy = {.status = 429,
                              .content_type = "application/json",
                              .body = STR("{\"error\":{\"message\":\"m\",\"code\":130429}}")};
    struct str id, first, correlation;

    w->probe_status = 401;
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent") && idle(w));
    first = w->sent[0].id;
    correlation = w->sent[0].correlation;
    w->sends[w->nsends++] = (struct act){.how = ANSWER};
    w->sends[w->nsends++] = (struct act){.how = HANG};
    w->asends = 1;
    put_status(w, first, correlation, DELIVERY_FAILED, 130429);
    UNTIL(w, "again", str_eqz(message_state(w, id), "queued"));
    resume(w);
    UNTIL(w, "posted", w->nsent == 2 && w->nhanging == 1);
    put_status(w, first, correlation, DELIVERY_SENT, 0);
    world_run(w, 100);
    http_reply(w->hanging[0], &busy);
    world_run(w, 200);
    resume(w);
    UNTIL(w, "it goes again", w->nsent == 3 && idle(w));
    CHECK_Z("sent", message_state(w, id), "sent");
    world_free(&w);
}

/* Nobody answered, and the list tells of a limit of the account or of the sender. */
static void test_told_by_the_list(void)
{
    static const char codes[] = {'7', '8'}; /* their ends: 63017, 63018 */

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct world *w = world_new(NULL);
        struct str id;
        char *list;

        redis_get(w, "HSET w:tw u1 %lld", (long long)wall_now().ms - 1000);
        list = mem_dupz(str_of(world_listed(w, "SMfound", ANA, "hello", "failed", 0)));
        *(strstr(list, "63016") + 4) = codes[i];
        w->list = list;
        w->sends[w->nsends++] = (struct act){.how = RESET};
        id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw"});
        UNTIL(w, "again", w->nsent == 2 && idle(w));
        CHECK_Z("sent", message_state(w, id), "sent");
        CHECK("slower", stands(w, "tw", "since"));
        CHECK("no duplicate",
              str_find(message_timeline(w, id), STR("possible_duplicate")) == SIZE_MAX);
        CHECK_INT("no failure told", stream_events(w, "gateway.message.status_changed.v1", ""), 0);
        world_free(&w);
        mem_free(&list);
    }
}

static void run_commit(struct world *w, struct commit **c)
{
    int before = resumed;

    commit_run(engine_store(w->engine), c, on_resumed, NULL);
    UNTIL(w, "committed", resumed > before);
}

static void slow(struct world *w, int64_t ms_ago)
{
    struct commit *c = commit_new(STR("acme"));

    redis_get(w, "HSET sn:main since %lld", (long long)(wall_now().ms - ms_ago));
    commit_sender(c, STR("main"), "slow", 5, 0, STR("why"), STR(""));
    run_commit(w, &c);
}

static void test_pace(void)
{
    struct world *w = world_new(NULL);

    redis_get(w, "HSET sn:main pct 40 since 1");
    slow(w, 2000);
    CHECK_INT("of what it had grown to", pct(w, "main"), 25);
    slow(w, 900);
    CHECK_INT("once a second", pct(w, "main"), 25);
    for (int i = 0; i < 5; i++) {
        slow(w, 1001);
    }
    CHECK_INT("never to nothing", pct(w, "main"), 5);
    slow(w, 60000);
    CHECK_INT("it grows to all of it", pct(w, "main"), 50);
    world_free(&w);
}

/* An hour of silence, for the whole sender: others do not run into the same answer. */
static void test_rest(void)
{
    struct world *w = world_new(NULL);
    struct str first, second;

    w->sends[w->nsends++] =
        (struct act){.status = 400, .body = "{\"error\":{\"message\":\"m\",\"code\":131048}}"};
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "rests", stands(w, "main", "rest"));
    second = put_message(w, &(struct message_options){.prio = PRIO_CRITICAL, .user = "u2"});
    world_run(w, 300);
    CHECK_INT("silence", w->nsent, 1);
    CHECK_Z("first", message_state(w, first), "sending");
    CHECK_Z("second", message_state(w, second), "queued");
    CHECK_INT("told", stream_events(w, "gateway.system.alert.v1", "sender:main"), 1);
    resume(w);
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

static struct wall hour_behind(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 - 3600000};
}

/* Too fast for one person: all his lanes wait, nobody else's; by the clock of Redis, not by ours.
 */
static void test_pair(void)
{
    struct world *w = world_new(NULL);
    struct outbox *ob = outbox_find(w->et, STR("out:main"));
    struct sender *s = (struct sender *)(uintptr_t)ob->sender;
    struct str first, reply, other;

    s->pair_interval_ms = 100;
    s->pair_burst = 45;
    outbox_apply_rate(ob);
    clock_fake(NULL, hour_behind);
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
    CHECK("whole speed", !stands(w, "main", "since"));
    clock_fake(NULL, NULL);
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
        TEST(test_pause),       TEST(test_reload_resumes),  TEST(test_probe),
        TEST(test_slow_down),   TEST(test_told_late), TEST(test_sent_told_late),       TEST(test_told_by_the_list),
        TEST(test_late_answer), TEST(test_two_gateways),    TEST(test_pace),
        TEST(test_rest),        TEST(test_retry_after),     TEST(test_pair),
        TEST(test_order)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
