/* /api/v1/templates: what there is and how it stands, by tenant; made, registered, deleted. */
#include "app_int.h"
#include "base/mem.h"
#include "jobs/templates.h"
#include "world.h"

#define NAME "pump_report"
#define MINE                                                                       \
    "{\"name\":\"" NAME                                                            \
    "\",\"language\":\"en_US\",\"category\":\"utility\",\"body\":\"Pump {{1}} is " \
    "on again.\",\"examples\":[\"7\"],\"buttons\":[\"Thanks\"]}"

static struct world *w;

static struct reply_to admin(const char *method, const char *path, const char *body)
{
    return ask_json(w, ACME_ADMIN, method, path, body);
}

static struct str status_of(const struct reply_to *r)
{
    return at(r, "languages.0.approvals.0.status");
}

static void test_list(void)
{
    struct reply_to r = ask_json(w, ACME_VIEWER, "GET", "/api/v1/templates?limit=500", NULL);
    size_t all = items(&r), seen = 0;

    CHECK_INT("list", r.status, 200);
    CHECK("the gateway's own", all >= 19);
    CHECK_Z("by name", at(&r, "items.0.name"), "crewline_alert");
    CHECK("built in", json_get_bool(json_path(r.j, "items.0"), "built_in", false));
    CHECK_Z("with its words", at(&r, "items.0.languages.0.language"), "ar");
    CHECK("with its words", at(&r, "items.0.languages.0.body").n > 0);
    CHECK_Z("and how it stands", at(&r, "items.0.languages.0.approvals.0.provider"), "meta");
    CHECK_Z("where", at(&r, "items.0.languages.0.approvals.0.account"), "10229012934039");
    CHECK_Z("not registered", at(&r, "items.0.languages.0.approvals.0.status"), "unregistered");
    r = ask_json(w, ACME_CMMS, "GET", "/api/v1/templates?limit=7", NULL);
    for (seen = items(&r); at(&r, "next_cursor").n > 0; seen += items(&r)) {
        r = ask_json(w, ACME_CMMS, "GET",
                     arena_printf(w->a, "/api/v1/templates?limit=7&cursor=%.*s",
                                  STR_ARG(at(&r, "next_cursor")))
                         .p,
                     NULL);
    }
    CHECK_INT("page by page", seen, all);
}

static void test_one(void)
{
    struct reply_to r = admin("GET", "/api/v1/templates/crewline_test", NULL);

    CHECK_INT("one", r.status, 200);
    CHECK_Z("name", at(&r, "name"), "crewline_test");
    CHECK_Z("category", at(&r, "category"), "UTILITY");
    r = admin("GET", "/api/v1/templates/none", NULL);
    check_problem("none", &r, 404, "not-found", NULL);
    r = admin("DELETE", "/api/v1/templates/none", NULL);
    check_problem("none to delete", &r, 404, "not-found", NULL);
}

static void test_shapes(void)
{
    static const struct {
        const char *body, *member;
    } rows[] = {
        {"{}",                                                                       "name"    },
        {"{\"name\":\"Big\",\"language\":\"en\",\"category\":\"UTILITY\"}",          "name"    },
        {"{\"name\":\"x\",\"language\":\"e n\",\"category\":\"UTILITY\"}",           "language"},
        {"{\"name\":\"x\",\"language\":\"en\",\"category\":\"FUN\",\"body\":\"b\"}", "category"},
        {"{\"name\":\"x\",\"language\":\"en\",\"category\":\"UTILITY\"}",            "body"    },
        {"{\"name\":\"x\",\"language\":\"en\",\"category\":\"UTILITY\",\"body\":\"{{1}} is "
         "first\",\"examples\":[\"a\"]}",                                   "body"    },
        {"{\"name\":\"x\",\"language\":\"en\",\"category\":\"UTILITY\",\"body\":\"no {{1}} "
         "example\"}",                                                      "examples"},
    };
    struct reply_to r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = admin("POST", "/api/v1/templates", rows[i].body);
        check_problem(rows[i].body, &r, 422, "invalid", rows[i].member);
    }
    r = admin("POST", "/api/v1/templates",
              "{\"name\":\"crewline_test\",\"language\":\"en\",\"category\":\"UTILITY\",\"body\":"
              "\"mine\",\"examples\":[]}");
    check_problem("the gateway's own", &r, 409, "conflict", NULL);
}

