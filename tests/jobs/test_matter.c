/* Matters (scheduled maintenance stands for all): begun by an event, told when their clock strikes,
 * answered by taps and words. */
#include "domain/matter.h"
#include "jobs_int.h"
#include "world.h"

#define PM(id, task, due)                                     \
    "{\"pm\":{\"id\":\"" id "\",\"task\":\"" task             \
    "\",\"asset\":{\"id\":\"a5\",\"name\":\"HVAC Unit #5\"}," \
    "\"due_at\":\"" due "\",\"assignees\":[\"u1\",{\"id\":\"u2\"},\"nobody\"]}}"
#define DUE "2027-12-01T09:00:00Z"

static void pm(struct world *w, const char *event, const char *data)
{
    put_event(w, event, "cmms.pm.due.v1", data);
    UNTIL(w, event, idle(w));
}

/* Told once to those who are known; the tap is told to the CMMS; the second one changes nothing. */
static void test_told_and_done(void)
{
    struct world *w = world_new(NULL);

    pm(w, "e1", PM("PM-7", "Monthly filter replacement", DUE));
    CHECK_INT("Ana", sent_to(w, ANA, "*Maintenance Reminder*"), 1);
    CHECK_INT("with the words", sent_to(w, ANA, "Monthly filter replacement"), 1);
    CHECK_INT("Ben", sent_to(w, BEN, "Maintenance Reminder"), 1);
    pm(w, "e2", PM("PM-7", "Monthly filter replacement", DUE));
    CHECK_INT("the same is not said twice", sent_to(w, ANA, "Maintenance Reminder"), 1);
    put_tap(w, ANA, "t1", "y:p:done:PM-7");
    UNTIL(w, "tap", idle(w));
    CHECK_INT("the CMMS hears it", stream_events(w, "gateway.pm.completed.v1", "\"id\":\"PM-7\""),
              1);
    CHECK_INT("by whom", stream_events(w, "gateway.pm.completed.v1", "\"id\":\"u1\""), 1);
    CHECK_INT("she is told", sent_to(w, ANA, "is done"), 1);
    put_tap(w, BEN, "t2", "y:p:done:PM-7");
    UNTIL(w, "second tap", idle(w));
    CHECK_INT("once", stream_events(w, "gateway.pm.completed.v1", ""), 1);
    CHECK_INT("he is told who was faster", sent_to(w, BEN, "done already (Ana"), 1);
    put_tap(w, BEN, "t3", "y:p:done:PM-8");
    UNTIL(w, "a tap on nothing", idle(w));
    CHECK_INT("still once", stream_events(w, "gateway.pm.completed.v1", ""), 1);
    world_free(&w);
}

/* CONFIRM: nothing waits, one, several: then it asks, and the answer is a tap. */
static void test_confirm(void)
{
    struct world *w = world_new(NULL);

    put_text(w, ANA, "c0", "CONFIRM");
    UNTIL(w, "nothing", idle(w));
    CHECK_INT("nothing waits", sent_to(w, ANA, "No scheduled maintenance"), 1);
    pm(w, "e1", PM("PM-1", "Grease the bearings", DUE));
    put_text(w, ANA, "c1", "CONFIRM");
    UNTIL(w, "one", idle(w));
    CHECK_INT("the only one", stream_events(w, "gateway.pm.confirmed.v1", "PM-1"), 1);
    pm(w, "e2", PM("PM-2", "Check the belts", DUE));
    pm(w, "e3", PM("PM-3", "Change the oil", DUE));
    put_text(w, ANA, "c2", "confirm");
    UNTIL(w, "two", idle(w));
    CHECK_INT("asks", sent_to(w, ANA, "Which maintenance"), 1);
    CHECK_INT("does not guess", stream_events(w, "gateway.pm.confirmed.v1", ""), 1);
    put_tap(w, ANA, "c3", "y:p:confirm:PM-2");
    UNTIL(w, "answered", idle(w));
    CHECK_INT("that one", stream_events(w, "gateway.pm.confirmed.v1", "PM-2"), 1);
    put_text(w, ANA, "c4", "CONFIRM pm-3");
    UNTIL(w, "named", idle(w));
    CHECK_INT("by its id", stream_events(w, "gateway.pm.confirmed.v1", "PM-3"), 1);
    CHECK_Z("nothing waits for her any more", str_of(redis_get(w, "HGET bq u1|y")), "");
    world_free(&w);
}

