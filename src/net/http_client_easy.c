#include "http_client_int.h"

#include <assert.h>
#include <ctype.h>

#include "base/mem.h"

/* Buffers of a pooled slot above this go back to the heap. */
#define KEEP_BYTES (64 * 1024)

static size_t read_wanted(struct http_slot *s, char *out, size_t room)
{
    struct http_op *call = s->call;
    size_t left = (size_t)call->body_bytes - s->handed, n;

    if (left == 0) {
        return CURL_READFUNC_ABORT; /* asked a second time: as in on_read() */
    }
    n = call->on_want(call->ctx, out, room < left ? room : left);
    if (n == HTTP_WANT_LATER) {
        call->starved = true;
        return CURL_READFUNC_PAUSE;
    }
    s->handed += n;
    return n > 0 ? n : CURL_READFUNC_ABORT;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct http_slot *s = obj_check(ctx, HTTP_SLOT_MAGIC);
    struct str body = s->call->body;
    size_t n = size * count;

    if (s->call->on_want != NULL) {
        return read_wanted(s, out, n);
    }
    if (s->handed == body.n) {
        /*
         * libcurl knows the length and asks again only when it took the body for a connection that
         * died before a byte of it went out. There is no way back: the attempt ends as not sent.
         */
        return CURL_READFUNC_ABORT;
    }
    if (n > body.n - s->handed) {
        n = body.n - s->handed;
    }
    memcpy(out, body.p + s->handed, n);
    s->handed += n;
    return n;
}

static bool status_line(struct str line)
{
    static const struct str http = {"HTTP/", 5};

    return str_starts(line, http);
}

static bool add_field(struct http_slot *s, struct str line)
{
    struct str name, value;
    struct http_field *f;
    size_t at = s->head.n;

    if (!str_cut(line, ':', &name, &value)) {
        return true;
    }
    name = str_trim(name);
    value = str_trim(value);
    if (s->nfields == HTTP_FIELDS_MAX) {
        return false;
    }
    buf_add(&s->head, name);
    buf_add(&s->head, value);
    if (!buf_ok(&s->head)) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        s->head.p[at + i] = (char)tolower((unsigned char)s->head.p[at + i]);
    }
    f = &s->fields[s->nfields++];
    *f = (struct http_field){(uint32_t)at, (uint32_t)name.n, (uint32_t)(at + name.n),
                             (uint32_t)value.n};
    return true;
}

static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct http_slot *s = obj_check(ctx, HTTP_SLOT_MAGIC);
    struct str line = str_make(p, size * count);

    s->answer_begun = true;
    /* 100 and 103 come before the answer itself; what counts is the last block. */
    if (status_line(line)) {
        buf_reset(&s->head);
        s->nfields = 0;
        s->head_whole = false;
        return line.n;
    }
    if (str_trim(line).n == 0) {
        s->head_whole = true;
        return line.n;
    }
    if (!add_field(s, line)) {
        s->too_long = true;
        return 0;
    }
    return line.n;
}

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct http_slot *s = obj_check(ctx, HTTP_SLOT_MAGIC);
    struct http_op *call = s->call;
    struct str bytes = str_make(p, size * count);

    if (call->state != HTTP_OP_RUNNING) {
        return 0; /* cancelled in an earlier piece */
    }
    if (call->on_data == NULL) {
        buf_add(&s->body, bytes);
        if (!buf_ok(&s->body)) {
            s->too_long = true;
            return 0;
        }
        return bytes.n;
    }
    if (call->paused) {
        call->held = true;
        return CURL_WRITEFUNC_PAUSE; /* the same piece comes again */
    }
    if (call->on_head != NULL) {
        bool (*on_head)(void *ctx, const struct http_answer *head) = call->on_head;
        struct http_answer head;

        call->on_head = NULL;
        http_slot_answer(s, &head);
        if (!on_head(call->ctx, &head) || s->call->state != HTTP_OP_RUNNING) {
            s->stopped = true;
            return 0;
        }
    }
    if (bytes.n > call->response_bytes_max) {
        s->too_long = true;
        return 0;
    }
    call->response_bytes_max -= bytes.n;
    if (!call->on_data(call->ctx, bytes)) {
        s->stopped = true;
        return 0;
    }
    return s->call->state == HTTP_OP_RUNNING ? bytes.n : 0;
}

/*
 * Just before a request goes out, over a new connection or one in use. http_watch_open() sees every
 * new connection, but one that another call opened without the rule may still stand: it is not
 * lent.
 */
