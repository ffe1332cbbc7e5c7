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

#define KINDS                                                                                   \
    "{\"id\":\"a\",\"label\":\"Oil level\",\"kind\":\"check\",\"required\":true},"              \
    "{\"id\":\"b\",\"label\":\"Leaks\",\"kind\":\"yes_no_na\"},"                                \
    "{\"id\":\"c\",\"label\":\"Belts\",\"kind\":\"pass_flag_fail\",\"required\":true},"         \
    "{\"id\":\"d\",\"label\":\"Pressure\",\"kind\":\"number\",\"unit\":\"bar\",\"min\":2,"      \
    "\"max\":10,\"required\":true},"                                                            \
    "{\"id\":\"e\",\"label\":\"Remarks\",\"kind\":\"text\"},"                                   \
    "{\"id\":\"f\",\"label\":\"Noise\",\"kind\":\"choice\",\"options\":[\"Low\",{\"id\":\"m\"," \
    "\"label\":\"Medium\"},\"High\",\"Very high\"]},"                                           \
    "{\"id\":\"g\",\"label\":\"Sign\",\"kind\":\"text\"}"

static void numbered(struct world *w, const char *who, const char *const *texts, size_t n)
{
    static int count;

    for (size_t i = 0; i < n; i++) {
        say(w, who, arena_printf(w->a, "n%d", count++).p, texts[i]);
    }
}

/* Every kind in words; what is outside its limits is asked about; commands go in between. */
static void test_words(void)
{
    static const char *const first[] = {"CHECKLIST", "done", "n/a", "flagged", "worn at the edge"};
    static const char *const second[] = {"about ten", "12,5 bar", "no", "14"};
    static const char *const third[] = {"all quiet here", "loud", "medium", "skip"};
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", KINDS, "\"u1\""));
    numbered(w, ANA, first, ARRAY_LEN(first));
    CHECK_INT("check",
              answered(w, "\"id\":\"a\",\"label\":\"Oil level\",\"kind\":\"check\","
                          "\"state\":\"answered\",\"value\":\"done\""),
              1);
    CHECK_INT("yes, no, n/a", answered(w, "\"value\":\"na\""), 1);
    CHECK_INT("flag", answered(w, "\"note\":\"worn at the edge\""), 1);
    CHECK_INT("limits are told", sent_to(w, ANA, "Normal: 2 to 10"), 1);
    numbered(w, ANA, second, ARRAY_LEN(second));
    CHECK_INT("no number", sent_to(w, ANA, "could not read that"), 1);
    CHECK_INT("outside", sent_to(w, ANA, "12.5 bar* is outside"), 1);
    CHECK_INT("the next one too", sent_to(w, ANA, "14 bar* is outside"), 1);
    CHECK_INT("not told yet", answered(w, "\"id\":\"d\""), 0);
    say(w, ANA, "c1", "MY WORK");
    CHECK_INT("a command in between", sent_to(w, ANA, "You have no open work orders."), 1);
    say(w, ANA, "c2", "yes");
    CHECK_INT("sure", answered(w, "\"value\":14"), 1);
    numbered(w, ANA, third, ARRAY_LEN(third));
    CHECK_INT("words", answered(w, "\"value\":\"all quiet here\""), 1);
    CHECK_INT("none of the choices", sent_to(w, ANA, "could not read that"), 2);
    CHECK_INT("a choice by its id", answered(w, "\"value\":\"m\""), 1);
    CHECK_INT("left out", answered(w, "\"state\":\"skipped\",\"value\":null"), 1);
    CHECK_INT("submitted", submitted(w, "\"complete\":true"), 1);
    CHECK_INT("what stands out", sent_to(w, ANA, "• Pressure: *14 bar*"), 1);
    world_free(&w);
}