/* A kill between the event and the strike, or in the strike: told once, by the next gateway. */
static void test_killed(void)
{
    struct world *w = world_new(NULL);

    /* Nothing is handed over yet: what is cut off there may be said twice, and is another's test. */
    lane_worker_pause(w->et->outboxes[0].worker, true);
    put_event(w, "e1", "cmms.pm.due.v1", PM("PM-9", "Drain the tank", DUE));
    UNTIL(w, "begun", redis_int(w, "EXISTS y:p:PM-9") == 1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "told", sent_to(w, ANA, "Drain the tank") > 0 && idle(w));
    CHECK_INT("once", sent_to(w, ANA, "Drain the tank"), 1);
    world_free(&w);
}

static const char *pm_due_in(struct world *w, const char *id, int seconds)
{
    char due[WALL_TEXT_BYTES];

    wall_format((struct wall){wall_now().ms + seconds * 1000LL}, due);
    return arena_printf(
               w->a,
               "{\"pm\":{\"id\":\"%s\",\"task\":\"Grease the bearings\",\"asset\":\"Fan 2\","
               "\"due_at\":\"%s\",\"assignees\":[\"u1\",\"u2\"]}}",
               id, due)
        .p;
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

#define MOVED "gateway.pm.reschedule_requested.v1"

/* By the list, by a date, by a command; what is no date, over, or means two days is asked again. */
static void test_moved(void)
{
    struct world *w = world_new(NULL);
    const char *at;

    pm(w, "e1", PM("PM-7", "Monthly filter replacement", DUE));
    tap(w, ANA, "t1", "y:p:move:PM-7");
    CHECK_INT("asks when", sent_to(w, ANA, "Tomorrow"), 1);
    CHECK_INT("another date", sent_to(w, ANA, "Another date"), 1);
    say(w, ANA, "t2", "2031-05-06 14:30");
    CHECK_INT("a typed date answers", stream_events(w, MOVED, "\"new_due_at\":\"2031-05-06T"), 1);
    CHECK_INT("she is told", sent_to(w, ANA, "last word"), 1);
    CHECK_INT("he hears of it", sent_to(w, BEN, "asked for another time"), 1);
    say(w, ANA, "t3", "2031-05-07");
    CHECK_INT("the question is over", stream_events(w, MOVED, ""), 1);
    pm(w, "e2", PM("PM-7", "Monthly filter replacement", DUE));
    CHECK_INT("asked anew by the CMMS", sent_to(w, ANA, "Maintenance Reminder"), 2);
    say(w, ANA, "t4", "RESCHEDULE pm-7 2031-06-01 08:00");
    CHECK_INT("named with its date", stream_events(w, MOVED, "2031-06-01"), 1);
    pm(w, "e3", PM("PM-8", "Check the belts", DUE));
    say(w, ANA, "t5", "reschedule 2019-01-01");
    CHECK_INT("over", sent_to(w, ANA, "is over already"), 1);
    say(w, ANA, "t6", "whenever you like");
    CHECK_INT("no date", sent_to(w, ANA, "could not read a date"), 1);
    say(w, ANA, "t7", "31/02/2031");
    CHECK_INT("no such day", sent_to(w, ANA, "no such day"), 1);
    say(w, ANA, "t8", "MY WORK");
    CHECK_INT("a command in between", sent_to(w, ANA, "You have no open work orders."), 1);
    CHECK_INT("none of it moved", stream_events(w, MOVED, ""), 2);
    at = arena_printf(w->a, "y:p:at,%lld:PM-8", (long long)wall_now().ms + 86400000).p;
    tap(w, ANA, "t9", at);
    CHECK_INT("a row", stream_events(w, MOVED, "PM-8"), 1);
    tap(w, ANA, "t10", at);
    CHECK_INT("twice is once", stream_events(w, MOVED, "PM-8"), 1);
    CHECK_INT("and said", sent_to(w, ANA, "already (Ana"), 1);
    tap(w, ANA, "t11", "y:p:at,1000:PM-8");
    CHECK_INT("a row of long ago", sent_to(w, ANA, "is over already"), 2);
    world_free(&w);
}

/* Which of two, with the date that was typed. */
static void test_move_which(void)
{
    struct world *w = world_new(NULL);

    pm(w, "e1", PM("PM-1", "Grease the bearings", DUE));
    pm(w, "e2", PM("PM-2", "Check the belts", DUE));
    say(w, ANA, "t1", "RESCHEDULE 2031-05-06 14:30");
    CHECK_INT("asks", sent_to(w, ANA, "Which maintenance do you want to reschedule"), 1);
    tap(w, ANA, "t2", "y:p:move:PM-2");
    CHECK_INT("the date is remembered", stream_events(w, MOVED, "2031-05-06"), 1);
    CHECK_INT("that one", stream_events(w, MOVED, "PM-2"), 1);
    say(w, ANA, "t3", "PENDING");
    CHECK_INT("the other one waits", sent_to(w, ANA, "1 thing waits"), 1);
    CHECK_INT("by its name", sent_to(w, ANA, "y:p:view:PM-1"), 1);
    tap(w, ANA, "t4", "y:p:view:PM-1");
    CHECK_INT("is shown again", sent_to(w, ANA, "Grease the bearings"), 4);
    world_free(&w);
}

/* What one has done the others hear; what nobody answered is reminded of once, when it is due. */
static void test_others_and_due(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "e1", "cmms.pm.due.v1", pm_due_in(w, "PM-1", 2));
    UNTIL(w, "told", sent_to(w, ANA, "Maintenance Reminder") == 1);
    CHECK_INT("not yet", sent_to(w, ANA, "due now"), 0);
    UNTIL(w, "due", sent_to(w, ANA, "due now") == 1 && sent_to(w, BEN, "due now") == 1);
    tap(w, BEN, "t1", "y:p:done:PM-1");
    UNTIL(w, "she hears", sent_to(w, ANA, "has done it") == 1);
    CHECK_INT("not he himself", sent_to(w, BEN, "has done it"), 0);
    CHECK_Z("nothing waits for her", str_of(redis_get(w, "HGET bq u1|y")), "");
    put_event(w, "e2", "cmms.pm.due.v1", pm_due_in(w, "PM-2", 2));
    UNTIL(w, "told", sent_to(w, ANA, "Maintenance Reminder") == 2);
    tap(w, ANA, "t2", "y:p:confirm:PM-2");
    put_event(w, "e3", "cmms.pm.due.v1", pm_due_in(w, "PM-3", 3));
    UNTIL(w, "the later one is due", sent_to(w, ANA, "due now") == 2);
    CHECK_INT("what is confirmed is not", sent_to(w, ANA, "due now"), 2);
    world_free(&w);
}

