/*
 * The load generator. Lean, because it shares the cores with what it measures: answers are only cut
 * by Content-Length, writes go straight to the socket. A connection that breaks counts its request
 * as failed and is opened again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <uv.h>

#include "base/list.h"
#include "base/mem.h"
#include "crewline_bench.h"

#define IN_FIRST       4096
#define ANSWER_MAX     ((size_t)64 << 20)
#define CONNECTING_MAX 128

struct conn {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t writing;
    struct list node; /* among the idle or the closed ones */
    struct peer *peer;
    struct buf in, out;
    int64_t i, due_us; /* its request, or -1; when it was due */
};

struct peer {
    uv_loop_t loop;
    struct sockaddr_in addr;
    size_t n, nopen, nconnecting;
    struct conn *conns;
    struct list idle, closed;
    uv_timer_t tick;
    bool closing;
    const char *url;
    /* the run */
    const struct load *load;
    struct load_result *out;
    int64_t started, done;
    int64_t *took;
};

int64_t clock_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

static void next_requests(struct peer *p);
static void open_more(struct peer *p);

/* ---- answers ---- */

static int64_t content_length(struct str head)
{
    static const char name[] = "\r\ncontent-length:";
    struct str rest;
    int64_t n = 0;

    for (size_t i = 0; i + sizeof(name) < head.n; i++) {
        if (head.p[i] == '\r' && strncasecmp(head.p + i, name, sizeof(name) - 1) == 0) {
            rest = str_slice(head, i + sizeof(name) - 1, head.n);
            str_cut(rest, '\r', &rest, &head);
            return str_to_i64(str_trim(rest), 0, (int64_t)ANSWER_MAX, &n) ? n : 0;
        }
    }
    return 0;
}

static void finish(struct conn *c, int status, struct str body)
{
    struct peer *p = c->peer;
    int64_t i = c->i, took = clock_us() - c->due_us;

    c->i = -1;
    p->took[p->done++] = took;
    if (status != p->load->expect) {
        if (p->out->failed++ == 0) {
            p->out->first_wrong = status;
        }
    }
    if (p->load->on_answer != NULL) {
        p->load->on_answer(p->load->ctx, i, status, body);
    }
    if (p->done == p->load->n) {
        uv_stop(&p->loop);
    }
}

/* False while it is not whole. */
static bool answer_whole(struct conn *c)
{
    static const struct str end = {"\r\n\r\n", 4};
    struct str all = buf_str(&c->in), head;
    size_t at = str_find(all, end);
    int64_t status = 0, n;

    if (at == SIZE_MAX) {
        return false;
    }
    head = str_slice(all, 0, at + 2);
    n = content_length(head);
    if (all.n < at + 4 + (size_t)n) {
        return false;
    }
    str_to_i64(str_slice(head, 9, 12), 100, 999, &status);
    finish(c, (int)status, str_slice(all, at + 4, at + 4 + (size_t)n));
    buf_reset(&c->in);
    return true;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct conn *c = h->data;

    (void)suggested;
    *out = uv_buf_init(buf_reserve(&c->in, IN_FIRST), IN_FIRST);
}

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;

    list_del(&c->node);
    list_add_tail(&c->peer->closed, &c->node);
    open_more(c->peer);
}

static void broken(struct conn *c)
{
    list_del(&c->node);
    if (c->peer->load != NULL && c->i >= 0) {
        finish(c, 0, STR_NONE);
    }
    buf_reset(&c->in);
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    }
}

static void on_data(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = s->data;

    (void)b;
    if (n < 0) {
        broken(c);
    } else if (n > 0) {
        buf_grew(&c->in, (size_t)n);
        if (c->i >= 0 && answer_whole(c)) {
            list_add_tail(&c->peer->idle, &c->node);
            next_requests(c->peer);
        }
    }
}

/* ---- requests ---- */

static void on_written(uv_write_t *w, int status)
{
    (void)w;
    (void)status; /* a failure shows in the reading too */
}

