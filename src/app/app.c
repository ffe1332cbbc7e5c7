#include "app/app.h"

#include "app_int.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "web.h"

#include <stdio.h>

#define REPLY_BYTES_MAX (16 << 20)

/* A longer body is not taken in before its key was looked up. */
#define BIG_BODY_BYTES (64 << 10)

extern const struct embedded app_scripts[]; /* src/app/lua, compiled in */

/* ---- from a request on the wire to its handler ---- */

static void run_route(struct request *r)
{
    if (r->app->engine == NULL || !engine_ready(r->app->engine)) {
        if ((r->route->flags & ROUTE_NOT_READY) == 0) {
            err_set(&r->err, ERR_STORE_UNAVAILABLE,
                    "the gateway is starting or stopping, or Redis is not there yet");
            reply_error(r, &r->err);
            return;
        }
    }
    r->e = r->app->engine;
    if (r->who.et != NULL && strcmp(r->route->method, "POST") == 0) {
        idempotency_peek(r, r->route->run);
    } else {
        r->route->run(r);
    }
}

/* The fingerprint of a large body is made while it arrives: at once it would hold the loop for 10
 * ms. */
static void hash_upload(struct request *r)
{
    r->hashers = ARENA_NEW(r->a, struct hasher);
    hasher_init(r->hashers, HASH_SHA256);
    r->nhashers = 1;
    http_req_hash(r->http, r->hashers, 1);
}

static size_t body_limit(const struct request *r)
{
    const struct settings *s = r->app->settings;

    return (size_t)((r->route->flags & ROUTE_WEBHOOK) != 0  ? s->http_webhook_bytes
                    : (r->route->flags & ROUTE_UPLOAD) != 0 ? s->http_upload_bytes
                                                            : s->http_api_bytes);
}

static bool has_big_body(const struct request *r)
{
    return http_req_content_length(r->http) > BIG_BODY_BYTES ||
           http_req_header_count(r->http, STR("Transfer-Encoding")) > 0;
}

static void on_known(struct request *r)
{
    r->known = true;
    http_req_go(r->http);
}

/* What a key allows is asked before a big body is taken in, and behind a small one: that spares the
 * usual request a wait between its head and its body. */
static void key_headers(struct request *r)
{
    if (!auth_looks_good(r)) {
        return;
    }
    if ((r->route->flags & ROUTE_UPLOAD) != 0) {
        hash_upload(r);
    }
    if (has_big_body(r)) {
        http_req_hold(r->http);
        auth_check(r, on_known);
    }
}

static void on_headers(void *ctx, struct http_req *http)
{
    struct app *app = ctx;
    struct arena *a = http_req_arena(http);
    struct request *r = ARENA_NEW(a, struct request);
    struct str path, query;
    struct buf allow;

    *r = (struct request){
        .magic = REQUEST_MAGIC, .app = app, .http = http, .a = a, .began = mono_now()};
    http_req_set_user(http, r);
    buf_init(&allow, 128);
    str_cut(http_req_target(http), '?', &path, &query);
    r->route = route_find(a, http_req_method(http), path, r->args, &allow);
    if (r->route == NULL) {
        err_set(&r->err, allow.n > 0 ? ERR_METHOD : ERR_NOT_FOUND,
                allow.n > 0 ? "this path takes %s" : "there is nothing here; see /api/openapi.json",
                allow.p);
        r->user = allow.n > 0 ? (void *)arena_dup(a, buf_str(&allow)).p : NULL;
        buf_fini(&allow);
        reply_error(r, &r->err);
        return;
    }
    buf_fini(&allow);
    http_req_limit(http, body_limit(r));
    if ((r->route->flags & ROUTE_META) != 0) {
        webhook_meta_headers(r);
    } else if ((r->route->flags & ROUTE_TWILIO) != 0) {
        webhook_twilio_headers(r);
    } else if ((r->route->flags & ROUTE_WEBHOOK) == 0) {
        key_headers(r);
    }
}

