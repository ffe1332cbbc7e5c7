/* Alarms: each begins, is told to the CMMS and to who asked for it, and is over. */
#include <time.h>

#include "world.h"

#define EVERY \
    "\"alerts\":{\"every_s\":1,\"queue_age_s\":1,\"webhook_silence_s\":1,\"users\":[\"u2\"]},"

static bool is_on(struct world *w, const char *component, struct alarm *out)
{
    struct alarm all[8];
    size_t n = engine_alarms(w->et, all, 8);

    for (size_t i = 0; i < n; i++) {
        if (str_eqz(all[i].component, component)) {
            *out = all[i];
            return true;
        }
    }
    return false;
}

static int told(struct world *w, const char *component, const char *severity)
{
    char subject[64];
    int n = 0;

    snprintf(subject, sizeof(subject), "\"component\":\"%s\",\"severity\":\"%s\"", component,
             severity);
    n = stream_events(w, "gateway.system.alert.v1", subject);
    return n;
}

static void test_silence(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "on", is_on(w, "webhooks:main", &alarm));
    CHECK_Z("severity", alarm.severity, "warning");
    CHECK("says what", str_find(alarm.text, STR("main sends, but no webhook")) != SIZE_MAX);
    CHECK("says what to do", str_find(alarm.advice, STR("subscription")) != SIZE_MAX);
    UNTIL(w, "the CMMS hears of it", told(w, "webhooks:main", "warning") == 1);
    UNTIL(w, "and who asked for it", sent_to(w, BEN, "webhooks:main") == 1);
    CHECK_INT("nobody else", sent_to(w, ANA, "webhooks:main"), 0);
    put_text(w, ANA, "wamid.1", "MY WORK");
    UNTIL(w, "over", told(w, "webhooks:main", "ok") == 1);
    world_free(&w);
}

/* Told every hour, not every look. */
static void test_queue(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    w->sends[w->nsends++] = (struct act){.status = 429, .retry_after_s = 4};
    put_message(w, &(struct message_options){.prio = PRIO_REPLY});
    UNTIL(w, "on", is_on(w, "queue:out:main", &alarm));
    CHECK_Z("severity", alarm.severity, "critical");
    UNTIL(w, "told", told(w, "queue:out:main", "critical") == 1);
    UNTIL(w, "over", told(w, "queue:out:main", "ok") == 1);
    CHECK("not on any more", !is_on(w, "queue:out:main", &alarm));
    CHECK_INT("once", told(w, "queue:out:main", "critical"), 1);
    world_free(&w);
}

static void test_clock(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    redis_get(w, "SET hw %lld", (long long)(wall_now().ms + 3600000) * 1000);
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "on", is_on(w, "clock", &alarm));
    UNTIL(w, "told", told(w, "clock", "warning") == 1);
    redis_get(w, "DEL hw");
    UNTIL(w, "over", told(w, "clock", "ok") == 1);
    world_free(&w);
}

/* The cause went away while no gateway ran. */
static void test_over_while_away(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    redis_get(w, "SET hw %lld", (long long)(wall_now().ms + 3600000) * 1000);
    UNTIL(w, "on", is_on(w, "clock", &alarm));
    UNTIL(w, "told", told(w, "clock", "warning") == 1);
    world_stop(w, 1000);
    world_start(w);
    UNTIL(w, "on again", is_on(w, "clock", &alarm));
    world_run(w, 4000);
    CHECK_INT("not over", told(w, "clock", "ok"), 0);
    world_kill(w);
    redis_get(w, "DEL hw");
    world_start(w);
    UNTIL(w, "over", told(w, "clock", "ok") == 1);
    UNTIL(w, "no longer kept", redis_int(w, "ZCARD al") == 0);
    world_run(w, 2000);
    CHECK_INT("once", told(w, "clock", "ok"), 1);
    world_free(&w);
}

/* A gateway that has asked the CMMS nothing yet knows nothing of it. */
static void test_callbacks_over(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});

    redis_get(w, "ZADD al 1 callbacks");
    world_run(w, 2500);
    CHECK_INT("nobody knows", told(w, "callbacks", "ok"), 0);
    put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "it takes another event", told(w, "callbacks", "ok") == 1);
    world_free(&w);
}

/* What Meta tells of an account: its members, and how many people a day they mean. */
static void tell_limit(struct world *w, const char *event, const char *limit)
{
    const struct inbound in = {.kind = INBOUND_ACCOUNT,
                               .account = STR("102290129340398"),
                               .event = str_of(event),
                               .current_id = str_of(limit),
                               .raw = arena_printf(w->a, "{\"%s\":\"%s\"}", event, limit),
                               .at = wall_now()};

    put_inbound(w, &in);
    UNTIL(w, "idle", idle(w));
}

