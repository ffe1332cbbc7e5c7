#include "server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/tls.h"

struct job {
    struct fixture *f;
    struct http_req *r;
    struct timer *timer;
    struct hasher hash;
    bool hashing;
    int64_t left, size;
};

/* The handler. */

static void job_free(struct job *j)
{
    timer_free(&j->timer);
    if (j->hashing) {
        hasher_fini(&j->hash);
    }
    mem_free(&j);
}

static int64_t number(struct http_req *r, const char *name, int64_t def)
{
    const struct pairs *params = http_req_params(r);
    int64_t n = def;

    if (params != NULL) {
        str_to_i64(pairs_get(params, str_of(name)), 0, INT32_MAX, &n);
    }
    return n;
}

static void answer(struct http_req *r, int status, struct str body, bool close_it)
{
    struct http_reply reply = {
        .status = status, .content_type = "text/plain", .body = body, .close = close_it};

    http_reply(r, &reply);
}

static void on_waited(void *ctx)
{
    struct job *j = ctx;

    answer(j->r, 200, STR("waited"), number(j->r, "close", 0) != 0);
    job_free(j);
}

static void do_wait(struct job *j)
{
    j->timer = timer_new(j->f->l, on_waited, j);
    timer_start(j->timer, number(j->r, "ms", 10));
}

static void do_hold(struct job *j)
{
    (void)j;
}

static void do_info(struct job *j)
{
    const struct pairs *headers = http_req_headers(j->r);
    const struct pairs *params = http_req_params(j->r);
    struct buf b;

    buf_init(&b, 1 << 20);
    buf_addf(&b, "method %.*s\ntarget %.*s\npath %.*s\nquery %.*s\npeer %.*s\n",
             STR_ARG(http_req_method(j->r)), STR_ARG(http_req_target(j->r)),
             STR_ARG(http_req_path(j->r)), STR_ARG(http_req_query(j->r)),
             STR_ARG(http_req_peer(j->r)));
    buf_addf(&b, "host %.*s\nlength %lld\nloopback %d\nnumber %lld\nparams %d\nxs %zu\nfields",
             STR_ARG(http_req_header(j->r, STR("HOST"))), (long long)http_req_content_length(j->r),
             http_req_is_loopback(j->r), (long long)http_req_number(j->r),
             params == NULL ? -1 : (int)params->n, http_req_header_count(j->r, STR("x")));
    for (size_t i = 0; i < headers->n; i++) {
        buf_addf(&b, " %.*s=%.*s", STR_ARG(headers->v[i].name), STR_ARG(headers->v[i].value));
    }
    answer(j->r, 200, buf_str(&b), false);
    buf_fini(&b);
    job_free(j);
}

static void do_hello(struct job *j)
{
    answer(j->r, 200, STR("hello"), false);
    job_free(j);
}

static void do_echo(struct job *j)
{
    answer(j->r, 200, http_req_body(j->r), false);
    job_free(j);
}

static void do_hash(struct job *j)
{
    uint8_t digest[SHA256_BYTES];
    struct buf b;

    buf_init(&b, 100);
    hex_add(&b, str_make(digest, hasher_done(&j->hash, digest)));
    j->hashing = false;
    answer(j->r, 200, buf_str(&b), false);
    buf_fini(&b);
    job_free(j);
}

static void do_big(struct job *j)
{
    size_t n = (size_t)number(j->r, "n", 100000);
    char *p = mem_new(n);

    memset(p, 'x', n);
    answer(j->r, 200, str_make(p, n), false);
    mem_free(&p);
    job_free(j);
}

static void do_status(struct job *j)
{
    struct http_field fields[] = {
        {"X-Evil",  STR("a\r\nInjected: b")},
        {"X-Empty", STR_NONE               }
    };
    struct http_reply reply = {.status = (int)number(j->r, "code", 200),
                               .fields = fields,
                               .nfields = 2,
                               .body = STR("body")};

    http_reply(j->r, &reply);
    job_free(j);
}

static void do_close(struct job *j)
{
    answer(j->r, 200, STR("bye"), true);
    job_free(j);
}

static void do_break(struct job *j)
{
    http_req_break(j->r, pairs_get(http_req_params(j->r), STR("text")));
    job_free(j);
}

