#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#include "http_server_int.h"

/* From here on a body is written from where it lies instead of being copied behind its head. */
#define BIG_BODY_BYTES (32 * 1024)
#define ERROR_BYTES    (64 * 1024)
#define RETRY_AFTER_S  1

static const struct {
    int status;
    struct str line;
} lines[] = {
#define LINE(status, text)                                               \
    {                                                                    \
        status,                                                          \
        {                                                                \
            "HTTP/1.1 " text "\r\n", sizeof("HTTP/1.1 " text "\r\n") - 1 \
        }                                                                \
    }
    LINE(200, "200 OK"),
    LINE(201, "201 Created"),
    LINE(202, "202 Accepted"),
    LINE(204, "204 No Content"),
    LINE(206, "206 Partial Content"),
    LINE(301, "301 Moved Permanently"),
    LINE(302, "302 Found"),
    LINE(303, "303 See Other"),
    LINE(304, "304 Not Modified"),
    LINE(307, "307 Temporary Redirect"),
    LINE(308, "308 Permanent Redirect"),
    LINE(400, "400 Bad Request"),
    LINE(401, "401 Unauthorized"),
    LINE(403, "403 Forbidden"),
    LINE(404, "404 Not Found"),
    LINE(405, "405 Method Not Allowed"),
    LINE(406, "406 Not Acceptable"),
    LINE(408, "408 Request Timeout"),
    LINE(409, "409 Conflict"),
    LINE(410, "410 Gone"),
    LINE(411, "411 Length Required"),
    LINE(412, "412 Precondition Failed"),
    LINE(413, "413 Content Too Large"),
    LINE(414, "414 URI Too Long"),
    LINE(415, "415 Unsupported Media Type"),
    LINE(416, "416 Range Not Satisfiable"),
    LINE(422, "422 Unprocessable Content"),
    LINE(428, "428 Precondition Required"),
    LINE(429, "429 Too Many Requests"),
    LINE(431, "431 Request Header Fields Too Large"),
    LINE(500, "500 Internal Server Error"),
    LINE(501, "501 Not Implemented"),
    LINE(502, "502 Bad Gateway"),
    LINE(503, "503 Service Unavailable"),
    LINE(504, "504 Gateway Timeout"),
    LINE(505, "505 HTTP Version Not Supported"),
#undef LINE
};

static void add_status(struct buf *out, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (lines[i].status == status) {
            buf_add(out, lines[i].line);
            return;
        }
    }
    buf_addf(out, "HTTP/1.1 %03d Other\r\n", status);
}

static void add_date(struct http_server *s, struct buf *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(wall_now().ms / 1000);
    struct tm t;

    if (s->date_s != (int64_t)now) {
        s->date_s = (int64_t)now;
        gmtime_r(&now, &t);
        snprintf(s->date, sizeof(s->date), "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                 days + 3 * t.tm_wday, t.tm_mday % 100, months + 3 * t.tm_mon,
                 (t.tm_year + 1900) % 10000, t.tm_hour % 100, t.tm_min % 100, t.tm_sec % 100);
    }
    buf_addz(out, s->date);
}

/* A value with a line end in it would be two fields: such bytes are left out. */
static void add_field(struct buf *out, const char *name, struct str value)
{
    buf_addz(out, name);
    buf_add(out, STR(": "));
    if (memchr(value.p == NULL ? "" : value.p, '\r', value.n) == NULL &&
        memchr(value.p == NULL ? "" : value.p, '\n', value.n) == NULL) {
        buf_add(out, value);
    } else {
        for (size_t i = 0; i < value.n; i++) {
            if (value.p[i] != '\r' && value.p[i] != '\n') {
                buf_add_char(out, value.p[i]);
            }
        }
    }
    buf_add(out, STR("\r\n"));
}

static bool may_have_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

enum framing { FRAME_LENGTH, FRAME_CHUNKED, FRAME_CLOSE };

