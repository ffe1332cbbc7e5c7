/* Broadcasts over the API: another round to the silent, the list of whom it was meant for, the
 * emergency form as JSON. */
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "world.h"

static struct world *w;

static void person(const char *id, int nth)
{
    struct reply_to r = ask_json(
        w, ACME_CMMS, "POST", "/api/v1/users",
        arena_printf(
            w->a, "{\"id\":\"%s\",\"name\":\"P\",\"phone\":\"+120255501%02d\",\"verified\":true}",
            id, nth)
            .p);

    CHECK_INT(id, r.status, 201);
    redis_fixture_command(
        w->redis, arena_printf(w->a, "HSET {acme}:w:main %s %lld", id, (long long)wall_now().ms).p);
}

static struct str broadcast(const char *body)
{
    struct reply_to r = ask_json(w, ACME_CMMS, "POST", "/api/v1/broadcasts", body);

    CHECK_INT("accepted", r.status, 202);
    return at(&r, "id");
}

static struct reply_to look(struct str id, const char *more)
{
    return ask_json(w, ACME_VIEWER, "GET",
                    arena_printf(w->a, "/api/v1/broadcasts/%.*s%s", STR_ARG(id), more).p, NULL);
}

/* Until so many got it, or 3 s are over. */
static void wait_for(struct str id, const char *count, int64_t n)
{
    struct reply_to r = look(id, "");

    for (int i = 0; i < 300 && at_int(&r, count) != n; i++) {
        world_run(w, 10);
        r = look(id, "");
    }
    CHECK_INT(count, at_int(&r, count), n);
}

/* ---- to the silent ---- */

static struct str kept(struct str id, const char *field)
{
    return arena_dup(
        w->a, str_of(redis_fixture_command(
                  w->redis, arena_printf(w->a, "HGET {acme}:b:%.*s %s", STR_ARG(id), field).p)));
}

static int64_t rounds(struct str id)
{
    int64_t n = 0;

    str_to_i64(kept(id, "rd"), 0, INT64_MAX, &n);
    return n;
}

/* The gateway dies as soon as the @field of it has changed: whoever asked has no answer. */
static void lose_the_answer(struct str id, const char *field, const struct ask *q)
{
    struct str before = kept(id, field);
    struct flight *f = ask_begin(w, q);
    struct err err = {0};

    for (int turn = 0; turn < 200 && str_eq(kept(id, field), before); turn++) {
        world_run(w, 0);
        usleep(20000); /* what is asked of Redis has happened before its answer is read */
    }
    CHECK("it has happened", !str_eq(kept(id, field), before));
    app_free(&w->app);
    world_run(w, 20);
    CHECK("no answer", flight_done(f));
    ask_end(w, &f);
    w->app = app_new(w->loop, w->settings, w->i18n);
    CHECK("the gateway is back", app_listen(w->app, &err));
    app_serve(w->app, w->engine);
}

static bool audited(const char *what)
{
    struct reply_to r = ask_json(w, ACME_ADMIN, "GET", "/api/v1/audit?limit=500", NULL);

    return str_find(r.body, str_of(what)) != SIZE_MAX;
}

static void test_resend_once(void)
{
    struct str id;
    struct ask q = {.who = ACME_CMMS, .method = "POST", .key = "again-1"};
    size_t before = w->sends;
    struct reply_to r;

    person("ana", 1);
    id = broadcast("{\"text\":\"x\",\"ask\":\"safety\",\"audience\":{\"users\":[\"ana\"]}}");
    wait_for(id, "counts.silent", 1);
    q.path = arena_printf(w->a, "/api/v1/broadcasts/%.*s/resend", STR_ARG(id)).p;
    lose_the_answer(id, "rd", &q);
    for (int i = 0; i < 300 && w->sends < before + 2; i++) {
        world_run(w, 10);
    }
    wait_for(id, "counts.silent", 1);
    r = ask(w, &q);
    CHECK_INT("the first answer", r.status, 202);
    CHECK_INT("of the round that there is", at_int(&r, "round"), 2);
    CHECK_INT("to one", at_int(&r, "recipients"), 1);
    world_run(w, 300);
    CHECK_INT("no third round", rounds(id), 2);
    CHECK_INT("she was told twice, not three times", w->sends, before + 2);
    CHECK("it is in the audit trail", audited("broadcast.resend"));
    q.key = "again-2";
    r = ask(w, &q);
    CHECK_INT("another key", at_int(&r, "round"), 3);
    for (int i = 0; i < 300 && w->sends < before + 3; i++) {
        world_run(w, 10);
    }
}

