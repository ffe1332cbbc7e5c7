#include "domain/order.h"

#include "harness.h"

static struct arena *arena;

static struct json *parse(const char *text)
{
    struct json *j = NULL;
    struct err err = {0};

    CHECK(text, json_parse(str_of(text), 1 << 20, &j, &err));
    return j;
}

static bool from(const char *text, struct order *out, struct err *err)
{
    struct json *j = parse(text);
    bool ok;

    *err = (struct err){0};
    ok = order_from_json(arena, j, out, err);
    /* Nothing in @out may point into the JSON. */
    json_free(&j);
    return ok;
}

#define FULL                                                                                      \
    "{\"id\":\"w1\",\"number\":\"WO-7\",\"title\":\"Replace \\\"bearing\\\"\","                   \
    "\"status\":\"open\",\"description\":\"Worn\",\"priority\":\"high\",\"type\":\"reactive\","   \
    "\"asset\":{\"id\":\"a1\",\"name\":\"Belt\"},\"location\":{\"id\":\"l1\",\"name\":\"Hall\"}," \
    "\"due_at\":\"2024-12-25T17:00:00Z\",\"start_at\":null,\"estimate_s\":3600,"                  \
    "\"assignees\":[{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"+12025550101\",\"language\":"     \
    "\"es\"},{\"id\":42}],\"team\":{\"id\":\"t1\",\"name\":\"Day\"},\"requester\":{\"name\":"     \
    "\"Bo\"},\"stakeholders\":[{\"name\":\"Cy\",\"phone\":\"+12025550102\",\"consented\":true}]," \
    "\"url\":\"https://cmms.example/7\",\"rev\":5,\"updated_at\":\"2024-12-20T10:00:00Z\","       \
    "\"x_custom\":{\"cost\":12.5,\"source\":\"\\\"source\\\":{\"}}"

static void check_full(const struct order *o)
{
    CHECK_Z("id", o->id, "w1");
    CHECK_Z("number", o->number, "WO-7");
    CHECK_Z("title", o->title, "Replace \"bearing\"");
    CHECK_INT("status", o->status, ORDER_OPEN);
    CHECK_INT("priority", o->priority, ORDER_PRIO_HIGH);
    CHECK_Z("asset", o->asset_name, "Belt");
    CHECK_Z("site is the location's", o->site, "l1");
    CHECK_INT("due", o->due.ms, 1735146000000);
    CHECK_INT("start", o->start.ms, 0);
    CHECK_INT("assignees", o->nassignees, 2);
    CHECK_Z("assignee", o->assignees[0].language, "es");
    CHECK_Z("a number as id", o->assignees[1].id, "42");
    CHECK_INT("stakeholders", o->nstakeholders, 1);
    CHECK("consented", o->stakeholders[0].consented && !o->assignees[0].consented);
    CHECK_Z("requester", o->requester.name, "Bo");
    CHECK_INT("rev", o->rev, 5);
    CHECK_Z("team", o->team_id, "t1");
}

static void test_read(void)
{
    struct order o;
    struct err err;

    CHECK("taken", from(FULL, &o, &err));
    check_full(&o);
    CHECK("least",
          from("{\"id\":1,\"number\":2,\"title\":\"t\",\"status\":\"on_hold\"}", &o, &err));
    CHECK_Z("number as text", o.number, "2");
    CHECK_INT("no rev", o.rev, -1);
    CHECK_INT("no mark", order_mark(&o), -1);
    CHECK_INT("no people", o.nassignees + o.nstakeholders, 0);
    CHECK_Z("no requester", o.requester.name, "");
    CHECK("site given",
          from("{\"id\":1,\"number\":2,\"title\":\"t\",\"status\":\"open\",\"site\":\"s9\","
               "\"location\":{\"id\":\"l1\"},\"rev\":\"17\"}",
               &o, &err));
    CHECK_Z("site given", o.site, "s9");
    CHECK_INT("rev as text", o.rev, 17);
}

