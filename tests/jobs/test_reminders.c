/* Reminders: missed, put in by a clock that is ahead, overtaken by what people did. */
#include <time.h>

#include "inbox_int.h"
#include "world.h"

/* The time of a reminder came while the event waited: it is told late, not never. */
static void test_reminder_missed(void)
{
    struct world *w = world_new(NULL);
    int64_t time_ms = wall_now().ms + 1500;
    char due[WALL_TEXT_BYTES];

    wall_format((struct wall){time_ms + 2 * 3600 * 1000}, due);
    lane_worker_pause(w->et->in, true);
    put_event(
        w, "e1", "cmms.workorder.created.v1",
        arena_printf(w->a,
                     "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\","
                     "\"status\":\"open\",\"due_at\":\"%s\",\"assignees\":[{\"id\":\"u1\"}]}}",
                     due)
            .p);
    UNTIL(w, "its time is over", wall_now().ms > time_ms);
    lane_worker_pause(w->et->in, false);
    UNTIL(w, "assigned", sent_to(w, ANA, "New Work Order Assigned") == 1);
    UNTIL(w, "reminded", sent_to(w, ANA, "Work Order Reminder") == 1);
    world_free(&w);
}

/* A reminder that another gateway's clock, ahead of ours, put in: it is told when its time has
 * come. */
static int64_t ahead_ms;

static struct wall ahead(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ahead_ms};
}

static void test_reminder_ahead(void)
{
    struct world *w = world_new(NULL);
    int64_t time_ms = wall_now().ms + 4000;
    char due[WALL_TEXT_BYTES];

    wall_format((struct wall){time_ms + 2 * 3600 * 1000}, due);
    put_event(
        w, "e1", "cmms.workorder.created.v1",
        arena_printf(w->a,
                     "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\","
                     "\"status\":\"open\",\"due_at\":\"%s\",\"assignees\":[{\"id\":\"u1\"}]}}",
                     due)
            .p);
    UNTIL(w, "assigned", sent_to(w, ANA, "New Work Order Assigned") == 1 && idle(w));
    lane_worker_pause(w->et->in, true);
    ahead_ms = 5000;
    clock_fake(NULL, ahead);
    UNTIL(w, "put in", redis_int(w, "ZSCORE od w1") > time_ms);
    clock_fake(NULL, NULL);
    lane_worker_pause(w->et->in, false);
    UNTIL(w, "not yet", redis_int(w, "ZSCORE od w1") == time_ms);
    CHECK_INT("not told yet", sent_to(w, ANA, "Work Order Reminder"), 0);
    UNTIL(w, "its time", wall_now().ms > time_ms);
    UNTIL(w, "reminded", sent_to(w, ANA, "Work Order Reminder") == 1);
    world_free(&w);
}

/* The CMMS reminds of an order that has no due date of its own: that once, at the time it tells. */
static void test_reminder_dateless(void)
{
    struct world *w = world_new(NULL);
    char due[WALL_TEXT_BYTES];

    wall_format((struct wall){wall_now().ms + 3 * 24 * 3600 * (int64_t)1000}, due);
    put_event(w, "e1", "cmms.workorder.due.v1",
              arena_printf(w->a,
                           "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\","
                           "\"status\":\"open\",\"assignees\":[{\"id\":\"u1\"}]},"
                           "\"due\":{\"at\":\"%s\",\"state\":\"soon\"}}",
                           due)
                  .p);
    UNTIL(w, "reminded", sent_to(w, ANA, "3 days") == 1 && idle(w));
    ahead_ms = (int64_t)25 * 3600 * 1000;
    clock_fake(NULL, ahead);
    world_run(w, 4500);
    clock_fake(NULL, NULL);
    CHECK_INT("not again, as overdue since 1970", redis_int(w, "ZCARD mx"), 1);
    world_free(&w);
}

/* A reminder waits for the morning; when the order is done in the night, nobody is reminded of it
 * then. */
static void reminder_waits(bool closed)
{
    struct world *w = world_new(NULL);
    int64_t time_ms = wall_now().ms + 1500;
    struct user u;
    struct str id;
    char due[WALL_TEXT_BYTES];

    put_event(w, "q1", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u1\",\"preferences\":{\"quiet_hours\":{\"from\":\"00:00\","
              "\"to\":\"23:59\"}}}}");
    UNTIL(w, "quiet", get_user(w, "u1", &u) && u.has_quiet && idle(w));
    wall_format((struct wall){time_ms + 2 * 3600 * 1000}, due);
    put_event(w, "e1", "cmms.workorder.created.v1",
              arena_printf(
                  w->a,
                  "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\","
                  "\"status\":\"in_progress\",\"due_at\":\"%s\",\"assignees\":[{\"id\":\"u1\"}]}}",
                  due)
                  .p);
    UNTIL(w, "the reminder waits", has_entry(w, "w1", "reminded", ""));
    id = arena_dup(w->a, str_of(redis_get(w, "ZRANGE mo:w1 1 1")));
    CHECK_Z("it waits for the morning", str_of(redis_get(w, "HGET m:%.*s s", STR_ARG(id))),
            "queued");
    if (closed) {
        put_text(w, ANA, "t1", "COMPLETE WO-1");
        UNTIL(w, "done", sent_to(w, ANA, "completed") == 1);
    }
    redis_fixture_command(
        w->redis, "EVAL redis.call('ZADD',KEYS[1],1,redis.call('ZRANGE',KEYS[1],-1,-1)[1]) 1 "
                  "{acme}:s:out:main");
    redis_fixture_command(w->redis, "PUBLISH crewline:wake {acme}:out:main");
    UNTIL(w, "morning", redis_get(w, "ZCARD s:out:main")[0] == '1' && idle(w));
    CHECK_Z("what became of it", str_of(redis_get(w, "HGET m:%.*s s", STR_ARG(id))),
            closed ? "cancelled" : "sent");
    CHECK_INT("reminded", sent_to(w, ANA, "Reminder"), closed ? 0 : 1);
    world_free(&w);
}

static void test_reminder_overtaken(void)
{
    reminder_waits(true);
    reminder_waits(false);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_reminder_missed),
        TEST(test_reminder_ahead),
        TEST(test_reminder_dateless),
        TEST(test_reminder_overtaken),
    };
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
