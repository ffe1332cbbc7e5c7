/* What the HTTP client does when all goes well, or is told to stop. */
#include "client_fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_ok(void)
{
    struct client_fixture f;
    struct shot s;
    struct http_client_stats st;

    client_setup(&f, 8);
    shot_run(&s, &f, "GET", "/ok", STR_NONE, 0);
    CHECK_INT("status", s.status, 200);
    CHECK_INT("no error", s.err.code, ERR_NONE);
    CHECK_Z("body", buf_str(&s.body), "{\"ok\":true}");
    CHECK_STR("header: name in lower case, value trimmed", str_of(s.mixed), STR("two words"));
    CHECK("http/1.1", !s.http2);
    CHECK_INT("retry-after", s.retry_after_s, 0);
    http_client_stats(f.client, &st);
    CHECK_INT("started", st.started, 1);
    CHECK_INT("done", st.done, 1);
    CHECK_INT("failed", st.failed, 0);
    CHECK_INT("in flight", st.in_flight, 0);
    CHECK_INT("opened", st.connections_opened, 1);
    shot_fini(&s);
    shot_run(&s, &f, "GET", "/interim", STR_NONE, 0);
    CHECK_INT("after 100 and 103", s.status, 200);
    CHECK_INT("fields of the last block only", s.nheaders, 3);
    shot_fini(&s);
    client_teardown(&f);
}

static bool holds(const struct buf *b, const char *what)
{
    return str_find(buf_str(b), str_of(what)) != SIZE_MAX;
}

/* What goes over the wire, and what must not. */
static void test_request(void)
{
    static const struct pair headers[] = {
        {{"Content-Type", 12}, {"application/json", 16}},
        {{"X-Empty", 7},       {"", 0}                 },
    };
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 8);
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("all_proxy", "http://127.0.0.1:9", 1);
    for (int i = 0; i < 3; i++) { /* the second and third reuse the easy handle */
        shot_init(&s, &f, "POST", "/echo?a=b");
        s.call.headers = headers;
        s.call.nheaders = ARRAY_LEN(headers);
        s.call.basic_user = STR("AC123");
        s.call.basic_password = STR("se:cret");
        s.call.body = STR("{\"to\":\"x\"}");
        s.call.flags = i == 1 ? HTTP_IDEMPOTENT : 0;
        shot_start(&s, &f);
        CHECK("done", shot_wait(&s, &f, 5000));
        CHECK("line", holds(&s.body, "POST /echo?a=b HTTP/1.1\r\n"));
        CHECK("type", holds(&s.body, "\r\nContent-Type: application/json\r\n"));
        CHECK("empty value", holds(&s.body, "\r\nX-Empty:\r\n"));
        CHECK("length", holds(&s.body, "\r\nContent-Length: 10\r\n"));
        CHECK("basic", holds(&s.body, "\r\nAuthorization: Basic QUMxMjM6c2U6Y3JldA==\r\n"));
        CHECK("agent", holds(&s.body, "\r\nUser-Agent: crewline/0.1\r\n"));
        CHECK("no expect", !holds(&s.body, "Expect"));
        CHECK("no coding", !holds(&s.body, "Accept-Encoding"));
        CHECK("body", holds(&s.body, "\r\n\r\n{\"to\":\"x\"}"));
        shot_fini(&s);
        shot_run(&s, &f, "GET", "/echo", STR_NONE, 0);
        CHECK("get after post", holds(&s.body, "GET /echo HTTP/1.1\r\n"));
        CHECK("no credentials left", !holds(&s.body, "Authorization"));
        CHECK("no length left", !holds(&s.body, "Content-Length"));
        shot_fini(&s);
    }
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    client_teardown(&f);
}

static void test_methods(void)
{
    static const struct {
        const char *method, *body, *line, *length;
    } rows[] = {
        {"PUT",    "abc", "PUT /echo HTTP/1.1",    "Content-Length: 3"},
        {"DELETE", "",    "DELETE /echo HTTP/1.1", NULL               },
        {"PATCH",  "abc", "PATCH /echo HTTP/1.1",  "Content-Length: 3"},
        {"POST",   "",    "POST /echo HTTP/1.1",   "Content-Length: 0"},
        {"GET",    "",    "GET /echo HTTP/1.1",    NULL               },
        {"DELETE", "abc", "DELETE /echo HTTP/1.1", "Content-Length: 3"},
    };
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
        size_t k = i % ARRAY_LEN(rows);

        shot_run(&s, &f, rows[k].method, "/echo", str_of(rows[k].body),
                 i < ARRAY_LEN(rows) ? 0 : HTTP_IDEMPOTENT);
        CHECK(rows[k].method, holds(&s.body, rows[k].line));
        CHECK(rows[k].method, rows[k].length == NULL ? !holds(&s.body, "Content-Length")
                                                     : holds(&s.body, rows[k].length));
        CHECK(rows[k].method, !holds(&s.body, "x-www-form-urlencoded"));
        CHECK(rows[k].method, str_ends(buf_str(&s.body), str_of(rows[k].body)));
        shot_fini(&s);
    }
    shot_run(&s, &f, "HEAD", "/status/200", STR_NONE, 0);
    CHECK_INT("head", s.status, 200);
    shot_fini(&s);
    shot_run(&s, &f, "GET", "/ok", STR_NONE, 0);
    CHECK_Z("get after head has a body", buf_str(&s.body), "{\"ok\":true}");
    shot_fini(&s);
    client_teardown(&f);
}