static void next_pieces(void *ctx)
{
    struct job *j = ctx;
    char *piece = mem_new((size_t)j->size + 1);

    memset(piece, 's', (size_t)j->size);
    while (j->left > 0 && http_stream_backlog(j->r) < 256 * 1024) {
        j->left--;
        http_stream_write(j->r, str_make(piece, (size_t)j->size));
    }
    mem_free(&piece);
    if (j->left > 0) {
        http_stream_wait(j->r, next_pieces, j);
        return;
    }
    http_stream_end(j->r);
    job_free(j);
}

static void do_stream(struct job *j)
{
    struct http_reply head = {.status = 200, .content_type = "text/csv"};

    j->left = number(j->r, "n", 3);
    j->size = number(j->r, "size", 5);
    http_stream_start(j->r, &head);
    next_pieces(j);
}

static const struct {
    const char *path;
    void (*run)(struct job *j);
} routes[] = {
    {"/hello",  do_hello },
    {"/echo",   do_echo  },
    {"/info",   do_info  },
    {"/hash",   do_hash  },
    {"/wait",   do_wait  },
    {"/hold",   do_hold  },
    {"/big",    do_big   },
    {"/status", do_status},
    {"/close",  do_close },
    {"/break",  do_break },
    {"/stream", do_stream},
    {"/limit",  do_echo  },
};

static void on_held(void *ctx)
{
    struct job *j = ctx;

    j->f->let++;
    timer_free(&j->timer);
    if (number(j->r, "deny", 0) != 0) {
        answer(j->r, 401, STR("no"), false);
        job_free(j);
        return;
    }
    http_req_go(j->r);
}

static void hold(struct job *j, int64_t ms)
{
    http_req_hold(j->r);
    if (ms == 0) {
        on_held(j);
        return;
    }
    j->timer = timer_new(j->f->l, on_held, j);
    timer_start(j->timer, ms);
}

static void on_headers(void *ctx, struct http_req *r)
{
    struct fixture *f = ctx;
    struct job *j;

    f->begun++;
    if (str_eqz(http_req_path(r), "/early")) {
        answer(r, 401, STR("no"), number(r, "close", 0) != 0);
        return;
    }
    j = MEM_NEW(struct job);
    j->f = f;
    j->r = r;
    http_req_set_user(r, j);
    if (str_eqz(http_req_path(r), "/limit")) {
        http_req_limit(r, (size_t)number(r, "n", 10));
    }
    if (number(r, "limit", 0) > 0) {
        http_req_limit(r, (size_t)number(r, "limit", 0));
    }
    if (str_eqz(http_req_path(r), "/hash")) {
        http_req_limit(r, 64 << 20);
        hasher_init(&j->hash, HASH_SHA256);
        j->hashing = true;
        http_req_hash(r, &j->hash, 1);
    }
    if (number(r, "held", -1) >= 0) {
        hold(j, number(r, "held", 0));
    }
}

static void on_request(void *ctx, struct http_req *r)
{
    struct fixture *f = ctx;
    struct job *j = http_req_user(r);

    f->asked++;
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (str_eqz(http_req_path(r), routes[i].path)) {
            routes[i].run(j);
            return;
        }
    }
    answer(r, 404, http_req_path(r), false);
    job_free(j);
}

static void on_gone(void *ctx, struct http_req *r)
{
    struct fixture *f = ctx;

    f->gone++;
    job_free(http_req_user(r));
}

static void on_error(void *ctx, const struct err *err, struct buf *headers, struct buf *body)
{
    struct fixture *f = ctx;

    f->errors++;
    buf_addz(headers, "Content-Type: text/plain\r\n");
    buf_addf(body, "%s: %s", err_slug(err->code), err->msg);
}

/* The server. */

void fixture_start(struct fixture *f)
{
    static const struct http_handler handler = {on_headers, on_request, on_gone, on_error};
    struct err err = {0};

    if (f->o.header_bytes_max == 0) {
        f->o = http_server_defaults;
    }
    f->l = loop_new();
    f->s = http_server_new(f->l, &f->o, &handler, f);
    if (!http_server_listen(f->s, STR("127.0.0.1:0"), f->tls, &err)) {
        printf("%s\n", err.msg);
        abort();
    }
    f->port = http_server_port(f->s);
    f->begun = f->asked = f->gone = f->errors = f->drained = f->let = 0;
}

static void client_work(void *ctx)
{
    struct fixture *f = ctx;

    f->client(f);
}

static void client_done(void *ctx)
{
    struct fixture *f = ctx;

    loop_stop(f->l);
}

void fixture_client(struct fixture *f, void (*client)(struct fixture *f))
{
    f->client = client;
    loop_work(f->l, client_work, client_done, f);
    loop_run(f->l);
}

