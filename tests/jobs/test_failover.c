/* A critical message that does not reach its person is said again by the next way, at last by SMS.
 */
#include "domain/failover.h"
#include "world.h"

#include <string.h>

#define FAST "{\"paused_after_ms\":0,\"critical_after_ms\":300}"
#define SMS  "\"channels\":{\"updates\":[\"whatsapp\",\"sms\"]},"

static const struct world_options usual = {.failover = FAST, .tenant = SMS};

static struct str critical(struct world *w)
{
    return put_message(w,
                       &(struct message_options){.cls = "updates", .text = "Gas leak in hall 3"});
}

static struct str next_of(struct world *w, struct str id)
{
    return arena_dup(w->a, str_of(redis_get(w, "HGET m:%.*s fb", STR_ARG(id))));
}

static bool in_timeline(struct world *w, struct str id, const char *part)
{
    return str_find(message_timeline(w, id), str_of(part)) != SIZE_MAX;
}

/* Meta, then Twilio, then SMS: each once, each on the timelines. */
static void test_all_the_ways(void)
{
    struct world *w = world_new(&usual);
    struct str first = critical(w), second, third;

    UNTIL(w, "three ways", w->nsent == 3);
    world_run(w, 700);
    CHECK_INT("and no more", w->nsent, 3);
    CHECK("Meta", str_starts(w->sent[0].path, STR("/v23.0/")));
    CHECK("Twilio",
          !w->sent[1].sms && str_find(w->sent[1].path, STR("/Messages.json")) != SIZE_MAX);
    CHECK("SMS", w->sent[2].sms);
    CHECK_Z("to the same person", w->sent[1].to, ANA);
    CHECK_Z("by SMS too", w->sent[2].to, ANA);
    CHECK_Z("the same words", w->sent[1].text, "Gas leak in hall 3");
    CHECK_Z("words, and where to answer", w->sent[2].text,
            "Gas leak in hall 3\nPlease answer on WhatsApp: +12025550177");
    CHECK("from the number for SMS",
          str_find(w->sent[2].body, STR("From=%2B12025550188")) != SIZE_MAX);
    second = next_of(w, first);
    third = next_of(w, second);
    CHECK("the first names the second",
          in_timeline(w, first, arena_printf(w->a, "said again by tw as %.*s", STR_ARG(second)).p));
    CHECK("and why", in_timeline(w, first, "not delivered in 0 s"));
    CHECK("the second names the first",
          in_timeline(w, second, arena_printf(w->a, "by tw instead of %.*s", STR_ARG(first)).p));
    CHECK("the second names the SMS",
          in_timeline(w, second,
                      arena_printf(w->a, "said again by SMS (tw) as %.*s", STR_ARG(third)).p));
    CHECK_INT("nothing behind the SMS", (int64_t)next_of(w, third).n, 0);
    CHECK_INT("each once", redis_int(w, "HGET m:%.*s n", STR_ARG(third)), 1);
    world_free(&w);
}

/* What ends the watch: a delivery, his own word, a cancelled message. */
static void test_reached(void)
{
    struct world *w = world_new(&usual);
    struct str delivered = critical(w), answered;

    UNTIL(w, "sent", str_eqz(message_state(w, delivered), "sent"));
    put_status(w, w->sent[0].id, w->sent[0].correlation, DELIVERY_DELIVERED, 0);
    world_run(w, 700);
    CHECK_INT("delivered", w->nsent, 1);
    CHECK_INT("the item is done", redis_int(w, "EXISTS i:late-%.*s", STR_ARG(delivered)), 0);
    answered = critical(w);
    UNTIL(w, "sent", str_eqz(message_state(w, answered), "sent"));
    world_run(w, 20);
    redis_get(w, "HSET w:main u1 %lld", (long long)wall_now().ms);
    world_run(w, 700);
    CHECK_INT("answered", w->nsent, 2);
    world_free(&w);
}

static void test_not_critical(void)
{
    struct world *w = world_new(&usual);

    put_message(w, &(struct message_options){.prio = PRIO_HIGH, .cls = "updates"});
    world_run(w, 700);
    CHECK_INT("said once", w->nsent, 1);
    CHECK_INT("nobody looks after it", redis_int(w, "ZCARD s:in"), 0);
    world_free(&w);
}

/* A failure does not wait for the time. */
static void test_failed_at_once(void)
{
    const struct world_options slow = {
        .failover = "{\"paused_after_ms\":0,\"critical_after_ms\":60000}", .tenant = SMS};
    struct world *w = world_new(&slow);
    struct str refused, later;

    w->sends[w->nsends++] =
        (struct act){.status = 400, .body = "{\"error\":{\"message\":\"m\",\"code\":131026}}"};
    refused = critical(w);
    UNTIL(w, "by tw", w->nsent == 2);
    CHECK_Z("refused", message_state(w, refused), "failed");
    CHECK("why", in_timeline(w, refused, "failed: said again by tw"));
    later = next_of(w, refused);
    UNTIL(w, "sent", str_eqz(message_state(w, later), "sent"));
    put_status(w, w->sent[1].id, w->sent[1].correlation, DELIVERY_FAILED, 63024);
    UNTIL(w, "by SMS", w->nsent == 3 && w->sent[2].sms);
    world_run(w, 100);
    CHECK_INT("once", w->nsent, 3);
    world_free(&w);
}

/* A class without SMS ends with WhatsApp, and says so. */
static void test_no_sms(void)
{
    struct world *w = world_new(&(struct world_options){.failover = FAST});
    struct str first = critical(w);

    UNTIL(w, "by tw", w->nsent == 2);
    world_run(w, 700);
    CHECK_INT("no SMS", w->nsent, 2);
    CHECK_INT("the last is not looked after", (int64_t)next_of(w, next_of(w, first)).n, 0);
    world_free(&w);
}

/* A paused sender is passed over. */
static void test_paused_is_skipped(void)
{
    struct world *w = world_new(&usual);

    w->probe_status = 401;
    redis_get(w, "HSET sn:tw paused %lld", (long long)wall_now().ms);
    critical(w);
    world_run(w, 900);
    CHECK_INT("tw stands still, for SMS too", w->nsent, 1);
    world_free(&w);
}

/* The gateway dies between the steps: the next one goes on, and says nothing twice. */
static void test_killed_between(void)
{
    struct world *w = world_new(&usual);
    struct str first = critical(w), second;

    UNTIL(w, "by tw", w->nsent == 2);
    second = next_of(w, first);
    UNTIL(w, "sent", str_eqz(message_state(w, second), "sent"));
    world_kill(w);
    world_start(w);
    /* As if the item of the first step had been lost in the middle, and came again. */
    redis_get(w, "HDEL m:%.*s fb", STR_ARG(first));
    UNTIL(w, "by SMS", w->nsent == 3);
    world_run(w, 700);
    CHECK_INT("nothing twice", w->nsent, 3);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_all_the_ways),  TEST(test_reached),
                                        TEST(test_not_critical),  TEST(test_failed_at_once),
                                        TEST(test_no_sms),        TEST(test_paused_is_skipped),
                                        TEST(test_killed_between)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
