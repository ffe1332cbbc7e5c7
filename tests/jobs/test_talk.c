/* What people say and tap, from the webhook to the answer: words at their limits, whom they reach,
 * and what is meant when it comes twice or late. */
#include "jobs_int.h"
#include "world.h"

#define ORDER(id, status, more)                                                               \
    "{\"workorder\":{\"id\":\"" id "\",\"number\":\"WO-" id "\",\"title\":\"T\",\"status\":\"" \
    status "\"" more "}}"
#define OF_ANA ",\"assignees\":[{\"id\":\"u1\"}]"

static void order(struct world *w, const char *event, const char *data)
{
    put_event(w, event, "cmms.workorder.created.v1", data);
    UNTIL(w, event, idle(w));
}

static void person(struct world *w, const char *event, const char *members)
{
    put_event(w, event, "cmms.person.upserted.v1",
              arena_printf(w->a, "{\"person\":{%s}}", members).p);
    UNTIL(w, event, idle(w));
}

static void say(struct world *w, const char *who, const char *id, const char *text)
{
    put_text(w, who, id, text);
    UNTIL(w, id, idle(w));
}

static void tap(struct world *w, const char *who, const char *id, const char *payload)
{
    put_tap(w, who, id, payload);
    UNTIL(w, id, idle(w));
}

static void said_to_twilio(struct world *w, const char *id, const char *text)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .account = STR(TWILIO_ACCOUNT),
                               .number_id = STR(TWILIO_NUMBER),
                               .provider_id = str_of(id),
                               .phone = STR(ANA),
                               .type = INBOUND_TEXT,
                               .type_name = STR("text"),
                               .text = str_of(text)};

    put_inbound(w, &in);
    UNTIL(w, id, idle(w));
}

/* @n times "word " */
static const char *words(struct world *w, const char *word, int n)
{
    struct buf b;
    const char *out;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < n; i++) {
        buf_addz(&b, word);
        buf_add_char(&b, ' ');
    }
    out = arena_dup(w->a, buf_str(&b)).p;
    buf_fini(&b);
    return out;
}

static int failed(struct world *w)
{
    return redis_int(w, "ZCARD dl");
}

/* An order whose text leaves no room for buttons is told without them. */
static void test_long_order(void)
{
    struct world *w = world_new(NULL);

    order(w, "o1",
          arena_printf(w->a,
                       ORDER("1", "open",
                             OF_ANA ",\"description\":\"%s\","
                                    "\"url\":\"https://cmms.example.com/%s\""),
                       words(w, "grease", 90), words(w, "abcdefghi%%20", 50))
              .p);
    w->nsent = 0;
    say(w, ANA, "m1", "WO-1");
    CHECK_INT("shown", sent_to(w, ANA, "grease"), 1);
    CHECK_INT("nothing failed", failed(w), 0);
    say(w, ANA, "m2", "START WO-1");
    CHECK_INT("what is short has its buttons", sent_to(w, ANA, "complete:1"), 1);
    world_free(&w);
}

static void test_long_reason(void)
{
    struct world *w = world_new(NULL);

    person(w, "p3", "\"id\":\"u1\",\"supervisor\":\"u2\"");
    order(w, "o1", ORDER("1", "in_progress", OF_ANA));
    say(w, ANA, "m1", arena_printf(w->a, "ESCALATE WO-1 %s", words(w, "shaking", 150)).p);
    CHECK_INT("the supervisor hears it", sent_to(w, BEN, "shaking"), 1);
    say(w, ANA, "m2", arena_printf(w->a, "DELAY WO-1 %s", words(w, "waiting", 508)).p);
    CHECK_INT("booked", stream_events(w, "gateway.workorder.delay_reported.v1", ""), 1);
    CHECK_INT("and answered", sent_to(w, ANA, "Delay reported"), 1);
    say(w, ANA, "m3", arena_printf(w->a, "REPORT %s", words(w, "leaking", 508)).p);
    CHECK_INT("reported", stream_events(w, "gateway.request.submitted.v1", ""), 1);
    CHECK_INT("and answered", sent_to(w, ANA, "hear here what becomes of it"), 1);
    CHECK_INT("nothing failed", failed(w), 0);
    world_free(&w);
}