static int on_connected(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct http_slot *s = obj_check(ctx, HTTP_SLOT_MAGIC);

    (void)local;
    (void)remote_port;
    (void)local_port;
    if ((s->call->flags & HTTP_PUBLIC_ONLY) != 0 && !http_addr_text_public(remote)) {
        s->refused = true;
        s->allowed = false;
        return CURL_PREREQFUNC_ABORT;
    }
    /* libcurl retries by itself after a reused connection died: not with a body that it holds
     * whole. */
    if (s->once && s->requests > 0) {
        return CURL_PREREQFUNC_ABORT;
    }
    s->requests++;
    http_client_connected(s->call);
    return CURL_PREREQFUNC_OK;
}

static void constant_options(struct http_slot *s)
{
    struct http_client *c = s->c;
    CURL *e = s->easy;

    curl_easy_setopt(e, CURLOPT_PRIVATE, s);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->reason);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* A name server that hangs would hold the whole loop when its call times out or is cancelled.
     */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    /* One slot takes one small body nearly always; 64 KiB a slot would be memory for nothing. */
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_SHARE, c->share);
    /* With a CA path libcurl reads all certificates again for every connection (some 10 ms). */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, -1L);
    if (c->ca_file != NULL) {
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
    }
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, http_watch_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, http_watch_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(e, CURLOPT_READDATA, s);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, s);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

struct http_slot *http_slot_new(struct http_client *c)
{
    struct http_slot *s = MEM_NEW(struct http_slot);

    s->magic = HTTP_SLOT_MAGIC;
    s->c = c;
    list_init(&s->node);
    buf_init(&s->head, HTTP_HEAD_MAX);
    buf_init(&s->body, HTTP_BODY_DEFAULT);
    s->easy = curl_easy_init();
    s->url_parts = curl_url();
    assert(s->easy != NULL && s->url_parts != NULL); /* fails only without memory */
    constant_options(s);
    return s;
}

void http_slot_free(struct http_slot **owner)
{
    struct http_slot *s = *owner;

    if (s == NULL) {
        return;
    }
    curl_easy_cleanup(s->easy);
    curl_url_cleanup(s->url_parts);
    mem_free(&s->url);
    buf_fini(&s->head);
    buf_fini(&s->body);
    mem_free(owner);
}

static bool call_is_idempotent(const struct http_op *call)
{
    return (call->flags & HTTP_IDEMPOTENT) != 0 || strcmp(call->method, "GET") == 0 ||
           strcmp(call->method, "HEAD") == 0;
}

/* How the method and the body reach libcurl; the heart of "sent at most once". */
static void prepare_method(struct http_slot *s, const struct http_op *call)
{
    size_t body_n = call->on_want != NULL ? (size_t)call->body_bytes : call->body.n;
    const char *m = call->method, *custom = NULL, *fields = "";
    bool get = strcmp(m, "GET") == 0, head = strcmp(m, "HEAD") == 0;
    bool idempotent = call_is_idempotent(call);
    CURL *e = s->easy;

    curl_easy_setopt(e, CURLOPT_NOBODY, head ? 1L : 0L);
    if (!head && (body_n > 0 || strcmp(m, "POST") == 0)) {
        /*
         * A read callback without a seek callback, so that libcurl cannot send the body again by
         * itself when a connection that it reuses dies. POSTFIELDS only where a second copy does no
         * harm, or where on_connected() stands in the way of it.
         */
        s->once = !idempotent && s->c->one_write && call->body.n > 0 &&
                  call->body.n <= HTTP_ONE_WRITE_MAX;
        if (body_n > 0) {
            fields = call->body.n > 0 && (idempotent || s->once) ? call->body.p : NULL;
        }
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_n);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, fields);
        custom = strcmp(m, "POST") == 0 ? NULL : m;
    } else if (!head) {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        custom = get ? NULL : m;
    }
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, custom);
    /* Without a body nothing needs a rewind, so only a connection of its own is never retried. */
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, !idempotent && body_n == 0 ? 1L : 0L);
}

static void prepare_signature(struct http_slot *s, const struct http_op *call)
{
    CURL *e = s->easy;

    if (call->sigv4 == NULL && !s->is_signed) {
        return;
    }
    s->is_signed = call->sigv4 != NULL;
    curl_easy_setopt(e, CURLOPT_AWS_SIGV4, call->sigv4);
    curl_easy_setopt(e, CURLOPT_USERNAME, call->sigv4_key);
    curl_easy_setopt(e, CURLOPT_PASSWORD, call->sigv4_secret);
    if (!s->is_signed) {
        curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    }
}

/*
 * One URL follows another of the same text nearly always, and to take a URL apart and put it
 * together again is a tenth of what libcurl does for a request: it gets the parts. Where it would
 * refuse the URL it gets the text, and refuses it.
 */