/* CORRECT, an older button with another answer, the same answer again, what may not be left out. */
static void test_correct(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\""));
    tap(w, ANA, "t1", "y:c:go,1:C1");
    say(w, ANA, "t2", "skip");
    CHECK_INT("needed", sent_to(w, ANA, "cannot be left out"), 1);
    tap(w, ANA, "t3", "y:c:a,1,0,0:C1");
    tap(w, ANA, "t4", "y:c:a,1,0,0:C1");
    CHECK_INT("the same again", sent_to(w, ANA, "recorded already"), 1);
    CHECK_INT("changes nothing", answered(w, ""), 1);
    tap(w, ANA, "t5", "y:c:a,1,1,0:C1");
    tap(w, ANA, "t6", "y:c:a,1,0,1:C1");
    CHECK_INT("an older button corrects", sent_to(w, ANA, "Corrected: Oil level"), 1);
    CHECK_INT("and is told", answered(w, "\"value\":\"not_done\""), 1);
    tap(w, ANA, "t7", "y:c:why,1,0:C1");
    CHECK_INT("goes on where it was", sent_to(w, ANA, "3/3"), 2);
    say(w, ANA, "t8", "back");
    CHECK_INT("the list", sent_to(w, ANA, "which answer do you want"), 1);
    tap(w, ANA, "t9", "y:c:f,1,0:C1");
    CHECK_INT("asked again", sent_to(w, ANA, "1/3"), 3);
    say(w, ANA, "t10", "done");
    CHECK_INT("corrected in words", sent_to(w, ANA, "Corrected: Oil level: *✔ Done*"), 1);
    say(w, ANA, "t11", "CORRECT 2");
    say(w, ANA, "t12", "no");
    say(w, ANA, "t13", "could not reach it");
    tap(w, ANA, "t14", "y:c:a,1,2,0:C1");
    CHECK_INT("submitted once", submitted(w, ""), 1);
    CHECK_INT("as corrected", submitted(w, "\"note\":\"could not reach it\""), 1);
    tap(w, ANA, "t15", "y:c:zz,1:C1");
    tap(w, ANA, "t16", "y:c:a,1,7,0:C1");
    CHECK_INT("buttons of nothing", sent_to(w, ANA, "do not know that button"), 2);
    world_free(&w);
}

/* Who begins has it; the others are told, and may take it over. */
static void test_several(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\",\"u2\",\"nobody\""));
    CHECK_INT("both are told", sent_to(w, BEN, "Daily boiler check"), 1);
    tap(w, ANA, "t1", "y:c:a,1,0,0:C1");
    UNTIL(w, "he hears", sent_to(w, BEN, "is doing the checklist") == 1);
    CHECK_Z("nothing waits for him", str_of(redis_get(w, "HGET bq u2|y")), "");
    tap(w, BEN, "t2", "y:c:go,1:C1");
    CHECK_INT("taken", sent_to(w, BEN, "is doing *Daily boiler check* (1/3)"), 1);
    tap(w, BEN, "t3", "y:c:take,1:C1");
    CHECK_INT("goes on", sent_to(w, BEN, "2/3"), 1);
    UNTIL(w, "she hears", sent_to(w, ANA, "is doing the checklist") == 1);
    tap(w, ANA, "t4", "y:c:a,1,1,0:C1");
    CHECK_INT("not hers any more", answered(w, ""), 1);
    tap(w, BEN, "t5", "y:c:a,1,1,0:C1");
    tap(w, BEN, "t6", "y:c:a,1,2,0:C1");
    CHECK_INT("both answered", submitted(w, "\"name\":\"Ana"), 1);
    CHECK_INT("in one round", submitted(w, "\"name\":\"Ben"), 1);
    world_free(&w);
}

/* A new round before the old one is done: that is told as it stands, its buttons say so. */
static void test_anew(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\""));
    tap(w, ANA, "t1", "y:c:a,1,0,0:C1");
    due(w, "e2", ROUND("C1", THREE, "\"u1\""));
    CHECK_INT("told as it stands", submitted(w, "\"complete\":false"), 1);
    CHECK_INT("asked anew", sent_to(w, ANA, "3 items"), 2);
    tap(w, ANA, "t2", "y:c:a,1,1,0:C1");
    CHECK_INT("of an earlier round", sent_to(w, ANA, "an earlier round"), 1);
    CHECK_INT("counts for nothing", answered(w, ""), 1);
    tap(w, ANA, "t3", "y:c:a,2,0,0:C1");
    CHECK_INT("the new one", answered(w, "\"round\":2"), 1);
    world_free(&w);
}