static void add_head(struct http_req *r, const struct http_reply *reply, enum framing framing,
                     struct buf *out)
{
    add_status(out, reply->status);
    add_date(r->c->s, out);
    if (reply->content_type != NULL) {
        add_field(out, "Content-Type", str_of(reply->content_type));
    }
    for (size_t i = 0; i < reply->nfields; i++) {
        add_field(out, reply->fields[i].name, reply->fields[i].value);
    }
    if (r->close) {
        buf_add(out, STR("Connection: close\r\n"));
    } else if (r->head.minor == 0) {
        buf_add(out, STR("Connection: keep-alive\r\n"));
    }
    if (framing == FRAME_CHUNKED) {
        buf_add(out, STR("Transfer-Encoding: chunked\r\n"));
    } else if (framing == FRAME_LENGTH && may_have_body(reply->status)) {
        buf_add(out, STR("Content-Length: "));
        buf_add_i64(out, (int64_t)reply->body.n);
        buf_add(out, STR("\r\n"));
    }
    buf_add(out, STR("\r\n"));
}

/*
 * A client that waits for "100 Continue" may or may not send its body after another answer, so we
 * cannot know where its next request begins. A short body that is on its way we read and forget.
 */
static bool must_close(const struct http_req *r, bool wanted)
{
    const struct conn *c = r->c;
    bool leaving = c->s->retiring || c->s->draining;

    if (wanted || !r->keep || (leaving && c->last == r && c->in.n == 0)) {
        return true;
    }
    if (r->complete || (c->cur == r && c->saw_end)) {
        return false;
    }
    return c->cur != r || r->head.expect_continue || c->body_left < 0 ||
           c->body_left > SKIP_BODY_MAX;
}

/* Where the bytes of @r go now: to the wire, or aside until the requests before it are answered. */
static struct buf *target(struct http_req *r)
{
    struct conn *c = r->c;

    if (c->first != r || c->cut) {
        return &r->out;
    }
    if (c->tls == NULL) {
        return conn_out(c);
    }
    buf_reset(&c->s->scratch);
    return &c->s->scratch;
}

static void rendered(struct http_req *r, const struct buf *out)
{
    if (out == &r->c->s->scratch) {
        conn_send(r->c, buf_str(out));
    }
}

/* Sends what waits behind the oldest request, as far as it is answered. */
static void advance(struct conn *c)
{
    while (c->first != NULL && !c->cut) {
        struct http_req *r = c->first;

        if (r->out.n > 0) {
            conn_send(c, buf_str(&r->out));
            buf_reset(&r->out);
        }
        if (!r->done) {
            return;
        }
        c->abrupt = r->abrupt;
        c->reset = r->reset;
        c->first = r->next;
        c->nopen--;
        if (c->first == NULL) {
            c->last = NULL;
        }
        c->cut = r->close; /* conn_settle() drops the requests behind it */
        req_release(r);
    }
}

/* @r is answered whole. It is gone when this returns, unless earlier requests are still open. */
static void finish(struct http_req *r)
{
    struct conn *c = r->c;

    r->done = true;
    r->told = false;
    if (c->cur == r) {
        c->cur = NULL;
        c->hold = c->hold == HOLD_ON ? HOLD_OVER : c->hold;
    }
    if (r->close) {
        c->phase = PHASE_LAST;
    }
    if (c->first == r) {
        advance(c);
    }
    conn_touch(c);
}

/* Head and body in one system call without copying the body; what is not taken is kept. */
static bool send_big(struct http_req *r, struct buf *out, struct str body)
{
    struct conn *c = r->c;
    uv_buf_t parts[2];
    size_t head = out->n, sent;
    int n;

    if (out != &c->out || c->writing.n > 0 || body.n < BIG_BODY_BYTES) {
        return false;
    }
    parts[0] = uv_buf_init(out->p, (unsigned)head);
    parts[1] = uv_buf_init((char *)body.p, (unsigned)body.n);
    n = uv_try_write(&c->uv.stream, parts, 2);
    if (n < 0) {
        return false; /* the next write learns why */
    }
    sent = (size_t)n;
    c->handed += n;
    buf_drop(out, sent < head ? sent : head);
    sent -= sent < head ? sent : head;
    buf_add(out, str_slice(body, sent, body.n));
    return true;
}

void http_reply(struct http_req *r, const struct http_reply *reply)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;
    struct buf *out;
    bool body;

    assert(!r->replied);
    r->replied = true;
    r->told = false;
    if (c->closed) {
        return; /* answered inside on_gone: nobody reads it */
    }
    r->close = must_close(r, reply->close);
    out = target(r);
    add_head(r, reply, FRAME_LENGTH, out);
    body = may_have_body(reply->status) && !str_eq(r->head.method, STR("HEAD"));
    if (body && !send_big(r, out, reply->body)) {
        buf_add(out, reply->body);
    }
    rendered(r, out);
    finish(r);
}

