/* People as the CMMS names them: one phone, one owner; welcome once; gone with all that was said to
 * them. */
#include "world.h"

#include "approvals.h"

#define NEW "+12025550190"
#define ORDER(id, more)                                     \
    "{\"workorder\":{\"id\":\"" id "\",\"number\":\"WO-" id \
    "\",\"title\":\"T\",\"status\":\"open\"" more "}}"

static void upsert(struct world *w, const char *event, const char *person)
{
    put_event(w, event, "cmms.person.upserted.v1",
              arena_printf(w->a, "{\"person\":{%s}}", person).p);
    UNTIL(w, event, idle(w));
}

static struct str owner_of(struct world *w, const char *phone)
{
    struct str hash = vault_hash_arena(engine_tenant(w->et)->vault, w->a, "phone", str_of(phone));

    return arena_dup(w->a, str_of(redis_get(w, "HGET ux %.*s", STR_ARG(hash))));
}

/* The newer word takes the phone, the older person loses it, and the audit trail says so. */
static void test_taken_over(void)
{
    struct world *w = world_new(NULL);
    struct user old, now;
    int64_t audits = redis_int(w, "XLEN au");

    upsert(w, "t1", "\"id\":\"u5\",\"name\":\"Eve\",\"phone\":\"" ANA "\"");
    CHECK("new owner", get_user(w, "u5", &now) && str_eqz(now.phone, ANA) && !now.verified);
    CHECK("old owner", get_user(w, "u1", &old) && old.phone.n == 0 && !old.verified);
    CHECK_Z("index", owner_of(w, ANA), "u5");
    CHECK_INT("audit", redis_int(w, "XLEN au") - audits, 1);
    CHECK_Z("the window was the phone's", str_of(redis_get(w, "HEXISTS w:main u1")), "0");
    /* And back again. */
    upsert(w, "t2", "\"id\":\"u1\",\"phone\":\"" ANA "\"");
    CHECK("back", get_user(w, "u1", &old) && str_eqz(old.phone, ANA) && !old.verified);
    CHECK("lost", get_user(w, "u5", &now) && now.phone.n == 0);
    CHECK_Z("index", owner_of(w, ANA), "u1");
    world_free(&w);
}

/* What waits for who loses a phone is not told to who has it now. */
static void test_taken_over_waiting(void)
{
    static const struct {
        const char *label, *person;
    } rows[] = {
        {"another has it",      "\"id\":\"u5\",\"name\":\"Eve\",\"phone\":\"" ANA "\""},
        {"he has another",      "\"id\":\"u1\",\"phone\":\"" NEW "\""                 },
        {"he has none any more", "\"id\":\"u1\",\"phone\":\"\""                       },
    };

    const struct template_state good = {.status = TEMPLATE_APPROVED, .at = wall_now()};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        struct str id, other;

        UNTIL(w, "looked", redis_int(w, "HEXISTS ts at") == 1 && redis_int(w, "EXISTS tl") == 0);
        approvals_know(w->et, STR("102290129340398"),
                       approval_key(w->a, STR(TEMPLATE_UPDATED), STR("en_US")), &good);
        w->probe_status = 401;
        redis_get(w, "HSET sn:main paused 1");
        id = put_message(
            w, &(struct message_options){.prio = PRIO_NORMAL, .form = TEMPLATE_UPDATED});
        other = put_message(w, &(struct message_options){.prio = PRIO_REPLY, .text = "answer"});
        put_event(w, "m1", "cmms.person.upserted.v1",
                  arena_printf(w->a, "{\"person\":{%s}}", rows[i].person).p);
        UNTIL(w, rows[i].label, str_eqz(message_state(w, id), "cancelled"));
        CHECK_INT(rows[i].label,
                  stream_events(w, "gateway.message.status_changed.v1", "number changed"), 1);
        CHECK_Z("an answer waits", message_state(w, other), "queued");
        put_resume(w);
        UNTIL(w, rows[i].label, idle(w));
        CHECK_INT("not told to the old number", sent_to(w, ANA, "Replace bearing"), 0);
        world_free(&w);
    }
}

