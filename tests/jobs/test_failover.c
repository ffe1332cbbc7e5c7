/* A critical message that does not reach its person is said again by the next way, at last by SMS.
 */
#include "domain/failover.h"
#include "world.h"

#include "approvals.h"

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

/* Nobody answers: each next way in its time, the SMS ahead of the hold of what it stands for; and
 * what is said by another way is not handed over once more when its own hold is over. */
static void test_uncertain_goes_on(void)
{
    const struct world_options holds = {
        .failover = FAST,
        .tenant = SMS,
        .config =
            "\"delivery\":{\"send_timeout_ms\":200,\"lease_ms\":4000,\"uncertain_hold_ms\":300,"
            "\"uncertain_hold_critical_ms\":2500},"};
    struct world *w = world_new(&holds);
    struct str first, second;

    w->nsends = 2;
    w->sends[0] = w->sends[1] = (struct act){.how = HANG};
    first = critical(w);
    UNTIL(w, "by SMS", w->nsent == 3);
    CHECK("SMS", w->sent[2].sms);
    CHECK("before a hold is over", w->sent[2].at_ms - w->sent[0].at_ms < 2300);
    second = next_of(w, first);
    world_run(w, 3500);
    CHECK_INT("once each", w->nsent, 3);
    CHECK_Z("Meta's stays so", message_state(w, first), "uncertain");
    CHECK_Z("Twilio's too", message_state(w, second), "uncertain");
    CHECK("told", in_timeline(w, first, "it was not sent again"));
    CHECK_INT("looked up", w->nlists, 1);
    world_free(&w);
}

/* ---- a paused sender: its messages go by the next ---- */

#define PAUSED "{\"error\":{\"message\":\"m\",\"code\":132015}}"
#define TOKEN  "{\"error\":{\"message\":\"m\",\"code\":190}}"

static const struct world_options soon = {
    .failover = "{\"paused_after_ms\":100,\"critical_after_ms\":60000}", .tenant = SMS};

/* Twelve to one person: the token dies at the fourth, main is back at the ninth; in order, each
 * once. */
static void test_by_the_next(void)
{
    struct world *w = world_new(&soon);
    struct str ids[12];
    char text[16];

    w->probe_status = 401;
    w->nsends = 4;
    w->sends[3] = (struct act){.status = 401, .body = TOKEN};
    for (int i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "word %d", i);
        ids[i] = put_message(w, &(struct message_options){.prio = PRIO_NORMAL,
                                                          .text = arena_dup(w->a, str_of(text)).p});
    }
    UNTIL(w, "eight", str_eqz(message_state(w, ids[7]), "sent"));
    put_resume(w);
    for (int i = 8; i < 12; i++) {
        snprintf(text, sizeof(text), "word %d", i);
        ids[i] = put_message(w, &(struct message_options){.prio = PRIO_NORMAL,
                                                          .text = arena_dup(w->a, str_of(text)).p});
    }
    UNTIL(w, "all", str_eqz(message_state(w, ids[11]), "sent"));
    CHECK_INT("twelve and the refused one", w->nsent, 13);
    for (size_t i = 0, at = 0; i < 13; i++) {
        bool meta = str_starts(w->sent[i].path, STR("/v23.0/"));

        if (i == 3) {
            continue;
        }
        snprintf(text, sizeof(text), "word %zu", at);
        CHECK_Z("in order", w->sent[i].text, text);
        CHECK("by", meta == (at < 3 || at >= 8));
        CHECK_INT("one attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(ids[at])), 1);
        CHECK("told", in_timeline(w, ids[at], "by tw, because main is paused") == !meta);
        at++;
    }
    world_free(&w);
}

/* The status of what went by the other number finds its message; his answer there is heard. */
static void test_status_by_the_next(void)
{
    struct world *w = world_new(&soon);
    struct str id;

    w->probe_status = 401;
    redis_get(w, "HSET sn:main paused 1");
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "sent", w->nsent == 1 && str_eqz(message_state(w, id), "sent"));
    put_status(w, w->sent[0].id, w->sent[0].correlation, DELIVERY_READ, 0);
    UNTIL(w, "read", str_eqz(message_state(w, id), "read"));
    world_free(&w);
}