/* Who has cancelled it stands in the audit trail, whether or not he heard of it. */
static void test_cancel_audited(void)
{
    struct ask q = {.who = ACME_CMMS, .method = "POST"};
    struct reply_to r;
    struct str id =
        broadcast("{\"text\":\"x\",\"ask\":\"safety\",\"audience\":{\"users\":[\"ana\"]}}");

    wait_for(id, "counts.silent", 1);
    q.path = arena_printf(w->a, "/api/v1/broadcasts/%.*s/cancel", STR_ARG(id)).p;
    lose_the_answer(id, "st", &q);
    CHECK("it is in the audit trail", audited("broadcast.cancel"));
    r = ask(w, &q);
    CHECK_INT("again", r.status, 200);
    CHECK_Z("it is", at(&r, "state"), "cancelled");
}

/* ---- whom it was meant for ---- */

static struct reply_to recipients(struct str id, const char *state)
{
    return look(id, arena_printf(w->a, "/recipients?state=%s", state).p);
}

/* She was told, and went with what she was told: she does not wait for it. */
static void test_recipient_gone(void)
{
    struct reply_to r;
    struct str id;

    person("eve", 2);
    id = broadcast("{\"text\":\"x\",\"audience\":{\"users\":[\"ana\",\"eve\"]}}");
    wait_for(id, "counts.sent", 2);
    r = recipients(id, "sent");
    CHECK_INT("both were told", items(&r), 2);
    r = ask_json(w, ACME_CMMS, "DELETE", "/api/v1/users/eve", NULL);
    CHECK_INT("deleted", r.status, 204);
    for (int i = 0; i < 300 && items(&r) != 1; i++) {
        world_run(w, 10);
        r = recipients(id, "sent");
    }
    CHECK_INT("hers is gone", items(&r), 1);
    r = recipients(id, "queued");
    CHECK_INT("nobody waits", items(&r), 0);
    r = recipients(id, "unknown");
    CHECK_INT("of her nobody knows", items(&r), 1);
    CHECK_Z("her", at(&r, "items.0.user"), "eve");
    CHECK("why", at(&r, "items.0.reason").n > 0);
}

/* What is sent today is in today's log, also when it was accepted long before. */
static void test_log_of_later(void)
{
    char later[WALL_TEXT_BYTES], from[WALL_TEXT_BYTES];
    struct str id;
    struct reply_to r;

    wall_format((struct wall){wall_now().ms + 1500}, later);
    wall_format((struct wall){wall_now().ms + 1000}, from);
    id = broadcast(arena_printf(w->a,
                                "{\"text\":\"once it is time\",\"send_at\":\"%s\","
                                "\"audience\":{\"users\":[\"ana\"]}}",
                                later)
                       .p);
    wait_for(id, "counts.sent", 1);
    r = ask_json(w, ACME_VIEWER, "GET",
                 arena_printf(w->a, "/api/v1/messages?user=ana&from=%s", from).p, NULL);
    CHECK("what she was told since", str_find(r.body, STR("once it is time")) != SIZE_MAX);
    r = ask_json(w, ACME_VIEWER, "GET", arena_printf(w->a, "/api/v1/messages?from=%s", from).p,
                 NULL);
    CHECK("what all were told", str_find(r.body, STR("once it is time")) != SIZE_MAX);
    r = ask_json(w, ACME_VIEWER, "GET",
                 arena_printf(w->a, "/api/v1/messages?user=ana&to=%s", from).p, NULL);
    CHECK("and not what she was told before", str_find(r.body, STR("once it is time")) == SIZE_MAX);
}

/* ---- the emergency form as JSON ---- */

static struct reply_to emergency(struct str body)
{
    const struct ask q = {
        .who = ACME_CMMS, .method = "POST", .path = "/whatsapp/emergency", .body = body};

    return ask(w, &q);
}