/* Twilio's texts are shorter: what goes beyond is cut, not lost. */
static void test_long_comment(void)
{
    struct world *w = world_new(NULL);

    said_to_twilio(w, "m1", "STATUS");
    order(w, "o1", ORDER("1", "in_progress", OF_ANA));
    w->nsent = 0;
    put_event(w, "e1", "cmms.workorder.comment_added.v1",
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"1\",\"number\":\"WO-1\",\"title\":\"T\","
                           "\"status\":\"in_progress\",\"assignees\":[{\"id\":\"u1\"}]},"
                           "\"comment\":{\"id\":\"c1\",\"author\":\"Bo\",\"text\":\"%s\"}}",
                           words(w, "vibrating", 250))
                  .p);
    UNTIL(w, "told", idle(w));
    CHECK_INT("told", sent_to(w, ANA, "vibrating"), 1);
    CHECK_INT("nothing failed", failed(w), 0);
    world_free(&w);
}

#define ROUND_OF(items)                                                              \
    "{\"checklist\":{\"id\":\"C1\",\"name\":\"Check\",\"period\":\"daily\",\"items\":[" \
    items "],\"assignees\":[\"u1\"]}}"
#define CHOICES(labels) \
    ROUND_OF("{\"id\":\"i1\",\"label\":\"Bearing\",\"kind\":\"choice\",\"options\":[" labels "]}")

/* Choices that begin alike are told apart. */
static void test_choices_alike(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "e1", "cmms.checklist.due.v1",
              CHOICES("\"Replaced, drive end side left\",\"Replaced, drive end side right\""));
    UNTIL(w, "due", idle(w));
    tap(w, ANA, "t1", "y:c:go,1:C1");
    CHECK_INT("asked", sent_to(w, ANA, "1/1"), 1);
    CHECK_INT("the whole choice", sent_to(w, ANA, "drive end side right"), 1);
    CHECK_INT("nothing failed", failed(w), 0);
    tap(w, ANA, "t2", "y:c:a,1,0,1:C1");
    CHECK_INT("answered", stream_events(w, "gateway.checklist.answered.v1", "side right"), 1);
    world_free(&w);
}

/* The line about a CMMS that is away takes no message beyond its limit. */
static void test_late_long(void)
{
    struct world *w = world_new(NULL);
    const char *item = "{\"id\":\"%s\",\"label\":\"%s\",\"kind\":\"yes_no_na\"}";
    const char *long_label = words(w, "inspect", 85);

    put_event(w, "e1", "cmms.checklist.due.v1",
              arena_printf(w->a, ROUND_OF("%s,%s"),
                           arena_printf(w->a, item, "i1", long_label).p,
                           arena_printf(w->a, item, "i2", long_label).p)
                  .p);
    UNTIL(w, "due", idle(w));
    tap(w, ANA, "t1", "y:c:go,1:C1");
    tap(w, ANA, "t2", "y:c:a,1,0,0:C1");
    CHECK_INT("second", sent_to(w, ANA, "2/2"), 1);
    w->et->t.cmms_away = true;
    tap(w, ANA, "t3", "y:c:a,1,0,2:C1");
    CHECK_INT("corrected", sent_to(w, ANA, "book it when it is back"), 1);
    CHECK_INT("nothing failed", failed(w), 0);
    world_free(&w);
}

