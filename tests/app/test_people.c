/* People: create, read, change, list, delete; the import of JSON and CSV, with its slices. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "domain/media.h"
#include "import_rows.h"
#include "world.h"

static struct world *w;

static struct reply_to call(const char *method, const char *path, const char *body)
{
    return ask_json(w, ACME_CMMS, method, path, body);
}

static void test_create(void)
{
    struct reply_to r = call(
        "POST", "/api/v1/users",
        "{\"id\":\"u1\",\"name\":\"Ana\",\"phone\":\"+1 (202) "
        "555-0117\",\"roles\":[\"technician\",\"supervisor\"],"
        "\"teams\":[\"t1\"],\"site\":\"s1\",\"language\":\"es\",\"timezone\":\"Europe/Madrid\","
        "\"preferences\":{\"classes\":{\"training\":false},\"quiet_hours\":{\"from\":\"22:00\","
        "\"to\":\"06:00\"}}}");

    CHECK_INT("created", r.status, 201);
    CHECK_Z("its phone in one form", at(&r, "phone"), "+12025550117");
    CHECK_Z("roles", at(&r, "roles.1"), "supervisor");
    CHECK_Z("quiet hours", at(&r, "preferences.quiet_hours.from"), "22:00");
    CHECK("not verified", !json_as_bool(json_path(r.j, "verified"), true));
    CHECK("a class off", !json_as_bool(json_path(r.j, "preferences.classes.training"), true));
    r = ask_json(w, ACME_VIEWER, "GET", "/api/v1/users/u1", NULL);
    CHECK_Z("read back", at(&r, "name"), "Ana");
    r = call("POST", "/api/v1/users", "{\"id\":\"u1\",\"name\":\"Other\"}");
    check_problem("the id is taken", &r, 409, "conflict", "id");
    r = call("POST", "/api/v1/users", "{\"id\":\"u2\",\"phone\":\"+12025550117\"}");
    check_problem("the phone is taken", &r, 409, "conflict", "phone");
    r = call("POST", "/api/v1/users", "{\"name\":\"No id\"}");
    CHECK("an id is given", r.status == 201 && id_is(at(&r, "id")));
    r = ask_json(w, BETA_CMMS, "POST", "/api/v1/users",
                 "{\"id\":\"u1\",\"phone\":\"+12025550117\"}");
    CHECK_INT("another tenant has its own", r.status, 201);
}

static void test_welcome(void)
{
    struct reply_to r = call("GET", "/api/v1/messages?user=u1", NULL);

    CHECK_INT("one welcome for whom is new and not verified", items(&r), 1);
    r = call("PUT", "/api/v1/users/u1", "{\"site\":\"s2\"}");
    CHECK_INT("changed", r.status, 200);
    r = call("GET", "/api/v1/messages?user=u1", NULL);
    CHECK_INT("and no second one", items(&r), 1);
}

static void test_shapes(void)
{
    static const struct {
        const char *body, *member;
    } rows[] = {
        {"{\"id\":\"a|b\"}",                                                                       "id"       },
        {"{\"id\":\"a b\"}",                                                                       "id"       },
        {"{\"id\":\"~x\"}",                                                                        "id"       },
        {"{\"id\":\"a\\nb\"}",                                                                     "id"       },
        {"{\"id\":\"x\",\"phone\":\"12\"}",                                                        "phone"    },
        {"{\"id\":\"x\",\"roles\":[\"king\"]}",                                                    "roles"    },
        {"{\"id\":\"x\",\"teams\":\"t\"}",                                                         "teams"    },
        {"{\"id\":\"x\",\"language\":\"english!\"}",                                               "language" },
        {"{\"id\":\"x\",\"timezone\":\"Mars/Base\"}",                                              "timezone" },
        {"{\"id\":\"x\",\"verified\":\"yes\"}",                                                    "verified" },
        {"{\"id\":\"x\",\"opted_out\":[\"song\"]}",                                                "opted_out"},
        {"{\"id\":\"x\",\"preferences\":{\"quiet_hours\":{\"from\":\"25:00\",\"to\":\"06:00\"}}}",
         "preferences.quiet_hours"                                                                            },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = call("POST", "/api/v1/users", rows[i].body);

        check_problem(rows[i].body, &r, 422, "invalid", rows[i].member);
    }
}

static void test_change(void)
{
    struct reply_to r = call("PUT", "/api/v1/users/u1", "{\"verified\":true,\"name\":\"Ana B\"}");

    CHECK_INT("changed", r.status, 200);
    CHECK_Z("what is named", at(&r, "name"), "Ana B");
    CHECK_Z("and nothing else", at(&r, "teams.0"), "t1");
    r = call("PUT", "/api/v1/users/u1", "{\"phone\":\"+12025550118\"}");
    CHECK("another number is not proven yet", !json_as_bool(json_path(r.j, "verified"), true));
    r = call("POST", "/api/v1/users", "{\"id\":\"u3\",\"phone\":\"+12025550117\"}");
    CHECK_INT("the old number is free", r.status, 201);
    r = call("PUT", "/api/v1/users/u1", "{\"phone\":\"+12025550117\"}");
    check_problem("and taken again", &r, 409, "conflict", "phone");
    r = call("PUT", "/api/v1/users/u1", "{\"id\":\"other\"}");
    check_problem("ids stay", &r, 422, "invalid", "id");
    r = call("PUT", "/api/v1/users/nobody", "{\"name\":\"x\"}");
    check_problem("nobody", &r, 404, "not-found", NULL);
}

static void test_idempotency(void)
{
    struct ask q = {.who = ACME_CMMS,
                    .method = "POST",
                    .path = "/api/v1/users",
                    .body = STR("{\"id\":\"once\",\"name\":\"O\"}"),
                    .key = "k"};
    struct reply_to first = ask(w, &q), again = ask(w, &q), r;
    struct flight *a, *b;

    CHECK_INT("created", first.status, 201);
    CHECK_INT("again", again.status, 201);
    CHECK_STR("the first reply", again.body, first.body);
    q.key = "k2";
    r = ask(w, &q);
    check_problem("with another key it exists", &r, 409, "conflict", "id");
    q = (struct ask){.who = ACME_CMMS,
                     .method = "POST",
                     .path = "/api/v1/users",
                     .body = STR("{\"id\":\"race\"}"),
                     .key = "r"};
    a = ask_begin(w, &q);
    b = ask_begin(w, &q);
    first = ask_end(w, &a);
    again = ask_end(w, &b);
    CHECK_INT("two at once", first.status, 201);
    CHECK_STR("are one", again.body, first.body);
}

static void test_conflicts(void)
{
    struct flight *f[6];
    char body[64];

    for (size_t i = 0; i < ARRAY_LEN(f); i++) {
        snprintf(body, sizeof(body), "{\"name\":\"N%zu\"}", i);
        f[i] = ask_begin(w, &(struct ask){.who = ACME_CMMS,
                                          .method = "PUT",
                                          .path = "/api/v1/users/u1",
                                          .body = arena_dup(w->a, str_of(body))});
    }
    for (size_t i = 0; i < ARRAY_LEN(f); i++) {
        struct reply_to r = ask_end(w, &f[i]);

        CHECK_INT("changes at once are made one after the other", r.status, 200);
    }
}

static void test_one_phone_two_people(void)
{
    struct flight *f[4];
    size_t made = 0;

    for (size_t i = 0; i < ARRAY_LEN(f); i++) {
        f[i] = ask_begin(
            w, &(struct ask){
                   .who = ACME_CMMS,
                   .method = "POST",
                   .path = "/api/v1/users",
                   .body = arena_printf(w->a, "{\"id\":\"p%zu\",\"phone\":\"+12025550150\"}", i)});
    }
    for (size_t i = 0; i < ARRAY_LEN(f); i++) {
        struct reply_to r = ask_end(w, &f[i]);

        made += r.status == 201 ? 1 : 0;
        if (r.status != 201) {
            check_problem("the phone is taken", &r, 409, "conflict", "phone");
        }
    }
    CHECK_INT("at once: one gets it", made, 1);
}

static void test_list(void)
{
    char path[300] = "/api/v1/users?limit=2";
    struct reply_to r, all = call("GET", "/api/v1/users?limit=500", NULL);
    struct str last = STR("");
    size_t n = 0;

    for (int page = 0; page < 50; page++) {
        r = call("GET", path, NULL);
        for (size_t i = 0; i < items(&r); i++, n++) {
            struct str id = json_get_str(json_at(json_get(r.j, "items"), i), "id");

            CHECK("by id", str_cmp(id, last) > 0);
            last = id;
        }
        if (json_kind(json_get(r.j, "next_cursor")) == JSON_NULL) {
            break;
        }
        snprintf(path, sizeof(path), "/api/v1/users?limit=2&cursor=%.*s",
                 STR_ARG(at(&r, "next_cursor")));
    }
    CHECK_INT("all of them, once", n, items(&all));
    CHECK("some", n >= 5);
    r = call("GET", "/api/whatsapp/users?limit=500", NULL);
    CHECK_STR("the other path is the same list", r.body, all.body);
    r = call("GET", "/api/v1/users?team=t1", NULL);
    CHECK_INT("of a team", items(&r), 1);
    r = call("GET", "/api/v1/users?site=s2", NULL);
    CHECK_INT("of a site", items(&r), 1);
    r = call("GET", "/api/v1/users?site=s1", NULL);
    CHECK_INT("of which nobody is any more", items(&r), 0);
    r = call("GET", "/api/v1/users?team=t1&site=s1", NULL);
    CHECK_INT("both must hold", items(&r), 0);
    r = call("GET", "/api/v1/users?team=t1&site=s2", NULL);
    CHECK_INT("of the team at the site", items(&r), 1);
}

/* A file that he sent once, without a work order. */
static void put_file(const char *id, const char *person)
{
    const struct tenant *t = engine_tenant(engine_tenant_find(w->engine, STR("acme")));
    struct medium m = {
        .id = str_of(id), .person = str_of(person), .state = STR("kept"), .at = wall_now()};
    struct commit *c = commit_new(t->id);
    int done = 0;

    medium_check(&m, c);
    medium_put(t, w->a, &m, c);
    commit_run(engine_store(w->engine), &c, world_kept, &done);
    while (done == 0) {
        world_run(w, 2);
    }
}