static void test_statuses(void)
{
    static const int rows[] = {200, 204, 302, 304, 400, 401, 404, 409, 429, 500, 503};
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char path[32];

        snprintf(path, sizeof(path), "/status/%d", rows[i]);
        shot_run(&s, &f, i % 2 == 0 ? "GET" : "POST", path, STR_NONE, 0);
        CHECK_INT(path, s.status, rows[i]);
        CHECK_INT(path, s.err.code, ERR_NONE);
        shot_fini(&s);
    }
    shot_run(&s, &f, "POST", "/redirect", STR("x"), 0);
    CHECK_INT("redirect is an answer", s.status, 302);
    CHECK_INT("and not followed", rude_seen(f.server, "redirected"), 0);
    shot_fini(&s);
    shot_run(&s, &f, "POST", "/close", STR("x"), 0);
    CHECK_Z("answer and close", buf_str(&s.body), "bye");
    shot_fini(&s);
    client_teardown(&f);
}

#define MANY 200
static struct shot many[MANY];

static void start_many(struct client_fixture *f, size_t n, const char *path, struct str body)
{
    for (size_t i = 0; i < n; i++) {
        shot_init(&many[i], f, body.n > 0 ? "POST" : "GET", path);
        many[i].call.body = body;
        shot_start(&many[i], f);
    }
}

static void finish_many(struct client_fixture *f, size_t n, int status)
{
    for (size_t i = 0; i < n; i++) {
        CHECK("ended", shot_wait(&many[i], f, 10000));
        CHECK_INT("once", many[i].ends, 1);
        CHECK_INT("status", many[i].status, status);
        shot_fini(&many[i]);
    }
}

static void test_parallel(void)
{
    struct client_fixture f;
    struct rude_counts counts;
    int64_t t = mono_now().us;

    client_setup(&f, 64);
    start_many(&f, 64, "/slow/200", STR("body"));
    finish_many(&f, 64, 200);
    CHECK("at once, not one by one", mono_now().us - t < 3000000);
    rude_counts(f.server, &counts);
    CHECK_INT("each once", counts.bodies, 64);
    CHECK_INT("connections", counts.connections, 64);
    start_many(&f, 64, "/ok", STR("body"));
    finish_many(&f, 64, 200);
    rude_counts(f.server, &counts);
    CHECK_INT("reused", counts.connections, 64);
    client_teardown(&f);
}

static void test_cap(void)
{
    struct client_fixture f;
    struct rude_counts counts;
    struct http_client_stats st;

    client_setup(&f, 4);
    start_many(&f, MANY, "/slow/5", STR("body"));
    http_client_stats(f.client, &st);
    CHECK_INT("in flight", st.in_flight, MANY);
    finish_many(&f, MANY, 200);
    rude_counts(f.server, &counts);
    CHECK_INT("each once", counts.bodies, MANY);
    CHECK("never more than 4", counts.open_most <= 4);
    CHECK_INT("and no more were made", counts.connections, 4);
    client_teardown(&f);
}

/* A host that hangs has its own queue: another is served meanwhile. */
static void test_hosts_apart(void)
{
    struct client_fixture f;
    struct rude_server *other = rude_start();
    struct shot s;
    char url[64];
    int64_t t;

    client_setup(&f, 2);
    start_many(&f, 50, "/slow/60000", STR("body"));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", rude_port(other));
    t = mono_now().us;
    shot_run(&s, &f, "GET", url, STR_NONE, 0);
    CHECK_INT("served", s.status, 200);
    CHECK("at once", mono_now().us - t < 1000000);
    shot_fini(&s);
    for (size_t i = 0; i < 50; i++) {
        op_cancel(&many[i].op);
        shot_fini(&many[i]);
    }
    client_teardown(&f);
    rude_stop(&other);
}

/* Idle connections do not hold the loop. */
static void test_loop_ends(void)
{
    struct client_fixture f;
    struct http_client_stats st;
    int64_t t;

    client_setup(&f, 8);
    start_many(&f, 20, "/slow/20", STR("x"));
    t = mono_now().us;
    loop_run(f.loop);
    CHECK("it ended by itself", mono_now().us - t < 5000000);
    http_client_stats(f.client, &st);
    CHECK_INT("but not before all were done", st.done, 20);
    finish_many(&f, 20, 200);
    client_teardown(&f);
}