/* Completed today is by the day of the person, not by that of the tenant. */
static void test_today(void)
{
    static const char *const zones[] = {"Pacific/Kiritimati", "Pacific/Pago_Pago"};

    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct world *w = world_new(NULL);
        struct wall midnight;
        int32_t minutes;

        person(w, "p3", arena_printf(w->a, "\"id\":\"u1\",\"timezone\":\"%s\"", zones[i]).p);
        timezone_local(str_of(zones[i]), wall_now(), &minutes, &midnight);
        redis_get(w, "RPUSH oc:u1 %lld|before", (long long)midnight.ms - 1000);
        redis_get(w, "RPUSH oc:u1 %lld|w1", (long long)midnight.ms);
        redis_get(w, "RPUSH oc:u1 %lld|w2", (long long)midnight.ms + 1);
        redis_get(w, "RPUSH oc:u1 0|w2");
        say(w, ANA, "m1", "STATUS");
        CHECK_INT(zones[i], sent_to(w, ANA, "Completed today: 1"), 1);
        world_free(&w);
    }
}

/* "line" and "line 2" are two teams. */
static void test_team_named(void)
{
    struct world *w = world_new(NULL);

    person(w, "p3", "\"id\":\"u1\",\"teams\":[\"line\",\"line 2\"]");
    person(w, "p4", "\"id\":\"u2\",\"teams\":[\"line\"]");
    say(w, ANA, "m1", "TEAM line 2: the belt is back");
    CHECK_INT("to that one", sent_to(w, ANA, "Sent to *line 2*"), 1);
    CHECK_INT("not to the other", sent_to(w, BEN, "the belt is back"), 0);
    say(w, ANA, "m2", "TEAM line 3 is down");
    CHECK_INT("its beginning is no other", sent_to(w, BEN, "3 is down"), 1);
    world_free(&w);
}

/* Words that were asked for reach their order, also where it is nobody's list. */
static void test_words_asked(void)
{
    struct world *w = world_new(NULL);

    person(w, "p3", "\"id\":\"u2\",\"roles\":[\"admin\"]");
    order(w, "o1", ORDER("1", "in_progress", OF_ANA));
    say(w, BEN, "m1", "NOTE WO-1");
    say(w, BEN, "m2", "bearing replaced");
    CHECK_INT("booked", stream_events(w, "gateway.workorder.note_added.v1", "bearing replaced"), 1);
    world_free(&w);
}

/* A number counts as the tap: a second one changes nothing. */
static void test_number_twice(void)
{
    struct world *w = world_new(NULL);

    w->content_status = 500;
    person(w, "p3", "\"id\":\"u1\",\"supervisor\":\"u2\"");
    order(w, "o1", ORDER("1", "open", OF_ANA));
    said_to_twilio(w, "m1", "START WO-1");
    said_to_twilio(w, "m2", "2");
    CHECK_INT("escalated", stream_events(w, "gateway.workorder.escalated.v1", ""), 1);
    said_to_twilio(w, "m3", "2");
    CHECK_INT("once", stream_events(w, "gateway.workorder.escalated.v1", ""), 1);
    CHECK_INT("which is said", sent_to(w, ANA, "already."), 1);
    said_to_twilio(w, "m4", "WO-1");
    said_to_twilio(w, "m5", "2");
    CHECK_INT("asked anew, it counts", stream_events(w, "gateway.workorder.escalated.v1", ""), 2);
    world_free(&w);
}

/* Of an order that is on no list of his too. */
static void test_number_of_other(void)
{
    struct world *w = world_new(NULL);

    w->content_status = 500;
    person(w, "p3", "\"id\":\"u1\",\"roles\":[\"admin\"]");
    order(w, "o1", ORDER("1777", "in_progress", ",\"assignees\":[{\"id\":\"u2\"}]"));
    order(w, "o2", ORDER("2777", "in_progress", ",\"assignees\":[{\"id\":\"u2\"}]"));
    said_to_twilio(w, "m1", "COMPLETE 777");
    said_to_twilio(w, "m2", "1");
    CHECK_INT("done", stream_events(w, "gateway.workorder.status_requested.v1", "completed"), 1);
    world_free(&w);
}

