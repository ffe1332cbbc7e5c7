/* POST /api/v1/messages and send-test with every refusal; one message, the log, its pages, filters
 * and CSV. */
#include "base/mem.h"
#include "base/text.h"
#include "world.h"

static struct world *w;

static void person(enum who who, const char *body)
{
    struct reply_to r = ask_json(w, who, "POST", "/api/v1/users", body);

    if (r.status != 201) {
        printf("%.*s\n", STR_ARG(r.body));
    }
    CHECK_INT(body, r.status, 201);
}

static struct reply_to post(const char *body)
{
    return ask_json(w, ACME_CMMS, "POST", "/api/v1/messages", body);
}

static struct reply_to get(const char *path)
{
    return ask_json(w, ACME_VIEWER, "GET", path, NULL);
}

static struct reply_to message(struct str id)
{
    return get(arena_printf(w->a, "/api/v1/messages/%.*s", STR_ARG(id)).p);
}

/* Until it is in @state, or 3 s are over. */
static struct reply_to message_in(struct str id, const char *state)
{
    struct reply_to r = message(id);

    for (int i = 0; i < 300 && !str_eqz(at(&r, "state"), state); i++) {
        world_run(w, 10);
        r = message(id);
    }
    CHECK_Z("state", at(&r, "state"), state);
    return r;
}

static void test_people(void)
{
    person(ACME_CMMS,
           "{\"id\":\"maria\",\"name\":\"Maria\",\"phone\":\"+12025550117\",\"verified\":true}");
    person(ACME_CMMS, "{\"id\":\"new\",\"name\":\"New\",\"phone\":\"+12025550118\"}");
    person(
        ACME_CMMS,
        "{\"id\":\"stopped\",\"phone\":\"+12025550119\",\"verified\":true,\"opted_out\":\"all\"}");
    person(ACME_CMMS, "{\"id\":\"off\",\"phone\":\"+12025550120\",\"verified\":true,"
                      "\"preferences\":{\"classes\":{\"updates\":false}}}");
    person(ACME_CMMS, "{\"id\":\"nophone\",\"verified\":true}");
    person(BETA_CMMS, "{\"id\":\"beto\",\"phone\":\"+12025550130\",\"verified\":true}");
}

static void test_refusals(void)
{
    static const struct {
        const char *label, *body, *member;
    } rows[] = {
        {"no such person",          "{\"to\":{\"user\":\"nobody\"},\"kind\":\"text\",\"text\":\"a\"}",  "to"               },
        {"nobody has the number",
         "{\"to\":{\"phone\":\"+12025550999\"},\"kind\":\"text\",\"text\":\"a\"}",                      "to.phone"         },
        {"another tenant's person", "{\"to\":{\"user\":\"beto\"},\"kind\":\"text\",\"text\":\"a\"}",
         "to"                                                                                                              },
        {"another tenant's number",
         "{\"to\":{\"phone\":\"+12025550130\"},\"kind\":\"text\",\"text\":\"a\"}",                      "to.phone"         },
        {"not verified",            "{\"to\":{\"user\":\"new\"},\"kind\":\"text\",\"text\":\"a\"}",     "to"               },
        {"opted out",               "{\"to\":{\"user\":\"stopped\"},\"kind\":\"text\",\"text\":\"a\"}", "to"               },
        {"opted out, critical",
         "{\"to\":{\"user\":\"stopped\"},\"kind\":\"text\",\"text\":\"a\",\"priority\":"
         "\"critical\"}",                                                                               "to"               },
        {"no phone",                "{\"to\":{\"user\":\"nophone\"},\"kind\":\"text\",\"text\":\"a\"}", "to"               },
        {"no to",                   "{\"kind\":\"text\",\"text\":\"a\"}",                               "to"               },
        {"two in to",
         "{\"to\":{\"user\":\"maria\",\"phone\":\"+12025550117\"},\"kind\":\"text\",\"text\":"
         "\"a\"}",                                                                                      "to"               },
        {"no number",               "{\"to\":{\"phone\":\"0117\"},\"kind\":\"text\",\"text\":\"a\"}",   "to.phone"         },
        {"no kind",                 "{\"to\":{\"user\":\"maria\"},\"text\":\"a\"}",                     "kind"             },
        {"unknown kind",            "{\"to\":{\"user\":\"maria\"},\"kind\":\"song\"}",                  "kind"             },
        {"no text",                 "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\"}",                  "text"             },
        {"four buttons",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"buttons\",\"text\":\"a\",\"buttons\":[{\"id\":"
         "\"1\",\"title\":\"1\"},"
         "{\"id\":\"2\",\"title\":\"2\"},{\"id\":\"3\",\"title\":\"3\"},{\"id\":\"4\",\"title\":"
         "\"4\"}]}",                                                                                    "buttons"          },
        {"a long title",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"buttons\",\"text\":\"a\",\"buttons\":[{\"id\":"
         "\"1\",\"title\":\"012345678901234567890\"}]}",                                                "buttons.0.title"  },
        {"no latitude",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"location\",\"location\":{\"longitude\":1}}",          "location.latitude"},
        {"no url",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"media\",\"media\":{\"url\":\"ftp://"
         "x\",\"mime\":\"image/png\"}}",                                                                "media.url"        },
        {"unknown priority",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"a\",\"priority\":\"now\"}",         "priority"         },
        {"unknown sender",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"a\",\"sender\":\"x\"}",             "sender"           },
        {"expired",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"a\",\"expires_at\":\"2020-01-"
         "01T00:00:00Z\"}",                                                                             "expires_at"       },
        {"far away",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"a\",\"send_at\":\"2999-01-"
         "01T00:00:00Z\"}",                                                                             "send_at"          },
        {"no time",
         "{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"a\",\"send_at\":\"soon\"}",         "send_at"          },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = post(rows[i].body);

        check_problem(rows[i].label, &r, 422, "invalid", rows[i].member);
    }
}

