/* The rules of broadcasts: what may be asked for, who is meant, what he reads, when it is over. */
#include "domain/broadcast.h"

#include "base/mem.h"
#include "domain/template.h"
#include "harness.h"

#include <stdio.h>

#define NOW           \
    (struct wall)     \
    {                 \
        1734688800000 \
    } /* 2024-12-20T10:00:00Z */

static struct arena *a;
static struct i18n *i18n;
static struct vault *vault;
static struct tenant_settings conf;
static struct tenant tenant;

/* Single quotes stand for double ones. */
static bool parse(const char *quoted, struct broadcast *out, struct err *err)
{
    struct str text = arena_dup(a, str_of(quoted));
    char *p = (char *)(uintptr_t)text.p;
    struct json *j = NULL;
    bool ok;

    for (size_t i = 0; i < text.n; i++) {
        p[i] = p[i] == '\'' ? '"' : p[i];
    }
    CHECK(quoted, json_parse(text, 1 << 20, &j, err));
    ok = broadcast_from_json(a, j, NOW, out, err);
    json_free(&j);
    return ok;
}

static struct broadcast good(const char *quoted)
{
    struct broadcast b = {0};
    struct err err = {0};

    if (!parse(quoted, &b, &err)) {
        test_fail(__FILE__, __LINE__, "%s: %s", quoted, err.msg);
    }
    b.id = STR("b1");
    return b;
}

/* ---- what may be asked for ---- */

