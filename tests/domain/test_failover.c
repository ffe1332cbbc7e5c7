/* The rules of failover, and what the tenant's file says about it and about the groups of teams. */
#include "harness.h"

#include "base/mem.h"
#include "domain/failover.h"
#include "domain/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SENDERS                                                                               \
    "\"senders\":[{\"id\":\"main\",\"provider\":\"meta\",\"phone_number_id\":\"1\","          \
    "\"access_token\":\"t\",\"app_secret\":\"s\"},{\"id\":\"tw\",\"provider\":\"twilio\","    \
    "\"number\":\"+12025550177\",\"account_sid\":\"AC1\",\"auth_token\":\"t\"%s},"            \
    "{\"id\":\"two\",\"provider\":\"meta\",\"phone_number_id\":\"2\",\"access_token\":\"t\"," \
    "\"app_secret\":\"s\"}]"

static struct settings *load(const char *members, const char *twilio, struct err *err)
{
    char path[] = "/tmp/crewline-test-XXXXXX", senders[1000];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    struct config_sources from = {.file = path};
    struct settings *s = NULL;

    snprintf(senders, sizeof(senders), SENDERS, twilio);
    fprintf(f, "{\"public_url\":\"https://x.test\",\"tenants\":[{\"id\":\"acme\",%s%s}]}", members,
            senders);
    fclose(f);
    if (!settings_load(&from, &s, err)) {
        s = NULL;
    }
    unlink(path);
    return s;
}

static void test_settings(void)
{
    static const struct {
        const char *label, *members, *twilio, *complaint; /* NULL: it is good */
    } rows[] = {
        {"nothing said",         "",                                                                    "",                               NULL                                      },
        {"times",                "\"failover\":{\"paused_after_ms\":0,\"critical_after_ms\":5},",       "",                               NULL                                      },
        {"no object",            "\"failover\":[],",                                                    "",                               "failover: it is not an object"           },
        {"unknown",              "\"failover\":{\"after\":1},",                                         "",                               "failover.after: there is no such setting"},
        {"a text",               "\"failover\":{\"paused_after_ms\":\"1\"},",                           "",
         "failover.paused_after_ms: it is not a"                                                                                                                                    },
        {"negative",             "\"failover\":{\"critical_after_ms\":-1},",                            "",                               "from 0 to 86400000"                      },
        {"SMS without a number", "\"channels\":{\"updates\":[\"whatsapp\",\"sms\"]},",                  "",
         "SMS need a Twilio sender with sms_from"                                                                                                                                   },
        {"SMS",                  "\"channels\":{\"updates\":[\"whatsapp\",\"sms\"]},",
         ",\"sms_from\":\"+12025550188\"",                                                                                                NULL                                      },
        {"SMS first",            "\"channels\":{\"updates\":[\"sms\"]},",                               ",\"sms_from\":\"+12025550188\"",
         "updates: it is neither"                                                                                                                                                   },
        {"no class",             "\"channels\":{\"news\":[\"whatsapp\"]},",                             "",                               "news: there is no such class"            },
        {"no number",            "",                                                                    ",\"sms_from\":\"Acme\"",         "sms_from: it is not an E.164 number"     },
        {"a word for yes",       "\"require_code\":\"true\",",                                           "",                               "require_code: it is neither true nor"    },
        {"a number for yes",     "",                                                                    ",\"numbered_options\":1",        "numbered_options: it is neither true nor"},
        {"an URL for the CMMS",  "\"cmms\":\"https://cmms.example.com\",",                              "",                               "cmms: it is not an object"               },
        {"people alone",         "\"alerts\":[\"u1\"],",                                                "",                               "alerts: it is not an object"             },
        {"groups",
         "\"teams\":{\"// "
         "why\":\"x\",\"a\":{\"group\":\"g1\",\"sender\":\"two\"},\"b\":{\"group\":\"g1\","
         "\"sender\":\"main\"}},",                                                                      "",                               NULL                                      },
        {"teams are no list",    "\"teams\":[],",                                                       "",                               "teams: it is not an object"              },
        {"no group",             "\"teams\":{\"a\":{\"sender\":\"main\"}},",                            "",
         "teams.a.group: it is no id of a group"                                                                                                                                    },
        {"a blank in it",        "\"teams\":{\"a\":{\"group\":\"g 1\",\"sender\":\"main\"}},",          "",
         "teams.a.group: it is no id of a group"                                                                                                                                    },
        {"a group alone",        "\"teams\":{\"a\":\"g1\"},",                                           "",                               "teams.a.group: it is missing"            },
        {"which sender",         "\"teams\":{\"a\":{\"group\":\"g1\"}},",                               "",
         "teams.a.sender: several senders of Meta's"                                                                                                                                },
        {"Twilio has none",      "\"teams\":{\"a\":{\"group\":\"g1\",\"sender\":\"tw\"}},",             "",
         "teams.a.sender: it is no sender of Meta's"                                                                                                                                },
        {"two teams in one",
         "\"teams\":{\"a\":{\"group\":\"g1\",\"sender\":\"two\"},\"b\":{\"group\":\"g1\","
         "\"sender\":\"two\"}},",                                                                       "",                               "teams.b.group: another team has it"      },
        {"more than that",       "\"teams\":{\"a\":{\"group\":\"g1\",\"sender\":\"two\",\"size\":8}},",
         "",                                                                                                                              "teams.a.size: there is no such setting"  },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};
        struct settings *s = load(rows[i].members, rows[i].twilio, &err);

        CHECK(rows[i].label, (s != NULL) == (rows[i].complaint == NULL));
        if (rows[i].complaint != NULL) {
            CHECK(err.msg, strstr(err.msg, rows[i].complaint) != NULL);
        }
        settings_free(&s);
    }
}

