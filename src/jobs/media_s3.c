/*
 * media_s3: stored files in an S3-compatible bucket, under <prefix>/<tenant>/ab/cd/<name>, sealed
 * as on the disk. Requests are signed (Signature Version 4) with the hash of what is sent, so
 * nothing is exchanged on the way. A file is uploaded from the disk where it grew, read ahead in
 * the pool.
 *
 * Source: Amazon S3 API Reference, PutObject, GetObject, DeleteObject; "Signature Calculations for
 * the Authorization Header".
 */
#include "base/mem.h"
#include "base/text.h"
#include "media_int.h"
#include "net/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE     (128 * 1024)
#define BYTES_MAX ((size_t)2 << 30)
#define GET_MS    ((int64_t)24 * 3600 * 1000) /* a download takes as long as whoever reads it */
#define NO_BODY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct s3 { /* one request, and what it needs */
    struct op op;
    struct media_store *ms;
    struct op *http;
    struct arena *a;
    struct str url;
    media_done_fn *on_done;
    void *ctx;
    /* of an upload */
    struct media_file *file;
    bool busy, dropped;
    int fd, code;
    int64_t offset;
    size_t at, n; /* of the piece: taken, there */
    char *piece;
    /* of a download */
    struct media_source to;
    struct timer *stall; /* nothing has come for so long, though we wait for it */
    int status;
};

static void s3_free(struct s3 *s)
{
    op_cancel(&s->http);
    timer_free(&s->stall);
    if (s->busy) {
        s->dropped = true; /* the pool has the piece */
        return;
    }
    if (s->fd >= 0) {
        close(s->fd); /* was only read */
    }
    arena_free(&s->a);
    mem_free(&s->piece);
    mem_free(&s);
}

static void s3_cancelled(struct op *op)
{
    struct s3 *s = (struct s3 *)(void *)op;

    s->on_done = NULL;
    s3_free(s);
}

static struct s3 *s3_new(struct media_store *ms, const struct tenant *t, struct str name)
{
    const struct settings *o = ms->e->o.settings;
    struct s3 *s = MEM_NEW(struct s3);
    char path[MEDIA_PATH_MAX];

    *s = (struct s3){.op = {s3_cancelled}, .ms = ms, .a = arena_new(), .fd = -1};
    media_store_path(t, name, path);
    s->url =
        arena_printf(s->a, "%.*s/%.*s/%.*s%s%s", STR_ARG(o->s3_endpoint), STR_ARG(o->s3_bucket),
                     STR_ARG(o->s3_prefix), o->s3_prefix.n > 0 ? "/" : "", path);
    return s;
}

static void s3_done(struct s3 *s, const struct err *err)
{
    media_done_fn *on_done = s->on_done;
    void *ctx = s->ctx;
    struct err own = {0};

    if (err != NULL) {
        own = *err;
    }
    s3_free(s);
    on_done(ctx, err != NULL ? &own : NULL);
}

static struct http_call s3_call(struct s3 *s, const char *method, struct pair headers[2],
                                struct str hash)
{
    const struct settings *o = s->ms->e->o.settings;

    headers[0] = (struct pair){STR("x-amz-content-sha256"), hash};
    headers[1] = (struct pair){STR("Content-Type"), STR("application/octet-stream")};
    return (struct http_call){.method = method,
                              .url = s->url,
                              .headers = headers,
                              .nheaders = 1,
                              .sigv4_region = o->s3_region,
                              .sigv4_key = o->s3_key,
                              .sigv4_secret = o->s3_secret,
                              .flags = HTTP_IDEMPOTENT,
                              .timeout_ms = o->media_fetch_timeout_ms};
}

/* What the store says, as far as it says a word that means something to the operator. */
static void refused(const struct http_answer *answer, const char *what, struct err *err)
{
    size_t from = str_find(answer->body, STR("<Code>"));
    struct str code =
        from == SIZE_MAX ? STR_NONE : str_slice(answer->body, from + 6, answer->body.n);

    code = str_slice(code, 0, str_find_char(code, '<', 0));
    err_set(err, ERR_NET_NOT_SENT, "the store for files answered %d%s%.*s to %s", answer->status,
            code.n > 0 ? " " : "", STR_ARG(str_slice(code, 0, 60)), what);
}

static void on_answer(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct s3 *s = ctx;
    struct err own = {0};

    s->http = NULL;
    if (err != NULL) {
        s3_done(s, err);
    } else if (answer->status / 100 == 2 || (s->file == NULL && answer->status == 404)) {
        s3_done(s, NULL);
    } else {
        refused(answer, s->file != NULL ? "an upload" : "a deletion", &own);
        s3_done(s, &own);
    }
}

/* ---- upload ---- */

static void read_piece(void *ctx)
{
    struct s3 *s = ctx;
    ssize_t n;

    do {
        n = pread(s->fd, s->piece, PIECE, s->offset);
    } while (n < 0 && errno == EINTR);
    s->code = n < 0 ? errno : 0;
    s->n = n < 0 ? 0 : (size_t)n;
}

