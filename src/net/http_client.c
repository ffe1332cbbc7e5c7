#include "http_client_int.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/pieces.h"

#include "loop_int.h"

/* The timer that holds the loop while something is in flight; that it fires means nothing. */
#define KEEP_MS (3600 * 1000)

static void on_keep(uv_timer_t *h)
{
    (void)h;
}

static struct http_op *op_of_node(struct list *node)
{
    return LIST_OF(node, struct http_op, node);
}

static int64_t now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

static void on_pump(uv_idle_t *h);

void http_client_wake(struct http_client *c)
{
    uv_idle_start(&c->pump, on_pump);
}

/* ---- the end of a call ---- */

static void op_free(struct http_op *call)
{
    struct http_client *c = call->c;

    assert(call->slot == NULL);
    list_del(&call->node);
    list_del(&call->all);
    if (--c->stats.in_flight == 0) {
        uv_timer_stop(&c->keep);
    }
    /* Tokens travel in headers and URLs. */
    mem_wipe(call, call->bytes);
    mem_free(&call);
}

/*
 * @clean: its transfer came to a good end. After any other libcurl's handle may remember that a
 * body wants a rewind, and fail the next call at sight with CURLE_SEND_FAIL_REWIND;
 * curl_easy_reset() forgets it from 8.16 on only (curl issue 18206).
 */
static void slot_give_back(struct http_client *c, struct http_slot *s, bool clean)
{
    http_slot_reset(s);
    if (!clean || c->idle_slots >= HTTP_SLOTS_KEPT_MAX) {
        http_slot_free(&s);
        return;
    }
    /* Last in, first out: its memory is still in the cache. */
    list_add_tail(&c->slots, &s->node);
    c->idle_slots++;
}

static struct http_slot *slot_take(struct http_client *c)
{
    struct http_slot *s;

    if (list_empty(&c->slots)) {
        return http_slot_new(c);
    }
    s = LIST_OF(c->slots.prev, struct http_slot, node);
    list_del(&s->node);
    c->idle_slots--;
    return s;
}

/* Takes a running call from libcurl. Not inside one of its callbacks. */
static struct http_slot *op_detach(struct http_op *call)
{
    struct http_client *c = call->c;
    struct http_slot *s = call->slot;

    c->in_curl++;
    curl_multi_remove_handle(c->multi, s->easy);
    c->in_curl--;
    http_host_ended(call->host, call, !call->connecting);
    http_host_settle(c, call->host);
    return s;
}

static void describe(const struct http_op *call, const struct http_slot *s, CURLcode code,
                     enum err_code what, struct err *err)
{
    const char *reason = s->reason[0] != '\0' ? s->reason : curl_easy_strerror(code);
    char first = reason[0];

    if (first != '\0' && islower((unsigned char)reason[1])) {
        first = (char)tolower((unsigned char)first); /* "SSL" stays */
    }
    /* The host only: paths and queries may hold secrets. */
    err_set(err, what, "%.*s: %c%.180s", (int)(call->host->key.n > 60 ? 60 : call->host->key.n),
            call->host->key.p, first, first == '\0' ? "" : reason + 1);
}

static void on_finished(struct http_op *call, CURLcode code)
{
    struct http_client *c = call->c;
    struct http_slot *s = call->slot;
    struct http_attempt attempt;
    struct http_answer answer;
    struct err err = {0};
    enum err_code what;
    bool told = call->state == HTTP_OP_RUNNING;
    http_done_fn *on_done = call->on_done;
    void *ctx = call->ctx;

    http_slot_attempt(s, code, &attempt);
    what = http_attempt_class(&attempt);
    if (what == ERR_NONE) {
        http_slot_answer(s, &answer);
        call->host->h2 = answer.http2;
        c->stats.done++;
    } else {
        describe(call, s, code, what, &err);
        c->stats.failed++;
    }
    op_detach(call);
    call->slot = NULL;
    s->call = NULL;
    op_free(call);
    if (told) {
        c->calling++;
        on_done(ctx, what == ERR_NONE ? NULL : &err, what == ERR_NONE ? &answer : NULL);
        c->calling--;
    }
    slot_give_back(c, s, what == ERR_NONE);
}

static void op_drop(struct http_op *call)
{
    struct http_client *c = call->c;

    slot_give_back(c, op_detach(call), false);
    op_free(call);
}

static void bury_doomed(struct http_client *c)
{
    while (!list_empty(&c->doomed)) {
        op_drop(op_of_node(c->doomed.next));
    }
}

void http_client_deliver(struct http_client *c)
{
    CURLMsg *msg;
    int left;

    bury_doomed(c);
    while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
        CURLcode code = msg->data.result;
        char *ptr = NULL;

        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &ptr);
        on_finished(((struct http_slot *)obj_check(ptr, HTTP_SLOT_MAGIC))->call, code);
    }
}

/* ---- calls that never got to libcurl ---- */

static void op_fail(struct http_op *call, enum err_code code, const char *reason)
{
    struct http_client *c = call->c;

    list_del(&call->node);
    call->state = HTTP_OP_FAILED;
    call->fail_code = code;
    call->fail_reason = reason;
    list_add_tail(&c->failed, &call->node);
    http_client_wake(c);
}