static void test_forbidden_url(void)
{
    const char *body = "{\"to\":{\"user\":\"maria\"},\"kind\":\"media\",\"media\":{\"url\":\"http:/"
                       "/127.0.0.1/x.png\"}}";
    struct reply_to r = post(body);

    CHECK_INT("allowed in this configuration", r.status, 202);
    w->settings->allow_private_callbacks = false;
    r = post(body);
    check_problem("refused at once", &r, 422, "forbidden-address", "media.url");
    w->settings->allow_private_callbacks = true;
}

#define TEMPLATE                                                                           \
    "{\"to\":{\"user\":\"maria\"},\"kind\":\"template\",\"template\":{\"name\":\"hello\"," \
    "\"params\":[\"Ada\",7]},\"work_order\":\"WO-5\"}"

static void test_sent(void)
{
    struct reply_to r = post(TEMPLATE);

    CHECK_INT("accepted", r.status, 202);
    CHECK_Z("queued", at(&r, "state"), "queued");
    CHECK("with an id", id_is(at(&r, "id")));
    r = message_in(at(&r, "id"), "sent");
    CHECK_Z("kind", at(&r, "kind"), "template");
    CHECK_Z("to", at(&r, "to.user"), "maria");
    CHECK_Z("language of the tenant", at(&r, "template.language"), "en");
    CHECK_Z("parameters", at(&r, "template.params.1"), "7");
    CHECK_Z("work order", at(&r, "work_order"), "WO-5");
    CHECK_Z("priority", at(&r, "priority"), "medium");
    CHECK_INT("attempts", at_int(&r, "attempts"), 1);
    CHECK_Z("timeline", at(&r, "timeline.0.state"), "queued");
    CHECK_Z("goes on", at(&r, "timeline.1.state"), "sending");
    CHECK_Z("to sent", at(&r, "timeline.2.state"), "sent");
    CHECK("with times",
          str_ends(at(&r, "timeline.2.at"), STR("Z")) && at(&r, "timeline.2.at").n == 24);
}

static void test_failed(void)
{
    struct reply_to r = post("{\"to\":{\"phone\":\"+12025550117\"},\"kind\":\"text\",\"text\":"
                             "\"Hello\",\"priority\":\"high\"}");

    r = message_in(at(&r, "id"), "failed");
    CHECK("outside the window: it says so",
          str_find(at(&r, "error.title"), STR("24-hour window")) != SIZE_MAX);
    CHECK("and what to do", at(&r, "error.advice").n > 0);
    CHECK_Z("in the timeline too", at(&r, "timeline.1.state"), "failed");
    CHECK_STR("with the reason", at(&r, "timeline.1.error.title"), at(&r, "error.title"));
    CHECK_Z("found by its phone", at(&r, "to.user"), "maria");
    r = post("{\"to\":{\"user\":\"off\"},\"kind\":\"text\",\"text\":\"by name\"}");
    CHECK_INT("a switched-off class does not stop what is meant by name", r.status, 202);
}

