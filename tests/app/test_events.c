/* POST /api/v1/events in every mode, and the outbox that a polling CMMS reads. */
#include "base/mem.h"
#include "base/text.h"
#include "world.h"

static struct world *w;

static struct str order_event(const char *id, const char *number, int rev, const char *title)
{
    return arena_printf(
        w->a,
        "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/cmms/acme\","
        "\"type\":\"cmms.workorder.created.v1\",\"data\":{\"workorder\":{\"id\":\"o-%s\","
        "\"number\":\"%s\",\"title\":\"%s\",\"status\":\"open\",\"priority\":\"high\",\"rev\":%d}}"
        "}",
        id, number, number, title, rev);
}

static struct reply_to post(enum who who, struct str body, const char *type, const char *key)
{
    const struct ask q = {.who = who,
                          .method = "POST",
                          .path = "/api/v1/events",
                          .body = body,
                          .type = type,
                          .key = key};

    return ask(w, &q);
}

#define SINGLE "application/cloudevents+json"
#define BATCH  "application/cloudevents-batch+json"

static void test_single(void)
{
    struct str e = order_event("e1", "WO-1", 1, "Pump");
    struct reply_to r = post(ACME_CMMS, e, SINGLE, NULL);

    CHECK_INT("accepted", r.status, 202);
    CHECK_Z("with its id", at(&r, "results.0.id"), "e1");
    CHECK_Z("as accepted", at(&r, "results.0.status"), "accepted");
    r = post(ACME_CMMS, e, "application/cloudevents+json; charset=utf-8", NULL);
    CHECK_INT("again", r.status, 202);
    CHECK_Z("is a duplicate", at(&r, "results.0.status"), "duplicate");
    r = post(ACME_CMMS, arena_printf(w->a, " %.*s\n", STR_ARG(e)), SINGLE, NULL);
    CHECK_Z("other spacing is the same event", at(&r, "results.0.status"), "duplicate");
    r = post(ACME_CMMS, order_event("e1", "WO-1", 1, "Another"), SINGLE, NULL);
    check_problem("the same id with another body", &r, 409, "conflict", "id");
    r = post(ACME_CMMS, order_event("e1b", "WO-1", 0, "Older"), SINGLE, NULL);
    CHECK_Z("an older revision is a duplicate", at(&r, "results.0.status"), "duplicate");
}

static void test_shapes(void)
{
    static const struct {
        const char *label, *body;
        int status;
        const char *member;
    } rows[] = {
        {"no id",
         "{\"specversion\":\"1.0\",\"source\":\"/"
         "a\",\"type\":\"cmms.workorder.created.v1\",\"data\":{}}",                                                400, "id"                    },
        {"no source",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"type\":\"cmms.workorder.created.v1\",\"data\":{}"
         "}",                                                                                                      400, "source"                },
        {"no type",                        "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/a\",\"data\":{}}", 400,
         "type"                                                                                                                                 },
        {"type no text",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/a\",\"type\":7,\"data\":{}}",                        400,
         "type"                                                                                                                                 },
        {"no data",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.workorder.created.v1\"}",                                                            400, "data"                  },
        {"other version",
         "{\"specversion\":\"0.3\",\"id\":\"x\",\"source\":\"/a\",\"type\":\"t\",\"data\":{}}",                    400,
         "specversion"                                                                                                                          },
        {"bad time",
         "{\"specversion\":\"1.0\",\"time\":\"now\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"t\",\"data\":{}}",                                                                        400, "time"                  },
        {"unknown type",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.song.v1\",\"data\":{}}",                                                             422, "type"                  },
        {"no order",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.workorder.created.v1\",\"data\":{}}",                                                422, "data.workorder"        },
        {"no number",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.workorder.created.v1\","
         "\"data\":{\"workorder\":{\"id\":\"o\",\"title\":\"t\",\"status\":\"open\"}}}",                           422, NULL                    },
        {"a request of nobody knows what",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.request.created.v1\",\"data\":{\"request\":{\"id\":\"r1\"}}}",                       422, "data.request.text"     },
        {"a machine without its state",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.asset.status_changed.v1\",\"data\":{\"asset\":{\"id\":\"p1\"}}}",                    422, "data.asset.status"     },
        {"material for nobody",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.training.published.v1\",\"data\":{\"training\":{\"id\":\"t\","
         "\"title\":\"T\"}}}",                                                                                     422, "data.training.audience"},
        {"no material",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.training.published.v1\",\"data\":{}}",                                               422, "data.training"         },
        {"no such status",
         "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/"
         "a\",\"type\":\"cmms.workorder.created.v1\","
         "\"data\":{\"workorder\":{\"id\":\"o\",\"number\":\"1\",\"title\":\"t\",\"status\":"
         "\"lost\"}}}",                                                                                            422, NULL                    },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_to r = post(ACME_CMMS, str_of(rows[i].body), SINGLE, NULL);

        check_problem(rows[i].label, &r, rows[i].status, NULL, rows[i].member);
        CHECK(rows[i].label, at(&r, "member").n > 0);
    }
}

