/* What operators look at and do: keys, audit, senders, callbacks, dead letters, orders, health,
 * metrics. */
#include <stdlib.h>

#include "base/mem.h"
#include "world.h"

static struct world *w;

static struct reply_to admin(const char *method, const char *path, const char *body)
{
    return ask_json(w, ACME_ADMIN, method, path, body);
}

/* ---- keys and the trail ---- */

static struct reply_to with(const char *bearer, const char *path)
{
    return ask(w, &(struct ask){.bearer = bearer, .method = "GET", .path = path});
}

static void test_keys(void)
{
    struct ask q = {.who = ACME_ADMIN,
                    .method = "POST",
                    .path = "/api/v1/keys",
                    .key = "key",
                    .body = STR("{\"role\":\"viewer\",\"name\":\"Wall display\"}")};
    struct reply_to made = ask(w, &q), again = ask(w, &q), list, r;
    const char *secret = at(&made, "secret").p;

    CHECK_INT("made", made.status, 201);
    CHECK_Z("role", at(&made, "role"), "viewer");
    CHECK("never broadcasts", !json_as_bool(json_path(made.j, "broadcast"), true));
    CHECK("the secret names its tenant", str_starts(at(&made, "secret"), STR("cw_acme_")));
    CHECK_STR("the first reply again", again.body, made.body);
    r = with(secret, "/api/v1/users");
    CHECK_INT("it opens", r.status, 200);
    r = with(secret, "/api/v1/audit");
    CHECK_INT("what it may", r.status, 403);
    list = admin("GET", "/api/v1/keys?limit=3", NULL);
    CHECK_INT("a page", items(&list), 3);
    CHECK("and more", at(&list, "next_cursor").n > 0);
    CHECK("no secrets", str_find(list.body, STR("secret")) == SIZE_MAX &&
                            str_find(list.body, STR("hash")) == SIZE_MAX);
    list = admin(
        "GET", arena_printf(w->a, "/api/v1/keys?cursor=%.*s", STR_ARG(at(&list, "next_cursor"))).p,
        NULL);
    CHECK_INT("the rest", items(&list), 1);
    r = ask_json(w, BETA_ADMIN, "DELETE",
                 arena_printf(w->a, "/api/v1/keys/%.*s", STR_ARG(at(&made, "id"))).p, NULL);
    check_problem("another tenant's key", &r, 404, "not-found", NULL);
    r = admin("DELETE", arena_printf(w->a, "/api/v1/keys/%.*s", STR_ARG(at(&made, "id"))).p, NULL);
    CHECK_INT("revoked", r.status, 204);
    r = with(secret, "/api/v1/users");
    check_problem("at once", &r, 401, "unauthorized", NULL);
    r = admin("DELETE", arena_printf(w->a, "/api/v1/keys/%.*s", STR_ARG(at(&made, "id"))).p, NULL);
    check_problem("gone", &r, 404, "not-found", NULL);
}