static int64_t in_redis(const char *command)
{
    return strtol(redis_fixture_command(w->redis, command), NULL, 10);
}

static void test_delete(void)
{
    struct reply_to r;

    put_file("f1", "u1");
    put_file("f2", "u1");
    put_file("f3", "another");
    r = call("DELETE", "/api/v1/users/u1", NULL);
    CHECK_INT("deleted", r.status, 204);
    CHECK_INT("his files too", in_redis("EXISTS {acme}:me:f1 {acme}:me:f2 {acme}:mp:u1"), 0);
    CHECK_INT("only his", in_redis("ZCARD {acme}:mx:media"), 1);
    CHECK_INT("without a body", r.body.n, 0);
    r = call("GET", "/api/v1/users/u1", NULL);
    check_problem("gone", &r, 404, "not-found", NULL);
    r = call("GET", "/api/v1/users?team=t1", NULL);
    CHECK_INT("out of the team", items(&r), 0);
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/users/u1", NULL);
    CHECK_INT("the other tenant's stays", r.status, 200);
    r = call("POST", "/api/v1/users", "{\"id\":\"u1\",\"phone\":\"+12025550118\"}");
    CHECK_INT("id and phone are free", r.status, 201);
}

/* The same DELETE once more is about whom it deleted, not about who has that id since. */
static void test_delete_again(void)
{
    const struct ask q = {
        .who = ACME_CMMS, .method = "DELETE", .path = "/api/v1/users/again", .key = "del-1"};
    const char *body = "{\"id\":\"again\",\"name\":\"Ada\",\"phone\":\"+12025550171\"}";
    struct reply_to r = call("POST", "/api/v1/users", body);

    CHECK_INT("created", r.status, 201);
    r = ask(w, &q);
    CHECK_INT("deleted", r.status, 204);
    r = ask(w, &q);
    CHECK_INT("the same request, the same answer", r.status, 204);
    r = call("POST", "/api/v1/users", body);
    CHECK_INT("made anew", r.status, 201);
    r = ask(w, &q);
    CHECK_INT("the same request still", r.status, 204);
    r = call("GET", "/api/v1/users/again", NULL);
    CHECK_INT("it was about who was there before", r.status, 200);
    r = call("GET", "/api/v1/messages?user=again", NULL);
    CHECK_INT("nothing of the new one is gone", items(&r), 1);
    r = call("DELETE", "/api/v1/users/again", NULL);
    CHECK_INT("deleted", r.status, 204);
}