static void test_refused(void)
{
    static const struct {
        const char *body, *member, *why;
    } rows[] = {
        {"{'audience':{'all':true}}",                                                "text",              "is missing"          },
        {"{'text':' ','audience':{'all':true}}",                                     "text",              "is empty"            },
        {"{'text':7,'audience':{'all':true}}",                                       "text",              "is not a text"       },
        {"{'text':'a','texts':{'en':'b'},'audience':{'all':true}}",                  "texts",             "cannot both"         },
        {"{'texts':{},'audience':{'all':true}}",                                     "texts",             "1 to 32"             },
        {"{'texts':{'e':'x'},'audience':{'all':true}}",                              "texts.e",           "no language"         },
        {"{'texts':{'en us':'x'},'audience':{'all':true}}",                          "texts.en us",       "no language"         },
        {"{'texts':{'en':'x','es':''},'audience':{'all':true}}",                     "texts.es",          "is empty"            },
        {"{'text':'x','title':'a\\nb','audience':{'all':true}}",                     "title",             "one line"            },
        {"{'text':'x','title':9,'audience':{'all':true}}",                           "title",             "one line"            },
        {"{'text':'x','priority':'urgent','audience':{'all':true}}",                 "priority",          "none of low"         },
        {"{'text':'x','ask':'maybe','audience':{'all':true}}",                       "ask",               "none of none"        },
        {"{'text':'x'}",                                                             "audience",          "who is to be told"   },
        {"{'text':'x','audience':[]}",                                               "audience",          "no object"           },
        {"{'text':'x','audience':{}}",                                               "audience",          "names nobody"        },
        {"{'text':'x','audience':{'all':false}}",                                    "audience",          "names nobody"        },
        {"{'text':'x','audience':{'all':'yes'}}",                                    "audience.all",      "true or false"       },
        {"{'text':'x','audience':{'team':['a']}}",                                   "audience.team",     "none of all, users"  },
        {"{'text':'x','audience':{'teams':'a'}}",                                    "audience.teams",    "not a list"          },
        {"{'text':'x','audience':{'teams':['a','']}}",                               "audience.teams.1",  "name of a team"      },
        {"{'text':'x','audience':{'users':['u 1']}}",                                "audience.users.0",  "id of a person"      },
        {"{'text':'x','audience':{'roles':['boss']}}",                               "audience.roles.0",  "is technician"       },
        {"{'text':'x','audience':{'phones':['12025550117']}}",                       "audience.phones.0",
         "a number such as"                                                                                                     },
        {"{'text':'x','send_at':'soon','audience':{'all':true}}",                    "send_at",           "RFC 3339"            },
        {"{'text':'x','send_at':'2026-12-20T10:00:00Z','audience':{'all':true}}",    "send_at",
         "a year away"                                                                                                          },
        {"{'text':'x','expires_at':'2024-12-20T10:00:00Z','audience':{'all':true}}", "expires_at",
         "is over"                                                                                                              },
        {"{'text':'x','send_at':'2024-12-21T10:00:00Z','expires_at':'2024-12-21T09:00:00Z','"
         "audience':{'all':true}}",                                         "expires_at",        "is over"             },
        {"{'text':'x','confirm':-1,'audience':{'all':true}}",                        "confirm",           "number of recipients"},
        {"{'text':'x','confirm':'3','audience':{'all':true}}",                       "confirm",           "number of recipients"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct broadcast b;
        struct err err = {0};

        CHECK(rows[i].body, !parse(rows[i].body, &b, &err));
        CHECK_INT(rows[i].body, err.code, ERR_INVALID);
        CHECK_Z(rows[i].body, str_of(err.member), rows[i].member);
        if (str_find(str_of(err.msg), str_of(rows[i].why)) == SIZE_MAX) {
            test_fail(__FILE__, __LINE__, "%s: \"%s\" lacks \"%s\"", rows[i].body, err.msg,
                      rows[i].why);
        }
    }
}

static void test_limits(void)
{
    struct buf text;
    struct broadcast b;
    struct err err = {0};

    buf_init(&text, 64 * 1024);
    for (size_t most = 16 * 1024, n = most; n <= most + 1; n++) {
        buf_reset(&text);
        buf_addz(&text, "{'text':'");
        for (size_t i = 0; i < n; i++) {
            buf_addz(&text, "x");
        }
        buf_addz(&text, "','audience':{'all':true}}");
        CHECK_INT("of the text", parse(arena_dup(a, buf_str(&text)).p, &b, &err), n == most);
    }
    buf_fini(&text);
    CHECK("an id", broadcast_id_ok(STR("drill-1_A.b")));
    CHECK("none", !broadcast_id_ok(STR("")));
    CHECK("with a bar", !broadcast_id_ok(STR("a|b")) && !broadcast_id_ok(STR("a:b")) &&
                            !broadcast_id_ok(STR("a b")));
    CHECK("64 bytes",
          broadcast_id_ok(STR("0123456789012345678901234567890123456789012345678901234567890123")));
    CHECK("65", !broadcast_id_ok(
                    STR("01234567890123456789012345678901234567890123456789012345678901234")));
}

static void test_taken(void)
{
    struct broadcast
        b = good(
            "{'texts':{'en':' Leave ','es-MX':'Salgan'},'title':' Gas "
            "','priority':'critical','ask':'safety',"
            "'send_at':'2024-12-20T11:00:00Z','expires_at':'2024-12-20T12:00:00Z','confirm':12,"
            "'audience':{'roles':['technician','supervisor'],'teams':['mech'],'sites':['a'],'users'"
            ":['u1','u1'],"
            "'phones':['+1 (202) 555-0117']}}"),
        kept;
    struct err err = {0};
    struct buf text;
    struct jw w;

    CHECK_Z("trimmed", b.texts[0], "Leave");
    CHECK_Z("title", b.title, "Gas");
    CHECK_Z("phone", b.to.phones[0], "+12025550117");
    CHECK_INT("confirm", b.confirm, 12);
    CHECK_INT("later", b.send_at.ms, NOW.ms + 3600000);
    buf_init(&text, 64 * 1024);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    broadcast_write(&b, &w);
    jw_close(&w, '}');
    CHECK("kept", broadcast_decode(a, buf_str(&text), &kept, &err));
    buf_fini(&text);
    CHECK_INT("texts", (int64_t)kept.ntexts, 2);
    CHECK_Z("language", kept.langs[1], "es-MX");
    CHECK_Z("text", kept.texts[1], "Salgan");
    CHECK_INT("priority", kept.prio, PRIO_CRITICAL);
    CHECK_INT("ask", kept.ask, BROADCAST_ASK_SAFETY);
    CHECK_INT("roles", kept.to.roles, ROLE_TECHNICIAN | ROLE_SUPERVISOR);
    CHECK_INT("of people by name only how many", (int64_t)(kept.to.nusers * 10 + kept.to.nphones),
              21);
    CHECK_INT("expiry", kept.expires.ms, NOW.ms + 2 * 3600000);
    CHECK("damaged",
          !broadcast_decode(a, STR("{\"text\":1}"), &kept, &err) && err.code == ERR_DAMAGED);
    b = good("{'text':'x','send_at':'2024-12-20T09:00:00Z','audience':{'all':true}}");
    CHECK_INT("late already: at once", b.send_at.ms, 0);
    CHECK_INT("medium unless told", b.prio, PRIO_NORMAL);
    CHECK_INT("not told", b.confirm, -1);
}

/* ---- who is meant ---- */

static void test_audience(void)
{
    const struct user u = {
        .id = STR("u1"),
        .phone = STR("+12025550117"),
        .roles = ROLE_TECHNICIAN,
        .teams = {STR("mech"), STR("night shift")},
        .nteams = 2,
        .site = STR("hall-b"),
        .language = STR("es-MX"),
        .sender = STR("main"),
        .verified = true,
        .off = 1u << CLASS_EMERGENCY,
        .opted_out = OPTED_OUT_ALL
    };
    static const struct {
        const char *to;
        bool fits;
    } rows[] = {
        {"{'all':true}",                           true },
        {"{'roles':['technician']}",               true },
        {"{'roles':['supervisor','admin']}",       false},
        {"{'teams':['elec','night shift']}",       true },
        {"{'teams':['Mech']}",                     false},
        {"{'sites':['hall-b']}",                   true },
        {"{'sites':['hall']}",                     false},
        {"{'sites':['x'],'roles':['technician']}", true },
        {"{'users':['u1']}",                       false}, /* those named are read one by one */
    };
    struct broadcast b;
    struct user back;
    struct buf record;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        b = good(arena_printf(a, "{'text':'x','audience':%s}", rows[i].to).p);
        CHECK_INT(rows[i].to, audience_fits(&b.to, &u), rows[i].fits);
    }
    b = good("{'text':'x','audience':{'users':['u1']}}");
    CHECK("by name needs no scan", !audience_scans(&b.to));
    b = good("{'text':'x','audience':{'users':['u1'],'teams':['a']}}");
    CHECK("a team does", audience_scans(&b.to));
    buf_init(&record, 1024);
    audience_encode(&u, &record);
    CHECK("the index has him", audience_decode(u.id, buf_str(&record), &back));
    CHECK_INT("roles", back.roles, u.roles);
    CHECK_INT("teams", (int64_t)back.nteams, 2);
    CHECK_Z("a team", back.teams[1], "night shift");
    CHECK_Z("site", back.site, "hall-b");
    CHECK_Z("language", back.language, "es-MX");
    CHECK_Z("sender", back.sender, "main");
    CHECK("verified, with an address",
          back.verified && back.phone.n > 0 && !back.removed && !back.consented);
    CHECK_INT("off", back.off, u.off);
    CHECK_INT("opted out", back.opted_out, u.opted_out);
    CHECK("no number in it", str_find(buf_str(&record), STR("2025550117")) == SIZE_MAX);
    CHECK("damaged", !audience_decode(u.id, STR("5 x 0 0\n\n\n"), &back));
    buf_fini(&record);
}