static void on_piece(void *ctx)
{
    struct s3 *s = ctx;

    s->busy = false;
    if (s->dropped) {
        s3_free(s);
        return;
    }
    s->at = 0;
    s->offset += (int64_t)s->n;
    http_call_resume(s->http); /* nothing came: the upload breaks off */
}

static size_t on_want(void *ctx, char *out, size_t room)
{
    struct s3 *s = ctx;
    size_t n = s->n - s->at < room ? s->n - s->at : room;

    if (n > 0) {
        memcpy(out, s->piece + s->at, n);
        s->at += n;
        return n;
    }
    if (s->code != 0 || s->offset >= media_file_sealed_bytes(s->file)) {
        return 0;
    }
    if (!s->busy) {
        s->busy = true;
        loop_work(s->ms->e->loop, read_piece, on_piece, s);
    }
    return HTTP_WANT_LATER;
}

static void on_sealed(void *ctx, const struct err *err)
{
    struct s3 *s = ctx;
    struct pair headers[2];
    struct http_call call;
    struct err own = {0};
    struct buf hex;

    s->busy = false;
    if (s->dropped) {
        s3_free(s);
        return;
    }
    if (err != NULL) {
        s3_done(s, err);
        return;
    }
    s->fd = media_file_dup(s->file);
    if (s->fd < 0) {
        err_set(&own, ERR_IO, "a file cannot be opened again: %s", strerror(errno));
        s3_done(s, &own);
        return;
    }
    s->piece = mem_new(PIECE);
    buf_init(&hex, 64);
    hex_add(&hex, str_make(media_file_sealed_sha256(s->file), SHA256_BYTES));
    call = s3_call(s, "PUT", headers, buf_str(&hex));
    call.nheaders = 2;
    call.body_bytes = media_file_sealed_bytes(s->file);
    call.on_want = on_want;
    s->http = http_call_start(s->ms->e->http, &call, on_answer, s);
    buf_fini(&hex);
}

static struct op *s3_put(struct media_store *ms, const struct tenant *t, struct str name,
                         struct media_file *f, media_done_fn *on_done, void *ctx)
{
    struct s3 *s = s3_new(ms, t, name);

    s->file = f;
    s->on_done = on_done;
    s->ctx = ctx;
    s->busy = true;
    media_file_keep(f, t, name, "", on_sealed, s);
    return &s->op;
}

/* ---- download ---- */

static bool on_head(void *ctx, const struct http_answer *head)
{
    ((struct s3 *)ctx)->status = head->status;
    return true;
}

static bool on_data(void *ctx, struct str bytes)
{
    struct s3 *s = ctx;

    timer_start(s->stall, s->ms->e->o.settings->media_fetch_timeout_ms);
    if (s->status == 200) {
        s->to.on_bytes(s->to.ctx, bytes);
    }
    return true;
}

static void on_stall(void *ctx)
{
    struct s3 *s = ctx;
    struct media_source to = s->to;
    struct err err = {0};

    err_set(&err, ERR_NET_NOT_SENT, "the store for files stands still in the middle of a download");
    s3_free(s);
    to.on_end(to.ctx, &err);
}

static void on_got(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct s3 *s = ctx;
    struct media_source to = s->to;
    struct err own = {0};

    s->http = NULL;
    if (err != NULL) {
        own = *err;
    } else if (answer->status == 404) {
        err_set(&own, ERR_NOT_FOUND, "the file is not in the store");
    } else if (answer->status != 200) {
        refused(answer, "a download", &own);
    }
    s3_free(s);
    to.on_end(to.ctx, own.code == ERR_NONE ? NULL : &own);
}

static struct op *s3_get(struct media_store *ms, const struct tenant *t, struct str name,
                         const struct media_source *to)
{
    struct s3 *s = s3_new(ms, t, name);
    struct pair headers[2];
    struct http_call call = s3_call(s, "GET", headers, STR(NO_BODY));

    s->to = *to;
    call.timeout_ms = GET_MS;
    call.on_head = on_head;
    call.on_data = on_data;
    call.response_bytes_max = BYTES_MAX;
    s->stall = timer_new(ms->e->loop, on_stall, s);
    timer_start(s->stall, ms->e->o.settings->media_fetch_timeout_ms);
    s->http = http_call_start(ms->e->http, &call, on_got, s);
    return &s->op;
}

static void s3_pause(struct op *op, bool paused)
{
    struct s3 *s = (struct s3 *)(void *)op;

    if (s->http != NULL && paused) {
        timer_stop(s->stall);
        http_call_pause(s->http);
    } else if (s->http != NULL) {
        timer_start(s->stall, s->ms->e->o.settings->media_fetch_timeout_ms);
        http_call_resume(s->http);
    }
}

/* ---- deletion ---- */

static struct op *s3_drop(struct media_store *ms, const struct tenant *t, struct str name,
                          media_done_fn *on_done, void *ctx)
{
    struct s3 *s = s3_new(ms, t, name);
    struct pair headers[2];
    struct http_call call = s3_call(s, "DELETE", headers, STR(NO_BODY));

    s->on_done = on_done;
    s->ctx = ctx;
    s->http = http_call_start(ms->e->http, &call, on_answer, s);
    return &s->op;
}

const struct media_backend media_s3 = {s3_put, s3_get, s3_pause, s3_drop};
