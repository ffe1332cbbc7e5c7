/* Routes: every route for every role, methods, unknown paths, the documents made from the table. */
#include "app_int.h"
#include "base/mem.h"
#include "domain/media.h"
#include "world.h"

static struct world *w;

static const enum who acme[] = {ACME_ADMIN, ACME_CMMS, ACME_VIEWER};
static const unsigned roles[] = {KEY_ADMIN, KEY_CMMS, KEY_VIEWER};

/* A path that can be called: its arguments name nothing that exists. */
static const char *path_of(const struct route *route, char out[200])
{
    struct str rest = str_of(route->path), head, name;
    size_t n = 0;

    while (str_cut(rest, '{', &head, &rest)) {
        n += (size_t)snprintf(out + n, 200 - n, "%.*snone", STR_ARG(head));
        str_cut(rest, '}', &name, &rest);
    }
    snprintf(out + n, 200 - n, "%.*s", STR_ARG(head));
    return out;
}

static bool guarded(const struct route *route)
{
    return (route->flags & (ROUTE_WEBHOOK | ROUTE_PUBLIC | ROUTE_LOOPBACK)) == 0;
}

static void test_every_route_and_role(void)
{
    char label[200], path[200];

    for (size_t i = 0; i < nroutes; i++) {
        const struct route *route = &routes[i];

        if (!guarded(route)) {
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(acme); k++) {
            struct ask q = {.who = acme[k], .method = route->method, .path = path_of(route, path)};
            struct reply_to r = ask(w, &q);
            bool may = (route->roles & roles[k]) != 0;

            snprintf(label, sizeof(label), "%s %s as %s", route->method, route->path,
                     api_key_role_name(roles[k]));
            if (!may) {
                check_problem(label, &r, 403, "forbidden", NULL);
            } else {
                CHECK(label, r.status != 401 && r.status != 403 && r.status != 405 &&
                                 r.status > 0 && r.status < 500);
            }
        }
    }
}