static void test_defaults(void)
{
    struct err err = {0};
    struct settings *s = load("", "", &err), *two;
    struct buf kept;

    CHECK_INT("paused", s->tenants[0].failover_paused_after_ms, 10000);
    CHECK_INT("critical", s->tenants[0].failover_critical_after_ms, 60000);
    CHECK_INT("no SMS", s->tenants[0].sms_classes, 0);
    two = load("\"failover\":{\"critical_after_ms\":5},", "", &err);
    buf_init(&kept, 1000);
    settings_reload(s, &two, &kept);
    CHECK_INT("reloaded", s->tenants[0].failover_critical_after_ms, 5);
    two = load("\"channels\":{\"updates\":[\"whatsapp\",\"sms\"]},",
               ",\"sms_from\":\"+12025550188\"", &err);
    settings_reload(s, &two, &kept);
    CHECK_INT("SMS from now on", s->tenants[0].sms_classes, 1u << CLASS_UPDATES);
    CHECK_Z("from there", s->tenants[0].senders[1].sms_from, "+12025550188");
    CHECK("no group", tenant_team_group(&s->tenants[0], STR("a")) == NULL);
    two = load("\"teams\":{\"a\":{\"group\":\"g1\",\"sender\":\"two\"}},", "", &err);
    settings_reload(s, &two, &kept);
    CHECK_Z("a group", tenant_team_group(&s->tenants[0], STR("a"))->group, "g1");
    CHECK_Z("by itself", tenant_group(&s->tenants[0], STR("two"), STR("g1"))->team, "a");
    CHECK("of that sender alone", tenant_group(&s->tenants[0], STR("main"), STR("g1")) == NULL);
    CHECK_Z("without a restart", buf_str(&kept), "");
    buf_fini(&kept);
    settings_free(&s);
}

static struct message said(const char *sender)
{
    return (struct message){.id = STR("01JCRT9S3J0000000000000000"),
                            .kind = MESSAGE_TEXT,
                            .user = STR("u1"),
                            .phone = STR("+12025550117"),
                            .sender = str_of(sender),
                            .cls = STR("updates"),
                            .text = STR("Gas leak"),
                            .prio = PRIO_CRITICAL};
}

static const char *way(const struct tenant_settings *t, const struct message *m, const bool *usable)
{
    static char text[64];
    struct failover_step step;

    if (!failover_next(t, m, usable, &step)) {
        return "-";
    }
    snprintf(text, sizeof(text), "%.*s%s", STR_ARG(step.sender->id), step.sms ? " sms" : "");
    return text;
}

/* Every way once, in the order of the file from the sender on, then the SMS. */
static void test_ways(void)
{
    struct err err = {0};
    struct settings *s = load("\"channels\":{\"updates\":[\"whatsapp\",\"sms\"]},",
                              ",\"sms_from\":\"+12025550188\"", &err);
    struct tenant_settings *t = &s->tenants[0];
    const bool no_tw[] = {true, false, true}, none[] = {false, false, false};
    struct arena *a = arena_new();
    struct message m = said("tw");
    struct failover_step step;

    CHECK_Z("first", str_of(way(t, &m, NULL)), "two");
    CHECK("take", failover_next(t, &m, NULL, &step));
    failover_take(a, &m, &step, (struct wall){7}, STR("Answer there"));
    CHECK_Z("instead of", m.instead_of, "01JCRT9S3J0000000000000000");
    CHECK_Z("then around", str_of(way(t, &m, NULL)), "main");
    CHECK("take", failover_next(t, &m, NULL, &step));
    failover_take(a, &m, &step, (struct wall){8}, STR("Answer there"));
    CHECK_Z("tried", m.tried, "tw two");
    CHECK_Z("the words stay", m.text, "Gas leak");
    CHECK_Z("then SMS", str_of(way(t, &m, NULL)), "tw sms");
    CHECK_Z("not by a paused one", str_of(way(t, &m, no_tw)), "-");
    CHECK("take", failover_next(t, &m, NULL, &step));
    failover_take(a, &m, &step, (struct wall){9}, STR("Answer there"));
    CHECK_Z("words of an SMS", m.text, "Gas leak\nAnswer there");
    CHECK("an SMS is the last", !failover_next(t, &m, NULL, &step));
    m = said("main");
    CHECK_Z("passed over", str_of(way(t, &m, no_tw)), "two");
    CHECK_Z("all paused", str_of(way(t, &m, none)), "-");
    m.cls = STR("parts");
    m.tried = STR("tw two");
    CHECK_Z("another class", str_of(way(t, &m, NULL)), "-");
    m = said("main");
    m.prio = PRIO_HIGH;
    CHECK_Z("not critical", str_of(way(t, &m, NULL)), "-");
    m = said("main");
    t->failover_critical_after_ms = 0;
    CHECK_Z("switched off", str_of(way(t, &m, NULL)), "-");
    arena_free(&a);
    settings_free(&s);
}