/* Who is meant is never guessed: not understood must not become everybody. */
static void test_emergency_unclear(void)
{
    static const struct {
        const char *body, *member;
    } rows[] = {
        {"{\"message\":\"x\",\"audience\":[\"ana\"]}",                                      "audience"},
        {"{\"message\":\"x\",\"audience\":null}",                                           "audience"},
        {"{\"message\":\"x\",\"audience\":true}",                                           "audience"},
        {"{\"message\":\"x\",\"targets\":{\"users\":[\"ana\"]}}",                           "targets" },
        {"{\"message\":\"x\",\"targets\":[\"ana\"]}",                                       "audience"},
        {"{\"message\":\"x\",\"audience\":\"users\",\"targets\":[\"ana\",{\"id\":1}]}",
         "audience.users.1"                                                                           },
        {"{\"message\":\"x\",\"audience\":\"all\",\"send_at\":[\"2999-01-01T00:00:00Z\"]}",
         "send_at"                                                                                    },
        {"{\"message\":\"x\",\"audience\":\"all\",\"priority\":{}}",                        "priority"},
    };
    size_t before = w->sends;
    struct reply_to r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = emergency(str_of(rows[i].body));
        check_problem(rows[i].body, &r, 422, NULL, rows[i].member);
    }
    world_run(w, 200);
    CHECK_INT("nobody was told", w->sends, before);
    r = emergency(STR("{\"message\":\"x\",\"audience\":\"users\",\"targets\":[\"ana\"],"
                      "\"dry_run\":true}"));
    CHECK_INT("a list of targets", at_int(&r, "recipients"), 1);
}

/* Who asks for a dry run in words that we do not know must not have told everybody. */
static void test_dry_run_unclear(void)
{
    static const struct {
        const char *path, *body;
        int status;
    } rows[] = {
        {"/api/v1/broadcasts?dry_run=yes",  "{\"text\":\"x\",\"audience\":{\"all\":true}}",                      400},
        {"/api/v1/broadcasts?dry_run=True", "{\"text\":\"x\",\"audience\":{\"all\":true}}",                      400},
        {"/api/v1/broadcasts",              "{\"text\":\"x\",\"audience\":{\"all\":true},\"dry_run\":\"true\"}",
         422                                                                                                        },
        {"/whatsapp/emergency",             "{\"message\":\"x\",\"audience\":\"all\",\"dry_run\":\"yes\"}",
         422                                                                                                        },
    };
    static const char *const dry[] = {"/api/v1/broadcasts?dry_run=true",
                                      "/api/v1/broadcasts?dry_run=1"};
    size_t before = w->sends;
    struct reply_to r;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        r = ask_json(w, ACME_CMMS, "POST", rows[i].path, rows[i].body);
        check_problem(rows[i].path, &r, rows[i].status, NULL, "dry_run");
    }
    r = ask_json(w, ACME_ADMIN, "POST", "/api/v1/dead_letters/replay?dry_run=yes",
                 "{\"kind\":\"message\"}");
    check_problem("nor is a replay", &r, 400, NULL, "dry_run");
    for (size_t i = 0; i < ARRAY_LEN(dry); i++) {
        r = ask_json(w, ACME_CMMS, "POST", dry[i], "{\"text\":\"x\",\"audience\":{\"all\":true}}");
        CHECK_INT(dry[i], r.status, 200);
    }
    world_run(w, 200);
    CHECK_INT("nobody was told", w->sends, before);
    r = ask_json(w, ACME_CMMS, "POST", "/api/v1/broadcasts?dry_run=false",
                 "{\"text\":\"x\",\"audience\":{\"users\":[\"ana\"]}}");
    CHECK_INT("not a dry run", r.status, 202);
}

#define TARGETS 8000

static void test_emergency_many(void)
{
    struct buf body;
    struct rusage before, after;
    struct reply_to r;

    buf_init(&body, 1 << 20);
    buf_addz(&body, "{\"message\":\"x\",\"audience\":\"users\",\"dry_run\":true,\"targets\":[");
    for (int i = 0; i < TARGETS; i++) {
        buf_addf(&body, "%s\"nobody-%04d\"", i > 0 ? "," : "", i);
    }
    buf_addz(&body, "]}");
    getrusage(RUSAGE_SELF, &before);
    r = emergency(buf_str(&body));
    getrusage(RUSAGE_SELF, &after);
    buf_fini(&body);
    CHECK_INT("taken", r.status, 200);
    CHECK_INT("all of them are unknown", at_int(&r, "skipped_total"), TARGETS);
    CHECK("memory as the body is large, not as its square",
          after.ru_maxrss < before.ru_maxrss + 100000);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_resend_once),    TEST(test_cancel_audited),    TEST(test_recipient_gone),
        TEST(test_log_of_later),   TEST(test_emergency_unclear), TEST(test_dry_run_unclear),
        TEST(test_emergency_many),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
