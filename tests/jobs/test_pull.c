/* What was said to a Twilio number while no gateway answered: pulled from its list, in order, once.
 */
#include "world.h"

#include <time.h>

static const char *said(struct world *w, const char *sid, const char *body, int ago_s)
{
    time_t t = time(NULL) - ago_s;
    char date[64];
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
    return arena_printf(w->a,
                        "{\"account_sid\":\"AC0123456789abcdef0123456789abcdef\",\"sid\":\"%s\","
                        "\"direction\":\"inbound\",\"to\":\"whatsapp:+12025550177\","
                        "\"from\":\"whatsapp:" ANA "\",\"body\":\"%s\",\"status\":\"received\","
                        "\"num_media\":\"0\",\"error_code\":null,\"date_created\":\"%s\"}",
                        sid, body, date)
        .p;
}

static int notes(struct world *w, const char *text)
{
    return stream_events(w, "gateway.workorder.note_added.v1", text);
}

/* A world whose first pull is noted, with an order that Ana works on, and now down. */
static struct world *down(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "o1", "cmms.workorder.created.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":"
              "\"in_progress\",\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "told", w->nsent == 1 && idle(w));
    UNTIL(w, "noted", str_of(redis_get(w, "HGET tp tw")).n > 0);
    CHECK_INT("the first one reads nothing", w->nlists, 0);
    world_stop(w, 1000);
    return w;
}

static void test_in_order_once(void)
{
    struct world *w = down();
    struct inbound known = {.kind = INBOUND_MESSAGE,
                            .account = STR("AC0123456789abcdef0123456789abcdef"),
                            .number_id = STR("+12025550177"),
                            .provider_id = STR("SM2"),
                            .phone = STR(ANA),
                            .type = INBOUND_TEXT,
                            .type_name = STR("text"),
                            .text = STR("NOTE two")};

    /* The newest first, as Twilio lists them; the last one is older than the last pull. */
    w->list = arena_printf(w->a, "%s,%s,%s,%s", said(w, "SM3", "NOTE three", 0),
                           said(w, "SM2", "NOTE two", 1), said(w, "SM1", "NOTE one", 2),
                           said(w, "SM0", "NOTE nought", 1200))
                  .p;
    world_start(w);
    UNTIL(w, "carried out", notes(w, "") == 3 && idle(w));
    CHECK("one", str_find(stream_event(w, redis_int(w, "GET seq") - 2), STR("one")) != SIZE_MAX);
    CHECK("two", str_find(stream_event(w, redis_int(w, "GET seq") - 1), STR("two")) != SIZE_MAX);
    CHECK("three", str_find(stream_event(w, redis_int(w, "GET seq")), STR("three")) != SIZE_MAX);
    put_inbound(w, &known); /* the webhook comes after all */
    world_stop(w, 1000);
    world_start(w);
    UNTIL(w, "pulled again", w->nlists == 2);
    world_run(w, 100);
    UNTIL(w, "idle", idle(w));
    CHECK_INT("none of them twice", notes(w, ""), 3);
    world_free(&w);
}

/* Twilio is away at the start: it is asked again, and nothing is noted before all was kept. */
static void test_away(void)
{
    struct world *w = down();
    struct str before = arena_dup(w->a, str_of(redis_get(w, "HGET tp tw")));

    w->list = said(w, "SM1", "NOTE one", 0);
    w->list_status = 503;
    world_start(w);
    UNTIL(w, "asked", w->nlists == 1);
    world_run(w, 100);
    CHECK_STR("not noted", str_of(redis_get(w, "HGET tp tw")), before);
    w->list_status = 0;
    UNTIL(w, "carried out", notes(w, "one") == 1);
    UNTIL(w, "noted", !str_eq(str_of(redis_get(w, "HGET tp tw")), before));
    world_free(&w);
}

/* A gateway that ends in the middle of it leaves nothing behind. */
static void test_ends(void)
{
    struct world *w = down();

    w->list = said(w, "SM1", "NOTE one", 0);
    for (int ms = 20; ms < 80; ms += 4) {
        world_start(w);
        world_run(w, ms);
        world_kill(w);
    }
    world_start(w);
    UNTIL(w, "carried out", notes(w, "one") == 1 && idle(w));
    CHECK_INT("once", notes(w, ""), 1);
    world_free(&w);
}

/* The clock was set ahead when the last pull was noted, and is right again. */
static void test_noted_ahead(void)
{
    struct world *w = down();
    int64_t ahead = wall_now().ms + (int64_t)30 * 24 * 3600 * 1000;

    redis_get(w, "HSET tp tw %lld", (long long)ahead);
    w->list = said(w, "SM1", "NOTE one", 3600);
    world_start(w);
    UNTIL(w, "carried out", notes(w, "one") == 1 && idle(w));
    UNTIL(w, "noted anew", redis_int(w, "HGET tp tw") < ahead);
    world_stop(w, 1000);
    w->list = said(w, "SM2", "NOTE two", 0);
    world_start(w);
    UNTIL(w, "and the next", notes(w, "two") == 1 && idle(w));
    world_free(&w);
}

/* Or ours is behind, by what the list says: nothing is read, and what was noted stays. */
static void test_clock_behind(void)
{
    struct world *w = down();
    int64_t ahead = wall_now().ms + (int64_t)30 * 24 * 3600 * 1000;

    redis_get(w, "HSET tp tw %lld", (long long)ahead);
    w->list = said(w, "SM1", "NOTE one", -29 * 24 * 3600);
    world_start(w);
    UNTIL(w, "asked", w->nlists == 1);
    world_run(w, 200);
    CHECK_INT("not carried out", notes(w, ""), 0);
    CHECK_INT("noted as before", redis_int(w, "HGET tp tw"), ahead);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_in_order_once), TEST(test_away), TEST(test_ends),
                                        TEST(test_noted_ahead), TEST(test_clock_behind)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