#define LEAST "\"id\":\"1\",\"number\":\"2\",\"title\":\"t\",\"status\":\"open\""
static void test_refused(void)
{
    static const struct {
        const char *json, *member;
    } rows[] = {
        {"[]",                                                                  "data.workorder"               },
        {"{}",                                                                  "data.workorder.id"            },
        {"{\"id\":\"\"}",                                                       "data.workorder.id"            },
        {"{\"id\":true}",                                                       "data.workorder.id"            },
        {"{\"id\":\"a\\nb\"}",                                                  "data.workorder.id"            },
        {"{\"id\":\"1\"}",                                                      "data.workorder.number"        },
        {"{\"id\":\"1\",\"number\":\"2\"}",                                     "data.workorder.status"        },
        {"{\"id\":\"1\",\"number\":\"2\",\"status\":\"open\"}",                 "data.workorder.title"         },
        {"{\"id\":\"1\",\"number\":\"2\",\"title\":\"t\",\"status\":\"Open\"}",
         "data.workorder.status"                                                                               },
        {"{" LEAST ",\"priority\":\"urgent\"}",                                 "data.workorder.priority"      },
        {"{" LEAST ",\"asset\":\"pump\"}",                                      "data.workorder.asset"         },
        {"{" LEAST ",\"asset\":{\"name\":[]}}",                                 "data.workorder.asset.name"    },
        {"{" LEAST ",\"due_at\":\"tomorrow\"}",                                 "data.workorder.due_at"        },
        {"{" LEAST ",\"due_at\":5}",                                            "data.workorder.due_at"        },
        {"{" LEAST ",\"rev\":-1}",                                              "data.workorder.rev"           },
        {"{" LEAST ",\"rev\":\"x\"}",                                           "data.workorder.rev"           },
        {"{" LEAST ",\"assignees\":{}}",                                        "data.workorder.assignees"     },
        {"{" LEAST ",\"assignees\":[\"u1\"]}",                                  "data.workorder.assignees"     },
        {"{" LEAST ",\"assignees\":[{\"id\":\"a\"},{\"phone\":{}}]}",
         "data.workorder.assignees.1.phone"                                                                    },
        {"{" LEAST ",\"requester\":[]}",                                        "data.workorder.requester"     },
        {"{" LEAST ",\"requester\":{\"name\":[]}}",                             "data.workorder.requester.name"},
        {"{" LEAST ",\"description\":{}}",                                      "data.workorder.description"   },
    };
    struct order o;
    struct err err;
    struct buf b;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(rows[i].json, !from(rows[i].json, &o, &err));
        CHECK_INT(rows[i].json, err.code, ERR_INVALID);
        CHECK_Z(rows[i].json, str_of(err.member), rows[i].member);
    }
    buf_init(&b, 1 << 16);
    buf_addz(&b, "{" LEAST ",\"assignees\":[{}");
    for (int i = 0; i < ORDER_PEOPLE_MAX; i++) {
        buf_addz(&b, ",{}");
    }
    buf_addz(&b, "]}");
    CHECK("too many people", !from(b.p, &o, &err));
    CHECK_Z("too many people", str_of(err.member), "data.workorder.assignees");
    buf_fini(&b);
}

static void test_stored(void)
{
    struct order o, again;
    struct json *j;
    struct err err;
    struct buf b;
    struct jw w;

    CHECK("taken", from(FULL, &o, &err));
    o.status = ORDER_COMPLETED;
    o.completed.ms = 1735146000123;
    o.refused_back_to = STR("in_progress");
    buf_init(&b, 1 << 16);
    order_encode(&o, &b);
    CHECK("read again", order_decode(arena, buf_str(&b), 3, &again, &err));
    CHECK_INT("our status wins", again.status, ORDER_COMPLETED);
    CHECK_INT("completed", again.completed.ms, 1735146000123);
    CHECK_Z("back to", again.refused_back_to, "in_progress");
    CHECK_INT("version", again.version, 3);
    CHECK_STR("source word for word", again.source, o.source);
    again.status = ORDER_OPEN;
    check_full(&again);

    /* The API's shape keeps what we do not know. */
    buf_reset(&b);
    jw_init(&w, &b);
    again.status = ORDER_IN_PROGRESS;
    order_write(&again, &w, NULL);
    j = parse(b.p);
    CHECK_Z("status is ours", json_get_str(j, "status"), "in_progress");
    CHECK_INT("unknown members", json_path(j, "x_custom.cost") != NULL, 1);
    CHECK_Z("completed_at", json_get_str(j, "completed_at"), "2024-12-25T17:00:00.123Z");
    json_free(&j);

    buf_reset(&b);
    jw_init(&w, &b);
    order_write_ref(&again, &w, NULL);
    CHECK_Z("reference", buf_str(&b), "{\"id\":\"w1\",\"number\":\"WO-7\",\"rev\":5}");
    buf_reset(&b);
    jw_init(&w, &b);
    again.rev = -1;
    order_write_ref(&again, &w, NULL);
    CHECK_Z("reference", buf_str(&b), "{\"id\":\"w1\",\"number\":\"WO-7\"}");
    buf_fini(&b);
}

static void test_damaged(void)
{
    static const char *const rows[] = {
        "",
        "x",
        "{}",
        "{\"source\":",
        "{\"status\":\"open\",\"source\":{}}",
        "{\"status\":\"lost\",\"source\":{" LEAST "}}",
    };
    struct order o;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};

        CHECK(rows[i], !order_decode(arena, str_of(rows[i]), 1, &o, &err));
        CHECK(rows[i], err.code == ERR_DAMAGED || err.code == ERR_INVALID);
    }
}

