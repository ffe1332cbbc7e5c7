/* Rounds of checklists: one item at a time, from the event to the summary; by taps and by words. */
#include "domain/checklist.h"
#include "world.h"

#define ROUND(id, items, people)                                         \
    "{\"checklist\":{\"id\":\"" id "\",\"name\":\"Daily boiler check\"," \
    "\"period\":\"daily\",\"items\":[" items "],\"assignees\":[" people "]}}"
#define ITEM(id, label) \
    "{\"id\":\"" id "\",\"label\":\"" label "\",\"kind\":\"check\",\"required\":true}"
#define THREE ITEM("i1", "Oil level") "," ITEM("i2", "Belt tension") "," ITEM("i3", "Guards closed")

static void due(struct world *w, const char *event, const char *data)
{
    put_event(w, event, "cmms.checklist.due.v1", data);
    UNTIL(w, event, idle(w));
}

static void tap(struct world *w, const char *who, const char *id, const char *payload)
{
    put_tap(w, who, id, payload);
    UNTIL(w, id, idle(w));
}

static void say(struct world *w, const char *who, const char *id, const char *text)
{
    put_text(w, who, id, text);
    UNTIL(w, id, idle(w));
}

static int answered(struct world *w, const char *part)
{
    return stream_events(w, "gateway.checklist.answered.v1", part);
}

static int submitted(struct world *w, const char *part)
{
    return stream_events(w, "gateway.checklist.submitted.v1", part);
}

/* From the event to the summary by taps; what was not done asks why. */
static void test_round(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\""));
    CHECK_INT("told", sent_to(w, ANA, "Daily boiler check"), 1);
    CHECK_INT("with how many", sent_to(w, ANA, "3 items"), 1);
    tap(w, ANA, "t1", "y:c:go,1:C1");
    CHECK_INT("first", sent_to(w, ANA, "1/3"), 1);
    tap(w, ANA, "t2", "y:c:a,1,0,0:C1");
    CHECK_INT("the CMMS hears it", answered(w, "\"id\":\"i1\",\"label\":\"Oil level\""), 1);
    CHECK_INT("how", answered(w, "\"value\":\"done\""), 1);
    CHECK_INT("second", sent_to(w, ANA, "2/3"), 1);
    tap(w, ANA, "t3", "y:c:a,1,1,1:C1");
    CHECK_INT("why", sent_to(w, ANA, "Why?"), 1);
    say(w, ANA, "t4", "belt is torn");
    CHECK_INT("told with the reason", answered(w, "\"note\":\"belt is torn\""), 1);
    CHECK_INT("third", sent_to(w, ANA, "3/3"), 1);
    tap(w, ANA, "t5", "y:c:a,1,2,0:C1");
    CHECK_INT("submitted", submitted(w, "\"complete\":true"), 1);
    CHECK_INT("with all", submitted(w, "\"i1\""), 1);
    CHECK_INT("and the last", submitted(w, "\"i3\""), 1);
    CHECK_INT("summary", sent_to(w, ANA, "is submitted"), 1);
    CHECK_INT("what was not done, and why", sent_to(w, ANA, "(belt is torn)"), 1);
    tap(w, ANA, "t6", "y:c:a,1,0,1:C1");
    CHECK_INT("over", sent_to(w, ANA, "was submitted by Ana"), 1);
    CHECK_INT("nothing changed", answered(w, ""), 4);
    CHECK_Z("nothing waits", str_of(redis_get(w, "HGET bq u1|y")), "");
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_round)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
