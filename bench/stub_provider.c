/*
 * stub_provider: the leanest provider there is, to measure the sender against. Any POST to a path
 * that ends in /messages gets Meta's send reply with a wamid of its own; the time of each is kept.
 *
 *   stub_provider [PORT]     listens on 127.0.0.1 (0 or nothing: any port), prints the address
 *   GET /stats               {"count", "first_us", "last_us", "max_1s", "max_100ms", "connections",
 *                             "seconds": [...], "tenths": [...]}
 *   GET /count               {"count", "first_us", "last_us"}: cheap, to be asked while a run goes on
 *   GET /marks             [us, …]: when a body with "mark-<index>-" came; 0: it did not
 *   DELETE /stats            forgets all
 *
 * Times are CLOCK_MONOTONIC in microseconds, taken when a request is complete, so other programs on
 * this machine can compare. max_1s and max_100ms are the fullest sliding windows; seconds and
 * tenths count from first_us.
 */
#include <llhttp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

#define URL_MAX     512
#define BODY_KEEP   1024
#define REPLY_MAX   (64 * 1024)
#define REPLY_BYTES 512         /* one send reply with its head fits */
#define STAMPS_MAX  (64u << 20) /* 512 MiB of them */
#define BUCKETS_MAX 200000
#define MARKS_MAX   10000

struct conn {
    uv_tcp_t tcp;
    llhttp_t parser;
    char url[URL_MAX], body[BODY_KEEP];
    size_t url_n, body_n;
};

struct pending_write {
    uv_write_t req;
    char *bytes;
};

static struct {
    uv_loop_t *loop;
    uint64_t *stamps;
    size_t n, cap;
    uint64_t marks[MARKS_MAX];
    size_t nmarks;
    uint64_t connections;
    char in[64 * 1024], out[REPLY_MAX];
    size_t out_n;
    struct buf stats;
} stub;

static llhttp_settings_t settings;

static void remember(void)
{
    if (stub.n == stub.cap) {
        if (stub.cap == STAMPS_MAX) {
            return;
        }
        stub.cap = stub.cap == 0 ? 65536 : stub.cap * 2;
        stub.stamps = mem_resize(stub.stamps, stub.cap * sizeof(stub.stamps[0]));
    }
    stub.stamps[stub.n++] = uv_hrtime() / 1000;
}

static size_t fullest_window(uint64_t us)
{
    size_t most = 0;

    for (size_t from = 0, to = 0; to < stub.n; to++) {
        while (stub.stamps[to] - stub.stamps[from] >= us) {
            from++;
        }
        if (to - from + 1 > most) {
            most = to - from + 1;
        }
    }
    return most;
}

static void add_buckets(struct jw *w, const char *name, uint64_t us)
{
    size_t i = 0;

    jw_open(w, name, '[');
    for (uint64_t k = 1; i < stub.n && k <= BUCKETS_MAX; k++) {
        int64_t count = 0;

        for (; i < stub.n && stub.stamps[i] < stub.stamps[0] + k * us; i++) {
            count++;
        }
        jw_int(w, NULL, count);
    }
    jw_close(w, ']');
}

static void build_count(struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_int(w, "count", (int64_t)stub.n);
    jw_int(w, "first_us", stub.n == 0 ? 0 : (int64_t)stub.stamps[0]);
    jw_int(w, "last_us", stub.n == 0 ? 0 : (int64_t)stub.stamps[stub.n - 1]);
}

static void build_stats(struct buf *out, bool all)
{
    struct jw w;

    jw_init(&w, out);
    build_count(&w);
    if (!all) {
        jw_close(&w, '}');
        return;
    }
    jw_int(&w, "connections", (int64_t)stub.connections);
    jw_int(&w, "max_1s", (int64_t)fullest_window(1000000));
    jw_int(&w, "max_100ms", (int64_t)fullest_window(100000));
    add_buckets(&w, "seconds", 1000000);
    add_buckets(&w, "tenths", 100000);
    jw_close(&w, '}');
}

static void on_written(uv_write_t *req, int status)
{
    struct pending_write *w = (struct pending_write *)req;

    (void)status;
    mem_free(&w->bytes);
    mem_free(&w);
}

/* Nearly always the socket takes all at once; the rest of a long answer is queued. */
static void send_bytes(struct conn *c, struct str bytes)
{
    uv_buf_t b = uv_buf_init((char *)bytes.p, (unsigned)bytes.n);
    int sent = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    struct pending_write *w;

    if (sent == (int)bytes.n || (sent < 0 && sent != UV_EAGAIN)) {
        return;
    }
    bytes = str_slice(bytes, sent < 0 ? 0 : (size_t)sent, bytes.n);
    w = MEM_NEW(struct pending_write);
    w->bytes = mem_dupz(bytes);
    b = uv_buf_init(w->bytes, (unsigned)bytes.n);
    if (uv_write(&w->req, (uv_stream_t *)&c->tcp, &b, 1, on_written) != 0) {
        on_written(&w->req, 0);
    }
}

static void flush_out(struct conn *c)
{
    if (stub.out_n > 0) {
        send_bytes(c, str_make(stub.out, stub.out_n));
        stub.out_n = 0;
    }
}

static int on_begin(llhttp_t *p)
{
    struct conn *c = p->data;

    c->url_n = c->body_n = 0;
    return 0;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    struct conn *c = p->data;

    if (n > URL_MAX - c->url_n) {
        return HPE_USER;
    }
    memcpy(c->url + c->url_n, at, n);
    c->url_n += n;
    return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct conn *c = p->data;

    if (n > BODY_KEEP - c->body_n) {
        n = BODY_KEEP - c->body_n;
    }
    memcpy(c->body + c->body_n, at, n);
    c->body_n += n;
    return 0;
}