#define NOISE(options)                                                                    \
    "{\"checklist\":{\"id\":\"C1\",\"name\":\"Noise\",\"due_at\":\"2031-05-06T10:00:00Z\"," \
    "\"items\":[{\"id\":\"a\",\"label\":\"How loud?\",\"kind\":\"choice\",\"options\":[" options  \
    "]}],\"assignees\":[\"u1\"]}}"

/* The same round again is no news; with other choices it is another one. */
static void test_other_choices(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", NOISE("\"Low\",\"High\""));
    due(w, "e2", NOISE("\"Low\",\"High\""));
    CHECK_INT("no news", sent_to(w, ANA, "Checklist:* Noise"), 1);
    due(w, "e3", NOISE("\"Low\",\"Over 85 dB\""));
    CHECK_INT("told anew", sent_to(w, ANA, "Checklist:* Noise"), 2);
    say(w, ANA, "t1", "CHECKLIST");
    say(w, ANA, "t2", "over 85 db");
    CHECK_INT("as it is now", answered(w, "\"value\":\"Over 85 dB\""), 1);
    world_free(&w);
}

/* Overdue: the supervisor hears of it, once. */
static void test_overdue(void)
{
    struct world *w =
        world_new(&(struct world_options){.tenant = "\"checklist_overdue_after_s\":0,"});
    char at[WALL_TEXT_BYTES];
    struct user u;

    put_event(w, "boss", "cmms.person.upserted.v1",
              "{\"person\":{\"id\":\"u1\",\"supervisor\":\"u2\"}}");
    UNTIL(w, "known", idle(w));
    CHECK("his supervisor", get_user(w, "u1", &u) && str_eqz(u.supervisor, "u2"));
    wall_format((struct wall){wall_now().ms + 1500}, at);
    put_event(w, "e1", "cmms.checklist.due.v1",
              arena_printf(w->a,
                           "{\"checklist\":{\"id\":\"C1\",\"name\":\"Daily boiler check\","
                           "\"due_at\":\"%s\",\"items\":[" THREE "],\"assignees\":[\"u1\"]}}",
                           at)
                  .p);
    UNTIL(w, "told", sent_to(w, ANA, "Daily boiler check") == 1);
    tap(w, ANA, "t1", "y:c:a,1,0,0:C1");
    UNTIL(w, "overdue", sent_to(w, BEN, "Checklist overdue") == 1);
    CHECK_INT("how far", sent_to(w, BEN, "1 of 3"), 1);
    tap(w, ANA, "t2", "y:c:a,1,1,0:C1");
    world_run(w, 300);
    CHECK_INT("once", sent_to(w, BEN, "Checklist overdue"), 1);
    world_free(&w);
}

/* A kill in the middle: the next gateway goes on at the same item. */
static void test_killed(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\""));
    tap(w, ANA, "t1", "y:c:a,1,0,0:C1");
    put_tap(w, ANA, "t2", "y:c:a,1,1,0:C1");
    world_kill(w);
    world_start(w);
    UNTIL(w, "third", sent_to(w, ANA, "3/3") > 0 && idle(w));
    /* A question that was being handed over when it was killed may be said twice, not more. */
    CHECK("not asked over and over", sent_to(w, ANA, "3/3") <= 2);
    CHECK_INT("told once", answered(w, "\"i2\""), 1);
    say(w, ANA, "t3", "done");
    CHECK_INT("to its end", submitted(w, "\"complete\":true"), 1);
    world_free(&w);
}

#define ORDER(items)                                                                           \
    "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-12\",\"title\":\"Pump service\",\"rev\":1," \
    "\"status\":\"open\",\"assignees\":[{\"id\":\"u1\"}],\"checklist\":[" items "]}}"

