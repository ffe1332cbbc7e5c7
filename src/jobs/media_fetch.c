/*
 * media_fetch: one try to get a file from the provider: WAIT for a place -> LOCATE (Meta) -> FILE
 * (Twilio: some redirects) -> WRITTEN. What comes is written and hashed as it comes, never held
 * whole; the source waits while the disk is behind. What it is, is told by its bytes.
 */
#include "base/list.h"
#include "base/mem.h"
#include "media_int.h"
#include "providers/fetch.h"

#include <stdio.h>

#define WAITING_MAX 64 /* for a place, in one gateway: each holds a slot of the inbox */

struct media_fetch {
    struct list node; /* in media_store.waiting */
    struct engine_tenant *et;
    struct media_store *ms;
    const struct sender *s;
    const struct inbound *in;
    media_fetched_fn *on_done;
    void *ctx;
    struct arena *a;
    struct op *http;
    struct media_file *file;
    struct fetch_place place;
    int64_t most; /* bytes */
    int hops, status;
    bool placed, waits, too_large, stalled;
};

static void place_free(struct media_store *ms);
static void begin(void *ctx);
static void too_many(void *ctx);

void media_fetch_free(struct media_fetch **owner)
{
    struct media_fetch *f = *owner;
    struct media_store *ms;

    if (f == NULL) {
        return;
    }
    *owner = NULL;
    ms = f->ms;
    if (f->waits) {
        list_del(&f->node);
        ms->nwaiting--;
    }
    loop_defer_cancel(f->et->e->loop, begin, f);
    loop_defer_cancel(f->et->e->loop, too_many, f);
    op_cancel(&f->http);
    media_file_free(&f->file);
    arena_free(&f->a);
    if (f->placed) {
        place_free(ms);
    }
    mem_free(&f);
}

/* ---- ends ---- */

static void finish(struct media_fetch *f, struct media_fetched *got)
{
    media_fetched_fn *on_done = f->on_done;
    void *ctx = f->ctx;

    if (got->end == FETCH_GOT) {
        got->file = f->file;
        f->file = NULL;
    }
    on_done(ctx, got); /* frees us */
}

static void lost(struct media_fetch *f, const char *reason, const struct err *err)
{
    struct media_fetched got = {.end = FETCH_LOST, .reason = reason};

    got.err = *err;
    finish(f, &got);
}

/* @gone: not there, which may be too early as well as too late. */
static void later(struct media_fetch *f, const struct err *err, bool gone)
{
    struct media_fetched got = {.end = FETCH_LATER, .reason = gone ? "expired" : "lost"};

    got.err = *err;
    finish(f, &got);
}

static void too_large(struct media_fetch *f, int64_t bytes)
{
    struct err err = {0};

    err_set(&err, ERR_TOO_LONG, "the file has %s%lld bytes; the most is %lld",
            bytes > 0 ? "" : "more than ", (long long)(bytes > 0 ? bytes : f->most),
            (long long)f->most);
    lost(f, "too_large", &err);
}

/* ---- what came ---- */

static bool same_hash(struct media_fetch *f, struct str told)
{
    struct buf hex;
    bool same;

    buf_init(&hex, 2 * SHA256_BYTES);
    hex_add(&hex, str_make(media_file_sha256(f->file), SHA256_BYTES));
    same = told.n == 0 || str_ieq(told, buf_str(&hex));
    buf_fini(&hex);
    return same;
}

static void on_written(void *ctx, const struct err *err)
{
    struct media_fetch *f = ctx;
    struct media_fetched got = {.end = FETCH_GOT};
    struct err own = {0};
    int64_t bytes = media_file_bytes(f->file);

    if (err != NULL) {
        later(f, err, false);
        return;
    }
    if ((f->place.bytes > 0 && bytes != f->place.bytes) || !same_hash(f, f->place.sha256_hex) ||
        !same_hash(f, f->in->media.sha256_hex)) {
        err_set(&own, ERR_NET_AMBIGUOUS, "the file that came is not the one that was announced");
        later(f, &own, false);
        return;
    }
    got.type = media_type_of(media_file_head(f->file), f->in->media.mime);
    if (got.type == NULL) {
        err_set(&own, ERR_MEDIA_TYPE, "by its bytes the file is of no type that is taken");
        lost(f, "type", &own);
    } else if (bytes > media_bytes_max(f->et->e->o.settings, got.type->kind)) {
        f->most = media_bytes_max(f->et->e->o.settings, got.type->kind);
        too_large(f, bytes);
    } else {
        finish(f, &got);
    }
}

/* ---- the file on its way ---- */

static void on_room(void *ctx)
{
    struct media_fetch *f = ctx;
    const struct err *err = media_file_error(f->file);
    struct err own;

    if (err != NULL) {
        own = *err;
        later(f, &own, false);
        return;
    }
    if (f->stalled && f->http != NULL) {
        f->stalled = false;
        http_call_resume(f->http);
    }
}

static bool on_head(void *ctx, const struct http_answer *head)
{
    struct media_fetch *f = ctx;
    int64_t bytes;

    f->status = head->status;
    if (f->status == 200 &&
        str_to_i64(pairs_get(&head->headers, STR("content-length")), 0, INT64_MAX, &bytes) &&
        bytes > f->most) {
        f->too_large = true;
        return false;
    }
    return true;
}

static bool on_data(void *ctx, struct str bytes)
{
    struct media_fetch *f = ctx;

    if (f->status != 200) {
        return true; /* an error's own words, or a redirect's */
    }
    if (f->file == NULL) {
        f->file = media_file_new(f->et->e->loop, f->ms->tmp);
        media_file_on_room(f->file, on_room, f);
    }
    if (!media_file_write(f->file, bytes)) {
        f->stalled = true;
        http_call_pause(f->http);
    }
    return true;
}