/* Refused: told why, and it is as before. */
static void test_refused(void)
{
    struct world *w = world_new(NULL);

    pm(w, "e1", PM("PM-7", "Monthly filter replacement", DUE));
    w->hooks[0] = (struct act){.status = 409, .body = "{\"reason\":\"locked for the audit\"}"};
    w->nhooks = 1;
    tap(w, ANA, "t1", "y:p:done:PM-7");
    UNTIL(w, "told why", sent_to(w, ANA, "locked for the audit") == 1);
    UNTIL(w, "he is reminded anew", sent_to(w, BEN, "Maintenance Reminder") == 2);
    CHECK_INT("she has the buttons with the reason", sent_to(w, ANA, "Maintenance Reminder"), 1);
    tap(w, ANA, "t2", "y:p:done:PM-7");
    CHECK_INT("and may say it again", stream_events(w, "gateway.pm.completed.v1", ""), 2);
    pm(w, "e2", PM("PM-8", "Check the belts", DUE));
    w->hooks[w->ahooks] = (struct act){.status = 422, .body = "{\"reason\":\"not before June\"}"};
    w->nhooks = w->ahooks + 1;
    say(w, ANA, "t3", "RESCHEDULE PM-8 2031-05-06 14:30");
    UNTIL(w, "told why", sent_to(w, ANA, "not before June") == 1 && idle(w));
    CHECK_INT("at the time it was", sent_to(w, ANA, "Dec 1, 2027"), 4);
    world_free(&w);
}

