/* Consent told by others than the person here: the provider's refusals, its webhooks. */
#include <time.h>

#include "domain/consent.h"
#include "world.h"

#define STATUS_CHANGED "gateway.message.status_changed.v1"
#define META(code)   "{\"error\":{\"code\":" #code ",\"message\":\"no\"}}"
#define TWILIO(code) "{\"code\":" #code ",\"message\":\"no\",\"status\":400}"

static unsigned bit(enum user_class c)
{
    return 1u << c;
}

static unsigned stopped(struct world *w, const char *id)
{
    struct user u;

    return get_user(w, id, &u) ? u.opted_out : 0;
}

/* The answer to the send says it: what he stopped is his record's from now on, and the CMMS knows.
 */
static void test_refused(void)
{
    static const struct {
        const char *label, *sender, *body, *cls, *part;
        unsigned want;
    } rows[] = {
        {"Meta: marketing",                                 "main", META(131050),  "training",    "\"training\"", 1u << CLASS_TRAINING                      },
        {"Meta: the class of what it refused goes with it", "main", META(131050),  "updates",
         "\"updates\"",                                                                                           1u << CLASS_TRAINING | 1u << CLASS_UPDATES},
        {"Twilio: STOP",                                    "tw",   TWILIO(21610), "assignments", "\"all\"",      OPTED_OUT_ALL                             },
        {"Twilio: blocked",                                 "tw",   TWILIO(63033), "assignments", "\"all\"",      OPTED_OUT_ALL                             },
        {"Twilio: marketing",                               "tw",   TWILIO(63050), "training",    "\"training\"",
         1u << CLASS_TRAINING                                                                                                                               },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        struct str id;

        w->sends[w->nsends++] = (struct act){.status = 400, .body = rows[i].body};
        id = put_message(w, &(struct message_options){
                                .prio = PRIO_NORMAL, .sender = rows[i].sender, .cls = rows[i].cls});
        UNTIL(w, rows[i].label, stopped(w, "u1") != 0 && idle(w));
        CHECK_Z(rows[i].label, message_state(w, id), "failed");
        CHECK_INT(rows[i].label, stopped(w, "u1"), rows[i].want);
        CHECK_INT(rows[i].label, stream_events(w, "gateway.person.opted_out.v1", rows[i].part), 1);
        CHECK_INT(rows[i].label, stream_events(w, "gateway.person.opted_out.v1", "provider"), 1);
        world_free(&w);
    }
}

/* A status says it later. Another failure says nothing of the kind. */
static void test_refused_by_status(void)
{
    struct world *w = world_new(NULL);

    put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .cls = "training"});
    UNTIL(w, "sent", w->nsent == 1 && idle(w));
    put_status(w, w->sent[0].id, w->sent[0].correlation, DELIVERY_FAILED, 131050);
    UNTIL(w, "stopped", stopped(w, "u1") != 0 && idle(w));
    CHECK_INT("marketing", stopped(w, "u1"), bit(CLASS_TRAINING));
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .user = "u2"});
    UNTIL(w, "sent", w->nsent == 2 && idle(w));
    put_status(w, w->sent[1].id, w->sent[1].correlation, DELIVERY_FAILED, 131026);
    UNTIL(w, "failed", stream_events(w, "gateway.message.status_changed.v1", "131026") == 1);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("not he", stopped(w, "u2"), 0);
    world_free(&w);
}

static void told(struct world *w, const char *phone, const char *category, const char *value)
{
    const struct inbound in = {.kind = INBOUND_OPT_OUT,
                               .number_id = STR("106540352242922"),
                               .phone = str_of(phone),
                               .subject = str_of(category),
                               .event = str_of(value),
                               .raw =
                                   arena_printf(w->a, "{\"%s\":\"%s %s\"}", category, value, phone),
                               .at = wall_now()};

    put_inbound(w, &in);
    UNTIL(w, value, idle(w));
}

static void test_told_by_webhook(void)
{
    struct world *w = world_new(NULL);

    told(w, ANA, "marketing_messages", "stop");
    CHECK_INT("stop", stopped(w, "u1"), bit(CLASS_TRAINING));
    CHECK_INT("event", stream_events(w, "gateway.person.opted_out.v1", "training"), 1);
    told(w, ANA, "marketing_messages", "resume");
    CHECK_INT("resume", stopped(w, "u1"), 0);
    CHECK_INT("event", stream_events(w, "gateway.person.opted_in.v1", "training"), 1);
    told(w, ANA, "all", "STOP");
    CHECK_INT("Twilio's STOP", stopped(w, "u1"), OPTED_OUT_ALL);
    told(w, ANA, "all", "START");
    CHECK_INT("Twilio's START", stopped(w, "u1"), 0);
    CHECK_INT("nothing is answered: the provider did", w->nsent, 0);
    told(w, "+12025550999", "marketing_messages", "stop");
    CHECK("of nobody: kept", str_find(kept(w), STR("stop")) != SIZE_MAX);
    told(w, BEN, "marketing_messages", "maybe");
    CHECK_INT("not understood: kept", redis_int(w, "LLEN kept"), 2);
    CHECK_INT("and nothing changed", stopped(w, "u2"), 0);
    world_free(&w);
}

/*
 * A dead token, which the probe finds dead too: nothing goes until the sender is resumed. More than
 * one such answer, since on a busy machine an attempt may be over before it came.
 */
static struct str dead_token(struct world *w, const struct message_options *o)
{
    struct str id;

