#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#include "http_server_int.h"
#include "loop_int.h"

/* Two read buffers and a head: what can be left over while too many requests are open. */
#define IN_BYTES_MAX (1024 * 1024)

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

struct conn *conn_new(struct http_server *s, struct listener *from)
{
    struct conn *c = MEM_NEW(struct conn);

    c->magic = CONN_MAGIC;
    c->s = s;
    c->is_pipe = from->is_pipe;
    list_init(&c->all);
    list_init(&c->watched);
    list_init(&c->dirty);
    buf_init(&c->in, IN_BYTES_MAX);
    buf_init(&c->out, OUT_BYTES_MAX);
    buf_init(&c->writing, OUT_BYTES_MAX);
    parse_init(c);
    if (c->is_pipe) {
        uv_pipe_init(loop_uv(s->l), &c->uv.pipe, 0);
    } else {
        uv_tcp_init(loop_uv(s->l), &c->uv.tcp);
    }
    c->uv.stream.data = c;
    list_add_tail(&s->conns, &c->all);
    return c;
}

void conn_open(struct conn *c, struct tls_server *tls)
{
    if (tls != NULL) {
        c->tls = tls_conn_new(tls);
    }
    conn_settle(c);
}

/* Bytes to the wire. */

static void take_spare(struct http_server *s, struct buf *b)
{
    size_t max = b->max;

    if (b->cap == 0 && s->nspare_bufs > 0) {
        *b = s->spare_bufs[--s->nspare_bufs];
        b->max = max;
    }
}

static void give_spare(struct http_server *s, struct buf *b)
{
    size_t max = b->max;

    buf_reset(b);
    if (s != NULL && b->cap > 0 && b->cap <= SPARE_BUF_BYTES && s->nspare_bufs < SPARE_BUFS_MAX) {
        s->spare_bufs[s->nspare_bufs++] = *b;
        buf_init(b, max);
    } else {
        buf_fini(b);
    }
}

struct buf *conn_out(struct conn *c)
{
    assert(c->tls == NULL);
    take_spare(c->s, &c->out);
    return &c->out;
}

void conn_send(struct conn *c, struct str plain)
{
    struct err err = {0};

    if (c->closed || plain.n == 0) {
        return;
    }
    take_spare(c->s, &c->out);
    if (c->tls == NULL) {
        buf_add(&c->out, plain);
    } else if (!tls_conn_write(c->tls, plain, &c->out, &err)) {
        c->broken = true;
    }
}

size_t conn_unsent(const struct conn *c)
{
    return c->out.n + uv_stream_get_write_queue_size(&c->uv.stream);
}

bool conn_is_paused(const struct conn *c)
{
    return c->hold == HOLD_ON || c->nopen >= PIPELINE_MAX || conn_unsent(c) > UNSENT_MAX;
}

static void on_written(uv_write_t *req, int status)
{
    struct conn *c = obj_check(req->data, CONN_MAGIC);

    if (c->s != NULL) {
        loop_mark(c->s->l);
    }
    give_spare(c->s, &c->writing);
    if (c->closed) {
        return;
    }
    if (status < 0) {
        c->broken = true;
    }
    conn_settle(c);
}

static void flush(struct conn *c)
{
    uv_buf_t part;
    int n;

    if (c->writing.n > 0 || c->broken) {
        return;
    }
    if (c->out.n == 0) {
        give_spare(c->s, &c->out); /* an idle connection holds no buffer */
        return;
    }
    if (!buf_ok(&c->out)) {
        log_error("a client takes nothing and is dropped", LF_Z("peer", c->peer));
        c->broken = true;
        return;
    }
    part = uv_buf_init(c->out.p, (unsigned)c->out.n);
    n = uv_try_write(&c->uv.stream, &part, 1);
    if (n < 0 && n != UV_EAGAIN) {
        c->broken = true;
        return;
    }
    c->handed += (int64_t)c->out.n;
    if (n >= 0 && (size_t)n == c->out.n) {
        give_spare(c->s, &c->out);
    } else {
        n = n < 0 ? 0 : n;
        c->writing = c->out;
        buf_init(&c->out, OUT_BYTES_MAX);
        part = uv_buf_init(c->writing.p + n, (unsigned)(c->writing.n - (size_t)n));
        c->write_req.data = c;
        if (uv_write(&c->write_req, &c->uv.stream, &part, 1, on_written) != 0) {
            give_spare(c->s, &c->writing);
            c->broken = true;
        }
    }
}

/* The end. */