static void send_one(struct conn *c, int64_t i, int64_t due_us)
{
    struct peer *p = c->peer;
    uv_buf_t b;
    int sent;

    list_del(&c->node);
    c->i = i;
    c->due_us = due_us;
    buf_reset(&c->out);
    p->load->make(p->load->ctx, i, &c->out);
    b = uv_buf_init(c->out.p, (unsigned)c->out.n);
    sent = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    if (sent < 0) {
        sent = 0;
    }
    if ((size_t)sent < c->out.n) {
        b = uv_buf_init(c->out.p + sent, (unsigned)(c->out.n - (size_t)sent));
        uv_write(&c->writing, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    }
}

static void next_requests(struct peer *p)
{
    const struct load *l = p->load;
    int64_t now = clock_us(), most = l->n;

    if (l->rate > 0) {
        int64_t due = (int64_t)((double)(now - p->out->began_us) * l->rate / 1e6) + 1;

        most = due < most ? due : most;
    }
    while (p->started < most && !list_empty(&p->idle)) {
        struct conn *c = LIST_OF(p->idle.next, struct conn, node);
        int64_t i = p->started++;

        send_one(c, i,
                 l->rate > 0 ? p->out->began_us + (int64_t)((double)i * 1e6 / l->rate)
                             : clock_us());
    }
}

static void on_tick(uv_timer_t *t)
{
    next_requests(t->data);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void load_run(struct peer *p, const struct load *load, struct load_result *out)
{
    *out = (struct load_result){0};
    if (load->n == 0) {
        return;
    }
    p->load = load;
    p->out = out;
    p->started = p->done = 0;
    p->took = mem_array((size_t)load->n, sizeof(*p->took));
    out->began_us = clock_us();
    if (load->rate > 0) {
        uv_update_time(&p->loop);
        uv_timer_start(&p->tick, on_tick, 1, 1);
    }
    next_requests(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    out->ended_us = clock_us();
    uv_timer_stop(&p->tick);
    qsort(p->took, (size_t)load->n, sizeof(*p->took), by_size);
    out->p50_us = p->took[load->n / 2];
    out->p99_us = p->took[load->n * 99 / 100];
    out->max_us = p->took[load->n - 1];
    p->load = NULL;
    p->out = NULL;
    mem_free(&p->took);
}

/* ---- connections ---- */

static void on_connected(uv_connect_t *req, int status)
{
    struct conn *c = req->data;
    struct peer *p = c->peer;

    p->nconnecting--;
    if (p->closing) {
        return;
    }
    if (status < 0) {
        fprintf(stderr, "crewline-bench: no connection to %s: %s\n", p->url, uv_strerror(status));
        exit(1);
    }
    p->nopen++;
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_data);
    list_add_tail(&p->idle, &c->node);
    open_more(p);
    if (p->load != NULL) {
        next_requests(p);
    } else if (p->nopen == p->n) {
        uv_stop(&p->loop);
    }
}

static void open_more(struct peer *p)
{
    while (!p->closing && p->nconnecting < CONNECTING_MAX && !list_empty(&p->closed)) {
        struct conn *c = LIST_OF(p->closed.next, struct conn, node);

        list_del(&c->node);
        c->i = -1;
        p->nconnecting++;
        uv_tcp_init(&p->loop, &c->tcp);
        c->tcp.data = c->connecting.data = c;
        uv_tcp_connect(&c->connecting, &c->tcp, (const struct sockaddr *)&p->addr, on_connected);
    }
}

static void on_walk(uv_handle_t *h, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(h)) {
        uv_close(h, h->type == UV_TCP ? on_closed : NULL);
    }
}

void address_of(const char *url, struct sockaddr_in *out)
{
    struct str rest = str_of(url), host, port;
    int64_t number = 0;
    char text[64];

    if (str_starts(rest, STR("http://"))) {
        rest = str_slice(rest, 7, rest.n);
    }
    str_cut(rest, '/', &rest, &port);
    str_cut(rest, ':', &host, &port);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(host));
    if (!str_to_i64(port, 1, 65535, &number) || uv_ip4_addr(text, (int)number, out) != 0) {
        fprintf(stderr, "crewline-bench: \"%s\" is not http://IPV4:PORT\n", url);
        exit(64);
    }
}

struct peer *peer_open(const char *url, size_t connections)
{
    struct peer *p = MEM_NEW(struct peer);

    address_of(url, &p->addr);
    p->url = url;
    p->n = connections;
    p->conns = mem_array(connections, sizeof(*p->conns));
    list_init(&p->idle);
    list_init(&p->closed);
    uv_loop_init(&p->loop);
    uv_timer_init(&p->loop, &p->tick);
    p->tick.data = p;
    for (size_t k = 0; k < connections; k++) {
        struct conn *c = &p->conns[k];

        c->peer = p;
        buf_init(&c->in, ANSWER_MAX);
        buf_init(&c->out, (size_t)16 << 20);
        list_add_tail(&p->closed, &c->node);
    }
    open_more(p);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    return p;
}

void peer_close(struct peer **owner)
{
    struct peer *p = *owner;

    p->closing = true;
    uv_walk(&p->loop, on_walk, NULL);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    uv_loop_close(&p->loop);
    for (size_t k = 0; k < p->n; k++) {
        buf_fini(&p->conns[k].in);
        buf_fini(&p->conns[k].out);
    }
    mem_free(&p->conns);
    mem_free(owner);
}

/* ---- one request ---- */

struct ask {
    struct str request;
    struct buf *body;
    int status;
};

static void make_ask(void *ctx, int64_t i, struct buf *out)
{
    const struct ask *ask = ctx;

    (void)i;
    buf_add(out, ask->request);
}

static void on_ask(void *ctx, int64_t i, int status, struct str body)
{
    struct ask *ask = ctx;

    (void)i;
    ask->status = status;
    if (ask->body != NULL) {
        buf_reset(ask->body);
        buf_add(ask->body, body);
    }
}

int peer_ask(struct peer *peer, struct str request, struct buf *body)
{
    struct ask ask = {request, body, 0};
    const struct load load = {
        .n = 1, .expect = 200, .make = make_ask, .on_answer = on_ask, .ctx = &ask};
    struct load_result result;

    load_run(peer, &load, &result);
    return ask.status;
}