static void test_batch(void)
{
    struct str body = arena_printf(
        w->a, "[%.*s,{\"id\":\"b2\"},%.*s,7,%.*s]", STR_ARG(order_event("b1", "WO-11", 1, "A")),
        STR_ARG(order_event("b3", "WO-12", 1, "B")), STR_ARG(order_event("b1", "WO-11", 1, "C")));
    struct reply_to r = post(ACME_CMMS, body, BATCH, NULL);

    CHECK_INT("a batch with faults", r.status, 202);
    CHECK_INT("a result for each", json_len(json_get(r.j, "results")), 5);
    CHECK_Z("first", at(&r, "results.0.status"), "accepted");
    CHECK_Z("second", at(&r, "results.1.status"), "rejected");
    CHECK_Z("its id", at(&r, "results.1.id"), "b2");
    CHECK("and why", str_find(at(&r, "results.1.error"), STR("source")) != SIZE_MAX);
    CHECK_Z("third", at(&r, "results.2.status"), "accepted");
    CHECK_Z("no object", at(&r, "results.3.status"), "rejected");
    CHECK_Z("the same id with another body", at(&r, "results.4.status"), "rejected");
    r = post(ACME_CMMS, STR("[]"), BATCH, NULL);
    CHECK_INT("an empty batch", r.status, 202);
    CHECK_INT("has no results", json_len(json_get(r.j, "results")), 0);
    r = post(ACME_CMMS, STR("[]"), SINGLE, NULL);
    check_problem("a list as one event", &r, 400, "bad-request", NULL);
    r = post(ACME_CMMS, STR("{}"), BATCH, NULL);
    check_problem("one event as a batch", &r, 400, "bad-request", NULL);
}

static void test_large_batch(void)
{
    struct buf body;
    struct reply_to r;
    size_t accepted = 0;
    char id[32];

    buf_init(&body, (size_t)8 << 20);
    buf_add_char(&body, '[');
    for (int i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "m%d", i);
        buf_addf(&body, "%s%.*s", i > 0 ? "," : "", STR_ARG(order_event(id, id, 1, "Many")));
    }
    buf_addz(&body, "]");
    r = post(ACME_CMMS, buf_str(&body), BATCH, NULL);
    CHECK_INT("a thousand", r.status, 202);
    for (size_t i = 0; i < json_len(json_get(r.j, "results")); i++) {
        struct json *one = json_at(json_get(r.j, "results"), i);

        snprintf(id, sizeof(id), "m%zu", i);
        CHECK_Z("in order", json_get_str(one, "id"), id);
        accepted += str_eqz(json_get_str(one, "status"), "accepted") ? 1 : 0;
    }
    CHECK_INT("all accepted", accepted, 1000);
    buf_cut(&body, body.n - 1);
    buf_addf(&body, ",%.*s]", STR_ARG(order_event("m1000", "m1000", 1, "Many")));
    r = post(ACME_CMMS, buf_str(&body), BATCH, NULL);
    check_problem("a thousand and one", &r, 413, "too-long", NULL);
    buf_reset(&body);
    buf_add_char(&body, '[');
    for (int i = 0; i < 1000; i++) {
        buf_addf(&body, "%s{}", i > 0 ? "," : "");
    }
    buf_addz(&body, "]");
    r = post(ACME_CMMS, buf_str(&body), BATCH, NULL);
    CHECK_INT("a thousand bad ones", json_len(json_get(r.j, "results")), 1000);
    CHECK_Z("all told", at(&r, "results.999.status"), "rejected");
    buf_fini(&body);
}