static void on_closed(uv_handle_t *h)
{
    struct conn *c = obj_check(h->data, CONN_MAGIC);
    struct http_server *s = c->s;

    list_del(&c->all);
    buf_fini(&c->in);
    buf_fini(&c->out);
    give_spare(s, &c->writing);
    buf_fini(&c->writing);
    mem_free(&c);
    if (s != NULL && s->draining && !s->drained && list_empty(&s->conns)) {
        s->drained = true;
        loop_defer(s->l, s->on_drained, s->on_drained_ctx);
    }
}

void conn_free(struct conn *c)
{
    c->closed = true;
    uv_close((uv_handle_t *)&c->uv.stream, on_closed);
}

/* Each request that nobody answered is told so, oldest first; a handler may try to answer the next.
 */
static void drop_requests(struct conn *c)
{
    while (c->first != NULL) {
        struct http_req *r = c->first;

        c->first = r->next;
        c->nopen--;
        if (r->told) {
            r->told = false;
            r->done = true;
            c->s->h.on_gone(c->s->ctx, r);
        }
        req_release(r);
    }
    c->last = c->cur = NULL;
    c->hold = HOLD_NONE;
}

void conn_close(struct conn *c)
{
    if (c->closed) {
        return;
    }
    c->closed = true;
    watch_stop(c);
    list_del(&c->dirty);
    drop_requests(c);
    conn_count_down(c);
    tls_conn_free(&c->tls);
    if (!c->reset || c->is_pipe || uv_tcp_close_reset(&c->uv.tcp, on_closed) != 0) {
        uv_close((uv_handle_t *)&c->uv.stream, on_closed);
    }
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct conn *c = obj_check(req->data, CONN_MAGIC);

    if (status < 0 && !c->closed) {
        conn_close(c);
    }
}

/*
 * A close() with unread bytes in the socket sends a reset, which may take our answer out of the
 * client's hands before it has read it. So we say that we are done, and read on for a while.
 */
static void linger(struct conn *c)
{
    give_spare(c->s, &c->in); /* of a held request that was refused */
    if (c->tls != NULL) {
        take_spare(c->s, &c->out);
        tls_conn_close(c->tls, &c->out);
        flush(c);
        if (c->writing.n > 0 || c->broken) {
            conn_close(c);
            return;
        }
    }
    c->lingering = true;
    c->shutdown_req.data = c;
    if (uv_shutdown(&c->shutdown_req, &c->uv.stream, on_shutdown) != 0) {
        conn_close(c);
    }
}

static bool all_sent(const struct conn *c)
{
    return c->first == NULL && c->out.n == 0 && c->writing.n == 0;
}

/* True when the connection has gone. */
static bool end_if_due(struct conn *c)
{
    if (c->broken || c->reset) {
        conn_close(c);
    } else if (all_sent(c) && !c->lingering) {
        if (c->eof || c->abrupt || (c->s->draining && c->phase == PHASE_HEAD && c->in.n == 0)) {
            conn_close(c);
        } else if (c->phase == PHASE_LAST) {
            linger(c);
        }
    }
    return c->closed;
}

/* Reading. */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = obj_check(h->data, CONN_MAGIC);
    int64_t turn = loop_turn(c->s->l);

    (void)suggested;
    if (c->read_turn != turn) {
        c->read_turn = turn;
        c->read_bytes = 0;
    }
    /* libuv reads on while the buffer comes back full; one fast sender must not hold the loop. */
    if (c->read_bytes >= READ_TURN_BYTES) {
        *buf = uv_buf_init(NULL, 0);
        return;
    }
    *buf = uv_buf_init(c->s->read_buf, READ_BYTES);
}

static void set_reading(struct conn *c)
{
    bool want = !c->eof && !conn_is_paused(c) && c->dropped <= LINGER_BYTES_MAX;

    if (want == c->reading) {
        return;
    }
    c->reading = want;
    if (!want) {
        uv_read_stop(&c->uv.stream);
    } else if (uv_read_start(&c->uv.stream, on_alloc, on_read) != 0) {
        conn_close(c);
    }
}

/* The stream that the client is reading has room again. */
static void tell_room(struct conn *c)
{
    struct http_req *r = c->first;
    loop_fn *fn = r == NULL ? NULL : r->on_room;

    if (fn != NULL && conn_unsent(c) <= UNSENT_MAX / 4) {
        r->on_room = NULL;
        fn(r->on_room_ctx);
    }
}