static void test_later(void)
{
    struct str then = in_days(w, 30);
    struct reply_to r = post(arena_printf(w->a,
                                          "{\"to\":{\"user\":\"maria\"},\"kind\":\"template\","
                                          "\"template\":{\"name\":\"later\"},\"send_at\":\"%.*s\"}",
                                          STR_ARG(then))
                                 .p);

    CHECK_INT("for later", r.status, 202);
    world_run(w, 100);
    r = message(at(&r, "id"));
    CHECK_Z("stays queued", at(&r, "state"), "queued");
    CHECK_STR("until then", at(&r, "send_at"), then);
}

static void test_idempotency(void)
{
    struct ask q = {.who = ACME_CMMS,
                    .method = "POST",
                    .path = "/api/v1/messages",
                    .body = STR(TEMPLATE),
                    .key = "once"};
    struct reply_to first = ask(w, &q), again = ask(w, &q), r;
    struct flight *a, *b;

    CHECK_INT("first", first.status, 202);
    CHECK_INT("again", again.status, 202);
    CHECK_STR("the first reply", again.body, first.body);
    q.body = STR(
        "{\"to\":{\"user\":\"maria\"},\"kind\":\"template\",\"template\":{\"name\":\"other\"}}");
    r = ask(w, &q);
    check_problem("another body", &r, 409, "idempotency-key-reused", NULL);
    q.who = ACME_ADMIN;
    q.path = "/api/whatsapp/send-test";
    q.body = STR("{\"to\":\"+12025550117\"}");
    r = ask(w, &q);
    CHECK_INT("the same key on another path is another request", r.status, 202);
    q = (struct ask){.who = ACME_CMMS,
                     .method = "POST",
                     .path = "/api/v1/messages",
                     .body = STR(TEMPLATE),
                     .key = "race"};
    a = ask_begin(w, &q);
    b = ask_begin(w, &q);
    first = ask_end(w, &a);
    again = ask_end(w, &b);
    CHECK_INT("two at once", again.status, 202);
    CHECK_STR("are one", again.body, first.body);
    q = (struct ask){.who = BETA_CMMS,
                     .method = "POST",
                     .path = "/api/v1/messages",
                     .key = "once",
                     .body = STR("{\"to\":{\"user\":\"beto\"},\"kind\":\"template\",\"template\":{"
                                 "\"name\":\"hello\"}}")};
    r = ask(w, &q);
    CHECK("another tenant's key is another key",
          r.status == 202 && !str_eq(at(&r, "id"), at(&first, "id")));
    q.key = arena_printf(w->a, "%0300d", 1).p;
    r = ask(w, &q);
    check_problem("a long key", &r, 400, "bad-request", NULL);
}

static void test_send_test(void)
{
    struct reply_to r = ask_json(w, ACME_ADMIN, "POST", "/api/whatsapp/send-test",
                                 "{\"to\":\"+34 600 123 456\",\"message\":\"Hi\"}");

    CHECK_INT("to any number", r.status, 202);
    r = message_in(at(&r, "id"), "failed");
    CHECK_Z("the number", at(&r, "to.phone"), "+34600123456");
    CHECK("is no person", json_path(r.j, "to.user") == NULL);
    CHECK("outside the window", str_find(at(&r, "error.title"), STR("window")) != SIZE_MAX);
    r = ask_json(w, ACME_ADMIN, "POST", "/api/whatsapp/send-test", "{\"to\":\"123\"}");
    check_problem("no number", &r, 422, "invalid", "to");
    r = ask_json(w, ACME_ADMIN, "POST", "/api/whatsapp/send-test",
                 "{\"to\":\"+12025550117\",\"message\":7}");
    check_problem("no text", &r, 422, "invalid", "message");
    r = ask_json(w, ACME_ADMIN, "POST", "/api/whatsapp/send-test", "{\"to\":\"+12025550119\"}");
    check_problem("STOP ALL holds for tests too", &r, 422, "invalid", "to");
}

/* ---- the log ---- */

