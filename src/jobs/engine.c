#include "jobs/engine.h"

#include "alarms.h"
#include "approvals.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "chore.h"
#include "domain/view.h"
#include "media_int.h"

#include <assert.h>
#include <stdio.h>

#define LOAD_AGAIN_MS 500

extern const struct embedded jobs_scripts[]; /* src/jobs/lua, compiled in */

/* ---- start: store, vaults, workers ---- */

static void tenant_load(struct engine_tenant *et);

/* Told once: several tenants may have the same trouble. */
static void engine_fail(struct engine *e, const struct err *err)
{
    log_error("engine cannot start", LF_Z("reason", err->msg));
    if (!e->failed && e->o.on_failed != NULL) {
        e->failed = true;
        e->o.on_failed(e->o.ctx, err);
    }
}

static void on_load_again(void *ctx)
{
    tenant_load(ctx);
}

/* With a pause: some refusals come at once, and asking again at once would never end. */
static void load_again(struct engine_tenant *et, const char *what, const struct err *err)
{
    log_warn(what, LF_STR("tenant", et->t.id), LF_Z("reason", err->msg));
    timer_start(et->again, LOAD_AGAIN_MS);
}

static void tenant_loaded(struct engine_tenant *et)
{
    struct engine *e = et->e;

    et->loaded = true;
    approvals_start(et);
    if (e->o.work && !e->stopping) {
        inbox_start(et);
        outbox_start(et);
        callbacks_start(et);
        chores_start(et);
        alarms_start(et);
    }
    if (++e->nloaded == e->ntenants && !e->stopping) {
        e->ready = true;
        e->o.on_ready(e->o.ctx);
    }
}

static void on_key_made(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct engine_tenant *et = ctx;

    (void)outcome; /* made by us or, meanwhile, by another instance: what is there now counts */
    et->loading = NULL;
    if (err != NULL) {
        load_again(et, "data key not written, trying again", err);
    } else {
        tenant_load(et);
    }
}

static void make_key(struct engine_tenant *et)
{
    struct commit *c = commit_new(et->t.id);
    struct buf wrapped;

    buf_init(&wrapped, 256);
    vault_key_make(et->e->o.settings->master_key, et->t.id, &wrapped);
    commit_check_version(c, STR("vk"), 0);
    commit_doc(c, STR("vk"), 1, buf_str(&wrapped));
    commit_doc(c, STR("schema"), ENGINE_SCHEMA, STR(""));
    buf_fini(&wrapped);
    et->loading = commit_run(et->e->store, &c, on_key_made, et);
}

/* The master key was changed: from now on the new one opens the data, and the old one may be
 * forgotten. */
static void on_rewrapped(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct engine_tenant *et = ctx;

    et->loading = NULL;
    if (err != NULL) {
        load_again(et, "data key not wrapped anew, trying again", err);
        return;
    }
    if (outcome->result == COMMIT_OK) {
        log_info("data key wrapped by the new master key; the previous one is not needed any more "
                 "for this tenant",
                 LF_STR("tenant", et->t.id));
    }
    tenant_load(et);
}

static bool rewrap(struct engine_tenant *et, const struct doc *key)
{
    const struct settings *s = et->e->o.settings;
    struct buf wrapped;
    struct commit *c;
    bool old;

    buf_init(&wrapped, 256);
    old =
        et->e->o.work &&
        vault_key_rewrap(s->master_key, s->has_master_key_previous ? s->master_key_previous : NULL,
                         et->t.id, key->body, &wrapped);
    if (old) {
        c = commit_new(et->t.id);
        commit_check_version(c, STR("vk"), key->version);
        commit_doc(c, STR("vk"), key->version + 1, buf_str(&wrapped));
        et->loading = commit_run(et->e->store, &c, on_rewrapped, et);
    }
    buf_fini(&wrapped);
    return old;
}

static void on_key_read(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct engine_tenant *et = ctx;
    const struct settings *s = et->e->o.settings;
    struct err own = {0};

    (void)n;
    et->loading = NULL;
    if (err != NULL) {
        load_again(et, "data key not read, trying again", err);
        return;
    }
    if (docs[0].version == 0) {
        make_key(et);
        return;
    }
    if (docs[1].version > ENGINE_SCHEMA) {
        err_set(
            &own, ERR_CONFIG,
            "the data of tenant \"%.*s\" has schema %lld, written by a newer crewline; this one "
            "knows %d: start the newer one",
            STR_ARG(et->t.id), (long long)docs[1].version, ENGINE_SCHEMA);
        engine_fail(et->e, &own);
        return;
    }
    if (rewrap(et, &docs[0])) {
        return;
    }
    et->schema = docs[1].version;
    if (!vault_new(s->master_key, s->has_master_key_previous ? s->master_key_previous : NULL,
                   et->t.id, docs[0].body, &et->t.vault, &own)) {
        engine_fail(et->e, &own);
        return;
    }
    tenant_loaded(et);
}