void reply_continue(struct http_req *r)
{
    struct buf *out = target(r);

    buf_add(out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    rendered(r, out);
    conn_touch(r->c);
}

/* Errors: the handler renders headers and body, we add what only we know. */

static void render_error(struct http_server *s, const struct err *err, struct buf *headers,
                         struct buf *body)
{
    int64_t retry_s = err->retry_after_s > 0 ? err->retry_after_s : RETRY_AFTER_S;

    buf_init(headers, ERROR_BYTES);
    buf_init(body, ERROR_BYTES);
    s->h.on_error(s->ctx, err, headers, body);
    if (err_retry(err->code)) {
        buf_addf(headers, "Retry-After: %lld\r\n", (long long)retry_s);
    }
    buf_addf(headers, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body->n);
}

void reply_refusal(struct http_server *s, const struct err *err, struct buf *out)
{
    struct buf headers, body;

    render_error(s, err, &headers, &body);
    add_status(out, err_status(err->code));
    add_date(s, out);
    buf_add(out, buf_str(&headers));
    buf_add(out, buf_str(&body));
    buf_fini(&headers);
    buf_fini(&body);
}

void conn_reply_error(struct http_req *r, const struct err *err)
{
    struct buf headers, body, *out;

    r->replied = r->close = true;
    render_error(r->c->s, err, &headers, &body);
    out = target(r);
    add_status(out, err_status(err->code));
    add_date(r->c->s, out);
    buf_add(out, buf_str(&headers));
    if (!str_eq(r->head.method, STR("HEAD"))) {
        buf_add(out, buf_str(&body));
    }
    rendered(r, out);
    buf_fini(&headers);
    buf_fini(&body);
    finish(r);
}

/* Streams. */

void http_stream_start(struct http_req *r, const struct http_reply *head)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;
    bool chunked = r->head.minor == 1;
    struct buf *out;

    assert(!r->replied && may_have_body(head->status));
    r->replied = r->streaming = true;
    if (c->closed) {
        return;
    }
    r->close = must_close(r, head->close || !chunked);
    out = target(r);
    add_head(r, head, chunked ? FRAME_CHUNKED : FRAME_CLOSE, out);
    rendered(r, out);
    conn_touch(c);
    http_stream_write(r, head->body);
}

void http_stream_write(struct http_req *r, struct str bytes)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;
    struct buf *out;

    assert(r->streaming && !r->done);
    if (c->closed || bytes.n == 0 || str_eq(r->head.method, STR("HEAD"))) {
        return;
    }
    out = target(r);
    if (r->head.minor == 0) {
        buf_add(out, bytes);
    } else {
        buf_addf(out, "%zx\r\n", bytes.n);
        buf_add(out, bytes);
        buf_add(out, STR("\r\n"));
    }
    rendered(r, out);
    conn_touch(c);
}

size_t http_stream_backlog(const struct http_req *r)
{
    return r->out.n + (r->c->first == r ? conn_unsent(r->c) : 0);
}

void http_stream_wait(struct http_req *r, loop_fn *on_room, void *ctx)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;

    assert(r->streaming && !r->done);
    r->on_room = on_room;
    r->on_room_ctx = ctx;
    conn_touch(c);
}

void http_stream_end(struct http_req *r)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;
    struct buf *out;

    assert(r->streaming && !r->done);
    r->told = false;
    if (c->closed) {
        return;
    }
    if (r->head.minor == 1 && !str_eq(r->head.method, STR("HEAD"))) {
        out = target(r);
        buf_add(out, STR("0\r\n\r\n"));
        rendered(r, out);
    }
    finish(r);
}

void http_req_break(struct http_req *r, struct str raw)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;
    struct buf *out;

    assert(!r->done);
    r->replied = r->close = true;
    r->told = false;
    if (c->closed) {
        return;
    }
    if (raw.n > 0) {
        out = target(r);
        buf_add(out, raw);
        rendered(r, out);
    }
    r->abrupt = true;
    r->reset = raw.n == 0;
    finish(r);
}