/* Big ones wait for one another; whoever hangs up gives his place on, and a wrong one too. */
static void test_many_large(void)
{
    enum { POSTS = 24, EVENTS = 120 };
    struct flight *flights[POSTS];
    struct ask q = {.who = ACME_CMMS, .method = "POST", .path = "/api/v1/events"};
    size_t answered = 0;

    for (int i = 0; i < POSTS; i++) {
        struct buf b;

        buf_init(&b, 1 << 20);
        buf_add_char(&b, '[');
        for (int k = 0; k < EVENTS; k++) {
            char id[32], number[32];

            snprintf(id, sizeof(id), "many-%d-%d", i, k);
            snprintf(number, sizeof(number), "MANY-%d-%d", i, k);
            buf_addz(&b, k > 0 ? "," : "");
            buf_add(&b,
                    order_event(id, number, 1, "A title long enough to make the batch a big one"));
        }
        buf_addz(&b, i % 8 == 7 ? "" : "]"); /* some are no JSON */
        CHECK("big", b.n > 8192);
        q.type = "application/cloudevents-batch+json";
        q.body = arena_dup(w->a, buf_str(&b));
        buf_fini(&b);
        flights[i] = ask_begin(w, &q);
    }
    world_run(w, 5);
    for (int i = 0; i < POSTS; i += 6) {
        ask_drop(&flights[i]);
    }
    for (int i = 0; i < POSTS; i++) {
        if (flights[i] != NULL) {
            struct reply_to r = ask_end(w, &flights[i]);

            CHECK_INT("answered", r.status, i % 8 == 7 ? 400 : 202);
            answered++;
        }
    }
    CHECK_INT("all but those that hung up", answered, POSTS - 4);
}

static void test_binary(void)
{
    struct ask q = {
        .who = ACME_CMMS,
        .method = "POST",
        .path = "/api/v1/events",
        .body = STR("{\"person\":{\"id\":\"bin1\",\"name\":\"Bina\"}}"),
        .extra = {"ce-specversion", "1.0", "ce-id", "bin%201", "ce-source", "/cmms", "CE-Type",
                  "cmms.person.upserted.v1"}
    };
    struct reply_to r = ask(w, &q);

    CHECK_INT("binary mode", r.status, 202);
    CHECK_Z("its header is decoded", at(&r, "results.0.id"), "bin 1");
    CHECK_Z("accepted", at(&r, "results.0.status"), "accepted");
    q.body = STR("");
    r = ask(w, &q);
    check_problem("without data", &r, 400, "bad-request", "data");
    q.body = STR("x");
    q.type = "text/plain";
    r = ask(w, &q);
    check_problem("with other data than JSON", &r, 415, NULL, NULL);
    q = (struct ask){
        .who = ACME_CMMS,
        .method = "POST",
        .path = "/api/v1/events",
        .body = STR("{}"),
        .extra = {"ce-specversion", "1.0", "ce-id", "x", "ce-type", "t"}
    };
    r = ask(w, &q);
    check_problem("without a source", &r, 400, "bad-request", "source");
}

static void test_plain(void)
{
    const char *body = "{\"type\":\"cmms.person.upserted.v1\",\"data\":{\"person\":{\"id\":"
                       "\"plain1\",\"name\":\"P\"}}}";
    struct reply_to r = post(ACME_CMMS, str_of(body), "application/json", NULL), again;

    CHECK_INT("plain JSON", r.status, 202);
    CHECK("gets an id", id_is(at(&r, "results.0.id")));
    r = post(ACME_CMMS, str_of(body), "application/json", "plain-key");
    CHECK_Z("with a key", at(&r, "results.0.status"), "accepted");
    again = post(ACME_CMMS, str_of(body), "application/json", "plain-key");
    CHECK_STR("the first reply again", again.body, r.body);
    r = post(ACME_CMMS, STR("{\"a\":1}"), "application/json", "plain-key");
    check_problem("the key with another body", &r, 409, "idempotency-key-reused",
                  "Idempotency-Key");
}