    w->probe_status = 401;
    for (int i = 0; i < 3; i++) {
        w->sends[w->nsends++] = (struct act){.status = 401, .body = META(190)};
    }
    id = put_message(w, o);
    UNTIL(w, "paused", redis_int(w, "HEXISTS sn:main paused") == 1);
    w->nsends = w->asends;
    return id;
}

/* What waits for him already is not said any more, but for answers, and critical safety messages.
 */
static void test_what_waits(void)
{
    static const struct {
        const char *label, *words, *cls;
        enum prio prio;
        bool goes;
    } rows[] = {
        {"all",                           "STOP ALL", "assignments", PRIO_NORMAL,   false},
        {"all, also safety",              "STOP ALL", "emergency",   PRIO_CRITICAL, false},
        {"all, of no class",              "STOP ALL", NULL,          PRIO_NORMAL,   false},
        {"most",                          "STOP",     "parts",       PRIO_HIGH,     false},
        {"most, but not critical safety", "STOP",     "emergency",   PRIO_CRITICAL, true },
        {"an answer",                     "STOP ALL", NULL,          PRIO_REPLY,    true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        struct str id;

        dead_token(w, &(struct message_options){.prio = PRIO_HIGH, .user = "u2"});
        id = put_message(w, &(struct message_options){
                                .prio = rows[i].prio, .cls = rows[i].cls, .text = "waiting"});
        put_text(w, ANA, "m1", rows[i].words);
        UNTIL(w, rows[i].label,
              stopped(w, "u1") != 0 && redis_int(w, "ZCARD r:in:1") >= 0 &&
                  redis_int(w, "ZCARD f:in") == 0);
        world_run(w, 200);
        if (!rows[i].goes) {
            CHECK_Z(rows[i].label, message_state(w, id), "cancelled");
            CHECK(rows[i].label,
                  str_find(message_timeline(w, id), STR("stopped such")) != SIZE_MAX);
            CHECK_INT(rows[i].label, stream_events(w, STATUS_CHANGED, "stopped such"), 1);
        } else {
            CHECK(rows[i].label, !str_eqz(message_state(w, id), "cancelled"));
        }
        put_resume(w);
        UNTIL(w, "idle", idle(w));
        CHECK_INT(rows[i].label, sent_to(w, ANA, "waiting"), rows[i].goes);
        world_free(&w);
    }
}

/*
 * What the provider puts off is not said either, nor what a worker has in hand when he stops it and
 * that comes back; what he stopped is his, and what was accepted when he wanted it again is said.
 */
static void test_what_comes_back(void)
{
    const struct message_options o = {.prio = PRIO_NORMAL, .cls = "parts", .text = "waiting"};
    const struct http_reply dead = {
        .status = 401, .content_type = "application/json", .body = STR(META(190))};

    for (int in_hand = 0; in_hand < 2; in_hand++) {
        const char *label = in_hand ? "in hand" : "put off";
        struct world *w = world_new(NULL);
        size_t posts;
        struct str id;

        if (in_hand) {
            w->probe_status = 401;
            w->sends[w->nsends++] = (struct act){.how = HANG};
            id = put_message(w, &o);
            UNTIL(w, label, w->nsent == 1);
        } else {
            id = dead_token(w, &o);
        }
        put_text(w, ANA, "m1", "STOP");
        UNTIL(w, label, stopped(w, "u1") != 0);
        if (in_hand) {
            world_run(w, 100);
            http_reply(w->hanging[0], &dead);
        }
        UNTIL(w, label, str_eqz(message_state(w, id), "cancelled"));
        CHECK_INT(label, stream_events(w, STATUS_CHANGED, "stopped such"), 1);
        posts = (size_t)sent_to(w, ANA, "waiting");
        put_resume(w);
        UNTIL(w, "idle", idle(w));
        CHECK_INT(label, sent_to(w, ANA, "waiting"), posts);
        world_free(&w);
    }
}

#define DAY_MS ((int64_t)86400000)

static struct wall long_ago(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000 - 20 * DAY_MS};
}

/* What was sent to him since, @days ago. */
static void sent_since(struct world *w, int days, int n)
{
    char time[ID_TIME_BYTES];

    id_of_time((struct wall){wall_now().ms - days * DAY_MS}, time);
    for (int i = 0; i < n; i++) {
        redis_get(w, "HSET m:%s%016d s sent tl sent,1,\n u u1", time, i);
        redis_get(w, "ZADD mx 0 %s%016d", time, i);
        redis_get(w, "ZADD mu:u1 0 %s%016d", time, i);
    }
}

/* However long ago it was accepted: it may be for a day a year ahead. */
static void test_what_waits_long(void)
{
    struct world *w = world_new(NULL);
    struct str id;

    dead_token(w, &(struct message_options){.prio = PRIO_HIGH, .user = "u2"});
    clock_fake(NULL, long_ago);
    id = put_message(
        w, &(struct message_options){.prio = PRIO_NORMAL, .cls = "parts", .text = "waiting"});
    clock_fake(NULL, NULL);
    sent_since(w, 12, 60);
    sent_since(w, 2, 30);
    put_text(w, ANA, "m1", "STOP ALL");
    UNTIL(w, "stopped", stopped(w, "u1") != 0);
    UNTIL(w, "cancelled", str_eqz(message_state(w, id), "cancelled"));
    put_resume(w);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("not told", sent_to(w, ANA, "waiting"), 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_refused), TEST(test_refused_by_status),
                                        TEST(test_told_by_webhook), TEST(test_what_waits),
                                        TEST(test_what_comes_back), TEST(test_what_waits_long)};
    int rc = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return rc;
}