void fixture_stop(struct fixture *f)
{
    http_server_free(&f->s);
    loop_free(&f->l);
}

void fixture_run(struct fixture *f, void (*client)(struct fixture *f))
{
    fixture_start(f);
    fixture_client(f, client);
    fixture_stop(f);
}

/* The client. */

int64_t now_ms(void)
{
    return mono_now().us / 1000;
}

int dial(const struct fixture *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
    struct timeval patience = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        printf("cannot connect: %s\n", strerror(errno));
        abort();
    }
    return fd;
}

bool say_bytes(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        bytes = str_slice(bytes, (size_t)n, bytes.n);
    }
    return true;
}

void say(int fd, const char *text)
{
    say_bytes(fd, str_of(text));
}

/* A byte at a time for the head, so that nothing of the next answer is taken. */
static int hear_head(int fd, struct buf *head)
{
    char c;
    int64_t status = 0;

    while (head->n < 4 || memcmp(head->p + head->n - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, &c, 1, 0);

        if (n <= 0) {
            return n == 0 && head->n == 0 ? 0 : -1;
        }
        buf_add_char(head, c);
    }
    return str_to_i64(str_slice(buf_str(head), 9, 12), 100, 999, &status) ? (int)status : -1;
}

static bool hear_bytes(int fd, size_t n, struct buf *out)
{
    char part[65536];

    while (n > 0) {
        ssize_t got = recv(fd, part, n < sizeof(part) ? n : sizeof(part), 0);

        if (got <= 0) {
            return false;
        }
        buf_add(out, str_make(part, (size_t)got));
        n -= (size_t)got;
    }
    return true;
}

static bool hear_chunks(int fd, struct buf *body)
{
    for (;;) {
        struct buf line;
        size_t n = 0;

        buf_init(&line, 100);
        while (line.n < 2 || memcmp(line.p + line.n - 2, "\r\n", 2) != 0) {
            if (!hear_bytes(fd, 1, &line)) {
                buf_fini(&line);
                return false;
            }
        }
        n = strtoul(line.p, NULL, 16);
        buf_reset(&line);
        if (!hear_bytes(fd, n, body) || !hear_bytes(fd, 2, &line)) {
            buf_fini(&line);
            return false;
        }
        buf_fini(&line);
        if (n == 0) {
            return true;
        }
    }
}

static bool hear_body(int fd, struct str head, int status, struct buf *body)
{
    size_t at = str_find(head, STR("Content-Length: "));
    int64_t n = 0;

    if (str_find(head, STR("Transfer-Encoding: chunked")) != SIZE_MAX) {
        return hear_chunks(fd, body);
    }
    if (at == SIZE_MAX) {
        return status < 200 || status == 204 || status == 304 || hear_all(fd, body);
    }
    head = str_slice(head, at + 16, head.n);
    str_to_i64(str_slice(head, 0, str_find_char(head, '\r', 0)), 0, INT32_MAX, &n);
    return hear_bytes(fd, (size_t)n, body);
}

int hear(int fd, struct buf *head, struct buf *body)
{
    struct buf h, b;
    int status;

    buf_init(&h, 1 << 20);
    buf_init(&b, 1 << 30);
    status = hear_head(fd, &h);
    if (status > 0 && !hear_body(fd, buf_str(&h), status, &b)) {
        status = -1;
    }
    if (head != NULL) {
        buf_reset(head);
        buf_add(head, buf_str(&h));
    }
    if (body != NULL) {
        buf_reset(body);
        buf_add(body, buf_str(&b));
    }
    buf_fini(&h);
    buf_fini(&b);
    return status;
}

bool hear_all(int fd, struct buf *all)
{
    char part[65536];
    ssize_t n;

    while ((n = recv(fd, part, sizeof(part), 0)) > 0) {
        buf_add(all, str_make(part, (size_t)n));
    }
    return n == 0;
}

bool is_closed(int fd, int ms)
{
    struct pollfd p = {fd, POLLIN, 0};
    char c;

    return poll(&p, 1, ms) == 1 && recv(fd, &c, 1, MSG_PEEK) <= 0;
}

int ask(const struct fixture *f, const char *text, struct buf *body)
{
    int fd = dial(f), status;

    say(fd, text);
    status = hear(fd, NULL, body);
    close(fd);
    return status;
}

void wait_for(const int *what, int value)
{
    for (int i = 0; i < 300 && *(const volatile int *)what != value; i++) {
        usleep(10000);
    }
}