static void test_steps(void)
{
    static const struct {
        enum order_status from;
        enum order_step step;
        bool explicit_;
        enum step_verdict want;
    } rows[] = {
        {ORDER_OPEN,         STEP_ACK,      false, STEP_OK         },
        {ORDER_ACKNOWLEDGED, STEP_ACK,      false, STEP_ALREADY    },
        {ORDER_IN_PROGRESS,  STEP_ACK,      false, STEP_ALREADY    },
        {ORDER_COMPLETED,    STEP_ACK,      false, STEP_CLOSED     },
        {ORDER_OPEN,         STEP_START,    false, STEP_OK         },
        {ORDER_ON_HOLD,      STEP_START,    false, STEP_OK         },
        {ORDER_IN_PROGRESS,  STEP_START,    false, STEP_ALREADY    },
        {ORDER_COMPLETED,    STEP_START,    false, STEP_CLOSED     },
        {ORDER_CANCELLED,    STEP_START,    true,  STEP_CLOSED     },
        {ORDER_OPEN,         STEP_COMPLETE, false, STEP_NOT_STARTED},
        {ORDER_ACKNOWLEDGED, STEP_COMPLETE, false, STEP_NOT_STARTED},
        {ORDER_OPEN,         STEP_COMPLETE, true,  STEP_OK         },
        {ORDER_IN_PROGRESS,  STEP_COMPLETE, false, STEP_OK         },
        {ORDER_ON_HOLD,      STEP_COMPLETE, false, STEP_OK         },
        {ORDER_COMPLETED,    STEP_COMPLETE, true,  STEP_ALREADY    },
        {ORDER_CANCELLED,    STEP_COMPLETE, true,  STEP_CLOSED     },
        {ORDER_IN_PROGRESS,  STEP_HOLD,     true,  STEP_OK         },
        {ORDER_ON_HOLD,      STEP_HOLD,     true,  STEP_ALREADY    },
        {ORDER_OPEN,         STEP_CANCEL,   true,  STEP_OK         },
        {ORDER_CANCELLED,    STEP_CANCEL,   true,  STEP_ALREADY    },
        {ORDER_COMPLETED,    STEP_CANCEL,   true,  STEP_CLOSED     },
        {ORDER_COMPLETED,    STEP_REOPEN,   true,  STEP_OK         },
        {ORDER_OPEN,         STEP_REOPEN,   true,  STEP_ALREADY    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct order o = {.status = rows[i].from};

        CHECK_INT("step", order_step_check(&o, rows[i].step, rows[i].explicit_), rows[i].want);
        o.deleted = true;
        CHECK_INT("deleted", order_step_check(&o, rows[i].step, rows[i].explicit_), STEP_CLOSED);
    }
    for (int s = 0; s < ORDER_STATUS_COUNT; s++) {
        enum order_status status = ORDER_OPEN;

        CHECK_INT("there and back", order_step_result(order_step_to((enum order_status)s)), s);
        CHECK("name", order_status_parse(str_of(order_status_name((enum order_status)s)), &status));
        CHECK_INT("name", status, s);
    }
}

static void test_urgency(void)
{
    static const struct {
        enum order_priority priority;
        int64_t due_ms;
        const char *number;
    } rows[] = {
  /* most urgent first */
        {ORDER_PRIO_CRITICAL, 0,               "WO-9"   },
        {ORDER_PRIO_HIGH,     -5000,           "WO-9"   },
        {ORDER_PRIO_HIGH,     1735146000000,   "WO-1"   },
        {ORDER_PRIO_HIGH,     1735146000000,   "WO-2"   },
        {ORDER_PRIO_HIGH,     1735146000000,   "WO-1999"},
        {ORDER_PRIO_HIGH,     1735146001000,   "WO-1"   },
        {ORDER_PRIO_HIGH,     0,               "WO-1"   },
        {ORDER_PRIO_MEDIUM,   1000,            "WO-1"   },
        {ORDER_PRIO_NONE,     1000,            "WO-1"   },
        {ORDER_PRIO_NONE,     253402300799999, "WO-1"   },
        {ORDER_PRIO_NONE,     0,               "WO-2"   },
    };

    for (size_t i = 1; i < ARRAY_LEN(rows); i++) {
        struct order a = {.priority = rows[i - 1].priority,
                          .due = {rows[i - 1].due_ms},
                          .number = str_of(rows[i - 1].number)};
        struct order b = {.priority = rows[i].priority,
                          .due = {rows[i].due_ms},
                          .number = str_of(rows[i].number)};

        CHECK(rows[i].number, order_urgency(&a) < order_urgency(&b));
    }
}

static void test_questions(void)
{
    struct order o = {.rev = -1, .updated = {77}};

    CHECK_INT("mark by time", order_mark(&o), 77);
    o.rev = 0;
    CHECK_INT("mark by rev", order_mark(&o), 0);
    o.status = ORDER_ON_HOLD;
    CHECK("open", order_is_open(&o));
    o.deleted = true;
    CHECK("deleted", !order_is_open(&o));
    o = (struct order){.status = ORDER_COMPLETED};
    CHECK("completed", !order_is_open(&o));
    o.assignees[0].id = STR("u1");
    o.nassignees = 2;
    CHECK("his", order_assigned_to(&o, STR("u1")));
    CHECK("not his", !order_assigned_to(&o, STR("u2")));
    CHECK("nobody's id is empty", !order_assigned_to(&o, STR("")));
    CHECK_Z("name", str_of(order_priority_name(ORDER_PRIO_CRITICAL)), "critical");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_read),  TEST(test_refused), TEST(test_stored),    TEST(test_damaged),
        TEST(test_steps), TEST(test_urgency), TEST(test_questions),
    };
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
