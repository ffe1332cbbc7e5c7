/* What is said to a team, by TEAM, by quoting, and by the API's matter: the others hear it, once.
 */
#include "approvals.h"
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

/* As long as WhatsApp takes it: with the name in front it is more than one message. */
static void put_long(struct world *w)
{
    char text[4097] = "TEAM ";

    for (size_t i = 5; i < 4096; i++) {
        text[i] = i % 8 == 7 ? ' ' : 'a';
    }
    memcpy(text + 4096 - 9, " the end.", 9);
    put_text(w, BEN, "t1", text);
}

static void test_long(void)
{
    struct world *w = team_world();

    put_long(w);
    UNTIL(w, "said", idle(w));
    CHECK_INT("Ana reads it to its end", sent_to(w, ANA, " the end."), 1);
    CHECK_INT("in two", sent_to(w, ANA, "u2 Lopez"), 2);
    CHECK_INT("he is told where it went", sent_to(w, BEN, "Sent to *mech*"), 1);
    world_free(&w);
}

/* The CMMS does not take it: the crew has read it, and he is told that the office has not. */
static void test_refused(void)
{
    struct world *w = team_world();

    w->hooks[w->ahooks] = (struct act){.status = 422, .body = "{\"reason\":\"no such team\"}"};
    w->nhooks = w->ahooks + 1;
    put_text(w, BEN, "t1", "TEAM the belt is back");
    UNTIL(w, "told", sent_to(w, BEN, "no such team") == 1 && idle(w));
    CHECK_INT("of what", sent_to(w, BEN, "about *mech*"), 1);
    CHECK_INT("Ana not", sent_to(w, ANA, "no such team"), 0);
    world_free(&w);
}

/* The payload of a team's row in the @nth list that asked Ana. */
static const char *row_of(struct world *w, const char *team, size_t nth)
{
    struct str end = arena_printf(w->a, ":%s\"", team);

    for (size_t i = 0; i < w->nsent; i++) {
        struct str body = w->sent[i].body, row;
        size_t at = str_find(body, STR("\"team@"));

        if (at == SIZE_MAX || nth-- > 0) {
            continue;
        }
        row = str_slice(body, 0, str_find(body, end) + end.n - 1);
        while ((at = str_find(row, STR("\"team@"))) != SIZE_MAX) {
            row = str_slice(row, at + 1, row.n);
        }
        return arena_printf(w->a, "%.*s", STR_ARG(row)).p;
    }
    return "(no row)";
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
    put_tap(w, ANA, "t3", row_of(w, "mech", 0));
    UNTIL(w, "tapped", idle(w));
    CHECK_INT("Ben then", sent_to(w, BEN, "grease is out"), 1);
    put_tap(w, ANA, "t4", row_of(w, "mech", 0));
    UNTIL(w, "again", idle(w));
    CHECK_INT("once", sent_to(w, BEN, "grease is out"), 1);
    world_free(&w);
}

/* One name begins like another: the words go to the team that is named in full. */
static void test_alike(void)
{
    struct world *w = world_new(NULL);

    put_event(w, "q1", "cmms.person.upserted.v1", MEMBER("u1", ANA, "[\"mech\",\"mech night\"]"));
    put_event(w, "q2", "cmms.person.upserted.v1", MEMBER("u2", BEN, "[\"mech\"]"));
    UNTIL(w, "people", idle(w));
    put_text(w, ANA, "t1", "TEAM mech night: the crane is ours");
    UNTIL(w, "the longer", idle(w));
    CHECK_INT("not for Ben", sent_to(w, BEN, "the crane is ours"), 0);
    CHECK_INT("where it went", sent_to(w, ANA, "Sent to *mech night*"), 1);
    put_text(w, ANA, "t2", "TEAM mech: the crane is back");
    UNTIL(w, "the shorter", idle(w));
    CHECK_INT("for Ben", sent_to(w, BEN, "the crane is back"), 1);
    world_free(&w);
}