static void deliver_failed(struct http_client *c)
{
    struct list now;

    if (list_empty(&c->failed)) {
        return;
    }
    /* What fails inside these callbacks waits for the next turn. */
    list_init(&now);
    while (!list_empty(&c->failed)) {
        struct list *node = c->failed.next;

        list_del(node);
        list_add_tail(&now, node);
    }
    while (!list_empty(&now)) {
        struct http_op *call = op_of_node(now.next);
        http_done_fn *on_done = call->on_done;
        void *ctx = call->ctx;
        struct err err = {0};

        err_set(&err, call->fail_code, "%s", call->fail_reason);
        c->stats.failed++;
        op_free(call);
        c->calling++;
        on_done(ctx, &err, NULL);
        c->calling--;
    }
}

static void on_sweep(void *ctx)
{
    struct http_client *c = obj_check(ctx, HTTP_CLIENT_MAGIC);
    int64_t now = now_us();
    bool waiting = false;

    LIST_EACH(it, &c->hosts)
    {
        struct http_host *host = LIST_OF(it, struct http_host, node);

        LIST_EACH_SAFE(at, next, &host->queue)
        {
            struct http_op *call = op_of_node(at);

            if (call->deadline_us <= now) {
                op_fail(call, ERR_NET_NOT_SENT, "timed out while all connections were in use");
            } else {
                waiting = true;
            }
        }
        http_host_settle(c, host);
    }
    if (waiting) {
        timer_start(c->sweep, HTTP_SWEEP_MS);
    }
}

/* ---- starting ---- */

static void start_next(struct http_client *c, struct http_host *host)
{
    struct http_op *call = op_of_node(host->queue.next);
    int64_t left_us = call->deadline_us - now_us();
    CURLMcode rc;

    if (left_us <= 0) {
        op_fail(call, ERR_NET_NOT_SENT, "timed out before it could start");
        http_host_settle(c, host);
        return;
    }
    list_del(&call->node);
    call->state = HTTP_OP_RUNNING;
    http_host_started(host, call);
    http_host_settle(c, host);
    http_slot_prepare(slot_take(c), call, (left_us + 999) / 1000);
    rc = curl_multi_add_handle(c->multi, call->slot->easy);
    assert(rc == CURLM_OK);
    (void)rc;
}

/*
 * Runs once a turn, before the sockets are polled, while there is something to start or libcurl
 * asked for a timeout of 0 ms. As a 0 ms uv_timer that request would starve the sockets
 * (libuv 1.44).
 */
static void on_pump(uv_idle_t *h)
{
    struct http_client *c = obj_check(h->data, HTTP_CLIENT_MAGIC);
    size_t n = 0;

    loop_mark(c->l);
    bury_doomed(c);
    deliver_failed(c);
    c->in_curl++;
    while (n < HTTP_ADD_MAX && !list_empty(&c->runnable)) {
        struct http_host *host = LIST_OF(c->runnable.next, struct http_host, runnable);

        /* One each, in turn: a host with a long queue does not take all places of this turn. */
        list_del(&host->runnable);
        list_add_tail(&c->runnable, &host->runnable);
        start_next(c, host);
        n++;
    }
    c->in_curl--;
    if (c->kick) {
        http_watch_timeout(c);
    }
    if (!c->kick && list_empty(&c->runnable) && list_empty(&c->failed) && list_empty(&c->doomed)) {
        uv_idle_stop(&c->pump);
    }
}

/* ---- one call ---- */

static void op_cancelled(struct op *op)
{
    struct http_op *call = obj_check((char *)op - offsetof(struct http_op, op), HTTP_CALL_MAGIC);
    struct http_client *c = call->c;

    switch (call->state) {
    case HTTP_OP_QUEUED:
        list_del(&call->node);
        http_host_settle(c, call->host);
        op_free(call);
        break;
    case HTTP_OP_FAILED:
        op_free(call);
        break;
    case HTTP_OP_RUNNING:
        if (c->in_curl > 0) {
            /* libcurl is on the stack and is not re-entered. */
            call->state = HTTP_OP_DOOMED;
            list_add_tail(&c->doomed, &call->node);
            http_client_wake(c);
            break;
        }
        op_drop(call);
        break;
    case HTTP_OP_DOOMED:
        assert(!"cancelled twice");
    }
}

static void op_enqueue(struct http_client *c, struct http_op *op, struct str origin)
{
    op->host = http_host_get(c, origin, op->https);
    op->state = HTTP_OP_QUEUED;
    list_add_tail(&op->host->queue, &op->node);
    http_host_settle(c, op->host);
    if (!timer_running(c->sweep)) {
        timer_start(c->sweep, HTTP_SWEEP_MS);
    }
}