/* What is said to him while his files go is no more there than what was said before. */
static void test_delete_amid_messages(void)
{
    enum { FILES = 60 };
    struct ask gone = {.who = ACME_CMMS, .method = "DELETE", .path = "/api/v1/users/talked"};
    struct str ids[8];
    struct flight *f;
    struct reply_to r;
    size_t n = 0;

    call("POST", "/api/v1/users",
         "{\"id\":\"talked\",\"phone\":\"+12025550177\",\"verified\":true}");
    for (int i = 0; i < FILES; i++) {
        put_file(arena_printf(w->a, "talked-%d", i).p, "talked");
    }
    f = ask_begin(w, &gone);
    while (!flight_done(f) && n < ARRAY_LEN(ids)) {
        r = call("POST", "/api/v1/messages",
                 "{\"to\":{\"user\":\"talked\"},\"kind\":\"text\",\"text\":\"a secret\"}");
        if (r.status == 202) {
            ids[n++] = at(&r, "id");
        }
    }
    r = ask_end(w, &f);
    CHECK_INT("deleted", r.status, 204);
    CHECK("they were accepted meanwhile", n > 0);
    for (size_t i = 0; i < n; i++) {
        r = call("GET", arena_printf(w->a, "/api/v1/messages/%.*s", STR_ARG(ids[i])).p, NULL);
        CHECK_INT("none is left", r.status, 404);
    }
    CHECK_INT("nor its place", in_redis("EXISTS {acme}:mu:talked"), 0);
}

