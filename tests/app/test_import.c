/* The import of people: JSON and CSV, with its slices. */
#include "base/text.h"
#include "import_rows.h"
#include "world.h"

static struct world *w;

static struct reply_to call(const char *method, const char *path, const char *body)
{
    return ask_json(w, ACME_CMMS, method, path, body);
}

static struct reply_to import(struct str body, const char *type)
{
    return ask(w, &(struct ask){.who = ACME_ADMIN,
                                .method = "POST",
                                .path = "/api/v1/users/import",
                                .body = body,
                                .type = type});
}

static void test_import_json(void)
{
    struct reply_to r = import(
        STR("[{\"id\":\"i1\",\"name\":\"One\",\"phone\":\"+12025550201\"},"
            "{\"id\":\"i2\",\"phone\":\"nonsense\"}, 7 ,\n{\"id\":\"i1\",\"name\":\"One again\"},"
            "{\"name\":\"Two\",\"phone\":\"+12025550202\"},{\"id\":\"i3\",\"phone\":\"+"
            "12025550201\"},"
            "{\"id\":\"i4\",\"a\":1,\"a\":2},{\"id\":\"a|b\"},{\"phone\":\"+12025550202\",\"site\":"
            "\"s9\"}]"),
        "application/json");
    struct json *failed = json_get(r.j, "failed");

    CHECK_INT("import", r.status, 200);
    CHECK_INT("created", at_int(&r, "created"), 2);
    CHECK_INT("updated, in the file itself too", at_int(&r, "updated"), 2);
    CHECK_INT("failed", json_len(failed), 5);
    CHECK_INT("row", json_get_int(json_at(failed, 0), "row", 0), 2);
    for (size_t i = 0; i < json_len(failed); i++) {
        CHECK("with a reason", json_get_str(json_at(failed, i), "error").n > 5);
    }
    r = call("GET", "/api/v1/users/i1", NULL);
    CHECK_Z("in the order of the file", at(&r, "name"), "One again");
    CHECK_Z("what is left out stays", at(&r, "phone"), "+12025550201");
    r = call("GET", "/api/v1/users?site=s9", NULL);
    CHECK_Z("found by the phone", at(&r, "items.0.name"), "Two");
}

/* Once by his id, once by his number alone: found out only when both are on their way. */
static void test_import_twice_the_same(void)
{
    struct reply_to r = call("POST", "/api/v1/users", "{\"id\":\"same\",\"phone\":\"+12025550211\"}");

    CHECK_INT("there is one", r.status, 201);
    r = import(STR("[{\"id\":\"same\",\"name\":\"First\",\"site\":\"s7\"},"
                   "{\"phone\":\"+12025550211\",\"name\":\"Second\"}]"),
               "application/json");
    CHECK_INT("both are of him", at_int(&r, "updated"), 2);
    CHECK_INT("none failed", json_len(json_get(r.j, "failed")), 0);
    r = call("GET", "/api/v1/users/same", NULL);
    CHECK_Z("what one said", at(&r, "site"), "s7");
    CHECK_Z("in the order of the file", at(&r, "name"), "Second");
    r = import(STR("[{\"id\":\"first\",\"phone\":\"+12025550212\"},"
                   "{\"phone\":\"+12025550212\",\"name\":\"Second\"}]"),
               "application/json");
    CHECK_INT("made", at_int(&r, "created"), 1);
    CHECK_INT("and found by its number", at_int(&r, "updated"), 1);
}

/* A number that goes from one to another, in one file. */
static void test_import_handed_over(void)
{
    struct reply_to r = import(STR("[{\"id\":\"h1\",\"phone\":\"+12025550221\"},"
                                   "{\"id\":\"h3\",\"phone\":\"+12025550223\"}]"),
                               NULL);

    CHECK_INT("there are two", at_int(&r, "created"), 2);
    r = import(STR("[{\"id\":\"h1\",\"phone\":\"+12025550222\"},{\"id\":\"h2\",\"phone\":"
                   "\"+12025550221\"},{\"id\":\"h3\",\"phone\":\"+12025550224\"},"
                   "{\"phone\":\"+12025550223\",\"site\":\"s8\"},{\"id\":\"h2\",\"name\":\"Two\"}]"),
               NULL);
    CHECK_INT("made", at_int(&r, "created"), 2);
    CHECK_INT("changed", at_int(&r, "updated"), 3);
    CHECK_INT("none failed", json_len(json_get(r.j, "failed")), 0);
    r = call("GET", "/api/v1/users/h2", NULL);
    CHECK_Z("his now", at(&r, "phone"), "+12025550221");
    r = call("GET", "/api/v1/users/h3", NULL);
    CHECK_Z("not back again", at(&r, "phone"), "+12025550224");
    r = call("GET", "/api/v1/users?site=s8", NULL);
    CHECK_Z("somebody else's", at(&r, "items.0.phone"), "+12025550223");
}