/* Who does it no more changes nothing by a button of then. */
static void test_old_button(void)
{
    static const char *const actions[] = {"done", "confirm", "move", "at,4099680000000"};
    struct world *w = world_new(NULL);

    pm(w, "e1",
       "{\"pm\":{\"id\":\"P1\",\"task\":\"Change filter\",\"asset\":\"A\",\"due_at\":\"" DUE
       "\",\"assignees\":[\"u1\"]}}");
    pm(w, "e2",
       "{\"pm\":{\"id\":\"P1\",\"task\":\"Change filter\",\"asset\":\"A\",\"due_at\":\"" DUE
       "\",\"assignees\":[\"u2\"]}}");
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        tap(w, ANA, actions[i], arena_printf(w->a, "y:p:%s:P1", actions[i]).p);
    }
    CHECK_INT("not done", stream_events(w, "gateway.pm.completed.v1", ""), 0);
    CHECK_INT("not confirmed", stream_events(w, "gateway.pm.confirmed.v1", ""), 0);
    CHECK_INT("not moved", stream_events(w, "gateway.pm.reschedule_requested.v1", ""), 0);
    CHECK_INT("she is told each time", sent_to(w, ANA, "No scheduled maintenance"), 4);
    tap(w, BEN, "b1", "y:p:done:P1");
    CHECK_INT("who does it does", stream_events(w, "gateway.pm.completed.v1", ""), 1);
    world_free(&w);
}

/* The same maintenance for other people: who joins hears of it, who leaves is not asked any more. */
static void test_handed_over(void)
{
    static const struct {
        const char *event, *people;
        int ana, ben;     /* told so far */
        const char *asks; /* what waits for Ana */
    } rows[] = {
        {"h1", "\"u1\"",          1, 0, "p:P9"},
        {"h2", "\"u1\",\"u2\"", 1, 1, "p:P9"},
        {"h3", "\"u2\",\"u1\"", 1, 1, "p:P9"},
        {"h4", "\"u2\"",          1, 1, ""    },
        {"h5", "\"u1\"",          2, 1, "p:P9"},
    };
    struct world *w = world_new(NULL);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pm(w, rows[i].event,
           arena_printf(w->a,
                        "{\"pm\":{\"id\":\"P9\",\"task\":\"Change filter\",\"asset\":\"A\","
                        "\"due_at\":\"2099-12-01T08:00:00Z\",\"assignees\":[%s]}}",
                        rows[i].people)
               .p);
        CHECK_INT(rows[i].event, sent_to(w, ANA, "Change filter"), rows[i].ana);
        CHECK_INT(rows[i].event, sent_to(w, BEN, "Change filter"), rows[i].ben);
        CHECK_Z(rows[i].event, str_of(redis_get(w, "HGET bq u1|y")), rows[i].asks);
    }
    world_free(&w);
}

/* For others and at another time: who does it no more is not asked any more. */
static void test_anew_for_others(void)
{
    static const char first[] = "{\"pm\":{\"id\":\"P9\",\"task\":\"Change filter\",\"asset\":\"A\","
                                "\"due_at\":\"2099-12-01T08:00:00Z\",\"assignees\":[\"u1\"]}}";
    static const char second[] = "{\"pm\":{\"id\":\"P9\",\"task\":\"Change filter\",\"asset\":\"A\","
                                 "\"due_at\":\"2099-12-02T08:00:00Z\",\"assignees\":[\"u2\"]}}";
    struct world *w = world_new(NULL);

    pm(w, "e1", first);
    pm(w, "e2", second);
    CHECK_INT("who does it now is told", sent_to(w, BEN, "Change filter"), 1);
    CHECK_Z("nothing waits for the first", str_of(redis_get(w, "HGET bq u1|y")), "");
    put_text(w, ANA, "t1", "PENDING");
    UNTIL(w, "pending", idle(w));
    CHECK_INT("nor is it shown", sent_to(w, ANA, "Change filter"), 1);
    world_free(&w);
}

