/* What is said to a team, by TEAM, by quoting, and by the API's matter: the others hear it, once.
 */
#include "domain/team.h"
#include "world.h"

#define MEMBER(id, phone, teams)                                                  \
    "{\"person\":{\"id\":\"" id "\",\"name\":\"" id " Lopez\",\"phone\":\"" phone \
    "\",\"roles\":[\"technician\"],\"teams\":" teams "}}"

static struct world *team_world(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "q1", "cmms.person.upserted.v1", MEMBER("u1", ANA, "[\"mech\",\"night\"]"));
    put_event(w, "q2", "cmms.person.upserted.v1", MEMBER("u2", BEN, "[\"mech\"]"));
    UNTIL(w, "people", idle(w));
    return w;
}

static void put_quoting(struct world *w, const char *phone, const char *id, const char *text,
                        struct str quoted)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .number_id = STR("106540352242922"),
                               .provider_id = str_of(id),
                               .phone = str_of(phone),
                               .at = wall_now(),
                               .type = INBOUND_TEXT,
                               .type_name = STR("text"),
                               .text = str_of(text),
                               .quoted = quoted};

    put_inbound(w, &in);
}

static struct str sent_id(struct world *w, const char *phone, const char *part)
{
    for (size_t i = w->nsent; i > 0; i--) {
        const struct post *p = &w->sent[i - 1];

        if (str_eqz(p->to, phone) && str_find(p->text, str_of(part)) != SIZE_MAX) {
            return p->id;
        }
    }
    return STR_NONE;
}

static void test_said_and_answered(void)
{
    struct world *w = team_world();

    put_text(w, BEN, "t1", "TEAM the belt is back");
    UNTIL(w, "said", idle(w));
    CHECK_INT("Ana reads it", sent_to(w, ANA, "the belt is back"), 1);
    CHECK_INT("with his name", sent_to(w, ANA, "u2 Lopez"), 1);
    CHECK_INT("Ben not", sent_to(w, BEN, "the belt is back"), 0);
    CHECK_INT("he is told where it went", sent_to(w, BEN, "Sent to *mech*"), 1);
    put_quoting(w, ANA, "t2", "great, I fetch it", sent_id(w, ANA, "the belt is back"));
    UNTIL(w, "answered", idle(w));
    CHECK_INT("Ben reads the answer", sent_to(w, BEN, "great, I fetch it"), 1);
    CHECK_INT("with her name", sent_to(w, BEN, "u1 Lopez"), 1);
    CHECK_INT("Ana not", sent_to(w, ANA, "great, I fetch it"), 0);
    put_quoting(w, BEN, "t3", "STATUS", sent_id(w, BEN, "great, I fetch it"));
    UNTIL(w, "a command", idle(w));
    CHECK_INT("a command is no answer", sent_to(w, ANA, "STATUS"), 0);
    world_free(&w);
}

/* Several teams: named, or asked; the tap answers within 15 minutes. */
static void test_which(void)
{
    struct world *w = team_world();

    put_text(w, ANA, "t1", "TEAM Mech: oil is low");
    UNTIL(w, "named", idle(w));
    CHECK_INT("Ben", sent_to(w, BEN, "oil is low"), 1);
    put_text(w, ANA, "t2", "TEAM grease is out");
    UNTIL(w, "asked", idle(w));
    CHECK_INT("asks", sent_to(w, ANA, "To which team?"), 1);
    CHECK_INT("does not guess", sent_to(w, BEN, "grease is out"), 0);
    put_tap(w, ANA, "t3", "team:mech");
    UNTIL(w, "tapped", idle(w));
    CHECK_INT("Ben then", sent_to(w, BEN, "grease is out"), 1);
    put_tap(w, ANA, "t4", "team:mech");
    UNTIL(w, "again", idle(w));
    CHECK_INT("once", sent_to(w, BEN, "grease is out"), 1);
    world_free(&w);
}

/* Who left a team is heard by it no more; who is in none is told. */
static void test_left(void)
{
    struct world *w = team_world();

    put_text(w, BEN, "t1", "TEAM hello all");
    UNTIL(w, "said", idle(w));
    put_event(w, "q3", "cmms.person.upserted.v1", MEMBER("u1", ANA, "[]"));
    UNTIL(w, "left", idle(w));
    put_quoting(w, ANA, "t2", "me too", sent_id(w, ANA, "hello all"));
    put_text(w, ANA, "t3", "TEAM anybody there");
    UNTIL(w, "refused", idle(w));
    CHECK_INT("not relayed", sent_to(w, BEN, "me too"), 0);
    CHECK_INT("why", sent_to(w, ANA, "not in the team *mech* any more"), 1);
    CHECK_INT("in none", sent_to(w, ANA, "You are in no team"), 1);
    world_free(&w);
}

static void test_killed(void)
{
    struct world *w = team_world();

    put_text(w, BEN, "t1", "TEAM mind the gap");
    UNTIL(w, "kept", redis_int(w, "ZCARD yl") == 1);
    world_kill(w);
    world_start(w);
    UNTIL(w, "told", sent_to(w, ANA, "mind the gap") > 0 && idle(w));
    CHECK_INT("once", sent_to(w, ANA, "mind the gap"), 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_said_and_answered), TEST(test_which),
                                        TEST(test_left), TEST(test_killed)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
