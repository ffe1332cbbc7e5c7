/* What people are told without having asked, in every language: the golden texts, and who is not
 * told. */
#include "domain/notice.h"

#include "domain/template.h"
#include "harness.h"

static struct i18n *i18n;
static struct templates *templates;
static struct arena *a;
static const char *const codes[] = {"en", "es", "hi", "ar", "pt", "fr"};

static struct settings settings;
static struct tenant_settings conf;
static struct tenant tenant;

static struct wall at(const char *text)
{
    struct wall t = {0};

    CHECK(text, wall_parse(str_of(text), &t));
    return t;
}

static struct plan plan_now(void)
{
    struct plan p;

    plan_init(&p, a, &tenant, at("2024-12-20T10:00:00Z"), STR("in1"));
    return p;
}

static struct user person(const char *code, const char *zone)
{
    return (struct user){.id = STR("u1"),
                         .name = STR("Ana"),
                         .phone = STR("+12025550117"),
                         .roles = ROLE_TECHNICIAN,
                         .verified = true,
                         .language = str_of(code),
                         .timezone = str_of(zone)};
}

static struct order order(void)
{
    return (struct order){.id = STR("w1"),
                          .number = STR("WO-2024-001"),
                          .title = STR("Replace Motor Bearing"),
                          .description = STR("Bearing showing signs of wear, needs replacement."),
                          .asset_name = STR("Conveyor Belt A-01"),
                          .priority = ORDER_PRIO_HIGH,
                          .due = at("2024-12-25T17:00:00Z"),
                          .rev = 1};
}

static void test_golden(void)
{
    static const struct {
        const char *code, *zone, *file;
        bool full;
    } rows[] = {
        {"en", "America/Chicago", "golden/assigned.en.txt",       true },
        {"en", "America/Chicago", "golden/assigned-short.en.txt", false},
        {"es", "Europe/Madrid",   "golden/assigned.es.txt",       true },
        {"hi", "Asia/Kolkata",    "golden/assigned.hi.txt",       true },
        {"ar", "Asia/Dubai",      "golden/assigned.ar.txt",       true },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct user u = person(rows[i].code, rows[i].zone);
        struct plan p = plan_now();
        struct order o = order();
        struct buf want;

        if (!rows[i].full) {
            o.asset_name = STR("");
            o.priority = ORDER_PRIO_NONE;
            o.due.ms = 0;
        }
        notice_assigned(&p, &o, &u);
        CHECK_INT(rows[i].file, p.nmessages, 1);
        buf_init(&want, 65536);
        test_data(rows[i].file, &want);
        CHECK_STR(rows[i].file, p.messages[0].m.text, str_trim(buf_str(&want)));
        CHECK_INT(rows[i].file, p.messages[0].m.noptions, 3);
        buf_fini(&want);
    }
}

static void test_seed_wording(void)
{
    struct user u = person("en", "America/New_York");
    struct plan p = plan_now();
    struct order o = order();

    p.now = at("2024-12-20T20:21:00Z");
    o.status = ORDER_COMPLETED;
    o.number = STR("1234");
    notice_stakeholder(&p, &o,
                       &(struct user){.id = STR("s1"),
                                      .phone = STR("+12025550118"),
                                      .timezone = STR("America/New_York"),
                                      .consented = true},
                       ORDER_COMPLETED, false);
    CHECK_INT("consent is enough", p.nmessages, 1);
    CHECK("resolved", str_find(p.messages[0].m.text, STR("Issue resolved at 3:21 PM")) != SIZE_MAX);
    o.status = ORDER_IN_PROGRESS;
    notice_stakeholder(&p, &o, &u, ORDER_IN_PROGRESS, false);
    CHECK("started", str_starts(p.messages[1].m.text, STR("🔧 Work Order #1234 has started")));
    notice_priority(&p, &o, &u, ORDER_PRIO_MEDIUM);
    CHECK("priority", str_starts(p.messages[2].m.text, STR("🚨 *Priority Escalated*")));
    CHECK("priority", str_find(p.messages[2].m.text, STR("*Priority:* Medium → High")) != SIZE_MAX);
    CHECK("priority",
          str_find(p.messages[2].m.text, STR("Please prioritize this work order.")) != SIZE_MAX);
}

/* Each of them has a template of its own, with the values that it asks for. */
static bool has_form(const struct message *m, const char *code)
{
    const char *language = strcmp(code, "en") == 0   ? "en_US"
                           : strcmp(code, "pt") == 0 ? "pt_BR"
                                                     : code;
    const struct template_def *d = templates_find(templates, m->template_.name, str_of(language));
    struct message f;

    return d != NULL && template_form(a, d, m, &f);
}

/* Every notice has its texts and parameters in every language; a missing one would end the process.
 */