/* The list of an order: offered when it is started, missed when it is completed. */
static void test_order(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    put_event(w, "e1", "cmms.workorder.created.v1",
              ORDER(ITEM("i1", "Isolate") "," ITEM(
                  "i2", "Grease") ",{\"id\":\"i3\",\"label\":\"Remarks\",\"kind\":\"text\"}"));
    UNTIL(w, "order", idle(w));
    say(w, ANA, "t1", "START");
    CHECK_INT("offered", sent_to(w, ANA, "has a checklist with 3 items"), 1);
    say(w, ANA, "t2", "COMPLETE all greased");
    CHECK_INT("text that is no command", sent_to(w, ANA, "required items"), 0);
    say(w, ANA, "t3", "COMPLETE WO-12 all greased");
    CHECK_INT("what is missing", sent_to(w, ANA, "2 required items"), 1);
    CHECK("not completed", get_order(w, "w1", &o) && o.status == ORDER_IN_PROGRESS);
    tap(w, ANA, "t4", "y:o:go,1:w1");
    CHECK_INT("first", sent_to(w, ANA, "1/3"), 1);
    say(w, ANA, "t5", "done");
    CHECK_INT("about the order", answered(w, "\"workorder\":{\"id\":\"w1\",\"number\":\"WO-12\""),
              1);
    CHECK_INT("its subject", answered(w, "\"subject\":\"WO-12\""), 1);
    say(w, ANA, "t6", "CHECKLIST WO-12");
    CHECK_INT("goes on", sent_to(w, ANA, "2/3"), 2);
    say(w, ANA, "t7", "done");
    say(w, ANA, "t8", "COMPLETE");
    CHECK("nothing required is missing", get_order(w, "w1", &o) && o.status == ORDER_COMPLETED);
    say(w, ANA, "t9", "checklist wo-12");
    say(w, ANA, "t10", "nothing to add");
    CHECK_INT("submitted", submitted(w, "\"WO-12\""), 1);
    CHECK("in its timeline", has_entry(w, "w1", "checklist", ""));
    world_free(&w);
}

/* Completed anyway, with the words that came with it; a list without answers begins by its word. */
static void test_order_anyway(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    put_event(w, "e1", "cmms.workorder.created.v1", ORDER(ITEM("i1", "Isolate")));
    UNTIL(w, "order", idle(w));
    say(w, ANA, "t1", "START");
    say(w, ANA, "t2", "COMPLETE WO-12 new seal");
    tap(w, ANA, "t3", "complete_anyway:w1");
    CHECK("completed", get_order(w, "w1", &o) && o.status == ORDER_COMPLETED);
    CHECK_INT("with its note", stream_events(w, "gateway.workorder.note_added.v1", "new seal"), 1);
    say(w, BEN, "t4", "CHECKLIST");
    CHECK_INT("nothing for him", sent_to(w, BEN, "No checklist is waiting"), 1);
    tap(w, BEN, "t5", "y:o:go,1:w1");
    CHECK_INT("nor this one", sent_to(w, BEN, "not assigned to you"), 1);
    world_free(&w);
}

#define GIVEN(who, rev, items)                                                           \
    "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-12\",\"title\":\"Pump service\",\"rev\":" rev \
    ",\"status\":\"in_progress\",\"assignees\":[{\"id\":\"" who "\"}],\"checklist\":[" items "]}}"

/* The order goes to somebody else in the middle of its list: what the first one types is his no more. */
static void test_order_given_away(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "e1", "cmms.workorder.created.v1", ORDER(THREE));
    UNTIL(w, "order", idle(w));
    say(w, ANA, "t1", "START");
    tap(w, ANA, "t2", "y:o:go,1:w1");
    say(w, ANA, "t3", "done");
    CHECK_INT("hers", answered(w, ""), 1);
    put_event(w, "e2", "cmms.workorder.assigned.v1", GIVEN("u2", "2", THREE));
    UNTIL(w, "given", idle(w));
    say(w, ANA, "t4", "done");
    say(w, ANA, "t5", "done");
    CHECK_INT("not any more", answered(w, ""), 1);
    CHECK_INT("nor all of it", submitted(w, ""), 0);
    CHECK_INT("she is told", sent_to(w, ANA, "not assigned to you"), 1);
    say(w, ANA, "t6", "MY WORK");
    CHECK_INT("and goes on", sent_to(w, ANA, "no open work orders"), 1);
    world_free(&w);
}