/* What a supervisor confirmed for others stands; what one of them did, only while he does it. */
static void test_handed_over_confirmed(void)
{
    static const struct {
        const char *role, *first;
        int confirmed; /* once the next one has said it too */
    } rows[] = {
        {"supervisor", "u3", 1},
        {"technician", "u1", 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        const char *data = "{\"pm\":{\"id\":\"P9\",\"task\":\"Change filter\",\"asset\":\"A\",\"due_at\":"
                           "\"2099-12-01T08:00:00Z\",\"assignees\":[\"%s\"]}}";

        put_event(w, "p3", "cmms.person.upserted.v1",
                  arena_printf(w->a, "{\"person\":{\"id\":\"u1\",\"roles\":[\"%s\"]}}", rows[i].role).p);
        UNTIL(w, "her role", idle(w));
        pm(w, "h1", arena_printf(w->a, data, rows[i].first).p);
        tap(w, ANA, "t1", "y:p:confirm:P9");
        CHECK_INT(rows[i].role, stream_events(w, "gateway.pm.confirmed.v1", ""), 1);
        pm(w, "h2", arena_printf(w->a, data, "u2").p);
        CHECK_INT("he hears of it", sent_to(w, BEN, "Change filter"), 1);
        tap(w, BEN, "t2", "y:p:confirm:P9");
        CHECK_INT(rows[i].role, stream_events(w, "gateway.pm.confirmed.v1", ""), rows[i].confirmed);
        world_free(&w);
    }
}

/* Twice before anybody is told of the first time: who knew it before still knows it. */
static void test_handed_over_twice(void)
{
    static const char *const people[] = {"\"u1\"", "\"u1\",\"u2\"", "\"u1\",\"u2\",\"u3\""};
    struct world *w = world_new(NULL);

    for (size_t i = 0; i < ARRAY_LEN(people); i++) {
        put_event(w, arena_printf(w->a, "h%zu", i).p, "cmms.pm.due.v1",
                  arena_printf(w->a,
                               "{\"pm\":{\"id\":\"P9\",\"task\":\"Change filter\",\"asset\":\"A\","
                               "\"due_at\":\"2099-12-01T08:00:00Z\",\"assignees\":[%s]}}",
                               people[i])
                      .p);
        if (i == 0) {
            UNTIL(w, "told", sent_to(w, ANA, "Change filter") == 1 && idle(w));
            lane_worker_pause(w->et->in, true);
        }
    }
    lane_worker_pause(w->et->in, false);
    UNTIL(w, "who joined", sent_to(w, BEN, "Change filter") == 1 && idle(w));
    CHECK_INT("not a second time", sent_to(w, ANA, "Change filter"), 1);
    world_free(&w);
}

static const struct {
    const char *label, *data, *member;
} bad[] = {
    {"no pm",        "{\"x\":1}",                                                    "data.pm"          },
    {"no id",        "{\"pm\":{\"task\":\"T\",\"assignees\":[\"u1\"]}}",             "data.pm.id"       },
    {"no task",      "{\"pm\":{\"id\":\"P\",\"assignees\":[\"u1\"]}}",               "data.pm.task"     },
    {"nobody",       "{\"pm\":{\"id\":\"P\",\"task\":\"T\"}}",                       "data.pm.assignees"},
    {"a bad person", "{\"pm\":{\"id\":\"P\",\"task\":\"T\",\"assignees\":[\"~\"]}}",
     "data.pm.assignees"                                                                                },
    {"a bad time",   "{\"pm\":{\"id\":\"P\",\"task\":\"T\",\"due_at\":\"soon\"}}",   "data.pm.due_at"   },
};

static void test_bad(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_Z(bad[i].label, event_fault("cmms.pm.due.v1", bad[i].data), bad[i].member);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_told_and_done), TEST(test_confirm),        TEST(test_killed),  TEST(test_moved),
        TEST(test_move_which),    TEST(test_others_and_due), TEST(test_refused), TEST(test_bad),
        TEST(test_handed_over), TEST(test_handed_over_twice), TEST(test_handed_over_confirmed),
        TEST(test_anew_for_others), TEST(test_old_button)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
