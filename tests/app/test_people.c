/* People: create, read, change, list, delete. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "domain/media.h"
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
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
