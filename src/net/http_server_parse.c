#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#include "http_server_int.h"

/* What llhttp sees. The gate has checked the bytes; llhttp must come to the same framing. */

static int on_field(llhttp_t *parser)
{
    struct conn *c = obj_check(parser->data, CONN_MAGIC);

    c->parsed_fields++;
    return 0;
}

static int on_head(llhttp_t *parser)
{
    struct conn *c = obj_check(parser->data, CONN_MAGIC);

    c->saw_head = true;
    c->keep = llhttp_should_keep_alive(parser) && (parser->flags & F_CONNECTION_CLOSE) == 0;
    c->body_left = (parser->flags & F_CONTENT_LENGTH) != 0 ? (int64_t)parser->content_length : -1;
    /* We offer no other protocol: a request to upgrade is a request like any other. */
    parser->upgrade = 0;
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
    struct conn *c = obj_check(parser->data, CONN_MAGIC);
    struct http_req *r = c->cur;
    struct str bytes = {at, n};

    if (r == NULL || c->fit != BODY_FITS) {
        return 0;
    }
    c->fit = n > r->limit - r->body_bytes ? BODY_TOO_LONG : conn_count_body(c, n);
    if (c->fit != BODY_FITS) {
        return 0;
    }
    r->body_bytes += n;
    for (size_t i = 0; i < r->nhash; i++) {
        hasher_add(&r->hash[i], bytes);
    }
    if (r->body_buf.n == 0 && r->head.content_length == (int64_t)n) {
        r->body = arena_dup(r->arena, bytes);
        return 0;
    }
    buf_add(&r->body_buf, bytes);
    return 0;
}

static int on_end(llhttp_t *parser)
{
    struct conn *c = obj_check(parser->data, CONN_MAGIC);

    c->saw_end = true;
    return 0;
}

void parse_init(struct conn *c)
{
    static const llhttp_settings_t settings = {
        .on_header_field_complete = on_field,
        .on_headers_complete = on_head,
        .on_body = on_body,
        .on_message_complete = on_end,
    };

    llhttp_init(&c->parser, HTTP_REQUEST, &settings);
    c->parser.data = c;
    c->phase = PHASE_HEAD;
}

/* Requests come from a pool, each with its arena. */

struct http_req *req_new(struct conn *c)
{
    struct http_server *s = c->s;
    struct http_req *r = s->spare_reqs;
    struct arena *arena;

    if (r != NULL) {
        s->spare_reqs = r->next;
        s->nspare_reqs--;
        arena = r->arena;
    } else {
        r = mem_new(sizeof(*r) + (s->o.header_fields_max + 1) * sizeof(r->fields[0]));
        arena = arena_new();
    }
    memset(r, 0, sizeof(*r));
    r->magic = REQ_MAGIC;
    r->arena = arena;
    r->c = c;
    r->limit = BODY_LIMIT;
    r->head.fields = r->fields;
    r->head.content_length = -1;
    buf_init(&r->out, OUT_BYTES_MAX);
    buf_init(&r->body_buf, SIZE_MAX - 1); /* on_body() keeps it under r->limit */
    return r;
}

static void drop_body(struct http_req *r)
{
    conn_uncount_body(r->c, r->body_bytes);
    r->body_bytes = 0;
    buf_fini(&r->body_buf);
}

void req_release(struct http_req *r)
{
    struct http_server *s = r->c->s;

    if (r->c->cur == r) {
        r->c->cur = NULL;
    }
    buf_fini(&r->out);
    drop_body(r);
    r->magic = 0; /* whoever still holds it stops at its next step */
    if (s->nspare_reqs == SPARE_REQS_MAX) {
        arena_free(&r->arena);
        mem_free(&r);
        return;
    }
    arena_reset(r->arena);
    r->next = s->spare_reqs;
    s->spare_reqs = r;
    s->nspare_reqs++;
}

static void enqueue(struct conn *c, struct http_req *r)
{
    if (c->last == NULL) {
        c->first = r;
    } else {
        c->last->next = r;
    }
    c->last = r;
    c->nopen++;
}

