/*
 * Critical alerts: people are called up a ladder until somebody responds; thresholds that raise
 * them; what a crash leaves.
 */
#include <time.h>

#include "domain/threshold.h"
#include "world.h"

#define CARA "+12025550119"
#define RUNG(user, wait, need) \
    "{\"to\":{\"users\":[\"" user "\"]},\"wait_s\":" wait ",\"need\":" need "}"
#define ALERT(id, severity, ladder)                                                             \
    "{\"alert\":{\"id\":\"" id "\",\"asset\":{\"id\":\"P-01\",\"name\":\"Pump Station P-01\"}," \
    "\"severity\":\"" severity "\",\"text\":\"Temperature exceeds 95\xc2\xb0"                   \
    "C threshold\",\"ladder\":" ladder "}}"
#define LONG_LADDER  "[" RUNG("u1", "600", "1") "," RUNG("u2", "600", "1") "]"
#define SHORT_LADDER "[" RUNG("u1", "1", "1") "," RUNG("u2", "1", "1") "]"
#define TITLE        "*CRITICAL EQUIPMENT ALERT*"

/* Cara (u3), Ana's supervisor, has never been verified. */
static struct world *plant(const char *tenant)
{
    struct world *w = world_new(&(struct world_options){.tenant = tenant});

    put_event(w, "p3", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u3\",\"name\":\"Cara\",\"phone\":\"" CARA
              "\",\"roles\":[\"supervisor\"],\"site\":\"North\"}}");
    UNTIL(w, "Cara", idle(w));
    return w;
}

static void raise_it(struct world *w, const char *event, const char *data)
{
    put_event(w, event, "cmms.alert.raised.v1", data);
}