static void on_request(void *ctx, struct http_req *http)
{
    struct request *r = obj_check(http_req_user(http), REQUEST_MAGIC);

    (void)ctx;
    if ((r->route->flags & ROUTE_WEBHOOK) != 0) {
        run_route(r);
        return;
    }
    r->idempotency = http_req_header(http, STR("Idempotency-Key"));
    if (r->idempotency.n > 255) {
        err_set(&r->err, ERR_BAD_REQUEST, "Idempotency-Key is longer than 255 characters");
        reply_error(r, &r->err);
        return;
    }
    if (http_req_query(http).n > 0 && http_req_params(http) == NULL) {
        err_set(&r->err, ERR_BAD_REQUEST,
                "the query is not valid: a broken %% escape, or too many parameters");
        reply_error(r, &r->err);
        return;
    }
    if (r->known) {
        run_route(r);
    } else {
        auth_check(r, run_route);
    }
}

/* The request ends: answered, or its client went away. What is not in the arena goes here. */
static void request_end(struct request *r)
{
    op_cancel(&r->pending);
    json_free(&r->body);
    for (size_t i = 0; i < r->nhashers; i++) {
        hasher_fini(&r->hashers[i]);
    }
    r->nhashers = 0;
    meta_secrets_drop(&r->secrets); /* behind the hashers, which look into them */
}

static void on_gone(void *ctx, struct http_req *http)
{
    struct request *r = http_req_user(http);

    (void)ctx;
    if (r == NULL) {
        return;
    }
    if (r->on_gone != NULL) {
        r->on_gone(r);
    }
    request_end(r);
    buf_fini(&r->out);
}

/* ---- answers ---- */

/* Every reply carries these; see CONTRACT "Paths for the CMMS and for admins". */
static const struct http_field security_fields[] = {
    {"X-Content-Type-Options",       {"nosniff", 7}                                    },
    {"Content-Security-Policy",      {"default-src 'none'; frame-ancestors 'none'", 42}},
    {"Referrer-Policy",              {"no-referrer", 11}                               },
    {"Cross-Origin-Opener-Policy",   {"same-origin", 11}                               },
    {"Cross-Origin-Resource-Policy", {"same-origin", 11}                               },
    {"Cache-Control",                {"no-store", 8}                                   },
};

static bool is_https(const struct app *app)
{
    return str_starts(app->settings->public_url, STR("https:"));
}

/* What the server itself refuses, before it is a request. It adds Retry-After where that is due. */
static void on_error(void *ctx, const struct err *err, struct buf *headers, struct buf *body)
{
    buf_addz(headers, "Content-Type: application/problem+json\r\n");
    for (size_t i = 0; i < ARRAY_LEN(security_fields); i++) {
        buf_addf(headers, "%s: %.*s\r\n", security_fields[i].name,
                 STR_ARG(security_fields[i].value));
    }
    if (is_https(ctx)) {
        buf_addz(headers, "Strict-Transport-Security: max-age=31536000\r\n");
    }
    problem_render(err, body);
}

#define FIELDS_MAX (ARRAY_LEN(security_fields) + 5)

static void put_field(struct http_field fields[FIELDS_MAX], size_t *n, struct http_field f)
{
    size_t i = 0;

    while (i < *n && strcmp(fields[i].name, f.name) != 0) {
        i++;
    }
    if (i < FIELDS_MAX) {
        fields[i] = f;
        *n = i < *n ? *n : i + 1;
    }
}

static size_t reply_fields(const struct request *r, struct http_field fields[FIELDS_MAX],
                           const struct http_field *extra, size_t nextra)
{
    size_t n = ARRAY_LEN(security_fields);

    memcpy(fields, security_fields, sizeof(security_fields));
    if (is_https(r->app)) {
        fields[n++] = (struct http_field){"Strict-Transport-Security", STR("max-age=31536000")};
    }
    if (r->cookie.n > 0) {
        fields[n++] = (struct http_field){"Set-Cookie", r->cookie};
    }
    for (size_t i = 0; i < nextra; i++) {
        put_field(fields, &n, extra[i]);
    }
    return n;
}