void parse_refuse(struct conn *c, struct http_req *r, const struct err *err)
{
    struct http_server *s = c->s;

    s->stats.bad_requests += err->code != ERR_OVERLOAD; /* those have counters of their own */
    c->phase = PHASE_LAST;
    if (r == NULL) {
        r = req_new(c);
        enqueue(c, r);
    }
    if (r->told) {
        r->told = false;
        s->h.on_gone(s->ctx, r);
        if (c->closed) {
            return;
        }
    }
    r->keep = false;
    drop_body(r);
    conn_reply_error(r, err);
}

static bool feed(struct conn *c, struct str bytes, struct err *err)
{
    llhttp_errno_t code = llhttp_execute(&c->parser, bytes.p, bytes.n);

    if (code == HPE_OK) {
        return true;
    }
    if (code == HPE_INVALID_METHOD) {
        return err_set(err, ERR_NOT_IMPLEMENTED, "the method is unknown");
    }
    return err_set(err, ERR_BAD_REQUEST, "the request cannot be parsed: %s",
                   llhttp_get_error_reason(&c->parser));
}

/* Two readers, one meaning: where llhttp frames the request otherwise than the gate, we do not. */
static bool second_opinion(struct conn *c, const struct http_req *r, struct str block,
                           struct err *err)
{
    bool chunked, body;

    c->saw_head = c->saw_end = false;
    c->fit = BODY_FITS;
    c->parsed_fields = 0;
    if (!feed(c, block, err)) {
        return false;
    }
    chunked = (c->parser.flags & F_CHUNKED) != 0;
    body = r->head.chunked || r->head.content_length > 0;
    if (!c->saw_head || c->saw_end == body || c->parsed_fields != r->head.nfields ||
        (body && chunked != r->head.chunked) || c->body_left != r->head.content_length) {
        return err_set(err, ERR_BAD_REQUEST, "the request is ambiguous");
    }
    return true;
}

static void end_request(struct conn *c)
{
    struct http_req *r = c->cur;

    c->cur = NULL;
    c->crlf_ok = true;
    if (c->phase == PHASE_BODY) {
        c->phase = c->keep ? PHASE_HEAD : PHASE_LAST;
    }
    if (r == NULL) {
        return; /* answered before its body came */
    }
    r->complete = true;
    if (r->body_buf.n > 0) {
        r->body = buf_str(&r->body_buf);
    }
    c->s->h.on_request(c->s->ctx, r);
}

static bool check_body(struct conn *c, struct http_req *r)
{
    struct err err = {0};

    if (r->head.content_length > 0 && (uint64_t)r->head.content_length > r->limit) {
        err_set(&err, ERR_TOO_LONG, "the body is over %zu bytes", r->limit);
        parse_refuse(c, r, &err);
        return false;
    }
    return true;
}

/* The head was looked at: now the body. @more: some of it is here, so nobody waits for a 100. */
static void go_on(struct conn *c, bool more)
{
    struct http_req *r = c->cur;

    c->hold = HOLD_NONE;
    if (c->saw_end) {
        end_request(c);
    } else if (r != NULL && r->head.expect_continue && r->head.minor == 1 && !more) {
        reply_continue(r);
    }
}

static void start_request(struct conn *c, struct http_req *r, bool more)
{
    struct http_server *s = c->s;

    enqueue(c, r);
    s->stats.requests++;
    r->number = ++c->nrequests;
    r->keep = c->keep;
    c->cur = r;
    c->phase = PHASE_BODY;
    chunk_gate_init(&c->chunk);
    c->window_bytes = 0;
    r->told = true;
    s->h.on_headers(s->ctx, r);
    if (c->closed || (c->cur == r && !check_body(c, r))) {
        return;
    }
    if (c->hold != HOLD_ON) {
        go_on(c, more);
    }
}

void http_req_hold(struct http_req *r)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;

    assert(c->cur == r && c->hold == HOLD_NONE && !r->replied);
    c->hold = HOLD_ON;
}

void http_req_go(struct http_req *r)
{
    struct conn *c = ((struct http_req *)obj_check(r, REQ_MAGIC))->c;

    assert(c->cur == r && c->hold == HOLD_ON);
    c->hold = HOLD_OVER;
    conn_touch(c);
}

/* An empty line after a body is what old clients add; only one, and only there. */
static size_t skip_crlf(struct conn *c, struct str bytes)
{
    if (bytes.n < 2) {
        c->in_seen = 1; /* nothing to do until more comes */
        return 0;
    }
    c->crlf_ok = false;
    return 2;
}