struct op *http_call_start(struct http_client *c, const struct http_call *call,
                           http_done_fn *on_done, void *ctx)
{
    const char *fault = http_op_fault(call);
    struct http_op *op = http_op_new(call);
    struct str origin;

    op->op.cancel = op_cancelled;
    op->c = c;
    op->on_done = on_done;
    op->ctx = ctx;
    op->on_data = call->on_data;
    op->on_head = call->on_head;
    op->on_want = call->on_want;
    op->body_bytes = call->body_bytes;
    op->flags = call->flags;
    op->response_bytes_max =
        call->response_bytes_max == 0 ? HTTP_BODY_DEFAULT : call->response_bytes_max;
    op->deadline_us = now_us() + (call->timeout_ms > 0 ? call->timeout_ms : HTTP_TIMEOUT_MS) * 1000;
    list_add_tail(&c->calls, &op->all);
    c->stats.started++;
    if (c->stats.in_flight++ == 0) {
        uv_timer_start(&c->keep, on_keep, KEEP_MS, KEEP_MS);
    }
    if (fault == NULL && !http_url_origin(call->url, &origin, &op->https)) {
        fault = "url is not http:// or https:// with a plain host";
    }
    if (fault == NULL) {
        op_enqueue(c, op, origin);
    } else {
        op_fail(op, ERR_INVALID, fault);
    }
    return &op->op;
}

void http_call_pause(struct op *op)
{
    obj_check((char *)op - offsetof(struct http_op, op), HTTP_CALL_MAGIC);
    LIST_OF(op, struct http_op, op)->paused = true;
}

void http_call_resume(struct op *op)
{
    struct http_op *call = LIST_OF(op, struct http_op, op);
    struct http_client *c = call->c;

    call->paused = false;
    if (!(call->held || call->starved) || call->state != HTTP_OP_RUNNING) {
        return;
    }
    assert(c->in_curl == 0);
    call->held = call->starved = false;
    c->in_curl++;
    curl_easy_pause(call->slot->easy, CURLPAUSE_CONT);
    c->in_curl--;
    http_client_wake(c);
}

/* ---- the client ---- */

static void on_handle_closed(uv_handle_t *h)
{
    http_client_closed_one(obj_check(h->data, HTTP_CLIENT_MAGIC));
}

void http_client_closed_one(struct http_client *c)
{
    if (--c->handles_open == 0) {
        mem_free(&c);
    }
}

static void multi_setup(struct http_client *c)
{
    c->share = curl_share_init();
    c->multi = curl_multi_init();
    assert(c->share != NULL && c->multi != NULL);
    curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, http_watch_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, http_watch_timer);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)HTTP_STREAMS_MAX);
    /* A second fence behind our own queues: hosts that differ in spelling only share it. */
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->connections_per_host_max);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)(c->connections_per_host_max * 4));
}

struct http_client *http_client_new(struct loop *l, const struct http_client_options *o)
{
    struct http_client *c = MEM_NEW(struct http_client);

    curl_global_init_mem(CURL_GLOBAL_DEFAULT, piece_new, piece_free, piece_resize, piece_dupz,
                         piece_zeroed);
    c->magic = HTTP_CLIENT_MAGIC;
    c->l = l;
    c->connections_per_host_max =
        o->connections_per_host_max == 0 ? 64 : o->connections_per_host_max;
    c->one_write = o->one_write;
    c->ca_file = o->ca_file == NULL ? NULL : mem_dupz(str_of(o->ca_file));
    c->user_agent = mem_dupz(str_of(o->user_agent == NULL ? "crewline/0.1" : o->user_agent));
    c->host_of = map_new();
    list_init(&c->hosts);
    list_init(&c->runnable);
    list_init(&c->failed);
    list_init(&c->doomed);
    list_init(&c->calls);
    list_init(&c->slots);
    c->timer = timer_new(l, http_watch_on_timer, c);
    c->sweep = timer_new(l, on_sweep, c);
    uv_idle_init(loop_uv(l), &c->pump);
    uv_timer_init(loop_uv(l), &c->keep);
    c->pump.data = c->keep.data = c;
    c->handles_open = 2;
    multi_setup(c);
    return c;
}

void http_client_free(struct http_client **owner)
{
    struct http_client *c = *owner;

    if (c == NULL) {
        return;
    }
    assert(c->in_curl == 0 && c->calling == 0); /* not from one of its callbacks */
    *owner = NULL;
    while (!list_empty(&c->calls)) {
        struct http_op *call = LIST_OF(c->calls.next, struct http_op, all);

        if (call->slot != NULL) {
            op_drop(call);
        } else {
            op_free(call);
        }
    }
    while (!list_empty(&c->slots)) {
        struct http_slot *s = slot_take(c);

        http_slot_free(&s);
    }
    curl_multi_cleanup(c->multi);
    curl_share_cleanup(c->share);
    http_host_forget_idle(c);
    map_free(&c->host_of);
    timer_free(&c->timer);
    timer_free(&c->sweep);
    http_watch_fini(c);
    mem_free(&c->ca_file);
    mem_free(&c->user_agent);
    uv_close((uv_handle_t *)&c->pump, on_handle_closed);
    uv_close((uv_handle_t *)&c->keep, on_handle_closed);
}

void http_client_stats(const struct http_client *c, struct http_client_stats *out)
{
    *out = c->stats;
}
