#include "domain/user.h"

#include "harness.h"

#define PLUS1   \
    {           \
        "+1", 2 \
    }

static struct arena *arena;

static bool from(const char *text, const struct user *base, struct user *out, struct err *err)
{
    struct json *j = NULL;
    bool ok;

    *err = (struct err){0};
    CHECK(text, json_parse(str_of(text), 1 << 16, &j, err));
    ok = user_from_json(arena, j, base, out, err);
    json_free(&j);
    return ok;
}

static struct wall at(const char *text)
{
    struct wall t = {0};

    CHECK(text, wall_parse(str_of(text), &t));
    return t;
}

#define FULL                                                                                     \
    "{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"+1 (202) 555-0101\",\"roles\":[\"technician\"," \
    "\"supervisor\"],\"teams\":[\"t1\",\"t2\"],\"subscriptions\":{\"assets\":[\"a1\",\"a2\"],"   \
    "\"sites\":[\"s2\"]},\"site\":\"s1\",\"language\":\"es-MX\","                                \
    "\"timezone\":\"America/Mexico_City\",\"supervisor\":\"u9\",\"verified\":true,"              \
    "\"consented\":true,\"preferences\":{\"classes\":{\"parts\":false,\"updates\":true},"        \
    "\"quiet_hours\":{\"from\":\"22:00\",\"to\":\"6:30\"}},\"opted_out\":[\"training\"]}"

static void check_full(const struct user *u)
{
    CHECK_Z("id", u->id, "u1");
    CHECK_Z("phone", u->phone, "+12025550101");
    CHECK_INT("roles", u->roles, ROLE_TECHNICIAN | ROLE_SUPERVISOR);
    CHECK_INT("teams", u->nteams, 2);
    CHECK_Z("team", u->teams[1], "t2");
    CHECK_Z("language", u->language, "es-MX");
    CHECK_Z("zone", u->timezone, "America/Mexico_City");
    CHECK_Z("supervisor", u->supervisor, "u9");
    CHECK("verified", u->verified && u->consented && !u->removed);
    CHECK_INT("off", u->off, 1u << CLASS_PARTS);
    CHECK_INT("opted out", u->opted_out, 1u << CLASS_TRAINING);
    CHECK("quiet", u->has_quiet);
    CHECK_INT("from", u->quiet_from_min, 22 * 60);
    CHECK_INT("to", u->quiet_to_min, 6 * 60 + 30);
}

static void test_read(void)
{
    struct user u, v;
    struct err err;

    CHECK("taken", from(FULL, NULL, &u, &err));
    check_full(&u);
    CHECK("nothing changes", from("{}", &u, &v, &err));
    check_full(&v);
    CHECK("changes", from("{\"phone\":null,\"roles\":[\"admin\"],\"teams\":[],\"language\":\"\","
                          "\"verified\":false,\"preferences\":{\"classes\":{\"parts\":true},"
                          "\"quiet_hours\":null},\"opted_out\":\"all\"}",
                          &u, &v, &err));
    CHECK_INT("phone cleared", v.phone.n, 0);
    CHECK_INT("role", v.roles, ROLE_ADMIN);
    CHECK_INT("teams", v.nteams, 0);
    CHECK_INT("language cleared", v.language.n, 0);
    CHECK("not verified", !v.verified && v.consented && !v.has_quiet);
    CHECK_INT("off", v.off, 0);
    CHECK_INT("all", v.opted_out, OPTED_OUT_ALL);
    CHECK_Z("name stays", v.name, "Ana");
    CHECK("back in", from("{\"opted_out\":[]}", &v, &u, &err));
    CHECK_INT("back in", u.opted_out, 0);
    CHECK("default", from("{\"name\":\"Bo\"}", NULL, &u, &err));
    CHECK_INT("default role", u.roles, ROLE_TECHNICIAN);
    CHECK("same hours are none", from("{\"preferences\":{\"quiet_hours\":{\"from\":\"06:00\","
                                      "\"to\":\"06:00\"}}}",
                                      NULL, &u, &err));
    CHECK("same hours are none", !u.has_quiet);
}