static size_t listed(const char *whom)
{
    struct reply_to r = get(arena_printf(w->a, "/api/v1/messages?limit=500%s", whom).p);

    return items(&r);
}

/* The log about @whom, in pages, is all of it, once: while nothing comes to it. Returns how much there is. */
static size_t walk(const char *whom)
{
    struct reply_to r, all = get(arena_printf(w->a, "/api/v1/messages?limit=500%s", whom).p);
    char path[400];
    size_t n = 0;
    struct str last = STR("~");

    snprintf(path, sizeof(path), "/api/v1/messages?limit=3%s", whom);

    for (int page = 0; page < 100; page++) {
        r = get(path);
        CHECK("a page is at most its limit", items(&r) <= 3);
        for (size_t i = 0; i < items(&r); i++, n++) {
            struct str id = json_get_str(json_at(json_get(r.j, "items"), i), "id");

            CHECK("newest first", str_cmp(id, last) < 0);
            last = id;
        }
        if (json_kind(json_get(r.j, "next_cursor")) == JSON_NULL) {
            break;
        }
        snprintf(path, sizeof(path), "/api/v1/messages?limit=3%s&cursor=%.*s", whom,
                 STR_ARG(at(&r, "next_cursor")));
    }
    CHECK_INT("all of them, once", n, items(&all));
    CHECK("without timelines", json_path(all.j, "items.0.timeline") == NULL);
    return n;
}

static void test_log_pages(void)
{
    CHECK("there are some", walk("") > 6);
}

/* Hers are in the log about her, between the others, also where only the broadcast names them. */
static void test_log_broadcasts(void)
{
    size_t before = walk("&user=maria");
    struct reply_to r;

    for (int i = 0; i < 5; i++) {
        r = ask_json(w, ACME_ADMIN, "POST", "/api/v1/broadcasts",
                     "{\"text\":\"Leave hall B\",\"audience\":{\"users\":[\"maria\"]}}");
        CHECK_INT("accepted", r.status, 202);
        post("{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"between\"}");
        for (int k = 0; k < 300 && listed("&user=maria") < before + 2 * (size_t)(i + 1); k++) {
            world_run(w, 10);
        }
        walk("&user=maria");
    }
    CHECK_INT("all ten", walk("&user=maria"), before + 10);
    r = get("/api/v1/messages?user=maria&limit=500&to=2020-01-01");
    CHECK_INT("none that old", items(&r), 0);
    r = get("/api/v1/messages?user=maria&limit=500&from=2020-01-01");
    CHECK_INT("all since", items(&r), before + 10);
}

static void all_have(const char *path, const char *member, const char *value, size_t least)
{
    struct reply_to r = get(path);

    CHECK(path, items(&r) >= least);
    for (size_t i = 0; i < items(&r); i++) {
        CHECK_Z(path, json_str(json_path(json_at(json_get(r.j, "items"), i), member)), value);
    }
}

static void test_log_filters(void)
{
    struct reply_to r;

    all_have("/api/v1/messages?user=maria", "to.user", "maria", 4);
    all_have("/api/v1/messages?state=failed", "state", "failed", 2);
    all_have("/api/v1/messages?kind=template", "kind", "template", 3);
    all_have("/api/v1/messages?work_order=wo-5", "work_order", "WO-5", 1);
    all_have("/api/v1/messages?user=maria&state=sent&kind=template&work_order=5", "state", "sent",
             1);
    r = get("/api/v1/messages?user=beto");
    CHECK_INT("nobody of another tenant", items(&r), 0);
    r = get("/api/v1/messages?to=2020-01-01");
    CHECK_INT("nothing that old", items(&r), 0);
    r = get("/api/v1/messages?from=2999-01-01");
    CHECK_INT("nothing to come", items(&r), 0);
    r = get("/api/v1/messages?from=2020-01-01&to=2999-01-01T00:00:00Z");
    CHECK("all between", items(&r) > 6);
    r = get("/api/v1/messages?direction=in");
    CHECK_INT("nothing said to us is kept here", items(&r), 0);
}