static void test_without_a_key(void)
{
    static const char *const wrong[] = {
        "nonsense", "cw_acme_x",
        "cw_acme_01ARZ3NDEKTSV4RRFFQ69G5FAV_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "cw_gamma_01ARZ3NDEKTSV4RRFFQ69G5FAV_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    char label[200], path[200];

    for (size_t i = 0; i < nroutes; i++) {
        struct reply_to r;

        if (!guarded(&routes[i])) {
            continue;
        }
        snprintf(label, sizeof(label), "%s %s without a key", routes[i].method, routes[i].path);
        r = ask_json(w, NOBODY, routes[i].method, path_of(&routes[i], path), NULL);
        check_problem(label, &r, 401, "unauthorized", NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct ask q = {.bearer = wrong[i], .method = "GET", .path = "/api/v1/users"};
        struct reply_to r = ask(w, &q);

        check_problem(wrong[i], &r, 401, "unauthorized", NULL);
    }
}

/* Whoever a proxy on this machine speaks for is not on this machine. */
static void test_metrics_through_a_proxy(void)
{
    static const char *const fields[][2] = {
        {"X-Forwarded-For", "203.0.113.5"    },
        {"Forwarded",       "for=203.0.113.5"},
    };
    struct reply_to r = ask_json(w, NOBODY, "GET", "/metrics", NULL);

    CHECK_INT("from here", r.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct ask q = {
            .method = "GET", .path = "/metrics", .extra = {fields[i][0], fields[i][1]}};

        r = ask(w, &q);
        check_problem(fields[i][0], &r, 401, "unauthorized", NULL);
        q.who = ACME_VIEWER;
        r = ask(w, &q);
        CHECK_INT("with a key", r.status, 200);
    }
}

static void test_bootstrap(void)
{
    struct ask q = {
        .bearer = "bootstrap-key-of-the-tests", .method = "GET", .path = "/api/v1/keys"};
    struct reply_to r = ask(w, &q);

    CHECK_INT("the bootstrap key is an admin of the first tenant", r.status, 200);
    CHECK_INT("of acme", items(&r), 3);
}

static void test_methods(void)
{
    static const struct {
        const char *method, *path, *allow;
    } rows[] = {
        {"DELETE",  "/api/v1/users",        "GET, HEAD, POST"       },
        {"POST",    "/api/v1/users/u1",     "GET, HEAD, PUT, DELETE"},
        {"PUT",     "/api/v1/events",       "POST"                  },
        {"DELETE",  "/whatsapp/webhook",    "POST, GET, HEAD"       },
        {"PATCH",   "/api/v1/messages",     "POST, GET, HEAD"       },
        {"OPTIONS", "/api/v1/work_orders",  "GET, HEAD"             },
        {"POST",    "/healthz",             "GET, HEAD"             },
        {"GET",     "/api/v1/users/import", NULL                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = ask_json(w, ACME_ADMIN, rows[i].method, rows[i].path, NULL);

        if (rows[i].allow == NULL) {
            check_problem(rows[i].path, &r, 404, "not-found", NULL); /* a person called import */
            continue;
        }
        check_problem(rows[i].path, &r, 405, "method-not-allowed", NULL);
        CHECK_Z(rows[i].path, r.allow, rows[i].allow);
    }
}

static void test_unknown(void)
{
    static const char *const paths[] = {"/",
                                        "/api",
                                        "/api/v1/",
                                        "/api/v1/users/",
                                        "/api/v1/nothing",
                                        "/api/v1/users/u1/more",
                                        "//healthz",
                                        "/api/v1/users/%20",
                                        "/healthz/"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct reply_to r = ask_json(w, ACME_ADMIN, "GET", paths[i], NULL);

        check_problem(paths[i], &r, 404, "not-found", NULL);
    }
}

static void test_arguments(void)
{
    struct str args[3] = {{0}};
    struct buf allow;
    const struct route *route;

    buf_init(&allow, 200);
    route = route_find(w->a, STR("GET"), STR("/api/v1/work_orders/12%2F34/timeline"), args, &allow);
    CHECK("an escaped slash stays inside its part",
          route != NULL && route->run == api_order_timeline);
    CHECK_Z("and is decoded", args[0], "12/34");
    route = route_find(w->a, STR("HEAD"), STR("/api/v1/users/a%20b"), args, &allow);
    CHECK("HEAD finds what GET finds", route != NULL && route->run == api_user_get);
    CHECK_Z("decoded", args[0], "a b");
    CHECK("a broken escape is no argument",
          route_find(w->a, STR("GET"), STR("/api/v1/users/%zz"), args, &allow) == NULL);
    CHECK("an empty one neither",
          route_find(w->a, STR("GET"), STR("/api/v1/users/"), args, &allow) == NULL);
    buf_fini(&allow);
}

static void test_queries(void)
{
    static const struct {
        const char *path, *member;
    } rows[] = {
        {"/api/v1/users?limit=0",           "limit"    },
        {"/api/v1/users?limit=501",         "limit"    },
        {"/api/v1/users?limit=x",           "limit"    },
        {"/api/v1/users?cursor=%25",        "cursor"   },
        {"/api/v1/messages?from=yesterday", "from"     },
        {"/api/v1/messages?to=2026-13-01",  "to"       },
        {"/api/v1/messages?state=lost",     "state"    },
        {"/api/v1/messages?kind=song",      "kind"     },
        {"/api/v1/messages?direction=up",   "direction"},
        {"/api/v1/outbox?after=x",          "after"    },
        {"/api/v1/outbox?after=-1",         "after"    },
        {"/api/v1/outbox?wait=soon",        "wait"     },
        {"/api/v1/work_orders?status=lost", "status"   },
        {"/api/v1/work_orders?overdue=yes", "overdue"  },
        {"/api/v1/audit?cursor=eA",         "cursor"   },
        {"/api/v1/callbacks?cursor=eA",     NULL       },
        {"/api/v1/work_orders?cursor=eA",   "cursor"   },
        {"/api/v1/work_orders?cursor=eHx5", "cursor"   }, /* "x|y" */
        {"/api/v1/dead_letters?cursor=eA",  "cursor"   },
        {"/api/v1/alerts?cursor=eA",        "cursor"   },
        {"/api/v1/users?limit=%zz",         NULL       },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = ask_json(w, ACME_ADMIN, "GET", rows[i].path, NULL);

        check_problem(rows[i].path, &r, 400, "bad-request", rows[i].member);
    }
}

/* Two that are being tried and two that wait for their time, in pages: none is larger than was asked for. */
static void test_callback_pages(void)
{
    static const char *const lanes[] = {"a", "b", "c", "d"};
    struct reply_to r;

    for (int i = 0; i < 4; i++) {
        redis_fixture_command(w->redis, arena_printf(w->a, "ZADD {beta}:%s 999999999999%d %s",
                                                     i < 2 ? "f:cb" : "r:cb:3", i, lanes[i]).p);
        redis_fixture_command(w->redis, arena_printf(w->a, "RPUSH {beta}:l:cb:%s %d", lanes[i], i + 1).p);
        redis_fixture_command(w->redis, arena_printf(w->a, "HSET {beta}:cb:%d n 1", i + 1).p);
    }
    for (int limit = 1; limit <= 5; limit++) {
        const char *path = arena_printf(w->a, "/api/v1/callbacks?limit=%d", limit).p;
        struct str cursor = STR_NONE;
        size_t seen = 0;

        do {
            r = ask_json(w, BETA_ADMIN, "GET",
                         cursor.n > 0 ? arena_printf(w->a, "%s&cursor=%.*s", path, STR_ARG(cursor)).p : path, NULL);
            CHECK(path, json_len(json_get(r.j, "items")) <= (size_t)limit);
            for (size_t i = 0; i < json_len(json_get(r.j, "items")); i++) {
                const struct json *one = json_at(json_get(r.j, "items"), i);

                CHECK_INT("in their order", json_get_int(one, "tries", 0), 1);
                CHECK("each once", str_eqz(json_get_str(one, "id"), arena_printf(w->a, "%zu", ++seen).p));
            }
            cursor = json_get_str(r.j, "next_cursor");
        } while (cursor.n > 0 && seen < 9);
        CHECK_INT("all of them", seen, 4);
    }
    redis_fixture_command(w->redis, "DEL {beta}:f:cb {beta}:r:cb:3 {beta}:l:cb:a {beta}:l:cb:b {beta}:l:cb:c");
    redis_fixture_command(w->redis, "DEL {beta}:l:cb:d {beta}:cb:1 {beta}:cb:2 {beta}:cb:3 {beta}:cb:4");
}

static void test_bodies(void)
{
    static const struct {
        const char *method, *path;
    } rows[] = {
        {"POST", "/api/v1/events"         },
        {"POST", "/api/v1/messages"       },
        {"POST", "/api/v1/users"          },
        {"PUT",  "/api/v1/users/u1"       },
        {"POST", "/api/v1/keys"           },
        {"POST", "/api/whatsapp/send-test"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ask q = {.who = ACME_ADMIN,
                        .method = rows[i].method,
                        .path = rows[i].path,
                        .body = STR("{\"a\":")};
        struct reply_to r = ask(w, &q);

        check_problem(rows[i].path, &r, 400, "bad-json", NULL);
        q.body = STR("{\"a\":1,\"a\":2}");
        r = ask(w, &q);
        check_problem(rows[i].path, &r, 400, "bad-json", NULL);
        q.body = STR("7");
        r = ask(w, &q);
        check_problem(rows[i].path, &r, 400, "bad-request", NULL);
        q.body = STR("a=b");
        q.type = "application/x-www-form-urlencoded";
        r = ask(w, &q);
        check_problem(rows[i].path, &r, 415, "unsupported-media-type", NULL);
    }
}

static void test_too_long(void)
{
    char *big = mem_array((size_t)1200, 1024);
    struct ask q = {.who = ACME_ADMIN,
                    .method = "POST",
                    .path = "/api/v1/messages",
                    .body = str_make(big, (size_t)1200 << 10)};
    struct reply_to r;

    memset(big, 'x', (size_t)1200 << 10);
    r = ask(w, &q);
    check_problem("over a megabyte", &r, 413, "too-long", NULL);
    mem_free(&big);
}

/* What the server refuses before it is a request has the same headers. */
static void test_refused_early(void)
{
    char *big = mem_array(20, 1024);
    struct reply_to r;

    memset(big, 'x', (size_t)20 * 1024 - 1);
    r = ask(
        w,
        &(struct ask){
            .who = ACME_ADMIN, .method = "GET", .path = "/api/v1/users", .extra = {"X-Big", big}
    });
    check_problem("a header that is too long", &r, 431, "headers-too-long", NULL);
    CHECK("the policy", str_starts(r.policy, STR("default-src 'none'")));
    mem_free(&big);
}

/* A file is for whoever has a key of its tenant, or a link that is signed. */
static void test_files(void)
{
    const struct tenant *acme_tenant = engine_tenant(engine_tenant_at(w->engine, 0));
    struct str id = media_id_new(w->a, acme_tenant), link;
    const char *path = arena_printf(w->a, "/media/%.*s", STR_ARG(id)).p;
    struct wall now = wall_now();
    struct reply_to r;

    for (int who = ACME_ADMIN; who < WHO_COUNT; who++) {
        r = ask_json(w, who, "GET", path, NULL);
        check_problem("none of that name, or of another tenant", &r, 404, "not-found", NULL);
    }
    r = ask_json(w, NOBODY, "GET", path, NULL);
    check_problem("no key", &r, 401, "unauthorized", NULL);
    link = media_link(w->a, acme_tenant, id, (struct wall){now.ms + 60000});
    link = str_slice(link, str_find(link, STR("/media/")), link.n);
    r = ask_json(w, NOBODY, "GET", link.p, NULL);
    check_problem("signed, but gone", &r, 404, "not-found", NULL);
    r = ask_json(w, NOBODY, "GET", arena_printf(w->a, "%.*sx", STR_ARG(link)).p, NULL);
    check_problem("forged", &r, 403, "forbidden", NULL);
    link = media_link(w->a, acme_tenant, id, (struct wall){now.ms - 1000});
    link = str_slice(link, str_find(link, STR("/media/")), link.n);
    r = ask_json(w, NOBODY, "GET", link.p, NULL);
    check_problem("over", &r, 410, "gone", NULL);
    r = ask_json(w, NOBODY, "DELETE", path, NULL);
    check_problem("read only", &r, 405, "method-not-allowed", NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_every_route_and_role),
        TEST(test_without_a_key),
        TEST(test_metrics_through_a_proxy), TEST(test_bootstrap),
        TEST(test_methods),
        TEST(test_unknown),
        TEST(test_arguments),
        TEST(test_queries),
        TEST(test_callback_pages),
        TEST(test_bodies),
        TEST(test_too_long),
        TEST(test_refused_early),
        TEST(test_files),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