static void test_refused(void)
{
    static const struct {
        const char *json, *member;
    } rows[] = {
        {"[]",                                                                        ""                       },
        {"{\"phone\":\"2025550101\"}",                                                "phone"                  },
        {"{\"phone\":\"+1 202\"}",                                                    "phone"                  },
        {"{\"phone\":\"+12025550101x\"}",                                             "phone"                  },
        {"{\"phone\":{}}",                                                            "phone"                  },
        {"{\"name\":7.5}",                                                            "name"                   },
        {"{\"roles\":\"admin\"}",                                                     "roles"                  },
        {"{\"roles\":[\"root\"]}",                                                    "roles"                  },
        {"{\"teams\":[1]}",                                                           "teams"                  },
        {"{\"language\":\"english\"}",                                                "language"               },
        {"{\"language\":\"e\"}",                                                      "language"               },
        {"{\"language\":\"es-\"}",                                                    "language"               },
        {"{\"language\":\"es--MX\"}",                                                 "language"               },
        {"{\"language\":\"../en\"}",                                                  "language"               },
        {"{\"timezone\":\"Mars/Base\"}",                                              "timezone"               },
        {"{\"verified\":\"yes\"}",                                                    "verified"               },
        {"{\"preferences\":[]}",                                                      "preferences"            },
        {"{\"preferences\":{\"classes\":[]}}",                                        "preferences.classes"    },
        {"{\"preferences\":{\"classes\":{\"spam\":true}}}",                           "preferences.classes"    },
        {"{\"preferences\":{\"classes\":{\"parts\":1}}}",                             "preferences.classes"    },
        {"{\"preferences\":{\"quiet_hours\":{\"from\":\"22:00\"}}}",                  "preferences.quiet_hours"},
        {"{\"preferences\":{\"quiet_hours\":{\"from\":\"24:00\",\"to\":\"06:00\"}}}",
         "preferences.quiet_hours"                                                                             },
        {"{\"preferences\":{\"quiet_hours\":\"night\"}}",                             "preferences.quiet_hours"},
        {"{\"opted_out\":[\"spam\"]}",                                                "opted_out"              },
        {"{\"opted_out\":true}",                                                      "opted_out"              },
    };
    struct user u = {.name = STR("before")};
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK(rows[i].json, !from(rows[i].json, NULL, &u, &err));
        CHECK_INT(rows[i].json, err.code, ERR_INVALID);
        CHECK_Z(rows[i].json, str_of(err.member), rows[i].member);
    }
    CHECK_Z("written on success only", u.name, "before");
}

static void test_phones(void)
{
    static const struct {
        const char *typed, *want;
    } rows[] = {
        {"+12025550101",                                                        "+12025550101"},
        {"+1 (202) 555-0101",                                                   "+12025550101"},
        {" +34 600.123.456 ",                                                   "+34600123456"},
        {"+0123456789",                                                         ""            },
        {"\u202a+34\u00a0600\u2011123\u2011456\u202c",                          "+34600123456"},
        {"0034600123456",                                                       ""            },
        {"+1234567",                                                            ""            },
        {"+1234567890123456",                                                   ""            },
        {"+12025550101,",                                                       ""            },
        {"",                                                                    ""            },
        {"+1 2 0 2 5 5 5 0 1 0 1 ((((((((((((((((((((((((((((((((((((((((((((", ""            },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR("");

        CHECK_INT(rows[i].typed, user_phone_parse(arena, str_of(rows[i].typed), &out),
                  rows[i].want[0] != '\0');
        CHECK_Z(rows[i].typed, out, rows[i].want);
    }
}