static void test_limits(void)
{
    static const struct {
        const char *path;
        size_t max;
        enum err_code code;
        size_t got;
    } rows[] = {
        {"/big/1000",        1000, ERR_NONE,     1000   },
        {"/big/1001",        1000, ERR_TOO_LONG, 0      },
        {"/chunked/1000",    1000, ERR_NONE,     1000   },
        {"/chunked/1001",    1000, ERR_TOO_LONG, 0      },
        {"/big/1048576",     0,    ERR_NONE,     1048576},
        {"/big/1048577",     0,    ERR_TOO_LONG, 0      },
        {"/chunked/9000000", 0,    ERR_TOO_LONG, 0      },
        {"/fields/120",      0,    ERR_NONE,     0      },
        {"/fields/200",      0,    ERR_TOO_LONG, 0      },
    };
    struct client_fixture f;

    client_setup(&f, 8);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct shot s;

        shot_init(&s, &f, "GET", rows[i].path);
        s.call.response_bytes_max = rows[i].max;
        shot_start(&s, &f);
        CHECK(rows[i].path, shot_wait(&s, &f, 10000));
        CHECK_INT(rows[i].path, s.err.code, rows[i].code);
        CHECK_INT(rows[i].path, s.body.n, rows[i].got);
        shot_fini(&s);
    }
    client_teardown(&f);
}

static size_t streamed, stop_at;
static struct shot *cancel_in_data;

static bool on_data(void *ctx, struct str bytes)
{
    (void)ctx;
    streamed += bytes.n;
    if (cancel_in_data != NULL) {
        op_cancel(&cancel_in_data->op);
    }
    return stop_at == 0 || streamed < stop_at;
}

static int heads;
static struct shot *pause_in_data;

static bool on_head(void *ctx, const struct http_answer *head)
{
    (void)ctx;
    CHECK("before the body", streamed == 0 && head->status == 200 && head->headers.n > 0);
    heads++;
    return true;
}

static bool on_data_then_pause(void *ctx, struct str bytes)
{
    (void)ctx;
    streamed += bytes.n;
    http_call_pause(pause_in_data->op);
    return true;
}

/* What is paused brings nothing more; resumed, all of it comes, once. */
static void test_pause(void)
{
    struct client_fixture f;
    struct shot s;
    size_t before;

    client_setup(&f, 8);
    shot_init(&s, &f, "GET", "/chunked/300000");
    pause_in_data = &s;
    streamed = 0;
    s.call.on_head = on_head;
    s.call.on_data = on_data_then_pause;
    s.call.response_bytes_max = 300000;
    shot_start(&s, &f);
    shot_wait(&s, &f, 300);
    before = streamed;
    CHECK("one piece", before > 0 && before < 300000 && s.ends == 0);
    shot_wait(&s, &f, 200);
    CHECK_INT("and no more", streamed, before);
    while (s.ends == 0 && s.op != NULL) {
        http_call_resume(s.op);
        shot_wait(&s, &f, 5);
    }
    CHECK_INT("all came", streamed, 300000);
    CHECK_INT("told once", heads, 1);
    CHECK_INT("status", s.status, 200);
    streamed = 0;
    shot_fini(&s);
    client_teardown(&f);
}

static void test_stream(void)
{
    struct client_fixture f;
    struct shot s;

    client_setup(&f, 8);
    shot_init(&s, &f, "GET", "/chunked/3000000");
    s.call.on_data = on_data;
    s.call.response_bytes_max = 3000000;
    shot_start(&s, &f);
    CHECK("ended", shot_wait(&s, &f, 10000));
    CHECK_INT("all came", streamed, 3000000);
    CHECK_INT("nothing collected", s.body.n, 0);
    CHECK_INT("status", s.status, 200);

    streamed = 0;
    s.ends = 0;
    s.call.response_bytes_max = 2999999;
    shot_start(&s, &f);
    CHECK("ended", shot_wait(&s, &f, 10000));
    CHECK_INT("over the cap", s.err.code, ERR_TOO_LONG);
    CHECK("the cap held", streamed <= 2999999);

    streamed = 0;
    stop_at = 100000;
    s.ends = 0;
    shot_start(&s, &f);
    CHECK("ended", shot_wait(&s, &f, 10000));
    CHECK_INT("stopped by the reader", s.err.code, ERR_CANCELLED);

    stop_at = 0;
    s.ends = 0;
    cancel_in_data = &s;
    shot_start(&s, &f);
    run_ms(&f, 200);
    CHECK_INT("cancelled inside libcurl's callback: no word", s.ends, 0);
    cancel_in_data = NULL;
    shot_fini(&s);
    client_teardown(&f);
}