/* Cut short behind the person, it goes on where it was; by its own id, or by none. */
static void delete_cut_short(const char *key)
{
    const struct ask gone = {ACME_CMMS, "DELETE", "/api/v1/users/cut", .key = key};
    struct flight *f;
    struct reply_to r;
    struct str id;

    call("POST", "/api/v1/users", "{\"id\":\"cut\",\"phone\":\"+12025550178\",\"verified\":true}");
    for (int i = 0; i < 20; i++) {
        put_file(arena_printf(w->a, "cut-%d", i).p, "cut");
    }
    f = ask_begin(w, &gone);
    while (in_redis("ZCARD {acme}:mp:cut") == 20) {
        world_run(w, 1);
    }
    r = call("POST", "/api/v1/messages",
             "{\"to\":{\"user\":\"cut\"},\"kind\":\"text\",\"text\":\"a secret\"}");
    CHECK_INT("said meanwhile", r.status, 202);
    id = at(&r, "id");
    in_redis("RENAME {acme}:mu:cut {acme}:kept-mu");
    in_redis("SET {acme}:mu:cut broken");
    r = ask_end(w, &f);
    CHECK("Redis failed", r.status >= 500);
    CHECK_INT("behind the person", in_redis("EXISTS {acme}:u:cut"), 0);
    in_redis("RENAME {acme}:kept-mu {acme}:mu:cut");
    r = ask(w, &gone);
    CHECK_INT("asked again", r.status, 204);
    r = call("GET", arena_printf(w->a, "/api/v1/messages/%.*s", STR_ARG(id)).p, NULL);
    CHECK_INT("it is gone", r.status, 404);
    CHECK_INT("nothing is left to do", in_redis("EXISTS {acme}:ud"), 0);
    r = ask(w, &gone);
    CHECK_INT("once more", r.status, key != NULL ? 204 : 404);
}

static void test_delete_cut_short(void)
{
    delete_cut_short(NULL);
    delete_cut_short("del-cut");
}

/* ---- import ---- */

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
        TEST(test_create),
        TEST(test_welcome),
        TEST(test_shapes),
        TEST(test_change),
        TEST(test_idempotency),
        TEST(test_conflicts),
        TEST(test_one_phone_two_people),
        TEST(test_list),
        TEST(test_delete),
        TEST(test_delete_again),
        TEST(test_delete_amid_messages),
        TEST(test_delete_cut_short),
        TEST(test_import_json),
        TEST(test_import_twice_the_same),
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