static void test_key_shapes(void)
{
    static const struct {
        const char *body, *member;
    } rows[] = {
        {"{\"name\":\"x\"}",                                        "role"     },
        {"{\"role\":\"king\",\"name\":\"x\"}",                      "role"     },
        {"{\"role\":\"cmms\"}",                                     "name"     },
        {"{\"role\":\"cmms\",\"name\":\" \"}",                      "name"     },
        {"{\"role\":\"cmms\",\"name\":\"x\",\"broadcast\":\"no\"}", "broadcast"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = admin("POST", "/api/v1/keys", rows[i].body);

        check_problem(rows[i].body, &r, 422, "invalid", rows[i].member);
    }
}

static void test_audit(void)
{
    struct reply_to r, other;

    admin("POST", "/api/v1/users", "{\"id\":\"audited\"}");
    admin("DELETE", "/api/v1/users/audited", NULL);
    r = admin("GET", "/api/v1/audit?limit=2", NULL);
    CHECK_INT("a page", items(&r), 2);
    CHECK_Z("newest first", at(&r, "items.0.what"), "user.delete");
    CHECK("of a deleted person a hash", !str_eqz(at(&r, "items.0.subject"), "audited"));
    CHECK_Z("before it", at(&r, "items.1.what"), "user.create");
    CHECK_Z("who", at(&r, "items.1.by"), "of the tests");
    CHECK_Z("in which role", at(&r, "items.1.role"), "admin");
    CHECK_Z("from where", at(&r, "items.1.from"), "127.0.0.1");
    CHECK_Z("about whom", at(&r, "items.1.subject"), "audited");
    CHECK("when", at(&r, "items.1.at").n == 24 && at(&r, "items.1.id").n > 0);
    r = admin(
        "GET",
        arena_printf(w->a, "/api/v1/audit?limit=1&cursor=%.*s", STR_ARG(at(&r, "next_cursor"))).p,
        NULL);
    CHECK_Z("goes on", at(&r, "items.0.what"), "key.revoke");
    other = ask_json(w, BETA_ADMIN, "GET", "/api/v1/audit", NULL);
    CHECK_INT("nothing of it for another tenant", items(&other), 0);
    CHECK_Z("and no cursor", at(&other, "next_cursor"), "");
}

/* ---- senders ---- */

static void test_senders(void)
{
    struct reply_to r = ask_json(w, ACME_CMMS, "GET", "/api/v1/senders", NULL);

    CHECK_INT("list", items(&r), 1);
    CHECK_Z("id", at(&r, "items.0.id"), "main");
    CHECK_Z("provider", at(&r, "items.0.provider"), "meta");
    CHECK_Z("state", at(&r, "items.0.state"), "ok");
    CHECK_Z("its portfolio", at(&r, "items.0.portfolio"), "10229012934039");
    CHECK_Z("no limit", at(&r, "items.0.limit"), "");
    CHECK_Z("nobody speaks for it", at(&r, "items.0.replaced_by"), "");
    redis_fixture_command(w->redis, "HSET {acme}:pd:10229012934039 told 250");
    redis_fixture_command(w->redis, "HSET {acme}:sn:main people 250");
    redis_fixture_command(w->redis, "HSET {acme}:sn:main paused 1000");
    redis_fixture_command(w->redis, "HSET {acme}:sn:main via other");
    redis_fixture_command(w->redis, "HSET {acme}:sn:main via_at 2000");
    r = ask_json(w, ACME_CMMS, "GET", "/api/v1/senders", NULL);
    CHECK_INT("the limit in use", at_int(&r, "items.0.limit"), 250);
    CHECK_INT("used", at_int(&r, "items.0.used_today"), 0);
    CHECK_Z("who says so", at(&r, "items.0.limit_from"), "provider");
    CHECK_Z("who speaks for it", at(&r, "items.0.replaced_by.sender"), "other");
    CHECK_Z("since when", at(&r, "items.0.replaced_by.since"), "1970-01-01T00:00:02.000Z");
    admin("POST", "/api/v1/senders/main/resume", NULL);
    r = ask_json(w, ACME_CMMS, "GET", "/api/v1/senders", NULL);
    CHECK_Z("nobody any more", at(&r, "items.0.replaced_by"), "");
    admin("POST", "/api/v1/users", "{\"id\":\"s1\",\"phone\":\"+12025550117\",\"verified\":true}");
    w->meta_status = 401;
    r = admin("POST", "/api/v1/messages",
              "{\"to\":{\"user\":\"s1\"},\"kind\":\"template\",\"template\":{\"name\":\"x\"}}");
    CHECK_INT("accepted", r.status, 202);
    for (int i = 0; i < 200 && !str_eqz(at(&r, "items.0.state"), "paused"); i++) {
        world_run(w, 10);
        r = admin("GET", "/api/v1/senders", NULL);
    }
    CHECK_Z("paused", at(&r, "items.0.state"), "paused");
    CHECK("and why", at(&r, "items.0.reason").n > 0);
    CHECK("its message waits", at_int(&r, "items.0.queued") >= 1);
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/senders", NULL);
    CHECK_Z("the other tenant's goes on", at(&r, "items.0.state"), "ok");
    r = admin("GET", "/readyz", NULL);
    CHECK_INT("not ready? still ready", r.status, 200);
    CHECK_Z("but degraded", at(&r, "status"), "degraded");
    CHECK_Z("by that sender", at(&r, "checks.senders.main.status"), "paused");
    r = ask_json(w, BETA_VIEWER, "GET", "/readyz", NULL);
    CHECK_Z("the other tenant is well", at(&r, "status"), "ok");
    w->meta_status = 200;
    r = admin("POST", "/api/v1/senders/none/resume", NULL);
    check_problem("no such sender", &r, 404, "not-found", NULL);
    r = admin("POST", "/api/v1/senders/main/resume", NULL);
    CHECK_INT("resumed", r.status, 200);
    CHECK_Z("the sender itself", at(&r, "state"), "ok");
    for (int i = 0; i < 300 && w->sends == 0; i++) {
        world_run(w, 10);
    }
    CHECK_INT("and the message goes", w->sends, 1);
}

/* ---- callbacks and dead letters ---- */

static struct reply_to wait_for_items(const char *path, size_t n)
{
    struct reply_to r = admin("GET", path, NULL);

    for (int i = 0; i < 1000 && items(&r) != n; i++) {
        world_run(w, 10);
        r = admin("GET", path, NULL);
    }
    CHECK_INT(path, items(&r), n);
    return r;
}

/* The callback about WO-9 that fails now, or NULL; the gateway's own alerts may fail beside it. */
static const struct json *failing(void)
{
    struct reply_to r = admin("GET", "/api/v1/callbacks", NULL);

    for (size_t i = 0; i < items(&r); i++) {
        const struct json *one = json_at(json_get(r.j, "items"), i);

        if (str_eqz(json_str(json_path(one, "event.subject")), "WO-9")) {
            return one;
        }
    }
    return NULL;
}

static void test_callbacks(void)
{
    const struct json *one = NULL;
    struct reply_to r;
    struct str id;
    size_t posts;

    w->watch = "\"subject\":\"well\"";
    world_emit(w, "acme", "well");
    for (int i = 0; i < 200 && w->posts == 0; i++) {
        world_run(w, 10);
    }
    CHECK_INT("the CMMS gets its events", w->posts, 1);
    r = wait_for_items("/api/v1/callbacks", 0);
    w->watch = "\"subject\":\"WO-9\"";
    w->cmms_status = 500;
    world_emit(w, "acme", "WO-9");
    world_emit(w, "acme", "WO-9");
    for (int i = 0; i < 400 && (one = failing()) == NULL; i++) {
        world_run(w, 10);
    }
    id = json_get_str(one, "id");
    CHECK("with the reason", str_find(json_get_str(one, "reason"), STR("500")) != SIZE_MAX);
    CHECK("tried", json_get_int(one, "tries", 0) >= 1);
    CHECK_INT("another waits behind it", json_get_int(one, "waiting_behind", 0), 1);
    CHECK("and when it is tried again", json_get_str(one, "next_try_at").n == 24);
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/callbacks", NULL);
    CHECK_INT("none of another tenant's", items(&r), 0);
    r = ask_json(w, BETA_ADMIN, "POST",
                 arena_printf(w->a, "/api/v1/callbacks/%.*s/replay", STR_ARG(id)).p, NULL);
    CHECK("nor to replay", r.status == 404 || r.status == 409);
    posts = w->posts;
    r = admin("POST", arena_printf(w->a, "/api/v1/callbacks/%.*s/replay", STR_ARG(id)).p, NULL);
    CHECK_INT("tried now", r.status, 202);
    for (int i = 0; i < 300 && w->posts == posts; i++) {
        world_run(w, 10);
    }
    CHECK("before its time", w->posts > posts);
    r = admin("POST", "/api/v1/callbacks/999999/replay", NULL);
    check_problem("no such event", &r, 404, "not-found", NULL);
    r = admin("POST", "/api/v1/callbacks/1/replay", NULL);
    check_problem("one that was taken", &r, 404, "not-found", NULL);
    r = admin("POST", "/api/v1/callbacks/x/replay", NULL);
    check_problem("no number", &r, 404, "not-found", NULL);
}

/* Dead letters about WO-9, newest first: the gateway tells its own troubles by events too. */
static size_t dead(struct str ids[2])
{
    struct reply_to r = admin("GET", "/api/v1/dead_letters?limit=500", NULL);
    size_t n = 0;

    for (size_t i = 0; i < items(&r); i++) {
        const struct json *one = json_at(json_get(r.j, "items"), i);

        if (str_eqz(json_str(json_path(one, "event.subject")), "WO-9") && n < 2) {
            CHECK("with the reason", str_find(json_get_str(one, "reason"), STR("500")) != SIZE_MAX);
            ids[n++] = json_get_str(one, "id");
        }
    }
    return n;
}

static void test_dead_letters(void)
{
    struct str ids[2] = {STR(""), STR("")};
    struct reply_to r, page, again;
    struct ask q = {.who = ACME_ADMIN, .method = "POST", .key = "replay"};
    size_t posts, all, n = 0;

    for (int i = 0; i < 1500 && dead(ids) < 2; i++) {
        world_run(w, 10);
    }
    CHECK_INT("given up", dead(ids), 2);
    CHECK("newest first", str_cmp(ids[0], ids[1]) > 0);
    wait_for_items("/api/v1/callbacks", 0); /* the others have given up as well */
    page = admin("GET", "/api/v1/dead_letters", NULL);
    all = items(&page);
    page = admin("GET", "/api/v1/dead_letters?limit=1", NULL);
    for (n = 1; n < all; n++) {
        struct str last = at(&page, "items.0.at");

        page = admin("GET",
                     arena_printf(w->a, "/api/v1/dead_letters?limit=1&cursor=%.*s",
                                  STR_ARG(at(&page, "next_cursor")))
                         .p,
                     NULL);
        CHECK("page by page", str_cmp(at(&page, "items.0.at"), last) <= 0);
    }
    CHECK_Z("to the end", at(&page, "next_cursor"), "");
    page = admin("GET", "/api/v1/dead_letters?kind=message", NULL);
    CHECK_INT("no messages", items(&page), 0);
    page = admin("GET", "/api/v1/dead_letters?kind=callback&limit=1", NULL);
    CHECK_INT("a page of callbacks", items(&page), 1);
    CHECK_Z("they alone", at(&page, "items.0.kind"), "callback");
    page = admin("GET", "/api/v1/dead_letters?kind=letters", NULL);
    check_problem("no such kind", &page, 422, "invalid", NULL);
    page = ask_json(w, BETA_ADMIN, "GET", "/api/v1/dead_letters", NULL);
    CHECK_INT("none of another tenant's", items(&page), 0);
    w->cmms_status = 200;
    posts = w->posts;
    q.path = arena_printf(w->a, "/api/v1/dead_letters/%.*s/replay", STR_ARG(ids[1])).p;
    r = ask(w, &q);
    CHECK_INT("replayed", r.status, 202);
    again = ask(w, &q);
    CHECK_INT("the first reply again", again.status, 202);
    CHECK_STR("word for word", again.body, r.body);
    for (int i = 0; i < 200 && w->posts == posts; i++) {
        world_run(w, 10);
    }
    world_run(w, 50);
    CHECK_INT("posted once, the same event", w->posts, posts + 1);
    CHECK_INT("one is left", dead(ids), 1);
    CHECK_INT("out of its index too",
              strtol(redis_fixture_command(w->redis, "ZCARD {acme}:dl"), NULL, 10), all - 1);
    q.key = NULL;
    r = ask(w, &q);
    check_problem("it is one no more", &r, 404, "not-found", NULL);
    r = admin("POST", "/api/v1/dead_letters/in:1/replay", NULL);
    check_problem("no such", &r, 404, "not-found", NULL);
}

/* An inbound item that was given up, as the inbox leaves it: item and letter, sealed. */
static void put_sealed(struct commit *c, const struct tenant *t, const char *key, const char *text)
{
    struct buf sealed;

    buf_init(&sealed, 8192);
    vault_seal(t->vault, str_of(key), "b", str_of(text), &sealed);
    commit_hset(c, str_of(key), STR("b"), buf_str(&sealed));
    buf_fini(&sealed);
}

static void test_dead_inbound(void)
{
    const struct tenant *t = engine_tenant(engine_tenant_find(w->engine, STR("acme")));
    struct commit *c = commit_new(t->id);
    struct reply_to r;
    int done = 0;

    commit_once(c, STR("q:dead"));
    put_sealed(c, t, "i:DEAD1",
               "E{\"specversion\":\"1.0\",\"id\":\"d1\",\"source\":\"/"
               "cmms\",\"type\":\"cmms.person.upserted.v1\","
               "\"data\":{\"person\":{\"id\":\"raised\",\"name\":\"Raised\"}}}");
    put_sealed(c, t, "dl:in:DEAD1",
               "{\"kind\":\"inbound\",\"sequence\":\"DEAD1\",\"lane\":\"2e:x\",\"reason\":\"it did "
               "not open\","
               "\"tries\":3,\"at\":\"2026-11-21T08:00:00.000Z\"}");
    commit_zadd(c, STR("dl"), 1, STR("in:DEAD1"));
    commit_run(engine_store(w->engine), &c, world_kept, &done);
    while (done == 0) {
        world_run(w, 2);
    }
    r = admin("GET", "/api/v1/dead_letters?limit=500", NULL);
    CHECK("listed", str_find(r.body, STR("\"kind\":\"inbound\"")) != SIZE_MAX);
    r = admin("POST", "/api/v1/dead_letters/in:DEAD1/replay", NULL);
    CHECK_INT("put back", r.status, 202);
    for (int i = 0; i < 200 && r.status != 200; i++) {
        world_run(w, 10);
        r = admin("GET", "/api/v1/users/raised", NULL);
    }
    CHECK_Z("and carried out", at(&r, "name"), "Raised");
}

/* ---- work orders ---- */

static void order(const char *id, const char *number, const char *status, int rev)
{
    struct str body = arena_printf(w->a,
                                   "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"/"
                                   "cmms\",\"type\":\"cmms.workorder.created.v1\","
                                   "\"data\":{\"workorder\":{\"id\":\"%s\",\"number\":\"%s\","
                                   "\"title\":\"T\",\"status\":\"%s\",\"rev\":%d,"
                                   "\"due_at\":\"%s-01-01T00:00:00Z\","
                                   "\"mine\":{\"kept\":true},\"team\":{\"id\":\"t%s\"}}}}",
                                   id, rev, id, number, status, rev, *id == 'c' ? "2099" : "2020",
                                   id);
    struct reply_to r = admin("POST", "/api/v1/events", body.p);

    CHECK_INT(number, r.status, 202);
}

static void test_orders(void)
{
    struct reply_to r;
    struct str id, cursor = STR("");
    const struct json *last;
    size_t n;

    order("a", "WO-101", "open", 1);
    order("b", "WO-102", "open", 1);
    order("c", "WO/1 03", "in_progress", 1);
    wait_for_items("/api/v1/work_orders", 3);
    order("a", "WO-101", "completed", 2);
    r = wait_for_items("/api/v1/work_orders?status=completed", 1);
    r = admin("GET", "/api/v1/work_orders?limit=1", NULL);
    CHECK_Z("last changed first", at(&r, "items.0.number"), "WO-101");
    CHECK("unknown members are kept", json_as_bool(json_path(r.j, "items.0.mine.kept"), false));
    r = admin("GET",
              arena_printf(w->a, "/api/v1/work_orders?limit=2&cursor=%.*s",
                           STR_ARG(at(&r, "next_cursor")))
                  .p,
              NULL);
    CHECK_INT("the rest", items(&r), 2);
    CHECK_Z("no more", at(&r, "next_cursor"), "");
    r = admin("GET", "/api/v1/work_orders?team=tb", NULL);
    CHECK_INT("of a team", items(&r), 1);
    r = admin("GET", "/api/v1/work_orders?overdue=true", NULL);
    CHECK_INT("overdue, neither done nor due later", items(&r), 1);
    CHECK_Z("that one", at(&r, "items.0.number"), "WO-102");
    r = admin("GET", "/api/v1/work_orders?overdue=false", NULL);
    CHECK_INT("all", items(&r), 3);
    r = admin("GET", "/api/v1/work_orders/102", NULL);
    CHECK_Z("by number, without WO-", at(&r, "id"), "b");
    r = admin("GET", "/api/v1/work_orders/b", NULL);
    CHECK_Z("by id", at(&r, "number"), "WO-102");
    r = admin("GET", "/api/v1/work_orders/WO%2F1%2003", NULL);
    CHECK_Z("by a number with a slash", at(&r, "id"), "c");
    r = admin("GET", "/api/v1/work_orders/WO-101/timeline", NULL);
    CHECK("its timeline", items(&r) >= 2);
    CHECK_Z("from the beginning", at(&r, "items.0.kind"), "created");
    r = admin("GET", "/api/v1/work_orders/WO-101/timeline?limit=1", NULL);
    CHECK("in pages", items(&r) == 1 && at(&r, "next_cursor").n > 0);
    r = admin("GET",
              arena_printf(w->a, "/api/v1/work_orders/WO-101/timeline?limit=1&cursor=%.*s",
                           STR_ARG(at(&r, "next_cursor")))
                  .p,
              NULL);
    CHECK_INT("and on", items(&r), 1);
    r = admin("POST", "/api/v1/messages",
              arena_printf(w->a,
                           "{\"to\":{\"user\":\"s1\"},\"kind\":\"text\",\"text\":\"Is it done?\","
                           "\"work_order\":\"101\",\"send_at\":\"%.*s\"}",
                           STR_ARG(in_days(w, 30)))
                  .p);
    CHECK_INT("a message about it", r.status, 202);
    id = at(&r, "id");
    r = admin("GET", "/api/v1/work_orders/WO-101/timeline", NULL);
    last = json_at(json_get(r.j, "items"), items(&r) - 1);
    CHECK_Z("stands in the timeline", json_get_str(last, "kind"), "message");
    CHECK_Z("with its words", json_get_str(last, "text"), "Is it done?");
    CHECK_STR("and its id", json_str(json_path(last, "message.id")), id);
    n = items(&r);
    for (size_t i = 0; i < n; i++) {
        struct str page = arena_printf(w->a, "/api/v1/work_orders/WO-101/timeline?limit=1%s%.*s",
                                       i > 0 ? "&cursor=" : "", STR_ARG(cursor));
        struct reply_to one = admin("GET", page.p, NULL);

        CHECK_STR("page by page the same", at(&one, "items.0.at"),
                  json_get_str(json_at(json_get(r.j, "items"), i), "at"));
        cursor = at(&one, "next_cursor");
    }
    CHECK_Z("to the end", cursor, "");
    r = admin("GET", "/api/v1/work_orders/WO-101/media", NULL);
    CHECK("no media", r.status == 200 && items(&r) == 0);
    r = admin("GET", "/api/v1/work_orders/WO-999/media", NULL);
    check_problem("of no order", &r, 404, "not-found", NULL);
    r = ask_json(w, BETA_VIEWER, "GET", "/api/v1/work_orders/b/timeline", NULL);
    check_problem("of another tenant", &r, 404, "not-found", NULL);
    r = ask_json(w, BETA_VIEWER, "GET", "/api/v1/work_orders", NULL);
    CHECK_INT("which has none", items(&r), 0);
}

/* ---- health ---- */

static void test_health(void)
{
    struct reply_to r = ask_json(w, NOBODY, "GET", "/healthz", NULL);

    CHECK_Z("alive", at(&r, "status"), "ok");
    r = ask_json(w, NOBODY, "GET", "/readyz", NULL);
    CHECK_INT("ready", r.status, 200);
    CHECK_STR("the word alone without a key", r.body, STR("{\"status\":\"ok\"}"));
    r = ask_json(w, NOBODY, "GET", "/api/whatsappwebhook/health", NULL);
    CHECK_STR("the other path", r.body, STR("{\"status\":\"ok\"}"));
    r = ask_json(w, ACME_VIEWER, "GET", "/readyz", NULL);
    CHECK_Z("redis", at(&r, "checks.redis.status"), "ok");
    CHECK_Z("sender", at(&r, "checks.senders.main.status"), "ok");
    CHECK_Z("cmms", at(&r, "checks.cmms.status"), "ok");
    CHECK("version", at(&r, "version").n > 0);
    r = ask_json(w, NOBODY, "HEAD", "/healthz", NULL);
    CHECK("HEAD has no body", r.status == 200 && r.body.n == 0);
}

/* The text of the exposition format: HELP and TYPE before samples, each name once, values that are
 * numbers. */
static void check_exposition(struct str text)
{
    struct str line, name = STR("none"), rest, value;
    size_t samples = 0;
    double number;

    while (text.n > 0) {
        str_cut(text, '\n', &line, &text);
        if (str_starts(line, STR("# TYPE "))) {
            str_cut(str_slice(line, 7, line.n), ' ', &name, &rest);
            CHECK("house prefix", str_starts(name, STR("crewline_")));
        } else if (!str_starts(line, STR("#"))) {
            CHECK("under its own TYPE", str_starts(line, name));
            value = line;
            while (str_cut(value, ' ', &rest, &value) && str_find_char(value, ' ', 0) != SIZE_MAX) {
            }
            CHECK("a number", str_to_double(value, &number));
            samples++;
        }
    }
    CHECK("many samples", samples > 100);
}

static void test_metrics(void)
{
    struct reply_to r = ask_json(w, NOBODY, "GET", "/metrics", NULL);

    CHECK_INT("from loopback without a key", r.status, 200);
    CHECK("its type", str_starts(r.type, STR("text/plain")));
    check_exposition(r.body);
    CHECK("all tenants", str_find(r.body, STR("tenant=\"beta\"")) != SIZE_MAX);
    CHECK(
        "depth by lane",
        str_find(
            r.body,
            STR("crewline_queue_depth{tenant=\"acme\",queue=\"out:main\",lane=\"critical\"} 0")) !=
            SIZE_MAX);
    CHECK("oldest age", str_find(r.body, STR("crewline_queue_oldest_seconds{")) != SIZE_MAX);
    CHECK("counters", str_find(r.body, STR("\ncrewline_messages_sent_total 1\n")) != SIZE_MAX);
    CHECK("histograms",
          str_find(r.body, STR("crewline_send_seconds_bucket{le=\"+Inf\"}")) != SIZE_MAX);
    r = ask_json(w, BETA_VIEWER, "GET", "/metrics", NULL);
    CHECK("a key sees its own tenant", str_find(r.body, STR("tenant=\"beta\"")) != SIZE_MAX);
    CHECK("alone", str_find(r.body, STR("tenant=\"acme\"")) == SIZE_MAX);
}

static void test_documents(void)
{
    struct reply_to r = ask_json(w, NOBODY, "GET", "/api/openapi.json", NULL);

    CHECK_Z("OpenAPI", at(&r, "openapi"), "3.1.0");
    r = ask_json(w, NOBODY, "GET", "/api/docs", NULL);
    CHECK("a page", r.status == 200 && str_starts(r.type, STR("text/html")));
    CHECK("without script and style", str_find(r.body, STR("<script")) == SIZE_MAX &&
                                          str_find(r.body, STR("style")) == SIZE_MAX);
    CHECK("under the strict policy", str_starts(r.policy, STR("default-src 'none'")));
    CHECK("with every path", str_find(r.body, STR("/api/v1/dead_letters/{id}/replay")) != SIZE_MAX);
}

static struct reply_to ready_without_redis(void)
{
    struct reply_to r;

    redis_fixture_stop(w->redis);
    world_run(w, 1100); /* the last look without a key is believed for a second */
    r = ask_json(w, NOBODY, "GET", "/readyz", NULL);
    CHECK_INT("down", r.status, 503);
    return r;
}

static void test_redis_stands_still(void)
{
    struct reply_to r = ready_without_redis();

    redis_fixture_cont(w->redis);
    world_run(w, 200);
    r = ask_json(w, NOBODY, "GET", "/readyz", NULL);
    CHECK_INT("and ready as soon as it answers", r.status, 200);
}

/* Last, since Redis is stopped. */
static void test_redis_stops(void)
{
    struct reply_to r = ready_without_redis();

    CHECK_Z("and says so", at(&r, "status"), "down");
    CHECK("within a second", r.ms < 1000);
    r = ask_json(w, NOBODY, "GET", "/healthz", NULL);
    CHECK_INT("alive", r.status, 200);
    r = ask_json(w, NOBODY, "GET", "/metrics", NULL);
    CHECK("metrics of the process",
          r.status == 200 && str_find(r.body, STR("crewline_http_requests_total")) != SIZE_MAX);
    r = admin("POST", "/api/v1/users", "{\"id\":\"late\"}");
    check_problem("what cannot be kept is refused", &r, 503, "store-unavailable", NULL);
    CHECK("with a time to come back", r.retry_after.n > 0);
    CHECK("within 4 s", r.ms < 4500);
    redis_fixture_cont(w->redis);
    for (int i = 0; i < 300 && r.status != 201 && r.status != 409; i++) {
        world_run(w, 20);
        r = admin("POST", "/api/v1/users", "{\"id\":\"late\"}");
    }
    CHECK("it goes on by itself", r.status == 201 || r.status == 409);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_keys),         TEST(test_key_shapes), TEST(test_audit),
        TEST(test_senders),      TEST(test_callbacks),  TEST(test_dead_letters),
        TEST(test_dead_inbound), TEST(test_orders),     TEST(test_health),
        TEST(test_metrics),      TEST(test_documents),  TEST(test_redis_stands_still),
        TEST(test_redis_stops),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
