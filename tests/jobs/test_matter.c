/* Matters (scheduled maintenance stands for all): begun by an event, told when their clock strikes,
 * answered by taps and words. */
#include "domain/matter.h"
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

    put_event(w, "e1", "cmms.pm.due.v1", PM("PM-9", "Drain the tank", DUE));
    UNTIL(w, "begun", redis_int(w, "EXISTS y:p:PM-9") == 1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "told", sent_to(w, ANA, "Drain the tank") > 0 && idle(w));
    CHECK_INT("once", sent_to(w, ANA, "Drain the tank"), 1);
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
        struct arena *a = arena_new();
        struct str text = arena_printf(a,
                                       "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/c\","
                                       "\"type\":\"cmms.pm.due.v1\",\"data\":%s}",
                                       bad[i].data);
        struct cmms_event event;
        struct err err = {0};
        struct json *j = NULL;

        CHECK(bad[i].label, json_parse(text, 4096, &j, &err));
        CHECK(bad[i].label, !cmms_event_parse(a, j, &event, &err));
        CHECK_Z(bad[i].label, str_of(err.member), bad[i].member);
        json_free(&j);
        arena_free(&a);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_told_and_done), TEST(test_confirm),
                                        TEST(test_killed), TEST(test_bad)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