static void test_verdict(void)
{
    static const struct {
        const char *label;
        bool verified, consented, off, out, all_out;
        enum notify_verdict usual, critical;
    } rows[] = {
        {"verified",           true,  false, false, false, false, NOTIFY_YES,        NOTIFY_YES       },
        {"not verified",       false, false, false, false, false, NOTIFY_UNVERIFIED, NOTIFY_UNVERIFIED},
        {"consented only",     false, true,  false, false, false, NOTIFY_UNVERIFIED, NOTIFY_UNVERIFIED},
        {"switched off",       true,  false, true,  false, false, NOTIFY_OFF,        NOTIFY_YES       },
        {"stopped the class",  true,  false, false, true,  false, NOTIFY_OPTED_OUT,  NOTIFY_YES       },
        {"stopped everything", true,  false, false, false, true,  NOTIFY_OPTED_OUT,  NOTIFY_OPTED_OUT },
    };
    struct broadcast usual = good("{'text':'x','priority':'high',"
                                  "'audience':{'all':true}}");
    struct broadcast critical = good("{'text':'x','priority':'critical','audience':{'all':true}}");

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct user u = {.id = STR("u1"),
                               .phone = STR("+12025550117"),
                               .verified = rows[i].verified,
                               .consented = rows[i].consented,
                               .off = rows[i].off ? 1u << CLASS_EMERGENCY : 0,
                               .opted_out = rows[i].all_out ? OPTED_OUT_ALL
                                            : rows[i].out   ? 1u << CLASS_EMERGENCY
                                                            : 0};

        CHECK_INT(rows[i].label, broadcast_verdict(&usual, &u), rows[i].usual);
        CHECK_INT(rows[i].label, broadcast_verdict(&critical, &u), rows[i].critical);
    }
}

/* ---- what he reads ---- */