static void prepare_url(struct http_slot *s, const struct http_op *call)
{
    CURL *e = s->easy;
    CURLUcode rc;

    if (s->url != NULL && strcmp(s->url, call->url) == 0) {
        return;
    }
    mem_free(&s->url);
    rc = curl_url_set(s->url_parts, CURLUPART_URL, call->url, CURLU_DISALLOW_USER);
    curl_easy_setopt(e, CURLOPT_URL, call->url);
    curl_easy_setopt(e, CURLOPT_CURLU, rc == CURLUE_OK ? s->url_parts : NULL);
    if (rc == CURLUE_OK) {
        s->url = mem_dupz(str_of(call->url));
    }
}

void http_slot_prepare(struct http_slot *s, struct http_op *call, int64_t timeout_ms)
{
    CURL *e = s->easy;

    assert(s->call == NULL);
    s->call = call;
    call->slot = s;
    s->body.max = call->response_bytes_max;
    prepare_url(s, call);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    prepare_method(s, call);
    prepare_signature(s, call);
    if (s->is_https != call->https) {
        /* Waiting for the first connection's protocol pays where HTTP/2 may be offered, never else.
         */
        s->is_https = call->https;
        curl_easy_setopt(e, CURLOPT_PIPEWAIT, call->https ? 1L : 0L);
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                         call->https ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    }
}

static void buf_small(struct buf *b)
{
    if (b->cap > KEEP_BYTES) {
        size_t max = b->max;

        buf_fini(b);
        buf_init(b, max);
    } else {
        buf_reset(b);
    }
}

void http_slot_reset(struct http_slot *s)
{
    if (s->call != NULL) {
        s->call->slot = NULL;
        s->call = NULL;
    }
    /* These point into the call's memory. */
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, NULL);
    s->handed = s->nfields = 0;
    s->requests = 0;
    s->once = false;
    s->refused = s->allowed = s->too_long = s->stopped = false;
    s->answer_begun = s->head_whole = false;
    s->reason[0] = '\0';
    buf_small(&s->head);
    buf_small(&s->body);
}

void http_slot_answer(struct http_slot *s, struct http_answer *out)
{
    long status = 0, version = 0;

    for (size_t i = 0; i < s->nfields; i++) {
        const struct http_field *f = &s->fields[i];

        s->pairs[i].name = str_make(s->head.p + f->name_at, f->name_n);
        s->pairs[i].value = str_make(s->head.p + f->value_at, f->value_n);
    }
    curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(s->easy, CURLINFO_HTTP_VERSION, &version);
    *out = (struct http_answer){
        .status = (int)status,
        .headers = {s->pairs, s->nfields},
        .body = buf_str(&s->body),
        .http2 = version == CURL_HTTP_VERSION_2_0
    };
    if (status == 429 || status == 503 || (status >= 300 && status < 400)) {
        out->retry_after_s =
            http_retry_after(pairs_get(&out->headers, STR("retry-after")), wall_now().ms / 1000);
    }
}

void http_slot_attempt(const struct http_slot *s, CURLcode code, struct http_attempt *out)
{
    long request_bytes = 0;

    curl_easy_getinfo(s->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    *out = (struct http_attempt){.code = code,
                                 .refused = s->refused,
                                 .allowed = s->allowed,
                                 .too_long = s->too_long,
                                 .stopped = s->stopped,
                                 .request_sent = request_bytes > 0,
                                 .answer_begun = s->answer_begun,
                                 .answer_whole = s->head_whole,
                                 .body_n = s->call->on_want != NULL ? (size_t)s->call->body_bytes
                                                                    : s->call->body.n,
                                 .uploaded = s->handed};
    /* Not through on_read(): it went out with the head. */
    if (out->request_sent && s->call->on_want == NULL && (s->once || call_is_idempotent(s->call))) {
        out->uploaded = out->body_n;
    }
}

enum err_code http_attempt_class(const struct http_attempt *a)
{
    /* 7.88 takes a head that breaks off for an answer. */
    if (a->code == CURLE_OK && a->answer_whole) {
        return ERR_NONE;
    }
    if (a->refused && !a->allowed) {
        return ERR_NET_FORBIDDEN_ADDRESS;
    }
    if (a->too_long) {
        return ERR_TOO_LONG;
    }
    if (a->stopped) {
        return ERR_CANCELLED;
    }
    /* 65: a reused connection died after some of the body went out. All of it may have arrived. */
    if (a->code == CURLE_SEND_FAIL_REWIND || a->answer_begun) {
        return ERR_NET_AMBIGUOUS;
    }
    if (a->request_sent && a->uploaded >= a->body_n) {
        return ERR_NET_AMBIGUOUS;
    }
    if (a->code == CURLE_URL_MALFORMAT || a->code == CURLE_UNSUPPORTED_PROTOCOL ||
        a->code == CURLE_LOGIN_DENIED) {
        return ERR_INVALID;
    }
    return ERR_NET_NOT_SENT;
}