/* Told with the seeds' words; the first to respond is told to all; the CMMS hears it once. */
static void test_responding(void)
{
    struct world *w = plant(NULL);

    raise_it(w, "e1",
             ALERT("AL-1", "critical",
                   "[{\"to\":{\"users\":[\"u1\",\"u2\",\"u3\",\"u9\"]},\"wait_s\":600}]"));
    UNTIL(w, "told", idle(w));
    CHECK_INT("Ana", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("what", sent_to(w, ANA, "Temperature exceeds 95"), 1);
    CHECK_INT("Ben", sent_to(w, BEN, TITLE), 1);
    CHECK_INT("not Cara, who is not verified", sent_to(w, CARA, TITLE), 0);
    raise_it(w, "e2", ALERT("AL-1", "critical", LONG_LADDER));
    UNTIL(w, "again", idle(w));
    CHECK_INT("alive: not told again", sent_to(w, ANA, TITLE), 1);
    put_text(w, ANA, "t1", "RESPONDING");
    UNTIL(w, "responds", idle(w));
    CHECK_INT("the CMMS hears it", stream_events(w, "gateway.alert.responded.v1", "\"after_ms\":"),
              1);
    CHECK_INT("who could not be told",
              stream_events(w, "gateway.alert.responded.v1", "\"reason\":\"not verified\""), 1);
    CHECK_INT("who is not known",
              stream_events(w, "gateway.alert.responded.v1", "\"reason\":\"not known\""), 1);
    CHECK_INT("Ben hears it", sent_to(w, BEN, "*Ana is responding*"), 1);
    CHECK_INT("Ana does not", sent_to(w, ANA, "*Ana is responding*"), 0);
    CHECK_INT("she is thanked", sent_to(w, ANA, "Everybody knows"), 1);
    put_tap(w, BEN, "t2", "y:a:respond:AL-1");
    UNTIL(w, "late", idle(w));
    CHECK_INT("he is told who has it", sent_to(w, BEN, "Ana is responding to"), 1);
    CHECK_INT("once", stream_events(w, "gateway.alert.responded.v1", ""), 1);
    put_event(w, "e3", "cmms.alert.cleared.v1", "{\"alert\":{\"id\":\"AL-1\"}}");
    UNTIL(w, "cleared", idle(w));
    CHECK_INT("Ana hears the end", sent_to(w, ANA, "*Alert cleared*"), 1);
    CHECK_INT("Ben too", sent_to(w, BEN, "*Alert cleared*"), 1);
    put_tap(w, BEN, "t3", "y:a:respond:AL-1");
    UNTIL(w, "over", idle(w));
    CHECK_INT("who had it", sent_to(w, BEN, "Ana responded to it"), 1);
    CHECK_Z("nothing waits", str_of(redis_get(w, "HGET bq u2|y")), "");
    world_free(&w);
}

/* Silence goes up, and ends in unanswered; a kill between the rungs changes nothing. */
static void test_silence(void)
{
    struct world *w = plant(NULL);

    raise_it(w, "e1", ALERT("AL-2", "critical", SHORT_LADDER));
    UNTIL(w, "first rung", sent_to(w, ANA, TITLE) == 1 && idle(w));
    CHECK_INT("not the second", sent_to(w, BEN, TITLE), 0);
    world_kill(w);
    world_start(w);
    UNTIL(w, "second rung", sent_to(w, BEN, TITLE) == 1 && idle(w));
    CHECK_INT("says why", sent_to(w, BEN, "Nobody has responded"), 1);
    CHECK_INT("the CMMS hears it", stream_events(w, "gateway.workorder.escalated.v1", "\"rung\":2"),
              1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "unanswered", stream_events(w, "gateway.alert.unanswered.v1", "") == 1);
    UNTIL(w, "quiet", idle(w));
    CHECK_INT("Ana once", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("Ben once", sent_to(w, BEN, TITLE), 1);
    CHECK_INT("whom it tried",
              stream_events(w, "gateway.alert.unanswered.v1", "\"told\":[{\"id\":\"u2\""), 1);
    put_text(w, BEN, "t1", "on my way!");
    UNTIL(w, "late", idle(w));
    CHECK_INT("welcome all the same", stream_events(w, "gateway.alert.responded.v1", "u2"), 1);
    CHECK_INT("Ana hears it", sent_to(w, ANA, "*Ben is responding*"), 1);
    world_free(&w);
}

#define BOTH(extra) "[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":600" extra "}]"

static void say(struct world *w, const char *phone, const char *id, const char *text)
{
    put_text(w, phone, id, text);
    UNTIL(w, text, idle(w));
}

static void tap(struct world *w, const char *phone, const char *id, const char *payload)
{
    put_tap(w, phone, id, payload);
    UNTIL(w, payload, idle(w));
}

static void tell(struct world *w, const char *id, const char *type, const char *data)
{
    put_event(w, id, type, data);
    UNTIL(w, id, idle(w));
}

/* Two are needed: the first is told so, all hear of both. */
static void test_quorum(void)
{
    struct world *w = plant(NULL);

    tell(w, "e1", "cmms.alert.raised.v1", ALERT("AL-3", "critical", BOTH(",\"need\":2")));
    say(w, ANA, "t1", "responding");
    CHECK_INT("another is needed", sent_to(w, ANA, "1 more person is needed"), 1);
    CHECK_INT("Ben hears it", sent_to(w, BEN, "*Ana is responding*"), 1);
    say(w, BEN, "t2", "responding");
    CHECK_INT("Ana hears it", sent_to(w, ANA, "*Ben is responding*"), 1);
    CHECK_INT("that is enough", sent_to(w, BEN, "Everybody knows"), 1);
    CHECK_INT("both are told to the CMMS", stream_events(w, "gateway.alert.responded.v1", "AL-3"),
              2);
    say(w, BEN, "t3", "responding");
    CHECK_INT("once each", stream_events(w, "gateway.alert.responded.v1", "AL-3"), 2);
    CHECK_INT("he is on it", sent_to(w, BEN, "You are on it"), 1);
    world_free(&w);
}

/* Who responded is asked after a while; silent he is not trusted, and the ladder goes on. */
static void test_reopened(void)
{
    struct world *w = plant(NULL);

    tell(w, "e1", "cmms.alert.raised.v1",
         ALERT("AL-4", "critical",
               "{\"reopen_s\":1,\"rungs\":[" RUNG("u1", "1", "1") "," RUNG("u2", "600", "1") "]}"));
    say(w, ANA, "t1", "RESPONDING");
    UNTIL(w, "asked", sent_to(w, ANA, "Are you still on this alert") == 1);
    tap(w, ANA, "t2", "y:a:respond:AL-4");
    CHECK_INT("a sign of life", sent_to(w, ANA, "You are on it"), 1);
    UNTIL(w, "asked anew", sent_to(w, ANA, "Are you still on this alert") == 2);
    CHECK_INT("nobody else yet", sent_to(w, BEN, TITLE), 0);
    UNTIL(w, "silent", sent_to(w, BEN, TITLE) == 1);
    CHECK_INT("asked once each time", sent_to(w, ANA, "Are you still on this alert"), 2);
    CHECK_INT("responded once", stream_events(w, "gateway.alert.responded.v1", ""), 1);
    say(w, BEN, "t3", "RESPONDING");
    CHECK_INT("Ben has it", stream_events(w, "gateway.alert.responded.v1", ""), 2);
    world_free(&w);
}

/* Silent for too long he says all the same that he is on it: then he has it again. */
static void test_silent_returns(void)
{
    struct world *w = plant(NULL);

    tell(w, "e1", "cmms.alert.raised.v1",
         ALERT("AL-4", "critical",
               "{\"reopen_s\":1,\"rungs\":[" RUNG("u1", "1", "1") "," RUNG("u2", "3", "1") "]}"));
    say(w, ANA, "t1", "RESPONDING");
    UNTIL(w, "silent", sent_to(w, BEN, TITLE) == 1);
    tap(w, ANA, "t2", "y:a:respond:AL-4");
    CHECK_INT("the CMMS hears it", stream_events(w, "gateway.alert.responded.v1", ""), 2);
    CHECK_INT("Ben hears it", sent_to(w, BEN, "*Ana is responding*"), 1);
    UNTIL(w, "asked anew", sent_to(w, ANA, "Are you still on this alert") == 2);
    CHECK_INT("nobody says unanswered", stream_events(w, "gateway.alert.unanswered.v1", ""), 0);
    say(w, BEN, "t3", "RESPONDING");
    CHECK_INT("she has it", sent_to(w, BEN, "Ana is responding to"), 1);
    UNTIL(w, "silent again", stream_events(w, "gateway.alert.unanswered.v1", "") == 1);
    say(w, BEN, "t4", "RESPONDING");
    CHECK_INT("Ben has it now", stream_events(w, "gateway.alert.responded.v1", ""), 3);
    tap(w, ANA, "t5", "y:a:respond:AL-4");
    CHECK_INT("who has it is said", sent_to(w, ANA, "Ben is responding to"), 1);
    world_free(&w);
}

/* A rung may name many groups: the last is called like the first. */
static void test_many_groups(void)
{
    struct world *w = plant(NULL);
    struct buf data;

    tell(w, "p4", "cmms.person.upserted.v1",
         "{\"person\":{\"id\":\"u2\",\"teams\":[\"team-499\"]}}");
    buf_init(&data, 65536);
    buf_addz(&data, "{\"alert\":{\"id\":\"AL-8\",\"text\":\"hot\",\"ladder\":[{\"wait_s\":600,"
                    "\"to\":{\"users\":[\"u1\"],\"teams\":[");
    for (int i = 0; i < LADDER_NAMES_MAX; i++) {
        buf_addf(&data, "%s\"team-%d\"", i > 0 ? "," : "", i);
    }
    buf_addz(&data, "]}}]}}");
    tell(w, "e1", "cmms.alert.raised.v1", data.p);
    buf_fini(&data);
    CHECK_INT("Ana by name", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("Ben by his team", sent_to(w, BEN, TITLE), 1);
    world_free(&w);
}

/* The same or less is not told twice; what becomes graver is, also to whoever responded. */
static void test_graver(void)
{
    struct world *w = plant(NULL);

    tell(w, "e1", "cmms.alert.raised.v1", ALERT("AL-5", "warning", LONG_LADDER));
    say(w, ANA, "t1", "RESPONDING");
    tell(w, "e2", "cmms.alert.raised.v1", ALERT("AL-5", "low", LONG_LADDER));
    CHECK_INT("less grave", sent_to(w, ANA, TITLE), 1);
    tell(w, "e3", "cmms.alert.raised.v1", ALERT("AL-5", "critical", LONG_LADDER));
    CHECK_INT("graver", sent_to(w, ANA, TITLE), 2);
    say(w, ANA, "t2", "RESPONDING");
    CHECK_INT("she responds again", stream_events(w, "gateway.alert.responded.v1", ""), 2);
    tell(w, "e4", "cmms.alert.cleared.v1", "{\"alert\":{\"id\":\"AL-5\"}}");
    tell(w, "e5", "cmms.alert.cleared.v1", "{\"alert\":{\"id\":\"AL-5\"}}");
    CHECK_INT("cleared once", sent_to(w, ANA, "*Alert cleared*"), 1);
    tell(w, "e6", "cmms.alert.raised.v1", ALERT("AL-5", "low", LONG_LADDER));
    CHECK_INT("raised anew", sent_to(w, ANA, TITLE), 3);
    tell(w, "e7", "cmms.alert.cleared.v1", "{\"alert\":{\"id\":\"AL-none\"}}");
    world_free(&w);
}

/* By button and by word; a second tap does not climb twice; behind the last rung is nobody. */
static void test_escalated(void)
{
    struct world *w = plant(NULL);

    tell(w, "e1", "cmms.alert.raised.v1",
         ALERT("AL-6", "critical",
               "[{\"to\":{\"users\":[\"u1\",\"u2\"]}},{\"to\":{\"users\":[\"u2\"]}}]"));
    say(w, ANA, "t1", "ESCALATE smoke comes out");
    CHECK_INT("who and why", sent_to(w, BEN, "Ana asks for help: smoke comes out"), 1);
    CHECK_INT("she is told", sent_to(w, ANA, "passed on to the next"), 1);
    CHECK_INT("the CMMS too",
              stream_events(w, "gateway.workorder.escalated.v1", "\"why\":\"smoke comes out\""), 1);
    tap(w, BEN, "t2", "y:a:escalate,1:AL-6");
    CHECK_INT("overtaken", sent_to(w, BEN, "has been passed on already"), 1);
    CHECK_INT("no step", stream_events(w, "gateway.workorder.escalated.v1", ""), 1);
    tap(w, BEN, "t3", "y:a:escalate,2:AL-6");
    CHECK_INT("nobody is left", sent_to(w, BEN, "nobody left to call"), 1);
    CHECK_INT("unanswered", stream_events(w, "gateway.alert.unanswered.v1", "AL-6"), 1);
    world_free(&w);
}

/* The CMMS does not take that she is on it: she is told why, and is on it all the same. */
static void test_response_refused(void)
{
    struct world *w = world_new(NULL);

    w->hooks[w->nhooks++] = (struct act){.status = 409, .body = "{\"reason\":\"closed in the office\"}"};
    tell(w, "e1", "cmms.alert.raised.v1", ALERT("AL-9", "critical", LONG_LADDER));
    put_text(w, ANA, "t1", "RESPONDING");
    UNTIL(w, "told", sent_to(w, ANA, "closed in the office") == 1 && idle(w));
    CHECK_INT("of which", sent_to(w, ANA, "about *Pump Station P-01*: closed"), 1);
    put_text(w, ANA, "t2", "RESPONDING");
    UNTIL(w, "again", idle(w));
    CHECK_INT("once", stream_events(w, "gateway.alert.responded.v1", ""), 1);
    world_free(&w);
}

/* Which one a word means: alerts before orders, the quote before all, several are asked about. */
static void test_which(void)
{
    struct world *w = plant(NULL);

    tell(w, "o1", "cmms.workorder.created.v1",
         "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"Belt\",\"status\":"
         "\"in_progress\",\"rev\":1,\"assignees\":[{\"id\":\"u1\"}]}}");
    say(w, ANA, "t1", "ESCALATE");
    CHECK_INT("an order: no alert is open", sent_to(w, ANA, "Work order WO-1 escalated"), 1);
    tell(w, "e1", "cmms.alert.raised.v1", ALERT("AL-7", "critical", BOTH("")));
    say(w, ANA, "t2", "ESCALATE WO-1 still stuck");
    CHECK_INT("the order is named", sent_to(w, ANA, "Work order WO-1 escalated"), 2);
    tell(w, "e2", "cmms.alert.raised.v1", ALERT("AL-8", "critical", BOTH("")));
    say(w, ANA, "t3", "RESPONDING");
    CHECK_INT("asked", sent_to(w, ANA, "Which alert do you mean"), 1);
    CHECK_INT("not guessed", stream_events(w, "gateway.alert.responded.v1", ""), 0);
    say(w, ANA, "t4", "RESPONDING al-8");
    CHECK_INT("named", stream_events(w, "gateway.alert.responded.v1", "AL-8"), 1);
    say(w, BEN, "t5", "RESPONDING");
    CHECK_INT("the one that nobody has", stream_events(w, "gateway.alert.responded.v1", "AL-7"), 1);
    say(w, BEN, "t6", "ESCALATE");
    CHECK_INT("his alert, not an order", stream_events(w, "gateway.alert.unanswered.v1", "AL-7"),
              1);
    world_free(&w);
}

/* Emergency at critical passes switches and quiet hours, not STOP ALL. */
static void test_who_is_told(void)
{
    struct world *w = plant(NULL);

    tell(w, "p4", "cmms.person.upserted.v1",
         "{\"person\":{\"id\":\"u1\",\"preferences\":{\"classes\":{\"emergency\":false},"
         "\"quiet_hours\":{\"from\":\"00:00\",\"to\":\"23:59\"}}}}");
    say(w, BEN, "t1", "STOP ALL");
    tell(w, "e1", "cmms.alert.raised.v1", ALERT("AL-9", "critical", BOTH("")));
    CHECK_INT("Ana at once", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("Ben not", sent_to(w, BEN, TITLE), 0);
    say(w, ANA, "t2", "RESPONDING");
    CHECK_INT("nor of her", sent_to(w, BEN, "is responding"), 0);
    CHECK_INT("and why", stream_events(w, "gateway.alert.responded.v1", "opted out"), 1);
    world_free(&w);
}

/* Without a ladder: the crew of the site, then its supervisors; who is nobody is not waited for. */
static void test_builtin(void)
{
    struct world *w = plant(NULL);

    tell(w, "p4", "cmms.person.upserted.v1",
         "{\"person\":{\"id\":\"u1\",\"roles\":[\"technician\"],\"site\":\"North\"}}");
    tell(w, "p5", "cmms.person.upserted.v1",
         "{\"person\":{\"id\":\"u2\",\"roles\":[\"supervisor\"],\"site\":\"South\"}}");
    tell(w, "e1", "cmms.alert.raised.v1",
         "{\"alert\":{\"id\":\"AL-10\",\"asset\":\"P-01\",\"site\":\"North\",\"text\":\"hot\"}}");
    CHECK_INT("her site", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("not yet", sent_to(w, BEN, TITLE), 0);
    say(w, ANA, "t1", "ESCALATE");
    CHECK_INT("the site's supervisor is not verified: the others", sent_to(w, BEN, TITLE), 1);
    tell(w, "e2", "cmms.alert.raised.v1",
         "{\"alert\":{\"id\":\"AL-11\",\"asset\":\"P-02\",\"text\":\"cold\",\"audience\":{"
         "\"users\":[\"u3\"]}}}");
    CHECK_INT("nobody of the audience: at once the next rung", sent_to(w, BEN, "cold"), 1);
    world_free(&w);
}

#define CREW 150

/* More people than one plan tells: each once, and each hears who responds. */
static void test_many(void)
{
    struct world *w = plant(NULL);

    for (int i = 0; i < CREW; i++) {
        struct str data = arena_printf(w->a,
                                       "{\"person\":{\"id\":\"c%d\",\"name\":\"C%d\",\"phone\":"
                                       "\"+1202666%04d\",\"verified\":true,\"teams\":[\"all\"]}}",
                                       i, i, i);

        put_event(w, arena_printf(w->a, "c%d", i).p, "cmms.person.upserted.v1", data.p);
    }
    UNTIL(w, "a crew", redis_int(w, "ZCARD ut:all") == CREW && idle(w));
    put_event(w, "e1", "cmms.alert.raised.v1",
              ALERT("AL-12", "critical", "[{\"to\":{\"teams\":[\"all\"],\"users\":[\"u1\"]}}]"));
    UNTIL(w, "all told",
          redis_int(w, "ZCARD mx") >= CREW + 1 && redis_int(w, "HGET y:a:AL-12 v") >= 4);
    say(w, ANA, "t1", "RESPONDING");
    for (int i = 0; i < CREW; i += 37) {
        const char *phone = arena_printf(w->a, "c%d", i).p;

        CHECK_INT("the alert, and who responds", redis_int(w, "ZCARD mu:%s", phone), 2);
    }
    CHECK_INT("all of them, and a welcome to Cara", redis_int(w, "ZCARD mx"), 2 * CREW + 3);
    world_free(&w);
}

/* ---- thresholds ---- */

#define HOT(more)                                                                                 \
    "\"thresholds\":[{\"id\":\"hot\",\"metric\":\"Temperature\",\"asset\":\"P-01\",\"above\":95," \
    "\"hysteresis\":3,\"unit\":\"\xc2\xb0"                                                        \
    "C\"" more ",\"ladder\":[{\"to\":{\"users\":[\"u1\",\"u2\"]},\"wait_s\":600}]}],"

static void reading(struct world *w, const char *id, const char *asset, const char *value,
                    int64_t ago_s)
{
    char at[40];
    struct wall t = {wall_now().ms - ago_s * 1000};
    struct str data;

    wall_format(t, at);
    data = arena_printf(w->a,
                        "{\"reading\":{\"asset\":{\"id\":\"%s\",\"name\":\"Pump Station P-01\"},"
                        "\"metric\":\"Temperature\",\"value\":%s,\"at\":\"%s\"}}",
                        asset, value, at);
    put_event(w, id, "cmms.condition.reading.v1", data.p);
    UNTIL(w, id, idle(w));
}

/* The id of what is kept of the pump's temperature. */
static const char *condition(struct world *w)
{
    const struct reading r = {.asset_id = STR("P-01"), .metric = STR("Temperature")};

    return reading_id(w->a, &r).p;
}

/* Crossed, it raises one alert; back by the hysteresis it is cleared; in between nothing is
 * written. */
static void test_threshold(void)
{
    struct world *w = plant(HOT(""));

    reading(w, "r1", "P-01", "94", 60);
    reading(w, "r2", "P-02", "99", 60);
    CHECK_INT("nothing kept", redis_int(w, "ZCARD yl"), 0);
    reading(w, "r3", "P-01", "95.5", 50);
    CHECK_INT("told",
              sent_to(w, ANA,
                      "Temperature exceeds 95\xc2\xb0"
                      "C threshold"),
              1);
    CHECK_INT("the CMMS hears it, with the reading",
              stream_events(w, "gateway.alert.raised.v1", "\"value\":95.5"), 1);
    reading(w, "r4", "P-01", "97", 40);
    reading(w, "r5", "P-01", "93", 30);
    reading(w, "r6", "P-01", "96", 20);
    CHECK_INT("one alert", redis_int(w, "ZCARD ya"), 1);
    CHECK_INT("written twice: the alert raised and told, and one crossing",
              redis_int(w, "ZCARD yl"), 2);
    reading(w, "r7", "P-01", "80", 45);
    CHECK_INT("an older one changes nothing", sent_to(w, ANA, "*Alert cleared*"), 0);
    say(w, BEN, "t1", "RESPONDING");
    CHECK_INT("its document was not touched by readings",
              redis_int(w, "HGET y:r:%s v", condition(w)), 1);
    reading(w, "r8", "P-01", "92", 10);
    CHECK_INT("cleared", sent_to(w, ANA, "*Alert cleared*"), 1);
    CHECK_INT("to Ben too", sent_to(w, BEN, "*Alert cleared*"), 1);
    reading(w, "r9", "P-01", "99", 5);
    CHECK_INT("another", redis_int(w, "ZCARD ya"), 2);
    CHECK_INT("told anew", sent_to(w, ANA, TITLE), 2);
    world_free(&w);
}

static struct wall before_that(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 - (int64_t)11 * 60 * 1000};
}

/* A threshold that has another name since, or is gone: what it raised does not stand for ever. */
static void test_renamed(void)
{
    struct world *w = plant(HOT(""));

    clock_fake(NULL, before_that);
    reading(w, "r1", "P-01", "99", 50);
    CHECK_INT("raised", sent_to(w, ANA, TITLE), 1);
    w->settings->tenants[0].thresholds[0].id = STR("pump-hot");
    reading(w, "r2", "P-01", "80", 40);
    CHECK_INT("another gateway may know it", sent_to(w, ANA, "*Alert cleared*"), 0);
    clock_fake(NULL, NULL);
    reading(w, "r3", "P-01", "80", 30);
    CHECK_INT("cleared", sent_to(w, ANA, "*Alert cleared*"), 1);
    reading(w, "r4", "P-01", "99", 20);
    CHECK_INT("by the other", sent_to(w, ANA, TITLE), 2);
    world_free(&w);
}

/* A threshold that is for other machines since: the same. */
static void test_not_for_it(void)
{
    struct world *w = plant(HOT(""));
    struct tenant_settings *t = &w->settings->tenants[0];
    struct threshold *all = t->thresholds, both[2] = {all[0], all[0]};
    struct str other = STR("P-02");

    clock_fake(NULL, before_that);
    reading(w, "r1", "P-01", "99", 50);
    CHECK_INT("raised", sent_to(w, ANA, TITLE), 1);
    both[0].assets = &other;
    both[1].id = STR("pump-hot");
    t->thresholds = both;
    t->nthresholds = 2;
    reading(w, "r2", "P-01", "80", 40);
    clock_fake(NULL, NULL);
    reading(w, "r3", "P-01", "80", 30);
    CHECK_INT("cleared", sent_to(w, ANA, "*Alert cleared*"), 1);
    t->thresholds = all;
    t->nthresholds = 1;
    world_free(&w);
}

/* Two gateways of which one has read the file anew: the other one clears nothing that it does not know. */
static void test_half_reloaded(void)
{
    struct world *w = plant(HOT(""));
    struct threshold *th = &w->settings->tenants[0].thresholds[0];
    struct threshold now = *th, before = *th;

    before.id = STR("old");
    before.level = 200;
    clock_fake(NULL, before_that);
    for (int i = 0; i < 3; i++) {
        *th = now;
        reading(w, arena_printf(w->a, "a%d", i).p, "P-01", "99", 60 - 10 * i);
        *th = before;
        reading(w, arena_printf(w->a, "b%d", i).p, "P-01", "99", 55 - 10 * i);
        clock_fake(NULL, NULL);
    }
    CHECK_INT("raised once", sent_to(w, ANA, TITLE), 1);
    CHECK_INT("not cleared", sent_to(w, ANA, "*Alert cleared*"), 0);
    *th = now;
    world_free(&w);
}

/* A hold ends by a later reading, by our clock when none comes, and with the gateway in between. */
static void test_hold(void)
{
    struct world *w = plant(HOT(",\"hold_s\":1"));

    reading(w, "r1", "P-01", "99", 20);
    CHECK_INT("it waits", sent_to(w, ANA, TITLE), 0);
    reading(w, "r2", "P-01", "95", 19);
    reading(w, "r3", "P-01", "99", 18);
    reading(w, "r4", "P-01", "99", 17);
    CHECK_INT("held", sent_to(w, ANA, TITLE), 1);
    reading(w, "r5", "P-01", "80", 16);
    reading(w, "r6", "P-01", "97", 0);
    CHECK_INT("it waits again", stream_events(w, "gateway.alert.raised.v1", ""), 1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "by the clock", sent_to(w, ANA, TITLE) == 2);
    CHECK_INT("once", stream_events(w, "gateway.alert.raised.v1", ""), 2);
    world_free(&w);
}

static bool begins(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

/* An alert and its clock never queue behind other events: their lanes are before all others. */
static void test_first(void)
{
    struct world *w = world_new(&(struct world_options){.no_work = true});

    put_event(w, "o1", "cmms.workorder.deleted.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\",\"status\":"
              "\"open\"}}");
    raise_it(w, "e1", ALERT("AL-13", "critical", LONG_LADDER));
    CHECK("before all", begins(redis_get(w, "ZRANGE r:in:0 0 0"), "0e:"));
    CHECK_INT("alone", redis_int(w, "ZCARD r:in:0"), 1);
    world_free(&w);
    w = plant(NULL);
    tell(w, "e2", "cmms.alert.raised.v1", ALERT("AL-14", "critical", LONG_LADDER));
    CHECK("its clock too", begins(redis_get(w, "ZRANGE s:in 0 0"), "0y:"));
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_response_refused), TEST(test_responding),      TEST(test_silence),      TEST(test_quorum),
        TEST(test_reopened),        TEST(test_silent_returns), TEST(test_graver),
        TEST(test_escalated),       TEST(test_which),        TEST(test_who_is_told),
        TEST(test_not_for_it),
        TEST(test_builtin),         TEST(test_many),         TEST(test_threshold),
        TEST(test_hold),            TEST(test_renamed), TEST(test_half_reloaded),      TEST(test_first),
        TEST(test_many_groups)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