static void test_language(void)
{
    static const struct {
        const char *texts, *person, *text, *language;
    } rows[] = {
        {"{'en':'E','es':'S'}",    "es",    "S", "es"},
        {"{'en':'E','es':'S'}",    "es-MX", "S", "es"},
        {"{'en':'E','es-MX':'S'}", "es",    "S", "es"},
        {"{'en':'E','es':'S'}",    "hi",    "E", "en"}, /* the tenant's */
        {"{'en':'E','es':'S'}",    "",      "E", "en"},
        {"{'ar':'A','es':'S'}",    "hi",    "A", "ar"}, /* any */
        {"{'es':'S'}",             "hi",    "S", "es"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct broadcast b =
            good(arena_printf(a, "{'texts':%s,'audience':{'all':true}}", rows[i].texts).p);
        const struct user u = {.language = str_of(rows[i].person)};

        CHECK_Z(rows[i].texts, b.texts[broadcast_text_for(&b, &tenant, &u)], rows[i].text);
        CHECK_Z(rows[i].texts, lang_code(broadcast_lang(&b, &tenant, &u)), rows[i].language);
    }
    { /* of a text for all, what is around it is in his */
        struct broadcast b = good("{'text':'x','audience':{'all':true}}");
        const struct user u = {.language = STR("es")};

        CHECK_Z("his", lang_code(broadcast_lang(&b, &tenant, &u)), "es");
    }
}

static void test_message(void)
{
    static const struct {
        const char *head, *code, *text, *headline, *payload;
        size_t noptions;
    } rows[] = {
        {"'title':'Gas leak','priority':'critical','ask':'safety'", "en",
         "🚨 EMERGENCY: Gas leak\n\nLeave\n\nAre you safe? Tap a button, or reply *SAFE* or *HELP "
         "ME*.\n\nPriority: CRITICAL",                                                                                 "🚨 EMERGENCY: Gas leak", "bc:safe:b1", 2},
        {"'title':'New rules','ask':'ack'",                         "es",
         "📢 New rules\n\nLeave\n\nConfirma que lo has leído: toca el botón o responde "
         "*ENTERADO*.\n\nPrioridad: MEDIA",                                                                            "New rules",                "bc:ack:b1",  1},
        {"'priority':'high'",                                       "en", "🚨 EMERGENCY\n\nLeave\n\nPriority: HIGH", "🚨 EMERGENCY",           NULL,
         0                                                                                                                                                        },
        {"'priority':'low'",                                        "en", "Leave\n\nPriority: LOW",                    "Message from Acme Plant",  NULL,         0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct broadcast b =
            good(arena_printf(a, "{'text':'Leave',%s,'audience':{'all':true}}", rows[i].head).p);
        const struct lang *l = i18n_lang(i18n, str_of(rows[i].code), STR("en"));
        struct str answer, id;
        struct message m;

        broadcast_message(a, &tenant, &b, l, 0, &m);
        CHECK_Z(rows[i].head, m.text, rows[i].text);
        CHECK_INT(rows[i].head, m.kind, rows[i].noptions > 0 ? MESSAGE_BUTTONS : MESSAGE_TEXT);
        CHECK_INT(rows[i].head, (int64_t)m.noptions, (int64_t)rows[i].noptions);
        CHECK_Z(rows[i].head, m.broadcast, "b1");
        CHECK_Z(rows[i].head, m.cls, "emergency");
        CHECK_Z(rows[i].head, m.template_.params[0].value, rows[i].headline);
        CHECK_Z(rows[i].head, m.template_.params[1].value, "Leave");
        if (rows[i].payload != NULL) {
            CHECK_Z(rows[i].head, m.options[0].id, rows[i].payload);
            CHECK(rows[i].head,
                  broadcast_payload(m.options[0].id, &answer, &id) && str_eqz(id, "b1"));
        }
    }
}

static void test_payload(void)
{
    static const char *const wrong[] = {"bc:maybe:b1", "bc:safe:",    "bc:safe", "ack:w1",
                                        "bc::b1",      "bc:safe:b|1", ""};
    struct str answer, id;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK(wrong[i], !broadcast_payload(str_of(wrong[i]), &answer, &id));
    }
    CHECK("help", broadcast_payload(STR("bc:help:drill-1"), &answer, &id));
    CHECK_Z("answer", answer, "help");
    CHECK_Z("id", id, "drill-1");
}

static struct str id_at(const char *id, int64_t round, int64_t place)
{
    struct broadcast_ids ids;

    broadcast_ids(a, &tenant, str_of(id), round, STR("01M7ZPY7NJ"), &ids);
    return broadcast_message_id(a, &ids, place);
}

static void test_message_id(void)
{
    struct str first = id_at("b1", 1, 31);

    CHECK("an id like any", id_is(first) && id_is(id_at("b1", 1, (1 << 30) - 1)));
    CHECK("of its time", str_starts(first, STR("01M7ZPY7NJ")));
    CHECK("always the same", str_eq(first, id_at("b1", 1, 31)));
    CHECK("each round", !str_eq(first, id_at("b1", 2, 31)));
    CHECK("each place, in order", str_cmp(first, id_at("b1", 1, 32)) < 0);
    CHECK("the last too",
          str_cmp(id_at("b1", 1, (1 << 30) - 2), id_at("b1", 1, (1 << 30) - 1)) < 0);
    CHECK("each broadcast", !str_eq(first, id_at("b2", 1, 31)));
}

/* ---- when it is over ---- */

static void test_over(void)
{
    static const struct {
        const char *label, *ask;
        struct broadcast_counts n;
        int64_t after_ms;
        bool expired, over;
    } rows[] = {
        {"queued",                "none",   {.total = 2, .queued = 1, .read = 1},    BROADCAST_OPEN_MS,  false, false},
        {"nobody knows yet",      "none",   {.total = 1, .uncertain = 1},            BROADCAST_OPEN_MS,  true,  false},
        {"all have it",           "none",   {.total = 2, .read = 1, .delivered = 1}, 1,                  false, true },
        {"one has not got it",
         "none",                            {.total = 1, .sent = 1},
         BROADCAST_QUIET_MS - 1,
         false,                                                                                                 false},
        {"not every phone is on", "none",   {.total = 1, .sent = 1},                 BROADCAST_QUIET_MS, false, true },
        {"silent",
         "safety",                          {.total = 1, .read = 1, .silent = 1},
         BROADCAST_OPEN_MS - 1,
         false,                                                                                                 false},
        {"silent for a day",
         "safety",                          {.total = 1, .read = 1, .silent = 1},
         BROADCAST_OPEN_MS,                                                                              false,
         true                                                                                                        },
        {"silent, expired",       "safety", {.total = 1, .read = 1, .silent = 1},    1,                  true,  true },
        {"all have answered",     "ack",    {.total = 1, .sent = 1, .answered = 1},  1,                  false, true },
        {"nobody was reached",    "ack",    {.total = 1, .failed = 1},               1,                  false, true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct broadcast b =
            good(arena_printf(a, "{'text':'x','ask':'%s','audience':{'all':true}}", rows[i].ask).p);
        struct wall now = {NOW.ms + rows[i].after_ms};

        b.expires.ms = rows[i].expired ? now.ms : 0;
        CHECK_INT(rows[i].label, broadcast_is_over(&rows[i].n, &b, NOW, now), rows[i].over);
    }
}

static void test_counts(void)
{
    const struct broadcast_counts n = {
        .total = 9, .queued = 1, .uncertain = 2, .sent = 3, .silent = 3, .cancelled = 3};
    struct buf out;
    struct jw w;

    buf_init(&out, 4096);
    jw_init(&w, &out);
    broadcast_counts_write(&n, BROADCAST_ASK_NONE, &w, NULL);
    CHECK_Z("what nobody knows yet counts as queued, nobody is silent who was not asked",
            buf_str(&out),
            "{\"total\":9,\"queued\":3,\"sent\":3,\"delivered\":0,\"read\":0,\"failed\":0,"
            "\"answered\":0,\"safe\":0,"
            "\"help\":0,\"silent\":0,\"skipped\":0,\"cancelled\":3}");
    buf_fini(&out);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_refused),    TEST(test_limits),   TEST(test_taken),   TEST(test_audience),
        TEST(test_verdict),    TEST(test_language), TEST(test_message), TEST(test_payload),
        TEST(test_message_id), TEST(test_over),     TEST(test_counts),
    };
    static const uint8_t master[32] = {1};
    struct err err = {0};
    struct buf wrapped;
    int code;

    a = arena_new();
    buf_init(&wrapped, 1024);
    vault_key_make(master, STR("acme"), &wrapped);
    if (!i18n_new(NULL, &i18n, &err) ||
        !vault_new(master, NULL, STR("acme"), buf_str(&wrapped), &vault, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    buf_fini(&wrapped);
    conf = (struct tenant_settings){.id = STR("acme"),
                                    .name = STR("Acme Plant"),
                                    .timezone = STR("Europe/Madrid"),
                                    .default_language = STR("en")};
    tenant = (struct tenant){.conf = &conf, .id = conf.id, .vault = vault, .i18n = i18n};
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    vault_free(&vault);
    i18n_free(&i18n);
    arena_free(&a);
    return code;
}