static void test_csv(void)
{
    struct ask q = {
        .who = ACME_VIEWER, .method = "GET", .path = "/api/v1/messages", .accept = "text/csv"};
    struct reply_to r, all = get("/api/v1/messages?limit=500");
    size_t lines = 0;

    post("{\"to\":{\"user\":\"maria\"},\"kind\":\"text\",\"text\":\"=HYPERLINK(\\\"x\\\")\\nsecond,"
         " line\"}");
    r = ask(w, &q);
    CHECK_INT("export", r.status, 200);
    CHECK("its type", str_starts(r.type, STR("text/csv")));
    CHECK("a file", str_find(r.disposition, STR("messages.csv")) != SIZE_MAX);
    CHECK_Z("not to be kept", r.cache, "no-store");
    CHECK("a header", str_starts(r.body, STR("id,created_at,")));
    CHECK("formulas are text",
          str_find(r.body, STR("\"'=HYPERLINK(\"\"x\"\")\nsecond, line\"")) != SIZE_MAX);
    CHECK("numbers too", str_find(r.body, STR("\"'+12025550117\"")) != SIZE_MAX);
    for (size_t i = 0; i + 1 < r.body.n; i++) {
        lines += r.body.p[i] == '\r' && r.body.p[i + 1] == '\n' ? 1 : 0;
    }
    CHECK_INT("all of them", lines, items(&all) + 2);
}

static void test_missing(void)
{
    struct reply_to r = get("/api/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV"),
                    mine = get("/api/v1/messages?limit=1");
    struct str id = at(&mine, "items.0.id");

    check_problem("no such message", &r, 404, "not-found", NULL);
    r = ask_json(w, BETA_ADMIN, "GET", arena_printf(w->a, "/api/v1/messages/%.*s", STR_ARG(id)).p,
                 NULL);
    check_problem("another tenant's message", &r, 404, "not-found", NULL);
}

static void test_deleting_a_person(void)
{
    struct reply_to before = get("/api/v1/messages?user=maria"), r;

    CHECK("has messages", items(&before) > 3);
    r = ask_json(w, ACME_CMMS, "DELETE", "/api/v1/users/maria", NULL);
    CHECK_INT("deleted", r.status, 204);
    r = get("/api/v1/messages?user=maria");
    CHECK_INT("takes the messages along", items(&r), 0);
    r = message(at(&before, "items.0.id"));
    check_problem("each of them", &r, 404, "not-found", NULL);
    r = ask_json(w, ACME_CMMS, "DELETE", "/api/v1/users/maria", NULL);
    check_problem("gone", &r, 404, "not-found", NULL);
    r = get("/api/v1/messages?limit=500");
    CHECK("nothing of hers is left in the log", str_find(r.body, STR("12025550117")) == SIZE_MAX);
}

/* Who speaks to a team has a name, not a text: what could not be kept is not taken. */
static void test_team(void)
{
    static const struct {
        const char *label;
        int from, status;
    } rows[] = {
        {"a name",          12,    202},
        {"a long one",      200,   202},
        {"one more",        201,   422},
        {"more than fits",  70000, 422},
    };
    struct reply_to r;

    person(ACME_CMMS, "{\"id\":\"tim\",\"name\":\"Tim\",\"phone\":\"+12025550121\",\"verified\":"
                      "true,\"teams\":[\"crew\"]}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *from = mem_array((size_t)rows[i].from + 1, 1);

        memset(from, 'x', (size_t)rows[i].from);
        r = ask_json(w, ACME_CMMS, "POST", "/api/v1/teams/crew/messages",
                     arena_printf(w->a, "{\"text\":\"crane %zu is free\",\"from\":\"%s\"}", i, from).p);
        mem_free(&from);
        CHECK_INT(rows[i].label, r.status, rows[i].status);
        if (rows[i].status == 422) {
            check_problem(rows[i].label, &r, 422, "invalid", "from");
        }
    }
    r = get("/api/v1/messages?user=tim");
    for (int i = 0; i < 300 && items(&r) < 2; i++) {
        world_run(w, 10);
        r = get("/api/v1/messages?user=tim");
    }
    CHECK_INT("what was taken is said", items(&r), 2);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_people),        TEST(test_refusals),
        TEST(test_forbidden_url), TEST(test_sent),
        TEST(test_failed),        TEST(test_later),
        TEST(test_idempotency),   TEST(test_send_test),
        TEST(test_log_pages),     TEST(test_log_broadcasts),
        TEST(test_log_filters),   TEST(test_csv),
        TEST(test_missing),       TEST(test_deleting_a_person),
        TEST(test_team),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