/* ---- what follows, and the outbox ---- */

static struct reply_to outbox(enum who who, const char *query)
{
    return ask_json(w, who, "GET", arena_printf(w->a, "/api/v1/outbox%s", query).p, NULL);
}

static void test_order_is_kept(void)
{
    struct reply_to r;

    post(ACME_CMMS, order_event("k1", "WO-77", 3, "Kept"), SINGLE, NULL);
    for (int i = 0; i < 100; i++) {
        world_run(w, 10);
        r = ask_json(w, ACME_VIEWER, "GET", "/api/v1/work_orders/wo-77", NULL);
        if (r.status == 200) {
            break;
        }
    }
    CHECK_INT("the copy is there", r.status, 200);
    CHECK_Z("with its title", at(&r, "title"), "Kept");
    r = ask_json(w, BETA_ADMIN, "GET", "/api/v1/work_orders/WO-77", NULL);
    check_problem("not for another tenant", &r, 404, "not-found", NULL);
}

static void test_outbox(void)
{
    struct reply_to r = outbox(BETA_CMMS, ""), next;
    char query[64];

    CHECK_INT("empty at first", items(&r), 0);
    CHECK_Z("with a usable cursor", at(&r, "next_cursor"), "0");
    for (int i = 1; i <= 5; i++) {
        char subject[8];

        snprintf(subject, sizeof(subject), "S%d", i);
        world_emit(w, "beta", subject);
    }
    r = outbox(BETA_CMMS, "?limit=2");
    CHECK_INT("a page", items(&r), 2);
    CHECK_Z("in order", at(&r, "items.0.subject"), "S1");
    CHECK_Z("with its sequence", at(&r, "items.1.sequence"), "2");
    CHECK_Z("and its tenant", at(&r, "items.1.tenantid"), "beta");
    CHECK_Z("its cause", at(&r, "items.1.correlationid"), "cause");
    snprintf(query, sizeof(query), "?after=%.*s", STR_ARG(at(&r, "next_cursor")));
    next = outbox(BETA_CMMS, query);
    CHECK_INT("the rest", items(&next), 3);
    CHECK_Z("gap-free", at(&next, "items.0.sequence"), "3");
    snprintf(query, sizeof(query), "?after=%.*s", STR_ARG(at(&next, "next_cursor")));
    next = outbox(BETA_CMMS, query);
    CHECK_INT("nothing behind it", items(&next), 0);
    CHECK_Z("the cursor stays usable", at(&next, "next_cursor"), "5");
    r = outbox(ACME_CMMS, "");
    CHECK("the other tenant has none of them", str_find(r.body, STR("\"beta\"")) == SIZE_MAX);
}