static void test_all_languages(void)
{
    static const char *const dues[] = {"2024-12-22T10:00:00Z", "2024-12-20T12:00:00Z",
                                       "2024-12-20T10:30:00Z", "2024-12-20T10:00:00Z",
                                       "2024-12-19T10:00:00Z"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct user u = person(codes[i], "UTC");
        struct json *changed = NULL, *previous = NULL, *parts = NULL;
        struct plan p = plan_now();
        struct order o = order();

        CHECK(codes[i],
              json_parse(STR("[\"due_at\",\"priority\",\"x_cost\"]"), 100, &changed, NULL));
        CHECK(codes[i], json_parse(STR("{\"priority\":\"low\"}"), 100, &previous, NULL));
        CHECK(codes[i],
              json_parse(STR("[{\"id\":\"p1\",\"name\":\"Bearing 6204\",\"qty\":2},{\"id\":"
                             "\"p2\"}]"),
                         100, &parts, NULL));
        notice_assigned(&p, &o, &u);
        notice_removed(&p, &o, &u);
        notice_updated(&p, &o, &u, changed, previous);
        notice_status(&p, &o, &u, ORDER_OPEN, STR("Bo"));
        notice_status(&p, &o, &u, ORDER_OPEN, STR(""));
        notice_priority(&p, &o, &u, ORDER_PRIO_LOW);
        notice_welcome(&p, &u);
        notice_refused(&p, &o, &u, STR("already closed"));
        notice_refused(&p, &o, &u, STR(""));
        notice_refused_words(&p, &o, &u, STR("too long"));
        notice_escalated(&p, &o, &u, STR("Bo"), STR("too heavy"));
        notice_escalated(&p, &o, &u, STR("Bo"), STR(""));
        notice_comment(&p, &o, &u, STR("Bo"), STR("mind the step"));
        notice_comment(&p, &o, &u, STR(""), STR("mind the step"));
        notice_parts(&p, &o, &u, (const struct json *const[]){json_at(parts, 0), json_at(parts, 1)},
                     2);
        for (size_t d = 0; d < ARRAY_LEN(dues); d++) {
            o.due = at(dues[d]);
            notice_reminder(&p, &o, &u);
        }
        for (int s = REQUEST_RECEIVED; s <= REQUEST_DONE; s++) {
            notice_request(&p, &u, (enum request_state)s, STR("It leaks"), STR("later"), p.now);
        }
        notice_asset(&p, &u, STR("Pump P-01"), STR("down"), p.now);
        notice_asset(&p, &u, STR("Pump P-01"), STR("cleaned"), p.now);
        for (int s = 0; s < ORDER_STATUS_COUNT; s++) {
            o.status = (enum order_status)s;
            notice_stakeholder(&p, &o, &u, o.status, s == ORDER_OPEN);
            CHECK(codes[i], notice_order_text(&p, &o, &u).n > 0);
        }
        CHECK(codes[i], p.nmessages >= 12 && !p.over);
        for (size_t m = 0; m < p.nmessages; m++) {
            struct str text = p.messages[m].m.text;

            CHECK(codes[i], text.n > 0 && str_is_utf8(text));
            CHECK(codes[i], str_find_char(text, '{', 0) == SIZE_MAX ||
                                str_eqz(p.messages[m].m.template_.name, TEMPLATE_REMINDER));
            CHECK(codes[i], has_form(&p.messages[m].m, codes[i]));
        }
        json_free(&changed);
        json_free(&previous);
        json_free(&parts);
    }
}

static void test_not_told(void)
{
    struct user u = person("en", "UTC");
    struct plan p = plan_now();
    struct order o = order();

    u.verified = false;
    notice_assigned(&p, &o, &u);
    CHECK_INT("nobody unverified", p.nmessages, 0);
    CHECK_INT("but it is written down", p.nentries, 1);
    CHECK_Z("why", p.entries[0].text, "not verified");
    u.verified = true;
    u.off = 1u << CLASS_ASSIGNMENTS;
    notice_assigned(&p, &o, &u);
    CHECK_INT("switched off", p.nmessages, 0);
}