/* It is told in the words of the one that says so, whose codes its own provider does not know. */
static void test_failed_by_the_next(void)
{
    struct world *w = world_new(&soon);
    struct str id;

    w->probe_status = 401;
    redis_get(w, "HSET sn:main paused 1");
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "sent", w->nsent == 1 && str_eqz(message_state(w, id), "sent"));
    put_status_of(w, "tw", w->sent[0].id, w->sent[0].correlation, DELIVERY_FAILED, 63003);
    UNTIL(w, "failed", str_eqz(message_state(w, id), "failed"));
    CHECK("why", in_timeline(w, id, "63003|The number is not on WhatsApp|Reach the person"));
    world_free(&w);
}

/* He never wrote to tw: what has no template waits for main, and nothing behind it is said first.
 */
static void test_stays(void)
{
    struct world *w = world_new(&soon);
    struct str first, second;

    w->probe_status = 401;
    redis_get(w, "HDEL w:tw u1");
    redis_get(w, "HSET sn:main paused 1");
    first = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .text = "one"});
    second = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .text = "two"});
    UNTIL(w, "judged", redis_int(w, "HEXISTS m:%.*s st", STR_ARG(first)) == 1);
    UNTIL(w, "put off", idle(w) || redis_int(w, "HLEN k:out:main") == 0);
    CHECK("why", in_timeline(w, first, "it waits for main"));
    CHECK_INT("no attempt", redis_int(w, "HGET m:%.*s n", STR_ARG(first)), 0);
    CHECK_INT("nothing said", w->nsent, 0);
    put_resume(w);
    redis_get(w, "ZADD r:out:main:3 0 3u1"); /* its wait is over */
    UNTIL(w, "both", str_eqz(message_state(w, second), "sent"));
    CHECK_Z("in order", w->sent[0].text, "one");
    CHECK("by main", str_starts(w->sent[0].path, STR("/v23.0/")));
    world_free(&w);
}

/* With templates approved there: its own carries it; the one that asks him to write does not. */
static void test_template_there(void)
{
    struct world *w = world_new(&soon);
    const struct template_state good = {.status = TEMPLATE_APPROVED,
                                        .id = STR("HX0123456789abcdef0123456789abcdef"),
                                        .at = wall_now()};
    static const char *const names[] = {TEMPLATE_WAITING, TEMPLATE_UPDATED};
    struct str plain, formed;

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        approvals_know(w->et, STR("AC0123456789abcdef0123456789abcdef"),
                       approval_key(w->a, str_of(names[i]), STR("en_US")), &good);
    }
    w->probe_status = 401;
    redis_get(w, "HDEL w:tw u1");
    redis_get(w, "HSET sn:main paused 1");
    plain = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    formed = put_message(w, &(struct message_options){.prio = PRIO_HIGH, .form = TEMPLATE_UPDATED});
    UNTIL(w, "by template", str_eqz(message_state(w, formed), "sent"));
    UNTIL(w, "judged", redis_int(w, "HEXISTS m:%.*s st", STR_ARG(plain)) == 1);
    CHECK("not asked to write", !in_timeline(w, plain, "held"));
    CHECK_INT("one", w->nsent, 1);
    CHECK("as the template", str_find(w->sent[0].body, STR("ContentSid=HX")) != SIZE_MAX);
    world_free(&w);
}

/* Main was to ask him, and is paused: by tw he is not asked, since a word to tw would release
 * nothing. What waited goes by tw itself, where it can.
 */