static void test_same_id(void)
{
    struct err err = {0};
    struct settings *s = load("", "", &err);
    struct arena *a = arena_new();
    struct message one = said("main"), two = one, other = one;
    const struct failover_step by_tw = {&s->tenants[0].senders[1], false},
                               by_two = {&s->tenants[0].senders[2], false};

    failover_take(a, &one, &by_tw, (struct wall){7}, STR_NONE);
    failover_take(a, &two, &by_tw, (struct wall){8}, STR_NONE);
    failover_take(a, &other, &by_two, (struct wall){8}, STR_NONE);
    CHECK("the same step, the same id", str_eq(one.id, two.id));
    CHECK("another step", !str_eq(one.id, other.id));
    CHECK("an id", id_is(one.id));
    CHECK_INT("as old as the first", id_time(one.id).ms,
              id_time(STR("01JCRT9S3J0000000000000000")).ms);
    arena_free(&a);
    settings_free(&s);
}

static void test_can_say(void)
{
    static const struct {
        const char *label;
        enum message_kind kind;
        const char *phone, *url, *media;
        bool sms, can;
    } rows[] = {
        {"text",                MESSAGE_TEXT,     "+12025550117", "",          "",  false, true },
        {"buttons",             MESSAGE_BUTTONS,  "+12025550117", "",          "",  false, true },
        {"template",            MESSAGE_TEMPLATE, "+12025550117", "",          "",  false, true },
        {"picture by link",     MESSAGE_MEDIA,    "+12025550117", "https://x", "",  false, true },
        {"picture at Meta",     MESSAGE_MEDIA,    "+12025550117", "",          "5", false, false},
        {"reaction",            MESSAGE_REACTION, "+12025550117", "",          "",  false, false},
        {"mark as read",        MESSAGE_READ,     "+12025550117", "",          "",  false, false},
        {"known by an id only", MESSAGE_TEXT,     "",             "",          "",  false, false},
        {"SMS",                 MESSAGE_TEXT,     "+12025550117", "",          "",  true,  false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct message m = said("main");

        m.kind = rows[i].kind;
        m.phone = str_of(rows[i].phone);
        m.media.url = str_of(rows[i].url);
        m.media.provider_id = str_of(rows[i].media);
        m.sms = rows[i].sms;
        CHECK(rows[i].label, failover_can_say(&m) == rows[i].can);
    }
}

/* What an SMS says of other kinds; cut at whole characters. */
static void test_words(void)
{
    struct err err = {0};
    struct settings *s = load("", "", &err);
    const struct failover_step sms = {&s->tenants[0].senders[1], true};
    struct arena *a = arena_new();
    struct message m = said("main");
    char long_[3 * 2000 + 1];

    m.kind = MESSAGE_LOCATION;
    m.text = STR_NONE;
    m.location.name = STR("Gate 4");
    m.location.latitude = 40.5;
    m.location.longitude = -3.25;
    failover_take(a, &m, &sms, (struct wall){7}, STR_NONE);
    CHECK_Z("place", m.text, "Gate 4\n40.500000, -3.250000");
    CHECK("a text", m.kind == MESSAGE_TEXT);
    m = said("main");
    m.kind = MESSAGE_BUTTONS;
    m.header = STR("Alarm");
    m.footer = STR("Acme");
    m.noptions = 1;
    m.options[0].title = STR("Ack");
    failover_take(a, &m, &sms, (struct wall){7}, STR("Answer there"));
    CHECK_Z("no buttons", m.text, "Alarm\nGas leak\nAcme\nAnswer there");
    CHECK_INT("none", (int64_t)m.noptions, 0);
    m = said("main");
    for (int i = 0; i < 2000; i++) {
        memcpy(long_ + 3 * i, "€", 4);
    }
    m.text = str_of(long_);
    failover_take(a, &m, &sms, (struct wall){7}, STR_NONE);
    CHECK_INT("characters", (int64_t)str_utf8_len(m.text), FAILOVER_SMS_CHARS_MAX);
    arena_free(&a);
    settings_free(&s);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_settings), TEST(test_defaults), TEST(test_ways),
                                        TEST(test_same_id),  TEST(test_can_say),  TEST(test_words)};

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