static void test_tier(void)
{
    static const struct {
        const char *event, *limit;
        int64_t people;
    } rows[] = {
        {"CAPABILITY",         "250",            250   },
        {"THROUGHPUT_UPGRADE", "TIER_100K",      100000},
        {"ONBOARDING",         "TIER_NOT_SET",   100000},
        {"CAPABILITY",         "",               100000},
        {"CAPABILITY",         "0",              100000},
        {"CAPABILITY",         "-1",             0     },
        {"UPGRADE",            "TIER_2K",        2000  },
        {"UPGRADE",            "TIER_UNLIMITED", 0     },
        {"DOWNGRADE",          "10",             10    },
    };
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tell_limit(w, rows[i].event, rows[i].limit);
        CHECK_INT(rows[i].limit, redis_int(w, "HGET sn:main people"), rows[i].people);
    }
    CHECK_INT("of that portfolio alone", redis_int(w, "HGET sn:tw people"), 0);
    CHECK("kept for the operator too", str_find(kept(w), STR("\"DOWNGRADE\":\"10\"")) != SIZE_MAX);
    for (int i = 0; i < 9; i++) {
        redis_get(w, "ZADD dp:102290129340398 %lld p%d", (long long)wall_now().ms, i);
    }
    UNTIL(w, "nearly", is_on(w, "tier:102290129340398", &alarm));
    CHECK_Z("severity", alarm.severity, "warning");
    CHECK("says how many", str_find(alarm.text, STR("9 of the 10 people")) != SIZE_MAX);
    UNTIL(w, "told", told(w, "tier:102290129340398", "warning") == 1);
    redis_get(w, "ZADD dp:102290129340398 %lld p10", (long long)wall_now().ms);
    UNTIL(w, "used up", told(w, "tier:102290129340398", "critical") == 1);
    world_stop(w, 1000);
    world_start(w);
    CHECK_INT("through a restart", redis_int(w, "HGET sn:main people"), 10);
    UNTIL(w, "on again", is_on(w, "tier:102290129340398", &alarm));
    tell_limit(w, "UPGRADE", "TIER_250");
    UNTIL(w, "over", told(w, "tier:102290129340398", "ok") == 1);
    world_free(&w);
}

/*
 * A sender is taken out of the configuration while messages wait for it: they go by the other one, what only
 * it can say waits, with an alarm, until it is back.
 */
static void test_sender_gone(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY, .failover = "{\"paused_after_ms\":50}"});
    struct alarm alarm;
    struct str moved, stays;

    w->probe_status = 401;
    redis_get(w, "HSET sn:tw paused %lld", (long long)wall_now().ms + 3600000); /* nobody speaks for it yet */
    moved = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw"});
    stays = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .sender = "tw", .user = "u2"});
    UNTIL(w, "known", redis_int(w, "ZCARD sc") == 2);
    redis_get(w, "HDEL sn:tw paused");
    world_stop(w, 1000);
    redis_get(w, "HSET m:%.*s st 1", STR_ARG(stays));
    w->settings->tenants[0].nsenders = 1;
    world_start(w);
    world_run(w, 1500);
    CHECK("another gateway may have it still", !is_on(w, "sender_gone:tw", &alarm));
    UNTIL(w, "on", is_on(w, "sender_gone:tw", &alarm));
    CHECK("says whose", str_find(alarm.text, STR("at sender tw, which is not configured")) != SIZE_MAX);
    UNTIL(w, "the CMMS hears of it", told(w, "sender_gone:tw", "critical") == 1);
    UNTIL(w, "by the other one", str_eqz(message_state(w, moved), "sent"));
    CHECK("by Meta", str_starts(w->sent[0].path, STR("/v23.0/")));
    CHECK("its timeline says why", str_find(message_timeline(w, moved), STR("because tw is paused")) != SIZE_MAX);
    CHECK_INT("what only it can say waits", sent_to(w, BEN, "hello"), 0);
    world_stop(w, 1000);
    w->settings->tenants[0].nsenders = 2;
    w->probe_status = 0;
    world_start(w);
    world_run(w, 4000); /* it was put off for ten seconds */
    UNTIL(w, "it goes on when it is back", str_eqz(message_state(w, stays), "sent"));
    world_run(w, 1500);
    CHECK("not on any more", !is_on(w, "sender_gone:tw", &alarm));
    world_free(&w);
}

/* The wall clock gains two minutes on the other: ages mean nothing then. */
static struct mono behind(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct mono){((int64_t)ts.tv_sec - 120) * 1000000 + ts.tv_nsec / 1000};
}

static void test_jump(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = EVERY});
    struct alarm alarm;

    UNTIL(w, "a look", redis_int(w, "EXISTS sc") == 1);
    world_run(w, 100);
    clock_fake(behind, NULL);
    world_run(w, 1500);
    clock_fake(NULL, NULL);
    w->sends[w->nsends++] = (struct act){.status = 429, .retry_after_s = 5};
    put_message(w, &(struct message_options){.prio = PRIO_REPLY});
    for (int i = 0; i < 40; i++) {
        world_run(w, 100);
        CHECK("not judged", !is_on(w, "queue:out:main", &alarm));
    }
    world_free(&w);
}

static void test_well(void)
{
    struct world *w = world_new(&(struct world_options){.tenant = "\"alerts\":{\"every_s\":1},"});
    struct alarm alarm;

    put_text(w, ANA, "wamid.2", "MY WORK");
    world_run(w, 2500);
    CHECK_INT("nothing is on", (int64_t)engine_alarms(w->et, &alarm, 1), 0);
    CHECK_INT("nothing is told", stream_events(w, "gateway.system.alert.v1", ""), 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"silence",         test_silence        },
        {"queue",           test_queue          },
        {"clock",           test_clock          },
        {"over_while_away", test_over_while_away},
        {"callbacks_over",  test_callbacks_over },
        {"tier",        test_tier       },
        {"sender_gone", test_sender_gone},
        {"jump",        test_jump       },
        {"well",        test_well       },
    };
    int rc = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return rc;
}
