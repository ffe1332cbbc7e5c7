/*
 * api_media: files that people sent: the list of an order's, and one of them, streamed out as it is
 * opened, never held whole. Who comes with a signed link needs no key: the link names the file, and
 * when it ends. A file is handed over to be saved, never to be shown in our name.
 */
#include "app_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "domain/media.h"
#include "jobs/media.h"
#include "jobs/metrics.h"

#define BACKLOG ((size_t)512 * 1024)

/* ---- the list ---- */

static bool media_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    const struct doc doc = {reply_int(reply_at(row, 2)), reply_str(reply_at(row, 3))};
    struct medium m;
    struct err err = {0};

    if (doc.version == 0) {
        return false;
    }
    if (!medium_open(r->who.tenant, l->a, id, &doc, &m, &err)) {
        log_error("file cannot be shown: its record does not open",
                  LF_STR("tenant", r->who.tenant->id), LF_STR("medium", id),
                  LF_Z("reason", err.msg));
        metric_add(METRIC_DAMAGED, 1);
        return false;
    }
    medium_write(r->who.tenant, &m, wall_now(), &l->w, NULL);
    return true;
}

void media_answer(struct request *r, struct str order_id)
{
    static const char *const fields[] = {"v", "b", NULL};
    struct listing *l = ARENA_NEW(r->a, struct listing);

    *l = (struct listing){.index = arena_printf(r->a, "om:%.*s", STR_ARG(order_id)),
                          .order = "score",
                          .prefix = "me:",
                          .fields = fields,
                          .row = media_row};
    listing_start(r, l);
}

/* ---- one file ---- */

struct download {
    struct str type, filename;
    bool started;
};

static void on_room(void *ctx)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    if (r->pending != NULL) {
        media_read_resume(r->pending);
    }
}

/* Nothing has been said before the first chunk is there: until then an error is an answer. */
static void start(struct request *r, struct download *d)
{
    d->started = true;
    reply_stream(r, d->type.p, d->filename.p);
}

static void on_bytes(void *ctx, struct str bytes)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct download *d = r->user;

    if (!d->started) {
        start(r, d);
    }
    http_stream_write(r->http, bytes);
    if (http_stream_backlog(r->http) > BACKLOG) {
        media_read_pause(r->pending);
        http_stream_wait(r->http, on_room, r);
    }
}

static void on_end(void *ctx, const struct err *err)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct download *d = r->user;

    r->pending = NULL;
    if (err == NULL) {
        http_stream_end(r->http);
        return;
    }
    log_error("a file of people cannot be handed out", LF_STR("tenant", r->who.tenant->id),
              LF_STR("medium", r->args[0]), LF_Z("reason", err->msg));
    if (d->started) {
        http_req_break(r->http, STR_NONE); /* half a file must not look whole */
    } else {
        reply_error(r, err);
    }
}

static bool not_there(struct request *r, const char *why)
{
    err_set(&r->err, ERR_NOT_FOUND, "%s", why);
    reply_error(r, &r->err);
    return false;
}

static bool handed_out(struct request *r, const struct medium *m)
{
    return str_eqz(m->state, "kept") ||
           not_there(r, str_eqz(m->state, "fetching") ? "this file is still being fetched"
                                                      : "this file could not be had");
}

static void on_medium(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct media_sink sink = {on_bytes, on_end, NULL};
    struct download *d;
    struct medium m;
    struct request *r;

    (void)n;
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (docs[0].version == 0) {
        not_there(r, "there is no such file");
        return;
    }
    if (!medium_open(r->who.tenant, r->a, r->args[0], &docs[0], &m, &r->err)) {
        reply_error(r, &r->err);
        return;
    }
    if (!handed_out(r, &m)) {
        return;
    }
    d = ARENA_NEW(r->a, struct download);
    *d = (struct download){.type = arena_dup(r->a, m.mime), .filename = media_filename(r->a, &m)};
    r->user = d;
    if (str_eqz(http_req_method(r->http), "HEAD")) {
        start(r, d);
        http_stream_end(r->http);
        return;
    }
    sink.ctx = r;
    r->pending = media_read(r->who.et, m.blob, &sink);
}

/* ---- who may ---- */

static void refuse(struct request *r, enum err_code code, const char *why)
{
    err_set(&r->err, code, "%s", why);
    reply_error(r, &r->err);
}

/* The tenant by whose key the link is signed; each that the id could be of is tried. */
static bool link_opens(struct request *r, struct str exp, struct str sig)
{
    struct engine_tenant *found = NULL;

    for (size_t i = 0; i < engine_tenants(r->e); i++) {
        struct engine_tenant *et = engine_tenant_at(r->e, i);
        const struct tenant *t = engine_tenant(et);

        if (media_id_is_of(r->args[0], t) && media_link_signed(t, r->args[0], exp, sig)) {
            found = et;
        }
    }
    if (found != NULL) {
        r->who.et = found;
        r->who.tenant = engine_tenant(found);
    }
    return found != NULL;
}

void api_media_get(struct request *r)
{
    struct str exp = request_param(r, "exp"), sig = request_param(r, "sig"), key;
    int64_t until;

    if (r->who.et == NULL) {
        if (exp.n == 0 || sig.n == 0) {
            refuse(r, ERR_UNAUTHORIZED, "a key is needed, or the whole of a signed link");
            return;
        }
        if (!str_to_i64(exp, 0, INT64_MAX / 1000, &until) || !link_opens(r, exp, sig)) {
            refuse(r, ERR_FORBIDDEN, "this link is not one of ours");
            return;
        }
        if (until * 1000 <= wall_now().ms) {
            refuse(r, ERR_GONE, "this link has expired; the API gives a new one");
            return;
        }
    }
    if (!media_id_is_of(r->args[0], r->who.tenant)) {
        not_there(r, "there is no such file");
        return;
    }
    key = medium_key(r->a, r->args[0]);
    r->pending = fetch_run(engine_store(r->e), r->who.tenant->id, &key, 1, on_medium, r);
}