static void test_import_csv(void)
{
    struct reply_to r = import(STR("\xEF\xBB\xBFid,name,phone,roles,teams,verified,quiet_hours,"
                                   "preferences.classes.parts,site\r\n"
                                   "c1,\"Lee, \"\"Bo\"\"\",+12025550301,technician;supervisor,\"a, "
                                   "b\",yes,22:00-06:00,false,p1\r\n"
                                   "c2,Zoë,'+12025550302,stakeholder,,no,,,p1\r\n"
                                   "\r\n"
                                   "c3,Bad,+12025550303,king,,,,,\r\n"
                                   "c4,Bad,+12025550304,,,perhaps,,,\r\n"
                                   "c5,Bad,+12025550305,,,,,,,,too many\r\n"
                                   "c1,,,,,,,,p2"),
                               "text/csv");

    CHECK_INT("import", r.status, 200);
    CHECK_INT("created", at_int(&r, "created"), 2);
    CHECK_INT("updated", at_int(&r, "updated"), 1);
    CHECK_INT("failed", json_len(json_get(r.j, "failed")), 3);
    CHECK_INT("empty lines do not count", json_as_int(json_path(r.j, "failed.0.row"), 0), 3);
    r = call("GET", "/api/v1/users/c1", NULL);
    CHECK_Z("quotes", at(&r, "name"), "Lee, \"Bo\"");
    CHECK_Z("lists", at(&r, "teams.1"), "b");
    CHECK_Z("roles", at(&r, "roles.1"), "supervisor");
    CHECK_Z("quiet hours", at(&r, "preferences.quiet_hours.to"), "06:00");
    CHECK("classes", !json_as_bool(json_path(r.j, "preferences.classes.parts"), true));
    CHECK_Z("an empty cell says nothing", at(&r, "site"), "p2");
    r = call("GET", "/api/v1/users/c2", NULL);
    CHECK_Z("a neutralised number", at(&r, "phone"), "+12025550302");
    r = import(STR("id;name\nd1;Semi\n"), "text/csv; charset=utf-8");
    CHECK_INT("semicolons", at_int(&r, "created"), 1);
    r = import(STR("id,subscriptions,subscriptions.assets,subscriptions.sites\n"
                   "f1,,A-01|A-02,hall\n"
                   "f2,\"{\"\"sites\"\":[\"\"yard\"\"]}\",,\n"
                   "f3,7,,hall\n"),
               "text/csv");
    CHECK_INT("follows", at_int(&r, "created"), 2);
    CHECK_INT("that is no object", json_as_int(json_path(r.j, "failed.0.row"), 0), 3);
    r = call("GET", "/api/v1/users/f1", NULL);
    CHECK_Z("machines", at(&r, "subscriptions.assets.1"), "A-02");
    CHECK_Z("sites", at(&r, "subscriptions.sites.0"), "hall");
    r = call("GET", "/api/v1/users/f2", NULL);
    CHECK_Z("as JSON", at(&r, "subscriptions.sites.0"), "yard");
}

static void test_import_refused(void)
{
    struct reply_to r = import(STR("[{\"id\":\"z1\"},{\"id\":\"z2\"]"), "application/json");

    check_problem("a broken file", &r, 400, "bad-json", NULL);
    r = call("GET", "/api/v1/users/z1", NULL);
    check_problem("changes nothing", &r, 404, "not-found", NULL);
    r = import(STR("{\"id\":\"z1\"}"), "application/json");
    check_problem("no list", &r, 400, "bad-json", NULL);
    r = import(STR("[{},]"), "application/json");
    check_problem("a comma too many", &r, 400, "bad-json", NULL);
    r = import(STR("[{\"id\":\"z1\"}"), "application/json");
    check_problem("not closed", &r, 400, "bad-json", NULL);
    r = import(STR("  "), "application/json");
    check_problem("empty", &r, 400, "bad-request", NULL);
    r = import(STR("id,shoe size\n1,44\n"), "text/csv");
    check_problem("an unknown column", &r, 422, "invalid", NULL);
    CHECK("is named", str_find(at(&r, "detail"), STR("shoe size")) != SIZE_MAX);
    r = import(STR("id,preferences.classes.pa\x95ts\n1,no\n"), "text/csv");
    check_problem("bytes that are no text in a column's name", &r, 422, "invalid", NULL);
    r = import(STR("<xml/>"), "application/xml");
    check_problem("another type", &r, 415, "unsupported-media-type", NULL);
    r = import(STR("[]"), NULL);
    CHECK_INT("an empty list", r.status, 200);
    r = ask(w, &(struct ask){.who = ACME_VIEWER,
                             .method = "POST",
                             .path = "/api/v1/users/import",
                             .body = STR("[]")});
    check_problem("a viewer", &r, 403, "forbidden", NULL);
}

