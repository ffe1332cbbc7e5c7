/*
 * auth: credentials. A key names its tenant, so one HGET finds it; what was found is believed for
 * five seconds, and a revocation in this process forgets at once.
 */
#include "app_int.h"
#include "base/mem.h"

#include <stdio.h>

#define KEY_CACHE_MS  5000
#define KEY_CACHE_MAX 4096

struct cached_key {
    struct engine_tenant *et;
    unsigned role;
    bool broadcast;
    struct mono until;
    char id[ID_BYTES];
    char name[128];
};

struct auth { /* one look-up under way; in the request's arena */
    handler_fn *next;
    struct str secret, cache_key;
    struct engine_tenant *et;
};

void auth_forget(struct app *app)
{
    struct str key;
    void *cached;

    for (size_t it = 0; map_next(app->key_cache, &it, &key, &cached);) {
        mem_free(&cached);
    }
    map_free(&app->key_cache);
    app->key_cache = map_new();
}

void auth_fini(struct app *app)
{
    auth_forget(app);
    map_free(&app->key_cache);
}

static void refuse(struct request *r, const char *why)
{
    err_set(&r->err, ERR_UNAUTHORIZED, "%s", why);
    reply_error(r, &r->err);
}

static void admit(struct request *r, handler_fn *next)
{
    if ((r->route->roles & r->who.role) == 0 && (r->route->flags & ROUTE_PUBLIC) == 0) {
        err_set(&r->err, ERR_FORBIDDEN, "a %s key may not do this", api_key_role_name(r->who.role));
        reply_error(r, &r->err);
        return;
    }
    next(r);
}

static void fill(struct request *r, struct engine_tenant *et, unsigned role, bool broadcast,
                 struct str id, struct str name)
{
    r->who = (struct identity){.et = et,
                               .tenant = engine_tenant(et),
                               .role = role,
                               .broadcast = broadcast,
                               .key_id = arena_dup(r->a, id),
                               .key_name = arena_dup(r->a, name)};
}

static struct str cache_key_of(struct request *r, struct str secret)
{
    uint8_t digest[SHA256_BYTES];

    sha256(secret, digest);
    return arena_dup(r->a, str_make(digest, sizeof(digest)));
}

static void remember(struct app *app, const struct auth *auth, const struct api_key *key)
{
    struct cached_key *cached;

    if (map_len(app->key_cache) >= KEY_CACHE_MAX) {
        auth_forget(app);
    }
    cached = map_get(app->key_cache, auth->cache_key);
    if (cached == NULL) {
        cached = MEM_NEW(struct cached_key);
        map_put(app->key_cache, auth->cache_key, cached);
    }
    cached->et = auth->et;
    cached->role = key->role;
    cached->broadcast = key->broadcast;
    cached->until = (struct mono){mono_now().us + KEY_CACHE_MS * 1000};
    snprintf(cached->id, sizeof(cached->id), "%.*s", STR_ARG(key->id));
    snprintf(cached->name, sizeof(cached->name), "%.*s", STR_ARG(key->name));
}

static void on_key(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);
    struct auth *auth = r->user;
    struct api_key key;

    r->pending = NULL;
    r->user = NULL;
    if (err != NULL) {
        reply_error(r, err);
        return;
    }
    if (!api_key_decode(r->a, reply_str(reply), &key) || !api_key_fits(&key, auth->secret)) {
        refuse(r, "this key is not known, or was revoked");
        return;
    }
    remember(r->app, auth, &key);
    fill(r, auth->et, key.role, key.broadcast, key.id, key.name);
    admit(r, auth->next);
}

static void look_up(struct request *r, struct str secret, handler_fn *next)
{
    struct auth *auth = ARENA_NEW(r->a, struct auth);
    struct str tenant, id;
    struct call call;

    if (!api_key_parse(secret, &tenant, &id) ||
        (auth->et = engine_tenant_find(r->app->engine, tenant)) == NULL) {
        refuse(r, "this key is not known, or was revoked");
        return;
    }
    auth->next = next;
    auth->secret = secret;
    auth->cache_key = cache_key_of(r, secret);
    r->user = auth;
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, arena_printf(r->a, "{%.*s}:ak", STR_ARG(tenant)));
    call_str(&call, id);
    r->pending = store_run(engine_store(r->app->engine), &call, on_key, r);
}

static bool is_bootstrap(const struct app *app, struct str secret)
{
    return app->settings->bootstrap_key.n > 0 &&
           str_eq_secret(secret, app->settings->bootstrap_key);
}

static void check_secret(struct request *r, struct str secret, handler_fn *next)
{
    const struct cached_key *cached;

    if (is_bootstrap(r->app, secret)) {
        struct engine_tenant *et = engine_tenant_find(r->app->engine, STR("default"));

        fill(r, et != NULL ? et : engine_tenant_at(r->app->engine, 0), KEY_ADMIN, true,
             STR("bootstrap"), STR("bootstrap"));
        admit(r, next);
        return;
    }
    cached = map_get(r->app->key_cache, cache_key_of(r, secret));
    if (cached != NULL && cached->until.us > mono_now().us) {
        fill(r, cached->et, cached->role, cached->broadcast, str_of(cached->id),
             str_of(cached->name));
        admit(r, next);
        return;
    }
    look_up(r, secret, next);
}

/* What a proxy on this machine hands on comes from elsewhere, whether we believe its word or not. */
static bool is_local(const struct request *r)
{
    return http_req_is_loopback(r->http) &&
           http_req_header_count(r->http, STR("X-Forwarded-For")) == 0 &&
           http_req_header_count(r->http, STR("Forwarded")) == 0;
}

static bool is_open(const struct request *r)
{
    return (r->route->flags & ROUTE_PUBLIC) != 0 ||
           ((r->route->flags & ROUTE_LOOPBACK) != 0 && is_local(r));
}

/* The key as given, or STR_NONE for anything that cannot be one. */
static struct str secret_of(struct request *r)
{
    struct str header = http_req_header(r->http, STR("Authorization")), tenant, id;
    struct str secret = str_trim(str_slice(header, 7, header.n));

    if (header.n < 8 || !str_ieq(str_slice(header, 0, 7), STR("Bearer ")) ||
        http_req_header_count(r->http, STR("Authorization")) != 1) {
        return STR_NONE;
    }
    return is_bootstrap(r->app, secret) || api_key_parse(secret, &tenant, &id) ? secret : STR_NONE;
}

bool auth_looks_good(struct request *r)
{
    bool given = http_req_header_count(r->http, STR("Authorization")) > 0;

    if ((!given && is_open(r)) || secret_of(r).n > 0) {
        return true;
    }
    refuse(r, given ? "this key is not known, or was revoked"
                    : "a key is needed: Authorization: Bearer <key>");
    return false;
}

void auth_check(struct request *r, handler_fn *next)
{
    struct str secret = secret_of(r);

    if (secret.n == 0) { /* auth_looks_good() let it pass: the route is open */
        next(r);
        return;
    }
    if (r->app->engine == NULL || !engine_ready(r->app->engine)) {
        if (is_open(r)) {
            next(r);
            return;
        }
        err_set(&r->err, ERR_STORE_UNAVAILABLE,
                "the gateway is starting or stopping, or Redis is not there yet");
        reply_error(r, &r->err);
        return;
    }
    check_secret(r, secret, next);
}