/* The layout of the reminder in the seeds, and how long is left. */
static void test_reminder(void)
{
    static const struct {
        const char *label, *due, *line, *date;
    } rows[] = {
        {"two days",     "2024-12-22T10:00:00Z", "⏳ *Due in:* 2 days\n",
         "📅 *Due Date:* Dec 22, 2024\n"                                                                               },
        {"a bit late",   "2024-12-22T09:59:30Z", "⏳ *Due in:* 2 days\n",
         "📅 *Due Date:* Dec 22, 2024\n"                                                                               },
        {"two hours",    "2024-12-20T12:00:00Z", "⏳ *Due in:* 2 hours\n",
         "📅 *Due Date:* Dec 20, 2024, 12"                                                                             },
        {"half an hour", "2024-12-20T10:30:00Z", "⏳ *Due in:* 30 minutes\n",
         "📅 *Due Date:* Dec 20, 2024, 10"                                                                             },
        {"now",          "2024-12-20T10:00:00Z", "⏳ *Due now*\n",                   "📅 *Due Date:* Dec 20, 2024, 10"},
        {"a day over",   "2024-12-19T10:00:00Z", "⏰ *Overdue since:* Dec 19, 2024", NULL                               },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct user u = person("en", "UTC");
        struct plan p = plan_now();
        struct order o = order();
        struct str text;

        o.status = i % 2 == 0 ? ORDER_OPEN : ORDER_IN_PROGRESS;
        o.due = at(rows[i].due);
        notice_reminder(&p, &o, &u);
        CHECK_INT(rows[i].label, p.nmessages, 1);
        text = p.messages[0].m.text;
        CHECK(rows[i].label,
              str_starts(text, STR("⏰ *Work Order Reminder*\n\n📋 *WO#:* WO-2024-001\n📝 *Title:* "
                                   "Replace Motor Bearing\n")));
        CHECK(rows[i].label, str_find(text, str_of(rows[i].line)) != SIZE_MAX);
        CHECK(rows[i].label,
              rows[i].date == NULL || str_find(text, str_of(rows[i].date)) != SIZE_MAX);
        CHECK(rows[i].label,
              str_ends(text,
                       STR("Reply with:\n• *STATUS* - Update status\n• *DELAY {reason}* - Report "
                           "delay\n• *COMPLETE* - Mark as done")));
        CHECK_INT("buttons by its state", p.messages[0].m.noptions, 3);
        CHECK_Z("the first", p.messages[0].m.options[0].id,
                i % 2 == 0 ? "start:w1" : "complete:w1");
    }
}

/* What waits for the morning counts from the morning. */
static void test_reminder_at_night(void)
{
    struct user u = person("en", "UTC");
    struct plan p = plan_now();
    struct order o = order();

    u.has_quiet = true;
    u.quiet_from_min = 9 * 60;
    u.quiet_to_min = 11 * 60;
    o.priority = ORDER_PRIO_MEDIUM;
    o.due = at("2024-12-20T12:00:00Z");
    notice_reminder(&p, &o, &u);
    CHECK_INT("later", p.messages[0].m.send_at.ms, at("2024-12-20T11:00:00Z").ms);
    CHECK("then an hour", str_find(p.messages[0].m.text, STR("Due in:* 1 hour\n")) != SIZE_MAX);
}

/* In his quiet hours, by his own clock, what is not urgent waits for the morning. */
static void test_quiet_hours(void)
{
    static const struct {
        const char *label, *now, *send_at; /* NULL: at once */
        enum order_priority priority;
    } rows[] = {
        {"in the night",         "2024-12-20T23:30:00Z", "2024-12-21T05:30:00Z", ORDER_PRIO_MEDIUM  },
        {"before the morning",   "2024-12-21T05:29:00Z", "2024-12-21T05:30:00Z", ORDER_PRIO_LOW     },
        {"in the morning",       "2024-12-21T05:30:00Z", NULL,                   ORDER_PRIO_MEDIUM  },
        {"by day",               "2024-12-20T12:00:00Z", NULL,                   ORDER_PRIO_MEDIUM  },
        {"what is high goes",    "2024-12-20T23:30:00Z", NULL,                   ORDER_PRIO_HIGH    },
        {"and what is critical", "2024-12-20T23:30:00Z", NULL,                   ORDER_PRIO_CRITICAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct user u = person("en", "Europe/Madrid");
        struct order o = order();
        struct plan p;

        u.has_quiet = true;
        u.quiet_from_min = 22 * 60;
        u.quiet_to_min = 6 * 60 + 30;
        o.priority = rows[i].priority;
        plan_init(&p, a, &tenant, at(rows[i].now), STR("in1"));
        notice_assigned(&p, &o, &u);
        CHECK_INT(rows[i].label, (int64_t)p.nmessages, 1);
        CHECK_INT(rows[i].label, p.messages[0].m.send_at.ms,
                  rows[i].send_at == NULL ? 0 : at(rows[i].send_at).ms);
    }
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_golden),        TEST(test_seed_wording),
                                        TEST(test_all_languages), TEST(test_not_told),
                                        TEST(test_reminder),      TEST(test_reminder_at_night),
                                        TEST(test_quiet_hours)};
    int rc;

    a = arena_new();
    if (!i18n_new(NULL, &i18n, NULL) || !templates_new(NULL, &templates, NULL)) {
        return 1;
    }
    settings.public_url = STR("https://wa.example.com");
    conf = (struct tenant_settings){.id = STR("acme"),
                                    .name = STR("Acme Plant"),
                                    .timezone = STR("Europe/Madrid"),
                                    .default_language = STR("en")};
    tenant = (struct tenant){.conf = &conf, .id = conf.id, .settings = &settings, .i18n = i18n};
    rc = test_main(argc, argv, tests, ARRAY_LEN(tests));
    templates_free(&templates);
    i18n_free(&i18n);
    arena_free(&a);
    return rc;
}