void reply_with(struct request *r, int status, const char *type, struct str body,
                const struct http_field *extra, size_t nextra)
{
    struct http_field fields[FIELDS_MAX];
    struct http_reply reply;
    struct buf out = r->out; /* outlives the request: @body may lie in it */

    reply =
        (struct http_reply){.status = status, .content_type = type, .fields = fields, .body = body};
    reply.nfields = reply_fields(r, fields, extra, nextra);
    r->out = (struct buf){0};
    request_end(r);
    http_reply(r->http, &reply);
    buf_fini(&out);
}

void reply_stream(struct request *r, const char *type, const char *file)
{
    struct http_field fields[FIELDS_MAX], extra;
    struct http_reply head = {.status = 200, .content_type = type, .fields = fields};

    if (file != NULL) {
        extra = (struct http_field){"Content-Disposition",
                                    arena_printf(r->a, "attachment; filename=\"%s\"", file)};
    }
    head.nfields = reply_fields(r, fields, &extra, file != NULL ? 1 : 0);
    http_stream_start(r->http, &head);
}

void reply_text(struct request *r, int status, const char *type, struct str body)
{
    reply_with(r, status, type, body, NULL, 0);
}

void reply_json(struct request *r, int status, struct str body)
{
    reply_with(r, status, "application/json", body, NULL, 0);
}

void reply_empty(struct request *r, int status)
{
    reply_with(r, status, NULL, STR_NONE, NULL, 0);
}

void reply_error(struct request *r, const struct err *err)
{
    struct http_field extra[2];
    struct buf body;
    size_t n = 0;

    if (err_status(err->code) == 503 || err_status(err->code) == 429) {
        extra[n++] = (struct http_field){
            "Retry-After",
            arena_printf(r->a, "%lld",
                         (long long)(err->retry_after_s > 0 ? err->retry_after_s : 1))};
    }
    if (err->code == ERR_METHOD && r->user != NULL) {
        extra[n++] = (struct http_field){"Allow", str_of(r->user)};
    }
    if (err_status(err->code) == 401 && r->route != NULL &&
        (r->route->flags & ROUTE_WEBHOOK) == 0) {
        extra[n++] = (struct http_field){"WWW-Authenticate", STR("Bearer")};
    }
    if (err->code == ERR_INTERNAL || err->code == ERR_STORE_REPLY) {
        log_error("request failed", LF_STR("path", http_req_path(r->http)),
                  LF_Z("reason", err->msg));
    }
    if (r->route != NULL && web_is_wanted(r)) {
        web_problem(r, err);
        return;
    }
    buf_init(&body, 4096);
    problem_render(err, &body);
    reply_with(r, err_status(err->code), "application/problem+json",
               arena_dup(r->a, buf_str(&body)), extra, n);
    buf_fini(&body);
}

struct buf *reply_begin(struct request *r, struct jw *w)
{
    buf_fini(&r->out);
    buf_init(&r->out, REPLY_BYTES_MAX);
    jw_init(w, &r->out);
    return &r->out;
}

void reply_built(struct request *r, int status, struct buf *body)
{
    if (!buf_ok(body)) {
        err_set(&r->err, ERR_INTERNAL,
                "the answer is larger than %d MiB; ask for fewer items with ?limit=",
                REPLY_BYTES_MAX >> 20);
        reply_error(r, &r->err);
        return;
    }
    reply_json(r, status, buf_str(body));
}

/* ---- life ---- */

static void add_secret(struct str *list, size_t *n, struct str secret)
{
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(list[i], secret)) {
            return;
        }
    }
    if (secret.n > 0 && *n < WEBHOOK_SECRETS_MAX) {
        list[(*n)++] = secret;
    }
}

void meta_secrets_drop(struct meta_secrets **owner)
{
    struct meta_secrets *secrets = *owner;

    *owner = NULL;
    if (secrets != NULL && --secrets->refs == 0) {
        mem_wipe(secrets, sizeof(*secrets));
        mem_free(&secrets);
    }
}

/* Which secret a webhook is signed with is not known before it is parsed, and it is not parsed
 * before. */