/* What the CMMS takes out of an order's list and puts back is asked. */
static void test_order_put_back(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "e1", "cmms.workorder.created.v1", ORDER(THREE));
    UNTIL(w, "order", idle(w));
    say(w, ANA, "t1", "START");
    tap(w, ANA, "t2", "y:o:go,1:w1");
    put_event(w, "e2", "cmms.workorder.updated.v1",
              GIVEN("u1", "2", ITEM("i1", "Oil level") "," ITEM("i3", "Guards closed")));
    UNTIL(w, "out", idle(w));
    say(w, ANA, "t3", "done");
    CHECK_INT("the third", sent_to(w, ANA, "Guards closed"), 1);
    put_event(w, "e3", "cmms.workorder.updated.v1", GIVEN("u1", "3", THREE));
    UNTIL(w, "back", idle(w));
    say(w, ANA, "t4", "done");
    CHECK_INT("the second is asked", sent_to(w, ANA, "Belt tension"), 1);
    CHECK_INT("nothing is submitted without it", submitted(w, ""), 0);
    say(w, ANA, "t5", "done");
    CHECK_INT("all", submitted(w, "\"complete\":true"), 1);
    world_free(&w);
}

/* The readings that the CMMS gives go back to it as they came. */
static void test_given_values(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1",
        ROUND("C1",
              "{\"id\":\"h\",\"label\":\"Hours\",\"kind\":\"number\",\"value\":123456.75},"
              ITEM("i1", "Oil level"),
              "\"u1\""));
    tap(w, ANA, "t1", "y:c:a,1,1,0:C1");
    CHECK_INT("as it came", submitted(w, "\"value\":123456.75"), 1);
    world_free(&w);
}

/* Due anew for others: who does it no more is not asked any more. */
static void test_anew_for_others(void)
{
    struct world *w = world_new(NULL);

    due(w, "e1", ROUND("C1", THREE, "\"u1\""));
    CHECK("asked", redis_get(w, "HGET bq u1|y")[0] != '\0');
    due(w, "e2", ROUND("C1", THREE, "\"u2\""));
    CHECK_INT("the other is told", sent_to(w, BEN, "Daily boiler check"), 1);
    CHECK_Z("nothing waits for the first", str_of(redis_get(w, "HGET bq u1|y")), "");
    say(w, ANA, "t1", "CHECKLIST");
    CHECK_INT("none", sent_to(w, ANA, "No checklist is waiting"), 1);
    world_free(&w);
}

static const struct {
    const char *label, *data, *member;
} bad[] = {
    {"none",                      "{\"x\":1}",                                                                "data.checklist"             },
    {"no name",                   "{\"checklist\":{\"id\":\"C\",\"items\":[" THREE "]}}",                     "data.checklist.name"        },
    {"no items",                  "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[]}}",
     "data.checklist.items"                                                                                                                },
    {"nobody",                    "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[" THREE "]}}",
     "data.checklist.assignees"                                                                                                            },
    {"no label",                  "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[{\"id\":\"a\"}]}}",
     "data.checklist.items.0.label"                                                                                                        },
    {"strange kind",
     "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[{\"id\":\"a\",\"label\":\"A\","
     "\"kind\":\"x\"}]}}",                                                                                    "data.checklist.items.0.kind"},
    {"twice",
     "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[" ITEM("a",                                      "A") "," ITEM("a",
     "B") "]}}",
     "data.checklist.items.1.id"},
    {"no choice",
     "{\"checklist\":{\"id\":\"C\",\"name\":\"N\",\"items\":[{\"id\":\"a\",\"label\":\"A\","
     "\"kind\":\"choice\"}]}}",                                                                           "data.checklist.items.0.options"                                                                                             },
};

static void test_bad(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_Z(bad[i].label, event_fault("cmms.checklist.due.v1", bad[i].data), bad[i].member);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_round),        TEST(test_words),   TEST(test_correct), TEST(test_several),
        TEST(test_anew), TEST(test_other_choices),         TEST(test_overdue), TEST(test_killed),  TEST(test_order),
        TEST(test_order_anyway), TEST(test_order_given_away), TEST(test_order_put_back),
        TEST(test_given_values), TEST(test_anew_for_others), TEST(test_bad)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