static void test_long_poll(void)
{
    struct ask q = {.who = BETA_VIEWER, .method = "GET", .path = "/api/v1/outbox?after=5&wait=1"};
    struct reply_to r = ask(w, &q);
    struct flight *f;

    CHECK_INT("after its wait it answers", items(&r), 0);
    CHECK("not before", r.ms >= 950 && r.ms < 3000);
    q.path = "/api/v1/outbox?after=5&wait=30";
    f = ask_begin(w, &q);
    world_run(w, 150);
    CHECK("it waits", !flight_done(f));
    world_emit(w, "acme", "elsewhere");
    world_run(w, 150);
    CHECK("another tenant's event wakes nobody", !flight_done(f));
    world_emit(w, "beta", "S6");
    r = ask_end(w, &f);
    CHECK_Z("a new event ends the wait", at(&r, "items.0.subject"), "S6");
    CHECK("long before its 30 s", r.ms < 10000);
    f = ask_begin(w, &(struct ask){.who = BETA_VIEWER,
                                   .method = "GET",
                                   .path = "/api/v1/outbox?after=6&wait=30"});
    world_run(w, 150);
    ask_drop(&f); /* hangs up while it waits: nothing is left behind (the sanitizer looks) */
    world_run(w, 150);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

/* Last, since nobody is let in any more. */
/* The oldest entry of an order makes room between two pages of its timeline: none is passed over. */
static void test_timeline_trimmed(void)
{
    static const char *const types[] = {"created", "comment_added", "comment_added", "comment_added"};
    struct reply_to all, one;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        CHECK_INT(types[i],
                  post(ACME_CMMS,
                       arena_printf(w->a,
                                    "{\"specversion\":\"1.0\",\"id\":\"tl-%zu\",\"source\":\"/tl\","
                                    "\"type\":\"cmms.workorder.%s.v1\",\"data\":{\"workorder\":{"
                                    "\"id\":\"tl1\",\"number\":\"TL-1\",\"title\":\"T\",\"status\":"
                                    "\"open\",\"rev\":%zu},\"comment\":{\"id\":\"c%zu\",\"text\":"
                                    "\"note %zu\",\"author\":\"Maria\"}}}",
                                    i, types[i], i + 1, i, i),
                       "application/cloudevents+json", NULL)
                      .status,
                  202);
        world_run(w, 100);
    }
    all = ask_json(w, ACME_CMMS, "GET", "/api/v1/work_orders/TL-1/timeline", NULL);
    CHECK_INT("entries", items(&all), 4);
    one = ask_json(w, ACME_CMMS, "GET", "/api/v1/work_orders/TL-1/timeline?limit=2", NULL);
    redis_fixture_command(w->redis, "LPOP {acme}:ot:tl1");
    one = ask_json(w, ACME_CMMS, "GET",
                   arena_printf(w->a, "/api/v1/work_orders/TL-1/timeline?limit=2&cursor=%.*s",
                                STR_ARG(at(&one, "next_cursor")))
                       .p,
                   NULL);
    CHECK_INT("the rest", items(&one), 2);
    CHECK_STR("the third", at(&one, "items.0.text"), at(&all, "items.2.text"));
    CHECK_STR("the fourth", at(&one, "items.1.text"), at(&all, "items.3.text"));
}

/* More messages about an order than an export has: it says so. */
static void test_export_cut(void)
{
    static const char line[] = "EVAL for\ti=1,5001\tdo\tredis.call('ZADD','{acme}:mo:tl1',0,"
                               "string.format('01M0000000%016d',i))\tend 0";
    struct reply_to r;

    redis_fixture_command(w->redis, line);
    r = ask_json(w, ACME_CMMS, "GET", "/api/v1/work_orders/TL-1/timeline?export=evidence", NULL);
    CHECK_INT("exported", r.status, 200);
    CHECK("it says that there are more", str_find(r.body, STR("\"cut\"")) != SIZE_MAX);
    redis_fixture_command(w->redis, "DEL {acme}:mo:tl1");
}

static void test_drain(void)
{
    struct ask q = {.who = BETA_CMMS, .method = "GET", .path = "/api/v1/outbox?after=99&wait=30"};
    struct flight *f = ask_begin(w, &q);
    struct reply_to r;
    bool drained = false;

    world_run(w, 150);
    CHECK("it waits", !flight_done(f));
    app_drain(w->app, on_drained, &drained);
    r = ask_end(w, &f);
    CHECK_INT("the end of the gateway ends a wait", r.status, 200);
    CHECK_Z("with a usable cursor", at(&r, "next_cursor"), "99");
    CHECK("long before its 30 s", r.ms < 10000);
    for (int i = 0; i < 100 && !drained; i++) {
        world_run(w, 10);
    }
    CHECK("drained", drained);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_single),     TEST(test_shapes),    TEST(test_batch), TEST(test_large_batch),
        TEST(test_many_large), TEST(test_binary),    TEST(test_plain), TEST(test_order_is_kept),
        TEST(test_outbox),     TEST(test_long_poll), TEST(test_timeline_trimmed), TEST(test_export_cut), TEST(test_drain),
    };
    int code;

    w = world_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    world_free(&w);
    return code;
}
