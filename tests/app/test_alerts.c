/* Alerts: what the API shows of them, and of which tenant; the label of a machine. */
#include "app_int.h"
#include "world.h"

static struct world *w;

static void raise_alert(const char *id, const char *text)
{
    struct str body = arena_printf(
        w->a,
        "{\"id\":\"raise-%s\",\"source\":\"/cmms/"
        "acme\",\"type\":\"cmms.alert.raised.v1\",\"data\":{"
        "\"alert\":{\"id\":\"%s\",\"asset\":{\"id\":\"P-01\",\"name\":\"Pump Station P-01\"},"
        "\"text\":\"%s\",\"value\":97.5,\"unit\":\"C\",\"threshold\":95,"
        "\"ladder\":[{\"to\":{\"users\":[\"nobody\"]},\"wait_s\":60}]}}}",
        id, id, text);
    struct reply_to r = ask_json(w, ACME_CMMS, "POST", "/api/v1/events", body.p);

    CHECK_INT("accepted", r.status, 202);
}

static struct reply_to wait_for(const char *path, size_t n)
{
    struct reply_to r = {0};

    for (int i = 0; i < 300; i++) {
        r = ask_json(w, ACME_VIEWER, "GET", path, NULL);
        if (items(&r) == n) {
            break;
        }
        world_run(w, 10);
    }
    CHECK_INT(path, items(&r), n);
    return r;
}

static void test_list(void)
{
    struct reply_to r;

    raise_alert("AL-1", "hot");
    wait_for("/api/v1/alerts", 1);
    raise_alert("AL-2", "cold");
    r = wait_for("/api/v1/alerts?state=unanswered", 2);
    CHECK_Z("last raised first", at(&r, "items.0.id"), "AL-2");
    CHECK_Z("its machine", at(&r, "items.1.asset.name"), "Pump Station P-01");
    r = ask_json(w, ACME_VIEWER, "GET", "/api/v1/alerts?limit=1", NULL);
    CHECK_INT("a page", items(&r), 1);
    r = ask_json(w, ACME_VIEWER, "GET",
                 arena_printf(w->a, "/api/v1/alerts?cursor=%.*s", STR_ARG(at(&r, "next_cursor"))).p,
                 NULL);
    CHECK_INT("the next", items(&r), 1);
    CHECK_Z("is the other", at(&r, "items.0.id"), "AL-1");
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/alerts?state=cleared", NULL);
    CHECK_INT("none is cleared", items(&r), 0);
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/alerts?state=lost", NULL);
    check_problem("a wrong state", &r, 400, "bad-request", "state");
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/alerts", NULL);
    CHECK_INT("nothing for another tenant", items(&r), 0);
}

static void test_one(void)
{
    struct reply_to r = ask_json(w, ACME_CMMS, "GET", "/api/v1/alerts/AL-1", NULL);

    CHECK_INT("there", r.status, 200);
    CHECK_Z("nobody was there to be told", at(&r, "state"), "unanswered");
    CHECK_Z("whom it tried", at(&r, "rungs.0.not_told.0.id"), "nobody");
    CHECK_Z("and why not", at(&r, "rungs.0.not_told.0.reason"), "not known");
    CHECK("since when", at(&r, "raised_at").n > 20);
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/alerts/AL-1", NULL);
    check_problem("not for another tenant", &r, 404, "not-found", NULL);
    r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/alerts/a%20b", NULL);
    check_problem("no id", &r, 404, "not-found", NULL);
}

static const struct {
    const char *label, *alert, *member;
} bad[] = {
    {"no id",         "{\"text\":\"x\"}",                                                           "data.alert.id"             },
    {"no text",       "{\"id\":\"A\"}",                                                             "data.alert.text"           },
    {"severity",      "{\"id\":\"A\",\"text\":\"x\",\"severity\":\"awful\"}",                       "data.alert.severity"       },
    {"value",         "{\"id\":\"A\",\"text\":\"x\",\"value\":\"hot\"}",                            "data.alert.value"          },
    {"audience",      "{\"id\":\"A\",\"text\":\"x\",\"audience\":{\"teams\":\"t\"}}",
     "data.alert.audience.teams"                                                                                                },
    {"nobody",        "{\"id\":\"A\",\"text\":\"x\",\"audience\":{}}",                              "data.alert.audience"       },
    {"no rungs",      "{\"id\":\"A\",\"text\":\"x\",\"ladder\":[]}",                                "data.alert.ladder"         },
    {"a rung's wait",
     "{\"id\":\"A\",\"text\":\"x\",\"ladder\":[{\"to\":{\"all\":true},\"wait_s\":0}]}",             "data.alert.ladder.0.wait_s"},
    {"a rung's role", "{\"id\":\"A\",\"text\":\"x\",\"ladder\":[{\"to\":{\"roles\":[\"boss\"]}}]}",
     "data.alert.ladder.0.to.roles"                                                                                             },
};

static void test_bad(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str body = arena_printf(w->a,
                                       "{\"id\":\"bad-%zu\",\"source\":\"/cmms/acme\",\"type\":"
                                       "\"cmms.alert.raised.v1\",\"data\":{\"alert\":%s}}",
                                       i, bad[i].alert);
        struct reply_to r = ask_json(w, ACME_CMMS, "POST", "/api/v1/events", body.p);

        check_problem(bad[i].label, &r, 422, NULL, bad[i].member);
    }
}

/* A label that opens WhatsApp with nobody in it would be found out when it sticks on the machine. */
static void test_label(void)
{
    static const char path[] = "/api/v1/assets/P-01/qr.svg";
    struct sender *s = &w->settings->tenants[0].senders[0];
    struct str number = s->number;
    struct reply_to r = ask_json(w, ACME_VIEWER, "GET", path, NULL);

    CHECK_INT("a label", r.status, 200);
    s->number = STR_NONE;
    r = ask_json(w, ACME_VIEWER, "GET", path, NULL);
    check_problem("no number is configured", &r, 422, "invalid", NULL);
    s->number = number;
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_list), TEST(test_one), TEST(test_bad),
                                        TEST(test_label)};
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