static void collect_secrets(struct app *app)
{
    struct meta_secrets *secrets = MEM_NEW(struct meta_secrets);

    meta_secrets_drop(&app->meta_secrets);
    app->meta_secrets = secrets;
    secrets->refs = 1;
    app->nmeta_tokens = 0;
    for (size_t t = 0; t < app->settings->ntenants; t++) {
        for (size_t i = 0; i < app->settings->tenants[t].nsenders; i++) {
            const struct sender *s = &app->settings->tenants[t].senders[i];

            if (s->provider == PROVIDER_META) {
                add_secret(secrets->text, &secrets->n, s->app_secret);
                add_secret(secrets->text, &secrets->n, s->app_secret_previous);
                add_secret(app->meta_tokens, &app->nmeta_tokens, s->verify_token);
            }
        }
    }
    for (size_t i = 0; i < secrets->n; i++) {
        hmac_key_init(&secrets->keys[i], secrets->text[i]);
    }
}

static const struct http_handler handler = {on_headers, on_request, on_gone, on_error};

void app_scripts_add(void)
{
    static bool known;

    if (!known) {
        store_scripts_add(app_scripts);
        known = true;
    }
}

struct app *app_new(struct loop *l, struct settings *s, const struct i18n *i18n)
{
    struct app *app = MEM_NEW(struct app);
    struct http_server_options o = http_server_defaults;
    struct str proxies[64];

    app_scripts_add();
    app->loop = l;
    app->settings = s;
    app->i18n = i18n;
    app->key_cache = map_new();
    list_init(&app->big_waiting);
    o.header_bytes_max = (size_t)s->http_header_bytes;
    o.header_fields_max = (size_t)s->http_header_fields;
    o.header_timeout_ms = s->http_header_timeout_ms;
    o.body_min_bytes_s = s->http_body_min_bytes_s;
    o.idle_timeout_ms = s->http_idle_timeout_ms;
    o.connections_max = (size_t)s->http_connections;
    o.connections_per_address_max = (size_t)s->http_connections_per_address;
    o.body_bytes_total_max = (size_t)s->http_body_bytes_total;
    o.body_bytes_per_address_max = (size_t)s->http_body_bytes_per_address;
    for (size_t i = 0; i < json_len(s->trusted_proxies) && i < ARRAY_LEN(proxies); i++) {
        proxies[o.ntrusted_proxies++] = json_str(json_at(s->trusted_proxies, i));
    }
    o.trusted_proxies = proxies;
    app->server = http_server_new(l, &o, &handler, app);
    buf_init(&app->openapi, (size_t)1 << 20);
    openapi_write(&app->openapi);
    collect_secrets(app);
    return app;
}

bool app_listen(struct app *app, struct err *err)
{
    const struct settings *s = app->settings;

    if (s->tls_cert.n > 0) {
        char cert[1024], key[1024];

        snprintf(cert, sizeof(cert), "%.*s", STR_ARG(s->tls_cert));
        snprintf(key, sizeof(key), "%.*s", STR_ARG(s->tls_key));
        if (!tls_server_new(cert, key, &app->tls, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < json_len(s->listen); i++) {
        if (!http_server_listen(app->server, json_str(json_at(s->listen, i)), app->tls, err)) {
            return false;
        }
    }
    return true;
}

bool app_listen_at(struct app *app, struct str where, struct err *err)
{
    return http_server_listen(app->server, where, NULL, err);
}

void app_serve(struct app *app, struct engine *e)
{
    app->engine = e;
}

void app_reloaded(struct app *app, struct err *err)
{
    collect_secrets(app);
    if (app->tls != NULL) {
        tls_server_reload(app->tls, err);
    }
}

void app_retire(struct app *app)
{
    app->draining = true;
    http_server_retire(app->server);
}

void app_drain(struct app *app, loop_fn *on_drained, void *ctx)
{
    app->draining = true;
    http_server_drain(app->server, on_drained, ctx);
}

void app_close(struct app *app)
{
    http_server_free(&app->server);
}

int app_port(const struct app *app)
{
    return http_server_port(app->server);
}

void app_free(struct app **owner)
{
    struct app *app = *owner;

    if (app == NULL) {
        return;
    }
    http_server_free(&app->server);
    tls_server_free(&app->tls);
    api_events_fini(app);
    auth_fini(app);
    buf_fini(&app->openapi);
    meta_secrets_drop(&app->meta_secrets);
    mem_free(owner);
}