static void test_question_of_a_paused_one(void)
{
    struct world *w = world_new(&soon);
    const struct template_state good = {.status = TEMPLATE_APPROVED, .at = wall_now()};
    struct template_state at_tw = good;
    struct str id;

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    approvals_know(w->et, STR("102290129340398"),
                   approval_key(w->a, STR(TEMPLATE_WAITING), STR("en_US")), &good);
    at_tw.id = STR("HX00000000000000000000000000000001");
    approvals_know(w->et, STR(TWILIO_ACCOUNT),
                   approval_key(w->a, STR(TEMPLATE_WAITING), STR("en_US")), &at_tw);
    at_tw.id = STR("HX00000000000000000000000000000002");
    approvals_know(w->et, STR(TWILIO_ACCOUNT),
                   approval_key(w->a, STR(TEMPLATE_UPDATED), STR("en_US")), &at_tw);
    w->probe_status = 401;
    w->sends[w->nsends++] = (struct act){.status = 401, .body = TOKEN};
    redis_get(w, "HDEL w:tw u1");
    redis_get(w, "HDEL w:main u1");
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL, .form = TEMPLATE_UPDATED});
    UNTIL(w, "the token is dead", redis_int(w, "HEXISTS sn:main paused") == 1);
    UNTIL(w, "told", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("the question by main, the message by tw", w->nsent, 2);
    CHECK("as the template",
          str_find(w->sent[1].body, STR("HX00000000000000000000000000000002")) != SIZE_MAX);
    CHECK_INT("nobody is asked", redis_int(w, "HLEN hg:main"), 0);
    world_free(&w);
}

/* The people of the day are WhatsApp's: what goes by SMS has none to wait for. */
static void test_sms_has_no_tier(void)
{
    struct world *w = world_new(&usual);

    redis_get(w, "HSET sn:tw people 1");
    redis_get(w, "ZADD dp:tw %lld u9", (long long)wall_now().ms);
    critical(w);
    UNTIL(w, "three ways", w->nsent == 3);
    CHECK("SMS", w->sent[2].sms);
    CHECK_INT("he does not count", redis_int(w, "ZCARD dp:tw"), 1);
    world_free(&w);
}

/* Main may write to nobody new today, or is to be silent for long: it does not wait for that. */
static void test_limits_do_not_hold_it(void)
{
    for (int i = 0; i < 2; i++) {
        struct world *w = world_new(&usual);
        struct str id;

        redis_get(w, "HDEL w:main u1");
        if (i == 0) {
            redis_get(w, "HSET sn:main people 1");
            redis_get(w, "ZADD dp:102290129340398 %lld u9", (long long)wall_now().ms);
        } else {
            redis_get(w, "HSET sn:main rest %lld", (long long)wall_now().ms + 600000);
        }
        id = critical(w);
        UNTIL(w, "by tw", w->nsent > 0);
        CHECK("by tw", str_find(w->sent[0].path, STR("/Messages.json")) != SIZE_MAX);
        CHECK_Z("the first waits", message_state(w, id), "queued");
        CHECK("why", in_timeline(w, id, i == 0 ? "nobody new today" : "silence"));
        world_free(&w);
    }
}

/* Accepted days before it was to be sent: what counts is when it was to be there. */
static void test_sent_later(void)
{
    struct world *w = world_new(&usual);
    struct str id = put_message(w, &(struct message_options){.cls = "updates",
                                                             .text = "Gas leak in hall 3",
                                                             .asked_before_ms = 172800000});

    UNTIL(w, "three ways", w->nsent == 3);
    CHECK("the first names the second", in_timeline(w, id, "said again by tw"));
    world_free(&w);
}

/* Asked twice of him, the first time by a template that is paused, while no other sender can say
 * it: it is looked after all the same, and nothing of that is damaged. */
static void test_critical_held_twice(void)
{
    static const char *const languages[] = {"en_US", "es"};
    const struct template_state good = {.status = TEMPLATE_APPROVED, .at = wall_now()};
    struct world *w = world_new(&(struct world_options){
        .failover = "{\"paused_after_ms\":0,\"critical_after_ms\":60000}"});
    struct str id;

    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    redis_get(w, "HDEL w:main u1");
    w->probe_status = 401;
    redis_get(w, "HSET sn:tw paused 1");
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        approvals_know(w->et, STR("102290129340398"),
                       approval_key(w->a, STR(TEMPLATE_WAITING), str_of(languages[i])), &good);
    }
    w->sends[w->nsends++] = (struct act){.status = 400, .body = PAUSED};
    id = put_message(w, &(struct message_options){.cls = "updates"});
    UNTIL(w, "asked twice", w->nsent == 2 && in_timeline(w, id, "held"));
    world_run(w, 300);
    put_text(w, ANA, "wamid.A", "STATUS");
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    for (size_t i = 0; i < w->nsent; i++) {
        if (str_eqz(w->sent[i].text, "hello")) {
            put_status(w, w->sent[i].id, w->sent[i].correlation, DELIVERY_READ, 0);
        }
    }
    UNTIL(w, "read", str_eqz(message_state(w, id), "read"));
    redis_get(w, "ZADD r:in:1 XX 0 1f:%.*s", STR_ARG(id)); /* its time has come */
    put_text(w, ANA, "wamid.B", "STATUS");
    UNTIL(w, "looked after no more",
          redis_int(w, "EXISTS l:in:1f:%.*s", STR_ARG(id)) == 0 &&
              redis_int(w, "HLEN k:in") == 0);
    CHECK_INT("but the question's, no dead letter", redis_int(w, "ZCARD dl"), 1);
    world_free(&w);
}