static void tenant_load(struct engine_tenant *et)
{
    static const struct str keys[] = {
        {"vk",     2},
        {"schema", 6}
    };

    et->loading = fetch_run(et->e->store, et->t.id, keys, ARRAY_LEN(keys), on_key_read, et);
}

static void on_health(void *ctx, enum store_health health, const char *reason)
{
    struct engine *e = ctx;

    snprintf(e->store_reason, sizeof(e->store_reason), "%s", reason == NULL ? "" : reason);
    if (health == STORE_READY) {
        log_info("redis is ready");
        for (size_t i = 0; i < e->ntenants; i++) {
            if (e->tenants[i].in != NULL) {
                lane_worker_wake(e->tenants[i].in);
            }
        }
    } else {
        log_warn(health == STORE_WEAK     ? "redis keeps less than was asked for"
                 : health == STORE_PARTLY ? "a part of redis is missing"
                                          : "redis is not ready",
                 LF_Z("reason", e->store_reason));
        for (size_t i = 0; health == STORE_WEAK && i < e->ntenants; i++) {
            if (e->tenants[i].alarms != NULL) {
                alert_raise(&e->tenants[i], STR("redis"), "critical", str_of(e->store_reason),
                            STR("set it as the documentation says, or ask for less durability"));
            }
        }
    }
}

static void tenants_init(struct engine *e)
{
    const struct settings *s = e->o.settings;

    e->ntenants = s->ntenants;
    e->tenants = mem_array(s->ntenants, sizeof(*e->tenants));
    for (size_t i = 0; i < s->ntenants; i++) {
        struct engine_tenant *et = &e->tenants[i];

        et->e = e;
        et->again = timer_new(e->loop, on_load_again, et);
        et->t = (struct tenant){
            .conf = &s->tenants[i],
            .id = s->tenants[i].id,
            .settings = s,
            .i18n = e->o.i18n,
            .templates = e->templates,
        };
    }
}

static bool read_templates(struct engine *e, struct err *err)
{
    struct str dir = e->o.settings->config_dir;
    char path[4096];

    snprintf(path, sizeof(path), "%.*s", STR_ARG(dir));
    return templates_new(dir.n > 0 ? path : NULL, &e->templates, err);
}

bool engine_new(struct loop *l, const struct engine_options *o, struct engine **out,
                struct err *err)
{
    static bool scripts_known;
    const struct store_options so = {o->redis_url, o->settings->durability, 3000,
                                     o->settings->replicas};
    char ca[512];
    struct engine *e = MEM_NEW(struct engine);
    struct http_client_options ho = {.connections_per_host_max = ENGINE_CONNECTIONS,
                                     .user_agent = "crewline/" CREWLINE_VERSION,
                                     .one_write = true};

    if (!scripts_known) {
        store_scripts_add(domain_scripts);
        store_scripts_add(jobs_scripts);
        scripts_known = true;
    }
    e->loop = l;
    e->o = *o;
    list_init(&e->jobs);
    if (!read_templates(e, err)) {
        engine_free(&e);
        return false;
    }
    tenants_init(e);
    if (!store_new(l, &so, on_health, e, &e->store, err)) {
        engine_free(&e);
        return false;
    }
    if (o->settings->ca_file.n > 0) {
        snprintf(ca, sizeof(ca), "%.*s", STR_ARG(o->settings->ca_file));
        ho.ca_file = ca;
    }
    e->http = http_client_new(l, &ho);
    e->media = media_store_new(e);
    if (o->work) {
        http_client_warm(
            e->http); /* before the loop runs: it reads the certificates of all issuers */
    }
    id_new(e->owner);
    commit_owner_set(e->store, str_of(e->owner), o->settings->lease_ms);
    if (o->work) {
        media_store_sweep(e->media);
        lane_wake_subscribe(e->store);
    }
    for (size_t i = 0; i < e->ntenants; i++) {
        tenant_load(&e->tenants[i]);
    }
    *out = e;
    return true;
}

/* ---- stop ---- */

/* Never from inside a worker's turn: whoever is told frees the engine. */
static void stop_finish(void *ctx)
{
    struct engine *e = ctx;
    loop_fn *fn = e->on_stopped;

    timer_stop(e->stop_timer);
    e->on_stopped = NULL;
    if (fn != NULL) {
        fn(e->stop_ctx);
    }
}

static void on_worker_idle(void *ctx)
{
    struct engine *e = ctx;

    if (--e->stopping_workers == 0) {
        loop_defer(e->loop, stop_finish, e);
    }
}