/* Asked twice, the list of the first question does not send the words of the second. */
static void test_older_list(void)
{
    struct world *w = team_world();

    put_text(w, ANA, "t1", "TEAM grease is out");
    UNTIL(w, "asked", idle(w));
    put_text(w, ANA, "t2", "TEAM the night shift is short");
    UNTIL(w, "asked again", idle(w));
    put_tap(w, ANA, "t3", row_of(w, "mech", 0));
    UNTIL(w, "the first", idle(w));
    CHECK_INT("not these words", sent_to(w, BEN, "the night shift is short"), 0);
    CHECK_INT("said so", sent_to(w, ANA, "has expired"), 1);
    put_tap(w, ANA, "t4", row_of(w, "mech", 1));
    UNTIL(w, "the second", idle(w));
    CHECK_INT("these", sent_to(w, BEN, "the night shift is short"), 1);
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

/* ---- a team with a group ---- */

#define GROUP   "Y2FwaV9ncm91cDo"
#define MESSAGE "gateway.team.message.v1"

static struct world *group_world_of(const char *config, const char *failover)
{
    const struct world_options o = {.config = config,
                                    .tenant = "\"teams\":{\"mech\":{\"group\":\"" GROUP
                                              "\",\"sender\":\"main\"}},",
                                    .failover = failover};
    struct world *w = world_new(&o);

    put_event(w, "q1", "cmms.person.upserted.v1", MEMBER("u1", ANA, "[\"mech\"]"));
    put_event(w, "q2", "cmms.person.upserted.v1", MEMBER("u2", BEN, "[\"mech\"]"));
    UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
    UNTIL(w, "people", idle(w));
    return w;
}

static struct world *group_world(const char *failover)
{
    return group_world_of(NULL, failover);
}

static struct inbound of_group(enum inbound_kind kind, const char *phone)
{
    return (struct inbound){.kind = kind,
                            .number_id = STR("106540352242922"),
                            .phone = str_of(phone),
                            .group_id = STR(GROUP),
                            .at = wall_now()};
}

static void put_in_group(struct world *w, const char *phone, const char *id, const char *text)
{
    struct inbound in = of_group(INBOUND_MESSAGE, phone);

    in.provider_id = str_of(id);
    in.type = INBOUND_TEXT;
    in.type_name = STR("text");
    in.text = str_of(text);
    put_inbound(w, &in);
    UNTIL(w, "said in the group", idle(w));
}

/* @phone empty: of the group as a whole. */
static void put_for_one(struct world *w, const struct post *p, const char *phone,
                        enum delivery_state state)
{
    struct inbound in = of_group(INBOUND_STATUS, phone);

    in.provider_id = p->id;
    in.correlation = p->correlation;
    in.state = state;
    in.event = STR("status");
    if (state == DELIVERY_FAILED) {
        in.error.code = phone[0] == '\0' ? 131207 : 131026;
        in.error.title = STR("the provider's words");
    }
    put_inbound(w, &in);
    UNTIL(w, "status", idle(w));
}

static void put_failed(struct world *w, const struct post *p, const char *phone)
{
    put_for_one(w, p, phone, DELIVERY_FAILED);
}

/* @people: of "joined" and "left". */
static void put_told(struct world *w, const char *detail, const char *people, int64_t ms)
{
    struct inbound in = of_group(INBOUND_GROUP, "");

    in.at.ms += ms - 1000;
    in.event = in.detail = str_of(detail);
    in.subject = str_of(people);
    put_inbound(w, &in);
    UNTIL(w, "told", idle(w));
}

static void put_to_team(struct world *w, const char *id, const char *text)
{
    put_text(w, BEN, id, arena_printf(w->a, "TEAM %s", text).p);
    UNTIL(w, "said", idle(w));
}

/* What went to the group with @part in it: how many, the last in *last. */
static int to_group(struct world *w, const char *part, const struct post **last)
{
    int n = 0;

    for (size_t i = 0; i < w->nsent; i++) {
        const struct post *p = &w->sent[i];

        if (str_find(p->body, STR("\"recipient_type\":\"group\",\"to\":\"" GROUP "\"")) !=
                SIZE_MAX &&
            str_find(p->body, str_of(part)) != SIZE_MAX) {
            n++;
            *last = p;
        }
    }
    return n;
}

/* Its window is its own: words of a person to us open none for it, words in it none for him. */
static void test_group_window(void)
{
    struct world *w = group_world(NULL);
    const struct post *p = NULL;

    put_to_team(w, "t1", "shut");
    CHECK_INT("not to the group", to_group(w, "shut", &p), 0);
    CHECK_INT("Ana from us", sent_to(w, ANA, "shut"), 1);
    redis_get(w, "HDEL w:main u1");
    put_in_group(w, ANA, "g1", "we are here");
    CHECK_Z("not her own", str_of(redis_get(w, "HEXISTS w:main u1")), "0");
    CHECK_INT("not said there again", to_group(w, "we are here", &p), 0);
    CHECK_INT("Ben may not be there", sent_to(w, BEN, "we are here"), 1);
    CHECK_INT("the CMMS", stream_events(w, MESSAGE, "we are here"), 1);
    CHECK_INT("and what Ben says", stream_events(w, MESSAGE, "shut"), 1);
    put_to_team(w, "t2", "open");
    CHECK_INT("to the group", to_group(w, "open", &p), 1);
    CHECK_INT("Ana in the group", sent_to(w, ANA, "open"), 0);
    put_in_group(w, ANA, "g1", "we are here");
    CHECK_INT("once", stream_events(w, MESSAGE, "we are here"), 1);
    world_free(&w);
}

static void test_group_template(void)
{
    struct world *w = group_world(NULL);
    const struct template_state s = {.status = TEMPLATE_APPROVED, .at = wall_now()};
    const struct post *p = NULL;

    put_told(w, "joined", ANA, 1);
    approvals_know(w->et, STR("102290129340398"),
                   approval_key(w->a, STR(TEMPLATE_TEAM), STR("en_US")), &s);
    put_to_team(w, "t1", "by template");
    CHECK_INT("to the group", to_group(w, "by template", &p), 1);
    CHECK("as a template", p != NULL && str_find(p->body, STR(TEMPLATE_TEAM)) != SIZE_MAX);
    CHECK_INT("Ana in the group", sent_to(w, ANA, "by template"), 0);
    world_free(&w);
}

static struct world *open_group(const char *failover)
{
    struct world *w = group_world(failover);

    put_in_group(w, ANA, "g0", "good morning");
    return w;
}

/* How often @part went to the group, and to Ana from us. */
static void check_said(struct world *w, const char *part, int there, int alone)
{
    const struct post *p = NULL;

    CHECK_INT(part, to_group(w, part, &p), there);
    CHECK_INT(arena_printf(w->a, "%s: Ana from us", part).p, sent_to(w, ANA, part), alone);
}

/* Who never came to the group misses nothing; what she got there shows that she is in it. */
static void test_group_not_joined(void)
{
    struct world *w = group_world(NULL);
    const struct post *p = NULL;

    put_in_group(w, BEN, "g0", "is she here");
    check_said(w, "is she here", 0, 1);
    put_to_team(w, "t1", "come in");
    check_said(w, "come in", 1, 1);
    put_to_team(w, "t2", "nobody knows");
    check_said(w, "nobody knows", 1, 1);
    CHECK_INT("there", to_group(w, "come in", &p), 1);
    put_for_one(w, p, BEN, DELIVERY_DELIVERED);
    put_to_team(w, "t3", "only him");
    check_said(w, "only him", 1, 1);
    put_for_one(w, p, ANA, DELIVERY_DELIVERED);
    put_to_team(w, "t4", "both of them");
    check_said(w, "both of them", 1, 0);
    put_told(w, "left", ANA, 1);
    put_to_team(w, "t5", "she has left");
    check_said(w, "she has left", 1, 1);
    put_for_one(w, p, ANA, DELIVERY_READ); /* of what was said before */
    put_to_team(w, "t6", "still not here");
    check_said(w, "still not here", 1, 1);
    put_told(w, "joined", ANA, 2);
    put_to_team(w, "t7", "back again");
    check_said(w, "back again", 1, 0);
    world_free(&w);
}

/* That she came is told behind that she has left: she hears from us what is said there. */
static void test_group_out_of_order(void)
{
    struct world *w = group_world(NULL);

    put_in_group(w, BEN, "g0", "is she here");
    put_told(w, "left", ANA, 500);
    put_told(w, "joined", ANA, 1);
    put_to_team(w, "t1", "she came and went");
    check_said(w, "she came and went", 1, 1);
    put_told(w, "joined", ANA, 900);
    put_told(w, "left", ANA, 700);
    put_to_team(w, "t2", "and came again");
    check_said(w, "and came again", 1, 0);
    world_free(&w);
}

/* Accepted and then refused; or one of them did not get it: each is told once, however often. */
static void test_group_fails_later(void)
{
    struct world *w = open_group(NULL);
    const struct post *p = NULL, *q = NULL;
    struct str id, mac;

    put_to_team(w, "t1", "half");
    CHECK_INT("to the group", to_group(w, "half", &p), 1);
    put_failed(w, p, ANA);
    put_failed(w, p, ANA);
    put_failed(w, p, "+12025550199"); /* of nobody's */
    CHECK_INT("Ana from us", sent_to(w, ANA, "half"), 1);
    str_cut(p->correlation, '.', &id, &mac);
    CHECK_Z("it has not failed", message_state(w, id), "sent");
    CHECK("said so", str_find(message_timeline(w, id), STR("told apart")) != SIZE_MAX);
    put_to_team(w, "t2", "nobody");
    CHECK_INT("to the group", to_group(w, "nobody", &q), 1);
    put_failed(w, q, "");
    put_failed(w, q, "");
    CHECK_INT("Ana from us", sent_to(w, ANA, "nobody"), 1);
    CHECK_INT("Ben has said it", sent_to(w, BEN, "nobody"), 0);
    put_failed(w, q, ANA);
    CHECK_INT("still once", sent_to(w, ANA, "nobody"), 1);
    CHECK_INT("an alert", stream_events(w, "gateway.system.alert.v1", "group:mech"), 1);
    world_free(&w);
}

/* Nothing of it is lost there either; refused in part, each gets it from its beginning. */
static void test_group_long(void)
{
    struct world *w = open_group(NULL);
    const struct post *p = NULL, *q = NULL;

    put_long(w);
    UNTIL(w, "said", idle(w));
    CHECK_INT("in two", to_group(w, "u2 Lopez", &p), 2);
    CHECK_INT("to its end", to_group(w, " the end.", &q), 1);
    CHECK("which comes last", p == q);
    CHECK_INT("Ana in the group", sent_to(w, ANA, "u2 Lopez"), 0);
    if (q != NULL) {
        put_failed(w, q, "");
    }
    CHECK_INT("Ana from us", sent_to(w, ANA, "u2 Lopez"), 2);
    CHECK_INT("to its end", sent_to(w, ANA, " the end."), 1);
    world_free(&w);
}

/* The gateway dies when the group has refused it, before anybody was told apart. */
static void test_group_refused_and_killed(void)
{
    /* A callback that was out is given again when its lease has ended: its timeout and 3 s. */
    struct world *w = group_world_of("\"delivery\":{\"lease_ms\":1000},"
                                     "\"callbacks\":{\"timeout_ms\":1000},",
                                     NULL);
    const struct post *p = NULL;
    struct str id, mac;

    put_in_group(w, ANA, "g0", "good morning");
    for (size_t i = 0; i < 2; i++) { /* to the group, and to Ben where it went */
        w->sends[w->asends + i] =
            (struct act){.status = 400, .body = "{\"error\":{\"code\":131215}}"};
    }
    w->nsends = w->asends + 2;
    lane_worker_pause(w->et->outboxes[0].worker, true);
    put_text(w, BEN, "t1", "TEAM in spite of all");
    UNTIL(w, "to be said", redis_int(w, "ZCARD mx") == 3 && redis_int(w, "HLEN k:in") == 0);
    lane_worker_pause(w->et->in, true);
    lane_worker_pause(w->et->outboxes[0].worker, false);
    UNTIL(w, "said", to_group(w, "in spite of all", &p) == 1);
    str_cut(p->correlation, '.', &id, &mac);
    UNTIL(w, "refused", str_eqz(message_state(w, id), "failed"));
    CHECK_INT("nobody was told yet", redis_int(w, "EXISTS mu:u1"), 0);
    world_kill(w);
    world_start(w);
    UNTIL(w, "told", sent_to(w, ANA, "in spite of all") > 0 && idle(w));
    CHECK_INT("once", sent_to(w, ANA, "in spite of all"), 1);
    world_free(&w);
}

static void test_group_suspended(void)
{
    struct world *w = open_group(NULL);
    const struct post *p = NULL;

    put_told(w, "suspended", "", 1);
    put_to_team(w, "t1", "one by one");
    CHECK_INT("not to the group", to_group(w, "one by one", &p), 0);
    CHECK_INT("Ana from us", sent_to(w, ANA, "one by one"), 1);
    put_told(w, "renamed", "", 2);
    put_told(w, "restored", "", 3);
    put_to_team(w, "t2", "all at once");
    CHECK_INT("to the group", to_group(w, "all at once", &p), 1);
    CHECK_INT("Ana in the group", sent_to(w, ANA, "all at once"), 0);
    world_free(&w);
}

/* The group is the sender's; its members can be told by another one. */
static void test_group_sender_paused(void)
{
    struct world *w = open_group("{\"paused_after_ms\":60,\"critical_after_ms\":0}");
    const struct post *p = NULL;

    w->probe_status = 401; /* it stays paused */
    redis_get(w, "HSET w:tw u1 %lld", (long long)wall_now().ms);
    redis_get(w, "HSET sn:main paused %lld", (long long)wall_now().ms - 1000);
    put_text(w, BEN, "t1", "TEAM otherwise");
    UNTIL(w, "told", sent_to(w, ANA, "otherwise") == 1);
    CHECK_INT("not to the group", to_group(w, "otherwise", &p), 0);
    world_free(&w);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_said_and_answered),
                                        TEST(test_which),
                                        TEST(test_alike), TEST(test_refused), TEST(test_long),
                                        TEST(test_older_list),
                                        TEST(test_left),
                                        TEST(test_killed),
                                        TEST(test_group_window),
                                        TEST(test_group_template),
                                        TEST(test_group_long),
                                        TEST(test_group_not_joined),
                                        TEST(test_group_out_of_order),
                                        TEST(test_group_fails_later),
                                        TEST(test_group_refused_and_killed),
                                        TEST(test_group_suspended),
                                        TEST(test_group_sender_paused)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