/* A critical one does not wait for that: the next way at once. */
static void test_critical_does_not_stay(void)
{
    struct world *w = world_new(&soon);
    struct str id;

    w->probe_status = 401;
    redis_get(w, "HDEL w:tw u1");
    redis_get(w, "HSET sn:main paused 1");
    id = critical(w);
    UNTIL(w, "SMS", w->nsent == 1);
    CHECK("as an SMS", w->sent[0].sms);
    CHECK("the first waits",
          str_eqz(message_state(w, id), "queued") || str_eqz(message_state(w, id), "sending"));
    CHECK("why", in_timeline(w, id, "its sender is paused: said again by tw"));
    world_free(&w);
}

/* Both are in trouble: nothing is lost, and each goes when its sender does. */
static void test_both_paused(void)
{
    struct world *w = world_new(&soon);
    struct str id;

    w->probe_status = 401;
    for (int i = 0; i < 2; i++) {
        w->sends[w->nsends++] =
            (struct act){.status = 401, .body = i == 0 ? TOKEN : "{\"code\":20003}"};
    }
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "both", redis_int(w, "HEXISTS sn:tw paused") == 1);
    world_run(w, 200);
    CHECK_INT("two tries", w->nsent, 2);
    put_resume(w);
    UNTIL(w, "sent", str_eqz(message_state(w, id), "sent"));
    CHECK_INT("once", redis_int(w, "HGET m:%.*s n", STR_ARG(id)), 1);
    CHECK("by main", str_starts(w->sent[2].path, STR("/v23.0/")));
    world_free(&w);
}

/* What ended without an answer by tw is looked for in tw's list, though main speaks again. */
static void test_lookup_where_it_was(void)
{
    struct world *w = world_new(&soon);
    struct str id;

    w->probe_status = 401;
    redis_get(w, "HSET sn:main paused 1");
    w->list = world_listed(w, "SMfound", ANA, "hello", "sent", 0);
    w->sends[w->nsends++] = (struct act){.how = RESET};
    id = put_message(w, &(struct message_options){.prio = PRIO_NORMAL});
    UNTIL(w, "uncertain", str_eqz(message_state(w, id), "uncertain"));
    put_resume(w);
    UNTIL(w, "found", str_eqz(message_state(w, id), "sent"));
    CHECK("told", in_timeline(w, id, "found in the provider's list"));
    CHECK_INT("asked once", w->nlists, 1);
    CHECK_INT("said once", w->nsent, 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_all_the_ways),
                                        TEST(test_reached),
                                        TEST(test_not_critical),
                                        TEST(test_failed_at_once),
                                        TEST(test_no_sms),
                                        TEST(test_paused_is_skipped),
                                        TEST(test_killed_between),
                                        TEST(test_uncertain_goes_on),
                                        TEST(test_by_the_next),
                                        TEST(test_status_by_the_next),
                                        TEST(test_failed_by_the_next),
                                        TEST(test_stays),
                                        TEST(test_critical_does_not_stay),
                                        TEST(test_template_there),
                                        TEST(test_question_of_a_paused_one),
                                        TEST(test_limits_do_not_hold_it),
                                        TEST(test_sent_later),
                                        TEST(test_critical_held_twice),
                                        TEST(test_sms_has_no_tier),
                                        TEST(test_both_paused),
                                        TEST(test_lookup_where_it_was)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