/* Takes the head at the start of @bytes; 0: it is not whole. */
static size_t take_head(struct conn *c, struct str bytes)
{
    struct err err = {0};
    struct http_req *r;
    struct str block;
    long n;

    if (c->crlf_ok && bytes.p[0] == '\r' && (bytes.n < 2 || bytes.p[1] == '\n')) {
        return skip_crlf(c, bytes);
    }
    n = http_gate_end(bytes, c->in_seen, &c->s->limits, &err);
    if (n == 0) {
        c->in_seen = bytes.n;
        return 0;
    }
    c->in_seen = 0;
    watch_stop(c); /* the next head has its own deadline */
    if (n < 0) {
        parse_refuse(c, NULL, &err);
        return bytes.n;
    }
    r = req_new(c);
    block = arena_dup(r->arena, str_slice(bytes, 0, (size_t)n));
    if (!http_gate_head(block, &c->s->limits, &r->head, &err) ||
        !second_opinion(c, r, block, &err) || !req_begin(r, &err)) {
        enqueue(c, r);
        parse_refuse(c, r, &err);
        return bytes.n;
    }
    start_request(c, r, (size_t)n < bytes.n);
    return (size_t)n;
}

static void fail_body(struct conn *c, const struct err *err)
{
    if (c->cur != NULL) {
        parse_refuse(c, c->cur, err);
    } else {
        c->phase = PHASE_LAST; /* its request is answered already */
    }
}

/* Feeds one run of body bytes; false: the body is refused. */
static bool feed_body(struct conn *c, struct str bytes, struct err *err)
{
    if (!feed(c, bytes, err)) {
        return false;
    }
    switch (c->fit) {
    case BODY_TOO_LONG:
        return err_set(err, ERR_TOO_LONG, "the body is over %zu bytes", c->cur->limit);
    case BODY_OVER_ADDRESS:
        return err_set(err, ERR_OVERLOAD, "too much is being sent from your address at once");
    case BODY_OVER_TOTAL:
        return err_set(err, ERR_OVERLOAD, "too much is being sent to this server at once");
    default:
        return true;
    }
}

static bool take_chunked(struct conn *c, struct str bytes, size_t *used, bool *ended,
                         struct err *err)
{
    switch (chunk_gate_feed(&c->chunk, bytes, used, err)) {
    case CHUNK_PASS:
        return feed_body(c, str_slice(bytes, 0, *used), err);
    case CHUNK_SKIP:
        return true;
    case CHUNK_ENDED:
        *ended = true;
        return feed_body(c, STR("\r\n"), err);
    default:
        return false;
    }
}

static size_t take_body(struct conn *c, struct str bytes)
{
    struct err err = {0};
    size_t used = 0;
    bool ended = false, ok;

    if (c->body_left >= 0) {
        used = (uint64_t)c->body_left < bytes.n ? (size_t)c->body_left : bytes.n;
        c->body_left -= (int64_t)used;
        ended = c->body_left == 0;
        ok = feed_body(c, str_slice(bytes, 0, used), &err);
    } else {
        ok = take_chunked(c, bytes, &used, &ended, &err);
    }
    c->window_bytes += used;
    if (ok && ended != c->saw_end) {
        ok = err_set(&err, ERR_BAD_REQUEST, "the end of the body is ambiguous");
    }
    if (!ok) {
        fail_body(c, &err);
        return bytes.n;
    }
    if (ended) {
        watch_stop(c);
        end_request(c);
    }
    return used;
}

size_t parse_bytes(struct conn *c, struct str bytes)
{
    size_t used = 0;

    if (c->hold == HOLD_OVER) {
        go_on(c, bytes.n > 0);
    }
    while (used < bytes.n && !c->closed && c->phase != PHASE_LAST && c->hold == HOLD_NONE) {
        struct str rest = str_slice(bytes, used, bytes.n);
        size_t n = 0;

        if (c->phase == PHASE_BODY) {
            n = take_body(c, rest);
        } else if (!conn_is_paused(c)) {
            n = take_head(c, rest);
        }
        if (n == 0) {
            break;
        }
        used += n;
    }
    return used;
}