static void test_import_again(void)
{
    struct ask q = {.who = ACME_ADMIN,
                    .method = "POST",
                    .path = "/api/v1/users/import",
                    .key = "import",
                    .body = STR("[{\"id\":\"again\",\"name\":\"A\"}]")};
    struct reply_to first = ask(w, &q), again = ask(w, &q), r;

    CHECK_INT("created", at_int(&first, "created"), 1);
    CHECK_STR("the first reply again", again.body, first.body);
    q.body = STR("[{\"id\":\"again\",\"name\":\"B\"}]");
    r = ask(w, &q);
    check_problem("another file", &r, 409, "idempotency-key-reused", NULL);
}

/* One row more than an import takes: told as the last failure, and answered. */
static void test_import_too_many(void)
{
    struct reply_to r;
    struct flight *f;
    struct buf body;

    buf_init(&body, (size_t)16 << 20);
    buf_addz(&body, "verified\n");
    for (int i = 0; i < IMPORT_ROWS_MAX + 5; i++) {
        buf_addz(&body, "perhaps\n"); /* refused without a look at the store */
    }
    f = ask_begin(w, &(struct ask){.who = ACME_ADMIN,
                                   .method = "POST",
                                   .path = "/api/v1/users/import",
                                   .body = buf_str(&body),
                                   .type = "text/csv"});
    for (int i = 0; i < 2000 && !flight_done(f); i++) {
        world_run(w, 10);
    }
    CHECK("answered", flight_done(f));
    if (flight_done(f)) {
        r = ask_end(w, &f);
        CHECK_INT("import", r.status, 200);
        CHECK_INT("the rest is one failure", at_int(&r, "failed_total"), IMPORT_ROWS_MAX + 1);
    } else {
        ask_drop(&f);
    }
    buf_fini(&body);
}

#define MANY 5000

static void test_import_large(void)
{
    struct loop_stats stats;
    struct reply_to r;
    struct flight *f;
    struct buf body;

    buf_init(&body, (size_t)16 << 20);
    buf_addz(&body, "id,name,phone,teams\n");
    for (int i = 0; i < MANY; i++) {
        buf_addf(&body, "large%05d,Person number %d with a long name,+3460010%04d,\"night;day\"\n",
                 i, i, i % 10000);
    }
    loop_stats(w->loop, &stats, true);
    f = ask_begin(w, &(struct ask){.who = ACME_ADMIN,
                                   .method = "POST",
                                   .path = "/api/v1/users/import",
                                   .body = buf_str(&body),
                                   .type = "text/csv"});
    r = ask_end(w, &f);
    loop_stats(w->loop, &stats, true);
    CHECK_INT("all created", at_int(&r, "created"), MANY);
    printf("import of %d people: %lld ms, longest turn %lld us\n", MANY, (long long)r.ms,
           (long long)stats.longest_us);
    r = call("GET", "/api/v1/users?team=night&limit=500", NULL);
    CHECK_INT("a full page", items(&r), 500);
    f = ask_begin(w, &(struct ask){.who = ACME_ADMIN,
                                   .method = "POST",
                                   .path = "/api/v1/users/import",
                                   .body = buf_str(&body),
                                   .type = "text/csv"});
    world_run(w, 100);
    ask_drop(
        &f); /* hangs up in the middle: what was kept stays, nothing leaks (the sanitizer looks) */
    world_run(w, 100);
    buf_fini(&body);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_import_json),
        TEST(test_import_twice_the_same),
        TEST(test_import_handed_over),
        TEST(test_import_csv),
        TEST(test_import_refused),
        TEST(test_import_again),
        TEST(test_import_too_many),
        TEST(test_import_large),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