/* Bytes wait to be parsed, or a request to go on. */
static bool has_input(const struct conn *c)
{
    return (c->in.n > 0 || c->hold == HOLD_OVER) && c->phase != PHASE_LAST && !conn_is_paused(c);
}

void conn_settle(struct conn *c)
{
    if (c->closed) {
        return;
    }
    if (c->cut) {
        drop_requests(c);
    }
    flush(c);
    tell_room(c);
    if (end_if_due(c)) {
        return;
    }
    set_reading(c);
    if (c->closed) {
        return;
    }
    if (c->in_seen == 0 && has_input(c)) {
        conn_touch(c); /* whole requests may be waiting in it */
    }
    watch_update(c);
}

static void keep_rest(struct conn *c, struct str rest)
{
    if (rest.n > 0 && c->phase != PHASE_LAST) {
        take_spare(c->s, &c->in);
        buf_add(&c->in, rest);
        assert(buf_ok(&c->in));
    }
}

/* Plain bytes, or none to go on with what waits in c->in. */
static void conn_input(struct conn *c, struct str bytes)
{
    size_t used;

    c->corked = true;
    if (c->in.n == 0) {
        used = parse_bytes(c, bytes);
        if (!c->closed) {
            keep_rest(c, str_slice(bytes, used, bytes.n));
        }
    } else {
        buf_add(&c->in, bytes);
        assert(buf_ok(&c->in));
        used = parse_bytes(c, buf_str(&c->in));
        if (!c->closed) {
            buf_drop(&c->in, c->phase == PHASE_LAST ? c->in.n : used);
        }
    }
    c->corked = false;
    if (!c->closed && c->in.n == 0) {
        give_spare(c->s, &c->in);
    }
}

static bool conn_input_tls(struct conn *c, struct str cipher)
{
    struct http_server *s = c->s;
    struct err err = {0};
    bool ok;

    buf_reset(&s->plain);
    take_spare(s, &c->out);
    ok = tls_conn_feed(c->tls, cipher, &s->plain, &c->out, &err);
    if (s->plain.n > 0) {
        conn_input(c, buf_str(&s->plain));
    }
    if (!ok && !c->closed && err.code != ERR_NONE) {
        log_debug("TLS ends", LF_Z("peer", c->peer), LF_Z("reason", err.msg));
        flush(c); /* the alert */
        c->broken = true;
    }
    return ok;
}

/* Half a request: it hung up. Else it may still read what is open, or held: see WATCH_HALF. */
static void on_eof(struct conn *c)
{
    c->eof = true;
    if ((c->phase == PHASE_BODY && c->hold == HOLD_NONE) || c->lingering) {
        conn_close(c);
    }
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    struct conn *c = obj_check(stream->data, CONN_MAGIC);

    if (nread == 0 || nread == UV_ENOBUFS) {
        return;
    }
    loop_mark(c->s->l);
    if (nread == UV_EOF) {
        on_eof(c);
    } else if (nread < 0) {
        conn_close(c);
    } else {
        c->read_bytes += (size_t)nread;
        if (c->phase == PHASE_LAST) {
            c->dropped += (size_t)nread;
            if (c->lingering && c->dropped > LINGER_BYTES_MAX) {
                conn_close(c);
            }
        } else if (c->tls == NULL) {
            conn_input(c, str_make(buf->base, (size_t)nread));
        } else if (!conn_input_tls(c, str_make(buf->base, (size_t)nread)) && !c->closed &&
                   !c->broken) {
            on_eof(c); /* close_notify */
        }
    }
    conn_settle(c);
}

void conn_resume(void *server)
{
    struct http_server *s = obj_check(server, SERVER_MAGIC);
    struct list now;

    s->dirty_due = false;
    list_init(&now);
    while (!list_empty(&s->dirty)) {
        struct list *node = s->dirty.next;

        list_del(node);
        list_add_tail(&now, node);
    }
    while (!list_empty(&now)) {
        struct conn *c = LIST_OF(now.next, struct conn, dirty);

        list_del(&c->dirty);
        if (has_input(c)) {
            conn_input(c, STR_NONE);
        }
        conn_settle(c);
    }
}

void conn_touch(struct conn *c)
{
    if (c->corked || c->closed || !list_empty(&c->dirty)) {
        return;
    }
    list_add_tail(&c->s->dirty, &c->dirty);
    if (!c->s->dirty_due) {
        c->s->dirty_due = true;
        /* Not a hook: requests that waited may begin now, and other rooms' hooks come after. */
        loop_defer(c->s->l, conn_resume, c->s);
    }
}