/* Nobody is said to have heard it who did not. */
static void test_supervisor_away(void)
{
    static const struct {
        const char *label, *members;
    } rows[] = {
        {"not verified", "\"id\":\"u7\",\"name\":\"Eva\",\"phone\":\"+12025550197\""},
        {"opted out",
         "\"id\":\"u7\",\"name\":\"Eva\",\"phone\":\"+12025550197\",\"verified\":true,"
         "\"opted_out\":[\"escalations\"]"},
        {"no number", "\"id\":\"u7\",\"name\":\"Eva\",\"verified\":true"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);

        person(w, "p3", rows[i].members);
        person(w, "p4", "\"id\":\"u1\",\"supervisor\":\"u7\"");
        order(w, "o1", ORDER("1", "in_progress", OF_ANA));
        say(w, ANA, "m1", "ESCALATE WO-1 it smokes");
        CHECK_INT(rows[i].label, stream_events(w, "gateway.workorder.escalated.v1", "smokes"), 1);
        CHECK_INT(rows[i].label, sent_to(w, ANA, "escalated to Eva"), 0);
        CHECK_INT(rows[i].label, sent_to(w, ANA, "WO-1 escalated"), 1);
        world_free(&w);
    }
}

/* The next day on which the clocks of @zone change, in local milliseconds. */
static int64_t change_day(const char *zone)
{
    const int64_t day = 86400000;
    int64_t d = timezone_shift(str_of(zone), wall_now()) / day + 2;

    while (timezone_wall(str_of(zone), (d + 1) * day).ms - timezone_wall(str_of(zone), d * day).ms ==
           day) {
        d++;
    }
    return d * day;
}

/* A day is meant at the hour it was to be done, also on the day the clocks change. */
static void test_clocks_change(void)
{
    static const char zone[] = "Europe/Madrid";
    struct world *w = world_new(NULL);
    char day[WALL_TEXT_BYTES], due[WALL_TEXT_BYTES], want[WALL_TEXT_BYTES];
    int64_t eight = 8 * 3600000, changes = change_day(zone);

    person(w, "p3", "\"id\":\"u1\",\"timezone\":\"Europe/Madrid\"");
    wall_format((struct wall){changes}, day);
    day[10] = '\0';
    wall_format(timezone_wall(str_of(zone), changes - 86400000 + eight), due);
    wall_format(timezone_wall(str_of(zone), changes + eight), want);
    put_event(w, "e1", "cmms.pm.due.v1",
              arena_printf(w->a,
                           "{\"pm\":{\"id\":\"P1\",\"task\":\"Filter\",\"asset\":\"A\","
                           "\"due_at\":\"%s\",\"assignees\":[\"u1\"]}}",
                           due)
                  .p);
    order(w, "o1",
          arena_printf(w->a, ORDER("1", "in_progress", OF_ANA ",\"due_at\":\"%s\""), due).p);
    say(w, ANA, "m1", arena_printf(w->a, "RESCHEDULE %s", day).p);
    CHECK_INT("moved", stream_events(w, "gateway.pm.reschedule_requested.v1", want), 1);
    say(w, ANA, "m2", arena_printf(w->a, "DELAY WO-1 %s, no parts", day).p);
    CHECK_INT("delayed", stream_events(w, "gateway.workorder.delay_reported.v1", want), 1);
    world_free(&w);
}

/* Who is of the crew no more completes nothing by an old button. */
static void test_old_button(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    order(w, "o1", ORDER("1", "open", OF_ANA));
    say(w, ANA, "m1", "COMPLETE WO-1");
    person(w, "p3", "\"id\":\"u1\",\"roles\":[\"stakeholder\"]");
    tap(w, ANA, "t1", "complete:1");
    tap(w, ANA, "t2", "complete_anyway:1");
    CHECK("still open", get_order(w, "1", &o) && o.status == ORDER_OPEN);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_long_order),
        TEST(test_long_reason),
        TEST(test_long_comment),
        TEST(test_choices_alike),
        TEST(test_late_long),
        TEST(test_today),
        TEST(test_team_named),
        TEST(test_words_asked),
        TEST(test_number_twice),
        TEST(test_number_of_other),
        TEST(test_supervisor_away),
        TEST(test_clocks_change),
        TEST(test_old_button),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