static void on_stop_deadline(void *ctx)
{
    struct engine *e = ctx;

    log_warn("stopping with work in flight; its leases run out and it goes on elsewhere",
             LF_INT("workers", (int64_t)e->stopping_workers));
    stop_finish(e);
}

static void stop_worker(struct engine *e, struct lane_worker *w)
{
    if (w != NULL) {
        e->stopping_workers++;
        lane_worker_stop(w, on_worker_idle, e);
    }
}

void engine_stop(struct engine *e, int64_t deadline_ms, loop_fn *on_stopped, void *ctx)
{
    e->stopping = true;
    e->on_stopped = on_stopped;
    e->stop_ctx = ctx;
    e->stop_timer = timer_new(e->loop, on_stop_deadline, e);
    timer_start(e->stop_timer, deadline_ms);
    e->stopping_workers = 1; /* ours, until all are asked */
    for (size_t i = 0; i < e->ntenants; i++) {
        chores_stop(&e->tenants[i]);
        alarms_stop(&e->tenants[i]);
        stop_worker(e, e->tenants[i].in);
        stop_worker(e, e->tenants[i].cb);
        for (size_t k = 0; k < e->tenants[i].noutboxes; k++) {
            stop_worker(e, e->tenants[i].outboxes[k].worker);
        }
        for (size_t k = 0; k < e->tenants[i].ngone; k++) {
            stop_worker(e, e->tenants[i].gone[k]->worker);
        }
    }
    on_worker_idle(e);
}

static void drop_jobs(struct engine *e)
{
    while (!list_empty(&e->jobs)) {
        struct job *job = LIST_OF(e->jobs.next, struct job, node);

        job->drop(job);
    }
}

static void tenant_fini(struct engine_tenant *et)
{
    op_cancel(&et->loading);
    timer_free(&et->again);
    alarms_stop(et);
    approvals_stop(et);
    lane_worker_free(&et->in);
    lane_worker_free(&et->cb);
    for (size_t k = 0; k < et->noutboxes; k++) {
        outbox_fini(&et->outboxes[k]);
    }
    mem_free(&et->outboxes);
    outboxes_gone_fini(et);
}

void engine_free(struct engine **owner)
{
    struct engine *e = *owner;

    if (e == NULL) {
        return;
    }
    e->closing = true;
    for (size_t i = 0; i < e->ntenants; i++) {
        chores_stop(&e->tenants[i]); /* before the jobs: they hold operations of some */
    }
    drop_jobs(e);
    for (size_t i = 0; i < e->ntenants; i++) {
        tenant_fini(&e->tenants[i]);
    }
    loop_defer_cancel(e->loop, stop_finish, e);
    http_client_free(&e->http);
    media_store_free(&e->media);
    store_free(&e->store);
    for (size_t i = 0; i < e->ntenants; i++) {
        vault_free(&e->tenants[i].t.vault);
    }
    timer_free(&e->stop_timer);
    mem_free(&e->tenants);
    templates_free(&e->templates);
    mem_free(owner);
}

void engine_reloaded(struct engine *e)
{
    for (size_t i = 0; i < e->ntenants; i++) {
        callbacks_resume(&e->tenants[i]);
        for (size_t k = 0; k < e->tenants[i].noutboxes; k++) {
            outbox_apply_rate(&e->tenants[i].outboxes[k]);
        }
        senders_resume(&e->tenants[i]);
    }
}

/* ---- what others ask ---- */

struct store *engine_store(struct engine *e)
{
    return e->store;
}

struct http_client *engine_http(struct engine *e)
{
    return e->http;
}

struct loop *engine_loop(struct engine *e)
{
    return e->loop;
}

const struct settings *engine_settings(const struct engine *e)
{
    return e->o.settings;
}

bool engine_ready(const struct engine *e)
{
    return e->ready && !e->stopping;
}

size_t engine_tenants(const struct engine *e)
{
    return e->ntenants;
}

struct engine_tenant *engine_tenant_at(struct engine *e, size_t i)
{
    assert(i < e->ntenants);
    return &e->tenants[i];
}

struct engine_tenant *engine_tenant_find(struct engine *e, struct str id)
{
    for (size_t i = 0; i < e->ntenants; i++) {
        if (str_eq(e->tenants[i].t.id, id)) {
            return &e->tenants[i];
        }
    }
    return NULL;
}

const struct tenant *engine_tenant(const struct engine_tenant *et)
{
    return &et->t;
}

int64_t engine_schema(const struct engine_tenant *et)
{
    return et->schema;
}

const char *engine_callback_health(const struct engine_tenant *et, struct str *reason)
{
    *reason = str_of(et->callbacks.reason);
    if (et->callbacks.off) {
        return "down";
    }
    return et->callbacks.failing >= 3 ? "degraded" : "ok";
}