/* The number after "to": as the provider repeats it. */
static struct str recipient(const struct conn *c)
{
    static const struct str key = {"\"to\":\"", 6};
    struct str body = str_make(c->body, c->body_n), number, rest;
    size_t at = str_find(body, key);

    if (at == SIZE_MAX || !str_cut(str_slice(body, at + key.n, body.n), '"', &number, &rest) ||
        number.n > 20) {
        return STR("12025550117");
    }
    return number;
}

/* A body with "mark-7-" in it: when it came. */
static void mark(const struct conn *c)
{
    struct str body = str_make(c->body, c->body_n), number, rest;
    size_t at = str_find(body, STR("mark-"));
    int64_t i;

    if (at != SIZE_MAX && str_cut(str_slice(body, at + 5, body.n), '-', &number, &rest) &&
        str_to_i64(number, 0, MARKS_MAX - 1, &i)) {
        stub.marks[i] = uv_hrtime() / 1000;
        stub.nmarks = (size_t)i >= stub.nmarks ? (size_t)i + 1 : stub.nmarks;
    }
}

static void build_marks(struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '[');
    for (size_t i = 0; i < stub.nmarks; i++) {
        jw_int(&w, NULL, (int64_t)stub.marks[i]);
    }
    jw_close(&w, ']');
}

static void reply_sent(struct conn *c)
{
    struct str to = recipient(c), digits = to;
    char body[REPLY_BYTES / 2];
    int n;

    if (digits.n > 0 && digits.p[0] == '+') {
        digits = str_slice(digits, 1, digits.n);
    }
    remember();
    mark(c);
    n = snprintf(body, sizeof(body),
                 "{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":\"%.*s\",\"wa_id\":"
                 "\"%.*s\"}],\"messages\":[{\"id\":\"wamid.STUB%016llX\"}]}",
                 STR_ARG(to), STR_ARG(digits), (unsigned long long)stub.n);
    if (stub.out_n + REPLY_BYTES > sizeof(stub.out)) {
        flush_out(c);
    }
    stub.out_n += (size_t)snprintf(stub.out + stub.out_n, REPLY_BYTES,
                                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                   "Content-Length: %d\r\n\r\n%s",
                                   n, body);
}

static void reply_text(struct conn *c, const char *status, struct str body)
{
    char head[128];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     status, body.n);

    flush_out(c);
    send_bytes(c, str_make(head, (size_t)n));
    send_bytes(c, body);
}

static int on_complete(llhttp_t *p)
{
    struct conn *c = p->data;
    struct str url = str_make(c->url, c->url_n);

    if (p->method == HTTP_POST && str_ends(url, STR("/messages"))) {
        reply_sent(c);
    } else if (p->method == HTTP_GET && (str_eqz(url, "/stats") || str_eqz(url, "/count"))) {
        buf_reset(&stub.stats);
        build_stats(&stub.stats, str_eqz(url, "/stats"));
        reply_text(c, "200 OK", buf_str(&stub.stats));
    } else if (p->method == HTTP_GET && str_eqz(url, "/marks")) {
        buf_reset(&stub.stats);
        build_marks(&stub.stats);
        reply_text(c, "200 OK", buf_str(&stub.stats));
    } else if (p->method == HTTP_DELETE && str_eqz(url, "/stats")) {
        stub.n = stub.nmarks = 0;
        memset(stub.marks, 0, sizeof(stub.marks));
        stub.connections = 0;
        reply_text(c, "200 OK", STR("{}"));
    } else {
        reply_text(c, "404 Not Found", STR("{}"));
    }
    return 0;
}

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;

    mem_free(&c);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    (void)h;
    (void)suggested;
    *out = uv_buf_init(stub.in, sizeof(stub.in));
}

static void on_data(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;

    if (n == 0) {
        return;
    }
    if (n < 0 || llhttp_execute(&c->parser, b->base, (size_t)n) != HPE_OK) {
        uv_close((uv_handle_t *)s, on_closed);
        return;
    }
    flush_out(c);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct conn *c;

    if (status < 0) {
        return;
    }
    c = MEM_NEW(struct conn);
    uv_tcp_init(stub.loop, &c->tcp);
    c->tcp.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return;
    }
    stub.connections++;
    uv_tcp_nodelay(&c->tcp, 1);
    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_data);
}

int main(int argc, char **argv)
{
    static uv_tcp_t server;
    struct sockaddr_in addr;
    int64_t port = 0;
    int len = sizeof(addr);

    if (argc > 2 || (argc == 2 && !str_to_i64(str_of(argv[1]), 0, 65535, &port))) {
        fprintf(stderr, "usage: stub_provider [PORT]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    stub.loop = uv_default_loop();
    buf_init(&stub.stats, 16u << 20);
    llhttp_settings_init(&settings);
    settings.on_message_begin = on_begin;
    settings.on_url = on_url;
    settings.on_body = on_body;
    settings.on_message_complete = on_complete;
    uv_ip4_addr("127.0.0.1", (int)port, &addr);
    uv_tcp_init(stub.loop, &server);
    if (uv_tcp_bind(&server, (const struct sockaddr *)&addr, 0) != 0 ||
        uv_listen((uv_stream_t *)&server, 4096, on_connection) != 0) {
        fprintf(stderr, "stub_provider: cannot listen on port %d\n", (int)port);
        return 1;
    }
    uv_tcp_getsockname(&server, (struct sockaddr *)&addr, &len);
    printf("http://127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return uv_run(stub.loop, UV_RUN_DEFAULT);
}