static void test_stored(void)
{
    struct user u, again;
    struct err err;
    struct buf b;
    struct jw w;

    CHECK("taken", from(FULL, NULL, &u, &err));
    u.removed = true;
    u.welcomed = true;
    u.bsuid = STR("US.1");
    u.sender = STR("plant-1");
    buf_init(&b, 1 << 16);
    user_encode(&u, &b);
    CHECK("read again", user_decode(arena, buf_str(&b), 9, &again, &err));
    CHECK("own members", again.removed && again.welcomed);
    CHECK_Z("bsuid", again.bsuid, "US.1");
    CHECK_Z("sender", again.sender, "plant-1");
    CHECK_INT("version", again.version, 9);
    again.removed = false;
    check_full(&again);

    buf_reset(&b);
    jw_init(&w, &b);
    user_write(&again, &w, NULL);
    CHECK_Z(
        "the API's shape", buf_str(&b),
        "{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"+12025550101\",\"bsuid\":\"US.1\",\"roles\":"
        "[\"technician\",\"supervisor\"],\"teams\":[\"t1\",\"t2\"],\"subscriptions\":{\"assets\":["
        "\"a1\",\"a2\"],\"sites\":[\"s2\"]},"
        "\"site\":\"s1\",\"language\":"
        "\"es-MX\",\"timezone\":\"America/Mexico_City\",\"supervisor\":\"u9\",\"verified\":true,"
        "\"consented\":true,\"preferences\":{\"classes\":{\"assignments\":true,\"escalations\":"
        "true,\"parts\":false,\"reminders\":true,\"emergency\":true,\"checklists\":true,"
        "\"updates\":true,\"training\":true},\"quiet_hours\":{\"from\":\"22:00\",\"to\":"
        "\"06:30\"}},\"opted_out\":[\"training\"]}");
    buf_fini(&b);
    CHECK("another version", !user_decode(arena, STR("{"), 1, &u, &err));
    CHECK("nothing", !user_decode(arena, STR(""), 1, &u, &err));
    CHECK("cut off", !user_decode(arena, STR("\1\0\2u"), 1, &u, &err));
    CHECK_INT("damaged", err.code, ERR_DAMAGED);
    err = (struct err){0};
    CHECK("nobody", !user_decode(arena, STR("\1\1\3Ana"), 1, &u, &err));
    CHECK_INT("nobody", err.code, ERR_DAMAGED);
    u = (struct user){.id = STR("u2"), .opted_out = OPTED_OUT_ALL | 1u, .off = 0xff};
    buf_init(&b, 1 << 16);
    user_encode(&u, &b);
    CHECK("sets", user_decode(arena, buf_str(&b), 1, &again, &err));
    CHECK_INT("sets", again.opted_out, OPTED_OUT_ALL | 1u);
    CHECK_INT("sets", again.off, 0xff);
    CHECK("nothing else",
          again.roles == 0 && !again.verified && !again.has_quiet && again.nteams == 0);
    CHECK("empty, not missing", again.name.p != NULL && again.name.n == 0);
    buf_fini(&b);
}