/* Two persons, one new phone, at the same time: never two owners. */
static void test_race(void)
{
    struct world *w = world_new(NULL);
    struct user a;
    int owners;

    for (int i = 0; i < 8; i++) {
        put_event(w, arena_printf(w->a, "r%d", i).p, "cmms.person.upserted.v1",
                  arena_printf(w->a,
                               "{\"person\":{\"id\":\"r%d\",\"name\":\"R\",\"phone\":\"" NEW "\"}}",
                               i % 4)
                      .p);
    }
    UNTIL(w, "idle", idle(w));
    owners = 0;
    for (int i = 0; i < 4; i++) {
        char id[8];

        snprintf(id, sizeof(id), "r%d", i);
        CHECK("there", get_user(w, id, &a));
        owners += a.phone.n > 0;
        if (a.phone.n > 0) {
            CHECK_Z("index", owner_of(w, NEW), id);
        }
    }
    CHECK_INT("one owner", owners, 1);
    world_free(&w);
}

/* An order that names somebody's phone under another id takes nothing; its timeline says why he is
 * not told. */
static void test_named_in_order(void)
{
    struct world *w = world_new(NULL);
    struct user u;

    put_event(
        w, "n1", "cmms.workorder.created.v1",
        ORDER("w1", ",\"assignees\":[{\"id\":\"x9\",\"name\":\"Other\",\"phone\":\"" ANA "\"}]"));
    UNTIL(w, "idle", idle(w));
    CHECK("kept", get_user(w, "u1", &u) && str_eqz(u.phone, ANA) && u.verified);
    CHECK("nobody made", !get_user(w, "x9", &u));
    CHECK("said why", has_entry(w, "w1", "not_told", "u1"));
    CHECK_INT("nothing sent", w->nsent, 0);
    world_free(&w);
}

/* An index that names somebody who is gone does not keep the phone from anybody. */
static void test_stale_index(void)
{
    struct world *w = world_new(NULL);
    struct str hash = vault_hash_arena(engine_tenant(w->et)->vault, w->a, "phone", STR(NEW));
    struct user u;

    redis_get(w, "HSET ux %.*s ghost", STR_ARG(hash));
    put_event(
        w, "s1", "cmms.workorder.created.v1",
        ORDER("w1", ",\"assignees\":[{\"id\":\"x9\",\"name\":\"Other\",\"phone\":\"" NEW "\"}]"));
    UNTIL(w, "idle", idle(w));
    CHECK("made", get_user(w, "x9", &u) && str_eqz(u.phone, NEW));
    CHECK_Z("index", owner_of(w, NEW), "x9");
    world_free(&w);
}

static void test_welcome(void)
{
    static const struct {
        const char *label, *person;
        int64_t welcomes; /* in all, after it */
    } steps[] = {
        {"without a phone",   "\"id\":\"n1\",\"name\":\"N\"",                                       0},
        {"with a phone",      "\"id\":\"n1\",\"phone\":\"" NEW "\"",                                1},
        {"the same again",    "\"id\":\"n1\",\"name\":\"M\",\"phone\":\"" NEW "\"",                 1},
        {"another name",      "\"id\":\"n1\",\"name\":\"O\"",                                       1},
        {"another phone",     "\"id\":\"n1\",\"phone\":\"+12025550191\"",                           2},
        {"who needs none",    "\"id\":\"n2\",\"phone\":\"+12025550192\",\"verified\":true",         2},
        {"consented",
         "\"id\":\"n3\",\"phone\":\"+12025550193\",\"roles\":[\"stakeholder\"],\"consented\":true", 2},
        {"who wants nothing", "\"id\":\"n4\",\"phone\":\"+12025550194\",\"opted_out\":\"all\"",     2},
    };
    struct world *w = world_new(NULL);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        upsert(w, steps[i].label, steps[i].person);
        CHECK_INT(steps[i].label, redis_int(w, "ZCARD mx"), steps[i].welcomes);
    }
    world_free(&w);
}

