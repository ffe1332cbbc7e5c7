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
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct user u = person(codes[i], "UTC");
        struct json *changed = NULL, *previous = NULL;
        struct plan p = plan_now();
        struct order o = order();

        CHECK(codes[i],
              json_parse(STR("[\"due_at\",\"priority\",\"x_cost\"]"), 100, &changed, NULL));
        CHECK(codes[i], json_parse(STR("{\"priority\":\"low\"}"), 100, &previous, NULL));
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
        for (int s = 0; s < ORDER_STATUS_COUNT; s++) {
            o.status = (enum order_status)s;
            notice_stakeholder(&p, &o, &u, o.status, s == ORDER_OPEN);
            CHECK(codes[i], notice_order_text(&p, &o, &u).n > 0);
        }
        CHECK(codes[i], p.nmessages >= 12 && !p.over);
        for (size_t m = 0; m < p.nmessages; m++) {
            struct str text = p.messages[m].m.text;

            CHECK(codes[i], text.n > 0 && str_is_utf8(text));
            CHECK(codes[i], str_find_char(text, '{', 0) == SIZE_MAX);
            CHECK(codes[i], has_form(&p.messages[m].m, codes[i]));
        }
        json_free(&changed);
        json_free(&previous);
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
    static const struct test tests[] = {TEST(test_golden), TEST(test_seed_wording),
                                        TEST(test_all_languages), TEST(test_not_told),
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
