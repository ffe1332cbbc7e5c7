/*
 * Critical alerts: people are called up a ladder until somebody responds; thresholds that raise
 * them; what a crash leaves.
 */
#include "domain/matter.h"
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
    UNTIL(w, "first rung", sent_to(w, ANA, TITLE) == 1);
    CHECK_INT("not the second", sent_to(w, BEN, TITLE), 0);
    world_kill(w);
    world_start(w);
    UNTIL(w, "second rung", sent_to(w, BEN, TITLE) == 1);
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

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_responding), TEST(test_silence)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