/* The CMMS's older copy does not start again what a person stopped, nor unmake what he proved. */
static void test_own_word(void)
{
    struct world *w = world_new(NULL);
    struct user u;

    put_text(w, ANA, "m1", "STOP ALL");
    UNTIL(w, "idle", idle(w));
    CHECK("stopped", get_user(w, "u1", &u) && u.opted_out != 0);
    upsert(w, "o1", "\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"" ANA "\",\"opted_out\":[]");
    CHECK("still", get_user(w, "u1", &u) && u.opted_out != 0 && u.verified);
    put_text(w, ANA, "m2", "START");
    UNTIL(w, "idle", idle(w));
    CHECK("his own word", get_user(w, "u1", &u) && u.opted_out == 0);
    world_free(&w);
}

static void test_consent_told_later(void)
{
    struct world *w = world_new(NULL);
    struct user u;

    upsert(w, "c1",
           "\"id\":\"s1\",\"name\":\"S\",\"phone\":\"" NEW "\",\"roles\":[\"stakeholder\"]");
    put_event(w, "c2", "cmms.workorder.created.v1",
              ORDER("w1", ",\"stakeholders\":[{\"id\":\"s1\",\"name\":\"S\"}]"));
    UNTIL(w, "idle", idle(w));
    CHECK("not asked", has_entry(w, "w1", "not_told", "not verified"));
    put_event(w, "c3", "cmms.workorder.status_changed.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-w1\",\"title\":\"T\",\"status\":\"in_"
              "progress\",\"stakeholders\":[{\"id\":\"s1\","
              "\"name\":\"S\",\"consented\":true}]},\"previous\":{\"status\":\"open\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK("consented", get_user(w, "s1", &u) && u.consented && !u.verified);
    CHECK_INT("told (welcome, then news)", redis_int(w, "ZCARD mu:s1"), 2);
    world_free(&w);
}

/* A requester without an id is one person, by his phone, however many orders name him. */
static void test_nameless(void)
{
    struct world *w = world_new(NULL);
    char id[64];

    for (int i = 0; i < 3; i++) {
        put_event(w, arena_printf(w->a, "q%d", i).p, "cmms.workorder.created.v1",
                  arena_printf(w->a,
                               "{\"workorder\":{\"id\":\"w%d\",\"number\":\"N-%d\",\"title\":\"T\","
                               "\"status\":\"open\","
                               "\"requester\":{\"name\":\"R\",\"phone\":\"" NEW
                               "\",\"consented\":true}}}",
                               i, i)
                      .p);
    }
    UNTIL(w, "idle", idle(w));
    snprintf(id, sizeof(id), "%.*s", STR_ARG(owner_of(w, NEW)));
    CHECK("made", str_starts(str_of(id), STR("tel-")));
    CHECK_INT("told of each", redis_int(w, "ZCARD mu:%s", id), 3);
    put_event(w, "q9", "cmms.workorder.created.v1",
              ORDER("w9", ",\"requester\":{\"name\":\"Ana\",\"phone\":\"" ANA "\"}"));
    UNTIL(w, "idle", idle(w));
    CHECK_INT("Ana is Ana", sent_to(w, ANA, "WO-w9"), 1);
    world_free(&w);
}

/* Named twice in one order, by his id and by his phone alone, or under two ids: one phone, one
 * person. */
static void test_named_twice(void)
{
    static const struct {
        const char *label, *order;
        bool said; /* the timeline says why the other is not told */
    } rows[] = {
        {"also the requester",
         ORDER("w1", ",\"assignees\":[{\"id\":\"x9\",\"name\":\"X\",\"phone\":\"" NEW
                     "\"}],\"requester\":{\"name\":\"X\",\"phone\":\"" NEW "\"}"),
         false},
        {"a phone for two",
         ORDER("w1", ",\"assignees\":[{\"id\":\"x9\",\"name\":\"X\",\"phone\":\"" NEW
                     "\"},{\"id\":\"y9\",\"name\":\"Y\",\"phone\":\"" NEW "\"}]"),
         true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w = world_new(NULL);
        int64_t people = redis_int(w, "ZCARD ul");
        struct user u;

        put_event(w, "n1", "cmms.workorder.created.v1", rows[i].order);
        UNTIL(w, rows[i].label, idle(w));
        CHECK_Z(rows[i].label, owner_of(w, NEW), "x9");
        CHECK_INT(rows[i].label, redis_int(w, "ZCARD ul") - people, 1);
        CHECK_INT(rows[i].label, redis_int(w, "ZCARD mx"), 1); /* welcomed once */
        CHECK(rows[i].label, has_entry(w, "w1", "not_told", "is that of person") == rows[i].said);
        put_text(w, NEW, "m1", "hello");
        UNTIL(w, rows[i].label, idle(w));
        CHECK(rows[i].label, get_user(w, "x9", &u) && u.verified);
        world_free(&w);
    }
}

/* A requester who is named among the stakeholders too, or anybody twice: he hears it once. */
static void test_told_once(void)
{
    struct world *w = world_new(NULL);

    upsert(w, "c1",
           "\"id\":\"s1\",\"name\":\"S\",\"phone\":\"" NEW
           "\",\"roles\":[\"stakeholder\"],\"verified\":true");
    put_event(w, "c2", "cmms.workorder.created.v1",
              ORDER("w1", ",\"stakeholders\":[{\"id\":\"s1\"},{\"id\":\"s1\"}],"
                          "\"requester\":{\"id\":\"s1\",\"name\":\"S\"},"
                          "\"assignees\":[{\"id\":\"u1\"},{\"id\":\"u1\"}]"));
    UNTIL(w, "idle", idle(w));
    CHECK_INT("the requester", redis_int(w, "ZCARD mu:s1"), 1);
    CHECK_INT("the assignee", redis_int(w, "ZCARD mu:u1"), 1);
    world_free(&w);
}

/* ---- removal ---- */

static void test_removed(void)
{
    struct world *w = world_new(NULL);
    struct user u;
    char keys[4000];

    put_event(w, "x1", "cmms.workorder.created.v1",
              ORDER("w1", ",\"assignees\":[{\"id\":\"u1\"}]"));
    put_text(w, ANA, "m1", "MY WORK");
    UNTIL(w, "idle", idle(w) && w->nsent == 2);
    for (int i = 0; i < 230; i++) {
        put_message(w, &(struct message_options){.prio = PRIO_LOW});
    }
    put_event(w, "x2", "cmms.person.removed.v1", "{\"person\":{\"id\":\"u1\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK("gone", !get_user(w, "u1", &u));
    CHECK_Z("phone", owner_of(w, ANA), "");
    snprintf(keys, sizeof(keys), "%s", redis_fixture_command(w->redis, "KEYS *u1*"));
    CHECK_Z("no key of his", str_of(keys), "");
    CHECK_Z("no message", str_of(redis_fixture_command(w->redis, "KEYS {acme}:m:*")), "");
    CHECK_INT("no list", redis_int(w, "ZCARD mx"), 0);
    CHECK_Z("no window", str_of(redis_get(w, "HEXISTS w:main u1")), "0");
    CHECK_Z("not listed", str_of(redis_get(w, "ZSCORE ul u1")), "");
    CHECK_INT("the audit trail knows", redis_int(w, "XLEN au"), 1);
    put_event(w, "x3", "cmms.person.removed.v1", "{\"person\":{\"id\":\"u1\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("once", redis_int(w, "XLEN au"), 1);
    put_text(w, ANA, "m9", "MY WORK");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("a stranger now", sent_to(w, ANA, "not registered"), 1);
    world_free(&w);
}

static void test_removed_damaged(void)
{
    struct world *w = world_new(NULL);
    struct user u;

    redis_get(w, "HSET u:u1 b x");
    put_event(w, "x1", "cmms.person.removed.v1", "{\"person\":{\"id\":\"u1\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK_Z("gone", str_of(redis_get(w, "EXISTS u:u1")), "0");
    /* The index could not be read from the record; it is put right by who comes next. */
    upsert(w, "x2", "\"id\":\"u8\",\"phone\":\"" ANA "\"");
    CHECK("taken", get_user(w, "u8", &u) && str_eqz(u.phone, ANA));
    CHECK_Z("index", owner_of(w, ANA), "u8");
    world_free(&w);
}

/* A file of his whose record does not open goes with him, and holds up nobody. */
static void test_removed_file_damaged(void)
{
    struct world *w = world_new(NULL);
    struct user u;

    redis_get(w, "HSET me:f1 v 1 b x");
    redis_get(w, "ZADD mx:media 1 f1");
    redis_get(w, "ZADD mp:u1 1 f1");
    put_event(w, "x1", "cmms.person.removed.v1", "{\"person\":{\"id\":\"u1\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK("gone", !get_user(w, "u1", &u));
    CHECK_INT("its record", redis_int(w, "EXISTS me:f1"), 0);
    CHECK_INT("its places", redis_int(w, "ZCARD mp:u1") + redis_int(w, "ZCARD mx:media"), 0);
    CHECK_INT("no dead letter", redis_int(w, "ZCARD dl"), 0);
    world_free(&w);
}

/* ---- who is told what ---- */

static void test_not_who_did_it(void)
{
    struct world *w = world_new(NULL);
    struct order o;

    put_event(w, "d1", "cmms.workorder.created.v1",
              ORDER("w1", ",\"rev\":1,\"assignees\":[{\"id\":\"u1\"},{\"id\":\"u2\"}]"));
    UNTIL(w, "idle", idle(w) && w->nsent == 2);
    put_text(w, ANA, "m1", "START w1");
    UNTIL(w, "idle", idle(w));
    CHECK("asked by her", get_order(w, "w1", &o) && str_eqz(o.asked_by, "u1"));
    /* Something else comes between, told before the CMMS has read the request. */
    put_event(w, "d2", "cmms.workorder.updated.v1",
              ORDER("w1", ",\"rev\":2,\"assignees\":[{\"id\":\"u1\"},{\"id\":\"u2\"}]"));
    UNTIL(w, "idle", idle(w));
    w->nsent = 0;
    put_event(
        w, "d3", "cmms.workorder.status_changed.v1",
        "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-w1\",\"title\":\"T\",\"status\":\"in_"
        "progress\",\"rev\":3,"
        "\"assignees\":[{\"id\":\"u1\"},{\"id\":\"u2\"}]},\"previous\":{\"status\":\"open\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("not to her", sent_to(w, ANA, ""), 0);
    CHECK_INT("but to him", sent_to(w, BEN, "WO-w1"), 1);
    CHECK("answered", get_order(w, "w1", &o) && o.asked_by.n == 0);
    put_event(w, "d4", "cmms.workorder.status_changed.v1",
              "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-w1\",\"title\":\"T\",\"status\":\"on_"
              "hold\",\"rev\":4,"
              "\"assignees\":[{\"id\":\"u1\"},{\"id\":\"u2\"}]},\"by\":{\"id\":\"u2\",\"name\":"
              "\"Ben\"}}");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("to her", sent_to(w, ANA, "WO-w1"), 1);
    CHECK_INT("not to him who did it there", sent_to(w, BEN, ""), 1);
    world_free(&w);
}

/* An order of a team, with nobody's name on it. */
static void test_team(void)
{
    struct world *w = world_new(NULL);

    upsert(w, "t1", "\"id\":\"u1\",\"teams\":[\"t7\"]");
    put_event(w, "t2", "cmms.workorder.created.v1",
              ORDER("w1", ",\"team\":{\"id\":\"t7\",\"name\":\"Mech\"}"));
    UNTIL(w, "idle", idle(w));
    put_text(w, ANA, "m1", "MY WORK");
    put_text(w, BEN, "m2", "MY WORK");
    UNTIL(w, "idle", idle(w) && w->nsent == 2);
    CHECK_INT("hers", sent_to(w, ANA, "WO-w1"), 1);
    CHECK_INT("not his", sent_to(w, BEN, "WO-w1"), 0);
    put_text(w, ANA, "m3", "START");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("she may", stream_events(w, "gateway.workorder.status_requested.v1", "in_progress"),
              1);
    world_free(&w);
}

/* Closed, deleted, moved: no index keeps it. */
static void test_indexes(void)
{
    static const struct {
        const char *label, *type, *order;
        int64_t ana, ben, team;
    } steps[] = {
        {"open",      "created.v1",
         "\"status\":\"open\",\"team\":{\"id\":\"t1\"},\"assignees\":[{\"id\":\"u1\"}]",      1, 0, 1},
        {"moved",     "assigned.v1",
         "\"status\":\"open\",\"team\":{\"id\":\"t2\"},\"assignees\":[{\"id\":\"u2\"}]",      0, 1, 0},
        {"completed", "status_changed.v1",
         "\"status\":\"completed\",\"team\":{\"id\":\"t1\"},\"assignees\":[{\"id\":\"u2\"}]", 0, 0,
         0                                                                                           },
        {"reopened",  "status_changed.v1",
         "\"status\":\"open\",\"team\":{\"id\":\"t1\"},\"assignees\":[{\"id\":\"u1\"}]",      1, 0, 1},
        {"deleted",   "deleted.v1",
         "\"status\":\"open\",\"team\":{\"id\":\"t1\"},\"assignees\":[{\"id\":\"u1\"}]",      0, 0, 0},
    };
    struct world *w = world_new(NULL);

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        put_event(w, steps[i].label, arena_printf(w->a, "cmms.workorder.%s", steps[i].type).p,
                  arena_printf(w->a,
                               "{\"workorder\":{\"id\":\"w1\",\"number\":\"WO-1\",\"title\":\"T\","
                               "\"rev\":%zu,%s}}",
                               i, steps[i].order)
                      .p);
        UNTIL(w, steps[i].label, idle(w));
        CHECK_INT(steps[i].label, redis_int(w, "ZCARD oa:u1"), steps[i].ana);
        CHECK_INT(steps[i].label, redis_int(w, "ZCARD oa:u2"), steps[i].ben);
        CHECK_INT(steps[i].label, redis_int(w, "ZCARD og:t1"), steps[i].team);
    }
    put_text(w, ANA, "m1", "WO 1");
    UNTIL(w, "idle", idle(w));
    CHECK_INT("it is gone, she is told",
              sent_to(w, ANA, "any more") + sent_to(w, ANA, "gone") + sent_to(w, ANA, "longer") > 0,
              1);
    world_free(&w);
}

/* What STATUS counts as completed today; the list behind it does not grow without end. */
static void test_completed(void)
{
    struct world *w = world_new(NULL);

    for (int i = 0; i < 3; i++) {
        put_event(w, arena_printf(w->a, "k%d", i).p, "cmms.workorder.created.v1",
                  arena_printf(w->a,
                               "{\"workorder\":{\"id\":\"w%d\",\"number\":\"N-%d\",\"title\":\"T\","
                               "\"status\":\"in_progress\",\"rev\":1,"
                               "\"assignees\":[{\"id\":\"u1\"}]}}",
                               i, i)
                      .p);
    }
    UNTIL(w, "idle", idle(w));
    for (int i = 0; i < 3; i++) {
        put_text(w, ANA, arena_printf(w->a, "c%d", i).p, arena_printf(w->a, "COMPLETE N-%d", i).p);
    }
    UNTIL(w, "idle", idle(w));
    put_event(w, "re", "cmms.workorder.status_changed.v1",
              "{\"workorder\":{\"id\":\"w0\",\"number\":\"N-0\",\"title\":\"T\",\"status\":"
              "\"open\",\"rev\":2,\"assignees\":[{\"id\":\"u1\"}]}}");
    UNTIL(w, "idle", idle(w));
    for (int i = 0; i < 300; i++) {
        redis_get(w, "LPUSH oc:u1 1|old%d", i);
    }
    w->nsent = 0;
    put_text(w, ANA, "s1", "STATUS");
    UNTIL(w, "idle", idle(w));
    CHECK("two, one was reopened", sent_to(w, ANA, "Completed today: 2") == 1 ||
                                       sent_to(w, ANA, "completed today: 2") == 1 ||
                                       sent_to(w, ANA, "today: 2") == 1);
    put_text(w, ANA, "c9", "COMPLETE N-0");
    put_text(w, ANA, "c8", "/status N-0 completed");
    UNTIL(w, "idle", idle(w));
    CHECK("bounded", redis_int(w, "LLEN oc:u1") <= 200);
    world_free(&w);
}

/* Without a sender the orders are kept all the same, and what cannot be said has an end. */
static void test_ids(void)
{
    static const struct {
        const char *label, *data, *member;
    } bad[] = {
        {"a bar",     ORDER("w1", ",\"assignees\":[{\"id\":\"a|b\"}]"),
         "data.workorder.assignees.0.id"                                                                              },
        {"a tilde",   ORDER("w1", ",\"assignees\":[{\"id\":\"ok\"},{\"id\":\"~a\"}]"),
         "data.workorder.assignees.1.id"                                                                              },
        {"none",      ORDER("w1", ",\"assignees\":[{\"name\":\"x\"}]"),                "data.workorder.assignees.0.id"},
        {"a blank",   ORDER("w1", ",\"stakeholders\":[{\"id\":\"a b\"}]"),
         "data.workorder.stakeholders.0.id"                                                                           },
        {"requester", ORDER("w1", ",\"requester\":{\"id\":\"a\\nb\",\"name\":\"x\"}"),
         "data.workorder.requester.id"                                                                                },
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str text = arena_printf(
            a,
            "{\"id\":\"1\",\"source\":\"/x\",\"type\":\"cmms.workorder.created.v1\",\"data\":%s}",
            bad[i].data);
        struct cmms_event event;
        struct json *j = NULL;
        struct err err = {0};

        CHECK(bad[i].label,
              json_parse(text, 1 << 20, &j, &err) && !cmms_event_parse(a, j, &event, &err));
        CHECK_INT(bad[i].label, err.code, ERR_INVALID);
        CHECK_Z(bad[i].label, str_of(err.member), bad[i].member);
        json_free(&j);
    }
    arena_free(&a);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_taken_over),
                                        TEST(test_taken_over_waiting),
                                        TEST(test_race),
                                        TEST(test_named_in_order),
                                        TEST(test_stale_index),
                                        TEST(test_welcome),
                                        TEST(test_own_word),
                                        TEST(test_consent_told_later),
                                        TEST(test_nameless),
                                        TEST(test_named_twice),
                                        TEST(test_told_once),
                                        TEST(test_removed),
                                        TEST(test_removed_damaged),
                                        TEST(test_removed_file_damaged),
                                        TEST(test_not_who_did_it),
                                        TEST(test_team),
                                        TEST(test_indexes),
                                        TEST(test_completed),
                                        TEST(test_ids)};
    int code = test_main(argc, argv, tests, ARRAY_LEN(tests));

    world_done();
    return code;
}