static void test_notify(void)
{
    static const struct {
        const char *label;
        struct user u;
        enum user_class cls;
        bool critical;
        enum notify_verdict want;
    } rows[] = {
        {"fine",                        {.phone = PLUS1, .verified = true},       CLASS_ASSIGNMENTS, false, NOTIFY_YES       },
        {"by bsuid",                    {.bsuid = {"US.1", 4}, .verified = true}, CLASS_PARTS,       false, NOTIFY_YES       },
        {"no address",                  {.verified = true},                       CLASS_PARTS,       false, NOTIFY_NO_ADDRESS},
        {"removed",
         {.phone = PLUS1, .verified = true, .removed = true},
         CLASS_PARTS,                                                                                false,
         NOTIFY_REMOVED                                                                                                      },
        {"unverified",                  {.phone = PLUS1},                         CLASS_EMERGENCY,   true,  NOTIFY_UNVERIFIED},
        {"consented, own updates",
         {.phone = PLUS1, .consented = true},
         CLASS_UPDATES,                                                                              false,
         NOTIFY_YES                                                                                                          },
        {"consented, other class",
         {.phone = PLUS1, .consented = true},
         CLASS_ASSIGNMENTS,                                                                          false,
         NOTIFY_UNVERIFIED                                                                                                   },
        {"off",
         {.phone = PLUS1, .verified = true, .off = 1u << CLASS_PARTS},
         CLASS_PARTS,                                                                                true,
         NOTIFY_OFF                                                                                                          },
        {"other class off",
         {.phone = PLUS1, .verified = true, .off = 1u << CLASS_PARTS},
         CLASS_UPDATES,                                                                              false,
         NOTIFY_YES                                                                                                          },
        {"emergency off",
         {.phone = PLUS1, .verified = true, .off = 1u << CLASS_EMERGENCY},
         CLASS_EMERGENCY,                                                                            false,
         NOTIFY_OFF                                                                                                          },
        {"emergency off, critical",
         {.phone = PLUS1, .verified = true, .off = 1u << CLASS_EMERGENCY},
         CLASS_EMERGENCY,                                                                            true,
         NOTIFY_YES                                                                                                          },
        {"emergency stopped, critical",
         {.phone = PLUS1, .verified = true, .opted_out = 1u << CLASS_EMERGENCY},
         CLASS_EMERGENCY,                                                                            true,
         NOTIFY_YES                                                                                                          },
        {"emergency stopped",
         {.phone = PLUS1, .verified = true, .opted_out = 1u << CLASS_EMERGENCY},
         CLASS_EMERGENCY,                                                                            false,
         NOTIFY_OPTED_OUT                                                                                                    },
        {"all stopped",
         {.phone = PLUS1, .verified = true, .opted_out = OPTED_OUT_ALL},
         CLASS_EMERGENCY,                                                                            true,
         NOTIFY_OPTED_OUT                                                                                                    },
        {"class stopped",
         {.phone = PLUS1, .verified = true, .opted_out = 1u << CLASS_PARTS},
         CLASS_PARTS,                                                                                false,
         NOTIFY_OPTED_OUT                                                                                                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(rows[i].label, user_notify(&rows[i].u, rows[i].cls, rows[i].critical),
                  rows[i].want);
        CHECK_INT(rows[i].label, notify_reason(rows[i].want)[0] == '\0',
                  rows[i].want == NOTIFY_YES);
    }
}

static void test_quiet(void)
{
    static const struct {
        const char *label, *zone;
        int32_t from, to;
        const char *now, *want;
    } rows[] = {
        {"day",                        "",             1320, 360, "2024-12-25T12:00:00Z", "2024-12-25T12:00:00Z"},
        {"evening",                    "",             1320, 360, "2024-12-25T22:00:00Z", "2024-12-26T05:00:00Z"},
        {"evening, just before",       "",             1320, 360, "2024-12-25T20:59:59Z", "2024-12-25T20:59:59Z"},
        {"night",                      "",             1320, 360, "2024-12-26T02:00:00Z", "2024-12-26T05:00:00Z"},
        {"morning, over",              "",             1320, 360, "2024-12-26T05:00:00Z", "2024-12-26T05:00:00Z"},
        {"within a day",               "",             780,  840, "2024-12-25T12:30:00Z", "2024-12-25T13:00:00Z"},
        {"within a day, over",         "",             780,  840, "2024-12-25T13:00:00Z", "2024-12-25T13:00:00Z"},
        {"own zone",                   "Asia/Kolkata", 1320, 360, "2024-12-25T17:00:00Z", "2024-12-26T00:30:00Z"},
 /* The clocks go forward at 01:00 UTC, 02:00 in Madrid: 06:00 is 04:00 UTC that morning. */
        {"spring",                     "",             1320, 360, "2024-03-30T23:30:00Z", "2024-03-31T04:00:00Z"},
        {"spring, the evening before", "",             1320, 360, "2024-03-30T21:30:00Z",
         "2024-03-31T04:00:00Z"                                                                                 },
        {"autumn",                     "",             1320, 360, "2024-10-26T23:30:00Z", "2024-10-27T05:00:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct user u = {.timezone = str_of(rows[i].zone),
                         .has_quiet = true,
                         .quiet_from_min = rows[i].from,
                         .quiet_to_min = rows[i].to};
        struct wall got = user_quiet_until(&u, STR("Europe/Madrid"), at(rows[i].now));
        char text[WALL_TEXT_BYTES], want[WALL_TEXT_BYTES];

        CHECK_Z(rows[i].label, str_of(wall_format(got, text)), wall_format(at(rows[i].want), want));
        u.has_quiet = false;
        got = user_quiet_until(&u, STR("Europe/Madrid"), at(rows[i].now));
        CHECK_INT(rows[i].label, got.ms, at(rows[i].now).ms);
    }
}

static void test_classes(void)
{
    for (int c = 0; c < CLASS_COUNT; c++) {
        enum user_class found = CLASS_COUNT;

        CHECK("known", user_class_parse(str_of(user_class_name((enum user_class)c)), &found));
        CHECK_INT("same", found, c);
    }
    CHECK("unknown", !user_class_parse(STR("spam"), &(enum user_class){0}));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_read),   TEST(test_refused), TEST(test_phones),  TEST(test_stored),
        TEST(test_notify), TEST(test_quiet),   TEST(test_classes),
    };
    int rc;

    arena = arena_new();
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&arena);
    return rc;
}