static void get_file(struct media_fetch *f, const struct outgoing *out);

static void follow(struct media_fetch *f, const struct http_answer *answer)
{
    struct outgoing out;
    struct err err = {0};

    if (f->hops++ == FETCH_HOPS_MAX) {
        err_set(&err, ERR_PROVIDER, "the file is behind more than %d redirects", FETCH_HOPS_MAX);
        lost(f, "lost", &err);
    } else if (!fetch_redirect(f->a, f->s, pairs_get(&answer->headers, STR("location")), &out,
                               &err)) {
        lost(f, "lost", &err);
    } else {
        get_file(f, &out);
    }
}

static void on_file(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct media_fetch *f = ctx;
    struct err own = {0};

    f->http = NULL;
    if (f->too_large || (err != NULL && err->code == ERR_TOO_LONG)) {
        too_large(f, 0);
    } else if (err != NULL && err->code == ERR_NET_FORBIDDEN_ADDRESS) {
        lost(f, "lost", err);
    } else if (err != NULL) {
        later(f, err, false);
    } else if (answer->status == 200 && f->file != NULL) {
        media_file_finish(f->file, on_written, f);
    } else if (answer->status >= 301 && answer->status <= 308 && answer->status != 304) {
        follow(f, answer);
    } else {
        err_set(&own, ERR_NET_NOT_SENT, "the provider answered %d%s", answer->status,
                answer->status == 200 ? " with an empty file" : "");
        later(f, &own, answer->status == 404 || answer->status == 410);
    }
}

/* ---- asking ---- */

static void ask(struct media_fetch *f, const struct outgoing *out, bool file, http_done_fn *on_done)
{
    const struct settings *s = f->et->e->o.settings;
    struct http_call call = {.method = out->method,
                             .url = out->url,
                             .headers = out->headers,
                             .nheaders = out->nheaders,
                             .basic_user = out->basic_user,
                             .basic_password = out->basic_password,
                             .flags = HTTP_IDEMPOTENT,
                             .timeout_ms = s->send_timeout_ms};

    if (!fetch_from_api(f->s, out->url) && !s->allow_private_callbacks) {
        call.flags |= HTTP_PUBLIC_ONLY;
    }
    if (file) {
        call.timeout_ms = s->media_fetch_timeout_ms;
        call.response_bytes_max = (size_t)f->most;
        call.on_data = on_data;
        call.on_head = on_head;
    }
    f->http = http_call_start(f->et->e->http, &call, on_done, f);
}

static void get_file(struct media_fetch *f, const struct outgoing *out)
{
    f->status = 0;
    ask(f, out, true, on_file);
}

static void on_place(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct media_fetch *f = ctx;
    struct outgoing out;
    struct err own = {0};

    f->http = NULL;
    if (err != NULL) {
        later(f, err, false);
    } else if (!fetch_located(f->a, answer->status, answer->body, &f->place, &own)) {
        if (own.code == ERR_NOT_FOUND) {
            lost(f, "expired", &own);
        } else {
            later(f, &own, false);
        }
    } else if (f->place.bytes > f->most) {
        too_large(f, f->place.bytes);
    } else if (!fetch_file(f->a, f->s, f->place.url, &out, &own)) {
        lost(f, "lost", &own);
    } else {
        get_file(f, &out);
    }
}

static void begin(void *ctx)
{
    struct media_fetch *f = ctx;
    struct outgoing out;
    struct err err = {0};
    bool place = fetch_needs_place(f->s);

    if (!(place ? fetch_locate(f->a, f->s, f->in, &out, &err)
                : fetch_file(f->a, f->s, f->in->media.url, &out, &err))) {
        lost(f, "lost", &err);
    } else if (place) {
        ask(f, &out, false, on_place);
    } else {
        get_file(f, &out);
    }
}

/* ---- places ---- */

static void too_many(void *ctx)
{
    struct media_fetch *f = ctx;
    struct media_fetched got = {.end = FETCH_LATER, .reason = "busy"};

    err_set(&got.err, ERR_OVERLOAD, "too many files are being fetched");
    finish(f, &got);
}

static void take_place(struct media_fetch *f)
{
    f->placed = true;
    f->ms->fetches++;
    loop_defer(f->et->e->loop, begin, f);
}

static void place_free(struct media_store *ms)
{
    struct media_fetch *next;

    ms->fetches--;
    if (!list_empty(&ms->waiting) && ms->fetches < ms->e->o.settings->media_fetches) {
        next = LIST_OF(ms->waiting.next, struct media_fetch, node);
        list_del(&next->node);
        ms->nwaiting--;
        next->waits = false;
        take_place(next);
    }
}

struct media_fetch *media_fetch_new(struct engine_tenant *et, const struct sender *s,
                                    const struct inbound *in, media_fetched_fn *on_done, void *ctx)
{
    struct media_fetch *f = MEM_NEW(struct media_fetch);
    struct media_store *ms = et->e->media;

    *f = (struct media_fetch){
        .et = et, .ms = ms, .s = s, .in = in, .on_done = on_done, .ctx = ctx, .a = arena_new()};
    f->most = media_bytes_max(et->e->o.settings, media_kind_told(in));
    if (ms->fetches < et->e->o.settings->media_fetches) {
        take_place(f);
    } else if (ms->nwaiting < WAITING_MAX) {
        list_add_tail(&ms->waiting, &f->node);
        ms->nwaiting++;
        f->waits = true;
    } else {
        loop_defer(et->e->loop, too_many, f);
    }
    return f;
}