static void cancel_other(struct shot *s)
{
    struct shot *other = s->arg;

    op_cancel(&other->op);
}

/* A listener whose queue is full: who connects now waits. */
static void full_listener(int fds[4], char *url, size_t url_bytes)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fds[0], (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fds[0], 0) != 0 ||
        getsockname(fds[0], (struct sockaddr *)&addr, &len) != 0) {
        abort();
    }
    for (int i = 1; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&addr, sizeof(addr));
    }
    snprintf(url, url_bytes, "http://127.0.0.1:%d/", ntohs(addr.sin_port));
}

/* At every state: queued, waiting for its host, resolving, waiting, reading, failed, in a callback.
 */
static void test_cancel(void)
{
    char full[64] = "";
    const struct {
        const char *label, *path;
        int64_t after_ms;
    } rows[] = {
        {"queued",         "/ok",                 0  },
        {"resolving",      "http://slow.test/ok", 50 },
        {"connecting",     full,                  50 },
        {"waiting",        "/slow/60000",         100},
        {"reading",        "/drip/50",            200},
        {"bad from birth", "ftp://127.0.0.1/",    0  },
    };
    struct client_fixture f;
    struct http_client_stats st;
    struct loop_stats ls;
    int fds[4];

    client_setup(&f, 8);
    full_listener(fds, full, sizeof(full));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct shot s;

        shot_init(&s, &f, "POST", rows[i].path);
        s.call.body = STR("body");
        shot_start(&s, &f);
        if (rows[i].after_ms > 0) {
            run_ms(&f, rows[i].after_ms);
        }
        CHECK_INT(rows[i].label, s.ends, 0);
        loop_stats(f.loop, &ls, true);
        op_cancel(&s.op);
        CHECK(rows[i].label, s.op == NULL);
        run_ms(&f, 100);
        loop_stats(f.loop, &ls, true);
        CHECK_INT(rows[i].label, s.ends, 0);
        CHECK(rows[i].label, ls.longest_us < 500000);
        http_client_stats(f.client, &st);
        CHECK_INT(rows[i].label, st.in_flight, 0);
        shot_fini(&s);
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    client_teardown(&f);
}

static void test_cancel_others(void)
{
    struct client_fixture f;
    struct http_client_stats st;

    client_setup(&f, 2);
    /* Running, and waiting for a connection; cancelled from the first one's callback. */
    for (int i = 0; i < 4; i++) {
        shot_init(&many[i], &f, "POST", i == 0 ? "/slow/50" : "/slow/60000");
        many[i].call.body = STR("body");
    }
    many[0].then = cancel_other;
    many[0].arg = &many[1];
    shot_start(&many[0], &f);
    shot_start(&many[1], &f);
    shot_start(&many[2], &f);
    shot_start(&many[3], &f);
    CHECK("first", shot_wait(&many[0], &f, 5000));
    run_ms(&f, 50);
    CHECK_INT("cancelled while running", many[1].ends, 0);
    op_cancel(&many[3].op);
    op_cancel(&many[2].op);
    op_cancel(&many[2].op); /* an empty slot is nothing */
    http_client_stats(f.client, &st);
    CHECK_INT("all gone", st.in_flight, 0);
    shot_init(&many[4], &f, "GET", "/ok");
    shot_start(&many[4], &f);
    CHECK("places are free again", shot_wait(&many[4], &f, 2000));
    CHECK_INT("status", many[4].status, 200);
    for (int i = 0; i < 5; i++) {
        shot_fini(&many[i]);
    }
    client_teardown(&f);
}

static void test_free_in_flight(void)
{
    struct client_fixture f;

    client_setup(&f, 4);
    start_many(&f, 20, "/slow/60000", STR("body"));
    shot_init(&many[20], &f, "GET", "http://slow.test/");
    shot_start(&many[20], &f);
    shot_init(&many[21], &f, "GET", "bad://url");
    shot_start(&many[21], &f);
    run_ms(&f, 0);
    http_client_free(&f.client);
    for (int i = 0; i < 22; i++) {
        CHECK_INT("no callback", many[i].ends, many[i].err.code == ERR_INVALID ? 1 : 0);
        shot_fini(&many[i]);
    }
    client_teardown(&f);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_ok),
        TEST(test_request),
        TEST(test_methods),
        TEST(test_statuses),
        TEST(test_parallel),
        TEST(test_cap),
        TEST(test_hosts_apart),
        TEST(test_loop_ends),
        TEST(test_limits),
        TEST(test_pause),
        TEST(test_stream),
        TEST(test_cancel),
        TEST(test_cancel_others),
        TEST(test_free_in_flight),
    };

    return test_main(argc, argv, tests, ARRAY_LEN(tests));
}