static struct reply_to wait_for(const char *status)
{
    struct reply_to r = admin("GET", "/api/v1/templates/" NAME, NULL);

    for (int i = 0; i < 1200 && !str_eqz(status_of(&r), status); i++) {
        world_run(w, 10);
        r = admin("GET", "/api/v1/templates/" NAME, NULL);
    }
    CHECK_Z("stands", status_of(&r), status);
    return r;
}

static void test_life(void)
{
    struct ask twice = {.who = ACME_ADMIN,
                        .method = "POST",
                        .path = "/api/v1/templates",
                        .body = STR(MINE),
                        .key = "t1"};
    struct reply_to r = ask(w, &twice);

    CHECK_INT("made", r.status, 201);
    CHECK_Z("its name", at(&r, "name"), NAME);
    CHECK("not built in", !json_get_bool(r.j, "built_in", true));
    CHECK_Z("its words", at(&r, "languages.0.body"), "Pump {{1}} is on again.");
    r = ask(w, &twice);
    CHECK_INT("the same answer again", r.status, 201);
    r = wait_for("pending");
    CHECK_Z("its id", at(&r, "languages.0.approvals.0.id"), "555");
    CHECK("registered", w->templates >= 1);
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/templates/" NAME, NULL);
    check_problem("not another tenant's", &r, 404, "not-found", NULL);
    r = admin("POST", "/api/v1/templates/sync", NULL);
    CHECK_INT("sync", r.status, 202);
    CHECK_Z("begun", at(&r, "state"), "started");
    CHECK_Z("where", at(&r, "accounts.0.provider"), "meta");
    r = ask_json(w, BETA_ADMIN, "POST", "/api/v1/templates/sync", NULL);
    check_problem("nowhere to register", &r, 422, "invalid", NULL);
    r = admin("DELETE", "/api/v1/templates/" NAME, NULL);
    CHECK_INT("deleted", r.status, 204);
    for (int i = 0; i < 1200 && r.status != 404; i++) {
        world_run(w, 10);
        r = admin("GET", "/api/v1/templates/" NAME, NULL);
    }
    CHECK_INT("gone", r.status, 404);
    CHECK_INT("at the provider too", w->templates_deleted, 1);
    r = admin("GET", "/api/v1/audit?limit=5", NULL);
    CHECK_Z("in the trail", at(&r, "items.0.what"), "template.delete");
}

/* What is made is there: one that the list has no room for is refused, not dropped from it. */
static void test_full(void)
{
    struct reply_to r;
    int there = 0;

    for (int i = 0; i < TEMPLATES_MADE_MAX; i++) {
        redis_fixture_command(
            w->redis, arena_printf(w->a,
                                   "HSET {acme}:td full_%03d|en "
                                   "{\"category\":\"UTILITY\",\"body\":\"On_again.\"}",
                                   i)
                          .p);
    }
    r = admin("POST", "/api/v1/templates",
              "{\"name\":\"full_000\",\"language\":\"en\",\"category\":\"UTILITY\",\"body\":"
              "\"Other words.\"}");
    CHECK_INT("one of them in other words", r.status, 201);
    r = admin("POST", "/api/v1/templates",
              "{\"name\":\"full_more\",\"language\":\"en\",\"category\":\"UTILITY\",\"body\":"
              "\"One more.\"}");
    check_problem("one more", &r, 409, "conflict", NULL);
    for (int i = 0; i < TEMPLATES_MADE_MAX; i += 25) {
        r = admin("GET", arena_printf(w->a, "/api/v1/templates/full_%03d", i).p, NULL);
        there += r.status == 200;
    }
    CHECK_INT("all are there", there, TEMPLATES_MADE_MAX / 25);
    redis_fixture_command(w->redis, "DEL {acme}:td");
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {TEST(test_list), TEST(test_one), TEST(test_shapes),
                                        TEST(test_life), TEST(test_full)};
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
